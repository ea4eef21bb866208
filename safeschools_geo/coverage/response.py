"""How soon an officer is there: the minutes of the trip, weighted by who is sent how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

P90 = 0.9
"""The quantile of response that is told beside its mean."""

WITHIN_MIN = 5.0
"""Minutes within which a call is to be reached."""

_ROUNDING = 1e-12


def mean_response_min(dispatch_share: ArrayLike, travel_min: ArrayLike) -> float:
    """Give the mean trip to the calls that an officer answers.

    Parameters
    ----------
    dispatch_share
        Share of all calls that come from each place and are answered by each officer, shape (n_places, n_officers);
        rows of some of the places do as well.
    travel_min
        Minutes of that trip, the same shape.

    Returns
    -------
    float
        Minutes; missing where no call is answered. Calls that overflow to patrol are in neither part of the mean: how
        far patrol is away is not known.
    """
    shares, minutes = _pairs(dispatch_share, travel_min)
    total = float(shares.sum())
    return float(shares @ minutes) / total if total > 0 else float("nan")


def response_quantile_min(dispatch_share: ArrayLike, travel_min: ArrayLike, share: float = P90) -> float:
    """Give the minutes within which an officer reaches a share of the calls that officers answer.

    Parameters
    ----------
    dispatch_share, travel_min
        As in `mean_response_min`.
    share
        The share, above 0 and at most 1.

    Returns
    -------
    float
        The shortest trip such that at least that share is no longer; missing where no call is answered.
    """
    return weighted_quantile(*_pairs(dispatch_share, travel_min)[::-1], share)


def within_share(dispatch_share: ArrayLike, travel_min: ArrayLike, minutes: float) -> float:
    """Give the share of all calls that an officer reaches in time.

    Parameters
    ----------
    dispatch_share, travel_min
        As in `mean_response_min`.
    minutes
        Longest trip that is in time.

    Returns
    -------
    float
        Share of all calls; those that overflow to patrol count as not reached.
    """
    shares, trips = _pairs(dispatch_share, travel_min)
    return float(shares[trips <= minutes].sum())


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Find the smallest value that, with those below it, has a share of the weight.

    Parameters
    ----------
    values
        Values, shape (n,).
    weights
        Their weights, not negative, shape (n,).
    share
        The share, above 0 and at most 1.

    Returns
    -------
    float
        One of the values with a weight; missing where there is none.
    """
    order = np.argsort(values, kind="stable")
    return sorted_quantile(values[order], weights[order], share)


def sorted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Find the smallest value that, with those below it, has a share of the weight, where values are in order.

    Parameters
    ----------
    values
        Values that do not fall, shape (n,).
    weights, share
        As in `weighted_quantile`.

    Returns
    -------
    float
        One of the values with a weight; missing where there is none.
    """
    reached = np.cumsum(weights)
    if not len(reached) or not reached[-1] > 0:
        return float("nan")
    # A share that is reached but for rounding is reached; the first to reach it has a weight.
    return float(values[int(np.searchsorted(reached, share * reached[-1] * (1 - _ROUNDING)))])


def _pairs(dispatch_share: ArrayLike, travel_min: ArrayLike) -> tuple[Floats, Floats]:
    shares = np.asarray(dispatch_share, dtype=np.float64).ravel()
    return shares, np.asarray(travel_min, dtype=np.float64).ravel()
