"""The funnel: schools against what their enrolment and level lead to expect, as inline SVG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.maps.palette import STATUS_MARKS
from safeschools_geo.maps.svg import (
    FAINT,
    FRAME,
    GREY,
    HALO,
    INK,
    LETTER,
    LINE,
    WIDTH,
    shortened,
    svg,
    text,
)
from safeschools_geo.schemas import HOTSPOT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Window = tuple[Sequence[int], int, int]
    Box = tuple[float, float, float, float]
    Scale = Callable[[float], float]


_LINES_AWAY = 6

_STEEP = 6.0
"""Ratios above this are squeezed, so that one school does not flatten all the others."""

_SHAPES: dict[str, Callable[[float, float], str]] = {
    "circle": lambda x, y: f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>',
    "triangle": lambda x, y: f'<path d="M{x:.1f},{y - 7.5:.1f}l7,12.5h-14Z"/>',
    "diamond": lambda x, y: f'<path d="M{x:.1f},{y - 7:.1f}l6,7l-6,7l-6,-7Z"/>',
    "cross": lambda x, y: f'<path d="M{x - 5:.1f},{y - 1.7:.1f}h3.3v-3.3h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3Z"/>',
}


def funnel_chart(points: pd.DataFrame, limits: pd.DataFrame, *, title: str, description: str) -> str:
    """Draw schools against what is expected of them, with the limits that ordinary schools keep.

    Parameters
    ----------
    points
        `expected`, `ratio` (observed over expected), `status` and `label` of each school.
    limits
        `expected` and `low_95`, `high_95`, `low_998`, `high_998`, as observed over expected.
    title, description
        What it shows, for those who cannot see it.

    Returns
    -------
    str
        An SVG element. Expected incidents run to the right on a logarithmic scale; schools that stand out carry their
        name.
    """
    width, height, left, right, top, bottom = 760.0, 474.0, 56.0, 66.0, 30.0, 92.0
    shown = points[points["expected"] > 0]
    if shown.empty:
        return svg(width, 60, title, description, [text(left, 34, "No school can be compared with others.")])
    low_x, high_x = math.log(float(shown["expected"].min()) * 0.85), math.log(float(shown["expected"].max()) * 1.15)
    inside = _within(limits, math.exp(low_x), math.exp(high_x))
    highest = float(np.nanmax([shown["ratio"].max(), inside["high_95"].max() if len(inside) else 0.0, 2.0])) * 1.06
    squeeze = math.sqrt if highest > _STEEP else float

    def x(expected: float) -> float:
        return left + (math.log(expected) - low_x) / (high_x - low_x) * (width - left - right)

    def y(ratio: float) -> float:
        return top + (1 - squeeze(ratio) / squeeze(highest)) * (height - top - bottom)

    parts = [*_funnel_axes(x, y, (low_x, high_x), highest, (left, width - right, top, height - bottom))]
    parts += _funnel_limits(inside, x, y, highest)
    order = {status: place for place, status in enumerate(STATUS_MARKS)}
    rows = sorted(shown.to_dict("records"), key=lambda row: (-order[row["status"]], row["expected"]))
    is_flagged = [row["status"] in ("high", "rests_on_officer_initiated") for row in rows]
    spots = [(x(row["expected"]), y(row["ratio"]), shortened(str(row["label"]))) for row in rows]
    # Names first: no mark is ever hidden under one.
    parts += _labels(spots, is_flagged, (left, width - right + 50, top, height - bottom))
    for row in rows:
        shape, color = STATUS_MARKS[row["status"]]
        said = HOTSPOT_STATUSES[row["status"]]
        told = f"{row['label']}: {row['ratio']:.1f} times the {row['expected']:.1f} expected; {said}"
        mark = _SHAPES[shape](x(row["expected"]), y(row["ratio"]))
        parts.append(f'<g fill="{color}" stroke="{INK}"><title>{escape(told)}</title>{mark}</g>')
    seen = [status for status in STATUS_MARKS if status in set(shown["status"])]
    parts += _status_legend(seen, left, height - 38)
    return svg(width, height, title, description, parts)


def _funnel_axes(
    x: Scale,
    y: Scale,
    logs: tuple[float, float],
    highest: float,
    frame: Box,
) -> list[str]:
    west, east, north, south = frame
    parts = [text(west, north - 12, "Reported, times what was expected", color=GREY)]
    for times in _ratio_ticks(highest):
        color = INK if times == 1 else FAINT
        parts.append(f'<path d="M{west},{y(times):.1f}H{east}" stroke="{color}"/>')
        parts.append(text(west - 8, y(times) + 5, f"{times:g} ×", anchor="end", color=GREY))
    for tick in _log_ticks(math.exp(logs[0]), math.exp(logs[1])):
        parts.append(f'<path d="M{x(tick):.1f},{south}v5" stroke="{FRAME}"/>')
        parts.append(text(x(tick), south + 20, f"{tick:,g}", anchor="middle", color=GREY))
    parts.append(f'<path d="M{west},{north}V{south}H{east}" fill="none" stroke="{FRAME}"/>')
    parts.append(
        text((west + east) / 2, south + 38, "Reported calls expected in the term", anchor="middle", color=GREY)
    )
    return parts


def _ratio_ticks(highest: float) -> list[float]:
    if highest <= _STEEP:
        return [float(n) for n in range(math.floor(highest) + 1)]
    return [0.0, *(v for v in _log_ticks(1, highest) if v in (1, 2) or v >= 5)]  # noqa: PLR2004 - ticks far apart


def _log_ticks(low: float, high: float) -> list[float]:
    """List round numbers: 1, 2, 5, 10 …, or all of one figure where those are too few."""
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for figures in ((1, 2, 5), tuple(range(1, 10))):
        ticks = [v for power in powers for n in figures if low <= (v := n * 10.0**power) <= high]
        if len(ticks) >= 3:  # noqa: PLR2004 - fewer make no scale
            break
    return ticks


def _within(limits: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Cut the limits at the edges of the frame, as far as they reach."""
    known = limits["expected"].to_numpy(dtype=np.float64)
    if not len(known) or known.max() <= low or known.min() >= high:
        return limits.iloc[:0]
    edges = [max(low, known.min()), min(high, known.max())]
    expected = np.unique([*edges, *known[(known > edges[0]) & (known < edges[1])]])
    return pd.DataFrame({name: np.interp(expected, known, limits[name]) for name in limits})


