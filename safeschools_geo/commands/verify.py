"""``safeschools verify``: check a written plan and its certificate again, without the solver."""

from __future__ import annotations

from pathlib import Path

import click

from safeschools_geo.commands.common import json_option, messages, print_json
from safeschools_geo.rebalance.checking.verify import verify_folder


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@json_option
def command(folder: Path, *, as_json: bool) -> int:
    """Check the plan in DIR again, without the solver: units, loads, contiguity, map, hashes and bound."""
    report = verify_folder(folder)
    if as_json:
        print_json(
            {
                "folder": folder.as_posix(),
                "is_ok": report.is_ok,
                "bound": report.bound,
                "checks": report.to_frame().to_dict(orient="records"),
            }
        )
    messages().print(report.summary(), markup=False, soft_wrap=True)
    return 0 if report.is_ok else 1
