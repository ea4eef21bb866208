"""Delimited text: any delimiter, four encodings, and a reason for every row that does not fit its header."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.raw import RawTable
from safeschools_geo.results import Finding, empty_rejects
from safeschools_geo.schemas import REJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DELIMITERS = (",", ";", "\t", "|")
_SNIFFED = 65_536
_LONGEST_FIELD = 2**27
_FORBIDDEN = "\x00"


def read_delimited(path: Path) -> RawTable:
    """Read a delimited text file.

    Parameters
    ----------
    path
        The file: UTF-8 with or without a byte-order mark, UTF-16, or Windows-1252; fields separated by comma,
        semicolon, tab or bar, quoted with ``"``.

    Returns
    -------
    RawTable
        Every cell as text. Rows with more or fewer fields than the header are rejects; empty lines are not rows,
        lines of empty fields are.

    Raises
    ------
    FileReadError
        When the file is empty, is not text, or has no header.
    """
    text, encoding = _decode(path)
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter, path)
    _, header = next(rows, (0, None))
    if header is None:
        raise FileReadError(
            "The file is empty.",
            where=path,
            expected="a header row and rows under it",
            remedy="Export it again, or remove it.",
        )
    names, findings = _unique_names([cell.strip() for cell in header], path)
    good, bad = _split(rows, len(names))
    frame = pd.DataFrame(
        list(good.values()), index=pd.Index(list(good), dtype="int64", name="row"), columns=names, dtype="str"
    )
    frame = frame.mask(frame == "") if len(frame) else frame
    if encoding == "cp1252":
        findings.append(
            Finding(
                "note",
                "encoding_cp1252",
                path.name,
                f"{path.name} is not UTF-8 and was read as Windows-1252.",
                expected="UTF-8",
                remedy="Check names with accents; export as UTF-8 if they look wrong.",
            )
        )
    return RawTable(path, frame, None, encoding, delimiter, tuple(findings), _rejects(bad, names, path))


def _decode(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(data, "utf-16", path), "utf-16"
    if data.startswith(b"\xef\xbb\xbf"):
        return _decoded(data, "utf-8-sig", path), "utf-8-sig"
    odd, even = data[1:_SNIFFED:2], data[0:_SNIFFED:2]
    if odd and odd.count(0) > 0.4 * len(odd):
        return _decoded(data, "utf-16-le", path), "utf-16-le"
    if even and even.count(0) > 0.4 * len(even):
        return _decoded(data, "utf-16-be", path), "utf-16-be"
    if b"\x00" in data:
        raise _not_text(path)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _decoded(data, "cp1252", path), "cp1252"


def _decoded(data: bytes, encoding: str, path: Path) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_text(path) from error
    if _FORBIDDEN in text:
        raise _not_text(path)
    return text


def _not_text(path: Path) -> FileReadError:
    return FileReadError(
        "The file is not text.",
        where=path,
        found="bytes that no text of the usual encodings has",
        expected="CSV in UTF-8, UTF-16 or Windows-1252",
        remedy="Check that it is the right file and was copied whole; a spreadsheet must end in .xlsx.",
    )


def _delimiter(text: str) -> str:
    """Choose the delimiter that splits the header most, judged outside quotation marks."""
    head = next((line for line in text[:_SNIFFED].splitlines() if line.strip()), "")
    counts = {d: len(next(csv.reader([head], delimiter=d), [])) for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda d: counts[d])


def _rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not an empty line, with its number; the header's is 0."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        yield from enumerate(row for row in reader if row)
    except csv.Error as error:
        raise FileReadError(
            "The file is not a table of delimited text.",
            where=f"{path}, line {reader.line_num}",
            found=error,
            expected='fields separated by a delimiter, quoted with "',
            remedy="Look at that line: often a quotation mark is not closed.",
        ) from error


def _unique_names(header: list[str], path: Path) -> tuple[list[str], list[Finding]]:
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = cell or f"column_{number}"
        names.append(name if name not in names else f"{name}_{number}")
    twice = sorted({cell for cell in header if cell and header.count(cell) > 1})
    finding = Finding(
        "warning",
        "header_twice",
        path.name,
        f"{path.name} has columns of the same name; the later ones got the number of their column.",
        ids=tuple(twice),
        expected="a name of its own for each column",
        remedy="Name the one that is meant in district.toml, for example as NAME_7.",
    )
    return names, [finding] if twice else []


def _split(rows: Iterator[tuple[int, list[str]]], width: int) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    good: dict[int, list[str]] = {}
    bad: dict[int, list[str]] = {}
    for number, row in rows:
        (good if len(row) == width else bad)[number] = row
    return good, bad


def _rejects(bad: dict[int, list[str]], names: list[str], path: Path) -> pd.DataFrame:
    if not bad:
        return empty_rejects()
    return pd.DataFrame(
        {
            "source_file": path.name,
            "row": list(bad),
            "id": pd.NA,
            "reason_code": "wrong_number_of_fields",
            "reason": [
                f"The row has {len(row)} fields and the header {len(names)}; quote texts that hold a delimiter."
                for row in bad.values()
            ],
            "row_as_read": [json.dumps(row, ensure_ascii=False) for row in bad.values()],
        },
        columns=REJECTS.column_names,
    ).astype({"source_file": "str", "id": "str", "reason_code": "str", "reason": "str", "row_as_read": "str"})
