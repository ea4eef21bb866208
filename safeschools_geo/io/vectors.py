"""Layers of maps: GeoJSON, GeoPackage, Shapefile and dBASE tables, with our own words for what is wrong."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.arrow_tables import to_frame
from safeschools_geo.io.contents import check_geojson, check_geopackage_layer, geopackage_layers
from safeschools_geo.io.file_kinds import check_table_size, describe
from safeschools_geo.io.raw import RawTable
from safeschools_geo.io.shapefiles import check_parts, dbf_encoding
from safeschools_geo.io.shapes import with_shapes
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from safeschools_geo.settings import ReadingSettings

_DRIVER_ERRORS = (
    CRSError,
    DataSourceError,
    DataLayerError,
    FeatureError,
    FieldError,
    GeometryError,
    RuntimeError,
    OSError,
    UnicodeDecodeError,
    UnboundLocalError,  # what a .prj that is no text comes to in pyogrio
)
_COPY = "copy"
_KINDS = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "a GeoPackage",
    ".shp": "a shapefile",
    ".dbf": "a dBASE table",
}
# Names that drivers give to ids without a name, and where they count from when there are no ids.
_COUNTED_FROM = {"OGC_FID": 0, "fid": 1}
# Said by the driver of what we ask for or see to ourselves.
_EXPECTED_WARNINGS = ("does not support open option", "More than one layer", "Several features with id")


def read_layer(path: Path, *, limits: ReadingSettings, layer: str | None = None) -> RawTable:
    """Read a layer of GeoJSON or a GeoPackage.

    Parameters
    ----------
    path
        The file.
    limits
        How much it may hold.
    layer
        Name of the layer, where the file has several.

    Returns
    -------
    RawTable
        Attributes in their types; moments in GeoJSON stay text, with their offset. Ids that the file keeps apart from
        the attributes are a column, unless they only number the rows.

    Raises
    ------
    FileReadError
        When it is something else, is damaged, points elsewhere, or has several layers and `layer` names none of them.
    """
    suffix = path.suffix.lower()
    if suffix == ".gpkg":
        beside = path.with_name(f"{path.name}-wal")  # what a program that has it open has written
        parts = {suffix: path} | ({f"{suffix}-wal": beside} if beside.is_file() else {})
        with _alone(parts) as copy:
            chosen = _choose_layer(path, geopackage_layers(path, copy), layer)
            check_geopackage_layer(path, copy, chosen, limits)
            return _read(path, str(copy), layer=chosen, return_fids=True, LIST_ALL_TABLES="NO")
    check_geojson(path, limits)
    with _alone({".geojson": path}) as copy:
        # The prefix leaves the driver no choice: others would look into the text for what they know.
        source = f"GeoJSON:{copy}"
        if layer is not None:
            _choose_layer(path, [_layer_name(path, source)], layer)
        return _read(path, source, return_fids=True, DATE_AS_STRING="YES")


def read_shapefile(path: Path, *, limits: ReadingSettings) -> RawTable:
    """Read a shapefile, or a dBASE table alone.

    Parameters
    ----------
    path
        The ``.shp``, with its other parts beside it, or a ``.dbf``.
    limits
        How much it may hold.

    Returns
    -------
    RawTable
        Attributes in their types. Without a ``.prj`` there is no CRS, without a ``.dbf`` there are no attributes, and
        a missing ``.shx`` is made up for. A ``.dbf`` has no geometry.

    Raises
    ------
    FileReadError
        When a part is something else, is cut short, or does not belong to the others.
    """
    parts, rows, columns = check_parts(path)
    check_table_size(path, limits, rows=rows, columns=columns)
    encoding = dbf_encoding(parts)
    findings = _part_findings(path, parts, encoding)
    with _alone(parts) as copy:
        if path.suffix.lower() == ".dbf":
            return _read(path, str(copy), findings, encoding=encoding, read_geometry=False)
        if ".shx" in parts:
            return _read(path, str(copy), findings, encoding=encoding)
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})
        try:
            return _read(path, str(copy), findings, encoding=encoding)
        finally:
            pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": None})


@contextmanager
def _alone(parts: Mapping[str, Path]) -> Iterator[Path]:
    """Copy the parts of a file to where nothing else is, under a name that no driver takes for anything but a file."""
    with tempfile.TemporaryDirectory() as folder:
        copies = {suffix: Path(folder).resolve() / f"{_COPY}{suffix}" for suffix in parts}
        for suffix, part in parts.items():
            shutil.copyfile(part, copies[suffix])
        yield next(iter(copies.values()))


def _layer_name(path: Path, source: str) -> str:
    """Tell the name of a GeoJSON layer: the one it states, else that of the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # repeated, and then reported, when the layer is read
            name = str(pyogrio.list_layers(source)[0, 0])
    except _DRIVER_ERRORS as error:
        raise _unreadable(path, error) from error
    return path.stem if name == _COPY else name


