"""The adviser measures every table on offer by itself, and picks the finest that still says much."""

from __future__ import annotations

import pandas as pd
import pytest

from safeschools_geo.disclosure._policy import Grouping, Policy
from safeschools_geo.disclosure._protect import advise, protect
from safeschools_geo.disclosure._tables import CountTable

# By school: a1 8, a2 40, b1 30, b2 50, c1 60, c2 70. By zone and term, zone C has 4 in the spring.
ROWS = [
    ("a1", "A", "fall", 4),
    ("a1", "A", "spring", 4),
    ("a2", "A", "fall", 20),
    ("a2", "A", "spring", 20),
    ("b1", "B", "fall", 15),
    ("b1", "B", "spring", 15),
    ("b2", "B", "fall", 25),
    ("b2", "B", "spring", 25),
    ("c1", "C", "fall", 58),
    ("c1", "C", "spring", 2),
    ("c2", "C", "fall", 68),
    ("c2", "C", "spring", 2),
]
SCHOOL, ZONE, BOTH = Grouping(("school",)), Grouping(("zone",)), Grouping(("zone", "term"))
FALL = Grouping.of("zone", term="fall")


def counts() -> CountTable:
    return CountTable(pd.DataFrame(ROWS, columns=["school", "zone", "term", "count"]), (ZONE,))


def test_each_table_is_measured_with_its_own_totals() -> None:
    found = advise(counts(), [ZONE, SCHOOL, BOTH, FALL], Policy()).set_index("grouping")
    # School: a1 (8) and one more, or the total tells it. Zone × term: C spring (4) and a rectangle with it, or the row
    # and the column tell it. Zone and the fall: none is small.
    assert found["figures"].to_dict() == {"school": 6, "zone × term": 6, "zone": 3, "zone, fall": 3}
    assert found["withheld"].to_dict() == {"school": 2, "zone × term": 4, "zone": 0, "zone, fall": 0}
    assert found["withheld_share"].to_dict() == {"school": 2 / 6, "zone × term": 4 / 6, "zone": 0, "zone, fall": 0}


@pytest.mark.parametrize(("share", "chosen"), [(0.2, "zone"), (1 / 3, "zone"), (0.34, "school"), (1.0, "school")])
def test_the_finest_with_less_than_the_share_is_chosen(share: float, chosen: str) -> None:
    found = advise(counts(), [BOTH, SCHOOL, ZONE, FALL], Policy(most_withheld_share=share))
    wanted = chosen if share < 1 else "zone × term"
    assert found.loc[found["is_chosen"], "grouping"].to_list() == [wanted]


def test_the_finest_comes_first_and_among_equals_what_was_offered_first() -> None:
    found = advise(counts(), [FALL, ZONE, BOTH, SCHOOL], Policy())
    assert found["position"].to_list() == [2, 3, 0, 1]
    assert found.loc[found["is_chosen"], "grouping"].to_list() == ["zone, fall"]


def test_what_is_not_to_be_chosen_is_measured_and_passed_over() -> None:
    found = advise(counts(), [SCHOOL, ZONE], Policy(most_withheld_share=1.0), not_chosen=[SCHOOL])
    assert found["is_choosable"].to_list() == [False, True]
    assert found["withheld"].to_list() == [2, 0]
    assert found["is_chosen"].to_list() == [False, True]


def test_nothing_is_chosen_where_all_would_be_withheld() -> None:
    found = advise(counts(), [SCHOOL, BOTH], Policy(smallest_count=1000))
    assert (found["withheld_share"] == 1).all()
    assert not found["is_chosen"].any()


def test_nothing_on_offer_is_an_empty_answer() -> None:
    found = advise(counts(), [], Policy())
    assert len(found) == 0
    assert {"grouping", "figures", "withheld", "withheld_share", "is_chosen"} <= set(found.columns)


def test_small_groups_of_people_count_as_withheld() -> None:
    students = pd.DataFrame(
        {
            "school": ["a1", "a2", "b1", "b2", "c1", "c2"],
            "zone": ["A", "A", "B", "B", "C", "C"],
            "students": [300, 300, 300, 9, 300, 300],
        }
    )
    raw = CountTable(counts().counts, (ZONE,), students=students)
    # a1 is small and b2 has nine students; each is its zone less the other school there, so a2 and b1 go too.
    found = advise(raw, [Grouping(("school", "zone"))], Policy())
    assert found["withheld"].to_list() == [4]


def test_no_table_that_is_measured_changes_the_counts() -> None:
    raw = counts()
    before = raw.counts.copy(deep=True)
    advise(raw, [SCHOOL, ZONE, BOTH], Policy())
    pd.testing.assert_frame_equal(raw.counts, before)
    assert protect(raw).groupings == (ZONE,)


def test_the_adviser_says_which_table_it_measures() -> None:
    said: list[str] = []
    advise(counts(), [SCHOOL, ZONE], Policy(), on_part=said.append)
    assert [text for text in said if ":" not in text] == ["1 of 2 tables", "2 of 2 tables"]
    assert "1 of 2 tables: how large figures can be, 0 of 1" in said
