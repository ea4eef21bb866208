"""Geospatial zone planning and analytics for school-safety patrol programs.

``import safeschools_geo as ssg`` is all that a notebook needs; each name is loaded when it is first used.
"""

from importlib import import_module

import lazy_loader

__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    # These are folders and, called, the functions of their names: whichever is asked for first, it is the same thing.
    return import_module(f"{__name__}.{name}") if name in {"rebalance", "verify"} else _load(name)
