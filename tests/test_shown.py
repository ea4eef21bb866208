from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo.errors import ColumnError
from safeschools_geo.text import format_imbalance, format_load, format_ratio, format_share, millionths
from safeschools_geo.workload import imbalance


def test_workloads_become_whole_millionths():
    found = millionths(pd.Series({"a": 1.5, "b": 0.1 + 0.2, "c": 2.5e-7, "d": 5e-7, "e": 0.0}))
    assert found.to_dict() == {"a": 1_500_000, "b": 300_000, "c": 0, "d": 1, "e": 0}
    assert (found.name, found.dtype) == ("millionths", np.dtype("int64"))


@pytest.mark.parametrize("value", [np.nan, -0.1, np.inf])
def test_what_cannot_be_added_is_named(value):
    with pytest.raises(ColumnError, match="Rows: b"):
        millionths(pd.Series({"a": 1.0, "b": value}))


def test_sums_that_a_page_could_not_hold_are_refused():
    with pytest.raises(ColumnError, match="too large"):
        millionths(pd.Series({"a": 9e9, "b": 9e9}))


@pytest.mark.parametrize(
    ("load", "text"),
    [(0, "0.00"), (4_999, "0.00"), (5_000, "0.01"), (1_005_000, "1.01"), (1_234_500_000, "1,234.50")],
)
def test_loads_are_rounded_half_up(load, text):
    assert format_load(load) == text


@pytest.mark.parametrize(
    ("n", "d", "text"), [(1, 8, "12.5%"), (1, 2000, "0.1%"), (1, 2001, "0.0%"), (3, 2, "150.0%"), (0, 0, "0.0%")]
)
def test_shares_are_rounded_half_up(n, d, text):
    assert format_share(n, d) == text


def test_imbalance_and_ratio():
    # Mean 200; the largest deviation is 100 of 200. A zone without load counts.
    assert format_imbalance([100, 200, 300]) == "50.0%"
    assert format_imbalance([300, 0]) == "100.0%"
    assert format_imbalance([0, 0]) == format_imbalance([]) == "0.0%"
    assert format_ratio([100, 225]) == "2.25"
    assert format_ratio([0, 1]) == "–"


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=12))
def test_what_is_shown_is_the_exact_value_rounded(loads):
    shown = Fraction(format_imbalance(loads).removesuffix("%")) / 100
    exact = Fraction(imbalance(pd.Series(loads))).limit_denominator(10**15)
    assert abs(shown - exact) <= Fraction(1, 2000) + Fraction(1, 10**9)
    assert format_imbalance(loads) == format_imbalance(reversed(loads))
