"""Patches of ground where zones overlap, leave a gap, or leave the district."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from safeschools_geo.validate.geometry import in_metres, polygon_parts, spot_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

SLIVER_M = 1.0
"""A patch of a smaller mean width is a sliver: two drawings of one line, not a piece of ground."""

_DUST_M = 0.02  # coordinates of seven decimals are exact to a centimetre; narrower patches are their rounding
_TOUCH_DEGREES = 1e-6


@dataclass(frozen=True)
class Patch:
    """One connected piece of ground.

    Parameters
    ----------
    ids
        The zones concerned, in the order of the zone file.
    area_m2
        Its area.
    width_m
        Its mean width: twice its area over its perimeter.
    location
        Longitude and latitude of a point in it.
    """

    ids: tuple[str, ...]
    area_m2: float
    width_m: float
    location: tuple[float, float]

    @property
    def is_sliver(self) -> bool:
        """Whether it is too narrow to be meant."""
        return self.width_m < SLIVER_M


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
    ids = zones["zone_id"].to_numpy()
    return _patches(parts, [(str(ids[first[row]]), str(ids[second[row]])) for row in rows], crs)


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
    shapes = zones.geometry.to_numpy()
    covered = shapely.union_all(shapes)
    whole = _without_holes(covered) if boundary is None else boundary.union_all()
    parts, _ = polygon_parts(np.array([shapely.difference(whole, covered)], dtype=object))
    ids = zones["zone_id"].astype("str").to_numpy()
    touching: list[list[int]] = [[] for _ in parts]
    pairs = shapely.STRtree(shapes).query(parts, predicate="dwithin", distance=_TOUCH_DEGREES)
    for part, zone in pairs.T:
        touching[part].append(zone)
    return _patches(parts, [tuple(ids[sorted(neighbours)]) for neighbours in touching], crs)


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
    return _patches(parts, [(ids[row],) for row in rows], crs)


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
    return _patches(parts, [(ids[row],) for row in rows], crs)


def by_zones(patches: Sequence[Patch]) -> list[Patch]:
    """Put the patches of the same zones together.

    Parameters
    ----------
    patches
        Patches, largest first.

    Returns
    -------
    list of Patch
        One for each set of zones: the total area, and the width and location of the largest; largest first.
    """
    together: dict[tuple[str, ...], Patch] = {}
    for patch in patches:
        seen = together.get(patch.ids)
        together[patch.ids] = replace(seen, area_m2=seen.area_m2 + patch.area_m2) if seen else patch
    return sorted(together.values(), key=lambda p: -p.area_m2)


def _patches(parts: np.ndarray, ids: Sequence[tuple[str, ...]], crs: CRS) -> list[Patch]:
    # Laid over each other in degrees, as they were drawn, so that edges which meet in the file meet here.
    metric = in_metres(gpd.GeoSeries(parts, crs="EPSG:4326"), crs).to_numpy()
    areas, perimeters = shapely.area(metric), shapely.length(metric)
    widths = np.divide(2 * areas, perimeters, out=np.zeros(len(parts)), where=perimeters > 0)
    order = [i for i in np.argsort(-areas, kind="stable") if widths[i] >= _DUST_M]
    return [Patch(ids[i], float(areas[i]), float(widths[i]), spot_of(parts[i])) for i in order]


def _without_holes(shape: shapely.Geometry) -> shapely.Geometry:
    parts, _ = polygon_parts(np.array([shape], dtype=object))
    return shapely.union_all(shapely.polygons(shapely.get_exterior_ring(parts)))
