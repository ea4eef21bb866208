"""Where officers wait between calls: the best points, district-wide or zone by zone, with proof."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from safeschools_geo.coverage.points.best_points import (
    best_center,
    best_cover,
    best_in_zones,
    best_median,
    value_by_zone,
)
from safeschools_geo.coverage.points.staging_input import (
    check_zones,
    columns_of,
    columns_of_zones,
    read_problem,
    refuse_lost,
    refuse_out_of_reach,
)
from safeschools_geo.coverage.points.staging_problem import StagingSettings
from safeschools_geo.coverage.points.staging_result import (
    Staging,
    all_answer,
    answer_minutes,
    staging_tables,
    zones_answer,
)
from safeschools_geo.errors import attempt_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from safeschools_geo.coverage.points.staging_problem import Labels, StagingProblem

_CHOOSE = {"mean": best_median, "longest": best_center, "covered": best_cover, "expected": best_cover}


def stage_officers(
    minutes: pd.DataFrame,
    weights: pd.Series,
    *,
    points: int,
    students: pd.Series | None = None,
    current: Iterable[str] | None = None,
    settings: StagingSettings | None = None,
) -> Staging:
    """Choose the points where officers wait who answer calls everywhere.

    Parameters
    ----------
    minutes
        Minutes from each point where an officer may wait (column) to each place (row), such as
        ``travel_times(…).response_minutes(schools, points)``; infinite where there is no way.
    weights
        Calls, or what else a place counts for, by place; 0 or more.
    points
        Number of officers.
    students
        Students by place, missing where not known.
    current
        Points where officers wait today, one for each officer.
    settings
        What is asked: least mean or longest minutes, or the largest share of calls covered.

    Returns
    -------
    Staging
        The points, their value, the bound, and what they cover.

    Raises
    ------
    InputError
        All that is wrong at once: no places or points, ids that repeat, minutes or weights that are no numbers of 0 or
        more, too many officers, current points that are unknown; then places that no point reaches, or that so few
        points cannot all reach.

    Notes
    -----
    The methods, with their sources: `best_points.best_median`, `best_center`, `best_cover`.
    """
    start = time.monotonic()
    asked = settings or StagingSettings()
    steps: dict[str, Callable[[], Any]] = {
        "problem": partial(read_problem, minutes, weights, points=points, settings=asked)
    }
    if current is not None:
        steps["today"] = partial(columns_of, current, minutes.columns)
    found = attempt_all(steps)
    problem: StagingProblem = found["problem"]
    deadline = time.process_time() + asked.time_limit_s
    refuse_out_of_reach(problem, minutes.index, deadline=deadline)
    choice = _CHOOSE[asked.objective](problem, deadline=deadline, seed=asked.seed)
    today: Labels | None = found.get("today")
    return Staging(
        **staging_tables(
            problem, all_answer(problem, choice.chosen), today, minutes, students=students, settings=asked
        ),
        value=choice.value,
        bound=choice.bound,
        value_current=np.nan if today is None else problem.value(today),
        is_by_zone=False,
        seconds=time.monotonic() - start,
    )


def stage_zones(
    minutes: pd.DataFrame,
    weights: pd.Series,
    *,
    zone_of_place: pd.Series,
    zone_of_point: pd.Series,
    students: pd.Series | None = None,
    current: Mapping[str, str] | pd.Series | None = None,
    settings: StagingSettings | None = None,
) -> Staging:
    """Choose the point where the one officer of each zone waits, who answers the calls of that zone.

    Parameters
    ----------
    minutes, weights
        As for `stage_officers`.
    zone_of_place
        Zone of each place, by id.
    zone_of_point
        Zone of each point, by id; points without one are not used.
    students
        As for `stage_officers`.
    current
        Zone → the point where its officer waits today, in the zone or not.
    settings
        As for `stage_officers`.

    Returns
    -------
    Staging
        The points, one for each zone. Zones do not depend on each other, so the best point of each, found by trying all
        of them, makes the best staging by any of the measures. Coverage counts the officers of all zones.

    Raises
    ------
    InputError
        As `stage_officers`; and where a place has no zone, a zone no place or no point, or no point today; all at once.
    """
    start = time.monotonic()
    asked = settings or StagingSettings()
    steps: dict[str, Callable[[], Any]] = {
        "problem": partial(read_problem, minutes, weights, points=1, settings=asked),
        "zones": partial(check_zones, zone_of_place, zone_of_point, minutes),
    }
    if current is not None:
        steps["today"] = partial(columns_of_zones, current, zone_of_place, minutes.columns)
    found = attempt_all(steps)
    problem: StagingProblem = found["problem"]
    places, points = found["zones"]
    chosen = best_in_zones(problem, places, points)
    best = zones_answer(places, chosen)
    answered = answer_minutes(problem, best)
    refuse_lost(problem, answered, minutes.index)
    value = value_by_zone(problem, answered)
    today: dict[str, int] | None = found.get("today")
    before = None if today is None else zones_answer(places, today)
    columns = None if before is None else before.columns
    return Staging(
        **staging_tables(problem, best, columns, minutes, students=students, settings=asked),
        value=value,
        bound=value,
        value_current=np.nan if before is None else value_by_zone(problem, answer_minutes(problem, before)),
        is_by_zone=True,
        seconds=time.monotonic() - start,
    )
