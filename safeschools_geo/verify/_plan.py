"""The plan as the independent checker sees it: who is where, what it has to keep, and its map."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from safeschools_geo.errors import count_text, with_article
from safeschools_geo.verify._reading import NUMBER, Check, check_all, check_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from safeschools_geo.verify._reading import Edge, PlanRecord, Unit

    Shapes: TypeAlias = dict[str, BaseGeometry]


# ── The plan itself, as the independent checker sees it: who is where, what must hold, and what the loads are

CLOSE = 1e-9
"""Numbers that are to be equal may differ by this, relative to 1 or to themselves if they are larger."""


def is_close(a: float, b: float, *, within: float = CLOSE) -> bool:
    """Say whether two numbers are equal but for rounding."""
    return abs(a - b) <= within * max(1.0, abs(a), abs(b))


def unit_checks(record: PlanRecord) -> list[Check]:
    """Check that every unit is there exactly once, and the same in every file."""
    return [_same_units(record), _zones(record), _moves(record)]


def rule_checks(record: PlanRecord) -> list[Check]:
    """Check what the plan had to keep to."""
    fixed = [_locks(record), _forbidden(record), _together(record), _roots(record)]
    return [*fixed, *_set_apart(record), *_one_of_each(record), *_students(record), *_forecast(record)]


def load_checks(record: PlanRecord) -> list[Check]:
    """Add up the loads of the zones and compare them with what is claimed."""
    return [_contiguity(record), _loads(record), _imbalance(record), _tolerance(record)]


def hash_checks(record: PlanRecord) -> list[Check]:
    """Compare the fingerprints of the inputs and the files with those of the certificate."""
    return [_inputs(record), *_file_hashes(record)]


def load_of_zones(units: Iterable[Unit], zones: Iterable[str], *, after: bool = True) -> dict[str, float]:
    """Add up the loads of zones."""
    members: dict[str, list[float]] = {z: [] for z in zones}
    for unit in units:
        members.setdefault(unit.after if after else unit.before, []).append(unit.workload)
    return {z: math.fsum(loads) for z, loads in members.items()}


def imbalance_of(loads: Mapping[str, float]) -> float:
    """Measure the largest ``|load - mean| / mean``."""
    mean = math.fsum(loads.values()) / len(loads)
    return max(abs(load - mean) for load in loads.values()) / mean if mean > 0 else 0.0


def pieces_of(members: set[str], edges: Iterable[Edge]) -> list[set[str]]:
    """Find the pieces that a set of units falls into."""
    links: dict[str, list[str]] = {m: [] for m in members}
    for edge in edges:
        if edge.a in links and edge.b in links:
            links[edge.a].append(edge.b)
            links[edge.b].append(edge.a)
    left, found = set(members), []
    while left:
        piece, front = set(), [min(left)]
        while front:
            unit = front.pop()
            if unit not in piece:
                piece.add(unit)
                front.extend(links[unit])
        left -= piece
        found.append(piece)
    return sorted(found, key=lambda piece: (-len(piece), min(piece)))


def _same_units(record: PlanRecord) -> Check:
    times = Counter(u.unit_id for u in record.units)
    drawn = {f["properties"]["unit_id"]: f["properties"] for f in record.unit_features}
    drawn_times = Counter(f["properties"]["unit_id"] for f in record.unit_features)
    faults = {
        "more than once in plan.csv": [i for i, n in times.items() if n > 1],
        "more than once in units.geojson": [i for i, n in drawn_times.items() if n > 1],
        "in plan.csv but not in units.geojson": times.keys() - drawn.keys(),
        "in units.geojson but not in plan.csv": drawn.keys() - times.keys(),
        "with other zones or workload in units.geojson than in plan.csv": [
            u.unit_id for u in record.units if u.unit_id in drawn and not _is_same(u, drawn[u.unit_id])
        ],
        "with a workload below 0": [u.unit_id for u in record.units if u.workload < 0],
        "in edges.csv but not in plan.csv": {i for e in record.edges for i in (e.a, e.b)} - times.keys(),
        "linked to itself in edges.csv": [e.a for e in record.edges if e.a == e.b],
        "linked twice to one unit in edges.csv": _double_links(record.edges),
    }
    return check_of(
        "units", faults, f"each of {len(record.units):,} units is there exactly once, the same in every file"
    )


def _double_links(edges: Iterable[Edge]) -> list[str]:
    times = Counter((min(e.a, e.b), max(e.a, e.b)) for e in edges)
    return [a for (a, _), n in times.items() if n > 1]


def _is_same(unit: Unit, properties: Mapping[str, object]) -> bool:
    workload = properties.get("workload")
    zones = (properties.get("zone_before"), properties.get("zone_after"))
    return (
        NUMBER.holds(workload) and zones == (unit.before, unit.after) and is_close(float(workload), unit.workload)  # type: ignore[arg-type]
    )


def _zones(record: PlanRecord) -> Check:
    stated, apart = record.certificate["zones"], record.ids("zones_set_apart")
    used = {u.after for u in record.units}
    drawn = Counter(f["properties"]["zone_id"] for f in record.zone_features)
    faults = {
        "stated twice in the certificate": [z for z, n in Counter([*stated, *apart]).items() if n > 1],
        "without any unit in the plan": set(stated) - used,
        "used in the plan but not among the zones of the certificate": used - {*stated, *apart},
        "not in zones.geojson": {*stated, *apart} - drawn.keys(),
        "in zones.geojson but not in the certificate": drawn.keys() - {*stated, *apart},
        "more than once in zones.geojson": [z for z, n in drawn.items() if n > 1],
    }
    return check_of(
        "zones", faults, f"{count_text(len(stated), 'zone')}, as the certificate says, each with a unit", noun="zone"
    )


def _moves(record: PlanRecord) -> Check:
    certificate = record.certificate
    changed = [u for u in record.units if u.before != u.after]
    wrong = [u.unit_id for u in record.units if u.is_moved != (u.before != u.after)]
    if wrong:
        return check_of("moves", {"where `moved` does not say whether the zone changes": wrong}, "")
    if len(changed) != certificate["moves"]:
        found = f"plan.csv moves {len(changed)}, the certificate says {certificate['moves']}"
        return Check("moves", passed=False, message=f"The number of moves is not that of the plan: {found}.")
    most = certificate["max_moves"]
    counted, noun = float(len(changed)), "units"
    if certificate.get("moves_by") == "schools":
        counted, noun = math.fsum(u.figures.get("schools", math.nan) for u in changed), "schools"
        stated = certificate.get("schools_moved")
        if stated is not None and stated != counted:
            said = f"plan.csv moves {counted:g} schools, the certificate says {stated}"
            return Check("moves", passed=False, message=f"The number of moves is not that of the plan: {said}.")
    if most is not None and not counted <= most:
        said = f"The plan moves {counted:g} {noun}; at most {most} were allowed."
        return Check("moves", passed=False, message=said)
    limit = "" if most is None else f", at most {most} were allowed"
    return Check("moves", passed=True, message=f"{noun.capitalize()} that move: {counted:g}{limit}.")


def _locks(record: PlanRecord) -> Check:
    units = {u.unit_id: u for u in record.units}
    locked = record.certificate["locked"]
    faults = {
        "locked but not in the plan": [i for i in locked if i not in units],
        "locked and yet moved": [i for i in locked if i in units and units[i].before != units[i].after],
    }
    return check_of("locks", faults, f"{len(locked)} locked, all of them stay")


def _forbidden(record: PlanRecord) -> Check:
    after = {u.unit_id: u.after for u in record.units}
    pairs = record.certificate["forbidden"]
    faults = {
        "of a forbidden pair but not in the plan": [i for i, _ in pairs if i not in after],
        "in a zone that is forbidden to it": [f"{i} in {z}" for i, z in pairs if after.get(i) == z],
    }
    return check_of("forbidden", faults, f"{count_text(len(pairs), 'forbidden pair')}, none used")


def _together(record: PlanRecord) -> Check:
    after = {u.unit_id: u.after for u in record.units}
    groups, whole = record.certificate["together"], record.named_ids("whole")
    split = {name: sorted({after.get(i, "") for i in ids}) for name, ids in whole.items()}
    faults = {
        "of a group but not in the plan": [i for g in (*groups, *whole.values()) for i in g if i not in after],
        "to be kept together and yet apart": [" + ".join(g) for g in groups if len({after.get(i) for i in g}) > 1],
        "to be kept whole and yet split": [
            f"{n} over {', '.join(zones)}" for n, zones in split.items() if len(zones) > 1
        ],
    }
    kept = f", and {', '.join(whole)} whole" if whole else ""
    return check_of("together", faults, f"{count_text(len(groups), 'group')}, each in one zone{kept}")


def _roots(record: PlanRecord) -> Check:
    after = {u.unit_id: u.after for u in record.units}
    roots = record.certificate["roots"]
    faults = {
        "the root of a zone but not in the plan": [i for i in roots.values() if i not in after],
        "the root of a zone and yet not in it": [f"{i} of {z}" for z, i in roots.items() if after.get(i, z) != z],
        "the root of something that is no zone": [i for z, i in roots.items() if z not in record.certificate["zones"]],
    }
    return check_of("roots", faults, f"{count_text(len(roots), 'root')}, each in its zone")


def _set_apart(record: PlanRecord) -> list[Check]:
    """Check that zones which do not count carry nothing, and that nothing goes in or out."""
    apart = set(record.ids("zones_set_apart"))
    if not apart:
        return []
    faults = {
        "in a zone that is set apart, and yet with a workload": [
            u.unit_id for u in record.units if u.before in apart and u.workload != 0
        ],
        "moved into or out of a zone that is set apart": [
            u.unit_id for u in record.units if u.before != u.after and {u.before, u.after} & apart
        ],
    }
    text = f"{', '.join(sorted(apart))} set apart: no workload, and nothing goes in or out"
    return [check_of("set_apart", faults, text)]


def _one_of_each(record: PlanRecord) -> list[Check]:
    """Check that every zone has one of what it is to have."""
    after = {u.unit_id: u.after for u in record.units}
    asked = {with_article(name): ids for name, ids in record.named_ids("one_of_each").items()}
    if not asked:
        return []
    faults: dict[str, Iterable[str]] = {
        f"listed as {name} but not in the plan": [i for i in ids if i not in after] for name, ids in asked.items()
    }
    for name, ids in asked.items():
        faults[f"of a zone without {name}"] = set(record.certificate["zones"]) - {after.get(i, "") for i in ids}
    return [check_of("one_of_each", faults, f"every zone has {' and '.join(asked)}", noun="id")]


def students_of(record: PlanRecord) -> dict[str, float]:
    """Give the students of each unit: none in one without a school, missing where it is not known."""
    known = {u.unit_id: u.figures.get("students", math.nan) for u in record.units}
    return {u.unit_id: 0.0 if u.figures.get("schools") == 0 else known[u.unit_id] for u in record.units}


def _students(record: PlanRecord) -> list[Check]:
    """Add up the students of the units that move, and compare them with what may."""
    most = record.certificate.get("most_students")
    if most is None:
        return []
    students = students_of(record)
    changed = [u.unit_id for u in record.units if u.before != u.after]
    unknown = [i for i in changed if math.isnan(students[i])]
    if not NUMBER.holds(most):
        return [Check("students", passed=False, message=f"The limit on students is {most!r}, not a number.")]
    if unknown:
        return [check_of("students", {"among those that move, without a number of students": unknown}, "")]
    count = math.fsum(students[i] for i in changed)
    said = f"Students of the units that move: {count:,.0f}, at most {most:,.0f} were allowed."
    return [Check("students", passed=count <= most, message=said)]


def _forecast(record: PlanRecord) -> list[Check]:
    text = "; ".join(record.ids("forecast"))
    return [Check("forecast", passed=None, message=f"Loads are a forecast, not the record: {text}.")] if text else []


def _contiguity(record: PlanRecord) -> Check:
    members: dict[str, set[str]] = {}
    for unit in record.counted():
        members.setdefault(unit.after, set()).add(unit.unit_id)
    broken = {z: pieces[1:] for z, ids in members.items() if len(pieces := pieces_of(ids, record.edges)) > 1}
    detached = [f"{i} of {zone}" for zone, pieces in broken.items() for piece in pieces for i in sorted(piece)]
    if not broken and not record.certificate["is_contiguous"]:
        said = "Every zone hangs together, and yet the certificate says that the plan is not contiguous."
        return Check("contiguity", passed=False, message=said)
    return check_of(
        "contiguity", {"cut off from the rest of their zone": detached}, "every zone hangs together along edges.csv"
    )


def _loads(record: PlanRecord) -> Check:
    loads = load_of_zones(record.units, [*record.certificate["zones"], *record.ids("zones_set_apart")])
    wrong = []
    for feature in record.zone_features:
        properties = feature["properties"]
        zone, reported = properties["zone_id"], properties.get("workload")
        if zone in loads and not (NUMBER.holds(reported) and is_close(reported, loads[zone])):
            wrong.append(f"{zone} ({reported!r}, the units add up to {loads[zone]!r})")
    return check_of(
        "loads", {"whose workload in zones.geojson is not that of its units": wrong}, "loads add up", noun="zone"
    )


def _imbalance(record: PlanRecord) -> Check:
    certificate = record.certificate
    zones = certificate["zones"]
    found = {
        "imbalance_before": imbalance_of(load_of_zones(record.counted(), zones, after=False)),
        "imbalance_after": imbalance_of(load_of_zones(record.counted(), zones)),
    }
    wrong = [
        f"{name} is {certificate[name]!r} in the certificate and {value!r} by plan.csv"
        for name, value in found.items()
        if certificate[name] is not None and not is_close(certificate[name], value)
    ]
    if wrong:
        return Check("imbalance", passed=False, message=f"{'; '.join(wrong)}.")
    text = f"The imbalance is {found['imbalance_before']:.2%} before and {found['imbalance_after']:.2%} after."
    return Check("imbalance", passed=True, message=text)


def _tolerance(record: PlanRecord) -> Check:
    tolerance = record.certificate["tolerance"]
    if tolerance is None:
        return Check("tolerance", passed=True, message="No tolerance was asked for.")
    found = imbalance_of(load_of_zones(record.counted(), record.certificate["zones"]))
    is_kept = found <= tolerance + CLOSE
    verb = "is within" if is_kept else "exceeds"
    return Check(
        "tolerance", passed=is_kept, message=f"The imbalance, {found:.4%}, {verb} the tolerance, {tolerance:.4%}."
    )


def _inputs(record: PlanRecord) -> Check:
    units = [f"{u.unit_id}\t{u.before}\t{u.workload!r}" for u in record.units]
    links = sorted("\t".join(sorted((e.a, e.b))) for e in record.edges)
    stated = record.certificate["input_sha256"]
    wrong = [
        f"{name} ({what})"
        for name, lines, what in (
            ("units", units, "ids, zones before, and workloads, in plan.csv"),
            ("adjacency", links, "links, in edges.csv"),
        )
        if stated.get(name) != hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    ]
    if wrong:
        said = f"The inputs are not those the certificate was made for: {', '.join(wrong)}."
        return Check("inputs", passed=False, message=said)
    return Check("inputs", passed=True, message="Units and adjacency are those the certificate was made for.")


def _file_hashes(record: PlanRecord) -> list[Check]:
    folder, stated = record.folder, record.certificate["files"]
    there = {p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()}
    there -= {"certificate.json", "manifest.json"}
    read = {"plan.csv", "edges.csv", "units.geojson", "zones.geojson", "frontier.csv"} & there
    faults = {
        "listed in the certificate but not there": stated.keys() - there,
        "that the certificate should list and does not": read - stated.keys(),
        "changed since the certificate was written": [
            name
            for name in sorted(there & stated.keys())
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != stated[name]
        ],
    }
    found = [check_of("files", faults, f"{len(stated)} files are as they were written", noun="file")]
    others = sorted(there - stated.keys() - read)
    if others:
        said = f"The certificate says nothing about: {', '.join(others[:5])} ({len(others)} in all)."
        found.append(Check("other_files", passed=None, message=said))
    return found


# ── How long calls wait, by response.csv: today and under a plan, each officer at the best place of his zone

_SAME_MINUTES = 1e-6
_TEN_MILLIONTH = 1e-7
"""Means longer than today's by no more count as no longer (assumption A76)."""


