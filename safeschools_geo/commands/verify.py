"""``safeschools verify``: check a written plan, a board packet, or both of a term again, without the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from safeschools_geo.commands.common import FILE_IN, FOLDER, CheckedCommand, json_option, messages, print_json
from safeschools_geo.disclosure.checking.packet import is_packet, verify_packet
from safeschools_geo.rebalance.checking.verify import verify_folder
from safeschools_geo.writing import repair

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.check_report import VerifyReport


@click.command("verify", cls=CheckedCommand)
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option(
    "--record",
    type=FILE_IN,
    metavar="FILE",
    help="Record of releases that a packet is compared with; that of the district around it if left out.",
)
@json_option
def command(folder: Path, *, record: Path | None, as_json: bool) -> int:
    """Check the plan or the board packet in DIR again, without the solver.

    Of a plan: units, loads, contiguity, map, hashes and bound. Of a board packet: hashes, every number on its pages,
    audit and releases. In the folder of a term, both are checked. What was not checked is named.
    """
    repair(folder)
    reports = _reports(folder, record)
    is_ok = all(report.is_ok for report in reports.values())
    if as_json:
        print_json(_document(folder, reports, is_ok=is_ok))
    console = messages()
    if len(reports) > 1:
        console.print(f"{folder}: checking the {' and the '.join(reports)}.", markup=False, soft_wrap=True)
    for report in reports.values():
        console.print(report.summary(), markup=False, soft_wrap=True)
    return 0 if is_ok else 1


def _reports(folder: Path, record: Path | None) -> dict[str, VerifyReport]:
    """Check what there is to check, by what it is."""
    if is_packet(folder) or (folder.name == "board" and folder.is_dir()):
        return {"board packet": verify_packet(folder, releases=record)}
    parts = {}
    if not (folder / "certificate.json").is_file():
        if (folder / "plan").is_dir():
            parts["plan"] = verify_folder(folder / "plan")
        if (folder / "board").is_dir():
            parts["board packet"] = verify_packet(folder / "board", releases=record)
    return parts or {"plan": verify_folder(folder)}


def _document(folder: Path, reports: dict[str, VerifyReport], *, is_ok: bool) -> dict[str, object]:
    checks = [
        {**({"part": part} if len(reports) > 1 else {}), **check}
        for part, report in reports.items()
        for check in report.to_frame().to_dict(orient="records")
    ]
    bound = next((report.bound for report in reports.values() if report.bound is not None), None)
    return {"folder": folder.as_posix(), "is_ok": is_ok, "bound": bound, "checks": checks}
