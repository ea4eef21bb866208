"""The page of patrol coverage: who comes, how soon, who helps out, and where officers wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.coverage import WITHIN_ONE_MIN as _WITHIN_MIN
from safeschools_geo.coverage import AbsenceCase, Figure
from safeschools_geo.errors import count_text
from safeschools_geo.pages._coverage_map import Finder, draw_coverage_map, reach_maps, slowest_zones
from safeschools_geo.pages._coverage_parts import (
    CoverageContent,
    KeyFigure,
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
from safeschools_geo.pages._page import Chart, OfflinePage
from safeschools_geo.pages._sheets import absence_page, absences_page, visits_page
from safeschools_geo.pages._term import context_of, layers_of, new_map, thumbnail
from safeschools_geo.rebalance import schools_of_units
from safeschools_geo.text import file_names, highest, listed, minutes_text, more_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.pages._page import OfflinePage, PageContext
    from safeschools_geo.results import CoveragePlan, TermResult


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
    drawn = draw_coverage_map(
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


# ── The pages of patrol coverage of a term: the review, a sheet for every absence, and a week of visits


_WEEK = 5.0


def draw_coverage(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw the pages of a term's coverage that the review links.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the pages then ask the network for.

    Returns
    -------
    dict
        Name of the file → its page and its one-line finding; empty where there is no coverage.
    """
    found = result.coverage
    if found is None:
        return {}
    pages = {"coverage.html": (coverage_map(result, found, tiles=tiles), found.finding())}
    if found.absences:
        pages["absences.html"] = (absence_index(result, found), _absences_finding(found))
    return pages


def draw_sheets(result: TermResult) -> dict[str, OfflinePage]:
    """Draw the sheets that the pages of coverage lead to: one for every absence, and for every officer's week.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    dict
        Name of the file, with its folder → its page.
    """
    found = result.coverage
    if found is None:
        return {}
    sheets = {
        f"absence/{name}": absence_sheet(result, found, case)
        for name, case in zip(_sheet_names(found), found.absences, strict=True)
    }
    weeks = {
        f"visits/{name}.html": visits_sheet(result, found, zone)
        for zone, name in file_names(map(str, found.visits.zones.index)).items()
    }
    return {**sheets, **weeks}


def coverage_map(result: TermResult, found: CoveragePlan, *, tiles: bool = False) -> OfflinePage:
    """Draw how soon an officer comes, where officers wait, and what other choices would change.

    Parameters
    ----------
    result
        All results of the term.
    found
        Its coverage.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline.
    """
    told = found.validation
    shares = ["now_share", "best_share", "now_twice_share", "best_twice_share"]
    backup = found.backup_table()
    minutes = ["response_min", "response_p90_min", "within_share"]
    staffing = ["mean_response_min", "p90_response_min"]
    return coverage_page(
        schools=result.district.schools,
        by_zone=_by_zone(result, found),
        by_school=told.withheld(_by_school(found), minutes=minutes),
        staging=gpd.GeoDataFrame(told.withheld(found.staging_points(), minutes=["mean_min"])),
        reach=told.withheld(_reach(found), minutes=shares),
        backup=told.withheld(backup, answers=backup.columns),
        by_hour=told.withheld(_by_hour(found), minutes=minutes, answers=["overflow_share"]),
        staffing=told.withheld(_staffing(found), minutes=staffing, answers=["overflow_share"]),
        finding=found.finding(),
        statements=(told.finding(), *found.about(), found.visits.summary().replace("\n", " ")),
        notes=(found.usual_day.queueing.dispatch.summary(), *([found.model.summary()] if told.tells_answers else [])),
        comparison=None if found.comparison is None else found.comparison.to_frame(),
        validation=found.validation.to_frame(),
        caseload=found.caseload.to_frame(),
        reached=_reached(found) if told.tells_minutes else None,
        figures=_figures(found),
        models={
            "minutes": told.mark("response", "response_p90", "within"),
            "answers": told.mark("own", "backup", "overflow"),
            "busy": told.mark("busy"),
            "all": told.mark(),
        },
        within_min=_WITHIN_MIN,
        context=context_of(result),
        tiles=tiles,
        **layers_of(result),
    )


