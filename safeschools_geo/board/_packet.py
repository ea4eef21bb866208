"""The packet for the board: every page in every language, and the whole as one document to print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from safeschools_geo.board._chapters import (
    coverage_part,
    glossary_part,
    index_part,
    method_part,
    plan_part,
    rates_part,
    trends_part,
    zones_part,
)
from safeschools_geo.board._page import Part, page, print_page
from safeschools_geo.board._tables import Words, words
from safeschools_geo.disclosure import BoardContent

PartMaker: TypeAlias = Callable[[BoardContent, Words], Part | None]

PART_MAKERS: tuple[PartMaker, ...] = (
    zones_part,
    rates_part,
    trends_part,
    plan_part,
    coverage_part,
    method_part,
    glossary_part,
)
"""The parts of the packet after its front page, in order."""


def draw_packet(
    content: BoardContent, *, langs: Sequence[str] = ("en", "es"), part_makers: Sequence[PartMaker] = PART_MAKERS
) -> dict[str, str]:
    """Draw the packet.

    Parameters
    ----------
    content
        Everything the pages say.
    langs
        Its languages; pages of the first stand at the top, those of each other in a folder named after it.
    part_makers
        What makes each part after the front page; those that have nothing to say are left out.

    Returns
    -------
    dict of str to str
        Relative file name → complete HTML document: a page for each part, ``index.html`` first, and ``print.html``.

    Raises
    ------
    SettingsError
        When the pages do not speak a language.
    OfflineError
        When a page would ask for anything outside itself.
    """
    spoken = {lang: words(lang) for lang in langs}
    return {
        f"{'' if lang == langs[0] else f'{lang}/'}{name}": html
        for lang in langs
        for name, html in _pages(content, spoken[lang], langs, part_makers).items()
    }


def packet_parts(content: BoardContent, spoken: Words, part_makers: Sequence[PartMaker] = PART_MAKERS) -> list[Part]:
    """Make the parts of the packet in one language."""
    others = [part for make in part_makers if (part := make(content, spoken)) is not None]
    return [index_part(content, spoken, others), *others]


def _pages(
    content: BoardContent, spoken: Words, langs: Sequence[str], part_makers: Sequence[PartMaker]
) -> dict[str, str]:
    parts = packet_parts(content, spoken, part_makers)
    entries = {part.name: part.title for part in parts}
    pages = {
        f"{part.name}.html": page(part, content=content, words=spoken, entries=entries, langs=langs) for part in parts
    }
    return {**pages, "print.html": print_page(parts, content=content, words=spoken, langs=langs)}
