"""A usual day of a term: its calls, the ways between schools, where officers wait, and who is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial.distance import cdist

from safeschools_geo.checks import part_text, report_rows
from safeschools_geo.coverage._calibration import Calibration, assumptions_tested, calibrate
from safeschools_geo.coverage._dispatch import Dispatch, officer_minutes, zone_dispatch
from safeschools_geo.coverage._plan_scores import PlanScores, Watch, is_exact, queueing_model, score_coverage
from safeschools_geo.coverage._record import CallRates, call_rates
from safeschools_geo.coverage._roads import (
    ACCESS_COLUMNS,
    PART_COLUMNS,
    RoadRules,
    RoadTravel,
    check_places,
    check_roads,
    located,
    place_points,
    read_streets,
    road_travel,
)
from safeschools_geo.coverage._validation import Validation, validate
from safeschools_geo.coverage.queueing import Hypercube
from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import SettingsError, attempt_all, count_text, refuse
from safeschools_geo.findings import Finding
from safeschools_geo.school_calendar import school_days
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.coverage._roads import Shapes, Streets
    from safeschools_geo.settings import Settings, Term, WorkloadSettings
    from safeschools_geo.solver import Numbers


# ── Minutes in a straight line, made longer by a detour factor: for districts that have no layer of roads

_METERS_PER_MIN = 1000 / 60
"""Meters that are driven in a minute at 1 km/h."""


def straight_line_minutes(origins: Shapes, destinations: Shapes, *, detour_factor: float, speed_kph: float) -> Numbers:
    """Estimate the minutes between places."""
    meters = cdist(shapely.get_coordinates(origins), shapely.get_coordinates(destinations))
    minutes: Numbers = meters * detour_factor / (speed_kph * _METERS_PER_MIN)
    return minutes


def straight_line_text(*, detour_factor: float, speed_kph: float) -> str:
    """Say how the minutes were estimated."""
    return (
        f"Straight-line distance × {detour_factor:g} (detour factor) at {speed_kph:g} km/h; streets, rivers and "
        "motorways between places are not seen."
    )


# ── Minutes between schools, staging points and zones: over the roads if there are any, else in a straight line


@dataclass(frozen=True, kw_only=True)
class TravelSettings:
    """How minutes are measured."""

    detour_factor: float = 1.3  # Road distance over straight-line distance, where there are no roads
    speed_kph: float = 40.0  # Average driving speed, where there are no roads
    roads: RoadRules = field(default_factory=RoadRules)

    def __post_init__(self) -> None:
        """Check the values, and tell all that are wrong."""
        checks = (
            ("detour_factor", "A road is not shorter than a straight line.", 1 <= self.detour_factor < np.inf),
            ("speed_kph", "A speed is a number above zero.", 0 < self.speed_kph < np.inf),
        )
        refuse(
            SettingsError(problem, where=f"[workload] {name}", found=getattr(self, name), remedy="Correct it.")
            for name, problem, is_right in checks
            if not is_right
        )


@dataclass(frozen=True, eq=False)
class TravelTimes:
    """Minutes between places, and what they rest on."""

    minutes: pd.DataFrame  # From each origin (row) to each destination (column); infinite where there is no way
    method: str  # How they were measured, in words
    # How each place reaches the roads: `place_id`, `row` (label of the road), `access_m`, `access_min`, `part` (of the
    # roads, from 0, the longest); empty where there are no roads, missing where a place is too far from all
    access: pd.DataFrame
    # Connected parts of the roads: `part`, `streets`, `length_km`, `first_row`, `places`, `place_ids` (joined by
    # ``;``); empty where there are no roads
    parts: pd.DataFrame
    findings: tuple[Finding, ...]  # What was repaired, what could not be reached, and what was left out
    settings: TravelSettings  # What was asked

    def response_minutes(self, places: Iterable[str], points: Iterable[str]) -> pd.DataFrame:
        """Turn to the minutes in which an officer who waits at a point reaches a place.

        A row for each place, a column for each point: as `staging` wants it. `places`: ids of the places where officers
        are called to, among the destinations; `points`: ids of the points where officers may wait, among the origins.
        """
        found: pd.DataFrame = self.minutes.loc[list(points), list(places)].T
        return found

    def summary(self) -> str:
        """Say in plain English how the minutes were measured and what they are."""
        minutes = self.minutes.to_numpy()
        is_other = self.minutes.index.to_numpy()[:, None] != self.minutes.columns.to_numpy()[None, :]
        known = minutes[is_other & np.isfinite(minutes)]
        head = (
            f"Minutes between {count_text(len(self.minutes), 'origin')} and "
            f"{count_text(self.minutes.shape[1], 'destination')}: {self.method}"
        )
        parts = [head]
        if len(known):
            parts.append(
                f"Half of the ways take {np.median(known):.1f} minutes or less, the longest {known.max():.1f}."
            )
        parts += [finding.message for finding in self.findings]
        return " ".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each pair: `origin_id`, `destination_id`, `minutes`."""
        origins, destinations = self.minutes.index, self.minutes.columns
        return pd.DataFrame(
            {
                "origin_id": origins.repeat(len(destinations)),
                "destination_id": np.tile(destinations, len(origins)),
                "minutes": self.minutes.to_numpy().ravel(),
            }
        )


