"""The smallest rise that would most likely have been seen: what a term without a hotspot says, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.hotspots.dispersion import OrdinaryRates

    Floats = NDArray[np.float64]

POWER = 0.8
"""Chance with which a rise of the smallest detectable size is seen."""

LARGEST = 20.0
"""Largest rise that is looked at."""

_STEPS = 80


def detectable_ratios(ordinary: OrdinaryRates, *, alpha: float = 0.05, power: float = POWER) -> NDArray[np.float64]:
    """Compute the smallest ratio that could have been detected at each school.

    Parameters
    ----------
    ordinary
        What is ordinary for the schools.
    alpha
        Level of the test; one school alone is held to ``alpha`` over the number of schools, which is where the
        Benjamini–Hochberg procedure begins.
    power
        Chance with which it would have been seen.

    Returns
    -------
    numpy.ndarray
        The smallest factor on the expected cases at which a school would have been called high with chance `power`,
        shape (n,); infinite above `LARGEST`.
    """
    expected = ordinary.expected
    if not len(expected):
        return np.empty(0)
    critical = critical_counts(ordinary, level=alpha / len(expected))
    ratios = np.geomspace(1.0, LARGEST, _STEPS)
    seen = np.array([ordinary.chance_of(critical, times=float(ratio)) for ratio in ratios])
    is_seen = seen >= power
    return np.where(is_seen.any(axis=0), ratios[is_seen.argmax(axis=0)], np.inf)


def critical_counts(ordinary: OrdinaryRates, *, level: float) -> NDArray[np.int64]:
    """Find the smallest count whose one-sided p-value is at most a level.

    Parameters
    ----------
    ordinary
        What is ordinary for the schools.
    level
        The level.

    Returns
    -------
    numpy.ndarray
        Counts, int64, shape (n,).
    """
    low = np.zeros(len(ordinary.expected), dtype=np.int64)
    high = np.full_like(low, 16)
    while (is_short := ordinary.p_values(high) > level).any():
        high = np.where(is_short, 2 * high, high)
    while (high - low > 1).any():
        middle = (low + high) // 2
        is_enough = ordinary.p_values(middle) <= level
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    return high
