"""Charts as inline SVG: a funnel of schools, a heat map of hours, rates with their intervals."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.maps.classes import RateClasses
from safeschools_geo.maps.palette import RATE_FILLS, STATUS_MARKS
from safeschools_geo.schemas import HOTSPOT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Window = tuple[Sequence[int], int, int]

INK, GREY, FRAME = "#1a1a1a", "#4a4a4a", "#767676"
_FAINT = "#dcdcd6"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif"'
_LETTER = 7.4
_LINE = 17.0
_WIDTH = 750.0
_SCHOOL_DAYS = 5
_DARK = set(RATE_FILLS[-2:])
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
    width, height, left, right, top, bottom = 760.0, 460.0, 56.0, 66.0, 16.0, 92.0
    shown = points[points["expected"] > 0]
    if shown.empty:
        return _svg(width, 60, title, description, [_text(left, 34, "No school has a rate.")])
    low_x, high_x = math.log(float(shown["expected"].min()) * 0.85), math.log(float(shown["expected"].max()) * 1.15)
    highest = float(np.nanmax([shown["ratio"].max(), limits["high_95"].max() if len(limits) else 0.0, 2.0])) * 1.06

    def x(expected: float) -> float:
        return left + (math.log(expected) - low_x) / (high_x - low_x) * (width - left - right)

    def y(ratio: float) -> float:
        return top + (1 - min(ratio, highest) / highest) * (height - top - bottom)

    parts = [*_funnel_axes(x, y, (low_x, high_x), highest, (left, width - right, top, height - bottom))]
    parts += _funnel_limits(limits, x, y, math.exp(high_x), highest)
    order = {status: place for place, status in enumerate(STATUS_MARKS)}
    rows = sorted(shown.to_dict("records"), key=lambda row: (-order[row["status"]], row["expected"]))
    for row in rows:
        shape, color = STATUS_MARKS[row["status"]]
        said = HOTSPOT_STATUSES[row["status"]]
        told = f"{row['label']}: {row['ratio']:.1f} times the {row['expected']:.1f} expected; {said}"
        mark = _SHAPES[shape](x(row["expected"]), y(row["ratio"]))
        parts.append(f'<g fill="{color}" stroke="{INK}"><title>{escape(told)}</title>{mark}</g>')
    flagged = [row for row in rows if row["status"] in ("high", "rests_on_officer_initiated")]
    spots = [(x(row["expected"]), y(row["ratio"]), str(row["label"])) for row in flagged]
    parts += _labels(spots, (left, width - right + 50, top, height - bottom))
    seen = [status for status in STATUS_MARKS if status in set(shown["status"])]
    parts += _status_legend(seen, left, height - 38)
    return _svg(width, height, title, description, parts)


def heat_map(
    values: ArrayLike,
    exposure: ArrayLike,
    *,
    title: str,
    unit: str,
    decimals: int = 1,
    window: Window | None = None,
) -> str:
    """Draw the hours of the week.

    Parameters
    ----------
    values
        Rate of each hour, shape (7, 24), Monday first; missing where there is none.
    exposure
        Hours in session, shape (7, 24): an hour without any is hatched; days and hours without any at the edge are left
        out.
    title
        What it shows, for those who cannot see it.
    unit
        Unit of the values.
    decimals
        Decimals to write.
    window
        Weekdays, first hour and hour after the last of what is outlined, if anything is.

    Returns
    -------
    str
        An SVG element: every cell has its colour and its number.
    """
    rates, hours = np.asarray(values, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    days = [d for d in range(7) if hours[d].any() or d < _SCHOOL_DAYS]
    open_hours = np.flatnonzero(hours.any(axis=0))
    if not len(open_hours):
        return _svg(760, 60, title, f"No hour is in session; {unit}.", [_text(16, 34, "No hour is in session.")])
    columns = list(range(int(open_hours[0]), int(open_hours[-1]) + 1))
    left, top, cell_h = 96.0, 34.0, 40.0
    cell_w = min(84.0, (740 - left) / len(columns))
    classes = RateClasses.of(np.where(hours > 0, rates, np.nan)[np.ix_(days, columns)].ravel())
    parts = [_HATCH]
    parts += [
        _text(left + (i + 0.5) * cell_w, top - 12, f"{hour}:00", anchor="middle") for i, hour in enumerate(columns)
    ]
    for row, day in enumerate(days):
        parts.append(_text(left - 10, top + (row + 0.62) * cell_h, DAYS[day], anchor="end"))
        for column, hour in enumerate(columns):
            at = left + column * cell_w, top + row * cell_h
            rate = rates[day, hour] if hours[day, hour] > 0 else math.nan
            parts.append(
                _heat_cell(
                    at, (cell_w, cell_h), rate, classes=classes, decimals=decimals, when=f"{DAYS[day]} {hour}:00"
                )
            )
    parts += _outline(window, days, columns, corner=(left, top), size=(cell_w, cell_h))
    bottom = top + len(days) * cell_h + 26
    parts += _class_legend(classes, unit, left, bottom, has_window=window is not None)
    return _svg(760, bottom + 64, title, f"Rows are weekdays, columns hours of the day; {unit}.", parts)


def bar_intervals(rows: pd.DataFrame, *, title: str, unit: str) -> str:
    """Draw measures with their intervals.

    Parameters
    ----------
    rows
        `label`, `value`, `low` and `high`; a missing value is said to be missing.
    title
        What it shows, for those who cannot see it.
    unit
        Unit of the values.

    Returns
    -------
    str
        An SVG element: a dot and a line for each row, its value beside it.
    """
    left, right, top, line_h, width = 210.0, 130.0, 10.0, 26.0, 760.0
    longest = 26
    known = rows["high"].dropna()
    largest = float(known.max()) if len(known) else 1.0
    step = _round_step(largest / 5)
    end = math.ceil(largest / step) * step or 1.0

    def x(value: float) -> float:
        return left + value / end * (width - left - right)

    bottom = top + line_h * len(rows)
    parts = []
    for tick in np.arange(0, end + step / 2, step):
        parts.append(f'<path d="M{x(tick):.1f},{top}V{bottom}" stroke="{_FAINT}"/>')
        parts.append(_text(x(tick), bottom + 18, f"{tick:g}", anchor="middle", color=GREY))
    for place, row in enumerate(rows.to_dict("records")):
        y = top + (place + 0.5) * line_h
        name = str(row["label"])
        parts.append(_text(left - 10, y + 5, name if len(name) <= longest else f"{name[: longest - 1]}…", anchor="end"))
        if not np.isfinite(row["value"]):
            parts.append(_text(left + 6, y + 5, "no rate", color=GREY))
            continue
        parts.append(f'<path d="M{x(row["low"]):.1f},{y}H{x(row["high"]):.1f}" stroke="{INK}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x(row["value"]):.1f}" cy="{y}" r="5" fill="#2574ad" stroke="{INK}"/>')
        parts.append(
            _text(width - right + 12, y + 5, f"{row['value']:.2f} ({row['low']:.2f}–{row['high']:.2f})", size=13)
        )
    parts.append(_text((left + width - right) / 2, bottom + 38, unit, anchor="middle", color=GREY))
    return _svg(width, bottom + 48, title, f"Dots with lines for the interval, {unit}.", parts)


_HATCH = (
    '<defs><pattern id="closed" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#fff"/><path d="M0,0V7" stroke="#a3a39d" stroke-width="2"/></pattern></defs>'
)


def _svg(width: float, height: float, title: str, description: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(f"{title}. {description}")}" '
        f'{_FONT} font-size="14" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", color: str = INK, size: float = 14) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}" font-size="{size:g}">{escape(words)}</text>'


def _funnel_axes(
    x: Callable[[float], float],
    y: Callable[[float], float],
    logs: tuple[float, float],
    highest: float,
    frame: tuple[float, float, float, float],
) -> list[str]:
    west, east, north, south = frame
    parts = []
    for times in range(math.floor(highest) + 1):
        color = INK if times == 1 else _FAINT
        parts.append(f'<path d="M{west},{y(times):.1f}H{east}" stroke="{color}"/>')
        parts.append(_text(west - 8, y(times) + 5, f"{times} ×", anchor="end", color=GREY))
    ticks = [
        v
        for v in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
        if logs[0] <= math.log(v) <= logs[1]
    ]
    for tick in ticks:
        parts.append(f'<path d="M{x(tick):.1f},{south}v5" stroke="{FRAME}"/>')
        parts.append(_text(x(tick), south + 20, f"{tick:g}", anchor="middle", color=GREY))
    parts.append(f'<path d="M{west},{north}V{south}H{east}" fill="none" stroke="{FRAME}"/>')
    parts.append(_text((west + east) / 2, south + 38, "Incidents expected in the term", anchor="middle", color=GREY))
    return parts


def _funnel_limits(
    limits: pd.DataFrame, x: Callable[[float], float], y: Callable[[float], float], last: float, highest: float
) -> list[str]:
    parts = []
    inside = limits[limits["expected"].between(0, last)]
    for name, words, dash in (("95", "95 %", ""), ("998", "99.8 %", ' stroke-dasharray="6 4"')):
        for side in ("low", "high"):
            line = [
                (x(e), y(r)) for e, r in zip(inside["expected"], inside[f"{side}_{name}"], strict=True) if r <= highest
            ]
            if len(line) < 2:  # noqa: PLR2004 - a line
                continue
            path = "L".join(f"{a:.1f},{b:.1f}" for a, b in line)
            parts.append(f'<path d="M{path}" fill="none" stroke="{GREY}" stroke-width="1.5"{dash}/>')
            if side == "high":
                parts.append(_text(line[-1][0] + 5, line[-1][1] + 5, words, color=GREY, size=13))
    return parts


def _labels(spots: Sequence[tuple[float, float, str]], frame: tuple[float, float, float, float]) -> list[str]:
    """Write names beside marks, where they leave the frame or lie on each other somewhere else around the mark."""
    west, east, north, south = frame
    taken: list[tuple[float, float, float, float]] = [(a - 8, b - 8, a + 8, b + 8) for a, b, _ in spots]
    parts = []
    for at_x, at_y, words in spots:
        width = _LETTER * len(words)
        places = [(at_x + 11, at_y + 5), (at_x - 11 - width, at_y + 5)]
        places += [(at_x - width / 2, at_y + d) for d in (-13, 24, -30, 41)]
        for left, base in places:
            box = (left, base - 12, left + width, base + 4)
            is_free = all(box[2] <= t[0] or t[2] <= box[0] or box[3] <= t[1] or t[3] <= box[1] for t in taken)
            if is_free and box[0] >= west and box[2] <= east and box[1] >= north and box[3] <= south:
                taken.append(box)
                parts.append(_text(left, base, words))
                break
    return parts


def _status_legend(seen: Sequence[str], left: float, y: float) -> list[str]:
    parts, x = [], left
    for status in seen:
        words = _SHORT[status]
        if x + 24 + _LETTER * len(words) > _WIDTH:
            x, y = left, y + 20
        shape, color = STATUS_MARKS[status]
        parts.append(f'<g fill="{color}" stroke="{INK}">{_SHAPES[shape](x + 8, y - 4)}</g>')
        parts.append(_text(x + 20, y, words, size=13))
        x += 38 + _LETTER * len(words)
    return parts


_SHORT = {
    "high": "high after all looking",
    "rests_on_officer_initiated": "high only with officers’ own work",
    "not_high": "chance explains it",
    "insufficient_data": "too little to tell",
    "no_denominator": "no rate",
}


def _heat_cell(
    at: tuple[float, float], size: tuple[float, float], rate: float, *, classes: RateClasses, decimals: int, when: str
) -> str:
    fill = classes.fill(rate)
    told = "not in session" if fill is None else f"{rate:.{decimals}f}"
    box = (
        f'<rect x="{at[0]:.1f}" y="{at[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" '
        f'fill="{fill or "url(#closed)"}" stroke="#fff"/>'
    )
    number = ""
    if fill is not None:
        color = "#ffffff" if fill in _DARK else INK
        number = _text(at[0] + size[0] / 2, at[1] + size[1] / 2 + 5, told, anchor="middle", color=color)
    return f"<g><title>{escape(f'{when}: {told}')}</title>{box}{number}</g>"


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


def _class_legend(classes: RateClasses, unit: str, left: float, y: float, *, has_window: bool) -> list[str]:
    parts, x = [], left
    for item in classes.legend():
        if x + 34 + _LETTER * len(item.label) > _WIDTH:
            x, y = left, y + _LINE + 3
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 12:.1f}" width="16" height="14" fill="{item.color}" stroke="{FRAME}"/>'
        )
        parts.append(_text(x + 21, y, item.label, size=13))
        x += 34 + _LETTER * len(item.label)
    y += _LINE + 5
    parts.append(_text(left, y, unit[:1].upper() + unit[1:], color=GREY, size=13))
    if has_window:
        x = left + _LETTER * len(unit) + 24
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 12:.1f}" width="16" height="13" fill="none" stroke="#7a0019" stroke-width="3"/>'
        )
        parts.append(_text(x + 22, y, "hours that stand out", size=13))
    return parts


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough - 1e-12)
