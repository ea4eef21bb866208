"""The least change that evens the zones out: one objective after another, each with its bound."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from safeschools_geo.errors import SettingsError, count_text, name_ids, with_article
from safeschools_geo.rebalance._feasibility import explain_infeasible, infeasible_error
from safeschools_geo.rebalance._neighbors import edges_given
from safeschools_geo.rebalance._plan import PlanSettings, RebalancePlan, Stage, held_text, plan_of
from safeschools_geo.rebalance._problem import (
    EXACT,
    Rules,
    plans_of_few_moves,
    problem_of,
    that_count,
    with_response,
    with_rules,
)
from safeschools_geo.rebalance._program import Limits, Objective, PlanModel, objective_value
from safeschools_geo.rebalance._set_partition import (
    Aim,
    MostEven,
    find_plan,
    largest_deviations,
    least_deviation,
    most_even,
)
from safeschools_geo.rebalance._zone_sets import crossings, least_moves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.errors import InputError
    from safeschools_geo.rebalance._problem import Problem
    from safeschools_geo.solver import Labels


# ── One objective at a time: the best plan within limits, by the method that fits the size of the problem

ZONE_SETS = "choice among all sets of units that a zone could consist of (set partition, column generation and cuts)"
"""Name of the method for few moves of few units."""

OUTWARD = "in which every unit has a neighbor in its zone that is nearer to the zone's center"
"""The restricted class that is searched first where there are many units."""

_SMALL = 16
_FEW_UNITS = 150
_FEW_SETS = 30_000
"""Among more sets the shortest travel is found sooner by the integer program."""

_TRIED_SETS = 100_000
"""So many sets are looked at for a plan on the way to the most even one."""

_OUTWARD_SHARE = 0.35
_SETS_SHARE = 0.7
_TOP_SHARE = 0.9
_MOST_TRIES = 20
_ROUNDING = 1e-6


def solve_stage(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float, seed: int = 0
) -> Stage:
    """Find the best plan by one objective."""
    if problem.response is not None:
        return _no_slower(problem, objective, limits, start=start, deadline=deadline)
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


_NEAR = 0.01


def _no_slower(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float
) -> Stage:
    """Find the best plan in which nobody waits longer: by zone sets, each of which has a response of its own."""
    if objective == "imbalance":
        return least_no_slower(problem, limits, start, deadline=deadline)
    aim, most = few_moves(problem, limits)
    tolerance = float(problem.zones) if limits.tolerance is None else limits.tolerance
    if start is None:
        found = find_plan(problem, aim, tolerance=tolerance, max_moves=most, deadline=deadline)
        if found.label is None:
            bound = np.inf if found.is_closed else 0.0
            none = Stage(objective, None, np.inf, bound, is_proven=False, is_infeasible=found.is_closed)
            return replace(none, method=ZONE_SETS, log=found.log)
        start = found.label
    limits = replace(limits, tolerance=tolerance, max_moves=most)
    if objective == "moves":
        return _fewest_moves(problem, limits, start, deadline=deadline)
    stage = _shortest_travel(problem, limits, start, deadline=deadline)
    value = objective_value(problem, start, objective)
    return stage or Stage(objective, start, value, 0.0, is_proven=False, method=ZONE_SETS)


def least_no_slower(
    problem: Problem,
    limits: Limits,
    start: Labels | None,
    *,
    deadline: float,
    floor: float = 0.0,
) -> Stage:
    """Look for the smallest imbalance, first of fewer moves: a good plan makes short work of what is less even.

    Of fewer moves than those of the plan that is known there is none to look for. `floor`: no plan is below it.
    """
    _, most = few_moves(problem, limits)
    fewest = 1 if start is None else max(1, problem.moved(start))
    label, log = start, list[str]()
    high = float(problem.zones) if start is None else problem.imbalance(start)
    look, is_closed = partial(least_deviation, problem, deadline=deadline), True
    for moves in (*range(fewest, most), most):
        if moves == most or (is_closed and high - floor > EXACT):
            aim, _ = few_moves(problem, _at_most(limits, moves))
            found = look(aim, start=label, tolerance=high - EXACT, max_moves=moves, is_long=moves == most)
            label, high = (label, high) if found.label is None else (found.label, problem.imbalance(found.label))
            is_closed = found.is_closed
    log.append(found.log)
    low, ceiling = high if is_closed else floor, high - EXACT
    while high - low > EXACT and ceiling - low > _NEAR:
        # What is more even is sooner found, or proven not to be there.
        tolerance = (low + ceiling) / 2
        found = look(aim, start=label, tolerance=tolerance, max_moves=most, is_long=False)
        log.append(found.log)
        label, high = (label, high) if found.label is None else (found.label, problem.imbalance(found.label))
        if found.is_closed:
            low = tolerance if found.label is None else high
        else:
            ceiling = min(tolerance, high - EXACT)
    is_closed = high - low <= EXACT
    facts: dict[str, Any] = {"method": ZONE_SETS, "log": "\n".join(log)}
    if label is None:
        bound = np.inf if is_closed else low
        return Stage("imbalance", None, np.inf, bound, is_proven=False, is_infeasible=is_closed, **facts)
    return Stage("imbalance", label, high, high if is_closed else low, is_proven=is_closed, **facts)


def _at_most(limits: Limits, moves: int) -> Limits:
    size = None if limits.max_move_size is None else min(limits.max_move_size, float(moves))
    return replace(limits, max_moves=moves, max_move_size=size)


def few_moves(problem: Problem, limits: Limits) -> tuple[Aim, int]:
    """Look for plans that move no more than they may; and the most units that move in one."""
    most = len(problem) if limits.max_moves is None else limits.max_moves
    if limits.max_move_size is not None:
        return Aim(problem.move_cost(), limits.max_move_size, max_moves=most), most
    return Aim(replace(problem, move_size=np.ones(len(problem))).move_cost(), float(most)), most


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
        is_cut=not is_proven and (one.is_cut or other.is_cut),
    )


def _by_program(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float, seed: int
) -> Stage:
    restricted, restriction = None, ""
    now = time.process_time()
    if start is not None and now > deadline:
        return Stage(objective, start, objective_value(problem, start, objective), 0.0, is_proven=False, is_cut=True)
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
        is_cut=not is_proven and time.process_time() > deadline,
    )


def _by_sets(
    problem: Problem, objective: Objective, limits: Limits, *, start: Labels | None, deadline: float
) -> Stage | None:
    others = (limits.heaviest, limits.largest, limits.max_travel, limits.max_boundary)
    if any(most is not None for most in others):
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

    Where the plans just below the best that is known are too many to go through, the answer is closed in from both
    sides: what is far more even is sooner proven not to be there, and found with fewer sets where it is.
    """
    aim = Aim(problem.move_cost(), float(max_moves), levels_loads=True)
    most = float(problem.zones) if start is None else problem.imbalance(start)
    label, value, bound = start, most if start is not None else np.inf, 0.0
    limit = time.process_time() + (deadline - time.process_time()) * _TOP_SHARE
    log: list[str] = []
    # Nothing is decided from here on; of many units first what can be with few sets.
    open_from = min(value, most) if start is not None and len(problem) > _FEW_UNITS else np.inf
    last_top = np.inf
    while value - bound > EXACT and len(log) < _MOST_TRIES:
        top = min(value, most)
        is_top = open_from > top or open_from - bound < _NEAR * top
        if is_top and last_top == top:
            break
        if is_top:
            last_top, tolerance = top, top - EXACT
            found = find_plan(problem, aim, tolerance=tolerance, max_moves=max_moves, deadline=limit)
        else:
            tolerance, few = (bound + open_from) / 2, replace(aim, most_sets=_TRIED_SETS)
            found = find_plan(problem, few, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
        log.append(found.log)
        if found.label is not None:
            label, value = found.label, problem.imbalance(found.label)
            bound, open_from = (value, value) if found.is_closed else (bound, min(open_from, value))
        elif found.is_closed:
            bound = top if is_top else tolerance
            if label is None and bound == most:
                none = Stage("imbalance", None, np.inf, np.inf, is_proven=False, is_infeasible=True, method=ZONE_SETS)
                return replace(none, log="\n".join(log))
        else:
            open_from = min(open_from, tolerance)
        if label is None:
            break
    if label is None or (bound <= 0.0 and value == most):
        return None
    is_proven = value - bound <= EXACT
    shown = value if is_proven else bound
    return Stage("imbalance", label, value, shown, is_proven=is_proven, method=ZONE_SETS, log="\n".join(log))


def _fewest_moves(problem: Problem, limits: Limits, start: Labels, *, deadline: float) -> Stage:
    tolerance = limits.tolerance or 0.0
    label, value = start, problem.moved(start)
    log = [f"{value} moves are known to be enough"]
    limit = time.process_time() + (deadline - time.process_time()) * _SETS_SHARE
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
    text = "\n".join(log)
    return Stage("moves", label, float(value), shown, is_proven=is_proven, method=ZONE_SETS, log=text)


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
    limit = time.process_time() + (deadline - time.process_time()) * _SETS_SHARE
    found = find_plan(problem, aim, tolerance=limits.tolerance, max_moves=limits.max_moves, deadline=limit)
    if not np.isfinite(found.bound) and not found.is_closed:
        return None
    if found.label is not None:
        label, value = found.label, problem.cost(found.label, problem.travel)
    is_proven = found.is_closed
    bound = value if is_proven else min(found.bound + base, value)
    return Stage("travel", label, value, bound, is_proven=is_proven, method=ZONE_SETS, log=found.log)


# ── Even in all zones: after the largest deviation the next, one after the other, then the shortest travel


def with_better(problem: Problem, least: Stage, found: Iterable[Labels | None]) -> Stage:
    """Take a plan that is more even than the best that a search came to before its time ran out."""
    labels = [label for label in found if label is not None]
    best = min(labels, key=problem.imbalance, default=None)
    if best is None or least.is_proven or problem.imbalance(best) >= least.value:
        return least
    return replace(least, label=best, value=problem.imbalance(best)).bounded(least.bound)


def even_stages(
    problem: Problem,
    limits: Limits,
    least: Stage,
    known: list[Labels],
    *,
    slack: float,
    deadline: float,
    seed: int = 0,
) -> list[Stage]:
    """Find the plan about as even as the most even in which the other zones are even too, then near.

    A stage for the sum of the 2, 3, … largest deviations, each within `slack` of the smallest, and one for travel.
    """
    tolerance = least.value + slack
    within = [p for p in known if is_few(problem, p, limits) and problem.imbalance(p) <= tolerance + _PROPOSE_ROUNDING]
    start = min(within, key=lambda p: tuple(np.round(largest_deviations(problem, p)[1:], 9)))
    aim, most = few_moves(problem, limits)
    found = most_even(
        *(problem, aim),
        start=start,
        bound=least.bound,
        tolerance=tolerance,
        slack=slack,
        max_moves=most,
        deadline=deadline,
    )
    if found is not None:
        return _stages_of(problem, found, least.bound, deadline=deadline)
    beyond = problem.zones - 1 if problem.zones > 2 else 0  # noqa: PLR2004 - two deviate alike
    nothing = MostEven(((start, False),) * (beyond + 1), "")
    stages = _stages_of(problem, nothing, least.bound, deadline=deadline)
    if problem.response is not None:
        return stages
    caps = (tolerance, *(stage.value + slack for stage in stages[:-1]))
    limits = replace(limits, tolerance=tolerance, largest=caps)
    return [*stages[:-1], solve_stage(problem, "travel", limits, start=start, deadline=deadline, seed=seed)]


def all_stages(
    problem: Problem, limits: Limits, known: list[Labels], *, slack: float, deadline: float
) -> list[Stage] | None:
    """Find the smallest imbalance, the evenness of the other zones and the shortest travel among the same sets.

    None where no plan is known, where the sets are too many, or where the smallest imbalance is not proven.
    """
    start = min((p for p in known if is_few(problem, p, limits)), key=problem.imbalance, default=None)
    if start is None:
        return None
    aim, most = few_moves(problem, limits)
    tolerance = problem.imbalance(start) + slack
    found = most_even(
        *(problem, aim),
        start=start,
        bound=None,
        tolerance=tolerance,
        slack=slack,
        max_moves=most,
        deadline=deadline,
    )
    if found is None:
        return None
    (label, _), *ranks = found.ranks
    least = problem.imbalance(label)
    log = f"{found.log}; joining them: imbalance at least {least:.9f}, closed"
    stage = Stage("imbalance", label, least, least, is_proven=True, method=ZONE_SETS, log=log)
    return [stage, *_stages_of(problem, replace(found, ranks=tuple(ranks)), least, deadline=deadline)]


def _stages_of(problem: Problem, found: MostEven, bound: float, *, deadline: float) -> list[Stage]:
    """Say what the ranks beyond the farthest zone, and travel, came to; `bound`: of the imbalance."""
    stages, is_late = [], time.process_time() > deadline
    *ranks, (nearest, is_nearest) = found.ranks
    for rank, (label, is_proven) in enumerate(ranks, start=2):
        value = float(largest_deviations(problem, label)[rank - 1])
        bound = value if is_proven else min(bound, value)
        stage = Stage("evenness", label, value, bound, is_proven=is_proven, method=ZONE_SETS, rank=rank)
        stages.append(replace(stage, is_cut=is_late and not is_proven))
    travel = problem.cost(nearest, problem.travel)
    least = travel if is_nearest else 0.0
    last = Stage("travel", nearest, travel, least, is_proven=is_nearest, method=ZONE_SETS, log=found.log)
    return [*stages, replace(last, is_cut=is_late and not is_nearest)]


# ── The least change that evens the zones out: one objective after another, each with its bound

OBJECTIVES = ("moves", "imbalance", "evenness", "travel", "boundary")
"""What a plan can be asked to make small. Evenness is that of the zones beyond the farthest, and follows imbalance."""

_MOST_BEAM_MOVES = 60
_SHARES = {1: (1.0,), 2: (0.7, 1.0), 3: (0.5, 0.75, 1.0), 4: (0.4, 0.6, 0.8, 1.0)}
_PROPOSE_ROUNDING = 1e-9
_NEAREST_S = 20.0


def rebalance(
    units: gpd.GeoDataFrame,
    *,
    adjacency: pd.DataFrame | None = None,
    max_moves: int | None = None,
    tolerance: float | None = None,
    roots: Mapping[str, str] | None = None,
    locked: Iterable[str] = (),
    together: Iterable[Iterable[str]] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    objectives: Sequence[Objective] | None = None,
    slack: float = 0.005,
    moves_in: str = "units",
    travel: pd.DataFrame | None = None,
    set_apart: Iterable[str] = (),
    apart: Iterable[tuple[str, str]] = (),
    response: pd.DataFrame | None = None,
    no_slower: bool = False,
    longer_min: float = 0.0,
    one_of_each: Mapping[str, Iterable[str]] | None = None,
    most_students: int | None = None,
    whole: Mapping[str, Iterable[str]] | None = None,
    barriers: Mapping[str, Any] | None = None,
    forecast: Iterable[str] = (),
    neighbor_tolerance_m: float | None = None,
    time_limit_s: float = 60.0,
    seed: int = 0,
    crs: object = None,
    noun: str = "unit",
) -> RebalancePlan:
    """Propose a plan, with a bound over all contiguous plans.

    Parameters
    ----------
    units
        Areal units, n rows: `unit_id`, `zone_id` (the current zone), `workload` (any load, not negative), geometry with
        a CRS; `anchor` where travel is measured from other places than the middle.
    adjacency
        Which units may follow each other: a table of pairs (`unit_a`, `unit_b`, else the first two columns); borders of
        the geometry, and bridges over gaps, by default.
    max_moves
        Most units that may move; most schools where moves are counted in schools. Alone it asks for the smallest
        imbalance, then, within `slack` of it, for the other zones as even: the smallest sum of the two largest
        deviations, of the three largest and so on, each within `slack`; then for the shortest travel.
    tolerance
        Largest imbalance. Alone it asks for the fewest moves, then for the shortest travel. With `max_moves` it asks
        for the shortest travel.
    roots
        Zone → unit that stays put; None for any contiguous plan in which every zone keeps at least one unit.
    locked
        Units that keep their zone.
    together
        Groups of units that have to be in one zone, such as feeder schools.
    forbidden
        Pairs of a unit and a zone that it must not be in.
    objectives
        What is made small, the most important first, of `OBJECTIVES`; by default as told at `max_moves` and
        `tolerance`.
    slack
        By how much the imbalance, and each sum of largest deviations, may be above the smallest, for the sake of what
        comes after it.
    moves_in
        What moves count as an objective: ``units``, or a sum of ``schools``, ``students`` or ``workload``.
    travel
        Distance of each unit (rows) from the center of each zone (columns); straight kilometers by default.
    set_apart
        Zones that stay as they are and do not count for the balance, such as those without a school.
    apart
        Pairs of units that are no neighbors though they share a border.
    response
        How long it takes from where an officer may wait to each unit: `unit_id`, `calls` (of the unit, in any period),
        `place_id`, `place_unit_id` (the unit that the place lies in) and `minutes`; a row for each unit and each place.
        The officer of a zone waits at the place in it with the smallest mean over its calls, today and in every plan.
    no_slower
        Whether to allow only plans in which the mean response of every zone, and that of all calls together, is no
        longer than today's. A zone keeps its id; one without a call today has no response to keep.
    longer_min
        By how many minutes each of these means may be longer than today's, where `no_slower` is asked for.
    one_of_each
        What every zone has to have one of, such as ``high school`` → the units that are or hold one.
    most_students
        Most students in the units that move, by the column `students` of the units.
    whole
        Name of a group, such as ``hotspot 1`` → its units, which are in one zone.
    barriers
        What parts some of the pairs that are apart: result of `part_by_barriers`, for the certificate.
    forecast
        What the workload is forecast by, in words, where it is not that of the record.
    neighbor_tolerance_m
        Edges of units this near to each other, in meters, are one border: 10 by default where `adjacency` is left out.
        With links of `unit_edges`, the tolerance that they were found with; the certificate holds it, and `verify`
        finds neighbors up to it again.
    time_limit_s
        Longest time, in seconds of processor time; when it runs out, the best plan, its bound and the gap are returned.
    seed
        Seed of the solver. The same input and seed give the same plan, unless time ran out.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.
    noun
        What a unit is called in what is said.

    Returns
    -------
    RebalancePlan
        The plan. Its `bound` belongs to the first objective and holds for every contiguous plan, that keeps the roots
        if there are any; nothing is proven where the drawing leaves open who borders whom
        (`disputed_neighbors`). Bounds over fewer plans stand apart in the certificate's `stages`.

    Raises
    ------
    ColumnError, CRSError
        When units or edges cannot be used.
    SettingsError, SeveralFaultsError
        When no plan keeps all rules: the message names those that conflict, and the nearest tolerance.

    Notes
    -----
    Few moves of few units are solved as a choice among zone sets (`find_plan`), everything else as an
    integer program with separators (`PlanModel`). Loads are those measured under the current zones.
    """
    began = time.process_time()
    wanted = _objectives(objectives, max_moves, tolerance)
    groups = tuple(map(tuple, together))
    each, named = ({name: tuple(ids) for name, ids in (of or {}).items()} for of in (one_of_each, whole))
    rules = Rules(roots, tuple(locked), groups, tuple(forbidden), moves_in, tuple(apart), each, most_students, named)
    rules = replace(rules, barriers=dict(barriers or {}))
    gone = tuple(map(str, set_apart))
    settings = PlanSettings(max_moves, tolerance, wanted, slack, rules, time_limit_s, seed, gone, tuple(forecast))
    _require_settings(settings)
    given = edges_given(units, adjacency, apart=rules.apart, tolerance_m=neighbor_tolerance_m, crs=crs)
    balanced, edges, rules = that_count(units, given.edges, replace(rules, apart=given.apart), gone)
    settings = replace(settings, rules=rules, neighbor_tolerance_m=given.tolerance_m)
    problem = problem_of(balanced, edges, rules=rules, travel=travel, crs=crs)
    problem, measured = with_response(
        *(problem, units, response), no_slower=no_slower, longer_min=longer_min, objectives=wanted
    )
    stages = solve_stages(problem, settings, began=began)
    label = stages[-1].label
    if label is None:
        raise no_plan(problem, settings, is_proven=stages[-1].is_infeasible)
    return plan_of(
        *(units, given.edges, problem, settings, stages),
        seconds=time.process_time() - began,
        noun=noun,
        disputed=given.disputed,
        response=measured,
    )


def _objectives(
    given: Sequence[Objective] | None, max_moves: int | None, tolerance: float | None
) -> tuple[Objective, ...]:
    if given is not None:
        return tuple(given)
    if max_moves is not None and tolerance is not None:
        return ("travel",)
    if tolerance is not None:
        return ("moves", "travel")
    return ("imbalance", "travel") if max_moves is None else ("imbalance", "evenness", "travel")


def _require_settings(settings: PlanSettings) -> None:
    rules = {
        f"objectives of {', '.join(OBJECTIVES)}, each once": bool(settings.objectives)
        and set(settings.objectives) <= set(OBJECTIVES)
        and len(set(settings.objectives)) == len(settings.objectives),
        "evenness, with max_moves, right after imbalance, and nothing but travel after it": _is_even_in_place(settings),
        "max_moves of 0 or more": settings.max_moves is None or settings.max_moves >= 0,
        "tolerance of 0 or more": settings.tolerance is None or settings.tolerance >= 0,
        "slack of 0 or more": settings.slack >= 0,
        "time_limit_s above 0": settings.time_limit_s > 0,
        "seed of 0 or more": settings.seed >= 0,
        "most_students of 0 or more": (settings.rules.most_students or 0) >= 0,
    }
    broken = [rule for rule, is_kept in rules.items() if not is_kept]
    if broken:
        raise SettingsError(
            "A plan cannot be proposed with these settings.",
            found=f"objectives {', '.join(settings.objectives)}; max_moves {settings.max_moves}; tolerance "
            f"{settings.tolerance}; slack {settings.slack}; seed {settings.seed}",
            expected="; ".join(broken),
            remedy="Fix the settings named.",
        )


def _is_even_in_place(settings: PlanSettings) -> bool:
    if "evenness" not in settings.objectives:
        return True
    at = settings.objectives.index("evenness")
    is_last = settings.objectives[at + 1 :] in {(), ("travel",)}
    return at > 0 and settings.objectives[at - 1] == "imbalance" and is_last and settings.max_moves is not None


def solve_stages(problem: Problem, settings: PlanSettings, *, began: float) -> list[Stage]:
    """Make one objective after another small, each within what the ones before it leave."""
    limits = replace(moves_limits(settings.max_moves, settings.rules), tolerance=settings.tolerance)
    known = _first_plans(problem, settings)
    stages: list[Stage] = []
    if problem.response is not None and settings.objectives[:2] == ("imbalance", "evenness"):
        deadline = began + settings.time_limit_s * _SHARES[3][0]
        if at_once := all_stages(problem, limits, known, slack=settings.slack, deadline=deadline):
            return [stage for stage in at_once if stage.objective in settings.objectives]
    for objective, share in zip(settings.objectives, _SHARES[len(settings.objectives)], strict=True):
        fitting = [p for p in known if _is_within(problem, p, limits)]
        best = min(fitting, key=lambda p: objective_value(problem, p, objective), default=None)
        deadline = began + settings.time_limit_s * share
        if objective == "evenness":
            deadline = began + settings.time_limit_s
            even = even_stages(
                *(problem, limits, stages[-1], known), slack=settings.slack, deadline=deadline, seed=settings.seed
            )
            stages[-1] = with_better(problem, stages[-1], [stage.label for stage in even[-1:]])
            return [*stages, *(stage for stage in even if stage.objective in settings.objectives)]
        stage = solve_stage(problem, objective, limits, start=best, deadline=deadline, seed=settings.seed)
        stages.append(stage)
        if stage.label is None:
            break
        known.append(stage.label)
        limits = _narrowed(problem, limits, stage, settings.slack)
    return stages


def moves_limits(max_moves: int | None, rules: Rules) -> Limits:
    """Limit how much may move."""
    size = None if max_moves is None or rules.moves_in != "schools" else float(max_moves)
    return Limits(max_moves=max_moves, max_move_size=size)


def is_few(problem: Problem, label: Labels, limits: Limits) -> bool:
    """Say whether a plan moves no more than it may."""
    size = problem.cost(label, problem.move_cost())
    return (limits.max_moves is None or problem.moved(label) <= limits.max_moves) and (
        limits.max_move_size is None or size <= limits.max_move_size + _PROPOSE_ROUNDING
    )


def _first_plans(problem: Problem, settings: PlanSettings) -> list[Labels]:
    most = min(len(problem), _MOST_BEAM_MOVES if settings.max_moves is None else settings.max_moves)
    return plans_of_few_moves(problem, max_moves=most, tolerance=settings.tolerance or 0.0)


def _is_within(problem: Problem, label: Labels, limits: Limits) -> bool:
    return (
        (limits.tolerance is None or problem.imbalance(label) <= limits.tolerance + _PROPOSE_ROUNDING)
        and is_few(problem, label, limits)
        and (limits.max_travel is None or problem.cost(label, problem.travel) <= limits.max_travel + _PROPOSE_ROUNDING)
        and (limits.max_boundary is None or problem.border(label) <= limits.max_boundary + _PROPOSE_ROUNDING)
        and problem.is_plan(label)
    )


def _narrowed(problem: Problem, limits: Limits, stage: Stage, slack: float) -> Limits:
    if stage.objective == "imbalance":
        most = stage.value + slack
        return replace(limits, tolerance=most if limits.tolerance is None else min(most, limits.tolerance))
    if stage.objective == "moves":
        limits = replace(limits, max_move_size=stage.value + _PROPOSE_ROUNDING)
        return replace(limits, max_moves=round(stage.value)) if problem.counts_units else limits
    if stage.objective == "travel":
        return replace(limits, max_travel=stage.value * (1 + _PROPOSE_ROUNDING) + _PROPOSE_ROUNDING)
    return replace(limits, max_boundary=stage.value * (1 + _PROPOSE_ROUNDING) + _PROPOSE_ROUNDING)


def no_plan(problem: Problem, settings: PlanSettings, *, is_proven: bool = True) -> InputError:
    """Say why there is no plan: the rules that conflict, else the nearest tolerance that can be kept."""
    conflicts = explain_infeasible(problem, tolerance=settings.tolerance, max_moves=settings.max_moves)
    if conflicts:
        return infeasible_error(conflicts)
    nearest = _nearest_tolerance(problem, settings) if settings.tolerance is not None else None
    # Rounded up, so that the figure that is shown is one that a plan can keep.
    least = (
        np.inf
        if nearest is None or nearest.label is None
        else np.ceil(nearest.value * 10_000 - _PROPOSE_ROUNDING) / 10_000
    )
    near = f"{least:.4f}" if np.isfinite(least) else ""
    held = held_text(None if problem.response is None else problem.response.longer_min)
    waits = f"{held} than today" if held else ""
    clash = _clash_text(problem, settings) if is_proven else ""
    return SettingsError(
        f"There is no plan within these limits{waits}."
        if is_proven
        else f"No plan{waits} was found in the time there was.",
        where="the request",
        found=f"tolerance {settings.tolerance}, max_moves {settings.max_moves}, {len(problem)} units, "
        f"{problem.zones} zones",
        expected=f"a tolerance of {near} or more, which a plan can keep" if near else "limits that leave a plan",
        remedy=clash or f"Raise the tolerance, allow more moves, or drop a lock{' or no_slower' if waits else ''}."
        if is_proven
        else "Allow more time.",
    )


def _clash_text(problem: Problem, settings: PlanSettings) -> str:
    """Say which rules conflict, where more is asked for than loads and moves: without which one there is a plan."""
    rules, asked = settings.rules, dict[str, tuple[Rules, PlanSettings]]()
    for name in rules.whole:
        others = {other: ids for other, ids in rules.whole.items() if other != name}
        asked[f"{name} whole"] = replace(rules, whole=others), settings
    for name in rules.one_of_each:
        others = {other: few for other, few in rules.one_of_each.items() if other != name}
        asked[f"{with_article(name)} in each zone"] = replace(rules, one_of_each=others), settings
    if rules.most_students is not None:
        few = f"at most {count_text(rules.most_students, 'student')} who change officer"
        asked[few] = replace(rules, most_students=None), settings
    if not asked:
        shut = name_ids([f"{a} and {b}" for a, b in rules.barriers.get("pairs", ())])
        ways = f"Add the road that crosses a barrier (between {shut}), or an extra link"
        return f"{ways}; else allow more moves, raise the tolerance, or drop a lock." if rules.barriers else ""
    nothing: dict[str, Any] = {"roots": None, "locked": (), "forbidden": (), "together": ()}
    names = {"roots": "the roots", "locked": "the locks", "forbidden": "the forbidden pairs", "together": "the groups"}
    given = [key for key in nothing if getattr(rules, key)]
    asked |= {names[key]: (replace(rules, **{key: nothing[key]}), settings) for key in given}
    for key, words in (("max_moves", "at most {:,} moves"), ("tolerance", "the tolerance of {:.2%}")):
        if (limit := getattr(settings, key)) is not None:
            asked[words.format(limit)] = rules, replace(settings, **dict[str, Any]({key: None}))
    seconds = min(settings.time_limit_s, _NEAREST_S) / len(asked)
    enough = [name for name, way in asked.items() if _has_plan(problem, *way, seconds=seconds)]
    if enough:
        return f"Together these leave no plan; without one of them there is one: {', '.join(enough)}."
    return f"These together leave no plan, nor was one found without a single one of them: {', '.join(asked)}."


def _has_plan(problem: Problem, rules: Rules, settings: PlanSettings, *, seconds: float) -> bool:
    problem = with_rules(problem, rules)
    limits = moves_limits(settings.max_moves, rules)
    start = min(_first_plans(problem, settings), key=problem.imbalance, default=None)
    deadline = time.process_time() + seconds
    found = solve_stage(problem, "imbalance", limits, start=start, deadline=deadline, seed=settings.seed)
    most = np.inf if settings.tolerance is None else settings.tolerance
    return found.label is not None and found.value <= most + _PROPOSE_ROUNDING


def _nearest_tolerance(problem: Problem, settings: PlanSettings) -> Stage:
    limits = moves_limits(settings.max_moves, settings.rules)
    start = min(_first_plans(problem, replace(settings, tolerance=None)), key=problem.imbalance, default=None)
    deadline = time.process_time() + min(settings.time_limit_s, _NEAREST_S)
    return solve_stage(problem, "imbalance", limits, start=start, deadline=deadline, seed=settings.seed)
