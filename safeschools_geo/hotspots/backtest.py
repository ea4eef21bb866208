"""How far such lists could be trusted: terms forecast from those before them, against simpler lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.errors import InputError, count_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Forecast = Callable[[pd.DataFrame], pd.Series]

FEWEST_TERMS = 3
LAST_TERM = "same as last term"
LAST_YEAR = "same as last year"
EQUAL = "every school equal"
_DRAWS = 2000
_COLUMNS = (
    "train_until",
    "judged_on",
    "forecast",
    "schools_selected",
    "captured",
    "total",
    "hit_rate",
    "hit_rate_low",
    "hit_rate_high",
    "pai",
    "pei",
    "rri",
)


@dataclass(frozen=True)
class Backtest:
    """Forecasts of past terms, judged.

    Parameters
    ----------
    table
        One row for each term judged and each forecast: see `backtest`.
    difference, low, high
        By how much the first forecast's hit rate exceeds that of the same schools as last year, over all terms, with a
        95 % interval; missing where there is nothing to compare.
    without_days
        Schools without known student-days, which are left out.
    settings
        ``top_share``, ``terms_per_year``, ``seed``.
    """

    table: pd.DataFrame
    difference: float
    low: float
    high: float
    without_days: int
    settings: dict[str, Any]

    @property
    def status(self) -> str:
        """``better``, ``no_better`` or ``insufficient_data``."""
        if np.isnan(self.difference):
            return "insufficient_data"
        return "better" if self.low > 0 else "no_better"

    def rates(self) -> pd.Series:
        """Pool the hit rates over all terms judged.

        Returns
        -------
        pandas.Series
            Share of the incidents captured, by forecast, in their order.
        """
        sums = self.table.dropna(subset=["captured"]).groupby("forecast", sort=False)[["captured", "total"]].sum()
        return (sums["captured"] / sums["total"]).rename("hit_rate")

    def summary(self) -> str:
        """Say in plain English how far to trust the list.

        Returns
        -------
        str
            One or two sentences.
        """
        if self.table.empty:
            return f"Backtest: too little history; at least {FEWEST_TERMS} terms with known student-days are needed."
        rates = self.rates()
        terms = self.table["judged_on"].nunique()
        first = str(rates.index[0])
        others = "; ".join(f"{name}: {rate:.0%}" for name, rate in rates.items() if name != first)
        told = (
            f"Backtest over {count_text(terms, 'term')}: with {self.settings['top_share']:.0%} of the student-days, "
            f"the {first} found {rates.iloc[0]:.0%} of the next term's incidents ({others})."
        )
        if np.isnan(self.difference):
            return f"{told} There is no year before to compare with."
        points = f"{100 * self.difference:+.0f} points, 95 % interval {100 * self.low:+.0f} to {100 * self.high:+.0f}"
        if self.status == "better":
            return f"{told} That is better than last year's list ({points})."
        return f"{told} That is no clear gain on last year's list ({points}): take the ranking with care."

    def to_frame(self) -> pd.DataFrame:
        """Return the table.

        Returns
        -------
        pandas.DataFrame
            A copy of `table`.
        """
        return self.table.copy()


def pai_curve(incidents: ArrayLike, areas: ArrayLike, order: ArrayLike | None = None) -> NDArray[np.float64]:
    """Compute the predictive accuracy index of the first place, the first two, and so on.

    Parameters
    ----------
    incidents
        Incidents at each place, shape (n,).
    areas
        Area of each place, or what else has to be watched there, shape (n,).
    order
        Places in the order they are taken, shape (n,); by falling incidents if left out.

    Returns
    -------
    numpy.ndarray
        Share of the incidents over share of the area (S. Chainey, L. Tompson and S. Uhlig, "The utility of hotspot
        mapping for predicting spatial patterns of crime", Security Journal 21, 2008), shape (n,).
    """
    counts, sizes = np.asarray(incidents, dtype=np.float64), np.asarray(areas, dtype=np.float64)
    if counts.shape != sizes.shape or counts.ndim != 1:
        raise InputError("Incidents and areas do not fit each other.", found=f"{counts.shape} and {sizes.shape}")
    taken = np.argsort(-counts, kind="stable") if order is None else np.asarray(order)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            (np.cumsum(counts[taken]) / counts.sum()) / (np.cumsum(sizes[taken]) / sizes.sum()), dtype=np.float64
        )


def prediction_efficiency_index(captured: float, most: float) -> float:
    """Compute how much of what could have been captured was.

    Parameters
    ----------
    captured
        Incidents captured.
    most
        Incidents that the best choice of as large an area would have captured.

    Returns
    -------
    float
        0 to 1 (J. Hunt, "Do crime hot spots move?", American University, 2016); missing where nothing could be.
    """
    return captured / most if most > 0 else float("nan")


def recapture_rate_index(captured: float, total: float, captured_before: float, total_before: float) -> float:
    """Compute how well hotspots keep their share.

    Parameters
    ----------
    captured, total
        Incidents in the hotspots and in all, in the term judged.
    captured_before, total_before
        The same in the last term known.

    Returns
    -------
    float
        Ratio of the two ratios (N. Levine, "The 'hottest' part of a hotspot", Security Journal 21, 2008); 1 where
        hotspots keep their share; missing where there was nothing.
    """
    if not (captured_before > 0 and total_before > 0 and total > 0):
        return float("nan")
    return (captured / captured_before) / (total / total_before)


def backtest(
    counts: pd.DataFrame,
    forecasts: Mapping[str, Forecast],
    *,
    top_share: float = 0.2,
    terms_per_year: int = 2,
    seed: int = 0,
) -> Backtest:
    """Forecast each term from the terms before it, and judge the forecasts.

    Parameters
    ----------
    counts
        `term` (in order of appearance), `school_id`, `incidents` and `student_days` (missing where unknown) of every
        school and term.
    forecasts
        Name → function from the terms so far to expected incidents by `school_id`. Beside them stand ``same as last
        term``, ``same as last year`` and ``every school equal``.
    top_share
        Share of all student-days that a forecast may point at.
    terms_per_year
        Terms in a school year.
    seed
        Seed of the interval.

    Returns
    -------
    Backtest
        `table` has `train_until`, `judged_on`, `forecast`, `schools_selected` (the last one as far as it fits),
        `captured` and `total` incidents, `hit_rate` (their ratio) with its exact 95 % interval (C. Clopper and E.
        Pearson, Biometrika 26, 1934, of rounded counts), `pai` (area is student-days), `pei` and `rri`. A forecast
        takes the schools of highest expected rate first; schools it expects equal rates of are taken in equal parts.
        From the third term on, so that every forecast has two terms to learn from.
    """
    known = counts[counts["student_days"] > 0]
    left_out = int(counts["school_id"].nunique() - known["school_id"].nunique())
    settings = {"top_share": top_share, "terms_per_year": terms_per_year, "seed": seed}
    terms = list(known["term"].unique())
    empty = Backtest(pd.DataFrame(columns=list(_COLUMNS)), np.nan, np.nan, np.nan, left_out, settings)
    if len(terms) < FEWEST_TERMS:
        return empty
    rows, gains = [], []
    for place in range(FEWEST_TERMS - 1, len(terms)):
        train, judged = known[known["term"].isin(terms[:place])], known[known["term"] == terms[place]]
        truth = judged.set_index("school_id")[["incidents", "student_days"]].astype(np.float64)
        before = (
            train[train["term"] == terms[place - 1]].set_index("school_id")["incidents"].reindex(truth.index).fillna(0)
        )
        if not truth["incidents"].sum():
            continue
        expected = {name: forecast(train) for name, forecast in forecasts.items()}
        expected |= _plain(train, terms[:place], terms_per_year)
        parts = {name: _taken(values, truth["student_days"], top_share) for name, values in expected.items()}
        best = _taken(truth["incidents"], truth["student_days"], top_share)
        for name, part in parts.items():
            rows.append(
                {
                    "train_until": terms[place - 1],
                    "judged_on": terms[place],
                    "forecast": name,
                    **_judged(part, truth, before, float((best * truth["incidents"]).sum())),
                }
            )
        first = parts[next(iter(parts))]
        if LAST_YEAR in parts:
            gains.append(
                pd.DataFrame({"gain": (first - parts[LAST_YEAR]) * truth["incidents"], "all": truth["incidents"]})
            )
    if not rows:
        return empty
    return Backtest(pd.DataFrame(rows, columns=list(_COLUMNS)), *_interval(gains, seed), left_out, settings)


def _plain(train: pd.DataFrame, terms: list[Any], terms_per_year: int) -> dict[str, pd.Series]:
    """Forecast as anyone would: as last term, as in the same term last year, or every school alike."""

    def of(term: Any) -> pd.Series:  # noqa: ANN401 - whatever names a term
        counts: pd.Series = train[train["term"] == term].set_index("school_id")["incidents"]
        return counts.astype(np.float64)

    last = train[train["term"] == terms[-1]].set_index("school_id")["student_days"]
    found = {LAST_TERM: of(terms[-1])}
    if len(terms) >= terms_per_year:
        found[LAST_YEAR] = of(terms[-terms_per_year])
    return {**found, EQUAL: last.astype(np.float64)}


def _taken(expected: pd.Series, days: pd.Series, top_share: float) -> pd.Series:
    """Take schools by falling expected rate until the share of student-days is reached, the last ones in part."""
    rate = (expected.reindex(days.index).fillna(0.0) / days).round(12)
    left, taken = top_share * float(days.sum()), pd.Series(0.0, index=days.index)
    for value in np.unique(rate)[::-1]:
        tied = rate == value
        size = float(days[tied].sum())
        taken[tied] = min(1.0, left / size)
        left -= size
        if left <= 0:
            break
    return taken


def _judged(part: pd.Series, truth: pd.DataFrame, before: pd.Series, most: float) -> dict[str, float]:
    incidents, days = truth["incidents"], truth["student_days"]
    captured, total = float((part * incidents).sum()), float(incidents.sum())
    low, high = stats.binomtest(round(captured), int(total)).proportion_ci(method="exact")
    return {
        "schools_selected": float(part.sum()),
        "captured": captured,
        "total": total,
        "hit_rate": captured / total,
        "hit_rate_low": float(low),
        "hit_rate_high": float(high),
        "pai": (captured / total) / (float((part * days).sum()) / float(days.sum())),
        "pei": prediction_efficiency_index(captured, most),
        "rri": recapture_rate_index(captured, total, float((part * before).sum()), float(before.sum())),
    }


def _interval(gains: list[pd.DataFrame], seed: int) -> tuple[float, float, float]:
    """Draw the schools anew within each term, and compare the two lists on each draw."""
    if not gains:
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    gained, total = np.zeros(_DRAWS), np.zeros(_DRAWS)
    for term in gains:
        drawn = rng.integers(len(term), size=(_DRAWS, len(term)))
        gained += term["gain"].to_numpy()[drawn].sum(axis=1)
        total += term["all"].to_numpy()[drawn].sum(axis=1)
    everything = pd.concat(gains)
    low, high = np.quantile(gained / np.maximum(total, 1), [0.025, 0.975])
    return float(everything["gain"].sum() / everything["all"].sum()), float(low), float(high)
