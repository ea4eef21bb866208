"""The p-median: points from which places are reached soonest on average, with proof."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array

from safeschools_geo.coverage.points.cover_sets import find_cover
from safeschools_geo.coverage.points.interchange import exchange_points, improve_points
from safeschools_geo.coverage.points.median_bound import bound_median
from safeschools_geo.coverage.points.staging_problem import EXACT, Choice
from safeschools_geo.programs import Program, solve

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.median_bound import MedianBound
    from safeschools_geo.coverage.points.staging_problem import Labels, StagingProblem
    from safeschools_geo.programs import Flags, Numbers

_STARTS = 1
_FAR = 1e6


def best_median(problem: StagingProblem, *, deadline: float = np.inf, seed: int = 0) -> Choice:
    """Choose the points from which places are reached soonest on average.

    Parameters
    ----------
    problem
        Minutes, weights and number of officers; so many points can reach every place that has a weight.
    deadline
        Moment of `time.monotonic` at which to stop.
    seed
        Seed of everything random.

    Returns
    -------
    Choice
        The points, the weighted mean of the minutes from the nearest of them, and the least that any choice can have.

    Notes
    -----
    Exchanges of points give a choice; a Lagrangian bound then shows which points, and which pairs of a place and its
    nearest point, a better one could hold. These few go to an integer program: Σ_j x_ij = 1 for every place i,
    x_ij ≤ y_j, Σ_j y_j = p, y whole.

    References
    ----------
    Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers and medians of a graph.
    Operations Research 12(3), 450–459.
    ReVelle, C. S., and Swain, R. W. (1970). Central facilities location. Geographical Analysis 2(1), 30–42.
    Church, R. L. (2008). BEAMR: an exact and approximate model for the p-median problem. Computers & Operations
    Research 35(2), 417–426.
    """
    counts = problem.weight > 0
    minutes, weight = problem.minutes[counts], problem.weight[counts][:, None]
    cost = weight * minutes
    start = _start(cost, problem.points, deadline=deadline, seed=seed)
    if problem.points == 1 or problem.points == cost.shape[1]:
        # One point was chosen by trying all; all points leave no choice.
        return Choice(start, problem.value(start), problem.value(start))
    found = bound_median(cost, start, deadline=deadline)
    chosen, bound = found.chosen, found.bound
    if found.total - bound > EXACT * found.total and time.monotonic() < deadline:
        chosen, bound = _close(cost, found, deadline=deadline, seed=seed)
    value = problem.value(chosen)
    return Choice(chosen, value, min(max(bound, 0.0), value))


def _start(cost: Numbers, points: int, *, deadline: float, seed: int) -> Labels:
    """Choose good points that can reach every place."""
    finite = np.isfinite(cost)
    far = _FAR * max(float(cost[finite].max(initial=0.0)), 1e-9)
    known = np.where(finite, cost, far)
    start = exchange_points(known, points, starts=_STARTS, seed=seed)
    if not finite[:, start].any(axis=1).all():
        cover = find_cover(finite, points, deadline=deadline, seed=seed).chosen
        if cover is not None:
            spare = np.setdiff1d(np.arange(cost.shape[1]), cover)
            start = improve_points(known, np.append(cover, spare[: points - len(cover)]))
    return start


def _close(cost: Numbers, found: MedianBound, *, deadline: float, seed: int) -> tuple[Labels, float]:
    """Decide among what a better choice could hold; the points and the bound."""
    may_open, has_to_open, may_serve = found.undecided(cost)
    if may_open.sum() < len(found.chosen) or not may_serve.any(axis=1).all():
        return found.chosen, found.total
    program, columns = _program(cost, may_open, has_to_open, may_serve, len(found.chosen))
    solution = solve(program, time_limit_s=deadline - time.monotonic(), seed=seed)
    if solution.is_infeasible:
        return found.chosen, found.total
    chosen, total = found.chosen, found.total
    if solution.x is not None:
        better = columns[solution.x[: len(columns)] > 0.5]  # noqa: PLR2004 - whole numbers, up to rounding
        cheaper = float(cost[:, better].min(axis=1).sum()) if len(better) == len(chosen) else np.inf
        if cheaper < total:
            chosen, total = better, cheaper
    return chosen, min(max(found.bound, solution.bound), total)


def _program(
    cost: Numbers, may_open: Flags, has_to_open: Flags, may_serve: Flags, points: int
) -> tuple[Program, Labels]:
    """Write the program of the points that may be chosen and the pairs that may matter."""
    n, columns = len(cost), np.flatnonzero(may_open)
    m = len(columns)
    place, point = np.nonzero(may_serve[:, columns])
    pairs = len(place)
    pair = np.arange(pairs)
    # Rows: one of each place, then one of each pair, then the number of points.
    row = np.concatenate([place, n + pair, n + pair, np.full(m, n + pairs)])
    column = np.concatenate([m + pair, m + pair, point, np.arange(m)])
    value = np.concatenate([np.ones(2 * pairs), -np.ones(pairs), np.ones(m)])
    matrix = coo_array((value, (row, column)), shape=(n + pairs + 1, m + pairs)).tocsc()
    exactly = np.append(np.ones(n), float(points))
    low = np.concatenate([exactly[:n], np.full(pairs, -np.inf), exactly[n:]])
    high = np.concatenate([exactly[:n], np.zeros(pairs), exactly[n:]])
    is_point = np.arange(m + pairs) < m
    program = Program(
        cost=np.concatenate([np.zeros(m), cost[:, columns][place, point]]),
        matrix=matrix,
        row_low=low,
        row_high=high,
        low=np.concatenate([has_to_open[columns].astype("float64"), np.zeros(pairs)]),
        high=np.ones(m + pairs),
        is_integer=is_point,
    )
    return program, columns
