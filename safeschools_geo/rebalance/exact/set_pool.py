"""The choice among listed sets of units: a set partition, closed by cuts and an integer program."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack, vstack

from safeschools_geo.programs import Program, solve
from safeschools_geo.rebalance.exact.three_row_cuts import violated_triples
from safeschools_geo.rebalance.problem import Labels, Numbers
from safeschools_geo.rebalance.solving.growing import GrowingProgram, OutOfTimeError

if TYPE_CHECKING:
    from safeschools_geo.rebalance.problem import Flags

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
    """Sets of units, each for one zone.

    Parameters
    ----------
    members
        Which of the n units each set holds, shape (m, n), 0 or 1.
    zone
        Zone of each set, shape (m,).
    zones
        Number of zones.
    cost
        Cost of each set, shape (m,).
    moved
        Units of each set that come from other zones, shape (m,).
    deviation
        ``|load - mean| / mean`` of each set, shape (m,).
    price
        What each set costs at the prices it was listed at, shape (m,): the cheapest are tried first.
    crossed
        Units of each set that make each crossing, shape (m, c).
    least_crossed
        Fewest units of each crossing in all sets together, shape (c,).
    """

    members: NDArray[np.int8]
    zone: Labels
    zones: int
    cost: Numbers
    moved: Numbers
    deviation: Numbers
    price: Numbers
    crossed: NDArray[np.int8]
    least_crossed: Numbers

    def __len__(self) -> int:
        """Return how many sets there are."""
        return len(self.zone)

    def rows(self, which: Labels | slice = slice(None)) -> NDArray[np.int8]:
        """Say what sets cover.

        Parameters
        ----------
        which
            Rows of the sets; all by default.

        Returns
        -------
        numpy.ndarray
            Units, and zones, shape (sets, n + zones), 0 or 1.
        """
        return np.hstack([self.members[which], np.eye(self.zones, dtype=np.int8)[self.zone[which]]])

    def limited_rows(self, which: Labels | slice = slice(None)) -> NDArray[np.int8]:
        """Say what of sets is limited: crossings from below, counted as negative, then units moved.

        Parameters
        ----------
        which
            Rows of the sets; all by default.

        Returns
        -------
        numpy.ndarray
            Shape (sets, c + 1).
        """
        return np.column_stack([-self.crossed[which], self.moved[which].astype(np.int8)])

    def only(self, is_kept: Flags) -> SetPool:
        """Keep some of the sets.

        Parameters
        ----------
        is_kept
            Shape (m,).

        Returns
        -------
        SetPool
            Those.
        """
        by_set = ("members", "zone", "cost", "moved", "deviation", "price", "crossed")
        return replace(self, **{name: getattr(self, name)[is_kept] for name in by_set})


@dataclass(frozen=True, eq=False)
class Choice:
    """What the choice came to.

    Parameters
    ----------
    bound
        No choice of the pool below the cutoff costs less; infinite where there is none.
    sets
        Members and zones of the sets chosen; None where none were found.
    is_closed
        Whether it is proven that no choice below the cutoff is better.
    """

    bound: float
    sets: tuple[NDArray[np.int8], Labels] | None
    is_closed: bool


@dataclass(eq=False)
class _State:
    """The choice as it narrows: the sets left, their weights in the linear program, and the cuts."""

    pool: SetPool
    max_moves: int | None
    cuts: NDArray[np.int8]
    active: Labels
    weight: Numbers
    dual: Numbers
    bound: float = -np.inf


def close_pool(pool: SetPool, *, cutoff: float, max_moves: int | None, levels_loads: bool, deadline: float) -> Choice:
    """Choose one set for each zone so that every unit is in one.

    Parameters
    ----------
    pool
        The sets.
    cutoff
        The choice may cost this much at most.
    max_moves
        Most units that may move; None for no limit.
    levels_loads
        Whether the smallest largest deviation is wanted, not the smallest cost.
    deadline
        Moment of `time.perf_counter` at which to stop.

    Returns
    -------
    Choice
        The choice, or the bound.
    """
    if len(np.unique(pool.zone)) < pool.zones:
        return Choice(np.inf, None, is_closed=True)
    count = len(pool)
    no_cuts = np.zeros((count, 0), dtype=np.int8)
    cheapest = np.argsort(pool.price, kind="stable")[:_FIRST_SETS]
    state = _State(pool, max_moves, no_cuts, cheapest, np.zeros(count), np.zeros(0))
    stalls = 0
    while True:
        before = state.bound
        try:
            _solve_by_sifting(state, deadline)
        except OutOfTimeError:
            return Choice(state.bound, None, is_closed=False)
        if state.bound > cutoff + _ROUNDING:
            return Choice(np.inf, None, is_closed=True)
        _drop_too_dear(state, cutoff)
        stalls = stalls + 1 if state.bound - before < _STALLED else 0
        if len(state.pool) <= _SMALL or stalls > _MOST_STALLS or not _add_cuts(state):
            break
    return _settle(state, cutoff, levels_loads=levels_loads, deadline=deadline)


def _columns(state: _State, which: Labels) -> csc_array:
    """Make columns of sets: what they cover, their cuts, and what is limited."""
    rows = np.hstack([state.pool.rows(which), state.cuts[which], state.pool.limited_rows(which)])
    return csc_array(rows.T.astype("float64"))


def _program(state: _State) -> GrowingProgram:
    """Make the linear program over the sets that are tried."""
    pool = state.pool
    covered, cuts = pool.members.shape[1] + pool.zones, state.cuts.shape[1]
    most = np.inf if state.max_moves is None else float(state.max_moves)
    limits = np.r_[np.ones(cuts), -pool.least_crossed, most]
    low = np.r_[np.ones(covered), np.full(len(limits), -np.inf)]
    program = GrowingProgram(low, np.r_[np.ones(covered), limits])
    # Prices stay within this, so that there is an answer before every unit can be covered.
    penalty = 3.0 * max(1e-9, float(np.abs(pool.cost).max()))
    program.soften(range(covered), penalty, sign=1.0)
    program.soften(range(covered), penalty, sign=-1.0)
    program.soften(range(covered + cuts, len(low) - 1), penalty, sign=-1.0)
    program.add(pool.cost[state.active], _columns(state, state.active))
    return program


def _reduced_cost(state: _State) -> Numbers:
    pool, units, covered = state.pool, state.pool.members.shape[1], state.pool.members.shape[1] + state.pool.zones
    cuts = state.cuts.shape[1]
    dual = state.dual.astype(np.float32)
    reduced = pool.cost - state.dual[units:covered][pool.zone]
    # In pieces: numbers of a byte are widened for the product.
    for begin in range(0, len(pool), _PIECE):
        some = slice(begin, begin + _PIECE)
        worth = pool.members[some].astype(np.float32) @ dual[:units]
        if cuts:
            worth += state.cuts[some].astype(np.float32) @ dual[covered : covered + cuts]
        worth += pool.limited_rows(some).astype(np.float32) @ dual[covered + cuts :]
        reduced[some] -= worth
    return np.asarray(reduced)


def _solve_by_sifting(state: _State, deadline: float) -> None:
    """Solve the linear program over all sets, a few of them at a time."""
    program = _program(state)
    while True:
        found = program.solve(deadline=deadline)
        state.dual = found.row_dual
        reduced = _reduced_cost(state)
        is_new = reduced < -_ROUNDING
        is_new[state.active] = False
        new = np.flatnonzero(is_new)
        if not len(new):
            break
        cheap = new[np.argsort(reduced[new], kind="stable")[:_NEW_SETS]]
        state.active = np.concatenate([state.active, cheap])
        program.add(state.pool.cost[cheap], _columns(state, cheap))
    # One set of each zone at most is cheaper than the program knows, and by this much at most.
    state.bound = max(state.bound, found.value - state.pool.zones * _ROUNDING)
    state.weight = np.zeros(len(state.pool))
    state.weight[state.active] = found.x[-len(state.active) :]


def _drop_too_dear(state: _State, cutoff: float) -> None:
    """Leave out the sets that no choice below the cutoff can hold, and put aside those that are dear."""
    reduced = _reduced_cost(state)
    is_used = state.weight > 0
    is_kept = (reduced <= cutoff - state.bound + 2 * _ROUNDING) | is_used
    is_active = np.zeros(len(reduced), dtype=bool)
    is_active[state.active] = True
    is_active &= is_kept & (is_used | (reduced < _DEAR))
    state.active = np.flatnonzero(is_active[is_kept])
    state.pool, state.cuts, state.weight = state.pool.only(is_kept), state.cuts[is_kept], state.weight[is_kept]


def _add_cuts(state: _State) -> bool:
    used = np.flatnonzero(state.weight > 0)
    triples = violated_triples(state.pool.rows(used), state.weight[used])
    if not triples:
        return False
    rows = state.pool.rows()
    new = [(rows[:, list(t)].sum(axis=1) >= _TWO_OF_THREE).astype(np.int8) for t in triples]
    state.cuts = np.column_stack([state.cuts, *new])
    return True


def _settle(state: _State, cutoff: float, *, levels_loads: bool, deadline: float) -> Choice:
    """Close what is left with an integer program."""
    pool, count = state.pool, len(state.pool)
    if count > _MOST_SETTLED:
        return Choice(state.bound, None, is_closed=False)
    one = csr_array(pool.cost[None])
    blocks = [csr_array(pool.rows().astype("float64").T), one, csr_array(pool.moved[None])]
    covered = blocks[0].shape[0]
    sets = vstack(blocks)
    most = np.inf if state.max_moves is None else float(state.max_moves)
    low, high = np.r_[np.ones(covered), -np.inf, -np.inf], np.r_[np.ones(covered), cutoff + _ROUNDING, most]
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
        time_limit_s=deadline - time.perf_counter(),
    )
    if found.x is None:
        return Choice(np.inf if found.is_infeasible else state.bound, None, is_closed=found.is_infeasible)
    chosen = found.x[:count] > 0.5  # noqa: PLR2004 - 0 or 1, but for rounding
    bound = state.bound if levels_loads else max(state.bound, found.bound)
    return Choice(bound, (pool.members[chosen], pool.zone[chosen]), is_closed=found.is_optimal)
