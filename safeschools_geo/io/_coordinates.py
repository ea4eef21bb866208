"""Places of rows: from the file's geometry, from WKT, or from x and y; always in longitude and latitude."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyproj import CRS

from safeschools_geo.crs import STORAGE_CRS, check_degrees, parse_crs, require_crs
from safeschools_geo.errors import ColumnError, CRSError, GeometryError, count_text
from safeschools_geo.findings import Finding
from safeschools_geo.io._columns import as_text, require, says_nothing, take
from safeschools_geo.io._table import only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from safeschools_geo.io._columns import ColumnMapping
    from safeschools_geo.io._table import RawTable

    Shapes = NDArray[Any]
    Flags = NDArray[np.bool_]


_WKT_NAMES = ("wkt", "the_geom", "geometry", "geom", "shape")
_PLACE_NAMES = ("location", "coordinates", "point", "lat_lon", "latitude_longitude", "geolocation", "geo_point", "gps")
_SIGNED = r"[+-]?\d+(?:[.,]\d+)?"
_ANGLE = (
    rf"(?P<before>[NSEW])?\s*(?P<degrees>{_SIGNED})\s*(?:[°ºd:\s-]\s*(?:(?P<minutes>\d{{1,2}}(?:[.,]\d+)?)\s*"
    r"(?:['\u2032’m:\s-]\s*(?:(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"\u2033”]|'')?)?)?)?)?\s*(?P<after>[NSEW])?"
)
_PAIR = r"(?s)^.*?\(?(?P<first>[NSEW]?\s*[+-]?\d[^,;()\n]*?)\s*[,;]\s*(?P<then>[NSEW]?\s*[+-]?\d[^,;()\n]*?)\)?\s*$"
_THOUSANDS = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"
_POLE = 90
_WKT = r"(?i)\s*(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\b"
_LARGEST_DEGREE = 180
_AT_ONCE = 100_000
_MOST = 0.5


@dataclass(frozen=True, eq=False)
class PointsRead:
    """Places as they were read, on the index of the table.

    Parameters
    ----------
    geometry
        EPSG:4326, in two dimensions; None where there is no place.
    fault
        Missing where there is a place, else ``missing_coordinates``, ``unreadable_coordinates`` or
        ``impossible_coordinates`` (numbers that the CRS cannot have).
    findings
        What is unreadable or impossible, with the rows. Missing coordinates are for the caller to judge.
    """

    geometry: gpd.GeoSeries
    fault: pd.Series
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class _Given:
    """What a table says of its places, in its own CRS."""

    shapes: Shapes
    is_given: Flags
    crs: CRS | None
    source: str
    order: str = ""
    columns: tuple[pd.Series, ...] = ()


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
    GeometryError
        When the file has no geometry.
    CRSError
        When no CRS is stated, two are, or any coordinate does not fit it.
    """
    if raw.geometry is None:
        raise GeometryError(
            "The file has no geometry.",
            where=raw.path,
            found=", ".join(map(str, raw.frame.columns)),
            expected="a layer, such as GeoJSON, GeoPackage, Shapefile or GeoParquet",
            remedy="Export it as one of these.",
        )
    stated = require_crs(raw.geometry, name, stated=crs)
    check_degrees(raw.geometry.total_bounds, stated, name)
    return raw.geometry.set_crs(stated, allow_override=True).to_crs(STORAGE_CRS)


_FAULTS = ("missing_coordinates", "unreadable_coordinates", "impossible_coordinates")


