"""Compact, balanced, contiguous partitions of places: Hess's transport start, then local search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import csr_array, eye_array, kron, vstack
from scipy.sparse.csgraph import breadth_first_order
from scipy.spatial.distance import cdist

from safeschools_geo.rebalance.drafting.local_search import improve, score
from safeschools_geo.rebalance.median.places import Goal

if TYPE_CHECKING:
    from safeschools_geo.rebalance.median.places import Labels, Numbers, Places

_LLOYD_STEPS = 20
_STILL_KM = 1e-3
_FREE = -1
_SOLVERS_SLACK = 1e-6


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
    move, or chain of two moves, of places between neighbouring zones is made until none is better. Better means,
    first, a smaller sum over zones of the imbalance beyond the tolerance; second, a smaller spread of the places
    around the centres of their zones together with a shorter border between zones (`places.Goal`). The outcome is
    good, not proven to be the best.

    References
    ----------
    Hess, S. W., Weaver, J. B., Siegfeldt, H. J., Whelan, J. N., and Zitlau, P. A. (1965). Nonpartisan political
    redistricting by computer. Operations Research 13(6), 998–1006.
    Ricca, F., and Simeone, B. (2008). Local search algorithms for political districting. European Journal of
    Operational Research 189(3), 1409–1426.
    """
    if zones == 1:
        return np.zeros(len(places), dtype="int64")
    goal = Goal.of(places, zones=zones, tolerance=tolerance)
    rng = np.random.default_rng(seed)
    outcomes = [improve(places, _start(places, goal, rng), goal) for _ in range(starts)]
    return min(outcomes, key=lambda label: score(places, label, goal))


def _start(places: Places, goal: Goal, rng: np.random.Generator) -> Labels:
    centres = places.xy_km[_spread_out(places, goal.zones, rng)]
    share = _transport(places, centres, goal)
    for _ in range(_LLOYD_STEPS):
        weight = share * places.size[:, None]
        moved = (weight.T @ places.xy_km) / weight.sum(axis=0)[:, None]
        if np.abs(moved - centres).max() < _STILL_KM:
            break
        centres, share = moved, _transport(places, moved, goal)
    return _grown(places, centres, share)


def _spread_out(places: Places, zones: int, rng: np.random.Generator) -> list[int]:
    """Draw distinct places far from each other (k-means++)."""
    chosen = [int(rng.integers(len(places)))]
    while len(chosen) < zones:
        gap = cdist(places.xy_km, places.xy_km[chosen], "sqeuclidean").min(axis=1) * places.size
        chosen.append(int(rng.choice(len(places), p=gap / gap.sum())))
    return chosen


def _transport(places: Places, centres: Numbers, goal: Goal) -> Numbers:
    """Send loads to centres the shortest way, each centre within the tolerance; shares, shape (n, zones)."""
    n, zones = len(places), goal.zones
    cost = cdist(places.xy_km, centres, "sqeuclidean") * places.size[:, None]
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


def _grown(places: Places, centres: Numbers, share: Numbers) -> Labels:
    """Make the zones of a transport plan contiguous: keep what hangs on to the root, and let the rest join."""
    distance = cdist(places.xy_km, centres, "sqeuclidean")
    roots = linear_sum_assignment(distance.T)[1]
    label: Labels = share.argmax(axis=1).astype("int64")
    label[roots] = np.arange(len(centres))
    for zone, root in enumerate(roots):
        members = np.flatnonzero(label == zone)
        inside = places.neighbours[members][:, members]
        reached = breadth_first_order(inside, int(np.searchsorted(members, root)), return_predecessors=False)
        label[np.setdiff1d(members, members[reached])] = _FREE
    links = places.neighbours.tocoo()
    while (label == _FREE).any():
        is_open = (label[links.row] == _FREE) & (label[links.col] != _FREE)
        place, zone = links.row[is_open], label[links.col[is_open]]
        best = int(distance[place, zone].argmin())
        label[place[best]] = zone[best]
    return label
