"""What a term came to: a proposal and what it is made of, coverage of a usual day, and what may be published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from safeschools_geo.counts import in_no_zone
from safeschools_geo.coverage import CoveragePlan, UsualDay
from safeschools_geo.disclosure import AuditReport, BoardContent, CountTable, Fact, Release, SafeTable
from safeschools_geo.district import District
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.findings import CheckReport, Finding, MayHoldNothing
from safeschools_geo.hotspots import (
    NOT_JUDGED,
    STATUS_CHANGES,
    DisplacementDifference,
    Hotspots,
    change_words,
    counted_text,
    times,
)
from safeschools_geo.rebalance import (
    Frontier,
    PlanChange,
    RebalancePlan,
    Rules,
    Score,
    Stability,
    compare_plans,
    plan_change,
    what_changes,
)
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.settings import Settings, Term
from safeschools_geo.text import forecast_text, format_change
from safeschools_geo.workload import balance_text, empty_zones_text, imbalance


@dataclass(frozen=True, eq=False)
class PlanInputs:
    """What a plan is made of."""

    # Schools with their service areas, or areas with their schools, with their current zone and their workload
    units: gpd.GeoDataFrame
    edges: pd.DataFrame  # Which of them may follow each other within a zone
    rules: Rules  # What a plan has to keep
    travel: pd.DataFrame  # Kilometers from each unit (rows) to each zone's center (columns), the same for all plans
    findings: tuple[Finding, ...]  # What there is to say of units and edges
    noun: str = "school"  # What a unit is called in what is said
    # Zones without a school, which stay as they are and do not count for the balance; none where plans are to fill them
    set_apart: tuple[str, ...] = ()
    forecast: tuple[str, ...] = ()  # What the workload is forecast by, in words; empty where it is that of the record

    @property
    def repairs(self) -> tuple[str, ...]:
        """What barriers part, and how ground in two zones or areas was divided: what every plan rests on."""
        return tuple(f.message for f in self.findings if f.table == "barriers" or f.code == "units_overlap")

    def about_empty_zones(self, zones: gpd.GeoDataFrame) -> str:
        """Say what happens to zones without a school; empty where there is none."""
        names = zones.set_index("zone_id")["name"]
        return empty_zones_text(str(names[zone]) for zone in self.set_apart)


@dataclass(frozen=True, eq=False)
class TermPlan(MayHoldNothing):
    """A proposal of other zones for a district."""

    inputs: PlanInputs
    frontier: Frontier  # How even the zones can be made by few moves
    plan: RebalancePlan  # The proposal
    zones: gpd.GeoDataFrame  # Zones under the proposal, in the schema of the zone file
    current: Score
    proposed: Score
    stability: Stability  # Whether the proposal holds up in other terms
    usual_day: UsualDay | None  # The usual day that coverage is scored with; None where there are no calls
    # Minutes from where officers may wait, as `rebalance` takes them; None where nobody asked for plans in which nobody
    # waits longer
    response: pd.DataFrame | None = None
    # The frontier that was not chosen from, what it proposes, and the score of that: with longer waits allowed, or in
    # which nobody waits longer where that moves nothing; None where nobody asked, or no plan keeps the limit
    other: Frontier | None = None
    other_plan: RebalancePlan | None = None
    other_score: Score | None = None
    why_longer: str = ""  # Why there is no plan in which nobody waits longer; empty where there is one, or nobody asked

    @property
    def alternative(self) -> str:
        """What is proposed where longer waits are allowed, with its price, or why nothing is where they are not."""
        if self.other is None or self.other_score is None:
            return self.why_longer
        if self.other_plan is not None and self.other_plan.assignment.equals(self.plan.assignment):
            return f"{self.other_name} the same is proposed."
        price = plan_change(self.current, self.other_score, noun=self.inputs.noun).price_text()
        return " ".join(part for part in (f"{self.other_name}:", self.other.finding(self.other_plan), price) if part)

    @property
    def held(self) -> Frontier | None:
        """The frontier in which nobody waits longer, with what some minutes would gain; None where nobody asked."""
        both = (self.frontier, self.other)
        return next((one for one in both if one is not None and not one.trade.empty), None)

    def about_trade(self) -> list[str]:
        """Say what some minutes would gain; nothing where nobody asked."""
        return [] if self.held is None else self.held.about_trade()

    @property
    def other_name(self) -> str:
        """What sets the plan apart that is beside the proposal; empty where there is none."""
        if self.other_plan is None:
            return ""
        is_held = bool(self.other_plan.certificate["response"]["no_slower"])
        return "Where nobody may wait longer" if is_held else "Where longer waits are allowed"

    @property
    def comparison(self) -> pd.DataFrame:
        """The scores side by side, as they are shown; with those of the `other` plan where there is one."""
        alternative = {} if self.other_score is None else {"other": self.other_score}
        return compare_plans({"current": self.current, "proposed": self.proposed, **alternative}, shown=True)

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
        """What happens to zones without a school; empty where there is none."""
        return self.inputs.about_empty_zones(self.zones)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else to know: how coarse units are, what barriers part, and that filling zones is a choice."""
        choice = "Whether such a zone should have schools is a choice of its own, made by `fills_empty_zones`."
        return (*self.frontier.notes, *self.inputs.repairs, *([choice] if self.inputs.set_apart else []))

    def finding(self) -> str:
        """Say what is proposed, what it gains, and what it costs, and then what else there is; or why nothing is."""
        if self.is_empty:
            return self.why
        proposed = " ".join(part for part in (self.frontier.finding(self.plan), self.change.price_text()) if part)
        return "\n".join(part for part in (proposed, self.alternative) if part)

    def summary(self) -> str:
        """Say in plain English what is proposed, how good it is, and whether it holds up; or why nothing is."""
        if self.is_empty:
            return self.why
        parts = (
            self.empty_zones,
            *self.notes,
            self.finding(),
            *self.frontier.about_points(),
            self.plan.proof_text(),
            *self.about_trade(),
            self.stability.summary(),
        )
        return " ".join(part for part in parts if part)

    def to_frame(self) -> pd.DataFrame:
        """Return the frontier, a row for each number of moves; none where nothing is proposed."""
        return self.table("frontier")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the tables of the proposal.

        `stability_quantiles` are of redrawn terms; `response`, `frontier_other`, `plan_other` and `frontier_minutes`
        are there where plans were asked for in which nobody waits longer.
        """
        if self.is_empty:
            return {}
        asked = {} if self.response is None else {"response": self.response}
        other: dict[str, pd.DataFrame] = {}
        if self.other is not None and self.other_plan is not None:
            other["frontier_other"] = self.other.to_frame().drop(columns="seconds")
            other["plan_other"] = self.other_plan.to_frame()
        if self.held is not None:
            other["frontier_minutes"] = self.held.trade
        return (
            asked
            | other
            | {
                "units": pd.DataFrame(self.inputs.units.drop(columns="geometry")),
                "edges": self.inputs.edges,
                "frontier": self.frontier.to_frame(),
                "scores": self.comparison,
                "moves": self.changes,
                "stability": self.stability.to_frame(),
                "stability_quantiles": self.stability.quantiles().reset_index(),
                "hotspot_splits": self.proposed.splits.query("kind == 'hotspots'"),
            }
        )

    def sentences(self) -> dict[str, str]:
        """Say what there is to say of the proposal, by what it is about; empty where nothing is proposed."""
        if self.is_empty:
            return dict.fromkeys(("notes", "findings", "price", "proof", "stability"), "")
        return {
            "notes": "\n".join(note for note in (self.empty_zones, *self.frontier.notes) if note),
            "findings": "\n".join(map(str, self.inputs.findings)),
            "price": self.change.price_text(),
            "proof": self.plan.proof_text(),
            "stability": self.stability.summary(),
        }


@dataclass(frozen=True, eq=False)
class TermBoard(MayHoldNothing):
    """What may be reported of a term."""

    content: BoardContent  # What the pages say
    statements: tuple[Fact, ...]  # What the rounded figures on them say
    people: pd.DataFrame  # Schools of the program with their zone and level, for the record of releases. Confidential
    advice: pd.DataFrame  # What the adviser found (`advise`): for the manager, since it says more than the packet
    raw: CountTable  # The counts themselves, for the record of releases. Confidential
    releases: tuple[Release, ...] = ()  # What was published earlier, and this if it is a release

    @property
    def counts(self) -> SafeTable:
        """The counts that are published."""
        return self.content.counts

    @property
    def audit(self) -> AuditReport:
        """What can be worked out from them."""
        return self.content.audit

    def summary(self) -> str:
        """Say in plain English what is reported and what is withheld; or why nothing is reported."""
        if self.is_empty:
            return self.why
        chosen = self.advice[self.advice["is_chosen"]]
        finest = f" The finest table is {chosen['grouping'].iloc[0]}." if len(chosen) else ""
        return f"{self.counts.summary()}{finest} {self.audit.summary()}"

    def to_frame(self) -> pd.DataFrame:
        """Return what the adviser found."""
        return self.table("advice")

    def sentences(self) -> dict[str, str]:
        """Say what there is to say, by what it is about."""
        if self.is_empty:
            return {"audit": "", "loads": self.why}
        plan = self.content.plan
        loads = "No other zones are proposed." if plan is None else f"Loads to the nearest {plan.step:.0%} of the mean."
        return {"audit": self.audit.summary(), "loads": loads}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give what may be reported as tables; `loads` and `response` where they are reported."""
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
        What may be reported in public; empty where there is no school to tell of, or it was not asked for.
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
            A paragraph on each: the record and the load, hotspots, the proposal, coverage.
        """
        loads = self.loads
        this = self.history[self.history["term"] == self.term.name]
        mine = this[this["work_of"] == "zone_officer"]
        reported = int((mine["origin"] == "reported").sum())
        answered = "" if self.coverage.is_empty else self.coverage.validation.answered_by_officers()
        schools = int(self.district.schools["in_program"].sum()) - self.in_no_zone[0]
        outside = self.no_zone_sentence()
        used = int((loads["schools"] > 0).sum())
        of_zones = len(loads) if used < len(loads) else None
        recorded = (
            "no history of incidents"
            if self.history.empty
            else f"{counted_text(len(this), 'record')}, {len(mine):,} of them {POPULATIONS['calls']} ({reported:,} of "
            f"these reported{f'; {answered}' if answered else ''})"
        )
        text = (
            f"{self.district.settings.district.name}, {self.term.name}: {recorded}; "
            f"{count_text(schools, 'program school')} in {count_text(used, 'zone', of=of_zones)}."
            f"{f' {outside}' if outside else ''}"
        )
        left_out = [t.name for t in self.district.terms_without_record if t.start < self.term.start]
        if left_out:
            text += f" The record holds no incident of {', '.join(left_out)}, so no trend and no comparison has it."
        if not loads["workload_h"].sum():
            return f"{text} No workload could be counted."
        empty = empty_zones_text(loads.loc[loads["schools"] == 0, "name"])
        parts = [
            f"{text}{' ' + empty if empty else ''} {balance_text(loads)}.",
            *([] if self.history.empty else [self.hotspots.finding()]),
            self.proposal.finding(),
            *([] if self.coverage.is_empty else [self.coverage.finding()]),
        ]
        return "\n".join(parts)

    @property
    def in_no_zone(self) -> tuple[int, int]:
        """Program schools in no zone, and calls for zone officers at them in this term."""
        this = self.history[self.history["term"] == self.term.name]
        return in_no_zone(self.district.schools, self.zone_of, this)

    def no_zone_sentence(self) -> str:
        """Say how many program schools and calls are in no zone, and where they are therefore missing.

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


