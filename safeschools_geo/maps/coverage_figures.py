"""Figures of coverage as pages print them, and the tables they stand in; a dash is where there is no figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import floor, isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from safeschools_geo.maps.tables import NONE_NAMED, DataTable
from safeschools_geo.shown import MILLION, format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTES = "min"
"""Unit of measures in minutes; all other measures of coverage are shares."""

_LEAST = 0.0005


class Column(NamedTuple):
    """A column of a printed table.

    Parameters
    ----------
    head
        Its head.
    name
        Column of the frame it is made of.
    written
        How a value is written.
    """

    head: str
    name: str
    written: Callable[[Any], str]


class Link(NamedTuple):
    """A link to another page.

    Parameters
    ----------
    href
        The page, as an address relative to this one.
    told
        What it leads to, for those who hear it without its row and column.
    """

    href: str
    told: str


@dataclass(frozen=True)
class MarkedTable(DataTable):
    """A table with cells or rows that stand out, each of which says so in words or figures as well.

    Parameters
    ----------
    shades
        Row and column of a cell, from 0 → its shade, 0 (light) to 4 (dark).
    bold
        Cells that are framed, by row and column.
    marked
        Rows that stand out.
    links
        Cells that lead to another page, by row and column, where column 0 is the head of the row.
    """

    shades: Mapping[tuple[int, int], int] = field(default_factory=dict)
    bold: frozenset[tuple[int, int]] = frozenset()
    marked: frozenset[int] = frozenset()
    links: Mapping[tuple[int, int], Link] = field(default_factory=dict)


def printed(frame: pd.DataFrame, columns: Sequence[Column], *, caption: str) -> MarkedTable:
    """Print a frame.

    Parameters
    ----------
    frame
        The frame.
    columns
        What is printed of it, the names of the rows first; columns that the frame has not are left out.
    caption
        What the table shows, with its units.

    Returns
    -------
    MarkedTable
        A row for each row, and one that says "None" where there is no row.
    """
    shown = [column for column in columns if column.name in frame.columns]
    rows = tuple(
        tuple(column.written(row[column.name]) for column in shown)
        for row in frame.loc[:, [column.name for column in shown]].to_dict("records")
    )
    nothing = ("None", *[NONE_NAMED] * (len(shown) - 1))
    return MarkedTable(caption, tuple(column.head for column in shown), rows or (nothing,))


def named(frame: pd.DataFrame, column: str) -> dict[str, str]:
    """Give what zones are called, or their officers.

    Parameters
    ----------
    frame
        `zone_id`, and perhaps `column`.
    column
        The column of names.

    Returns
    -------
    dict of str to str
        Name by `zone_id`, as far as there are any.
    """
    pairs = frame[["zone_id", column]].dropna().to_numpy().tolist() if column in frame.columns else []
    return {str(zone_id): str(name) for zone_id, name in pairs}


def is_figure(value: object) -> bool:
    """Say whether there is a figure to show.

    Parameters
    ----------
    value
        A number, or what stands for none: missing, not a number, infinite.

    Returns
    -------
    bool
        True for a finite number.
    """
    return not pd.isna(value) and isfinite(float(value))  # type: ignore[arg-type, call-overload]


def finite(value: Any) -> float:  # noqa: ANN401 -- a cell of any column
    """Read a figure.

    Parameters
    ----------
    value
        A number, or what stands for none.

    Returns
    -------
    float
        The number; not a number where there is no figure.
    """
    return float(value) if is_figure(value) else float("nan")


def words(value: object) -> str:
    """Write words.

    Parameters
    ----------
    value
        Text; missing where there is none.

    Returns
    -------
    str
        The text; a dash where it is missing or empty.
    """
    return NONE_NAMED if pd.isna(value) or str(value) == "" else str(value)  # type: ignore[call-overload]


def decimal(value: Any, decimals: int = 1) -> str:  # noqa: ANN401 -- a cell of any column
    """Write a number, rounded half up as all figures are (`shown`).

    Parameters
    ----------
    value
        The number; missing or infinite where there is none.
    decimals
        Decimals to show, 0 to 6.

    Returns
    -------
    str
        For example ``"1,234.5"`` or ``"−0.3"``; a dash where there is none.
    """
    if not is_figure(value):
        return NONE_NAMED
    millionths = floor(abs(float(value)) * MILLION + 0.5)
    parts = 10**decimals
    whole, rest = divmod((2 * millionths * parts + MILLION) // (2 * MILLION), parts)
    sign = "−" if value < 0 and (whole or rest) else ""
    return f"{sign}{whole:,}.{rest:0{decimals}d}" if decimals else f"{sign}{whole:,}"


def whole(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    """Write a number without decimals.

    Parameters
    ----------
    value
        The number; missing where there is none.

    Returns
    -------
    str
        For example ``"1,234"``; a dash where there is none.
    """
    return decimal(value, 0)


def share(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    """Write a share in percent.

    Parameters
    ----------
    value
        The share; missing where it is not known.

    Returns
    -------
    str
        With one decimal (``"9.3%"``); ``"<0.1%"`` where there is something, but nothing would be shown; a dash where
        there is none.
    """
    if not is_figure(value):
        return NONE_NAMED
    if 0 < abs(value) < _LEAST:
        return "<0.1%"
    text = format_share(floor(abs(float(value)) * MILLION + 0.5), MILLION)
    return f"−{text}" if value < 0 else text


def figure(value: Any, unit: str) -> str:  # noqa: ANN401 -- a cell of any column
    """Write minutes as minutes, and all else as a share.

    Parameters
    ----------
    value
        The figure; missing where there is none.
    unit
        `MINUTES` for minutes.

    Returns
    -------
    str
        For example ``"4.2"`` or ``"9.3%"``.
    """
    return decimal(value) if unit == MINUTES else share(value)


def change(value: Any, unit: str) -> str:  # noqa: ANN401 -- a cell of any column
    """Write by how much a figure changes.

    Parameters
    ----------
    value
        The change; missing where there is none.
    unit
        `MINUTES` for minutes; changes of shares are written in percentage points.

    Returns
    -------
    str
        With its sign: ``"+0.4"``, ``"−2.1"``, ``"0.0"``.
    """
    text = decimal(value if unit == MINUTES or not is_figure(value) else 100 * value)
    return f"+{text}" if is_figure(value) and value > 0 and text.strip("0.") else text


def interval(low: Any, high: Any, written: Callable[[Any], str]) -> str:  # noqa: ANN401 -- cells of any column
    """Write an interval.

    Parameters
    ----------
    low, high
        Its ends; missing where there is none.
    written
        How an end is written.

    Returns
    -------
    str
        For example ``"3.9 to 4.6"``; a dash where there is none.
    """
    ends = written(low), written(high)
    return NONE_NAMED if NONE_NAMED in ends else " to ".join(ends)