def points(raw: RawTable, mapping: ColumnMapping, *, crs: object, name: str, is_required: bool = True) -> PointsRead:
    """Read the places of a table.

    They are taken from the columns that `mapping` names as `x` and `y` or as `wkt`; else from the file's geometry; else
    from a column of WKT under a usual name (``the_geom``, ``wkt``, ``geometry`` …); else from columns `x` and `y`.

    Parameters
    ----------
    raw
        The table.
    mapping
        Our name → the file's, as for `take`.
    crs
        CRS of the coordinates, where the file states none.
    name
        What the table is called, for messages.
    is_required
        Whether a table that has no places at all is refused.

    Returns
    -------
    PointsRead
        Points; where the file has other shapes, such as campuses, these. A multipoint of one point is a point.
        Coordinates that are swapped or far away stay as they are.

    Raises
    ------
    ColumnError
        When `mapping` names columns that the file lacks, or places are required and there are none.
    CRSError
        When no CRS is stated, two are, or most coordinates do not fit it.
    """
    given = _given(raw, mapping, crs=crs, is_required=is_required)
    shapes = only(given.shapes, ~shapely.is_empty(given.shapes))
    code = np.where(given.is_given, 1, 0)
    if not shapely.is_missing(shapes).all():
        series = gpd.GeoSeries(shapes, index=raw.frame.index, crs=given.crs)
        stated = require_crs(series, name, stated=crs)
        is_possible = _possible(shapes, stated, name)
        code = np.where(shapely.is_missing(shapes) | is_possible, code, 2)
        shapes, is_moved = _to_storage(only(shapes, is_possible), stated)
        code = np.where(is_possible & ~is_moved, 2, code)
    fault = pd.Series(pd.NA, index=raw.frame.index, dtype="str")
    lost = np.flatnonzero(shapely.is_missing(shapes))
    fault.iloc[lost] = np.array(_FAULTS)[code[lost]]
    located = gpd.GeoSeries(shapes, index=raw.frame.index, crs=STORAGE_CRS)
    return PointsRead(located, fault, tuple(_findings(fault, given, raw)))


def _given(raw: RawTable, mapping: ColumnMapping, *, crs: object, is_required: bool) -> _Given:
    if "wkt" in mapping:
        return _from_one(require(raw, mapping, "wkt"))
    if "x" in mapping or "y" in mapping:
        return _from_xy(require(raw, mapping, "x"), require(raw, mapping, "y"), crs)
    if raw.geometry is not None:
        shapes = _single_points(raw.geometry.to_numpy())
        return _Given(
            shapes, ~(shapely.is_missing(shapes) | shapely.is_empty(shapes)), raw.geometry.crs, "the geometry"
        )
    one = _one_column(raw)
    if one is not None:
        return _from_one(one)
    x, y = take(raw, {}, "x"), take(raw, {}, "y")
    if x is not None and y is not None:
        return _from_xy(x, y, crs)
    if is_required:
        raise _no_places(raw)
    return _Given(np.full(len(raw.frame), None), np.zeros(len(raw.frame), dtype="bool"), None, "no column")


def _no_places(raw: RawTable) -> ColumnError:
    return ColumnError(
        "The file does not say where its rows are.",
        where=raw.path,
        found=", ".join(map(str, raw.frame.columns)) or "no columns",
        expected="geometry, a column of WKT, or columns x and y",
        remedy='Name the columns of coordinates in district.toml, under columns: x = "…", y = "…". Addresses alone are '
        "not placed: geocode them first.",
        setting="columns.x",
    )


def _one_column(raw: RawTable) -> pd.Series | None:
    """Find the column that holds places by itself: WKT before pairs, and pairs only where there are no x and y."""
    has_xy = take(raw, {}, "x") is not None and take(raw, {}, "y") is not None
    for name in (*_WKT_NAMES, *(() if has_xy else _PLACE_NAMES)):
        column = take(raw, {}, name)
        if column is None:
            continue
        texts = as_text(column)
        first = texts[~says_nothing(texts)].dropna().head(1)
        if (first.empty and name in _WKT_NAMES) or first.str.match(_WKT).any() or _are_pairs(column):
            return column
    return None


def _from_one(column: pd.Series) -> _Given:
    return _from_pairs(column) if _are_pairs(column) else _from_wkt(column)


def _single_points(shapes: Shapes) -> Shapes:
    is_single = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    return np.where(is_single, shapely.get_geometry(shapes, 0), shapes)


def _from_wkt(column: pd.Series) -> _Given:
    texts = as_text(column)
    texts = texts.where(~says_nothing(texts))
    parts = texts.str.extract(r"(?i)^\s*(?:SRID=(?P<srid>\d+);)?(?P<wkt>.*)$")
    srids = parts["srid"].dropna().unique()
    if len(srids) > 1:
        raise CRSError(
            f"The column {column.name} states several CRS.",
            where=f"SRID in {column.name}",
            found=", ".join(srids),
            expected="one CRS for all rows",
            remedy="Export the layer in one CRS.",
        )
    shapes = shapely.from_wkt(parts["wkt"].astype("object").where(texts.notna(), None).to_numpy(), on_invalid="ignore")
    flat = _single_points(shapely.force_2d(only(shapes, _are_finite(shapes))))
    crs = parse_crs(int(srids[0]), where=f"SRID in {column.name}") if len(srids) else None
    return _Given(flat, texts.notna().to_numpy(dtype="bool"), crs, f"{column.name}", columns=(column,))


