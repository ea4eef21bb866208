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
MOST_CELLS = 5_000_000
"""Most cells a lattice may have."""

_ROW_HEIGHT = np.sqrt(3) / 2
_SQUARE_STEPS = [(dr, dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1) if (dr, dc) != (0, 0)]
# On odd rows, which are half a cell to the east, the neighbours above and below are one column further.
_HEXAGON_STEPS = {
    0: [(0, -1), (0, 1), (-1, -1), (-1, 0), (1, -1), (1, 0)],
    1: [(0, -1), (0, 1), (-1, 0), (-1, 1), (1, 0), (1, 1)],
}
# Corners seen from the centre: halves of a cell's width to the east; halves (square) or thirds (hexagon) of the
# distance between rows to the north.
_CORNERS = {
    "square": np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]),
    "hexagon": np.array([[1, 1], [0, 2], [-1, 1], [-1, -1], [0, -2], [1, -1], [1, 1]]),
}
_UP = {"square": 2, "hexagon": 3}


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
            Number of the cell, int64, shape (n,); -1 outside of all and where a coordinate is missing. On an edge,
            the cell to the east or north of it for squares, the first of the nearest for hexagons.
        """
        places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        found = np.full(len(places), -1, dtype=np.int64)
        is_somewhere = np.isfinite(places).all(axis=1)
        found[is_somewhere] = self._located(places[is_somewhere])
        return found

    def _located(self, places: Floats) -> Ints:
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
            Polygons, in the order of `cells`; neighbours share their corners to the last bit.
        """
        return gpd.GeoSeries(self.shapes(cells), crs=crs)

    def shapes(self, cells: ArrayLike) -> NDArray[np.object_]:
        """Draw cells as bare polygons.

        Parameters
        ----------
        cells
            Numbers of cells, shape (n,).

        Returns
        -------
        numpy.ndarray
            Polygons, in the order of `cells`.
        """
        row, column = np.divmod(np.asarray(cells, dtype=np.int64), self.columns)
        shift = row % 2 if self.kind == "hexagon" else 0
        corners, up = _CORNERS[self.kind], _UP[self.kind]
        # Whole numbers of steps from the origin: the same corner comes out the same, whichever cell it is asked for.
        x = self.origin[0] + ((2 * column + shift)[:, None] + corners[:, 0]) * (self.size_m / 2)
        y = self.origin[1] + ((up * row)[:, None] + corners[:, 1]) * (self.row_m / up)
        return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)))

    def weights(self, cells: ArrayLike, *, rings: int = 1, include_self: bool = True) -> sparse.csr_array:
        """Say which cells are neighbours.

        Parameters
        ----------
        cells
            Numbers of the cells that take part, none twice, shape (n,).
        rings
            Number of rings of neighbours around each cell. A ring is reached through cells that take part.
        include_self
            Whether each cell is its own neighbour, as Gi* asks.

        Returns
        -------
        scipy.sparse.csr_array
            Binary weights, float64, shape (n, n), rows and columns in the order of `cells`; squares touch at corners
            too.

        Raises
        ------
        InputError
            When a cell is none of the lattice's or comes twice, or the number of rings is not 1 or more.
        """
        chosen = np.asarray(cells, dtype=np.int64)
        self._check(chosen, rings)
        place = np.full(self.count, -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        one = self._touching(chosen, place)
        own = sparse.eye_array(len(chosen), format="csr")
        reach = own
        for _ in range(rings):
            reach = reach + reach @ one
        reach.data[:] = 1.0
        if not include_self:
            reach = reach - own
            reach.eliminate_zeros()
        return sparse.csr_array(reach)

    def _check(self, chosen: Ints, rings: int) -> None:
        alien = chosen[(chosen < 0) | (chosen >= self.count)]
        if len(alien):
            raise InputError("These are no cells of the lattice.", ids=alien, expected=f"0 to {self.count - 1:,}")
        numbers, times = np.unique(chosen, return_counts=True)
        if (times > 1).any():
            raise InputError("A cell takes part once.", ids=numbers[times > 1])
        if rings < 1:
            raise InputError("Neighbours need a ring.", found=rings, expected="1 or more")

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
        When the area is none, a cell has no width, the kind is unknown, or there would be more than `MOST_CELLS`.
    """
    if kind not in _CORNERS:
        raise InputError("Cells of this kind are not known.", found=kind, expected=" or ".join(sorted(_CORNERS)))
    west, south, east, north = map(float, bounds)
    if not (np.isfinite([west, south, east, north]).all() and east >= west and north >= south):
        raise InputError("A lattice needs an area.", found=tuple(bounds), expected="west, south, east, north in metres")
    if not (size_m > 0 and np.isfinite(size_m)):
        raise InputError("A cell has a width.", found=size_m, expected="metres above 0")
    row_m = size_m * (_ROW_HEIGHT if kind == "hexagon" else 1.0)
    origin = (west - size_m * (1 - shift[0] % 1), south - row_m * (1 - shift[1] % 1))
    columns = int(np.ceil((east - origin[0]) / size_m)) + 2
    rows = int(np.ceil((north - origin[1]) / row_m)) + 2
    if rows * columns > MOST_CELLS:
        raise InputError(
            "The cells are too small for the area.",
            found=f"{rows * columns:,} cells of {size_m:g} m",
            expected=f"at most {MOST_CELLS:,}",
            remedy="Take wider cells; check that the area is in metres.",
        )
    return Lattice(kind, size_m, origin, rows, columns)
