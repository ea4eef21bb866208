"""Workload: officer-hours per school day of each school and zone, with the parts it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.schemas import FEWEST_AS_BASE, WORKLOAD
from safeschools_geo.school_calendar import school_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.settings import CalendarSettings, Term, WorkloadSettings


_HOURS = ["incident_h", "travel_h", "visit_h", "workload_h"]
SCHOOL_WEEK = 5.0
"""Days of a school week."""


def service_minutes(history: pd.DataFrame, settings: WorkloadSettings) -> pd.Series:
    """Measure the minutes on scene of each incident.

    From arrival to clearing where both are known and between 0 and `longest_service_min`; else the crosswalk's minutes;
    else the category's; 0 for incidents that are not program work.
    """
    measured = _minutes_between(history["arrived_at"], history["cleared_at"], settings.longest_service_min)
    assumed = history["category"].map(dict(settings.service_min)).astype("float64").fillna(0.0)
    return measured.fillna(history["service_min"]).fillna(assumed).rename("service_minutes")


def _minutes_between(start: pd.Series, end: pd.Series, longest: float) -> pd.Series:
    minutes = (end - start).dt.total_seconds() / 60
    return minutes.where((minutes >= 0) & (minutes <= longest))


def travel_minutes(
    schools: gpd.GeoDataFrame, school_zones: pd.Series, settings: WorkloadSettings, *, crs: CRS
) -> pd.Series:
    """Measure the minutes of one trip to each school, by `school_id`, from where its officer patrols.

    The mean distance from the other program schools of the zone, times the detour factor, over the speed (assumption
    A5); 0 where a zone has one school only, missing where a school has no zone (empty text) or no place.
    """
    points = schools.geometry.to_crs(crs).representative_point().to_numpy()
    zone = schools["school_id"].map(school_zones).fillna("").to_numpy()
    is_placed = ~(shapely.is_missing(points) | shapely.is_empty(points)) & (zone != "")
    patrolled = is_placed & schools["in_program"].to_numpy()
    meters = np.full(len(schools), np.nan)
    for i in np.flatnonzero(is_placed):
        others = np.flatnonzero(patrolled & (zone == zone[i]))
        others = others[others != i]
        meters[i] = shapely.distance(points[i], points[others]).mean() if len(others) else 0.0
    minutes = meters * settings.detour_factor / (settings.speed_kph * 1000 / 60)
    return pd.Series(minutes, index=pd.Index(schools["school_id"], name="school_id"), name="travel_min")


def officer_work(history: pd.DataFrame, trips: pd.Series, settings: WorkloadSettings) -> pd.DataFrame:
    """Measure the minutes of each incident in context that was the zone officer's work: `scene_min` and `trip_min`.

    A trip takes from dispatch to arrival where both are known, else what `travel_minutes` says.
    """
    measured = _minutes_between(history["dispatched_at"], history["arrived_at"], settings.longest_service_min)
    modeled = history["school_id"].map(trips).astype("float64").fillna(0.0)
    work = history.assign(scene_min=service_minutes(history, settings), trip_min=measured.fillna(modeled))
    return work[work["work_of"] == "zone_officer"]


def school_workload(
    history: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    school_zones: pd.Series,
    *,
    terms: Iterable[Term],
    calendar: CalendarSettings,
    settings: WorkloadSettings,
    crs: CRS,
) -> pd.DataFrame:
    """Count the workload of each program school in each term.

    Parameters
    ----------
    history
        Incidents in context (`counts.in_context`).
    schools
        Table `schools`.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    terms
        Terms of the district.
    calendar
        Weekdays with school, and holidays.
    settings
        The assumptions.
    crs
        Projected CRS in meters to measure in.

    Returns
    -------
    pandas.DataFrame
        Table `workload`: incidents that are the zone officer's work × (minutes on scene + a trip), plus routine visits
        × (minutes of a visit + a trip), in officer-hours per school day.
    """
    program = schools[schools["in_program"]]
    trips = travel_minutes(schools, school_zones, settings, crs=crs)
    work = officer_work(history, trips, settings)
    tables = [
        _term_workload(
            work[work["term"] == term.name], program, trips, settings, days=len(school_days(term, calendar))
        ).assign(term=term.name)
        for term in terms
    ]
    joined = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=WORKLOAD.column_names)
    zone_id = joined["school_id"].map(school_zones).fillna("").astype("str")
    return joined.assign(zone_id=zone_id)[WORKLOAD.column_names]


def _term_workload(
    work: pd.DataFrame,
    schools: pd.DataFrame,
    trips: pd.Series,
    settings: WorkloadSettings,
    *,
    days: int,
) -> pd.DataFrame:
    ids = schools["school_id"]
    by_school = work.groupby("school_id")[["scene_min", "trip_min"]].agg(["size", "sum"])
    by_school = by_school.reindex(ids).fillna(0.0)
    visits_per_day = schools["level"].map(dict(settings.visits_per_week)).to_numpy(dtype="float64") / SCHOOL_WEEK
    trip_min = trips.reindex(ids).fillna(0.0).to_numpy()
    incidents = by_school[("scene_min", "size")].to_numpy()
    # A term without a school day has no work: the hours are 0, not a division by zero.
    per_day = 1.0 / days if days else 0.0
    incident_h = by_school[("scene_min", "sum")].to_numpy() / 60 * per_day
    travel_h = by_school[("trip_min", "sum")].to_numpy() / 60 * per_day + visits_per_day * trip_min / 60
    visit_h = visits_per_day * settings.visit_min / 60
    student_days = schools["enrollment"].astype("Float64").to_numpy(dtype="float64", na_value=np.nan) * days
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(student_days > 0, 1000 * incidents / student_days, np.nan)
    return pd.DataFrame(
        {
            "school_id": ids.to_numpy(),
            "level": schools["level"].to_numpy(),
            "enrollment": schools["enrollment"].to_numpy(),
            "student_days": student_days,
            "incidents": incidents.astype("int64"),
            "rate_per_1000": rate,
            "incident_h": incident_h,
            "travel_h": travel_h,
            "visit_h": visit_h,
            "workload_h": incident_h + travel_h + visit_h,
        }
    )


def zone_workload(workload: pd.DataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Count the workload of each zone in each term.

    Parameters
    ----------
    workload
        Table `workload`.
    zones
        Table `zones`; a zone without a school has a row of zeros.

    Returns
    -------
    pandas.DataFrame
        `term`, `zone_id`, `name`, `schools`, `enrollment`, `student_days`, `incidents`, `rate_per_1000`, the hours of
        table `workload`, and `share_of_mean` (1 where a zone carries the mean load of the zones that have a school;
        missing for those that have none). Students and student-days are those of schools with a known enrollment; the
        rate leaves out the incidents of the others.
    """
    placed = workload[workload["zone_id"] != ""]
    known = placed["incidents"].where(placed["student_days"] > 0, 0).rename("incidents_known")
    sums = (
        placed.assign(incidents_known=known, schools=1)
        .groupby(["term", "zone_id"])[
            ["schools", "enrollment", "student_days", "incidents", "incidents_known", *_HOURS]
        ]
        .sum()
    )
    terms = workload["term"].drop_duplicates()
    every = pd.MultiIndex.from_product([terms, zones["zone_id"]], names=["term", "zone_id"])
    table = sums.reindex(every).fillna(0).reset_index()
    table["name"] = table["zone_id"].map(zones.set_index("zone_id")["name"])
    table = table.astype({"schools": "int64", "enrollment": "int64", "incidents": "int64"})
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = 1000 * table["incidents_known"] / table["student_days"].to_numpy(dtype="float64")
    table["rate_per_1000"] = rate.where(table["student_days"] > 0).astype("float64")
    carried = table["workload_h"].where(table["schools"] > 0)
    mean = carried.groupby(table["term"]).transform("mean")
    table["share_of_mean"] = (carried / mean.where(mean > 0)).astype("float64")
    order = ["term", "zone_id", "name", "schools", "enrollment", "student_days", "incidents", "rate_per_1000"]
    return table[[*order, *_HOURS, "share_of_mean"]]


