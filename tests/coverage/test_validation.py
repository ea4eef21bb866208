"""Model against record: counted by hand, and on a record that was made by the model's own rules."""

import datetime as dt
import heapq
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from small_record import DAYS, HOURS, SCHOOLS, ZONES, call, record

from safeschools_geo.coverage._dispatch import zone_dispatch
from safeschools_geo.coverage._record import call_rates
from safeschools_geo.coverage._validation import COLUMNS, validate
from safeschools_geo.coverage.queueing import hypercube
from safeschools_geo.errors import InputError
from safeschools_geo.settings import HoursSettings, WorkloadSettings

DISPATCH = zone_dispatch(
    ZONES,
    pd.Series({"P1": "1", "P2": "2"}),
    pd.DataFrame({"P1": [3.0, 4.0, 9.0], "P2": [8.0, 7.0, 2.0]}, index=["a", "b", "h"]),
)

# Calls of a, b and h come 3, 2 and 1 in 16, 16 and 20 hours; 95 % of those of each are answered.
SHARES = np.array([[9 / 11, 2 / 11], [5 / 6, 1 / 6], [0.3, 0.7]])
CALLS_SHARE = np.array([3 / 16, 2 / 16, 1 / 20]) / (3 / 16 + 2 / 16 + 1 / 20)

MODEL = SimpleNamespace(
    busy_share=np.array([0.30, 0.10]),
    dispatch_share=SHARES * (0.95 * CALLS_SHARE)[:, None],
    overflow_share=0.05,
)

CALLS = [
    call("a", "2026-01-05 09:00", trip=10.0, scene=30.0),
    call("a", "2026-01-05 10:00", trip=4.0, scene=50.0, responder="backup_officer"),
    call("a", "2026-01-06 09:00", trip=6.0, scene=34.0),
    call("b", "2026-01-06 09:00", trip=99.0, scene=99.0, responder="patrol"),
    call("b", "2026-01-07 09:00", trip=8.0, scene=None, responder=None),
    call("h", "2026-01-07 09:00", trip=2.0, scene=18.0),
]


def validated(calls=CALLS, model=MODEL, **options):
    history = record(calls)
    rates = call_rates(history, SCHOOLS, ZONES, days=DAYS, hours=HOURS, settings=WorkloadSettings())
    return validate(history, rates, DISPATCH, model, longest_service_min=480.0, **({"least_calls": 1} | options))


def cell(found, measure, zone, column):
    table = found.table.set_index(["measure", "zone_id"])
    return table.loc[(measure, zone), column]


def test_one_row_for_each_measure_and_zone():
    table = validated().table
    assert table.columns.tolist() == COLUMNS
    measures = ["busy", "backup", "overflow", "response", "response_p90", "within", "own"]
    assert table["measure"].drop_duplicates().tolist() == measures
    assert table["zone_id"].tolist() == ["", "1", "2"] * 7


def test_busy_time_by_hand():
    found = validated()
    # Timed calls of officers: 40, 54, 40 and 20 minutes, mean 38.5, which the call that was not cleared counts with.
    # Zone 1 has 4 hours a day on 4 days; its own officer had 40 + 40 + 38.5 minutes.
    assert cell(found, "busy", "1", "observed") == pytest.approx(118.5 / 60 / 16)
    assert cell(found, "busy", "2", "observed") == pytest.approx(20 / 60 / 20)
    both = (40 + 54 + 40 + 38.5) / 60 / 16 / 2 + 20 / 60 / 20 / 2
    assert cell(found, "busy", "", "observed") == pytest.approx(both)


def test_shares_are_of_calls_whose_responder_is_known():
    found = validated()
    assert cell(found, "backup", "", "observed") == pytest.approx(1 / 5)
    assert cell(found, "backup", "1", "observed") == pytest.approx(1 / 4)
    assert cell(found, "overflow", "1", "observed") == pytest.approx(1 / 4)
    assert cell(found, "overflow", "2", "observed") == 0


