"""When incidents happen: hours of the week, with ranges spread over the hours they span, beside hours in session."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.schemas import CATEGORIES, LEVELS
from safeschools_geo.school_calendar import school_days
from safeschools_geo.validate.incident_times import check_midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Term

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Zone = str | dt.tzinfo

NO_LEVEL = "no_level"
"""Group of the incidents that are at no school of a known level."""

_SECOND = 1_000_000
_HOUR, _DAY = 3_600 * _SECOND, 86_400 * _SECOND
_WEEK_HOURS = 168
_WEEK = _WEEK_HOURS * _HOUR
# 1970 began on a Thursday.
_TO_MONDAY = 3 * _DAY
_MISSING = np.iinfo(np.int64).min
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_YEARS = (1700, 2300)
_EARLIEST, _LATEST = (int(np.datetime64(str(year), "us").astype(np.int64)) for year in _YEARS)
_PER = 1000.0


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
    began, ended = _Moments.read(start, "start"), _Moments.read(end, "end")
    counts = _checked_weights(weights, len(began.at))
    _require_pairs(start, end, began, ended)
    clock = _Clock.over(_zone(tz), (began, ended))
    first, last = clock.utc(began), clock.utc(ended)
    first = np.where(first == _MISSING, last, first)
    # A missing end is the smallest number there is.
    is_range = last > first
    moments, counted = first[~is_range], counts[~is_range]
    at_once = np.bincount(_since_monday(clock.wall(moments)) // _HOUR, counted, _WEEK_HOURS)
    over_time = _spread(first[is_range], last[is_range], counts[is_range], clock)
    return np.asarray(at_once + over_time).reshape(7, 24)


def session_hours(terms: Iterable[Term], calendar: CalendarSettings, hours: HoursSettings, levels: pd.Series) -> Floats:
    """Count the school-hours in session in each hour of the week.

    Parameters
    ----------
    terms
        Terms; a day that is in two of them counts once.
    calendar
        Weekdays with school, and holidays.
    hours
        Programme hours by level.
    levels
        Level of each programme school; missing levels get the programme's hours.

    Returns
    -------
    numpy.ndarray
        School-hours by the local clock, float64, shape (7, 24), row 0 is Monday: over all school days and schools, the
        part of the hour that lies within the programme hours of the school's level.

    Raises
    ------
    InputError
        When a level is unknown.
    """
    of_level = levels.fillna("other").astype("str").value_counts()
    unknown = sorted(set(of_level.index) - set(LEVELS))
    if unknown:
        raise InputError("These are no school levels.", found=", ".join(unknown), expected=", ".join(LEVELS))
    days = {day for term in terms for day in school_days(term, calendar)}
    on_weekday = np.bincount([day.day_of_week for day in days], minlength=7)
    in_hour = np.zeros(24)
    for level, schools in of_level.items():
        bells = hours.of(str(level))
        in_hour += schools * _hour_shares(bells.start, bells.end)
    return np.outer(on_weekday, in_hour)


def timed_incidents(incidents: pd.DataFrame, *, tz: Zone | None = None) -> tuple[pd.DataFrame, int]:
    """Leave out incidents whose time of day is not known.

    Parameters
    ----------
    incidents
        Table `incidents`; `occurred_at` and `has_time` are looked at.
    tz
        Time zone by whose clock it is midnight; None for that of `occurred_at`.

    Returns
    -------
    kept : pandas.DataFrame
        Incidents with a time of day. Without those at exactly 00:00:00 if these are a pile, by the rule of
        `validate.incident_times.check_midnight`: midnight then stands for "not known".
    left_out : int
        How many were left out.

    Raises
    ------
    ColumnError
        When a column is missing.
    """
    _require_columns(incidents, ["occurred_at", "has_time"])
    at = incidents["occurred_at"]
    if tz is not None and at.dt.tz is not None:
        at = at.dt.tz_convert(_zone(tz))
    times = pd.DataFrame({"incident_id": range(len(at)), "occurred_at": at, "has_time": incidents["has_time"]})
    is_kept = times["has_time"].to_numpy(dtype="bool")
    if check_midnight(times):
        wall = at.dt.tz_localize(None)
        is_kept = is_kept & (wall != wall.dt.normalize()).to_numpy()
    return incidents[is_kept], int((~is_kept).sum())


def hour_table(incidents: pd.DataFrame, exposure: ArrayLike, *, tz: Zone) -> pd.DataFrame:
    """Set the incidents of each hour of the week beside the hours in session.

    Parameters
    ----------
    incidents
        Table `incidents`: `occurred_at`, `has_time`, and `occurred_to` where there is one. Incidents whose time of day
        is not known are left out (`timed_incidents` counts them).
    exposure
        School-hours in session, from `session_hours`, shape (7, 24). The incidents should be those at its schools, on
        its school days, within its hours.
    tz
        Time zone of the district.

    Returns
    -------
    pandas.DataFrame
        168 rows by `weekday` (0 is Monday) and `hour` (0 to 23): `incidents` (aoristic weight), `school_hours`,
        `rate_per_1000_h` (incidents for each 1,000 school-hours; missing where there are none). An incident that may
        have happened out of session keeps its weight there, so that the weights add up to the incidents.

    Raises
    ------
    ColumnError
        When a column is missing.
    InputError
        When `exposure` has another shape, or holds anything but numbers of 0 or more.
    """
    kept, _ = timed_incidents(incidents, tz=tz)
    return _hour_table(kept, checked_week(exposure, "exposure"), tz)


def hour_tables(
    incidents: pd.DataFrame,
    levels: pd.Series,
    *,
    terms: Sequence[Term],
    calendar: CalendarSettings,
    hours: HoursSettings,
    tz: Zone,
) -> pd.DataFrame:
    """Make the table of hours for all incidents, for each category and for each level.

    Parameters
    ----------
    incidents
        Table `incidents`: as for `hour_table`, with `category` and `school_id`.
    levels
        Level of each programme school, by `school_id`.
    terms, calendar, hours
        When school is in session.
    tz
        Time zone of the district.

    Returns
    -------
    pandas.DataFrame
        `by` (``all``, ``category`` or ``level``), `group` (``all``, a category or a level, in the order of `schemas`),
        and the columns of `hour_table`. The rates of a level are over the hours of its own schools; incidents at no
        school of a known level are the group ``no_level``, without rates. The incidents of each `by` add up to the same
        number. Whether midnight stands for "not known" is decided once, for all incidents.

    Raises
    ------
    ColumnError
        When a column is missing.
    InputError
        When a level is unknown, or a school has two.
    """
    if not levels.index.is_unique:
        raise InputError("A school has one level.", where="levels", ids=levels.index[levels.index.duplicated()])
    _require_columns(incidents, ["category", "school_id"])
    kept, _ = timed_incidents(incidents, tz=tz)
    known = levels.fillna("other").astype("str")
    of_incident = kept["school_id"].map(known).fillna(NO_LEVEL)

    def in_session(is_meant: pd.Series | slice) -> Floats:
        return session_hours(terms, calendar, hours, known[is_meant])

    everywhere = in_session(slice(None))
    tables = {("all", "all"): _hour_table(kept, everywhere, tz)}
    for category in _present(kept["category"], CATEGORIES):
        tables["category", category] = _hour_table(kept[kept["category"] == category], everywhere, tz)
    for level in _present(pd.concat([known, of_incident]), [*LEVELS, NO_LEVEL]):
        tables["level", level] = _hour_table(kept[of_incident == level], in_session(known == level), tz)
    joined = pd.concat(tables, names=["by", "group"]).reset_index(level=["by", "group"])
    return joined.astype({"by": "str", "group": "str"}).reset_index(drop=True)


def checked_week(values: ArrayLike, name: str) -> Floats:
    """Check a table of the hours of the week.

    Parameters
    ----------
    values
        Numbers, shape (7, 24).
    name
        What they are, for the message.

    Returns
    -------
    numpy.ndarray
        The same numbers, float64.

    Raises
    ------
    InputError
        When the shape is another, or a number is missing, infinite or below 0.
    """
    week = np.asarray(values, dtype=np.float64)
    if week.shape != (7, 24):
        raise InputError(
            "A week has 7 days of 24 hours.", where=name, found=f"shape {week.shape}", expected="shape (7, 24)"
        )
    wrong = np.argwhere(~(np.isfinite(week) & (week >= 0)))
    if len(wrong):
        raise InputError(
            "Hours of the week hold numbers of 0 or more.",
            where=name,
            ids=(f"weekday {day} hour {hour}" for day, hour in wrong),
            found=week[tuple(wrong[0])],
        )
    return week


@dataclass(frozen=True, eq=False)
class _Moments:
    """Microseconds since 1970, by the local clock or in UTC; `_MISSING` where missing."""

    at: Ints
    is_local: bool

    @classmethod
    def read(cls, values: ArrayLike, name: str) -> _Moments:
        """Read datetimes."""
        index = _as_index(values, name)
        at = np.asarray(index.asi8, dtype=np.int64)
        strange = np.flatnonzero(((at < _EARLIEST) | (at >= _LATEST)) & (at != _MISSING))
        if len(strange):
            raise InputError(
                "These times are in no year that can be meant.",
                where=name,
                ids=_rows(values, strange),
                found=index[strange[0]],
                expected=f"years from {_YEARS[0]} to before {_YEARS[1]}",
            )
        return cls(at, index.tz is None)


@dataclass(frozen=True, eq=False)
class _Clock:
    """When the clock was changed (UTC, shape (m,)), and its lead over UTC before and after, shape (m + 1,)."""

    changes: Ints
    offsets: Ints

    @classmethod
    def over(cls, zone: dt.tzinfo, moments: Iterable[_Moments]) -> _Clock:
        """Find the changes within the span of moments: the clock is read once a day, and a change is then closed in."""

        def offset(second: int) -> int:
            ahead = (_EPOCH + dt.timedelta(seconds=second)).astimezone(zone).utcoffset()
            return 0 if ahead is None else ahead // dt.timedelta(microseconds=1)

        known = np.concatenate([m.at[m.at != _MISSING] for m in moments])
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
        """Give the local time of instants, none of them missing."""
        return instants + self.offsets[np.searchsorted(self.changes, instants, "right")]

    def utc(self, moments: _Moments) -> Ints:
        """Give moments in UTC: the first of two, and the end of the gap for those that are skipped."""
        if not moments.is_local:
            return moments.at
        if not len(self.changes):
            instants = moments.at - self.offsets[0]
        else:
            # What the clock that was about to be changed showed then.
            shown = self.changes + self.offsets[:-1]
            period = np.searchsorted(shown, moments.at, "right")
            earliest = np.concatenate([[_MISSING], self.changes])
            instants = np.maximum(moments.at - self.offsets[period], earliest[period])
        return np.where(moments.at == _MISSING, _MISSING, instants)


def _first_change(offset: Callable[[int], int], before: int, after: int) -> int:
    """Find the first second at which the offset is no longer that of `before`."""
    old = offset(before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset(middle) == old else (before, middle)
    return after


def _spread(first: Ints, last: Ints, counts: Floats, clock: _Clock) -> Floats:
    """Spread ranges over the hours of the week, shape (168,), cut where the clock was changed."""
    low = np.searchsorted(clock.changes, first, "right")
    high = np.searchsorted(clock.changes, last, "left")
    pieces = high - low + 1
    row = np.repeat(np.arange(len(first)), pieces)
    period = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces - low, pieces)
    edges = np.concatenate([[_MISSING], clock.changes, [np.iinfo(np.int64).max]])
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


def _hour_shares(start: dt.time, end: dt.time) -> Floats:
    """Give the part of each hour that lies between two times of day, shape (24,)."""
    opens, closes = (t.hour + t.minute / 60 + t.second / 3600 for t in (start, end))
    clock = np.arange(24)
    return np.asarray(np.clip(np.minimum(closes, clock + 1) - np.maximum(opens, clock), 0, 1))


def _hour_table(kept: pd.DataFrame, exposure: Floats, tz: Zone) -> pd.DataFrame:
    end = kept.get("occurred_to", pd.Series(pd.NaT, index=kept.index))
    weights, hours = aoristic(kept["occurred_at"], end, tz=tz).ravel(), exposure.ravel()
    rates = np.divide(_PER * weights, hours, out=np.full(len(hours), np.nan), where=hours > 0)
    columns = {"incidents": weights, "school_hours": hours, "rate_per_1000_h": rates}
    cell = np.arange(_WEEK_HOURS)
    return pd.DataFrame({"weekday": cell // 24, "hour": cell % 24, **columns})


def _present(values: pd.Series, order: Iterable[str]) -> list[str]:
    found = set(values)
    return [value for value in order if value in found]


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


def _zone(tz: Zone) -> dt.tzinfo:
    if isinstance(tz, dt.tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise InputError(
            "This time zone is not known.", where="tz", found=tz, expected="an IANA name such as America/Los_Angeles"
        ) from error


def _rows(values: ArrayLike, positions: Ints) -> list[object]:
    return list(values.index[positions]) if isinstance(values, pd.Series) else positions.tolist()


def _require_pairs(start: ArrayLike, end: ArrayLike, began: _Moments, ended: _Moments) -> None:
    is_other = isinstance(start, pd.Series) and isinstance(end, pd.Series) and not start.index.equals(end.index)
    if len(began.at) != len(ended.at) or is_other:
        raise InputError(
            "Starts and ends do not belong to the same incidents.",
            found=f"{len(began.at):,} starts and {len(ended.at):,} ends" + (", on other indexes" if is_other else ""),
            expected="one start and one end for each incident, in one order",
        )
    unknown = np.flatnonzero((began.at == _MISSING) & (ended.at == _MISSING))
    if len(unknown):
        raise InputError(
            "Incidents have neither a start nor an end.",
            ids=_rows(start, unknown),
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


def _require_columns(incidents: pd.DataFrame, names: list[str]) -> None:
    lacking = [name for name in names if name not in incidents.columns]
    if lacking:
        raise ColumnError(
            "Incidents lack columns that hours are told from.",
            where="incidents",
            found=", ".join(map(str, incidents.columns)),
            expected=", ".join(lacking),
        )
