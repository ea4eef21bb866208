"""A part of the packet: what is a page by itself on the screen, and a chapter on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from safeschools_geo.maps.shell import templates

if TYPE_CHECKING:
    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent


@dataclass(frozen=True)
class Part:
    """One chapter of the packet.

    Parameters
    ----------
    name
        Name of its page, without the ending; also its id on paper.
    title
        Its title, plain text.
    lead
        What it finds, in one or two plain sentences of text.
    body
        Its content below title and lead, as safe HTML without a heading of level 1; ids in it begin with `name`.
    scripts
        Scripts of its page, such as ``js/board_map.js``; on paper there are none, and it says the same without them.
    """

    name: str
    title: str
    lead: str
    body: Markup
    scripts: Sequence[str] = field(default=())


def render(template: str, *, content: BoardContent, words: Words, **parts: object) -> Markup:
    """Fill in a template of this package.

    Parameters
    ----------
    template
        Its file below ``templates``.
    content
        Everything the pages say; `content` in the template.
    words
        The words; `t` writes plain text, `th` text with markup filled in, `number` and `percent` numbers.
    **parts
        What else the template names.

    Returns
    -------
    markupsafe.Markup
        Safe HTML: all that comes from data is escaped.
    """
    html = (
        templates("safeschools_geo.board")
        .get_template(template)
        .render(
            content=content,
            t=words,
            th=words.html,
            number=words.number,
            percent=words.percent,
            lang=words.lang,
            **parts,
        )
    )
    return Markup(html)  # noqa: S704 - the environment escapes
