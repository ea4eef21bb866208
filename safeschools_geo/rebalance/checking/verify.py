"""Check a written plan again, without the solver: an independent reading of its files and of its certificate.

It uses the standard library, and shapely for the map; none of the code that makes plans. What it can find itself it
finds itself; what it cannot, it says it has not repeated.
"""

from __future__ import annotations

from pathlib import Path

from safeschools_geo.check_report import Check, VerifyReport
from safeschools_geo.rebalance.checking.bound import PLANS_TRIED, bound_checks
from safeschools_geo.rebalance.checking.claims import claim_checks
from safeschools_geo.rebalance.checking.plan import hash_checks, load_checks, rule_checks, unit_checks
from safeschools_geo.rebalance.checking.record import REQUIRED, Record, read_record
from safeschools_geo.rebalance.checking.shapes import draw, shape_checks


def verify_folder(folder: str | Path, *, plans_tried: int = PLANS_TRIED) -> VerifyReport:
    """Check the files that a rebalancing wrote.

    Parameters
    ----------
    folder
        The folder with plan.csv, edges.csv, units.geojson, zones.geojson, certificate.json and perhaps frontier.csv.
    plans_tried
        How many plans are looked at to test one bound. Beyond that the bound rests on the solver's record, and the
        report says so.

    Returns
    -------
    VerifyReport
        Every check with what was found; a folder that is something else fails the check ``folder``.
    """
    folder = Path(folder)
    fault = _folder_fault(folder)
    if fault:
        return VerifyReport(str(folder), (Check("folder", passed=False, message=fault),))
    record = read_record(folder)
    checks = _readable(record)
    if record.faults:
        return VerifyReport(str(folder), tuple(checks))
    checks += unit_checks(record)
    # The rest speaks of units and zones by name: it makes sense only when those are the same everywhere.
    if all(c.passed for c in checks if c.name in {"units", "zones"}):
        checks += [*rule_checks(record), *load_checks(record), *claim_checks(record)]
    checks += [*shape_checks(record, draw(record)), *hash_checks(record)]
    if any(c.passed is False for c in checks):
        checks.append(Check("bound", passed=None, message="The bound was not tried, since other checks failed."))
        return VerifyReport(str(folder), tuple(checks))
    tried, state = bound_checks(record, plans_tried=plans_tried)
    return VerifyReport(str(folder), (*checks, *tried), state)


def _folder_fault(folder: Path) -> str:
    if not folder.is_dir():
        return (
            "There is no such folder." if not folder.exists() else "It is a file; the folder that holds it is needed."
        )
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if not missing:
        return ""
    if len(missing) < len(REQUIRED):
        said = f"It is not whole: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there."
        return f"{said} Write the plan again."
    if (folder / "packet.json").is_file():
        return "It is a board packet, and no plan that `rebalance` wrote."
    if (folder / "plan" / "certificate.json").is_file():
        return f"It holds a plan in a folder of its own: check {(folder / 'plan').as_posix()}."
    return (
        f"It is no folder that `rebalance` wrote, and no board packet: it holds none of {', '.join(REQUIRED)}, and no "
        "packet.json."
    )


def _readable(record: Record) -> list[Check]:
    if not record.faults:
        return [Check("readable", passed=True, message="Every file can be read.")]
    return [Check("readable", passed=False, message=f"{name}: {fault}.") for name, fault in record.faults]
