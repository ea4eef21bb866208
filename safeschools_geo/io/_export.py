"""The files of outputs: safe to open in a spreadsheet, the same bytes for the same result, and with a manifest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from safeschools_geo import __version__
from safeschools_geo.errors import OutputError
from safeschools_geo.io._table import safe_cells
from safeschools_geo.text import folder_key
from safeschools_geo.writing import MANIFEST, PRODUCT, folder_in_making, writable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd


_SEAL = "generator"


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
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_twice(path)
        path.write_bytes(content)


def _refuse_twice(path: Path) -> None:
    """Refuse a second file where some file system would put it over the first, with nothing said."""
    folder = folder_in_making(path)
    if folder is None:
        return
    written = {folder_key(f.relative_to(folder).as_posix()) for f in folder.rglob("*") if f.is_file()}
    if folder_key(path.relative_to(folder).as_posix()) in written:
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
    safe = {name: safe_cells(plain[name]) for name in plain.columns}
    # Of one column, an empty cell would be no row without its quotation marks.
    is_long = len(plain) >= _MANY_ROWS and len(safe) > 1
    columns = [_plain_cells(column) for column in safe.values()] if is_long else [None]
    if all(cells is not None for cells in columns):
        header = pd.DataFrame(columns=list(safe)).to_csv(index=False, lineterminator="\n")
        write_bytes(path, header.encode() + _csv_rows([str(n) for n in range(len(columns))], columns))
        return
    write_text(path, pd.DataFrame(safe, index=plain.index).to_csv(index=False, lineterminator="\n"))


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


def _csv_rows(names: list[str], columns: list[Any]) -> bytes:
    """Write rows of cells that need no quotation marks."""
    filled = [pc.fill_null(cells, "") for cells in columns]
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 16)
    pyarrow.csv.write_csv(pa.table(filled, names=names), sink, options)
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
    layer = _rounded(json.loads(frame.to_json(drop_id=True, show_bbox=False, to_wgs84=False)))
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


def _rounded(value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    if isinstance(value, dict):
        return {k: _rounded(v) if k in {"coordinates", "geometry", "features"} else v for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 7) if isinstance(value, float) else value


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: what went in, what was set, and what came out. By it the product knows its folders.

    Parameters
    ----------
    folder
        The folder, with all its files written; every file in it is listed with its SHA-256.
    content
        Inputs, settings, seed, versions and counts.
    """
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    whole = {"product": {"name": PRODUCT, "version": __version__}, **content, "outputs": files}
    write_text(folder / MANIFEST, json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n")
