"""Every set of units that a zone could consist of after a few moves, and the cheapest of them at given prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.exact.bit_sets import (
    Bits,
    GrownSets,
    Growth,
    TooManySetsError,
    are_connected,
    bits_of,
    grow_sets,
    has_unit,
    members,
    words_for,
)
from safeschools_geo.rebalance.problem import Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from safeschools_geo.rebalance.exact.crossings import Budget
    from safeschools_geo.rebalance.problem import Flags, Labels, Problem

MOST_SETS = 2_500_000
"""Most sets that are listed for one side of one zone."""

_ROUNDING = 1e-12
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
        beside = [min(other.most, both - size) for size in range(self.most + 1)]
        loads = [load + _at(other.loads, count) for count in beside]
        prices = [
            price + _at(other.gains, count) + _at(self.gains, self.most - size) for size, count in enumerate(beside)
        ]
        return loads, prices

    def least_loads(self, need: float) -> list[float]:
        """Give the smallest load of 0, 1, 2, … units from which the others can still carry what is needed."""
        return [need - _at(self.loads, self.most - size) - _ROUNDING for size in range(self.most + 1)]


class ZoneSets:
    """The sets that one zone could consist of: its own units less some that leave, and some that join.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    zone
        Row of the zone.
    budget
        How far it may change.
    tolerance
        Largest ``|load - mean| / mean``.
    max_moves
        Most units that may move in all zones together.
    price
        Price of each unit in this zone, shape (n,); with `limit`, only sets that could cost less are listed.
    limit
        Sets that cost this much or more are of no interest.
    most
        Most sets to list for one side.

    Raises
    ------
    TooManySetsError
        When there are more.

    Notes
    -----
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
        max_moves: int,
        price: Numbers | None = None,
        limit: float = np.inf,
        most: int = MOST_SETS,
    ) -> None:
        self._problem, self._zone, self._budget, self._most = problem, zone, budget, most
        n = len(problem)
        self._words = words_for(n)
        self._neighbours = np.array([bits_of(js, self._words) for js in problem.neighbours], dtype=np.uint64)
        self._is_own: Flags = problem.start == zone
        may_stay = problem.allowed[:, zone]
        self._own = self._bits(self._is_own)
        self._joiners: Flags = ~self._is_own & may_stay
        self._leavers: Flags = self._is_own & (problem.allowed.sum(axis=1) - may_stay > 0)
        self._must_leave = self._bits(self._is_own & ~may_stay)
        self._load = float(problem.share[self._is_own].sum())
        self._low, self._high = 1.0 - tolerance - _ROUNDING, 1.0 + tolerance + _ROUNDING
        self._price = np.zeros(n) if price is None else price
        self._limit = limit
        self._grow(others_may_move_in=bool(np.delete(problem.can_settle(max_moves), zone).any()))

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
        limits = joining.limits(leaving, both, self._high - self._load, room)
        growth = Growth(share, limits[0], joining.least_loads(self._low - self._load), price, limits[1], self._most)
        self._in = grow_sets(self._around(self._is_own), self._bits(self._joiners), self._neighbours, growth)
        limits = leaving.limits(joining, both, self._load - self._low, room)
        growth = Growth(share, limits[0], leaving.least_loads(self._load - self._high), -price, limits[1], self._most)
        self._out = grow_sets(edge, self._bits(self._leavers), self._neighbours, growth)
        self._order = np.argsort(self._in.load, kind="stable")
        loads, left = self._in.load[self._order], self._load - self._out.load
        self._first = np.searchsorted(loads, self._low - left, side="left")
        self._end = np.searchsorted(loads, self._high - left, side="right")
        self._in_size = self._in.size[self._order]
        self._elsewhere = self._sets_elsewhere()

    def _around(self, units: Flags) -> Bits:
        if not units.any():
            return np.zeros(self._words, dtype=np.uint64)
        union: Bits = np.bitwise_or.reduce(self._neighbours[units], axis=0)
        return union

    def _sets_elsewhere(self) -> list[GrownSets]:
        """List the sets that hold none of the zone's own units: it has moved away altogether."""
        spare = min(self._budget.most_both - int(self._is_own.sum()), self._budget.most_in)
        if spare < 1 or not self._problem.can_move_away[self._zone] or (self._is_own & ~self._leavers).any():
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
                self._neighbours,
                growth,
            )
            for unit in joiners.tolist()
        ]

    def cheaper_than(self, price: Numbers, limit: float, *, most: int) -> tuple[Numbers, Bits]:
        """List the sets of which the units' prices add up to less than a limit, contiguous or not.

        Parameters
        ----------
        price
            Price of each unit in this zone, shape (n,); that given to the class, if any.
        limit
            What the sum has to be below.
        most
            Most sets to list.

        Returns
        -------
        tuple of numpy.ndarray
            Sum of each set, ascending, shape (m,), and the sets, shape (m, words).

        Raises
        ------
        TooManySetsError
            When there are more.
        """
        sums, bits = self._changed_sets(price, limit, most)
        for sets in self._elsewhere:
            cost = sets.cost(price)
            fits = (cost < limit) & (sets.load >= self._low) & (sets.load <= self._high) & (sets.size > 0)
            sums, bits = np.concatenate([sums, cost[fits]]), np.concatenate([bits, sets.bits[fits]])
        is_kept = self._keeps_rules(bits)
        sums, bits = sums[is_kept], bits[is_kept]
        order = np.argsort(sums, kind="stable")
        return sums[order], bits[order]

    def _changed_sets(self, price: Numbers, limit: float, most: int) -> tuple[Numbers, Bits]:
        cost_in = self._in.cost(price)[self._order]
        cost_out = self._cost_out(price)
        rows = np.flatnonzero(self._least_by_out(cost_in, cost_out) < limit)
        outs: list[Labels] = []
        ins: list[Labels] = []
        for out in rows.tolist():
            begin, end = self._first[out], self._end[out]
            fits = np.flatnonzero(
                (cost_in[begin:end] < limit - cost_out[out])
                & (self._in_size[begin:end] <= self._budget.most_both - self._out.size[out])
            )
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

    def _keeps_rules(self, sets: Bits) -> Flags:
        """Say which sets keep groups together and leave behind what has to leave."""
        kept = ((sets & self._must_leave) == 0).all(axis=1)
        for group in self._problem.together:
            held = np.sum([has_unit(sets, unit) for unit in group], axis=0)
            kept &= (held == 0) | (held == len(group))
        return np.asarray(kept, dtype=bool)

    def cheapest(self, price: Numbers, limit: float, *, count: int) -> tuple[float, Bits]:
        """Find the cheapest contiguous sets below a limit.

        Parameters
        ----------
        price
            Price of each unit in this zone, shape (n,).
        limit
            What the sum of the prices has to be below.
        count
            How many sets are wanted.

        Returns
        -------
        least : float
            Sum of the prices of the cheapest contiguous set below the limit; the limit where there is none.
        sets : numpy.ndarray
            Up to `count` sets, shape (m, words).

        Raises
        ------
        TooManySetsError
            When too many sets would have to be looked at.
        """
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
        """Say which sets hang together.

        Parameters
        ----------
        sets
            Shape (m, words).

        Returns
        -------
        numpy.ndarray
            Shape (m,), bool.
        """
        return are_connected(sets, self._neighbours)

    def members(self, sets: Bits) -> NDArray[np.int8]:
        """Unpack sets.

        Parameters
        ----------
        sets
            Shape (m, words).

        Returns
        -------
        numpy.ndarray
            Shape (m, n), int8: 1 where the set holds the unit.
        """
        return members(sets, len(self._problem))


def _largest_sums(values: Numbers) -> Numbers:
    """Add up the 0, 1, 2, … largest values, leaving out those below 0."""
    sums: Numbers = np.concatenate([[0.0], np.cumsum(np.sort(np.maximum(values, 0.0))[::-1])])
    return sums


def _at(sums: Numbers, count: int) -> float:
    return float(sums[max(0, min(count, len(sums) - 1))])
