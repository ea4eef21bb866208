"""The zone of each point and campus, with how it was decided; ties by one rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely import GeometryType

from safeschools_geo.assign._locator import ZoneLookup, brought_to, checked_zones
from safeschools_geo.errors import ColumnError
from safeschools_geo.schemas import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from pandas.api.extensions import ExtensionArray

    from safeschools_geo.assign._locator import ZoneShapes


# ── Ties: which of several zones gets a place, and the table that says so


@dataclass(frozen=True)
class Candidates:
    """Pairs of a place and a zone it could belong to."""

    place: NDArray[np.int64]  # Position of the place, shape (p,)
    zone: NDArray[np.int64]  # Number of the zone, shape (p,)

    @classmethod
    def joined(cls, *several: Candidates) -> Candidates:
        """Gather pairs, each once, by place and then in the order of the zones."""
        place, zone = (np.concatenate([getattr(c, name) for c in several]) for name in ("place", "zone"))
        base = zone.max(initial=0) + 1
        return cls(*np.divmod(np.unique(place * base + zone), base))

    def of(self, is_wanted: NDArray[np.bool_]) -> Candidates:
        """Take the pairs of some places."""
        return self.where(is_wanted[self.place])

    def where(self, is_wanted: NDArray[np.bool_]) -> Candidates:
        """Take some pairs."""
        return Candidates(self.place[is_wanted], self.zone[is_wanted])

    def at(self, positions: NDArray[np.int64]) -> Candidates:
        """Give the places other positions."""
        return Candidates(positions[self.place], self.zone)

    def count(self, n: int) -> NDArray[np.int64]:
        """Count the pairs of each place."""
        return np.bincount(self.place, minlength=n)


@dataclass(frozen=True)
class Decision:
    """What is known of n places once every zone has been asked."""

    status: NDArray[np.int64]  # Position in `schemas.STATUSES`, shape (n,)
    distance_m: NDArray[np.float64]  # Meters to the nearest zone, shape (n,)
    only: NDArray[np.int32]  # Number of the zone of places with one candidate, shape (n,), int32; -1 for places without
    listed: Candidates  # Candidates of the other places, sorted
    tied: Candidates  # Those of them that nothing but the tie sets apart, sorted; for points, all

    def replaced(self, positions: NDArray[np.int64], other: Decision) -> Decision:
        """Put the decision on other places in the stead of some without a location."""
        changed = {name: getattr(self, name).copy() for name in ("status", "distance_m", "only")}
        for name, values in changed.items():
            values[positions] = getattr(other, name)
        return replace(
            self,
            **changed,
            listed=Candidates.joined(self.listed, other.listed.at(positions)),
            tied=Candidates.joined(self.tied, other.tied.at(positions)),
        )

    def table(self, index: pd.Index, ids: NDArray[np.object_], before: NDArray[np.int64]) -> pd.DataFrame:
        """Settle every tie and write the table."""
        chosen = self.only.astype(np.int64)
        place, zone = self.tied.place, self.tied.zone
        # Backwards, so that the first candidate is written last.
        chosen[place[::-1]] = zone[::-1]
        is_before = before[place] == zone
        chosen[place[is_before]] = zone[is_before]
        columns = {
            # -1 takes the last.
            "zone_id": _texts([*ids, ""], chosen),
            "status": _texts(list(STATUSES), self.status),
            "distance_m": self.distance_m,
            "candidates": self._candidates(ids),
        }
        return pd.DataFrame(columns, index=index)

    def _candidates(self, ids: NDArray[np.object_]) -> ExtensionArray:
        starts = np.flatnonzero(np.diff(self.listed.place, prepend=-1))
        groups = np.split(self.listed.zone, starts[1:])[: len(starts)]
        which = np.where(self.only < 0, -1, self.only + len(groups)).astype(np.int64)
        which[self.listed.place[starts]] = np.arange(len(groups))
        return _texts([*(";".join(ids[zones]) for zones in groups), *ids, ""], which)


def status_codes(states: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Give each place the first status that holds for it, else ``outside``."""
    code = {status: number for number, status in enumerate(STATUSES)}
    return np.select(list(states.values()), [code[s] for s in states], code["outside"])


