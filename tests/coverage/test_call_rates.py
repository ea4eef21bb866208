"""Rates of calls: counted by hand on four days, spread over hours, redrawn by whole days."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_record import DAYS, HOURS, SCHOOLS, ZONES, call, record

from safeschools_geo.coverage._record import call_rates, program_hours, redrawn
from safeschools_geo.errors import ColumnError, SettingsError, SeveralFaultsError
from safeschools_geo.settings import WorkloadSettings

CALLS = [
    call("a", "2026-01-05 08:10"),
    call("a", "2026-01-05 09:10", scene=50.0),
    call("a", "2026-01-07 09:40"),
    call("h", "2026-01-07 07:45", scene=20.0, category="weapons"),
    # Not counted: patrol's, the specialist's, and another term's.
    call("a", "2026-01-05 09:10", work_of="patrol"),
    call("a", "2026-01-05 09:10", work_of="specialist"),
    call("a", "2025-12-01 09:10"),
]


def rates_of(calls, **options):
    options = {"days": DAYS, "hours": HOURS, "settings": WorkloadSettings(), **options}
    return call_rates(record(calls), SCHOOLS, ZONES, **options)


def test_calls_per_program_hour_are_counted_by_hand():
    rates = rates_of(CALLS)
    # 3 calls on 4 days of 4 hours; none; 1 call on 4 days of 5 hours.
    assert rates.arrivals_per_h.to_dict() == {"a": 3 / 16, "b": 0.0, "h": 1 / 20}
    assert rates.arrivals_per_h.index.name == "school_id"
    assert (rates.days, rates.calls) == (4, 4)
    assert rates.hours_per_day.to_dict() == {"a": 4.0, "b": 4.0, "h": 5.0}


def test_days_without_a_call_are_days():
    rates = rates_of(CALLS)
    assert rates.by_day.sum(axis=1).tolist() == [2, 0, 2, 0]
    assert list(rates.by_day.index) == list(DAYS)


def test_by_hour_is_per_hour_of_program_time():
    rates = rates_of(CALLS)
    assert rates.by_hour.index.tolist() == [7, 8, 9, 10, 11, 12]
    assert rates.by_hour.loc[8, "a"] == pytest.approx(1 / 4)
    assert rates.by_hour.loc[9, "a"] == pytest.approx(2 / 4)
    # The high school has half an hour of program time from 7 to 8: one call on 4 days in 4 × 0.5 h.
    assert rates.by_hour.loc[7, "h"] == pytest.approx(1 / 2)
    assert rates.by_hour.loc[7, "a"] == 0


def test_a_call_of_unknown_hour_is_spread_as_the_others():
    rates = rates_of([*CALLS[:3], call("b", "2026-01-05 00:00", has_time=False)])
    assert rates.hour_unknown == 1
    # The others come at 8 once and at 9 twice.
    assert rates.by_hour["b"].to_dict() == pytest.approx({7: 0, 8: 1 / 12, 9: 2 / 12, 10: 0, 11: 0, 12: 0})


def test_without_any_known_hour_calls_are_spread_over_the_program_time():
    rates = rates_of([call("h", "2026-01-05 00:00", has_time=False)])
    assert rates.by_hour["h"].to_dict() == pytest.approx(dict.fromkeys(range(7, 13), 1 / 20))


@given(
    st.lists(
        st.tuples(st.sampled_from("abh"), st.integers(5, 8), st.integers(8, 11), st.booleans()), min_size=1, max_size=20
    )
)
@settings(max_examples=25)
def test_hours_add_up_to_the_calls_of_a_day(drawn):
    rates = rates_of([call(s, f"2026-01-{d:02d} {h:02d}:30", has_time=known) for s, d, h, known in drawn])
    per_day = (rates.by_hour * rates.hour_share).sum()
    pd.testing.assert_series_equal(per_day, rates.arrivals_per_h * rates.hours_per_day, check_names=False)


def test_program_hours_share_the_clock_hours():
    share = program_hours(SCHOOLS.set_index("school_id")["level"], HOURS)
    assert share["h"].to_dict() == {7: 0.5, 8: 1, 9: 1, 10: 1, 11: 1, 12: 0.5}
    assert share["a"].to_dict() == {7: 0, 8: 1, 9: 1, 10: 1, 11: 1, 12: 0}


def test_few_calls_are_shrunk_towards_all():
    calls = [call("a", "2026-01-05 09:00", scene=50.0)] * 20 + [call("h", "2026-01-05 09:00", scene=20.0)] * 5
    service = rates_of(calls).service
    # Busy minutes with a trip of 10: 20 calls of 60 and 5 of 30, all together 54.
    assert service["mean_min"].to_dict() == {"1": 60.0, "2": 30.0}
    assert service["weight_share"].to_dict() == {"1": 20 / 40, "2": 5 / 25}
    assert service["service_min"].to_dict() == pytest.approx({"1": 0.5 * 60 + 0.5 * 54, "2": 0.2 * 30 + 0.8 * 54})


def test_a_zone_without_calls_has_the_rate_of_all():
    rates = rates_of([call("a", "2026-01-05 09:00")])
    assert rates.service.loc["2", ["calls", "weight_share", "service_min"]].tolist() == [0, 0.0, 40.0]
    assert rates.service_per_h(["2", "1", "of no school"]).tolist() == [1.5, 1.5, 1.5]


def test_minutes_on_scene_by_category():
    assert rates_of(CALLS).scene_min.to_dict() == pytest.approx({"assault_battery": 110 / 3, "weapons": 20.0})


def test_minutes_that_were_worked_out_before_are_taken():
    history = record(CALLS)
    given_min = pd.Series(12.0, index=history.index)
    options = {"days": DAYS, "hours": HOURS, "settings": WorkloadSettings()}
    rates = call_rates(history, SCHOOLS, ZONES, scene_min=given_min, trip_min=given_min / 2, **options)
    assert rates.service_min == 18.0


def test_nothing_is_changed_that_was_given():
    history, schools, zones = record(CALLS), SCHOOLS.copy(), ZONES.copy()
    before = history.copy()
    call_rates(history, schools, zones, days=DAYS, hours=HOURS, settings=WorkloadSettings())
    pd.testing.assert_frame_equal(history, before)
    pd.testing.assert_frame_equal(schools, SCHOOLS)
    pd.testing.assert_series_equal(zones, ZONES)


def test_no_call_leaves_nothing_to_answer():
    rates = rates_of(CALLS[4:])
    assert rates.calls == 0
    assert rates.by_hour.to_numpy().sum() == 0
    assert np.isnan(rates.service_min)
    assert rates.summary() == "0 calls for zone officers on 4 school days: there is nothing to answer."


def test_summary_and_frame_say_what_the_rates_rest_on():
    rates = rates_of([*CALLS, call("b", "2026-01-08 09:00", scene=-5.0)])
    assert "5 calls for zone officers on 4 school days: 0.30 in a program hour" in rates.summary()
    assert "measured for 4 calls and assumed for 1" in rates.summary()
    assert "1 duration of the record could not be believed" in rates.summary()
    assert rates.to_frame().columns.tolist() == ["school_id", "calls", "hours_per_day", "arrivals_per_h"]
    assert rates.to_frame()["calls"].tolist() == [3, 1, 1]


def test_redrawn_days_keep_their_calls_together():
    drawn = redrawn(rates_of(CALLS), draws=500, seed=3)
    assert drawn.shape == (500, 3)
    # Monday has two calls of a, Wednesday one of a and one of h: a's calls are twice Monday's and once Wednesday's.
    a, h = drawn[:, 0] * 16, drawn[:, 2] * 20
    assert (np.isclose((a - h) % 2, 0) | np.isclose((a - h) % 2, 2)).all()
    assert (drawn[:, 1] == 0).all()
    assert drawn.sum(axis=1).min() == 0, "four quiet days can be drawn"


def test_redrawn_rates_vary_around_those_of_the_record():
    rates = rates_of(CALLS)
    drawn = redrawn(rates, draws=4000, seed=1)
    # Calls of a day: 2, 0, 1, 0, variance 11/16; of the mean of four days 11/64; of the rate over 4 h 11/1024.
    assert drawn[:, 0].mean() == pytest.approx(rates.arrivals_per_h["a"], abs=0.006)
    assert drawn[:, 0].var() == pytest.approx(11 / 1024, rel=0.1)


def test_the_same_seed_gives_the_same_rates():
    rates = rates_of(CALLS)
    assert np.array_equal(redrawn(rates, draws=9, seed=7), redrawn(rates, draws=9, seed=7))
    assert not np.array_equal(redrawn(rates, draws=9, seed=7), redrawn(rates, draws=9, seed=8))
    backwards = rates_of(CALLS[::-1])
    assert np.array_equal(redrawn(backwards, draws=9, seed=7), redrawn(rates, draws=9, seed=7))


def test_a_bootstrap_needs_a_draw():
    with pytest.raises(SettingsError, match="needs a day and a draw"):
        redrawn(rates_of(CALLS), draws=0)


def test_calls_at_unknown_places_and_closed_hours_are_reported_together():
    calls = [*CALLS, call("z", "2026-01-05 09:00"), call("a", "2026-01-05 12:10")]
    with pytest.raises(SeveralFaultsError) as caught:
        rates_of(calls)
    assert [fault.ids for fault in caught.value.faults] == [("c7",), ("c8",)]
    assert "not among the schools" in str(caught.value)
    assert "without program time" in str(caught.value)


def test_missing_columns_and_days_are_reported():
    with pytest.raises(SeveralFaultsError) as caught:
        call_rates(
            record(CALLS).drop(columns=["hour", "category"]),
            SCHOOLS.drop(columns="level"),
            ZONES,
            days=[],
            hours=HOURS,
            settings=WorkloadSettings(),
        )
    assert isinstance(caught.value.faults[0], ColumnError)
    assert "category, hour, level of schools" in str(caught.value)
    assert "no school day" in str(caught.value)
