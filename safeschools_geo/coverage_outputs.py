"""What patrol coverage leaves behind: tables, staging points, plans for absences, and a week of visits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import geopandas as gpd

from safeschools_geo.coverage.visiting.files import visits_csv, visits_ics
from safeschools_geo.export import write_csv, write_geojson, write_text
from safeschools_geo.file_names import file_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from safeschools_geo.settings import Term
    from safeschools_geo.term_results import TermCoverage


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
        "backup": as_model(found, found.backup_table().reset_index(), answers=officers),
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
        "absences": found.absences_table(),
        "absences_schools": found.takeovers_table(),
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
    points = as_model(found, found.staging_points(), minutes=["mean_min"])
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
