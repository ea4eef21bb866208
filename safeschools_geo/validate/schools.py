"""Schools: each once, with a name, a level, an enrolment, and a place in one zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.errors import name_ids
from safeschools_geo.results import Finding
from safeschools_geo.validate.coordinates import UNUSABLE, check_coordinates, classify_coordinates
from safeschools_geo.validate.geometry import in_metres

if TYPE_CHECKING:
    from pyproj import CRS

    from safeschools_geo.results import Severity

BORDER_M = 0.5
"""How near a border a school is on it, in metres; as in `assign`."""

MOST_STUDENTS = 6000
"""An enrolment above this is taken for a slip; the largest schools of the United States have fewer or hardly more."""

_SAME_PLACE_DECIMALS = 6  # degrees: about 10 cm


def check_schools(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    crs: CRS,
    boundary: gpd.GeoDataFrame | None = None,
) -> list[Finding]:
    """Check the schools of a district.

    Parameters
    ----------
    schools
        Table `schools`, EPSG:4326; ids need not be unique here.
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.
    boundary
        The district, EPSG:4326, if it is known.

    Returns
    -------
    list of Finding
        All faults; none for a clean table.
    """
    extent = zones.geometry if boundary is None else boundary.geometry
    codes = classify_coordinates(schools.geometry, extent)
    is_placed = ~codes.isin([*UNUSABLE, "missing"])
    return [
        *check_ids(schools),
        *check_names(schools),
        *check_levels(schools),
        *check_enrollment(schools),
        *check_places(schools),
        *check_coordinates(schools.geometry, schools["school_id"], extent, table="schools", severity="error"),
        *check_in_zones(schools[is_placed], zones, crs=crs),
        *check_in_boundary(schools[is_placed], boundary, crs=crs),
    ]


def check_ids(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find ids that several schools have.

    Parameters
    ----------
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        One, or none.
    """
    repeated = schools["school_id"][schools["school_id"].duplicated(keep=False)]
    return _told(
        list(dict.fromkeys(repeated)),
        "error",
        "school_id_duplicate",
        f"{len(repeated)} rows share their school_id with another.",
        expected="an id of its own for each school",
        remedy="Delete the rows that are the same school, and correct the ids of the others.",
    )


