"""How many moves it takes at least to bring a unit into a zone."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.problem import NO_ROOT

if TYPE_CHECKING:
    from safeschools_geo.rebalance.problem import Flags, Labels, Numbers, Problem


def moves_needed(problem: Problem) -> Labels:
    """Count the units that have to move at least for a unit to be in a zone.

    Parameters
    ----------
    problem
        What is to be rebalanced.

    Returns
    -------
    numpy.ndarray
        Shape (n, k), int64: 0 in the current zone, else the fewest units on a way to the zone that are not in it yet,
        the unit itself among them; or, where the zone has no root among its units and could move away
        altogether, all its units and this one, if that is fewer.
    """
    n, k = len(problem), problem.zones
    needed = np.full((n, k), n + 1, dtype="int64")
    for zone in range(k):
        steps = np.where(problem.start == zone, 0.0, 1.0)
        needed[:, zone] = _distances(problem, np.flatnonzero(problem.start == zone).tolist(), steps).clip(max=n + 1)
        if problem.can_move_away[zone]:
            outside = problem.start != zone
            needed[outside, zone] = np.minimum(needed[outside, zone], problem.sizes[zone] + 1)
    return needed


def within_moves(problem: Problem, max_moves: int | None) -> Flags:
    """Say which units can come into which zones with so many moves.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    max_moves
        Most units that may move; None for no limit.

    Returns
    -------
    numpy.ndarray
        Shape (n, k), bool. A unit that can leave its zone for none is fixed, however deep inside it lies.
    """
    if max_moves is None:
        return problem.allowed.copy()
    within: Flags = problem.allowed & (moves_needed(problem) <= max_moves)
    return within


def centres_of(problem: Problem) -> Labels:
    """Find the unit that each zone is grown from: its root, else that of the least travel within the zone.

    Parameters
    ----------
    problem
        What is to be rebalanced.

    Returns
    -------
    numpy.ndarray
        Rows of units, shape (k,).
    """
    centres = problem.roots.copy()
    for zone in np.flatnonzero(centres == NO_ROOT):
        own = np.flatnonzero(problem.start == zone)
        # Travel is load × distance to the centre of the current zone: where that is 0 per load is the centre.
        near = problem.travel[own, zone] / np.maximum(problem.load[own], 1e-12)
        centres[zone] = own[np.lexsort((own, near, problem.load[own] <= 0))[0]]
    return centres


def outward_order(problem: Problem) -> Numbers:
    """Measure how far each unit lies from the centre of each zone, on the graph of neighbours.

    Parameters
    ----------
    problem
        What is to be rebalanced.

    Returns
    -------
    numpy.ndarray
        Shape (n, k): steps, those through other zones counting n times, so that a contiguous zone is in order as it
        is; infinite where there is no way.
    """
    n = len(problem)
    order = np.full((n, problem.zones), np.inf)
    for zone, centre in enumerate(centres_of(problem)):
        steps = np.where(problem.start == zone, 1.0, float(n))
        order[:, zone] = _distances(problem, [int(centre)], steps)
    return order


def _distances(problem: Problem, sources: list[int], steps: Numbers) -> Numbers:
    """Find the cheapest way to each unit, where entering a unit costs its step (Dijkstra)."""
    distance = np.full(len(problem), np.inf)
    distance[sources] = 0.0
    queue = [(0.0, unit) for unit in sources]
    while queue:
        so_far, unit = heapq.heappop(queue)
        if so_far > distance[unit]:
            continue
        for other in problem.neighbours[unit]:
            longer = so_far + steps[other]
            if longer < distance[other]:
                distance[other] = longer
                heapq.heappush(queue, (longer, other))
    return distance
