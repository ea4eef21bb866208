"""Maps and charts of a term, each a page that opens offline: ``plot.zones(result)``, ``plot.hotspots(result)``."""

from __future__ import annotations

from safeschools_geo.pages import absence_sheet as absence
from safeschools_geo.pages import coverage_map as coverage
from safeschools_geo.pages import grid_map as grid
from safeschools_geo.pages import history_map as history
from safeschools_geo.pages import hotspot_map as hotspots
from safeschools_geo.pages import hour_chart as hours
from safeschools_geo.pages import plan_map as plan
from safeschools_geo.pages import rates_map as rates
from safeschools_geo.pages import school_funnel as funnel
from safeschools_geo.pages import visits_sheet as visits
from safeschools_geo.pages import what_if_map as what_if
from safeschools_geo.pages import zone_rates
from safeschools_geo.pages import zones_map as zones

__all__ = [
    "absence",
    "coverage",
    "funnel",
    "grid",
    "history",
    "hotspots",
    "hours",
    "plan",
    "rates",
    "visits",
    "what_if",
    "zone_rates",
    "zones",
]
