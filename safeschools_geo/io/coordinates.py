"""Places of rows: from a geometry column, from WKT, or from x and y, always in longitude and latitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import STORAGE_CRS, check_degrees, require_crs
from safeschools_geo.errors import ColumnError
from safeschools_geo.io.columns import take
from safeschools_geo.io.text import as_text
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyproj import CRS

    from safeschools_geo.io.raw import RawTable

_WKT_NAMES = ("wkt", "the_geom", "geom", "geometry", "shape")
_WKT = r"(?i)\s*(SRID=\d+;)?(MULTI)?(POINT|POLYGON|LINE)"
_WILD_SHARE = 0.25


@dataclass(frozen=True)
class PointsRead:
    """Places as they were read.

    Parameters
    ----------
    geometry
        EPSG:4326, on the index of the table; missing where a row has no usable place.
    findings
        Cells that are no coordinates.
    """

    geometry: gpd.GeoSeries
    findings: tuple[Finding, ...] = ()


def geometry(raw: RawTable, *, crs: object, name: str) -> gpd.GeoSeries:
    """Bring the geometry of a layer to longitude and latitude.

    Parameters
    ----------
    raw
        A table with geometry.
    crs
        Its CRS, where the file states none.
    name
        What the layer is called, for messages.

    Returns
    -------
    geopandas.GeoSeries
        EPSG:4326, on the index of the table.

    Raises
    ------
    ColumnError
        When the table has no geometry.
    CRSError
        When no CRS is stated, or coordinates do not fit it.
    """
    if raw.geometry is None:
        raise ColumnError("The table has no geometry.", where=raw.path, expected="a layer")
    stated = require_crs(raw.geometry, name, stated=crs)
    check_degrees(raw.geometry.total_bounds, stated, name)
    return raw.geometry.set_crs(stated, allow_override=True).to_crs(STORAGE_CRS)


def points(raw: RawTable, columns: Mapping[str, str | tuple[str, ...]], *, crs: object, name: str) -> PointsRead:
    """Read the places of a table.

    Parameters
    ----------
    raw
        The table.
    columns
        Our name → the file's: `x` and `y`, or `wkt`. Without them the file's own geometry is taken, or columns of
        these names, or a column of WKT under a usual name.
    crs
        CRS of the coordinates, where the file states none.
    name
        What the table is called, for messages.

    Returns
    -------
    PointsRead
        The places, and what could not be read.

    Raises
    ------
    ColumnError
        When only one of `x` and `y` can be found, or neither and no geometry.
    CRSError
        When no CRS is stated.
    """
    is_mapped = any(key in columns for key in ("x", "y", "wkt"))
    if raw.geometry is not None and not is_mapped:
        return PointsRead(geometry(raw, crs=crs, name=name))
    wkt = _wkt_column(raw, columns)
    if wkt is not None:
        shapes, findings = _from_wkt(wkt, name)
    else:
        shapes, findings = _from_xy(raw, columns, name)
    series = gpd.GeoSeries(shapes, index=raw.frame.index)
    if series.isna().all() and crs is None:
        return PointsRead(series.set_crs(STORAGE_CRS), findings)
    stated = require_crs(series, name, stated=crs)
    _check_degrees_of_most(series, stated, name)
    located = series.set_crs(stated)
    return PointsRead(located if stated == STORAGE_CRS else located.to_crs(STORAGE_CRS), findings)


def _wkt_column(raw: RawTable, columns: Mapping[str, str | tuple[str, ...]]) -> pd.Series | None:
    if "wkt" in columns:
        return take(raw, columns, "wkt")
    if "x" in columns or "y" in columns or (take(raw, {}, "x") is not None and take(raw, {}, "y") is not None):
        return None
    for name in _WKT_NAMES:
        column = take(raw, {}, name)
        if column is not None and (as_text(column).str.match(_WKT).any() or column.isna().all()):
            return column
    return None


def _from_wkt(column: pd.Series, name: str) -> tuple[np.ndarray, tuple[Finding, ...]]:
    text = as_text(column).str.replace(r"^SRID=\d+;", "", regex=True)
    shapes = shapely.from_wkt(text.fillna("").replace("", None).to_numpy(dtype=object), on_invalid="ignore")
    wrong = text.notna() & shapely.is_missing(shapes)
    return shapely.force_2d(shapes), _unread(wrong, str(column.name), name, "WKT such as POINT (-121.3 38.6)")


def _from_xy(
    raw: RawTable, columns: Mapping[str, str | tuple[str, ...]], name: str
) -> tuple[np.ndarray, tuple[Finding, ...]]:
    x, y = take(raw, columns, "x"), take(raw, columns, "y")
    if x is None or y is None:
        raise ColumnError(
            f"The coordinates of {name} cannot be found.",
            where=raw.path,
            found=", ".join(map(str, raw.frame.columns[:30])),
            expected="columns x and y, or WKT, or a layer with geometry",
            remedy='Say which they are: x = "…" and y = "…" under [….columns] in district.toml.',
        )
    (xs, wrong_x), (ys, wrong_y) = _numbers(x), _numbers(y)
    has_both = np.isfinite(xs) & np.isfinite(ys)
    shapes = np.full(len(xs), None, dtype=object)
    shapes[has_both] = shapely.points(xs[has_both], ys[has_both])
    findings = (
        *_unread(wrong_x, str(x.name), name, "a number"),
        *_unread(wrong_y, str(y.name), name, "a number"),
    )
    return shapes, findings


def _numbers(column: pd.Series) -> tuple[np.ndarray, pd.Series]:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype="float64", na_value=np.nan), pd.Series(data=False, index=column.index)
    text = as_text(column)
    # A decimal comma, unless there is a point as well: then the comma divides thousands.
    has_point = text.str.contains(".", regex=False, na=False)
    plain = text.str.replace(",", ".", regex=False).mask(has_point, text.str.replace(",", "", regex=False))
    numbers = pd.to_numeric(plain, errors="coerce")
    wrong = text.notna() & numbers.isna() & ~text.str.casefold().isin(["nan", "null", "none", "n/a", "na"])
    return numbers.to_numpy(dtype="float64", na_value=np.nan), wrong


def _unread(wrong: pd.Series, column: str, name: str, expected: str) -> tuple[Finding, ...]:
    if not wrong.any():
        return ()
    return (
        Finding(
            "warning",
            "coordinate_unreadable",
            name,
            f"{int(wrong.sum())} cells of {column} are no coordinates; these rows have no place.",
            ids=tuple(f"row {row}" for row in wrong.index[wrong]),
            expected=expected,
            remedy="Correct them in the export.",
        ),
    )


def _check_degrees_of_most(series: gpd.GeoSeries, crs: CRS, name: str) -> None:
    """Judge the CRS by the bulk of the points: single wild coordinates are faults of their rows."""
    present = series[series.notna()]
    if present.empty:
        return
    bounds = present.bounds.to_numpy()
    low = np.quantile(bounds, _WILD_SHARE, axis=0, method="higher")
    high = np.quantile(bounds, 1 - _WILD_SHARE, axis=0, method="lower")
    check_degrees((low[0], low[1], high[2], high[3]), crs, name)
