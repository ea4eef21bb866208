"""The maps of a term: each with its one-line finding, from the term's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.pages import (
    MapEntry,
    context_of,
    draw_coverage,
    draw_hotspots,
    draw_sheets,
    history_page,
    index_page,
    layers_of,
    plan_page,
    rates_page,
    what_if_page,
    zones_page,
)
from safeschools_geo.rebalance import EXACT, certificate_text
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.workload import balance_text, empty_zones_text

if TYPE_CHECKING:
    from safeschools_geo.pages import OfflinePage
    from safeschools_geo.results import TermPlan, TermResult


# ── The pages of a proposal: the review, and the page on which the manager tries other zones

_WHAT_IF = "Move a school to another zone and see loads, imbalance and contiguity at once; save the plan as a file."


def draw_plan(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw the pages of a term's proposal."""
    proposal = result.proposal
    if proposal is None:
        return {}
    finding = proposal.finding()
    return {
        "plan.html": (plan_map(result, proposal, tiles=tiles), finding),
        "what_if.html": (
            what_if_map(result, proposal, tiles=tiles),
            _WHAT_IF,
        ),
    }


def plan_map(result: TermResult, proposal: TermPlan, *, tiles: bool = False) -> OfflinePage:
    """Draw the zones today and as proposed, what changes, the scores and the frontier.

    Parameters
    ----------
    result
        All results of the term.
    proposal
        The proposal.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page.
    """
    table = proposal.frontier.to_frame()
    row = table.iloc[proposal.frontier.knee]
    # The end of the frontier is no knee, nor is its beginning.
    is_knee = int(row["moves"]) > 0 and row["imbalance"] - table["imbalance"].min() > EXACT
    most = proposal.plan.certificate["max_moves"]
    empty = proposal.empty_zones
    return plan_page(
        proposal.inputs.units,
        proposal.plan.assignment,
        schools=result.district.schools,
        moves=proposal.changes,
        scores=proposal.comparison,
        finding=f"{empty + ' ' if empty else ''}{proposal.frontier.finding(proposal.plan)}",
        statements=(
            proposal.change.price_text(),
            certificate_text(proposal.plan.certificate),
            proposal.stability.summary(),
        ),
        set_apart=proposal.inputs.set_apart,
        notes=proposal.notes,
        frontier=table,
        knee=int(row["moves"]) if is_knee else None,
        chosen=len(proposal.plan.moves) if most is None else int(most),
        unit_noun=proposal.inputs.noun,
        context=context_of(result),
        tiles=tiles,
        **layers_of(result),
    )


def what_if_map(result: TermResult, proposal: TermPlan, *, tiles: bool = False) -> OfflinePage:
    """Draw the page on which schools can be moved by hand.

    Parameters
    ----------
    result
        All results of the term.
    proposal
        The proposal, which the page can load.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page.
    """
    district = result.district
    rules, empty = proposal.inputs.rules, proposal.empty_zones
    return what_if_page(
        proposal.inputs.units,
        proposal.inputs.edges,
        plan=proposal.plan.assignment,
        schools=district.schools,
        locked=rules.locked,
        roots=rules.roots or {},
        forbidden=rules.forbidden,
        together=rules.together,
        finding=f"{empty + ' ' if empty else ''}{_WHAT_IF}",
        set_apart=proposal.inputs.set_apart,
        unit_noun=proposal.inputs.noun,
        context=context_of(result),
        tiles=tiles,
        **layers_of(result),
    )


# ── The maps of a term: each with its one-line finding, from the term's results


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
    """Say in one line which zone carries most."""
    loads = result.loads
    if not loads["workload_h"].sum():
        return f"{len(loads)} zones; no workload could be counted for {result.term.name}."
    empty = empty_zones_text(loads.loc[loads["schools"] == 0, "name"])
    return f"{empty + ' ' if empty else ''}{balance_text(loads)}."


def history_finding(result: TermResult) -> str:
    """Say in one line how many incidents there were and whose work they were."""
    history = result.history
    this = history[history["term"] == result.term.name]
    if history.empty:
        return "There is no history of incidents."
    officers = int((this["work_of"] == "zone_officer").sum())
    told = (
        f"{len(this):,} {POPULATIONS['record']} in {result.term.name}, of {len(history):,} in all terms; "
        f"{officers:,} of the {len(this):,} were {POPULATIONS['calls']}"
    )
    # An export that does not record who started an incident must not read as "officers started none".
    if not (history["origin"] == "officer_initiated").any():
        return f"{told}."
    started = int((this["origin"] == "officer_initiated").sum())
    return f"{told}. Officers started {started:,} of the {len(this):,}."


def rates_finding(result: TermResult) -> str:
    """Say in one line how far apart the rates are, without calling any of them high."""
    rates = result.loads["rate_per_1000"].dropna()
    if result.history.empty:
        return "No rates: there is no history of incidents."
    if rates.empty or not np.isfinite(rates).any():
        return "No rates: no zone has schools with a known enrollment."
    return (
        f"Rates run from {rates.min():.3f} to {rates.max():.3f} {POPULATIONS['calls']} (officer-initiated too) per "
        "1,000 student-days. Whether a difference is more than chance is not judged on this map."
    )
