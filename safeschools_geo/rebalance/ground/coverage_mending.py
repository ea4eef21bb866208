"""Areas that nearly share their borders, drawn so that they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import GeometryError
from safeschools_geo.rebalance.ground.faces import NOBODY, Faces, cut, give_islands, give_to_neighbours
from safeschools_geo.validate.geometry import polygon_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    Labels = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]

_NOISE_M = 0.001
_TOUCH_M = 0.01


@dataclass(frozen=True, eq=False)
class Mended:
    """Areas that share their borders, and what was changed.

    Parameters
    ----------
    shapes
        The areas in degrees: an exact coverage on the grid of seven decimals, shape (n,).
    overlap_m2
        Ground that several areas claimed, now one's.
    closed_m2
        Ground between areas that none claimed, now one's.
    overlapping
        Rows of the areas that claimed the same ground.
    beside
        Rows of the areas that were given ground that none claimed.
    """

    shapes: Shapes
    overlap_m2: float = 0.0
    closed_m2: float = 0.0
    overlapping: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()


def is_exact(shapes: Shapes) -> bool:
    """Say whether areas are an exact coverage on the grid of seven decimals.

    Parameters
    ----------
    shapes
        Areas in degrees.

    Returns
    -------
    bool
        True when writing them with seven decimals changes nothing.
    """
    xy = shapely.get_coordinates(shapes)
    return bool(np.array_equal(xy, np.round(xy, 7))) and bool(shapely.coverage_is_valid(shapes))


def mend_coverage(areas: gpd.GeoSeries, metres: CRS, *, sliver_m: float = 1.0) -> Mended:
    """Draw areas so that neighbours share their borders.

    Parameters
    ----------
    areas
        Valid polygons, n rows, with a CRS.
    metres
        Projected CRS in metres.
    sliver_m
        Gaps between areas narrower than this, in metres, are closed.

    Returns
    -------
    Mended
        The areas. Ground that several claim, and narrow ground between them that none does, goes to the neighbour of
        the longest shared border. Wider holes stay: they are no part of the district.

    Raises
    ------
    GeometryError
        When an area is so narrow that nothing of it is left on the grid.
    """
    shapes = shapely.make_valid(areas.to_crs(STORAGE_CRS).to_numpy(), method="structure")
    if is_exact(shapes):
        return Mended(shapes)
    cracks = _cracks(shapes, metres, sliver_m=sliver_m)
    faces, owner, claims = _claims(cut([*shapely.boundary(shapes), *shapely.boundary(cracks)]), shapes, cracks, metres)
    is_open = owner == NOBODY
    everywhere = np.ones(len(faces.a), dtype=bool)
    give_to_neighbours(owner, faces, piece=np.arange(len(faces)), is_open=everywhere)
    give_islands(owner, faces, part=faces.parts(everywhere), group=np.zeros(len(faces), dtype="int64"))
    _require_all(areas, owner)
    area_m2 = shapely.area(faces.metric)
    is_shared = is_open & (claims > 1)
    return Mended(
        shapes=np.array([shapely.coverage_union_all(faces.shapes[owner == k]) for k in range(len(shapes))]),
        overlap_m2=float(area_m2[is_shared].sum()),
        closed_m2=float(area_m2[is_open & (claims == 0)].sum()),
        overlapping=tuple(np.unique(owner[is_shared]).tolist()),
        beside=tuple(np.unique(owner[is_open & (claims == 0)]).tolist()),
    )


def _cracks(shapes: Shapes, metres: CRS, *, sliver_m: float) -> Shapes:
    """Find narrow ground between two areas or more that none claims, also where it is open to the outside."""
    metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(metres).to_numpy()
    whole = shapely.union_all(metric)
    wider = shapely.buffer(whole, sliver_m / 2, join_style="mitre")
    closed = shapely.buffer(wider, -sliver_m / 2, join_style="mitre")
    parts, _ = polygon_parts(np.array([shapely.difference(closed, whole)], dtype=object))
    parts = parts[2 * shapely.area(parts) > _NOISE_M * shapely.length(parts)]
    part, _ = shapely.STRtree(metric).query(parts, predicate="dwithin", distance=_TOUCH_M)
    between = parts[np.bincount(part, minlength=len(parts)) > 1]
    drawn: Shapes = gpd.GeoSeries(between, crs=metres).to_crs(STORAGE_CRS).to_numpy()
    return drawn


def _claims(cells: Shapes, shapes: Shapes, cracks: Shapes, metres: CRS) -> tuple[Faces, Labels, Labels]:
    """Tell of each face the area that alone claims it, and how many do; what is neither claimed nor narrow is left."""
    inner = shapely.point_on_surface(cells)
    cell, area = shapely.STRtree(shapes).query(inner, predicate="intersects")
    claims = np.bincount(cell, minlength=len(cells))
    owner = np.full(len(cells), NOBODY, dtype="int64")
    owner[cell] = area
    owner[claims != 1] = NOBODY
    is_kept = (claims > 0) | _is_in(inner, cracks)
    metric = gpd.GeoSeries(cells, crs=STORAGE_CRS).to_crs(metres).to_numpy()
    is_kept |= 2 * shapely.area(metric) < 2 * _TOUCH_M * shapely.length(metric)
    return Faces.of(cells[is_kept], metres), owner[is_kept], claims[is_kept]


def _is_in(inner: Shapes, cracks: Shapes) -> Flags:
    found = np.zeros(len(inner), dtype=bool)
    if len(cracks):
        found[shapely.STRtree(cracks).query(inner, predicate="intersects")[0]] = True
    return found


def _require_all(areas: gpd.GeoSeries, owner: Labels) -> None:
    is_lost = ~np.isin(np.arange(len(areas)), owner)
    if is_lost.any():
        raise GeometryError(
            "Some areas are narrower than 1 cm, or lie wholly in others.",
            where="units",
            ids=areas.index[is_lost],
            expected="areas with ground of their own",
            remedy="Leave them out, or draw them.",
        )
