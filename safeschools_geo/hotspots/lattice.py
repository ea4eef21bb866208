"""Lattices of squares or hexagons over an area, and which cells are neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Kind = Literal["hexagon", "square"]
_ROW_HEIGHT = np.sqrt(3) / 2
_SQUARE_STEPS = [(dr, dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1) if (dr, dc) != (0, 0)]
# On odd rows, which are half a cell to the east, the neighbours above and below are one column further.
_HEXAGON_STEPS = {
    0: [(0, -1), (0, 1), (-1, -1), (-1, 0), (1, -1), (1, 0)],
    1: [(0, -1), (0, 1), (-1, 0), (-1, 1), (1, 0), (1, 1)],
}


@dataclass(frozen=True)
class Lattice:
    """Cells in rows and columns, numbered row by row from the south-west.

    Parameters
    ----------
    kind
        ``square``, or ``hexagon`` (points up; odd rows half a cell to the east).
    size_m
        Width of a cell: the side of a square, the distance between opposite sides of a hexagon.
    origin
        Centre of the first cell, metres.
    rows, columns
        Number of each.
    """

    kind: Kind
    size_m: float
    origin: tuple[float, float]
    rows: int
    columns: int

    @property
    def count(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    @property
    def row_m(self) -> float:
        """Distance between rows."""
        return self.size_m * (_ROW_HEIGHT if self.kind == "hexagon" else 1.0)

    def centres(self, cells: ArrayLike | None = None) -> Floats:
        """Give the centres of cells.

        Parameters
        ----------
        cells
            Numbers of cells, shape (n,); all if left out.

        Returns
        -------
        numpy.ndarray
            Metres, shape (n, 2).
        """
        row, column = np.divmod(np.arange(self.count) if cells is None else np.asarray(cells), self.columns)
        shift = 0.5 * (row % 2) if self.kind == "hexagon" else 0.0
        return np.asarray(np.c_[self.origin[0] + (column + shift) * self.size_m, self.origin[1] + row * self.row_m])

    def cell_of(self, xy: ArrayLike) -> Ints:
        """Find the cell of points.

        Parameters
        ----------
        xy
            Points, metres, shape (n, 2).

        Returns
        -------
        numpy.ndarray
            Number of the cell, int64, shape (n,); -1 outside of all. On an edge, the cell to the east or north of it
            for squares, the first of the nearest for hexagons.
        """
        places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        x = (places[:, 0] - self.origin[0]) / self.size_m
        row = (places[:, 1] - self.origin[1]) / self.row_m
        if self.kind == "square":
            return self._numbered(np.floor(row + 0.5), np.floor(x + 0.5))
        # A point of a hexagon is nearest to its centre, which is in the row below or above the point.
        below = np.floor(row)
        best = np.full(len(places), np.inf)
        chosen = np.full((2, len(places)), -1.0)
        for line in (below, below + 1):
            shift = 0.5 * (line % 2)
            column = np.floor(x - shift + 0.5)
            distance = (x - shift - column) ** 2 + ((row - line) * _ROW_HEIGHT) ** 2
            is_nearer = distance < best
            best = np.where(is_nearer, distance, best)
            chosen = np.where(is_nearer, [line, column], chosen)
        return self._numbered(chosen[0], chosen[1])

    def _numbered(self, row: Floats, column: Floats) -> Ints:
        with np.errstate(invalid="ignore"):
            is_in = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(is_in, np.where(is_in, row, 0) * self.columns + np.where(is_in, column, 0), -1).astype(np.int64)

    def polygons(self, cells: ArrayLike, *, crs: CRS) -> gpd.GeoSeries:
        """Draw cells.

        Parameters
        ----------
        cells
            Numbers of cells, shape (n,).
        crs
            CRS of the lattice.

        Returns
        -------
        geopandas.GeoSeries
            Polygons, in the order of `cells`.
        """
        half = self.size_m / 2
        if self.kind == "square":
            corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], dtype=np.float64)
        else:
            angles = np.radians(np.arange(30, 391, 60))
            corners = half / _ROW_HEIGHT * np.c_[np.cos(angles), np.sin(angles)]
        return gpd.GeoSeries(shapely.polygons(self.centres(cells)[:, None, :] + corners), crs=crs)

    def weights(self, cells: ArrayLike, *, rings: int = 1) -> sparse.csr_array:
        """Say which cells are neighbours.

        Parameters
        ----------
        cells
            Numbers of the cells that take part, none twice, shape (n,).
        rings
            Number of rings of neighbours around each cell.

        Returns
        -------
        scipy.sparse.csr_array
            Binary weights, each cell its own neighbour, shape (n, n); squares touch at corners too.
        """
        chosen = np.asarray(cells, dtype=np.int64)
        place = np.full(self.count, -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        one = self._touching(chosen, place)
        reach = sparse.eye_array(len(chosen), format="csr")
        for _ in range(rings):
            reach = reach + reach @ one
        reach.data[:] = 1.0
        return sparse.csr_array(reach)

    def _touching(self, chosen: Ints, place: Ints) -> sparse.csr_array:
        row, column = np.divmod(chosen, self.columns)
        sources, targets = [], []
        for parity in (0, 1):
            mine = np.flatnonzero(row % 2 == parity)
            steps = _SQUARE_STEPS if self.kind == "square" else _HEXAGON_STEPS[parity]
            for down, right in steps:
                r, c = row[mine] + down, column[mine] + right
                is_in = (r >= 0) & (r < self.rows) & (c >= 0) & (c < self.columns)
                other = place[r[is_in] * self.columns + c[is_in]]
                sources.append(mine[is_in][other >= 0])
                targets.append(other[other >= 0])
        at = np.concatenate(sources), np.concatenate(targets)
        return sparse.csr_array((np.ones(len(at[0])), at), shape=(len(chosen), len(chosen)))


def lattice_over(
    bounds: Sequence[float], *, size_m: float, kind: Kind = "hexagon", shift: tuple[float, float] = (0.0, 0.0)
) -> Lattice:
    """Lay a lattice over an area.

    Parameters
    ----------
    bounds
        West, south, east, north, metres.
    size_m
        Width of a cell.
    kind
        ``hexagon`` or ``square``.
    shift
        By how much of a cell it is moved to the east and to the north.

    Returns
    -------
    Lattice
        Cells that hold every point of the area.

    Raises
    ------
    InputError
        When the area is none, or a cell has no width.
    """
    west, south, east, north = map(float, bounds)
    if not (np.isfinite([west, south, east, north]).all() and east >= west and north >= south):
        raise InputError("A lattice needs an area.", found=tuple(bounds), expected="west, south, east, north in metres")
    if not size_m > 0:
        raise InputError("A cell has a width.", found=size_m, expected="metres above 0")
    row_m = size_m * (_ROW_HEIGHT if kind == "hexagon" else 1.0)
    origin = (west - size_m * (1 - shift[0] % 1), south - row_m * (1 - shift[1] % 1))
    columns = int(np.ceil((east - origin[0]) / size_m)) + 2
    rows = int(np.ceil((north - origin[1]) / row_m)) + 2
    return Lattice(kind, size_m, origin, rows, columns)
