"""The pages of a term's hotspots: schools and places, a grid, hours, and what rose, fell, came and went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safeschools_geo.maps import hotspot_layers, hotspot_tables, tables
from safeschools_geo.maps import layers as parts
from safeschools_geo.maps.basemap import backdrop
from safeschools_geo.maps.classes import RateClasses
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.pages import new_map, zone_names
from safeschools_geo.maps.palette import STATUS_MARKS
from safeschools_geo.maps.shell import PageContent, chart_page, map_page
from safeschools_geo.maps.thumbnail import thumbnail
from safeschools_geo.schemas import HOTSPOT_STATUSES, LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.maps.hotspot_layers import DensityImage
    from safeschools_geo.maps.shell import Chart, OfflinePage, PageContext

_CELL_OPACITY = 0.75
_NOT_A_JUDGEMENT = (
    "A hotspot says where students need support, not that a school or its students are at fault. It counts what was "
    "reported to the program; what is not reported is not here."
)


def hotspots_page(
    *,
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    rates: pd.DataFrame,
    groups: gpd.GeoDataFrame,
    clusters: gpd.GeoDataFrame,
    spots: pd.DataFrame,
    summaries: Sequence[tuple[str, pd.DataFrame]],
    charts: Sequence[Chart],
    finding: str,
    notes: Sequence[str],
    context: PageContext,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw the schools by what their test says, groups of schools that are high, and places off campus.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    rates
        Table `school_rates` of the term.
    groups
        Groups that are high, or high only with what officers started: `group_id`, `status`, `ratio`, `sentence` and
        polygons, EPSG:4326.
    clusters
        Places off campus: `cluster_id`, `sentence` and polygons, EPSG:4326.
    spots
        Table `hotspots`.
    summaries
        Head of a table of rates (``Level``, ``Zone``) → the rates by group.
    charts
        Charts under the map.
    finding
        What the map shows, in one line.
    notes
        What the reader has to know.
    context
        What every page of the term says.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page.
    """
    names = zone_names(zones)
    chart = new_map("Map of hotspots at schools and places", zones, context, boundary=boundary, tiles=tiles)
    parts.Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    parts.Zones(_outlines(zones)).add_to(chart)
    if len(clusters):
        features = hotspot_layers.area_features(
            clusters, kind=lambda _: "place", label=lambda p: p.cluster_id, facts=lambda p: [p.cluster_id, p.sentence]
        )
        hotspot_layers.Areas(features).add_to(chart)
    if len(groups):
        features = hotspot_layers.area_features(
            groups,
            kind=lambda g: "high" if g.status == "high" else "officers",
            label=lambda g: f"{tables.number(g.ratio, 1)} × expected" if g.status == "high" else "officers’ own work",
            facts=lambda g: [f"{g.group_id}: {HOTSPOT_STATUSES[g.status]}", g.sentence],
        )
        hotspot_layers.Areas(features).add_to(chart)
    status = dict(zip(rates["school_id"], rates["status"], strict=True))
    sentences = dict(zip(rates["school_id"], rates["sentence"], strict=True))
    parts.Schools(hotspot_layers.status_marks(schools, status, sentences)).add_to(chart)
    parts.Drawn().add_to(chart)
    known, seen = {"level": LEVELS, "zone_id": names}, set(status.values())
    content = PageContent(
        title="Hotspots",
        finding=finding,
        legends={
            "Schools": [LegendItem(HOTSPOT_STATUSES[w], *STATUS_MARKS[w]) for w in STATUS_MARKS if w in seen],
            "Areas": _area_legend(groups, clusters, has_boundary=boundary is not None),
        },
        charts=charts,
        tables=[
            hotspot_tables.spot_table(spots, term=context.term),
            *(
                hotspot_tables.group_rate_table(table, names=known[table.columns[0]], head=head, term=context.term)
                for head, table in summaries
            ),
            hotspot_tables.school_rate_table(rates, zone_names=names, term=context.term),
        ],
        notes=[_NOT_A_JUDGEMENT, *notes],
    )
    high = {z for spot in spots["zone_id"] for z in str(spot).split(";")}
    picture = thumbnail(zones, ["#7a0019" if z in high else None for z in zones["zone_id"]])
    return map_page(chart, content, context=context, tiles=tiles, thumbnail=picture)


