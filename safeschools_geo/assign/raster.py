"""A conservative raster of zones: cells that no edge touches have one answer, the others a list of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Polygons = NDArray[np.object_]

_MIXED = -2
"""While the raster is made: a cell whose points have to be tested one by one."""

_OUTSIDE = -1
_STEP = 0.25
"""Edges are sampled at least four times a cell: the square around a sample spans at most two cells a side, and few
cells beside the edge are taken for cells it touches."""

_MARGIN = 1e-6
"""Added to that square, in cells: far more than rounding can move a sample."""


class ZoneRaster:
    """A raster over the extent of the zones.

    Parameters
    ----------
    polygons
        Prepared polygons, shape (k,), in the order in which a tie is decided.
    side
        Cells along the longer side.

    Notes
    -----
    `codes` has shape (cells,), int32: number of the zone that wholly covers the cell (the first such, if no zone
    before it has an edge there), -1 outside all, and ``-2 - i`` for the i-th mixed cell, whose points have to be tested
    one by one. Its candidates are ``candidate_zone[candidate_from[i]:candidate_from[i + 1]]``, in the order of the
    zones, with `candidate_is_whole` where the zone wholly covers the cell.
    """

    def __init__(self, polygons: Polygons, side: int) -> None:
        self.side = side
        west, south, east, north = shapely.total_bounds(polygons)
        # Degenerate extents still get a cell; the factor keeps the far edge inside the last cell but one.
        self._size = max((east - west) / side, (north - south) / side, abs(west) * 1e-12, abs(south) * 1e-12, 1e-300)
        self._size *= 1 + 1e-9
        self._west, self._south = west - self._size, south - self._size
        self._nx = int(np.ceil((east - west) / self._size)) + 2
        self._ny = int(np.ceil((north - south) / self._size)) + 2
        self._inverse = 1 / self._size
        self.codes = np.full(self._nx * self._ny, _OUTSIDE, dtype=np.int32)
        self._sort_candidates([self._add(number, polygon) for number, polygon in enumerate(polygons)])

    def cells_of(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        """Find the cell of each point.

        Parameters
        ----------
        x, y
            Coordinates, shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n,), int32. Points beyond the raster, and those that are not finite, get a cell of its outer ring,
            which lies outside every zone.
        """
        column = self._steps(x, self._west, self._nx)
        row = self._steps(y, self._south, self._ny)
        row *= np.int32(self._nx)
        row += column
        return row

    def _steps(self, values: NDArray[np.float64], origin: float, count: int) -> NDArray[np.int32]:
        steps = values - origin
        steps *= self._inverse
        np.clip(steps, 0.0, count - 1.0, out=steps)
        if len(steps) and np.isnan(steps.min()):
            np.nan_to_num(steps, copy=False, nan=0.0)
        return steps.astype(np.int32)

    def _add(
        self, number: int, polygon: shapely.Polygon | shapely.MultiPolygon
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Enter a zone; return the mixed cells it has an edge in, and those that it wholly covers."""
        edge_rows, edge_columns = self._edge_cells(polygon)
        bottom, left = edge_rows.min(), edge_columns.min()
        window = np.zeros((edge_rows.max() - bottom + 1, edge_columns.max() - left + 1), dtype=bool)
        window[edge_rows - bottom, edge_columns - left] = True
        whole = self._whole_cells(polygon, window, bottom, left)
        grid = self.codes.reshape(self._ny, self._nx)
        part = grid[bottom : bottom + window.shape[0], left : left + window.shape[1]]
        is_shared = whole & (part == _MIXED)
        is_edge = window & (part < 0)
        np.copyto(part, number, where=whole & (part == _OUTSIDE))
        np.copyto(part, _MIXED, where=is_edge)
        return self._flat(is_edge, bottom, left), self._flat(is_shared, bottom, left)

    def _flat(self, mask: NDArray[np.bool_], bottom: int, left: int) -> NDArray[np.int64]:
        rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
        return (rows + bottom) * self._nx + columns + left

    def _edge_cells(
        self, polygon: shapely.Polygon | shapely.MultiPolygon
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """List every cell that an edge passes through or touches, and possibly a few beside them."""
        points, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygon)), return_index=True)
        is_edge = ring[1:] == ring[:-1]
        start, end = points[:-1][is_edge], points[1:][is_edge]
        pieces = np.ceil(np.abs(end - start).max(axis=1) * (self._inverse / _STEP)).astype(np.int64) + 1
        edge = np.repeat(np.arange(len(start)), pieces + 1)
        first = np.repeat(np.cumsum(pieces + 1) - (pieces + 1), pieces + 1)
        along = (np.arange(len(edge)) - first) / pieces[edge]
        samples = start[edge] + (end - start)[edge] * along[:, None]
        reach = self._size * (_STEP / 2 + _MARGIN)
        columns = [self._steps(samples[:, 0] + d, self._west, self._nx) for d in (-reach, reach)]
        rows = [self._steps(samples[:, 1] + d, self._south, self._ny) for d in (-reach, reach)]
        return (
            np.concatenate([rows[0], rows[0], rows[1], rows[1]]),
            np.concatenate([columns[0], columns[1], columns[0], columns[1]]),
        )

    def _whole_cells(
        self,
        polygon: shapely.Polygon | shapely.MultiPolygon,
        is_edge: NDArray[np.bool_],
        bottom: int,
        left: int,
    ) -> NDArray[np.bool_]:
        """Tell which cells of a window the polygon wholly covers.

        No edge lies between neighbours in a run of cells without edges, so one point answers for the whole run.
        """
        flat = is_edge.ravel()
        starts_row = np.zeros(len(flat), dtype=bool)
        starts_row[:: is_edge.shape[1]] = True
        begins = np.empty(len(flat), dtype=bool)
        begins[0] = True
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins |= starts_row
        at = np.flatnonzero(begins)
        is_free = ~flat[at]
        rows, columns = np.divmod(at[is_free], is_edge.shape[1])
        x = self._west + (columns + left + 0.5) * self._size
        y = self._south + (rows + bottom + 0.5) * self._size
        is_in = np.zeros(len(at), dtype=bool)
        is_in[is_free] = shapely.contains_xy(polygon, x, y)
        lengths = np.diff(np.append(at, len(flat)))
        return np.repeat(is_in, lengths).reshape(is_edge.shape)

    def _sort_candidates(self, candidates: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> None:
        cells = [part for pair in candidates for part in pair]
        zones = [np.full(len(part), k, dtype=np.int32) for k, pair in enumerate(candidates) for part in pair]
        whole = [np.full(len(part), kind == 1) for pair in candidates for kind, part in enumerate(pair)]
        cell = np.concatenate(cells)
        order = np.argsort(cell, kind="stable")
        self.candidate_zone = np.concatenate(zones)[order]
        self.candidate_is_whole = np.concatenate(whole)[order]
        ordered = cell[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        mixed = ordered[first]
        self.candidate_from = np.append(first, len(cell))
        self.codes[mixed] = _MIXED - np.arange(len(mixed), dtype=np.int32)
