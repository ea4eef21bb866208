"""The quick search gives plans that keep every rule, often the best ones, and fixes zones that are in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import every_plan
from drawn_towns import PIECES, STAIRS, TOWNS, drawn, plans_of, problem_of_town, random_rules, random_town
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.rebalance._problem import plans_of_few_moves


def found_within(problem, moves, **options) -> list[float]:
    plans = plans_of_few_moves(problem, max_moves=moves, **options)
    assert all(problem.is_plan(label) and problem.moved(label) <= moves for label in plans)
    return [problem.imbalance(label) for label in plans]


@pytest.mark.parametrize("name", TOWNS)
def test_plans_keep_every_rule_and_none_is_better_than_the_best(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in range(len(problem) + 1):
        least = plans.within(max_moves=moves).least("imbalance")
        assert min(found_within(problem, moves), default=np.inf) >= least - 1e-9


@pytest.mark.parametrize("name", ["stairs", "island", "alone", "row", "roots", "one root", "locks"])
def test_small_towns_are_evened_out_as_far_as_can_be(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    assert min(found_within(problem, 3)) == pytest.approx(plans.within(max_moves=3).least("imbalance"))


def test_one_move_by_hand():
    # Loads a 8, b 12, c 4: unit 8 (4) from b to c makes all 8, and there the search ends.
    problem = problem_of_town(STAIRS)
    first, second = plans_of_few_moves(problem, max_moves=5)
    assert first.tolist() == list(STAIRS.start)
    assert second.tolist() == [0, 0, 1, 0, 1, 1, 2, 2, 2]
    # It ends as soon as the tolerance is met.
    assert len(plans_of_few_moves(problem, max_moves=5, tolerance=0.6)) == 2
    assert [p.tolist() for p in plans_of_few_moves(problem, max_moves=0)] == [list(STAIRS.start)]


def test_zones_in_pieces_are_repaired():
    problem = problem_of_town(PIECES)
    assert plans_of_few_moves(problem, max_moves=0) == []
    plans = plans_of_few_moves(problem, max_moves=3)
    assert plans
    assert all(problem.is_contiguous(label) for label in plans)
    assert problem.moved(plans[0]) == 1


def test_groups_move_as_one():
    # Units 0 and 2 keep together: with both of them zone b has 5 of 9, without them 3; one move alone is none of them.
    problem = problem_of_town(drawn("aaa bbb", "1 4 1 1 1 1", together=((0, 2),)))
    plans = plans_of_few_moves(problem, max_moves=2)
    assert min(plans, key=problem.imbalance).tolist() == [1, 0, 1, 1, 1, 1]
    assert all(label[0] == label[2] == 0 for label in plans_of_few_moves(problem, max_moves=1))


def test_a_group_that_now_lies_in_two_zones_is_brought_together():
    # Units 2 (zone b) and 8 (zone b) are one group; so are 1 (a) and 7 (c), and 0 (a) and 6 (c).
    problem = problem_of_town(TOWNS["group apart"])
    assert plans_of_few_moves(problem, max_moves=2) == []
    for label in plans_of_few_moves(problem, max_moves=9):
        assert (label[1], label[0]) == (label[7], label[6])


def test_a_narrow_search_finds_no_more_than_a_wide_one():
    problem = problem_of_town(random_town(8, 9, 3))
    assert min(found_within(problem, 5, width=1)) >= min(found_within(problem, 5, width=200)) - 1e-12


def test_the_problem_is_left_as_it_was_and_the_answer_is_the_same_again():
    problem = problem_of_town(PIECES)
    start = problem.start.copy()
    one, other = (np.array(plans_of_few_moves(problem, max_moves=5)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(problem.start, start)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 8), zones=st.integers(1, 4))
def test_any_town_with_any_rules(seed, n, zones):
    zones = min(zones, n)
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 2 == 0), seed)
    problem, plans = problem_of_town(town), every_plan(town)
    known = {tuple(label) for label in plans.label.tolist()}
    for moves in (0, 2, n):
        found = plans_of_few_moves(problem, max_moves=moves)
        assert all(tuple(label.tolist()) in known and problem.moved(label) <= moves for label in found)
        if problem.is_plan(problem.start):
            np.testing.assert_array_equal(found[0], problem.start)
