"""What a certificate claims, and whether its bound holds: tried against every plan of a small district.

Standard library only. A plan gives each block of units (units kept together are one block) a zone. The search starts
from the current plan and changes block after block, the heaviest first. It leaves a branch only when arithmetic shows
that no plan in it can have loads within the limits: what is settled of a zone is too heavy, or the changes left are
too few to fix it.

It uses the standard library, and shapely for the map; none of the code that makes plans. What it can find itself it
finds itself; what it cannot, it says it has not repeated.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

from safeschools_geo.errors import count_text, with_article
from safeschools_geo.verify._plan import (
    CLOSE,
    Waits,
    imbalance_of,
    is_close,
    load_of_zones,
    longer_text,
    students_of,
    waits_of,
)
from safeschools_geo.verify._reading import NUMBER, Check, PlanRecord, check_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from safeschools_geo.verify._reading import Unit


# ── What a certificate claims, and whether its numbers agree with each other and with the plan

PROVEN_WITHIN = 1e-7
"""A value counts as proven when its bound is this near, unless the certificate states a `proof_tolerance`."""

_LOOSEST_PROOF = 1e-3
_ABSOLUTE = ("imbalance", "evenness", "moves")


def proof_tolerance(record: PlanRecord) -> float:
    """Say how near a bound has to be to count as a proof."""
    stated = record.certificate.get("proof_tolerance")
    is_stated = NUMBER.holds(stated) and stated >= 0  # type: ignore[operator]
    return min(float(stated), _LOOSEST_PROOF) if is_stated else PROVEN_WITHIN  # type: ignore[arg-type]


def move_costs(record: PlanRecord) -> dict[str, float] | None:
    """Say what moving each unit counts for."""
    by = record.certificate.get("moves_by", "units")
    costs = {u.unit_id: _cost(u, str(by)) for u in record.units}
    return None if any(math.isnan(c) for c in costs.values()) else costs


def claim_checks(record: PlanRecord) -> list[Check]:
    """Check the arithmetic of the certificate and of the frontier."""
    certificate, within = record.certificate, proof_tolerance(record)
    faults = _number_faults(certificate, within)
    steps = [(f"stage {n}", s) for n, s in enumerate(certificate["stages"], start=1)]
    stage_faults = [
        f"{name}: {fault}" for name, s in steps if s["value"] is not None for fault in _number_faults(s, within)
    ]
    stage_faults += [*_stage_faults(certificate), *_evenness_faults(record)]
    text = "bound, value and gap agree" + (
        ", and the gap is small enough for a proof" if certificate["is_proven"] else ""
    )
    checks = [
        check_all("value", _value_faults(record), "the plan has the value that is claimed"),
        check_all("gap", faults, text),
        check_all("stages", stage_faults, f"{count_text(len(steps), 'stage')}, as in the certificate"),
    ]
    if record.frontier is not None:
        faults = [*_frontier_faults(record, record.frontier, within), *_certified_point(record, record.frontier)]
        checks.append(
            check_all(
                "frontier", faults, f"{count_text(len(record.frontier), 'point')}; more moves never make it worse"
            )
        )
    return checks


def _cost(unit: Unit, by: str) -> float:
    if by == "units":
        return 1.0
    return unit.workload if by == "workload" else unit.figures.get(by, math.nan)


def _number_faults(claim: Mapping[str, Any], within: float) -> list[str]:
    value, bound, gap = claim["value"], claim.get("bound"), claim.get("gap")
    faults = []
    if bound is None:
        if claim["is_proven"]:
            faults.append("it is said to be proven, and yet there is no bound")
        if gap is not None:
            faults.append("there is a gap without a bound")
        return faults
    if bound > value + CLOSE * max(1.0, abs(value)):
        faults.append(f"the bound, {bound!r}, is above the value, {value!r}, which it should be below")
    gaps = _gaps(claim["objective"], value, bound)
    if gap is None or not any(is_close(gap, g) for g in gaps):
        faults.append(f"the gap is given as {gap!r}; value and bound make it {gaps[0]!r}")
    if claim["is_proven"] and min(gaps) > within:
        faults.append(f"it is said to be proven, and yet the gap is {min(gaps):.3g}, more than {within:g}")
    return faults


def _gaps(objective: str, value: float, bound: float) -> list[float]:
    # The gap of travel and borders is relative: to the value or to the bound, as solvers have it.
    if objective in _ABSOLUTE:
        return [value - bound]
    relative = [(value - bound) / abs(base) for base in (value, bound) if base != 0]
    return relative or [0.0]


def _value_faults(record: PlanRecord) -> list[str]:
    certificate = record.certificate
    objective, value = certificate["objective"], certificate["value"]
    found = imbalance_of(load_of_zones(record.counted(), certificate["zones"]))
    if objective == "imbalance":
        slack = certificate["slack"] or 0.0
        if not value - CLOSE <= found <= value + slack + CLOSE:
            return [f"the plan has an imbalance of {found!r}; {value!r} is claimed, with a slack of {slack!r}"]
    if objective == "moves":
        costs = move_costs(record)
        moved = None if costs is None else math.fsum(costs[u.unit_id] for u in record.units if u.before != u.after)
        if moved is not None and not is_close(moved, value):
            return [f"the plan's moves count {moved!r}; {value!r} is claimed"]
    return []


def _stage_faults(certificate: Mapping[str, Any]) -> list[str]:
    stages = [s for s in certificate["stages"] if s["objective"] == certificate["objective"]]
    if not certificate["stages"]:
        return []
    if not stages:
        return [f"no stage is about the certificate's objective, {certificate['objective']}"]
    keys = ("value", "bound", "is_proven")
    if not any(all(_is_equal(s.get(k), certificate[k]) for k in keys) for s in stages):
        return [f"value, bound and proof of the stage {certificate['objective']} are not those of the certificate"]
    return []


def _evenness_faults(record: PlanRecord) -> Iterator[str]:
    """Add up the largest deviations of the plan and compare them with what is claimed of each number of them."""
    certificate = record.certificate
    loads = load_of_zones(record.counted(), certificate["zones"])
    mean = math.fsum(loads.values()) / len(loads)
    deviations = sorted((abs(load - mean) / mean for load in loads.values()), reverse=True)
    for stage in certificate["stages"]:
        if stage["objective"] != "evenness":
            continue
        rank, value, slack = stage.get("rank"), stage["value"], certificate["slack"] or 0.0
        if not isinstance(rank, int) or not 1 < rank <= len(deviations):
            yield f"evenness is claimed of {rank!r} zones; there are {len(deviations)}"
            continue
        found = math.fsum(deviations[:rank])
        # What is not proven may have come out smaller once more was made small.
        least = value if stage["is_proven"] else 0.0
        if not least - CLOSE <= found <= value + slack + CLOSE:
            yield f"the {rank} largest deviations come to {found!r}; {value!r} is claimed, with a slack of {slack!r}"


def _is_equal(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else is_close(float(a), float(b))


def _frontier_faults(record: PlanRecord, rows: list[dict[str, Any]], within: float) -> Iterator[str]:
    slack = record.certificate["slack"] or 0.0
    ids = {u.unit_id for u in record.units}
    for row in rows:
        name = f"at {row['moves']:g} moves"
        if row["imbalance"] is not None:
            claim = {**row, "objective": "imbalance", "value": row["imbalance"]}
            yield from (f"{name}: {fault}" for fault in _number_faults(claim, within))
        elif row["is_proven"] and row["bound"] is not None and math.isfinite(row["bound"]):
            yield f"{name}: it is said to be proven, and yet there is no plan"
        shown, smallest = row["plan_imbalance"], row["imbalance"]
        if None not in {shown, smallest} and not smallest - CLOSE <= shown <= smallest + slack + CLOSE:
            yield f"{name}: the plan shown, {shown!r}, is not within {slack!r} of {smallest!r}"
        if row["units_moved"] is not None and row["units_moved"] > row["moves"]:
            yield f"{name}: {row['units_moved']:g} units move"
        if row["moved"] is not None and not _is_list_of(row, ids):
            yield f"{name}: the units listed as moved are not as many as counted, or unknown"
    for one, more in itertools.pairwise(rows):
        yield from _step_faults(one, more)


def _is_list_of(row: Mapping[str, Any], ids: set[str]) -> bool:
    moved = row["moved"]
    is_counted = row["units_moved"] is None or len(moved) == row["units_moved"]
    return is_counted and len(set(moved)) == len(moved) and ids.issuperset(moved)


def _step_faults(one: Mapping[str, Any], more: Mapping[str, Any]) -> Iterator[str]:
    if more["moves"] <= one["moves"]:
        yield f"the points are not in the order of their moves ({one['moves']:g}, then {more['moves']:g})"
    yield from (
        f"the {name} rises from {one[name]!r} to {more[name]!r} at {more['moves']:g} moves"
        for name in ("imbalance", "bound")
        if None not in {one[name], more[name]} and more[name] > one[name] + CLOSE
    )


def _certified_point(record: PlanRecord, rows: list[dict[str, Any]]) -> list[str]:
    certificate = record.certificate
    if certificate["objective"] != "imbalance" or certificate["max_moves"] is None:
        return []
    point = [r for r in rows if r["moves"] == certificate["max_moves"]]
    if point and not all(
        _is_equal(point[0][theirs], certificate[ours])
        for theirs, ours in (("imbalance", "value"), ("bound", "bound"), ("is_proven", "is_proven"))
    ):
        return [f"the point at {certificate['max_moves']} moves is not that of the certificate"]
    return []


# ── Every plan of a small district, tried one after the other: how the independent checker tests a bound

_ROUNDING = 1e-9
_NOWHERE = -1


class TooManyPlansError(Exception):
    """The search was given up: there are more plans than it may look at."""


@dataclass(frozen=True)
class Town:
    """Units, zones and rules as plain lists."""

    before: tuple[int, ...]  # Current zone of each unit, from 0; -1 where it is none of the zones
    loads: tuple[float, ...]  # Load of each unit
    costs: tuple[float, ...]  # What moving each unit counts for
    neighbors: tuple[tuple[int, ...], ...]  # Units that each unit is linked to
    zones: int  # Number of zones
    allowed: tuple[frozenset[int], ...]  # Zones each unit may be in: locks, roots and forbidden pairs
    together: tuple[tuple[int, ...], ...] = ()  # Groups of units that stay in one zone
    one_of_each: tuple[tuple[int, ...], ...] = ()  # Units of which every zone has one
    students: tuple[float, ...] = ()  # Students of each unit, where they are limited
    most_students: float = math.inf  # Most students in units that move
    waits: Waits | None = None  # How long calls may wait; None for no limit

    @cached_property
    def mean(self) -> float:
        """The mean load of a zone."""
        return math.fsum(self.loads) / self.zones

    @cached_property
    def neighbor_bits(self) -> tuple[int, ...]:
        """The neighbors of each unit as bits."""
        return tuple(sum(1 << j for j in set(js)) for js in self.neighbors)

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The units that go together, the heaviest first; groups that share a unit are one."""
        blocks = [{i} for i in range(len(self.before))]
        for group in self.together:
            joined = set(group).union(*(b for b in blocks if b & set(group)))
            blocks = [b for b in blocks if not b & joined] + [joined]
        return tuple(sorted((tuple(sorted(b)) for b in blocks), key=lambda b: (-self.load_of(b), b)))

    def load_of(self, units: Sequence[int]) -> float:
        """Add up the loads of some units."""
        return math.fsum(self.loads[i] for i in units)

    def imbalance(self, label: Sequence[int]) -> float:
        """Measure the largest ``|load - mean| / mean`` of a plan."""
        sums = [self.load_of([i for i, z in enumerate(label) if z == zone]) for zone in range(self.zones)]
        return max(abs(s - self.mean) for s in sums) / self.mean if self.mean > 0 else 0.0

    def is_plan(self, label: Sequence[int]) -> bool:
        """Say whether zones hang together and have one of each, few enough students move, and nobody waits longer."""
        moved = math.fsum(s for s, a, b in zip(self.students, self.before, label, strict=False) if a != b)
        has_each = all(len({label[i] for i in units}) == self.zones for units in self.one_of_each)
        if not (moved <= self.most_students + _ROUNDING and has_each and self.is_contiguous(label)):
            return False
        sets = [[i for i, z in enumerate(label) if z == zone] for zone in range(self.zones)]
        return self.waits is None or self.waits.is_kept(sets)

    def is_contiguous(self, label: Sequence[int]) -> bool:
        """Say whether every zone has units and hangs together."""
        members = [0] * self.zones
        for unit, zone in enumerate(label):
            members[zone] |= 1 << unit
        return all(_is_one_piece(m, self.neighbor_bits) for m in members)


