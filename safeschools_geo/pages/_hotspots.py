"""The pages of a term's hotspots: schools and places, a grid, hours, and change."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from safeschools_geo.hotspots import LARGEST
from safeschools_geo.pages._map_layers import (
    Backdrop,
    DataElement,
    Drawn,
    RateClasses,
    Schools,
    Zones,
    backdrop,
    geojson,
    has_place,
    small_geometries,
    zone_features,
)
from safeschools_geo.pages._page import (
    NONE_NAMED,
    STATUS_MARKS,
    DataTable,
    LegendItem,
    PageContent,
    chart_page,
    count,
    map_page,
    number,
)
from safeschools_geo.pages._term import new_map, thumbnail, zone_names
from safeschools_geo.schemas import CATEGORIES, HOTSPOT_KINDS, HOTSPOT_STATUSES, LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.pages._page import Chart, OfflinePage, PageContext


# ── Tables of the hotspot pages: every finding with its sentence, its interval and what it rests on

IN_NO_ZONE = "In no zone"
"""What stands for the zone of schools that are in none."""

CHANGES = {
    "rose": "rose",
    "fell": "fell",
    "no clear change": "not clearly more than chance",
    "insufficient_data": "too few to compare",
}
"""How a rate changed (`term_change`), and its name in print."""

_REPORTED = POPULATIONS["reported"].capitalize()
_HOURS = {
    "high": "clearly more than the hours in session lead to expect",
    "not_high": "not clearly more than chance",
    "insufficient_data": "not judged: too few",
}
_KINDS = {kind: words.split(",")[0].split(";")[0].capitalize() for kind, words in HOTSPOT_KINDS.items()}


def spot_table(spots: pd.DataFrame, *, term: str) -> DataTable:
    """Print every hotspot."""
    columns = (
        "Hotspot",
        "In a sentence",
        "What",
        "Zone",
        "Counted",
        "Expected",
        "Times expected",
        "p",
        "q",
        "Could have been seen from",
        "Stays under other settings",
        "Officers started",
    )
    rows = tuple(
        (
            str(s.hotspot_id),
            f"{s.sentence} {s.warning}".strip(),
            _KINDS[s.kind],
            str(s.zone_id).replace(";", ", ") or NONE_NAMED,
            number(s.observed, 0 if float(s.observed).is_integer() else 1),
            number(s.expected, 1),
            ranged(s.ratio, s.ratio_low, s.ratio_high, 1),
            chance(s.p_value),
            chance(s.q_value),
            _seen_from(s.detectable_ratio),
            share(s.stability_share),
            share(s.officer_initiated_share),
        )
        for s in records(spots)
    )
    return DataTable(f"Hotspots of {term}", columns, rows or (("None", *[NONE_NAMED] * (len(columns) - 1)),))


def school_rate_table(rates: pd.DataFrame, *, zone_names: Mapping[str, str], term: str) -> DataTable:
    """Print the rates of the schools."""
    order = {status: place for place, status in enumerate(HOTSPOT_STATUSES)}
    is_high = rates["status"].map(order).where(rates["status"] != "insufficient_data", order["not_high"])
    ordered = rates.assign(_order=is_high).sort_values(["_order", "name"], kind="stable")
    columns = (
        "School",
        "Level",
        "Zone",
        "Reported calls",
        "Expected",
        "Per 1,000 student-days (95 %)",
        "Shrunken rate (95 %)",
        "q",
        "Would have been seen from",
        "Officers started",
        "What the test says",
    )
    rows = tuple(
        (
            str(s.name),
            LEVELS[s.level],
            zone_names.get(s.zone_id, NONE_NAMED),
            count(s.reported),
            number(s.expected, 1),
            ranged(s.rate_per_1000, s.rate_low_per_1000, s.rate_high_per_1000, 2),
            ranged(s.shrunken_per_1000, s.shrunken_low_per_1000, s.shrunken_high_per_1000, 2),
            chance(s.q_value),
            _seen_from(s.detectable_ratio),
            share(s.officer_initiated_share),
            f"not judged: {s.not_judged}" if s.not_judged else HOTSPOT_STATUSES[s.status],
        )
        for s in records(ordered)
    )
    return DataTable(f"{_REPORTED} at program schools, {term}", columns, rows)


def group_rate_table(groups: pd.DataFrame, *, names: Mapping[str, str], head: str, term: str) -> DataTable:
    """Print the rates of levels or of zones."""
    columns = (
        head,
        "Schools",
        "Without a rate",
        "Reported calls",
        "Per 1,000 student-days (95 %)",
        "Times expected at the schools compared (95 %)",
        "Officers started",
    )
    rows = tuple(
        (
            names.get(key, NONE_NAMED if key else IN_NO_ZONE),
            count(g.schools),
            count(g.schools_without_rate),
            count(g.reported + g.reported_without_rate),
            ranged(g.rate_per_1000, g.rate_low_per_1000, g.rate_high_per_1000, 2),
            ranged(g.ratio, g.ratio_low, g.ratio_high, 2),
            share(g.officer_initiated_share),
        )
        for key, g in zip(groups.iloc[:, 0], records(groups), strict=True)
    )
    return DataTable(f"{_REPORTED} by {head.lower()}, {term}", columns, rows)


def window_table(windows: pd.DataFrame, *, term: str) -> DataTable:
    """Print the worst hours of each group of incidents."""
    names = {**CATEGORIES, **LEVELS, "all": "All"}
    rows = tuple(
        (
            names.get(w.group, str(w.group)),
            number(w.incidents, 0),
            str(w.weekdays).replace(";", ", ") if w.weekdays else NONE_NAMED,
            NONE_NAMED if pd.isna(w.start_hour) else f"{int(w.start_hour):02}:00–{int(w.end_hour):02}:00",
            number(w.observed, 1),
            number(w.expected, 1),
            chance(w.q_value),
            _HOURS[w.status],
        )
        for w in records(windows)
    )
    columns = ("Which calls", "In session", "Days", "Hours", "Counted", "Expected", "q", "What the test says")
    return DataTable(f"Worst hours of {POPULATIONS['reported']}, {term}", columns, rows)


def hour_rows(table: pd.DataFrame, *, days: Sequence[str], term: str) -> DataTable:
    """Print incidents for each 1,000 school-hours."""
    known = table[table["school_hours"] > 0]
    wide = known.pivot_table(index="weekday", columns="hour", values="rate_per_1000_h")
    rows = tuple((days[int(str(day))], *(number(v, 1) for v in values)) for day, values in wide.iterrows())
    columns = ("Day", *(f"{int(hour):02}:00" for hour in wide.columns))
    return DataTable(f"{_REPORTED} per 1,000 school-hours, {term}", columns, rows)


def class_table(classes: pd.DataFrame, *, names: Mapping[str, str]) -> DataTable:
    """Print the schools that are or were high, by how that came about."""
    order = list(_CLASSES)
    shown = classes[classes["class"].isin(order)] if len(classes) else classes
    rows = tuple(
        (
            names.get(row["school_id"], str(row["school_id"])),
            _CLASSES[row["class"]],
            str(row["flagged_terms"]).replace(";", ", "),
        )
        for row in sorted(shown.to_dict("records"), key=lambda row: (order.index(row["class"]), row["school_id"]))
    )
    columns = ("School", "What became of it", "High in")
    caption = "Schools that are or were high, by the test of each term"
    return DataTable(caption, columns, rows or (("None", NONE_NAMED, NONE_NAMED),))


_CLASSES = {
    "persistent": "high, as in the term before",
    "emerging": "high, for the first time on record",
    "sporadic": "high, as in some earlier term but not the last",
    "fading": "no longer high",
}


def trend_table(trends: pd.DataFrame, *, names: Mapping[str, str]) -> DataTable:
    """Print the schools that rose or fell over the terms."""
    shown = trends[trends["class"].isin(["rising", "falling"])] if len(trends) else trends
    rows = tuple(
        (
            names.get(row["school_id"], str(row["school_id"])),
            str(row["class"]).capitalize(),
            number(row["ratio_first_last"], 2, suffix=" ×"),
            count(row["incidents"]),
            chance(row["q_value"]),
        )
        for row in shown.sort_values(["class", "q_value"], kind="stable").to_dict("records")
    )
    columns = ("School", "Trend", "Last term over first", "Reported calls, all terms", "q")
    caption = f"Schools that rose or fell over all terms against the schools of their level: {POPULATIONS['reported']}"
    return DataTable(caption, columns, rows or (("None", *[NONE_NAMED] * 4),))


def change_table(
    changes: pd.DataFrame, *, caption: str, key: str, head: str, names: Mapping[str, str], terms: tuple[str, str]
) -> DataTable:
    """Print what changed from one term to another."""
    columns = (head, *terms, "Ratio of rates (95 %)", "q", "Change")
    known = changes[changes["direction"] != "insufficient_data"].sort_values(["p_value", key], kind="stable")
    rows = tuple(
        (
            names.get(row[key], str(row[key]) or IN_NO_ZONE),
            count(row["incidents_before"]),
            count(row["incidents_after"]),
            ranged(row["ratio"], row["ratio_low"], row["ratio_high"], 2),
            chance(row["q_value"]),
            CHANGES[row["direction"]],
        )
        for row in known.to_dict("records")
    )
    return DataTable(caption, columns, rows or (("None", *[NONE_NAMED] * 5),))


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """Go through the rows of a frame."""
    yield from frame.itertuples(index=False)


def _seen_from(ratio: float) -> str:
    """Print the smallest ratio that would have been seen: none was, where even the largest looked at would not."""
    return f"> {LARGEST:g} ×" if ratio == float("inf") else number(ratio, 1, suffix=" ×")


def ranged(value: object, low: object, high: object, decimals: int) -> str:
    """Print a measure with its interval."""
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE_NAMED
    shown = [number(v, decimals).replace("inf", "∞") for v in (value, low, high)]
    if pd.isna(low) or pd.isna(high):  # type: ignore[call-overload]
        return shown[0]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def chance(value: object) -> str:
    """Print a p- or q-value."""
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE_NAMED
    return "< 0.001" if float(value) < 0.0005 else number(value, 3)  # type: ignore[arg-type] # noqa: PLR2004


def share(value: object) -> str:
    """Print a share."""
    return NONE_NAMED if pd.isna(value) else f"{float(value):.0%}"  # type: ignore[arg-type, call-overload]


# ── Layers of the hotspot maps: areas with their findings, cells of a grid, a picture of density, schools by status

_DECIMALS = 6
_SCRIPTS = ("js/core.js", "js/vectors.js", "js/hotspots.js")
_PICTURE_RGB = (122, 0, 25)
_STRONGEST = 200


class Areas(DataElement):
    """Areas with their findings (`area_features`)."""

    function = "addAreas"
    scripts = _SCRIPTS


class Cells(DataElement):
    """Cells of a grid (`cell_features`)."""

    function = "addCells"
    scripts = _SCRIPTS


class Picture(DataElement):
    """A picture over the map (`density_picture`)."""

    function = "addPicture"
    scripts = _SCRIPTS


def area_features(
    areas: gpd.GeoDataFrame,
    *,
    kind: Callable[[Any], str],
    label: Callable[[Any], str],
    facts: Callable[[Any], list[str]],
) -> dict[str, Any]:
    """Make features of areas."""
    shapes = small_geometries(areas.geometry.to_numpy())
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": geojson(shape),
                "properties": {"kind": kind(row), "label": label(row), "facts": facts(row)},
            }
            for row, shape in zip(areas.drop(columns="geometry").itertuples(index=False), shapes, strict=True)
        ],
    }


def cell_features(
    cells: gpd.GeoDataFrame, *, fills: Sequence[str | None], facts: Callable[[Any], list[str]]
) -> dict[str, Any]:
    """Make features of the cells of a grid."""
    shapes = small_geometries(cells.geometry.to_numpy())
    rows = cells.drop(columns="geometry").itertuples(index=False)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": geojson(shape),
                "properties": {"fill": fill, "is_hot": bool(row.is_hot), "facts": facts(row)},
            }
            for row, shape, fill in zip(rows, shapes, fills, strict=True)
        ],
    }


def status_marks(
    schools: gpd.GeoDataFrame, status: Mapping[str, str], sentences: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Make marks of the schools by what their test says."""
    located = schools[has_place(schools) & schools["school_id"].isin(status)]
    points = located.geometry.representative_point()
    order = list(STATUS_MARKS)
    marks = []
    for school_id, name, point in zip(located["school_id"], located["name"], points, strict=True):
        word = status[school_id]
        shape, color = STATUS_MARKS[word]
        facts = [str(name), HOTSPOT_STATUSES[word].capitalize(), sentences[school_id]]
        mark = {"at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)], "shape": shape, "color": color}
        marks.append((order.index(word), {**mark, "has_ring": False, "facts": facts}))
    return [mark for _, mark in sorted(marks, key=lambda pair: -pair[0])]


class DensityImage(NamedTuple):
    """Density on a grid: values, the first row in the south, shape (rows, columns), and west, south, east, north."""

    values: NDArray[np.float64]
    bounds: tuple[float, float, float, float]


def density_picture(density: DensityImage) -> dict[str, Any]:
    """Make a picture of density, one color from clear to full."""
    values, bounds = density
    highest = float(values.max()) or 1.0
    # The square root keeps the foot of a peak visible.
    alpha = (np.sqrt(np.clip(values, 0, None) / highest) * _STRONGEST).astype(np.uint8)[::-1]
    pixels = np.empty((*alpha.shape, 4), dtype=np.uint8)
    pixels[..., :3], pixels[..., 3] = _PICTURE_RGB, alpha
    west, south, east, north = (round(b, _DECIMALS) for b in bounds)
    image = base64.b64encode(_png(pixels)).decode()
    return {"url": f"data:image/png;base64,{image}", "bounds": [[south, west], [north, east]]}


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Write an image of 8-bit red, green, blue and alpha (PNG, ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


# ── The pages of a term's hotspots: schools and places, a grid, hours, and what rose, fell, came and went

_CELL_OPACITY = 0.75
_NOT_A_JUDGMENT = (
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
    """Draw the schools by what their test says, groups of schools that are high, and places off campus."""
    names = zone_names(zones)
    chart = new_map("Map of hotspots at schools and places", zones, context, boundary=boundary, tiles=tiles)
    Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    Zones(_outlines(zones)).add_to(chart)
    if len(clusters):
        features = area_features(
            clusters, kind=lambda _: "place", label=lambda p: p.cluster_id, facts=lambda p: [p.cluster_id, p.sentence]
        )
        Areas(features).add_to(chart)
    if len(groups):
        features = area_features(
            groups,
            kind=lambda g: "high" if g.status == "high" else "officers",
            label=lambda g: f"{number(g.ratio, 1)} × expected" if g.status == "high" else "officers’ own work",
            facts=lambda g: [f"{g.group_id}: {HOTSPOT_STATUSES[g.status]}", g.sentence],
        )
        Areas(features).add_to(chart)
    status = dict(zip(rates["school_id"], rates["status"], strict=True))
    sentences = dict(zip(rates["school_id"], rates["sentence"], strict=True))
    Schools(status_marks(schools, status, sentences)).add_to(chart)
    Drawn().add_to(chart)
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
            spot_table(spots, term=context.term),
            *(
                group_rate_table(table, names=known[table.columns[0]], head=head, term=context.term)
                for head, table in summaries
            ),
            school_rate_table(rates, zone_names=names, term=context.term),
        ],
        notes=[_NOT_A_JUDGMENT, *notes],
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
    """Draw the cells of a grid with their values, the hot ones with a bold line, over a picture of density."""
    chart = new_map("Map of a grid of incidents", zones, context, boundary=boundary, tiles=tiles)
    Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    Zones(_outlines(zones)).add_to(chart)
    if density is not None:
        Picture(density_picture(density)).add_to(chart)
    shown = cells[cells["value"].notna()]
    classes = RateClasses.of(shown["value"].to_numpy(dtype="float64"))
    fills = [classes.fill(v) for v in shown["value"]]
    counted = POPULATIONS[population]

    def facts(cell: Any) -> list[str]:  # noqa: ANN401 -- a row of the frame
        return [
            f"{measure}: {number(cell.value, 2)}",
            f"{counted.capitalize()}: {count(cell.incidents)}",
            f"Gi* z {number(cell.z, 1)}, q {chance(cell.q_value)}",
            f"Hot under {share(cell.stability_share)} of shifted grids",
        ]

    Cells(cell_features(shown, fills=fills, facts=facts)).add_to(chart)
    Drawn().add_to(chart)
    hot = shown[shown["is_hot"]]
    content = PageContent(
        title="Grid of incidents",
        finding=finding,
        legends={
            measure: classes.legend(opacity=_CELL_OPACITY),
            "Lines": [
                *([LegendItem("Hot with its neighbors (Gi*, q ≤ 0.05)", "bold")] if len(hot) else []),
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
    """Draw the hours of the week: a heat map of all, one for each category or level whose hours stand out."""
    content = PageContent(
        title="Hours",
        finding=finding,
        charts=charts,
        tables=[
            window_table(windows, term=context.term),
            hour_rows(hours, days=days, term=context.term),
        ],
        notes=notes,
    )
    return chart_page(content, context=context)


def trends_page(
    *, printed: Sequence[DataTable], finding: str, notes: Sequence[str], context: PageContext
) -> OfflinePage:
    """Print what rose, fell, came, stayed and went."""
    content = PageContent(title="Rises and falls", finding=finding, tables=printed, notes=notes)
    return chart_page(content, context=context)


def _outlines(zones: gpd.GeoDataFrame) -> dict[str, Any]:
    names = zone_names(zones)
    return zone_features(
        zones, fills=["#ffffff"] * len(zones), opacity=0, label=lambda z: [names[z]], facts=lambda _: [], is_quiet=True
    )


def _area_legend(groups: gpd.GeoDataFrame, clusters: gpd.GeoDataFrame, *, has_boundary: bool) -> list[LegendItem]:
    statuses = set(groups["status"]) if len(groups) else set()
    return [
        *([LegendItem("Neighboring schools that are high together", "high_area")] if "high" in statuses else []),
        *([LegendItem("High only with officers’ own work", "officer_area")] if statuses - {"high"} else []),
        *([LegendItem("Place off campus: descriptive, no test", "place_area")] if len(clusters) else []),
        *([LegendItem("District boundary", "line")] if has_boundary else []),
    ]


def _cell_table(cells: pd.DataFrame, measure: str, counted: str, *, are_hot: bool) -> DataTable:
    rows = tuple(
        (
            str(c.cell_id),
            count(c.incidents),
            number(c.value, 2),
            number(c.z, 1),
            chance(c.q_value),
            share(c.stability_share),
        )
        for c in records(cells)
    )
    caption = "Hot cells" if are_hot else "No cell is hot: the ten with the highest values"
    columns = ("Cell", counted.capitalize(), measure, "Gi* z", "q", "Hot under shifted grids")
    return DataTable(caption, columns, rows or (("None", *[NONE_NAMED] * (len(columns) - 1)),))
