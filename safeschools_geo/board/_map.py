"""Maps of zones as inline SVG, hatched where figures are withheld."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from markupsafe import Markup

from safeschools_geo.board._tables import shortened
from safeschools_geo.drawing import FONT, GRAY, INK, LEVEL_MARKS, RATE_FILLS, fit, has_place, meet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.drawing import Box, Screen

    Points = NDArray[np.float64]


# ── Hatches made of lines: a pattern would be pixels on paper

_KINDS = {"withheld": (True, 7.0, 1.6), "unknown": (False, 13.0, 1.2)}
_COLOR = "#8a8a85"


def hatch(shape: shapely.Geometry, kind: str) -> str:
    """Draw lines across a shape, cut at its edge."""
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
    """Write a shape as the outline of an SVG path."""
    parts = shapely.get_parts(shape)
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    lines = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    drawn = [(ring, "Z") for ring in shapely.get_rings(areas)] + [(line, "") for line in lines]
    return "".join(
        f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in shapely.get_coordinates(line).tolist())}{end}"
        for line, end in drawn
    )


# ── A map of zones as inline SVG: complete by itself, on paper and without scripts; `js/board_map.js` makes it answer

LINE = "#262626"

_WIDTH, _TALLEST, _MARGIN = 760.0, 0.8, 8.0
_TOLERANCE_PX = 0.4
_LETTER, _LINE_PX, _SIZE = 7.6, 17.0, 14.0
_WRAP, _LINES = 15, 3
_GRID = 15
_MARK_PX = 12.0
_DARK = set(RATE_FILLS[3:])
_MARKS = {
    "circle": "M-5.5,0a5.5,5.5 0 1,0 11,0a5.5,5.5 0 1,0 -11,0Z",
    "square": "M-5,-5h10v10h-10Z",
    "triangle": "M0,-6.5L6.5,5H-6.5Z",
    "diamond": "M0,-7L7,0L0,7L-7,0Z",
    "cross": "M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4Z",
}


@dataclass(frozen=True)
class Area:
    """A zone on the map, EPSG:4326; one without a figure is hatched as ``withheld`` or ``unknown`` and has no color."""

    zone_id: str
    name: str
    geometry: shapely.Geometry
    value: str = ""
    fill: str = "#f1efe6"
    hatch: str = ""


@dataclass(frozen=True)
class Mark:
    """A school on the map, at its place or its campus, EPSG:4326."""

    name: str
    level: str
    zone_id: str
    geometry: shapely.Geometry


class _Text(NamedTuple):
    x: float
    y: float
    lines: list[str]
    value: str


def zone_map(
    areas: Sequence[Area],
    *,
    name: str,
    title: str,
    marks: Sequence[Mark] = (),
    boundary: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
) -> Markup:
    """Draw zones."""
    drawn = np.array([area.geometry for area in areas], dtype=object)
    place, tall = fit(shapely.total_bounds(drawn).tolist(), _WIDTH, _TALLEST * _WIDTH, _MARGIN)
    shapes, height = _fitted(drawn, place), float(round(tall))
    spots = [shapely.get_coordinates(_place_of(mark.geometry, place))[0] for mark in marks]
    at = np.array(spots).reshape(-1, 2)
    texts = [_written_at(area, shape, at) for area, shape in zip(areas, shapes, strict=True)]
    pieces = [
        f'<title id="{name}-title">{escape(title)}</title>',
        *(_line(shape, place, GRAY, 6) for shape in _merged(boundary)),
        '<g class="areas">',
        *(_area(area, shape) for area, shape in zip(areas, shapes, strict=True)),
        "</g>",
        *(_mark(mark, *spot) for mark, spot in zip(marks, at.tolist(), strict=True)),
        *_places(places, place, [*map(_box, texts), *_mark_boxes(at)], height),
        *(_school_name(mark, *spot) for mark, spot in zip(marks, at.tolist(), strict=True)),
        *(_label(area, text) for area, text in zip(areas, texts, strict=True)),
    ]
    head = (
        f'<svg id="{name}-svg" viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="{name}-title" '
        f'font-family="{FONT}" font-size="{_SIZE:g}" xmlns="http://www.w3.org/2000/svg">'
    )
    return Markup(f"{head}{''.join(pieces)}</svg>")  # noqa: S704 - names are escaped where they are written


def hatch_sign(kind: str) -> Markup:
    """Draw the sign of a hatch for a legend."""
    inside = f'<rect x="0.5" y="0.5" width="27" height="17" fill="#fff" stroke="{LINE}"/>'
    return _sign(inside + hatch(shapely.box(0.5, 0.5, 27.5, 17.5), kind))


def fill_sign(fill: str) -> Markup:
    """Draw the sign of a color for a legend."""
    return _sign(f'<rect x="0.5" y="0.5" width="27" height="17" fill="{fill}" stroke="{LINE}"/>')


def level_sign(level: str) -> Markup:
    """Draw the sign of a school of a level for a legend."""
    return _sign(f'<g transform="translate(14,9)">{_shape(level)}</g>')


def _sign(inside: str) -> Markup:
    return Markup(  # noqa: S704 - made of numbers and colors of ours
        f'<svg class="sign" viewBox="0 0 28 18" width="28" height="18" aria-hidden="true">{inside}</svg>'
    )


def _place_of(geometry: shapely.Geometry, place: Screen) -> shapely.Geometry:
    """Put a place, or a point on a campus, on the map."""
    return shapely.transform(shapely.point_on_surface(geometry), place)


def _fitted(shapes: NDArray[np.object_], place: Screen) -> list[shapely.Geometry]:
    """Put zones on the map with no more corners than can be seen; zones that share an edge share it still."""
    drawn = shapely.transform(shapely.force_2d(shapes), place)
    if shapely.is_valid(drawn).all() and shapely.coverage_is_valid(drawn):
        return list(shapely.coverage_simplify(drawn, _TOLERANCE_PX))
    return [_areas_of(shape) for shape in shapely.simplify(shapely.make_valid(drawn), _TOLERANCE_PX)]


def _areas_of(shape: shapely.Geometry) -> shapely.Geometry:
    """Leave out the lines and points that repairing a faulty polygon may add."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.MultiPolygon(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON].tolist())


