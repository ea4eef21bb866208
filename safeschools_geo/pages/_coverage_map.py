"""The map of coverage, its marks, layers, legend, and the list beside it."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.coverage import WITHIN_ONE_MIN as _WITHIN_MIN
from safeschools_geo.drawing import GRAY, INK, RATE_FILLS, LegendItem, fit, has_place, meet, text, zone_signs
from safeschools_geo.errors import count_text
from safeschools_geo.pages._charts import HALO, LETTER, svg
from safeschools_geo.pages._map_layers import VECTORS, DataElement, Zones, small_geometries, zone_features
from safeschools_geo.pages._page import Chart, FinderEntry, decimal, finite, is_figure, level_text, share, whole, words
from safeschools_geo.text import highest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import folium
    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.drawing import Box, Screen


# ── Classes of minutes on a map: round edges that part what is shown into about equal numbers

_ROUND_MIN = (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120)
_RADIUS_PX = 4.0


@dataclass(frozen=True)
class MinuteClasses:
    """Edges between the fills of minutes.

    One scale serves zones and schools. Equal steps would be spent on the one school that is far away.
    """

    edges: tuple[float, ...]  # Where the next class begins, in minutes; one less than there are classes
    ends: tuple[float, float] | None  # Fewest and most minutes; None where nothing is known

    @classmethod
    def of(cls, minutes: NDArray[np.float64]) -> MinuteClasses:
        """Find the round minutes next to the quintiles."""
        known = minutes[np.isfinite(minutes)]
        if not len(known):
            return cls((), None)
        low, high = float(known.min()), float(known.max())
        cuts = np.quantile(known, np.linspace(0, 1, len(RATE_FILLS) + 1)[1:-1])
        edges = sorted({min(_ROUND_MIN, key=lambda edge: (abs(edge - cut), edge)) for cut in cuts.tolist()})
        return cls(tuple(float(edge) for edge in edges if low < edge <= high), (low, high))

    def place(self, minutes: float) -> int | None:
        """Find the class of minutes."""
        return bisect_right(self.edges, minutes) if np.isfinite(minutes) else None

    def fill(self, minutes: float) -> str | None:
        """Find the fill of minutes."""
        place = self.place(minutes)
        return None if place is None else self._fills()[place]

    def radius_px(self, minutes: float) -> float:
        """Find how large the mark of a school is: the longer it waits, the larger."""
        return _RADIUS_PX + (self.place(minutes) or 0)

    def legend(self, *, opacity: float = 1.0) -> list[LegendItem]:
        """List the classes, from few minutes to many."""
        if self.ends is None:
            return []
        if self.edges:
            middle = [f"{a:g} to below {b:g}" for a, b in pairwise(self.edges)]
            labels = [f"below {self.edges[0]:g}", *middle, f"{self.edges[-1]:g} or more"]
        else:
            labels = [f"{decimal(self.ends[0])} to {decimal(self.ends[1])}"]
        return [LegendItem(text, "fill", fill, opacity) for text, fill in zip(labels, self._fills(), strict=True)]

    def _fills(self) -> tuple[str, ...]:
        """Spread few classes over the whole range of fills."""
        number = len(self.edges) + 1
        if number == 1:
            return RATE_FILLS[1:2]
        return tuple(RATE_FILLS[i] for i in np.linspace(0, len(RATE_FILLS) - 1, number).round().astype(int))


# ── Layers of the maps of coverage: marks with labels, lines between them, and the list that finds them by keyboard

_DECIMALS = 6
SCRIPTS = (*VECTORS, "js/coverage.js")
_ROOM_SHARE, _LABEL_STEPS = 0.025, 3
_SIGNS = {
    "stays": '<path d="M8,0L16,8L8,16L0,8Z" fill="#d55e00"/><path d="M4.5,4.5h7v7h-7Z" fill="#fff"/>',
    "moves": '<path d="M0,8H16" stroke-width="2" stroke-dasharray="3 2"/>',
    "absent": '<path d="M2,3h12v10h-12Z" fill="none" stroke="#7a0019" stroke-width="3" stroke-dasharray="4 2"/>',
    "number": '<circle cx="8" cy="8" r="6.5" fill="#fff" stroke="#7a0019" stroke-width="2.5"/>',
}


class Mark(TypedDict):
    """A mark on the map."""

    at: list[float]  # Longitude and latitude
    shape: str  # ``circle``, ``square``, ``diamond`` or another shape of ``js/vectors.js``
    # Its fill and its outline
    color: str
    line: str
    # Its size and the width of its outline, in pixels
    radius: float
    weight: float
    facts: list[str]  # Lines of what a click tells, its name first
    label: str  # What stands beside it; nothing if empty
    side: str  # Where the label stands: ``left``, ``right``, or ``center`` for a few letters on the mark itself


@dataclass(frozen=True)
class CoverageSign(LegendItem):
    """A sign of the maps of coverage: ``stays``, ``moves``, ``absent`` or ``number``."""

    def _inside(self) -> str:
        return f'<g stroke="#1a1a1a">{_SIGNS[self.shape]}</g>'


@dataclass(frozen=True, eq=False)
class MapLayers:
    """What a map of coverage shows, as the map on the screen and the printed picture both draw it.

    Marks are in the order they are drawn; links are dashed lines, each from a place to a place; outlines are GeoJSON.
    """

    zones: dict[str, Any]
    marks: list[Mark]
    links: list[list[list[float]]] = field(default_factory=list)
    outlines: list[dict[str, Any]] = field(default_factory=list)
    backdrop: Mapping[str, Any] = field(default_factory=dict)

    def add_to(self, chart: folium.Map) -> None:
        """Put the layers on a map."""
        Zones(self.zones).add_to(chart)
        marks = {"marks": self.marks, "links": self.links, "outlines": self.outlines}
        DataElement("addMarks", marks, scripts=SCRIPTS).add_to(chart)


# The list next to the map: for each entry, `at` and `facts`, in the order of the form's options.
Finder = partial(DataElement, "addFinder", scripts=SCRIPTS)


def make_mark(
    at: list[float],
    look: tuple[str, str],
    *,
    radius: float,
    line: str = INK,
    weight: float = 1,
    facts: Sequence[str] = (),
    label: str = "",
    side: str = "right",
) -> Mark:
    """Make a mark of a shape and color; most have no label."""
    shape, color = look
    return Mark(
        at=at,
        shape=shape,
        color=color,
        line=line,
        radius=radius,
        weight=weight,
        facts=list(facts),
        label=label,
        side=side,
    )


def zone_layer(
    zones: gpd.GeoDataFrame,
    *,
    fills: Sequence[str | None],
    opacity: float,
    label: Callable[[str], list[str]],
    facts: Callable[[str], list[str]],
    heaviest: str | None,
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """Make features of the zones, each with its label where the marks leave most room."""
    layer = zone_features(
        zones, fills=fills, opacity=opacity, label=label, facts=facts, heaviest=heaviest, is_quiet=False
    )
    if marks and len(zones):
        west, south, east, north = zones.total_bounds.tolist()
        taken = _taken(marks, max(east - west, north - south))
        for feature, shape in zip(layer["features"], small_geometries(zones.geometry.to_numpy()), strict=True):
            room = shapely.difference(shape, taken)
            if shapely.area(room) > 0:
                middle = shapely.get_point(shapely.maximum_inscribed_circle(room), 0)
                feature["properties"]["label_at"] = place_of(middle)
    return layer


def _taken(marks: Sequence[Mark], extent: float) -> shapely.Geometry:
    """Cover the marks and the labels beside them, in shares of how far the district reaches."""
    steps = {"left": -_ROOM_SHARE, "right": _ROOM_SHARE}
    spots = [(mark["at"][0], mark["at"][1]) for mark in marks]
    spots += [
        (mark["at"][0] + step * extent * steps[mark["side"]], mark["at"][1])
        for mark in marks
        if mark["label"] and mark["side"] in steps
        for step in range(1, _LABEL_STEPS + 1)
    ]
    return shapely.union_all(shapely.buffer(shapely.points(spots), _ROOM_SHARE * extent))


def place_of(point: shapely.Geometry) -> list[float]:
    """Write a place."""
    inside = shapely.point_on_surface(point)
    return [round(inside.x, _DECIMALS), round(inside.y, _DECIMALS)]


# ── Marks of the map of coverage: schools by their minutes, and the points where officers wait, now and best

NOW, BEST = ("square", "#ffffff"), ("diamond", "#d55e00")
"""Shape and color of a waiting point."""

_NO_FIGURE = ("cross", "#b5b5b0")


def school_dots(
    schools: gpd.GeoDataFrame,
    by_school: pd.DataFrame,
    *,
    classes: MinuteClasses,
    zone_names: Mapping[str, str],
) -> list[Mark]:
    """Mark the schools: the longer a school waits, the larger and darker."""
    located = schools[has_place(schools)]
    at = dict(zip(located["school_id"].astype("str"), map(place_of, located.geometry), strict=True))
    rows = [row for row in by_school.to_dict("records") if str(row["school_id"]) in at]
    marks = []
    for row in sorted(
        rows, key=lambda row: finite(row.get("response_min")) if is_figure(row.get("response_min")) else -1
    ):
        minutes = finite(row.get("response_min"))
        look = ("circle", fill) if (fill := classes.fill(minutes)) else _NO_FIGURE
        facts = [
            words(row["name"]),
            f"{level_text(row['level'])}, {zone_names.get(str(row['zone_id']), words(row['zone_id']))}",
            *(
                [
                    f"Until an officer is there, by the model: {decimal(minutes)} min on average",
                    f"Nine calls of ten, by the model: within {decimal(row['response_p90_min'])} min",
                    f"Within {_WITHIN_MIN:g} min, by the model: {share(row['within_share'])} of calls",
                ]
                if is_figure(minutes)
                else []
            ),
            f"Calls a week: {decimal(row['calls_per_week'], 2)}",
        ]
        marks.append(make_mark(at[str(row["school_id"])], look, radius=classes.radius_px(minutes), facts=facts))
    return marks


def staging_marks(points: gpd.GeoDataFrame, *, zone_names: Mapping[str, str]) -> list[Mark]:
    """Mark where officers wait: a square for now, a diamond for best, both in one where an officer stays."""
    marks = []
    for sides in _officers(points):
        stays = len(sides) == len({tuple(side["at"]) for side in sides.values()}) + 1
        west = min(sides.values(), key=lambda side: side["at"][0])
        for kind in ("best", "now"):
            if kind not in sides:
                continue
            row = sides[kind]
            officer = zone_names.get(row["zone_id"], row["zone_id"]) if pd.isna(row["officer"]) else str(row["officer"])
            is_under = stays and kind == "best"
            marks.append(
                make_mark(
                    row["at"],
                    NOW if kind == "now" else BEST,
                    radius=9 if is_under else 5 if stays else 6,
                    weight=2,
                    facts=_facts(row, officer, zone_names),
                    label="" if is_under else officer if kind == "now" else f"{officer} best",
                    side="left" if row is west and len(sides) > 1 and not stays else "right",
                )
            )
    return marks


def staging_links(points: gpd.GeoDataFrame) -> list[list[list[float]]]:
    """Link where each officer waits now with the best point."""
    return [
        [sides["now"]["at"], sides["best"]["at"]]
        for sides in _officers(points)
        if len(sides) == len(("now", "best")) and sides["now"]["at"] != sides["best"]["at"]
    ]


def staging_legend(points: gpd.GeoDataFrame) -> list[LegendItem]:
    """Explain the signs of waiting points, as far as they occur."""
    kinds = set(points["kind"])
    pairs = [sides for sides in _officers(points) if len(sides) > 1]
    stays = [sides for sides in pairs if sides["now"]["at"] == sides["best"]["at"]]
    return [
        *([LegendItem("Where an officer waits now", *NOW)] if "now" in kinds else []),
        *([LegendItem("Best place to wait", *BEST)] if "best" in kinds else []),
        *([CoverageSign("Waits at the best place now", "stays")] if stays else []),
        *([CoverageSign("From now to best", "moves")] if len(pairs) > len(stays) else []),
    ]


def _officers(points: gpd.GeoDataFrame) -> Iterator[dict[str, dict[str, Any]]]:
    """Give the points of each officer, by kind."""
    rows = [
        {**row, "zone_id": words(row["zone_id"]), "at": place_of(shape)}
        for row, shape in zip(points.drop(columns="geometry").to_dict("records"), points.geometry, strict=True)
    ]
    for key in dict.fromkeys((row["zone_id"], words(row["officer"])) for row in rows):
        yield {row["kind"]: row for row in rows if (row["zone_id"], words(row["officer"])) == key}


def _facts(row: Mapping[str, Any], officer: str, zone_names: Mapping[str, str]) -> list[str]:
    return [
        f"{officer}, waiting point now" if row["kind"] == "now" else f"{officer}, best waiting point",
        words(row["place_name"]),
        zone_names.get(row["zone_id"], row["zone_id"]),
        *(
            [f"Minutes to schools by the ways on the map, mean: {decimal(row['mean_min'])}"]
            if is_figure(row.get("mean_min"))
            else []
        ),
    ]


# ── The map of coverage as inline SVG: what is printed, and what stands where scripts do not run

_TALLEST, _MARGIN = 0.85, 8.0
_TOLERANCE_PX = 0.4
_LABEL, _LINE = 14.0, 16.0
_LIFTS = (0.0, -17.0, 17.0, -34.0, 34.0)
_HATCH = (
    '<defs><pattern id="{}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" fill="#fff"/><path d="M0,0V8" stroke="#8a8a85" stroke-width="2"/></pattern></defs>'
)
_SHAPES: dict[str, Callable[[float, float, float], str]] = {
    "circle": lambda x, y, r: f"M{x - r:.1f},{y:.1f}a{r},{r} 0 1,0 {2 * r},0a{r},{r} 0 1,0 {-2 * r},0Z",
    "square": lambda x, y, r: f"M{x - r:.1f},{y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}Z",
    "diamond": lambda x, y, r: (
        f"M{x:.1f},{y - 1.3 * r:.1f}l{1.3 * r},{1.3 * r}l{-1.3 * r},{1.3 * r}l{-1.3 * r},{-1.3 * r}Z"
    ),
    "cross": lambda x, y, r: (
        f"M{x - r / 3:.1f},{y - r:.1f}h{r / 1.5:.1f}v{2 * r}h{-r / 1.5:.1f}Z"
        f"M{x - r:.1f},{y - r / 3:.1f}h{2 * r}v{r / 1.5:.1f}h{-2 * r}Z"
    ),
}


class _Label(NamedTuple):
    x: float
    y: float
    lines: list[str]
    anchor: str


def still_map(layers: MapLayers, *, title: str, description: str, width: float = 760.0) -> str:
    """Draw a map that stays as it is; labels give way to those before them, but letters on a mark do not."""
    features = layers.zones["features"]
    place, height = _screen([f["geometry"] for f in features], width)
    hatch = f"gap-{zlib.crc32(title.encode()):08x}"
    pieces = [_HATCH.format(hatch)] if any(not f["properties"]["fill"] for f in features) else []
    pieces += [_zone(feature, place, hatch) for feature in features]
    for name, look in (
        ("roads", 'stroke="#a9a9a4" stroke-width="0.8"'),
        ("boundary", f'stroke="{GRAY}" stroke-width="2" stroke-dasharray="6 4"'),
    ):
        if layers.backdrop.get(name):
            pieces.append(f'<path d="{_path(layers.backdrop[name], place)}" fill="none" {look}/>')
    for outline in layers.outlines:
        look = 'stroke="#7a0019" stroke-width="4" stroke-dasharray="8 5"'
        pieces.append(f'<path d="{_path(outline, place)}" fill="none" {look}/>')
    for ends in layers.links:
        (x, y), (u, v) = place(np.array(ends)).tolist()
        line = f'stroke="{INK}" stroke-width="2" stroke-dasharray="5 4"'
        pieces.append(f'<path d="M{x:.1f},{y:.1f}L{u:.1f},{v:.1f}" {line}/>')
    at = place(np.array([m["at"] for m in layers.marks]).reshape(-1, 2)).tolist()
    pieces += [_mark(mark, x, y) for mark, (x, y) in zip(layers.marks, at, strict=True)]
    spots = place(np.array([f["properties"]["label_at"] for f in features]).reshape(-1, 2)).tolist()
    labels = [_Label(x, y, f["properties"]["label"], "middle") for f, (x, y) in zip(features, spots, strict=True)]
    labels += [_mark_label(mark, x, y) for mark, (x, y) in zip(layers.marks, at, strict=True) if mark["label"]]
    return svg(width, height, title, description, [*pieces, *_written(labels, (width, height))])


def _screen(shapes: Sequence[dict[str, Any]], width: float) -> tuple[Screen, float]:
    """Fit the zones into the picture; give the way to its pixels, and its height."""
    corners = np.array([point for shape in shapes for ring in _rings(shape) for point in ring] or [[0.0, 0.0]])
    place, height = fit(
        (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()), width, _TALLEST * width, _MARGIN
    )
    return place, float(round(height))


def _rings(shape: dict[str, Any]) -> Iterator[list[list[float]]]:
    """Give the lines of a GeoJSON geometry, however deep they lie."""
    if shape["type"] == "GeometryCollection":
        for part in shape["geometries"]:
            yield from _rings(part)
        return
    depth = {"LineString": 0, "MultiLineString": 1, "Polygon": 1, "MultiPolygon": 2}.get(shape["type"])
    found = [] if depth is None else [shape["coordinates"]]
    for _ in range(depth or 0):
        found = [part for whole in found for part in whole]
    yield from found


def _path(shape: dict[str, Any], place: Screen) -> str:
    is_area = "Polygon" in shape["type"]
    drawn = [
        shapely.simplify(shapely.linestrings(place(np.array(ring)[:, :2])), _TOLERANCE_PX) for ring in _rings(shape)
    ]
    lines = ("L".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(line).tolist()) for line in drawn)
    return "".join(f"M{line}{'Z' if is_area else ''}" for line in lines)


def _zone(feature: dict[str, Any], place: Screen, hatch: str) -> str:
    properties = feature["properties"]
    fill = properties["fill"] or f"url(#{hatch})"
    width = 4 if properties["is_heaviest"] else 1.5
    border = f'stroke="#262626" stroke-width="{width}"'
    look = f'fill="{fill}" fill-opacity="{properties["opacity"]:g}" fill-rule="evenodd" {border}'
    return f'<path d="{_path(feature["geometry"], place)}" {look}/>'


def _mark(mark: Mark, x: float, y: float) -> str:
    look = f'fill="{mark["color"]}" stroke="{mark["line"]}" stroke-width="{mark["weight"]:g}"'
    facts = escape(", ".join(mark["facts"]))
    return f'<path d="{_SHAPES[mark["shape"]](x, y, mark["radius"])}" {look}><title>{facts}</title></path>'


def _mark_label(mark: Mark, x: float, y: float) -> _Label:
    away = mark["radius"] + 5
    if mark["side"] == "center":
        return _Label(x, y, [mark["label"]], "on it")
    return _Label(*((x - away, y) if mark["side"] == "left" else (x + away, y)), [mark["label"]], mark["side"])


def _written(labels: Sequence[_Label], size: tuple[float, float]) -> list[str]:
    """Write labels, the first ones first; one that finds no free place near its own is left out."""
    written: list[str] = []
    taken: list[Box] = []
    for label in labels:
        if label.anchor == "on it":
            written.append(
                text(label.x, label.y + 4, label.lines[0], anchor="middle", size=11, more='font-weight="700"')
            )
            continue
        box = next((box for box in _places(label, size) if not any(meet(box, other) for other in taken)), None)
        if box is not None:
            taken.append(box)
            written += _lines(label.lines, (box[0] + box[2]) / 2, box[1])
    return written


def _places(label: _Label, size: tuple[float, float]) -> Iterator[Box]:
    """List where a label could stand: its own place, the other side of a mark, and somewhat above or below."""
    wide, tall = LETTER * max(map(len, label.lines), default=0) + 6, _LINE * len(label.lines)
    sides = {"middle": (-wide / 2,), "right": (0.0, -wide - 24), "left": (-wide, 24.0)}[label.anchor]
    for lift in _LIFTS:
        for side in sides:
            x = min(max(label.x + side, 0), size[0] - wide)
            y = min(max(label.y - tall / 2 + lift, 0), size[1] - tall)
            yield x, y, x + wide, y + tall


def _lines(lines: Sequence[str], x: float, top: float) -> list[str]:
    return [
        text(
            x,
            top + 12 + i * _LINE,
            line,
            anchor="middle",
            size=_LABEL,
            more=f'font-weight="{500 if i else 700}" {HALO}',
        )
        for i, line in enumerate(lines)
    ]


# ── The map of coverage, its legend, and the list beside it

_OPACITY = 0.7


@dataclass(frozen=True, eq=False)
class CoverageMap:
    """The map of coverage and what stands beside it; a zone without a figure has no fill."""

    layers: MapLayers
    fills: list[str | None]
    legends: dict[str, list[LegendItem]]
    finder: dict[str, list[FinderEntry]]
    picture: str


def slowest_zones(by_zone: pd.DataFrame) -> list[str]:
    """Find the zones with the longest mean response, as it is printed."""
    if "response_min" not in by_zone.columns:
        return []
    return highest({str(z): finite(m) for z, m in by_zone[["zone_id", "response_min"]].to_numpy()}, decimal)


def draw_coverage_map(
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    *,
    by_zone: pd.DataFrame,
    by_school: pd.DataFrame,
    staging: gpd.GeoDataFrame,
    zone_names: Mapping[str, str],
    behind: dict[str, Any],
) -> CoverageMap:
    """Make the map of coverage, its legend, its printed picture, and the list beside it."""
    values = [
        frame.get("response_min", pd.Series(dtype="float64")).to_numpy(dtype="float64", na_value=np.nan)
        for frame in (by_zone, by_school)
    ]
    classes = MinuteClasses.of(np.concatenate(values))
    points = staging[has_place(staging)]
    dots = school_dots(schools, by_school, classes=classes, zone_names=zone_names)
    waiting = staging_marks(points, zone_names=zone_names)
    slowest = slowest_zones(by_zone)
    zone_ids = zones["zone_id"].astype("str").tolist()
    minutes = _minutes_of(zone_ids, by_zone)
    fills = [classes.fill(minutes[zone]) for zone in zone_ids]
    labels = dict(zip(zone_ids, (sign.label for sign in zone_signs(zones)), strict=True))
    records = {str(row["zone_id"]): row for row in by_zone.to_dict("records")}

    def label(zone_id: str) -> list[str]:
        which = "the longest" if len(slowest) == 1 else "among the longest"
        known = [f"{decimal(minutes[str(zone_id)])} min"] if is_figure(minutes[str(zone_id)]) else []
        return [labels[str(zone_id)], *known, *([which] if str(zone_id) in slowest else [])]

    features = zone_layer(
        zones,
        fills=fills,
        opacity=_OPACITY,
        label=label,
        facts=lambda zone_id: _zone_facts(zone_names[str(zone_id)], records.get(str(zone_id))),
        heaviest=slowest[0] if len(slowest) == 1 else None,
        marks=[*waiting, *dots],
    )
    layers = MapLayers(features, [*dots, *waiting], links=staging_links(points), backdrop=behind)
    sentence = "; ".join(
        f"{zone_names[zone]} {decimal(value)} min" for zone, value in minutes.items() if is_figure(value)
    )
    return CoverageMap(
        layers,
        fills,
        legends=_legends(classes, points, has_gap=None in fills, has_slowest=len(slowest) == 1, dots=dots)
        | ({"Lines": [LegendItem("District boundary", "line")]} if behind["boundary"] else {}),
        finder={
            "Zones": [FinderEntry(f["properties"]["label_at"], f["properties"]["facts"]) for f in features["features"]],
            "Officers": [FinderEntry(mark["at"], mark["facts"]) for mark in waiting],
            "Schools": [
                FinderEntry(mark["at"], mark["facts"]) for mark in sorted(dots, key=lambda m: m["facts"][0].casefold())
            ],
        },
        picture=still_map(
            layers, title="Map of patrol coverage", description=f"Recorded mean minutes: {sentence or 'none'}"
        ),
    )


def _minutes_of(zone_ids: Sequence[str], by_zone: pd.DataFrame) -> dict[str, float]:
    rows = by_zone.reindex(columns=["zone_id", "response_min"]).to_numpy()
    known = {str(zone): finite(value) for zone, value in rows}
    return {zone: known.get(zone, np.nan) for zone in zone_ids}


def _zone_facts(name: str, row: Mapping[Any, Any] | None) -> list[str]:
    if row is None:
        return [name, "No figure"]
    facts: dict[str, Callable[[Any], str]] = {
        "response_min": lambda value: f"Until an officer is there, as recorded: {decimal(value)} min on average",
        "response_p90_min": lambda value: f"Nine calls of ten, as recorded: within {decimal(value)} min",
        "within_share": lambda value: f"Within {_WITHIN_MIN:g} min, as recorded: {share(value)} of calls",
        "in_zone_share": lambda value: (
            f"Own officer answered {share(value)}, another zone’s {share(row['backup_share'])}"
        ),
        "overflow_share": lambda value: f"Went to patrol: {share(value)} of calls",
        "busy_share": lambda value: f"The officer was busy with calls of the zone {share(value)} of the time",
    }
    return [
        name,
        f"Officer: {words(row['officer'])}",
        f"Schools: {whole(row['schools'])}, calls a day: {decimal(row['calls_per_day'])}",
        *(sentence(row[column]) for column, sentence in facts.items() if column in row and is_figure(row[column])),
    ]


def _legends(
    classes: MinuteClasses, points: gpd.GeoDataFrame, *, has_gap: bool, has_slowest: bool, dots: Sequence[Any]
) -> dict[str, list[LegendItem]]:
    has_cross, has_dot = (any(mark["shape"] == shape for mark in dots) for shape in ("cross", "circle"))
    return {
        "Mean minutes until an officer is there, as recorded": [
            *classes.legend(opacity=_OPACITY),
            *([LegendItem("Zone with the longest", "bold")] if has_slowest else []),
            *([LegendItem("Zone of which the record does not say", "hatch")] if has_gap else []),
        ],
        "Schools": [
            *([LegendItem("School, by the model: the larger, the longer", "circle", RATE_FILLS[2])] if has_dot else []),
            *([LegendItem("School without a figure", "cross", "#b5b5b0")] if has_cross else []),
        ],
        "Officers": staging_legend(points),
    }


# ── Maps of single and double coverage: the schools that no officer, one, or two and more reach in time

_TWO = 2
_WIDTH = 520.0
_LAND = "#f1f1ee"
_PLANS = {"now": "where officers wait today", "best": "from the best points"}


def reach_maps(
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    staging: gpd.GeoDataFrame,
    reached: pd.DataFrame,
) -> list[Chart]:
    """Draw which schools officers reach in time, now and from the best points."""
    here = schools[has_place(schools)].set_index("school_id")
    known = reached[reached["school_id"].isin(here.index)]
    at = here.loc[known["school_id"]].geometry.to_crs(4326).representative_point()
    signs = {zone: sign.label for zone, sign in zip(zones["zone_id"].astype("str"), zone_signs(zones), strict=True)}
    charts = []
    for kind, title in _PLANS.items():
        counts = known[kind].astype("int64").tolist()
        points = staging[(staging["kind"] == kind) & has_place(staging)].geometry
        marks = [_school(point, count) for point, count in zip(at, counts, strict=True)]
        look, radius = (("square", "#ffffff"), 5.5) if kind == "now" else (("diamond", "#d95f02"), 6.0)
        marks += [make_mark(place_of(point), look, radius=radius, weight=1.5) for point in points]
        land = zone_layer(
            zones,
            fills=[_LAND] * len(zones),
            opacity=1.0,
            label=lambda zone_id: [signs[str(zone_id)]],
            facts=lambda zone_id: [signs[str(zone_id)]],
            heaviest=None,
            marks=marks,
        )
        none, one = counts.count(0), counts.count(1)
        sentence = (
            f"{count_text(none, 'school')} by no officer, {one} by one, {len(counts) - none - one} by two or more"
        )
        shapes = "squares" if kind == "now" else "diamonds"
        caption = (
            f"By the ways on the map, reached within {_WITHIN_MIN:g} minutes {title}: {sentence}. Crosses: nobody; "
            f"light dots: one officer; large dark dots: two or more; {shapes}: officers"
        )
        charts.append(
            Chart(still_map(MapLayers(land, marks), title=caption, description=sentence, width=_WIDTH), caption)
        )
    return charts


def _school(point: shapely.Point, count: int) -> Mark:
    shape, color, radius = ("cross", "#7a0019", 7.0) if count == 0 else ("circle", RATE_FILLS[1], 5.0)
    if count >= _TWO:
        color, radius = RATE_FILLS[-1], 7.5
    return make_mark(place_of(point), (shape, color), radius=radius, weight=1.5)
