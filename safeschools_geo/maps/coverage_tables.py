"""Tables of coverage: zones, schools, who answers for whom, waiting points, minutes, and the hours of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.maps.coverage_charts import hour_text
from safeschools_geo.maps.coverage_figures import (
    Column,
    MarkedTable,
    decimal,
    interval,
    is_figure,
    printed,
    share,
    whole,
    words,
)
from safeschools_geo.schemas import LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

BACKUP_EDGES = (0.01, 0.05, 0.1, 0.2)
"""Shares from which a cell of the backup table is a shade darker."""

REACHED = {"schools": "Schools", "students": "Students"}
"""Whom a table of reach counts."""

_WHEN = {"now": "Now", "best": "Best"}


def level_text(level: object) -> str:
    """Write the level of a school.

    Parameters
    ----------
    level
        Its code.

    Returns
    -------
    str
        What it is called.
    """
    return LEVELS.get(str(level), words(level))


def zone_table(by_zone: pd.DataFrame, *, within_min: float, slowest: Collection[str]) -> MarkedTable:
    """Print the coverage of the zones.

    Parameters
    ----------
    by_zone
        One row for each zone, as `coverage_pages.coverage_page` takes it.
    within_min
        Minutes of `within_share`.
    slowest
        The zones with the longest mean response, which stand out.

    Returns
    -------
    MarkedTable
        A row for each zone.
    """
    columns = (
        Column("Zone", "name", words),
        Column("Officer", "officer", words),
        Column("Schools", "schools", whole),
        Column("Calls a day", "calls_per_day", decimal),
        Column("Minutes, mean", "response_min", decimal),
        Column("95% interval", "response_interval", words),
        Column("Nine calls of ten within", "response_p90_min", decimal),
        Column(f"Within {within_min:g} min", "within_share", share),
        Column("Own officer answered", "in_zone_share", share),
        Column("Another zone’s officer", "backup_share", share),
        Column("Went to patrol", "overflow_share", share),
        Column("Officer busy", "busy_share", share),
    )
    if {"response_low_min", "response_high_min", "response_min"} <= set(by_zone.columns):
        ends = by_zone[["response_low_min", "response_high_min"]].to_numpy()
        by_zone = by_zone.assign(response_interval=[interval(low, high, decimal) for low, high in ends])
    table = printed(
        by_zone, columns, caption="Zones, as recorded: minutes until an officer was there, and who answered"
    )
    slow = [i for i, zone_id in enumerate(by_zone["zone_id"].astype("str")) if zone_id in slowest]
    return MarkedTable(table.caption, table.columns, table.rows, marked=frozenset(slow))


def school_table(by_school: pd.DataFrame, *, zone_names: Mapping[str, str], within_min: float) -> MarkedTable:
    """Print the coverage of the schools, the longest response first.

    Parameters
    ----------
    by_school
        One row for each school, as `coverage_pages.coverage_page` takes it.
    zone_names
        Name of each zone, by `zone_id`.
    within_min
        Minutes of `within_share`.

    Returns
    -------
    MarkedTable
        A row for each school; those without a figure stand last.
    """
    columns = (
        Column("School", "name", words),
        Column("Level", "level", level_text),
        Column("Zone", "zone_id", lambda zone: zone_names.get(str(zone), words(zone))),
        Column("Calls a week", "calls_per_week", lambda value: decimal(value, 2)),
        Column("Minutes, mean", "response_min", decimal),
        Column("Nine calls of ten within", "response_p90_min", decimal),
        Column(f"Within {within_min:g} min", "within_share", share),
    )
    if "response_min" not in by_school.columns:
        return printed(by_school, columns, caption="Schools: how often they call")
    known = by_school["response_min"].map(is_figure).astype("bool")
    order = by_school["response_min"].where(known).sort_values(ascending=False, kind="stable", na_position="last").index
    caption = "Schools, by the model: minutes until an officer is there, longest first"
    return printed(by_school.loc[order], columns, caption=caption)


def backup_table(backup: pd.DataFrame, *, zone_names: Mapping[str, str], officers: Mapping[str, str]) -> MarkedTable:
    """Print who answers the calls of each zone.

    Parameters
    ----------
    backup
        Shares of answered calls: a row for each zone of the call, a column for each officer's zone.
    zone_names, officers
        Name and officer of each zone, by `zone_id`.

    Returns
    -------
    MarkedTable
        A row for each zone; the zone's own officer is framed, and the more an officer answers, the darker the cell.
    """
    heads = [officers.get(str(zone), str(zone)) for zone in backup.columns]
    values = backup.to_numpy(dtype="float64")
    rows = tuple(
        (zone_names.get(str(zone), str(zone)), *map(share, row))
        for zone, row in zip(backup.index, values.tolist(), strict=True)
    )
    shades = {
        (i, j + 1): sum(value >= edge for edge in BACKUP_EDGES)
        for i, row in enumerate(values.tolist())
        for j, value in enumerate(row)
        if is_figure(value)
    }
    own = frozenset(
        (i, j + 1)
        for i, zone in enumerate(backup.index)
        for j, officer_zone in enumerate(backup.columns)
        if str(zone) == str(officer_zone)
    )
    caption = (
        "By the model, of the calls of each zone that an officer answers: share of each officer (own officer framed)"
    )
    return MarkedTable(caption, ("Call from", *heads), rows, shades=shades, bold=own)


def reach_table(reach: pd.DataFrame) -> MarkedTable:
    """Print which share is reached in time.

    Parameters
    ----------
    reach
        As `coverage_pages.coverage_page` takes it.

    Returns
    -------
    MarkedTable
        A row for each number of minutes, schools first.
    """
    named = reach.assign(
        head=[f"{REACHED.get(str(of), str(of))} within {m:g} min" for of, m in reach[["of", "within_min"]].to_numpy()],
        place=reach["of"].map({key: place for place, key in enumerate(REACHED)}),
    ).sort_values(["place", "within_min"], kind="stable")
    columns = (
        Column("Reached", "head", words),
        Column("Now", "now_share", share),
        Column("Best", "best_share", share),
        Column("By a second officer too, now", "now_twice_share", share),
        Column("By a second officer too, best", "best_twice_share", share),
    )
    return printed(
        named,
        columns,
        caption="Reached in time by the ways on the map while every officer is free, now and from the best points",
    )


def staging_table(staging: pd.DataFrame, *, zone_names: Mapping[str, str]) -> MarkedTable:
    """Print where officers wait, now and best.

    Parameters
    ----------
    staging
        As `coverage_pages.coverage_page` takes it.
    zone_names
        Name of each zone, by `zone_id`.

    Returns
    -------
    MarkedTable
        A row for each officer.
    """
    frame = pd.DataFrame(staging.drop(columns="geometry", errors="ignore"))
    sides = [frame[frame["kind"] == kind].set_index(["zone_id", "officer"]) for kind in _WHEN]
    keys = pd.MultiIndex.from_frame(frame[["zone_id", "officer"]].drop_duplicates())
    both = pd.concat(
        [
            side[["place_name", "mean_min"]][~side.index.duplicated()].reindex(keys).add_suffix(f"_{kind}")
            for kind, side in zip(_WHEN, sides, strict=True)
        ],
        axis=1,
    ).reset_index()
    both["head"] = [
        words(zone_names.get(str(zone), zone)) if pd.isna(officer) else str(officer)
        for zone, officer in both[["zone_id", "officer"]].to_numpy()
    ]
    minutes = ("mean_min_now", "mean_min_best")
    columns = (
        Column("Officer", "head", words),
        Column("Zone", "zone_id", lambda zone: zone_names.get(str(zone), words(zone))),
        Column("Waits now at", "place_name_now", words),
        Column("Minutes, mean, now", "mean_min_now", decimal),
        Column("Best place", "place_name_best", words),
        Column("Minutes, mean, best", "mean_min_best", decimal),
    )
    return printed(
        both if both[["mean_min_now", "mean_min_best"]].notna().any(axis=None) else both.drop(columns=list(minutes)),
        columns,
        caption="Waiting points: where each officer waits, and mean minutes to schools by the ways on the map",
    )


def hour_table(by_hour: pd.DataFrame) -> MarkedTable:
    """Print the hours of the day.

    Parameters
    ----------
    by_hour
        As `coverage_pages.coverage_page` takes it.

    Returns
    -------
    MarkedTable
        A row for each hour.
    """
    columns = (
        Column("From", "hour", hour_text),
        Column("Calls an hour", "calls_per_h", decimal),
        Column("Officers busy", "busy_share", share),
        Column("Goes to patrol", "overflow_share", share),
        Column("Minutes, mean", "response_min", decimal),
    )
    return printed(by_hour, columns, caption="The hours of the day: calls as recorded, all else by the model")