class Waits(NamedTuple):
    """How long calls wait in sets of units, and how long they may."""

    place: tuple[int, ...]  # Unit that each place lies in
    calls: tuple[float, ...]  # Calls of each unit
    minutes: tuple[tuple[float, ...], ...]  # Minutes from each place to each unit, times its calls
    most: tuple[float, ...] = ()  # Longest mean of each zone; infinite where it had no call
    most_in_all: float = math.inf  # Most minutes of all calls together

    def of(self, units: Sequence[int]) -> tuple[float, float]:
        """Give the minutes of all calls of a set, infinite without a place to wait at, and the calls."""
        number, held = math.fsum(self.calls[i] for i in units), set(units)
        if not number:
            return 0.0, 0.0
        waits = zip(self.place, self.minutes, strict=True)
        sums = (math.fsum(minutes[i] for i in units) for at, minutes in waits if at in held)
        return min(sums, default=math.inf), number

    def is_kept(self, sets: Sequence[Sequence[int]]) -> bool:
        """Say whether no zone, nor all together, wait longer than they may; a set for each zone."""
        found = [self.of(units) for units in sets]
        for (minutes, number), most in zip(found, self.most, strict=True):
            if number and minutes / number > most * (1 + _TEN_MILLIONTH) + _TEN_MILLIONTH:
                return False
        return math.fsum(m for m, _ in found) <= self.most_in_all * (1 + _TEN_MILLIONTH) + _TEN_MILLIONTH


