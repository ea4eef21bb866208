"""Why a request has no plan: the rules that conflict, named, and the nearest tolerance that they allow."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError, count_text, name_ids, with_article
from safeschools_geo.rebalance._problem import Problem, reach

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence


# ── Which zones each unit can be in at all, once locks, groups and contiguity are followed to their end


@dataclass(frozen=True)
class Cut:
    """A zone whose fixed units cannot hang together."""

    zone: int  # Row of the zone
    units: tuple[int, int]  # Rows of two units that are fixed in it and lie apart
    # Rows of units beside the first piece that may not join the zone, the ones fixed elsewhere; empty when the two lie
    # in parts of the district that no link joins
    between: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Forced:
    """What follows from the rules."""

    # Whether a unit can be in a zone, shape (n, k), after all that follows; a row of False where nothing is left
    allowed: NDArray[np.bool_]
    cuts: tuple[Cut, ...]  # Zones whose fixed units cannot hang together

    @property
    def fixed(self) -> NDArray[np.int64]:
        """The zone of units that can be in one only, else -1; shape (n,)."""
        return np.where(self.allowed.sum(axis=1) == 1, self.allowed.argmax(axis=1), -1)

    @property
    def nowhere(self) -> NDArray[np.int64]:
        """The rows of units that can be in no zone."""
        return np.flatnonzero(~self.allowed.any(axis=1))


def follow_rules(
    neighbors: Sequence[Iterable[int]], allowed: NDArray[np.bool_], together: Iterable[Sequence[int]] = ()
) -> Forced:
    """Strike out zones that units cannot be in, until nothing more follows.

    A unit is struck out of a zone when the rest of its group cannot be there, or when it has no way to the units that
    are fixed there; a unit through which every way between fixed units leads is fixed as well. Where rules contradict
    each other the zones concerned are left as they are, and told.
    """
    links = tuple(tuple(sorted(js)) for js in neighbors)
    groups = [list(group) for group in together]
    now = allowed.copy()
    cuts: dict[int, Cut] = {}
    while True:
        before = now.copy()
        for group in groups:
            now[group] = now[group].all(axis=0)
        open_zones = [zone for zone in range(now.shape[1]) if zone not in cuts]
        # Every zone is followed from the same state, so that a unit struck out of all of them at once is reported as
        # such.
        state = now.copy()
        for zone in open_zones:
            now &= _without_unreached(state, links, zone, cuts)
        # A unit that two zones need goes to the first; the second is then told as cut.
        for zone in open_zones:
            now[_needed_units(now, links, zone)] &= np.arange(now.shape[1]) == zone
        if (now == before).all():
            return Forced(now, tuple(cuts[zone] for zone in sorted(cuts)))


def _ways(start: int, inside: set[int], links: tuple[tuple[int, ...], ...]) -> dict[int, int]:
    # Unit → the unit before it on a shortest way from the start.
    came, front = {start: start}, deque([start])
    while front:
        unit = front.popleft()
        for other in links[unit]:
            if other in inside and other not in came:
                came[other] = unit
                front.append(other)
    return came


def _fixed_in(state: NDArray[np.bool_], zone: int) -> tuple[list[int], set[int]]:
    inside = np.flatnonzero(state[:, zone]).tolist()
    return [i for i in inside if state[i].sum() == 1], set(inside)


def _without_unreached(
    state: NDArray[np.bool_], links: tuple[tuple[int, ...], ...], zone: int, cuts: dict[int, Cut]
) -> NDArray[np.bool_]:
    after = state.copy()
    fixed, inside = _fixed_in(state, zone)
    if not fixed:
        return after
    piece = reach({fixed[0]}, inside, links)
    apart = [i for i in fixed if i not in piece]
    if apart:
        cuts[zone] = Cut(zone, (fixed[0], apart[0]), _between(state, links, piece, fixed[0], apart[0]))
    else:
        after[sorted(inside - piece), zone] = False
    return after


def _needed_units(state: NDArray[np.bool_], links: tuple[tuple[int, ...], ...], zone: int) -> list[int]:
    fixed, inside = _fixed_in(state, zone)
    if not fixed:
        return []
    ways = _ways(fixed[0], inside, links)
    if any(i not in ways for i in fixed):
        return []
    return [
        unit
        for unit in sorted(_on_the_way(ways, fixed))
        if any(i not in reach({fixed[0]}, inside - {unit}, links) for i in fixed[1:])
    ]


def _on_the_way(ways: dict[int, int], fixed: Sequence[int]) -> set[int]:
    # A unit that every way leads through is on the shortest way too.
    found = set()
    for unit in fixed[1:]:
        step = ways[unit]
        while step != ways[step]:
            found.add(step)
            step = ways[step]
    return found - set(fixed)


def _between(
    state: NDArray[np.bool_], links: tuple[tuple[int, ...], ...], piece: set[int], one: int, other: int
) -> tuple[int, ...]:
    every = set(range(len(links)))
    if other not in reach({one}, every, links):
        return ()
    rim = {j for i in piece for j in links[i]} - piece
    beyond = reach({other}, every - rim - piece, links)
    wall = sorted(j for j in rim if j == other or beyond.intersection(links[j]))
    return tuple([j for j in wall if state[j].sum() == 1] or wall)


# ── Rules of a request that cannot hold together: how they are reported, and how they are raised

ROUNDING = 1e-9
"""Loads this near to a limit, as shares of the mean, are within it."""


@dataclass(frozen=True)
class Conflict:
    """Rules that cannot hold together."""

    code: str  # A stable word for it, such as ``locks_cut``
    message: str  # What conflicts, in one sentence or two, with ids
    ids: tuple[str, ...] = ()  # The units concerned
    zones: tuple[str, ...] = ()  # The zones concerned
    # No plan has a smaller imbalance than this, for this reason alone; None where the tolerance is not the reason
    nearest_tolerance: float | None = None
    remedy: str = ""  # What can be done about it


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for: a problem, the largest imbalance and the most units that may move, where these are limited."""

    problem: Problem
    tolerance: float | None
    max_moves: int | None

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Rows of units that stay in one zone; no unit is in two groups."""
        groups: list[set[int]] = []
        for group in self.problem.together:
            joined = set(group).union(*(g for g in groups if g & set(group)))
            groups = [g for g in groups if not g & joined] + [joined]
        return tuple(tuple(sorted(g)) for g in groups if len(g) > 1)

    @property
    def mean(self) -> float:
        """The mean load of a zone."""
        return math.fsum(self.problem.load) / self.problem.zones

    def names(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Name some units."""
        return tuple(self.problem.unit_ids[i] for i in rows)

    @cached_property
    def parts(self) -> list[list[int]]:
        """The parts of the district that no links join."""
        left, found = set(range(len(self.problem))), []
        while left:
            part = reach({min(left)}, left, self.problem.neighbors)
            left -= part
            found.append(sorted(part))
        return found


