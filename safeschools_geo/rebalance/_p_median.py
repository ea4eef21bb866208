"""Contiguous, balanced zones around centers with the least travel, and a bound on that of every such plan."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeAlias

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

from safeschools_geo.errors import SettingsError
from safeschools_geo.solver import Flags, Labels, Numbers, Program, solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

# ── What is divided


@dataclass(frozen=True, eq=False)
class MedianProblem:
    """Divide n units among k centers chosen from m candidates, each of them a unit."""

    load: Numbers  # Load of each unit as a share of the mean load of a zone, shape (n,), not negative
    travel: Numbers  # Travel of a whole unit to each candidate, load × distance, shape (n, m), not negative
    # The unit that each candidate is, shape (m,), distinct; with as many as zones, all of them are centers
    candidates: Labels
    neighbors: csr_array  # Which units may follow each other within a zone, shape (n, n), symmetric
    zones: int  # Number of zones k
    tolerance: float  # Largest imbalance of a zone

    @property
    def is_fixed(self) -> bool:
        """Whether every candidate is a center."""
        return len(self.candidates) == self.zones

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest load of a zone; a billionth more is rounding, not imbalance."""
        return 1 - self.tolerance - 1e-9, 1 + self.tolerance + 1e-9

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
        return np.lexsort((self.travel, steps), axis=0).argsort(axis=0)

    def with_centers(self, chosen: Labels) -> MedianProblem:
        """Keep some of the candidates, all of them centers."""
        return replace(self, travel=self.travel[:, chosen], candidates=self.candidates[chosen])

    def total(self, label: Labels) -> float:
        """Add up the travel of a plan."""
        return float(self.travel[np.arange(len(label)), label].sum())

    def detached(self, label: Labels) -> list[Labels]:
        """List the pieces of zones that do not hold their center."""
        links = self.neighbors.tocoo()
        inside = label[links.row] == label[links.col]
        kept = coo_array((np.ones(inside.sum()), (links.row[inside], links.col[inside])), shape=links.shape)
        piece = connected_components(kept, directed=False)[1]
        home = piece[self.candidates[np.unique(label)]]
        return [np.flatnonzero(piece == p) for p in np.setdiff1d(piece, home)]

    def middles(self, label: Labels) -> tuple[int, ...]:
        """Find the best center of each zone of a plan among the candidates within it."""
        members = [np.flatnonzero(label == zone) for zone in np.unique(label)]
        inside = [np.flatnonzero(np.isin(self.candidates, m)) for m in members]
        spent = [self.travel[np.ix_(m, j)].sum(axis=0) for m, j in zip(members, inside, strict=True)]
        return tuple(sorted(int(j[s.argmin()]) for j, s in zip(inside, spent, strict=True)))


# ── The p-median as a program: every unit to one open center, loads within limits, every zone contiguous

Joins = Literal["nearer", "any", "alone"]
Separator = tuple[tuple[int, ...], tuple[int, ...]]

EXACT = 1e-6
"""A plan within this share of its bound is the best: solvers work to about this precision."""

_TINY, _WHOLE = 1e-9, 0.5
_SCALE = 1e4
"""Travel is scaled so that a unit's mean shortest travel adds up to this: HiGHS has absolute tolerances."""


class Relaxed(NamedTuple):
    """A linear relaxation: its bound; with each pair, bound and share (n, m); what assigning each unit costs (n,)."""

    bound: float
    least_with: Numbers
    share: Numbers
    price: Numbers


