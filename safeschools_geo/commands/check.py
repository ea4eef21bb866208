"""``safeschools check``: validate a district folder and report, writing nothing but the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from safeschools_geo.check_page import check_html, is_check_page, print_report
from safeschools_geo.commands.common import (
    FILE_OUT,
    CheckedCommand,
    district_argument,
    folder_of,
    inputs_of,
    json_option,
    messages,
    outputs_of,
    progress_of,
    strict_option,
)
from safeschools_geo.district import DistrictError, check_district, read_district
from safeschools_geo.export import write_text
from safeschools_geo.row_filters import refuse_rejects
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_file

if TYPE_CHECKING:
    from pathlib import Path


@click.command("check", cls=CheckedCommand)
@district_argument
@click.option("--out", type=FILE_OUT, metavar="FILE", help="Where check.html goes.")
@json_option
@strict_option
def command(district: Path | None, out: Path | None, *, as_json: bool, strict: bool) -> int:
    """Validate a district folder: every fault at once, with ids and how to mend it."""
    folder = folder_of(district)
    settings = load_settings(folder)
    rejects = None
    page = out or outputs_of(settings, None) / "check.html"
    with output_file(page, inputs=inputs_of(settings), is_ours=is_check_page) as fresh:
        try:
            with progress_of(2) as begin:
                begin("Reading")
                read = read_district(folder)
                begin("Checking")
                report, rejects = check_district(read), read.rejects
        except DistrictError as error:
            report = error.report if error.read is None else check_district(error.read)
            rejects = None if error.read is None else error.read.rejects
        write_text(fresh, check_html(report))
    if as_json:
        click.echo(report.to_json())
    else:
        print_report(report, messages())
        messages().print(f"Report: {page}", markup=False, soft_wrap=True)
    if strict and rejects is not None:
        refuse_rejects(rejects)
    return 0 if report.is_ok else 1
