"""Conflicts of loads: parts, units and zones that are too heavy or too light for a tolerance."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.rebalance.feasible.conflicts import ROUNDING, Conflict, zone_names

if TYPE_CHECKING:
    from safeschools_geo.rebalance.feasible.conflicts import Request
    from safeschools_geo.rebalance.feasible.forced_zones import Forced

_MOST_ZONES_IN_SETS = 12


def part_conflicts(request: Request, forced: Forced) -> list[Conflict]:
    """Find out whether the parts of a disconnected district can each have zones.

    Parameters
    ----------
    request
        What is asked for.
    forced
        What follows from its rules.

    Returns
    -------
    list of Conflict
        ``more_parts_than_zones``, ``part_without_zone`` or ``parts_do_not_balance``.
    """
    parts = request.parts()
    if len(parts) == 1:
        return []
    k = len(request.zone_ids)
    firsts = request.names(part[0] for part in parts)
    if len(parts) > k:
        said = (
            f"The district falls into {len(parts)} parts that no links join (those of {name_ids(firsts)}), and each "
            f"needs a zone of its own; there are {k}."
        )
        remedy = f"Add links (bridges) between the parts, or ask for at least {len(parts)} zones."
        return [Conflict("more_parts_than_zones", said, firsts, remedy=remedy)]
    fixed = forced.fixed
    needed = [{int(z) for z in fixed[part] if z >= 0} for part in parts]
    # A zone that is fixed in one part cannot serve another one.
    free = k - len(set().union(*needed))
    without = [p for p, zones in enumerate(needed) if not zones]
    if len(without) > free:
        ids = request.names(parts[p][0] for p in without)
        said = (
            f"{count_text(len(without), 'part')} of the district, cut off from the rest ({name_ids(ids)}), without a "
            f"zone: locks and roots hold all zones but {free} elsewhere."
        )
        return [Conflict("part_without_zone", said, ids, remedy="Add links (bridges), or free roots or locks.")]
    return _part_loads(request, parts, [max(1, len(zones)) for zones in needed])


def _part_loads(request: Request, parts: list[list[int]], least: list[int]) -> list[Conflict]:
    if request.tolerance is None or request.mean <= 0:
        return []
    k = len(request.zone_ids)
    # best[j]: the smallest imbalance of whole parts, so far, that have j zones between them.
    best = {0: 0.0}
    for part, few in zip(parts, least, strict=True):
        load = math.fsum(request.loads[part])
        steps = {z: abs(load / z / request.mean - 1) for z in range(few, min(k, len(part)) + 1)}
        sums = ((j + z, max(b, s)) for j, b in best.items() for z, s in steps.items())
        best = {j: min(b for _, b in group) for j, group in itertools.groupby(sorted(sums), key=lambda pair: pair[0])}
    nearest = best.get(k, math.inf)
    if nearest <= request.tolerance + ROUNDING:
        return []
    loads = ", ".join(f"{request.unit_ids[p[0]]}: {math.fsum(request.loads[p]) / request.mean:.2f}" for p in parts)
    said = (
        f"The district falls into {len(parts)} parts that no links join. Their loads, in mean loads of a zone, are "
        f"{loads} (named by their first unit), and no whole numbers of zones fit them within {request.tolerance:.2%}."
    )
    ids = request.names(p[0] for p in parts)
    return [Conflict("parts_do_not_balance", said, ids, (), _finite(nearest), _ease(_finite(nearest)))]


def load_conflicts(request: Request, forced: Forced) -> list[Conflict]:
    """Find units and zones that no plan within the tolerance can have.

    Parameters
    ----------
    request
        What is asked for.
    forced
        What follows from its rules.

    Returns
    -------
    list of Conflict
        ``unit_too_heavy``, ``zone_too_heavy``, ``zone_too_light``, each with its nearest tolerance.
    """
    if request.tolerance is None or request.mean <= 0:
        return []
    return [*_heaviest(request), *_zone_sets(request, forced)]


def _heaviest(request: Request) -> list[Conflict]:
    grouped = {i for g in request.groups for i in g}
    blocks = [*request.groups, *((i,) for i in range(len(request.unit_ids)) if i not in grouped)]
    heavy = [(load, b) for b in blocks if (load := math.fsum(request.loads[list(b)])) > request.most]
    if not heavy:
        return []
    load, _ = max(heavy)
    nearest = load / request.mean - 1
    ids = request.names(i for _, b in sorted(heavy, key=lambda pair: -pair[0]) for i in b)
    is_group = any(len(b) > 1 for _, b in heavy)
    told = "are units kept together that weigh" if is_group else "is a unit that weighs"
    said = (
        f"There {told} {load / request.mean:.2f} times the mean load of a zone ({name_ids(ids)}): the imbalance is at "
        f"least {nearest:.2%}, and {request.tolerance:.2%} is asked for."
    )
    more = "" if not is_group else ", or keep fewer units together"
    return [Conflict("unit_too_heavy", said, ids, (), nearest, f"{_ease(nearest)[:-1]}{more}, or give finer units.")]


def _zone_sets(request: Request, forced: Forced) -> list[Conflict]:
    # What must be in every set of zones, and what can be in it, against what it may carry; the worst set is told.
    k = len(request.zone_ids)
    of_units = _as_bits(forced)
    weighs: dict[int, float] = defaultdict(float)
    for open_zones, load in zip(of_units, request.loads, strict=True):
        weighs[open_zones] += float(load)
    sizes = range(1, k) if k <= _MOST_ZONES_IN_SETS else range(1, 2)
    heavy: list[tuple[float, int]] = []
    light: list[tuple[float, int]] = []
    for zones in itertools.chain.from_iterable(itertools.combinations(range(k), size) for size in sizes):
        chosen = sum(1 << z for z in zones)
        must = math.fsum(w for bits, w in weighs.items() if not bits & ~chosen) / len(zones)
        can = math.fsum(w for bits, w in weighs.items() if bits & chosen) / len(zones)
        if must > request.most:
            heavy.append((must / request.mean - 1, chosen))
        if can < request.least:
            light.append((1 - can / request.mean, chosen))
    found = [_too_heavy(request, of_units, *_worst(heavy))] if heavy else []
    return [*found, _too_light(request, *_worst(light))] if light else found


def _as_bits(forced: Forced) -> list[int]:
    # Units that can be nowhere are told elsewhere; here they may be anywhere, so that nothing is overstated.
    every = (1 << forced.allowed.shape[1]) - 1
    return [sum(1 << z for z, may in enumerate(row) if may) or every for row in forced.allowed.tolist()]


def _worst(found: list[tuple[float, int]]) -> tuple[float, int]:
    return max(found, key=lambda pair: (round(pair[0], 9), -pair[1].bit_count(), -pair[1]))


def _too_heavy(request: Request, of_units: list[int], nearest: float, chosen: int) -> Conflict:
    zones = tuple(z for i, z in enumerate(request.zone_ids) if chosen >> i & 1)
    ids = request.names(i for i, bits in enumerate(of_units) if not bits & ~chosen)
    said = (
        f"{name_ids(ids)} can be nowhere but in {zone_names(zones)}, by locks, roots, groups or for want of a way, and "
        f"weigh {1 + nearest:.2f} times the mean load{' for each of these zones' if len(zones) > 1 else ''}: the "
        f"imbalance is at least {nearest:.2%}, and {request.tolerance:.2%} is asked for."
    )
    return Conflict("zone_too_heavy", said, ids, zones, nearest, f"{_ease(nearest)[:-1]}, or free some of these units.")


def _too_light(request: Request, nearest: float, chosen: int) -> Conflict:
    zones = tuple(z for i, z in enumerate(request.zone_ids) if chosen >> i & 1)
    said = (
        f"All that can be in {zone_names(zones)} weighs {1 - nearest:.2f} times the mean load"
        f"{' for each of these zones' if len(zones) > 1 else ''}: the imbalance is at least {nearest:.2%}, and "
        f"{request.tolerance:.2%} is asked for."
    )
    remedy = f"{_ease(nearest)[:-1]}, or free units around {'it' if len(zones) == 1 else 'them'}."
    return Conflict("zone_too_light", said, (), zones, nearest, remedy)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _ease(nearest: float | None) -> str:
    if nearest is None:
        return "Add links (bridges) between the parts."
    # Rounded up, so that the figure that is shown is one that this reason allows.
    return f"Allow a tolerance of at least {math.ceil(nearest * 10_000 - ROUNDING) / 10_000:.2%}."
