"""Patches of ground where zones overlap, leave a gap, or leave the district."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.validate.geometry import in_metres, polygon_parts, spot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyproj import CRS

SLIVER_M = 1.0
"""Ground that is narrower is a sliver: two drawings of one line, not a piece of ground."""

_DUST_M = 0.02  # coordinates of seven decimals are exact to a centimetre; narrower slivers are their rounding
_TIP_M = 3.0  # how far the pointed end of a wide patch may reach before it is a sliver of its own
_TOUCH_M = 0.1
_DEGREES_PER_M = 1 / 111_320


@dataclass(frozen=True)
class Patch:
    """One connected piece of ground.

    Parameters
    ----------
    ids
        The zones concerned, in the order of the zone file.
    area_m2
        Its area.
    location
        Longitude and latitude of a point in it.
    is_sliver
        Whether it is narrower than `SLIVER_M`.
    """

    ids: tuple[str, ...]
    area_m2: float
    location: tuple[float, float]
    is_sliver: bool = False


def overlaps(zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Patch]:
    """Find the ground that two zones claim.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Patch
        Largest first; ground that three zones claim is in three patches, one for each pair.
    """
    shapes = zones.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    parts, rows = polygon_parts(shapely.intersection(shapes[first], shapes[second]))
    ids = zones["zone_id"].astype("str").to_numpy()
    return _patches(parts, lambda _, part: [(ids[first[row]], ids[second[row]]) for row in rows[part]], crs)


def gaps(zones: gpd.GeoDataFrame, *, crs: CRS, boundary: gpd.GeoDataFrame | None = None) -> list[Patch]:
    """Find the ground that no zone claims.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.
    boundary
        The district, valid polygons, EPSG:4326; without it only gaps that zones enclose can be told.

    Returns
    -------
    list of Patch
        Largest first, with the zones that touch each.
    """
    covered = shapely.union_all(zones.geometry.to_numpy())
    bare = _holes(covered) if boundary is None else shapely.difference(boundary.union_all(), covered)
    parts, _ = polygon_parts(np.array([bare], dtype=object))
    ids = zones["zone_id"].astype("str").to_numpy()
    tree = shapely.STRtree(in_metres(zones.geometry, crs).to_numpy())

    def neighbours(grounds: np.ndarray, _: np.ndarray) -> list[tuple[str, ...]]:
        ground, zone = tree.query(grounds, predicate="dwithin", distance=_TOUCH_M)
        return [tuple(ids[np.sort(zone[ground == i])]) for i in range(len(grounds))]

    return _patches(parts, neighbours, crs)


def outside(zones: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame, *, crs: CRS) -> list[Patch]:
    """Find the ground of zones that is not the district's.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    boundary
        The district, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Patch
        Largest first.
    """
    parts, rows = polygon_parts(shapely.difference(zones.geometry.to_numpy(), boundary.union_all()))
    ids = zones["zone_id"].astype("str").to_numpy()
    return _patches(parts, lambda _, part: [(ids[row],) for row in rows[part]], crs)


def pieces(zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Patch]:
    """Take zones apart.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Patch
        Every connected piece of every zone, largest first.
    """
    parts, rows = polygon_parts(zones.geometry.to_numpy())
    ids = zones["zone_id"].astype("str").to_numpy()
    areas = in_metres(gpd.GeoSeries(parts, crs=STORAGE_CRS), crs).area
    found = [Patch((ids[rows[i]],), float(areas[i]), spot_of(parts[i])) for i in range(len(parts))]
    return sorted(found, key=_largest_first)


def by_zones(patches: Sequence[Patch]) -> list[Patch]:
    """Put the patches of the same zones together.

    Parameters
    ----------
    patches
        Patches, largest first.

    Returns
    -------
    list of Patch
        One for each set of zones: the total area, and the location of the largest; largest first.
    """
    together: dict[tuple[str, ...], Patch] = {}
    for patch in patches:
        seen = together.get(patch.ids)
        together[patch.ids] = replace(seen, area_m2=seen.area_m2 + patch.area_m2) if seen else patch
    return sorted(together.values(), key=_largest_first)


def _patches(
    parts: np.ndarray, names: Callable[[np.ndarray, np.ndarray], list[tuple[str, ...]]], crs: CRS
) -> list[Patch]:
    """Measure polygons in degrees, wide ground and slivers apart, without the dust.

    They were laid over each other in degrees, as they were drawn, so that edges which meet in the file meet here.
    `names` is given pieces of ground in metres and the position in `parts` of each, and says which zones they concern.
    """
    metric = in_metres(gpd.GeoSeries(parts, crs=STORAGE_CRS), crs).to_numpy()
    # What is left when a margin of half the width is taken away is wide; slivers often hang on to it.
    core = shapely.buffer(metric, -SLIVER_M / 2)
    around = shapely.buffer(core, SLIVER_M / 2 + _TIP_M)
    found = []
    for is_sliver, cut in ((False, shapely.intersection), (True, shapely.difference)):
        grounds, rows = polygon_parts(cut(metric, around))
        areas = shapely.area(grounds)
        is_real = 2 * areas >= _DUST_M * shapely.length(grounds)
        spots = gpd.GeoSeries(shapely.point_on_surface(grounds), crs=crs).to_crs(STORAGE_CRS)[is_real]
        ids = names(grounds[is_real], rows[is_real])
        found += [
            Patch(who, float(area), spot_of(spot), is_sliver)
            for who, area, spot in zip(ids, areas[is_real], spots, strict=True)
        ]
    return sorted(found, key=_largest_first)


def _largest_first(patch: Patch) -> float:
    return -patch.area_m2


def _holes(shape: shapely.Geometry) -> shapely.Geometry:
    """Find the holes of a shape, also those that cracks narrower than a sliver connect to the outside."""
    enclosed = []
    for crack_m in (_DUST_M, SLIVER_M):
        margin = crack_m / 2 * _DEGREES_PER_M
        parts, _ = polygon_parts(np.array([shapely.buffer(shape, margin)], dtype=object))
        rings = [shapely.Polygon(ring) for part in parts for ring in part.interiors]
        enclosed.append(shapely.buffer(shapely.union_all(rings), 1.5 * margin))
    return shapely.difference(shapely.union_all(enclosed), shape)