def _merged(layer: gpd.GeoDataFrame | None) -> list[shapely.Geometry]:
    if layer is None:
        return []
    known = layer.geometry[has_place(layer)]
    return [] if known.empty else [shapely.union_all(shapely.make_valid(known.to_numpy()))]


def _line(shape: shapely.Geometry, place: Screen, color: str, width: float) -> str:
    drawn = shapely.simplify(shapely.transform(shapely.force_2d(shape), place), _TOLERANCE_PX)
    return f'<path d="{path_of(drawn)}" fill="none" stroke="{color}" stroke-width="{width:g}"/>'


def _area(area: Area, shape: shapely.Geometry) -> str:
    fill = "#ffffff" if area.hatch else area.fill
    text = escape(shortened(f"{area.name}: {area.value}" if area.value else area.name, 120))
    drawn = f'<path d="{path_of(shape)}" fill="{fill}" fill-rule="evenodd" stroke="{LINE}" stroke-width="1.5"/>'
    return (
        f'<g data-zone="{escape(area.zone_id)}" data-label="{text}">{drawn}'
        f"{hatch(shape, area.hatch) if area.hatch else ''}</g>"
    )


def _shape(level: str) -> str:
    shape, color = LEVEL_MARKS.get(level, LEVEL_MARKS["other"])
    return f'<path d="{_MARKS[shape]}" fill="{color}" stroke="{INK}" stroke-width="1.4"/>'


def _mark(mark: Mark, x: float, y: float) -> str:
    label = escape(shortened(mark.name))
    return (
        f'<g class="mark" data-of="{escape(mark.zone_id)}" transform="translate({x:.1f},{y:.1f})">'
        f'<g class="fixed">{_shape(mark.level)}<title>{label}</title></g></g>'
    )


def _school_name(mark: Mark, x: float, y: float) -> str:
    text = _haloed(9, 5, shortened(mark.name, 30), size=13, anchor="start")
    return (
        f'<g class="name" data-of="{escape(mark.zone_id)}" transform="translate({x:.1f},{y:.1f})" display="none">'
        f'<g class="fixed">{text}</g></g>'
    )


