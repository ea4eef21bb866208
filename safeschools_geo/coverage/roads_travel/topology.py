"""Where streets meet: ends that nearly touch are joined, and what only crosses, as over a bridge, is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from safeschools_geo.coverage.roads_travel.roads import Labels, Numbers
from safeschools_geo.errors import count_text
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    from safeschools_geo.coverage.roads_travel.roads import Flags, RoadRules, Shapes, Streets
    from safeschools_geo.results import Finding

_TABLE = "roads"


@dataclass(frozen=True, eq=False)
class Stops:
    """Points on streets, k of them, and which of them are one place.

    Parameters
    ----------
    street
        Street each lies on, shape (k,).
    at_m
        Metres along it, shape (k,).
    links
        Pairs of stops that are one place, shape (m, 2).
    """

    street: Labels
    at_m: Numbers
    links: Labels

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.street)

    def with_more(self, street: Labels, at_m: Numbers) -> Stops:
        """Add stops at the end.

        Parameters
        ----------
        street, at_m
            As in `Stops`.

        Returns
        -------
        Stops
            The stops there were, and those.
        """
        return Stops(np.concatenate([self.street, street]), np.concatenate([self.at_m, at_m]), self.links)

    def with_links(self, links: Labels) -> Stops:
        """Join more stops.

        Parameters
        ----------
        links
            Pairs of stops that are one place, shape (m, 2).

        Returns
        -------
        Stops
            The same stops, with those links too.
        """
        return Stops(self.street, self.at_m, np.concatenate([self.links, links.astype("int64")]))

    def places(self) -> Labels:
        """Give a number to the places that the stops are at.

        Returns
        -------
        numpy.ndarray
            Place of each stop, from 0, shape (k,).
        """
        return components(self.links, len(self))


def components(links: Labels, size: int) -> Labels:
    """Give a number to the groups that hang together.

    Parameters
    ----------
    links
        Pairs of things, shape (m, 2).
    size
        Number of things.

    Returns
    -------
    numpy.ndarray
        Group of each thing, from 0, shape (size,).
    """
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(size, size))
    group: Labels = connected_components(graph, directed=False)[1].astype("int64")
    return group


def find_junctions(streets: Streets, rules: RoadRules) -> tuple[Stops, list[Finding]]:
    """Find where streets meet.

    Parameters
    ----------
    streets
        The streets, n of them.
    rules
        How near ends have to be, and whether crossings count.

    Returns
    -------
    stops : Stops
        The first point of every street, the last point of every street, then what lies between.
    findings : list of Finding
        What was joined that the layer leaves apart, and which crossings were left.

    Notes
    -----
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
        *_tell(closed, "road_gaps_closed", "Ends of streets joined over gaps of up to {m:g} m at {places}.", rules),
        *_tell(
            ended, "road_ends_met", "Ends of streets joined to the middle of another within {m:g} m at {places}.", rules
        ),
        *_tell(
            crossings,
            "road_crossings_joined" if rules.joins_crossings else "road_crossings_left",
            "Streets that cross without a common point, "
            + ("joined" if rules.joins_crossings else "taken for bridges and not joined")
            + ", at {places}.",
            rules,
        ),
    ]
    return stops, findings


def _tell(places: int, code: str, message: str, rules: RoadRules) -> list[Finding]:
    return tell(
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
    """Say whether street a meets street b within a few metres of a point of a."""
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
