"""Layers of the hotspot maps: areas with their findings, cells of a grid, a picture of density, schools by status."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from safeschools_geo.maps.basemap import geojson, small_geometries
from safeschools_geo.maps.layers import DataElement, has_place
from safeschools_geo.maps.palette import STATUS_MARKS
from safeschools_geo.schemas import HOTSPOT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

_DECIMALS = 6
_SCRIPTS = ("js/core.js", "js/vectors.js", "js/hotspots.js")
_PICTURE_RGB = (122, 0, 25)
_STRONGEST = 200


class Areas(DataElement):
    """Areas with their findings (`area_features`)."""

    function = "addAreas"
    scripts = _SCRIPTS


class Cells(DataElement):
    """Cells of a grid (`cell_features`)."""

    function = "addCells"
    scripts = _SCRIPTS


class Picture(DataElement):
    """A picture over the map (`density_picture`)."""

    function = "addPicture"
    scripts = _SCRIPTS


def area_features(
    areas: gpd.GeoDataFrame,
    *,
    kind: Callable[[Any], str],
    label: Callable[[Any], str],
    facts: Callable[[Any], list[str]],
) -> dict[str, Any]:
    """Make features of areas.

    Parameters
    ----------
    areas
        Polygons, EPSG:4326.
    kind
        ``high``, ``officers`` or ``place``, by row.
    label
        What stands on the map, by row; nothing if empty.
    facts
        Lines of what a click tells, by row.

    Returns
    -------
    dict
        A GeoJSON feature collection.
    """
    shapes = small_geometries(areas.geometry.to_numpy())
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": geojson(shape),
                "properties": {"kind": kind(row), "label": label(row), "facts": facts(row)},
            }
            for row, shape in zip(areas.drop(columns="geometry").itertuples(index=False), shapes, strict=True)
        ],
    }


def cell_features(
    cells: gpd.GeoDataFrame, *, fills: Sequence[str | None], facts: Callable[[Any], list[str]]
) -> dict[str, Any]:
    """Make features of the cells of a grid.

    Parameters
    ----------
    cells
        Polygons with `is_hot`, EPSG:4326.
    fills
        Colour of each cell; None for no fill.
    facts
        Lines of what a click tells, by row.

    Returns
    -------
    dict
        A GeoJSON feature collection.
    """
    shapes = small_geometries(cells.geometry.to_numpy())
    rows = cells.drop(columns="geometry").itertuples(index=False)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": geojson(shape),
                "properties": {"fill": fill, "is_hot": bool(row.is_hot), "facts": facts(row)},
            }
            for row, shape, fill in zip(rows, shapes, fills, strict=True)
        ],
    }


def status_marks(
    schools: gpd.GeoDataFrame, status: Mapping[str, str], sentences: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Make marks of the schools by what their test says.

    Parameters
    ----------
    schools
        Table `schools`; those without a place are left out.
    status, sentences
        Status and sentence of each school, by `school_id`; schools without are left out.

    Returns
    -------
    list of dict
        `at` (longitude, latitude), `shape`, `color`, `has_ring`, `facts`; the high ones last, on top.
    """
    located = schools[has_place(schools) & schools["school_id"].isin(status)]
    points = located.geometry.representative_point()
    order = list(STATUS_MARKS)
    marks = []
    for school_id, name, point in zip(located["school_id"], located["name"], points, strict=True):
        word = status[school_id]
        shape, color = STATUS_MARKS[word]
        facts = [str(name), HOTSPOT_STATUSES[word].capitalize(), sentences[school_id]]
        mark = {"at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)], "shape": shape, "color": color}
        marks.append((order.index(word), {**mark, "has_ring": False, "facts": facts}))
    return [mark for _, mark in sorted(marks, key=lambda pair: -pair[0])]


class DensityImage(NamedTuple):
    """Density on a grid: values, the first row in the south, shape (rows, columns), and west, south, east, north."""

    values: NDArray[np.float64]
    bounds: tuple[float, float, float, float]


def density_picture(density: DensityImage) -> dict[str, Any]:
    """Make a picture of density, one colour from clear to full.

    Parameters
    ----------
    density
        Density, with its bounds in longitude and latitude.

    Returns
    -------
    dict
        `url` (a PNG as data) and `bounds` (south-west and north-east as latitude and longitude).
    """
    values, bounds = density
    highest = float(values.max()) or 1.0
    # The square root keeps the foot of a peak visible.
    alpha = (np.sqrt(np.clip(values, 0, None) / highest) * _STRONGEST).astype(np.uint8)[::-1]
    pixels = np.empty((*alpha.shape, 4), dtype=np.uint8)
    pixels[..., :3], pixels[..., 3] = _PICTURE_RGB, alpha
    west, south, east, north = (round(b, _DECIMALS) for b in bounds)
    image = base64.b64encode(_png(pixels)).decode()
    return {"url": f"data:image/png;base64,{image}", "bounds": [[south, west], [north, east]]}


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Write an image of 8-bit red, green, blue and alpha (PNG, ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
