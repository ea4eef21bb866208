"""From search to proof: a good contiguous p-median plan, a bound on all of them, and the gap closed between the two."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.median.hess_bound import HessBound, hess_bound
from safeschools_geo.rebalance.median.model import MedianModel, Separator
from safeschools_geo.rebalance.median.places import Labels, Numbers
from safeschools_geo.rebalance.median.problem import MedianProblem
from safeschools_geo.rebalance.median.search import CentreSearch
from safeschools_geo.rebalance.median.transport import TransportModel

if TYPE_CHECKING:
    from safeschools_geo.rebalance.median.problem import Flags

EXACT = 1e-6
"""A plan within this share of its bound is the best: solvers work to about this precision."""

_ROUNDS = 40
_FREE_ROUNDS = 3
"""Rounds of separators: a round of fixed centres takes milliseconds, one of free centres seconds."""

_WEIGHED = 12
"""Sets of centres whose contiguous relaxation is solved."""

_KNOWN = 8
"""Sets of centres that the relaxation over all centres starts from."""

_PLANNED = 3
"""Sets of centres for which a plan is sought."""

_GUESS = 1.01
"""Contiguity and whole units cost about this factor."""

_NARROW, _WIDE = 1.01, 1.04
"""Pairs that lift a bound by more than these factors are left out of first attempts."""

_FIRST_AIM = 0.01
"""Gap that is closed first where a smaller one is asked for: the farther the aim, the more pairs are left."""

_SMALL = 400
"""Pairs of unit and candidate up to which the plan is sought over all centres at once."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """What is known of the contiguous plans with some centres.

    Parameters
    ----------
    centres
        Candidates that are the centres, sorted, shape (k,).
    bound
        No such plan has less travel.
    least_with
        The same of the plans in which a unit is assigned to a centre, shape (n, k).
    """

    centres: Labels
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
        Random starts of the search for centres.
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
        """Solve it.

        Returns
        -------
        MedianSolver
            Itself.
        """
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
        weighed = self._weigh(served.centres, served.least_with, served.travel)
        self.bound = max(self.bound, weighed.bound)
        self._plan(weighed)
        return np.maximum(served.least_with, weighed.least_with)

    def _free(self) -> Numbers:
        search = CentreSearch(self.problem, lambda: self.left_s > self.time_limit_s / 2)
        search.scatter(self.starts, np.random.default_rng(self.seed))
        found = self._hess(search)
        if self.is_impossible:
            return found.least_with
        for opened in found.opened[:_WEIGHED]:
            search.alternate(opened)
        search.swap()
        weighed = [self._weigh(t.centres, t.least_with, t.travel) for t in search.best(_WEIGHED)]
        for one in sorted(weighed, key=lambda w: w.bound)[:_PLANNED]:
            if one.bound < self.travel * (1 - self.gap / 2):
                self._plan(one, search)
        if self.label is None and self.problem.travel.size <= _SMALL:
            model = MedianModel(self.problem, self.problem.reachable, joins="nearer", seed=self.seed)
            self._keep(model.solve(gap=self.gap, time_limit_s=self.left_s).label)
        return found.least_with

    def _hess(self, search: CentreSearch) -> HessBound:
        known = search.best(_KNOWN)
        travel = known[0].travel * _GUESS if known else float(self.problem.travel.max(axis=1).sum())
        found = hess_bound(self.problem, known, travel=travel, time_limit_s=self.left_s / 2, seed=self.seed)
        self.is_impossible = not np.isfinite(found.bound)
        self.any_bound = self.bound = found.bound
        return found

    def _weigh(self, centres: Labels, least: Numbers, travel: float) -> Weighed:
        """Bound the travel of contiguous plans with some centres."""
        fixed = self.problem.with_centres(centres)
        for alive in (least <= travel * _WIDE, np.isfinite(least)):
            model = MedianModel(fixed, alive, joins="any", seed=self.seed)
            model.forbid(self.separators)
            bound, lifted = model.relax(rounds=_ROUNDS, time_limit_s=max(self.left_s / 4, 0.1))
            self.separators |= model.separators
            if lifted is not None:
                # Plans with the pairs left out have more than this travel.
                is_out = ~alive & np.isfinite(least)
                bound = min(bound, float(least[is_out].min())) if is_out.any() else bound
                return Weighed(centres, bound, np.where(alive, lifted, least))
        return Weighed(centres, travel, least)

    def _plan(self, weighed: Weighed, search: CentreSearch | None = None) -> None:
        """Look for a plan with some centres; if they may move, put each where its zone wants it, and look again."""
        while tuple(weighed.centres.tolist()) not in self.tried and self.left_s > 0:
            self.tried.add(tuple(weighed.centres.tolist()))
            label = self._nearer(weighed)
            if label is None:
                return
            self._keep(weighed.centres[label])
            if search is None:
                return
            served = search.serve(self._recentred(weighed.centres[label]))
            if tuple(served.centres.tolist()) not in self.tried:
                weighed = self._weigh(served.centres, served.least_with, served.travel)

    def _nearer(self, weighed: Weighed) -> Labels | None:
        fixed, least = self.problem.with_centres(weighed.centres), weighed.least_with
        for alive in (least <= weighed.bound * _NARROW, least <= weighed.bound * _WIDE, np.isfinite(least)):
            model = MedianModel(fixed, alive, joins="nearer", seed=self.seed)
            label = model.solve(gap=max(self.gap / 10, 1e-4), time_limit_s=max(self.left_s / 4, 0.1)).label
            if label is not None:
                return label
        return None

    def _recentred(self, label: Labels) -> Labels:
        centres = []
        for centre in np.unique(label):
            members = np.flatnonzero(label == centre)
            spent = self.problem.travel[members].sum(axis=0)
            inside = np.flatnonzero(np.isin(self.problem.candidates, members))
            best = inside[spent[inside].argmin()]
            centres.append(best if spent[best] < spent[centre] * (1 - EXACT) else centre)
        return np.sort(np.array(centres))

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
                self._plan(self._weigh(served.centres, served.least_with, served.travel))
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
