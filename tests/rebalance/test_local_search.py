from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_places import places_of, random_places

from safeschools_geo.rebalance import _partition as local_search
from safeschools_geo.rebalance._partition import Goal


def test_the_score_by_hand():
    # Zones {0, 1} and {2} on a line; loads 3 and 1 about a mean of 2 are 50 % off, 40 % beyond the tolerance, twice.
    line = places_of([(0, 0), (2, 0), (4, 0)], [1, 2, 1], [(0, 1), (1, 2)], border_km=1.5)
    goal = Goal(zones=2, mean_load=2.0, tolerance=0.1, spread_km2=8.0, border_weight=0.2)
    excess, cost = local_search.score(line, np.array([0, 0, 1]), goal)
    assert excess == pytest.approx(0.8)
    # Around the middle (2, 0): centers at -1 (two places) and 2 (one), so 2 x 1 + 1 x 4 is saved; one border of 1.5 km.
    assert cost == pytest.approx(-6 / 8 + 0.2 * 1.5)


def test_round_zones_weigh_spread_and_border_alike():
    # 4 zones of pi km2, r = 1 km, 8 places each: spread 8 / 2 = 4, half a border pi, so 4 / pi a kilometer. The places
    # stand half a kilometer off their middle, a spread of 32 / 4 = 8.
    places = places_of([(i % 2, 0) for i in range(32)], [1] * 32, [])
    goal = Goal.of(
        type(places)(**{**vars(places), "area_km2": 4 * np.pi}),
        zones=4,
        tolerance=0.1,
    )
    assert goal.spread_km2 == pytest.approx(8)
    assert goal.border_weight == pytest.approx(4 / np.pi / 8)
    assert goal.mean_load == 8


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), zones=st.integers(2, 5))
def test_what_a_change_is_said_to_bring_is_what_it_brings(seed, zones):
    places = random_places(seed, 14)
    label = np.random.default_rng(seed).permutation(np.arange(14) % zones)
    goal = Goal.of(places, zones=zones, tolerance=0.1)
    place, target = local_search._border_moves(places, label)
    first, second, change = local_search._changes(places, label, place, target, goal=goal)
    before = np.array(local_search.score(places, label, goal))
    for i, j, said in zip(first, second, change, strict=True):
        moved = label.copy()
        moved[place[[i, j]]] = target[[i, j]]
        np.testing.assert_allclose(local_search.score(places, moved, goal) - before, said, atol=1e-8)
    assert (first == second).sum() == len(place)
    assert (first != second).any()
