"""The ground of each zone, each place in one zone only, and where the schools stand on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from shapely import Geometry, MultiPolygon

from safeschools_geo.crs import STORAGE_CRS, check_degrees, require_crs
from safeschools_geo.errors import ColumnError, GeometryError
from safeschools_geo.rebalance.ground.faces import GRID_DEG
from safeschools_geo.validate.geometry import polygon_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int64]
    Metres = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]

EDGE_M = 0.5
"""A point this near to an edge that two zones share is on the border (assumption A13)."""

_INSIDE_M = 0.05
"""How far inside its zone a school is put that stands on the zone's edge or beyond."""

_REACH_DEG = 10 * GRID_DEG


@dataclass(frozen=True, eq=False)
class Ground:
    """What is to be divided: the zones as they are, and what is left of the district.

    Parameters
    ----------
    zone_ids
        Ids of the k zones, in the order of the zone file.
    shapes
        Ground of each zone in degrees; where zones overlap, it is the first one's.
    metric
        The same in metres.
    gap
        Ground of the district in no zone, in degrees; may be empty.
    overlap
        Ground that several zones claim, in degrees; may be empty.
    beyond
        Ground of zones outside the district, in degrees; may be empty.
    metres
        Projected CRS in metres.
    """

    zone_ids: tuple[str, ...]
    shapes: Shapes
    metric: Shapes
    gap: Geometry
    overlap: Geometry
    beyond: Geometry
    metres: CRS

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame, district: gpd.GeoDataFrame | gpd.GeoSeries | None, metres: CRS) -> Ground:
        """Lay zones and district over each other.

        Parameters
        ----------
        zones
            Valid polygons with `zone_id` and a CRS; pieces that share an id are one zone.
        district
            Valid polygons that together are the district; None for the ground of the zones.
        metres
            Projected CRS in metres.

        Returns
        -------
        Ground
            The ground.

        Raises
        ------
        GeometryError
            When a zone lies wholly in zones before it, so that no ground is left to it.
        """
        ids = zones["zone_id"].astype("str")
        claimed = zones.geometry.to_crs(STORAGE_CRS).groupby(ids.to_numpy(), sort=False).agg(_whole)
        shapes, overlap = _first_come(claimed.to_numpy())
        if shapely.is_empty(shapes).any():
            raise GeometryError(
                "Some zones lie wholly in others, and have no ground of their own.",
                where="zones",
                ids=claimed.index[shapely.is_empty(shapes)],
                expected="every place in one zone only",
                remedy="Delete these zones, or cut them out of the others.",
            )
        covered = shapely.union_all(claimed.to_numpy())
        area = covered if district is None else _whole(district.geometry.to_crs(STORAGE_CRS))
        metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(metres).to_numpy()
        return cls(
            zone_ids=tuple(claimed.index),
            shapes=shapes,
            metric=metric,
            gap=_area_of(shapely.difference(area, covered)),
            overlap=overlap,
            beyond=_area_of(shapely.difference(covered, area)),
            metres=metres,
        )

    def area_m2(self, shape: Geometry) -> float:
        """Measure an area.

        Parameters
        ----------
        shape
            An area in degrees.

        Returns
        -------
        float
            Its area in square metres.
        """
        return float(gpd.GeoSeries([shape], crs=STORAGE_CRS).to_crs(self.metres).area.iloc[0])

    def reach(self, shape: Geometry) -> Geometry:
        """Widen an area by some 10 cm, so that what is cut along its rim crosses the rim.

        Parameters
        ----------
        shape
            An area in degrees.

        Returns
        -------
        shapely.Geometry
            The wider area.
        """
        return shapely.buffer(shape, _REACH_DEG, join_style="mitre")


@dataclass(frozen=True, eq=False)
class Standing:
    """Where each of n schools stands.

    Parameters
    ----------
    row
        The zone whose ground the school takes part in dividing, shape (n,).
    xy
        The place it has in that, in metres, shape (n, 2).
    true_xy
        Where it really is, in metres, shape (n, 2).
    is_edge
        Whether it stands just beyond the edge of its zone, within `EDGE_M`.
    is_foreign
        Whether it stands inside another zone, farther from its own.
    is_away
        Whether it stands in no zone, farther than `EDGE_M` from its own.
    is_in_gap
        Whether it stands on ground of the district in no zone.
    away_m
        Distance to the zone it is assigned to, shape (n,).
    """

    row: Labels
    xy: Metres
    true_xy: Metres
    is_edge: Flags
    is_foreign: Flags
    is_away: Flags
    is_in_gap: Flags
    away_m: Metres


