"""Many points against prepared zones: chunk by chunk through a raster, exactly where the raster cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from safeschools_geo.assign.raster import ZoneRaster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from safeschools_geo.assign.shapes import ZoneShapes

_CHUNK = 1 << 16
"""Points looked up at a time: few enough for the processor's cache, many enough that calls of numpy cost nothing."""

_BLOCK = 1 << 14
"""Points tested exactly at a time, which bounds the memory where every point is near a border."""

_FEWEST_FOR_RASTER = 2_000
_SMALLEST_SIDE, _LARGEST_SIDE = 64, 2048


class ZoneLookup:
    """Numbers of zones for points.

    Parameters
    ----------
    shapes
        The zones.
    reach
        How near an edge is near, in units of the zones' CRS.
    """

    def __init__(self, shapes: ZoneShapes, *, reach: float = 0.0) -> None:
        self._shapes = shapes
        self._reach = reach
        self._raster: ZoneRaster | None = None

    def numbers(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        """Find the first zone that covers each point, its edge included.

        Parameters
        ----------
        x, y
            Coordinates in the CRS of the zones, shape (n,).

        Returns
        -------
        numpy.ndarray
            Number of the zone, shape (n,), int32; -1 outside every zone and for coordinates that are not finite.
        """
        raster = self._raster_for(len(x))
        if raster is None:
            return self._test_all(x, y)
        found = np.empty(len(x), dtype=np.int32)
        mixed = []
        for part in _parts(len(x), _CHUNK):
            found[part] = codes = raster.look_up(x[part], y[part])
            mixed.append(np.flatnonzero(codes < -1) + part.start)
        left = np.concatenate(mixed)
        for part in _parts(len(left), _BLOCK):
            points = left[part]
            found[points] = self._settled(x[points], y[points], -2 - found[points], raster)
        return found

    def may_be_near_edge(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Rule out the points that are not within `reach` of any edge.

        Parameters
        ----------
        x, y
            Coordinates in the CRS of the zones, shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,), bool: true for every point near an edge, and for some others.
        """
        is_near = np.ones(len(x), dtype=np.bool_)
        raster = self._raster_for(len(x))
        if raster is not None:
            for part in _parts(len(x), _CHUNK):
                np.less(raster.look_up(x[part], y[part]), -1, out=is_near[part])
        return is_near

    def _raster_for(self, n: int) -> ZoneRaster | None:
        if not len(self._shapes.ids) or (n < _FEWEST_FOR_RASTER and self._raster is None):
            return None
        # Time to make the raster grows with its cells, time in mixed cells falls with its side: this balances them.
        side = int(np.clip(0.8 * np.sqrt(n), _SMALLEST_SIDE, _LARGEST_SIDE))
        if self._raster is None or 2 * self._raster.side <= side:
            self._raster = ZoneRaster(self._shapes, side, reach=self._reach)
        return self._raster

    def _test_all(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        found = np.full(len(x), -1, dtype=np.int32)
        left = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        for number, polygon in enumerate(self._shapes.polygons):
            is_in = shapely.intersects_xy(polygon, x[left], y[left])
            found[left[is_in]] = number
            left = left[~is_in]
        return found

    def _settled(
        self, x: NDArray[np.float64], y: NDArray[np.float64], cells: NDArray[np.int32], raster: ZoneRaster
    ) -> NDArray[np.int32]:
        """Test points of mixed cells against the candidates of their cell, first zone first."""
        found = np.full(len(x), -1, dtype=np.int32)
        left = np.arange(len(x))
        candidate, last = raster.candidate_from[cells], raster.candidate_from[cells + 1]
        while len(left):
            zones = raster.candidate_zone[candidate]
            is_in = raster.candidate_is_whole[candidate]
            is_open = ~is_in
            for number in np.flatnonzero(np.bincount(zones[is_open])):
                at = np.flatnonzero(is_open & (zones == number))
                is_in[at] = shapely.intersects_xy(self._shapes.polygons[number], x[left[at]], y[left[at]])
            found[left[is_in]] = zones[is_in]
            candidate += 1
            has_next = ~is_in & (candidate < last)
            left, candidate, last = left[has_next], candidate[has_next], last[has_next]
        return found


def _parts(n: int, size: int) -> Iterator[slice]:
    """Cut n points into parts, one at least."""
    return (slice(start, start + size) for start in range(0, max(n, 1), size))
