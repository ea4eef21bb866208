"""Who comes, how soon, and who helps out: travel, queueing, response, waiting points, absences, visits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
