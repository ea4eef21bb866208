"""Moments and clocks: microseconds since 1970, by the local clock or in UTC, and when a clock was changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Zone = str | dt.tzinfo


# ── Moments and clocks: microseconds since 1970, by the local clock or in UTC, and when a clock was changed

MISSING = np.iinfo(np.int64).min
"""A moment that is not known."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_YEARS = (1700, 2300)
_EARLIEST, _LATEST = (int(np.datetime64(str(year), "us").astype(np.int64)) for year in _YEARS)


@dataclass(frozen=True, eq=False)
class Moments:
    """Microseconds since 1970."""

    at: Ints  # Moments, int64, shape (n,); `MISSING` where missing
    is_local: bool  # Whether they are by the local clock, else in UTC

    @classmethod
    def read(cls, values: ArrayLike, name: str) -> Moments:
        """Read datetimes."""
        index = _as_index(values, name)
        at = np.asarray(index.asi8, dtype=np.int64)
        strange = np.flatnonzero(((at < _EARLIEST) | (at >= _LATEST)) & (at != MISSING))
        if len(strange):
            raise InputError(
                "These times are in no year that can be meant.",
                where=name,
                ids=rows_at(values, strange),
                found=index[strange[0]],
                expected=f"years from {_YEARS[0]} to before {_YEARS[1]}",
            )
        return cls(at, index.tz is None)


@dataclass(frozen=True, eq=False)
class Clock:
    """A clock that is changed now and then."""

    changes: Ints  # When it was changed, UTC, shape (m,)
    offsets: Ints  # Its lead over UTC before, between and after, shape (m + 1,)

    @classmethod
    def over(cls, zone: dt.tzinfo, moments: Iterable[Moments]) -> Clock:
        """Find the changes within the span of moments: the clock is read once a day, and a change is then closed in."""

        def offset(second: int) -> int:
            ahead = (_EPOCH + dt.timedelta(seconds=second)).astimezone(zone).utcoffset()
            return 0 if ahead is None else ahead // dt.timedelta(microseconds=1)

        known = np.concatenate([m.at[m.at != MISSING] for m in moments])
        if not len(known):
            return cls(np.empty(0, np.int64), np.zeros(1, np.int64))
        # Two days more on either side: local times may be a day off.
        first, last = (int(edge) // _SECOND for edge in (known.min() - 2 * _DAY, known.max() + 2 * _DAY))
        seconds = list(range(first, last + 86_400, 86_400))
        offsets = [offset(second) for second in seconds]
        at = [i for i in range(1, len(seconds)) if offsets[i] != offsets[i - 1]]
        changes = [_first_change(offset, seconds[i - 1], seconds[i]) * _SECOND for i in at]
        return cls(np.array(changes, np.int64), np.array([offsets[0], *(offsets[i] for i in at)], np.int64))

    def wall(self, instants: Ints) -> Ints:
        """Give the local time."""
        return instants + self.offsets[np.searchsorted(self.changes, instants, "right")]

    def utc(self, moments: Moments) -> Ints:
        """Give moments in UTC: the first of two, and the end of the gap for those that are skipped."""
        if not moments.is_local:
            return moments.at
        if not len(self.changes):
            instants = moments.at - self.offsets[0]
        else:
            # What the clock that was about to be changed showed then.
            shown = self.changes + self.offsets[:-1]
            period = np.searchsorted(shown, moments.at, "right")
            earliest = np.concatenate([[MISSING], self.changes])
            instants = np.maximum(moments.at - self.offsets[period], earliest[period])
        return np.where(moments.at == MISSING, MISSING, instants)


def _first_change(offset: Callable[[int], int], before: int, after: int) -> int:
    """Find the first second at which the offset is no longer that of `before`."""
    old = offset(before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset(middle) == old else (before, middle)
    return after


def _as_index(values: ArrayLike, name: str) -> pd.DatetimeIndex:
    try:
        return pd.DatetimeIndex(_datetimes(pd.Series(values))).as_unit("us")
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            "These are no datetimes, or none that belong together.",
            where=name,
            found=error,
            expected="a list of datetimes, all with a time zone or all without",
        ) from error


def _datetimes(series: pd.Series) -> pd.Series:
    present = series.dropna()
    # Text and numbers could be read as times too, but as which is a guess.
    kind = pd.api.types.infer_dtype(present)
    if len(present) and kind not in {"datetime", "datetime64"}:
        raise TypeError(f"{kind}, such as {present.iloc[0]!r}")
    is_mixed = len(present) > 0 and present.dtype == object and all(at.tzinfo is not None for at in present.tolist())
    return pd.to_datetime(series, utc=is_mixed)


def as_zone(tz: str | dt.tzinfo) -> dt.tzinfo:
    """Find a time zone."""
    if isinstance(tz, dt.tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise InputError(
            "This time zone is not known.", where="tz", found=tz, expected="an IANA name such as America/Los_Angeles"
        ) from error


def rows_at(values: ArrayLike, positions: Ints) -> list[object]:
    """Name rows by their position."""
    return list(values.index[positions]) if isinstance(values, pd.Series) else positions.tolist()


# ── When incidents happen, in hours of the week: ranges of time are spread over the hours they span

_HOUR, _TEMPORAL_DAY = 3_600_000_000, 86_400_000_000
_WEEK_HOURS = 168
_WEEK = _WEEK_HOURS * _HOUR
# 1970 began on a Thursday.
_TO_MONDAY = 3 * _TEMPORAL_DAY


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
        Time zone whose clock the hours are given by: an IANA name, or a zone.
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
