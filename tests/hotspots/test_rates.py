"""Rates of schools: exact intervals, statuses, shrinkage, and what is left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from safeschools_geo.errors import InputError
from safeschools_geo.findings import conform
from safeschools_geo.hotspots._expected import OrdinaryRates, q_values, rate_interval, shrunken_ratios
from safeschools_geo.hotspots._schools import group_rates, school_rates
from safeschools_geo.schemas import SCHOOL_RATES


def counts_of(reported, *, started=None, students=1000, level="elementary", term="T1", days=100):
    n = len(reported)
    reported = np.asarray(reported)
    incidents = reported + (0 if started is None else np.asarray(started))
    students = np.broadcast_to(np.asarray(students, dtype=float), n)
    return pd.DataFrame(
        {
            "term": term,
            "school_id": [f"{i:03}" for i in range(n)],
            "name": [f"School {i}" for i in range(n)],
            "level": np.broadcast_to(level, n),
            "zone_id": ["A" if i % 2 else "B" for i in range(n)],
            "enrollment": pd.array([None if np.isnan(s) else int(s) for s in students], dtype="Int64"),
            "student_days": students * days,
            "incidents": incidents,
            "reported": reported,
            "officer_initiated_share": (incidents - reported) / np.where(incidents > 0, incidents, np.nan),
        }
    )


def test_exact_interval_as_published():
    # Garwood 1936: a count of 10 has 4.795 to 18.390, a count of 0 has 0 to 3.689.
    low, high = rate_interval([10, 0], [1.0, 1.0])
    assert low == pytest.approx([4.795, 0], abs=1e-3)
    assert high == pytest.approx([18.390, 3.689], abs=1e-3)


def test_q_values_by_hand():
    # .01, .02 and .04 of three tests: .01 × 3 / 1, .02 × 3 / 2, .04 × 3 / 3.
    assert q_values([0.04, np.nan, 0.01, 0.02]) == pytest.approx([0.04, np.nan, 0.03, 0.03], nan_ok=True)
    assert np.isnan(q_values([np.nan])).all()


def test_a_school_far_above_its_peers_is_high_and_the_others_are_not():
    result = school_rates(counts_of([10] * 29 + [45]), term="T1")
    conform(result.table, SCHOOL_RATES)
    assert result.high["school_id"].tolist() == ["029"]
    row = result.high.iloc[0]
    assert row["rate_per_1000"] == pytest.approx(1000 * 45 / 100_000)
    assert row["expected"] == pytest.approx(10, rel=0.03)
    assert row["q_value"] <= 0.05
    assert "4.4 times the reported calls for zone officers expected" in row["sentence"]
    assert result.summary().startswith("1 of 30 schools")


def test_size_alone_makes_no_school_high():
    students = [500] * 20 + [5000]
    result = school_rates(counts_of([5] * 20 + [52], students=students), term="T1")
    assert result.high.empty


def test_what_officers_started_makes_no_school_high():
    result = school_rates(counts_of([10] * 30, started=[1] * 29 + [50]), term="T1")
    last = result.table.iloc[-1]
    assert result.high.empty
    assert last["status"] == "rests_on_officer_initiated"
    assert "83%" in last["sentence"]
    assert "where officers looked" in last["sentence"]
    assert "officers started themselves" in result.summary()


def test_unknown_enrollment_keeps_its_row_without_a_rate():
    result = school_rates(counts_of([10] * 10 + [99], students=[1000] * 10 + [np.nan]), term="T1")
    last = result.table.iloc[-1]
    assert len(result.table) == 11
    assert last["status"] == "no_denominator"
    assert last[["rate_per_1000", "expected", "p_value", "shrunken_per_1000"]].isna().all()
    assert "99 reported calls for zone officers; not judged" in last["sentence"]
    told = (
        "1 of 11 program schools with 99 of the 199 reported calls for zone officers was not judged: the enrollment is"
    )
    assert told in result.summary()
    assert result.most_sentence(only_if_not_judged=True).startswith("School 10 has the most, 99 of the 199 reported")


def test_a_level_with_few_schools_is_shown_and_not_judged():
    level = ["elementary"] * 10 + ["high"] * 4
    result = school_rates(counts_of([10] * 10 + [10, 10, 10, 90], level=level), term="T1")
    few = result.table.iloc[10:]
    assert (few["status"] == "insufficient_data").all()
    assert few["p_value"].isna().all()
    assert few["rate_per_1000"].notna().all()
    # Nothing is expected of four that make up their own level: the one with 90 of their 120 would be half of it.
    assert few[["expected", "ratio"]].isna().all(axis=None)
    assert "not judged, since fewer than 5 schools of the level" in few["sentence"].iloc[0]
    assert result.most_sentence() == (
        "School 13 has the most, 90 of the 220 reported calls for zone officers (41%); it was not judged."
    )
    by_level = group_rates(result, "level").set_index("level")
    assert np.isnan(by_level.loc["high", "ratio"])
    assert by_level.loc["high", "reported"] == 120


def test_small_schools_say_too_little_instead_of_nothing_wrong():
    result = school_rates(counts_of([1] * 30, days=10), term="T1", largest_detectable=3)
    assert set(result.table["status"]) == {"insufficient_data"}
    assert "only a rise by more than 3 times could have been seen" in result.table["sentence"].iloc[0]
    assert "None of the 30 program schools, with 30 reported calls for zone officers, was judged:" in result.summary()


def test_terms_to_come_change_nothing():
    first = counts_of(np.random.default_rng(0).poisson(10, 30))
    later = counts_of(np.random.default_rng(1).poisson(40, 30), term="T2")
    alone = school_rates(first, term="T1")
    with_later = school_rates(pd.concat([first, later]), term="T1")
    pd.testing.assert_frame_equal(alone.table, with_later.table)
    assert not np.allclose(
        school_rates(later, term="T2").ordinary.weights,
        school_rates(pd.concat([first, later]), term="T2").ordinary.weights,
    )


def test_no_school_has_a_denominator():
    result = school_rates(counts_of([3, 4], students=np.nan), term="T1")
    assert set(result.table["status"]) == {"no_denominator"}
    assert result.summary().startswith("None of the 2 program schools, with 7 reported calls for")
    assert result.limits.empty
    assert group_rates(result, "level")["rate_per_1000"].isna().all()


def test_unknown_term_is_reported():
    with pytest.raises(InputError, match="no such term"):
        school_rates(counts_of([1]), term="T9")


@settings(max_examples=20)
@given(st.lists(st.integers(0, 60), min_size=8, max_size=20))
def test_shrunken_rates_lie_between_the_rate_and_what_is_ordinary(reported):
    table = school_rates(counts_of(reported), term="T1").table.dropna(subset=["shrunken_per_1000"])
    base = 1000 * table["expected"] / table["student_days"]
    low, high = np.minimum(table["rate_per_1000"], base), np.maximum(table["rate_per_1000"], base)
    assert (table["shrunken_per_1000"] >= low - 1e-9).all()
    assert (table["shrunken_per_1000"] <= high + 1e-9).all()
    known = table[table["p_value"].notna()]
    assert (known["shrunken_low_per_1000"] <= known["shrunken_per_1000"] + 1e-6).all()
    assert (known["shrunken_high_per_1000"] >= known["shrunken_per_1000"] - 1e-6).all()
    # More incidents, higher rank.
    order = table.sort_values("reported")["shrunken_per_1000"]
    assert (np.diff(order) >= -1e-9).all()


def test_shrunken_interval_is_that_of_the_posterior():
    ordinary = OrdinaryRates(np.array([10.0]), np.array([0.25]), np.array([1.0]))
    low, mean, high = shrunken_ratios([20], ordinary)
    # Prior gamma(4, 4), 20 seen where 10 are expected: posterior gamma(24, 14).
    assert mean[0] == pytest.approx(24 / 14)
    area = integrate.quad(lambda x: stats.gamma.pdf(x, 24, scale=1 / 14), low[0], high[0])[0]
    assert area == pytest.approx(0.95, abs=1e-6)


def test_no_ratio_and_no_flag_where_almost_nothing_is_expected():
    # Nineteen schools with nothing and a tiny one with six calls: what their level expects of it is as good as nothing.
    tiny = school_rates(counts_of([0] * 19 + [6], students=[800] * 19 + [12]), term="T1")
    assert tiny.high.empty
    assert tiny.table["ratio"].isna().all()
    assert (tiny.table["not_judged"] == "its level has almost no reported calls").all()
    assert "its level has almost no reported calls" in tiny.table["sentence"].iloc[-1]
    # Beside a level that has calls, twelve students lead to expect 0.15 of one.
    small = school_rates(counts_of([10] * 19 + [6], students=[800] * 19 + [12]), term="T1").table.iloc[-1]
    assert small["expected"] == pytest.approx(0.15, rel=0.1)
    assert (small["status"], small["not_judged"]) == ("insufficient_data", "less than one reported call is expected")
    assert np.isnan(small["ratio"])
    assert "times" not in small["sentence"]


@settings(max_examples=20)
@given(st.lists(st.integers(0, 40), min_size=6, max_size=20), st.floats(0.001, 1))
def test_every_ratio_and_flag_rests_on_one_expected_call_or_more(reported, scale):
    students = 1000 * scale ** np.linspace(0, 2, len(reported))
    result = school_rates(counts_of(reported, students=students), term="T1")
    told = result.table[result.table["ratio"].notna() | result.table["p_value"].notna()]
    assert (told["expected"] >= 1).all()
    assert (
        result.table["not_judged"]
        .eq("")
        .equals(result.table["status"].isin(["high", "not_high", "rests_on_officer_initiated"]))
    )


def test_groups_add_up():
    table = counts_of([10, 12, 30, 8, 11, 9, 7], students=[1000] * 6 + [np.nan])
    result = school_rates(table, term="T1")
    zones = group_rates(result, "zone_id").set_index("zone_id")
    assert zones["reported"].sum() + zones["reported_without_rate"].sum() == 87
    assert zones["schools"].sum() == 7
    assert zones["schools_without_rate"].tolist() == [0, 1]
    assert zones.loc["A", "rate_per_1000"] == pytest.approx(1000 * (12 + 8 + 9) / 300_000)
    assert (zones["ratio_low"] < zones["ratio"]).all()
    assert (zones["ratio"] < zones["ratio_high"]).all()


def test_funnel_narrows_as_more_is_expected():
    limits = school_rates(counts_of([10, 20, 40, 80] * 5, students=[1000, 2000, 4000, 8000] * 5), term="T1").limits
    assert limits["expected"].is_monotonic_increasing
    width = limits["high_95"] - limits["low_95"]
    assert width.iloc[0] > 1.5 * width.iloc[-1]
    assert (limits["high_998"] >= limits["high_95"]).all()
