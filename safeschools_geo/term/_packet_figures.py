"""Figures for the public: rounded so that no count can be worked out, and rates of published figures.

Loads, response times and rates are sums over schools, weighted. Beside the counts that are published they could tell
how much of a sum is one school's. Each is therefore tried with an attacker who knows the weights, which the public does
not: rounded finely first, then more coarsely, and not published if nothing helps.

Categories and origins play no part here. They are published for groups of schools at most, of zones or of levels, so
any counts of schools that agree with all else can be split into categories that agree too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.coverage import BACKUP, OWN, PATROL
from safeschools_geo.disclosure import ALL, BoardCoverage, BoardPlan, CountTable, Fact, Grouping, audit, withhold
from safeschools_geo.hotspots import q_values, rate_interval, term_change
from safeschools_geo.rebalance import ANEW, EXACT, schools_of_units
from safeschools_geo.schemas import OFFICER_CATEGORIES
from safeschools_geo.text import carries_difference
from safeschools_geo.workload import SCHOOL_WEEK, travel_minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.disclosure import Policy, SafeTable
    from safeschools_geo.results import TermPlan, TermResult
    from safeschools_geo.settings import Term

    Numbers = NDArray[np.float64]


# ── The counts behind the board packet: confidential, at their finest, with the tables that are published of them

PEOPLE = ("school", "zone", "level", "enrolled")
"""Dimensions that say whom a count is about."""

ALWAYS = ("zone", "level", "category", "origin")
"""What each term's counts are published by, whatever else is."""

KNOWN = "known"
"""What `enrolled` is at schools whose enrollment is known: rates are those of these schools."""

_JULY = 7


def school_year(term: Term) -> str:
    """Name the school year of a term."""
    first = term.start.year if term.start.month >= _JULY else term.start.year - 1
    return f"{first}–{(first + 1) % 100:02d}"


def published_terms(result: TermResult) -> list[Term]:
    """List the terms that the packet tells of."""
    worked = set(result.history.loc[result.history["work_of"] == "zone_officer", "term"].dropna())
    return [
        t
        for t in result.district.settings.terms
        if t.start <= result.term.start and (t.name in worked or t == result.term)
    ]


def program_people(result: TermResult) -> pd.DataFrame:
    """List the program's schools that are in a zone."""
    schools = result.district.schools
    zone = schools["school_id"].map(result.school_zones.set_index("school_id")["zone_id"]).fillna("").astype("str")
    people = pd.DataFrame(
        {
            "school": schools["school_id"].astype("str"),
            "zone": zone,
            "level": schools["level"].astype("str"),
            "enrolled": schools["enrollment"].isna().map({True: "unknown", False: KNOWN}).astype("str"),
            "students": schools["enrollment"].astype("Int64"),
        }
    )
    is_shown = (schools["in_program"] & (zone != "")).to_numpy()
    return pd.DataFrame(people.loc[is_shown]).sort_values("school", ignore_index=True)


