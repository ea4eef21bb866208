import pandas as pd

from safeschools_geo.district._district import check_rejects
from safeschools_geo.findings import empty_rejects, join_rejects, rejects_frame

ROWS = pd.DataFrame({"id": ["a", None, "c"], "t": ["soon", "later", "never"]}, index=[4, 7, 9])


def rejected(rows, code, reason="The time cannot be read.", file="history.csv"):
    return rejects_frame(rows, source_file=file, id_column="id", code=code, reason=reason)


def test_rows_are_reported_by_file_and_reason():
    rejects = join_rejects(
        [rejected(ROWS.iloc[:2], "unreadable_time"), rejected(ROWS.iloc[2:], "unreadable_time", file="b.csv")]
    )
    first, second = check_rejects(rejects)
    assert (first.severity, first.code, first.table) == ("warning", "unreadable_time", "rejects")
    assert (first.ids, second.ids) == (("c",), ("a", "row 7"))
    assert second.message == "2 rows of history.csv not kept. The time cannot be read."


def test_rows_that_the_settings_leave_out_are_a_note():
    (finding,) = check_rejects(rejected(ROWS, "excluded_by_StatusType"))
    assert finding.severity == "note"


def test_reasons_that_differ_are_reported_by_example():
    rejects = join_rejects(
        [rejected(ROWS.iloc[:1], "twice", "As row 1."), rejected(ROWS.iloc[1:], "twice", "As row 2.")]
    )
    (finding,) = check_rejects(rejects)
    assert finding.message == "3 rows of history.csv not kept, for example: As row 1."


def test_what_reading_has_reported_is_not_repeated():
    assert not list(check_rejects(rejected(ROWS, "exact_duplicate"), reported={"exact_duplicate"}))
    assert not list(check_rejects(empty_rejects()))
