"""The page that puts two terms beside each other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.pages._charts import FAINT, GRAY, HALO, INK, LETTER, shortened, svg, text
from safeschools_geo.pages._coverage_parts import (
    Column,
    CoverageContent,
    MarkedTable,
    Section,
    coverage_document,
    decimal,
    printed,
    require_tables,
    share,
    whole,
    words,
)
from safeschools_geo.pages._hotspots import CHANGES, chance, ranged
from safeschools_geo.pages._page import Chart
from safeschools_geo.schemas import LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from safeschools_geo.pages._coverage_parts import KeyFigure
    from safeschools_geo.pages._page import OfflinePage, PageContext


# ── Rates of two terms beside each other as inline SVG: two dots with their intervals in each row

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

    An SVG element. In each row a hollow dot for the earlier and a filled one under it for the later term, both with
    their intervals; beside them both values, and whether the change is more than chance explains.
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
        parts.append(text(x(tick), bottom + 18, f"{tick:g}", anchor="middle", color=GRAY))
    for place, row in enumerate(rows.to_dict("records")):
        parts += _row(row, _TOP + place * _ROW, x, terms=terms, unit=unit)
    parts.append(text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 38, unit, anchor="middle", color=GRAY))
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
    parts.append(text(at, 20, "lines: 95 % intervals", color=GRAY, size=13))
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
            parts.append(text(_LEFT + 6, at + 4, "no rate", color=GRAY, size=12, more=HALO))
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
    parts.append(text(beside, y + _ROW - 8, way, size=13, color=_CLEAR if clear else GRAY, more=bold))
    return parts


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough - 1e-12)


# ── The page that puts two terms beside each other: zones of schools, loads, rates, and what became of hotspots

_UNIT = f"{POPULATIONS['reported']} per 1,000 student-days"
_SIDES = ("before", "after")
_RATED = [
    *(f"{name}_{side}" for name in ("incidents", "rate_per_1000", "officer_initiated_share") for side in _SIDES),
    *("ratio", "ratio_low", "ratio_high", "p_value", "q_value", "direction"),
]


@dataclass(frozen=True)
class ComparedTables:
    """The tables of a page that compares two terms, as `TermComparison` has them.

    Parameters
    ----------
    moves
        Schools that changed zone: `name`, `level`, `in_program`, `zone_before`, `zone_after`.
    loads
        Workload of each zone in both terms.
    overall, rates, levels
        Rates of all schools together, of zones and of levels in both terms.
    hotspots
        Schools and groups that are high in either term.
    schools
        Rates of every school in both terms, with what became of it.
    """

    moves: pd.DataFrame
    loads: pd.DataFrame
    overall: pd.DataFrame
    rates: pd.DataFrame
    levels: pd.DataFrame
    hotspots: pd.DataFrame
    schools: pd.DataFrame


def compare_page(
    tables: ComparedTables,
    *,
    terms: tuple[str, str],
    zone_names: Mapping[str, str],
    became: Mapping[str, str],
    zones_told: str,
    finding: str,
    figures: Sequence[KeyFigure],
    statements: Sequence[str],
    cautions: Sequence[str],
    notes: Sequence[str],
    context: PageContext,
) -> OfflinePage:
    """Put two terms beside each other.

    Parameters
    ----------
    tables
        What is shown.
    terms
        Names of the earlier and of the later term.
    zone_names
        Name of each zone of either term, by `zone_id`.
    became
        What can become of a hotspot → its name in print.
    zones_told
        Which schools changed zone, or why that is not known.
    finding
        What changed, in short.
    figures
        The figures that stand large above the page.
    statements
        Sentences that say more.
    cautions
        What the comparison may rest on besides what happened.
    notes
        What else the reader has to know.
    context
        What every page says.

    Returns
    -------
    OfflinePage
        The page; it runs no script.

    Raises
    ------
    InputError
        When a table lacks a column.
    """
    require_tables(
        {
            "overall": (tables.overall, _RATED),
            "rates": (tables.rates, ["name", "has_same_schools", *_RATED]),
            "levels": (tables.levels, ["level", *_RATED]),
            "hotspots": (tables.hotspots, ["name", "became", "sentence", "warning"]),
        }
    )
    content = CoverageContent(
        title=f"What changed from {terms[0]} to {terms[1]}",
        finding=finding,
        figures=figures,
        caution=" ".join(cautions),
        is_warning=bool(cautions),
        statements=statements,
        sections=[
            _hotspot_section(tables.hotspots, terms, became),
            _rate_section(tables, terms),
            _load_section(tables.loads, terms),
            _move_section(tables.moves, terms, zone_names, zones_told),
            _school_section(tables.schools, terms, zone_names, became),
        ],
        notes=notes,
    )
    return coverage_document("compare.html.j2", content, context=context)


def _hotspot_section(hotspots: pd.DataFrame, terms: tuple[str, str], became: Mapping[str, str]) -> Section:
    lead = (
        "Emerged, persisted and faded say in which of the two terms a school or a group was high. That alone is no "
        "evidence of change: read the ratio of the rates, its interval and its q beside it."
    )
    if hotspots.empty:
        return Section("hotspots", "Hotspots", "No school that could be judged, and no group, is high in either term.")
    told = _with_ranges(hotspots).assign(
        told=(hotspots["sentence"] + " " + hotspots["warning"]).str.strip(),
        became=hotspots["became"].map(became),
    )
    columns = (
        Column("Hotspot", "name", words),
        Column("What became of it", "became", words),
        Column("Change of its rate", "direction", CHANGES.__getitem__),
        Column("Ratio of rates (95 %)", "ratio_told", words),
        Column("q", "q_value", _chance),
        Column("In a sentence", "told", words),
        *_pair(terms, "Times expected", "of_expected", _two),
    )
    return Section("hotspots", "Hotspots", lead, (), [_marked(told, columns, "Hotspots of the two terms")])


def _rate_section(tables: ComparedTables, terms: tuple[str, str]) -> Section:
    title = f"{_UNIT[:1].upper()}{_UNIT[1:]}"
    everywhere = tables.overall.assign(name="All schools")
    levels = tables.levels.assign(name=tables.levels["level"].map(LEVELS))
    rows = pd.concat([everywhere, tables.rates, levels], ignore_index=True)
    caption = f"{title}: {terms[0]} and {terms[1]}"
    chart = Chart(two_terms_chart(_drawn(rows), terms=terms, title=caption, unit=_UNIT), caption)
    lead = (
        "Rates are per student-day, so terms may differ in length. A change is called a rise or a fall where q is at "
        "most 0.05 after looking at all zones, or at all levels."
    )
    printed_tables = [
        _rate_table(tables.rates, terms, "Zone", "Zones", has_zones=True),
        _rate_table(pd.concat([everywhere, levels], ignore_index=True), terms, "Level", "All schools, and levels"),
    ]
    return Section("rates", "Rates by zone and by level", lead, [chart], printed_tables)


def _rate_table(
    rows: pd.DataFrame, terms: tuple[str, str], head: str, caption: str, *, has_zones: bool = False
) -> MarkedTable:
    same: tuple[Column, ...] = ()
    if has_zones and not rows["has_same_schools"].all():
        same = (
            Column("Same schools", "has_same_schools", _yes),
            Column(f"Ratio at the schools of {terms[1]} (95 %)", "same_schools_ratio_told", words),
            Column("Its q", "same_schools_q_value", _chance),
        )
    columns = (
        Column(head, "name", words),
        Column("Change", "direction", CHANGES.__getitem__),
        *_pair(terms, "Reported calls", "incidents", whole),
        *_pair(terms, "Rate (95 %)", "rate_told", words),
        Column("Ratio (95 %)", "ratio_told", words),
        Column("p", "p_value", _chance),
        Column("q", "q_value", _chance),
        *same,
        *_pair(terms, "Officers started", "officer_initiated_share", share),
    )
    return _marked(_with_ranges(rows), columns, f"{caption}: {_UNIT}, at schools with a known enrollment")


def _load_section(loads: pd.DataFrame, terms: tuple[str, str]) -> Section:
    parts = (
        (
            Column("Of it, other schools", "from_zones_h", _signed),
            Column("Of it, all else", "from_work_h", _signed),
        )
        if loads["from_zones_h"].round(6).any()
        else ()
    )
    columns = (
        Column("Zone", "name", words),
        *_pair(terms, "Schools", "schools", whole),
        *_pair(terms, "Hours", "workload_h", _two),
        Column("Difference", "difference_h", _signed),
        *parts,
        *_pair(terms, "Of the mean", "share_of_mean", _times),
    )
    lead = (
        "Officer-hours per school day, so terms may differ in length. Hours are added up and not tested: small "
        "differences come and go with a few incidents."
    )
    return Section("loads", "Loads of the zones", lead, (), [printed(loads, columns, caption=lead.partition(",")[0])])


def _move_section(
    moves: pd.DataFrame, terms: tuple[str, str], zone_names: Mapping[str, str], zones_told: str
) -> Section:
    title = "Schools that changed zone"
    if moves.empty:
        return Section("moves", title, zones_told)
    named = moves.assign(**{f"zone_{side}": moves[f"zone_{side}"].map(zone_names).fillna("") for side in _SIDES})
    columns = (
        Column("School", "name", words),
        Column("Level", "level", LEVELS.__getitem__),
        *_pair(terms, "Zone", "zone", words),
        Column("In program", "in_program", _yes),
    )
    return Section("moves", title, "", (), [printed(named, columns, caption="Zone of each of them in both terms")])


def _school_section(
    schools: pd.DataFrame, terms: tuple[str, str], zone_names: Mapping[str, str], became: Mapping[str, str]
) -> Section:
    ordered = schools.sort_values(["p_value", "name"], kind="stable")
    told = _with_ranges(ordered).assign(
        became=ordered["became"].map(became), zone=ordered["zone_after"].map(zone_names).fillna("")
    )
    columns = (
        Column("School", "name", words),
        Column("Level", "level", LEVELS.__getitem__),
        Column("Zone", "zone", words),
        Column("Change", "direction", CHANGES.__getitem__),
        *_pair(terms, "Reported calls", "incidents", whole),
        *_pair(terms, "Rate (95 %)", "rate_told", words),
        Column("Ratio (95 %)", "ratio_told", words),
        Column("q", "q_value", _chance),
        Column("As a hotspot", "became", words),
    )
    caption = f"Every program school, the clearest changes first: {_UNIT}"
    return Section("schools", "Every school", "", (), [_marked(told, columns, caption)])


def _pair(terms: tuple[str, str], head: str, name: str, written: Callable[[Any], str]) -> tuple[Column, Column]:
    first, second = (
        Column(f"{head}, {term}", f"{name}_{side}", written) for term, side in zip(terms, _SIDES, strict=True)
    )
    return first, second


def _with_ranges(rows: pd.DataFrame) -> pd.DataFrame:
    """Write measures with their intervals, as far as the frame has them."""
    written: dict[str, list[str]] = {}
    for name, parts in {
        "ratio_told": ("ratio", "ratio_low", "ratio_high"),
        "same_schools_ratio_told": ("same_schools_ratio", "same_schools_ratio_low", "same_schools_ratio_high"),
        **{
            f"rate_told_{side}": tuple(f"rate_{part}per_1000_{side}" for part in ("", "low_", "high_"))
            for side in _SIDES
        },
    }.items():
        if set(parts) <= set(rows.columns):
            measures = zip(*(rows[part] for part in parts), strict=True)
            written[name] = [_unbroken(ranged(value, low, high, 2)) for value, low, high in measures]
    return rows.assign(**written)


def _unbroken(text: str) -> str:
    """Keep a measure and its interval on one line."""
    return text.replace(" ", "\u00a0").replace("–", "\u2060–\u2060") if "(" in text else text


def _marked(rows: pd.DataFrame, columns: Sequence[Column], caption: str) -> MarkedTable:
    clear = rows["direction"].isin(["rose", "fell"]).tolist()
    table = printed(rows, columns, caption=caption)
    return replace(table, marked=frozenset(place for place, is_clear in enumerate(clear) if is_clear))


def _drawn(rows: pd.DataFrame) -> pd.DataFrame:
    parts = {"value": "rate_per_1000", "low": "rate_low_per_1000", "high": "rate_high_per_1000"}
    values = {f"{short}_{side}": rows[f"{name}_{side}"] for short, name in parts.items() for side in _SIDES}
    return pd.DataFrame({"label": rows["name"], "direction": rows["direction"], **values})


def _chance(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    return chance(value).replace(" ", "\u00a0")


def _two(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    return decimal(value, 2)


def _times(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    text = decimal(value, 2)
    return f"{text} ×" if text[-1].isdigit() else text


def _signed(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    text = decimal(value, 2)
    return f"+{text}" if text[0].isdigit() and float(text.replace(",", "")) else text


def _yes(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    return "Yes" if value else "No"
