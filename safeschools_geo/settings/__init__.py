"""Settings of a district: frozen values that check themselves."""

from safeschools_geo.settings.board import BoardSettings
from safeschools_geo.settings.calendar import Bells, CalendarSettings, HoursSettings, Term, term_name_faults
from safeschools_geo.settings.coverage import CoverageSettings
from safeschools_geo.settings.district import DistrictSettings, PathSettings
from safeschools_geo.settings.hotspots import HotspotSettings, PatrolChange
from safeschools_geo.settings.inputs import (
    TIME_COLUMNS,
    EnrollmentFile,
    IncidentSettings,
    LayerSettings,
    ReadingSettings,
    SchoolSettings,
    TimeMeaning,
    TimeOfDay,
)
from safeschools_geo.settings.planning import AssignSettings, RebalanceSettings, WorkloadSettings
from safeschools_geo.settings.whole import Settings

__all__ = [
    "TIME_COLUMNS",
    "AssignSettings",
    "Bells",
    "BoardSettings",
    "CalendarSettings",
    "CoverageSettings",
    "DistrictSettings",
    "EnrollmentFile",
    "HotspotSettings",
    "HoursSettings",
    "IncidentSettings",
    "LayerSettings",
    "PathSettings",
    "PatrolChange",
    "ReadingSettings",
    "RebalanceSettings",
    "SchoolSettings",
    "Settings",
    "Term",
    "TimeMeaning",
    "TimeOfDay",
    "WorkloadSettings",
    "term_name_faults",
]