def waits_of(record: PlanRecord) -> Waits | None:
    """Read how long calls wait, and may, from response.csv and the certificate; None where it is not there."""
    claimed, rows = record.certificate.get("response"), record.response
    if not isinstance(claimed, dict) or rows is None:
        return None
    units, zones = record.counted(), record.certificate["zones"]
    row = {u.unit_id: i for i, u in enumerate(units)}
    calls = {r["unit_id"]: r["calls"] for r in rows}
    minutes = {(r["place_id"], r["unit_id"]): r["minutes"] for r in rows}
    place = {r["place_id"]: row[r["place_unit_id"]] for r in rows if r["place_unit_id"] in row}
    sums = tuple(tuple(calls[i] * minutes[name, i] if calls[i] else 0.0 for i in row) for name in place)
    waits = Waits(tuple(place.values()), tuple(calls[i] for i in row), sums)
    if not claimed.get("no_slower"):
        return waits
    now = [waits.of([i for i, u in enumerate(units) if u.before == zone]) for zone in zones]
    more = float(claimed.get("longer_min", 0.0))
    most = tuple(total / number + more if number else math.inf for total, number in now)
    return waits._replace(most=most, most_in_all=math.fsum(m for m, _ in now) + more * math.fsum(waits.calls))


def response_checks(record: PlanRecord) -> list[Check]:
    """Work out how long calls wait today and under the plan, each officer at the best place of his zone."""
    claimed = record.certificate.get("response")
    if not isinstance(claimed, dict):
        return []
    if record.response is None:
        said = "There is no response.csv: how long calls wait, which the certificate tells, was not worked out again."
        return [Check("response", passed=None, message=said)]
    try:
        waits = waits_of(record)
        faults = [] if waits is None else _response_faults(record, waits, claimed)
    except (KeyError, TypeError, ValueError) as error:
        faults = [f"what the certificate says of response cannot be read ({error!r})"]
    text = "minutes of every zone, today and under the plan, are those of response.csv"
    none = f", and none is {longer_text(claimed)}" if claimed.get("no_slower") and not faults else ""
    return [check_all("response", faults, f"{text}{none}")]