def cells_page(
    *,
    zones: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    measure: str,
    population: str,
    density: DensityImage | None,
    finding: str,
    notes: Sequence[str],
    context: PageContext,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw the cells of a grid with their values, the hot ones with a bold line, over a picture of density.

    Parameters
    ----------
    zones
        Table `zones`, EPSG:4326.
    cells
        `cell_id`, `incidents`, `student_days`, `value`, `z`, `q_value`, `is_hot`, `stability_share` and polygons,
        EPSG:4326.
    measure
        What `value` is.
    population
        What `incidents` counts, a key of `schemas.POPULATIONS`.
    density
        A picture of density, if there is one.
    finding
        What the map shows, in one line.
    notes
        What the reader has to know.
    context
        What every page of the term says.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page.
    """
    chart = new_map("Map of a grid of incidents", zones, context, boundary=boundary, tiles=tiles)
    parts.Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    parts.Zones(_outlines(zones)).add_to(chart)
    if density is not None:
        hotspot_layers.Picture(hotspot_layers.density_picture(density)).add_to(chart)
    shown = cells[cells["value"].notna()]
    classes = RateClasses.of(shown["value"].to_numpy(dtype="float64"))
    fills = [classes.fill(v) for v in shown["value"]]
    counted = POPULATIONS[population]

    def facts(cell: Any) -> list[str]:  # noqa: ANN401 -- a row of the frame
        return [
            f"{measure}: {tables.number(cell.value, 2)}",
            f"{counted.capitalize()}: {tables.count(cell.incidents)}",
            f"Gi* z {tables.number(cell.z, 1)}, q {hotspot_tables.chance(cell.q_value)}",
            f"Hot under {hotspot_tables.share(cell.stability_share)} of shifted grids",
        ]

    hotspot_layers.Cells(hotspot_layers.cell_features(shown, fills=fills, facts=facts)).add_to(chart)
    parts.Drawn().add_to(chart)
    hot = shown[shown["is_hot"]]
    content = PageContent(
        title="Grid of incidents",
        finding=finding,
        legends={
            measure: classes.legend(opacity=_CELL_OPACITY),
            "Lines": [
                *([LegendItem("Hot with its neighbours (Gi*, q ≤ 0.05)", "bold")] if len(hot) else []),
                *([LegendItem("District boundary", "line")] if boundary is not None else []),
            ],
            "Picture": [LegendItem("Density of critical incidents, no test", "fill", "#7a0019", 0.5)]
            if density
            else [],
        },
        tables=[_cell_table(hot if len(hot) else shown.nlargest(10, "value"), measure, counted, are_hot=len(hot) > 0)],
        notes=notes,
    )
    return map_page(chart, content, context=context, tiles=tiles, thumbnail=thumbnail(zones, [None] * len(zones)))


def hours_page(
    *,
    charts: Sequence[Chart],
    windows: pd.DataFrame,
    hours: pd.DataFrame,
    days: Sequence[str],
    finding: str,
    notes: Sequence[str],
    context: PageContext,
) -> OfflinePage:
    """Draw the hours of the week: a heat map of all, one for each category or level whose hours stand out.

    Parameters
    ----------
    charts
        Heat maps.
    windows
        The worst hours of each group.
    hours
        The hours of the week of all incidents.
    days
        Names of the weekdays, Monday first.
    finding
        What the page shows, in one line.
    notes
        What the reader has to know.
    context
        What every page of the term says.

    Returns
    -------
    OfflinePage
        The page; it runs no script.
    """
    content = PageContent(
        title="Hours",
        finding=finding,
        charts=charts,
        tables=[
            hotspot_tables.window_table(windows, term=context.term),
            hotspot_tables.hour_rows(hours, days=days, term=context.term),
        ],
        notes=notes,
    )
    return chart_page(content, context=context)


def trends_page(
    *, printed: Sequence[tables.DataTable], finding: str, notes: Sequence[str], context: PageContext
) -> OfflinePage:
    """Print what rose, fell, came, stayed and went.

    Parameters
    ----------
    printed
        The tables.
    finding
        What the page shows, in one line.
    notes
        What the reader has to know.
    context
        What every page of the term says.

    Returns
    -------
    OfflinePage
        The page; it runs no script.
    """
    content = PageContent(title="Rises and falls", finding=finding, tables=printed, notes=notes)
    return chart_page(content, context=context)


def _outlines(zones: gpd.GeoDataFrame) -> dict[str, Any]:
    names = zone_names(zones)
    return parts.zone_features(
        zones, fills=["#ffffff"] * len(zones), opacity=0, label=lambda z: [names[z]], facts=lambda _: [], is_quiet=True
    )


def _area_legend(groups: gpd.GeoDataFrame, clusters: gpd.GeoDataFrame, *, has_boundary: bool) -> list[LegendItem]:
    statuses = set(groups["status"]) if len(groups) else set()
    return [
        *([LegendItem("Neighbouring schools that are high together", "high_area")] if "high" in statuses else []),
        *([LegendItem("High only with officers’ own work", "officer_area")] if statuses - {"high"} else []),
        *([LegendItem("Place off campus: descriptive, no test", "place_area")] if len(clusters) else []),
        *([LegendItem("District boundary", "line")] if has_boundary else []),
    ]


def _cell_table(cells: pd.DataFrame, measure: str, counted: str, *, are_hot: bool) -> tables.DataTable:
    rows = tuple(
        (
            str(c.cell_id),
            tables.count(c.incidents),
            tables.number(c.value, 2),
            tables.number(c.z, 1),
            hotspot_tables.chance(c.q_value),
            hotspot_tables.share(c.stability_share),
        )
        for c in hotspot_tables.records(cells)
    )
    caption = "Hot cells" if are_hot else "No cell is hot: the ten with the highest values"
    columns = ("Cell", counted.capitalize(), measure, "Gi* z", "q", "Hot under shifted grids")
    return tables.DataTable(caption, columns, rows or (("None", *[tables.NONE_NAMED] * (len(columns) - 1)),))
