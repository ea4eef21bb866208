"""The page of patrol coverage: who comes, how soon, who helps out, and where officers should wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text
from safeschools_geo.maps import coverage_sections as parts
from safeschools_geo.maps.basemap import backdrop
from safeschools_geo.maps.coverage_figures import is_figure, named
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

    from safeschools_geo.maps.coverage_shell import KeyFigure
    from safeschools_geo.maps.shell import OfflinePage, PageContext

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
    """Draw how the district is covered.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    by_zone
        What the record says: `zone_id`, `name`, `officer`, `schools`, `calls_per_day`, `busy_share`, `response_min`
        (and its interval, `response_low_min` and `response_high_min`), `response_p90_min`, `within_share`,
        `in_zone_share`, `backup_share` and `overflow_share`. Shares are 0 to 1; a figure that is not known is missing
        or infinite, and is shown as a dash with the reason in the notes. Here and in the tables below, a column of
        minutes or shares without any figure is left out.
    by_school
        What the model says: `school_id`, `name`, `level`, `zone_id`, `calls_per_week`, `response_min`,
        `response_p90_min` and `within_share`.
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
    figures
        The figures that stand large above the page.
    models
        Whose the figures of the model are, with the checks that it fails (`Validation.mark`): ``minutes``, ``answers``,
        ``busy`` and ``all``.
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
            *parts.record_sections(validation, zone_names=names),
            parts.zone_section(by_zone, within_min=within_min),
            *parts.backup_section(backup, zone_names=names, officers=named(by_zone, "officer"), model=whose["answers"]),
            parts.staging_section(
                staging,
                reach,
                zone_names=names,
                maps=()
                if reached is None or reached.empty
                else reach_maps(zones, schools, staging, reached, within_min=within_min),
            ),
            parts.hour_section(by_hour, model=whose["all"]),
            parts.staffing_section(staffing, model=whose["all"]),
            *parts.plan_sections(comparison, model=whose["all"]),
            *parts.specialist_sections(caseload),
            *parts.record_sections(validation, zone_names=names, of_zones=True),
            parts.school_section(by_school, zone_names=names, within_min=within_min, model=whose["minutes"]),
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
