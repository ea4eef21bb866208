"""The page of patrol coverage: who comes, how soon, who helps out, and where officers wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text
from safeschools_geo.pages._coverage_map import Finder, coverage_map, reach_maps, slowest_zones
from safeschools_geo.pages._coverage_parts import (
    CoverageContent,
    Section,
    coverage_document,
    decimal,
    is_figure,
    missing_notes,
    named,
    require_tables,
)
from safeschools_geo.pages._coverage_tables import (
    ALL_ZONES,
    BACKUP_EDGES,
    REACHED,
    backup_table,
    caseload_table,
    comparison_table,
    coverage_caution,
    hour_table,
    hours_chart,
    reach_chart,
    reach_table,
    school_table,
    staffing_chart,
    staffing_table,
    staging_table,
    validation_table,
    zone_table,
)
from safeschools_geo.pages._map_layers import Drawn, backdrop, has_place
from safeschools_geo.pages._page import Chart
from safeschools_geo.pages._term import new_map, thumbnail
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.pages._coverage_parts import KeyFigure
    from safeschools_geo.pages._page import OfflinePage, PageContext


# ── The parts of the page of coverage: each with its picture, how to read it, and its tables


def zone_section(by_zone: pd.DataFrame, *, within_min: float) -> Section:
    """Print the zones."""
    slowest, names = slowest_zones(by_zone), named(by_zone, "name")
    table = zone_table(by_zone, within_min=within_min, slowest=slowest)
    lead = "Every figure is the record’s; where it rests on too few calls there is a dash."
    if slowest:
        minutes = by_zone.loc[by_zone["zone_id"].astype("str") == slowest[0], "response_min"].iloc[0]
        whose = listed([names.get(zone, zone) for zone in slowest])
        has = (
            "has the longest mean response" if len(slowest) == 1 else "have the longest mean response, alike as printed"
        )
        lead += f" {whose} {has}, {decimal(minutes)} minutes."
    return Section("zones", "How soon an officer is there", lead, (), [table])


def backup_section(
    backup: pd.DataFrame, *, zone_names: Mapping[str, str], officers: Mapping[str, str], model: str
) -> list[Section]:
    """Print who answers for whom."""
    if not backup.notna().any(axis=None):
        return []
    lead = (
        f"Worked out {model}: the record does not say which officer came. "
        "Read along a row: of the calls from this zone that an officer answers, which officer comes. Cells are darker "
        f"from {', '.join(f'{edge:.0%}' for edge in BACKUP_EDGES)}."
    )
    table = backup_table(backup, zone_names=zone_names, officers=officers)
    return [Section("backup", "Who comes when a zone’s own officer is busy", lead, (), [table])]


def staging_section(
    staging: pd.DataFrame, reach: pd.DataFrame, *, zone_names: Mapping[str, str], maps: Sequence[Chart] = ()
) -> Section:
    """Show where officers should wait, and what it brings."""
    captions = {
        "_share": "By the ways on the map: reached in time by the nearest officer, all officers free",
        "_twice_share": "By the ways on the map: reached in time by a second officer as well",
    }
    charts = [
        Chart(reach_chart(reach, title=caption, ending=ending, who=REACHED), caption)
        for ending, caption in captions.items()
    ]
    waiting = staging_table(staging, zone_names=zone_names)
    shares = ["now_share", "best_share", "now_twice_share", "best_twice_share"]
    if not reach[shares].notna().any(axis=None):
        return Section("staging", "Where officers should wait", "", (), [waiting])
    lead = "Minutes here are those of the ways on the map, with all officers free: a model’s, not the record’s."
    return Section("staging", "Where officers should wait", lead, [*maps, *charts], [reach_table(reach), waiting])


def hour_section(by_hour: pd.DataFrame, *, model: str) -> Section:
    """Show the hours of the day."""
    caption = "Each hour of the school day; the highest bars of a row are dark"
    chart = Chart(hours_chart(by_hour, title=caption), caption)
    lead = f"How many calls come is the record’s; all else is worked out {model}."
    return Section("hours", "Through the day", lead, [chart], [hour_table(by_hour)])


def staffing_section(staffing: pd.DataFrame, *, model: str) -> Section:
    """Show coverage with other numbers of officers."""
    caption = "Overflow and response with fewer or more officers"
    told = {"overflow_share", "mean_response_min", "p90_response_min"} & set(staffing.columns)
    charts = [Chart(staffing_chart(staffing, title=caption), caption)] if told else []
    lead = f"Worked out {model}: compare the rows with each other, not with the record."
    return Section("staffing", "How many officers", lead, charts, [staffing_table(staffing)])


def plan_sections(comparison: pd.DataFrame | None, *, model: str) -> list[Section]:
    """Print current and proposed zones side by side."""
    if comparison is None:
        return []
    lead = (
        f"Worked out {model}. Measures that the proposed zones worsen stand out. A difference whose interval holds 0 "
        "may be chance."
    )
    return [Section("plan", "Current and proposed zones", lead, (), [comparison_table(comparison)])]


def record_sections(
    validation: pd.DataFrame | None, *, zone_names: Mapping[str, str], of_zones: bool = False
) -> list[Section]:
    """Print the model beside the record."""
    if validation is None:
        return []
    is_whole = validation["zone_id"].fillna(ALL_ZONES) == ALL_ZONES
    if not (is_whole != of_zones).any():
        return []
    table = validation_table(validation, zone_names=zone_names, of_zones=of_zones)
    if of_zones:
        lead = "With so many figures, chance alone puts some outside their intervals."
        return [Section("record-zones", "Model and record, zone by zone", lead, (), [table])]
    lead = "Model and record differ where the model lies outside what chance leaves open in the record."
    return [Section("record", "Can the model be trusted?", lead, (), [table])]


def specialist_sections(caseload: pd.DataFrame | None) -> list[Section]:
    """Print the specialist's cases."""
    if caseload is None:
        return []
    lead = "These are not zone officers’ calls, and are in none of the figures above."
    title = "Apart: the threat-assessment specialist"
    return [Section("specialist", title, lead, (), [caseload_table(caseload)])]


