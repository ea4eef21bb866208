import datetime as dt

import pandas as pd
import pytest
import town

from safeschools_geo.district._program_work import program_work
from safeschools_geo.schemas import WORK_REASONS
from safeschools_geo.settings import Bells, CalendarSettings, HoursSettings, Term

TERMS = [Term(name="Fall", start=dt.date(2025, 9, 1), end=dt.date(2025, 9, 12))]
CALENDAR = CalendarSettings(holidays=("2025-09-01",))
HOURS = HoursSettings(start=dt.time(8), end=dt.time(15), levels={"high": Bells(start=dt.time(7), end=dt.time(16))})


def rule(at="2025-09-02 10:00", category="weapons", school="001", *, has_time=True):
    incidents = pd.DataFrame(
        {
            "occurred_at": pd.to_datetime([at]).tz_localize(town.ZONE),
            "has_time": [has_time],
            "category": [category],
            "school_id": pd.array([school], dtype="str"),
        },
        index=["i"],
    )
    found = program_work(incidents, town.schools(), terms=TERMS, calendar=CALENDAR, hours=HOURS)
    assert list(found.index) == ["i"]
    return tuple(found.loc["i"])


# School 001 is an elementary school (8:00 to 15:00), 002 a high school (7:00 to 16:00), 003 outside the program.
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, ("zone_officer", "program_work")),
        ({"category": "non_critical"}, ("patrol", "non_critical")),
        ({"school": None}, ("patrol", "no_school")),
        ({"school": "999"}, ("patrol", "school_not_in_program")),
        ({"school": "003"}, ("patrol", "school_not_in_program")),
        ({"at": "2025-09-01 10:00"}, ("patrol", "not_a_school_day")),
        ({"at": "2025-09-06 10:00"}, ("patrol", "not_a_school_day")),
        ({"at": "2025-12-02 10:00"}, ("patrol", "not_a_school_day")),
        ({"at": "2025-09-02 15:30"}, ("patrol", "outside_hours")),
        ({"at": "2025-09-02 15:30", "school": "002"}, ("zone_officer", "program_work")),
        ({"at": "2025-09-02 00:00", "has_time": False}, ("zone_officer", "program_work_hour_unknown")),
        ({"at": "2025-09-06 00:00", "has_time": False}, ("patrol", "not_a_school_day")),
        ({"category": "threat_assessment"}, ("specialist", "threat_assessment")),
        (
            {"category": "threat_assessment", "at": "2025-09-06 23:00", "school": None},
            ("specialist", "threat_assessment"),
        ),
    ],
)
def test_whose_work_it_is(case, expected):
    assert rule(**case) == expected
    assert expected[1] in WORK_REASONS


def test_without_terms_nothing_is_on_a_school_day():
    incidents = pd.DataFrame(
        {
            "occurred_at": pd.to_datetime(["2025-09-02 10:00"]).tz_localize(town.ZONE),
            "has_time": [True],
            "category": ["weapons"],
            "school_id": ["001"],
        }
    )
    found = program_work(incidents, town.schools(), terms=[], calendar=CALENDAR, hours=HOURS)
    assert found["reason"].tolist() == ["not_a_school_day"]
