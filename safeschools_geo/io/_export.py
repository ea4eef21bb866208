"""The files of outputs: safe to open in a spreadsheet, the same bytes for the same result, and with a manifest."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
import zipfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyogrio

from safeschools_geo import __version__
from safeschools_geo.errors import OutputError, printable
from safeschools_geo.io._columns import safe_cells
from safeschools_geo.io._files import sha256_of
from safeschools_geo.text import folder_key
from safeschools_geo.writing import MANIFEST, PRODUCT, folder_in_making, writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray


_SEAL = "generator"
_DECIMALS, _NEARLY = 7, 1e-4


def write_text(path: Path, text: str) -> None:
    """Write a text file into a folder that is being written.

    Parameters
    ----------
    path
        The file.
    text
        Its text, written as UTF-8 with the line ends it has.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file into a folder that is being written.

    Parameters
    ----------
    path
        The file.
    content
        Its content.

    Raises
    ------
    OutputError
        When it cannot be written, or was written before into a folder that is being made.
    """
    _write_parts(path, [content])


def _write_parts(path: Path, parts: Iterable[bytes]) -> None:
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_twice(path)
        with path.open("wb") as file:
            file.writelines(parts)


def _refuse_twice(path: Path) -> None:
    """Refuse a second file where some file system would put it over the first, with nothing said."""
    folder = folder_in_making(path)
    if folder is None:
        return
    # What could be taken for the path, step by step: folders that one system tells apart may be one on another.
    found = [folder]
    for step in map(folder_key, path.relative_to(folder).parts):
        inside = (entry for place in found if place.is_dir() for entry in place.iterdir())
        found = [entry for entry in inside if folder_key(entry.name) == step]
    if any(entry.is_file() for entry in found):
        raise OutputError(
            "Two outputs of one run have the same file name.",
            where=path.name,
            expected="a name of its own for every file, whatever the file system",
            remedy="This is a fault of the program; report it with the ids of zones and schools.",
        )


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV that a spreadsheet opens as text, not as formulas.

    Parameters
    ----------
    path
        The file.
    frame
        The table; its index is not written. Text that begins with ``=``, ``+``, ``-``, ``@`` or a control character
        and is not a number gets an apostrophe in front. Moments are written in ISO 8601 with their offset.
    """
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    # A part at a time: four million pairs of schools as text are a gigabyte.
    parts = (_csv_rows(plain.iloc[first : first + _AT_ONCE]) for first in range(0, len(plain), _AT_ONCE))
    _write_parts(path, chain([_pandas_csv(plain.iloc[:0], has_header=True)], parts))


def _pandas_csv(plain: pd.DataFrame, *, has_header: bool = False) -> bytes:
    text: str = plain.to_csv(index=False, header=has_header, lineterminator="\n")
    return text.encode()


_AT_ONCE = 100_000
_MANY_ROWS = 10_000
_PLAINLY_WRITTEN = (1e-4, 1e10)
"""Sizes of numbers that Arrow writes as Python does: without an exponent."""


def _plain_cells(column: pd.Series) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Make cells as they are written, if they are texts that need no quotation marks, or numbers; else None."""
    if isinstance(column.dtype, pd.StringDtype):
        texts = pa.array(column, type=pa.string())
        is_quoted = pc.any(pc.match_substring_regex(texts, r'[",\r\n]')).as_py()
        return None if is_quoted else texts
    if column.dtype == np.dtype("int64"):
        return pa.array(column).cast(pa.string())
    if column.dtype != np.dtype("float64"):
        return None
    numbers = column.to_numpy()
    texts = pa.array(numbers, from_pandas=True).cast(pa.string())
    smallest, largest = _PLAINLY_WRITTEN
    size = np.abs(numbers)
    is_other = ~((size >= smallest) & (size < largest) | np.isnan(size))
    if is_other.any():
        others, which = np.unique(numbers[is_other].view("int64"), return_inverse=True)  # by bits: -0.0 is not 0.0
        if len(others) > len(numbers) // 10:
            return None
        written = pa.array([repr(float(number)) for number in others.view("float64")]).take(pa.array(which))
        texts = pc.replace_with_mask(texts, pa.array(is_other), written)
    return texts


def _csv_rows(plain: pd.DataFrame) -> bytes:
    """Write rows as pandas does; Arrow is faster where cells need no quotation marks."""
    safe = {name: safe_cells(plain[name]) for name in plain.columns}
    # Of one column, an empty cell would be no row without its quotation marks.
    is_long = len(plain) >= _MANY_ROWS and len(safe) > 1
    columns = [_plain_cells(column) for column in safe.values()] if is_long else [None]
    if any(cells is None for cells in columns):
        return _pandas_csv(pd.DataFrame(safe, index=plain.index))
    filled = [pc.fill_null(cells, "") for cells in columns]
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 16)
    pyarrow.csv.write_csv(pa.table(filled, names=[str(n) for n in range(len(columns))]), sink, options)
    rows: bytes = sink.getvalue().to_pybytes()
    return rows


def write_geojson(path: Path, frame: gpd.GeoDataFrame, *, seal: str = "") -> None:
    """Write a layer as GeoJSON in longitude and latitude.

    Parameters
    ----------
    path
        The file.
    frame
        The layer, EPSG:4326, written with seven decimals (about 1 cm).
    seal
        Name of the command that writes it, if `is_sealed` is to know it again.
    """
    shapes = frame.geometry.transform(_rounded, include_z=None)
    layer = frame.set_geometry(shapes).to_geo_dict(drop_id=True)
    if seal:
        layer = {_SEAL: {"name": f"{PRODUCT} {seal}", "sha256": _digest(layer)}, **layer}
    write_text(path, _plain_json(layer) + "\n")


def is_sealed(path: Path, seal: str) -> bool:
    """Say whether a command wrote a GeoJSON file, and nobody changed it since.

    Parameters
    ----------
    path
        The file.
    seal
        Name of the command.

    Returns
    -------
    bool
        Whether it is as `write_geojson` wrote it.
    """
    try:
        layer = json.loads(path.read_bytes())
        made_by = layer.pop(_SEAL)
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return False
    return bool(made_by == {"name": f"{PRODUCT} {seal}", "sha256": _digest(layer)})


def _digest(layer: dict[str, Any]) -> str:
    return hashlib.sha256(_plain_json(layer).encode()).hexdigest()


def _plain_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round coordinates as Python does: half a last decimal, on which numpy may decide otherwise, one by one."""
    scaled = numbers * 10.0**_DECIMALS
    rounded = np.rint(scaled) / 10.0**_DECIMALS
    is_half = np.abs(scaled - np.floor(scaled) - 0.5) < _NEARLY
    rounded[is_half] = [round(number, _DECIMALS) for number in numbers[is_half].tolist()]
    return rounded