def travel_times(
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries | None = None,
    *,
    roads: gpd.GeoDataFrame | None = None,
    settings: TravelSettings | None = None,
    crs: object = None,
) -> TravelTimes:
    """Measure the minutes between places.

    Parameters
    ----------
    origins
        Places to set out from, by their ids: points with a CRS, or areas or campuses, which stand for a point in them.
    destinations
        Places to reach; the origins if left out.
    roads
        LineStrings with a CRS and `minutes` or `speed_kph` (km/h), and `one_way` where there are one-way streets (see
        `read_streets`); None measures in straight lines.
    settings
        Detour factor and speed, and how roads are read.
    crs
        Projected CRS in meters to measure in; the UTM zone of the roads (or places) by default.

    Returns
    -------
    TravelTimes
        The minutes, with what they rest on. Places without a location are left out, and said to be.

    Raises
    ------
    InputError
        All that is wrong at once: no places, ids that repeat, a layer without a CRS; roads with neither minutes nor
        speeds, or with some that cannot be driven by; roads that reach no place, or lead from none to another.

    Notes
    -----
    Over roads, a place is led to the nearest point of the nearest street, in a straight line at `access_speed_kph`;
    from there the way of the least minutes is driven (Dijkstra's algorithm on the streets, cut where they meet and
    where places reach them); at the end the same again. Places at one point are 0 minutes apart. Times are
    those of a drive at the minutes or speeds given: no traffic, no waiting at turns.

    References
    ----------
    Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik 1, 269–271.
    """
    asked = settings or TravelSettings()
    steps: dict[str, Callable[[], Any]] = {"origins": partial(check_places, origins, "origins")}
    if destinations is not None:
        steps["destinations"] = partial(check_places, destinations, "destinations")
    if roads is not None:
        steps["roads"] = partial(_read_roads, roads, crs)
    found = attempt_all(steps)
    meters, streets, about = (measuring_crs(origins, stated=crs), None, []) if roads is None else found["roads"]
    start, left_out = located(origins, meters, "origins")
    goal, more = (start, []) if destinations is None else located(destinations, meters, "destinations")
    travel = (
        _in_straight_lines(start, goal, asked) if streets is None else road_travel(start, goal, streets, asked.roads)
    )
    minutes = pd.DataFrame(travel.minutes, index=start.index, columns=goal.index)
    return TravelTimes(
        minutes=minutes.rename_axis(index="origin_id", columns="destination_id"),
        method=travel.method,
        access=travel.access,
        parts=travel.parts,
        findings=(*left_out, *more, *about, *travel.findings, *_unreachable_findings(minutes)),
        settings=asked,
    )


def _read_roads(roads: gpd.GeoDataFrame, crs: object) -> tuple[CRS, Streets, list[Finding]]:
    check_roads(roads)
    meters = measuring_crs(roads, stated=crs)
    return (meters, *read_streets(roads, meters))


def _in_straight_lines(origins: gpd.GeoSeries, destinations: gpd.GeoSeries, asked: TravelSettings) -> RoadTravel:
    how = {"detour_factor": asked.detour_factor, "speed_kph": asked.speed_kph}
    return RoadTravel(
        minutes=straight_line_minutes(origins.to_numpy(), destinations.to_numpy(), **how),
        method=straight_line_text(**how),
        access=pd.DataFrame(columns=list(ACCESS_COLUMNS)),
        parts=pd.DataFrame(columns=list(PART_COLUMNS)),
        findings=(),
    )


