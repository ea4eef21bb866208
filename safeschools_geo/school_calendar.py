"""Terms, school days and program hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.schemas import LEVELS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Term


def holiday_dates(calendar: CalendarSettings) -> pd.DatetimeIndex:
    """List every day that is a holiday."""
    days: set[pd.Timestamp] = set()
    for holiday in calendar.holidays:
        first, last = holiday.split("/")[0], holiday.split("/")[-1]
        days.update(pd.date_range(first, last, freq="D"))
    return pd.DatetimeIndex(sorted(days))


def school_days(term: Term, calendar: CalendarSettings) -> pd.DatetimeIndex:
    """List the days of a term on which school is in session.

    Parameters
    ----------
    term
        The term, first and last day included.
    calendar
        Weekdays with school, and holidays.

    Returns
    -------
    pandas.DatetimeIndex
        Days at midnight, without a time zone.
    """
    days = pd.date_range(term.start, term.end, freq="D")
    in_week = days.strftime("%w").isin([_WEEKDAY_NUMBER[day] for day in calendar.weekdays])
    return days[in_week & ~days.isin(holiday_dates(calendar))]


_WEEKDAY_NUMBER = {"Sun": "0", "Mon": "1", "Tue": "2", "Wed": "3", "Thu": "4", "Fri": "5", "Sat": "6"}


def term_of(times: pd.Series, terms: Iterable[Term]) -> pd.Series:
    """Name the term each moment falls in.

    Parameters
    ----------
    times
        Local moments, time-zone aware.
    terms
        Terms that do not overlap.

    Returns
    -------
    pandas.Series
        Named `term`, dtype str, on the index of `times`; missing where a moment falls in no term.
    """
    day = local_day(times)
    result = pd.Series(pd.NA, index=times.index, dtype="str", name="term")
    for term in terms:
        result[(day >= pd.Timestamp(term.start)) & (day <= pd.Timestamp(term.end))] = term.name
    return result


def local_day(times: pd.Series) -> pd.Series:
    """Give the local calendar day of each moment.

    Parameters
    ----------
    times
        Local moments, time-zone aware.

    Returns
    -------
    pandas.Series
        Midnights without a time zone, named `day`, on the index of `times`.
    """
    day: pd.Series = times.dt.tz_localize(None).dt.normalize()
    return day.rename("day")


def is_school_day(times: pd.Series, terms: Iterable[Term], calendar: CalendarSettings) -> pd.Series:
    """Tell which moments fall on a day with school."""
    days = [school_days(term, calendar) for term in terms]
    every_day = days[0].append(days[1:]) if days else pd.DatetimeIndex([])
    return local_day(times).isin(every_day).rename("is_school_day")


def is_in_hours(times: pd.Series, levels: pd.Series, hours: HoursSettings) -> pd.Series:
    """Tell which moments fall within program hours at schools of the given levels."""
    wall = times.dt.tz_localize(None)
    seconds = ((wall - wall.dt.normalize()) / pd.Timedelta(seconds=1)).to_numpy(dtype="float64")
    known = levels.fillna("other")
    start = known.map({level: _seconds(hours.of(level).start) for level in LEVELS}).to_numpy(dtype="float64")
    end = known.map({level: _seconds(hours.of(level).end) for level in LEVELS}).to_numpy(dtype="float64")
    with np.errstate(invalid="ignore"):
        inside = (seconds >= start) & (seconds < end)
    return pd.Series(inside, index=times.index, name="is_in_hours")


def _seconds(time: dt.time) -> float:
    return 3600.0 * time.hour + 60.0 * time.minute + time.second
