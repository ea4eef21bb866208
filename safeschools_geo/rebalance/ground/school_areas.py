"""Areal units of a district of schools: areas that are supplied, cut at the edges of the zones, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import GeometryError
from safeschools_geo.rebalance.ground.areas import units_of_areas
from safeschools_geo.rebalance.ground.grounds import require_areas, require_columns
from safeschools_geo.rebalance.ground.unit_findings import UnitsBuilt
from safeschools_geo.rebalance.ground.unit_tables import schools_in_zones
from safeschools_geo.validate.geometry import area_text
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.results import Finding

_CUT_SHARE = 0.01
"""An area is cut at the edge of a zone where more than this part of it lies beyond."""

_FAR_M = 1.0
_SLIVER_M = 1.0
_GRID = 1e-7
_OPEN_SHARE = 0.001


def units_of_school_areas(
    areas: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    school_zones: pd.Series,
    workload: pd.Series,
    *,
    incidents: pd.Series | None = None,
    crs: object = None,
) -> UnitsBuilt:
    """Make units of areas such as tracts, each with the schools that stand in it.

    Parameters
    ----------
    areas
        `unit_id`, perhaps `name`, and valid polygons with a CRS.
    zones
        Table `zones`, with a CRS.
    schools
        Schools with `school_id`, points or campuses; `name` and `enrollment` are used where they are given. Those with
        `in_program` false or without a zone are left out.
    school_zones
        `zone_id` by `school_id`; empty or missing where a school has none.
    workload
        Officer-hours per school day by `school_id`.
    incidents
        Number of incidents by `school_id`, if it is known.
    crs
        Projected CRS in metres to measure in; the UTM zone of the areas by default.

    Returns
    -------
    UnitsBuilt
        `units`: the columns of `units.units_of_schools`. An area without a school has a workload of 0 and can move like
        any other: it is what connects. An area of which more than 1 % lies in another zone is cut at the zone's edge,
        and its parts are called ``<unit_id>@<zone_id>``; less than that goes with the rest of the area.

    Raises
    ------
    ColumnError, CRSError, GeometryError, SeveralFaultsError
        When a column is missing, ids repeat, or areas overlap or are no valid polygons.
    """
    require_columns(areas, ["unit_id"], "units")
    require_areas(areas, "units", areas["unit_id"].to_numpy(dtype=object))
    metres = measuring_crs(areas, stated=crs)
    parts, beyond = _cut(areas, zones, metres)
    kept, _ = schools_in_zones(schools, school_zones)
    points = kept.geometry.to_crs(metres).representative_point()
    holder, far_m = _holders(points, kept["zone_id"].to_numpy(dtype=object), parts)
    parts = parts.assign(**_figures(kept, holder, len(parts), workload=workload, incidents=incidents))
    parts["anchor"] = _anchors(parts, points, holder)
    built = units_of_areas(
        parts.to_crs(STORAGE_CRS), unit_id="unit_id", zone="zone_id", workload="workload", crs=metres
    )
    columns = ["unit_id", "zone_id", "workload", "name", "school_ids", "schools", "students", "incidents"]
    units = built.units[[c for c in [*columns, "anchor", "geometry"] if c in built.units]]
    told = (*built.findings, *_about_parts(parts, beyond), *_about_open_ground(parts, zones, metres))
    return UnitsBuilt(units, (*told, *_about_schools(kept, parts, holder, far_m)))


def _cut(areas: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, metres: object) -> tuple[gpd.GeoDataFrame, float]:
    """Cut areas at the edges of zones, in metres; and the ground in no zone, in square metres."""
    area, zone = areas.geometry.to_crs(metres).to_numpy(), zones.geometry.to_crs(metres).to_numpy()
    # Cut on the grid that is stored, so that what is cut stays valid.
    drawn, edges = areas.geometry.to_crs(STORAGE_CRS).to_numpy(), zones.geometry.to_crs(STORAGE_CRS).to_numpy()
    i, j = shapely.STRtree(zone).query(area, predicate="intersects")
    size = shapely.area(shapely.intersection(area[i], zone[j]))
    table = pd.DataFrame({"area": i, "zone": j, "size": size, "share": size / shapely.area(area[i])})
    table = table[(table["share"] > _CUT_SHARE) | (table.groupby("area")["share"].transform("max") == table["share"])]
    table = table[table["size"] > 0].sort_values(["area", "zone"])
    if table.empty:
        raise GeometryError(
            "The areas lie in none of the zones.",
            where="units",
            expected="areas that cover the zones",
            remedy="Look at the CRS of both files.",
        )
    ids = areas["unit_id"].astype("str").to_numpy(dtype=object)
    names = areas["name"].astype("str").to_numpy(dtype=object) if "name" in areas else ids
    zone_ids = zones["zone_id"].to_numpy(dtype=object)
    rows = []
    for row, own in table.groupby("area"):
        main = int(own["share"].to_numpy().argmax())
        others = [int(z) for at, z in enumerate(own["zone"]) if at != main]
        rest = drawn[row]
        for z in others:
            piece = shapely.intersection(drawn[row], edges[z], grid_size=_GRID)
            rest = shapely.difference(rest, piece, grid_size=_GRID)
            rows.append((ids[row], names[row], zone_ids[z], piece, True))
        rows.append((ids[row], names[row], zone_ids[own["zone"].iloc[main]], rest, bool(others)))
    parts = gpd.GeoDataFrame(rows, columns=["area", "name", "zone_id", "geometry", "is_cut"], crs=STORAGE_CRS)
    parts = _without_slivers(parts.to_crs(metres))
    cut = parts["area"] + "@" + parts["zone_id"]
    beyond = float(shapely.area(area).sum() - size.sum())
    return parts.assign(unit_id=cut.where(parts["is_cut"], parts["area"])), max(beyond, 0.0)


def _without_slivers(parts: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out what an overlay leaves beside areas: what it takes from the coverage is closed again later."""
    pieces = parts.explode(ignore_index=False)
    is_wide = ~shapely.is_empty(shapely.buffer(pieces.geometry.to_numpy(), -_SLIVER_M / 2))
    kept = pieces[is_wide].groupby(level=0)["geometry"].agg(lambda shapes: shapely.union_all(shapes.to_numpy()))
    return parts.loc[kept.index].set_geometry(gpd.GeoSeries(kept, crs=parts.crs)).reset_index(drop=True)


