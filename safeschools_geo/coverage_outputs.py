"""What patrol coverage leaves behind: tables, staging points, plans for absences, and a week of visits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.coverage.visiting.files import visits_csv, visits_ics
from safeschools_geo.export import write_csv, write_geojson, write_text
from safeschools_geo.file_names import file_names

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    schools, staging = found.response.by_place(), found.staging
    within = [name for name in schools.columns if name.startswith("within_")]
    near = ["answer_min", "first_min", "second_min", "answer_min_current", "first_min_current", "second_min_current"]
    officers = list(day.dispatch.officer_zones)
    tables = {
        "zones": found.to_frame(),
        "schools": as_model(
            found,
            schools.assign(place=list(day.dispatch.school_zones.index)),
            minutes=["mean_min", "p90_min", *within],
        ),
        "backup": as_model(found, backup_table(found).reset_index(), answers=officers),
        "hours": as_model(
            found,
            found.hours.to_frame(),
            minutes=["wait_min"],
            answers=["overflow_share", "overflow_per_h"],
            always=["mean_busy_share", "highest_busy_share"],
        ),
        "rates": watch.rates.to_frame(),
        "service": watch.rates.service.reset_index(),
        "durations_rejected": watch.rates.rejects,
        "travel": watch.travel.to_frame(),
        "travel_access": watch.travel.access,
        "dispatch": day.dispatch.to_frame(),
        "staging": as_model(found, staging.points, minutes=["mean_min", "longest_min"]),
        "staging_schools": as_model(found, staging.places, minutes=near),
        "staging_reach": as_model(found, staging.coverage, minutes=["places_share", "students_share", "calls_share"]),
        "staffing": as_model(
            found,
            found.staffing.to_frame(),
            minutes=["mean_response_min", "p90_response_min"],
            answers=["overflow_share", "overflow_per_term"],
            always=["busy_share_mean"],
        ),
        "specialist": found.caseload.to_frame(),
        "validation": found.validation.to_frame(),
        "scores": found.scores.told(),
        "visits_unmet": found.visits.unmet,
        "visits_days": found.visits.days,
        "absences": absences_table(found),
        "absences_schools": takeovers_table(found),
    }
    if found.mismatch is not None and found.validation.tells_answers:
        tables["service_times"] = found.mismatch.to_frame()
    if found.comparison is not None:
        tables["comparison"] = found.comparison.to_frame()
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    write_text(folder / "visits.csv", visits_csv(found.visits))
    monday = first_monday(term)
    for zone, name in file_names(map(str, found.visits.zones.index)).items():
        calendar = visits_ics(found.visits, monday, time_zone, zone_id=zone)
        write_text(folder / "visits" / f"zone-{name}.ics", calendar)
    points = as_model(found, staging_points(found), minutes=["mean_min"])
    write_geojson(folder / "staging.geojson", gpd.GeoDataFrame(points, crs=watch.schools.crs))
    write_text(folder / "summary.txt", f"{found.summary()}\n")


def as_model(
    found: TermCoverage,
    table: pd.DataFrame,
    *,
    minutes: Sequence[str] = (),
    answers: Sequence[str] = (),
    always: Sequence[str] = (),
) -> pd.DataFrame:
    """Call columns the model's, and leave empty what nothing recorded could contradict.

    Parameters
    ----------
    found
        The coverage.
    table
        A table of the model.
    minutes, answers
        Columns that say how soon somebody comes, and who answers.
    always
        Further columns of the model.

    Returns
    -------
    pandas.DataFrame
        The table; the names of these columns begin with ``model_``.
    """
    names = {name: f"model_{name}" for name in (*minutes, *answers, *always)}
    return found.validation.withheld(table, minutes=minutes, answers=answers).rename(columns=names)


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
    names = pd.concat([schools["name"], pd.Series(watch.middles.index, index=watch.middles.index, dtype="str")])
    places = pd.concat([schools.geometry.representative_point(), watch.middles.to_crs(schools.crs)])
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
        `absent` (zones, joined by ``;``), `schools`, `model_response_change_min` and `model_overflow_change_share` (the
        model's difference to a usual day), `imbalance_before`, `imbalance_after`, `busiest_zone`, `busiest_load_h`,
        `finding`.
    """
    rows = [
        {
            "absent": ";".join(case.absent),
            "schools": len(case.schools),
            "model_response_change_min": case.change("response_min"),
            "model_overflow_change_share": case.change("overflow_share"),
            "imbalance_before": case.figures["imbalance_before"],
            "imbalance_after": case.figures["imbalance_after"],
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
        `absent`, the columns of `absence.AbsenceCase.schools` but for the minutes, and `model_response_change_min`.
    """
    tables = [
        case.schools.drop(columns=["response_before_min", "response_after_min"]).assign(
            model_response_change_min=case.schools["response_after_min"] - case.schools["response_before_min"],
            absent=";".join(case.absent),
        )
        for case in found.absences
    ]
    if not tables:
        return pd.DataFrame(columns=["absent", "school_id"])
    joined = pd.concat(tables, ignore_index=True)
    return joined[["absent", *(c for c in joined.columns if c != "absent")]]
