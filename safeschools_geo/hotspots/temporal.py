"""When incidents happen, in hours of the week: ranges of time are spread over the hours they span."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots.clock import MISSING, Clock, Moments, as_zone, rows_at

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Zone = str | dt.tzinfo

_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_WEEK_HOURS = 168
_WEEK = _WEEK_HOURS * _HOUR
# 1970 began on a Thursday.
_TO_MONDAY = 3 * _DAY


def aoristic(start: ArrayLike, end: ArrayLike, *, tz: Zone, weights: ArrayLike | None = None) -> Floats:
    """Spread each incident over the hours of the week in which it may have happened.

    Parameters
    ----------
    start, end
        Earliest and latest moment of each incident, shape (n,): datetimes with a time zone (any), or without one, which
        are taken as local; of a local hour that comes twice the first is taken, and a local time that is skipped is
        moved to the end of the gap. A missing or equal end means the moment of the start; so does an end before the
        start, which is not believed. Where the start is missing the incident is put at its end.
    tz
        Time zone whose clock the hours are told by: an IANA name, or a zone.
    weights
        How much each incident counts, shape (n,), 0 or more; None for 1 each.

    Returns
    -------
    numpy.ndarray
        Weights, float64, shape (7, 24): row 0 is Monday, column 0 the hour from midnight. They add up to the number of
        incidents (or to the sum of `weights`).

    Raises
    ------
    InputError
        When times are no datetimes, differ in number, or both are missing; when the time zone is unknown.

    Notes
    -----
    Each incident's weight is spread evenly over the time that really passed from start to end (J. H. Ratcliffe and
    M. J. McCullagh, "Aoristic crime analysis", International Journal of Geographical Information Science 12, 1998;
    J. H. Ratcliffe, "Aoristic signatures and the spatio-temporal analysis of high volume crime patterns", Journal of
    Quantitative Criminology 18, 2002): when clocks go back, the hour that comes twice gets twice its time, and the hour
    that is skipped when they go forward gets none. Times are taken to the microsecond.
    """
    began, ended = Moments.read(start, "start"), Moments.read(end, "end")
    counts = _checked_weights(weights, len(began.at))
    _require_pairs(start, end, began, ended)
    clock = Clock.over(as_zone(tz), (began, ended))
    first, last = clock.utc(began), clock.utc(ended)
    first = np.where(first == MISSING, last, first)
    # A missing end is the smallest number there is.
    is_range = last > first
    moments, counted = first[~is_range], counts[~is_range]
    at_once = np.bincount(_since_monday(clock.wall(moments)) // _HOUR, counted, _WEEK_HOURS)
    over_time = _spread(first[is_range], last[is_range], counts[is_range], clock)
    return np.asarray(at_once + over_time).reshape(7, 24)


def _spread(first: Ints, last: Ints, counts: Floats, clock: Clock) -> Floats:
    """Spread ranges over the hours of the week, shape (168,), cut where the clock was changed."""
    low = np.searchsorted(clock.changes, first, "right")
    high = np.searchsorted(clock.changes, last, "left")
    pieces = high - low + 1
    row = np.repeat(np.arange(len(first)), pieces)
    period = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces - low, pieces)
    edges = np.concatenate([[MISSING], clock.changes, [np.iinfo(np.int64).max]])
    begins = np.maximum(first[row], edges[period])
    length = np.minimum(last[row], edges[period + 1]) - begins
    return _spread_evenly(begins + clock.offsets[period], length, (counts / (last - first))[row])


def _spread_evenly(begins: Ints, length: Ints, density: Floats) -> Floats:
    """Spread weight of a density per microsecond over the hours of a clock that is not changed, shape (168,).

    Only what is positive is ever added, so hours that nothing touches hold exactly 0.
    """
    weeks, rest = np.divmod(length, _WEEK)
    since = _since_monday(begins)
    hour, into = np.divmod(since, _HOUR)
    last, out = np.divmod(since + rest, _HOUR)
    is_one = hour == last
    total = np.full(_WEEK_HOURS, float((weeks * density).sum() * _HOUR))
    total += np.bincount(hour, np.where(is_one, rest, _HOUR - into) * density, _WEEK_HOURS)
    total += np.bincount(last % _WEEK_HOURS, np.where(is_one, 0, out) * density, _WEEK_HOURS)
    whole = np.maximum(last - hour - 1, 0)
    arcs = np.bincount((hour + 1) % _WEEK_HOURS * _WEEK_HOURS + whole, density * _HOUR, _WEEK_HOURS**2)
    return total + _over_arcs(np.asarray(arcs, np.float64).reshape(_WEEK_HOURS, _WEEK_HOURS))


def _over_arcs(arcs: Floats) -> Floats:
    """Add up arcs of whole hours: `arcs` by first hour and number of hours, shape (168, 168); result (168,)."""
    hours = np.arange(_WEEK_HOURS)
    longer = arcs[:, ::-1].cumsum(axis=1)[:, ::-1]
    # An hour is in every arc that began `back` hours ago and is longer than that.
    back = hours[:-1]
    return np.asarray(longer[(hours[:, None] - back) % _WEEK_HOURS, back + 1].sum(axis=1))


def _since_monday(wall: Ints) -> Ints:
    return (wall + _TO_MONDAY) % _WEEK


def _require_pairs(start: ArrayLike, end: ArrayLike, began: Moments, ended: Moments) -> None:
    is_other = isinstance(start, pd.Series) and isinstance(end, pd.Series) and not start.index.equals(end.index)
    if len(began.at) != len(ended.at) or is_other:
        raise InputError(
            "Starts and ends do not belong to the same incidents.",
            found=f"{len(began.at):,} starts and {len(ended.at):,} ends" + (", on other indexes" if is_other else ""),
            expected="one start and one end for each incident, in one order",
        )
    unknown = np.flatnonzero((began.at == MISSING) & (ended.at == MISSING))
    if len(unknown):
        raise InputError(
            "Incidents have neither a start nor an end.",
            ids=rows_at(start, unknown),
            remedy="Leave them out, and say how many there are.",
        )


def _checked_weights(weights: ArrayLike | None, n: int) -> Floats:
    counts = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != (n,):
        raise InputError("There is one weight for each incident.", found=f"shape {counts.shape}", expected=f"({n},)")
    wrong = np.flatnonzero(~(np.isfinite(counts) & (counts >= 0)))
    if len(wrong):
        raise InputError("Weights are numbers of 0 or more.", ids=wrong, found=counts[wrong[0]])
    return counts
