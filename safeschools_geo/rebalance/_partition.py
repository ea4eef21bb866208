"""Compact, balanced, contiguous partitions of places: a transport start, then local search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import csr_array, eye_array, kron, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial.distance import cdist

from safeschools_geo.rebalance._p_median import HessBound, MedianProblem, MedianSolver, refuse_impossible
from safeschools_geo.solver import Labels, Numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


# ── What a partition divides, and what it aims at, as plain arrays


@dataclass(frozen=True, eq=False)
class Places:
    """What is to be divided: n places with their size and load, and who borders whom."""

    xy_km: Numbers  # Coordinates, shape (n, 2), in kilometers
    size: Numbers  # Weight of each place in the measure of spread, shape (n,), positive
    load: Numbers  # Load of each place, shape (n,), not negative, with a positive sum
    # Which places may follow each other within a zone, shape (n, n), bool, symmetric and connected
    neighbors: csr_array
    border_km: csr_array  # Length of the border that two places share, shape (n, n), symmetric
    area_km2: float  # Area of all places together

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self.load)


@dataclass(frozen=True)
class Goal:
    """What a partition aims at."""

    zones: int  # Number of zones
    mean_load: float  # Mean load of a zone
    tolerance: float  # Imbalance that costs nothing
    spread_km2: float  # Spread of all places around their common middle, size × km²: the unit that spread is counted in
    border_weight: float  # What a kilometer of border between two zones counts for, in that unit

    @classmethod
    def of(cls, places: Places, *, zones: int, tolerance: float) -> Goal:
        """Set the goal for some places."""
        radius_km = np.sqrt(places.area_km2 / zones / np.pi)
        middle = (places.size @ places.xy_km) / places.size.sum()
        spread_km2 = float(places.size @ ((places.xy_km - middle) ** 2).sum(axis=1))
        return cls(
            zones=zones,
            mean_load=float(places.load.sum()) / zones,
            tolerance=tolerance,
            spread_km2=spread_km2,
            border_weight=float(places.size.sum() / zones * radius_km / (2 * np.pi)) / spread_km2,
        )


# ── Local search: better partitions by moving one place, or two in a chain, between neighboring zones

_DECIMALS = 9
"""Costs, none far above 1, are rounded to this: equally good changes tie, and none is made for a rounding error."""


def improve(places: Places, label: Labels, goal: Goal) -> Labels:
    """Make the best change until none is better."""
    while True:
        better = _best_change(places, label, goal)
        if better is None:
            return label
        label = better


def score(places: Places, label: Labels, goal: Goal) -> tuple[float, float]:
    """Measure a partition; smaller is better."""
    excess, spread = _cost(_sums(places, label, goal), goal).sum(axis=0)
    borders = places.border_km.tocoo()
    border_km = borders.data[label[borders.row] != label[borders.col]].sum() / 2
    return round(float(excess), _DECIMALS), round(float(spread + goal.border_weight * border_km), _DECIMALS)


def _parts(places: Places) -> Numbers:
    """Put size, size × x, size × y (around the middle) and load beside each other, shape (n, 4)."""
    xy = places.xy_km - places.xy_km.mean(axis=0)
    return np.column_stack([places.size, xy * places.size[:, None], places.load])


def _sums(places: Places, label: Labels, goal: Goal) -> Numbers:
    sums = np.zeros((goal.zones, 4))
    np.add.at(sums, label, _parts(places))
    return sums


def _cost(sums: Numbers, goal: Goal) -> Numbers:
    """Measure imbalance beyond the tolerance, and spread, of m zones by their sums, shape (m, 4); shape (m, 2).

    The spread around the center is that around the origin, which no move changes over all zones, less
    ``|Σ size × x|² / Σ size``; only the latter is counted.
    """
    size, x, y, load = sums.T
    excess = np.maximum(np.abs(load - goal.mean_load) / goal.mean_load - goal.tolerance, 0.0)
    pull = np.divide(x**2 + y**2, size, out=np.zeros_like(size), where=size > 0)
    return np.column_stack([excess, -pull / goal.spread_km2])


def _best_change(places: Places, label: Labels, goal: Goal) -> Labels | None:
    place, target = _border_moves(places, label)
    first, second, change = _changes(places, label, place, target, goal=goal)
    excess, compactness = change.round(_DECIMALS).T
    better = np.flatnonzero((excess < 0) | ((excess == 0) & (compactness < 0)))
    for i in better[np.lexsort((compactness[better], excess[better]))]:
        moves = [first[i], second[i]]
        changed = label.copy()
        changed[place[moves]] = target[moves]
        touched = np.unique([label[place[moves]], target[moves]])
        if all(_hangs_together(places, changed == zone) for zone in touched):
            return changed
    return None


def _border_moves(places: Places, label: Labels) -> tuple[Labels, Labels]:
    """List every place with every neighboring zone that it could move to."""
    links = places.neighbors.tocoo()
    is_border = label[links.row] != label[links.col]
    moves = np.unique(np.column_stack([links.row[is_border], label[links.col[is_border]]]), axis=0)
    return moves[:, 0].astype("int64"), moves[:, 1]


def _changes(
    places: Places, label: Labels, place: Labels, target: Labels, *, goal: Goal
) -> tuple[Labels, Labels, Numbers]:
    """Weigh single moves (listed as a move and itself) and chains: a move, then one out of the zone it goes to."""
    origin = label[place]
    i, j = np.nonzero((target[:, None] == origin) & (place[:, None] != place))
    is_swap = target[j] == origin[i]
    sums, parts = _sums(places, label, goal), _parts(places)[place]
    single = _single_costs(sums, parts, origin, target, goal=goal)
    chain = _chain_costs(sums, parts, origin, target, (i, j), goal=goal)
    border = _border_costs(places, label, place, target, goal=goal)
    # Two neighbors that follow each other stay on two sides of a border, which both moves alone would have won.
    between = np.asarray(places.border_km[place[i], place[j]]).ravel() * goal.border_weight
    single[:, 1] += border
    chain[:, 1] += border[i] + border[j] + between * np.where(is_swap, 2.0, 1.0)
    alone = np.arange(len(place))
    return np.r_[alone, i], np.r_[alone, j], np.concatenate([single, chain])


def _single_costs(sums: Numbers, parts: Numbers, origin: Labels, target: Labels, *, goal: Goal) -> Numbers:
    now = _cost(sums, goal)
    left, joined = _cost(sums[origin] - parts, goal), _cost(sums[target] + parts, goal)
    return left + joined - (now[origin] + now[target])


def _chain_costs(
    sums: Numbers, parts: Numbers, origin: Labels, target: Labels, pair: tuple[Labels, Labels], *, goal: Goal
) -> Numbers:
    i, j = pair
    now = _cost(sums, goal)
    is_swap = (target[j] == origin[i])[:, None]
    end = sums[target[j]] + parts[j]
    left = _cost(np.where(is_swap, end, sums[origin[i]]) - parts[i], goal)
    passed = _cost(sums[target[i]] + parts[i] - parts[j], goal)
    ended = np.where(is_swap, 0.0, _cost(end, goal) - now[target[j]])
    return left + passed + ended - (now[origin[i]] + now[target[i]])


def _border_costs(places: Places, label: Labels, place: Labels, target: Labels, *, goal: Goal) -> Numbers:
    """Weigh the border that each move alone adds or saves."""
    members = csr_array((np.ones(len(label)), (np.arange(len(label)), label)), shape=(len(label), goal.zones))
    by_zone = (places.border_km @ members).toarray()
    gained: Numbers = goal.border_weight * (by_zone[place, label[place]] - by_zone[place, target])
    return gained


def _hangs_together(places: Places, is_member: Labels) -> bool:
    members = np.flatnonzero(is_member)
    if len(members) == 0:
        return False
    return bool(connected_components(places.neighbors[members][:, members], directed=False)[0] == 1)


# ── Compact, balanced, contiguous partitions of places: Hess's transport start, then local search

_LLOYD_STEPS = 20
_STILL_KM = 1e-3
_FREE = -1
_SOLVERS_SLACK = 1e-6


def compact_partition(
    places: Places,
    *,
    zones: int,
    tolerance: float,
    starts: int,
    seed: int,
    on_part: Callable[[str], None] = lambda _: None,
    on_best: Callable[[Labels], None] = lambda _: None,
) -> Labels:
    """Divide places among zones that are contiguous, balanced and compact.

    From each start, centers are moved to the middle of the places that an exact transport problem sends to them, as
    in Hess et al., with distances squared; the outcome is made contiguous around the centers. Then the best single
    move, or chain of two moves, of places between neighboring zones is made until none is better. Better means,
    first, a smaller sum over zones of the imbalance beyond the tolerance; second, a smaller spread of the places
    around the centers of their zones together with a shorter border between zones (`Goal`). The outcome is
    good, not proven to be the best.

    Hess, S. W., Weaver, J. B., Siegfeldt, H. J., Whelan, J. N., and Zitlau, P. A. (1965). Nonpartisan political
    redistricting by computer. Operations Research 13(6), 998–1006. Ricca, F., and Simeone, B. (2008). Local search
    algorithms for political districting. European Journal of Operational Research 189(3), 1409–1426.
    """
    if zones == 1:
        return np.zeros(len(places), dtype="int64")
    goal = Goal.of(places, zones=zones, tolerance=tolerance)
    rng = np.random.default_rng(seed)
    best = ((np.inf, np.inf), np.zeros(len(places), dtype="int64"))
    for start in range(1, starts + 1):
        label = improve(places, _start(places, goal, rng), goal)
        found = score(places, label, goal)
        if found < best[0]:
            best = found, label
            on_best(label)
        even = _sums(places, best[1], goal)[:, -1] / goal.mean_load
        on_part(f"plan {start} of {starts}; the best so far has an imbalance of {np.abs(even - 1).max():.1%}")
    return best[1]


def _start(places: Places, goal: Goal, rng: np.random.Generator) -> Labels:
    centers = places.xy_km[_spread_out(places, goal.zones, rng)]
    share = _transport(places, centers, goal)
    for _ in range(_LLOYD_STEPS):
        weight = share * places.size[:, None]
        moved = (weight.T @ places.xy_km) / weight.sum(axis=0)[:, None]
        if np.abs(moved - centers).max() < _STILL_KM:
            break
        centers, share = moved, _transport(places, moved, goal)
    return _grown(places, centers, share)


def _spread_out(places: Places, zones: int, rng: np.random.Generator) -> list[int]:
    """Draw distinct places far from each other (k-means++)."""
    chosen = [int(rng.integers(len(places)))]
    while len(chosen) < zones:
        gap = cdist(places.xy_km, places.xy_km[chosen], "sqeuclidean").min(axis=1) * places.size
        chosen.append(int(rng.choice(len(places), p=gap / gap.sum())))
    return chosen


def _transport(places: Places, centers: Numbers, goal: Goal) -> Numbers:
    """Send loads to centers the shortest way, each center within the tolerance; shares, shape (n, zones)."""
    n, zones = len(places), goal.zones
    cost = cdist(places.xy_km, centers, "sqeuclidean") * places.size[:, None]
    by_zone = kron(csr_array(places.load[None, :] / goal.mean_load), eye_array(zones))
    by_place = kron(eye_array(n), csr_array(np.ones((1, zones))))
    # Loads can be shared out evenly, but no solver keeps rows to the last digit.
    slack = max(goal.tolerance, _SOLVERS_SLACK)
    limits: dict[str, Any] = {
        "A_ub": vstack([by_zone, -by_zone]).tocsr(),
        "b_ub": np.repeat([1 + slack, slack - 1], zones),
        "A_eq": by_place.tocsr(),
        "b_eq": np.ones(n),
    }
    found = linprog((cost / cost.max()).ravel(), **limits, bounds=(0, 1), method="highs")
    return np.asarray(found.x, dtype="float64").reshape(n, zones)


def _grown(places: Places, centers: Numbers, share: Numbers) -> Labels:
    """Make the zones of a transport plan contiguous: keep what hangs on to the root, and let the rest join."""
    distance = cdist(places.xy_km, centers, "sqeuclidean")
    roots = linear_sum_assignment(distance.T)[1]
    label: Labels = share.argmax(axis=1).astype("int64")
    label[roots] = np.arange(len(centers))
    for zone, root in enumerate(roots):
        members = np.flatnonzero(label == zone)
        inside = places.neighbors[members][:, members]
        reached = breadth_first_order(inside, int(np.searchsorted(members, root)), return_predecessors=False)
        label[np.setdiff1d(members, members[reached])] = _FREE
    links = places.neighbors.tocoo()
    while (label == _FREE).any():
        is_open = (label[links.row] == _FREE) & (label[links.col] != _FREE)
        place, zone = links.row[is_open], label[links.col[is_open]]
        best = int(distance[place, zone].argmin())
        label[place[best]] = zone[best]
    return label


# ── Travel of a draft: the load of each unit over the distance to the center of its zone, and a bound on all plans

_GAP = 0.01
_TIME_LIMIT_S = 60.0
_BOUND_S = 15.0
_FIRST_STARTS = 3


@dataclass(frozen=True, eq=False)
class DraftTravel:
    """A partition with its centers and travel."""

    label: Labels  # Zone of each place, from 0 to k - 1, shape (n,)
    centers: Labels  # Place that is the center of each zone, shape (k,): the one with the least travel within the zone
    travel: float  # Σ load × kilometers in a straight line to the center
    bound: float  # No contiguous plan within the tolerance has less, wherever its centers lie
    any_bound: float  # Neither has any other plan, contiguous or not
    is_complete: bool = True  # Whether the search came to its end; not where it was interrupted


def travel_of(
    places: Places, label: Labels, *, zones: int, tolerance: float, on_part: Callable[[str], None] = lambda _: None
) -> DraftTravel:
    """Measure the travel of a partition, and bound that of all others from below."""
    problem = _problem(places, zones, tolerance)
    centers = _middles(problem, label)
    travel = problem.total(centers[label])
    found = HessBound(problem, travel, plan=centers[label], limit_s=_BOUND_S, on_part=on_part)
    bound = max(min(found.bound, travel), 0.0)
    return DraftTravel(label, centers, travel, bound, bound)


def interrupted_travel(places: Places, label: Labels, *, zones: int, tolerance: float) -> DraftTravel:
    """Measure the travel of the best partition of a search that was interrupted; nothing is proven of it."""
    problem = _problem(places, zones, tolerance)
    number = np.unique(label, return_inverse=True)[1]
    centers = _middles(problem, number)
    return DraftTravel(number, centers, problem.total(centers[number]), 0.0, 0.0, is_complete=False)


def least_travel(
    places: Places,
    unit_ids: pd.Index,
    *,
    zones: int,
    tolerance: float,
    seed: int,
    on_part: Callable[[str], None] = lambda _: None,
    on_best: Callable[[Labels], None] = lambda _: None,
) -> DraftTravel:
    """Divide places with the least travel."""
    problem = _problem(places, zones, tolerance)
    compact = compact_partition(
        places, zones=zones, tolerance=tolerance, starts=_FIRST_STARTS, seed=seed, on_best=on_best
    )
    load = np.bincount(compact, weights=problem.load, minlength=zones)
    is_even = problem.limits[0] <= load.min() and load.max() <= problem.limits[1]
    first = _middles(problem, compact)[compact] if is_even else None
    solver = MedianSolver(
        problem, gap=_GAP, time_limit_s=_TIME_LIMIT_S, seed=seed, first=first, on_part=on_part, on_best=on_best
    )
    if solver.label is None:
        refuse_impossible(solver, unit_ids)
    centers, label = np.unique(solver.label, return_inverse=True)
    return DraftTravel(label.astype("int64"), centers, solver.travel, solver.bound, solver.any_bound)


def _middles(problem: MedianProblem, label: Labels) -> Labels:
    """Find the place in each zone with the least travel within it."""
    members = [np.flatnonzero(label == zone) for zone in range(problem.zones)]
    return np.array([m[problem.travel[np.ix_(m, m)].sum(axis=0).argmin()] for m in members])


def _problem(places: Places, zones: int, tolerance: float) -> MedianProblem:
    return MedianProblem(
        load=places.load / (places.load.sum() / zones),
        travel=places.load[:, None] * cdist(places.xy_km, places.xy_km),
        candidates=np.arange(len(places)),
        neighbors=places.neighbors,
        zones=zones,
        tolerance=tolerance,
    )
