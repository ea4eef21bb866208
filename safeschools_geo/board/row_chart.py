"""A chart of one figure for each zone, before and after or alone, as inline SVG for screen and paper."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import shapely
from markupsafe import Markup

from safeschools_geo.board.hatch import hatch
from safeschools_geo.board.rows import shortened
from safeschools_geo.maps.svg import FAINT, FRAME, GREY, INK, LONGEST, text

if TYPE_CHECKING:
    from collections.abc import Sequence

FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif"'
"""Said on the element, since style sheets do not reach it in every printer."""

_BLUE = "#0072b2"
_WIDTH, _LEFT, _RIGHT, _ROW, _LINE = 340.0, 8.0, 332.0, 44.0, 20.0
_TRACK, _BAR, _DOT, _LETTER = 29.0, 12.0, 6.0, 7.0
_SIZE, _ROOM = 13.0, 1.04


@dataclass(frozen=True)
class ChartRow:
    """One row of the chart.

    Parameters
    ----------
    name
        Its name.
    told
        Its figure in words, at the end of the row.
    values
        One value, drawn as a bar; or those before and after, drawn as dots; none where it is withheld.
    """

    name: str
    told: str
    values: tuple[float, ...] = ()


def row_chart(
    rows: Sequence[ChartRow],
    *,
    name: str,
    title: str,
    reference: tuple[float, str] | None = None,
    key: tuple[str, str] | None = None,
) -> Markup:
    """Draw the chart.

    Parameters
    ----------
    rows
        Its rows, in order.
    name
        Start of the ids in it; unique on the page.
    title
        What it shows, for those who cannot see it.
    reference
        A value to compare with, drawn as a dashed line, and its name.
    key
        What a hollow and what a full dot stands for.

    Returns
    -------
    markupsafe.Markup
        An SVG element; figures that are withheld are hatched.
    """
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
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="{escape(name)}-title" {FONT} '
        f'font-size="13" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _row(row: ChartRow, *, top: float, scale: float, at: float | None) -> list[str]:
    y = top + _TRACK
    color = INK if row.values else GREY
    parts = [
        text(_LEFT, top + 15, shortened(row.name, LONGEST), size=_SIZE),
        text(_RIGHT, top + 15, row.told, anchor="end", color=color, size=_SIZE, more='font-weight="600"'),
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
    line = f'<path d="M{before:.1f},{y:.1f}H{after:.1f}" stroke="{GREY}" stroke-width="3"/>'
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
    return text(middle, y, words, anchor="middle", color=GREY, size=_SIZE)


def _hatched(top: float) -> str:
    bar = shapely.box(_LEFT, top, _RIGHT, top + _BAR)
    place = f'x="{_LEFT:g}" y="{top:.1f}" width="{_RIGHT - _LEFT:g}" height="{_BAR:g}"'
    return f'<rect {place} fill="#fff" stroke="{FRAME}"/>{hatch(bar, "withheld")}'
