"""What the charts are made of: colours, text, and the element around them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INK, GREY, FRAME, FAINT = "#1a1a1a", "#4a4a4a", "#767676", "#dcdcd6"
"""Colours of text, of quiet text, of frames and of lines behind marks."""

HALO = 'stroke="#fff" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"'
"""Attributes that keep text readable on lines."""

LETTER, LINE, WIDTH = 7.4, 17.0, 750.0
"""Width of a letter and height of a line of text, and how far to the right text may reach."""

LONGEST = 26
"""Letters of a name that are written."""

_FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif"'


def svg(width: float, height: float, title: str, description: str, parts: Sequence[str]) -> str:
    """Put a chart together.

    Parameters
    ----------
    width, height
        Its size.
    title, description
        What it shows, for those who cannot see it.
    parts
        Its elements.

    Returns
    -------
    str
        An SVG element.
    """
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(f"{title}. {description}")}" '
        f'{_FONT} font-size="14" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def text(
    x: float, y: float, words: str, *, anchor: str = "start", color: str = INK, size: float = 14, more: str = ""
) -> str:
    """Write text.

    Parameters
    ----------
    x, y
        Where its baseline begins, ends or has its middle.
    words
        The text, which is escaped.
    anchor
        ``start``, ``middle`` or ``end``.
    color
        Its colour.
    size
        Its size.
    more
        Further attributes.

    Returns
    -------
    str
        A text element.
    """
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}" font-size="{size:g}"{more and " "}{more}>{escape(words)}</text>'


def shortened(words: str) -> str:
    """Shorten a name that is too long for its place.

    Parameters
    ----------
    words
        The name.

    Returns
    -------
    str
        Its first letters, with an ellipsis where some are left out.
    """
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
