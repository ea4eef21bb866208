"""Change: published values of the E-test and of the displacement difference, and terms beside each other."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import rates

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.hotspots._change import (
    baseline_terms,
    e_test,
    term_change,
    weighted_displacement_difference,
    zone_change_effect,
)
from safeschools_geo.settings import Term


@pytest.mark.parametrize("exposures", [(1e4, 1e4), (5e4, 1.3e4), (1e4, 1e5)])
def test_e_test_is_that_of_statsmodels(exposures):
    random = np.random.default_rng(8)
    pairs = {tuple(random.poisson(random.choice([0.5, 3, 20, 150], 2)).tolist()) for _ in range(60)} - {(0, 0)}
    for one, other in pairs:
        with np.errstate(divide="ignore"):
            theirs = rates.test_poisson_2indep(one, exposures[0], other, exposures[1], method="etest-wald").pvalue
        assert e_test(one, exposures[0], other, exposures[1]) == pytest.approx(min(float(theirs), 1.0), abs=1e-11)


def test_e_test_of_a_districts_cases_is_that_of_a_normal_difference():
    """All pairs of 100,000 cases would be more than a machine holds; so many are all but normal."""
    one, other = 100_000, 101_000
    z = (one - other) / np.sqrt(one + other)
    assert e_test(one, 1.0, other, 1.0) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=0.01)


@pytest.mark.parametrize(("counts", "published"), [((6, 2), 0.1749), ((0, 3), 0.0884)])
def test_e_test_as_published(counts, published):
    assert e_test(counts[0], 1, counts[1], 1) == pytest.approx(published, abs=5e-5)


def test_displacement_difference_as_published():
    # Wheeler and Ratcliffe 2018.
    result = weighted_displacement_difference(
        (207, 110), (308, 318), displacement_treated=(178, 157), displacement_control=(150, 140)
    )
    assert (result.wdd, result.variance) == (-118, 1568)
    assert result.z == pytest.approx(-2.98, abs=0.005)
    assert result.p_value == pytest.approx(0.0029, abs=5e-5)
    assert result.low < -118 < result.high < 0
    assert "118 incidents fewer" in result.summary()
    assert "more than chance explains" in result.summary()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 500), min_size=8, max_size=8))
def test_exchanging_treated_and_control_turns_the_sign(n):
    pairs = [(n[i], n[i + 1]) for i in range(0, 8, 2)]
    one = weighted_displacement_difference(
        pairs[0], pairs[1], displacement_treated=pairs[2], displacement_control=pairs[3]
    )
    other = weighted_displacement_difference(
        pairs[1], pairs[0], displacement_treated=pairs[3], displacement_control=pairs[2]
    )
    assert (one.wdd, one.variance) == (-other.wdd, sum(n))
    assert other.variance == one.variance


def counts_of(before, after, *, days=(1000.0, 1000.0), zones=None, level="high"):
    n = len(before)
    ids = [f"S{i}" for i in range(n)]
    zone = zones or ["A"] * n
    frames = [
        pd.DataFrame({"term": t, "school_id": ids, "zone_id": zone, "level": level, "incidents": c, "student_days": d})
        for t, c, d in (("T1", before, days[0]), ("T2", after, days[1]))
    ]
    return pd.concat(frames, ignore_index=True)


def test_terms_beside_each_other_by_hand():
    table = term_change(counts_of([10, 10, 1, 0], [40, 12, 2, 9], days=(1000.0, 2000.0)), before="T1", after="T2")
    row = table.set_index("school_id")
    assert row.loc["S0", "ratio"] == pytest.approx(40 / 10 / 2)
    assert row.loc["S0", "ratio_low"] < 2 < row.loc["S0", "ratio_high"]
    assert row.loc["S2", "direction"] == "insufficient_data"
    # Nothing is a multiple of none: the counts are reported, and that they rose.
    assert np.isnan(row.loc["S3", "ratio"])
    assert row["q_value"].notna().tolist() == [True, True, False, True]
    assert "too few to compare" in row.loc["S2", "sentence"]


def test_a_clear_rise_and_a_clear_fall():
    table = term_change(counts_of([10, 60, 30], [50, 20, 31]), before="T1", after="T2").set_index("school_id")
    assert table["direction"].tolist() == ["rose", "fell", "no clear change"]
    assert "rose to 5.0 times" in table.loc["S0", "sentence"]


def test_a_rise_from_almost_none_is_reported_without_a_ratio():
    row = term_change(counts_of([0, 30, 2], [40, 29, 14]), before="T1", after="T2").set_index("school_id")
    assert row["direction"].tolist() == ["rose", "no clear change", "rose"]
    assert row["ratio"].notna().tolist() == [False, True, False]
    assert "in T1, 40 in T2: the rate rose from none, more than chance explains." in row.loc["S0", "sentence"]
    assert "the rate rose from almost none" in row.loc["S2", "sentence"]
    gone = term_change(counts_of([30, 30], [0, 30]), before="T1", after="T2").iloc[0]
    assert "the rate fell to none, more than chance explains" in gone["sentence"]


@pytest.mark.parametrize(("before", "after"), [([40, 30], [0, 0]), ([0, 0], [40, 30])])
def test_a_term_without_any_incident_is_no_fall_and_no_rise(before, after):
    table = term_change(counts_of(before, after), before="T1", after="T2")
    assert set(table["direction"]) == {"insufficient_data"}
    assert table[["ratio", "p_value", "q_value"]].isna().all(axis=None)
    assert table["sentence"].str.endswith("too few to compare.").all()


def terms_of(*starts):
    first = [(name, date.fromisoformat(day)) for name, day in starts]
    return [Term(name=name, start=day, end=day + timedelta(days=100)) for name, day in first]


def test_baselines_go_by_the_calendar_and_not_by_the_place_in_the_list():
    terms = terms_of(("F24", "2024-08-12"), ("S25", "2025-01-06"), ("F25", "2025-08-11"), ("S26", "2026-01-05"))
    assert baseline_terms(terms, terms[3]) == {"year_before": "S25", "term_before": "F25"}
    # A term that is missing from the record shifts nothing.
    assert baseline_terms([terms[0], terms[1], terms[3]], terms[3]) == {"year_before": "S25"}
    assert baseline_terms([terms[0], terms[2], terms[3]], terms[3]) == {"term_before": "F25"}
    assert baseline_terms(terms, terms[0]) == {}
    years = terms_of(("2024", "2024-08-12"), ("2025", "2025-08-11"))
    assert baseline_terms(years, years[1]) == {"year_before": "2024"}


def test_zones_add_their_schools_and_unknown_enrollment_is_left_out():
    counts = counts_of([10, 20, 5], [10, 20, 5], zones=["A", "A", "B"])
    counts.loc[counts["school_id"] == "S2", "student_days"] = np.nan
    table = term_change(counts, before="T1", after="T2", by="zone_id").set_index("zone_id")
    assert table.loc["A", "incidents_before"] == 30
    assert table.loc["B", "direction"] == "insufficient_data"
    assert table.loc["B", ["incidents_before", "incidents_after"]].tolist() == [5, 5]
    assert "5 reported calls for zone officers in T1, 5 in T2: too few to compare" in table.loc["B", "sentence"]
    mixed = term_change(counts.assign(zone_id="A"), before="T1", after="T2", by="zone_id").iloc[0]
    assert mixed["incidents_before"] == 30
    assert mixed["sentence"].startswith("30 reported calls for zone officers at schools with a known enrollment in T1")


def test_interval_is_the_exact_conditional_one():
    # 30 and 10 over equal days: the binomial share 30 of 40 has 58.8 % to 87.3 %.
    row = term_change(counts_of([10], [30]), before="T1", after="T2").iloc[0]
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx((0.588 / 0.412, 0.873 / 0.127), rel=0.01)


def test_moved_schools_against_the_most_alike():
    counts = counts_of([50, 48, 10, 90], [20, 47, 11, 88])
    result = zone_change_effect(counts, ["S0"], before="T1", after="T2")
    assert (result.treated, result.comparison) == (("S0",), ("S1",))
    assert result.wdd == (20 - 50) - (47 - 48)
    named = zone_change_effect(counts, ["S0"], before="T1", after="T2", comparison=["S3"])
    assert named.comparison == ("S3",)
    assert named.to_frame()["treated"].item() == "S0"


def test_a_moved_school_without_one_like_it_is_left_out_and_named():
    counts = counts_of([50, 48, 10], [20, 47, 11])
    counts.loc[counts["school_id"] == "S2", "level"] = "high"
    result = zone_change_effect(counts, ["S0", "S2"], before="T1", after="T2")
    assert (result.treated, result.comparison, result.unmatched) == (("S0",), ("S1",), ("S2",))
    assert result.wdd == (20 - 50) - (47 - 48)
    assert "29 reported calls fewer than" in result.summary("reported calls")


def test_bad_input_is_reported():
    counts = counts_of([1], [2])
    with pytest.raises(ColumnError):
        term_change(counts.drop(columns="incidents"), before="T1", after="T2")
    with pytest.raises(InputError, match="no such term"):
        term_change(counts, before="T1", after="T9")
    with pytest.raises(InputError, match="cannot be compared"):
        zone_change_effect(counts, ["nowhere"], before="T1", after="T2")
    with pytest.raises(InputError, match="no school to compare"):
        zone_change_effect(counts, ["S0"], before="T1", after="T2")
    with pytest.raises(InputError, match="pair of counts"):
        weighted_displacement_difference((1, 2, 3), (1, 2))
    assert e_test(0, 1, 0, 1) == 1
