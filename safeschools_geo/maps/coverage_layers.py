"""Layers of the maps of coverage: marks with labels, lines between them, and the list that finds them by keyboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import shapely

from safeschools_geo.maps import layers as parts
from safeschools_geo.maps.basemap import backdrop, geojson, small_geometries
from safeschools_geo.maps.layers import DataElement
from safeschools_geo.maps.legend import LegendItem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import folium
    import geopandas as gpd

_DECIMALS = 6
_SCRIPTS = ("js/core.js", "js/vectors.js", "js/coverage.js")
_ROOM_SHARE, _LABEL_STEPS = 0.025, 3
_SIGNS = {
    "stays": '<path d="M8,0L16,8L8,16L0,8Z" fill="#d55e00"/><path d="M4.5,4.5h7v7h-7Z" fill="#fff"/>',
    "moves": '<path d="M0,8H16" stroke-width="2" stroke-dasharray="3 2"/>',
    "absent": '<path d="M2,3h12v10h-12Z" fill="none" stroke="#7a0019" stroke-width="3" stroke-dasharray="4 2"/>',
    "number": '<circle cx="8" cy="8" r="6.5" fill="#fff" stroke="#7a0019" stroke-width="2.5"/>',
}


class Mark(TypedDict):
    """A mark on the map.

    Parameters
    ----------
    at
        Longitude and latitude.
    shape
        ``circle``, ``square``, ``diamond`` or another shape of ``js/vectors.js``.
    color, line
        Its fill and its outline.
    radius, weight
        Its size and the width of its outline, in pixels.
    facts
        Lines of what a click tells, its name first.
    label
        What stands beside it; nothing if empty.
    side
        Where the label stands: ``left``, ``right``, or ``center`` for a few letters on the mark itself.
    """

    at: list[float]
    shape: str
    color: str
    line: str
    radius: float
    weight: float
    facts: list[str]
    label: str
    side: str


@dataclass(frozen=True)
class CoverageSign(LegendItem):
    """A sign of the maps of coverage: ``stays``, ``moves``, ``absent`` or ``number``."""

    def _inside(self) -> str:
        return f'<g stroke="#1a1a1a">{_SIGNS[self.shape]}</g>'


@dataclass(frozen=True, eq=False)
class MapLayers:
    """What a map of coverage shows, as the map on the screen and the printed picture both draw it.

    Parameters
    ----------
    zones
        Features of the zones (`layers.zone_features`).
    marks
        The marks, in the order they are drawn.
    links
        Dashed lines, each from a place to a place.
    outlines
        GeoJSON of areas with a dashed outline.
    backdrop
        The backdrop (`basemap.backdrop`).
    """

    zones: dict[str, Any]
    marks: list[Mark]
    links: list[list[list[float]]] = field(default_factory=list)
    outlines: list[dict[str, Any]] = field(default_factory=list)
    backdrop: Mapping[str, Any] = field(default_factory=lambda: backdrop(boundary=None, roads=None, places=None))

    def add_to(self, chart: folium.Map) -> None:
        """Put the layers on a map.

        Parameters
        ----------
        chart
            The map.
        """
        parts.Backdrop(self.backdrop).add_to(chart)
        parts.Zones(self.zones).add_to(chart)
        Marks({"marks": self.marks, "links": self.links, "outlines": self.outlines}).add_to(chart)


class Marks(DataElement):
    """Marks with their labels, lines between them, and dashed outlines (`MapLayers`)."""

    function = "addMarks"
    scripts = _SCRIPTS


class Finder(DataElement):
    """The list beside the map: for each entry, `at` and `facts`, in the order of the form's options."""

    function = "addFinder"
    scripts = _SCRIPTS


def zone_layer(
    zones: gpd.GeoDataFrame,
    *,
    fills: Sequence[str | None],
    opacity: float,
    label: Callable[[str], list[str]],
    facts: Callable[[str], list[str]],
    heaviest: str | None,
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """Make features of the zones, each with its label where the marks leave most room.

    Parameters
    ----------
    zones
        `zone_id` and areas, EPSG:4326.
    fills, opacity, label, facts, heaviest
        As for `layers.zone_features`.
    marks
        What no label should lie on.

    Returns
    -------
    dict
        A GeoJSON feature collection.
    """
    layer = parts.zone_features(
        zones, fills=fills, opacity=opacity, label=label, facts=facts, heaviest=heaviest, is_quiet=False
    )
    if marks and len(zones):
        west, south, east, north = zones.total_bounds.tolist()
        taken = _taken(marks, max(east - west, north - south))
        for feature, shape in zip(layer["features"], small_geometries(zones.geometry.to_numpy()), strict=True):
            room = shapely.difference(shape, taken)
            if shapely.area(room) > 0:
                middle = shapely.get_point(shapely.maximum_inscribed_circle(room), 0)
                feature["properties"]["label_at"] = place_of(middle)
    return layer


def _taken(marks: Sequence[Mark], extent: float) -> shapely.Geometry:
    """Cover the marks and the labels beside them, in shares of how far the district reaches."""
    steps = {"left": -_ROOM_SHARE, "right": _ROOM_SHARE}
    spots = [(mark["at"][0], mark["at"][1]) for mark in marks]
    spots += [
        (mark["at"][0] + step * extent * steps[mark["side"]], mark["at"][1])
        for mark in marks
        if mark["label"] and mark["side"] in steps
        for step in range(1, _LABEL_STEPS + 1)
    ]
    return shapely.union_all(shapely.buffer(shapely.points(spots), _ROOM_SHARE * extent))


def outlines_of(zones: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Write areas as outlines.

    Parameters
    ----------
    zones
        Areas, EPSG:4326.

    Returns
    -------
    list of dict
        GeoJSON geometries.
    """
    return [geojson(shape) for shape in small_geometries(zones.geometry.to_numpy())]


def place_of(point: shapely.Geometry) -> list[float]:
    """Write a place.

    Parameters
    ----------
    point
        A geometry in degrees.

    Returns
    -------
    list of float
        Longitude and latitude of a point of it, some 0.1 m exact.
    """
    inside = shapely.point_on_surface(point)
    return [round(inside.x, _DECIMALS), round(inside.y, _DECIMALS)]
