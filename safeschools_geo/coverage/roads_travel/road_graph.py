"""A network of streets: its connected parts, the street nearest to each place, and the quickest ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from safeschools_geo.coverage.roads_travel.roads import Labels, Numbers, Streets
from safeschools_geo.coverage.roads_travel.topology import Stops, components, find_junctions

if TYPE_CHECKING:
    from safeschools_geo.coverage.roads_travel.roads import Flags, RoadRules, Shapes
    from safeschools_geo.results import Finding

_METRES_PER_MIN = 1000 / 60
"""Metres that are driven in a minute at 1 km/h."""

_AT_ONCE = 2**24
"""Times from origins to junctions that are held in memory at once: 128 MB."""

NO_STREET = -1
"""Stands for a place that is too far from every street."""


@dataclass(frozen=True, eq=False)
class Snapped:
    """Where n places reach the streets.

    Parameters
    ----------
    street
        Street of each, `NO_STREET` where it is too far from all, shape (n,).
    at_m
        Metres along it, shape (n,).
    access_m
        Metres from the place to the nearest point of its street, or of the nearest where that is too far, shape (n,).
    """

    street: Labels
    at_m: Numbers
    access_m: Numbers

    @property
    def is_on(self) -> Flags:
        """Which places have a street, shape (n,)."""
        on: Flags = self.street != NO_STREET
        return on


@dataclass(frozen=True, eq=False)
class Network:
    """Streets that are joined where they meet.

    Parameters
    ----------
    streets
        The streets, n of them.
    stops
        Where they begin, end and meet.
    part
        Connected part of each street, shape (n,): 0 is the longest.
    """

    streets: Streets
    stops: Stops
    part: Labels

    def parts(self) -> pd.DataFrame:
        """Describe the connected parts.

        Returns
        -------
        pandas.DataFrame
            One row for each, the longest first: `part` (from 0), `streets`, `length_km`, `first_row` (label of the row
            of the layer that its first street comes from).
        """
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
        """Lead places to their nearest streets.

        Parameters
        ----------
        points
            Points in the CRS of the streets, shape (n,).
        rules
            How far a place may be, and whether only the main part counts.

        Returns
        -------
        Snapped
            The nearest point on the nearest street, not only at its ends; of several as near, the first street.
        """
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

        Parameters
        ----------
        origins, destinations
            Where n and m places reach the streets.

        Returns
        -------
        numpy.ndarray
            Minutes from street to street, shape (n, m), infinite where there is no way.

        Notes
        -----
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
    """Join streets where they meet.

    Parameters
    ----------
    streets
        The streets, at least one.
    rules
        How near ends have to be, and whether crossings count.

    Returns
    -------
    network : Network
        The network.
    findings : list of Finding
        What was joined and what was left.
    """
    stops, findings = find_junctions(streets, rules)
    # All stops of a street hang together through its first, which is the stop of the street's own number.
    along = np.column_stack([stops.street, np.arange(len(stops))])
    group = components(np.concatenate([stops.links, along]), len(stops))[: len(streets)]
    length = np.bincount(group, weights=streets.length_m)
    rank = np.empty(len(length), dtype="int64")
    rank[np.argsort(-length, kind="stable")] = np.arange(len(length))
    return Network(streets, stops, rank[group]), findings


def access_minutes(snapped: Snapped, rules: RoadRules) -> Numbers:
    """Find the time between places and their streets.

    Parameters
    ----------
    snapped
        Where n places reach the streets.
    rules
        The speed.

    Returns
    -------
    numpy.ndarray
        Minutes, shape (n,).
    """
    minutes: Numbers = snapped.access_m / (rules.access_speed_kph * _METRES_PER_MIN)
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
