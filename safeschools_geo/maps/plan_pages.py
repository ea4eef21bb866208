"""The review page of a proposed plan: before, after, what changes, how it scores, and what is proven about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.maps import layers as parts
from safeschools_geo.maps import plan_figures as figures
from safeschools_geo.maps import plan_layers, tables
from safeschools_geo.maps.basemap import backdrop
from safeschools_geo.maps.frontier_chart import frontier_chart, frontier_table
from safeschools_geo.maps.legend import LegendItem, school_legend
from safeschools_geo.maps.pages import new_map
from safeschools_geo.maps.plan_layers import UnitShapes, ZoneSign
from safeschools_geo.maps.plan_pictures import plan_picture
from safeschools_geo.maps.shell import PLAN_STYLES, Chart, PageContent, document
from safeschools_geo.maps.thumbnail import thumbnail
from safeschools_geo.shown import format_imbalance, format_load, millionths

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import geopandas as gpd

    from safeschools_geo.maps.shell import OfflinePage, PageContext


@dataclass(frozen=True, eq=False)
class _Compared:
    """Today and the proposal: the zone of each unit, and the load of each zone in millionths."""

    shapes: UnitShapes
    signs: list[ZoneSign]
    today: list[int]
    proposed: list[int]
    loads_today: list[int]
    loads_proposed: list[int]
    is_apart: list[bool]

    @property
    def counted(self) -> tuple[list[int], list[int]]:
        """Loads of the zones that count, today and as proposed."""
        today, proposed = (
            figures.counted_loads(loads, self.is_apart) for loads in (self.loads_today, self.loads_proposed)
        )
        return today, proposed


_NOT_SCORED = "not scored"
_SCORE_COLUMNS = ("Measure", "In", "Today", "Proposed", "Better")
_BEST = {"current": "today", "proposed": "proposed"}


def plan_page(
    units: gpd.GeoDataFrame,
    plan: pd.Series,
    zones: gpd.GeoDataFrame,
    *,
    moves: pd.DataFrame,
    scores: pd.DataFrame,
    finding: str,
    context: PageContext,
    statements: Sequence[str] = (),
    frontier: pd.DataFrame | None = None,
    knee: int | None = None,
    chosen: int | None = None,
    schools: gpd.GeoDataFrame | None = None,
    unit_noun: str = "school",
    set_apart: Collection[str] = (),
    load_name: str = "officer-hours per school day",
    load_unit: str = "h/day",
    notes: Sequence[str] = (),
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw a proposed plan beside the zones of today.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload` and areas, in any stated CRS; `name` where it is known.
    plan
        Proposed zone of each unit, by `unit_id`.
    zones
        `zone_id`, `name` and areas, EPSG:4326.
    moves
        Units that move: `name`, `zone_before`, `zone_after`, `workload`, and `schools` and `students` if they are
        known.
    scores
        Measures side by side: `measure` or `label`, `unit`, `current` and `proposed` as text or numbers, and `best`
        (``current``, ``proposed`` or empty). Those that begin with "not scored" on both sides are told in a note.
    finding
        What the plan does, in one line.
    context
        What every page of the term says.
    statements
        Sentences that stand above the maps: what is proven, where more moves gain little, whether it holds up.
    frontier
        Table `frontier`, if there is one.
    knee
        Moves after which more moves gain little.
    chosen
        Moves of the plan that is shown.
    schools
        Table `schools`, EPSG:4326, to be drawn on the map.
    unit_noun
        What a unit is called, in the singular.
    set_apart
        Zones without a school, which do not count for the balance while they have none.
    load_name, load_unit
        What `workload` is measured in, in full and in short.
    notes
        What else the reader has to know.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page.

    Raises
    ------
    ColumnError
        When a table lacks a column.
    InputError
        When units, zones and plan do not belong together.
    """
    plan_layers.require_columns(units, ["unit_id", "zone_id", "workload"], where="units")
    plan_layers.require_columns(moves, ["name", "zone_before", "zone_after", "workload"], where="moves")
    plan_layers.require_columns(scores, ["current", "proposed"], where="scores")
    both = _compare(units, plan, zones, set_apart)
    chart = new_map("Map of the proposed zones", zones, context, boundary=boundary, tiles=tiles)
    parts.Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    plan_layers.PlanViews(_map_data(both, units, schools, load_unit)).add_to(chart)
    names = dict(zip(zones["zone_id"].astype("str"), (sign.name for sign in both.signs), strict=True))
    content = PageContent(
        title="Proposed zones",
        finding=finding,
        legends=_legends(schools, has_boundary=boundary is not None),
        charts=[] if frontier is None else [_frontier(frontier, knee=knee, chosen=chosen)],
        tables=[
            _move_table(moves, names, unit_noun, load_unit),
            _score_table(scores),
            _load_table(both, load_name=load_name),
            *([] if frontier is None else [frontier_table(frontier, noun=unit_noun)]),
        ],
        notes=[*_unscored(scores), *notes],
    )
    return document(
        "plan.html.j2",
        content,
        context=context,
        chart=chart,
        styles=PLAN_STYLES,
        tiles=tiles,
        thumbnail=thumbnail(zones, [sign.fill for sign in both.signs]),
        statements=[statement for statement in statements if statement],
        pictures=_pictures(both, load_unit),
    )


