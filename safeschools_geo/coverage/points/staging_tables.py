"""Tables of a staging: what each officer answers, and how soon each place is reached, today and best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.points.staging_problem import Labels
from safeschools_geo.coverage.points.within import two_nearest

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.staging_problem import StagingProblem
    from safeschools_geo.programs import Numbers

NOBODY = -1
"""Stands for a place that no officer can reach."""


@dataclass(frozen=True, eq=False)
class Waiting:
    """Where p officers wait, and who answers each of n places.

    Parameters
    ----------
    officers
        What they are called, p of them.
    columns
        Column of the point of each, shape (p,).
    answers
        Which officer answers each place, `NOBODY` where none can, shape (n,).
    """

    officers: Sequence[str]
    columns: Labels
    answers: Labels


def all_answer(problem: StagingProblem, columns: Labels) -> Waiting:
    """Let each place be answered by the officer nearest to it.

    Parameters
    ----------
    problem
        Minutes.
    columns
        Column of the point of each officer, shape (p,).

    Returns
    -------
    Waiting
        Officers called 1, 2, …; of several as near, the first answers.
    """
    first, _, nearest = two_nearest(problem.minutes, columns)
    officers = [str(number) for number in range(1, len(columns) + 1)]
    return Waiting(officers, columns, np.where(np.isfinite(first), nearest, NOBODY))


def answer_minutes(problem: StagingProblem, waiting: Waiting) -> Numbers:
    """Find the minutes of the officer who answers.

    Parameters
    ----------
    problem
        Minutes.
    waiting
        Who answers.

    Returns
    -------
    numpy.ndarray
        Minutes, shape (n,); infinite where nobody can.
    """
    minutes = problem.minutes[np.arange(len(waiting.answers)), waiting.columns[waiting.answers]]
    answered: Numbers = np.where(waiting.answers == NOBODY, np.inf, minutes)
    return answered


def points_table(problem: StagingProblem, waiting: Waiting, candidates: pd.Index) -> pd.DataFrame:
    """Describe what each officer answers.

    Parameters
    ----------
    problem
        Minutes and weights.
    waiting
        Where officers wait, and who answers.
    candidates
        Ids of the points.

    Returns
    -------
    pandas.DataFrame
        `officer`, `point_id`, `places`, `calls_share`, `mean_min` (of a call; of a place where there are no calls) and
        `longest_min`; missing minutes where there is no place.
    """
    answered = answer_minutes(problem, waiting)
    rows = []
    for officer, name in enumerate(waiting.officers):
        own = np.flatnonzero(waiting.answers == officer)
        weight, minutes = problem.weight[own], answered[own]
        calls = float(weight.sum())
        counted = weight > 0 if calls > 0 else np.ones(len(own), dtype=bool)
        mean = np.average(minutes[counted], weights=weight[counted] if calls > 0 else None) if len(own) else np.nan
        longest = minutes.max() if len(own) else np.nan
        rows.append((name, candidates[waiting.columns[officer]], len(own), calls, mean, longest))
    columns = ["officer", "point_id", "places", "calls_share", "mean_min", "longest_min"]
    return pd.DataFrame(rows, columns=columns)


def places_table(problem: StagingProblem, waiting: Waiting, today: Labels | None, places: pd.Index) -> pd.DataFrame:
    """Describe how soon each place is reached.

    Parameters
    ----------
    problem
        Minutes and weights.
    waiting
        Where officers wait best, and who answers.
    today
        Columns of the points where officers wait today, if that is known.
    places
        Ids of the places.

    Returns
    -------
    pandas.DataFrame
        As `staging_result.Staging.places`.
    """
    names = np.append(np.array(waiting.officers, dtype="object"), "")
    unknown = np.full(len(places), np.nan)
    first, second = two_nearest(problem.minutes, waiting.columns)[:2]
    before = (unknown, unknown) if today is None else two_nearest(problem.minutes, today)[:2]
    return pd.DataFrame(
        {
            "place_id": places.to_numpy(),
            "calls_share": problem.weight,
            "officer": pd.array(names[waiting.answers], dtype="str"),
            "answer_min": answer_minutes(problem, waiting),
            "first_min": first,
            "second_min": second,
            "first_min_current": before[0],
            "second_min_current": before[1],
        }
    )
