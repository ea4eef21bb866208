"""Rates of two terms beside each other as inline SVG: two dots with their intervals in each row."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from safeschools_geo.maps.svg import FAINT, GREY, HALO, INK, LETTER, shortened, svg, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

_BEFORE, _AFTER, _CLEAR = "#ffffff", "#2574ad", "#7a0019"
_LEFT, _RIGHT, _WIDTH, _TOP, _ROW = 210.0, 150.0, 760.0, 40.0, 40.0
_WAYS = {
    "rose": "▲ rose",
    "fell": "▼ fell",
    "no clear change": "not clear",
    "insufficient_data": "too few",
}


def two_terms_chart(rows: pd.DataFrame, *, terms: tuple[str, str], title: str, unit: str) -> str:
    """Draw the rates of two terms.

    Parameters
    ----------
    rows
        `label`; `value`, `low` and `high` of each term, with ``_before`` and ``_after`` behind the name, missing where
        there is none; and `direction`, as `hotspots.change.term_change` has it.
    terms
        Names of the earlier and of the later term.
    title
        What it shows, for those who cannot see it.
    unit
        Unit of the values.

    Returns
    -------
    str
        An SVG element. In each row a hollow dot for the earlier and a filled one under it for the later term, both
        with their intervals; beside them both values, and whether the change is more than chance explains.
    """
    ends = rows[["high_before", "high_after", "value_before", "value_after"]].to_numpy(dtype=np.float64)
    largest = float(np.max(ends[np.isfinite(ends)], initial=0.0)) or 1.0
    step = _round_step(largest / 5)
    end = math.ceil(largest / step - 1e-9) * step

    def x(value: float) -> float:
        return _LEFT + min(value, end) / end * (_WIDTH - _LEFT - _RIGHT)

    bottom = _TOP + _ROW * len(rows)
    parts = _key(terms)
    for tick in np.arange(0, end + step / 2, step):
        parts.append(f'<path d="M{x(tick):.1f},{_TOP}V{bottom:g}" stroke="{FAINT}"/>')
        parts.append(text(x(tick), bottom + 18, f"{tick:g}", anchor="middle", color=GREY))
    for place, row in enumerate(rows.to_dict("records")):
        parts += _row(row, _TOP + place * _ROW, x, terms=terms, unit=unit)
    parts.append(text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 38, unit, anchor="middle", color=GREY))
    told = (
        f"In each row a hollow dot for {terms[0]} and a filled dot for {terms[1]}, with lines for the interval, {unit}."
    )
    return svg(_WIDTH, bottom + 48, title, told, parts)


def _key(terms: tuple[str, str]) -> list[str]:
    parts, at = [], _LEFT
    for term, fill in zip(terms, (_BEFORE, _AFTER), strict=True):
        words = shortened(term)
        parts.append(f'<circle cx="{at + 6:.1f}" cy="15" r="5" fill="{fill}" stroke="{INK}"/>')
        parts.append(text(at + 17, 20, words, size=13))
        at += 40 + LETTER * len(words)
    parts.append(text(at, 20, "lines: 95 % intervals", color=GREY, size=13))
    return parts


def _row(
    row: Mapping[Any, Any], y: float, x: Callable[[float], float], *, terms: tuple[str, str], unit: str
) -> list[str]:
    clear = row["direction"] in ("rose", "fell")
    way = _WAYS[row["direction"]]
    band = f'<path d="M0,{y + _ROW:g}H{_WIDTH:g}" stroke="{FAINT}"/>'
    parts = [band, text(_LEFT - 10, y + _ROW / 2 + 5, shortened(str(row["label"])), anchor="end")]
    for side, term, fill, at in (
        ("before", terms[0], _BEFORE, y + 13),
        ("after", terms[1], _AFTER, y + _ROW - 13),
    ):
        value, low, high = (row[f"{name}_{side}"] for name in ("value", "low", "high"))
        if not np.isfinite(value):
            parts.append(text(_LEFT + 6, at + 4, "no rate", color=GREY, size=12, more=HALO))
            continue
        told = f"{row['label']}, {term}: {value:.3f} ({low:.3f}–{high:.3f}) {unit}; {way}"
        parts.append(
            f"<g><title>{escape(told)}</title>"
            f'<path d="M{x(low):.1f},{at:g}H{x(high):.1f}" stroke="{INK}" stroke-width="2"/>'
            f'<circle cx="{x(value):.1f}" cy="{at:g}" r="5" fill="{fill}" stroke="{INK}"/></g>'
        )
    values = " → ".join("–" if not np.isfinite(v) else f"{v:.2f}" for v in (row["value_before"], row["value_after"]))
    beside = _WIDTH - _RIGHT + 12
    parts.append(text(beside, y + 17, values, size=13))
    bold = 'font-weight="700"' if clear else ""
    parts.append(text(beside, y + _ROW - 8, way, size=13, color=_CLEAR if clear else GREY, more=bold))
    return parts


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough - 1e-12)
