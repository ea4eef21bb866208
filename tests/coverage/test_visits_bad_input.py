"""What no visit plan can be made from is refused: what is wrong, with whom, and how to fix it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from visit_town import random_town

from safeschools_geo.coverage._visit_rules import SchoolHours, VisitRules
from safeschools_geo.coverage._visits import plan_visits
from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError

TOWN = random_town(1, zones=2, per_zone=3)


def refused(**changes) -> str:
    with pytest.raises(InputError) as error:
        plan_visits(**(TOWN | changes))
    return str(error.value)


def travel(**changes) -> pd.DataFrame:
    minutes = TOWN["travel_min"].copy()
    for pair, value in changes.items():
        before, after = pair.split("_")
        minutes.loc[before.strip("s"), after.strip("s")] = value
    return minutes


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_minutes_that_are_missing_endless_or_negative_name_the_pair(value):
    message = refused(travel_min=travel(s100_s101=value))
    assert "travel" in message
    assert "100 to 101" in message


def test_minutes_between_zones_are_not_needed():
    plan = plan_visits(**(TOWN | {"travel_min": travel(s100_s201=np.nan)}))
    assert plan.is_complete


def test_minutes_of_a_school_that_is_not_visited_are_not_needed():
    wanted = TOWN["visits"].mask(TOWN["visits"].index == "100", 0)
    plan = plan_visits(**(TOWN | {"travel_min": travel(s100_s101=np.nan), "visits": wanted}))
    assert "100" not in set(plan.table["school_id"])


def test_a_place_that_is_not_in_the_table_of_minutes_is_named():
    message = refused(travel_min=TOWN["travel_min"].drop(index="B2"))
    assert "not in the table of travel minutes" in message
    assert "B2" in message


def test_a_place_that_is_there_twice_is_named():
    minutes = TOWN["travel_min"]
    message = refused(travel_min=pd.concat([minutes, minutes.loc[["102"]]]))
    assert "Rows: 102" in message


def test_a_school_without_hours_is_named_with_its_level():
    levels = TOWN["schools"]["level"].mask(TOWN["schools"]["school_id"] == "201", "k8")
    message = refused(schools=TOWN["schools"].assign(level=levels))
    assert "have no hours" in message
    assert "201" in message
    assert "k8" in message


@pytest.mark.parametrize("given", ["bases", "held_free_share"])
def test_a_zone_without_a_school_is_named(given):
    changes = {"bases": {"1": "B1", "9": "B1"}} if given == "bases" else {"held_free_share": {"9": 0.2}}
    message = refused(**changes)
    assert "A zone has no school" in message
    assert "Rows: 9" in message


def test_no_school_at_all_is_refused():
    assert "no school to visit" in refused(schools=TOWN["schools"].head(0))


def test_schools_without_a_zone_or_listed_twice_are_all_named():
    table = TOWN["schools"].assign(zone_id=["1", None, "", "2", "2", "2"], school_id=["a", "b", "c", "d", "e", "e"])
    message = refused(schools=table)
    assert "b, c" in message
    assert "listed more than once" in message


def test_a_missing_column_is_named():
    assert "level" in refused(schools=TOWN["schools"].drop(columns="level"))


@pytest.mark.parametrize("value", [1.5, -1, np.nan])
def test_visits_that_are_no_whole_number_are_named(value):
    wanted = TOWN["visits"].astype("float64").mask(TOWN["visits"].index == "102", value)
    message = refused(visits=wanted)
    assert "no whole number of visits" in message
    assert "102" in message


def test_a_school_without_visits_stated_is_named():
    assert "200" in refused(visits=TOWN["visits"].drop("200"))


@pytest.mark.parametrize("days", [(), ("Tue", "Mon"), ("Mon", "Mon"), ("Monday",)])
def test_days_have_to_be_days_in_order(days):
    assert "days in their order" in refused(days=days)


@pytest.mark.parametrize("share", [-0.1, 1.2, np.nan])
def test_a_share_held_free_is_a_share(share):
    assert "between 0 and 1" in refused(held_free_share={"1": share})


def test_a_zone_with_no_time_left_is_refused():
    assert "longer than the shift" in refused(held_free_share={"1": 0.99})


def test_a_negative_seed_is_refused():
    with pytest.raises(SettingsError, match="seed"):
        plan_visits(**TOWN, seed=-1)


def test_all_faults_are_reported_at_once():
    with pytest.raises(SeveralFaultsError) as error:
        plan_visits(**(TOWN | {"travel_min": travel(s100_s101=np.nan), "hours": {}, "days": ()}))
    assert len(error.value.faults) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"visit_min": 0}, "at least a minute"),
        ({"visit_min": 12.5}, "not a whole number"),
        ({"arrival_before_min": -5}, "negative"),
        ({"window_share": 1.5}, "between 0 and 1"),
        ({"held_free_share": float("nan")}, "between 0 and 1"),
        ({"first_windows": {"high": ("recess",)}}, "not one of ours"),
        ({"first_windows": {"high": ()}}, "not one of ours"),
        ({"shift_start_min": 930, "shift_end_min": 450}, "end after it starts"),
        ({"shift_end_min": 1500}, "same day"),
        ({"break_from_min": 800}, "does not fit"),
        ({"shift_end_min": 680}, "does not fit"),
        ({"held_free_share": 0.95}, "no time for a visit"),
        ({"class_span_min": 5}, "holds no visit"),
        ({"variation_min": 90}, "too long"),
        ({"iterations": 0}, "an iteration"),
    ],
)
def test_rules_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(SettingsError, match=words):
        VisitRules(**changes)


def test_all_rules_that_are_wrong_are_reported_at_once():
    with pytest.raises(SeveralFaultsError) as error:
        VisitRules(visit_min=-1, window_share=2, break_min=float("inf"))
    assert len(error.value.faults) == 3


def test_whole_numbers_of_another_kind_become_minutes():
    rules = VisitRules(visit_min=12.0, break_min=np.int64(20))
    assert (type(rules.visit_min), type(rules.break_min)) == (int, int)
    assert rules.work_limit_min() == 292


@pytest.mark.parametrize(
    "bells",
    [(480, 470, 500, 900), (480, 740, 700, 900), (480, 480, 480, 480), (480, 700, 740, 1500), (480, 700.5, 740, 900)],
)
def test_bells_have_to_be_in_order(bells):
    with pytest.raises(SettingsError, match="not in order"):
        SchoolHours(start_min=bells[0], lunch_from_min=bells[1], lunch_to_min=bells[2], end_min=bells[3])
