"""What earlier terms say: counted by hand, recovered where it was planted, and tested on the term itself."""

import numpy as np
import pandas as pd
import pytest
from small_record import DAYS, HOURS, SCHOOLS, ZONES, call, record

from safeschools_geo.coverage import calibrate
from safeschools_geo.coverage._calibration import Calibration, assumptions_tested
from safeschools_geo.coverage._dispatch import Practice, zone_dispatch
from safeschools_geo.coverage._plan_scores import Watch, cover_absence, queueing_model
from safeschools_geo.coverage._record import call_rates
from safeschools_geo.coverage._response import response
from safeschools_geo.coverage.queueing import hypercube
from safeschools_geo.errors import ColumnError
from safeschools_geo.settings import CoverageSettings, WorkloadSettings

WAYS = pd.DataFrame(
    {
        "zone_id": ["1", "1", "2"],
        "waiting_min": [1.0, 4.0, 8.0],
        "roaming_min": [3.0, 5.0, 2.0],
        "other_min": [6.0, 6.0, 6.0],
    },
    index=pd.Index(["a", "b", "h"], name="school_id"),
)


def trips(line, *, days=10, responder="zone_officer"):
    """Make a call at each school on each day, an hour and a half apart, with the trip that a line gives."""
    first = pd.Timestamp("2026-01-05")
    return [
        call(school, f"{first + pd.Timedelta(days=d, hours=9 + n)}", trip=line(school), scene=20.0, responder=responder)
        for d in range(days)
        for n, school in enumerate(WAYS.index)
    ]


def found_in(calls, **options):
    return calibrate(record(calls), WAYS, **options)


def test_a_line_without_errors_is_found_exactly():
    found = found_in(trips(lambda school: 2.0 + 1.5 * WAYS.loc[school, "waiting_min"]))
    assert found.value("turnout_min") == pytest.approx(2.0, abs=1e-3)
    assert found.value("trip_factor") == pytest.approx(1.5, abs=1e-3)
    assert found.value("roaming_share") == pytest.approx(0.0, abs=1e-3)
    assert found.ratios == pytest.approx(np.ones(len(found.ratios)), abs=1e-3)
    # From the waiting place it is 4 minutes, from another zone's 6: 2 + 1.5 × 4.
    assert found.trip_min(np.array([4.0]), np.array([3.0])) == pytest.approx([8.0], abs=1e-2)
    assert "A trip takes 2.0 min (2.0 to 2.0 min) plus 1.50 (1.50 to 1.50) times the way on the map" in found.summary()
    assert found.terms == ("Spring",)


def test_officers_who_set_out_from_any_of_their_schools_are_found_out():
    ways = WAYS.assign(roaming_min=[5.0, 2.0, 3.0])
    calls = trips(
        lambda school: 1.0 + 2.0 * (0.25 * ways.loc[school, "waiting_min"] + 0.75 * ways.loc[school, "roaming_min"])
    )
    found = calibrate(record(calls), ways)
    assert found.value("trip_factor") == pytest.approx(2.0, abs=1e-2)
    assert found.value("roaming_share") == pytest.approx(0.75, abs=1e-2)
    assert "from any of their schools to 75%" in found.summary()


def test_what_officers_began_has_no_trip_and_is_no_call():
    began = [{**one, "origin": "officer_initiated"} for one in trips(lambda _: 0.0)]
    sent = [{**one, "origin": "reported"} for one in trips(lambda school: 2.0 + WAYS.loc[school, "waiting_min"])]
    both, alone = found_in(began + sent), found_in(sent)
    for name in ("turnout_min", "trip_factor", "service_min"):
        assert both.value(name) == pytest.approx(alone.value(name))
    assert (both.calls, alone.calls) == (30, 30)
    rates = call_rates(
        record(
            [
                {**call("a", "2026-01-05 09:00", scene=48.0), "origin": "officer_initiated"},
                call("h", "2026-01-06 09:00"),
            ]
        ),
        SCHOOLS,
        ZONES,
        days=DAYS,
        hours=HOURS,
        settings=WorkloadSettings(),
    )
    assert (rates.calls, rates.began) == (1, 1)
    # 48 minutes of the 4 × 4 hours of zone 1.
    assert rates.began_share.to_dict() == pytest.approx({"1": 48 / 60 / 16, "2": 0.0})
    assert "Officers began 1 incident more themselves" in rates.summary()


