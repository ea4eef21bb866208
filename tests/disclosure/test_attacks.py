"""Releases that give small counts away, each with its sum: the audit refuses them, and protection fixes them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import highspy
import numpy as np
import pandas as pd
import pytest
from outsider import figures, learn_rule, narrowed, reader_of
from scipy.sparse import csr_array

from safeschools_geo.disclosure._attacker import Block, Fact
from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._ledger import earlier, with_release
from safeschools_geo.disclosure._policy import Grouping, Policy
from safeschools_geo.disclosure._protect import is_sensitive, known_by_rule, needs_of_restated, protect, withhold
from safeschools_geo.disclosure._tables import CountTable, SafeTable, count_table
from safeschools_geo.errors import ColumnError, DisclosureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.disclosure._ledger import Earlier, Release


def by_zone(**counts: int) -> CountTable:
    return count_table(pd.Series(counts).rename_axis("zone"))


def cross(rows: str, columns: str, values: Sequence[Sequence[int]]) -> CountTable:
    frame = pd.DataFrame(values, index=pd.Index(list(rows), name="zone"), columns=pd.Index(list(columns), name="level"))
    return count_table(frame)


def schools(
    of: Mapping[str, tuple[str, str, int]], *groupings: tuple[str, ...], hidden: Sequence[str] = ("school",)
) -> CountTable:
    """Make counts of schools, each in a zone and of a level."""
    counts = pd.DataFrame([(s, *has) for s, has in of.items()], columns=["school", "zone", "level", "count"])
    return CountTable(counts, tuple(map(Grouping, groupings)), hidden=tuple(Grouping((name,)) for name in hidden))


def refused(release: SafeTable, name: str, *, knows_rule: bool = False) -> None:
    with pytest.raises(DisclosureError, match=name):
        audit(release, knows_rule=knows_rule).require_safe()


def repaired(release: SafeTable, *, keeps: Sequence[Mapping[str, str]] = (), knows_rule: bool = False) -> SafeTable:
    report = audit(release, knows_rule=knows_rule).require_safe()
    assert report.is_safe
    for key in keeps:
        assert release.value(**key) is not None
    return release


def withheld_keys(release: SafeTable) -> list[dict[str, str]]:
    return [key for key, value in figures(release.to_frame(), release.dims) if value is None]


def test_counts_and_groups_from_one_to_ten_may_not_be_published() -> None:
    counts, students = np.array([0, 1, 10, 11, 11, 11, 11, 11]), np.array([50, 50, 50, 50, 0, 1, 10, 11.0])
    found = is_sensitive(counts, students, Policy())
    assert found.tolist() == [False, True, True, False, False, True, True, False]


def test_what_the_rule_says_of_a_figure_follows_from_its_least_and_its_most() -> None:
    # 0 to 7 can only be 0, and 4 to 20 only 11 or more; 1 to 10 and 0 to 30 hide a small count, 11 to 20 is none.
    low, high = np.array([0, 4, 1, 0, 11.0]), np.array([7, 20, 10, 30, 20.0])
    rows, found = known_by_rule(csr_array(np.eye(5)), low, high, largest_small=10)
    assert rows.tolist() == [0, 1]
    assert list(zip(found.low, found.high, strict=True)) == [(0, 0), (11, np.inf)]
    assert found.matrix.toarray().tolist() == np.eye(5)[:2].tolist()


@pytest.mark.parametrize(
    ("once", "low", "high"), [(40, 41, 50), (53, 43, 52), (33, 34, 43), (32, None, None), (54, None, None), (43, 0, 0)]
)
def test_a_correction_by_one_to_ten_has_to_be_able_to_be_any(once: int, low: int | None, high: int | None) -> None:
    # Zone A is 43 now: 40 was corrected by 3, and could have been by 1 to 10; 32 by 11, and 43 not at all.
    atoms, now = pd.DataFrame({"zone": ["A", "B"]}), np.array([43, 9])
    found = needs_of_restated([Fact("zone", {"A": 1.0}, once, once, "release 1")], atoms, now, Policy())
    assert [(fact.low, fact.high, fact.is_need) for fact in found] == ([(low, high, True)] if low else [])


# (a) Only small counts are withheld.


def test_one_withheld_zone_is_the_total_less_the_others() -> None:
    # A = 55 − 20 − 30 = 5.
    raw = by_zone(A=5, B=20, C=30)
    refused(withhold(raw, [{"zone": "A"}]), "zone A: 5 to 5")
    safe = repaired(protect(raw), keeps=[{}])
    # One more zone is enough, and B is the smaller one: A and B are 25 together, each from 0 to 25.
    assert withheld_keys(safe) == [{"zone": "A"}, {"zone": "B"}]
    found = audit(safe).to_frame()
    assert found[["low", "high"]].to_numpy().tolist() == [[0, 25], [0, 25]]


def test_two_small_counts_that_add_up_to_ten_or_less_are_not_enough() -> None:
    # A + B = 57 − 20 − 30 = 7, so neither can be 10.
    raw = by_zone(A=3, B=4, C=20, D=30)
    refused(withhold(raw, [{"zone": "A"}, {"zone": "B"}]), "zone A: 0 to 7")
    safe = repaired(protect(raw), keeps=[{}])
    assert withheld_keys(safe) == [{"zone": "A"}, {"zone": "B"}, {"zone": "C"}]


def test_a_small_count_that_is_published_is_named_by_the_audit() -> None:
    refused(withhold(by_zone(A=5, B=20, C=30), []), "zone A: published")


@pytest.mark.parametrize("also", [[], [{"zone": "A", "level": "y"}], [{"zone": "B", "level": "x"}]])
def test_in_a_cross_table_a_row_or_a_column_gives_one_cell_away(also: list[dict[str, str]]) -> None:
    # A x = 77 − 72 by its row unless another is withheld there, and 55 − 50 by its column.
    raw = cross("AB", "xyz", [[5, 40, 32], [50, 60, 70]])
    refused(withhold(raw, [{"zone": "A", "level": "x"}, *also]), "zone A, level x: 5 to 5")
    safe = repaired(
        protect(raw), keeps=[{}, {"zone": "A"}, {"zone": "B"}, {"level": "x"}, {"level": "y"}, {"level": "z"}]
    )
    # A rectangle is the least; with column z (32 + 70) or y (40 + 60), y has the smaller counts.
    assert withheld_keys(safe) == [{"zone": z, "level": v} for z in "AB" for v in "xy"]


# (b) At least two are withheld in every row and column.


def test_sums_of_rows_less_sums_of_columns_isolate_a_cell() -> None:
    #        w    x    y    z
    #   A  [20] [21]  22   23        [..] is withheld: two or more in every row and column
    #   B  [24] [25] [ 7]  26
    #   C   27   28  [29] [30]
    #   D   31   32  [33] [34]
    # Rows A and B hold Aw + Ax + Bw + Bx + By, columns w and x hold Aw + Bw + Ax + Bx: the difference is By.
    # (86 − 45) + (82 − 26) − (102 − 58) − (106 − 60) = 41 + 56 − 44 − 46 = 7. No table of three by three has this.
    raw = cross("ABCD", "wxyz", [[20, 21, 22, 23], [24, 25, 7, 26], [27, 28, 29, 30], [31, 32, 33, 34]])
    names = ["Aw", "Ax", "Bw", "Bx", "By", "Cy", "Cz", "Dy", "Dz"]
    refused(withhold(raw, [{"zone": n[0], "level": n[1]} for n in names]), "zone B, level y: 7 to 7")
    safe = repaired(protect(raw), keeps=[{}, *({"zone": z} for z in "ABCD"), *({"level": v} for v in "wxyz")])
    assert len(withheld_keys(safe)) == 4


# (c) An interval that is too narrow.


def test_a_closed_block_can_leave_only_four_to_nine() -> None:
    #        x    y    z
    #   A  [ 7] [ 2]  30
    #   B  [20] [ 3]  31
    #   C   32   33   34
    # A x + A y = 39 − 30 = 9 and A y + B y = 38 − 33 = 5: A y is at most 5, so A x is at least 4, and at most 9.
    raw = cross("ABC", "xyz", [[7, 2, 30], [20, 3, 31], [32, 33, 34]])
    block = [{"zone": z, "level": v} for z in "AB" for v in "xy"]
    refused(withhold(raw, block), "zone A, level x: 4 to 9")
    safe = repaired(protect(raw), keeps=[{}, *({"zone": z} for z in "ABC"), *({"level": v} for v in "xyz")])
    # Not even another column is enough for A y and B y unless it widens both: found by the independent reader.
    told = figures(safe.to_frame(), safe.dims)
    reader = reader_of(raw.atoms, told)
    assert narrowed(reader, [key for key, _ in told], raw.values) == []


# (d) Totals of totals.

TREE = {
    "a1": ("A", "x", 6),
    "a2": ("A", "x", 14),
    "b1": ("B", "x", 30),
    "b2": ("B", "x", 40),
    "c1": ("C", "x", 50),
    "c2": ("C", "x", 60),
}


def test_withholding_the_zone_beside_the_school_does_not_help() -> None:
    # A = 200 − 70 − 110 = 20, and a1 = 20 − 14 = 6.
    raw = schools(TREE, ("school",), ("zone",), ())
    refused(withhold(raw, [{"school": "a1"}, {"zone": "A"}]), "school a1: 6 to 6")
    safe = repaired(protect(raw), keeps=[{}, {"zone": "A"}, {"zone": "B"}, {"zone": "C"}])
    assert withheld_keys(safe) == [{"school": "a1"}, {"school": "a2"}]


def test_two_withheld_schools_of_two_zones_are_revealed_by_two_levels_of_totals() -> None:
    # a1 = A − a2 = 20 − 14 and b1 = B − b2, whatever the district says.
    raw = schools(TREE, ("school",), ("zone",), ())
    refused(withhold(raw, [{"school": "a1"}, {"school": "b1"}]), "school a1: 6 to 6")


def test_a_small_zone_needs_another_zone_and_the_schools_in_both() -> None:
    # Zone A is 4 + 3 = 7, so A, a1 and a2 are withheld. A = 187 − 70 − 110: another zone has to go, B as the smaller,
    # and then one of its schools at least, or B = b1 + b2 tells it; b1 alone is B − b2 and no other sum holds it.
    raw = schools({**TREE, "a1": ("A", "x", 4), "a2": ("A", "x", 3)}, ("school",), ("zone",), ())
    small = [{"school": "a1"}, {"school": "a2"}, {"zone": "A"}]
    refused(withhold(raw, small), "zone A: 7 to 7")
    refused(withhold(raw, [*small, {"zone": "B"}]), "zone A: 7 to 7")
    safe = repaired(protect(raw), keeps=[{}, {"zone": "C"}])
    assert withheld_keys(safe) == [{"school": "a1"}, {"school": "a2"}, {"school": "b1"}, {"zone": "A"}, {"zone": "B"}]


# (e) Tables that share schools.


def test_a_zone_less_the_only_high_school_is_a_school_that_no_table_shows() -> None:
    # Zone W has the only high school (40) and a middle school (5): W − high = 45 − 40 = 5, and no figure is small.
    of = {"h": ("W", "high", 40), "m": ("W", "middle", 5), "n": ("E", "middle", 60)}
    raw = schools(of, ("zone",), ("level",), ())
    naive = withhold(raw, [])
    assert naive.to_frame()["count"].min() == 40
    refused(naive, "school m: 5 to 5")
    safe = repaired(protect(raw), keeps=[{}])
    found = audit(safe).hidden.set_index("school")
    assert found.loc["m", "low"] <= 1
    assert found.loc["m", "high"] >= 10


def test_a_hidden_school_is_found_through_terms_as_well() -> None:
    # Zone × term and level × term, no grand total. In the fall W − high = 45 − 40 = 5; in the spring 52 − 40 = 12.
    rows = [("h", "W", "high", 40, 40), ("m", "W", "middle", 5, 12), ("n", "E", "middle", 60, 50)]
    finest = [(s, z, v, t, c) for s, z, v, *both in rows for t, c in zip(("fall", "spring"), both, strict=True)]
    counts = pd.DataFrame(finest, columns=["school", "zone", "level", "term", "count"])
    raw = CountTable(
        counts, (Grouping(("zone", "term")), Grouping(("level", "term"))), hidden=(Grouping(("school", "term")),)
    )
    refused(withhold(raw, []), "school m, term fall: 5 to 5")
    safe = repaired(protect(raw))
    # Nothing is wrong in the spring.
    assert {key["term"] for key in withheld_keys(safe)} == {"fall"}


# (f) Two releases.

FIRST = {"s1": ("A", "x", 20), "s2": ("A", "x", 25), "s3": ("A", "x", 6), "s4": ("B", "x", 30), "s5": ("B", "x", 40)}


def released(raw: CountTable, of: Mapping[str, tuple[str, str, int]]) -> tuple[Release, ...]:
    """Publish a table, and write it into an empty record."""
    safe = repaired(protect(raw))
    people = pd.DataFrame([(s, has[0], has[1]) for s, has in of.items()], columns=["school", "zone", "level"])
    return with_release((), safe, people, district="d", term="fall", released="2025-01-31")


def known(told: Earlier) -> list[Fact]:
    return [*told.figures, *told.statements]


def test_the_same_schools_in_other_zones_name_the_school_that_moved() -> None:
    # Zone A was s1 + s2 + s3 = 51, and is s1 + s2 = 45 now that s3 is in B: s3 = 51 − 45 = 6, as B tells too, 76 − 70.
    first = schools(FIRST, ("zone",), ())
    told = earlier(released(first, FIRST), raw := schools({**FIRST, "s3": ("B", "x", 6)}, ("zone",), ()))
    assert told.restated == ()
    assert audit(protect(raw)).is_safe
    refused(withhold(raw, [], facts=known(told)), "school s3: 6 to 6")
    # The total was published already, and may be again.
    safe = repaired(protect(raw, facts=known(told), restated=told.restated), keeps=[{}])
    assert withheld_keys(safe) == [{"zone": "A"}, {"zone": "B"}]


def test_a_zone_that_has_gained_a_new_school_says_so() -> None:
    # s6 was not there in the first release: A = 51 then, 56 now, and the total has grown by 5 as well.
    now = {**FIRST, "s6": ("A", "x", 5)}
    told = earlier(released(schools(FIRST, ("zone",), ()), FIRST), raw := schools(now, ("zone",), ()))
    refused(withhold(raw, [], facts=known(told)), "school s6: 5 to 5")
    safe = repaired(protect(raw, facts=known(told)))
    assert withheld_keys(safe) == [{"zone": "A"}, {}]


def test_a_restated_figure_does_not_reveal_by_how_little() -> None:
    # Zone A was published as 51 and is 54 now: 3 incidents were added, which is a small count. Both it and the total
    # (121, now 124) have to stay possible from 1 to 10 above what was published.
    now = {**FIRST, "s1": ("A", "x", 23)}
    told = earlier(released(schools(FIRST, ("zone",), ()), FIRST), raw := schools(now, ("zone",), ()))
    assert {r.low for r in told.restated} == {51, 121}
    safe = repaired(protect(raw, facts=known(told), restated=told.restated), keeps=[{"zone": "B"}])
    assert withheld_keys(safe) == [{"zone": "A"}, {}]
    found = audit(safe).to_frame()
    low, high = found["low"].to_list(), found["high"].fillna(10**6).to_list()
    assert low[0] <= 52
    assert high[0] >= 61
    assert low[1] <= 122
    assert high[1] >= 131


def test_a_school_that_left_is_not_revealed_by_what_is_lacking() -> None:
    # s3 (6) has left the program: A was 51 and is 45, the total was 121 and is 115.
    now = {s: has for s, has in FIRST.items() if s != "s3"}
    told = earlier(released(schools(FIRST, ("zone",), ()), FIRST), raw := schools(now, ("zone",), ()))
    assert {r.low for r in told.restated} == {51, 121}
    safe = repaired(protect(raw, facts=known(told), restated=told.restated), keeps=[{"zone": "B"}])
    assert withheld_keys(safe) == [{"zone": "A"}, {}]


def test_a_correction_by_more_than_ten_is_published() -> None:
    now = {**FIRST, "s1": ("A", "x", 40)}
    told = earlier(released(schools(FIRST, ("zone",), ()), FIRST), raw := schools(now, ("zone",), ()))
    safe = repaired(protect(raw, facts=known(told), restated=told.restated))
    assert withheld_keys(safe) == []


def test_what_was_published_contradicts_counts_that_were_corrected() -> None:
    with pytest.raises(DisclosureError, match="release 1"):
        protect(by_zone(A=23, B=70), facts=[Fact("zone", {"A": 1.0}, 20, 20, "release 1")])


def test_a_restated_figure_that_is_the_same_again_needs_nothing() -> None:
    safe = protect(by_zone(A=51, B=70), restated=[Fact("zone", {"A": 1.0}, 51, 51, "release 1")])
    assert withheld_keys(safe) == []


# (g) Classes of a map, and figures that are rounded.


def test_a_map_class_of_one_zone_narrows_the_other() -> None:
    # A and B are withheld and are 17 together; the map has B in its class 10 to 14, so A = 17 − B is 3 to 7.
    raw = by_zone(A=5, B=12, C=30, D=40)
    said = [Fact("zone", {"B": 1.0}, 10, 14, "map class")]
    assert withheld_keys(protect(raw)) == [{"zone": "A"}, {"zone": "B"}]
    refused(withhold(raw, [{"zone": "A"}, {"zone": "B"}], facts=said), "zone A: 3 to 7")
    safe = repaired(protect(raw, facts=said), keeps=[{}])
    # With C in place of B, A + C = 35 and A is 0 to 35.
    assert withheld_keys(safe) == [{"zone": "A"}, {"zone": "C"}]


def test_a_rounded_mean_narrows_what_it_is_the_mean_of() -> None:
    # A weighs 1, B a half: 5 + 6 = 11 to the nearest 1 is 10.5 to 11.5; with A + B = 17 it follows that
    # A / 2 = 11 ± 0.5 − 8.5 = 2 to 3, so A is 4 to 6.
    raw = by_zone(A=5, B=12, C=30, D=40)
    said = [Fact("zone", {"A": 1.0, "B": 0.5}, 10.5, 11.5, "rounded hours")]
    refused(withhold(raw, [{"zone": "A"}, {"zone": "B"}], facts=said), "zone A: 4 to 6")
    safe = repaired(protect(raw, facts=said), keeps=[{}])
    assert {"zone": "C"} in withheld_keys(safe)


def test_a_class_that_holds_a_small_count_alone_cannot_be_repaired() -> None:
    said = [Fact("zone", {"A": 1.0}, 1, 6, "map class")]
    with pytest.raises(DisclosureError, match="whatever is withheld"):
        protect(by_zone(A=5, B=12, C=30), facts=said)


def test_a_statement_with_a_negative_weight_is_a_difference() -> None:
    # B exceeds A by exactly 7, and they are 17 together: A = 5.
    raw = by_zone(A=5, B=12, C=30, D=40)
    said = [Fact("zone", {"A": -1.0, "B": 1.0}, 7, 7, "sentence")]
    refused(withhold(raw, [{"zone": "A"}, {"zone": "B"}], facts=said), "zone A: 5 to 5")
    safe = repaired(protect(raw, facts=said))
    assert narrowed(_reader(safe, raw), [{"zone": "A"}], raw.values) == []


def test_statements_that_contradict_each_other_are_distinguished_from_the_counts() -> None:
    said = [Fact("zone", {"A": 1.0}, 0, 4, "one"), Fact("zone", {"A": 1.0}, 6, 9, "two")]
    with pytest.raises(DisclosureError, match="contradicts itself"):
        audit(withhold(by_zone(A=5, B=12), [{"zone": "A"}, {}], facts=said))


# (h) Groups of few students.


@pytest.mark.parametrize("incidents", [0, 15])
def test_every_figure_of_eight_students_is_withheld(incidents: int) -> None:
    # School t has 8 students: neither 0 nor 15 incidents may be reported, nor zone A − s = t.
    counts = pd.DataFrame(
        {"school": ["s", "t", "u"], "zone": ["A", "A", "B"], "count": [30, incidents, 60]},
    )
    students = pd.DataFrame({"school": ["s", "t", "u"], "zone": ["A", "A", "B"], "students": [300, 8, 200]})
    tables = (Grouping(("school",)), Grouping(("zone",)), Grouping(()))
    raw = CountTable(counts, tables, students=students)
    refused(withhold(raw, []), "school t: published")
    refused(withhold(raw, [{"school": "t"}]), f"school t: {incidents} to {incidents}")
    safe = repaired(protect(raw), keeps=[{}, {"zone": "A"}, {"zone": "B"}])
    assert withheld_keys(safe) == [{"school": "s"}, {"school": "t"}]


@pytest.mark.parametrize(("size", "is_shown"), [(10, False), (11, True)])
def test_ten_students_are_few_and_eleven_are_not(size: int, is_shown: bool) -> None:  # noqa: FBT001
    frame = pd.DataFrame({"zone": ["A", "B"], "level": ["x", "x"], "count": [30, 60], "students": [size, 500]})
    safe = repaired(protect(frame))
    assert (safe.value(zone="A", level="x") == 30) is is_shown


def test_a_group_with_a_school_of_unknown_size_is_not_taken_to_be_small() -> None:
    students = pd.DataFrame({"zone": ["A", "B"], "level": "x", "students": [pd.NA, 500]})
    counts = pd.DataFrame({"zone": ["A", "B"], "level": "x", "count": [30, 60]})
    safe = protect(CountTable(counts, (Grouping(("zone", "level")),), students=students))
    assert withheld_keys(safe) == []


# (i) Somebody who knows the rule.


def _reader(safe: SafeTable, raw: CountTable):
    reader = reader_of(raw.atoms, figures(safe.to_frame(), safe.dims))
    reader.limits += [(fact.row(raw.atoms), fact.low, fact.high) for fact in safe.facts]
    return reader


def test_a_withheld_figure_that_could_not_be_hidden_were_it_small_is_not_small() -> None:
    #        x    y
    #   A  [ 5] [15]   20         A x = 5 + t, A y = 15 − t, B x = 20 − t, B y = 12 + t, with t from −5 to 15.
    #   B  [20] [12]   32
    #        25   27   52
    # B y is 7 to 27 and B x is 5 to 25. Were one of them small, it would not have been left so: both are 11 or more. So
    # t is from −1 to 9, and A x from 4 to 14.
    raw = cross("AB", "xy", [[5, 15], [20, 12]])
    safe = repaired(protect(raw), keeps=[{}, {"zone": "A"}, {"zone": "B"}, {"level": "x"}, {"level": "y"}])
    refused(safe, "zone A, level x: 4 to 14, by somebody who knows the rule", knows_rule=True)
    reader = _reader(safe, raw)
    assert learn_rule(reader, withheld_keys(safe)) == 2
    assert narrowed(reader, [{"zone": "A", "level": "x"}], raw.values) == ["{'zone': 'A', 'level': 'x'}: 4 to 14"]


def test_protection_from_those_who_know_the_rule_withholds_more() -> None:
    raw = cross("AB", "xy", [[5, 15], [20, 12]])
    safe = repaired(protect(raw, knows_rule=True), knows_rule=True, keeps=[{}])
    reader = _reader(safe, raw)
    learn_rule(reader, withheld_keys(safe))
    assert narrowed(reader, [{"zone": "A", "level": "x"}], raw.values) == []


def test_where_the_rule_says_nothing_it_costs_nothing() -> None:
    raw = by_zone(A=5, B=20, C=30)
    assert protect(raw, knows_rule=True).to_frame().equals(protect(raw).to_frame())


# What `protect` and `withhold` make of odd requests.


def test_everything_can_be_withheld() -> None:
    raw = cross("AB", "xy", [[5, 40], [50, 60]])
    keys = [key for key, _ in figures(protect(raw).to_frame(), raw.dims)]
    release = withhold(raw, keys)
    report = audit(release)
    assert report.is_safe
    assert release.withheld_share == 1
    assert report.intervals["high"].isna().all()


def test_names_that_no_table_has_withhold_nothing() -> None:
    release = withhold(by_zone(A=5, B=40), [{"zone": "Z"}, {"zone": "A"}])
    assert withheld_keys(release) == [{"zone": "A"}]


@pytest.mark.parametrize("large", [9_999, 10_001, 10**6, 10**9])
def test_large_counts_beside_small_ones_are_no_trouble(large: int) -> None:
    raw = cross("ABC", "xyz", [[5, large, 20], [large, 3, large], [7, large, large + 1]])
    safe = repaired(protect(raw), keeps=[{}])
    assert narrowed(_reader(safe, raw), [], raw.values) == []
    assert {"zone": "A", "level": "x"} in withheld_keys(safe)


@pytest.mark.parametrize("smallest", [3, 11, 1000])
def test_any_size_of_small_count_is_kept_possible(smallest: int) -> None:
    raw = by_zone(A=2, B=1500, C=2500, D=3500)
    safe = protect(raw, {"smallest_count": smallest})
    report = audit(safe).require_safe()
    assert withheld_keys(safe) == [{"zone": "A"}, {"zone": "B"}]
    assert (report.intervals["low"] <= 1).all()
    assert (report.intervals["high"] >= smallest - 1).all()


# One school under the name of a group.


def one_school(**more: object) -> CountTable:
    """Count 40 at the one high school of zone A, and more elsewhere, by zone and level."""
    of = {
        "s1": ("A", "high", 40),
        "s2": ("A", "low", 30),
        "s3": ("A", "low", 25),
        "s4": ("B", "high", 50),
        "s5": ("B", "high", 35),
        "s6": ("B", "low", 20),
        "s7": ("B", "low", 15),
        "s8": ("C", "high", 60),
        "s9": ("C", "high", 45),
        "s10": ("C", "low", 55),
        "s11": ("C", "low", 65),
    }
    counts = pd.DataFrame([(s, *has) for s, has in of.items()], columns=["school", "zone", "level", "count"])
    tables = Grouping(("zone", "level")).with_margins()
    return CountTable(counts, tables, hidden=(Grouping(("school",)),), **more)  # type: ignore[arg-type]


def test_a_figure_of_one_school_is_withheld_however_large_and_cannot_be_subtracted() -> None:
    assert protect(one_school()).value(zone="A", level="high") == 40
    safe = repaired(protect(one_school(alone="school"), knows_rule=True), knows_rule=True)
    assert safe.value(zone="A", level="high") is None
    # The low schools of A go with it, or A's total would tell; and one more pair, or the levels' totals would.
    assert len(withheld_keys(safe)) == 4
    ends = audit(safe).intervals.set_index(["zone", "level"])
    assert ends.loc[("A", "high"), "low"] <= 1
    assert ends.loc[("A", "high"), "high"] >= 40
    refused(withhold(one_school(alone="school"), [{"zone": "A", "level": "low"}]), "zone A, level high: published")
    refused(withhold(one_school(alone="school"), [{"zone": "A", "level": "high"}]), "zone A, level high: 40 to 40")


def test_a_table_that_names_the_schools_may_show_them() -> None:
    raw = one_school(alone="school").publishing([("school",)])
    assert protect(raw).value(school="s1") == 40


def test_a_figure_of_one_school_that_was_published_once_is_withheld_and_no_more_can_be_done() -> None:
    raw = one_school(alone="school")
    told = Fact("school", {"s1": 1.0}, 40, 40, "release 1")
    safe = repaired(protect(raw, facts=[told], knows_rule=True), knows_rule=True)
    # It was reported once, so that nothing else has to go for it.
    assert withheld_keys(safe) == [{"zone": "A", "level": "high"}]
    assert audit(safe).intervals.set_index(["zone", "level"]).loc[("A", "high"), "low"] == 40


def test_a_figure_of_one_school_stays_hidden_where_other_figures_were_published() -> None:
    told = Fact("school", {"s10": 1.0, "s11": 1.0}, 120, 120, "release 1")
    safe = repaired(protect(one_school(alone="school"), facts=[told]))
    assert {"zone": "A", "level": "high"} in withheld_keys(safe)
    assert len(withheld_keys(safe)) == 4


def test_the_dimension_of_single_groups_is_one_of_the_table() -> None:
    with pytest.raises(ColumnError, match="do not have this dimension"):
        one_school(alone="campus")


def test_protection_and_the_audit_say_how_many_figures_they_have_asked() -> None:
    # All 30 counts are small; the totals of the five zones and the six levels are not, and tell none of them.
    said: list[str] = []
    release = protect(cross("ABCDE", "uvwxyz", [[3] * 6] * 5), on_part=said.append)
    ends = ("small", "large")
    assert {text.partition(",")[0] for text in said} <= {f"how {end} figures can be" for end in ends}
    assert said
    said.clear()
    audit(release, on_part=said.append)
    assert said == [f"how {end} figures can be, {done} of 30" for end in ends for done in range(0, 30, 5)]


def test_ctrl_c_ends_a_linear_program_before_its_end() -> None:
    # 40 schools by 20 kinds of calls, of which the totals are known.
    numbers = np.arange(40 * 20).reshape(40, 20)
    matrix = csr_array([np.isin(numbers.ravel(), members).astype(float) for members in [*numbers, *numbers.T]])
    totals = matrix @ np.full(numbers.size, 8.0)
    block = Block(matrix, np.arange(60), numbers.ravel(), (totals, totals), ceiling=1e4)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        block._highs.interrupts.append(None)  # as its handler does
        with pytest.raises(KeyboardInterrupt):
            block.extreme(np.arange(numbers.size) % 7.0, most=True, whole=False)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert block._highs.getModelStatus() == highspy.HighsModelStatus.kInterrupt