def imbalance(loads: pd.Series) -> float:
    """Measure how unequal the zones are.

    Parameters
    ----------
    loads
        Load of each zone, all in one unit.

    Returns
    -------
    float
        Largest ``|load - mean| / mean`` over the zones; 0 where there is no load at all.
    """
    mean = float(loads.mean()) if len(loads) else 0.0
    return float((loads - mean).abs().max() / mean) if mean > 0 else 0.0


def zone_imbalance(loads: pd.DataFrame) -> float:
    """Measure how unequal the zones of one term are; those without a school are left out (assumption A70)."""
    return imbalance(loads.loc[loads["schools"] > 0, "workload_h"])


def balance_text(loads: pd.DataFrame) -> str:
    """Say which zone of one term carries most, how unequal the zones are, and which makes that; without a period."""
    counted = loads[loads["schools"] > 0]
    heaviest = counted.iloc[int(counted["workload_h"].to_numpy().argmax())]
    farthest = counted.iloc[int((counted["share_of_mean"] - 1).abs().round(9).to_numpy().argmax())]
    text = (
        f"{heaviest['name']} carries the most: {heaviest['workload_h']:.1f} officer-hours per school day, "
        f"{heaviest['share_of_mean']:.2f} times the mean of the {len(counted)} zones"
    )
    if farthest["name"] != heaviest["name"]:
        text += f"; {farthest['name']} is farthest from the mean, with {farthest['share_of_mean']:.2f} times it"
    visits = "" if counted["incidents"].sum() else "; all of it is routine visits, as the settings have them"
    return f"{text}; the imbalance is {zone_imbalance(loads):.1%}{visits}"


