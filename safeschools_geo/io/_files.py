"""Any file an analyst has, read by what it is, with our own words where it is broken."""

from __future__ import annotations

import hashlib
import json
import lzma
import shutil
import stat
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from safeschools_geo.errors import FileReadError, name_ids
from safeschools_geo.findings import Finding, join_rejects
from safeschools_geo.io._table import (
    RawTable,
    check_entries,
    check_size,
    check_table_size,
    column_names,
    describe,
    to_frame,
    with_shapes,
)
from safeschools_geo.io._tabular import read_delimited, read_spreadsheet
from safeschools_geo.io._vectors import PART_SUFFIXES, parts_of, read_layer, read_shapefile
from safeschools_geo.settings import ReadingSettings

if TYPE_CHECKING:
    from collections.abc import Collection


# ── Zip archives that hold one table or layer

GEODATABASE = ".gdb"
_NAME = "table"
_READMES = ("readme", "license", "licence", "notice", "metadata", "read_me", "read me")
_LISTED = 20


def extract_only(
    path: Path, folder: Path, suffixes: Collection[str], *, limits: ReadingSettings, layer: str | None = None
) -> tuple[Path, str, tuple[Finding, ...]]:
    """Take the one file that can be read out of a zip archive.

    The file. What it is called in the archive. Entries that were left out because they are no plain files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(path, len(archive.infolist()), limits)
            entries = [entry for entry in archive.infolist() if not _is_aside(entry.filename)]
            plain = [entry for entry in entries if _is_plain(entry)]
            names = [entry.filename for entry in plain]
            folders = dict.fromkeys(holder for name in names if (holder := _holder(name)) != name)
            wanted = _wanted([*folders, *(name for name in names if _holder(name) == name)], suffixes)
            if len(wanted) > 1:
                wanted = [name for name in wanted if PurePosixPath(name).stem == layer] or wanted
            if len(wanted) != 1:
                raise _not_one(path, wanted, [entry.filename for entry in entries])
            parts = _with_parts(wanted[0], plain)
            check_size(
                path,
                sum(part.file_size for part in parts.values()),
                limits,
                packed=sum(part.compress_size for part in parts.values()),
            )
            for name, part in parts.items():
                (folder / name).parent.mkdir(exist_ok=True)
                with archive.open(part) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        OSError,
    ) as error:
        raise FileReadError(
            "The file is not a zip archive that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a whole zip archive without a password",
            remedy="Download it again, or unpack it and give the files in it.",
        ) from error
    odd = [_shown(entry.filename) for entry in entries if entry not in plain]
    return folder / f"{_NAME}{_suffix(wanted[0])}", _shown(wanted[0]), (_passed_over(path, odd),) if odd else ()


def _is_aside(name: str) -> bool:
    """Whether an entry is a folder, or hidden by the system that packed it."""
    parts = _parts(name)
    last = parts[-1] if parts else ""
    return name.endswith("/") or "__MACOSX" in parts or (last != ".." and last.startswith((".", "~$")))


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a file inside the archive's own folder; not a link, nor a name that leads out."""
    parts = _parts(entry.filename)
    is_inside = bool(parts) and not parts[0].startswith("/") and ".." not in parts and ":" not in parts[0]
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    return is_inside and not is_link and entry.filename.isprintable()


def _shown(name: str) -> str:
    """Write the name of an entry so that it can be read, whatever is in it."""
    return name if name.isprintable() and name.strip() else repr(name)


def _stem(name: str) -> str:
    return name[: len(name) - len(_suffix(name))]


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _holder(name: str) -> str:
    """Return the folder that a file is a part of, if it is a File Geodatabase; else the file."""
    parts = _parts(name)
    geodatabase = next((n for n, part in enumerate(parts[:-1], start=1) if _suffix(part) == GEODATABASE), None)
    return name if geodatabase is None else "/".join(parts[:geodatabase])


def _wanted(names: list[str], suffixes: Collection[str]) -> list[str]:
    """Find the tables and layers among files; text beside the only other one is taken for a note."""
    layers = {_stem(name) for name in names if _suffix(name) == ".shp"}
    wanted = [
        name
        for name in names
        if _suffix(name) in suffixes
        and not (_suffix(name) == ".dbf" and _stem(name) in layers)
        and not is_readme(PurePosixPath(name))
    ]
    tables = [name for name in wanted if _suffix(name) != ".txt"]
    return tables if len(tables) == 1 else wanted


