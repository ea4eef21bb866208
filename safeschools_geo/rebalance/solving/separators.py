"""Separators: what has to be in a zone for two of its units to hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safeschools_geo.rebalance.problem import NO_ROOT, reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.rebalance.problem import Labels, Problem

_ENDS_PER_PIECE = 4


@dataclass(frozen=True)
class Separator:
    """A zone that holds all the ends holds one of the units between them.

    Parameters
    ----------
    zone
        Row of the zone.
    ends
        One unit, where the other end is in the zone in any case, or two.
    between
        Units that every way between the ends leads through.
    """

    zone: int
    ends: tuple[int, ...]
    between: frozenset[int]


def broken_separators(problem: Problem, label: Labels, max_moves: int | None) -> list[Separator]:
    """Find what a labelling breaks.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    label
        Zone of each unit, shape (n,).
    max_moves
        Most units that may move, if that is limited: a zone of more units keeps one of its own.

    Returns
    -------
    list of Separator
        Empty where every zone is contiguous.
    """
    found: list[Separator] = []
    for zone in range(problem.zones):
        pieces = problem.pieces(label, zone)
        for piece in pieces[1:]:
            found += _of_piece(problem, zone, piece, pieces[0], max_moves)
    return found


def _of_piece(
    problem: Problem, zone: int, piece: set[int], core: set[int], max_moves: int | None
) -> Iterator[Separator]:
    between = _between(problem, piece, core)
    ends = sorted(piece)[:_ENDS_PER_PIECE]
    if problem.roots[zone] != NO_ROOT:
        yield from (Separator(zone, (unit,), between) for unit in ends)
        return
    keeps_own = max_moves is not None and problem.sizes[zone] > max_moves
    if keeps_own and not any(problem.start[unit] == zone for unit in piece):
        # Some unit of its own stays in the zone, and that lies beyond whatever surrounds the piece.
        around = frozenset(j for i in piece for j in problem.neighbours[i]) - piece
        yield from (Separator(zone, (unit,), around) for unit in ends)
    others = sorted(core - between)[:_ENDS_PER_PIECE]
    for one in ends:
        for other in others:
            for place in range(problem.zones):
                yield Separator(place, (one, other), between)


def _between(problem: Problem, piece: set[int], core: set[int]) -> frozenset[int]:
    """Take the units around a piece that can be reached from the core without passing another of them."""
    around = {j for i in piece for j in problem.neighbours[i]} - piece
    beyond = reach(core, set(range(len(problem))) - around - piece, problem.neighbours)
    touched = {j for i in beyond for j in problem.neighbours[i]}
    return frozenset(around & touched)
