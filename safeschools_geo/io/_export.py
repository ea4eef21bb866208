"""The files of outputs: safe to open in a spreadsheet, the same bytes for the same result, and with a manifest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo import __version__
from safeschools_geo.errors import OutputError
from safeschools_geo.io._table import safe_cells
from safeschools_geo.text import folder_key
from safeschools_geo.writing import MANIFEST, PRODUCT, folder_in_making, writable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd


_SEAL = "generator"


def write_text(path: Path, text: str) -> None:
    """Write a text file into a folder that is being written.

    Parameters
    ----------
    path
        The file.
    text
        Its text, written as UTF-8 with the line ends it has.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file into a folder that is being written.

    Parameters
    ----------
    path
        The file.
    content
        Its content.

    Raises
    ------
    OutputError
        When it cannot be written, or was written before into a folder that is being made.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_twice(path)
        path.write_bytes(content)


def _refuse_twice(path: Path) -> None:
    """Refuse a second file where some file system would put it over the first, with nothing said."""
    folder = folder_in_making(path)
    if folder is None:
        return
    written = {folder_key(f.relative_to(folder).as_posix()) for f in folder.rglob("*") if f.is_file()}
    if folder_key(path.relative_to(folder).as_posix()) in written:
        raise OutputError(
            "Two outputs of one run have the same file name.",
            where=path.name,
            expected="a name of its own for every file, whatever the file system",
            remedy="This is a fault of the program; report it with the ids of zones and schools.",
        )


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV that a spreadsheet opens as text, not as formulas.

    Parameters
    ----------
    path
        The file.
    frame
        The table; its index is not written. Text that begins with ``=``, ``+``, ``-``, ``@`` or a control character
        and is not a number gets an apostrophe in front. Moments are written in ISO 8601 with their offset.
    """
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    safe = {name: safe_cells(plain[name]) for name in plain.columns}
    write_text(path, pd.DataFrame(safe, index=plain.index).to_csv(index=False, lineterminator="\n"))


def write_geojson(path: Path, frame: gpd.GeoDataFrame, *, seal: str = "") -> None:
    """Write a layer as GeoJSON in longitude and latitude.

    Parameters
    ----------
    path
        The file.
    frame
        The layer, EPSG:4326, written with seven decimals (about 1 cm).
    seal
        Name of the command that writes it, if `is_sealed` is to know it again.
    """
    layer = _rounded(json.loads(frame.to_json(drop_id=True, show_bbox=False, to_wgs84=False)))
    if seal:
        layer = {_SEAL: {"name": f"{PRODUCT} {seal}", "sha256": _digest(layer)}, **layer}
    write_text(path, _plain_json(layer) + "\n")


def is_sealed(path: Path, seal: str) -> bool:
    """Say whether a command wrote a GeoJSON file, and nobody changed it since.

    Parameters
    ----------
    path
        The file.
    seal
        Name of the command.

    Returns
    -------
    bool
        Whether it is as `write_geojson` wrote it.
    """
    try:
        layer = json.loads(path.read_bytes())
        made_by = layer.pop(_SEAL)
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return False
    return bool(made_by == {"name": f"{PRODUCT} {seal}", "sha256": _digest(layer)})


def _digest(layer: dict[str, Any]) -> str:
    return hashlib.sha256(_plain_json(layer).encode()).hexdigest()


def _plain_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rounded(value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    if isinstance(value, dict):
        return {k: _rounded(v) if k in {"coordinates", "geometry", "features"} else v for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 7) if isinstance(value, float) else value


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: what went in, what was set, and what came out. By it the product knows its folders.

    Parameters
    ----------
    folder
        The folder, with all its files written; every file in it is listed with its SHA-256.
    content
        Inputs, settings, seed, versions and counts.
    """
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    whole = {"product": {"name": PRODUCT, "version": __version__}, **content, "outputs": files}
    write_text(folder / MANIFEST, json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n")
