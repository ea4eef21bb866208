"""The capacitated, contiguous p-median: zones around centers with the least travel, searched and proven."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from safeschools_geo.errors import ColumnError, SettingsError
from safeschools_geo.rebalance._neighbors import adjacency_matrix, is_contiguous
from safeschools_geo.rebalance._p_median_bound import (
    HessBound,
    MedianModel,
    MedianProblem,
    Separator,
    Transport,
    TransportModel,
    hess_bound,
)
from safeschools_geo.solver import Labels, Numbers
from safeschools_geo.workload import imbalance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safeschools_geo.rebalance._p_median_bound import Flags


# ── Good centers: location and allocation in turns from many starts, then swaps of one center for another nearby

_NEAR = 6
"""Swaps tried for each center: the candidates nearest to it."""

_BETTER = 1e-9
"""Share by which travel must fall to count as less."""


@dataclass(eq=False)
class CenterSearch:
    """A search for centers that remembers what it tried.

    Parameters
    ----------
    problem
        What is divided.
    has_time
        Whether the search may go on.
    """

    problem: MedianProblem
    has_time: Callable[[], bool]
    tried: dict[tuple[int, ...], Transport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the transport problem, once."""
        self._transport = TransportModel(self.problem)

    def serve(self, centers: Labels) -> Transport:
        """Solve the transport problem of some centers, once."""
        key = tuple(sorted(centers.tolist()))
        if key not in self.tried:
            self.tried[key] = self._transport.solve(np.array(key))
        return self.tried[key]

    def best(self, count: int) -> list[Transport]:
        """List the best centers tried."""
        feasible = [t for t in self.tried.values() if np.isfinite(t.travel)]
        return sorted(feasible, key=lambda t: (t.travel, t.centers.tolist()))[:count]

    def alternate(self, centers: Labels) -> Transport:
        """Move each center to the best place of what it serves, until travel falls no more."""
        now = self.serve(centers)
        while np.isfinite(now.travel):
            spent = now.share.T @ self.problem.travel
            # A center must be able to serve itself, and be one only once.
            moved = np.unique(spent.argmin(axis=1))
            if len(moved) < len(centers) or (then := self.serve(moved)).travel >= now.travel:
                break
            now = then
        return now

    def scatter(self, starts: int, rng: np.random.Generator) -> None:
        """Search from random starts."""
        for _ in range(starts):
            if self.has_time():
                self.alternate(self._spread_out(rng))

    def swap(self) -> None:
        """Mend the best centers, one at a time."""
        now = next(iter(self.best(1)), None)
        while now is not None and self.has_time():
            better = next((t for t in self._swaps(now) if t.travel < now.travel * (1 - _BETTER)), None)
            now = None if better is None else self.alternate(better.centers)

    def _swaps(self, now: Transport) -> Iterator[Transport]:
        between = self.problem.travel[self.problem.candidates[now.centers]]
        distance = between / np.maximum(self.problem.load[self.problem.candidates[now.centers]], 1e-12)[:, None]
        for place, row in enumerate(distance):
            others = [j for j in np.argsort(row, kind="stable") if j not in now.centers][:_NEAR]
            for j in others:
                if self.has_time():
                    centers = now.centers.copy()
                    centers[place] = j
                    yield self.serve(centers)

    def _spread_out(self, rng: np.random.Generator) -> Labels:
        """Draw candidates far from each other (k-means++)."""
        travel, chosen = self.problem.travel, [int(rng.integers(self.problem.travel.shape[1]))]
        while len(chosen) < self.problem.zones:
            gap = travel[:, chosen].min(axis=1)[self.problem.candidates]
            gap = np.where(self.problem.reachable[self.problem.candidates][:, chosen].any(axis=1), gap, travel.max())
            gap[chosen] = 0.0
            weights = gap if gap.sum() > 0 else np.where(np.isin(np.arange(len(gap)), chosen), 0.0, 1.0)
            chosen.append(int(rng.choice(len(weights), p=weights / weights.sum())))
        return np.array(chosen)


# ── From search to proof: a good contiguous p-median plan, a bound on all of them, and the gap closed between the two

EXACT = 1e-6
"""A plan within this share of its bound is the best: solvers work to about this precision."""

