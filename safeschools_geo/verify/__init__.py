"""The independent checker of plans and board packets: standard library and geometry, no step of the product."""

import sys
from types import ModuleType

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# A folder that is also the function of its name, for ``ssg.verify(…)``.
sys.modules[__name__].__class__ = type(
    "CallableFolder", (ModuleType,), {"__call__": lambda folder, *args, **kwargs: folder.verify(*args, **kwargs)}
)
