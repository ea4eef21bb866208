"""A term's proposal of other zones: frontier, plan, its scores beside today's, and whether it holds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.rebalance.frontier import frontier
from safeschools_geo.rebalance.ground.tiling import zones_of_plan
from safeschools_geo.rebalance.propose import rebalance
from safeschools_geo.term_ground import lay_ground
from safeschools_geo.term_results import TermPlan, has_calls
from safeschools_geo.term_scores import score_in_district, stability_in_district
from safeschools_geo.term_watch import keep_watch

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from safeschools_geo.district import District
    from safeschools_geo.hotspots.result import Hotspots
    from safeschools_geo.settings import Term


def propose_zones(
    district: District,
    school_zones: pd.Series,
    history: pd.DataFrame,
    workload: pd.DataFrame,
    hotspots: Hotspots,
    *,
    term: Term,
    seed: int = 0,
    is_at_knee: bool = True,
    keeps_interrupted: bool = False,
    on_point: Callable[[int, float, float], None] = lambda *_: None,
) -> TermPlan | None:
    """Propose other zones for a district.

    Parameters
    ----------
    district
        What was read.
    school_zones
        Zone of each school, by `school_id`.
    history
        Incidents in context.
    workload
        Table `workload`.
    hotspots
        The hotspots of the term: a plan is told which of them it splits.
    term
        The term that loads are taken from.
    seed
        Seed of everything random.
    is_at_knee
        Whether to propose the plan at the knee of the frontier; else that of the most moves. With a tolerance in the
        settings it is the plan of the fewest moves that keeps it.
    keeps_interrupted
        Whether an interruption from the keyboard ends the search with what was found so far; else it ends the run.
    on_point
        Called with the moves, the imbalance and the bound of each point of the frontier as it is found.

    Returns
    -------
    TermPlan or None
        The proposal; None where there is nothing to balance (`term_ground.lay_ground`), or no call was recorded.
    """
    if not has_calls(history, term):
        return None
    ground = lay_ground(district, school_zones, history, workload, term=term)
    if ground is None:
        return None
    watch = keep_watch(district, school_zones, history, workload, ground, term=term, seed=seed)
    settings = district.settings.rebalance
    rules = ground.rules
    found = frontier(
        ground.units,
        adjacency=ground.edges,
        max_moves=settings.max_moves,
        rules=rules,
        travel=ground.travel,
        set_apart=ground.set_apart,
        slack=settings.slack,
        time_limit_s=settings.time_limit_s,
        seed=seed,
        crs=district.crs,
        noun=ground.noun,
        keeps_interrupted=keeps_interrupted,
        on_point=on_point,
    )
    chosen = found.proposal if is_at_knee else found.plans[-1]
    if settings.tolerance is not None:
        chosen = rebalance(
            ground.units,
            adjacency=ground.edges,
            tolerance=settings.tolerance,
            roots=rules.roots,
            locked=rules.locked,
            together=rules.together,
            forbidden=rules.forbidden,
            moves_in=rules.moves_in,
            travel=ground.travel,
            set_apart=ground.set_apart,
            apart=rules.apart,
            time_limit_s=settings.time_limit_s,
            seed=seed,
            crs=district.crs,
            noun=ground.noun,
        )
    plan = chosen.assignment
    current = ground.units.set_index("unit_id")["zone_id"]
    return TermPlan(
        ground=ground,
        frontier=found,
        plan=chosen,
        zones=zones_of_plan(ground.units, plan, district.zones, schools=district.schools, crs=district.crs),
        current=score_in_district(district, ground, current, hotspots.groups_of_schools, watch=watch),
        proposed=score_in_district(district, ground, plan, hotspots.groups_of_schools, watch=watch),
        stability=stability_in_district(
            district, ground, plan, history, workload, school_zones=school_zones, term=term, seed=seed
        ),
        watch=watch,
    )
