"""The page of patrol coverage: who comes, how soon, who helps out, and where officers should wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safeschools_geo.errors import count_text
from safeschools_geo.maps import coverage_sections as parts
from safeschools_geo.maps.basemap import backdrop
from safeschools_geo.maps.coverage_figures import named
from safeschools_geo.maps.coverage_layers import Finder
from safeschools_geo.maps.coverage_map import coverage_map
from safeschools_geo.maps.coverage_notes import missing_notes
from safeschools_geo.maps.coverage_reach_map import reach_maps
from safeschools_geo.maps.coverage_reviews import coverage_caution
from safeschools_geo.maps.coverage_shell import CoverageContent, coverage_document, require_tables
from safeschools_geo.maps.layers import Drawn, has_place
from safeschools_geo.maps.pages import new_map
from safeschools_geo.maps.thumbnail import thumbnail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.maps.shell import OfflinePage, PageContext

_FIGURES = ["response_min", "response_p90_min", "within_share"]
_WHO = ["in_zone_share", "backup_share", "overflow_share"]
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
    today: Mapping[str, Any] | None = None,
    within_min: float = 5.0,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw how the district is covered.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    by_zone
        `zone_id`, `name`, `officer`, `schools`, `calls_per_day`, `busy_share`, `response_min`, `response_p90_min`,
        `within_share`, `in_zone_share`, `backup_share` and `overflow_share`. Shares are 0 to 1; a figure that is not
        known is missing or infinite, and is shown as a dash with the reason in the notes.
    by_school
        `school_id`, `name`, `level`, `zone_id`, `calls_per_week`, `response_min`, `response_p90_min` and
        `within_share`.
    staging
        Waiting points, EPSG:4326: `zone_id`, `officer`, `kind` (``now`` or ``best``), `place_name` and `mean_min`.
    reach
        `within_min`, `of` (``schools`` or ``students``), `now_share`, `best_share`, `now_twice_share` and
        `best_twice_share`.
    backup
        Shares of the answered calls: a row for each `zone_id` of a call, a column for each officer's zone.
    by_hour
        `hour`, `calls_per_h`, `busy_share`, `overflow_share` and `response_min`.
    staffing
        `officers`, `overflow_share`, `mean_response_min`, `p90_response_min` and `is_current`, and `busy_share_mean`,
        `officer_h` and `cost` where they are known.
    finding
        What the page shows, in one line.
    context
        What every page of the term says.
    statements
        Further findings, a sentence each.
    notes
        What else the reader has to know.
    comparison
        Current and proposed zones side by side: `label`, `unit`, `current`, `proposed`, `difference`, `low`, `high` and
        `verdict`.
    validation
        The model beside the record: `measure`, `zone_id`, `predicted`, `observed`, `low`, `high`, `is_within` and
        `note`. Where the two differ, the page begins with that.
    caseload
        The specialist's cases by term.
    reached
        `school_id`, and how many officers reach it within `within_min`, `now` and from the `best` points: drawn as maps
        of single and double coverage.
    today
        What is so today, for the large figures: `officers`, `mean_response_min`, `p90_response_min`, `overflow_share`
        and `busy_share_mean`; the row of `staffing` with today's number of officers if left out.
    within_min
        Minutes of `within_share`.
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
    InputError
        When a table lacks a column.
    """
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
        figures=parts.key_figures(staffing, reach, today=today, within_min=within_min),
        caution=caution,
        is_warning=is_warning,
        statements=[statement for statement in statements if statement],
        legends=drawn.legends,
        picture=drawn.picture,
        finder=drawn.finder,
        sections=[
            *parts.record_sections(validation, zone_names=names),
            parts.zone_section(by_zone, within_min=within_min),
            parts.backup_section(backup, zone_names=names, officers=named(by_zone, "officer")),
            parts.staging_section(
                staging,
                reach,
                zone_names=names,
                maps=() if reached is None else reach_maps(zones, schools, staging, reached, within_min=within_min),
            ),
            parts.hour_section(by_hour),
            parts.staffing_section(staffing),
            *parts.plan_sections(comparison),
            *parts.specialist_sections(caseload),
            *parts.record_sections(validation, zone_names=names, of_zones=True),
            parts.school_section(by_school, zone_names=names, within_min=within_min),
        ],
        notes=[*missing_notes(given), *_left_off(schools, by_school), *notes],
    )
    chart = new_map("Map of patrol coverage", zones, context, boundary=boundary, tiles=tiles)
    drawn.layers.add_to(chart)
    Finder(content.found).add_to(chart)
    Drawn().add_to(chart)
    return coverage_document(
        "coverage.html.j2", content, context=context, chart=chart, tiles=tiles, thumbnail=thumbnail(zones, drawn.fills)
    )


def _left_off(schools: gpd.GeoDataFrame, by_school: pd.DataFrame) -> list[str]:
    located = set(schools.loc[has_place(schools), "school_id"].astype("str"))
    number = int((~by_school["school_id"].astype("str").isin(located)).sum())
    if not number:
        return []
    return [f"Not on the map, but in the tables: {count_text(number, 'school')} without a place on record."]
