"""The shapes of zones, ready to be asked: pieces joined, checked, prepared, in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely import GeometryType

from safeschools_geo.crs import check_degrees, measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, attempt_all

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

_LONGEST_EDGE_M = 500.0
"""Longer edges get vertices before they are reprojected: between two of them, a line that is straight on one map strays
from the line that is straight on another by less than 2 cm, to 70 degrees north and south."""

_EARTH_RADIUS_M = 6_371_000.0


@dataclass(frozen=True)
class ZoneShapes:
    """Polygons of zones.

    Parameters
    ----------
    ids
        Ids of the zones, shape (k,), in the order of first appearance.
    polygons
        Their prepared polygons, shape (k,).
    rows
        Row of each zone's first piece in the frame given, shape (k,), int32.
    starts, ends
        Both ends of every edge, shape (e, 2), in the CRS of the polygons.
    zone_of_edge
        Number of the zone that each edge belongs to, shape (e,).
    """

    ids: NDArray[np.object_]
    polygons: NDArray[np.object_]
    rows: NDArray[np.int32]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    zone_of_edge: NDArray[np.int64]

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame, *, crs: CRS | None = None) -> ZoneShapes:
        """Prepare the zones of a frame.

        Parameters
        ----------
        zones
            Polygons with `zone_id`; pieces that share one are one zone.
        crs
            CRS to bring them to; their own if left out.

        Returns
        -------
        ZoneShapes
            Their shapes.

        Raises
        ------
        ColumnError
            When there is no `zone_id`, or one is missing or blank.
        GeometryError
            When a geometry is missing, not a polygon, or not valid.
        """
        checks: dict[str, Callable[[], list[str] | None]] = {
            "ids": lambda: _ids(zones),
            "pieces": lambda: _require_valid(zones),
        }
        rows_of: dict[str, list[int]] = {}
        for row, zone in enumerate(attempt_all(checks)["ids"] or []):
            rows_of.setdefault(zone, []).append(row)
        pieces = zones.geometry.to_numpy() if crs is None else brought_to(zones.geometry, crs)
        polygons = np.empty(len(rows_of), dtype=object)
        for number, rows in enumerate(rows_of.values()):
            polygons[number] = pieces[rows[0]] if len(rows) == 1 else shapely.union_all(pieces[rows])
        shapely.prepare(polygons)
        first = np.array([rows[0] for rows in rows_of.values()], dtype=np.int32)
        return cls(np.array(list(rows_of), dtype=object), polygons, first, *_edges(polygons))


def metre_crs(zones: gpd.GeoDataFrame) -> CRS:
    """Choose the projected CRS, in metres, in which places are measured against zones.

    Parameters
    ----------
    zones
        Polygons with a CRS.

    Returns
    -------
    pyproj.CRS
        That of the zones if it is projected and in metres, else the UTM zone of their centre. Metres of a Mercator map
        of the world, such as EPSG:3857, are not metres on the ground and do not count.

    Raises
    ------
    CRSError
        When the zones state no CRS, or state degrees and have other coordinates.
    """
    crs = require_crs(zones, "zones")
    if not len(zones) or (_is_in_metres(crs) and not _is_world_mercator(crs)):
        return crs
    if crs.is_geographic:
        check_degrees(zones.total_bounds, crs, "zones")
    return measuring_crs(zones)


def brought_to(geometry: gpd.GeoSeries, crs: CRS) -> NDArray[np.object_]:
    """Reproject polygons so that their edges stay the straight lines of their own CRS.

    Parameters
    ----------
    geometry
        Valid polygons with a CRS.
    crs
        CRS to bring them to.

    Returns
    -------
    numpy.ndarray
        Valid polygons, shape (n,).
    """
    own = CRS(geometry.crs)
    if own.equals(crs, ignore_axis_order=True):
        return np.asarray(geometry.to_numpy())
    metres_per_unit = own.axis_info[0].unit_conversion_factor * (_EARTH_RADIUS_M if own.is_geographic else 1.0)
    moved = np.array(geometry.segmentize(_LONGEST_EDGE_M / metres_per_unit).to_crs(crs).to_numpy(), dtype=object)
    # Rounding can close a gap of a nanometre: what was valid before is made so again.
    is_closed = ~shapely.is_valid(moved)
    moved[is_closed] = shapely.make_valid(moved[is_closed], method="structure", keep_collapsed=False)
    return moved


def _is_in_metres(crs: CRS) -> bool:
    return bool(crs.is_projected and crs.axis_info[0].unit_conversion_factor == 1.0)


def _is_world_mercator(crs: CRS) -> bool:
    method = crs.coordinate_operation.method_name if crs.coordinate_operation else ""
    return "Mercator" in method and "Transverse" not in method and "Oblique" not in method


def _edges(
    polygons: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    parts, zone_of_part = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    is_edge = ring[1:] == ring[:-1]
    return xy[:-1][is_edge], xy[1:][is_edge], zone_of_part[part_of_ring[ring[:-1][is_edge]]]


def _ids(zones: gpd.GeoDataFrame) -> list[str]:
    has_column = "zone_id" in zones.columns
    values = list(zones["zone_id"]) if has_column else []
    is_blank = [bool(pd.isna(value)) or not str(value).strip() for value in values]
    if not has_column or any(is_blank):
        raise ColumnError(
            "Every zone needs an id.",
            where="zones",
            ids=[f"row {i}" for i in zones.index[is_blank]] if has_column else [],
            found="no id in these rows" if has_column else ", ".join(map(str, zones.columns)),
            expected="a column zone_id without gaps",
            remedy="Name the column that holds the ids `zone_id`, and give every row one.",
        )
    return [str(value) for value in values]


def _require_valid(zones: gpd.GeoDataFrame) -> None:
    pieces = zones.geometry.to_numpy()
    is_area = np.isin(
        shapely.get_type_id(pieces), (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)
    ) & ~shapely.is_empty(pieces)
    is_fine = is_area & shapely.is_valid(pieces)
    if not is_fine.all():
        names = zones["zone_id"] if "zone_id" in zones.columns else zones.index
        reasons = {
            str(shapely.is_valid_reason(piece)).split("[")[0] if has_area else "no polygon"
            for piece, has_area in zip(pieces[~is_fine], is_area[~is_fine], strict=True)
        }
        raise GeometryError(
            "Some zones are not valid polygons.",
            where="zones",
            ids=names[~is_fine],
            found=", ".join(sorted(reasons)),
            expected="valid polygons",
            remedy="Repair them with `safeschools_geo.validate.repair`; zones read from a file are repaired already.",
        )
