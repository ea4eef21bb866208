"""The page that puts two terms beside each other."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.drawing import FAINT, GRAY, INK, text
from safeschools_geo.hotspots import STATUS_CHANGES
from safeschools_geo.pages._charts import HALO, LETTER, round_step, shortened, svg
from safeschools_geo.pages._hotspots import CHANGES, chance, ranged
from safeschools_geo.pages._page import (
    Chart,
    Column,
    CoverageContent,
    DataTable,
    KeyFigure,
    PageContext,
    Section,
    coverage_document,
    decimal,
    printed,
    share,
    whole,
    words,
)
from safeschools_geo.schemas import LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.results import TermComparison


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
    step = round_step(largest / 5)
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
    sentence = (
        f"In each row a hollow dot for {terms[0]} and a filled dot for {terms[1]}, with lines for the interval, {unit}."
    )
    return svg(_WIDTH, bottom + 48, title, sentence, parts)


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
        sentence = f"{row['label']}, {term}: {value:.3f} ({low:.3f}–{high:.3f}) {unit}; {way}"
        parts.append(
            f"<g><title>{escape(sentence)}</title>"
            f'<path d="M{x(low):.1f},{at:g}H{x(high):.1f}" stroke="{INK}" stroke-width="2"/>'
            f'<circle cx="{x(value):.1f}" cy="{at:g}" r="5" fill="{fill}" stroke="{INK}"/></g>'
        )
    values = " → ".join("–" if not np.isfinite(v) else f"{v:.2f}" for v in (row["value_before"], row["value_after"]))
    margin = _WIDTH - _RIGHT + 12
    parts.append(text(margin, y + 17, values, size=13))
    bold = 'font-weight="700"' if clear else ""
    parts.append(text(margin, y + _ROW - 8, way, size=13, color=_CLEAR if clear else GRAY, more=bold))
    return parts


# ── The page that puts two terms beside each other: zones of schools, loads, rates, and what became of hotspots

_UNIT = f"{POPULATIONS['reported']} per 1,000 student-days"
_RATE = f"{_UNIT[:1].upper()}{_UNIT[1:]}"
_SIDES = ("before", "after")
_READING = """
Rates and hotspots count reported calls for zone officers at program schools; what officers started themselves says \
where they looked.
Changes are tested by the E-test, two-sided, with exact 95 % intervals; the test takes incidents as independent of \
each other, and finds change too easily where one brings the next.
A school that was picked out because it was high tends to fall back by itself, and one that is high now is likely to. \
Neither says that anything was done, or failed.
One list of schools, with one enrollment each, stands for both terms: a school that grew or shrank between them shows \
as a change of its rate.
A term's hours, months, places and grid are on its own hotspot pages.
"""


def comparison_page(compared: TermComparison) -> OfflinePage:
    """Put two terms beside each other.

    Parameters
    ----------
    compared
        The comparison.

    Returns
    -------
    OfflinePage
        The page; it runs no script.
    """
    district, terms = compared.settings.district, _terms(compared)
    content = CoverageContent(
        title=f"What changed from {terms[0]} to {terms[1]}",
        finding=compared.finding(),
        figures=_figures(compared),
        caution=" ".join(compared.cautions),
        is_warning=bool(compared.cautions),
        statements=compared.statements(),
        sections=[
            _hotspot_section(compared),
            _rate_section(compared),
            _load_section(compared),
            _move_section(compared),
            _school_section(compared),
        ],
        notes=[*compared.notes, *_READING.strip().splitlines()],
    )
    context = PageContext(
        district=district.name,
        term=f"{terms[0]} and {terms[1]}",
        is_synthetic=district.is_synthetic,
        settings=_settings(compared),
    )
    return coverage_document("compare.html.j2", content, context=context)


def _terms(compared: TermComparison) -> tuple[str, str]:
    return compared.term_a.name, compared.term_b.name


def _figures(compared: TermComparison) -> list[KeyFigure]:
    before, after = compared.imbalances
    found, rates, whole, spots = compared.counts, compared.rates, compared.overall.iloc[0], compared.hotspots
    clear = rates["direction"].isin(["rose", "fell"])
    sure = int(((spots["status_change"] == "emerged") & spots["direction"].isin(["rose", "fell"])).sum())
    moved = found["schools_that_changed_zone"]
    rate = [f"{whole[f'rate_per_1000_{side}']:.3f}" for side in ("before", "after")]
    way = CHANGES[whole["direction"]]
    compared_zones = int((rates["direction"] != "insufficient_data").sum())
    return [
        KeyFigure("Hotspots that emerged", str(found["emerged"]), f"{sure} by more than chance explains"),
        KeyFigure("Hotspots that faded", str(found["faded"]), f"{found['persisted']} persisted"),
        KeyFigure("Zones whose rate clearly changed", f"{int(clear.sum())} of {compared_zones}"),
        KeyFigure(_RATE, rate[1], f"was {rate[0]}: {way}")
        if np.isfinite([whole["rate_per_1000_before"], whole["rate_per_1000_after"]]).all()
        else KeyFigure(_RATE, "no rate", "no enrollment is known"),
        KeyFigure("Imbalance of the loads", f"{after:.0%}", f"was {before:.0%}"),
        KeyFigure(
            "Schools that changed zone",
            "not known" if moved is None else str(moved),
            f"no record of {compared.term_a.name}" if moved is None else "",
        ),
    ]


def _settings(compared: TermComparison) -> dict[str, str]:
    chosen = compared.settings.hotspots
    terms = zip((compared.term_a, compared.term_b), compared.days, strict=True)
    return {
        **{t.name: f"{t.start:%d %B %Y} to {t.end:%d %B %Y}, {days} school days" for t, days in terms},
        "Called a hotspot": f"p or q at most {chosen.alpha:g}, after all looking; set before looking",
        "Simulations": f"{chosen.simulations:,}, seed {compared.seed}",
        "Too little data": f"where only a rise by more than {chosen.largest_detectable:g} times could have been seen",
    }


# ── The parts of the page


def _hotspot_section(compared: TermComparison) -> Section:
    hotspots = compared.hotspots
    if hotspots.empty:
        return Section("hotspots", "Hotspots", "No school that could be judged, and no group, is high in either term.")
    lead = (
        "Emerged, persisted and faded say in which of the two terms a school or a group was high. That alone is no "
        "evidence of change: read the ratio of the rates, its interval and its q beside it."
    )
    columns = (
        Column("Hotspot", "name", words),
        Column("What became of it", "status_change", STATUS_CHANGES.__getitem__),
        Column("Change of its rate", "direction", CHANGES.__getitem__),
        _RATIO,
        Column("q", "q_value", _chance),
        Column(
            "In a sentence", ("sentence", "warning"), lambda sentence, warning: words(f"{sentence} {warning}".strip())
        ),
        *_pair(compared, "Times expected", "of_expected", _two),
    )
    return Section("hotspots", "Hotspots", lead, (), [_marked(hotspots, columns, "Hotspots of the two terms")])


def _rate_section(compared: TermComparison) -> Section:
    terms = _terms(compared)
    everywhere = compared.overall.assign(name="All schools")
    levels = compared.levels.assign(name=compared.levels["level"].map(LEVELS))
    rows = pd.concat([everywhere, compared.rates, levels], ignore_index=True)
    caption = f"{_RATE}: {terms[0]} and {terms[1]}"
    chart = Chart(two_terms_chart(_drawn(rows), terms=terms, title=caption, unit=_UNIT), caption)
    lead = (
        "Rates are per student-day, so terms may differ in length. A change is called a rise or a fall where q is at "
        "most 0.05 after looking at all zones, or at all levels."
    )
    both = pd.concat([everywhere, levels], ignore_index=True)
    tables = [
        _rate_table(compared, compared.rates, "Zone", "Zones", _at_same_schools(compared)),
        _rate_table(compared, both, "Level", "All schools, and levels"),
    ]
    return Section("rates", "Rates by zone and by level", lead, [chart], tables)


def _at_same_schools(compared: TermComparison) -> tuple[Column, ...]:
    """Compare the schools that a zone has in the later term, where it did not have the same ones in the earlier."""
    if compared.rates["has_same_schools"].all():
        return ()
    name = "same_schools_ratio"
    return (
        Column("Same schools", "has_same_schools", _yes),
        Column(f"Ratio at the schools of {compared.term_b.name} (95 %)", (name, f"{name}_low", f"{name}_high"), _range),
        Column("Its q", "same_schools_q_value", _chance),
    )


def _rate_table(
    compared: TermComparison, rows: pd.DataFrame, head: str, caption: str, more: tuple[Column, ...] = ()
) -> DataTable:
    columns = (
        Column(head, "name", words),
        Column("Change", "direction", CHANGES.__getitem__),
        *_pair(compared, "Reported calls", "incidents", whole),
        *_pair(compared, "Rate (95 %)", _RATES, _range),
        Column("Ratio (95 %)", _RATIO.of, _range),
        Column("p", "p_value", _chance),
        Column("q", "q_value", _chance),
        *more,
        *_pair(compared, "Officers started", "officer_initiated_share", share),
    )
    return _marked(rows, columns, f"{caption}: {_UNIT}, at schools with a known enrollment")


def _load_section(compared: TermComparison) -> Section:
    parts = (
        Column("Of it, other schools", "from_zones_h", _signed),
        Column("Of it, all else", "from_work_h", _signed),
    )
    columns = (
        Column("Zone", "name", words),
        *_pair(compared, "Schools", "schools", whole),
        *_pair(compared, "Hours", "workload_h", _two),
        Column("Difference", "difference_h", _signed),
        *(parts if compared.loads["from_zones_h"].round(6).any() else ()),
        *_pair(compared, "Of the mean", "share_of_mean", _times),
    )
    lead = (
        "Officer-hours per school day, so terms may differ in length. Hours are added up and not tested: small "
        "differences come and go with a few incidents."
    )
    table = printed(compared.loads, columns, caption=lead.partition(",")[0])
    return Section("loads", "Loads of the zones", lead, (), [table])


def _move_section(compared: TermComparison) -> Section:
    title = "Schools that changed zone"
    if compared.moved.empty:
        return Section("moves", title, compared.zones_sentence())
    columns = (
        Column("School", "name", words),
        Column("Level", "level", LEVELS.__getitem__),
        *_pair(compared, "Zone", "zone", _zone_text(compared)),
        Column("In program", "in_program", _yes),
    )
    return Section(
        "moves", title, "", (), [printed(compared.moved, columns, caption="Zone of each of them in both terms")]
    )


def _school_section(compared: TermComparison) -> Section:
    columns = (
        Column("School", "name", words),
        Column("Level", "level", LEVELS.__getitem__),
        Column("Zone", "zone_after", _zone_text(compared)),
        Column("Change", "direction", CHANGES.__getitem__),
        *_pair(compared, "Reported calls", "incidents", whole),
        *_pair(compared, "Rate (95 %)", _RATES, _range),
        Column("Ratio (95 %)", _RATIO.of, _range),
        Column("q", "q_value", _chance),
        Column("As a hotspot", "status_change", STATUS_CHANGES.__getitem__),
    )
    ordered = compared.schools.sort_values(["p_value", "name"], kind="stable")
    caption = f"Every program school, the clearest changes first: {_UNIT}"
    return Section("schools", "Every school", "", (), [_marked(ordered, columns, caption)])


def _pair(
    compared: TermComparison, head: str, names: str | tuple[str, ...], written: Callable[..., str]
) -> tuple[Column, Column]:
    """Make a column for each term."""
    sources = (names,) if isinstance(names, str) else names
    first, second = (
        Column(f"{head}, {term}", tuple(f"{name}_{side}" for name in sources), written)
        for term, side in zip(_terms(compared), _SIDES, strict=True)
    )
    return first, second


def _zone_text(compared: TermComparison) -> Callable[[str], str]:
    names = dict(zip(compared.loads["zone_id"], compared.loads["name"], strict=True))
    return lambda zone: words(names.get(zone, ""))


def _range(value: object, low: object, high: object) -> str:
    """Write a measure and its interval on one line."""
    text = ranged(value, low, high)
    return text.replace(" ", "\u00a0").replace("–", "\u2060–\u2060") if "(" in text else text


_RATES = ("rate_per_1000", "rate_low_per_1000", "rate_high_per_1000")
_RATIO = Column("Ratio of rates (95 %)", ("ratio", "ratio_low", "ratio_high"), _range)


def _marked(rows: pd.DataFrame, columns: Sequence[Column], caption: str) -> DataTable:
    return printed(rows, columns, caption=caption, marked=rows["direction"].isin(["rose", "fell"]))


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