def absence_index(result: TermResult, found: CoveragePlan) -> OfflinePage:
    """List the sheets of all absences."""
    posts, table = _posts(found), found.absences_table()
    cases = table.rename(
        columns={
            "model_response_change_min": "response_change_min",
            "model_overflow_change_share": "overflow_change_share",
        }
    )
    cases = cases.assign(
        name=_sheet_names(found),
        absent=[" and ".join(posts[zone] for zone in case.absent) for case in found.absences],
        officers=pd.Series([[posts[zone] for zone in case.absent] for case in found.absences], dtype="object"),
    )
    return absences_page(
        cases=cases, finding=_absences_finding(found), notes=_of_absence(found), context=context_of(result)
    )


def absence_sheet(result: TermResult, found: CoveragePlan, case: AbsenceCase) -> OfflinePage:
    """Draw who covers what when an officer is absent.

    Parameters
    ----------
    result
        All results of the term.
    found
        Its coverage.
    case
        The absence.

    Returns
    -------
    OfflinePage
        One sheet for the team leader.
    """
    posts, usual_day = _posts(found), found.usual_day
    named = usual_day.schools.set_index("school_id")[["name", "level"]]
    takeover = case.schools.join(named, on="school_id").assign(
        calls_per_week=case.schools["school_id"].map(_calls_per_week(found)),
        response_change_min=case.schools["response_after_min"] - case.schools["response_before_min"],
    )
    usual = [found.validation.figure(measure) for measure in ("response", "overflow")]
    zone_names = result.district.zones.set_index("zone_id")["name"]
    figures = {
        "absent": [{"zone_id": zone, "officer": posts[zone]} for zone in case.absent],
        "response_change_min": case.change("response_min"),
        "overflow_change_share": case.change("overflow_share"),
        "usual_response": str(usual[0]) if usual[0].is_recorded else "",
        "usual_overflow": str(usual[1]) if usual[1].is_recorded else "",
        "imbalance_after": case.figures["imbalance_after"],
    }
    layers = layers_of(result)
    return absence_page(
        case=figures,
        takeover=takeover,
        loads=case.loads.assign(name=case.loads["zone_id"].map(zone_names)),
        zones=layers["zones"],
        boundary=layers["boundary"],
        schools=result.district.schools,
        finding=case.finding(),
        plan_zones=_zones_of_the_day(result, case),
        notes=_of_absence(found),
        context=context_of(result),
    )


def visits_sheet(result: TermResult, found: CoveragePlan, zone_id: str) -> OfflinePage:
    """Print the visits of one officer in a week.

    Parameters
    ----------
    result
        All results of the term.
    found
        Its coverage.
    zone_id
        The zone.

    Returns
    -------
    OfflinePage
        The page.
    """
    plan, names = found.visits, found.usual_day.schools.set_index("school_id")["name"]
    stops = plan.table[plan.table["zone_id"] == zone_id].rename(columns={"name": "school_name"})
    unmet = plan.unmet[plan.unmet["zone_id"] == zone_id]
    return visits_page(
        zone_name=str(result.district.zones.set_index("zone_id")["name"].get(zone_id, zone_id)),
        officer=_posts(found).get(zone_id),
        stops=stops.assign(arrive=stops["arrive_min"].map(_clock), leave=stops["leave_min"].map(_clock)),
        unmet=unmet.assign(school_name=unmet["school_id"].map(names).fillna("")),
        finding=plan.sentence(str(zone_id)),
        week=plan.week,
        context=context_of(result),
    )


def _posts(found: CoveragePlan) -> dict[str, str]:
    posts = found.usual_day.queueing.dispatch.officer_zones
    return {str(zone): str(officer) for officer, zone in posts.items()}