def find_plan(town: Town, *, below: float, max_cost: float, budget: int) -> tuple[int, ...] | None:
    """Look for a contiguous plan through all there are."""
    if below < 0 or max_cost < 0:
        return None
    return _Search(town, below=below, max_cost=max_cost, budget=budget).run()


def least_moves(town: Town, *, below: float) -> float:
    """Count the moves that balance alone asks for, whatever the plan looks like on the map.

    A lower bound on the number of units that move: zones that are too heavy lose their largest units first, zones
    that are too light get the largest of the others. Infinite where no number is enough.
    """
    low, high = town.mean * (1 - below), town.mean * (1 + below)
    if any(town.load_of(b) > high + _ROUNDING * town.mean for b in town.blocks):
        return math.inf
    out = [0.0]
    into = [0.0]
    for zone in range(town.zones):
        inside = [i for i, z in enumerate(town.before) if z == zone]
        load = town.load_of(inside)
        free = [town.loads[i] for i in inside if len(town.allowed[i]) > 1 or zone not in town.allowed[i]]
        others = [town.loads[i] for i, z in enumerate(town.before) if z != zone and zone in town.allowed[i]]
        out.append(_needed(load - high, free, town.mean))
        into.append(_needed(low - load, others, town.mean))
    return max(sum(out), sum(into))


