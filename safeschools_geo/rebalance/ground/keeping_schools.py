"""Zones drawn so that each school, assigned again from the file, falls in the zone it is planned for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.rebalance.ground.faces import cut, in_degrees
from safeschools_geo.rebalance.ground.grounds import EDGE_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]

_COLLAR_M = 1.0
"""Ground around a school on an edge that goes with it: more than `EDGE_M`, so that it is on the edge no more."""


@dataclass(frozen=True, eq=False)
class Homes:
    """Schools and the zones they are planned for.

    Parameters
    ----------
    shapes
        Points or campuses in degrees, shape (n,).
    planned
        Planned zone of each, shape (n,).
    is_moved
        Whether that is another zone than the current one, shape (n,).
    """

    shapes: Shapes
    planned: NDArray[np.object_]
    is_moved: Flags

    @classmethod
    def of(cls, units: gpd.GeoDataFrame, planned: pd.Series, schools: gpd.GeoDataFrame | None) -> Homes:
        """Look up where the schools of the units are.

        Parameters
        ----------
        units
            Units, with `anchor` or `school_ids` where they have schools.
        planned
            Planned zone of each unit, on their index.
        schools
            Schools with `school_id`; None for the anchors of the units.

        Returns
        -------
        Homes
            The schools that have a place.
        """
        is_moved = planned != units["zone_id"].astype("str")
        if schools is not None and "school_ids" in units:
            of_school = pd.DataFrame({"school_id": units["school_ids"], "planned": planned, "is_moved": is_moved})
            of_school = of_school.explode("school_id").dropna(subset="school_id")
            places = schools.set_index(schools["school_id"].astype("str")).geometry.to_crs(STORAGE_CRS)
            of_school = of_school[of_school["school_id"].isin(places.index)]
            shapes = places.loc[of_school["school_id"]].to_numpy()
        else:
            has_school = units["schools"] > 0 if "schools" in units else pd.Series(data=True, index=units.index)
            of_school = pd.DataFrame({"planned": planned, "is_moved": is_moved})[has_school]
            shapes = _anchors(units)[has_school.to_numpy()]
        is_placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        kept = of_school[is_placed]
        return cls(shapes[is_placed], kept["planned"].to_numpy(dtype=object), kept["is_moved"].to_numpy(dtype=bool))


def hold_schools(zones: Shapes, homes: Homes, order: Sequence[str], metres: CRS) -> Shapes:
    """Give each school that would fall in another zone than planned the ground around it.

    Parameters
    ----------
    zones
        The zones in degrees, an exact coverage, shape (k,).
    homes
        The schools.
    order
        Ids of the zones; of a tie, the first counts.
    metres
        Projected CRS in metres.

    Returns
    -------
    numpy.ndarray
        The zones, an exact coverage as well; the very same where all schools fall in their zones.
    """
    planned = pd.Index(order).get_indexer(pd.Index(homes.planned)).astype("int64")
    metric = gpd.GeoSeries(homes.shapes, crs=STORAGE_CRS).to_crs(metres).to_numpy()
    grounds = gpd.GeoSeries(zones, crs=STORAGE_CRS).to_crs(metres).to_numpy()
    is_point = shapely.get_dimensions(metric) == 0
    is_lost = np.zeros(len(metric), dtype=bool)
    is_lost[is_point] = _points_lost(metric[is_point], planned[is_point], homes.is_moved[is_point], grounds)
    is_lost[~is_point] = _campuses_lost(metric[~is_point], planned[~is_point], grounds)
    if not is_lost.any():
        return zones
    collars = np.where(is_point, shapely.buffer(metric, _COLLAR_M), metric)[is_lost]
    return _with_collars(zones, in_degrees(collars, metres), planned[is_lost])


def _anchors(units: gpd.GeoDataFrame) -> Shapes:
    if "anchor" not in units:
        inside: Shapes = units.geometry.to_crs(STORAGE_CRS).representative_point().to_numpy()
        return inside
    given = gpd.GeoSeries(units["anchor"].to_numpy(), crs=getattr(units["anchor"], "crs", None) or units.crs)
    anchors: Shapes = given.to_crs(STORAGE_CRS).to_numpy()
    return anchors


def _points_lost(points: Shapes, planned: NDArray[np.int64], is_moved: Flags, grounds: Shapes) -> Flags:
    """Tell which schools another zone would win: of a tie, the first; for one that moves, no tie is left."""
    point, zone = shapely.STRtree(grounds).query(points, predicate="dwithin", distance=EDGE_M)
    near = np.bincount(point, minlength=len(points))
    first = np.full(len(points), len(grounds))
    np.minimum.at(first, point, zone)
    is_lost: Flags = (near > 0) & ((first != planned) | (is_moved & (near > 1)))
    return is_lost


def _campuses_lost(campuses: Shapes, planned: NDArray[np.int64], grounds: Shapes) -> Flags:
    """Tell of which campuses another zone holds as large a share or a larger one."""
    campus, zone = shapely.STRtree(grounds).query(campuses, predicate="intersects")
    share = pd.Series(shapely.area(shapely.intersection(campuses[campus], grounds[zone])))
    is_own = zone == planned[campus]
    own = share.where(is_own, 0.0).groupby(campus).max().reindex(range(len(campuses)), fill_value=0.0)
    other = share.where(~is_own, 0.0).groupby(campus).max().reindex(range(len(campuses)), fill_value=0.0)
    is_lost: Flags = ((other > 0) & (other >= own)).to_numpy()
    return is_lost


def _with_collars(zones: Shapes, collars: Shapes, planned: NDArray[np.int64]) -> Shapes:
    faces = cut([*shapely.boundary(zones), *shapely.boundary(collars)])
    inner = shapely.point_on_surface(faces)
    owner = np.full(len(faces), -1, dtype="int64")
    face, zone = shapely.STRtree(zones).query(inner, predicate="intersects")
    owner[face] = zone
    is_ground = owner >= 0
    face, collar = shapely.STRtree(collars).query(inner, predicate="intersects")
    # Backwards, so that the first school's claim is written last.
    backwards = np.argsort(-collar, kind="stable")
    owner[face[backwards]] = planned[collar[backwards]]
    owner[~is_ground] = -1
    return np.array([shapely.coverage_union_all(faces[owner == k]) for k in range(len(zones))])
