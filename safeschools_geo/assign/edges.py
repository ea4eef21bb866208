"""The edges of zones, each by itself, to find which are near a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from safeschools_geo.assign.ties import Candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.assign.shapes import ZoneShapes

_NONE = Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
_CHUNK = 1 << 17
"""Points asked for at a time, as geometries of some hundred bytes each."""


class ZoneEdges:
    """A tree of all edges.

    Parameters
    ----------
    shapes
        The zones, in a CRS in metres.
    """

    def __init__(self, shapes: ZoneShapes) -> None:
        self._zone = shapes.zone_of_edge
        ends = np.stack([shapes.starts, shapes.ends], axis=1)
        self._tree = shapely.STRtree(np.asarray(shapely.linestrings(ends)))

    def near(
        self, x: NDArray[np.float64], y: NDArray[np.float64], asked: NDArray[np.int64], distance_m: float
    ) -> Candidates:
        """Find the zones that have an edge near a point.

        Parameters
        ----------
        x, y
            Points, shape (n,).
        asked
            Positions of the points to be asked for.
        distance_m
            How near.

        Returns
        -------
        Candidates
            Points with the zones of edges so near, each pair once.
        """
        pairs = [_NONE]
        for start in range(0, len(asked), _CHUNK):
            part = asked[start : start + _CHUNK]
            at, edge = self._tree.query(shapely.points(x[part], y[part]), predicate="dwithin", distance=distance_m)
            pairs.append(Candidates.joined(Candidates(part[at], self._zone[edge])))
        return Candidates.joined(*pairs)

    def nearest(
        self, x: NDArray[np.float64], y: NDArray[np.float64], asked: NDArray[np.int64]
    ) -> tuple[Candidates, NDArray[np.float64]]:
        """Find the zones whose edges are nearest to each point.

        Parameters
        ----------
        x, y
            Points, shape (n,).
        asked
            Positions of the points to be asked for, which are outside every zone.

        Returns
        -------
        candidates : Candidates
            These points with the zones that are nearest, several where they are equally near.
        distance_m : numpy.ndarray
            Distances of all points, shape (n,); NaN for those not asked for, and where there are no zones.
        """
        pairs = [_NONE]
        distance_m = np.full(len(x), np.nan)
        for start in range(0, len(asked), _CHUNK):
            part = asked[start : start + _CHUNK]
            (at, edge), metres = self._tree.query_nearest(
                shapely.points(x[part], y[part]), return_distance=True, all_matches=True
            )
            distance_m[part[at]] = metres
            pairs.append(Candidates(part[at], self._zone[edge]))
        return Candidates.joined(*pairs), distance_m
