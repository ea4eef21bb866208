"""All pages of a term, and the page that links them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from safeschools_geo.drawing import content_policy, require_offline, templates
from safeschools_geo.pages._coverage import draw_coverage
from safeschools_geo.pages._hotspots import draw_hotspots
from safeschools_geo.pages._offline import own
from safeschools_geo.pages._page import STYLES, SYNTHETIC, OfflinePage
from safeschools_geo.pages._plan import draw_plan
from safeschools_geo.pages._sheets import draw_sheets
from safeschools_geo.pages._term import (
    context_of,
    history_finding,
    history_map,
    rates_finding,
    rates_map,
    zones_finding,
    zones_map,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.pages._page import PageContext
    from safeschools_geo.results import TermResult


@dataclass(frozen=True)
class MapEntry:
    """A page as the index names it: its file, title, finding, and a small picture of it as SVG.

    The first line of the finding is the answer; further lines are folded.
    """

    href: str
    title: str
    finding: str
    thumbnail: str = ""


def draw_term(
    result: TermResult, *, tiles: bool = False, only: Literal["hotspots", "coverage"] | None = None
) -> dict[str, str]:
    """Draw every page of a term.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the pages then ask the network for.
    only
        What to draw the pages of, without an index; all if left out.

    Returns
    -------
    dict of str to str
        Name of the file → its HTML; ``index.html`` links the others.
    """
    if only == "hotspots":
        return {name: page.html for name, (page, _) in draw_hotspots(result, tiles=tiles).items()}
    if only == "coverage":
        linked = {name: page for name, (page, _) in draw_coverage(result, tiles=tiles).items()}
        return {name: page.html for name, page in (linked | draw_sheets(result)).items()}
    maps = {
        "zones.html": (zones_map(result, tiles=tiles), "Zones and workload", zones_finding(result)),
        "history.html": (history_map(result, tiles=tiles), "Incident history", history_finding(result)),
        "rates.html": (rates_map(result, tiles=tiles), "Incident rates by zone", rates_finding(result)),
    }
    drawn = draw_plan(result, tiles=tiles) | draw_coverage(result, tiles=tiles) | draw_hotspots(result, tiles=tiles)
    for name, (page, finding) in drawn.items():
        maps[name] = (page, page.heading, finding)
    entries = [MapEntry(name, title, finding, page.thumbnail) for name, (page, title, finding) in maps.items()]
    pages = {name: page for name, (page, *_) in maps.items()} | draw_sheets(result)
    index = index_page(entries, context=context_of(result))
    return {"index.html": index.html, **{name: page.html for name, page in pages.items()}}


def index_page(entries: Sequence[MapEntry], *, context: PageContext) -> OfflinePage:
    """Draw the page that links the pages of a term, each with its finding."""
    html = (
        templates("safeschools_geo.pages")
        .get_template("index.html.j2")
        .render(entries=entries, context=context, synthetic=SYNTHETIC, styles=own(STYLES), policy=content_policy([]))
    )
    require_offline(html)
    return OfflinePage(html, f"Maps – {context.district}, {context.term}")
