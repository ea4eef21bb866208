"""A network of streets: read, joined where streets meet, and the quickest ways over it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from safeschools_geo.checks import part_text, report_rows, require_kind
from safeschools_geo.crs import check_degrees, require_crs
from safeschools_geo.errors import (
    ColumnError,
    GeometryError,
    InputError,
    SettingsError,
    attempt_all,
    count_text,
    name_ids,
    refuse,
)
from safeschools_geo.findings import Finding
from safeschools_geo.solver import Labels, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyproj import CRS


# ── Places that officers set out from or are called to: points by their ids, in meters


def place_points(frame: gpd.GeoDataFrame, id_column: str) -> gpd.GeoSeries:
    """Give each row of a table a point to travel to, by `place_id` (the id as text), in the CRS of the table.

    The point, or a point inside the area; missing where the geometry is.
    """
    ids = pd.Index(frame[id_column].astype("str"), name="place_id")
    return gpd.GeoSeries(frame.geometry.representative_point().array, index=ids, crs=frame.crs, name="place")


def check_places(places: gpd.GeoSeries, name: str) -> None:
    """Refuse places that cannot be traveled between."""
    refuse(_faults_of_places(places, name))


def _faults_of_places(places: gpd.GeoSeries, name: str) -> Iterator[InputError]:
    repeated = places.index[places.index.duplicated()].unique()
    if len(repeated):
        yield ColumnError(
            f"Some ids of {name} stand for several places.",
            where=name,
            ids=repeated,
            expected="each id once",
            remedy="Rename them: put the kind of place before the id, as in school-101 and zone-1.",
        )
    if _is_nowhere(places).all():
        yield InputError(
            f"There are no {name}." if places.empty else f"None of the {name} has a location.",
            where=name,
            found=f"{len(places):,} places",
            expected="at least one place with a location",
            remedy="Give schools, zones or staging points with coordinates.",
        )
    else:
        try:
            check_degrees(places.total_bounds, require_crs(places, name), name)
        except InputError as fault:
            yield fault


def located(places: gpd.GeoSeries, crs: CRS, name: str) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Bring places to the CRS that is measured in: those that have a location, and what is said of the others."""
    is_nowhere = _is_nowhere(places)
    points = gpd.GeoSeries(places[~is_nowhere].to_crs(crs).representative_point())
    missing = places.index[is_nowhere]
    return points.set_axis(points.index.astype("str").rename("place_id")), report_rows(
        missing,
        "warning",
        "place_without_location",
        name,
        f"{part_text(len(missing), len(places), 'place')} without a location: left out of all travel.",
        expected="coordinates for every place",
        remedy="Add them, or leave the places out on purpose.",
    )


