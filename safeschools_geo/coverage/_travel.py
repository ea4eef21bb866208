"""Minutes between schools, staging points and zones: over the roads, else in a straight line."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.spatial.distance import cdist

from safeschools_geo.checks import part_text, tell
from safeschools_geo.coverage._roads import (
    ACCESS_COLUMNS,
    PART_COLUMNS,
    RoadRules,
    RoadTravel,
    check_places,
    check_roads,
    located,
    read_streets,
    road_travel,
)
from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import SettingsError, attempt_all, count_text, refuse
from safeschools_geo.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.coverage._roads import Flags, Shapes, Streets
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
    """How minutes are measured.

    Parameters
    ----------
    detour_factor
        Road distance over straight-line distance, where there are no roads.
    speed_kph
        Average driving speed, where there are no roads.
    roads
        How a layer of roads is read.
    """

    detour_factor: float = 1.3
    speed_kph: float = 40.0
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
    """Minutes between places, and what they rest on.

    Parameters
    ----------
    minutes
        Minutes from each origin (row) to each destination (column), float64; infinite where there is no way.
    method
        How they were measured, in words.
    access
        How each place reaches the roads: `place_id`, `row` (label of the road), `access_m`, `access_min`, `part`
        (of the roads, from 0, the longest); empty where there are no roads, missing where a place is too far from all.
    parts
        Connected parts of the roads: `part`, `streets`, `length_km`, `first_row`, `places`, `place_ids` (joined by
        ``;``); empty where there are no roads.
    findings
        What was repaired, what could not be reached, and what was left out.
    settings
        What was asked.
    """

    minutes: pd.DataFrame
    method: str
    access: pd.DataFrame
    parts: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: TravelSettings

    @property
    def unreachable(self) -> pd.DataFrame:
        """The pairs without a way: `origin_id`, `destination_id`."""
        return _pairs_of(self.minutes, ~np.isfinite(self.minutes.to_numpy()))

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
        told = [head]
        if len(known):
            told.append(f"Half of the ways take {np.median(known):.1f} minutes or less, the longest {known.max():.1f}.")
        told += [finding.message for finding in self.findings]
        return " ".join(told)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each pair: `origin_id`, `destination_id`, `minutes`."""
        pairs = _pairs_of(self.minutes, np.ones(self.minutes.shape, dtype=bool))
        return pairs.assign(minutes=self.minutes.to_numpy().ravel())


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
    meters, streets, told = (measuring_crs(origins, stated=crs), None, []) if roads is None else found["roads"]
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
        findings=(*left_out, *more, *told, *travel.findings, *_tell_unreachable(minutes)),
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


def _pairs_of(minutes: pd.DataFrame, is_told: Flags) -> pd.DataFrame:
    row, column = np.nonzero(is_told)
    return pd.DataFrame({"origin_id": minutes.index[row], "destination_id": minutes.columns[column]})


def _tell_unreachable(minutes: pd.DataFrame) -> list[Finding]:
    pairs = _pairs_of(minutes, ~np.isfinite(minutes.to_numpy()))
    names = [f"{a} to {b}" for a, b in zip(pairs["origin_id"], pairs["destination_id"], strict=True)]
    return tell(
        names,
        "warning",
        "places_unreachable",
        "travel",
        f"{part_text(len(names), minutes.size, 'pair')} of places without a way from one to the other.",
        expected="a way between any two places",
        remedy="See which parts of the roads they lie on, and whether one-way streets are marked as they are.",
    )
