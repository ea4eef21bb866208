"""Coordinate reference systems: stored in degrees, measured in meters, never guessed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError as ProjError
from shapely import box

from safeschools_geo.errors import CRSError

if TYPE_CHECKING:
    import geopandas as gpd


STORAGE_CRS = CRS.from_epsg(4326)
"""Geometry is stored in WGS 84 longitude and latitude, in that order."""

# Grids and init files named by a path, in a PROJ string, in WKT and in PROJJSON; plain names are those that PROJ has.
_OWN_FILE = re.compile(
    r"""\b(?:\w*grids|init|catalog|file)\s*=\s*[^\s+]*[/\\]
    | (?:PROJ4_GRIDS"\s*,|PARAMETERFILE\[\s*"[^"]*"\s*,)\s*"[^"]*[/\\]
    | ['"]value['"]\s*:\s*['"][^'"]*[/\\]""",
    re.IGNORECASE | re.VERBOSE,
)
_LARGEST_LONGITUDE = 180.0
_LARGEST_STRETCH = 0.02
LARGEST_FEET = 70_000_000
"""Half the equator is 65.7 million feet."""


def parse_crs(value: object, *, where: object = None) -> CRS:
    """Read a CRS that a user wrote: anything pyproj reads, but none that is defined by a file of its own.

    `where` is the setting or option it came from, for the message.
    """
    if _OWN_FILE.search(str(value)):
        raise CRSError(
            "The coordinate reference system points to a file or an address, and these are not followed.",
            where=where,
            found=repr(value),
            expected='an EPSG code such as 4326 or "EPSG:26910", or WKT',
            remedy="State the CRS by its EPSG code.",
        )
    try:
        return CRS.from_user_input(int(value) if isinstance(value, str) and value.strip().isdigit() else value)
    except ProjError as error:
        raise CRSError(
            "This is not a coordinate reference system.",
            where=where,
            found=repr(value),
            expected='an EPSG code such as 4326 or "EPSG:26910", or WKT',
            remedy="Look the code up on the map's metadata page, or at epsg.io.",
        ) from error


def require_crs(frame: gpd.GeoDataFrame | gpd.GeoSeries, name: str, *, stated: object = None) -> CRS:
    """Return the CRS that the file states, else the one the user gave; refuse none, and two that differ."""
    given = None if stated is None else parse_crs(stated, where=name)
    if frame.crs is None and given is None:
        raise CRSError(
            f"The layer {name} states no coordinate reference system.",
            where=name,
            expected="a file that states its CRS (a .prj beside a shapefile), or its CRS given beside it",
            remedy='Set `crs = "EPSG:…"` for this layer in district.toml.',
            setting="crs",
        )
    if frame.crs is not None and given is not None and not CRS(frame.crs).equals(given, ignore_axis_order=True):
        raise CRSError(
            f"The layer {name} states one CRS, and another is given beside it.",
            where=name,
            found=f"{CRS(frame.crs).name} in the file, {given.name} beside it",
            expected="the same CRS in both",
            remedy="Remove `crs` for this layer from district.toml if the file is right; else export the file anew.",
            setting="crs.other",
        )
    return CRS(given if frame.crs is None else frame.crs)


def check_degrees(bounds: Any, crs: CRS, name: str) -> None:  # noqa: ANN401 - any four floats
    """Refuse meters where degrees are stated, and degrees where the CRS is projected.

    `bounds` are ``(min x, min y, max x, max y)`` in units of the CRS; NaN when the layer is empty.
    """
    low_x, low_y, high_x, high_y = (float(b) for b in bounds)
    if np.isnan(low_x):
        return
    fits_degrees = max(abs(low_x), abs(high_x)) <= _LARGEST_LONGITUDE and max(abs(low_y), abs(high_y)) <= 90  # noqa: PLR2004
    if max(abs(low_x), abs(high_x)) > LARGEST_FEET:
        raise CRSError(
            f"The layer {name} has coordinates that are nowhere on the globe, whether in degrees, meters or feet.",
            where=name,
            found=f"x from {low_x:,.0f} to {high_x:,.0f}, y from {low_y:,.0f} to {high_y:,.0f}",
            expected="longitudes within ±180 and latitudes within ±90, or a projected CRS",
            remedy="If they are degrees without their decimal point (-121385284 for -121.385284), export them with it.",
        )
    if crs.is_geographic and not fits_degrees:
        raise CRSError(
            f"The layer {name} is said to be in degrees but its coordinates are not.",
            where=name,
            found=f"x from {low_x:,.1f} to {high_x:,.1f}, y from {low_y:,.1f} to {high_y:,.1f} in {crs.name}",
            expected="longitudes within ±180 and latitudes within ±90",
            remedy="State the projected CRS the coordinates are really in (for example a State Plane or UTM zone).",
            setting="crs.degrees",
        )
    if crs.is_projected and fits_degrees:
        raise CRSError(
            f"The layer {name} is said to be projected but its coordinates look like degrees.",
            where=name,
            found=f"x from {low_x:.4f} to {high_x:.4f}, y from {low_y:.4f} to {high_y:.4f} in {crs.name}",
            expected=f"coordinates in {crs.axis_info[0].unit_name}",
            remedy='If they are longitude and latitude, state `crs = "EPSG:4326"`.',
            setting="crs.projected",
        )


