"""The independent checker of plans and board packets: standard library and geometry, no step of the product."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