def _are_pairs(column: pd.Series) -> bool:
    """Say whether most cells of a column hold two numbers."""
    texts = as_text(column)
    texts = texts[~says_nothing(texts)].dropna()
    return bool(len(texts)) and bool(texts.str.match(_PAIR).mean() > _MOST) and not texts.str.match(_WKT).any()


def _from_pairs(column: pd.Series) -> _Given:
    """Read places such as (38.6, -121.3): the latitude first, unless a first number is none."""
    texts = as_text(column)
    is_given = (texts.notna() & ~says_nothing(texts)).to_numpy("bool")
    pairs = texts.where(is_given).str.extract(_PAIR)
    ys, xs = _angles(pairs["first"]), _angles(pairs["then"])
    letters = pairs["first"].str.contains("[EW]", case=False, regex=True).fillna(value=False)
    is_swapped = bool(np.nanmax(np.abs(ys), initial=0) > _POLE or letters.any())
    if is_swapped:
        ys, xs = xs, ys
    order = "the longitude first" if is_swapped else "the latitude first"
    return _Given(_points(xs, ys), is_given, None, f"{column.name}", order, (column,))


def _from_xy(x: pd.Series, y: pd.Series, crs: object) -> _Given:
    is_grouped = _are_grouped([x, y], crs)
    (xs, has_x), (ys, has_y) = _numbers(x, is_grouped=is_grouped), _numbers(y, is_grouped=is_grouped)
    return _Given(_points(xs, ys), has_x | has_y, None, f"{x.name} and {y.name}", columns=(x, y))


