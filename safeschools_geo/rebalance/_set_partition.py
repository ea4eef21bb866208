"""The choice of one set of units for each zone: a set partition, closed by cuts and an integer program."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack, vstack

from safeschools_geo.rebalance._problem import reach
from safeschools_geo.rebalance._program import GrowingProgram, OutOfTimeError
from safeschools_geo.rebalance._zone_sets import (
    MOST_SETS,
    Budget,
    Crossing,
    TooManySetsError,
    ZoneSets,
    crossings,
    zone_budgets,
)
from safeschools_geo.solver import Labels, Numbers, Program, solve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.rebalance._problem import Flags, Problem


# ── Cuts for set partitions: of any three things to be covered, no two sets can each cover two

_VIOLATED = 0.02
_FRACTIONAL = 1e-6


def violated_triples(covers: NDArray[np.int8], weight: Numbers, *, most: int = 60) -> list[tuple[int, int, int]]:
    """Find the triples of rows that a fractional set partition violates most.

    References
    ----------
    Jepsen, M., Petersen, B., Spoorendonk, S., and Pisinger, D. (2008). Subset-row inequalities applied to the
    vehicle-routing problem with time windows. Operations Research 56(2), 497–511.
    """
    is_split = (weight > _FRACTIONAL) & (weight < 1 - _FRACTIONAL)
    rows = np.flatnonzero(covers[is_split].any(axis=0))
    if len(rows) < 3:  # noqa: PLR2004 - a triple has three rows
        return []
    cover, weight = covers[is_split][:, rows].astype("float64"), weight[is_split]
    pairs = (cover * weight[:, None]).T @ cover
    found = []
    for i in range(len(rows) - 2):
        with_i = cover[:, i]
        later = cover[:, i + 1 :]
        triple = (later * (weight * with_i)[:, None]).T @ later
        value = pairs[i, i + 1 :, None] + pairs[i, None, i + 1 :] + pairs[i + 1 :, i + 1 :] - 2 * triple
        j, k = np.nonzero(np.triu(value > 1 + _VIOLATED, 1))
        found += [(-float(value[a, b]), i, i + 1 + int(a), i + 1 + int(b)) for a, b in zip(j, k, strict=True)]
    return [(int(rows[i]), int(rows[j]), int(rows[k])) for _, i, j, k in sorted(found)[:most]]


# ── The choice among listed sets of units: a set partition, closed by cuts and an integer program

_ROUNDING = 1e-6
_SMALL = 1_500
"""So many sets are left to the integer program without more cuts."""

_MOST_SETTLED = 50_000
"""With more sets the integer program does not come to an end, nor keep its time."""

_FIRST_SETS = 3_000
_NEW_SETS = 300
_DEAR = 1.0
_TWO_OF_THREE = 2
_PIECE = 50_000
_STALLED = 1e-3
_MOST_STALLS = 4


@dataclass(frozen=True, eq=False)
class SetPool:
    """Sets of units, each for one zone."""

    members: NDArray[np.int8]  # Which of the n units each set holds, shape (m, n), 0 or 1
    zone: Labels  # Zone of each set, shape (m,)
    zones: int  # Number of zones
    cost: Numbers  # Cost of each set, shape (m,)
    moved: Numbers  # Units of each set that come from other zones, shape (m,)
    deviation: Numbers  # ``|load - mean| / mean`` of each set, shape (m,)
    price: Numbers  # What each set costs at the prices it was listed at, shape (m,): the cheapest are tried first
    crossed: NDArray[np.int8]  # Units of each set that make each crossing, shape (m, c)
    least_crossed: Numbers  # Fewest units of each crossing in all sets together, shape (c,)

    def __len__(self) -> int:
        """Return how many sets there are."""
        return len(self.zone)

    def rows(self, which: Labels | slice = slice(None)) -> NDArray[np.int8]:
        """Say what sets cover."""
        return np.hstack([self.members[which], np.eye(self.zones, dtype=np.int8)[self.zone[which]]])

    def limited_rows(self, which: Labels | slice = slice(None)) -> NDArray[np.int8]:
        """Say what of sets is limited: crossings from below, counted as negative, then units moved."""
        return np.column_stack([-self.crossed[which], self.moved[which].astype(np.int8)])

    def only(self, is_kept: Flags) -> SetPool:
        """Keep some of the sets."""
        by_set = ("members", "zone", "cost", "moved", "deviation", "price", "crossed")
        return replace(self, **{name: getattr(self, name)[is_kept] for name in by_set})


@dataclass(frozen=True, eq=False)
class Choice:
    """What the choice came to."""

    bound: float  # No choice of the pool below the cutoff costs less; infinite where there is none
    sets: tuple[NDArray[np.int8], Labels] | None  # Members and zones of the sets chosen; None where none were found
    is_closed: bool  # Whether it is proven that no choice below the cutoff is better


def close_pool(pool: SetPool, *, cutoff: float, max_moves: int | None, levels_loads: bool, deadline: float) -> Choice:
    """Choose one set for each zone so that every unit is in one."""
    if len(np.unique(pool.zone)) < pool.zones:
        return Choice(np.inf, None, is_closed=True)
    return _Closing(pool, cutoff, max_moves, deadline).run(levels_loads=levels_loads)


class _Closing:
    """The choice as it narrows: the sets left, their weights in the linear program, and the cuts."""

    def __init__(self, pool: SetPool, cutoff: float, max_moves: int | None, deadline: float) -> None:
        self.pool, self.cutoff, self.deadline, self.bound = pool, cutoff, deadline, -np.inf
        self.most = np.inf if max_moves is None else float(max_moves)
        self.cuts = np.zeros((len(pool), 0), dtype=np.int8)
        self.active: Labels = np.argsort(pool.price, kind="stable")[:_FIRST_SETS]
        self.weight, self.dual = np.zeros(len(pool)), np.zeros(0)

    def run(self, *, levels_loads: bool) -> Choice:
        stalls = 0
        while True:
            before = self.bound
            try:
                self._sift()
            except OutOfTimeError:
                return Choice(self.bound, None, is_closed=False)
            if self.bound > self.cutoff + _ROUNDING:
                return Choice(np.inf, None, is_closed=True)
            self._drop_too_dear()
            stalls = stalls + 1 if self.bound - before < _STALLED else 0
            if len(self.pool) <= _SMALL or stalls > _MOST_STALLS or not self._add_cuts():
                return self._settle(levels_loads=levels_loads)

    def _columns(self, which: Labels) -> csc_array:
        """Make columns of sets: what they cover, their cuts, and what is limited."""
        rows = np.hstack([self.pool.rows(which), self.cuts[which], self.pool.limited_rows(which)])
        return csc_array(rows.T.astype("float64"))

    def _program(self) -> GrowingProgram:
        """Make the linear program over the sets that are tried."""
        pool = self.pool
        covered, cuts = pool.members.shape[1] + pool.zones, self.cuts.shape[1]
        limits = np.r_[np.ones(cuts), -pool.least_crossed, self.most]
        low = np.r_[np.ones(covered), np.full(len(limits), -np.inf)]
        program = GrowingProgram(low, np.r_[np.ones(covered), limits])
        # Prices stay within this, so that there is an answer before every unit can be covered.
        penalty = 3.0 * max(1e-9, float(np.abs(pool.cost).max()))
        program.soften(range(covered), penalty, sign=1.0)
        program.soften(range(covered), penalty, sign=-1.0)
        program.soften(range(covered + cuts, len(low) - 1), penalty, sign=-1.0)
        program.add(pool.cost[self.active], self._columns(self.active))
        return program

    def _reduced_cost(self) -> Numbers:
        pool, units = self.pool, self.pool.members.shape[1]
        covered, cuts = units + pool.zones, self.cuts.shape[1]
        dual = self.dual.astype(np.float32)
        reduced = pool.cost - self.dual[units:covered][pool.zone]
        # In pieces: numbers of a byte are widened for the product.
        for begin in range(0, len(pool), _PIECE):
            some = slice(begin, begin + _PIECE)
            worth = pool.members[some].astype(np.float32) @ dual[:units]
            if cuts:
                worth += self.cuts[some].astype(np.float32) @ dual[covered : covered + cuts]
            worth += pool.limited_rows(some).astype(np.float32) @ dual[covered + cuts :]
            reduced[some] -= worth
        return np.asarray(reduced)

    def _sift(self) -> None:
        """Solve the linear program over all sets, a few of them at a time."""
        program = self._program()
        while True:
            found = program.solve(deadline=self.deadline)
            self.dual = found.row_dual
            reduced = self._reduced_cost()
            is_new = reduced < -_ROUNDING
            is_new[self.active] = False
            new = np.flatnonzero(is_new)
            if not len(new):
                break
            cheap = new[np.argsort(reduced[new], kind="stable")[:_NEW_SETS]]
            self.active = np.concatenate([self.active, cheap])
            program.add(self.pool.cost[cheap], self._columns(cheap))
        # One set of each zone at most is cheaper than the program knows, and by this much at most.
        self.bound = max(self.bound, found.value - self.pool.zones * _ROUNDING)
        self.weight = np.zeros(len(self.pool))
        self.weight[self.active] = found.x[-len(self.active) :]

    def _drop_too_dear(self) -> None:
        """Leave out the sets that no choice below the cutoff can hold, and put aside those that are dear."""
        reduced = self._reduced_cost()
        is_used = self.weight > 0
        is_kept = (reduced <= self.cutoff - self.bound + 2 * _ROUNDING) | is_used
        is_active = np.zeros(len(reduced), dtype=bool)
        is_active[self.active] = True
        is_active &= is_kept & (is_used | (reduced < _DEAR))
        self.active = np.flatnonzero(is_active[is_kept])
        self.pool, self.cuts, self.weight = self.pool.only(is_kept), self.cuts[is_kept], self.weight[is_kept]

    def _add_cuts(self) -> bool:
        used = np.flatnonzero(self.weight > 0)
        triples = violated_triples(self.pool.rows(used), self.weight[used])
        if not triples:
            return False
        rows = self.pool.rows()
        new = [(rows[:, list(t)].sum(axis=1) >= _TWO_OF_THREE).astype(np.int8) for t in triples]
        self.cuts = np.column_stack([self.cuts, *new])
        return True

    def _settle(self, *, levels_loads: bool) -> Choice:
        """Close what is left with an integer program."""
        pool, count = self.pool, len(self.pool)
        if count > _MOST_SETTLED:
            return Choice(self.bound, None, is_closed=False)
        one = csr_array(pool.cost[None])
        blocks = [csr_array(pool.rows().astype("float64").T), one, csr_array(pool.moved[None])]
        covered = blocks[0].shape[0]
        sets = vstack(blocks)
        low = np.r_[np.ones(covered), -np.inf, -np.inf]
        high = np.r_[np.ones(covered), self.cutoff + _ROUNDING, self.most]
        cost = pool.cost
        if levels_loads:
            by_zone = csr_array((pool.deviation, (pool.zone, np.arange(count))), shape=(pool.zones, count))
            worst = csr_array(np.r_[np.zeros(covered + 2), -np.ones(pool.zones)][:, None])
            sets = hstack([vstack([sets, by_zone]), worst])
            low, high = np.r_[low, np.full(pool.zones, -np.inf)], np.r_[high, np.zeros(pool.zones)]
            cost = np.r_[np.zeros(count), 1.0]
        is_set = np.arange(len(cost)) < count
        found = solve(
            Program(cost, csc_array(sets), low, high, np.zeros(len(cost)), np.where(is_set, 1.0, np.inf), is_set),
            time_limit_s=self.deadline - time.perf_counter(),
        )
        if found.x is None:
            return Choice(np.inf if found.is_infeasible else self.bound, None, is_closed=found.is_infeasible)
        chosen = found.x[:count] > 0.5  # noqa: PLR2004 - 0 or 1, but for rounding
        bound = self.bound if levels_loads else max(self.bound, found.bound)
        return Choice(bound, (pool.members[chosen], pool.zone[chosen]), is_closed=found.is_optimal)


# ── One set of units for each zone, every unit once: plans below a cost, or the proof that there are none

_SET_PARTITION_NEW_SETS = 60
_MOST_ROUNDS = 400
_NEAR = 0.02
_BATCH = 20_000
_NARROW_SETS = 100_000
_LARGEST_POOL = 250_000_000
"""Bytes that the sets of a choice may take, one for every unit of each."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search for a plan below a cost came to."""

    bound: float  # No plan costs less; infinite where there is no plan at all
    label: Labels | None  # The best plan found, shape (n,); None where none was
    is_closed: bool  # Whether it is proven that there is no better plan below the cost that was asked for
    log: str = ""  # What was done, in a few lines