def school_section(by_school: pd.DataFrame, *, zone_names: Mapping[str, str], within_min: float, model: str) -> Section:
    """Print the schools."""
    table = school_table(by_school, zone_names=zone_names, within_min=within_min)
    told = "response_min" in by_school.columns
    lead = (
        f"Too few calls come from a single school for the record to say: minutes are worked out {model}."
        if told
        else ""
    )
    return Section("schools", "Every school", lead, (), [table])


# ── The page of patrol coverage: who comes, how soon, who helps out, and where officers should wait

_FIGURES = ["response_min", "response_p90_min", "within_share"]
_WHO = ["in_zone_share", "backup_share", "overflow_share"]
_TOLD = [
    *_FIGURES,
    *_WHO,
    *("busy_share", "response_low_min", "response_high_min", "mean_response_min", "p90_response_min"),
]
_COLUMNS = {
    "by_zone": ["zone_id", "name", "officer", "schools", "calls_per_day", "busy_share", *_FIGURES, *_WHO],
    "by_school": ["school_id", "name", "level", "zone_id", "calls_per_week", *_FIGURES],
    "staging": ["zone_id", "officer", "kind", "place_name", "mean_min"],
    "reach": ["within_min", "of", "now_share", "best_share", "now_twice_share", "best_twice_share"],
    "by_hour": ["hour", "calls_per_h", "busy_share", "overflow_share", "response_min"],
    "staffing": ["officers", "overflow_share", "mean_response_min", "p90_response_min", "is_current"],
    "comparison": ["label", "unit", "current", "proposed", "difference", "low", "high", "verdict"],
    "validation": ["measure", "zone_id", "predicted", "observed", "low", "high", "is_within", "note"],
    "caseload": ["term", "cases", "cases_per_week", "low", "high", "mean_min", "hours_per_week", "open_cases"],
}


