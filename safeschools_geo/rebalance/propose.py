"""The least change that evens the zones out: one objective after another, each with its bound."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance.exact.few_moves import plans_of_few_moves
from safeschools_geo.rebalance.feasible.feasibility import explain_infeasible, infeasible_error
from safeschools_geo.rebalance.ground.links import EDGE_COLUMNS, disputed_neighbors, edges_of_table, unit_edges
from safeschools_geo.rebalance.model import Limits, Objective, objective_value
from safeschools_geo.rebalance.plan import PlanSettings, RebalancePlan
from safeschools_geo.rebalance.plan_of_stages import plan_of
from safeschools_geo.rebalance.problem_of_units import problem_of, require_units, rules_of, that_count
from safeschools_geo.rebalance.stages import Stage, solve_stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd

    from safeschools_geo.errors import InputError
    from safeschools_geo.rebalance.problem import Labels, Problem
    from safeschools_geo.rebalance.problem_of_units import Rules

OBJECTIVES = ("moves", "imbalance", "travel", "boundary")
"""What a plan can be asked to make small."""

_MOST_BEAM_MOVES = 60
_SHARES = {1: (1.0,), 2: (0.7, 1.0), 3: (0.5, 0.75, 1.0), 4: (0.4, 0.6, 0.8, 1.0)}
_ROUNDING = 1e-9
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
        imbalance, then for the shortest travel within `slack`.
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
        By how much the imbalance may be above the smallest, for the sake of what comes after it.
    moves_in
        What moves count as an objective: ``units``, or a sum of ``schools``, ``students`` or ``workload``.
    travel
        Distance of each unit (rows) from the centre of each zone (columns); straight kilometres by default.
    set_apart
        Zones that stay as they are and do not count for the balance, such as those without a school.
    apart
        Pairs of units that are no neighbors though they share a border.
    time_limit_s
        Longest time in seconds; when it runs out, the best plan, its bound and the gap are returned.
    seed
        Seed of the solver. The same input and seed give the same plan, unless time ran out.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.
    noun
        What a unit is called in what is said.

    Returns
    -------
    RebalancePlan
        The plan. Its `bound` belongs to the first objective and holds for every contiguous plan, that keeps the roots
        if there are any; nothing is proven where the drawing leaves open who borders whom
        (`links.disputed_neighbors`). Bounds over fewer plans stand apart in the certificate's `stages`.

    Raises
    ------
    ColumnError, CRSError
        When units or edges cannot be used.
    SettingsError, SeveralFaultsError
        When no plan keeps all rules: the message names those that conflict, and the nearest tolerance.

    Notes
    -----
    Few moves of few units are solved as a choice among zone sets (`set_partition.find_plan`), everything else as an
    integer program with separators (`model.PlanModel`). Loads are those measured under the current zones.
    """
    began = time.perf_counter()
    wanted = _objectives(objectives, max_moves, tolerance)
    rules = rules_of(roots=roots, locked=locked, together=together, forbidden=forbidden, moves_in=moves_in, apart=apart)
    gone = tuple(map(str, set_apart))
    settings = PlanSettings(max_moves, tolerance, wanted, slack, rules, time_limit_s, seed, gone)
    _require_settings(settings)
    given = edges_given(units, adjacency, apart=rules.apart, crs=crs)
    balanced, edges, rules = that_count(units, given.edges, replace(rules, apart=given.apart), gone)
    settings = replace(settings, rules=rules)
    problem = problem_of(balanced, edges, rules=rules, travel=travel, crs=crs)
    stages = solve_stages(problem, settings, began=began)
    label = stages[-1].label
    if label is None:
        raise no_plan(problem, settings, is_proven=stages[-1].is_infeasible)
    return plan_of(
        *(units, given.edges, problem, settings, stages),
        seconds=time.perf_counter() - began,
        noun=noun,
        disputed=given.disputed,
    )


@dataclass(frozen=True, eq=False)
class GivenEdges:
    """The links a plan rests on.

    Parameters
    ----------
    edges
        `unit_a`, `unit_b`, `shared_m`, `kind`.
    apart
        Pairs that share a border and are no neighbors, as a person said.
    disputed
        Result of `links.disputed_neighbors`.
    """

    edges: pd.DataFrame
    apart: tuple[tuple[str, str], ...]
    disputed: pd.DataFrame


