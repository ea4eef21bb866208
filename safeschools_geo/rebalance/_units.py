"""Units, the smallest pieces a plan moves: schools with their service areas, or areas supplied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.checks import area_text, report_rows
from safeschools_geo.crs import STORAGE_CRS, measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, InputError, attempt_all, count_text, refuse
from safeschools_geo.rebalance._areas import UnitsBuilt, about_land, about_left_out, about_schools, units_of_areas
from safeschools_geo.rebalance._cells import (
    Land,
    divide_zones,
    require_areas,
    require_columns,
    sites_of,
    stand,
    zones_without_schools,
)
from safeschools_geo.rebalance._tiling import TOLERANCE_M

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from safeschools_geo.findings import Finding
    from safeschools_geo.rebalance._cells import Standing, ZoneCells

    Labels = NDArray[np.int64]


# ── Tables about units: a plan in the order of the units, and the schools that the units hold


def in_order(assignment: pd.Series, units: gpd.GeoDataFrame) -> pd.Series:
    """Put an assignment into the order of the units, and refuse one that is not about them."""
    ids = pd.Index(units["unit_id"], name="unit_id")
    lost = ids.difference(assignment.dropna().index, sort=False)
    groups = {
        "The plan gives some units no zone.": lost,
        "The plan names units that are not known.": assignment.index.difference(ids, sort=False),
        "The plan gives some units two zones.": assignment.index[assignment.index.duplicated()].unique(),
    }
    refuse(
        InputError(
            problem,
            where="assignment",
            ids=which,
            expected="one zone for each unit",
            remedy="Give every unit of the table units one zone, and leave out all others.",
        )
        for problem, which in groups.items()
        if len(which)
    )
    ordered: pd.Series = assignment.loc[ids].astype("str").rename("zone_id")
    return ordered


def schools_of_units(units: gpd.GeoDataFrame) -> pd.Series:
    """Say which unit holds each school.

    Parameters
    ----------
    units
        `unit_id`, and `school_ids` (tuple of str) where there are any; without that column a unit is the school of its
        id.

    Returns
    -------
    pandas.Series
        Named `unit_id`, by `school_id`, in the order of the units.
    """
    if "school_ids" not in units.columns:
        schools, holders = units["unit_id"].tolist(), units["unit_id"].tolist()
    else:
        pairs = zip(units["unit_id"], units["school_ids"], strict=True)
        held = [(school, unit) for unit, members in pairs for school in members]
        schools, holders = [s for s, _ in held], [u for _, u in held]
    return pd.Series(holders, index=pd.Index(schools, name="school_id", dtype="str"), name="unit_id", dtype="str")


def schools_in_zones(schools: gpd.GeoDataFrame, school_zones: pd.Series) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """Take the schools of the program that have a place and a zone, and say why the others are left out.

    Parameters
    ----------
    schools
        `school_id`, geometry, and `in_program` where not every school is.
    school_zones
        `zone_id` by `school_id`; empty or missing where a school has none.

    Returns
    -------
    kept : geopandas.GeoDataFrame
        These schools with `zone_id`, on a fresh index.
    left_out : pandas.Series
        Why each of the others is left out, on the index of `schools`.
    """
    zone_id = schools["school_id"].map(school_zones[~school_zones.index.duplicated()]).astype("str").fillna("")
    shapes = schools.geometry
    reasons = {
        "not in the program": ~schools["in_program"].astype("bool") if "in_program" in schools else None,
        "without a place": shapes.isna() | shapes.is_empty,
        "without a zone": zone_id == "",
    }
    left_out = pd.Series("", index=schools.index, dtype="object")
    for reason, is_so in reasons.items():
        if is_so is not None:
            left_out[is_so & (left_out == "")] = reason
    kept = schools.assign(zone_id=zone_id)[left_out == ""].reset_index(drop=True)
    return kept, left_out[left_out != ""]


def natural_order(ids: Iterable[str]) -> list[str]:
    """Sort ids as people count: numbers by their value, then the others by their letters."""
    return sorted(set(ids), key=lambda i: (not i.isdecimal(), int(i) if i.isdecimal() else 0, i))


# ── Areal units of a district of schools: areas that are supplied, cut at the edges of the zones, and what they hold

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
    tolerance_m: float = TOLERANCE_M,
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
    tolerance_m
        Borders that miss each other by less than this, in meters, are one; the ground between them is divided.
    crs
        Projected CRS in meters to measure in; the UTM zone of the areas by default.

    Returns
    -------
    UnitsBuilt
        `units`: the columns of `units_of_schools`. An area without a school has a workload of 0 and can move like
        any other: it is what connects. An area of which more than 1 % lies in another zone is cut at the zone's edge,
        and its parts are called ``<unit_id>@<zone_id>``; less than that goes with the rest of the area.

    Raises
    ------
    ColumnError, CRSError, GeometryError, SeveralFaultsError
        When a column is missing, ids repeat, or areas overlap or are no valid polygons.
    """
    require_columns(areas, ["unit_id"], "units")
    require_areas(areas, "units", areas["unit_id"].to_numpy(dtype=object))
    meters = measuring_crs(areas, stated=crs)
    parts, beyond = _cut(areas, zones, meters)
    kept, _ = schools_in_zones(schools, school_zones)
    points = kept.geometry.to_crs(meters).representative_point()
    holder, far_m = _holders(points, kept["zone_id"].to_numpy(dtype=object), parts)
    parts = parts.assign(**_figures(kept, holder, len(parts), workload=workload, incidents=incidents))
    parts["anchor"] = _anchors(parts, points, holder)
    built = units_of_areas(
        parts.to_crs(STORAGE_CRS),
        unit_id="unit_id",
        zone="zone_id",
        workload="workload",
        tolerance_m=tolerance_m,
        crs=meters,
    )
    columns = ["unit_id", "zone_id", "workload", "name", "school_ids", "schools", "students", "incidents"]
    units = built.units[[c for c in [*columns, "anchor", "geometry"] if c in built.units]]
    about = (*built.findings, *_about_parts(parts, beyond), *_open_area_findings(parts, zones, meters))
    return UnitsBuilt(units, (*about, *_about_schools(kept, parts, holder, far_m)))