def _response_faults(record: PlanRecord, waits: Waits, claimed: Mapping[str, Any]) -> list[str]:
    faults, sums = [], [0.0, 0.0]
    for zone in record.certificate["zones"]:
        found = []
        for side in (0, 1):
            units = [i for i, u in enumerate(record.counted()) if (u.after if side else u.before) == zone]
            least, number = waits.of(units)
            sums[side] += least
            found.append(least / number if number and math.isfinite(least) else None)
        faults += _minutes_faults(f"zone {zone}", found, claimed["zones"][zone]["minutes"], claimed)
    number = math.fsum(waits.calls)
    in_all = [total / number if number else None for total in sums]
    return faults + _minutes_faults("all calls", in_all, claimed["district"], claimed)


def _minutes_faults(
    name: str, found: list[float | None], reported: list[float | None], claimed: Mapping[str, Any]
) -> list[str]:
    faults = [
        f"{name} {'waits' if name.startswith('zone') else 'wait'} {own!r} minutes {when} by response.csv, "
        f"and {theirs!r} in the certificate"
        for when, own, theirs in zip(("today", "under the plan"), found, reported, strict=True)
        if (own is None) != (theirs is None)
        or (own is not None and theirs is not None and not is_close(own, theirs, within=_SAME_MINUTES))
    ]
    before, after = found
    more = claimed.get("longer_min", 0.0)
    if not claimed.get("no_slower") or before is None or after is None:
        return faults
    if after > (before + more) * (1 + _SAME_MINUTES) + _SAME_MINUTES:
        faults.append(f"{name} would wait longer, {after!r} minutes for {before!r}; at most {more:g} more are allowed")
    return faults