def confidential_counts(result: TermResult) -> CountTable:
    """Count zone officers' work at its finest.

    Counts by `school`, `zone`, `level`, `enrolled`, `category`, `origin`, `term` and `year`, 0 where nothing
    happened, with the tables of each term by zone, level, category and origin, and its total; by zone and level also
    of the schools that rates are of. No table shows a school; its small counts may not be worked out either, nor any
    count of a school that is alone in its group or, by its unknown enrollment, between two groups. Where the settings
    allow numbers by school, that last is not asked.
    """
    people, terms = program_people(result), published_terms(result)
    history = result.history
    work = history[(history["work_of"] == "zone_officer") & history["term"].isin([t.name for t in terms])]
    origins = sorted(set(work["origin"].fillna("unknown").astype("str"))) or ["reported"]
    grid = pd.MultiIndex.from_product(
        [people["school"], list(OFFICER_CATEGORIES), origins, [t.name for t in terms]],
        names=["school", "category", "origin", "term"],
    )
    counted = (
        work.assign(school=work["school_id"].astype("str"), origin=work["origin"].fillna("unknown").astype("str"))
        .groupby(["school", "category", "origin", "term"], observed=True)
        .size()
    )
    years = {t.name: school_year(t) for t in terms}
    counts = counted.reindex(grid, fill_value=0).rename("count").reset_index().merge(people, on="school")
    counts["year"] = counts["term"].map(years)
    order = [*PEOPLE, "category", "origin", "term", "year", "count"]
    always = [*(Grouping((by, "term")) for by in ALWAYS), Grouping(("term",))]
    rated = [Grouping.of(dims, enrolled=KNOWN) for dims in (("zone", "term"), ("level", "term"), ("term",))]
    between = [Grouping.of(dims, enrolled="unknown") for dims in (("zone", "term"), ("level", "term"), ("term",))]
    return CountTable(
        counts[order],
        groupings=(*always, *rated),
        hidden=(Grouping(("school", "term")), Grouping(("school", "category", "term")), *between),
        students=people,
        alone=None if result.district.settings.board.by_school else "school",
    )


def confidential_students(people: pd.DataFrame, groupings: Sequence[Grouping]) -> CountTable:
    """Count the students that rates are worked out with."""
    counts = people.assign(count=people["students"].fillna(0).astype("int64"))
    return CountTable(counts[[*PEOPLE, "count"]], tuple(groupings), measure="students")


def offered_tables(table: CountTable, term: Term) -> list[Grouping]:
    """List the tables that the adviser looks at, the finest period first."""
    crossed = [
        ("school", "category"),
        ("school",),
        ("zone", "category"),
        ("level", "category"),
        ("zone", "level"),
    ]
    year = school_year(term)
    periods: list[dict[str, str]] = [{"term": term.name}]
    if len(set(table.counts.loc[table.counts["year"] == year, "term"])) > 1:
        periods.append({"year": year})
    return [Grouping.of(dims, **period) for dims in crossed for period in periods]


def with_detail(table: CountTable, detail: Grouping | None) -> CountTable:
    """Publish one more table."""
    return table if detail is None else table.publishing([*table.groupings, *detail.with_margins()])


# ── Rounded figures: what is published of work and response is rounded until no count can be worked out from it

_WITHOUT = ("category", "origin")


class Rounding:
    """What has been published of the counts so far, earlier releases included, and whether more can be."""

    def __init__(self, raw: CountTable, safe: SafeTable, facts: Sequence[Fact] = ()) -> None:
        dims = [name for name in raw.dims if name not in _WITHOUT]
        added = raw.counts.groupby(dims)["count"].sum().reset_index()
        kept = [g for g in raw.groupings if not {*g.dims, *g.held} & set(_WITHOUT)]
        self._raw = CountTable(
            added,
            tuple(kept),
            hidden=tuple(g for g in raw.hidden if not {*g.dims, *g.held} & set(_WITHOUT)),
            students=raw.students,
            measure=raw.measure,
            alone=raw.alone,
        )
        table = safe.to_frame()
        shown = table[table["is_withheld"] & (table[[d for d in _WITHOUT if d in table]] == ALL).all(axis=1)]
        self._withheld = [{name: row[name] for name in dims if row[name] != ALL} for row in shown.to_dict("records")]
        self.policy = safe.policy
        # What was said of categories and origins earlier says nothing here either.
        self.facts = [fact for fact in facts if {fact.by, *dict(fact.where)} <= set(dims)]
        self.published: list[Fact] = []
        self.withholds_single_schools = raw.alone is not None

    def is_safe(self, more: Iterable[Fact] = ()) -> bool:
        """Say whether these statements can be published too."""
        release = withhold(self._raw, self._withheld, self.policy, facts=[*self.facts, *more])
        return audit(release, knows_rule=True, exact=False).is_safe

    def publish(self, steps: Iterable[float], said: Callable[[float], Sequence[Fact]]) -> float | None:
        """Publish figures as finely as can be."""
        for step in steps:
            more = [self._true(fact) for fact in said(step)]
            if self.is_safe(more):
                self.facts += more
                self.published += more
                return step
        return None

    def _true(self, fact: Fact) -> Fact:
        """Widen a statement that does not quite hold, as those do that rest on a model."""
        value = float(fact.row(self._raw.atoms) @ self._raw.values)
        return replace(fact, low=min(fact.low, value), high=max(fact.high, value))


