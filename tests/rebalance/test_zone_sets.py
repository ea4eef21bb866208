"""Listing the sets of a zone: each once, none left out, and the budgets leave room for every plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brute_force import connected_sets, hangs_together
from drawn_towns import PIECES, ROW, TOWNS, plans_of, problem_of_town, random_rules, random_town
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safeschools_geo.rebalance._problem import Problem, Response
from safeschools_geo.rebalance._zone_sets import (
    Budget,
    Growth,
    TooManySetsError,
    ZoneSets,
    are_connected,
    bits_of,
    grow_sets,
    has_unit,
    members,
    what_moves,
    words_for,
)

FREE = Budget(99, 99, 99)


def sets_of(bits, n) -> list[frozenset[int]]:
    return [frozenset(np.flatnonzero(row).tolist()) for row in members(bits, n)]


def neighbor_bits(n, links):
    near = [{b if a == i else a for a, b in links if i in (a, b)} for i in range(n)]
    return np.array([bits_of(js, words_for(n)) for js in near])


def unlimited(n, *, most=10**6):
    free = [np.inf] * (n + 1)
    return Growth(np.zeros(n), free, [0.0] * (n + 1), np.zeros(n), free, most)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 130])
def test_bits_of_any_number_of_units(n):
    words = words_for(n)
    assert words == (1 if n <= 64 else 2 if n <= 128 else 3)
    units = {0, n - 1, n // 2}
    bits = bits_of(units, words)[None]
    assert sets_of(bits, n) == [frozenset(units)]
    assert has_unit(bits, n - 1).tolist() == [True]
    assert has_unit(bits, n // 3 + 1).tolist() == [n // 3 + 1 in units]


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 150))
def test_connected_is_what_a_walk_finds(seed, n):
    rng = np.random.default_rng(seed)
    links = {(int(rng.integers(0, i)), i): 1.0 for i in range(1, n)}
    sets = [set(np.flatnonzero(rng.random(n) < share).tolist()) for share in rng.random(12)]
    # Whole branches as well: most sets drawn at random are in pieces.
    for root in rng.integers(0, n, 4).tolist():
        branch = {root}
        for a, b in sorted(links, key=lambda link: link[1]):
            if a in branch:
                branch.add(b)
        sets.append(branch)
    bits = np.array([bits_of(units, words_for(n)) for units in [*sets, set()]])
    expected = [hangs_together(units, links) for units in sets]
    assert are_connected(bits, neighbor_bits(n, links)).tolist() == [*expected, False]


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 9))
def test_every_attached_set_is_listed_once(seed, n):
    rng = np.random.default_rng(seed)
    town = random_town(seed, n, 1)
    seeds = set(np.flatnonzero(rng.random(n) < 0.5).tolist())
    within = set(np.flatnonzero(rng.random(n) < 0.8).tolist())
    found = grow_sets(bits_of(seeds, 1), bits_of(within, 1), neighbor_bits(n, town.links), unlimited(n))
    listed = sets_of(found.bits, n)
    attached = {s for s in connected_sets(n, town.links) if s <= within and s & seeds}
    # Each piece holds a seed: unions of attached pieces, the empty one among them.
    expected = {frozenset()}
    for piece in attached:
        expected |= {union | piece for union in expected}
    assert len(listed) == len(set(listed))
    assert set(listed) == expected
    assert found.size.tolist() == [len(s) for s in listed]
    cost = rng.uniform(-1, 1, n)
    assert found.cost(cost) == pytest.approx([sum(cost[i] for i in s) for s in listed], abs=1e-12)


def test_growth_keeps_to_its_limits():
    # A row 0 – 1 – 2 – 3 of loads 1, 2, 3, 4, grown from 0: {}, 0, 01, 012, 0123.
    row = neighbor_bits(4, {(0, 1): 1, (1, 2): 1, (2, 3): 1})
    load, everything = np.array([1.0, 2, 3, 4]), bits_of(range(4), 1)

    def grown(load_limits, price_limits, most=100, least=(0.0,) * 5):
        growth = Growth(load, load_limits, least, -load, price_limits, most)
        return grow_sets(bits_of([0], 1), everything, row, growth)

    free = [np.inf] * 5
    assert grown(free, free).load.tolist() == [0, 1, 3, 6, 10]
    assert grown([np.inf] * 3, free).load.tolist() == [0, 1, 3]
    assert grown([6.0] * 5, free).load.tolist() == [0, 1, 3, 6]
    assert grown(free, [0, 0, -3, -7, 0]).load.tolist() == [0, 1, 3]
    assert len(grown(free, free, most=5)) == 5
    with pytest.raises(TooManySetsError):
        grown(free, free, most=4)
    assert len(grown([], [])) == 1
    assert grown(free, free, least=[9, 1, 3, 7, 10]).load.tolist() == [0, 1, 3]
    assert grown(free, free, least=[0, 2, 0, 0, 0]).load.tolist() == [0]


def sets_within(problem: Problem, zone: int, budget: Budget, *, max_moves: int, **limits) -> ZoneSets:
    """List what a zone could consist of where every zone that has few units may settle elsewhere."""
    return ZoneSets(problem, zone, budget, can_settle=problem.can_settle(max_moves), **limits)


def listed(sets: ZoneSets, n, *, price=None, limit=np.inf) -> list[frozenset[int]]:
    _, bits = sets.cheaper_than(np.zeros(n) if price is None else price, limit, most=10**6)
    return sets_of(bits[sets.contiguous(bits)], n)


@pytest.mark.parametrize("name", TOWNS)
def test_all_sets_of_all_plans_are_listed(name):
    town, plans = TOWNS[name], plans_of(name)
    problem, n = problem_of_town(town), len(town)
    for max_moves in (1, 2, 3, 5, n):
        for tolerance in (0.15, 0.5):
            needed = plans.within(tolerance=tolerance, max_moves=max_moves).label
            _, budgets, can_settle = what_moves(problem, tolerance=tolerance, max_moves=max_moves)
            if budgets is None:
                assert len(needed) == 0
                continue
            for zone in range(town.zones):
                sets = ZoneSets(problem, zone, budgets[zone], tolerance=tolerance, can_settle=can_settle)
                found = listed(sets, n)
                assert len(found) == len(set(found))
                assert {frozenset(np.flatnonzero(label == zone).tolist()) for label in needed} <= set(found)
                for units in found:
                    load = sum(problem.share[i] for i in units)
                    assert hangs_together(set(units), town.links)
                    assert abs(load - 1) <= tolerance + 1e-9
                    assert len(units ^ set(np.flatnonzero(problem.start == zone).tolist())) <= budgets[zone].most_both
                    assert all(problem.allowed[i, zone] for i in units)
                    assert all(len(units & set(group)) in (0, len(group)) for group in town.together)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 3))
@example(seed=2882, n=6, zones=3)
def test_prices_and_limits_only_leave_out_what_is_dear(seed, n, zones):
    rng = np.random.default_rng(seed)
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 2 == 0), seed)
    problem = problem_of_town(town)
    price, max_moves, zone = rng.uniform(-2, 2, n), int(rng.integers(1, n + 1)), int(rng.integers(zones))
    everything = sets_within(problem, zone, FREE, tolerance=9.0, max_moves=n)
    sums = {units: sum(price[i] for i in units) for units in listed(everything, n)}
    # A little above one of the sums: what costs just as much may fall on either side by rounding.
    limit = float(np.quantile(list(sums.values()), 0.4)) + 1e-9 if sums else 0.0
    priced = sets_within(problem, zone, FREE, tolerance=9.0, max_moves=n, price=price, limit=limit)
    assert set(listed(priced, n, price=price, limit=limit)) == {u for u, cost in sums.items() if cost < limit}
    dearest = max(sums.values(), default=0.0) + 1
    least, bits = everything.cheapest(price, dearest, count=3)
    assert least == pytest.approx(min(sums.values(), default=dearest))
    assert len(bits) <= 3
    if sums:
        assert sums[sets_of(bits, n)[0]] == pytest.approx(least)
    none, no_bits = everything.cheapest(price, least - 1e-9, count=3)
    assert (none, len(no_bits)) == (least - 1e-9, 0)
    few = sets_within(problem, zone, Budget(max_moves, max_moves, max_moves), tolerance=9.0, max_moves=max_moves)
    own = set(np.flatnonzero(problem.start == zone).tolist())
    # Not all of these: what leaves has to have somewhere to go.
    assert set(listed(few, n)) <= {u for u in sums if len(u ^ own) <= max_moves}


def test_a_zone_that_moves_away_altogether():
    # Zone a is unit 0 alone, of load 1 where the mean is 8. It can go anywhere that takes two moves or more.
    town = TOWNS["alone"]
    problem = problem_of_town(town)
    away = {u for u in listed(sets_within(problem, 0, FREE, tolerance=0.3, max_moves=8), 8) if 0 not in u}
    assert frozenset({2, 3, 7}) in away
    assert all(hangs_together(set(u), town.links) for u in away)
    for kept in (replace(town, roots={0: 0}), replace(town, locked=(0,))):
        sets = sets_within(problem_of_town(kept), 0, FREE, tolerance=0.3, max_moves=8)
        assert {u for u in listed(sets, 8) if 0 not in u} == set()
    # A root that lies in another zone now: zone a can be any set around it, without its own unit too.
    elsewhere = sets_within(problem_of_town(replace(town, roots={0: 7})), 0, FREE, tolerance=0.3, max_moves=8)
    assert frozenset({2, 3, 7}) in listed(elsewhere, 8)


def test_units_that_must_not_stay_are_left_behind():
    # Unit 8 must not be in b, unit 0 not in a.
    problem = problem_of_town(TOWNS["has to leave"])
    for zone, unit in ((0, 0), (1, 8)):
        assert all(unit not in u for u in listed(sets_within(problem, zone, FREE, tolerance=2.0, max_moves=9), 9))


def test_too_many_sets_are_refused():
    problem = problem_of_town(PIECES)
    with pytest.raises(TooManySetsError):
        sets_within(problem, 0, FREE, tolerance=2.0, max_moves=9, most=3)
    sets = sets_within(problem, 0, FREE, tolerance=2.0, max_moves=9)
    with pytest.raises(TooManySetsError):
        sets.cheaper_than(np.zeros(9), 1.0, most=3)
    assert listed(sets_within(problem_of_town(ROW), 0, Budget(0, 0, 0), tolerance=0.0, max_moves=0), 12) == [
        frozenset({0, 1, 2, 3})
    ]


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), moves=st.integers(1, 5), share=st.floats(0.1, 1.0))
def test_sets_left_out_for_their_minutes_while_they_grow_are_those_that_wait_longer(seed, moves, share):
    rng = np.random.default_rng(seed)
    n, zones = int(rng.integers(6, 13)), 3
    town = random_town(seed % 1000, n, zones)
    problem = problem_of_town(town)
    place = np.array(sorted({*(town.start.index(z) for z in range(zones)), *rng.choice(n, n // 2).tolist()}))
    calls = rng.integers(0, 5, n).astype("float64")
    minutes = rng.uniform(1, 20, (n, len(place))) * calls[:, None]
    free = Response(tuple(f"p{at}" for at in place), place, calls, minutes, np.full(zones, np.inf), np.inf)
    # Today's means, and less than these: the present zone may break the limit as well.
    most = free.means(problem.members(problem.start)) * share
    response = replace(free, most=np.where(np.isnan(most), np.inf, most))
    for zone in range(zones):
        both = (
            sets_within(replace(problem, response=limit), zone, FREE, tolerance=3.0, max_moves=moves)
            for limit in (None, response)
        )
        every, kept = (set(listed(sets, n)) for sets in both)
        held = np.array([[unit in units for unit in range(n)] for units in every], dtype=np.int8).reshape(-1, n)
        is_kept = response.is_kept(held, zone)
        assert kept == {units for units, is_within in zip(every, is_kept, strict=True) if is_within}