def longer_text(claimed: Mapping[str, Any]) -> str:
    """Say how much longer anybody may wait."""
    more = claimed.get("longer_min", 0.0)
    if not NUMBER.holds(more):
        return f"more than {more!r} longer"
    return f"more than {more:g} min longer" if more else "longer"


# ── The map of a plan, as the independent checker sees it: zones that tile the units, and links that are borders

ROUNDING_M = 0.05
"""Coordinates are written to about 1 cm: what is thinner than this is rounding."""

SLIVER_M = 1.0
"""An enclosed gap that is narrower than this is a sliver; a wider one is taken for a place outside the district."""

_SPECK_M2 = 0.01
_HELD = 0.05
"""Share of a unit that a zone beside it may hold, so that a school on the border is in its planned zone."""

_SNAP_M = 0.1
_MIN_SHARED_M = 0.5
_EARTH_M = 6_371_008.8
_CLOSE_M, _ALONG_M = 1.0, 20.0
"""Units within so much of each other, along so much, are neighbors: what says otherwise is in dispute."""

_SEEN_M = (2.7, 20.0)
"""Units that see each other along less are no neighbors for certain; along as much as the second they are."""

_CERTAIN = (0.9, 1.1)
"""So near to the tolerance, as a share of it, measuring leaves open what is within it."""

_SHARED_M = 3.3
"""So much border makes two units neighbors: 3 m, and what measuring may add; less is named, and fails nothing."""


@dataclass(frozen=True)
class Drawn:
    """The shapes of units and zones in meters, and what could not be drawn."""

    # Id → shape, in meters
    units: Shapes
    zones: Shapes
    faults: Mapping[str, list[str]]  # What is wrong → ids
    latitude: float | None = None  # By which degrees were made meters; None where they were meters


def draw(record: PlanRecord) -> Drawn:
    """Turn the layers of a plan into shapes measured in meters."""
    faults: dict[str, list[str]] = defaultdict(list)
    units = _shapes(record.unit_features, "unit_id", faults)
    zones = _shapes(record.zone_features, "zone_id", faults)
    if not (record.is_degrees and units and _look_like_degrees([*units.values(), *zones.values()])):
        return Drawn(units, zones, faults)
    _, south, _, north = shapely.total_bounds(list(units.values()))
    latitude = float(south + north) / 2
    units, zones = (_in_meters(shapes, latitude=latitude) for shapes in (units, zones))
    return Drawn(units, zones, faults, latitude)


def shape_checks(record: PlanRecord, drawn: Drawn) -> list[Check]:
    """Check the map of a plan."""
    sound = check_of("shapes", drawn.faults, "all shapes are valid polygons", noun="shape")
    if not sound.passed:
        return [sound]
    return [sound, *_tiling(record, drawn), *_edges(record, drawn), *_barriers(record, drawn)]


def _shapes(features: Iterable[Mapping[str, Any]], key: str, faults: dict[str, list[str]]) -> Shapes:
    shapes: Shapes = {}
    for feature in features:
        name = feature["properties"][key]
        try:
            drawn = shape(feature["geometry"])
        except (AttributeError, KeyError, TypeError, ValueError, IndexError, shapely.GEOSException):
            faults["that cannot be drawn"].append(name)
            continue
        if drawn.geom_type not in {"Polygon", "MultiPolygon"} or drawn.is_empty:
            faults["that are no polygons"].append(name)
        elif not (drawn.is_valid and all(map(math.isfinite, drawn.bounds))):
            faults["that are not valid (an edge crosses another)"].append(name)
        else:
            shapes[name] = drawn
    return shapes