def _unreachable_findings(minutes: pd.DataFrame) -> list[Finding]:
    lost = zip(*np.nonzero(~np.isfinite(minutes.to_numpy())), strict=True)
    names = [f"{minutes.index[row]} to {minutes.columns[column]}" for row, column in lost]
    return report_rows(
        names,
        "warning",
        "places_unreachable",
        "travel",
        f"{part_text(len(names), minutes.size, 'pair')} of places without a way from one to the other.",
        expected="a way between any two places",
        remedy="See which parts of the roads they lie on, and whether one-way streets are marked as they are.",
    )


# ── A usual day of a term


@dataclass(frozen=True, eq=False)
class UsualDay:
    """A usual day.

    Parameters
    ----------
    schools
        Program schools with a zone and a place, in the order of all results.
    zones
        Zone of each, by `school_id`.
    rates
        How often calls come, and how long they take.
    places
        Where officers may wait, by id: the schools, and the middle of each zone without one; EPSG:4326.
    travel
        Minutes between schools, which are also where officers may wait, and the middles of zones without a school.
    waiting
        School at which the officer of each zone waits, by `zone_id`; in a zone without a school the id of its middle.
    middles
        The middles of zones without a school: points by their id, in the CRS of the zones.
    queueing
        Officers, schools and rates as the queueing model takes them.
    model
        The queueing model of the day.
    validation
        What the record says of coverage, and the model beside it: every figure of coverage that is shown comes by it.
    calibration
        What earlier terms say of trips, of who is sent, and of how long calls last.
    calls
        The calls of the term, for `replay`.
    """

    schools: gpd.GeoDataFrame
    zones: pd.Series
    rates: CallRates
    places: gpd.GeoSeries
    travel: TravelTimes
    waiting: pd.Series
    middles: gpd.GeoSeries
    queueing: Watch
    model: Hypercube
    validation: Validation
    calibration: Calibration
    calls: pd.DataFrame

    @property
    def ways(self) -> pd.DataFrame:
        """Minutes of the way on the map to each school, as `calibrate` takes them."""
        return _ways(self.zones, self.travel, self.waiting)

    @property
    def waiting_in_schools(self) -> pd.Series:
        """Where officers wait of zones that have a school."""
        return self.waiting[self.waiting.index.isin(self.zones)]

    @property
    def is_exact(self) -> bool:
        """Whether the queueing model is the exact one."""
        return is_exact(self.queueing.dispatch)

    def about_empty_zones(self) -> str:
        """Say what the officers of zones without a school do; empty text where every zone has one."""
        empty = [str(zone) for zone in self.waiting.index[~self.waiting.index.isin(self.zones)]]
        if not empty:
            return ""
        if len(empty) > 1:
            return (
                f"There is no school in zones {listed(empty)}: their officers wait in the middle of the zone and help "
                "elsewhere."
            )
        return (
            f"There is no school in zone {empty[0]}: its officer waits in the middle of the zone and helps elsewhere."
        )

    def dispatch_of(self, zones: pd.Series, *, waiting: pd.Series | None = None) -> Dispatch:
        """Order the officers for each school, in the zones of today or those of a plan.

        `zones`: zone of every school, by `school_id`; `waiting`: where the officer of each zone waits, as today if left
        out.
        """
        posts = list(self.queueing.dispatch.officer_zones.index)
        where = self.waiting if waiting is None else waiting
        return _dispatch(
            posts, zones, self.travel, where, self.calibration, today=self.zones, began=self.rates.began_share
        )

    def scores_of(
        self,
        zones: pd.Series,
        *,
        waiting: pd.Series | None = None,
        redrawn: NDArray[np.float64] | None = None,
        on_part: Callable[[str], None] = lambda _: None,
    ) -> PlanScores:
        """Score the coverage of zones, today's or those of a plan, with the record beside the scores.

        `zones` are by `school_id`; schools that are not in it keep theirs. `waiting` says where the officer of each
        zone waits, by `zone_id`; as today if left out. `redrawn` are calls per hour drawn anew, for intervals.
        """
        after = zones.reindex(self.zones.index).fillna(self.zones).astype("str").rename("zone_id")
        day = self.queueing
        dispatch = self.dispatch_of(after, waiting=waiting)
        scores = score_coverage(day.arrivals_per_h, day.service_per_h, dispatch, redrawn=redrawn, on_part=on_part)
        is_today = bool((after == self.zones).all()) and (waiting is None or waiting.equals(self.waiting))
        today = None if is_today else score_coverage(day.arrivals_per_h, day.service_per_h, day.dispatch)
        return scores.with_record(self.validation, today=today)


