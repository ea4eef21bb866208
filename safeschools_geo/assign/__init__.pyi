from ._locator import ZoneLocator as ZoneLocator
from ._points import assign_campuses as assign_campuses
from ._points import assign_points as assign_points
