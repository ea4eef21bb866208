"""Minutes of calls: measured, assumed, and not believed; every call is in one of the three."""

import pandas as pd
import pytest
from small_record import call, record

from safeschools_geo.coverage._record import believed_minutes, call_durations, minutes_between
from safeschools_geo.settings import WorkloadSettings

SETTINGS = WorkloadSettings(longest_service_min=120.0)


def test_each_call_is_measured_assumed_or_rejected():
    calls = record(
        [
            call("a", "2026-01-05 09:00", trip=6.0, scene=30.0),
            call("a", "2026-01-05 09:00", trip=8.0, scene=None),
            call("a", "2026-01-05 09:00", trip=-4.0, scene=30.0),
            call("a", "2026-01-05 09:00", trip=7.0, scene=121.0),
            call("a", "2026-01-05 09:00", trip=7.0, scene=3000.0, category="weapons"),
            call("a", "2026-01-05 09:00", trip=None),
        ]
    )
    found = call_durations(calls, SETTINGS)
    assert found.counts.loc["trip"].tolist() == [4, 1, 1]
    assert found.counts.loc["scene"].tolist() == [2, 2, 2]
    # Unknown trips take the mean of 6, 8, 7 and 7; unknown scenes the minutes of the category, 45 and 75.
    assert found.minutes["trip_min"].tolist() == [6, 8, 7, 7, 7, 7]
    assert found.minutes["scene_min"].tolist() == [30, 45, 30, 45, 75, 45]
    assert found.minutes["busy_min"].tolist() == [36, 53, 37, 52, 82, 52]
    assert found.rejects.to_dict("records") == [
        {
            "incident_id": "c2",
            "part": "trip",
            "reason": "dispatched_at to arrived_at: -4 min, which is negative",
        },
        {"incident_id": "c3", "part": "scene", "reason": "arrived_at to cleared_at: 121 min, longer than 120"},
        {
            "incident_id": "c4",
            "part": "scene",
            "reason": "arrived_at to cleared_at: 2.1 days, longer than 120 min",
        },
    ]


def test_nothing_and_the_longest_are_believed():
    calls = record([call("a", "2026-01-05 09:00", scene=s) for s in (0.0, 120.0)])
    assert believed_minutes(calls, "arrived_at", "cleared_at", longest_min=120.0).tolist() == [0.0, 120.0]


def test_the_minutes_of_the_crosswalk_come_before_those_of_the_category():
    calls = record([call("a", "2026-01-05 09:00", scene=None)] * 2).assign(service_min=[20.0, None])
    assert call_durations(calls, SETTINGS).minutes["scene_min"].tolist() == [20.0, 45.0]


def test_without_any_times_all_is_assumed():
    calls = record([call("a", "2026-01-05 09:00", trip=None)]).drop(columns=["dispatched_at", "arrived_at"])
    found = call_durations(calls, SETTINGS)
    assert found.counts.to_numpy().tolist() == [[0, 1, 0], [0, 1, 0]]
    assert found.minutes.iloc[0].tolist() == [0.0, 45.0, 45.0]
    assert minutes_between(calls, "dispatched_at", "arrived_at").isna().all()


def test_minutes_given_are_taken_where_they_can_be_believed():
    calls = record([call("a", "2026-01-05 09:00", trip=None)] * 4)
    scene = pd.Series([25.0, -1.0, 2000.0, None])
    found = call_durations(calls, SETTINGS, scene_min=scene, trip_min=pd.Series(5.0, index=calls.index))
    assert found.minutes["scene_min"].tolist() == [25.0, 45.0, 45.0, 45.0]
    assert found.minutes["trip_min"].tolist() == [5.0] * 4
    assert found.counts.loc["scene"].tolist() == [0, 2, 2]
    assert found.rejects["reason"].tolist() == [
        "as given: -1 min, which is negative",
        "as given: 1.4 days, longer than 120 min",
    ]


def test_a_time_that_is_not_believed_is_reported_once_though_its_minutes_are_given():
    calls = record([call("a", "2026-01-05 09:00", scene=-20.0)])
    found = call_durations(calls, SETTINGS, scene_min=pd.Series([33.0]))
    assert found.minutes["scene_min"].tolist() == [33.0]
    assert found.counts.loc["scene"].tolist() == [0, 0, 1]
    assert len(found.rejects) == 1


@pytest.mark.parametrize("rows", [0, 3])
def test_counts_add_up_to_the_calls(rows):
    calls = record([call("a", "2026-01-05 09:00")] * 3).iloc[:rows]
    found = call_durations(calls, SETTINGS)
    assert found.counts.sum(axis=1).tolist() == [rows, rows]
    assert len(found.minutes) == rows
