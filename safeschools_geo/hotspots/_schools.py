"""Schools that are high for their level, and neighboring schools that are high together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.errors import InputError, count_text
from safeschools_geo.hotspots._expected import (
    FEWEST_EXPECTED,
    NOT_CLEARLY,
    OrdinaryRates,
    Prediction,
    carried,
    counted_text,
    critical_counts,
    detectable_ratios,
    fit_ordinary,
    number_word,
    once_in_terms,
    p_values,
    predict_by_past,
    q_values,
    rate_interval,
    ratio_interval,
    shrunken_ratios,
    times,
)
from safeschools_geo.hotspots.scan import ScanResult, nested_scans
from safeschools_geo.schemas import FEWEST_AS_BASE, HIGH_AGAINST, POPULATIONS, SCHOOL_RATES
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.hotspots.scan import Cluster
    from safeschools_geo.settings import PatrolChange, Term

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]


# ── Schools: their rates with intervals, which are high for their level, and how large a rise could have been seen

FEWEST_PEERS = 5
"""Fewest schools of a level, with known enrollment, that can be compared with each other."""

PLUGGED_IN = 1.2
"""What p-values against schools like it are multiplied by, for the dispersion is not known but estimated: where there
is no history, 5 % of terms without a high school are flagged without it, and 3 to 4 % with it."""

OF_PAST = 0.75
"""Share of the false alarms that the test against a school's own past may make, which finds more than the other."""

MOSTLY = 0.5
"""Share of incidents that officers started from which a high number rests on where they looked."""

NO_ENROLLMENT = "the enrollment is unknown"
"""Why a school has no rate."""

_LIMITS = {"95": (0.025, 0.975), "998": (0.001, 0.999)}


