"""A term's patrol coverage: who comes, how soon, who helps, and what another staging, staffing or plan would change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from safeschools_geo.coverage._plan_scores import (
    AbsenceCase,
    PlanComparison,
    PlanScores,
    absences,
    compare,
    cover_absence,
    queueing_model,
)
from safeschools_geo.coverage._record import redrawn
from safeschools_geo.coverage._replay import Replay, replay
from safeschools_geo.coverage._response import HoursOfDay, Response, by_hour, response
from safeschools_geo.coverage._staffing import Caseload, Staffing, caseload, staffing
from safeschools_geo.coverage._staging import Staging, place_officers, stage_zones
from safeschools_geo.coverage._staging_points import StagingSettings
from safeschools_geo.coverage._usual_day import UsualDay
from safeschools_geo.coverage._visit_rules import SchoolHours, VisitRules, visits_per_week
from safeschools_geo.coverage._visits import VisitPlan, plan_visits
from safeschools_geo.coverage.queueing import MOST_EXACT, Hypercube, hypercube, hypercube_approximation
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import InputError, count_text
from safeschools_geo.findings import MayHoldNothing
from safeschools_geo.school_calendar import school_days

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from safeschools_geo.coverage._plan_scores import Watch
    from safeschools_geo.coverage._validation import Validation
    from safeschools_geo.settings import CoverageSettings, Settings, Term

    TakeOver = Callable[[tuple[str, ...]], pd.Series]


@dataclass(frozen=True, eq=False)
class CoveragePlan(MayHoldNothing):
    """How the schools of a district are covered in a term.

    Parameters
    ----------
    usual_day
        A usual day: schools, calls, ways, where officers wait.
    response
        How soon somebody comes in the queueing model of that day.
    hours
        The same by hour of the day.
    staging
        Where the officer of each zone would wait best, with proof.
    staffing
        Other numbers of officers.
    caseload
        Cases of the threat-assessment specialist.
    replayed
        The recorded calls of the term, played under today's zones and under the proposed ones, or today's twice.
    scores
        Coverage of the current zones, with intervals.
    comparison
        Coverage of the proposed zones beside it; None without a proposal.
    absences
        The day an officer, or two, are absent.
    not_covered
        What there is to say of absences for which nobody can cover, and of those that are not worked out.
    visits
        A week of routine visits.
    """

    usual_day: UsualDay
    response: Response
    hours: HoursOfDay
    staging: Staging
    staffing: Staffing
    caseload: Caseload
    replayed: Replay
    scores: PlanScores
    comparison: PlanComparison | None
    absences: tuple[AbsenceCase, ...]
    not_covered: tuple[str, ...]
    visits: VisitPlan

    @property
    def model(self) -> Hypercube:
        """The queueing model of the usual day."""
        return self.usual_day.model

    @property
    def validation(self) -> Validation:
        """What the record says of coverage, and the model beside it."""
        return self.usual_day.validation

    def finding(self) -> str:
        """Say how soon somebody comes and who answers: what the record says, and how far the model can be followed.

        Returns
        -------
        str
            A few sentences, the same wherever coverage is summed up; or why there is no coverage.
        """
        return self.why or self.validation.lead()

    def summary(self) -> str:
        """Say in plain English what there is to say of coverage.

        Returns
        -------
        str
            A few paragraphs.
        """
        if self.is_empty:
            return self.why
        said = self.sentences()
        parts = [self.finding(), said["validation"], *self.about(), said["visits"], said["specialist"]]
        return "\n".join(part for part in parts if part)

    def about(self) -> list[str]:
        """Say what the figures rest on, and what the model says of other choices.

        Returns
        -------
        list of str
            A paragraph each, as far as there is something to say.
        """
        said = self.sentences()
        order = ("calibration", "rates", "travel", "empty_zones", "staging", "staffing", "comparison", "replay")
        return [part for part in (*(said[name] for name in order), *self.not_covered) if part]

    def sentences(self) -> dict[str, str]:
        """Say what there is to say of coverage, by what it is about.

        Returns
        -------
        dict
            Name of what it is about → a few sentences: where the record has no times, none that says how long a trip
            takes, and where it does not say who answered, none that says who does. All empty where there is none.
        """
        names = (
            "replay",
            "rates",
            "calibration",
            "travel",
            "empty_zones",
            "dispatch",
            "validation",
            "hours",
            "staging",
        )
        more = ("staffing", "comparison", "absence", "visits", "specialist")
        if self.is_empty:
            return dict.fromkeys((*names, *more), "")
        found, usual_day, case = self.validation, self.usual_day, next(iter(self.absences), None)
        names_of = dict(zip(usual_day.schools["school_id"], usual_day.schools["name"].astype("str"), strict=True))
        return {
            "replay": self._replay_text(),
            "rates": usual_day.rates.summary(),
            "calibration": usual_day.calibration.summary(),
            "travel": usual_day.travel.summary() if found.shows_minutes else f"Ways: {usual_day.travel.method}",
            "empty_zones": usual_day.about_empty_zones(),
            "dispatch": usual_day.queueing.dispatch.summary(),
            "validation": found.finding(),
            "hours": self.hours.summary() if found.shows_answers else "",
            "staging": (self.staging.summary if found.shows_minutes else self.staging.difference)(names=names_of),
            "staffing": self.staffing.summary(),
            "comparison": "" if self.comparison is None else self.comparison.finding(),
            "absence": "" if case is None else case.finding(),
            "visits": self.visits.summary(),
            "specialist": self.caseload.summary(),
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the tables of coverage, as they are written.

        Returns
        -------
        dict
            Name → table. Figures of the model have columns of their own, and are missing where nothing recorded could
            contradict them.
        """
        if self.is_empty:
            return {}
        usual_day, staging, dispatch = self.usual_day, self.staging, self.usual_day.queueing.dispatch
        schools = self.response.by_place()
        within = [name for name in schools.columns if name.startswith("within_")]
        near = [f"{which}_min{plan}" for plan in ("", "_current") for which in ("answer", "first", "second")]
        tables = {
            "zones": self.to_frame(),
            "schools": self._as_model(
                schools.assign(place=list(dispatch.school_zones.index)), minutes=["mean_min", "p90_min", *within]
            ),
            "backup": self._as_model(self.backup_table().reset_index(), answers=list(dispatch.officer_zones)),
            "hours": self._as_model(
                self.hours.to_frame(),
                minutes=["wait_min"],
                answers=["overflow_share", "overflow_per_h"],
                always=["mean_busy_share", "highest_busy_share"],
            ),
            "rates": usual_day.rates.to_frame(),
            "service": usual_day.rates.service.reset_index(),
            "durations_rejected": usual_day.rates.rejects,
            "travel": usual_day.travel.to_frame(),
            "travel_access": usual_day.travel.access,
            "dispatch": dispatch.to_frame(),
            "dispatch_card": self.dispatch_card(),
            "staging": self._as_model(staging.points, minutes=["mean_min", "longest_min"]),
            "staging_schools": self._as_model(staging.places, minutes=near),
            "staging_reach": self._as_model(
                staging.coverage, minutes=["places_share", "students_share", "calls_share"]
            ),
            "staffing": self._as_model(
                self.staffing.to_frame(),
                minutes=["mean_response_min", "p90_response_min"],
                answers=["overflow_share", "overflow_per_term"],
                always=["busy_share_mean"],
            ),
            "specialist": self.caseload.to_frame(),
            "validation": self.validation.to_frame(),
            "replay": self.replay_table(),
            "calibration": usual_day.calibration.to_frame(),
            "assumptions": self.validation.tests,
            "scores": self.scores.as_shown(),
            "visits_unmet": self.visits.unmet,
            "visits_days": self.visits.days,
            "absences": self.absences_table(),
            "absences_schools": self.takeovers_table(),
        }
        if self.comparison is not None:
            tables["comparison"] = self.comparison.to_frame()
        return tables

    def _replay_text(self) -> str:
        """Say what the replay of the recorded calls finds, and where the queueing model differs from it."""
        if not self.validation.shows_answers:
            return ""
        differences = self.replayed.against_model(self.scores)
        if self.comparison is None:
            return differences
        return f"{self.replayed.finding(of_zones=True)} {differences}"

    def replay_table(self) -> pd.DataFrame:
        """Give the replay of the recorded calls, as far as it may be reported.

        Returns
        -------
        pandas.DataFrame
            `Replay.table`: levels only of what the record could contradict, and no plan where there is no proposal.
        """
        table, validation = self.replayed.to_frame(), self.validation
        is_trip = table["unit"].eq("min") | table["measure"].str.startswith("within_")
        is_shown = (
            (is_trip & validation.shows_minutes)
            | (~is_trip & validation.shows_answers)
            | table["measure"].eq("busiest")
        )
        levels = [name for name in table.columns if name.startswith(("today", "plan"))]
        table[levels] = table[levels].where(is_shown)
        plan = [name for name in table.columns if name.startswith("plan")]
        return table.drop(columns=[*plan, "difference", "low", "high", "verdict"] if self.comparison is None else [])

    def _as_model(
        self,
        table: pd.DataFrame,
        *,
        minutes: Sequence[str] = (),
        answers: Sequence[str] = (),
        always: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Call columns the model's, and leave empty what nothing recorded could contradict."""
        names = {name: f"model_{name}" for name in (*minutes, *answers, *always)}
        return self.validation.withheld(table, minutes=minutes, answers=answers).rename(columns=names)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each zone.

        Returns
        -------
        pandas.DataFrame
            `zone_id`, `calls_per_h`, and what may be said of it (`Validation.by_zone`): for each measure the figure of
            the record with its interval, and the model's.
        """
        calls = pd.Series(self.response.calls_per_h, index=list(self.response.zone_ids))
        table = self.validation.by_zone()
        table.insert(0, "calls_per_h", calls.reindex(table.index))
        return table.reset_index()

    def backup_table(self) -> pd.DataFrame:
        """Say which officer answers how much of each zone.

        Returns
        -------
        pandas.DataFrame
            Shares of the answered calls of each zone (row, `zone_id`) by the zone of the officer who answers (columns).
        """
        return self.response.backup_frame().set_axis(
            self.usual_day.queueing.dispatch.officer_zones.to_list(), axis="columns"
        )

    def staging_points(self) -> gpd.GeoDataFrame:
        """Give the places where officers wait, today and best.

        Returns
        -------
        geopandas.GeoDataFrame
            `zone_id`, `officer`, `kind` (``now`` or ``best``), `place_id`, `place_name`, `mean_min` (of a call of the
            zone) and points, EPSG:4326.
        """
        usual_day = self.usual_day
        schools = usual_day.schools.set_index("school_id")
        posts = usual_day.queueing.dispatch.officer_zones.reset_index().set_index("zone_id")["officer"]
        best = self.staging.points.set_index("officer")
        weight = usual_day.rates.arrivals_per_h
        rows = []
        names = pd.concat(
            [schools["name"], pd.Series(usual_day.middles.index, index=usual_day.middles.index, dtype="str")]
        )
        places = pd.concat([schools.geometry.representative_point(), usual_day.middles.to_crs(schools.crs)])
        for zone, now in zip(usual_day.waiting.index, usual_day.waiting.astype("str"), strict=True):
            inside = usual_day.zones.index[usual_day.zones == zone]
            for kind, place in (("now", now), ("best", str(best["point_id"].get(zone, now)))):
                minutes = usual_day.travel.minutes.loc[place, inside]
                share = weight[inside] if weight[inside].sum() > 0 else weight[inside] + 1.0
                mean = float((minutes * share).sum() / share.sum()) if len(inside) else float("nan")
                rows.append((zone, posts[zone], kind, place, names[place], mean, places.loc[place]))
        columns = ["zone_id", "officer", "kind", "place_id", "place_name", "mean_min", "geometry"]
        return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=usual_day.schools.crs)

    def staging_layer(self) -> gpd.GeoDataFrame:
        """Give the places where officers wait as they are written: minutes are a model's.

        Returns
        -------
        geopandas.GeoDataFrame
            `staging_points`, with `model_mean_min`; none where there is no coverage.
        """
        if self.is_empty:
            return gpd.GeoDataFrame({"geometry": []}, crs=STORAGE_CRS)
        return gpd.GeoDataFrame(
            self._as_model(self.staging_points(), minutes=["mean_min"]), crs=self.usual_day.schools.crs
        )

    def absences_table(self) -> pd.DataFrame:
        """Put the cases of absence beside each other.

        Returns
        -------
        pandas.DataFrame
            `absent` (zones, joined by ``;``), `schools`, `model_response_change_min` and `model_overflow_change_share`
            (the model's difference to a usual day), `imbalance_before`, `imbalance_after`, `busiest_zone`,
            `busiest_load_h`, `finding`.
        """
        rows = [
            {
                "absent": ";".join(case.absent),
                "schools": len(case.schools),
                "model_response_change_min": case.change("response_min"),
                "model_overflow_change_share": case.change("overflow_share"),
                "imbalance_before": case.figures["imbalance_before"],
                "imbalance_after": case.figures["imbalance_after"],
                "busiest_zone": case.busiest["zone_id"],
                "busiest_load_h": float(case.busiest["load_after_h"]),
                "finding": case.finding(),
            }
            for case in self.absences
        ]
        return pd.DataFrame(rows)

    def dispatch_card(self) -> pd.DataFrame:
        """List whom to send to each school: the zone's officer, and the next two where that one is busy.

        Returns
        -------
        pandas.DataFrame
            `name`, `level`, `school_id`, `zone_id`; `officer`, `second_officer`, `third_officer`, in the order they are
            tried (empty text where there are fewer), and the minutes of each by the model, from where the officer
            waits (``model_min``, ``model_second_min``, ``model_third_min``), missing where no recorded response could
            contradict them. Sorted by name.
        """
        tried = self.usual_day.queueing.dispatch.to_frame()
        card = self.usual_day.schools[["name", "level", "school_id"]].astype("str").reset_index(drop=True)
        card["zone_id"] = card["school_id"].map(self.usual_day.zones)
        for place, prefix in enumerate(("", "second_", "third_"), start=1):
            ranked = tried[tried["place"] == place].set_index("school_id").reindex(card["school_id"])
            card[f"{prefix}officer"] = ranked["officer"].fillna("").to_numpy()
            card[f"{prefix}min"] = ranked["travel_min"].to_numpy()
        card = card.sort_values(["name", "school_id"], key=lambda text: text.str.casefold(), kind="stable")
        return self._as_model(card.reset_index(drop=True), minutes=["min", "second_min", "third_min"])

    def takeovers_table(self) -> pd.DataFrame:
        """List the schools that change hands in every case of absence.

        Returns
        -------
        pandas.DataFrame
            `absent`, the columns of `AbsenceCase.schools` but for the minutes, and `model_response_change_min`.
        """
        tables = [
            case.schools.drop(columns=["response_before_min", "response_after_min"]).assign(
                model_response_change_min=case.schools["response_after_min"] - case.schools["response_before_min"],
                absent=";".join(case.absent),
            )
            for case in self.absences
        ]
        if not tables:
            return pd.DataFrame(columns=["absent", "school_id"])
        joined = pd.concat(tables, ignore_index=True)
        return joined[["absent", *(c for c in joined.columns if c != "absent")]]


# ── Each part of it


def cover_zones(
    day: UsualDay,
    settings: Settings,
    history: pd.DataFrame,
    *,
    term: Term,
    incident_h: pd.Series,
    high_schools: Iterable[str],
    planned: pd.Series | None,
    imbalance: tuple[float, float] | None,
    take_over: TakeOver | None,
    seed: int = 0,
    on_part: Callable[[str], None] = lambda _: None,
) -> CoveragePlan:
    """Work out how the schools of a district are covered, today and under a proposal.

    Parameters
    ----------
    day
        A usual day of the term.
    settings
        Settings of the district.
    history
        Its calls, with `term` and `work_of`.
    term
        The term.
    incident_h
        Officer-hours of incidents per school day, by `school_id`.
    high_schools
        Schools whose count is high: they are visited more often.
    planned
        Zone of each school under the proposal, by `school_id`; None without one.
    imbalance
        Of today's zones and of the proposed ones; None without a proposal.
    take_over
        Gives the zones of schools while some officers are absent; None where nobody borders on anybody.
    seed
        Of simulations and intervals.
    on_part
        Called with what is worked out next.

    Returns
    -------
    CoveragePlan
        The coverage.
    """
    queueing, rates, chosen = day.queueing, day.rates, settings.coverage
    dispatch = queueing.dispatch
    draws = redrawn(rates, draws=chosen.draws, seed=seed)
    scores = day.scores_of(day.zones, redrawn=draws, on_part=lambda what: on_part(f"scores of today’s zones, {what}"))
    comparison = None
    if planned is not None and imbalance is not None:
        proposed = day.scores_of(
            planned, redrawn=draws, on_part=lambda what: on_part(f"scores of the proposed zones, {what}")
        )
        comparison = compare(scores, proposed, imbalance=imbalance)
    cases, lost = ((), ()) if take_over is None else _absences(queueing, take_over, on_part)
    on_part("response, and the hours of the day")
    return CoveragePlan(
        usual_day=day,
        response=response(
            day.model,
            dispatch.travel_min,
            zone_of_place=dispatch.school_zones.to_list(),
            home_zone=dispatch.officer_zones.to_list(),
            within_min=chosen.within_min,
            ratios=dispatch.practice.ratios,
        ),
        hours=by_hour(
            rates.by_hour.to_numpy(),
            queueing.service_per_h,
            dispatch.preference,
            hours=list(rates.by_hour.index),
            solve=partial(queueing_model, service=queueing.service_per_h, dispatch=dispatch),
        ),
        staging=_staging(day, chosen, seed=seed),
        staffing=_staffing(day, chosen, days=len(school_days(term, settings.calendar)), seed=seed, on_part=on_part),
        caseload=caseload(
            history,
            terms=settings.terms,
            calendar=settings.calendar,
            settings=settings.workload,
            open_days=chosen.case_days,
        ),
        replayed=replay(day, planned, seed=seed, on_part=on_part),
        scores=scores,
        comparison=comparison,
        absences=cases,
        not_covered=lost,
        visits=_visits_of_week(settings, day, high_schools, workload=incident_h, seed=seed, on_part=on_part),
    )


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


def _staffing(
    usual_day: UsualDay, chosen: CoverageSettings, *, days: int, seed: int, on_part: Callable[[str], None]
) -> Staffing:
    """Try other numbers of officers, each waiting where that serves all schools best."""
    ids, rates = usual_day.zones.index, usual_day.rates
    minutes = usual_day.travel.response_minutes(ids, ids)

    current = len(usual_day.waiting)
    is_proven: dict[int, bool] = {}
    if current > len(ids):
        return Staffing.without(
            current,
            why=f"Other numbers of officers are not compared: {count_text(len(ids), 'school')} to wait at for "
            f"{count_text(current, 'officer')}.",
        )
    fewest, most = chosen.fewest_officers or max(current - 2, 1), chosen.most_officers or current + 2
    numbers = {current, *range(fewest, min(most, len(ids)) + 1)}

    def place(number: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        on_part(f"where {count_text(number, 'officer')} would wait best")
        settings = StagingSettings(objective="mean", seed=seed)
        found = place_officers(minutes, rates.arrivals_per_h, points=number, settings=settings)
        is_proven[number] = found.is_proven
        return np.asarray(minutes.columns.get_indexer(pd.Index(found.points["point_id"])), dtype=np.int64)

    # All numbers by one model: what it leaves out is left out of their differences.
    solve = hypercube if max(numbers) <= MOST_EXACT else hypercube_approximation
    known, practice = usual_day.calibration, usual_day.queueing.dispatch.practice

    def travel(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        ways = minutes.to_numpy(dtype=np.float64)[:, rows]
        return known.trip_min(ways, ways)

    def model(
        arrivals: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
        service: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
        order: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    ) -> Hypercube:
        sent = 1 - usual_day.queueing.dispatch.diverted_share
        found = solve(arrivals * sent, service, order, capacity="loss")
        diverted = float(1 - arrivals @ sent / arrivals.sum())
        return replace(
            found,
            arrivals_per_h=arrivals,
            place_share=found.place_share * sent[:, None],
            overflow_share=diverted + (1 - diverted) * found.overflow_share,
            diverted_share=diverted,
        )

    found = staffing(
        rates.arrivals_per_h,
        float((60 / usual_day.queueing.service_per_h).mean()) if known.has_service else rates.service_min,
        travel=travel,
        place=place,
        hypercube=model,
        ratios=practice.ratios,
        hours_per_term=float(rates.hours_per_day.max()) * days,
        current=current,
        officers=numbers,
        cost_per_h=chosen.officer_cost_per_h,
    )
    return replace(found, unproven=tuple(number for number in sorted(numbers) if not is_proven[number]))


def _visits_of_week(
    settings: Settings,
    usual_day: UsualDay,
    hotspots: Iterable[str],
    *,
    workload: pd.Series,
    seed: int = 0,
    week: int = 1,
    on_part: Callable[[str], None] = lambda _: None,
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
    chosen = settings.coverage
    levels = schools.set_index("school_id")["level"]
    bells = {str(school): settings.hours.of(level, str(school)) for school, level in levels.items()}
    # A week of visits serves every week, so that it keeps to the hours of a day of early release.
    kind = "early_release" if settings.calendar.early_release else "whole"
    days = {school: (_minutes(bell.start), _minutes(bell.end_on(kind))) for school, bell in bells.items()}
    rules = VisitRules(
        visit_min=round(settings.workload.visit_min),
        shift_start_min=min(start for start, _ in days.values()),
        shift_end_min=max(end for _, end in days.values()),
        held_free_share=chosen.free_share,
    )
    return plan_visits(
        pd.DataFrame(schools[["school_id", "name", "level", "zone_id"]]),
        usual_day.travel.minutes,
        wanted["visits"],
        {school: _school_hours(start, end, chosen) for school, (start, end) in days.items()},
        rules=rules,
        days=settings.calendar.weekdays,
        bases=dict(usual_day.waiting_in_schools),
        seed=seed,
        week=week,
        on_part=on_part,
    )


def _school_hours(start: int, end: int, chosen: CoverageSettings) -> SchoolHours:
    """Give the bells of a school by its program hours; one that closes before lunch has none."""
    inside = min(chosen.bells_inside_min, max((end - start - 1) // 2, 0))
    first, last = start + inside, end - inside
    lunch = [min(max(_minutes(at), first), last) for at in (chosen.lunch_from, chosen.lunch_to)]
    return SchoolHours(start_min=first, lunch_from_min=lunch[0], lunch_to_min=lunch[1], end_min=last)


def _minutes(time: dt.time) -> int:
    return 60 * time.hour + time.minute


def _absences(
    queueing: Watch, take_over: TakeOver, on_part: Callable[[str], None]
) -> tuple[tuple[AbsenceCase, ...], tuple[str, ...]]:
    """Work out every absence, and tell those for which nobody can cover, and which are not worked out."""
    found, lost = [], []
    zones = [str(zone) for zone in queueing.dispatch.officer_zones]
    # Two at a time, 60 officers would be 1,770 sheets.
    most_absent = 2 if len(zones) <= MOST_EXACT else 1
    for gone in absences(zones, most_absent=most_absent):
        on_part(f"a day without the officer of zone {' and '.join(gone)}")
        try:
            found.append(cover_absence(queueing, gone, take_over))
        except InputError as fault:
            lost.append(f"Officers of {' and '.join(gone)} absent: {fault.problem}")
    if most_absent == 1:
        lost.append(
            f"Absences of two officers at a time are worked out for up to {MOST_EXACT} officers; here there are "
            f"{len(zones)}, and only single absences are."
        )
    return tuple(found), tuple(lost)
