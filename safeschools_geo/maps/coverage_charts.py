"""Charts of coverage as inline SVG: the hours of the day, the number of officers, and who is reached in time."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from safeschools_geo.maps.coverage_figures import MINUTES, decimal, figure, is_figure, share
from safeschools_geo.maps.svg import FAINT, FRAME, GREY, HALO, INK, LETTER, svg, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    Row = dict[Any, Any]

_WIDTH = 760.0
_BAR, _MOST, _LATER, _TODAY = "#7fb3d5", "#253494", "#d55e00", "#ffe9a8"
_HOURS = (
    ("calls_per_h", "Calls an hour", decimal),
    ("busy_share", "By the model: share of the time that officers are busy with calls", share),
    ("overflow_share", "By the model: share of calls that find nobody free, and patrol is sent", share),
    ("response_min", "By the model: mean minutes until an officer is there", decimal),
)


def hours_chart(by_hour: pd.DataFrame, *, title: str) -> str:
    """Draw the hours of the day, a row of bars for each measure.

    Parameters
    ----------
    by_hour
        `hour`, and `calls_per_h`, `busy_share`, `overflow_share` and `response_min` as far as they are known.
    title
        What it shows, for those who cannot see it.

    Returns
    -------
    str
        An SVG element: every bar has its figure; the highest of each row is dark.
    """
    rows = by_hour.to_dict("records")
    shown = [panel for panel in _HOURS if panel[0] in by_hour.columns]
    if not rows or not shown:
        return svg(_WIDTH, 50, title, "No hour is known.", [text(16, 30, "No hour is known.")])
    left, tall, gap = 16.0, 52.0, 50.0
    step = min(110.0, (_WIDTH - 2 * left) / len(rows))
    parts = []
    for place, (name, words, written) in enumerate(shown):
        top = 22 + place * (tall + gap)
        known = [row[name] for row in rows if is_figure(row[name])]
        most = max(known, default=0.0)
        parts.append(text(left, top - 6, words, more='font-weight="600"'))
        for i, row in enumerate(rows):
            x, value = left + i * step, row[name]
            is_most = bool(known) and written(value) == written(most) and most > 0
            size = tall * value / most if is_figure(value) and most > 0 else 0.0
            y = top + 18 + tall - size
            look = f'fill="{_MOST if is_most else _BAR}"'
            parts.append(f'<rect x="{x + 3:.1f}" y="{y:.1f}" width="{step - 6:.1f}" height="{size:.1f}" {look}/>')
            bold = 'font-weight="700"' if is_most else ""
            parts.append(text(x + step / 2, y - 4, written(value), anchor="middle", size=13, more=bold))
        parts.append(f'<path d="M{left},{top + 18 + tall:.1f}h{step * len(rows):.1f}" stroke="{FRAME}"/>')
    bottom = 22 + len(shown) * (tall + gap) - 8
    parts += [
        text(left + (i + 0.5) * step, bottom, hour_text(row["hour"]), anchor="middle", color=GREY)
        for i, row in enumerate(rows)
    ]
    return svg(_WIDTH, bottom + 12, title, "A bar for each hour; the table below holds the figures.", parts)


def hour_text(hour: object) -> str:
    """Write an hour of the day.

    Parameters
    ----------
    hour
        What the hour is called.

    Returns
    -------
    str
        ``"7:00"`` for 7, and anything else as it is.
    """
    is_whole = isinstance(hour, (int, float)) and is_figure(hour) and float(hour).is_integer()
    return f"{int(hour)}:00" if is_whole else str(hour)  # type: ignore[call-overload]


def staffing_chart(staffing: pd.DataFrame, *, title: str) -> str:
    """Draw overflow and response against the number of officers.

    Parameters
    ----------
    staffing
        `officers`, `overflow_share`, `mean_response_min`, `p90_response_min` and `is_current`.
    title
        What it shows, for those who cannot see it.

    Returns
    -------
    str
        An SVG element: two panels on one scale of officers; the number of today has a band.
    """
    rows = staffing.sort_values("officers").to_dict("records")
    lines = [
        (16.0, "By the model: calls that go to patrol", "", [("overflow_share", "", _MOST)]),
        (
            396.0,
            "By the model: minutes until an officer is there",
            MINUTES,
            [("p90_response_min", "nine calls of ten", _LATER), ("mean_response_min", "mean", _MOST)],
        ),
    ]
    known = [line for line in lines if any(name in staffing.columns for name, _, _ in line[3])]
    parts = [piece for left, words, unit, series in known for piece in _panel(rows, left, words, unit, series)]
    said = "Dots for each number of officers, today’s on a band; the table below holds the figures."
    return svg(_WIDTH, 286, title, said, parts)


def _panel(rows: list[Row], left: float, words: str, unit: str, series: Sequence[tuple[str, str, str]]) -> list[str]:
    east, top, south = left + 340, 86.0, 236.0
    first, last = rows[0]["officers"] if rows else 0, rows[-1]["officers"] if rows else 1
    known = [row[name] for row in rows for name, _, _ in series if is_figure(row[name])]
    highest = max([*known, 0.0]) or 1.0

    def x(officers: float) -> float:
        return left + 30 + (officers - first) / max(last - first, 1) * (east - left - 70)

    def y(value: float) -> float:
        return south - value / highest * (south - top)

    parts = [text(left, 20, words, more='font-weight="600"')]
    parts.append(f'<path d="M{left},{south}H{east}" stroke="{FRAME}"/>')
    for row in rows:
        if row["is_current"]:
            band = f'x="{x(row["officers"]) - 22:.1f}" y="26" width="44" height="{south - 26}"'
            parts.append(f'<rect {band} fill="{_TODAY}"/>')
            parts.append(text(x(row["officers"]), 40, "today", anchor="middle", more='font-weight="700"', size=13))
        bold = 'font-weight="700"' if row["is_current"] else ""
        officers = decimal(row["officers"], 0)
        parts.append(text(x(row["officers"]), south + 18, officers, anchor="middle", color=INK, more=bold))
    parts.append(text((left + east) / 2, south + 38, "officers", anchor="middle", color=GREY))
    for name, called, color in series:
        dots = [(x(row["officers"]), y(row[name]), row[name]) for row in rows if is_figure(row[name])]
        path = "L".join(f"{a:.1f},{b:.1f}" for a, b, _ in dots)
        dash = "" if color == _MOST else ' stroke-dasharray="6 4"'
        if len(dots) > 1:
            parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
        fill = color if color == _MOST else "#ffffff"
        parts += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4.5" fill="{fill}" stroke="{color}" stroke-width="2"/>'
            + text(a, b - 10, figure(value, unit), anchor="middle", size=13, more=HALO)
            for a, b, value in dots
        ]
        if called and dots:
            # Curves fall with more officers: above their first dot is room.
            parts.append(text(dots[0][0] - 14, dots[0][1] - 27, called, color=GREY, size=13, more=HALO))
    return parts


def reach_chart(reach: pd.DataFrame, *, title: str, ending: str, who: dict[str, str]) -> str:
    """Draw which share is reached in time, now and from the best waiting points.

    Parameters
    ----------
    reach
        `within_min`, `of`, and the two columns that begin with ``now`` and ``best``.
    title
        What it shows, for those who cannot see it.
    ending
        How the names of the two columns end: ``_share`` or ``_twice_share``.
    who
        Value of `of` → what it is called; a panel for each that occurs.

    Returns
    -------
    str
        An SVG element: a square for now and a diamond for best, as on the map, with their figures.
    """
    present = [key for key in who if key in set(reach["of"])]
    wide = (_WIDTH - 32) / max(len(present), 1)
    minutes = sorted(set(reach["within_min"]))
    parts = []
    for place, key in enumerate(present):
        left = 16 + place * wide
        west, east = left + 105, left + wide - 70
        parts.append(text(left, 20, who[key], more='font-weight="600"'))
        rows = {row["within_min"]: row for row in reach[reach["of"] == key].to_dict("records")}
        for i, within in enumerate(minutes):
            y = 48.0 + i * 34
            parts.append(text(left, y + 5, f"{within:g} min", color=GREY))
            parts.append(f'<path d="M{west},{y}H{east}" stroke="{FAINT}" stroke-width="2"/>')
            if within in rows:
                parts += _pair([rows[within][f"{when}{ending}"] for when in ("now", "best")], (west, east), y)
        bottom = 48.0 + len(minutes) * 34
        for edge, words in ((west, "0%"), (east, "100%")):
            parts.append(text(edge, bottom, words, anchor="middle", color=GREY, size=13))
    height = 48.0 + len(minutes) * 34 + 40
    parts += _key(16, height - 10)
    return svg(_WIDTH, height, title, "Squares are now, diamonds the best; the table holds the figures.", parts)


def _pair(pair: Sequence[float], ends: tuple[float, float], y: float) -> list[str]:
    """Draw now and best, the smaller figure written on the left and the larger on the right."""
    west, east = ends

    def x(value: float) -> float:
        return west + value * (east - west)

    if not all(is_figure(value) for value in pair):
        return [text(x(0) + 6, y + 5, "not known", color=GREY, more=HALO)]
    now, best = (float(value) for value in pair)
    low, high = sorted((now, best))
    told = f"now {share(now)}, best {share(best)}"
    marks = [
        f'<path d="M{x(low):.1f},{y}H{x(high):.1f}" stroke="{INK}" stroke-width="3"/>',
        f'<path d="M{x(best):.1f},{y - 8}l8,8l-8,8l-8,-8Z" fill="{_LATER}" stroke="{INK}"/>',
        f'<path d="M{x(now) - 4.5:.1f},{y - 4.5}h9v9h-9Z" fill="#fff" stroke="{INK}" stroke-width="2"/>',
    ]
    said = [text(x(high) + 12, y + 5, share(high), size=13, more=HALO)]
    if share(low) != share(high):
        said.append(text(x(low) - 11, y + 5, share(low), anchor="end", size=13, more=HALO))
    return [f"<g><title>{escape(told)}</title>{''.join(marks)}</g>", *said]


def _key(x: float, y: float) -> list[str]:
    first = "now, where officers wait today"
    square = f'<rect x="{x}" y="{y - 10}" width="10" height="10" fill="#fff" stroke="{INK}" stroke-width="2"/>'
    later = x + 40 + math.ceil(LETTER * len(first))
    diamond = f'<path d="M{later},{y - 13}l8,8l-8,8l-8,-8Z" fill="{_LATER}" stroke="{INK}"/>'
    return [
        square,
        text(x + 18, y, first, size=13),
        diamond,
        text(later + 14, y, "best, from the best points", size=13),
    ]
