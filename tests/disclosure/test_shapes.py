"""Tables in every shape that people have, policies in every form, and what a protected table answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._policy import Grouping, Policy, load_policy, policy_names
from safeschools_geo.disclosure._protect import protect
from safeschools_geo.disclosure._tables import CountTable, count_table
from safeschools_geo.errors import ColumnError, DisclosureError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CROSS = pd.DataFrame(
    [[5, 40, 32], [50, 60, 70]],
    index=pd.Index(["A", "B"], name="zone"),
    columns=pd.Index(["x", "y", "z"], name="level"),
)


def counts_of(raw: CountTable) -> dict[tuple[str, ...], int]:
    return {tuple(row[:-1]): row[-1] for row in raw.counts.itertuples(index=False, name=None)}


LONG = CROSS.reset_index().melt(id_vars="zone", var_name="level", value_name="count")
CROSSED = {("A", "x"): 5, ("A", "y"): 40, ("A", "z"): 32, ("B", "x"): 50, ("B", "y"): 60, ("B", "z"): 70}


# Shapes.


def test_a_cross_table_becomes_counts_with_all_totals() -> None:
    raw = count_table(CROSS)
    assert raw.dims == ["zone", "level"]
    assert counts_of(raw) == CROSSED
    assert raw.groupings == tuple(map(Grouping, [("zone", "level"), ("zone",), ("level",), ()]))
    assert raw.counts.dtypes.astype("str").to_dict() == {"zone": "str", "level": "str", "count": "int64"}


def test_a_cross_table_may_have_its_totals() -> None:
    frame = CROSS.assign(Total=CROSS.sum(axis=1))
    frame.loc["Total"] = frame.sum()
    for told in (frame, frame.drop(index="Total"), frame.drop(columns="Total"), frame.rename(columns={"Total": "all"})):
        assert counts_of(count_table(told)) == CROSSED


def test_a_cross_table_of_pandas_is_one() -> None:
    rows = pd.DataFrame({"zone": ["A", "A", "B", "B", "B"], "level": ["x", "y", "x", "x", "y"]})
    table = pd.crosstab(rows["zone"], rows["level"], margins=True, margins_name="Total")
    raw = count_table(table)
    assert raw.dims == ["zone", "level"]
    assert counts_of(raw) == {("A", "x"): 1, ("A", "y"): 1, ("B", "x"): 2, ("B", "y"): 1}


def test_rows_and_columns_without_a_name_are_called_so() -> None:
    assert count_table(CROSS.rename_axis(index=None, columns=None)).dims == ["row", "column"]
    assert count_table(CROSS.rename_axis(index="zone", columns="zone")).dims == ["zone", "zone_2"]


def test_totals_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ColumnError, match="not those of its rows"):
        count_table(CROSS.assign(Total=[77, 181]))
    frame = CROSS.copy()
    frame.loc["Total"] = [55, 100, 103]
    with pytest.raises(ColumnError, match="not those of its rows"):
        count_table(frame)


def test_a_group_of_a_cross_table_that_is_called_total_has_to_be_one() -> None:
    # A zone may not go by the name of a total: it would be left out, and nobody would notice.
    with pytest.raises(ColumnError, match="not those of its rows"):
        count_table(CROSS.rename(index={"B": "Total"}))


def test_a_long_table_and_a_series_say_the_same() -> None:
    series = LONG.set_index(["zone", "level"])["count"]
    for table in (LONG, series, series.rename("incidents"), LONG.rename(columns={"count": "incidents"})):
        assert counts_of(count_table(table)) == CROSSED
        assert count_table(table).dims == ["zone", "level"]


def test_a_series_without_names_has_numbered_groups() -> None:
    assert count_table(pd.Series([5, 20], index=["a", "b"])).dims == ["group_0"]
    both = pd.Series([5, 20], index=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")], names=[None, "level"]))
    assert count_table(both).dims == ["group_0", "level"]


def test_years_are_names_where_the_counts_are_called_counts() -> None:
    frame = pd.DataFrame({"zone": ["A", "A"], "year": [2024, 2025], "count": [40, 50]})
    assert counts_of(count_table(frame)) == {("A", "2024"): 40, ("A", "2025"): 50}
    with pytest.raises(ColumnError, match="which column holds the counts"):
        count_table(frame.rename(columns={"count": "how many"}))


def test_equal_rows_are_added_up() -> None:
    frame = pd.DataFrame({"zone": ["A", "B", "A"], "count": [4, 30, 8]})
    assert counts_of(count_table(frame)) == {("A",): 12, ("B",): 30}


def test_students_of_a_long_table_are_of_its_groups() -> None:
    frame = pd.DataFrame({"zone": ["A", "B"], "level": "x", "count": [30, 40], "students": [9, 500]})
    raw = count_table(frame)
    assert raw.dims == ["zone", "level"]
    assert protect(raw).value(zone="A", level="x") is None


def test_students_may_be_given_by_one_dimension_of_one() -> None:
    # A has 8 students, so its 15 is not reported, though it is no small count; B goes with it, since 115 − 40 − 60 =
    # 15.
    safe = protect(pd.DataFrame({"zone": list("ABC"), "count": [15, 40, 60], "students": [8, 300, 200]}))
    assert [safe.value(zone=z) for z in "ABC"] == [None, None, 60]
    assert safe.value() == 115


def sizes_of(raw: CountTable, *groupings: tuple[str, ...]) -> list[float]:
    return raw.students_of(raw.publishing(groupings).cells()).tolist()


def test_students_are_added_up_over_groups_of_people() -> None:
    counts = pd.DataFrame({"zone": list("AAB"), "level": list("xyx"), "term": "F", "count": 40})
    students = pd.DataFrame({"zone": list("AAB"), "level": list("xyx"), "students": [5, 9, 300], "of": "enrollment"})
    raw = CountTable(counts, (), students=students)
    assert sizes_of(raw, ("zone", "level")) == [5, 9, 300]
    # A: 5 + 9; B: 300. Level x: 5 + 300; y: 9.
    assert sizes_of(raw, ("zone",), ("level",), ()) == [14, 300, 305, 9, 314]
    by_zone = CountTable(
        counts, (), students=pd.DataFrame({"zone": ["B", "A"], "students": pd.array([300, 14], "Int64")})
    )
    assert sizes_of(by_zone, ("zone", "level")) == [14, 14, 300]
    assert sizes_of(by_zone, ("level",)) == [314, 14]
    unknown = CountTable(counts, (), students=pd.DataFrame({"zone": ["A", "C"], "students": [14, 7]}))
    # Nobody knows how many B has, and so how many there are in all; C has no counts.
    np.testing.assert_equal(sizes_of(unknown, ("zone",), ()), [14, np.nan, np.nan])
    said = CountTable(counts, (), students=pd.DataFrame({"zone": ["A", "B"], "students": [14, pd.NA]}, dtype="object"))
    np.testing.assert_equal(sizes_of(said, ("zone",), ()), [14, np.nan, np.nan])


def terms_of(*students: float | None) -> pd.DataFrame:
    frame = pd.DataFrame({"zone": ["A", "A", "B", "B"], "term": ["F", "S"] * 2, "count": [20, 20, 30, 40]})
    return frame.assign(students=pd.array(students, dtype="Int64"))


@pytest.mark.parametrize("order", [["zone", "term"], ["term", "zone"]])
def test_the_students_of_two_terms_are_the_same_people(order: list[str]) -> None:
    frame = terms_of(8, 8, 90, 90)[[*order, "count", "students"]]
    raw = count_table(frame)
    assert raw.people == ("zone",)
    # A has 8 students in either term, and in both: its 20 + 20 = 40 is not reported. Both zones have 98.
    assert sizes_of(raw, ("zone",), ("term",), ()) == [8, 90, 98, 98, 98]
    assert protect(frame).value(zone="A") is None


def test_students_that_come_and_go_are_as_few_as_there_ever_were() -> None:
    # 8 and 9 in A over two terms are not 17 people.
    raw = count_table(terms_of(8, 9, 95, 90))
    assert sizes_of(raw, ("zone",), ("zone", "term"), ()) == [8, 90, 8, 8, 90, 90, 98]
    assert sizes_of(count_table(terms_of(0, 8, 90, 90)), ("zone",)) == [8, 90]


def test_students_that_are_all_alike_may_be_the_same_people() -> None:
    # 8 everywhere: there may be 8 students in all, whichever dimension tells people apart.
    raw = count_table(terms_of(8, 8, 8, 8).rename(columns={"term": "sort"}))
    assert raw.people == ()
    assert set(sizes_of(raw, ("zone", "sort"), ("zone",), ("sort",), ())) == {8}
    assert protect(raw).is_withheld.all()
    assert raw.publishing([("zone",)]).people == ()


def test_people_are_counted_as_rarely_as_their_numbers_allow() -> None:
    # 8 in F and S, 9 in T are settled by the sort as well as by the zone; by sort A would have 8 + 8 people.
    frame = pd.DataFrame({"sort": list("FST"), "zone": list("AAB"), "count": 40, "students": [8, 8, 9]})
    assert count_table(frame).people == ("zone",)
    assert sizes_of(count_table(frame), ("zone",)) == [8, 9]


def test_students_that_are_not_known_are_not_taken_from_others() -> None:
    np.testing.assert_equal(sizes_of(count_table(terms_of(8, 8, None, None)), ("zone",), ()), [8, np.nan, np.nan])
    assert sizes_of(count_table(terms_of(8, None, 90, 90)), ("zone",), ("zone", "term")) == [8, 90, 8, 8, 90, 90]
    # Terms tell no people apart.
    assert sizes_of(count_table(terms_of(8, None, 90, 90).drop(columns="zone").head(2)), ("term",)) == [8, 8]


def test_one_group_has_one_number_of_students() -> None:
    frame = pd.DataFrame({"zone": list("ABA"), "count": [20, 40, 30], "students": [8, 50, 9]})
    with pytest.raises(ColumnError, match="Equal rows have different numbers of students") as error:
        count_table(frame)
    assert error.value.ids == ("0", "2")
    # The same number twice is the same students twice.
    assert sizes_of(count_table(frame.assign(students=[8, 50, 8])), ("zone",)) == [8, 50]


@pytest.mark.parametrize(
    "students",
    [
        pd.DataFrame({"students": [5]}),
        pd.DataFrame({"school": ["s1"], "students": [5]}),
        pd.DataFrame({"zone": ["A", "B"], "enrolled": [5, 6]}),
    ],
)
def test_students_are_of_groups_of_the_counts(students: pd.DataFrame) -> None:
    counts = pd.DataFrame({"zone": ["A", "B"], "count": [20, 30]})
    with pytest.raises(ColumnError, match="not those of groups of the counts"):
        CountTable(counts, (Grouping(("zone",)),), students=students)
    with pytest.raises(ColumnError, match="not those of groups of the counts"):
        CountTable(counts, (), students=pd.DataFrame({"zone": ["A"], "students": [5]}), people=("level",))


@pytest.mark.parametrize("wrong", [-1, np.inf, "many"])
def test_numbers_of_students_are_checked(wrong: object) -> None:
    frame = pd.DataFrame({"zone": ["A", "B"], "count": [20, 30], "students": [50, wrong]})
    for act in (
        lambda: count_table(frame),
        lambda: CountTable(frame[["zone", "count"]], (), students=frame[["zone", "students"]]),
    ):
        with pytest.raises(ColumnError, match="numbers of students cannot be right") as error:
            act()
        assert (error.value.ids, error.value.found) == (("1",), str(wrong))


def test_an_empty_table_with_students_has_no_figures() -> None:
    frame = pd.DataFrame({"zone": pd.Series(dtype="str"), "count": pd.Series(dtype="int64")})
    assert len(protect(frame.assign(students=pd.Series(dtype="int64"))).to_frame()) == 0


def test_what_was_given_is_not_changed() -> None:
    for frame in (CROSS, LONG):
        before = frame.copy(deep=True)
        protect(frame)
        assert_frame_equal(frame, before)


@pytest.mark.parametrize("count", [-1, 2.5, np.nan, np.inf, -np.inf, 1e300, 2.0**53])
def test_what_cannot_be_a_count_is_refused(count: float) -> None:
    with pytest.raises(ColumnError, match="cannot be counts"):
        count_table(pd.DataFrame({"zone": ["A", "B"], "count": [count, 5.0]}))
    with pytest.raises(ColumnError, match="cannot be counts"):
        count_table(pd.DataFrame([[count, 5.0], [6.0, 7.0]], index=["A", "B"], columns=["x", "y"]))


def test_whole_numbers_may_be_written_with_a_point_or_be_missing_type() -> None:
    assert counts_of(count_table(pd.DataFrame({"zone": ["A"], "count": [5.0]}))) == {("A",): 5}
    assert counts_of(count_table(pd.DataFrame({"zone": ["A"], "count": pd.array([5], dtype="Int64")}))) == {("A",): 5}
    with pytest.raises(ColumnError, match="cannot be counts"):
        count_table(pd.DataFrame({"zone": ["A"], "count": pd.array([None], dtype="Int64")}))


def test_counts_are_added_up_exactly_or_not_at_all() -> None:
    # From 2**53 on a float is no longer every whole number, and a total could be off by one.
    assert protect(pd.Series([2**53 - 1 - 60, 60], index=["a", "b"])).value() == 2**53 - 1
    with pytest.raises(ColumnError, match="too large to add up"):
        count_table(pd.Series([2**53 - 60, 60], index=["a", "b"]))
    with pytest.raises(ColumnError, match="cannot be counts"):
        count_table(pd.Series([2**53 + 1, 60], index=["a", "b"]))


NAMELESS = pd.DataFrame({"zone": ["A", "B", None], "level": ["x", "x", "x"], "count": [40, 50, 60]})


@pytest.mark.parametrize(
    ("table", "where", "ids"),
    [
        (NAMELESS, "the counts: zone", ("2",)),
        (NAMELESS.set_axis(["r1", "r2", "r3"]), "the counts: zone", ("r3",)),
        (NAMELESS.astype({"zone": "category"}), "the counts: zone", ("2",)),
        (NAMELESS.assign(zone=[np.nan, 2024.0, np.nan]), "the counts: zone", ("0", "2")),
        (NAMELESS.assign(students=500), "the counts: zone", ("2",)),
        (NAMELESS.set_index("zone")["count"], "the counts: zone", ("2",)),
        (NAMELESS.set_index(["zone", "level"])["count"], "the counts: zone", ("2",)),
        (CROSS.rename(index={"B": np.nan}), "rows: zone", ("1",)),
        (CROSS.rename(columns={"x": None}), "columns: level", ("0",)),
    ],
)
def test_rows_without_a_name_are_reported_and_never_dropped(table: Any, where: str, ids: tuple[str, ...]) -> None:
    # Dropped, the 60 would be missing from the total of 150, and nobody would know.
    with pytest.raises(ColumnError, match="Some groups have no name") as error:
        protect(table)
    assert (error.value.where, error.value.ids) == (where, ids)


def test_rows_without_a_name_are_reported_of_a_raw_table() -> None:
    with pytest.raises(ColumnError, match="Some groups have no name"):
        CountTable(NAMELESS, ())
    named = NAMELESS.fillna("C")
    with pytest.raises(ColumnError, match="Some groups have no name"):
        CountTable(named, (), students=NAMELESS.assign(students=50)[["zone", "students"]])


NUMBERS = pd.DataFrame([[50, 60], [70, 80]], index=["a", "b"], columns=["x", "y"])


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (NUMBERS.rename_axis(index="count"), "cannot have this name"),
        (NUMBERS.rename_axis(columns="cell"), "cannot have this name"),
        (pd.Series([40, 50], index=pd.Index(["a", "b"], name="count")), "cannot have this name"),
        (pd.DataFrame({"count": ["a", "b"], "n": [40, 50]}), "cannot have this name"),
        (LONG.rename(columns={"zone": "is_withheld"}), "cannot have this name"),
        (LONG.set_index(["zone", "level"]).rename_axis(["zone", "zone"])["count"], "cannot have this name"),
        (LONG.rename(columns={"zone": "level"}), "Some columns have the same name"),
        (NUMBERS.set_index(pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])), "rows of the table have names of sev"),
        (
            NUMBERS.set_axis(pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]), axis=1),
            "columns of the table have nam",
        ),
        (pd.DataFrame({"year": [2024, 2025], "count": [40, 50]}), "long table or a cross table"),
        (pd.DataFrame({"year": [2024, 2025], "calls": [40, 50]}), "long table or a cross table"),
        (pd.DataFrame({"year": [2024, 2025], "calls": [40, 50]}, index=[3, 7]), "long table or a cross table"),
        (NUMBERS.set_axis(["count", "students"], axis=1), "long table or a cross table"),
        (pd.DataFrame({"zone": [], "count": []}), "long table or a cross table"),
    ],
)
def test_tables_that_could_be_misread_are_refused(table: Any, problem: str) -> None:
    with pytest.raises(ColumnError, match=problem) as error:
        protect(table)
    assert error.value.found
    assert error.value.expected
    assert error.value.remedy


def test_one_column_of_counts_goes_by_its_index() -> None:
    counts = pd.DataFrame({"count": [50, 70]}, index=pd.Index(["a", "b"], name="zone"))
    assert counts_of(count_table(counts)) == {("a",): 50, ("b",): 70}
    # A cross table of one column, with its total.
    cross = pd.DataFrame({"x": [50, 70, 120]}, index=["a", "b", "Total"])
    assert counts_of(count_table(cross)) == {("a", "x"): 50, ("b", "x"): 70}
    assert protect(pd.DataFrame({"count": [50, 70]})).value() == 120


def test_equal_names_in_a_cross_table_are_added_up() -> None:
    # As equal rows of a long table are: a x = 50 + 60 + 70 + 80.
    twice = NUMBERS.set_axis(["a", "a"]).set_axis(["x", "x"], axis=1)
    assert counts_of(count_table(twice)) == {("a", "x"): 260}
    by_row = NUMBERS.rename(index={"b": "a"})
    assert counts_of(count_table(by_row)) == {("a", "x"): 120, ("a", "y"): 140}
    by_row.loc["Total"] = [120, 140]
    assert counts_of(count_table(by_row)) == {("a", "x"): 120, ("a", "y"): 140}


@pytest.mark.parametrize("corner", [259, 999, np.nan])
def test_a_wrong_corner_is_refused(corner: float) -> None:
    # Rows 110 and 150, columns 120 and 140: the corner is 260.
    frame = NUMBERS.assign(Total=[110, 150]).astype("float64")
    frame.loc["Total"] = [120, 140, corner]
    with pytest.raises(ColumnError, match="not those of its rows") as error:
        count_table(frame)
    assert (error.value.ids, error.value.expected) == (("Total, Total",), "260, what the others add up to")
    frame.loc["Total", "Total"] = 260
    assert counts_of(count_table(frame))["b", "y"] == 80


@pytest.mark.parametrize("table", [None, 5, [1, 2], {"a": 5}, "table", np.ones((2, 2))])
def test_what_is_no_table_is_refused(table: Any) -> None:
    with pytest.raises(ColumnError, match="no table of counts"):
        count_table(table)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"zone": ["A"]}), pd.DataFrame({"n": ["5"], "z": "a"})])
def test_a_table_without_counts_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(ColumnError, match="which column holds the counts"):
        count_table(frame)
    with pytest.raises(ColumnError, match="has no counts"):
        CountTable(frame, ())


def test_empty_text_is_no_name_of_a_group() -> None:
    with pytest.raises(ColumnError, match="stands for all"):
        count_table(pd.DataFrame({"zone": ["A", ""], "count": [5, 6]}))


def test_tables_are_grouped_by_what_is_there() -> None:
    with pytest.raises(ColumnError, match="what the counts do not have"):
        protect(count_table(CROSS).publishing(["school"]))


def test_what_stays_withheld_is_no_other_figure() -> None:
    # A figure of a school that this release does not tell apart is not the total.
    frame = pd.DataFrame({"zone": ["A", "B"], "count": [20, 30]})
    assert protect(frame, withheld=[{"school": "s1"}, {"zone": "A", "school": "s1"}]).withheld_share == 0
    assert protect(frame, withheld=[{}]).value() is None


def test_a_table_of_no_rows_has_no_figures() -> None:
    frame = pd.DataFrame({"zone": pd.Series([], dtype="str"), "count": pd.Series([], dtype="int64")})
    safe = protect(frame)
    assert len(safe.to_frame()) == 0
    assert safe.withheld_share == 0


@pytest.mark.parametrize(("count", "told"), [(0, 0), (1, None), (10, None), (11, 11), (10**6, 10**6)])
def test_a_table_of_one_cell(count: int, told: int | None) -> None:
    safe = protect(pd.DataFrame({"zone": ["A"], "count": [count]}))
    # The zone and the total are the same count, so one figure.
    assert safe.to_frame()["cell"].to_list() == [0, 0]
    assert safe.value(zone="A") == safe.value() == told
    assert audit(safe).is_safe


def test_a_table_of_zeros_is_published() -> None:
    safe = protect(pd.DataFrame(0, index=["a", "b"], columns=["x", "y"]))
    assert not safe.is_withheld.any()
    assert (safe.to_frame()["count"] == 0).all()
    assert audit(safe).is_safe


def test_names_that_are_no_text_become_text() -> None:
    frame = pd.DataFrame([[40, 50], [60, 70]], index=pd.Index([1, 2], name="zone"), columns=[2024, 2025])
    safe = protect(frame)
    assert safe.value(zone="1", column="2025") == 50
    dates = pd.Series([40, 50], index=pd.Index(pd.to_datetime(["2025-01-01", "2025-07-01"]), name="day"))
    assert protect(dates).value(day="2025-07-01") == 50


@pytest.mark.parametrize(
    "name",
    ["x" * 10_000, "مدرسة الشمال", "\u202eevil", "<b>A</b>", "=1+1", "A × B", "a\nb", "\u2028", "None", "Total", "nan"],
)
def test_any_text_is_a_name(name: str) -> None:
    safe = protect(pd.DataFrame({"zone": [name, "B", "C"], "count": [5, 20, 30]}))
    assert safe.value(zone=name) is None
    assert safe.value(zone="C") == 30
    assert audit(safe).intervals["zone"].to_list() == sorted([name, "B"])


def test_a_group_of_a_long_table_may_be_called_total() -> None:
    safe = protect(pd.DataFrame({"zone": ["Total", "B"], "count": [20, 30]}))
    assert (safe.value(zone="Total"), safe.value()) == (20, 50)


def test_combinations_that_are_left_out_are_known_to_be_impossible() -> None:
    # Level x is in zone A alone: A x is level x, and A y = A − x = 45 − 40 = 5 unless more is withheld.
    frame = pd.DataFrame({"zone": ["A", "A", "B"], "level": ["x", "y", "y"], "count": [40, 5, 60]})
    safe = protect(frame)
    assert len(safe.table("zone", "level")) == 3
    assert audit(safe).is_safe
    assert safe.value(zone="A", level="y") is None


# Policies.


def test_the_policies_of_the_product() -> None:
    assert policy_names() == ["cautious", "default"]
    default, cautious = load_policy(), load_policy("cautious")
    assert (default.smallest_count, default.smallest_group, default.largest_small) == (11, 11, 10)
    assert (cautious.smallest_count, cautious.name) == (21, "cautious")
    assert "34 CFR" in default.source
    assert load_policy(default) is default
    assert Policy(**default.to_dict()) == default


def test_a_policy_may_be_a_file_or_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text('smallest_count = 6\nsource = "Our rule."\n', encoding="utf-8")
    for policy in (load_policy(tmp_path / "ours.toml"), load_policy("ours.toml", folder=tmp_path)):
        assert (policy.name, policy.smallest_count, policy.smallest_group) == ("ours", 6, 11)
    assert load_policy({"smallest_count": 6}).smallest_count == 6
    assert protect(CROSS, {"smallest_count": 5}).withheld_share == 0
    assert load_policy({"most_withheld_share": 1}).most_withheld_share == 1


@pytest.mark.parametrize(
    "values",
    [
        {"smallest": 5},
        {"smallest_count": "11"},
        {"smallest_count": 11.0},
        {"smallest_count": True},
        {"name": 5},
        {"minimize": 3},
        {"most_withheld_share": "0.2"},
    ],
)
def test_keys_and_kinds_of_a_policy_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        load_policy(values)


@pytest.mark.parametrize(
    "values",
    [
        {"smallest_count": 1},
        {"smallest_count": 2},
        {"smallest_count": -5},
        {"smallest_group": 0},
        {"smallest_group": 2},
        {"most_withheld_share": 0},
        {"most_withheld_share": 1.5},
        {"most_withheld_share": float("nan")},
        {"minimize": "figures"},
    ],
)
def test_values_of_a_policy_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        load_policy(values)


def test_a_policy_has_more_than_one_small_count() -> None:
    # Were 1 the only small count, a zone of 1 beside 30 and 40 could be nothing else, whatever is withheld with it; and
    # so with a group of 1, the numbers of students being published by the same rule.
    for name in ("smallest_count", "smallest_group"):
        with pytest.raises(SettingsError, match=f"`{name}` must be 3 or more"):
            load_policy({name: 2})
    assert (
        protect(pd.DataFrame({"zone": list("abc"), "count": [1, 30, 40]}), {"smallest_count": 3}).is_withheld.sum() == 2
    )


def test_a_policy_that_is_not_there_is_reported_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cautious, default, or a TOML file"):
        load_policy("strict")
    (tmp_path / "bad.toml").write_text("smallest_count = = 5", encoding="utf-8")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "bad.toml", tmp_path / "bytes.toml"):
        with pytest.raises(SettingsError, match="no such disclosure policy"):
            load_policy(path)


@pytest.mark.parametrize(("aim", "withheld"), [("cells", "Ax Ay Bx By"), ("counts", "Ax Ay By Bz Cx Cz")])
def test_a_policy_may_keep_the_counts_withheld_few_rather_than_the_cells(aim: str, withheld: str) -> None:
    # Four cells hide A x, but every rectangle has 800 or 900 in it; the ring of six has 5 × 11 besides.
    frame = pd.DataFrame([[5, 11, 900], [800, 11, 11], [11, 900, 11]], index=list("ABC"), columns=list("xyz"))
    told = protect(frame, {"minimize": aim}).to_frame()
    found = told[told["is_withheld"]]
    assert " ".join(found[found.columns[0]] + found[found.columns[1]]) == withheld


# What a protected table answers.


def test_a_table_of_it() -> None:
    found = protect(CROSS).table("level", "zone")
    assert found.columns.to_list() == ["level", "zone", "cell", "count", "is_withheld"]
    assert found.dtypes.astype("str").to_list() == ["str", "str", "int64", "Int64", "bool"]
    # A x is small; the rectangle A, B by x, y is withheld.
    shown = {(row["zone"], row["level"]): row["count"] for row in found.to_dict("records") if not row["is_withheld"]}
    assert shown == {("A", "z"): 32, ("B", "z"): 70}
    assert found["count"].isna().sum() == found["is_withheld"].sum() == 4


def test_totals_and_single_figures() -> None:
    safe = protect(CROSS)
    assert safe.table("zone")[["zone", "count"]].to_numpy().tolist() == [["A", 77], ["B", 180]]
    assert safe.value(zone="A") == 77
    assert safe.value(level="z") == 102
    assert safe.value(zone="A", level="z") == 32
    assert safe.value(zone="A", level="x") is None
    assert safe.value() == 257
    assert safe.table("level", zone="A")["count"].isna().to_list() == [True, True, False]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ({"zone": "C"}, "zone C"),
        ({"zone": "A", "level": "w"}, "level w"),
        ({"zone": ""}, "zone "),
        ({"school": "q"}, "school"),
        ({"zone": "A", "school": "q"}, "school"),
        ({"self": "A", "Zone": "A"}, "self, Zone"),
    ],
)
def test_figures_that_are_not_there_are_not_made_up(key: dict[str, str], told: str) -> None:
    # Passed over, an unknown dimension would give the total.
    with pytest.raises(DisclosureError, match=r"no such (group|dimension)") as error:
        protect(CROSS).value(**key)
    assert error.value.found == told


def test_tables_by_dimensions_that_are_not_there_are_not_made_up() -> None:
    safe = protect(CROSS)
    for act in (
        lambda: safe.table("school"),
        lambda: safe.table("zone", "school"),
        lambda: safe.table("zone", school="q"),
        lambda: safe.to_wide("zone", "school"),
        lambda: safe.to_wide("zone", "level", school="q"),
    ):
        with pytest.raises(DisclosureError, match="no such dimension"):
            act()
    with pytest.raises(DisclosureError, match="no such group"):
        safe.table("level", zone="C")
    # A combination that is known to be impossible: both groups are there.
    frame = pd.DataFrame({"zone": ["A", "B"], "level": ["x", "y"], "count": [40, 60]})
    with pytest.raises(DisclosureError, match="no such table"):
        protect(frame).value(zone="A", level="y")


def test_a_table_that_was_not_protected_is_not_shown() -> None:
    safe = protect(count_table(CROSS).publishing([("zone",)]))
    assert safe.table("zone")["count"].to_list() == [77, 180]
    for dims in ((), ("level",), ("zone", "level")):
        with pytest.raises(DisclosureError, match="no such table"):
            safe.table(*dims)


def test_a_cross_table_of_it_has_the_totals_there_are() -> None:
    wide = protect(CROSS).to_wide("zone", "level")
    assert wide.index.to_list() == ["A", "B", "Total"]
    assert wide.columns.to_list() == ["x", "y", "z", "Total"]
    assert wide.fillna(-1).to_numpy().tolist() == [[-1, -1, 32, 77], [-1, -1, 70, 180], [55, 100, 102, 257]]
    bare = protect(count_table(CROSS).publishing([("zone", "level")])).to_wide("zone", "level")
    # Without totals nothing gives A x away.
    assert bare.fillna(-1).to_numpy().tolist() == [[-1, 40, 32], [50, 60, 70]]


def test_a_cross_table_of_one_term() -> None:
    frame = pd.concat([LONG.assign(term=t) for t in ("fall", "spring")])
    safe = protect(frame)
    wide = safe.to_wide("zone", "level", term="fall")
    assert wide.loc["A", "Total"] == 77
    assert wide.loc["Total", "Total"] == 257
    assert pd.isna(wide.loc["A", "x"])


def test_totals_of_a_cross_table_do_not_take_the_place_of_a_group() -> None:
    # Zone Total 20, 40; zone B 30, 50; together 50, 90.
    frame = pd.DataFrame({"zone": ["Total", "B"] * 2, "term": ["F", "F", "S", "S"], "count": [20, 30, 40, 50]})
    wide = protect(frame).to_wide("zone", "term")
    assert wide.index.to_list() == ["B", "Total", "Total (all)"]
    assert wide.columns.to_list() == ["F", "S", "Total"]
    assert wide.to_numpy().tolist() == [[30, 50, 80], [20, 40, 60], [50, 90, 140]]
    assert set(wide.dtypes.astype("str")) == {"Int64"}
    across = protect(frame.replace({"Total": "TOTAL"})).to_wide("term", "zone")
    assert across.columns.to_list() == ["B", "TOTAL", "Total (all)"]
    assert across.loc["Total"].to_list() == [80, 60, 140]
    both = frame.replace({"B": "Total (all)"})
    assert protect(both).to_wide("zone", "term").index.to_list() == ["Total", "Total (all)", "Total (all) (all)"]


def test_a_cross_table_may_have_totals_on_one_side() -> None:
    raw = count_table(CROSS.assign(x=[50, 60]))
    below = protect(raw.publishing([("zone", "level"), ("level",)])).to_wide("zone", "level")
    assert (below.index.to_list(), below.columns.to_list()) == (["A", "B", "Total"], ["x", "y", "z"])
    assert below.loc["Total"].to_list() == [110, 100, 102]
    beside = protect(raw.publishing([("zone", "level"), ("zone",)])).to_wide("zone", "level")
    assert (beside.index.to_list(), beside.columns.to_list()) == (["A", "B"], ["x", "y", "z", "Total"])
    assert beside["Total"].to_list() == [122, 190]


def test_the_whole_release_as_a_frame() -> None:
    frame = protect(CROSS).to_frame()
    assert len(frame) == 12
    assert frame.columns.to_list() == ["zone", "level", "cell", "count", "is_withheld"]
    assert (frame["zone"] == "").sum() == 4
    assert frame.loc[frame["is_withheld"], "count"].isna().all()


def test_what_it_says_of_itself() -> None:
    safe = protect(CROSS)
    assert safe.summary().startswith("4 of 12 figures of incidents withheld (33%; policy default: counts 1 to 10")
    assert safe.withheld_share == pytest.approx(4 / 12)
    assert safe.dims == ["zone", "level"]
    assert safe.measure == "incidents"
    report = audit(safe)
    assert "4 withheld figures" in report.summary()
    assert report.to_frame().columns.to_list() == ["zone", "level", "cell", "low", "high"]


def test_groupings_in_words() -> None:
    assert Grouping.of("zone").text == "zone"
    assert Grouping.of(("zone", "level"), term="fall").text == "zone × level, fall"
    assert Grouping(()).text == "all"
    assert Grouping(("a",), (("z", "1"), ("b", "2"))) == Grouping(("a",), (("b", "2"), ("z", "1")))
    assert [g.dims for g in Grouping(("a", "b")).with_margins()] == [("a", "b"), ("a",), ("b",), ()]
    assert Grouping.of(Grouping(("a",)), b="2").held == {"b": "2"}
