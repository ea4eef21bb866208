"""The best points to wait at: p-median, p-center and most covered, each with proof."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import highspy
import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, vstack

from safeschools_geo.errors import SettingsError, refuse
from safeschools_geo.solver import Flags, Labels, Numbers, Program, model_of, quiet_highs, solve, stop_after

if TYPE_CHECKING:
    import pandas as pd


# ── Where officers could wait, as plain arrays: minutes from each point to each place, and what each place weighs

Objective: TypeAlias = Literal["mean", "longest", "covered", "expected"]

OBJECTIVES: tuple[Objective, ...] = ("mean", "longest", "covered", "expected")
"""Mean minutes (p-median), longest minutes (p-center), share within reach, and the same with busy officers."""

EXACT = 1e-7
"""Share of a value below which two count as equal: a value this near to its bound is proven the best."""


WITHIN_MIN = (3.0, 5.0, 8.0, 10.0)
"""Minutes within which coverage is reported."""


@dataclass(frozen=True, kw_only=True)
class StagingSettings:
    """What is asked of a staging."""

    # ``mean``: least mean minutes of a call (p-median); ``longest``: least minutes to the farthest place, whatever its
    # weight (p-center); ``covered``: largest share of calls within `within_min` of an officer (maximal covering);
    # ``expected``: largest share expected to find a free officer within it (maximal expected covering)
    objective: Objective = "mean"
    within_min: float = 5.0  # Minutes within which a place is covered
    busy_share: float = 0.0  # Share of the time that each officer is busy, for ``expected``
    # Whether several officers may wait at one point, for ``expected``; else each has a point alone
    may_share: bool = True
    limits_min: tuple[float, ...] = WITHIN_MIN  # Minutes within which coverage is reported
    # Seconds for which the search may keep a processor busy. When they run out, the best points found are returned with
    # a bound, and are not called the best
    time_limit_s: float = 60.0
    seed: int = 0  # The same input and seed give the same points unless time ran out

    def __post_init__(self) -> None:
        """Check the values, and tell all that are wrong."""
        has_limits = bool(self.limits_min) and all(0 <= limit < np.inf for limit in self.limits_min)
        checks = (
            ("objective", self.objective in OBJECTIVES, "one of " + ", ".join(OBJECTIVES)),
            ("within_min", 0 < self.within_min < np.inf, "minutes above 0"),
            ("busy_share", 0 <= self.busy_share < 1, "a share from 0 to below 1"),
            ("limits_min", has_limits, "minutes of 0 or more, one at least"),
            ("time_limit_s", self.time_limit_s > 0, "seconds above 0"),
        )
        faults = [
            SettingsError(
                "A setting of staging makes no sense.", where=name, found=getattr(self, name), expected=wanted
            )
            for name, is_right, wanted in checks
            if not is_right
        ]
        refuse(faults)

    @property
    def shares_points(self) -> bool:
        """Whether several officers may wait at one point: only where that can be of use."""
        return self.may_share and self.objective == "expected"


@dataclass(frozen=True, eq=False)
class StagingProblem:
    """Choose points for p officers among m, for n places."""

    # Minutes from each point to each place, shape (n, m), not negative; infinite where there is no way
    minutes: Numbers
    weight: Numbers  # Share of all calls that each place has, shape (n,), adding up to 1
    points: int  # Number of officers p
    objective: Objective  # What is made small, or large
    within_min: float  # Minutes within which a place is covered
    # What the first, second, … officer within reach of a place is worth, falling, at least one
    gains: tuple[float, ...] = (1.0,)
    may_share: bool = False  # Whether several officers may wait at one point

    @property
    def is_share(self) -> bool:
        """Whether the value is a share, to be made large; else minutes, to be made small."""
        return self.objective in {"covered", "expected"}

    @property
    def covers(self) -> Flags:
        """Which points are within reach of which places, shape (n, m)."""
        near: Flags = self.minutes <= self.within_min
        return near

    def only(self, places: Labels, points: Labels) -> StagingProblem:
        """Keep some places and some points."""
        return replace(self, minutes=self.minutes[np.ix_(places, points)], weight=self.weight[places])

    def value(self, chosen: Labels) -> float:
        """Value a choice."""
        if self.objective == "longest":
            return float(self.minutes[:, chosen].min(axis=1).max())
        if self.objective == "mean":
            counts = self.weight > 0
            return float(self.minutes[np.ix_(counts, chosen)].min(axis=1) @ self.weight[counts])
        worth = np.append(0.0, np.cumsum(self.gains))
        officers = np.minimum(self.covers[:, chosen].sum(axis=1), len(self.gains))
        return float(worth[officers] @ self.weight)


@dataclass(frozen=True, eq=False)
class Choice:
    """Points that were chosen, and what is proven of them."""

    chosen: Labels  # Columns of the points, shape (p,), rising, with repeats where officers share one
    value: float  # Their value
    bound: float  # No choice has a better value


def is_best(value: float, bound: float) -> bool:
    """Say whether a value is its bound, up to rounding."""
    return abs(value - bound) <= EXACT * max(abs(value), abs(bound))


# ── The best points to wait at, with proof: the p-median, the p-center and maximal covering

Effort = Literal["greedy", "relaxed", "exact"]

_ROUNDING, _CLOSED = 1e-6, 1e-9
_AT_ONCE = (
    200  # Places whose rows are looked at together: with 2,000 schools a table of all is 32 MB, and takes several
)
_LEAST_WEIGHT, _LEAST_GAIN = 1e-9, 1e-12
_FAR_MIN = 1e9
_OPTIMAL = highspy.HighsModelStatus.kOptimal
_SCALE = 100.0
"""Mean cost of a place in the programs, far above the solver's tolerances."""


