"""The parts of the page of coverage: each with its picture, how to read it, and its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safeschools_geo.maps import coverage_reviews as reviews
from safeschools_geo.maps import coverage_tables as tables
from safeschools_geo.maps.coverage_charts import hours_chart, reach_chart, staffing_chart
from safeschools_geo.maps.coverage_figures import decimal, share, whole
from safeschools_geo.maps.coverage_map import slowest_zone
from safeschools_geo.maps.coverage_shell import KeyFigure, Section
from safeschools_geo.maps.shell import Chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def key_figures(
    staffing: pd.DataFrame, reach: pd.DataFrame, *, today: Mapping[str, Any] | None = None, within_min: float
) -> list[KeyFigure]:
    """Pick the figures that stand large above the page.

    Parameters
    ----------
    staffing
        Coverage with each number of officers, that of today among them.
    reach
        Who is reached in time.
    today
        What is so with officers where they wait today: `officers`, `mean_response_min`, `p90_response_min`,
        `overflow_share` and `busy_share_mean`; the row of `staffing` with today's number of officers if left out.
    within_min
        The minutes that matter most.

    Returns
    -------
    list of KeyFigure
        Response, reach, overflow and the busy share of today, as far as they are known.
    """
    rows = staffing[staffing["is_current"].astype("bool")].to_dict("records")[:1] if today is None else [dict(today)]
    near = reach[(reach["of"] == "schools") & (reach["within_min"] == within_min)].to_dict("records")[:1]
    return [*(f for row in rows for f in _of_today(row)), *(_reached(row) for row in near)]


def _of_today(row: Mapping[Any, Any]) -> list[KeyFigure]:
    p90 = decimal(row["p90_response_min"])
    officers = f"{whole(row['officers'])} officers on duty"
    return [
        KeyFigure(
            "Until an officer is there", f"{decimal(row['mean_response_min'])} min", f"nine calls of ten within {p90}"
        ),
        KeyFigure("Calls that go to patrol", share(row["overflow_share"]), "nobody is free"),
        *(
            [KeyFigure("Officers busy with calls", share(row["busy_share_mean"]), officers)]
            if "busy_share_mean" in row
            else []
        ),
    ]


def _reached(row: Mapping[Any, Any]) -> KeyFigure:
    best = f"{share(row['best_share'])} from the best waiting points"
    return KeyFigure(f"Schools within {row['within_min']:g} min", share(row["now_share"]), best)


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
    table = tables.zone_table(by_zone, within_min=within_min, slowest=slowest_zone(by_zone))
    return Section(
        "zones", "How soon an officer is there", "The zone with the longest response stands out.", (), [table]
    )


def backup_section(backup: pd.DataFrame, *, zone_names: Mapping[str, str], officers: Mapping[str, str]) -> Section:
    """Print who answers for whom.

    Parameters
    ----------
    backup
        Shares of the answered calls.
    zone_names, officers
        Name and officer of each zone, by `zone_id`.

    Returns
    -------
    Section
        The part.
    """
    lead = (
        "Read along a row: of the calls from this zone that an officer answers, which officer comes. Cells are darker "
        f"from {', '.join(f'{edge:.0%}' for edge in tables.BACKUP_EDGES)}."
    )
    table = tables.backup_table(backup, zone_names=zone_names, officers=officers)
    return Section("backup", "Who comes when a zone’s own officer is busy", lead, (), [table])


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
        "_share": "Reached in time by the nearest officer, all officers free",
        "_twice_share": "Reached in time by a second officer as well",
    }
    charts = [
        Chart(reach_chart(reach, title=caption, ending=ending, who=tables.REACHED), caption)
        for ending, caption in captions.items()
    ]
    printed = [tables.reach_table(reach), tables.staging_table(staging, zone_names=zone_names)]
    return Section("staging", "Where officers should wait", "", [*maps, *charts], printed)


def hour_section(by_hour: pd.DataFrame) -> Section:
    """Show the hours of the day.

    Parameters
    ----------
    by_hour
        Coverage of each hour.

    Returns
    -------
    Section
        The part.
    """
    caption = "Each hour of the school day; the highest bar of a row is dark"
    chart = Chart(hours_chart(by_hour, title=caption), caption)
    return Section("hours", "Through the day", "", [chart], [tables.hour_table(by_hour)])


def staffing_section(staffing: pd.DataFrame) -> Section:
    """Show coverage with other numbers of officers.

    Parameters
    ----------
    staffing
        Coverage with each number.

    Returns
    -------
    Section
        The part.
    """
    caption = "Overflow and response with fewer or more officers"
    chart = Chart(staffing_chart(staffing, title=caption), caption)
    return Section("staffing", "How many officers", "", [chart], [reviews.staffing_table(staffing)])


def plan_sections(comparison: pd.DataFrame | None) -> list[Section]:
    """Print current and proposed zones side by side.

    Parameters
    ----------
    comparison
        The two, if there is a proposal.

    Returns
    -------
    list of Section
        The part; empty without a proposal.
    """
    if comparison is None:
        return []
    lead = "Measures that the proposed zones worsen stand out. A difference whose interval holds 0 may be chance."
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


def school_section(by_school: pd.DataFrame, *, zone_names: Mapping[str, str], within_min: float) -> Section:
    """Print the schools.

    Parameters
    ----------
    by_school
        Coverage of each school.
    zone_names
        Name of each zone, by `zone_id`.
    within_min
        Minutes of `within_share`.

    Returns
    -------
    Section
        The part.
    """
    table = tables.school_table(by_school, zone_names=zone_names, within_min=within_min)
    return Section("schools", "Every school", "", (), [table])