def empty_zones_text(names: Iterable[str]) -> str:
    """Say what happens to zones that have no school; empty where there is none."""
    zones = list(names)
    if not zones:
        return ""
    if len(zones) == 1:
        return (
            f"{zones[0]} has no program school, and is left out of the imbalance: its officer waits in its middle, and "
            "helps the other zones."
        )
    return (
        f"{', '.join(zones[:-1])} and {zones[-1]} have no program school, and are left out of the imbalance: their "
        "officers wait in their middle, and help the other zones."
    )


def term_comparison(zone_loads: pd.DataFrame) -> pd.DataFrame:
    """Put the terms beside each other.

    Parameters
    ----------
    zone_loads
        Result of `zone_workload`.

    Returns
    -------
    pandas.DataFrame
        One row for each term, in its order: `term`, `incidents`, `student_days`, `rate_per_1000`, `workload_h` (all
        zones together), `imbalance`, `heaviest_zone`, and the change of incidents on the term before
        (`incidents_change_share`; missing where that had fewer than `FEWEST_AS_BASE`, or this has none).
    """
    rows = []
    for term, table in zone_loads.groupby("term", sort=False):
        students = float(table["student_days"].sum())
        known = float((table["rate_per_1000"].fillna(0) * table["student_days"]).sum())
        rows.append(
            {
                "term": term,
                "incidents": int(table["incidents"].sum()),
                "student_days": students,
                "rate_per_1000": known / students if students > 0 else np.nan,
                "workload_h": float(table["workload_h"].sum()),
                "imbalance": zone_imbalance(table),
                "heaviest_zone": table["zone_id"].iloc[int(table["workload_h"].to_numpy().argmax())],
            }
        )
    columns = ["term", "incidents", "student_days", "rate_per_1000", "workload_h", "imbalance", "heaviest_zone"]
    table = pd.DataFrame(rows, columns=columns)
    # No share of almost nothing, and a term without any incident is missing rather than quiet (assumption A68).
    before = table["incidents"].shift().where(lambda s: s >= FEWEST_AS_BASE)
    share = (table["incidents"] / before - 1).where(table["incidents"] > 0)
    return table.assign(incidents_change_share=share.astype("float64"))
