"""Charts as inline SVG: hours, rates with their intervals, the funnel, and what coverage depends on."""

from __future__ import annotations

import math
import zlib
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.drawing import FAINT, FONT, FRAME, GRAY, INK, LONGEST, RATE_FILLS, RateClasses, meet, text
from safeschools_geo.errors import InputError
from safeschools_geo.pages._page import MINUTES, STATUS_MARKS, decimal, figure, is_figure, share
from safeschools_geo.schemas import HOTSPOT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Window = tuple[Sequence[int], int, int]
    Box = tuple[float, float, float, float]
    Scale = Callable[[float], float]


# ── What the charts are made of: colors, text, and the element around them


HALO = 'stroke="#fff" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"'
"""Attributes that keep text readable on lines."""

LETTER, LINE, WIDTH = 7.4, 17.0, 750.0
"""Width of a letter and height of a line of text, and how far to the right text may reach."""


def svg(width: float, height: float, title: str, description: str, parts: Sequence[str]) -> str:
    """Put a chart together."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(f"{title}. {description}")}" '
        f'font-family="{FONT}" font-size="14" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def round_step(rough: float) -> float:
    """Find the round number next above."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough - 1e-12)


def shortened(words: str) -> str:
    """Shorten a name that is too long for its place."""
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


# ── Charts as inline SVG: a heat map of hours, and rates with their intervals

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_SCHOOL_DAYS = 5

_WEEK = (7, 24)

_DARK = set(RATE_FILLS[-2:])


def heat_map(
    values: ArrayLike,
    exposure: ArrayLike,
    *,
    title: str,
    unit: str,
    decimals: int = 1,
    window: Window | None = None,
) -> str:
    """Draw the hours of the week."""
    rates, hours = np.asarray(values, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    if rates.shape != _WEEK or hours.shape != _WEEK:
        raise InputError("This is no week.", found=f"shapes {rates.shape} and {hours.shape}", expected=f"{_WEEK} both")
    days = [d for d in range(7) if hours[d].any() or d < _SCHOOL_DAYS]
    open_hours = np.flatnonzero(hours.any(axis=0))
    if not len(open_hours):
        return svg(760, 60, title, f"No hour is in session; {unit}.", [text(16, 34, "No hour is in session.")])
    columns = list(range(int(open_hours[0]), int(open_hours[-1]) + 1))
    left, top, cell_h = 96.0, 34.0, 40.0
    cell_w = min(84.0, (740 - left) / len(columns))
    classes = RateClasses.of(np.where(hours > 0, rates, np.nan)[np.ix_(days, columns)].ravel())
    hatch = f"closed-{zlib.crc32(title.encode()):08x}"
    parts = [_HATCH.format(hatch)]
    parts += [
        text(left + (i + 0.5) * cell_w, top - 12, f"{hour}:00", anchor="middle") for i, hour in enumerate(columns)
    ]
    for row, day in enumerate(days):
        parts.append(text(left - 10, top + (row + 0.62) * cell_h, DAYS[day], anchor="end"))
        for column, hour in enumerate(columns):
            box = left + column * cell_w, top + row * cell_h, cell_w, cell_h
            rate, when = float(rates[day, hour]), f"{DAYS[day]} {hour}:00"
            if hours[day, hour] > 0:
                fill = classes.fill(rate) or "#ffffff"
                number = f"{rate:.{decimals}f}" if math.isfinite(rate) else "–"
                parts.append(_heat_cell(box, fill, number, f"{when}: {number if number != '–' else 'no rate'}"))
            else:
                parts.append(_heat_cell(box, f"url(#{hatch})", "", f"{when}: not in session"))
    parts += _outline(window, days, columns, corner=(left, top), size=(cell_w, cell_h))
    bottom = top + len(days) * cell_h + 26
    is_closed = hours[np.ix_(days, columns)] <= 0
    signs = [("not in session", f'fill="url(#{hatch})" stroke="{FRAME}"')] if is_closed.any() else []
    signs += [("hours that stand out", 'fill="none" stroke="#7a0019" stroke-width="3"')] if window else []
    legend, end = _class_legend(classes, unit, left, bottom, signs)
    return svg(760, end + 12, title, f"Rows are weekdays, columns hours of the day; {unit}.", [*parts, *legend])


def bar_intervals(rows: pd.DataFrame, *, title: str, unit: str, reference: float | None = None) -> str:
    """Draw measures with their intervals."""
    left, right, line_h, width = 210.0, 130.0, 26.0, 760.0
    top = 10.0 if reference is None else 28.0
    known = rows[["value", "high"]].to_numpy(dtype=np.float64)
    largest = float(max([*known[np.isfinite(known)], reference or 0.0, 0.0])) or 1.0
    step = round_step(largest / 5)
    end = math.ceil(largest / step - 1e-9) * step

    def x(value: float) -> float:
        return left + min(value, end) / end * (width - left - right)

    bottom = top + line_h * len(rows)
    parts = []
    for tick in np.arange(0, end + step / 2, step):
        parts.append(f'<path d="M{x(tick):.1f},{top}V{bottom}" stroke="{FAINT}"/>')
        parts.append(text(x(tick), bottom + 18, f"{tick:g}", anchor="middle", color=GRAY))
    if reference is not None:
        parts.append(f'<path d="M{x(reference):.1f},{top - 6}V{bottom}" stroke="{INK}" stroke-dasharray="5 3"/>')
        sentence = f"district: {reference:.2f}"
        parts.append(text(x(reference), top - 12, sentence, anchor="middle", color=GRAY, size=13))
    for place, row in enumerate(rows.to_dict("records")):
        y = top + (place + 0.5) * line_h
        parts.append(text(left - 10, y + 5, shortened(str(row["label"])), anchor="end"))
        if not np.isfinite(row["value"]):
            parts.append(text(left + 6, y + 5, "no rate", color=GRAY, more=HALO))
            continue
        interval = f"{row['value']:.2f} ({row['low']:.2f}–{row['high']:.2f})"
        sentence = f"{row['label']}: {interval} {unit}"
        fill = "#ffffff" if row.get("status") == "insufficient_data" else "#2574ad"
        parts.append(
            f"<g><title>{escape(sentence)}</title>"
            f'<path d="M{x(row["low"]):.1f},{y}H{x(row["high"]):.1f}" stroke="{INK}" stroke-width="2"/>'
            f'<circle cx="{x(row["value"]):.1f}" cy="{y}" r="5" fill="{fill}" stroke="{INK}"/></g>'
        )
        parts.append(text(width - right + 12, y + 5, interval, size=13))
    parts.append(text((left + width - right) / 2, bottom + 38, unit, anchor="middle", color=GRAY))
    return svg(width, bottom + 48, title, f"Dots with lines for the interval, {unit}.", parts)


_HATCH = (
    '<defs><pattern id="{}" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#fff"/><path d="M0,0V7" stroke="#a3a39d" stroke-width="2"/></pattern></defs>'
)


def _heat_cell(box: Box, fill: str, number: str, label: str) -> str:
    x, y, width, height = box
    color = "#ffffff" if fill in _DARK else INK
    cell = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="#fff"/>' + (
        text(x + width / 2, y + height / 2 + 5, number, anchor="middle", color=color) if number else ""
    )
    return f"<g><title>{escape(label)}</title>{cell}</g>"