# ── Two terms beside each other

_CLEAR = ("rose", "fell")
_LEAST_MIN = 0.05
_CALLS = POPULATIONS["reported"]


@dataclass(frozen=True)
class TermComparison:
    """Two terms, compared. In all tables ``_before`` is of the first and ``_after`` of the second."""

    term_a: Term
    term_b: Term
    settings: Settings
    days: tuple[int, int]  # School days of the two terms
    has_zone_record: bool  # Whether it is known which zones the earlier term had
    # `school_id`, `name`, `level`, `in_program`, `zone_before`, `zone_after`, `has_changed`
    school_zones: pd.DataFrame
    # Workload of each zone in both terms, in officer-hours per school day: what the schools that changed zone bring
    # (`from_zones_h`) and what else changed (`from_work_h`)
    loads: pd.DataFrame
    # Reported incidents of all schools together, of zones and of levels (`rates_side_by_side`). Each term is counted in
    # its own zones; `has_same_schools` says where a zone had the same schools, and the columns that begin with
    # ``same_schools_`` compare the schools that it has in the later term
    overall: pd.DataFrame
    rates: pd.DataFrame
    levels: pd.DataFrame
    schools: pd.DataFrame  # The same of each program school, with `status_change`
    hotspots: pd.DataFrame  # Schools and groups that are high in either term (`hotspots_that_changed`), with `warning`
    # What changed at the schools that changed zone, against as many of their levels that did not; None where it is not
    # known which did, none did, or no other is of their levels
    zone_change: DisplacementDifference | None = None
    cautions: tuple[str, ...] = ()  # What the comparison may rest on besides what happened
    notes: tuple[str, ...] = ()  # Where the zones come from, and what had to be assumed
    seed: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)  # File → SHA-256 of what the comparison was made from

    @property
    def moved(self) -> pd.DataFrame:
        """The schools whose zone is known to have changed."""
        return self.school_zones[self.school_zones["has_changed"]]

    @property
    def imbalances(self) -> tuple[float, float]:
        """Imbalance of the loads of the two terms."""
        before, after = (
            self.loads.loc[self.loads[f"schools_{side}"] > 0, f"workload_h_{side}"] for side in ("before", "after")
        )
        return imbalance(before), imbalance(after)

    @property
    def counts(self) -> dict[str, int | None]:
        """How many schools changed zone (None where that is not known), zones changed, and hotspots came and went."""
        changes = self.hotspots["status_change"].value_counts()
        return {
            "schools_that_changed_zone": len(self.moved) if self.has_zone_record else None,
            **{f"zones_whose_rate_{way}": int((self.rates["direction"] == way).sum()) for way in _CLEAR},
            **{name: int(changes.get(name, 0)) for name in STATUS_CHANGES if name != "not_high"},
        }

    def finding(self) -> str:
        """Say in one sentence what changed: rates of zones, imbalance and hotspots."""
        missing = self._without_record()
        if missing:
            return missing
        return (
            f"From {self.term_a.name} to {self.term_b.name} {self._zone_rates_text()}. {self._imbalance_text()} "
            f"{self._hotspots_text()}."
        )

    def _without_record(self) -> str:
        """Say that a term has nothing to be compared; empty where both have."""
        row = self.overall.iloc[0]
        empty = [
            term.name
            for term, side in ((self.term_a, "before"), (self.term_b, "after"))
            if not self.schools[f"incidents_{side}"].sum() and not row[f"incidents_{side}"]
        ]
        if not empty:
            return ""
        return (
            f"{self.term_a.name} and {self.term_b.name} cannot be compared: the record has no {_CALLS} "
            f"in {' and '.join(empty)} at schools with a known enrollment."
        )

    def _imbalance_text(self) -> str:
        before, after = self.imbalances
        change = format_change(before, after)
        if change is None:
            return f"The imbalance of the loads stayed at {before:.1%}."
        return f"The imbalance of the loads went from {change[0]} to {change[1]}."

    def statements(self) -> list[str]:
        """Say in plain English what changed: schools that changed zone, all schools together, loads."""
        return [self.zones_sentence(), self._overall_text(), self._loads_text()]

    def summary(self) -> str:
        """Say in plain English what changed, and what it rests on."""
        hotspots = (self.hotspots["sentence"] + " " + self.hotspots["warning"]).str.strip()
        parts = [*self.statements(), *hotspots, *self.cautions, *self.notes]
        return "\n".join([self.finding(), *(f"- {sentence}" for sentence in parts)])

    def to_frame(self) -> pd.DataFrame:
        """Return loads and rates, a row for each zone of either term."""
        rates = self.rates.drop(columns=["name", "schools_before", "schools_after"])
        return self.loads.merge(rates, on="zone_id", how="left")

    def zones_sentence(self) -> str:
        """Say which schools changed zone."""
        if not self.has_zone_record:
            return (
                f"Whether schools changed zone is not known: there is no record of the zones of {self.term_a.name}, so "
                "today's zones are used for both terms."
            )
        if self.moved.empty:
            return "No school changed zone."
        changed = f"{count_text(len(self.moved), 'school')} changed zone: {name_ids(self.moved['name'])}."
        found = self.zone_change
        if found is None:
            return changed
        return f"{changed} {found.of_zones(self.term_a.name, _CALLS)}"

    def _zone_rates_text(self) -> str:
        parts = []
        for way in _CLEAR:
            names = self.rates.loc[self.rates["direction"] == way, "name"]
            if len(names):
                parts.append(f"the rate of {_CALLS} {way} by more than chance explains in {name_ids(names)}")
        compared = int((self.rates["direction"] != "insufficient_data").sum())
        if not compared:
            return f"no zone had enough {_CALLS} to be compared"
        still = f"the rate of {_CALLS} did not clearly change in any of the {compared} zones compared"
        return " and ".join(parts) or still

    def _hotspots_text(self) -> str:
        if self.hotspots.empty:
            judged = int((~self.schools[["status_before", "status_after"]].isin(NOT_JUDGED)).all(axis=1).sum())
            return (
                f"{count_text(judged, 'program school', of=len(self.schools))} could be judged in both terms, and "
                "none was high in either"
                if judged
                else "No school could be judged in both terms"
            )
        parts = []
        for change in ("emerged", "persisted", "faded"):
            mine = self.hotspots[self.hotspots["status_change"] == change]
            clear = int(mine["direction"].isin(_CLEAR).sum())
            parts.append(f"{len(mine) or 'none'} {change}{_how(clear, len(mine)) if change != 'persisted' else ''}")
        unsaid = int((self.hotspots["status_change"] == "insufficient_data").sum())
        rest = f"; of {unsaid} there is not enough data to say" if unsaid else ""
        return f"Of the schools and groups that were high in either term {', '.join(parts[:-1])} and {parts[-1]}{rest}"

    def _overall_text(self) -> str:
        row = self.overall.iloc[0]
        if row["direction"] == "insufficient_data":
            return f"All schools together: {row['sentence']}"
        rates = " and ".join(
            f"{value:.3f}" if np.isfinite(value) else "no rate"
            for value in (row["rate_per_1000_before"], row["rate_per_1000_after"])
        )
        interval = ""
        if np.isfinite(row["ratio"]):
            ends = f"95 % interval {row['ratio_low']:.2f}–{row['ratio_high']:.2f}".replace("inf", "∞")
            interval = f"; {times(row['ratio'])} the rate of before ({ends})"
        return (
            f"All schools with a known enrollment together: {row['incidents_before']:,} and "
            f"{row['incidents_after']:,} {_CALLS}, "
            f"{rates} for each 1,000 student-days: {change_words(row.to_dict())}{interval}."
        )

    def _loads_text(self) -> str:
        totals = [float(self.loads[f"workload_h_{side}"].sum()) for side in ("before", "after")]
        text = f"All zones together had {totals[0]:.1f} and {totals[1]:.1f} officer-hours of work each school day."
        known = self.loads[self.loads["difference_h"].abs() > 0]
        if known.empty:
            return text
        most = known.iloc[int(known["difference_h"].abs().to_numpy().argmax())]
        change = f"{most['difference_h']:+.2f}".replace("-", "−")
        return f"{text} {most['name']} changed most: {change} hours."


