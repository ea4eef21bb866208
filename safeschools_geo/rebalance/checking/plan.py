"""The plan itself, as the independent checker sees it: who is where, what must hold, and what the loads are."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import TYPE_CHECKING

from safeschools_geo.check_report import Check, check_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from safeschools_geo.rebalance.checking.record import Edge, Record, Unit

CLOSE = 1e-9
"""Numbers that are to be equal may differ by this, relative to 1 or to themselves if they are larger."""


def is_close(a: float, b: float, *, within: float = CLOSE) -> bool:
    """Say whether two numbers are equal but for rounding.

    Parameters
    ----------
    a, b
        The numbers.
    within
        How far apart they may be, relative to 1 or to the larger of them.

    Returns
    -------
    bool
        True when they are.
    """
    return abs(a - b) <= within * max(1.0, abs(a), abs(b))


def unit_checks(record: Record) -> list[Check]:
    """Check that every unit is there exactly once, and the same in every file.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    list of Check
        ``units``, ``zones``, ``moves``.
    """
    return [_same_units(record), _zones(record), _moves(record)]


def rule_checks(record: Record) -> list[Check]:
    """Check what the plan had to keep to.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    list of Check
        ``locks``, ``forbidden``, ``together``, ``roots``, and ``set_apart`` where zones are.
    """
    return [_locks(record), _forbidden(record), _together(record), _roots(record), *_set_apart(record)]


def load_checks(record: Record) -> list[Check]:
    """Add up the loads of the zones and compare them with what is claimed.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    list of Check
        ``contiguity``, ``loads``, ``imbalance``, ``tolerance``.
    """
    return [_contiguity(record), _loads(record), _imbalance(record), _tolerance(record)]


def hash_checks(record: Record) -> list[Check]:
    """Compare the fingerprints of the inputs and the files with those of the certificate.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    list of Check
        ``inputs``, ``files``, and a note on files that the certificate does not list.
    """
    return [_inputs(record), *_file_hashes(record)]


def load_of_zones(units: Iterable[Unit], zones: Iterable[str], *, after: bool = True) -> dict[str, float]:
    """Add up the loads of zones.

    Parameters
    ----------
    units
        Rows of plan.csv.
    zones
        Ids of the zones.
    after
        Whether to add up the plan, or what there was before.

    Returns
    -------
    dict
        Zone → load; 0 for a zone without units.
    """
    members: dict[str, list[float]] = {z: [] for z in zones}
    for unit in units:
        members.setdefault(unit.after if after else unit.before, []).append(unit.workload)
    return {z: math.fsum(loads) for z, loads in members.items()}


def imbalance_of(loads: Mapping[str, float]) -> float:
    """Measure the largest ``|load - mean| / mean``.

    Parameters
    ----------
    loads
        Zone → load.

    Returns
    -------
    float
        The imbalance; 0 where there is no load.
    """
    mean = math.fsum(loads.values()) / len(loads)
    return max(abs(load - mean) for load in loads.values()) / mean if mean > 0 else 0.0


def pieces_of(members: set[str], edges: Iterable[Edge]) -> list[set[str]]:
    """Find the pieces that a set of units falls into.

    Parameters
    ----------
    members
        Ids of units.
    edges
        Links between units.

    Returns
    -------
    list of set
        The pieces, the largest first.
    """
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


def _same_units(record: Record) -> Check:
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
    is_number = isinstance(workload, int | float) and not isinstance(workload, bool)
    return is_number and zones == (unit.before, unit.after) and is_close(float(workload), unit.workload)  # type: ignore[arg-type]


def _zones(record: Record) -> Check:
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
    return check_of("zones", faults, f"{len(stated):,} zones, as the certificate says, each with a unit", noun="zone")


def _moves(record: Record) -> Check:
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


def _locks(record: Record) -> Check:
    units = {u.unit_id: u for u in record.units}
    locked = record.certificate["locked"]
    faults = {
        "locked but not in the plan": [i for i in locked if i not in units],
        "locked and yet moved": [i for i in locked if i in units and units[i].before != units[i].after],
    }
    return check_of("locks", faults, f"{len(locked)} locked, all of them stay")


def _forbidden(record: Record) -> Check:
    after = {u.unit_id: u.after for u in record.units}
    pairs = record.certificate["forbidden"]
    faults = {
        "of a forbidden pair but not in the plan": [i for i, _ in pairs if i not in after],
        "in a zone that is forbidden to it": [f"{i} in {z}" for i, z in pairs if after.get(i) == z],
    }
    return check_of("forbidden", faults, f"{len(pairs)} forbidden pairs, none used")


def _together(record: Record) -> Check:
    after = {u.unit_id: u.after for u in record.units}
    groups = record.certificate["together"]
    faults = {
        "of a group but not in the plan": [i for g in groups for i in g if i not in after],
        "to be kept together and yet apart": [" + ".join(g) for g in groups if len({after.get(i) for i in g}) > 1],
    }
    return check_of("together", faults, f"{len(groups)} groups, each in one zone")


def _roots(record: Record) -> Check:
    after = {u.unit_id: u.after for u in record.units}
    roots = record.certificate["roots"]
    faults = {
        "the root of a zone but not in the plan": [i for i in roots.values() if i not in after],
        "the root of a zone and yet not in it": [f"{i} of {z}" for z, i in roots.items() if after.get(i, z) != z],
        "the root of something that is no zone": [i for z, i in roots.items() if z not in record.certificate["zones"]],
    }
    return check_of("roots", faults, f"{len(roots)} roots, each in its zone")


def _set_apart(record: Record) -> list[Check]:
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
    told = f"{', '.join(sorted(apart))} set apart: no workload, and nothing goes in or out"
    return [check_of("set_apart", faults, told)]


def _contiguity(record: Record) -> Check:
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


def _loads(record: Record) -> Check:
    loads = load_of_zones(record.units, [*record.certificate["zones"], *record.ids("zones_set_apart")])
    wrong = []
    for feature in record.zone_features:
        properties = feature["properties"]
        zone, told = properties["zone_id"], properties.get("workload")
        is_number = isinstance(told, int | float) and not isinstance(told, bool)
        if zone in loads and not (is_number and is_close(told, loads[zone])):
            wrong.append(f"{zone} ({told!r}, the units add up to {loads[zone]!r})")
    return check_of(
        "loads", {"whose workload in zones.geojson is not that of its units": wrong}, "loads add up", noun="zone"
    )


def _imbalance(record: Record) -> Check:
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
    told = f"The imbalance is {found['imbalance_before']:.2%} before and {found['imbalance_after']:.2%} after."
    return Check("imbalance", passed=True, message=told)


def _tolerance(record: Record) -> Check:
    tolerance = record.certificate["tolerance"]
    if tolerance is None:
        return Check("tolerance", passed=True, message="No tolerance was asked for.")
    found = imbalance_of(load_of_zones(record.counted(), record.certificate["zones"]))
    is_kept = found <= tolerance + CLOSE
    verb = "is within" if is_kept else "exceeds"
    return Check(
        "tolerance", passed=is_kept, message=f"The imbalance, {found:.4%}, {verb} the tolerance, {tolerance:.4%}."
    )


def _inputs(record: Record) -> Check:
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


def _file_hashes(record: Record) -> list[Check]:
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
