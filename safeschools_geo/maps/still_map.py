"""The map of coverage as inline SVG: what is printed, and what stands where scripts do not run."""

from __future__ import annotations

import math
import zlib
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from safeschools_geo.maps.svg import GREY, HALO, INK, LETTER, svg, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.maps.coverage_layers import MapLayers, Mark

    Box = tuple[float, float, float, float]
    Points = NDArray[np.float64]
    Screen = Callable[[Points], Points]

_TALLEST, _MARGIN = 0.85, 8.0
_TOLERANCE_PX = 0.4
_LABEL, _LINE = 14.0, 16.0
_LIFTS = (0.0, -17.0, 17.0, -34.0, 34.0)
_HATCH = (
    '<defs><pattern id="{}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" fill="#fff"/><path d="M0,0V8" stroke="#8a8a85" stroke-width="2"/></pattern></defs>'
)
_SHAPES: dict[str, Callable[[float, float, float], str]] = {
    "circle": lambda x, y, r: f"M{x - r:.1f},{y:.1f}a{r},{r} 0 1,0 {2 * r},0a{r},{r} 0 1,0 {-2 * r},0Z",
    "square": lambda x, y, r: f"M{x - r:.1f},{y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}Z",
    "diamond": lambda x, y, r: (
        f"M{x:.1f},{y - 1.3 * r:.1f}l{1.3 * r},{1.3 * r}l{-1.3 * r},{1.3 * r}l{-1.3 * r},{-1.3 * r}Z"
    ),
    "cross": lambda x, y, r: (
        f"M{x - r / 3:.1f},{y - r:.1f}h{r / 1.5:.1f}v{2 * r}h{-r / 1.5:.1f}Z"
        f"M{x - r:.1f},{y - r / 3:.1f}h{2 * r}v{r / 1.5:.1f}h{-2 * r}Z"
    ),
}


class _Label(NamedTuple):
    x: float
    y: float
    lines: list[str]
    anchor: str


def still_map(layers: MapLayers, *, title: str, description: str, width: float = 760.0) -> str:
    """Draw a map that stays as it is.

    Parameters
    ----------
    layers
        What it shows.
    title, description
        What it shows, for those who cannot see it.
    width
        Its width: the narrower, the larger are marks and labels on it.

    Returns
    -------
    str
        An SVG element. Labels give way to those before them, zones first; letters on a mark are always written.
    """
    features = layers.zones["features"]
    place, height = _screen([f["geometry"] for f in features], width)
    hatch = f"gap-{zlib.crc32(title.encode()):08x}"
    pieces = [_HATCH.format(hatch)] if any(not f["properties"]["fill"] for f in features) else []
    pieces += [_zone(feature, place, hatch) for feature in features]
    for name, look in (
        ("roads", 'stroke="#a9a9a4" stroke-width="0.8"'),
        ("boundary", f'stroke="{GREY}" stroke-width="2" stroke-dasharray="6 4"'),
    ):
        if layers.backdrop[name]:
            pieces.append(f'<path d="{_path(layers.backdrop[name], place)}" fill="none" {look}/>')
    for outline in layers.outlines:
        look = 'stroke="#7a0019" stroke-width="4" stroke-dasharray="8 5"'
        pieces.append(f'<path d="{_path(outline, place)}" fill="none" {look}/>')
    for ends in layers.links:
        (x, y), (u, v) = place(np.array(ends)).tolist()
        line = f'stroke="{INK}" stroke-width="2" stroke-dasharray="5 4"'
        pieces.append(f'<path d="M{x:.1f},{y:.1f}L{u:.1f},{v:.1f}" {line}/>')
    at = place(np.array([m["at"] for m in layers.marks]).reshape(-1, 2)).tolist()
    pieces += [_mark(mark, x, y) for mark, (x, y) in zip(layers.marks, at, strict=True)]
    labels = [_Label(*_spot(f["properties"]["label_at"], place), f["properties"]["label"], "middle") for f in features]
    labels += [_beside(mark, x, y) for mark, (x, y) in zip(layers.marks, at, strict=True) if mark["label"]]
    return svg(width, height, title, description, [*pieces, *_written(labels, (width, height))])


