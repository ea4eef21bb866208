"""The chapters of the packet, each from its content to its words."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from safeschools_geo.board._charts import ChartRow, Point, Sign, count_bars, plan_maps, rate_panel, row_chart, top_of
from safeschools_geo.board._map import Area, Mark, fill_sign, hatch_sign, level_sign, zone_map
from safeschools_geo.board._page import Part, page, print_page, render
from safeschools_geo.board._tables import (
    Words,
    baseline_words,
    change_of,
    change_text,
    decimals_of,
    detail_table,
    group_name,
    in_order,
    policy_source,
    rate_decimals,
    rate_texts,
    rows_of,
    says_who_started,
    shortened,
    words,
    zone_names,
)
from safeschools_geo.drawing import RateClasses, has_place, zone_signs
from safeschools_geo.schemas import CRITICAL_CATEGORIES, FEWEST_AS_BASE, LEVELS, OFFICER_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.disclosure import BoardContent, BoardCoverage, BoardPlan

    Row = dict[str, Any]


def _part(
    name: str, content: BoardContent, words: Words, lead: str, *, scripts: Sequence[str] = (), **more: object
) -> Part:
    """Write a chapter under the title that the words have for it."""
    body = render(f"{name}.html.j2", content=content, words=words, **more)
    return Part(name, words(f"{name}.title"), lead, body, tuple(scripts))


# ── The chapter on coverage: how soon an officer comes and who it is, as the record says it


def coverage_part(content: BoardContent, words: Words) -> Part | None:
    """Write the chapter on coverage."""
    coverage = content.coverage
    if coverage is None:
        return None
    rows = _rows(coverage, words)
    return _part(
        "coverage",
        content,
        words,
        " ".join(coverage_sentences(content, words)),
        coverage=coverage,
        rows=rows,
        district=words.rounded(coverage.district_response_min, coverage.step_min),
        has_minutes=any(row["minutes"] is not None for row in rows),
        has_district=not math.isnan(coverage.district_response_min),
        has_withheld=any(row["is_withheld"] for row in rows),
        has_gap=any(row["minutes"] is None and not row["is_withheld"] for row in rows),
        shares=_shares(coverage, words),
        rests=_rests(coverage, words),
        chart=_chart(coverage, rows, words),
        step_min=words.rounded(coverage.step_min, coverage.step_min),
        step_share=words.rounded_share(coverage.step_share, coverage.step_share),
    )


def coverage_sentences(content: BoardContent, words: Words) -> list[str]:
    """Say what the packet says of coverage: how soon somebody came, and who."""
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
        return words(under, minutes=words.rounded(coverage.step_min / 2, coverage.step_min / 2))
    about = "coverage.lead_officer" if coverage.is_answered else "coverage.lead_whoever"
    return words(about, minutes=words.rounded(coverage.district_response_min, coverage.step_min))


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
    """Write a rounded share of calls."""
    if share < step / 2:
        return words("coverage.less_than", share=words.percent(step / 2, 1))
    return words("coverage.about", share=words.rounded_share(share, step))


def _rests(coverage: BoardCoverage, words: Words) -> list[str]:
    """Say on which share of the calls the figures rest, where it is not all."""
    return [
        words(name, share=words.percent(share))
        for name, share, is_shown in (
            ("coverage.rests_minutes", coverage.timed_share, coverage.is_timed),
            ("coverage.rests_answers", coverage.answered_share, coverage.is_answered),
        )
        if is_shown and share < 1
    ]


def _rows(coverage: BoardCoverage, words: Words) -> list[Row]:
    rows = []
    for zone in coverage.zones.astype({"response_min": "float64"}).to_dict("records"):
        minutes = math.nan if zone["is_withheld"] else zone["response_min"]
        shown = None if pd.isna(minutes) else words.rounded(minutes, coverage.step_min)
        is_withheld = bool(zone["is_withheld"]) and coverage.is_timed
        rows.append({"name": str(zone["name"]), "value": minutes, "minutes": shown, "is_withheld": is_withheld})
    return rows


def _chart(coverage: BoardCoverage, rows: Sequence[Row], words: Words) -> Markup:
    bars = [
        ChartRow(row["name"], words("common.withheld" if row["is_withheld"] else "coverage.too_few"))
        if row["minutes"] is None
        else ChartRow(row["name"], words("coverage.chart_row", minutes=row["minutes"]), (row["value"],))
        for row in rows
    ]
    mean = coverage.district_response_min
    finding = words("coverage.district_is", minutes=words.rounded(mean, coverage.step_min))
    reference = None if pd.isna(mean) else (mean, finding)
    return row_chart(bars, name="coverage-chart", title=words("coverage.chart_alt"), reference=reference)


# ── The chapter that says in one plain sentence what each word of the pages means

_TERM = "glossary.term_"
_SYNTHETIC = "synthetic"


def glossary_part(content: BoardContent, words: Words) -> Part:
    """Write the glossary."""
    keys = [key.removeprefix(_TERM) for key in words.texts if key.startswith(_TERM)]
    terms = [
        (words(f"{_TERM}{key}"), words(f"glossary.means_{key}"))
        for key in keys
        if key != _SYNTHETIC or content.is_synthetic
    ]
    kinds = [(words(f"common.category_{name}"), words(f"glossary.means_{name}")) for name in CRITICAL_CATEGORIES]
    lead = words("glossary.lead")
    return _part("glossary", content, words, lead, terms=sorted(terms, key=_alphabetical), kinds=kinds)


def _alphabetical(entry: tuple[str, str]) -> str:
    """Sort letters with an accent as those without."""
    plain = unicodedata.normalize("NFKD", entry[0].casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


# ── The chapter on method: where numbers come from, what is withheld and why, and what they cannot say

_FRONT = ("zone", "level", "category", "origin", "enrolled")
_DIMS = {*_FRONT, "year", "term"}


def method_part(content: BoardContent, words: Words) -> Part:
    """Write the chapter on method and limits."""
    is_withheld = content.counts.is_withheld
    changes = content.changes
    return _part(
        "method",
        content,
        words,
        words("method.lead"),
        policy=content.counts.policy,
        says_who_started=says_who_started(content),
        source=policy_source(content, words),
        figures=len(is_withheld),
        withheld=int(is_withheld.sum()),
        share=words.percent(content.counts.withheld_share),
        compared=None if changes.empty else (str(changes["before"].iloc[0]), str(changes["after"].iloc[0])),
        baseline=baseline_words(content, words),
        intervals=_intervals(content, words),
        hidden=len(content.audit.hidden),
        settings=_settings(content.method, words),
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
    return names if "zone" in of else [names[0][:1].upper() + names[0][1:], *names[1:]]


def _group(dim: str, group: str, content: BoardContent, words: Words) -> str:
    if dim == "enrolled":
        key = f"method.enrolled_{group}"
        return words(key) if key in words.texts else group
    name = group_name(dim, group, content, words)
    return words("method.level", level=name) if dim == "level" else name


def _settings(method: Mapping[str, str], words: Words) -> list[tuple[str, str]]:
    """Name the settings: by a text of ours where there is one, else as they are given."""
    return [
        (words(key) if (key := f"method.setting_{name}") in words.texts else str(name), str(value))
        for name, value in method.items()
    ]


# ── Incidents of the term by zone, level, kind and origin, with rates that say how far they can be trusted

SCRIPTS = ("js/board_map.js",)
NO_SCHOOLS = "#e4e4df"
_EXAMPLE = 0.2


def rates_part(content: BoardContent, words: Words) -> Part:
    """Show how many incidents there were, and for how many students and days."""
    decimals = rate_decimals(content)
    zones = rows_of("zone", content.zone_rates, content, words)
    levels = rows_of("level", content.level_rates, content, words)
    for row in [*zones, *levels]:
        row["short"] = shortened(row["name"])
        row["change_text"] = change_text(row, words)
        row["rate_text"], row["range_text"] = rate_texts(row, words, decimals=decimals)
    # Rates are colored as they are written, so that no zone with 0.20 has the color of "below 0.20".
    shown = content.zone_rates["rate_per_1000"].to_numpy(dtype="float64", na_value=math.nan).round(decimals)
    classes = RateClasses.of(shown)
    areas = _areas(content, zones, classes, words, decimals=decimals)
    return _part(
        "rates",
        content,
        words,
        _lead(content, zones, words, decimals=decimals),
        scripts=SCRIPTS,
        svg=zone_map(
            areas,
            name="rates",
            title=words("rates.map_alt", term=content.term),
            boundary=content.boundary,
            places=content.places,
        ),
        legend=_legend(classes, areas, words),
        has_rates=any(row["state"] == "rate" for row in zones),
        zones=zones,
        levels=levels,
        categories=rows_of("category", content.categories, content, words),
        origins=rows_of("origin", content.origins, content, words),
        detail=None if content.detail is None else detail_table(content.detail, content, words),
        dims=f" {words('index.and')} ".join(words(f"rates.dim_{d}") for d in content.detail.dims)
        if content.detail
        else "",
        before=None if content.changes.empty else str(content.changes["before"].iloc[0]),
        baseline=baseline_words(content, words),
        example=words.number(_EXAMPLE, decimals),
        example_days=round(1 / _EXAMPLE),
    )


def _lead(content: BoardContent, zones: Sequence[Row], words: Words, *, decimals: int) -> str:
    known = [float(row["rate_per_1000"]) for row in zones if row["state"] == "rate"]
    ends = [words.number(end(known), decimals) for end in (min, max)] if known else [""]
    key = {0: "rates.lead_none", 1: "rates.lead_one"}.get(
        len(known), "rates.lead" if len(set(ends)) > 1 else "rates.lead_alike"
    )
    sentence = words(key, term=content.term, low=ends[0], high=ends[-1])
    missing = len(zones) - len(known)
    return f"{sentence} {words('rates.lead_missing', n=missing)}" if missing and known else sentence


def _areas(
    content: BoardContent, rows: Sequence[Row], classes: RateClasses, words: Words, *, decimals: int
) -> list[Area]:
    of_zone = {row["group"]: row for row in rows}
    areas = []
    for zone_id, name, shape in zip(
        content.zones["zone_id"].astype("str"), content.zones["name"], content.zones.geometry, strict=True
    ):
        row = of_zone.get(zone_id)
        if row is None:
            areas.append(Area(zone_id, str(name), shape, words("shell.no_schools"), NO_SCHOOLS))
            continue
        fill = classes.fill(round(float(row["rate_per_1000"]), decimals)) if row["state"] == "rate" else None
        kind = "" if fill else "withheld" if row["state"] == "withheld" else "unknown"
        areas.append(Area(zone_id, str(name), shape, row["rate_text"], fill or "#ffffff", kind))
    return areas


def _legend(classes: RateClasses, areas: Sequence[Area], words: Words) -> list[tuple[Markup, str]]:
    decimals = decimals_of(classes.step)
    signs = [item.color for item in classes.legend()] if classes.number else []
    edges = [classes.start + i * classes.step for i in range(classes.number + 1)]
    entries = [
        (
            fill_sign(fill),
            words("shell.class", low=words.number(edges[i], decimals), high=words.number(edges[i + 1], decimals)),
        )
        for i, fill in enumerate(signs)
    ]
    shown = {area.hatch for area in areas}
    entries += [(hatch_sign(k), words(f"shell.legend_{k}")) for k in ("withheld", "unknown") if k in shown]
    if any(area.fill == NO_SCHOOLS for area in areas):
        entries.append((fill_sign(NO_SCHOOLS), words("shell.legend_no_schools")))
    return entries


# ── The record over time: a small chart of each group, and every published figure of every term

_NO_RATE = {
    "withheld": "trends.no_rates_withheld",
    "unknown": "trends.no_rates",
    "students": "trends.no_rates_students",
}
_TALLEST = 1.6


@dataclass(frozen=True)
class Group:
    """A group of schools or incidents, with its row of each term, None where there is none."""

    name: str
    rows: Sequence[Row | None]


@dataclass(frozen=True)
class Panel:
    """A chart of one group, or why there is none."""

    name: str
    svg: Markup
    label: str


def trends_part(content: BoardContent, words: Words) -> Part:
    """Show how counts and rates have changed over the terms."""
    decimals = rate_decimals(content)
    zones, levels = (
        _groups(by, table, content, words, decimals=decimals)
        for by, table in (("zone", content.zone_trends), ("level", content.level_trends))
    )
    district = _groups("district", content.district_trends, content, words, decimals=decimals)
    kinds = {
        by: _groups(by, content.counts.table(by, "term"), content, words, decimals=decimals)
        for by in ("category", "origin")
    }
    first, last = content.terms[0], content.terms[-1]
    lead = words("trends.lead" if len(content.terms) > 1 else "trends.lead_one", first=first, last=last)
    return _part(
        "trends",
        content,
        words,
        lead,
        bars=_bars(district[0], content, words),
        zone_panels=_panels("zone", zones, content, words, decimals=decimals),
        level_panels=_panels("level", levels, content, words, decimals=decimals),
        zones=zones,
        levels=levels,
        district=district,
        categories=kinds["category"],
        origins=kinds["origin"],
        known=[group for group in [*zones, *levels, *district] if any(r and r["has_known"] for r in group.rows)],
    )


def _groups(by: str, table: pd.DataFrame, content: BoardContent, words: Words, *, decimals: int) -> list[Group]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows_of(by, table, content, words):
        if "state" in row:
            row["rate_text"], row["range_text"] = rate_texts(row, words, decimals=decimals)
        found.setdefault(row["group"], {})[str(row["term"])] = row
    return [
        Group(_name(by, group, content, words), [found[group].get(term) for term in content.terms])
        for group in in_order(by, found, content)
    ]


def _name(by: str, group: str, content: BoardContent, words: Words) -> str:
    return words("trends.district") if by == "district" else group_name(by, group, content, words)


def _panels(by: str, groups: Sequence[Group], content: BoardContent, words: Words, *, decimals: int) -> list[Panel]:
    rows = [row for group in groups for row in group.rows if row and row["state"] == "rate"]
    largest = max((float(row["rate_per_1000"]) for row in rows), default=0.0)
    # An interval of few incidents may be very long: it is cut rather than let it flatten all charts.
    ends = [float(row["rate_per_1000"] if row["rate_high"] is None else row["rate_high"]) for row in rows]
    top = top_of([min(end, _TALLEST * largest) for end in ends])
    return [
        _panel(f"trends-{by}-{number}", group, content, words, top=top, top_text=words.number(top, decimals))
        for number, group in enumerate(groups)
    ]


def _panel(name: str, group: Group, content: BoardContent, words: Words, *, top: float, top_text: str) -> Panel:
    states = [row["state"] for row in group.rows if row]
    if "rate" not in states:
        return Panel(group.name, Markup(), words(_NO_RATE[states[-1] if states else "unknown"]))
    points = [_rate_point(term, row) for term, row in zip(content.terms, group.rows, strict=True)]
    title = words("trends.chart_alt", group=group.name, parts=_listed(points, words))
    return Panel(group.name, rate_panel(points, name=name, title=title, top=top, top_text=top_text), "")


def _rate_point(term: str, row: Row | None) -> Point:
    if row is None or row["state"] != "rate":
        is_withheld = row is not None and row["state"] == "withheld"
        return Point(term, None, row["rate_text"] if row else "–", hatch="withheld" if is_withheld else "unknown")
    return Point(term, float(row["rate_per_1000"]), row["rate_text"], row["rate_low"], row["rate_high"])


def _bars(district: Group, content: BoardContent, words: Words) -> Markup:
    points = []
    for term, row in zip(content.terms, district.rows, strict=True):
        if row is None or row["is_withheld"]:
            cell = row["cell"] if row else None
            points.append(Point(term, None, words("common.withheld"), hatch="withheld", cell=cell))
        else:
            points.append(Point(term, float(row["count"]), words.number(row["count"]), cell=row["cell"]))
    title = words("trends.bar_alt", group=district.name, parts=_listed(points, words))
    return count_bars(points, name="trends-bars", title=title)


def _listed(points: Sequence[Point], words: Words) -> str:
    return "; ".join(words("trends.chart_part", term=p.term, value=p.text) for p in points)


# ── The zones and their schools: what is public anyway, on a map and in a table


def zones_part(content: BoardContent, words: Words) -> Part:
    """Show the zones and their schools, without a single count of incidents."""
    zones, used, number = len(content.zones), content.schools["zone_id"].nunique(), len(content.schools)
    levels = [level for level in LEVELS if (content.schools["level"] == level).any()]
    return _part(
        "zones",
        content,
        words,
        words("zones.lead_some" if used < zones else "zones.lead", schools=number, zones=zones, used=int(used)),
        scripts=SCRIPTS,
        svg=_map(content, title=words("zones.map_alt", zones=zones)),
        legend=[(level_sign(level), words(f"common.{level}")) for level in levels],
        rows=_zones_part_rows(content, levels),
        no_place=sorted(str(name) for name in content.schools.loc[~has_place(content.schools), "name"]),
    )


def _map(content: BoardContent, *, title: str) -> str:
    areas = [
        Area(str(zone_id), str(name), shape)
        for zone_id, name, shape in zip(
            content.zones["zone_id"], content.zones["name"], content.zones.geometry, strict=True
        )
    ]
    placed = content.schools[has_place(content.schools)]
    marks = [
        Mark(str(name), str(level), "" if pd.isna(zone_id) else str(zone_id), shape)
        for name, level, zone_id, shape in zip(
            placed["name"], placed["level"], placed["zone_id"], placed.geometry, strict=True
        )
    ]
    return zone_map(areas, name="zones", title=title, marks=marks, boundary=content.boundary, places=content.places)


def _zones_part_rows(content: BoardContent, levels: list[str]) -> list[dict[str, Any]]:
    students = content.students.table("zone").set_index("zone")["count"]
    is_partial = content.zone_rates.set_index("zone")["is_partial"]
    names = zone_names(content)
    rows = []
    for zone_id in in_order("zone", [*names, *students.index], content):
        here = content.schools[content.schools["zone_id"].astype("str") == zone_id].sort_values("name")
        by_level = {level: [str(n) for n in here.loc[here["level"] == level, "name"]] for level in levels}
        known = students.get(zone_id)
        rows.append(
            {
                "group": zone_id,
                "name": names.get(zone_id, zone_id),
                "short": shortened(names.get(zone_id, zone_id)),
                "number": len(here),
                "schools": {level: found for level, found in by_level.items() if found},
                "students": None if pd.isna(known) else int(known),
                "is_partial": bool(is_partial.get(zone_id, default=False)),
            }
        )
    return rows


# ── The chapter on the proposed zones: what would change for whom, and how even the work would be

_ROUNDING = 1e-9


def plan_part(content: BoardContent, words: Words) -> Part | None:
    """Write the chapter on the proposed zones."""
    plan = content.plan
    if plan is None:
        return None
    signs = _signs(content)
    marks = _school_marks(len(plan.moves), [sign.letters for sign in signs.values()])
    moves = _moves(content, words, marks)
    loads = _loads(plan, words, signs)
    return _part(
        "plan",
        content,
        words,
        plan_lead(content, plan, words),
        plan=plan,
        moves=moves,
        maps=_maps(content, plan, words, signs, moves) if moves else [],
        loads=loads,
        has_loads=math.isfinite(plan.step),
        has_withheld=any(row["is_withheld"] for row in loads),
        chart=_plan_part_chart(loads, words) if math.isfinite(plan.step) else None,
        step=words.rounded_share(plan.step, plan.step),
        price=_price(content, plan, words),
        proof=_proof(plan, words),
    )


def plan_lead(content: BoardContent, plan: BoardPlan, words: Words) -> str:
    """Say what is proposed, what it gains, and what it costs."""
    if plan.moves.empty:
        return words("plan.lead_no_moves")
    moved = words("plan.lead_moves", n=len(plan.moves), schools=len(content.schools))
    named = [group_name("zone", zone, content, words) for zone in plan.empty_zones]
    empty = [words("plan.empty_zone", zone=zone) for zone in named]
    return " ".join([*empty, moved, _evenness(plan, words), *_price(content, plan, words, is_brief=True)])


def _evenness(plan: BoardPlan, words: Words) -> str:
    before, after = plan.imbalance_before, plan.imbalance_after
    if not (math.isfinite(before) and math.isfinite(after)):
        return words("plan.lead_withheld")
    # Each figure is rounded: only a difference of two steps is sure to be as large as one.
    is_sure = abs(after - before) >= 2 * plan.step * (1 - _ROUNDING)
    if after < before and not is_sure:
        return words("plan.lead_coarse")
    texts = {"before": words.rounded_share(before, plan.step), "after": words.rounded_share(after, plan.step)}
    if not is_sure:
        return words("plan.lead_same", **texts)
    return words("plan.lead_even", **texts) if after < before else words("plan.lead_uneven", **texts)


def _price(content: BoardContent, plan: BoardPlan, words: Words, *, is_brief: bool = False) -> list[str]:
    """Say what the plan costs: students, response, levels, feeder patterns."""
    if plan.moves.empty:
        return []
    parts = []
    if plan.students_moved is not None and not is_brief:
        parts.append(words("plan.price_students", n=plan.students_moved))
        parts += [words("plan.price_students_unknown")] if plan.lacks_students else []
    if plan.is_response_known and math.isfinite(plan.step_min):
        parts += _plan_part_response(plan, words, is_brief=is_brief)
    else:
        parts.append(words("plan.price_withheld" if plan.is_response_known else "plan.price_unknown"))
    for zone, level in plan.levels_lost:
        names = {"zone": zone, "level": level}
        parts.append(words("plan.price_level", **{by: group_name(by, n, content, words) for by, n in names.items()}))
    if plan.feeders_split:
        parts.append(words("plan.price_feeders", names=", ".join(plan.feeders_split)))
    return parts


def _plan_part_response(plan: BoardPlan, words: Words, *, is_brief: bool) -> Iterator[str]:
    for name, figures in plan.minutes.items():
        if name == "p90" or not is_brief:
            key = {"mean": "plan.price_mean", "p90": "plan.price_p90"}[name]
            decimals = decimals_of(plan.step_min)
            yield _compared(key, figures, plan.directions.get(name, "same"), words, decimals=decimals)
    if plan.within is not None and not is_brief:
        points = [100 * share for share in plan.within]
        direction = plan.directions.get("within", "same")
        yield _compared("plan.price_within", points, direction, words, minutes=words.number(plan.within_min))


_ALIKE = {
    "plan.price_mean": "plan.price_mean_alike",
    "plan.price_p90": "plan.price_p90_alike",
    "plan.price_within": "plan.price_within_alike",
}
"""What is said where it is the same wherever officers wait."""


def _compared(
    name: str, figures: Sequence[float], direction: str, words: Words, *, decimals: int = 0, **more: str
) -> str:
    """Tell differences: figures of a model are no levels."""
    up, down, none = "plan.longer", "plan.shorter", "plan.no_longer"
    if name.endswith("within"):
        up, down, none = "plan.more", "plan.fewer", "plan.no_fewer"

    def change(figure: float) -> str:
        size = round(figure - figures[0], decimals)
        sign = none if not size else up if size > 0 else down
        return words(sign, size=words.number(abs(size), decimals))

    after, anew = change(figures[1]), change(figures[2])
    said = words(_ALIKE[name] if after == anew else name, after=after, anew=anew, **more)
    # What rounding hides is reported in words where it is a cost; a gain that cannot be seen is not claimed.
    worse = "down" if name.endswith("within") else "up"
    is_hidden = not round(figures[1] - figures[0], decimals) and direction == worse
    return f"{said} {words('plan.price_less' if worse == 'down' else 'plan.price_longer')}" if is_hidden else said


def _proof(plan: BoardPlan, words: Words) -> str:
    held = [words("plan.held"), *([words("plan.held_less_even")] if plan.others_are_more_even else [])]
    return " ".join([_proven(plan, words), *(held if plan.no_slower else [])])


def _proven(plan: BoardPlan, words: Words) -> str:
    if plan.proof_of == "disputed":
        return words("plan.proof_disputed")
    if not plan.is_proven:
        return words("plan.not_proven")
    if plan.proof_of == "moves":
        return words("plan.proven_moves")
    allowed = len(plan.moves) if plan.moves_allowed is None else plan.moves_allowed
    return words("plan.proven", n=allowed, held=words("plan.rules_held") if plan.no_slower else "")


def _signs(content: BoardContent) -> dict[str, Sign]:
    found = zone_signs(content.zones)
    ids = content.zones["zone_id"].astype("str")
    return {zone_id: Sign(sign.short, sign.fill) for zone_id, sign in zip(ids, found, strict=True)}


def _school_marks(n: int, zone_letters: Sequence[str]) -> list[str]:
    """Sign the schools with letters, or with numbers where zones have letters."""
    if n > len(ascii_uppercase) or any(letters.isalpha() for letters in zone_letters):
        return [str(i + 1) for i in range(n)]
    return list(ascii_uppercase[:n])


def _moves(content: BoardContent, words: Words, marks: Sequence[str]) -> list[Row]:
    if content.plan is None:
        return []
    placed = content.schools.set_index(content.schools["school_id"].astype("str")).geometry
    rows = []
    for mark, move in zip(marks, content.plan.moves.to_dict("records"), strict=True):
        point = placed.get(str(move["school_id"]))
        rows.append(
            {
                "mark": mark,
                "name": str(move["name"]),
                "level": group_name("level", str(move["level"]), content, words),
                "before": group_name("zone", str(move["zone_before"]), content, words),
                "after": group_name("zone", str(move["zone_after"]), content, words),
                "at": None if point is None or point.is_empty else (point.centroid.x, point.centroid.y),
            }
        )
    return rows


def _maps(
    content: BoardContent, plan: BoardPlan, words: Words, signs: dict[str, Sign], moves: list[Row]
) -> list[tuple[str, Markup]]:
    kinds = ("before", "after")
    drawn = plan_maps(
        [content.zones, plan.zones],
        signs=signs,
        marks=[(row["mark"], *row["at"]) for row in moves if row["at"]],
        names=[f"plan-map-{kind}" for kind in kinds],
        titles=[words(f"plan.map_{kind}_title") for kind in kinds],
    )
    return [(words(f"plan.map_{kind}"), svg) for kind, svg in zip(kinds, drawn, strict=True)]


def _loads(plan: BoardPlan, words: Words, signs: dict[str, Sign]) -> list[Row]:
    rows = []
    for record in plan.loads.to_dict("records"):
        both = [record["load_before"], record["load_after"]]
        row: Row = {
            "name": str(record["name"]),
            "sign": signs.get(str(record["zone_id"])),
            "is_withheld": bool(pd.isna(both).any()),
            "values": both,
            "load": [None if pd.isna(v) else words.rounded_share(float(v), plan.step) for v in both],
        }
        for name in ("schools", "students"):
            row[name] = [
                None if pd.isna(v := record[f"{name}_{when}"]) else words.number(v) for when in ("before", "after")
            ]
        rows.append(row)
    return rows


def _plan_part_chart(loads: Sequence[Row], words: Words) -> Markup:
    rows = []
    for row in loads:
        if row["is_withheld"]:
            rows.append(ChartRow(row["name"], words("common.withheld")))
        else:
            before, after = row["load"]
            label = words("plan.chart_row", before=before, after=after)
            rows.append(ChartRow(row["name"], label, tuple(map(float, row["values"]))))
    return row_chart(
        rows,
        name="plan-chart",
        title=words("plan.chart_alt"),
        reference=(1.0, words("plan.average")),
        key=(words("plan.today"), words("plan.proposed")),
    )


# ── The front page: what the packet finds, in plain sentences, and what it does not show


def index_part(content: BoardContent, words: Words, others: Sequence[Part] = ()) -> Part:
    """Say what the packet finds."""
    withheld = content.counts.is_withheld
    by_term = {str(r["term"]): r for r in rows_of("term", content.district_trends, content, words)}
    before = None if content.changes.empty else str(content.changes["before"].iloc[0])
    origins = {row["group"]: row for row in rows_of("origin", content.origins, content, words)}
    return _part(
        "index",
        content,
        words,
        words("index.lead", term=content.term),
        others=others,
        now=by_term[content.term],
        before=by_term.get(before) if before else None,
        change=_change(by_term, content.term, before),
        chance=_chance(content),
        baseline=baseline_words(content, words),
        levels=rows_of("level", content.level_rates, content, words),
        zones=_zones(content, words),
        n_withheld=int(withheld.sum()),
        n_figures=len(withheld),
        plan=_plan(content, words),
        coverage=coverage_sentences(content, words),
        officers=(share := _officers(content, words)) and words("index.officers", term=content.term, share=share),
        tiles=_tiles(content, words),
        started=origins.get("officer_initiated"),
        kinds=[words(f"common.category_{c}") for c in OFFICER_CATEGORIES],
    )


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
    rows = rows_of("zone", content.zone_rates, content, words)
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
    """Write which share of the calls officers of the zones answered; empty where that is withheld or not recorded."""
    found = content.coverage
    if found is None or not found.is_answered or math.isnan(found.officers_share):
        return ""
    return share_text(found.officers_share, found.step_share, words)


def _tiles(content: BoardContent, words: Words) -> list[tuple[str, str, str]]:
    """Title, value and note of what the sentences say, to be read at a glance; nothing that is withheld."""
    found, plan, tiles = content.coverage, content.plan, []
    if share := _officers(content, words):
        tiles.append(("tile_officers", share, "tile_of_calls"))
    if found is not None and found.is_timed and found.has_calls and not math.isnan(found.district_response_min):
        minutes, step = found.district_response_min, found.step_min
        about = words("index.tile_about", minutes=words.rounded(minutes, step))
        under = words("index.tile_under", minutes=words.rounded(step / 2, step / 2))
        tiles.append(("tile_minutes", about if minutes else under, "tile_recorded"))
    if plan is not None and not plan.moves.empty:
        moved = words("index.tile_of", n=len(plan.moves), schools=len(content.schools))
        tiles.append(("tile_plan", moved, "tile_undecided"))
    return [(words(f"index.{title}"), value, words(f"index.{note}")) for title, value, note in tiles]


# ── The packet: every page in every language, and the whole as one document to print


PART_MAKERS: tuple[Callable[[BoardContent, Words], Part | None], ...] = (
    zones_part,
    rates_part,
    trends_part,
    plan_part,
    coverage_part,
    method_part,
    glossary_part,
)
"""The parts of the packet after its front page, in order."""


def draw_packet(content: BoardContent, *, langs: Sequence[str] = ("en", "es")) -> dict[str, str]:
    """Draw the packet.

    Parameters
    ----------
    content
        Everything the pages say.
    langs
        Its languages; pages of the first stand at the top, those of each other in a folder named after it.

    Returns
    -------
    dict of str to str
        Relative file name → complete HTML document: a page for each part, ``index.html`` first, and ``print.html``.

    Raises
    ------
    SettingsError
        When the pages do not speak a language.
    OfflineError
        When a page would ask for anything outside itself.
    """
    spoken = {lang: words(lang) for lang in langs}
    return {
        f"{'' if lang == langs[0] else f'{lang}/'}{name}": html
        for lang in langs
        for name, html in _pages(content, spoken[lang], langs).items()
    }


def packet_parts(content: BoardContent, spoken: Words) -> list[Part]:
    """Make the parts of the packet in one language; those that have nothing to say are left out."""
    others = [part for make in PART_MAKERS if (part := make(content, spoken)) is not None]
    return [index_part(content, spoken, others), *others]


def _pages(content: BoardContent, spoken: Words, langs: Sequence[str]) -> dict[str, str]:
    parts = packet_parts(content, spoken)
    entries = {part.name: part.title for part in parts}
    pages = {
        f"{part.name}.html": page(part, content=content, words=spoken, entries=entries, langs=langs) for part in parts
    }
    return {**pages, "print.html": print_page(parts, content=content, words=spoken, langs=langs)}