class MedianModel:
    """The program over some pairs of unit and candidate (`alive`, shape (n, m)).

    A candidate that may not serve itself is no center. `joins` is how contiguity is modeled: a unit joins a zone only
    with a neighbor in it that is ``nearer`` to the center (`MedianProblem.rank`), with ``any`` neighbor in it, or
    ``alone``. With ``nearer``, every plan of the model is contiguous, but a zone that winds back is left out. With
    ``any``, no contiguous plan is left out. `separators` are sets of units with the units around them that lie between
    them and a center: a unit of the set joins the center only with one of these.
    """

    def __init__(
        self, problem: MedianProblem, alive: Flags, joins: Joins, separators: Iterable[Separator] = ()
    ) -> None:
        alive = alive & problem.reachable & alive[problem.candidates, np.arange(alive.shape[1])]
        self.problem, (self.unit, self.center) = problem, np.nonzero(alive)
        self.column = np.full(alive.shape, -1)
        self.column[self.unit, self.center] = np.arange(len(self.unit))
        shortest = np.where(alive, problem.travel, np.inf).min(axis=1)
        total = float(shortest[np.isfinite(shortest)].sum())
        self._scale = _SCALE / total if total > 0 else 1.0
        self._program = self._built(joins, separators)

    def _built(self, joins: Joins, separators: Iterable[Separator]) -> Program:
        problem, size = self.problem, len(self.unit)
        n, m = problem.travel.shape
        own = self.column[problem.candidates, np.arange(m)]
        is_own, (lower, upper) = np.isin(np.arange(size), own), problem.limits
        pairs = np.arange(size)
        opens = csr_array((np.ones(size), (pairs, own[self.center])), shape=(size, size))
        load = csr_array((problem.load[self.unit], (self.center, pairs)), shape=(m, size))
        center = csr_array((is_own * 1.0, (self.center, pairs)), shape=(m, size))
        upon: list[Any] = [(eye_array(size) - opens).tocsr()[~is_own]]
        if joins != "alone":
            upon.append((eye_array(size) - self._neighbors(joins)).tocsr()[~is_own])
        upon += [load - upper * center, lower * center - load, self._separating(separators)]
        once = csr_array((np.ones(size), (self.unit, pairs)), shape=(n, size))
        equal: Any = vstack([once, csr_array(is_own[None, :] * 1.0)])
        below: Any = vstack(upon)
        sides = np.r_[np.ones(n), float(problem.zones)]
        low, high = np.r_[sides, np.full(below.shape[0], -np.inf)], np.r_[sides, np.zeros(below.shape[0])]
        cost = problem.travel[self.unit, self.center] * self._scale
        return Program(cost, vstack([equal, below], format="csc"), low, high, np.zeros(size), np.ones(size))

    def _neighbors(self, joins: Joins) -> csr_array:
        """Mark the pairs of a neighbor, or of one that is nearer to the center, beside each pair."""
        links = self.problem.neighbors.tocoo()
        pair, other = self.column[links.row], self.column[links.col]
        kept = (pair >= 0) & (other >= 0)
        if joins == "nearer":
            kept &= self.problem.rank[links.col] < self.problem.rank[links.row]
        size = len(self.unit)
        return csr_array((np.ones(kept.sum()), (pair[kept], other[kept])), shape=(size, size))

    def _separating(self, separators: Iterable[Separator]) -> Any:  # noqa: ANN401 - sparse
        """Let units of a piece into a zone only with a unit of the cut, for every center that lies beyond the cut."""
        ones, others = [], []
        for piece, cut in separators:
            is_open = np.ones(len(self.column), dtype=bool)
            is_open[list(cut)] = False
            beyond = np.flatnonzero(~_reached(self.problem.neighbors, is_open, piece[0])[self.problem.candidates])
            pair, cuts = self.column[np.ix_(np.array(piece), beyond)], self.column[np.ix_(np.array(cut), beyond)]
            of, j = np.nonzero(pair >= 0)
            ones.append(pair[of, j])
            others.append(cuts[:, j].T)
        size = sum(map(len, ones))
        rows = np.repeat(np.arange(size), [o.shape[1] for o in others for _ in range(len(o))])
        flat = np.concatenate([np.empty(0, dtype="int64"), *(o.ravel() for o in others)])
        kept, shape = flat >= 0, (size, len(self.unit))
        into = csr_array((np.ones(size), (np.arange(size), np.concatenate([rows[:0], *ones]))), shape=shape)
        return into - csr_array((np.ones(kept.sum()), (rows[kept], flat[kept])), shape=shape)

    def relax(self, limit_s: float) -> Relaxed | None:
        """Solve the linear relaxation, if it has a solution and time suffices."""
        found = solve(self._program, processor_limit_s=max(limit_s, 0.01))
        if not found.is_optimal or found.x is None:
            return None
        bound, dual = found.value / self._scale, found.row_dual
        extra = np.maximum(self._program.cost - self._program.matrix.T @ dual, 0.0) / self._scale
        least, share = np.full(self.column.shape, np.inf), np.zeros(self.column.shape)
        least[self.unit, self.center] = bound + np.where(found.x < EXACT, extra, 0.0)
        share[self.unit, self.center] = found.x
        return Relaxed(bound, least, share, dual[: len(self.column)] / self._scale)

    def plan(
        self, *, start: Labels | None = None, gap: float, limit_s: float, seed: int
    ) -> tuple[Labels | None, float]:
        """Solve it in whole units: the candidate of each unit, if a plan was found, and a bound on all plans."""
        known = None
        if start is not None and (column := self.column[np.arange(len(start)), start]).min() >= 0:
            known = np.zeros(len(self.unit))
            known[column] = 1.0
        whole = replace(self._program, is_integer=np.ones(len(self.unit), dtype=bool))
        found = solve(whole, start=known, gap=gap, processor_limit_s=max(limit_s, 0.01), seed=seed)
        bound = max(found.bound / self._scale, 0.0)
        if found.x is None:
            return None, bound
        chosen = np.flatnonzero(found.x > _WHOLE)
        label = np.empty(len(self.column), dtype="int64")
        label[self.unit[chosen]] = self.center[chosen]
        return label, bound


