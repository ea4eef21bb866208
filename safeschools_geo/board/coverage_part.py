"""The chapter on coverage: how soon an officer comes, who it is, and how often nobody is free."""

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

    from safeschools_geo.board.content import BoardContent, BoardCoverage
    from safeschools_geo.board.words import Words

    Row = dict[str, Any]

_KM_PER_MILE = 1.609344
_LEAST_OVERFLOW = 0.001


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
        lead=_lead(coverage, words),
        body=render(
            "coverage.html.j2",
            content=content,
            words=words,
            coverage=coverage,
            rows=rows,
            district=_figures(coverage, coverage.district_response_min, coverage.district_own_share, words),
            overflow=_overflow(coverage, words),
            has_minutes=any(row["minutes"] is not None for row in rows),
            has_shares=any(row["own"] is not None for row in rows),
            has_withheld=any(row["minutes"] is None for row in rows),
            chart=_chart(coverage, rows, words),
            step_min=words.number(coverage.step_min, decimals_of(coverage.step_min)),
            step_share=_share(coverage.step_share, coverage, words),
            factor=words.number(coverage.detour_factor, max(1, decimals_of(coverage.detour_factor))),
            kph=words.number(coverage.speed_kph),
            mph=words.number(coverage.speed_kph / _KM_PER_MILE),
        ),
    )


def _minutes(value: float, coverage: BoardCoverage, words: Words) -> str:
    return words.number(value, decimals_of(coverage.step_min))


def _share(value: float, coverage: BoardCoverage, words: Words) -> str:
    return words.percent(value, decimals_of(100 * coverage.step_share))


def _figures(coverage: BoardCoverage, minutes: float, own: float, words: Words) -> Row:
    """Write the figures of one zone, or of all; None where one is missing."""
    return {
        "minutes": None if pd.isna(minutes) else _minutes(minutes, coverage, words),
        "own": None if pd.isna(own) else _share(own, coverage, words),
        "neighbour": None if pd.isna(own) else _share(1 - own, coverage, words),
    }


def _rows(coverage: BoardCoverage, words: Words) -> list[Row]:
    rows = []
    for zone in coverage.zones.astype({"response_min": "float64", "own_share": "float64"}).to_dict("records"):
        minutes, own = (math.nan, math.nan) if zone["is_withheld"] else (zone["response_min"], zone["own_share"])
        rows.append({"name": str(zone["name"]), "value": minutes, **_figures(coverage, minutes, own, words)})
    return rows


def _overflow(coverage: BoardCoverage, words: Words) -> str | None:
    share = coverage.district_overflow_share
    if math.isnan(share):
        return None
    if share < _LEAST_OVERFLOW:
        return words("coverage.less_than", share=words.percent(_LEAST_OVERFLOW, 1))
    return words("coverage.exactly", share=words.percent(share, 1))


def _lead(coverage: BoardCoverage, words: Words) -> str:
    figures = _figures(coverage, coverage.district_response_min, coverage.district_own_share, words)
    told = []
    if figures["minutes"] is not None:
        told.append(words("coverage.lead_response", minutes=figures["minutes"]))
    if figures["own"] is not None:
        told.append(words("coverage.lead_own", own=figures["own"]))
    if (overflow := _overflow(coverage, words)) is not None:
        told.append(words("coverage.lead_overflow", overflow=overflow))
    return " ".join(told) or words("coverage.lead_withheld")


def _chart(coverage: BoardCoverage, rows: Sequence[Row], words: Words) -> Markup:
    bars = [
        ChartRow(row["name"], words("common.withheld"))
        if row["minutes"] is None
        else ChartRow(row["name"], words("coverage.chart_row", minutes=row["minutes"]), (row["value"],))
        for row in rows
    ]
    mean = coverage.district_response_min
    told = words("coverage.district_is", minutes=_minutes(mean, coverage, words))
    reference = None if pd.isna(mean) else (mean, told)
    return row_chart(bars, name="coverage-chart", title=words("coverage.chart_alt"), reference=reference)
