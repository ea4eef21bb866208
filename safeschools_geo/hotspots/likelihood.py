"""The likelihood ratio of a window, and how rare a maximum of it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

EULER = 0.57721566490153286


class LikelihoodRatio:
    """Kulldorff's log likelihood ratio of "more inside than outside", quick for very many windows.

    With `c` of `C` cases inside a window in which a share `s` of them is expected it is
    ``c log(c / (C s)) + (C - c) log((C - c) / (C - C s))`` where ``c > C s``, else 0. The part that depends on whole
    numbers only is looked up (M. Kulldorff, "A spatial scan statistic", Communications in Statistics 26, 1997).

    Parameters
    ----------
    totals
        Number of cases in all: one, or one for each simulation, shape (simulations,).
    """

    def __init__(self, totals: int | Ints) -> None:
        cases = np.arange(int(np.max(totals)) + 1, dtype=np.float64)
        self._x_log_x = cases * np.log(np.maximum(cases, 1.0))
        self._totals = np.asarray(totals, dtype=np.int32)
        # With one total for all, both looked-up parts are one.
        self._both = self._x_log_x + self._x_log_x[::-1] if self._totals.ndim == 0 else None

    def __call__(self, cases: NDArray[np.int32], share: Floats) -> Floats:
        """Compute the ratio.

        Parameters
        ----------
        cases
            Cases inside each window, int32, shape (windows, ...); the last axis holds the simulations.
        share
            Share of the cases that is expected inside, shape (windows,).

        Returns
        -------
        numpy.ndarray
            Log likelihood ratios, the shape of `cases`.
        """
        along = (slice(None), *([None] * (cases.ndim - 1)))
        share = np.minimum(share, 1 - 1e-15)[along]
        inside, outside = np.log(share), np.log1p(-share)
        ratio = self._looked_up(cases)
        ratio -= cases * (inside - outside)
        ratio -= self._totals * outside + self._x_log_x[self._totals]
        # A ratio is of interest only above expectation; comparing whole numbers is quicker than comparing fractions.
        ratio[cases <= np.floor(self._totals * share).astype(np.int32)] = 0.0
        return ratio

    def _looked_up(self, cases: NDArray[np.int32]) -> Floats:
        if self._both is not None:
            return np.asarray(self._both.take(cases))
        found = self._x_log_x.take(cases)
        found += self._x_log_x.take(self._totals - cases)
        return np.asarray(found)


def critical_ratio(maxima: Floats, *, alpha: float = 0.05) -> float:
    """Find the likelihood ratio from which a window has a small p-value.

    Parameters
    ----------
    maxima
        The largest value of each simulation, shape (simulations,).
    alpha
        The p-value.

    Returns
    -------
    float
        The ``1 - alpha`` quantile of the maxima.
    """
    return float(np.quantile(maxima, 1 - alpha, method="higher"))


def smallest_ratio(share: float, total: float, critical: float) -> float:
    """Find the smallest observed over expected of a window whose likelihood ratio is the critical one.

    Parameters
    ----------
    share
        Share of the cases that is expected in the window.
    total
        Number of cases.
    critical
        Likelihood ratio from which the window counts as high.

    Returns
    -------
    float
        The ratio; infinite where not even all cases in the window would do.
    """

    def beyond(inside: float) -> float:
        outside = special.xlogy(1 - inside, (1 - inside) / (1 - share))
        return float(total * (inside * np.log(inside / share) + outside) - critical)

    if beyond(1.0) <= 0:
        return float("inf")
    return float(optimize.brentq(beyond, share, 1.0) / share)


def rank_p_value(value: float, maxima: Floats) -> float:
    """Rank a value among simulated maxima.

    Parameters
    ----------
    value
        The value.
    maxima
        The largest value of each simulation, shape (simulations,).

    Returns
    -------
    float
        One-sided p-value ``(1 + number at least as large) / (simulations + 1)`` (Dwass 1957). A hair's breadth is
        granted: equal windows summed in another order are equal.
    """
    return float((1 + (maxima >= value - 1e-9).sum()) / (len(maxima) + 1))


def gumbel_p_value(value: float, maxima: Floats) -> float:
    """Judge a value by the extreme-value distribution fitted to simulated maxima.

    Parameters
    ----------
    value
        The value.
    maxima
        The largest value of each simulation, shape (simulations,).

    Returns
    -------
    float
        One-sided p-value, not limited by the number of simulations: Gumbel's distribution by moments (A. Abrams,
        K. Kleinman and M. Kulldorff, "Gumbel based p-value approximations for spatial scan statistics", International
        Journal of Health Geographics 9, 2010). 1 where the maxima do not vary.
    """
    scale = float(np.std(maxima, ddof=1)) * np.sqrt(6) / np.pi if len(maxima) > 1 else 0.0
    if scale == 0:
        return 1.0
    location = float(np.mean(maxima)) - EULER * scale
    return float(-np.expm1(-np.exp(-(value - location) / scale)))