_DRIVERS = {".gpkg": "GPKG", ".kml": "LIBKML", ".zip": "ESRI Shapefile"}
_STYLE = "OGR_STYLE"
# What a format says of the day it was written, so that the same result has the same bytes.
_DAY, _MOMENT = (1980, 1, 1), "1980-01-01T00:00:00Z"
_NAME_LENGTH = 10
_WIDEST = 90


def write_tables(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write several tables into one file, with the same bytes for the same tables.

    Parameters
    ----------
    path
        ``.gpkg``, ``.kml``, or ``.zip`` for shapefiles, of layers; ``.xlsx`` of sheets.
    tables
        Name of a layer or sheet → its table; layers in EPSG:4326. A column ``OGR_STYLE`` says how KML shows a row, and
        is in no other format. Names of columns of shapefiles are cut to ten letters, which differ.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    if path.suffix == ".xlsx":
        write_bytes(path, _workbook(tables))
        return
    day = "-".join(f"{part:02}" for part in _DAY)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _MOMENT})
    try:
        with tempfile.TemporaryDirectory() as place:
            for number, (name, table) in enumerate(tables.items()):
                layer = _plain_layer(table, path.suffix)
                if path.suffix == ".zip":
                    layer = layer.rename(columns=lambda column: column[:_NAME_LENGTH])
                    more: dict[str, Any] = {"DBF_DATE_LAST_UPDATE": day, "ENCODING": "UTF-8"}
                    target = Path(place) / f"{name}.shp"
                else:
                    more, target = {"layer": name, "append": number > 0}, Path(place) / f"layers{path.suffix}"
                pyogrio.write_dataframe(
                    layer,
                    target,
                    driver=_DRIVERS[path.suffix],
                    geometry_type="MultiPolygon",
                    promote_to_multi=True,
                    **more,
                )
            files = {file.name: file.read_bytes() for file in sorted(Path(place).iterdir())}
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    write_bytes(path, _zipped(files) if path.suffix == ".zip" else files[f"layers{path.suffix}"])


def _plain_layer(table: pd.DataFrame, suffix: str) -> gpd.GeoDataFrame:
    """Take what every format of layers can hold: text without control characters, numbers, yes and no."""
    layer = gpd.GeoDataFrame(table if suffix == ".kml" else table.drop(columns=_STYLE, errors="ignore"))
    for name in layer.columns.drop(layer.geometry.name):
        column = layer[name]
        if isinstance(column.dtype, pd.StringDtype):
            layer[name] = column.map(printable, na_action="ignore")
        elif pd.api.types.is_extension_array_dtype(column.dtype):
            layer[name] = column.astype("float64")
    return layer


def _workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    import openpyxl  # noqa: PLC0415 - few commands write workbooks, and it takes long to load
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        cells = table.astype("object").where(table.notna(), None)
        for number, row in enumerate([tuple(table.columns), *cells.itertuples(index=False)], start=1):
            for place, value in enumerate(row, start=1):
                cell = sheet.cell(number, place)
                cell.value = printable(value) if isinstance(value, str) else value
                if isinstance(value, str):
                    cell.data_type = "s"  # never a formula
                cell.alignment = Alignment(vertical="top", wrap_text=isinstance(value, str))
                cell.font = Font(bold=number == 1)
                if isinstance(value, float):
                    cell.number_format = "0.00"
        for place, column in enumerate(table.columns, start=1):
            longest = max([len(str(column)), *cells.iloc[:, place - 1].map(lambda v: len(str(v)))])
            sheet.column_dimensions[get_column_letter(place)].width = min(longest + 2, _WIDEST)
        sheet.freeze_panes = "A2"
    written = io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = files["docProps/core.xml"]
    files["docProps/core.xml"] = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _MOMENT.encode(), about)
    return _zipped(files)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (*_DAY, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def fingerprints(folder: Path) -> dict[str, str]:
    """Fingerprint every file of a folder.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    dict of str to str
        Path within the folder, with ``/`` → SHA-256, sorted.
    """
    return {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: what went in, what was set, and what came out. By it the product knows its folders.

    Parameters
    ----------
    folder
        The folder, with all its files written; every file in it is listed with its SHA-256.
    content
        Inputs, settings, seed, versions and counts.
    """
    files = fingerprints(folder)
    whole = {"product": {"name": PRODUCT, "version": __version__}, **content, "outputs": files}
    write_text(folder / MANIFEST, json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n")