@dataclass(frozen=True)
class SchoolRates:
    """Rates of the schools in one term, and which are high."""

    table: pd.DataFrame  # One row for each program school, in the order given: see `school_rates`
    # What is ordinary for the schools tested, in the order of the rows with a `p_value`: reported incidents
    ordinary: OrdinaryRates
    all_ordinary: OrdinaryRates  # The same for all incidents, those that officers started themselves included
    # All incidents expected at each school, on the index of `table`; missing without a denominator
    all_expected: pd.Series
    # Limits of the funnel: `expected`, and `low_95`, `high_95`, `low_998`, `high_998` as observed over expected
    limits: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)  # ``alpha``, ``fewest_peers``, ``largest_detectable``

    @property
    def high(self) -> pd.DataFrame:
        """The schools that are high, the most extreme first."""
        table = self.table[self.table["status"] == "high"]
        return table.sort_values(["p_value", "school_id"], kind="stable")

    def summary(self) -> str:
        """Say in plain English how many schools are high, and how many cannot be judged."""
        judged = int(self.is_judged.sum())
        if not self.reported:
            return f"There are no {POPULATIONS['reported']} in the term, so no school is judged."
        if not judged:
            return self.not_judged_sentence()
        officers = int((self.table["status"] == "rests_on_officer_initiated").sum())
        parts = [
            (
                f"{count_text(len(self.high), 'school', of=judged)} that could be judged had clearly more "
                f"{POPULATIONS['reported']} than {self.basis('the')}."
            )
        ]
        if officers:
            parts.append(f"{count_text(officers, 'school')} would be high only with what officers started themselves.")
        return " ".join([*parts, *([self.not_judged_sentence()] if judged < len(self.table) else [])])

    @property
    def is_judged(self) -> pd.Series:
        """Which schools could be judged: bool, on the index of `table`."""
        return self.table["not_judged"].eq("").rename("is_judged")

    @property
    def reported(self) -> int:
        """Reported calls for zone officers at all program schools in the term."""
        return int(self.table["reported"].sum())

    def basis(self, whose: str = "its") -> str:
        """Say what schools are judged by."""
        past = f", or {'its' if whose == 'its' else 'their'} own earlier terms," if self._has_past else ""
        return f"{whose} enrollment and level{past} lead to expect"

    @property
    def _has_past(self) -> bool:
        return bool(self.table["predicted"].notna().any())

    def not_judged_sentence(self) -> str:
        """Say how many schools were not judged, with which share of the reported calls, and why."""
        rest = self.table[~self.is_judged]
        if rest.empty:
            return ""
        number, calls = len(rest), int(rest["reported"].sum())
        share = f" with {calls:,} of the {self.reported:,} {POPULATIONS['reported']}" if self.reported else ""
        reasons = rest["not_judged"].value_counts(sort=False)
        why = [f"{reason} ({count:,})" if len(reasons) > 1 else str(reason) for reason, count in reasons.items()]
        if number == len(self.table) > 1:
            every = f", with {calls:,} {POPULATIONS['reported']}," if self.reported else ""
            return f"None of the {count_text(number, 'program school')}{every} was judged: {'; '.join(why)}."
        which = f"{count_text(number, 'program school', of=len(self.table))}{share}"
        return f"{which} {'was' if number == 1 else 'were'} not judged: {'; '.join(why)}."

    def most_sentence(self, *, only_if_not_judged: bool = False) -> str:
        """Name the school with most reported calls."""
        calls = self.table["reported"]
        most = self.table[calls == calls.max()]
        if len(most) != 1 or calls.max() < FEWEST_AS_BASE or self.reported == 0:
            return ""
        row = most.iloc[0]
        if only_if_not_judged and not row["not_judged"]:
            return ""
        said = {
            "high": f"it is {HIGH_AGAINST.get(row['high_against'])}",
            "not_high": f"that is {NOT_CLEARLY}",
            "rests_on_officer_initiated": "it is high only with what officers started themselves",
        }.get(row["status"], "it was not judged")
        return (
            f"{row['name']} has the most, {row['reported']:,} of the {self.reported:,} {POPULATIONS['reported']} "
            f"({row['reported'] / self.reported:.0%}); {said}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def school_rates(
    counts: pd.DataFrame,
    *,
    term: str,
    alpha: float = 0.05,
    fewest_peers: int = FEWEST_PEERS,
    largest_detectable: float = 5.0,
) -> SchoolRates:
    """Rate the schools of one term, and test which are high.

    `table` has the columns of `counts` and `rate_per_1000` (reported calls per 1,000 student-days) with its exact 95
    % interval `rate_low_per_1000`, `rate_high_per_1000` (Garwood 1936); `expected` (reported incidents at the
    ordinary rate of the level) and `ratio`, as far as they carry one (assumption A68); `predicted` (by the school's own
    earlier terms, see `predict_by_past`); `p_value`, where a school has both the smaller of two one-sided ones, each
    over its share of the false alarms (weighted Bonferroni: C. Genovese, K. Roeder and L. Wasserman, Biometrika 93,
    2006): of a negative-binomial funnel (D. Spiegelhalter, "Funnel plots for comparing institutional performance",
    Statistics in Medicine 24, 2005, with `fit_ordinary`), and of its past; `q_value` (Benjamini and Hochberg 1995);
    the empirical-Bayes rate `shrunken_per_1000` with a 95 % interval, for ranking; `detectable_ratio`; `status`, one of
    `schemas.HOTSPOT_STATUSES`; `high_against`, one of `schemas.HIGH_AGAINST`; `not_judged`, which says why a school was
    not; and `sentence`. A school without a denominator keeps its row.
    """
    terms = list(counts["term"].unique())[: _place(counts, term) + 1]
    so_far = counts[counts["term"].isin(terms)].reset_index(drop=True)
    is_now = so_far["term"].eq(term).to_numpy()
    table = so_far[is_now].reset_index(drop=True)
    is_rated = table["student_days"].gt(0).to_numpy()
    peers = table.loc[is_rated, "level"].value_counts()
    is_compared = so_far["level"].isin(peers.index[peers >= fewest_peers]) & so_far["student_days"].gt(0)
    reported, everything = (
        _test(so_far, is_compared.to_numpy(), column, terms, is_now) for column in ("reported", "incidents")
    )
    has_peers, is_base, is_tested = reported.has_peers, reported.is_base, reported.is_tested
    ordinary, expected = reported.ordinary, reported.expected
    is_judged = np.isfinite(reported.p_value)
    columns: dict[str, Floats] = {**_plain_rates(table), "expected": expected, "predicted": reported.past.expected}
    with np.errstate(invalid="ignore", divide="ignore"):
        columns["ratio"] = carried(table["reported"].to_numpy() / expected, expected)
    tested = table[is_tested]
    low, middle, high = shrunken_ratios(tested["reported"], ordinary)
    base = 1000 * ordinary.expected / tested["student_days"].to_numpy()
    for name, values in {
        "shrunken_per_1000": middle * base,
        "shrunken_low_per_1000": low * base,
        "shrunken_high_per_1000": high * base,
    }.items():
        columns[name] = _spread(values, is_tested)
    columns |= {"p_value": reported.p_value, "q_value": q_values(reported.p_value)}
    columns["detectable_ratio"] = reported.detectable_ratio(alpha)
    table = table.assign(**columns)
    q_all = q_values(np.where(is_judged, everything.p_value, np.nan))
    table["status"] = _statuses(table, is_rated, q_all, alpha=alpha, largest=largest_detectable)
    table["high_against"] = reported.high_against(table["status"].eq("high").to_numpy(), alpha)
    is_unclear = table["status"].eq("insufficient_data").to_numpy()
    reasons = {
        NO_ENROLLMENT: ~is_rated,
        f"fewer than {fewest_peers} schools of the level have a known enrollment": ~is_judged & ~has_peers,
        "its level has almost no reported calls": ~is_judged & ~is_base,
        "less than one reported call is expected": ~is_judged,
        f"too few calls: only a rise by more than {largest_detectable:g} times could have been seen": is_unclear,
    }
    table["not_judged"] = np.select(list(reasons.values()), list(reasons), default="")
    table["sentence"] = [_sentence(row, int(is_judged.sum())) for row in table.to_dict("records")]
    settings = {"alpha": alpha, "fewest_peers": fewest_peers, "largest_detectable": largest_detectable}
    return SchoolRates(
        table=table[SCHOOL_RATES.column_names],
        ordinary=ordinary,
        all_ordinary=everything.ordinary,
        all_expected=pd.Series(np.where(is_base, everything.expected, np.nan), name="all_expected"),
        limits=funnel_limits(ordinary),
        settings=settings,
    )


