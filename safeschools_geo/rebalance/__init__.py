"""Patrol zones: drafted from scratch, and changed as little as possible, with what is proven of it."""

import sys
from types import ModuleType

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# A folder that is also the function of its name, for ``ssg.rebalance(…)``.
sys.modules[__name__].__class__ = type(
    "CallableFolder", (ModuleType,), {"__call__": lambda folder, *args, **kwargs: folder.rebalance(*args, **kwargs)}
)
