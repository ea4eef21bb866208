"""Whether a bound holds: tried against every plan where they are few, and said to rest on a record where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safeschools_geo.check_report import Check
from safeschools_geo.rebalance.checking.claims import PROVEN_WITHIN, move_costs
from safeschools_geo.rebalance.checking.every_plan import (
    TooManyPlansError,
    Town,
    find_plan,
    imbalance_floor,
    least_moves,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.rebalance.checking.record import Record

PLANS_TRIED = 300_000
"""How many plans are looked at for one claim before the search is given up; some seconds."""


class Claim(NamedTuple):
    """One bound that can be tried against plans.

    Parameters
    ----------
    objective
        ``imbalance`` or ``moves``.
    value, bound
        What was found, and what no plan is said to be below.
    limit
        The most moves, for an imbalance; the largest imbalance, for moves.
    """

    objective: str
    value: float | None
    bound: float
    limit: float


class Verdict(NamedTuple):
    """What the checker found of a claim.

    Parameters
    ----------
    state
        ``confirmed``, ``refuted`` or ``recorded``.
    message
        In plain English.
    """

    state: str
    message: str


def bound_checks(record: Record, *, plans_tried: int = PLANS_TRIED) -> tuple[list[Check], str]:
    """Try the bounds of the certificate and the frontier against every plan, as far as they are few.

    Parameters
    ----------
    record
        The files, sound so far.
    plans_tried
        How many plans are looked at for one claim.

    Returns
    -------
    tuple
        ``bound`` and, where there is a frontier, ``frontier_bounds``; and the state of the certificate's bound.
    """
    certified = _certified(record)
    if certified is None:
        state, checks = "recorded", [Check("bound", passed=None, message=_not_tried(record))]
    else:
        verdict = _verdict(record, _town(record, certified.objective), certified, plans_tried)
        state, checks = verdict.state, [_check("bound", verdict)]
    if record.frontier:
        checks.append(_frontier(record, plans_tried))
    return checks, state


def town_of(record: Record, costs: dict[str, float]) -> Town:
    """Turn a written plan into plain lists for the search.

    Parameters
    ----------
    record
        The files.
    costs
        Unit → what moving it counts for.

    Returns
    -------
    Town
        Units in the order of plan.csv, zones in the order of the certificate.
    """
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
    links: list[set[int]] = [set() for _ in units]
    for edge in (e for e in record.edges if e.a in row and e.b in row):
        links[row[edge.a]].add(row[edge.b])
        links[row[edge.b]].add(row[edge.a])
    return Town(
        before=tuple(zone.get(u.before, -1) for u in units),
        loads=tuple(u.workload for u in units),
        costs=tuple(costs[u.unit_id] for u in units),
        neighbours=tuple(tuple(sorted(js)) for js in links),
        zones=len(zone),
        allowed=tuple(frozenset(zones) for zones in allowed),
        together=tuple(tuple(row[i] for i in group if i in row) for group in certificate["together"] if group),
    )


def _town(record: Record, objective: str) -> Town:
    # A limit on moves is one on units, and on schools where moves are counted in schools.
    is_counted = objective == "moves" or record.certificate.get("moves_by") == "schools"
    costs = move_costs(record) if is_counted else None
    return town_of(record, costs or {u.unit_id: 1.0 for u in record.units})


def _certified(record: Record) -> Claim | None:
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


def _verdict(record: Record, town: Town, claim: Claim, plans_tried: int) -> Verdict:
    try:
        fault = _fault(record, town, claim, plans_tried)
    except TooManyPlansError:
        return Verdict("recorded", f"{_not_tried(record)} {_floor_text(town, claim)}")
    if fault:
        return Verdict("refuted", fault)
    return Verdict(
        "confirmed", f"Confirmed by going through every plan: no {_class_text(record, claim)} {_claim_text(claim)}."
    )


def _fault(record: Record, town: Town, claim: Claim, plans_tried: int) -> str:
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


def _frontier(record: Record, plans_tried: int) -> Check:
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


def _not_tried(record: Record) -> str:
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
        told = f"an imbalance of at least {imbalance_floor(town, max_moves=claim.limit):.4%}"
    else:
        told = f"that at least {least_moves(town, below=claim.limit):g} units move"
    return f"Its own arithmetic, which looks at loads only, shows {told}."


def _class_text(record: Record, claim: Claim) -> str:
    certificate = record.certificate
    rules = {"roots": "roots", "locked": "locks", "forbidden": "forbidden pairs", "together": "groups"}
    kept = [f"the {name}" for key, name in rules.items() if certificate[key]]
    limit = f"of at most {_moves_text(claim.limit)}"
    within = limit if claim.objective == "imbalance" else f"within the tolerance of {claim.limit:.4%}"
    return f"contiguous plan {within}{f' that keeps {_joined(kept)}' if kept else ''}"


def _claim_text(claim: Claim) -> str:
    if claim.objective == "imbalance":
        return f"has an imbalance below {claim.bound:.4%}"
    return f"has moves that count less than {claim.bound:g}"


def _better_text(record: Record, town: Town, claim: Claim, label: Sequence[int]) -> str:
    zones = record.certificate["zones"]
    pairs = zip(record.counted(), label, strict=True)
    moved = [f"{u.unit_id} to {zones[z]}" for u, z in pairs if u.before != zones[z]]
    told = f"{_moves_text(len(moved))} ({', '.join(moved[:10]) or 'none'})"
    return (
        f"The bound does not hold: there is a plan with an imbalance of {town.imbalance(label):.4%} and {told}, and "
        f"{claim.bound!r} is claimed to be the best possible."
    )


def _moves_text(number: float) -> str:
    return f"{number:g} move{'' if number == 1 else 's'}"


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