@dataclass(frozen=True)
class _Tests:
    """The two tests of the schools of a term, shape (n,): against others of the level, and against their own past."""

    expected: Floats  # Missing where the level is no baseline
    has_peers: Flags
    is_base: Flags
    is_tested: Flags  # Against others of the level
    ordinary: OrdinaryRates  # Of the schools that are tested against others
    past: Prediction
    against_level: Floats  # p-values, missing where not tested
    against_past: Floats

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """Share of the false alarms that each test of each school may make; all of them where it has no other."""
        both = np.isfinite(self.against_level) & np.isfinite(self.against_past)
        return np.where(both, 1 - OF_PAST, 1.0), np.where(both, OF_PAST, 1.0)

    @property
    def p_value(self) -> Floats:
        """One p-value for each school (weighted Bonferroni)."""
        level, past = self.shares
        return np.asarray(np.minimum(np.fmin(self.against_level / level, self.against_past / past), 1.0))

    def high_against(self, is_high: Flags, alpha: float) -> NDArray[np.str_]:
        """Say which test alone would have done, at the largest p-value that Benjamini and Hochberg's rule admits."""
        admitted = alpha * is_high.sum() / max(np.isfinite(self.p_value).sum(), 1)
        of_level, of_past = self.shares
        level, past = self.against_level <= admitted * of_level, self.against_past <= admitted * of_past
        cases = {"level_and_past": is_high & level & past, "level": is_high & level, "past": is_high & past}
        return np.select(list(cases.values()), list(cases), default="")

    def detectable_ratio(self, alpha: float) -> Floats:
        """Compute the smallest multiple of the ordinary number, of its past where it has one, that would be seen."""
        is_judged, has_past = np.isfinite(self.p_value), np.isfinite(self.against_past)
        of_level, of_past = (alpha / max(int(is_judged.sum()), 1) * share for share in self.shares)
        spread = self.ordinary.dispersion
        critical = np.full(len(has_past), np.inf)
        for means, spreads, rows, levels in (
            (self.expected, np.full(len(has_past), spread), self.is_tested, of_level / PLUGGED_IN),
            (self.past.expected, self.past.dispersion, has_past, of_past),
        ):
            counts = critical_counts(means[rows], spreads[rows], level=levels[rows])
            critical[rows] = np.minimum(critical[rows], counts)
        means = np.where(has_past, self.past.expected, self.expected)[is_judged]
        spreads = np.where(has_past, self.past.dispersion, spread)[is_judged]
        return _spread(detectable_ratios(critical[is_judged], means, spreads), is_judged)