def coverage_page(
    *,
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    by_zone: pd.DataFrame,
    by_school: pd.DataFrame,
    staging: gpd.GeoDataFrame,
    reach: pd.DataFrame,
    backup: pd.DataFrame,
    by_hour: pd.DataFrame,
    staffing: pd.DataFrame,
    finding: str,
    context: PageContext,
    statements: Sequence[str] = (),
    notes: Sequence[str] = (),
    comparison: pd.DataFrame | None = None,
    validation: pd.DataFrame | None = None,
    caseload: pd.DataFrame | None = None,
    reached: pd.DataFrame | None = None,
    figures: Sequence[KeyFigure] = (),
    models: Mapping[str, str] | None = None,
    within_min: float = 5.0,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw how the district is covered."""
    given = {
        "by_zone": by_zone,
        "by_school": by_school,
        "staging": staging,
        "reach": reach,
        "by_hour": by_hour,
        "staffing": staffing,
        "comparison": comparison,
        "validation": validation,
        "caseload": caseload,
    }
    require_tables({name: (table, _COLUMNS[name]) for name, table in given.items()})
    by_zone, by_school, by_hour, staffing = (_known(table) for table in (by_zone, by_school, by_hour, staffing))
    shown = {"by_zone": by_zone, "by_school": by_school, "by_hour": by_hour, "staffing": staffing}
    whose = dict.fromkeys(("minutes", "answers", "busy", "all"), "by the model") | dict(models or {})
    names = named(by_zone, "name") | named(zones, "name")
    drawn = coverage_map(
        zones,
        schools,
        by_zone=by_zone,
        by_school=by_school,
        staging=staging,
        zone_names=names,
        within_min=within_min,
        behind=backdrop(boundary=boundary, roads=roads, places=places),
    )
    is_warning, caution = coverage_caution(validation)
    content = CoverageContent(
        title="Patrol coverage",
        finding=finding,
        figures=figures,
        caution=caution,
        is_warning=is_warning,
        statements=[statement for statement in statements if statement],
        legends=drawn.legends,
        picture=drawn.picture,
        finder=drawn.finder,
        sections=[
            *record_sections(validation, zone_names=names),
            zone_section(by_zone, within_min=within_min),
            *backup_section(backup, zone_names=names, officers=named(by_zone, "officer"), model=whose["answers"]),
            staging_section(
                staging,
                reach,
                zone_names=names,
                maps=()
                if reached is None or reached.empty
                else reach_maps(zones, schools, staging, reached, within_min=within_min),
            ),
            hour_section(by_hour, model=whose["all"]),
            staffing_section(staffing, model=whose["all"]),
            *plan_sections(comparison, model=whose["all"]),
            *specialist_sections(caseload),
            *record_sections(validation, zone_names=names, of_zones=True),
            school_section(by_school, zone_names=names, within_min=within_min, model=whose["minutes"]),
        ],
        notes=[*missing_notes(given | shown), *_left_off(schools, by_school), *notes],
    )
    chart = new_map("Map of patrol coverage", zones, context, boundary=boundary, tiles=tiles)
    drawn.layers.add_to(chart)
    Finder(content.found).add_to(chart)
    Drawn().add_to(chart)
    return coverage_document(
        "coverage.html.j2", content, context=context, chart=chart, tiles=tiles, thumbnail=thumbnail(zones, drawn.fills)
    )


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns of minutes and shares in which there is no figure at all."""
    return table.drop(columns=[name for name in _TOLD if name in table and not table[name].map(is_figure).any()])


def _left_off(schools: gpd.GeoDataFrame, by_school: pd.DataFrame) -> list[str]:
    located = set(schools.loc[has_place(schools), "school_id"].astype("str"))
    number = int((~by_school["school_id"].astype("str").isin(located)).sum())
    if not number:
        return []
    return [f"Not on the map, but in the tables: {count_text(number, 'school')} without a place on record."]