@dataclass(frozen=True, eq=False)
class Cover:
    """An answer to whether so few points reach every place."""

    chosen: Labels | None  # Columns of points that do, rising; None where none were found
    is_impossible: bool  # Whether it is proven that none do. False with no points means that it is not known.


def find_cover(covers: Flags, most: int, *, effort: Effort = "exact", deadline: float = np.inf, seed: int = 0) -> Cover:
    """Look for a few points that together reach every place.

    The linear relaxation gives a price of each place; prices are scaled until no point earns more than 1, so that their
    sum is a lower bound on the number of points whatever rounding the solver made. An integer program decides the rest.

    Toregas, C., Swain, R., ReVelle, C., and Bergman, L. (1971). The location of emergency service facilities.
    Operations Research 19(6), 1363–1373.
    """
    if not covers.any(axis=1).all():
        return Cover(None, is_impossible=True)
    known = _greedy_cover(covers)
    if len(known) <= most:
        return Cover(np.sort(known), is_impossible=False)
    n, m = covers.shape
    table = csc_array(covers.astype("float64"))
    program = Program(np.ones(m), table, np.ones(n), np.full(n, np.inf), np.zeros(m), np.ones(m))
    if effort != "greedy":
        price = np.maximum(solve(program).row_dual, 0.0)
        if price.sum() > (most + _ROUNDING) * (price @ table).max():
            return Cover(None, is_impossible=True)
    if effort != "exact" or time.process_time() >= deadline:
        return Cover(None, is_impossible=False)
    # A limit on the number, as a row, was seen to make the solver five times slower; and given a known cover, it takes
    # that for good enough before it is.
    whole = replace(program, is_integer=np.ones(m, dtype=bool))
    found = solve(whole, enough=most + 0.5, processor_limit_s=deadline - time.process_time(), seed=seed)
    chosen = known if found.x is None else np.flatnonzero(found.x > 0.5)  # noqa: PLR2004 - whole, up to rounding
    return Cover(chosen if len(chosen) <= most else None, is_impossible=found.bound > most + _ROUNDING)


