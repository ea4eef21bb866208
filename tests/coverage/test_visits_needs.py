"""How many visits a school needs: by level, more for work and hotspots, whole numbers that add up over the weeks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_town import schools

from safeschools_geo.coverage._visit_rules import visits_per_week
from safeschools_geo.errors import InputError

LEVELS = {"elementary": 1.0, "middle": 2.0, "high": 3.0, "k8": 1.5, "other": 1.0}
TOWN = schools("E elementary", "M middle", "H high", "K k8")


def test_levels_say_how_many():
    table = visits_per_week(TOWN, LEVELS)
    assert table["visits"].to_dict() == {"E": 1, "M": 2, "H": 3, "K": 2}
    assert table["why"].tolist() == [
        "1 visit: 1 as an elementary school.",
        "2 visits: 2 as a middle school.",
        "3 visits: 3 as a high school.",
        "2 visits: 1.5 as a K-8 school, 1.5 on the mean of the weeks.",
    ]
    assert table.index.name == "school_id"


def test_one_and_a_half_are_one_and_two_by_turns_and_not_everywhere_in_the_same_week():
    two = schools("K k8", "L k8")
    weeks = [visits_per_week(two, LEVELS, week=week)["visits"].tolist() for week in range(4)]
    assert weeks == [[1, 2], [2, 1], [1, 2], [2, 1]]


def test_work_and_hotspots_add_a_visit_each():
    # The mean is 1 h: M has 1.5 times that, E has less.
    load = pd.Series({"E": 0.5, "M": 1.5, "H": 1.4, "K": 0.6})
    table = visits_per_week(TOWN, LEVELS, workload_h=load, hotspots=["E", "M"])
    assert table["visits"].to_dict() == {"E": 2, "M": 4, "H": 3, "K": 2}
    assert table.loc["M", "why"] == "4 visits: 2 as a middle school, 1 for its workload, 1 as a hotspot."
    assert table.loc["E", "why"] == "2 visits: 1 as an elementary school, 1 as a hotspot."


def test_no_work_anywhere_makes_no_school_busy():
    table = visits_per_week(TOWN, LEVELS, workload_h=pd.Series(0.0, index=TOWN["school_id"]))
    assert table["visits"].to_dict() == {"E": 1, "M": 2, "H": 3, "K": 2}


def test_schools_outside_the_program_have_none_and_need_no_workload():
    town = TOWN.assign(in_program=[True, False, True, True])
    table = visits_per_week(town, LEVELS, workload_h=pd.Series({"E": 1.0, "H": 1.0, "K": 1.0}))
    assert table.loc["M"].tolist() == [0, "No visits: not in the program."]


def test_every_program_school_has_one_and_none_more_than_the_most():
    town = schools("E elementary", "H high")
    table = visits_per_week(town, {"elementary": 0, "high": 9})
    assert table["visits"].tolist() == [1, 5]
    assert table["why"].tolist() == [
        "1 visit: 0 as an elementary school; every school has one.",
        "5 visits: 9 as a high school; 9 would be due, and there are 5 at the most.",
    ]


@settings(max_examples=30)
@given(rate=st.floats(1, 5), schools_in_town=st.integers(1, 6))
def test_weeks_add_up_to_the_rate(rate, schools_in_town):
    town = schools(*(f"S{i} high" for i in range(schools_in_town)))
    weeks = [visits_per_week(town, {"high": rate}, week=week)["visits"] for week in range(12)]
    assert np.all(np.abs(sum(weeks) - 12 * rate) <= 1 + 1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by_level": {"high": 3.0}}, "no visits a week for the level"),
        ({"by_level": LEVELS | {"high": -1.0}}, "not negative"),
        ({"by_level": LEVELS | {"high": float("nan")}}, "not negative"),
        ({"workload_h": pd.Series({"E": 1.0, "M": 1.0, "H": np.nan, "K": 1.0})}, "no workload"),
        ({"workload_h": pd.Series([1.0, 1.0], index=["E", "E"])}, "two workloads"),
        ({"hotspots": ["Z"]}, "at no school"),
        ({"schools": TOWN.drop(columns="level")}, "lacks a column"),
        ({"schools": pd.concat([TOWN, TOWN])}, "more than once"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, words):
    options = {"schools": TOWN, "by_level": LEVELS} | changes
    with pytest.raises(InputError, match=words):
        visits_per_week(options.pop("schools"), options.pop("by_level"), **options)
