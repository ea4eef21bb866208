"""Columns by our names."""

from pathlib import Path

import pandas as pd
import pytest

from safeschools_geo import io
from safeschools_geo.errors import ColumnError


def raw(*columns):
    frame = pd.DataFrame({name: [f"{name} 1", f"{name} 2"] for name in columns}, index=[1, 2])
    return io.RawTable(Path("a.csv"), frame)


def test_a_column_of_our_name_needs_no_entry():
    assert io.take(raw("school_id", "name"), {}, "school_id").name == "school_id"


@pytest.mark.parametrize("theirs", ["School ID", "SCHOOL_ID", "school-id", " SchoolId ", "School\u00a0Id"])
def test_case_and_spaces_do_not_matter(theirs):
    column = io.take(raw("x", theirs), {}, "school_id")
    assert column.name == theirs
    assert column.tolist() == [f"{theirs} 1", f"{theirs} 2"]


def test_an_exact_name_in_the_settings_decides_between_spellings():
    assert io.take(raw("ID", "id", "Id"), {"id": "id"}, "id").name == "id"
    with pytest.raises(ColumnError, match="Several columns") as caught:
        io.take(raw("ID", "id", "Id"), {}, "id")
    assert 'id = "ID"' in caught.value.remedy


def test_several_that_are_alike_are_refused():
    with pytest.raises(ColumnError, match="Several columns") as caught:
        io.take(raw("ID", "Id"), {}, "id")
    assert caught.value.found == "ID, Id"


def test_the_mapping_decides():
    table = raw("id", "CDSCode", "level")
    assert io.take(table, {"id": "CDSCode"}, "id").name == "CDSCode"
    assert io.require(table, {"id": ("CDSCode", "id")}, "id").name == "CDSCode"


def test_what_is_absent_and_not_mapped_is_none_or_refused():
    assert io.take(raw("a"), {}, "school_id") is None
    assert io.text_columns(raw("a"), {}, "school_id") == []
    with pytest.raises(ColumnError, match="no column school_id"):
        io.require(raw("a"), {}, "school_id")


def test_what_is_called_as_the_thing_itself_is_not_offered_for_its_id():
    with pytest.raises(ColumnError) as caught:
        io.require(raw("CDSCode", "School"), {}, "school_id")
    assert caught.value.problem == "The file has no column school_id."
    assert '"School"' not in caught.value.remedy


@pytest.mark.parametrize("function", [io.take, io.require, io.text_columns])
def test_a_mapped_column_that_is_absent_is_refused_with_the_nearest(function):
    with pytest.raises(ColumnError) as caught:
        function(raw("Case Number", "Date", "Block"), {"incident_id": "CaseNumbr"}, "incident_id")
    error = caught.value
    assert error.problem == "The file has no column CaseNumbr. Close to it: Case Number."
    assert error.found == "Case Number, Date, Block"
    assert error.where == "a.csv"
    assert "incident_id" in error.remedy


def test_many_columns_are_listed_in_part():
    with pytest.raises(ColumnError) as caught:
        io.require(raw(*(f"c{n}" for n in range(500))), {}, "school_id")
    assert caught.value.found.endswith("c29 and 470 more")


def test_several_columns_for_one_name_come_in_their_order():
    columns = io.text_columns(raw("b", "a", "c"), {"category": ("a", "b")}, "category")
    assert [c.name for c in columns] == ["a", "b"]
    assert columns[0].tolist() == ["a 1", "a 2"]
    assert [c.name for c in io.text_columns(raw("a"), {"category": "a"}, "category")] == ["a"]


@pytest.mark.parametrize(
    "name", ["\ufeffid", "i\u200bd", "\u00a0id\u00a0", '"id"', "\u201cid\u201d", " id\n", "\u2060id\u200e"]
)
def test_what_nobody_sees_in_a_name_is_taken_off(tmp_path, name):
    pd.DataFrame({name: ["a"], "x": ["b"]}).to_excel(tmp_path / "a.xlsx", index=False)
    pd.DataFrame({name: ["a"], "x": ["b"]}).to_csv(tmp_path / "a.csv", index=False)
    for suffix in ("xlsx", "csv"):
        assert list(io.read_table(tmp_path / f"a.{suffix}").frame.columns) == ["id", "x"]


@pytest.mark.parametrize(
    "word", ["NULL", "#N/A", "(null)", "N/A", "-", "None", "<Null>", "\\N", "#REF!", "n/a", "\u2013"]
)
def test_words_for_nothing_are_missing_in_columns_of_words(word):
    assert io.plain_text(pd.Series([f" {word} ", "x"])).isna().tolist() == [True, False]
    assert io.says_nothing(io.as_text(pd.Series([word]))).all()


@pytest.mark.parametrize("word", ["2025-03-04 00:00:00", "4-Mar", "12-DEC"])
def test_ids_of_which_a_spreadsheet_made_dates_are_named(word):
    ids = pd.Series(["3-41", "7-12", "MAR12", word])
    [finding] = io.check_digits(ids, table="schools", where="a.csv", column="school_id")
    assert finding.code == "ids_dates"
    assert finding.is_blocking
    assert f"“{word}”" in finding.message
    assert io.check_digits(pd.Series([word, word]), table="schools", where="a.csv", column="school_id") == []
