"""A term's proposal of other zones: units, frontier, plan, its scores beside today's, and whether it holds up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.hotspots.zones import split_groups
from safeschools_geo.rebalance.certificate import certificate_text
from safeschools_geo.rebalance.comparison import compare_plans, what_changes
from safeschools_geo.rebalance.frontier import Frontier, frontier
from safeschools_geo.rebalance.ground.links import about_bridges, read_links, unit_edges
from safeschools_geo.rebalance.ground.tiling import zones_of_plan
from safeschools_geo.rebalance.ground.unit_tables import schools_of_units
from safeschools_geo.rebalance.ground.units import units_of_schools
from safeschools_geo.rebalance.plan import RebalancePlan
from safeschools_geo.rebalance.problem_of_units import Rules
from safeschools_geo.rebalance.propose import rebalance
from safeschools_geo.rebalance.score import Score, score_plan
from safeschools_geo.rebalance.stability import Stability, plan_stability
from safeschools_geo.rebalance.travel import roots_of
from safeschools_geo.results import Finding
from safeschools_geo.school_calendar import school_days
from safeschools_geo.workload import officer_work, travel_minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from safeschools_geo.district import District
    from safeschools_geo.hotspots.result import Hotspots
    from safeschools_geo.settings import RebalanceSettings, Term

_HOUR = 60.0


@dataclass(frozen=True, eq=False)
class Ground:
    """What a plan is made of.

    Parameters
    ----------
    units
        Schools with their service areas, their current zone and their workload in the term.
    edges
        Which of them may follow each other within a zone.
    findings
        What there is to say of both.
    """

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class TermPlan:
    """A proposal of other zones for a district.

    Parameters
    ----------
    ground
        Units and edges.
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
    """

    ground: Ground
    frontier: Frontier
    plan: RebalancePlan
    zones: gpd.GeoDataFrame
    current: Score
    proposed: Score
    stability: Stability

    @property
    def comparison(self) -> pd.DataFrame:
        """The scores side by side, as they are shown."""
        return compare_plans({"current": self.current, "proposed": self.proposed}, shown=True)

    @property
    def changes(self) -> pd.DataFrame:
        """The schools that would move, each with a sentence."""
        before = self.ground.units.set_index("unit_id")["zone_id"]
        return what_changes(self.ground.units, before, self.plan.assignment)

    def summary(self) -> str:
        """Say in plain English what is proposed, how good it is, and whether it holds up.

        Returns
        -------
        str
            A few sentences.
        """
        return (
            f"{self.frontier.summary()} Proposed: {certificate_text(self.plan.certificate)} {self.stability.summary()}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the frontier, a row for each number of moves.

        Returns
        -------
        pandas.DataFrame
            `rebalance.frontier.FRONTIER_COLUMNS`.
        """
        return self.frontier.to_frame()


def lay_ground(
    district: District, school_zones: pd.Series, history: pd.DataFrame, workload: pd.DataFrame, *, term: Term
) -> Ground | None:
    """Turn the programme schools of a district into units.

    Parameters
    ----------
    district
        What was read.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    history
        Incidents in context.
    workload
        Table `workload`.
    term
        The term that loads are taken from.

    Returns
    -------
    Ground or None
        Units and edges; None where there is nothing to balance: no programme school in a zone, no workload, or fewer
        than two zones.
    """
    this = workload[workload["term"] == term.name].set_index("school_id")["workload_h"]
    has_zone = school_zones.reindex(this.index).fillna("") != ""
    placed = this[has_zone.to_numpy()]
    if placed.sum() <= 0 or len(district.zones) < 2:  # noqa: PLR2004 - between two zones
        return None
    mine = history[(history["term"] == term.name) & (history["work_of"] == "zone_officer")]
    built = units_of_schools(
        district.schools,
        district.zones,
        district.boundary,
        school_zones,
        this,
        incidents=mine.groupby("school_id").size(),
        crs=district.crs,
    )
    chosen = district.settings.rebalance.links
    links = None if chosen is None else read_links(district.settings.folder / chosen)
    edges = unit_edges(
        built.units,
        extra=None if links is None else links[links["kind"] == "extra"],
        forbidden=None if links is None else links[links["kind"] == "forbidden"],
        crs=district.crs,
    )
    bridges = about_bridges(built.units, edges, crs=district.crs)
    return Ground(built.units, edges, (*built.findings, *bridges))


def rules_of_district(ground: Ground, settings: RebalanceSettings, *, crs: object) -> Rules:
    """Turn what the settings say of schools into rules for units.

    Parameters
    ----------
    ground
        Units and edges.
    settings
        ``[rebalance]``.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    Rules
        Schools that share a unit stand for it.
    """
    unit_of = {school: unit for unit, schools in _members(ground).items() for school in (*schools, unit)}
    roots = {zone: unit_of.get(school, school) for zone, school in settings.roots.items()}
    if settings.keeps_roots:
        roots = roots_of(ground.units, roots, crs=crs)
    return Rules(
        roots=roots or None,
        locked=tuple(dict.fromkeys(unit_of.get(s, s) for s in settings.locked)),
        together=tuple(tuple(unit_of.get(s, s) for s in group) for group in settings.together),
        forbidden=tuple((unit_of.get(s, s), zone) for s, zone in settings.forbidden),
    )


