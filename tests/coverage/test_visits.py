"""Weekly visit plans: the one plan of a drawn town, known shortfalls, the same seed, and no fault in any town."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visit_faults import visit_faults
from visit_town import HOURS, QUICK, all_apart, along_a_road, random_town, schools

from safeschools_geo.coverage._visit_rules import SchoolHours, VisitRules
from safeschools_geo.coverage._visits import plan_visits

ROAD = {
    # H ---10 min--- M ---10 min--- E, first bells 8:00, 8:15, 8:30: arrival 7:30-8:15, 7:45-8:30, 8:00-8:45.
    "schools": schools("E elementary", "M middle", "H high"),
    "travel_min": along_a_road(H=0, M=10, E=20),
    "visits": pd.Series({"H": 1, "M": 1, "E": 1}),
    "hours": HOURS,
    "days": ("Wed",),
}


def rules_until(end_min: int, **options) -> VisitRules:
    """Make a shift from 7:30 without a break, in which there is arrival only."""
    return VisitRules(shift_end_min=end_min, break_min=0, **{"held_free_share": 0.0, **options})


def test_a_school_s_own_bells_go_before_those_of_its_level():
    # E lets out at 9:00 and has no lunch: it is all that is open to the officer before the shift ends.
    noon = SchoolHours(start_min=450, lunch_from_min=540, lunch_to_min=540, end_min=540)
    given = {**ROAD, "visits": pd.Series({"H": 0, "M": 0, "E": 1})}
    rules = VisitRules(shift_start_min=450, shift_end_min=480, break_min=0, held_free_share=0.0)
    assert plan_visits(**given, rules=rules).to_frame().empty  # by its level the first bell is at 8:30
    plan = plan_visits(**{**given, "hours": {**HOURS, "E": noon}}, rules=rules)
    assert plan.to_frame()["window"].tolist() == ["arrival"]
    late = VisitRules(shift_start_min=560, shift_end_min=900, break_min=0, held_free_share=0.0)
    assert plan_visits(**{**given, "hours": {**HOURS, "E": noon}}, rules=late).to_frame().empty
    assert not plan_visits(**given, rules=late).to_frame().empty


def test_three_schools_on_a_road_leave_one_plan():
    # 3 × 12 min of visits and 2 × 10 of driving fill a shift of 56 min. M before 7:45 is too early, and H after M, or E
    # before M, would miss the window of the other.
    plan = plan_visits(**ROAD, rules=rules_until(506))
    assert plan.to_frame().to_dict("list") == {
        "zone_id": ["1"] * 3,
        "day": ["Wed"] * 3,
        "stop": [1, 2, 3],
        "school_id": ["H", "M", "E"],
        "name": ["Plimwick H", "Plimwick M", "Plimwick E"],
        "arrive": ["07:30", "07:52", "08:14"],
        "leave": ["07:42", "08:04", "08:26"],
        "window": ["arrival"] * 3,
        "from_id": ["", "H", "M"],
        "drive_min": [0, 10, 10],
    }
    day = plan.days.iloc[0]
    assert (day["visit_min"], day["drive_min"], day["work_min"], day["limit_min"], day["free_min"]) == (
        36,
        20,
        56,
        56,
        0,
    )
    assert plan.is_complete
    assert plan.zones["shortfall_h"].to_dict() == {"1": 0.0}
    assert plan.summary().splitlines() == [
        "Week 0: 3 of 3 visits planned in 1 zone on 1 day, 12 min each.",
        "Zone 1 gives every school its visits: 0.6 h of visits and 0.3 h of driving, 0% of the shift left for calls.",
    ]


def test_a_longer_shift_keeps_the_order_and_draws_the_times():
    # Until 8:45: H can start 7:30 to 8:03, M to 8:18, E to 8:33, and no other order fits.
    plans = [plan_visits(**ROAD, rules=rules_until(525), seed=seed).table for seed in range(8)]
    assert all(list(table["school_id"]) == ["H", "M", "E"] for table in plans)
    starts = {tuple(table["arrive_min"]) for table in plans}
    assert len(starts) > 4
    assert all(450 <= h <= 483 and h + 22 <= m <= 498 and m + 22 <= e <= 513 for h, m, e in starts)


def test_a_base_is_driven_from_and_back_to():
    # B is 5 min before H: 5 + 20 out, 25 back, and 36 of visits are 86 min, from 7:30 to 8:56.
    town = ROAD | {"travel_min": along_a_road(B=0, H=5, M=15, E=25), "bases": {"1": "B"}}
    plan = plan_visits(**town, rules=rules_until(536))
    assert list(plan.table["from_id"]) == ["B", "H", "M"]
    assert list(plan.table["arrive_min"]) == [455, 477, 499]
    assert list(plan.days["drive_min"]) == [50]
    assert visit_faults(plan, **town).empty


def test_a_minute_too_few_leaves_a_school_out_and_says_so():
    # 56 min of work and 55 that may be used: 1/60 h short, and no other plan has less work.
    plan = plan_visits(**ROAD, rules=rules_until(506, held_free_share=1 / 56))
    assert len(plan.table) == 2
    assert plan.zones["shortfall_h"]["1"] == pytest.approx(1 / 60)
    assert plan.sentence("1") == (
        "Zone 1 cannot give every school a weekly visit: less than 0.1 h short (1 of 3 schools has none)."
    )
    assert plan.unmet[["kind", "wanted", "given", "reason"]].to_numpy().tolist() == [
        ["visits", 1, 0, "the work of every day is full"]
    ]


@pytest.mark.parametrize(("days", "number", "given", "short_min"), [(1, 5, 4, 18), (2, 9, 8, 18), (1, 6, 4, 18 + 72)])
def test_schools_an_hour_apart_are_short_by_known_hours(days, number, given, short_min):
    # A shift of 480 min leaves 480 × 0.65 − 30 = 282. Four visits and three ways are 228; a fifth adds 72: 18 too many.
    ids = [f"S{i}" for i in range(number)]
    town = {
        "schools": schools(*(f"{i} elementary" for i in ids)),
        "travel_min": all_apart(ids, 60),
        "visits": pd.Series(1, index=ids),
        "hours": HOURS,
        "days": ("Mon", "Thu")[:days],
    }
    plan = plan_visits(**town, rules=VisitRules(window_share=0))
    assert len(plan.table) == given
    assert plan.zones["shortfall_h"]["1"] * 60 == pytest.approx(short_min)
    assert bool(plan.zones.loc["1", "is_proven_short"])
    assert plan.sentence("1").startswith(
        f"Zone 1 cannot give every school a weekly visit: {short_min / 60:.1f} h short"
    )
    assert visit_faults(plan, **town).empty


def test_a_school_too_far_for_a_day_is_named_with_its_minutes():
    town = {
        "schools": schools("A elementary", "F elementary"),
        "travel_min": along_a_road(B=0, A=5, F=140),
        "visits": pd.Series({"A": 1, "F": 1}),
        "hours": HOURS,
        "bases": {"1": "B"},
    }
    plan = plan_visits(**town, rules=QUICK)
    assert list(plan.unmet["reason"]) == ["one visit with its driving takes 292 min, and a day has 282"]
    assert plan.zones["shortfall_h"]["1"] * 60 == pytest.approx(10)
    assert "cannot" in plan.sentence("1")


def test_schools_that_close_before_the_shift_have_no_window():
    plan = plan_visits(**ROAD, rules=VisitRules(shift_start_min=930, shift_end_min=1200, break_min=0))
    assert set(plan.unmet["reason"]) == {"no window of its school day lies in the shift"}
    assert plan.table.empty
    assert visit_faults(plan, **ROAD).empty


def test_more_visits_than_days_are_reported_and_are_no_hours():
    town = ROAD | {"visits": pd.Series({"H": 0, "M": 0, "E": 2})}
    plan = plan_visits(**town, rules=QUICK)
    assert list(plan.unmet["reason"]) == ["more visits are wanted than there are school days (1)"]
    assert plan.zones["shortfall_h"]["1"] == 0
    told = "but 1 of 2 visits wanted is missing: a school gets one a day at most."
    assert plan.sentence("1") == f"Zone 1 gives every school a weekly visit, {told}"


@pytest.mark.parametrize(("visits", "running"), [(2, 0), (3, 1)])
def test_visits_of_a_school_are_spread_over_the_week(visits, running):
    # Three visits are mostly on Mon, Wed and Fri, and now and then two of them on days running.
    week = ("Mon", "Tue", "Wed", "Thu", "Fri")
    town = ROAD | {"visits": pd.Series({"H": visits, "M": 0, "E": 0}), "days": week}
    for seed in range(6):
        days = sorted(map(week.index, plan_visits(**town, rules=QUICK, seed=seed).table["day"]))
        assert len(set(days)) == visits
        assert (np.diff(days) == 1).sum() <= running


def test_a_holiday_between_two_days_parts_them():
    town = ROAD | {"visits": pd.Series({"H": 2, "M": 0, "E": 0}), "days": ("Mon", "Tue", "Thu")}
    for seed in range(6):
        days = set(plan_visits(**town, rules=QUICK, seed=seed).table["day"])
        assert days != {"Mon", "Tue"}


def test_days_are_about_equally_long():
    town = random_town(3, per_zone=10, scale_min=12)
    days = plan_visits(**town, rules=QUICK).days
    longest_detour = 2 * np.ceil(town["travel_min"].to_numpy().max())
    assert days["work_min"].max() - days["work_min"].min() <= QUICK.visit_min + longest_detour
    assert days["visits"].max() - days["visits"].min() <= 2


def test_half_of_the_visits_are_in_special_windows_and_one_of_a_high_school_at_the_gates():
    town = random_town(4, per_zone=8, scale_min=12)
    plan = plan_visits(**town, rules=QUICK)
    level = town["schools"].set_index("school_id")["level"]
    for school, windows in plan.table.groupby("school_id")["window"]:
        assert windows.isin(["arrival", "lunch", "dismissal"]).sum() >= len(windows) / 2
        assert level[school] != "high" or windows.isin(["arrival", "dismissal"]).any()


def test_the_same_seed_is_the_same_plan_and_another_seed_or_week_is_another():
    town = random_town(5, per_zone=6)
    first, again = (plan_visits(**town, rules=QUICK, seed=7, week=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_frame_equal(first.days, again.days)
    for other in (plan_visits(**town, rules=QUICK, seed=8, week=3), plan_visits(**town, rules=QUICK, seed=7, week=4)):
        order = other.table.groupby("day", sort=False)["school_id"].agg(tuple)
        assert not order.equals(first.table.groupby("day", sort=False)["school_id"].agg(tuple))


def test_weeks_cannot_be_forecast():
    # Over ten weeks every school has visits on three days and in two windows at least, and none thrice in one minute.
    town = random_town(6, per_zone=4)
    weeks = pd.concat([plan_visits(**town, rules=QUICK, week=week).table for week in range(10)])
    for _, visits in weeks.groupby("school_id"):
        assert visits["day"].nunique() >= 3
        assert visits["window"].nunique() >= 2
        assert visits.groupby(["day", "arrive_min"]).size().max() <= 2


def test_the_plan_of_a_zone_does_not_depend_on_other_zones():
    town = random_town(8, zones=2, per_zone=4)
    both = plan_visits(**town, rules=QUICK).table
    own = town["schools"][town["schools"]["zone_id"] == "2"]
    alone = plan_visits(**{**town, "schools": own, "bases": {"2": "B2"}}, rules=QUICK).table
    pd.testing.assert_frame_equal(both[both["zone_id"] == "2"].reset_index(drop=True), alone)


def test_what_was_given_is_not_changed():
    town = random_town(9, zones=2, per_zone=3)
    copies = {name: town[name].copy() for name in ("schools", "travel_min", "visits")}
    plan_visits(**town, rules=QUICK)
    pd.testing.assert_frame_equal(town["schools"], copies["schools"])
    pd.testing.assert_frame_equal(town["travel_min"], copies["travel_min"])
    pd.testing.assert_series_equal(town["visits"], copies["visits"])


def test_a_zone_of_more_schools_than_are_proven_is_planned():
    town = random_town(10, per_zone=16, scale_min=8)
    plan = plan_visits(**town, rules=QUICK)
    assert plan.is_complete
    assert visit_faults(plan, **town).empty


def test_time_held_free_of_one_zone_is_its_own():
    town = random_town(11, zones=2, per_zone=5, scale_min=30)
    plan = plan_visits(**town, rules=QUICK, held_free_share={"1": 0.85})
    assert plan.days.groupby("zone_id")["limit_min"].first().to_dict() == {"1": 42, "2": 282}
    assert plan.summary().splitlines()[1].startswith("Zone 1")
    assert visit_faults(plan, **town, held_free_share={"1": 0.85}).empty


@settings(max_examples=40)
@given(
    town=st.fixed_dictionaries(
        {
            "seed": st.integers(0, 10_000),
            "zones": st.integers(1, 2),
            "per_zone": st.integers(1, 5),
            "scale_min": st.sampled_from([0.0, 5.0, 40.0, 150.0]),
            "has_base": st.booleans(),
        }
    ),
    days=st.sets(st.sampled_from(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]), min_size=1, max_size=5),
    rules=st.fixed_dictionaries(
        {
            "window_share": st.sampled_from([0.0, 0.4, 1.0]),
            "held_free_share": st.sampled_from([0.0, 0.35, 0.8]),
            "shift_start_min": st.sampled_from([420, 450, 600]),
            "shift_end_min": st.sampled_from([840, 930, 960]),
            "break_min": st.sampled_from([0, 30]),
            "iterations": st.just(20),
        }
    ),
)
def test_no_plan_has_a_fault(town, days, rules):
    in_order = tuple(day for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat") if day in days)
    given_town = random_town(**town) | {"days": in_order}
    plan = plan_visits(**given_town, rules=VisitRules(**rules), seed=town["seed"])
    faults = visit_faults(plan, **given_town)
    assert faults.empty, faults.to_string()
