"""Covering as many calls as possible: by one officer within reach, or by several of whom each is busy at times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array

from safeschools_geo.coverage.points.staging_problem import Choice
from safeschools_geo.programs import Program, solve

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.staging_problem import Labels, StagingProblem
    from safeschools_geo.programs import Flags, Numbers


def busy_gains(busy_share: float, points: int) -> tuple[float, ...]:
    """Value the first, second, … officer within reach of a call.

    Parameters
    ----------
    busy_share
        Share q of the time that each officer is busy.
    points
        Number of officers.

    Returns
    -------
    tuple of float
        ``(1 - q) q**(k - 1)``: how much the k-th officer raises the chance that one is free; those above 0.
    """
    gains = tuple((1 - busy_share) * busy_share**k for k in range(points))
    return tuple(gain for gain in gains if gain > 0) or (0.0,)


def best_cover(problem: StagingProblem, *, deadline: float = np.inf, seed: int = 0) -> Choice:
    """Choose the points that cover the largest share of calls.

    Parameters
    ----------
    problem
        Minutes, weights, reach and number of officers.
    deadline
        Moment of `time.monotonic` at which to stop.
    seed
        Seed of the solver.

    Returns
    -------
    Choice
        The points, the share, and the largest that any choice can have.

    Notes
    -----
    With N_i the points within reach of place i, w_i its share of calls and g_k what the k-th officer is worth
    (`busy_gains`; 1 and no more where officers are never busy)::

        maximise    Σ_i Σ_k w_i g_k z_ik
        subject to  Σ_k z_ik ≤ Σ_{j in N_i} y_j   for every place i
                    Σ_j y_j ≤ p,   y_j whole,   0 ≤ z_ik ≤ 1

    As g falls with k, z fills up in order, and need not be asked to be whole. Places with the same N_i are added up; a
    point whose places another point reaches too is left out where that loses nothing. Officers are taken to be busy
    independently of each other and of where they wait, as Daskin does: a first look, not the hypercube model.

    References
    ----------
    Church, R., and ReVelle, C. (1974). The maximal covering location problem. Papers of the Regional Science
    Association 32, 101–118.
    Daskin, M. S. (1983). A maximum expected covering location model: formulation, properties and heuristic solution.
    Transportation Science 17(1), 48–70.
    """
    covers, weight = _merged(problem.covers, problem.weight)
    columns = np.arange(covers.shape[1])
    if problem.may_share or len(problem.gains) == 1:
        columns = _needed(covers)
    table = covers[:, columns]
    start = _greedy(table, weight, problem)
    solution = solve(_program(table, weight, problem), start=start, time_limit_s=deadline - time.monotonic(), seed=seed)
    best, value = _points(start, columns, problem), -1.0
    for x in (start, solution.x):
        if x is not None:
            chosen = _points(x, columns, problem)
            if problem.value(chosen) > value:
                best, value = chosen, problem.value(chosen)
    return Choice(best, value, max(value, min(-solution.bound, sum(problem.gains) * float(problem.weight.sum()))))


def _merged(covers: Flags, weight: Numbers) -> tuple[Flags, Numbers]:
    """Add up places that are reached from the same points, and leave out those without calls."""
    counts = (weight > 0) & covers.any(axis=1)
    sets, group = np.unique(covers[counts], axis=0, return_inverse=True)
    total = np.bincount(group.ravel(), weights=weight[counts], minlength=len(sets)).astype("float64")
    return sets, total


def _needed(covers: Flags) -> Labels:
    """Leave out points whose places another point reaches too (of equal points: all but the first)."""
    table = covers.astype("float32")
    common, size, order = table.T @ table, table.sum(axis=0), np.arange(covers.shape[1])
    is_larger = (size[None, :] > size[:, None]) | ((size[None, :] == size[:, None]) & (order[None, :] < order[:, None]))
    return np.flatnonzero(~((common == size[:, None]) & is_larger).any(axis=1))


def _most(problem: StagingProblem) -> int:
    return problem.points if problem.may_share else 1


def _greedy(covers: Flags, weight: Numbers, problem: StagingProblem) -> Numbers:
    """Send one officer after the other to where most is won; a start for the solver, of all its variables."""
    gains = np.append(np.array(problem.gains), 0.0)
    officers, reached = np.zeros(covers.shape[1]), np.zeros(len(covers), dtype="int64")
    for _ in range(problem.points):
        won = (weight * gains[np.minimum(reached, len(gains) - 1)]) @ covers
        won[officers >= _most(problem)] = -1.0
        if not won.max() > 0:
            break
        officers[int(won.argmax())] += 1
        reached += covers[:, int(won.argmax())]
    filled = np.arange(len(problem.gains))[None, :] < reached[:, None]
    return np.concatenate([officers, filled.ravel().astype("float64")])


def _program(covers: Flags, weight: Numbers, problem: StagingProblem) -> Program:
    n, m = covers.shape
    levels = len(problem.gains)
    place, point = np.nonzero(covers)
    z = m + np.arange(n * levels)
    row = np.concatenate([np.repeat(np.arange(n), levels), place, np.full(m, n)])
    column = np.concatenate([z, point, np.arange(m)])
    value = np.concatenate([np.ones(n * levels), -np.ones(len(place)), np.ones(m)])
    size = m + n * levels
    return Program(
        cost=np.concatenate([np.zeros(m), -np.outer(weight, problem.gains).ravel()]),
        matrix=coo_array((value, (row, column)), shape=(n + 1, size)).tocsc(),
        row_low=np.full(n + 1, -np.inf),
        row_high=np.append(np.zeros(n), float(problem.points)),
        low=np.zeros(size),
        high=np.append(np.full(m, float(_most(problem))), np.ones(n * levels)),
        is_integer=np.arange(size) < m,
    )


def _points(x: Numbers, columns: Labels, problem: StagingProblem) -> Labels:
    """Read the points, and let officers who would gain nothing wait at the first points that are free."""
    officers = np.round(x[: len(columns)]).astype("int64")
    chosen = np.repeat(columns, officers)
    spare = np.setdiff1d(np.arange(problem.minutes.shape[1]), chosen)
    if problem.may_share:
        spare = np.append(spare, np.zeros(problem.points, dtype="int64"))
    return np.sort(np.concatenate([chosen, spare[: problem.points - len(chosen)]]))
