"""From units to zones: polygons that tile the district, in the order of the zone file or of words on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, name_ids
from safeschools_geo.rebalance.ground.coverage_mending import mend_coverage
from safeschools_geo.rebalance.ground.keeping_schools import Homes, hold_schools
from safeschools_geo.schemas import ZONES
from safeschools_geo.validate.geometry import area_text
from safeschools_geo.validate.patches import gaps, outside, overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.validate.patches import Patch


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
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    geopandas.GeoDataFrame
        Table `zones`, EPSG:4326, in the order of `zones`, without those that have no unit (`zones_without_units`): an
        exact coverage, which writing with seven decimals does not change.

    Raises
    ------
    ColumnError
        When a unit has no planned zone, or a unit or zone is named that there is not.

    Notes
    -----
    A school on an edge, within half a metre, would be a tie between zones when it is assigned again. Where the tie does
    not fall to its planned zone, the ground within a metre of it goes with it; and so does a campus of which another
    zone would hold the larger share.
    """
    planned = _planned(units, assignment, zones)
    metres = measuring_crs(units, stated=crs)
    shapes = mend_coverage(units.geometry, metres).shapes
    order = [z for z in zones["zone_id"].astype("str").drop_duplicates() if z in set(planned)]
    row = pd.Index(order).get_indexer(pd.Index(planned))
    merged = np.array([shapely.coverage_union_all(shapes[row == k]) for k in range(len(order))])
    merged = hold_schools(merged, Homes.of(units, pd.Series(planned, index=units.index), schools), order, metres)
    first = zones.drop_duplicates("zone_id").set_index(zones["zone_id"].astype("str").drop_duplicates()).loc[order]
    columns = {"zone_id": pd.array(order, dtype="str"), "name": pd.array([f"Zone {z}" for z in order], dtype="str")}
    columns |= {c: first[c].array for c in ZONES.column_names if c in first and c not in {"zone_id", "geometry"}}
    return gpd.GeoDataFrame(columns, geometry=merged, crs=STORAGE_CRS)


def zones_without_units(assignment: pd.Series, zones: pd.DataFrame) -> tuple[str, ...]:
    """Find the zones that a plan leaves without a unit.

    Parameters
    ----------
    assignment
        Planned zone of each unit.
    zones
        Table `zones` as it is now.

    Returns
    -------
    tuple of str
        Their ids, in the order of `zones`.
    """
    used = set(assignment.astype("str"))
    return tuple(z for z in zones["zone_id"].astype("str").drop_duplicates() if z not in used)


def tiling_faults(
    zones: gpd.GeoDataFrame, ground: gpd.GeoDataFrame | gpd.GeoSeries, *, crs: object = None
) -> list[str]:
    """Say where zones fail to tile their ground: gaps, overlaps, slivers, ground beyond.

    Parameters
    ----------
    zones
        Table `zones`, with a CRS.
    ground
        The district, or the units: what the zones are to cover, with a CRS.
    crs
        Projected CRS in metres to measure in; the UTM zone of the ground by default.

    Returns
    -------
    list of str
        A sentence for each fault; none when the zones cover the ground exactly once, to the 2 cm of rounding, and
        neighbours share every vertex of their borders.
    """
    faults = _faults_of_rows(zones)
    if faults:
        return faults
    metres = measuring_crs(ground, stated=crs)
    own = zones.to_crs(STORAGE_CRS)
    whole = gpd.GeoDataFrame(geometry=ground.geometry.to_crs(STORAGE_CRS).to_numpy(), crs=STORAGE_CRS)
    told = {
        "{zones} overlap by {area}{sliver}.": overlaps(own, crs=metres),
        "Ground beside {zones} lies in no zone: {area}{sliver}.": gaps(own, crs=metres, boundary=whole),
        "{zones} reaches beyond its ground by {area}{sliver}.": outside(own, whole, crs=metres),
    }
    faults = [_sentence(text, patch) for text, patches in told.items() for patch in patches]
    shapes = own.geometry.to_numpy()
    if not faults and not shapely.coverage_is_valid(shapes):
        edges = shapely.coverage_invalid_edges(shapes)
        is_wrong = ~(shapely.is_missing(edges) | shapely.is_empty(edges))
        ids = name_ids(zones["zone_id"][is_wrong])
        faults = [f"Neighbours do not share the vertices of their borders: zones {ids}."]
    return faults


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


def _faults_of_rows(zones: gpd.GeoDataFrame) -> list[str]:
    ids, shapes = zones["zone_id"].astype("str"), zones.geometry
    is_area = shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & ~shapes.is_empty
    rows = {
        "Zone {ids} comes more than once.": ids[ids.duplicated()],
        "Zone {ids} is no area.": ids[~is_area],
        "The polygon of zone {ids} is not valid.": ids[is_area & ~shapes.is_valid],
    }
    return [text.format(ids=name_ids(found)) for text, found in rows.items() if len(found)]


def _sentence(text: str, patch: Patch) -> str:
    sliver = " (a sliver)" if patch.is_sliver else ""
    zones = f"zone{'s' if len(patch.ids) > 1 else ''} {' and '.join(patch.ids) or 'none'}"
    told = text.format(zones=zones, area=area_text(patch.area_m2), sliver=sliver)
    return told[0].upper() + told[1:]


def zones_of_units(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join the units of each zone into one polygon.

    Parameters
    ----------
    units
        Units that are an exact coverage, with `zone_id`, in EPSG:4326.

    Returns
    -------
    geopandas.GeoDataFrame
        Table `zones`, in the numerical order of the ids where they are numbers; an exact coverage as well.
    """
    members = units.geometry.groupby(units["zone_id"].to_numpy())
    shapes = members.agg(lambda shapes: shapely.coverage_union_all(shapes.to_numpy()))
    ids = sorted(shapes.index, key=lambda i: (not i.isdigit(), int(i) if i.isdigit() else 0, i))
    return gpd.GeoDataFrame(
        {"zone_id": pd.array(ids, dtype="str"), "name": pd.array([f"Zone {i}" for i in ids], dtype="str")},
        geometry=shapes.loc[ids].to_numpy(),
        crs=STORAGE_CRS,
    )


def reading_order(units: gpd.GeoDataFrame, label: NDArray[np.int64], *, crs: CRS) -> NDArray[np.object_]:
    """Give zones their numbers like words on a page: in rows of one height from the north, each from the west.

    Parameters
    ----------
    units
        Areal units, n rows, with a CRS.
    label
        Zone of each unit, from 0, shape (n,).
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    numpy.ndarray
        The number of each zone as text, "1" first, shape (zones,).
    """
    shapes = units.geometry.to_crs(crs)
    middle = shapes.groupby(label).agg(shapely.union_all).set_crs(crs).centroid
    west, south, east, north = shapes.total_bounds
    zones = len(middle)
    rows = max(1, round(np.sqrt(zones * (north - south) / (east - west))))
    # Whole metres, so that zones at one height stay in order whatever the last digit.
    x, y = middle.x.round().to_numpy(), middle.y.round().to_numpy()
    row = ((north - y) / (north - south) * rows).astype("int64")
    zone_id = np.empty(zones, dtype=object)
    zone_id[np.lexsort((-y, x, row))] = [str(i + 1) for i in range(zones)]
    return zone_id
