"""The zone of each point, with how it was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer
from shapely import GeometryType

from safeschools_geo.assign.door import checked_zones
from safeschools_geo.assign.edges import ZoneEdges
from safeschools_geo.assign.lookup import ZoneLookup
from safeschools_geo.assign.ties import Candidates, Decision, earlier_zones, status_codes

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from safeschools_geo.assign.shapes import ZoneShapes

BORDER_M = 0.5
"""How near a point must be to an edge that two zones share to be on their border, in metres."""

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
        Metres outside every zone at which a point still gets the nearest.
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
    the CRS of the zones if that is projected and in metres, else in their UTM zone; a zone's edge is the straight line
    of its own CRS.
    """
    shapes, crs = checked_zones(points, zones, name="points", types=[GeometryType.POINT], max_snap_m=max_snap_m)
    before = earlier_zones(previous, points.index, shapes.ids)
    x, y = coordinates(points.geometry, crs)
    return decide_points(x, y, shapes, max_snap_m).table(points.index, shapes.ids, before)


def coordinates(points: gpd.GeoSeries, crs: CRS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the coordinates of points.

    Parameters
    ----------
    points
        Points with a CRS; whatever else there is has no coordinates.
    crs
        CRS to bring them to.

    Returns
    -------
    tuple of numpy.ndarray
        x and y in `crs`, shape (n,); NaN both where either is not finite.
    """
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
    """Find status, distance and candidates of points.

    Parameters
    ----------
    x, y
        Coordinates in the CRS of the zones, in metres, shape (n,); NaN both for no location.
    shapes
        The zones.
    max_snap_m
        Metres outside every zone at which a point still gets the nearest.

    Returns
    -------
    Decision
        What is known of each point.
    """
    lookup, edges, is_placed = ZoneLookup(shapes, reach=BORDER_M), ZoneEdges(shapes), ~np.isnan(x)
    first = lookup.numbers(x, y)
    near = edges.near(x, y, np.flatnonzero(is_placed & lookup.may_be_near_edge(x, y)), BORDER_M)
    is_border = near.count(len(x)) > 1
    covering = _overlapping(x, y, first, shapes)
    is_out = is_placed & (first < 0) & ~is_border
    nearest, metres = edges.nearest(x, y, np.flatnonzero(is_out))
    distance_m = np.where(is_placed & ~is_out, 0.0, metres)
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


def _overlapping(
    x: NDArray[np.float64], y: NDArray[np.float64], first: NDArray[np.int32], shapes: ZoneShapes
) -> Candidates:
    """Pair the points inside several zones with all of these; points on the edges of all but one may be left out."""
    one, other = shapely.STRtree(shapes.polygons).query(shapes.polygons, predicate="intersects")
    one, other = one[one < other], other[one < other]
    is_overlap = shapely.relate_pattern(shapes.polygons[one], shapes.polygons[other], _INTERIORS_MEET)
    by_zone = np.argsort(first, kind="stable")
    limits = np.searchsorted(first[by_zone], np.arange(len(shapes.ids) + 1))
    pairs = [Candidates(by_zone[:0], by_zone[:0])]
    for a, b in zip(one[is_overlap], other[is_overlap], strict=True):
        at = by_zone[limits[a] : limits[a + 1]]
        at = at[shapely.intersects_xy(shapes.polygons[b], x[at], y[at])]
        pairs += [Candidates(at, np.full(len(at), a)), Candidates(at, np.full(len(at), b))]
    return Candidates.joined(*pairs)