def edges_given(
    units: gpd.GeoDataFrame,
    adjacency: pd.DataFrame | None,
    *,
    apart: Iterable[tuple[str, str]] = (),
    crs: object = None,
) -> GivenEdges:
    """Take the edges that are given, or find them.

    Parameters
    ----------
    units
        Areal units.
    adjacency
        Result of `links.unit_edges`, taken as it is; any table of pairs; None for the borders of the geometry.
    apart
        Pairs that share a border and are no neighbors.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    GivenEdges
        The links, and what is in dispute about them. A plain table of pairs is a person's word: what it leaves out is
        kept apart.
    """
    require_units(units)
    told = [(str(a), str(b)) for a, b in apart]
    if adjacency is None:
        edges = unit_edges(units, forbidden=told, crs=crs)
    elif set(EDGE_COLUMNS) <= set(adjacency.columns):
        edges = adjacency
    else:
        edges = edges_of_table(units, adjacency, crs=crs).edges
        told += left_out(units, edges, crs=crs)
    return GivenEdges(edges, tuple(told), disputed_neighbors(units, edges, apart=told, crs=crs))


def left_out(units: gpd.GeoDataFrame, edges: pd.DataFrame, *, crs: object = None) -> list[tuple[str, str]]:
    """List the pairs that a table of neighbors leaves out though they share a border.

    Parameters
    ----------
    units
        Areal units.
    edges
        The links of the table.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    list of tuple of str
        The pairs.
    """
    open_pairs = disputed_neighbors(units, edges.assign(kind="extra"), crs=crs)
    return list(open_pairs[["unit_a", "unit_b"]].itertuples(index=False, name=None))


def _objectives(
    given: Sequence[Objective] | None, max_moves: int | None, tolerance: float | None
) -> tuple[Objective, ...]:
    if given is not None:
        return tuple(given)
    if max_moves is not None and tolerance is not None:
        return ("travel",)
    return ("moves", "travel") if tolerance is not None else ("imbalance", "travel")


def _require_settings(settings: PlanSettings) -> None:
    rules = {
        f"objectives of {', '.join(OBJECTIVES)}, each once": bool(settings.objectives)
        and set(settings.objectives) <= set(OBJECTIVES)
        and len(set(settings.objectives)) == len(settings.objectives),
        "max_moves of 0 or more": settings.max_moves is None or settings.max_moves >= 0,
        "tolerance of 0 or more": settings.tolerance is None or settings.tolerance >= 0,
        "slack of 0 or more": settings.slack >= 0,
        "time_limit_s above 0": settings.time_limit_s > 0,
        "seed of 0 or more": settings.seed >= 0,
    }
    broken = [rule for rule, is_kept in rules.items() if not is_kept]
    if broken:
        raise SettingsError(
            "A plan cannot be proposed with these settings.",
            found=f"objectives {', '.join(settings.objectives)}; max_moves {settings.max_moves}; tolerance "
            f"{settings.tolerance}; slack {settings.slack}; seed {settings.seed}",
            expected="; ".join(broken),
            remedy="Mend the settings named.",
        )


def solve_stages(problem: Problem, settings: PlanSettings, *, began: float) -> list[Stage]:
    """Make one objective after another small, each within what the ones before it leave.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    settings
        What is asked.
    began
        Moment of `time.perf_counter` from which the time counts.

    Returns
    -------
    list of Stage
        One for each objective; only the first where there is no plan.
    """
    limits = replace(moves_limits(settings.max_moves, settings.rules), tolerance=settings.tolerance)
    known = _first_plans(problem, settings)
    stages: list[Stage] = []
    for objective, share in zip(settings.objectives, _SHARES[len(settings.objectives)], strict=True):
        fitting = [p for p in known if _is_within(problem, p, limits)]
        best = min(fitting, key=lambda p: objective_value(problem, p, objective), default=None)
        deadline = began + settings.time_limit_s * share
        stage = solve_stage(problem, objective, limits, start=best, deadline=deadline, seed=settings.seed)
        stages.append(stage)
        if stage.label is None:
            break
        known.append(stage.label)
        limits = _narrowed(problem, limits, stage, settings.slack)
    return stages


def moves_limits(max_moves: int | None, rules: Rules) -> Limits:
    """Limit how much may move.

    Parameters
    ----------
    max_moves
        Most moves; None for no limit.
    rules
        What moves are counted in: where that is schools, a site of two schools counts two.

    Returns
    -------
    Limits
        The limit.
    """
    size = None if max_moves is None or rules.moves_in != "schools" else float(max_moves)
    return Limits(max_moves=max_moves, max_move_size=size)