def rounded(value: float, step: float) -> float:
    """Round a figure."""
    return round(int(value / step + 0.5) * step, 10)


def within(value: float, step: float) -> tuple[float, float]:
    """Say what a rounded figure tells."""
    middle = rounded(value, step)
    return middle - step / 2, middle + step / 2


def by_school(weights: Mapping[str, float]) -> dict[str, float]:
    """Leave out weights of 0."""
    return {school: float(weight) for school, weight in weights.items() if weight}


# ── Rates for the public: worked out from published figures alone

_PER = 1000
_CLEAR = 0.05


def public_rates(
    counts: SafeTable,
    students: SafeTable,
    *dims: str,
    days: Mapping[str, int],
    **where: str,
) -> pd.DataFrame:
    """Work out rates from what is published."""
    people = [name for name in dims if name != "term"]
    table = counts.table(*dims, **where)
    known = _of_known(counts, *dims, **where)
    table = table.merge(known, on=list(dims), how="left", validate="1:1")
    table["rate_cell"] = table["rate_cell"].fillna(-1).astype("int64")
    size = students.table(*people).set_index(people)["count"] if people else students.table()["count"]
    table["students"] = size.reindex(table[people[0]]).to_numpy() if people else size.iloc[0]
    table["students"] = table["students"].astype("Int64")
    term = table["term"] if "term" in dims else pd.Series(where["term"], index=table.index)
    student_days = table["students"].astype("Float64") * term.map(dict(days)).astype("Float64")
    student_days = student_days.mask(student_days.fillna(0) <= 0).mask(table["rate_count"].isna())
    rate = _PER * table["rate_count"].astype("Float64") / student_days
    low, high = rate_interval(
        table["rate_count"].to_numpy(dtype="float64", na_value=np.nan),
        student_days.to_numpy(dtype="float64", na_value=np.nan),
    )
    return table.assign(
        student_days=student_days,
        rate_per_1000=rate,
        rate_low=pd.Series(_PER * low, table.index, dtype="Float64").mask(rate.isna()),
        rate_high=pd.Series(_PER * high, table.index, dtype="Float64").mask(rate.isna()),
        is_partial=table["cell"] != table["rate_cell"],
    )


def _of_known(counts: SafeTable, *dims: str, **where: str) -> pd.DataFrame:
    """Count at schools whose enrollment is known; there may be none."""
    if (counts.to_frame()["enrolled"] == KNOWN).any():
        found = counts.table(*dims, enrolled=KNOWN, **where)
    else:
        found = counts.table(*dims, **where).iloc[:0]
    return found.rename(columns={"cell": "rate_cell", "count": "rate_count"})[[*dims, "rate_cell", "rate_count"]]


def public_changes(
    tables: Mapping[str, pd.DataFrame], *, before: str, after: str, days: Mapping[str, int]
) -> pd.DataFrame:
    """Compare two terms by what is published of them.

    `by`, `group`, `before`, `after`, `ratio` (of rates, missing where the earlier count does not carry one) with
    `ratio_low` and `ratio_high`, `p_value`, `q_value`, `direction` (``rose``, ``fell``, or ``no clear change``) and
    `is_more_than_chance`: q at most 5 %, over all groups of one grouping (`term_change`). A group
    whose figures are withheld counts among them as one that did not change, so that nothing is called clear here that
    is not with every figure known. Missing where a figure is withheld, or a term has no calls at all.
    """
    if not before:
        tables = {name: table.iloc[:0] for name, table in tables.items()}
    return pd.concat([_changes(name, table, before, after, days) for name, table in tables.items()], ignore_index=True)


