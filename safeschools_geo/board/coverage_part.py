"""The chapter on coverage: how soon an officer comes and who it is, as the record says it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.board.decimals import decimals_of
from safeschools_geo.board.part import Part, render
from safeschools_geo.board.row_chart import ChartRow, row_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent, BoardCoverage

    Row = dict[str, Any]


def coverage_part(content: BoardContent, words: Words) -> Part | None:
    """Write the chapter on coverage.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part or None
        The chapter; None where there is no coverage.
    """
    coverage = content.coverage
    if coverage is None:
        return None
    rows = _rows(coverage, words)
    return Part(
        name="coverage",
        title=words("coverage.title"),
        lead=" ".join(coverage_sentences(content, words)),
        body=render(
            "coverage.html.j2",
            content=content,
            words=words,
            coverage=coverage,
            rows=rows,
            district=_minutes(coverage.district_response_min, coverage, words),
            has_minutes=any(row["minutes"] is not None for row in rows),
            has_district=not math.isnan(coverage.district_response_min),
            has_withheld=any(row["is_withheld"] for row in rows),
            has_gap=any(row["minutes"] is None and not row["is_withheld"] for row in rows),
            shares=_shares(coverage, words),
            rests=_rests(coverage, words),
            chart=_chart(coverage, rows, words),
            step_min=words.number(coverage.step_min, decimals_of(coverage.step_min)),
            step_share=words.percent(coverage.step_share, decimals_of(100 * coverage.step_share)),
        ),
    )


def coverage_sentences(content: BoardContent, words: Words) -> list[str]:
    """Say what the packet says of coverage: how soon somebody came, and who.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    list of str
        One sentence or two, the same on every page; none where there is no coverage.
    """
    coverage = content.coverage
    if coverage is None:
        return []
    if not coverage.has_calls:
        return [words("coverage.no_calls", term=content.term)]
    return [_response(coverage, words), _answered(coverage, words)]


def _response(coverage: BoardCoverage, words: Words) -> str:
    if not coverage.is_timed:
        return words("coverage.no_times")
    if math.isnan(coverage.district_response_min):
        return words("coverage.lead_minutes_withheld")
    if coverage.district_response_min == 0:
        under = "coverage.lead_officer_under" if coverage.is_answered else "coverage.lead_whoever_under"
        return words(under, minutes=words.number(coverage.step_min / 2, decimals_of(coverage.step_min / 2)))
    about = "coverage.lead_officer" if coverage.is_answered else "coverage.lead_whoever"
    return words(about, minutes=_minutes(coverage.district_response_min, coverage, words))


def _answered(coverage: BoardCoverage, words: Words) -> str:
    if not coverage.is_answered:
        return words("coverage.no_answers")
    shares = _shares(coverage, words)
    return words("coverage.lead_answered", **shares) if shares else words("coverage.lead_shares_withheld")


def _shares(coverage: BoardCoverage, words: Words) -> dict[str, str]:
    """Write who answered; nothing where that is withheld or not recorded."""
    shares = {"own": coverage.own_share, "other": coverage.other_share, "patrol": coverage.patrol_share}
    if not coverage.is_answered or any(map(math.isnan, shares.values())):
        return {}
    return {name: share_text(share, coverage.step_share, words) for name, share in shares.items()}


def share_text(share: float, step: float, words: Words) -> str:
    """Write a rounded share of calls.

    Parameters
    ----------
    share
        The share.
    step
        What it is rounded to.
    words
        The words.

    Returns
    -------
    str
        For example ``about 8%``; ``less than 0.5%`` where it is rounded to nothing, and can be something.
    """
    if share < step / 2:
        return words("coverage.less_than", share=words.percent(step / 2, 1))
    return words("coverage.about", share=words.percent(share, decimals_of(100 * step)))


def _rests(coverage: BoardCoverage, words: Words) -> list[str]:
    """Say on which share of the calls the figures rest, where it is not all."""
    return [
        words(name, share=words.percent(share))
        for name, share, is_told in (
            ("coverage.rests_minutes", coverage.timed_share, coverage.is_timed),
            ("coverage.rests_answers", coverage.answered_share, coverage.is_answered),
        )
        if is_told and share < 1
    ]


def _minutes(value: float, coverage: BoardCoverage, words: Words) -> str:
    return words.number(value, decimals_of(coverage.step_min))


def _rows(coverage: BoardCoverage, words: Words) -> list[Row]:
    rows = []
    for zone in coverage.zones.astype({"response_min": "float64"}).to_dict("records"):
        minutes = math.nan if zone["is_withheld"] else zone["response_min"]
        told = None if pd.isna(minutes) else _minutes(minutes, coverage, words)
        is_withheld = bool(zone["is_withheld"]) and coverage.is_timed
        rows.append({"name": str(zone["name"]), "value": minutes, "minutes": told, "is_withheld": is_withheld})
    return rows


def _chart(coverage: BoardCoverage, rows: Sequence[Row], words: Words) -> Markup:
    bars = [
        ChartRow(row["name"], words("common.withheld" if row["is_withheld"] else "coverage.too_few"))
        if row["minutes"] is None
        else ChartRow(row["name"], words("coverage.chart_row", minutes=row["minutes"]), (row["value"],))
        for row in rows
    ]
    mean = coverage.district_response_min
    told = words("coverage.district_is", minutes=_minutes(mean, coverage, words))
    reference = None if pd.isna(mean) else (mean, told)
    return row_chart(bars, name="coverage-chart", title=words("coverage.chart_alt"), reference=reference)
