"""What a file really is, whatever its name says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

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