def _funnel_limits(limits: pd.DataFrame, x: Scale, y: Scale, highest: float) -> list[str]:
    parts, below = [], -math.inf
    for name, words, dash in (("998", "99.8 %", ' stroke-dasharray="6 4"'), ("95", "95 %", "")):
        for side in ("low", "high"):
            line = [
                (x(e), y(r)) for e, r in zip(limits["expected"], limits[f"{side}_{name}"], strict=True) if r <= highest
            ]
            if len(line) < 2:  # noqa: PLR2004 - a line
                continue
            path = "L".join(f"{a:.1f},{b:.1f}" for a, b in line)
            parts.append(f'<path d="M{path}" fill="none" stroke="{GREY}" stroke-width="1.5"{dash}/>')
            if side == "high":
                below = max(line[-1][1] + 5, below + LINE - 2)
                parts.append(text(line[-1][0] + 5, below, words, color=GREY, size=13))
    return parts


def _labels(spots: Sequence[tuple[float, float, str]], is_flagged: Sequence[bool], frame: Box) -> list[str]:
    """Name the flagged marks: never on each other or out of the frame, and on as few other marks as can be."""
    marks: list[Box] = [(a - 7, b - 7, a + 7, b + 7) for a, b, _ in spots]
    taken = [mark for mark, flagged in zip(marks, is_flagged, strict=True) if flagged]
    others = [mark for mark, flagged in zip(marks, is_flagged, strict=True) if not flagged]
    parts = []
    for (at_x, at_y, words), flagged in zip(spots, is_flagged, strict=True):
        if not flagged:
            continue
        places = _places_around(at_x, at_y, LETTER * len(words))
        free = [(anchor, box) for anchor, box in places if _is_free(box, taken, frame)]
        if not free:
            continue
        anchor, box = min(free, key=lambda place: sum(_meet(place[1], mark) for mark in others))
        taken.append(box)
        west, north, east, south = box
        end = south if south < at_y else north
        if abs(end - at_y) > LINE:
            near = min(max(at_x, west + 4), east - 4)
            parts.append(f'<path d="M{at_x:.1f},{at_y:.1f}L{near:.1f},{end:.1f}" stroke="{GREY}"/>')
        start = {"start": west, "middle": (west + east) / 2, "end": east}[anchor]
        parts.append(text(start, south - 4, words, anchor=anchor, more=HALO))
    return parts


def _places_around(x: float, y: float, width: float) -> list[tuple[str, Box]]:
    """List where a name could stand, from beside its mark to a few lines away, with the side it is written from."""
    places = [("start", x + 11, y + 5), ("end", x - 11 - width, y + 5)]
    for line in range(_LINES_AWAY):
        for base in (y - 13 - line * LINE, y + 24 + line * LINE):
            places += [("middle", x - width / 2, base), ("start", x + 4, base), ("end", x - 4 - width, base)]
    return [(anchor, (left, base - 12, left + width, base + 4)) for anchor, left, base in places]


def _is_free(box: Box, taken: Sequence[Box], frame: Box) -> bool:
    west, east, north, south = frame
    is_inside = box[0] >= west and box[2] <= east and box[1] >= north and box[3] <= south
    return is_inside and not any(_meet(box, other) for other in taken)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _status_legend(seen: Sequence[str], left: float, y: float) -> list[str]:
    parts, x = [], left
    for status in seen:
        words = _SHORT[status]
        if x + 24 + LETTER * len(words) > WIDTH:
            x, y = left, y + 20
        shape, color = STATUS_MARKS[status]
        parts.append(f'<g fill="{color}" stroke="{INK}">{_SHAPES[shape](x + 8, y - 4)}</g>')
        parts.append(text(x + 20, y, words, size=13))
        x += 38 + LETTER * len(words)
    return parts


_SHORT = {
    "high": "high after all looking",
    "rests_on_officer_initiated": "high only with officers’ own work",
    "not_high": "not clearly more than chance",
    "insufficient_data": "not judged",
    "no_denominator": "no rate",
}
