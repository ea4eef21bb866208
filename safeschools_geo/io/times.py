"""Moments as exports write them: every usual notation, local or UTC, with a reason for each that cannot be read."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.io.text import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.settings import TimeMeaning

    Moments = NDArray[np.datetime64]

_TAIL = (
    r"(?:[T ,]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?\s*$"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = "(?P<name>[A-Za-z]{3})[a-z]*"
_WEEKDAY = r"(?:[A-Za-z]{3,9},?\s+)?"
_SHAPES = tuple(
    re.compile(r"^\s*" + _WEEKDAY + date + _TAIL)
    for date in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4}|\d{2})",
        r"(?P<d>\d{1,2})[- ]" + _NAME + r"[-. ,]+(?P<y>\d{4}|\d{2})",
        _NAME + r"\.? (?P<d>\d{1,2}),? (?P<y>\d{4}|\d{2})",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    )
)
_NUMBER = re.compile(r"^\s*-?\d+(?:\.\d+)?\s*$")
_COMPACT_DATE = re.compile(r"^\s*(?:19|20)\d{6}\s*$")
_PIVOT = 69
"""Two-digit years from 69 on are of the last century (POSIX)."""

_SENTINEL_DAYS = np.array(["0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "9999-12-31"], dtype="datetime64[D]")
_EPOCH = np.datetime64("1970-01-01T00:00:00", "us")
_EXCEL_EPOCH = np.datetime64("1899-12-30T00:00:00", "us")
_EXCEL, _SECONDS, _MILLISECONDS = (20_000.0, 80_000.0), (1e8, 5e9), (1e11, 5e12)
_YEARS = (np.datetime64("1900-01-02"), np.datetime64("2200-01-01"))
_NOON = 12


@dataclass(frozen=True)
class ParsedTimes:
    """Moments as they were read.

    Parameters
    ----------
    at
        ``datetime64[us, time zone]``, on the index given; missing where there is a fault.
    has_time
        Bool; False where the export gives a date only.
    fault
        Missing where the moment was read, else ``missing_time``, ``unreadable_time`` or ``sentinel_time``.
    notes
        ``dst_repeat_first`` or ``dst_gap_shifted`` where the clock made a moment doubtful, else missing.
    """

    at: pd.Series
    has_time: pd.Series
    fault: pd.Series
    notes: pd.Series


def parse_times(
    values: pd.Series,
    *,
    time_zone: str,
    times: TimeMeaning = "local",
    day_first: bool = False,
    midnight_is_unknown: bool = False,
) -> ParsedTimes:
    """Read moments.

    Parameters
    ----------
    values
        Text, moments, or numbers (Excel serials, seconds or milliseconds since 1970), also mixed. A column of typed
        moments that are all at midnight is a column of dates.
    time_zone
        IANA time zone of the district.
    times
        Whether moments without an offset are ``local`` or ``utc``; ``local_tagged_utc`` takes every moment as local,
        whatever offset it states.
    day_first
        Whether 3/4/2025 is the third of April.
    midnight_is_unknown
        Whether exactly 00:00:00 means that the time of day is not known.

    Returns
    -------
    ParsedTimes
        Moments in the district's time zone. A date without a time is its local midnight, whatever `times` says. Of
        an hour that comes twice the first is taken; a moment in a skipped hour is moved to the hour's end.
    """
    codes, unique = pd.factorize(values, use_na_sentinel=True)
    wall, has_time, offset_min = _read(pd.Series(unique), day_first=day_first)
    is_missing = codes < 0
    # Code -1, a missing value, picks the last of each: what stands for "nothing".
    wall = np.append(wall, np.datetime64("NaT"))[codes]
    timed = np.append(has_time, values=False)[codes]
    offset = np.append(offset_min, np.nan)[codes]
    is_blank = is_missing | (as_text(values).isna().to_numpy())
    is_sentinel = _is_sentinel(wall)
    is_read = ~np.isnat(wall) & ~is_sentinel & (wall >= _YEARS[0]) & (wall < _YEARS[1])
    fault = np.select([is_blank, is_sentinel, ~is_read], ["missing_time", "sentinel_time", "unreadable_time"], "")
    if midnight_is_unknown:
        timed &= (wall.astype("datetime64[us]") - wall.astype("datetime64[D]")).astype("int64") != 0
    at, notes = _localise(np.where(is_read, wall, np.datetime64("NaT")), timed, offset, time_zone, times=times)
    return ParsedTimes(
        at=pd.Series(at, index=values.index),
        has_time=pd.Series(timed & is_read, index=values.index),
        fault=pd.Series(fault, index=values.index, dtype="str").replace("", pd.NA).astype("str"),
        notes=pd.Series(notes, index=values.index, dtype="str").replace("", pd.NA).astype("str"),
    )


def _read(unique: pd.Series, *, day_first: bool) -> tuple[Moments, NDArray[np.bool_], NDArray[np.float64]]:
    """Read distinct values: wall-clock moments, whether they have a time of day, and their offset in minutes."""
    if isinstance(unique.dtype, pd.DatetimeTZDtype):
        wall = unique.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        offset = (wall - unique.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")).astype(
            "int64"
        )
        return wall, np.full(len(wall), _is_timed(wall)), offset / 60e6
    if pd.api.types.is_datetime64_any_dtype(unique.dtype):
        wall = unique.to_numpy(dtype="datetime64[us]")
        return wall, np.full(len(wall), _is_timed(wall)), np.full(len(wall), np.nan)
    is_typed = unique.map(lambda v: isinstance(v, dt.datetime)).to_numpy(dtype=bool)
    text = as_text(unique.astype("object")).fillna("")
    wall, has_time, offset = _from_text(text, day_first=day_first)
    if is_typed.any() and not _is_timed(wall[is_typed]):
        has_time &= ~is_typed
    return wall, has_time, offset


def _is_timed(wall: Moments) -> bool:
    present = wall[~np.isnat(wall)]
    return bool(((present - present.astype("datetime64[D]")).astype("int64") != 0).any()) or not len(present)


def _from_text(text: pd.Series, *, day_first: bool) -> tuple[Moments, NDArray[np.bool_], NDArray[np.float64]]:
    wall = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[us]")
    has_time = np.zeros(len(text), dtype=bool)
    offset = np.full(len(text), np.nan)
    is_number = (text.str.match(_NUMBER) & ~text.str.match(_COMPACT_DATE)).to_numpy(dtype=bool)
    numbers = pd.to_numeric(text[is_number]).to_numpy(dtype="float64")
    wall[is_number], has_time[is_number], offset[is_number] = _from_numbers(numbers)
    left = ~is_number
    for shape in _SHAPES:
        rows = np.flatnonzero(left)
        if not len(rows):
            break
        parts = text.iloc[rows].str.extract(shape)
        is_match = parts["y"].notna().to_numpy(dtype=bool)
        rows, parts = rows[is_match], parts[is_match]
        if not len(rows):
            continue
        wall[rows] = _compose(parts, day_first=day_first)
        has_time[rows] = parts["H"].notna().to_numpy(dtype=bool)
        offset[rows] = _offset_min(parts["offset"])
        left[rows] = False
    return wall, has_time, offset


def _from_numbers(numbers: NDArray[np.float64]) -> tuple[Moments, NDArray[np.bool_], NDArray[np.float64]]:
    """Read Excel serials, which are wall-clock time, and seconds or milliseconds since 1970, which are UTC."""
    wall = np.full(len(numbers), np.datetime64("NaT"), dtype="datetime64[us]")
    has_time = np.ones(len(numbers), dtype=bool)
    offset = np.full(len(numbers), np.nan)
    is_excel = (numbers >= _EXCEL[0]) & (numbers < _EXCEL[1])
    # A serial keeps a second to about 1e-6 of a day: half a millisecond of rounding makes 10:30:00 exact.
    milliseconds = np.round(numbers[is_excel] * 86_400_000).astype("int64")
    wall[is_excel] = _EXCEL_EPOCH + (np.round(milliseconds / 10) * 10_000).astype("int64").astype("timedelta64[us]")
    has_time[is_excel] = numbers[is_excel] % 1 != 0
    for (low, high), unit_us in ((_SECONDS, 1e6), (_MILLISECONDS, 1e3)):
        inside = (numbers >= low) & (numbers < high)
        wall[inside] = _EPOCH + np.round(numbers[inside] * unit_us).astype("int64").astype("timedelta64[us]")
        offset[inside] = 0.0
    return wall, has_time, offset


def _compose(parts: pd.DataFrame, *, day_first: bool) -> Moments:
    year = _numbers(parts["y"])
    two_digit = (parts["y"].str.len() == 2).to_numpy(dtype=bool)  # noqa: PLR2004 - two digits
    century = np.where(year >= _PIVOT, 1900, 2000)
    year = np.where(two_digit, year + century, year)
    if "a" in parts:
        month, day = (_numbers(parts[name]) for name in (("b", "a") if day_first else ("a", "b")))
    else:
        day = _numbers(parts["d"])
        month = _numbers(parts["m"]) if "m" in parts else _month_numbers(parts["name"])
    seconds, is_time = _seconds(parts)
    # 1/1/00 at midnight is how an export in two digits writes the placeholder 1900-01-01.
    is_first = (year == 2000) & (month == 1) & (day == 1) & (seconds == 0)  # noqa: PLR2004 - the year 00
    year = np.where(two_digit & is_first, 1900, year)
    first = (year.astype("int64") - 1970).astype("datetime64[Y]").astype("datetime64[M]")
    months = first + (np.clip(month, 1, 12) - 1).astype("timedelta64[M]")
    last_day = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(
        "int64"
    )
    is_date = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last_day)  # noqa: PLR2004 - months
    days = months.astype("datetime64[D]") + (np.clip(day, 1, 31) - 1).astype("timedelta64[D]")
    wall = days.astype("datetime64[us]") + seconds.astype("timedelta64[us]")
    return np.where(is_date & is_time, wall, np.datetime64("NaT"))


def _seconds(parts: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Microseconds since midnight, and whether the clock can show them."""
    hour, minute, second = (_numbers(parts[name]) for name in ("H", "M", "S"))
    fraction = _numbers(parts["f"].str.slice(0, 6).str.pad(6, side="right", fillchar="0"))
    half = parts["half"].str.slice(0, 1).str.casefold()
    is_half = half.notna().to_numpy(dtype=bool)
    is_afternoon = (half == "p").fillna(value=False).to_numpy(dtype=bool)
    clock = np.where(is_half, hour % _NOON + _NOON * is_afternoon, hour)
    is_time = (clock < 24) & (minute < 60) & (second < 60) & (~is_half | (hour <= _NOON))  # noqa: PLR2004
    return ((clock * 60 + minute) * 60 + second) * 1_000_000 + fraction, is_time