def measuring_crs(frame: gpd.GeoDataFrame | gpd.GeoSeries, *, stated: object = None) -> CRS:
    """Choose the one projected CRS, in meters, in which everything is measured.

    The district's own choice (`crs` in ``district.toml``), else the WGS 84 UTM zone of the layer's center.
    """
    if stated is None:
        return _utm_zone(frame.crs, tuple(frame.total_bounds.tolist()))
    crs = parse_crs(stated, where="[district] crs")
    if not crs.is_projected or crs.axis_info[0].unit_conversion_factor != 1.0:
        raise CRSError(
            "The measuring CRS must be projected and in meters.",
            where="[district] crs in district.toml",
            found=f"{crs.name} ({crs.axis_info[0].unit_name})",
            expected="for example a UTM zone",
            remedy="Leave `crs` out to use the district's UTM zone.",
        )
    return crs


def require_true_lengths(crs: CRS, frame: gpd.GeoDataFrame | gpd.GeoSeries) -> None:
    """Refuse a CRS of another part of the world, or one like Web Mercator, in which a meter is no meter here."""
    west, south, east, north = frame.to_crs(STORAGE_CRS).total_bounds.tolist()
    if not (-_LARGEST_LONGITUDE <= west <= east <= _LARGEST_LONGITUDE and -90 <= south <= north <= 90):  # noqa: PLR2004
        # Nothing, or no degrees: `check_degrees` says so.
        return
    factors = Proj(crs).get_factors((west + east) / 2, (south + north) / 2)
    scales = [factors.meridional_scale, factors.parallel_scale]
    worst = max(scales, key=lambda scale: abs(scale - 1) if np.isfinite(scale) else np.inf)
    if not abs(worst - 1) <= _LARGEST_STRETCH:
        raise CRSError(
            "The measuring CRS does not fit the place of the district: lengths would be wrong.",
            where="[district] crs in district.toml",
            found=f"{crs.name}, in which a meter on the ground is {worst:.3f} m",
            expected=f"a meter within {100 * _LARGEST_STRETCH:.0f} %, as in the district's UTM zone",
            remedy="Leave `crs` out to use the district's UTM zone.",
        )


@lru_cache(maxsize=256)
def _utm_zone(crs: CRS, bounds: tuple[float, float, float, float]) -> CRS:
    """Look up the UTM zone of the center of bounds, once: PROJ's database answers in a tenth of a second."""
    import geopandas as gpd  # noqa: PLC0415 - help of the command line does without

    return CRS(gpd.GeoSeries([box(*bounds)], crs=crs).estimate_utm_crs())


def require_same_crs(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, *, names: tuple[str, str]) -> None:
    """Refuse two layers of which one states no CRS: they are reprojected only when both state one."""
    if a.crs is None or b.crs is None:
        lacking = names[0] if a.crs is None else names[1]
        raise CRSError(
            f"{names[0]} and {names[1]} cannot be laid over each other: {lacking} states no CRS.",
            where=lacking,
            found=f"{names[0]}: {a.crs and a.crs.to_string()}; {names[1]}: {b.crs and b.crs.to_string()}",
            expected="a CRS on both; layers of different CRS are reprojected only when both state one",
            remedy=f"Set it: `{lacking} = {lacking}.set_crs(…)`.",
        )
