"""The zone of each campus: of the largest share of its area, with the shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.assign.points import aligned, assign_points, metric_zones
from safeschools_geo.assign.shapes import ZoneShapes
from safeschools_geo.crs import require_same_crs
from safeschools_geo.errors import GeometryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHOLE = 0.0005
"""Shares below this are slivers of drawing: 0.05 % of the campus."""

_EQUAL = 1e-9


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
        Table `assignments` with `shares`, one row for each school, on the index of `schools`. A point is assigned as
        `assign_points` does and has no shares. A campus belongs to the zone with the largest share of its area (equal
        shares: the previous zone, else the first in the order of `zones`); `shares` lists each zone's share of
        at least 0.0005, as in ``3:0.8200;4:0.1800``. Its status is ``inside`` when one zone holds all of it but 0.05 %,
        ``overlap`` when the shares add up to more than all of it, ``boundary`` otherwise; a campus that no zone
        touches is ``nearest`` or ``outside``.

    Raises
    ------
    CRSError, ColumnError, GeometryError
        As `assign_points`; also when a campus is not a valid polygon.
    """
    require_same_crs(schools, zones, names=("schools", "zones"))
    is_area = schools.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy() & ~schools.is_empty.to_numpy()
    # An area stands in as a point inside it; where a zone touches it, its shares decide.
    stand_in = schools.geometry.where(~is_area, schools.geometry.representative_point())
    frame = gpd.GeoDataFrame(geometry=stand_in, crs=schools.crs)
    result = assign_points(frame, zones, max_snap_m=max_snap_m, previous=previous).assign(shares="")
    if is_area.any():
        metric = metric_zones(zones)
        campuses = schools.geometry[is_area].to_crs(metric.crs)
        before = np.full(len(schools), "", dtype=object) if previous is None else aligned(previous, schools.index)
        _by_share(result, np.flatnonzero(is_area), campuses, ZoneShapes.of(metric), before, max_snap_m=max_snap_m)
    return result.astype({"shares": "str"})


def _by_share(
    result: pd.DataFrame,
    rows: NDArray[np.int64],
    campuses: gpd.GeoSeries,
    shapes: ZoneShapes,
    before: NDArray[np.object_],
    *,
    max_snap_m: float,
) -> None:
    _require_valid(campuses)
    for row, campus in zip(rows, campuses.to_numpy(), strict=True):
        shares = shapely.area(shapely.intersection(shapes.polygons, campus)) / campus.area
        held = np.flatnonzero(shares >= _WHOLE)
        values = dict.fromkeys(("zone_id", "candidates", "shares"), "")
        if len(held):
            best = held[shares[held] >= shares[held].max() - _EQUAL]
            kept = [n for n in best if shapes.ids[n] == before[row]]
            values["zone_id"] = shapes.ids[kept[0] if kept else best[0]]
            values["candidates"] = ";".join(shapes.ids[held])
            values["shares"] = ";".join(f"{shapes.ids[n]}:{shares[n]:.4f}" for n in held)
            status, metres = _status(shares[held]), 0.0
        else:
            distances = shapely.distance(shapes.polygons, campus)
            metres = float(distances.min()) if len(distances) else np.nan
            is_near = metres <= max_snap_m
            status = "nearest" if is_near else "outside"
            if is_near:
                values["zone_id"] = values["candidates"] = shapes.ids[int(distances.argmin())]
        cells = {**values, "status": status, "distance_m": metres}
        # By position, since labels of the index may repeat.
        result.iloc[int(row)] = pd.Series(cells)[result.columns]


def _status(shares: NDArray[np.float64]) -> str:
    if shares.sum() > 1 + _WHOLE:
        return "overlap"
    return "inside" if shares.max() >= 1 - _WHOLE else "boundary"


def _require_valid(campuses: gpd.GeoSeries) -> None:
    wrong = campuses[~campuses.is_valid]
    if len(wrong):
        raise GeometryError(
            "Some campuses are not valid polygons.",
            where="schools",
            ids=wrong.index,
            expected="valid polygons",
            remedy="Repair them with `safeschools_geo.validate.repair`; schools read from a file are repaired already.",
        )