def _outline(
    window: Window | None,
    days: list[int],
    columns: list[int],
    *,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> list[str]:
    if window is None:
        return []
    weekdays, first, after = window
    inside = [c for c in columns if first <= c < after]
    rows = [days.index(d) for d in weekdays if d in days]
    if not inside or not rows:
        return []
    # Days that do not follow each other get an outline each.
    runs: list[list[int]] = []
    for row in sorted(rows):
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    x, width = corner[0] + columns.index(inside[0]) * size[0], len(inside) * size[0]
    return [
        f'<rect x="{x:.1f}" y="{corner[1] + run[0] * size[1]:.1f}" width="{width:.1f}" '
        f'height="{len(run) * size[1]:.1f}" '
        'fill="none" stroke="#7a0019" stroke-width="4"/>'
        for run in runs
    ]


def _class_legend(
    classes: RateClasses, unit: str, left: float, y: float, signs: Sequence[tuple[str, str]]
) -> tuple[list[str], float]:
    """Write what the fills mean, and then the unit and the other signs; and tell where it ends."""
    fills = [(item.label, f'fill="{item.color}" stroke="{FRAME}"') for item in classes.legend()]
    parts, y = _legend_row(fills, left, left, y)
    y += LINE + 5
    parts.append(text(left, y, unit[:1].upper() + unit[1:], color=GRAY, size=13))
    more, y = _legend_row(signs, left, left + LETTER * len(unit) + 24, y)
    return [*parts, *more], y


def _legend_row(signs: Sequence[tuple[str, str]], left: float, x: float, y: float) -> tuple[list[str], float]:
    parts = []
    for words, look in signs:
        size = 34 + LETTER * len(words)
        if x + size > WIDTH:
            x, y = left, y + LINE + 3
        parts.append(f'<rect x="{x:.1f}" y="{y - 12:.1f}" width="16" height="14" {look}/>')
        parts.append(text(x + 21, y, words, size=13))
        x += size
    return parts, y


# ── The funnel: schools against what their enrollment and level lead to expect, as inline SVG

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
        sentence = f"{row['label']}: {row['ratio']:.1f} times the {row['expected']:.1f} expected; {said}"
        mark = _SHAPES[shape](x(row["expected"]), y(row["ratio"]))
        parts.append(f'<g fill="{color}" stroke="{INK}"><title>{escape(sentence)}</title>{mark}</g>')
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
    parts = [text(west, north - 12, "Reported, times what was expected", color=GRAY)]
    for times in _ratio_ticks(highest):
        color = INK if times == 1 else FAINT
        parts.append(f'<path d="M{west},{y(times):.1f}H{east}" stroke="{color}"/>')
        parts.append(text(west - 8, y(times) + 5, f"{times:g} ×", anchor="end", color=GRAY))
    for tick in _log_ticks(math.exp(logs[0]), math.exp(logs[1])):
        parts.append(f'<path d="M{x(tick):.1f},{south}v5" stroke="{FRAME}"/>')
        parts.append(text(x(tick), south + 20, f"{tick:,g}", anchor="middle", color=GRAY))
    parts.append(f'<path d="M{west},{north}V{south}H{east}" fill="none" stroke="{FRAME}"/>')
    parts.append(
        text((west + east) / 2, south + 38, "Reported calls expected in the term", anchor="middle", color=GRAY)
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
            parts.append(f'<path d="M{path}" fill="none" stroke="{GRAY}" stroke-width="1.5"{dash}/>')
            if side == "high":
                below = max(line[-1][1] + 5, below + LINE - 2)
                parts.append(text(line[-1][0] + 5, below, words, color=GRAY, size=13))
    return parts


def _labels(spots: Sequence[tuple[float, float, str]], is_flagged: Sequence[bool], frame: Box) -> Iterator[str]:
    """Name the flagged marks: never on each other or out of the frame, and on as few other marks as can be."""
    marks: list[Box] = [(a - 7, b - 7, a + 7, b + 7) for a, b, _ in spots]
    taken = [mark for mark, flagged in zip(marks, is_flagged, strict=True) if flagged]
    others = [mark for mark, flagged in zip(marks, is_flagged, strict=True) if not flagged]
    for (at_x, at_y, words), flagged in zip(spots, is_flagged, strict=True):
        if not flagged:
            continue
        places = _places_around(at_x, at_y, LETTER * len(words))
        free = [(anchor, box) for anchor, box in places if _is_free(box, taken, frame)]
        if not free:
            continue
        anchor, box = min(free, key=lambda place: sum(meet(place[1], mark) for mark in others))
        taken.append(box)
        west, north, east, south = box
        end = south if south < at_y else north
        if abs(end - at_y) > LINE:
            near = min(max(at_x, west + 4), east - 4)
            yield f'<path d="M{at_x:.1f},{at_y:.1f}L{near:.1f},{end:.1f}" stroke="{GRAY}"/>'
        start = {"start": west, "middle": (west + east) / 2, "end": east}[anchor]
        yield text(start, south - 4, words, anchor=anchor, more=HALO)


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
    return is_inside and not any(meet(box, other) for other in taken)


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


# ── Charts of coverage as inline SVG: the hours of the day, the number of officers, and who is reached in time

_CHART_WIDTH = 760.0
_BAR, _MOST, _LATER, _TODAY = "#7fb3d5", "#253494", "#d55e00", "#ffe9a8"
_HOUR_PANELS = (
    ("calls_per_h", "Calls an hour", decimal),
    ("busy_share", "By the model: share of the time that officers are busy with calls", share),
    ("overflow_share", "By the model: share of calls that go to patrol", share),
    ("response_min", "By the model: mean minutes until an officer is there", decimal),
)


def hours_chart(by_hour: pd.DataFrame, *, title: str) -> str:
    """Draw the hours of the day, a row of bars for each measure."""
    rows = by_hour.to_dict("records")
    shown = [panel for panel in _HOUR_PANELS if panel[0] in by_hour.columns]
    if not rows or not shown:
        return svg(_CHART_WIDTH, 50, title, "No hour is known.", [text(16, 30, "No hour is known.")])
    left, tall, gap = 16.0, 52.0, 50.0
    step = min(110.0, (_CHART_WIDTH - 2 * left) / len(rows))
    parts = []
    for place, (name, label, written) in enumerate(shown):
        top = 22 + place * (tall + gap)
        known = [row[name] for row in rows if is_figure(row[name])]
        most = max(known, default=0.0)
        parts.append(text(left, top - 6, label, more='font-weight="600"'))
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
        text(left + (i + 0.5) * step, bottom, hour_text(row["hour"]), anchor="middle", color=GRAY)
        for i, row in enumerate(rows)
    ]
    return svg(_CHART_WIDTH, bottom + 12, title, "A bar for each hour; the table below holds the figures.", parts)


def hour_text(hour: object) -> str:
    """Write an hour of the day."""
    is_whole = isinstance(hour, (int, float)) and is_figure(hour) and float(hour).is_integer()
    return f"{int(hour)}:00" if is_whole else str(hour)  # type: ignore[call-overload]


def staffing_chart(staffing: pd.DataFrame, *, title: str) -> str:
    """Draw overflow and response against the number of officers."""
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
    return svg(_CHART_WIDTH, 286, title, said, parts)


def _panel(
    rows: list[dict[Any, Any]], left: float, words: str, unit: str, series: Sequence[tuple[str, str, str]]
) -> list[str]:
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
    parts.append(text((left + east) / 2, south + 38, "officers", anchor="middle", color=GRAY))
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
            parts.append(text(dots[0][0] - 14, dots[0][1] - 27, called, color=GRAY, size=13, more=HALO))
    return parts


def reach_chart(reach: pd.DataFrame, *, title: str, ending: str, who: dict[str, str]) -> str:
    """Draw which share is reached in time, now and from the best waiting points."""
    present = [key for key in who if key in set(reach["of"])]
    wide = (_CHART_WIDTH - 32) / max(len(present), 1)
    minutes = sorted(set(reach["within_min"]))
    parts = []
    for place, key in enumerate(present):
        left = 16 + place * wide
        west, east = left + 105, left + wide - 70
        parts.append(text(left, 20, who[key], more='font-weight="600"'))
        rows = {row["within_min"]: row for row in reach[reach["of"] == key].to_dict("records")}
        for i, within in enumerate(minutes):
            y = 48.0 + i * 34
            parts.append(text(left, y + 5, f"{within:g} min", color=GRAY))
            parts.append(f'<path d="M{west},{y}H{east}" stroke="{FAINT}" stroke-width="2"/>')
            if within in rows:
                parts += _now_and_best([rows[within][f"{when}{ending}"] for when in ("now", "best")], (west, east), y)
        bottom = 48.0 + len(minutes) * 34
        for edge, label in ((west, "0%"), (east, "100%")):
            parts.append(text(edge, bottom, label, anchor="middle", color=GRAY, size=13))
    height = 48.0 + len(minutes) * 34 + 40
    parts += _reach_key(16, height - 10)
    return svg(_CHART_WIDTH, height, title, "Squares are now, diamonds the best; the table holds the figures.", parts)


def _now_and_best(pair: Sequence[float], ends: tuple[float, float], y: float) -> list[str]:
    """Draw now and best, the smaller figure written on the left and the larger on the right."""
    west, east = ends

    def x(value: float) -> float:
        return west + value * (east - west)

    if not all(is_figure(value) for value in pair):
        return [text(x(0) + 6, y + 5, "not known", color=GRAY, more=HALO)]
    now, best = (float(value) for value in pair)
    low, high = sorted((now, best))
    sentence = f"now {share(now)}, best {share(best)}"
    marks = [
        f'<path d="M{x(low):.1f},{y}H{x(high):.1f}" stroke="{INK}" stroke-width="3"/>',
        f'<path d="M{x(best):.1f},{y - 8}l8,8l-8,8l-8,-8Z" fill="{_LATER}" stroke="{INK}"/>',
        f'<path d="M{x(now) - 4.5:.1f},{y - 4.5}h9v9h-9Z" fill="#fff" stroke="{INK}" stroke-width="2"/>',
    ]
    said = [text(x(high) + 12, y + 5, share(high), size=13, more=HALO)]
    if share(low) != share(high):
        said.append(text(x(low) - 11, y + 5, share(low), anchor="end", size=13, more=HALO))
    return [f"<g><title>{escape(sentence)}</title>{''.join(marks)}</g>", *said]


def _reach_key(x: float, y: float) -> list[str]:
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
