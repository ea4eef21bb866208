"""The zone of each point, with how it was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from safeschools_geo.assign.locator import ZoneLocator
from safeschools_geo.assign.shapes import ZoneShapes
from safeschools_geo.crs import measuring_crs, require_same_crs
from safeschools_geo.errors import ColumnError, GeometryError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

BORDER_M = 0.5
"""How near a point must be to an edge that two zones share to be on their border, in metres."""


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
        Points with a CRS; missing and empty geometry is allowed.
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
        Table `assignments`, exactly one row for each point, on the index of `points`. `status`:

        - ``boundary``: within 0.5 m of an edge that two zones share, that is, of the edges of two zones at least, so
          that borders drawn twice with a small gap or overlap count as one; candidates are all zones so near;
        - ``overlap``: inside two zones or more;
        - ``inside``: inside one zone, its outer edge included;
        - ``nearest``: outside every zone, at most `max_snap_m` from the nearest;
        - ``outside``: farther; ``no_location``: no usable coordinates.

        `distance_m` is 0 inside a zone, else the distance to the nearest zone.

    Raises
    ------
    CRSError
        When either layer states no CRS.
    ColumnError, GeometryError
        When zones lack ids or are not valid polygons, or when a geometry of `points` is not a point.
    """
    require_same_crs(points, zones, names=("points", "zones"))
    metric = metric_zones(zones)
    shapes = ZoneShapes.of(metric)
    located, has_place = _coordinates(points, metric.crs)
    pairs, status, distance = _decide(located[has_place], metric, shapes, max_snap_m)
    rows = np.flatnonzero(has_place)
    pairs = pairs.assign(row=rows[pairs["point"]], id=shapes.ids[pairs["zone"]])
    before = None if previous is None else aligned(previous, points.index)
    table = _chosen(points.index, pairs, before)
    table.iloc[rows, [1, 2]] = pd.DataFrame({"status": status, "distance_m": distance})
    return table.astype({"zone_id": "str", "status": "str", "candidates": "str"})


def aligned(previous: pd.Series, index: pd.Index) -> NDArray[np.object_]:
    """Bring earlier zones into the order of the points.

    Parameters
    ----------
    previous
        Zone ids by the labels of `index`.
    index
        Index of the points.

    Returns
    -------
    numpy.ndarray
        Zone of each point before, shape (n,); missing where there was none.

    Raises
    ------
    ColumnError
        When labels repeat and the two indexes are not the same, so that it cannot be told whose zone is whose.
    """
    if previous.index.equals(index):
        return previous.to_numpy(dtype=object)
    if not (previous.index.is_unique and index.is_unique):
        raise ColumnError(
            "The earlier zones cannot be matched to the points: labels repeat.",
            where="previous",
            expected="the index of the points",
            remedy="Give `previous` on the very index of the points.",
        )
    return previous.reindex(index).to_numpy(dtype=object)


