"""Quotation marks: two that have nothing to do with each other swallow no rows; cells over several lines stay whole."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safeschools_geo import io

HEADER = ["id", "at", "code", "remark"]
PLAIN = [[f"FV-{n:04}", f"2025-09-{n:02} 10:{n:02}", "weapons", f"note {n}"] for n in range(1, 21)]


def read(path, rows, *, delimiter=",", end="\n", last=True):
    lines = [delimiter.join(row) for row in [HEADER, *rows]]
    path.write_bytes((end.join(lines) + (end if last else "")).encode())
    return io.read_table(path)


def accounted(raw):
    """Numbers of the rows that are kept or rejected, in order."""
    return sorted([*raw.frame.index, *raw.rejects["row"]])


def edited(*changes):
    rows = [list(row) for row in PLAIN]
    for row, column, text in changes:
        rows[row - 1][column] = text
    return rows


@pytest.mark.parametrize("dialect", [(",", "\n"), (";", "\r\n"), ("\t", "\r"), ("|", "\n")])
@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ('"{}', '{}" x'),  # closed in the middle of a cell
        ('"{}', '{}"'),  # closed as a cell is: only the lines between tell
        ('"{}', "{}"),  # never closed
        ('"{}', '"{}'),
        ('"""{}', '{}"""'),
    ],
)
def test_a_mark_that_is_left_open_takes_no_rows(tmp_path, dialect, column, opening, closing):
    rows = edited(
        (5, column, opening.format(PLAIN[4][column])),
        (9, column, closing.format(PLAIN[8][column])),
    )
    raw = read(tmp_path / "a.csv", rows, delimiter=dialect[0], end=dialect[1])
    assert accounted(raw) == list(range(1, 21))
    assert raw.frame.loc[[4, 6, 7, 8, 10]].to_numpy().tolist() == [PLAIN[n - 1] for n in (4, 6, 7, 8, 10)]
    assert "row 5" in next(f for f in raw.findings if f.code == "open_quotation_mark").ids


def test_a_mark_at_the_end_of_the_file_takes_no_rows(tmp_path):
    for last in (True, False):
        raw = read(tmp_path / "a.csv", edited((20, 3, '"')), last=last)
        assert accounted(raw) == list(range(1, 21))
        assert raw.frame.loc[20, "remark"] == '"'


def test_a_row_that_does_not_fit_is_rejected_as_it_was(tmp_path):
    raw = read(tmp_path / "a.csv", edited((5, 2, '"open, and more'), (9, 2, 'closed"')))
    assert accounted(raw) == list(range(1, 21))
    assert raw.rejects["row"].tolist() == [5]
    line = 'FV-0005,2025-09-05 10:05,"open, and more,note 5'
    assert json.loads(raw.rejects.loc[0, "row_as_read"]) == {"text": line}


@pytest.mark.parametrize("remark", ['He said "no"', "5' 10\" tall", '12" pipe', 'a "b" c "d', '"" x'])
def test_a_mark_inside_a_cell_is_text(tmp_path, remark):
    raw = read(tmp_path / "a.csv", edited((5, 3, remark)))
    assert accounted(raw) == list(range(1, 21))
    assert raw.frame.loc[5, "remark"] == remark


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "cell",
    [
        "two\nlines",
        'he said ""no""\nand left, at last',
        "\n",
        "a, b, c\n\n2025, 1, 2",
        'ends with a mark ""\nand goes on',
        "1\n2\n3\n4\n5\n6",
    ],
)
def test_cells_over_several_lines_are_whole(tmp_path, cell, end):
    for column in (0, 2, 3):
        raw = read(tmp_path / "a.csv", edited((5, column, f'"{cell}"')), end=end)
        assert raw.frame.index.tolist() == list(range(1, 21))
        assert raw.frame.iloc[4, column] == cell.replace('""', '"')
        assert len(raw.rejects) == len(raw.findings) == 0


@pytest.mark.parametrize("cell", ["two\nlines", "10 calls,\nthen none", "at 10\nor, later"])
def test_cells_over_several_lines_are_whole_in_two_columns(tmp_path, cell):
    path = tmp_path / "a.csv"
    path.write_text(f'id,remark\n1,a\n2,"{cell}"\n3,c\n', encoding="utf-8")
    assert io.read_table(path).frame["remark"].tolist() == ["a", cell, "c"]


def test_a_mark_that_is_left_open_takes_no_rows_of_two_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,remark\n1,a\n2,"b\n3,c\n4,d"\n5,e\n', encoding="utf-8")
    assert io.read_table(path).frame["id"].tolist() == ["1", "2", "3", "4", "5"]


def test_an_ordinary_cell_after_a_mark_that_is_left_open_is_whole(tmp_path):
    raw = read(tmp_path / "a.csv", edited((3, 3, '"left open'), (7, 3, '"two\nlines, of text"'), (9, 3, '"a, b"')))
    assert accounted(raw) == list(range(1, 21))
    assert raw.frame.loc[7, "remark"] == "two\nlines, of text"
    assert raw.frame.loc[9, "remark"] == "a, b"


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    marks=st.lists(st.tuples(st.integers(0, 19), st.floats(0, 1)), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_every_row_is_accounted_for_wherever_marks_are(tmp_path, marks, delimiter):
    lines = [delimiter.join(row) for row in PLAIN]
    for row, place in marks:
        at = round(place * len(lines[row]))
        lines[row] = f'{lines[row][:at]}"{lines[row][at:]}'
    path = tmp_path / "a.csv"
    path.write_text("\n".join([delimiter.join(HEADER), *lines]) + "\n", encoding="utf-8")
    raw = io.read_table(path)
    assert raw.delimiter == delimiter
    assert accounted(raw) == list(range(1, 21))


def test_many_marks_take_no_longer_than_as_many_lines(tmp_path):
    # Each mark looks for its end through all that follows, unless what follows stops it.
    rows = [[str(n), "2025-09-01", "x", '"left open'] for n in range(20_000)]
    assert len(read(tmp_path / "a.csv", rows).frame) == 20_000
