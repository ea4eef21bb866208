"""Schools, zones and coordinates: what is wrong with them, where, and how to repair it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.checks._polygons import area_text, check_cover, in_meters, pieces, report_rows
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyproj import CRS

    from safeschools_geo.checks._polygons import Patch
    from safeschools_geo.findings import Severity


# ── Coordinates that cannot be where they say: swapped, sign-flipped, zero, not degrees, or far away

FAR_M = 50_000.0
"""Meters from the district's bounding box beyond which a place cannot be one of the district's."""

_METERS_PER_DEGREE = 111_320.0
_EXAMPLES = 2
_MOST = 0.5
_OTHER_CRS = "Most are displaced: see whether the CRS that is stated for them is right."
_FINE_DECIMALS, _SAME_DEGREES, _FEWEST_COARSE = 4, 1e-9, 5
_FAULTS: dict[str, tuple[str, str]] = {
    "swapped": (
        "with longitude and latitude the wrong way round",
        "Exchange the two columns: x is the longitude, y the latitude.",
    ),
    "sign_flipped": (
        "with the wrong sign",
        "Longitudes west of Greenwich and latitudes south of the equator are negative: put the minus sign back.",
    ),
    "null_island": (
        "with a zero where a coordinate should be, which geocoders write when they find nothing",
        "Leave the coordinates of such rows empty, or geocode their addresses again.",
    ),
    "not_degrees": (
        "with numbers that are no longitude and latitude; they look like meters or feet",
        "State the CRS they are in, or export these rows in degrees like the others.",
    ),
    "far_outside": (
        f"more than {FAR_M / 1000:.0f} km from the district",
        "Check the addresses; leave out rows of other districts with a `keep` setting.",
    ),
}
UNUSABLE = ("swapped", "sign_flipped", "null_island", "not_degrees")
"""Codes of coordinates that are no place at all, however far one looks."""


def classify_coordinates(points: gpd.GeoSeries, extent: gpd.GeoSeries) -> pd.Series:
    """Judge each place against the district.

    Parameters
    ----------
    points
        Points, or areas judged by the middle of their bounding box, EPSG:4326.
    extent
        The district: its boundary or its zones, EPSG:4326; every place is near an empty one.

    Returns
    -------
    pandas.Series
        Named `coordinates`, dtype str, on the index of `points`: ``ok``; ``missing``; ``null_island`` (a coordinate is
        exactly zero); ``swapped`` or ``sign_flipped`` (the place would be the district's if they were not);
        ``not_degrees`` (beyond ±180, ±90); ``far_outside`` (more than `FAR_M` meters from the district's bounding box).
        The first that fits, with ``ok`` before all faults.
    """
    bounds = shapely.bounds(points.to_numpy())
    with np.errstate(invalid="ignore"):
        x, y = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    is_near = _nearness(extent)
    flips = ((-1, 1), (1, -1), (-1, -1))
    cases = {
        "missing": ~(np.isfinite(x) & np.isfinite(y)),
        "ok": is_near(x, y),
        "null_island": (x == 0) | (y == 0),
        "swapped": np.any([is_near(a * y, b * x) for a, b in ((1, 1), *flips)], axis=0),
        "sign_flipped": np.any([is_near(a * x, b * y) for a, b in flips], axis=0),
        "not_degrees": (np.abs(x) > 180) | (np.abs(y) > 90),  # noqa: PLR2004 - the globe
    }
    numbers = np.select(list(cases.values()), list(range(len(cases))), default=len(cases))
    codes = np.array([*cases, "far_outside"], dtype="object")[numbers]
    return pd.Series(codes, index=points.index, name="coordinates", dtype="str")


def check_coordinates(
    points: gpd.GeoSeries, ids: pd.Series, extent: gpd.GeoSeries, *, table: str, severity: Severity = "warning"
) -> list[Finding]:
    """Name the rows whose coordinates cannot be where they say.

    Parameters
    ----------
    points
        Places, EPSG:4326; a missing place is for its table to judge.
    ids
        Id of each row, in the order of `points`.
    extent
        The district: its boundary or its zones, EPSG:4326.
    table
        What the rows are.
    severity
        How bad unusable coordinates are in this table; a place that is only far away is a warning. A fault that more
        than half of the places have is an error.

    Returns
    -------
    list of Finding
        One for each kind of fault, coded ``coordinates_`` and the kind.
    """
    codes = classify_coordinates(points, extent)
    findings = []
    placed = int((codes != "missing").sum())
    for code, (fault, remedy) in _FAULTS.items():
        rows = np.flatnonzero(codes == code)
        message = f"{count_text(len(rows), table.removesuffix('s'), of=len(points))} {fault}"
        is_most = len(rows) > _MOST * placed
        findings += report_rows(
            ids.iloc[rows],
            "error" if is_most else "warning" if code == "far_outside" else severity,
            f"coordinates_{code}",
            table,
            f"{message}; for example {_examples(points, rows)}.",
            expected=f"longitude and latitude of the district, about {_box_text(extent)}",
            remedy=f"{_OTHER_CRS} {remedy}" if is_most and code == "far_outside" else remedy,
        )
    return [*findings, *_coarse(points, ids, table)]


def _coarse(points: gpd.GeoSeries, ids: pd.Series, table: str) -> list[Finding]:
    """Find coordinates that most rows have with so few decimals that they say no more than the neighborhood."""
    bounds = shapely.bounds(points.to_numpy())
    is_placed = (
        np.isfinite(bounds).all(axis=1) & (bounds[:, :2] == bounds[:, 2:]).all(axis=1) & (bounds != 0).any(axis=1)
    )
    xy = bounds[is_placed, :2]
    if len(xy) < _FEWEST_COARSE:
        return []
    for decimals in range(_FINE_DECIMALS):
        is_coarse = (np.abs(xy - np.round(xy, decimals)) < _SAME_DEGREES).all(axis=1)
        if is_coarse.sum() > _MOST * len(xy):
            off_m = 10.0**-decimals * _METERS_PER_DEGREE / 2
            return report_rows(
                ids.iloc[np.flatnonzero(is_placed)[is_coarse]],
                "warning",
                "coordinates_coarse",
                table,
                f"{count_text(int(is_coarse.sum()), table.removesuffix('s'), of=len(points))} with at most "
                f"{count_text(decimals, 'decimal')} in longitude and latitude, and so up to {off_m:,.0f} m off to "
                "each side.",
                expected="degrees with five decimals or more",
                remedy="Export the coordinates again with all their decimals; a spreadsheet may have rounded them.",
            )
    return []


def _nearness(extent: gpd.GeoSeries) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    if extent.is_empty.all():
        return lambda x, y: np.isfinite(x) & np.isfinite(y)
    low_x, low_y, high_x, high_y = extent.total_bounds
    margin_y = FAR_M / _METERS_PER_DEGREE
    margin_x = margin_y / max(np.cos(np.radians((low_y + high_y) / 2)), 0.01)

    def is_near(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        within_x = (x >= low_x - margin_x) & (x <= high_x + margin_x)
        return np.asarray(within_x & (y >= low_y - margin_y) & (y <= high_y + margin_y))

    return is_near


def _examples(points: gpd.GeoSeries, rows: np.ndarray) -> str:
    bounds = shapely.bounds(points.to_numpy()[rows])
    texts = dict.fromkeys(f"{x:.6g}, {y:.6g}" for x, y, _, _ in bounds)
    return "; ".join(itertools.islice(texts, _EXAMPLES))


def _box_text(extent: gpd.GeoSeries) -> str:
    low_x, low_y, high_x, high_y = extent.total_bounds
    return f"{low_x:.2f} to {high_x:.2f} and {low_y:.2f} to {high_y:.2f}"


# ── Piles of equal coordinates that are no school: what a geocoder gives when it finds nothing

AWAY_M = 100.0
"""A pile of incidents nearer than this to a school is the school's."""

_SAME_PLACE_DECIMALS = 6
SAME_PLACE_M = 5.0
"""Schools whose points are nearer than this share a place."""
WHOLE_CAMPUS_SHARE = 0.9
"""A campus with less of its area than this in one zone is reported as lying in several."""


def find_piles(points: gpd.GeoSeries, schools: gpd.GeoSeries, *, smallest: int, crs: CRS) -> pd.DataFrame:
    """Find places, away from every school, where very many incidents have the same coordinates.

    Parameters
    ----------
    points
        Places of the incidents, EPSG:4326; some may be missing.
    schools
        Places of the schools, EPSG:4326; some may be missing.
    smallest
        Number of incidents at one place, to six decimals of a degree, from which it is a pile.
    crs
        Projected CRS in meters to measure in.

    Returns
    -------
    pandas.DataFrame
        `x`, `y` (longitude and latitude, to six decimals) and `incidents` of the piles that are more than `AWAY_M`
        meters from every school, the largest first.
    """
    sizes = _rounded(points).dropna().value_counts(sort=False).sort_index()
    piles = sizes[sizes >= smallest].sort_values(ascending=False, kind="stable").rename("incidents").reset_index()
    places = gpd.GeoSeries.from_xy(piles["x"], piles["y"], crs="EPSG:4326")
    is_placed = ~(schools.isna() | schools.is_empty) & schools.bounds["miny"].between(-90, 90)
    campuses = in_meters(schools[is_placed], crs).union_all()
    # With no school at all the distance is not a number, and every pile is away from schools.
    is_away = ~(in_meters(places, crs).distance(campuses).to_numpy() <= AWAY_M)
    return pd.DataFrame(piles[is_away]).reset_index(drop=True)


def pile_of(points: gpd.GeoSeries, piles: pd.DataFrame) -> pd.Series:
    """Say which pile each incident is in.

    Parameters
    ----------
    points
        Places of the incidents, EPSG:4326.
    piles
        Result of `find_piles`.

    Returns
    -------
    pandas.Series
        Named `pile`, row of `piles`, int64, -1 where an incident is in none, on the index of `points`.
    """
    keys = pd.MultiIndex.from_frame(piles[["x", "y"]])
    rows = keys.get_indexer(pd.MultiIndex.from_frame(_rounded(points))) if len(piles) else np.full(len(points), -1)
    return pd.Series(rows, index=points.index, dtype="int64", name="pile")


def _rounded(points: gpd.GeoSeries) -> pd.DataFrame:
    xy = shapely.bounds(points.to_numpy())[:, :2].round(_SAME_PLACE_DECIMALS)
    return pd.DataFrame(xy, index=points.index, columns=["x", "y"])


# ── Where schools are: somewhere, in one zone, off its border, inside the district

BORDER_M = 0.5
"""How near the edges of two zones a school is on their border, in meters; the distance of an assignment."""


def check_places(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    crs: CRS,
    boundary: gpd.GeoDataFrame | None = None,
) -> list[Finding]:
    """Check where schools are; one whose coordinates are no place at all is reported once, and not as outside too."""
    extent = zones.geometry if boundary is None else boundary.geometry
    codes = classify_coordinates(schools.geometry, extent)
    placed = schools[~codes.isin([*UNUSABLE, "missing"])]
    return [
        *check_missing(schools),
        *check_coordinates(schools.geometry, schools["school_id"], extent, table="schools", severity="error"),
        *check_shared(placed, crs=crs),
        *check_in_zones(placed, zones, crs=crs),
        *check_campuses(placed, zones, crs=crs),
        *([] if boundary is None else check_in_boundary(placed, boundary, crs=crs)),
    ]


def check_missing(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools that are nowhere."""
    is_nowhere = ~np.isfinite(shapely.bounds(schools.geometry.to_numpy())).all(axis=1)
    return _by_program(
        schools[is_nowhere],
        "error",
        "school_no_location",
        "without a place on the map, and so without a zone",
        expected="coordinates, or a campus drawn as a polygon",
        remedy="Fill in longitude and latitude.",
    )


def check_shared(schools: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find schools at one and the same place, or within a few meters of it."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - points are checked without, and it takes long to load
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    centers = shapely.centroid(in_meters(schools.geometry, crs).to_numpy())
    one, other = shapely.STRtree(centers).query(centers, predicate="dwithin", distance=SAME_PLACE_M)
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(centers), len(centers)))
    _, place = connected_components(links, directed=False) if len(centers) else (0, np.empty(0))
    is_shared = pd.Series(place).duplicated(keep=False).to_numpy()
    return report_rows(
        schools["school_id"][is_shared],
        "note",
        "schools_same_place",
        "schools",
        f"{count_text(is_shared.sum(), 'school')} within {SAME_PLACE_M:.0f} m of another school, at "
        f"{count_text(len(set(place[is_shared])), 'place')} in all.",
        expected="a place of its own for each school, unless they share a campus",
        remedy="Look at the addresses; incidents placed by coordinates alone cannot be distinguished there.",
    )


def check_in_zones(schools: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find schools that are in no zone, in two, or on the border between them.

    Schools outside every zone, with their distance to the nearest (an error at program schools, a note at others);
    schools given as points that are within `BORDER_M` of the edges of two zones, or else inside both. A campus that
    reaches into a zone is not outside, and its shares are for the assignment to report.
    """
    areas = in_meters(zones.geometry[~(zones.geometry.isna() | zones.geometry.is_empty)], crs).to_numpy()
    shapes = in_meters(schools.geometry, crs).to_numpy()
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    covering = np.bincount(shapely.STRtree(areas).query(shapes, predicate="intersects")[0], minlength=len(shapes))
    edges = shapely.STRtree(shapely.boundary(areas))
    near = np.bincount(edges.query(shapes, predicate="dwithin", distance=BORDER_M)[0], minlength=len(shapes))
    is_border = is_point & (near > 1)
    is_double = is_point & (covering > 1) & ~is_border
    is_out = (covering == 0) & ~is_border
    return [
        *_by_program(
            schools[is_out],
            "error",
            "school_outside_zones",
            f"outside every zone{_distances(schools[is_out], shapes[is_out], areas)}",
            expected="every program school in a zone",
            remedy="Correct the coordinates, or the zones; `max_snap_m` under [assign] gives a school that is only a "
            "few meters outside to the nearest zone.",
        ),
        *report_rows(
            schools["school_id"][is_border],
            "warning",
            "school_on_border",
            "schools",
            f"{count_text(is_border.sum(), 'school')} on a border that zones share, and so in the zone that comes "
            "first in the file.",
            expected=f"schools more than {BORDER_M} m from the border of their zone",
            remedy="Draw the border around the campus, or move the school's point to its main building.",
        ),
        *report_rows(
            schools["school_id"][is_double],
            "warning",
            "school_in_two_zones",
            "schools",
            f"{count_text(is_double.sum(), 'school')} where zones overlap, and so in the zone that comes first in "
            "the file.",
            expected="every school in one zone only",
            remedy="Fix the overlap of the zones.",
        ),
    ]


def check_campuses(schools: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find campuses of which a good part lies in another zone than the rest."""
    shapes = in_meters(schools.geometry, crs).to_numpy()
    rows = np.flatnonzero(shapely.area(shapes) > 0)
    areas = in_meters(zones.geometry, crs).to_numpy()
    found = {}
    for row in rows:
        shares = shapely.area(shapely.intersection(areas, shapes[row])) / shapely.area(shapes[row])
        largest = int(np.nanargmax(shares))
        second = int(np.nanargmax(np.where(np.arange(len(shares)) == largest, -1.0, shares)))
        if shares[largest] < WHOLE_CAMPUS_SHARE and shares[second] > 1 - WHOLE_CAMPUS_SHARE:
            ids = zones["zone_id"].to_numpy()
            found[row] = f"{ids[largest]} {shares[largest]:.0%}, {ids[second]} {shares[second]:.0%}"
    ids = schools["school_id"].to_numpy()
    return report_rows(
        pd.Series([f"{ids[row]} ({text})" for row, text in found.items()], dtype="str"),
        "warning",
        "campus_in_two_zones",
        "schools",
        f"{len(found)} {'campus has' if len(found) == 1 else 'campuses have'} a good part in another zone; the zone of "
        "the larger part has the school.",
        expected=f"campuses with {WHOLE_CAMPUS_SHARE:.0%} or more in one zone",
        remedy="Draw the border of the zones around the campus.",
    )


def check_in_boundary(schools: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find schools outside the district."""
    areas = in_meters(boundary.geometry, crs).to_numpy()
    shapes = in_meters(schools.geometry, crs).to_numpy()
    is_out = ~shapely.intersects(shapes, shapely.union_all(areas))
    return _by_program(
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
    meters = shapely.distance(shapes, shapely.union_all(areas))
    ids = schools["school_id"].to_numpy()
    return ": " + name_ids(f"{ids[i]} by {meters[i]:,.0f} m" for i in np.argsort(-meters, kind="stable"))


def _by_program(
    schools: gpd.GeoDataFrame, severity: Severity, code: str, fault: str, *, expected: str, remedy: str
) -> list[Finding]:
    """Report schools with the severity given if one of them is in the program, else in a note."""
    members = int(schools["in_program"].sum())
    noun = "program school" if members == len(schools) else "school"
    whose = "" if members == len(schools) else f", {members or 'none'} of them in the program,"
    return report_rows(
        schools["school_id"],
        severity if members else "note",
        code,
        "schools",
        f"{count_text(len(schools), noun)}{whose} {fault}.",
        expected=expected,
        remedy=remedy,
    )


# ── Schools: each once, with a name, a level and an enrollment

MOST_STUDENTS = 6000
"""An enrollment above this is taken for a slip."""


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
        Projected CRS in meters to measure in.
    boundary
        The district, EPSG:4326, if it is known.

    Returns
    -------
    list of Finding
        All faults; none for a clean table.
    """
    return [
        *check_ids(schools),
        *check_school_names(schools),
        *check_levels(schools),
        *check_enrollment(schools),
        *check_places(schools, zones, crs=crs, boundary=boundary),
    ]


def check_ids(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find ids that several schools have."""
    repeated = schools["school_id"][schools["school_id"].duplicated(keep=False)]
    return report_rows(
        dict.fromkeys(repeated),
        "error",
        "school_id_duplicate",
        "schools",
        f"{count_text(len(repeated), 'row')} with the school_id of another row.",
        expected="an id of its own for each school",
        remedy="Delete the rows that are the same school, and correct the ids of the others.",
    )


def check_school_names(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools without a name of their own."""
    plain = schools["name"].fillna("").str.split().str.join(" ").str.casefold()
    is_nameless = (plain == "") | (plain == schools["school_id"].str.casefold())
    is_shared = ~is_nameless & plain.duplicated(keep=False)
    return [
        *report_rows(
            schools["school_id"][is_nameless],
            "warning",
            "school_name_missing",
            "schools",
            f"{count_text(is_nameless.sum(), 'school')} without a name.",
            expected="the name people use",
            remedy="Fill in the names; incidents are matched to schools by them, and maps show them.",
        ),
        *report_rows(
            schools["school_id"][is_shared],
            "warning",
            "school_name_duplicate",
            "schools",
            f"{count_text(is_shared.sum(), 'school')} with the name of another: "
            f"{name_ids(dict.fromkeys(schools['name'][is_shared]))}.",
            expected="names that tell schools apart",
            remedy="Check that they are different schools; incidents that give only the name cannot be distinguished.",
        ),
    ]


def check_levels(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools that are none of the usual levels."""
    others = schools["school_id"][schools["level"] == "other"]
    return report_rows(
        others,
        "note",
        "school_level_other",
        "schools",
        f"{count_text(len(others), 'school')} of the level other, with the hours and visits set for that level.",
        expected="elementary, middle, high or k8 where it applies",
        remedy="Map their values under [schools.levels] in district.toml.",
    )


def check_enrollment(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools whose number of students is missing or hard to believe."""
    students = schools["enrollment"].astype("Float64")
    is_missing = students.isna() & schools["in_program"]
    is_odd = ((students <= 0) | (students > MOST_STUDENTS)).fillna(value=False).astype(bool)
    odd = [f"{i} ({n:,.0f})" for i, n in zip(schools["school_id"][is_odd], students[is_odd], strict=True)]
    missing = count_text(is_missing.sum(), "program school", of=int(schools["in_program"].sum()))
    return [
        *report_rows(
            schools["school_id"][is_missing],
            "warning",
            "enrollment_missing",
            "schools",
            f"{missing} without an enrollment, and so without rates.",
            expected="a number of students for every program school",
            remedy="Fill in the numbers, or name a file that has them under [schools.enrollment_file].",
        ),
        *report_rows(
            schools["school_id"][is_odd],
            "warning",
            "enrollment_unlikely",
            "schools",
            f"{count_text(len(odd), 'school')} with an enrollment that is hard to believe: {name_ids(odd)}.",
            expected=f"1 to {MOST_STUDENTS:,} students",
            remedy="Correct the numbers; leave the cell empty where the enrollment is not known.",
        ),
    ]


# ── Zones: one name each, the right number of them, each in one piece

_SHOWN = 5


def check_zones(
    zones: gpd.GeoDataFrame,
    zone_pieces: gpd.GeoDataFrame,
    *,
    crs: CRS,
    boundary: gpd.GeoDataFrame | None = None,
    expected: int | None = None,
) -> list[Finding]:
    """Check the zones of a district.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    zone_pieces
        Rows of the zone file, with `zone_id` and its attributes.
    crs
        Projected CRS in meters to measure in.
    boundary
        The district, EPSG:4326, if it is known.
    expected
        Number of zones there ought to be, if it is known.

    Returns
    -------
    list of Finding
        All faults; none for zones that cover the district once.
    """
    located = zones[~(zones.geometry.isna() | zones.geometry.is_empty)]
    return [
        *check_zone_names(zone_pieces),
        *check_number(zones, expected),
        *check_pieces(located, crs=crs),
        *check_cover(located, crs=crs, boundary=boundary),
    ]


def check_zone_names(zone_pieces: gpd.GeoDataFrame) -> list[Finding]:
    """Find zones whose rows contradict each other, and names that several zones have.

    Parameters
    ----------
    zone_pieces
        As for `check_zones`.

    Returns
    -------
    list of Finding
        All faults.
    """
    findings: list[Finding] = []
    for column in [c for c in ("name", "officer", "team") if c in zone_pieces.columns]:
        values = zone_pieces.groupby("zone_id", sort=False)[column].agg(lambda cells: cells.dropna().unique().tolist())
        conflicts = values[values.str.len() > 1]
        text = "; ".join(f"{zone}: {', '.join(map(str, seen))}" for zone, seen in conflicts.head(_SHOWN).items())
        findings += report_rows(
            conflicts.index,
            "error" if column == "name" else "warning",
            "zone_id_conflict",
            "zones",
            f"Rows with the same zone_id differ in their {column} ({text}); the first is used for all.",
            expected=f"one {column} for each zone_id",
            remedy="Give different zones different ids, or the pieces of one zone the same attributes.",
        )
    return [*findings, *_shared_names(zone_pieces)]


def check_number(zones: gpd.GeoDataFrame, expected: int | None) -> list[Finding]:
    """Compare the number of zones with what it ought to be."""
    if expected is None or len(zones) == expected:
        return []
    return [
        Finding(
            "error",
            "zone_count",
            "zones",
            f"{count_text(len(zones), 'zone')} in the zone file, and {expected} in the settings.",
            ids=tuple(zones["zone_id"].astype("str")),
            expected=count_text(expected, "zone"),
            remedy="Add or remove zones in the zone file, or correct `zones` under [district] in district.toml.",
        )
    ]


def check_pieces(zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find zones that are not in one piece."""
    found: dict[str, list[Patch]] = {}
    for piece in pieces(zones, crs=crs):
        found.setdefault(piece.ids[0], []).append(piece)
    return [
        Finding(
            "warning",
            "zone_in_pieces",
            "zones",
            f"Zone {zone} is in {len(found[zone])} pieces: {_areas_text(found[zone])}.",
            ids=(zone,),
            expected="a zone in one piece, unless it is meant to have several",
            remedy="Look at the smallest piece first: a stray one is often a slip of the pen. Delete it, or give it to "
            "the zone around it.",
            location=found[zone][-1].location,
        )
        for zone in dict.fromkeys(zones["zone_id"].astype("str"))
        if len(found.get(zone, [])) > 1
    ]


def _shared_names(zone_pieces: gpd.GeoDataFrame) -> list[Finding]:
    named = zone_pieces.drop_duplicates("zone_id")
    is_shared = named["name"].notna() & named["name"].str.strip().str.casefold().duplicated(keep=False)
    return report_rows(
        named.loc[is_shared, "zone_id"],
        "warning",
        "zone_name_shared",
        "zones",
        f"{int(is_shared.sum())} zones have a name that another zone has: "
        f"{', '.join(dict.fromkeys(named.loc[is_shared, 'name']))}.",
        expected="a name of its own for each zone",
        remedy="If they are pieces of one zone, give them one zone_id; otherwise name them apart.",
    )


def _areas_text(patches: Sequence[Patch]) -> str:
    shown = ", ".join(area_text(p.area_m2) for p in patches[:_SHOWN])
    return shown if len(patches) <= _SHOWN else f"{shown} and {len(patches) - _SHOWN} smaller"
