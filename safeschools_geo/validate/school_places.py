"""Where schools are: somewhere, in one zone, off its border, inside the district."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.validate.coordinates import UNUSABLE, check_coordinates, classify_coordinates
from safeschools_geo.validate.geometry import in_metres
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.results import Finding, Severity

BORDER_M = 0.5
"""How near the edges of two zones a school is on their border, in metres; the distance of an assignment."""

_SAME_PLACE_DECIMALS = 6  # degrees: about 10 cm


def check_places(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    crs: CRS,
    boundary: gpd.GeoDataFrame | None = None,
) -> list[Finding]:
    """Check where schools are.

    Parameters
    ----------
    schools
        Table `schools`, EPSG:4326.
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.
    boundary
        The district, EPSG:4326, if it is known.

    Returns
    -------
    list of Finding
        All faults. A school whose coordinates are no place at all is told of once, not as outside the zones as well.
    """
    extent = zones.geometry if boundary is None else boundary.geometry
    codes = classify_coordinates(schools.geometry, extent)
    placed = schools[~codes.isin([*UNUSABLE, "missing"])]
    return [
        *check_missing(schools),
        *check_coordinates(schools.geometry, schools["school_id"], extent, table="schools", severity="error"),
        *check_shared(placed),
        *check_in_zones(placed, zones, crs=crs),
        *([] if boundary is None else check_in_boundary(placed, boundary, crs=crs)),
    ]


def check_missing(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools that are nowhere.

    Parameters
    ----------
    schools
        Table `schools`, EPSG:4326.

    Returns
    -------
    list of Finding
        An error for programme schools, a note for others.
    """
    is_nowhere = ~np.isfinite(shapely.bounds(schools.geometry.to_numpy())).all(axis=1)
    return _by_programme(
        schools[is_nowhere],
        "error",
        "school_no_location",
        "without a place on the map, and so without a zone",
        expected="coordinates, or a campus drawn as a polygon",
        remedy="Fill in longitude and latitude.",
    )


def check_shared(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools at one and the same place.

    Parameters
    ----------
    schools
        Table `schools`, rows with usable places, EPSG:4326.

    Returns
    -------
    list of Finding
        One, or none.
    """
    boxes = shapely.bounds(schools.geometry.to_numpy()).round(_SAME_PLACE_DECIMALS)
    place = pd.Series([tuple(box) for box in boxes.tolist()], index=schools.index, dtype="object")
    is_shared = place.duplicated(keep=False)
    return tell(
        schools["school_id"][is_shared],
        "note",
        "schools_same_place",
        "schools",
        f"{count_text(int(is_shared.sum()), 'school')} at a place that another school has, at "
        f"{count_text(place[is_shared].nunique(), 'place')} in all.",
        expected="a place of its own for each school, unless they share a campus",
        remedy="Look at the addresses; incidents placed by coordinates alone cannot be told apart there.",
    )


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
    areas = in_metres(zones.geometry[~(zones.geometry.isna() | zones.geometry.is_empty)], crs).to_numpy()
    shapes = in_metres(schools.geometry, crs).to_numpy()
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    covering = np.bincount(shapely.STRtree(areas).query(shapes, predicate="intersects")[0], minlength=len(shapes))
    edges = shapely.STRtree(shapely.boundary(areas))
    near = np.bincount(edges.query(shapes, predicate="dwithin", distance=BORDER_M)[0], minlength=len(shapes))
    is_border = is_point & (near > 1)
    is_double = is_point & (covering > 1) & ~is_border
    is_out = (covering == 0) & ~is_border
    return [
        *_by_programme(
            schools[is_out],
            "error",
            "school_outside_zones",
            f"outside every zone{_distances(schools[is_out], shapes[is_out], areas)}",
            expected="every programme school in a zone",
            remedy="Correct the coordinates, or the zones; `max_snap_m` under [assign] gives a school that is only a "
            "few metres outside to the nearest zone.",
        ),
        *tell(
            schools["school_id"][is_border],
            "warning",
            "school_on_border",
            "schools",
            f"{count_text(int(is_border.sum()), 'school')} on a border that zones share, and so in the zone that comes "
            "first in the file.",
            expected=f"schools more than {BORDER_M} m from the border of their zone",
            remedy="Draw the border around the campus, or move the school's point to its main building.",
        ),
        *tell(
            schools["school_id"][is_double],
            "warning",
            "school_in_two_zones",
            "schools",
            f"{count_text(int(is_double.sum()), 'school')} where zones overlap, and so in the zone that comes first in "
            "the file.",
            expected="every school in one zone only",
            remedy="Mend the overlap of the zones.",
        ),
    ]


def check_in_boundary(schools: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find schools outside the district.

    Parameters
    ----------
    schools
        Table `schools`, rows with usable places, EPSG:4326.
    boundary
        The district, EPSG:4326.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Finding
        Schools outside, with their distance (a warning at programme schools, a note at others).
    """
    areas = in_metres(boundary.geometry, crs).to_numpy()
    shapes = in_metres(schools.geometry, crs).to_numpy()
    is_out = ~shapely.intersects(shapes, shapely.union_all(areas))
    return _by_programme(
        schools[is_out],
        "warning",
        "school_outside_boundary",
        f"outside the district{_distances(schools[is_out], shapes[is_out], areas)}",
        expected="schools of the district inside its boundary",
        remedy="Correct the coordinates or the boundary; leave schools of other districts out with a `keep` setting.",
    )


def _distances(schools: gpd.GeoDataFrame, shapes: np.ndarray, areas: np.ndarray) -> str:
    """Name schools with their distances, farthest first, as the end of a sentence."""
    if not len(areas) or schools.empty:
        return ""
    metres = shapely.distance(shapes, shapely.union_all(areas))
    ids = schools["school_id"].to_numpy()
    return ": " + name_ids(f"{ids[i]} by {metres[i]:,.0f} m" for i in np.argsort(-metres, kind="stable"))


def _by_programme(
    schools: gpd.GeoDataFrame, severity: Severity, code: str, fault: str, *, expected: str, remedy: str
) -> list[Finding]:
    """Tell of schools with the severity given if one of them is in the programme, else in a note."""
    members = int(schools["in_program"].sum())
    noun = "programme school" if members == len(schools) else "school"
    whose = "" if members == len(schools) else f", {members or 'none'} of them in the programme,"
    return tell(
        schools["school_id"],
        severity if members else "note",
        code,
        "schools",
        f"{count_text(len(schools), noun)}{whose} {fault}.",
        expected=expected,
        remedy=remedy,
    )
