"""The page that puts two terms beside each other: zones of schools, loads, rates, and what became of hotspots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.maps.compare_chart import two_terms_chart
from safeschools_geo.maps.coverage_figures import Column, MarkedTable, decimal, printed, share, whole, words
from safeschools_geo.maps.coverage_shell import CoverageContent, Section, coverage_document, require_tables
from safeschools_geo.maps.hotspot_tables import CHANGES, chance, ranged
from safeschools_geo.maps.shell import Chart
from safeschools_geo.schemas import LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from safeschools_geo.maps.coverage_shell import KeyFigure
    from safeschools_geo.maps.shell import OfflinePage, PageContext

_UNIT = f"{POPULATIONS['reported']} per 1,000 student-days"
_SIDES = ("before", "after")
_RATED = [
    *(f"{name}_{side}" for name in ("incidents", "rate_per_1000", "officer_initiated_share") for side in _SIDES),
    *("ratio", "ratio_low", "ratio_high", "p_value", "q_value", "direction"),
]


@dataclass(frozen=True)
class ComparedTables:
    """The tables of a page that compares two terms, as `comparison_results.TermComparison` has them.

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
        Column("In programme", "in_program", _yes),
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
