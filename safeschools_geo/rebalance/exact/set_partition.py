"""One set of units for each zone, every unit once: plans below a cost, or the proof that there are none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array, eye_array, hstack

from safeschools_geo.rebalance.exact.bit_sets import TooManySetsError
from safeschools_geo.rebalance.exact.set_pool import Choice, SetPool, close_pool
from safeschools_geo.rebalance.exact.zone_sets import MOST_SETS, Budget, ZoneSets, zone_budgets
from safeschools_geo.rebalance.problem import Labels, Numbers
from safeschools_geo.rebalance.solving.solver import Program, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from safeschools_geo.rebalance.problem import Problem

_ROUNDING = 1e-6
_NEW_SETS = 150
_MOST_ROUNDS = 400
_LARGEST_POOL = 1_200_000
_NEAR = 0.02
_BATCH = 20_000
_NARROW_SETS = 100_000


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search for a plan below a cost came to.

    Parameters
    ----------
    bound
        No plan costs less; infinite where there is no plan at all.
    label
        The best plan found, shape (n,); None where none was.
    is_closed
        Whether it is proven that there is no better plan below the cost that was asked for.
    log
        What was done, in a few lines.
    """

    bound: float
    label: Labels | None
    is_closed: bool
    log: str = ""


@dataclass(frozen=True, eq=False)
class Aim:
    """What is looked for.

    Parameters
    ----------
    cost
        Cost of each unit in each zone, shape (n, k).
    cutoff
        Plans may cost this much at most.
    max_moves
        Most units that may move; None where the cost says so already.
    levels_loads
        Whether, among the plans below the cutoff, the one of smallest imbalance is wanted, not that of smallest cost.
    """

    cost: Numbers
    cutoff: float
    max_moves: int | None = None
    levels_loads: bool = False


class _Master:
    """The linear program over the sets found so far."""

    def __init__(self, problem: Problem, aim: Aim) -> None:
        self._n, self._k, self._aim = len(problem), problem.zones, aim
        self._moves = (np.arange(self._k)[None, :] != problem.start[:, None]).astype("float64")
        self._covers = np.zeros((0, self._n + self._k), dtype=np.int8)
        self._costs, self._moved = np.zeros(0), np.zeros(0)
        # Prices stay within this, so that there is an answer before every unit can be covered.
        self._penalty = 3.0 * max(1e-9, float(np.abs(aim.cost).max()))

    def add(self, members: NDArray[np.int8], zone: int) -> None:
        held = members.astype("float64")
        self._covers = np.concatenate([self._covers, _covers(members, zone, self._k)])
        self._costs = np.concatenate([self._costs, held @ self._aim.cost[:, zone]])
        self._moved = np.concatenate([self._moved, held @ self._moves[:, zone]])

    def solve(self) -> _Prices:
        rows, sets = self._n + self._k, len(self._costs)
        parts, limits = [self._covers.T.astype("float64")], []
        if self._aim.max_moves is not None:
            parts.append(self._moved[None])
            limits.append(float(self._aim.max_moves))
        columns = csc_array(np.vstack(parts)) if sets else csc_array((rows + len(limits), 0))
        slack = eye_array(rows + len(limits), rows)
        matrix = csc_array(hstack([columns, slack, -slack]))
        found = solve(
            Program(
                np.r_[self._costs, np.full(2 * rows, self._penalty)],
                matrix,
                np.r_[np.ones(rows), np.full(len(limits), -np.inf)],
                np.r_[np.ones(rows), limits],
                np.zeros(sets + 2 * rows),
                np.full(sets + 2 * rows, np.inf),
            )
        )
        dual = found.row_dual
        move = float(dual[-1]) if self._aim.max_moves is not None else 0.0
        return _Prices(dual[: self._n], dual[self._n : rows], move)


def _covers(members: NDArray[np.int8], zone: int, zones: int) -> NDArray[np.int8]:
    """Put what sets cover beside each other: their units, and their zone."""
    own = np.zeros((len(members), zones), dtype=np.int8)
    own[:, zone] = 1
    return np.hstack([members, own])


