"""Layers of a map: backdrop, zones, schools, the packed history, and the units of a plan."""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from jinja2 import Template
from numpy.typing import NDArray

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.drawing import LEVEL_MARKS, LegendItem, ZoneSign, has_place
from safeschools_geo.errors import InputError, name_ids
from safeschools_geo.pages._offline import OfflineElement
from safeschools_geo.schemas import LEVELS, STATUSES
from safeschools_geo.text import format_share, millionths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import geopandas as gpd


# ── Points packed for a browser: quantized, sorted along a Morton curve, delta-coded, deflated; some 4 bytes each

_FEWEST_BITS, _MOST_BITS = 16, 26  # 2 × 26 bits is the most that a JavaScript number holds exactly
_ERROR_M = 1.0
_METERS_PER_DEGREE = 111_320.0
_RAW_DEFLATE = -15
_WIDE = 256


@dataclass(frozen=True)
class PackedPoints:
    """Points and their codes, as a page carries them."""

    # What it takes to read them: `count`, `bits`, `west`, `south`, `width`, `height` (degrees), and for each code its
    # `name` and `bytes`
    header: dict[str, Any]
    payload: bytes  # Raw deflate of byte planes: the Morton deltas, least significant byte first, then each code

    @property
    def text(self) -> str:
        """The payload in base 64."""
        return base64.b64encode(self.payload).decode()


