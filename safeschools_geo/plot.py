"""Maps and charts of a term, each a page that opens offline: ``plot.zones(result)``, ``plot.hotspots(result)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.board import draw_packet
from safeschools_geo.pages import OfflinePage, nothing_page, zone_rates
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
from safeschools_geo.pages import zones_map as zones

if TYPE_CHECKING:
    from safeschools_geo.results import TermResult

__all__ = [
    "absence",
    "board",
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


def board(result: TermResult, chapter: str = "rates") -> OfflinePage:
    """Draw a page of the packet for the board, in English.

    Parameters
    ----------
    result
        All results of the term.
    chapter
        The page: ``index``, ``zones``, ``rates``, ``trends``, ``plan``, ``coverage``, ``method`` or ``glossary``.

    Returns
    -------
    OfflinePage
        The page; where nothing may be published it says why.
    """
    if result.board.is_empty:
        return nothing_page("For the board", result.board.why, result)
    return OfflinePage(draw_packet(result.board.content, langs=("en",))[f"{chapter}.html"], f"For the board: {chapter}")
