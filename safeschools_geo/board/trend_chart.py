"""Small charts of one group over the terms, as inline SVG styled by attributes alone."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

import shapely
from markupsafe import Markup

from safeschools_geo.board.board_map import FONT, GREY, INK
from safeschools_geo.board.hatch import hatch
from safeschools_geo.board.rows import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BLUE = "#1f5f9e"

_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 8.0, 12.0, 26.0
_PANEL = (250.0, 140.0)
_BARS = (440.0, 250.0)
_FLOOR = 44.0
_ROOMY, _NARROW = 44.0, 30.0
_STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_LETTER = 6.6


@dataclass(frozen=True)
class Point:
    """What a chart shows of a term.

    Parameters
    ----------
    term
        Name of the term.
    value
        The figure; None where there is none.
    text
        The figure as it is written.
    low, high
        Ends of its interval, where it has one.
    hatch
        Why there is no figure: ``withheld`` or ``unknown``; empty where there is one.
    cell
        Number of the figure in the release, where it is a count.
    """

    term: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None
    hatch: str = ""
    cell: int | None = None


def top_of(values: Sequence[float]) -> float:
    """Find the round number that an axis from 0 ends at.

    Parameters
    ----------
    values
        What it has to hold.

    Returns
    -------
    float
        The next round number; 1 where there is nothing to hold.
    """
    largest = max(values, default=0.0)
    if largest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(step * power for step in _STEPS if step * power >= largest * (1 - 1e-9))


def rate_panel(points: Sequence[Point], *, name: str, title: str, top: float, top_text: str) -> Markup:
    """Draw rates as dots with their intervals, joined where nothing lies between.

    Parameters
    ----------
    points
        The terms, in order.
    name
        Name of the chart, from which its ids are made.
    title
        What it shows, for those who cannot see it.
    top, top_text
        Where its axis ends, and how that is written.

    Returns
    -------
    markupsafe.Markup
        An SVG element.
    """
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
    """Draw counts as bars with their figures.

    Parameters
    ----------
    points
        The terms, in order.
    name
        Name of the chart, from which its ids are made.
    title
        What it shows, for those who cannot see it.

    Returns
    -------
    markupsafe.Markup
        An SVG element; a count that is withheld is a hatched column.
    """
    width, height = _BARS
    top = top_of([p.value for p in points if p.value is not None]) * 1.12
    x, step = _columns(len(points), width, left=_RIGHT)
    y = _axis(top, height, floor=_FLOOR)
    size = 15 if step >= _ROOMY else 11
    pieces = [_stroke(f"M{_RIGHT},{height - _FLOOR:.1f}H{width - _RIGHT:.1f}", GREY, 1.5)]
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
        return _ends(points, width, height, left=_RIGHT)
    room = max(4, int(step / _LETTER))
    lines = [textwrap.wrap(shortened(p.term, 2 * room), room)[:2] for p in points]
    return [
        _text(at, height - _FLOOR + 17 + 16 * i, line, anchor="middle", size=12)
        for at, words in zip(x, lines, strict=True)
        for i, line in enumerate(words)
    ]


def _of(point: Point) -> float:
    return 0.0 if point.value is None else point.value


def _columns(number: int, width: float, *, left: float = _LEFT) -> tuple[list[float], float]:
    step = (width - left - _RIGHT) / max(number, 1)
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
        _stroke(f"M{_LEFT},{_TOP}H{width - _RIGHT:.1f}", "#dcdcd6", 1),
        _stroke(f"M{_LEFT},{floor:.1f}H{width - _RIGHT:.1f}", GREY, 1.5),
        _text(_LEFT - 5, _TOP + 4, top_text, anchor="end"),
        _text(_LEFT - 5, floor + 4, "0", anchor="end"),
    ]


def _ends(points: Sequence[Point], width: float, height: float, *, left: float = _LEFT) -> list[str]:
    """Name the first and the last term: there is no room for all."""
    room = (width - left) / 2
    first = [_text(left, height - 8, _short(points[0].term, room), anchor="start")] if len(points) > 1 else []
    last = [_text(width - _RIGHT, height - 8, _short(points[-1].term, room), anchor="end")] if points else []
    return [*first, *last]


def _short(words: str, room: float) -> str:
    return shortened(words, max(4, int(room / _LETTER)))


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
