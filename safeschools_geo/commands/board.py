"""``safeschools board``: the packet for the board and the public, and the record of what was released."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from safeschools_geo.commands.common import (
    DAY,
    CheckedCommand,
    district_argument,
    folder_of,
    json_option,
    messages,
    out_option,
    outputs_of,
    print_json,
    progress_of,
    refuse_options,
    releases_file,
    seed_option,
    term_option,
)
from safeschools_geo.disclosure.ledger import ledger_text
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import replaced_folder, write_text
from safeschools_geo.packet.outputs import draw_board, write_board
from safeschools_geo.term import PROTECTING_STEPS, run_term
from safeschools_geo.toml_settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def _check_usage(ctx: click.Context) -> None:
    if not ctx.params["release"]:
        refuse_options(ctx, ["released"], because="it goes with --release")


@click.command("board", cls=CheckedCommand, check=_check_usage)
@district_argument
@term_option
@out_option("Folder of the packet; outputs/<term>/board if left out.")
@seed_option
@click.option("--release", is_flag=True, help="Record the packet as released; without it, it is a draft.")
@click.option("--released", type=DAY, metavar="DATE", help="Day of the release, YYYY-MM-DD; today if left out.")
@json_option
def command(
    district: Path | None,
    term: str | None,
    out: Path | None,
    seed: int,
    *,
    release: bool,
    released: dt.datetime | None,
    as_json: bool,
) -> None:
    """Write the packet for the board and the public: pages that open offline, PDF, and their audit.

    What is released is recorded, and every later packet is audited together with it. A packet that would tell a small
    count is refused.
    """
    folder = folder_of(district)
    settings = load_settings(folder)
    record = releases_file(settings)
    with progress_of(len(PROTECTING_STEPS) + 2) as begin:
        result = run_term(folder, term=term, seed=seed, releases=record, on_step=begin)
        board = result.board
        if board is None:
            raise SettingsError(
                "There is nothing to tell.",
                where=folder,
                expected="programme schools in zones",
                remedy="Run `safeschools check`.",
            )
        ledger = None
        if release:
            day = (released or dt.datetime.now(tz=dt.UTC).astimezone()).date().isoformat()
            board, ledger = board.released(day)
        begin("Drawing")
        files, why_no_pdf = draw_board(board, settings.board)
        begin("Writing")
        target = out or outputs_of(settings, None) / result.term.name / "board"
        with replaced_folder(target) as fresh:
            write_board(board, files, fresh, languages=settings.board.languages)
        if ledger is not None:
            # Last, and whole or not at all: what is recorded has been written.
            write_text(record, ledger_text(ledger))
    number = board.content.release
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "term": result.term.name,
                "release": number,
                "withheld_share": board.counts.withheld_share,
                "summary": board.summary(),
                "advice": board.to_frame().to_dict(orient="records"),
                "pdf": not why_no_pdf and settings.board.pdf,
            }
        )
        return
    messages().print(board.summary(), markup=False, soft_wrap=True)
    if why_no_pdf:
        messages().print(f"There is no PDF: {why_no_pdf}", markup=False, soft_wrap=True)
    state = (
        f"Release {number}, recorded in {record}" if number else "A draft: record it with --release when it goes out"
    )
    messages().print(f"{state}.\nOpen {target / 'index.html'}", markup=False, soft_wrap=True)
