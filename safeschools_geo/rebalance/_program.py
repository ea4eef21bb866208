"""Rebalancing as an integer program: every unit in one zone, loads within limits, contiguity by cuts."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, hstack, vstack

from safeschools_geo.rebalance._problem import EXACT, NO_ROOT, problem_of, reach
from safeschools_geo.solver import Labels, Numbers, Program, Solution, least_of, quiet_highs, solve, stop_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from safeschools_geo.rebalance._problem import Flags, Problem, Rules


# ── Separators: what has to be in a zone for two of its units to hang together

_ENDS_PER_PIECE = 4


@dataclass(frozen=True)
class Separator:
    """A zone that holds all the ends holds one of the units between them."""

    zone: int  # Row of the zone
    ends: tuple[int, ...]  # One unit, where the other end is in the zone in any case, or two
    between: frozenset[int]  # Units that every way between the ends leads through


def broken_separators(problem: Problem, label: Labels, max_moves: int | None) -> list[Separator]:
    """Find what a labelling breaks."""
    found: list[Separator] = []
    for zone in range(problem.zones):
        pieces = problem.pieces(label, zone)
        for piece in pieces[1:]:
            found += _of_piece(problem, zone, piece, pieces[0], max_moves)
    return found


def _of_piece(
    problem: Problem, zone: int, piece: set[int], core: set[int], max_moves: int | None
) -> Iterator[Separator]:
    between = _between(problem, piece, core)
    ends = sorted(piece)[:_ENDS_PER_PIECE]
    if problem.roots[zone] != NO_ROOT:
        yield from (Separator(zone, (unit,), between) for unit in ends)
        return
    keeps_own = max_moves is not None and problem.sizes[zone] > max_moves
    if keeps_own and not any(problem.start[unit] == zone for unit in piece):
        # Some unit of its own stays in the zone, and that lies beyond whatever surrounds the piece.
        around = frozenset(j for i in piece for j in problem.neighbors[i]) - piece
        yield from (Separator(zone, (unit,), around) for unit in ends)
    others = sorted(core - between)[:_ENDS_PER_PIECE]
    for one in ends:
        for other in others:
            for place in range(problem.zones):
                yield Separator(place, (one, other), between)


def _between(problem: Problem, piece: set[int], core: set[int]) -> frozenset[int]:
    """Take the units around a piece that can be reached from the core without passing another of them."""
    around = {j for i in piece for j in problem.neighbors[i]} - piece
    beyond = reach(core, set(range(len(problem))) - around - piece, problem.neighbors)
    touched = {j for i in beyond for j in problem.neighbors[i]}
    return frozenset(around & touched)


# ── How many moves it takes at least to bring a unit into a zone


def moves_needed(problem: Problem) -> Labels:
    """Count the units that have to move at least for a unit to be in a zone."""
    n, k = len(problem), problem.zones
    needed = np.full((n, k), n + 1, dtype="int64")
    for zone in range(k):
        steps = np.where(problem.start == zone, 0.0, 1.0)
        needed[:, zone] = _distances(problem, np.flatnonzero(problem.start == zone).tolist(), steps).clip(max=n + 1)
        if problem.can_move_away[zone]:
            outside = problem.start != zone
            needed[outside, zone] = np.minimum(needed[outside, zone], problem.sizes[zone] + 1)
    return needed


def within_moves(problem: Problem, max_moves: int | None) -> Flags:
    """Say which units can come into which zones with so many moves, shape (n, k)."""
    if max_moves is None:
        return problem.allowed.copy()
    within: Flags = problem.allowed & (moves_needed(problem) <= max_moves)
    return within


def centers_of(problem: Problem) -> Labels:
    """Find the unit that each zone is grown from: its root, else that of the least travel within the zone."""
    centers = problem.roots.copy()
    for zone in np.flatnonzero(centers == NO_ROOT):
        own = np.flatnonzero(problem.start == zone)
        # Travel is load × distance to the center of the current zone: where that is 0 per load is the center.
        near = problem.travel[own, zone] / np.maximum(problem.load[own], 1e-12)
        centers[zone] = own[np.lexsort((own, near, problem.load[own] <= 0))[0]]
    return centers


def outward_order(problem: Problem) -> Numbers:
    """Measure how far each unit lies from the center of each zone, on the graph of neighbors."""
    n = len(problem)
    order = np.full((n, problem.zones), np.inf)
    for zone, center in enumerate(centers_of(problem)):
        steps = np.where(problem.start == zone, 1.0, float(n))
        order[:, zone] = _distances(problem, [int(center)], steps)
    return order


def _distances(problem: Problem, sources: list[int], steps: Numbers) -> Numbers:
    """Find the cheapest way to each unit, where entering a unit costs its step (Dijkstra)."""
    distance = np.full(len(problem), np.inf)
    distance[sources] = 0.0
    queue = [(0.0, unit) for unit in sources]
    while queue:
        so_far, unit = heapq.heappop(queue)
        if so_far > distance[unit]:
            continue
        for other in problem.neighbors[unit]:
            longer = so_far + steps[other]
            if longer < distance[other]:
                distance[other] = longer
                heapq.heappush(queue, (longer, other))
    return distance


# ── A linear program that gets more columns, solved again from where it stood

_NOTHING = np.zeros(0)
_PRIMAL = 4
"""HiGHS's number of the primal simplex method: more columns leave the last answer feasible."""