def nearest_tolerance(conflicts: Iterable[Conflict]) -> float | None:
    """Find the smallest tolerance that the conflicts leave open."""
    return max((c.nearest_tolerance for c in conflicts if c.nearest_tolerance is not None), default=None)


def infeasible_error(conflicts: Iterable[Conflict], *, where: str = "the request") -> InputError:
    """Turn conflicts into the error to raise."""
    faults = [
        SettingsError(
            f"There is no such plan. {c.message}",
            where=where,
            ids=c.ids,
            found=zone_names(c.zones) if c.zones else None,
            expected="rules, links and limits that leave a plan",
            remedy=c.remedy or None,
        )
        for c in conflicts
    ]
    return faults[0] if len(faults) == 1 else SeveralFaultsError(faults)


def zone_names(zones: Sequence[str]) -> str:
    """Name some zones."""
    return f"zone {zones[0]}" if len(zones) == 1 else f"zones {name_ids(zones, shown=12)}"


# ── Conflicts of loads: parts, units and zones that are too heavy or too light for a tolerance

_MOST_ZONES_IN_SETS = 12


def part_conflicts(request: Request, forced: Forced) -> list[Conflict]:
    """Find out whether the parts of a disconnected district can each have zones."""
    parts = request.parts
    if len(parts) == 1:
        return []
    k = request.problem.zones
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
        ids = request.names(i for p in without for i in parts[p])
        said = (
            f"{count_text(len(without), 'part')} of the district, cut off from the rest ({name_ids(ids)}), without a "
            f"zone: locks and roots hold {f'all zones but {free}' if free else 'every zone'} elsewhere."
        )
        return [Conflict("part_without_zone", said, ids, remedy="Add links (bridges), or free roots or locks.")]
    return _part_loads(request, parts, [max(1, len(zones)) for zones in needed])


