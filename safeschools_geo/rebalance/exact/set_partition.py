"""One set of units for each zone, every unit once: plans below a cost, or the proof that there are none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

from safeschools_geo.rebalance.exact.bit_sets import TooManySetsError
from safeschools_geo.rebalance.exact.crossings import Budget, Crossing, crossings, zone_budgets
from safeschools_geo.rebalance.exact.set_pool import Choice, SetPool, close_pool
from safeschools_geo.rebalance.exact.zone_sets import MOST_SETS, ZoneSets
from safeschools_geo.rebalance.problem import Labels, Numbers
from safeschools_geo.rebalance.solving.growing import GrowingProgram, OutOfTimeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.rebalance.problem import Problem

_ROUNDING = 1e-6
_NEW_SETS = 60
_MOST_ROUNDS = 400
_NEAR = 0.02
_BATCH = 20_000
_NARROW_SETS = 100_000
_LARGEST_POOL = 250_000_000
"""Bytes that the sets of a choice may take, one for every unit of each."""


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
    most_sets
        Most sets to choose among; None for as many as memory takes.
    """

    cost: Numbers
    cutoff: float
    max_moves: int | None = None
    levels_loads: bool = False
    most_sets: int | None = None


def _most_sets(aim: Aim) -> int:
    return _LARGEST_POOL // len(aim.cost) if aim.most_sets is None else aim.most_sets


class _Master:
    """The linear program over the sets found so far."""

    def __init__(self, problem: Problem, aim: Aim, limits: _Limits) -> None:
        self._n, self._k, self._aim = len(problem), problem.zones, aim
        self._origin = np.eye(self._k)[problem.start]
        self._crossed = np.array([c.counts for c in limits.crossings]).reshape(-1, self._k, self._k)
        least = np.array([float(c.least) for c in limits.crossings])
        covered = self._n + self._k
        most = np.inf if aim.max_moves is None else float(aim.max_moves)
        low = np.r_[np.ones(covered), least, -np.inf]
        high = np.r_[np.ones(covered), np.full(len(least), np.inf), most]
        self._program = GrowingProgram(low, high)
        # Prices stay within this, so that there is an answer before every unit can be covered.
        penalty = 3.0 * max(1e-9, float(np.abs(aim.cost).max()))
        self._program.soften(range(covered + len(least)), penalty, sign=1.0)
        self._program.soften(range(covered), penalty, sign=-1.0)

    def add(self, members: NDArray[np.int8], zone: int) -> None:
        held = members.astype("float64")
        came_from = held @ self._origin
        crossed = came_from @ self._crossed[:, :, zone].T
        moved = came_from.sum(axis=1) - came_from[:, zone]
        own = np.zeros((len(held), self._k))
        own[:, zone] = 1.0
        self._program.add(held @ self._aim.cost[:, zone], csc_array(np.hstack([held, own, crossed, moved[:, None]]).T))

    def solve(self, *, deadline: float) -> _Prices:
        dual = self._program.solve(deadline=deadline).row_dual
        covered = self._n + self._k
        crossed = np.maximum(dual[covered:-1], 0.0)
        move = min(float(dual[-1]), 0.0)
        by_pair = np.tensordot(crossed, self._crossed, axes=1) + move * (1.0 - np.eye(self._k))
        return _Prices(dual[: self._n], dual[self._n : covered], by_pair, crossed, move)


@dataclass(frozen=True, eq=False)
class _Prices:
    """What covering each unit and each zone is worth, and a move from each zone to each other."""

    unit: Numbers
    zone: Numbers
    by_pair: Numbers
    crossed: Numbers
    move: float

    def of(self, problem: Problem, aim: Aim, zone: int) -> Numbers:
        """Give the price of each unit in a zone, shape (n,)."""
        price: Numbers = aim.cost[:, zone] - self.unit - self.by_pair[problem.start, zone]
        return price

    def bound(self, aim: Aim, limits: _Limits, least: Numbers) -> float:
        """Give the Lagrangian bound, where the cheapest set of each zone costs so much."""
        crossed = sum(price * c.least for price, c in zip(self.crossed, limits.crossings, strict=True))
        return float(self.unit.sum() + least.sum() + crossed + self.move * (aim.max_moves or 0))