class OutOfTimeError(Exception):
    """There is no answer in the time given."""


def require_time(deadline: float) -> None:
    """End a search whose time is up."""
    if time.process_time() > deadline:
        raise OutOfTimeError


@dataclass(frozen=True, eq=False)
class Answer:
    """What a linear program came to."""

    value: float  # Its value
    x: Numbers  # The solution, in the order in which columns were added
    row_dual: Numbers  # Duals of the rows, shape (m,)


class GrowingProgram:
    """Minimize ``cost @ x`` with ``low <= matrix @ x <= high`` and ``x >= 0``, over columns that are added bit by bit.

    `low` and `high` have shape (m,); infinite where a row has no limit.
    """

    def __init__(self, low: Numbers, high: Numbers) -> None:
        self._highs = quiet_highs(is_precise=True)
        self._highs.setOptionValue("presolve", "off")
        self._highs.setOptionValue("simplex_strategy", _PRIMAL)
        empty = np.zeros(0, dtype=np.int32)
        self._highs.addRows(len(low), low, high, 0, empty, empty, _NOTHING)

    def add(self, cost: Numbers, columns: csc_array) -> None:
        """Add columns."""
        count = len(cost)
        if count:
            begins, rows = columns.indptr[:-1].astype(np.int32), columns.indices.astype(np.int32)
            low, high = np.zeros(count), np.full(count, np.inf)
            self._highs.addCols(count, cost, low, high, columns.nnz, begins, rows, columns.data.astype("float64"))

    def soften(self, rows: range, price: float, *, sign: float) -> None:
        """Let rows be missed at a price, so that there is an answer before columns can keep them."""
        places = (np.asarray(rows), np.arange(len(rows)))
        count = self._highs.getNumRow()
        self.add(np.full(len(rows), price), csc_array((np.full(len(rows), sign), places), shape=(count, len(rows))))

    def solve(self, *, deadline: float = np.inf) -> Answer:
        """Solve the program over the columns that are there."""
        left = deadline - time.process_time()
        if left <= 0:
            raise OutOfTimeError
        stop_after(self._highs, left)
        self._highs.run()
        least, found = least_of(self._highs), self._highs.getSolution()
        if not np.isfinite(least):
            raise OutOfTimeError
        return Answer(
            least,
            np.asarray(found.col_value, dtype="float64"),
            np.asarray(found.row_dual, dtype="float64"),
        )


# ── Cuts for set partitions: of any three things to be covered, no two sets can each cover two

_VIOLATED = 0.02
_FRACTIONAL = 1e-6


