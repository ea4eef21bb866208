"""A usual day of a term: schools, calls, the ways between them, where officers wait, and who is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.coverage.absence import Watch
from safeschools_geo.coverage.dispatch import Dispatch, officer_minutes, zone_dispatch
from safeschools_geo.coverage.plan_scores import PlanScores, score_coverage
from safeschools_geo.coverage.queueing import MOST_EXACT, hypercube, hypercube_approximation
from safeschools_geo.coverage.rates import CallRates, call_rates
from safeschools_geo.coverage.roads_travel.places import place_points
from safeschools_geo.coverage.roads_travel.roads import RoadRules
from safeschools_geo.coverage.travel import TravelSettings, TravelTimes, travel_times
from safeschools_geo.coverage.validation import validate
from safeschools_geo.crs import measuring_crs
from safeschools_geo.rebalance.ground.unit_tables import schools_in_zones, schools_of_units
from safeschools_geo.rebalance.travel import zone_centres
from safeschools_geo.school_calendar import school_days
from safeschools_geo.term_results import TermWatch
from safeschools_geo.workload import officer_work, travel_minutes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from safeschools_geo.district import District
    from safeschools_geo.settings import Term
    from safeschools_geo.term_results import Ground


def keep_watch(
    district: District,
    school_zones: pd.Series,
    history: pd.DataFrame,
    workload: pd.DataFrame,
    ground: Ground | None,
    *,
    term: Term,
    seed: int = 0,
) -> TermWatch | None:
    """Describe a usual day of a term.

    Parameters
    ----------
    district
        What was read.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    history
        Incidents in context.
    workload
        Table `workload`.
    ground
        Units of the district, for the middle of each zone; None where there are none.
    term
        The term.
    seed
        Seed of the intervals of the record.

    Returns
    -------
    TermWatch or None
        None where there is no call to answer, or no school in a zone.
    """
    schools, _ = schools_in_zones(district.schools, school_zones)
    zones = schools.set_index("school_id")["zone_id"]
    days = school_days(term, district.settings.calendar)
    if schools.empty or not len(days):
        return None
    work = _calls(district, school_zones, history, schools)
    rates = _rates(district, school_zones, work, schools, days=days)
    if not rates.calls:
        return None
    middles = _middles(district, zones)
    places = _places(schools, middles)
    travel = _travel(district, places)
    waiting = _waiting(district, zones, ground, middles)
    dispatch = dispatch_of(district, zones, travel, waiting)
    this = workload[workload["term"] == term.name].set_index("school_id")["workload_h"]
    day = Watch(
        dispatch,
        rates.arrivals_per_h.to_numpy(dtype="float64"),
        rates.service_per_h(dispatch.officer_zones),
        this.reindex(schools["school_id"]).fillna(0.0).to_numpy(dtype="float64"),
    )
    busy_min = (work["scene_min"] + work["trip_min"])[(work["term"] == term.name).to_numpy()]
    variation = float(busy_min.std(ddof=0) / busy_min.mean()) if busy_min.sum() > 0 else 1.0
    solve = hypercube if len(dispatch.officer_zones) <= MOST_EXACT else hypercube_approximation
    model = solve(day.arrivals_per_h, day.service_per_h, dispatch.preference)
    longest = district.settings.workload.longest_service_min
    validation = validate(history, rates, dispatch, model, longest_service_min=longest, seed=seed)
    return TermWatch(schools, zones, rates, places, travel, waiting, middles, day, model, validation, variation)


def coverage_of_plan(
    district: District,
    watch: TermWatch,
    zones: pd.Series,
    *,
    waiting: pd.Series | None = None,
    redrawn: NDArray[np.float64] | None = None,
) -> PlanScores:
    """Score the coverage of zones, today's or those of a plan.

    Parameters
    ----------
    district
        What was read.
    watch
        A usual day.
    zones
        Zone of each school, by `school_id`; schools that are left out keep today's.
    waiting
        Where officers wait, by `zone_id`; where they wait today if left out.
    redrawn
        Rates that chance could have brought, for intervals.

    Returns
    -------
    PlanScores
        Response, backup, overflow and the busiest officer: figures of the model, with what the record says today
        (`PlanScores.with_record`).
    """
    after = zones.reindex(watch.zones.index).fillna(watch.zones).astype("str").rename("zone_id")
    dispatch = dispatch_of(district, after, watch.travel, watch.waiting if waiting is None else waiting)
    day = watch.day
    scores = score_coverage(day.arrivals_per_h, day.service_per_h, dispatch, redrawn=redrawn)
    is_today = bool((after == watch.zones).all()) and (waiting is None or waiting.equals(watch.waiting))
    today = None if is_today else score_coverage(day.arrivals_per_h, day.service_per_h, day.dispatch)
    return scores.with_record(watch.validation, today=today)


def waiting_anew(district: District, watch: TermWatch, ground: Ground, assignment: pd.Series) -> pd.Series:
    """Place officers anew for the zones of a plan, by the rule by which they wait today (assumption A44).

    Parameters
    ----------
    district
        What was read.
    watch
        A usual day.
    ground
        Units of the district.
    assignment
        Zone of each unit under the plan, by `unit_id`.

    Returns
    -------
    pandas.Series
        Where the officer of each zone waits, by `zone_id`: the school in the middle of the new zone. Where the settings
        name a school that is in the zone still, or the plan leaves a zone as it is, where he waits today.
    """
    units = ground.units.assign(zone_id=ground.units["unit_id"].map(assignment).to_numpy())
    today = ground.units.set_index("unit_id")["zone_id"]
    after = assignment.reindex(today.index)
    changed = {*today[today != after], *after[today != after]}
    schools = schools_of_units(ground.units).map(assignment)
    zones = schools.reindex(watch.zones.index).fillna(watch.zones).astype("str")
    kept = {z: p for z, p in watch.waiting.items() if z not in changed}
    kept |= {z: p for z, p in district.settings.coverage.staging.items() if zones.get(p) == z}
    middles = _middle_schools(units, crs=district.crs)
    posts = {z: kept.get(z) or middles.get(str(z)) or p for z, p in watch.waiting.items()}
    return pd.Series(posts, name="school_id", dtype="str").rename_axis("zone_id")


def _middle_schools(units: gpd.GeoDataFrame, *, crs: object) -> dict[str, str]:
    """Give the school in the middle of each zone that has one."""
    first = schools_of_units(units).reset_index().drop_duplicates("unit_id").set_index("unit_id")["school_id"]
    centres = zone_centres(units[units["unit_id"].isin(first.index)], crs=crs)
    return {str(zone): str(first[unit]) for zone, unit in centres.items()}


def _calls(
    district: District, school_zones: pd.Series, history: pd.DataFrame, schools: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Take the calls of zone officers at these schools, with the minutes of each."""
    settings = district.settings.workload
    trips = travel_minutes(district.schools, school_zones, settings, crs=district.crs)
    return officer_work(history[history["school_id"].isin(schools["school_id"])], trips, settings)