def imbalance_floor(town: Town, *, max_moves: float) -> float:
    """Find an imbalance that no plan can be below, by `least_moves` alone."""
    low, high = 0.0, float(town.zones)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if least_moves(town, below=middle) > max_moves else (low, middle)
    return low


def _needed(excess: float, loads: list[float], mean: float) -> float:
    count = 0
    for load in sorted(loads, reverse=True):
        if excess <= _ROUNDING * mean:
            return count
        excess -= load
        count += 1
    return count if excess <= _ROUNDING * mean else math.inf


def _is_one_piece(members: int, neighbor_bits: Sequence[int]) -> bool:
    seen = front = members & -members
    while front:
        lowest = front & -front
        fresh = neighbor_bits[lowest.bit_length() - 1] & members & ~seen
        seen |= fresh
        front = (front ^ lowest) | fresh
    return members != 0 and seen == members


class _Search:
    """One walk through the plans; `label` and `loads` are those of the plan looked at."""

    def __init__(self, town: Town, *, below: float, max_cost: float, budget: int) -> None:
        self.town = town
        rounding = _ROUNDING * town.mean
        self.low, self.high = town.mean * (1 - below) - rounding, town.mean * (1 + below) + rounding
        self.max_cost = max_cost + _ROUNDING
        self.budget = budget
        near = [_units_near(town, zone, moves=self._most_moves()) for zone in range(town.zones)]
        options = {block: self._options(block, near) for block in town.blocks}
        home = {block: self._home(block, options[block]) for block in town.blocks}
        # Blocks that cannot stay as they are come first, then the heaviest.
        self.blocks = sorted(town.blocks, key=lambda block: home[block] >= 0)
        self.options = [options[b] for b in self.blocks]
        self.home = [home[b] for b in self.blocks]
        self.weight = [town.load_of(b) for b in self.blocks]
        self.forced = self.home.count(_NOWHERE)
        self.cheapest = self._cheapest_from()
        self.label = [_NOWHERE] * len(town.before)
        self.loads = [0.0] * town.zones

    def _most_moves(self) -> float:
        least = min(self.town.costs)
        return self.max_cost // least if least > 0 else math.inf

    def _options(self, block: Sequence[int], near: Sequence[frozenset[int]]) -> dict[int, float]:
        town = self.town
        zones = frozenset.intersection(*(town.allowed[i] for i in block))
        cost = {z: math.fsum(town.costs[i] for i in block if town.before[i] != z) for z in sorted(zones)}
        return {z: c for z, c in cost.items() if c <= self.max_cost and near[z].issuperset(block)}

    def _home(self, block: Sequence[int], options: dict[int, float]) -> int:
        now = {self.town.before[i] for i in block}
        zone = now.pop()
        return zone if not now and zone in options else _NOWHERE

    def _cheapest_from(self) -> list[float]:
        cheapest = [math.inf]
        for options, home in zip(reversed(self.options), reversed(self.home), strict=True):
            cheapest.append(min([cheapest[-1], *(c for z, c in options.items() if z != home)]))
        return cheapest[::-1]

    def run(self) -> tuple[int, ...] | None:
        if not all(self.options):
            return None
        for b, zone in enumerate(self.home):
            self._put(b, zone)
        return tuple(self.label) if self._force(0, 0.0, [0.0] * self.town.zones) else None

    def _put(self, b: int, zone: int) -> None:
        old = self.label[self.blocks[b][0]]
        if old != _NOWHERE:
            self.loads[old] -= self.weight[b]
        if zone != _NOWHERE:
            self.loads[zone] += self.weight[b]
        for i in self.blocks[b]:
            self.label[i] = zone

    def _force(self, b: int, cost: float, settled: list[float]) -> bool:
        if b == self.forced:
            return self._look(b, cost, settled)
        for zone in self._steps(b, cost, settled):
            self._put(b, zone)
            if self._force(b + 1, cost + self.options[b][zone], _added(settled, zone, self.weight[b])):
                return True
        self._put(b, _NOWHERE)
        return False

    def _look(self, start: int, cost: float, settled: list[float]) -> bool:
        self.budget -= 1
        if self.budget < 0:
            raise TooManyPlansError
        if all(self.low <= load <= self.high for load in self.loads) and self.town.is_plan(self.label):
            return True
        for b in range(start, len(self.blocks)):
            left = self._changes_left(b, cost)
            if left <= 0 or self._changes_needed(self.weight[b]) > left:
                return False
            for zone in self._steps(b, cost, settled):
                self._put(b, zone)
                if self._look(b + 1, cost + self.options[b][zone], _added(settled, zone, self.weight[b])):
                    return True
            self._put(b, self.home[b])
            # From here on this block stays: what is settled of a zone only grows.
            settled = _added(settled, self.home[b], self.weight[b])
            if settled[self.home[b]] > self.high:
                return False
        return False

    def _steps(self, b: int, cost: float, settled: list[float]) -> list[int]:
        return [
            zone
            for zone, more in self.options[b].items()
            if zone != self.home[b] and cost + more <= self.max_cost and settled[zone] + self.weight[b] <= self.high
        ]

    def _changes_left(self, b: int, cost: float) -> float:
        each = self.cheapest[b]
        if math.isinf(each):
            return 0
        return math.inf if each <= 0 else (self.max_cost - cost) // each

    def _changes_needed(self, largest: float) -> float:
        # No later block is heavier than `largest`; each that changes leaves one zone and joins one.
        out = math.fsum(self._times(load - self.high, largest) for load in self.loads)
        into = math.fsum(self._times(self.low - load, largest) for load in self.loads)
        return max(out, into)

    def _times(self, excess: float, largest: float) -> float:
        if excess <= 0:
            return 0
        return math.ceil(excess / largest) if excess < largest * len(self.blocks) else math.inf