def _test(
    so_far: pd.DataFrame,
    is_compared: Flags,
    column: str,
    terms: Sequence[str],
    is_now: Flags,
) -> _Tests:
    """Test the schools of the last term, by the calls of one column."""
    rows = so_far[is_compared]
    fitted = fit_ordinary(rows[column], rows["student_days"], rows["level"].astype("str"), rows["term"].astype("str"))
    every = _spread(fitted.expected, is_compared)
    has_peers, expected = is_compared[is_now], every[is_now]
    # A level of which almost nothing is expected is no baseline, and less than one call carries no ratio.
    of_level = pd.Series(expected).groupby(so_far.loc[is_now, "level"].to_numpy()).transform("sum").to_numpy()
    is_base = has_peers & (of_level >= FEWEST_AS_BASE)
    is_tested = is_base & (expected >= FEWEST_EXPECTED)
    cases = so_far.loc[is_now, column].to_numpy(dtype=np.float64)
    past = _past(so_far.assign(expected=every, cases=so_far[column]), fitted.dispersion, terms)
    past = Prediction(*(np.where(is_tested | ~has_peers, values, np.nan) for values in past))
    return _Tests(
        expected=np.where(is_base, expected, np.nan),
        has_peers=has_peers,
        is_base=is_base,
        is_tested=is_tested,
        ordinary=fitted.of(is_now[is_compared]).of(is_tested[has_peers]),
        past=past,
        against_level=np.where(is_tested, PLUGGED_IN * p_values(cases, expected, fitted.dispersion), np.nan),
        against_past=p_values(cases, past.expected, past.dispersion),
    )


