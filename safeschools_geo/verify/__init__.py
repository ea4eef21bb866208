"""The independent checker of plans and board packets: standard library and geometry, no step of the product."""

import sys
from types import ModuleType

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _Callable(ModuleType):
    """A folder that is also the function of its name, for ``ssg.verify(…)``."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.verify(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
