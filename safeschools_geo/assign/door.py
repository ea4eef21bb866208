"""What is asked of places and zones before any is assigned: all that is wrong with them is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import shapely
from shapely import GeometryType

from safeschools_geo.assign.shapes import ZoneShapes, metre_crs
from safeschools_geo.crs import require_same_crs
from safeschools_geo.errors import ColumnError, GeometryError, SettingsError, attempt_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import geopandas as gpd
    from pyproj import CRS


def checked_zones(
    places: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, *, name: str, types: Sequence[GeometryType], max_snap_m: float
) -> tuple[ZoneShapes, CRS]:
    """Check what is to be assigned, and prepare what it is assigned to.

    Parameters
    ----------
    places
        What is to be assigned.
    zones
        Polygons with `zone_id`.
    name
        What the places are called.
    types
        Types of geometry that places may have; missing and empty geometry is always allowed.
    max_snap_m
        Snapping distance in metres.

    Returns
    -------
    shapes : ZoneShapes
        The zones, in metres.
    crs : pyproj.CRS
        The CRS they are now in, which is projected.

    Raises
    ------
    ColumnError, CRSError, GeometryError, SettingsError
        The fault, if there is one.
    SeveralFaultsError
        When there are several.
    """
    attempt_all({name: lambda: _require_geometry(places, name), "zones": lambda: _require_geometry(zones, "zones")})
    steps: dict[str, Callable[[], tuple[ZoneShapes, CRS | None] | None]] = {
        "crs": lambda: require_same_crs(places, zones, names=(name, "zones")),
        name: lambda: _require_types(places, name, types),
        "snap": lambda: _require_distance(max_snap_m),
        "zones": lambda: _in_metres(zones),
    }
    return cast("tuple[ZoneShapes, CRS]", attempt_all(steps)["zones"])


def _in_metres(zones: gpd.GeoDataFrame) -> tuple[ZoneShapes, CRS | None]:
    # Zones without a CRS are another step's fault; whatever else is wrong with them is told too.
    crs = None if zones.crs is None else metre_crs(zones)
    return ZoneShapes.of(zones, crs=crs), crs


def _require_geometry(frame: gpd.GeoDataFrame, name: str) -> None:
    if getattr(frame, "active_geometry_name", None) is None:
        raise ColumnError(
            f"The layer {name} has no geometry.",
            where=name,
            found=", ".join(map(str, frame.columns)),
            expected="a GeoDataFrame with a geometry column",
            remedy="Make one with `geopandas.points_from_xy`, or name it with `set_geometry`.",
        )


def _require_distance(max_snap_m: float) -> None:
    if not max_snap_m >= 0:
        raise SettingsError(
            "A snapping distance is not negative.",
            where="max_snap_m",
            found=max_snap_m,
            expected="metres, 0 or more",
            remedy="Leave it out to assign no place that is outside every zone.",
        )


def _require_types(places: gpd.GeoDataFrame, name: str, types: Sequence[GeometryType]) -> None:
    geometry = places.geometry.to_numpy()
    type_id = shapely.get_type_id(geometry)
    is_present = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    is_other = is_present & ~np.isin(type_id, types)
    # A point is not valid when it has no coordinates: then it is no fault, but has no location.
    is_broken = is_present & ~is_other & (type_id != GeometryType.POINT) & ~shapely.is_valid(geometry)
    if not (is_other | is_broken).any():
        return
    reasons = {GeometryType(t).name.capitalize() for t in type_id[is_other]}
    reasons |= {str(r).split("[")[0] for r in shapely.is_valid_reason(geometry[is_broken])}
    mend = "Repair them with `safeschools_geo.validate.repair`; a layer read from a file is repaired already."
    replace = "Use `assign_campuses` for campuses drawn as polygons, and the representative points of anything else."
    raise GeometryError(
        f"Some geometries of {name} cannot be assigned.",
        where=name,
        ids=places.index[is_other | is_broken],
        found=", ".join(sorted(reasons)),
        expected="valid " + ", ".join(t.name.capitalize() for t in types),
        remedy=" ".join([replace] * bool(is_other.any()) + [mend] * bool(is_broken.any())),
    )
