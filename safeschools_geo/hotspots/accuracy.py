"""How good a forecast of places was: hit rate, and the indices of accuracy, efficiency and recapture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_TAIL = 0.025


def predictive_accuracy_index(captured: float, area: float, *, total: float, total_area: float) -> float:
    """Compute how densely incidents lie where a forecast points, against everywhere.

    Parameters
    ----------
    captured
        Incidents there.
    area
        Area there, in any unit. For schools it is student-days: what a district has to watch.
    total
        Incidents in all.
    total_area
        Area in all.

    Returns
    -------
    float
        Share of the incidents over share of the area (S. Chainey, L. Tompson and S. Uhlig, "The utility of hotspot
        mapping for predicting spatial patterns of crime", Security Journal 21, 2008); 1 is no better than everywhere;
        missing where there is no incident or no area.
    """
    if not (total > 0 and area > 0 and total_area > 0):
        return float("nan")
    return (captured / total) / (area / total_area)


def pai_curve(incidents: ArrayLike, areas: ArrayLike, order: ArrayLike | None = None) -> Floats:
    """Compute the predictive accuracy index of the first place, the first two, and so on.

    Parameters
    ----------
    incidents
        Incidents at each place, shape (n,).
    areas
        Area of each place, or what else has to be watched there, shape (n,).
    order
        Places in the order they are taken, shape (n,), each once; by falling incidents if left out.

    Returns
    -------
    numpy.ndarray
        `predictive_accuracy_index` of each step, shape (n,), float64; missing where there is no incident at all.

    Raises
    ------
    InputError
        When the shapes differ, a number is negative or missing, an area is 0, or a place is not taken exactly once.
    """
    counts, sizes = np.asarray(incidents, dtype=np.float64), np.asarray(areas, dtype=np.float64)
    if counts.shape != sizes.shape or counts.ndim != 1:
        raise InputError("Incidents and areas do not fit each other.", found=f"{counts.shape} and {sizes.shape}")
    if not (np.isfinite(counts).all() and np.isfinite(sizes).all() and (counts >= 0).all() and (sizes > 0).all()):
        raise InputError("Incidents must be 0 or more and areas above 0, and none missing.")
    taken = np.argsort(-counts, kind="stable") if order is None else np.asarray(order)
    if not np.array_equal(np.sort(taken), np.arange(len(counts))):
        raise InputError("Not every place is taken once.", where="order", expected=f"0 to {len(counts) - 1}, each once")
    total = counts.sum() if counts.any() else np.nan
    return np.asarray(np.cumsum(counts[taken]) / total / (np.cumsum(sizes[taken]) / sizes.sum()), dtype=np.float64)


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


def hit_rate(captured: float, total: float) -> tuple[float, float, float]:
    """Compute the share of the incidents captured, and how sure it is.

    Parameters
    ----------
    captured, total
        Incidents captured, and in all. A school taken in part counts in part.

    Returns
    -------
    rate, low, high : float
        The share, and its exact two-sided 95 % interval (C. Clopper and E. Pearson, Biometrika 26, 1934), by the beta
        distribution, which also serves parts of an incident; missing where there is no incident.

    Raises
    ------
    InputError
        When more is captured than there is, or less than nothing.
    """
    if not 0 <= captured <= total:
        raise InputError("No such number can be captured.", found=captured, expected=f"0 to {total}")
    if not total:
        return float("nan"), float("nan"), float("nan")
    missed = total - captured
    low = float(special.betaincinv(captured, missed + 1, _TAIL)) if captured else 0.0
    high = float(special.betaincinv(captured + 1, missed, 1 - _TAIL)) if missed else 1.0
    return captured / total, low, high