def test_trips_are_those_of_officers():
    found = validated()
    assert cell(found, "response", "", "observed") == pytest.approx((10 + 4 + 6 + 8 + 2) / 5)
    assert cell(found, "response_p90", "", "observed") == 10.0
    assert cell(found, "response", "2", "observed") == 2.0


def test_calls_reached_in_time_are_of_all_calls():
    found = validated()
    # Trips of 4 and 2 minutes are in time, those of 10, 6 and 8 are not, and patrol's counts as not reached.
    assert cell(found, "within", "", "observed") == pytest.approx(2 / 6)
    assert cell(found, "within", "1", "observed") == pytest.approx(1 / 5)
    # Of zone 1 P1 is there in 3 and 4 minutes; 95 % of calls have an officer.
    assert cell(found, "within", "1", "predicted") == pytest.approx(
        MODEL.dispatch_share[:2, 0].sum() / CALLS_SHARE[:2].sum()
    )
    assert cell(found, "own", "", "observed") == pytest.approx(3 / 5)


def test_predictions_by_hand():
    found = validated()
    rows = MODEL.dispatch_share
    assert cell(found, "backup", "", "predicted") == pytest.approx(rows[:2, 1].sum() + rows[2, 0])
    assert cell(found, "backup", "2", "predicted") == pytest.approx(0.3 * 0.95)
    assert cell(found, "overflow", "1", "predicted") == 0.05
    assert cell(found, "busy", "", "predicted") == pytest.approx(0.2)
    assert cell(found, "busy", "1", "predicted") == pytest.approx(0.3 * rows[:2, 0].sum() / rows[:, 0].sum())
    assert cell(found, "response", "2", "predicted") == pytest.approx(0.3 * 9 + 0.7 * 2)
    assert cell(found, "response_p90", "1", "predicted") == 8.0


def test_a_share_of_none_has_an_exact_interval():
    found = validated([call("h", f"2026-01-0{d} 09:00") for d in (5, 6, 7, 8)] + [call("a", "2026-01-05 09:00")])
    # None of 4: up to 1 − 0.025^(1/4) = 0.602; all draws are none as well.
    assert cell(found, "overflow", "2", "low") == 0
    assert cell(found, "overflow", "2", "high") == pytest.approx(1 - 0.025**0.25)
    assert bool(cell(found, "overflow", "2", "is_within"))


def test_days_are_redrawn_whole():
    # A day with two backups and a day with two own calls: a draw of the two days has 0, 2 or 4 backups of 4.
    calls = [
        call("a", f"2026-01-0{d} {h:02d}:00", responder=who)
        for d, who in ((5, "backup_officer"), (6, "zone_officer"))
        for h in (8, 9)
    ]
    found = validated(calls, draws=200)
    assert cell(found, "backup", "1", "observed") == 0.5
    assert (cell(found, "backup", "1", "low"), cell(found, "backup", "1", "high")) == (0.0, 1.0)


def test_the_same_seed_gives_the_same_intervals():
    assert validated(draws=50, seed=4).table.equals(validated(draws=50, seed=4).table)
    assert not validated(draws=50, seed=4).table.equals(validated(draws=50, seed=5).table)