def is_few(problem: Problem, label: Labels, limits: Limits) -> bool:
    """Say whether a plan moves no more than it may.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    label
        The plan.
    limits
        Result of `moves_limits`.

    Returns
    -------
    bool
        True where it does not.
    """
    size = problem.cost(label, problem.move_cost())
    return (limits.max_moves is None or problem.moved(label) <= limits.max_moves) and (
        limits.max_move_size is None or size <= limits.max_move_size + _ROUNDING
    )


def _first_plans(problem: Problem, settings: PlanSettings) -> list[Labels]:
    most = min(len(problem), _MOST_BEAM_MOVES if settings.max_moves is None else settings.max_moves)
    return plans_of_few_moves(problem, max_moves=most, tolerance=settings.tolerance or 0.0)


def _is_within(problem: Problem, label: Labels, limits: Limits) -> bool:
    return (
        (limits.tolerance is None or problem.imbalance(label) <= limits.tolerance + _ROUNDING)
        and is_few(problem, label, limits)
        and (limits.max_travel is None or problem.cost(label, problem.travel) <= limits.max_travel + _ROUNDING)
        and (limits.max_boundary is None or problem.border(label) <= limits.max_boundary + _ROUNDING)
        and problem.is_plan(label)
    )


def _narrowed(problem: Problem, limits: Limits, stage: Stage, slack: float) -> Limits:
    if stage.objective == "imbalance":
        most = stage.value + slack
        return replace(limits, tolerance=most if limits.tolerance is None else min(most, limits.tolerance))
    if stage.objective == "moves":
        limits = replace(limits, max_move_size=stage.value + _ROUNDING)
        return replace(limits, max_moves=round(stage.value)) if problem.counts_units else limits
    if stage.objective == "travel":
        return replace(limits, max_travel=stage.value * (1 + _ROUNDING) + _ROUNDING)
    return replace(limits, max_boundary=stage.value * (1 + _ROUNDING) + _ROUNDING)


def _conflicts(problem: Problem, settings: PlanSettings) -> tuple[Any, ...]:
    return explain_infeasible(
        problem.start,
        problem.neighbours,
        problem.load,
        unit_ids=problem.unit_ids,
        zone_ids=problem.zone_ids,
        allowed=problem.allowed,
        together=problem.together,
        roots=problem.roots,
        tolerance=settings.tolerance,
        max_moves=settings.max_moves,
    )


def no_plan(problem: Problem, settings: PlanSettings, *, is_proven: bool = True) -> InputError:
    """Say why there is no plan: the rules that conflict, else the nearest tolerance that can be kept.

    Parameters
    ----------
    problem
        What was to be rebalanced.
    settings
        What was asked.
    is_proven
        Whether there is proven to be none.

    Returns
    -------
    InputError
        The error to raise.
    """
    conflicts = _conflicts(problem, settings)
    if conflicts:
        return infeasible_error(conflicts)
    nearest = _nearest_tolerance(problem, settings) if settings.tolerance is not None else None
    # Rounded up, so that the figure that is shown is one that a plan can keep.
    least = np.inf if nearest is None or nearest.label is None else np.ceil(nearest.value * 10_000 - _ROUNDING) / 10_000
    near = f"{least:.4f}" if np.isfinite(least) else ""
    return SettingsError(
        "There is no plan within these limits." if is_proven else "No plan was found in the time there was.",
        where="the request",
        found=f"tolerance {settings.tolerance}, max_moves {settings.max_moves}, {len(problem)} units, "
        f"{problem.zones} zones",
        expected=f"a tolerance of {near} or more, which a plan can keep" if near else "limits that leave a plan",
        remedy="Raise the tolerance, allow more moves, or drop a lock." if is_proven else "Allow more time.",
    )


def _nearest_tolerance(problem: Problem, settings: PlanSettings) -> Stage:
    limits = moves_limits(settings.max_moves, settings.rules)
    start = min(_first_plans(problem, replace(settings, tolerance=None)), key=problem.imbalance, default=None)
    deadline = time.perf_counter() + min(settings.time_limit_s, _NEAREST_S)
    return solve_stage(problem, "imbalance", limits, start=start, deadline=deadline, seed=settings.seed)
