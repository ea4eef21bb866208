from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_places import every_partition, is_partition, places_of, random_places

from safeschools_geo.rebalance._p_median import MedianSolver
from safeschools_geo.rebalance._partition import Goal, _middles, _problem, compact_partition, improve, score


def grouped(label) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(label == z).tolist()) for z in np.unique(label)}


def divide(places, zones, *, tolerance=0.0, starts=20, seed=0):
    return compact_partition(places, zones=zones, tolerance=tolerance, starts=starts, seed=seed)


def test_a_path_is_cut_where_the_loads_are_even():
    # Wheeler's four areas A-B-C-D with calls 4, 1, 2, 3: only AB | CD gives 5 and 5.
    path = places_of([(0, 0), (1, 0), (2, 0), (3, 0)], [4, 1, 2, 3], [(0, 1), (1, 2), (2, 3)])
    assert grouped(divide(path, 2)) == {frozenset({0, 1}), frozenset({2, 3})}


def test_two_blocks_rather_than_two_rows():
    # Two rows of four: blocks of 2 x 2 have a spread of 2 km2 each, rows of four one of 5 km2.
    xy = [(c, r) for r in range(2) for c in range(4)]
    links = [(i, j) for i in range(8) for j in range(i) if np.hypot(*np.subtract(xy[i], xy[j])) == 1]
    assert grouped(divide(places_of(xy, [1] * 8, links), 2)) == {frozenset({0, 1, 4, 5}), frozenset({2, 3, 6, 7})}


def test_contiguity_goes_before_distance():
    # A and D are next to each other but not neighbors: a river runs between, and the ring is long.
    #   A . D
    #   B - C
    ring = places_of([(0, 0), (0, 9), (0.1, 9), (0.1, 0)], [1, 1, 1, 1], [(0, 1), (1, 2), (2, 3)])
    assert grouped(divide(ring, 2)) == {frozenset({0, 1}), frozenset({2, 3})}


def test_balance_goes_before_compactness_only_beyond_the_tolerance():
    path = places_of([(0, 0), (1, 0), (5, 0), (6, 0)], [1, 1, 2, 2], [(0, 1), (1, 2), (2, 3)])
    assert grouped(divide(path, 2, tolerance=0.4)) == {frozenset({0, 1}), frozenset({2, 3})}
    # Loads 2 and 4 are a third off the mean, 4 and 2 as much: no cut is better, so the compact one stays.
    assert grouped(divide(path, 2, tolerance=0.0)) == {frozenset({0, 1}), frozenset({2, 3})}
    heavier = places_of([(0, 0), (1, 0), (5, 0), (6, 0)], [1, 1, 2, 4], [(0, 1), (1, 2), (2, 3)])
    assert grouped(divide(heavier, 2, tolerance=0.6)) == {frozenset({0, 1}), frozenset({2, 3})}
    assert grouped(divide(heavier, 2, tolerance=0.1)) == {frozenset({0, 1, 2}), frozenset({3})}


@pytest.mark.parametrize("zones", [1, 7])
def test_one_zone_and_as_many_zones_as_places(zones):
    places = random_places(3, 7)
    assert len(grouped(divide(places, zones))) == zones


def test_places_without_load_find_a_zone():
    path = places_of([(i, 0) for i in range(6)], [1, 0, 0, 0, 0, 1], [(i, i + 1) for i in range(5)])
    label = divide(path, 2)
    assert is_partition(path, label, 2)
    assert grouped(label) == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}


@pytest.mark.parametrize("seed", range(6))
def test_small_instances_are_solved_as_well_as_by_trying_everything(seed):
    places = random_places(seed, 8)
    for zones, tolerance in ((2, 0.0), (3, 0.1)):
        goal = Goal.of(places, zones=zones, tolerance=tolerance)
        best = min(score(places, label, goal) for label in every_partition(places, zones))
        found = divide(places, zones, tolerance=tolerance, starts=30)
        assert score(places, found, goal) == pytest.approx(best, abs=1e-8)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 40), share=st.floats(0.05, 1), tolerance=st.floats(0, 0.9))
def test_every_outcome_is_a_contiguous_partition(seed, n, share, tolerance):
    places = random_places(seed, n)
    zones = max(1, int(n * share))
    label = divide(places, zones, tolerance=tolerance, starts=2, seed=seed)
    assert label.shape == (n,)
    assert is_partition(places, label, zones)


def test_the_same_seed_gives_the_same_zones():
    places = random_places(5, 40)
    np.testing.assert_array_equal(divide(places, 5, seed=7, starts=5), divide(places, 5, seed=7, starts=5))


def test_local_search_only_makes_it_better():
    places = random_places(11, 30)
    goal = Goal.of(places, zones=4, tolerance=0.05)
    start = np.clip(np.argsort(np.argsort(places.xy_km[:, 0])) // 8, 0, 3)
    kept = start.copy()
    found = improve(places, start, goal)
    assert score(places, found, goal) < score(places, start, goal)
    np.testing.assert_array_equal(start, kept)


def test_a_plan_known_beforehand_stays_where_there_is_no_time_for_a_better_one():
    places = random_places(0, 40)
    label = divide(places, 3, tolerance=0.1, starts=1)
    problem = _problem(places, 3, 0.1)
    first = _middles(problem, label)[label]
    solver = MedianSolver(problem, time_limit_s=0.0, first=first)
    assert solver.label.tolist() == first.tolist()
    least = MedianSolver(problem, first=first, gap=0.001)
    assert 0 < solver.bound <= least.travel <= solver.travel
