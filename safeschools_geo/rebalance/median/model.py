"""The p-median as an integer program: every unit to one open centre, loads within limits, every zone contiguous."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import highspy
import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components

from safeschools_geo.programs import Program, model_of, quiet_highs
from safeschools_geo.rebalance.median.places import Labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safeschools_geo.rebalance.median.places import Numbers
    from safeschools_geo.rebalance.median.problem import Flags, MedianProblem

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
        Pairs that may be assigned, shape (n, m), bool; a candidate that may not serve itself is no centre.
    joins
        How contiguity is modelled: a unit joins a zone only with a neighbour in it that is ``nearer`` to the centre (in
        steps between neighbours; among those as near, in travel), with ``any`` neighbour in it, or ``alone``. With
        ``nearer``, every plan of the model is contiguous, but a zone that winds back is left out. With ``any``, no
        contiguous plan is left out, and `separate` forbids the plans found that are not contiguous.
    seed
        Seed of HiGHS.
    """

    def __init__(self, problem: MedianProblem, alive: Flags, *, joins: Joins, seed: int = 0) -> None:
        self.problem = problem
        self.alive = alive & problem.reachable & alive[problem.candidates, np.arange(alive.shape[1])][None, :]
        self.unit, self.centre = np.nonzero(self.alive)
        self.column = np.full(alive.shape, -1)
        self.column[self.unit, self.centre] = np.arange(len(self.unit))
        shortest = np.where(self.alive, problem.travel, np.inf).min(axis=1)
        total = float(shortest[np.isfinite(shortest)].sum())
        self._scale = _OBJECTIVE / total if total > 0 else 1.0
        self._highs = quiet_highs(seed=seed, is_precise=True)
        self._pass(joins)
        self.separators: set[Separator] = set()

    def relax(self, *, rounds: int = 0, time_limit_s: float) -> tuple[float, Numbers | None]:
        """Solve the linear relaxation, and tighten it by the separators that its solution breaks.

        Parameters
        ----------
        rounds
            Times to tighten it.
        time_limit_s
            Seconds it may take.

        Returns
        -------
        tuple
            Bound on travel (infinite where no plan is left, 0 when time ran out), and the bound with each pair
            assigned, shape (n, m), or None.
        """
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
        """Solve the integer program.

        Parameters
        ----------
        start
            A plan of the model to start from.
        gap
            Relative gap at which to stop.
        time_limit_s
            Seconds it may take.

        Returns
        -------
        Outcome
            The best plan found and the bound.
        """
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
        """Forbid the detached pieces of a plan.

        Parameters
        ----------
        label
            Candidate of each unit, shape (n,).

        Returns
        -------
        int
            Number of constraints added: each unit of a detached piece is in the zone only together with a unit of a
            smallest set that lies between the piece and the centre.
        """
        return sum(
            self._forbid(piece, self.problem.candidates[label[piece[0]]]) for piece in self.problem.detached(label)
        )

    def forbid(self, separators: Iterable[Separator]) -> None:
        """Add constraints learned on another model of the same units.

        Parameters
        ----------
        separators
            Units of a piece, and the units that lie between it and a centre.
        """
        for piece, cut in separators:
            self._add(np.array(piece), np.array(cut))

    def _forbid(self, piece: Labels, centre: int) -> int:
        return self._add(piece, _between(self.problem.neighbours, piece, int(centre)))

    def _add(self, piece: Labels, cut: Labels) -> int:
        """Let units of a piece into a zone only with a unit of the cut, for every centre that lies beyond the cut."""
        key = tuple(piece.tolist()), tuple(cut.tolist())
        if key in self.separators:
            return 0
        self.separators.add(key)
        beyond = _beyond(self.problem.neighbours, piece, cut)[self.problem.candidates]
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
        for centre in np.flatnonzero(share[candidates, np.arange(share.shape[1])] > _TINY):
            part = share[:, centre] / share[candidates[centre], centre]
            for level in _LEVELS:
                held = np.flatnonzero(part > level)
                piece = connected_components(self.problem.neighbours[held][:, held], directed=False)[1]
                home = piece[np.searchsorted(held, candidates[centre])]
                for p in np.unique(piece[piece != home]):
                    units = held[piece == p]
                    cut = _between(self.problem.neighbours, units, int(candidates[centre]))
                    if part[units].max() > part[cut].sum() + _BROKEN:
                        added += self._add(units, cut)
        return added

    def _pass(self, joins: Joins) -> None:
        rows, low, high = zip(*self._rows(joins), strict=True)
        cost = self.problem.travel[self.unit, self.centre] * self._scale
        limits = np.concatenate(low), np.concatenate(high)
        program = Program(cost, vstack(rows, format="csc"), *limits, self._least(), np.ones(len(cost)))
        self._highs.passModel(model_of(program))

    def _least(self) -> Numbers:
        is_own = self.unit == self.problem.candidates[self.centre]
        return np.where(is_own & self.problem.is_fixed, 1.0, 0.0)

    def _rows(self, kind: Joins) -> list[tuple[csr_array, Numbers, Numbers]]:
        problem, size = self.problem, len(self.unit)
        (n, m), all_columns = self.alive.shape, np.arange(size)
        own = self.column[problem.candidates, np.arange(m)]
        open_ = np.flatnonzero(own >= 0)
        once = csr_array((np.ones(size), (self.unit, all_columns)), shape=(n, size))
        load = csr_array((problem.load[self.unit], (self.centre, all_columns)), shape=(m, size))[open_]
        is_centre = csr_array((np.ones(len(open_)), (np.arange(len(open_)), own[open_])), shape=(len(open_), size))
        none, free = np.zeros(len(open_)), np.full(len(open_), np.inf)
        rows = [
            (once, np.ones(n), np.ones(n)),
            ((load - problem.upper * is_centre).tocsr(), -free, none),
            ((load - problem.lower * is_centre).tocsr(), none, free),
            (csr_array(np.asarray(is_centre.sum(axis=0)).reshape(1, -1)), *np.full((2, 1), float(problem.zones))),
        ]
        joins = np.flatnonzero(self.unit != problem.candidates[self.centre])
        limits = np.full(len(joins), -np.inf), np.zeros(len(joins))
        rows.append((self._with_centre(joins, own), *limits))
        return rows if kind == "alone" else [*rows, (self._with_neighbour(joins, kind), *limits)]

    def _with_centre(self, joins: Labels, own: Labels) -> csr_array:
        row = np.arange(len(joins))
        data = np.r_[np.ones(len(joins)), -np.ones(len(joins))]
        columns = np.r_[joins, own[self.centre[joins]]]
        return csr_array((data, (np.r_[row, row], columns)), shape=(len(joins), len(self.unit)))

    def _with_neighbour(self, joins: Labels, kind: Joins) -> csr_array:
        """Let a unit join only with a neighbour, or with one that is nearer to the centre."""
        links = self.problem.neighbours
        counts = np.diff(links.indptr)[self.unit[joins]]
        row = np.repeat(np.arange(len(joins)), counts)
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        other = links.indices[np.repeat(links.indptr[self.unit[joins]], counts) + offset]
        unit, centre = self.unit[joins][row], self.centre[joins][row]
        column = self.column[other, centre]
        kept = column >= 0
        if kind == "nearer":
            rank = self.problem.rank
            kept &= rank[other, centre] < rank[unit, centre]
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
        """Read from the linear relaxation what assigning each unit costs.

        Returns
        -------
        numpy.ndarray
            Dual of each unit, shape (n,).
        """
        return np.asarray(self._highs.getSolution().row_dual)[: len(self.alive)] / self._scale

    def shares(self) -> Numbers:
        """Read the solution of the linear relaxation.

        Returns
        -------
        numpy.ndarray
            Share of each unit that each candidate serves, shape (n, m).
        """
        share = np.zeros(self.alive.shape)
        share[self.unit, self.centre] = np.asarray(self._highs.getSolution().col_value)
        return share

    def _least_with(self, bound: float) -> Numbers:
        solution = self._highs.getSolution()
        dual, value = np.asarray(solution.col_dual) / self._scale, np.asarray(solution.col_value)
        least = np.full(self.alive.shape, np.inf)
        least[self.unit, self.centre] = bound + np.where(value < _TINY, np.maximum(dual, 0.0), 0.0)
        return least

    def _label(self) -> Labels:
        value = np.asarray(self._highs.getSolution().col_value)
        chosen = np.flatnonzero(value > _WHOLE)
        label = np.empty(len(self.alive), dtype="int64")
        label[self.unit[chosen]] = self.centre[chosen]
        return label


