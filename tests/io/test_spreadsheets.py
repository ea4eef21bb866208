"""Workbooks: cells in their types, the right sheet, and nothing lost to formatting."""

import datetime as dt
import zipfile

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from workbooks import WRITERS, write_xls

from safeschools_geo import io
from safeschools_geo.errors import FileReadError
from safeschools_geo.io._table import header_at

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


def codes(raw):
    return [finding.code for finding in raw.findings]


def test_sheets_of_the_same_columns_are_one_table_and_numbered_on(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", Empty=[], May=[["id", "n"], ["a", 1]], June=[["n ", "ID"], [2.5, "b"], [3, "c"]]
    )
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == ["a", "b", "c"]
    assert raw.frame["n"].tolist() == [1, 2.5, 3]
    assert raw.frame.index.tolist() == [1, 2, 3]
    assert [(f.code, f.ids) for f in raw.findings] == [("sheets_joined", ("May", "June"))]
    assert "“June” from row 2" in raw.findings[0].message
    assert io.read_table(path, sheet="June").frame.shape == (2, 2)


def test_of_several_tables_the_longest_is_read_and_the_others_are_named(tmp_path):
    sheets = {"Legend": [["code", "meaning"], ["a", "b"]], "Calls": [["id"], [2], [3]]}
    path = workbook(tmp_path / "a.xlsx", **sheets)
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == [2, 3]
    assert [(f.code, f.ids) for f in raw.findings] == [("several_sheets", ("Legend",))]
    chosen = io.read_table(path, sheet="Legend")
    assert chosen.frame["code"].tolist() == ["a"]
    assert chosen.findings == ()


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_are_read_only_if_named(tmp_path, state):
    path = workbook(tmp_path / "a.xlsx", Parameters=[["x"], [1], [2], [3]], Calls=[["id"], ["a"]])
    book = openpyxl.load_workbook(path)
    book["Parameters"].sheet_state = state
    book.save(path)
    raw = io.read_table(path)
    assert list(raw.frame.columns) == ["id"]
    assert [(f.code, f.ids) for f in raw.findings] == [("hidden_sheets", ("Parameters",))]
    assert io.read_table(path, sheet="Parameters").frame["x"].tolist() == [1, 2, 3]


