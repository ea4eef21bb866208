"""``safeschools hotspots``: only the hotspots of a term, as tables, layers and maps."""

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
from safeschools_geo.export import write_manifest, write_text
from safeschools_geo.hotspot_maps import draw_hotspots
from safeschools_geo.term import FINDING_STEPS, run_term
from safeschools_geo.term_outputs import manifest_of, write_hotspots
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_folder

if TYPE_CHECKING:
    from pathlib import Path


@click.command("hotspots", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the hotspots; outputs/<term>/hotspots if left out.")
@seed_option
@json_option
def command(district: Path | None, term: str | None, out: Path | None, seed: int, *, as_json: bool) -> None:
    """Find the hotspots of a term: schools, groups, places, hours, repeats and trends."""
    folder = folder_of(district)
    settings = load_settings(folder)
    home = outputs_of(settings, None) / settings.term(term).name
    target = out or home / "hotspots"
    place = output_folder(target, within=home, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(FINDING_STEPS) + 2) as begin:
        result = run_term(folder, term=term, seed=seed, proposes=False, covers=False, protects=False, on_step=begin)
        begin("Drawing")
        pages = draw_hotspots(result)
        begin("Writing")
        write_hotspots(result.hotspots, fresh)
        for name, (page, _) in pages.items():
            write_text(fresh / "maps" / name, page.html)
        write_manifest(fresh, manifest_of(result))
    if as_json:
        # JSON knows no infinity.
        spots = result.hotspots.to_frame().replace([np.inf, -np.inf], np.nan)
        print_json(
            {
                "out": target.as_posix(),
                "term": result.term.name,
                "summary": result.hotspots.summary(),
                "hotspots": spots.astype(object).where(spots.notna(), None).to_dict("records"),
            }
        )
        return
    messages().print(result.hotspots.summary(), markup=False)
    messages().print(f"Open {target / 'maps' / 'hotspots.html'}", markup=False, soft_wrap=True)