def _compare(
    units: gpd.GeoDataFrame, plan: pd.Series, zones: gpd.GeoDataFrame, set_apart: Collection[str]
) -> _Compared:
    zone_ids = zones["zone_id"].astype("str").tolist()
    today = plan_layers.places_of(units["zone_id"], zone_ids, what="zones of units")
    proposed = plan_layers.plan_places(plan, units, zone_ids)
    loads = [figures.zone_loads(units["workload"], zone_of, len(zone_ids)) for zone_of in (today, proposed)]
    is_apart = [zone in set(set_apart) for zone in zone_ids]
    signs = plan_layers.zone_signs(zones)
    return _Compared(plan_layers.unit_shapes(units), signs, today, proposed, loads[0], loads[1], is_apart)


def _map_data(
    both: _Compared, units: gpd.GeoDataFrame, schools: gpd.GeoDataFrame | None, load_unit: str
) -> dict[str, Any]:
    data = plan_layers.map_data(both.shapes, both.signs, schools)
    for zone, before, after in zip(data["zones"], both.loads_today, both.loads_proposed, strict=True):
        zone |= {"load_today": format_load(before), "load_proposed": format_load(after)}
    rows = zip(
        plan_layers.unit_names(units),
        millionths(units["workload"]).tolist(),
        both.shapes.at.tolist(),
        both.today,
        both.proposed,
        strict=True,
    )
    facts = [
        {
            "at": at,
            "facts": [
                name,
                f"Today: {both.signs[before].name}",
                f"Proposed: {both.signs[after].name}" if after != before else "Stays",
                f"{format_load(load)} {load_unit}",
            ],
        }
        for name, load, at, before, after in rows
    ]
    return data | {"today": both.today, "proposed": both.proposed, "units": facts}


def _pictures(both: _Compared, load_unit: str) -> list[Chart]:
    moved = sum(a != b for a, b in zip(both.today, both.proposed, strict=True))
    imbalance = [format_imbalance(loads) for loads in both.counted]
    return [
        _picture(both, f"Today, imbalance {imbalance[0]}", _told(both.signs, both.loads_today, load_unit), "today"),
        _picture(
            both, f"Proposed, imbalance {imbalance[1]}", _told(both.signs, both.loads_proposed, load_unit), "proposed"
        ),
        _picture(both, "What changes, from → to", f"{moved} moved; the table below names them", "changes"),
    ]


def _picture(both: _Compared, caption: str, description: str, view: str) -> Chart:
    loads = both.loads_today if view == "today" else both.loads_proposed
    picture = plan_picture(
        both.shapes,
        both.today if view == "today" else both.proposed,
        both.signs,
        title=f"Map: {caption}",
        description=description,
        former=both.today,
        lines=[format_load(load) for load in loads],
        only_changes=view == "changes",
    )
    return Chart(picture, caption)