def _past(rows: pd.DataFrame, dispersion: float, terms: Sequence[str]) -> Prediction:
    """Predict the schools of the last term by their own earlier terms.

    A school of a level that is not compared is predicted at its own rate of the earlier terms, if these have
    `FEWEST_AS_BASE` calls, which follows the schools that are compared from term to term. Terms before the first
    incident of a school, and terms without any where `FEWEST_AS_BASE` calls or more were expected, are no part of its
    past: it may have been closed, or its reports are missing.
    """
    when = rows["term"].map({name: place for place, name in enumerate(terms)}).to_numpy()
    schools = pd.Index(rows.loc[when == when.max(), "school_id"])
    which = schools.get_indexer(rows["school_id"])
    is_here = which >= 0

    def wide(column: str) -> Floats:
        table = np.full((len(terms), len(schools)), np.nan)
        table[when[is_here], which[is_here]] = rows[column].to_numpy(dtype=np.float64)[is_here]
        return table

    cases, expected, days, incidents = (wide(name) for name in ("cases", "expected", "student_days", "incidents"))
    is_compared = np.isfinite(expected[-1])
    alike = np.isfinite(expected) & is_compared
    with np.errstate(invalid="ignore", divide="ignore"):
        season = np.where(alike, expected, 0.0).sum(axis=1) / np.where(alike, days, 0.0).sum(axis=1)
        own = days * season[:, None]
    is_past = (np.nan_to_num(incidents).cumsum(axis=0) > 0) & (days > 0)
    is_past[-1] = True
    earlier = np.where(is_past[:-1] & np.isfinite(own[:-1]), own[:-1], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        own *= np.where(earlier > 0, cases[:-1], 0.0).sum(axis=0) / earlier.sum(axis=0)
    expected = np.where(is_compared, expected, own)
    is_past[:-1] &= (incidents[:-1] > 0) | (expected[:-1] < FEWEST_AS_BASE)
    found = predict_by_past(
        cases,
        np.where(is_past, expected, np.nan),
        np.where(is_compared, dispersion, np.inf),
        cells=len(terms) * rows.loc[rows["expected"].notna(), "level"].nunique(),
    )
    is_carried = found.expected >= FEWEST_EXPECTED
    is_carried &= is_compared | (np.where(is_past[:-1], cases[:-1], 0.0).sum(axis=0) >= FEWEST_AS_BASE)
    return Prediction(*(np.where(is_carried, values, np.nan) for values in found))


def funnel_limits(ordinary: OrdinaryRates, *, points: int = 60) -> pd.DataFrame:
    """Draw the limits between which ordinary schools lie."""
    if not len(ordinary.expected):
        return pd.DataFrame(columns=["expected", *(f"{side}_{name}" for name in _LIMITS for side in ("low", "high"))])
    means = np.geomspace(max(ordinary.expected.min(), 0.5) * 0.9, max(ordinary.expected.max(), 1.0) * 1.1, points)
    spread = max(ordinary.dispersion, 1e-9)
    columns = {"expected": means}
    for name, shares in _LIMITS.items():
        for side, share in zip(("low", "high"), shares, strict=True):
            columns[f"{side}_{name}"] = _quantile(share, 1 / spread, 1 / (1 + spread * means)) / means
    return pd.DataFrame(columns)


def group_rates(rates: SchoolRates, by: str) -> pd.DataFrame:
    """Rate the levels, or the zones.

    By group: `schools`, `schools_without_rate`, `student_days`, `reported`, `officer_initiated_share` (of all
    incidents), `rate_per_1000` with its exact interval, `expected` (at the ordinary rates of the schools' levels) and
    `ratio` of the schools of which something is expected, with an interval that allows for ordinary differences
    between schools; missing where that is less than one call. The reported incidents of schools without a denominator
    are left out of rates and counted in `reported_without_rate`.
    """
    table = rates.table.assign(started=rates.table["incidents"] - rates.table["reported"])
    rows = []
    for group, part in table.groupby(by, sort=True):
        known = part[part["student_days"] > 0]
        low, high = rate_interval(known["reported"].sum(), known["student_days"].sum() or np.nan)
        days, reported, incidents = known["student_days"].sum(), int(known["reported"].sum()), part["incidents"].sum()
        compared = known[known["expected"].notna()]
        expected, seen = compared["expected"].to_numpy(), int(compared["reported"].sum())
        bounds = (
            ratio_interval(seen, expected, dispersion=rates.ordinary.dispersion)
            if expected.sum() >= FEWEST_EXPECTED
            else (np.nan, np.nan)
        )
        rows.append(
            {
                by: group,
                "schools": len(part),
                "schools_without_rate": len(part) - len(known),
                "student_days": days,
                "reported": reported,
                "reported_without_rate": int(part["reported"].sum()) - reported,
                "officer_initiated_share": part["started"].sum() / incidents if incidents else np.nan,
                "rate_per_1000": 1000 * reported / days if days else np.nan,
                "rate_low_per_1000": 1000 * float(low),
                "rate_high_per_1000": 1000 * float(high),
                "expected": expected.sum(),
                "ratio": seen / expected.sum() if expected.sum() >= FEWEST_EXPECTED else np.nan,
                "ratio_low": bounds[0],
                "ratio_high": bounds[1],
            }
        )
    return pd.DataFrame(rows)


def _quantile(share: float, size: float, chance: Floats) -> Floats:
    """Interpolate between whole numbers, so that limits do not jump (Spiegelhalter 2005, appendix)."""
    above = stats.nbinom.ppf(share, size, chance)
    reached, at = stats.nbinom.cdf(above, size, chance), stats.nbinom.pmf(above, size, chance)
    return np.asarray(np.maximum(above - (reached - share) / at, 0.0))


def _place(counts: pd.DataFrame, term: str) -> int:
    terms = list(counts["term"].unique())
    if term not in terms:
        raise InputError("There is no such term.", found=term, expected=", ".join(map(str, terms)))
    return terms.index(term)


def _plain_rates(table: pd.DataFrame) -> dict[str, Floats]:
    days = table["student_days"].where(table["student_days"] > 0).to_numpy(dtype=np.float64)
    low, high = rate_interval(table["reported"], days)
    rate = 1000 * table["reported"].to_numpy() / days
    return {"rate_per_1000": rate, "rate_low_per_1000": 1000 * low, "rate_high_per_1000": 1000 * high}


def _spread(values: Floats, rows: Flags) -> Floats:
    """Put values on the rows they belong to; the others are missing."""
    result = np.full(len(rows), np.nan)
    result[rows] = values
    return result


def _statuses(table: pd.DataFrame, is_rated: Flags, q_all: Floats, *, alpha: float, largest: float) -> NDArray[np.str_]:
    with np.errstate(invalid="ignore"):
        cases = {
            "no_denominator": ~is_rated,
            "high": table["q_value"].to_numpy() <= alpha,
            "rests_on_officer_initiated": (q_all <= alpha) & (table["officer_initiated_share"].to_numpy() >= MOSTLY),
            "insufficient_data": ~(table["detectable_ratio"].to_numpy() <= largest),
        }
    return np.select(list(cases.values()), list(cases), default="not_high")


def _sentence(school: dict[Any, Any], tested: int) -> str:
    name, status, seen = school["name"], school["status"], int(school["reported"])
    counts = counted_text(seen)
    if status == "high":
        what = POPULATIONS["reported"]
        level = f"the {what} expected for its enrollment and level ({seen} against {school['expected']:.1f})"
        past = f"its own earlier terms predict ({school['predicted']:.1f})"
        over = {
            "level": (school["ratio"], level),
            "past": (seen / school["predicted"], f"the {what} that {past.replace('(', f'({seen} against ')}"),
            "level_and_past": (school["ratio"], f"{level} and {times(seen / school['predicted'])} those that {past}"),
        }
        ratio, basis = over[school["high_against"]]
        return (
            f"{name} had {times(ratio)} {basis}: {HIGH_AGAINST[school['high_against']]}. A school this far out arises "
            f"by chance {once_in_terms(school['p_value'] * tested)} after looking at all {tested} schools compared."
        )
    if not np.isnan(school["p_value"]):
        bases = [
            *([f"{school['expected']:.1f} were expected for its enrollment and level"] * (school["expected"] > 0)),
            *([f"its own earlier terms predict {school['predicted']:.1f}"] * (school["predicted"] > 0)),
        ]
        counts = f"{counts} where {', and '.join(bases)}"
    if status == "rests_on_officer_initiated":
        return (
            f"{name} is high only with what officers started themselves "
            f"({school['officer_initiated_share']:.0%} of its calls): {counts}. This says where officers looked."
        )
    if status == "not_high":
        of_past = " what its earlier terms predict" if school["predicted"] > 0 else ""
        return (
            f"{name}: {counts}, {NOT_CLEARLY}. A rise to {times(school['detectable_ratio'])}{of_past} would most "
            "likely have been seen."
        )
    return f"{name}: {counts}; not judged, since {school['not_judged']}."


# ── What a hotspot may rest on besides harm: officers who looked there, or who came to be there more

CLEARLY = 0.01
"""p-value from which the number of incidents that officers started counts as changed."""


def officer_share(counts: pd.DataFrame, schools: Collection[object]) -> float:
    """Give the share of the incidents at some schools that officers started themselves."""
    rows = counts[counts["school_id"].isin(list(schools))]
    incidents = rows["incidents"].sum()
    return float((incidents - rows["reported"].sum()) / incidents) if incidents else float("nan")


def warning_for(
    counts: pd.DataFrame,
    schools: Collection[object],
    *,
    term: str,
    terms: Sequence[Term],
    changes: Sequence[PatrolChange] = (),
) -> str:
    """Say what a hotspot at some schools may rest on.

    Parameters
    ----------
    counts
        Result of `school_counts`.
    schools
        Ids of the schools.
    term
        The term.
    terms
        Terms of the district, in order.
    changes
        Days from which patrol changed, as the settings have them.

    Returns
    -------
    str
        Sentences; empty where nothing speaks against it. A warning is given where officers started most of the
        incidents, where the settings name a change of patrol since the term before began, and where officers started
        clearly more or fewer incidents for each school day than in the term before (exact conditional test of two
        Poisson counts, two-sided, p ≤ 1 %; J. Przyborowski and H. Wilenski, Biometrika 31, 1940): the only trace that
        an unrecorded change of patrol hours leaves.
    """
    this = counts[(counts["term"] == term) & counts["school_id"].isin(list(schools))]
    parts = []
    share = officer_share(this, schools)
    if share >= MOSTLY:
        parts.append(f"Officers started {share:.0%} of the {POPULATIONS['calls']} themselves.")
    names = [t.name for t in terms]
    place = names.index(term)
    before = terms[place - 1] if place else None
    parts += _named_changes(this, changes, first=before or terms[place], last=terms[place])
    # A term of which nothing is on record says nothing of what officers did then.
    if before is not None and counts.loc[counts["term"] == before.name, "incidents"].sum():
        earlier = counts[(counts["term"] == before.name) & counts["school_id"].isin(list(schools))]
        parts += _started_change(earlier, this, before.name)
    return " ".join(parts)


def _named_changes(this: pd.DataFrame, changes: Sequence[PatrolChange], *, first: Term, last: Term) -> list[str]:
    zones = set(this["zone_id"])
    return [
        f"Patrol changed on {change.start:%d %B %Y}{': ' + change.note if change.note else ''}."
        for change in changes
        if first.start <= change.start <= last.end and (not change.zones or zones & set(change.zones))
    ]


def _started_change(earlier: pd.DataFrame, this: pd.DataFrame, name: str) -> list[str]:
    counts = [int((rows["incidents"] - rows["reported"]).sum()) for rows in (earlier, this)]
    # Student-days of the same schools stand for school days; without any, the terms count as equally long.
    days = [float(rows["student_days"].sum()) or 1.0 for rows in (earlier, this)]
    if not sum(counts) or not np.isfinite(days).all():
        return []
    if stats.binomtest(counts[1], sum(counts), days[1] / sum(days)).pvalue > CLEARLY:
        return []
    return [
        (
            f"Officers started {counted_text(counts[1], 'calls')} here and {counts[0]:,} in {name}: "
            "their hours there may have changed."
        )
    ]


# ── Neighboring schools that are high together, under several windows, and whether officers' own work makes them so

OTHER_SHARES = (0.1, 0.5)
"""Largest windows whose results stand beside those of the chosen one."""

FEWEST_SCHOOLS = 10
"""Fewest schools with a rate and a place among which groups are looked for."""

FEWEST_CALLS = 20
"""Fewest reported calls at them."""

_AROUND_M = 250.0
_MANY_SCHOOLS, _SIMULATIONS_OF_MANY = 1000, 999


@dataclass(frozen=True)
class SchoolGroups:
    """Groups of neighboring schools."""

    table: gpd.GeoDataFrame  # One row for each group, the likeliest first: see `school_groups`
    scans: dict[float, ScanResult]  # Largest share of a window → result of the scan of reported incidents
    schools: int  # Number of schools looked at
    reported: int  # Reported calls for zone officers at them
    without_place: tuple[str, ...]  # Ids of schools with a rate and no place, which no group can hold
    settings: dict[str, Any]  # What the scans were set to

    @property
    def high(self) -> gpd.GeoDataFrame:
        """The groups that are high."""
        return self.table[self.table["status"] == "high"]

    def summary(self) -> str:
        """Say in plain English what was found."""
        if not self.scans:
            return (
                f"No groups of neighboring schools were looked for: that takes {FEWEST_SCHOOLS} schools with a place "
                f"that can be compared and {FEWEST_CALLS} {POPULATIONS['reported']} at them; there are {self.schools} "
                f"schools and {self.reported:,} calls."
            )
        if self.high.empty:
            return f"No group of neighbors among the {self.schools} schools compared is clearly above what is expected."
        return " ".join(self.high["sentence"])

    def to_frame(self) -> pd.DataFrame:
        """Return the table without its shapes."""
        return pd.DataFrame(self.table.drop(columns="geometry"))


def school_groups(
    rates: SchoolRates,
    places: gpd.GeoSeries,
    *,
    crs: CRS,
    alpha: float = 0.05,
    max_share: float = 0.25,
    simulations: int = 999,
    seed: int = 0,
    on_part: Callable[[str], None] = lambda _: None,
) -> SchoolGroups:
    """Look for groups of neighboring schools that are high together.

    `table` has `group_id`, `status` (``high``, ``not_high`` or ``rests_on_officer_initiated``: high only when what
    officers started is counted, and mostly that), `members` (ids joined by ``;``), `schools`, `zone_id` (zones joined
    by ``;``), `observed`, `expected`, `ratio` with `ratio_low` and `ratio_high`, `relative_risk`, `rate_per_1000`
    with its exact interval, `llr`, `p_value`, `gumbel_p_value`, `p_value_10`, `p_value_50` (of the group that
    overlaps it most with windows of 10 % and 50 %), `stability_share` (mean overlap, as Jaccard's coefficient, with a
    group that is high there), `detectable_ratio`, `officer_initiated_share`, `sentence` and `geometry` (a hull around
    the schools, EPSG:4326). With more than 1,000 schools there are at most 999 simulations.
    """
    at = places.to_crs(crs).representative_point()
    table = rates.table.assign(all_expected=rates.all_expected).set_index("school_id", drop=False)
    rated = table[table["expected"].gt(0)]
    xy = pd.DataFrame({"x": at.x, "y": at.y}).reindex(rated.index)
    is_placed = xy.notna().all(axis=1)
    rated, xy = rated[is_placed], xy[is_placed]
    # The work grows with the square of the schools: of 2,000 ten times as many simulations take minutes.
    draws = simulations if len(rated) <= _MANY_SCHOOLS else min(simulations, _SIMULATIONS_OF_MANY)
    settings = {"alpha": alpha, "max_share": max_share, "simulations": draws, "seed": seed}
    lost = tuple(map(str, is_placed.index[~is_placed]))
    calls = int(rated["reported"].sum())
    if len(rated) < FEWEST_SCHOOLS or calls < FEWEST_CALLS:
        return SchoolGroups(_as_table([], crs), {}, len(rated), calls, lost, settings)

    def scan(cases: str, expected: str, ordinary: OrdinaryRates, *shares: float) -> dict[float, ScanResult]:
        return nested_scans(
            rated[cases],
            rated[expected].clip(lower=1e-6),
            xy.to_numpy(),
            dict.fromkeys(shares),
            simulations=draws,
            seed=seed,
            dispersion=ordinary.sample_dispersions(draws, seed=seed),
            min_expected=FEWEST_EXPECTED,
            on_part=lambda share, what: on_part(f"windows of {share:.0%}, {what}"),
        )

    found = scan("reported", "expected", rates.ordinary, max_share, *OTHER_SHARES)
    scans = {share: found[share] for share in (max_share, *OTHER_SHARES)}
    everything = scan("incidents", "all_expected", rates.all_ordinary, max_share)[max_share]
    rows = [
        _row(cluster, rated, scans, alpha, "high" if cluster.p_value <= alpha else "not_high")
        for cluster in scans[max_share].clusters
    ]
    rows += [
        _row(cluster, rated, scans, alpha, "rests_on_officer_initiated")
        for cluster in everything.significant(alpha)
        if officer_share(rated, cluster.members) >= MOSTLY
    ]
    for number, row in enumerate(rows, start=1):
        row["group_id"] = f"G{number}"
        row["geometry"] = gpd.GeoSeries(at[row.pop("ids")]).union_all().convex_hull.buffer(_AROUND_M)
    return SchoolGroups(_as_table(rows, crs), scans, len(rated), calls, lost, settings)


def overlap(one: Iterable[object], other: Iterable[object]) -> float:
    """Measure how far two groups are the same."""
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first | second else 0.0


_COLUMNS = (
    "group_id",
    "status",
    "members",
    "schools",
    "zone_id",
    "observed",
    "expected",
    "ratio",
    "ratio_low",
    "ratio_high",
    "relative_risk",
    "rate_per_1000",
    "rate_low_per_1000",
    "rate_high_per_1000",
    "llr",
    "p_value",
    "gumbel_p_value",
    "p_value_10",
    "p_value_50",
    "stability_share",
    "detectable_ratio",
    "officer_initiated_share",
    "sentence",
    "geometry",
)


def _as_table(rows: list[dict[str, Any]], crs: CRS) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=list(_COLUMNS)), geometry="geometry", crs=crs)
    return frame.to_crs("EPSG:4326")


