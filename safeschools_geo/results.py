"""What a term came to: a proposal and what it is made of, coverage of a usual day, and what may be published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import geopandas as gpd
import pandas as pd

from safeschools_geo.counts import in_no_zone
from safeschools_geo.coverage import (
    AbsenceCase,
    CallRates,
    Caseload,
    HoursOfDay,
    Hypercube,
    PlanComparison,
    PlanScores,
    Response,
    ServiceMismatch,
    Staffing,
    Staging,
    TravelTimes,
    Validation,
    VisitPlan,
    Watch,
)
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.disclosure import AuditReport, BoardContent, CountTable, Fact, Release, SafeTable
from safeschools_geo.district import District
from safeschools_geo.errors import count_text
from safeschools_geo.findings import CheckReport, Finding
from safeschools_geo.hotspots import Hotspots, counted_text
from safeschools_geo.rebalance import (
    Frontier,
    PlanChange,
    RebalancePlan,
    Rules,
    Score,
    Stability,
    certificate_text,
    compare_plans,
    plan_change,
    what_changes,
)
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.settings import Term
from safeschools_geo.text import listed
from safeschools_geo.workload import balance_text, empty_zones_text

if TYPE_CHECKING:
    from collections.abc import Sequence


class _MayHoldNothing:
    """A result that may hold nothing, and then says why; asking an empty one for its parts is an error."""

    why: str = ""
    """Why the result holds nothing; empty where it does."""

    @classmethod
    def nothing(cls, why: str) -> Self:
        """Make a result that holds nothing.

        Parameters
        ----------
        why
            Why, in one sentence.

        Returns
        -------
        Self
            The empty result.
        """
        empty = object.__new__(cls)
        object.__setattr__(empty, "why", why)
        return empty

    @property
    def is_empty(self) -> bool:
        """Whether the result holds nothing."""
        return bool(self.why)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the tables of the result.

        Returns
        -------
        dict
            Name → table; none where the result holds nothing.
        """
        return {}

    def table(self, name: str, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Give one of the tables.

        Parameters
        ----------
        name
            Its name in `tables`.
        columns
            The columns wanted; all if left out.

        Returns
        -------
        pandas.DataFrame
            The table; without a row where there is none.
        """
        table = self.tables().get(name, pd.DataFrame(columns=list(columns)))
        return table[list(columns)] if columns else table

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Say why a part is not there."""
            raise AttributeError(f"{type(self).__name__} holds no {name}: {self.why}")


@dataclass(frozen=True, eq=False)
class PlanInputs:
    """What a plan is made of.

    Parameters
    ----------
    units
        Schools with their service areas, or areas with their schools, with their current zone and their workload.
    edges
        Which of them may follow each other within a zone.
    rules
        What a plan has to keep.
    travel
        Kilometers from each unit (rows) to the center of each zone (columns), the same for every plan.
    findings
        What there is to say of units and edges.
    noun
        What a unit is called in what is said.
    set_apart
        Zones without a school, which stay as they are and do not count for the balance; none where the settings ask
        for plans that fill them.
    """

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    rules: Rules
    travel: pd.DataFrame
    findings: tuple[Finding, ...]
    noun: str = "school"
    set_apart: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class UsualDay:
    """A usual day.

    Parameters
    ----------
    schools
        Program schools with a zone and a place, in the order of all results.
    zones
        Zone of each, by `school_id`.
    rates
        How often calls come, and how long they take.
    places
        Where officers may wait, by id: the schools, and the middle of each zone without one; EPSG:4326.
    travel
        Minutes between schools, which are also where officers may wait, and the middles of zones without a school.
    waiting
        School at which the officer of each zone waits, by `zone_id`; in a zone without a school the id of its middle.
    middles
        The middles of zones without a school: points by their id, in the CRS of the zones.
    queueing
        Officers, schools and rates as the queueing model takes them.
    model
        The queueing model of the day.
    validation
        What the record says of coverage, and the model beside it: every figure of coverage that is shown comes by it.
    service_variation
        Standard deviation over mean of the minutes of a call; 1 is what the queueing model takes them to have.
    """

    schools: gpd.GeoDataFrame
    zones: pd.Series
    rates: CallRates
    places: gpd.GeoSeries
    travel: TravelTimes
    waiting: pd.Series
    middles: gpd.GeoSeries
    queueing: Watch
    model: Hypercube
    validation: Validation
    service_variation: float

    @property
    def waiting_in_schools(self) -> pd.Series:
        """Where officers wait of zones that have a school."""
        return self.waiting[self.waiting.index.isin(self.zones)]

    def about_empty_zones(self) -> str:
        """Say what the officers of zones without a school do; empty text where every zone has one."""
        empty = [str(zone) for zone in self.waiting.index[~self.waiting.index.isin(self.zones)]]
        if not empty:
            return ""
        if len(empty) > 1:
            return (
                f"There is no school in zones {listed(empty)}: their officers wait in the middle of the zone and help "
                "elsewhere."
            )
        return (
            f"There is no school in zone {empty[0]}: its officer waits in the middle of the zone and helps elsewhere."
        )


@dataclass(frozen=True, eq=False)
class TermPlan(_MayHoldNothing):
    """A proposal of other zones for a district.

    Parameters
    ----------
    inputs
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
    usual_day
        The usual day that coverage is scored with; None where there are no calls.
    """

    inputs: PlanInputs
    frontier: Frontier
    plan: RebalancePlan
    zones: gpd.GeoDataFrame
    current: Score
    proposed: Score
    stability: Stability
    usual_day: UsualDay | None

    @property
    def comparison(self) -> pd.DataFrame:
        """The scores side by side, as they are shown."""
        return compare_plans({"current": self.current, "proposed": self.proposed}, shown=True)

    @property
    def change(self) -> PlanChange:
        """What the proposal gains, and what that costs: the one account that every page and command gives."""
        return plan_change(self.current, self.proposed, noun=self.inputs.noun)

    @property
    def changes(self) -> pd.DataFrame:
        """The schools that would move, each with a sentence."""
        before = self.inputs.units.set_index("unit_id")["zone_id"]
        return what_changes(self.inputs.units, before, self.plan.assignment)

    @property
    def empty_zones(self) -> str:
        """What becomes of zones without a school; empty where there is none."""
        names = self.zones.set_index("zone_id")["name"]
        return empty_zones_text(str(names[zone]) for zone in self.inputs.set_apart)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else to know: how coarse units are, and that filling zones without a school is a choice of its own."""
        choice = "Whether such a zone should have schools is a choice of its own, made by `fills_empty_zones`."
        return (*self.frontier.notes, *([choice] if self.inputs.set_apart else []))

    def finding(self) -> str:
        """Say what is proposed, what it gains, and what it costs; or why nothing is."""
        return self.why or " ".join(
            part for part in (self.frontier.finding(self.plan), self.change.price_text()) if part
        )

    def summary(self) -> str:
        """Say in plain English what is proposed, how good it is, and whether it holds up; or why nothing is."""
        if self.is_empty:
            return self.why
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
        """Return the frontier, a row for each number of moves; none where nothing is proposed."""
        return self.table("frontier")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the tables of the proposal.

        Returns
        -------
        dict
            `units` and `edges` that plans are made of, `frontier`, `scores`, `moves` and `stability`, the last also as
            quantiles of redrawn terms (`stability_quantiles`), and which hotspots it would cut (`hotspot_splits`).
        """
        if self.is_empty:
            return {}
        return {
            "units": pd.DataFrame(self.inputs.units.drop(columns="geometry")),
            "edges": self.inputs.edges,
            "frontier": self.frontier.to_frame(),
            "scores": self.comparison,
            "moves": self.changes,
            "stability": self.stability.to_frame(),
            "stability_quantiles": self.stability.quantiles().reset_index(),
            "hotspot_splits": self.proposed.splits.query("kind == 'hotspots'"),
        }

    def sentences(self) -> dict[str, str]:
        """Say what there is to say of the proposal, by what it is about.

        Returns
        -------
        dict
            `notes`, `findings` (of units and edges), `price`, `proof` and `stability`; all empty where nothing is
            proposed.
        """
        if self.is_empty:
            return dict.fromkeys(("notes", "findings", "price", "proof", "stability"), "")
        return {
            "notes": "\n".join(note for note in (self.empty_zones, *self.frontier.notes) if note),
            "findings": "\n".join(map(str, self.inputs.findings)),
            "price": self.change.price_text(),
            "proof": certificate_text(self.plan.certificate),
            "stability": self.stability.summary(),
        }


@dataclass(frozen=True, eq=False)
class CoveragePlan(_MayHoldNothing):
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
    mismatch
        The model against a simulation in which minutes of calls vary as they do in the record; None for more officers
        than the exact model takes.
    scores
        Coverage of the current zones, with intervals.
    comparison
        Coverage of the proposed zones beside it; None without a proposal.
    absences
        The day an officer, or two, are absent.
    not_covered
        What there is to say of absences for which nobody can cover.
    visits
        A week of routine visits.
    """

    usual_day: UsualDay
    response: Response
    hours: HoursOfDay
    staging: Staging
    staffing: Staffing
    caseload: Caseload
    mismatch: ServiceMismatch | None
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
        order = ("service_times", "rates", "travel", "empty_zones", "staging", "staffing", "comparison")
        return [part for part in (*(said[name] for name in order), *self.not_covered) if part]

    def sentences(self) -> dict[str, str]:
        """Say what there is to say of coverage, by what it is about.

        Returns
        -------
        dict
            Name of what it is about → a few sentences: where the record has no times, none that says how long a trip
            takes, and where it does not say who answered, none that says who does. All empty where there is none.
        """
        names = ("service_times", "rates", "travel", "empty_zones", "dispatch", "validation", "hours", "staging")
        more = ("staffing", "comparison", "absence", "visits", "specialist")
        if self.is_empty:
            return dict.fromkeys((*names, *more), "")
        found, usual_day, case = self.validation, self.usual_day, next(iter(self.absences), None)
        return {
            "service_times": "" if self.mismatch is None or not found.tells_answers else self.mismatch.summary(),
            "rates": usual_day.rates.summary(),
            "travel": usual_day.travel.summary() if found.tells_minutes else f"Ways: {usual_day.travel.method}.",
            "empty_zones": usual_day.about_empty_zones(),
            "dispatch": usual_day.queueing.dispatch.summary(),
            "validation": found.finding(),
            "hours": self.hours.summary() if found.tells_answers else "",
            "staging": self.staging.summary() if found.tells_minutes else self.staging.difference(),
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
            Name → table. Figures of the model have columns of their own, and are left out where nothing recorded could
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
            "scores": self.scores.told(),
            "visits_unmet": self.visits.unmet,
            "visits_days": self.visits.days,
            "absences": self.absences_table(),
            "absences_schools": self.takeovers_table(),
        }
        if self.mismatch is not None and self.validation.tells_answers:
            tables["service_times"] = self.mismatch.to_frame()
        if self.comparison is not None:
            tables["comparison"] = self.comparison.to_frame()
        return tables

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


@dataclass(frozen=True, eq=False)
class TermBoard(_MayHoldNothing):
    """What may be told of a term.

    Parameters
    ----------
    content
        What the pages say.
    statements
        What the rounded figures on them tell.
    people
        Schools of the program with their zone and level, for the record of releases. Confidential.
    advice
        What the adviser found (`advise`): for the manager, since it tells more than the packet.
    raw
        The counts themselves, for the record of releases. Confidential.
    releases
        What was published earlier, and this if it is a release.
    """

    content: BoardContent
    statements: tuple[Fact, ...]
    people: pd.DataFrame
    advice: pd.DataFrame
    raw: CountTable
    releases: tuple[Release, ...] = ()

    @property
    def counts(self) -> SafeTable:
        """The counts that are published."""
        return self.content.counts

    @property
    def audit(self) -> AuditReport:
        """What can be worked out from them."""
        return self.content.audit

    def summary(self) -> str:
        """Say in plain English what is told and what is withheld; or why nothing is told."""
        if self.is_empty:
            return self.why
        chosen = self.advice[self.advice["is_chosen"]]
        finest = f" The finest table is {chosen['grouping'].iloc[0]}." if len(chosen) else ""
        return f"{self.counts.summary()}{finest} {self.audit.summary()}"

    def to_frame(self) -> pd.DataFrame:
        """Return what the adviser found."""
        return self.table("advice")

    def sentences(self) -> dict[str, str]:
        """Say what there is to say, by what it is about.

        Returns
        -------
        dict
            `audit`, and `loads`: how they are rounded.
        """
        if self.is_empty:
            return {"audit": "", "loads": self.why}
        plan = self.content.plan
        loads = "No other zones are proposed." if plan is None else f"Loads to the nearest {plan.step:.0%} of the mean."
        return {"audit": self.audit.summary(), "loads": loads}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give what may be told as tables.

        Returns
        -------
        dict
            `advice`; counts by term, of each `zone` and `level`; `audit`; `loads` and `response` where they are told.
        """
        if self.is_empty:
            return {}
        content = self.content
        wide = {dim: self.counts.to_wide(dim, "term")[content.terms] for dim in ("zone", "level")}
        return {
            "advice": self.advice,
            **wide,
            "audit": self.audit.to_frame().drop(columns="cell"),
            "loads": pd.DataFrame() if content.plan is None else content.plan.loads,
            "response": pd.DataFrame() if content.coverage is None else content.coverage.zones,
        }


_NO_PROPOSAL = TermPlan.nothing("No other zones were asked for.")
_NO_COVERAGE = CoveragePlan.nothing("Coverage was not asked for.")
_NO_BOARD = TermBoard.nothing("What may be published was not asked for.")


@dataclass(frozen=True)
class TermResult:
    """All results of a term.

    Parameters
    ----------
    district
        What was read.
    term
        The term.
    report
        What the check found.
    school_zones
        `school_id` and table `assignments`, one row for each school.
    history
        Incidents in context, of all terms.
    workload
        Table `workload`, of all terms.
    zone_loads
        Workload of each zone in each term.
    hotspots
        The hotspots of the term.
    proposal
        Other zones that would be more even; empty where there is nothing to balance, or none were asked for.
    coverage
        Who comes, how soon, and who helps; empty where there are no calls, or it was not asked for.
    board
        What may be told in public; empty where there is no school to tell of, or it was not asked for.
    seed
        Seed of everything random.
    """

    district: District
    term: Term
    report: CheckReport
    school_zones: pd.DataFrame
    history: gpd.GeoDataFrame
    workload: pd.DataFrame
    zone_loads: pd.DataFrame
    hotspots: Hotspots
    proposal: TermPlan = _NO_PROPOSAL
    coverage: CoveragePlan = _NO_COVERAGE
    board: TermBoard = _NO_BOARD
    seed: int = 0

    @property
    def zone_of(self) -> pd.Series:
        """Zone of each school, by `school_id`; empty text where a school has none."""
        return self.school_zones.set_index("school_id")["zone_id"]

    @property
    def loads(self) -> pd.DataFrame:
        """Workload of each zone in this term, by `zone_id`."""
        return self.zone_loads[self.zone_loads["term"] == self.term.name].set_index("zone_id")

    def summary(self) -> str:
        """Say in plain English what the term looked like.

        Returns
        -------
        str
            A few sentences.
        """
        loads = self.loads
        this = self.history[self.history["term"] == self.term.name]
        mine = this[this["work_of"] == "zone_officer"]
        reported = int((mine["origin"] == "reported").sum())
        answered = "" if self.coverage.is_empty else self.coverage.validation.answered_by_officers()
        schools = int(self.district.schools["in_program"].sum()) - self.in_no_zone[0]
        outside = self.no_zone_sentence()
        told = (
            f"{self.district.settings.district.name}, {self.term.name}: {counted_text(len(this), 'record')}, "
            f"{len(mine):,} of them {POPULATIONS['calls']} ({reported:,} of these reported"
            f"{f'; {answered}' if answered else ''}); {count_text(schools, 'program school')} in "
            f"{count_text(len(loads), 'zone')}.{f' {outside}' if outside else ''}"
        )
        left_out = [t.name for t in self.district.terms_without_record if t.start < self.term.start]
        if left_out:
            told += f" The record holds no incident of {', '.join(left_out)}, so no trend and no comparison has it."
        if not loads["workload_h"].sum():
            return f"{told} No workload could be counted."
        empty = empty_zones_text(loads.loc[loads["schools"] == 0, "name"])
        return (
            f"{told}{' ' + empty if empty else ''} {balance_text(loads)}. {self.hotspots.finding()} "
            f"{self.proposal.finding()}{'' if self.coverage.is_empty else ' ' + self.coverage.finding()}"
        )

    @property
    def in_no_zone(self) -> tuple[int, int]:
        """Program schools in no zone, and calls for zone officers at them in this term."""
        this = self.history[self.history["term"] == self.term.name]
        return in_no_zone(self.district.schools, self.zone_of, this)

    def no_zone_sentence(self) -> str:
        """Say which program schools and calls are in no zone, and where they are therefore missing.

        Returns
        -------
        str
            One sentence; empty where every program school is in a zone.
        """
        schools, calls = self.in_no_zone
        if not schools:
            return ""
        total = int(self.district.schools["in_program"].sum())
        every = self.history[self.history["term"] == self.term.name]["work_of"].eq("zone_officer").sum()
        return (
            f"{count_text(schools, 'program school', of=total)} {'lies' if schools == 1 else 'lie'} in no zone, with "
            f"{calls:,} of the {every:,} {POPULATIONS['calls']}: in the rates of schools, in no zone's load or rate, "
            "and in no figure of the board packet."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the workload of each zone in this term.

        Returns
        -------
        pandas.DataFrame
            Rows of `zone_loads`, with a plain index.
        """
        return self.loads.reset_index()


def why_nothing_to_plan(district: District, loads: pd.DataFrame, history: pd.DataFrame, *, term: Term) -> str:
    """Say in one line why other zones cannot be proposed."""
    counted = loads if district.settings.rebalance.fills_empty_zones else loads[loads["schools"] > 0]
    if len(counted) < 2:  # noqa: PLR2004 - between two zones
        there = "only one zone" if len(counted) else "no zone"
        with_schools = " with a school of the program" if len(loads) > len(counted) else ""
        return f"There is nothing to rebalance: there is {there}{with_schools}."
    if not counted["workload_h"].sum():
        return f"There is nothing to rebalance: no school in a zone has a workload in {term.name}."
    if not has_calls(history, term):
        return (
            f"No other zones are proposed: no call for zone officers is recorded in {term.name}, so that all workload "
            "is routine visits as the settings have them, and nothing of it was measured."
        )
    return ""


def has_calls(history: pd.DataFrame, term: Term) -> bool:
    """Say whether zone officers had any call in a term."""
    return bool(((history["term"] == term.name) & (history["work_of"] == "zone_officer")).any())
