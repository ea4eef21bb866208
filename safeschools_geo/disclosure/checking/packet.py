"""Check a written board packet again, without the solver: an independent reading of its pages and of its audit.

It uses the standard library alone, and none of the code that makes packets. What it can find itself it finds itself:
that the files are those that were written, that pages and audit agree, that nothing small is published, and that
what is withheld can be as small and as large as it has to be, by worlds that agree with all that is published. What it
cannot find from public files, it says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safeschools_geo.check_report import Check, VerifyReport
from safeschools_geo.disclosure.checking.arithmetic import add_up, figure_checks, interval_checks, world_checks
from safeschools_geo.disclosure.checking.files import file_checks
from safeschools_geo.disclosure.checking.pages import page_checks
from safeschools_geo.disclosure.checking.record import AUDIT, PACKET, RELEASES, page_names, read_record
from safeschools_geo.disclosure.checking.releases import release_checks
from safeschools_geo.disclosure.checking.telling import told

if TYPE_CHECKING:
    from safeschools_geo.disclosure.checking.record import Record


def is_packet(folder: Path) -> bool:
    """Say whether a folder is a board packet, or what is left of one.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    bool
        Whether it has files that only packets have.
    """
    return any((folder / name).is_file() for name in (PACKET, AUDIT, RELEASES))


def verify_packet(folder: str | Path, *, releases: Path | None = None) -> VerifyReport:
    """Check the files of a board packet.

    Parameters
    ----------
    folder
        The folder with packet.json, audit.json and the pages.
    releases
        The record of releases; that of the folder or of the district around it, if left out.

    Returns
    -------
    VerifyReport
        Every check with what was found, without a bound; a folder that is something else fails the check ``folder``.
    """
    folder = Path(folder)
    fault = _folder_fault(folder)
    if fault:
        return VerifyReport(str(folder), (Check("folder", passed=False, message=fault),), bound=None)
    record = read_record(folder, releases)
    faults = [f"{name}: {fault}" for name, fault in record.faults]
    checks = [told("readable", faults, "every file can be read")]
    if record.packet:
        checks += file_checks(folder, record.packet)
    if record.audit:
        checks += _audit_checks(record)
    if record.packet and record.audit:
        checks += page_checks(record.packet, record.audit, record.pages)
    return VerifyReport(str(folder), tuple(checks), bound=None)


def _folder_fault(folder: Path) -> str:
    if not folder.is_dir():
        return (
            "There is no such folder." if not folder.exists() else "It is a file; the folder that holds it is needed."
        )
    if not is_packet(folder):
        return f"It is no board packet: it holds neither {PACKET} nor {AUDIT}."
    if not page_names(folder):
        return "It holds no pages. Write the packet again."
    return ""


def _audit_checks(record: Record) -> list[Check]:
    audit = record.audit
    if audit is None:
        return []
    found = add_up(audit)
    checks = [*figure_checks(audit), *world_checks(audit, found), *interval_checks(audit, found)]
    is_told = any(name == RELEASES for name, _ in record.faults)
    return checks if is_told else [*checks, *release_checks(audit, record.packet, record.releases)]
