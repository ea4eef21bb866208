"""Zip archives that hold one table or layer."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from safeschools_geo.errors import FileReadError, name_ids
from safeschools_geo.io.file_kinds import check_entries, check_size, describe
from safeschools_geo.io.shapefiles import PART_SUFFIXES
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Collection

    from safeschools_geo.settings import ReadingSettings

_NAME = "table"
_LISTED = 20


def extract_only(
    path: Path, folder: Path, suffixes: Collection[str], *, limits: ReadingSettings
) -> tuple[Path, str, tuple[Finding, ...]]:
    """Take the one file that can be read out of a zip archive.

    Parameters
    ----------
    path
        The archive.
    folder
        Where to put it, with the other parts if it is a shapefile; under a name of ours, whatever the archive says.
    suffixes
        Suffixes, in lower case, of files that can be read.
    limits
        How much it may hold.

    Returns
    -------
    file : pathlib.Path
        The file.
    name : str
        What it is called in the archive.
    findings : tuple of Finding
        Entries that were left out because they are no plain files.

    Raises
    ------
    FileReadError
        When the archive is damaged or locked, does not hold exactly one such file, or unpacks to more than is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(path, len(archive.infolist()), limits)
            entries = [entry for entry in archive.infolist() if not _is_aside(entry.filename)]
            plain = [entry for entry in entries if _is_plain(entry)]
            wanted = _wanted([entry.filename for entry in plain], suffixes)
            if len(wanted) != 1:
                raise _not_one(path, wanted, [entry.filename for entry in entries])
            parts = _with_parts(wanted[0], plain)
            check_size(
                path,
                sum(part.file_size for part in parts.values()),
                limits,
                packed=sum(part.compress_size for part in parts.values()),
            )
            for suffix, part in parts.items():
                with archive.open(part) as source, (folder / f"{_NAME}{suffix}").open("wb") as target:
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
    return name.endswith("/") or "__MACOSX" in parts or bool(parts and _is_hidden(parts[-1]))


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts


def _is_hidden(name: str) -> bool:
    return name != ".." and name.startswith((".", "~$"))


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


def _wanted(names: list[str], suffixes: Collection[str]) -> list[str]:
    layers = {_stem(name) for name in names if _suffix(name) == ".shp"}
    return [
        name for name in names if _suffix(name) in suffixes and not (_suffix(name) == ".dbf" and _stem(name) in layers)
    ]


def _with_parts(name: str, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the entries to unpack by suffix: the file, and the other parts if it is a shapefile."""
    suffixes = PART_SUFFIXES if _suffix(name) == ".shp" else (_suffix(name),)
    parts = [entry for entry in entries if _stem(entry.filename) == _stem(name) and _suffix(entry.filename) in suffixes]
    return {_suffix(entry.filename): entry for entry in reversed(parts)}


def _not_one(path: Path, wanted: list[str], names: list[str]) -> FileReadError:
    return FileReadError(
        "The zip archive does not hold exactly one table or layer.",
        where=path,
        found=name_ids([_shown(name) for name in wanted or names], shown=_LISTED) or "nothing",
        expected="one CSV, Excel, Parquet, GeoJSON, GeoPackage or shapefile",
        remedy="Unpack it, and give the one file that is meant.",
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
