"""Notebooks rerun for a district and a term, and saved as pages that open without a network."""

from __future__ import annotations

import html
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from safeschools_geo.drawing import require_offline
from safeschools_geo.errors import InputError
from safeschools_geo.io import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import nbformat


_POLICY = re.compile(r"script-src ([^;]*);")
_SCRIPT_HASH = re.compile(r"sha256-[A-Za-z0-9+/]{43}=")
_TIMEOUT_S = 1200


class NotebookError(InputError):
    """A cell of a notebook failed."""


def notebook_files() -> list[Path]:
    """List the notebooks of the product.

    Returns
    -------
    list of pathlib.Path
        Notebooks in reading order: those of the installed package, or of the checkout.
    """
    installed = Path(str(resources.files("safeschools_geo"))) / "_notebooks"
    folder = installed if installed.is_dir() else Path(__file__).resolve().parents[2] / "notebooks"
    return sorted(folder.glob("[0-9]*.ipynb"))


def run_notebooks(
    out: Path,
    *,
    district: Path | None,
    term: str | None,
    is_synthetic: bool,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Execute every notebook and save each with its results, as a notebook and as a page.

    Parameters
    ----------
    out
        An empty folder to write to.
    district
        The district folder; the demo if left out.
    term
        Name of the term; the last one if left out.
    is_synthetic
        Whether the data are made up, which every page then says.
    on_step
        Called with the name of each notebook as it begins.

    Returns
    -------
    list of pathlib.Path
        The pages.

    Raises
    ------
    NotebookError
        When a cell fails; the cell and its error are named.
    """
    import nbformat  # noqa: PLC0415 - an optional extra, and seconds to load

    pages = []
    parameters = {"district_folder": None if district is None else str(district.resolve()), "term_name": term}
    for path in notebook_files():
        on_step(path.stem)
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        set_parameters(notebook, parameters)
        _execute(notebook, path)
        write_text(out / path.name, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]
        page = out / f"{path.stem}.html"
        write_text(page, notebook_html(notebook, title=path.stem, is_synthetic=is_synthetic))
        pages.append(page)
    return pages


def set_parameters(notebook: nbformat.NotebookNode, parameters: dict[str, str | None]) -> None:
    """Put values into the cell tagged ``parameters``."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
            return
    raise NotebookError("The notebook has no cell tagged parameters.", expected="one, with the names of its settings")


def _execute(notebook: nbformat.NotebookNode, path: Path) -> None:
    from nbclient import NotebookClient  # noqa: PLC0415 - (same)
    from nbclient.exceptions import CellExecutionError  # noqa: PLC0415 - (same)

    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": "."}},
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(
            "A cell of a notebook failed.",
            where=path.name,
            found=f"{error.ename}: {error.evalue}",
            remedy="Run `safeschools check` on the district first; open the notebook to see the cell.",
        ) from error


def notebook_html(notebook: nbformat.NotebookNode, *, title: str, is_synthetic: bool) -> str:
    """Make a page of an executed notebook that opens without a network."""
    from nbconvert import HTMLExporter  # noqa: PLC0415 - (same)

    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    # A map inside the page runs under the page's policy as well as its own: its scripts have to be named in both.
    policies = _POLICY.findall(html.unescape(html.unescape(body)))
    hashes = sorted({found for policy in policies for found in _SCRIPT_HASH.findall(policy)})
    templates = Environment(
        loader=PackageLoader("safeschools_geo", "templates"), autoescape=True, undefined=StrictUndefined
    )
    page = templates.get_template("notebook.html.j2").render(
        title=title, body=body, hashes=hashes, is_synthetic=is_synthetic
    )
    require_offline(page)
    return page
