"""Terms that chance could have brought: the school days of one term, drawn again with replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError, SettingsError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


def redrawn_loads(by_day: Numbers, *, times: int, seed: int) -> Numbers:
    """Draw the days of a term again, with replacement.

    Parameters
    ----------
    by_day
        Hours of each day (rows) and unit (columns), shape (days, n).
    times
        How many terms to draw, each of as many days.
    seed
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        Hours per school day of each unit in each drawn term, shape (times, n).

    Raises
    ------
    SettingsError
        When `times` is below 1.
    """
    days = len(by_day)
    if times < 1:
        raise SettingsError(
            "A bootstrap needs at least one term.",
            where="bootstrap",
            found=times,
            expected="1 or more",
            remedy="200 is usual.",
        )
    drawn = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), size=times)
    loads: Numbers = drawn @ by_day / days
    return loads


def fixed_hours(visit_hours: pd.Series | None, ids: pd.Index) -> Numbers:
    """Put the hours that are the same every day into the order of the units.

    Parameters
    ----------
    visit_hours
        Hours per school day, by `unit_id`; None where there are none.
    ids
        Ids of the n units.

    Returns
    -------
    numpy.ndarray
        Shape (n,).

    Raises
    ------
    ColumnError
        When a unit has no hours, or hours below 0.
    """
    if visit_hours is None:
        return np.zeros(len(ids))
    hours = visit_hours.reindex(ids).to_numpy(dtype="float64")
    is_faulty = ~(hours >= 0)
    if is_faulty.any():
        raise ColumnError(
            "Some units have no hours of visits.",
            where="visit_hours",
            ids=ids[is_faulty],
            expected="a number of 0 or more for every unit",
            remedy="Give these units their hours; 0 where there are no visits.",
        )
    return hours


def hours_by_day(incident_hours: pd.DataFrame, school_days: Iterable[dt.date] | None, ids: pd.Index) -> Numbers:
    """Add up the hours of incidents by day and unit.

    Parameters
    ----------
    incident_hours
        `unit_id`, `day` (without a time zone) and `hours` of each incident.
    school_days
        Every school day of the term.
    ids
        Ids of the n units.

    Returns
    -------
    numpy.ndarray
        Shape (days, n), in the order of time; the same whatever the order of the rows.

    Raises
    ------
    SettingsError
        When `school_days` is None.
    ColumnError
        When a row is of no unit or no school day, or its hours are below 0; or when there is no school day.
    """
    if school_days is None:
        raise SettingsError(
            "Days without an incident count too.",
            where="school_days",
            found="nothing",
            expected="every school day of the term",
            remedy="Pass school_days (school_calendar.school_days).",
        )
    days = pd.DatetimeIndex(list(school_days)).normalize().unique().sort_values()
    day = pd.DatetimeIndex(incident_hours["day"]).normalize()
    hours = incident_hours["hours"].to_numpy(dtype="float64")
    rows, columns = days.get_indexer(day), ids.get_indexer(pd.Index(incident_hours["unit_id"]))
    is_faulty = (rows < 0) | (columns < 0) | ~(hours >= 0)
    if is_faulty.any() or days.empty:
        raise ColumnError(
            "Some hours of incidents cannot be used, or there is no school day.",
            where="incident_hours",
            ids=(f"row {i}" for i in incident_hours.index[is_faulty]),
            expected="the id of a unit, one of the school days, and hours of 0 or more",
            remedy="Leave out incidents that are not the zone officer's work, and those of other terms.",
        )
    table: Numbers = np.zeros((len(days), len(ids)))
    order = np.lexsort((hours, columns, rows))
    np.add.at(table, (rows[order], columns[order]), hours[order])
    return table
