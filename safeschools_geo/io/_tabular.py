"""Tables of text: delimited files of any encoding, quotation marks understood, and Excel workbooks."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
import warnings
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from safeschools_geo.errors import FileReadError, count_text
from safeschools_geo.findings import Finding, join_rejects, rejects_frame
from safeschools_geo.io._table import (
    TEXT_KINDS,
    RawTable,
    check_entries,
    check_size,
    check_table_size,
    column_names,
    describe,
    signature,
    to_frame,
    without_blank_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from safeschools_geo.settings import ReadingSettings

    _Sheet = dict[
        int, tuple[Any, ...]
    ]  # number of the row → its cells up to the last with a value; blank rows left out


# ── Bytes of a text file made text, saying how

_SAMPLE = 100_000
_FEW, _BINARY_SHARE = 8, 0.01
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1b\x7f]")
_UNKNOWN = "\ufffd"


@dataclass(frozen=True)
class Decoded:
    """Text, and how it was read.

    Parameters
    ----------
    text
        The text, without byte-order mark and NUL characters.
    encoding
        ``utf-8``, ``utf-8-sig``, ``utf-16``, ``utf-16-le``, ``utf-16-be`` or ``cp1252``.
    findings
        What was guessed, removed or lost.
    """

    text: str
    encoding: str
    findings: tuple[Finding, ...]


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
    findings = _findings(path, encoding, lost=lost, nul=text.count("\x00"))
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


def _findings(path: Path, encoding: str, *, lost: int, nul: int) -> list[Finding]:
    findings = []
    if encoding == "cp1252":
        message = f"{path.name} is not in UTF-8; it was read as Windows-1252."
        remedy = "If accented letters look wrong, save the file as “CSV UTF-8”."
        findings.append(
            Finding("note", "encoding_cp1252", path.name, message, expected="UTF-8", remedy=remedy),
        )
    if lost:
        message = f"{path.name} holds {lost:,} characters that {encoding} does not have; they became “{_UNKNOWN}”."
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


# ── Quotation marks of delimited text: which of them quote a cell, and which are only signs in it

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NUMBER, _WORD = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_FEW_SHAPES, _FEW_COLUMNS = 8, 2
_MOSTLY = 0.9
_PROFILED = 2_000


@dataclass(frozen=True)
class Settled:
    """Rows of delimited text in which every quotation mark that opens a cell also closes it.

    Parameters
    ----------
    text
        The rows, without the header.
    as_read
        Number of a row → its text as it was, for rows that were written anew.
    opened
        Numbers of the rows in which a quotation mark opens a cell and none closes it.
    """

    text: str
    as_read: dict[int, str] = field(default_factory=dict)
    opened: tuple[int, ...] = ()


class Grammar:
    """What a cell and a row look like with one delimiter.

    A quotation mark opens a cell only where the cell begins, and closes it only before a delimiter or the end of a
    line; inside, it is doubled. Anywhere else it is text.

    Parameters
    ----------
    delimiter
        What separates the cells.
    """

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        d = re.escape(delimiter)
        quoted = r'"(?:[^"]++|"")*+"'
        blanks = " *+" if delimiter == "\t" else r"[ \t]*+"
        end = r"(?:\r\n|\r|\n|\Z)"
        self._cell = re.compile(rf"({quoted}){blanks}(?={d}|[\r\n]|\Z)|([^{d}\r\n]*+)")
        cell = rf'(?:{quoted}{blanks}|[^"{d}\r\n][^{d}\r\n]*+|)'
        self._record = re.compile(rf"{cell}(?:{d}{cell})*+{end}")
        plain = rf'(?:{quoted}|[^"{d}\r\n]*+)'
        self._plain = re.compile(rf"{plain}(?:{d}{plain})*+{end}")

    def header(self, text: str) -> str | None:
        """Take the header off the text."""
        record = self._record_at(text, 0)
        if record is None or '"' not in record:
            return record
        lines = [line for line in _LINE.findall(record) if line.strip()]
        counts = {line.count(self.delimiter) for line in lines}
        return None if len(lines) > 1 and len(counts) == 1 and counts != {0} else record

    def cells(self, record: str) -> list[str]:
        """Take a row apart."""
        body = record.rstrip("\r\n")
        cells: list[str] = []
        position = 0
        while found := self._cell.match(body, position):
            quoted, bare = found.groups()
            cells.append(bare if quoted is None else quoted[1:-1].replace('""', '"'))
            if found.end() >= len(body):
                break
            position = found.end() + 1
        return cells

    def settle(self, text: str, *, width: int) -> Settled:
        """Close the quotation marks of each row inside the row.

        A cell may hold line ends if its row then has the cells of the header, and if its lines are not rows like the
        others by themselves: then two marks that have nothing to do with each other have met. All other rows are lines.
        """
        if '"' not in text:
            return Settled(text)
        rows: list[str] = []
        as_read: dict[int, str] = {}
        opened: list[int] = []
        profile = _Profile(text, self, width)
        position = 0
        while found := _LINE.match(text, position):
            line = found.group()
            if not self.is_plain(line):
                record = self._record_at(text, position)
                if record is None or len(record) > len(line):
                    if record is not None and self._fits(record, width) and not profile.are_rows(record):
                        rows.append(record)
                        position += len(record)
                        continue
                    opened.append(len(rows) + 1)
                as_read[len(rows) + 1] = line.rstrip("\r\n")
                line = self._rewritten(line)
            rows.append(line)
            position = found.end()
        return Settled("".join(rows), as_read, tuple(opened))

    def is_plain(self, line: str) -> bool:
        """Tell whether a line is a row in which each quotation mark opens a cell, closes it or is doubled."""
        return '"' not in line or self._plain.fullmatch(line) is not None

    def _record_at(self, text: str, position: int) -> str | None:
        """Return the row that begins here, over line ends if need be; None if a mark is not properly closed."""
        found = self._record.match(text, position)
        return None if found is None else found.group()

    def _fits(self, record: str, width: int) -> bool:
        """Whether a row has the cells of the header, and none beyond that hold anything."""
        cells = self.cells(record)
        return len(cells) >= width and not "".join(cells[width:]).strip()

    def _rewritten(self, line: str) -> str:
        """Write a row with every cell quoted, so that any reader takes it apart as `cells` does."""
        body = line.rstrip("\r\n")
        cells = ('"' + cell.replace('"', '""') + '"' for cell in self.cells(body))
        return self.delimiter.join(cells) + line[len(body) :]


class _Profile:
    """What rows of a text look like: how many cells they have, and what stands in the columns that hold numbers."""

    def __init__(self, text: str, grammar: Grammar, width: int) -> None:
        self.text, self.grammar, self.width = text, grammar, width

    @cached_property
    def numbered(self) -> dict[int, set[str]]:
        """Columns in which nearly every plain row has a digit → the shapes of their cells, none if there are many."""
        lines = (found.group() for found in _LINE.finditer(self.text))
        plain = (self.grammar.cells(line) for line in lines if self.grammar.is_plain(line))
        rows = list(islice((cells for cells in plain if len(cells) == self.width), _PROFILED))
        shapes = [Counter(_shape(row[n]) for row in rows) for n in range(self.width)]
        is_numbered = [sum(n for shape, n in seen.items() if "9" in shape) >= _MOSTLY * len(rows) for seen in shapes]
        return {
            n: set(seen) if len(seen) <= _FEW_SHAPES else set()
            for n, seen in enumerate(shapes)
            if rows and is_numbered[n]
        }

    def are_rows(self, record: str) -> bool:
        """Whether a row over several lines has taken in rows: in a table of two columns all its lines look like one."""
        _, *lines = (line.rstrip("\r\n") for line in _LINE.findall(record))
        is_row = map(self._is_row, lines)
        return bool(self.numbered) and (any(is_row) if self.width > _FEW_COLUMNS else all(is_row))

    def _is_row(self, line: str) -> bool:
        ways = (line.split(self.grammar.delimiter), self.grammar.cells(line))
        return any(len(cells) == self.width and all(map(self._is_like, cells, range(self.width))) for cells in ways)

    def _is_like(self, cell: str, column: int) -> bool:
        shape = _shape(cell.replace('"', ""))
        return column not in self.numbered or shape in (self.numbered[column] or {shape if "9" in shape else ""})


def _shape(cell: str) -> str:
    """Write 9 for each number and a for each word: 2025-09-01 10:15 is 9-9-9 9:9."""
    return _WORD.sub("a", _NUMBER.sub("9", cell.strip()))


# ── Delimited text: any delimiter and encoding, every cell as text, and a reason for each row that does not fit

_DELIMITERS = (",", ";", "\t", "|", "^", "~")
_DELIMITED_SAMPLE = 65_536
_SMALLEST_BLOCK, _LARGEST_BLOCK = 2**20, 2**30
_SEPARATOR_LINE = re.compile(r'\A"?sep=(\t|[^"\w\s])"?[ \t]*(?:\r\n|\r|\n)')


@dataclass(frozen=True)
class _OddRow:
    """A row with another number of cells than the header; `number` counts from 1 under the header."""

    number: int
    width: int
    text: str
    cells: list[str]

    def fits(self, width: int) -> bool:
        """Whether it is too long, and what is too much is empty."""
        return self.width == len(self.cells) > width and not "".join(self.cells[width:]).strip()


def read_delimited(path: Path, *, limits: ReadingSettings) -> RawTable:
    """Read a delimited text file.

    Every cell as text, just as written; empty cells are missing. Rows with more or fewer cells than the header are
    rejects, unless what is too much is empty. Rows without any value are not rows, but count in the numbering. A
    quotation mark that opens a cell and does not properly close it is part of the text of its row.
    """
    decoded = decode(path.read_bytes(), path)
    body, delimiter = _delimiter(decoded.text)
    grammar = Grammar(delimiter)
    header = _header(body, grammar, path)
    rows = max(map(body.count, "\n\r"))
    cells = grammar.cells(header)
    check_table_size(path, limits, rows=rows, columns=len(cells), cells=body.count(delimiter) + rows)
    names, findings = column_names(cells, path)
    settled = grammar.settle(body[len(header) :], width=len(names))
    table, odd = _parse(settled, delimiter, names, path)
    frame = _with_rows(_numbered(table, odd), [row for row in odd if row.fits(len(names))])
    lost = [row for row in odd if row.text.strip() and not row.fits(len(names))]
    return RawTable(
        path,
        without_blank_rows(frame),
        encoding=decoded.encoding,
        delimiter=delimiter,
        findings=(*decoded.findings, *findings, *_open_marks(settled, path)),
        rejects=_rejects(lost, names, path),
    )


def _delimiter(text: str) -> tuple[str, str]:
    """Return the text from its header on, and the delimiter."""
    stated = _SEPARATOR_LINE.match(text)
    if stated:
        return text[stated.end() :].lstrip("\r\n"), stated.group(1)
    body = text.lstrip("\r\n")
    return body, max(_DELIMITERS, key=lambda delimiter: _fitness(body, delimiter))


def _fitness(body: str, delimiter: str) -> tuple[float, int]:
    """Rate a delimiter: the share of rows with as many cells as the header, then the number of cells."""
    rows = [row for row in csv.reader(io.StringIO(body[:_DELIMITED_SAMPLE], newline=""), delimiter=delimiter) if row]
    complete = rows[:-1] if len(body) > _DELIMITED_SAMPLE and len(rows) > 1 else rows
    # A wrong delimiter cuts quoted cells in two, and leaves each half with one of the quotation marks.
    widths = [0 if any(cell.count('"') % 2 for cell in row) else len(row) for row in complete]
    if not widths or widths[0] <= 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def _header(body: str, grammar: Grammar, path: Path) -> str:
    header = grammar.header(body)
    if header is None:
        raise FileReadError(
            "A quotation mark in the header is never closed, so that rows would become part of it.",
            where=f"{path}, header",
            expected='names that begin and end with ", with any " inside them doubled',
            remedy="Close or remove the quotation mark in the first line.",
        )
    if not any(cell.strip() for cell in grammar.cells(header)):
        raise FileReadError(
            "The file is empty.",
            where=path,
            found="nothing but blanks",
            expected="a first line with the names of the columns, and rows under it",
            remedy="Export it again with column names, or remove the file.",
        )
    return header


def _not_a_table(path: Path, found: str) -> FileReadError:
    return FileReadError(
        "The file is not a table of delimited text.",
        where=path,
        found=found,
        expected="rows of cells, quoted where they hold the delimiter",
        remedy="Export it again.",
    )


def _parse(settled: Settled, delimiter: str, names: list[str], path: Path) -> tuple[pd.DataFrame, list[_OddRow]]:
    """Parse all rows; those of another width than the header's come back apart."""
    odd: list[_OddRow] = []

    def set_aside(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
        as_read = settled.as_read.get(row.number - 1, row.text)
        odd.append(_OddRow(row.number - 1, row.actual_columns, as_read, _cells(row.text, delimiter)))
        return "skip"

    header = delimiter.join(["x"] * len(names))
    try:
        frame = _texts(f"{header}\n{settled.text}\n".encode(), delimiter, names, set_aside)
    except pa.ArrowInvalid as error:
        raise _not_a_table(path, str(error)) from error
    return frame, odd


def _texts(data: bytes, delimiter: str, names: list[str], set_aside: Callable[[Any], str]) -> pd.DataFrame:
    """Read every cell as text; empty ones are missing, and rows of another width go to `set_aside`."""
    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False,  # rows are numbered only when read in order
            column_names=names,
            skip_rows_after_names=1,
            block_size=min(max(len(data), _SMALLEST_BLOCK), _LARGEST_BLOCK),
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=set_aside,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    return to_frame(dict(zip(names, table.columns, strict=True)), rows=table.num_rows)


def _cells(text: str, delimiter: str) -> list[str]:
    limit = csv.field_size_limit(max(len(text), _DELIMITED_SAMPLE))
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    finally:
        csv.field_size_limit(limit)


def _open_marks(settled: Settled, path: Path) -> list[Finding]:
    count = len(settled.opened)
    finding = Finding(
        "warning",
        "open_quotation_mark",
        path.name,
        f"{count_text(count, 'row')} of {path.name} {'has' if count == 1 else 'have'} a quotation mark that opens a "
        "cell and is not closed in it; every line was read as a row of its own, the mark as part of its text.",
        ids=tuple(f"row {row}" for row in settled.opened),
        expected='cells that begin and end with ", with any " inside them doubled',
        remedy="Close or remove the quotation mark in these rows.",
    )
    return [finding] if count else []


def _numbered(table: pd.DataFrame, odd: list[_OddRow]) -> pd.DataFrame:
    """Give each row its number in the file, which the odd rows take part in."""
    taken = np.array([row.number for row in odd], dtype="int64")
    numbers = np.setdiff1d(np.arange(1, len(table) + len(odd) + 1), taken, assume_unique=True)
    return table.set_axis(pd.Index(numbers, dtype="int64"), axis=0)


def _with_rows(frame: pd.DataFrame, rows: list[_OddRow]) -> pd.DataFrame:
    """Put rows back in that are too long by empty cells only."""
    if not rows:
        return frame
    cells = [[cell or None for cell in row.cells[: frame.shape[1]]] for row in rows]
    more = pd.DataFrame(cells, index=[row.number for row in rows], columns=frame.columns, dtype="str")
    return pd.concat([frame, more]).sort_index()


def _rejects(rows: list[_OddRow], names: list[str], path: Path) -> pd.DataFrame:
    too_many = [row for row in rows if row.width > len(names)]
    too_few = [row for row in rows if row.width <= len(names)]
    return join_rejects(
        [
            _reject(too_many, names, path, "quote texts that hold the delimiter"),
            _reject(too_few, names, path, "complete it, or delete it if it is a remark"),
        ]
    )


def _reject(rows: list[_OddRow], names: list[str], path: Path, remedy: str) -> pd.DataFrame:
    texts = pd.DataFrame({"text": [row.text for row in rows]}, index=[row.number for row in rows], dtype="str")
    rejects = rejects_frame(texts, source_file=path.name, id_column=None, code="wrong_number_of_fields", reason="")
    reasons = [f"The row has {row.width} fields and the header {len(names)}; {remedy}." for row in rows]
    return rejects.assign(reason=pd.Series(reasons, dtype="str"))


# ── Excel workbooks: one sheet, each cell in the type that Excel gives it

_EXCEL_ROWS = 1_048_576
_LARGEST_INTEGER = 2**63
# What openpyxl lets through from the zip archive and the XML of a damaged workbook.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    RuntimeError,
)


