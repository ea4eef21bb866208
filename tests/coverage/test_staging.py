"""Where officers wait: all four aims against trying every choice, by hand, and what is said of the proof."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from waiting_places import along_a_line, best_by_trying, problems

from safeschools_geo.coverage._staging import place_officers
from safeschools_geo.coverage._staging_points import OBJECTIVES, StagingSettings, busy_gains, find_cover
from safeschools_geo.errors import InputError

ROUNDING = 1e-9


def stage(points, objective, problem=None, **options):
    minutes, weights = problem or along_a_line()
    names = {"students", "current"} & set(options)
    given_ = {name: options.pop(name) for name in names}
    asked = StagingSettings(objective=objective, **options)
    return place_officers(minutes, weights, points=points, settings=asked, **given_)


def scattered(n, seed=0):
    rng = np.random.default_rng(seed)
    xy = rng.random((n, 2)) * 20
    ids = [f"s{i:03d}" for i in range(n)]
    return pd.DataFrame(cdist(xy, xy), index=ids, columns=ids), pd.Series(
        rng.integers(1, 30, n), index=ids, dtype="float64"
    )


# By hand, on places at 0, 1, 2, 3 and 10 minutes with 4, 1, 1, 2 and 2 calls.


def test_one_officer_waits_at_the_median():
    # At 1: (4·1 + 0 + 1 + 2·2 + 2·9) / 10 = 2.7; at 0 it is 2.9, at 2 it is 2.8.
    found = stage(1, "mean")
    assert found.points["point_id"].tolist() == ["b"]
    assert found.value == pytest.approx(2.7)
    assert found.is_proven


def test_two_officers_wait_where_calls_are_and_far_away():
    # At 0 and 10: (1 + 2 + 2·3) / 10 = 0.9; at 1 and 10 it is (4 + 1 + 2·2) / 10 = 0.9; at 0 and 3, 1.6.
    found = stage(2, "mean")
    assert found.value == pytest.approx(0.9)
    assert found.points["point_id"].tolist() in (["a", "e"], ["b", "e"])


def test_the_center_is_the_middle_whatever_the_calls():
    assert stage(1, "longest").value == 7
    found = stage(2, "longest")
    assert found.value == 2
    assert found.bound == 2
    # 1 and 2 are as good; 1 has the shorter mean.
    assert found.points["point_id"].tolist() == ["b", "e"]


def test_most_calls_are_covered():
    # Within 1 minute: b reaches a, b and c (6 of 10 calls), c reaches b, c and d (4), e itself (2).
    assert stage(1, "covered", within_min=1).value == pytest.approx(0.6)
    assert stage(2, "covered", within_min=1).value == pytest.approx(0.8)
    assert stage(3, "covered", within_min=1).value == pytest.approx(1.0)


def test_busy_officers_are_worth_less_one_behind_the_other():
    # q = 0.5: both at b: 6 calls × (0.5 + 0.25); one at b, one at c: a .5 × 4, b and c .75 × 2, d .5 × 2 = 4.5 both.
    # One at b and one at e: (6 + 2) × 0.5 = 4. Three at b: 6 × 0.875 = 5.25; b, b and c: 4 × .75 + 2 × .875 + 2 × .5 =
    # 5.75, the best.
    assert busy_gains(0.5, 3) == (0.5, 0.25, 0.125)
    assert stage(2, "expected", within_min=1, busy_share=0.5).value == pytest.approx(0.45)
    found = stage(3, "expected", within_min=1, busy_share=0.5)
    assert found.value == pytest.approx(0.575)
    assert found.points["point_id"].tolist() == ["b", "b", "c"]


def test_officers_who_are_never_busy_are_the_plain_covering():
    assert busy_gains(0.0, 4) == (1.0,)
    assert stage(2, "expected", within_min=1, busy_share=0.0).value == stage(2, "covered", within_min=1).value


def test_coverage_is_reported_for_one_and_two_officers_today_and_best():
    students = pd.Series({"a": 100, "b": 300, "c": np.nan, "d": 0, "e": 600})
    found = stage(2, "mean", students=students, current=["c", "d"], limits_min=(1, 3))
    table = found.coverage.set_index(["plan", "officers", "within_min"])
    today = table.loc[[("current", 1, 1.0), ("current", 1, 3.0)]]
    # Within 1 minute of c or d: b, c and d; within 3: all but e. Of both: c and d; and all but e.
    assert today["places_share"].tolist() == pytest.approx([0.6, 0.8])
    assert today["students_share"].tolist() == pytest.approx([0.3, 0.4])
    assert today["calls_share"].tolist() == pytest.approx([0.4, 0.8])
    twice = [(plan, 2, limit) for plan in ("current", "best") for limit in (1.0, 3.0)]
    # Best, at a and e or at b and e, nothing is within 3 minutes of both.
    assert table.loc[twice, "places_share"].tolist() == pytest.approx([0.4, 0.8, 0, 0])
    assert found.students_unknown == 1
    # Today: (4·2 + 1 + 0 + 0 + 2·7) / 10.
    assert found.value_current == pytest.approx(2.3)
    assert found.places.loc[found.places["place_id"] == "e", "first_min_current"].tolist() == [7]
    assert found.places.loc[found.places["place_id"] == "e", "second_min_current"].tolist() == [8]


def test_each_officer_answers_the_places_nearest_to_the_point():
    found = stage(2, "longest")
    first, second = found.points.to_dict(orient="records")
    assert (first["officer"], first["places"], first["longest_min"]) == ("1", 4, 2)
    assert first["calls_share"] == pytest.approx(0.8)
    assert first["mean_min"] == pytest.approx((4 + 0 + 1 + 2 * 2) / 8)
    assert (second["places"], second["mean_min"]) == (1, 0)
    assert found.to_frame()["officer"].tolist() == ["1", "1", "1", "1", "2"]


def test_the_summary_says_where_what_and_that_it_is_proven():
    text = stage(1, "mean", current=["e"], limits_min=(1, 3)).summary()
    assert (
        "The best place found for the officer to wait: b. An officer reaches a call in 2.7 minutes on average (today "
        "7.1 minutes), by the ways on the map."
    ) in text
    assert "It is proven that no other choice among 5 points does better." in text
    assert "Within 1/3 minutes of an officer by those ways: 60.0%/80.0% of places (today 20.0%/20.0%)." in text
    named = stage(1, "mean", current=["e"], limits_min=(1, 3)).summary(names={"b": "Bell Elementary"})
    assert named.startswith("The best place found for the officer to wait: Bell Elementary. ")
    gain = stage(1, "mean", current=["e"], limits_min=(1, 3)).difference()
    assert "By the ways on the map, that changes the mean trip so: 4.4 min less." in gain
    assert "reaches a call in" not in gain
    covered = stage(1, "expected", within_min=1, busy_share=0.25).summary()
    assert (
        "45.0% of calls find a free officer within 1 minute, if each is busy 25.0% of the time, by the ways" in covered
    )


# Against every choice.


@settings(max_examples=60)
@given(
    problem=problems(), busy=st.sampled_from([0.0, 0.3, 0.8]), shares=st.booleans(), within=st.sampled_from([0.5, 2, 3])
)
def test_all_aims_equal_the_best_of_all_choices(problem, busy, shares, within):
    minutes, weights, points = problem
    for objective in OBJECTIVES:
        asked = StagingSettings(objective=objective, within_min=within, busy_share=busy, may_share=shares)
        found = place_officers(minutes, weights, points=points, settings=asked)
        assert found.value == pytest.approx(best_by_trying(minutes, weights, points, asked), abs=ROUNDING)
        assert found.is_proven
        assert len(found.points) == points
        if not asked.shares_points:
            assert found.points["point_id"].is_unique


@settings(max_examples=60)
@given(problem=problems(has_gaps=True))
def test_without_a_way_here_and_there_it_is_the_same_or_refused(problem):
    minutes, weights, points = problem
    for objective in OBJECTIVES:
        asked = StagingSettings(objective=objective, within_min=2, busy_share=0.4)
        best = best_by_trying(minutes, weights, points, asked)
        if np.isinf(best):
            with pytest.raises(InputError, match=r"no way|cannot reach every place"):
                place_officers(minutes, weights, points=points, settings=asked)
        else:
            found = place_officers(minutes, weights, points=points, settings=asked)
            assert found.value == pytest.approx(best, abs=ROUNDING)


@settings(max_examples=25)
@given(problem=problems())
def test_more_officers_are_never_worse(problem):
    minutes, weights, _ = problem
    for objective in OBJECTIVES:
        asked = StagingSettings(objective=objective, within_min=2, busy_share=0.5)
        values = [
            place_officers(minutes, weights, points=p, settings=asked).value for p in range(1, minutes.shape[1] + 1)
        ]
        steps = np.diff(values)
        assert (steps >= -ROUNDING).all() if objective in {"covered", "expected"} else (steps <= ROUNDING).all()


@settings(max_examples=60)
@given(problem=problems(), limit=st.sampled_from([1.0, 2.5, 4.0]))
def test_a_cover_is_found_exactly_where_there_is_one(problem, limit):
    minutes, _, points = problem
    covers = minutes.to_numpy() <= limit
    best = best_by_trying(minutes, pd.Series(1.0, index=minutes.index), points, StagingSettings(objective="longest"))
    found = find_cover(covers, points)
    assert found.is_impossible == (best > limit)
    if found.chosen is not None:
        assert len(found.chosen) <= points
        assert covers[:, found.chosen].any(axis=1).all()
    relaxed = find_cover(covers, points, effort="relaxed")
    assert not (relaxed.is_impossible and best <= limit)


def test_scattered_places_as_by_trying_all_choices():
    problem = scattered(18, seed=3)
    for points in (2, 3, 4):
        for objective in OBJECTIVES:
            asked = StagingSettings(objective=objective, within_min=4, busy_share=0.3)
            found = stage(points, objective, problem, within_min=4, busy_share=0.3)
            assert found.value == pytest.approx(best_by_trying(*problem, points, asked))
            assert found.is_proven


def test_no_exchange_of_a_point_beats_the_least_mean():
    minutes, weights = scattered(60, seed=1)
    cost = (weights.to_numpy() / weights.sum())[:, None] * minutes.to_numpy()
    found = stage(6, "mean", (minutes, weights))
    chosen = minutes.columns.get_indexer(found.points["point_id"])
    assert found.value == pytest.approx(cost[:, chosen].min(axis=1).sum(), abs=ROUNDING)
    for out in range(6):
        kept = cost[:, np.delete(chosen, out)].min(axis=1)
        assert np.minimum(kept[:, None], cost).sum(axis=0).min() >= found.value - ROUNDING
    assert found.bound <= found.value + ROUNDING
    assert found.is_proven


def test_no_points_reach_all_places_sooner_than_the_center():
    minutes, weights = scattered(80, seed=2)
    best = stage(7, "longest", (minutes, weights))
    within = minutes.to_numpy() <= best.value
    chosen = find_cover(within, 7).chosen
    assert chosen is not None
    assert within[:, chosen].any(axis=1).all()
    assert find_cover(minutes.to_numpy() < best.value, 7).is_impossible


def test_what_time_did_not_allow_to_prove_is_not_called_the_best():
    problem = scattered(60, seed=4)
    best = stage(6, "longest", problem)
    assert best.is_proven
    hasty = stage(6, "longest", problem, time_limit_s=1e-9)
    assert hasty.value > hasty.bound
    assert hasty.bound <= best.value <= hasty.value
    assert not hasty.is_proven
    assert hasty.gap == pytest.approx(hasty.value - hasty.bound)
    assert "It is not proven to be the best: the search stopped after" in hasty.summary()
    assert "can do better than" in hasty.summary()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_bound_is_on_the_right_side_however_soon_time_runs_out(objective):
    problem = scattered(70, seed=5)
    best = stage(5, objective, problem, within_min=3, busy_share=0.4)
    hasty = stage(5, objective, problem, within_min=3, busy_share=0.4, time_limit_s=1e-9)
    sign = -1 if objective in {"covered", "expected"} else 1
    assert sign * hasty.bound <= sign * best.value + 1e-7
    assert sign * best.value <= sign * hasty.value + 1e-7


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_input_and_seed_give_the_same_points(objective):
    problem = scattered(40, seed=6)
    first, second = (stage(4, objective, problem, within_min=3, busy_share=0.4) for _ in range(2))
    pd.testing.assert_frame_equal(first.points, second.points)
    assert first.value == second.value


def test_weights_count_by_their_shares_only():
    minutes, weights = scattered(30, seed=7)
    assert stage(3, "mean", (minutes, weights * 1000)).value == pytest.approx(
        stage(3, "mean", (minutes, weights)).value
    )


def test_more_officers_than_points_may_share_them():
    minutes, weights = along_a_line()
    asked = StagingSettings(objective="expected", within_min=1, busy_share=0.5)
    found = place_officers(minutes, weights, points=8, settings=asked)
    assert len(found.points) == 8
    assert found.value == pytest.approx(best_by_trying(minutes, weights, 8, asked))
