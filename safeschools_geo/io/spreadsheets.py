"""Excel workbooks: one sheet, each cell in the type that Excel gives it."""

from __future__ import annotations

import itertools
import warnings
import zipfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import openpyxl
import pandas as pd
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.file_kinds import check_entries, check_size, check_table_size, describe
from safeschools_geo.io.raw import RawTable, column_names, without_blank_rows
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.settings import ReadingSettings

    _Sheet = dict[
        int, tuple[Any, ...]
    ]  # number of the row → its cells up to the last with a value; blank rows left out

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

    Parameters
    ----------
    path
        The workbook, ``.xlsx`` or ``.xlsm``.
    limits
        How much it may hold.
    sheet
        Name of the sheet; the first that has cells if left out.

    Returns
    -------
    RawTable
        The header is the first row with cells. Numbers, moments and truth values keep their types; columns of several
        types are objects; formulas give the value that Excel last saw, and its error values are missing.

    Raises
    ------
    FileReadError
        When it is no workbook, lacks the sheet, has no cells, or holds more than `limits` allow.
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
