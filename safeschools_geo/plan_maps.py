"""The pages of a proposal: the review, and the page on which the manager tries other zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.maps import plan_page, what_if_page
from safeschools_geo.rebalance.certificate import certificate_text
from safeschools_geo.rebalance.problem import EXACT
from safeschools_geo.term_pages import context_of, layers_of

if TYPE_CHECKING:
    from safeschools_geo.maps import OfflinePage
    from safeschools_geo.term_results import TermPlan, TermResult


_WHAT_IF = "Move a school to another zone and see loads, imbalance and contiguity at once; save the plan as a file."


def draw_plan(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw the pages of a term's proposal.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the pages then ask the network for.

    Returns
    -------
    dict
        Name of the file → its page and its one-line finding; empty where there is no proposal.
    """
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
        proposal.ground.units,
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
        set_apart=proposal.ground.set_apart,
        notes=proposal.notes,
        frontier=table,
        knee=int(row["moves"]) if is_knee else None,
        chosen=len(proposal.plan.moves) if most is None else int(most),
        unit_noun=proposal.ground.noun,
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
    rules, empty = proposal.ground.rules, proposal.empty_zones
    return what_if_page(
        proposal.ground.units,
        proposal.ground.edges,
        plan=proposal.plan.assignment,
        schools=district.schools,
        locked=rules.locked,
        roots=rules.roots or {},
        forbidden=rules.forbidden,
        together=rules.together,
        finding=f"{empty + ' ' if empty else ''}{_WHAT_IF}",
        set_apart=proposal.ground.set_apart,
        unit_noun=proposal.ground.noun,
        context=context_of(result),
        tiles=tiles,
        **layers_of(result),
    )
