"""The p-center: points from which the farthest place is reached soonest, by bisection over covering problems."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.coverage.points.center_search import search_center
from safeschools_geo.coverage.points.cover_sets import Cover, Effort, find_cover
from safeschools_geo.coverage.points.interchange import improve_points
from safeschools_geo.coverage.points.staging_problem import Choice

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.staging_problem import Labels, StagingProblem
    from safeschools_geo.programs import Numbers

_STARTS, _STEPS = 3, 300
_FAR, _LEAST_WEIGHT = 10.0, 1e-9


def best_center(problem: StagingProblem, *, deadline: float = np.inf, seed: int = 0) -> Choice:
    """Choose the points from which the farthest place is reached soonest.

    Parameters
    ----------
    problem
        Minutes and number of officers; every place has a point that reaches it.
    deadline
        Moment of `time.monotonic` at which to give up.
    seed
        Seed of the solver.

    Returns
    -------
    Choice
        The points, the longest minutes from the nearest of them to any place, and the least that any choice can have;
        of all points found with that value, some with short mean minutes. The value is infinite where every choice
        that was found leaves a place without a way, and so is the bound where it is proven that every choice does.

    Notes
    -----
    The value is one of the minutes of the table. For a number of minutes T, p points are enough if p sets of places
    within T cover all of them, so the table's distinct minutes, sorted, are bisected: with greedy covers and a search,
    which give a value; with linear relaxations, which give a bound; then exactly, first of all whether the next shorter
    time is enough. The bound is the smallest time that has not been proven too short. It is the value only when the
    next shorter time has been.

    References
    ----------
    Minieka, E. (1970). The m-center problem. SIAM Review 12(1), 138–139.
    Daskin, M. S. (2013). Network and Discrete Location, 2nd edition. Wiley. Chapter 5.
    """
    if problem.points == 1:
        longest = problem.minutes.max(axis=0)
        only = np.array([int(longest.argmin())])
        return Choice(only, float(longest.min()), float(longest.min()))
    search = _Bisection(problem, deadline, seed)
    search.look()
    search.relax()
    search.look_harder()
    search.decide()
    if search.chosen is None:
        return Choice(np.arange(problem.points), np.inf, search.bound)
    chosen = _with_short_mean(problem, search.chosen, search.value)
    # With points to spare, the farthest place may be nearer than the search asked for.
    return Choice(chosen, problem.value(chosen), search.bound)


class _Bisection:
    """Sorted times, the last that is proven too short, and the first for which points are known."""

    def __init__(self, problem: StagingProblem, deadline: float, seed: int) -> None:
        self.problem, self.deadline, self.seed = problem, deadline, seed
        least = problem.minutes.min(axis=1).max()
        table = problem.minutes
        self.times: Numbers = np.unique(table[np.isfinite(table) & (table >= least)])
        self.chosen: Labels | None = None
        self.short, self.enough = -1, len(self.times)

    @property
    def value(self) -> float:
        """The time within which the points that are known reach every place."""
        return float(self.times[self.enough])

    @property
    def bound(self) -> float:
        """The smallest time that is not proven too short."""
        return float(np.append(self.times, np.inf)[self.short + 1])

    def look(self) -> None:
        """Find the shortest time for which greedy covers are enough."""
        low, high = self.short, self.enough
        while high - low > 1:
            middle = (low + high) // 2
            if self._ask(middle, "greedy").chosen is None:
                low = middle
            else:
                high = min(self.enough, middle)

    def relax(self) -> None:
        """Find the longest time that linear relaxations prove too short."""
        high = self.enough
        while high - self.short > 1 and not self._is_late():
            middle = (self.short + high) // 2
            if not self._ask(middle, "relaxed").is_impossible:
                high = min(self.enough, middle)

    def look_harder(self) -> None:
        """Find the shortest time for which a search finds points."""
        low = self.short
        while self.enough - low > 1 and not self._is_late():
            middle = (low + self.enough) // 2
            if not self._search(middle):
                low = middle

    def decide(self) -> None:
        """Close the rest exactly: shorter and shorter times while points are found, else halving what is left."""
        step = 1
        while self.enough - self.short > 1 and not self._is_late():
            time_no = max(self.enough - step, (self.short + self.enough) // 2)
            answer = self._ask(time_no, "exact")
            if answer.is_open:
                return
            step = 1 if answer.is_impossible else 2 * step

    def _search(self, time_no: int) -> bool:
        """Look for points within a time from those that are known, and from others."""
        table, points = self.problem.minutes, self.problem.points
        for start in range(_STARTS):
            rng = np.random.default_rng((self.seed, start))
            first = rng.choice(table.shape[1], points, replace=False) if start or self.chosen is None else self.chosen
            found = search_center(table, first, float(self.times[time_no]), steps=_STEPS, seed=self.seed + start)
            if found is not None:
                self._keep(found)
                return True
            if self._is_late():
                break
        return False

    def _ask(self, time_no: int, effort: Effort) -> Cover:
        covers = self.problem.minutes <= self.times[time_no]
        answer = find_cover(covers, self.problem.points, effort=effort, deadline=self.deadline, seed=self.seed)
        if answer.is_impossible:
            self.short = max(self.short, time_no)
        if answer.chosen is not None:
            self._keep(answer.chosen)
        return answer

    def _keep(self, chosen: Labels) -> None:
        at = int(np.searchsorted(self.times, self.problem.minutes[:, chosen].min(axis=1).max()))
        if at < self.enough:
            self.enough, self.chosen = at, _filled(chosen, self.problem)

    def _is_late(self) -> bool:
        return time.monotonic() >= self.deadline


def _filled(chosen: Labels, problem: StagingProblem) -> Labels:
    """Add points until there are as many as officers."""
    spare = np.setdiff1d(np.arange(problem.minutes.shape[1]), chosen)
    return np.sort(np.append(chosen, spare[: problem.points - len(chosen)])).astype("int64")


def _with_short_mean(problem: StagingProblem, chosen: Labels, value: float) -> Labels:
    """Exchange points while the mean gets shorter and no place is farther than the value."""
    if problem.points == problem.minutes.shape[1]:
        return chosen
    weight = np.maximum(problem.weight, _LEAST_WEIGHT)[:, None]
    near = problem.minutes <= value
    # One place too far costs more than all the minutes there are.
    far = _FAR * max(value, _LEAST_WEIGHT) * len(weight)
    return improve_points(np.where(near, weight * np.where(near, problem.minutes, 0.0), far), chosen)
