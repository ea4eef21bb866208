"""The choice among zone sets finds what trying every plan finds, and proves what there is not."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from brute_force import every_plan
from drawn_towns import STAIRS, TOWNS, drawn, plans_of, problem_of_town, random_rules, random_town
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array

from safeschools_geo.rebalance import _program as program
from safeschools_geo.rebalance import _propose as stages
from safeschools_geo.rebalance import _set_partition as set_partition
from safeschools_geo.rebalance._plan import PROGRAM
from safeschools_geo.rebalance._program import Limits, PlanModel, SetPool, close_pool, violated_triples
from safeschools_geo.rebalance._propose import ZONE_SETS, least_imbalance, solve_stage
from safeschools_geo.rebalance._set_partition import Aim, find_plan
from safeschools_geo.solver import Program, solve


def soon(seconds=30.0) -> float:
    return time.process_time() + seconds


@pytest.fixture
def always_sets(monkeypatch):
    """Use zone sets for towns that are small enough for the integer program, too."""
    monkeypatch.setattr(stages, "_SMALL", 0)


def move_aim(problem, max_moves, **kind):
    return Aim(problem.move_cost(), float(max_moves), **kind)


def travel_aim(problem, cutoff, max_moves):
    now = problem.travel[np.arange(len(problem)), problem.start]
    return Aim(problem.travel - now[:, None], cutoff - now.sum(), max_moves=max_moves)


@pytest.mark.parametrize("name", TOWNS)
def test_the_least_imbalance_of_every_number_of_moves(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in range(len(problem) + 1):
        within = plans.within(max_moves=moves)
        least = within.least("imbalance")
        aim = move_aim(problem, moves, levels_loads=True)
        if len(within):
            found = find_plan(problem, aim, tolerance=least + 1e-9, max_moves=moves, deadline=soon())
            assert found.is_closed
            assert problem.is_plan(found.label)
            assert problem.moved(found.label) <= moves
            assert problem.imbalance(found.label) == pytest.approx(least, abs=1e-9)
        below = find_plan(problem, aim, tolerance=min(least, 9.0) - 1e-6, max_moves=moves, deadline=soon())
        assert (below.is_closed, below.label) == (True, None)


@pytest.mark.parametrize("name", TOWNS)
def test_the_shortest_travel_and_fewest_moves_within_every_number_of_moves(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in range(len(problem) + 1):
        within = plans.within(max_moves=moves)
        tolerance = within.least("imbalance") + 0.15
        within = within.within(tolerance=tolerance)
        if not len(within):
            continue
        best = within.least("travel")
        limits = {"tolerance": tolerance, "max_moves": moves, "deadline": soon()}
        found = find_plan(problem, travel_aim(problem, best + 1e-6, moves), **limits)
        assert found.is_closed
        assert problem.is_plan(found.label)
        assert problem.moved(found.label) <= moves
        assert problem.imbalance(found.label) <= tolerance + 1e-9
        assert problem.cost(found.label, problem.travel) == pytest.approx(best, abs=2e-6)
        assert found.bound <= best - problem.cost(problem.start, problem.travel) + 1e-5
        below = find_plan(problem, travel_aim(problem, best - 1e-4, moves), **limits)
        assert (below.is_closed, below.label) == (True, None)
        fewest = find_plan(problem, move_aim(problem, moves), **limits)
        assert fewest.is_closed
        assert problem.moved(fewest.label) == within.least("moves")


@pytest.mark.parametrize("name", ["stairs", "pieces", "alone", "all rules"])
@pytest.mark.usefixtures("always_sets")
def test_stages_by_zone_sets_are_those_of_trying_everything(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in range(len(problem) + 1):
        within = plans.within(max_moves=moves)
        start = within.label[0] if len(within) else None
        least = solve_stage(problem, "imbalance", Limits(max_moves=moves), start=start, deadline=soon())
        if not len(within):
            assert least.is_infeasible
            assert least.label is None
            continue
        assert (least.is_proven, least.method) == (True, ZONE_SETS)
        assert least.value == least.bound == pytest.approx(within.least("imbalance"), abs=1e-9)
        near = within.within(tolerance=least.value + 0.1)
        limits = Limits(max_moves=moves, tolerance=least.value + 0.1)
        for objective in ("travel", "moves"):
            stage = solve_stage(problem, objective, limits, start=near.label[-1], deadline=soon())
            assert (stage.is_proven, stage.gap) == (True, 0.0)
            assert stage.value == pytest.approx(near.least(objective), abs=1e-5)
            assert problem.imbalance(stage.label) <= limits.tolerance + 1e-9


@pytest.mark.parametrize("name", ["stairs", "pieces", "all rules"])
@pytest.mark.usefixtures("always_sets")
def test_stages_keep_to_the_limits_that_zone_sets_know_nothing_of(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in (2, 4, len(problem)):
        within = plans.within(max_moves=moves)
        too_tight = Limits(max_moves=moves, tolerance=within.least("imbalance") - 1e-4)
        none = solve_stage(problem, "imbalance", too_tight, start=None, deadline=soon())
        assert (none.label, none.is_infeasible) == (None, True)
        short = within.within(max_travel=float(np.median(within.travel)))
        limits = Limits(max_moves=moves, max_travel=float(np.median(within.travel)) + 1e-9, tolerance=5.0)
        for objective in ("imbalance", "moves"):
            stage = solve_stage(problem, objective, limits, start=short.label[0], deadline=soon())
            assert stage.is_proven
            assert stage.value == pytest.approx(short.least(objective), abs=1e-6)
            assert problem.cost(stage.label, problem.travel) <= limits.max_travel + 1e-6


def test_both_methods_agree_where_there_are_too_many_plans_to_try():
    loads = np.random.default_rng(2).integers(1, 40, 20)
    problem = problem_of_town(drawn("aabbb aabbb aaccc aaccc", " ".join(map(str, loads))))
    for moves in (1, 2, 3):
        stage = solve_stage(problem, "imbalance", Limits(max_moves=moves), start=problem.start, deadline=soon())
        assert (stage.is_proven, stage.method) == (True, ZONE_SETS)
        found = PlanModel(problem, Limits(max_moves=moves), "imbalance").search(deadline=soon())
        assert found.is_proven
        assert stage.value == pytest.approx(found.value, abs=1e-7)
        near = Limits(max_moves=moves, tolerance=stage.value + 0.05)
        travel = solve_stage(problem, "travel", near, start=stage.label, deadline=soon())
        assert travel.is_proven
        assert travel.value == pytest.approx(PlanModel(problem, near, "travel").search(deadline=soon()).value, abs=1e-5)


def test_a_start_is_not_needed_for_the_least_imbalance():
    problem = problem_of_town(STAIRS)
    stage = least_imbalance(problem, 2, start=None, deadline=soon())
    assert stage.value == stage.bound == pytest.approx(plans_of("stairs").within(max_moves=2).least("imbalance"))


def test_what_cannot_be_listed_is_left_to_the_other_method(monkeypatch):
    problem = problem_of_town(STAIRS)
    monkeypatch.setattr(set_partition, "_LARGEST_POOL", 18)
    monkeypatch.setattr(set_partition, "_NARROW_SETS", 2)
    found = find_plan(problem, move_aim(problem, 4), tolerance=0.5, max_moves=4, deadline=soon())
    assert (found.bound, found.label, found.is_closed) == (-np.inf, None, False)
    assert least_imbalance(problem, 4, start=None, deadline=soon()) is None
    least = plans_of("stairs").within(max_moves=4).least("imbalance")
    assert least_imbalance(problem, 4, start=problem.start, deadline=soon()) is None
    monkeypatch.setattr(stages, "_SMALL", 0)
    stage = solve_stage(problem, "imbalance", Limits(max_moves=4), start=problem.start, deadline=soon())
    assert (stage.is_proven, stage.method) == (True, PROGRAM)
    assert stage.value == pytest.approx(least)


@pytest.mark.parametrize("name", TOWNS)
def test_what_is_too_much_to_settle_is_closed_in_from_both_sides(name, monkeypatch):
    """With few sets at a time, and no choice among many, values are those of plans and bounds hold all the same."""
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    monkeypatch.setattr(program, "_MOST_SETTLED", 5)
    monkeypatch.setattr(program, "_MOST_TRIED", 12)
    monkeypatch.setattr(stages, "_FEW_UNITS", 0)
    for moves in (2, 4):
        within = plans.within(max_moves=moves)
        for tried in (20, 10_000):
            monkeypatch.setattr(stages, "_TRIED_SETS", tried)
            start = problem.start if problem.is_plan(problem.start) else None
            found = least_imbalance(problem, moves, start=start, deadline=soon())
            if found is None or found.label is None:
                continue
            assert problem.is_plan(found.label)
            assert problem.moved(found.label) <= moves
            assert found.value == pytest.approx(problem.imbalance(found.label))
            assert found.bound <= within.least("imbalance") + 1e-6 <= found.value + 2e-6
            assert not found.is_proven or found.value == pytest.approx(within.least("imbalance"), abs=1e-6)


def test_where_every_plan_costs_the_same_the_search_ends():
    problem = problem_of_town(STAIRS)
    flat = replace(problem, travel=np.zeros_like(problem.travel))
    began = time.process_time()
    aim = Aim(flat.travel, 1.0, max_moves=3)
    found = find_plan(flat, aim, tolerance=0.6, max_moves=3, deadline=soon(20))
    assert found.is_closed
    assert flat.is_plan(found.label)
    assert time.process_time() - began < 10


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 4))
def test_any_town_with_any_rules(seed, n, zones):
    rng = np.random.default_rng(seed)
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 3 > 0), seed)
    if seed % 4 == 0:
        # Roots wherever they may lie now.
        town = replace(town, roots={zone: int(rng.integers(n)) for zone in range(zones) if rng.random() < 0.5})
    problem, plans = problem_of_town(town), every_plan(town)
    moves = int(rng.integers(0, n + 1))
    within = plans.within(max_moves=moves)
    stage = least_imbalance(problem, moves, start=None, deadline=soon())
    if not len(within):
        assert stage.is_infeasible
        return
    assert stage.bound <= stage.value
    assert stage.is_proven
    assert stage.value == pytest.approx(within.least("imbalance"), abs=1e-7)
    aim = travel_aim(problem, within.least("travel") + 1e-6, moves)
    found = find_plan(problem, aim, tolerance=within.imbalance.max(), max_moves=moves, deadline=soon())
    assert found.is_closed
    assert problem.cost(found.label, problem.travel) == pytest.approx(within.least("travel"), abs=1e-5)


# --- the choice among listed sets


def pool_of(problem, label_rows, cost) -> SetPool:
    """Make a pool of the zones of some plans, each set once."""
    sets = sorted({(zone, *np.flatnonzero(label == zone)) for label in label_rows for zone in range(problem.zones)})
    members = np.zeros((len(sets), len(problem)), dtype=np.int8)
    for row, (_, *units) in enumerate(sets):
        members[row, units] = 1
    zone = np.array([s[0] for s in sets])
    held = members.astype(bool)
    return SetPool(
        members,
        zone,
        problem.zones,
        np.array([cost[h, z].sum() for h, z in zip(held, zone, strict=True)]),
        np.array([(problem.start[h] != z).sum() for h, z in zip(held, zone, strict=True)], dtype="float64"),
        np.array([abs(problem.share[h].sum() - 1) for h in held]),
        np.zeros(len(sets)),
        np.zeros(len(sets)),
        np.zeros((len(sets), 0), dtype=np.int8),
        np.zeros(0),
        np.zeros(len(sets)),
    )


def choices(pool: SetPool):
    """Try every choice of one set for each zone."""
    by_zone = [np.flatnonzero(pool.zone == zone) for zone in range(pool.zones)]
    for rows in itertools.product(*by_zone):
        if (pool.members[list(rows)].sum(axis=0) == 1).all():
            yield list(rows)


@pytest.mark.parametrize("small", [0, 1500])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_choice_of_a_pool(seed, small, monkeypatch):
    monkeypatch.setattr("safeschools_geo.rebalance._program._SMALL", small)
    monkeypatch.setattr("safeschools_geo.rebalance._program._FIRST_SETS", 5)
    town = random_town(seed, 9, 3)
    problem, plans = problem_of_town(town), every_plan(town)
    rng = np.random.default_rng(seed)
    some = plans.label[rng.choice(len(plans), min(25, len(plans)), replace=False)]
    pool = pool_of(problem, some, problem.travel)
    for most in (None, 3, 6):
        kept = [r for r in choices(pool) if most is None or pool.moved[r].sum() <= most]
        costs = [pool.cost[r].sum() for r in kept]
        chosen = close_pool(pool, cutoff=1e6, max_moves=most, levels_loads=False, deadline=soon())
        assert chosen.is_closed
        if not kept:
            assert chosen.sets is None
            continue
        assert (chosen.sets[0].sum(axis=0) == 1).all()
        assert sorted(chosen.sets[1].tolist()) == [0, 1, 2]
        assert chosen.bound <= min(costs) + 1e-6
        value = sum(problem.travel[m.astype(bool), z].sum() for m, z in zip(*chosen.sets, strict=True))
        assert value == pytest.approx(min(costs), abs=1e-6)
        none = close_pool(pool, cutoff=min(costs) - 1e-3, max_moves=most, levels_loads=False, deadline=soon())
        assert (none.sets, none.is_closed) == (None, True)
        cutoff = float(np.median(costs))
        level = min(pool.deviation[r].max() for r, c in zip(kept, costs, strict=True) if c <= cutoff + 1e-6)
        even = close_pool(pool, cutoff=cutoff, max_moves=most, levels_loads=True, deadline=soon())
        loads = [problem.share[m.astype(bool)].sum() for m in even.sets[0]]
        assert max(abs(load - 1) for load in loads) == pytest.approx(level, abs=1e-7)


def test_a_pool_without_sets_for_some_zone_has_no_choice():
    problem = problem_of_town(STAIRS)
    pool = pool_of(problem, [problem.start], problem.travel)
    chosen = close_pool(pool.only(pool.zone != 1), cutoff=1e6, max_moves=None, levels_loads=False, deadline=soon())
    assert (chosen.bound, chosen.sets, chosen.is_closed) == (np.inf, None, True)
    assert len(pool.only(pool.zone != 1)) == 2
    assert pool.rows().shape == (3, 9 + 3)


def test_a_triple_that_three_halves_violate():
    # Sets AB, BC and AC of weight one half each: of A, B, C two are covered by 1.5 sets.
    covers = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=np.int8)
    assert violated_triples(covers, np.array([0.5, 0.5, 0.5, 1.0])) == [(0, 1, 2)]
    assert violated_triples(covers, np.array([1.0, 0.0, 0.0, 1.0])) == []
    assert violated_triples(covers[:2, :2], np.array([0.5, 0.5])) == []
    assert violated_triples(covers, np.array([0.5, 0.5, 0.5, 1.0]), most=0) == []


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 8), sets=st.integers(3, 20))
def test_cuts_never_cut_off_a_partition(seed, n, sets):
    rng = np.random.default_rng(seed)
    covers = (rng.random((sets, n)) < 0.45).astype(np.int8)
    # The fraction of a linear program: cost at random, every row covered once at most.
    fractional = solve(
        Program(
            -rng.uniform(0.5, 1.5, sets) * covers.sum(axis=1),
            csc_array(covers.T.astype("float64")),
            np.zeros(n),
            np.ones(n),
            np.zeros(sets),
            np.ones(sets),
        )
    ).x
    triples = violated_triples(covers, fractional)
    assert len(triples) == len(set(triples))
    for triple in triples:
        is_double = covers[:, list(triple)].sum(axis=1) >= 2
        assert fractional[is_double].sum() > 1
        # No two sets that are disjoint cover two of three each, so no partition has two of them.
        for a, b in itertools.combinations(np.flatnonzero(is_double), 2):
            assert (covers[a] & covers[b]).any()