def _points(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> Shapes:
    is_read = np.isfinite(xs) & np.isfinite(ys)
    shapes = np.full(len(xs), None, dtype="object")
    # A million at once take longer than whoever ends the run would wait.
    for part in np.array_split(np.flatnonzero(is_read), len(xs) // _AT_ONCE + 1):
        shapes[part] = shapely.points(xs[part], ys[part])
    return shapes


def coordinate_numbers(*columns: pd.Series) -> list[pd.Series]:
    """Read columns of coordinates as numbers, in whatever way the angles or meters are written.

    Parameters
    ----------
    *columns
        Numbers or text; commas mean the same in all of them.

    Returns
    -------
    list of pandas.Series
        ``float64`` of each, missing where the cell holds no coordinate.
    """
    is_grouped = _are_grouped(list(columns), None)
    return [
        pd.Series(_numbers(column, is_grouped=is_grouped)[0], index=column.index, name=column.name)
        for column in columns
    ]


def _are_grouped(columns: list[pd.Series], crs: object) -> bool:
    """Say whether commas part the thousands: most cells show it by more commas, or a point; or all are meters."""
    texts = [as_text(column) for column in columns if not pd.api.types.is_numeric_dtype(column.dtype)]
    cells = pd.concat([pd.Series(dtype="str"), *texts])
    with_comma = cells[cells.str.contains(",", regex=False).fillna(value=False).astype("bool")]
    if with_comma.empty:
        return False
    if with_comma.str.contains(",.*[,.]", regex=True).mean() > _MOST:
        return True
    is_metric = crs is not None and not parse_crs(crs, where="crs").is_geographic
    groups = with_comma.str.fullmatch(_THOUSANDS)
    shows = any(t.str.fullmatch(r"[+-]?\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?").fillna(value=False).any() for t in texts)
    return bool(groups.all()) and (is_metric or shows)


def _numbers(column: pd.Series, *, is_grouped: bool = False) -> tuple[NDArray[np.float64], Flags]:
    """Read numbers, NaN where there are none, and tell which cells hold anything."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype="float64", na_value=np.nan)
        return numbers, ~np.isnan(numbers)
    plainly = _plain_numbers(column)
    if plainly is not None:
        return plainly, ~np.isnan(plainly)
    texts = as_text(column)
    has_value = texts.notna() & ~says_nothing(texts)
    plain = texts.where(has_value).str.replace("\u2212", "-", regex=False).str.removeprefix("'")
    plain = plain.str.replace(",", "" if is_grouped else ".", regex=False)
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype="float64", na_value=np.nan, copy=True)
    left = np.isnan(numbers) & has_value.to_numpy("bool")
    if left.any():
        numbers[left] = _angles(plain[left])
    return numbers, has_value.to_numpy("bool")


def _angles(texts: pd.Series) -> NDArray[np.float64]:
    """Read angles: 121.36W, W 121 21.6, 121°21'36.5"W; NaN for what is none."""
    parts = texts.astype("str").str.replace("\u2212", "-", regex=False).str.strip().str.extract(f"(?i)^{_ANGLE}$")
    degrees, minutes, seconds = (
        pd.to_numeric(parts[name].str.replace(",", ".", regex=False), errors="coerce")
        for name in ("degrees", "minutes", "seconds")
    )
    is_angle = (minutes.fillna(0) < 60) & (seconds.fillna(0) < 60) & ~(parts["before"].notna() & parts["after"].notna())  # noqa: PLR2004
    letter = parts["before"].fillna(parts["after"]).str.upper()
    is_negative = parts["degrees"].str.startswith("-").fillna(value=False) | letter.isin(["S", "W"])
    size = degrees.abs() + minutes.fillna(0) / 60 + seconds.fillna(0) / 3600
    return np.asarray(size.where(is_angle).mask(is_negative & is_angle, -size), dtype="float64")


def _plain_numbers(column: pd.Series) -> NDArray[np.float64] | None:
    """Read numbers at once where every cell is one or empty; None where any needs a closer look."""
    if not isinstance(column.dtype, pd.StringDtype):
        return None
    try:
        read = pa.array(column, type=pa.string()).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    numbers: NDArray[np.float64] = read.to_numpy(zero_copy_only=False)
    # Arrow also reads words such as nan and inf.
    return numbers if np.isfinite(numbers).sum() == len(read) - read.null_count else None


def _possible(shapes: Shapes, crs: CRS, name: str) -> Flags:
    """Say which shapes can be in a CRS; when most cannot, the CRS is wrong and that is an error."""
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        is_degrees = (np.abs(bounds) <= _LARGEST_DEGREE).all(axis=1)
    is_present = ~shapely.is_missing(shapes)
    # Swapped longitudes and latitudes pass: they are for the check of the coordinates to name.
    is_odd = is_present & (~is_degrees if crs.is_geographic else is_degrees)
    if is_odd.sum() > _MOST * is_present.sum():
        check_degrees(shapely.total_bounds(shapes[is_odd]), crs, name)
    is_null = is_present & (bounds == 0).all(axis=1)
    possible: Flags = is_present & (~is_odd | is_null)
    return possible


def _to_storage(shapes: Shapes, crs: CRS) -> tuple[Shapes, Flags]:
    """Reproject, and tell which shapes have a place in both CRS."""
    if crs == STORAGE_CRS:
        return shapes, ~shapely.is_missing(shapes)
    moved = gpd.GeoSeries(shapes, crs=crs).to_crs(STORAGE_CRS).to_numpy()
    is_finite = _are_finite(moved)
    if crs.is_geographic:
        # Latitudes beyond the pole stay as they are: the check of the coordinates says that they are swapped.
        return np.where(is_finite, moved, shapes), ~shapely.is_missing(shapes)
    return only(moved, is_finite), is_finite


def _are_finite(shapes: Shapes) -> Flags:
    are_finite: Flags = np.asarray(np.isfinite(shapely.bounds(shapes)).all(axis=1))
    return are_finite


_EXAMPLES = 2


def _findings(fault: pd.Series, given: _Given, raw: RawTable) -> Iterator[Finding]:
    source = given.source
    if given.order:
        message = f"Each cell of {source} in {raw.path.name} holds two numbers; they are read with {given.order}."
        remedy = "If that is wrong, export longitude and latitude in columns of their own."
        yield Finding("note", "pairs_read", raw.path.name, message, remedy=remedy)
    said = {
        "unreadable_coordinates": ("coordinate_unreadable", "cannot be read as coordinates"),
        "impossible_coordinates": ("coordinate_impossible", "cannot be coordinates of their CRS"),
    }
    for reason, (code, problem) in said.items():
        rows = fault.index[fault == reason]
        if len(rows):
            cells = [as_text(column[rows]).fillna("") for column in given.columns]
            texts = dict.fromkeys(", ".join(row) for row in zip(*cells, strict=True))
            examples = "; ".join(f"“{text}”" for text in itertools.islice(texts, _EXAMPLES))
            shown = f"; for example {examples}" if examples else ""
            yield Finding(
                "warning",
                code,
                raw.path.name,
                f"{count_text(len(rows), 'row')} of {raw.path.name} with values in {source} that {problem}, and so "
                f"without a place{shown}.",
                ids=tuple(f"row {row}" for row in rows),
                expected="two numbers in the CRS that is stated, such as -121.3 and 38.6",
                remedy="Correct them in the source, or leave them empty.",
            )