def _holders(
    points: gpd.GeoSeries, zone_ids: NDArray[np.object_], parts: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the part that holds each school: the nearest of those in the zone the school is assigned to."""
    holder, far_m = np.zeros(len(points), dtype=np.int64), np.zeros(len(points))
    for zone_id in np.unique(zone_ids.astype(str)):
        inside = np.flatnonzero((parts["zone_id"] == zone_id).to_numpy())
        mine = np.flatnonzero(zone_ids == zone_id)
        if not len(inside):
            raise GeometryError(
                "A zone with schools has no area of its own.",
                where="units",
                ids=[zone_id],
                expected="areas that cover every zone",
                remedy="Supply areas for the whole district.",
            )
        tree = shapely.STRtree(parts.geometry.to_numpy()[inside])
        (who, which), away_m = tree.query_nearest(points.to_numpy()[mine], return_distance=True)
        first = np.unique(who, return_index=True)[1]
        holder[mine], far_m[mine] = inside[which[first]], away_m[first]
    return holder, far_m


def _figures(
    kept: gpd.GeoDataFrame,
    holder: NDArray[np.int64],
    count: int,
    *,
    workload: pd.Series,
    incidents: pd.Series | None,
) -> dict[str, object]:
    """Add up what the schools of each part count for."""
    ids = kept["school_id"].astype("str")

    def total(values: pd.Series) -> NDArray[np.float64]:
        figures = pd.to_numeric(values).fillna(0.0).to_numpy("float64")
        return np.bincount(holder, figures, minlength=count).astype("float64")

    members = ids.groupby(holder).agg(tuple).reindex(range(count))
    figures: dict[str, object] = {
        "workload": total(ids.map(workload)),
        "school_ids": [m if isinstance(m, tuple) else () for m in members],
        "schools": np.bincount(holder, minlength=count).astype("int64"),
    }
    if "enrollment" in kept:
        students = pd.Series(kept["enrollment"].to_numpy("float64", na_value=np.nan))
        figures["students"] = students.groupby(holder).sum(min_count=1).reindex(range(count)).to_numpy()
    if incidents is not None:
        figures["incidents"] = total(ids.map(incidents)).astype("int64")
    return figures


def _anchors(parts: gpd.GeoDataFrame, points: gpd.GeoSeries, holder: NDArray[np.int64]) -> gpd.GeoSeries:
    """Stand for each part by its first school, else by a point inside."""
    anchors = parts.geometry.representative_point().to_numpy().copy()
    which, first = np.unique(holder, return_index=True)
    anchors[which] = points.to_numpy()[first]
    return gpd.GeoSeries(anchors, index=parts.index, crs=parts.crs)


def _about_parts(parts: gpd.GeoDataFrame, beyond_m2: float) -> list[Finding]:
    cut = parts.loc[parts["is_cut"], "area"].unique()
    found = tell(
        cut,
        "note",
        "units_cut",
        "units",
        f"{len(cut)} areas lie in more than one zone; each is cut at the edge, and its parts move apart.",
        expected="areas that follow the edges of the zones",
        remedy="Nothing needs to be done.",
    )
    if beyond_m2 > _OPEN_SHARE * float(parts.area.sum()):
        found += tell(
            ["district"],
            "note",
            "units_beyond_zones",
            "units",
            f"{area_text(beyond_m2)} of the areas lie in no zone; they go with the rest of their area.",
            expected="areas inside the zones",
            remedy="Leave out areas that are not the district's.",
        )
    return found


def _about_open_ground(parts: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, metres: object) -> list[Finding]:
    ground = shapely.union_all(zones.geometry.to_crs(metres).to_numpy())
    left = float(shapely.area(shapely.difference(ground, shapely.union_all(parts.geometry.to_numpy()))))
    if left <= _OPEN_SHARE * float(shapely.area(ground)):
        return []
    return tell(
        ["district"],
        "warning",
        "units_leave_ground",
        "units",
        f"{area_text(left)} of the zones lie in no area, and in no zone of a plan.",
        expected="areas that cover the zones",
        remedy="Supply areas for the whole district, or leave the file out to plan by schools.",
    )


def _about_schools(
    kept: gpd.GeoDataFrame, parts: gpd.GeoDataFrame, holder: NDArray[np.int64], far_m: NDArray[np.float64]
) -> list[Finding]:
    far = np.flatnonzero(far_m > _FAR_M)
    told = "; ".join(f"{kept['school_id'].iloc[i]} to {parts['unit_id'].iloc[holder[i]]}" for i in far[:5])
    return tell(
        kept["school_id"].iloc[far],
        "note",
        "schools_outside_areas",
        "units",
        f"{len(far)} schools stand in no area of their zone and go with the nearest: {told}.",
        expected="every school in an area of its zone",
        remedy="Look at the places of these schools.",
    )
