"""The backtest: published indices, a district of three schools by hand, and an honest verdict."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots.backtest import (
    EQUAL,
    LAST_TERM,
    LAST_YEAR,
    backtest,
    pai_curve,
    prediction_efficiency_index,
    recapture_rate_index,
)


def test_predictive_accuracy_as_published():
    assert pai_curve([6, 3, 0], [1, 1, 1]) == pytest.approx([2, 1.5, 1])


def test_indices_by_hand():
    assert prediction_efficiency_index(6, 9) == pytest.approx(2 / 3)
    # Half of 20 before, 12 of 30 after: (12 / 10) / (30 / 20).
    assert recapture_rate_index(12, 30, 10, 20) == pytest.approx(0.8)
    assert np.isnan(recapture_rate_index(1, 2, 0, 5))
    assert np.isnan(prediction_efficiency_index(0, 0))


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, 6, elements=st.integers(0, 20)), arrays(np.float64, 6, elements=st.integers(1, 9)))
def test_all_places_together_have_an_index_of_one(incidents, areas):
    if incidents.sum():
        curve = pai_curve(incidents, areas, order=np.arange(6))
        assert curve[-1] == pytest.approx(1)


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
    useless = backtest(counts, {"backwards": lambda _: -truth}, top_share=0.1)
    assert useless.status == "no_better"
    assert "take the ranking with care" in useless.summary()
    assert useless.rates()["backwards"] < useless.rates()[EQUAL] < useless.rates()[LAST_YEAR]


def test_same_seed_same_interval():
    counts = counts_of(np.random.default_rng(1).poisson(5, (4, 20)))
    first, again = (backtest(counts, {"so far": total_so_far}, seed=3) for _ in range(2))
    assert (first.low, first.high) == (again.low, again.high)
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame())


def test_too_little_history_and_unknown_enrolment():
    short = backtest(counts_of([[1, 2], [3, 4]]), {"so far": total_so_far})
    assert short.status == "insufficient_data"
    assert "at least 3 terms" in short.summary()
    counts = counts_of([[1, 2, 3]] * 4)
    counts.loc[counts["school_id"] == "S2", "student_days"] = np.nan
    result = backtest(counts, {"so far": total_so_far})
    assert result.without_days == 1
    assert result.table["total"].unique().tolist() == [3]
    with pytest.raises(InputError):
        pai_curve([1, 2], [1])
