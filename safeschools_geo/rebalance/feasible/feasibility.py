"""Why a request has no plan: the rules that conflict, named, and the nearest tolerance that they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.rebalance.feasible.conflicts import (
    Conflict,
    Request,
    infeasible_error,
    nearest_tolerance,
    zone_names,
)
from safeschools_geo.rebalance.feasible.feasibility_loads import load_conflicts, part_conflicts
from safeschools_geo.rebalance.feasible.forced_zones import Cut, Forced, follow_rules, reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

__all__ = ["Conflict", "explain_infeasible", "infeasible_error", "nearest_tolerance"]


def explain_infeasible(
    start: ArrayLike,
    neighbours: object,
    loads: ArrayLike,
    *,
    unit_ids: Sequence[str],
    zone_ids: Sequence[str],
    allowed: ArrayLike | None = None,
    together: Iterable[Sequence[int]] = (),
    roots: ArrayLike | None = None,
    tolerance: float | None = None,
    max_moves: int | None = None,
) -> tuple[Conflict, ...]:
    """Find the rules of a request that cannot hold together.

    Parameters
    ----------
    start
        Current zone of each unit as a row of `zone_ids`, shape (n,).
    neighbours
        Sparse symmetric matrix (n, n), or for each unit the rows of those it is linked to.
    loads
        Load of each unit, shape (n,), not negative.
    unit_ids
        Ids of the units, n of them.
    zone_ids
        Ids of the zones, k of them.
    allowed
        Whether a unit may be in a zone, shape (n, k): locks and forbidden pairs; everything by default.
    together
        Groups of rows that stay in one zone.
    roots
        Row of the unit that stays in each zone, -1 where there is none, shape (k,).
    tolerance
        Largest imbalance asked for.
    max_moves
        Most units that may move.

    Returns
    -------
    tuple of Conflict
        Every conflict found, those of counting first, then of links, then of loads. Each is a proof that there is no
        plan; none found is no proof that there is one.
    """
    request = _request(
        start,
        neighbours,
        loads,
        unit_ids=unit_ids,
        zone_ids=zone_ids,
        allowed=allowed,
        together=together,
        roots=roots,
        tolerance=tolerance,
        max_moves=max_moves,
    )
    forced = follow_rules(request.links, request.allowed, request.groups)
    linked = [*_counts(request), *_groups(request), *_nowhere(request, forced), *_cuts(request, forced)]
    return (
        *linked,
        *part_conflicts(request, forced),
        *load_conflicts(request, forced),
        *_moves(request, is_clear=not linked),
    )


def _request(
    start: ArrayLike,
    neighbours: object,
    loads: ArrayLike,
    *,
    unit_ids: Sequence[str],
    zone_ids: Sequence[str],
    allowed: ArrayLike | None,
    together: Iterable[Sequence[int]],
    roots: ArrayLike | None,
    tolerance: float | None,
    max_moves: int | None,
) -> Request:
    n, k = len(unit_ids), len(zone_ids)
    may = np.ones((n, k), dtype=bool) if allowed is None else np.array(allowed, dtype=bool)
    for zone, root in enumerate(np.full(k, -1) if roots is None else np.asarray(roots)):
        if root >= 0:
            may[root] &= np.arange(k) == zone
    return Request(
        start=np.asarray(start, dtype="int64"),
        links=_links(neighbours, n),
        loads=np.asarray(loads, dtype="float64"),
        unit_ids=tuple(unit_ids),
        zone_ids=tuple(zone_ids),
        allowed=may,
        groups=_merged(together),
        tolerance=tolerance,
        max_moves=max_moves,
    )


def _links(neighbours: object, n: int) -> tuple[tuple[int, ...], ...]:
    if issparse(neighbours):
        matrix = neighbours.tocsr()  # type: ignore[attr-defined]
        return tuple(tuple(matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]].tolist()) for i in range(n))
    return tuple(tuple(int(j) for j in js) for js in neighbours)  # type: ignore[attr-defined]


def _merged(together: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    groups: list[set[int]] = []
    for group in together:
        joined = set(group).union(*(g for g in groups if g & set(group)))
        groups = [g for g in groups if not g & joined] + [joined]
    return tuple(tuple(sorted(g)) for g in groups if len(g) > 1)


def _counts(request: Request) -> list[Conflict]:
    n, k = len(request.unit_ids), len(request.zone_ids)
    blocks = n - sum(len(g) - 1 for g in request.groups)
    if k > n:
        said = (
            f"{count_text(k, 'zone')} are asked for, and there are only {count_text(n, 'unit')}: each zone needs one."
        )
        return [Conflict("more_zones_than_units", said, remedy=f"Ask for at most {n} zones, or give finer units.")]
    if k > blocks:
        said = (
            f"{count_text(k, 'zone')} are asked for, and units kept together leave only {count_text(blocks, 'block')} "
            "to fill them: each zone needs one."
        )
        ids = request.names(i for g in request.groups for i in g)
        return [
            Conflict("more_zones_than_blocks", said, ids, remedy="Keep fewer units together, or ask for fewer zones.")
        ]
    return []


def _groups(request: Request) -> list[Conflict]:
    part_of = {i: p for p, part in enumerate(request.parts()) for i in part}
    found = []
    for group in request.groups:
        names = request.names(group)
        if not request.allowed[list(group)].all(axis=0).any():
            told = "; ".join(f"{request.unit_ids[i]} may be in {_zones_text(request, i)}" for i in group)
            said = f"{name_ids(names)} are to be kept together, but no zone is open to all of them: {told}."
            remedy = "Take one of them out of the group, or lift its lock or forbidden pair."
            found.append(Conflict("group_against_locks", said, names, remedy=remedy))
        if len({part_of[i] for i in group}) > 1:
            said = (
                f"{name_ids(names)} are to be kept together, but no links join the parts of the district they lie in."
            )
            remedy = "Add a link (a bridge) between the parts, or take them out of the group."
            found.append(Conflict("group_apart", said, names, remedy=remedy))
    return found


def _zones_text(request: Request, unit: int) -> str:
    zones = [request.zone_ids[z] for z in np.flatnonzero(request.allowed[unit])]
    if len(zones) == len(request.zone_ids):
        return "any zone"
    return f"zone{'s' if len(zones) > 1 else ''} {name_ids(zones)}" if zones else "no zone"


def _nowhere(request: Request, forced: Forced) -> list[Conflict]:
    at_once = np.flatnonzero(~request.allowed.any(axis=1)).tolist()
    grouped = {i for g in request.groups for i in g}
    later = [i for i in forced.nowhere.tolist() if i not in at_once and i not in grouped]
    found = []
    if at_once:
        ids = request.names(at_once)
        said = f"Locks, roots and forbidden pairs leave no zone for {name_ids(ids)}."
        found.append(Conflict("no_zone_left", said, ids, remedy="Lift one of the rules for these units."))
    if later:
        ids = request.names(later)
        said = (
            f"{name_ids(ids)} cannot be joined to any zone open to {'it' if len(ids) == 1 else 'them'}: units fixed in "
            "other zones lie in between."
        )
        found.append(Conflict("cut_off", said, ids, remedy="Lift locks or roots around these units, or add a link."))
    empty = [z for z in range(len(request.zone_ids)) if not request.allowed[:, z].any()]
    if empty:
        zones = tuple(request.zone_ids[z] for z in empty)
        said = f"No unit may be in {zone_names(zones)}, and every zone needs one."
        found.append(Conflict("zone_without_units", said, zones=zones, remedy="Lift locks or forbidden pairs."))
    return found


def _cuts(request: Request, forced: Forced) -> list[Conflict]:
    return [_cut(request, cut) for cut in forced.cuts]


def _cut(request: Request, cut: Cut) -> Conflict:
    one, other = request.names(cut.units)
    zone = request.zone_ids[cut.zone]
    head = f"Rules fix both {one} and {other} in zone {zone}"
    if not cut.between:
        said = f"{head}, but no links join the parts of the district they lie in."
        remedy = f"Add a link (a bridge) between the parts, or free {one} or {other}."
        return Conflict("locks_apart", said, (one, other), (zone,), remedy=remedy)
    between = request.names(cut.between)
    said = f"{head}, but every way between them leads through units that cannot be in it: {name_ids(between)}."
    remedy = f"Free {one} or {other}, or one of the units between them."
    return Conflict("locks_cut", said, (one, other, *between), (zone,), remedy=remedy)


def _moves(request: Request, *, is_clear: bool) -> list[Conflict]:
    if request.max_moves is None or not is_clear:
        return []
    has_to = np.flatnonzero(~request.allowed[np.arange(len(request.start)), request.start]).tolist()
    if len(has_to) > request.max_moves:
        ids = request.names(has_to)
        said = f"{count_text(len(ids), 'unit')} may not stay in the current zone; at most {request.max_moves} may move."
        return [Conflict("too_few_moves", said, ids, remedy=f"Allow at least {len(ids)} moves.")]
    if request.max_moves == 0 and (broken := _broken_zones(request)):
        has = "has" if len(broken) == 1 else "have"
        said = f"Now {zone_names(broken)} {has} detached units or none, and no unit may move."
        return [Conflict("too_few_moves", said, (), broken, remedy="Allow some moves.")]
    return []


def _broken_zones(request: Request) -> tuple[str, ...]:
    broken = []
    for zone, name in enumerate(request.zone_ids):
        inside = set(np.flatnonzero(request.start == zone).tolist())
        if not inside or reached(min(inside), inside, request.links) != inside:
            broken.append(name)
    return tuple(broken)