def _added(settled: list[float], zone: int, weight: float) -> list[float]:
    more = settled.copy()
    more[zone] += weight
    return more


def _units_near(town: Town, zone: int, *, moves: float) -> frozenset[int]:
    # A zone that keeps a unit of its own grows from there: a unit farther off than there are moves cannot join it.
    inside = {i for i, z in enumerate(town.before) if z == zone}
    if len(inside) < moves:
        return frozenset(range(len(town.before)))
    seen = front = inside
    for _ in range(int(moves)):
        front = {j for i in front for j in town.neighbors[i]} - seen
        seen = seen | front
    return frozenset(seen)


# ── Whether a bound holds: tried against every plan where they are few, and said to rest on a record where not

PLANS_TRIED = 300_000
"""How many plans are looked at for one claim before the search is given up; some seconds."""


class Claim(NamedTuple):
    """One bound that can be tried against plans."""

    objective: str  # ``imbalance`` or ``moves``
    # What was found, and what no plan is said to be below
    value: float | None
    bound: float
    limit: float  # The most moves, for an imbalance; the largest imbalance, for moves


class Verdict(NamedTuple):
    """What the checker found of a claim."""

    state: str  # ``confirmed``, ``refuted`` or ``recorded``
    message: str  # In plain English


def bound_checks(record: PlanRecord, *, plans_tried: int = PLANS_TRIED) -> tuple[list[Check], str]:
    """Try the bounds of the certificate and the frontier against every plan, as far as they are few."""
    if _is_held(record) and _waits(record) is None:
        held = longer_text(record.certificate["response"])
        said = (
            f"The bound is one over plans in which nobody waits {held}. There is no response.csv that can be read, so "
            "it rests on the record of the solver, which this checker has not repeated."
        )
        return [Check("bound", passed=None, message=said)], "recorded"
    certified = _certified(record)
    if certified is None:
        state, checks = "recorded", [Check("bound", passed=None, message=_not_tried(record))]
    else:
        verdict = _verdict(record, _town(record, certified.objective), certified, plans_tried)
        state, checks = verdict.state, [_check("bound", verdict)]
    if record.frontier:
        checks.append(_frontier(record, plans_tried))
    return checks, state


