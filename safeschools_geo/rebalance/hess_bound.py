"""A bound on the travel of every plan, contiguous or not, wherever its centres lie: Hess's model, relaxed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.places import Labels, Numbers

if TYPE_CHECKING:
    from safeschools_geo.rebalance.median_problem import MedianProblem

_PATIENCE = 20
"""Steps without a better bound after which steps are halved."""

_SHORTEST_STEP = 1e-3
_STEADY = 0.6
"""Share of the last direction that is kept: plain subgradients zigzag."""


@dataclass(frozen=True, eq=False)
class HessBound:
    """A lower bound on travel over all plans within the tolerance.

    Parameters
    ----------
    bound
        The bound; infinite where no choice of centres can meet the limits of load.
    least_with
        Bound on every plan in which a unit is assigned to a candidate, shape (n, m).
    opened
        Sets of candidates that the best steps took as centres, the last one first; each of shape (k,).
    """

    bound: float
    least_with: Numbers
    opened: list[Labels]


def hess_bound(
    problem: MedianProblem, *, travel: float, price: Numbers, steps: int = 500, gap: float = 0.0
) -> HessBound:
    """Bound travel from below by Lagrangian relaxation.

    Parameters
    ----------
    problem
        What is divided.
    travel
        Travel of a good plan, or an estimate of it: it sets the length of the steps, no more.
    price
        First guess of what assigning each unit costs, shape (n,), such as the duals of the transport problem.
    steps
        Number of steps.
    gap
        Relative gap to `travel` at which to stop.

    Returns
    -------
    HessBound
        The bound, and which assignments no plan shorter than a given one can hold.

    Notes
    -----
    Hess's model opens k candidates and assigns every unit to one that is open, within the limits of load. That every
    unit be assigned once is relaxed at a price for each unit. What is left falls apart into one continuous knapsack for
    each candidate, solved by sorting; the k cheapest open. At the best prices the bound is that of the linear
    relaxation of the model; prices are found by subgradients with a memory. Contiguity only takes plans away, so the
    bound holds with and without it.

    References
    ----------
    Hess, S. W., et al. (1965). Nonpartisan political redistricting by computer. Operations Research 13(6), 998–1006.
    Validi, H., Buchanan, A., and Lykhovyd, E. (2022). Imposing contiguity constraints in political districting models.
    Operations Research 70(2), 867–892.
    """
    least = np.full(problem.travel.shape, -np.inf)
    best, best_price, scale, waited = -np.inf, price, 1.0, 0
    direction = np.zeros_like(price)
    opened: list[Labels] = []
    for _ in range(steps):
        worth, served, fixing = _knapsacks(problem, price)
        order = np.argsort(worth, kind="stable")[: problem.zones]
        bound = float(price.sum() + worth[order].sum())
        if not np.isfinite(bound):
            return HessBound(np.inf, np.full_like(least, np.inf), opened)
        beyond = np.maximum(worth - worth[order[-1]], 0.0)
        least = np.maximum(least, bound + beyond[None, :] + fixing)
        if bound > best + 1e-6 * abs(best) or not np.isfinite(best):
            best, best_price, waited = bound, price, 0
            opened.insert(0, order)
        else:
            best, waited = max(best, bound), waited + 1
        if waited >= _PATIENCE:
            scale, waited, price, direction = scale / 2, 0, best_price, np.zeros_like(price)
            continue
        slope = 1 - served[:, order].sum(axis=1)
        direction = slope + _STEADY * direction
        norm = float(direction @ direction)
        if norm < 1e-12 or scale < _SHORTEST_STEP or best >= travel * (1 - gap):  # noqa: PLR2004
            break
        price = price + scale * max(travel - bound, 1e-6 * travel) / norm * direction
    return HessBound(best, least, opened)


def _knapsacks(problem: MedianProblem, price: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Fill each candidate's zone cheaply: its worth (m,), its shares and what forcing a unit in costs (n, m)."""
    load, m = problem.load[:, None], len(problem.candidates)
    is_open = problem.reachable
    worth = np.where(is_open, problem.travel - price[:, None], 0.0)
    rate = np.divide(worth, load, out=np.where(worth < 0, -np.inf, np.inf), where=load > 0)
    rate[~is_open] = np.inf
    rate[problem.candidates, np.arange(m)] = -np.inf
    order = np.argsort(rate, axis=0, kind="stable")
    rate, size, value = (np.take_along_axis(a, order, 0) for a in (rate, np.where(is_open, load, 0.0), worth))
    filled = np.cumsum(size, axis=0)
    wanted = np.where(rate < 0, size, 0.0).sum(axis=0)
    target = np.clip(wanted, problem.lower, problem.upper)
    part = np.divide(target - filled + size, size, out=(rate == -np.inf) * 1.0, where=size > 0).clip(0, 1)
    total = (part * value).sum(axis=0)
    cannot = (filled[-1] < problem.lower) | (problem.load[problem.candidates] > problem.upper)
    share = np.zeros_like(part)
    np.put_along_axis(share, order, part, 0)
    last = np.minimum((filled < target).sum(axis=0), len(order) - 1)
    marginal = np.where(wanted == target, 0.0, rate[last, np.arange(m)])
    marginal = np.where(np.isfinite(marginal), marginal, 0.0)
    forced = np.where(share < 1, np.maximum(worth - marginal * load, 0.0), 0.0)
    return np.where(cannot, np.inf, total), share, np.where(is_open, forced, np.inf)