@dataclass(frozen=True, eq=False)
class Aim:
    """What is looked for."""

    cost: Numbers  # Cost of each unit in each zone, shape (n, k)
    cutoff: float  # Plans may cost this much at most
    max_moves: int | None = None  # Most units that may move; None where the cost says so already
    # Whether, among the plans below the cutoff, the one of smallest imbalance is wanted, not that of smallest cost
    levels_loads: bool = False
    most_sets: int | None = None  # Most sets to choose among; None for as many as memory takes


def find_plan(problem: Problem, aim: Aim, *, tolerance: float, max_moves: int, deadline: float) -> Outcome:
    """Find a plan below a cost, or prove that there is none.

    Notes
    -----
    A plan picks one contiguous set for each zone such that every unit is picked once. The linear program over sets is
    solved with those that change few units. At its prices all other sets are looked for that are worth while, until
    there are none: then its value is a bound for every contiguous plan. Every set that could belong to a plan below
    the cutoff is listed with them, and the choice among these is an integer program (`close_pool`). Rows that
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
    try:
        search = _Search(problem, aim, budgets, crossed, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
        bound, pool = search.bound_and_pool()
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


@dataclass(frozen=True, eq=False)
class _Prices:
    """What covering each unit and each zone is worth, and a move from each zone to each other."""

    unit: Numbers
    zone: Numbers
    by_pair: Numbers
    crossed: Numbers
    move: float


class _Search:
    """The linear program over the sets found so far, and the search for all that belong in it."""

    def __init__(
        self,
        problem: Problem,
        aim: Aim,
        budgets: list[Budget],
        crossed: list[Crossing],
        *,
        tolerance: float,
        max_moves: int,
        deadline: float,
    ) -> None:
        self.problem, self.aim, self.budgets, self.crossings = problem, aim, budgets, crossed
        self.limits: dict[str, Any] = {"tolerance": tolerance, "max_moves": max_moves}
        self.deadline = deadline
        self.most_sets = _LARGEST_POOL // len(problem) if aim.most_sets is None else aim.most_sets
        self._n, self._k = len(problem), problem.zones
        self._origin = np.eye(self._k)[problem.start]
        self._crossed = np.array([c.counts for c in crossed]).reshape(-1, self._k, self._k)
        least = np.array([float(c.least) for c in crossed])
        covered = self._n + self._k
        most = np.inf if aim.max_moves is None else float(aim.max_moves)
        low = np.r_[np.ones(covered), least, -np.inf]
        high = np.r_[np.ones(covered), np.full(len(least), np.inf), most]
        self._program = GrowingProgram(low, high)
        # Prices stay within this, so that there is an answer before every unit can be covered.
        penalty = 3.0 * max(1e-9, float(np.abs(aim.cost).max()))
        self._program.soften(range(covered + len(least)), penalty, sign=1.0)
        self._program.soften(range(covered), penalty, sign=-1.0)

    def _add(self, members: NDArray[np.int8], zone: int) -> None:
        held = members.astype("float64")
        came_from = held @ self._origin
        crossed = came_from @ self._crossed[:, :, zone].T
        moved = came_from.sum(axis=1) - came_from[:, zone]
        own = np.zeros((len(held), self._k))
        own[:, zone] = 1.0
        self._program.add(held @ self.aim.cost[:, zone], csc_array(np.hstack([held, own, crossed, moved[:, None]]).T))

    def _solve(self) -> _Prices:
        dual = self._program.solve(deadline=self.deadline).row_dual
        covered = self._n + self._k
        crossed = np.maximum(dual[covered:-1], 0.0)
        move = min(float(dual[-1]), 0.0)
        by_pair = np.tensordot(crossed, self._crossed, axes=1) + move * (1.0 - np.eye(self._k))
        return _Prices(dual[: self._n], dual[self._n : covered], by_pair, crossed, move)

    def _price(self, prices: _Prices, zone: int) -> Numbers:
        """Give the price of each unit in a zone, shape (n,)."""
        price: Numbers = self.aim.cost[:, zone] - prices.unit - prices.by_pair[self.problem.start, zone]
        return price

    def _bound(self, prices: _Prices, least: Numbers) -> float:
        """Give the Lagrangian bound, where the cheapest set of each zone costs so much."""
        crossed = sum(price * c.least for price, c in zip(prices.crossed, self.crossings, strict=True))
        return float(prices.unit.sum() + least.sum() + crossed + prices.move * (self.aim.max_moves or 0))

    def bound_and_pool(self) -> tuple[float, SetPool | None]:
        """Solve the linear program over all sets, and list those that can belong to a plan below the cutoff."""
        prices, cutoff = self._price_out(), self.aim.cutoff
        while True:
            least = self._least_by_zone(prices)
            bound = self._bound(prices, least)
            gap = self._bound(prices, prices.zone) - bound
            if gap < _NEAR * max(1e-9, float(np.abs(self.aim.cost).max())) or bound > cutoff + _ROUNDING:
                break
            prices = self._solve()
        if bound > cutoff + _ROUNDING:
            return bound, None
        return bound, self._pool_within(prices, least + (cutoff - bound + 2 * _ROUNDING))

    def _narrow_sets(self) -> list[ZoneSets]:
        """List the sets that change few units, as few as can be listed quickly."""
        found = []
        for zone, budget in enumerate(self.budgets):
            for spare in (3, 2, 1, 0):
                most = _NARROW_SETS if spare else MOST_SETS
                try:
                    found.append(ZoneSets(self.problem, zone, budget.narrowed(spare), **self.limits, most=most))
                except TooManySetsError:
                    if spare == 0:
                        raise
                    continue
                break
        return found

    def _price_out(self) -> _Prices:
        """Solve the linear program over the sets that change few units."""
        narrow = self._narrow_sets()
        prices = self._solve()
        for _ in range(_MOST_ROUNDS):
            added = 0
            for zone, sets in enumerate(narrow):
                limit = float(prices.zone[zone]) - _ROUNDING
                _, found = sets.cheapest(self._price(prices, zone), limit, count=_SET_PARTITION_NEW_SETS)
                self._add(sets.members(found), zone)
                added += len(found)
            if added == 0:
                break
            prices = self._solve()
        return prices

    def _least_by_zone(self, prices: _Prices) -> Numbers:
        """Find the price of the cheapest set of each zone, at most what the zone is worth; add the sets below that."""
        least = prices.zone.copy()
        for zone in range(self._k):
            limit = float(prices.zone[zone]) - _ROUNDING
            sums, members = self._cheap_sets(prices, zone, limit=limit, most=self.most_sets)
            least[zone] = min(sums.min(initial=np.inf), least[zone])
            self._add(members[:_SET_PARTITION_NEW_SETS], zone)
        return least

    def _pool_within(self, prices: _Prices, dearest: Numbers) -> SetPool:
        """List every set that costs at most so much in each zone."""
        parts, left = [], self.most_sets
        # Only the crossings that have a price bind; there are few.
        used = [c for price, c in zip(prices.crossed, self.crossings, strict=True) if price > _ROUNDING]
        for zone in range(self._k):
            sums, members = self._cheap_sets(prices, zone, limit=float(dearest[zone]), most=left)
            parts.append(self._pool_of_zone(zone, used, members=members, price=sums - prices.zone[zone]))
            left -= len(members)
        names = ("members", "zone", "cost", "moved", "deviation", "price", "crossed")
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return SetPool(zones=self._k, least_crossed=np.array([float(c.least) for c in used]), **columns)

    def _pool_of_zone(self, zone: int, used: list[Crossing], *, members: NDArray[np.int8], price: Numbers) -> SetPool:
        """Measure the sets of a zone."""
        facts = np.column_stack([self.aim.cost[:, zone], self.problem.share, self._origin])
        begins = range(0, max(len(members), 1), _BATCH)
        found = np.concatenate([members[begin : begin + _BATCH].astype("float64") @ facts for begin in begins])
        cost, share, came_from = found[:, 0], found[:, 1], found[:, 2:]
        counts = np.array([c.counts[:, zone] for c in used]).reshape(-1, self._k)
        moved = came_from.sum(axis=1) - came_from[:, zone]
        crossed = np.rint(came_from @ counts.T).astype(np.int8)
        zones = np.full(len(members), zone)
        return SetPool(members, zones, self._k, cost, moved, np.abs(share - 1.0), price, crossed, np.zeros(0))

    def _cheap_sets(self, prices: _Prices, zone: int, *, limit: float, most: int) -> tuple[Numbers, NDArray[np.int8]]:
        """List the contiguous sets of a zone that cost less than a limit, the cheapest first, and their prices."""
        price = self._price(prices, zone)
        sets = ZoneSets(self.problem, zone, self.budgets[zone], **self.limits, price=price, limit=limit)
        sums, bits = sets.cheaper_than(price, limit, most=most)
        parts = []
        for begin in range(0, max(len(bits), 1), _BATCH):
            if time.perf_counter() > self.deadline:
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


# ── Good plans of few moves, found quickly: a beam search that keeps the most even plans of each number of moves

_CHECKS = 40_000
"""Unit checks a level may take: with many units fewer plans are kept."""


@dataclass(frozen=True, eq=False)
class _FewMovesState:
    label: Labels
    loads: Numbers
    extra_pieces: int


def plans_of_few_moves(
    problem: Problem, *, max_moves: int, tolerance: float = 0.0, width: int | None = None
) -> list[Labels]:
    """Search for even plans of 0, 1, 2, … moves.

    Plans found, shape (n,) each: for each number of moves the one of smallest imbalance, where there is one that
    keeps every rule. None of them is proven to be the best.

    Notes
    -----
    Each step moves one unit, or one group that has to keep together, to a zone it borders. States are ranked by the
    sum of squared deviations of the loads, which looks further ahead than the largest deviation does.
    """
    width = width or max(20, min(200, _CHECKS // max(1, len(problem))))
    groups = _groups(problem)
    states = [_FewMovesState(problem.start, problem.loads(problem.start), _extra_pieces(problem, problem.start))]
    found: list[Labels] = [problem.start] if problem.is_plan(problem.start) else []
    for _ in range(max_moves):
        states = _next_states(problem, states, groups, max_moves, width)
        plans = [s.label for s in states if s.extra_pieces == 0 and problem.is_plan(s.label)]
        if plans:
            found.append(min(plans, key=problem.imbalance))
        if not states or (plans and problem.imbalance(found[-1]) <= tolerance):
            break
    return found


def _groups(problem: Problem) -> dict[int, tuple[int, ...]]:
    """Give the units that move with each unit."""
    together = {unit: group for group in problem.together for unit in group}
    return {unit: together.get(unit, (unit,)) for unit in range(len(problem))}


def _extra_pieces(problem: Problem, label: Labels) -> int:
    return sum(max(0, len(problem.pieces(label, zone)) - 1) for zone in range(problem.zones))


def _next_states(
    problem: Problem, states: list[_FewMovesState], groups: dict[int, tuple[int, ...]], max_moves: int, width: int
) -> list[_FewMovesState]:
    mean = problem.load.sum() / problem.zones
    ranked: list[tuple[int, float, int, tuple[int, ...], int]] = []
    for at, state in enumerate(states):
        for group, zone in _border_moves(problem, state.label, groups):
            load = float(problem.load[list(group)].sum())
            origin = int(state.label[group[0]])
            loads = state.loads / mean
            change = (loads[origin] - load / mean - 1) ** 2 - (loads[origin] - 1) ** 2
            change += (loads[zone] + load / mean - 1) ** 2 - (loads[zone] - 1) ** 2
            total = float(((loads - 1) ** 2).sum() + change)
            ranked.append((state.extra_pieces, round(total, 9), at, group, zone))
    ranked.sort()
    chosen: list[_FewMovesState] = []
    seen: set[bytes] = set()
    for _, _, at, group, zone in ranked:
        made = _moved(problem, states[at], group, zone)
        if made is None or made.label.tobytes() in seen or problem.moved(made.label) > max_moves:
            continue
        seen.add(made.label.tobytes())
        chosen.append(made)
        if len(chosen) >= width:
            break
    return sorted(chosen, key=lambda s: s.extra_pieces)


def _border_moves(
    problem: Problem, label: Labels, groups: dict[int, tuple[int, ...]]
) -> Iterator[tuple[tuple[int, ...], int]]:
    seen = set()
    for unit in np.flatnonzero(label == problem.start).tolist():
        for zone in {int(label[j]) for j in problem.neighbors[unit]} - {int(label[unit])}:
            group = groups[unit]
            is_new = (group, zone) not in seen
            seen.add((group, zone))
            if is_new and problem.allowed[list(group), zone].all():
                yield group, zone


def _moved(problem: Problem, state: _FewMovesState, group: tuple[int, ...], zone: int) -> _FewMovesState | None:
    label = state.label.copy()
    origins = {int(label[i]) for i in group}
    label[list(group)] = zone
    if len(group) == 1 and state.extra_pieces == 0:
        return _moved_alone(problem, state, label, group[0], zone)
    extra = _extra_pieces(problem, label)
    if extra > state.extra_pieces or any(not (label == origin).any() for origin in origins):
        return None
    return _FewMovesState(label, problem.loads(label), extra)


def _moved_alone(problem: Problem, state: _FewMovesState, label: Labels, unit: int, zone: int) -> _FewMovesState | None:
    """Move one unit of a contiguous plan: only the zone it leaves could fall apart."""
    origin = int(state.label[unit])
    left = [j for j in problem.neighbors[unit] if label[j] == origin]
    if not left:
        return None
    if len(left) > 1:
        inside = set(np.flatnonzero(label == origin).tolist())
        if not set(left) <= reach({left[0]}, inside, problem.neighbors):
            return None
    loads = state.loads.copy()
    loads[origin] -= problem.load[unit]
    loads[zone] += problem.load[unit]
    return _FewMovesState(label, loads, 0)
