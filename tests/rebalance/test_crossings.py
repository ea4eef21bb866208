"""What has to cross between zones does so in every plan, and by hand on a town small enough to draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from brute_force import every_plan
from drawn_towns import drawn, problem_of_town, random_rules, random_town
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.rebalance._zone_sets import Budget, crossings, least_moves, what_moves, zone_budgets

ROW = drawn("aaaabbbbcc", "3 1 1 1 .5 .5 .5 .5 1 1", roots={2: 9})
"""Ten units in a row, the last one the root of its zone: loads a 6, b 2, c 2, the mean is 10/3."""


def by_zones(found) -> dict[str, int]:
    return {"".join("abc"[z] for z in np.flatnonzero(c.zones)): c.least for c in found}


def test_what_has_to_cross_by_hand():
    # For 20 % a zone holds 2.67 to 4. Zone a has to lose 2: two units, for the heavy one is the deepest. Zone b has to
    # gain .67: one unit, of a or c. Zone c has to gain as much, and takes two of the light units of b for it.
    found = crossings(problem_of_town(ROW), tolerance=0.2, max_moves=4)
    assert by_zones(found) == {"a": 2, "ac": 1, "ab": 2}
    assert least_moves(problem_of_town(ROW), found) == 3


def test_depth_counts():
    # Zone a has to lose 2.67: the three units before the heavy one, where the heavy one alone would carry that.
    problem = problem_of_town(ROW)
    assert by_zones(crossings(problem, tolerance=0.0, max_moves=4)) == {"a": 3, "ac": 2, "ab": 3}
    # With ten moves zone b can move away altogether and settle on the heavy unit.
    assert by_zones(crossings(problem, tolerance=0.0, max_moves=10))["a"] == 1
    # With one move it cannot be done at all.
    none = crossings(problem, tolerance=0.0, max_moves=1)
    assert by_zones(none)["a"] == 2
    assert zone_budgets(problem, none, 1) is None


def test_what_is_locked_does_not_cross():
    locked = problem_of_town(replace(ROW, locked=(3,)))
    assert by_zones(crossings(locked, tolerance=0.2, max_moves=4)) == {"a": 5, "ac": 1, "ab": 2}


def test_where_there_is_too_much_to_list_the_largest_loads_count(monkeypatch):
    problem = problem_of_town(ROW)
    monkeypatch.setattr("safeschools_geo.rebalance._zone_sets._MOST_SETS", 0)
    assert by_zones(crossings(problem, tolerance=0.0, max_moves=4)) == {"a": 3, "ac": 2, "ab": 3}
    assert crossings(problem, tolerance=0.0, max_moves=4, deadline=0.0) == []


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 4))
def test_every_plan_crosses_as_much(seed, n, zones):
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 2 == 0), seed)
    problem, plans = problem_of_town(town), every_plan(town)
    for label, moves, imbalance in zip(plans.label, plans.moves, plans.imbalance, strict=True):
        found = crossings(problem, tolerance=float(imbalance), max_moves=int(moves))
        for crossing in found:
            assert (crossing.zones[problem.start] & ~crossing.zones[label]).sum() >= crossing.least
            assert crossing.counts[problem.start, label].sum() >= crossing.least
        assert least_moves(problem, found) <= moves
        found, budgets, can_settle = what_moves(problem, tolerance=float(imbalance), max_moves=int(moves))
        assert all(crossing.counts[problem.start, label].sum() >= crossing.least for crossing in found)
        assert budgets is not None
        for zone, budget in enumerate(budgets):
            joins = int(((label == zone) & (problem.start != zone)).sum())
            leaves = int(((label != zone) & (problem.start == zone)).sum())
            assert budget.least_in <= joins <= budget.most_in
            assert budget.least_out <= leaves <= budget.most_out
            assert joins + leaves <= budget.most_both
            assert can_settle[zone] or leaves < problem.sizes[zone]


def test_budgets_by_hand():
    # Three moves at 20 %: a gives two or three, c takes two, b takes one, from a or c, or gives one that it gets.
    problem = problem_of_town(ROW)
    found = crossings(problem, tolerance=0.2, max_moves=3)
    assert zone_budgets(problem, found, 3) == [Budget(0, 3, 3, 0, 2), Budget(1, 1, 2, 1, 0), Budget(2, 1, 3, 2, 0)]
    assert zone_budgets(problem, found, 2) is None
    assert zone_budgets(problem, [], 0) == [Budget(0, 0, 0, 0, 0)] * 3
    assert Budget(5, 6, 7, 1, 2).narrowed(1) == Budget(2, 3, 5, 1, 2)


def test_a_zone_that_cannot_lose_all_its_units_settles_nowhere():
    # Eight units of load 1 in a row: two have to leave a for b. Of three moves one is left, and b has two units.
    problem = problem_of_town(drawn("aaaaaabb", "1 1 1 1 1 1 1 1"))
    assert problem.can_settle(3).tolist() == [False, True]
    assert what_moves(problem, tolerance=0.0, max_moves=3)[2].tolist() == [False, False]
    assert what_moves(problem, tolerance=0.0, max_moves=4)[2].tolist() == [False, True]
