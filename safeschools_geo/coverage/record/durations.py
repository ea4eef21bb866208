"""How long a call keeps an officer: the trip and the time on scene, measured, assumed, or not believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.settings import WorkloadSettings

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

PARTS = {"trip": ("dispatched_at", "arrived_at"), "scene": ("arrived_at", "cleared_at")}
"""Part of a call → the moments it lies between."""

_DAY_MIN = 24 * 60.0


@dataclass(frozen=True, eq=False)
class Durations:
    """Minutes of n calls, and where they come from.

    Parameters
    ----------
    minutes
        `trip_min`, `scene_min` and `busy_min` (both together) of each call, float64, never missing.
    counts
        How many calls were `measured`, `assumed` and `rejected` (and then assumed), for each part: rows ``trip`` and
        ``scene``; every row adds up to n.
    rejects
        `incident_id`, `part` and `reason` of each duration that was not believed.
    """

    minutes: pd.DataFrame
    counts: pd.DataFrame
    rejects: pd.DataFrame


def minutes_between(calls: pd.DataFrame, start: str, end: str) -> pd.Series:
    """Measure the minutes between two moments of each call, whatever they come to.

    Parameters
    ----------
    calls
        Calls, with the columns of the two moments where the record has them.
    start, end
        Names of the columns.

    Returns
    -------
    pandas.Series
        Named `minutes`, float64, on the index of `calls`; missing where a moment is.
    """
    if not {start, end} <= set(calls.columns):
        return pd.Series(np.nan, index=calls.index, name="minutes", dtype="float64")
    minutes: pd.Series = (calls[end] - calls[start]).dt.total_seconds() / 60
    return minutes.rename("minutes")


def believed_minutes(calls: pd.DataFrame, start: str, end: str, *, longest_min: float) -> pd.Series:
    """Measure the minutes between two moments of each call, where they can be believed.

    Parameters
    ----------
    calls, start, end
        As in `minutes_between`.
    longest_min
        Longest time that is believed, in minutes.

    Returns
    -------
    pandas.Series
        Named `minutes`, float64, on the index of `calls`; missing where a moment is, and where the minutes are negative
        or more than `longest_min`.
    """
    minutes = minutes_between(calls, start, end)
    return minutes.where((minutes >= 0) & (minutes <= longest_min))


def call_durations(
    calls: pd.DataFrame,
    settings: WorkloadSettings,
    *,
    scene_min: pd.Series | None = None,
    trip_min: pd.Series | None = None,
) -> Durations:
    """Find how long each call takes.

    Parameters
    ----------
    calls
        Calls in context, n of them.
    settings
        Minutes by category, and the longest time that is believed.
    scene_min, trip_min
        Minutes on scene and of the trip, on an index that covers that of `calls`, where they have been worked out
        (`workload.officer_work`); measured from the timestamps if left out.

    Returns
    -------
    Durations
        Minutes that were given, or measured. What is missing or not believed (negative, or longer than
        `longest_service_min`) is replaced: on scene by the crosswalk's minutes, else the category's (assumption A4);
        the trip by the mean of those that are known, 0 where none is.
    """
    given = {"trip": trip_min, "scene": scene_min}
    longest = settings.longest_service_min
    minutes, counts, rejects = {}, {}, []
    for part, (start, end) in PARTS.items():
        stamped = minutes_between(calls, start, end)
        is_wrong = _is_wrong(stamped, longest)
        rejects.append(_rejects(calls, part, stamped, is_wrong, whose=f"{start} to {end}", longest_min=longest))
        value = stamped.mask(is_wrong)
        taken = given[part]
        if taken is not None:
            value = taken.reindex(calls.index).astype("float64")
            is_off = _is_wrong(value, longest)
            rejects.append(_rejects(calls, part, value, is_off & ~is_wrong, whose="as given", longest_min=longest))
            value, is_wrong = value.mask(is_off), is_wrong | is_off
        is_measured = stamped.notna() & ~is_wrong
        counts[part] = (int(is_measured.sum()), int((~is_measured & ~is_wrong).sum()), int(is_wrong.sum()))
        minutes[f"{part}_min"] = value.fillna(_assumed(part, calls, value, settings))
    table = pd.DataFrame(minutes, index=calls.index)
    return Durations(
        minutes=table.assign(busy_min=table["trip_min"] + table["scene_min"]),
        counts=pd.DataFrame.from_dict(counts, orient="index", columns=["measured", "assumed", "rejected"]).rename_axis(
            "part"
        ),
        rejects=pd.concat(rejects, ignore_index=True),
    )


def _is_wrong(minutes: pd.Series, longest_min: float) -> pd.Series:
    return minutes.notna() & ~((minutes >= 0) & (minutes <= longest_min))


def _assumed(part: str, calls: pd.DataFrame, known: pd.Series, settings: WorkloadSettings) -> pd.Series:
    if part == "trip":
        return pd.Series(known.mean() if known.notna().any() else 0.0, index=calls.index)
    by_category = calls["category"].map(dict(settings.service_min)).astype("float64").fillna(0.0)
    if "service_min" not in calls.columns:
        return by_category
    return calls["service_min"].astype("float64").fillna(by_category)


def _rejects(
    calls: pd.DataFrame, part: str, minutes: pd.Series, is_wrong: pd.Series, *, whose: str, longest_min: float
) -> pd.DataFrame:
    told = [f"{whose}: {_why(value, longest_min)}" for value in minutes[is_wrong]]
    return pd.DataFrame(
        {
            "incident_id": calls.loc[is_wrong, "incident_id"].to_numpy(),
            "part": part,
            "reason": pd.Series(told, dtype="str").to_numpy(),
        }
    ).astype("str")


def _why(minutes: float, longest_min: float) -> str:
    if minutes < 0:
        return f"{minutes:,.0f} min, which is negative"
    if minutes >= _DAY_MIN:
        return f"{minutes / _DAY_MIN:,.1f} days, longer than {longest_min:,.0f} min"
    return f"{minutes:,.0f} min, longer than {longest_min:,.0f}"