def _changes(name: str, table: pd.DataFrame, before: str, after: str, days: Mapping[str, int]) -> pd.DataFrame:
    both = table[table["term"].isin([before, after])]
    group = both[name] if name in both else pd.Series("", index=both.index, dtype="str")
    known = pd.DataFrame(
        {
            "term": both["term"],
            "group": group,
            "incidents": both["count"].astype("Float64").astype("float64"),
            "student_days": both["term"].map(dict(days)).astype("float64"),
        }
    ).dropna()
    compared = known[known.groupby("group")["term"].transform("size") == 2]  # noqa: PLR2004 - two terms
    found = pd.DataFrame({"group": sorted(set(group))}, dtype="str").assign(by=name, before=before, after=after)
    wanted = ["ratio", "ratio_low", "ratio_high", "p_value"]
    if compared.empty:
        changes = pd.DataFrame({"group": pd.Series(dtype="str"), **{w: pd.Series(dtype="float64") for w in wanted}})
    else:
        changes = term_change(compared, before=before, after=after, by="group", population="calls")
    merged = found.merge(changes[["group", *wanted]], on="group", how="left")
    is_known = merged["p_value"].notna()
    merged["q_value"] = pd.Series(q_values(merged["p_value"].fillna(1.0)), merged.index).where(is_known)
    sums = compared.pivot_table(index="group", columns="term", values="incidents", aggfunc="sum")
    rates = (sums.div(pd.Series(dict(days)), axis=1)).reindex(merged["group"]).reindex(columns=[before, after])
    is_more = (rates[after] > rates[before]).to_numpy() if len(rates) else np.zeros(0, dtype=np.bool_)
    is_clear = (merged["q_value"] <= _CLEAR).to_numpy()
    direction = pd.Series(np.select([~is_clear, is_more], ["no clear change", "rose"], "fell"), dtype="str")
    merged[[*wanted, "q_value"]] = merged[[*wanted, "q_value"]].astype("Float64")
    return merged.assign(
        direction=direction.where(is_known),
        is_more_than_chance=(merged["q_value"] <= _CLEAR).astype("boolean"),
    )[["by", "group", "before", "after", *wanted, "q_value", "direction", "is_more_than_chance"]]


# ── Rates where an enrollment is unknown, rounded so that the school that is left out cannot be worked out

