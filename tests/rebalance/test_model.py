"""The integer program finds what trying every plan finds, for every objective; its cuts never take a plan away."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from brute_force import every_plan
from drawn_towns import PIECES, STAIRS, TOWNS, drawn, plans_of, problem_of_town, random_rules, random_town
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array

from safeschools_geo import solver
from safeschools_geo.rebalance import _propose as stages
from safeschools_geo.rebalance._program import Limits, PlanModel, broken_separators, objective_value, outward_order
from safeschools_geo.rebalance._propose import OUTWARD, solve_stage
from safeschools_geo.solver import SOLVER, Program, solve

OBJECTIVES = ("imbalance", "moves", "travel", "boundary")


def soon(seconds=30.0) -> float:
    return time.process_time() + seconds


def best_of(problem, objective, *, is_outward=False, **limits):
    return PlanModel(problem, Limits(**limits), objective, is_outward=is_outward).search(deadline=soon())


def agrees(found, problem, plans, objective) -> bool:
    """Hold what was found against all plans within the limits."""
    if not len(plans):
        return found.is_infeasible and found.label is None and found.bound == np.inf
    return (
        found.is_proven
        and problem.is_plan(found.label)
        and objective_value(problem, found.label, objective) == found.value == found.bound
        and abs(found.value - plans.least(objective)) <= 1e-6
    )


@pytest.mark.parametrize("name", TOWNS)
def test_the_least_imbalance_of_every_number_of_moves(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in range(len(problem) + 1):
        found = best_of(problem, "imbalance", max_moves=moves)
        assert agrees(found, problem, plans.within(max_moves=moves), "imbalance")
        assert found.label is None or problem.moved(found.label) <= moves


@pytest.mark.parametrize("name", TOWNS)
def test_every_other_objective_within_every_number_of_moves(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for moves in range(len(problem) + 1):
        within = plans.within(max_moves=moves)
        if not len(within):
            assert best_of(problem, "travel", max_moves=moves).is_infeasible
            continue
        tolerance = within.least("imbalance") + 0.15
        for objective in ("travel", "boundary", "moves"):
            found = best_of(problem, objective, max_moves=moves, tolerance=tolerance)
            assert agrees(found, problem, within.within(tolerance=tolerance), objective)
            assert problem.imbalance(found.label) <= tolerance + 1e-6
            assert problem.moved(found.label) <= moves


@pytest.mark.parametrize("name", TOWNS)
def test_every_objective_within_a_tolerance_and_with_no_limit_at_all(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    for tolerance in (0.1, None):
        within = plans if tolerance is None else plans.within(tolerance=tolerance)
        for objective in OBJECTIVES:
            assert agrees(best_of(problem, objective, tolerance=tolerance), problem, within, objective)


def test_limits_of_travel_border_and_size():
    problem, plans = problem_of_town(STAIRS), plans_of("stairs")
    travel, boundary = float(np.quantile(plans.travel, 0.1)), float(np.quantile(plans.boundary, 0.1))
    short, compact = plans.travel <= travel + 1e-9, plans.boundary <= boundary + 1e-9
    for objective in OBJECTIVES:
        values = getattr(plans, objective)
        assert best_of(problem, objective, max_travel=travel).value == pytest.approx(values[short].min(), abs=1e-6)
        found = best_of(problem, objective, max_boundary=boundary + 1e-9)
        assert found.value == pytest.approx(values[compact].min(), abs=1e-6)
        assert problem.border(found.label) <= boundary + 1e-6
    sized = replace(problem, move_size=problem.load)
    moved_load = ((plans.label != problem.start) * problem.load).sum(axis=1)
    found = best_of(sized, "moves", tolerance=0.1)
    assert found.value == pytest.approx(moved_load[plans.imbalance <= 0.1].min())
    found = best_of(sized, "imbalance", max_move_size=5.0)
    assert found.value == pytest.approx(plans.imbalance[moved_load <= 5].min(), abs=1e-6)


def test_units_that_count_for_nothing_count_as_moves():
    # Unit 1 has no load; moves are counted in load, and at most one unit may move.
    problem = replace(problem_of_town(PIECES), move_size=problem_of_town(PIECES).load)
    plans = plans_of("pieces")
    for moves in (1, 2, 3):
        found = best_of(problem, "imbalance", max_moves=moves)
        assert problem.moved(found.label) <= moves
        assert found.value == pytest.approx(plans.within(max_moves=moves).least("imbalance"), abs=1e-6)


@pytest.mark.parametrize("name", TOWNS)
def test_a_search_among_fewer_plans_is_no_bound_over_all_but_one_over_these(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    order = outward_order(problem)

    def is_outward(label) -> bool:
        return all(
            order[i, z] == 0
            or (np.isfinite(order[i, z]) and any(label[j] == z and order[j, z] < order[i, z] for j in near))
            for i, (z, near) in enumerate(zip(label, problem.neighbors, strict=True))
        )

    among = [row for row, label in enumerate(plans.label) if is_outward(label)]
    found = best_of(problem, "imbalance", is_outward=True)
    if not among:
        assert found.is_infeasible
        return
    assert found.is_proven
    assert is_outward(found.label)
    assert problem.is_plan(found.label)
    assert found.value == pytest.approx(plans.imbalance[among].min(), abs=1e-6)
    assert found.value >= plans.least("imbalance") - 1e-9


def test_both_bounds_stand_apart_in_a_stage(monkeypatch):
    monkeypatch.setattr(stages, "_SMALL", 0)
    # Moves counted in load are the business of the integer program, which first looks at plans that grow outwards.
    problem = replace(problem_of_town(STAIRS), move_size=problem_of_town(STAIRS).load)
    stage = solve_stage(problem, "moves", Limits(tolerance=0.1), start=None, deadline=soon())
    assert stage.restriction == OUTWARD
    assert stage.is_proven
    assert stage.value == stage.bound
    assert stage.restricted_bound >= stage.bound - 1e-6
    assert "HiGHS" in stage.log


@pytest.mark.parametrize("name", ["stairs", "pieces", "one root", "pieces, rooted"])
def test_a_known_plan_is_never_made_worse(name):
    problem, plans = problem_of_town(TOWNS[name]), plans_of(name)
    worst = plans.label[plans.imbalance.argmax()]
    for objective in OBJECTIVES:
        model = PlanModel(problem, Limits(), objective)
        at_once = model.search(deadline=time.process_time() - 1, start=worst)
        assert at_once.value <= model.value(worst)
        assert at_once.bound <= plans.least(objective) + 1e-6
        assert problem.is_plan(at_once.label)
        near = model.search(deadline=soon(), start=worst, gap=0.3)
        assert near.bound <= plans.least(objective) + 1e-6
        assert near.value - near.bound <= 0.3 * near.value + 1e-9


def test_the_log_of_the_solver_is_kept():
    found = PlanModel(problem_of_town(STAIRS), Limits(), "imbalance").search(deadline=soon(), wants_log=True)
    assert "HiGHS" in found.log
    assert best_of(problem_of_town(STAIRS), "imbalance").log == ""


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 4), objective=st.sampled_from(OBJECTIVES))
def test_any_town_with_any_rules(seed, n, zones, objective):
    rng = np.random.default_rng(seed)
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 3 > 0), seed)
    if seed % 4 == 0:
        # Roots wherever they may lie now.
        town = replace(town, roots={zone: int(rng.integers(n)) for zone in range(zones) if rng.random() < 0.5})
    problem, plans = problem_of_town(town), every_plan(town)
    moves = int(rng.integers(0, n + 1)) if rng.random() < 0.7 else None
    tolerance = float(rng.uniform(0, 1)) if rng.random() < 0.7 else None
    within = plans.within(max_moves=np.inf if moves is None else moves)
    within = within if tolerance is None else within.within(tolerance=tolerance)
    assert agrees(best_of(problem, objective, max_moves=moves, tolerance=tolerance), problem, within, objective)


@pytest.mark.parametrize("seed", [99, 144])
def test_a_bound_that_is_the_rounding_of_the_solver_below_the_plan_is_a_proof(seed):
    # Here the solver's value is 1e-7 below that of its own plan: it uses up what it takes for rounding.
    town = random_town(seed, 6, 2, is_contiguous=False)
    found = best_of(problem_of_town(town), "imbalance", max_moves=4)
    assert agrees(found, problem_of_town(town), every_plan(town).within(max_moves=4), "imbalance")


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 3))
def test_separators_cut_off_what_is_broken_and_no_plan(seed, n, zones):
    rng = np.random.default_rng(seed)
    town = random_town(seed, n, zones, is_contiguous=seed % 2 == 0)
    town = replace(town, roots={z: int(rng.choice(np.flatnonzero(np.array(town.start) == z))) for z in range(seed % 3)})
    problem, plans = problem_of_town(town), every_plan(town)
    label = rng.integers(0, zones, n)
    for zone, unit in town.roots.items():
        label[unit] = zone
    moves = int(rng.integers(0, n + 1))
    for max_moves, kept in ((None, plans), (moves, plans.within(max_moves=moves))):
        cuts = broken_separators(problem, label, max_moves)
        assert (len(cuts) == 0) == all(len(problem.pieces(label, zone)) <= 1 for zone in range(zones))
        for cut in cuts:
            ends, between = list(cut.ends), sorted(cut.between)
            holds_all = (kept.label[:, ends] == cut.zone).all(axis=1)
            assert (kept.label[holds_all][:, between] == cut.zone).any(axis=1).all()
        broken = {cut for cut in cuts if (label[list(cut.ends)] == cut.zone).all()}
        assert all((label[sorted(cut.between)] != cut.zone).all() for cut in broken)
        assert bool(broken) == bool(cuts)


def test_separators_by_hand():
    # a b a in a row: zone a hangs together only with unit 1; at most one of 0 and 2 is in zone b without it, too.
    problem = problem_of_town(drawn("aba", "1 1 1"))
    cuts = broken_separators(problem, np.array([0, 1, 0]), None)
    assert {(cut.zone, cut.ends, tuple(cut.between)) for cut in cuts} == {(0, (2, 0), (1,)), (1, (2, 0), (1,))}
    assert broken_separators(problem, np.array([0, 0, 1]), None) == []


# --- the solver


def program(*, high=5.0, **change) -> Program:
    """Make 2x + 3y as small as can be with x + 2y ≥ 7 and 0 ≤ x, y ≤ `high`."""
    parts = {
        "cost": np.array([2.0, 3.0]),
        "matrix": csc_array(np.array([[1.0, 2.0]])),
        "row_low": np.array([7.0]),
        "row_high": np.array([np.inf]),
        "low": np.zeros(2),
        "high": np.full(2, high),
    }
    return Program(**{**parts, **change})


def test_programs_by_hand():
    # y = 3.5 costs 10.5; in whole numbers x = 1, y = 3 costs 11.
    linear = solve(program())
    assert (linear.is_optimal, linear.value, linear.bound) == (True, 10.5, 10.5)
    assert linear.x.tolist() == [0, 3.5]
    assert linear.row_dual.tolist() == [1.5]
    whole = solve(program(is_integer=np.array([True, True])), wants_log=True)
    assert (whole.is_optimal, whole.value, whole.bound) == (True, pytest.approx(11), pytest.approx(11))
    assert whole.x.round(9).tolist() == [1, 3]
    assert "HiGHS" in whole.log
    assert solve(program(is_integer=np.array([True, True]))).log == ""
    assert SOLVER.startswith("HiGHS 1.")


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_processor_may_be_kept_busy_for_so_long_only(is_whole, capfd):
    # Which of 60 sets of about 6 places to take for all 60 to be reached.
    matrix = csc_array((np.random.default_rng(0).random((60, 60)) < 0.1).astype("float64") + np.eye(60))
    is_integer = np.ones(60, dtype=bool) if is_whole else None
    cover = Program(np.ones(60), matrix, np.ones(60), np.full(60, np.inf), np.zeros(60), np.ones(60), is_integer)
    best = solve(cover)
    hasty, patient = (solve(cover, processor_limit_s=seconds) for seconds in (1e-9, 60.0))
    assert best.is_optimal
    assert (patient.is_optimal, patient.value, patient.bound) == (True, best.value, best.bound)
    assert not hasty.is_optimal
    assert not hasty.is_infeasible
    assert hasty.bound <= best.value <= hasty.value
    assert capfd.readouterr().out == ""


def test_a_limit_is_kept_where_the_solver_never_asks():
    # The first linear program of this cover takes 20 seconds, in which a search for whole numbers asks nothing.
    rng, n = np.random.default_rng(0), 2000
    matrix = csc_array(np.where(rng.random((n, n)) < 0.05, rng.uniform(0.5, 1.5, (n, n)), 0.0))
    ones, cost = np.ones(n), rng.uniform(1, 2, n)
    cover = Program(cost, matrix, ones, np.full(n, np.inf), np.zeros(n), ones, ones > 0)
    began = time.process_time()
    found = solve(cover, processor_limit_s=0.5)
    assert time.process_time() - began < 5.0
    assert not found.is_optimal
    assert not found.is_infeasible
    assert found.bound <= found.value


def test_ctrl_c_is_heard_while_the_solver_hears_nobody(monkeypatch):
    # Half of each of five sums, exactly: branching takes hours, and here the solver does not even ask for Ctrl-C.
    monkeypatch.setattr(solver, "_INTERRUPTS", ())
    monkeypatch.setattr(solver, "_FIRST_SPARE_S", 4.0)
    parts, ones = np.random.default_rng(0).integers(0, 100, (5, 40)).astype("float64"), np.ones(40)
    half = np.floor(parts.sum(axis=1) / 2)
    matrix = csc_array(np.hstack([parts, np.eye(5), -np.eye(5)]))
    most, is_whole = np.append(ones, np.full(10, np.inf)), np.append(ones, np.zeros(10)) > 0
    split = Program(np.append(0 * ones, np.ones(10)), matrix, half, half, np.zeros(50), most, is_whole)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            solve(split, processor_limit_s=1.0)
        assert solver.is_left_behind()
    finally:
        signal.signal(signal.SIGINT, handler)
    ends_s = time.monotonic() + 60
    while solver.is_left_behind() and time.monotonic() < ends_s:
        time.sleep(0.1)
    assert not solver.is_left_behind()


@pytest.mark.parametrize("is_integer", [None, np.array([True, True])])
def test_a_program_without_a_solution(is_integer):
    none = solve(program(high=2.0, is_integer=is_integer))
    assert (none.is_infeasible, none.is_optimal, none.x, none.value, none.bound) == (True, False, None, np.inf, np.inf)


def test_the_same_program_has_the_same_answer(capfd):
    rng = np.random.default_rng(0)
    matrix = csc_array(rng.integers(0, 5, (8, 25)).astype("float64"))
    cost = rng.integers(3, 9, 25).astype("float64")
    parts = (
        cost,
        matrix,
        np.full(8, 17.0),
        np.full(8, np.inf),
        np.zeros(25),
        np.full(25, 3.0),
        np.ones(25, dtype=bool),
    )
    answers = [solve(Program(*parts), seed=4).x.tolist() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    out = capfd.readouterr()
    assert (out.out, out.err) == ("", "")
