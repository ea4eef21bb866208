"""Disclosure control: what may be published about small groups of students, and what that gives away."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
