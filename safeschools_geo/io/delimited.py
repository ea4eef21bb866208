"""Delimited text: any delimiter and encoding, every cell as text, and a reason for each row that does not fit."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from safeschools_geo.errors import FileReadError, count_text
from safeschools_geo.io.arrow_tables import to_frame
from safeschools_geo.io.encodings import decode
from safeschools_geo.io.file_kinds import check_table_size
from safeschools_geo.io.quotes import Grammar
from safeschools_geo.io.raw import RawTable, column_names, without_blank_rows
from safeschools_geo.results import Finding, join_rejects, rejects_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from safeschools_geo.io.quotes import Settled
    from safeschools_geo.settings import ReadingSettings

_DELIMITERS = (",", ";", "\t", "|", "^", "~")
_SAMPLE = 65_536
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

    Parameters
    ----------
    path
        The file: UTF-8, UTF-16 or Windows-1252; cells separated by comma, semicolon, tab, bar, ``^`` or ``~``, and
        quoted with ``"`` where they hold the delimiter or a new line. A first line ``sep=;`` is obeyed.
    limits
        How much it may hold.

    Returns
    -------
    RawTable
        Every cell as text, just as written; empty cells are missing. Rows with more or fewer cells than the header are
        rejects, unless what is too much is empty. Rows without any value are not rows, but count in the numbering. A
        quotation mark that opens a cell and does not properly close it is part of the text of its row.

    Raises
    ------
    FileReadError
        When the file is not text, or has no header.
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
    rows = [row for row in csv.reader(io.StringIO(body[:_SAMPLE], newline=""), delimiter=delimiter) if row]
    complete = rows[:-1] if len(body) > _SAMPLE and len(rows) > 1 else rows
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
    limit = csv.field_size_limit(max(len(text), _SAMPLE))
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