def _label(area: Area, text: _Text) -> str:
    top = -(len(text.lines) + bool(text.value)) * _LINE_PX / 2 + 12.5
    ink, halo = ("#ffffff", area.fill) if area.fill in _DARK and not area.hatch else (INK, "#ffffff")
    lines = [_haloed(0, top + i * _LINE_PX, line, weight=600, ink=ink, halo=halo) for i, line in enumerate(text.lines)]
    value = _haloed(0, top + len(lines) * _LINE_PX, text.value, weight=700, ink=ink, halo=halo)
    shown = f'<g class="value">{value}</g>' if text.value else ""
    return (
        f'<g class="label" data-of="{escape(area.zone_id)}" transform="translate({text.x:.1f},{text.y:.1f})" '
        f'pointer-events="none"><g class="fixed"><g class="lines">{"".join(lines)}</g>'
        f"{shown}</g></g>"
    )


def _haloed(
    x: float,
    y: float,
    words: str,
    *,
    size: float = _SIZE,
    weight: int = 400,
    anchor: str = "middle",
    more: str = "",
    ink: str = INK,
    halo: str = "#ffffff",
) -> str:
    """Write text over its own thick outline: a halo by `paint-order` hides the text in some printers."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" font-weight="{weight}"{more}'
    under = f'fill="{halo}" stroke="{halo}" stroke-width="4" stroke-linejoin="round" aria-hidden="true"'
    return f'<text {place} {under}>{escape(words)}</text><text {place} fill="{ink}">{escape(words)}</text>'


def _written_at(area: Area, shape: shapely.Geometry, marks: Points) -> _Text:
    lines = textwrap.wrap(shortened(area.name, 40), _WRAP)[:_LINES] or [""]
    wide = _LETTER * max(len(line) for line in [*lines, area.value]) + 6
    tall = _LINE_PX * (len(lines) + bool(area.value)) + 4
    return _Text(*_roomiest(shape, (wide, tall), marks), lines, area.value)


def _roomiest(shape: shapely.Geometry, size: tuple[float, float], marks: Points) -> tuple[float, float]:
    """Find where in a zone a label hides least: inside it, off the schools, near its middle."""
    west, north, east, south = shapely.bounds(shape).tolist()
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(west, east, _GRID), np.linspace(north, south, _GRID)))
    half_w, half_h = size[0] / 2, size[1] / 2
    boxes = shapely.box(x - half_w, y - half_h, x + half_w, y + half_h)
    middle = shapely.get_coordinates(shapely.maximum_inscribed_circle(np.array([shape])))[0]
    sticks_out = shapely.area(shapely.difference(boxes, shape)) / (size[0] * size[1])
    reach = _MARK_PX / 2
    dx, dy = np.abs(x[:, None] - marks[None, :, 0]), np.abs(y[:, None] - marks[None, :, 1])
    hidden = ((dx < half_w + reach) & (dy < half_h + reach)).sum(axis=1)
    away = np.hypot(x - middle[0], y - middle[1]) / max(east - west, south - north, 1e-9)
    best = int(np.lexsort((away, hidden + np.round(6 * sticks_out)))[0])
    return float(x[best]), float(y[best])


def _box(text: _Text) -> Box:
    wide = _LETTER * max(len(line) for line in [*text.lines, text.value]) / 2
    tall = _LINE_PX * (len(text.lines) + bool(text.value)) / 2
    return text.x - wide, text.y - tall, text.x + wide, text.y + tall


def _mark_boxes(marks: Points) -> list[Box]:
    half = _MARK_PX / 2
    return [(x - half, y - half, x + half, y + half) for x, y in marks.tolist()]


def _places(places: gpd.GeoDataFrame | None, place: Screen, taken: list[Box], height: float) -> Iterator[str]:
    """Write names of places where they hide nothing."""
    if places is None or "name" not in places.columns:
        return
    known = places[has_place(places) & places["name"].notna()]
    for name, shape in zip(known["name"].astype("str"), known.geometry, strict=True):
        (x, y) = shapely.get_coordinates(_place_of(shape, place))[0].tolist()
        words = shortened(name, 24)
        half = _LETTER * len(words) / 2
        box = (x - half, y - 12, x + half, y + 5)
        is_inside = box[0] >= 0 and box[2] <= _WIDTH and box[1] >= 0 and box[3] <= height
        if is_inside and not any(meet(box, other) for other in taken):
            taken.append(box)
            text = _haloed(0, 0, words, size=13, more=' font-style="italic"')
            yield (
                f'<g class="place" transform="translate({x:.1f},{y:.1f})" pointer-events="none">'
                f'<g class="fixed">{text}</g></g>'
            )