def _look_like_degrees(shapes: list[BaseGeometry]) -> bool:
    west, south, east, north = shapely.total_bounds(shapes)
    return bool(-180 <= west <= east <= 180 and -90 < south <= north < 90)  # noqa: PLR2004 - the whole globe


def _in_meters(shapes: Shapes, *, latitude: float) -> Shapes:
    degree = math.radians(1) * _EARTH_M
    stretch = [degree * math.cos(math.radians(latitude)), degree]
    return {name: shapely.transform(s, lambda xy: xy * stretch) for name, s in shapes.items()}


def _tiling(record: PlanRecord, drawn: Drawn) -> list[Check]:
    land = shapely.union_all(list(drawn.units.values()))
    covered = shapely.union_all(list(drawn.zones.values()))
    gap, beyond = shapely.difference(land, covered), shapely.difference(covered, land)
    outside = _outside(record, drawn)
    faults = {
        "of which ground is in no zone": _touching(drawn.units, gap),
        "that a zone reaches beyond": _touching(drawn.units, beyond),
        "that overlap": _overlaps(drawn.units),
        "beside a sliver that is in none": _touching(drawn.units, _slivers(land)),
        "that lie outside their planned zone": [i for i, m2 in outside.items() if m2 > _HELD * drawn.units[i].area],
    }
    zones = {"that overlap": _overlaps(drawn.zones)}
    checks = [check_of("tiling", faults, ""), check_of("tiling", zones, "", noun="zone")]
    said = " ".join(c.message for c in checks if not c.passed)
    whole = "The zones cover the units, without gap, overlap or sliver, and every unit lies in its planned zone."
    found = [Check("tiling", passed=not said, message=said or whole)]
    if outside and not said:
        names = sorted(outside, key=lambda i: -outside[i])
        held = ", ".join(f"{i} ({outside[i]:,.0f} m²)" for i in names[:5])
        units = count_text(len(names), "unit")
        note = f"Zones hold ground at the rim of {units} of other zones, as for school grounds: {held}."
        found.append(Check("ground_held", passed=None, message=note))
    return found


def _outside(record: PlanRecord, drawn: Drawn) -> dict[str, float]:
    parts = {u.unit_id: (drawn.units.get(u.unit_id), drawn.zones.get(u.after)) for u in record.units}
    found = {}
    for name, (unit, zone) in parts.items():
        if unit is not None and zone is not None:
            outside = shapely.difference(unit, zone)
            if not _is_rounding(outside, along=unit):
                found[name] = float(outside.area)
    return found


def _touching(shapes: Shapes, area: BaseGeometry) -> list[str]:
    parts = [p for p in shapely.get_parts(area) if not _is_rounding(p, along=p)]
    return [name for name, s in shapes.items() if any(shapely.dwithin(s, p, ROUNDING_M) for p in parts)]


def _is_rounding(area: BaseGeometry, *, along: BaseGeometry) -> bool:
    # Thin, and no larger than a hair along the whole outline; the second is cheap, the first is exact.
    if shapely.area(area) <= _SPECK_M2:
        return True
    is_small = shapely.area(area) <= ROUNDING_M * max(shapely.length(along), ROUNDING_M)
    return bool(is_small and shapely.is_empty(shapely.buffer(area, -ROUNDING_M / 2)))


def _overlaps(shapes: Shapes) -> list[str]:
    names, drawn = list(shapes), list(shapes.values())
    tree = shapely.STRtree(drawn)
    found = set()
    for i, one in enumerate(drawn):
        for j in tree.query(one, predicate="intersects"):
            if i < j and not _is_rounding(shapely.intersection(one, drawn[j]), along=one):
                found |= {names[i], names[j]}
    return sorted(found)


def _slivers(land: BaseGeometry) -> BaseGeometry:
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(land) for ring in part.interiors]
    return shapely.MultiPolygon([h for h in holes if shapely.is_empty(shapely.buffer(h, -SLIVER_M / 2))])


