"""Pages of the day an officer is absent: one for each case, and one that lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.maps.absence_map import absence_map, taker_fills
from safeschools_geo.maps.absence_tables import case_matrix, case_table, in_order, load_table, taker_sections
from safeschools_geo.maps.basemap import backdrop
from safeschools_geo.maps.coverage_figures import decimal, named, share, words
from safeschools_geo.maps.coverage_notes import missing_notes
from safeschools_geo.maps.coverage_shell import (
    CoverageContent,
    KeyFigure,
    Section,
    coverage_document,
    require_tables,
)
from safeschools_geo.maps.layers import Drawn
from safeschools_geo.maps.pages import new_map
from safeschools_geo.maps.tables import NONE_NAMED
from safeschools_geo.maps.thumbnail import thumbnail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd

    from safeschools_geo.maps.shell import OfflinePage, PageContext

_TAKEOVER = [
    *("school_id", "name", "level", "zone_before", "zone_after", "officer_after"),
    *("calls_per_week", "response_before_min", "response_after_min"),
]
_LOADS = [
    *("zone_id", "name", "officer", "schools_before", "schools_after"),
    *("load_before_h", "load_after_h", "busy_before_share", "busy_after_share"),
]
_CASES = ["name", "absent", "response_after_min", "overflow_after_share", "busiest_zone", "busiest_load_h", "finding"]


def absence_page(
    *,
    case: Mapping[str, Any],
    takeover: pd.DataFrame,
    loads: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    finding: str,
    context: PageContext,
    plan_zones: gpd.GeoDataFrame | None = None,
    notes: Sequence[str] = (),
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw who covers what on a day when one officer or more are absent: a sheet for the team leader.

    Parameters
    ----------
    case
        `absent` (for each officer who is absent, `zone_id` and `officer`), `response_before_min`, `response_after_min`,
        `overflow_before_share`, `overflow_after_share` and `imbalance_after`; figures that are not known are missing.
    takeover
        Schools that change hands: `school_id`, `name`, `level`, `zone_before`, `zone_after`, `officer_after`,
        `calls_per_week`, `response_before_min` and `response_after_min`; rows whose zone stays are left out.
    loads
        `zone_id`, `name`, `officer`, `schools_before`, `schools_after`, `load_before_h`, `load_after_h`,
        `busy_before_share` and `busy_after_share`.
    zones, schools
        The tables of these names, EPSG:4326.
    finding
        Who covers what, in one line.
    context
        What every page of the term says.
    plan_zones
        `zone_id` and areas on that day, EPSG:4326.
    notes
        What else the reader has to know.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page; it prints on one sheet, with a map that stays as it is.

    Raises
    ------
    InputError
        When a table lacks a column.
    """
    require_tables({"takeover": (takeover, _TAKEOVER), "loads": (loads, _LOADS)})
    names = named(loads, "name") | named(zones, "name")
    officers = named(zones, "officer") | named(loads, "officer")
    absent = {str(one["zone_id"]): _post(one.get("officer")) for one in case["absent"]}
    changed = _numbered(takeover)
    takers = {
        str(zone): words(officer) if pd.notna(officer) else officers.get(str(zone), names.get(str(zone), str(zone)))
        for zone, officer in changed[["zone_after", "officer_after"]].drop_duplicates("zone_after").to_numpy().tolist()
    }
    title = f"{_who(absent, names)} absent: who covers what"
    drawn = absence_map(
        zones,
        schools,
        changed,
        absent=list(absent),
        plan_zones=plan_zones,
        takers=takers,
        officers=officers,
        zone_names=names,
        behind=backdrop(boundary=boundary, roads=roads, places=places),
        title="Map of the day",
    )
    content = CoverageContent(
        title=title,
        finding=finding,
        figures=_key_figures(case, schools=len(changed), takers=len(takers)),
        legends={"Signs": drawn.legend},
        picture=drawn.picture,
        sections=[
            *taker_sections(changed, takers=takers, fills=taker_fills(list(takers)), zone_names=names),
            Section("loads", "What it does to loads", "", (), [load_table(loads, takers=takers)]),
        ],
        notes=[*missing_notes({"takeover": changed, "loads": loads}), *notes],
    )
    chart = new_map("Map of the day", zones, context, boundary=boundary, tiles=tiles)
    drawn.layers.add_to(chart)
    Drawn().add_to(chart)
    return coverage_document(
        "absence.html.j2",
        content,
        context=context,
        chart=chart,
        tiles=tiles,
        thumbnail=thumbnail(zones, drawn.zone_fills),
    )


