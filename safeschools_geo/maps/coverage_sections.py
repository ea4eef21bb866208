"""The parts of the page of coverage: each with its picture, how to read it, and its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.coverage.figure_text import listed
from safeschools_geo.maps import coverage_reviews as reviews
from safeschools_geo.maps import coverage_tables as tables
from safeschools_geo.maps.coverage_charts import hours_chart, reach_chart, staffing_chart
from safeschools_geo.maps.coverage_figures import decimal, named
from safeschools_geo.maps.coverage_map import slowest_zones
from safeschools_geo.maps.coverage_shell import Section
from safeschools_geo.maps.shell import Chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def zone_section(by_zone: pd.DataFrame, *, within_min: float) -> Section:
    """Print the zones.

    Parameters
    ----------
    by_zone
        Coverage of each zone.
    within_min
        Minutes of `within_share`.

    Returns
    -------
    Section
        The part.
    """
    slowest, names = slowest_zones(by_zone), named(by_zone, "name")
    table = tables.zone_table(by_zone, within_min=within_min, slowest=slowest)
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
    """Print who answers for whom.

    Parameters
    ----------
    backup
        Shares of the answered calls.
    zone_names, officers
        Name and officer of each zone, by `zone_id`.
    model
        Whose the figures are, with the checks it fails (`Validation.mark`).

    Returns
    -------
    list of Section
        The part; empty where nothing of it may be told.
    """
    if not backup.notna().any(axis=None):
        return []
    lead = (
        f"Worked out {model}: the record does not say which officer came. "
        "Read along a row: of the calls from this zone that an officer answers, which officer comes. Cells are darker "
        f"from {', '.join(f'{edge:.0%}' for edge in tables.BACKUP_EDGES)}."
    )
    table = tables.backup_table(backup, zone_names=zone_names, officers=officers)
    return [Section("backup", "Who comes when a zone’s own officer is busy", lead, (), [table])]


def staging_section(
    staging: pd.DataFrame, reach: pd.DataFrame, *, zone_names: Mapping[str, str], maps: Sequence[Chart] = ()
) -> Section:
    """Show where officers should wait, and what it brings.

    Parameters
    ----------
    staging
        Waiting points.
    reach
        Who is reached in time.
    zone_names
        Name of each zone, by `zone_id`.
    maps
        Maps of who is reached in time.

    Returns
    -------
    Section
        The part.
    """
    captions = {
        "_share": "By the ways on the map: reached in time by the nearest officer, all officers free",
        "_twice_share": "By the ways on the map: reached in time by a second officer as well",
    }
    charts = [
        Chart(reach_chart(reach, title=caption, ending=ending, who=tables.REACHED), caption)
        for ending, caption in captions.items()
    ]
    waiting = tables.staging_table(staging, zone_names=zone_names)
    shares = ["now_share", "best_share", "now_twice_share", "best_twice_share"]
    if not reach[shares].notna().any(axis=None):
        return Section("staging", "Where officers should wait", "", (), [waiting])
    lead = "Minutes here are those of the ways on the map, with all officers free: a model’s, not the record’s."
    return Section(
        "staging", "Where officers should wait", lead, [*maps, *charts], [tables.reach_table(reach), waiting]
    )


def hour_section(by_hour: pd.DataFrame, *, model: str) -> Section:
    """Show the hours of the day.

    Parameters
    ----------
    by_hour
        Coverage of each hour.
    model
        Whose the figures are, with the checks it fails (`Validation.mark`).

    Returns
    -------
    Section
        The part.
    """
    caption = "Each hour of the school day; the highest bars of a row are dark"
    chart = Chart(hours_chart(by_hour, title=caption), caption)
    lead = f"How many calls come is the record’s; all else is worked out {model}."
    return Section("hours", "Through the day", lead, [chart], [tables.hour_table(by_hour)])


def staffing_section(staffing: pd.DataFrame, *, model: str) -> Section:
    """Show coverage with other numbers of officers.

    Parameters
    ----------
    staffing
        Coverage with each number.
    model
        Whose the figures are, with the checks it fails (`Validation.mark`).

    Returns
    -------
    Section
        The part.
    """
    caption = "Overflow and response with fewer or more officers"
    told = {"overflow_share", "mean_response_min", "p90_response_min"} & set(staffing.columns)
    charts = [Chart(staffing_chart(staffing, title=caption), caption)] if told else []
    lead = f"Worked out {model}: compare the rows with each other, not with the record."
    return Section("staffing", "How many officers", lead, charts, [reviews.staffing_table(staffing)])


def plan_sections(comparison: pd.DataFrame | None, *, model: str) -> list[Section]:
    """Print current and proposed zones side by side.

    Parameters
    ----------
    comparison
        The two, if there is a proposal.
    model
        Whose the figures are, with the checks it fails (`Validation.mark`).

    Returns
    -------
    list of Section
        The part; empty without a proposal.
    """
    if comparison is None:
        return []
    lead = (
        f"Worked out {model}. Measures that the proposed zones worsen stand out. A difference whose interval holds 0 "
        "may be chance."
    )
    return [Section("plan", "Current and proposed zones", lead, (), [reviews.comparison_table(comparison)])]


def record_sections(
    validation: pd.DataFrame | None, *, zone_names: Mapping[str, str], of_zones: bool = False
) -> list[Section]:
    """Print the model beside the record.

    Parameters
    ----------
    validation
        The two, if they were compared.
    zone_names
        Name of each zone, by `zone_id`.
    of_zones
        Whether to print single zones, or all zones together.

    Returns
    -------
    list of Section
        The part; empty where there is nothing to compare.
    """
    if validation is None:
        return []
    is_whole = validation["zone_id"].fillna(reviews.ALL_ZONES) == reviews.ALL_ZONES
    if not (is_whole != of_zones).any():
        return []
    table = reviews.validation_table(validation, zone_names=zone_names, of_zones=of_zones)
    if of_zones:
        lead = "With so many figures, chance alone puts some outside their intervals."
        return [Section("record-zones", "Model and record, zone by zone", lead, (), [table])]
    lead = "Model and record differ where the model lies outside what chance leaves open in the record."
    return [Section("record", "Can the model be trusted?", lead, (), [table])]


def specialist_sections(caseload: pd.DataFrame | None) -> list[Section]:
    """Print the specialist's cases.

    Parameters
    ----------
    caseload
        The cases, if they were counted.

    Returns
    -------
    list of Section
        The part; empty where they were not.
    """
    if caseload is None:
        return []
    lead = "These are not zone officers’ calls, and are in none of the figures above."
    title = "Apart: the threat-assessment specialist"
    return [Section("specialist", title, lead, (), [reviews.caseload_table(caseload)])]


def school_section(by_school: pd.DataFrame, *, zone_names: Mapping[str, str], within_min: float, model: str) -> Section:
    """Print the schools.

    Parameters
    ----------
    by_school
        Coverage of each school.
    zone_names
        Name of each zone, by `zone_id`.
    within_min
        Minutes of `within_share`.
    model
        Whose the figures are, with the checks it fails (`Validation.mark`).

    Returns
    -------
    Section
        The part.
    """
    table = tables.school_table(by_school, zone_names=zone_names, within_min=within_min)
    told = "response_min" in by_school.columns
    lead = (
        f"Too few calls come from a single school for the record to say: minutes are worked out {model}."
        if told
        else ""
    )
    return Section("schools", "Every school", lead, (), [table])
