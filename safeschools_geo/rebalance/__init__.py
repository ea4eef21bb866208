"""Patrol zones: drafted from scratch, and changed as little as possible, with what is proven of it."""

import sys
from types import ModuleType

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _Callable(ModuleType):
    """A folder that is also the function of its name, for ``ssg.rebalance(…)``."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.rebalance(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