_ROUNDS = 40
_FREE_ROUNDS = 3
"""Rounds of separators: a round of fixed centers takes milliseconds, one of free centers seconds."""

_WEIGHED = 12
"""Sets of centers whose contiguous relaxation is solved."""

_KNOWN = 8
"""Sets of centers that the relaxation over all centers starts from."""

_PLANNED = 3
"""Sets of centers for which a plan is sought."""

_GUESS = 1.01
"""Contiguity and whole units cost about this factor."""

_NARROW, _WIDE = 1.01, 1.04
"""Pairs that lift a bound by more than these factors are left out of first attempts."""

_FIRST_AIM = 0.01
"""Gap that is closed first where a smaller one is asked for: the farther the aim, the more pairs are left."""

_SMALL = 400
"""Pairs of unit and candidate up to which the plan is sought over all centers at once."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """What is known of the contiguous plans with some centers.

    Parameters
    ----------
    centers
        Candidates that are the centers, sorted, shape (k,).
    bound
        No such plan has less travel.
    least_with
        The same of the plans in which a unit is assigned to a center, shape (n, k).
    """

    centers: Labels
    bound: float
    least_with: Numbers


@dataclass(eq=False)
class MedianSolver:
    """Solve a p-median step by step: the best plan, what is proven, and the time left.

    Parameters
    ----------
    problem
        What is divided.
    gap
        Relative gap at which to stop.
    time_limit_s
        Seconds it may take.
    starts
        Random starts of the search for centers.
    seed
        Seed of everything random.
    """

    problem: MedianProblem
    gap: float
    time_limit_s: float
    starts: int
    seed: int
    label: Labels | None = None
    bound: float = 0.0
    any_bound: float = 0.0
    is_impossible: bool = False
    separators: set[Separator] = field(default_factory=set)
    tried: set[tuple[int, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._until = time.monotonic() + self.time_limit_s
        self._aim = self.gap

    @property
    def left_s(self) -> float:
        """The seconds that are left."""
        return self._until - time.monotonic()

    @property
    def travel(self) -> float:
        """Travel of the best plan; infinite where there is none."""
        return np.inf if self.label is None else self.problem.total(self.label)

    @property
    def is_done(self) -> bool:
        """Whether the gap is closed, nothing can be found, or time is up."""
        is_close = self.bound >= self._goal * (1 - EXACT)
        return self.is_impossible or self.left_s <= 0 or (self.label is not None and is_close)

    def run(self) -> MedianSolver:
        """Solve it."""
        least = self._fixed() if self.problem.is_fixed else self._free()
        for aim in sorted({max(self.gap, _FIRST_AIM), self.gap}, reverse=True):
            self._aim = aim
            if not self.is_done:
                least = self._prove(least)
        return self

    def _fixed(self) -> Numbers:
        served = TransportModel(self.problem).solve(np.arange(self.problem.zones))
        if not np.isfinite(served.travel):
            self.is_impossible = True
            return served.least_with
        self.any_bound = self.bound = served.travel
        weighed = self._weigh(served.centers, served.least_with, served.travel)
        self.bound = max(self.bound, weighed.bound)
        self._plan(weighed)
        return np.maximum(served.least_with, weighed.least_with)

    def _free(self) -> Numbers:
        search = CenterSearch(self.problem, lambda: self.left_s > self.time_limit_s / 2)
        search.scatter(self.starts, np.random.default_rng(self.seed))
        found = self._hess(search)
        if self.is_impossible:
            return found.least_with
        for opened in found.opened[:_WEIGHED]:
            search.alternate(opened)
        search.swap()
        weighed = [self._weigh(t.centers, t.least_with, t.travel) for t in search.best(_WEIGHED)]
        for one in sorted(weighed, key=lambda w: w.bound)[:_PLANNED]:
            if one.bound < self.travel * (1 - self.gap / 2):
                self._plan(one, search)
        if self.label is None and self.problem.travel.size <= _SMALL:
            model = MedianModel(self.problem, self.problem.reachable, joins="nearer", seed=self.seed)
            self._keep(model.solve(gap=self.gap, time_limit_s=self.left_s).label)
        return found.least_with

    def _hess(self, search: CenterSearch) -> HessBound:
        known = search.best(_KNOWN)
        travel = known[0].travel * _GUESS if known else float(self.problem.travel.max(axis=1).sum())
        found = hess_bound(self.problem, known, travel=travel, time_limit_s=self.left_s / 2, seed=self.seed)
        self.is_impossible = not np.isfinite(found.bound)
        self.any_bound = self.bound = found.bound
        return found

    def _weigh(self, centers: Labels, least: Numbers, travel: float) -> Weighed:
        """Bound the travel of contiguous plans with some centers."""
        fixed = self.problem.with_centers(centers)
        for alive in (least <= travel * _WIDE, np.isfinite(least)):
            model = MedianModel(fixed, alive, joins="any", seed=self.seed)
            model.forbid(self.separators)
            bound, lifted = model.relax(rounds=_ROUNDS, time_limit_s=max(self.left_s / 4, 0.1))
            self.separators |= model.separators
            if lifted is not None:
                # Plans with the pairs left out have more than this travel.
                is_out = ~alive & np.isfinite(least)
                bound = min(bound, float(least[is_out].min())) if is_out.any() else bound
                return Weighed(centers, bound, np.where(alive, lifted, least))
        return Weighed(centers, travel, least)

    def _plan(self, weighed: Weighed, search: CenterSearch | None = None) -> None:
        """Look for a plan with some centers; if they may move, put each where its zone wants it, and look again."""
        while tuple(weighed.centers.tolist()) not in self.tried and self.left_s > 0:
            self.tried.add(tuple(weighed.centers.tolist()))
            label = self._nearer(weighed)
            if label is None:
                return
            self._keep(weighed.centers[label])
            if search is None:
                return
            served = search.serve(self._recentered(weighed.centers[label]))
            if tuple(served.centers.tolist()) not in self.tried:
                weighed = self._weigh(served.centers, served.least_with, served.travel)

    def _nearer(self, weighed: Weighed) -> Labels | None:
        fixed, least = self.problem.with_centers(weighed.centers), weighed.least_with
        for alive in (least <= weighed.bound * _NARROW, least <= weighed.bound * _WIDE, np.isfinite(least)):
            model = MedianModel(fixed, alive, joins="nearer", seed=self.seed)
            label = model.solve(gap=max(self.gap / 10, 1e-4), time_limit_s=max(self.left_s / 4, 0.1)).label
            if label is not None:
                return label
        return None

    def _recentered(self, label: Labels) -> Labels:
        centers = []
        for center in np.unique(label):
            members = np.flatnonzero(label == center)
            spent = self.problem.travel[members].sum(axis=0)
            inside = np.flatnonzero(np.isin(self.problem.candidates, members))
            best = inside[spent[inside].argmin()]
            centers.append(best if spent[best] < spent[center] * (1 - EXACT) else center)
        return np.sort(np.array(centers))

    def _keep(self, label: Labels | None) -> None:
        if label is not None and not self.problem.detached(label) and self.problem.total(label) < self.travel:
            self.label = label

    def _prove(self, least: Numbers) -> Numbers:
        """Tighten the relaxation; then solve integer programs, forbidding what is not contiguous, until one is."""
        model = self._model(self._alive(least))
        rounds = _ROUNDS if self.problem.is_fixed else _FREE_ROUNDS
        bound, lifted = model.relax(rounds=rounds, time_limit_s=self.left_s)
        self._lift(bound, model)
        least = least if lifted is None else np.maximum(least, lifted)
        model = self._model(self._alive(least))
        while not self.is_done:
            step = self._step_gap()
            found = model.solve(start=self.label, gap=step, time_limit_s=self.left_s)
            self._lift(found.bound, model)
            if found.label is None:
                break
            self._keep(found.label)
            is_whole = not model.separate(found.label)
            if is_whole and step == 0:
                break
            if not is_whole and not self.problem.is_fixed and not self.is_done:
                served = TransportModel(self.problem).solve(np.unique(found.label))
                self._plan(self._weigh(served.centers, served.least_with, served.travel))
        self.separators |= model.separators
        return least

    def _model(self, alive: Flags) -> MedianModel:
        model = MedianModel(self.problem, alive, joins="any", seed=self.seed)
        model.forbid(self.separators)
        return model

    def _alive(self, least: Numbers) -> Flags:
        """Leave out the pairs that no plan below what is to be proven can hold."""
        return np.isfinite(least) if self.label is None else least <= self._goal * (1 + EXACT)

    @property
    def _goal(self) -> float:
        """What is to be proven: no plan has less travel than this."""
        return self.travel * (1 - self._aim)

    def _lift(self, bound: float, model: MedianModel) -> None:
        """Take over a bound: a plan that holds a pair left out of the model has at least the travel of the goal."""
        self.separators |= model.separators
        if not np.isfinite(bound) and self.label is None:
            self.is_impossible = True
        self.bound = max(self.bound, min(bound, self._goal))

    def _step_gap(self) -> float:
        """Solve roughly while the bound is still far, exactly at the end."""
        gap = 1.0 if self.label is None else (self.travel - self.bound) / max(self.travel, 1e-12)
        return max(self._aim / 2, gap / 10 if gap > 10 * EXACT else 0.0)


# ── What is wrong with a p-median: faulty input, and requests that no plan meets, with the nearest tolerance one does

_CLOSE = 0.002
"""The nearest tolerance is looked for to this precision."""

_TRY_S = 10.0
_SEARCH_S = 40.0


def check_median(
    load: pd.Series,
    distance: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    zones: int,
    tolerance: float,
    centers: Mapping[str, str] | Sequence[str] | None,
) -> tuple[MedianProblem, dict[str, str] | None]:
    """Check what `p_median` was given, and turn it into arrays."""
    named = _named(centers)
    units = load.index
    columns = distance.columns if named is None else pd.Index(list(named.values()))
    _check_figures(load, distance)
    _check_settings(units, columns, distance, zones=zones, tolerance=tolerance, named=named)
    figures = load.to_numpy(dtype="float64")
    problem = MedianProblem(
        load=figures / (figures.sum() / zones),
        travel=figures[:, None] * distance.loc[units, columns].to_numpy(dtype="float64"),
        candidates=units.get_indexer(columns).astype("int64"),
        neighbors=adjacency_matrix(units, edges),
        zones=zones,
        tolerance=tolerance,
    )
    _check_parts(problem, units)
    return problem, named


def _named(centers: Mapping[str, str] | Sequence[str] | None) -> dict[str, str] | None:
    if centers is None:
        return None
    return dict(centers) if isinstance(centers, Mapping) else {unit: unit for unit in centers}


def _check_figures(load: pd.Series, distance: pd.DataFrame) -> None:
    figures = pd.to_numeric(load, errors="coerce")
    is_faulty = ~(figures >= 0) | ~np.isfinite(figures) | load.index.duplicated(keep=False)
    if is_faulty.any() or figures.sum() <= 0:
        raise ColumnError(
            "Zones cannot be balanced by these loads.",
            where="load",
            ids=load.index[is_faulty],
            expected="a number of 0 or more for each unit, each unit once, and one above 0",
            remedy="Mend the loads.",
        )
    missing = load.index.difference(distance.index)
    if len(missing) or distance.index.has_duplicates or not (distance.loc[load.index].to_numpy() >= 0).all():
        raise ColumnError(
            "Distances are missing or negative.",
            where="distance",
            ids=missing,
            expected="a number of 0 or more from each unit to each possible center",
            remedy="Mend the distances; a unit that no road reaches takes those of its neighbor.",
        )


def _check_settings(
    units: pd.Index,
    columns: pd.Index,
    distance: pd.DataFrame,
    *,
    zones: int,
    tolerance: float,
    named: dict[str, str] | None,
) -> None:
    rules = {
        "zones of 1 or more": zones >= 1,
        "tolerance of 0 or more": tolerance >= 0,
        "at most as many zones as units that may be centers": zones <= len(columns),
        "centers that are units, each once, with their distances": columns.isin(units).all()
        and columns.isin(distance.columns).all()
        and columns.is_unique,
        "a center for each zone": named is None or len(named) == zones,
    }
    broken = [rule for rule, is_kept in rules.items() if not is_kept]
    if broken:
        unknown = columns[~(columns.isin(units) & columns.isin(distance.columns)) | columns.duplicated()]
        raise SettingsError(
            "Zones cannot be drawn with these settings.",
            ids=unknown,
            found=f"zones = {zones}, tolerance = {tolerance}, {len(units)} units, {len(columns)} possible centers",
            expected="; ".join(broken),
            remedy="Mend the settings named.",
        )


def _check_parts(problem: MedianProblem, units: pd.Index) -> None:
    """Every part that the edges leave apart needs a center of its own."""
    number, part = connected_components(problem.neighbors, directed=False)
    without = np.setdiff1d(np.arange(number), part[problem.candidates])
    if len(without) or number > problem.zones:
        lost = np.flatnonzero(np.isin(part, without)) if len(without) else np.unique(part, return_index=True)[1]
        raise SettingsError(
            "The units do not hang together, and some part of them can have no zone.",
            where="edges",
            ids=units[lost],
            found=f"{number} parts, {problem.zones} zones",
            expected="a center in every part",
            remedy="Add links between the parts (bridges), or centers in them.",
        )


def refuse_impossible(problem: MedianProblem, units: pd.Index, solver: MedianSolver) -> NoReturn:
    """Say why there is no plan, and which tolerance would do."""
    largest = int(problem.load.argmax())
    nearest = nearest_tolerance(problem, seed=solver.seed)
    with_these = "with these centers " if problem.is_fixed else ""
    reason = "There is no plan" if solver.is_impossible else "No plan was found in the time given"
    cause = (
        f"{units[largest]} alone has {problem.load[largest]:.0%} of the mean load of a zone"
        if problem.load[largest] > problem.upper
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


def nearest_tolerance(problem: MedianProblem, *, seed: int) -> float | None:
    """Look for the smallest tolerance that some contiguous plan keeps."""
    low, step, best = problem.tolerance, max(problem.tolerance, 0.05), None
    spent = _Budget(_SEARCH_S)
    while best is None and step < 2 * problem.zones + problem.load.max() and spent.left_s > 0:
        best = _imbalance(problem.within(low + step), seed, spent)
        low, step = (low, step) if best is not None else (low + step, 2 * step)
    while best is not None and best - low > _CLOSE and spent.left_s > 0:
        middle = (low + best) / 2
        found = _imbalance(problem.within(middle), seed, spent)
        low, best = (middle, best) if found is None else (low, found)
    return None if best is None else float(np.ceil(best * 1e4 - 1e-6) / 1e4)


def _imbalance(problem: MedianProblem, seed: int, budget: _Budget) -> float | None:
    solver = MedianSolver(problem, gap=1.0, time_limit_s=min(_TRY_S, budget.left_s), starts=3, seed=seed).run()
    return None if solver.label is None else _largest_deviation(problem, solver.label)


def _largest_deviation(problem: MedianProblem, label: Labels) -> float:
    loads = np.bincount(np.unique(label, return_inverse=True)[1], weights=problem.load)
    return float(np.abs(loads - 1).max())


class _Budget:
    """Seconds that several attempts share."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()