def _calls_per_week(found: CoveragePlan) -> pd.Series:
    rates = found.usual_day.rates
    weekly: pd.Series = rates.arrivals_per_h * rates.hours_per_day * _WEEK
    return weekly


def _by_zone(result: TermResult, found: CoveragePlan) -> pd.DataFrame:
    """Take what the record says of each zone."""
    table = found.to_frame()
    weekly = _calls_per_week(found).groupby(found.usual_day.zones).sum()
    zones = result.district.zones.set_index("zone_id")
    recorded = {
        "busy_share": "busy_recorded",
        "response_min": "response_recorded",
        "response_low_min": "response_low",
        "response_high_min": "response_high",
        "response_p90_min": "response_p90_recorded",
        "within_share": "within_recorded",
        "in_zone_share": "own_recorded",
        "backup_share": "backup_recorded",
        "overflow_share": "overflow_recorded",
    }
    return pd.DataFrame(
        {
            "zone_id": table["zone_id"],
            "name": table["zone_id"].map(zones["name"]),
            "officer": table["zone_id"].map(_posts(found)),
            "schools": table["zone_id"].map(found.usual_day.zones.value_counts()).fillna(0).astype("int64"),
            "calls_per_day": table["zone_id"].map(weekly).fillna(0.0) / _WEEK,
            **{
                name: table[column].astype("float64") if column in table else np.nan
                for name, column in recorded.items()
            },
        }
    )


def _figures(found: CoveragePlan) -> list[KeyFigure]:
    """Pick the figures that stand large above the page: the record's, with the model's beside them."""
    told = found.validation
    response, p90, within, patrol, busy = (
        told.figure(name) for name in ("response", "response_p90", "within", "overflow", "busy")
    )
    shown = []
    if response.is_recorded:
        nine = f"; nine calls of ten within {p90.text}" if p90.is_recorded else ""
        shown.append(
            KeyFigure(
                "Until an officer is there", response.text, f"recorded, {response.interval}{nine}{_beside(response)}"
            )
        )
    if within.is_recorded:
        name = f"Calls reached within {_WITHIN_MIN:g} min"
        shown.append(KeyFigure(name, within.text, f"recorded, {within.interval}{_beside(within)}"))
    if patrol.is_recorded:
        shown.append(KeyFigure("Calls that go to patrol", patrol.text, f"recorded, {patrol.interval}{_beside(patrol)}"))
    officers = f"{len(found.usual_day.waiting)} officers on duty"
    if busy.is_recorded:
        more = f"recorded, {busy.interval}{_beside(busy)}; {officers}"
        shown.append(KeyFigure("Officers busy with calls", busy.text, more))
    else:
        shown.append(
            KeyFigure("Officers busy with calls, by the model", busy.modeled_text, f"not recorded; {officers}")
        )
    return shown


def _beside(figure: Figure) -> str:
    """Name the model's figure where it fails its check."""
    return f"; the model says {figure.modeled_text} and fails this check" if figure.is_within is False else ""


def _of_absence(found: CoveragePlan) -> list[str]:
    """Say what a sheet's figures are, beside what the record says of a usual day."""
    mark = found.validation.mark("response", "overflow")
    return [
        f"What the day does to response and to patrol is worked out {mark}, and told as the difference to a usual day.",
        f"A usual day, as recorded: {found.finding()}",
        *([about] if (about := found.usual_day.about_empty_zones()) else []),
    ]


def _by_school(found: CoveragePlan) -> pd.DataFrame:
    usual_day, places = found.usual_day, found.response.by_place()
    ids = usual_day.zones.index
    schools = usual_day.schools.set_index("school_id")
    return pd.DataFrame(
        {
            "school_id": ids,
            "name": schools.loc[ids, "name"].to_numpy(),
            "level": schools.loc[ids, "level"].to_numpy(),
            "zone_id": usual_day.zones.to_numpy(),
            "calls_per_week": _calls_per_week(found).loc[ids].to_numpy(),
            "response_min": places["mean_min"].to_numpy(),
            "response_p90_min": places["p90_min"].to_numpy(),
            # Of all calls, as everywhere: those that go to patrol count as not reached.
            "within_share": places.get(f"within_{_WITHIN_MIN:g}_min_share", pd.Series(float("nan"), places.index))
            * (1.0 - found.model.overflow_share),
        }
    )