def _cut(areas: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, meters: object) -> tuple[gpd.GeoDataFrame, float]:
    """Cut areas at the edges of zones, in meters; and the ground in no zone, in square meters."""
    area, zone = areas.geometry.to_crs(meters).to_numpy(), zones.geometry.to_crs(meters).to_numpy()
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
    parts = _without_slivers(parts.to_crs(meters))
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
    found = report_rows(
        cut,
        "note",
        "units_cut",
        "units",
        f"{count_text(len(cut), 'area')} in more than one zone: cut at the edge, and each part moves by itself.",
        expected="areas that follow the edges of the zones",
        remedy="Nothing needs to be done.",
    )
    if beyond_m2 > _OPEN_SHARE * float(parts.area.sum()):
        found += report_rows(
            ["district"],
            "note",
            "units_beyond_zones",
            "units",
            f"{area_text(beyond_m2)} of the areas lie in no zone; they go with the rest of their area.",
            expected="areas inside the zones",
            remedy="Leave out areas that are not the district's.",
        )
    return found


def _open_area_findings(parts: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, meters: object) -> list[Finding]:
    land = shapely.union_all(zones.geometry.to_crs(meters).to_numpy())
    left = float(shapely.area(shapely.difference(land, shapely.union_all(parts.geometry.to_numpy()))))
    if left <= _OPEN_SHARE * float(shapely.area(land)):
        return []
    return report_rows(
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
    text = "; ".join(f"{kept['school_id'].iloc[i]} to {parts['unit_id'].iloc[holder[i]]}" for i in far[:5])
    return report_rows(
        kept["school_id"].iloc[far],
        "note",
        "schools_outside_areas",
        "units",
        f"{count_text(len(far), 'school')} in no area of the zone, taken with the nearest: {text}.",
        expected="every school in an area of its zone",
        remedy="Look at the places of these schools.",
    )


# ── Units, the smallest pieces a plan moves: schools with their service areas, or areas that are supplied


def units_of_schools(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries | None,
    school_zones: pd.Series,
    workload: pd.Series,
    *,
    incidents: pd.Series | None = None,
    tolerance_m: float = TOLERANCE_M,
    crs: object = None,
) -> UnitsBuilt:
    """Divide each zone among the schools that are assigned to it, each place to the school nearest to it.

    Parameters
    ----------
    schools
        Schools with `school_id`, points or campuses, with a CRS; those with `in_program` false are left out. `name` and
        `enrollment` are passed on where they are given.
    zones
        Table `zones`, with a CRS.
    district
        Valid polygons that together are the district; None where the zones are all of it.
    school_zones
        `zone_id` by `school_id`; empty or missing where a school has none.
    workload
        Officer-hours per school day (or any load) by `school_id`.
    incidents
        Number of incidents by `school_id`, if it is known.
    tolerance_m
        Borders that miss each other by less than this, in meters, are one; the ground between them is divided.
    crs
        Projected CRS in meters to measure in; the UTM zone of the zones by default.

    Returns
    -------
    UnitsBuilt
        `units`: `unit_id` (id of the first school of a site), `zone_id`, `workload`, `name`, `school_ids` (tuple of
        str), `schools`, `students` (of the schools whose enrollment is known; missing where none is), `incidents` where
        given, geometry and `anchor` (the place of the first school), both EPSG:4326, in the order of the schools; then
        the zones without a school, as ``zone:<id>`` with a workload of 0. The units are an exact coverage, on the grid
        of seven decimals, and dissolve by `zone_id` into the zones as they are, apart from what `findings` tells.

    Raises
    ------
    CRSError, ColumnError, GeometryError, SeveralFaultsError
        When a layer states no CRS, lacks a column, or is not valid areas; when ids repeat; when a school's zone is not
        among the zones; when a workload is missing, negative or not a number. All faults are gathered.

    Notes
    -----
    What the zones leave open is decided so, and told in `findings`:

    - Ground that several zones claim goes to the first of them in the file, as its incidents do.
    - Ground between zones that is narrower than the tolerance is divided along its middle.
    - Other ground of the district in no zone goes to the nearest school's unit, or to a neighbor of it.
    - A school on the edge of its zone (within 0.5 m), or outside every zone, is put at the nearest place inside its
      zone. A school well inside another zone than its own takes its service area there with it: only then does the
      edge of a zone move.
    - Schools at one site (up to 2 m apart, in a chain) are one unit. Where they are assigned to different zones and
      stand on the ground of one, they are in that zone.
    - A part of a zone cut off from its school goes to the neighbor in the zone with the longest shared border; a part
      without any school, to the nearest unit of the zone.
    - A campus drawn as an area belongs to its own unit as far as it lies in the zone.
    """
    _require_inputs(schools, zones, district, school_zones, workload)
    meters = measuring_crs(zones, stated=crs)
    land = Land.of(zones, district, meters, tolerance_m=tolerance_m)
    kept, left_out = schools_in_zones(schools, school_zones)
    own = pd.Index(land.zone_ids).get_indexer(kept["zone_id"]).astype("int64")
    points = kept.geometry.to_crs(STORAGE_CRS).representative_point()
    standing = stand(points, own, land)
    unit = pd.factorize(pd.MultiIndex.from_arrays([standing.row, sites_of(standing.true_xy)]))[0].astype("int64")
    zone = _zone_of_units(unit, own, standing, zones=len(land.zone_ids))
    zone_id = np.array(land.zone_ids, dtype=object)[np.r_[zone, zones_without_schools(standing, land)]]
    cells = divide_zones(kept.geometry.to_crs(STORAGE_CRS), standing, unit, land)
    units = _as_units(kept, points, unit, zone_id, cells)
    units = _with_figures(units, kept, unit, workload=workload, incidents=incidents)
    findings = (
        *about_left_out(schools, left_out),
        *about_land(land, cells.faces, zone_id[cells.owner], cells.group < 0),
        *about_schools(kept, standing, units, unit, islands=cells.islands),
    )
    return UnitsBuilt(units, findings)


def _require_inputs(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries | None,
    school_zones: pd.Series,
    workload: pd.Series,
) -> None:
    attempt_all(
        {
            "school_columns": lambda: require_columns(schools, ["school_id"], "schools"),
            "zone_columns": lambda: require_columns(zones, ["zone_id"], "zones"),
        }
    )
    kept, left_out = schools_in_zones(schools, school_zones)
    attempt_all(
        {
            "schools": lambda: _require_ids(schools),
            "any": lambda: _require_some(kept, left_out),
            "zones": lambda: require_areas(zones, "zones", zones["zone_id"].to_numpy(dtype=object)),
            "district": lambda: (
                None if district is None else require_areas(district, "district", district.index.to_numpy(dtype=object))
            ),
            "school_zones": lambda: _require_known_zones(kept["zone_id"], kept["school_id"], zones["zone_id"]),
            "workload": lambda: _require_loads(kept["school_id"], workload),
        }
    )


def _require_ids(schools: gpd.GeoDataFrame) -> None:
    require_crs(schools, "schools")
    ids = schools["school_id"]
    if ids.duplicated().any() or ids.isna().any():
        raise ColumnError(
            "Some schools have no id, or one that others have as well.",
            where="schools",
            ids=[*ids[ids.duplicated()].dropna().unique(), *["(none)"] * int(ids.isna().any())],
            expected="each school_id once",
            remedy="Fix the ids in the file of the schools.",
        )


def _require_some(kept: gpd.GeoDataFrame, left_out: pd.Series) -> None:
    if len(kept) == 0:
        raise ColumnError(
            "There is no school to make a unit of.",
            where="schools",
            found=", ".join(f"{n} {why}" for why, n in left_out.value_counts().items()) or "no schools",
            expected="one school of the program or more, with a place and a zone",
            remedy="Look at which schools the settings keep, and at their zones.",
        )


def _require_known_zones(given: pd.Series, school_ids: pd.Series, zone_ids: pd.Series) -> None:
    is_unknown = ~given.isin(zone_ids.astype("str"))
    if is_unknown.any():
        raise ColumnError(
            "Some schools are assigned to zones that there are not.",
            where="school_zones",
            ids=school_ids[is_unknown],
            found=", ".join(sorted(given[is_unknown].unique())),
            expected=", ".join(zone_ids.astype("str")),
            remedy="Assign the schools to the zones of this file.",
        )


def _require_loads(school_ids: pd.Series, workload: pd.Series) -> None:
    load = pd.to_numeric(school_ids.map(workload[~workload.index.duplicated()]), errors="coerce")
    is_wrong = ~(np.isfinite(load) & (load >= 0))
    repeated = workload.index[workload.index.duplicated()]
    if is_wrong.any() or len(repeated):
        raise ColumnError(
            "The workload of some schools is not known.",
            where="workload",
            ids=[*school_ids[is_wrong], *repeated.unique()],
            found="no value, a negative one, or several for one school",
            expected="a number of 0 or more for each school of the program",
            remedy="Count the workload of one term, with these schools.",
        )


def _zone_of_units(unit: Labels, own: Labels, standing: Standing, *, zones: int) -> Labels:
    """Find the zone of each unit: that of its schools; the one they stand in, if it is one of several."""
    # Who stands in the zone he is assigned to comes first.
    rank = np.where(own == standing.row, 0, zones) + np.arange(len(own)) / max(len(own), 1)
    first = pd.Series(rank).groupby(unit).idxmin().to_numpy()
    chosen: Labels = own[first]
    return chosen


def _as_units(
    kept: gpd.GeoDataFrame,
    points: gpd.GeoSeries,
    unit: Labels,
    zone_id: NDArray[np.object_],
    cells: ZoneCells,
) -> gpd.GeoDataFrame:
    is_lost = ~np.isin(unit, cells.owner)
    if is_lost.any():
        raise GeometryError(
            "Some schools stand where their zone is narrower than 1 cm, and get no service area.",
            where="schools",
            ids=kept["school_id"][is_lost],
            expected="schools that do not stand in a needle of a zone's boundary",
            remedy="Fix the coordinates or the zone there.",
        )
    shapes = [shapely.coverage_union_all(cells.faces.shapes[cells.owner == k]) for k in range(len(zone_id))]
    first = np.unique(unit, return_index=True)[1]
    empty = [_free_id(f"zone:{z}", set(kept["school_id"])) for z in zone_id[len(first) :]]
    anchors = [*points.iloc[first], *shapely.point_on_surface(np.array(shapes[len(first) :], dtype=object))]
    return gpd.GeoDataFrame(
        {
            "unit_id": pd.array([*kept["school_id"].iloc[first].astype("str"), *empty], dtype="str"),
            "zone_id": pd.array(zone_id, dtype="str"),
            "anchor": gpd.GeoSeries(anchors, crs=STORAGE_CRS),
        },
        geometry=gpd.GeoSeries(shapes, crs=STORAGE_CRS),
        crs=STORAGE_CRS,
    )


def _free_id(wanted: str, taken: set[str]) -> str:
    while wanted in taken:
        wanted = f"zone:{wanted}"
    return wanted


def _with_figures(
    units: gpd.GeoDataFrame,
    kept: gpd.GeoDataFrame,
    unit: Labels,
    *,
    workload: pd.Series,
    incidents: pd.Series | None,
) -> gpd.GeoDataFrame:
    """Add up what the schools of each unit count for."""
    everyone = range(len(units))
    ids = kept["school_id"].astype("str")

    def total(values: pd.Series, *, fewest: int = 0) -> NDArray[np.float64]:
        added = values.astype("float64").groupby(unit).sum(min_count=fewest).reindex(everyone, fill_value=0.0)
        summed: NDArray[np.float64] = np.asarray(added, dtype="float64")
        return summed

    columns: dict[str, object] = {
        "unit_id": units["unit_id"],
        "zone_id": units["zone_id"],
        "workload": total(ids.map(workload)),
    }
    if "name" in kept:
        names = kept["name"].astype("str").groupby(unit).agg(" + ".join).reindex(everyone)
        columns["name"] = names.fillna("Zone " + units["zone_id"] + " (no school)").astype("str")
    members = ids.groupby(unit).agg(tuple).reindex(everyone)
    columns["school_ids"] = [m if isinstance(m, tuple) else () for m in members]
    columns["schools"] = np.bincount(unit, minlength=len(units)).astype("int64")
    if "enrollment" in kept:
        columns["students"] = total(pd.Series(kept["enrollment"].to_numpy("float64", na_value=np.nan)), fewest=1)
    if incidents is not None:
        columns["incidents"] = total(ids.map(incidents).fillna(0)).astype("int64")
    return gpd.GeoDataFrame({**columns, "anchor": units["anchor"]}, geometry=units.geometry, crs=STORAGE_CRS)