def _part_loads(request: Request, parts: list[list[int]], least: list[int]) -> list[Conflict]:
    if request.tolerance is None or request.mean <= 0:
        return []
    k = request.problem.zones
    # best[j]: the smallest imbalance of whole parts, so far, that have j zones between them.
    best = {0: 0.0}
    for part, few in zip(parts, least, strict=True):
        load = math.fsum(request.problem.load[part])
        steps = {z: abs(load / z / request.mean - 1) for z in range(few, min(k, len(part)) + 1)}
        sums = ((j + z, max(b, s)) for j, b in best.items() for z, s in steps.items())
        best = {j: min(b for _, b in group) for j, group in itertools.groupby(sorted(sums), key=lambda pair: pair[0])}
    nearest = best.get(k, math.inf)
    if nearest <= request.tolerance + ROUNDING:
        return []
    loads = ", ".join(
        f"{request.problem.unit_ids[p[0]]}: {math.fsum(request.problem.load[p]) / request.mean:.2f}" for p in parts
    )
    said = (
        f"The district falls into {len(parts)} parts that no links join. Their loads, in mean loads of a zone, are "
        f"{loads} (named by their first unit), and no whole numbers of zones fit them within {request.tolerance:.2%}."
    )
    ids = request.names(p[0] for p in parts)
    return [Conflict("parts_do_not_balance", said, ids, (), _finite(nearest), _ease(_finite(nearest)))]


def load_conflicts(request: Request, forced: Forced) -> list[Conflict]:
    """Find units and zones that no plan within the tolerance can have."""
    if request.tolerance is None or request.mean <= 0:
        return []
    return [*_heaviest(request), *_zone_sets(request, forced)]


def _heaviest(request: Request) -> list[Conflict]:
    tolerance = request.tolerance or 0.0
    grouped = {i for g in request.groups for i in g}
    blocks = [*request.groups, *((i,) for i in range(len(request.problem)) if i not in grouped)]
    heavy = [
        (load, b)
        for b in blocks
        if (load := math.fsum(request.problem.load[list(b)])) > request.mean * (1 + tolerance + ROUNDING)
    ]
    if not heavy:
        return []
    load, _ = max(heavy)
    nearest = load / request.mean - 1
    ids = request.names(i for _, b in sorted(heavy, key=lambda pair: -pair[0]) for i in b)
    is_group = any(len(b) > 1 for _, b in heavy)
    text = "are units kept together that weigh" if is_group else "is a unit that weighs"
    said = (
        f"There {text} {load / request.mean:.2f} times the mean load of a zone ({name_ids(ids)}): the imbalance is at "
        f"least {nearest:.2%}, and {request.tolerance:.2%} is asked for."
    )
    more = "" if not is_group else ", or keep fewer units together"
    return [Conflict("unit_too_heavy", said, ids, (), nearest, f"{_ease(nearest)[:-1]}{more}, or give finer units.")]