def pack_points(lon: NDArray[np.float64], lat: NDArray[np.float64], codes: Mapping[str, NDArray[Any]]) -> PackedPoints:
    """Pack points.

    Notes
    -----
    G. M. Morton, "A computer oriented geodetic data base and a new technique in file sequencing", IBM, 1966.
    """
    names = list(codes)
    columns = [_checked(name, codes[name]) for name in names]
    west, south, width, height = _extent(lon, lat)
    bits = _bits(width, height, south)
    key = _interleave(_quantized(lon, west, width, bits), _quantized(lat, south, height, bits), bits)
    order = np.lexsort([*reversed(columns), key])
    delta = np.diff(key[order], prepend=np.uint64(0))
    sorted_columns = [column[order] for column in columns]
    widths = [2 if len(column) and column.max() >= _WIDE else 1 for column in columns]
    planes = [_planes(delta, -(-2 * bits // 8)), *map(_planes, sorted_columns, widths)]
    header = {
        "count": len(key),
        "bits": bits,
        "west": west,
        "south": south,
        "width": width,
        "height": height,
        "codes": [{"name": n, "bytes": w} for n, w in zip(names, widths, strict=True)],
    }
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE)
    return PackedPoints(header, deflate.compress(b"".join(planes)) + deflate.flush())


def _checked(name: str, values: NDArray[Any]) -> NDArray[np.uint64]:
    if len(values) and not (values.min() >= 0 and values.max() < _WIDE**2):
        message = f"codes of {name} run from {values.min()} to {values.max()}; 0 to {_WIDE**2 - 1} can be packed"
        raise ValueError(message)
    return values.astype(np.uint64)


def _extent(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[float, float, float, float]:
    if not len(lon):
        return 0.0, 0.0, 1.0, 1.0
    west, south = float(lon.min()), float(lat.min())
    # A single place has no extent: any small one will do.
    return west, south, float(lon.max()) - west or 1e-6, float(lat.max()) - south or 1e-6


def _bits(width: float, height: float, south: float) -> int:
    """Fewest bits for which the corner of a cell is no farther than the error from its middle."""
    nearest_equator = max(0.0, min(abs(south), abs(south + height))) if south * (south + height) > 0 else 0.0
    meters = math.hypot(width * math.cos(math.radians(nearest_equator)), height) * _METERS_PER_DEGREE
    needed = math.ceil(math.log2(meters / 2 / _ERROR_M)) if meters else 0
    return min(max(needed, _FEWEST_BITS), _MOST_BITS)


def _quantized(values: NDArray[np.float64], start: float, extent: float, bits: int) -> NDArray[np.uint64]:
    cells = 2**bits
    cell: NDArray[np.float64] = np.clip(np.floor((values - start) / extent * cells), 0, cells - 1)
    return cell.astype(np.uint64)


def _interleave(x: NDArray[np.uint64], y: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    key = np.zeros(len(x), dtype=np.uint64)
    one = np.uint64(1)
    for bit in map(np.uint64, range(bits)):
        key |= ((x >> bit) & one) << (bit * np.uint64(2))
        key |= ((y >> bit) & one) << (bit * np.uint64(2) + one)
    return key


def _planes(values: NDArray[np.uint64], width: int) -> bytes:
    """Put all first bytes side by side, then all second bytes: high bytes are nearly all 0 and deflate to nothing."""
    return values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()


# ── The backdrop of a map, made of the district's own layers: boundary, roads, names of places

_DECIMALS = 6
_TOLERANCE_DEGREES = 0.00005
_POLYGON_DIMENSION = 2


def backdrop(
    *, boundary: gpd.GeoDataFrame | None, roads: gpd.GeoDataFrame | None, places: gpd.GeoDataFrame | None
) -> dict[str, Any]:
    """Draw the district's own layers small enough to carry."""
    return {
        "boundary": _written(boundary),
        "roads": _written(roads),
        "places": _place_labels(places),
    }


def small_geometries(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Simplify geometries by some 5 m; zones that share an edge share it still."""
    is_area = shapely.get_dimensions(geometries) == _POLYGON_DIMENSION
    if len(geometries) and is_area.all() and shapely.coverage_is_valid(geometries):
        return np.asarray(shapely.coverage_simplify(geometries, _TOLERANCE_DEGREES))
    return np.asarray(shapely.simplify(geometries, _TOLERANCE_DEGREES, preserve_topology=True))


def geojson(geometry: shapely.Geometry) -> dict[str, Any]:
    """Write a geometry as GeoJSON with six decimals, some 0.1 m."""
    rounded = shapely.transform(shapely.force_2d(geometry), lambda xy: np.round(xy, _DECIMALS))
    written: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return written


def bounds_of(*layers: gpd.GeoDataFrame | gpd.GeoSeries | None) -> list[list[float]]:
    """Find what a map should show at first."""
    for layer in layers:
        if layer is None or layer.empty:
            continue
        west, south, east, north = layer.total_bounds.round(_DECIMALS).tolist()
        if np.isfinite([west, south, east, north]).all():
            return [[south, west], [north, east]]
    return [[-60.0, -180.0], [75.0, 180.0]]


def _written(layer: gpd.GeoDataFrame | None) -> dict[str, Any] | None:
    whole = merged(layer)
    return None if whole is None else geojson(whole)


def merged(layer: gpd.GeoDataFrame | None) -> shapely.Geometry | None:
    """Make one small geometry of a layer; None where it has none."""
    if layer is None:
        return None
    geometries = layer.geometry.dropna()
    geometries = geometries[~geometries.is_empty].to_numpy()
    if not len(geometries):
        return None
    if shapely.get_dimensions(geometries).max() == 1:
        lines = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(geometries)))
        return shapely.simplify(shapely.MultiLineString(shapely.get_parts(lines).tolist()), _TOLERANCE_DEGREES)
    return shapely.simplify(shapely.union_all(shapely.make_valid(geometries)), _TOLERANCE_DEGREES)


def _place_labels(places: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    if places is None or "name" not in places.columns:
        return []
    located = places[places.geometry.notna() & ~places.geometry.is_empty & places["name"].notna()]
    points = located.geometry.representative_point()
    return [
        {"name": str(name), "at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)]}
        for name, point in zip(located["name"], points, strict=True)
    ]


# ── Layers of a map as parts of a folium map: zones, schools, the packed history, the backdrop


def data_block(name: str, data: object) -> str:
    """Write data as a block that a script reads and nothing runs."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json" id="{name}">{_inert(text)}</script>'


def _inert(text: str) -> str:
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


VECTORS = ("js/core.js", "js/vectors.js")
"""Scripts of a map of lines and areas."""


class DataElement(OfflineElement):
    """A part of a map that hands its data, anything JSON can hold, to one of our functions."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        'SafeSchools.{{ this.function }}({{ this.map_name }}, "{{ this.get_name() }}");'
        "{% endmacro %}"
    )

    def __init__(self, function: str, data: object, *, scripts: tuple[str, ...] = VECTORS) -> None:
        super().__init__()
        self._name = self.function = function
        self.scripts = scripts
        self.data = data

    def blocks(self) -> dict[str, str]:
        """Write its data, by the id of each block."""
        return {self.get_name(): data_block(self.get_name(), self.data)}


class Prepared(OfflineElement):
    """Name the map for assistive technology, and write a note on it, such as SYNTHETIC DATA."""

    scripts = ("js/core.js",)
    _template = Template(
        "{% macro script(this, kwargs) %}SafeSchools.prepare({{ this.map_name }}, {{ this.words }});{% endmacro %}"
    )

    def __init__(self, label: str, *, note: str = "") -> None:
        super().__init__()
        self.words = _inert(json.dumps({"label": label, "note": note}))


class Drawn(OfflineElement):
    """Mark the moment at which a map without packed points is on the screen."""

    scripts = ("js/core.js",)
    _template = Template("{% macro script(this, kwargs) %}SafeSchools.drawn({{ this.map_name }});{% endmacro %}")


# The district's boundary, roads and places (`backdrop`); what no officer crosses but at roads, over the zones; zones
# with their fills and labels (`zone_features`); schools by level and status (`school_marks`).
Backdrop = partial(DataElement, "addBackdrop")
Barriers = partial(DataElement, "addBarriers")
Zones = partial(DataElement, "addZones")
Schools = partial(DataElement, "addSchools")


class Incidents(DataElement):
    """Packed points on one canvas, with the form that filters them; `colors` are those of the codes of `color_by`."""

    def __init__(self, points: PackedPoints, *, colors: Sequence[str], color_by: str, total: int) -> None:
        super().__init__(
            "addPoints",
            {"header": points.header, "colors": list(colors), "color_by": color_by, "total": total},
            scripts=("js/core.js", "js/packed_points.js", "js/packed_layer.js", "js/filters.js"),
        )
        self.points = points

    def blocks(self) -> dict[str, str]:
        """Write the header and the points, by the id of each block."""
        header, points = f"{self.get_name()}_header", f"{self.get_name()}_points"
        return {
            header: data_block(header, self.data),
            points: f'<script type="text/plain" id="{points}">{self.points.text}</script>',
        }


def zone_features(
    zones: gpd.GeoDataFrame,
    *,
    fills: Sequence[str | None],
    opacity: float,
    label: Callable[[str], list[str]],
    facts: Callable[[str], list[str]],
    heaviest: str | None = None,
    is_quiet: bool = False,
) -> dict[str, Any]:
    """Make features of the zones."""
    shapes = small_geometries(zones.geometry.to_numpy())
    # The middle of the largest circle inside: there a label has most room.
    middles = shapely.get_point(shapely.maximum_inscribed_circle(shapes), 0)
    at = shapely.get_coordinates(middles).round(_DECIMALS).tolist()
    properties = (
        {
            "label": label(zone_id),
            "label_at": place,
            "facts": facts(zone_id),
            "fill": fill,
            "opacity": opacity if fill or not opacity else 1,
            "is_heaviest": zone_id == heaviest,
        }
        for zone_id, place, fill in zip(zones["zone_id"], at, fills, strict=True)
    )
    return features_of(shapes, properties) | {"quiet": is_quiet}


def features_of(shapes: Iterable[shapely.Geometry], properties: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Make features of shapes and what there is to say of each."""
    features = [
        {"type": "Feature", "geometry": geojson(shape), "properties": about}
        for shape, about in zip(shapes, properties, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def school_marks(schools: gpd.GeoDataFrame, school_assignments: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Make marks of the schools."""
    located = schools[has_place(schools)]
    points = located.geometry.representative_point()
    status = {} if school_assignments is None else school_assignments.set_index("school_id")["status"].to_dict()
    marks = []
    for row, point in zip(located.to_dict("records"), points, strict=True):
        shape, color = LEVEL_MARKS.get(row["level"], LEVEL_MARKS["other"])
        word = status.get(row["school_id"], "inside")
        facts = [row["name"], LEVELS.get(row["level"], row["level"]), STATUSES.get(word, word).capitalize()]
        if not row["in_program"]:
            facts.append("Not in the program")
        marks.append(
            {
                "at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)],
                "shape": shape,
                "color": color,
                "has_ring": word != "inside",
                "facts": facts,
            }
        )
    return marks


# ── Loads of zones as pages of plans show them: sums of whole millionths, and how far each is from the mean

LOAD_NAME, LOAD_UNIT = "officer-hours per school day", "h/day"
"""What loads are measured in, in full and in short."""


def load_name(forecast: Sequence[str]) -> str:
    """Say what loads are measured in, and whether they are a forecast."""
    return f"{LOAD_NAME}, a forecast" if forecast else LOAD_NAME


def zone_loads(workload: pd.Series, zone_of: Sequence[int], zones: int) -> list[int]:
    """Add up the loads of zones."""
    loads = [0] * zones
    for zone, load in zip(zone_of, millionths(workload).tolist(), strict=True):
        loads[zone] += load
    return loads


def counted_loads(loads: Sequence[int], is_apart: Sequence[bool]) -> list[int]:
    """Take the loads that count for the balance."""
    return [load for load, apart in zip(loads, is_apart, strict=True) if load or not apart]


def against_mean_text(load: int, loads: Sequence[int], *, is_apart: bool = False) -> str:
    """Write how far a zone is from the mean."""
    if is_apart and not load:
        return "not counted: no school"
    total = sum(loads)
    apart = len(loads) * load - total
    if not apart:
        return "at the mean"
    return f"{format_share(abs(apart), total)} {'over' if apart > 0 else 'under'} the mean"


# ── What the maps of plans are made of: units small enough to carry, the signs of zones, and the layers themselves

_SIGNS = {
    "moved": '<rect x="2" y="3" width="12" height="10" fill="#f1dfe2" stroke="#7a0019" stroke-width="3"/>',
    "chosen": '<rect x="2" y="3" width="12" height="10" fill="#d7e3fa" stroke="#0b57d0" stroke-width="3"/>',
    "former": '<path d="M1,8H15" stroke="#1a1a1a" stroke-width="2.5" stroke-dasharray="2 3"/>',
    "zone": '<path d="M0,8H16" stroke="#1a1a1a" stroke-width="3"/>',
}


@dataclass(frozen=True)
class PlanSign(LegendItem):
    """A sign of the maps of plans: ``moved``, ``chosen``, ``former`` or ``zone``."""

    def _inside(self) -> str:
        return _SIGNS[self.shape]


@dataclass(frozen=True, eq=False)
class UnitShapes:
    """The units in degrees, simplified alike."""

    shapes: NDArray[np.object_]  # Areas, shape (n,)
    at: NDArray[np.float64]  # Longitude and latitude of a point inside each, shape (n, 2)
    # Whether neighbors share their vertices, so that the borders of zones can be told from the sides of units
    is_coverage: bool


def unit_shapes(units: gpd.GeoDataFrame) -> UnitShapes:
    """Make the units small enough to carry."""
    shapes = units.geometry.to_crs(STORAGE_CRS).to_numpy()
    small = small_geometries(shapes)
    points = shapely.point_on_surface(small)
    is_coverage = bool(len(small) and shapely.coverage_is_valid(small))
    return UnitShapes(small, shapely.get_coordinates(points).round(_DECIMALS), is_coverage)


def unit_names(units: pd.DataFrame) -> list[str]:
    """Name the units."""
    ids = units["unit_id"].astype("str")
    names = units["name"].astype("object").where(units["name"].notna(), ids) if "name" in units.columns else ids
    is_twice = names.duplicated(keep=False)
    return [
        f"{name} ({unit})" if twice and name != unit else str(name)
        for name, unit, twice in zip(names, ids, is_twice, strict=True)
    ]


def map_data(shapes: UnitShapes, signs: Sequence[ZoneSign], schools: gpd.GeoDataFrame | None) -> dict[str, Any]:
    """Write what the map of a plan is drawn from."""
    marks = [] if schools is None else school_marks(schools[has_place(schools)])
    return {
        "zones": [vars(sign) for sign in signs],
        "shapes": [geojson(shape) for shape in shapes.shapes],
        "is_coverage": shapes.is_coverage,
        "dots": [{key: mark[key] for key in ("at", "shape", "color")} for mark in marks],
    }


def places_of(values: pd.Series, known: Sequence[str], *, what: str) -> list[int]:
    """Find ids in a list."""
    found = pd.Index(known).get_indexer(pd.Index(values.astype("str")))
    if (found < 0).any():
        raise InputError(
            f"The page was given {what} that are not known.",
            ids=values[found < 0].drop_duplicates(),
            expected=f"one of {name_ids(known)}",
            remedy="Give units, zones and plan of the same district.",
        )
    places: list[int] = found.tolist()
    return places


def plan_places(plan: pd.Series, units: pd.DataFrame, zone_ids: Sequence[str]) -> list[int]:
    """Find the zones of a plan in a list."""
    ids = units["unit_id"].astype("str")
    left_out = ids[~ids.isin(plan.index)]
    if len(left_out):
        raise InputError("The plan gives some units no zone.", where="plan", ids=left_out, expected="a zone for each")
    return places_of(plan.loc[ids.tolist()], zone_ids, what="zones of the plan")
