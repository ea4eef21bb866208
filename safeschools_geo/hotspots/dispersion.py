"""What is ordinary: the rate of each level of school and how much schools differ, neither bent by outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize, special, stats

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CUT = 2.0
"""Standard deviations beyond which a school counts no further towards what is ordinary."""

FEWEST = 8
"""Fewest schools from which a dispersion is estimated."""

_ALPHAS = np.concatenate([[0.0], np.geomspace(0.002, 4.0, 45)])
_ROUNDS = 20
_EXACT = 1e-10


@dataclass(frozen=True)
class OrdinaryRates:
    """What is ordinary for each school.

    Parameters
    ----------
    expected
        Cases expected at each school at the ordinary rate of its group, shape (n,).
    alphas
        Dispersions considered, from 0 (Poisson), shape (k,).
    weights
        How far the data support each of them; they add up to 1, shape (k,).
    """

    expected: Floats
    alphas: Floats
    weights: Floats

    @property
    def dispersion(self) -> float:
        """The median dispersion: variance of the factor by which schools of one group differ."""
        return float(self.alphas[np.searchsorted(np.cumsum(self.weights), 0.5)])

    def of(self, rows: NDArray[np.bool_]) -> OrdinaryRates:
        """Keep some of the schools.

        Parameters
        ----------
        rows
            Which to keep, shape (n,).

        Returns
        -------
        OrdinaryRates
            The same fit for them.
        """
        return OrdinaryRates(self.expected[rows], self.alphas, self.weights)

    def p_values(self, counts: ArrayLike) -> Floats:
        """Compute the chance of more cases than these at each school, were it ordinary, plus half that of just these.

        Parameters
        ----------
        counts
            Cases, shape (n,).

        Returns
        -------
        numpy.ndarray
            One-sided mid-p-values (H. Lancaster, Journal of the American Statistical Association 56, 1961: whole
            numbers make the full tail too cautious), shape (n,).
        """
        cases = np.asarray(counts, dtype=np.float64)
        return (self.chance_of(cases) + self.chance_of(cases + 1)) / 2

    def chance_of(self, counts: ArrayLike, *, times: float = 1.0) -> Floats:
        """Compute the chance of so many cases or more at each school.

        Parameters
        ----------
        counts
            Cases, shape (n,).
        times
            How many times the ordinary number is expected.

        Returns
        -------
        numpy.ndarray
            Chances, negative-binomial, averaged over the dispersions by their weights, shape (n,).
        """
        below, means = np.asarray(counts, dtype=np.float64)[:, None] - 1, times * self.expected[:, None]
        used = self.weights > 0
        return np.asarray(np.clip(_upper_tail(below, means, self.alphas[used]) @ self.weights[used], 0.0, 1.0))

    def sample_dispersions(self, size: int, *, seed: int) -> Floats:
        """Draw dispersions by their weights, for simulations that carry the uncertainty of the dispersion.

        Parameters
        ----------
        size
            How many.
        seed
            Seed.

        Returns
        -------
        numpy.ndarray
            Dispersions, shape (size,).
        """
        return np.asarray(np.random.default_rng([seed, 2]).choice(self.alphas, size=size, p=self.weights))


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

    Parameters
    ----------
    counts
        Cases at each school, shape (n,).
    exposure
        Student-days of each school, above 0, shape (n,).
    groups
        Group of each school, such as its level, shape (n,).
    periods
        Period of each row, such as its term, where the rows hold the same schools in several, shape (n,). Every group
        then has a rate for each period, and all periods together say how much schools differ: what is special to one
        period bends that little.

    Returns
    -------
    OrdinaryRates
        The fit. Counts are taken as negative-binomial, variance ``mean + alpha * mean ** 2``. Rates and dispersion
        solve estimating equations in which standardised residuals are cut at `CUT` and compared with what the cut
        residuals would be in expectation (W. Aeberhard, E. Cantoni and S. Heritier, "Robust inference in the negative
        binomial regression model with an application to falls data", Biometrics 70, 2014). How far the data support
        each dispersion is read from the standardised equation itself (a confidence distribution, in which periods count
        as repeats of one another, which errs on the side of doubt); with fewer than `FEWEST` schools it cannot be told,
        and the dispersions have equal weights up to 1.

    Raises
    ------
    InputError
        When counts or exposure cannot be used.
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
    weights = (_ALPHAS <= 1).astype(np.float64)
    return np.asarray(weights / weights.sum())


def _dispersion_score(cases: Floats, expected: Floats, size: _Size, alpha: float) -> float:
    """Standardise how much larger the cut residuals are than they would be with this dispersion."""
    means = np.maximum(expected, _EXACT)
    squares = np.clip((cases - means) / np.sqrt(means + alpha * means**2), -CUT, CUT) ** 2
    _, second, _, fourth = _expected_cut(means, alpha)
    # Fitted rates follow the data: so many of the residuals are not free.
    free = max(1 - size.rates / size.rows, 0.1)
    variance = float((fourth - second**2).sum()) * free * size.periods
    return (float(squares.sum()) - free * float(second.sum())) / float(np.sqrt(max(variance, _EXACT)))


def _expected_cut(means: Floats, alpha: float) -> Floats:
    """Sum exactly what cut residuals are in expectation: mean, square, slope and fourth power, shape (4, n)."""
    spread = np.sqrt(means + alpha * means**2)
    # Beyond the cut of the largest mean every residual is cut: that tail is what is left of each sum.
    values = np.arange(np.ceil((means + CUT * spread).max()) + 1)
    chance = _probability(values, means[:, None], alpha)
    residuals = (values - means[:, None]) / spread[:, None]
    cut = np.clip(residuals, -CUT, CUT)
    tail = np.clip(1 - chance.sum(axis=1), 0.0, 1.0)
    mean = (chance * cut).sum(axis=1) + CUT * tail
    second = (chance * cut**2).sum(axis=1) + CUT**2 * tail
    fourth = (chance * cut**4).sum(axis=1) + CUT**4 * tail
    # The slope of the expected score is the covariance of cut and full residual; the latter has mean 0.
    slope = (chance * residuals * (cut - CUT)).sum(axis=1)
    return np.array([mean, second, slope, fourth])


def _probability(values: Floats, means: Floats, alpha: float) -> Floats:
    if alpha == 0:
        return np.asarray(np.exp(special.xlogy(values, means) - means - special.gammaln(values + 1)))
    size = 1 / alpha
    return np.asarray(
        np.exp(
            special.gammaln(values + size)
            - special.gammaln(size)
            - special.gammaln(values + 1)
            - size * np.log1p(alpha * means)
            + special.xlogy(values, alpha * means / (1 + alpha * means))
        )
    )


def _upper_tail(below: Floats, means: Floats, alphas: Floats) -> Floats:
    """Compute the chance of more than `below`, shape (n, k)."""
    spread = np.maximum(alphas, _EXACT)
    tails = stats.nbinom.sf(below, 1 / spread, 1 / (1 + spread * means))
    return np.asarray(np.where(alphas == 0, stats.poisson.sf(below, means), tails))


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
