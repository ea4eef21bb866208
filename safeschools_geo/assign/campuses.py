"""The zone of each campus: of the largest share of its area, with the shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from shapely import GeometryType

from safeschools_geo.assign.door import checked_zones
from safeschools_geo.assign.points import coordinates, decide_points
from safeschools_geo.assign.shapes import brought_to
from safeschools_geo.assign.ties import Candidates, Decision, earlier_zones, status_codes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.assign.shapes import ZoneShapes

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
        Metres outside every zone at which a school still gets the nearest.
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
    nearest, metres = _nearest(areas, shapes, np.flatnonzero(~is_held))
    # A campus that only touches a zone is no metres away from it, and yet has to be snapped.
    is_snapped = (max_snap_m > 0) & (metres <= max_snap_m)
    states = {
        "overlap": is_held & (total > 1 + _SLIVER),
        "inside": most >= 1 - _SLIVER,
        "boundary": is_held,
        "nearest": is_snapped,
    }
    decision = Decision(
        status_codes(states),
        np.where(is_held, 0.0, metres),
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
    (at, zone), metres = shapely.STRtree(shapes.polygons).query_nearest(areas[asked], return_distance=True)
    distance_m = np.full(len(areas), np.nan)
    distance_m[asked[at]] = metres
    return Candidates(asked[at], zone), distance_m


def _written(pairs: Candidates, share: NDArray[np.float64], shapes: ZoneShapes, n: int) -> NDArray[np.object_]:
    """Write the shares of each of n campuses, as in ``3:0.8200;4:0.1800``."""
    texts = pd.Series([f"{shapes.ids[z]}:{s:.4f}" for z, s in zip(pairs.zone, share, strict=True)], dtype="object")
    joined = texts.groupby(pairs.place).agg(";".join)
    return joined.reindex(range(n), fill_value="").to_numpy(dtype=object)
