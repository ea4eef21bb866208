"""The zones of a plan as two small still maps, before and after, with the schools that change marked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from markupsafe import Markup

from safeschools_geo.board.hatch import path_of
from safeschools_geo.board.row_chart import FONT
from safeschools_geo.maps.svg import INK, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Screen = Callable[[Points], Points]

_WIDTH, _MARGIN, _TALLEST = 360.0, 8.0, 1.1
_TOLERANCE_PX, _SLIVER_PX = 0.3, 0.6
_RADIUS, _APART = 10.0, 22.0
_TURNS = 8
_DASH = f'fill="none" stroke="{INK}" stroke-width="2.5" stroke-dasharray="6 4" stroke-linejoin="round"'


@dataclass(frozen=True)
class Sign:
    """How a zone looks on the maps.

    Parameters
    ----------
    letters
        What is written on it.
    fill
        Its colour.
    """

    letters: str
    fill: str


class _Top(NamedTuple):
    """What lies on top of the zones: ground that changes, and marks with their places, spots and letters."""

    moved: Any
    at: Points
    spots: list[tuple[float, float]]
    letters: list[str]


def plan_maps(
    zones: Sequence[gpd.GeoDataFrame],
    *,
    signs: dict[str, Sign],
    marks: Sequence[tuple[str, float, float]],
    names: Sequence[str],
    titles: Sequence[str],
) -> list[Markup]:
    """Draw several plans of the same ground alike.

    Parameters
    ----------
    zones
        The zones of each plan, those of today first: `zone_id`, polygons in EPSG:4326.
    signs
        Zone id → how it looks.
    marks
        Schools: what is written on the mark, longitude, latitude.
    names
        Start of the ids in each map; unique on the page.
    titles
        What each map shows, for those who cannot see it.

    Returns
    -------
    list of markupsafe.Markup
        An SVG element for each plan. A dashed line surrounds ground that differs between the first and the last.
    """
    place, height = _screen(np.array([z.total_bounds for z in zones]))
    drawn = [_on_screen(z, place) for z in zones]
    moved = _moved(drawn[0], drawn[-1])
    at = place(np.array([mark[1:] for mark in marks], dtype="float64").reshape(-1, 2))
    on_top = _Top(moved, at, _apart(at), [mark[0] for mark in marks])
    return [
        _map(shapes, signs, on_top, name=name, title=title, height=height)
        for shapes, name, title in zip(drawn, names, titles, strict=True)
    ]


def _screen(bounds: Points) -> tuple[Screen, float]:
    """Fit all plans into one picture; give the way to its pixels, and its height."""
    west, south = bounds[:, :2].min(axis=0).tolist()
    east, north = bounds[:, 2:].max(axis=0).tolist()
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, tall = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min((_WIDTH - 2 * _MARGIN) / wide, (_TALLEST * _WIDTH - 2 * _MARGIN) / tall)
    left = (_WIDTH - wide * scale) / 2

    def place(xy: Points) -> Points:
        return np.asarray((xy - [west, north]) * [squeeze * scale, -scale] + [left, _MARGIN])

    return place, float(round(tall * scale + 2 * _MARGIN))


def _on_screen(zones: gpd.GeoDataFrame, place: Screen) -> dict[str, Any]:
    shapes = shapely.simplify(shapely.transform(zones.geometry.to_numpy(), place), _TOLERANCE_PX)
    pieces: dict[str, list[Any]] = {}
    for zone_id, shape in zip(zones["zone_id"].astype("str"), shapely.make_valid(shapes), strict=True):
        pieces.setdefault(zone_id, []).append(shape)
    return {zone_id: shapely.union_all(parts) for zone_id, parts in pieces.items()}


def _moved(before: dict[str, Any], after: dict[str, Any]) -> Any:  # noqa: ANN401 - a shapely geometry
    """Find the ground that lies in another zone than before, without slivers of rounding."""
    changed = shapely.union_all([shapely.difference(after[i], before[i]) for i in after if i in before])
    narrow = shapely.buffer(changed, -_SLIVER_PX, join_style="mitre")
    return shapely.simplify(shapely.buffer(narrow, _SLIVER_PX, join_style="mitre"), _TOLERANCE_PX)


def _apart(at: Points) -> list[tuple[float, float]]:
    """Move marks aside that would hide those before them."""
    taken: list[tuple[float, float]] = []
    angles = [2 * math.pi * i / _TURNS for i in range(_TURNS)]
    for x, y in at.tolist():
        rings = (1.0, 2.0)
        places = [
            (x, y),
            *((x + r * _APART * math.cos(a), y + r * _APART * math.sin(a)) for r in rings for a in angles),
        ]
        free = (p for p in places if all(math.dist(p, other) >= _APART - 1 for other in taken))
        taken.append(next(free, (x, y)))
    return taken


def _map(
    shapes: dict[str, Any], signs: dict[str, Sign], on_top: _Top, *, name: str, title: str, height: float
) -> Markup:
    parts = [f'<title id="{escape(name)}-title">{escape(title)}</title>']
    parts += [
        f'<path d="{path_of(shape)}" fill="{signs[i].fill}" fill-opacity="0.6" fill-rule="evenodd" stroke="#262626" '
        'stroke-width="1.5" stroke-linejoin="round"/>'
        for i, shape in shapes.items()
    ]
    if not shapely.is_empty(on_top.moved):
        parts.append(f'<path d="{path_of(on_top.moved)}" {_DASH}/>')
    around = shapely.union_all([shapely.Point(*spot).buffer(_RADIUS + 10) for spot in on_top.spots])
    for i, shape in shapes.items():
        parts += _label(shape, around, signs[i].letters)
    for (x, y), spot, words in zip(on_top.at.tolist(), on_top.spots, on_top.letters, strict=True):
        parts += _mark((x, y), spot, words)
    return Markup(  # noqa: S704 - all that comes from data is escaped
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="{escape(name)}-title" {FONT} '
        f'font-size="14" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _label(shape: Any, around: Any, letters: str) -> Iterable[str]:  # noqa: ANN401 - shapely geometries
    """Write a zone's sign where it has most room, clear of marks where that is possible."""
    if shapely.is_empty(shape):
        return []
    clear = shapely.difference(shape, around)
    room = shapely.maximum_inscribed_circle(shape if shapely.is_empty(clear) else clear, tolerance=1)
    (x, y), *_ = shapely.get_coordinates(room).tolist()
    bold = 'font-weight="700"'
    halo = f'{bold} stroke="#fff" stroke-width="4" stroke-linejoin="round" aria-hidden="true"'
    looks = (("#fff", halo), (INK, bold))
    return [text(x, y + 6, letters, anchor="middle", color=color, size=18, more=more) for color, more in looks]


def _mark(at: tuple[float, float], spot: tuple[float, float], letters: str) -> list[str]:
    (x, y), (u, v) = at, spot
    line = f'<path d="M{x:.1f},{y:.1f}L{u:.1f},{v:.1f}" stroke="{INK}" stroke-width="1.5"/>'
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{INK}"/>'
    return [
        *([line, dot] if at != spot else []),
        f'<circle cx="{u:.1f}" cy="{v:.1f}" r="{_RADIUS:g}" fill="#fff" stroke="{INK}" stroke-width="2"/>',
        text(u, v + 4.3, letters, anchor="middle", size=12, more='font-weight="700"'),
    ]