def _how(clear: int, number: int) -> str:
    """Say of how many hotspots that came or went the rate clearly changed: coming and going alone are no evidence."""
    if not number:
        return ""
    if clear == number:
        return f" ({'all ' if number > 1 else ''}by more than chance explains)"
    return f" ({clear or 'none'} by more than chance explains)"


# ── Plans beside each other, and beside the zones of today


@dataclass(frozen=True, eq=False)
class ScoredPlan:
    """A plan with all that is reported of it."""

    assignment: pd.Series  # Zone of each unit, by `unit_id`
    zones: gpd.GeoDataFrame  # Table `zones` of the plan
    score: Score
    stability: Stability
    findings: tuple[Finding, ...]  # What was found when it was read
    inputs: PlanInputs
    current: Score  # Of the zones of today

    @property
    def change(self) -> PlanChange:
        """What the plan gains, and what that costs."""
        return plan_change(self.current, self.score, noun=self.inputs.noun)

    @property
    def moves(self) -> pd.DataFrame:
        """The units that change their zone, each with a sentence."""
        return what_changes(self.inputs.units, self.current.assignment, self.assignment)

    @property
    def comparison(self) -> pd.DataFrame:
        """The scores of today and of the plan, as they are shown."""
        return compare_plans({"current": self.current, "proposed": self.score}, shown=True)

    def summary(self) -> str:
        """Say what the plan gains and costs, how good it is, and whether it holds up."""
        parts = (self.change.summary(), self.score.summary(), self.stability.summary())
        return " ".join(text for text in parts if text)