def _reach(found: CoveragePlan) -> pd.DataFrame:
    table = found.staging.coverage.set_index(["plan", "officers", "within_min"])
    rows = []
    for within in dict.fromkeys(found.staging.coverage["within_min"]):
        for of, column in (("schools", "places_share"), ("students", "students_share")):
            cells = [table[column].get((plan, n, within)) for n in (1, 2) for plan in ("current", "best")]
            rows.append((within, of, *cells))
    columns = ["within_min", "of", "now_share", "best_share", "now_twice_share", "best_twice_share"]
    return pd.DataFrame(rows, columns=columns)


def _reached(found: CoveragePlan) -> pd.DataFrame:
    """Count the officers within reach of each school, today and from the best points."""
    usual_day = found.usual_day
    points = {
        "now": list(usual_day.waiting_in_schools),
        "best": found.staging.points["point_id"].astype("str").tolist(),
    }
    minutes = usual_day.travel.response_minutes(usual_day.zones.index, usual_day.zones.index)
    near = {kind: (minutes[chosen] <= _WITHIN_MIN).sum(axis=1) for kind, chosen in points.items()}
    return pd.DataFrame(near).rename_axis("school_id").reset_index()


def _by_hour(found: CoveragePlan) -> pd.DataFrame:
    table = found.hours.to_frame()
    minutes = found.usual_day.queueing.dispatch.travel_min
    response = [
        float("nan") if one is None else float((one.dispatch_share * minutes).sum() / one.dispatch_share.sum())
        for one in found.hours.hypercubes
    ]
    return pd.DataFrame(
        {
            "hour": table["hour"],
            "calls_per_h": table["calls_per_h"],
            "busy_share": table["mean_busy_share"],
            "overflow_share": table["overflow_share"],
            "response_min": response,
        }
    )


def _staffing(found: CoveragePlan) -> pd.DataFrame:
    table = found.staffing.to_frame()
    return table.assign(is_current=table["officers"] == found.staffing.current)


def _absences_finding(found: CoveragePlan) -> str:
    head = f"{count_text(len(found.absences), 'sheet')} for the morning when an officer, or two, are absent."
    changes = {case.absent[0]: case.change("response_min") for case in found.absences if len(case.absent) == 1}
    worst = highest(changes, minutes_text)
    usual = found.validation.figure("response")
    recorded = f" On a usual day the record says {usual}." if usual.is_recorded else ""
    if not worst:
        return f"{head}{recorded}"
    longer = more_text(changes[worst[0]], "min", more="longer", less="shorter")
    whose = f"zone {worst[0]}" if len(worst) == 1 else f"zone {' or '.join(worst)}"
    return f"{head} The model says that one absence makes the mean response at most {longer} ({whose}).{recorded}"


def _zones_of_the_day(result: TermResult, case: AbsenceCase) -> gpd.GeoDataFrame | None:
    """Join the service areas as they are covered on the day."""
    if result.proposal is None:
        return None
    units = result.proposal.inputs.units
    first = schools_of_units(units).reset_index().drop_duplicates("unit_id").set_index("unit_id")["school_id"]
    after = units["unit_id"].map(first).map(case.school_zones).fillna(units["zone_id"])
    shapes = units.geometry.groupby(after.to_numpy()).agg(lambda some: shapely.coverage_union_all(some.to_numpy()))
    return gpd.GeoDataFrame({"zone_id": shapes.index}, geometry=shapes.to_numpy(), crs=units.crs)


def _sheet_names(found: CoveragePlan) -> list[str]:
    """Name the sheet of every absence; the pages that list them link these names."""
    names = file_names(zone for case in found.absences for zone in case.absent)
    return [f"zone-{'+'.join(names[zone] for zone in case.absent)}.html" for case in found.absences]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