def _with_parts(name: str, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the entries to unpack, by the name they get: the file, and the other parts if it has any."""
    if _suffix(name) == GEODATABASE:
        inside = [entry for entry in entries if _holder(entry.filename) == name]
        return {f"{_NAME}{GEODATABASE}/{_parts(entry.filename)[-1]}": entry for entry in inside}
    suffixes = PART_SUFFIXES if _suffix(name) == ".shp" else (_suffix(name),)
    parts = [entry for entry in entries if _stem(entry.filename) == _stem(name) and _suffix(entry.filename) in suffixes]
    return {f"{_NAME}{_suffix(entry.filename)}": entry for entry in reversed(parts)}


def _not_one(path: Path, wanted: list[str], names: list[str]) -> FileReadError:
    return FileReadError(
        "The zip archive does not hold exactly one table or layer.",
        where=path,
        found=name_ids([_shown(name) for name in wanted or names], shown=_LISTED) or "nothing",
        expected="one CSV, Excel, Parquet, GeoJSON, KML, GeoPackage, shapefile or File Geodatabase",
        remedy='Say which one is meant: layer = "…" with its name without the suffix, or layer = ["…", "…"] if several '
        "belong together."
        if len(wanted) > 1
        else "Unpack it, and give the one file that is meant.",
        setting="layer" if len(wanted) > 1 else None,
    )


def _passed_over(path: Path, names: list[str]) -> Finding:
    return Finding(
        "warning",
        "archive_entries_passed_over",
        path.name,
        f"{path.name} has entries that are no plain files with a name inside the archive ({len(names):,}); "
        "they were left out.",
        ids=tuple(names),
        expected="files, not links, with names that stay inside the archive",
        remedy="Pack the files again, or see who made the archive.",
    )


# ── Parquet and GeoParquet

_DEFAULT_CRS = "OGC:CRS84"


def read_parquet(path: Path, *, limits: ReadingSettings) -> RawTable:
    """Read Parquet or GeoParquet.

    Columns in their types. What a pandas frame was indexed by is a column; an index without a name is ``index``.

    Notes
    -----
    Geometry follows the GeoParquet specification 1.1: the primary column of the ``geo`` metadata; coordinates without a
    stated CRS are longitude and latitude, while a CRS of ``null`` is unknown.
    """
    try:
        table = _table(path, limits)
        geo = json.loads((table.schema.metadata or {}).get(b"geo", b"null"))
        frame, findings = _frame(table, path)
        column = geo and geo["primary_column"]
        described = geo and geo["columns"][column]
        wkb = described and _wkb(path, table, column, described["encoding"])
    except FileReadError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise FileReadError(
            "The file is not Parquet that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a whole Parquet file",
            remedy="Export or download it again. If it is text, name it .csv.",
        ) from error
    if geo is None:
        return RawTable(path, frame, findings=findings)
    return with_shapes(path, frame.drop(columns=column), wkb, described.get("crs", _DEFAULT_CRS), findings=findings)


def _table(path: Path, limits: ReadingSettings) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Read all columns, texts as a list of those there are: a text that comes in every row is in the file but once."""
    with path.open("rb") as opened:
        with pq.ParquetFile(opened) as file:
            about = file.metadata
            check_table_size(path, limits, rows=about.num_rows, columns=about.num_columns)
            size = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
            check_size(path, size, limits, packed=path.stat().st_size)
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        with pq.ParquetFile(opened, read_dictionary=texts) as file:
            table = file.read()
    check_size(path, sum(map(_spread_bytes, table.columns)), limits, packed=path.stat().st_size)
    return table


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _spread_bytes(column: Any) -> int:  # noqa: ANN401 - pyarrow has no types
    """Count the bytes of a column once every row has its own text."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return sum(
        int(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0)
        for chunk in column.chunks
        if _is_text(column.type.value_type)
    )


def _frame(table: Any, path: Path) -> tuple[pd.DataFrame, tuple[Finding, ...]]:  # noqa: ANN401 - pyarrow has no types
    given = ["index" if name.startswith("__index_level_") else name for name in table.column_names]
    names, findings = column_names(given, path)
    return to_frame(dict(zip(names, table.columns, strict=True)), rows=table.num_rows), tuple(findings)


def _wkb(path: Path, table: Any, column: str, encoding: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - pyarrow
    if encoding == "WKB":
        return np.asarray(table.column(column).to_pylist(), dtype="object")
    with path.open("rb") as file:
        shapes = gpd.read_parquet(file, columns=[column]).geometry.to_numpy()
    return np.asarray(shapely.to_wkb(shapes), dtype="object")


# ── Any file an analyst has, read by what it is, with our own words where it is not what it says

_DELIMITED = (".csv", ".tsv", ".txt")
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_PARQUET = (".parquet", ".geoparquet")
_LAYERS = (".geojson", ".json", ".gpkg", ".kml")
_SHAPEFILE = (".shp", ".dbf")
_DBF_NAME_LENGTH = 10
_ARCHIVES = (".zip", ".kmz")
SUPPORTED_SUFFIXES: tuple[str, ...] = (
    *_DELIMITED,
    *_WORKBOOKS,
    *_PARQUET,
    *_LAYERS,
    GEODATABASE,
    *_SHAPEFILE,
    *_ARCHIVES,
)
"""Suffixes, in lower case, of files that can be read."""

_CHUNK_BYTES = 2**20
_LIMITS = ReadingSettings()


def read_table(
    path: Path,
    *,
    layer: str | tuple[str, ...] | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    limits: ReadingSettings = _LIMITS,
) -> RawTable:
    """Read a table or a layer.

    Parameters
    ----------
    path
        CSV or other delimited text, a workbook, Parquet, GeoParquet, GeoJSON, GeoPackage, Shapefile, a dBASE table,
        KML, KMZ, a File Geodatabase, or a zip archive of one of them.
    layer
        Which layer, where the file has several, or which together; of an archive of several shapefiles, the name of
        one.
    sheet
        Which sheet of a workbook; if left out, those of the longest table, hidden ones apart.
    header_row
        In which row of a sheet or a text file the names of the columns are, counted from 1; found by its content if
        left out.
    limits
        How much it may hold: ``[reading]`` of the district, else the defaults.

    Returns
    -------
    RawTable
        The table as the file gives it. It is read with the driver of its kind, and nothing in it that points to
        another file or to an address is followed.

    Raises
    ------
    FileReadError
        When the file is missing, empty, damaged, locked, not what its name says, points elsewhere, or holds more than
        `limits` allow.
    """
    _require_file(path)
    check_size(path, sum(part.stat().st_size for part in _bytes_of(path)), limits)
    try:
        if isinstance(layer, tuple):
            tables = [_read(path, layer=one, sheet=sheet, header_row=header_row, limits=limits) for one in layer]
            return _joined(path, tables, layer, limits)
        return _read(path, layer=layer, sheet=sheet, header_row=header_row, limits=limits)
    except OSError as error:
        raise FileReadError(
            "The file cannot be opened.",
            where=path,
            found=error.strerror or error,
            expected="a file that you may read",
            remedy="Close it in other programs, and check that you may read it.",
        ) from error


def _joined(path: Path, tables: list[RawTable], names: tuple[str, ...], limits: ReadingSettings) -> RawTable:
    """Make one layer of several; rows are numbered on from layer to layer."""
    if len({None if one.geometry is None else one.geometry.crs for one in tables}) > 1:
        raise FileReadError(
            "The layers that are to be read as one state different CRS.",
            where=path,
            found=", ".join(
                f"{name}: {one.geometry is not None and one.geometry.crs}"
                for name, one in zip(names, tables, strict=True)
            ),
            expected="one CRS for all of them",
            remedy="Export them in one CRS.",
        )
    before, frames, shapes, rejects = 0, [], [], []
    for one in tables:
        frames.append(one.frame.set_axis(one.frame.index + before, axis=0))
        shapes += [] if one.geometry is None else [one.geometry.set_axis(frames[-1].index)]
        rejects.append(one.rejects.assign(row=one.rejects["row"] + before))
        before += max([0, *one.frame.index, *one.rejects["row"]])
    frame = pd.concat(frames)
    check_table_size(path, limits, rows=len(frame), columns=len(frame.columns))
    message = f"{len(tables)} layers of {path.name} are read as one: {', '.join(names)}."
    return RawTable(
        path,
        frame,
        pd.concat(shapes) if shapes else None,
        findings=(
            *dict.fromkeys(finding for one in tables for finding in one.findings),
            Finding("note", "layers_joined", path.name, message, ids=names),
        ),
        rejects=join_rejects(rejects),
    )


def _require_file(path: Path) -> None:
    if not _is_there(path):
        raise FileReadError(
            "This is a folder, not a file." if path.is_dir() else "There is no such file.",
            where=path,
            expected="a file",
            remedy="Check the name and the folder.",
        )
    if path.suffix.lower() not in SUPPORTED_SUFFIXES:
        raise FileReadError(
            f"Files that end in {path.suffix or 'no suffix'} are not read.",
            where=path,
            found=describe(path),
            expected=", ".join(SUPPORTED_SUFFIXES),
            remedy="Save it as one of these.",
        )
    if not any(part.stat().st_size for part in _bytes_of(path)):
        raise FileReadError(
            "The file is empty.",
            where=path,
            found="0 bytes",
            expected="a table or a layer",
            remedy="Export it again, or remove the file.",
        )


def _is_there(path: Path) -> bool:
    return path.is_file() or (path.suffix.lower() == GEODATABASE and path.is_dir())


def _bytes_of(path: Path) -> list[Path]:
    """List the files that make one table or layer."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return list(parts_of(path).values()) if path.suffix.lower() == ".shp" else [path]


def _read(
    path: Path, *, layer: str | None, sheet: str | None, header_row: int | None, limits: ReadingSettings
) -> RawTable:
    suffix = path.suffix.lower()
    if suffix in _ARCHIVES:
        return _read_archive(path, layer=layer, sheet=sheet, header_row=header_row, limits=limits)
    if suffix in _DELIMITED:
        return read_delimited(path, header_row=header_row, limits=limits)
    if suffix in _WORKBOOKS:
        return read_spreadsheet(path, sheet=sheet, header_row=header_row, limits=limits)
    if suffix in _PARQUET:
        return read_parquet(path, limits=limits)
    if suffix in _SHAPEFILE:
        return replace(read_shapefile(path, limits=limits), name_length=_DBF_NAME_LENGTH)
    return read_layer(path, layer=layer, limits=limits)


def _read_archive(
    path: Path, *, layer: str | None, sheet: str | None, header_row: int | None, limits: ReadingSettings
) -> RawTable:
    readable = set(SUPPORTED_SUFFIXES) - set(_ARCHIVES)
    with tempfile.TemporaryDirectory() as folder:
        inner, name, findings = extract_only(path, Path(folder), readable, limits=limits, layer=layer)
        try:
            raw = read_table(inner, layer=layer, sheet=sheet, header_row=header_row, limits=limits)
        except FileReadError as error:
            raise error.but(where=f"{path}, in it {name}") from error
    rejects = raw.rejects.assign(source_file=path.name).astype({"source_file": "str"})
    return replace(raw, path=path, rejects=rejects, findings=(*findings, *raw.findings))


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Find the files of a folder that can be read.

    Parameters
    ----------
    folder
        The folder; nothing is found in one that is not there.
    pattern
        Name of a file, or a pattern with ``*`` and ``?``.

    Returns
    -------
    list of pathlib.Path
        Sorted by name. Hidden files, lock files and READMEs are left out, and of a shapefile only the ``.shp`` counts.
    """
    if _is_there(folder / pattern):
        return [folder / pattern]
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.glob(pattern) if _is_there(path) and _is_table(path))
    layers = {path.with_suffix("") for path in found if path.suffix.lower() == ".shp"}
    return [path for path in found if path.suffix.lower() != ".dbf" or path.with_suffix("") not in layers]


def _is_table(path: Path) -> bool:
    is_aside = path.name.startswith((".", "~$")) or is_readme(path)
    return path.suffix.lower() in SUPPORTED_SUFFIXES and not is_aside


def is_readme(path: PurePath) -> bool:
    """Whether a file says by its name that it tells of others."""
    return path.suffix.lower() in {"", ".txt", ".csv", ".json"} and path.stem.lower().startswith(_READMES)


def sha256_of(path: Path) -> str:
    """Fingerprint a file.

    Parameters
    ----------
    path
        The file; of a shapefile, the ``.shp``.

    Returns
    -------
    str
        SHA-256 of its bytes in hexadecimal; of a shapefile, of its parts one after the other (``.shp``, ``.shx``,
        ``.dbf``, ``.prj``, ``.cpg``, as far as there are); of a File Geodatabase, of its files by name.
    """
    digest = hashlib.sha256()
    for part in _bytes_of(path):
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