RATE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""What rates, in incidents per 1,000 student-days, can be rounded to."""

_COARSEST_SHARE = 0.25
_TRIES = 3


def with_rounded_rates(
    tables: Mapping[str, pd.DataFrame], days: Mapping[str, int], raw: CountTable, rounding: Rounding
) -> dict[str, pd.DataFrame]:
    """Give a rounded rate where an exact one would give a school away that it leaves out.

    The tables with `rate_step`: what the rate is rounded to, missing where it is exact or there is none. A group has
    a rounded rate in all its terms or in none, the district's first, and only where the step is small beside it.
    """
    of_term = pd.Series(dict(days))
    order = sorted(tables, key=lambda name: (name != "district", name))
    found = {name: _of_table(tables[name], name, of_term, raw, rounding) for name in order}
    return {name: found[name] for name in tables}


def _of_table(table: pd.DataFrame, name: str, days: pd.Series, raw: CountTable, rounding: Rounding) -> pd.DataFrame:
    stepped = table.assign(rate_step=pd.Series(np.nan, index=table.index, dtype="Float64"))
    groups = stepped[name] if name in stepped else pd.Series("", index=stepped.index, dtype="str")
    lacks = (
        stepped["is_partial"]
        & stepped["rate_per_1000"].isna()
        & (stepped["students"].fillna(0) > 0)
        & ~stepped["is_withheld"]
    )
    for group in groups[lacks].drop_duplicates():
        rows = stepped[lacks & (groups == group)]
        about = {name: str(group)} if name in stepped else {}
        keys = [{**about, "term": str(term)} for term in rows["term"]]
        exposure = (rows["students"] * rows["term"].map(days)).to_numpy(dtype="float64")
        rate = _PER * np.array([_count(raw, key) for key in keys]) / exposure
        said = partial(_facts, rate, exposure, keys)
        step = rounding.publish(_steps(rate, exposure, rounding.policy.smallest_count), said)
        if step is not None:
            stepped.loc[rows.index, "rate_per_1000"] = [rounded(float(value), step) for value in rate]
            stepped.loc[rows.index, "rate_step"] = step
    return stepped


def _steps(rate: Numbers, exposure: Numbers, smallest_count: int) -> list[float]:
    """List steps wide enough to hide a small count, and narrow enough to say something."""
    finest = 2 * smallest_count * _PER / float(exposure.min())
    return [step for step in RATE_STEPS if finest <= step <= _COARSEST_SHARE * float(rate.min())][:_TRIES]


def _facts(rate: Numbers, exposure: Numbers, keys: Sequence[Mapping[str, str]], step: float) -> list[Fact]:
    """State what rounded rates tell: the incidents at schools whose enrollment is known."""
    facts = []
    for value, days, key in zip(rate, exposure, keys, strict=True):
        low, high = (float(limit * days / _PER) for limit in within(float(value), step))
        facts.append(Fact("enrolled", {KNOWN: 1.0}, low, high, "rounded rate", tuple(sorted(key.items()))))
    return facts


def _count(raw: CountTable, key: Mapping[str, str]) -> int:
    rows = raw.counts[raw.counts["enrolled"] == KNOWN]
    for name, value in key.items():
        rows = rows[rows[name] == value]
    return int(rows["count"].sum())


# ── The proposed zones as the board sees them: schools that change zone, and loads so coarse that they tell no count

_SHARE_STEP = 0.05
"""What the share of calls within some minutes is rounded to: a figure of the model, for the whole district."""

_SHOWN = {"mean": 0.1, "p90": 0.1, "within": 0.001}
"""Differences that the managers' pages show."""

LOAD_STEPS = (0.05, 0.1, 0.25, 0.5)
"""What loads, as shares of the mean, can be rounded to."""


