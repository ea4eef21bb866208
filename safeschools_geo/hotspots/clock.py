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

MISSING = np.iinfo(np.int64).min
"""A moment that is not known."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_YEARS = (1700, 2300)
_EARLIEST, _LATEST = (int(np.datetime64(str(year), "us").astype(np.int64)) for year in _YEARS)


@dataclass(frozen=True, eq=False)
class Moments:
    """Microseconds since 1970.

    Parameters
    ----------
    at
        Moments, int64, shape (n,); `MISSING` where missing.
    is_local
        Whether they are by the local clock, else in UTC.
    """

    at: Ints
    is_local: bool

    @classmethod
    def read(cls, values: ArrayLike, name: str) -> Moments:
        """Read datetimes.

        Parameters
        ----------
        values
            Datetimes, all with a time zone or all without.
        name
            What they are, for messages.

        Returns
        -------
        Moments
            The same moments.

        Raises
        ------
        InputError
            When they are no datetimes, or in no year that can be meant.
        """
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
    """A clock that is changed now and then.

    Parameters
    ----------
    changes
        When it was changed, UTC, shape (m,).
    offsets
        Its lead over UTC before, between and after, shape (m + 1,).
    """

    changes: Ints
    offsets: Ints

    @classmethod
    def over(cls, zone: dt.tzinfo, moments: Iterable[Moments]) -> Clock:
        """Find the changes within the span of moments: the clock is read once a day, and a change is then closed in.

        Parameters
        ----------
        zone
            The time zone.
        moments
            What it has to cover.

        Returns
        -------
        Clock
            The clock.
        """

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
        """Give the local time.

        Parameters
        ----------
        instants
            Moments in UTC, none missing.

        Returns
        -------
        numpy.ndarray
            What the clock shows then.
        """
        return instants + self.offsets[np.searchsorted(self.changes, instants, "right")]

    def utc(self, moments: Moments) -> Ints:
        """Give moments in UTC: the first of two, and the end of the gap for those that are skipped.

        Parameters
        ----------
        moments
            Local moments, or moments in UTC, which stay.

        Returns
        -------
        numpy.ndarray
            Moments in UTC; `MISSING` where missing.
        """
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
    """Find a time zone.

    Parameters
    ----------
    tz
        Its IANA name, or the zone itself.

    Returns
    -------
    datetime.tzinfo
        The zone.

    Raises
    ------
    InputError
        When it is not known.
    """
    if isinstance(tz, dt.tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise InputError(
            "This time zone is not known.", where="tz", found=tz, expected="an IANA name such as America/Los_Angeles"
        ) from error


def rows_at(values: ArrayLike, positions: Ints) -> list[object]:
    """Name rows by their position.

    Parameters
    ----------
    values
        A Series, whose labels are used, or anything else.
    positions
        Positions, shape (n,).

    Returns
    -------
    list
        Labels, or the positions themselves.
    """
    return list(values.index[positions]) if isinstance(values, pd.Series) else positions.tolist()
