"""Change: from one term to the next, and after a change of zones with comparison schools."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.hotspots.honesty import CLEARLY
from safeschools_geo.hotspots.intervals import q_values
from safeschools_geo.hotspots.words import NOT_CLEARLY, chance_text, counted_text, times
from safeschools_geo.schemas import FEWEST_AS_BASE, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from safeschools_geo.settings import Term


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
    """Find the terms that a term is compared with.

    Parameters
    ----------
    terms
        Terms that have a record.
    this
        The term.

    Returns
    -------
    dict of str to str
        Key of `BASELINES` → name of the term: the one that began nearest to a year earlier, by at most 60 days more or
        less, and the last one before; where both are one term, it is the same term a year earlier.
    """
    earlier = sorted((t for t in terms if t.start < this.start), key=lambda t: t.start)
    if not earlier:
        return {}
    nearest = min(earlier, key=lambda t: abs(this.start - t.start - _YEAR))
    found = {"year_before": nearest.name} if abs(this.start - nearest.start - _YEAR) <= _SAME_SEASON else {}
    return found if nearest == earlier[-1] and found else {**found, "term_before": earlier[-1].name}


def changes_against(
    counts: pd.DataFrame, *, baselines: Mapping[str, str], after: str, by: str, population: str = "reported"
) -> pd.DataFrame:
    """Compare a term with each of its baselines.

    Parameters
    ----------
    counts
        As for `term_change`.
    baselines
        Result of `baseline_terms`.
    after
        The term.
    by
        As for `term_change`.
    population
        What `incidents` counts, a key of `schemas.POPULATIONS`.

    Returns
    -------
    pandas.DataFrame
        Results of `term_change` under each other, with `baseline`, `before`, `after` and `population` in front; no rows
        without a baseline, or where nothing is counted.
    """
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

    Parameters
    ----------
    count_1, exposure_1
        Cases, and what they are counted over, above 0.
    count_2, exposure_2
        The same for the other rate.

    Returns
    -------
    float
        Two-sided p-value of the E-test (K. Krishnamoorthy and J. Thomson, "A more powerful test for comparing two
        Poisson means", Journal of Statistical Planning and Inference 119, 2004), by statsmodels; 1 where there are no
        cases.
    """
    # Imported here: it takes two seconds, which `--help` and most steps can do without.
    from statsmodels.stats.rates import test_poisson_2indep  # noqa: PLC0415

    if count_1 == count_2 == 0:
        return 1.0
    # It also divides one rate by the other, which we do not use and which may be 0.
    with np.errstate(divide="ignore"):
        p_value = float(test_poisson_2indep(count_1, exposure_1, count_2, exposure_2, method="etest-wald").pvalue)
    # A sum of many chances may be a hair above 1.
    return min(p_value, 1.0)


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
        two-sided, p above `honesty.CLEARLY`) or a term has no incidents.
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
    treated, comparison
        What was treated, and what it was compared with.
    """

    wdd: float
    variance: float
    z: float
    p_value: float
    low: float
    high: float
    treated: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()

    def summary(self) -> str:
        """Say in plain English what changed.

        Returns
        -------
        str
            One sentence.
        """
        word = "fewer" if self.wdd < 0 else "more"
        sure = "more than chance explains" if self.p_value <= 0.05 else NOT_CLEARLY  # noqa: PLR2004 - the usual 5 %
        return (
            f"{abs(self.wdd):,.0f} incidents {word} than the comparison leads to expect (95 % interval "
            f"{self.low:,.0f} to {self.high:,.0f}, two-sided p = {self.p_value:.3f}): {sure}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row.

        Returns
        -------
        pandas.DataFrame
            The fields, `treated` and `comparison` joined by ``;``.
        """
        row: dict[str, Any] = {**vars(self)}
        return pd.DataFrame([{**row, "treated": ";".join(self.treated), "comparison": ";".join(self.comparison)}])


def weighted_displacement_difference(
    treated: Sequence[float],
    control: Sequence[float],
    *,
    displacement_treated: Sequence[float] = (0, 0),
    displacement_control: Sequence[float] = (0, 0),
) -> DisplacementDifference:
    """Compare what changed at treated places with what changed elsewhere.

    Parameters
    ----------
    treated, control
        Cases before and after.
    displacement_treated, displacement_control
        Cases before and after next to each, where what was driven off may have gone.

    Returns
    -------
    DisplacementDifference
        The difference, with the variance of Poisson counts (A. Wheeler and J. Ratcliffe, "A simple weighted
        displacement difference test to evaluate place based crime interventions", Crime Science 7, 2018). The
        comparison must be about as large as what was treated: it is subtracted, not scaled.

    Raises
    ------
    InputError
        When a pair is no pair of counts.
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
        taken, and had the nearest number of incidents before.

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
    chosen = sorted(map(str, moved))
    others = sorted(map(str, comparison)) if comparison is not None else _nearest(table, chosen, before)
    if not others:
        raise InputError("There is no school to compare with.", remedy="Name comparison schools.")
    sums = [(table.loc[ids, before].sum(), table.loc[ids, after].sum()) for ids in (chosen, others)]
    found = weighted_displacement_difference(*sums)
    return DisplacementDifference(**{**vars(found), "treated": tuple(chosen), "comparison": tuple(others)})


def _nearest(table: pd.DataFrame, moved: list[str], before: str) -> list[str]:
    free = table.drop(index=moved)
    found: list[str] = []
    for school in moved:
        level, number = table.loc[school, ["level", before]]
        alike = free[(free["level"] == level) & ~free.index.isin(found)]
        if len(alike):
            distance = (alike[before] - number).abs()
            found.append(str(distance.sort_index(kind="stable").sort_values(kind="stable").index[0]))
    return sorted(found)


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
        told = "to none"
    elif np.isnan(row["ratio"]):
        told = f"from {'none' if row['incidents_before'] == 0 else 'almost none'}"
    else:
        told = f"to {times(row['ratio'])} what it was"
    return f"the rate {row['direction']} {told}, more than chance explains"