def board_plan(
    result: TermResult, people: pd.DataFrame, rounding: Rounding, *, step_min: float = np.nan
) -> BoardPlan | None:
    """Say what is reported to the public of the proposal."""
    proposal = result.proposal
    if proposal.is_empty or not len(proposal.plan.moves):
        return None
    schools = _schools(result, proposal, people)
    moved = schools[schools["zone_before"] != schools["zone_after"]]
    loads = {when: schools.groupby(f"zone_{when}")["workload_h"].sum() for when in ("before", "after")}
    zones = result.district.zones["zone_id"].astype("str")
    # A zone without a school is left out, unless the plan gives it one.
    is_counted = zones.isin(set(schools["zone_before"]) | set(schools["zone_after"]))
    mean = float(schools["workload_h"].sum()) / max(int(is_counted.sum()), 1)
    # The load of a zone with one school is that school's.
    sizes = [zones.map(schools.groupby(f"zone_{when}").size()).fillna(0) for when in loads]
    is_alone = (sizes[0].eq(1) | sizes[1].eq(1)) & rounding.withholds_single_schools

    def said(step: float) -> list[Fact]:
        facts = []
        for when, of_zone in loads.items():
            for zone in zones[is_counted & ~is_alone]:
                low, high = within(float(of_zone.get(zone, 0.0)) / mean, step)
                facts.append(_fact(schools, f"zone_{when}", zone, (low * mean, high * mean), result.term.name))
        return facts

    step = rounding.publish(LOAD_STEPS, said) if mean > 0 else None
    table = pd.DataFrame({"zone_id": zones, "name": result.district.zones["name"].astype("str")})
    for when in ("before", "after"):
        group = schools.groupby(f"zone_{when}")
        table[f"schools_{when}"] = zones.map(group.size()).fillna(0).astype("Int64")
        table[f"students_{when}"] = zones.map(group["students"].sum(min_count=1)).astype("Int64")
        share = zones.map(loads[when]).fillna(0.0) / mean if mean > 0 else pd.Series(np.nan, index=zones.index)
        table[f"load_{when}"] = [
            np.nan if step is None or alone else rounded(float(value), step)
            for value, alone in zip(share, is_alone, strict=True)
        ]
    return BoardPlan(
        zones=proposal.zones[["zone_id", "name", "geometry"]],
        moves=moved[["school_id", "name", "level", "zone_before", "zone_after"]].sort_values(
            ["name", "school_id"], ignore_index=True
        ),
        loads=table.reset_index(drop=True),
        step=np.nan if step is None else step,
        imbalance_before=_imbalance(table.loc[is_counted, "load_before"]),
        imbalance_after=_imbalance(table.loc[is_counted, "load_after"]),
        is_proven=bool(proposal.plan.is_proven),
        empty_zones=tuple(zones[~is_counted]),
        **_price(proposal, step_min),
    )


def _price(proposal: TermPlan, step_min: float) -> dict[str, Any]:
    """Say what the plan costs: response as coarse as it is reported elsewhere, and what is public anyway."""
    change, certificate, other = proposal.change, proposal.plan.certificate, proposal.other_plan
    pairs, anew = change.figures, {n: p[1] for n, p in change.figures.items() if n.endswith(ANEW) and p is not None}
    within_name = next((n for n in pairs if n.startswith("within_") and not n.endswith(ANEW)), "")
    known = {"mean": "response", "p90": "response_p90", "within": within_name}
    figures = {
        name: (*pair, anew.get(n + ANEW, pair[1])) for name, n in known.items() if (pair := pairs.get(n)) is not None
    }
    steps = {"mean": step_min, "p90": step_min, "within": _SHARE_STEP}
    is_shown = bool(figures) and np.isfinite(step_min)
    coarse = {n: tuple(rounded(v, steps[n]) for v in values) for n, values in figures.items()} if is_shown else {}
    split = proposal.proposed.splits
    whole = proposal.current.splits
    cut = split[(split["kind"] == "feeders") & split["is_split"] & ~whole["is_split"].to_numpy()]
    return {
        "proof_of": "disputed" if certificate.get("disputed") else certificate["objective"],
        "moves_allowed": certificate["max_moves"],
        "students_moved": change.students_moved,
        "lacks_students": bool(proposal.changes["students"].isna().any()) if "students" in proposal.changes else False,
        "no_slower": bool(certificate.get("response", {}).get("no_slower")),
        "others_are_more_even": other is not None and other.imbalance < proposal.plan.imbalance - EXACT,
        "minutes": {name: coarse[name] for name in ("mean", "p90") if name in coarse},
        "within": coarse.get("within"),
        "directions": {name: _direction(values[0], values[1], _SHOWN[name]) for name, values in figures.items()},
        "within_min": float(within_name.split("_")[1]) if within_name else np.nan,
        "step_min": step_min if is_shown else np.nan,
        "step_share": _SHARE_STEP if is_shown else np.nan,
        "is_response_known": bool(figures),
        "levels_lost": proposal.proposed.lost_levels,
        "feeders_split": tuple(cut["name"]),
    }


def _direction(before: float, after: float, step: float) -> str:
    if not carries_difference(before, after, step=step):
        return "same"
    return "up" if after > before else "down"


