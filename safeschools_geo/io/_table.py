"""What a file really is, and a table as it gives it: text and shapes."""

from __future__ import annotations

import codecs
import itertools
import re
import struct
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from safeschools_geo.crs import parse_crs
from safeschools_geo.errors import FileReadError, count_text, name_ids
from safeschools_geo.findings import Finding, empty_rejects, rejects_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.settings import ReadingSettings

    Shapes = NDArray[Any]
    Flags = NDArray[np.bool_]


# ── What a file really is, whatever its name says, and whether it holds more than it may

_HEAD_BYTES = 4096
WEB_PAGE = "a web page"
TEXT_KINDS = ("JSON", "XML")
"""Kinds that are text, though not of rows and cells."""

_SIGNATURES = {
    b"PK\x03\x04": "a zip archive or a newer Office file (.zip, .xlsx)",
    b"\xd0\xcf\x11\xe0": "an old or password-protected Office file (.xls)",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a GeoPackage or other SQLite database",
    b"\x00\x00\x27\x0a": "a shapefile",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_MARKUP = {
    b"<kml": "XML",
    b"<!doctype html": WEB_PAGE,
    b"<html": WEB_PAGE,
    b"<table": WEB_PAGE,
    b"<?xml": "XML",
    b"{": "JSON",
    b"[": "JSON",
}


def signature(head: bytes) -> str | None:
    """Recognize a file by its first bytes."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    exact = next((kind for start, kind in _SIGNATURES.items() if head.startswith(start)), None)
    return exact or next((kind for start, kind in _MARKUP.items() if text.startswith(start)), None)


def describe(path: Path) -> str:
    """Say what a file really is."""
    if path.is_dir():
        return f"a folder of {sum(1 for _ in path.iterdir()):,} files"
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = signature(head) or ("binary data" if b"\x00" in head else "text")
    return f"{kind}, {path.stat().st_size:,} bytes"


_MB = 1_000_000
_ALWAYS_UNPACKED_MB = 16


def check_size(path: Path, size: int, limits: ReadingSettings, *, packed: int | None = None) -> None:
    """Refuse a file for the bytes that it has, or unpacks to."""
    unpacked = "" if packed is None else " unpacked"
    if size > limits.max_mb * _MB:
        raise _too_much(path, f"{size / _MB:,.0f} MB{unpacked}", f"at most {limits.max_mb:,.0f} MB", "max_mb")
    if packed is not None and size > max(limits.max_ratio * packed, _ALWAYS_UNPACKED_MB * _MB):
        found = f"{packed / _MB:,.1f} MB that unpack to {size / _MB:,.0f} MB"
        raise _too_much(path, found, f"at most {limits.max_ratio:,.0f} times the file's own size", "max_ratio")


def check_entries(path: Path, entries: int, limits: ReadingSettings) -> None:
    """Refuse an archive for the number of files inside it."""
    if entries > limits.max_entries:
        raise _too_much(path, f"{entries:,} files inside", f"at most {limits.max_entries:,}", "max_entries")


def check_table_size(
    path: Path, limits: ReadingSettings, *, rows: int = 0, columns: int = 0, cells: int | None = None, note: str = ""
) -> None:
    """Refuse a table for its rows, columns or cells."""
    sizes = {"rows": rows, "columns": columns, "cells": rows * columns if cells is None else cells}
    for what, size in sizes.items():
        most = getattr(limits, f"max_{what}")
        if size > most:
            raise _too_much(path, f"{size:,} {what}{note}", f"at most {most:,} {what}", f"max_{what}")


def _too_much(path: Path, found: str, expected: str, setting: str) -> FileReadError:
    return FileReadError(
        "The file holds more than is read.",
        where=path,
        found=found,
        expected=f"{expected} ([reading] {setting})",
        remedy=f"Export only what is needed. If all of it is, raise {setting} under [reading] in district.toml; "
        "commands without a district folder keep to the default.",
        setting="reading",
    )


# ── What older and open workbooks hold, looked at before a reader lays their cells out in a grid


@dataclass
class SheetSurvey:
    """How far the cells of a sheet reach, how many there are and show an error, and which are merged over rows."""

    height: int = 0
    width: int = 0
    cells: int = 0
    errors: int = 0
    merged: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)

    def see(self, row: int, first: int, last: int, *, is_error: bool = False) -> None:
        """Count the cells of a row from the first column to the last."""
        self.height, self.width = max(self.height, row + 1), max(self.width, last + 1)
        self.cells += last - first + 1
        self.errors += is_error


_FREE = 0xFFFFFFFA
_XLS_END, _XLS_SHEET, _XLS_1904 = 0x000A, 0x0085, 0x0022
_XLS_CELLS = {0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x00D6, 0x00FD, 0x027E}
_XLS_RUNS = {0x00BD, 0x00BE}
_XLSB_ROW, _XLSB_CELLS, _XLSB_ERRORS, _XLSB_MERGED = 0, range(1, 12), {3, 11}, 176
_XLSB_BOOK, _XLSB_SHEET = 153, 156


def survey_xls(data: bytes) -> tuple[list[SheetSurvey], bool]:
    """Survey the sheets of an old workbook ([MS-XLS]), and tell whether its days count from 1904."""
    book = _xls_stream(data)
    offsets, is_1904 = [], False
    for kind, at, _ in _xls_records(book, 0):
        offsets += [_number(book, at)] if kind == _XLS_SHEET else []
        is_1904 |= kind == _XLS_1904 and _number(book, at, 2) == 1
    sheets = {offset: SheetSurvey() for offset in offsets}
    for offset, sheet in sheets.items():
        for kind, at, size in _xls_records(book, offset):
            if kind in _XLS_CELLS | _XLS_RUNS:
                row, column = _number(book, at, 2), _number(book, at + 2, 2)
                last = _number(book, at + size - 2, 2) if kind in _XLS_RUNS else column
                is_error = kind == 0x0205 and book[at + 7] == 1  # noqa: PLR2004 - BoolErr
                is_error |= kind == 0x0006 and book[at + 6] == 2 and book[at + 12 : at + 14] == b"\xff\xff"  # noqa: PLR2004
                sheet.see(row, column, last, is_error=is_error)
    return [sheets[offset] for offset in offsets], is_1904


def _number(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _xls_records(book: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """List the records of a section: kind, place and size."""
    while at + 4 <= len(book):
        kind, size = _number(book, at, 2), _number(book, at + 2, 2)
        yield kind, at + 4, size
        if kind == _XLS_END:
            return
        at += 4 + size


def _xls_stream(data: bytes) -> bytes:
    """Take the workbook out of an old Office file ([MS-CFB])."""
    size = 1 << min(_number(data, 30, 2), 12)
    big = partial(_sector, data, size, 1)
    listed, following = list(struct.unpack_from("<109I", data, 76)), _number(data, 68)
    while following < _FREE and len(listed) * 4 <= len(data):
        *more, following = struct.unpack(f"<{size // 4}I", big(following).ljust(size, b"\xff"))
        listed += more
    fat = np.frombuffer(b"".join(big(n) for n in listed if n < _FREE), dtype="<u4")
    folder = _chain(_number(data, 48), fat, big)
    entries = {
        folder[n : n + 64].decode("utf-16-le", "replace").partition("\0")[0]: n for n in range(0, len(folder), 128)
    }
    at = entries.get("Workbook", entries.get("Book"))
    if at is None:
        message = "there is no workbook in it; it may have a password"
        raise ValueError(message)
    if _number(folder, at + 120) >= _number(data, 56):
        return _chain(_number(folder, at + 116), fat, big)
    small = np.frombuffer(_chain(_number(data, 60), fat, big), dtype="<u4")
    return _chain(_number(folder, at + 116), small, partial(_sector, _chain(_number(folder, 116), fat, big), 64, 0))


def _sector(data: bytes, size: int, header: int, number: int) -> bytes:
    return data[(number + header) * size : (number + header + 1) * size]


def _chain(start: int, fat: NDArray[Any], sector: Callable[[int], bytes]) -> bytes:
    numbers: list[int] = []
    while start < len(fat) and len(numbers) <= len(fat):
        numbers.append(start)
        start = int(fat[start])
    content = b"".join(map(sector, numbers))
    if numbers and len(content) < len(numbers) * len(sector(numbers[0])):
        message = "it is cut short"
        raise ValueError(message)
    return content


def survey_xlsb(parts: Mapping[str, bytes]) -> tuple[dict[str, SheetSurvey], bool]:
    """Survey the parts of a binary workbook ([MS-XLSB]) by the sheet, and tell whether its days count from 1904."""
    book = parts["xl/workbook.bin"]
    names, is_1904 = {}, False
    for kind, at, _ in _xlsb_records(book):
        is_1904 |= kind == _XLSB_BOOK and book[at] & 1 == 1
        if kind == _XLSB_SHEET:
            texts = [at + 8]
            texts.append(texts[0] + 4 + 2 * _number(book, texts[0]))
            link, title = (book[t + 4 : t + 4 + 2 * _number(book, t)].decode("utf-16-le", "replace") for t in texts)
            names[link] = title
    links = parts.get("xl/_rels/workbook.bin.rels", b"").decode("utf-8", "replace")
    targets = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", links):
        said = dict(re.findall(r"""(\w+)\s*=\s*["']([^"']*)["']""", tag))
        targets[said.get("Target", "").rpartition("/")[2]] = names.get(said.get("Id", ""), "")
    surveys = {}
    for name, content in parts.items():
        sheet, row = SheetSurvey(), 0
        for kind, at, _ in _xlsb_records(content) if not name.endswith((".xml", ".rels")) else ():
            if kind == _XLSB_ROW:
                row = _number(content, at)
            elif kind in _XLSB_CELLS:
                column = _number(content, at)
                sheet.see(row, column, column, is_error=kind in _XLSB_ERRORS)
            elif kind == _XLSB_MERGED:
                top, bottom, left, right = (_number(content, at + n) for n in (0, 4, 8, 12))
                sheet.merged.append(((top, left), (bottom, right)))
        surveys[targets.get(name.rpartition("/")[2]) or name] = sheet
    return surveys, is_1904


def _xlsb_records(content: bytes) -> Iterator[tuple[int, int, int]]:
    at, end = 0, len(content) - 1
    while at < end:
        kind, size, shift = content[at], 0, 0
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | (content[at] & 0x7F) << 7
            at += 1
        while at <= end and shift < 28:  # noqa: PLR2004 - four bytes of seven bits
            byte = content[at]
            size |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:  # noqa: PLR2004 - the last of them
                break
        yield kind, at, size
        at += size


_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "


def survey_ods(content: bytes) -> tuple[dict[str, SheetSurvey], bool]:
    """Survey the sheets of an open document, and tell whether its days count from 1904."""
    seen = _OpenDocument()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = seen.begin, seen.finish
    parser.Parse(content, True)  # noqa: FBT003 - expat takes no keyword
    return seen.sheets, seen.is_1904


@dataclass
class _OpenDocument:
    """What has been seen of an open document, element by element."""

    sheets: dict[str, SheetSurvey] = field(default_factory=dict)
    is_1904: bool = False
    sheet: SheetSurvey = field(default_factory=SheetSurvey)
    row: int = 0  # Of the cell that is next, as its column
    column: int = 0
    rows: int = 1  # How often the row is repeated
    last: int = -1  # Column of the last cell of the row that holds something

    def begin(self, name: str, said: dict[str, str]) -> None:
        kind = name.removeprefix(_TABLE)
        if kind == "table":
            self.sheet, self.row = self.sheets.setdefault(said.get(f"{_TABLE}name", ""), SheetSurvey()), 0
        elif kind == "table-row":
            self.rows, self.column, self.last = _repeated(said, "number-rows-repeated"), 0, -1
        elif kind in ("table-cell", "covered-table-cell"):
            self._see_cell(said, _repeated(said, "number-columns-repeated"), _repeated(said, "number-rows-spanned"))
        elif kind == "null-date":
            self.is_1904 |= said.get(f"{_TABLE}date-value") == "1904-01-01"

    def _see_cell(self, said: dict[str, str], across: int, down: int) -> None:
        if any(key.startswith(_OFFICE) for key in said):
            self.last = self.column + across - 1
            self.sheet.cells += across * self.rows
            self.sheet.errors += any(key.endswith(" value-type") and said[key] == "error" for key in said)
        if down > 1:
            right = self.column + _repeated(said, "number-columns-spanned") - 1
            self.sheet.merged.append(((self.row, self.column), (self.row + down - 1, right)))
        self.column += across

    def finish(self, name: str) -> None:
        if name == f"{_TABLE}table-row":
            self.row += self.rows
            if self.last >= 0:
                self.sheet.height, self.sheet.width = self.row, max(self.sheet.width, self.last + 1)


def _repeated(said: Mapping[str, str], name: str) -> int:
    text = said.get(f"{_TABLE}{name}", "1")
    return int(text) if text.isdecimal() else 1


class _Tables(HTMLParser):
    """The tables of a web page: rows of cells of text; a table inside a cell is one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
            self._open.append(self.tables[-1])
        elif self._open and tag == "tr":
            self._open[-1].append([])
        elif self._open and self._open[-1] and tag in ("td", "th"):
            across = dict(attrs).get("colspan") or "1"
            self._open[-1][-1] += [""] * (min(int(across), _WIDEST) if across.isdecimal() else 1)
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] and self._open[-1][-1]:
            self._open[-1][-1][-1] += data


