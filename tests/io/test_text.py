"""Ids as text: what the file says, whatever type it was given."""

import datetime as dt
import unicodedata
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo import io


def texts(values, dtype=None):
    result = io.as_text(pd.Series(values, dtype=dtype))
    assert str(result.dtype) == "str"
    return [None if pd.isna(text) else text for text in result]


def test_ids_stay_as_they_are():
    ids = ["007", "2E47", "1.0", "0x1F", "NULL", "=1+1", "a  b"]
    assert texts(ids) == ids


def test_blanks_at_the_ends_go_and_what_is_empty_is_missing():
    blanks = ["\u00a0A1 ", "\ufeffA1", "A1\u200b\t", "", "  ", "\u00a0", None]
    assert texts(blanks) == ["A1", "A1", "A1", None, None, None, None]


def test_composed_and_decomposed_letters_are_the_same():
    assert texts([unicodedata.normalize("NFD", "Peña"), "Peña"]) == ["Peña", "Peña"]


def test_whole_numbers_have_no_decimals():
    assert texts([123.0, None, 0.5, -4.0, np.inf, -0.0]) == ["123", None, "0.5", "-4", None, "0"]
    assert texts([1e22, 2.0**63, 34674470000001.0]) == ["10000000000000000000000", str(2**63), "34674470000001"]
    assert texts([2**62 + 1, None], "Int64") == [str(2**62 + 1), None]
    assert texts([2**64 - 1], "uint64") == [str(2**64 - 1)]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_a_float_is_read_back_from_its_text(numbers):
    assert [float(text) for text in texts(numbers, "float64")] == numbers


@given(st.lists(st.integers(-(2**53), 2**53)))
def test_an_integer_kept_as_a_float_is_the_same_text(numbers):
    assert texts(numbers, "float64") == texts(numbers, "int64") == [str(n) for n in numbers]


def test_truth_values_and_moments():
    assert texts([True, False]) == ["true", "false"]
    assert texts([True, None], "boolean") == ["true", None]
    assert texts(pd.to_datetime(["2025-03-14 13:45", None])) == ["2025-03-14 13:45:00", None]


def test_a_mixture_is_reported_cell_by_cell():
    cells = [
        7.0,
        "007",
        7,
        True,
        Decimal("8.00"),
        Decimal("8.50"),
        dt.date(2025, 3, 14),
        b"caf\xc3\xa9",
        np.nan,
        None,
        " x ",
    ]
    assert texts(cells, "object") == ["7", "007", "7", "true", "8", "8.5", "2025-03-14", "café", None, None, "x"]


def test_index_and_name_stay_and_the_input_too():
    column = pd.Series([1.0, 2.0], index=[5, 9], name="id")
    result = io.as_text(column)
    assert result.index.tolist() == [5, 9]
    assert result.name == "id"
    assert column.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", ["str", "float64", "Int64", "object", "boolean", "datetime64[us]"])
def test_an_empty_column_is_an_empty_column(dtype):
    assert texts([], dtype) == []
    assert texts([None], dtype) == [None]


def test_categories_are_their_values():
    assert texts(["a", "b", None], "category") == ["a", "b", None]


@pytest.mark.parametrize("seed", range(4))
def test_long_tables_are_written_as_pandas_writes_them(tmp_path, seed):
    rng = np.random.default_rng(seed)
    n = 12_000
    numbers = 10.0 ** rng.uniform(-3, 9.9, n) * rng.choice([-1, 1], n)
    numbers[rng.integers(n, size=90)] = rng.choice([0.0, -0.0, np.nan, 1e-5, 1e16, 12345678901234.5, np.inf, 1e22], 90)
    words = rng.choice(["a", "", "Zoë", " b ", "'", "7;8", "-1.5", "#", "NA"], n)
    frame = pd.DataFrame(
        {
            "id": pd.array(words, dtype="str"),
            "status, or so": pd.array(np.where(rng.random(n) < 0.1, None, words), dtype="str"),
            "distance_m": numbers,
            "count": rng.integers(-5, 10**12, n),
        },
        index=rng.permutation(n),
    )
    for name, table in {
        "plain": frame,
        "one": frame[["id"]],
        "quoted": frame.assign(more=pd.array(["a,b", 'c"d', "e\nf"] * (n // 3), dtype="str")),
        "formula": frame.assign(more=pd.array(["=1+1", "-1", "+x"] * (n // 3), dtype="str")),
        "other": frame.assign(more=rng.random(n) < 0.5, odd=10.0 ** rng.uniform(-30, 30, n)),
    }.items():
        io.write_csv(tmp_path / f"{name}.csv", table)
        safe = pd.DataFrame({column: io.safe_cells(table[column]) for column in table}, index=table.index)
        expected = safe.to_csv(index=False, lineterminator="\n").encode()
        assert (tmp_path / f"{name}.csv").read_bytes() == expected, name


def test_what_keeps_a_spreadsheet_from_changing_an_id_is_no_part_of_it():
    given = ['="0101"', "'0101", '=" 7 "', "'Oumou'", '="a"&"b"', "=1+1", "'", '=""', None]
    texts = io.as_text(pd.Series(given, dtype="str"))
    assert texts.fillna("").tolist() == ["0101", "0101", "7", "'Oumou'", '="a"&"b"', "=1+1", "'", "", ""]


def test_an_apostrophe_before_a_number_is_its_own_where_numbers_go_without():
    assert io.as_text(pd.Series(["'7", "001"], dtype="str")).tolist() == ["'7", "001"]


def test_guarded_ids_are_read_from_delimited_text(tmp_path):
    (tmp_path / "a.csv").write_text('="id",n\n="0101",1\n"=""0102""",2\n', encoding="utf-8")
    raw = io.read_table(tmp_path / "a.csv")
    assert list(raw.frame.columns) == ["id", "n"]
    assert io.as_text(raw.frame["id"]).tolist() == ["0101", "0102"]


@given(cells=st.lists(st.text(st.sampled_from("=+-@\t\rab1'"), max_size=4).filter(lambda text: text[:1] != "'")))
def test_what_guards_were_put_before_text_is_taken_away_again(cells):
    column = pd.Series(cells, dtype="str")
    pd.testing.assert_series_equal(io.without_guards(io.safe_cells(column)), column)
