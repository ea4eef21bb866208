"""What is ordinary: exposure, the rate of each level, how much schools differ, how sure that is, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer
from scipy import optimize, special, stats

from safeschools_geo.errors import InputError
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.school_calendar import local_day, school_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    from safeschools_geo.settings import CalendarSettings, Term

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


# ── How ratios and chances are put into words, so that everyone reads the same thing, and what can carry a ratio

FEWEST_EXPECTED = 1.0
"""Fewest expected cases that carry a ratio (assumption A68)."""

NOT_CLEARLY = "not clearly more than chance"
"""What is said of a difference that a test does not confirm: that it is chance is not shown either."""

_ALWAYS = 0.95
_NEVER = 0.001


def once_in_terms(expected_number: float) -> str:
    """Say how often chance alone does this."""
    if expected_number >= _ALWAYS:
        return "in about every term"
    if expected_number <= _NEVER:
        return "once in 1,000 terms or less often"
    return f"once in {1 / expected_number:,.0f} terms"


def carried(ratio: ArrayLike, base: ArrayLike, *, fewest: float = FEWEST_EXPECTED) -> NDArray[np.float64]:
    """Keep the ratios that what they are divided by can carry."""
    values, cases = np.asarray(ratio, dtype=np.float64), np.asarray(base, dtype=np.float64)
    return np.where(np.isfinite(values) & (cases >= fewest), values, np.nan)


def times(ratio: float) -> str:
    """Write a ratio.

    Parameters
    ----------
    ratio
        A ratio that `carried` has kept.

    Returns
    -------
    str
        For example ``"2.1 times"``: as many decimals as two figures need, at most two.
    """
    if 0 < ratio < 0.01:  # noqa: PLR2004 - two decimals
        return "less than 0.01 times"
    return f"{ratio:,.0f} times" if ratio >= 100 else f"{ratio:.{1 if ratio >= 1 else 2}f} times"  # noqa: PLR2004


def counted_text(number: int, population: str = "reported") -> str:
    """Write a number of incidents or calls by the name that the count has.

    Parameters
    ----------
    number
        How many.
    population
        What is counted, a key of `schemas.POPULATIONS`.

    Returns
    -------
    str
        For example ``"1 reported call for zone officers"`` or ``"1,200 calls for zone officers"``.
    """
    name = POPULATIONS[population]
    if number == 1:
        name = name.replace("calls", "call", 1).replace("incidents", "incident", 1)
    return f"{number:,} {name}"


_SMALL_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def number_word(number: int) -> str:
    """Write a small number as a word, to begin a sentence with."""
    return _SMALL_NUMBERS[number] if number < len(_SMALL_NUMBERS) else f"{number:,}"


def chance_text(value: float) -> str:
    """Write a p- or q-value."""
    return "< 0.001" if value < _NEVER else f"= {value:.3f}"


# ── How sure we are: exact intervals, q-values, and rates shrunken towards what is ordinary

_TAIL = 0.025


def q_values(p_values: ArrayLike) -> Floats:
    """Adjust p-values for having looked many times.

    Parameters
    ----------
    p_values
        p-values, missing where nothing was tested, shape (n,).

    Returns
    -------
    numpy.ndarray
        q-values (Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57, 1995), shape (n,).
    """
    given = np.asarray(p_values, dtype=np.float64)
    result = np.full(given.shape, np.nan)
    known = np.isfinite(given)
    if known.any():
        result[known] = stats.false_discovery_control(given[known])
    return result


def rate_interval(count: ArrayLike, exposure: ArrayLike) -> tuple[Floats, Floats]:
    """Give the exact interval of a rate.

    Parameters
    ----------
    count
        Cases, shape (n,).
    exposure
        What they are counted over, shape (n,); missing where unknown.

    Returns
    -------
    low, high : numpy.ndarray
        95 % interval of cases per unit of exposure (F. Garwood, Biometrika 28, 1936), shape (n,).
    """
    cases, days = np.asarray(count, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    low = np.where(cases > 0, stats.chi2.ppf(_TAIL, 2 * np.maximum(cases, 1)) / 2, 0.0)
    high = stats.chi2.ppf(1 - _TAIL, 2 * (cases + 1)) / 2
    return low / days, high / days


def ratio_interval(observed: float, expected: Floats, *, dispersion: float | None = None) -> tuple[float, float]:
    """Give the interval of observed over expected of a group.

    95 % interval: exact for Poisson counts (F. Garwood, Biometrika 28, 1936); with a dispersion the counts are first
    scaled down to Poisson's variance (quasi-likelihood).
    """
    mean = float(expected.sum())
    inflation = 1 + (dispersion or 0.0) * float((expected**2).sum()) / mean
    count = observed / inflation
    low = stats.chi2.ppf(0.025, 2 * count) / 2 if count > 0 else 0.0
    high = stats.chi2.ppf(0.975, 2 * (count + 1)) / 2
    return float(low * inflation / mean), float(high * inflation / mean)


def shrunken_ratios(counts: ArrayLike, ordinary: OrdinaryRates) -> tuple[Floats, Floats, Floats]:
    """Shrink each school's observed over expected towards 1, the more the less is known of it.

    Mean and 95 % interval of the gamma posterior (D. Clayton and J. Kaldor, "Empirical Bayes estimates of
    age-standardized relative risks", Biometrics 43, 1987), averaged over the dispersions by their weights.
    """
    cases = np.asarray(counts, dtype=np.float64)[:, None]
    used = ordinary.weights > 0
    spread, weights = np.maximum(ordinary.alphas[used], 1e-6), ordinary.weights[used]
    shape, rate = 1 / spread + cases, 1 / spread + ordinary.expected[:, None]
    mean = (shape / rate) @ weights

    def quantile(share: float) -> Floats:
        low, high = np.full(len(cases), 1e-6), np.full(len(cases), 1e3)
        for _ in range(32):
            middle = np.sqrt(low * high)
            is_below = special.gammainc(shape, rate * middle[:, None]) @ weights < share
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return np.asarray(np.sqrt(low * high))

    return quantile(_TAIL), mean, quantile(1 - _TAIL)


# ── The smallest rise that would most likely have been seen: what a term without a hotspot says, and what it does not

POWER = 0.8
"""Chance with which a rise of the smallest detectable size is seen."""

LARGEST = 20.0
"""Largest rise that is looked at."""

_STEPS = 80


def detectable_ratios(
    critical: ArrayLike, expected: ArrayLike, dispersion: ArrayLike, *, power: float = POWER
) -> NDArray[np.float64]:
    """Find the smallest multiples of what is expected at which a critical count is most likely reached."""
    counts, means = np.asarray(critical, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    ratios = np.geomspace(1.0, LARGEST, _STEPS)
    is_seen = _chance_above(counts - 1, ratios[:, None] * means, np.asarray(dispersion)) >= power
    return np.where(is_seen.any(axis=0), ratios[is_seen.argmax(axis=0)], np.inf)


def critical_counts(expected: Floats, dispersion: ArrayLike, *, level: float | Floats) -> NDArray[np.int64]:
    """Find the smallest count whose one-sided p-value is at most a level."""
    low = np.zeros(len(expected), dtype=np.int64)
    high = np.full_like(low, 16)
    while (is_short := p_values(high, expected, dispersion) > level).any():
        high = np.where(is_short, 2 * high, high)
    while (high - low > 1).any():
        middle = (low + high) // 2
        is_enough = p_values(middle, expected, dispersion) <= level
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    return high


# ── What is counted and over how many student-days: incidents at program schools by term and by month

COUNTS = [
    "term",
    "school_id",
    "name",
    "level",
    "zone_id",
    "enrollment",
    "student_days",
    "incidents",
    "reported",
    "officer_initiated_share",
]


def counted(history: pd.DataFrame) -> pd.Series:
    """Say which incidents count towards hotspots at schools."""
    return (history["work_of"] == "zone_officer").rename("is_counted")


def places_m(shapes: gpd.GeoSeries, crs: CRS) -> Floats:
    """Measure places in meters, shape (n, 2): of a point the point, of an area a point inside it."""
    if (shapely.get_type_id(shapes.to_numpy()) == shapely.GeometryType.POINT).all():
        # Coordinates alone: shapes of a million points are slow to make, and large.
        along = Transformer.from_crs(shapes.crs, crs, always_xy=True)
        return np.column_stack(along.transform(*shapely.get_coordinates(shapes.to_numpy()).T))
    return np.asarray(shapes.to_crs(crs).representative_point().get_coordinates().to_numpy(dtype=np.float64))


def school_counts(
    history: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    school_zones: pd.Series,
    *,
    terms: Iterable[Term],
    calendar: CalendarSettings,
) -> pd.DataFrame:
    """Count incidents and student-days of each program school in each term."""
    program = schools[schools["in_program"]]
    ids = program["school_id"]
    students = program["enrollment"].astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    students = np.where(students > 0, students, np.nan)
    work = history[counted(history)]
    frames = []
    for term in terms:
        this = work[work["term"] == term.name]
        incidents = _by_school(this, ids)
        reported = _by_school(this[this["origin"] == "reported"], ids)
        with np.errstate(invalid="ignore"):
            started = (incidents - reported) / np.where(incidents > 0, incidents, np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "term": term.name,
                    "school_id": ids.to_numpy(),
                    "name": program["name"].to_numpy(),
                    "level": program["level"].to_numpy(),
                    "zone_id": ids.map(school_zones).fillna("").astype("str").to_numpy(),
                    "enrollment": program["enrollment"].to_numpy(),
                    "student_days": students * len(school_days(term, calendar)),
                    "incidents": incidents,
                    "reported": reported,
                    "officer_initiated_share": started,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COUNTS)


def month_counts(
    history: pd.DataFrame, counts: pd.DataFrame, *, term: Term, calendar: CalendarSettings
) -> tuple[pd.DataFrame, pd.Series]:
    """Count reported incidents of each school in each month of a term, and the school days of each month.

    Reported incidents, int64, one row for each school of `counts` (index `school_id`), one column for each month of
    the term with a school day (``2026-01`` …). School days in each of these months.
    """
    days = pd.Series(school_days(term, calendar).strftime("%Y-%m")).value_counts().sort_index()
    mine = counted(history) & (history["term"] == term.name) & (history["origin"] == "reported")
    work = history[mine]
    month = local_day(work["occurred_at"]).dt.strftime("%Y-%m")
    table = pd.crosstab(work["school_id"], month)
    return table.reindex(index=pd.Index(counts["school_id"]), columns=days.index, fill_value=0).astype("int64"), days


def _by_school(work: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    return work["school_id"].value_counts().reindex(ids).fillna(0).to_numpy(dtype="int64")


# ── What is ordinary: the rate of each level of school and how much schools differ, neither bent by outliers

CUT = 2.0
"""Standard deviations beyond which a school counts no further towards what is ordinary."""

FEWEST = 8
"""Fewest schools from which a dispersion is estimated."""

_ALPHAS = np.concatenate([[0.0], np.geomspace(0.002, 4.0, 45)])
_ROUNDS = 20
_EXACT = 1e-10
_LOG_MEANS = np.linspace(np.log(1e-3), np.log(1e4), 400)


@dataclass(frozen=True)
class OrdinaryRates:
    """What is ordinary for each school."""

    expected: Floats  # Cases expected at each school at the ordinary rate of its group, shape (n,)
    alphas: Floats  # Dispersions considered, from 0 (Poisson), shape (k,)
    weights: Floats  # How far the data support each of them; they add up to 1, shape (k,)

    @property
    def dispersion(self) -> float:
        """The median dispersion, the next of `alphas`: variance of the factor by which schools of one group differ.

        Every test plugs it in; what that costs in false alarms is measured (`benchmarks/power_of_schools.py`).
        """
        return float(self.alphas[np.searchsorted(np.cumsum(self.weights), 0.5)])

    def of(self, rows: NDArray[np.bool_]) -> OrdinaryRates:
        """Keep some of the schools."""
        return OrdinaryRates(self.expected[rows], self.alphas, self.weights)

    def sample_dispersions(self, size: int, *, seed: int) -> Floats:
        """Draw dispersions by their weights, for simulations that carry the uncertainty of the dispersion."""
        return np.asarray(np.random.default_rng([seed, 2]).choice(self.alphas, size=size, p=self.weights))


def p_values(counts: ArrayLike, expected: ArrayLike, dispersion: ArrayLike) -> Floats:
    """Compute the chance of more cases than these at each school, plus half that of just these.

    One-sided mid-p-values of negative binomials (H. Lancaster, Journal of the American Statistical Association 56,
    1961: whole numbers make the full tail too cautious), shape (n,).
    """
    cases, means = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    spread = np.asarray(dispersion, dtype=np.float64)
    return np.asarray((_chance_above(cases - 1, means, spread) + _chance_above(cases, means, spread)) / 2)


class _Size(NamedTuple):
    rates: int
    periods: int
    rows: int

    @property
    def schools(self) -> float:
        return self.rows / self.periods


def fit_ordinary(
    counts: ArrayLike, exposure: ArrayLike, groups: ArrayLike, periods: ArrayLike | None = None
) -> OrdinaryRates:
    """Fit ordinary rates of groups of schools and one dispersion for all.

    The fit. Counts are taken as negative-binomial, variance ``mean + alpha * mean ** 2``. Rates and dispersion solve
    estimating equations in which standardized residuals are cut at `CUT` and compared with what the cut residuals
    would be in expectation (W. Aeberhard, E. Cantoni and S. Heritier, "Robust inference in the negative binomial
    regression model with an application to falls data", Biometrics 70, 2014). How far the data support each
    dispersion is read from the standardized equation itself (a confidence distribution, in which periods count as
    repeats of one another, which errs on the side of doubt); with fewer than `FEWEST` schools nothing is known of it,
    and it may as well be anything up to 1.
    """
    cases, days, names = _checked(counts, exposure, groups)
    when = np.zeros(len(cases), dtype=np.int64) if periods is None else np.asarray(periods)
    if not len(cases):
        return OrdinaryRates(np.empty(0), _ALPHAS, _vague())
    kind = np.unique(np.char.add(np.char.add(names, "\n"), when.astype(np.str_)), return_inverse=True)[1]
    size = _Size(int(kind.max()) + 1, len(np.unique(when)), len(cases))
    rates = np.bincount(kind, cases) / np.bincount(kind, days)
    alpha = 0.0
    for _ in range(_ROUNDS):
        before = rates
        rates = _fit_rates(cases, days, kind, rates, alpha)
        alpha = _fit_dispersion(cases, rates[kind] * days, size, alpha)
        if np.allclose(before, rates, rtol=1e-4):
            break
    expected = rates[kind] * days
    return OrdinaryRates(expected, _ALPHAS, _support(cases, expected, size))


def _fit_rates(cases: Floats, days: Floats, kind: Ints, rates: Floats, alpha: float) -> Floats:
    """Take one safeguarded Newton step for the rate of each group."""
    expected = np.maximum(rates[kind] * days, _EXACT)
    spread = np.sqrt(expected + alpha * expected**2)
    residuals = np.clip((cases - expected) / spread, -CUT, CUT)
    mean_cut, slope = _expected_cut(expected, alpha)[[0, 2]]
    score = np.bincount(kind, (residuals - mean_cut) * expected / spread)
    information = np.bincount(kind, slope * (expected / spread) ** 2)
    step = np.clip(score / np.maximum(information, _EXACT), -0.5, 0.5)
    return np.asarray(rates * np.exp(step))


def _fit_dispersion(cases: Floats, expected: Floats, size: _Size, start: float) -> float:
    """Find the dispersion at which the cut residuals are as large as expected; `start` where too few schools tell."""
    if size.schools < FEWEST or _dispersion_score(cases, expected, size, 0.0) <= 0:
        return start if size.schools < FEWEST else 0.0
    if _dispersion_score(cases, expected, size, _ALPHAS[-1]) >= 0:
        return float(_ALPHAS[-1])
    root = optimize.brentq(
        lambda alpha: _dispersion_score(cases, expected, size, alpha), 0.0, _ALPHAS[-1], xtol=1e-4, rtol=1e-3
    )
    return float(root)


def _support(cases: Floats, expected: Floats, size: _Size) -> Floats:
    """Weigh the dispersions by how far the data support them."""
    if size.schools < FEWEST:
        return _vague()
    scores = np.array([_dispersion_score(cases, expected, size, float(alpha)) for alpha in _ALPHAS])
    at_most = np.maximum.accumulate(special.ndtr(-scores))
    weights = np.diff(at_most, prepend=0.0)
    weights[-1] += 1 - at_most[-1]
    return np.asarray(weights / weights.sum())


def _vague() -> Floats:
    weights = np.where(_ALPHAS <= 1, np.gradient(_ALPHAS), 0.0)
    return np.asarray(weights / weights.sum())


def _dispersion_score(cases: Floats, expected: Floats, size: _Size, alpha: float) -> float:
    """Standardize how much larger the cut residuals are than they would be with this dispersion."""
    means = np.maximum(expected, _EXACT)
    squares = np.clip((cases - means) / np.sqrt(means + alpha * means**2), -CUT, CUT) ** 2
    _, second, _, fourth = _expected_cut(means, alpha)
    # Fitted rates follow the data: so many of the residuals are not free.
    free = max(1 - size.rates / size.rows, 0.1)
    variance = float((fourth - second**2).sum()) * free * size.periods
    return (float(squares.sum()) - free * float(second.sum())) / float(np.sqrt(max(variance, _EXACT)))


def _expected_cut(means: Floats, alpha: float) -> Floats:
    """Look up what cut residuals are in expectation: mean, square, slope and fourth power, shape (4, n)."""
    table, high = _cut_table(), float(np.interp(alpha, _ALPHAS, np.arange(len(_ALPHAS))))
    row, across = int(high), np.interp(np.log(np.maximum(means, _EXACT)), _LOG_MEANS, np.arange(len(_LOG_MEANS)))
    column = np.minimum(across.astype(np.int64), len(_LOG_MEANS) - 2)
    part = across - column
    here, there = table[:, row], table[:, min(row + 1, len(_ALPHAS) - 1)]
    at = here + (high - row) * (there - here)
    return np.asarray(at[:, column] + part * (at[:, column + 1] - at[:, column]))


@cache
def _cut_table() -> Floats:
    """Compute `_expected_cut` for `_ALPHAS` and means of `_LOG_MEANS`, shape (4, alphas, means), in closed form."""
    means, alphas = np.exp(_LOG_MEANS), _ALPHAS[:, None]
    spread = np.sqrt(means + alphas * means**2)
    low, high = np.floor(means - CUT * spread), np.ceil(means + CUT * spread) - 1
    # x (x - 1) … (x - j + 1) times a chance is a multiple of the chance of x - j where the size is larger by j.
    factors = [np.ones_like(spread)]
    for j in range(4):
        factors.append(factors[-1] * means * (1 + j * alphas))
    below, up_to = (
        [factor * (1 - _chance_above(end - j, means, alphas, more=j)) for j, factor in enumerate(factors)]
        for end in (low, high)
    )
    one, f1, f2, f3, f4 = (b - a for a, b in zip(below, up_to, strict=True))
    raw = [one, f1, f2 + f1, f3 + 3 * f2 + f1, f4 + 6 * f3 + 7 * f2 + f1]
    first, second, fourth = (
        sum(special.comb(k, j) * raw[j] * (-means) ** (k - j) for j in range(k + 1)) / spread**k for k in (1, 2, 4)
    )
    under, over = below[0], 1 - up_to[0]
    beyond = [-(end[1] - means * end[0]) / spread for end in (below, up_to)]
    # The slope of the expected score is the covariance of cut and full residual.
    return np.array(
        [
            first + CUT * (over - under),
            second + CUT**2 * (over + under),
            second + CUT * (beyond[1] + beyond[0]),
            fourth + CUT**4 * (over + under),
        ]
    )


def _chance_above(count: Floats, means: Floats, alphas: Floats, *, more: int = 0) -> Floats:
    """Compute the chance of more than a count: negative-binomial, its size larger by `more`; Poisson for alpha 0."""
    at, spread = np.maximum(count, -1.0) + 1, np.maximum(alphas, _EXACT)
    tail = special.betainc(np.maximum(at, _EXACT), 1 / spread + more, spread * means / (1 + spread * means))
    tail = np.where(alphas > 0, tail, special.gammainc(np.maximum(at, _EXACT), means))
    return np.where(at > 0, tail, 1.0)


def _checked(counts: ArrayLike, exposure: ArrayLike, groups: ArrayLike) -> tuple[Floats, Floats, NDArray[np.str_]]:
    cases, days = np.asarray(counts, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    names = np.asarray(groups, dtype=np.str_)
    if not (cases.ndim == 1 and cases.shape == days.shape == names.shape):
        raise InputError(
            "Counts, exposure and groups do not fit each other.",
            found=f"shapes {cases.shape}, {days.shape} and {names.shape}",
            expected="three lists of one length",
        )
    wrong = np.flatnonzero(~(np.isfinite(cases) & (cases >= 0) & np.isfinite(days) & (days > 0)))
    if len(wrong):
        raise InputError(
            "A rate needs a count of 0 or more and an exposure above 0.",
            ids=wrong,
            found=f"{cases[wrong[0]]} over {days[wrong[0]]}",
            remedy="Leave out schools without a denominator, and say so.",
        )
    return cases, days, names


# ── What a school's own earlier terms predict of it

_FLAT = 0.5
"""Cases added to the past of a school that no others can be compared with (H. Jeffreys's prior)."""


class Prediction(NamedTuple):
    """What is predicted of each school, shape (n,): a negative binomial; missing where there is no past."""

    expected: Floats
    dispersion: Floats


def predict_by_past(cases: Floats, expected: Floats, dispersion: ArrayLike, *, cells: int) -> Prediction:
    """Predict the cases of each school in the last term from its earlier ones.

    A school's factor is gamma-distributed around 1 with the dispersion of the schools, less what comes and goes with
    the terms, and its earlier terms update it: the posterior predictive is negative-binomial. What comes and goes with
    the terms is estimated like the dispersion, from the residuals of all schools around their own factors.

    `cases` and `expected` (at the ordinary rate, fitted with `cells` rates) have shape (terms, n); `expected` is
    missing where a term is no part of a school's past, and in the last where there is no rate. `dispersion` is the
    variance of the factors, shape (n,); infinite for a school without others like it. A school whose past lies beyond
    `CUT` standard deviations is pulled towards the others by so much less (limited translation: B. Efron and C. Morris,
    Journal of the American Statistical Association 67, 1972).
    """
    known = np.isfinite(expected) & (expected > 0)
    means, counts = np.where(known, expected, 0.0), np.where(known, cases, 0.0)
    factor = counts.sum(axis=0) / np.maximum(means.sum(axis=0), _EXACT)
    size = _Size(cells + int(known.any(axis=0).sum()), 1, int(known.sum()))
    varies = _fit_dispersion(counts[known], (factor * means)[known], size, 0.0)
    weights = 1 / (1 + varies * means[:-1])
    past, base = (weights * counts[:-1]).sum(axis=0), (weights * means[:-1]).sum(axis=0)
    lasting = np.maximum(np.asarray(dispersion, dtype=np.float64) - varies, _ALPHAS[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        out = (past - base) ** 2 / (base + lasting * base**2)
        prior = np.where(np.isfinite(lasting), np.minimum(CUT**2 / out, 1.0) / lasting, 0.0)
        shape = np.where(np.isfinite(lasting), prior, _FLAT) + past
        mean = np.where(known[-1] & known[:-1].any(axis=0), means[-1] * shape / (prior + base), np.nan)
        return Prediction(mean, np.where(np.isfinite(mean), 1 / shape + varies * (1 + 1 / shape), np.nan))
