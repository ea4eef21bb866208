"""One objective at a time: the best plan within limits, by the method that fits the size of the problem."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.exact.crossings import crossings, least_moves
from safeschools_geo.rebalance.exact.set_partition import Aim, find_plan
from safeschools_geo.rebalance.model import Limits, Objective, PlanModel
from safeschools_geo.rebalance.problem import EXACT, Labels

if TYPE_CHECKING:
    from safeschools_geo.rebalance.problem import Problem

ZONE_SETS = "choice among all sets of units that a zone could consist of (set partition, column generation and cuts)"
"""Name of the method for few moves of few units."""

PROGRAM = "integer program with separators added until every zone is contiguous"
"""Name of the general method."""

OUTWARD = "in which every unit has a neighbour in its zone that is nearer to the zone's centre"
"""The restricted class that is searched first where there are many units."""

_SMALL = 16
_FEW_UNITS = 150
_FEW_SETS = 30_000
"""Among more sets the shortest travel is found sooner by the integer program."""

_OUTWARD_SHARE = 0.35
_SETS_SHARE = 0.7
_EASIER = (0.5, 0.75, 0.9, 0.97)
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Stage:
    """What one objective came to.

    Parameters
    ----------
    objective
        The objective.
    label
        The best plan, shape (n,); None where none was found.
    value
        Its value.
    bound
        No contiguous plan within the limits (that keeps the roots, where there are any) has a smaller value.
    is_proven
        Whether no plan can be better.
    is_infeasible
        Whether there is proven to be no plan.
    method
        How the bound was found.
    restricted_bound
        No plan of the class `restriction` has a smaller value; missing where no class was searched.
    restriction
        The class; empty where none was searched.
    log
        What the solver said.
    """

    objective: Objective
    label: Labels | None
    value: float
    bound: float
    is_proven: bool
    is_infeasible: bool = False
    method: str = PROGRAM
    restricted_bound: float | None = None
    restriction: str = ""
    log: str = ""

    @property
    def gap(self) -> float:
        """``value - bound``; relative to the value for travel and boundary; 0 where proven."""
        if self.is_proven:
            return 0.0
        gap = self.value - self.bound
        return gap if self.objective in {"imbalance", "moves"} else gap / max(abs(self.value), 1e-12)


def solve_stage(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float, seed: int = 0
) -> Stage:
    """Find the best plan by one objective.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    objective
        The objective.
    limits
        What the plan has to keep.
    start
        A plan within the limits, if one is known.
    deadline
        Moment of `time.perf_counter` at which to stop.
    seed
        Seed of the solver.

    Returns
    -------
    Stage
        The best plan, the bound over all contiguous plans, and that over a restricted class where one was searched.
    """
    # A limit in schools is one on the cost of a plan, by which sets are chosen anyway; fewer units than that move.
    by_size = objective == "imbalance" and limits.max_move_size == limits.max_moves is not None and problem.counts_whole
    if (problem.counts_units or by_size) and len(problem) > _SMALL:
        by_sets = _by_sets(problem, objective, limits, start=start, deadline=deadline)
        if by_sets is not None and by_sets.is_proven:
            return by_sets
        if by_sets is not None:
            by_program = _by_program(problem, objective, limits, start=by_sets.label, deadline=deadline, seed=seed)
            return _better_of(by_sets, by_program)
    return _by_program(problem, objective, limits, start=start, deadline=deadline, seed=seed)


def _better_of(one: Stage, other: Stage) -> Stage:
    """Keep the better plan and the better bound of two searches for the same thing."""
    best = one if one.value <= other.value else other
    proof = one if one.bound >= other.bound else other
    bound = min(max(one.bound, other.bound), best.value)
    is_proven = best.label is not None and best.value - bound <= EXACT
    return replace(
        best,
        bound=best.value if is_proven else bound,
        is_proven=is_proven,
        is_infeasible=one.is_infeasible or other.is_infeasible,
        method=proof.method,
        restricted_bound=other.restricted_bound,
        restriction=other.restriction,
        # The record belongs to the bound: that of the program tells times, that of the sets does not.
        log=proof.log,
    )


def _by_program(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float, seed: int
) -> Stage:
    restricted, restriction = None, ""
    now = time.perf_counter()
    if len(problem) > _SMALL and deadline > now:
        model = PlanModel(problem, limits, objective, is_outward=True)
        found = model.search(deadline=now + (deadline - now) * _OUTWARD_SHARE, start=start, seed=seed)
        start, restriction = found.label, OUTWARD
        restricted = None if found.is_infeasible or not np.isfinite(found.bound) else found.bound
    model = PlanModel(problem, limits, objective)
    found = model.search(deadline=deadline, start=start, seed=seed, wants_log=True)
    bound = found.bound
    if objective == "moves" and problem.counts_units and np.isfinite(bound):
        bound = min(np.ceil(bound - _ROUNDING), found.value)
    is_proven = found.is_proven or (found.label is not None and found.value - bound <= EXACT)
    return Stage(
        objective,
        found.label,
        found.value,
        found.value if is_proven and found.label is not None else max(bound, 0.0),
        is_proven=is_proven,
        is_infeasible=found.is_infeasible,
        restricted_bound=restricted,
        restriction=restriction,
        log=found.log,
    )


def _by_sets(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float
) -> Stage | None:
    if any(most is not None for most in (limits.heaviest, limits.max_travel, limits.max_boundary)):
        return None
    if objective == "imbalance" and limits.max_moves is not None and (limits.tolerance is None or start is not None):
        return least_imbalance(problem, limits.max_moves, start=start, deadline=deadline)
    if objective == "moves" and limits.tolerance is not None and start is not None:
        return _fewest_moves(problem, limits, start, deadline=deadline)
    # With many units the integer program is quick at travel, and lists of sets are long.
    if objective == "travel" and len(problem) <= _FEW_UNITS and start is not None and limits.max_moves is not None:
        return _shortest_travel(problem, limits, start, deadline=deadline)
    return None


def least_imbalance(problem: Problem, max_moves: int, *, start: Labels | None, deadline: float) -> Stage | None:
    """Find the most even plan of few moves by zone sets.

    Parameters
    ----------
    problem
        What is to be rebalanced; moves count units.
    max_moves
        Most units that may move.
    start
        A plan of so few moves, if one is known.
    deadline
        Moment of `time.perf_counter` at which to stop.

    Returns
    -------
    Stage or None
        The plan and the bound; None where there are too many sets to list.
    """
    cost = problem.move_cost()
    most = float(problem.zones) if start is None else problem.imbalance(start)
    label, value, bound = start, most if start is not None else np.inf, 0.0
    limit = time.perf_counter() + (deadline - time.perf_counter()) * _SETS_SHARE
    log: list[str] = []
    while value - bound > EXACT:
        aim = Aim(cost, float(max_moves), levels_loads=True)
        tolerance = min(value, most) - EXACT
        found = find_plan(problem, aim, tolerance=tolerance, max_moves=max_moves, deadline=limit)
        log.append(found.log)
        if found.is_closed and found.label is None:
            bound = min(value, most)
            if label is None:
                none = Stage("imbalance", None, np.inf, np.inf, is_proven=False, is_infeasible=True, method=ZONE_SETS)
                return replace(none, log="\n".join(log))
            break
        if found.label is None:
            break
        label, value = found.label, problem.imbalance(found.label)
        if found.is_closed:
            bound = value
            break
    if label is None:
        return None
    if value - bound > EXACT:
        bound = _easier_bound(problem, cost, max_moves, value, bound, deadline=deadline, log=log)
        if bound <= 0.0 and value == most:
            return None
    is_proven = value - bound <= EXACT
    shown = value if is_proven else bound
    return Stage("imbalance", label, value, shown, is_proven=is_proven, method=ZONE_SETS, log="\n".join(log))


def _easier_bound(
    problem: Problem, cost: np.ndarray, max_moves: int, value: float, bound: float, *, deadline: float, log: list[str]
) -> float:
    """Prove that no plan is more even than some smaller imbalance: the smaller, the easier, so that comes first."""
    for factor in _EASIER:
        if value * factor <= bound:
            continue
        aim = Aim(cost, float(max_moves), levels_loads=True)
        found = find_plan(problem, aim, tolerance=value * factor, max_moves=max_moves, deadline=deadline)
        log.append(found.log)
        if not (found.is_closed and found.label is None):
            break
        bound = value * factor
    return bound


def _fewest_moves(problem: Problem, limits: Limits, start: Labels, *, deadline: float) -> Stage:
    tolerance = limits.tolerance or 0.0
    label, value = start, problem.moved(start)
    log = [f"{value} moves are known to be enough"]
    limit = time.perf_counter() + (deadline - time.perf_counter()) * _SETS_SHARE
    bound = least_moves(problem, crossings(problem, tolerance=tolerance, max_moves=value, deadline=limit))
    log.append(f"at least {bound} have to cross between zones")
    if bound < value:
        # One move fewer than is known: the answer is the best plan, or that there is no better one.
        found = find_plan(problem, _fewer(problem, value - 1), tolerance=tolerance, max_moves=value - 1, deadline=limit)
        log.append(found.log)
        if found.label is not None:
            label, value = found.label, problem.moved(found.label)
        bound = value if found.is_closed else bound
    # What could not be settled at once is, from below: with few moves there are few sets.
    while bound < value:
        found = find_plan(problem, _fewer(problem, bound), tolerance=tolerance, max_moves=bound, deadline=deadline)
        log.append(found.log)
        if not found.is_closed:
            break
        if found.label is not None:
            label, value = found.label, problem.moved(found.label)
        else:
            bound += 1
    is_proven = bound >= value
    shown = float(min(bound, value))
    told = "\n".join(log)
    return Stage("moves", label, float(value), shown, is_proven=is_proven, method=ZONE_SETS, log=told)


def _fewer(problem: Problem, moves: int) -> Aim:
    return Aim(problem.move_cost(), float(moves))


def _shortest_travel(problem: Problem, limits: Limits, start: Labels, *, deadline: float) -> Stage | None:
    if limits.tolerance is None or limits.max_moves is None:
        return None
    now = problem.travel[np.arange(len(problem)), problem.start]
    base = float(now.sum())
    label, value = start, problem.cost(start, problem.travel)
    aim = Aim(
        problem.travel - now[:, None],
        value - base - _ROUNDING * max(value, 1.0),
        max_moves=limits.max_moves,
        most_sets=_FEW_SETS,
    )
    limit = time.perf_counter() + (deadline - time.perf_counter()) * _SETS_SHARE
    found = find_plan(problem, aim, tolerance=limits.tolerance, max_moves=limits.max_moves, deadline=limit)
    if not np.isfinite(found.bound) and not found.is_closed:
        return None
    if found.label is not None:
        label, value = found.label, problem.cost(found.label, problem.travel)
    is_proven = found.is_closed
    bound = value if is_proven else min(found.bound + base, value)
    return Stage("travel", label, value, bound, is_proven=is_proven, method=ZONE_SETS, log=found.log)
