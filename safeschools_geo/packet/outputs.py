"""What the board packet leaves behind: pages, PDF, the audit, and a list of them all with their hashes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from safeschools_geo.board.packet import draw_packet
from safeschools_geo.board.pdf import print_pdf
from safeschools_geo.disclosure.audit_file import audit_document
from safeschools_geo.export import write_bytes, write_text
from safeschools_geo.packet.statements import numbers_on, public_numbers, statements_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from safeschools_geo.settings import BoardSettings
    from safeschools_geo.term_results import TermBoard

FORMAT = "safeschools-geo/packet/2"
"""Name of the format of ``packet.json``, and its version."""


def draw_board(board: TermBoard, settings: BoardSettings) -> tuple[dict[str, bytes], str]:
    """Draw the packet.

    Parameters
    ----------
    board
        What may be told.
    settings
        Languages, and whether it is printed.

    Returns
    -------
    files : dict of str to bytes
        Relative file name → its content: the pages, and a PDF in each language where something prints them.
    why_no_pdf : str
        Why there is none, with the remedy; empty where there is.
    """
    content = board.content
    pages = draw_packet(content, langs=settings.languages)
    files = {name: html.encode() for name, html in pages.items()}
    reason = ""
    for lang in settings.languages if settings.pdf else ():
        folder = "" if lang == settings.languages[0] else f"{lang}/"
        printed = print_pdf(pages[f"{folder}print.html"], title=f"{content.district}, {content.term}", lang=lang)
        reason = reason or printed.reason
        if printed.pdf is not None:
            files[f"packet-{lang}.pdf"] = printed.pdf
    return files, reason


def write_board(board: TermBoard, files: Mapping[str, bytes], folder: Path, *, languages: Sequence[str]) -> None:
    """Write the packet.

    Parameters
    ----------
    board
        What may be told.
    files
        Result of `draw_board`.
    folder
        An empty folder; all in it may be published.
    languages
        Languages of the packet.
    """
    content = board.content
    for name, body in files.items():
        write_bytes(folder / name, body)
    pages = {name: body.decode() for name, body in files.items() if name.endswith(".html")}
    audit = audit_document(
        board.audit,
        district=content.district,
        term=content.term,
        release=content.release,
        said=[statement.to_dict() for statement in statements_of(content, pages)],
    )
    write_text(folder / "audit.json", json.dumps(audit, ensure_ascii=False, separators=(",", ":")) + "\n")
    packet = _packet(board, folder, languages, pages)
    write_text(folder / "packet.json", json.dumps(packet, ensure_ascii=False, indent=2) + "\n")


def _packet(board: TermBoard, folder: Path, languages: Sequence[str], pages: Mapping[str, str]) -> dict[str, Any]:
    content = board.content
    return {
        "format": FORMAT,
        "district": content.district,
        "term": content.term,
        "is_synthetic": content.is_synthetic,
        "release": content.release,
        "policy": board.counts.policy.to_dict(),
        "languages": list(languages),
        # By this anyone can see later whether the record of releases still ends where it did.
        "record": {"releases": len(board.releases), "last": board.releases[-1].hash if board.releases else None},
        "public": {what: " ".join(told) for what, told in public_numbers(content, langs=languages).items()},
        "numbers": {name: " ".join(numbers_on(page)) for name, page in sorted(pages.items())},
        "files": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }
