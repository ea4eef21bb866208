"""Small pictures of a plan as inline SVG: the zones today, as proposed, and what changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from safeschools_geo.maps.svg import GREY, HALO, INK, LETTER, svg, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.maps.plan_layers import UnitShapes, ZoneSign

    Box = tuple[float, float, float, float]
    Points = NDArray[np.float64]

_WIDTH, _TALLEST, _MARGIN = 380.0, 420.0, 6.0
_TOLERANCE_PX = 0.3
_MOVED = "#7a0019"
_LABEL = 13.0
_LIFTS = (0.0, -13.0, 13.0, -22.0, 22.0)


def plan_picture(
    shapes: UnitShapes,
    zone_of: Sequence[int],
    signs: Sequence[ZoneSign],
    *,
    title: str,
    description: str,
    former: Sequence[int] | None = None,
    lines: Sequence[str] = (),
    only_changes: bool = False,
) -> str:
    """Draw a plan small.

    Parameters
    ----------
    shapes
        The units.
    zone_of
        Place of each unit's zone in `signs`.
    signs
        The zones.
    title, description
        What it shows, for those who cannot see it.
    former
        The plan to compare with: units that moved since get an outline.
    lines
        A second line of each zone's label, such as its load.
    only_changes
        Whether to colour only units that moved, each with where it came from and where it goes.

    Returns
    -------
    str
        An SVG element.
    """
    place, height = _screen(shapes.shapes)
    drawn = shapely.simplify(shapely.transform(shapes.shapes, place), _TOLERANCE_PX)
    at = place(shapes.at)
    before = zone_of if former is None else former
    has_moved = [now != then for now, then in zip(zone_of, before, strict=True)]
    parts = [
        _area(shape, signs[zone].fill if moved or not only_changes else "#ffffff", opacity=0.75 if moved else 0.45)
        for shape, zone, moved in zip(drawn, zone_of, has_moved, strict=True)
    ]
    zones = _zones(shapes, zone_of, len(signs), place)
    if only_changes:
        parts += [_outline(zone, INK, 2, dash="2 4") for zone in _zones(shapes, before, len(signs), place) if zone]
    else:
        parts += [_outline(zone, INK, 2) for zone in zones if zone]
    parts += [_outline(shape, _MOVED, 3) for shape, moved in zip(drawn, has_moved, strict=True) if moved]
    labels = _move_labels(at, zone_of, before, signs) if only_changes else []
    labels += [
        (_inside(zones[i]), [sign.short if only_changes else sign.label, *([] if only_changes else lines[i : i + 1])])
        for i, sign in enumerate(signs)
        if zones[i] is not None
    ]
    return svg(_WIDTH, height, title, description, [*parts, *_labels(labels, (_WIDTH, height))])


def _screen(shapes: NDArray[np.object_]) -> tuple[Callable[[Points], Points], float]:
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, tall = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min((_WIDTH - 2 * _MARGIN) / wide, (_TALLEST - 2 * _MARGIN) / tall)
    left = (_WIDTH - wide * scale) / 2

    def place(xy: Points) -> Points:
        return np.asarray((xy - [west, north]) * [squeeze * scale, -scale] + [left, _MARGIN])

    return place, round(tall * scale + 2 * _MARGIN)


def _zones(
    shapes: UnitShapes, zone_of: Sequence[int], zones: int, place: Callable[[Points], Points]
) -> list[shapely.Geometry | None]:
    """Join the units of each zone; a zone without units has no shape."""
    of, join = np.asarray(zone_of), shapely.coverage_union_all if shapes.is_coverage else shapely.union_all
    whole = [join(shapes.shapes[of == zone]) if (of == zone).any() else None for zone in range(zones)]
    return [None if z is None else shapely.simplify(shapely.transform(z, place), _TOLERANCE_PX) for z in whole]


def _inside(zone: shapely.Geometry | None) -> tuple[float, float]:
    largest = max(shapely.get_parts(zone), key=shapely.area)
    middle = largest.centroid
    point = middle if largest.contains(middle) else largest.representative_point()
    return point.x, point.y


def _area(shape: shapely.Geometry, fill: str, *, opacity: float) -> str:
    look = f'fill="{fill}" fill-opacity="{opacity:g}" fill-rule="evenodd" stroke="#8a8a85" stroke-width="0.6"'
    return f'<path d="{_path(shape)}" {look}/>'


def _outline(shape: shapely.Geometry, color: str, width: float, *, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{_path(shape)}" fill="none" stroke="{color}" stroke-width="{width:g}"{dashed}/>'


def _path(shape: shapely.Geometry) -> str:
    rings = (shapely.get_coordinates(ring)[:-1].tolist() for ring in shapely.get_rings(shape))
    return "".join(f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in ring)}Z" for ring in rings)


def _move_labels(
    at: Points, zone_of: Sequence[int], before: Sequence[int], signs: Sequence[ZoneSign]
) -> list[tuple[tuple[float, float], list[str]]]:
    return [
        ((float(x), float(y)), [f"{signs[then].short} → {signs[now].short}"])
        for (x, y), now, then in zip(at, zone_of, before, strict=True)
        if now != then
    ]


def _labels(labels: Sequence[tuple[tuple[float, float], list[str]]], size: tuple[float, float]) -> list[str]:
    """Write labels, the first ones first; one that finds no free place near its own is left out."""
    parts: list[str] = []
    taken: list[Box] = []
    for (x, y), lines in labels:
        half, tall = LETTER * max(map(len, lines)) / 2, _LABEL * len(lines) / 2 + 1
        tries = (_kept_in(x, y + lift, half, tall, size) for lift in _LIFTS)
        box = next((box for box in tries if not any(_meet(box, other) for other in taken)), None)
        if box is not None:
            taken.append(box)
            parts += _lines(lines, (box[0] + box[2]) / 2, box[1])
    return parts


def _kept_in(x: float, y: float, half: float, tall: float, size: tuple[float, float]) -> Box:
    x, y = min(max(x, half), size[0] - half), min(max(y, tall), size[1] - tall)
    return x - half, y - tall, x + half, y + tall


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _lines(lines: Sequence[str], x: float, top: float) -> list[str]:
    is_move = "→" in lines[0]
    return [
        text(
            x,
            top + 12 + i * _LABEL,
            line,
            anchor="middle",
            color=_MOVED if is_move else GREY if i else INK,
            size=_LABEL,
            more=HALO if i else f'font-weight="700" {HALO}',
        )
        for i, line in enumerate(lines)
    ]
