"""The chapter that says in one plain sentence what each word of the pages means."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from safeschools_geo.board.part import Part, render
from safeschools_geo.schemas import CRITICAL_CATEGORIES

if TYPE_CHECKING:
    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

_TERM = "glossary.term_"
_SYNTHETIC = "synthetic"


def glossary_part(content: BoardContent, words: Words) -> Part:
    """Write the glossary.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part
        The chapter: words in alphabetical order, and the kinds of incident.
    """
    keys = [key.removeprefix(_TERM) for key in words.texts if key.startswith(_TERM)]
    terms = [
        (words(f"{_TERM}{key}"), words(f"glossary.means_{key}"))
        for key in keys
        if key != _SYNTHETIC or content.is_synthetic
    ]
    kinds = [(words(f"common.category_{name}"), words(f"glossary.means_{name}")) for name in CRITICAL_CATEGORIES]
    return Part(
        name="glossary",
        title=words("glossary.title"),
        lead=words("glossary.lead"),
        body=render(
            "glossary.html.j2", content=content, words=words, terms=sorted(terms, key=_alphabetical), kinds=kinds
        ),
    )


def _alphabetical(entry: tuple[str, str]) -> str:
    """Sort letters with an accent as those without."""
    plain = unicodedata.normalize("NFKD", entry[0].casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))
