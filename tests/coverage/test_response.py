"""Response: means, quantiles and shares by hand, and quantiles against repeated values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo.coverage._response import mean_response_min, response_quantile_min, weighted_quantile, within_share

SHARES = np.array([[0.5, 0.1], [0.2, 0.1]])
MINUTES = np.array([[2.0, 8.0], [4.0, 10.0]])


def test_the_mean_is_of_the_calls_that_officers_answer():
    # (0.5 × 2 + 0.1 × 8 + 0.2 × 4 + 0.1 × 10) / 0.9
    assert mean_response_min(SHARES, MINUTES) == pytest.approx(3.6 / 0.9)


@pytest.mark.parametrize(
    ("share", "minutes"), [(0.5, 2.0), (5 / 9, 2.0), (0.6, 4.0), (0.8, 8.0), (0.9, 10.0), (1, 10.0)]
)
def test_quantiles_step_from_trip_to_trip(share, minutes):
    assert response_quantile_min(SHARES, MINUTES, share) == minutes


def test_in_time_is_a_share_of_all_calls():
    assert within_share(SHARES, MINUTES, 4.0) == pytest.approx(0.7)
    assert within_share(SHARES, MINUTES, 3.9) == pytest.approx(0.5)
    assert within_share(SHARES, MINUTES, 99.0) == pytest.approx(0.9)


def test_without_an_answered_call_there_is_no_response():
    assert np.isnan(mean_response_min(np.zeros((2, 2)), MINUTES))
    assert np.isnan(response_quantile_min(np.zeros((2, 2)), MINUTES))
    assert within_share(np.zeros((2, 2)), MINUTES, 5.0) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_a_weighted_quantile_is_that_of_repeated_values(pairs, share):
    values, weights = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    repeated = np.sort(np.repeat(values, weights.astype(int)))
    found = weighted_quantile(values, weights, share)
    if not len(repeated):
        assert np.isnan(found)
    else:
        assert found == np.quantile(repeated, share, method="inverted_cdf")