def _zone_sets(request: Request, forced: Forced) -> list[Conflict]:
    # What must be in every set of zones, and what can be in it, against what it may carry; the worst set is reported.
    k, tolerance = request.problem.zones, (request.tolerance or 0.0) + ROUNDING
    of_units = _as_bits(forced)
    weighs: dict[int, float] = defaultdict(float)
    for open_zones, load in zip(of_units, request.problem.load, strict=True):
        weighs[open_zones] += float(load)
    sizes = range(1, k) if k <= _MOST_ZONES_IN_SETS else range(1, 2)
    heavy: list[tuple[float, int]] = []
    light: list[tuple[float, int]] = []
    for zones in itertools.chain.from_iterable(itertools.combinations(range(k), size) for size in sizes):
        chosen = sum(1 << z for z in zones)
        must = math.fsum(w for bits, w in weighs.items() if not bits & ~chosen) / len(zones)
        can = math.fsum(w for bits, w in weighs.items() if bits & chosen) / len(zones)
        if must > request.mean * (1 + tolerance):
            heavy.append((must / request.mean - 1, chosen))
        if can < request.mean * (1 - tolerance):
            light.append((1 - can / request.mean, chosen))
    found = [_too_heavy(request, of_units, *_worst(heavy))] if heavy else []
    return [*found, _too_light(request, *_worst(light))] if light else found


def _as_bits(forced: Forced) -> list[int]:
    # Units that can be nowhere are reported elsewhere; here they may be anywhere, so that nothing is overstated.
    every = (1 << forced.allowed.shape[1]) - 1
    return [sum(1 << z for z, may in enumerate(row) if may) or every for row in forced.allowed.tolist()]


def _worst(found: list[tuple[float, int]]) -> tuple[float, int]:
    return max(found, key=lambda pair: (round(pair[0], 9), -pair[1].bit_count(), -pair[1]))


def _too_heavy(request: Request, of_units: list[int], nearest: float, chosen: int) -> Conflict:
    zones = tuple(z for i, z in enumerate(request.problem.zone_ids) if chosen >> i & 1)
    ids = request.names(i for i, bits in enumerate(of_units) if not bits & ~chosen)
    said = (
        f"{name_ids(ids)} can be nowhere but in {zone_names(zones)}, by locks, roots, groups or for want of a way, and "
        f"weigh {1 + nearest:.2f} times the mean load{' for each of these zones' if len(zones) > 1 else ''}: the "
        f"imbalance is at least {nearest:.2%}, and {request.tolerance:.2%} is asked for."
    )
    return Conflict("zone_too_heavy", said, ids, zones, nearest, f"{_ease(nearest)[:-1]}, or free some of these units.")


def _too_light(request: Request, nearest: float, chosen: int) -> Conflict:
    zones = tuple(z for i, z in enumerate(request.problem.zone_ids) if chosen >> i & 1)
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


# ── Why a request has no plan: the rules that conflict, named, and the nearest tolerance that they leave


def explain_infeasible(
    problem: Problem, *, tolerance: float | None = None, max_moves: int | None = None
) -> tuple[Conflict, ...]:
    """Find the rules of a request that cannot hold together.

    Every conflict found, those of counting first, then of links, then of loads. Each is a proof that there is no
    plan; none found is no proof that there is one.
    """
    request = Request(problem, tolerance, max_moves)
    forced = follow_rules(problem.neighbors, problem.allowed, request.groups)
    apart = part_conflicts(request, forced)
    told = {i for conflict in apart if conflict.code == "part_without_zone" for i in conflict.ids}
    linked = [*_counts(request), *_groups(request), *_nowhere(request, forced, told)]
    linked += [_cut(request, cut) for cut in forced.cuts]
    linked += [*_one_of_each(request, forced), *_students(request)]
    return (
        *linked,
        *apart,
        *load_conflicts(request, forced),
        *_moves(request, is_clear=not linked),
    )