@dataclass(frozen=True, eq=False)
class _Prices:
    """What covering each unit and each zone is worth, and a move."""

    unit: Numbers
    zone: Numbers
    move: float

    def of(self, problem: Problem, aim: Aim, zone: int) -> Numbers:
        """Give the price of each unit in a zone, shape (n,)."""
        price: Numbers = aim.cost[:, zone] - self.unit - self.move * (problem.start != zone)
        return price

    def bound(self, aim: Aim, least: Numbers) -> float:
        """Give the Lagrangian bound, where the cheapest set of each zone costs so much."""
        return float(self.unit.sum() + least.sum() + self.move * (aim.max_moves or 0))


@dataclass(frozen=True, eq=False)
class _Limits:
    """How far plans may go."""

    tolerance: float
    max_moves: int
    budgets: list[Budget]
    deadline: float


def find_plan(problem: Problem, aim: Aim, *, tolerance: float, max_moves: int, deadline: float) -> Outcome:
    """Find a plan below a cost, or prove that there is none.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    aim
        What is looked for.
    tolerance
        Largest imbalance.
    max_moves
        Most units that may move.
    deadline
        Moment of `time.perf_counter` at which to stop.

    Returns
    -------
    Outcome
        The plan, or the bound.

    Notes
    -----
    A plan picks one contiguous set for each zone such that every unit is picked once. The linear program over sets is
    solved with those that change few units. At its prices all other sets are looked for that are worth while, until
    there are none: then its value is a bound for every contiguous plan. Every set that could belong to a plan below
    the cutoff is listed with them, and the choice among these is an integer program (`set_pool.close_pool`).

    References
    ----------
    Mehrotra, A., Johnson, E. L., and Nemhauser, G. L. (1998). An optimization based heuristic for political
    districting. Management Science 44(8), 1100–1114.
    Baldacci, R., Christofides, N., and Mingozzi, A. (2008). An exact algorithm for the vehicle routing problem based
    on the set partitioning formulation with additional cuts. Mathematical Programming 115, 351–385.
    """
    budgets = zone_budgets(problem, max_moves=max_moves, tolerance=tolerance)
    asked = f"plans of at most {max_moves} moves, imbalance at most {tolerance:.9f}, cost at most {aim.cutoff:.9g}"
    if budgets is None:
        return Outcome(np.inf, None, is_closed=True, log=f"{asked}: none, for zones need more moves than there are")
    limits = _Limits(tolerance, max_moves, budgets, deadline)
    try:
        bound, pool = _bound_and_pool(problem, limits, aim)
    except TooManySetsError:
        return Outcome(-np.inf, None, is_closed=False, log=f"{asked}: too many sets to list")
    if pool is None or bound > aim.cutoff + _ROUNDING:
        is_none = bound > aim.cutoff + _ROUNDING
        told = f"{asked}: cost at least {bound:.9g} by the linear program{', so none' if is_none else ''}"
        return Outcome(bound, None, is_closed=is_none, log=told)
    chosen = close_pool(
        pool,
        cutoff=aim.cutoff,
        max_moves=aim.max_moves,
        levels_loads=aim.levels_loads,
        deadline=deadline,
    )
    told = (
        f"{asked}: cost at least {bound:.9g} by the linear program; {len(pool)} sets could belong to such a plan "
        f"(by zone: {', '.join(map(str, np.bincount(pool.zone, minlength=problem.zones)))}); choosing among them: "
        f"{'a plan' if chosen.sets is not None else 'no plan'}, {'closed' if chosen.is_closed else 'not closed'}"
    )
    return Outcome(max(bound, chosen.bound), _label_of(problem, chosen), is_closed=chosen.is_closed, log=told)


def _bound_and_pool(problem: Problem, limits: _Limits, aim: Aim) -> tuple[float, SetPool | None]:
    """Solve the linear program over all sets, and list those that can belong to a plan below the cutoff."""
    master = _Master(problem, aim)
    prices = _price_out(problem, _narrow_sets(problem, limits), aim, master, deadline=limits.deadline)
    while True:
        least = _least_by_zone(problem, limits, aim, prices, master)
        bound = prices.bound(aim, least)
        is_near = prices.bound(aim, prices.zone) - bound < _NEAR * max(1e-9, float(np.abs(aim.cost).max()))
        if is_near or bound > aim.cutoff + _ROUNDING:
            break
        if time.perf_counter() > limits.deadline:
            return -np.inf, None
        prices = master.solve()
    if bound > aim.cutoff + _ROUNDING:
        return bound, None
    return bound, _pool_within(problem, limits, aim, prices, least + (aim.cutoff - bound + 2 * _ROUNDING))


