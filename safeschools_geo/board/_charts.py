"""Charts as inline SVG, for screen and paper: figures of zones, groups over the terms, a plan before and after."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from markupsafe import Markup

from safeschools_geo.board._map import hatch, path_of
from safeschools_geo.board._tables import shortened
from safeschools_geo.drawing import FAINT, FONT, FRAME, GRAY, INK, LONGEST, fit, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.drawing import Screen

    Points = NDArray[np.float64]


# ── A chart of one figure for each zone, before and after or alone, as inline SVG for screen and paper

_BLUE = "#0072b2"
_WIDTH, _LEFT, _RIGHT, _ROW, _LINE = 340.0, 8.0, 332.0, 44.0, 20.0
_TRACK, _BAR, _DOT, _LETTER = 29.0, 12.0, 6.0, 7.0
_SIZE, _ROOM = 13.0, 1.04


@dataclass(frozen=True)
class ChartRow:
    """One row of a chart, its figure in words at the end: one value is a bar, two are dots, none is withheld."""

    name: str
    label: str
    values: tuple[float, ...] = ()


def row_chart(
    rows: Sequence[ChartRow],
    *,
    name: str,
    title: str,
    reference: tuple[float, str] | None = None,
    key: tuple[str, str] | None = None,
) -> Markup:
    """Draw the chart."""
    most = max([*(value for row in rows for value in row.values), reference[0] if reference else 0.0, 1e-9])
    scale = (_RIGHT - _LEFT) / (_ROOM * most)
    head = _LINE * ((key is not None) + (reference is not None)) + 6
    height = head + _ROW * len(rows) + 4
    at = _LEFT + scale * reference[0] if reference else None
    parts = [f'<title id="{escape(name)}-title">{escape(title)}</title>']
    parts += _key(*key) if key else []
    if reference and at is not None:
        parts.append(_reference_name(at, head - 8, reference[1]))
    for i, row in enumerate(rows):
        parts += _row(row, top=head + _ROW * i, scale=scale, at=at)
    return Markup(  # noqa: S704 - all that comes from data is escaped
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="{escape(name)}-title" '
        f'font-family="{FONT}" font-size="13" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _row(row: ChartRow, *, top: float, scale: float, at: float | None) -> list[str]:
    y = top + _TRACK
    color = INK if row.values else GRAY
    parts = [
        text(_LEFT, top + 15, shortened(row.name, LONGEST), size=_SIZE),
        text(_RIGHT, top + 15, row.label, anchor="end", color=color, size=_SIZE, more='font-weight="600"'),
        f'<path d="M{_LEFT:g},{y:.1f}H{_RIGHT:g}" stroke="{FAINT}" stroke-width="1.5"/>',
    ]
    ends = [_LEFT + scale * value for value in row.values]
    parts += _marks(ends, y) if ends else [_hatched(y - _BAR / 2)]
    if at is not None:
        line = f'stroke="{INK}" stroke-width="1.5" stroke-dasharray="3 3"'
        # Beneath the dots, above the bars: neither may hide where the line is.
        parts.insert(3 if len(ends) > 1 else len(parts), f'<path d="M{at:.1f},{y - 11:.1f}V{y + 11:.1f}" {line}/>')
    return parts


def _marks(ends: Sequence[float], y: float) -> list[str]:
    if len(ends) == 1:
        place = f'x="{_LEFT:g}" y="{y - _BAR / 2:.1f}" width="{ends[0] - _LEFT:.1f}" height="{_BAR:g}"'
        return [f'<rect {place} fill="{_BLUE}"/>']
    before, after = ends
    line = f'<path d="M{before:.1f},{y:.1f}H{after:.1f}" stroke="{GRAY}" stroke-width="3"/>'
    return [line, _dot(before, y, is_full=False), _dot(after, y, is_full=True)]


def _dot(x: float, y: float, *, is_full: bool) -> str:
    look = f'fill="{_BLUE}" stroke="{_BLUE}"' if is_full else f'fill="#fff" stroke="{INK}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT:g}" {look} stroke-width="2"/>'


def _key(before: str, after: str) -> list[str]:
    second = _LEFT + 34 + _LETTER * len(before)
    starts = ((_LEFT, before, False), (second, after, True))
    return [
        part
        for x, words, is_full in starts
        for part in (_dot(x + _DOT, 10, is_full=is_full), text(x + 18, 15, words, size=_SIZE))
    ]


def _reference_name(x: float, y: float, words: str) -> str:
    """Write it over its line, as far as it has room there."""
    half = _LETTER * len(words) / 2
    middle = min(max(x, _LEFT + half), _RIGHT - half)
    return text(middle, y, words, anchor="middle", color=GRAY, size=_SIZE)


def _hatched(top: float) -> str:
    bar = shapely.box(_LEFT, top, _RIGHT, top + _BAR)
    place = f'x="{_LEFT:g}" y="{top:.1f}" width="{_RIGHT - _LEFT:g}" height="{_BAR:g}"'
    return f'<rect {place} fill="#fff" stroke="{FRAME}"/>{hatch(bar, "withheld")}'


# ── Small charts of one group over the terms, as inline SVG styled by attributes alone

BLUE = "#1f5f9e"

_TREND_CHART_LEFT, _TREND_CHART_RIGHT, _TOP, _BOTTOM = 40.0, 8.0, 12.0, 26.0
_PANEL = (250.0, 140.0)
_BARS = (440.0, 250.0)
_FLOOR = 44.0
_ROOMY, _NARROW = 44.0, 30.0
_STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_TREND_CHART_LETTER = 6.6


@dataclass(frozen=True)
class Point:
    """What a chart shows of a term."""

    term: str  # Name of the term
    value: float | None  # The figure; None where there is none
    text: str  # The figure as it is written
    # Ends of its interval, where it has one
    low: float | None = None
    high: float | None = None
    hatch: str = ""  # Why there is no figure: ``withheld`` or ``unknown``; empty where there is one
    cell: int | None = None  # Number of the figure in the release, where it is a count


def top_of(values: Sequence[float]) -> float:
    """Find the round number that an axis from 0 ends at."""
    largest = max(values, default=0.0)
    if largest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(step * power for step in _STEPS if step * power >= largest * (1 - 1e-9))


def rate_panel(points: Sequence[Point], *, name: str, title: str, top: float, top_text: str) -> Markup:
    """Draw rates as dots with their intervals, joined where nothing lies between."""
    width, height = _PANEL
    x, step = _columns(len(points), width)
    y = _axis(top, height)
    known = [i for i, p in enumerate(points) if p.value is not None]
    pieces = [*_frame(width, height, top_text), *_ends(points, width, height)]
    pieces += [hatch(_column(x[i], step, height), p.hatch) for i, p in enumerate(points) if p.hatch]
    for i, p in enumerate(points):
        if p.low is not None and p.high is not None:
            pieces.append(_stroke(f"M{x[i]:.1f},{y(p.low):.1f}V{y(min(p.high, top)):.1f}", "#9bb8d6", 4))
    for i, j in pairwise(known):
        if j == i + 1:
            pieces.append(_stroke(f"M{x[i]:.1f},{y(_of(points[i])):.1f}L{x[j]:.1f},{y(_of(points[j])):.1f}", BLUE, 2))
    pieces += [f'<circle cx="{x[i]:.1f}" cy="{y(_of(points[i])):.1f}" r="4.2" fill="{BLUE}"/>' for i in known]
    return _svg(width, height, name, title, pieces)


def count_bars(points: Sequence[Point], *, name: str, title: str) -> Markup:
    """Draw counts as bars with their figures."""
    width, height = _BARS
    top = top_of([p.value for p in points if p.value is not None]) * 1.12
    x, step = _columns(len(points), width, left=_TREND_CHART_RIGHT)
    y = _axis(top, height, floor=_FLOOR)
    size = 15 if step >= _ROOMY else 11
    pieces = [_stroke(f"M{_TREND_CHART_RIGHT},{height - _FLOOR:.1f}H{width - _TREND_CHART_RIGHT:.1f}", GRAY, 1.5)]
    for at, p in zip(x, points, strict=True):
        if p.value is None:
            pieces.append(hatch(_column(at, step, height, floor=_FLOOR), p.hatch or "withheld"))
            pieces.append(
                _text(at, _TOP - 2, p.text, anchor="middle", cell=p.cell, size=min(size, 12), is_withheld=True)
            )
        else:
            bar = f'x="{at - 0.32 * step:.1f}" y="{y(p.value):.1f}" width="{0.64 * step:.1f}"'
            pieces.append(f'<rect {bar} height="{y(0) - y(p.value):.1f}" fill="{BLUE}"/>')
            pieces.append(_text(at, y(p.value) - 6, p.text, anchor="middle", cell=p.cell, size=size, weight=700))
    return _svg(width, height, name, title, [*pieces, *_terms(points, x, step)])


def _terms(points: Sequence[Point], x: Sequence[float], step: float) -> list[str]:
    """Name all terms, in two lines where need be; the first and the last where there is no room for all."""
    width, height = _BARS
    if step < _NARROW:
        return _ends(points, width, height, left=_TREND_CHART_RIGHT)
    room = max(4, int(step / _TREND_CHART_LETTER))
    lines = [textwrap.wrap(shortened(p.term, 2 * room), room)[:2] for p in points]
    return [
        _text(at, height - _FLOOR + 17 + 16 * i, line, anchor="middle", size=12)
        for at, words in zip(x, lines, strict=True)
        for i, line in enumerate(words)
    ]


def _of(point: Point) -> float:
    return 0.0 if point.value is None else point.value


def _columns(number: int, width: float, *, left: float = _TREND_CHART_LEFT) -> tuple[list[float], float]:
    step = (width - left - _TREND_CHART_RIGHT) / max(number, 1)
    return [left + (i + 0.5) * step for i in range(number)], step


def _axis(top: float, height: float, *, floor: float = _BOTTOM) -> Callable[[float], float]:
    def y(value: float) -> float:
        return height - floor - value / top * (height - floor - _TOP)

    return y


def _column(x: float, step: float, height: float, *, floor: float = _BOTTOM) -> shapely.Polygon:
    half = min(0.4 * step, 18)
    return shapely.box(x - half, _TOP + 2, x + half, height - floor)


def _frame(width: float, height: float, top_text: str) -> list[str]:
    floor = height - _BOTTOM
    return [
        _stroke(f"M{_TREND_CHART_LEFT},{_TOP}H{width - _TREND_CHART_RIGHT:.1f}", "#dcdcd6", 1),
        _stroke(f"M{_TREND_CHART_LEFT},{floor:.1f}H{width - _TREND_CHART_RIGHT:.1f}", GRAY, 1.5),
        _text(_TREND_CHART_LEFT - 5, _TOP + 4, top_text, anchor="end"),
        _text(_TREND_CHART_LEFT - 5, floor + 4, "0", anchor="end"),
    ]


def _ends(points: Sequence[Point], width: float, height: float, *, left: float = _TREND_CHART_LEFT) -> list[str]:
    """Name the first and the last term: there is no room for all."""
    room = (width - left) / 2
    first = [_text(left, height - 8, _short(points[0].term, room), anchor="start")] if len(points) > 1 else []
    last = (
        [_text(width - _TREND_CHART_RIGHT, height - 8, _short(points[-1].term, room), anchor="end")] if points else []
    )
    return [*first, *last]


def _short(words: str, room: float) -> str:
    return shortened(words, max(4, int(room / _TREND_CHART_LETTER)))


def _stroke(path: str, color: str, width: float) -> str:
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width:g}" stroke-linecap="round"/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str,
    size: float = 13,
    weight: int = 400,
    cell: int | None = None,
    is_withheld: bool = False,
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" font-weight="{weight}"'
    marked = ' class="withheld"' if is_withheld else ""
    counted = "" if cell is None else f'{marked} data-cell="{cell}"'
    return f'<text {place} fill="{INK}"{counted}>{escape(words)}</text>'


def _svg(width: float, height: float, name: str, title: str, pieces: Sequence[str]) -> Markup:
    head = (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{name}-title" font-family="{FONT}" '
        f'xmlns="http://www.w3.org/2000/svg"><title id="{name}-title">{escape(title)}</title>'
    )
    return Markup(f"{head}{''.join(pieces)}</svg>")  # noqa: S704 - names are escaped where they are written


# ── The zones of a plan as two small still maps, before and after, with the schools that change marked

_PLAN_MAP_WIDTH, _MARGIN, _TALLEST = 360.0, 8.0, 1.1
_TOLERANCE_PX, _SLIVER_PX = 0.3, 0.6
_RADIUS, _APART = 10.0, 22.0
_TURNS = 8
_DASH = f'fill="none" stroke="{INK}" stroke-width="2.5" stroke-dasharray="6 4" stroke-linejoin="round"'


@dataclass(frozen=True)
class Sign:
    """How a zone looks on the maps: its letters and its color."""

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
    """Draw plans of the same ground alike; a dashed line surrounds what differs between the first and the last."""
    bounds = np.array([z.total_bounds for z in zones])
    extent = (*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist())
    place, tall = fit(extent, _PLAN_MAP_WIDTH, _TALLEST * _PLAN_MAP_WIDTH, _MARGIN)
    height = float(round(tall))
    drawn = [_on_screen(z, place) for z in zones]
    moved = _moved(drawn[0], drawn[-1])
    at = place(np.array([mark[1:] for mark in marks], dtype="float64").reshape(-1, 2))
    on_top = _Top(moved, at, _apart(at), [mark[0] for mark in marks])
    return [
        _map(shapes, signs, on_top, name=name, title=title, height=height)
        for shapes, name, title in zip(drawn, names, titles, strict=True)
    ]


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
        f'<svg viewBox="0 0 {_PLAN_MAP_WIDTH:g} {height:g}" role="img" aria-labelledby="{escape(name)}-title" '
        f'font-family="{FONT}" font-size="14" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
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
