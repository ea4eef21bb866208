"""Every plan of a small district, tried one after the other: how the independent checker tests a bound.

Standard library only. A plan gives each block of units (units kept together are one block) a zone. The search starts
from the current plan and changes block after block, the heaviest first. It leaves a branch only when arithmetic shows
that no plan in it can have loads within the limits: what is settled of a zone is too heavy, or the changes left are
too few to mend it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDING = 1e-9
_NOWHERE = -1


class TooManyPlansError(Exception):
    """The search was given up: there are more plans than it may look at."""


@dataclass(frozen=True)
class Town:
    """Units, zones and rules as plain lists.

    Parameters
    ----------
    before
        Current zone of each unit, from 0; -1 where it is none of the zones.
    loads
        Load of each unit.
    costs
        What moving each unit counts for.
    neighbours
        Units that each unit is linked to.
    zones
        Number of zones.
    allowed
        Zones each unit may be in: locks, roots and forbidden pairs.
    together
        Groups of units that stay in one zone.
    """

    before: tuple[int, ...]
    loads: tuple[float, ...]
    costs: tuple[float, ...]
    neighbours: tuple[tuple[int, ...], ...]
    zones: int
    allowed: tuple[frozenset[int], ...]
    together: tuple[tuple[int, ...], ...] = ()

    @cached_property
    def mean(self) -> float:
        """The mean load of a zone."""
        return math.fsum(self.loads) / self.zones

    @cached_property
    def neighbour_bits(self) -> tuple[int, ...]:
        """The neighbours of each unit as bits."""
        return tuple(sum(1 << j for j in set(js)) for js in self.neighbours)

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The units that go together, the heaviest first; groups that share a unit are one."""
        blocks = [{i} for i in range(len(self.before))]
        for group in self.together:
            joined = set(group).union(*(b for b in blocks if b & set(group)))
            blocks = [b for b in blocks if not b & joined] + [joined]
        return tuple(sorted((tuple(sorted(b)) for b in blocks), key=lambda b: (-self.load_of(b), b)))

    def load_of(self, units: Sequence[int]) -> float:
        """Add up the loads of some units.

        Parameters
        ----------
        units
            Which.

        Returns
        -------
        float
            Their load.
        """
        return math.fsum(self.loads[i] for i in units)

    def imbalance(self, label: Sequence[int]) -> float:
        """Measure the largest ``|load - mean| / mean`` of a plan.

        Parameters
        ----------
        label
            Zone of each unit.

        Returns
        -------
        float
            The imbalance; 0 where there is no load.
        """
        sums = [self.load_of([i for i, z in enumerate(label) if z == zone]) for zone in range(self.zones)]
        return max(abs(s - self.mean) for s in sums) / self.mean if self.mean > 0 else 0.0

    def is_contiguous(self, label: Sequence[int]) -> bool:
        """Say whether every zone has units and hangs together.

        Parameters
        ----------
        label
            Zone of each unit.

        Returns
        -------
        bool
            True when it is so.
        """
        members = [0] * self.zones
        for unit, zone in enumerate(label):
            members[zone] |= 1 << unit
        return all(_is_one_piece(m, self.neighbour_bits) for m in members)


def find_plan(town: Town, *, below: float, max_cost: float, budget: int) -> tuple[int, ...] | None:
    """Look for a contiguous plan through all there are.

    Parameters
    ----------
    town
        The district.
    below
        Largest imbalance the plan may have.
    max_cost
        Most that its moves may cost.
    budget
        How many plans may be looked at.

    Returns
    -------
    tuple of int or None
        Zone of each unit; None when there is no such plan.

    Raises
    ------
    TooManyPlansError
        When the budget is spent first.
    """
    if below < 0 or max_cost < 0:
        return None
    return _Search(town, below=below, max_cost=max_cost, budget=budget).run()


def least_moves(town: Town, *, below: float) -> float:
    """Count the moves that balance alone asks for, whatever the plan looks like on the map.

    Parameters
    ----------
    town
        The district.
    below
        Largest imbalance allowed.

    Returns
    -------
    float
        A lower bound on the number of units that move: zones that are too heavy lose their largest units first, zones
        that are too light get the largest of the others. Infinite where no number is enough.
    """
    low, high = town.mean * (1 - below), town.mean * (1 + below)
    if any(town.load_of(b) > high + _ROUNDING * town.mean for b in town.blocks):
        return math.inf
    out = [0.0]
    into = [0.0]
    for zone in range(town.zones):
        inside = [i for i, z in enumerate(town.before) if z == zone]
        load = town.load_of(inside)
        free = [town.loads[i] for i in inside if len(town.allowed[i]) > 1 or zone not in town.allowed[i]]
        others = [town.loads[i] for i, z in enumerate(town.before) if z != zone and zone in town.allowed[i]]
        out.append(_needed(load - high, free, town.mean))
        into.append(_needed(low - load, others, town.mean))
    return max(sum(out), sum(into))


def imbalance_floor(town: Town, *, max_moves: float) -> float:
    """Find an imbalance that no plan can be below, by `least_moves` alone.

    Parameters
    ----------
    town
        The district.
    max_moves
        How many units may move.

    Returns
    -------
    float
        A lower bound on the imbalance.
    """
    low, high = 0.0, float(town.zones)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if least_moves(town, below=middle) > max_moves else (low, middle)
    return low


def _needed(excess: float, loads: list[float], mean: float) -> float:
    count = 0
    for load in sorted(loads, reverse=True):
        if excess <= _ROUNDING * mean:
            return count
        excess -= load
        count += 1
    return count if excess <= _ROUNDING * mean else math.inf


