"""``safeschools run``: everything, from the district folder to the term's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from safeschools_geo.commands.common import (
    CheckedCommand,
    district_argument,
    folder_of,
    json_option,
    messages,
    out_option,
    outputs_of,
    print_json,
    progress_of,
    releases_file,
    seed_option,
    strict_option,
    term_option,
)
from safeschools_geo.errors import count_text
from safeschools_geo.term import STEPS, run_term
from safeschools_geo.term_outputs import manifest_of
from safeschools_geo.toml_settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.term_results import TermResult


@click.command("run", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder in which the term's folder is made; the district's outputs folder if left out.")
@seed_option
@json_option
@strict_option
def command(
    district: Path | None, term: str | None, out: Path | None, seed: int, *, as_json: bool, strict: bool
) -> None:
    """Run a term: check, assign, count, find, propose, cover, protect, draw. Without DISTRICT, the synthetic demo."""
    folder = folder_of(district)
    settings = load_settings(folder)
    target = outputs_of(settings, out)
    with progress_of(len(STEPS)) as begin:
        result = run_term(
            folder,
            term=term,
            out=target,
            seed=seed,
            is_strict=strict,
            releases=releases_file(settings),
            on_step=begin,
        )
    if as_json:
        change = None if result.proposal is None else result.proposal.change.to_json()
        said = {"summary": result.summary(), "plan": change}
        print_json({"out": (target / result.term.name).as_posix(), **said, **manifest_of(result)})
    else:
        _tell(result, target / result.term.name)


def _tell(result: TermResult, folder: Path) -> None:
    console = messages()
    console.print(result.summary(), markup=False)
    errors, warnings = result.report.count("error"), result.report.count("warning")
    if errors or warnings:
        found = f"{count_text(errors, 'error')} and {count_text(warnings, 'warning')}"
        console.print(f"The check found {found}: see check.html.", markup=False)
    rejected = len(result.district.rejects)
    if rejected:
        console.print(f"{count_text(rejected, 'row')} not kept, each with its reason: see rejects.csv.", markup=False)
    console.print(f"For the managers: {folder / 'maps' / 'index.html'}", markup=False, soft_wrap=True)
    if result.board is not None:
        console.print(f"For the board, a draft: {folder / 'board' / 'index.html'}", markup=False, soft_wrap=True)
