"""Layers and Parquet: GeoJSON, GeoPackage, Shapefile, GeoParquet, with our words for what their drivers say."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from safeschools_geo.errors import FileReadError, InputError
from safeschools_geo.io.raw import RawTable
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from pathlib import Path

_DRIVER_ERRORS = (
    DataSourceError,
    DataLayerError,
    FeatureError,
    FieldError,
    GeometryError,
    ValueError,
    RuntimeError,
    UnicodeDecodeError,
    shapely.errors.GEOSException,
)


def read_layer_file(path: Path) -> RawTable:
    """Read a layer.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, Shapefile, a zip that holds one of them, or a dBASE table alone.

    Returns
    -------
    RawTable
        Its only layer; heights are dropped.

    Raises
    ------
    FileReadError
        When the driver cannot read it, or it has several layers.
    """
    source = f"/vsizip/{path.as_posix()}" if path.suffix.casefold() == ".zip" else path
    try:
        layer = _only_layer(source, path)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            table = pyogrio.read_dataframe(source, layer=layer)
    except InputError:
        raise
    except _DRIVER_ERRORS as error:
        raise _unreadable(path, error) from error
    table.index = pd.RangeIndex(1, len(table) + 1, name="row")
    findings = tuple(_heard(path, str(w.message)) for w in heard if "crs" not in str(w.message).casefold())
    if not isinstance(table, gpd.GeoDataFrame):
        return RawTable(path, pd.DataFrame(table), None, findings=findings)
    _require_whole(path, table)
    geometry = gpd.GeoSeries(shapely.force_2d(table.geometry.to_numpy()), index=table.index, crs=table.crs)
    return RawTable(path, pd.DataFrame(table.drop(columns=table.geometry.name)), geometry, findings=findings)


def _only_layer(source: object, path: Path) -> str:
    layers = [str(name) for name in pyogrio.list_layers(source)[:, 0]]
    if len(layers) == 1:
        return layers[0]
    raise FileReadError(
        "The file has several layers." if layers else "The file has no layer.",
        where=path,
        found=", ".join(layers) or "none",
        expected="one layer",
        remedy="Save the layer that is meant as a file of its own.",
    )


def _require_whole(path: Path, table: gpd.GeoDataFrame) -> None:
    # A shapefile cut short opens without complaint; its missing shapes come back as nothing at all.
    if path.suffix.casefold() != ".shp":
        return
    declared = int.from_bytes(path.read_bytes()[24:28], "big") * 2
    present = path.stat().st_size
    if present < declared:
        raise FileReadError(
            "The shapefile is cut short.",
            where=path,
            found=f"{present:,} bytes, {int(table.geometry.isna().sum()):,} shapes of {len(table):,} missing",
            expected=f"{declared:,} bytes, as its header says",
            remedy="Copy or download it again, with its .shx, .dbf and .prj.",
        )


def _heard(path: Path, message: str) -> Finding:
    return Finding("warning", "driver_warning", path.name, f"While reading {path.name}: {message}")


def _unreadable(path: Path, error: Exception) -> FileReadError:
    kind = {".shp": "Shapefile", ".gpkg": "GeoPackage", ".dbf": "dBASE table", ".zip": "zipped layer"}
    name = kind.get(path.suffix.casefold(), "GeoJSON")
    needs = " with its .shx and .dbf beside it" if name == "Shapefile" else ""
    return FileReadError(
        f"The file is not a {name} that can be read.",
        where=path,
        found=str(error).splitlines()[0] if str(error) else type(error).__name__,
        expected=f"a whole {name}{needs}",
        remedy="Export it again; a download may be cut short, or a ring may have fewer than four points.",
    )


def read_parquet(path: Path) -> RawTable:
    """Read Parquet or GeoParquet.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    RawTable
        Its columns in their types; an index that holds anything becomes a column.

    Raises
    ------
    FileReadError
        When it is not Parquet.
    """
    try:
        has_geometry = b"geo" in (pq.read_schema(path).metadata or {})
        table = gpd.read_parquet(path) if has_geometry else pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileReadError(
            "The file is not Parquet that can be read.",
            where=path,
            found=str(error).splitlines()[0],
            expected="a whole Parquet file",
            remedy="A text file must end in .csv; a download may be cut short.",
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    table.index = pd.RangeIndex(1, len(table) + 1, name="row")
    if not isinstance(table, gpd.GeoDataFrame):
        return RawTable(path, table)
    geometry = gpd.GeoSeries(shapely.force_2d(table.geometry.to_numpy()), index=table.index, crs=table.crs)
    return RawTable(path, pd.DataFrame(table.drop(columns=table.geometry.name)), geometry)
