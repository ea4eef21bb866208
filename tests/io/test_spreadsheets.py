"""Workbooks: cells in their types, the right sheet, and nothing lost to formatting."""

import datetime as dt

import openpyxl
import pandas as pd
import pytest

from safeschools_geo import io
from safeschools_geo.errors import FileReadError

MOMENT = dt.datetime(2025, 3, 14, 13, 45)  # noqa: DTZ001 - workbooks know no time zones


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_cells_keep_their_types(tmp_path):
    rows = [
        ["id", "number", "share", "at", "flag", "mixed"],
        ["007", 34674470000001, 0.5, MOMENT, True, 1],
        ["2E47", None, 2, None, None, "b"],
    ]
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=rows))
    assert raw.frame.index.tolist() == [1, 2]
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert {name: str(dtype) for name, dtype in raw.frame.dtypes.items()} == {
        "id": "str",
        "number": "Int64",
        "share": "float64",
        "at": "datetime64[us]",
        "flag": "boolean",
        "mixed": "object",
    }
    assert io.as_text(raw.frame["number"]).tolist()[0] == "34674470000001"
    assert raw.frame.loc[1, "at"] == pd.Timestamp(MOMENT)


def test_the_header_is_the_first_row_with_cells_and_blank_rows_are_not_rows(tmp_path):
    rows = [[], [None, None], ["id", None, "name"], [1, None, "a"], [None, None, None], [2, None, "b"]]
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=rows))
    assert list(raw.frame.columns) == ["id", "name"]
    assert raw.frame.index.tolist() == [1, 3]


def test_cells_beyond_the_header_are_kept(tmp_path):
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=[["id"], [1], [2, "a remark"]]))
    assert list(raw.frame.columns) == ["id", "column_2"]
    assert raw.frame.loc[2, "column_2"] == "a remark"


def test_the_first_sheet_with_cells_is_read_and_the_others_are_named(tmp_path):
    path = workbook(tmp_path / "a.xlsx", Empty=[], First=[["id"], [1]], Second=[["id"], [2], [3]])
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == [1]
    assert [(f.code, f.ids) for f in raw.findings] == [("several_sheets", ("Second",))]
    chosen = io.read_table(path, sheet="Second")
    assert chosen.frame["id"].tolist() == [2, 3]
    assert chosen.findings == ()


def test_a_sheet_that_is_not_there_names_those_that_are(tmp_path):
    path = workbook(tmp_path / "a.xlsx", First=[["id"], [1]], Second=[])
    with pytest.raises(FileReadError, match="no such sheet") as caught:
        io.read_table(path, sheet="Third")
    assert caught.value.found == "First, Second"


@pytest.mark.parametrize("sheet", [None, "Sheet"])
def test_a_workbook_without_cells_is_refused(tmp_path, sheet):
    with pytest.raises(FileReadError, match="no cells"):
        io.read_table(workbook(tmp_path / "a.xlsx", Sheet=[]), sheet=sheet)


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=[["id", "name"]]))
    assert raw.frame.shape == (0, 2)


def test_error_values_count_as_missing_and_are_told(tmp_path):
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=[["id", "n"], ["a", "#N/A"], ["b", 3]]))
    assert raw.frame["n"].isna().tolist() == [True, False]
    assert [f.code for f in raw.findings] == ["error_values"]


def test_a_number_too_large_for_an_integer_stays_exact(tmp_path):
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=[["id"], [3], [None], [4]]))
    assert raw.frame["id"].tolist() == [3, 4]
    assert io.as_text(raw.frame["id"]).tolist() == ["3", "4"]


def test_a_column_of_dates_has_no_times(tmp_path):
    midnight = dt.datetime(2025, 3, 14)  # noqa: DTZ001 - workbooks know no time zones
    raw = io.read_table(workbook(tmp_path / "a.xlsx", Sheet=[["day", "at"], [midnight, MOMENT], [midnight, midnight]]))
    assert io.parse_times(raw.frame["day"], time_zone="UTC").has_time.tolist() == [False, False]
    assert io.parse_times(raw.frame["at"], time_zone="UTC").has_time.tolist() == [True, True]


def test_wrong_dimensions_in_the_file_do_not_cut_rows(tmp_path):
    path = workbook(tmp_path / "a.xlsx", Sheet=[["id", "name"], [1, "a"], [2, "b"]])
    import zipfile  # noqa: PLC0415 - only here

    parts = {}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:B3"' in parts[name]
    parts[name] = parts[name].replace(b'ref="A1:B3"', b'ref="A1"')
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    assert io.read_table(path).frame.shape == (2, 2)