def absences_page(*, cases: pd.DataFrame, finding: str, context: PageContext, notes: Sequence[str] = ()) -> OfflinePage:
    """List the pages of all cases, to be found by who is absent.

    Parameters
    ----------
    cases
        `name` of the file in the folder ``absence``, `absent` (officers, joined by " and "), `officers` (these in a
        list, if known), `response_after_min`, `overflow_after_share`, `busiest_zone`, `busiest_load_h` and `finding`.
    finding
        What the cases come to, in one line.
    context
        What every page of the term says.
    notes
        What else the reader has to know.

    Returns
    -------
    OfflinePage
        The page; it stands beside the folder and runs no script.

    Raises
    ------
    InputError
        When a column is missing.
    """
    require_tables({"cases": (cases, _CASES)})
    rows = in_order(cases)
    single = [row for row in rows if len(row["officers"]) == 1]
    several = [row for row in rows if len(row["officers"]) > 1]
    matrix = case_matrix(rows)
    lead = "Find one officer in the rows and the other in the columns; darker is slower. Each figure opens its page."
    content = CoverageContent(
        title="When an officer is absent",
        finding=finding,
        sections=[
            *([Section("look-up", "Look up who is absent", lead, (), [matrix])] if matrix else []),
            *(
                Section(anchor, heading, "", (), [case_table(some, caption=f"{heading}: each name opens its page")])
                for anchor, heading, some in (
                    ("one", "One officer absent", single),
                    ("two", "Two officers absent", several),
                )
                if some
            ),
        ],
        notes=[*missing_notes({"cases": cases}), *notes],
    )
    return coverage_document("absences.html.j2", content, context=context)


def _who(absent: Mapping[str, str | None], names: Mapping[str, str]) -> str:
    told = [
        f"of {names.get(zone, zone)}" if officer is None else f"{officer} ({names.get(zone, zone)})"
        for zone, officer in absent.items()
    ]
    return f"{'Officer' if len(told) == 1 else 'Officers'} {' and '.join(told)}"


def _post(officer: object) -> str | None:
    """Name an officer, None where there is no name."""
    told = words(officer)
    return None if told == NONE_NAMED else told


def _numbered(takeover: pd.DataFrame) -> pd.DataFrame:
    """Keep what changes hands, the officers in the order of how many schools they take, and number it."""
    before, after = (takeover[column].astype("str") for column in ("zone_before", "zone_after"))
    changed = takeover[(before != after).to_numpy()]
    many = changed["zone_after"].astype("str").value_counts().to_dict()
    rows = zip(changed["zone_after"].astype("str"), changed["name"].astype("str"), range(len(changed)), strict=True)
    order = [place for _, _, _, place in sorted((-many[zone], zone, name, place) for zone, name, place in rows)]
    changed = changed.iloc[order]
    return changed.assign(number=range(1, len(changed) + 1))


def _key_figures(case: Mapping[str, Any], *, schools: int, takers: int) -> list[KeyFigure]:
    by = f"by {takers} officer{'' if takers == 1 else 's'}"
    return [
        KeyFigure("Schools to cover", f"{schools}", by),
        KeyFigure(
            "Until an officer is there",
            f"{decimal(case['response_after_min'])} min",
            f"usually {decimal(case['response_before_min'])}",
        ),
        KeyFigure(
            "Calls that go to patrol",
            share(case["overflow_after_share"]),
            f"usually {share(case['overflow_before_share'])}",
        ),
        KeyFigure("Imbalance this day", share(case["imbalance_after"]), "of the officers who are there"),
    ]
