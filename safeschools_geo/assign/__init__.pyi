from ._decide import assign_campuses as assign_campuses
from ._decide import assign_points as assign_points
from ._locator import ZoneLocator as ZoneLocator