def usual_day(
    settings: Settings,
    history: pd.DataFrame,
    work: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    term: Term,
    school_zones: pd.Series,
    roads: gpd.GeoDataFrame | None,
    crs: object,
    workload_h: pd.Series,
    earlier: Sequence[str] = (),
    middle_schools: Mapping[str, str],
    seed: int = 0,
) -> UsualDay | None:
    """Describe a usual day of a term.

    Parameters
    ----------
    settings
        Of the district.
    history
        The calls, with `term` and `work_of`.
    work
        Those of them that zone officers have at these schools, with the minutes of each (`officer_work`).
    schools
        Program schools with a place and their `zone_id`, EPSG:4326.
    zones
        All zones, with `officer` where posts have names.
    term
        The term.
    school_zones
        Zone of every school, by `school_id`.
    roads
        Roads, if there are any.
    crs
        CRS to measure in.
    workload_h
        Officer-hours per school day, by `school_id`.
    earlier
        Names of the terms before this one: the model is calibrated on them.
    middle_schools
        The school in the middle of a zone, by `zone_id`: its officer waits there unless the settings say where.
    seed
        Of the intervals.

    Returns
    -------
    UsualDay or None
        None where there is no call to answer, or no school in a zone.
    """
    zone_of = schools.set_index("school_id")["zone_id"]
    days = school_days(term, settings.calendar)
    if schools.empty or not len(days):
        return None
    rates = call_rates(
        work,
        schools,
        school_zones,
        days=days,
        hours=settings.hours,
        settings=settings.workload,
        calendar=settings.calendar,
        scene_min=work["scene_min"],
        trip_min=work["trip_min"],
    )
    if not rates.calls:
        return None
    middles = _middles(zones, zone_of, crs=crs)
    places = _places(schools, middles)
    travel = _travel(settings.workload, places, roads, crs=crs)
    staging = {**middle_schools, **settings.coverage.staging}
    waiting = _waiting(zones["zone_id"], zone_of, staging, middles)
    named = zones.set_index("zone_id")["officer"] if "officer" in zones else pd.Series(dtype="str")
    posts = [str(named.get(zone)) if pd.notna(named.get(zone)) else f"zone {zone}" for zone in waiting.index]
    longest, ways = settings.workload.longest_service_min, _ways(zone_of, travel, waiting)
    calibration = _calibration(settings, history[history["term"].isin(list(earlier))], ways, seed=seed)
    dispatch = _dispatch(posts, zone_of, travel, waiting, calibration, today=zone_of, began=rates.began_share)
    queueing = Watch(
        dispatch,
        rates.arrivals_per_h.to_numpy(dtype="float64"),
        calibration.service_per_h(
            dispatch.officer_zones.to_list(), otherwise=rates.service_per_h(dispatch.officer_zones)
        ),
        workload_h.reindex(schools["school_id"]).fillna(0.0).to_numpy(dtype="float64"),
    )
    calls = work[(work["term"] == term.name).to_numpy()]
    model = queueing_model(queueing.arrivals_per_h, queueing.service_per_h, dispatch)
    validation = validate(
        history,
        rates,
        dispatch,
        model,
        longest_service_min=longest,
        calibrated_on=calibration.terms,
        tests=assumptions_tested(
            calibration, history[history["term"] == term.name], ways, longest_service_min=longest, seed=seed
        ),
        seed=seed,
    )
    parts = (schools, zone_of, rates, places, travel, waiting, middles, queueing, model, validation)
    return UsualDay(*parts, calibration, calls)


def _calibration(settings: Settings, earlier: pd.DataFrame, ways: pd.DataFrame, *, seed: int) -> Calibration:
    """Calibrate the model on earlier terms, or by the settings alone where there is none."""
    needed = ["responder", "dispatched_at", "arrived_at", "cleared_at"]
    record = earlier.reindex(columns=[*dict.fromkeys([*earlier.columns, *needed])])
    return calibrate(
        record,
        ways,
        settings=settings.coverage,
        longest_service_min=settings.workload.longest_service_min,
        draws=settings.coverage.draws,
        seed=seed,
    )


def _roaming(zones: pd.Series, travel: TravelTimes, waiting: pd.Series) -> pd.DataFrame:
    """Average the minutes from the schools of each zone; where there is none, from where its officer waits."""
    between = travel.response_minutes(zones.index, zones.index)
    mean = between.T.groupby(zones.reindex(between.columns)).mean().T
    there = travel.response_minutes(zones.index, dict.fromkeys(waiting))
    return pd.DataFrame({zone: mean[zone] if zone in mean else there[place] for zone, place in waiting.items()})


