"""Layers of a map as parts of a folium map: zones, schools, the packed history, the backdrop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from jinja2 import Template
from shapely import STRtree

from safeschools_geo.maps.basemap import geojson, small_geometries
from safeschools_geo.maps.offline import OfflineElement
from safeschools_geo.maps.palette import LEVEL_MARKS, NEIGHBOUR_FILLS
from safeschools_geo.schemas import LEVELS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.maps.packed import PackedPoints

_DECIMALS = 6
_TOUCH_DEGREES = 0.00002


def data_block(name: str, data: object) -> str:
    """Write data as a block that a script reads and nothing runs.

    Parameters
    ----------
    name
        Id of the block.
    data
        Anything JSON can hold.

    Returns
    -------
    str
        A ``script`` element of type JSON; text in it cannot close it.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json" id="{name}">{_inert(text)}</script>'


def _inert(text: str) -> str:
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class DataElement(OfflineElement):
    """A part of a map that hands its data to one of our functions.

    Parameters
    ----------
    data
        Anything JSON can hold.
    """

    function = ""
    scripts: tuple[str, ...] = ("js/core.js", "js/vectors.js")
    _template = Template(
        "{% macro script(this, kwargs) %}"
        'SafeSchools.{{ this.function }}({{ this.map_name }}, "{{ this.get_name() }}");'
        "{% endmacro %}"
    )

    def __init__(self, data: object) -> None:
        super().__init__()
        self._name = self.function
        self.data = data

    def blocks(self) -> dict[str, str]:
        """Write its data, by the id of each block."""
        return {self.get_name(): data_block(self.get_name(), self.data)}


class Prepared(OfflineElement):
    """Name the map for assistive technology, and write a note on it, such as SYNTHETIC DATA.

    Parameters
    ----------
    label
        Name of the map.
    note
        What is written on it; nothing if left out.
    """

    scripts = ("js/core.js",)
    _template = Template(
        "{% macro script(this, kwargs) %}SafeSchools.prepare({{ this.map_name }}, {{ this.words }});{% endmacro %}"
    )

    def __init__(self, label: str, *, note: str = "") -> None:
        super().__init__()
        self.words = _inert(json.dumps({"label": label, "note": note}))


class Drawn(OfflineElement):
    """Mark the moment at which a map without packed points is on the screen."""

    scripts = ("js/core.js",)
    _template = Template("{% macro script(this, kwargs) %}SafeSchools.drawn({{ this.map_name }});{% endmacro %}")


class Backdrop(DataElement):
    """The district's boundary, roads and places (`basemap.backdrop`)."""

    function = "addBackdrop"


class Zones(DataElement):
    """Zones with their fills and labels (`zone_features`)."""

    function = "addZones"


class Schools(DataElement):
    """Schools by level and status (`school_marks`)."""

    function = "addSchools"


class Incidents(DataElement):
    """Packed points on one canvas, with the form that filters them.

    Parameters
    ----------
    points
        The points, with a code for each thing that the form filters by.
    colors
        A colour for each code of `color_by`.
    color_by
        Name of the code that decides the colour.
    total
        Number of incidents in all, those without a place included.
    """

    function = "addPoints"
    scripts = ("js/core.js", "js/packed_points.js", "js/packed_layer.js", "js/filters.js")

    def __init__(self, points: PackedPoints, *, colors: Sequence[str], color_by: str, total: int) -> None:
        super().__init__({"header": points.header, "colors": list(colors), "color_by": color_by, "total": total})
        self.points = points

    def blocks(self) -> dict[str, str]:
        """Write the header and the points, by the id of each block."""
        header, points = f"{self.get_name()}_header", f"{self.get_name()}_points"
        return {
            header: data_block(header, self.data),
            points: f'<script type="text/plain" id="{points}">{self.points.text}</script>',
        }