def _members(ground: Ground) -> dict[str, tuple[str, ...]]:
    schools = schools_of_units(ground.units)
    return {str(unit): tuple(map(str, group.index)) for unit, group in schools.groupby(schools)}


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
        The proposal; None where there is nothing to balance (`lay_ground`).
    """
    ground = lay_ground(district, school_zones, history, workload, term=term)
    if ground is None:
        return None
    settings = district.settings.rebalance
    rules = rules_of_district(ground, settings, crs=district.crs)
    found = frontier(
        ground.units,
        adjacency=ground.edges,
        max_moves=settings.max_moves,
        rules=rules,
        slack=settings.slack,
        time_limit_s=settings.time_limit_s,
        seed=seed,
        crs=district.crs,
        noun="school",
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
            time_limit_s=settings.time_limit_s,
            seed=seed,
            crs=district.crs,
        )
    plan = chosen.assignment
    current = ground.units.set_index("unit_id")["zone_id"]
    return TermPlan(
        ground=ground,
        frontier=found,
        plan=chosen,
        zones=zones_of_plan(ground.units, plan, district.zones, schools=district.schools, crs=district.crs),
        current=score_in_district(district, ground, current, hotspots.groups_of_schools),
        proposed=score_in_district(district, ground, plan, hotspots.groups_of_schools),
        stability=stability_in_district(
            district, ground, plan, history, workload, school_zones=school_zones, term=term, seed=seed
        ),
    )


def score_in_district(
    district: District, ground: Ground, assignment: pd.Series, groups: Mapping[str, list[str]]
) -> Score:
    """Score a plan with all that is known of a district.

    Parameters
    ----------
    district
        What was read.
    ground
        Units and edges.
    assignment
        Zone of each unit, by `unit_id`.
    groups
        Id of each hotspot of several schools → ids of its schools.

    Returns
    -------
    Score
        Every measure.
    """
    settings = district.settings.rebalance
    rules = rules_of_district(ground, settings, crs=district.crs)
    by_school = schools_of_units(ground.units).map(assignment)
    return score_plan(
        ground.units,
        assignment,
        ground.edges,
        zones=district.zones,
        roots=rules.roots,
        groups={" + ".join(group): group for group in rules.together} or None,
        feeders=settings.feeders or None,
        hotspot_splits=split_groups(groups, by_school),
        schools=district.schools,
        crs=district.crs,
    )


def stability_in_district(
    district: District,
    ground: Ground,
    assignment: pd.Series,
    history: pd.DataFrame,
    workload: pd.DataFrame,
    *,
    school_zones: pd.Series,
    term: Term,
    seed: int = 0,
) -> Stability:
    """Ask whether a plan holds up in past terms and in redrawn ones.

    Parameters
    ----------
    district
        What was read.
    ground
        Units and edges.
    assignment
        Zone of each unit, by `unit_id`.
    history
        Incidents in context.
    workload
        Table `workload`.
    school_zones
        Zone of each school, by `school_id`.
    term
        The term that the plan was made from.
    seed
        Seed of the redrawn terms.

    Returns
    -------
    Stability
        The answer.
    """
    unit_of = schools_of_units(ground.units)
    ids = ground.units["unit_id"]
    settings = district.settings
    past = [t.name for t in settings.terms if t.start <= term.start]
    by_unit = workload[workload["term"].isin(past)].assign(unit_id=lambda t: t["school_id"].map(unit_of))
    loads = by_unit.pivot_table(index="unit_id", columns="term", values="workload_h", aggfunc="sum")
    loads = loads.reindex(index=ids, columns=past).fillna(0.0)
    this = by_unit[by_unit["term"] == term.name]
    trips = travel_minutes(district.schools, school_zones, settings.workload, crs=district.crs)
    work = officer_work(history[history["term"] == term.name], trips, settings.workload)
    days = school_days(term, settings.calendar)
    incidents = pd.DataFrame(
        {
            "unit_id": work["school_id"].map(unit_of),
            "day": work["occurred_at"].dt.tz_localize(None).dt.normalize(),
            "hours": (work["scene_min"] + work["trip_min"]) / _HOUR,
        }
    ).dropna()
    # The rest of a school's workload is the same in every term: visits, and the way to them.
    fixed = this.groupby("unit_id")["workload_h"].sum() - incidents.groupby("unit_id")["hours"].sum().div(
        max(len(days), 1)
    ).reindex(this["unit_id"].unique()).fillna(0.0)
    return plan_stability(
        ground.units,
        assignment,
        loads,
        tolerance=settings.rebalance.tolerance,
        planned_on=term.name if len(past) > 1 else None,
        zones=list(district.zones["zone_id"]),
        incident_hours=incidents,
        school_days=[day.date() for day in days],
        visit_hours=fixed.clip(lower=0.0).reindex(ids).fillna(0.0),
        bootstrap=settings.rebalance.bootstrap,
        seed=seed,
    )
