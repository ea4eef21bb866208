"""What is counted and over how many student-days: incidents at programme schools by term and by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.school_calendar import local_day, school_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from safeschools_geo.settings import CalendarSettings, Term

COUNTS = [
    "term",
    "school_id",
    "name",
    "level",
    "zone_id",
    "enrollment",
    "student_days",
    "incidents",
    "reported",
    "officer_initiated_share",
]


def counted(history: pd.DataFrame) -> pd.Series:
    """Say which incidents count towards hotspots at schools.

    Parameters
    ----------
    history
        Incidents in context.

    Returns
    -------
    pandas.Series
        Named `is_counted`, bool, on the index of `history`: the zone officer's programme work, which is what the
        student-days of school days and programme hours can be the denominator of (assumption A22).
    """
    return (history["work_of"] == "zone_officer").rename("is_counted")


def school_counts(
    history: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    school_zones: pd.Series,
    *,
    terms: Iterable[Term],
    calendar: CalendarSettings,
) -> pd.DataFrame:
    """Count incidents and student-days of each programme school in each term.

    Parameters
    ----------
    history
        Incidents in context.
    schools
        Table `schools`.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    terms
        Terms of the district.
    calendar
        Weekdays with school, and holidays.

    Returns
    -------
    pandas.DataFrame
        One row for each term and programme school, in these orders: `term`, `school_id`, `name`, `level`, `zone_id`,
        `enrollment` (Int64), `student_days` (float64, missing where the enrolment is unknown or 0), `incidents`,
        `reported` (those that officers did not start themselves), `officer_initiated_share` (missing where there is no
        incident).
    """
    programme = schools[schools["in_program"]]
    ids = programme["school_id"]
    students = programme["enrollment"].astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    students = np.where(students > 0, students, np.nan)
    work = history[counted(history)]
    frames = []
    for term in terms:
        this = work[work["term"] == term.name]
        incidents = _by_school(this, ids)
        reported = _by_school(this[this["origin"] == "reported"], ids)
        with np.errstate(invalid="ignore"):
            started = (incidents - reported) / np.where(incidents > 0, incidents, np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "term": term.name,
                    "school_id": ids.to_numpy(),
                    "name": programme["name"].to_numpy(),
                    "level": programme["level"].to_numpy(),
                    "zone_id": ids.map(school_zones).fillna("").astype("str").to_numpy(),
                    "enrollment": programme["enrollment"].to_numpy(),
                    "student_days": students * len(school_days(term, calendar)),
                    "incidents": incidents,
                    "reported": reported,
                    "officer_initiated_share": started,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COUNTS)


def month_counts(
    history: pd.DataFrame, counts: pd.DataFrame, *, term: Term, calendar: CalendarSettings
) -> tuple[pd.DataFrame, pd.Series]:
    """Count reported incidents of each school in each month of a term, and the school days of each month.

    Parameters
    ----------
    history
        Incidents in context.
    counts
        Rows of `school_counts` for this term.
    term
        The term.
    calendar
        Weekdays with school, and holidays.

    Returns
    -------
    cases : pandas.DataFrame
        Reported incidents, int64, one row for each school of `counts` (index `school_id`), one column for each month
        of the term with a school day (``2026-01`` …).
    days : pandas.Series
        School days in each of these months.
    """
    days = pd.Series(school_days(term, calendar).strftime("%Y-%m")).value_counts().sort_index()
    mine = counted(history) & (history["term"] == term.name) & (history["origin"] == "reported")
    work = history[mine]
    month = local_day(work["occurred_at"]).dt.strftime("%Y-%m")
    table = pd.crosstab(work["school_id"], month)
    return table.reindex(index=pd.Index(counts["school_id"]), columns=days.index, fill_value=0).astype("int64"), days


def _by_school(work: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    return work["school_id"].value_counts().reindex(ids).fillna(0).to_numpy(dtype="int64")
