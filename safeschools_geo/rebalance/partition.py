"""Compact, balanced, contiguous partitions of units: Hess's transport start, then local search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import coo_array, csr_array, eye_array, kron, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int64]
    Numbers = NDArray[np.float64]

_LLOYD_STEPS = 20
_FREE = -1


@dataclass(frozen=True, eq=False)
class Places:
    """What is to be divided: n places with their size and load, and who borders whom.

    Parameters
    ----------
    xy
        Coordinates, shape (n, 2), in metres.
    size
        Weight of each place in the measure of compactness, shape (n,), positive.
    load
        Load of each place, shape (n,), not negative, with a positive sum.
    neighbours
        Symmetric and connected, shape (n, n).
    """

    xy: Numbers
    size: Numbers
    load: Numbers
    neighbours: csr_array

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self.load)


def compact_partition(places: Places, *, zones: int, tolerance: float, starts: int, seed: int) -> Labels:
    """Divide places among zones that are contiguous, balanced and compact.

    Parameters
    ----------
    places
        What is to be divided.
    zones
        Number of zones, at most the number of places.
    tolerance
        Imbalance that is aimed at; zones further off the mean are mended first.
    starts
        Number of starts; the best outcome is kept.
    seed
        Seed of the starts.

    Returns
    -------
    numpy.ndarray
        Zone of each place, int64 from 0 to ``zones - 1``, shape (n,); every zone is contiguous and has a place.

    Notes
    -----
    From each start, centres are moved to the middle of the places that an exact transport problem sends to them, as
    in Hess et al., with distances squared; the outcome is made contiguous around the centres. Then the best single
    move or pair of moves of places between neighbouring zones is made until there is none. Better means, first, a
    smaller sum over zones of the imbalance beyond the tolerance; second, a smaller sum of squared distances to the
    zone's centre. The outcome is good, not proven to be the best.

    References
    ----------
    Hess, S. W., Weaver, J. B., Siegfeldt, H. J., Whelan, J. N., and Zitlau, P. A. (1965). Nonpartisan political
    redistricting by computer. Operations Research 13(6), 998–1006.
    Ricca, F., and Simeone, B. (2008). Local search algorithms for political districting. European Journal of
    Operational Research 189(3), 1409–1426.
    """
    if zones == 1:
        return np.zeros(len(places), dtype="int64")
    rng = np.random.default_rng(seed)
    outcomes = [_improve(places, _start(places, zones, tolerance, rng), zones, tolerance) for _ in range(starts)]
    scores = [_score(places, label, zones, tolerance) for label in outcomes]
    return outcomes[min(range(starts), key=lambda i: scores[i])]


def _start(places: Places, zones: int, tolerance: float, rng: np.random.Generator) -> Labels:
    centres = places.xy[_spread(places, zones, rng)]
    for _ in range(_LLOYD_STEPS):
        share = _transport(places, centres, tolerance)
        weight = share * places.size[:, None]
        moved = (weight.T @ places.xy) / weight.sum(axis=0)[:, None]
        if np.allclose(moved, centres, atol=1.0):
            break
        centres = moved
    return _grown(places, centres, share)


def _spread(places: Places, zones: int, rng: np.random.Generator) -> list[int]:
    """Draw distinct places far from each other (k-means++)."""
    chosen = [int(rng.integers(len(places)))]
    while len(chosen) < zones:
        gap = cdist(places.xy, places.xy[chosen], "sqeuclidean").min(axis=1) * places.size
        gap[chosen] = 0.0
        # Places at one spot leave no gap: then any place not chosen yet will do.
        gap = gap if gap.sum() > 0 else np.isin(np.arange(len(places)), chosen, invert=True).astype("float64")
        chosen.append(int(rng.choice(len(places), p=gap / gap.sum())))
    return chosen


def _transport(places: Places, centres: Numbers, tolerance: float) -> Numbers:
    """Send loads to centres the shortest way, each centre within the tolerance; shares, shape (n, zones)."""
    n, zones = len(places), len(centres)
    cost = cdist(places.xy, centres, "sqeuclidean") * places.size[:, None]
    cost /= cost.max() or 1.0
    mean = places.load.sum() / zones
    by_zone = kron(csr_array(places.load[None, :] / mean), eye_array(zones))
    by_place = kron(eye_array(n), csr_array(np.ones((1, zones))))
    found = linprog(
        cost.ravel(),
        A_ub=vstack([by_zone, -by_zone]).tocsr(),
        b_ub=np.repeat([1 + tolerance, tolerance - 1], zones),
        A_eq=by_place.tocsr(),
        b_eq=np.ones(n),
        bounds=(0, 1),
        method="highs",
    )
    return np.asarray(found.x, dtype="float64").reshape(n, zones)


def _grown(places: Places, centres: Numbers, share: Numbers) -> Labels:
    """Make the zones of a transport plan contiguous: keep what hangs on to the root, and let the rest join."""
    distance = cdist(places.xy, centres, "sqeuclidean")
    roots = linear_sum_assignment(distance.T)[1]
    label = share.argmax(axis=1)
    label[roots] = np.arange(len(centres))
    for zone, root in enumerate(roots):
        members = np.flatnonzero(label == zone)
        reached = _reached(places.neighbours[members][:, members], int(np.searchsorted(members, root)))
        label[np.setdiff1d(members, members[reached])] = _FREE
    edges = places.neighbours.tocoo()
    while (label == _FREE).any():
        is_open = (label[edges.row] == _FREE) & (label[edges.col] != _FREE)
        place, zone = edges.row[is_open], label[edges.col[is_open]]
        best = int(distance[place, zone].argmin())
        label[place[best]] = zone[best]
    return label


def _reached(neighbours: csr_array, start: int) -> NDArray[np.int32]:
    return breadth_first_order(neighbours, start, directed=False, return_predecessors=False)


def _score(places: Places, label: Labels, zones: int, tolerance: float) -> tuple[float, float]:
    parts = _parts(places)
    excess, spread = _cost(_sums(parts, label, zones), _mean(places, zones), tolerance).sum(axis=0)
    # Rounded, so that equally good outcomes tie on every machine and the first of them is taken.
    return round(float(excess), 9), round(float(spread), 6)


def _mean(places: Places, zones: int) -> float:
    return float(places.load.sum()) / zones


def _parts(places: Places) -> Numbers:
    """Put size, size × x, size × y (around the middle, in kilometres) and load beside each other, shape (n, 4)."""
    xy = (places.xy - places.xy.mean(axis=0)) / 1000
    return np.column_stack([places.size, xy * places.size[:, None], places.load])


def _sums(parts: Numbers, label: Labels, zones: int) -> Numbers:
    sums = np.zeros((zones, 4))
    np.add.at(sums, label, parts)
    return sums


def _cost(sums: Numbers, mean: float, tolerance: float) -> Numbers:
    """Measure the imbalance beyond the tolerance, and the spread, of zones with sums of shape (m, 4); shape (m, 2).

    The sum of squared distances to the centre is that to the origin, which over all zones no move changes, less
    ``|Σ size × x|² / Σ size``; only the latter is counted.
    """
    size, x, y, load = sums.T
    excess = np.maximum(np.abs(load - mean) / mean - tolerance, 0.0)
    pull = np.divide(x**2 + y**2, size, out=np.zeros_like(size), where=size > 0)
    return np.column_stack([excess, -pull])


def _improve(places: Places, label: Labels, zones: int, tolerance: float) -> Labels:
    """Make the best move, or chain of two moves, until none is better."""
    while True:
        better = _best_change(places, label, zones, tolerance)
        if better is None:
            return label
        label = better


def _best_change(places: Places, label: Labels, zones: int, tolerance: float) -> Labels | None:
    place, target = _border_moves(places, label)
    first, second, gain = _changes(places, label, place, target, (zones, tolerance))
    excess, spread = gain.round(9).T
    better = np.flatnonzero((excess < 0) | ((excess == 0) & (spread < 0)))
    for i in better[np.lexsort((spread[better], excess[better]))]:
        moves = [first[i], second[i]]
        changed = label.copy()
        changed[place[moves]] = target[moves]
        touched = np.unique([label[place[moves]], target[moves]])
        if all(_hangs_together(places.neighbours, np.flatnonzero(changed == zone)) for zone in touched):
            return changed
    return None


def _border_moves(places: Places, label: Labels) -> tuple[Labels, Labels]:
    """List every place with every neighbouring zone that it could move to."""
    edges = places.neighbours.tocoo()
    is_border = label[edges.row] != label[edges.col]
    moves = np.unique(np.column_stack([edges.row[is_border], label[edges.col[is_border]]]), axis=0)
    return moves[:, 0].astype("int64"), moves[:, 1]


def _changes(
    places: Places, label: Labels, place: Labels, target: Labels, goal: tuple[int, float]
) -> tuple[Labels, Labels, Numbers]:
    """Weigh single moves (listed as a move and itself) and chains: a move, then one out of the zone it goes to."""
    zones, tolerance = goal
    mean = _mean(places, zones)
    every = _parts(places)
    sums = _sums(every, label, zones)
    now = _cost(sums, mean, tolerance)
    origin, parts = label[place], every[place]
    single = (
        _cost(sums[origin] - parts, mean, tolerance)
        + _cost(sums[target] + parts, mean, tolerance)
        - (now[origin] + now[target])
    )
    i, j = np.nonzero((target[:, None] == origin) & (place[:, None] != place))
    is_swap = (target[j] == origin[i])[:, None]
    ends = sums[target[j]] + parts[j]
    chain = (
        _cost(np.where(is_swap, ends, sums[origin[i]]) - parts[i], mean, tolerance)
        + _cost(sums[target[i]] + parts[i] - parts[j], mean, tolerance)
        - (now[origin[i]] + now[target[i]])
        + np.where(is_swap, 0.0, _cost(ends, mean, tolerance) - now[target[j]])
    )
    alone = np.arange(len(place))
    return np.r_[alone, i], np.r_[alone, j], np.concatenate([single, chain])


def _hangs_together(neighbours: csr_array, members: NDArray[np.int64]) -> bool:
    return len(members) > 0 and connected_components(neighbours[members][:, members], directed=False)[0] == 1
