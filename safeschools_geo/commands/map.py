"""``safeschools map``: only the maps of a term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from safeschools_geo.commands.common import (
    CheckedCommand,
    district_argument,
    folder_of,
    messages,
    out_option,
    outputs_of,
    progress_of,
    term_option,
)
from safeschools_geo.export import replaced_folder, write_text
from safeschools_geo.term import STEPS, run_term
from safeschools_geo.term_maps import draw_term

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
    with progress_of(len(STEPS)) as begin:
        result = run_term(folder, term=term, protects=False, on_step=begin)
        begin("Drawing")
        pages = draw_term(result, tiles=tiles)
        begin("Writing")
        target = out or outputs_of(result.district.settings, None) / result.term.name / "maps"
        with replaced_folder(target) as fresh:
            for name, html in pages.items():
                write_text(fresh / name, html)
    messages().print(f"Open {target / 'index.html'}", markup=False, soft_wrap=True)
