"""The parts of a shapefile: which there are, whether they are whole and belong together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.file_kinds import describe

PART_SUFFIXES = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_MAGIC = (9994).to_bytes(4, "big")
# First bytes of dBASE III to 7 and FoxPro tables, with and without memo fields.
_DBF_VERSIONS = frozenset(bytes.fromhex("030405303132436383878b8ccbf5fb"))
_HEADER_BYTES = 100
_INDEX_RECORD_BYTES = 8
_DBF_HEADER_BYTES = 32


@dataclass(frozen=True)
class _Part:
    """What a part of a shapefile says of itself."""

    path: Path
    stated_bytes: int
    rows: int | None
    columns: int = 0


def parts_of(path: Path) -> dict[str, Path]:
    """Find the parts of a shapefile.

    Parameters
    ----------
    path
        One of them.

    Returns
    -------
    dict of str to pathlib.Path
        Suffix in lower case → file, in the order of `PART_SUFFIXES`; whatever the case of the suffix on disk.
    """
    beside = {p.suffix.lower(): p for p in sorted(path.parent.iterdir()) if p.stem == path.stem}
    return {suffix: beside[suffix] for suffix in PART_SUFFIXES if suffix in beside} | {path.suffix.lower(): path}


def check_parts(path: Path) -> tuple[dict[str, Path], int, int]:
    """Refuse a shapefile, or a dBASE table, that was cut short or put together from different ones.

    Drivers read such files without complaint and leave shapes or values out.

    Parameters
    ----------
    path
        The ``.shp``, or a ``.dbf`` alone.

    Returns
    -------
    parts : dict of str to pathlib.Path
        As `parts_of`, the file itself first; of a ``.dbf`` alone, itself.
    rows, columns : int
        How many it says it has; 0 rows where the shapes alone would have to be counted.

    Raises
    ------
    FileReadError
        When a part is shorter than its header says, is something else, counts other rows than another part, or lists
        one shape more than once.
    """
    is_table = path.suffix.lower() == ".dbf"
    parts = {".dbf": path} if is_table else parts_of(path)
    read = [_dbf(p) if suffix == ".dbf" else _shp(p) for suffix, p in parts.items() if suffix in PART_SUFFIXES[:3]]
    for part in read:
        if part.path.stat().st_size < part.stated_bytes:
            raise _cut_short(part)
    counts = {part.path.name: part.rows for part in read if part.rows is not None}
    if len(set(counts.values())) > 1:
        raise FileReadError(
            "The parts of the shapefile do not belong together.",
            where=path,
            found=", ".join(f"{name}: {rows:,} rows" for name, rows in counts.items()),
            expected="the same number of rows in each",
            remedy="Copy all parts of one export again; attributes would go to the wrong shapes.",
        )
    if ".shx" in parts and ".shp" in parts:
        _check_index(parts, counts[parts[".shx"].name])
    columns = max((part.columns for part in read), default=0)
    return {path.suffix.lower(): path} | parts, max(counts.values(), default=0), columns


def _check_index(parts: dict[str, Path], rows: int) -> None:
    """Refuse an index that has one shape read again and again: its shapes would be more than the file."""
    index = np.fromfile(parts[".shx"], dtype=">i4", offset=_HEADER_BYTES, count=2 * rows)
    listed = 2 * int(index[1::2].sum(dtype="int64"))
    if listed > parts[".shp"].stat().st_size:
        raise FileReadError(
            "The parts of the shapefile do not belong together.",
            where=parts[".shp"],
            found=f"shapes of {listed:,} bytes in {parts['.shx'].name}",
            expected=f"at most the {parts['.shp'].stat().st_size:,} bytes of the file",
            remedy="Copy all parts of one export again.",
        )


def _shp(path: Path) -> _Part:
    head = _head(path, _HEADER_BYTES)
    if not head.startswith(_MAGIC):
        raise _not_a_part(path, "a shapefile")
    stated = max(2 * int.from_bytes(head[24:28], "big"), _HEADER_BYTES)
    is_index = path.suffix.lower() == ".shx"
    return _Part(path, stated, (stated - _HEADER_BYTES) // _INDEX_RECORD_BYTES if is_index else None)


def _dbf(path: Path) -> _Part:
    head = _head(path, _DBF_HEADER_BYTES)
    rows, header_bytes, row_bytes = (int.from_bytes(head[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
    if head[0] not in _DBF_VERSIONS or header_bytes <= _DBF_HEADER_BYTES or row_bytes == 0:
        raise _not_a_part(path, "a dBASE table")
    return _Part(path, header_bytes + rows * row_bytes, rows, header_bytes // _DBF_HEADER_BYTES - 1)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size).ljust(1, b"\0")


def _not_a_part(path: Path, kind: str) -> FileReadError:
    return FileReadError(
        f"The file is not {kind}.",
        where=path,
        found=describe(path),
        expected=f"{kind}, as its name says",
        remedy="Export it again, with its .shp, .shx, .dbf and .prj.",
    )


def _cut_short(part: _Part) -> FileReadError:
    return FileReadError(
        "The file is cut short.",
        where=part.path,
        found=f"{part.path.stat().st_size:,} bytes",
        expected=f"{part.stated_bytes:,} bytes, as its header says",
        remedy="Copy or download it again, with all its parts.",
    )


def dbf_encoding(parts: dict[str, Path]) -> str | None:
    """Tell the encoding of the text in a dBASE table that does not state it.

    Parameters
    ----------
    parts
        As `parts_of`.

    Returns
    -------
    str or None
        ``utf-8`` or ``cp1252``; None when a ``.cpg`` states it, or there is no table.
    """
    if ".cpg" in parts or ".dbf" not in parts:
        return None
    data = parts[".dbf"].read_bytes()
    try:
        data[int.from_bytes(data[8:10], "little") :].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