def _rates(
    district: District,
    school_zones: pd.Series,
    work: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    *,
    days: pd.DatetimeIndex,
) -> CallRates:
    return call_rates(
        work,
        schools,
        school_zones,
        days=days,
        hours=district.settings.hours,
        settings=district.settings.workload,
        scene_min=work["scene_min"],
        trip_min=work["trip_min"],
    )


def _middles(district: District, zones: pd.Series) -> gpd.GeoSeries:
    """Find a place in the middle of each zone that has no school: its officer waits there, and helps."""
    table = district.zones
    empty = table[~table["zone_id"].isin(zones) & table.geometry.notna() & ~table.geometry.is_empty]
    if empty.empty:
        return gpd.GeoSeries([], index=pd.Index([], dtype="str"), crs=table.crs)
    flat = empty.to_crs(measuring_crs(empty, stated=district.crs))
    middle = flat.geometry.centroid
    inside = middle.where(middle.within(flat.geometry), flat.geometry.representative_point()).to_crs(table.crs)
    ids = [middle_of_zone(zone) for zone in empty["zone_id"]]
    return gpd.GeoSeries(inside.to_numpy(), index=pd.Index(ids, name="place_id"), crs=table.crs, name="place")


def _places(schools: gpd.GeoDataFrame, middles: gpd.GeoSeries) -> gpd.GeoSeries:
    places = place_points(schools, "school_id")
    return gpd.GeoSeries(pd.concat([places, middles.to_crs(places.crs)]), crs=places.crs) if len(middles) else places


def _travel(district: District, places: gpd.GeoSeries) -> TravelTimes:
    """Measure the way between places: over the roads where these say how fast they are, else in a straight line."""
    roads, workload = district.roads, district.settings.workload
    has_speeds = roads is not None and bool({"minutes", "speed_kph"} & set(roads.columns))
    return travel_times(
        places,
        roads=roads if has_speeds else None,
        # A school on a piece of road that leads nowhere is reached from the main roads nearest to it.
        settings=TravelSettings(
            detour_factor=workload.detour_factor,
            speed_kph=workload.speed_kph,
            roads=RoadRules(uses_main_part_only=True),
        ),
        crs=district.crs,
    )


def _waiting(district: District, zones: pd.Series, ground: Ground | None, middles: gpd.GeoSeries) -> pd.Series:
    """Take the school where each officer waits: as the settings say, else the one in the middle of the zone.

    The officer of a zone without a school waits in its middle, unless the settings name a school.
    """
    middle = {} if ground is None else _middle_schools(ground.units, crs=district.crs)
    in_zone = zones.reset_index().groupby("zone_id", sort=False)["school_id"].first()
    posts = {}
    for zone in district.zones["zone_id"]:
        school = district.settings.coverage.staging.get(zone) or middle.get(zone) or in_zone.get(zone)
        if school in zones.index:
            posts[zone] = school
        elif middle_of_zone(zone) in middles.index:
            posts[zone] = middle_of_zone(zone)
    return pd.Series(posts, name="school_id", dtype="str").rename_axis("zone_id")


def middle_of_zone(zone: str) -> str:
    """Name the place in the middle of a zone without a school.

    Parameters
    ----------
    zone
        Id of the zone.

    Returns
    -------
    str
        Id of the place.
    """
    return f"zone:{zone}"


def dispatch_of(district: District, zones: pd.Series, travel: TravelTimes, waiting: pd.Series) -> Dispatch:
    """Order the officers for each school of some zones.

    Parameters
    ----------
    district
        What was read.
    zones
        Zone of each school, by `school_id`: today's, or those of a plan.
    travel
        Minutes between schools.
    waiting
        School at which the officer of each zone waits, by `zone_id`.

    Returns
    -------
    Dispatch
        Who is tried for a call at each school.
    """
    named = district.zones.set_index("zone_id")["officer"] if "officer" in district.zones else pd.Series(dtype="str")
    posts = [str(named.get(zone)) if pd.notna(named.get(zone)) else f"zone {zone}" for zone in waiting.index]
    staging = pd.Series(waiting.to_numpy(), index=posts)
    minutes = travel.response_minutes(zones.index, dict.fromkeys(waiting))
    return zone_dispatch(zones, pd.Series(list(waiting.index), index=posts), officer_minutes(minutes, staging))