def answered(who, *, on_call):
    """Give 20 calls: the first hour of each day with a call that keeps the officer, if they come while on one."""
    calls = []
    for n, responder in enumerate(who):
        day = pd.Timestamp("2026-01-05") + pd.Timedelta(days=n)
        if on_call:
            calls.append(call("a", f"{day + pd.Timedelta(hours=9)}", scene=50.0))
        calls.append(call("b", f"{day + pd.Timedelta(hours=9, minutes=30)}", responder=responder))
    return calls


def test_who_is_sent_while_the_officer_is_on_no_call_and_on_one():
    free = answered([*["patrol"] * 8, *["backup_officer"] * 8, *["zone_officer"] * 24], on_call=False)
    found = found_in(free)
    assert found.value("diverted_share") == pytest.approx(8 / 40)
    assert found.value("unavailable_share") == pytest.approx(8 / 32)
    assert found.value("kept_share") == 0.0
    # The officer is on a call until 10:02; of 24 calls in that time nine wait. Those of 9:00 came while on none.
    held = answered([*["backup_officer"] * 15, *["zone_officer"] * 9], on_call=True)
    found = found_in(held)
    assert found.value("diverted_share") == 0.0
    assert found.value("unavailable_share") == 0.0
    assert found.value("kept_share") == pytest.approx(9 / 24)
    assert "while the zone’s officer was on a call, that officer answered 37.5%" in found.summary()


def test_the_settings_fix_what_they_say():
    calls = trips(lambda school: 2.0 + 1.5 * WAYS.loc[school, "waiting_min"])
    fixed = CoverageSettings(turnout_min=0.5, diverted_share=0.1)
    found = found_in(calls, settings=fixed)
    assert found.value("turnout_min") == 0.5
    assert found.value("diverted_share", "2") == 0.1
    assert found.value("trip_factor") > 1.5
    assert "By the settings: minutes before the trip begins" in found.summary()
    alone = calibrate(record(calls).head(0), WAYS, settings=CoverageSettings(turnout_min=2.0, trip_factor=1.25))
    assert alone.trip_min(np.array([4.0]), np.array([9.0])).tolist() == [7.0]
    assert set(alone.table["source"]) == {"settings"}


def test_without_times_or_earlier_terms_it_says_so():
    untimed = [{**one, "dispatched_at": pd.NaT, "cleared_at": pd.NaT} for one in trips(lambda _: None)]
    found = found_in(untimed)
    assert found.is_empty
    assert found.trip_min(np.array([4.0]), np.array([9.0])).tolist() == [4.0]
    assert "The model is not calibrated" in found.summary()
    assert calibrate(record(untimed).head(0), WAYS).is_empty
    with pytest.raises(ColumnError, match="columns that are missing") as caught:
        calibrate(record(untimed).drop(columns="responder"), WAYS.drop(columns="other_min"))
    assert "no responder and other_min of ways" in str(caught.value)


def drawn(*, days=400, seed=3, turnout=2.5, factor=1.4, diverted=0.1, unavailable=0.12, extra=3.0):
    """Play two zones with an officer each, and others enough to help, whose truths are planted."""
    rng, calls, first = np.random.default_rng(seed), [], pd.Timestamp("2025-01-06")
    for day in range(days):
        until = {"1": 0.0, "2": 0.0}
        for minute in np.sort(rng.uniform(0, 240, rng.poisson(3))):
            school = rng.choice(["a", "b", "h"])
            mine = ZONES[school]
            is_here = rng.random() >= unavailable and until[mine] <= minute
            who = "zone_officer" if is_here else "backup_officer"
            who = "patrol" if rng.random() < diverted else who
            way = WAYS.loc[school, "waiting_min" if who == "zone_officer" else "other_min"]
            mean = turnout + factor * way + (extra if who == "backup_officer" else 0.0)
            trip, scene = mean * rng.gamma(6, 1 / 6), 25 * rng.gamma(3, 1 / 3)
            if who == "zone_officer":
                until[mine] = minute + trip + scene
            at = first + pd.Timedelta(days=day, hours=8, seconds=round(60 * minute))
            calls.append(call(school, f"{at}", trip=trip, scene=scene, responder=who, delay=0.0))
    return calls