def test_differences_are_said_first():
    many = [
        call("a", f"2026-01-0{d} {h:02d}:{m:02d}", responder=who)
        for d in (5, 6, 7, 8)
        for h in (8, 9, 10)
        for m, who in enumerate(["zone_officer"] * 7 + ["patrol"] * 2 + ["backup_officer"])
    ]
    found = validated(many)
    text = found.finding()
    assert text.startswith("The record says that ")
    assert (
        "The record says that 20.0% (20.0% to 20.0%) of calls go to patrol; the model says 5.0%. It could be that "
        "patrol answers calls although an officer is free"
    ) in text
    assert text.index("go to patrol") < text.index("Read every figure of the model with this in mind.")
    assert "of single zones" in text
    assert "of the same days" in text
    # Of 120 calls 84 went to the zone's own officer, 12 to the other one and 24 to patrol.
    lead = found.lead()
    assert "the zone’s own officer answered 70.0%, another zone’s officer 10.0%, and Sheriff’s patrol 20.0%" in lead
    assert "overflow (it says 5.0%)" in lead
    assert "take differences between plans from it, not levels" in lead
    assert lead.index("Sheriff’s patrol") < lead.index("The model fails its checks")
    assert found.answered_by_officers() == "96 were answered by them"
    assert found.mark("overflow") == "by the model, which fails its check on overflow (5.0%, recorded 20.0%)"


def test_what_rests_on_too_few_calls_is_not_said():
    few = [call("a", f"2026-01-05 {h:02d}:{m:02d}") for h in (8, 9) for m in range(9)]
    found = validated([*few, call("a", "2026-01-06 08:00")], least_calls=20)
    assert found.table["observed"].isna().all()
    assert "Times of dispatch and arrival are known of 19 of 19 calls (at least 20 and 50% are needed)" in found.lead()
    enough = validated([*few, call("a", "2026-01-06 08:00"), call("a", "2026-01-06 09:00")], least_calls=20)
    assert enough.figure("response").text == "10.0 min"
    assert enough.figure("response", "2").calls == 0
    # Ten calls of thirty with a trip are enough calls, and too small a part of them; who answered is known of all.
    dark = [call("b", f"2026-01-07 {h:02d}:{m:02d}", trip=None) for h in (8, 9) for m in range(10)]
    partly = validated([*few[:10], *dark], least_calls=10)
    assert not partly.shows_minutes
    assert partly.shows_answers
    assert partly.table.set_index("measure").loc[["response", "response_p90", "within"], "predicted"].isna().all()
    assert "min" not in partly.lead().replace("minutes", "").split("Of 30 calls")[1]


def test_a_share_of_calls_that_a_figure_rests_on_is_said():
    calls = [call("a", f"2026-01-05 08:{m:02d}", trip=4.0 if m < 15 else None) for m in range(20)]
    lead = validated(calls).lead()
    assert "an officer was there in 4.0 min (4.0 to 4.0 min) on average" in lead
    assert "(the trip is known at 15 of 20 calls)" in lead


def test_without_responders_nothing_is_said_of_who_answers():
    found = validated([call("a", f"2026-01-05 08:{m:02d}", responder=None) for m in range(30)])
    assert found.shows_minutes
    assert not found.shows_answers
    assert "whoever came was there in 10.0 min" in found.lead()
    assert "The record does not say who answered, so nothing is said of that." in found.lead()
    assert found.answered_by_officers() == ""
    assert found.table.set_index("measure").loc[["own", "backup", "overflow"], "predicted"].isna().all()
    table = pd.DataFrame({"mean_min": [1.0], "overflow_share": [0.1], "calls": [3]})
    kept = found.withheld(table, minutes=["mean_min"], answers=["overflow_share", "absent"])
    assert kept["mean_min"].tolist() == [1.0]
    assert kept["overflow_share"].isna().all()


def test_what_may_be_said_of_a_zone_stands_in_one_row():
    wide = validated().by_zone()
    assert wide.index.tolist() == ["1", "2"]
    assert wide.loc["2", "response_recorded"] == 2.0
    assert wide.loc["2", "response_model"] == pytest.approx(0.3 * 9 + 0.7 * 2)


def test_without_times_it_says_that_minutes_cannot_be_checked():
    untimed = validated([call("a", "2026-01-05 09:00", trip=None), call("h", "2026-01-06 09:00", trip=None)])
    assert not untimed.is_timed
    assert untimed.table.set_index("measure").loc[["busy", "response", "response_p90"], "is_within"].isna().all()
    assert "Not all can be checked: the record has no times of dispatch, arrival and clearing" in untimed.finding()