def _is_one_piece(members: int, neighbour_bits: Sequence[int]) -> bool:
    seen = front = members & -members
    while front:
        lowest = front & -front
        fresh = neighbour_bits[lowest.bit_length() - 1] & members & ~seen
        seen |= fresh
        front = (front ^ lowest) | fresh
    return members != 0 and seen == members


class _Search:
    """One walk through the plans; `label` and `loads` are those of the plan looked at."""

    def __init__(self, town: Town, *, below: float, max_cost: float, budget: int) -> None:
        self.town = town
        rounding = _ROUNDING * town.mean
        self.low, self.high = town.mean * (1 - below) - rounding, town.mean * (1 + below) + rounding
        self.max_cost = max_cost + _ROUNDING
        self.budget = budget
        near = [_units_near(town, zone, moves=self._most_moves()) for zone in range(town.zones)]
        options = {block: self._options(block, near) for block in town.blocks}
        home = {block: self._home(block, options[block]) for block in town.blocks}
        # Blocks that cannot stay as they are come first, then the heaviest.
        self.blocks = sorted(town.blocks, key=lambda block: home[block] >= 0)
        self.options = [options[b] for b in self.blocks]
        self.home = [home[b] for b in self.blocks]
        self.weight = [town.load_of(b) for b in self.blocks]
        self.forced = self.home.count(_NOWHERE)
        self.cheapest = self._cheapest_from()
        self.label = [_NOWHERE] * len(town.before)
        self.loads = [0.0] * town.zones

    def _most_moves(self) -> float:
        least = min(self.town.costs)
        return self.max_cost // least if least > 0 else math.inf

    def _options(self, block: Sequence[int], near: Sequence[frozenset[int]]) -> dict[int, float]:
        town = self.town
        zones = frozenset.intersection(*(town.allowed[i] for i in block))
        cost = {z: math.fsum(town.costs[i] for i in block if town.before[i] != z) for z in sorted(zones)}
        return {z: c for z, c in cost.items() if c <= self.max_cost and near[z].issuperset(block)}

    def _home(self, block: Sequence[int], options: dict[int, float]) -> int:
        now = {self.town.before[i] for i in block}
        zone = now.pop()
        return zone if not now and zone in options else _NOWHERE

    def _cheapest_from(self) -> list[float]:
        cheapest = [math.inf]
        for options, home in zip(reversed(self.options), reversed(self.home), strict=True):
            cheapest.append(min([cheapest[-1], *(c for z, c in options.items() if z != home)]))
        return cheapest[::-1]

    def run(self) -> tuple[int, ...] | None:
        if not all(self.options):
            return None
        for b, zone in enumerate(self.home):
            self._put(b, zone)
        return tuple(self.label) if self._force(0, 0.0, [0.0] * self.town.zones) else None

    def _put(self, b: int, zone: int) -> None:
        old = self.label[self.blocks[b][0]]
        if old != _NOWHERE:
            self.loads[old] -= self.weight[b]
        if zone != _NOWHERE:
            self.loads[zone] += self.weight[b]
        for i in self.blocks[b]:
            self.label[i] = zone

    def _force(self, b: int, cost: float, settled: list[float]) -> bool:
        if b == self.forced:
            return self._look(b, cost, settled)
        for zone in self._steps(b, cost, settled):
            self._put(b, zone)
            if self._force(b + 1, cost + self.options[b][zone], _added(settled, zone, self.weight[b])):
                return True
        self._put(b, _NOWHERE)
        return False

    def _look(self, start: int, cost: float, settled: list[float]) -> bool:
        self.budget -= 1
        if self.budget < 0:
            raise TooManyPlansError
        if all(self.low <= load <= self.high for load in self.loads) and self.town.is_contiguous(self.label):
            return True
        for b in range(start, len(self.blocks)):
            left = self._changes_left(b, cost)
            if left <= 0 or self._changes_needed(self.weight[b]) > left:
                return False
            for zone in self._steps(b, cost, settled):
                self._put(b, zone)
                if self._look(b + 1, cost + self.options[b][zone], _added(settled, zone, self.weight[b])):
                    return True
            self._put(b, self.home[b])
            # From here on this block stays: what is settled of a zone only grows.
            settled = _added(settled, self.home[b], self.weight[b])
            if settled[self.home[b]] > self.high:
                return False
        return False

    def _steps(self, b: int, cost: float, settled: list[float]) -> list[int]:
        return [
            zone
            for zone, more in self.options[b].items()
            if zone != self.home[b] and cost + more <= self.max_cost and settled[zone] + self.weight[b] <= self.high
        ]

    def _changes_left(self, b: int, cost: float) -> float:
        each = self.cheapest[b]
        if math.isinf(each):
            return 0
        return math.inf if each <= 0 else (self.max_cost - cost) // each

    def _changes_needed(self, largest: float) -> float:
        # No later block is heavier than `largest`; each that changes leaves one zone and joins one.
        out = math.fsum(self._times(load - self.high, largest) for load in self.loads)
        into = math.fsum(self._times(self.low - load, largest) for load in self.loads)
        return max(out, into)

    def _times(self, excess: float, largest: float) -> float:
        if excess <= 0:
            return 0
        return math.ceil(excess / largest) if excess < largest * len(self.blocks) else math.inf


def _added(settled: list[float], zone: int, weight: float) -> list[float]:
    more = settled.copy()
    more[zone] += weight
    return more


def _units_near(town: Town, zone: int, *, moves: float) -> frozenset[int]:
    # A zone that keeps a unit of its own grows from there: a unit farther off than there are moves cannot join it.
    inside = {i for i, z in enumerate(town.before) if z == zone}
    if len(inside) < moves:
        return frozenset(range(len(town.before)))
    seen = front = inside
    for _ in range(int(moves)):
        front = {j for i in front for j in town.neighbours[i]} - seen
        seen = seen | front
    return frozenset(seen)
