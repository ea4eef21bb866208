"""A conservative raster of zones: cells that no edge comes near have one answer, the others a list of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.assign.shapes import ZoneShapes

_OUTSIDE = -1
_MIXED = -2
_MARGIN = 1e-6
"""Slack around each edge, in cells: rounding moves a coordinate by less than a millionth of that."""

_PAD = 1.5
"""Cells between the zones and the rim of the raster, so that the outermost ring of cells is always free."""

_NEVER_ZERO = 1e-300


class ZoneRaster:
    """A raster over the extent of zones.

    Parameters
    ----------
    shapes
        The zones, in the order in which a tie is decided.
    side
        Cells along the longer side.
    reach
        Cells with an edge nearer than this are mixed too, in units of the zones' CRS.

    Notes
    -----
    `codes` has shape (cells,), int16 or int32: the number of the first zone that covers the cell, -1 outside all, and
    ``-2 - i`` for the i-th mixed cell, whose points have to be tested one by one. Its candidates are
    ``candidate_zone[candidate_from[i]:candidate_from[i + 1]]``, in the order of the zones, with `candidate_is_whole`
    where the zone covers the whole cell.
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
        """Find the code of the cell of each point.

        Parameters
        ----------
        x, y
            Coordinates, shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,). Points beyond the raster, and NaN, get a cell of its outer ring, which no zone reaches.
        """
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
