"""Check what was read: every fault at once, each with its rows, what was expected, and how to mend it."""

from safeschools_geo.validate.coordinates import check_coordinates, classify_coordinates
from safeschools_geo.validate.geometry import repair
from safeschools_geo.validate.incidents import check_incidents
from safeschools_geo.validate.rejects import check_rejects
from safeschools_geo.validate.schools import check_schools
from safeschools_geo.validate.zones import check_zones

__all__ = [
    "check_coordinates",
    "check_incidents",
    "check_rejects",
    "check_schools",
    "check_zones",
    "classify_coordinates",
    "repair",
]
