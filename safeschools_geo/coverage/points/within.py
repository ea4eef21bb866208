"""How much is covered: the share of schools, students and calls that one officer, or two, can reach in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.coverage.points.staging_problem import Labels
    from safeschools_geo.programs import Numbers

COVERAGE_COLUMNS = ("plan", "officers", "within_min", "places_share", "students_share", "calls_share")


def two_nearest(minutes: Numbers, chosen: Labels) -> tuple[Numbers, Numbers, Labels]:
    """Find the nearest officer of each place, and the next.

    Parameters
    ----------
    minutes
        Minutes from each point to each place, shape (n, m).
    chosen
        Columns of the points where officers wait, with repeats where several share one, shape (p,).

    Returns
    -------
    first, second : numpy.ndarray
        Minutes to the nearest and to the second nearest officer, shape (n,); the second infinite where there is one
        officer only.
    nearest : numpy.ndarray
        Which of `chosen` is the nearest, the first of several as near, shape (n,).
    """
    there = minutes[:, chosen]
    nearest = there.argmin(axis=1).astype("int64")
    ordered = np.sort(np.column_stack([there, np.full(len(there), np.inf)]), axis=1)
    return ordered[:, 0], ordered[:, 1], nearest


def coverage_shares(
    minutes: Numbers,
    plans: Mapping[str, Labels],
    *,
    weight: Numbers,
    students: Numbers | None = None,
    limits_min: Sequence[float],
) -> pd.DataFrame:
    """Measure single and double coverage.

    Parameters
    ----------
    minutes
        Minutes from each point to each place, shape (n, m).
    plans
        Name → columns of the points where officers wait.
    weight
        Share of all calls that each place has, shape (n,).
    students
        Students at each place, missing (NaN) where not known, shape (n,).
    limits_min
        Minutes to measure within.

    Returns
    -------
    pandas.DataFrame
        One row for each plan, number of officers (1: at least one is near enough, 2: at least two) and time: `plan`,
        `officers`, `within_min`, `places_share`, `students_share` (of those that are known; missing if none is),
        `calls_share`; shares from 0 to 1.
    """
    known = np.zeros(len(minutes)) if students is None else np.nan_to_num(students, nan=0.0)
    rows = []
    for plan, chosen in plans.items():
        for officers, nearest in zip((1, 2), two_nearest(minutes, chosen)[:2], strict=True):
            for limit in limits_min:
                near = nearest <= limit
                students_share = float(known[near].sum() / known.sum()) if known.sum() > 0 else np.nan
                rows.append((plan, officers, limit, near.mean(), students_share, float(weight[near].sum())))
    return pd.DataFrame(rows, columns=list(COVERAGE_COLUMNS))
