"""Schools: their rates with intervals, which are high for their level, and how large a rise could have been seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.errors import InputError, count_text
from safeschools_geo.hotspots.detectable import detectable_ratios
from safeschools_geo.hotspots.dispersion import OrdinaryRates, fit_ordinary
from safeschools_geo.hotspots.intervals import q_values, rate_interval, ratio_interval, shrunken_ratios
from safeschools_geo.hotspots.words import (
    FEWEST_EXPECTED,
    NOT_CLEARLY,
    carried,
    counted_text,
    once_in_terms,
    times,
)
from safeschools_geo.schemas import FEWEST_AS_BASE, POPULATIONS, SCHOOL_RATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_PEERS = 5
"""Fewest schools of a level, with known enrolment, that can be compared with each other."""

MOSTLY = 0.5
"""Share of incidents that officers started from which a high number rests on where they looked."""

NO_ENROLLMENT = "the enrollment is unknown"
"""Why a school has no rate."""

_LIMITS = {"95": (0.025, 0.975), "998": (0.001, 0.999)}


@dataclass(frozen=True)
class SchoolRates:
    """Rates of the schools in one term, and which are high.

    Parameters
    ----------
    table
        One row for each programme school, in the order given: see `school_rates`.
    ordinary
        What is ordinary for the schools tested, in the order of the rows with a `p_value`: reported incidents.
    all_ordinary
        The same for all incidents, those that officers started themselves included.
    all_expected
        All incidents expected at each school, on the index of `table`; missing without a denominator.
    limits
        Limits of the funnel: `expected`, and `low_95`, `high_95`, `low_998`, `high_998` as observed over expected.
    settings
        ``alpha``, ``fewest_peers``, ``largest_detectable``.
    """

    table: pd.DataFrame
    ordinary: OrdinaryRates
    all_ordinary: OrdinaryRates
    all_expected: pd.Series
    limits: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def high(self) -> pd.DataFrame:
        """The schools that are high, the most extreme first."""
        table = self.table[self.table["status"] == "high"]
        return table.sort_values(["p_value", "school_id"], kind="stable")

    def summary(self) -> str:
        """Say in plain English how many schools are high, and how many cannot be judged.

        Returns
        -------
        str
            A few sentences.
        """
        judged = int(self.is_judged.sum())
        if not self.reported:
            return f"There are no {POPULATIONS['reported']} in the term, so no school is judged."
        if not judged:
            return self.not_judged_sentence()
        officers = int((self.table["status"] == "rests_on_officer_initiated").sum())
        told = [
            (
                f"{count_text(len(self.high), 'school', of=judged)} that could be judged had clearly more "
                f"{POPULATIONS['reported']} than the enrollment and level lead to expect."
            )
        ]
        if officers:
            told.append(f"{count_text(officers, 'school')} would be high only with what officers started themselves.")
        return " ".join([*told, *([self.not_judged_sentence()] if judged < len(self.table) else [])])

    @property
    def is_judged(self) -> pd.Series:
        """Which schools could be judged: bool, on the index of `table`."""
        return self.table["not_judged"].eq("").rename("is_judged")

    @property
    def reported(self) -> int:
        """Reported calls for zone officers at all program schools in the term."""
        return int(self.table["reported"].sum())

    def not_judged_sentence(self) -> str:
        """Say how many schools were not judged, with which share of the reported calls, and why.

        Returns
        -------
        str
            One sentence; empty where all were.
        """
        rest = self.table[~self.is_judged]
        if rest.empty:
            return ""
        number, calls = len(rest), int(rest["reported"].sum())
        share = f" with {calls:,} of the {self.reported:,} {POPULATIONS['reported']}" if self.reported else ""
        reasons = rest["not_judged"].value_counts(sort=False)
        why = [f"{reason} ({count:,})" if len(reasons) > 1 else str(reason) for reason, count in reasons.items()]
        which = f"{count_text(number, 'program school', of=len(self.table))}{share}"
        return f"{which} {'was' if number == 1 else 'were'} not judged: {'; '.join(why)}."

    def most_sentence(self, *, only_if_not_judged: bool = False) -> str:
        """Name the school with most reported calls.

        Parameters
        ----------
        only_if_not_judged
            Whether to name it only where no test could.

        Returns
        -------
        str
            One sentence; empty where two schools have most, or where so few calls say nothing.
        """
        calls = self.table["reported"]
        most = self.table[calls == calls.max()]
        if len(most) != 1 or calls.max() < FEWEST_AS_BASE or self.reported == 0:
            return ""
        row = most.iloc[0]
        if only_if_not_judged and not row["not_judged"]:
            return ""
        said = {
            "high": "it is high for its enrollment and level",
            "not_high": f"for its enrollment and level that is {NOT_CLEARLY}",
            "rests_on_officer_initiated": "it is high only with what officers started themselves",
        }.get(row["status"], "it was not judged")
        return (
            f"{row['name']} has the most, {row['reported']:,} of the {self.reported:,} {POPULATIONS['reported']} "
            f"({row['reported'] / self.reported:.0%}); {said}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the table.

        Returns
        -------
        pandas.DataFrame
            A copy of `table`.
        """
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

    Parameters
    ----------
    counts
        Result of `exposure.school_counts`: the term's rows are rated; those of the terms before help to tell how much
        schools ordinarily differ, those after it are not looked at.
    term
        The term.
    alpha
        Largest q-value of a school called high: the share of false alarms among those called high.
    fewest_peers
        Fewest schools of a level that are compared with each other.
    largest_detectable
        A school at which only a rise by more than this could have been seen has too little data.

    Returns
    -------
    SchoolRates
        `table` has the columns of `counts` and `rate_per_1000` (reported calls per 1,000 student-days) with its
        exact 95 % interval `rate_low_per_1000`, `rate_high_per_1000` (Garwood 1936); `expected` (reported incidents at
        the ordinary rate of the level) and `ratio`, as far as they carry one (assumption A68); `p_value` (one-sided,
        negative-binomial funnel after
        D. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24, 2005, with
        `dispersion.fit_ordinary`) and `q_value` (Benjamini and Hochberg 1995); the empirical-Bayes rate
        `shrunken_per_1000` with a 95 % interval, for ranking; `detectable_ratio`; `status`, one of
        `schemas.HOTSPOT_STATUSES`; `not_judged`, which says why a school was not; and `sentence`. A school without a
        denominator keeps its row.
    """
    so_far = counts[
        counts["term"].map({name: i for i, name in enumerate(counts["term"].unique())}) <= _place(counts, term)
    ]
    table = so_far[so_far["term"] == term].reset_index(drop=True)
    is_rated = table["student_days"].gt(0).to_numpy()
    peers = table.loc[is_rated, "level"].value_counts()
    compared = peers.index[peers >= fewest_peers]
    base_rows = so_far[so_far["level"].isin(compared) & so_far["student_days"].gt(0)]
    fits = [_fit(base_rows, column, term) for column in ("reported", "incidents")]
    has_peers = is_rated & table["level"].isin(compared).to_numpy()
    expected, all_expected = (_spread(fit.expected, has_peers) for fit in fits)
    # A level of which almost nothing is expected is no baseline, and less than one call carries no ratio.
    of_level = pd.Series(expected).groupby(table["level"].to_numpy()).transform("sum").to_numpy(dtype=np.float64)
    is_base = has_peers & (of_level >= FEWEST_AS_BASE)
    is_tested = is_base & (expected >= FEWEST_EXPECTED)
    ordinary, all_ordinary = (fit.of(is_tested[has_peers]) for fit in fits)
    tested = table[is_tested]
    expected, all_expected = (np.where(is_base, values, np.nan) for values in (expected, all_expected))
    columns: dict[str, Floats] = {**_plain_rates(table), "expected": expected}
    with np.errstate(invalid="ignore", divide="ignore"):
        columns["ratio"] = carried(table["reported"].to_numpy() / expected, expected)
    p_value = ordinary.p_values(tested["reported"])
    all_p = all_ordinary.p_values(tested["incidents"])
    low, middle, high = shrunken_ratios(tested["reported"], ordinary)
    base = 1000 * ordinary.expected / tested["student_days"].to_numpy()
    for name, values in {
        "p_value": p_value,
        "q_value": q_values(p_value),
        "shrunken_per_1000": middle * base,
        "shrunken_low_per_1000": low * base,
        "shrunken_high_per_1000": high * base,
        "detectable_ratio": detectable_ratios(ordinary, alpha=alpha),
    }.items():
        columns[name] = _spread(values, is_tested)
    table = table.assign(**columns)
    q_all = _spread(q_values(all_p), is_tested)
    table["status"] = _statuses(table, is_rated, q_all, alpha=alpha, largest=largest_detectable)
    is_unclear = table["status"].eq("insufficient_data").to_numpy()
    reasons = {
        NO_ENROLLMENT: ~is_rated,
        f"fewer than {fewest_peers} schools of the level have a known enrollment": is_rated & ~has_peers,
        "its level has almost no reported calls": has_peers & ~is_base,
        "less than one reported call is expected": is_base & ~is_tested,
        f"too few calls: only a rise by more than {largest_detectable:g} times could have been seen": is_unclear,
    }
    table["not_judged"] = np.select(list(reasons.values()), list(reasons), default="")
    table["sentence"] = [_sentence(row, len(tested)) for row in table.to_dict("records")]
    settings = {"alpha": alpha, "fewest_peers": fewest_peers, "largest_detectable": largest_detectable}
    return SchoolRates(
        table=table[SCHOOL_RATES.column_names],
        ordinary=ordinary,
        all_ordinary=all_ordinary,
        all_expected=pd.Series(all_expected, name="all_expected"),
        limits=funnel_limits(ordinary),
        settings=settings,
    )


def funnel_limits(ordinary: OrdinaryRates, *, points: int = 60) -> pd.DataFrame:
    """Draw the limits between which ordinary schools lie.

    Parameters
    ----------
    ordinary
        The fit.
    points
        Number of points along the axis of expected cases.

    Returns
    -------
    pandas.DataFrame
        `expected`, and the limits of observed over expected that 95 % and 99.8 % of ordinary schools keep, at the
        median dispersion.
    """
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

    Parameters
    ----------
    rates
        Rates of the schools.
    by
        ``level`` or ``zone_id``.

    Returns
    -------
    pandas.DataFrame
        By group: `schools`, `schools_without_rate`, `student_days`, `reported`, `officer_initiated_share` (of all
        incidents), `rate_per_1000` with its exact interval, `expected` (at the ordinary rates of the schools' levels)
        and `ratio` of the schools of which something is expected, with an interval that allows for ordinary differences
        between schools; missing where that is less than one call. The reported incidents of
        schools without a denominator are left out of rates and counted in `reported_without_rate`.
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


def _fit(rows: pd.DataFrame, column: str, term: str) -> OrdinaryRates:
    fitted = fit_ordinary(rows[column], rows["student_days"], rows["level"].astype("str"), rows["term"].astype("str"))
    return fitted.of((rows["term"] == term).to_numpy())


def _plain_rates(table: pd.DataFrame) -> dict[str, Floats]:
    days = table["student_days"].where(table["student_days"] > 0).to_numpy(dtype=np.float64)
    low, high = rate_interval(table["reported"], days)
    rate = 1000 * table["reported"].to_numpy() / days
    return {"rate_per_1000": rate, "rate_low_per_1000": 1000 * low, "rate_high_per_1000": 1000 * high}


def _spread(values: Floats, rows: NDArray[np.bool_]) -> Floats:
    """Put values on the rows they belong to; the others are missing."""
    result = np.full(len(rows), np.nan)
    result[rows] = values
    return result


def _statuses(
    table: pd.DataFrame, is_rated: NDArray[np.bool_], q_all: Floats, *, alpha: float, largest: float
) -> NDArray[np.str_]:
    with np.errstate(invalid="ignore"):
        cases = {
            "no_denominator": ~is_rated,
            "high": table["q_value"].to_numpy() <= alpha,
            "rests_on_officer_initiated": (q_all <= alpha) & (table["officer_initiated_share"].to_numpy() >= MOSTLY),
            "insufficient_data": ~(table["detectable_ratio"].to_numpy() <= largest),
        }
    return np.select(list(cases.values()), list(cases), default="not_high")


def _sentence(school: dict[Any, Any], tested: int) -> str:
    name, status = school["name"], school["status"]
    counts = counted_text(int(school["reported"]))
    against = f"{int(school['reported'])} against {school['expected']:.1f}"
    basis = f"the {POPULATIONS['reported']} expected for its enrollment and level"
    if status == "high":
        return (
            f"{name} had {times(school['ratio'])} {basis} ({against}); a school this far out arises by chance "
            f"{once_in_terms(school['p_value'] * tested)} after looking at all {tested} schools compared."
        )
    if not np.isnan(school["p_value"]):
        counts = f"{counts} where {school['expected']:.1f} were expected for its enrollment and level"
    if status == "rests_on_officer_initiated":
        return (
            f"{name} is high only with what officers started themselves "
            f"({school['officer_initiated_share']:.0%} of its calls): {counts}. This says where officers looked."
        )
    if status == "not_high":
        return (
            f"{name}: {counts}, {NOT_CLEARLY}. A rise to {times(school['detectable_ratio'])} would most likely have "
            "been seen."
        )
    return f"{name}: {counts}; not judged, since {school['not_judged']}."