def earlier_zones(previous: pd.Series | None, index: pd.Index, ids: NDArray[np.object_]) -> NDArray[np.int64]:
    """Bring earlier zones into the order of the places."""
    if previous is None:
        return np.full(len(index), -1)
    if not previous.index.equals(index):
        if not (previous.index.is_unique and index.is_unique):
            raise ColumnError(
                "The earlier zones cannot be matched to the places: labels repeat.",
                where="previous",
                ids=dict.fromkeys([*previous.index[previous.index.duplicated()], *index[index.duplicated()]]),
                expected="the index of the places",
                remedy="Give `previous` on the very index of the places.",
            )
        previous = previous.reindex(index)
    return pd.Index(ids, dtype="str").get_indexer(pd.Index(previous, dtype="str")).astype(np.int64)


def _texts(texts: list[str], which: NDArray[np.int64]) -> ExtensionArray:
    return pd.array(texts, dtype="str").take(which)


# ── The edges of zones, each by itself, to find which are near a point

_NONE = Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
_CHUNK = 1 << 17
"""Points asked for at a time, as geometries of some hundred bytes each."""


class ZoneEdges:
    """A tree of all edges of zones, in a CRS in meters."""

    def __init__(self, shapes: ZoneShapes) -> None:
        self._zone = shapes.zone_of_edge
        ends = np.stack([shapes.starts, shapes.ends], axis=1)
        self._tree = shapely.STRtree(np.asarray(shapely.linestrings(ends)))

    def near(
        self, x: NDArray[np.float64], y: NDArray[np.float64], asked: NDArray[np.int64], distance_m: float
    ) -> Candidates:
        """Find the zones that have an edge near a point."""
        pairs = [_NONE]
        for start in range(0, len(asked), _CHUNK):
            part = asked[start : start + _CHUNK]
            at, edge = self._tree.query(shapely.points(x[part], y[part]), predicate="dwithin", distance=distance_m)
            pairs.append(Candidates.joined(Candidates(part[at], self._zone[edge])))
        return Candidates.joined(*pairs)

    def nearest(
        self, x: NDArray[np.float64], y: NDArray[np.float64], asked: NDArray[np.int64]
    ) -> tuple[Candidates, NDArray[np.float64]]:
        """Find the zones whose edges are nearest to each point.

        These points with the zones that are nearest, several where they are equally near. Distances of all points,
        shape (n,); NaN for those not asked for, and where there are no zones.
        """
        pairs = [_NONE]
        distance_m = np.full(len(x), np.nan)
        for start in range(0, len(asked), _CHUNK):
            part = asked[start : start + _CHUNK]
            (at, edge), meters = self._tree.query_nearest(
                shapely.points(x[part], y[part]), return_distance=True, all_matches=True
            )
            distance_m[part[at]] = meters
            pairs.append(Candidates(part[at], self._zone[edge]))
        return Candidates.joined(*pairs), distance_m


# ── Meters from many points to the nearest edge: cells of points share the few edges that can be nearest in them

_FEWEST_FOR_CELLS = 2_000
_POINTS_A_CELL = 12
_DEEPEST = 9
_PAIRS = 1 << 20
_SHORT = 1 << 16
"""Pairs of a point and an edge measured at a time."""

_SLACK = 1e-9