def check_names(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools without a name of their own.

    Parameters
    ----------
    schools
        Table `schools`; a name that equals the id counts as none.

    Returns
    -------
    list of Finding
        One for missing names, one for names that several schools have.
    """
    plain = schools["name"].fillna("").str.split().str.join(" ").str.casefold()
    is_nameless = (plain == "") | (plain == schools["school_id"].str.casefold())
    is_shared = ~is_nameless & plain.duplicated(keep=False)
    return [
        *_told(
            schools["school_id"][is_nameless],
            "warning",
            "school_name_missing",
            f"{int(is_nameless.sum())} schools have no name.",
            expected="the name people use",
            remedy="Fill in the names; incidents are matched to schools by them, and maps show them.",
        ),
        *_told(
            schools["school_id"][is_shared],
            "warning",
            "school_name_duplicate",
            f"{int(is_shared.sum())} schools share their name with another: "
            f"{name_ids(dict.fromkeys(schools['name'][is_shared]))}.",
            expected="names that tell schools apart",
            remedy="Check that they are different schools; incidents that give only the name cannot be told apart.",
        ),
    ]


def check_levels(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools that are none of the usual levels.

    Parameters
    ----------
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        One, or none.
    """
    is_other = schools["level"] == "other"
    return _told(
        schools["school_id"][is_other],
        "note",
        "school_level_other",
        f"{int(is_other.sum())} schools are of the level other; their hours and visits are those of that level.",
        expected="elementary, middle, high or k8 where it applies",
        remedy="Map their values under [schools.levels] in district.toml.",
    )


def check_enrollment(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find programme schools whose number of students is missing or hard to believe.

    Parameters
    ----------
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        One for missing numbers at programme schools, one for numbers that are not between 1 and `MOST_STUDENTS`.
    """
    students = schools["enrollment"].astype("Float64")
    is_missing = students.isna() & schools["in_program"]
    is_odd = ((students <= 0) | (students > MOST_STUDENTS)).fillna(value=False).astype(bool)
    odd = [f"{i} ({n:,.0f})" for i, n in zip(schools["school_id"][is_odd], students[is_odd], strict=True)]
    return [
        *_told(
            schools["school_id"][is_missing],
            "warning",
            "enrollment_missing",
            f"{int(is_missing.sum())} of {int(schools['in_program'].sum())} programme schools have no enrolment, and so "
            "no rates.",
            expected="a number of students for every programme school",
            remedy="Fill in the numbers, or name a file that has them under [schools.enrollment_file].",
        ),
        *_told(
            schools["school_id"][is_odd],
            "warning",
            "enrollment_unlikely",
            f"{len(odd)} schools have an enrolment that is hard to believe: {name_ids(odd)}.",
            expected=f"1 to {MOST_STUDENTS:,} students",
            remedy="Correct the numbers; leave the cell empty where the enrolment is not known.",
        ),
    ]


def check_places(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools without a place, and places with several schools.

    Parameters
    ----------
    schools
        Table `schools`, EPSG:4326.

    Returns
    -------
    list of Finding
        Missing places (an error at programme schools, a note at others) and places shared.
    """
    shapes = schools.geometry.to_numpy()
    xy = shapely.bounds(shapes).round(_SAME_PLACE_DECIMALS)
    is_nowhere = pd.Series(~np.isfinite(xy).all(axis=1), index=schools.index)
    place = pd.Series([tuple(box) for box in xy.tolist()], index=schools.index)
    is_shared = ~is_nowhere & place.duplicated(keep=False)
    return [
        *_by_programme(
            schools[is_nowhere],
            "school_no_location",
            "have no place on the map, and so no zone",
            expected="coordinates, or a campus drawn as a polygon",
            remedy="Fill in longitude and latitude.",
        ),
        *_told(
            schools["school_id"][is_shared],
            "note",
            "schools_same_place",
            f"{int(is_shared.sum())} schools stand at a place that another school has, {place[is_shared].nunique()} "
            "places in all.",
            expected="a place of its own for each school, unless they share a campus",
            remedy="Look at the addresses; incidents placed by coordinates alone cannot be told apart there.",
        ),
    ]


def check_in_zones(schools: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find schools that are in no zone, in two, or on the border between them.

    Parameters
    ----------
    schools
        Table `schools`, rows with usable places, EPSG:4326.
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Finding
        Schools outside every zone, with their distance to the nearest (an error at programme schools, a note at
        others); schools given as points that are within `BORDER_M` of the edges of two zones, or else inside both. A
        campus that reaches into a zone is not outside, and its shares are for the assignment to report.
    """
    areas = in_metres(zones.geometry[~zones.is_empty], crs).to_numpy()
    shapes = in_metres(schools.geometry, crs).to_numpy()
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    covering = np.bincount(shapely.STRtree(areas).query(shapes, predicate="intersects")[0], minlength=len(shapes))
    edges = shapely.STRtree(shapely.boundary(areas))
    near = np.bincount(edges.query(shapes, predicate="dwithin", distance=BORDER_M)[0], minlength=len(shapes))
    is_border = is_point & (near > 1)
    is_double = is_point & (covering > 1) & ~is_border
    ids = schools["school_id"]
    return [
        *_outside(schools, np.flatnonzero((covering == 0) & ~is_border), areas, crs, place="every zone"),
        *_told(
            ids[is_border],
            "warning",
            "school_on_border",
            f"{int(is_border.sum())} schools stand on a border that two zones share; the zone that comes first in the file "
            "gets them.",
            expected=f"schools more than {BORDER_M} m from the border of their zone",
            remedy="Draw the border around the campus, or move the school's point to its main building.",
        ),
        *_told(
            ids[is_double],
            "warning",
            "school_in_two_zones",
            f"{int(is_double.sum())} schools stand where zones overlap; the zone that comes first in the file gets them.",
            expected="every school in one zone only",
            remedy="Mend the overlap of the zones.",
        ),
    ]


def check_in_boundary(schools: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame | None, *, crs: CRS) -> list[Finding]:
    """Find schools outside the district.

    Parameters
    ----------
    schools
        Table `schools`, rows with usable places, EPSG:4326.
    boundary
        The district, EPSG:4326; nothing is checked without it.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Finding
        Schools outside, with their distance (a warning at programme schools, a note at others).
    """
    if boundary is None:
        return []
    areas = in_metres(boundary.geometry, crs).to_numpy()
    shapes = in_metres(schools.geometry, crs).to_numpy()
    is_out = np.ones(len(shapes), dtype=bool)
    is_out[shapely.STRtree(areas).query(shapes, predicate="intersects")[0]] = False
    return _outside(schools, np.flatnonzero(is_out), areas, crs, place="the boundary of the district")


def _outside(
    schools: gpd.GeoDataFrame, rows: np.ndarray, areas: np.ndarray, crs: CRS, *, place: str
) -> list[Finding]:
    away = schools.iloc[rows]
    if away.empty or not len(areas):
        return []
    shapes = in_metres(away.geometry, crs).to_numpy()
    metres = shapely.distance(shapes, shapely.union_all(areas))
    labels = pd.Series([f"{i} ({m:,.0f} m)" for i, m in zip(away["school_id"], metres, strict=True)], index=away.index)
    is_zone = place == "every zone"
    return _by_programme(
        away,
        "school_outside_zones" if is_zone else "school_outside_boundary",
        f"are outside {place}",
        labels=labels,
        severity="error" if is_zone else "warning",
        expected="every programme school in a zone" if is_zone else "schools of the district inside its boundary",
        remedy="Correct the coordinates of the school, or the polygons; `max_snap_m` under [assign] gives a school that is "
        "a few metres outside to the nearest zone."
        if is_zone
        else "Correct the coordinates or the boundary; leave schools of other districts out with a `keep` setting.",
    )


def _by_programme(
    schools: gpd.GeoDataFrame,
    code: str,
    fault: str,
    *,
    expected: str,
    remedy: str,
    severity: Severity = "error",
    labels: pd.Series | None = None,
) -> list[Finding]:
    """Tell of programme schools with the severity given, and of others in a note."""
    findings = []
    groups: tuple[tuple[Severity, str, pd.Series], ...] = (
        (severity, "programme schools", schools["in_program"]),
        ("note", "schools that are not in the programme", ~schools["in_program"]),
    )
    for level, who, is_meant in groups:
        some = schools[is_meant]
        named = "" if labels is None else f": {name_ids(labels[is_meant])}"
        message = f"{len(some)} {who} {fault}{named}."
        findings += _told(some["school_id"], level, code, message, expected=expected, remedy=remedy)
    return findings


def _told(
    ids: pd.Series | list[str], severity: Severity, code: str, message: str, *, expected: str, remedy: str
) -> list[Finding]:
    if not len(ids):
        return []
    return [
        Finding(severity, code, "schools", message, tuple(str(i) for i in ids), expected=expected, remedy=remedy),
    ]
