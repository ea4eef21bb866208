"""A usual day of a term: its schools as units, calls, ways, where officers wait, who is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.coverage import (
    MOST_EXACT,
    CallRates,
    Dispatch,
    PlanScores,
    RoadRules,
    TravelSettings,
    TravelTimes,
    Watch,
    call_rates,
    hypercube,
    hypercube_approximation,
    officer_minutes,
    place_points,
    score_coverage,
    travel_times,
    validate,
    zone_dispatch,
)
from safeschools_geo.crs import measuring_crs
from safeschools_geo.rebalance import (
    Rules,
    UnitsBuilt,
    about_bridges,
    read_links,
    schools_in_zones,
    schools_of_units,
    travel_km,
    unit_edges,
    units_of_school_areas,
    units_of_schools,
    zone_centers,
)
from safeschools_geo.results import PlanInputs, UsualDay
from safeschools_geo.school_calendar import school_days
from safeschools_geo.workload import officer_work, travel_minutes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from safeschools_geo.district import District
    from safeschools_geo.results import TermResult
    from safeschools_geo.settings import RebalanceSettings


# ── What the plans of a term are made of: its schools as units, who borders whom, the rules, and the travel


def prepare_plan(result: TermResult) -> PlanInputs | None:
    """Turn the program schools of a district, or the areas it supplies, into units.

    Parameters
    ----------
    result
        Results of the term: its schools, zones, calls and workload.

    Returns
    -------
    PlanInputs or None
        Units, edges, rules and travel; None where there is nothing to balance: no program school in a zone, no
        workload, or fewer than two zones that count.
    """
    district, history, term, school_zones = result.district, result.history, result.term, result.zone_of
    workload = result.workload
    this = workload[workload["term"] == term.name].set_index("school_id")["workload_h"]
    has_zone = school_zones.reindex(this.index).fillna("") != ""
    placed = this[has_zone.to_numpy()]
    if placed.sum() <= 0 or len(district.zones) < 2:  # noqa: PLR2004 - between two zones
        return None
    mine = history[(history["term"] == term.name) & (history["work_of"] == "zone_officer")]
    built = _units(district, school_zones, this, mine.groupby("school_id").size())
    schools = built.units.groupby("zone_id")["schools"].sum()
    empty = () if district.settings.rebalance.fills_empty_zones else tuple(schools.index[schools == 0].astype("str"))
    if len(schools) - len(empty) < 2:  # noqa: PLR2004 - between two zones
        return None
    chosen = district.settings.rebalance.links
    links = None if chosen is None else read_links(district.settings.folder / chosen)
    edges = unit_edges(
        built.units,
        extra=None if links is None else links[links["kind"] == "extra"],
        forbidden=None if links is None else links[links["kind"] == "forbidden"],
        crs=district.crs,
    )
    bridges = about_bridges(built.units, edges, crs=district.crs)
    # Schools that share a site move together, and count as many as they are.
    moves_in = "schools" if district.areas is None and built.units["schools"].gt(1).any() else "units"
    closed = pd.DataFrame(columns=["unit_a", "unit_b"]) if links is None else links[links["kind"] == "forbidden"]
    apart = list(zip(closed["unit_a"], closed["unit_b"], strict=True))
    rules, centers = _rules(built.units, district.settings.rebalance, apart, crs=district.crs)
    rules = replace(rules, moves_in=moves_in)
    travel = travel_km(built.units, centers, crs=district.crs)
    noun = "school" if district.areas is None else "area"
    return PlanInputs(built.units, edges, rules, travel, (*built.findings, *bridges), noun, empty)


def _units(district: District, school_zones: pd.Series, workload: pd.Series, incidents: pd.Series) -> UnitsBuilt:
    """Take the areas that the district supplies for its plans, else the service areas of its schools."""
    if district.areas is not None:
        return units_of_school_areas(
            district.areas,
            district.zones,
            district.schools,
            school_zones,
            workload,
            incidents=incidents,
            crs=district.crs,
        )
    return units_of_schools(
        district.schools,
        district.zones,
        district.boundary,
        school_zones,
        workload,
        incidents=incidents,
        crs=district.crs,
    )


def _rules(
    units: gpd.GeoDataFrame, settings: RebalanceSettings, apart: Iterable[tuple[str, str]], *, crs: object
) -> tuple[Rules, pd.Series]:
    """Turn what the settings say of schools into rules for units, and choose the centers of the zones.

    Schools that share a unit stand for it.
    """
    by_school = schools_of_units(units)
    unit_of = {str(school): str(unit) for school, unit in by_school.items()} | {unit: unit for unit in by_school}
    given = {zone: unit_of.get(school, school) for zone, school in settings.roots.items()}
    centers = zone_centers(units, given, crs=crs)
    roots = dict(centers) if settings.keeps_roots else given
    rules = Rules(
        roots=roots or None,
        locked=tuple(dict.fromkeys(unit_of.get(s, s) for s in settings.locked)),
        together=tuple(tuple(unit_of.get(s, s) for s in group) for group in settings.together),
        forbidden=tuple((unit_of.get(s, s), zone) for s, zone in settings.forbidden),
        apart=tuple(apart),
    )
    return rules, centers


# ── A usual day of a term: schools, calls, the ways between them, where officers wait, and who is sent


def describe_usual_day(result: TermResult, inputs: PlanInputs | None) -> UsualDay | None:
    """Describe a usual day of a term.

    Parameters
    ----------
    result
        Results of the term: its schools, zones, calls and workload.
    inputs
        Units of the district, for the middle of each zone; None where there are none.

    Returns
    -------
    UsualDay or None
        None where there is no call to answer, or no school in a zone.
    """
    district, history, term, school_zones = result.district, result.history, result.term, result.zone_of
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
    waiting = _waiting(district, zones, inputs, middles)
    dispatch = dispatch_of(district, zones, travel, waiting)
    this = result.workload[result.workload["term"] == term.name].set_index("school_id")["workload_h"]
    queueing = Watch(
        dispatch,
        rates.arrivals_per_h.to_numpy(dtype="float64"),
        rates.service_per_h(dispatch.officer_zones),
        this.reindex(schools["school_id"]).fillna(0.0).to_numpy(dtype="float64"),
    )
    busy_min = (work["scene_min"] + work["trip_min"])[(work["term"] == term.name).to_numpy()]
    variation = float(busy_min.std(ddof=0) / busy_min.mean()) if busy_min.sum() > 0 else 1.0
    solve = hypercube if len(dispatch.officer_zones) <= MOST_EXACT else hypercube_approximation
    model = solve(queueing.arrivals_per_h, queueing.service_per_h, dispatch.preference)
    longest = district.settings.workload.longest_service_min
    validation = validate(history, rates, dispatch, model, longest_service_min=longest, seed=result.seed)
    return UsualDay(schools, zones, rates, places, travel, waiting, middles, queueing, model, validation, variation)


def coverage_of_plan(
    district: District,
    usual_day: UsualDay,
    zones: pd.Series,
    *,
    waiting: pd.Series | None = None,
    redrawn: NDArray[np.float64] | None = None,
) -> PlanScores:
    """Score the coverage of zones, today's or those of a plan."""
    after = zones.reindex(usual_day.zones.index).fillna(usual_day.zones).astype("str").rename("zone_id")
    dispatch = dispatch_of(district, after, usual_day.travel, usual_day.waiting if waiting is None else waiting)
    queueing = usual_day.queueing
    scores = score_coverage(queueing.arrivals_per_h, queueing.service_per_h, dispatch, redrawn=redrawn)
    is_today = bool((after == usual_day.zones).all()) and (waiting is None or waiting.equals(usual_day.waiting))
    today = None if is_today else score_coverage(queueing.arrivals_per_h, queueing.service_per_h, queueing.dispatch)
    return scores.with_record(usual_day.validation, today=today)


