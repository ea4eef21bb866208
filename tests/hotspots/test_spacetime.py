"""Knox: a published value, brute force, and a p-value that holds where it is worked out from some of the pairs."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal import examples

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots import spacetime
from safeschools_geo.hotspots.spacetime import knox


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


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(2, 60),
    days=st.integers(0, 9),
    is_whole=st.booleans(),
    cut=st.tuples(st.integers(1, 500), st.integers(0, 3)),
)
def test_counts_are_those_of_brute_force(seed, n, days, is_whole, cut):
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 12, (n, 2)).astype(float)
    t = rng.integers(0, 30, n).astype(float) + (0 if is_whole else rng.random(n))
    with pytest.MonkeyPatch.context() as patch:
        # However places are cut into strips, and however those with many incidents are looked through.
        patch.setattr(spacetime, "_STRIP", cut[0])
        patch.setattr(spacetime, "_FEW", cut[1])
        patch.setattr(spacetime, "_STEP", 7)
        result = knox(xy, t, distance_m=2.5, days=days, simulations=1)
    assert (result.observed, result.near_in_space, result.near_in_time) == brute_force(xy, t, 2.5, days)
    assert result.settings["every"] == 1


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 400))
def test_the_pairs_drawn_are_every_so_many_of_those_near_in_space(seed, most):
    rng = np.random.default_rng(seed)
    xy, t = rng.integers(0, 6, (60, 2)).astype(float), rng.integers(0, 30, 60).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spacetime, "_MOST_DRAWN", most)
        patch.setattr(spacetime, "_STRIP", 150)
        near = spacetime._Near.of(xy, t, reach=1.5, days=3, seed=seed, on_part=lambda _: None)
    assert (near.observed, near.count) == brute_force(xy, t, 1.5, 3)[:2]
    assert len(near.left) == len(near.right) == -(-near.count // near.every) <= most
    pairs = {frozenset(pair) for pair in zip(near.left.tolist(), near.right.tolist(), strict=True)}
    assert len(pairs) == len(near.left)
    assert all(len(pair) == 2 and np.hypot(*np.subtract(*xy[list(pair)])) <= 1.5 for pair in pairs)
    # Nothing of when they were enters into which are drawn.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spacetime, "_MOST_DRAWN", most)
        patch.setattr(spacetime, "_STRIP", 150)
        other = spacetime._Near.of(xy, rng.permutation(t), reach=1.5, days=3, seed=seed, on_part=lambda _: None)
    assert (near.left.tolist(), near.right.tolist()) == (other.left.tolist(), other.right.tolist())


def test_a_p_value_from_some_of_the_pairs_keeps_its_level_and_its_power(monkeypatch):
    rng, false, true = np.random.default_rng(3), [], []
    monkeypatch.setattr(spacetime, "_MOST_DRAWN", 600)
    for number in range(300):
        # Few places, and rows in the order of time, as in a history.
        xy, t = rng.integers(0, 6, (120, 2)) * 100.0, np.sort(rng.integers(0, 60, 120))
        found = knox(xy, t, distance_m=100, days=3, simulations=39, seed=number)
        assert found.settings["every"] > 1
        assert f"from 1 in {found.settings['every']} of the" in found.summary()
        false.append(found.p_value)
        again = np.tile(xy, (4, 1)), np.r_[t, t + 1, t + 2, t + 3]
        true.append(knox(*again, distance_m=100, days=3, simulations=39, seed=number).p_value)
    for level in (0.05, 0.1, 0.25, 0.5):
        assert np.mean(np.array(false) <= level) <= level + 3 * np.sqrt(level * (1 - level) / 300)
    assert np.mean(np.array(true) <= 0.05) > 0.8


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


def test_bad_input_is_reported():
    with pytest.raises(InputError, match="do not fit"):
        knox([[0, 0]], [1, 2], distance_m=1, days=1)
    with pytest.raises(InputError, match="lack a place"):
        knox([[0, 0], [np.nan, 1]], [1, 2], distance_m=1, days=1)
    with pytest.raises(InputError, match="0 or more"):
        knox([[0, 0], [1, 1]], [1, 2], distance_m=-1, days=1)
    alone = knox([[0, 0], [9, 9]], [1, 1], distance_m=1, days=1, simulations=9)
    assert "nothing can be said" in alone.summary()
