"""What several commands share: options, progress, and how results are printed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from safeschools_geo.district import demo_folder, input_files
from safeschools_geo.writing import releases_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safeschools_geo.settings import Settings

district_argument = click.argument(
    "district", required=False, type=click.Path(path_type=Path, file_okay=False), metavar="[DISTRICT]"
)
term_option = click.option("--term", metavar="NAME", help="Term of district.toml; the last one if left out.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
strict_option = click.option("--strict", is_flag=True, help="Fail (exit 1) when rows are rejected.")


def out_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the option ``--out``.

    Parameters
    ----------
    help_text
        What is written there.

    Returns
    -------
    callable
        A decorator.
    """
    return click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=help_text)


def messages() -> Console:
    """Open the console for messages.

    Returns
    -------
    rich.console.Console
        Standard error, so that standard output holds results only.
    """
    return Console(stderr=True, highlight=False)


def folder_of(district: Path | None) -> Path:
    """Find the district folder a user means.

    Parameters
    ----------
    district
        The argument; None for the demo.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    if district is not None:
        return district
    messages().print("No district given: using the embedded demo district, which is [bold]synthetic[/bold].")
    return demo_folder()


def outputs_of(settings: Settings, out: Path | None) -> Path:
    """Find the folder that outputs go to.

    Parameters
    ----------
    settings
        Settings of the district.
    out
        ``--out``, which wins.

    Returns
    -------
    pathlib.Path
        ``--out``; else ``paths.outputs`` in the district folder, or in the current folder for the demo, whose own
        folder belongs to the installed package.
    """
    if out is not None:
        return out
    if settings.folder == demo_folder():
        return Path("outputs")
    return settings.folder / settings.paths.outputs


def releases_file(settings: Settings) -> Path:
    """Find the record of releases.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    pathlib.Path
        In the district folder; for the demo, whose own folder belongs to the installed package, among the outputs.
    """
    if settings.folder == demo_folder():
        return outputs_of(settings, None) / settings.board.releases
    return settings.folder / settings.board.releases


def inputs_of(settings: Settings) -> list[Path]:
    """List what a command reads, and what nothing but a release may write.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    list of pathlib.Path
        Files and folders of the district, the record of releases, and the folder of their packets.
    """
    record = releases_file(settings)
    return [*input_files(settings), record, releases_folder(record)]


@contextmanager
def progress_of(total: int) -> Iterator[Callable[[str], None]]:
    """Show the progress of a run of several steps.

    Parameters
    ----------
    total
        Number of steps.

    Yields
    ------
    callable
        To be called with the name of each step as it begins.
    """
    console = messages()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Starting", total=total)
        begun: list[str] = []

        def begin(step: str) -> None:
            if begun:
                progress.advance(task)
            begun.append(step)
            progress.update(task, description=step)
            if not console.is_terminal:
                console.print(f"[{len(begun)}/{total}] {step}", markup=False)

        yield begin
        progress.advance(task)


def print_json(value: object) -> None:
    """Print a result as JSON on standard output.

    Parameters
    ----------
    value
        Anything JSON can hold.
    """
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