def best_center(problem: StagingProblem, *, deadline: float = np.inf, seed: int = 0) -> Choice:
    """Choose the points from which the farthest place is reached soonest.

    The points, the longest minutes from the nearest of them to any place, and the least that any choice can have; of
    all points found with that value, some with short mean minutes. The value is infinite where every choice that was
    found leaves a place without a way, and so is the bound where it is proven that every choice does.

    The value is one of the minutes of the table. For a number of minutes T, p points are enough if p sets of places
    within T cover all of them, so the table's distinct minutes, sorted, are bisected: with greedy covers, which give a
    value; with linear relaxations, which give a bound; then exactly. The bound is the smallest time that has not been
    proven too short.

    Minieka, E. (1970). The m-center problem. SIAM Review 12(1), 138–139. Daskin, M. S. (2013). Network and Discrete
    Location, 2nd edition. Wiley. Chapter 5.
    """
    table, points = problem.minutes, problem.points
    if points == 1:
        longest = table.max(axis=0)
        return Choice(np.array([int(longest.argmin())]), float(longest.min()), float(longest.min()))
    times: Numbers = np.unique(table[np.isfinite(table) & (table >= table.min(axis=1).max())])
    chosen: Labels | None = None
    short, enough = -1, len(times)
    efforts: tuple[Effort, ...] = ("greedy", "relaxed", "exact")
    for effort in efforts:
        low, high = short, enough
        while high - low > 1 and (effort == "greedy" or time.process_time() < deadline):
            middle = (low + high) // 2
            answer = find_cover(table <= times[middle], points, effort=effort, deadline=deadline, seed=seed)
            if answer.is_impossible:
                short = max(short, middle)
            if answer.chosen is not None:
                at = int(np.searchsorted(times, table[:, answer.chosen].min(axis=1).max()))
                if at < enough:
                    chosen, enough = _filled(answer.chosen, problem), at
            elif effort == "exact" and not answer.is_impossible:
                break
            # What a relaxation cannot tell is left to the exact program.
            is_high = answer.chosen is not None or (effort == "relaxed" and not answer.is_impossible)
            low, high = (low, min(middle, enough)) if is_high else (middle, high)
    bound = float(np.append(times, np.inf)[short + 1])
    if chosen is None:
        return Choice(np.arange(points), np.inf, bound)
    weight = np.maximum(problem.weight, _LEAST_WEIGHT)[:, None]
    near = np.where(table <= times[enough], weight * table, np.inf)
    chosen = _exchanged(near, chosen)
    # With points to spare, the farthest place may be nearer than the search asked for.
    return Choice(chosen, problem.value(chosen), bound)


def best_median(problem: StagingProblem, *, deadline: float = np.inf, seed: int = 0) -> Choice:
    """Choose the points from which places are reached soonest on average.

    With y_j whether a point is chosen and θ_i what place i costs, the program is to minimize Σ_i θ_i with Σ_j y_j = p
    and, for each place i and each of its costs c, θ_i ≥ c − Σ_j (c − c_ij)⁺ y_j. Few of these rows matter: they are
    added where the last solution breaks them, first to the linear relaxation, then to the integer program.

    Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers and medians of a graph.
    Operations Research 12(3), 450–459. ReVelle, C. S., and Swain, R. W. (1970). Central facilities location.
    Geographical Analysis 2(1), 30–42. Duran-Mateluna, C., Ales, Z., and Elloumi, S. (2023). An efficient Benders
    decomposition for the p-median problem. European Journal of Operational Research 308(1), 84–96.
    """
    counts = problem.weight > 0
    cost = problem.weight[counts][:, None] * problem.minutes[counts]
    chosen, bound = _least_cost(cost, _greedy_median(cost, problem.points), deadline=deadline, seed=seed)
    value = problem.value(chosen)
    return Choice(chosen, value, min(bound, value))


def busy_gains(busy_share: float, points: int) -> tuple[float, ...]:
    """Value the first, second, … officer within reach of a call."""
    gains = tuple((1 - busy_share) * busy_share**k for k in range(points))
    return tuple(gain for gain in gains if gain > 0) or (0.0,)


def best_cover(problem: StagingProblem, *, deadline: float = np.inf, seed: int = 0) -> Choice:
    """Choose the points that cover the largest share of calls.

    With N_i the points within reach of place i, w_i its share of calls and g_k what the k-th officer is worth
    (`busy_gains`; 1 and no more where officers are never busy)::

        maximize    Σ_i Σ_k w_i g_k z_ik
        subject to  Σ_k z_ik ≤ Σ_{j in N_i} y_j   for every place i
                    Σ_j y_j ≤ p,   y_j whole,   0 ≤ z_ik ≤ 1

    As g falls with k, z fills up in order, and need not be asked to be whole. Places with the same N_i are added up.
    Officers are taken to be busy independently of each other and of where they wait, as Daskin does: a first look, not
    the hypercube model.

    Church, R., and ReVelle, C. (1974). The maximal covering location problem. Papers of the Regional Science
    Association 32, 101–118. Daskin, M. S. (1983). A maximum expected covering location model: formulation, properties
    and heuristic solution. Transportation Science 17(1), 48–70.
    """
    counts = (problem.weight > 0) & problem.covers.any(axis=1)
    covers, group = np.unique(problem.covers[counts], axis=0, return_inverse=True)
    weight = np.bincount(group.ravel(), weights=problem.weight[counts], minlength=len(covers)).astype("float64")
    start = _greedy_shares(covers, weight, problem)
    program = _shares_program(covers, weight, problem)
    solution = solve(program, start=start, processor_limit_s=deadline - time.process_time(), seed=seed)
    found = [_officers(x, problem) for x in (start, solution.x) if x is not None]
    chosen = max(found, key=problem.value)
    value = problem.value(chosen)
    return Choice(chosen, value, max(value, min(-solution.bound, sum(problem.gains) * float(problem.weight.sum()))))


