"""Which zone each place lies in: exact, one row for each place, every tie decided by a stated rule."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