def _counts(request: Request) -> list[Conflict]:
    n, k = len(request.problem), request.problem.zones
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
    part_of = {i: p for p, part in enumerate(request.parts) for i in part}
    found = []
    for group in request.groups:
        names, named = request.names(group), _named_text(request, group)
        if not request.problem.allowed[list(group)].all(axis=0).any():
            text = "; ".join(f"{request.problem.unit_ids[i]} may be in {_zones_text(request, i)}" for i in group)
            said = f"{name_ids(names)} are to be kept together{named}, but no zone is open to all of them: {text}."
            remedy = "Take one of them out of the group, or lift its lock or forbidden pair."
            if named:
                remedy = "Do not keep the group whole, or lift the root, lock or forbidden pair of one of them."
            found.append(Conflict("group_against_locks", said, names, remedy=remedy))
        if len({part_of[i] for i in group}) > 1:
            said = (
                f"{name_ids(names)} are to be kept together{named}, but no links join the parts of the district they "
                "lie in."
            )
            remedy = "Add a link (a bridge) between the parts, or take them out of the group."
            found.append(Conflict("group_apart", said, names, remedy=remedy))
    return found


def _named_text(request: Request, group: Sequence[int]) -> str:
    """Name in brackets what a group is to be kept whole as."""
    names = [name for name, rows in request.problem.whole.items() if set(rows) & set(group) and len(rows) > 1]
    return f" ({name_ids(names)})" if names else ""


def _zones_text(request: Request, unit: int) -> str:
    zones = [request.problem.zone_ids[z] for z in np.flatnonzero(request.problem.allowed[unit])]
    if len(zones) == request.problem.zones:
        return "any zone"
    return f"zone{'s' if len(zones) > 1 else ''} {name_ids(zones)}" if zones else "no zone"


def _nowhere(request: Request, forced: Forced, told: Container[str]) -> Iterator[Conflict]:
    """Find units that no zone can have; those of a part without a zone are told of already."""
    at_once = np.flatnonzero(~request.problem.allowed.any(axis=1)).tolist()
    known = {*at_once, *(i for g in request.groups for i in g)}
    later = [i for i in forced.nowhere.tolist() if i not in known and request.problem.unit_ids[i] not in told]
    if at_once:
        ids = request.names(at_once)
        said = f"Locks, roots and forbidden pairs leave no zone for {name_ids(ids)}."
        yield Conflict("no_zone_left", said, ids, remedy="Lift one of the rules for these units.")
    if later:
        ids = request.names(later)
        said = (
            f"{name_ids(ids)} cannot be joined to any zone open to {'it' if len(ids) == 1 else 'them'}: units fixed in "
            "other zones lie in between."
        )
        yield Conflict("cut_off", said, ids, remedy="Lift locks or roots around these units, or add a link.")
    empty = [z for z in range(request.problem.zones) if not request.problem.allowed[:, z].any()]
    if empty:
        zones = tuple(request.problem.zone_ids[z] for z in empty)
        said = f"No unit may be in {zone_names(zones)}, and every zone needs one."
        yield Conflict("zone_without_units", said, zones=zones, remedy="Lift locks or forbidden pairs.")


def _one_of_each(request: Request, forced: Forced) -> Iterator[Conflict]:
    """Find out whether what every zone has to have one of can be in every zone at once."""
    problem = request.problem
    block_of = {i: group[0] for group in request.groups for i in group}
    for noun, rows in problem.one_of_each.items():
        name = with_article(noun)
        # Units kept together are in one zone, and serve that one alone.
        blocks = sorted({block_of.get(i, i) for i in rows})
        may = forced.allowed[blocks]
        zones = _unserved(may)
        if not zones:
            continue
        able = [i for i in rows if may[blocks.index(block_of.get(i, i)), zones].any()]
        ids, named = request.names(able), tuple(problem.zone_ids[z] for z in zones)
        kept = ", and those kept together count as one" if len(blocks) < len(rows) else ""
        said = (
            f"Every zone is to have {name}. By locks, roots, groups, or for want of a way, {zone_names(named)} can "
            f"have {f'no other than {name_ids(ids)}{kept}' if ids else 'none'}."
        )
        if len(blocks) < problem.zones:
            ids, named = request.names(rows), ()
            said = f"Each of {count_text(problem.zones, 'zone')} is to have {name}, and there are {len(rows)}{kept}."
        remedy = f"Do not ask for {name} in each zone, or free locks or roots."
        yield Conflict("one_of_each_missing", said, ids, named, remedy=remedy)


