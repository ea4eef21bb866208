"""Tables of text: delimited files of any encoding, quotation marks understood, and workbooks."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import struct
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from safeschools_geo.errors import FileReadError, count_text
from safeschools_geo.findings import Finding, join_rejects, rejects_frame
from safeschools_geo.io._columns import ERROR_CODES
from safeschools_geo.io._table import (
    HEADER_SAMPLE,
    WEB_PAGE,
    RawTable,
    SheetSurvey,
    check_entries,
    check_size,
    check_table_size,
    column_names,
    decode,
    describe,
    header_at,
    header_finding,
    html_tables,
    no_header_row,
    plain_page,
    signature,
    survey_ods,
    survey_xls,
    survey_xlsb,
    to_frame,
    without_blank_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from safeschools_geo.settings import ReadingSettings


# ── Quotation marks of delimited text: which of them quote a cell, and which are only signs in it

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NUMBER, _WORD = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_FEW_SHAPES, _FEW_COLUMNS = 8, 2
_MOSTLY = 0.9
_PROFILED = 2_000


@dataclass(frozen=True)
class Settled:
    """Rows of delimited text in which every quotation mark that opens a cell also closes it."""

    text: str  # The rows, without the header
    # Number of a row → its text as it was, for rows that were written anew
    as_read: dict[int, str] = field(default_factory=dict)
    opened: tuple[int, ...] = ()  # Numbers of the rows in which a quotation mark opens a cell and none closes it


class Grammar:
    """What a cell and a row look like with one delimiter.

    A quotation mark opens a cell only where the cell begins, and closes it only before a delimiter or the end of a
    line; inside, it is doubled. Anywhere else it is text.
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
        """Say whether a line is a row in which each quotation mark opens a cell, closes it or is doubled."""
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
_MANY = 0.2
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


def read_delimited(path: Path, *, limits: ReadingSettings, header_row: int | None = None) -> RawTable:
    """Read a delimited text file.

    Every cell as text, just as written; empty cells are missing. Rows with more or fewer cells than the header are
    rejects, unless what is too much is empty. Rows without any value are not rows, but count in the numbering. A
    quotation mark that opens a cell and does not properly close it is part of the text of its row.
    """
    decoded = decode(path.read_bytes(), path)
    body, delimiter = _delimiter(decoded.text)
    grammar = Grammar(delimiter)
    body, found = _from_header(body, decoded.text, grammar, path, header_row)
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
        findings=(*decoded.findings, *found, *findings, *_open_marks(settled, path)),
        rejects=_rejects(lost, names, path),
    )


def _delimiter(text: str) -> tuple[str, str]:
    """Return the text from its header on, and the delimiter."""
    stated = _SEPARATOR_LINE.match(text)
    if stated:
        return text[stated.end() :].lstrip("\r\n"), stated.group(1)
    body = text.lstrip("\r\n")
    for is_titled in (False, True):  # the first line is the header; or there are titles above it
        fitness = {delimiter: _fitness(body, delimiter, is_titled=is_titled) for delimiter in _DELIMITERS}
        best = max(fitness, key=lambda delimiter: fitness[delimiter])
        if fitness[best][0] > _MANY:
            break
    return body, best


def _from_header(
    body: str, text: str, grammar: Grammar, path: Path, header_row: int | None
) -> tuple[str, list[Finding]]:
    """Return the text from its header on, which may stand under titles, and say where that is."""
    if header_row is not None:
        lines = list(islice(_LINE.finditer(text), header_row))
        if len(lines) < header_row or not lines[-1].group().strip():
            raise no_header_row(path, header_row)
        return text[lines[-1].start() :], []
    lines = [line for line in islice(_LINE.finditer(body), HEADER_SAMPLE) if line.group().strip()]
    # A line with an odd number of quotation marks is a part of a cell over several lines.
    rows = [[] if line.group().count('"') % 2 else grammar.cells(line.group()) for line in lines]
    above = header_at(rows)
    if not above:
        return body, []
    start = lines[above].start()
    number = sum(1 for _ in _LINE.finditer(text[: len(text) - len(body) + start])) + 1
    return body[start:], [header_finding(path.name, number, table=path.name, cells=rows[above])]


