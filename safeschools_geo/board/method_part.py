"""The chapter on method: where numbers come from, what is withheld and why, and what they cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.board.part import Part, render
from safeschools_geo.board.policy_source import policy_source
from safeschools_geo.board.rows import baseline_words, group_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

    Row = dict[str, Any]

_FRONT = ("zone", "level", "category", "origin", "enrolled")
_DIMS = {*_FRONT, "year", "term"}


def method_part(content: BoardContent, words: Words) -> Part:
    """Write the chapter on method and limits.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part
        The chapter.
    """
    is_withheld = content.counts.is_withheld
    policy = content.counts.policy
    changes = content.changes
    return Part(
        name="method",
        title=words("method.title"),
        lead=words("method.lead"),
        body=render(
            "method.html.j2",
            content=content,
            words=words,
            policy=policy,
            source=policy_source(content, words),
            figures=len(is_withheld),
            withheld=int(is_withheld.sum()),
            share=words.percent(content.counts.withheld_share),
            compared=None if changes.empty else (str(changes["before"].iloc[0]), str(changes["after"].iloc[0])),
            baseline=baseline_words(content, words),
            intervals=_intervals(content, words),
            hidden=len(content.audit.hidden),
            settings=_settings(content.method, words),
        ),
    )


def _intervals(content: BoardContent, words: Words) -> list[Row]:
    """Name each withheld figure, with the least and the most that it can be."""
    return [
        {
            "names": _names(record, content, words),
            "low": words.number(record["low"]),
            "high": None if pd.isna(record["high"]) else words.number(record["high"]),
        }
        for record in content.audit.to_frame().to_dict("records")
    ]


def _names(record: Mapping[Any, Any], content: BoardContent, words: Words) -> list[str]:
    """Say what a figure is of: groups, then period; what stands first begins with a capital letter."""
    of = {str(dim): str(record[dim]) for dim in record if dim in _DIMS and record[dim]}
    names = [_group(dim, of[dim], content, words) for dim in _FRONT if dim in of]
    names = names or [words("method.everywhere")]
    if "year" in of:
        names.append(words("method.year", year=of["year"]))
    if "term" in of:
        names.append(of["term"])
    return names if "zone" in of else [_with_capital(names[0]), *names[1:]]


def _with_capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _group(dim: str, group: str, content: BoardContent, words: Words) -> str:
    if dim == "enrolled":
        key = f"method.enrolled_{group}"
        return words(key) if key in words.texts else group
    name = group_name(dim, group, content=content, words=words)
    return words("method.level", level=name) if dim == "level" else name


def _settings(method: Mapping[str, str], words: Words) -> list[tuple[str, str]]:
    """Name the settings: by a text of ours where there is one, else as they are given."""
    return [
        (words(key) if (key := f"method.setting_{name}") in words.texts else str(name), str(value))
        for name, value in method.items()
    ]
