"""Maps as single files that open with the network cut."""

from __future__ import annotations

from safeschools_geo.maps.absence_pages import absence_page, absences_page
from safeschools_geo.maps.coverage_pages import coverage_page
from safeschools_geo.maps.hotspot_pages import cells_page, hotspots_page, hours_page, trends_page
from safeschools_geo.maps.offline import render_offline, require_offline
from safeschools_geo.maps.pages import history_page, rates_page, zones_page
from safeschools_geo.maps.plan_pages import plan_page
from safeschools_geo.maps.shell import Chart, MapEntry, OfflinePage, PageContext, index_page
from safeschools_geo.maps.visit_pages import visits_page
from safeschools_geo.maps.what_if import what_if_page

__all__ = [
    "Chart",
    "MapEntry",
    "OfflinePage",
    "PageContext",
    "absence_page",
    "absences_page",
    "cells_page",
    "coverage_page",
    "history_page",
    "hotspots_page",
    "hours_page",
    "index_page",
    "plan_page",
    "rates_page",
    "render_offline",
    "require_offline",
    "trends_page",
    "visits_page",
    "what_if_page",
    "zones_page",
]