@dataclass(frozen=True, eq=False)
class _Limits:
    """How far plans may go."""

    tolerance: float
    max_moves: int
    budgets: list[Budget]
    crossings: list[Crossing]
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
    the cutoff is listed with them, and the choice among these is an integer program (`set_pool.close_pool`). Rows that
    say what has to cross between zones (`crossings`) make the linear program tighter, and their prices add up over
    units, so that the search for sets stays the same.

    References
    ----------
    Mehrotra, A., Johnson, E. L., and Nemhauser, G. L. (1998). An optimization based heuristic for political
    districting. Management Science 44(8), 1100–1114.
    Baldacci, R., Christofides, N., and Mingozzi, A. (2008). An exact algorithm for the vehicle routing problem based
    on the set partitioning formulation with additional cuts. Mathematical Programming 115, 351–385.
    """
    crossed = crossings(problem, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
    budgets = zone_budgets(problem, crossed, max_moves)
    asked = f"plans of at most {max_moves} moves, imbalance at most {tolerance:.9f}, cost at most {aim.cutoff:.9g}"
    if budgets is None:
        return Outcome(np.inf, None, is_closed=True, log=f"{asked}: none, for zones need more moves than there are")
    limits = _Limits(tolerance, max_moves, budgets, crossed, deadline)
    try:
        bound, pool = _bound_and_pool(problem, limits, aim)
    except TooManySetsError:
        return Outcome(-np.inf, None, is_closed=False, log=f"{asked}: too many sets to list")
    except OutOfTimeError:
        return Outcome(-np.inf, None, is_closed=False, log=f"{asked}: no answer in the time given")
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
    master = _Master(problem, aim, limits)
    prices = _price_out(problem, limits, aim, master)
    while True:
        least = _least_by_zone(problem, limits, aim, prices, master)
        bound = prices.bound(aim, limits, least)
        is_near = prices.bound(aim, limits, prices.zone) - bound < _NEAR * max(1e-9, float(np.abs(aim.cost).max()))
        if is_near or bound > aim.cutoff + _ROUNDING:
            break
        prices = master.solve(deadline=limits.deadline)
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


def _price_out(problem: Problem, limits: _Limits, aim: Aim, master: _Master) -> _Prices:
    """Solve the linear program over the sets that change few units."""
    narrow = _narrow_sets(problem, limits)
    prices = master.solve(deadline=limits.deadline)
    for _ in range(_MOST_ROUNDS):
        added = 0
        for zone, sets in enumerate(narrow):
            limit = float(prices.zone[zone]) - _ROUNDING
            _, found = sets.cheapest(prices.of(problem, aim, zone), limit, count=_NEW_SETS)
            master.add(sets.members(found), zone)
            added += len(found)
        if added == 0:
            break
        prices = master.solve(deadline=limits.deadline)
    return prices


def _least_by_zone(problem: Problem, limits: _Limits, aim: Aim, prices: _Prices, master: _Master) -> Numbers:
    """Find the price of the cheapest set of each zone, at most what the zone is worth; add the sets below that."""
    least = prices.zone.copy()
    for zone in range(problem.zones):
        sums, members = _cheap_sets(
            problem, limits, aim, prices, zone, limit=float(prices.zone[zone]) - _ROUNDING, most=_most_sets(aim)
        )
        least[zone] = min(sums.min(initial=np.inf), least[zone])
        master.add(members[:_NEW_SETS], zone)
    return least


def _pool_within(problem: Problem, limits: _Limits, aim: Aim, prices: _Prices, dearest: Numbers) -> SetPool:
    """List every set that costs at most so much in each zone."""
    parts, left = [], _most_sets(aim)
    # Only the crossings that have a price bind; there are few.
    used = [c for price, c in zip(prices.crossed, limits.crossings, strict=True) if price > _ROUNDING]
    for zone in range(problem.zones):
        sums, members = _cheap_sets(problem, limits, aim, prices, zone, limit=float(dearest[zone]), most=left)
        parts.append(_pool_of_zone(problem, aim, zone, used, members=members, price=sums - prices.zone[zone]))
        left -= len(members)
    names = ("members", "zone", "cost", "moved", "deviation", "price", "crossed")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return SetPool(zones=problem.zones, least_crossed=np.array([float(c.least) for c in used]), **columns)


def _pool_of_zone(
    problem: Problem, aim: Aim, zone: int, used: list[Crossing], *, members: NDArray[np.int8], price: Numbers
) -> SetPool:
    """Measure the sets of a zone."""
    origin = np.eye(problem.zones)[problem.start]
    facts = np.column_stack([aim.cost[:, zone], problem.share, origin])
    found = np.concatenate(
        [members[begin : begin + _BATCH].astype("float64") @ facts for begin in range(0, max(len(members), 1), _BATCH)]
    )
    cost, share, came_from = found[:, 0], found[:, 1], found[:, 2:]
    counts = np.array([c.counts[:, zone] for c in used]).reshape(-1, problem.zones)
    moved = came_from.sum(axis=1) - came_from[:, zone]
    crossed = np.rint(came_from @ counts.T).astype(np.int8)
    zones = np.full(len(members), zone)
    return SetPool(members, zones, problem.zones, cost, moved, np.abs(share - 1.0), price, crossed, np.zeros(0))


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
            raise OutOfTimeError
        parts.append(sets.contiguous(bits[begin : begin + _BATCH]))
    is_whole = np.concatenate(parts)
    return sums[is_whole], sets.members(bits[is_whole])


def _label_of(problem: Problem, chosen: Choice) -> Labels | None:
    if chosen.sets is None:
        return None
    label = np.zeros(len(problem), dtype="int64")
    for held, zone in zip(*chosen.sets, strict=True):
        label[held == 1] = zone
    return label
