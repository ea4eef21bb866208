"""Small problems of staging, and all their answers by trying every choice."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from safeschools_geo.coverage._staging import read_problem

if TYPE_CHECKING:
    from safeschools_geo.coverage._staging_points import StagingProblem, StagingSettings

LINE = {"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 10.0}
"""Places along a road, by the minutes from its beginning; officers may wait at each of them."""

CALLS = {"a": 4.0, "b": 1.0, "c": 1.0, "d": 2.0, "e": 2.0}


def along_a_line() -> tuple[pd.DataFrame, pd.Series]:
    """Give the minutes and the calls of `LINE`."""
    at = pd.Series(LINE)
    minutes = pd.DataFrame(np.abs(np.subtract.outer(at.to_numpy(), at.to_numpy())), index=at.index, columns=at.index)
    return minutes, pd.Series(CALLS)


def best_by_trying(minutes: pd.DataFrame, weights: pd.Series, points: int, settings: StagingSettings) -> float:
    """Value every choice, and give the best value."""
    problem = read_problem(minutes, weights, points=points, settings=settings)
    choose = itertools.combinations_with_replacement if problem.may_share else itertools.combinations
    values = [_value(problem, list(chosen)) for chosen in choose(range(minutes.shape[1]), points)]
    return max(values) if problem.is_share else min(values)


def _value(problem: StagingProblem, chosen: list[int]) -> float:
    """Value a choice from first principles, place by place."""
    worth = []
    for minutes, weight in zip(problem.minutes, problem.weight, strict=True):
        near = min(minutes[j] for j in chosen)
        officers = sum(minutes[j] <= problem.within_min for j in chosen)
        if problem.objective == "longest":
            worth.append(near)
        elif weight > 0:
            worth.append(weight * (near if problem.objective == "mean" else sum(problem.gains[:officers])))
    return max(worth) if problem.objective == "longest" else sum(worth)


@st.composite
def problems(draw, *, has_gaps: bool = False):
    """Draw minutes (with ties, and without a way here and there), weights, and a number of officers."""
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    figures = [0.0, 1.0, 2.0, 2.5, 4.0, 7.0, *([np.inf] if has_gaps else [])]
    cells = draw(st.lists(st.sampled_from(figures), min_size=n * m, max_size=n * m))
    calls = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    ids = [f"s{i}" for i in range(n)]
    minutes = pd.DataFrame(np.reshape(cells, (n, m)), index=ids, columns=[f"p{j}" for j in range(m)])
    weights = pd.Series(calls, index=ids, dtype="float64")
    return minutes, weights + (weights.sum() == 0), draw(st.integers(1, m))