def metric_zones(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring zones to a projected CRS in metres.

    Parameters
    ----------
    zones
        Polygons with a CRS.

    Returns
    -------
    geopandas.GeoDataFrame
        The same if they are in metres already, else in the UTM zone of their centre.
    """
    crs = CRS(zones.crs)
    if crs.is_projected and crs.axis_info[0].unit_conversion_factor == 1.0:
        return zones
    return zones.to_crs(measuring_crs(zones)) if len(zones) else zones


def _coordinates(points: gpd.GeoDataFrame, crs: CRS) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    shapes = points.geometry.to_numpy()
    is_present = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    is_point = shapely.get_type_id(shapes) == 0
    if (is_present & ~is_point).any():
        wrong = is_present & ~is_point
        raise GeometryError(
            "Only points can be assigned as points.",
            where="points",
            ids=[str(i) for i in points.index[wrong]],
            found=", ".join(sorted({s.geom_type for s in shapes[wrong]})),
            expected="points",
            remedy="Use `assign_campuses` for campuses drawn as polygons, or their representative points.",
        )
    xy = np.full((len(shapes), 2), np.nan)
    same = CRS(points.crs).equals(crs, ignore_axis_order=True)
    moved = points.geometry if same else points.geometry.to_crs(crs)
    xy[is_present] = shapely.get_coordinates(moved.to_numpy()[is_present])
    return xy, np.isfinite(xy).all(axis=1)


def _decide(
    xy: NDArray[np.float64], metric: gpd.GeoDataFrame, shapes: ZoneShapes, max_snap_m: float
) -> tuple[pd.DataFrame, NDArray[np.object_], NDArray[np.float64]]:
    """Find candidates (rows of point and zone number), status and distance of each point with a place."""
    status = np.full(len(xy), "outside", dtype=object)
    distance = np.zeros(len(xy))
    if not len(xy) or not len(shapes.polygons):
        distance[:] = np.nan
        return pd.DataFrame({"point": [], "zone": []}, dtype="int64"), status, distance
    covering = _covering(xy, metric, shapes)
    near = _near_edges(xy, shapes)
    times_covered = np.bincount(covering["point"], minlength=len(xy))
    is_border = np.bincount(near["point"], minlength=len(xy)) > 1
    status[times_covered == 1] = "inside"
    status[times_covered > 1] = "overlap"
    status[is_border] = "boundary"
    is_out = (times_covered == 0) & ~is_border
    nearest, distance[is_out] = _nearest(xy, shapes, np.flatnonzero(is_out))
    is_snapped = is_out & (distance <= max_snap_m)
    status[is_snapped] = "nearest"
    pairs = pd.concat(
        [
            covering,
            near[is_border[near["point"]]],
            nearest[is_snapped[nearest["point"]]],
        ],
        ignore_index=True,
    )
    return pairs.drop_duplicates().sort_values(["point", "zone"], ignore_index=True), status, distance


def _covering(xy: NDArray[np.float64], metric: gpd.GeoDataFrame, shapes: ZoneShapes) -> pd.DataFrame:
    rows = ZoneLocator(metric).locate(xy[:, 0], xy[:, 1])
    number_of_row = np.full(len(metric) + 1, -1, dtype=np.int64)
    number_of_row[shapes.rows[:-1]] = np.arange(len(shapes.polygons))
    first = number_of_row[rows]
    points = [np.flatnonzero(first >= 0)]
    zones = [first[points[0]]]
    # A later zone can hold the point as well only if it meets the first.
    a, b = shapely.STRtree(shapes.polygons).query(shapes.polygons, predicate="intersects")
    for one, other in zip(a[a < b], b[a < b], strict=True):
        at = np.flatnonzero(first == one)
        at = at[shapely.intersects_xy(shapes.polygons[other], xy[at, 0], xy[at, 1])]
        points.append(at)
        zones.append(np.full(len(at), other))
    return pd.DataFrame({"point": np.concatenate(points), "zone": np.concatenate(zones)}, dtype="int64")


def _near_edges(xy: NDArray[np.float64], shapes: ZoneShapes) -> pd.DataFrame:
    coordinates, owner = shapely.get_coordinates(
        shapely.get_rings(shapely.get_parts(shapes.polygons)), return_index=True
    )
    parts, zone_of_part = shapely.get_parts(shapes.polygons, return_index=True)
    _, part_of_ring = shapely.get_rings(parts, return_index=True)
    is_edge = owner[1:] == owner[:-1]
    edges = shapely.linestrings(np.stack([coordinates[:-1][is_edge], coordinates[1:][is_edge]], axis=1))
    zone_of_edge = zone_of_part[part_of_ring][owner[:-1][is_edge]]
    tree = shapely.STRtree(np.atleast_1d(np.asarray(edges, dtype=object)))
    found_points, found_zones = [], []
    for start in range(0, len(xy), 1 << 18):
        part = shapely.points(xy[start : start + (1 << 18)])
        point, edge = tree.query(part, predicate="dwithin", distance=BORDER_M)
        found_points.append(point + start)
        found_zones.append(zone_of_edge[edge])
    pairs = pd.DataFrame({"point": np.concatenate(found_points), "zone": np.concatenate(found_zones)}, dtype="int64")
    return pairs.drop_duplicates(ignore_index=True)


def _nearest(
    xy: NDArray[np.float64], shapes: ZoneShapes, points: NDArray[np.int64]
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    (which, zone), distance = shapely.STRtree(shapes.polygons).query_nearest(
        shapely.points(xy[points]), return_distance=True, all_matches=True
    )
    of_point = np.full(len(points), np.nan)
    of_point[which] = distance
    return pd.DataFrame({"point": points[which], "zone": zone}, dtype="int64"), of_point


def _chosen(index: pd.Index, pairs: pd.DataFrame, before: NDArray[np.object_] | None) -> pd.DataFrame:
    """Write the zone and the candidates of each row that has any."""
    ranked = pairs
    if before is not None:
        is_other = before[pairs["row"]] != pairs["id"].to_numpy()
        ranked = pairs.assign(is_other=is_other).sort_values(["row", "is_other", "zone"], kind="stable")
    first = ranked.drop_duplicates("row")
    zone_id = np.full(len(index), "", dtype=object)
    zone_id[first["row"]] = first["id"]
    candidates = zone_id.copy()
    several = pairs[pairs["row"].duplicated(keep=False)]
    if len(several):
        joined = several.groupby("row", sort=True)["id"].agg(";".join)
        candidates[joined.index] = joined.to_numpy()
    columns = {"zone_id": zone_id, "status": "no_location", "distance_m": np.nan, "candidates": candidates}
    return pd.DataFrame(columns, index=index)
