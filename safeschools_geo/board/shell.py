"""The page around a part of the packet: where it stands, what it withholds, and the way to the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from safeschools_geo.board.part import render
from safeschools_geo.board.pdf import page_rules
from safeschools_geo.board.policy_source import policy_source
from safeschools_geo.board.rows import shortened
from safeschools_geo.board.words import LANGUAGES
from safeschools_geo.maps.offline import content_policy, require_offline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.board.part import Part
    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

_FOLDER = resources.files("safeschools_geo.board")
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


@dataclass(frozen=True)
class Language:
    """Where a page stands in another language.

    Parameters
    ----------
    lang
        IETF tag of the language.
    name
        Its name in itself.
    folder
        Way from the page to the pages of that language: empty, or ending in ``/``.
    """

    lang: str
    name: str
    folder: str


def languages(langs: Sequence[str], *, lang: str) -> list[Language]:
    """List the other languages of the packet.

    Parameters
    ----------
    langs
        Languages of the packet; the pages of the first stand in its folder, those of the others in folders below it.
    lang
        Language of the page.

    Returns
    -------
    list of Language
        The others.
    """
    up = "" if lang == langs[0] else "../"
    return [Language(x, LANGUAGES[x], up if x == langs[0] else f"{up}{x}/") for x in langs if x != lang]


def page(
    part: Part, *, content: BoardContent, words: Words, entries: Mapping[str, str], langs: Sequence[str] = ("en",)
) -> str:
    """Put a part of the packet into a page of its own.

    Parameters
    ----------
    part
        The part.
    content
        Everything the pages say.
    words
        The words.
    entries
        Pages of the packet: name → title.
    langs
        Languages of the packet, the main one first.

    Returns
    -------
    str
        A complete HTML document that asks for nothing outside itself.

    Raises
    ------
    OfflineError
        When it would.
    """
    scripts = [own(name) for name in part.scripts]
    html = render(
        "page.html.j2",
        content=content,
        words=words,
        source=policy_source(content, words),
        part=part,
        entries=entries,
        others=languages(langs, lang=words.lang),
        styles=own("css/board.css") + "\n" + own("css/print.css") + "\n" + margins(content, words),
        scripts=scripts,
        csp=content_policy(scripts),
        title=window_title(part.title, content),
    )
    require_offline(html)
    return str(html)


def print_page(parts: Sequence[Part], *, content: BoardContent, words: Words, langs: Sequence[str] = ("en",)) -> str:
    """Put all parts of the packet into one document, each a chapter that begins on a page of its own.

    Parameters
    ----------
    parts
        The parts, in order.
    content
        Everything the pages say.
    words
        The words.
    langs
        Languages of the packet, the main one first.

    Returns
    -------
    str
        A complete HTML document that runs no script and asks for nothing outside itself.

    Raises
    ------
    OfflineError
        When it would.
    """
    whole = window_title(words("shell.packet"), content)
    titles = {"cover": _where(content), **{part.name: window_title(part.title, content) for part in parts}}
    styles = [own("css/board.css"), own("css/print.css"), margins(content, words), page_rules(titles)]
    html = render(
        "print.html.j2",
        content=content,
        words=words,
        source=policy_source(content, words),
        parts=parts,
        others=languages(langs, lang=words.lang),
        styles="\n".join(styles),
        csp=content_policy([]),
        title=whole,
    )
    require_offline(html)
    return str(html)


def window_title(title: str, content: BoardContent) -> str:
    """Write the title of a document.

    Parameters
    ----------
    title
        Title of the part.
    content
        Everything the pages say.

    Returns
    -------
    str
        The title, with district and term.
    """
    return f"{title} – {_where(content)}"


def margins(content: BoardContent, words: Words) -> str:
    """Write what stands in the margins of every sheet of paper.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words; those of margins are letters, digits and plain punctuation.

    Returns
    -------
    str
        Rules to stand after ``css/print.css``: what state the packet is in, what it withholds, and the page's number.
    """
    policy = content.counts.policy
    states = [words("shell.synthetic")] if content.is_synthetic else []
    states.append(words("shell.release", n=content.release) if content.release else words("shell.draft"))
    withheld = words("shell.margin_rule", largest=policy.largest_small)
    number = f'"{words("shell.page")} " counter(page) " {words("shell.of")} " counter(pages)'
    small = "font-size: 9pt; color: #4a4a4a; vertical-align: middle;"
    return (
        "@page {\n"
        f'  @top-right {{ content: "{" · ".join(states)}"; {small} text-align: right; }}\n'
        f'  @bottom-left {{ content: "{withheld}"; {small} text-align: left; }}\n'
        f"  @bottom-right {{ content: {number}; }}\n"
        "}"
    )


@cache
def own(path: str) -> str:
    """Read one of the scripts or styles of the pages.

    Parameters
    ----------
    path
        Path below this package, such as ``js/board_map.js``.

    Returns
    -------
    str
        Its text; styles without their comments.
    """
    text = _FOLDER.joinpath(*path.split("/")).read_text(encoding="utf-8").strip()
    return _COMMENT.sub("", text) if path.endswith(".css") else text


def _where(content: BoardContent) -> str:
    return f"{shortened(content.district)}, {shortened(content.term)}"
