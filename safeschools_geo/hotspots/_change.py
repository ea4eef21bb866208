"""Change from one term to the next, and trends over terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from safeschools_geo.errors import ColumnError, InputError, count_text, name_ids
from safeschools_geo.hotspots._expected import NOT_CLEARLY, carried, chance_text, counted_text, q_values, times
from safeschools_geo.hotspots._schools import CLEARLY, group_rates
from safeschools_geo.schemas import FEWEST_AS_BASE, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.hotspots._schools import SchoolRates
    from safeschools_geo.settings import Term

    Floats = NDArray[np.float64]


# ── Change: from one term to the next, and after a change of zones with comparison schools

FEWEST = 5
"""Fewest incidents in both terms together that are compared."""

BASELINES = {"year_before": "the same term a year earlier", "term_before": "the term before"}
"""What a term is compared with, and its name in print."""

_SAME_SEASON = timedelta(days=60)
_YEAR = timedelta(days=365)

_TAIL = 0.025
_UNKNOWN = (float("nan"),) * 4
_WIDE = 1.959963984540054
_CHANGES = (
    "incidents_before",
    "incidents_after",
    "student_days_before",
    "student_days_after",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "q_value",
    "direction",
    "sentence",
)


def baseline_terms(terms: Sequence[Term], this: Term) -> dict[str, str]:
    """Find the terms that a term is compared with."""
    earlier = sorted((t for t in terms if t.start < this.start), key=lambda t: t.start)
    if not earlier:
        return {}
    nearest = min(earlier, key=lambda t: abs(this.start - t.start - _YEAR))
    found = {"year_before": nearest.name} if abs(this.start - nearest.start - _YEAR) <= _SAME_SEASON else {}
    return found if nearest == earlier[-1] and found else {**found, "term_before": earlier[-1].name}


def changes_against(
    counts: pd.DataFrame, *, baselines: Mapping[str, str], after: str, by: str, population: str = "reported"
) -> pd.DataFrame:
    """Compare a term with each of its baselines."""
    named = ["baseline", "before", "after", "population"]
    tables = [
        term_change(counts, before=before, after=after, by=by, population=population).assign(
            baseline=baseline, before=before, after=after, population=population
        )
        for baseline, before in baselines.items()
        if {before, after} <= set(counts["term"])
    ]
    columns = [*named, by, *_CHANGES]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def e_test(count_1: float, exposure_1: float, count_2: float, exposure_2: float) -> float:
    """Compare two Poisson rates.

    Two-sided p-value of the E-test (K. Krishnamoorthy and J. Thomson, "A more powerful test for comparing two Poisson
    means", Journal of Statistical Planning and Inference 119, 2004), with the statistic of Wald; 1 where there are no
    cases.

    The statistic falls with the second count, so that for each first count the second ones that are as extreme are
    all up to one number and all from another: a sum over one count, where the square of all pairs would fill the memory
    with a district's cases.
    """
    cases, exposure = count_1 + count_2, exposure_1 + exposure_2
    times = exposure_1 / exposure_2
    extreme = abs(count_1 - count_2 * times)
    if extreme == 0:
        return 1.0
    square = extreme**2 / (count_1 + count_2 * times**2)
    mean_1, mean_2 = cases * exposure_1 / exposure, cases * exposure_2 / exposure
    first = np.arange(stats.poisson.ppf(_UNSEEN, mean_1), stats.poisson.isf(_UNSEEN, mean_1) + 1)
    middle = first / times + square / 2
    half = np.sqrt(square * (first / times + first / times**2 + square / 4))
    up_to, from_on = np.floor(middle - half + _TIE), np.ceil(middle + half - _TIE)
    up_to[first == 0] = -1
    chances = stats.poisson.cdf(up_to, mean_2) + stats.poisson.sf(from_on - 1, mean_2)
    return min(float(stats.poisson.pmf(first, mean_1) @ chances), 1.0)


_UNSEEN, _TIE = 1e-14, 1e-9


def term_change(
    counts: pd.DataFrame, *, before: str, after: str, by: str = "school_id", population: str = "reported"
) -> pd.DataFrame:
    """Compare two terms, school by school or zone by zone.

    Parameters
    ----------
    counts
        `term`, `school_id`, `zone_id`, `incidents` and `student_days` (missing where unknown).
    before, after
        The terms.
    by
        ``school_id`` or ``zone_id``, or another column of `counts`, such as ``level``.
    population
        What `incidents` counts, a key of `schemas.POPULATIONS`.

    Returns
    -------
    pandas.DataFrame
        One row for each: `incidents_before`, `incidents_after`, `student_days_before`, `student_days_after`, `ratio`
        (of rates, after over before; missing where the earlier term has fewer than `words.FEWEST_AS_BASE`) with its
        exact conditional 95 % interval (`ratio_low`, `ratio_high`), `p_value` (E-test, two-sided), `q_value` (over all
        rows tested), `direction` (``rose`` or ``fell`` where the q-value is at most 5 %, ``no clear change``, or
        ``insufficient_data``: fewer than `FEWEST` incidents, no student-days, or a term of which the whole table has no
        incident: a record that is not there is no fall) and `sentence`. Incidents of schools without student-days are
        left out, which `sentence` says, and only where a row has no other schools they are counted.

    Raises
    ------
    ColumnError
        When a column is missing.
    InputError
        When a term is not in `counts`.
    """
    lacking = sorted({"term", by, "incidents", "student_days"} - set(counts.columns))
    if lacking:
        raise ColumnError("Terms cannot be compared without these columns.", expected=", ".join(lacking))
    sums, everywhere = [], []
    for term in (before, after):
        every = counts[counts["term"] == term]
        rows = every[every["student_days"] > 0]
        everywhere.append(every.groupby(by)["incidents"].sum())
        if not (counts["term"] == term).any():
            raise InputError(
                "There is no such term.", found=term, expected=", ".join(map(str, counts["term"].unique()))
            )
        sums.append(rows.groupby(by)[["incidents", "student_days"]].sum())
    keys = pd.Index(counts[by].drop_duplicates().sort_values(), name=by)
    earlier, later = (table.reindex(keys).fillna(0.0) for table in sums)
    all_of = [numbers.reindex(keys).fillna(0.0) for numbers in everywhere]
    # Without any known enrollment there is nothing to compare, and the counts are those of all.
    is_unknown = (earlier["student_days"] + later["student_days"]) == 0
    table = pd.DataFrame(
        {
            "incidents_before": earlier["incidents"].mask(is_unknown, all_of[0]).astype("int64"),
            "incidents_after": later["incidents"].mask(is_unknown, all_of[1]).astype("int64"),
            "student_days_before": earlier["student_days"],
            "student_days_after": later["student_days"],
        }
    )
    has_record = bool(earlier["incidents"].sum() and later["incidents"].sum())
    measured = [_compare(row) if has_record else _UNKNOWN for row in table.itertuples(index=False, name=None)]
    table[["ratio", "ratio_low", "ratio_high", "p_value"]] = np.array(measured).reshape(len(table), 4)
    table["q_value"] = q_values(table["p_value"])
    table["direction"] = np.select(
        [table["p_value"].isna(), table["q_value"] > 0.05, _is_more(table)],  # noqa: PLR2004 - the usual 5 %
        ["insufficient_data", "no clear change", "rose"],
        default="fell",
    )
    is_part = ~is_unknown & ((earlier["incidents"] < all_of[0]) | (later["incidents"] < all_of[1]))
    table["sentence"] = [
        _change_sentence(row, before, after, population, is_part=part)
        for row, part in zip(table.to_dict("records"), is_part, strict=True)
    ]
    return table.reset_index()[[by, *_CHANGES]]


def officer_share_change(counts: pd.DataFrame, *, before: str, after: str) -> str:
    """Say whether officers started clearly more or less of the incidents than in another term.

    Parameters
    ----------
    counts
        `term`, `incidents` and, of these, `reported`: those that officers did not start themselves.
    before, after
        The terms.

    Returns
    -------
    str
        A sentence; empty where the difference of the shares is not clearly more than chance (Fisher's exact test,
        two-sided, p above `CLEARLY`) or a term has no incidents.
    """
    sums = counts.groupby("term")[["incidents", "reported"]].sum().reindex([before, after]).fillna(0)
    if not sums["incidents"].all():
        return ""
    started = sums["incidents"] - sums["reported"]
    p_value = float(stats.fisher_exact(np.column_stack([started, sums["reported"]])).pvalue)
    if p_value > CLEARLY:
        return ""
    was, now = started / sums["incidents"]
    return (
        f"Officers started {now:.0%} of the {POPULATIONS['calls']} in {after} themselves, and {was:.0%} in {before} "
        f"(p {chance_text(p_value)}): where and how they patrol, or what is recorded, may have changed."
    )


@dataclass(frozen=True)
class DisplacementDifference:
    """What changed at treated places more than at comparison places, with what moved next door.

    Parameters
    ----------
    wdd
        Weighted displacement difference: cases more (or, below 0, fewer) than the comparison leads to expect.
    variance
        Its variance.
    z, p_value
        Its standard score, and the two-sided p-value.
    low, high
        95 % interval of `wdd`.
    treated, comparison, unmatched
        What was treated, what it was compared with, and what had nothing to be compared with.
    """

    wdd: float
    variance: float
    z: float
    p_value: float
    low: float
    high: float
    treated: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    def summary(self, noun: str = "incidents") -> str:
        """Say in plain English what changed: the difference, with its interval, of what was counted (`noun`)."""
        word = "fewer" if self.wdd < 0 else "more"
        sure = "more than chance explains" if self.p_value <= 0.05 else NOT_CLEARLY  # noqa: PLR2004 - the usual 5 %
        return (
            f"{abs(self.wdd):,.0f} {noun} {word} than the comparison leads to expect (95 % interval "
            f"{self.low:,.0f} to {self.high:,.0f}, two-sided p = {self.p_value:.3f}): {sure}."
        )

    def of_zones(self, before: str, noun: str) -> str:
        """Say in plain English what changed at schools that changed zone since an earlier term (`before`)."""
        which = "At these" if not self.unmatched else f"At {len(self.treated)} of these"
        return (
            f"{which}, against as many schools of their levels that kept their zone and had about as many "
            f"{noun} in {before}: {self.summary(noun)}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the fields as one row, ids joined by ``;``."""
        lists = {name: ";".join(getattr(self, name)) for name in ("treated", "comparison", "unmatched")}
        return pd.DataFrame([{**vars(self), **lists}])


@dataclass(frozen=True)
class ZoneChange:
    """Schools that have another zone than in an earlier term, and what changed at them."""

    before: str  # The earlier term
    schools: dict[str, str]  # Their names by their ids
    effect: (
        DisplacementDifference | None
    )  # None without calls in both terms, or schools of their levels to compare with

    @classmethod
    def of(
        cls, counts: pd.DataFrame, schools: pd.DataFrame, *, was: pd.Series, now: pd.Series, terms: tuple[str, str]
    ) -> ZoneChange | None:
        """Compare the reported calls at them with those at as many others; None where no school changed zone."""
        zones = [schools["school_id"].map(side).fillna("").to_numpy() for side in (was, now)]
        has_changed = zones[0] != zones[1]
        if not has_changed.any():
            return None
        is_counted = schools["school_id"].isin(counts["school_id"])
        moved, others = schools[has_changed & is_counted], schools[~has_changed & is_counted]
        names = dict(zip(schools.loc[has_changed, "school_id"], schools.loc[has_changed, "name"], strict=True))
        before, after = terms
        if not (moved["level"].isin(others["level"]).any() and set(terms) <= set(counts["term"])):
            return cls(before, names, None)
        reported = counts.assign(incidents=counts["reported"])
        return cls(before, names, zone_change_effect(reported, list(moved["school_id"]), before=before, after=after))

    def sentence(self) -> str:
        """Say which schools changed zone, and what changed at them."""
        text = f"{count_text(len(self.schools), 'school')} changed zone since {self.before}"
        effect = "" if self.effect is None else f" {self.effect.of_zones(self.before, POPULATIONS['reported'])}"
        return f"{text}: {name_ids(self.schools.values())}.{effect}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row = pd.DataFrame([{}]) if self.effect is None else self.effect.to_frame()
        return row.assign(before=self.before, schools=";".join(self.schools), sentence=self.sentence())


def weighted_displacement_difference(
    treated: Sequence[float],
    control: Sequence[float],
    *,
    displacement_treated: Sequence[float] = (0, 0),
    displacement_control: Sequence[float] = (0, 0),
) -> DisplacementDifference:
    """Compare what changed at treated places with what changed elsewhere.

    The difference, with the variance of Poisson counts (A. Wheeler and J. Ratcliffe, "A simple weighted displacement
    difference test to evaluate place based crime interventions", Crime Science 7, 2018). The comparison must be about
    as large as what was treated: it is subtracted, not scaled.
    """
    pairs = [np.asarray(p, dtype=np.float64) for p in (treated, control, displacement_treated, displacement_control)]
    if any(p.shape != (2,) or not np.isfinite(p).all() or (p < 0).any() for p in pairs):
        raise InputError("Each is a pair of counts: before and after.", found=[p.tolist() for p in pairs])
    rise = [float(p[1] - p[0]) for p in pairs]
    wdd, variance = rise[0] - rise[1] + rise[2] - rise[3], float(sum(p.sum() for p in pairs))
    error = np.sqrt(variance)
    z = wdd / error if variance else 0.0
    return DisplacementDifference(
        wdd=wdd,
        variance=variance,
        z=float(z),
        p_value=float(2 * stats.norm.sf(abs(z))),
        low=float(wdd - _WIDE * error),
        high=float(wdd + _WIDE * error),
    )


def zone_change_effect(
    counts: pd.DataFrame,
    moved: Collection[str],
    *,
    before: str,
    after: str,
    comparison: Collection[str] | None = None,
) -> DisplacementDifference:
    """Measure what changed at schools whose zone changed, against schools whose zone did not.

    Parameters
    ----------
    counts
        `term`, `school_id`, `level`, `incidents`.
    moved
        Ids of the schools whose zone changed between the terms.
    before, after
        The terms.
    comparison
        Ids of comparison schools; if left out, for each moved school the one of its level that did not move, is not yet
        taken, and had the nearest number of incidents before. A moved school without one is left out, and named.

    Returns
    -------
    DisplacementDifference
        The difference, with the schools on both sides named.

    Raises
    ------
    InputError
        When no school moved, a school is not in `counts`, or there is no school to compare with.
    """
    wide = counts.pivot_table(index=["school_id", "level"], columns="term", values="incidents", aggfunc="sum")
    table = wide.reset_index("level")
    unknown = sorted(set(map(str, moved)) - set(table.index))
    if not len(moved) or unknown:
        raise InputError("These schools cannot be compared.", ids=unknown, expected="ids of schools that are counted")
    treated = sorted(map(str, moved))
    if comparison is None:
        nearest = _nearest(table, treated, before)
        treated, others = sorted(nearest), sorted(nearest.values())
    else:
        others = sorted(map(str, comparison))
    if not others:
        raise InputError("There is no school to compare with.", remedy="Name comparison schools.")
    sums = [(table.loc[ids, before].sum(), table.loc[ids, after].sum()) for ids in (treated, others)]
    found = weighted_displacement_difference(*sums)
    unmatched = sorted(set(map(str, moved)) - set(treated))
    return replace(found, treated=tuple(treated), comparison=tuple(others), unmatched=tuple(unmatched))


def _nearest(table: pd.DataFrame, moved: list[str], before: str) -> dict[str, str]:
    """Find for each school the one of its level with the nearest number before, each once."""
    free = table.drop(index=moved)
    found: dict[str, str] = {}
    for school in moved:
        level, number = table.loc[school, ["level", before]]
        alike = free[(free["level"] == level) & ~free.index.isin(list(found.values()))]
        if len(alike):
            distance = (alike[before] - number).abs()
            found[school] = str(distance.sort_index(kind="stable").sort_values(kind="stable").index[0])
    return found


def _compare(row: tuple[float, ...]) -> tuple[float, float, float, float]:
    earlier, later, days_before, days_after = row
    if not (days_before > 0 and days_after > 0) or earlier + later < FEWEST:
        return _UNKNOWN
    p_value = e_test(later, days_after, earlier, days_before)
    if earlier < FEWEST_AS_BASE:
        return *_UNKNOWN[:3], p_value
    scale = days_before / days_after
    low, high = _odds_interval(later, earlier)
    return later / earlier * scale, low * scale, high * scale, p_value


def _is_more(table: pd.DataFrame) -> pd.Series:
    """Say where the later rate is the higher one."""
    return (
        table["incidents_after"] * table["student_days_before"]
        > table["incidents_before"] * table["student_days_after"]
    )


def _odds_interval(later: float, earlier: float) -> tuple[float, float]:
    """Give the exact interval of a ratio of Poisson counts, by the binomial share of the later one."""
    low = stats.beta.ppf(_TAIL, later, earlier + 1) if later else 0.0
    high = stats.beta.ppf(1 - _TAIL, later + 1, earlier) if earlier else 1.0
    return float(low / (1 - low)), float(high / (1 - high)) if high < 1 else float("inf")


def _change_sentence(row: dict[Any, Any], before: str, after: str, population: str, *, is_part: bool) -> str:
    where = " at schools with a known enrollment" if is_part else ""
    counts = (
        f"{counted_text(row['incidents_before'], population)}{where} in {before}, {row['incidents_after']:,} in {after}"
    )
    return f"{counts}: {change_words(row)}."


def change_words(row: Mapping[Any, Any]) -> str:
    """Say how a rate changed, as every page and table says it.

    Parameters
    ----------
    row
        A row of `term_change`.

    Returns
    -------
    str
        For example ``"the rate rose to 5.0 times what it was, more than chance explains"``.
    """
    if row["direction"] == "insufficient_data":
        return "too few to compare"
    if row["direction"] == "no clear change":
        return f"the difference is {NOT_CLEARLY}"
    if row["incidents_after"] == 0:
        text = "to none"
    elif np.isnan(row["ratio"]):
        text = f"from {'none' if row['incidents_before'] == 0 else 'almost none'}"
    else:
        text = f"to {times(row['ratio'])} what it was"
    return f"the rate {row['direction']} {text}, more than chance explains"


# ── Trends over terms: schools that rise or fall against their level, and hotspots that come, stay and go

FEWEST_TERMS = 3
FEWEST_INCIDENTS = 10
_STEEPEST = 4.0
_TRENDS = ("school_id", "terms", "incidents", "z", "p_value", "q_value", "ratio_first_last", "class", "sentence")
_CLASSES = ("school_id", "tested_terms", "flagged_terms", "class")


def cube_classes(cube: pd.DataFrame) -> pd.DataFrame:
    """Say what became of schools that are or were high, by the status that each term gave them alone."""
    _require(cube, ["term", "school_id", "status", "not_judged"])
    marked = cube.assign(is_high=cube["status"].eq("high"), is_judged=cube["not_judged"].eq(""))
    terms = list(cube["term"].unique())
    wide = marked.pivot_table(
        index="school_id", columns="term", values=["is_high", "is_judged"], aggfunc="max", fill_value=False
    )
    high, judged = (wide[name][terms].to_numpy(dtype=np.bool_) for name in ("is_high", "is_judged"))
    rows = [
        (school, int(tested.sum()), ";".join(str(t) for t, hit in zip(terms, hits, strict=True) if hit))
        for school, hits, tested in zip(wide.index, high, judged, strict=True)
    ]
    classes = [_class_of(hits[tested], is_last=bool(tested[-1])) for hits, tested in zip(high, judged, strict=True)]
    return pd.DataFrame(rows, columns=list(_CLASSES[:-1])).assign(**{_CLASSES[-1]: classes})


def trend_tests(counts: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Test which schools rise or fall over the terms more than the schools of their level.

    One row for each school: `terms` and `incidents` it is judged by, `z` and two-sided `p_value` of the score test of
    a log-linear trend given the school's total, with chances in proportion to its student-days times the rate of its
    level in the term (P. Armitage, Biometrics 11, 1955, for Poisson counts), `q_value` over all schools tested,
    `ratio_first_last` (last term over first, of the fitted line; missing where the line has less than one incident in
    the first), `class` (``rising``, ``falling``, ``no clear trend``, or ``insufficient_data``: fewer than
    `FEWEST_TERMS` terms or `FEWEST_INCIDENTS` incidents) and `sentence`. Variances are inflated by how much more than
    Poisson's all schools vary from term to term: the median over schools of Pearson's statistic over its own median,
    at least 1, which a few trends cannot bend.
    """
    _require(counts, ["term", "school_id", "level", "incidents", "student_days"])
    terms = list(counts["term"].unique())
    cases = counts.pivot_table(index="school_id", columns="term", values="incidents", aggfunc="sum")[terms].fillna(0)
    chances = _chances(counts, terms).loc[cases.index]
    y, p = cases.to_numpy(dtype=np.float64), chances.to_numpy(dtype=np.float64)
    total, moments = y.sum(axis=1), np.arange(len(terms), dtype=np.float64)
    is_judged = (total >= FEWEST_INCIDENTS) & (len(terms) >= FEWEST_TERMS)
    middle = p @ moments
    variance = total * (p @ moments**2 - middle**2)
    inflation = _inflation(y[is_judged], p[is_judged])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (y @ moments - total * middle) / np.sqrt(variance * inflation)
    z = np.where(is_judged, z, np.nan)
    p_value = 2 * stats.norm.sf(np.abs(z))
    q_value = q_values(p_value)
    slopes = np.array(
        [
            _slope(row, chance, moments) if judged else np.nan
            for row, chance, judged in zip(y, p, is_judged, strict=True)
        ]
    )
    table = pd.DataFrame(
        {
            "school_id": cases.index,
            "terms": len(terms),
            "incidents": total.astype("int64"),
            "z": z,
            "p_value": p_value,
            "q_value": q_value,
            "ratio_first_last": carried(np.exp(slopes * (len(terms) - 1)), _fitted_first(total, p, slopes)),
        }
    )
    table["class"] = np.select(
        [~is_judged, q_value > alpha, z > 0], ["insufficient_data", "no clear trend", "rising"], default="falling"
    )
    table["sentence"] = [_trend_sentence(row, terms) for row in table.to_dict("records")]
    return table[list(_TRENDS)]


def _class_of(hits: NDArray[np.bool_], *, is_last: bool) -> str:
    """Name what became of a school, by whether it was high in each term that judged it."""
    if not is_last or len(hits) < 2:  # noqa: PLR2004 - a term and one before it
        return "insufficient_data"
    earlier, before, now = bool(hits[:-1].any()), bool(hits[-2]), bool(hits[-1])
    if not now:
        return "fading" if earlier else "none"
    return "persistent" if before else "sporadic" if earlier else "emerging"


def _chances(counts: pd.DataFrame, terms: list[Any]) -> pd.DataFrame:
    """Spread each school's total over the terms as its level's incidents and its own student-days say."""
    known = counts[counts["student_days"] > 0]
    sums = known.groupby(["level", "term"])[["incidents", "student_days"]].sum()
    # One incident more in each cell: a level without any in a term still allows for one.
    rate = (sums["incidents"] + 1) / sums["student_days"]
    overall = known.groupby("term")["incidents"].sum() + 1
    expected = counts.assign(
        expected=[
            days * rate[level, term] if days > 0 else overall.get(term, 1)
            for level, term, days in zip(counts["level"], counts["term"], counts["student_days"], strict=True)
        ]
    )
    table = expected.pivot_table(index="school_id", columns="term", values="expected", aggfunc="sum")[terms].fillna(0.0)
    return table.div(table.sum(axis=1), axis=0)


def _inflation(y: Floats, p: Floats) -> float:
    if len(y) == 0:
        return 1.0
    means = y.sum(axis=1, keepdims=True) * p
    with np.errstate(divide="ignore", invalid="ignore"):
        pearson = np.where(means > 0, (y - means) ** 2 / means, 0.0).sum(axis=1)
    return max(1.0, float(np.median(pearson)) / float(stats.chi2.median(y.shape[1] - 1)))


def _slope(row: Floats, chance: Floats, moments: Floats) -> float:
    """Fit the log-linear trend of one school, given its total; as steep as `_STEEPEST` at most."""
    target = float(row @ moments) / float(row.sum())

    def excess(slope: float) -> float:
        weights = chance * np.exp(slope * (moments - moments.mean()))
        return float(weights @ moments / weights.sum()) - target

    if excess(_STEEPEST) <= 0:
        return _STEEPEST
    if excess(-_STEEPEST) >= 0:
        return -_STEEPEST
    return float(optimize.brentq(excess, -_STEEPEST, _STEEPEST))


def _fitted_first(total: Floats, p: Floats, slopes: Floats) -> Floats:
    """Give the incidents of the first term on each fitted line."""
    weights = p * np.exp(slopes[:, None] * np.arange(p.shape[1]))
    return np.asarray(total * weights[:, 0] / weights.sum(axis=1))


def _trend_sentence(row: dict[Any, Any], terms: list[Any]) -> str:
    if row["class"] == "insufficient_data":
        return f"{counted_text(row['incidents'])} in {len(terms)} terms: too few to tell a trend."
    ratio = row["ratio_first_last"]
    text = (
        f"against its level, the rate of {terms[-1]} is {times(ratio)} that of {terms[0]}"
        if np.isfinite(ratio)
        else f"{counted_text(row['incidents'])} from {terms[0]} to {terms[-1]}, almost none of them in {terms[0]}"
    )
    if row["class"] == "no clear trend":
        return f"No clear trend: {text}; that is {NOT_CLEARLY}."
    return f"{row['class'].capitalize()}: {text} (q {chance_text(row['q_value'])})."


def _require(frame: pd.DataFrame, names: list[str]) -> None:
    lacking = [name for name in names if name not in frame.columns]
    if lacking:
        raise ColumnError("A trend cannot be reported without these columns.", expected=", ".join(lacking))


# ── Two terms beside each other: rates of schools, zones and levels, and whether they changed by more than chance

EVERYWHERE = "everywhere"
"""What all schools together are compared by: a column of its own, with one value."""

OF_A_TERM = ("rate_per_1000", "rate_low_per_1000", "rate_high_per_1000", "officer_initiated_share")
"""What is reported of each term, with ``_before`` and ``_after`` behind it."""

_MORE = {"zone_id": ("schools",), "school_id": ("expected", "ratio", "status")}
_SAME = ("ratio", "ratio_low", "ratio_high", "q_value")


def rates_side_by_side(before: SchoolRates, after: SchoolRates, *, by: str) -> pd.DataFrame:
    """Put the rates of two terms beside each other, and test their change.

    Parameters
    ----------
    before, after
        Rates of the schools in the earlier and in the later term, each with the zones that its schools had then.
    by
        ``school_id``, ``zone_id``, ``level``, or `EVERYWHERE` for all schools together.

    Returns
    -------
    pandas.DataFrame
        The columns of `term_change`, and of each term, with ``_before`` and ``_after`` behind the name,
        `OF_A_TERM`; of zones also `schools`; of schools also `expected`, `ratio` (of observed over expected) and
        `status`. All rates are of reported incidents, per 1,000 student-days, so terms may differ in length.
    """
    tables = [rates.table.assign(**{EVERYWHERE: EVERYWHERE}) for rates in (before, after)]
    names = [str(table["term"].iloc[0]) if len(table) else "" for table in tables]
    counts = pd.concat(tables, ignore_index=True)
    changes = term_change(counts.assign(incidents=counts["reported"]), before=names[0], after=names[1], by=by)
    shown = [*OF_A_TERM, *_MORE.get(by, ())]
    for rates, table, suffix in zip((before, after), tables, ("_before", "_after"), strict=True):
        rated = table if by == "school_id" else group_rates(replace(rates, table=table), by)
        changes = changes.merge(rated.set_index(by)[shown].add_suffix(suffix).reset_index(), on=by, how="left")
    return changes


def change_at_same_schools(before: SchoolRates, after: SchoolRates) -> pd.DataFrame:
    """Test the change of each zone of the later term at the schools that it has now.

    Parameters
    ----------
    before, after
        Rates of the schools in the earlier and in the later term.

    Returns
    -------
    pandas.DataFrame
        `zone_id`, and `same_schools_ratio`, `same_schools_ratio_low`, `same_schools_ratio_high` and
        `same_schools_q_value`: as `term_change`, with the schools of the later term's zones in both terms. What
        a zone gained or lost by other schools is not in it.
    """
    zone_of = after.table.set_index("school_id")["zone_id"]
    earlier = before.table.assign(zone_id=before.table["school_id"].map(zone_of).fillna("").astype("str"))
    table = rates_side_by_side(replace(before, table=earlier), after, by="zone_id")
    return table.set_index("zone_id")[list(_SAME)].add_prefix("same_schools_").reset_index()
