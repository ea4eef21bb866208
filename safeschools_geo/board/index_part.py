"""The front page: what the packet finds, in plain sentences, and what it does not show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from safeschools_geo.board.coverage_part import coverage_sentences, share_text
from safeschools_geo.board.part import Part, render
from safeschools_geo.board.plan_part import plan_lead
from safeschools_geo.board.rows import baseline_words, change_of, rows_of
from safeschools_geo.schemas import FEWEST_AS_BASE, OFFICER_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

    Row = dict[str, Any]


def index_part(content: BoardContent, words: Words, others: Sequence[Part] = ()) -> Part:
    """Say what the packet finds.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.
    others
        The other parts, which it leads to.

    Returns
    -------
    Part
        Sentences made of published figures alone.
    """
    withheld = content.counts.is_withheld
    by_term = {str(r["term"]): r for r in rows_of("term", content.district_trends, content=content, words=words)}
    before = None if content.changes.empty else str(content.changes["before"].iloc[0])
    origins = {row["group"]: row for row in rows_of("origin", content.origins, content=content, words=words)}
    body = render(
        "index.html.j2",
        content=content,
        words=words,
        others=others,
        now=by_term[content.term],
        before=by_term.get(before) if before else None,
        change=_change(by_term, content.term, before),
        chance=_chance(content),
        baseline=baseline_words(content, words),
        levels=rows_of("level", content.level_rates, content=content, words=words),
        zones=_zones(content, words),
        n_withheld=int(withheld.sum()),
        n_figures=len(withheld),
        plan=_plan(content, words),
        coverage=coverage_sentences(content, words),
        officers=_officers(content, words),
        started=origins.get("officer_initiated"),
        kinds=[words(f"common.category_{c}") for c in OFFICER_CATEGORIES],
    )
    return Part("index", words("index.title"), words("index.lead", term=content.term), body)


def _change(by_term: dict[str, Row], term: str, before: str | None) -> float | None:
    """Find by which share the count has changed; None where a figure is withheld or carries no percentage."""
    counts = [by_term.get(name or "", {}).get("count") for name in (before, term)]
    if counts[0] is None or not counts[1] or counts[0] < FEWEST_AS_BASE:
        return None
    return float(counts[1] / counts[0] - 1)


def _chance(content: BoardContent) -> str:
    if content.changes.empty:
        return ""
    change = change_of("district", "", content)
    if change is None:
        return "index.chance_unknown"
    return "index.is_more_than_chance" if change["is_more_than_chance"] else "index.is_chance"


def _zones(content: BoardContent, words: Words) -> Row:
    rows = rows_of("zone", content.zone_rates, content=content, words=words)
    clear = [row for row in rows if row["change"] is not None and row["change"]["is_more_than_chance"]]
    unknown = sum(row["change"] is None for row in rows)
    return {
        "up": [row["name"] for row in clear if row["change"]["direction"] == "rose"],
        "down": [row["name"] for row in clear if row["change"]["direction"] == "fell"],
        "still": len(rows) - len(clear) - unknown,
        "unknown": unknown,
        "all": len(rows),
    }


def _plan(content: BoardContent, words: Words) -> str:
    plan = content.plan
    if plan is None or plan.moves.empty:
        return ""
    return f"{words('index.plan')} {plan_lead(content, plan, words)}"


def _officers(content: BoardContent, words: Words) -> str:
    """Say how many of the calls officers of the zones answered; empty where that is withheld or not recorded."""
    found = content.coverage
    if found is None or not found.is_answered or math.isnan(found.officers_share):
        return ""
    return words("index.officers", term=content.term, share=share_text(found.officers_share, found.step_share, words))
