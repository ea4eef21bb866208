"""Zip archives that hold one table or layer."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.file_kinds import describe
from safeschools_geo.io.shapefiles import PART_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Collection


def extract_only(path: Path, folder: Path, suffixes: Collection[str]) -> Path:
    """Take the one file that can be read out of a zip archive.

    Parameters
    ----------
    path
        The archive.
    folder
        Where to put it, with the other parts if it is a shapefile.
    suffixes
        Suffixes, in lower case, of files that can be read.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileReadError
        When the archive is damaged or locked, or does not hold exactly one such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not _is_hidden(name)]
            wanted = _wanted(names, suffixes)
            if len(wanted) != 1:
                raise _not_one(path, wanted, names)
            for name in _with_parts(wanted[0], names):
                archive.extract(name, folder)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise FileReadError(
            "The file is not a zip archive that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a whole zip archive without a password",
            remedy="Download it again, or unpack it and give the files in it.",
        ) from error
    return folder / wanted[0]


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name.endswith("/") or "__MACOSX" in parts or parts[-1].startswith((".", "~$"))


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _wanted(names: list[str], suffixes: Collection[str]) -> list[str]:
    layers = {_stem(name) for name in names if _suffix(name) == ".shp"}
    return [
        name for name in names if _suffix(name) in suffixes and not (_suffix(name) == ".dbf" and _stem(name) in layers)
    ]


def _with_parts(name: str, names: list[str]) -> list[str]:
    if _suffix(name) != ".shp":
        return [name]
    return [part for part in names if _stem(part) == _stem(name) and _suffix(part) in PART_SUFFIXES]


def _not_one(path: Path, wanted: list[str], names: list[str]) -> FileReadError:
    return FileReadError(
        "The zip archive does not hold exactly one table or layer.",
        where=path,
        found=", ".join(wanted or names) or "nothing",
        expected="one CSV, Excel, Parquet, GeoJSON, GeoPackage or shapefile",
        remedy="Unpack it, and give the one file that is meant.",
    )