def _is_held(record: PlanRecord) -> bool:
    """Say whether only plans count in which nobody waits longer."""
    response = record.certificate.get("response")
    return isinstance(response, dict) and bool(response.get("no_slower"))


def _waits(record: PlanRecord) -> Waits | None:
    try:
        return waits_of(record) if _is_held(record) else None
    except (KeyError, TypeError, ValueError):
        return None


def town_of(record: PlanRecord, costs: dict[str, float]) -> Town:
    """Turn a written plan into plain lists for the search."""
    certificate, units = record.certificate, record.counted()
    zone = {z: i for i, z in enumerate(certificate["zones"])}
    row = {u.unit_id: i for i, u in enumerate(units)}
    allowed = [set(range(len(zone))) for _ in units]
    for unit in (u for u in certificate["locked"] if u in row):
        allowed[row[unit]] &= {zone.get(units[row[unit]].before, -1)}
    for z, unit in certificate["roots"].items():
        if unit in row:
            allowed[row[unit]] &= {zone[z]}
    for unit, z in ((u, z) for u, z in certificate["forbidden"] if u in row):
        allowed[row[unit]] -= {zone.get(z, -1)}
    # What is not known cannot move: `students_of` would make a plan that moves it fail.
    most, students = certificate.get("most_students", math.inf), students_of(record)
    students = {unit: math.inf if math.isnan(number) else number for unit, number in students.items()}
    links: list[set[int]] = [set() for _ in units]
    for edge in (e for e in record.edges if e.a in row and e.b in row):
        links[row[edge.a]].add(row[edge.b])
        links[row[edge.b]].add(row[edge.a])
    return Town(
        before=tuple(zone.get(u.before, -1) for u in units),
        loads=tuple(u.workload for u in units),
        costs=tuple(costs[u.unit_id] for u in units),
        neighbors=tuple(tuple(sorted(js)) for js in links),
        zones=len(zone),
        allowed=tuple(frozenset(zones) for zones in allowed),
        together=tuple(
            tuple(row[i] for i in group if i in row)
            for group in (*certificate["together"], *record.named_ids("whole").values())
            if group
        ),
        one_of_each=tuple(tuple(row[i] for i in ids if i in row) for ids in record.named_ids("one_of_each").values()),
        students=tuple(students[u.unit_id] for u in units) if NUMBER.holds(most) else (),
        most_students=float(most) if NUMBER.holds(most) else math.inf,
        waits=_waits(record),
    )


