"""The shapes of zones, checked and prepared, and millions of points located in them, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely import GeometryType

from safeschools_geo import io
from safeschools_geo.crs import check_degrees, measuring_crs, require_crs, require_same_crs
from safeschools_geo.errors import ColumnError, GeometryError, SettingsError, attempt_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd
    from numpy.typing import ArrayLike


# ── The shapes of zones, ready to be asked: pieces joined, checked, prepared, in the order of the file

_LONGEST_EDGE_M = 500.0
"""Longer edges get vertices before they are reprojected: between two of them, a line that is straight on one map strays
from the line that is straight on another by less than 2 cm, to 70 degrees north and south."""

_EARTH_RADIUS_M = 6_371_000.0


@dataclass(frozen=True)
class ZoneShapes:
    """Polygons of zones."""

    ids: NDArray[np.object_]  # Ids of the zones, shape (k,), in the order of first appearance
    polygons: NDArray[np.object_]  # Their prepared polygons, shape (k,)
    rows: NDArray[np.int32]  # Row of each zone's first piece in the frame given, shape (k,), int32
    # Both ends of every edge, shape (e, 2), in the CRS of the polygons
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    zone_of_edge: NDArray[np.int64]  # Number of the zone that each edge belongs to, shape (e,)

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame, *, crs: CRS | None = None) -> ZoneShapes:
        """Prepare the zones of a frame."""
        checks: dict[str, Callable[[], list[str] | None]] = {
            "ids": lambda: _ids(zones),
            "pieces": lambda: _require_valid(zones),
        }
        rows_of: dict[str, list[int]] = {}
        for row, zone in enumerate(attempt_all(checks)["ids"] or []):
            rows_of.setdefault(zone, []).append(row)
        pieces = zones.geometry.to_numpy() if crs is None else brought_to(zones.geometry, crs)
        polygons = np.empty(len(rows_of), dtype=object)
        for number, rows in enumerate(rows_of.values()):
            polygons[number] = pieces[rows[0]] if len(rows) == 1 else shapely.union_all(pieces[rows])
        shapely.prepare(polygons)
        first = np.array([rows[0] for rows in rows_of.values()], dtype=np.int32)
        return cls(np.array(list(rows_of), dtype=object), polygons, first, *_edges(polygons))


def meter_crs(zones: gpd.GeoDataFrame) -> CRS:
    """Choose the projected CRS, in meters, in which places are measured against zones.

    That of the zones if it is projected and in meters, else the UTM zone of their center. Meters of a Mercator map of
    the world, such as EPSG:3857, are not meters on the ground and do not count.
    """
    crs = require_crs(zones, "zones")
    if not len(zones) or (_is_in_meters(crs) and not _is_world_mercator(crs)):
        return crs
    if crs.is_geographic:
        check_degrees(zones.total_bounds, crs, "zones")
    return measuring_crs(zones)


def brought_to(geometry: gpd.GeoSeries, crs: CRS) -> NDArray[np.object_]:
    """Reproject polygons so that their edges stay the straight lines of their own CRS."""
    own = CRS(geometry.crs)
    if own.equals(crs, ignore_axis_order=True):
        return np.asarray(geometry.to_numpy())
    meters_per_unit = own.axis_info[0].unit_conversion_factor * (_EARTH_RADIUS_M if own.is_geographic else 1.0)
    moved = np.array(geometry.segmentize(_LONGEST_EDGE_M / meters_per_unit).to_crs(crs).to_numpy(), dtype=object)
    # Rounding can close a gap of a nanometer: what was valid before is made so again.
    is_closed = ~shapely.is_valid(moved)
    moved[is_closed] = shapely.make_valid(moved[is_closed], method="structure", keep_collapsed=False)
    return moved


def _is_in_meters(crs: CRS) -> bool:
    return bool(crs.is_projected and crs.axis_info[0].unit_conversion_factor == 1.0)


def _is_world_mercator(crs: CRS) -> bool:
    method = crs.coordinate_operation.method_name if crs.coordinate_operation else ""
    return "Mercator" in method and "Transverse" not in method and "Oblique" not in method


def _edges(
    polygons: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    parts, zone_of_part = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    is_edge = ring[1:] == ring[:-1]
    return xy[:-1][is_edge], xy[1:][is_edge], zone_of_part[part_of_ring[ring[:-1][is_edge]]]


def _ids(zones: gpd.GeoDataFrame) -> list[str]:
    has_column = "zone_id" in zones.columns
    ids = io.as_text(zones["zone_id"]) if has_column else pd.Series(dtype="str")
    is_blank = ids.isna().to_numpy()
    if not has_column or is_blank.any():
        raise ColumnError(
            "Every zone needs an id.",
            where="zones",
            ids=[f"row {i}" for i in zones.index[is_blank]] if has_column else [],
            found="no id in these rows" if has_column else ", ".join(map(str, zones.columns)),
            expected="a column zone_id without gaps",
            remedy="Name the column that holds the ids `zone_id`, and give every row one.",
        )
    return [str(one) for one in ids]


def _require_valid(zones: gpd.GeoDataFrame) -> None:
    pieces = zones.geometry.to_numpy()
    is_area = np.isin(
        shapely.get_type_id(pieces), (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)
    ) & ~shapely.is_empty(pieces)
    is_fine = is_area & shapely.is_valid(pieces)
    if not is_fine.all():
        names = zones["zone_id"] if "zone_id" in zones.columns else zones.index
        reasons = {
            str(shapely.is_valid_reason(piece)).split("[")[0] if has_area else "no polygon"
            for piece, has_area in zip(pieces[~is_fine], is_area[~is_fine], strict=True)
        }
        raise GeometryError(
            "Some zones are not valid polygons.",
            where="zones",
            ids=names[~is_fine],
            found=", ".join(sorted(reasons)),
            expected="valid polygons",
            remedy="Repair them with `safeschools_geo.checks.repair`; zones read from a file are repaired already.",
        )


# ── What is asked of places and zones before any is assigned: all that is wrong with them is reported at once


def checked_zones(
    places: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, *, name: str, types: Sequence[GeometryType], max_snap_m: float
) -> tuple[ZoneShapes, CRS]:
    """Check what is to be assigned; give the zones in meters, and the projected CRS they are now in."""
    attempt_all({name: lambda: _require_geometry(places, name), "zones": lambda: _require_geometry(zones, "zones")})
    steps: dict[str, Callable[[], tuple[ZoneShapes, CRS | None] | None]] = {
        "crs": lambda: require_same_crs(places, zones, names=(name, "zones")),
        name: lambda: _require_types(places, name, types),
        "snap": lambda: _require_distance(max_snap_m),
        "zones": lambda: _in_meters(zones),
    }
    return cast("tuple[ZoneShapes, CRS]", attempt_all(steps)["zones"])


def _in_meters(zones: gpd.GeoDataFrame) -> tuple[ZoneShapes, CRS | None]:
    # Zones without a CRS are another step's fault; whatever else is wrong with them is reported too.
    crs = None if zones.crs is None else meter_crs(zones)
    return ZoneShapes.of(zones, crs=crs), crs


def _require_geometry(frame: gpd.GeoDataFrame, name: str) -> None:
    if getattr(frame, "active_geometry_name", None) is None:
        raise ColumnError(
            f"The layer {name} has no geometry.",
            where=name,
            found=", ".join(map(str, frame.columns)),
            expected="a GeoDataFrame with a geometry column",
            remedy="Make one with `geopandas.points_from_xy`, or name it with `set_geometry`.",
        )


def _require_distance(max_snap_m: float) -> None:
    if not max_snap_m >= 0:
        raise SettingsError(
            "A snapping distance is not negative.",
            where="max_snap_m",
            found=max_snap_m,
            expected="meters, 0 or more",
            remedy="Leave it out to assign no place that is outside every zone.",
        )


def _require_types(places: gpd.GeoDataFrame, name: str, types: Sequence[GeometryType]) -> None:
    geometry = places.geometry.to_numpy()
    type_id = shapely.get_type_id(geometry)
    is_present = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    is_other = is_present & ~np.isin(type_id, types)
    # A point is not valid when it has no coordinates: then it is no fault, but has no location.
    is_broken = is_present & ~is_other & (type_id != GeometryType.POINT) & ~shapely.is_valid(geometry)
    if not (is_other | is_broken).any():
        return
    reasons = {GeometryType(t).name.capitalize() for t in type_id[is_other]}
    reasons |= {str(r).split("[")[0] for r in shapely.is_valid_reason(geometry[is_broken])}
    repair_hint = "Repair them with `safeschools_geo.checks.repair`; a layer read from a file is repaired already."
    replace = "Use `assign_campuses` for campuses drawn as polygons, and the representative points of anything else."
    raise GeometryError(
        f"Some geometries of {name} cannot be assigned.",
        where=name,
        ids=places.index[is_other | is_broken],
        found=", ".join(sorted(reasons)),
        expected="valid " + ", ".join(t.name.capitalize() for t in types),
        remedy=" ".join([replace] * bool(is_other.any()) + [repair_hint] * bool(is_broken.any())),
        setting="kinds" if is_other.any() else "valid",
    )


# ── A conservative raster of zones: cells that no edge comes near have one answer, the others a list of candidates

_OUTSIDE = -1
_MIXED = -2
_MARGIN = 1e-6
"""Slack around each edge, in cells: rounding moves a coordinate by less than a millionth of that."""

_PAD = 1.5
"""Cells between the zones and the rim of the raster, so that the outermost ring of cells is always free."""

_NEVER_ZERO = 1e-300


class ZoneRaster:
    """A raster over the extent of zones, in the order in which a tie is decided.

    `side` is the number of cells along the longer side; cells with an edge nearer than `reach`, in units of the zones'
    CRS, are mixed too. `codes` has shape (cells,), int16 or int32: the number of the first zone that covers the cell,
    -1 outside all, and ``-2 - i`` for the i-th mixed cell, whose points have to be tested one by one. Its candidates
    are ``candidate_zone[candidate_from[i]:candidate_from[i + 1]]``, in the order of the zones, with
    `candidate_is_whole` where the zone covers the whole cell.
    """

    def __init__(self, shapes: ZoneShapes, side: int, *, reach: float = 0.0) -> None:
        self.side = side
        bounds = shapely.total_bounds(shapes.polygons)
        extent = bounds[2:] - bounds[:2]
        # Far from the origin, cells still have to be much wider than the steps between floating-point numbers.
        self._size = float(max((extent.max() + 2 * reach) / side, np.abs(bounds).max() * 1e-12, _NEVER_ZERO))
        self._inverse = 1 / self._size
        self._origin = bounds[:2] - _PAD * self._size - reach
        self._nx, self._ny = (int(n) for n in np.ceil((extent + 2 * reach) * self._inverse + 2 * _PAD))
        self._reach = reach * self._inverse + _MARGIN
        cell, zone = self._edge_cells(shapes)
        mixed, which = np.unique(cell, return_inverse=True)
        covered, by = self._enter(shapes, mixed, cell, zone)
        order = np.argsort(np.concatenate([which, covered]) * len(shapes.ids) + np.concatenate([zone, by]))
        self.candidate_zone = np.concatenate([zone, by])[order]
        self.candidate_is_whole = order >= len(cell)
        counts = np.bincount(which, minlength=len(mixed)) + np.bincount(covered, minlength=len(mixed))
        self.candidate_from = np.append(0, np.cumsum(counts))

    def look_up(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.signedinteger[Any]]:
        """Find the code of the cell of each point; those beyond the raster, and NaN, get a cell of its outer ring."""
        cell = self._steps(y, 1, self._ny)
        cell *= np.int32(self._nx)
        cell += self._steps(x, 0, self._nx)
        return self.codes.take(cell, mode="clip")

    def _steps(self, values: NDArray[np.float64], axis: int, count: int) -> NDArray[np.int32]:
        origin = self._origin[axis]
        # Cut off first, so that nothing overflows.
        steps = np.clip(values, origin, origin + (count - 0.5) * self._size)
        if np.isnan(steps.min(initial=origin)):
            steps[np.isnan(steps)] = origin
        steps -= origin
        steps *= self._inverse
        return steps.astype(np.int32)

    def _edge_cells(self, shapes: ZoneShapes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List each cell that an edge comes within reach of, with the zone of the edge, sorted and once each.

        Every edge is cut into the part it has in each row of cells; the cells of the row are those beside that part.
        """
        (u0, v0), (u1, v1) = (((ends - self._origin) * self._inverse).T for ends in (shapes.starts, shapes.ends))
        row, edge = _ranges(np.minimum(v0, v1) - self._reach, np.maximum(v0, v1) + self._reach)
        rise = v1 - v0
        rise[rise == 0] = _NEVER_ZERO
        u0, v0, rise, run = u0[edge], v0[edge], rise[edge], (u1 - u0)[edge]
        # One margin more than the reach: where an edge is all but level, rounding would else cut off too much.
        enters = u0 + run * np.clip((row - self._reach - _MARGIN - v0) / rise, 0, 1)
        leaves = u0 + run * np.clip((row + 1 + self._reach + _MARGIN - v0) / rise, 0, 1)
        column, part = _ranges(np.minimum(enters, leaves) - self._reach, np.maximum(enters, leaves) + self._reach)
        key = np.sort((row[part] * self._nx + column) * len(shapes.ids) + shapes.zone_of_edge[edge[part]])
        cell, zone = np.divmod(key[np.diff(key, prepend=-1) > 0], len(shapes.ids))
        return cell, zone

    def _enter(
        self, shapes: ZoneShapes, mixed: NDArray[np.int64], cell: NDArray[np.int64], zone: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Fill in `codes`; return which mixed cells are wholly covered, and by which zone.

        No edge lies between the cells of a gap between two mixed cells of a row, so one point answers for all of them;
        a gap that runs over the end of a row lies outside, as the outer ring does.
        """
        gaps = np.diff(mixed) - 1
        within_row = np.flatnonzero((gaps > 0) & (mixed[1:] // self._nx == mixed[:-1] // self._nx))
        tested = np.concatenate([mixed, mixed[within_row] + 1])
        rows, columns = np.divmod(tested, self._nx)
        x = self._origin[0] + (columns + 0.5) * self._size
        y = self._origin[1] + (rows + 0.5) * self._size
        inside = _inside(shapes, x, y, np.searchsorted(mixed, cell), zone)
        is_of_cell = inside[0] < len(mixed)
        answer = np.full(len(mixed) + 1, _OUTSIDE, dtype=np.int32)
        gap, by = inside[0][~is_of_cell] - len(mixed), inside[1][~is_of_cell]
        # Backwards, so that the first zone is entered last.
        answer[within_row[gap[::-1]] + 1] = by[::-1]
        # Half the bytes where they do, since time goes into memory touched for the first time.
        is_short = max(len(mixed) + 2, len(shapes.ids)) < np.iinfo(np.int16).max
        parts = np.empty(2 * len(mixed) + 1, dtype=np.int16 if is_short else np.int32)
        parts[::2], parts[1::2] = answer, _MIXED - np.arange(len(mixed))
        lengths = np.ones(len(parts), dtype=np.int64)
        lengths[2:-1:2], lengths[0], lengths[-1] = gaps, mixed[0], self._nx * self._ny - mixed[-1] - 1
        self.codes = np.repeat(parts, lengths)
        return inside[0][is_of_cell], inside[1][is_of_cell]


def _ranges(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the whole numbers of the cells from each `low` to its `high`, and which pair each came from."""
    first = np.floor(low).astype(np.int64)
    count = np.floor(high).astype(np.int64) - first + 1
    which = np.repeat(np.arange(len(first)), count)
    return np.arange(len(which)) - np.repeat(np.cumsum(count) - count - first, count), which


def _inside(
    shapes: ZoneShapes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    edge_cell: NDArray[np.int64],
    edge_zone: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair points with the zones they lie in, zone by zone; zones with an edge in a point's cell are left out."""
    points, zones = [], []
    by_zone = np.argsort(edge_zone, kind="stable")
    has_edge = np.split(edge_cell[by_zone], np.searchsorted(edge_zone[by_zone], np.arange(1, len(shapes.ids))))
    for number, (west, south, east, north) in enumerate(shapely.bounds(shapes.polygons)):
        is_near = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        is_near[has_edge[number]] = False
        at = np.flatnonzero(is_near)
        at = at[shapely.intersects_xy(shapes.polygons[number], x[at], y[at])]
        points.append(at)
        zones.append(np.full(len(at), number))
    return np.concatenate(points), np.concatenate(zones)


# ── Many points against prepared zones: chunk by chunk through a raster, exactly where the raster cannot tell

_CHUNK = 1 << 16
"""Points looked up at a time: few enough for the processor's cache, many enough that calls of numpy cost nothing."""

_BLOCK = 1 << 14
"""Points tested exactly at a time, which bounds the memory where every point is near a border."""

_FEWEST_FOR_RASTER = 2_000
_SMALLEST_SIDE, _LARGEST_SIDE = 64, 2048


class ZoneLookup:
    """Numbers of zones for points, and which points an edge may be near: within `reach`, in units of the zones' CRS."""

    def __init__(self, shapes: ZoneShapes, *, reach: float = 0.0) -> None:
        self._shapes = shapes
        self._reach = reach
        self._raster: ZoneRaster | None = None

    def numbers(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        """Find the first zone that covers each point, its edge included."""
        raster = self._raster_for(len(x))
        if raster is None:
            return self._test_all(x, y)
        found = np.empty(len(x), dtype=np.int32)
        mixed = []
        for part in _parts(len(x), _CHUNK):
            found[part] = codes = raster.look_up(x[part], y[part])
            mixed.append(np.flatnonzero(codes < -1) + part.start)
        left = np.concatenate(mixed)
        for part in _parts(len(left), _BLOCK):
            points = left[part]
            found[points] = self._settled(x[points], y[points], -2 - found[points], raster)
        return found

    def may_be_near_edge(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Rule out the points that are not within `reach` of any edge."""
        is_near = np.ones(len(x), dtype=np.bool_)
        raster = self._raster_for(len(x))
        if raster is not None:
            for part in _parts(len(x), _CHUNK):
                np.less(raster.look_up(x[part], y[part]), -1, out=is_near[part])
        return is_near

    def _raster_for(self, n: int) -> ZoneRaster | None:
        if not len(self._shapes.ids) or (n < _FEWEST_FOR_RASTER and self._raster is None):
            return None
        # Time to make the raster grows with its cells, time in mixed cells falls with its side: this balances them.
        side = int(np.clip(0.8 * np.sqrt(n), _SMALLEST_SIDE, _LARGEST_SIDE))
        if self._raster is None or 2 * self._raster.side <= side:
            self._raster = ZoneRaster(self._shapes, side, reach=self._reach)
        return self._raster

    def _test_all(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        found = np.full(len(x), -1, dtype=np.int32)
        left = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        for number, polygon in enumerate(self._shapes.polygons):
            is_in = shapely.intersects_xy(polygon, x[left], y[left])
            found[left[is_in]] = number
            left = left[~is_in]
        return found

    def _settled(
        self, x: NDArray[np.float64], y: NDArray[np.float64], cells: NDArray[np.int32], raster: ZoneRaster
    ) -> NDArray[np.int32]:
        """Test points of mixed cells against the candidates of their cell, first zone first."""
        found = np.full(len(x), -1, dtype=np.int32)
        left = np.arange(len(x))
        candidate, last = raster.candidate_from[cells], raster.candidate_from[cells + 1]
        while len(left):
            zones = raster.candidate_zone[candidate]
            is_in = raster.candidate_is_whole[candidate]
            is_open = ~is_in
            for number in np.flatnonzero(np.bincount(zones[is_open])):
                at = np.flatnonzero(is_open & (zones == number))
                is_in[at] = shapely.intersects_xy(self._shapes.polygons[number], x[left[at]], y[left[at]])
            found[left[is_in]] = zones[is_in]
            candidate += 1
            has_next = ~is_in & (candidate < last)
            left, candidate, last = left[has_next], candidate[has_next], last[has_next]
        return found


def _parts(n: int, size: int) -> Iterator[slice]:
    """Cut n points into parts, one at least."""
    return (slice(start, start + size) for start in range(0, max(n, 1), size))


# ── Bulk points to zones: the zone of millions of points in a fraction of a second, exactly


class ZoneLocator:
    """Finds the zone of any number of points, exactly.

    Parameters
    ----------
    zones
        Polygons with `zone_id`; pieces that share one are one zone.

    Raises
    ------
    ColumnError, GeometryError
        When there is no `zone_id`, or a geometry is not a valid polygon.

    Notes
    -----
    The plane around the zones is cut into cells. A cell that no edge of a zone touches lies wholly inside or wholly
    outside each of them, so one look-up answers for every point in it. Points in the other cells are tested against
    the zones concerned with the predicate of GEOS, so that answers are those of ``shapely.intersects_xy`` on every
    point. The raster is made at the first call, in a resolution that fits the number of points.
    """

    def __init__(self, zones: gpd.GeoDataFrame) -> None:
        shapes = ZoneShapes.of(zones)
        self._lookup = ZoneLookup(shapes)
        # None where every zone is one piece: then its number is its row.
        self._rows = None if len(shapes.ids) == len(zones) else np.append(shapes.rows, np.int32(-1))

    def locate(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.int32]:
        """Find the zone of each point.

        Parameters
        ----------
        x, y
            Coordinates in the CRS of the zones, float64, of one shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,), int32: the row of the zone in the frame given (of its first piece, where it has several), -1
            outside every zone and for coordinates that are not finite. A zone includes its edge; of several zones
            that hold a point the first one counts.

        Raises
        ------
        ValueError
            When `x` and `y` are not of one length.
        """
        xs, ys = (np.ascontiguousarray(a, dtype=np.float64).ravel() for a in (x, y))
        if len(xs) != len(ys):
            raise ValueError(f"x has {len(xs)} values and y has {len(ys)}; each point needs both.")
        numbers = self._lookup.numbers(xs, ys)
        return numbers if self._rows is None else self._rows[numbers]
