"""From units to zones: polygons that tile the district, every school in its planned zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, name_ids
from safeschools_geo.rebalance._cells import EDGE_M
from safeschools_geo.rebalance._neighbors import cut, in_degrees, mend_coverage
from safeschools_geo.schemas import ZONES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]


# ── Zones drawn so that each school, assigned again from the file, falls in the zone it is planned for

_COLLAR_M = 1.0
"""Ground around a school on an edge that goes with it: more than `EDGE_M`, so that it is on the edge no more."""


@dataclass(frozen=True, eq=False)
class Homes:
    """Schools and the zones they are planned for."""

    shapes: Shapes  # Points or campuses in degrees, shape (n,)
    planned: NDArray[np.object_]  # Planned zone of each, shape (n,)
    is_moved: Flags  # Whether that is another zone than the current one, shape (n,)

    @classmethod
    def of(cls, units: gpd.GeoDataFrame, planned: pd.Series, schools: gpd.GeoDataFrame | None) -> Homes:
        """Look up where the schools of the units are."""
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


def hold_schools(zones: Shapes, homes: Homes, order: Sequence[str], meters: CRS) -> Shapes:
    """Give each school that would fall in another zone than planned the ground around it."""
    planned = pd.Index(order).get_indexer(pd.Index(homes.planned)).astype("int64")
    metric = gpd.GeoSeries(homes.shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    grounds = gpd.GeoSeries(zones, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    is_point = shapely.get_dimensions(metric) == 0
    is_lost = np.zeros(len(metric), dtype=bool)
    is_lost[is_point] = _points_lost(metric[is_point], planned[is_point], homes.is_moved[is_point], grounds)
    is_lost[~is_point] = _campuses_lost(metric[~is_point], planned[~is_point], grounds)
    if not is_lost.any():
        return zones
    collars = np.where(is_point, shapely.buffer(metric, _COLLAR_M), metric)[is_lost]
    return _with_collars(zones, in_degrees(collars, meters), planned[is_lost])


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


# ── From units to zones: polygons that tile the district, in the order of the zone file or of words on a page


def zones_of_plan(
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    zones: pd.DataFrame,
    *,
    schools: gpd.GeoDataFrame | None = None,
    crs: object = None,
) -> gpd.GeoDataFrame:
    """Join the units of each zone of a plan into polygons.

    Parameters
    ----------
    units
        Units with `unit_id`, `zone_id` (current) and a CRS. Where they are no exact coverage they are mended first.
    assignment
        Planned zone of each unit, by `unit_id`.
    zones
        Table `zones` as it is now; its geometry is not needed.
    schools
        Schools with `school_id`, which `units` has the `school_ids` of; by default each unit that has schools has one,
        at its `anchor`.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    geopandas.GeoDataFrame
        Table `zones`, EPSG:4326, in the order of `zones`, without those that have no unit: an
        exact coverage, which writing with seven decimals does not change.

    Raises
    ------
    ColumnError
        When a unit has no planned zone, or a unit or zone is named that there is not.

    Notes
    -----
    A school on an edge, within half a meter, would be a tie between zones when it is assigned again. Where the tie does
    not fall to its planned zone, the ground within a meter of it goes with it; and so does a campus of which another
    zone would hold the larger share.
    """
    planned = _planned(units, assignment, zones)
    meters = measuring_crs(units, stated=crs)
    shapes = mend_coverage(units.geometry, meters).shapes
    order = [z for z in zones["zone_id"].astype("str").drop_duplicates() if z in set(planned)]
    row = pd.Index(order).get_indexer(pd.Index(planned))
    merged = np.array([shapely.coverage_union_all(shapes[row == k]) for k in range(len(order))])
    merged = hold_schools(merged, Homes.of(units, pd.Series(planned, index=units.index), schools), order, meters)
    first = zones.drop_duplicates("zone_id").set_index(zones["zone_id"].astype("str").drop_duplicates()).loc[order]
    columns = {"zone_id": pd.array(order, dtype="str"), "name": pd.array([f"Zone {z}" for z in order], dtype="str")}
    columns |= {c: first[c].array for c in ZONES.column_names if c in first and c not in {"zone_id", "geometry"}}
    return gpd.GeoDataFrame(columns, geometry=merged, crs=STORAGE_CRS)


def _planned(units: gpd.GeoDataFrame, assignment: pd.Series, zones: pd.DataFrame) -> NDArray[np.object_]:
    ids = units["unit_id"].astype("str")
    plan = assignment.set_axis(assignment.index.astype("str"))
    planned = ids.map(plan[~plan.index.duplicated()]).astype("str")
    known = zones["zone_id"].astype("str")
    faults = {
        "units without a planned zone": ids[planned.isna()],
        "units that there are not": plan.index[~plan.index.isin(ids)],
        "units with two zones": plan.index[plan.index.duplicated()],
        "zones that there are not": planned[~planned.isin(known)].dropna().unique(),
    }
    if any(len(found) for found in faults.values()):
        raise ColumnError(
            "The plan does not fit the units and zones.",
            where="plan",
            ids=[str(i) for found in faults.values() for i in found],
            found="; ".join(f"{what}: {name_ids(found)}" for what, found in faults.items() if len(found)),
            expected="one zone of the zone file for each unit",
            remedy="Make the plan for these units, and with the ids of these zones.",
        )
    named: NDArray[np.object_] = planned.to_numpy(dtype=object)
    return named


def zones_of_units(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join the units of each zone into one polygon."""
    members = units.geometry.groupby(units["zone_id"].to_numpy())
    shapes = members.agg(lambda shapes: shapely.coverage_union_all(shapes.to_numpy()))
    ids = sorted(shapes.index, key=lambda i: (not i.isdigit(), int(i) if i.isdigit() else 0, i))
    return gpd.GeoDataFrame(
        {"zone_id": pd.array(ids, dtype="str"), "name": pd.array([f"Zone {i}" for i in ids], dtype="str")},
        geometry=shapes.loc[ids].to_numpy(),
        crs=STORAGE_CRS,
    )


def reading_order(units: gpd.GeoDataFrame, label: NDArray[np.int64], *, crs: CRS) -> NDArray[np.object_]:
    """Give zones their numbers like words on a page: in rows of one height from the north, each from the west."""
    shapes = units.geometry.to_crs(crs)
    middle = shapes.groupby(label).agg(shapely.union_all).set_crs(crs).centroid
    west, south, east, north = shapes.total_bounds
    zones = len(middle)
    rows = max(1, round(np.sqrt(zones * (north - south) / (east - west))))
    # Whole meters, so that zones at one height stay in order whatever the last digit.
    x, y = middle.x.round().to_numpy(), middle.y.round().to_numpy()
    row = ((north - y) / (north - south) * rows).astype("int64")
    zone_id = np.empty(zones, dtype=object)
    zone_id[np.lexsort((-y, x, row))] = [str(i + 1) for i in range(zones)]
    return zone_id
