"""Hatches made of lines: a pattern would be pixels on paper."""

from __future__ import annotations

import math

import numpy as np
import shapely

_KINDS = {"withheld": (True, 7.0, 1.6), "unknown": (False, 13.0, 1.2)}
_COLOR = "#8a8a85"


def hatch(shape: shapely.Geometry, kind: str) -> str:
    """Draw lines across a shape, cut at its edge.

    Parameters
    ----------
    shape
        Polygons, in the units of the picture.
    kind
        ``withheld`` (narrow) or ``unknown`` (wide, and the other way).

    Returns
    -------
    str
        An SVG path.
    """
    rises, step, width = _KINDS[kind]
    west, top, east, bottom = shapely.bounds(shape).tolist()
    reach = bottom - top
    first, last = (bottom, top) if rises else (top, bottom)
    starts = np.arange(math.floor((west - reach) / step) * step, east + reach, step).tolist()
    lines = shapely.linestrings([[(x, first), (x + reach, last)] for x in starts])
    inside = shapely.get_parts(shapely.intersection(lines, shape))
    drawn = path_of(shapely.GeometryCollection(inside[shapely.length(inside) > 1].tolist()))
    return f'<path d="{drawn}" fill="none" stroke="{_COLOR}" stroke-width="{width:g}" pointer-events="none"/>'


def path_of(shape: shapely.Geometry) -> str:
    """Write a shape as the outline of an SVG path.

    Parameters
    ----------
    shape
        Polygons or lines, in the units of the picture.

    Returns
    -------
    str
        The attribute ``d``, with one decimal; polygons are closed.
    """
    parts = shapely.get_parts(shape)
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    lines = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    drawn = [(ring, "Z") for ring in shapely.get_rings(areas)] + [(line, "") for line in lines]
    return "".join(
        f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in shapely.get_coordinates(line).tolist())}{end}"
        for line, end in drawn
    )
