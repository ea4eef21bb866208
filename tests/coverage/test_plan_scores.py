"""Scores of plans: queues that can be solved by hand, intervals from draws, and the frame that a plan's score takes."""

import numpy as np
import pandas as pd
import pytest

from safeschools_geo.coverage._dispatch import zone_dispatch
from safeschools_geo.coverage._plan_scores import COLUMNS, score_coverage
from safeschools_geo.errors import InputError
from safeschools_geo.rebalance._measures import coverage_measures

NAMES = ["response", "response_p90", "within_5_min", "backup", "overflow", "busiest"]


def dispatch_of(zones, minutes):
    schools = [f"s{i}" for i in range(len(zones))]
    officers = pd.Series({f"P{z}": z for z in dict.fromkeys(zones)})
    return zone_dispatch(
        pd.Series(zones, index=schools), officers, pd.DataFrame(minutes, index=schools, columns=officers.index)
    )


ONE = dispatch_of(["1", "1"], [[2.0], [10.0]])
TWO = dispatch_of(["1", "2"], [[3.0, 8.0], [8.0, 3.0]])


def values_of(scores):
    return scores.table.set_index("measure")["value"]


def test_one_officer_is_a_queue_of_one():
    # One call an hour, one hour each: busy half of the time (M/M/1/1), three quarters of the calls 2 minutes away.
    found = values_of(score_coverage([0.75, 0.25], [1.0], ONE))
    assert found.to_dict() == pytest.approx(
        {"response": 4.0, "response_p90": 10.0, "within_5_min": 0.375, "backup": 0, "overflow": 0.5, "busiest": 0.5}
    )


def test_two_officers_by_hand():
    # Two zones with half a call an hour and an hour each: nobody busy 0.4, either alone 0.2, both 0.2. A call finds its
    # own officer with chance 0.6, only the other with 0.2, and nobody with 0.2 (Erlang's B of 1 and 2).
    found = values_of(score_coverage([0.5, 0.5], [1.0, 1.0], TWO))
    assert found.to_dict() == pytest.approx(
        {
            "response": (0.6 * 3 + 0.2 * 8) / 0.8,
            "response_p90": 8.0,
            "within_5_min": 0.6,
            "backup": 0.2,
            "overflow": 0.2,
            "busiest": 0.4,
        }
    )


def test_a_zone_without_an_officer_is_answered_by_others():
    schools = pd.Series({"a": "1", "b": "2"})
    lone = zone_dispatch(schools, pd.Series({"P1": "1"}), pd.DataFrame({"P1": [1.0, 9.0]}, index=["a", "b"]))
    # M/M/1/1 at load 1: half of the calls are answered, and half of those come from zone 2.
    assert values_of(score_coverage([0.5, 0.5], [1.0], lone))["backup"] == pytest.approx(0.25)


def test_the_table_says_how_it_is_to_be_read():
    table = score_coverage([0.5, 0.1], [1.0, 1.0], TWO, redrawn=np.tile([0.5, 0.1], (5, 1))).table
    assert table.columns.tolist() == COLUMNS
    assert table["measure"].tolist() == NAMES
    assert table["better"].tolist() == ["lower", "lower", "higher", "lower", "lower", "lower"]
    notes = table.set_index("measure")["note"]
    assert notes["busiest"].startswith("zone 1; 95% interval ")
    assert "can be broken off for a call, and is not busy time" in notes["busiest"]
    assert "calls that go to patrol are not in it" in notes["response"]


def test_a_rare_overflow_is_reported_in_calls():
    table = score_coverage([0.01, 0.01], [1.0, 1.0], TWO).table.set_index("measure")
    # Erlang's B of 0.02 and 2: 0.0002 / (1 + 0.02 + 0.0002).
    assert table.loc["overflow", "value"] == pytest.approx(0.0002 / 1.0202)
    assert table.loc["overflow", "shown"] == "0.0%"
    assert table.loc["overflow", "note"] == "about one call in 5,100"


def test_equal_draws_leave_no_doubt():
    scores = score_coverage([0.5, 0.1], [1.0, 1.0], TWO, redrawn=np.tile([0.5, 0.1], (5, 1)))
    assert scores.table["low"].to_numpy() == pytest.approx(scores.table["value"].to_numpy())
    assert scores.table["high"].to_numpy() == pytest.approx(scores.table["value"].to_numpy())
    assert scores.drawn.shape == (5, 6)


def test_intervals_are_quantiles_of_the_draws():
    draws = np.random.default_rng(5).uniform(0.1, 1.0, (40, 2))
    scores = score_coverage([0.5, 0.1], [1.0, 1.0], TWO, redrawn=draws)
    of_draw = [values_of(score_coverage(draw, [1.0, 1.0], TWO))["overflow"] for draw in draws]
    row = scores.table.set_index("measure").loc["overflow"]
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(of_draw, [0.025, 0.975])))


def test_a_draw_without_a_call_scores_nothing():
    scores = score_coverage([0.5, 0.1], [1.0, 1.0], TWO, redrawn=[[0.5, 0.1], [0.0, 0.0]])
    assert scores.drawn.isna().all(axis=1).tolist() == [False, True]
    assert scores.table["low"].notna().all()


def test_without_draws_there_is_no_interval():
    scores = score_coverage([0.5, 0.1], [1.0, 1.0], TWO)
    assert scores.table[["low", "high"]].isna().all(axis=None)
    assert not scores.table["note"].str.contains("interval").any()


def test_it_is_what_the_score_of_a_plan_takes():
    scores = score_coverage([0.5, 0.5], [1.0, 1.0], TWO)
    taken = coverage_measures(scores.to_frame())
    assert [measure.measure for measure in taken] == NAMES
    assert [measure.shown for measure in taken] == ["4.3", "8.0", "60.0%", "20.0%", "20.0%", "40.0%"]
    assert [measure.unit for measure in taken[:3]] == ["min", "min", "share of calls"]


def test_draws_of_other_schools_are_refused():
    with pytest.raises(InputError, match="not of these schools"):
        score_coverage([0.5, 0.5], [1.0, 1.0], TWO, redrawn=[[0.5, 0.5, 0.5]])


def test_many_officers_are_approximated_and_that_is_said():
    zones = [str(i) for i in range(16)]
    minutes = np.abs(np.subtract.outer(np.arange(16.0), np.arange(16.0))) + 1
    table = score_coverage(np.full(16, 0.5), np.full(16, 1.0), dispatch_of(zones, minutes)).table.set_index("measure")
    assert table["note"].str.contains("by an approximation of the queueing model").all()
    # Erlang's B of a load of 8 and 16 officers.
    assert table.loc["overflow", "value"] == pytest.approx(0.0045, abs=0.0005)
