"""Good plans of few moves, found quickly: a beam search that keeps the most even plans of each number of moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.problem import Labels, Numbers, reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.rebalance.problem import Problem

_CHECKS = 40_000
"""Unit checks a level may take: with many units fewer plans are kept."""


@dataclass(frozen=True, eq=False)
class _State:
    label: Labels
    loads: Numbers
    extra_pieces: int


def plans_of_few_moves(
    problem: Problem, *, max_moves: int, tolerance: float = 0.0, width: int | None = None
) -> list[Labels]:
    """Search for even plans of 0, 1, 2, … moves.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    max_moves
        Most units that may move.
    tolerance
        Imbalance at which the search may stop.
    width
        Plans kept for each number of moves.

    Returns
    -------
    list of numpy.ndarray
        Plans found, shape (n,) each: for each number of moves the one of smallest imbalance, where there is one that
        keeps every rule. None of them is proven to be the best.

    Notes
    -----
    Each step moves one unit, or one group that has to keep together, to a zone it borders. States are ranked by the
    sum of squared deviations of the loads, which looks further ahead than the largest deviation does.
    """
    width = width or max(20, min(200, _CHECKS // max(1, len(problem))))
    groups = _groups(problem)
    states = [_State(problem.start, problem.loads(problem.start), _extra_pieces(problem, problem.start))]
    found: list[Labels] = [problem.start] if problem.is_plan(problem.start) else []
    for _ in range(max_moves):
        states = _next_states(problem, states, groups, max_moves, width)
        plans = [s.label for s in states if s.extra_pieces == 0 and problem.is_plan(s.label)]
        if plans:
            found.append(min(plans, key=problem.imbalance))
        if not states or (plans and problem.imbalance(found[-1]) <= tolerance):
            break
    return found


def _groups(problem: Problem) -> dict[int, tuple[int, ...]]:
    """Give the units that move with each unit."""
    together = {unit: group for group in problem.together for unit in group}
    return {unit: together.get(unit, (unit,)) for unit in range(len(problem))}


def _extra_pieces(problem: Problem, label: Labels) -> int:
    return sum(max(0, len(problem.pieces(label, zone)) - 1) for zone in range(problem.zones))


def _next_states(
    problem: Problem, states: list[_State], groups: dict[int, tuple[int, ...]], max_moves: int, width: int
) -> list[_State]:
    mean = problem.load.sum() / problem.zones
    ranked: list[tuple[int, float, int, tuple[int, ...], int]] = []
    for at, state in enumerate(states):
        for group, zone in _border_moves(problem, state.label, groups):
            load = float(problem.load[list(group)].sum())
            origin = int(state.label[group[0]])
            loads = state.loads / mean
            change = (loads[origin] - load / mean - 1) ** 2 - (loads[origin] - 1) ** 2
            change += (loads[zone] + load / mean - 1) ** 2 - (loads[zone] - 1) ** 2
            total = float(((loads - 1) ** 2).sum() + change)
            ranked.append((state.extra_pieces, round(total, 9), at, group, zone))
    ranked.sort()
    chosen: list[_State] = []
    seen: set[bytes] = set()
    for _, _, at, group, zone in ranked:
        made = _moved(problem, states[at], group, zone)
        if made is None or made.label.tobytes() in seen or problem.moved(made.label) > max_moves:
            continue
        seen.add(made.label.tobytes())
        chosen.append(made)
        if len(chosen) >= width:
            break
    return sorted(chosen, key=lambda s: s.extra_pieces)


def _border_moves(
    problem: Problem, label: Labels, groups: dict[int, tuple[int, ...]]
) -> Iterator[tuple[tuple[int, ...], int]]:
    seen = set()
    for unit in np.flatnonzero(label == problem.start).tolist():
        for zone in {int(label[j]) for j in problem.neighbours[unit]} - {int(label[unit])}:
            group = groups[unit]
            is_new = (group, zone) not in seen
            seen.add((group, zone))
            if is_new and problem.allowed[list(group), zone].all():
                yield group, zone


def _moved(problem: Problem, state: _State, group: tuple[int, ...], zone: int) -> _State | None:
    label = state.label.copy()
    origins = {int(label[i]) for i in group}
    label[list(group)] = zone
    if len(group) == 1 and state.extra_pieces == 0:
        return _moved_alone(problem, state, label, group[0], zone)
    extra = _extra_pieces(problem, label)
    if extra > state.extra_pieces or any(not (label == origin).any() for origin in origins):
        return None
    return _State(label, problem.loads(label), extra)


def _moved_alone(problem: Problem, state: _State, label: Labels, unit: int, zone: int) -> _State | None:
    """Move one unit of a contiguous plan: only the zone it leaves could fall apart."""
    origin = int(state.label[unit])
    left = [j for j in problem.neighbours[unit] if label[j] == origin]
    if not left:
        return None
    if len(left) > 1:
        inside = set(np.flatnonzero(label == origin).tolist())
        if not set(left) <= reach({left[0]}, inside, problem.neighbours):
            return None
    loads = state.loads.copy()
    loads[origin] -= problem.load[unit]
    loads[zone] += problem.load[unit]
    return _State(label, loads, 0)