TITLED = [
    ["Calls for service", None, None],
    ["Printed:", MOMENT, None],
    [],
    ["id", "category", "x"],
    ["a", "weapons", 1],
    ["b", None, 2],
    [],
    ["Source: dispatch"],
]


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_a_header_under_titles_is_found_and_said(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "xlsx":
        workbook(path, Calls=TITLED)
    else:
        path.write_text(
            "\n".join(",".join("" if c is None else str(c) for c in row) for row in TITLED), encoding="utf-8"
        )
    for options in ({}, {"header_row": 4}):
        raw = io.read_table(path, **options)
        assert list(raw.frame.columns) == ["id", "category", "x"]
        assert raw.frame["id"].tolist()[:2] == ["a", "b"]
        assert raw.frame.index.tolist()[:2] == [1, 2]
        assert codes(raw) == ([] if options else ["header_found"])
    found = io.read_table(path)
    assert "are in row 4" in found.findings[0].message
    assert len(found.frame) == 2
    assert found.rejects["row"].tolist() == [4]
    with pytest.raises(FileReadError, match="blank, or not in the file"):
        io.read_table(path, header_row=3)


@given(
    titles=st.lists(st.lists(st.text("abc :", max_size=9), max_size=2), max_size=4),
    width=st.integers(5, 9),
    rows=st.integers(2, 9),
)
def test_titles_above_a_header_never_take_its_place(titles, width, rows):
    header = [f"name {n}" for n in range(width)]
    body = [[n, *["x"] * (width - 1)] for n in range(rows)]
    table = [row for row in [*titles, header, *body] if any(cell and str(cell).strip() for cell in row)]
    found = header_at(table)
    assert table[found or 0] == header


def test_merged_cells_stand_for_all_their_rows(tmp_path):
    rows = [["id", "offense"], ["a", "x"], [None, "y"], [None, "z"], ["b", "x"]]
    path = workbook(tmp_path / "a.xlsx", Calls=rows)
    book = openpyxl.load_workbook(path)
    book["Calls"].merge_cells("A2:A4")
    book.save(path)
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == ["a", "a", "a", "b"]
    assert codes(raw) == ["merged_cells"]


def test_days_that_are_numbers_count_from_1904_where_the_workbook_says_so(tmp_path):
    for epoch, day in ((CALENDAR_WINDOWS_1900, "2021-03-03"), (CALENDAR_MAC_1904, "2025-03-04")):
        book = openpyxl.Workbook()
        book.epoch = epoch
        book.active.append(["at", "typed"])
        book.active.append([44258.5, MOMENT])
        book.save(tmp_path / "a.xlsx")
        raw = io.read_table(tmp_path / "a.xlsx")
        assert raw.frame.loc[1, "typed"] == pd.Timestamp(MOMENT)
        at = io.parse_times(raw.frame["at"], time_zone="UTC", is_1904=raw.is_1904).at
        assert at[1] == pd.Timestamp(f"{day} 12:00", tz="UTC")


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


def test_error_values_count_as_missing_and_are_reported(tmp_path):
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


CALLS = {
    "Parameters": [["from", "to"], ["2025", "2026"], ["1", "2"], ["3", "4"], ["5", "6"]],
    "Calls": [
        ["Calls for service"],
        [None],
        ["id", "n", "at", "beat"],
        *[["007", 1, 45730.5, "A"], ["2E47", 2.5, 45731, None], ["9", 3, 45732.25, "B"]],
    ],
}


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_workbooks_of_other_kinds_are_read_as_those_of_excel(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    raw = io.read_table(
        WRITERS[kind](path, CALLS, hidden={"Parameters"}, merged={"Calls": [(3, 4, 3, 3)]}, is_1904=True)
    )
    assert raw.is_1904
    assert raw.frame.to_dict("list") == {
        "id": ["007", "2E47", "9"],
        "n": [1, 2.5, 3],
        "at": [45730.5, 45731, 45732.25],
        "beat": ["A", "A", "B"],  # one cell over two rows
    }
    assert {"header_found", "hidden_sheets", "merged_cells"} == set(codes(raw))
    named = io.read_table(WRITERS[kind](path, CALLS), sheet="Parameters")
    assert not named.is_1904
    assert list(named.frame.columns) == ["from", "to"]


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_sheets_a_month_of_workbooks_of_other_kinds_are_one_table(tmp_path, kind):
    months = {
        f"{month}": [["id", "type"], [f"{month}-1", "weapons"], [f"{month}-2", "&<é"]] for month in ("Jan", "Feb")
    }
    raw = io.read_table(WRITERS[kind](tmp_path / f"a.{kind}", months))
    assert raw.frame["id"].tolist() == ["Jan-1", "Jan-2", "Feb-1", "Feb-2"]
    assert raw.frame["type"].tolist()[1] == "&<é"


@pytest.mark.parametrize("kind", ["xls", "xlsb"])
@pytest.mark.parametrize("many", [1, 200])
def test_cells_so_far_apart_that_they_fill_the_memory_are_refused(tmp_path, kind, many):
    wide = [["id", "n"], *[[]] * 65_000, ["1", *[None] * 700, 2]]
    path = WRITERS[kind](tmp_path / f"a.{kind}", {f"S{n}": wide if n == 0 else [["a"]] for n in range(many)})
    with pytest.raises(FileReadError, match="so far apart"):
        io.read_table(path)


def test_what_an_open_document_repeats_is_counted_before_it_is_laid_out(tmp_path):
    path = WRITERS["ods"](tmp_path / "a.ods", {"Calls": [["id", "n"], ["1", 2]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["content.xml"] = parts["content.xml"].replace(
        b'value-type="float"', b'value-type="float" table:number-columns-repeated="16000"'
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(FileReadError, match="holds more than is read"):
        io.read_table(path)


def test_an_old_workbook_whose_sheets_are_one_place_many_times_is_refused(tmp_path):
    path = write_xls(tmp_path / "a.xls", {"S": [["id"], *[[]] * 60_000, [*[None] * 250, 1]]})
    data = path.read_bytes()
    listed = data.index(b"\x85\x00")  # the one entry of the list of sheets
    entry = data[listed : listed + 13]
    start = int.from_bytes(entry[4:8], "little") + 13 * 20
    entry = entry[:4] + start.to_bytes(4, "little") + entry[8:]
    path.write_bytes(data[:listed] + entry * 21 + data[listed + 13 :][: -13 * 20])
    with pytest.raises(FileReadError, match="so far apart"):
        io.read_table(path)


@pytest.mark.parametrize("cut", [100, 600, 1500, 3000])
@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_workbook_that_is_cut_short_is_refused(tmp_path, kind, cut):
    path = WRITERS[kind](tmp_path / f"a.{kind}", CALLS)
    path.write_bytes(path.read_bytes()[: min(cut, path.stat().st_size - 30)])
    with pytest.raises(FileReadError, match="workbook"):
        io.read_table(path)


PAGE = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta charset="utf-8"></head><body><table>
<tr><td colspan=3>Calls for service</td></tr><tr><th>id</th><th>type</th><th>remark</th></tr>
<tr><td>007</td><td>A &amp; B</td><td>café<br>door</td></tr>
<tr><td>2E47</td><td></td><td> x
 y </td></tr></table></body></html>"""


def test_a_web_page_or_text_that_is_called_a_workbook_is_read_as_what_it_is(tmp_path):
    page = tmp_path / "page.xls"
    page.write_text(PAGE, encoding="utf-8")
    raw = io.read_table(page)
    assert raw.frame.fillna("").to_numpy().tolist() == [["007", "A & B", "café door"], ["2E47", "", "x y"]]
    assert set(codes(raw)) == {"header_found", "named_otherwise"}
    for encoding in ("utf-8", "utf-16"):
        text = tmp_path / f"{encoding}.xls"
        text.write_bytes("id\ttype\n007\tweapons\n".encode(encoding))
        raw = io.read_table(text)
        assert raw.frame.to_dict("list") == {"id": ["007"], "type": ["weapons"]}
        assert "named_otherwise" in codes(raw)