_WIDEST = 100


def html_tables(text: str) -> list[list[list[str]]]:
    """Take the tables out of a web page, each a list of rows of cells."""
    reader = _Tables()
    reader.feed(text)
    reader.close()
    return [[[" ".join(cell.split()) for cell in row] for row in table] for table in reader.tables]


# ── Bytes of a text file made text, saying how

_SAMPLE = 100_000
_FEW, _BINARY_SHARE = 8, 0.01
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1b\x7f]")
_UNKNOWN = "\ufffd"


@dataclass(frozen=True)
class Decoded:
    """Text, and how it was read."""

    text: str  # The text, without byte-order mark and NUL characters
    encoding: str  # ``utf-8``, ``utf-8-sig``, ``utf-16``, ``utf-16-le``, ``utf-16-be`` or ``cp1252``
    findings: tuple[Finding, ...]  # What was guessed, removed or lost


def decode(data: bytes, path: Path) -> Decoded:
    """Make text of the bytes of a file.

    UTF-8 and UTF-16 are recognized with and without a byte-order mark. Anything else that is text is read as
    Windows-1252, the encoding of older Western Windows programs.
    """
    kind = signature(data[:_SAMPLE])
    if kind is not None and kind not in TEXT_KINDS:
        raise _not_text(path, kind)
    encoding = _encoding(data)
    text, lost = _text(data, encoding)
    sample = text[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > max(_FEW, _BINARY_SHARE * len(sample)):
        raise _not_text(path, "binary data")
    findings = _decode_findings(path, encoding, lost=lost, nul=text.count("\x00"))
    return Decoded(text.replace("\x00", "").removeprefix("\ufeff"), encoding, tuple(findings))


def _encoding(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = (_is_mostly_nul(data[start:_SAMPLE:2]) for start in (0, 1))
    if odd and not even:
        return "utf-16-le"
    if even and not odd:
        return "utf-16-be"
    text = data.decode("utf-8", errors="replace")
    broken = text.count(_UNKNOWN)
    # Bytes of Windows-1252 hardly ever make letters in UTF-8: where most do, a few are damaged.
    accented = sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - broken if broken else 0
    return "cp1252" if broken > accented else "utf-8"


def plain_page(data: bytes) -> str:
    """Make text of a web page, whose encoding is given by its bytes."""
    return _text(data, _encoding(data))[0]


def _text(data: bytes, encoding: str) -> tuple[str, int]:
    """Decode, and count the characters that cannot be."""
    try:
        return data.decode(encoding), 0
    except UnicodeDecodeError:
        text = data.decode(encoding, errors="replace")
        return text, text.count(_UNKNOWN)


def _is_mostly_nul(half: bytes) -> bool:
    # In UTF-16, every second byte of plain English is NUL.
    return half.count(0) > len(half) // 2


def _not_text(path: Path, kind: str) -> FileReadError:
    return FileReadError(
        "The file is not text.",
        where=path,
        found=kind,
        expected="text with one row a line and a delimiter between its cells",
        remedy="Export it as CSV; or, if it is another kind of file, give it the suffix of its kind.",
    )


def _decode_findings(path: Path, encoding: str, *, lost: int, nul: int) -> list[Finding]:
    findings = []
    if encoding == "cp1252":
        message = f"{path.name} is not in UTF-8; it was read as Windows-1252."
        remedy = "If accented letters look wrong, save the file as “CSV UTF-8”."
        findings.append(
            Finding("note", "encoding_cp1252", path.name, message, expected="UTF-8", remedy=remedy),
        )
    if lost:
        message = (
            f"{path.name} holds {count_text(lost, 'character')} that {encoding} does not have, read as “{_UNKNOWN}”."
        )
        remedy = "Look for that sign in the file's names, and export it again as UTF-8."
        findings.append(
            Finding("warning", "characters_lost", path.name, message, expected="UTF-8", remedy=remedy),
        )
    if nul:
        message = f"{path.name} holds {nul:,} NUL characters, which were removed."
        remedy = "Compare the cells with the source; the export may be damaged."
        findings.append(
            Finding("warning", "nul_removed", path.name, message, expected="text without them", remedy=remedy),
        )
    return findings


# ── Arrow columns made frames, integers with gaps kept exact

_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def to_frame(columns: Mapping[str, Any], *, rows: int) -> pd.DataFrame:
    """Make a frame of Arrow columns.

    Whole numbers with gaps as nullable integers (ids above 2⁵³ stay exact), categories as their values, dates as
    `datetime.date`. The index numbers the rows from 1.
    """
    table = pa.table({name: _plain(column) for name, column in columns.items()})
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get)
    index = pd.RangeIndex(1, rows + 1)
    return frame.set_axis(index, axis=0) if columns else pd.DataFrame(index=index)


def _plain(column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


# ── A table as its file gives it, before anything is made of it


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as its file gives it.

    Parameters
    ----------
    path
        The file.
    frame
        Attribute columns as read. The index is the row's number in the file: the first row under the header is 1, blank
        rows are counted but not kept. Cells of text files are text, missing ones NA; Excel, Parquet and vector files
        keep their types.
    geometry
        Geometry on the same index, in two dimensions, in the CRS that the file states (None if it states none); None
        for a file without geometry.
    encoding, delimiter
        How a text file was read.
    name_length
        Number of letters to which the format cuts names of columns; None where it cuts none.
    is_1904
        Whether days that are numbers count from 1904, as workbooks of older Macs have it, and not from 1900.
    findings
        What was found while reading.
    rejects
        Table `rejects`: rows that cannot be read. Rows read = rows of `frame` + rows of `rejects`; blank rows are
        neither.
    """

    path: Path
    frame: pd.DataFrame
    geometry: gpd.GeoSeries | None = None
    encoding: str | None = None
    delimiter: str | None = None
    name_length: int | None = None
    is_1904: bool = False
    findings: tuple[Finding, ...] = ()
    rejects: pd.DataFrame = field(default_factory=empty_rejects)


def column_names(header: Sequence[object], path: Path) -> tuple[list[str], list[Finding]]:
    """Make the names in a header text, and different from each other.

    ``column_3`` for the third column if it has no name, ``NAME_3`` for it if there was another ``NAME`` before. The
    names that came more than once.
    """
    given = ["" if cell is None else _plain_name(str(cell)) for cell in header]
    names: dict[str, None] = {}
    for number, name in enumerate(given, start=1):
        plain = name or f"column_{number}"
        candidates = itertools.chain([plain], (f"{plain}_{n}" for n in itertools.count(number)))
        names[next(c for c in candidates if c not in names)] = None
    repeated = [name for name, count in Counter(given).items() if count > 1 and name]
    finding = Finding(
        "warning",
        "repeated_columns",
        path.name,
        f"{path.name} has several columns of one name; the later ones have the number of the column added.",
        ids=tuple(repeated),
        expected="each column name once",
        remedy="Name the one that is meant in district.toml, for example NAME_7.",
    )
    return list(names), [finding] if repeated else []


_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_QUOTES = "\"'\u201c\u201d\u2018\u2019`"


def _plain_name(name: str) -> str:
    """Take off what nobody sees, line ends, and quotation marks around a name."""
    plain = " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", name)).split())
    plain = plain[1:] if plain.startswith('="') else plain
    is_quoted = len(plain) > 1 and plain[0] in _QUOTES and plain[-1] in _QUOTES
    return plain[1:-1].strip() if is_quoted else plain


HEADER_SAMPLE = 60
_LONGEST_NAME = 80
_NO_NAME = re.compile(r"[\d\s.,:;/+\-()$%]*")


def header_at(rows: Sequence[Sequence[object]]) -> int | None:
    """Find the header among the first rows of a table that are not blank; None if it is the first.

    Titles and dates above a header have fewer cells than the table is wide; a header has different names in all.
    """
    counts = [sum(cell is not None and str(cell).strip() != "" for cell in row) for row in rows]
    wide = Counter(count for count in counts if count > 1)
    if not counts or not wide:
        return None
    width = max(wide, key=lambda count: (wide[count], count))
    if counts[0] * 2 > width or wide[width] < 2:  # noqa: PLR2004 - a header, and a row under it
        return None
    found = (n for n, row in enumerate(rows) if counts[n] > 1 and counts[n] * 4 >= width * 3 and _are_names(row))
    return next(found, None)


def _are_names(row: Sequence[object]) -> bool:
    cells = [cell for cell in row if cell is not None and str(cell).strip() != ""]
    names = [cell.strip().casefold() for cell in cells if isinstance(cell, str)]
    is_name = [len(name) <= _LONGEST_NAME and _NO_NAME.fullmatch(name) is None for name in names]
    return len(names) == len(cells) == len(set(names)) and all(is_name)


def header_finding(where: str, row: int, *, table: str, cells: Sequence[str]) -> Finding:
    """Say where the header was found, under lines that are no part of the table."""
    message = f"The names of the columns in {where} are in row {row:,}: {name_ids(cells)}; the lines above are titles."
    remedy = f"Nothing needs doing if this is right; else say which row it is: header_row = {row}."
    return Finding("note", "header_found", table, message, remedy=remedy)


def no_header_row(path: Path, row: int) -> FileReadError:
    """Say that the row that the settings name holds no header."""
    return FileReadError(
        "The row that header_row names is blank, or not in the file.",
        where=path,
        found=f"header_row = {row}",
        expected="the number of the row with the names of the columns; the first row of the file is 1",
        remedy="Correct header_row, or leave it out: the row is then found by its content.",
    )


def without_blank_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out rows without any value, and columns that have neither a name nor a value."""
    is_missing = frame.isna()
    is_nameless = frame.columns == [f"column_{n}" for n in range(1, frame.shape[1] + 1)]
    return frame.loc[~is_missing.all(axis=1), ~(is_nameless & is_missing.all(axis=0).to_numpy())]


# ── Geometry from its binary form: two dimensions, and a reject for each row whose shape makes no sense

_REASON = (
    "The geometry cannot be read: a line needs two points, a ring four of which the last is the first, and every "
    "coordinate a number. Draw it again."
)


def with_shapes(
    path: Path, frame: pd.DataFrame, wkb: NDArray[np.object_], crs: object, *, findings: tuple[Finding, ...] = ()
) -> RawTable:
    """Put attributes and geometry together.

    Points without numbers have no geometry; rows of other shapes that cannot be read, or hold coordinates that are no
    numbers, are rejects. A ring that is not closed is closed; of a collection with areas these are taken. Invalid
    polygons, such as self-intersecting ones, stay as they are.
    """
    shapes, is_bad, said = _shapes(wkb)
    stated = None if crs is None else parse_crs(crs, where=path)
    geometry = gpd.GeoSeries(shapes, index=frame.index, crs=stated)
    rejects = empty_rejects()
    if is_bad.any():
        rejects = rejects_frame(
            frame[is_bad], source_file=path.name, id_column=None, code="bad_geometry", reason=_REASON
        )
    found = tuple(
        Finding("note", code, path.name, f"{path.name} has {count_text(count, 'shape')} {text}.")
        for code, (count, text) in said.items()
        if count
    )
    return RawTable(path, frame[~is_bad], geometry[~is_bad], findings=(*findings, *found), rejects=rejects)


def _shapes(wkb: NDArray[np.object_]) -> tuple[Shapes, Flags, dict[str, tuple[int, str]]]:
    with np.errstate(invalid="ignore"):  # NaN coordinates
        read = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
        is_open = ~pd.isna(wkb) & shapely.is_missing(read)
        closed = shapely.force_2d(shapely.from_wkb(wkb[is_open], on_invalid="fix"))
        read[is_open] = only(closed, shapely.area(closed) > 0)  # two points and the first again close nothing
    is_open &= ~shapely.is_missing(read)
    read, is_parted, is_mixed = of_one_kind(read)
    said = {
        "rings_closed": (int(is_open.sum()), "whose rings are not closed; they were closed"),
        "collections_joined": (int((is_parted & ~is_mixed).sum()), "that are collections; the parts were joined"),
        "collections_cut": (int(is_mixed.sum()), "that are collections of areas and others; the areas were taken"),
    }
    is_bad = ~pd.isna(wkb) & shapely.is_missing(read)
    coordinates, owners = shapely.get_coordinates(read, return_index=True)
    is_wild = np.zeros(len(read), dtype=bool)
    is_wild[owners[~np.isfinite(coordinates).all(axis=1)]] = True
    is_point = shapely.get_type_id(read) == shapely.GeometryType.POINT
    return only(read, ~(is_wild & is_point)), is_bad | (is_wild & ~is_point), said


def of_one_kind(shapes: Shapes) -> tuple[Shapes, Flags, Flags]:
    """Make shapes of one kind of collections, where their parts allow: areas before all, else all lines or all points.

    The shapes. Which were collections, and which of these had parts that were left out.
    """
    is_parted = np.zeros(len(shapes), dtype=bool)
    is_mixed = np.zeros(len(shapes), dtype=bool)
    joined = shapes.copy()
    for row in np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = [part for part in _flat(shapes[row]) if not part.is_empty]
        kinds = {shapely.get_dimensions(part) for part in parts}
        if not parts or (2 not in kinds and len(kinds) > 1):  # noqa: PLR2004 - areas have two dimensions
            continue
        make = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)[max(kinds)]
        same = [part for part in parts if shapely.get_dimensions(part) == max(kinds)]
        joined[row] = make(same) if len(same) > 1 else same[0]
        is_parted[row], is_mixed[row] = True, len(kinds) > 1
    return joined, is_parted, is_mixed


def _flat(shape: Any) -> list[Any]:  # noqa: ANN401 - shapely's arrays hold objects
    parts = shapely.get_parts(shape).tolist()
    return parts if parts == [shape] else [inner for part in parts for inner in _flat(part)]


def only(shapes: Shapes, is_kept: Flags) -> Shapes:
    """Leave geometries out."""
    kept = shapes.copy()
    kept[~is_kept] = None
    return kept
