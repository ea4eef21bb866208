"""The p-median as an integer program, and Hess's bound on the travel of every plan."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, eye_array, kron, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

from safeschools_geo.solver import Labels, Numbers, Program, model_of, quiet_highs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


# ── What a p-median divides, as plain arrays: loads, travel to each possible center, neighbors, and limits of load

Flags: TypeAlias = NDArray[np.bool_]

BALANCE_SLACK = 1e-9
"""Loads beyond the tolerance by less than this share of the mean are rounding, not imbalance."""


@dataclass(frozen=True, eq=False)
class MedianProblem:
    """Divide n units among k centers chosen from m candidates, each of them a unit.

    Parameters
    ----------
    load
        Load of each unit as a share of the mean load of a zone, shape (n,), not negative.
    travel
        Travel of a whole unit to each candidate, load × distance, shape (n, m), not negative.
    candidates
        The unit that each candidate is, shape (m,), distinct.
    neighbors
        Which units may follow each other within a zone, shape (n, n), symmetric.
    zones
        Number of zones k.
    tolerance
        Largest imbalance of a zone.
    """

    load: Numbers
    travel: Numbers
    candidates: Labels
    neighbors: csr_array
    zones: int
    tolerance: float

    @property
    def is_fixed(self) -> bool:
        """Whether every candidate is a center."""
        return len(self.candidates) == self.zones

    @property
    def lower(self) -> float:
        """Smallest load of a zone."""
        return 1 - self.tolerance - BALANCE_SLACK

    @property
    def upper(self) -> float:
        """Largest load of a zone."""
        return 1 + self.tolerance + BALANCE_SLACK

    @cached_property
    def reachable(self) -> Flags:
        """Which unit may join which center, shape (n, m): one it hangs together with; a fixed center joins no other."""
        group = connected_components(self.neighbors, directed=False)[1]
        allowed: Flags = group[:, None] == group[self.candidates][None, :]
        if self.is_fixed:
            allowed[self.candidates] = np.eye(len(self.candidates), dtype=bool)
        return allowed

    @cached_property
    def rank(self) -> Labels:
        """Order of the units from each candidate, by steps between neighbors, then by travel, shape (n, m)."""
        steps = dijkstra(self.neighbors, directed=False, unweighted=True, indices=self.candidates).T
        order = np.lexsort((self.travel, steps), axis=0)
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(len(order))[:, None], 0)
        return place

    def with_centers(self, chosen: Labels) -> MedianProblem:
        """Keep some of the candidates, all of them centers."""
        return replace(self, travel=self.travel[:, chosen], candidates=self.candidates[chosen])

    def within(self, tolerance: float) -> MedianProblem:
        """Change the tolerance."""
        return replace(self, tolerance=tolerance)

    def total(self, label: Labels) -> float:
        """Add up the travel of a plan."""
        return float(self.travel[np.arange(len(label)), label].sum())

    def pieces(self, label: Labels) -> Labels:
        """Tell the pieces that the zones of a plan fall into."""
        links = self.neighbors.tocoo()
        inside = label[links.row] == label[links.col]
        kept = coo_array((np.ones(inside.sum()), (links.row[inside], links.col[inside])), shape=links.shape)
        return connected_components(kept, directed=False)[1].astype("int64")

    def detached(self, label: Labels) -> list[Labels]:
        """List the pieces of zones that do not hold their center."""
        piece = self.pieces(label)
        home = piece[self.candidates[np.unique(label)]]
        return [np.flatnonzero(piece == p) for p in np.setdiff1d(piece, home)]


# ── Transport: the cheapest way to serve divisible units from fixed centers within the limits of load

_NOTHING = 1e-9
"""Shares below this are none."""


@dataclass(frozen=True, eq=False)
class Transport:
    """How divisible units are served from fixed centers.

    Parameters
    ----------
    centers
        Candidates that are the centers, sorted, shape (k,).
    travel
        Travel; infinite where the limits cannot be met. No plan with these centers, contiguous or not, has less.
    share
        Share of each unit that goes to each center, shape (n, k).
    price
        Dual of each unit, shape (n,).
    least_with
        Bound on every plan in which a unit is assigned to a center, shape (n, k).
    """

    centers: Labels
    travel: float
    share: Numbers
    price: Numbers
    least_with: Numbers


class TransportModel:
    """The transport problem of any centers: only costs and limits change, so that each solution starts from the last.

    Parameters
    ----------
    problem
        What is divided.
    """

    def __init__(self, problem: MedianProblem) -> None:
        self._problem = problem
        n, zones = len(problem.load), problem.zones
        self._columns = np.arange(n * zones, dtype="int32")
        self._scale = 1.0 / max(float(problem.travel.mean()), 1e-12)
        by_zone = kron(csr_array(problem.load[None, :]), eye_array(zones))
        once = kron(eye_array(n), csr_array(np.ones((1, zones))))
        nothing = np.zeros(n * zones)
        low, high = (np.r_[np.full(zones, limit), np.ones(n)] for limit in (problem.lower, problem.upper))
        self._highs = quiet_highs(is_precise=True)
        rows = vstack([by_zone, once], format="csc")
        self._highs.passModel(model_of(Program(nothing, rows, low, high, nothing, np.ones(n * zones))))

    def solve(self, centers: Labels) -> Transport:
        """Solve it for some centers."""
        centers = np.sort(centers)
        cost, size = self._problem.travel[:, centers], len(self._columns)
        least, most = self._limits(centers)
        self._highs.changeColsCost(size, self._columns, cost.ravel() * self._scale)
        self._highs.changeColsBounds(size, self._columns, least.ravel(), most.ravel())
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return Transport(centers, np.inf, np.zeros_like(cost), np.zeros(len(cost)), np.full(cost.shape, np.inf))
        solution = self._highs.getSolution()
        share = np.asarray(solution.col_value).reshape(cost.shape)
        travel = float((share * cost).sum())
        extra = np.maximum(np.asarray(solution.col_dual).reshape(cost.shape), 0.0) / self._scale
        return Transport(
            centers=centers,
            travel=travel,
            share=share,
            price=np.asarray(solution.row_dual)[len(centers) :] / self._scale,
            least_with=np.where(most > 0, travel + np.where(share < _NOTHING, extra, 0.0), np.inf),
        )

    def _limits(self, centers: Labels) -> tuple[Numbers, Numbers]:
        """Leave no choice to the centers: each serves itself, and is served by no other."""
        most = self._problem.reachable[:, centers].astype("float64")
        least = np.zeros_like(most)
        own = self._problem.candidates[centers]
        most[own] = least[own] = np.eye(len(centers))
        return least, most


# ── The p-median as an integer program: every unit to one open center, loads within limits, every zone contiguous

Joins: TypeAlias = Literal["nearer", "any", "alone"]
Separator: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]

_INFEASIBLE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
_WHOLE = 0.5
_GAIN = 1e-6
"""Share by which a round of tightening must lift the bound for another to follow."""

_TINY = 1e-6
_BROKEN = 0.01
_LEVELS = (0.01, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Parts of a unit above which it counts as held by a zone when separators are looked for."""

