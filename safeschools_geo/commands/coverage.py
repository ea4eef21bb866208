"""``safeschools coverage``: only the patrol coverage of a term, as tables, calendars and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import numpy as np

from safeschools_geo.commands.common import (
    CheckedCommand,
    district_argument,
    folder_of,
    inputs_of,
    json_option,
    messages,
    out_option,
    outputs_of,
    print_json,
    progress_of,
    seed_option,
    term_option,
)
from safeschools_geo.coverage_maps import draw_coverage, draw_sheets
from safeschools_geo.coverage_outputs import write_coverage
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import write_manifest, write_text
from safeschools_geo.term import COVERING_STEPS, run_term
from safeschools_geo.term_outputs import manifest_of
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_folder

if TYPE_CHECKING:
    from pathlib import Path


@click.command("coverage", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the coverage; outputs/<term>/coverage if left out.")
@seed_option
@json_option
def command(district: Path | None, term: str | None, out: Path | None, seed: int, *, as_json: bool) -> None:
    """Work out who comes, how soon, who helps, and who covers when an officer is absent."""
    folder = folder_of(district)
    settings = load_settings(folder)
    home = outputs_of(settings, None) / settings.term(term).name
    target = out or home / "coverage"
    place = output_folder(target, within=home, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(COVERING_STEPS) + 2) as begin:
        result = run_term(folder, term=term, seed=seed, protects=False, on_step=begin)
        found = result.coverage
        if found is None:
            raise SettingsError(
                "There is nothing to cover.",
                where=folder,
                expected="programme schools in zones, and incidents of the term that are zone officers' work",
                remedy="Run `safeschools check`, or name another --term.",
            )
        begin("Drawing")
        pages = {name: page for name, (page, _) in draw_coverage(result).items()} | draw_sheets(result)
        begin("Writing")
        write_coverage(found, fresh, term=result.term, time_zone=settings.district.time_zone)
        for name, page in pages.items():
            write_text(fresh / "maps" / name, page.html)
        write_manifest(fresh, manifest_of(result))
    if as_json:
        zones = found.to_frame().replace([np.inf, -np.inf], np.nan)
        print_json(
            {
                "out": target.as_posix(),
                "term": result.term.name,
                "finding": found.finding(),
                "summary": found.summary(),
                "zones": zones.astype(object).where(zones.notna(), None).to_dict("records"),
            }
        )
        return
    messages().print(found.summary(), markup=False, soft_wrap=True)
    messages().print(f"Open {target / 'maps' / 'coverage.html'}", markup=False, soft_wrap=True)