def best_in_zones(problem: StagingProblem, places: pd.Series, points: pd.Series) -> dict[str, int]:
    """Choose the point of each zone."""
    members = {zone: (np.flatnonzero(places == zone), np.flatnonzero(points == zone)) for zone in places.unique()}
    return {zone: _best_point(problem, *rows_and_columns) for zone, rows_and_columns in members.items()}


def value_by_zone(problem: StagingProblem, answer_min: Numbers) -> float:
    """Value points of which each answers the places of its own zone."""
    return float(_values(problem, answer_min[:, None], problem.weight)[0])


def _best_point(problem: StagingProblem, places: Labels, points: Labels) -> int:
    minutes, weight = problem.minutes[np.ix_(places, points)], problem.weight[places]
    values = _values(problem, minutes, weight) * (-1.0 if problem.is_share else 1.0)
    best = values.min()
    is_as_good = values <= best + _LEAST_GAIN * max(abs(best), 1.0)
    # A zone without calls, or with all places covered from everywhere, still has a middle.
    mean = (weight + _LEAST_WEIGHT) @ np.where(np.isfinite(minutes), minutes, _FAR_MIN)
    return int(points[np.where(is_as_good, mean, np.inf).argmin()])


def _values(problem: StagingProblem, minutes: Numbers, weight: Numbers) -> Numbers:
    """Value each column of minutes as the one officer of some places, shape (columns,)."""
    if problem.objective == "longest":
        longest: Numbers = minutes.max(axis=0)
        return longest
    counts = weight > 0
    if problem.objective == "mean":
        mean: Numbers = weight[counts] @ minutes[counts]
        return mean
    covered: Numbers = problem.gains[0] * (weight @ (minutes <= problem.within_min))
    return covered


def _greedy_cover(covers: Flags) -> Labels:
    """Take the point that reaches most of what is left, again and again."""
    left, table = np.ones(len(covers), dtype="float32"), covers.astype("float32")
    chosen: list[int] = []
    while left.any():
        chosen.append(int((left @ table).argmax()))
        left[covers[:, chosen[-1]]] = 0.0
    return np.array(chosen, dtype="int64")


def _filled(chosen: Labels, problem: StagingProblem) -> Labels:
    """Add points until there are as many as officers."""
    spare = np.setdiff1d(np.arange(problem.minutes.shape[1]), chosen)
    if problem.may_share:
        spare = np.append(spare, np.zeros(problem.points, dtype="int64"))
    return np.sort(np.append(chosen, spare[: problem.points - len(chosen)])).astype("int64")


def _exchanged(cost: Numbers, chosen: Labels) -> Labels:
    """Exchange a point for another while that lowers the sum of costs."""
    while True:
        without = [cost[:, np.delete(chosen, k)].min(axis=1) for k in range(len(chosen))]
        totals = np.stack([np.minimum(nearest[:, None], cost).sum(axis=0) for nearest in without])
        out, new = np.unravel_index(int(totals.argmin()), totals.shape)
        if totals[out, new] >= _total(cost, chosen) * (1 - _LEAST_GAIN):
            return chosen
        chosen = np.sort(np.append(np.delete(chosen, out), new))


def _greedy_median(cost: Numbers, points: int) -> Labels:
    """Take the point that lowers the sum of costs most, again and again; places without a way come first."""
    finite = np.isfinite(cost)
    known = np.where(finite, cost, (1.0 + cost[finite].max(initial=0.0)) * cost.size)
    chosen: list[int] = []
    nearest = np.full(len(cost), known.max())
    for _ in range(points):
        total = np.minimum(known, nearest[:, None]).sum(axis=0)
        total[chosen] = np.inf
        chosen.append(int(total.argmin()))
        nearest = np.minimum(nearest, known[:, chosen[-1]])
    return np.sort(chosen).astype("int64")


