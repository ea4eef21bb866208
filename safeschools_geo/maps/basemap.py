"""The backdrop of a map, made of the district's own layers: boundary, roads, names of places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

_DECIMALS = 6
_TOLERANCE_DEGREES = 0.00005
_POLYGON_DIMENSION = 2


def backdrop(
    *, boundary: gpd.GeoDataFrame | None, roads: gpd.GeoDataFrame | None, places: gpd.GeoDataFrame | None
) -> dict[str, Any]:
    """Draw the district's own layers small enough to carry.

    Parameters
    ----------
    boundary
        Boundary of the district, EPSG:4326, if there is one.
    roads
        Roads, EPSG:4326, if there are any.
    places
        Places with a `name`, EPSG:4326, if there are any.

    Returns
    -------
    dict
        `boundary` and `roads` as GeoJSON geometries or None, simplified by some 5 m; `places` as `name` and `at`
        (longitude, latitude).
    """
    return {
        "boundary": _merged(boundary),
        "roads": _merged(roads),
        "places": _place_labels(places),
    }


def small_geometries(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Simplify geometries by some 5 m; zones that share an edge share it still.

    Parameters
    ----------
    geometries
        Geometries in degrees, shape (n,).

    Returns
    -------
    numpy.ndarray
        Simplified geometries, shape (n,).
    """
    is_area = shapely.get_dimensions(geometries) == _POLYGON_DIMENSION
    if len(geometries) and is_area.all() and shapely.coverage_is_valid(geometries):
        return np.asarray(shapely.coverage_simplify(geometries, _TOLERANCE_DEGREES))
    return np.asarray(shapely.simplify(geometries, _TOLERANCE_DEGREES, preserve_topology=True))


def geojson(geometry: shapely.Geometry) -> dict[str, Any]:
    """Write a geometry as GeoJSON with six decimals, some 0.1 m.

    Parameters
    ----------
    geometry
        Geometry in degrees.

    Returns
    -------
    dict
        A GeoJSON geometry.
    """
    rounded = shapely.transform(shapely.force_2d(geometry), lambda xy: np.round(xy, _DECIMALS))
    written: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return written


def bounds_of(*layers: gpd.GeoDataFrame | gpd.GeoSeries | None) -> list[list[float]]:
    """Find what a map should show at first.

    Parameters
    ----------
    *layers
        Layers in EPSG:4326; the first that holds a place decides.

    Returns
    -------
    list of list of float
        South-west and north-east corner, each as latitude, longitude; the whole world when there is no place at all.
    """
    for layer in layers:
        if layer is None or layer.empty:
            continue
        west, south, east, north = layer.total_bounds.round(_DECIMALS).tolist()
        if np.isfinite([west, south, east, north]).all():
            return [[south, west], [north, east]]
    return [[-60.0, -180.0], [75.0, 180.0]]


def _merged(layer: gpd.GeoDataFrame | None) -> dict[str, Any] | None:
    if layer is None:
        return None
    geometries = layer.geometry.dropna()
    geometries = geometries[~geometries.is_empty].to_numpy()
    if not len(geometries):
        return None
    if shapely.get_dimensions(geometries).max() == 1:
        lines = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(geometries)))
        return geojson(shapely.simplify(shapely.MultiLineString(shapely.get_parts(lines).tolist()), _TOLERANCE_DEGREES))
    merged = shapely.union_all(shapely.make_valid(geometries))
    return geojson(shapely.simplify(merged, _TOLERANCE_DEGREES))


def _place_labels(places: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    if places is None or "name" not in places.columns:
        return []
    located = places[places.geometry.notna() & ~places.geometry.is_empty & places["name"].notna()]
    points = located.geometry.representative_point()
    return [
        {"name": str(name), "at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)]}
        for name, point in zip(located["name"], points, strict=True)
    ]
