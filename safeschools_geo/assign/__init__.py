"""Which zone each place lies in: exact, one row for each place, every tie decided by a stated rule."""

from safeschools_geo.assign.campuses import assign_campuses
from safeschools_geo.assign.locator import ZoneLocator
from safeschools_geo.assign.points import assign_points

__all__ = ["ZoneLocator", "assign_campuses", "assign_points"]
