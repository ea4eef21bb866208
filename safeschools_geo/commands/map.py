"""``safeschools map``: only the maps of a term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from safeschools_geo.commands.common import (
    CheckedCommand,
    district_argument,
    folder_of,
    inputs_of,
    messages,
    out_option,
    outputs_of,
    progress_of,
    term_option,
)
from safeschools_geo.export import write_manifest, write_text
from safeschools_geo.term import STEPS, run_term
from safeschools_geo.term_maps import draw_term
from safeschools_geo.term_outputs import manifest_of
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_folder

if TYPE_CHECKING:
    from pathlib import Path


@click.command("map", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the maps; outputs/<term>/maps if left out.")
@click.option("--tiles", is_flag=True, help="Add OpenStreetMap tiles; these pages then ask the network for them.")
def command(district: Path | None, term: str | None, out: Path | None, *, tiles: bool) -> None:
    """Draw the maps of a term."""
    folder = folder_of(district)
    settings = load_settings(folder)
    home = outputs_of(settings, None) / settings.term(term).name
    target = out or home / "maps"
    place = output_folder(target, within=home, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(STEPS)) as begin:
        result = run_term(folder, term=term, protects=False, on_step=begin)
        begin("Drawing")
        pages = draw_term(result, tiles=tiles)
        begin("Writing")
        for name, html in pages.items():
            write_text(fresh / name, html)
        write_manifest(fresh, manifest_of(result))
    messages().print(f"Open {target / 'index.html'}", markup=False, soft_wrap=True)
