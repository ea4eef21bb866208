"""Delimited text: what is written comes back, whatever the delimiter, the encoding and the quoting."""

import csv
import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safeschools_geo import io
from safeschools_geo.io import _tabular as delimited

# Accents whose bytes in Windows-1252 cannot be taken for UTF-8.
PLAIN = st.text(
    st.one_of(st.characters(codec="ascii", exclude_categories=["Cc"]), st.sampled_from("éñüàöç")), max_size=12
)
CELL = st.one_of(PLAIN, st.text('",;\t|\n ab', max_size=6), st.decimals(places=2).map(str), st.just("1,5"))


def read(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return io.read_table(path)


def rows_of(raw):
    return raw.frame.fillna("").to_numpy().tolist()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), CELL, CELL), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    dialect=st.tuples(st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
)
def test_what_is_written_is_read(tmp_path, rows, delimiter, encoding, dialect):
    line_end, quoting = dialect
    # Plain English around the cells, as there is in any export: an encoding is recognized by its bulk.
    rows = [*rows, ("end", "the last row of the table", "with words")]
    path = tmp_path / "a.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
        writer.writerow(["identifier", "first column", "second column"])
        writer.writerows(rows)
    raw = io.read_table(path)
    assert rows_of(raw) == [list(row) for row in rows]
    assert raw.delimiter == delimiter
    assert len(raw.rejects) == 0
    assert raw.frame.index.tolist() == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
def test_each_delimiter_is_found(tmp_path, delimiter):
    raw = read(tmp_path / "a.txt", f"id{delimiter}name\n1{delimiter}a\n")
    assert raw.delimiter == delimiter
    assert rows_of(raw) == [["1", "a"]]


def test_decimal_commas_do_not_make_the_comma_the_delimiter(tmp_path):
    raw = read(tmp_path / "a.csv", "id;x;y\n1;-121,5;38,6\n2;-121,4;38,5\n")
    assert raw.delimiter == ";"
    assert rows_of(raw) == [["1", "-121,5", "38,6"], ["2", "-121,4", "38,5"]]


def test_delimiters_inside_quotation_marks_do_not_count(tmp_path):
    raw = read(tmp_path / "a.csv", 'id,"a;b;c;d"\n1,"x;y;z;w"\n')
    assert raw.delimiter == ","
    assert list(raw.frame.columns) == ["id", "a;b;c;d"]


def test_a_first_line_of_excel_is_obeyed(tmp_path):
    raw = read(tmp_path / "a.csv", "sep=;\r\nid;a,b\r\n1;2,3\r\n")
    assert rows_of(raw) == [["1", "2,3"]]
    assert raw.frame.index.tolist() == [1]


def test_cells_stay_text_and_empty_ones_are_missing(tmp_path):
    raw = read(tmp_path / "a.csv", 'id,n,t,q\n007,1e5,True,""\n2E47,,NULL,"a ""b"""\n')
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert raw.frame["n"].tolist()[0] == "1e5"
    assert raw.frame["n"].isna().tolist() == [False, True]
    assert raw.frame["t"].tolist() == ["True", "NULL"]
    assert raw.frame["q"].isna().tolist() == [True, False]
    assert raw.frame.loc[2, "q"] == 'a "b"'
    assert {str(dtype) for dtype in raw.frame.dtypes} == {"str"}


def test_one_column_is_a_table(tmp_path):
    raw = read(tmp_path / "a.csv", "id\n1\n\n2\n")
    assert rows_of(raw) == [["1"], ["2"]]
    assert raw.frame.index.tolist() == [1, 3]


def test_blank_rows_are_not_rows_but_are_counted(tmp_path):
    raw = read(tmp_path / "a.csv", "\n\nid,name\n1,a\n\n,\n2,b\n   \n3,c\n,\n\n")
    assert raw.frame["id"].tolist() == ["1", "2", "3"]
    assert raw.frame.index.tolist() == [1, 4, 6]
    assert len(raw.rejects) == 0


