"""The backtest: published indices, a district of three schools by hand, and an honest verdict."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.hotspots._backtest import (
    EQUAL,
    LAST_TERM,
    LAST_YEAR,
    backtest,
    hit_rate,
    prediction_efficiency_index,
    predictive_accuracy_index,
    recapture_rate_index,
    shrunken_forecast,
)


def test_predictive_accuracy_as_published():
    assert predictive_accuracy_index(6, 1, total=9, total_area=3) == pytest.approx(2)
    assert predictive_accuracy_index(9, 2, total=9, total_area=3) == pytest.approx(1.5)
    assert predictive_accuracy_index(9, 3, total=9, total_area=3) == pytest.approx(1)
    assert np.isnan(predictive_accuracy_index(0, 1, total=0, total_area=3))


@pytest.mark.parametrize(("captured", "total"), [(0, 7), (3, 10), (7, 7)])
def test_the_interval_of_the_hit_rate_is_the_exact_one(captured, total):
    exact = stats.binomtest(captured, total).proportion_ci(method="exact")
    assert hit_rate(captured, total) == pytest.approx((captured / total, exact.low, exact.high))


def test_a_part_of_an_incident_lies_between_its_neighbors():
    lows, highs = zip(*(hit_rate(n, 10)[1:] for n in (3, 3.5, 4)), strict=True)
    assert list(lows) == sorted(lows)
    assert list(highs) == sorted(highs)
    assert np.isnan(hit_rate(0, 0)).all()
    with pytest.raises(InputError, match="0 to 3"):
        hit_rate(4, 3)


def test_indices_by_hand():
    assert prediction_efficiency_index(6, 9) == pytest.approx(2 / 3)
    # Half of 20 before, 12 of 30 after: (12 / 10) / (30 / 20).
    assert recapture_rate_index(12, 30, 10, 20) == pytest.approx(0.8)
    assert np.isnan(recapture_rate_index(1, 2, 0, 5))
    assert np.isnan(prediction_efficiency_index(0, 0))


def counts_of(table, days=100.0):
    return pd.DataFrame(
        [(f"T{t}", f"S{s}", n, days) for t, row in enumerate(table) for s, n in enumerate(row)],
        columns=["term", "school_id", "incidents", "student_days"],
    )


def total_so_far(train):
    return train.groupby("school_id")["incidents"].sum()


def test_three_schools_by_hand():
    # A third of the student-days is one school. So far S0 had most; in T2 S1 has 6 of 10.
    counts = counts_of([[5, 1, 0], [4, 3, 0], [3, 6, 1]])
    result = backtest(counts, {"so far": total_so_far}, top_share=1 / 3)
    table = result.table.set_index("forecast")
    assert result.table["judged_on"].unique().tolist() == ["T2"]
    assert table.loc["so far", "captured"] == 3
    assert table.loc["so far", "pai"] == pytest.approx(0.3 * 3)
    assert table.loc["so far", "pei"] == pytest.approx(3 / 6)
    # 4 of 7 before, 3 of 10 after.
    assert table.loc["so far", "rri"] == pytest.approx((3 / 4) / (10 / 7))
    assert table.loc[LAST_TERM, "captured"] == 3
    assert table.loc[EQUAL, "captured"] == pytest.approx(10 / 3)
    assert table.loc[EQUAL, "pai"] == pytest.approx(1)
    # Clopper and Pearson for 3 of 10.
    assert (table.loc["so far", "hit_rate_low"], table.loc["so far", "hit_rate_high"]) == pytest.approx(
        (0.0667, 0.6525), abs=1e-4
    )


def test_the_rate_decides_not_the_count_and_the_last_school_counts_in_part():
    counts = counts_of([[10, 6, 2]] * 3)
    counts["student_days"] = counts["school_id"].map({"S0": 400.0, "S1": 100.0, "S2": 100.0})
    # 200 of 600 student-days: all of S1, and a quarter of S0, whose rate comes second.
    row = backtest(counts, {"so far": total_so_far}, top_share=1 / 3).table.iloc[0]
    assert row["captured"] == pytest.approx(6 + 10 / 4)
    assert row["schools_selected"] == pytest.approx(1.25)
    assert row["pei"] == pytest.approx(1)


def test_a_school_of_unlike_neighbors_is_drawn_towards_its_level_by_hand():
    # Rate of the level 12 in 200, so 6 each; variance ((16 - 10) + (16 - 2)) / (36 + 36) = 20 / 72;
    # ratios (1 + 10 v) / (1 + 6 v) = 17 / 12 and (1 + 2 v) / (1 + 6 v) = 7 / 12.
    train = counts_of([[10, 2]]).assign(level="high")
    assert shrunken_forecast(train).to_dict() == pytest.approx({"S0": 8.5, "S1": 3.5})
    # A level of its own is no one's neighbor: each is then as expected.
    train["level"] = train["school_id"]
    assert shrunken_forecast(train).to_dict() == pytest.approx({"S0": 10, "S1": 2})
    # Differences no larger than chance are none; the last term has half the days.
    alike = pd.concat([counts_of([[5, 6, 4]]), counts_of([[3, 2, 4]], days=50.0).assign(term="T1")])
    assert shrunken_forecast(alike).to_numpy() == pytest.approx([24 / 450 * 50] * 3)


def test_log_scores_by_hand():
    table = backtest(counts_of([[5, 1, 0], [4, 3, 0], [3, 6, 1]])).table.set_index("forecast")["log_score"]
    # 13 incidents in 600 student-days: 13 / 6 for each school.
    mean = 13 / 6
    equal = 2 / 3 * (3 * np.log(3 / mean) + 6 * np.log(6 / mean) + np.log(1 / mean) - 10 + 3 * mean)
    assert table[EQUAL] == pytest.approx(equal)
    # 4, 3 and none, which counts as 0.1.
    last = 2 / 3 * (3 * np.log(3 / 4) + 6 * np.log(6 / 3) + np.log(1 / 0.1) - 10 + 7.1)
    assert table[LAST_TERM] == pytest.approx(last)


def test_equal_means_equal_where_schools_grow():
    counts = counts_of([[2, 2, 2]] * 4)
    counts.loc[(counts["term"] == "T2") & (counts["school_id"] == "S0"), "student_days"] = 500.0
    rows = backtest(counts, terms_per_year=1).table.set_index(["forecast", "judged_on"])
    for term in ("T2", "T3"):
        assert rows.loc[(EQUAL, term), "pai"] == pytest.approx(1)
        assert rows.loc[(EQUAL, term), "schools_selected"] == pytest.approx(0.6)
    # In T2 the school has 2 in 500 student-days, the others 2 in 100: "as last term" leaves it out of T3.
    assert rows.loc[(LAST_TERM, "T3"), "captured"] == pytest.approx(0.2 * 300 / 200 * 4)


def test_last_year_is_missing_where_there_is_no_such_term():
    counts = counts_of(np.random.default_rng(0).poisson(9, (5, 12)))
    result = backtest(counts, terms_per_year=3)
    by_term = result.table[result.table["forecast"] == LAST_YEAR].set_index("judged_on")["captured"]
    assert by_term.isna().to_dict() == {"T2": True, "T3": False, "T4": False}
    assert result.rates().notna().all()
    assert "Backtest over 2 terms" in result.summary()
    scores = result.table[result.table["judged_on"] != "T2"].pivot_table("log_score", "judged_on", "forecast")
    closer = (scores["shrunken rates"] < scores[LAST_YEAR]).sum()
    assert f"closer to what came than last year's in {closer} of 2 terms" in result.summary()
    never = backtest(counts, terms_per_year=9)
    assert never.status == "insufficient_data"
    assert "no year before" in never.summary()
    assert "same as last year" not in never.summary()


def test_a_term_without_known_days_still_counts_in_what_was_a_year_ago():
    table = [[9, 1, 1, 1], [1, 9, 1, 1], [1, 1, 1, 9], [1, 1, 1, 9]]
    counts = counts_of(table)
    counts.loc[counts["term"] == "T2", "student_days"] = np.nan
    rows = backtest(counts, top_share=0.25).table.set_index("forecast")
    # A year before T3 is T1, where S1 was high; the term before it is not known.
    assert rows.loc[LAST_YEAR, "captured"] == 1
    assert np.isnan(rows.loc[LAST_TERM, "captured"])
    assert rows["judged_on"].unique().tolist() == ["T3"]
    assert np.isnan(rows.loc[LAST_TERM, "pai"])


def test_a_school_that_is_new_has_the_rate_of_all():
    counts = counts_of([[9, 1], [9, 1], [5, 5]])
    counts = pd.concat([counts, pd.DataFrame([("T2", "S9", 3, 100.0)], columns=counts.columns)])
    rows = backtest(counts, top_share=2 / 3).table.set_index("forecast")
    # S0 had 9, all 5 on average, S1 1: the list is S0 and the new one.
    assert rows.loc[LAST_TERM, "captured"] == pytest.approx(8)


@settings(max_examples=40)
@given(
    arrays(np.int64, (4, 5), elements=st.integers(0, 12)),
    arrays(np.float64, 5, elements=st.integers(1, 9)),
    st.sampled_from([0.1, 0.35, 1.0]),
)
def test_lists_are_of_one_size_and_none_beats_the_best(table, days, share):
    counts = counts_of(table)
    counts["student_days"] = np.tile(days, 4)
    rows = backtest(counts, top_share=share).to_frame()
    assert rows["pei"].dropna().le(1 + 1e-9).all()
    assert rows["pai"].to_numpy() == pytest.approx(rows["hit_rate"].to_numpy() / share, nan_ok=True)
    assert rows["hit_rate"].between(rows["hit_rate_low"], rows["hit_rate_high"]).all()


def test_a_perfect_list_is_fully_efficient():
    counts = counts_of([[8, 3, 1, 0, 4]] * 4)
    result = backtest(counts, {"the truth": lambda _: pd.Series([8, 3, 1, 0, 4], [f"S{i}" for i in range(5)])})
    mine = result.table[result.table["forecast"] == "the truth"]
    assert mine["pei"].to_numpy() == pytest.approx(1)
    assert mine["rri"].to_numpy() == pytest.approx(1)
    # Five schools are too few to tell a better list from chance.
    assert result.status == "insufficient_data"
    assert "fewer than 10 schools" in result.summary()


def test_where_every_year_is_the_same_last_year_s_list_is_as_good():
    result = backtest(counts_of([list(range(12))] * 4))
    assert (result.difference, result.low, result.high) == (0, 0, 0)
    assert result.status == "no_better"


def test_a_good_list_is_called_better_and_a_useless_one_is_not():
    rng = np.random.default_rng(0)
    rate = np.r_[np.full(8, 40.0), np.full(72, 4.0)]
    counts = counts_of(rng.poisson(rate, (5, 80)))
    noisy = counts.assign(
        incidents=np.where(counts["term"].isin(["T1", "T2"]), rng.permutation(400) % 9, counts["incidents"])
    )
    truth = pd.Series(rate, index=[f"S{i}" for i in range(80)])
    good = backtest(noisy[noisy["term"] != "T0"], {"the truth": lambda _: truth}, top_share=0.1)
    assert good.status == "better"
    assert "better than last year's list" in good.summary()
    useless = backtest(counts, {"backwards": lambda _: truth.max() - truth}, top_share=0.1)
    assert useless.status == "worse"
    assert "do not go by the ranking" in useless.summary()
    assert "not clearly better than schools taken blindly" in useless.summary()
    assert useless.rates()["backwards"] < useless.rates()[EQUAL] < useless.rates()[LAST_YEAR]
    assert list(useless.differences.index) == [LAST_TERM, LAST_YEAR, EQUAL]


def test_lists_that_are_as_good_as_each_other_are_seldom_distinguished():
    # Every school has one rate, so the true difference is 0; about 2 of 40 intervals should miss it.
    rng = np.random.default_rng(7)
    found = [backtest(counts_of(rng.poisson(6, (5, 40))), seed=i) for i in range(40)]
    assert sum(result.status != "no_better" for result in found) <= 6
    # Nor are they idle: the spread of the differences is what the intervals say, within half and twice.
    spread = np.std([result.difference for result in found])
    width = np.mean([result.high - result.low for result in found]) / (2 * 1.96)
    assert 0.5 < width / spread < 2
    summary = found[0].summary()
    assert "no better than last year's list" in summary
    assert "take the ranking with care" in summary


def test_same_seed_same_interval():
    counts = counts_of(np.random.default_rng(1).poisson(5, (4, 20)))
    first, again = (backtest(counts, {"so far": total_so_far}, seed=3) for _ in range(2))
    assert (first.low, first.high) == (again.low, again.high)
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame())


def test_too_little_history_and_unknown_enrollment():
    short = backtest(counts_of([[1, 2], [3, 4]]), {"so far": total_so_far})
    assert short.status == "insufficient_data"
    assert "at least 3 terms" in short.summary()
    counts = counts_of([[1, 2, 3]] * 4)
    counts.loc[counts["school_id"] == "S2", "student_days"] = np.nan
    result = backtest(counts, {"so far": total_so_far})
    assert result.without_days == 1
    assert result.table["total"].unique().tolist() == [3]
    assert "Left out: 1 school, for terms without known student-days." in result.summary()
    assert backtest(counts.iloc[:0]).status == "insufficient_data"
    typed = backtest(counts.astype({"student_days": "Float64", "incidents": "Int64"}), {"so far": total_so_far})
    pd.testing.assert_frame_equal(typed.table, result.table)
    assert typed.without_days == 1
    nothing = backtest(counts.assign(student_days=np.nan))
    assert nothing.table.empty
    assert nothing.without_days == 3


def test_a_term_without_an_incident_is_not_judged():
    result = backtest(counts_of([[3, 2], [2, 1], [0, 0], [4, 1]]))
    assert result.table["judged_on"].unique().tolist() == ["T3"]


@pytest.mark.parametrize("options", [{"top_share": 0.0}, {"top_share": 1.5}, {"terms_per_year": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError, match="out of their range"):
        backtest(counts_of([[1, 2]] * 3), **options)


def test_bad_counts_are_refused_by_name():
    counts = counts_of([[1, 2]] * 3)
    with pytest.raises(ColumnError, match="student_days"):
        backtest(counts.drop(columns="student_days"))
    with pytest.raises(InputError, match="two rows"):
        backtest(pd.concat([counts, counts.iloc[:1]]))
    for name, value in (("incidents", -1), ("student_days", -5.0), ("student_days", np.inf)):
        with pytest.raises(InputError, match="0 or more"):
            backtest(counts.assign(**{name: value}))


@pytest.mark.parametrize(
    "forecast",
    [
        lambda train: -total_so_far(train),
        lambda train: pd.concat([total_so_far(train)] * 2),
        lambda train: total_so_far(train) * np.inf,
    ],
)
def test_a_forecast_must_be_one_number_a_school(forecast):
    with pytest.raises(InputError, match="wild"):
        backtest(counts_of([[1, 2]] * 3), {"wild": forecast})


def test_forecasts_need_names_of_their_own():
    for forecasts in ({}, {EQUAL: total_so_far}):
        with pytest.raises(InputError, match="names of their own"):
            backtest(counts_of([[1, 2]] * 3), forecasts)


def test_the_input_is_left_as_it_was():
    counts = counts_of([[1, 2]] * 3)
    before = counts.copy()
    backtest(counts)
    pd.testing.assert_frame_equal(counts, before)
