"""A bound on the travel of every plan, contiguous or not, wherever its centres lie: Hess's model, relaxed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.median.model import MedianModel
from safeschools_geo.rebalance.median.places import Labels, Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.rebalance.median.problem import Flags, MedianProblem
    from safeschools_geo.rebalance.median.transport import Transport

_STEPS = 100
_PATIENCE = 20
"""Subgradient steps, and those without a better bound after which they are halved."""

_STEADY = 0.6
"""Share of the last direction that is kept: plain subgradients zigzag."""

_STILL = 1e-12
_SIFTINGS = 12
_CORE = 15
"""Pairs for each unit that a linear program starts with."""

_KEPT = 0.3
"""Pairs stay in it whose bound lies within this share of the gap."""

_HELD = 1e-9
_CLOSE = 1e-5
"""The relaxation is solved when its bound is this near to the linear program over some pairs."""

_REMEMBERED = 40


@dataclass(frozen=True, eq=False)
class HessBound:
    """A lower bound on travel over all plans within the tolerance.

    Parameters
    ----------
    bound
        The bound; infinite where no choice of centres can meet the limits of load.
    least_with
        Bound on every plan in which a unit is assigned to a candidate, shape (n, m).
    price
        Prices of the units that give it, shape (n,).
    served
        How often each unit is assigned in it, shape (n,); 1 in a plan.
    opened
        Sets of candidates that were the centres, those of the best bounds first; each of shape (k,).
    """

    bound: float
    least_with: Numbers
    price: Numbers
    served: Numbers
    opened: list[Labels]


def hess_bound(
    problem: MedianProblem, known: Sequence[Transport], *, travel: float, time_limit_s: float = 60.0, seed: int = 0
) -> HessBound:
    """Bound travel from below by the linear relaxation of Hess's model.

    Parameters
    ----------
    problem
        What is divided.
    known
        Solutions of the transport problem, the best first: where to start from. None at all will do.
    travel
        Travel of a good plan, or an estimate of it: it sets the length of the steps, no more.
    time_limit_s
        Seconds it may take.
    seed
        Seed of the solver.

    Returns
    -------
    HessBound
        The bound, and which assignments no plan shorter than a given one can hold.

    Notes
    -----
    Hess's model opens k candidates and assigns every unit to one that is open, within the limits of load. That every
    unit be assigned once is relaxed at a price for each unit. What is left falls apart into one continuous knapsack for
    each candidate, solved by sorting; the k cheapest open. Any prices give a bound, the best ones that of the linear
    relaxation. A few subgradient steps tell which pairs of unit and candidate matter; the linear program over these
    gives prices, these prices a bound over all pairs and the pairs that were missed, until none is. Contiguity only
    takes plans away, so the bound holds with and without it.

    References
    ----------
    Hess, S. W., et al. (1965). Nonpartisan political redistricting by computer. Operations Research 13(6), 998–1006.
    Validi, H., Buchanan, A., and Lykhovyd, E. (2022). Imposing contiguity constraints in political districting models.
    Operations Research 70(2), 867–892.
    """
    until = time.monotonic() + time_limit_s
    found = _descend(problem, travel, known[0].price if known else problem.travel.min(axis=1))
    core, each, here = _served(problem, known), _CORE, found
    for _ in range(_SIFTINGS):
        if not np.isfinite(found.bound) or time.monotonic() > until:
            break
        core = _with_owners(problem, core | _smallest(here.least_with, each))
        model = MedianModel(problem, core, joins="alone", seed=seed)
        value, lifted = model.relax(time_limit_s=until - time.monotonic())
        if lifted is None:
            each *= 2
            continue
        # The next pairs are those that these very prices miss; bounds are kept of all prices tried.
        here = _evaluate(problem, model.prices())
        found = _better(found, _better(here, _evaluate(problem, (found.price + here.price) / 2)))
        held = model.shares() > _HELD
        core = held | (core & (here.least_with <= here.bound + _KEPT * max(travel - here.bound, 0.0)))
        if value - found.bound <= _CLOSE * value:
            break
    return found


def _descend(problem: MedianProblem, travel: float, price: Numbers) -> HessBound:
    """Make subgradient steps with a memory."""
    best, scale, waited = _evaluate(problem, price), 1.0, 0
    direction = np.zeros_like(price)
    for _ in range(_STEPS):
        found = _evaluate(problem, price)
        if not np.isfinite(found.bound):
            return found
        waited = 0 if found.bound > best.bound else waited + 1
        best = _better(best, found)
        if waited >= _PATIENCE:
            scale, waited, price, direction = scale / 2, 0, best.price, np.zeros_like(price)
            continue
        direction = 1 - found.served + _STEADY * direction
        norm = float(direction @ direction)
        if norm < _STILL or found.bound >= travel:
            break
        price = price + scale * (travel - found.bound) / norm * direction
    return best


def _better(one: HessBound, other: HessBound) -> HessBound:
    """Join what two evaluations prove, and the centres they opened."""
    first, second = (other, one) if other.bound > one.bound else (one, other)
    least = np.maximum(one.least_with, other.least_with)
    return HessBound(first.bound, least, first.price, first.served, [*first.opened, *second.opened][:_REMEMBERED])


def _served(problem: MedianProblem, known: Sequence[Transport]) -> Flags:
    """Mark the pairs of known solutions, with which the linear program has one."""
    marked = np.zeros(problem.travel.shape, dtype=bool)
    for transport in known:
        marked[:, transport.centres] |= transport.share > _HELD
    return marked


def _smallest(least: Numbers, each: int) -> Flags:
    """Mark the pairs that good plans seem to hold."""
    known = np.sort(least[np.isfinite(least)])
    marked: Flags = least <= known[min(each * len(least), len(known) - 1)]
    return marked


def _with_owners(problem: MedianProblem, core: Flags) -> Flags:
    opened = np.flatnonzero(core.any(axis=0))
    whole = core.copy()
    whole[problem.candidates[opened], opened] = True
    return whole


def _evaluate(problem: MedianProblem, price: Numbers) -> HessBound:
    worth, share, forced = _knapsacks(problem, price)
    opened = np.argsort(worth, kind="stable")[: problem.zones]
    bound = float(price.sum() + worth[opened].sum())
    if not np.isfinite(bound):
        return HessBound(np.inf, np.full(forced.shape, np.inf), price, np.zeros(len(price)), [])
    beyond = np.maximum(worth - worth[opened[-1]], 0.0)
    return HessBound(bound, bound + beyond[None, :] + forced, price, share[:, opened].sum(axis=1), [opened])


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