def _fitness(body: str, delimiter: str, *, is_titled: bool) -> tuple[float, int]:
    """Rate a delimiter: the share of rows with as many cells as the header, then the number of cells."""
    rows = [row for row in csv.reader(io.StringIO(body[:_DELIMITED_SAMPLE], newline=""), delimiter=delimiter) if row]
    complete = rows[:-1] if len(body) > _DELIMITED_SAMPLE and len(rows) > 1 else rows
    # A wrong delimiter cuts quoted cells in two, and leaves each half with one of the quotation marks.
    widths = [0 if any(cell.count('"') % 2 for cell in row) else len(row) for row in complete]
    width = max(set(widths), key=widths.count, default=0) if is_titled else next(iter(widths), 0)
    return (widths.count(width) / len(widths), width) if width > 1 else (0.0, 0)


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


# ── Excel workbooks: the sheets that a person sees, each cell in the type that Excel gives it

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_EXCEL_ROWS = 1_048_576
_LARGEST_INTEGER = 2**63
_ROOMY = 20_000_000
_EMPTY = frozenset({None, "", *ERROR_CODES})
_CELL_AT = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]*)([0-9]*)""")
_UNUSUAL = (
    b"<c>",
    b"<c/",
    b"<c\t",
    b"<c\n",
    b"<c\r",
    b"<row>",
    b"<row/",
    b"<row\t",
    b"<row\n",
    b"<row\r",
    b":c ",
    b":row",
)
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_ERROR = re.compile(rb"""\st\s*=\s*["']e["']""")
_YEAR_1904 = re.compile(rb"""date1904\s*=\s*["'](?:1|true|on)["']""")
# What the readers let through from the zip archive and the XML of a damaged workbook.
_DAMAGED = (
    CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    ExpatError,
    struct.error,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    RuntimeError,
)


@dataclass(frozen=True)
class _Sheet:
    """A sheet: number of the row → its cells up to the last with a value; blank rows are left out."""

    title: str
    is_hidden: bool
    rows: dict[int, tuple[Any, ...]]
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


@dataclass(frozen=True)
class _Workbook:
    """The sheets of a workbook, the cells with an error in it, and whether its days count from 1904."""

    sheets: dict[str, _Sheet]
    errors: int
    is_1904: bool


def read_spreadsheet(
    path: Path, *, limits: ReadingSettings, sheet: str | None = None, header_row: int | None = None
) -> RawTable:
    """Read the sheets of a workbook, of any kind, that hold one table, or one sheet.

    Sheets of the same columns, such as one a month, are one table; of several tables the longest is read. Hidden sheets
    are read only if named. Numbers, moments and truth values keep their types; columns of several types are objects;
    formulas give the value that Excel last saw, and its error values are missing.
    """
    data = path.read_bytes()
    is_old = path.suffix.lower() == ".xls"  # what many programs call text and web pages
    kind = signature(data[:_DELIMITED_SAMPLE]) if is_old else ""
    if kind is None and (b"\0" not in data[:_DELIMITED_SAMPLE] or data.startswith(_UTF_16)):
        raw = read_delimited(path, limits=limits, header_row=header_row)
        return replace(raw, findings=(*raw.findings, _named_otherwise(path, "text")))
    book = _workbook(path, data, is_page=kind == WEB_PAGE, limits=limits)
    if sheet is not None and sheet not in book.sheets:
        raise FileReadError(
            "The workbook has no such sheet.",
            where=path,
            found=", ".join(book.sheets),
            expected=sheet,
            remedy="Name one of these.",
            setting="sheet",
        )
    wanted = [one for one in book.sheets.values() if sheet == one.title or (sheet is None and not one.is_hidden)]
    filled = [one for one in wanted if one.rows]
    tables = {one.title: _table(one, path, limits, header_row) for one in filled if header_row in {None, *one.rows}}
    if filled and not tables and header_row is not None:
        raise no_header_row(path, header_row)
    if not tables:
        hidden = [one.title for one in book.sheets.values() if one.is_hidden and one.rows]
        raise FileReadError(
            "The sheet has no cells.",
            where=path,
            found=f"cells in hidden sheets only: {', '.join(hidden)}" if hidden and sheet is None else None,
            expected="a header row and rows under it",
            remedy='Name the hidden sheet that is meant: sheet = "…".'
            if hidden and sheet is None
            else "Export it again, or remove the file.",
            setting="sheet" if hidden and sheet is None else None,
        )
    read = _longest(tables)
    raw = _under_each_other([tables[title] for title in read], read, path, limits)
    said = [
        *_sheet_findings(path, book, read, list(tables)),
        *([_error_values(path, book.errors)] if book.errors else []),
        *([_named_otherwise(path, WEB_PAGE)] if kind == WEB_PAGE else []),
    ]
    return replace(raw, findings=(*raw.findings, *said), is_1904=book.is_1904)


def _longest(tables: dict[str, RawTable]) -> list[str]:
    """Of the tables that a workbook holds, each on one sheet or several, find the sheets of the longest."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for title, table in tables.items():
        alike.setdefault(tuple(sorted(str(name).strip().casefold() for name in table.frame.columns)), []).append(title)
    return max(alike.values(), key=lambda titles: sum(len(tables[title].frame) for title in titles))


def _under_each_other(tables: list[RawTable], titles: list[str], path: Path, limits: ReadingSettings) -> RawTable:
    """Make one table of sheets with the same columns; rows are numbered on from sheet to sheet."""
    first, *others = tables
    if not others:
        return first
    keys = {str(name).strip().casefold(): name for name in first.frame.columns}
    frames, rejects, starts, before = [], [], [], 0
    for table in tables:
        renamed = table.frame.rename(columns=lambda name: keys[str(name).strip().casefold()])
        frames.append(renamed[list(first.frame.columns)].set_axis(renamed.index + before, axis=0))
        rejects.append(table.rejects.assign(row=table.rejects["row"] + before))
        starts.append(before + 1)
        before += max([0, *table.frame.index, *table.rejects["row"]])
    columns = {
        name: _column([cell for frame in frames for cell in _plain_cells(frame[name])]) for name in first.frame.columns
    }
    index = pd.Index(np.concatenate([frame.index for frame in frames]), dtype="int64")
    check_table_size(path, limits, rows=len(index), columns=len(columns))
    listed = ", ".join(f"“{title}” from row {start:,}" for title, start in zip(titles, starts, strict=True))
    message = f"{len(tables)} sheets of {path.name} have the same columns and are read as one table: {listed}."
    remedy = 'Nothing needs doing if this is right; else say which one is meant: sheet = "…".'
    finding = Finding("note", "sheets_joined", path.name, message, ids=tuple(titles), remedy=remedy)
    found = dict.fromkeys(finding for table in tables for finding in table.findings)
    return RawTable(
        path,
        pd.DataFrame({name: column.set_axis(index) for name, column in columns.items()}, index=index),
        findings=(*found, finding),
        rejects=join_rejects(rejects),
    )


def _plain_cells(column: pd.Series) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return [None if moment is pd.NaT else moment.to_pydatetime() for moment in column]
    return [None if is_missing else cell for cell, is_missing in zip(column.tolist(), column.isna(), strict=True)]


def _sheet_findings(path: Path, book: _Workbook, read: list[str], tables: list[str]) -> Iterator[Finding]:
    hidden = [one.title for one in book.sheets.values() if one.is_hidden and one.rows and one.title not in read]
    others = [title for title in tables if title not in read]
    said = " and ".join(f"“{title}”" for title in read)
    remedy = 'Say which one is meant: sheet = "…" in the section of the file in district.toml.'
    if others:
        message = f"{path.name} has sheets with other columns than those of {said}, which was read."
        yield Finding("warning", "several_sheets", path.name, message, tuple(others), "one table", remedy)
    if hidden:
        message = f"{path.name} has hidden sheets, which are not read; {said} was."
        yield Finding("note", "hidden_sheets", path.name, message, tuple(hidden), "", remedy)


def _named_otherwise(path: Path, kind: str) -> Finding:
    message = f"{path.name} is {kind} and no workbook, as programs save what they call Excel; it was read as that."
    return Finding(
        "note", "named_otherwise", path.name, message, remedy="Nothing needs doing if the columns are right."
    )


def _workbook(path: Path, data: bytes, *, is_page: bool, limits: ReadingSettings) -> _Workbook:
    """Read every sheet, as far as it has cells."""
    if is_page:
        found = enumerate(html_tables(plain_page(data)), start=1)
        given = ((f"Table {n}", [[cell or None for cell in row] for row in rows]) for n, rows in found)
        filled = ((title, _filled(path, title, enumerate(rows, start=1), limits)) for title, rows in given)
        sheets = [_Sheet(title, is_hidden=False, rows=rows) for title, rows in filled]
        return _Workbook({one.title: one for one in sheets}, 0, is_1904=False)
    try:
        about = _survey(path, data, limits)
        sheets = list(_sheets_far(path, limits) if about.is_far else _sheets(path, data, about.merged, limits))
    except FileReadError:
        raise
    except BaseException as error:
        if (
            not isinstance(error, _DAMAGED) and type(error).__name__ != "PanicException"
        ):  # of calamine, which is in Rust
            raise
        raise FileReadError(
            f"The file ends in {path.suffix} but is no workbook that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a workbook without a password",
            remedy="Open it and save it again as .xlsx. If it is text, name it .csv.",
        ) from error
    return _Workbook({one.title: one for one in sheets}, about.errors, about.is_1904)


@dataclass(frozen=True)
class _Survey:
    """What a workbook holds, before its cells are laid out."""

    is_far: bool
    is_1904: bool
    errors: int
    merged: dict[str, Any]


def _survey(path: Path, data: bytes, limits: ReadingSettings) -> _Survey:
    """Refuse a workbook whose cells would fill the memory, whatever its name says that it is."""
    if not data.startswith(b"PK"):
        surveyed, is_1904 = survey_xls(data)
        _check_grids(path, surveyed, limits, at_once=True)
        return _Survey(is_far=False, is_1904=is_1904, errors=sum(one.errors for one in surveyed), merged={})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        check_entries(path, len(entries), limits)
        check_size(path, sum(entry.file_size for entry in entries), limits, packed=path.stat().st_size)
        names = {entry.filename for entry in entries}
        if "xl/workbook.xml" not in names and names & {"xl/workbook.bin", "content.xml"}:
            is_open = "content.xml" in names
            parts = {entry.filename: _whole(archive, entry) for entry in entries}
            sheets, is_1904 = survey_ods(parts["content.xml"]) if is_open else survey_xlsb(parts)
            _check_grids(path, list(sheets.values()), limits, at_once=is_open)
            merged = {title: one.merged for title, one in sheets.items()}
            return _Survey(is_far=False, is_1904=is_1904, errors=sum(s.errors for s in sheets.values()), merged=merged)
        is_far, is_1904, errors = False, False, 0
        for entry in entries:
            content = _whole(archive, entry)
            is_far |= _spans(content, limits)
            errors += len(_ERROR.findall(content)) if entry.filename.startswith("xl/worksheets/") else 0
            is_1904 |= _YEAR_1904.search(content) is not None if entry.filename.endswith("workbook.xml") else False
    return _Survey(is_far=is_far, is_1904=is_1904, errors=errors, merged={})


def _check_grids(path: Path, sheets: list[SheetSurvey], limits: ReadingSettings, *, at_once: bool) -> None:
    for sheet in sheets:
        check_table_size(path, limits, rows=min(sheet.cells, sheet.height), columns=sheet.width, cells=sheet.cells)
    grids = [(sheet.height * sheet.width, sheet.cells) for sheet in sheets]
    if at_once:
        grids = [(sum(grid for grid, _ in grids), sum(cells for _, cells in grids))]
    far = max((grid for grid, cells in grids if grid > max(_ROOMY, 4 * cells)), default=0)
    if far:
        raise FileReadError(
            "The cells of a sheet lie so far apart that they would fill the memory.",
            where=path,
            found=f"room for {far:,} cells",
            expected="a table whose cells are next to each other",
            remedy="Delete the cells that lie far from the table, or save the workbook as .xlsx.",
        )


def _whole(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as part:
        return part.read()


def _spans(content: bytes, limits: ReadingSettings) -> bool:
    """Say whether the cells of a sheet lie so far apart that a grid of them would fill the memory."""
    cells, rows = content.count(b"<c "), content.count(b"<row ")
    most = max(_ROOMY, 4 * cells)
    is_plain = content.count(b'<c r="') + content.count(b'<row r="') == cells + rows
    is_usual = is_plain and not any(sign in content for sign in _UNUSUAL)
    if is_usual and not re.search(rb' r="[A-Z]*[0-9]{%d}' % (len(str(rows)) + 1), content):
        letters = set(re.findall(rb' r="([A-Z]+)', content))
        width = max(map(_column_number, letters), default=0)
        if width <= limits.max_columns and width * 10 ** len(str(rows)) <= most:
            return False
    places = set(_CELL_AT.findall(content))
    width = max((_column_number(letters.upper()) for letters, _ in places), default=0)
    height = max((int(digits or b"0") for _, digits in places), default=0)
    if not is_usual:  # cells without a place follow each other
        width = max(width, *(len(_CELL.findall(row)) for row in _ROW.split(content)))
        height = max(height, len(_ROW.findall(content)))
    return width > limits.max_columns or height > _EXCEL_ROWS or width * height > most


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters[:4]:
        number = number * 26 + letter - 64
    return number


def _sheets(path: Path, data: bytes, merged: dict[str, Any], limits: ReadingSettings) -> Iterator[_Sheet]:
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
        for about in workbook.sheets_metadata:
            if about.typ is not SheetTypeEnum.WorkSheet:
                continue
            sheet = workbook.get_sheet_by_name(about.name)
            down, across = sheet.start or (0, 0)
            cells = ([None] * across + row for row in sheet.to_python(skip_empty_area=True))
            rows = _filled(path, about.name, enumerate(cells, start=down + 1), limits)
            is_hidden = about.visible is not SheetVisibleEnum.Visible
            yield _Sheet(about.name, is_hidden, rows, tuple(sheet.merged_cell_ranges or merged.get(about.name, ())))


def _sheets_far(path: Path, limits: ReadingSettings) -> Iterator[_Sheet]:
    """Read sheets row by row, which takes little memory and much time."""
    import openpyxl  # noqa: PLC0415 - takes longer to load than most files to read

    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations, which are not read
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            for sheet in workbook.worksheets:
                sheet.reset_dimensions()  # some programs write wrong ones, and rows would be cut
                with closing(sheet.iter_rows(values_only=True)) as cells:
                    rows = _filled(path, sheet.title, enumerate(cells, start=1), limits)
                yield _Sheet(sheet.title, sheet.sheet_state != "visible", rows)
        finally:
            workbook.close()


def _filled(
    path: Path, title: str, given: Iterable[tuple[int, Sequence[Any]]], limits: ReadingSettings
) -> dict[int, tuple[Any, ...]]:
    """Keep the cells that hold a value, and of rows without any only that they are there."""
    rows: dict[int, tuple[Any, ...]] = {}
    cells = 0
    for number, row in given:
        if number > _EXCEL_ROWS:
            check_table_size(path, replace(limits, max_rows=min(limits.max_rows, _EXCEL_ROWS)), rows=number)
        width = next((n for n in range(len(row), 0, -1) if _has_value(row[n - 1])), 0)
        if not width:
            continue
        rows[number] = tuple(row[:width])
        cells += len(row) - row.count("") - row.count(None)
        if width > limits.max_columns or cells > limits.max_cells or len(rows) > limits.max_rows:
            from openpyxl.utils import get_column_letter  # noqa: PLC0415 - for this message alone

            where = f"; sheet “{title}” has a cell at {get_column_letter(width)}{number}"
            check_table_size(path, limits, rows=len(rows), columns=width, cells=cells, note=where)
    return rows


def _has_value(cell: object) -> bool:
    return cell is not None and cell != ""


def _table(sheet: _Sheet, path: Path, limits: ReadingSettings, header_row: int | None) -> RawTable:
    where = f"{path.name}, sheet “{sheet.title}”"
    numbers = list(sheet.rows)
    above = header_at([sheet.rows[n] for n in numbers[:HEADER_SAMPLE]]) if header_row is None else None
    top = numbers[above or 0] if header_row is None else header_row
    header = sheet.rows[top]
    body = {number: list(sheet.rows[number]) for number in numbers if number > top}
    width = max(map(len, [header, *body.values()]))
    check_table_size(path, limits, rows=len(body), columns=width)
    filled = _fill_merged(sheet, body)
    notes = _notes_under(body, len(header)) if above else []
    names, findings = column_names([*header, *[None] * (width - len(header))], path)
    rejects = _note_rejects({number - top: body.pop(number) for number in notes}, names, path)
    columns = [_column([row[n] if n < len(row) else None for row in body.values()]) for n in range(width)]
    index = pd.Index([number - top for number in body], dtype="int64")
    frame = pd.DataFrame({name: c.set_axis(index) for name, c in zip(names, columns, strict=True)}, index=index)
    if above:
        findings.append(header_finding(where, top, table=path.name, cells=names))
    if filled:
        findings.append(_merged_finding(where, path, filled))
    return RawTable(path, without_blank_rows(frame), findings=tuple(findings), rejects=rejects)


def _fill_merged(sheet: _Sheet, body: dict[int, list[Any]]) -> int:
    """Give every row of a merged cell its value; say how many got one."""
    filled = 0
    for (top, left), (bottom, _) in sheet.merged:
        rows = [body[number] for number in range(top + 1, bottom + 2) if number in body] if bottom > top else []
        if len(rows) < 2 or top + 1 not in body or left >= len(rows[0]):  # noqa: PLR2004 - a cell over two rows
            continue
        for row in rows[1:]:
            row.extend([None] * (left + 1 - len(row)))
            if not _has_value(row[left]):
                row[left] = rows[0][left]
                filled += 1
    return filled


def _notes_under(body: dict[int, list[Any]], width: int) -> list[int]:
    """Find the lines under a table that are no rows of it: one cell each, where the table is wider than two."""
    notes: list[int] = []
    for number in reversed(body):
        if width <= 2 or sum(map(_has_value, body[number])) > 1:  # noqa: PLR2004 - a row of two cells may lack one
            break
        notes.append(number)
    return notes[::-1]


def _note_rejects(notes: dict[int, list[Any]], names: list[str], path: Path) -> pd.DataFrame:
    texts = pd.DataFrame({"text": [" ".join(str(c) for c in row if _has_value(c)) for row in notes.values()]})
    reason = f"The row has one cell, and the header {len(names)}; it is taken for a note under the table."
    rows = texts.set_axis(pd.Index(list(notes), dtype="int64"), axis=0).astype({"text": "str"})
    return rejects_frame(rows, source_file=path.name, id_column=None, code="note_under_table", reason=reason)


def _column(cells: list[Any]) -> pd.Series:
    """Give a column the type that all its cells share; a day that Excel keeps as a moment is one at midnight."""
    kinds = set(map(type, cells))
    if str in kinds or type(None) in kinds:
        cells = [None if cell in _EMPTY else cell for cell in cells]
        kinds = set(map(type, cells)) - {type(None)}
    if dt.date in kinds:
        cells = [dt.datetime(c.year, c.month, c.day) if type(c) is dt.date else c for c in cells]  # noqa: DTZ001
        kinds = kinds - {dt.date} | {dt.datetime}
    plain = pd.Series(cells, dtype="object")
    if kinds <= {int, float} and kinds:
        numbers = plain.astype("float64")
        given = numbers.dropna()
        is_whole = given.empty or bool(((given % 1 == 0) & (given.abs() < _LARGEST_INTEGER)).all())
        return plain.map(int, na_action="ignore").astype("Int64") if is_whole else numbers
    if kinds == {bool}:
        return plain.astype("boolean")
    return plain.infer_objects() if len(kinds) == 1 else plain


def _merged_finding(where: str, path: Path, count: int) -> Finding:
    message = f"{count_text(count, 'row')} of {where} got the value of a cell that is merged over several rows."
    return Finding("note", "merged_cells", path.name, message, remedy="Nothing needs doing if this is right.")


def _error_values(path: Path, count: int) -> Finding:
    return Finding(
        "warning",
        "error_values",
        path.name,
        f"{path.name} has {count_text(count, 'cell')} in which Excel shows an error: taken as missing.",
        expected="values",
        remedy="Fix the formulas that show #N/A, #REF! and the like.",
    )