_OBJECTIVE = 1e4
"""Travel is scaled so that a unit's mean shortest travel adds up to this: HiGHS has absolute tolerances too."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What HiGHS found.

    Parameters
    ----------
    label
        Candidate of each unit, shape (n,); None where no plan was found.
    bound
        Lower bound on the objective over all plans of the model; infinite where it has none.
    """

    label: Labels | None
    bound: float


class MedianModel:
    """The integer program over some pairs of unit and candidate.

    Parameters
    ----------
    problem
        What is divided.
    alive
        Pairs that may be assigned, shape (n, m), bool; a candidate that may not serve itself is no center.
    joins
        How contiguity is modeled: a unit joins a zone only with a neighbor in it that is ``nearer`` to the center (in
        steps between neighbors; among those as near, in travel), with ``any`` neighbor in it, or ``alone``. With
        ``nearer``, every plan of the model is contiguous, but a zone that winds back is left out. With ``any``, no
        contiguous plan is left out, and `separate` forbids the plans found that are not contiguous.
    seed
        Seed of HiGHS.
    """

    def __init__(self, problem: MedianProblem, alive: Flags, *, joins: Joins, seed: int = 0) -> None:
        self.problem = problem
        self.alive = alive & problem.reachable & alive[problem.candidates, np.arange(alive.shape[1])][None, :]
        self.unit, self.center = np.nonzero(self.alive)
        self.column = np.full(alive.shape, -1)
        self.column[self.unit, self.center] = np.arange(len(self.unit))
        shortest = np.where(self.alive, problem.travel, np.inf).min(axis=1)
        total = float(shortest[np.isfinite(shortest)].sum())
        self._scale = _OBJECTIVE / total if total > 0 else 1.0
        self._highs = quiet_highs(seed=seed, is_precise=True)
        self._pass(joins)
        self.separators: set[Separator] = set()

    def relax(self, *, rounds: int = 0, time_limit_s: float) -> tuple[float, Numbers | None]:
        """Solve the linear relaxation, and tighten it by the separators that its solution breaks."""
        until = time.monotonic() + time_limit_s
        self._integral(is_integral=False)
        bound, least = 0.0, None
        for left in reversed(range(rounds + 1)):
            status = self._run(until - time.monotonic())
            if status in _INFEASIBLE:
                return np.inf, None
            if status != highspy.HighsModelStatus.kOptimal:
                break
            last, bound = bound, self._highs.getInfo().objective_function_value / self._scale
            least = self._least_with(bound)
            if left == 0 or bound <= last * (1 + _GAIN) or not self._separate_shares(self.shares()):
                break
        return bound, least

    def solve(self, *, start: Labels | None = None, gap: float = 0.0, time_limit_s: float) -> Outcome:
        """Solve the integer program."""
        self._integral(is_integral=True)
        self._highs.setOptionValue("mip_rel_gap", gap)
        if start is not None:
            self._start(start)
        status = self._run(time_limit_s)
        if status in _INFEASIBLE:
            return Outcome(None, np.inf)
        info = self._highs.getInfo()
        bound = max(float(info.mip_dual_bound) / self._scale, 0.0) if np.isfinite(info.mip_dual_bound) else 0.0
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return Outcome(None, bound)
        return Outcome(self._label(), bound)

    def separate(self, label: Labels) -> int:
        """Forbid the detached pieces of a plan."""
        return sum(
            self._forbid(piece, self.problem.candidates[label[piece[0]]]) for piece in self.problem.detached(label)
        )

    def forbid(self, separators: Iterable[Separator]) -> None:
        """Add constraints learned on another model of the same units."""
        for piece, cut in separators:
            self._add(np.array(piece), np.array(cut))

    def _forbid(self, piece: Labels, center: int) -> int:
        return self._add(piece, _between(self.problem.neighbors, piece, int(center)))

    def _add(self, piece: Labels, cut: Labels) -> int:
        """Let units of a piece into a zone only with a unit of the cut, for every center that lies beyond the cut."""
        key = tuple(piece.tolist()), tuple(cut.tolist())
        if key in self.separators:
            return 0
        self.separators.add(key)
        beyond = _beyond(self.problem.neighbors, piece, cut)[self.problem.candidates]
        columns = self.column[np.ix_(piece, np.flatnonzero(beyond))]
        index, starts, size = [], [], 0
        for unit, j in zip(*np.nonzero(columns >= 0), strict=True):
            others = self.column[cut, np.flatnonzero(beyond)[j]]
            index.append(np.r_[columns[unit, j], others[others >= 0]])
            starts.append(size)
            size += len(index[-1])
        if index:
            flat = np.concatenate(index).astype("int32")
            value = -np.ones(size)
            value[starts] = 1.0
            number = len(starts)
            low, high = np.full(number, -np.inf), np.zeros(number)
            self._highs.addRows(number, low, high, size, np.array(starts, dtype="int32"), flat, value)
        return len(starts)

    def _separate_shares(self, share: Numbers) -> int:
        """Add the separators that a fractional solution breaks, found on the units that a zone holds a good part of."""
        added, candidates = 0, self.problem.candidates
        for center in np.flatnonzero(share[candidates, np.arange(share.shape[1])] > _TINY):
            part = share[:, center] / share[candidates[center], center]
            for level in _LEVELS:
                held = np.flatnonzero(part > level)
                piece = connected_components(self.problem.neighbors[held][:, held], directed=False)[1]
                home = piece[np.searchsorted(held, candidates[center])]
                for p in np.unique(piece[piece != home]):
                    units = held[piece == p]
                    cut = _between(self.problem.neighbors, units, int(candidates[center]))
                    if part[units].max() > part[cut].sum() + _BROKEN:
                        added += self._add(units, cut)
        return added

    def _pass(self, joins: Joins) -> None:
        rows, low, high = zip(*self._rows(joins), strict=True)
        cost = self.problem.travel[self.unit, self.center] * self._scale
        limits = np.concatenate(low), np.concatenate(high)
        program = Program(cost, vstack(rows, format="csc"), *limits, self._least(), np.ones(len(cost)))
        self._highs.passModel(model_of(program))

    def _least(self) -> Numbers:
        is_own = self.unit == self.problem.candidates[self.center]
        return np.where(is_own & self.problem.is_fixed, 1.0, 0.0)

    def _rows(self, kind: Joins) -> list[tuple[csr_array, Numbers, Numbers]]:
        problem, size = self.problem, len(self.unit)
        (n, m), all_columns = self.alive.shape, np.arange(size)
        own = self.column[problem.candidates, np.arange(m)]
        open_ = np.flatnonzero(own >= 0)
        once = csr_array((np.ones(size), (self.unit, all_columns)), shape=(n, size))
        load = csr_array((problem.load[self.unit], (self.center, all_columns)), shape=(m, size))[open_]
        is_center = csr_array((np.ones(len(open_)), (np.arange(len(open_)), own[open_])), shape=(len(open_), size))
        none, free = np.zeros(len(open_)), np.full(len(open_), np.inf)
        rows = [
            (once, np.ones(n), np.ones(n)),
            ((load - problem.upper * is_center).tocsr(), -free, none),
            ((load - problem.lower * is_center).tocsr(), none, free),
            (csr_array(np.asarray(is_center.sum(axis=0)).reshape(1, -1)), *np.full((2, 1), float(problem.zones))),
        ]
        joins = np.flatnonzero(self.unit != problem.candidates[self.center])
        limits = np.full(len(joins), -np.inf), np.zeros(len(joins))
        rows.append((self._with_center(joins, own), *limits))
        return rows if kind == "alone" else [*rows, (self._with_neighbor(joins, kind), *limits)]

    def _with_center(self, joins: Labels, own: Labels) -> csr_array:
        row = np.arange(len(joins))
        data = np.r_[np.ones(len(joins)), -np.ones(len(joins))]
        columns = np.r_[joins, own[self.center[joins]]]
        return csr_array((data, (np.r_[row, row], columns)), shape=(len(joins), len(self.unit)))

    def _with_neighbor(self, joins: Labels, kind: Joins) -> csr_array:
        """Let a unit join only with a neighbor, or with one that is nearer to the center."""
        links = self.problem.neighbors
        counts = np.diff(links.indptr)[self.unit[joins]]
        row = np.repeat(np.arange(len(joins)), counts)
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        other = links.indices[np.repeat(links.indptr[self.unit[joins]], counts) + offset]
        unit, center = self.unit[joins][row], self.center[joins][row]
        column = self.column[other, center]
        kept = column >= 0
        if kind == "nearer":
            rank = self.problem.rank
            kept &= rank[other, center] < rank[unit, center]
        rows, columns = np.r_[np.arange(len(joins)), row[kept]], np.r_[joins, column[kept]]
        data = np.r_[np.ones(len(joins)), -np.ones(kept.sum())]
        return csr_array((data, (rows, columns)), shape=(len(joins), len(self.unit)))

    def _start(self, label: Labels) -> None:
        column = self.column[np.arange(len(label)), label]
        if (column < 0).any():
            return
        solution = highspy.HighsSolution()
        value = np.zeros(len(self.unit))
        value[column] = 1.0
        solution.col_value = value
        self._highs.setSolution(solution)

    def _run(self, time_limit_s: float) -> highspy.HighsModelStatus:
        self._highs.setOptionValue("time_limit", max(time_limit_s, 0.01))
        self._highs.run()
        return self._highs.getModelStatus()

    def _integral(self, *, is_integral: bool) -> None:
        kind = highspy.HighsVarType.kInteger if is_integral else highspy.HighsVarType.kContinuous
        size = len(self.unit)
        self._highs.changeColsIntegrality(size, np.arange(size, dtype="int32"), np.full(size, kind))

    def prices(self) -> Numbers:
        """Read from the linear relaxation what assigning each unit costs."""
        return np.asarray(self._highs.getSolution().row_dual)[: len(self.alive)] / self._scale

    def shares(self) -> Numbers:
        """Read the solution of the linear relaxation."""
        share = np.zeros(self.alive.shape)
        share[self.unit, self.center] = np.asarray(self._highs.getSolution().col_value)
        return share

    def _least_with(self, bound: float) -> Numbers:
        solution = self._highs.getSolution()
        dual, value = np.asarray(solution.col_dual) / self._scale, np.asarray(solution.col_value)
        least = np.full(self.alive.shape, np.inf)
        least[self.unit, self.center] = bound + np.where(value < _TINY, np.maximum(dual, 0.0), 0.0)
        return least

    def _label(self) -> Labels:
        value = np.asarray(self._highs.getSolution().col_value)
        chosen = np.flatnonzero(value > _WHOLE)
        label = np.empty(len(self.alive), dtype="int64")
        label[self.unit[chosen]] = self.center[chosen]
        return label