def _row(
    cluster: Cluster, rated: pd.DataFrame, scans: dict[float, ScanResult], alpha: float, status: str
) -> dict[str, Any]:
    ids = list(cluster.members)
    rows = rated.loc[ids]
    days, reported = float(rows["student_days"].sum()), int(rows["reported"].sum())
    low, high = rate_interval(reported, days)
    others = {share: _likest(cluster, scans[share].clusters) for share in OTHER_SHARES}
    stays = [overlap(ids, c.members) if c and c.p_value <= alpha else 0.0 for c in others.values()]
    share = officer_share(rows, ids)
    return {
        "ids": ids,
        "status": status,
        "members": ";".join(map(str, ids)),
        "schools": len(ids),
        "zone_id": ";".join(sorted({z for z in rows["zone_id"] if z})),
        "observed": cluster.observed,
        "expected": cluster.expected,
        "ratio": cluster.ratio,
        "ratio_low": cluster.ratio_low,
        "ratio_high": cluster.ratio_high,
        "relative_risk": cluster.relative_risk,
        "rate_per_1000": 1000 * reported / days,
        "rate_low_per_1000": 1000 * float(low),
        "rate_high_per_1000": 1000 * float(high),
        "llr": cluster.llr,
        "p_value": cluster.p_value,
        "gumbel_p_value": cluster.gumbel_p_value,
        "p_value_10": others[0.1].p_value if others[0.1] else np.nan,
        "p_value_50": others[0.5].p_value if others[0.5] else np.nan,
        "stability_share": float(np.mean(stays)),
        "detectable_ratio": cluster.detectable_ratio,
        "officer_initiated_share": share,
        "sentence": _groups_sentence(cluster, rows, len(rated), status, share),
    }