def read_spreadsheet(path: Path, *, limits: ReadingSettings, sheet: str | None = None) -> RawTable:
    """Read one sheet of an Excel workbook.

    The header is the first row with cells. Numbers, moments and truth values keep their types; columns of several
    types are objects; formulas give the value that Excel last saw, and its error values are missing.
    """
    sheets = _sheets(path, limits)
    filled = [title for title, rows in sheets.items() if rows]
    if sheet is not None and sheet not in sheets:
        raise FileReadError(
            "The workbook has no such sheet.",
            where=path,
            found=", ".join(sheets),
            expected=sheet,
            remedy="Name one of these.",
        )
    wanted = sheet if sheet is not None else next(iter(filled), None)
    if wanted is None or not sheets[wanted]:
        raise FileReadError(
            "The sheet has no cells.",
            where=path,
            expected="a header row and rows under it",
            remedy="Export it again, or remove the file.",
        )
    table = _table(sheets[wanted], path, limits)
    others = [title for title in filled if title != wanted]
    if sheet is not None or not others:
        return table
    return replace(table, findings=(*table.findings, _several_sheets(path, wanted, others)))


def _sheets(path: Path, limits: ReadingSettings) -> dict[str, _Sheet]:
    """Read every sheet, as far as it has cells."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        check_entries(path, len(entries), limits)
        check_size(path, sum(entry.file_size for entry in entries), limits, packed=path.stat().st_size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations, which are not read
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
            try:
                return {sheet.title: _read_sheet(path, sheet, limits) for sheet in workbook.worksheets}
            finally:
                workbook.close()
    except FileReadError:
        raise
    except _DAMAGED as error:
        raise FileReadError(
            f"The file ends in {path.suffix} but is none that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a workbook saved as .xlsx, without a password",
            remedy="Open it and save it again as .xlsx. If it is text, name it .csv.",
        ) from error


def _read_sheet(path: Path, sheet: Any, limits: ReadingSettings) -> _Sheet:  # noqa: ANN401 - not in openpyxl's types
    """Keep the cells that hold a value, and of rows without any only that they are there."""
    sheet.reset_dimensions()  # some programs write wrong ones, and rows would be cut
    rows: _Sheet = {}
    cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _EXCEL_ROWS:
            check_table_size(path, replace(limits, max_rows=min(limits.max_rows, _EXCEL_ROWS)), rows=number)
        width = next((n for n in range(len(row), 0, -1) if _has_value(row[n - 1])), 0)
        if not width:
            continue
        rows[number] = row[:width]
        cells += width - sum(cell is None for cell in row[:width])
        where = f"; sheet “{sheet.title}” has a cell at {get_column_letter(width)}{number}"
        if width > limits.max_columns or cells > limits.max_cells or len(rows) > limits.max_rows:
            check_table_size(path, limits, rows=len(rows), columns=width, cells=cells, note=where)
    return rows


def _has_value(cell: object) -> bool:
    return cell is not None and cell != ""


def _table(sheet: _Sheet, path: Path, limits: ReadingSettings) -> RawTable:
    top, *numbers = sheet
    header = sheet[top]
    body = [sheet[number] for number in numbers]
    width = max(map(len, sheet.values()))
    check_table_size(path, limits, rows=len(body), columns=width)
    names, findings = column_names([*header, *[None] * (width - len(header))], path)
    index = pd.Index([number - top for number in numbers], dtype="int64")
    columns = {name: _column([row[n] if n < len(row) else None for row in body], index) for n, name in enumerate(names)}
    errors = sum(map(_is_error, itertools.chain.from_iterable(body)))
    if errors:
        findings = [*findings, _error_values(path, errors)]
    return RawTable(path, without_blank_rows(pd.DataFrame(columns, index=index)), findings=tuple(findings))


def _column(cells: list[Any], index: pd.Index) -> pd.Series:
    """Give a column the type that all its cells share."""
    plain = pd.Series([cell if _has_value(cell) and not _is_error(cell) else None for cell in cells], index, "object")
    kinds = {type(cell) for cell in plain if cell is not None}
    if kinds == {int} and plain.dropna().abs().max() < _LARGEST_INTEGER:
        return plain.astype("Int64")
    if kinds == {bool}:
        return plain.astype("boolean")
    if kinds in ({int, float}, {float}):
        return plain.astype("float64")
    return plain.infer_objects() if len(kinds) == 1 else plain


def _is_error(cell: object) -> bool:
    return isinstance(cell, str) and cell in ERROR_CODES


def _several_sheets(path: Path, read: str, others: list[str]) -> Finding:
    return Finding(
        "warning",
        "several_sheets",
        path.name,
        f"{path.name} has {len(others) + 1} sheets with cells; only “{read}” was read.",
        ids=tuple(others),
        expected="one sheet",
        remedy="Save other sheets that count as files of their own.",
    )


def _error_values(path: Path, count: int) -> Finding:
    return Finding(
        "warning",
        "error_values",
        path.name,
        f"{path.name} has {count:,} cells in which Excel shows an error; they count as missing.",
        expected="values",
        remedy="Mend the formulas that show #N/A, #REF! and the like.",
    )
