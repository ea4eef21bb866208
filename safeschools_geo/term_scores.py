"""Scores of plans of a district: how good one is on every measure, and whether it holds up in other terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.hotspots.zones import split_groups
from safeschools_geo.rebalance.comparison import ANEW
from safeschools_geo.rebalance.ground.unit_tables import schools_of_units
from safeschools_geo.rebalance.score import Score, score_plan
from safeschools_geo.rebalance.stability import Stability, plan_stability
from safeschools_geo.school_calendar import school_days
from safeschools_geo.term_watch import coverage_of_plan, waiting_anew
from safeschools_geo.workload import officer_work, travel_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.district import District
    from safeschools_geo.settings import Term
    from safeschools_geo.term_results import Ground, TermWatch

_HOUR = 60.0


def score_in_district(
    district: District,
    ground: Ground,
    assignment: pd.Series,
    groups: Mapping[str, list[str]],
    *,
    watch: TermWatch | None = None,
) -> Score:
    """Score a plan with all that is known of a district.

    Parameters
    ----------
    district
        What was read.
    ground
        Units, edges, rules and travel.
    assignment
        Zone of each unit, by `unit_id`.
    groups
        Id of each hotspot of several schools → ids of its schools.
    watch
        A usual day, to score coverage with; None leaves that out.

    Returns
    -------
    Score
        Every measure.
    """
    by_school = schools_of_units(ground.units).map(assignment)
    return score_plan(
        ground.units,
        assignment,
        ground.edges,
        zones=district.zones,
        roots=ground.rules.roots,
        costs=ground.travel,
        groups={" + ".join(group): group for group in ground.rules.together} or None,
        feeders=district.settings.rebalance.feeders or None,
        hotspot_splits=split_groups(groups, by_school),
        schools=district.schools,
        coverage=None if watch is None else _coverage(district, watch, ground, assignment),
        set_apart=ground.set_apart,
        crs=district.crs,
    )


def _coverage(district: District, watch: TermWatch, ground: Ground, assignment: pd.Series) -> pd.DataFrame:
    """Score coverage with officers where they wait today, and response with officers placed anew as well."""
    by_school = schools_of_units(ground.units).map(assignment)
    old = coverage_of_plan(district, watch, by_school).to_frame()
    waiting = waiting_anew(district, watch, ground, assignment)
    new = coverage_of_plan(district, watch, by_school, waiting=waiting).to_frame()
    new = new[new["unit"].eq("min") | new["measure"].str.startswith("within_")]
    label = new["label"] + ", officers placed anew"
    return pd.concat([old, new.assign(measure=new["measure"] + ANEW, label=label)], ignore_index=True)


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
        Units, edges, rules and travel.
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
    # A term without a call tells of visits alone, which the settings say: nothing could hold up in it, or fail to.
    called = set(history.loc[history["work_of"] == "zone_officer", "term"])
    past = [t.name for t in settings.terms if t.start <= term.start and t.name in called]
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
        planned_on=term.name if term.name in called else None,
        zones=list(district.zones["zone_id"]),
        set_apart=ground.set_apart,
        incident_hours=incidents,
        school_days=[day.date() for day in days],
        visit_hours=fixed.clip(lower=0.0).reindex(ids).fillna(0.0),
        bootstrap=settings.rebalance.bootstrap,
        seed=seed,
    )
