"""What a certificate claims, and whether its numbers agree with each other and with the plan."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from safeschools_geo.check_report import Check
from safeschools_geo.rebalance.checking.plan import CLOSE, imbalance_of, is_close, load_of_zones

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.rebalance.checking.record import Record, Unit

PROVEN_WITHIN = 1e-7
"""A value counts as proven when its bound is this near, unless the certificate states a `proof_tolerance`."""

_LOOSEST_PROOF = 1e-3
_ABSOLUTE = ("imbalance", "moves")


def proof_tolerance(record: Record) -> float:
    """Tell how near a bound has to be to count as a proof.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    float
        `proof_tolerance` of the certificate, else `PROVEN_WITHIN`; never more than a thousandth.
    """
    stated = record.certificate.get("proof_tolerance")
    is_stated = isinstance(stated, int | float) and not isinstance(stated, bool) and stated >= 0
    return min(float(stated), _LOOSEST_PROOF) if is_stated else PROVEN_WITHIN  # type: ignore[arg-type]


def move_costs(record: Record) -> dict[str, float] | None:
    """Tell what moving each unit counts for.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    dict or None
        Unit → 1, or what `moves_by` of the certificate names: its schools, students or workload; None where plan.csv
        does not hold those.
    """
    by = record.certificate.get("moves_by", "units")
    costs = {u.unit_id: _cost(u, str(by)) for u in record.units}
    return None if any(math.isnan(c) for c in costs.values()) else costs


def claim_checks(record: Record) -> list[Check]:
    """Check the arithmetic of the certificate and of the frontier.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    list of Check
        ``value``, ``gap``, ``stages``, and ``frontier`` where there is one.
    """
    certificate, within = record.certificate, proof_tolerance(record)
    faults = _number_faults(certificate, within)
    steps = [(f"stage {n}", s) for n, s in enumerate(certificate["stages"], start=1)]
    stage_faults = [
        f"{name}: {fault}" for name, s in steps if s["value"] is not None for fault in _number_faults(s, within)
    ]
    stage_faults += _stage_faults(certificate)
    told = "bound, value and gap agree" + (
        ", and the gap is small enough for a proof" if certificate["is_proven"] else ""
    )
    checks = [
        _told("value", _value_faults(record), "the plan has the value that is claimed"),
        _told("gap", faults, told),
        _told("stages", stage_faults, f"{len(steps)} stages agree with the certificate"),
    ]
    if record.frontier is not None:
        faults = [*_frontier_faults(record, record.frontier, within), *_certified_point(record, record.frontier)]
        checks.append(_told("frontier", faults, f"{len(record.frontier)} points; more moves never make it worse"))
    return checks


def _cost(unit: Unit, by: str) -> float:
    if by == "units":
        return 1.0
    return unit.workload if by == "workload" else unit.figures.get(by, math.nan)


def _told(name: str, faults: list[str], otherwise: str) -> Check:
    text = "; ".join(faults) or otherwise
    return Check(name, passed=not faults, message=f"{text[:1].upper()}{text[1:]}.")


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


def _value_faults(record: Record) -> list[str]:
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


def _is_equal(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else is_close(float(a), float(b))


def _frontier_faults(record: Record, rows: list[dict[str, Any]], within: float) -> list[str]:
    slack = record.certificate["slack"] or 0.0
    ids = {u.unit_id for u in record.units}
    faults = []
    for row in rows:
        name = f"at {row['moves']:g} moves"
        if row["imbalance"] is not None:
            claim = {**row, "objective": "imbalance", "value": row["imbalance"]}
            faults += [f"{name}: {fault}" for fault in _number_faults(claim, within)]
        elif row["is_proven"] and row["bound"] is not None and math.isfinite(row["bound"]):
            faults.append(f"{name}: it is said to be proven, and yet there is no plan")
        shown, smallest = row["plan_imbalance"], row["imbalance"]
        if None not in {shown, smallest} and not smallest - CLOSE <= shown <= smallest + slack + CLOSE:
            faults.append(f"{name}: the plan shown, {shown!r}, is not within {slack!r} of {smallest!r}")
        if row["units_moved"] is not None and row["units_moved"] > row["moves"]:
            faults.append(f"{name}: {row['units_moved']:g} units move")
        if row["moved"] is not None and not _is_list_of(row, ids):
            faults.append(f"{name}: the units listed as moved are not as many as counted, or unknown")
    for one, more in itertools.pairwise(rows):
        faults += _step_faults(one, more)
    return faults


def _is_list_of(row: Mapping[str, Any], ids: set[str]) -> bool:
    moved = row["moved"]
    is_counted = row["units_moved"] is None or len(moved) == row["units_moved"]
    return is_counted and len(set(moved)) == len(moved) and ids.issuperset(moved)


def _step_faults(one: Mapping[str, Any], more: Mapping[str, Any]) -> list[str]:
    faults = []
    if more["moves"] <= one["moves"]:
        faults.append(f"the points are not in the order of their moves ({one['moves']:g}, then {more['moves']:g})")
    faults += [
        f"the {name} rises from {one[name]!r} to {more[name]!r} at {more['moves']:g} moves"
        for name in ("imbalance", "bound")
        if None not in {one[name], more[name]} and more[name] > one[name] + CLOSE
    ]
    return faults


def _certified_point(record: Record, rows: list[dict[str, Any]]) -> list[str]:
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
