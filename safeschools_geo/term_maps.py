"""The maps of a term: each with its one-line finding, from the term's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.coverage_maps import draw_coverage, draw_sheets
from safeschools_geo.hotspot_maps import draw_hotspots
from safeschools_geo.maps import MapEntry, history_page, index_page, rates_page, zones_page
from safeschools_geo.plan_maps import draw_plan
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.term_pages import context_of, layers_of
from safeschools_geo.workload import balance_text, empty_zones_text

if TYPE_CHECKING:
    from safeschools_geo.maps import OfflinePage
    from safeschools_geo.term_results import TermResult


def draw_term(result: TermResult, *, tiles: bool = False) -> dict[str, str]:
    """Draw every map of a term.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the pages then ask the network for.

    Returns
    -------
    dict of str to str
        Name of the file → its HTML; ``index.html`` links the others.
    """
    maps = {
        "zones.html": (zones_map(result, tiles=tiles), "Zones and workload", zones_finding(result)),
        "history.html": (history_map(result, tiles=tiles), "Incident history", history_finding(result)),
        "rates.html": (rates_map(result, tiles=tiles), "Incident rates by zone", rates_finding(result)),
    }
    drawn = draw_plan(result, tiles=tiles) | draw_coverage(result, tiles=tiles) | draw_hotspots(result, tiles=tiles)
    for name, (page, finding) in drawn.items():
        maps[name] = (page, page.heading, finding)
    entries = [
        MapEntry(href=name, title=title, finding=finding, thumbnail=page.thumbnail)
        for name, (page, title, finding) in maps.items()
    ]
    index = index_page(entries, context=context_of(result))
    sheets = {name: page.html for name, page in draw_sheets(result).items()}
    return {"index.html": index.html, **{name: page.html for name, (page, *_) in maps.items()}, **sheets}


def zones_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the zones with their loads, and the schools.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline.
    """
    return zones_page(
        **layers_of(result),
        schools=result.district.schools,
        school_assignments=result.school_zones,
        loads=result.loads,
        finding=zones_finding(result),
        context=context_of(result),
        tiles=tiles,
    )


def history_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw every incident of the history, with filters.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page.
    """
    return history_page(
        **layers_of(result),
        incidents=result.history,
        schools=result.district.schools,
        finding=history_finding(result),
        context=context_of(result),
        tiles=tiles,
    )


def rates_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the rate of each zone.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page.
    """
    return rates_page(
        **layers_of(result),
        rates=result.loads,
        finding=rates_finding(result),
        context=context_of(result),
        tiles=tiles,
    )


def zones_finding(result: TermResult) -> str:
    """Say in one line which zone carries most.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    str
        One sentence.
    """
    loads = result.loads
    if not loads["workload_h"].sum():
        return f"{len(loads)} zones; no workload could be counted for {result.term.name}."
    empty = empty_zones_text(loads.loc[loads["schools"] == 0, "name"])
    return f"{empty + ' ' if empty else ''}{balance_text(loads)}."


def history_finding(result: TermResult) -> str:
    """Say in one line how many incidents there were and whose work they were.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    str
        One sentence.
    """
    history = result.history
    this = history[history["term"] == result.term.name]
    if history.empty:
        return "There is no history of incidents."
    officers = int((this["work_of"] == "zone_officer").sum())
    told = (
        f"{len(this):,} of the {len(history):,} {POPULATIONS['record']} fell in {result.term.name}; {officers:,} of "
        f"these were {POPULATIONS['calls']}"
    )
    # An export that does not record who started an incident must not read as "officers started none".
    if not (history["origin"] == "officer_initiated").any():
        return f"{told}."
    started = int((this["origin"] == "officer_initiated").sum())
    return f"{told}. Officers started {started:,} of the {len(this):,}."


def rates_finding(result: TermResult) -> str:
    """Say in one line how far apart the rates are, without calling any of them high.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    str
        One or two sentences.
    """
    rates = result.loads["rate_per_1000"].dropna()
    if result.history.empty:
        return "No rates: there is no history of incidents."
    if rates.empty or not np.isfinite(rates).any():
        return "No rates: no zone has schools with a known enrolment."
    return (
        f"Rates run from {rates.min():.3f} to {rates.max():.3f} {POPULATIONS['calls']} (officer-initiated too) per "
        "1,000 student-days. Whether a difference is more than chance is not judged on this map."
    )
