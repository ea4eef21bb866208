"""The zones and their schools: what is public anyway, on a map and in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.board.board_map import Area, Mark, is_placed, level_sign, zone_map
from safeschools_geo.board.part import Part, render
from safeschools_geo.board.rows import in_order, shortened, zone_names
from safeschools_geo.schemas import LEVELS

if TYPE_CHECKING:
    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

SCRIPTS = ("js/board_map.js",)


def zones_part(content: BoardContent, words: Words) -> Part:
    """Show the zones and their schools, without a single count of incidents.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part
        A map that answers, and the same as a table.
    """
    zones, number = len(content.zones), len(content.schools)
    levels = [level for level in LEVELS if (content.schools["level"] == level).any()]
    body = render(
        "zones.html.j2",
        content=content,
        words=words,
        svg=_map(content, title=words("zones.map_alt", zones=zones)),
        legend=[(level_sign(level), words(f"common.{level}")) for level in levels],
        rows=_rows(content, levels),
        no_place=sorted(str(name) for name in content.schools.loc[~is_placed(content.schools.geometry), "name"]),
    )
    return Part("zones", words("zones.title"), words("zones.lead", schools=number, zones=zones), body, SCRIPTS)


def _map(content: BoardContent, *, title: str) -> str:
    areas = [
        Area(str(zone_id), str(name), shape)
        for zone_id, name, shape in zip(
            content.zones["zone_id"], content.zones["name"], content.zones.geometry, strict=True
        )
    ]
    placed = content.schools[is_placed(content.schools.geometry)]
    marks = [
        Mark(str(name), str(level), "" if pd.isna(zone_id) else str(zone_id), shape)
        for name, level, zone_id, shape in zip(
            placed["name"], placed["level"], placed["zone_id"], placed.geometry, strict=True
        )
    ]
    return zone_map(areas, name="zones", title=title, marks=marks, boundary=content.boundary, places=content.places)


def _rows(content: BoardContent, levels: list[str]) -> list[dict[str, Any]]:
    students = content.students.table("zone").set_index("zone")["count"]
    is_partial = content.zone_rates.set_index("zone")["is_partial"]
    names = zone_names(content)
    rows = []
    for zone_id in in_order("zone", [*names, *students.index], content):
        here = content.schools[content.schools["zone_id"].astype("str") == zone_id].sort_values("name")
        by_level = {level: [str(n) for n in here.loc[here["level"] == level, "name"]] for level in levels}
        known = students.get(zone_id)
        rows.append(
            {
                "group": zone_id,
                "name": names.get(zone_id, zone_id),
                "short": shortened(names.get(zone_id, zone_id)),
                "number": len(here),
                "schools": {level: found for level, found in by_level.items() if found},
                "students": None if pd.isna(known) else int(known),
                "is_partial": bool(is_partial.get(zone_id, default=False)),
            }
        )
    return rows