TRUTHS = {
    "turnout_min": 2.5,
    "trip_factor": 1.4,
    "diverted_share": 0.1,
    "unavailable_share": 0.12,
    "backup_extra_min": 3.0,
}


def test_planted_truths_are_recovered_within_their_intervals():
    found = found_in(drawn())
    table = found.table[found.table["zone_id"] == ""].set_index("measure")
    for name, truth in TRUTHS.items():
        assert table.loc[name, "low"] <= truth <= table.loc[name, "high"], name
    assert found.value("kept_share") == 0.0
    assert found.ratios.mean() == pytest.approx(1.0)
    assert found.ratios.std() == pytest.approx(6**-0.5, rel=0.1)


def test_the_same_seed_gives_the_same_calibration():
    calls = drawn(days=40)
    assert found_in(calls, seed=4).table.equals(found_in(calls, seed=4).table)
    assert not found_in(calls, seed=4).table.equals(found_in(calls, seed=5).table)


def test_zones_differ_as_far_as_the_record_bears_it():
    rng = np.random.default_rng(0)
    same = trips(lambda _: 6.0 * rng.gamma(6, 1 / 6), days=40)
    late = [
        {**one, **{name: one[name] + pd.Timedelta(minutes=9) for name in ("arrived_at", "cleared_at")}}
        if one["school_id"] == "h"
        else one
        for one in same
    ]
    ways = WAYS.assign(waiting_min=[4.0, 4.0, 4.0], roaming_min=[3.0, 5.0, 4.0])
    calm, rough = (
        calibrate(record(calls), ways).table.query("measure == 'zone_extra_min'")["value"].abs().max()
        for calls in (same, late)
    )
    assert calm < 0.5 < rough


def test_an_assumption_that_no_longer_holds_is_named():
    known = found_in(drawn())
    same = assumptions_tested(known, record(drawn(days=60, seed=8)), WAYS, longest_service_min=480.0)
    assert same["holds"].mean() > 0.6
    assert same.set_index("measure").loc["diverted_share", "holds"]
    changed = record(drawn(days=60, seed=8, diverted=0.4, turnout=6.0))
    tested = assumptions_tested(known, changed, WAYS, longest_service_min=480.0).set_index("measure")
    assert not tested.loc["diverted_share", "holds"]
    assert not tested.loc["trip_ratio", "holds"]
    assert "times what earlier terms say" in tested.loc["trip_ratio", "told"]
    assert assumptions_tested(Calibration(known.table.head(0)), changed, WAYS, longest_service_min=480.0).empty


MINUTES = pd.DataFrame({"P1": [3.0, 9.0], "P2": [8.0, 2.0]}, index=["a", "h"])


def dispatch(**practice):
    zones, posts = pd.Series({"a": "1", "h": "2"}), pd.Series({"P1": "1", "P2": "2"})
    shares = {name: pd.Series(value, index=["1", "2"]) for name, value in practice.items() if name != "kept_share"}
    return zone_dispatch(zones, posts, MINUTES, practice=Practice(**shares, kept_share=practice.get("kept_share", 0.0)))


def dispatch_by_distance():
    return zone_dispatch(pd.Series({"a": "1", "h": "2"}), pd.Series({"P1": "1", "P2": "2"}), MINUTES)