def _separator(neighbors: csr_array, piece: Labels, center: int) -> Separator:
    """Find a smallest set of units, none to spare, that every way from a piece to a center passes."""
    around = np.setdiff1d(neighbors[piece].indices, piece)
    if center not in around:
        is_open = np.ones(neighbors.shape[0], dtype=bool)
        is_open[piece] = is_open[around] = False
        around = np.intersect1d(around, neighbors[np.flatnonzero(_reached(neighbors, is_open, center))].indices)
    else:
        around = np.array([center])
    return tuple(piece.tolist()), tuple(around.tolist())


def _reached(neighbors: csr_array, is_open: Flags, start: int) -> Flags:
    units = np.flatnonzero(is_open)
    at = int(np.searchsorted(units, start))
    found = breadth_first_order(neighbors[units][:, units], at, directed=False, return_predecessors=False)
    return np.isin(np.arange(len(is_open)), units[found])


# ── A bound on the travel of every plan, contiguous or not, wherever its centers lie: Hess's model, relaxed

_STEPS = 100
_PATIENCE = 20
"""Subgradient steps, and those without a better bound after which they are halved."""

_STEADY = 0.6
"""Share of the last direction that is kept: plain subgradients zigzag."""

_CORE = 15
"""Pairs for each unit that a linear program starts with."""

_SIFTINGS = 12
_CLOSE = 1e-5
"""Linear programs, and how near, as a share, the bound and the last of them are when the relaxation is solved."""