def _total(cost: Numbers, chosen: Labels) -> float:
    return float(cost[:, chosen].min(axis=1).sum())


def _least_cost(cost: Numbers, chosen: Labels, *, deadline: float, seed: int) -> tuple[Labels, float]:
    """Choose as many points as are given with the least sum of costs, infinite where there is no way; and bound it."""
    best, bound = _total(cost, chosen), float(cost.min(axis=1).sum())
    if len(chosen) == 1:
        totals = cost.sum(axis=0)
        return np.array([int(totals.argmin())]), float(totals.min())
    if len(chosen) == cost.shape[1] or best <= bound:
        return chosen, best
    scale = _SCALE * len(cost) / (best if np.isfinite(best) else cost[np.isfinite(cost)].max() * len(cost))
    rows = _MedianRows(cost * scale, len(chosen), seed=seed)
    # The first points that are known give rows to begin with: of 2,000 places they spare the slowest relaxation.
    rows.add_broken(np.append(np.isin(np.arange(cost.shape[1]), chosen), rows.sorted[:, 0]))
    for is_whole in (False, True):
        if is_whole and bound < best * (1 - _CLOSED):
            chosen = _exchanged(cost, chosen)
            best = _total(cost, chosen)
            rows.leave_out(best * scale * (1 + _CLOSED))
        while bound < best * (1 - _CLOSED) and time.process_time() < deadline:
            limit = deadline - time.process_time()
            x, below = rows.solve(limit, seed=seed) if is_whole else rows.relax(limit)
            bound = max(bound, below / scale)
            if x is None:
                break
            opened = x[: cost.shape[1]]
            tried = np.sort(np.argsort(-opened, kind="stable")[: len(chosen)])
            if _total(cost, tried) < best:
                chosen, best = tried, _total(cost, tried)
            if not rows.add_broken(x):
                break
    return chosen, min(bound, best)


class _MedianRows:
    """Rows of the program of the p-median that were broken so far."""

    def __init__(self, cost: Numbers, points: int, *, seed: int) -> None:
        n, m = self.shape = cost.shape
        self.order = np.argsort(cost, axis=1, kind="stable").astype("int32")
        self.sorted = np.take_along_axis(cost, self.order, axis=1)
        self.ways = np.isfinite(cost).sum(axis=1)
        partly = np.flatnonzero(self.ways < m)
        reach = np.isfinite(cost[partly]).astype("float64")
        # One row for the number of points, and one for each place that some points have no way to.
        first = np.vstack([np.ones((1, m)), reach])
        self.matrix = csr_array(np.hstack([first, np.zeros((len(first), n))]))
        self.low = np.append(float(points), np.ones(len(partly)))
        self.high = np.append(float(points), np.full(len(partly), np.inf))
        self.is_left_out = np.zeros(m, dtype=np.bool_)
        self.highs = quiet_highs(seed=seed, is_precise=True)
        self.highs.passModel(model_of(self._program()))

    def relax(self, processor_s: float) -> tuple[Numbers | None, float]:
        """Solve the linear relaxation from its last solution; the solution and the bound."""
        if np.isfinite(processor_s):
            stop_after(self.highs, processor_s)
        self.highs.run()
        if self.highs.getModelStatus() != _OPTIMAL:
            return None, -np.inf
        return np.asarray(self.highs.getSolution().col_value), float(self.highs.getInfo().objective_function_value)

    def solve(self, processor_s: float, *, seed: int) -> tuple[Numbers | None, float]:
        """Solve the integer program; the solution and the bound."""
        whole = np.arange(sum(self.shape)) < self.shape[1]
        found = solve(replace(self._program(), is_integer=whole), processor_limit_s=processor_s, seed=seed)
        return found.x, found.bound

    def _program(self) -> Program:
        n, m = self.shape
        return Program(
            cost=np.append(np.zeros(m), np.ones(n)),
            matrix=self.matrix.tocsc(),
            row_low=self.low,
            row_high=self.high,
            low=np.append(np.zeros(m), self.sorted[:, 0]),
            high=np.append(1.0 - self.is_left_out, np.full(n, np.inf)),
        )

    def leave_out(self, cost: float) -> None:
        """Leave out the points with which the relaxation, by their reduced costs, costs more than is known to do."""
        found, below = self.highs.getSolution(), self.highs.getInfo().objective_function_value
        if self.highs.getModelStatus() == _OPTIMAL:
            y, reduced = (np.asarray(v)[: self.shape[1]] for v in (found.col_value, found.col_dual))
            self.is_left_out = (y < _ROUNDING) & (below + reduced > cost)

    def add_broken(self, x: Numbers) -> bool:
        """Add the row of each place that is broken most, if one is; say whether any was."""
        parts = [self._broken(x, slice(first, first + _AT_ONCE)) for first in range(0, self.shape[0], _AT_ONCE)]
        new, cost = vstack([rows for rows, _ in parts], format="csr"), np.concatenate([cost for _, cost in parts])
        no_limit = np.full(len(cost), np.inf)
        self.matrix = vstack([self.matrix, new], format="csr")
        self.low, self.high = np.append(self.low, cost), np.append(self.high, no_limit)
        begins, columns = new.indptr[:-1].astype("int32"), new.indices.astype("int32")
        self.highs.addRows(len(cost), cost, no_limit, new.nnz, begins, columns, new.data)
        return len(cost) > 0

    def _broken(self, x: Numbers, part: slice) -> tuple[csr_array, Numbers]:
        """Make the rows that are broken among those of some places, and their limits."""
        n, m = self.shape
        order, cheapest = self.order[part], self.sorted[part]
        opened = x[:m][order]
        last = np.minimum((np.cumsum(opened, axis=1) < 1 - _CLOSED).sum(axis=1), self.ways[part] - 1)
        cost = cheapest[np.arange(len(last)), last]
        saved = np.where(np.arange(m) < last[:, None], cost[:, None] - cheapest, 0.0)
        broken = np.flatnonzero(cost - (saved * opened).sum(axis=1) > x[m:][part] + _ROUNDING)
        row, at = np.nonzero(saved[broken])
        column = np.append(order[broken[row], at], m + part.start + broken)
        value = np.append(saved[broken[row], at], np.ones(len(broken)))
        row = np.append(row, np.arange(len(broken)))
        return coo_array((value, (row, column)), shape=(len(broken), m + n)).tocsr(), cost[broken]


