"""Hours in session, and the incidents of each hour of the week beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.hotspots.clock import as_zone
from safeschools_geo.hotspots.temporal import aoristic
from safeschools_geo.schemas import CATEGORIES, LEVELS
from safeschools_geo.school_calendar import school_days
from safeschools_geo.validate.incident_times import check_midnight

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Term

    Floats = NDArray[np.float64]
    Zone = str | dt.tzinfo

NO_LEVEL = "no_level"
"""Group of the incidents that are at no school of a known level."""

_WEEK_HOURS = 168
_PER = 1000.0


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
        at = at.dt.tz_convert(as_zone(tz))
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


def _require_columns(incidents: pd.DataFrame, names: list[str]) -> None:
    lacking = [name for name in names if name not in incidents.columns]
    if lacking:
        raise ColumnError(
            "Incidents lack columns that hours are told from.",
            where="incidents",
            found=", ".join(map(str, incidents.columns)),
            expected=", ".join(lacking),
        )