def _between(neighbours: csr_array, piece: Labels, centre: int) -> Labels:
    """Find a smallest set of units, none to spare, that every way from a piece to a centre passes."""
    around = np.setdiff1d(neighbours[piece].indices, piece)
    if centre in around:
        return np.array([centre])
    size = neighbours.shape[0]
    blocked = np.zeros(size, dtype=bool)
    blocked[piece] = blocked[around] = True
    reached = _reached(neighbours, ~blocked, centre)
    touched = np.zeros(size, dtype=bool)
    touched[neighbours[np.flatnonzero(reached)].indices] = True
    return around[touched[around]]


def _beyond(neighbours: csr_array, piece: Labels, cut: Labels) -> Flags:
    """Mark the units that a cut separates from a piece, and the cut itself."""
    is_open = np.ones(neighbours.shape[0], dtype=bool)
    is_open[cut] = False
    return ~_reached(neighbours, is_open, int(piece[0]))


def _reached(neighbours: csr_array, is_open: Flags, start: int) -> Flags:
    units = np.flatnonzero(is_open)
    inside = neighbours[units][:, units]
    found = breadth_first_order(inside, int(np.searchsorted(units, start)), directed=False, return_predecessors=False)
    reached = np.zeros(len(is_open), dtype=bool)
    reached[units[found]] = True
    return reached
