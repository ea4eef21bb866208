"""Moments as they are written, in the time zone of the district."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from safeschools_geo.io._columns import as_text, says_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from safeschools_geo.settings import TimeMeaning, TimeOfDay

    Texts = NDArray[np.str_]
    Numbers = NDArray[np.int64]
    Moments = NDArray[np.datetime64]
    Flags = NDArray[np.bool_]


# ── Moments as they are written: the clock on the wall, the offset if one is stated, and whether there is a time

NEVER = np.datetime64("NaT", "us")
# Regular expressions are RE2's, which cannot run away on long cells.
_GAP = r"[\s\x{a0}\x{202f}]"
_TAIL = (
    r"(?:[.,](?P<fraction>\d{1,9}))?)?"
    rf"(?:{_GAP}*(?P<half>[ap])\.?(?:{_GAP}?m\.?)?)?"
    rf"(?:{_GAP}*(?P<tag>z|utc|gmt|[ecmp][sd]t|ak[sd]t|hst|[+-]\d{{2}}(?::?\d{{2}})?))?)?{_GAP}*$"
)
_CLOCK = rf"(?:(?:t|,?{_GAP}+)(?P<hour>\d{{1,2}}):?(?P<minute>\d{{2}})(?::?(?P<second>\d{{2}})" + _TAIL
_COMPACT_CLOCK = rf"(?:t|{_GAP}*)(?:(?P<hour>\d{{2}}):?(?P<minute>\d{{2}})(?::?(?P<second>\d{{2}})" + _TAIL
_WEEKDAY = rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?{_GAP}+)?"
_NAME = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_LAYOUTS = tuple(
    f"(?i)^{_GAP}*{layout}"
    for layout in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _CLOCK,
        _WEEKDAY + rf"(?P<first>\d{{1,2}})[-/.](?P<then>\d{{1,2}})[-/.]{_YEAR}" + _CLOCK,
        _WEEKDAY + rf"(?P<day>\d{{1,2}})(?:-|{_GAP}*){_NAME}(?:-|\.?,?{_GAP}*){_YEAR}" + _CLOCK,
        _WEEKDAY + rf"{_NAME}\.?{_GAP}*(?P<day>\d{{1,2}}),?{_GAP}+{_YEAR}" + _CLOCK,
        r"(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])" + _COMPACT_CLOCK,
    )
)
# Spellings that are rewritten until a layout fits; each is tried on what no layout has read.
_DATE = (
    rf"\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}})|\d{{8}}|"
    rf"\d{{1,2}}(?:-|{_GAP}*)[a-z]{{3,9}}(?:-|\.?,?{_GAP}*)(?:\d{{4}}|\d{{2}})|"
    rf"[a-z]{{3,9}}\.?{_GAP}*\d{{1,2}},?{_GAP}+(?:\d{{4}}|\d{{2}})"
)
_ZONE_TAG = r"(?:z|utc|gmt|[ecmp][sd]t|ak[sd]t|hst|[+-]\d{2}(?::?\d{2})?)"
_HALF = rf"[ap]\.?{_GAP}?(?:m\.?)?"
_CLOCK_FIRST = rf"\d{{1,2}}:?\d{{2}}(?::?\d{{2}}(?:[.,]\d+)?)?(?:{_GAP}*{_HALF})?(?:{_GAP}*{_ZONE_TAG})?"
_RESPELLED = tuple(
    (f"(?i){found}", written)
    for found, written in (
        (r"^[\s\"'\[]*(?:/date\()?(.*?)(?:\)/)?[\s\"'\]]*$", r"\1"),
        (r"(^|[\s,])\(?(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?:[.,)\s]+|$)", r"\1"),
        (r"^[\s,]+|[\s,]+$", ""),
        (r"(\d)(?:st|nd|rd|th)\b", r"\1"),
        (r"\b(\d{1,2})h(\d{2})\b", r"\1:\2"),
        (r"(\d)\s*(?:hrs?|hours?|h|uhr)\b\.?", r"\1"),
        (r"(\s)(\d{1,2})\.(\d{2})\.(\d{2})([.,\s].*)?$", r"\1\2:\3:\4\5"),
        (rf"(\s)(\d{{1,2}})\.(\d{{2}})({_GAP}*{_HALF})?$", r"\1\2:\3\4"),
        (r"\s+(?:at|@|-|\|)\s+|[;@|]", " "),
        (r"^(\d{1,2}[a-z]{3}(?:\d{4}|\d{2})):(\d)", r"\1 \2"),
        (r"^(\d{4}-\d{2}-\d{2})-(\d{2})\.(\d{2})\.(\d{2})", r"\1 \2:\3:\4"),
        (r"(\d{1,2}:\d{2}:\d{2}):(\d{1,9})", r"\1.\2"),
        (r"(?:utc|gmt)\s*([+-]\d)", r"\1"),
        (r"([+-]\d{2}:?\d{2})\s*[\[(].*[\])]$", r"\1"),
        (r"^([a-z]{3,9}\.?\s+\d{1,2})\s+(\d{1,2}:.*?)\s+(\d{4})$", r"\1 \3 \2"),
        (rf"^({_CLOCK_FIRST})(?:,?{_GAP}+)({_DATE})$", r"\2 \1"),
    )
)
_COUNTED = r"\d{4}-(?:W\d{2}-\d|\d{3})(?:[ T]|$)"
_COUNTED_TIMES = ("", " %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S")
_REGIONS = {"e": "America/New_York", "c": "America/Chicago", "m": "America/Denver", "p": "America/Los_Angeles"}
_REGIONS |= {"a": "America/Anchorage", "h": "Pacific/Honolulu"}
_REGION = (
    r"(?i)^(?P<rest>.*\d.*?)(?:\s+|\s*[\[(])(?:(?P<place>[a-z]+(?:/[a-z_]+)+(?:[+-]\d+)?)|(?P<short>[ecmp])t|"
    r"(?P<long>e|c|m|p|a|h)(?:astern|entral|ountain|acific|laskan?|awaii(?:an)?)"
    r"(?:\s+(?:standard|daylight|savings?))*(?:\s+time)?)[\])]?\s*$"
)
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS, _MONTHS_OF_YEAR = 31, 12
_PIVOT = 69
_NOON = 12
_DAY_US = 86_400_000_000
# Hours from UTC of the zones that RFC 5322 names (section 4.3), and of Alaska and Hawaii.
_ZONE_HOURS = {"z": 0, "utc": 0, "gmt": 0, "hst": -10}
_ZONE_HOURS |= {f"{zone}st": hours for zone, hours in {"e": -5, "c": -6, "m": -7, "p": -8, "ak": -9}.items()}
_ZONE_HOURS |= {f"{zone}dt": hours for zone, hours in {"e": -4, "c": -5, "m": -6, "p": -7, "ak": -8}.items()}

_EXCEL_START = np.datetime64("1899-12-30", "us")
_EXCEL_1904 = np.datetime64("1904-01-01", "us")
_EXCEL_SERIALS = (20_000, 80_000)
_EXCEL_NOTHING = (0, 1, 2)
_EPOCH = np.datetime64("1970-01-01", "us")
_EPOCH_UNITS = ((1e8, 1e10, 1e6), (1e11, 1e13, 1e3), (1e14, 1e16, 1.0), (1e17, 9e18, 1e-3))
_SCIENTIFIC = r"^[+-]?\d+(?:\.(?P<decimals>\d+))?[eE](?P<power>[+-]?\d+)$"
_ROUNDED_US = 1e9
"""A step of a thousand seconds: what programs write shortly has finer ones somewhere in the column."""


FORMS = (
    "",
    "2025-03-04",
    "3/4/2025",
    "4-Mar-2025",
    "Mar 4, 2025",
    "20250304",
    "a day number of Excel's",
    "a count since 1970",
    "a date of Excel's own",
)
"""Ways in which moments are written: how their dates look, or what they are; the first is none of them."""

_COUNT_FORM = FORMS.index("a count since 1970")


def read_written(values: pd.Series, *, day_first: bool, is_1904: bool = False) -> WrittenTimes:
    """Read moments as they are written."""
    values = values.infer_objects()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _typed(values)
    texts = as_text(values)
    is_given = (texts.notna() & ~says_nothing(texts)).to_numpy(dtype="bool")
    written = WrittenTimes(is_given)
    written.read_texts(texts.where(is_given), day_first=day_first)
    is_left = is_given & np.isnat(written.wall) & ~texts.str.fullmatch(_NUMBER).fillna(value=False).to_numpy("bool")
    written.read_respelled(texts, np.flatnonzero(is_left), day_first=day_first)
    written.read_numbers(texts.where(is_given & np.isnat(written.wall)), start=_EXCEL_1904 if is_1904 else _EXCEL_START)
    if values.dtype == "object":
        is_typed = values.map(lambda cell: isinstance(cell, dt.date)).to_numpy(dtype="bool")
        written.form[is_typed] = FORMS.index("a date of Excel's own")
    written.form[np.isnat(written.wall)] = 0
    return written


def read_formatted(values: pd.Series, formats: Sequence[str]) -> WrittenTimes:
    """Read moments that are written in one of several formats."""
    texts = as_text(values)
    written = WrittenTimes((texts.notna() & ~says_nothing(texts)).to_numpy(dtype="bool"))
    for number, form in enumerate(formats, start=len(FORMS)):
        rows = np.flatnonzero(written.is_given & np.isnat(written.wall))
        is_zoned = "%z" in form or "%Z" in form
        read = pd.to_datetime(texts.iloc[rows], format=form, errors="coerce", utc=is_zoned)
        moments = (read.dt.tz_localize(None) if is_zoned else read).to_numpy(dtype="datetime64[us]")
        written.wall[rows] = moments
        written.utc[rows] = moments if is_zoned else NEVER
        written.has_time[rows[~np.isnat(moments)]] = re.search("%[HIcXsTr]", form) is not None
        written.form[rows[~np.isnat(moments)]] = number
    return written


def since_midnight(wall: Moments) -> NDArray[np.int64]:
    """Tell the time of day."""
    return wall.astype("int64") % _DAY_US


def _typed(values: pd.Series) -> WrittenTimes:
    written = WrittenTimes(values.notna().to_numpy(dtype="bool"))
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        written.utc = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        values = values.dt.tz_localize(None)
    written.wall, written.has_time = values.to_numpy(dtype="datetime64[us]"), written.is_given
    return written


class WrittenTimes:
    """Moments as they are written, filled in layout by layout; every array has one entry for each value."""

    def __init__(self, is_given: Flags) -> None:
        size = len(is_given)
        # Whether there is a value at all.
        self.is_given = is_given
        # ``datetime64[us]``: date and time as written, whatever their offset; and in UTC, where the value says so.
        self.wall, self.utc = np.full(size, NEVER), np.full(size, NEVER)
        # Whether a time of day is written.
        self.has_time = np.zeros(size, dtype="bool")
        # For dates such as 3/4/2025, which order of day and month the calendar allows: ``D`` only the day first, ``M``
        # only the month first, ``?`` either, ``=`` either and it makes no difference; empty for other values.
        self.order = np.full(size, "", dtype="<U1")
        # Which of `FORMS` each is written in, or, counted on from there, of the formats given.
        self.form = np.zeros(size, dtype="int64")
        # Whether it is a count since 1970 of which only the first digits are left, as in 1.7616E+12.
        self.is_rounded = np.zeros(size, dtype="bool")

    def read_texts(self, texts: pd.Series, *, day_first: bool) -> None:
        """Read dates and times in any of the layouts; each layout is tried on what the others left."""
        left = np.flatnonzero(texts.notna().to_numpy(dtype="bool"))
        for form, layout in enumerate(_LAYOUTS, start=1):
            cells = pa.array(texts.iloc[left], type=pa.string())
            cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
            found = pc.extract_regex(cells, layout)
            is_found = np.asarray(found.is_valid())
            self._fill(left[is_found], _Parts(found.filter(found.is_valid())), day_first=day_first)
            self.form[left[is_found]] = form
            left = left[~is_found]
            if not len(left):
                return

    def read_respelled(self, texts: pd.Series, rows: NDArray[np.int64], *, day_first: bool) -> None:
        """Read what no layout fits as it is: spellings of other systems, and places for zones."""
        if not len(rows):
            return
        parts = texts.iloc[rows].str.extract(_REGION)
        places = parts["place"].fillna(parts["short"].fillna(parts["long"]).str.lower().map(_REGIONS))
        zones = {place: _zone_of(place) for place in places.dropna().unique()}
        is_placed = places.map(zones).notna()
        cells = pa.array(parts["rest"].where(is_placed, texts.iloc[rows]), type=pa.string())
        cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
        for found, written in _RESPELLED:
            cells = pc.replace_substring_regex(cells, found, written)
        plain = pd.Series(pd.NA, index=texts.index, dtype="str")
        plain.iloc[rows] = pd.Series(cells.to_pandas(), dtype="str").to_numpy()
        self.read_texts(plain, day_first=day_first)
        self.read_numbers(plain.where(np.isnat(self.wall)), start=_EXCEL_START)
        self._read_counted(plain.where(np.isnat(self.wall) & plain.str.match(_COUNTED).fillna(value=False)))
        for place, zone in zones.items():
            here = rows[(places == place).to_numpy(dtype="bool")]
            here = here[np.isnat(self.utc[here]) & self.has_time[here]]
            if zone is not None and len(here):
                moments = pd.DatetimeIndex(self.wall[here])
                first = np.ones(len(here), dtype="bool")
                local = moments.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
                self.utc[here] = local.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[us]")

    def _read_counted(self, texts: pd.Series) -> None:
        """Read days that are counted by the week or the year (ISO 8601): 2025-W10-2, 2025-064."""
        if texts.notna().any():
            read = read_formatted(texts, [f"{day}{time}" for day in ("%G-W%V-%u", "%Y-%j") for time in _COUNTED_TIMES])
            is_read = ~np.isnat(read.wall)
            self.wall[is_read], self.has_time[is_read] = read.wall[is_read], read.has_time[is_read]

    def _fill(self, rows: NDArray[np.int64], parts: _Parts, *, day_first: bool) -> None:
        wall = parts.wall(day_first=day_first)
        offset_us = parts.offset_us()
        self.wall[rows] = wall
        self.utc[rows] = np.where(np.isnan(offset_us), NEVER, wall - np.nan_to_num(offset_us).astype("timedelta64[us]"))
        self.has_time[rows] = parts.is_filled("hour")
        self.order[rows] = parts.order()

    def read_numbers(self, texts: pd.Series, *, start: np.datetime64) -> None:
        """Read Excel serials, which are time on the wall, and counts since 1970, which are UTC."""
        is_number = texts.str.fullmatch(_NUMBER).fillna(value=False).to_numpy(dtype="bool")
        rows = np.flatnonzero(is_number)
        numbers = pd.to_numeric(texts.iloc[rows]).to_numpy(dtype="float64")
        is_excel = (numbers >= _EXCEL_SERIALS[0]) & (numbers < _EXCEL_SERIALS[1]) | np.isin(numbers, _EXCEL_NOTHING)
        # Excel has no finer times than seconds; its fractions of a day are cut at ten digits or so.
        seconds = np.round(numbers[is_excel] * 86_400).astype("timedelta64[s]")
        self.wall[rows[is_excel]] = start + seconds
        self.form[rows[is_excel & (numbers > max(_EXCEL_NOTHING))]] = FORMS.index("a day number of Excel's")
        self.has_time[rows[is_excel]] = bool((numbers[is_excel] % 1 != 0).any())
        for low, high, us in _EPOCH_UNITS:
            is_epoch = (np.abs(numbers) >= low) & (np.abs(numbers) < high)
            moments = _EPOCH + np.round(numbers[is_epoch] * us).astype("timedelta64[us]")
            self.wall[rows[is_epoch]] = self.utc[rows[is_epoch]] = moments
            self.has_time[rows[is_epoch]] = True
            self.form[rows[is_epoch]] = FORMS.index("a count since 1970")
            steps = texts.iloc[rows[is_epoch]].str.extract(_SCIENTIFIC)
            step = 10.0 ** (pd.to_numeric(steps["power"]) - steps["decimals"].str.len().fillna(0))
            self.is_rounded[rows[is_epoch]] = (step.notna() & (step.min() * us >= _ROUNDED_US)).to_numpy(dtype="bool")


class _Parts:
    """The named groups of a layout, for all rows that it fits."""

    def __init__(self, groups: Any) -> None:  # noqa: ANN401 - a pyarrow array
        self._groups = {field.name: groups.field(n) for n, field in enumerate(groups.type)}

    def is_filled(self, name: str) -> Flags:
        return np.asarray(pc.greater(pc.utf8_length(self._groups[name]), 0))

    def number(self, name: str) -> NDArray[np.int64]:
        """Return a group as whole numbers, 0 where it is empty."""
        group = self._groups[name]
        return np.asarray(pc.if_else(pc.equal(group, ""), "0", group).cast(pa.int64()))

    def texts(self, name: str) -> pd.Series:
        return pd.Series(pc.utf8_lower(self._groups[name]).to_pandas(), dtype="str")

    def wall(self, *, day_first: bool) -> Moments:
        """Put date and time together; NaT where the calendar or the clock has no such thing."""
        year, month, day = self._date(day_first=day_first)
        time_us, is_time = self._time()
        # 1/1/00 at midnight is how an export with two-digit years writes the placeholder 1900-01-01.
        is_placeholder = self._has_short_year() & (year == 2000) & (month == 1) & (day == 1) & (time_us == 0)  # noqa: PLR2004
        year = np.where(is_placeholder, 1900, year)
        first = (year * 12 + np.clip(month, 1, 12) - 1 - 1970 * 12).astype("datetime64[M]")
        date = first.astype("datetime64[D]") + np.clip(day, 1, 31) - 1
        is_date = (month == np.clip(month, 1, 12)) & (day > 0) & (date.astype("datetime64[M]") == first)
        return np.where(is_date & is_time, date.astype("datetime64[us]") + time_us.astype("timedelta64[us]"), NEVER)

    def _date(self, *, day_first: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        year = self.number("year")
        year = year + np.where(self._has_short_year(), np.where(year < _PIVOT, 2000, 1900), 0)
        if "first" in self._groups:
            first, then = self.number("first"), self.number("then")
            return (year, then, first) if day_first else (year, first, then)
        if "name" in self._groups:
            numbers = {name: number for number, name in enumerate(_MONTHS, start=1)}
            month = np.asarray(self.texts("name").map(numbers), dtype="int64")
            return year, month, self.number("day")
        return year, self.number("month"), self.number("day")

    def order(self) -> Texts:
        """Say which order of day and month the calendar allows, where both are numbers and neither is named."""
        if "first" not in self._groups:
            return np.full(len(self._groups["year"]), "", dtype="<U1")
        first, then = self.number("first"), self.number("then")
        may_be_day, may_be_month = first <= _DAYS, first <= _MONTHS_OF_YEAR
        return np.select(
            [
                may_be_month & (first == then),
                may_be_day & ~may_be_month & (then <= _MONTHS_OF_YEAR),
                may_be_month & (then > _MONTHS_OF_YEAR) & (then <= _DAYS),
                may_be_month & (then <= _MONTHS_OF_YEAR),
            ],
            ["=", "D", "M", "?"],
            "",
        )

    def _has_short_year(self) -> Flags:
        return np.asarray(pc.equal(pc.utf8_length(self._groups["year"]), 2))

    def _time(self) -> tuple[NDArray[np.int64], Flags]:
        hour, minute, second = (self.number(name) for name in ("hour", "minute", "second"))
        digits = pc.utf8_slice_codeunits(pc.utf8_rpad(self._groups["fraction"], 6, "0"), 0, 6)
        half = self.texts("half").to_numpy()
        clock = np.where(half == "", hour, hour % _NOON + np.where(half == "p", _NOON, 0))
        # 24:00 is the end of the day, and 23:59:60 a leap second: both are 00:00 of the next (ISO 8601).
        is_end = (half == "") & (hour == 24) & (minute == 0) & (second == 0)  # noqa: PLR2004 - the clock
        is_end |= (half == "") & (hour == 23) & (minute == 59) & (second == 60)  # noqa: PLR2004
        is_time = (hour <= np.where(half == "", 23, _NOON)) & (minute < 60) & (second < 60) | is_end  # noqa: PLR2004
        return ((clock * 60 + minute) * 60 + second) * 1_000_000 + np.asarray(digits.cast(pa.int64())), is_time

    def offset_us(self) -> NDArray[np.float64]:
        """Return the offset from UTC in microseconds, NaN where none is stated."""
        tags = self.texts("tag")
        hours = {tag: _offset_h(tag) for tag in tags.unique()}
        return tags.map(hours).to_numpy(dtype="float64") * 3_600_000_000


def _zone_of(name: str) -> str | None:
    """Return a place of the time zone database as it is written there."""
    proper = name if "/" not in name else "/".join(part[:1].upper() + part[1:] for part in name.split("/"))
    for candidate in (name, proper):
        try:
            ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return candidate
    return None


def _offset_h(tag: str) -> float:
    if tag in _ZONE_HOURS:
        return float(_ZONE_HOURS[tag])
    if not tag:
        return float("nan")
    digits = tag[1:].replace(":", "")
    hours = int(digits[:2]) + int(digits[2:] or 0) / 60
    return -hours if tag[0] == "-" else hours


_TIME_OF_DAY = (
    r"(?i)^(?:(?:1899-12-3[01]|1900-01-0[01])[t ])?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?:(?P<half>[ap])\.?\s?(?:m\.?)?|hrs?\.?|h)?$"
)
_DIGITS = r"(?i)^(\d{1,6})\s*(?:hrs?\.?|h)?$"
_FRACTION = r"^0?[.,]\d+$"
_DAY_S = 86_400


def times_of_day(values: pd.Series) -> pd.Series:
    """Read times of day that have no date with them.

    Parameters
    ----------
    values
        Text, numbers, or times: ``13:45``, ``1:45 pm``, ``1345 hrs``, ``134500``, or the fraction of a day.

    Returns
    -------
    pandas.Series
        Seconds since midnight, to 86,400; missing where the value is none.
    """
    texts = as_text(values)
    texts = texts.where(~says_nothing(texts))
    digits = texts.str.extract(_DIGITS)[0]
    length = digits.str.len()
    wide = 6 if length.max() > 4 else 4  # noqa: PLR2004 - HHMMSS, HHMM
    padded = digits.str.zfill(wide).where(length.isin([5, 6] if wide == 6 else [1, 2, 3, 4]))  # noqa: PLR2004
    clocks = padded.str.replace(r"^(\d\d)(\d\d)(\d\d)?$", r"\1:\2:\3", regex=True).str.removesuffix(":")
    parts = texts.where(clocks.isna(), clocks).str.extract(_TIME_OF_DAY)
    hour, minute, second = (pd.to_numeric(parts[name]) for name in ("hour", "minute", "second"))
    half = parts["half"].str.lower()
    hour = hour.where(half.isna(), hour % _NOON + (half == "p") * _NOON)
    seconds = hour * 3600 + minute * 60 + second.fillna(0)
    is_time = (minute < 60) & (second.fillna(0) <= 60) & (seconds <= _DAY_S)  # noqa: PLR2004 - the clock
    fraction = pd.to_numeric(texts.where(texts.str.match(_FRACTION)).str.replace(",", ".")) * _DAY_S
    return seconds.where(is_time).astype("float64").fillna(fraction.round().astype("float64"))


# ── Moments in the district's time zone, with a reason for each that cannot be reported

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
        Missing where the moment was read, else ``missing_time``, ``unreadable_time``, ``sentinel_time`` (a
        placeholder such as 1900-01-01) or ``rounded_time`` (a count since 1970 such as 1.7616E+12, which has lost the
        digits that tell the time).
    notes
        ``dst_repeat_first`` or ``dst_gap_shifted`` where clocks were changed at that hour, else missing.
    order
        Of dates such as 3/4/2025 the order of day and month that the calendar allows: ``D`` only the day first, ``M``
        only the month first, ``?`` either, ``=`` either and it makes no difference; missing for other values.
    form
        In what way each was written, such as ``"3/4/2025"``, or the format that fits it; missing where that is the
        column's own or it was not read.
    has_offset
        Bool; whether a moment that is written as a clock says how far it is from UTC, as ``Z``, ``-07:00`` and ``PDT``
        do.
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
    form: pd.Series
    has_offset: pd.Series
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
    is_1904: bool = False,
    formats: Sequence[str] = (),
) -> ParsedTimes:
    """Read moments of an export.

    Read are ISO 8601 with or without an offset; ``3/14/25``, ``3/14/2025 1:45 PM``, ``03-14-2025 13:45:00`` and the
    like, the clock first, or with a weekday or the name of a zone; ``24:00``; ``14-Mar-2025``, ``March 14, 2025``;
    ``20250314`` and ``20250314134500``; Excel serials (1900 system); seconds, milliseconds, microseconds and
    nanoseconds since 1970; typed dates and moments. A column may mix them.

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
    is_1904
        Whether Excel serials count from 1904, not from 1900.
    formats
        How times are written, as `datetime.strptime` has it; where any value is written so, others are unreadable.

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
    written = read_formatted(values, formats) if formats else None
    if written is None or np.isnat(written.wall).all():
        written = read_written(values, day_first=day_first, is_1904=is_1904)
    fault = _faults(written)
    wall = np.where(fault == "", written.wall, NEVER)
    has_time = written.has_time & (fault == "")
    if midnight_is_unknown:
        has_time &= since_midnight(wall) != 0
    absolute = _absolute(written, has_time, times)
    at, notes = _localized(wall, absolute, has_time, time_zone)
    clocks = _Clocks(wall, at, has_time)
    place = clocks.of_dates(time_of_day)
    if place is not None:
        days = clocks.walls[place].astype("datetime64[D]").astype("datetime64[us]")
        wall, has_time = np.where(has_time, days, wall), np.zeros(len(wall), dtype="bool")
        at, notes = _localized(wall, np.full(len(wall), NEVER), has_time, time_zone)
    return ParsedTimes(
        at=pd.Series(at, index=values.index, name=values.name),
        has_time=pd.Series(has_time, index=values.index),
        fault=_codes(fault, values.index),
        notes=_codes(notes, values.index),
        order=_codes(written.order, values.index),
        form=_codes(np.where(fault == "", np.array([*FORMS, *formats])[written.form], ""), values.index),
        has_offset=pd.Series(has_time & ~np.isnat(written.utc) & (written.form != _COUNT_FORM), index=values.index),
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
        [~written.is_given, written.is_rounded, is_sentinel, ~is_readable],
        ["missing_time", "rounded_time", "sentinel_time", "unreadable_time"],
        "",
    )


def _absolute(written: WrittenTimes, has_time: Flags, times: TimeMeaning) -> Moments:
    """Return the moments that do not depend on the local clock, in UTC; NaT for the others."""
    if times == "local_tagged_utc":
        return np.full(len(has_time), NEVER)
    utc = np.where(np.isnat(written.utc), written.wall, written.utc) if times == "utc" else written.utc
    # A date is a day, not a moment: shifted by an offset it would become another day.
    return np.where(has_time, utc, NEVER)


def _localized(
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
