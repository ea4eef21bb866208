"""Local search: better partitions by moving one place, or two in a chain, between neighbouring zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from safeschools_geo.rebalance.median.places import Goal, Labels, Numbers, Places

_DECIMALS = 9
"""Costs, none far above 1, are rounded to this: equally good changes tie, and none is made for a rounding error."""


def improve(places: Places, label: Labels, goal: Goal) -> Labels:
    """Make the best change until none is better.

    Parameters
    ----------
    places
        What is divided.
    label
        Zone of each place, shape (n,); every zone contiguous and not empty.
    goal
        What is aimed at.

    Returns
    -------
    numpy.ndarray
        Zone of each place, shape (n,); every zone contiguous and not empty.
    """
    while True:
        better = _best_change(places, label, goal)
        if better is None:
            return label
        label = better


def score(places: Places, label: Labels, goal: Goal) -> tuple[float, float]:
    """Measure a partition; smaller is better.

    Parameters
    ----------
    places
        What is divided.
    label
        Zone of each place, shape (n,).
    goal
        What is aimed at.

    Returns
    -------
    tuple of float
        Sum over zones of the imbalance beyond the tolerance; then, up to a constant, the spread (size × squared
        distance to the centre of the zone, as a share of `Goal.spread_km2`) plus the border between zones at its
        weight.
    """
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

    The spread around the centre is that around the origin, which no move changes over all zones, less
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
    """List every place with every neighbouring zone that it could move to."""
    links = places.neighbours.tocoo()
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
    # Two neighbours that follow each other stay on two sides of a border, which both moves alone would have won.
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
    return bool(connected_components(places.neighbours[members][:, members], directed=False)[0] == 1)
