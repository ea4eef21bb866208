"""Charts as inline SVG: a heat map of hours, and rates with their intervals."""

from __future__ import annotations

import math
import zlib
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.errors import InputError
from safeschools_geo.maps.classes import RateClasses
from safeschools_geo.maps.palette import RATE_FILLS
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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Window = tuple[Sequence[int], int, int]
    Box = tuple[float, float, float, float]
    Scale = Callable[[float], float]


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
    """Draw the hours of the week.

    Parameters
    ----------
    values
        Rate of each hour, shape (7, 24), Monday first; missing where there is none.
    exposure
        Hours in session, shape (7, 24): an hour without any is hatched; weekends without any, and hours before the
        first and after the last, are left out.
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

    Raises
    ------
    InputError
        When the values or the hours are not those of a week.
    """
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
    signs = [("not in session", f'fill="url(#{hatch})" stroke="{FRAME}"')] if _has_closed(hours, days, columns) else []
    signs += [("hours that stand out", 'fill="none" stroke="#7a0019" stroke-width="3"')] if window else []
    legend, end = _class_legend(classes, unit, left, bottom, signs)
    return svg(760, end + 12, title, f"Rows are weekdays, columns hours of the day; {unit}.", [*parts, *legend])


def bar_intervals(rows: pd.DataFrame, *, title: str, unit: str, reference: float | None = None) -> str:
    """Draw measures with their intervals.

    Parameters
    ----------
    rows
        `label`, `value`, `low` and `high`; a missing value is said to be missing. With `status`, those with too little
        data (``insufficient_data``) are hollow.
    title
        What it shows, for those who cannot see it.
    unit
        Unit of the values.
    reference
        Value of the whole district, drawn as a line, if any.

    Returns
    -------
    str
        An SVG element: a dot and a line for each row, its value beside it.
    """
    left, right, line_h, width = 210.0, 130.0, 26.0, 760.0
    top = 10.0 if reference is None else 28.0
    known = rows[["value", "high"]].to_numpy(dtype=np.float64)
    largest = float(max([*known[np.isfinite(known)], reference or 0.0, 0.0])) or 1.0
    step = _round_step(largest / 5)
    end = math.ceil(largest / step - 1e-9) * step

    def x(value: float) -> float:
        return left + min(value, end) / end * (width - left - right)

    bottom = top + line_h * len(rows)
    parts = []
    for tick in np.arange(0, end + step / 2, step):
        parts.append(f'<path d="M{x(tick):.1f},{top}V{bottom}" stroke="{FAINT}"/>')
        parts.append(text(x(tick), bottom + 18, f"{tick:g}", anchor="middle", color=GREY))
    if reference is not None:
        parts.append(f'<path d="M{x(reference):.1f},{top - 6}V{bottom}" stroke="{INK}" stroke-dasharray="5 3"/>')
        told = f"district: {reference:.2f}"
        parts.append(text(x(reference), top - 12, told, anchor="middle", color=GREY, size=13))
    for place, row in enumerate(rows.to_dict("records")):
        y = top + (place + 0.5) * line_h
        parts.append(text(left - 10, y + 5, shortened(str(row["label"])), anchor="end"))
        if not np.isfinite(row["value"]):
            parts.append(text(left + 6, y + 5, "no rate", color=GREY, more=HALO))
            continue
        interval = f"{row['value']:.2f} ({row['low']:.2f}–{row['high']:.2f})"
        told = f"{row['label']}: {interval} {unit}"
        fill = "#ffffff" if row.get("status") == "insufficient_data" else "#2574ad"
        parts.append(
            f"<g><title>{escape(told)}</title>"
            f'<path d="M{x(row["low"]):.1f},{y}H{x(row["high"]):.1f}" stroke="{INK}" stroke-width="2"/>'
            f'<circle cx="{x(row["value"]):.1f}" cy="{y}" r="5" fill="{fill}" stroke="{INK}"/></g>'
        )
        parts.append(text(width - right + 12, y + 5, interval, size=13))
    parts.append(text((left + width - right) / 2, bottom + 38, unit, anchor="middle", color=GREY))
    return svg(width, bottom + 48, title, f"Dots with lines for the interval, {unit}.", parts)


_HATCH = (
    '<defs><pattern id="{}" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#fff"/><path d="M0,0V7" stroke="#a3a39d" stroke-width="2"/></pattern></defs>'
)


def _heat_cell(box: Box, fill: str, number: str, told: str) -> str:
    x, y, width, height = box
    color = "#ffffff" if fill in _DARK else INK
    cell = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="#fff"/>' + (
        text(x + width / 2, y + height / 2 + 5, number, anchor="middle", color=color) if number else ""
    )
    return f"<g><title>{escape(told)}</title>{cell}</g>"


def _has_closed(hours: Floats, days: list[int], columns: list[int]) -> bool:
    return bool((hours[np.ix_(days, columns)] <= 0).any())


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
    parts.append(text(left, y, unit[:1].upper() + unit[1:], color=GREY, size=13))
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


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough - 1e-12)