def _town(record: PlanRecord, objective: str) -> Town:
    # A limit on moves is one on units, and on schools where moves are counted in schools.
    is_counted = objective == "moves" or record.certificate.get("moves_by") == "schools"
    costs = move_costs(record) if is_counted else None
    return town_of(record, costs or {u.unit_id: 1.0 for u in record.units})


def _certified(record: PlanRecord) -> Claim | None:
    certificate = record.certificate
    bound, value = certificate["bound"], certificate["value"]
    if bound is None:
        return None
    if certificate["objective"] == "imbalance":
        most = certificate["max_moves"]
        return Claim("imbalance", value, bound, len(record.counted()) if most is None else most)
    if certificate["objective"] == "moves" and certificate["tolerance"] is not None and move_costs(record) is not None:
        return Claim("moves", value, bound, certificate["tolerance"])
    return None


def _verdict(record: PlanRecord, town: Town, claim: Claim, plans_tried: int) -> Verdict:
    try:
        fault = _fault(record, town, claim, plans_tried)
    except TooManyPlansError:
        return Verdict("recorded", f"{_not_tried(record)} {_floor_text(town, claim)}")
    if fault:
        return Verdict("refuted", fault)
    return Verdict(
        "confirmed", f"Confirmed by going through every plan: no {_class_text(record, claim)} {_claim_text(claim)}."
    )


def _fault(record: PlanRecord, town: Town, claim: Claim, plans_tried: int) -> str:
    if claim.objective == "moves":
        better = find_plan(town, below=claim.limit, max_cost=claim.bound - PROVEN_WITHIN, budget=plans_tried)
        return "" if better is None else _better_text(record, town, claim, better)
    floor = imbalance_floor(town, max_moves=claim.limit)
    if claim.value is not None and claim.value < floor - PROVEN_WITHIN:
        return f"No plan has the imbalance claimed, {claim.value:.4%}: the loads alone show at least {floor:.4%}."
    better = find_plan(town, below=claim.bound - PROVEN_WITHIN, max_cost=claim.limit, budget=plans_tried)
    if better is not None:
        return _better_text(record, town, claim, better)
    # The plan shown may be worse than the value, by the slack: is there one that has it?
    if claim.value is None or find_plan(
        town, below=claim.value + PROVEN_WITHIN, max_cost=claim.limit, budget=plans_tried
    ):
        return ""
    return f"No {_class_text(record, claim)} has the imbalance claimed, {claim.value:.4%}."


def _frontier(record: PlanRecord, plans_tried: int) -> Check:
    rows = sorted((r for r in record.frontier or [] if r["bound"] is not None), key=lambda r: float(r["moves"]))
    town = _town(record, "imbalance")
    for done, row in enumerate(rows):
        claim = Claim("imbalance", row["imbalance"], row["bound"], row["moves"])
        verdict = _verdict(record, town, claim, plans_tried)
        if verdict.state == "refuted":
            return Check("frontier_bounds", passed=False, message=f"At {row['moves']:g} moves: {verdict.message}")
        if verdict.state == "recorded":
            # More moves mean more plans: what is too much here is too much from here on.
            said = (
                f"{done} of {len(rows)} bounds are confirmed by going through every plan; the others rest on the record"
            )
            return Check("frontier_bounds", passed=None, message=f"{said} of the solver.")
    said = f"All {len(rows)} bounds are confirmed by going through every plan."
    return Check("frontier_bounds", passed=True, message=said)


def _check(name: str, verdict: Verdict) -> Check:
    passed = {"confirmed": True, "refuted": False}.get(verdict.state)
    return Check(name, passed=passed, message=verdict.message)


def _not_tried(record: PlanRecord) -> str:
    certificate = record.certificate
    if certificate["bound"] is None:
        return "The certificate claims no bound: the plan is the best that was found."
    proof = certificate["proof"] or {}
    method, log = proof.get("method"), proof.get("log")
    by = f"method: {method}" if method else "no method is named"
    is_file = isinstance(log, str) and "\n" not in log and log in certificate["files"]
    kept = f"log: {log}" if is_file else "its log is in the certificate" if log else "no log was kept"
    return (
        f"The bound, {certificate['bound']!r}, rests on the record of the solver ({by}; {kept}), which this checker "
        "has not repeated."
    )


def _floor_text(town: Town, claim: Claim) -> str:
    if claim.objective == "imbalance":
        text = f"an imbalance of at least {imbalance_floor(town, max_moves=claim.limit):.4%}"
    else:
        text = f"that at least {least_moves(town, below=claim.limit):g} units move"
    return f"Its own arithmetic, which looks at loads only, shows {text}."