def _unserved(may: NDArray[np.bool_]) -> list[int]:
    """Find zones that fewer blocks can be in than there are zones; none where each zone can have a block of its own."""
    block_of = maximum_bipartite_matching(csr_array(may), perm_type="row")
    missing = np.flatnonzero(block_of < 0)
    if not len(missing):
        return []
    zones = {int(missing[0])}
    while True:
        wider = zones | {z for z, b in enumerate(block_of) if b >= 0 and may[b, sorted(zones)].any()}
        if wider == zones:
            return sorted(zones)
        zones = wider


def _students(request: Request) -> list[Conflict]:
    """Find out whether more students change officer in any case than may."""
    problem = request.problem
    if problem.students is None:
        return []
    least, ids = _least_moved(request, problem.students)
    if least <= problem.most_students:
        return []
    named = _named_text(request, ids)
    said = (
        f"At least {least:,.0f} students change officer, for {name_ids(request.names(ids))} may not stay, or are to be "
        f"brought together{named}; at most {problem.most_students:,.0f} may."
    )
    remedy = f"Let {least:,.0f} students or more change officer, or lift a lock, forbidden pair or group."
    return [Conflict("too_few_students", said, request.names(ids), remedy=remedy)]


def _least_moved(request: Request, size: NDArray[np.float64]) -> tuple[float, list[int]]:
    """Add up what moves in any case, by a size of units: where one may not stay, or a group is split; and name both."""
    problem = request.problem
    grouped = {i for g in request.groups for i in g}
    least, ids = 0.0, list[int]()
    for block in (*request.groups, *((i,) for i in range(len(problem)) if i not in grouped)):
        rows = np.array(block)
        zones = np.flatnonzero(problem.allowed[rows].all(axis=0))
        moved = [float(size[rows[problem.start[rows] != z]].sum()) for z in zones]
        if min(moved, default=0.0) > 0:
            least, ids = least + min(moved), [*ids, *block]
    return least, ids


def _cut(request: Request, cut: Cut) -> Conflict:
    one, other = request.names(cut.units)
    zone = request.problem.zone_ids[cut.zone]
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
    has_to = np.flatnonzero(
        ~request.problem.allowed[np.arange(len(request.problem.start)), request.problem.start]
    ).tolist()
    if len(has_to) > request.max_moves:
        ids = request.names(has_to)
        said = f"{count_text(len(ids), 'unit')} may not stay in the current zone; at most {request.max_moves} may move."
        return [Conflict("too_few_moves", said, ids, remedy=f"Allow at least {len(ids)} moves.")]
    moved, split = _least_moved(request, np.ones(len(request.problem)))
    if request.problem.whole and moved > request.max_moves:
        names = request.names(split)
        said = (
            f"At least {count_text(round(moved), 'unit')} move, for {name_ids(names)} may not stay, or are to be "
            f"brought together{_named_text(request, split)}; at most {request.max_moves} may."
        )
        return [Conflict("too_few_moves", said, names, remedy=f"Allow at least {count_text(round(moved), 'move')}.")]
    if request.max_moves == 0 and (broken := _broken_zones(request)):
        has = "has" if len(broken) == 1 else "have"
        said = f"Now {zone_names(broken)} {has} detached units or none, and no unit may move."
        return [Conflict("too_few_moves", said, (), broken, remedy="Allow some moves.")]
    return []


def _broken_zones(request: Request) -> tuple[str, ...]:
    broken = []
    for zone, name in enumerate(request.problem.zone_ids):
        inside = set(np.flatnonzero(request.problem.start == zone).tolist())
        if not inside or reach({min(inside)}, inside, request.problem.neighbors) != inside:
            broken.append(name)
    return tuple(broken)