def _edges(record: PlanRecord, drawn: Drawn) -> list[Check]:
    snap = _stated(record, "snap_m", _SNAP_M) + ROUNDING_M / 5
    least = _stated(record, "min_shared_m", _MIN_SHARED_M) * 0.9
    borders = [e for e in record.edges if e.kind == "border"]
    lengths = [(e, _shared_m(drawn.units, e.a, e.b, snap)) for e in borders]
    known = {"border", "bridge", "extra"}
    tolerance = _stated(record, "neighbor_tolerance_m", 0.0)
    across = _Across(drawn.units, tolerance * _CERTAIN[1])
    apart = [e for e, m in lengths if m < least and not (tolerance and across.seen_m(e.a, e.b) >= _SEEN_M[0])]
    faults = {
        "with no border: the units do not meet along a line": [_name(e) for e in apart],
        "of an unknown kind": [f"{_name(e)} ({e.kind})" for e in record.edges if e.kind not in known],
    }
    checks = [check_of("edges", faults, f"{len(borders):,} links are borders on the map", noun="link")]
    others = [e for e in record.edges if e.kind in {"bridge", "extra"}]
    if others:
        text = ", ".join(f"{_name(e)} ({e.kind})" for e in others[:5])
        said = f"{len(others)} of {len(record.edges):,} links added, without a border: {text}."
        checks.append(Check("links_added", passed=None, message=said))
    missing = _missing(record.edges, drawn.units, snap=snap, least=max(1.0, least / 0.9 * 1.1))
    if missing:
        said = (
            f"{count_text(len(missing), 'pair')} of units with a common border and no link: {', '.join(missing[:5])}."
        )
        checks.append(Check("links_left_out", passed=None, message=said))
    return [*checks, *_neighbors(record, drawn)]


def _neighbors(record: PlanRecord, drawn: Drawn) -> list[Check]:
    """Fail where the drawing leaves open who borders whom: contiguity, and so every proof, rests on it."""
    kept_apart = {frozenset(pair) for pair in record.pairs("apart")}
    tolerance = _stated(record, "neighbor_tolerance_m", 0.0)
    open_pairs = _unlinked_near(record.edges, drawn.units)
    if tolerance > _CLOSE_M:
        across = _Across(drawn.units, tolerance * _CERTAIN[0]).unlinked(record.edges)
        open_pairs += [pair for pair in across if pair not in open_pairs]
    far = [
        f"{_name(e)} ({apart:,.0f} m)"
        for e in record.edges
        if e.kind == "border" and e.a in drawn.units and e.b in drawn.units
        if (apart := shapely.distance(drawn.units[e.a], drawn.units[e.b])) > max(_CLOSE_M, tolerance * _CERTAIN[1])
    ]
    faults = {
        f"unlinked though they share 3 m of border, or run within {max(_CLOSE_M, tolerance):g} m of each other along "
        "20 m": [f"{a}–{b}" for a, b in open_pairs if frozenset((a, b)) not in kept_apart],
        "linked as by a border though the units lie apart": far,
    }
    whole = "the drawing leaves no doubt who borders whom"
    checks = [check_of("neighbors", faults, whole, noun="pair")]
    kept = [f"{a}–{b}" for a, b in open_pairs if frozenset((a, b)) in kept_apart]
    if kept:
        pairs = count_text(len(kept), "pair")
        said = f"{pairs} with a common border, kept apart as the certificate says: {', '.join(kept[:5])}."
        checks.append(Check("links_kept_apart", passed=None, message=said))
    return checks


def _unlinked_near(edges: Iterable[Edge], units: Shapes) -> list[tuple[str, str]]:
    linked = {frozenset((e.a, e.b)) for e in edges}
    names, drawn = list(units), list(units.values())
    tree, wide = shapely.STRtree(drawn), dict[int, BaseGeometry]()
    found = []
    for i, one in enumerate(drawn):
        for j in map(int, tree.query(one, predicate="dwithin", distance=_CLOSE_M)):
            if i >= j or frozenset((names[i], names[j])) in linked:
                continue
            for k in (i, j):
                wide.setdefault(k, shapely.buffer(drawn[k], _CLOSE_M))
            along = (shapely.intersection(one.boundary, wide[j]), shapely.intersection(drawn[j].boundary, wide[i]))
            shared = shapely.intersection(one.boundary, drawn[j].boundary)
            if min(map(shapely.length, along)) >= _ALONG_M or shapely.length(shared) >= _SHARED_M:
                found.append((names[i], names[j]))
    return found


class _Across:
    """What units see across gaps: from points along the rim of each, the nearest of the others within a distance."""

    def __init__(self, units: Shapes, within_m: float) -> None:
        self._units, self._within_m = units, within_m
        self._names, self._drawn = list(units), list(units.values())
        self._tree = shapely.STRtree(self._drawn)

    def seen_m(self, a: str, b: str) -> float:
        """Measure along how many meters each of two sees the other; the shorter view."""
        if a not in self._units or b not in self._units:
            return 0.0
        return min(self._view_m(a, b), self._view_m(b, a))

    def _view_m(self, a: str, b: str) -> float:
        one, other = self._units[a], self._units[b]
        rim = shapely.intersection(one.boundary, shapely.buffer(other, self._within_m))
        near = [self._names[i] for i in self._tree.query(rim, predicate="dwithin", distance=self._within_m)]
        third = shapely.union_all([self._units[name] for name in near if name not in {a, b}])
        seen = 0.0
        for line in shapely.get_parts(rim):
            count = max(1, round(line.length))
            points = shapely.line_interpolate_point(line, [(k + 0.5) / count for k in range(count)], normalized=True)
            far, nearer = shapely.distance(points, other), shapely.distance(points, third)
            # Where there is no third unit its distance is missing, and nothing is nearer.
            seen += line.length * sum(not n < f for f, n in zip(far.tolist(), nearer.tolist(), strict=True)) / count
        return seen

    def unlinked(self, edges: Iterable[Edge]) -> list[tuple[str, str]]:
        """Find the pairs that see each other along so much that they are neighbors for certain, and are not linked."""
        linked = {frozenset((e.a, e.b)) for e in edges}
        pairs = [
            (self._names[i], self._names[j])
            for i, one in enumerate(self._drawn)
            for j in map(int, self._tree.query(one, predicate="dwithin", distance=self._within_m))
            if i < j and frozenset((self._names[i], self._names[j])) not in linked
        ]
        return [(a, b) for a, b in pairs if self.seen_m(a, b) >= _SEEN_M[1]]