def _screen(shapes: Sequence[dict[str, Any]], width: float) -> tuple[Screen, float]:
    """Fit the zones into the picture; give the way to its pixels, and its height."""
    corners = np.array([point for shape in shapes for ring in _rings(shape) for point in ring] or [[0.0, 0.0]])
    (west, south), (east, north) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, tall = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min((width - 2 * _MARGIN) / wide, (_TALLEST * width - 2 * _MARGIN) / tall)
    left = (width - wide * scale) / 2

    def place(xy: Points) -> Points:
        return np.asarray((xy - [west, north]) * [squeeze * scale, -scale] + [left, _MARGIN])

    return place, float(round(tall * scale + 2 * _MARGIN))


def _rings(shape: dict[str, Any]) -> Iterator[list[list[float]]]:
    """Give the lines of a GeoJSON geometry, however deep they lie."""
    if shape["type"] == "GeometryCollection":
        for part in shape["geometries"]:
            yield from _rings(part)
        return
    depth = {"LineString": 0, "MultiLineString": 1, "Polygon": 1, "MultiPolygon": 2}.get(shape["type"])
    found = [] if depth is None else [shape["coordinates"]]
    for _ in range(depth or 0):
        found = [part for whole in found for part in whole]
    yield from found


def _path(shape: dict[str, Any], place: Screen) -> str:
    is_area = "Polygon" in shape["type"]
    drawn = [
        shapely.simplify(shapely.linestrings(place(np.array(ring)[:, :2])), _TOLERANCE_PX) for ring in _rings(shape)
    ]
    lines = ("L".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(line).tolist()) for line in drawn)
    return "".join(f"M{line}{'Z' if is_area else ''}" for line in lines)


def _zone(feature: dict[str, Any], place: Screen, hatch: str) -> str:
    told = feature["properties"]
    fill = told["fill"] or f"url(#{hatch})"
    width = 4 if told["is_heaviest"] else 1.5
    look = (
        f'fill="{fill}" fill-opacity="{told["opacity"]:g}" fill-rule="evenodd" stroke="#262626" stroke-width="{width}"'
    )
    return f'<path d="{_path(feature["geometry"], place)}" {look}/>'


def _mark(mark: Mark, x: float, y: float) -> str:
    look = f'fill="{mark["color"]}" stroke="{mark["line"]}" stroke-width="{mark["weight"]:g}"'
    told = escape(", ".join(mark["facts"]))
    return f'<path d="{_SHAPES[mark["shape"]](x, y, mark["radius"])}" {look}><title>{told}</title></path>'


def _spot(at: list[float], place: Screen) -> tuple[float, float]:
    x, y = place(np.array(at)).tolist()
    return x, y


def _beside(mark: Mark, x: float, y: float) -> _Label:
    away = mark["radius"] + 5
    if mark["side"] == "center":
        return _Label(x, y, [mark["label"]], "on it")
    return _Label(*((x - away, y) if mark["side"] == "left" else (x + away, y)), [mark["label"]], mark["side"])


def _written(labels: Sequence[_Label], size: tuple[float, float]) -> list[str]:
    """Write labels, the first ones first; one that finds no free place near its own is left out."""
    written: list[str] = []
    taken: list[Box] = []
    for label in labels:
        if label.anchor == "on it":
            written.append(
                text(label.x, label.y + 4, label.lines[0], anchor="middle", size=11, more='font-weight="700"')
            )
            continue
        box = next((box for box in _places(label, size) if not any(_meet(box, other) for other in taken)), None)
        if box is not None:
            taken.append(box)
            written += _lines(label.lines, (box[0] + box[2]) / 2, box[1])
    return written


def _places(label: _Label, size: tuple[float, float]) -> Iterator[Box]:
    """List where a label could stand: its own place, the other side of a mark, and somewhat above or below."""
    wide, tall = LETTER * max(map(len, label.lines), default=0) + 6, _LINE * len(label.lines)
    sides = {"middle": (-wide / 2,), "right": (0.0, -wide - 24), "left": (-wide, 24.0)}[label.anchor]
    for lift in _LIFTS:
        for side in sides:
            x = min(max(label.x + side, 0), size[0] - wide)
            y = min(max(label.y - tall / 2 + lift, 0), size[1] - tall)
            yield x, y, x + wide, y + tall


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _lines(lines: Sequence[str], x: float, top: float) -> list[str]:
    return [
        text(
            x,
            top + 12 + i * _LINE,
            line,
            anchor="middle",
            size=_LABEL,
            more=f'font-weight="{500 if i else 700}" {HALO}',
        )
        for i, line in enumerate(lines)
    ]
