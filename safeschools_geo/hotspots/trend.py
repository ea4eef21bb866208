"""Trends over terms: schools that rise or fall against their level, and hotspots that come, stay and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from safeschools_geo.errors import ColumnError
from safeschools_geo.hotspots.intervals import q_values
from safeschools_geo.hotspots.words import NOT_CLEARLY, carried, chance_text, counted_text, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_TERMS = 3
FEWEST_INCIDENTS = 10
_STEEPEST = 4.0
_TRENDS = ("school_id", "terms", "incidents", "z", "p_value", "q_value", "ratio_first_last", "class", "sentence")
_CLASSES = ("school_id", "tested_terms", "flagged_terms", "class")


def cube_classes(cube: pd.DataFrame) -> pd.DataFrame:
    """Tell what became of schools that are or were high: by the status that each term gave them, and by nothing else.

    Parameters
    ----------
    cube
        `term` (in order of appearance), `school_id`, and `status` and `not_judged` of each school and term
        (`rates.school_rates`).

    Returns
    -------
    pandas.DataFrame
        One row for each school: `school_id`, `tested_terms` (in which it was judged), `flagged_terms` (in which it was
        high, joined by ``;``) and `class`: ``persistent`` (high in the last term and in the one before it that judged
        the school), ``sporadic`` (high in the last, not in the one before, but earlier), ``emerging`` (high in the
        last, and never before), ``fading`` (high before, not in the last), ``none`` (never high), or
        ``insufficient_data`` (not judged in the last term, or in no other).

    Raises
    ------
    ColumnError
        When a column is missing.
    """
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

    Parameters
    ----------
    counts
        `term` (in order of appearance), `school_id`, `level`, `incidents` and `student_days` (missing where unknown;
        such schools are taken to be of one size in all terms).
    alpha
        Largest q-value of what is called a rise or a fall.

    Returns
    -------
    pandas.DataFrame
        One row for each school: `terms` and `incidents` it is judged by, `z` and two-sided `p_value` of the score test
        of a log-linear trend given the school's total, with chances in proportion to its student-days times the rate of
        its level in the term (P. Armitage, Biometrics 11, 1955, for Poisson counts), `q_value` over all schools tested,
        `ratio_first_last` (last term over first, of the fitted line; missing where the line has less than one incident
        in the first), `class` (``rising``, ``falling``, ``no clear
        trend``, or ``insufficient_data``: fewer than `FEWEST_TERMS` terms or `FEWEST_INCIDENTS` incidents) and
        `sentence`. Variances are inflated by how much more than Poisson's all schools vary from term to term: the
        median over schools of Pearson's statistic over its own median, at least 1, which a few trends cannot bend.

    Raises
    ------
    ColumnError
        When a column is missing.
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
    told = (
        f"against its level, the rate of {terms[-1]} is {times(ratio)} that of {terms[0]}"
        if np.isfinite(ratio)
        else f"{counted_text(row['incidents'])} from {terms[0]} to {terms[-1]}, almost none of them in {terms[0]}"
    )
    if row["class"] == "no clear trend":
        return f"No clear trend: {told}; that is {NOT_CLEARLY}."
    return f"{row['class'].capitalize()}: {told} (q {chance_text(row['q_value'])})."


def _require(frame: pd.DataFrame, names: list[str]) -> None:
    lacking = [name for name in names if name not in frame.columns]
    if lacking:
        raise ColumnError("A trend cannot be told without these columns.", expected=", ".join(lacking))
