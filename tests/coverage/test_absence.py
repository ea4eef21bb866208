"""Absences on a row of three zones that is small enough to draw.

::

    zone 1: a  b   |   zone 2: c   |   zone 3: d        officers P1, P2 and P3 wait at a, c and d
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from queueing_brute_force import erlang_b

from safeschools_geo.coverage._dispatch import zone_dispatch
from safeschools_geo.coverage._plan_scores import Watch, absences, cover_absence
from safeschools_geo.errors import InputError

ZONES = pd.Series({"a": "1", "b": "1", "c": "2", "d": "3"})
POSTS = pd.Series({"P1": "1", "P2": "2", "P3": "3"})
MINUTES = pd.DataFrame(
    {"P1": [0.0, 2.0, 5.0, 9.0], "P2": [5.0, 3.0, 0.0, 4.0], "P3": [9.0, 7.0, 4.0, 0.0]}, index=list("abcd")
)
TAKEN = {("1",): {"a": "2", "b": "2"}, ("2",): {"c": "3"}, ("1", "2"): {"a": "3", "b": "3", "c": "3"}}


def watch(arrivals=(0.2, 0.1, 0.3, 0.4)) -> Watch:
    dispatch = zone_dispatch(ZONES, POSTS, MINUTES)
    return Watch(dispatch, np.array(arrivals), np.ones(3), np.array([1.0, 0.5, 2.0, 1.5]))


def take_over(absent):
    return pd.Series(TAKEN[absent])


def test_every_officer_and_every_pair():
    assert list(absences(["1", "2", "3"])) == [("1",), ("2",), ("3",), ("1", "2"), ("1", "3"), ("2", "3")]
    # Somebody is always there.
    assert list(absences(["1", "2"])) == [("1",), ("2",)]
    assert list(absences(["1"])) == []
    assert len(list(absences([str(z) for z in range(8)]))) == 8 + 28


def test_one_absent_by_hand():
    case = cover_absence(watch(), ["1"], take_over)
    assert case.school_zones.to_dict() == {"a": "2", "b": "2", "c": "2", "d": "3"}
    assert case.schools["school_id"].tolist() == ["a", "b"]
    assert case.schools["zone_after"].tolist() == ["2", "2"]
    assert case.schools["officer_after"].tolist() == ["P2", "P2"]
    loads = case.loads.set_index("zone_id")
    assert loads["schools_before"].to_dict() == {"2": 1, "3": 1}
    assert loads["schools_after"].to_dict() == {"2": 3, "3": 1}
    assert loads["load_after_h"].to_dict() == {"2": 3.5, "3": 1.5}
    # Equal service rates: the overflow is Erlang's, whoever is tried first.
    assert case.figures["overflow_share_before"] == pytest.approx(erlang_b(1.0, 3))
    assert case.figures["overflow_share_after"] == pytest.approx(erlang_b(1.0, 2))
    assert case.figures["imbalance_after"] == pytest.approx(0.4)
    assert "Officer of zone 1 absent: 2 schools to cover; zone 2 takes 2." in case.finding()
    assert "The busiest is zone 2 with 3.5 officer-hours (usually 2.0)." in case.finding()
    pd.testing.assert_frame_equal(case.to_frame(), case.schools)


def test_response_by_hand_where_officers_are_nearly_always_free():
    case = cover_absence(watch(arrivals=(2e-6, 1e-6, 3e-6, 4e-6)), ["1"], take_over)
    # Before: a 0, b 2, c 0, d 0 minutes; after: P2 goes to a in 5, to b in 3, to c in 0.
    assert case.figures["response_min_before"] == pytest.approx(0.2, abs=1e-4)
    assert case.figures["response_min_after"] == pytest.approx((2 * 5 + 1 * 3) / 10, abs=1e-4)
    assert case.schools["response_before_min"].tolist() == pytest.approx([0.0, 2.0], abs=1e-3)
    assert case.schools["response_after_min"].tolist() == pytest.approx([5.0, 3.0], abs=1e-3)


def test_two_absent_leave_one():
    case = cover_absence(watch(), ["1", "2"], take_over)
    assert case.loads["zone_id"].tolist() == ["3"]
    assert case.figures["overflow_share_after"] == pytest.approx(0.5)
    assert case.loads["busy_after_share"].tolist() == pytest.approx([0.5])
    assert case.finding().startswith("Officers of zones 1 and 2 absent: 3 schools to cover; zone 3 takes 3.")


def test_a_school_without_calls_has_a_response_all_the_same():
    case = cover_absence(watch(arrivals=(0.0, 0.1, 0.3, 0.4)), ["1"], take_over)
    assert case.schools["response_after_min"].notna().all()


@pytest.mark.parametrize("absent", [[], ["9"], ["1", "2", "3"]])
def test_who_cannot_be_absent(absent):
    with pytest.raises(InputError, match="Nobody"):
        cover_absence(watch(), absent, take_over)


def test_every_school_has_to_be_covered_by_somebody_who_is_there():
    with pytest.raises(InputError, match="covered by nobody") as error:
        cover_absence(watch(), ["1"], lambda _: pd.Series({"a": "1"}))
    assert error.value.ids == ("a", "b")
