"""The independent check finds every kind of fault in plans that were broken on purpose."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from visit_faults import RULES, visit_faults
from visit_town import HOURS, along_a_road, schools

from safeschools_geo.coverage._visit_rules import VisitRules
from safeschools_geo.coverage._visits import DAY_COLUMNS, STOP_COLUMNS, UNMET_COLUMNS, VisitPlan

TOWN = {
    # B -5- H -10- M -10- E, and F of another zone.
    "schools": pd.concat(
        [schools("H high", "M middle", "E elementary"), schools("F elementary", zone="2")], ignore_index=True
    ),
    "travel_min": along_a_road(B=0, H=5, M=15, E=25, F=30),
    "visits": pd.Series({"H": 1, "M": 1, "E": 1, "F": 0}),
    "hours": HOURS,
    "days": ("Mon", "Tue"),
    "bases": {"1": "B"},
}
RULES_OF_PLAN = VisitRules()
SENT = "Plimwick"


def drawn_plan() -> VisitPlan:
    """Draw a plan by hand: H and M on Monday, E on Tuesday, breaks at M and at the base.

    Monday: H 7:45-7:57, M 8:10-8:22, break at M 11:00-11:30; driving is 5 + 10 + 15 back = 30. Tuesday: E 11:40-11:52,
    back at the base for the break at 13:00; driving is 25 + 25.
    """
    table = [
        ("1", "Mon", 1, "H", f"{SENT} H", 465, 477, "arrival", "B", 5),
        ("1", "Mon", 2, "M", f"{SENT} M", 490, 502, "arrival", "H", 10),
        ("1", "Tue", 1, "E", f"{SENT} E", 700, 712, "lunch", "B", 25),
    ]
    days = [
        ("1", "Mon", 2, 24, 30, 54, 282, 660, 690, "M", 396),
        ("1", "Tue", 1, 12, 50, 62, 282, 780, 810, "B", 388),
        ("2", "Mon", 0, 0, 0, 0, 282, 700, 730, "", 450),
        ("2", "Tue", 0, 0, 0, 0, 282, 700, 730, "", 450),
    ]
    zones = pd.DataFrame(
        [
            ("1", 3, 3, 3, 0, 36 / 60, 80 / 60, 784 / 960, 0.0, False),
            ("2", 0, 0, 0, 0, 0.0, 0.0, 900 / 960, 0.0, False),
        ],
        columns=[
            *("zone_id", "schools", "visits_wanted", "visits_given", "schools_without", "visit_h", "drive_h"),
            *("free_share", "shortfall_h", "is_proven_short"),
        ],
    ).set_index("zone_id")
    return VisitPlan(
        pd.DataFrame(table, columns=list(STOP_COLUMNS)),
        pd.DataFrame(days, columns=list(DAY_COLUMNS)),
        pd.DataFrame([], columns=list(UNMET_COLUMNS)),
        zones,
        RULES_OF_PLAN,
        0,
        0,
    )


def broken(part: str, row: object, **changes) -> VisitPlan:
    plan = drawn_plan()
    frame = getattr(plan, part)
    for column, value in changes.items():
        frame.loc[row, column] = value
    return replace(plan, **{part: frame})


def with_visit(*values) -> VisitPlan:
    plan = drawn_plan()
    more = pd.DataFrame([values], columns=list(STOP_COLUMNS))
    return replace(plan, table=pd.concat([plan.table, more], ignore_index=True))


def found(plan: VisitPlan, **changes) -> set[str]:
    faults = visit_faults(plan, **(TOWN | changes))
    assert set(faults["rule"]) <= set(RULES)
    return set(faults["rule"])


def test_the_drawn_plan_has_no_fault():
    faults = visit_faults(drawn_plan(), **TOWN)
    assert list(faults.columns) == ["rule", "zone_id", "day", "school_id", "detail"]
    assert faults.empty, faults.to_string()


BROKEN = {
    # What is changed, and every rule that it breaks.
    "a school of another zone": (("table", 0, {"school_id": "F"}), {"school"}),
    "an unknown school": (("table", 0, {"school_id": "Z"}), {"school"}),
    "no school day": (("table", 2, {"day": "Sat"}), {"day", "sums"}),
    "too short a visit": (("table", 1, {"leave_min": 495}), {"length"}),
    "outside its window": (("table", 1, {"arrive_min": 515, "leave_min": 527}), {"window"}),
    "a window of another name": (("table", 1, {"window": "lunch"}), {"window"}),
    "a window nobody knows": (("table", 1, {"window": "recess"}), {"window", "windows"}),
    "before the shift": (("table", 0, {"arrive_min": 452, "leave_min": 464}), {"shift"}),
    "after the shift": (
        ("table", 2, {"school_id": "H", "arrive_min": 915, "leave_min": 927, "window": "dismissal"}),
        {"shift"},
    ),
    "no time to drive": (("table", 1, {"arrive_min": 480, "leave_min": 492}), {"travel"}),
    "two places at once": (("table", 1, {"arrive_min": 475, "leave_min": 487}), {"overlap"}),
    "numbers out of order": (("table", 0, {"stop": 2}), {"order"}),
    "less driving told": (("table", 1, {"drive_min": 3}), {"drive"}),
    "more driving told": (("table", 1, {"drive_min": 12}), {"drive"}),
    "from another place": (("table", 1, {"from_id": "B"}), {"drive"}),
    "too short a break": (("days", 0, {"break_to_min": 680}), {"break"}),
    "too early a break": (("days", 0, {"break_from_min": 630, "break_to_min": 660}), {"break"}),
    "too late a break": (("days", 1, {"break_from_min": 790, "break_to_min": 820}), {"break"}),
    "a break during a visit": (("days", 1, {"break_from_min": 705, "break_to_min": 735, "break_at": "E"}), {"overlap"}),
    "a break while driving": (("days", 1, {"break_from_min": 720, "break_to_min": 750}), {"travel"}),
    "a break nowhere": (("days", 0, {"break_at": ""}), {"break"}),
    "a break in another zone": (("days", 3, {"break_at": "H"}), {"break"}),
    "a missing day": (("days", 3, {"day": "Wed"}), {"day"}),
    "a day twice": (("days", 3, {"day": "Mon"}), {"day"}),
    "other minutes of visits": (("days", 0, {"visit_min": 25}), {"sums"}),
    "other minutes of driving": (("days", 0, {"drive_min": 20, "work_min": 44, "free_min": 406}), {"sums"}),
    "another sum": (("days", 0, {"work_min": 50}), {"sums"}),
    "more time left": (("days", 0, {"free_min": 400}), {"sums"}),
    "another limit": (("days", 0, {"limit_min": 300}), {"sums"}),
    "other counts of a zone": (("zones", "1", {"visits_given": 4}), {"sums"}),
    "hours short of nothing": (("zones", "1", {"shortfall_h": 1.0}), {"sums"}),
    "a lack that is none": (
        ("unmet", 0, dict(zip(UNMET_COLUMNS, ("1", "H", "visits", 1, 0, "why"), strict=True))),
        {"visits"},
    ),
    "a lack of an unknown school": (
        ("unmet", 0, dict(zip(UNMET_COLUMNS, ("1", "Z", "windows", 1, 0, "why"), strict=True))),
        {"windows"},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_way_to_break_a_plan_is_found(name):
    (part, row, changes), rules = BROKEN[name]
    assert found(broken(part, row, **changes)) >= rules


NEAR = [name for name, (change, _) in BROKEN.items() if change[0] == "table" and change[1] == 1]


@pytest.mark.parametrize("name", [n for n in NEAR if n not in {"a window nobody knows", "two places at once"}])
def test_a_single_fault_is_reported_as_one(name):
    (part, row, changes), rules = BROKEN[name]
    faults = visit_faults(broken(part, row, **changes), **TOWN)
    assert set(faults["rule"]) == rules
    assert set(faults["school_id"]) <= {"M", "H"}


def test_a_school_visited_twice_on_a_day_is_found():
    plan = with_visit("1", "Mon", 3, "H", f"{SENT} H", 730, 742, "lunch", "M", 10)
    assert found(plan) >= {"twice", "visits", "sums"}


def test_too_many_visits_are_found():
    plan = with_visit("1", "Tue", 2, "H", f"{SENT} H", 735, 747, "lunch", "E", 20)
    assert found(plan) == {"visits", "sums"}


def test_visits_that_are_missing_and_not_reported_are_found():
    plan = drawn_plan()
    assert found(replace(plan, table=plan.table.drop(index=2))) >= {"visits", "sums"}


def test_missing_visits_that_are_reported_are_no_fault():
    plan = drawn_plan()
    lack = pd.DataFrame([("1", "E", "visits", 2, 1, "why")], columns=list(UNMET_COLUMNS))
    zones = plan.zones.copy()
    zones.loc["1", ["visits_wanted", "shortfall_h"]] = [4, 0.4]
    told = replace(plan, unmet=lack, zones=zones)
    wanted = pd.Series({"H": 1, "M": 1, "E": 2, "F": 0})
    assert found(told, visits=wanted) == set()
    assert found(replace(told, unmet=lack.assign(given=0)), visits=wanted) == {"visits"}


def test_time_held_free_is_checked_against_the_share_of_the_zone():
    # 480 × (1 − 0.83) − 30 = 51.6 min are fewer than Monday's 54 and Tuesday's 62.
    faults = visit_faults(drawn_plan(), **TOWN, held_free_share={"1": 0.83})
    assert faults.loc[faults["rule"] == "free_time", "day"].tolist() == ["Mon", "Tue"]


def test_windows_of_a_school_are_checked():
    # In class time, H has none of its windows, and M lacks its share.
    plan = broken("table", 0, arrive_min=510, leave_min=522, window="class", stop=2)
    plan = replace(plan, table=plan.table.assign(stop=[2, 1, 1], from_id=["M", "B", "B"], drive_min=[10, 15, 25]))
    faults = visit_faults(plan, **TOWN)
    assert set(faults.loc[faults["school_id"] == "H", "rule"]) >= {"windows", "first_windows"}
    lunch = broken("table", 0, arrive_min=725, leave_min=737, window="lunch")
    assert "first_windows" in found(lunch)
    assert "windows" not in found(lunch)


def test_a_zone_that_is_not_in_the_table_of_zones_is_found():
    plan = drawn_plan()
    assert found(replace(plan, zones=plan.zones.drop(index="2"))) == {"sums"}


def test_a_break_without_visits_lies_in_the_shift():
    late = replace(RULES_OF_PLAN, shift_start_min=720, shift_end_min=930, break_from_min=660)
    faults = visit_faults(replace(drawn_plan(), rules=late), **TOWN)
    assert {"2"} <= set(faults.loc[faults["rule"] == "shift", "zone_id"])


def test_minutes_that_are_not_known_are_a_fault():
    assert "travel" in found(drawn_plan(), travel_min=TOWN["travel_min"].drop(index="H"))


def test_every_rule_is_broken_by_some_test():
    covered = set().union(*(rules for _, rules in BROKEN.values()))
    assert covered | {"twice", "free_time", "first_windows"} == set(RULES)
