"""What is wrong with the tables of a district: every fault, its rows, what was expected, how to repair it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