def _numbers(column: pd.Series) -> NDArray[np.int64]:
    return np.asarray(column.fillna("0").astype("int64"))


def _month_numbers(names: pd.Series) -> NDArray[np.int64]:
    numbers = names.str.casefold().map({name: n for n, name in enumerate(_MONTHS, start=1)})
    return np.asarray(numbers.fillna(0).astype("int64"))


def _offset_min(offsets: pd.Series) -> NDArray[np.float64]:
    plain = offsets.replace({"Z": "+0000", "UTC": "+0000", "GMT": "+0000"}).str.replace(":", "", regex=False)
    minutes = pd.to_numeric(plain.str.slice(1, 3)) * 60 + pd.to_numeric(plain.str.slice(3, 5))
    signs = np.where(plain.str.startswith("-", na=False), -1.0, 1.0)
    return minutes.to_numpy(dtype="float64", na_value=np.nan) * signs


def _is_sentinel(wall: Moments) -> NDArray[np.bool_]:
    return np.asarray(np.isin(wall.astype("datetime64[D]"), _SENTINEL_DAYS) | (wall == _EPOCH))


def _localise(
    wall: Moments, timed: NDArray[np.bool_], offset_min: NDArray[np.float64], time_zone: str, *, times: TimeMeaning
) -> tuple[pd.DatetimeIndex, NDArray[np.str_]]:
    offset = np.where(np.isnan(offset_min) & (times == "utc"), 0.0, offset_min)
    if times == "local_tagged_utc":
        offset = np.full(len(wall), np.nan)
    # A date is a day on the wall: shifting it by an offset would make it another day.
    is_absolute = ~np.isnan(offset) & timed
    naive = pd.DatetimeIndex(wall.astype("datetime64[us]"))
    strict = naive.tz_localize(time_zone, ambiguous="NaT", nonexistent="NaT")
    is_doubtful = np.asarray(strict.isna()) & ~np.isnat(wall) & ~is_absolute
    local = naive.tz_localize(time_zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    is_moved = is_doubtful & (np.asarray(local.tz_localize(None)) != np.asarray(naive))
    shift = np.where(is_absolute, offset * 60e6, 0).astype("int64").astype("timedelta64[us]")
    absolute = pd.DatetimeIndex(wall.astype("datetime64[us]") - shift).tz_localize("UTC").tz_convert(time_zone)
    at = local.where(~is_absolute, absolute)
    return at, np.select([is_moved, is_doubtful], ["dst_gap_shifted", "dst_repeat_first"], "")
