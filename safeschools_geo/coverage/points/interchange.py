"""Good points soon: greedy choices of points of least cost, made better by one exchange at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.staging_problem import Labels
    from safeschools_geo.programs import Numbers

_ROUNDING = 1e-12


def exchange_points(cost: Numbers, points: int, *, starts: int, seed: int) -> Labels:
    """Choose points with a small sum of costs.

    Parameters
    ----------
    cost
        Cost of each place at each point, finite, shape (n, m).
    points
        Number of points to choose.
    starts
        Random starts beside the greedy one.
    seed
        Seed of the random starts.

    Returns
    -------
    numpy.ndarray
        Columns of the points, rising, shape (points,). No exchange of one point for another makes them better; they
        need not be the best.

    References
    ----------
    Teitz, M. B., and Bart, P. (1968). Heuristic methods for estimating the generalized vertex median of a weighted
    graph. Operations Research 16(5), 955–961.
    Resende, M. G. C., and Werneck, R. F. (2007). A fast swap-based local search procedure for location problems. Annals
    of Operations Research 150, 205–230.
    """
    if points == 1:
        return np.array([int(cost.sum(axis=0).argmin())])
    if points == cost.shape[1]:
        return np.arange(points)
    rng = np.random.default_rng(seed)
    firsts = [_greedy(cost, points), *(rng.choice(cost.shape[1], points, replace=False) for _ in range(starts))]
    found = [improve_points(cost, first) for first in firsts]
    return min(found, key=lambda chosen: float(cost[:, chosen].min(axis=1).sum()))


def improve_points(cost: Numbers, chosen: Labels) -> Labels:
    """Exchange a point for another while that lowers the sum of costs.

    Parameters
    ----------
    cost
        Cost of each place at each point, finite, shape (n, m).
    chosen
        Columns to begin with, two at least.

    Returns
    -------
    numpy.ndarray
        Columns of the points, rising.
    """
    chosen = np.sort(chosen)
    places = np.arange(len(cost))
    while True:
        near = np.argpartition(cost[:, chosen], 1, axis=1)[:, :2]
        first, second = (cost[places, chosen[near[:, k]]] for k in (0, 1))
        belongs = np.zeros((len(chosen), len(cost)))
        belongs[near[:, 0], places] = 1.0
        gain = np.maximum(first[:, None] - cost, 0.0).sum(axis=0)
        loss = belongs @ (second - first)
        # Who loses the nearest point goes to the second, or to the new one if that is nearer.
        kept = belongs @ np.maximum(second[:, None] - np.maximum(cost, first[:, None]), 0.0)
        saved = gain[None, :] - loss[:, None] + kept
        saved[:, chosen] = -np.inf
        out, new = np.unravel_index(int(saved.argmax()), saved.shape)
        if saved[out, new] <= _ROUNDING * max(first.sum(), 1e-300):
            return chosen
        chosen = np.sort(np.append(np.delete(chosen, out), new))


def _greedy(cost: Numbers, points: int) -> Labels:
    chosen: list[int] = [int(cost.sum(axis=0).argmin())]
    nearest = cost[:, chosen[0]]
    while len(chosen) < points:
        gain = np.maximum(nearest[:, None] - cost, 0.0).sum(axis=0)
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
        nearest = np.minimum(nearest, cost[:, chosen[-1]])
    return np.array(chosen)
