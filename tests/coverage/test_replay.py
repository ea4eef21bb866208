"""Recorded calls played again: by hand on a town with three calls, and beside the queueing model."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from safeschools_geo.coverage import replay
from safeschools_geo.coverage._dispatch import Practice, zone_dispatch
from safeschools_geo.coverage._plan_scores import queueing_model, score_coverage
from safeschools_geo.coverage._replay import Recorded, play
from safeschools_geo.errors import InputError

ZONES, POSTS = pd.Series({"a": "1", "h": "2"}), pd.Series({"P1": "1", "P2": "2"})
MINUTES = pd.DataFrame({"P1": [3.0, 9.0], "P2": [8.0, 2.0]}, index=["a", "h"])


def dispatch(zones=ZONES, *, ratios=(1.0,), **shares):
    kept = shares.pop("kept_share", 0.0)
    given = {name: pd.Series(value, index=["1", "2"]) for name, value in shares.items()}
    practice = Practice(**given, kept_share=kept, ratios=np.array(ratios))
    return zone_dispatch(zones, POSTS, MINUTES, practice=practice)


def calls(*rows, days=1):
    """Give calls as (day, minute, school, minutes on scene, whether it is a call)."""
    day, at, school, scene, is_call = zip(*rows, strict=True)
    place = [list(ZONES.index).index(one) for one in school]
    return Recorded(np.array(day), np.array(at), np.array(place), np.array(scene), np.array(is_call), days, 4.0)


# At 9:00 and 9:10 from a, at 9:20 from h: P1 is with the first until 9:33, P2 with the second until 9:38.
THREE = calls((0, 540.0, "a", 30.0, True), (0, 550.0, "a", 20.0, True), (0, 560.0, "h", 10.0, True))


def played(plan, record=THREE, **options):
    return play([plan], record, **({"replays": 3, "seed": 0} | options))[0]


def test_three_calls_by_hand():
    found = played(dispatch())
    assert found["response"] == pytest.approx([5.5] * 3)
    assert found["response_p90"] == pytest.approx([8.0] * 3)
    assert found["within_5_min"] == pytest.approx([1 / 3] * 3)
    assert found["backup"] == pytest.approx([1 / 3] * 3)
    assert found["overflow"] == pytest.approx([1 / 3] * 3)
    # 33 minutes of four hours.
    assert found["busiest"] == pytest.approx([33 / 240] * 3)


def test_another_plan_by_hand():
    # Zone 2 has both schools: P2 goes to the first call, until 9:38, P1 to the second.
    found = played(dispatch(pd.Series({"a": "2", "h": "2"})))
    assert found["busiest"] == pytest.approx([38 / 240] * 3)
    assert found["backup"] == pytest.approx([1 / 3] * 3)


def test_a_call_that_waits_is_answered_by_its_officer():
    found = played(dispatch(kept_share=1.0))
    # The second call has P1 from 9:33 until 9:56, and P2 is there for the third: 3, 3 and 2 minutes.
    assert found["response"] == pytest.approx([8 / 3] * 3)
    assert found["overflow"] == pytest.approx([0.0] * 3)
    assert found["busiest"] == pytest.approx([(33 + 23) / 240] * 3)


def test_an_officer_with_an_incident_of_his_own_cannot_come():
    found = played(dispatch(), calls((0, 530.0, "a", 20.0, False), (0, 540.0, "a", 30.0, True)))
    assert found["response"] == pytest.approx([8.0] * 3)
    assert found["backup"] == pytest.approx([1.0] * 3)
    assert found["busiest"] == pytest.approx([38 / 240] * 3)


def test_every_officer_is_free_in_the_morning_and_days_are_redrawn():
    late = calls((0, 540.0, "a", 900.0, True), (1, 540.0, "a", 30.0, True), (1, 541.0, "a", 30.0, True), days=2)
    found = played(dispatch(), late, replays=200)
    # A draw of the two days has one call, one and two, or four: none, a third or half of them answered by another zone.
    assert set(np.round(found["backup"], 6)) == {0.0, round(1 / 3, 6), 0.5}


def test_shares_are_drawn_as_calibrated():
    one = calls(*[(day, 540.0, "a", 10.0, True) for day in range(300)], days=300)
    found = played(dispatch(diverted_share=0.2, unavailable_share=0.25), one, replays=50)
    assert found["overflow"].mean() == pytest.approx(0.2, abs=0.01)
    assert found["backup"].mean() == pytest.approx(0.8 * 0.25, abs=0.01)
    spread = played(dispatch(ratios=(0.5, 1.5)), one, replays=50)
    assert spread["response"].mean() == pytest.approx(3.0, abs=0.02)
    assert spread["response_p90"] == pytest.approx([4.5] * 50)


@pytest.mark.parametrize("kind", ["exponential", "constant"])
def test_the_queueing_model_is_what_comes_out_where_its_assumptions_hold(kind):
    # What is lost to equal officers depends on the mean of their minutes only (Sevast'yanov 1957).
    rng, days, arrivals, service = np.random.default_rng(5), 150, np.array([0.7, 0.9]), np.array([1.5, 1.5])
    rows = []
    for day in range(days):
        for at in np.sort(rng.uniform(0, 1440, rng.poisson(24 * arrivals.sum()))):
            school = "a" if rng.random() < arrivals[0] / arrivals.sum() else "h"
            lasts = rng.exponential(1 / service[0]) if kind == "exponential" else 1 / service[0]
            rows.append((day, at, school, 60 * lasts, True))
    # Trips are short against the 40 minutes of a call, which the model takes to hold them.
    plan = zone_dispatch(ZONES, POSTS, MINUTES / 100, practice=Practice(diverted_share=pd.Series({"1": 0.1, "2": 0.2})))
    model = queueing_model(arrivals, service, plan)
    found = play([plan], calls(*rows, days=days), replays=40, seed=1)[0]
    assert found["overflow"].mean() == pytest.approx(model.overflow_share, abs=0.03)
    assert found["backup"].mean() == pytest.approx(model.dispatch_share[~plan.is_own].sum(), abs=0.03)


def usual_day():
    """Give as much of a usual day as a replay takes."""
    record = pd.DataFrame(
        {
            "school_id": ["a", "a", "h"],
            "occurred_at": pd.to_datetime(["2026-01-05 08:59", "2026-01-05 09:09", "2026-01-05 09:19"]).tz_localize(
                "UTC"
            ),
            "dispatched_at": pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:10", None]).tz_localize("UTC"),
            "hour": [8, 9, 9],
            "scene_min": [30.0, 20.0, 10.0],
        }
    )
    rates = SimpleNamespace(
        by_day=pd.DataFrame(index=pd.DatetimeIndex(["2026-01-05"])), hours_per_day=pd.Series({"a": 4.0, "h": 4.0})
    )
    return SimpleNamespace(
        calls=record,
        rates=rates,
        zones=ZONES,
        queueing=SimpleNamespace(dispatch=dispatch()),
        dispatch_of=lambda zones, waiting: dispatch(zones),  # noqa: ARG005 - as a usual day has it
    )


def test_plans_are_compared_on_the_same_draws():
    found = replay(usual_day(), pd.Series({"a": "2"}), replays=20)
    table = found.table.set_index("measure")
    assert (found.calls, found.days, found.replays) == (3, 1, 20)
    assert table.loc["response", ["today", "plan"]].tolist() == pytest.approx([5.5, 5.5])
    assert table.loc["busiest", "difference"] == pytest.approx(5 / 240)
    assert table["verdict"].to_dict() == {
        **dict.fromkeys(["response", "response_p90", "within_5_min", "backup", "overflow"], "unclear"),
        "busiest": "worse",
    }
    assert found.finding() == (
        "Played on 3 recorded calls of 1 school day, the plan improves no measure, but worsens the busy share of the "
        "busiest officer by 2.1 percentage points (2.1 to 2.1)."
    )
    assert "the proposed zones improve no measure, but worsen the busy share" in found.finding(of_zones=True)
    same = replay(usual_day(), replays=20)
    assert "changes no measure of coverage by more than chance leaves open" in same.finding()
    assert replay(usual_day(), replays=20).table.equals(same.table)


def test_an_absent_officer_sends_nobody():
    found = replay(usual_day(), absent=["2"], replays=5).table.set_index("measure")
    # P1 has the first call until 9:33, and there is nobody else.
    assert found.loc["overflow", "plan"] == pytest.approx(2 / 3)
    for absent, problem in ((["1", "2"], "Nobody is left"), (["9"], "Nobody can be absent there")):
        with pytest.raises(InputError, match=problem):
            replay(usual_day(), absent=absent)
    with pytest.raises(InputError, match="played once at least"):
        replay(usual_day(), replays=0)


def test_where_model_and_replay_differ_is_said():
    found = replay(usual_day(), replays=20)
    rare = score_coverage([0.001, 0.001], [60.0, 60.0], dispatch(), redrawn=[[0.001, 0.001], [0.001, 0.001]])
    assert "differ on the mean trip (2.5 min and 5.5 min)" in found.against_model(rare)
    assert "the share of calls that go to patrol" in found.against_model(rare)


def test_blocks_of_replays_give_what_all_at_once_give(monkeypatch):
    rng = np.random.default_rng(3)
    rows = [
        (int(day), 540.0 + 7 * i, "ah"[i % 2], float(rng.integers(5, 40)), i % 5 > 0)
        for day in range(4)
        for i in range(9)
    ]
    plan = dispatch(ratios=(0.5, 1.0, 1.5), diverted_share=[0.1, 0.2], unavailable_share=[0.3, 0.1], kept_share=0.4)
    record, said = calls(*rows, days=4), []
    whole = played(plan, record, replays=25)
    monkeypatch.setattr("safeschools_geo.coverage._replay._AT_ONCE", 100)
    parts = play([plan], record, replays=25, seed=0, on_part=said.append)[0]
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
    assert said == ["0 of 28 recorded calls played"]
