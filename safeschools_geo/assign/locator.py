"""Bulk points to zones: a raster answers for nearly all of them, the exact predicate for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from safeschools_geo.assign.raster import ZoneRaster
from safeschools_geo.assign.shapes import ZoneShapes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray

_CHUNK = 1 << 16
_FEWEST_FOR_RASTER = 2_000
_SMALLEST_SIDE, _LARGEST_SIDE = 64, 2048


class ZoneLocator:
    """Finds the zone of any number of points, exactly.

    Parameters
    ----------
    zones
        Polygons with `zone_id`; pieces that share one are one zone.

    Raises
    ------
    ColumnError, GeometryError
        When there is no `zone_id`, or a geometry is not a valid polygon.

    Notes
    -----
    The plane around the zones is cut into cells. A cell that no edge of a zone touches lies wholly inside or wholly
    outside each of them, so one look-up answers for every point in it. Points in the other cells are tested against
    the zones concerned with the predicate of GEOS, so that answers are those of ``shapely.intersects_xy`` on every
    point. The raster is made at the first call, in a resolution that fits the number of points.
    """

    def __init__(self, zones: gpd.GeoDataFrame) -> None:
        self._shapes = ZoneShapes.of(zones)
        self._raster: ZoneRaster | None = None

    def locate(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.int32]:
        """Find the zone of each point.

        Parameters
        ----------
        x, y
            Coordinates in the CRS of the zones, float64, of one shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,), int32: the row of the zone in the frame given (of its first piece, where it has several), -1
            outside every zone and for coordinates that are not finite. A zone includes its edge; of several zones
            that hold a point the first one counts.

        Raises
        ------
        ValueError
            When `x` and `y` are not of one length.
        """
        xs, ys = (np.ascontiguousarray(a, dtype=np.float64).ravel() for a in (x, y))
        if len(xs) != len(ys):
            raise ValueError(f"x has {len(xs)} values and y has {len(ys)}; each point needs both.")
        found = np.empty(len(xs), dtype=np.int32)
        if not len(xs) or not len(self._shapes.polygons):
            found.fill(-1)
            return found
        if len(xs) < _FEWEST_FOR_RASTER and self._raster is None:
            self._test_all(xs, ys, found)
        else:
            self._look_up(xs, ys, found, self._raster_for(len(xs)))
        # Where every row is a zone of its own, numbers of zones are rows already.
        return self._shapes.rows[found] if self._shapes.has_pieces else found

    def _raster_for(self, n: int) -> ZoneRaster:
        # Time to make the raster grows with its cells, time in mixed cells falls with its side: this balances them.
        side = int(np.clip(np.sqrt(n) * 0.7, _SMALLEST_SIDE, _LARGEST_SIDE))
        if self._raster is None or 2 * self._raster.side <= side:
            self._raster = ZoneRaster(self._shapes.polygons, side)
        return self._raster

    def _test_all(self, x: NDArray[np.float64], y: NDArray[np.float64], found: NDArray[np.int32]) -> None:
        found.fill(-1)
        left = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        for number, polygon in enumerate(self._shapes.polygons):
            is_in = shapely.intersects_xy(polygon, x[left], y[left])
            found[left[is_in]] = number
            left = left[~is_in]

    def _look_up(
        self, x: NDArray[np.float64], y: NDArray[np.float64], found: NDArray[np.int32], raster: ZoneRaster
    ) -> None:
        mixed = []
        for start in range(0, len(x), _CHUNK):
            part = slice(start, start + _CHUNK)
            np.take(raster.codes, raster.cells_of(x[part], y[part]), out=found[part], mode="wrap")
            mixed.append(np.flatnonzero(found[part] < -1) + start)
        self._settle(x, y, found, np.concatenate(mixed), raster)

    def _settle(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        found: NDArray[np.int32],
        points: NDArray[np.int64],
        raster: ZoneRaster,
    ) -> None:
        """Test the points of mixed cells against the zones of their cell, first zone first."""
        cells = -2 - found[points]
        found[points] = -1
        first, last = raster.candidate_from[cells], raster.candidate_from[cells + 1]
        while len(points):
            has_next = first < last
            points, first, last = points[has_next], first[has_next], last[has_next]
            zones, is_whole = raster.candidate_zone[first], raster.candidate_is_whole[first]
            is_in = is_whole.copy()
            for number in np.flatnonzero(np.bincount(zones[~is_whole])):
                rows = np.flatnonzero((zones == number) & ~is_whole)
                at = points[rows]
                is_in[rows] = shapely.intersects_xy(self._shapes.polygons[number], x[at], y[at])
            found[points[is_in]] = zones[is_in]
            points, first, last = points[~is_in], first[~is_in] + 1, last[~is_in]
