"""The history with its context (zone, term, hour, whose work), and how many incidents there are of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError
from safeschools_geo.school_calendar import term_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd

    from safeschools_geo.settings import Term


CONTEXT = ("zone_id", "zone_status", "zone_by", "term", "weekday", "hour", "work_of", "reason")
"""Columns that `in_context` adds."""


def in_context(
    incidents: gpd.GeoDataFrame,
    *,
    incident_zones: pd.DataFrame,
    school_zones: pd.Series,
    work: pd.DataFrame,
    terms: Iterable[Term],
) -> gpd.GeoDataFrame:
    """Add the zone, the term, the hour and whose work it is to each incident: the columns of `CONTEXT`.

    The zone is that of the incident's school where it has one, since that school's officer answers, else that of its
    own place (`zone_by`: ``school``, ``place`` or empty). `weekday` is 0 for Monday; `hour` is missing where the time
    of day is unknown.
    """
    # Of a million incidents few are at different schools; −1 takes the last, which is none.
    number, ids = pd.factorize(incidents["school_id"])
    zones = pd.array([*school_zones.reindex(ids).fillna(""), ""], dtype="str")
    by_school = pd.Series(zones.take(number), index=incidents.index)
    has_school = by_school != ""
    zone_id = by_school.where(has_school, incident_zones["zone_id"])
    zone_by = pd.array(["school", "place", ""], dtype="str").take(np.select([has_school, zone_id != ""], [0, 1], 2))
    occurred = incidents["occurred_at"]
    return incidents.assign(
        zone_id=zone_id,
        zone_status=incident_zones["status"],
        zone_by=pd.Series(zone_by, index=zone_id.index),
        term=term_of(occurred, terms),
        weekday=occurred.dt.day_of_week.astype("int64"),
        hour=occurred.dt.hour.astype("Int64").where(incidents["has_time"]),
        work_of=work["work_of"],
        reason=work["reason"],
    )


def incident_counts(history: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Count incidents of each kind.

    Parameters
    ----------
    history
        Incidents in context.
    by
        Columns to count by, for example ``["zone_id", "term"]``.

    Returns
    -------
    pandas.DataFrame
        `incidents` (int64) and `officer_initiated_share` (0 to 1) for each combination that occurs, with the columns
        of `by` in front, sorted by them; incidents with a missing value are counted in a row of their own.

    Raises
    ------
    ColumnError
        When a column is not in `history`.
    """
    lacking = [name for name in by if name not in history.columns]
    if lacking:
        raise ColumnError(
            "Incidents cannot be counted by what they do not have.",
            found=", ".join(lacking),
            expected="columns of the history: " + ", ".join(map(str, history.columns)),
        )
    started = (history["origin"] == "officer_initiated").rename("officer_initiated_share")
    groups = started.groupby([history[name] for name in by], dropna=False, sort=True)
    return groups.agg(["size", "mean"]).set_axis(["incidents", "officer_initiated_share"], axis=1).reset_index()


def in_no_zone(schools: pd.DataFrame, school_zones: pd.Series, this: pd.DataFrame) -> tuple[int, int]:
    """Count the program schools that lie in no zone, and the calls for zone officers at them in one term.

    They are in no zone's load, and in none of the board packet's figures.
    """
    mine = schools.loc[schools["in_program"], "school_id"]
    outside = mine[mine.map(school_zones).fillna("").eq("")]
    calls = this["school_id"].isin(outside) & this["work_of"].eq("zone_officer")
    return len(outside), int(calls.sum())


def work_summary(history: pd.DataFrame) -> pd.DataFrame:
    """Count the incidents by whose work they are and why: nothing is left out unseen.

    Parameters
    ----------
    history
        Incidents in context.

    Returns
    -------
    pandas.DataFrame
        `work_of`, `reason`, `incidents`; the incidents add up to the history.
    """
    counts = history.groupby(["work_of", "reason"], sort=True).size()
    return counts.rename("incidents").reset_index().sort_values("incidents", ascending=False, ignore_index=True)
