"""Maps as single files that open with the network cut."""

from __future__ import annotations

from safeschools_geo.maps.offline import render_offline, require_offline
from safeschools_geo.maps.pages import history_page, rates_page, zones_page
from safeschools_geo.maps.shell import MapEntry, OfflinePage, PageContext, index_page

__all__ = [
    "MapEntry",
    "OfflinePage",
    "PageContext",
    "history_page",
    "index_page",
    "rates_page",
    "render_offline",
    "require_offline",
    "zones_page",
]
