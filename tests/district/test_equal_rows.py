"""Rows of exports without ids are one call where all their cells are equal; each is rejected as it was read."""

import numpy as np
import pandas as pd

from safeschools_geo.district._history import _cells, _equal_cells, _rejects_of, _Table


def handles(*tables):
    rows = [{"as_read": np.full(len(t), _Table(t), dtype=object), "row": t.index} for t in tables]
    return pd.concat([pd.DataFrame(one) for one in rows], ignore_index=True)


ONE = pd.DataFrame({"when": ["a", "b", "a", None], "what": [1, 1, 1, 2]}, index=[2, 3, 4, 5])
SAME_IN_OTHER_ORDER = pd.DataFrame({"what": [1, 2], "when": ["a", None]}, index=[2, 3])
MORE = pd.DataFrame({"when": ["a"], "what": [1], "who": [None]}, index=[2])


def test_equal_cells_in_equal_columns_have_one_key_in_whatever_order():
    keys = _equal_cells(handles(ONE, SAME_IN_OTHER_ORDER, MORE)).tolist()
    first, second, _, fourth = keys[:4]
    assert keys == [first, second, first, fourth, first, fourth, keys[-1]]
    assert len({first, second, fourth, keys[-1]}) == 4
    assert min(keys) == 0


def test_lists_and_numbers_as_text_are_cells_like_others():
    rows = handles(pd.DataFrame({"tags": [["x"], ["x"], ["y"], "['x']"], "n": pd.Series([1, "1", 1, 1], dtype=object)}))
    assert len(set(_equal_cells(rows))) == 4
    one, other = _equal_cells(handles(pd.DataFrame({"tags": [["x"], ["x"]]})))
    assert one == other


def test_cells_come_back_in_the_order_of_the_rows_whatever_file_they_are_of():
    rows = handles(ONE, SAME_IN_OTHER_ORDER).iloc[[5, 0, 4, 3]]
    found = _cells(rows)
    assert found.index.tolist() == [5, 0, 4, 3]
    assert found["what"].tolist() == [2, 1, 1, 2]
    assert found["when"].isna().tolist() == [True, False, False, True]


def test_a_row_is_rejected_as_it_was_read():
    rows = handles(ONE).iloc[[2]].assign(incident_id="x", source_file="a.csv")
    rejects = _rejects_of(rows, code="exact_duplicate", reasons=["Twice."])
    assert rejects[["source_file", "row", "id"]].to_numpy().tolist() == [["a.csv", 4, "x"]]
    assert rejects["row_as_read"].tolist() == ['{"when": "a", "what": 1}']
