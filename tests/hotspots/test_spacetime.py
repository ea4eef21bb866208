"""Knox: a published value, brute force, and two ways of counting that agree."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal import examples

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots import spacetime
from safeschools_geo.hotspots.spacetime import ByPairs, ByPlaceAndDay, knox


def test_burkitt_as_published():
    table = gpd.read_file(examples.get_path("burkitt.shp"))
    result = knox(table[["X", "Y"]], table["T"], distance_m=20, days=5, simulations=99)
    assert result.observed == 13
    assert result.expected == pytest.approx(10.1438, abs=5e-5)
    assert 0.05 < result.p_value < 0.5
    assert "one-sided" in result.summary()


def test_four_incidents_by_hand():
    # a and b are near and soon, c is near both and late, d is far and soon.
    xy, t = [(0, 0), (3, 4), (0, 1), (900, 0)], [0, 2, 50, 1]
    result = knox(xy, t, distance_m=5, days=2, simulations=9)
    assert (result.observed, result.near_in_space, result.near_in_time) == (1, 3, 3)
    assert result.expected == pytest.approx(3 * 3 / 6)


def brute_force(xy, t, distance, days):
    near = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)) <= distance
    soon = np.abs(t[:, None] - t) <= days
    return int(np.triu(near & soon, 1).sum()), int(np.triu(near, 1).sum()), int(np.triu(soon, 1).sum())


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 60), days=st.integers(0, 9), is_whole=st.booleans())
def test_counts_are_those_of_brute_force(seed, n, days, is_whole):
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 12, (n, 2)).astype(float)
    t = rng.integers(0, 30, n).astype(float) + (0 if is_whole else rng.random(n))
    result = knox(xy, t, distance_m=2.5, days=days, simulations=1)
    assert (result.observed, result.near_in_space, result.near_in_time) == brute_force(xy, t, 2.5, days)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), days=st.integers(0, 40))
def test_both_ways_of_counting_agree(seed, days):
    rng = np.random.default_rng(seed)
    where, t = rng.integers(0, 10, 80), rng.integers(-5, 20, 80).astype(float)
    where[:10] = np.arange(10)
    pairs = np.array([[0, 1], [1, 2], [3, 9], [4, 5]])
    by_pairs = ByPairs(where, pairs, days).count(t)
    assert by_pairs == ByPlaceAndDay(where, pairs, days, (int(t.min()), int(t.max()))).count(t)


@settings(max_examples=40)
@given(st.integers(0, 2**16), st.sampled_from(["grid", "scattered", "far away"]), st.sampled_from([1e-6, 0.3048, 1e6]))
def test_the_unit_of_places_changes_nothing(seed, kind, scale):
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 8, (60, 2)) * 100.0 if kind == "grid" else rng.uniform(0, 900, (60, 2))
    xy = xy + (4_200_000.0 if kind == "far away" else 0.0)
    days = rng.integers(0, 30, 60)
    one, other = (knox(k * xy, days, distance_m=k * 200.0, days=3, simulations=19) for k in (1.0, scale))
    assert (one.observed, one.near_in_space, one.p_value) == (other.observed, other.near_in_space, other.p_value)


def test_the_largest_distance_is_included_and_one_place_is_one_place():
    # 0.1 + 0.2 is not 0.3: the third lies 0.3 from the first, up to rounding.
    found = knox([[0.0, 0.0], [0.0, 0.0], [0.1 + 0.2, 0.0]], [0, 0, 0], distance_m=0.3, days=0, simulations=9)
    assert found.near_in_space == 3
    assert knox([[0.0, 0.0], [0.0, 0.0], [0.0004, 0.0]], [0, 0, 0], distance_m=0, days=0, simulations=9).observed == 1


def test_repeats_are_found_and_a_shared_season_is_none():
    rng = np.random.default_rng(1)
    xy, t = rng.uniform(0, 5000, (300, 2)), rng.integers(0, 365, 300)
    season = np.where(rng.random(300) < 0.5, rng.integers(100, 120, 300), t)
    assert knox(xy, season, distance_m=300, days=7, simulations=199).p_value > 0.05
    again = np.r_[xy, xy[:60] + rng.normal(0, 20, (60, 2))]
    soon = np.r_[t, t[:60] + rng.integers(1, 5, 60)]
    result = knox(again, soon, distance_m=300, days=7, simulations=199)
    assert result.p_value == 1 / 200
    assert result.ratio > 1.5
    assert "follow each other" in result.summary()


def test_result_does_not_depend_on_how_it_was_counted(monkeypatch):
    rng = np.random.default_rng(2)
    xy, t = rng.integers(0, 5, (200, 2)) * 100.0, rng.integers(0, 60, 200)
    results = []
    for cost in (1e9, 1e-9):
        monkeypatch.setattr(spacetime, "_PAIR_COST", cost)
        results.append(knox(xy, t, distance_m=100, days=3, simulations=49, seed=5))
    assert results[0] == results[1]


def test_bad_input_is_told():
    with pytest.raises(InputError, match="do not fit"):
        knox([[0, 0]], [1, 2], distance_m=1, days=1)
    with pytest.raises(InputError, match="lack a place"):
        knox([[0, 0], [np.nan, 1]], [1, 2], distance_m=1, days=1)
    with pytest.raises(InputError, match="0 or more"):
        knox([[0, 0], [1, 1]], [1, 2], distance_m=-1, days=1)
    alone = knox([[0, 0], [9, 9]], [1, 1], distance_m=1, days=1, simulations=9)
    assert "nothing can be said" in alone.summary()
