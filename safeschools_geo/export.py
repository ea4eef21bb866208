"""What a run leaves behind: whole or not at all, safe to open in a spreadsheet, and with a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.errors import OutputError
from safeschools_geo.file_names import claim, written_once
from safeschools_geo.io.text import safe_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Write a folder beside its place and put it there when it is complete.

    Parameters
    ----------
    target
        The folder to make or to replace as a whole.

    Yields
    ------
    pathlib.Path
        An empty folder to write to. If the block fails or is interrupted it is removed and `target` is left as it
        was.

    Raises
    ------
    OutputError
        When `target` is a file, or its parent cannot be written to.
    """
    if target.exists() and not target.is_dir():
        raise OutputError(
            "The output folder is a file.",
            where=target,
            expected="a folder, or nothing",
            remedy="Choose another --out.",
        )
    with _writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        fresh.chmod(0o755)
        with written_once(fresh):
            yield fresh
        with _writable(target):
            _put_in_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    # Two renames: between them a reader finds no folder, but never a half-written one.
    old = fresh.with_suffix(".old")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _writable(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            "The output cannot be written there.",
            where=target,
            found=error.strerror,
            expected="a folder that can be written to, none of its files open in another program",
            remedy="Close the files, or choose another --out.",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

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
    """Write a file, whole or not at all.

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
    claim(path)
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


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


def write_geojson(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write a layer as GeoJSON in longitude and latitude.

    Parameters
    ----------
    path
        The file.
    frame
        The layer, EPSG:4326, written with seven decimals (about 1 cm).
    """
    text = json.loads(frame.to_json(drop_id=True, show_bbox=False, to_wgs84=False))
    write_text(path, json.dumps(_rounded(text), ensure_ascii=False, separators=(",", ":")) + "\n")


def _rounded(value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    if isinstance(value, dict):
        return {k: _rounded(v) if k in {"coordinates", "geometry", "features"} else v for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 7) if isinstance(value, float) else value


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: what went in, what was set, and what came out.

    Parameters
    ----------
    folder
        The folder of a finished run; every file in it is listed with its SHA-256.
    content
        Inputs, settings, seed, versions and counts.
    """
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({**content, "outputs": files}, indent=2, ensure_ascii=False, default=str)
    write_text(folder / "manifest.json", text + "\n")