def _most(problem: StagingProblem) -> int:
    return problem.points if problem.may_share else 1


def _greedy_shares(covers: Flags, weight: Numbers, problem: StagingProblem) -> Numbers:
    """Send one officer after the other to where most is won; a start for the solver, of all its variables."""
    gains = np.append(np.array(problem.gains), 0.0)
    officers, reached = np.zeros(covers.shape[1]), np.zeros(len(covers), dtype="int64")
    for _ in range(problem.points):
        won = (weight * gains[np.minimum(reached, len(gains) - 1)]) @ covers
        won[officers >= _most(problem)] = -1.0
        if not won.max() > 0:
            break
        officers[int(won.argmax())] += 1
        reached += covers[:, int(won.argmax())]
    filled = np.arange(len(problem.gains))[None, :] < reached[:, None]
    return np.concatenate([officers, filled.ravel().astype("float64")])


def _shares_program(covers: Flags, weight: Numbers, problem: StagingProblem) -> Program:
    """Write the program of maximal covering: points first, then the levels of each place."""
    n, m = covers.shape
    levels = len(problem.gains)
    place, point = np.nonzero(covers)
    z = m + np.arange(n * levels)
    row = np.concatenate([np.repeat(np.arange(n), levels), place, np.full(m, n)])
    column = np.concatenate([z, point, np.arange(m)])
    value = np.concatenate([np.ones(n * levels), -np.ones(len(place)), np.ones(m)])
    size = m + n * levels
    return Program(
        cost=np.concatenate([np.zeros(m), -np.outer(weight, problem.gains).ravel()]),
        matrix=coo_array((value, (row, column)), shape=(n + 1, size)).tocsc(),
        row_low=np.full(n + 1, -np.inf),
        row_high=np.append(np.zeros(n), float(problem.points)),
        low=np.zeros(size),
        high=np.append(np.full(m, float(_most(problem))), np.ones(n * levels)),
        is_integer=np.arange(size) < m,
    )


def _officers(x: Numbers, problem: StagingProblem) -> Labels:
    """Read the points, and let officers who would gain nothing wait at the first points that are free."""
    officers = np.round(x[: problem.minutes.shape[1]]).astype("int64")
    return _filled(np.repeat(np.arange(len(officers)), officers), problem)
