"""The record over time: a small chart of each group, and every published figure of every term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from safeschools_geo.board.part import Part, render
from safeschools_geo.board.rows import group_name, in_order, rate_decimals, rate_texts, rows_of
from safeschools_geo.board.trend_chart import Point, count_bars, rate_panel, top_of

if TYPE_CHECKING:
    import pandas as pd

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

    Row = dict[str, Any]

_NO_RATE = {
    "withheld": "trends.no_rates_withheld",
    "unknown": "trends.no_rates",
    "students": "trends.no_rates_students",
}
_TALLEST = 1.6


@dataclass(frozen=True)
class Group:
    """A group of schools or incidents over the terms.

    Parameters
    ----------
    name
        Its name.
    rows
        Its row of each term, in order; None where there is none.
    """

    name: str
    rows: Sequence[Row | None]


@dataclass(frozen=True)
class Panel:
    """A chart of one group.

    Parameters
    ----------
    name
        Name of the group.
    svg
        The chart.
    told
        Why there is none, if there is none.
    """

    name: str
    svg: Markup
    told: str


def trends_part(content: BoardContent, words: Words) -> Part:
    """Show how counts and rates have changed over the terms.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part
        Charts that leave gaps where figures are withheld, and tables of all figures.
    """
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
    body = render(
        "trends.html.j2",
        content=content,
        words=words,
        bars=_bars(district[0], content, words),
        zone_panels=_panels("zone", zones, content, words, decimals=decimals),
        level_panels=_panels("level", levels, content, words, decimals=decimals),
        zones=zones,
        levels=levels,
        district=district,
        categories=kinds["category"],
        origins=kinds["origin"],
        known=[group for group in [*zones, *levels, *district] if any(r and r["is_partial"] for r in group.rows)],
    )
    first, last = content.terms[0], content.terms[-1]
    lead = words("trends.lead" if len(content.terms) > 1 else "trends.lead_one", first=first, last=last)
    return Part("trends", words("trends.title"), lead, body)


def _groups(by: str, table: pd.DataFrame, content: BoardContent, words: Words, *, decimals: int) -> list[Group]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows_of(by, table, content=content, words=words):
        if "state" in row:
            row["rate_text"], row["range_text"] = rate_texts(row, words, decimals=decimals)
        found.setdefault(row["group"], {})[str(row["term"])] = row
    return [
        Group(_name(by, group, content, words), [found[group].get(term) for term in content.terms])
        for group in in_order(by, found, content)
    ]


def _name(by: str, group: str, content: BoardContent, words: Words) -> str:
    return words("trends.district") if by == "district" else group_name(by, group, content=content, words=words)


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