class HessBound:
    """The linear relaxation of Hess's model: a lower bound on travel.

    Hess's model opens k candidates and assigns every unit to one that is open, within the limits of load. That every
    unit be assigned once is relaxed at a price for each unit. What is left falls apart into one continuous knapsack for
    each candidate, solved by sorting; the k cheapest open. Any prices give a bound, the best ones that of the linear
    relaxation. A few subgradient steps tell which pairs of unit and candidate matter; the linear program over these
    gives prices, these prices a bound over all pairs and the pairs that were missed, until none is. Contiguity only
    takes plans away, so the bound holds with and without it.

    `travel` is that of some plan, or a guess. `plan` is the candidate of each unit in a plan, shape (n,): what it costs
    each unit is nearer to the best prices than nothing. `limit_s` is processor time for the linear programs; `on_part`
    hears how far the bound is from the travel.

    Hess, S. W., et al. (1965). Nonpartisan political redistricting by computer. Operations Research 13(6), 998–1006.
    Validi, H., Buchanan, A., and Lykhovyd, E. (2022). Imposing contiguity constraints in political districting models.
    Operations Research 70(2), 867–892.
    """

    def __init__(
        self,
        problem: MedianProblem,
        travel: float,
        *,
        plan: Labels | None = None,
        limit_s: float = np.inf,
        on_part: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._problem, self._on_part = problem, on_part
        self._until = time.process_time() + limit_s
        units = np.arange(len(problem.travel))
        self.bound, self.price = -np.inf, problem.travel.min(axis=1) if plan is None else problem.travel[units, plan]
        self.least_with = np.zeros(problem.travel.shape)
        """Bound on every plan in which a unit is assigned to a candidate, shape (n, m)."""
        self.opened: list[Labels] = []
        """Sets of candidates that were the centers, those of the best bounds first; each of shape (k,)."""
        self._descend(travel)
        self._sift(travel)

    def _evaluate(self, price: Numbers) -> tuple[float, Numbers, Numbers]:
        """Keep what some prices prove; return their bound, that with each pair, and how often each unit is served."""
        worth, share, forced = _knapsacks(self._problem, price)
        opened = np.sort(np.argsort(worth, kind="stable")[: self._problem.zones])
        bound = float(price.sum() + worth[opened].sum())
        if not np.isfinite(bound):
            self.bound = np.inf
            return bound, forced, price
        least = bound + np.maximum(worth - worth[opened].max(), 0.0) + forced
        self.least_with = np.maximum(self.least_with, least)
        if bound > self.bound:
            self.bound, self.price, self.opened = bound, price, [opened, *self.opened]
        return bound, least, share[:, opened].sum(axis=1)

    def _descend(self, travel: float) -> None:
        """Make subgradient steps with a memory."""
        price, direction, scale, waited = self.price, np.zeros_like(self.price), 1.0, 0
        for step in range(_STEPS):
            if step % _PATIENCE == 0:
                self._say(travel)
            last = self.bound
            bound, _least, served = self._evaluate(price)
            waited = 0 if bound > last else waited + 1
            if waited >= _PATIENCE:
                scale, waited, price, direction = scale / 2, 0, self.price, np.zeros_like(price)
                continue
            direction = 1 - served + _STEADY * direction
            norm = float(direction @ direction)
            if norm < _TINY**2 or bound >= travel:
                break
            price = price + scale * (travel - bound) / norm * direction

    def _say(self, travel: float) -> None:
        if 0 < self.bound < travel:
            self._on_part(f"bounding the travel of all plans, gap so far {1 - self.bound / travel:.1%}")

    def _sift(self, travel: float) -> None:
        problem, each, least = self._problem, _CORE, self.least_with
        core = np.zeros(problem.travel.shape, dtype=bool)
        for _ in range(_SIFTINGS):
            left_s = self._until - time.process_time()
            if not np.isfinite(self.bound) or left_s <= 0:
                return
            self._say(travel)
            known = np.sort(least[np.isfinite(least)])
            core |= least <= known[min(each * len(least), len(known) - 1)]
            core[problem.candidates, np.arange(len(problem.candidates))] |= core.any(axis=0)
            found = MedianModel(problem, core, "alone").relax(min(_LP_S, left_s))
            if found is None:
                each *= 2
                continue
            # The next pairs are those that these very prices miss; bounds are kept of all prices tried.
            bound, least, _served = self._evaluate(found.price)
            core = (found.share > _TINY) | (core & (least <= bound + 0.3 * max(travel - bound, 0.0)))
            if found.bound - self.bound <= _CLOSE * found.bound:
                return


def _knapsacks(problem: MedianProblem, price: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Fill each candidate's zone cheaply: its worth (m,), its shares and what forcing a unit in costs (n, m)."""
    (lower, upper), load, m = problem.limits, problem.load[:, None], len(problem.candidates)
    is_open = problem.reachable
    worth = np.where(is_open, problem.travel - price[:, None], 0.0)
    rate = np.divide(worth, load, out=np.where(worth < 0, -np.inf, np.inf), where=load > 0)
    rate[~is_open] = np.inf
    rate[problem.candidates, np.arange(m)] = -np.inf
    order = np.argsort(rate, axis=0, kind="stable")
    rate, size, value = (np.take_along_axis(a, order, 0) for a in (rate, np.where(is_open, load, 0.0), worth))
    filled = np.cumsum(size, axis=0)
    wanted = np.where(rate < 0, size, 0.0).sum(axis=0)
    target = np.clip(wanted, lower, upper)
    part = np.divide(target - filled + size, size, out=(rate == -np.inf) * 1.0, where=size > 0).clip(0, 1)
    total = (part * value).sum(axis=0)
    cannot = (filled[-1] < lower) | (problem.load[problem.candidates] > upper)
    share = np.zeros_like(part)
    np.put_along_axis(share, order, part, 0)
    last = np.minimum((filled < target).sum(axis=0), len(order) - 1)
    marginal = np.where(wanted == target, 0.0, rate[last, np.arange(m)])
    marginal = np.where(np.isfinite(marginal), marginal, 0.0)
    forced = np.where(share < 1, np.maximum(worth - marginal * load, 0.0), 0.0)
    return np.where(cannot, np.inf, total), share, np.where(is_open, forced, np.inf)


# ── A good contiguous plan, a bound on all of them, and the gap closed between the two

_LP_S = 20.0
_WEIGHED = 12
_PLANNED, _STARTS, _NEAR = 3, 15, 12
"""Sets of centers that are bettered by the transport problem, and those for which a plan is sought."""


_NARROW, _WIDE = 1.01, 1.04
"""Pairs that lift a bound by more than these factors are left out of first attempts."""

_BOUND_SHARE = 0.25
"""Share of the time that the first bound may take."""

Centers: TypeAlias = tuple[int, ...]


class MedianSolver:
    """The best plan found and what is proven, within a gap or the time given.

    Centers are those that the relaxation of Hess's model opens and random ones, each moved to the best place for what
    it serves (as in Hess's own method), then swapped for others nearby, for as long as travel falls. A plan is sought
    in an integer program whose units join a zone only with a neighbor nearer to its center. The bound is lifted by
    integer programs over the pairs of unit and center that a better plan could hold, in which a unit joins a zone only
    with a unit of every set that was found to lie between it and the center; sets are added as they are broken.

    Wheeler, A. P. (2019). Creating optimal patrol areas using the p-median model. Policing 42(3), 318–333. Oehrlein,
    J., and Haunert, J.-H. (2017). A cutting-plane method for contiguity-constrained spatial aggregation. Journal of
    Spatial Information Science 15, 89–120.
    """

    def __init__(
        self,
        problem: MedianProblem,
        *,
        gap: float = 0.0,
        time_limit_s: float = 60.0,
        seed: int = 0,
        first: Labels | None = None,
        on_part: Callable[[str], None] = lambda _: None,
        on_best: Callable[[Labels], None] = lambda _: None,
    ) -> None:
        self.problem, self._gap, self._seed, self._on_part, self._on_best = problem, gap, seed, on_part, on_best
        self._until = time.process_time() + time_limit_s
        self.label: Labels | None = first
        """Candidate of each unit in the best contiguous plan, shape (n,)."""
        self.bound = 0.0
        """No contiguous plan within the tolerance has less travel; with the same centers where these are fixed."""
        self._separators: set[Separator] = set()
        self._served: dict[Centers, Relaxed | None] = {}
        self._tried: set[Centers] = set()
        least = self._fixed() if problem.is_fixed else self._free()
        any_bound = self.bound
        self.is_impossible = not np.isfinite(self.bound)
        if not self.is_impossible:
            self._prove(least)
        self.bound = min(self.bound, self.travel)
        self.any_bound = min(any_bound, self.travel)
        """Neither has any other plan, contiguous or not, even with units divided."""

    @property
    def _left_s(self) -> float:
        return self._until - time.process_time()

    @property
    def travel(self) -> float:
        """Travel of the best plan; infinite where there is none."""
        return np.inf if self.label is None else self.problem.total(self.label)

    @property
    def _goal(self) -> float:
        """What is to be proven: no plan has less travel than this."""
        return self.travel * (1 - self._gap)

    @property
    def _is_done(self) -> bool:
        is_close = self.label is not None and self.bound >= self._goal * (1 - EXACT)
        return is_close or self._left_s <= 0

    def _say(self, what: str) -> None:
        gap = f", gap so far {max(1 - self.bound / self.travel, 0):.1%}" if 0 < self.travel < np.inf else ""
        self._on_part(f"{what}{gap}")

    def _transport(self, centers: Centers) -> Relaxed | None:
        """Serve divisible units from some centers the cheapest way, once."""
        self._say("looking for better centers")
        if centers not in self._served:
            fixed = self.problem.with_centers(np.array(centers))
            self._served[centers] = MedianModel(fixed, fixed.reachable, "alone").relax(self._left_s)
        return self._served[centers]

    def _grown(self, centers: Centers) -> Relaxed | None:
        """Do the same with units that join a neighbor nearer to the center only, if possible among the cheap pairs."""
        served = self._transport(centers)
        if served is None:
            return None
        fixed = self.problem.with_centers(np.array(centers))
        for alive in (served.least_with <= served.bound * _WIDE, fixed.reachable):
            found = MedianModel(fixed, alive, "nearer").relax(self._left_s)
            if found is not None:
                return found
        return None

    def _fixed(self) -> Numbers:
        centers = tuple(range(self.problem.zones))
        served = self._transport(centers)
        self.bound = np.inf if served is None else served.bound
        self._keep(self._planned(centers, self._grown(centers)))
        return self.problem.travel if served is None else served.least_with

    def _free(self) -> Numbers:
        guess = self.travel if self.label is not None else float(self.problem.travel.max(axis=1).sum())
        limit = self._left_s * _BOUND_SHARE
        found = HessBound(self.problem, guess, plan=self.label, limit_s=limit, on_part=self._on_part)
        self.bound = found.bound
        for opened in found.opened[:_WEIGHED]:
            self._alternate(tuple(opened.tolist()))
        self._scatter()
        self._swap()
        grown = [(relaxed, centers) for _travel, centers in self._best() if (relaxed := self._grown(centers))]
        for relaxed, centers in sorted(grown, key=lambda pair: pair[0].bound)[:_PLANNED]:
            self._settle(centers, relaxed)
        return found.least_with

    def _best(self) -> list[tuple[float, Centers]]:
        return sorted((s.bound, c) for c, s in self._served.items() if s is not None)[:_WEIGHED]

    def _scatter(self) -> None:
        """Alternate from random centers, far from each other (k-means++)."""
        rng, travel = np.random.default_rng(self._seed), self.problem.travel
        for _ in range(_STARTS):
            chosen = [int(rng.integers(travel.shape[1]))]
            while len(chosen) < self.problem.zones:
                gap = travel[:, chosen].min(axis=1)[self.problem.candidates]
                gap[chosen] = 0.0
                gap = gap if gap.sum() > 0 else 1.0 * ~np.isin(np.arange(len(gap)), chosen)
                chosen.append(int(rng.choice(len(gap), p=gap / gap.sum())))
            self._alternate(tuple(sorted(chosen)))

    def _swap(self) -> None:
        """Swap one center of the best for a candidate nearby, for as long as travel falls."""
        last, per_load = np.inf, self.problem.travel[self.problem.candidates]
        per_load = per_load / np.maximum(self.problem.load[self.problem.candidates], 1e-12)[:, None]
        while (best := self._best()) and best[0][0] < last and self._left_s > 0:
            last, centers = best[0]
            for center in centers:
                others = [j for j in np.argsort(per_load[center], kind="stable").tolist() if j not in centers][:_NEAR]
                for other in others:
                    swapped = tuple(sorted({*centers, other} - {center}))
                    if self._left_s > 0 and (now := self._transport(swapped)) is not None and now.bound < last:
                        self._alternate(swapped)
                        break

    def _alternate(self, centers: Centers) -> None:
        """Move each center to the best place for what it serves, until travel falls no more."""
        last = np.inf
        while self._left_s > 0 and (now := self._transport(centers)) is not None and now.bound < last:
            # A center must be one only once.
            moved = np.unique((now.share.T @ self.problem.travel).argmin(axis=1)).tolist()
            last, centers = now.bound, tuple(moved) if len(moved) == len(centers) else centers

    def _settle(self, centers: Centers, grown: Relaxed | None) -> None:
        """Plan around some centers, put each where its zone wants it, and plan again, until they stay."""
        while centers not in self._tried and grown is not None and grown.bound < self.travel:
            self._tried.add(centers)
            label = self._planned(centers, grown)
            self._keep(label)
            if label is not None:
                centers = self.problem.middles(label)
                grown = self._grown(centers)

    def _planned(self, centers: Centers, grown: Relaxed | None) -> Labels | None:
        """Look for a contiguous plan with some centers, first among the pairs that hardly lift the bound."""
        if grown is None:
            return None
        self._say("planning around the best centers")
        fixed, least = self.problem.with_centers(np.array(centers)), grown.least_with
        for alive in (least <= grown.bound * _NARROW, least <= grown.bound * _WIDE, np.isfinite(least)):
            model, limit = MedianModel(fixed, alive, "nearer"), max(self._left_s / 4, 0.1)
            label = model.plan(gap=max(self._gap / 10, 1e-4), limit_s=limit, seed=self._seed)[0]
            if label is not None:
                return np.array(centers)[label]
        return None

    def _keep(self, label: Labels | None) -> None:
        if label is not None and not self.problem.detached(label) and self.problem.total(label) < self.travel:
            self.label = label
            self._on_best(label)

    def _model(self, least: Numbers) -> MedianModel:
        """Leave out the pairs that no plan below what is to be proven can hold."""
        alive = np.isfinite(least) if self.label is None else least <= self._goal * (1 + EXACT)
        return MedianModel(self.problem, alive, "any", self._separators)

    def _prove(self, least: Numbers) -> None:
        """Solve integer programs, forbidding what is not contiguous, until nothing is left to forbid."""
        at, neighbors = self.problem.candidates, self.problem.neighbors
        if not self._is_done and (found := self._model(least).relax(self._left_s)) is not None:
            self.bound = max(self.bound, min(found.bound, self._goal))
            least = np.maximum(least, found.least_with)
        while not self._is_done:
            self._say("proving that no plan has much less travel")
            model = self._model(least)
            label, bound = model.plan(start=self.label, gap=self._gap, limit_s=self._left_s, seed=self._seed)
            self.is_impossible = not np.isfinite(bound) and self.label is None
            # A plan that holds a pair left out has at least the travel of the goal.
            self.bound = max(self.bound, min(bound, self._goal))
            if label is None:
                return
            self._keep(label)
            broken = {_separator(neighbors, p, int(at[label[p[0]]])) for p in self.problem.detached(label)}
            if broken <= self._separators:
                return
            self._separators |= broken


# ── Why there is no plan, and the nearest tolerance that some plan keeps

_CLOSE_TOLERANCE = 0.002
_TRY_S, _SEARCH_S = 10.0, 40.0


def refuse_impossible(solver: MedianSolver, units: pd.Index) -> NoReturn:
    """Say why there is no plan, and which tolerance would do."""
    problem = solver.problem
    largest = int(problem.load.argmax())
    nearest = _nearest_tolerance(problem)
    with_these = "with these centers " if problem.is_fixed else ""
    reason = "There is no plan" if solver.is_impossible else "No plan was found in the time given"
    cause = (
        f"{units[largest]} alone has {problem.load[largest]:.0%} of the mean load of a zone"
        if problem.load[largest] > problem.limits[1]
        else f"largest unit {problem.load[largest]:.0%} of the mean load of a zone"
    )
    raise SettingsError(
        f"{reason} {with_these}whose zones are contiguous and within the tolerance.",
        where="tolerance",
        found=f"tolerance {problem.tolerance:.2%}; {cause}",
        expected=None if nearest is None else f"{nearest:.2%} or more: the nearest tolerance a plan was found for",
        remedy=("Raise the tolerance" if nearest is not None else "Add time or links between units")
        + (", or leave the centers free." if problem.is_fixed else ", or ask for another number of zones."),
    )


def _nearest_tolerance(problem: MedianProblem) -> float | None:
    """Look for the smallest tolerance that some contiguous plan keeps: upwards until there is one, then between."""
    low, step, best = problem.tolerance, max(problem.tolerance, 0.05), None
    until = time.process_time() + _SEARCH_S
    while (left := until - time.process_time()) > 0 and (best is None or best - low > _CLOSE_TOLERANCE):
        if best is None and step >= 2 * problem.zones + problem.load.max():
            return None
        tried = low + step if best is None else (low + best) / 2
        solver = MedianSolver(replace(problem, tolerance=tried), gap=1.0, time_limit_s=min(_TRY_S, left))
        if solver.label is None:
            low, step = tried, 2 * step
        else:
            loads = np.bincount(np.unique(solver.label, return_inverse=True)[1], weights=problem.load)
            best = float(np.abs(loads - 1).max())
    return None if best is None else float(np.ceil(best * 1e4 - 1e-6) / 1e4)
