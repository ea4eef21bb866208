"""``safeschools new``: scaffold a district folder."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import click
from jinja2 import Environment, PackageLoader, StrictUndefined

from safeschools_geo.commands.common import FOLDER, CheckedCommand, messages
from safeschools_geo.export import write_text
from safeschools_geo.schemas import CATEGORIES
from safeschools_geo.toml_settings import preset_names
from safeschools_geo.writing import output_folder

if TYPE_CHECKING:
    from pathlib import Path

_CONFIDENTIAL = """\
# incidents are confidential, and outputs are made of them
/data/incidents/*
/outputs/
# what was released, with what it was rounded from: keep it elsewhere, safe
/releases.jsonl
"""


@click.command("new", cls=CheckedCommand)
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--preset", type=click.Choice(preset_names()), help="Column names of a known export.")
def command(folder: Path, preset: str | None) -> None:
    """Make a district folder with settings to fill in."""
    # Plain text, not HTML: nothing is escaped but what `tojson` quotes.
    templates = Environment(
        loader=PackageLoader("safeschools_geo", "templates/new"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - TOML and Markdown
    )
    values = {"name": folder.resolve().name, "preset": preset, "categories": ", ".join(CATEGORIES)}
    crosswalk = resources.files("safeschools_geo") / "templates" / "new" / "crosswalk.csv"
    with output_folder(folder, is_listed=False) as fresh:
        for name in ("district.toml", "README.md"):
            write_text(fresh / name, templates.get_template(f"{name}.j2").render(values))
        write_text(fresh / "crosswalk.csv", crosswalk.read_text(encoding="utf-8"))
        write_text(fresh / ".gitignore", _CONFIDENTIAL)
        for name in ("boundaries", "incidents"):
            (fresh / "data" / name).mkdir(parents=True)
    messages().print(f"Made {folder}. Next: read {folder / 'README.md'}.", markup=False, soft_wrap=True)
