"""Who is tried first: the own officer, then the nearest, and what is wrong told all at once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from safeschools_geo.coverage._dispatch import by_travel, officer_minutes, zone_dispatch
from safeschools_geo.errors import InputError, SeveralFaultsError

ZONES = pd.Series({"a": "1", "b": "1", "c": "2"})
OFFICERS = pd.Series({"P1": "1", "P2": "2", "P3": "3"})
MINUTES = pd.DataFrame(
    [[5.0, 1.0, 2.0], [4.0, 9.0, 3.0], [2.0, 7.0, 2.0]], index=["a", "b", "c"], columns=["P1", "P2", "P3"]
)


def test_own_officer_first_then_by_minutes():
    found = zone_dispatch(ZONES, OFFICERS, MINUTES)
    # c: its own P2 first, though farthest; P1 and P3 are as near, and P1 comes first.
    assert found.preference.tolist() == [[0, 1, 2], [0, 2, 1], [1, 0, 2]]
    assert found.preference.dtype == np.int64
    assert found.travel_min.tolist() == MINUTES.to_numpy().tolist()
    assert found.is_own.tolist() == [[True, False, False], [True, False, False], [False, True, False]]


def test_the_order_of_rows_and_columns_of_minutes_does_not_matter():
    shuffled = MINUTES.iloc[::-1, [2, 0, 1]]
    assert zone_dispatch(ZONES, OFFICERS, shuffled).preference.tolist() == [[0, 1, 2], [0, 2, 1], [1, 0, 2]]


def test_a_zone_without_a_school_is_allowed_and_reported():
    found = zone_dispatch(ZONES, OFFICERS, MINUTES)
    assert found.empty_zones == ("3",)
    assert "There is no school in zone 3; its officer only helps elsewhere." in found.summary()


def test_schools_of_a_zone_without_an_officer_are_reported():
    found = zone_dispatch(ZONES, OFFICERS.drop("P2"), MINUTES)
    assert found.preference.tolist()[2] == [0, 1]
    assert "1 school in zones without an officer" in found.summary()
    assert found.zones == ["1", "3", "2"]


def test_two_officers_of_one_zone_both_come_before_others():
    found = zone_dispatch(ZONES, pd.Series({"P1": "2", "P2": "1", "P3": "1"}), MINUTES)
    assert found.preference.tolist() == [[1, 2, 0], [2, 1, 0], [0, 2, 1]]


def test_the_frame_lists_officers_in_order():
    frame = zone_dispatch(ZONES, OFFICERS, MINUTES).to_frame()
    of_b = frame[frame["school_id"] == "b"]
    assert of_b["officer"].tolist() == ["P1", "P3", "P2"]
    assert of_b["place"].tolist() == [1, 2, 3]
    assert of_b["travel_min"].tolist() == [4.0, 3.0, 9.0]
    assert of_b["is_own"].tolist() == [True, False, False]


def test_schools_and_officers_without_a_zone_are_errors_with_ids():
    with pytest.raises(SeveralFaultsError) as caught:
        zone_dispatch(pd.Series({"a": "1", "b": None, "c": ""}), pd.Series({"P1": "1", "P2": pd.NA}), MINUTES)
    schools, officers = caught.value.faults
    assert (schools.problem, schools.ids) == ("Some schools have no zone.", ("b", "c"))
    assert (officers.problem, officers.ids) == ("Some officers have no zone.", ("P2",))


def test_nobody_and_nowhere_are_errors():
    empty = pd.Series([], dtype="str")
    with pytest.raises(SeveralFaultsError, match="There is no school") as caught:
        zone_dispatch(empty, empty, MINUTES)
    assert "There is no officer" in str(caught.value)


def test_what_comes_twice_is_an_error():
    with pytest.raises(InputError, match="Some schools come twice"):
        zone_dispatch(pd.concat([ZONES, ZONES[:1]]), OFFICERS, MINUTES)


def test_minutes_that_cannot_be_used_are_all_reported():
    minutes = MINUTES.drop(index="c").drop(columns="P3").assign(P2=[np.inf, -1.0])
    with pytest.raises(SeveralFaultsError) as caught:
        zone_dispatch(ZONES, OFFICERS, minutes)
    assert [fault.ids for fault in caught.value.faults] == [("P2", "P3"), ("c",)]
    with pytest.raises(InputError, match="Some minutes between officers and schools") as one:
        zone_dispatch(ZONES, OFFICERS, MINUTES.replace(9.0, np.nan))
    assert one.value.ids == ("b from P2",)


def test_officers_wait_at_their_points():
    table = pd.DataFrame([[1, 2], [3, 4]], index=["a", "b"], columns=["x", "y"])
    found = officer_minutes(table, pd.Series({"P1": "y", "P2": "x", "P3": "y"}))
    assert found.to_numpy().tolist() == [[2.0, 1.0, 2.0], [4.0, 3.0, 4.0]]
    assert found.columns.tolist() == ["P1", "P2", "P3"]
    assert found.index.tolist() == ["a", "b"]


def test_an_officer_who_waits_nowhere_is_an_error():
    table = pd.DataFrame([[1.0]], index=["a"], columns=["x"])
    with pytest.raises(InputError, match="Some officers wait at no point") as caught:
        officer_minutes(table, pd.Series({"P1": "x", "P2": None, "P3": "elsewhere"}))
    assert caught.value.ids == ("P2", "P3")


@given(arrays(np.float64, (5, 4), elements=st.sampled_from([0.0, 1.0, 1.0 + 1e-12, 2.5, 7.0])), st.data())
@settings(max_examples=50)
def test_the_order_is_complete_and_never_goes_back(minutes, data):
    is_own = data.draw(arrays(np.bool_, (5, 4)))
    order = by_travel(minutes, is_own=is_own)
    assert (np.sort(order, axis=1) == np.arange(4)).all()
    for row, chosen in enumerate(order):
        keys = [(not is_own[row, k], round(minutes[row, k], 9), k) for k in chosen]
        assert keys == sorted(keys)