def test_rows_that_do_not_fit_are_rejects_with_their_numbers(tmp_path):
    raw = read(tmp_path / "a.csv", 'id,name\n1,a\n2,b,c\n"3\nx",d\n4\n5,e\n"6, ""q""",f,g\n')
    assert raw.frame["id"].tolist() == ["1", "3\nx", "5"]
    assert raw.frame.index.tolist() == [1, 3, 5]
    assert raw.rejects["row"].tolist() == [2, 4, 6]
    assert raw.rejects["reason_code"].tolist() == ["wrong_number_of_fields"] * 3
    assert raw.rejects.loc[0, "reason"].startswith("The row has 3 fields and the header 2;")
    assert json.loads(raw.rejects.loc[2, "row_as_read"]) == {"text": '"6, ""q""",f,g'}
    assert len(raw.frame) + len(raw.rejects) == 6


def test_a_delimiter_at_the_end_of_rows_is_harmless(tmp_path):
    raw = read(tmp_path / "a.csv", "id,name\n1,a,\n2,b\n3,c, ,\n")
    assert rows_of(raw) == [["1", "a"], ["2", "b"], ["3", "c"]]
    assert raw.frame.index.tolist() == [1, 2, 3]
    assert len(raw.rejects) == 0


def test_a_delimiter_at_the_end_of_every_row_is_harmless(tmp_path):
    raw = read(tmp_path / "a.csv", "id,name\n1,a,\n2,,\n")
    assert rows_of(raw) == [["1", "a"], ["2", ""]]
    assert raw.frame.isna().to_numpy().tolist() == [[False, False], [False, True]]
    assert {str(dtype) for dtype in raw.frame.dtypes} == {"str"}


def test_new_lines_inside_quotation_marks_belong_to_the_cell(tmp_path):
    raw = read(tmp_path / "a.csv", 'id,"a\r\nb"\r\n1,"x\r\ny"\r\n2,"\n"\r\n')
    assert list(raw.frame.columns) == ["id", "a b"]
    assert rows_of(raw) == [["1", "x\r\ny"], ["2", "\n"]]


def test_rows_keep_their_numbers_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_SMALLEST_BLOCK", 64)
    monkeypatch.setattr(delimited, "_LARGEST_BLOCK", 64)
    lines = [f"{n},a" if n % 7 else f"{n},a,too much" for n in range(1, 101)]
    raw = read(tmp_path / "a.csv", "id,name\n" + "\n".join(lines))
    assert raw.frame.index.astype("str").tolist() == raw.frame["id"].tolist()
    assert raw.rejects["row"].tolist() == list(range(7, 101, 7))


def test_columns_of_one_name_are_distinguished(tmp_path):
    raw = read(tmp_path / "a.csv", "id,name,name, name ,,x,\n1,a,b,c,,d,e\n")
    assert list(raw.frame.columns) == ["id", "name", "name_3", "name_4", "x", "column_7"]
    assert [f.code for f in raw.findings] == ["repeated_columns"]
    assert raw.findings[0].ids == ("name",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_accents_survive_each_encoding(tmp_path, encoding):
    raw = read(tmp_path / "a.csv", "id,name\n1,Peña “East” Élémentaire\n", encoding)
    assert raw.frame.loc[1, "name"] == "Peña “East” Élémentaire"
    assert [f.code for f in raw.findings] == (["encoding_cp1252"] if encoding == "cp1252" else [])
    assert raw.encoding == encoding


def test_one_damaged_byte_does_not_spoil_the_rest(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,name\n1,Peña\n2,Núñez\n3,".encode() + b"\xf1\n")
    raw = io.read_table(path)
    assert raw.frame["name"].tolist() == ["Peña", "Núñez", "\ufffd"]
    assert [(f.code, f.severity) for f in raw.findings] == [("characters_lost", "warning")]


def test_old_mac_line_ends_are_read(tmp_path):
    assert rows_of(read(tmp_path / "a.csv", "id,name\r1,a\r2,b\r")) == [["1", "a"], ["2", "b"]]


def test_the_file_is_left_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    pd.DataFrame({"id": ["1"]}).to_csv(path, index=False)
    before = (path.read_bytes(), sorted(tmp_path.iterdir()))
    io.read_table(path)
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before