def test_without_times_and_responders_nothing_can_be_checked():
    blank = validated([call("a", "2026-01-05 09:00", trip=None, responder=None)])
    assert blank.finding() == (
        "The model cannot be checked: the record has no times of dispatch, arrival and clearing that can be used and "
        "does not say who answered. Its figures rest on assumptions alone."
    )
    assert blank.table["is_within"].isna().all()


def test_without_responders_a_zone_has_no_busy_share():
    found = validated([call("a", "2026-01-05 09:00", responder=None)])
    assert np.isnan(cell(found, "busy", "1", "observed"))
    assert cell(found, "busy", "", "observed") == pytest.approx(40 / 60 / 16 / 2)


def test_a_record_of_other_days_is_another_test():
    history = record(CALLS)
    rates = call_rates(history, SCHOOLS, ZONES, days=DAYS, hours=HOURS, settings=WorkloadSettings())
    found = validate(history, rates, DISPATCH, MODEL, longest_service_min=480.0, days=DAYS[2:])
    assert (found.calls, found.days, found.is_own_days) == (2, 2, False)
    assert "of the same days" not in found.finding()
    none = validate(history, rates, DISPATCH, MODEL, longest_service_min=480.0, days=[dt.date(2027, 1, 4)])
    assert "the record has no calls for officers on these days" in none.finding()


def test_what_does_not_fit_is_refused():
    history = record(CALLS)
    rates = call_rates(history, SCHOOLS, ZONES, days=DAYS, hours=HOURS, settings=WorkloadSettings())
    other = zone_dispatch(pd.Series({"x": "1"}), pd.Series({"P1": "1"}), pd.DataFrame({"P1": [1.0]}, index=["x"]))
    with pytest.raises(InputError, match="no rates") as caught:
        validate(history, rates, other, MODEL, longest_service_min=480.0)
    assert caught.value.ids == ("x",)


def test_the_model_agrees_with_a_record_made_by_its_own_rules():
    days = 60
    arrivals, service, preference = np.array([0.5, 0.4, 0.9]), np.array([1.5, 1.5]), DISPATCH.preference
    rng = np.random.default_rng(11)
    busy_until, calls, now, first = [], [], 0.0, pd.Timestamp("2026-01-05")
    free = {0, 1}
    while True:
        now += rng.exponential(1 / arrivals.sum())
        if now >= 24 * days:
            break
        while busy_until and busy_until[0][0] <= now:
            free.add(heapq.heappop(busy_until)[1])
        place = int(rng.choice(3, p=arrivals / arrivals.sum()))
        sent = next((k for k in preference[place] if k in free), None)
        took = 60 * rng.exponential(1 / service[0])
        trip = 0.0 if sent is None else float(DISPATCH.travel_min[place, sent])
        if sent is not None:
            free.remove(sent)
            heapq.heappush(busy_until, (now + took / 60, sent))
        who = "patrol" if sent is None else "zone_officer" if DISPATCH.is_own[place, sent] else "backup_officer"
        when = f"{first + pd.Timedelta(seconds=round(3600 * now))}"
        calls.append(call("abh"[place], when, trip=trip, scene=took - trip, responder=who, delay=0.0))
    history = record(calls)
    all_day = HoursSettings(start=dt.time(0), end=dt.time(23, 59, 59))
    school_days = pd.date_range(first, periods=days)
    rates = call_rates(history, SCHOOLS, ZONES, days=school_days, hours=all_day, settings=WorkloadSettings())
    model = hypercube(arrivals, service, preference)
    found = validate(history, rates, DISPATCH, model, longest_service_min=1e6)
    whole = found.table[found.table["zone_id"] == ""].set_index("measure")
    assert whole.loc[["busy", "backup", "overflow", "response"], "is_within"].all()
    assert found.table["is_within"].mean() > 0.8
    assert "Model and record agree on busy share, backup, overflow" in found.finding()
