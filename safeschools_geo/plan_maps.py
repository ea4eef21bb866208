"""The pages of a proposal: the review, and the page on which the manager tries other zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.maps import plan_page, what_if_page
from safeschools_geo.rebalance.certificate import certificate_text
from safeschools_geo.term_pages import context_of, layers_of

if TYPE_CHECKING:
    from safeschools_geo.maps import OfflinePage
    from safeschools_geo.term_plan import TermPlan
    from safeschools_geo.term_result import TermResult


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
    finding = proposal.frontier.finding()
    return {
        "plan.html": (plan_map(result, proposal, tiles=tiles), finding),
        "what_if.html": (
            what_if_map(result, proposal, tiles=tiles),
            "Move a school to another zone and see loads, imbalance and contiguity at once; save the plan as a file.",
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
    knee = int(table["moves"].iloc[proposal.frontier.knee])
    return plan_page(
        proposal.ground.units,
        proposal.plan.assignment,
        schools=result.district.schools,
        moves=proposal.changes,
        scores=proposal.comparison,
        finding=proposal.frontier.finding(),
        statements=(certificate_text(proposal.plan.certificate), proposal.stability.summary()),
        notes=proposal.frontier.notes,
        frontier=table,
        knee=knee,
        chosen=len(proposal.plan.moves),
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
    rules = proposal.ground.rules
    return what_if_page(
        proposal.ground.units,
        proposal.ground.edges,
        plan=proposal.plan.assignment,
        schools=district.schools,
        locked=rules.locked,
        roots=rules.roots or {},
        forbidden=rules.forbidden,
        together=rules.together,
        finding=proposal.frontier.finding(),
        unit_noun=proposal.ground.noun,
        context=context_of(result),
        tiles=tiles,
        **layers_of(result),
    )