def zone_features(
    zones: gpd.GeoDataFrame,
    *,
    fills: Sequence[str | None],
    opacity: float,
    label: Callable[[str], list[str]],
    facts: Callable[[str], list[str]],
    heaviest: str | None = None,
    is_quiet: bool = False,
) -> dict[str, Any]:
    """Make features of the zones.

    Parameters
    ----------
    zones
        Table `zones`.
    fills
        Colour of each zone; None is hatched.
    opacity
        Opacity of the fills, 0 for outlines only.
    label
        Lines of the label of a zone, by `zone_id`.
    facts
        Lines of what a click tells about a zone, by `zone_id`.
    heaviest
        The zone whose outline is thick, if any.
    is_quiet
        Whether the labels stand behind what else is drawn.

    Returns
    -------
    dict
        A GeoJSON feature collection.
    """
    shapes = small_geometries(zones.geometry.to_numpy())
    # The middle of the largest circle inside: there a label has most room.
    middles = shapely.get_point(shapely.maximum_inscribed_circle(shapes), 0)
    at = shapely.get_coordinates(middles).round(_DECIMALS).tolist()
    features = [
        {
            "type": "Feature",
            "geometry": geojson(shape),
            "properties": {
                "label": label(zone_id),
                "label_at": place,
                "facts": facts(zone_id),
                "fill": fill,
                "opacity": opacity if fill or not opacity else 1,
                "is_heaviest": zone_id == heaviest,
            },
        }
        for zone_id, shape, place, fill in zip(zones["zone_id"], shapes, at, fills, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features, "quiet": is_quiet}


def neighbour_fills(zones: gpd.GeoDataFrame) -> list[str]:
    """Give every zone a fill that differs from its neighbours'.

    Parameters
    ----------
    zones
        Table `zones`.

    Returns
    -------
    list of str
        A colour for each zone, in order: the first that no neighbour has, the zones with most neighbours first.
    """
    shapes = shapely.buffer(zones.geometry.to_numpy(), _TOUCH_DEGREES)
    left, right = STRtree(shapes).query(shapes, predicate="intersects")
    neighbours: list[set[int]] = [set() for _ in shapes]
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if a != b:
            neighbours[a].add(b)
    chosen: dict[int, int] = {}
    for i in sorted(range(len(shapes)), key=lambda i: (-len(neighbours[i]), i)):
        taken = {chosen[j] for j in neighbours[i] if j in chosen}
        free = (color for color in range(len(NEIGHBOUR_FILLS)) if color not in taken)
        chosen[i] = next(free, i % len(NEIGHBOUR_FILLS))
    return [NEIGHBOUR_FILLS[chosen[i]] for i in range(len(shapes))]


def school_marks(schools: gpd.GeoDataFrame, school_assignments: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Make marks of the schools.

    Parameters
    ----------
    schools
        Table `schools`; those without a place are left out.
    school_assignments
        `school_id` and table `assignments`; a school that is not simply inside one zone gets a ring.

    Returns
    -------
    list of dict
        `at` (longitude, latitude), `shape`, `color`, `has_ring`, `facts`.
    """
    located = schools[has_place(schools)]
    points = located.geometry.representative_point()
    status = _statuses(school_assignments)
    marks = []
    for row, point in zip(located.to_dict("records"), points, strict=True):
        shape, color = LEVEL_MARKS.get(row["level"], LEVEL_MARKS["other"])
        word = status.get(row["school_id"], "inside")
        facts = [row["name"], LEVELS.get(row["level"], row["level"]), STATUSES.get(word, word).capitalize()]
        if not row["in_program"]:
            facts.append("Not in the programme")
        marks.append(
            {
                "at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)],
                "shape": shape,
                "color": color,
                "has_ring": word != "inside",
                "facts": facts,
            }
        )
    return marks


def has_place(frame: gpd.GeoDataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say which rows can be put on a map.

    Parameters
    ----------
    frame
        A layer.

    Returns
    -------
    numpy.ndarray
        True where there is a geometry, shape (n,).
    """
    geometries = frame.geometry.to_numpy()
    return np.asarray(~(shapely.is_missing(geometries) | shapely.is_empty(geometries)), dtype=np.bool_)


def _statuses(school_assignments: pd.DataFrame | None) -> dict[str, str]:
    if school_assignments is None:
        return {}
    return dict(zip(school_assignments["school_id"], school_assignments["status"], strict=True))
