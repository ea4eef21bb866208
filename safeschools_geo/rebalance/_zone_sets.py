"""Every set of units that a zone could consist of after a few moves, and how many have to cross at least."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from safeschools_geo.rebalance._problem import Flags
from safeschools_geo.rebalance._program import OutOfTimeError, require_time
from safeschools_geo.solver import Labels, Numbers, Program, least_of, model_of, quiet_highs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from safeschools_geo.rebalance._problem import Problem


# ── Sets of units as rows of bits: growing all that hang together, and asking whether they do

Bits = NDArray[np.uint64]
_WORD = 64
_AT_ONCE = 20_000
_ONE = np.uint64(1)
_ALL = ~np.uint64(0)


class TooManySetsError(Exception):
    """There are more sets than can be listed; another method has to be used."""


def bits_of(units: Iterable[int], words: int) -> Bits:
    """Make a set."""
    bits = np.zeros(words, dtype=np.uint64)
    for unit in units:
        bits[unit // _WORD] |= _ONE << np.uint64(unit % _WORD)
    return bits


@lru_cache(maxsize=2)
def _neighbor_bits(problem: Problem) -> Bits:
    words = words_for(len(problem))
    return np.array([bits_of(units, words) for units in problem.neighbors], dtype=np.uint64)


def words_for(n: int) -> int:
    """Count the words that n units need."""
    return max(1, -(-n // _WORD))


def has_unit(sets: Bits, unit: int) -> Flags:
    """Say which sets hold a unit."""
    held: Flags = ((sets[:, unit // _WORD] >> np.uint64(unit % _WORD)) & _ONE).astype(bool)
    return held


def members(sets: Bits, n: int) -> NDArray[np.int8]:
    """Unpack sets."""
    as_bytes = np.ascontiguousarray(sets, dtype="<u8").view(np.uint8)
    return np.unpackbits(as_bytes, axis=1, count=n, bitorder="little").view(np.int8)


def bits_of_members(held: NDArray[np.int8]) -> Bits:
    """Pack sets: the reverse of `members`."""
    padded = np.zeros((len(held), words_for(held.shape[1]) * _WORD), dtype=np.uint8)
    padded[:, : held.shape[1]] = held
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def are_connected(sets: Bits, neighbors: Bits) -> Flags:
    """Say which sets hang together."""
    if not len(sets):
        return np.zeros(0, dtype=bool)
    order = _outwards(sets, neighbors)
    place = {unit: at for at, unit in enumerate(order)}
    neighbors_of = [[place[j] for j in _units_in(neighbors[unit]) if j in place] for unit in order]
    # A row for each unit and a bit for each set: every step goes for all sets at once.
    held = np.packbits(members(sets, len(neighbors))[:, order].T, axis=1)
    reached, is_open = np.zeros_like(held), np.full(held.shape[1], 255, dtype=np.uint8)
    for at, sets_of_unit in enumerate(held):
        reached[at] = sets_of_unit & is_open
        is_open &= ~sets_of_unit
    has_grown = True
    while has_grown:
        has_grown = False
        for at, others in enumerate(neighbors_of):
            new = np.bitwise_or.reduce(reached[others], axis=0) & held[at] & ~reached[at]
            if new.any():
                reached[at] |= new
                has_grown = True
    torn = np.bitwise_or.reduce(held & ~reached, axis=0) | is_open
    is_whole: Flags = np.unpackbits(torn, count=len(sets)) == 0
    return is_whole


def _outwards(sets: Bits, neighbors: Bits) -> list[int]:
    """Order the units of sets outwards from one that most hold, so that a walk soon comes to its end."""
    left, common = np.bitwise_or.reduce(sets, axis=0), np.bitwise_and.reduce(sets, axis=0)
    order: list[int] = []
    front = _units_in(common)[:1]
    while left.any():
        front = front or _units_in(left)[:1]
        order += front
        left &= ~bits_of(front, len(left))
        front = _units_in(np.bitwise_or.reduce(neighbors[front], axis=0) & left)
    return order


def _units_in(bits: Bits) -> list[int]:
    return np.flatnonzero(members(bits[None], len(bits) * _WORD)[0]).tolist()


@dataclass(frozen=True, eq=False)
class GrownSets:
    """Sets grown unit by unit, the empty one first; a cost over units is added up along the growth."""

    bits: Bits  # The sets, shape (m, words)
    size: Labels  # Units in each, shape (m,)
    load: Numbers  # Load of each, shape (m,)
    # The set each grew from, and the unit that was added, shape (m,)
    parent: Labels
    unit: Labels
    levels: tuple[int, ...]  # Where the sets of each size begin, and the end of all

    def __len__(self) -> int:
        """Return how many sets there are."""
        return len(self.size)

    def cost(self, unit_cost: Numbers) -> Numbers:
        """Add up a cost over the units of each set."""
        total = np.zeros(len(self))
        for begin, end in zip(self.levels[1:-1], self.levels[2:], strict=True):
            total[begin:end] = total[self.parent[begin:end]] + unit_cost[self.unit[begin:end]]
        return total


@dataclass(eq=False)
class _Level:
    """The sets of one size: what each may still take in, and what it may not."""

    bits: Bits
    candidates: Bits
    barred: Bits
    load: Numbers
    price: Numbers


@dataclass(frozen=True, eq=False)
class Waits:
    """Minutes beyond what a zone may wait, by the place its officer waits at: sets that no further change can fix."""

    by_unit: Numbers  # What each unit adds to each place, shape (n, p); less than 0 where it waits less than it may
    before: Numbers  # What there is before anything is added, shape (p,)
    relief: Numbers  # The least that further changes add to a set of 0, 1, 2, … units, shape (sizes, p)

    def can_be_kept(self, sets: Bits, size: int) -> Flags:
        """Say which sets of a size can still become ones that wait no longer, at some place."""
        kept = np.zeros(len(sets), dtype=bool)
        for begin in range(0, len(sets), _AT_ONCE):
            some = slice(begin, begin + _AT_ONCE)
            total = self.of(sets[some])
            kept[some] = (total + self.relief[size] <= _ROUNDING).any(axis=1)
        return kept

    def of(self, sets: Bits) -> Numbers:
        """Add up what sets add, and what there was before, shape (m, p)."""
        # Sparse, for a dense product of this size wakes threads that cost more than it does.
        held = csr_array(members(sets, len(self.by_unit)).astype("float64"))
        total: Numbers = held @ self.by_unit + self.before
        return total


@dataclass(frozen=True, eq=False)
class Growth:
    """Which sets are worth growing."""

    load: Numbers  # Load of each unit, shape (n,), not negative
    load_limits: Sequence[float]  # Largest load of a set of 0, 1, 2, … units; its length limits the size
    least_loads: Sequence[float]  # Smallest load of a set of 0, 1, 2, … units
    price: Numbers  # Price of each unit, shape (n,)
    price_limits: Sequence[float]  # Largest price of a set of 0, 1, 2, … units
    most: int  # Most sets to list
    waits: Waits | None = None  # How long calls may wait; None for no limit


def grow_sets(seeds: Bits, within: Bits, neighbors: Bits, growth: Growth) -> GrownSets:
    """List every set of units of which each piece holds a seed, each set once.

    Reverse search: a candidate that is passed over is barred from then on, so no set is met twice.

    Wernicke, S. (2006). Efficient detection of network motifs. IEEE/ACM Transactions on Computational Biology and
    Bioinformatics 3(4), 347–359.
    """
    empty = np.zeros((1, len(within)), dtype=np.uint64)
    level = _Level(empty, (seeds & within)[None], empty.copy(), np.zeros(1), np.zeros(1))
    units = np.flatnonzero(members(within[None], len(neighbors))[0]).tolist()
    bits, loads = [level.bits], [level.load]
    parents, added = [np.zeros(1, dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
    levels = [0, 1]
    while len(levels) <= len(growth.load_limits):
        grown = _grow(level, units, within, neighbors, growth, size=len(levels) - 1, room=growth.most - levels[-1])
        if grown is None:
            break
        level, parent, unit = grown
        bits.append(level.bits)
        loads.append(level.load)
        parents.append(parent + levels[-2])
        added.append(unit)
        levels.append(levels[-1] + len(parent))
    size = np.repeat(np.arange(len(bits)), [len(b) for b in bits])
    grown_from, unit_added = np.concatenate(parents), np.concatenate(added)
    return GrownSets(np.concatenate(bits), size, np.concatenate(loads), grown_from, unit_added, tuple(levels))


def _grow(
    level: _Level, units: list[int], within: Bits, neighbors: Bits, growth: Growth, *, size: int, room: int
) -> tuple[_Level, Labels, Labels] | None:
    parts: list[tuple[Bits, Bits, Bits, Numbers, Numbers, Labels, Labels]] = []
    words = len(within)
    most_load, least_load, most_price = growth.load_limits[size], growth.least_loads[size], growth.price_limits[size]
    for unit in units:
        load, price = level.load + growth.load[unit], level.price + growth.price[unit]
        is_worth = (load <= most_load) & (load >= least_load) & (price <= most_price)
        rows = np.flatnonzero(has_unit(level.candidates, unit) & is_worth)
        if not len(rows):
            continue
        room -= len(rows)
        if room < 0:
            raise TooManySetsError
        one, lower = bits_of([unit], words), _lower(unit, words)
        bits = level.bits[rows] | one
        open_ = level.candidates[rows]
        barred = level.barred[rows] | (open_ & lower)
        later = (open_ & ~lower & ~one) | (neighbors[unit] & within & ~bits & ~barred & ~open_)
        parts.append((bits, later, barred, load[rows], price[rows], rows, np.full(len(rows), unit)))
    if not parts:
        return None
    bits, later, barred, loads, prices, rows, added = (np.concatenate(p) for p in zip(*parts, strict=True))
    if growth.waits is None:
        return _Level(bits, later, barred, loads, prices), rows, added
    kept = np.flatnonzero(growth.waits.can_be_kept(bits, size))
    if not len(kept):
        return None
    return _Level(bits[kept], later[kept], barred[kept], loads[kept], prices[kept]), rows[kept], added[kept]


def _lower(unit: int, words: int) -> Bits:
    """Make the set of all units before one."""
    bits = np.zeros(words, dtype=np.uint64)
    bits[: unit // _WORD] = _ALL
    bits[unit // _WORD] = (_ONE << np.uint64(unit % _WORD)) - _ONE
    return bits


# ── How many units have to cross at least between zones, for the loads and because zones hang together

_ROUNDING = 1e-9
_MOST_SETS = 400_000
"""Sets of units that are grown for one crossing before what is known so far is taken."""

_MOST_CROSSINGS = 400
_FAR = 10**6
_SOLVERS_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Crossing:
    """Some zones, and what has to leave them for the others."""

    zones: Flags  # Which zones these are, shape (k,)
    least: int  # Fewest units that move from them to the others, in any plan

    @property
    def counts(self) -> Numbers:
        """Which moves count, from one zone to another, shape (k, k), 0 or 1."""
        return np.outer(self.zones, ~self.zones).astype("float64")


def crossings(
    problem: Problem, *, tolerance: float, max_moves: int, can_settle: Flags | None = None, deadline: float = np.inf
) -> list[Crossing]:
    """Find what has to cross between zones in every plan of few moves within a tolerance.

    `can_settle`: which zones can move away altogether and settle elsewhere, shape (k,); by default those that have as
    few units as may move.

    Zones that together hold more than they may, or whose complement holds less than it has to, give away a certain
    load. What crosses grows from their edge inwards: in the zone it joins, a unit hangs on to one that was not of
    theirs, through units that cross as well. The fewest units of such a set that carry the load are found by listing,
    largest loads first. These are rank-one cuts of the load rows, made stronger by contiguity, and they add up where
    load has to pass through zones in between.
    """
    grower = _Grower(problem, max_moves, problem.can_settle(max_moves) if can_settle is None else can_settle)
    found = []
    for zones in _groups_of_zones(problem):
        need = _load_to_give(problem, zones, tolerance)
        if need > _ROUNDING and time.process_time() < deadline:
            found.append(Crossing(zones, grower.fewest(zones, need, deadline=deadline)))
    return found


def _load_to_give(problem: Problem, zones: Flags, tolerance: float) -> float:
    """Work out the load, in means of a zone, that has to leave some zones for the others."""
    loads = np.bincount(problem.start, problem.share, minlength=problem.zones)
    too_much = loads[zones].sum() - zones.sum() * (1.0 + tolerance)
    too_little = (~zones).sum() * (1.0 - tolerance) - loads[~zones].sum()
    return float(max(too_much, too_little))


def _groups_of_zones(problem: Problem) -> Iterator[Flags]:
    """Give groups of zones that hang together, or whose complement does, the small ones first."""
    borders = np.zeros((problem.zones, problem.zones), dtype=bool)
    for unit, others in enumerate(problem.neighbors):
        borders[problem.start[unit], problem.start[list(others)]] = True
    everything = frozenset(range(problem.zones))
    seen: set[frozenset[int]] = set()
    level = [frozenset([zone]) for zone in range(problem.zones)]
    while level and len(seen) < _MOST_CROSSINGS:
        following: set[frozenset[int]] = set()
        for group in level:
            for some in (group, everything - group):
                if some and some != everything and some not in seen:
                    seen.add(some)
                    yield np.isin(np.arange(problem.zones), list(some))
            around = np.flatnonzero(borders[list(group)].any(axis=0)).tolist()
            following.update(group | {zone} for zone in around if zone not in group)
        level = sorted(following, key=sorted)


class _Grower:
    """Lists what can leave some zones, from their edge inwards."""

    def __init__(self, problem: Problem, max_moves: int, can_settle: Flags) -> None:
        self._problem, self._max_moves = problem, max_moves
        self._words = words_for(len(problem))
        self._neighbors = _neighbor_bits(problem)
        # A zone that can move away altogether takes units wherever it settles.
        self._can_settle = can_settle

    def fewest(self, zones: Flags, need: float, *, deadline: float) -> int:
        """Count the units it takes at least to carry a load out; `max_moves` + 1 where so few cannot."""
        problem = self._problem
        is_inside = zones[problem.start]
        may_leave = is_inside & problem.allowed[:, ~zones].any(axis=1) & problem.has_few_students
        depth = self._depth(is_inside, may_leave, is_free=bool(self._can_settle[~zones].any()))
        for count in range(1, self._max_moves + 1):
            near = may_leave & (depth <= count)
            largest = np.r_[0.0, np.cumsum(np.sort(problem.share[near])[::-1])]
            most = largest[np.minimum(np.arange(count + 1), len(largest) - 1)]
            if most[count] < need - _ROUNDING:
                continue
            if time.process_time() > deadline or self._is_carried(near, depth, count, need, most):
                return count
        return self._max_moves + 1

    def _depth(self, is_inside: Flags, may_leave: Flags, *, is_free: bool) -> Labels:
        """Count the units that have to leave for each unit to leave, itself included, shape (n,)."""
        depth = np.full(len(may_leave), _FAR)
        if is_free:
            depth[may_leave] = 1
            return depth
        edge = [i for i in np.flatnonzero(may_leave).tolist() if not is_inside[list(self._problem.neighbors[i])].all()]
        depth[edge] = 1
        while edge:
            inner = {j for i in edge for j in self._problem.neighbors[i] if may_leave[j] and depth[j] == _FAR}
            depth[list(inner)] = depth[edge[0]] + 1
            edge = sorted(inner)
        return depth

    def _is_carried(self, near: Flags, depth: Labels, count: int, need: float, most: Numbers) -> bool:
        share = self._problem.share
        # What the units still to come can carry at best says which sets are worth growing.
        least = [need - most[count - size] - _ROUNDING for size in range(count + 1)]
        any_load = [np.inf] * (count + 1)
        growth = Growth(share, any_load, least, share, any_load, _MOST_SETS)
        seeds, within = (bits_of(np.flatnonzero(f).tolist(), self._words) for f in (near & (depth == 1), near))
        try:
            grown = grow_sets(seeds, within, self._neighbors, growth)
        except TooManySetsError:
            return True
        return bool(grown.load.max() >= need - _ROUNDING)


@dataclass(frozen=True)
class Budget:
    """How far a zone may change."""

    # Most units that may join, leave, and do either
    most_in: int
    most_out: int
    most_both: int
    # Fewest that have to
    least_in: int = 0
    least_out: int = 0

    def narrowed(self, spare: int) -> Budget:
        """Allow only a few units more than have to move."""
        return replace(
            self,
            most_in=min(self.most_in, self.least_in + spare),
            most_out=min(self.most_out, self.least_out + spare),
            most_both=min(self.most_both, self.least_in + self.least_out + 2 * spare),
        )


def zone_budgets(
    problem: Problem, found: list[Crossing], max_moves: int, *, deadline: float = np.inf
) -> list[Budget] | None:
    """Work out how far each zone may change, given what has to cross.

    Small linear programs over the number of units that move from each zone to each other; answers are rounded inwards.
    """
    pairs = _Pairs(problem.zones, found, max_moves)
    if pairs.least(np.ones(len(pairs))) is None:
        return None
    budgets = []
    for zone in range(problem.zones):
        require_time(deadline)
        out, into = pairs.origin == zone, pairs.target == zone
        most_in, most_out, most_both, least_in, least_out = (
            abs(pairs.least(cost) or 0) for cost in (-1.0 * into, -1.0 * out, -1.0 * (into | out), into, out)
        )
        budgets.append(Budget(most_in, most_out, most_both, least_in, least_out))
    return budgets


def what_moves(
    problem: Problem, *, tolerance: float, max_moves: int, deadline: float = np.inf
) -> tuple[list[Crossing], list[Budget] | None, Flags]:
    """Find what has to cross, how far each zone may change, and which zones can settle elsewhere, shape (k,).

    A zone that cannot lose all its units settles nowhere; where none does, what moves does so from the edges inwards.
    """
    can_settle = problem.can_settle(max_moves)
    while True:
        found = crossings(problem, tolerance=tolerance, max_moves=max_moves, can_settle=can_settle, deadline=deadline)
        budgets = zone_budgets(problem, found, max_moves, deadline=deadline)
        if budgets is None:
            return found, None, can_settle
        can_leave = can_settle & (problem.sizes <= [budget.most_out for budget in budgets])
        if can_leave.sum() == can_settle.sum():
            return found, budgets, can_settle
        can_settle = can_leave


def least_moves(problem: Problem, found: list[Crossing]) -> int:
    """Count the moves it takes at least for all that has to cross."""
    pairs = _Pairs(problem.zones, found, len(problem))
    return pairs.least(np.ones(len(pairs))) or 0


class _Pairs:
    """Units that move from each zone to each other, as a small linear program that is solved for several counts."""

    def __init__(self, zones: int, found: list[Crossing], max_moves: int) -> None:
        self.origin, self.target = np.nonzero(~np.eye(zones, dtype=bool))
        rows = [c.counts[self.origin, self.target] for c in found]
        matrix = csc_array(np.vstack([*rows, np.ones(len(self))]))
        low = np.array([*(float(c.least) for c in found), 0.0])
        high = np.r_[np.full(len(found), np.inf), float(max_moves)]
        most, nothing = np.full(len(self), float(max_moves)), np.zeros(len(self))
        self._highs = quiet_highs()
        self._highs.passModel(model_of(Program(nothing, matrix, low, high, nothing, most)))

    def __len__(self) -> int:
        return len(self.origin)

    def least(self, cost: Numbers | Flags) -> int | None:
        """Make a count small, rounded up; None where it is proven that there are too few moves."""
        columns = np.arange(len(self), dtype=np.int32)
        self._highs.changeColsCost(len(self), columns, np.asarray(cost, dtype="float64"))
        self._highs.run()
        least = least_of(self._highs)
        if np.isnan(least):
            raise OutOfTimeError
        return int(np.ceil(least - _SOLVERS_ROUNDING)) if np.isfinite(least) else None


# ── Every set of units that a zone could consist of after a few moves, and the cheapest of them at given prices

MOST_SETS = 2_500_000
"""Most sets that are listed for one side of one zone."""

_ZONE_SETS_ROUNDING = 1e-12
_BATCH = 512
_FIRST_STEP = 0.02


@dataclass(frozen=True, eq=False)
class _Side:
    """What can join, or leave: the largest loads and gains of 0, 1, 2, … units, and how many may."""

    loads: Numbers
    gains: Numbers
    most: int

    def limits(self, other: _Side, both: int, load: float, price: float) -> tuple[list[float], list[float]]:
        """Give the largest load and price of 0, 1, 2, … units: what the other side can make up for at best."""
        rest = [min(other.most, both - size) for size in range(self.most + 1)]
        loads = [load + _at(other.loads, count) for count in rest]
        prices = [
            price + _at(other.gains, count) + _at(self.gains, self.most - size) for size, count in enumerate(rest)
        ]
        return loads, prices

    def least_loads(self, need: float) -> list[float]:
        """Give the smallest load of 0, 1, 2, … units from which the others can still carry what is needed."""
        return [need - _at(self.loads, self.most - size) - _ZONE_SETS_ROUNDING for size in range(self.most + 1)]


class ZoneSets:
    """The sets that one zone could consist of: its own units less some that leave, and some that join.

    `zone` is a row, `tolerance` the largest ``|load - mean| / mean``, and `can_settle` says which zones can move away
    altogether and settle elsewhere. With `price` of each unit in this zone, shape (n,), and `limit`, only sets that
    could cost less are listed; `most` is the most sets to list for one side.

    A unit that leaves has to reach another zone through units that leave as well, so what leaves grows from the edge
    inwards, and what joins from the edge outwards. Sets are pairs of the two, never written out: their load and cost
    are sums, and only those that are asked for are tested for contiguity.
    """

    def __init__(
        self,
        problem: Problem,
        zone: int,
        budget: Budget,
        *,
        tolerance: float,
        can_settle: Flags,
        price: Numbers | None = None,
        limit: float = np.inf,
        most: int = MOST_SETS,
    ) -> None:
        self._problem, self._zone, self._budget, self._most = problem, zone, budget, most
        n = len(problem)
        self._words = words_for(n)
        self._neighbors = _neighbor_bits(problem)
        self._is_own: Flags = problem.start == zone
        may_stay = problem.allowed[:, zone]
        self._own = self._bits(self._is_own)
        self._joiners: Flags = ~self._is_own & may_stay & problem.has_few_students
        self._leavers: Flags = self._is_own & (problem.allowed.sum(axis=1) - may_stay > 0) & problem.has_few_students
        self._must_leave = self._bits(self._is_own & ~may_stay)
        self._load = float(problem.share[self._is_own].sum())
        self._low, self._high = 1.0 - tolerance - _ZONE_SETS_ROUNDING, 1.0 + tolerance + _ZONE_SETS_ROUNDING
        self._price = np.zeros(n) if price is None else price
        self._limit = limit
        self._excess = self._beyond_limit()
        self._grow(others_may_move_in=bool(np.delete(can_settle, zone).any()))

    def _bits(self, units: Flags) -> Bits:
        return bits_of(np.flatnonzero(units).tolist(), self._words)

    def _grow(self, *, others_may_move_in: bool) -> None:
        share, price, budget = self._problem.share, self._price, self._budget
        most_out = min(budget.most_out, int(self._leavers.sum()), int(self._is_own.sum()) - 1)
        most_in = min(budget.most_in, int(self._joiners.sum()))
        room = self._limit - float(price[self._is_own].sum())
        joining = _Side(_largest_sums(share[self._joiners]), _largest_sums(-price[self._joiners]), most_in)
        leaving = _Side(_largest_sums(share[self._leavers]), _largest_sums(price[self._leavers]), most_out)
        both = budget.most_both
        edge = self._own if others_may_move_in else self._around(~self._is_own)
        limits = leaving.limits(joining, both, self._load - self._low, room)
        least_joined = _least_sums(self._excess[self._joiners], most_in)
        waits = self._waits(-self._excess, self._leavers, most_out, least_joined)
        growth = Growth(
            share, limits[0], leaving.least_loads(self._load - self._high), -price, limits[1], self._most, waits
        )
        self._out = grow_sets(edge, self._bits(self._leavers), self._neighbors, growth)
        limits = joining.limits(leaving, both, self._high - self._load, room)
        waits = self._waits(self._excess, self._joiners, most_in, self._least_left(most_out))
        growth = Growth(
            share, limits[0], joining.least_loads(self._low - self._load), price, limits[1], self._most, waits
        )
        self._in = grow_sets(self._around(self._is_own), self._bits(self._joiners), self._neighbors, growth)
        self._order = np.argsort(self._in.load, kind="stable")
        loads, left = self._in.load[self._order], self._load - self._out.load
        self._first = np.searchsorted(loads, self._low - left, side="left")
        self._end = np.searchsorted(loads, self._high - left, side="right")
        self._in_size = self._in.size[self._order]
        self._elsewhere = self._sets_elsewhere()

    def _beyond_limit(self) -> Numbers:
        """Measure the minutes of each unit beyond the longest mean of the zone, from each place; no column if any will.

        The last column is for sets without a call, which wait at no place: it counts calls.
        """
        response, n = self._problem.response, len(self._problem)
        if response is None or not np.isfinite(response.limits[self._zone]):
            return np.zeros((n, 0))
        beyond = response.minutes - response.calls[:, None] * response.limits[self._zone]
        return np.column_stack([beyond[:, (self._is_own | self._joiners)[response.place]], response.calls])

    def _waits(self, by_unit: Numbers, units: Flags, most: int, others: Numbers) -> Waits | None:
        """Say which sets that join, or leave, can still be part of one that waits no longer than the zone may."""
        if not by_unit.shape[1]:
            return None
        least, both = _least_sums(by_unit[units], most), self._budget.most_both
        last, relief = len(others) - 1, []
        for size in range(most + 1):
            rest = np.clip(both - size - np.arange(most - size + 1), 0, last)
            relief.append((least[: most - size + 1] + others[rest]).min(axis=0))
        return Waits(by_unit, self._excess[self._is_own].sum(axis=0), np.array(relief))

    def _least_left(self, most: int) -> Numbers:
        """Find the least that is left of the excess where at most 0, 1, 2, … units leave, at each place."""
        if not self._excess.shape[1]:
            return np.zeros((most + 1, 0))
        left = -Waits(self._excess, np.zeros(self._excess.shape[1]), np.zeros(0)).of(self._out.bits)
        least = [left[self._out.size <= size].min(axis=0) for size in range(most + 1)]
        return np.array(least)

    def _around(self, units: Flags) -> Bits:
        if not units.any():
            return np.zeros(self._words, dtype=np.uint64)
        union: Bits = np.bitwise_or.reduce(self._neighbors[units], axis=0)
        return union

    def _sets_elsewhere(self) -> list[GrownSets]:
        """List the sets that hold none of the zone's own units: it has moved away altogether."""
        own = int(self._is_own.sum())
        spare = min(self._budget.most_both - own, self._budget.most_in)
        if spare < 1 or self._budget.most_out < own or not self._problem.can_move_away[self._zone]:
            return []
        if (self._is_own & ~self._leavers).any():
            return []
        joiners = np.flatnonzero(self._joiners)
        gain = _largest_sums(-self._price[self._joiners])
        dear = [self._limit + _at(gain, spare - size) for size in range(spare + 1)]
        size = spare + 1
        growth = Growth(self._problem.share, [self._high] * size, [0.0] * size, self._price, dear, self._most)
        return [
            grow_sets(
                bits_of([unit], self._words),
                bits_of(joiners[joiners >= unit].tolist(), self._words),
                self._neighbors,
                growth,
            )
            for unit in joiners.tolist()
        ]

    def cheaper_than(self, price: Numbers, limit: float, *, most: int) -> tuple[Numbers, Bits]:
        """List the sets of which the units' prices add up to less than a limit, contiguous or not."""
        sums, bits = self._changed_sets(price, limit, most)
        for sets in self._elsewhere:
            cost = sets.cost(price)
            fits = (cost < limit) & (sets.load >= self._low) & (sets.load <= self._high) & (sets.size > 0)
            fits &= self._has_few_students(sets)
            sums, bits = np.concatenate([sums, cost[fits]]), np.concatenate([bits, sets.bits[fits]])
        is_kept = self._keeps_rules(bits)
        sums, bits = sums[is_kept], bits[is_kept]
        order = np.argsort(sums, kind="stable")
        return sums[order], bits[order]

    def _changed_sets(self, price: Numbers, limit: float, most: int) -> tuple[Numbers, Bits]:
        cost_in = self._in.cost(price)[self._order]
        cost_out = self._cost_out(price)
        rows = np.flatnonzero(self._least_by_out(cost_in, cost_out) < limit)
        has_few = self._has_few_students(self._in)[self._order]
        beyond = self._excess_by_side()
        outs: list[Labels] = []
        ins: list[Labels] = []
        for out in rows.tolist():
            begin, end = self._first[out], self._end[out]
            fits = np.flatnonzero(
                (cost_in[begin:end] < limit - cost_out[out])
                & (self._in_size[begin:end] <= self._budget.most_both - self._out.size[out])
                & has_few[begin:end]
            )
            if beyond is not None:
                fits = fits[(beyond[0][fits + begin] <= beyond[1][out]).any(axis=1)]
            most -= len(fits)
            if most < 0:
                raise TooManySetsError
            ins.append(fits + begin)
            outs.append(np.full(len(fits), out))
        if not ins:
            return np.zeros(0), np.zeros((0, self._words), dtype=np.uint64)
        which_out, which_in = np.concatenate(outs), np.concatenate(ins)
        bits = (self._own & ~self._out.bits[which_out]) | self._in.bits[self._order[which_in]]
        return cost_out[which_out] + cost_in[which_in], bits

    def _excess_by_side(self) -> tuple[Numbers, Numbers] | None:
        """Give the excess of what joins, in its order, and how much what leaves makes room for, at each place."""
        response = self._problem.response
        if response is None or not self._excess.shape[1]:
            return None
        held = self._is_own | self._joiners
        at = response.place[held[response.place]]
        sides = [self.members(sets.bits) for sets in (self._in, self._out)]
        joins, leaves = (csr_array(side.astype("float64")) @ self._excess for side in sides)
        room = leaves - self._excess[self._is_own].sum(axis=0) + _ROUNDING
        # The officer waits in a unit that the zone has.
        joins[:, :-1][~self._is_own[at] & (sides[0][:, at] == 0)] = np.inf
        room[:, :-1][sides[1][:, at] == 1] = -np.inf
        return joins[self._order], room

    def _has_few_students(self, joined: GrownSets) -> Flags:
        """Say which sets that join have no more students than may move in all."""
        students = self._problem.students
        if students is None:
            return np.ones(len(joined), dtype=bool)
        return np.asarray(joined.cost(students) <= self._problem.most_students)

    def _keeps_rules(self, sets: Bits) -> Flags:
        """Say which sets keep groups together, hold one of each that has to be there, and leave what has to leave."""
        kept = ((sets & self._must_leave) == 0).all(axis=1)
        for group in self._problem.together:
            held = np.sum([has_unit(sets, unit) for unit in group], axis=0)
            kept &= (held == 0) | (held == len(group))
        for few in self._problem.one_of_each.values():
            kept &= ((sets & bits_of(few, self._words)) != 0).any(axis=1)
        return np.asarray(kept, dtype=bool)

    def cheapest(self, price: Numbers, limit: float, *, count: int) -> tuple[float, Bits]:
        """Find up to `count` of the cheapest contiguous sets below a limit, and the least sum; else the limit."""
        for attempt in self._rising_limits(price, limit):
            sums, bits = self.cheaper_than(price, attempt, most=self._most)
            for begin in range(0, len(sums), _BATCH):
                is_whole = self.contiguous(bits[begin : begin + _BATCH])
                if is_whole.any():
                    first = begin + int(np.flatnonzero(is_whole)[0])
                    return float(sums[first]), bits[begin : begin + _BATCH][is_whole][:count]
        return limit, np.zeros((0, self._words), dtype=np.uint64)

    def _rising_limits(self, price: Numbers, limit: float) -> Iterator[float]:
        """Come to the limit step by step from the cheapest pair, so that few sets are looked at."""
        least = self._least_by_out(self._in.cost(price)[self._order], self._cost_out(price)).min(initial=np.inf)
        step = _FIRST_STEP * max(float(np.abs(price).max()), 1e-9)
        while least + step < limit and not self._elsewhere:
            yield least + step
            step *= 4
        yield limit

    def _least_by_out(self, cost_in: Numbers, cost_out: Numbers) -> Numbers:
        """Find, for each set that leaves, the cheapest pair within the loads; infinite where there is none."""
        has_any = self._end > self._first
        least = np.full(len(cost_out), np.inf)
        lengths = (self._end - self._first)[has_any]
        if not len(lengths):
            return least
        # Minima of all windows of 1, 2, 4, … sets; two of these cover any window.
        power = np.log2(lengths).astype("int64")
        table, found = cost_in, np.full(len(lengths), np.inf)
        for exponent in range(int(power.max()) + 1):
            now = power == exponent
            width = 1 << exponent
            first, end = self._first[has_any][now], self._end[has_any][now]
            found[now] = np.minimum(table[first], table[end - width])
            table = np.minimum(table[:-width], table[width:]) if len(table) > width else table
        least[has_any] = found + cost_out[has_any]
        return least

    def _cost_out(self, price: Numbers) -> Numbers:
        cost: Numbers = float(price[self._is_own].sum()) - self._out.cost(price)
        return cost

    def contiguous(self, sets: Bits) -> Flags:
        """Say which sets hang together, and wait no longer than the zone may where that is limited."""
        is_whole = are_connected(sets, self._neighbors)
        response = self._problem.response
        if response is not None and is_whole.any():
            is_whole[is_whole] = response.is_kept(self.members(sets[is_whole]), self._zone)
        return is_whole

    def members(self, sets: Bits) -> NDArray[np.int8]:
        """Unpack sets."""
        return members(sets, len(self._problem))


def _largest_sums(values: Numbers) -> Numbers:
    """Add up the 0, 1, 2, … largest values, leaving out those below 0."""
    sums: Numbers = np.concatenate([[0.0], np.cumsum(np.sort(np.maximum(values, 0.0))[::-1])])
    return sums


def _least_sums(values: Numbers, most: int) -> Numbers:
    """Add up the 0, 1, 2, … smallest values of each column, leaving out those above 0."""
    smallest = np.sort(np.minimum(values, 0.0), axis=0)[:most]
    sums = np.zeros((most + 1, values.shape[1]))
    sums[1 : len(smallest) + 1] = np.cumsum(smallest, axis=0)
    return sums


def _at(sums: Numbers, count: int) -> float:
    return float(sums[max(0, min(count, len(sums) - 1))])
