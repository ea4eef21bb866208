"""What a file really is, whatever its name says, and whether it holds more than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import FileReadError

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.settings import ReadingSettings

_HEAD_BYTES = 4096
TEXT_KINDS = ("JSON", "XML")
"""Kinds that are text, though not of rows and cells."""

_SIGNATURES = {
    b"PK\x03\x04": "a zip archive or a newer Office file (.zip, .xlsx)",
    b"\xd0\xcf\x11\xe0": "an old or password-protected Office file (.xls)",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a GeoPackage or other SQLite database",
    b"\x00\x00\x27\x0a": "a shapefile",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_MARKUP = {
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<table": "a web page",
    b"<?xml": "XML",
    b"{": "JSON",
    b"[": "JSON",
}


def signature(head: bytes) -> str | None:
    """Recognise a file by its first bytes.

    Parameters
    ----------
    head
        The first bytes of the file.

    Returns
    -------
    str or None
        For example ``"a PDF document"``; None when they are not characteristic.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    exact = next((kind for start, kind in _SIGNATURES.items() if head.startswith(start)), None)
    return exact or next((kind for start, kind in _MARKUP.items() if text.startswith(start)), None)


def describe(path: Path) -> str:
    """Say what a file really is.

    Parameters
    ----------
    path
        A file that can be opened.

    Returns
    -------
    str
        For example ``"a web page, 1,234 bytes"``.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = signature(head) or ("binary data" if b"\x00" in head else "text")
    return f"{kind}, {path.stat().st_size:,} bytes"


_MB = 1_000_000
_ALWAYS_UNPACKED_MB = 16


def check_size(path: Path, size: int, limits: ReadingSettings, *, packed: int | None = None) -> None:
    """Refuse a file for the bytes that it has, or unpacks to.

    Parameters
    ----------
    path
        The file.
    size
        Its bytes, or what they unpack to.
    limits
        How much it may hold.
    packed
        Its bytes before they are unpacked, if they are.

    Raises
    ------
    FileReadError
        When they are more than `limits` allow.
    """
    unpacked = "" if packed is None else " unpacked"
    if size > limits.max_mb * _MB:
        raise _too_much(path, f"{size / _MB:,.0f} MB{unpacked}", f"at most {limits.max_mb:,.0f} MB", "max_mb")
    if packed is not None and size > max(limits.max_ratio * packed, _ALWAYS_UNPACKED_MB * _MB):
        found = f"{packed / _MB:,.1f} MB that unpack to {size / _MB:,.0f} MB"
        raise _too_much(path, found, f"at most {limits.max_ratio:,.0f} times the file's own size", "max_ratio")


def check_entries(path: Path, entries: int, limits: ReadingSettings) -> None:
    """Refuse an archive for the number of files inside it.

    Parameters
    ----------
    path
        The archive.
    entries
        Number of files.
    limits
        How much it may hold.

    Raises
    ------
    FileReadError
        When they are more than `limits` allow.
    """
    if entries > limits.max_entries:
        raise _too_much(path, f"{entries:,} files inside", f"at most {limits.max_entries:,}", "max_entries")


def check_table_size(
    path: Path, limits: ReadingSettings, *, rows: int = 0, columns: int = 0, cells: int | None = None, note: str = ""
) -> None:
    """Refuse a table for its rows, columns or cells.

    Parameters
    ----------
    path
        The file.
    limits
        How much it may hold.
    rows, columns, cells
        How much it does; cells are rows times columns if left out.
    note
        More about what was found, for the message.

    Raises
    ------
    FileReadError
        When they are more than `limits` allow.
    """
    sizes = {"rows": rows, "columns": columns, "cells": rows * columns if cells is None else cells}
    for what, size in sizes.items():
        most = getattr(limits, f"max_{what}")
        if size > most:
            raise _too_much(path, f"{size:,} {what}{note}", f"at most {most:,} {what}", f"max_{what}")


def _too_much(path: Path, found: str, expected: str, setting: str) -> FileReadError:
    return FileReadError(
        "The file holds more than is read.",
        where=path,
        found=found,
        expected=f"{expected} ([reading] {setting})",
        remedy=f"Export only what is needed. If all of it is, raise {setting} under [reading] in district.toml; "
        "commands without a district folder keep to the default.",
    )
