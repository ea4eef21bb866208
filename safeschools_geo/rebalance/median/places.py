"""What a partition divides, and what it aims at, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Labels: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Places:
    """What is to be divided: n places with their size and load, and who borders whom.

    Parameters
    ----------
    xy_km
        Coordinates, shape (n, 2), in kilometres.
    size
        Weight of each place in the measure of spread, shape (n,), positive.
    load
        Load of each place, shape (n,), not negative, with a positive sum.
    neighbours
        Which places may follow each other within a zone, shape (n, n), bool, symmetric and connected.
    border_km
        Length of the border that two places share, shape (n, n), symmetric.
    area_km2
        Area of all places together.
    """

    xy_km: Numbers
    size: Numbers
    load: Numbers
    neighbours: csr_array
    border_km: csr_array
    area_km2: float

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self.load)


@dataclass(frozen=True)
class Goal:
    """What a partition aims at.

    Parameters
    ----------
    zones
        Number of zones.
    mean_load
        Mean load of a zone.
    tolerance
        Imbalance that costs nothing.
    spread_km2
        Spread of all places around their common middle, size × km²: the unit that spread is counted in.
    border_weight
        What a kilometre of border between two zones counts for, in that unit.
    """

    zones: int
    mean_load: float
    tolerance: float
    spread_km2: float
    border_weight: float

    @classmethod
    def of(cls, places: Places, *, zones: int, tolerance: float) -> Goal:
        """Set the goal for some places.

        Parameters
        ----------
        places
            What is to be divided: two places or more.
        zones
            Number of zones.
        tolerance
            Imbalance that costs nothing.

        Returns
        -------
        Goal
            Spread and border weigh alike where zones are round: a disc of radius r with m places evenly over it has a
            spread of ``m r² / 2`` and half a share in a border of ``2 π r``.
        """
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
