"""Polygons: repaired where they are not valid, and brought to metres without bending their edges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod

from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from pyproj import CRS

_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON, shapely.GeometryType.GEOMETRYCOLLECTION)
_GLOBE = Geod(ellps="WGS84")
_LARGEST_IN_M2 = 100_000.0
# An edge that is straight in degrees bends when it is projected; cut this short it stays within 2 mm of its line.
_LONGEST_EDGE_DEGREES = 0.002
# One round is not always enough: where edges cross beside a corner, rounding can leave a new crossing.
_MOST_ROUNDS = 5


def repair(
    frame: gpd.GeoDataFrame, *, table: str, id_column: str = "zone_id"
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Make polygons valid, and say which were not.

    Parameters
    ----------
    frame
        Rows with any geometry, EPSG:4326. Points, lines and missing geometry are left as they are.
    table
        What the rows are, for the findings.
    id_column
        Column that names a row.

    Returns
    -------
    frame : geopandas.GeoDataFrame
        The same rows, their areas valid Polygons or MultiPolygons. What encloses no area becomes an empty Polygon.
    findings : list of Finding
        One for each polygon that was repaired, with the change of its area in square metres on the ellipsoid, and one
        for all that are beyond repair.

    Notes
    -----
    GEOS's ``structure`` method: rings are made valid first, then holes are taken from shells, so that both lobes of a
    bow-tie are kept, and nothing but areas comes out.
    """
    before = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(before)
    is_wrong = np.isin(kinds, _AREAS) & (~shapely.is_valid(before) | (kinds == shapely.GeometryType.GEOMETRYCOLLECTION))
    if not is_wrong.any():
        return frame, []
    after = before.copy()
    after[is_wrong] = [_made_valid(shape) for shape in before[is_wrong]]
    ids = frame[id_column].astype("str").to_numpy()
    is_lost = is_wrong & shapely.is_empty(after)
    findings = [_repaired(table, ids[i], before[i], after[i]) for i in np.flatnonzero(is_wrong & ~is_lost)]
    if is_lost.any():
        findings.insert(0, _beyond_repair(table, ids[is_lost]))
    return frame.set_geometry(gpd.GeoSeries(after, index=frame.index, crs=frame.crs)), findings


def polygon_parts(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take all geometries apart and keep the polygons.

    Parameters
    ----------
    shapes
        Geometries of any type, shape (n,); missing ones have no parts.

    Returns
    -------
    parts : numpy.ndarray
        Polygons that are not empty, shape (m,).
    rows : numpy.ndarray
        Position in `shapes` that each comes from, shape (m,), integers.
    """
    pieces, rows = shapely.get_parts(shapes, return_index=True)
    # A collection may hold a MultiPolygon, which comes apart the second time.
    parts, inner = shapely.get_parts(pieces, return_index=True)
    is_polygon = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    return parts[is_polygon], rows[inner][is_polygon]


def in_metres(shapes: gpd.GeoSeries, crs: CRS) -> gpd.GeoSeries:
    """Bring geometry in degrees to metres.

    Parameters
    ----------
    shapes
        Any geometry, EPSG:4326.
    crs
        A projected CRS in metres.

    Returns
    -------
    geopandas.GeoSeries
        In `crs`, on the same index. Long edges have vertices added, so that an edge stays where it was drawn.
    """
    return shapes.segmentize(_LONGEST_EDGE_DEGREES).to_crs(crs)


def area_text(area_m2: float) -> str:
    """Write an area as a person would.

    Parameters
    ----------
    area_m2
        Square metres.

    Returns
    -------
    str
        For example ``"1,000 m²"`` or ``"199.80 km²"``.
    """
    if area_m2 < _LARGEST_IN_M2:
        return f"{area_m2:,.0f} m²" if area_m2 >= 1 else f"{area_m2:.2f} m²"
    return f"{area_m2 / 1e6:,.2f} km²"


def spot_of(shape: shapely.Geometry) -> tuple[float, float]:
    """Find a point inside a shape, to say where it is.

    Parameters
    ----------
    shape
        A geometry that is not empty, EPSG:4326.

    Returns
    -------
    tuple of float
        Longitude and latitude, six decimals (about 10 cm).
    """
    x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0].round(6).tolist()
    return x, y


def _made_valid(shape: shapely.Geometry) -> shapely.Geometry:
    nothing = shapely.Polygon()
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return nothing
    mended, _ = polygon_parts(np.array([shape], dtype=object))
    for _ in range(_MOST_ROUNDS):
        if shapely.is_valid(mended).all():
            return shapely.union_all(mended) if len(mended) else nothing
        mended, _ = polygon_parts(shapely.make_valid(mended, method="structure", keep_collapsed=False))
    return nothing


def _repaired(table: str, label: str, before: shapely.Geometry, after: shapely.Geometry) -> Finding:
    fault = re.match(r"([^\[]+)(?:\[(\S+) (\S+)\])?", shapely.is_valid_reason(before))
    text, x, y = fault.groups() if fault else ("not valid", None, None)
    area = _area_m2(after)
    kind = "several kinds of geometry" if text == "Valid Geometry" else text.lower()
    return Finding(
        "warning",
        "geometry_repaired",
        table,
        f"The polygon of {label} is not valid ({kind}) and was repaired; that changed its area by "
        f"{area_text(abs(area - _area_m2(before)))}, to {area_text(area)}.",
        ids=(label,),
        expected="a polygon whose outline does not cross or touch itself",
        remedy="Compare the repaired polygon on the map with the one you mean, and save it mended in your GIS.",
        location=spot_of(after) if x is None or y is None else (round(float(x), 6), round(float(y), 6)),
    )


def _beyond_repair(table: str, labels: np.ndarray) -> Finding:
    return Finding(
        "error",
        "geometry_beyond_repair",
        table,
        f"{len(labels)} of the polygons enclose no area and cannot be repaired; they count as empty.",
        ids=tuple(labels),
        expected="at least three corners that do not lie on one line, all of them numbers",
        remedy="Draw these polygons again.",
    )


def _area_m2(shape: shapely.Geometry) -> float:
    parts, _ = polygon_parts(np.array([shape], dtype=object))
    return float(sum(abs(_GLOBE.geometry_area_perimeter(part)[0]) for part in shapely.orient_polygons(parts)))