def is_same_place(origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Flags:
    """Say which places lie at one point."""
    a, b = (shapely.get_coordinates(side.to_numpy()) for side in (origins, destinations))
    same: Flags = (a[:, None, :] == b[None, :, :]).all(axis=2)
    return same


def _is_nowhere(places: gpd.GeoSeries) -> Flags:
    geometry = places.to_numpy()
    bounds = shapely.bounds(geometry)
    nowhere: Flags = shapely.is_missing(geometry) | ~np.isfinite(bounds).all(axis=1)
    return nowhere


# ── Streets that can be driven, read from a layer of roads: their lines in meters, and minutes each way

Flags: TypeAlias = NDArray[np.bool_]
Shapes: TypeAlias = NDArray[np.object_]

ONE_WAY = {
    **dict.fromkeys(("true", "yes", "1", "ft"), 1),
    **dict.fromkeys(("-1", "reverse", "tf"), -1),
    **dict.fromkeys(("", "false", "no", "0", "b", "both"), 0),
}
"""What the column `one_way` may say → 1 along the line as it is drawn, -1 against it, 0 both ways."""

_WHERE = "roads"
_METERS_PER_MIN = 1000 / 60
"""Meters that are driven in a minute at 1 km/h."""


@dataclass(frozen=True, kw_only=True)
class RoadRules:
    """How a layer of roads is read."""

    join_m: float = 1.0  # Ends of streets this near to each other, or to another street, are one junction
    # Whether streets that cross without a common point are joined: right for a layer that was never split at its
    # junctions and has no bridges, wrong for every other
    joins_crossings: bool = False
    access_speed_kph: float = 20.0  # Between a place and its street, in a straight line: across a campus or a car park
    max_access_m: float = 2000.0  # Farthest that a place may be from its street; one that is farther cannot be reached
    # Whether places are led to the nearest street of the longest connected part; else to the nearest of all, which may
    # hang with nothing
    uses_main_part_only: bool = False

    def __post_init__(self) -> None:
        """Check the values, and tell all that are wrong."""
        checks = (
            ("join_m", 0 <= self.join_m < np.inf, "0 or more"),
            ("access_speed_kph", 0 < self.access_speed_kph < np.inf, "above 0"),
            ("max_access_m", 0 <= self.max_access_m < np.inf, "0 or more"),
        )
        refuse(
            SettingsError("A rule for roads makes no sense.", where=name, found=getattr(self, name), expected=wanted)
            for name, is_right, wanted in checks
            if not is_right
        )


@dataclass(frozen=True, eq=False)
class Streets:
    """The n streets of a layer, each one line."""

    lines: Shapes  # LineStrings in a CRS of meters, shape (n,)
    # Row of the layer that each belongs to, shape (n,); the pieces of a MultiLineString are streets of one row
    row: Labels
    length_m: Numbers  # Length in meters, shape (n,), positive
    # Minutes from the first point of the line to the last, and back, shape (n,); infinite where that is forbidden
    along_min: Numbers
    against_min: Numbers
    labels: pd.Index  # Label of each row of the layer

    def __len__(self) -> int:
        """Return how many streets there are."""
        return len(self.lines)

    def names(self, streets: Labels) -> list[str]:
        """Name the rows of the layer that streets belong to."""
        return [str(label) for label in self.labels[self.row[streets]]]


def check_roads(roads: gpd.GeoDataFrame) -> None:
    """Refuse a layer that is no roads."""

    def check_crs() -> None:
        check_degrees(roads.total_bounds, require_crs(roads, _WHERE), _WHERE)

    def check_kind() -> None:
        require_kind(roads.geometry, {"LineString", "MultiLineString"}, _WHERE, expected="lines")

    attempt_all({"crs": check_crs, "lines": check_kind})


def read_streets(roads: gpd.GeoDataFrame, crs: CRS) -> tuple[Streets, list[Finding]]:
    """Read a layer of roads, and say which rows were left out for want of geometry or length."""
    shapes = shapely.force_2d(roads.geometry.to_crs(crs).to_numpy())
    whole_m = shapely.length(shapes)
    is_line = np.isfinite(whole_m) & (whole_m > 0)
    if not is_line.any():
        raise GeometryError(
            "None of the roads has a length.",
            where=_WHERE,
            found=count_text(len(roads), "road"),
            expected="lines of some length",
            remedy="Give the layer of roads; leave it out to measure in straight lines.",
        )
    found: dict[str, NDArray[Any]] = attempt_all(
        {
            "minutes": partial(_minutes, roads, whole_m, is_line),
            "one_way": partial(_directions, roads, is_line),
        }
    )
    lines, row = shapely.get_parts(shapes[is_line], return_index=True)
    row = np.flatnonzero(is_line)[row].astype("int64")
    length_m = shapely.length(lines)
    is_long = length_m > 0
    lines, row, length_m = lines[is_long], row[is_long], length_m[is_long]
    minutes, direction = found["minutes"][row] * length_m / whole_m[row], found["one_way"][row]
    streets = Streets(
        lines=lines,
        row=row,
        length_m=length_m,
        along_min=np.where(direction >= 0, minutes, np.inf),
        against_min=np.where(direction <= 0, minutes, np.inf),
        labels=roads.index,
    )
    left_out = roads.index[~is_line]
    return streets, report_rows(
        left_out,
        "note",
        "roads_left_out",
        _WHERE,
        f"{count_text(len(left_out), 'road')} without geometry, or without length, left out.",
        expected="a line for every road",
        remedy="Nothing needs to be done, unless a road is missed.",
    )


def _minutes(roads: gpd.GeoDataFrame, whole_m: Numbers, is_line: Flags) -> Numbers:
    """Find the minutes of every road; refuse figures that cannot be driven by."""
    names = [name for name in ("minutes", "speed_kph") if name in roads.columns]
    if not names:
        raise ColumnError(
            "The roads have neither minutes nor a speed.",
            where=_WHERE,
            found="columns " + ", ".join(str(c) for c in roads.columns),
            expected="`minutes` of each road, or `speed_kph`",
            remedy="Rename the column that holds them; leave the layer out to measure in straight lines.",
        )
    given = {name: pd.to_numeric(roads[name], errors="coerce").to_numpy("float64", na_value=np.nan) for name in names}
    is_blank = {name: (roads[name].isna() | (roads[name].astype("str").str.strip() == "")).to_numpy() for name in names}
    # A figure that is there and cannot be right is a fault, even where the other column could stand in for it.
    is_right = {name: np.isfinite(given[name]) & (given[name] > 0) for name in names}
    faults = [_not_drivable(roads, name, is_line & ~is_right[name] & ~is_blank[name]) for name in names]
    faults.append(_not_drivable(roads, " or ".join(names), is_line & np.logical_and.reduce(list(is_blank.values()))))
    refuse(fault for fault in faults if fault is not None)
    minutes = given.get("minutes", np.full(len(roads), np.nan))
    by_speed = whole_m / (given.get("speed_kph", np.full(len(roads), np.nan)) * _METERS_PER_MIN)
    found: Numbers = np.where(np.isnan(minutes), by_speed, minutes)
    return found


def _not_drivable(roads: gpd.GeoDataFrame, name: str, is_faulty: Flags) -> ColumnError | None:
    if not is_faulty.any():
        return None
    figures = roads[name][is_faulty].drop_duplicates() if name in roads.columns else ["nothing"]
    return ColumnError(
        f"{count_text(int(is_faulty.sum()), 'road', of=len(roads))} cannot be driven by what {name} says.",
        where=f"{_WHERE}, column {name}",
        ids=[f"row {label}" for label in roads.index[is_faulty]],
        found=", ".join(str(v) for v in list(figures)[:3]),
        expected="a number above 0",
        remedy="Correct these rows, or leave them empty where the other of `minutes` and `speed_kph` is known.",
    )


def _directions(roads: gpd.GeoDataFrame, is_line: Flags) -> Labels:
    if "one_way" not in roads.columns:
        return np.zeros(len(roads), dtype="int64")
    words = roads["one_way"].map(_as_word)
    known = words.map(ONE_WAY)
    is_faulty = is_line & known.isna().to_numpy()
    if is_faulty.any():
        raise ColumnError(
            f"{count_text(int(is_faulty.sum()), 'road', of=len(roads))} with a direction that is not understood.",
            where=f"{_WHERE}, column one_way",
            ids=[f"row {label}" for label in roads.index[is_faulty]],
            found=", ".join(repr(v) for v in roads["one_way"][is_faulty].drop_duplicates()[:3]),
            expected="one of " + ", ".join(word or "nothing" for word in ONE_WAY),
            remedy="Say yes along the line as it is drawn, -1 against it, no for both ways.",
        )
    direction: Labels = known.fillna(0).to_numpy("int64")
    return direction


def _as_word(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return ""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip().lower()  # type: ignore[call-overload]


# ── Where streets meet: ends that nearly touch are joined, and what only crosses, as over a bridge, is not

_TABLE = "roads"


@dataclass(frozen=True, eq=False)
class Stops:
    """Points on streets, k of them, and which of them are one place."""

    street: Labels  # Street each lies on, shape (k,)
    at_m: Numbers  # Meters along it, shape (k,)
    links: Labels  # Pairs of stops that are one place, shape (m, 2)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.street)

    def with_more(self, street: Labels, at_m: Numbers) -> Stops:
        """Add stops at the end."""
        return Stops(np.concatenate([self.street, street]), np.concatenate([self.at_m, at_m]), self.links)

    def with_links(self, links: Labels) -> Stops:
        """Join more stops."""
        return Stops(self.street, self.at_m, np.concatenate([self.links, links.astype("int64")]))

    def places(self) -> Labels:
        """Give a number to the places that the stops are at."""
        return components(self.links, len(self))


def components(links: Labels, size: int) -> Labels:
    """Give a number to the groups that hang together."""
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(size, size))
    group: Labels = connected_components(graph, directed=False)[1].astype("int64")
    return group


def find_junctions(streets: Streets, rules: RoadRules) -> tuple[Stops, list[Finding]]:
    """Find where streets meet.

    The first point of every street, the last point of every street, then what lies between. What was joined that the
    layer leaves apart, and which crossings were left.

    Streets meet where they have a vertex in common, where their ends are within `RoadRules.join_m` of each other, and
    where the end of one is as near to another. Streets that only cross are not joined: one may lead over the other.
    """
    n = len(streets)
    street = np.arange(n, dtype="int64")
    ends = Stops(np.tile(street, 2), np.concatenate([np.zeros(n), streets.length_m]), np.empty((0, 2), dtype="int64"))
    points = shapely.get_point(np.tile(streets.lines, 2), np.repeat([0, -1], n))
    common = _join_common_vertices(streets, ends)
    near = common.with_links(KDTree(shapely.get_coordinates(points)).query_pairs(rules.join_m, output_type="ndarray"))
    closed = int(common.places().max(initial=0) - near.places().max(initial=0))
    met, ended = _join_ends_to_streets(streets, near, points, rules)
    stops, crossings = _cross(streets, met, rules)
    findings = [
        *_report(closed, "road_gaps_closed", "Ends of streets joined over gaps of up to {m:g} m at {places}.", rules),
        *_report(
            ended, "road_ends_met", "Ends of streets joined to the middle of another within {m:g} m at {places}.", rules
        ),
        *_report(
            crossings,
            "road_crossings_joined" if rules.joins_crossings else "road_crossings_left",
            "Streets that cross without a common point, "
            + ("joined" if rules.joins_crossings else "taken for bridges and not joined")
            + ", at {places}.",
            rules,
        ),
    ]
    return stops, findings


def _report(places: int, code: str, message: str, rules: RoadRules) -> list[Finding]:
    return report_rows(
        [_TABLE] if places else (),
        "note",
        code,
        _TABLE,
        message.format(m=rules.join_m, places=count_text(places, "place")),
        expected="streets that share a point where they meet, and only there",
        remedy="Look at the roads there, if times look wrong.",
    )


def _join_common_vertices(streets: Streets, ends: Stops) -> Stops:
    """Join streets at every point that is a vertex of several, or of one twice."""
    xy, street = shapely.get_coordinates(streets.lines, return_index=True)
    first = np.flatnonzero(np.diff(street, prepend=-1))
    last = np.append(first[1:], len(street)) - 1
    along = np.append(0.0, np.hypot(*np.diff(xy, axis=0).T)).cumsum()
    at_m = np.clip(along - along[first][street], 0.0, streets.length_m[street])
    _, point, times = np.unique(xy[:, 0] + 1j * xy[:, 1], return_inverse=True, return_counts=True)
    is_end = np.zeros(len(street), dtype=bool)
    is_end[first] = is_end[last] = True
    inner = np.flatnonzero((times[point] > 1) & ~is_end)
    stops = ends.with_more(street[inner].astype("int64"), at_m[inner])
    vertex = np.concatenate([first, last, inner])
    order = np.argsort(point[vertex], kind="stable")
    is_same = np.diff(point[vertex][order]) == 0
    return stops.with_links(np.column_stack([order[:-1], order[1:]])[is_same])


def _join_ends_to_streets(streets: Streets, stops: Stops, points: Shapes, rules: RoadRules) -> tuple[Stops, int]:
    """Join the end of a street to the middle of another that it touches, or nearly, and count the places."""
    n = len(streets)
    end, other = shapely.STRtree(streets.lines).query(points, predicate="dwithin", distance=rules.join_m)
    is_inner = end % n != other
    for side in (other, other + n):
        is_inner &= shapely.distance(points[end], points[side]) > rules.join_m
    end, other = end[is_inner].astype("int64"), other[is_inner].astype("int64")
    at_m = shapely.line_locate_point(streets.lines[other], points[end])
    is_new = ~_is_met(stops, other, at_m, end % n, rules.join_m)
    end, other, at_m = end[is_new], other[is_new], at_m[is_new]
    new = len(stops) + np.arange(len(end))
    met = stops.with_more(other, at_m).with_links(np.column_stack([end, new]))
    return met, len(np.unique(stops.places()[end]))


def _cross(streets: Streets, stops: Stops, rules: RoadRules) -> tuple[Stops, int]:
    """Find where streets cross without a common point, count those places, and join them if the rules say so."""
    a, b = shapely.STRtree(streets.lines).query(streets.lines, predicate="crosses")
    a, b = a[a < b], b[a < b]
    xy, pair = shapely.get_coordinates(shapely.intersection(streets.lines[a], streets.lines[b]), return_index=True)
    a, b, points = a[pair].astype("int64"), b[pair].astype("int64"), np.asarray(shapely.points(xy))
    at_a, at_b = (np.asarray(shapely.line_locate_point(streets.lines[side], points)) for side in (a, b))
    is_new = ~_is_met(stops, a, at_a, b, rules.join_m)
    a, b, at_a, at_b = a[is_new], b[is_new], at_a[is_new], at_b[is_new]
    if rules.joins_crossings:
        at = len(stops) + np.arange(len(a))
        stops = stops.with_more(a, at_a).with_more(b, at_b).with_links(np.column_stack([at, at + len(a)]))
    return stops, int(is_new.sum())


def _is_met(stops: Stops, a: Labels, at_a: Numbers, b: Labels, join_m: float) -> Flags:
    """Say whether street a meets street b within a few meters of a point of a."""
    order = np.argsort(stops.street, kind="stable")
    begin, end = (np.searchsorted(stops.street[order], a, side=side) for side in ("left", "right"))
    which = np.repeat(np.arange(len(a)), end - begin)
    stop = order[np.arange(len(which)) - np.repeat(np.cumsum(end - begin) - end, end - begin)]
    is_near = np.abs(stops.at_m[stop] - at_a[which]) <= join_m
    which, stop = which[is_near], stop[is_near]
    place, streets = stops.places(), int(stops.street.max(initial=0)) + 1
    is_common = np.isin(place[stop] * streets + b[which], place * streets + stops.street)
    met: Flags = np.bincount(which[is_common], minlength=len(a)) > 0
    return met


# ── A network of streets: its connected parts, the street nearest to each place, and the quickest ways

"""Meters that are driven in a minute at 1 km/h."""

_AT_ONCE = 2**24
"""Times from origins to junctions that are held in memory at once: 128 MB."""

NO_STREET = -1
"""Stands for a place that is too far from every street."""


@dataclass(frozen=True, eq=False)
class Snapped:
    """Where n places reach the streets."""

    street: Labels  # Street of each, `NO_STREET` where it is too far from all, shape (n,)
    at_m: Numbers  # Meters along it, shape (n,)
    # Meters from the place to the nearest point of its street, or of the nearest where that is too far, shape (n,)
    access_m: Numbers

    @property
    def is_on(self) -> Flags:
        """Which places have a street, shape (n,)."""
        on: Flags = self.street != NO_STREET
        return on


@dataclass(frozen=True, eq=False)
class Network:
    """Streets that are joined where they meet."""

    streets: Streets  # The streets, n of them
    stops: Stops  # Where they begin, end and meet
    part: Labels  # Connected part of each street, shape (n,): 0 is the longest

    def parts(self) -> pd.DataFrame:
        """Describe the connected parts."""
        groups = pd.DataFrame(
            {
                "part": self.part,
                "length_km": self.streets.length_m / 1000,
                "first_row": self.streets.names(np.arange(len(self.streets))),
            }
        ).groupby("part")
        return pd.DataFrame(
            {
                "streets": groups.size(),
                "length_km": groups["length_km"].sum(),
                "first_row": groups["first_row"].first(),
            }
        ).reset_index()

    def snap(self, points: Shapes, rules: RoadRules) -> Snapped:
        """Lead places to their nearest streets."""
        usable = np.flatnonzero(self.part == 0) if rules.uses_main_part_only else np.arange(len(self.part))
        lines = self.streets.lines[usable]
        (place, line), distance = shapely.STRtree(lines).query_nearest(points, return_distance=True)
        order = np.lexsort((line, place))
        first = order[np.unique(place[order], return_index=True)[1]]
        street, access_m = usable[line[first]].astype("int64"), distance[first]
        at_m = shapely.line_locate_point(self.streets.lines[street], points)
        return Snapped(np.where(access_m <= rules.max_access_m, street, NO_STREET), at_m, access_m)

    def minutes(self, origins: Snapped, destinations: Snapped) -> Numbers:
        """Find the shortest times over the streets.

        Every place is made a point of the graph, so that a way may begin and end in the middle of a street, and along
        one street alone. Times are found by Dijkstra's algorithm.
        """
        found = np.full((len(origins.street), len(destinations.street)), np.inf)
        street, at_m = (
            np.concatenate([getattr(side, name)[side.is_on] for side in (origins, destinations)])
            for name in ("street", "at_m")
        )
        graph, place = _graph(self.streets, self.stops.with_more(street, at_m))
        rows, columns = np.flatnonzero(origins.is_on), np.flatnonzero(destinations.is_on)
        ends = place[len(place) - len(street) :]
        starts, row_of = np.unique(ends[: len(rows)], return_inverse=True)
        some = max(1, _AT_ONCE // graph.shape[0])
        for begin in range(0, len(starts), some):
            times = dijkstra(graph, indices=starts[begin : begin + some])[:, ends[len(rows) :]]
            is_here = (row_of >= begin) & (row_of < begin + some)
            found[np.ix_(rows[is_here], columns)] = times[row_of[is_here] - begin]
        return found


def build_network(streets: Streets, rules: RoadRules) -> tuple[Network, list[Finding]]:
    """Join streets where they meet, and say what was joined and what was left."""
    stops, findings = find_junctions(streets, rules)
    # All stops of a street hang together through its first, which is the stop of the street's own number.
    along = np.column_stack([stops.street, np.arange(len(stops))])
    group = components(np.concatenate([stops.links, along]), len(stops))[: len(streets)]
    length = np.bincount(group, weights=streets.length_m)
    rank = np.empty(len(length), dtype="int64")
    rank[np.argsort(-length, kind="stable")] = np.arange(len(length))
    return Network(streets, stops, rank[group]), findings


def access_minutes(snapped: Snapped, rules: RoadRules) -> Numbers:
    """Find the time between places and their streets."""
    minutes: Numbers = snapped.access_m / (rules.access_speed_kph * _METERS_PER_MIN)
    return minutes


def _graph(streets: Streets, stops: Stops) -> tuple[csr_array, Labels]:
    """Make a graph whose edges are the pieces of streets between stops, and give the place of every stop in it."""
    order = np.lexsort((stops.at_m, stops.street))
    a, b = order[:-1], order[1:]
    is_piece = stops.street[a] == stops.street[b]
    a, b = a[is_piece], b[is_piece]
    piece_m = stops.at_m[b] - stops.at_m[a]
    # A place at a junction is that junction: a matrix cannot hold an edge of 0 minutes.
    place = stops.with_links(np.column_stack([a, b])[piece_m <= 0]).places()
    a, b, piece_m = a[piece_m > 0], b[piece_m > 0], piece_m[piece_m > 0]
    street = stops.street[a]
    share = piece_m / streets.length_m[street]
    table = pd.DataFrame(
        {
            "a": np.concatenate([place[a], place[b]]),
            "b": np.concatenate([place[b], place[a]]),
            "minutes": np.concatenate([share * streets.along_min[street], share * streets.against_min[street]]),
        }
    )
    is_way = (table["a"] != table["b"]) & np.isfinite(table["minutes"])
    best = table[is_way].groupby(["a", "b"], as_index=False)["minutes"].min()
    size = int(place.max(initial=-1)) + 1
    pairs = (best["minutes"].to_numpy(), (best["a"].to_numpy(), best["b"].to_numpy()))
    return csr_array(pairs, shape=(size, size)), place


# ── Travel over a network of streets: the minutes, how each place reaches its street, and what cannot be reached

ACCESS_COLUMNS = ("place_id", "row", "access_m", "access_min", "part")
"""Columns of `RoadTravel.access`."""

PART_COLUMNS = ("part", "streets", "length_km", "first_row", "places", "place_ids")
"""Columns of `RoadTravel.parts`."""


@dataclass(frozen=True, eq=False)
class RoadTravel:
    """Minutes over streets, and what they rest on; fields as in `TravelTimes`."""

    minutes: Numbers  # Minutes from each origin to each destination, shape (n, m); infinite where there is no way
    method: str  # How they were measured, in words
    access: pd.DataFrame  # How each place reaches the streets
    parts: pd.DataFrame  # Connected parts of the streets
    findings: tuple[Finding, ...]  # What was joined, what hangs with nothing, and what is too far away


def road_travel(origins: gpd.GeoSeries, destinations: gpd.GeoSeries, streets: Streets, rules: RoadRules) -> RoadTravel:
    """Measure the minutes between places over streets."""
    network, joined = build_network(streets, rules)
    start, goal = (network.snap(side.to_numpy(), rules) for side in (origins, destinations))
    _refuse_out_of_reach(start, goal, rules)
    away, arriving = access_minutes(start, rules), access_minutes(goal, rules)
    minutes = away[:, None] + network.minutes(start, goal) + arriving[None, :]
    is_same = is_same_place(origins, destinations)
    minutes[is_same] = 0.0
    access = pd.concat([_access(origins, start, network, rules), _access(destinations, goal, network, rules)])
    access = access.drop_duplicates(ignore_index=True)
    parts = _parts_with_places(network, access)
    _refuse_no_way(minutes, ~is_same, parts)
    return RoadTravel(
        minutes=minutes,
        method=_method_text(streets, access, rules),
        access=access,
        parts=parts,
        findings=(*joined, *_piece_findings(parts), *_far_findings(access, rules)),
    )


def _access(places: gpd.GeoSeries, snapped: Snapped, network: Network, rules: RoadRules) -> pd.DataFrame:
    is_on = snapped.is_on
    rows = np.full(len(places), None, dtype="object")
    rows[is_on] = network.streets.names(snapped.street[is_on])
    return pd.DataFrame(
        {
            "place_id": places.index.to_numpy(),
            "row": pd.array(rows, dtype="str"),
            "access_m": snapped.access_m,
            "access_min": np.where(is_on, access_minutes(snapped, rules), np.nan),
            "part": pd.array(np.where(is_on, network.part[snapped.street], 0), dtype="Int64"),
        }
    ).assign(part=lambda d: d["part"].where(is_on))


def _parts_with_places(network: Network, access: pd.DataFrame) -> pd.DataFrame:
    ids = access.dropna(subset="part").groupby("part")["place_id"].unique()
    parts = network.parts()
    on = [list(ids.get(part, ())) for part in parts["part"]]
    return parts.assign(places=[len(p) for p in on], place_ids=[";".join(p) for p in on])


def _refuse_out_of_reach(start: Snapped, goal: Snapped, rules: RoadRules) -> None:
    for side, name in ((start, "origins"), (goal, "destinations")):
        if not side.is_on.any():
            nearest = float(side.access_m.min())
            raise GeometryError(
                f"The roads reach none of the {name}.",
                where=_TABLE,
                found=f"the nearest is {nearest:,.0f} m from a road"
                if np.isfinite(nearest)
                else "none in the same area",
                expected=f"places within {rules.max_access_m:,.0f} m of a road (`max_access_m`)",
                remedy="Give the roads of this district, and see that both layers state the CRS they are in.",
            )


def _refuse_no_way(minutes: Numbers, is_other: np.ndarray, parts: pd.DataFrame) -> None:
    if is_other.any() and not np.isfinite(minutes[is_other]).any():
        raise GeometryError(
            "The roads lead from no place to another.",
            where=_TABLE,
            found=f"{count_text(len(parts), 'part')} that do not touch, {(parts['places'] > 0).sum():,} with places",
            expected="roads that share a point where they meet",
            remedy="Raise `join_m`, or set `joins_crossings` for a layer that was never split at its junctions.",
        )


def _method_text(streets: Streets, access: pd.DataFrame, rules: RoadRules) -> str:
    return (
        f"The quickest way over {count_text(len(streets), 'street')} ({streets.length_m.sum() / 1000:,.0f} km), and at "
        f"{rules.access_speed_kph:g} km/h between a place and the nearest point of a street "
        f"(on average {access['access_m'].mean():,.0f} m, at most {access['access_m'].max():,.0f} m); no traffic, "
        "no waiting at turns."
    )


def _piece_findings(parts: pd.DataFrame) -> list[Finding]:
    if len(parts) == 1:
        return []
    smaller = parts.iloc[1:]
    ids = [i for joined in smaller["place_ids"] if joined for i in joined.split(";")]
    head = (
        f"The roads fall into {len(parts):,} parts that do not touch: one of {parts['length_km'].iloc[0]:,.1f} km, the "
        f"others of {smaller['length_km'].sum():,.1f} km together, {smaller['length_km'].max():,.1f} km at most"
    )
    tail = (
        f"; {count_text(len(ids), 'place')} on the others ({name_ids(ids)})."
        if ids
        else "; no place lies on the others."
    )
    return report_rows(
        ids or [f"row {row}" for row in smaller["first_row"]],
        "warning" if ids else "note",
        "road_parts",
        _TABLE,
        head + tail,
        expected="roads that all hang together",
        remedy="Fix the layer where they should touch, raise `join_m`, or set `uses_main_part_only`.",
    )


def _far_findings(access: pd.DataFrame, rules: RoadRules) -> list[Finding]:
    far = access.loc[access["part"].isna(), "place_id"].unique()
    return report_rows(
        far,
        "warning",
        "place_far_from_roads",
        _TABLE,
        f"{count_text(len(far), 'place')} more than {rules.max_access_m:,.0f} m from every road: out of reach.",
        expected=f"places within {rules.max_access_m:,.0f} m of a road (`max_access_m`)",
        remedy="Give the roads around them, or correct their coordinates.",
    )