def _between(neighbors: csr_array, piece: Labels, center: int) -> Labels:
    """Find a smallest set of units, none to spare, that every way from a piece to a center passes."""
    around = np.setdiff1d(neighbors[piece].indices, piece)
    if center in around:
        return np.array([center])
    size = neighbors.shape[0]
    blocked = np.zeros(size, dtype=bool)
    blocked[piece] = blocked[around] = True
    reached = _reached(neighbors, ~blocked, center)
    touched = np.zeros(size, dtype=bool)
    touched[neighbors[np.flatnonzero(reached)].indices] = True
    return around[touched[around]]


def _beyond(neighbors: csr_array, piece: Labels, cut: Labels) -> Flags:
    """Mark the units that a cut separates from a piece, and the cut itself."""
    is_open = np.ones(neighbors.shape[0], dtype=bool)
    is_open[cut] = False
    return ~_reached(neighbors, is_open, int(piece[0]))


def _reached(neighbors: csr_array, is_open: Flags, start: int) -> Flags:
    units = np.flatnonzero(is_open)
    inside = neighbors[units][:, units]
    found = breadth_first_order(inside, int(np.searchsorted(units, start)), directed=False, return_predecessors=False)
    reached = np.zeros(len(is_open), dtype=bool)
    reached[units[found]] = True
    return reached


# ── A bound on the travel of every plan, contiguous or not, wherever its centers lie: Hess's model, relaxed

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
        The bound; infinite where no choice of centers can meet the limits of load.
    least_with
        Bound on every plan in which a unit is assigned to a candidate, shape (n, m).
    price
        Prices of the units that give it, shape (n,).
    served
        How often each unit is assigned in it, shape (n,); 1 in a plan.
    opened
        Sets of candidates that were the centers, those of the best bounds first; each of shape (k,).
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
    """Join what two evaluations prove, and the centers they opened."""
    first, second = (other, one) if other.bound > one.bound else (one, other)
    least = np.maximum(one.least_with, other.least_with)
    return HessBound(first.bound, least, first.price, first.served, [*first.opened, *second.opened][:_REMEMBERED])


def _served(problem: MedianProblem, known: Sequence[Transport]) -> Flags:
    """Mark the pairs of known solutions, with which the linear program has one."""
    marked = np.zeros(problem.travel.shape, dtype=bool)
    for transport in known:
        marked[:, transport.centers] |= transport.share > _HELD
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