def _ways(zones: pd.Series, travel: TravelTimes, waiting: pd.Series) -> pd.DataFrame:
    """Take the ways to each school from where officers wait, and from where they may be."""
    there = travel.response_minutes(zones.index, dict.fromkeys(waiting))[waiting.to_list()]
    there = there.set_axis(waiting.index, axis=1)
    is_own = zones.to_numpy()[:, None] == waiting.index.to_numpy()[None, :]
    roaming = _roaming(zones, travel, waiting)
    return pd.DataFrame(
        {
            "zone_id": zones,
            "waiting_min": there.where(is_own).min(axis=1),
            "roaming_min": roaming.where(is_own).min(axis=1),
            "other_min": there.mask(is_own).min(axis=1),
        }
    ).rename_axis("school_id")


def _middles(table: gpd.GeoDataFrame, zones: pd.Series, *, crs: object) -> gpd.GeoSeries:
    """Find a place in the middle of each zone that has no school: its officer waits there, and helps."""
    empty = table[~table["zone_id"].isin(zones) & table.geometry.notna() & ~table.geometry.is_empty]
    if empty.empty:
        return gpd.GeoSeries([], index=pd.Index([], dtype="str"), crs=table.crs)
    flat = empty.to_crs(measuring_crs(empty, stated=crs))
    middle = flat.geometry.centroid
    inside = middle.where(middle.within(flat.geometry), flat.geometry.representative_point()).to_crs(table.crs)
    ids = [_middle_of_zone(zone) for zone in empty["zone_id"]]
    return gpd.GeoSeries(inside.to_numpy(), index=pd.Index(ids, name="place_id"), crs=table.crs, name="place")


def _places(schools: gpd.GeoDataFrame, middles: gpd.GeoSeries) -> gpd.GeoSeries:
    places = place_points(schools, "school_id")
    return gpd.GeoSeries(pd.concat([places, middles.to_crs(places.crs)]), crs=places.crs) if len(middles) else places


def _travel(
    workload: WorkloadSettings, places: gpd.GeoSeries, roads: gpd.GeoDataFrame | None, *, crs: object
) -> TravelTimes:
    """Measure the way between places: over the roads where these say how fast they are, else in a straight line."""
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
        crs=crs,
    )


def _waiting(zone_ids: pd.Series, zones: pd.Series, staging: Mapping[str, str], middles: gpd.GeoSeries) -> pd.Series:
    """Take the school where each officer waits: as the settings say, else the one in the middle of the zone.

    The officer of a zone without a school waits in its middle, unless the settings name a school.
    """
    in_zone = zones.reset_index().groupby("zone_id", sort=False)["school_id"].first()
    posts = {}
    for zone in zone_ids:
        school = staging.get(zone) or in_zone.get(zone)
        if school in zones.index:
            posts[zone] = school
        elif _middle_of_zone(zone) in middles.index:
            posts[zone] = _middle_of_zone(zone)
    return pd.Series(posts, name="school_id", dtype="str").rename_axis("zone_id")


def _middle_of_zone(zone: str) -> str:
    """Name the place in the middle of a zone without a school."""
    return f"zone:{zone}"


def _dispatch(
    posts: list[str],
    zones: pd.Series,
    travel: TravelTimes,
    waiting: pd.Series,
    calibration: Calibration,
    *,
    today: pd.Series,
    began: pd.Series,
) -> Dispatch:
    """Order the officers for each school of some zones, and say how long their trips take."""
    staging, of_officer = pd.Series(waiting.to_numpy(), index=posts), pd.Series(list(waiting.index), index=posts)
    ways = officer_minutes(travel.response_minutes(zones.index, dict.fromkeys(waiting)), staging)
    practice = calibration.practice([str(zone) for zone in waiting.index], began)
    if calibration.has_trips:
        is_own = zones.to_numpy()[:, None] == of_officer.to_numpy()[None, :]
        # What trips to a school take more is a matter of the place, not of the plan.
        of_place = [calibration.value("zone_extra_min", str(zone)) for zone in today.reindex(zones.index)]
        other = np.where(is_own, 0.0, calibration.value("backup_extra_min"))
        roaming = _roaming(zones, travel, waiting).to_numpy(dtype=np.float64)
        waited = ways.to_numpy(dtype=np.float64)
        trips = calibration.trip_min(
            waited, np.where(is_own, roaming, waited), extra_min=other + np.array(of_place)[:, None]
        )
        ways = pd.DataFrame(trips, index=ways.index, columns=ways.columns)
    return zone_dispatch(zones, of_officer, ways, practice=practice)