def _choose_layer(path: Path, layers: list[str], layer: str | None) -> str:
    if layer in layers or (layer is None and len(layers) == 1):
        return layer or layers[0]
    raise FileReadError(
        "The file has no such layer." if layer else "The file does not have exactly one layer.",
        where=path,
        found=", ".join(layers) or "no layers",
        expected=layer or "one layer",
        remedy="Save the layer that is meant as a file of its own.",
    )


def _read(path: Path, source: str, findings: tuple[Finding, ...] = (), **options: Any) -> RawTable:  # noqa: ANN401
    """Read `source`, which stands for `path`."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            meta, table = pyogrio.read_arrow(source, **options)
    except _DRIVER_ERRORS as error:
        raise _unreadable(path, error) from error
    findings = (*findings, *_warnings(path, {str(warning.message) for warning in said}))
    return _split(path, table, meta, findings, has_ids=options.get("return_fids", False))


def _split(path: Path, table: Any, meta: Any, findings: tuple[Finding, ...], *, has_ids: bool) -> RawTable:  # noqa: ANN401
    """Tell ids, attributes and geometry apart by position: an attribute may have the name of either."""
    columns = table.columns[1:] if has_ids else table.columns
    names = list(meta["fields"])
    frame = to_frame(dict(zip(names, columns, strict=False)), rows=table.num_rows)
    if has_ids:
        frame = _with_ids(frame, meta["fid_column"], table.column(0).to_numpy())
    if len(columns) == len(names):
        return RawTable(path, frame, findings=findings)
    wkb = np.asarray(columns[-1].to_pylist(), dtype="object")
    return with_shapes(path, frame, wkb, meta["crs"], findings=findings)


def _with_ids(frame: pd.DataFrame, column: str, ids: NDArray[np.int64]) -> pd.DataFrame:
    """Keep ids that the file has apart from the attributes, unless they only number the rows."""
    name = "id" if column in _COUNTED_FROM else column
    is_count = column in _COUNTED_FROM and np.array_equal(ids, np.arange(len(ids)) + _COUNTED_FROM[column])
    if is_count or name in frame.columns:
        return frame
    return pd.concat([pd.Series(ids, index=frame.index, name=name), frame], axis=1)


def _warnings(path: Path, messages: set[str]) -> list[Finding]:
    return [
        Finding(
            "warning",
            "reader_warning",
            path.name,
            f"The reader of {path.name} says: {message}",
            expected="a file without faults",
            remedy="Open the layer in a GIS, check its geometry, and export it again.",
        )
        for message in sorted(messages)
        if not any(expected in message for expected in _EXPECTED_WARNINGS)
    ]


def _unreadable(path: Path, error: Exception) -> FileReadError:
    kind = _KINDS[path.suffix.lower()]
    return FileReadError(
        f"The file is not {kind} that can be read.",
        where=path,
        found=f"{describe(path)} ({error})",
        expected=f"{kind}, whole",
        remedy="Export or download it again; a file that was cut short or renamed cannot be read.",
    )


def _part_findings(path: Path, parts: dict[str, Path], encoding: str | None) -> tuple[Finding, ...]:
    remedy = "Copy all parts of the shapefile: .shp, .shx, .dbf, .prj and .cpg."
    is_layer = path.suffix.lower() == ".shp"
    said = [
        (is_layer and ".dbf" not in parts, "dbf_missing", "there is no .dbf beside it, and so no attributes"),
        (is_layer and ".shx" not in parts, "shx_missing", "there is no .shx beside it; the index was built anew"),
        (encoding == "cp1252", "encoding_cp1252", "its text states no encoding; it was read as Windows-1252"),
    ]
    return tuple(
        Finding("warning", code, path.name, f"{path.name}: {message}.", expected="all parts", remedy=remedy)
        for applies, code, message in said
        if applies
    )
