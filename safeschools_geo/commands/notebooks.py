"""``safeschools notebooks``: rerun the notebooks for a district and a term."""

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
from safeschools_geo.errors import SafeSchoolsError
from safeschools_geo.export import write_manifest
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_folder

if TYPE_CHECKING:
    from pathlib import Path


@click.command("notebooks", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the executed notebooks; outputs/<term>/notebooks if left out.")
def command(district: Path | None, term: str | None, out: Path | None) -> None:
    """Execute every notebook, and save each as a notebook and as an offline page."""
    try:
        from safeschools_geo.notebook_runs import notebook_files, run_notebooks  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise SafeSchoolsError(
            f"Notebooks need packages that are not installed ({error.name}).\n"
            '  Remedy: pip install "safeschools-geo[notebooks]"'
        ) from error
    folder = folder_of(district)
    settings = load_settings(folder)
    name = settings.term(term).name
    target = out or outputs_of(settings, None) / name / "notebooks"
    about = settings.district
    place = output_folder(target, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(notebook_files())) as begin:
        pages = run_notebooks(fresh, district=district, term=name, is_synthetic=about.is_synthetic, on_step=begin)
        write_manifest(fresh, {"district": about.name, "is_synthetic": about.is_synthetic, "term": name})
    for page in pages:
        messages().print(f"Wrote {target / page.name}", markup=False, soft_wrap=True)
