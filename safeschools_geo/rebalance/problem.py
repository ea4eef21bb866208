"""A rebalancing problem as plain arrays: units, their zones and loads, who borders whom, and what must hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Labels: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

NO_ROOT = -1
"""Stands for a zone without a root."""

EXACT = 1e-7
"""Values this near to their bound count as proven, and imbalances this near as equal: of the mean load, or of the value
for travel and borders (assumption A38). Far below what any load is known to."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be rebalanced: n units in k zones.

    Parameters
    ----------
    unit_ids
        Ids of the units, n of them.
    zone_ids
        Ids of the zones, k of them; labels are rows of this.
    start
        Current zone of each unit, shape (n,).
    load
        Load of each unit, shape (n,), not negative.
    neighbours
        Rows of the units that border each unit, sorted.
    travel
        Travel of each unit in each zone, shape (n, k), load × distance.
    allowed
        Whether a unit may be in a zone, shape (n, k): locks, roots and forbidden pairs.
    roots
        Row of the unit that stays in each zone, `NO_ROOT` where there is none, shape (k,).
    together
        Groups of rows that have to be in one zone.
    move_size
        What moving each unit counts for, shape (n,), positive.
    border_km
        For every pair of `neighbours`, in their order, the length of the shared border.
    """

    unit_ids: tuple[str, ...]
    zone_ids: tuple[str, ...]
    start: Labels
    load: Numbers
    neighbours: tuple[tuple[int, ...], ...]
    travel: Numbers
    allowed: Flags
    roots: Labels
    together: tuple[tuple[int, ...], ...]
    move_size: Numbers
    border_km: tuple[tuple[float, ...], ...]

    def __len__(self) -> int:
        """Return how many units there are."""
        return len(self.unit_ids)

    @property
    def zones(self) -> int:
        """How many zones there are."""
        return len(self.zone_ids)

    @property
    def share(self) -> Numbers:
        """Load of each unit as a share of the mean load of a zone, shape (n,)."""
        share: Numbers = self.load / (self.load.sum() / self.zones)
        return share

    @property
    def sizes(self) -> Labels:
        """Number of units now in each zone, shape (k,)."""
        return np.bincount(self.start, minlength=self.zones)

    @property
    def can_move_away(self) -> Flags:
        """Whether each zone could lose all its present units, as it has no root among them, shape (k,)."""
        return np.asarray((self.roots == NO_ROOT) | (self.start[self.roots] != np.arange(self.zones)))

    def can_settle(self, max_moves: int) -> Flags:
        """Say which zones could lose all their units and settle elsewhere.

        Parameters
        ----------
        max_moves
            Most units that may move.

        Returns
        -------
        numpy.ndarray
            Shape (k,): it takes a move for each of the zone's units, and one into it.
        """
        return np.asarray(self.can_move_away & (self.sizes + 1 <= max_moves))

    @property
    def counts_units(self) -> bool:
        """Whether every move counts 1."""
        return bool((self.move_size == 1.0).all())

    @property
    def counts_whole(self) -> bool:
        """Whether every move counts a whole number, 1 or more."""
        return bool((self.move_size >= 1.0).all() and (self.move_size == np.round(self.move_size)).all())

    def loads(self, label: Labels) -> Numbers:
        """Add up the loads of the zones.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (k,).
        """
        return np.bincount(label, self.load, minlength=self.zones).astype("float64")

    def imbalance(self, label: Labels) -> float:
        """Measure the largest ``|load - mean| / mean``.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        float
            The imbalance.
        """
        return float(np.abs(np.bincount(label, self.share, minlength=self.zones) - 1.0).max())

    def moved(self, label: Labels) -> int:
        """Count the units that change their zone.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        int
            How many.
        """
        return int((label != self.start).sum())

    def move_cost(self) -> Numbers:
        """Give what each unit in each zone costs in moves.

        Returns
        -------
        numpy.ndarray
            Shape (n, k): 0 in the current zone, the size of the move elsewhere.
        """
        cost = np.repeat(self.move_size[:, None], self.zones, axis=1)
        cost[np.arange(len(self)), self.start] = 0.0
        return cost

    def cost(self, label: Labels, cost: Numbers) -> float:
        """Add up a cost over a plan.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).
        cost
            Cost of each unit in each zone, shape (n, k).

        Returns
        -------
        float
            The sum.
        """
        return float(cost[np.arange(len(self)), label].sum())

    def border(self, label: Labels) -> float:
        """Measure the border between zones.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        float
            Kilometres.
        """
        pairs = (
            (i, j, km) for i, js in enumerate(self.neighbours) for j, km in zip(js, self.border_km[i], strict=True)
        )
        return float(sum(km for i, j, km in pairs if i < j and label[i] != label[j]))

    def pieces(self, label: Labels, zone: int) -> list[set[int]]:
        """Find the pieces that a zone falls into.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).
        zone
            Row of the zone.

        Returns
        -------
        list of set of int
            Rows of units of each piece, that of the root first, else the largest; one piece where the zone is
            contiguous.
        """
        left = set(np.flatnonzero(label == zone).tolist())
        found = []
        while left:
            piece = reach({min(left)}, left, self.neighbours)
            left -= piece
            found.append(piece)
        return sorted(found, key=lambda piece: (self.roots[zone] not in piece, -len(piece), min(piece)))

    def is_contiguous(self, label: Labels) -> bool:
        """Say whether every zone has units and hangs together.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        bool
            True when it is so.
        """
        return all(len(self.pieces(label, zone)) == 1 for zone in range(self.zones))

    def is_plan(self, label: Labels) -> bool:
        """Say whether a labelling is a plan: contiguous, allowed, and groups kept together.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        bool
            True when it is so.
        """
        kept = all(len({int(label[i]) for i in group}) == 1 for group in self.together)
        return kept and bool(self.allowed[np.arange(len(self)), label].all()) and self.is_contiguous(label)

    def with_start(self, label: Labels) -> Problem:
        """Count moves from another plan.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        Problem
            The same problem from there.
        """
        return replace(self, start=label)


def reach(seeds: set[int], inside: set[int], neighbours: tuple[tuple[int, ...], ...]) -> set[int]:
    """Find all that hangs on to some units.

    Parameters
    ----------
    seeds
        Rows to start from.
    inside
        Rows that may be walked through.
    neighbours
        Rows of the units that border each unit.

    Returns
    -------
    set of int
        The seeds and what is reached from them.
    """
    seen, stack = set(seeds), list(seeds)
    while stack:
        for other in neighbours[stack.pop()]:
            if other in inside and other not in seen:
                seen.add(other)
                stack.append(other)
    return seen