def stand(points: gpd.GeoSeries, own: Labels, ground: Ground) -> Standing:
    """Find the ground that each school takes part in dividing.

    Parameters
    ----------
    points
        One point for each school, shape (n,), EPSG:4326.
    own
        Row of the zone each school is assigned to, shape (n,).
    ground
        The ground.

    Returns
    -------
    Standing
        A school inside its zone stands where it is. One on the zone's edge, or outside every zone, is put at the
        nearest place inside its zone. One well inside another zone divides the ground of that.
    """
    spots, metric = points.to_numpy(), points.to_crs(ground.metres).to_numpy()
    row = _zone_at(spots, own, ground)
    away_m = shapely.distance(metric, ground.metric[own])
    is_edge = (row != own) & (away_m <= EDGE_M)
    is_foreign = (row != own) & ~is_edge & (row >= 0)
    is_away = (row < 0) & ~is_edge
    true_xy = shapely.get_coordinates(metric)
    xy = true_xy.copy()
    for i in np.flatnonzero(is_edge | is_away):
        xy[i] = _nearest_inside(metric[i], ground.metric[own[i]])
    return Standing(
        row=np.where(is_foreign, row, own),
        xy=xy,
        true_xy=true_xy,
        is_edge=is_edge,
        is_foreign=is_foreign,
        is_away=is_away,
        is_in_gap=(row < 0) & shapely.dwithin(spots, ground.gap, GRID_DEG),
        away_m=away_m,
    )


def require_areas(layer: gpd.GeoDataFrame | gpd.GeoSeries, name: str, ids: NDArray[np.object_]) -> None:
    """Refuse a layer that is not valid areas.

    Parameters
    ----------
    layer
        The layer.
    name
        What it is called.
    ids
        What its rows are called.

    Raises
    ------
    CRSError
        When it states no CRS, or one that its coordinates contradict.
    GeometryError
        When it has no rows, or a row is not a valid area; all are named.
    """
    require_crs(layer, name)
    check_degrees(layer.total_bounds, CRS(layer.crs), name)
    shapes = layer.geometry
    is_area = (shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & ~shapes.is_empty).to_numpy()
    is_faulty = ~is_area | ~shapes.is_valid.to_numpy()
    if len(shapes) and not is_faulty.any():
        return
    reasons = [*shapes[~is_area].geom_type.fillna("no geometry"), *shapes[is_area & is_faulty].is_valid_reason()]
    raise GeometryError(
        f"The layer {name} is not valid areas.",
        where=name,
        ids=ids[is_faulty],
        found="; ".join(map(str, reasons[:3])) or "no polygon at all",
        expected="valid polygons, at least one",
        remedy="Repair them first (`safeschools check` names them), or give another file.",
    )


def require_columns(frame: gpd.GeoDataFrame, names: list[str], where: str) -> None:
    """Refuse a table that lacks columns.

    Parameters
    ----------
    frame
        The table.
    names
        Columns that it must have.
    where
        What it is called.

    Raises
    ------
    ColumnError
        When some are missing; all are named.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ColumnError(
            f"The table {where} lacks columns.",
            where=where,
            ids=missing,
            found=", ".join(map(str, frame.columns)),
            expected=", ".join(names),
            remedy="Name the columns that are meant.",
        )


def _whole(shapes: gpd.GeoSeries) -> Geometry:
    """Join areas; one that crosses itself by centimetres, only once in degrees, is mended."""
    valid = shapely.make_valid(shapes.to_numpy(), method="structure")
    return _area_of(valid[0] if len(valid) == 1 else shapely.union_all(valid))


def _area_of(shape: Geometry) -> Geometry:
    """Drop the lines that an overlay may leave beside areas: a collection has no boundary to cut along."""
    parts, _ = polygon_parts(np.array([shape], dtype=object))
    return parts[0] if len(parts) == 1 else MultiPolygon(parts.tolist())


def _first_come(claimed: Shapes) -> tuple[Shapes, Geometry]:
    """Give ground that several zones claim to the first of them, as schools and incidents there are."""
    shapes = claimed.copy()
    i, j = shapely.STRtree(claimed).query(claimed, predicate="overlaps")
    within = shapely.STRtree(claimed).query(claimed, predicate="contains")
    pairs = {(int(min(p)), int(max(p))) for p in [*zip(i, j, strict=True), *zip(*within, strict=True)] if p[0] != p[1]}
    common = [shapely.intersection(claimed[first], claimed[later]) for first, later in sorted(pairs)]
    for first, later in sorted(pairs):
        shapes[later] = _area_of(shapely.difference(shapes[later], claimed[first]))
    return shapes, shapely.union_all(common) if common else shapely.Polygon()


def _zone_at(spots: Shapes, own: Labels, ground: Ground) -> Labels:
    """Find the zone that each spot lies in: its own if it touches that, else the first, else -1."""
    spot, zone = shapely.STRtree(ground.shapes).query(spots, predicate="intersects")
    row = np.full(len(spots), len(ground.shapes))
    np.minimum.at(row, spot, zone)
    is_own = zone == own[spot]
    row[spot[is_own]] = zone[is_own]
    return np.where(row == len(ground.shapes), -1, row).astype("int64")


def _nearest_inside(point: Geometry, area: Geometry) -> Metres:
    core = shapely.buffer(area, -_INSIDE_M)
    target = shapely.point_on_surface(area) if shapely.is_empty(core) else core
    nearest: Metres = shapely.get_coordinates(shapely.shortest_line(target, point))[0]
    return nearest