def _class_text(record: PlanRecord, claim: Claim) -> str:
    certificate = record.certificate
    rules = {"roots": "roots", "locked": "locks", "forbidden": "forbidden pairs", "together": "groups"}
    kept = [f"the {name}" for key, name in rules.items() if certificate[key]]
    kept += [f"{name} whole" for name in record.named_ids("whole")]
    kept += [f"{with_article(name)} in each zone" for name in record.named_ids("one_of_each")]
    kept += ["the limit on students"] if certificate.get("most_students") is not None else []
    waits = f" in which nobody waits {longer_text(certificate['response'])}" if _is_held(record) else ""
    limit = f"of at most {_moves_text(claim.limit)}"
    within = limit if claim.objective == "imbalance" else f"within the tolerance of {claim.limit:.4%}"
    return f"contiguous plan {within}{f' that keeps {_joined(kept)}' if kept else ''}{waits}"


def _claim_text(claim: Claim) -> str:
    if claim.objective == "imbalance":
        return f"has an imbalance below {claim.bound:.4%}"
    return f"has moves that count less than {claim.bound:g}"


def _better_text(record: PlanRecord, town: Town, claim: Claim, label: Sequence[int]) -> str:
    zones = record.certificate["zones"]
    pairs = zip(record.counted(), label, strict=True)
    moved = [f"{u.unit_id} to {zones[z]}" for u, z in pairs if u.before != zones[z]]
    text = f"{_moves_text(len(moved))} ({', '.join(moved[:10]) or 'none'})"
    return (
        f"The bound does not hold: there is a plan with an imbalance of {town.imbalance(label):.4%} and {text}, and "
        f"{claim.bound!r} is claimed to be the best possible."
    )


def _moves_text(number: float) -> str:
    return f"{number:g} move{'' if number == 1 else 's'}"


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# ── Random plans of as many moves: drawn again, by a walk of the checker's own

_STEPS = 250_000
_EXCHANGES = 0.8
_BATCHES = 50
_TOO_FAR = 5.0
"""So many standard errors between two walks are no chance."""
_ONE_SIDED_95 = NormalDist().inv_cdf(0.95)
_RANDOM_NUMBERS = ("draws", "effective", "at_least_as_even", "share_at_most", "moves")