def _schools(result: TermResult, proposal: TermPlan, people: pd.DataFrame) -> pd.DataFrame:
    """List the program's schools with their zones before and after, and what their work is made of."""
    unit = schools_of_units(proposal.inputs.units)
    after = unit.map(proposal.plan.assignment)
    workload = result.workload[result.workload["term"] == result.term.name].set_index("school_id")
    named = result.district.schools.set_index("school_id")["name"].astype("str")
    before = people["zone"]
    return pd.DataFrame(
        {
            "school_id": people["school"],
            "name": people["school"].map(named),
            "level": people["level"],
            "students": people["students"],
            "zone_before": before,
            "zone_after": people["school"].map(after).fillna(before).astype("str"),
            "workload_h": people["school"].map(workload["workload_h"]).fillna(0.0),
            "incidents": people["school"].map(workload["incidents"]).fillna(0).astype("int64"),
            "visiting_h": _visiting_h(result, people),
        }
    )


def _visiting_h(result: TermResult, people: pd.DataFrame) -> pd.Series:
    """Work out the hours of visits to each school, with the driving: they are the same whatever happens."""
    settings = result.district.settings.workload
    zones = people.set_index("school")["zone"]
    trips = travel_minutes(result.district.schools, zones, settings, crs=result.district.crs)
    per_day = people["level"].map(dict(settings.visits_per_week)).astype("float64") / SCHOOL_WEEK
    return per_day * (settings.visit_min + people["school"].map(trips).fillna(0.0)) / 60


def _fact(schools: pd.DataFrame, by: str, zone: str, hours_shown: tuple[float, float], term: str) -> Fact:
    """State what a rounded load tells: the hours that incidents took, over the schools of the zone."""
    inside = schools[schools[by] == zone]
    hours, number = schools["workload_h"] - schools["visiting_h"], schools["incidents"]
    usual = float(hours.sum()) / max(int(number.sum()), 1)
    each = (hours / number.where(number > 0)).fillna(usual)[inside.index]
    fixed = float((inside["workload_h"] - each * inside["incidents"]).sum())
    return Fact(
        by="school",
        weights=by_school(dict(zip(inside["school_id"], each, strict=True))),
        low=hours_shown[0] - fixed,
        high=hours_shown[1] - fixed,
        source="load of a zone",
        where=(("term", term),),
    )


def _imbalance(loads: pd.Series) -> float:
    """Measure it on loads as they are shown, so that it tells nothing that they do not."""
    return float("nan") if loads.isna().any() else round(float((loads - 1).abs().max()), 10)


# ── Patrol coverage as the board sees it: what the record says, rounded so that no count can be worked out from it

MINUTE_STEPS = (1.0, 2.0, 5.0, 10.0)
"""What minutes of response can be rounded to."""