def violated_triples(covers: NDArray[np.int8], weight: Numbers, *, most: int = 60) -> list[tuple[int, int, int]]:
    """Find the triples of rows that a fractional set partition violates most.

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

_SET_ROUNDING = 1e-6
_SMALL = 1_500
"""So many sets are left to the integer program without more cuts."""

_MOST_SETTLED = 50_000
"""With more sets the integer program does not come to an end, nor keep its time."""

_MOST_TRIED = 3_000
"""So many of these, the cheapest, are tried for a plan that is good and not proven."""

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
    minutes: Numbers  # Minutes that all calls of each set wait, shape (m,); 0 where that is not limited
    price: Numbers  # What each set costs at the prices it was listed at, shape (m,): the cheapest are tried first
    crossed: NDArray[np.int8]  # Units of each set that make each crossing, shape (m, c)
    least_crossed: Numbers  # Fewest units of each crossing in all sets together, shape (c,)
    students: Numbers  # Students of each set who come from other zones, shape (m,); 0 where that is not limited
    most_minutes: float = np.inf  # Most minutes that all calls may wait
    most_students: float = np.inf  # Most students who come from other zones, in all sets together
    is_whole: bool = True  # Whether these are all sets of interest; where there are too many, the cheapest of them

    def __len__(self) -> int:
        """Return how many sets there are."""
        return len(self.zone)

    def rows(self, which: Labels | slice = slice(None)) -> NDArray[np.int8]:
        """Say what sets cover."""
        return np.hstack([self.members[which], np.eye(self.zones, dtype=np.int8)[self.zone[which]]])

    def limited_rows(self, which: Labels | slice = slice(None)) -> NDArray[np.int8]:
        """Say what of sets is limited: crossings from below, counted as negative, then units moved."""
        return np.column_stack([-self.crossed[which], self.moved[which].astype(np.int8)])

    def only(self, is_kept: Flags | Labels) -> SetPool:
        """Keep some of the sets."""
        by_set = ("members", "zone", "cost", "moved", "deviation", "minutes", "students", "price", "crossed")
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
    return Closing(pool, cutoff, max_moves, deadline).run(levels_loads=levels_loads)


class Closing:
    """The choice as it narrows: the sets left, their weights in the linear program, and the cuts."""

    def __init__(self, pool: SetPool, cutoff: float, max_moves: int | None, deadline: float) -> None:
        self.pool, self.cutoff, self.deadline, self.bound = pool, cutoff, deadline, -np.inf
        self.max_moves, self.most = max_moves, np.inf if max_moves is None else float(max_moves)
        self.cuts = np.zeros((len(pool), 0), dtype=np.int8)
        self.active: Labels = np.argsort(pool.price, kind="stable")[:_FIRST_SETS]
        self.weight, self.dual, self.value = np.zeros(len(pool)), np.zeros(0), -np.inf
        # Sets differ by few units from the first of their zone: so much less to add up than all that they hold.
        self._first = np.array([pool.members[np.argmax(pool.zone == zone)] for zone in range(pool.zones)])
        pieces = [slice(begin, begin + _PIECE) for begin in range(0, max(len(pool), 1), _PIECE)]
        changed = [pool.members[some] - self._first[pool.zone[some]] for some in pieces]
        self._changed = vstack([csr_array(part, dtype="float64") for part in changed], format="csr")

    @property
    def is_limited(self) -> bool:
        """Whether the students who come from other zones are limited."""
        return bool(np.isfinite(self.pool.most_students))

    @property
    def students(self) -> Numbers:
        """Students of each set who come from other zones, as a share of the most that may, shape (m,)."""
        share: Numbers = self.pool.students / max(self.pool.most_students, 1.0)
        return share

    def run(self, *, levels_loads: bool) -> Choice:
        try:
            is_open = self.narrow()
        except OutOfTimeError:
            return Choice(self.bound, None, is_closed=False)
        return self._settle(levels_loads=levels_loads) if is_open else Choice(np.inf, None, is_closed=True)

    def narrow(self) -> bool:
        """Leave out what no choice below the cutoff can hold; say whether there can be one."""
        stalls = 0
        while True:
            before = self.bound
            self._sift()
            if self.bound > self.cutoff + _SET_ROUNDING:
                return False
            self._drop_too_dear()
            stalls = stalls + 1 if self.bound - before < _STALLED else 0
            if len(self.pool) <= _SMALL or stalls > _MOST_STALLS or not self._add_cuts():
                return True

    def _columns(self, which: Labels) -> csc_array:
        """Make columns of sets: what they cover, their cuts, and what is limited."""
        rows = np.hstack([self.pool.rows(which), self.cuts[which], self.pool.limited_rows(which)]).astype("float64")
        return csc_array((np.column_stack([rows, self.students[which]]) if self.is_limited else rows).T)

    def _program(self) -> GrowingProgram:
        """Make the linear program over the sets that are tried."""
        pool = self.pool
        covered, cuts = pool.members.shape[1] + pool.zones, self.cuts.shape[1]
        limits = np.r_[np.ones(cuts), -pool.least_crossed, self.most, np.ones(int(self.is_limited))]
        low = np.r_[np.ones(covered), np.full(len(limits), -np.inf)]
        program = GrowingProgram(low, np.r_[np.ones(covered), limits])
        # Prices stay within this, so that there is an answer before every unit can be covered.
        penalty = 3.0 * max(1e-9, float(np.abs(pool.cost).max()))
        program.soften(range(covered), penalty, sign=1.0)
        program.soften(range(covered), penalty, sign=-1.0)
        program.soften(range(covered + cuts, covered + cuts + len(pool.least_crossed)), penalty, sign=-1.0)
        program.add(pool.cost[self.active], self._columns(self.active))
        return program

    def reduced_cost(self) -> Numbers:
        """Give what each set costs beyond its worth in the linear program, shape (m,)."""
        pool, units = self.pool, self.pool.members.shape[1]
        covered, cuts = units + pool.zones, self.cuts.shape[1]
        of_zone = self.dual[units:covered] + self._first.astype("float64") @ self.dual[:units]
        reduced = pool.cost - of_zone[pool.zone] - self._changed @ self.dual[:units]
        # In pieces: numbers of a byte are widened for the product.
        priced = np.flatnonzero(self.dual[covered : covered + cuts])
        for begin in range(0, len(pool), _PIECE):
            some = slice(begin, begin + _PIECE)
            limited = pool.limited_rows(some).astype("float64")
            worth = limited @ self.dual[covered + cuts : covered + cuts + limited.shape[1]]
            if len(priced):
                worth += self.cuts[some][:, priced].astype("float64") @ self.dual[covered + priced]
            reduced[some] -= worth
        if self.is_limited:
            reduced -= self.students * self.dual[-1]
        return np.asarray(reduced)

    def _sift(self) -> None:
        """Solve the linear program over all sets, a few of them at a time."""
        program = self._program()
        while True:
            found = program.solve(deadline=self.deadline)
            self.dual = found.row_dual
            reduced = self.reduced_cost()
            is_new = reduced < -_SET_ROUNDING
            is_new[self.active] = False
            new = np.flatnonzero(is_new)
            if not len(new):
                break
            cheap = new[np.argsort(reduced[new], kind="stable")[:_NEW_SETS]]
            self.active = np.concatenate([self.active, cheap])
            program.add(self.pool.cost[cheap], self._columns(cheap))
        self.value = found.value
        # One set of each zone at most is cheaper than the program knows, and by this much at most.
        self.bound = max(self.bound, found.value - self.pool.zones * _SET_ROUNDING)
        self.weight = np.zeros(len(self.pool))
        self.weight[self.active] = found.x[-len(self.active) :]

    def _drop_too_dear(self) -> None:
        """Leave out the sets that no choice below the cutoff can hold, and put aside those that are dear."""
        reduced = self.reduced_cost()
        is_used = self.weight > 0
        is_kept = (reduced <= self.cutoff - self.bound + 2 * _SET_ROUNDING) | is_used
        is_active = np.zeros(len(reduced), dtype=bool)
        is_active[self.active] = True
        is_active &= is_kept & (is_used | (reduced < _DEAR))
        self.active = np.flatnonzero(is_active[is_kept])
        self._keep(np.flatnonzero(is_kept))

    def _keep(self, rows: Labels) -> None:
        self.pool, self.cuts, self.weight = self.pool.only(rows), self.cuts[rows], self.weight[rows]
        self._changed = self._changed[rows]

    def _add_cuts(self) -> bool:
        used = np.flatnonzero(self.weight > 0)
        triples = violated_triples(self.pool.rows(used), self.weight[used])
        if not triples:
            return False
        rows = np.ascontiguousarray(self.pool.rows().T)
        new = [(rows[list(t)].sum(axis=0, dtype=np.int8) >= _TWO_OF_THREE).astype(np.int8) for t in triples]
        self.cuts = np.column_stack([self.cuts, *new])
        return True

    def _settle(self, *, levels_loads: bool) -> Choice:
        """Close what is left with an integer program."""
        if is_cut := len(self.pool) > _MOST_SETTLED:
            # Too many to settle: those that the linear program has tried may hold a plan all the same.
            dear = self.reduced_cost()[self.active] - self.weight[self.active]
            self._keep(np.sort(self.active[np.argsort(dear, kind="stable")[:_MOST_TRIED]]))
        pool, count = self.pool, len(self.pool)
        one = csr_array(pool.cost[None])
        blocks = [csr_array(pool.rows().astype("float64").T), one, csr_array(pool.moved[None])]
        covered = blocks[0].shape[0]
        # Minutes in means of a zone: rows of one size are kept best.
        minutes = pool.minutes / max(float(pool.minutes.mean()), 1e-9)
        most = pool.most_minutes / max(float(pool.minutes.mean()), 1e-9)
        sets = vstack([*blocks, csr_array(minutes[None])])
        low = np.r_[np.ones(covered), -np.inf, -np.inf, -np.inf]
        high = np.r_[np.ones(covered), self.cutoff + _SET_ROUNDING, self.most, most]
        if np.isfinite(pool.most_students):
            scale = max(pool.most_students, 1.0)
            sets = vstack([sets, csr_array(pool.students[None] / scale)])
            low, high = np.r_[low, -np.inf], np.r_[high, pool.most_students / scale]
        cost = pool.cost
        if levels_loads:
            by_zone = csr_array((pool.deviation, (pool.zone, np.arange(count))), shape=(pool.zones, count))
            worst = csr_array(np.r_[np.zeros(len(low)), -np.ones(pool.zones)][:, None])
            sets = hstack([vstack([sets, by_zone]), worst])
            low, high = np.r_[low, np.full(pool.zones, -np.inf)], np.r_[high, np.zeros(pool.zones)]
            cost = np.r_[np.zeros(count), 1.0]
        is_set = np.arange(len(cost)) < count
        found = solve(
            Program(cost, csc_array(sets), low, high, np.zeros(len(cost)), np.where(is_set, 1.0, np.inf), is_set),
            processor_limit_s=self.deadline - time.process_time(),
        )
        if found.x is None:
            is_none = found.is_infeasible and not is_cut
            return Choice(np.inf if is_none else self.bound, None, is_closed=is_none)
        chosen = found.x[:count] > 0.5  # noqa: PLR2004 - 0 or 1, but for rounding
        bound = self.bound if levels_loads or is_cut else max(self.bound, found.bound)
        return Choice(bound, (pool.members[chosen], pool.zone[chosen]), is_closed=found.is_optimal and not is_cut)


# ── Rebalancing as an integer program: every unit in one zone, loads within limits, contiguity by cuts when needed

Objective = Literal["moves", "imbalance", "evenness", "heaviest", "travel", "boundary"]

_CLOSED = 2 * EXACT
"""Gaps up to this are the solver's: it takes rows within 1e-7 for kept."""


