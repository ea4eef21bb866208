"""Moments in the district's time zone, with a reason for each that cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.io.written_times import NEVER, read_written, since_midnight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.io.written_times import WrittenTimes
    from safeschools_geo.settings import TimeMeaning, TimeOfDay

    Moments = NDArray[np.datetime64]
    Flags = NDArray[np.bool_]

_EPOCH = np.datetime64("1970-01-01", "us")
_SENTINEL_DAYS = np.array(
    ["0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "9999-12-31"], dtype="datetime64[D]"
)
_NEARLY_ALL, _FEWEST = 0.9, 20
_EARLIEST, _LATEST = np.datetime64("1900-01-02", "us"), np.datetime64("2200-01-01", "us")


@dataclass(frozen=True)
class OneClock:
    """A time of day that nearly all values of a column share.

    Parameters
    ----------
    clock
        The time of day, such as ``16:00:00`` or ``00:00 UTC``.
    count, of
        How many values have it, of how many that have a time of day.
    """

    clock: str
    count: int
    of: int


@dataclass(frozen=True, eq=False)
class ParsedTimes:
    """Moments as they were read; every Series is on the index of the values given.

    Parameters
    ----------
    at
        ``datetime64[us, time zone]``; missing where there is a fault.
    has_time
        Bool; False where only the date is known, and where there is a fault.
    fault
        Missing where the moment was read, else ``missing_time``, ``unreadable_time`` or ``sentinel_time`` (a
        placeholder such as 1900-01-01).
    notes
        ``dst_repeat_first`` or ``dst_gap_shifted`` where clocks were changed at that hour, else missing.
    order
        Of dates such as 3/4/2025 the order of day and month that the calendar allows: ``D`` only the day first, ``M``
        only the month first, ``?`` either, ``=`` either and it makes no difference; missing for other values.
    dates_at
        The time of day of values that are dates all the same: midnight, which all have, or any if `time_of_day` says
        so; None if there are no such values.
    one_clock
        The time of day that nearly all have, where nothing says that it is none; None if there is no such.
    """

    at: pd.Series
    has_time: pd.Series
    fault: pd.Series
    notes: pd.Series
    order: pd.Series
    dates_at: OneClock | None = None
    one_clock: OneClock | None = None


def parse_times(
    values: pd.Series,
    *,
    time_zone: str,
    times: TimeMeaning = "local",
    day_first: bool = False,
    midnight_is_unknown: bool = False,
    time_of_day: TimeOfDay | None = None,
) -> ParsedTimes:
    """Read moments of an export.

    Read are ISO 8601 with or without an offset; ``3/14/25``, ``3/14/2025 1:45 PM``, ``03-14-2025 13:45:00`` and the
    like; ``14-Mar-2025``, ``March 14, 2025``; ``20250314`` and ``20250314134500``; Excel serials (1900 system);
    seconds, milliseconds, microseconds and nanoseconds since 1970; typed dates and moments. A column may mix them.

    Parameters
    ----------
    values
        Text, numbers, moments, dates, or a mixture.
    time_zone
        IANA time zone of the district.
    times
        Whether moments without an offset are ``local`` or ``utc``. ``local_tagged_utc`` takes the clock as local
        whatever the offset says. A date without a time is that day in the district, in every case.
    day_first
        Whether 3/4/2025 is the third of April. Dates that exist only the other way round are unreadable.
    midnight_is_unknown
        Whether exactly 00:00:00, as written, means that the time of day is not known.
    time_of_day
        Whether the times of day are ``known``, or ``unknown`` because the column holds only dates; if left out, that
        is decided from the values.

    Returns
    -------
    ParsedTimes
        Moments in `time_zone`; dates without a time are at local midnight.

    Notes
    -----
    Two-digit years from 69 on are of the twentieth century, others of the twenty-first (POSIX); 1/1/00 at
    midnight is the placeholder 1900-01-01. Where all values that have a clock are at midnight, as written (00:00 UTC in
    counts since 1970) or in the district's own time, they are dates: the day that they name there. A midnight among
    other times of day stays a moment. Excel serials that are all whole are dates. A column that is said to hold only
    dates takes the day from the clock that is at midnight in nearly all of its rows: as written, local or UTC, in this
    order; else the local day. Of an hour that comes twice when clocks go
    back the first is taken; a time in the hour that is skipped when clocks go forward is moved to the end of that hour.
    Moments before 1900 or after 2199 are unreadable.
    """
    written = read_written(values, day_first=day_first)
    fault = _faults(written)
    wall = np.where(fault == "", written.wall, NEVER)
    has_time = written.has_time & (fault == "")
    if midnight_is_unknown:
        has_time &= since_midnight(wall) != 0
    absolute = _absolute(written, has_time, times)
    at, notes = _localised(wall, absolute, has_time, time_zone)
    clocks = _Clocks(wall, at, has_time)
    place = clocks.of_dates(time_of_day)
    if place is not None:
        days = clocks.walls[place].astype("datetime64[D]").astype("datetime64[us]")
        wall, has_time = np.where(has_time, days, wall), np.zeros(len(wall), dtype="bool")
        at, notes = _localised(wall, np.full(len(wall), NEVER), has_time, time_zone)
    return ParsedTimes(
        at=pd.Series(at, index=values.index, name=values.name),
        has_time=pd.Series(has_time, index=values.index),
        fault=_codes(fault, values.index),
        notes=_codes(notes, values.index),
        order=_codes(written.order, values.index),
        dates_at=None if place is None else clocks.left_out(place, is_utc=bool((~np.isnat(absolute)).any())),
        one_clock=clocks.shared() if place is None and time_of_day is None else None,
    )


class _Clocks:
    """The times of day of a column on three clocks: as written, in the district, and in UTC."""

    def __init__(self, wall: Moments, at: pd.DatetimeIndex, has_time: Flags) -> None:
        local = at.tz_localize(None).to_numpy(dtype="datetime64[us]")
        utc = at.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[us]")
        self.walls = {"written": wall, "local": local, "utc": utc}
        self.has_time = has_time

    def of_dates(self, time_of_day: TimeOfDay | None) -> str | None:
        """Tell on which clock the values are dates; None if they are moments, or dates already."""
        if time_of_day == "known" or not self.has_time.any():
            return None
        at_midnight = {place: np.mean(self._clock(place) == 0) for place in self.walls}
        if time_of_day is None:
            return next((place for place in ("written", "local") if at_midnight[place] == 1), None)
        return next((place for place, share in at_midnight.items() if share >= _NEARLY_ALL), "local")

    def left_out(self, place: str, *, is_utc: bool) -> OneClock:
        """Say which times of day were left out."""
        zone = " UTC" if place == "utc" or (place == "written" and is_utc) else ""
        clock = "different times" if self._clock(place).any() else f"00:00{zone}"
        return OneClock(clock, len(self._clock(place)), len(self._clock(place)))

    def shared(self) -> OneClock | None:
        """Find the time of day that nearly all values have on one of the clocks."""
        total = int(self.has_time.sum())
        for place in ("local", "written", "utc") if total >= _FEWEST else ():
            clocks, counts = np.unique(self._clock(place), return_counts=True)
            if counts.max() >= _NEARLY_ALL * total:
                clock = (_EPOCH + clocks[counts.argmax()].astype("timedelta64[us]")).astype("datetime64[s]").item()
                return OneClock(f"{clock:%H:%M:%S}" + (" UTC" if place == "utc" else ""), int(counts.max()), total)
        return None

    def _clock(self, place: str) -> NDArray[np.int64]:
        return since_midnight(self.walls[place][self.has_time])


def _faults(written: WrittenTimes) -> NDArray[np.str_]:
    # 1969-12-31 16:00 in California is the same nothing as 1970-01-01 00:00 UTC.
    is_sentinel = np.isin(written.wall.astype("datetime64[D]"), _SENTINEL_DAYS)
    is_sentinel |= (written.wall == _EPOCH) | (written.utc == _EPOCH)
    is_readable = (written.wall >= _EARLIEST) & (written.wall < _LATEST)
    return np.select(
        [~written.is_given, is_sentinel, ~is_readable], ["missing_time", "sentinel_time", "unreadable_time"], ""
    )


def _absolute(written: WrittenTimes, has_time: Flags, times: TimeMeaning) -> Moments:
    """Return the moments that do not depend on the local clock, in UTC; NaT for the others."""
    if times == "local_tagged_utc":
        return np.full(len(has_time), NEVER)
    utc = np.where(np.isnat(written.utc), written.wall, written.utc) if times == "utc" else written.utc
    # A date is a day, not a moment: shifted by an offset it would become another day.
    return np.where(has_time, utc, NEVER)


def _localised(
    wall: Moments, utc: Moments, has_time: Flags, time_zone: str
) -> tuple[pd.DatetimeIndex, NDArray[np.str_]]:
    naive = pd.DatetimeIndex(wall)
    first = np.ones(len(wall), dtype="bool")
    local = naive.tz_localize(time_zone, ambiguous=first, nonexistent="shift_forward")
    strict = naive.tz_localize(time_zone, ambiguous="NaT", nonexistent="NaT")
    is_doubtful = np.asarray(strict.isna()) & np.asarray(naive.notna()) & has_time & np.isnat(utc)
    is_moved = np.asarray(local.tz_localize(None) != naive)
    notes = np.select([is_doubtful & is_moved, is_doubtful], ["dst_gap_shifted", "dst_repeat_first"], "")
    absolute = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(time_zone)
    return local.where(np.isnat(utc), absolute), notes


def _codes(codes: NDArray[np.str_], index: pd.Index) -> pd.Series:
    texts = pd.Series(codes, index=index, dtype="str")
    return texts.where(texts != "")
