"""Incidents of the term by zone, level, kind and origin, with rates that say how far they can be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from safeschools_geo.board.board_map import Area, fill_sign, hatch_sign, zone_map
from safeschools_geo.board.decimals import decimals_of
from safeschools_geo.board.detail_table import detail_table
from safeschools_geo.board.part import Part, render
from safeschools_geo.board.rows import baseline_words, change_text, rate_decimals, rate_texts, rows_of, shortened
from safeschools_geo.maps.classes import RateClasses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

    Row = dict[str, Any]

SCRIPTS = ("js/board_map.js",)
NO_SCHOOLS = "#e4e4df"
_EXAMPLE = 0.2


def rates_part(content: BoardContent, words: Words) -> Part:
    """Show how many incidents there were, and for how many students and days.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part
        A map of rates with the tables behind it; a zone without a figure is hatched.
    """
    decimals = rate_decimals(content)
    zones = rows_of("zone", content.zone_rates, content=content, words=words)
    levels = rows_of("level", content.level_rates, content=content, words=words)
    for row in [*zones, *levels]:
        row["short"] = shortened(row["name"])
        row["change_text"] = change_text(row, words)
        row["rate_text"], row["range_text"] = rate_texts(row, words, decimals=decimals)
    # Rates are coloured as they are written, so that no zone with 0.20 has the colour of "below 0.20".
    shown = content.zone_rates["rate_per_1000"].to_numpy(dtype="float64", na_value=math.nan).round(decimals)
    classes = RateClasses.of(shown)
    areas = _areas(content, zones, classes, words, decimals=decimals)
    body = render(
        "rates.html.j2",
        content=content,
        words=words,
        svg=zone_map(
            areas,
            name="rates",
            title=words("rates.map_alt", term=content.term),
            boundary=content.boundary,
            places=content.places,
        ),
        legend=_legend(classes, areas, words),
        zones=zones,
        levels=levels,
        categories=rows_of("category", content.categories, content=content, words=words),
        origins=rows_of("origin", content.origins, content=content, words=words),
        detail=None if content.detail is None else detail_table(content.detail, content=content, words=words),
        dims=f" {words('index.and')} ".join(words(f"rates.dim_{d}") for d in content.detail.dims)
        if content.detail
        else "",
        before=None if content.changes.empty else str(content.changes["before"].iloc[0]),
        baseline=baseline_words(content, words),
        example=words.number(_EXAMPLE, decimals),
        example_days=round(1 / _EXAMPLE),
    )
    return Part("rates", words("rates.title"), _lead(content, zones, words, decimals=decimals), body, SCRIPTS)


def _lead(content: BoardContent, zones: Sequence[Row], words: Words, *, decimals: int) -> str:
    known = [float(row["rate_per_1000"]) for row in zones if row["state"] == "rate"]
    key = {0: "rates.lead_none", 1: "rates.lead_one"}.get(len(known), "rates.lead")
    ends = {"low": min(known), "high": max(known)} if known else {}
    told = words(key, term=content.term, **{k: words.number(v, decimals) for k, v in ends.items()})
    missing = len(zones) - len(known)
    return f"{told} {words('rates.lead_missing', n=missing)}" if missing and known else told


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
