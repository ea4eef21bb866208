"""Any file an analyst has, read by what it is, with our own words when it is not what it says."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.delimited import read_delimited
from safeschools_geo.io.spreadsheets import read_spreadsheet
from safeschools_geo.io.vectors import read_layer_file, read_parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from safeschools_geo.io.raw import RawTable

_READERS: dict[str, Callable[[Path], RawTable]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".xlsx": read_spreadsheet,
    ".xlsm": read_spreadsheet,
    ".parquet": read_parquet,
    ".geoparquet": read_parquet,
    ".geojson": read_layer_file,
    ".json": read_layer_file,
    ".gpkg": read_layer_file,
    ".shp": read_layer_file,
    ".dbf": read_layer_file,
    ".zip": read_layer_file,
}
SUPPORTED_SUFFIXES = tuple(_READERS)
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def read_table(path: Path) -> RawTable:
    """Read a file.

    Parameters
    ----------
    path
        CSV, Excel, Parquet, GeoParquet, GeoJSON, GeoPackage, Shapefile (also zipped) or dBASE.

    Returns
    -------
    RawTable
        What is in it.

    Raises
    ------
    FileReadError
        When it is missing, empty, truncated, not what its name says, or of a kind that is not read.
    """
    reader = _READERS.get(path.suffix.casefold())
    if path.is_dir() or not path.exists():
        raise FileReadError(
            "This is a folder, not a file." if path.is_dir() else "There is no such file.",
            where=path,
            expected="a file",
            remedy="Check the spelling and the folder.",
        )
    if reader is None:
        raise FileReadError(
            f"Files that end in {path.suffix or 'nothing'} are not read.",
            where=path,
            expected=", ".join(SUPPORTED_SUFFIXES),
            remedy="Save it as one of these; an old .xls as .xlsx.",
        )
    if path.stat().st_size == 0:
        raise FileReadError("The file is empty.", where=path, found="0 bytes", remedy="Export it again, or remove it.")
    if path.suffix.casefold() in {".xlsx", ".xlsm", ".zip"} and not zipfile.is_zipfile(path):
        raise FileReadError(
            f"The file ends in {path.suffix} but is none.",
            where=path,
            expected="a file that the program it is named after has saved",
            remedy="A text file that was renamed must end in .csv; a download may be cut short.",
        )
    return reader(path)


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Find the files that fit a pattern and can be read.

    Parameters
    ----------
    folder
        Where to look.
    pattern
        Name of a file, or a pattern with ``*`` and ``?``.

    Returns
    -------
    list of pathlib.Path
        Sorted by name. Lock files and hidden files are left out; of a shapefile's parts only the ``.shp`` counts.
    """
    if (folder / pattern).is_file():
        return [folder / pattern]
    if not folder.is_dir():
        return []
    found = [
        path
        for path in sorted(folder.glob(pattern))
        if path.is_file() and path.suffix.casefold() in _READERS and not path.name.startswith((".", "~$"))
    ]
    shapes = {path.with_suffix("") for path in found if path.suffix.casefold() == ".shp"}
    return [path for path in found if path.suffix.casefold() != ".dbf" or path.with_suffix("") not in shapes]


def sha256_of(path: Path) -> str:
    """Hash a file, or all parts of a shapefile.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    parts = [path]
    if path.suffix.casefold() == ".shp":
        parts = [p for s in _SHAPEFILE_PARTS for p in [path.with_suffix(s)] if p.exists()]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes())
    return digest.hexdigest()