def random_plan_checks(record: PlanRecord) -> list[Check]:
    """Draw random plans again, and compare where the plan stands among them; nothing where the certificate has none."""
    claimed = record.certificate.get("random_plans")
    if claimed is None:
        return []
    faults = _random_faults(record, claimed)
    if faults:
        return [Check("random_plans", passed=False, message=f"{'; '.join(faults)}.")]
    if _is_held(record) and _waits(record) is None:
        said = "Random plans in which nobody waits longer were not drawn again: response.csv cannot be read."
        return [Check("random_plans", passed=None, message=said)]
    label, costs = _label_of(record), _costs_of(record, claimed)
    town = town_of(record, costs)
    # Whether nobody waits longer takes more to look at than loads do.
    drawn = _walk(town, label, steps=_STEPS if town.waits is None else _STEPS // 5)
    if not drawn:
        return [Check("random_plans", passed=None, message="A walk of the checker's own found no such plan.")]
    own = [float(value <= town.imbalance(label) + PROVEN_WITHIN) for value in drawn]
    middle = [float(value <= claimed["imbalance"][1] + PROVEN_WITHIN) for value in drawn]
    share = claimed["at_least_as_even"] / claimed["draws"]
    worth = min(_worth(drawn), _worth(own))
    found = f"{_mean(own):.3%} of {len(drawn):,} (worth {worth:,.0f} independent ones)"
    if _is_far(_mean(own), worth, share, claimed["effective"]) or _is_far(
        _mean(middle), _worth(middle), 0.5, claimed["effective"]
    ):
        said = (
            f"Random plans drawn again are not as the certificate has them: {found} are as even as the plan, and "
            f"{_mean(middle):.1%} at most at the median stated; the certificate has {share:.3%}."
        )
        return [Check("random_plans", passed=False, message=said)]
    said = f"Random plans drawn again by another walk agree: {found} are as even, {share:.3%} in the certificate."
    return [Check("random_plans", passed=True, message=said)]


def _random_faults(record: PlanRecord, claimed: Any) -> list[str]:  # noqa: ANN401 - whatever the file holds
    is_whole = isinstance(claimed, dict) and all(NUMBER.holds(claimed.get(key)) for key in _RANDOM_NUMBERS)
    middle = claimed.get("imbalance") if is_whole else None
    if not isinstance(middle, list) or len(middle) != 3 or not all(NUMBER.holds(v) for v in middle):  # noqa: PLR2004
        return ["what the certificate says of random plans cannot be read"]
    draws, worth, even = (claimed[key] for key in ("draws", "effective", "at_least_as_even"))
    if not 0 <= even <= draws or not 0 < worth <= draws:
        return [f"of {draws:g} random plans, worth {worth:g}, {even:g} cannot be as even"]
    moved = [u for u in record.counted() if u.before != u.after]
    count = math.fsum(_costs_of(record, claimed)[u.unit_id] for u in moved)
    faults = [] if count == claimed["moves"] else [f"the plan moves {count:g}, the random plans {claimed['moves']:g}"]
    share, z = even / draws, _ONE_SIDED_95**2 / worth
    limit = min(1.0, (share + z / 2 + math.sqrt(z * (share * (1 - share) + z / 4))) / (1 + z))
    if abs(limit - claimed["share_at_most"]) > PROVEN_WITHIN:
        faults.append(f"the 95% limit of {even:g} of {draws:g} is {limit:.4%}, not {claimed['share_at_most']:.4%}")
    return faults


def _costs_of(record: PlanRecord, claimed: Mapping[str, Any]) -> dict[str, float]:
    is_schools = claimed.get("moves_by") == "schools"
    return {u.unit_id: u.figures.get("schools", math.nan) if is_schools else 1.0 for u in record.units}


def _label_of(record: PlanRecord) -> list[int]:
    zone = {z: i for i, z in enumerate(record.certificate["zones"])}
    return [zone.get(u.after, _NOWHERE) for u in record.counted()]


def _walk(town: Town, plan: Sequence[int], *, steps: int) -> list[float]:
    """Walk through plans of at most as many moves as a plan's, and give the imbalance of those of just as many.

    A block and a zone are drawn by lot, and often a block that goes home in exchange: both ways are as likely, so
    that a walk that stays where a step would break a rule visits all plans as often.
    """
    lot, blocks = random.Random(0), town.blocks  # noqa: S311 - no secret
    most = _moved(town, plan) + _ROUNDING
    label = list(plan if not _is_lawful(town, town.before, most) else town.before)
    now = [{town.before[i] for i in block} for block in blocks]
    home = [zones.pop() if len(zones) == 1 else _NOWHERE for zones in now]
    drawn: list[float] = []
    value, count = town.imbalance(label), _moved(town, label)
    for step in range(steps):
        changed = _stepped(town, label, home, lot)
        if changed is not None and _is_lawful(town, changed, most):
            label, value, count = changed, town.imbalance(changed), _moved(town, changed)
        if step >= steps // 10 and count > most - 2 * _ROUNDING:
            drawn.append(value)
    return drawn


def _stepped(town: Town, label: list[int], home: Sequence[int], lot: random.Random) -> list[int] | None:
    blocks, changed = town.blocks, label.copy()
    is_exchange = lot.random() < _EXCHANGES
    rows = list(range(len(blocks)))
    if is_exchange:
        away = [b for b in rows if home[b] not in {_NOWHERE, label[blocks[b][0]]}]
        if not away:
            return None
        back = lot.choice(away)
        for i in blocks[back]:
            changed[i] = home[back]
        rows = [b for b in rows if home[b] == changed[blocks[b][0]]]
    row, zone = lot.choice(rows), lot.randrange(town.zones)
    if is_exchange and zone == home[row]:
        return None
    for i in blocks[row]:
        changed[i] = zone
    is_near = any(changed[j] == zone for i in blocks[row] for j in town.neighbors[i] if j not in blocks[row])
    return changed if is_near and changed != label else None


def _moved(town: Town, label: Sequence[int]) -> float:
    return math.fsum(c for c, now, then in zip(town.costs, town.before, label, strict=True) if now != then)


def _is_lawful(town: Town, label: Sequence[int], most: float) -> bool:
    is_allowed = all(zone in allowed for zone, allowed in zip(label, town.allowed, strict=True))
    is_whole = all(len({label[i] for i in block}) == 1 for block in town.blocks)
    return is_allowed and is_whole and _moved(town, label) <= most and town.is_plan(label)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _worth(values: Sequence[float]) -> float:
    """Count the independent draws that a walk is worth, from how much the means of its stretches differ."""
    size, mean = len(values) // _BATCHES, _mean(values)
    spread = _mean([(v - mean) ** 2 for v in values])
    if size == 0 or spread == 0:
        return float(max(1, size and len(values)))
    means = [_mean(values[at * size : (at + 1) * size]) for at in range(_BATCHES)]
    between = math.fsum((m - mean) ** 2 for m in means) / (_BATCHES - 1)
    return max(1.0, min(float(len(values)), len(values) * spread / (size * between) if between else len(values)))


def _is_far(one: float, worth: float, other: float, others_worth: float) -> bool:
    pooled = (one * worth + other * others_worth + 1) / (worth + others_worth + 2)
    return abs(one - other) > _TOO_FAR * math.sqrt(pooled * (1 - pooled) * (1 / worth + 1 / others_worth))
