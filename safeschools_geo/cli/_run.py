"""``safeschools run``, ``board``, ``new`` and ``notebooks``: the term's outputs, and what is published."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safeschools_geo.cli._common import (
    DAY,
    FILE_IN,
    FOLDER,
    CheckedCommand,
    district_argument,
    folder_of,
    inputs_of,
    json_option,
    messages,
    out_option,
    outputs_of,
    part_of_term,
    print_json,
    progress_of,
    refuse_options,
    releases_file,
    say,
    seed_option,
    strict_option,
    term_option,
)
from safeschools_geo.disclosure import ledger_text, read_ledger
from safeschools_geo.district import load_settings, new_district, preset_names
from safeschools_geo.errors import LedgerError, SafeSchoolsError, SettingsError, count_text
from safeschools_geo.io import write_bytes, write_manifest
from safeschools_geo.results import TermBoard
from safeschools_geo.term import (
    STEPS,
    draw_board,
    load_term,
    manifest_of,
    release_board,
    run_term,
    steps_until,
    write_board,
)
from safeschools_geo.writing import output_folder, output_release, put_release, releases_folder

if TYPE_CHECKING:
    from safeschools_geo.cli._common import Progressed
    from safeschools_geo.results import TermResult


# ── ``safeschools run``: everything, from the district folder to the term's outputs


@click.command("run", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder in which the term's folder is made; the district's outputs folder if left out.")
@seed_option
@json_option
@strict_option
def run_command(
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
            on_part=begin.part,
        )
    if as_json:
        change = None if result.proposal.is_empty else result.proposal.change.to_json()
        said = {"summary": result.summary(), "plan": change}
        print_json({"out": (target / result.term.name).as_posix(), **said, **manifest_of(result)})
    else:
        _report(result, target / result.term.name)


def _report(result: TermResult, folder: Path) -> None:
    console = messages()
    console.print(result.summary())
    errors, warnings = result.report.count("error"), result.report.count("warning")
    if errors or warnings:
        found = f"{count_text(errors, 'error')} and {count_text(warnings, 'warning')}"
        console.print(f"The check found {found}: see check.html.")
    rejected = len(result.district.rejects)
    if rejected:
        console.print(f"{count_text(rejected, 'row')} not kept, each with its reason: see rejects.csv.")
    say(f"For the managers: {folder / 'maps' / 'index.html'}")
    board = folder / "board" / "index.html"
    say(f"For the board, nothing: {result.board.why}" if result.board.is_empty else f"For the board, a draft: {board}")


# ── ``safeschools new``: a district folder proposed from the files themselves


@click.command("new", cls=CheckedCommand)
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--schools", type=FILE_IN, help="The schools: a directory or a layer.")
@click.option("--zones", type=FILE_IN, help="The patrol zones.")
@click.option(
    "--incidents", type=FILE_IN, multiple=True, help="An export of the dispatch system; may be given several times."
)
@click.option("--boundary", type=FILE_IN, help="The district's boundary.")
@click.option("--roads", type=FILE_IN, help="Streets with speeds or minutes.")
@click.option("--enrollment", type=FILE_IN, help="Students by school, where the schools' file has none.")
@click.option("--preset", type=click.Choice(preset_names()), help="A known export; recognized where left out.")
@json_option
def new_command(folder: Path, *, as_json: bool, **files: Any) -> None:  # noqa: ANN401 - as click gives them
    """Make a district folder from its files: columns, coordinates and dates are recognized by what they hold.

    In a folder that is there already, new files are added and what changed is said; nothing that you wrote is touched.
    """
    made = new_district(folder, **files)
    if as_json:
        print_json(made.to_json())
    say(made.summary())
    say(f"Next: {folder / 'README.md'}, then safeschools check {folder}")


# ── ``safeschools notebooks``: rerun the notebooks for a district and a term


@click.command("notebooks", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the executed notebooks; outputs/<term>/notebooks if left out.")
def notebooks_command(district: Path | None, term: str | None, out: Path | None) -> None:
    """Execute every notebook, and save each as a notebook and as an offline page."""
    try:
        from safeschools_geo.term import notebook_files, run_notebooks  # noqa: PLC0415 - an optional extra
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
    with output_folder(target, inputs=inputs_of(settings)):
        pass  # A place that cannot be written to is refused before the work.
    with progress_of(len(STEPS)) as begin:
        load_term(folder, name, runs=True, on_step=begin, on_part=begin.part)
    place = output_folder(target, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(notebook_files())) as begin:
        pages = run_notebooks(fresh, district=district, term=name, is_synthetic=about.is_synthetic, on_step=begin)
        write_manifest(fresh, {"district": about.name, "is_synthetic": about.is_synthetic, "term": name})
    for page in pages:
        say(f"Wrote {target / page.name}")


# ── ``safeschools board``: the packet for the board and the public, and the record of what was released


def _check_usage(ctx: click.Context) -> None:
    if not ctx.params["release"]:
        refuse_options(ctx, ["released", "first_release"], because="it goes with --release")


@click.command("board", cls=CheckedCommand, check=_check_usage)
@district_argument
@term_option
@out_option("Folder of the packet; outputs/<term>/board if left out. With --release, of a copy.")
@seed_option
@click.option("--release", is_flag=True, help="Record the packet as released; without it, it is a draft.")
@click.option("--released", type=DAY, metavar="DATE", help="Day of the release, YYYY-MM-DD; today if left out.")
@click.option(
    "--first-release", is_flag=True, help="Say that nothing was ever released: needed where there is no record."
)
@json_option
def board_command(
    district: Path | None,
    term: str | None,
    out: Path | None,
    seed: int,
    *,
    release: bool,
    released: dt.datetime | None,
    first_release: bool,
    as_json: bool,
) -> None:
    """Write the packet for the board and the public: pages that open offline, PDF, and their audit.

    What is released goes to releases/<number> beside its record, and stays as it is; every later packet is audited
    together with it. A packet that would tell a small count is refused.
    """
    folder = folder_of(district)
    _require_record(releases_file(load_settings(folder)), is_release=release, is_first=first_release)
    if release:
        day = (released or dt.datetime.now(tz=dt.UTC).astimezone()).date().isoformat()
        packet = _release(folder, term, seed, day, out)
    else:
        packet = _draft(folder, term, seed, out)
    board, target = packet.board, packet.target
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "term": board.content.term,
                "release": board.content.release,
                "is_new": packet.is_new,
                "withheld_share": board.counts.withheld_share,
                "summary": board.summary(),
                "advice": board.to_frame().to_dict(orient="records"),
                "pdf": any(target.glob("*.pdf")),
            }
        )
        return
    say(board.summary())
    if packet.why_no_pdf:
        say(f"There is no PDF: {packet.why_no_pdf}")
    say(packet.state)
    if (target / "index.html").is_file():
        say(f"Open {target / 'index.html'}")


@dataclass(frozen=True)
class _Packet:
    """What was written, where, and what there is to say of it."""

    board: TermBoard
    target: Path
    state: str
    is_new: bool = False
    why_no_pdf: str = ""


def _draft(folder: Path, term: str | None, seed: int, out: Path | None) -> _Packet:
    steps = steps_until("Protecting") + 2
    with part_of_term(folder, term, out, "board", steps=steps, public=".") as (settings, target, fresh, begin):
        board = _protected(folder, term, seed, begin)
        begin("Drawing")
        files, why_no_pdf = draw_board(board, settings.board)
        begin("Writing")
        write_board(board, files, fresh, languages=settings.board.languages)
        write_manifest(fresh, _about(board))
    return _Packet(board, target, "A draft: record it with --release when it goes out.", why_no_pdf=why_no_pdf)


def _release(folder: Path, term: str | None, seed: int, day: str, out: Path | None) -> _Packet:
    """Put the packet where it stays, and a copy where it is asked for."""
    settings = load_settings(folder)
    settings.term(term)
    record = releases_file(settings)
    copied = nullcontext() if out is None else output_folder(out, inputs=inputs_of(settings), public=".")
    with output_release(record) as fresh, copied as copy, progress_of(steps_until("Protecting") + 2) as begin:
        draft = _protected(folder, term, seed, begin)
        board, ledger = release_board(draft, day)
        last = ledger[-1]
        packet = releases_folder(record) / str(last.number)
        is_new, why_no_pdf = len(ledger) > len(draft.releases), ""
        begin("Drawing")
        if is_new:
            files, why_no_pdf = draw_board(board, settings.board)
            write_board(board, files, fresh, languages=settings.board.languages)
        begin("Writing")
        if is_new:
            put_release(fresh, last.number, ledger_text(ledger))
        if copy is not None and packet.is_dir():
            for path in filter(Path.is_file, sorted(packet.rglob("*"))):
                write_bytes(copy / path.relative_to(packet), path.read_bytes())
            write_manifest(copy, _about(board))
    state = (
        f"Release {last.number}, recorded in {record}. Its packet is {packet}, which stays as it is."
        if is_new
        else f"This says the same as release {last.number} of {last.released}: nothing was released again."
    )
    return _Packet(board, out or packet, state, is_new, why_no_pdf)


def _protected(folder: Path, term: str | None, seed: int, begin: Progressed) -> TermBoard:
    record = releases_file(load_settings(folder))
    board = run_term(folder, term=term, seed=seed, releases=record, on_step=begin, on_part=begin.part).board
    if board.is_empty:
        raise SettingsError(
            f"There is no packet for the board. {board.why}",
            where=folder,
            expected="program schools in zones, and a record of incidents",
            remedy="Run `safeschools check`.",
        )
    return board


def _about(board: TermBoard) -> dict[str, str]:
    return {"district": board.content.district, "term": board.content.term}


def _require_record(record: Path, *, is_release: bool, is_first: bool) -> None:
    """Let nobody take a lost record for none, nor a kept one for lost."""
    number = len(read_ledger(record))
    if is_first and number:
        raise click.UsageError(f"--first-release: {record} holds {count_text(number, 'release')}.")
    if is_release and not number and not is_first:
        raise LedgerError(
            "There is no record of earlier releases.",
            where=record,
            expected="the record, or --first-release where nothing was ever released",
            remedy="Restore the file from a backup if there was a release; else add --first-release.",
        )
