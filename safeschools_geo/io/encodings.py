"""Bytes of a text file made text, saying how."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.file_kinds import TEXT_KINDS, signature
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from pathlib import Path

_SAMPLE = 100_000
_FEW, _BINARY_SHARE = 8, 0.01
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1b\x7f]")
_UNKNOWN = "\ufffd"


@dataclass(frozen=True)
class Decoded:
    """Text, and how it was read.

    Parameters
    ----------
    text
        The text, without byte-order mark and NUL characters.
    encoding
        ``utf-8``, ``utf-8-sig``, ``utf-16``, ``utf-16-le``, ``utf-16-be`` or ``cp1252``.
    findings
        What was guessed, removed or lost.
    """

    text: str
    encoding: str
    findings: tuple[Finding, ...]


def decode(data: bytes, path: Path) -> Decoded:
    """Make text of the bytes of a file.

    UTF-8 and UTF-16 are recognised with and without a byte-order mark. Anything else that is text is read as
    Windows-1252, the encoding of older Western Windows programs.

    Parameters
    ----------
    data
        All bytes of the file.
    path
        The file, for messages.

    Returns
    -------
    Decoded
        The text.

    Raises
    ------
    FileReadError
        When it is no text.
    """
    kind = signature(data[:_SAMPLE])
    if kind is not None and kind not in TEXT_KINDS:
        raise _not_text(path, kind)
    encoding = _encoding(data)
    text, lost = _text(data, encoding)
    sample = text[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > max(_FEW, _BINARY_SHARE * len(sample)):
        raise _not_text(path, "binary data")
    findings = _findings(path, encoding, lost=lost, nul=text.count("\x00"))
    return Decoded(text.replace("\x00", "").removeprefix("\ufeff"), encoding, tuple(findings))


def _encoding(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = (_is_mostly_nul(data[start:_SAMPLE:2]) for start in (0, 1))
    if odd and not even:
        return "utf-16-le"
    if even and not odd:
        return "utf-16-be"
    text = data.decode("utf-8", errors="replace")
    broken = text.count(_UNKNOWN)
    # Bytes of Windows-1252 hardly ever make letters in UTF-8: where most do, a few are damaged.
    accented = sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - broken if broken else 0
    return "cp1252" if broken > accented else "utf-8"


def _text(data: bytes, encoding: str) -> tuple[str, int]:
    """Decode, and count the characters that cannot be."""
    try:
        return data.decode(encoding), 0
    except UnicodeDecodeError:
        text = data.decode(encoding, errors="replace")
        return text, text.count(_UNKNOWN)


def _is_mostly_nul(half: bytes) -> bool:
    # In UTF-16, every second byte of plain English is NUL.
    return half.count(0) > len(half) // 2


def _not_text(path: Path, kind: str) -> FileReadError:
    return FileReadError(
        "The file is not text.",
        where=path,
        found=kind,
        expected="text with one row a line and a delimiter between its cells",
        remedy="Export it as CSV; or, if it is another kind of file, give it the suffix of its kind.",
    )


def _findings(path: Path, encoding: str, *, lost: int, nul: int) -> list[Finding]:
    findings = []
    if encoding == "cp1252":
        message = f"{path.name} is not in UTF-8; it was read as Windows-1252."
        remedy = "If accented letters look wrong, save the file as “CSV UTF-8”."
        findings.append(
            Finding("note", "encoding_cp1252", path.name, message, expected="UTF-8", remedy=remedy),
        )
    if lost:
        message = f"{path.name} holds {lost:,} characters that {encoding} does not have; they became “{_UNKNOWN}”."
        remedy = "Look for that sign in the file's names, and export it again as UTF-8."
        findings.append(
            Finding("warning", "characters_lost", path.name, message, expected="UTF-8", remedy=remedy),
        )
    if nul:
        message = f"{path.name} holds {nul:,} NUL characters, which were removed."
        remedy = "Compare the cells with the source; the export may be damaged."
        findings.append(
            Finding("warning", "nul_removed", path.name, message, expected="text without them", remedy=remedy),
        )
    return findings
