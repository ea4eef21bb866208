"""``safeschools compare``: two terms beside each other, as a page and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

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
)
from safeschools_geo.comparing.outputs import write_comparison
from safeschools_geo.file_names import pair_name
from safeschools_geo.term_compare import COMPARING_STEPS, compare_terms, terms_in_order
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_folder

if TYPE_CHECKING:
    from pathlib import Path


@click.command("compare", cls=CheckedCommand)
@click.argument("term_a", metavar="TERM_A")
@click.argument("term_b", metavar="TERM_B")
@district_argument
@out_option(
    "Folder of outputs, where zones of earlier terms are looked for and compare/<A> and <B> is written; the "
    "district's if left out."
)
@seed_option
@json_option
def command(term_a: str, term_b: str, district: Path | None, out: Path | None, seed: int, *, as_json: bool) -> None:
    """Compare two terms: zones of schools, loads, rates, and hotspots that emerged, persisted or faded."""
    folder = folder_of(district)
    settings = load_settings(folder)
    outputs = outputs_of(settings, out)
    target = outputs / "compare" / pair_name(*(term.name for term in terms_in_order(settings, term_a, term_b)))
    place = output_folder(target, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(COMPARING_STEPS) + 1) as begin:
        compared = compare_terms(folder, term_a, term_b, outputs=outputs, seed=seed, on_step=begin)
        begin("Writing")
        write_comparison(compared, fresh)
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "terms": [compared.term_a.name, compared.term_b.name],
                "summary": compared.summary(),
                "counts": compared.counts,
            }
        )
        return
    messages().print(compared.summary(), markup=False, soft_wrap=True)
    messages().print(f"Open {target / 'compare.html'}", markup=False, soft_wrap=True)
