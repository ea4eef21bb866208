"""The what-if page: a person moves units between zones and sees at once what changes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.io import safe_cells
from safeschools_geo.pages._map_layers import (
    Backdrop,
    PlanSign,
    WhatIf,
    against_mean_text,
    backdrop,
    counted_loads,
    has_place,
    map_data,
    places_of,
    plan_places,
    require_columns,
    unit_names,
    unit_shapes,
    zone_signs,
)
from safeschools_geo.pages._page import (
    NONE_NAMED,
    PLAN_STYLES,
    DataTable,
    LegendItem,
    PageContent,
    count,
    document,
    school_legend,
)
from safeschools_geo.pages._term import new_map, thumbnail
from safeschools_geo.text import format_imbalance, format_load, millionths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import geopandas as gpd

    from safeschools_geo.pages._page import OfflinePage, PageContext


# ── What the what-if page is given: units with their neighbors and limits, zones, and the cells of plan.csv

_OPTIONAL = ("name", "schools", "students")


def page_data(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    *,
    plan: pd.Series | None,
    schools: gpd.GeoDataFrame | None,
    locked: Collection[str],
    roots: Mapping[str, str],
    forbidden: Collection[tuple[str, str]],
    together: Sequence[Collection[str]],
) -> dict[str, Any]:
    """Write what the page computes from, with places in lists instead of ids."""
    shapes = unit_shapes(units)
    zone_ids, unit_ids = zones["zone_id"].astype("str").tolist(), units["unit_id"].astype("str").tolist()
    data = map_data(shapes, zone_signs(zones), schools)
    for zone, cell in zip(data["zones"], _csv_pieces(_as_text(zones[["zone_id"]])), strict=True):
        zone["csv"] = cell
    known = [name for name in _OPTIONAL if name in units.columns]
    data["units"] = _unit_data(units, shapes.at.tolist(), zone_ids, known)
    _set_limits(data["units"], unit_ids, zone_ids, locked=locked, roots=roots, forbidden=forbidden)
    pairs = [places_of(edges[name], unit_ids, what="units of edges") for name in ("unit_a", "unit_b")]
    return data | {
        "edges": list(zip(*pairs, strict=True)),
        "together": [_places(group, unit_ids, "units of limits") for group in together],
        "csv_head": ",".join(["unit_id", "zone_before", "zone_after", "moved", "workload", *known]),
        "plan": None if plan is None else plan_places(plan, units, zone_ids),
    }


def _unit_data(
    units: gpd.GeoDataFrame, at: list[list[float]], zone_ids: list[str], known: list[str]
) -> list[dict[str, Any]]:
    tails = pd.DataFrame(units[["workload", *known]]).astype({"workload": "float64"})
    columns = {
        "name": unit_names(units),
        "load": millionths(units["workload"]).tolist(),
        "zone": places_of(units["zone_id"], zone_ids, what="zones of units"),
        "schools": _counts(units, "schools", missing=1),
        "students": _counts(units, "students", missing=None),
        "at": at,
        "csv": list(zip(_csv_pieces(_as_text(units[["unit_id", "zone_id"]])), _csv_pieces(tails), strict=True)),
    }
    rows = zip(*columns.values(), strict=True)
    free = {"root": None, "is_locked": False}
    return [{**dict(zip(columns, row, strict=True)), **free, "not_in": []} for row in rows]


def _set_limits(
    marked: list[dict[str, Any]],
    unit_ids: list[str],
    zone_ids: list[str],
    *,
    locked: Collection[str],
    roots: Mapping[str, str],
    forbidden: Collection[tuple[str, str]],
) -> None:
    def places(some_units: Collection[str], some_zones: Collection[str]) -> list[tuple[int, int]]:
        of_units = _places(some_units, unit_ids, "units of limits")
        return list(zip(of_units, _places(some_zones, zone_ids, "zones of limits"), strict=True))

    for unit in _places(locked, unit_ids, "units of limits"):
        marked[unit]["is_locked"] = True
    for unit, zone in places(roots.values(), roots.keys()):
        marked[unit]["root"] = zone
    for unit, zone in places([u for u, _ in forbidden], [z for _, z in forbidden]):
        marked[unit]["not_in"].append(zone)


def _places(ids: Collection[str], known: list[str], what: str) -> list[int]:
    return places_of(pd.Series(list(ids), dtype="str"), known, what=what)


def _counts(units: pd.DataFrame, name: str, *, missing: int | None) -> list[int | None]:
    if name not in units.columns:
        return [missing] * len(units)
    return [missing if pd.isna(value) else round(float(value)) for value in units[name]]


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].astype("str") for name in frame.columns})


def _csv_pieces(frame: pd.DataFrame) -> list[str]:
    """Write the cells of each row as the product's CSV files have them."""
    safe = pd.DataFrame({name: safe_cells(frame[name]) for name in frame.columns})
    text = safe.to_csv(index=False, header=False, lineterminator="\n")
    # Cells may hold line ends of their own.
    return [_csv_line(cells) for cells in csv.reader(io.StringIO(text, newline=""))]


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")


