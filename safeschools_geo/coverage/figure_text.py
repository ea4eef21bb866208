"""Minutes, shares and intervals of coverage as they are written, rounded half up as all figures are (`shown`)."""

from __future__ import annotations

from math import floor, isfinite
from typing import TYPE_CHECKING

from safeschools_geo.shown import MILLION, format_share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TENTHS = 10
_LEAST = 0.0005
_NOISE = 1e-9
UNKNOWN = "not known"
"""What is written for a figure that is missing."""


def share_text(share: float) -> str:
    """Write a share in percent.

    Parameters
    ----------
    share
        The share; missing where it is not known.

    Returns
    -------
    str
        With one decimal (``"9.3%"``), a minus sign where it is below 0, `UNKNOWN` where it is missing.
    """
    if not isfinite(share):
        return UNKNOWN
    millionths = floor(abs(share) * MILLION + 0.5)
    text = format_share(millionths, MILLION)
    return f"−{text}" if share < 0 and text != format_share(0, MILLION) else text


def minutes_text(minutes: float) -> str:
    """Write minutes.

    Parameters
    ----------
    minutes
        Minutes; missing where they are not known.

    Returns
    -------
    str
        With one decimal (``"4.2"``), a minus sign where they are below 0, `UNKNOWN` where they are missing.
    """
    if not isfinite(minutes):
        return UNKNOWN
    millionths = floor(abs(minutes) * MILLION + 0.5)
    tenths = (2 * millionths * _TENTHS + MILLION) // (2 * MILLION)
    text = f"{tenths // _TENTHS:,}.{tenths % _TENTHS}"
    return f"−{text}" if minutes < 0 and tenths else text


def figure_text(value: float, unit: str) -> str:
    """Write a figure in a sentence: minutes as minutes, and all else as a share.

    Parameters
    ----------
    value
        The figure.
    unit
        ``min`` for minutes.

    Returns
    -------
    str
        For example ``"4.2 min"`` or ``"9.3%"``; ``"under 0.1%"`` where there is something, but nothing would be shown.
    """
    if unit != "min" and 0 < value < _LEAST:
        return "under 0.1%"
    if unit != "min" or not isfinite(value):
        return share_text(value)
    return f"{minutes_text(value)} min"


def interval_text(low: float, high: float, unit: str) -> str:
    """Write an interval.

    Parameters
    ----------
    low, high
        Its ends.
    unit
        ``min`` for minutes; all else are shares.

    Returns
    -------
    str
        For example ``"3.9 to 4.6 min"`` or ``"9.0% to 11.2%"``.
    """
    if unit == "min" and isfinite(low):
        return f"{minutes_text(low)} to {figure_text(high, unit)}"
    least, most = figure_text(low, unit), figure_text(high, unit)
    return least if least == most and low < high else f"{least} to {most}"


def change_text(change: float, low: float, high: float, unit: str) -> str:
    """Write by how much a figure changes, whichever way.

    Parameters
    ----------
    change
        The change.
    low, high
        Its interval; missing where there is none.
    unit
        ``min`` for minutes; all else are shares, whose changes are told in percentage points.

    Returns
    -------
    str
        For example ``"0.4 min (0.2 to 0.6)"`` or ``"2.1 percentage points (1.0 to 3.2)"``.
    """

    def size(value: float) -> str:
        return minutes_text(abs(value)) if unit == "min" else share_text(abs(value)).removesuffix("%")

    text = f"{size(change)} {'min' if unit == 'min' else 'percentage points'}"
    if not (isfinite(low) and isfinite(high)):
        return text
    if low < 0 < high:
        return f"{text} (between {size(low)} less and {size(high)} more)"
    return f"{text} ({' to '.join(size(end) for end in sorted((low, high), key=abs))})"


def highest(values: Mapping[str, float], written: Callable[[float], str]) -> list[str]:
    """Name those with the highest figure, as it is printed.

    Parameters
    ----------
    values
        Figure of each, by name; missing figures are left out.
    written
        How a figure is printed: figures that are printed alike are alike.

    Returns
    -------
    list of str
        One name, or several that tie, in the order of `values`; none where fewer than two have a figure, or all tie.
    """
    known = {name: value for name, value in values.items() if isfinite(value)}
    texts = {name: written(value) for name, value in known.items()}
    if len(set(texts.values())) <= 1:
        return []
    top = texts[max(known, key=lambda name: known[name])]
    return [name for name, text in texts.items() if text == top]


def more_text(change: float, unit: str, *, more: str = "more", less: str = "less") -> str:
    """Write a change with its direction, as differences of a model's figures are told.

    Parameters
    ----------
    change
        The change; missing where it is not known.
    unit
        ``min`` for minutes; all else are shares, whose changes are told in percentage points.
    more, less
        The words for up and down.

    Returns
    -------
    str
        For example ``"0.4 min longer"`` or ``"under 0.1 min longer"``; ``"no change"`` where there is none but for
        rounding; `UNKNOWN` where it is missing.
    """
    if not isfinite(change):
        return UNKNOWN
    if abs(change) < _NOISE:
        return "no change"
    size = change_text(change, float("nan"), float("nan"), unit)
    if size == change_text(0.0, float("nan"), float("nan"), unit):
        size = f"under {change_text(0.1 if unit == 'min' else 0.001, float('nan'), float('nan'), unit)}"
    return f"{size} {more if change > 0 else less}"


def listed(parts: list[str]) -> str:
    """Write things one after the other.

    Parameters
    ----------
    parts
        The things, at least one.

    Returns
    -------
    str
        For example ``"a, b and c"``.
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
