"""Reading any file an analyst has, and writing tables that are safe to open: text, ids, times, places."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