@dataclass(frozen=True, eq=False)
class ScoredPlans:
    """Plans, and the zones of today, on the same measures."""

    inputs: PlanInputs
    current: Score
    plans: Mapping[str, ScoredPlan]
    zones: gpd.GeoDataFrame  # Table `zones` of today

    def to_frame(self) -> pd.DataFrame:
        """Put the plans side by side: a row for each measure, a column for each plan, as `compare_plans` does."""
        return compare_plans({"current": self.current, **{n: p.score for n, p in self.plans.items()}}, shown=True)

    @property
    def empty_zones(self) -> str:
        """What happens to zones without a school; empty where there is none."""
        return self.inputs.about_empty_zones(self.zones)

    def finding(self) -> str:
        """Say what becomes of the imbalance in each plan, and what is paid for it."""
        return f"Imbalance today {self.current.imbalance:.1%}; {'; '.join(map(self._about, self.plans))}."

    def _about(self, name: str) -> str:
        plan = self.plans[name]
        change, response = plan.change, plan.change.figures.get("response")
        parts = [change.moved.lower() if change.moved else "nothing moves"]
        if change.moved and change.students_moved is not None:
            parts.append(f"{count_text(change.students_moved, 'student')} with another officer")
        if change.moved and response is not None:
            minutes = response[1] - response[0]
            size = f"{minutes:+.1f} min" if abs(minutes) >= _LEAST_MIN else "changed by under 0.1 min"
            parts.append(f"mean response by the model {size}")
        return f"{name} {plan.score.imbalance:.1%} ({', '.join(parts)})"

    @property
    def _first(self) -> str:
        return " ".join(t for t in (forecast_text(self.inputs.forecast), self.empty_zones, *self.inputs.repairs) if t)

    def summary(self) -> str:
        """Say of each plan what it gains and costs, how good it is, and whether it holds up."""
        if len(self.plans) == 1:
            parts = [plan.summary() for plan in self.plans.values()]
        else:
            parts = [self.finding(), *(f"{name}: {plan.summary()}" for name, plan in self.plans.items())]
        return "\n".join(text for text in (self._first, *parts) if text)
