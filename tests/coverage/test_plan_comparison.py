"""Two plans on the same draws: what is clear, what may be chance, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from test_plan_scores import dispatch_of

from safeschools_geo.coverage._plan_scores import COLUMNS, PlanScores, compare, score_coverage
from safeschools_geo.errors import InputError

UNITS = {
    "response": ("Response, mean", "min", "lower"),
    "within_5_min": ("Reached within 5 minutes", "share of calls", "higher"),
    "overflow": ("Overflow to patrol", "share of calls", "lower"),
}


def scores_of(values, drawn=None):
    rows = [
        (name, value, np.nan, np.nan, UNITS[name][0], "", UNITS[name][1], UNITS[name][2], "")
        for name, value in values.items()
    ]
    return PlanScores(pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(drawn or {}, columns=list(values), dtype=float))


def test_a_plan_that_balances_but_is_slower_is_said_to_be():
    now = scores_of({"response": 3.0, "overflow": 0.01}, {"response": [2.9, 3.0, 3.1], "overflow": [0.01] * 3})
    then = scores_of({"response": 3.4, "overflow": 0.01}, {"response": [3.1, 3.4, 3.7], "overflow": [0.01] * 3})
    found = compare(now, then, imbalance=(0.602, 0.049))
    assert found.finding() == (
        "The model says that the proposed zones balance load (imbalance 60.2% to 4.9%), but worsen the mean response "
        "by 0.4 min (0.2 to 0.6)."
    )
    row = found.table.set_index("measure").loc["response"]
    # The draws differ by 0.2, 0.4 and 0.6: quantiles 0.025 and 0.975 lie a twentieth of the way in.
    assert (row["low"], row["high"], row["verdict"]) == (pytest.approx(0.21), pytest.approx(0.59), "worse")


def test_differences_are_paired():
    # Each draw moves both plans far more than they differ; the difference is 0.2 in every one.
    drawn = np.array([2.0, 4.0, 6.0, 8.0])
    now = scores_of({"response": 5.0}, {"response": drawn})
    then = scores_of({"response": 5.2}, {"response": drawn + 0.2})
    row = compare(now, then).table.iloc[0]
    assert (row["low"], row["high"], row["verdict"]) == (pytest.approx(0.2), pytest.approx(0.2), "worse")


def test_what_may_be_chance_is_no_finding():
    now = scores_of({"response": 3.0}, {"response": [3.0, 3.0, 3.0]})
    then = scores_of({"response": 3.3}, {"response": [2.5, 3.3, 3.9]})
    found = compare(now, then)
    assert found.table["verdict"].tolist() == ["unclear"]
    assert found.table.loc[0, "sentence"] == (
        "Response, mean: 3.0 min now, 3.3 min with the proposed zones: up by 0.3 min (between 0.5 less and 0.9 "
        "more), which may be chance."
    )
    assert found.finding().startswith(
        "The model says that the proposed zones change no measure of coverage by more than"
    )


def test_what_cannot_be_shown_is_the_same():
    found = compare(scores_of({"overflow": 1e-5}), scores_of({"overflow": 4e-4}))
    assert found.table["verdict"].tolist() == ["same"]
    assert found.table["sentence"].tolist()[0].endswith("under 0.1% with the proposed zones: no difference.")


def test_more_is_better_where_it_is():
    found = compare(
        scores_of({"within_5_min": 0.8, "response": 4.0}), scores_of({"within_5_min": 0.85, "response": 3.6})
    )
    assert found.table["verdict"].tolist() == ["better", "better"]
    assert found.finding() == (
        "The model says that the proposed zones improve the share of calls reached within 5 minutes by 5.0 percentage "
        "points and the mean response by 0.4 min, and clearly worsen no measure of coverage."
    )


def test_only_costs_are_said_alone():
    found = compare(scores_of({"response": 4.0}), scores_of({"response": 4.4}), imbalance=(0.1, 0.2))
    assert found.finding() == "The model says that the proposed zones worsen the mean response by 0.4 min."


def test_the_same_zones_change_nothing():
    plan = dispatch_of(["1", "2"], [[3.0, 8.0], [8.0, 3.0]])
    draws = np.random.default_rng(2).uniform(0.1, 1, (6, 2))
    scores = score_coverage([0.5, 0.5], [1.0, 1.0], plan, redrawn=draws)
    found = compare(scores, scores)
    assert (found.table["difference"] == 0).all()
    assert (found.table["verdict"] == "same").all()
    pd.testing.assert_frame_equal(found.to_frame(), found.table)


def test_zones_that_are_exchanged_are_slower_by_what_the_trips_say():
    here = dispatch_of(["1", "2"], [[3.0, 8.0], [8.0, 3.0]])
    away = dispatch_of(["2", "1"], [[8.0, 3.0], [3.0, 8.0]])
    # Officers stand in each other's zone: a call finds its own one, now 8 minutes away, with chance 0.6.
    now, then = (score_coverage([0.5, 0.5], [1.0, 1.0], plan) for plan in (here, away))
    row = compare(now, then).table.set_index("measure").loc["response"]
    assert row["difference"] == pytest.approx((0.6 * 8 + 0.2 * 3) / 0.8 - (0.6 * 3 + 0.2 * 8) / 0.8)


def test_scores_that_do_not_go_together_are_refused():
    with pytest.raises(InputError, match="do not go together"):
        compare(scores_of({"response": 4.0}), scores_of({"overflow": 0.1}))
    with pytest.raises(InputError, match="0 and 2 draws"):
        compare(scores_of({"response": 4.0}), scores_of({"response": 4.0}, {"response": [4.0, 4.1]}))
