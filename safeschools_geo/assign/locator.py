"""Bulk points to zones: the zone of millions of points in a fraction of a second, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.assign.lookup import ZoneLookup
from safeschools_geo.assign.shapes import ZoneShapes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray


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
        shapes = ZoneShapes.of(zones)
        self._lookup = ZoneLookup(shapes)
        # None where every zone is one piece: then its number is its row.
        self._rows = None if len(shapes.ids) == len(zones) else np.append(shapes.rows, np.int32(-1))

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
        numbers = self._lookup.numbers(xs, ys)
        return numbers if self._rows is None else self._rows[numbers]
