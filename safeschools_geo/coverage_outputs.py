"""What patrol coverage leaves behind: tables, staging points, plans for absences, and a week of visits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.coverage.visiting.files import visits_csv, visits_ics
from safeschools_geo.export import write_csv, write_geojson, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.settings import Term
    from safeschools_geo.term_coverage import TermCoverage


def write_coverage(found: TermCoverage, folder: Path, *, term: Term, time_zone: str) -> None:
    """Write the coverage of a term.

    Parameters
    ----------
    found
        The coverage.
    folder
        Folder to write to.
    term
        The term: its first Monday is the week of the visits.
    time_zone
        Time zone of the district, for the calendar.
    """
    watch, day = found.watch, found.watch.day
    tables = {
        "zones": found.to_frame(),
        "schools": found.response.by_place().assign(place=list(day.dispatch.school_zones.index)),
        "backup": backup_table(found).reset_index(),
        "hours": found.hours.to_frame(),
        "rates": watch.rates.to_frame(),
        "service": watch.rates.service.reset_index(),
        "durations_rejected": watch.rates.rejects,
        "travel": watch.travel.to_frame(),
        "travel_access": watch.travel.access,
        "dispatch": day.dispatch.to_frame(),
        "staging": found.staging.points,
        "staging_schools": found.staging.places,
        "staging_reach": found.staging.coverage,
        "staffing": found.staffing.to_frame(),
        "specialist": found.caseload.to_frame(),
        "validation": found.validation.to_frame(),
        "scores": found.scores.to_frame(),
        "visits_unmet": found.visits.unmet,
        "visits_days": found.visits.days,
        "absences": absences_table(found),
        "absences_schools": takeovers_table(found),
    }
    if found.mismatch is not None:
        tables["service_times"] = found.mismatch.to_frame()
    if found.comparison is not None:
        tables["comparison"] = found.comparison.to_frame()
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    write_text(folder / "visits.csv", visits_csv(found.visits))
    monday = first_monday(term)
    for zone in found.visits.zones.index:
        calendar = visits_ics(found.visits, monday, time_zone, zone_id=str(zone))
        write_text(folder / "visits" / f"zone-{zone_file(str(zone))}.ics", calendar)
    write_geojson(folder / "staging.geojson", staging_points(found))
    write_text(folder / "summary.txt", f"{found.summary()}\n")


def first_monday(term: Term) -> dt.date:
    """Find the Monday of the first whole week of a term.

    Parameters
    ----------
    term
        The term.

    Returns
    -------
    datetime.date
        A Monday on or after its start.
    """
    return term.start + dt.timedelta(days=-term.start.weekday() % 7)


def backup_table(found: TermCoverage) -> pd.DataFrame:
    """Say which officer answers how much of each zone.

    Parameters
    ----------
    found
        The coverage.

    Returns
    -------
    pandas.DataFrame
        Shares of the answered calls of each zone (row, `zone_id`) by the zone of the officer who answers (columns).
    """
    return found.response.backup_frame().set_axis(found.watch.day.dispatch.officer_zones.to_list(), axis="columns")


def staging_points(found: TermCoverage) -> gpd.GeoDataFrame:
    """Give the places where officers wait, today and best.

    Parameters
    ----------
    found
        The coverage.

    Returns
    -------
    geopandas.GeoDataFrame
        `zone_id`, `officer`, `kind` (``now`` or ``best``), `place_id`, `place_name`, `mean_min` (of a call of the zone)
        and points, EPSG:4326.
    """
    watch = found.watch
    schools = watch.schools.set_index("school_id")
    posts = watch.day.dispatch.officer_zones.reset_index().set_index("zone_id")["officer"]
    best = found.staging.points.set_index("officer")
    weight = watch.rates.arrivals_per_h
    rows = []
    middles = dict.fromkeys(watch.places.index.difference(schools.index), "Middle of the zone")
    names, places = {**schools["name"], **middles}, watch.places
    for zone, now in zip(watch.waiting.index, watch.waiting.astype("str"), strict=True):
        inside = watch.zones.index[watch.zones == zone]
        for kind, place in (("now", now), ("best", str(best["point_id"].get(zone, now)))):
            minutes = watch.travel.minutes.loc[place, inside]
            share = weight[inside] if weight[inside].sum() > 0 else weight[inside] + 1.0
            mean = float((minutes * share).sum() / share.sum()) if len(inside) else float("nan")
            rows.append((zone, posts[zone], kind, place, names[place], mean, places.loc[place]))
    columns = ["zone_id", "officer", "kind", "place_id", "place_name", "mean_min", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=watch.schools.crs)


def absences_table(found: TermCoverage) -> pd.DataFrame:
    """Put the cases of absence beside each other.

    Parameters
    ----------
    found
        The coverage.

    Returns
    -------
    pandas.DataFrame
        `absent` (zones, joined by ``;``), `schools`, response, overflow and imbalance before and after, `busiest_zone`,
        `busiest_load_h`, `finding`.
    """
    rows = [
        {
            "absent": ";".join(case.absent),
            "schools": len(case.schools),
            **case.figures,
            "busiest_zone": case.busiest["zone_id"],
            "busiest_load_h": float(case.busiest["load_after_h"]),
            "finding": case.finding(),
        }
        for case in found.absences
    ]
    return pd.DataFrame(rows)


def takeovers_table(found: TermCoverage) -> pd.DataFrame:
    """List the schools that change hands in every case of absence.

    Parameters
    ----------
    found
        The coverage.

    Returns
    -------
    pandas.DataFrame
        `absent` and the columns of `absence.AbsenceCase.schools`.
    """
    tables = [case.schools.assign(absent=";".join(case.absent)) for case in found.absences]
    if not tables:
        return pd.DataFrame(columns=["absent", "school_id"])
    joined = pd.concat(tables, ignore_index=True)
    return joined[["absent", *(c for c in joined.columns if c != "absent")]]


def zone_file(zone_id: str) -> str:
    """Write the id of a zone so that it can be part of a file's name.

    Parameters
    ----------
    zone_id
        The id.

    Returns
    -------
    str
        Letters and digits as they are, an underscore for all else.
    """
    return "".join(c if c.isalnum() else "_" for c in zone_id)
