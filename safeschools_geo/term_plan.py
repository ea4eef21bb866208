"""A term's proposal of other zones: frontier, plan, its scores beside today's, and whether it holds up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd

from safeschools_geo.rebalance.certificate import certificate_text
from safeschools_geo.rebalance.comparison import PlanChange, compare_plans, plan_change, what_changes
from safeschools_geo.rebalance.frontier import Frontier, frontier
from safeschools_geo.rebalance.ground.tiling import zones_of_plan
from safeschools_geo.rebalance.plan import RebalancePlan
from safeschools_geo.rebalance.propose import rebalance
from safeschools_geo.rebalance.score import Score
from safeschools_geo.rebalance.stability import Stability
from safeschools_geo.term_ground import Ground, has_calls, lay_ground
from safeschools_geo.term_scores import score_in_district, stability_in_district
from safeschools_geo.term_watch import TermWatch, keep_watch
from safeschools_geo.workload import empty_zones_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from safeschools_geo.district import District
    from safeschools_geo.hotspots.result import Hotspots
    from safeschools_geo.settings import Term


@dataclass(frozen=True, eq=False)
class TermPlan:
    """A proposal of other zones for a district.

    Parameters
    ----------
    ground
        Units, edges, rules and travel.
    frontier
        How even the zones can be made by few moves.
    plan
        The proposal.
    zones
        Zones under the proposal, in the schema of the zone file.
    current, proposed
        Scores of the current zones and of the proposal.
    stability
        Whether the proposal holds up in other terms.
    watch
        The usual day that coverage is scored with; None where there are no calls.
    """

    ground: Ground
    frontier: Frontier
    plan: RebalancePlan
    zones: gpd.GeoDataFrame
    current: Score
    proposed: Score
    stability: Stability
    watch: TermWatch | None

    @property
    def comparison(self) -> pd.DataFrame:
        """The scores side by side, as they are shown."""
        return compare_plans({"current": self.current, "proposed": self.proposed}, shown=True)

    @property
    def change(self) -> PlanChange:
        """What the proposal gains, and what that costs: the one account that every page and command gives."""
        return plan_change(self.current, self.proposed, noun=self.ground.noun)

    @property
    def changes(self) -> pd.DataFrame:
        """The schools that would move, each with a sentence."""
        before = self.ground.units.set_index("unit_id")["zone_id"]
        return what_changes(self.ground.units, before, self.plan.assignment)

    @property
    def empty_zones(self) -> str:
        """What becomes of zones without a school; empty where there is none."""
        names = self.zones.set_index("zone_id")["name"]
        return empty_zones_text(str(names[zone]) for zone in self.ground.set_apart)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else to know: how coarse units are, and that filling zones without a school is a choice of its own."""
        choice = "Whether such a zone should have schools is a choice of its own, made by `fills_empty_zones`."
        return (*self.frontier.notes, *([choice] if self.ground.set_apart else []))

    def finding(self) -> str:
        """Say what is proposed, what it gains, and what it costs.

        Returns
        -------
        str
            The gain with its proof, then the price.
        """
        return " ".join(part for part in (self.frontier.finding(self.plan), self.change.price_text()) if part)

    def summary(self) -> str:
        """Say in plain English what is proposed, how good it is, and whether it holds up.

        Returns
        -------
        str
            A few sentences.
        """
        parts = (
            self.empty_zones,
            *self.notes,
            self.finding(),
            *self.frontier.about_points(),
            certificate_text(self.plan.certificate),
            self.stability.summary(),
        )
        return " ".join(part for part in parts if part)

    def to_frame(self) -> pd.DataFrame:
        """Return the frontier, a row for each number of moves.

        Returns
        -------
        pandas.DataFrame
            `rebalance.frontier.FRONTIER_COLUMNS`.
        """
        return self.frontier.to_frame()


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
