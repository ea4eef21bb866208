"""A small picture of the zones, for the index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import shapely

from safeschools_geo.maps.basemap import bounds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

_WIDTH, _HEIGHT = 160.0, 110.0
_MARGIN = 4.0
_TOLERANCE_PX = 0.5


def thumbnail(zones: gpd.GeoDataFrame, fills: Sequence[str | None]) -> str:
    """Draw the zones small.

    Parameters
    ----------
    zones
        Table `zones`, EPSG:4326.
    fills
        Colour of each zone; white where it is None.

    Returns
    -------
    str
        An SVG element, hidden from assistive technology: the text beside it says more.
    """
    (south, west), (north, east) = bounds_of(zones)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = min(
        (_WIDTH - 2 * _MARGIN) / max((east - west) * squeeze, 1e-9), (_HEIGHT - 2 * _MARGIN) / max(north - south, 1e-9)
    )
    left = (_WIDTH - (east - west) * squeeze * scale) / 2
    top = (_HEIGHT - (north - south) * scale) / 2

    def path(geometry: shapely.Geometry) -> str:
        screen = shapely.transform(
            geometry, lambda xy: (xy - [west, north]) * [squeeze * scale, -scale] + [left, top], include_z=False
        )
        simple = shapely.simplify(screen, _TOLERANCE_PX)
        return "".join(_ring(ring) for ring in shapely.get_rings(simple))

    shapes = "".join(
        f'<path d="{path(shape)}" fill="{fill or "#fff"}" fill-opacity="0.6" fill-rule="evenodd"/>'
        for shape, fill in zip(zones.geometry, fills, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true" '
        f'stroke="#262626" stroke-linejoin="round">{shapes}</svg>'
    )


def _ring(ring: shapely.LinearRing) -> str:
    points = [f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1].tolist()]
    return f"M{'L'.join(points)}Z"