class NearestEdges:
    """Distances to the nearest edge of zones in a CRS in meters, the same that GEOS measures.

    The plane is cut in four, and again, down to cells of some points. In a cell, an edge is never the nearest if the
    four corners are all farther from it than from one same point of another edge: for two fixed points, the difference
    of the squared distances is linear, so what holds at the corners holds in the whole cell.
    """

    def __init__(self, shapes: ZoneShapes) -> None:
        self._ax, self._ay = np.ascontiguousarray(shapes.starts.T)
        self._bx, self._by = np.ascontiguousarray(shapes.ends.T)

    def distances(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Measure from each point; there are edges, and every point has a place."""
        depth = int(np.clip(np.log2(max(len(x) / _POINTS_A_CELL, 1)) / 2, 0, _DEEPEST))
        low = np.array([x.min(), y.min()])
        side = max(float(np.ptp(x)), float(np.ptp(y)), 1e-3) * (1 + _SLACK)
        cells = 1 << depth
        column, row = ((v - v0) / side * cells for v, v0 in ((x, low[0]), (y, low[1])))
        place = np.stack([np.clip(v.astype(np.int64), 0, cells - 1) for v in (column, row)])
        edges, first = np.arange(len(self._ax)), np.array([0, len(self._ax)])
        held = np.zeros(1, dtype=np.int64)
        for level in range(depth + 1):
            at = place >> (depth - level)
            code = (at[0] << level) + at[1]
            is_found = np.zeros(1 << 2 * level, dtype=np.bool_)
            is_found[code] = True
            found = np.flatnonzero(is_found)
            if level:
                parents = ((found >> (level + 1)) << (level - 1)) + ((found & ((1 << level) - 1)) >> 1)
                which = np.searchsorted(held, parents)
                pair, of = _spread(first[which], first[which + 1])
                edges = edges[pair]
            else:
                of = np.zeros(len(edges), dtype=np.int64)
            held = found
            width = side / (1 << level)
            corner_x, corner_y = low[0] + (found >> level) * width, low[1] + (found & ((1 << level) - 1)) * width
            is_kept = self._may_be_nearest(edges, of, corner_x, corner_y, width)
            edges, of = edges[is_kept], of[is_kept]
            first = np.searchsorted(of, np.arange(len(found) + 1))
        return self._measured(x, y, (np.cumsum(is_found) - 1)[code], edges, first)

    def _may_be_nearest(
        self,
        edges: NDArray[np.int64],
        cell: NDArray[np.int64],
        corner_x: NDArray[np.float64],
        corner_y: NDArray[np.float64],
        width: float,
    ) -> NDArray[np.bool_]:
        """Rule out the edges of each cell that are nowhere in it the nearest; pairs come cell by cell."""
        first = np.searchsorted(cell, np.arange(len(corner_x)))
        x, y = self._on_edge(edges, (corner_x + width / 2)[cell], (corner_y + width / 2)[cell])
        squared = (x - (corner_x + width / 2)[cell]) ** 2 + (y - (corner_y + width / 2)[cell]) ** 2
        least = np.flatnonzero(squared <= np.minimum.reduceat(squared, first)[cell])
        least = least[np.diff(cell[least], prepend=-1) > 0]
        near_x, near_y = x[least], y[least]
        is_kept = np.zeros(len(edges), dtype=np.bool_)
        rim = width * 1e-6
        for across in (-rim, width + rim):
            for up in (-rim, width + rim):
                px, py = corner_x + across, corner_y + up
                limit = ((near_x - px) ** 2 + (near_y - py) ** 2) * (1 + _SLACK) + _SLACK
                left = np.flatnonzero(~is_kept)
                to = cell[left]
                x, y = self._on_edge(edges[left], px[to], py[to])
                is_kept[left] = (x - px[to]) ** 2 + (y - py[to]) ** 2 <= limit[to]
        return is_kept

    def _on_edge(
        self, edges: NDArray[np.int64], px: NDArray[np.float64], py: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the point of each edge that is nearest to a place."""
        ax, ay = self._ax[edges], self._ay[edges]
        dx, dy = self._bx[edges] - ax, self._by[edges] - ay
        along = np.clip(((px - ax) * dx + (py - ay) * dy) / np.maximum(dx * dx + dy * dy, 1e-300), 0, 1)
        return ax + along * dx, ay + along * dy

    def _measured(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        cell: NDArray[np.int64],
        edges: NDArray[np.int64],
        first: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        # Numbers of 16 bits are sorted without comparing them.
        order = np.argsort(cell.astype(np.uint16) if len(first) < _SHORT else cell, kind="stable")
        cell = cell[order]
        ends = np.cumsum(first[cell + 1] - first[cell])
        distance_m = np.empty(len(x))
        start = 0
        while start < len(x):
            taken = ends[start - 1] if start else 0
            stop = max(int(np.searchsorted(ends, taken + _PAIRS, side="right")), start + 1)
            part, of_cell = order[start:stop], cell[start:stop]
            pair, of = _spread(first[of_cell], first[of_cell + 1])
            meters = self._meters(edges[pair], x[part][of], y[part][of])
            distance_m[part] = np.minimum.reduceat(
                meters, ends[start:stop] - taken - np.diff(ends[start:stop], prepend=taken)
            )
            start = stop
        return distance_m

    def _meters(
        self, edges: NDArray[np.int64], px: NDArray[np.float64], py: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Measure as GEOS does, operation for operation, so that the last digit is the same."""
        ax, ay, bx, by = self._ax[edges], self._ay[edges], self._bx[edges], self._by[edges]
        dx, dy = bx - ax, by - ay
        squared = dx * dx + dy * dy
        is_dot = squared == 0
        length = np.where(is_dot, 1.0, squared)
        along = ((px - ax) * dx + (py - ay) * dy) / length
        across = np.abs(((ay - py) * dx - (ax - px) * dy) / length) * np.sqrt(squared)
        from_start = np.sqrt((px - ax) * (px - ax) + (py - ay) * (py - ay))
        from_end = np.sqrt((px - bx) * (px - bx) + (py - by) * (py - by))
        measured: NDArray[np.float64] = np.where(
            is_dot | (along <= 0), from_start, np.where(along >= 1, from_end, across)
        )
        return measured


def _spread(low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the numbers from each `low` up to its `high`, and which pair each came from."""
    count = high - low
    which = np.repeat(np.arange(len(low)), count)
    return np.arange(len(which)) - np.repeat(np.cumsum(count) - count - low, count), which


# ── The zone of each point, with how it was decided

BORDER_M = 0.5
"""How near a point must be to an edge that two zones share to be on their border, in meters."""

_INTERIORS_MEET = "T********"


def assign_points(
    points: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    max_snap_m: float = 0.0,
    previous: pd.Series | None = None,
) -> pd.DataFrame:
    """Assign each point to a zone.

    Parameters
    ----------
    points
        Points with a CRS; missing and empty geometry is allowed, and so are labels that repeat.
    zones
        Polygons with `zone_id` and a CRS; pieces that share an id are one zone.
    max_snap_m
        Meters outside every zone at which a point still gets the nearest.
    previous
        Zone of each point before, on the index of `points`: a tie is decided for it where it is among the candidates,
        else for the first candidate in the order of `zones`.

    Returns
    -------
    pandas.DataFrame
        Table `assignments`, exactly one row for each point, in the order and on the index of `points`. `status`:

        - ``boundary``: within 0.5 m of an edge that two zones share; `candidates` are all zones so near, and those
          that the point is inside of;
        - ``overlap``: inside two zones or more, which are the candidates;
        - ``inside``: inside one zone, its outer edge included;
        - ``nearest``: outside every zone, at most `max_snap_m` from the nearest; equally near ones are candidates;
        - ``outside``: farther than that, or there are no zones; ``no_location``: no usable coordinates.

        `distance_m` is 0 for the first three, missing without a location or without zones, and else the distance to
        the nearest zone. `zone_id` and `candidates` are empty where there is none.

    Raises
    ------
    CRSError
        When either layer states no CRS.
    ColumnError, GeometryError
        When zones lack ids or are not valid polygons, or when a geometry of `points` is not a point.
    SettingsError
        When `max_snap_m` is negative.
    SeveralFaultsError
        When several of these are wrong.

    Notes
    -----
    Two zones share an edge where each has one within 0.5 m of the point, so that a border drawn twice, with a sliver
    of gap or overlap between, is one border. The outer edge of one zone is no shared edge. Everything is measured in
    the CRS of the zones if that is projected and in meters, else in their UTM zone; a zone's edge is the straight line
    of its own CRS.
    """
    shapes, crs = checked_zones(points, zones, name="points", types=[GeometryType.POINT], max_snap_m=max_snap_m)
    before = earlier_zones(previous, points.index, shapes.ids)
    x, y = coordinates(points.geometry, crs)
    return decide_points(x, y, shapes, max_snap_m).table(points.index, shapes.ids, before)


def coordinates(points: gpd.GeoSeries, crs: CRS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the coordinates of points."""
    geometry = points.to_numpy()
    has_coordinates = (shapely.get_type_id(geometry) == GeometryType.POINT) & ~shapely.is_empty(geometry)
    xy = np.full((len(geometry), 2), np.nan)
    xy[has_coordinates] = shapely.get_coordinates(geometry[has_coordinates])
    x, y = xy.T
    own = CRS(points.crs)
    if not own.equals(crs, ignore_axis_order=True):
        x, y = Transformer.from_crs(own, crs, always_xy=True).transform(x, y)
    is_lost = ~(np.isfinite(x) & np.isfinite(y))
    return np.where(is_lost, np.nan, x), np.where(is_lost, np.nan, y)


def decide_points(x: NDArray[np.float64], y: NDArray[np.float64], shapes: ZoneShapes, max_snap_m: float) -> Decision:
    """Find status, distance and candidates of points."""
    lookup, edges, is_placed = ZoneLookup(shapes, reach=BORDER_M), ZoneEdges(shapes), ~np.isnan(x)
    first = lookup.numbers(x, y)
    near = edges.near(x, y, np.flatnonzero(is_placed & lookup.may_be_near_edge(x, y)), BORDER_M)
    is_border = near.count(len(x)) > 1
    covering = _overlapping(x, y, first, shapes)
    is_out = is_placed & (first < 0) & ~is_border
    nearest, meters = _nearest_zones(x, y, is_out, shapes, max_snap_m)
    distance_m = np.where(is_placed & ~is_out, 0.0, meters)
    is_snapped = is_out & (distance_m <= max_snap_m)
    states = {
        "no_location": ~is_placed,
        "boundary": is_border,
        "overlap": covering.count(len(x)) > 1,
        "inside": first >= 0,
        "nearest": is_snapped,
    }
    on_border = np.flatnonzero(is_border & (first >= 0))
    candidates = Candidates.joined(
        Candidates(on_border, first[on_border].astype(np.int64)),
        near.of(is_border),
        covering,
        nearest.of(is_snapped),
    )
    return Decision(status_codes(states), distance_m, first, listed=candidates, tied=candidates)


def _nearest_zones(
    x: NDArray[np.float64], y: NDArray[np.float64], is_asked: NDArray[np.bool_], shapes: ZoneShapes, max_snap_m: float
) -> tuple[Candidates, NDArray[np.float64]]:
    """Find how far the nearest zone is, and which it is where it may be near enough."""
    asked, edges = np.flatnonzero(is_asked), ZoneEdges(shapes)
    if len(asked) < _FEWEST_FOR_CELLS or not len(shapes.starts):
        return edges.nearest(x, y, asked)
    meters = NearestEdges(shapes).distances(x[asked], y[asked])
    nearest, distance_m = edges.nearest(x, y, asked[meters <= max_snap_m * (1 + _SLACK)])
    is_open = np.isnan(distance_m[asked])
    distance_m[asked[is_open]] = meters[is_open]
    return nearest, distance_m


def _overlapping(
    x: NDArray[np.float64], y: NDArray[np.float64], first: NDArray[np.int32], shapes: ZoneShapes
) -> Candidates:
    """Pair the points inside several zones with all of these; points on the edges of all but one may be left out."""
    one, other = shapely.STRtree(shapes.polygons).query(shapes.polygons, predicate="intersects")
    one, other = one[one < other], other[one < other]
    is_overlap = shapely.relate_pattern(shapes.polygons[one], shapes.polygons[other], _INTERIORS_MEET)
    if not is_overlap.any():
        return Candidates(one[:0], one[:0])
    by_zone = np.argsort(first, kind="stable")
    limits = np.searchsorted(first[by_zone], np.arange(len(shapes.ids) + 1))
    pairs = [Candidates(by_zone[:0], by_zone[:0])]
    for a, b in zip(one[is_overlap], other[is_overlap], strict=True):
        at = by_zone[limits[a] : limits[a + 1]]
        at = at[shapely.intersects_xy(shapes.polygons[b], x[at], y[at])]
        pairs += [Candidates(at, np.full(len(at), a)), Candidates(at, np.full(len(at), b))]
    return Candidates.joined(*pairs)


# ── The zone of each campus: of the largest share of its area, with the shares

_SLIVER = 0.0005
"""Shares below this, 0.05 % of the campus, are slivers of drawing."""

_EQUAL = 1e-9
"""Shares that differ by no more are equal."""

_AREAS = [GeometryType.POLYGON, GeometryType.MULTIPOLYGON]


def assign_campuses(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    max_snap_m: float = 0.0,
    previous: pd.Series | None = None,
) -> pd.DataFrame:
    """Assign schools, given as points or as campuses, to zones.

    Parameters
    ----------
    schools
        Points, polygons, or both, with a CRS; missing geometry is allowed.
    zones
        Polygons with `zone_id` and a CRS; pieces that share an id are one zone.
    max_snap_m
        Meters outside every zone at which a school still gets the nearest.
    previous
        Zone of each school before, on the index of `schools`, which decides ties.

    Returns
    -------
    pandas.DataFrame
        Table `assignments` with `shares`, one row for each school, in the order and on the index of `schools`. A point
        is assigned as `assign_points` does and has no shares. A campus belongs to the zone with the largest share of
        its area; of shares within 1e-9 of each other the previous zone's counts, else the first in the order of
        `zones`. `shares` are those of its zones of at least 0.0005, as in ``3:0.8200;4:0.1800``; the same zones are
        the candidates. `status`:

        - ``overlap``: the shares of zones add up to more than 1.0005, so that zones overlap on the campus;
        - ``inside``: one zone has 0.9995 of it or more;
        - ``boundary``: it is split between zones, or between a zone and no zone;
        - ``nearest``, ``outside``, ``no_location``: no zone has 0.0005 of it; as for points.

        `distance_m` is 0 for the first three.

    Raises
    ------
    CRSError, ColumnError, GeometryError, SettingsError
        As `assign_points`; also when a campus is not a valid polygon.
    """
    types = [GeometryType.POINT, *_AREAS]
    shapes, crs = checked_zones(schools, zones, name="schools", types=types, max_snap_m=max_snap_m)
    geometry = schools.geometry.to_numpy()
    is_area = np.isin(shapely.get_type_id(geometry), _AREAS) & ~shapely.is_empty(geometry)
    before = earlier_zones(previous, schools.index, shapes.ids)
    x, y = coordinates(schools.geometry, crs)
    areas, shares = _decide_areas(brought_to(schools.geometry[is_area], crs), shapes, max_snap_m)
    decision = decide_points(x, y, shapes, max_snap_m).replaced(np.flatnonzero(is_area), areas)
    texts = np.full(len(schools), "", dtype=object)
    texts[is_area] = shares
    return decision.table(schools.index, shapes.ids, before).assign(shares=pd.array(texts, dtype="str"))


def _decide_areas(
    areas: NDArray[np.object_], shapes: ZoneShapes, max_snap_m: float
) -> tuple[Decision, NDArray[np.object_]]:
    """Decide each campus by its shares, and write these down."""
    pairs, share = _shares(areas, shapes)
    most, total = np.zeros(len(areas)), np.bincount(pairs.place, share, minlength=len(areas))
    np.maximum.at(most, pairs.place, share)
    is_held, is_listed = most >= _SLIVER, share >= _SLIVER
    nearest, meters = _nearest(areas, shapes, np.flatnonzero(~is_held))
    # A campus that only touches a zone is no meters away from it, and yet has to be snapped.
    is_snapped = (max_snap_m > 0) & (meters <= max_snap_m)
    states = {
        "overlap": is_held & (total > 1 + _SLIVER),
        "inside": most >= 1 - _SLIVER,
        "boundary": is_held,
        "nearest": is_snapped,
    }
    decision = Decision(
        status_codes(states),
        np.where(is_held, 0.0, meters),
        np.full(len(areas), -1, dtype=np.int32),
        listed=Candidates.joined(pairs.where(is_listed), nearest.of(is_snapped)),
        tied=Candidates.joined(pairs.where(is_listed & (share >= most[pairs.place] - _EQUAL)), nearest.of(is_snapped)),
    )
    return decision, _written(pairs.where(is_listed), share[is_listed], shapes, len(areas))


def _shares(areas: NDArray[np.object_], shapes: ZoneShapes) -> tuple[Candidates, NDArray[np.float64]]:
    place, zone = shapely.STRtree(shapes.polygons).query(areas, predicate="intersects")
    pairs = Candidates.joined(Candidates(place, zone))
    common = shapely.intersection(areas[pairs.place], shapes.polygons[pairs.zone])
    return pairs, shapely.area(common) / shapely.area(areas[pairs.place])


def _nearest(
    areas: NDArray[np.object_], shapes: ZoneShapes, asked: NDArray[np.int64]
) -> tuple[Candidates, NDArray[np.float64]]:
    (at, zone), meters = shapely.STRtree(shapes.polygons).query_nearest(areas[asked], return_distance=True)
    distance_m = np.full(len(areas), np.nan)
    distance_m[asked[at]] = meters
    return Candidates(asked[at], zone), distance_m


def _written(pairs: Candidates, share: NDArray[np.float64], shapes: ZoneShapes, n: int) -> NDArray[np.object_]:
    """Write the shares of each of n campuses, as in ``3:0.8200;4:0.1800``."""
    texts = pd.Series([f"{shapes.ids[z]}:{s:.4f}" for z, s in zip(pairs.zone, share, strict=True)], dtype="object")
    joined = texts.groupby(pairs.place).agg(";".join)
    return joined.reindex(range(n), fill_value="").to_numpy(dtype=object)