# ── The capacitated, contiguous p-median: zones around centers with the least travel, and a bound on all such plans


@dataclass(frozen=True, eq=False)
class PMedianPlan:
    """Zones around centers, and how near they are to the least travel.

    Parameters
    ----------
    assignment
        Zone of each unit, named `zone_id`, by `unit_id`.
    centers
        Center of each zone, named `unit_id`, by `zone_id`.
    loads
        Load of each zone, by `zone_id`.
    travel
        Σ load × distance to the center.
    bound
        No contiguous plan within the tolerance has less travel; with the same centers if they were given, else
        wherever its centers lie.
    any_bound
        The same over all plans within the tolerance, contiguous or not, even with units divided.
    tolerance
        Largest imbalance that was allowed.
    is_fixed
        Whether the centers were given.
    is_contiguous
        Whether every zone hangs together.
    seconds
        Time taken.
    seed
        Seed of everything random.
    """

    assignment: pd.Series
    centers: pd.Series
    loads: pd.Series
    travel: float
    bound: float
    any_bound: float
    tolerance: float
    is_fixed: bool
    is_contiguous: bool
    seconds: float
    seed: int

    @property
    def gap(self) -> float:
        """Share of the travel that a better contiguous plan could save at most."""
        return 0.0 if self.travel == 0 else max(self.travel - self.bound, 0.0) / self.travel

    @property
    def any_gap(self) -> float:
        """Share of the travel that any better plan, contiguous or not, could save at most."""
        return 0.0 if self.travel == 0 else max(self.travel - self.any_bound, 0.0) / self.travel

    @property
    def is_proven(self) -> bool:
        """Whether no contiguous plan within the tolerance (and with the same centers, if given) has less travel."""
        return self.gap <= EXACT

    @property
    def imbalance(self) -> float:
        """Largest ``|load - mean| / mean`` over the zones."""
        return imbalance(self.loads)

    def summary(self) -> str:
        """Say in plain English what was found and what is proven."""
        which = "with these centers" if self.is_fixed else "wherever its centers lie"
        proof = (
            f"It is proven that no contiguous plan within the tolerance, {which}, has less."
            if self.is_proven
            else f"No contiguous plan within the tolerance, {which}, can have less than {self.bound:,.6g} "
            f"(gap {self.gap:.2%}); no plan at all, contiguous or not, less than {self.any_bound:,.6g}."
        )
        return (
            f"{len(self.centers)} zones of {len(self.assignment)} units with an imbalance of {self.imbalance:.1%} "
            f"(tolerance {self.tolerance:.1%}); {'every' if self.is_contiguous else 'not every'} zone is contiguous. "
            f"Total travel {self.travel:,.6g}. {proof}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each zone."""
        units = self.assignment.value_counts().loc[self.centers.index].to_numpy()
        share = self.loads / self.loads.mean()
        columns = {"center": self.centers, "units": units, "load": self.loads, "share_of_mean": share}
        return pd.DataFrame(columns, index=self.centers.index).reset_index()


def p_median(
    load: pd.Series,
    distance: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    zones: int,
    tolerance: float,
    centers: Mapping[str, str] | Sequence[str] | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    starts: int = 15,
    seed: int = 0,
) -> PMedianPlan:
    """Divide units into contiguous, balanced zones around centers, with the least travel.

    Notes
    -----
    Every unit belongs to one center, every center to itself; loads lie within the tolerance; every zone is contiguous.
    With given centers, the transport problem (units divisible, contiguity forgotten) is the first bound. A plan is
    sought in an integer program whose units join a zone only with a neighbor nearer to its center by steps on the
    adjacency. The bound is lifted by linear relaxations and integer programs over *all* contiguous plans, in which a
    unit joins a zone only with a unit of every set that lies between it and the center; sets are added as they are
    broken. With free centers, Hess's model over all candidate centers gives the first bound (`hess_bound`)
    and leaves few pairs of unit and center that a better plan could hold; on these the same programs are solved.

    References
    ----------
    Wheeler, A. P. (2019). Creating optimal patrol areas using the p-median model. Policing 42(3), 318–333.
    Oehrlein, J., and Haunert, J.-H. (2017). A cutting-plane method for contiguity-constrained spatial aggregation.
    Journal of Spatial Information Science 15, 89–120.
    """
    start = time.monotonic()
    problem, named = check_median(load, distance, edges, zones=zones, tolerance=tolerance, centers=centers)
    solver = MedianSolver(problem, gap=gap, time_limit_s=time_limit_s, starts=starts, seed=seed).run()
    if solver.label is None:
        refuse_impossible(problem, load.index, solver)
    return _plan(load, edges, solver, solver.label, named, seconds=time.monotonic() - start)


def _plan(
    load: pd.Series,
    edges: pd.DataFrame,
    solver: MedianSolver,
    label: Labels,
    named: dict[str, str] | None,
    *,
    seconds: float,
) -> PMedianPlan:
    problem = solver.problem
    unit = load.index[problem.candidates]
    zone_of = dict(zip(unit, unit, strict=True)) if named is None else {unit: zone for zone, unit in named.items()}
    assignment = pd.Series([zone_of[u] for u in unit[label]], index=load.index, name="zone_id", dtype="str")
    assignment = assignment.rename_axis("unit_id")
    centers = pd.Series({zone_of[u]: u for u in unit[np.unique(label)]}, name="unit_id").rename_axis("zone_id")
    centers = centers if named is None else centers.loc[list(named)]
    return PMedianPlan(
        assignment=assignment,
        centers=centers,
        loads=load.astype("float64").groupby(assignment).sum().loc[centers.index],
        travel=solver.travel,
        bound=solver.bound,
        any_bound=min(solver.any_bound, solver.travel),
        tolerance=problem.tolerance,
        is_fixed=problem.is_fixed,
        is_contiguous=is_contiguous(assignment, edges),
        seconds=seconds,
        seed=solver.seed,
    )
