"""A school against its own earlier terms: the prediction by hand, what is a past and what is not, and one status."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from safeschools_geo.hotspots._expected import predict_by_past
from safeschools_geo.hotspots._schools import OF_PAST, PLUGGED_IN, school_rates

PEERS = 20


def counts_of(terms, *, days=None, level=None):
    """Count the calls of schools over terms: one list of calls for each school, one number for each term."""
    calls = np.array(terms).T
    days = [100] * len(calls) if days is None else days
    n = calls.shape[1]
    rows = [
        pd.DataFrame(
            {
                "term": f"T{number}",
                "school_id": [f"{i:03}" for i in range(n)],
                "name": [f"School {i}" for i in range(n)],
                "level": ["elementary"] * n if level is None else level,
                "zone_id": "A",
                "enrollment": pd.array([500] * n, dtype="Int64"),
                "student_days": 500.0 * days[number],
                "incidents": row,
                "reported": row,
                "officer_initiated_share": 0.0,
            }
        )
        for number, row in enumerate(calls)
    ]
    return pd.concat(rows, ignore_index=True)


def others(terms=6, mean=12.0, n=PEERS, length=None):
    """Draw ordinary schools, some of which always have more than others."""
    rng = np.random.default_rng(3)
    own = rng.gamma(10, 0.1, n)
    return rng.poisson(mean * own[:, None] * np.ones(terms) * (1.0 if length is None else np.array(length))).tolist()


def last(counts, school):
    rates = school_rates(counts, term=counts["term"].iloc[-1])
    return rates.table.set_index("school_id").loc[f"{school:03}"]


def test_the_past_updates_what_is_ordinary():
    # Prior gamma(4, 4), 20 seen where 10 were expected: gamma(24, 14), and 5 are expected now.
    found = predict_by_past(np.array([[20.0], [0.0]]), np.array([[10.0], [5.0]]), [0.25], cells=1)
    assert found.expected == pytest.approx([5 * 24 / 14])
    assert found.dispersion == pytest.approx([1 / 24])


def test_a_past_far_out_is_pulled_less():
    # 60 where 10 were expected: 50 over a variance of 10 + 0.25 × 100, the prior counts 4 / (2500 / 35) of its 4.
    found = predict_by_past(np.array([[60.0], [0.0]]), np.array([[10.0], [5.0]]), [0.25], cells=1)
    prior = 4 * 4 / (2500 / 35)
    assert found.expected == pytest.approx([5 * (60 + prior) / (10 + prior)])


def test_a_school_without_others_like_it_is_predicted_by_itself_alone():
    cases, expected = (
        np.array([[7.0, 3.0], [9.0, np.nan], [0.0, 0.0]]),
        np.array([[8.0, np.nan], [8.0, np.nan], [4, 4]]),
    )
    found = predict_by_past(cases, expected, [np.inf, np.inf], cells=1)
    assert found.expected == pytest.approx([4 * 16.5 / 16, np.nan], nan_ok=True)
    assert found.dispersion == pytest.approx([1 / 16.5, np.nan], nan_ok=True)


@pytest.mark.parametrize("passing", [0.0, 0.1])
def test_what_comes_and_goes_with_the_terms_is_recovered(passing):
    rng = np.random.default_rng(5)
    means = np.full((6, 200), 30.0)
    factors = rng.gamma(10, 0.1, 200) * (rng.gamma(1 / passing, passing, means.shape) if passing else 1.0)
    found = predict_by_past(rng.poisson(means * factors).astype(float), means, [0.1 + passing] * 200, cells=6)
    # Five terms of 30 leave 1 / 160 of doubt where nothing comes and goes.
    assert np.median(found.dispersion) == pytest.approx(passing or 1 / 160, abs=0.3 * passing + 0.003)


def test_a_school_that_is_ordinary_for_its_level_is_high_against_its_own_past():
    counts = counts_of([*others(), [4, 5, 3, 4, 4, 19]])
    row = last(counts, PEERS)
    assert (row["status"], row["high_against"]) == ("high", "past")
    assert row["predicted"] < 6 < row["expected"]
    assert "that its own earlier terms predict (19 against " in row["sentence"]
    assert "high against its own past." in row["sentence"]


def test_a_school_that_always_was_high_is_high_against_schools_like_it():
    row = last(counts_of([*others(), [52, 47, 55, 49, 50, 51]]), PEERS)
    assert (row["status"], row["high_against"]) == ("high", "level")
    assert row["predicted"] == pytest.approx(51, rel=0.1)
    assert "expected for its enrollment and level (51 against " in row["sentence"]
    assert row["sentence"].split(": ")[1].startswith("high against schools like it.")


def test_a_school_that_is_both_says_both():
    row = last(counts_of([*others(), [12, 11, 12, 13, 12, 60]]), PEERS)
    assert row["high_against"] == "level_and_past"
    assert "and 4." in row["sentence"]
    assert "high against schools like it and against its own past" in row["sentence"]


def test_without_an_earlier_term_there_is_the_funnel_alone():
    counts = counts_of([*others(), [12, 11, 12, 13, 12, 60]])
    alone = counts[counts["term"] == "T5"]
    table = school_rates(alone, term="T5").table
    assert table["predicted"].isna().all()
    assert table["high_against"].tolist() == [""] * PEERS + ["level"]
    assert "earlier terms" not in " ".join(table["sentence"])


def test_terms_before_a_school_opened_are_no_past():
    opened = [0, 0, 0, 12, 11, 13]
    row = last(counts_of([*others(), opened]), PEERS)
    assert row["predicted"] == pytest.approx(12, rel=0.2)
    assert row["status"] == "not_high"
    new = last(counts_of([*others(), [0, 0, 0, 0, 0, 13]]), PEERS)
    assert np.isnan(new["predicted"])
    assert new["status"] != "high"


def test_a_term_without_any_report_is_no_past():
    row = last(counts_of([*others(), [12, 0, 11, 0, 0, 13]]), PEERS)
    assert row["predicted"] == pytest.approx(12, rel=0.2)
    assert row["status"] == "not_high"


def test_a_small_school_may_have_terms_with_nothing():
    students = counts_of([*others(), [3, 0, 2, 0, 1, 2]])
    students.loc[students["school_id"] == f"{PEERS:03}", "student_days"] = 10_000.0
    row = last(students, PEERS)
    assert row["expected"] == pytest.approx(2.4, rel=0.2)
    assert row["predicted"] < row["expected"]


def test_terms_of_different_length_are_predicted_by_their_days():
    length = [1.0, 1.0, 0.5, 1.0, 1.0, 0.5]
    counts = counts_of([*others(length=length), [24, 25, 12, 24, 24, 12]], days=[100 * part for part in length])
    row = last(counts, PEERS)
    assert row["predicted"] == pytest.approx(12, rel=0.1)
    assert row["status"] == "not_high"


def test_a_season_that_all_schools_share_is_no_rise():
    length = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
    row = last(counts_of([*others(length=length), [12, 25, 12, 24, 11, 24]]), PEERS)
    assert row["predicted"] == pytest.approx(24, rel=0.2)
    assert row["status"] == "not_high"


def test_the_only_school_of_a_level_is_judged_by_its_past():
    level = ["elementary"] * PEERS + ["high"]
    quiet, loud = ([40, 42, 38, 41, 40, now] for now in (43, 90))
    row = last(counts_of([*others(), quiet], level=level), PEERS)
    assert (row["status"], row["not_judged"]) == ("not_high", "")
    assert np.isnan(row["expected"])
    assert row["sentence"].startswith(
        "School 20: 43 reported calls for zone officers where its own earlier terms predict"
    )
    row = last(counts_of([*others(), loud], level=level), PEERS)
    assert (row["status"], row["high_against"]) == ("high", "past")
    few = last(counts_of([*others(), [1, 0, 1, 0, 1, 9]], level=level), PEERS)
    assert few["not_judged"] == "fewer than 5 schools of the level have a known enrollment"


def test_the_p_value_is_the_smaller_one_over_its_share():
    counts = counts_of([*others(), [52, 47, 55, 49, 50, 51]])
    rates = school_rates(counts, term="T5")
    row, spread = rates.table.iloc[PEERS], rates.ordinary.dispersion
    law = stats.nbinom(1 / spread, 1 / (1 + spread * row["expected"]))
    assert row["p_value"] == pytest.approx(PLUGGED_IN * (law.sf(50) + law.sf(51)) / 2 / (1 - OF_PAST))


def test_the_smallest_rise_over_its_past_would_be_seen_in_four_terms_of_five():
    rows = others()
    row = last(counts_of(rows), 0)
    rng = np.random.default_rng(1)
    seen = []
    for count in rng.poisson(row["detectable_ratio"] * row["predicted"], 40):
        found = last(counts_of([[*rows[0][:-1], int(count)], *rows[1:]]), 0)
        seen.append(found["status"] == "high")
    assert 0.6 < np.mean(seen) < 0.97