def _likest(cluster: Cluster, others: Sequence[Cluster]) -> Cluster | None:
    touching = [c for c in others if overlap(cluster.members, c.members) > 0]
    return max(touching, key=lambda c: overlap(cluster.members, c.members), default=None)


def _groups_sentence(cluster: Cluster, rows: pd.DataFrame, looked_at: int, status: str, share: float) -> str:
    number = len(cluster.members)
    zones = sorted({z for z in rows["zone_id"] if z})
    where = f" in Zone{'s' if len(zones) > 1 else ''} {listed(zones)}" if zones else ""
    whose = "its enrollment and level" if number == 1 else "their enrollment and levels"
    what = POPULATIONS["calls" if status == "rests_on_officer_initiated" else "reported"]
    text = (
        f"{number_word(number)} school{'s' if number != 1 else ''}{where} had {times(cluster.ratio)} the {what} "
        f"expected for {whose} ({cluster.observed:,} against {cluster.expected:.1f})"
    )
    chance = f"a pattern this strong arises by chance {once_in_terms(cluster.p_value)}"
    looking = f"after looking at all {looked_at} schools compared"
    if status == "rests_on_officer_initiated":
        return f"{text}, but officers started {share:.0%} of them themselves: this says where officers looked."
    if status == "not_high":
        return f"{text}; {chance} {looking}: {NOT_CLEARLY}."
    return f"{text}; {chance} {looking}."