# ── The what-if page: a person moves units between zones and sees at once what comes of it


def what_if_page(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    *,
    context: PageContext,
    plan: pd.Series | None = None,
    starts_with_plan: bool = False,
    schools: gpd.GeoDataFrame | None = None,
    locked: Collection[str] = (),
    roots: Mapping[str, str] | None = None,
    forbidden: Collection[tuple[str, str]] = (),
    together: Sequence[Collection[str]] = (),
    unit_noun: str = "school",
    set_apart: Collection[str] = (),
    load_name: str = "officer-hours per school day",
    load_unit: str = "h/day",
    finding: str = "",
    notes: Sequence[str] = (),
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw the page on which a person moves units between zones.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload` (finite, not negative) and areas, in any stated CRS; `name`,
        `schools` (number of them) and `students` where they are known.
    edges
        Neighbors: `unit_a`, `unit_b`.
    zones
        `zone_id`, `name` and areas, EPSG:4326. A zone may have no units; units have no other zones.
    context
        What every page of the term says.
    plan
        A proposed plan that the page can load: zone of each unit, by `unit_id`.
    starts_with_plan
        Whether the page starts with the proposed plan instead of today's zones.
    schools
        Table `schools`, EPSG:4326, to be drawn on the map.
    locked
        Units that stay in their zone.
    roots
        Zone → the unit of it that stays put.
    forbidden
        Units, each with a zone it may not be in.
    together
        Groups of units that stay in one zone together.
    unit_noun
        What a unit is called, in the singular.
    set_apart
        Zones without a school, which do not count for the balance while they have none.
    load_name, load_unit
        What `workload` is measured in, in full and in short.
    finding
        What the reader should know first, in one line.
    notes
        What else the reader has to know.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page. Its figures are those of `safeschools score`, to the last digit; the plan.csv that it hands out has
        the bytes that `write_csv` would write.

    Raises
    ------
    ColumnError
        When a table lacks a column.
    InputError
        When units, zones, plan and limits do not belong together.
    """
    require_columns(units, ["unit_id", "zone_id", "workload"], where="units")
    require_columns(edges, ["unit_a", "unit_b"], where="edges")
    data = page_data(
        units,
        edges,
        zones,
        plan=plan,
        schools=schools,
        locked=locked,
        roots=roots or {},
        forbidden=forbidden,
        together=together,
    )
    for zone, zone_id in zip(data["zones"], zones["zone_id"].astype("str"), strict=True):
        zone["is_apart"] = zone_id in set(set_apart)
    data |= {"noun": unit_noun, "load_unit": load_unit, "starts_with_plan": starts_with_plan and plan is not None}
    chart = new_map(f"Map of the zones: a click chooses a {unit_noun}", zones, context, boundary=boundary, tiles=tiles)
    Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    WhatIf(data).add_to(chart)
    content = PageContent(
        title="What if?",
        finding=finding,
        legends=_legends(schools, has_boundary=boundary is not None),
        tables=[_zones_today(data, load_name=load_name)],
        notes=[
            "Imbalance: how far the zone that is farthest from the mean load is from it, in percent of the mean.",
            "Nothing is kept when the page is closed: download plan.csv, and give it to safeschools score.",
            *notes,
        ],
    )
    return document(
        "what_if.html.j2",
        content,
        context=context,
        chart=chart,
        styles=PLAN_STYLES,
        tiles=tiles,
        thumbnail=thumbnail(zones, [zone["fill"] for zone in data["zones"]]),
        noun=unit_noun,
        load_name=load_name,
        load_unit=load_unit,
        has_plan=plan is not None,
        **_static_facts(data),
    )


def _students_text(moved: Sequence[Mapping[str, Any]]) -> str:
    """Say how many students move, and of how many units that is not known."""
    known = [unit["students"] for unit in moved if unit["students"] is not None]
    if moved and not known:
        return "students not known"
    told = count_text(sum(known), "student")
    return told if len(known) == len(moved) else f"{told}, {len(moved) - len(known)} without a number"


def _static_facts(data: Mapping[str, Any]) -> dict[str, object]:
    """State the plan that the page starts with, for readers without JavaScript."""
    units, zones = data["units"], data["zones"]
    today = [unit["zone"] for unit in units]
    shown = data["plan"] if data["starts_with_plan"] else today
    loads, before = _sums(units, shown, "load", len(zones)), _sums(units, today, "load", len(zones))
    is_apart = [zone["is_apart"] for zone in zones]
    counted, counted_before = (counted_loads(one, is_apart) for one in (loads, before))
    schools, most = _sums(units, shown, "schools", len(zones)), max([*loads, *before, 1])
    heaviest = loads.index(max(loads))
    moved = [unit for unit, zone in zip(units, shown, strict=True) if unit["zone"] != zone]
    return {
        "imbalance": format_imbalance(counted),
        "imbalance_today": format_imbalance(counted_before),
        "heaviest": zones[heaviest]["name"],
        "heaviest_load": format_load(loads[heaviest]),
        "heaviest_apart": against_mean_text(loads[heaviest], counted),
        "moved_schools": count(sum(unit["schools"] for unit in moved)),
        "moved_students": _students_text(moved),
        "mean_share": 100 * sum(loads) / max(len(counted), 1) / most,
        "zone_rows": [
            {
                **zone,
                "schools": count(schools[i]),
                "today": format_load(before[i]),
                "load": format_load(loads[i]),
                "apart": against_mean_text(loads[i], counted, is_apart=is_apart[i]),
                "share": 100 * loads[i] / most,
            }
            for i, zone in enumerate(zones)
        ],
        "unit_rows": [
            {
                "place": i,
                "name": unit["name"],
                "today": zones[unit["zone"]]["name"],
                "now": zones[shown[i]]["name"],
                "proposed": "" if data["plan"] is None else zones[data["plan"][i]]["name"],
                "load": format_load(unit["load"]),
                "students": count(unit["students"]),
                "stays": "root" if unit["root"] is not None else "locked" if unit["is_locked"] else "",
            }
            for i, unit in sorted(enumerate(units), key=lambda pair: (pair[1]["zone"], pair[1]["name"]))
        ],
        "choices": sorted(range(len(units)), key=lambda i: units[i]["name"]),
        "units": units,
    }


def _zones_today(data: Mapping[str, Any], *, load_name: str) -> DataTable:
    units, zones = data["units"], data["zones"]
    today = [unit["zone"] for unit in units]
    sums = {name: _sums(units, today, name, len(zones)) for name in ("load", "schools")}
    students: list[list[int]] = [[] for _ in zones]
    for unit in units:
        if unit["students"] is not None:
            students[unit["zone"]].append(unit["students"])
    is_apart = [zone["is_apart"] for zone in zones]
    counted = counted_loads(sums["load"], is_apart)
    rows = tuple(
        (
            zone["name"],
            count(sums["schools"][i]),
            count(sum(students[i])) if students[i] else NONE_NAMED,
            format_load(sums["load"][i]),
            against_mean_text(sums["load"][i], counted, is_apart=is_apart[i]),
        )
        for i, zone in enumerate(zones)
    )
    columns = ("Zone", "Schools", "Students known", "Load", "Against the mean")
    return DataTable(f"The zones of today: {load_name}", columns, rows)


def _sums(units: Sequence[Mapping[str, Any]], zone_of: Sequence[int], name: str, zones: int) -> list[int]:
    sums = [0] * zones
    for unit, zone in zip(units, zone_of, strict=True):
        sums[zone] += unit[name]
    return sums


def _legends(schools: gpd.GeoDataFrame | None, *, has_boundary: bool) -> dict[str, list[LegendItem]]:
    located = None if schools is None else schools[has_place(schools)]
    return {
        "On the map": [
            PlanSign("Border of a zone", "zone"),
            PlanSign("Moved, from → to", "moved"),
            PlanSign("Chosen", "chosen"),
            PlanSign("Border of a zone today", "former"),
            *([LegendItem("District boundary", "line")] if has_boundary else []),
        ],
        "Schools": [] if located is None else school_legend(located["level"].tolist(), has_rings=False),
    }
