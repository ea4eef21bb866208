"""A term's patrol coverage: who comes, how soon, who helps, and a week of visits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage import (
    MOST_EXACT,
    AbsenceCase,
    PlanComparison,
    SchoolHours,
    ServiceMismatch,
    Staffing,
    StagingSettings,
    VisitRules,
    Watch,
    absences,
    by_hour,
    caseload,
    compare,
    cover_absence,
    gamma_times,
    hypercube,
    place_officers,
    plan_visits,
    redrawn,
    response,
    service_mismatch,
    staffing,
    stage_zones,
    visits_per_week,
)
from safeschools_geo.errors import InputError
from safeschools_geo.rebalance import schools_of_units
from safeschools_geo.results import CoveragePlan, PlanInputs, UsualDay
from safeschools_geo.school_calendar import school_days
from safeschools_geo.term._day import coverage_of_plan, describe_usual_day, prepare_plan
from safeschools_geo.term._plan import cover_by_neighbors
from safeschools_geo.workload import imbalance

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from safeschools_geo.coverage import PlanScores, Staging, VisitPlan
    from safeschools_geo.district import District
    from safeschools_geo.hotspots import Hotspots
    from safeschools_geo.results import TermPlan, TermResult
    from safeschools_geo.settings import CoverageSettings, Settings


# ── A week of routine visits in a district: which schools, how often, when, by which officer


def visits_of_week(
    settings: Settings,
    usual_day: UsualDay,
    hotspots: Iterable[str],
    *,
    workload: pd.Series,
    seed: int = 0,
    week: int = 1,
) -> VisitPlan:
    """Plan the routine visits of a week.

    A day begins and ends where the officer waits. The first bell is some minutes after program hours begin, the
    last as long before they end (``[coverage] bells_inside_min``).
    """
    schools = usual_day.schools
    known = set(schools["school_id"])
    wanted = visits_per_week(
        schools,
        settings.workload.visits_per_week,
        workload_h=workload.reindex(schools["school_id"]).fillna(0.0),
        hotspots=[school for school in hotspots if school in known],
        week=week,
    )
    hours, chosen = settings.hours, settings.coverage
    bells = {level: hours.of(level) for level in schools["level"].unique()}
    # A week of visits serves every week, so that it keeps to the hours of a day of early release.
    kind = "early_release" if settings.calendar.early_release else "whole"
    lunch = (_minutes(chosen.lunch_from), _minutes(chosen.lunch_to))
    rules = VisitRules(
        visit_min=round(settings.workload.visit_min),
        shift_start_min=min(_minutes(bell.start) for bell in bells.values()),
        shift_end_min=max(_minutes(bell.end_on(kind)) for bell in bells.values()),
        held_free_share=chosen.free_share,
    )
    return plan_visits(
        pd.DataFrame(schools[["school_id", "name", "level", "zone_id"]]),
        usual_day.travel.minutes,
        wanted["visits"],
        {
            level: SchoolHours(
                start_min=_minutes(bell.start) + chosen.bells_inside_min,
                lunch_from_min=lunch[0],
                lunch_to_min=lunch[1],
                end_min=_minutes(bell.end_on(kind)) - chosen.bells_inside_min,
            )
            for level, bell in bells.items()
        },
        rules=rules,
        days=settings.calendar.weekdays,
        bases=dict(usual_day.waiting_in_schools),
        seed=seed,
        week=week,
    )


def _minutes(time: dt.time) -> int:
    return 60 * time.hour + time.minute


# ── A term's patrol coverage: who comes, how soon, who helps, and what another staging, staffing or plan would change

_SIMULATED_CALLS, _SIMULATED_RUNS = 100_000, 200
_LEAST_VARIATION = 0.05


def cover_zones(result: TermResult) -> CoveragePlan:
    """Work out how the schools of a district are covered, today and under the proposal."""
    district, proposal, term, seed = result.district, result.proposal, result.term, result.seed
    if proposal.is_empty:
        inputs = prepare_plan(result)
        usual_day = describe_usual_day(result, inputs)
    else:
        inputs, usual_day = proposal.inputs, proposal.usual_day
    if usual_day is None:
        return CoveragePlan.nothing("There are no calls for zone officers: nothing is said of coverage.")
    settings, queueing, rates = district.settings, usual_day.queueing, usual_day.rates
    dispatch = queueing.dispatch
    is_exact = len(dispatch.officer_zones) <= MOST_EXACT
    draws = redrawn(rates, draws=settings.coverage.draws, seed=seed)
    scores = coverage_of_plan(district, usual_day, usual_day.zones, redrawn=draws)
    cases, lost = (
        ((), ()) if inputs is None or not is_exact else _absences(queueing, inputs, crs=district.crs, seed=seed)
    )
    return CoveragePlan(
        usual_day=usual_day,
        response=response(
            usual_day.model,
            dispatch.travel_min,
            zone_of_place=dispatch.school_zones.to_list(),
            home_zone=dispatch.officer_zones.to_list(),
            within_min=settings.coverage.within_min,
        ),
        hours=by_hour(
            rates.by_hour.to_numpy(),
            queueing.service_per_h,
            dispatch.preference,
            hours=list(rates.by_hour.index),
            approximate=not is_exact,
        ),
        staging=_staging(usual_day, settings.coverage, seed=seed),
        staffing=_staffing(usual_day, settings.coverage, days=len(school_days(term, settings.calendar)), seed=seed),
        caseload=caseload(
            result.history,
            terms=settings.terms,
            calendar=settings.calendar,
            settings=settings.workload,
            open_days=settings.coverage.case_days,
        ),
        mismatch=_mismatch(usual_day, seed=seed) if is_exact else None,
        scores=scores,
        comparison=None if proposal.is_empty else _comparison(district, proposal, usual_day, scores, draws),
        absences=cases,
        not_covered=lost,
        visits=visits_of_week(
            settings,
            usual_day,
            _high_schools(result.hotspots),
            workload=result.workload[result.workload["term"] == term.name].set_index("school_id")["incident_h"],
            seed=seed,
        ),
    )


def _high_schools(hotspots: Hotspots) -> list[str]:
    """List the schools that are high, alone or in a group."""
    rates = hotspots.schools.rates.table
    alone = rates.loc[rates["status"] == "high", "school_id"]
    return sorted({*alone, *(school for group in hotspots.groups_of_schools.values() for school in group)})


def _staging(usual_day: UsualDay, chosen: CoverageSettings, *, seed: int) -> Staging:
    """Find where the officer of each zone would wait best."""
    students = usual_day.schools.set_index("school_id")["enrollment"].astype("Float64").astype("float64")
    # An officer who waits where there is no school has no calls of the zone to be nearer to.
    return stage_zones(
        usual_day.travel.response_minutes(usual_day.zones.index, usual_day.zones.index),
        usual_day.rates.arrivals_per_h,
        zone_of_place=usual_day.zones,
        zone_of_point=usual_day.zones,
        students=students,
        current=usual_day.waiting_in_schools,
        settings=StagingSettings(objective="mean", limits_min=chosen.within_min, seed=seed),
    )


def _staffing(usual_day: UsualDay, chosen: CoverageSettings, *, days: int, seed: int) -> Staffing:
    """Try other numbers of officers, each waiting where that serves all schools best."""
    ids, rates = usual_day.zones.index, usual_day.rates
    minutes = usual_day.travel.response_minutes(ids, ids)

    def place(number: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        settings = StagingSettings(objective="mean", seed=seed)
        found = place_officers(minutes, rates.arrivals_per_h, points=number, settings=settings)
        return np.asarray(minutes.columns.get_indexer(pd.Index(found.points["point_id"])), dtype=np.int64)

    most = min(chosen.most_officers, MOST_EXACT, len(ids))
    return staffing(
        rates.arrivals_per_h,
        rates.service_min,
        travel=lambda rows: minutes.to_numpy()[:, rows],
        place=place,
        hypercube=partial(hypercube, capacity="loss"),
        hours_per_term=float(rates.hours_per_day.max()) * days,
        current=min(len(usual_day.waiting), most),
        officers=range(min(chosen.fewest_officers, most), most + 1),
        cost_per_h=chosen.officer_cost_per_h,
    )


def _mismatch(usual_day: UsualDay, *, seed: int) -> ServiceMismatch:
    """Simulate calls whose minutes vary as those of the record do."""
    queueing = usual_day.queueing
    times = gamma_times(queueing.service_per_h, max(usual_day.service_variation, _LEAST_VARIATION))
    return service_mismatch(
        queueing.arrivals_per_h,
        times,
        queueing.dispatch.preference,
        calls=_SIMULATED_CALLS,
        runs=_SIMULATED_RUNS,
        seed=seed,
    )


def _comparison(
    district: District,
    proposal: TermPlan,
    usual_day: UsualDay,
    scores: PlanScores,
    draws: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> PlanComparison:
    planned = schools_of_units(proposal.inputs.units).map(proposal.plan.assignment)
    other = coverage_of_plan(district, usual_day, planned, redrawn=draws)
    loads = proposal.plan.loads
    return compare(scores, other, imbalance=(imbalance(loads["before"]), imbalance(loads["after"])))


def _absences(
    queueing: Watch, inputs: PlanInputs, *, crs: object, seed: int
) -> tuple[tuple[AbsenceCase, ...], tuple[str, ...]]:
    """Work out every absence, and tell those for which nobody can cover."""
    take_over = cover_by_neighbors(inputs, crs=crs, seed=seed)
    found, lost = [], []
    for gone in absences([str(zone) for zone in queueing.dispatch.officer_zones]):
        try:
            found.append(cover_absence(queueing, gone, take_over))
        except InputError as fault:
            lost.append(f"Officers of {' and '.join(gone)} absent: {fault.problem}")
    return tuple(found), tuple(lost)
