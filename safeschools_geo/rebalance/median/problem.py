"""What a p-median divides, as plain arrays: loads, travel to each possible centre, neighbours, and limits of load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from safeschools_geo.rebalance.median.places import Labels, Numbers

Flags: TypeAlias = NDArray[np.bool_]

BALANCE_SLACK = 1e-9
"""Loads beyond the tolerance by less than this share of the mean are rounding, not imbalance."""


@dataclass(frozen=True, eq=False)
class MedianProblem:
    """Divide n units among k centres chosen from m candidates, each of them a unit.

    Parameters
    ----------
    load
        Load of each unit as a share of the mean load of a zone, shape (n,), not negative.
    travel
        Travel of a whole unit to each candidate, load × distance, shape (n, m), not negative.
    candidates
        The unit that each candidate is, shape (m,), distinct.
    neighbours
        Which units may follow each other within a zone, shape (n, n), symmetric.
    zones
        Number of zones k.
    tolerance
        Largest imbalance of a zone.
    """

    load: Numbers
    travel: Numbers
    candidates: Labels
    neighbours: csr_array
    zones: int
    tolerance: float

    @property
    def is_fixed(self) -> bool:
        """Whether every candidate is a centre."""
        return len(self.candidates) == self.zones

    @property
    def lower(self) -> float:
        """Smallest load of a zone."""
        return 1 - self.tolerance - BALANCE_SLACK

    @property
    def upper(self) -> float:
        """Largest load of a zone."""
        return 1 + self.tolerance + BALANCE_SLACK

    @cached_property
    def reachable(self) -> Flags:
        """Which unit may join which centre, shape (n, m): one it hangs together with; a fixed centre joins no other."""
        group = connected_components(self.neighbours, directed=False)[1]
        allowed: Flags = group[:, None] == group[self.candidates][None, :]
        if self.is_fixed:
            allowed[self.candidates] = np.eye(len(self.candidates), dtype=bool)
        return allowed

    @cached_property
    def rank(self) -> Labels:
        """Order of the units from each candidate, by steps between neighbours, then by travel, shape (n, m)."""
        steps = dijkstra(self.neighbours, directed=False, unweighted=True, indices=self.candidates).T
        order = np.lexsort((self.travel, steps), axis=0)
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(len(order))[:, None], 0)
        return place

    def with_centres(self, chosen: Labels) -> MedianProblem:
        """Keep some of the candidates, all of them centres.

        Parameters
        ----------
        chosen
            Candidates to keep, shape (k,).

        Returns
        -------
        MedianProblem
            The problem with fixed centres.
        """
        return replace(self, travel=self.travel[:, chosen], candidates=self.candidates[chosen])

    def within(self, tolerance: float) -> MedianProblem:
        """Change the tolerance.

        Parameters
        ----------
        tolerance
            Largest imbalance of a zone.

        Returns
        -------
        MedianProblem
            The problem with that tolerance.
        """
        return replace(self, tolerance=tolerance)

    def total(self, label: Labels) -> float:
        """Add up the travel of a plan.

        Parameters
        ----------
        label
            Candidate of each unit, shape (n,).

        Returns
        -------
        float
            Travel.
        """
        return float(self.travel[np.arange(len(label)), label].sum())

    def pieces(self, label: Labels) -> Labels:
        """Tell the pieces that the zones of a plan fall into.

        Parameters
        ----------
        label
            Candidate of each unit, shape (n,).

        Returns
        -------
        numpy.ndarray
            Piece of each unit, from 0, shape (n,).
        """
        links = self.neighbours.tocoo()
        inside = label[links.row] == label[links.col]
        kept = coo_array((np.ones(inside.sum()), (links.row[inside], links.col[inside])), shape=links.shape)
        return connected_components(kept, directed=False)[1].astype("int64")

    def detached(self, label: Labels) -> list[Labels]:
        """List the pieces of zones that do not hold their centre.

        Parameters
        ----------
        label
            Candidate of each unit, shape (n,).

        Returns
        -------
        list of numpy.ndarray
            The units of each such piece; empty when every zone is contiguous.
        """
        piece = self.pieces(label)
        home = piece[self.candidates[np.unique(label)]]
        return [np.flatnonzero(piece == p) for p in np.setdiff1d(piece, home)]
