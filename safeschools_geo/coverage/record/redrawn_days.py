"""Days that chance could have brought: the school days of the record, drawn again with replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

TAILS = (0.025, 0.975)
"""Quantiles at which every interval ends."""


def day_weights(days: int, *, draws: int, seed: int) -> Floats:
    """Draw how often each day comes in a time of as many days.

    Parameters
    ----------
    days
        How many days there are.
    draws
        How many times to draw.
    seed
        Seed; the same seed gives the same numbers.

    Returns
    -------
    numpy.ndarray
        Whole numbers, float64, shape (draws, days); every row adds up to `days`.

    Raises
    ------
    SettingsError
        When `draws` or `days` is below 1.

    Notes
    -----
    Whole days are drawn, those without a call too, so that what comes on one day stays together. It tells of chance
    among days like these, not of what changes from term to term.

    References
    ----------
    Efron, B., and Tibshirani, R. J. (1993). An Introduction to the Bootstrap, Chapman and Hall, chapter 8.
    """
    for name, value in (("draws", draws), ("days", days)):
        if value < 1:
            raise SettingsError("A bootstrap needs a day and a draw.", where=name, found=value, expected="1 or more")
    drawn = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), size=draws)
    return drawn.astype(np.float64)


def interval(drawn: ArrayLike) -> tuple[float, float]:
    """Give the interval in which nineteen of twenty draws lie.

    Parameters
    ----------
    drawn
        What each draw came to; missing where it came to nothing, shape (draws,).

    Returns
    -------
    low, high : float
        95 % interval; missing where all draws are.
    """
    values = np.asarray(drawn, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, TAILS)
    return float(low), float(high)