def _stated(record: PlanRecord, key: str, default: float) -> float:
    value = record.certificate.get(key, default)
    return float(value) if isinstance(value, int | float) and value >= 0 else default


def _name(edge: Edge) -> str:
    return f"{edge.a}–{edge.b}"


def _shared_m(units: Shapes, a: str, b: str, snap: float) -> float:
    if a not in units or b not in units:
        return 0.0
    one, other = units[a], units[b]
    rims = ((one.boundary, other), (other.boundary, one))
    return min(shapely.length(shapely.intersection(rim, shapely.buffer(area, snap))) for rim, area in rims)


def _missing(edges: Iterable[Edge], units: Shapes, *, snap: float, least: float) -> list[str]:
    linked = {frozenset((e.a, e.b)) for e in edges}
    names, drawn = list(units), list(units.values())
    tree = shapely.STRtree(drawn)
    pairs = [
        (names[i], names[j])
        for i, one in enumerate(drawn)
        for j in tree.query(one, predicate="dwithin", distance=snap)
        if i < j and frozenset((names[i], names[j])) not in linked
    ]
    return [f"{a}–{b}" for a, b in pairs if _shared_m(units, a, b, snap) >= least]


_THIN_M, _THICK_M, _SEAM_M = 4.0, 6.0, 0.05
"""A barrier parts units for certain where it does as thin as this, and does not where it does not even as thick."""


def _barriers(record: PlanRecord, drawn: Drawn) -> list[Check]:
    """Follow the ways between neighbors beside a barrier again: within the two, around it, or along a road across."""
    facts = record.certificate.get("barriers")
    if not facts:
        return []
    try:
        layers: Shapes = {key: shapely.MultiLineString(facts[key]) for key in ("lines", "roads")}
        layers |= {f"at {name}": shapely.Point(at) for name, at in facts["places"].items()}
        pairs = [(str(a), str(b)) for a, b in facts["pairs"]]
    except (AttributeError, KeyError, TypeError, ValueError, shapely.GEOSException) as error:
        return [
            Check("barriers", passed=False, message=f"What the certificate says of barriers is not whole ({error}).")
        ]
    if drawn.latitude is not None:
        layers = _in_meters(layers, latitude=drawn.latitude)
    known = {name for name in drawn.units if f"at {name}" in layers}
    linked = [(e.a, e.b) for e in record.edges if e.kind == "border" and {e.a, e.b} <= known]
    there = {frozenset((e.a, e.b)) for e in record.edges if e.kind == "border"}
    faults = {
        "said to be parted by a barrier, and of units that are not drawn or placed": [
            f"{a}–{b}" for a, b in pairs if not {a, b} <= known
        ],
        "said to be parted by a barrier, and yet linked": [f"{a}–{b}" for a, b in pairs if frozenset((a, b)) in there],
        "said to be parted by a barrier, and yet with a way that crosses none": [
            f"{a}–{b}" for a, b in pairs if {a, b} <= known and not _is_parted(drawn, layers, a, b, wide_m=_THICK_M)
        ],
        "linked though a barrier parts them, and no road crosses": [
            f"{a}–{b}" for a, b in linked if _is_parted(drawn, layers, a, b, wide_m=_THIN_M)
        ],
    }
    said = f"{count_text(len(pairs), 'pair')} parted by barriers, and no link crosses one but at roads"
    return [check_of("barriers", faults, said, noun="pair")]


def _is_parted(drawn: Drawn, layers: Shapes, a: str, b: str, *, wide_m: float) -> bool:
    both = shapely.union_all([shapely.buffer(drawn.units[name], _SEAM_M) for name in (a, b)])
    if not shapely.dwithin(both, layers["lines"], wide_m):
        return False
    patches = list(shapely.get_parts(shapely.difference(both, shapely.buffer(layers["lines"], wide_m))))
    roads = [
        p for line in shapely.get_parts(layers["roads"]) for p in shapely.get_parts(shapely.intersection(line, both))
    ]
    reached = {min(range(len(patches)), key=lambda g: shapely.distance(patches[g], layers[f"at {a}"]))}
    end = min(range(len(patches)), key=lambda g: shapely.distance(patches[g], layers[f"at {b}"]))
    nodes, front = [*patches, *roads], list(reached)
    while front:
        here = nodes[front.pop()]
        new = {i for i, node in enumerate(nodes) if i not in reached and shapely.intersects(here, node)}
        reached |= new
        front += new
    return end not in reached
