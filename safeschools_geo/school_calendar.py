"""Terms, school days and program hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Term


DAY_KINDS = ("whole", "early_release", "minimum_day")
"""Kinds of school days, by when they end."""


def dates_of(written: Iterable[str]) -> pd.DatetimeIndex:
    """List every day that is written as a day, or as a first and a last day."""
    days: set[pd.Timestamp] = set()
    for one in written:
        days.update(pd.date_range(one.split("/")[0], one.split("/")[-1], freq="D"))
    return pd.DatetimeIndex(sorted(days))


def day_kinds(days: pd.DatetimeIndex, calendar: CalendarSettings) -> NDArray[np.str_]:
    """Report each school day when it ends: a kind of `DAY_KINDS`; a minimum day goes before an early release."""
    early = days.day_of_week.isin([_WEEKDAYS.index(day) for day in calendar.early_release])
    is_minimum = days.isin(dates_of(calendar.minimum_days))
    return np.select([is_minimum, early], ["minimum_day", "early_release"], "whole")


def hour_shares(start: dt.time, end: dt.time) -> NDArray[np.float64]:
    """Say how much of each of the 24 clock hours lies between two times of a day."""
    first, last = _seconds(start) / 3600, _seconds(end) / 3600
    clock = np.arange(24)
    return np.asarray(np.clip(np.minimum(last, clock + 1) - np.maximum(first, clock), 0.0, 1.0))


def school_days(term: Term, calendar: CalendarSettings) -> pd.DatetimeIndex:
    """List the days of a term on which school is in session, as midnights without a time zone."""
    days = pd.date_range(term.start, term.end, freq="D")
    in_week = days.day_of_week.isin([_WEEKDAYS.index(day) for day in calendar.weekdays])
    return days[in_week & ~days.isin(dates_of(calendar.holidays))]


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def term_of(times: pd.Series, terms: Iterable[Term]) -> pd.Series:
    """Name the term, of several that do not overlap, that each local moment falls in; missing where it is none."""
    day = local_day(times)
    result = pd.Series(pd.NA, index=times.index, dtype="str", name="term")
    for term in terms:
        result[(day >= pd.Timestamp(term.start)) & (day <= pd.Timestamp(term.end))] = term.name
    return result


def local_day(times: pd.Series) -> pd.Series:
    """Give the local calendar day of each moment, as a midnight without a time zone."""
    day: pd.Series = times.dt.tz_localize(None).dt.normalize()
    return day.rename("day")


def is_school_day(times: pd.Series, terms: Iterable[Term], calendar: CalendarSettings) -> pd.Series:
    """Say which moments fall on a day with school."""
    days = [school_days(term, calendar) for term in terms]
    every_day = days[0].append(days[1:]) if days else pd.DatetimeIndex([])
    return local_day(times).isin(every_day).rename("is_school_day")


def is_in_hours(
    times: pd.Series,
    levels: pd.Series,
    hours: HoursSettings,
    *,
    calendar: CalendarSettings | None = None,
    school_ids: pd.Series | None = None,
) -> pd.Series:
    """Say which local moments fall within program hours at their schools.

    Days end early as `calendar` says, if it is given; a level that is missing counts as ``other``, and alone counts if
    no schools are given.
    """
    wall = times.dt.tz_localize(None)
    day = wall.dt.normalize()
    seconds = ((wall - day) / pd.Timedelta(seconds=1)).to_numpy(dtype="float64")
    kinds = np.full(len(times), "whole") if calendar is None else day_kinds(pd.DatetimeIndex(day), calendar)
    places = pd.DataFrame(
        {
            "level": levels.fillna("other").to_numpy(),
            "school": "" if school_ids is None else school_ids.fillna("").to_numpy(),
            "kind": kinds,
        }
    )
    combined = places["level"] + "\t" + places["school"] + "\t" + places["kind"]
    number, keys = pd.factorize(combined)
    bells = [(hours.of(level, school), kind) for level, school, kind in (str(key).split("\t") for key in keys)]
    start = np.array([_seconds(own.start) for own, _ in bells] or [0.0])[number]
    end = np.array([_seconds(own.end_on(kind)) for own, kind in bells] or [0.0])[number]
    with np.errstate(invalid="ignore"):
        inside = (seconds >= start) & (seconds < end)
    return pd.Series(inside, index=times.index, name="is_in_hours")


def _seconds(time: dt.time) -> float:
    return 3600.0 * time.hour + 60.0 * time.minute + time.second