@dataclass(frozen=True)
class Limits:
    """What a plan has to keep, besides contiguity."""

    tolerance: float | None = None  # Largest imbalance; None for no limit
    # Most that the 1, 2, … largest ``|load - mean| / mean`` may come to together, for each zone; None for no limit
    largest: tuple[float, ...] | None = None
    heaviest: float | None = None  # Largest load of a zone over the mean; None for no limit
    max_moves: int | None = None  # Most units that may move; None for no limit
    max_move_size: float | None = None  # Largest sum of the sizes of the moves; None for no limit
    max_travel: float | None = None  # Largest travel; None for no limit
    max_boundary: float | None = None  # Longest border between zones in kilometers; None for no limit


@dataclass(frozen=True, eq=False)
class Found:
    """What a search came to."""

    label: Labels | None  # The best plan, shape (n,); None where none was found
    value: float  # Its value; infinite where there is none
    bound: float  # No plan has a smaller value
    is_proven: bool  # Whether no plan can be better, up to rounding
    is_infeasible: bool = False  # Whether there is proven to be no plan at all
    log: str = ""  # What the solver said


@dataclass(eq=False)
class _Rows:
    """Rows of a program, added one by one."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def add(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        for column, value in terms:
            self.row.append(len(self.low))
            self.column.append(column)
            self.value.append(value)
        self.low.append(low)
        self.high.append(high)

    def matrix(self, columns: int) -> csc_array:
        return coo_array((self.value, (self.row, self.column)), shape=(len(self.low), columns)).tocsc()


class PlanModel:
    """The program of a problem: an objective to make small, within the limits that a plan has to keep.

    The objective is ``moves`` (their size), ``imbalance``, ``heaviest`` (the largest load over the mean), ``travel`` or
    ``boundary`` (kilometers). With `is_outward`, only plans are looked at in which every unit has a neighbor in its
    zone that is nearer to the zone's center: these are contiguous as they stand, and few enough to be searched fast.

    Zoltners, A. A., and Sinha, P. (1983). Sales territory alignment: a review and model. Management Science 29(11),
    1237–1256 (plans that grow outwards). Carvajal, R., Constantino, M., Goycoolea, M., Vielma, J. P., and Weintraub, A.
    (2013). Imposing connectivity constraints in forest planning models. Operations Research 61(4), 824–836
    (separators).
    """

    def __init__(self, problem: Problem, limits: Limits, objective: Objective, *, is_outward: bool = False) -> None:
        self._problem, self._limits, self._objective = problem, limits, objective
        self._is_outward = is_outward
        self._may: Flags = within_moves(problem, limits.max_moves)
        order = outward_order(problem) if is_outward else None
        if order is not None:
            self._may &= np.isfinite(order)
        self._column = np.full(self._may.shape, -1)
        self._column[self._may] = np.arange(int(self._may.sum()))
        self._count = int(self._may.sum())
        self._level = self._count if objective in {"imbalance", "heaviest"} else -1
        self._edges = self._cut_edges()
        ranks = [(rank, most) for rank, most in enumerate(limits.largest or (), start=1) if np.isfinite(most)]
        self._ranks = ranks[1:]
        self._rows = _Rows()
        self._cuts: set[Separator] = set()
        self._add_rows(order)

    def _cut_edges(self) -> list[tuple[int, int, float]]:
        if self._objective != "boundary" and self._limits.max_boundary is None:
            return []
        pairs = enumerate(self._problem.neighbors)
        return [
            (i, j, km) for i, js in pairs for j, km in zip(js, self._problem.border_km[i], strict=True) if i < j and km
        ]

    @property
    def _columns(self) -> int:
        return self._first_edge + len(self._edges)

    @property
    def _first_edge(self) -> int:
        return self._count + (self._level >= 0) + len(self._ranks) * (self._problem.zones + 1)

    def _terms(self, zone: int, units: list[int], value: float = 1.0) -> list[tuple[int, float]]:
        return [(int(self._column[i, zone]), value) for i in units if self._column[i, zone] >= 0]

    def _add_rows(self, order: Numbers | None) -> None:
        problem, limits = self._problem, self._limits
        for unit in range(len(problem)):
            self._rows.add([(int(c), 1.0) for c in self._column[unit] if c >= 0], 1.0, 1.0)
        self._add_groups()
        self._add_load_rows()
        if limits.max_moves is not None:
            is_move = np.arange(problem.zones) != problem.start[:, None]
            self._add_sum(is_move.astype("float64"), float(limits.max_moves))
        if limits.max_move_size is not None:
            self._add_sum(problem.move_cost(), limits.max_move_size)
        if limits.max_travel is not None:
            self._add_sum(problem.travel, limits.max_travel)
        self._add_contiguity_rows(order)
        first_edge = self._first_edge
        if limits.max_boundary is not None:
            lengths = [(first_edge + at, km) for at, (_, _, km) in enumerate(self._edges)]
            self._rows.add(lengths, -np.inf, limits.max_boundary)
        for at, (i, j, _) in enumerate(self._edges, start=first_edge):
            for zone in range(problem.zones):
                for one, other in ((i, j), (j, i)):
                    terms = [*self._terms(zone, [one]), *self._terms(zone, [other], -1.0), (at, -1.0)]
                    self._rows.add(terms, -np.inf, 0.0)

    def _add_groups(self) -> None:
        problem = self._problem
        followers = [(group[0], other) for group in problem.together for other in group[1:]]
        for first, other in followers:
            for zone in range(problem.zones):
                self._rows.add([*self._terms(zone, [first]), *self._terms(zone, [other], -1.0)], 0.0, 0.0)
        for few in problem.one_of_each.values():
            for zone in range(problem.zones):
                self._rows.add(self._terms(zone, list(few)), 1.0, np.inf)
        if problem.students is not None:
            is_move = np.arange(problem.zones) != problem.start[:, None]
            self._add_sum(is_move * problem.students[:, None], problem.most_students)

    def _add_load_rows(self) -> None:
        share, tolerance = self._problem.share, self._limits.tolerance
        for zone in range(self._problem.zones):
            units = np.flatnonzero(self._column[:, zone] >= 0)
            terms = [(int(self._column[i, zone]), float(share[i])) for i in units if share[i]]
            if tolerance is not None:
                self._rows.add(terms, 1.0 - tolerance, 1.0 + tolerance)
            if self._limits.heaviest is not None:
                self._rows.add(terms, -np.inf, self._limits.heaviest)
            if self._objective == "heaviest":
                self._rows.add([*terms, (self._level, -1.0)], -np.inf, 0.0)
            elif self._level >= 0:
                self._rows.add([*terms, (self._level, -1.0)], -np.inf, 1.0)
                self._rows.add([*terms, (self._level, 1.0)], 1.0, np.inf)
            for first, _, _ in self._rank_columns():
                # What the zone deviates by is at most a level and an excess over it.
                beyond = [(first, 1.0), (first + 1 + zone, 1.0)]
                self._rows.add([*terms, *((column, -value) for column, value in beyond)], -np.inf, 1.0)
                self._rows.add([*terms, *beyond], 1.0, np.inf)
        for first, rank, most in self._rank_columns():
            excess = [(first + 1 + zone, 1.0) for zone in range(self._problem.zones)]
            self._rows.add([(first, float(rank)), *excess], -np.inf, most)

    def _rank_columns(self) -> Iterator[tuple[int, int, float]]:
        """Give the column of the level of each limited rank, the rank, and its limit; the excesses follow the level."""
        for at, (rank, most) in enumerate(self._ranks):
            yield self._count + (self._level >= 0) + at * (self._problem.zones + 1), rank, most

    def _add_sum(self, cost: Numbers, most: float) -> None:
        units, zones = np.nonzero(self._may & (cost != 0))
        self._rows.add([(int(self._column[i, z]), float(cost[i, z])) for i, z in zip(units, zones)], -np.inf, most)  # noqa: B905

    def _add_contiguity_rows(self, order: Numbers | None) -> None:
        problem, moves = self._problem, self._limits.max_moves
        for zone in range(problem.zones):
            is_rooted = problem.roots[zone] != NO_ROOT
            if not is_rooted:
                self._rows.add(self._terms(zone, list(range(len(problem)))), 1.0, np.inf)
            for unit in np.flatnonzero(self._column[:, zone] >= 0).tolist():
                near = list(problem.neighbors[unit])
                if order is not None:
                    near = [j for j in near if order[j, zone] < order[unit, zone]]
                    if order[unit, zone] == 0:
                        self._rows.add(self._terms(zone, [unit]), 1.0, 1.0)
                        continue
                # A unit may be alone in a zone that all others can leave.
                stay = int(problem.sizes[zone]) - int(problem.start[unit] == zone)
                if order is not None or (is_rooted and problem.roots[zone] != unit) or _stays(stay, moves):
                    self._rows.add([*self._terms(zone, [unit]), *self._terms(zone, near, -1.0)], -np.inf, 0.0)

    def add_cuts(self, cuts: list[Separator]) -> None:
        """Add separators as cuts; those of units that cannot be in the zone are passed over."""
        for cut in cuts:
            ends = self._terms(cut.zone, list(cut.ends))
            if len(ends) == len(cut.ends) and cut not in self._cuts:
                self._cuts.add(cut)
                between = self._terms(cut.zone, sorted(cut.between), -1.0)
                self._rows.add([*ends, *between], -np.inf, float(len(cut.ends) - 1))

    def _program(self) -> Program:
        columns = self._columns
        cost, low, high = np.zeros(columns), np.zeros(columns), np.ones(columns)
        is_integer = np.arange(columns) < self._count
        if self._objective == "moves":
            cost[: self._count] = self._problem.move_cost()[self._may]
        elif self._objective == "travel":
            cost[: self._count] = self._problem.travel[self._may]
        elif self._level >= 0:
            cost[self._level], high[self._level] = 1.0, np.inf
        else:
            cost[self._first_edge :] = [km for _, _, km in self._edges]
        # Levels and excesses of ranks are no shares of anything.
        high[self._count + (self._level >= 0) : self._first_edge] = np.inf
        matrix = csc_array(self._rows.matrix(columns))
        return Program(cost, matrix, np.array(self._rows.low), np.array(self._rows.high), low, high, is_integer)

    def _label(self, solution: Solution) -> Labels | None:
        if solution.x is None:
            return None
        weight = np.zeros(self._may.shape)
        weight[self._may] = solution.x[: self._count]
        label: Labels = weight.argmax(axis=1).astype("int64")
        return label

    def value(self, label: Labels) -> float:
        """Measure a plan by the objective."""
        return objective_value(self._problem, label, self._objective)

    def search(
        self, *, deadline: float, start: Labels | None = None, gap: float = 0.0, seed: int = 0, wants_log: bool = False
    ) -> Found:
        """Search for the best plan, adding cuts wherever a zone falls apart.

        The best plan and the bound. The bound holds at every moment: a program without some of the cuts allows more
        plans, not fewer. `deadline`: moment of `time.process_time` at which to stop; `start`: a plan that is known; one
        within the limits.
        """
        best, value = start, np.inf if start is None else self.value(start)
        bound, log = -np.inf, ""
        while True:
            left = deadline - time.process_time()
            solution = solve(self._program(), processor_limit_s=left, seed=seed, gap=gap, wants_log=wants_log)
            log = solution.log or log
            if solution.is_infeasible:
                return Found(best, value, value, is_proven=True, is_infeasible=best is None, log=log)
            bound = max(bound, min(solution.bound, value))
            label = self._label(solution)
            cuts = [] if label is None else broken_separators(self._problem, label, self._limits.max_moves)
            if label is not None and not cuts and self.value(label) < value:
                best, value = label, self.value(label)
            is_proven = np.isfinite(value) and value - bound <= max(_CLOSED, 1e-9 * abs(value))
            is_near = np.isfinite(value) and value - bound <= gap * abs(value)
            if is_proven or is_near or not cuts or time.process_time() > deadline:
                return Found(best, value, value if is_proven else bound, is_proven=is_proven, log=log)
            self.add_cuts(cuts)


def _stays(others: int, max_moves: int | None) -> bool:
    return max_moves is not None and others > max_moves


def objective_value(problem: Problem, label: Labels, objective: Objective) -> float:
    """Measure a plan by an objective."""
    if objective == "imbalance":
        return problem.imbalance(label)
    if objective == "heaviest":
        return float(np.bincount(label, problem.share, minlength=problem.zones).max())
    if objective == "boundary":
        return problem.border(label)
    return problem.cost(label, problem.travel if objective == "travel" else problem.move_cost())


# ── The day an officer is absent: the most even plan, then the nearest

_EVEN_GAP, _EVEN_S = 0.05, 20.0
"""Evenness and travel of a single day need not be exact to the last per cent."""

_ROUNDING = 1e-9


def nearest_of_the_even(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, *, rules: Rules, travel: pd.DataFrame, crs: object, seed: int = 0
) -> pd.Series | None:
    """Find the plan of the shortest travel of those whose heaviest zone is about as light as can be.

    Parameters
    ----------
    units, edges, rules, travel, crs
        As for `rebalance`; the rules as one.
    seed
        Seed of the solver.

    Returns
    -------
    pandas.Series or None
        Zone of each unit, by `unit_id`; None where no contiguous plan was found.
    """
    problem = problem_of(units, edges, rules=rules, travel=travel, crs=crs)
    deadline = time.process_time() + _EVEN_S
    for is_outward in (True, False):
        model = PlanModel(problem, Limits(), "heaviest", is_outward=is_outward)
        lightest = model.search(deadline=deadline, gap=_EVEN_GAP, seed=seed)
        if lightest.label is None:
            continue
        limits = Limits(heaviest=lightest.value + _ROUNDING)
        nearest = PlanModel(problem, limits, "travel", is_outward=is_outward).search(
            deadline=deadline, start=lightest.label, gap=_EVEN_GAP, seed=seed
        )
        label = lightest.label if nearest.label is None else nearest.label
        return pd.Series([problem.zone_ids[z] for z in label], index=list(problem.unit_ids))
    return None