SHARE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""What shares of calls can be rounded to."""

_RESTS_STEP = 0.05


def board_coverage(result: TermResult, counts: SafeTable, rounding: Rounding) -> BoardCoverage | None:
    """Say what is reported to the public of patrol coverage.

    Figures of the record alone; None where coverage was not asked for. Who answered is reported of all zones together,
    since the counts of a zone by who answered are small.
    """
    zones = result.district.zones[["zone_id", "name"]].astype("str").reset_index(drop=True)
    if result.coverage.is_empty:
        this = result.history[result.history["term"] == result.term.name]
        has_calls = bool((this["work_of"] == "zone_officer").any())
        return (
            None if has_calls else BoardCoverage(zones.assign(response_min=np.nan, is_withheld=False), has_calls=False)
        )
    found = result.coverage.validation
    is_withheld = counts.table("zone", term=result.term.name).set_index("zone")["is_withheld"]
    withheld = zones["zone_id"].map(is_withheld).astype("boolean").fillna(value=True).astype("bool")
    exact = zones["zone_id"].map(lambda zone: found.figure("response", zone).recorded).astype("float64").mask(withheld)
    mean = found.figure("response")
    places = found.trips.join(result.coverage.usual_day.zones, how="inner").reset_index()

    def said(step: float, reported: pd.Series) -> list[Fact]:
        of_zones = [
            fact
            for row, minutes in reported.dropna().items()
            for fact in _coverage_facts(
                places[places["zone_id"] == zones.loc[row, "zone_id"]], float(minutes), step, result.term.name
            )
        ]
        return [*of_zones, *_coverage_facts(places, mean.recorded, step, result.term.name)]

    step = None
    if mean.is_recorded:
        step = rounding.publish(MINUTE_STEPS, partial(said, reported=exact))
    if mean.is_recorded and step is None and exact.notna().any():
        # The district's mean alone, where those of the zones would tell too much.
        exact = exact.mask(exact.notna())
        step = rounding.publish(MINUTE_STEPS, partial(said, reported=exact))
    step_share = _share_step(found.answered, rounding.policy)
    known = sum(found.answered.values())

    def share(*who: str) -> float:
        if not found.shows_answers or np.isnan(step_share):
            return float("nan")
        return rounded(sum(found.answered.get(one, 0) for one in who) / known, step_share)

    patrol = found.figure("overflow")
    return BoardCoverage(
        zones=zones.assign(
            response_min=[np.nan if step is None or pd.isna(m) else rounded(float(m), step) for m in exact],
            is_withheld=withheld,
        ),
        district_response_min=np.nan if step is None else rounded(mean.recorded, step),
        own_share=share(OWN),
        other_share=share(BACKUP),
        patrol_share=share(PATROL),
        officers_share=share(OWN, BACKUP),
        step_min=np.nan if step is None else step,
        step_share=step_share,
        is_timed=found.shows_minutes,
        is_answered=found.shows_answers,
        timed_share=_floor(mean.calls, mean.of),
        answered_share=_floor(patrol.calls, patrol.of),
    )


def _share_step(answered: Mapping[str, int], policy: Policy) -> float:
    """Choose what shares of who answered are rounded to, lest they tell a small count of calls.

    Where every kind of responder answered none or more than is small, to the finest step. Else so coarsely that a share
    that is rounded to nothing can stand for any small count.
    """
    counts = [answered.get(who, 0) for who in (OWN, BACKUP, PATROL)] + [sum(answered.values())]
    counts.append(counts[-1] - sum(counts[:-1]))
    if not any(policy.is_small(count) for count in counts):
        return SHARE_STEPS[0]
    wide = [step for step in SHARE_STEPS if counts[-2] * step / 2 > policy.largest_small]
    return wide[0] if wide else float("nan")


def _floor(calls: int, of: int) -> float:
    """Round down the share of calls that a figure rests on; 1 where it rests on all."""
    if not of:
        return float("nan")
    return 1.0 if calls == of else float(np.floor(calls / of / _RESTS_STEP + 1e-9) * _RESTS_STEP)


def _coverage_facts(places: pd.DataFrame, minutes: float, step: float, term: str) -> list[Fact]:
    """State what a rounded mean tells: the sum of (minutes of a school’s trips − the mean) over its calls is 0.

    The weights are those of somebody who knows how long the trips to every school took on average, and at which share
    of its calls the trip is known.
    """
    low, high = within(minutes, step)
    known = (places["timed"] / places["calls"]).fillna(1.0).to_numpy(dtype="float64")
    took = places["mean_min"].fillna(minutes).to_numpy(dtype="float64")
    away = [by_school(dict(zip(places["school_id"], (took - limit) * known, strict=True))) for limit in (low, high)]
    source, where = "minutes of response", (("term", term),)
    return [
        Fact("school", away[0], low=0.0, high=np.inf, source=source, where=where),
        Fact("school", away[1], low=-np.inf, high=0.0, source=source, where=where),
    ]
