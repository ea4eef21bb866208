"""How many units have to cross at least between zones, for the loads and because zones hang together."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

from safeschools_geo.programs import Program, solve
from safeschools_geo.rebalance.exact.bit_sets import Growth, TooManySetsError, bits_of, grow_sets, words_for
from safeschools_geo.rebalance.problem import Flags, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.rebalance.problem import Labels, Problem

_ROUNDING = 1e-9
_MOST_SETS = 400_000
"""Sets of units that are grown for one crossing before what is known so far is taken."""

_MOST_CROSSINGS = 400
_FAR = 10**6
_SOLVERS_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Crossing:
    """Some zones, and what has to leave them for the others.

    Parameters
    ----------
    zones
        Which zones these are, shape (k,).
    least
        Fewest units that move from them to the others, in any plan.
    """

    zones: Flags
    least: int

    @property
    def counts(self) -> Numbers:
        """Which moves count, from one zone to another, shape (k, k), 0 or 1."""
        return np.outer(self.zones, ~self.zones).astype("float64")


def crossings(problem: Problem, *, tolerance: float, max_moves: int, deadline: float = np.inf) -> list[Crossing]:
    """Find what has to cross between zones in every plan of few moves within a tolerance.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    tolerance
        Largest imbalance.
    max_moves
        Most units that may move.
    deadline
        Moment of `time.perf_counter` at which to stop; what is found holds all the same.

    Returns
    -------
    list of Crossing
        One for each connected group of zones, or whose complement is connected, that has to give units away.

    Notes
    -----
    Zones that together hold more than they may, or whose complement holds less than it has to, give away a certain
    load. What crosses grows from their edge inwards: in the zone it joins, a unit hangs on to one that was not of
    theirs, through units that cross as well. The fewest units of such a set that carry the load are found by listing,
    largest loads first. These are rank-one cuts of the load rows, made stronger by contiguity, and they add up where
    load has to pass through zones in between.
    """
    grower = _Grower(problem, max_moves)
    found = []
    for zones in _groups_of_zones(problem):
        need = _load_to_give(problem, zones, tolerance)
        if need > _ROUNDING and time.perf_counter() < deadline:
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
    for unit, others in enumerate(problem.neighbours):
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

    def __init__(self, problem: Problem, max_moves: int) -> None:
        self._problem, self._max_moves = problem, max_moves
        self._words = words_for(len(problem))
        self._neighbours = np.array([bits_of(js, self._words) for js in problem.neighbours], dtype=np.uint64)
        # A zone that can move away altogether takes units wherever it settles.
        self._can_settle = problem.can_settle(max_moves)

    def fewest(self, zones: Flags, need: float, *, deadline: float) -> int:
        """Count the units it takes at least to carry a load out; `max_moves` + 1 where so few cannot."""
        problem = self._problem
        is_inside = zones[problem.start]
        may_leave = is_inside & problem.allowed[:, ~zones].any(axis=1)
        depth = self._depth(is_inside, may_leave, is_free=bool(self._can_settle[~zones].any()))
        for count in range(1, self._max_moves + 1):
            near = may_leave & (depth <= count)
            largest = np.r_[0.0, np.cumsum(np.sort(problem.share[near])[::-1])]
            most = largest[np.minimum(np.arange(count + 1), len(largest) - 1)]
            if most[count] < need - _ROUNDING:
                continue
            if time.perf_counter() > deadline or self._is_carried(near, depth, count, need, most):
                return count
        return self._max_moves + 1

    def _depth(self, is_inside: Flags, may_leave: Flags, *, is_free: bool) -> Labels:
        """Count the units that have to leave for each unit to leave, itself included, shape (n,)."""
        depth = np.full(len(may_leave), _FAR)
        if is_free:
            depth[may_leave] = 1
            return depth
        edge = [i for i in np.flatnonzero(may_leave).tolist() if not is_inside[list(self._problem.neighbours[i])].all()]
        depth[edge] = 1
        while edge:
            inner = {j for i in edge for j in self._problem.neighbours[i] if may_leave[j] and depth[j] == _FAR}
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
            grown = grow_sets(seeds, within, self._neighbours, growth)
        except TooManySetsError:
            return True
        return bool(grown.load.max() >= need - _ROUNDING)


@dataclass(frozen=True)
class Budget:
    """How far a zone may change.

    Parameters
    ----------
    most_in, most_out, most_both
        Most units that may join, leave, and do either.
    least_in, least_out
        Fewest that have to.
    """

    most_in: int
    most_out: int
    most_both: int
    least_in: int = 0
    least_out: int = 0

    def narrowed(self, spare: int) -> Budget:
        """Allow only a few units more than have to move.

        Parameters
        ----------
        spare
            How many more.

        Returns
        -------
        Budget
            The narrower budget.
        """
        return replace(
            self,
            most_in=min(self.most_in, self.least_in + spare),
            most_out=min(self.most_out, self.least_out + spare),
            most_both=min(self.most_both, self.least_in + self.least_out + 2 * spare),
        )


def zone_budgets(problem: Problem, found: list[Crossing], max_moves: int) -> list[Budget] | None:
    """Work out how far each zone may change, given what has to cross.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    found
        Result of `crossings`.
    max_moves
        Most units that may move.

    Returns
    -------
    list of Budget or None
        One for each zone; None where so few moves are not enough.

    Notes
    -----
    Small linear programs over the number of units that move from each zone to each other; answers are rounded inwards.
    """
    pairs = _Pairs(problem.zones, found)
    if pairs.least(np.ones(len(pairs)), max_moves) is None:
        return None
    budgets = []
    for zone in range(problem.zones):
        out, into = pairs.origin == zone, pairs.target == zone
        most_in, most_out, most_both, least_in, least_out = (
            abs(pairs.least(cost, max_moves) or 0) for cost in (-1.0 * into, -1.0 * out, -1.0 * (into | out), into, out)
        )
        budgets.append(Budget(most_in, most_out, most_both, least_in, least_out))
    return budgets


def least_moves(problem: Problem, found: list[Crossing]) -> int:
    """Count the moves it takes at least for all that has to cross.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    found
        Result of `crossings`.

    Returns
    -------
    int
        The moves.
    """
    pairs = _Pairs(problem.zones, found)
    return pairs.least(np.ones(len(pairs)), len(problem)) or 0


class _Pairs:
    """Units that move from each zone to each other, as a small linear program."""

    def __init__(self, zones: int, found: list[Crossing]) -> None:
        self.origin, self.target = np.nonzero(~np.eye(zones, dtype=bool))
        rows = [c.counts[self.origin, self.target] for c in found]
        self._matrix = csc_array(np.vstack([*rows, np.ones(len(self.origin))]))
        self._low = np.array([*(float(c.least) for c in found), 0.0])

    def __len__(self) -> int:
        return len(self.origin)

    def least(self, cost: Numbers | Flags, max_moves: int) -> int | None:
        """Make a count small, rounded up; None where there are too few moves."""
        high, most = np.full(len(self._low), np.inf), np.full(len(self), float(max_moves))
        high[-1] = max_moves
        program = Program(cost.astype("float64"), self._matrix, self._low, high, np.zeros(len(self)), most)
        answer = solve(program)
        return None if answer.is_infeasible else int(np.ceil(answer.value - _SOLVERS_ROUNDING))