def test_who_takes_a_school_over_is_no_longer_another_zone_s_officer():
    zones, posts = pd.Series({"a": "1", "h": "2"}), pd.Series({"P1": "1", "P2": "2"})
    usual = zone_dispatch(zones, posts, MINUTES, practice=Practice(other_extra_min=5.0))
    watch = Watch(usual, np.array([0.5, 0.8]), np.array([1.5, 2.0]), np.array([1.0, 1.0]))
    case = cover_absence(watch, ["1"], lambda _: pd.Series({"a": "2"}))
    # From P2 to school a it is 8 minutes, 5 of them for an officer of another zone.
    assert case.schools["response_after_min"].tolist() == pytest.approx([3.0])


def test_diverted_calls_are_thinned_before_the_queue():
    arrivals, service = np.array([0.5, 0.8]), np.array([1.5, 2.0])
    found = queueing_model(arrivals, service, dispatch(diverted_share=0.2))
    plain = hypercube(arrivals * 0.8, service, dispatch().preference)
    assert found.place_share == pytest.approx(0.8 * plain.place_share)
    assert found.overflow_share == pytest.approx(0.2 + 0.8 * plain.overflow_share)
    assert found.busy_share == pytest.approx(plain.busy_share)
    assert "20.0% of calls are sent to patrol whoever is free" in found.summary()


def test_an_officer_who_is_away_is_tried_last():
    arrivals, service = np.array([0.5, 0.8]), np.array([1.5, 2.0])
    found = queueing_model(arrivals, service, dispatch(unavailable_share=0.25))
    plain = hypercube([0.375, 0.6, 0.125, 0.2], service, [[0, 1], [1, 0], [1, 0], [0, 1]])
    assert found.place_share[0] == pytest.approx(0.75 * plain.place_share[0] + 0.25 * plain.place_share[2])
    assert found.overflow_share == pytest.approx(plain.overflow_share)


def test_calls_that_wait_for_their_officer_are_no_other_s():
    arrivals, service = np.array([0.5, 0.8]), np.array([1.5, 2.0])
    plain, found = (
        queueing_model(arrivals, service, dispatch(**how))
        for how in ({"unavailable_share": 0.0}, {"kept_share": 0.5, "unavailable_share": 0.0})
    )
    assert found.place_share[0, 1] == pytest.approx(plain.place_share[0, 1] / 2)
    assert found.overflow_share == pytest.approx(plain.overflow_share / 2)
    assert found.place_share.sum(axis=1) + found.overflow_share == pytest.approx(np.ones(2))


def test_overflow_of_a_zone_is_that_of_its_own_calls_whatever_officers_practice():
    found = queueing_model([0.5, 0.8], [1.5, 2.0], dispatch(kept_share=0.5, unavailable_share=[0.0, 0.3]))
    of_zones = response(found, MINUTES.to_numpy(), zone_of_place=["1", "2"], home_zone=["1", "2"]).overflow_share
    assert of_zones == pytest.approx(1 - found.place_share.sum(axis=1))
    assert abs(of_zones[0] - of_zones[1]) > 0.01
    assert of_zones @ [0.5, 0.8] / 1.3 == pytest.approx(found.overflow_share)


def test_only_a_model_that_sends_whoever_is_free_is_called_exact():
    assert queueing_model([0.5, 0.8], [1.5, 2.0], dispatch_by_distance()).is_exact
    laid_over = queueing_model([0.5, 0.8], [1.5, 2.0], dispatch(kept_share=0.5, unavailable_share=0.0)).summary()
    assert "exact" not in laid_over
    assert "with what dispatch does besides laid over it: an approximation" in laid_over


def test_incidents_that_officers_began_keep_them_busy():
    arrivals, service = np.array([0.5, 0.8]), np.array([1.5, 2.0])
    began = dispatch(began_share=0.1)
    found = queueing_model(arrivals, service, began)
    assert began.away_share == pytest.approx([0.1, 0.1])
    away = queueing_model(arrivals, service, dispatch(unavailable_share=0.1))
    assert found.busy_share == pytest.approx(away.busy_share + 0.1)
