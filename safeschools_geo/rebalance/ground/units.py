"""Units, the smallest pieces a plan moves: schools with their service areas, or areas that are supplied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import STORAGE_CRS, measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, attempt_all
from safeschools_geo.rebalance.ground.areas import units_of_areas
from safeschools_geo.rebalance.ground.cells import sites_of
from safeschools_geo.rebalance.ground.grounds import Ground, require_areas, require_columns, stand
from safeschools_geo.rebalance.ground.unit_findings import UnitsBuilt, about_ground, about_left_out, about_schools
from safeschools_geo.rebalance.ground.unit_tables import schools_in_zones
from safeschools_geo.rebalance.ground.zone_cells import divide_zones, zones_without_schools

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.rebalance.ground.grounds import Standing
    from safeschools_geo.rebalance.ground.zone_cells import ZoneCells

    Labels = NDArray[np.int64]

__all__ = ["UnitsBuilt", "units_of_areas", "units_of_schools"]


def units_of_schools(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries | None,
    school_zones: pd.Series,
    workload: pd.Series,
    *,
    incidents: pd.Series | None = None,
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
    crs
        Projected CRS in metres to measure in; the UTM zone of the zones by default.

    Returns
    -------
    UnitsBuilt
        `units`: `unit_id` (id of the first school of a site), `zone_id`, `workload`, `name`, `school_ids` (tuple of
        str), `schools`, `students` (of the schools whose enrolment is known; missing where none is), `incidents` where
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
    - Ground of the district in no zone goes to the nearest school's unit, or to a neighbour of it.
    - A school on the edge of its zone (within 0.5 m), or outside every zone, is put at the nearest place inside its
      zone. A school well inside another zone than its own takes its service area there with it: only then does the
      edge of a zone move.
    - Schools at one site (up to 2 m apart, in a chain) are one unit. Where they are assigned to different zones and
      stand on the ground of one, they are in that zone.
    - A part of a zone cut off from its school goes to the neighbour in the zone with the longest shared border; a part
      without any school, to the nearest unit of the zone.
    - A campus drawn as an area belongs to its own unit as far as it lies in the zone.
    """
    _require_inputs(schools, zones, district, school_zones, workload)
    metres = measuring_crs(zones, stated=crs)
    ground = Ground.of(zones, district, metres)
    kept, left_out = schools_in_zones(schools, school_zones)
    own = pd.Index(ground.zone_ids).get_indexer(kept["zone_id"]).astype("int64")
    points = kept.geometry.to_crs(STORAGE_CRS).representative_point()
    standing = stand(points, own, ground)
    unit = pd.factorize(pd.MultiIndex.from_arrays([standing.row, sites_of(standing.true_xy)]))[0].astype("int64")
    zone = _zone_of_units(unit, own, standing, zones=len(ground.zone_ids))
    zone_id = np.array(ground.zone_ids, dtype=object)[np.r_[zone, zones_without_schools(standing, ground)]]
    cells = divide_zones(kept.geometry.to_crs(STORAGE_CRS), standing, unit, ground)
    units = _as_units(kept, points, unit, zone_id, cells)
    units = _with_figures(units, kept, unit, workload=workload, incidents=incidents)
    findings = (
        *about_left_out(schools, left_out),
        *about_ground(ground, cells.faces, zone_id[cells.owner], cells.group < 0),
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
            remedy="Mend the ids in the file of the schools.",
        )


def _require_some(kept: gpd.GeoDataFrame, left_out: pd.Series) -> None:
    if len(kept) == 0:
        raise ColumnError(
            "There is no school to make a unit of.",
            where="schools",
            found=", ".join(f"{n} {why}" for why, n in left_out.value_counts().items()) or "no schools",
            expected="one school of the programme or more, with a place and a zone",
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
            expected="a number of 0 or more for each school of the programme",
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
            remedy="Mend the coordinates or the zone there.",
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
