"""How sure we are: exact intervals, q-values, and rates shrunken towards what is ordinary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.hotspots.dispersion import OrdinaryRates

    Floats = NDArray[np.float64]

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

    Parameters
    ----------
    observed
        Cases in the group.
    expected
        Cases expected at each of its units, shape (m,).
    dispersion
        Variance of the units' gamma factors; None for Poisson counts.

    Returns
    -------
    low, high : float
        95 % interval: exact for Poisson counts (F. Garwood, Biometrika 28, 1936); with a dispersion the counts are
        first scaled down to Poisson's variance (quasi-likelihood).
    """
    mean = float(expected.sum())
    inflation = 1 + (dispersion or 0.0) * float((expected**2).sum()) / mean
    count = observed / inflation
    low = stats.chi2.ppf(0.025, 2 * count) / 2 if count > 0 else 0.0
    high = stats.chi2.ppf(0.975, 2 * (count + 1)) / 2
    return float(low * inflation / mean), float(high * inflation / mean)


def shrunken_ratios(counts: ArrayLike, ordinary: OrdinaryRates) -> tuple[Floats, Floats, Floats]:
    """Shrink each school's observed over expected towards 1, the more the less is known of it.

    Parameters
    ----------
    counts
        Cases at each school of the fit, shape (n,).
    ordinary
        The fit.

    Returns
    -------
    low, mean, high : numpy.ndarray
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
        for _ in range(50):
            middle = np.sqrt(low * high)
            is_below = special.gammainc(shape, rate * middle[:, None]) @ weights < share
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return np.asarray(np.sqrt(low * high))

    return quantile(_TAIL), mean, quantile(1 - _TAIL)