def stage_officers(district: District, usual_day: UsualDay, inputs: PlanInputs, assignment: pd.Series) -> pd.Series:
    """Place officers anew for the zones of a plan, by the rule by which they wait today (assumption A44).

    Where the officer of each zone waits, by `zone_id`: the school in the middle of the new zone. Where the settings
    name a school that is in the zone still, or the plan leaves a zone as it is, where he waits today.
    """
    units = inputs.units.assign(zone_id=inputs.units["unit_id"].map(assignment).to_numpy())
    today = inputs.units.set_index("unit_id")["zone_id"]
    after = assignment.reindex(today.index)
    changed = {*today[today != after], *after[today != after]}
    schools = schools_of_units(inputs.units).map(assignment)
    zones = schools.reindex(usual_day.zones.index).fillna(usual_day.zones).astype("str")
    kept = {z: p for z, p in usual_day.waiting.items() if z not in changed}
    kept |= {z: p for z, p in district.settings.coverage.staging.items() if zones.get(p) == z}
    middles = _middle_schools(units, crs=district.crs)
    posts = {z: kept.get(z) or middles.get(str(z)) or p for z, p in usual_day.waiting.items()}
    return pd.Series(posts, name="school_id", dtype="str").rename_axis("zone_id")


def _middle_schools(units: gpd.GeoDataFrame, *, crs: object) -> dict[str, str]:
    """Give the school in the middle of each zone that has one."""
    first = schools_of_units(units).reset_index().drop_duplicates("unit_id").set_index("unit_id")["school_id"]
    centers = zone_centers(units[units["unit_id"].isin(first.index)], crs=crs)
    return {str(zone): str(first[unit]) for zone, unit in centers.items()}


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
        calendar=district.settings.calendar,
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


def _waiting(district: District, zones: pd.Series, inputs: PlanInputs | None, middles: gpd.GeoSeries) -> pd.Series:
    """Take the school where each officer waits: as the settings say, else the one in the middle of the zone.

    The officer of a zone without a school waits in its middle, unless the settings name a school.
    """
    middle = {} if inputs is None else _middle_schools(inputs.units, crs=district.crs)
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
    """Name the place in the middle of a zone without a school."""
    return f"zone:{zone}"


def dispatch_of(district: District, zones: pd.Series, travel: TravelTimes, waiting: pd.Series) -> Dispatch:
    """Order the officers for each school of some zones."""
    named = district.zones.set_index("zone_id")["officer"] if "officer" in district.zones else pd.Series(dtype="str")
    posts = [str(named.get(zone)) if pd.notna(named.get(zone)) else f"zone {zone}" for zone in waiting.index]
    staging = pd.Series(waiting.to_numpy(), index=posts)
    minutes = travel.response_minutes(zones.index, dict.fromkeys(waiting))
    return zone_dispatch(zones, pd.Series(list(waiting.index), index=posts), officer_minutes(minutes, staging))