def _told(signs: Sequence[ZoneSign], loads: Sequence[int], load_unit: str) -> str:
    return ", ".join(f"{sign.name} {format_load(load)} {load_unit}" for sign, load in zip(signs, loads, strict=True))


def _legends(schools: gpd.GeoDataFrame | None, *, has_boundary: bool) -> dict[str, list[LegendItem]]:
    located = None if schools is None else schools[parts.has_place(schools)]
    return {
        "Signs": [
            plan_layers.PlanSign("Moved, from → to", "moved"),
            plan_layers.PlanSign("Border of a zone", "zone"),
            plan_layers.PlanSign("Border of a zone today, given up", "former"),
            *([LegendItem("District boundary", "line")] if has_boundary else []),
        ],
        "Schools": [] if located is None else school_legend(located["level"].tolist(), has_rings=False),
    }


def _frontier(frontier: pd.DataFrame, *, knee: int | None, chosen: int | None) -> Chart:
    caption = "How even the zones can be for each number of moves"
    described = "Every dot is the best plan found with at most so many moves; the table below holds the numbers."
    return Chart(frontier_chart(frontier, title=caption, description=described, knee=knee, chosen=chosen), caption)


def _move_table(moves: pd.DataFrame, names: dict[str, str], noun: str, load_unit: str) -> tables.DataTable:
    known = [name for name in ("schools", "students") if name in moves.columns]
    rows = tuple(
        (
            str(row["name"]),
            names.get(str(row["zone_before"]), str(row["zone_before"])),
            names.get(str(row["zone_after"]), str(row["zone_after"])),
            tables.number(row["workload"], 2),
            *(tables.count(row[name]) for name in known),
        )
        for row in moves.to_dict("records")
    )
    columns = (noun.capitalize(), "From", "To", f"Load, {load_unit}", *(name.capitalize() for name in known))
    return tables.DataTable("What changes", columns, rows or (("Nothing", *[tables.NONE_NAMED] * (len(columns) - 1)),))


def _score_table(scores: pd.DataFrame) -> tables.DataTable:
    rows = tuple(
        (
            _label(row),
            str(row.get("unit", "")),
            _shown(row["current"]),
            _shown(row["proposed"]),
            _BEST.get(str(row.get("best", "")), "alike" if row.get("better") else ""),
        )
        for row in scores.to_dict("records")
        if not _is_unscored(row)
    )
    return tables.DataTable("Today and proposed, measure by measure", _SCORE_COLUMNS, rows)


def _unscored(scores: pd.DataFrame) -> list[str]:
    left_out = [
        f"{_label(row)} ({str(row['proposed']).removeprefix(_NOT_SCORED).lstrip(': ') or 'no data'})"
        for row in scores.to_dict("records")
        if _is_unscored(row)
    ]
    return [f"Not scored: {', '.join(left_out)}."] if left_out else []


def _is_unscored(row: dict[Any, Any]) -> bool:
    return all(str(row[side]).startswith(_NOT_SCORED) or pd.isna(row[side]) for side in ("current", "proposed"))


def _label(row: dict[Any, Any]) -> str:
    return str(row["label"] if "label" in row else row["measure"])


def _shown(value: object) -> str:
    return value if isinstance(value, str) else tables.number(value, 2)


def _load_table(both: _Compared, *, load_name: str) -> tables.DataTable:
    today, proposed = both.counted
    rows = tuple(
        (
            sign.name,
            format_load(before),
            figures.against_mean_text(before, today, is_apart=is_apart),
            format_load(after),
            figures.against_mean_text(after, proposed, is_apart=is_apart),
        )
        for sign, before, after, is_apart in zip(
            both.signs, both.loads_today, both.loads_proposed, both.is_apart, strict=True
        )
    )
    columns = ("Zone", "Today", "Today, against the mean", "Proposed", "Proposed, against the mean")
    return tables.DataTable(f"Load of each zone: {load_name}", columns, rows)
