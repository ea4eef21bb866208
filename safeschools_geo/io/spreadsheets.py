"""Excel workbooks: the first sheet that has cells, each cell in its own type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.raw import RawTable
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from pathlib import Path


def read_spreadsheet(path: Path) -> RawTable:
    """Read an Excel workbook.

    Parameters
    ----------
    path
        An ``.xlsx`` or ``.xlsm`` file.

    Returns
    -------
    RawTable
        The first sheet with cells; numbers, moments and text as Excel has them. Rows without any cell are not rows.

    Raises
    ------
    FileReadError
        When it is not a workbook or has no cells.
    """
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in workbook.worksheets}
        workbook.close()
    except (OSError, KeyError, ValueError, TypeError, AttributeError, SyntaxError) as error:
        raise FileReadError(
            "The file is not an Excel workbook that can be read.",
            where=path,
            found=error,
            expected="a workbook saved as .xlsx, without a password",
            remedy="Open it and save it again as .xlsx.",
        ) from error
    filled = {title: rows for title, rows in sheets.items() if any(_has_cell(row) for row in rows)}
    if not filled:
        raise FileReadError("The workbook has no cells.", where=path, expected="a header row and rows under it")
    title, rows = next(iter(filled.items()))
    return RawTable(path, _table(rows), None, findings=_other_sheets(path, title, list(filled)))


def _has_cell(row: tuple[Any, ...]) -> bool:
    return any(cell not in (None, "") for cell in row)


def _table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    first = next(number for number, row in enumerate(rows) if _has_cell(row))
    header = [str(cell).strip() if cell not in (None, "") else f"column_{n}" for n, cell in enumerate(rows[first], 1)]
    names = [name if name not in header[:n] else f"{name}_{n + 1}" for n, name in enumerate(header)]
    body = {number: row for number, row in enumerate(rows[first + 1 :], start=1) if _has_cell(row)}
    index = pd.Index(list(body), dtype="int64", name="row")
    columns = {name: [row[n] if n < len(row) else None for row in body.values()] for n, name in enumerate(names)}
    # Cells of one column may be of several types; pandas is kept from making them one.
    return pd.DataFrame({n: pd.Series(cells, index=index, dtype="object") for n, cells in columns.items()}, index=index)


def _other_sheets(path: Path, title: str, titles: list[str]) -> tuple[Finding, ...]:
    if len(titles) == 1:
        return ()
    return (
        Finding(
            "warning",
            "several_sheets",
            path.name,
            f"{path.name} has {len(titles)} sheets with cells; only the first, {title}, was read.",
            ids=tuple(titles[1:]),
            expected="one sheet",
            remedy="Save other sheets that count as files of their own.",
        ),
    )
