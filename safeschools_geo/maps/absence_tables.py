"""Tables of the day an officer is absent: who takes which school, loads usually and on that day, and all cases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from safeschools_geo.errors import count_text
from safeschools_geo.maps.coverage_figures import (
    MINUTES,
    Column,
    Link,
    MarkedTable,
    change,
    decimal,
    finite,
    printed,
    share,
    whole,
    words,
)
from safeschools_geo.maps.coverage_shell import Section
from safeschools_geo.maps.coverage_tables import level_text
from safeschools_geo.maps.minute_classes import MinuteClasses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

FOLDER = "absence"
"""Folder of the pages of cases, beside the page that lists them."""

_AND = " and "
_NUMBER = re.compile(r"(\d+)")


def taker_sections(
    changed: pd.DataFrame, *, takers: Mapping[str, str], fills: Mapping[str, str], zone_names: Mapping[str, str]
) -> list[Section]:
    """Print who takes which schools, a part for each officer.

    Parameters
    ----------
    changed
        Schools that change hands, with their `number` on the map.
    takers
        Officer of each zone that takes schools, by `zone_id`, in the order they are printed.
    fills
        Colour of each of these zones on the map.
    zone_names
        Name of each zone, by `zone_id`.

    Returns
    -------
    list of Section
        The parts.
    """
    columns = (
        Column("No.", "number", whole),
        Column("School", "name", words),
        Column("Level", "level", level_text),
        Column("Minutes, by the model", "response_change_min", lambda value: change(value, MINUTES)),
        Column("Calls a week", "calls_per_week", lambda value: decimal(value, 2)),
    )
    parts: list[Section] = []
    for zone_id, officer in takers.items():
        mine = changed[changed["zone_after"].astype("str") == zone_id]
        name = zone_names.get(zone_id, zone_id)
        title = f"{officer} takes {count_text(len(mine), 'school')}"
        table = printed(mine, columns, caption=f"Of {name}; minutes more or less than on a usual day")
        parts.append(Section(f"taker-{len(parts) + 1}", title, "", (), [table], swatch=fills.get(zone_id, "")))
    return parts


def load_table(loads: pd.DataFrame, *, takers: Mapping[str, str]) -> MarkedTable:
    """Print loads usually and on the day.

    Parameters
    ----------
    loads
        As `absence_pages.absence_page` takes it.
    takers
        Zones that take schools, which stand out.

    Returns
    -------
    MarkedTable
        A row for each zone.
    """
    columns = (
        Column("Zone", "name", words),
        Column("Officer", "officer", words),
        Column("Schools", "schools", words),
        Column("Hours", "hours", words),
        Column("Busy", "busy", words),
    )
    frame = _beside(loads, "schools", ("schools_after", "schools_before"), whole)
    frame = _beside(frame, "hours", ("load_after_h", "load_before_h"), decimal)
    frame = _beside(frame, "busy", ("busy_after_share", "busy_before_share"), share)
    caption = "This day (usually): schools, officer-hours per school day, and busy with calls by the model"
    table = printed(frame, columns, caption=caption)
    marked = frozenset(i for i, zone_id in enumerate(loads["zone_id"].astype("str")) if zone_id in takers)
    return MarkedTable(table.caption, table.columns, table.rows, marked=marked)


def in_order(cases: pd.DataFrame) -> list[dict[Any, Any]]:
    """Sort the cases by officer, one officer alone before two.

    Parameters
    ----------
    cases
        As `absence_pages.absences_page` takes them.

    Returns
    -------
    list of dict
        The cases, each with its `officers`; S-10 after S-9.
    """
    # A post may have " and " in its name: what is joined is taken apart only where nothing else is known.
    rows = [{"officers": str(row["absent"]).split(_AND), **row} for row in cases.to_dict("records")]
    return sorted(rows, key=lambda row: (len(row["officers"]), [_natural(one) for one in row["officers"]]))


def case_table(rows: Sequence[dict[Any, Any]], *, caption: str) -> MarkedTable:
    """Print cases with links to their pages.

    Parameters
    ----------
    rows
        The cases, in order.
    caption
        What they have in common.

    Returns
    -------
    MarkedTable
        A row for each case.
    """
    cells = tuple(
        (
            words(row["absent"]),
            change(row["response_change_min"], MINUTES),
            change(row["overflow_change_share"], ""),
            words(row["busiest_zone"]),
            decimal(row["busiest_load_h"]),
            words(row["finding"]),
        )
        for row in rows
    )
    columns = (
        "Absent",
        "Mean minutes, by the model against a usual day",
        "Goes to patrol, points",
        "Busiest zone",
        "Its hours",
        "Who covers what",
    )
    links = {(i, 0): Link(_href(row), words(row["absent"])) for i, row in enumerate(rows)}
    return MarkedTable(caption, columns, cells, links=links)


def case_matrix(rows: Sequence[dict[Any, Any]]) -> MarkedTable | None:
    """Cross the officers who are absent: one alone on the diagonal.

    Parameters
    ----------
    rows
        The cases, in order.

    Returns
    -------
    MarkedTable or None
        Minutes by which each case is longer, linked to its page, the longer the darker; None without a case of two.
    """
    officers = sorted({one for row in rows for one in row["officers"]}, key=_natural)
    place = {officer: i for i, officer in enumerate(officers)}
    minutes = np.array([finite(row["response_change_min"]) for row in rows])
    classes = MinuteClasses.of(minutes)
    texts: dict[tuple[int, int], str] = {}
    shades: dict[tuple[int, int], int] = {}
    links: dict[tuple[int, int], Link] = {}
    for row, value in zip(rows, minutes.tolist(), strict=True):
        if len(row["officers"]) > 2:  # noqa: PLR2004 - a table has two sides
            continue
        ends = {place[row["officers"][0]], place[row["officers"][-1]]}
        for a, b in {(min(ends), max(ends)), (max(ends), min(ends))}:
            cell = (a, b + 1)
            texts[cell] = change(value, MINUTES)
            links[cell] = Link(_href(row), f"{row['absent']} absent: {change(value, MINUTES)} min")
            if (shade := classes.place(value)) is not None:
                shades[cell] = shade
    if all(a == b - 1 for a, b in texts):
        return None
    cells = tuple(
        (officer, *(texts.get((i, j + 1), "") for j in range(len(officers)))) for i, officer in enumerate(officers)
    )
    diagonal = frozenset((i, i + 1) for i in range(len(officers)))
    caption = "Mean minutes more than on a usual day, by the model; framed: one officer absent"
    return MarkedTable(caption, ("Absent", *officers), cells, shades=shades, bold=diagonal, links=links)


def _beside(frame: pd.DataFrame, name: str, columns: tuple[str, str], written: Callable[[Any], str]) -> pd.DataFrame:
    """Write a figure of the day with what it usually is behind it."""
    after, before = (frame[column].map(written, na_action=None).astype("str") for column in columns)
    return frame.assign(**{name: after + "\u00a0(" + before + ")"})


def _href(row: Mapping[Any, Any]) -> str:
    return f"{FOLDER}/{quote(str(row['name']))}"


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(text)]
