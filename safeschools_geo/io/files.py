"""Any file an analyst has, read by what it is, with our own words where it is not what it says."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.archives import extract_only
from safeschools_geo.io.delimited import read_delimited
from safeschools_geo.io.file_kinds import check_size, describe
from safeschools_geo.io.parquet import read_parquet
from safeschools_geo.io.shapefiles import parts_of
from safeschools_geo.io.spreadsheets import read_spreadsheet
from safeschools_geo.io.vectors import read_layer, read_shapefile
from safeschools_geo.settings import ReadingSettings

if TYPE_CHECKING:
    from safeschools_geo.io.raw import RawTable

_DELIMITED = (".csv", ".tsv", ".txt")
_EXCEL = (".xlsx", ".xlsm")
_PARQUET = (".parquet", ".geoparquet")
_LAYERS = (".geojson", ".json", ".gpkg")
_SHAPEFILE = (".shp", ".dbf")
_DBF_NAME_LENGTH = 10
_ARCHIVE = ".zip"
SUPPORTED_SUFFIXES: tuple[str, ...] = (*_DELIMITED, *_EXCEL, *_PARQUET, *_LAYERS, *_SHAPEFILE, _ARCHIVE)
"""Suffixes, in lower case, of files that can be read."""

_CHUNK_BYTES = 2**20
_LIMITS = ReadingSettings()


def read_table(
    path: Path, *, layer: str | None = None, sheet: str | None = None, limits: ReadingSettings = _LIMITS
) -> RawTable:
    """Read a table or a layer.

    Parameters
    ----------
    path
        CSV or other delimited text, Excel, Parquet, GeoParquet, GeoJSON, GeoPackage, Shapefile, a dBASE table, or a
        zip archive of one of them.
    layer
        Which layer, where the file has several.
    sheet
        Which sheet of a workbook; the first that has cells if left out.
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
    check_size(path, path.stat().st_size, limits)
    try:
        return _read(path, layer=layer, sheet=sheet, limits=limits)
    except OSError as error:
        raise FileReadError(
            "The file cannot be opened.",
            where=path,
            found=error.strerror or error,
            expected="a file that you may read",
            remedy="Close it in other programs, and check that you may read it.",
        ) from error


def _require_file(path: Path) -> None:
    if not path.is_file():
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
            remedy="Save it as one of these; an old .xls as .xlsx.",
        )
    if path.stat().st_size == 0:
        raise FileReadError(
            "The file is empty.",
            where=path,
            found="0 bytes",
            expected="a table or a layer",
            remedy="Export it again, or remove the file.",
        )


def _read(path: Path, *, layer: str | None, sheet: str | None, limits: ReadingSettings) -> RawTable:
    suffix = path.suffix.lower()
    if suffix == _ARCHIVE:
        return _read_archive(path, layer=layer, sheet=sheet, limits=limits)
    if suffix in _DELIMITED:
        return read_delimited(path, limits=limits)
    if suffix in _EXCEL:
        return read_spreadsheet(path, sheet=sheet, limits=limits)
    if suffix in _PARQUET:
        return read_parquet(path, limits=limits)
    if suffix in _SHAPEFILE:
        return replace(read_shapefile(path, limits=limits), name_length=_DBF_NAME_LENGTH)
    return read_layer(path, layer=layer, limits=limits)


def _read_archive(path: Path, *, layer: str | None, sheet: str | None, limits: ReadingSettings) -> RawTable:
    readable = set(SUPPORTED_SUFFIXES) - {_ARCHIVE}
    with tempfile.TemporaryDirectory() as folder:
        inner, name, findings = extract_only(path, Path(folder), readable, limits=limits)
        try:
            raw = read_table(inner, layer=layer, sheet=sheet, limits=limits)
        except FileReadError as error:
            where = f"{path}, in it {name}"
            raise FileReadError(
                error.problem, where=where, found=error.found, expected=error.expected, remedy=error.remedy
            ) from error
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
    if (folder / pattern).is_file():
        return [folder / pattern]
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.glob(pattern) if path.is_file() and _is_table(path))
    layers = {path.with_suffix("") for path in found if path.suffix.lower() == ".shp"}
    return [path for path in found if path.suffix.lower() != ".dbf" or path.with_suffix("") not in layers]


def _is_table(path: Path) -> bool:
    is_aside = path.name.startswith((".", "~$")) or path.stem.lower() == "readme"
    return path.suffix.lower() in SUPPORTED_SUFFIXES and not is_aside


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
        ``.dbf``, ``.prj``, ``.cpg``, as far as there are).
    """
    parts = parts_of(path).values() if path.suffix.lower() == ".shp" else [path]
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