def _narrow_sets(problem: Problem, limits: _Limits) -> list[ZoneSets]:
    """List the sets that change few units, as few as can be listed quickly."""
    found = []
    for zone, budget in enumerate(limits.budgets):
        for spare in (3, 2, 1, 0):
            try:
                sets = ZoneSets(
                    problem,
                    zone,
                    budget.narrowed(spare),
                    tolerance=limits.tolerance,
                    max_moves=limits.max_moves,
                    most=_NARROW_SETS if spare else MOST_SETS,
                )
            except TooManySetsError:
                if spare == 0:
                    raise
                continue
            found.append(sets)
            break
    return found


def _price_out(problem: Problem, narrow: Sequence[ZoneSets], aim: Aim, master: _Master, *, deadline: float) -> _Prices:
    """Solve the linear program over the sets that change few units."""
    prices = master.solve()
    for _ in range(_MOST_ROUNDS):
        added = 0
        for zone, sets in enumerate(narrow):
            limit = float(prices.zone[zone]) - _ROUNDING
            _, found = sets.cheapest(prices.of(problem, aim, zone), limit, count=_NEW_SETS)
            master.add(sets.members(found), zone)
            added += len(found)
        if added == 0 or time.perf_counter() > deadline:
            break
        prices = master.solve()
    return prices


def _least_by_zone(problem: Problem, limits: _Limits, aim: Aim, prices: _Prices, master: _Master) -> Numbers:
    """Find the price of the cheapest set of each zone, at most what the zone is worth; add the sets below that."""
    least = prices.zone.copy()
    for zone in range(problem.zones):
        sums, members = _cheap_sets(
            problem, limits, aim, prices, zone, limit=float(prices.zone[zone]) - _ROUNDING, most=_LARGEST_POOL
        )
        least[zone] = min(sums.min(initial=np.inf), least[zone])
        master.add(members[:_NEW_SETS], zone)
    return least


def _pool_within(problem: Problem, limits: _Limits, aim: Aim, prices: _Prices, dearest: Numbers) -> SetPool:
    """List every set that costs at most so much in each zone."""
    parts, left = [], _LARGEST_POOL
    for zone in range(problem.zones):
        _, members = _cheap_sets(problem, limits, aim, prices, zone, limit=float(dearest[zone]), most=left)
        parts.append((members, np.full(len(members), zone)))
        left -= len(members)
    members, zones = (np.concatenate(p) for p in zip(*parts, strict=True))
    return _pool_of(problem, aim, members, zones)


def _cheap_sets(
    problem: Problem, limits: _Limits, aim: Aim, prices: _Prices, zone: int, *, limit: float, most: int
) -> tuple[Numbers, NDArray[np.int8]]:
    """List the contiguous sets of a zone that cost less than a limit, the cheapest first, and their prices."""
    price = prices.of(problem, aim, zone)
    sets = ZoneSets(
        problem,
        zone,
        limits.budgets[zone],
        tolerance=limits.tolerance,
        max_moves=limits.max_moves,
        price=price,
        limit=limit,
    )
    sums, bits = sets.cheaper_than(price, limit, most=most)
    parts = []
    for begin in range(0, max(len(bits), 1), _BATCH):
        if time.perf_counter() > limits.deadline:
            raise TooManySetsError
        parts.append(sets.contiguous(bits[begin : begin + _BATCH]))
    is_whole = np.concatenate(parts)
    return sums[is_whole], sets.members(bits[is_whole])


def _pool_of(problem: Problem, aim: Aim, members: NDArray[np.int8], zones: Labels) -> SetPool:
    weights = members.astype("float64")
    moved = (weights * (problem.start[None, :] != zones[:, None])).sum(axis=1)
    cost = np.einsum("sn,sn->s", weights, aim.cost.T[zones])
    return SetPool(members, zones, problem.zones, cost, moved, np.abs(weights @ problem.share - 1.0))


def _label_of(problem: Problem, chosen: Choice) -> Labels | None:
    if chosen.sets is None:
        return None
    label = np.zeros(len(problem), dtype="int64")
    for held, zone in zip(*chosen.sets, strict=True):
        label[held == 1] = zone
    return label
