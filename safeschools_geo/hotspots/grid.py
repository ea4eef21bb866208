"""Cells of a grid: rates where there is a denominator, and which cells are hot (Gi*)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse, special

from safeschools_geo.crs import measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, InputError, SettingsError, count_text
from safeschools_geo.hotspots._expected import counted_text, places_m, q_values
from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


# ── Lattices of squares or hexagons over an area, and which cells are neighbors

Kind = Literal["hexagon", "square"]
MOST_CELLS = 5_000_000
"""Most cells a lattice may have."""

_ROW_HEIGHT = np.sqrt(3) / 2
_SQUARE_STEPS = [(dr, dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1) if (dr, dc) != (0, 0)]
# On odd rows, which are half a cell to the east, the neighbors above and below are one column further.
_HEXAGON_STEPS = {
    0: [(0, -1), (0, 1), (-1, -1), (-1, 0), (1, -1), (1, 0)],
    1: [(0, -1), (0, 1), (-1, 0), (-1, 1), (1, 0), (1, 1)],
}
# Corners seen from the center: halves of a cell's width to the east; halves (square) or thirds (hexagon) of the
# distance between rows to the north.
_CORNERS = {
    "square": np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]),
    "hexagon": np.array([[1, 1], [0, 2], [-1, 1], [-1, -1], [0, -2], [1, -1], [1, 1]]),
}
_UP = {"square": 2, "hexagon": 3}


@dataclass(frozen=True)
class Lattice:
    """Cells in rows and columns, numbered row by row from the south-west."""

    kind: Kind  # ``square``, or ``hexagon`` (points up; odd rows half a cell to the east)
    size_m: float  # Width of a cell: the side of a square, the distance between opposite sides of a hexagon
    origin: tuple[float, float]  # Center of the first cell, meters
    # Number of each
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

    def centers(self, cells: ArrayLike | None = None) -> Floats:
        """Give the centers of cells."""
        row, column = np.divmod(np.arange(self.count) if cells is None else np.asarray(cells), self.columns)
        shift = 0.5 * (row % 2) if self.kind == "hexagon" else 0.0
        return np.asarray(np.c_[self.origin[0] + (column + shift) * self.size_m, self.origin[1] + row * self.row_m])

    def cell_of(self, xy: ArrayLike) -> Ints:
        """Find the cell of points.

        Number of the cell, int64, shape (n,); -1 outside of all and where a coordinate is missing. On an edge, the
        cell to the east or north of it for squares, the first of the nearest for hexagons.
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
        # A point of a hexagon is nearest to its center, which is in the row below or above the point.
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
        """Draw cells."""
        return gpd.GeoSeries(self.shapes(cells), crs=crs)

    def shapes(self, cells: ArrayLike) -> NDArray[np.object_]:
        """Draw cells as bare polygons."""
        row, column = np.divmod(np.asarray(cells, dtype=np.int64), self.columns)
        shift = row % 2 if self.kind == "hexagon" else 0
        corners, up = _CORNERS[self.kind], _UP[self.kind]
        # Whole numbers of steps from the origin: the same corner comes out the same, whichever cell it is asked for.
        x = self.origin[0] + ((2 * column + shift)[:, None] + corners[:, 0]) * (self.size_m / 2)
        y = self.origin[1] + ((up * row)[:, None] + corners[:, 1]) * (self.row_m / up)
        return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)))

    def weights(self, cells: ArrayLike, *, rings: int = 1) -> sparse.csr_array:
        """Say which cells are neighbors; a cell is its own."""
        chosen = np.asarray(cells, dtype=np.int64)
        self._check(chosen, rings)
        place = np.full(self.count, -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        one = self._touching(chosen, place)
        reach = sparse.eye_array(len(chosen), format="csr")
        for _ in range(rings):
            reach = reach + reach @ one
        reach.data[:] = 1.0
        return sparse.csr_array(reach)

    def _check(self, chosen: Ints, rings: int) -> None:
        alien = chosen[(chosen < 0) | (chosen >= self.count)]
        if len(alien):
            raise InputError("These are no cells of the lattice.", ids=alien, expected=f"0 to {self.count - 1:,}")
        numbers, times = np.unique(chosen, return_counts=True)
        if (times > 1).any():
            raise InputError("A cell takes part once.", ids=numbers[times > 1])
        if rings < 1:
            raise InputError("Neighbors need a ring.", found=rings, expected="1 or more")

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
    """Lay a lattice over an area."""
    if kind not in _CORNERS:
        raise InputError("Cells of this kind are not known.", found=kind, expected=" or ".join(sorted(_CORNERS)))
    west, south, east, north = map(float, bounds)
    if not (np.isfinite([west, south, east, north]).all() and east >= west and north >= south):
        raise InputError("A lattice needs an area.", found=tuple(bounds), expected="west, south, east, north in meters")
    if not (size_m > 0 and np.isfinite(size_m)):
        raise InputError("A cell has a width.", found=size_m, expected="meters above 0")
    row_m = size_m * (_ROW_HEIGHT if kind == "hexagon" else 1.0)
    origin = (west - size_m * (1 - shift[0] % 1), south - row_m * (1 - shift[1] % 1))
    columns = int(np.ceil((east - origin[0]) / size_m)) + 2
    rows = int(np.ceil((north - origin[1]) / row_m)) + 2
    if rows * columns > MOST_CELLS:
        raise InputError(
            "The cells are too small for the area.",
            found=f"{rows * columns:,} cells of {size_m:g} m",
            expected=f"at most {MOST_CELLS:,}",
            remedy="Take wider cells; check that the area is in meters.",
        )
    return Lattice(kind, size_m, origin, rows, columns)


# ── Cells of a grid: rates where there is a denominator, and which cells are hot with their neighbors

FEWEST_CELLS = 30
"""Fewest cells with a value for which Gi* is trusted."""

_COLUMNS = (
    "cell_id",
    "incidents",
    "student_days",
    "value",
    "z",
    "p_value",
    "q_value",
    "is_hot",
    "stability_share",
    "status",
    "geometry",
)
_RATE = "Reported calls for zone officers per 1,000 student-days"
_COUNT = "Critical incidents (counts follow where people are)"
_FEWEST_FOR_SKEWNESS = 3


@dataclass(frozen=True)
class GridHotspots:
    """Cells of a grid."""

    cells: gpd.GeoDataFrame  # One row for each cell with a value: see `grid_hotspots`. EPSG:4326.
    measure: str  # What `value` is
    settings: dict[str, Any]  # ``size_m``, ``kind``, ``rings``, ``shifts``, ``alpha``, ``fewest_cells``
    # Number of incidents in no cell: without a place, outside the area, or at no school with student-days
    left_out: int = 0

    @property
    def has_rates(self) -> bool:
        """Whether values are rates, not counts."""
        return self.measure == _RATE

    @property
    def population(self) -> str:
        """What is counted, a key of `schemas.POPULATIONS`."""
        return "reported" if self.has_rates else "critical"

    @property
    def hot(self) -> gpd.GeoDataFrame:
        """The hot cells."""
        return self.cells[self.cells["is_hot"]]

    def summary(self) -> str:
        """Say in plain English how many cells are hot."""
        width = f"{self.settings['size_m']:g} m"
        left_out = (
            f" {counted_text(self.left_out, self.population)} {'lies' if self.left_out == 1 else 'lie'} in no cell."
            if self.left_out
            else ""
        )
        if (self.cells["status"] == "insufficient_data").all():
            said = (
                f"{count_text(len(self.cells), 'cell')} of {width} with a value: fewer than "
                f"{self.settings['fewest_cells']} say too little to call any of them hot."
            )
        elif not self.cells["incidents"].sum():
            said = f"There are no {POPULATIONS[self.population]} in any cell of {width}, so no cell is tested."
        elif self.hot.empty:
            said = (
                f"No cell of {width} is hot with its neighbors among {len(self.cells):,}: none has clearly more "
                f"{POPULATIONS[self.population]} than chance explains."
            )
        else:
            stay = float(self.hot["stability_share"].mean())
            said = (
                f"{count_text(len(self.hot), 'cell', of=len(self.cells))} of {width} are hot with their neighbors; "
                f"on average they do so under {stay:.0%} of shifted grids."
            )
        return said + left_out

    def to_frame(self) -> pd.DataFrame:
        """Return the cells without their shapes."""
        return pd.DataFrame(self.cells.drop(columns="geometry"))


def getis_ord_star(values: ArrayLike, weights: object, *, tail: Literal["normal", "gamma"] = "normal") -> pd.DataFrame:
    """Compute the local statistic Gi* of each cell.

    The mean, the variance and the skewness are those of the sum around a cell when the values are dealt out to the
    cells at random, in any order as likely as another. The normal tail takes the first two. Where few incidents fall
    into a cell, sums are skewed and it calls far too much hot: with one incident a cell on average and nothing
    clustered, four grids of 1,500 cells out of ten have a cell with q ≤ 0.05. The gamma tail (Pearson's type III)
    takes all three; with it, one in fifty has.

    Parameters
    ----------
    values
        Value of each cell, shape (n,). The index of a Series is kept.
    weights
        Weights between cells, binary or any others, none negative: scipy sparse, shape (n, n), or an object with such
        weights as `sparse`. Own weights are taken as given; where all of them are 0, each cell becomes its own
        neighbor with weight 1, as the star asks.
    tail
        Distribution of the p-value: ``normal``, as in the paper, or ``gamma``.

    Returns
    -------
    pandas.DataFrame
        `z`, `p_value` (one-sided: how often a sum as high or higher comes about) and `q_value` (Benjamini–Hochberg) of
        each cell. Where nothing tells a cell from others, since all values are equal or it neighbors all cells
        equally, z is 0 and p is 1.

    Raises
    ------
    InputError
        When values and weights do not fit each other, a value is missing, or a weight is missing or negative.

    References
    ----------
    A. Getis and J. Ord, "The analysis of spatial association by use of distance statistics", Geographical Analysis 24,
    1992; J. Ord and A. Getis, "Local spatial autocorrelation statistics", Geographical Analysis 27, 1995 (z for any
    weights); C. Costanzo, L. Hubert and R. Golledge, "A higher moment for spatial statistics", Geographical Analysis
    15, 1983 (type III tails for spatial statistics).
    """
    x, matrix = _checked(values, weights)
    own = 0.0 if matrix.diagonal().any() else 1.0
    n, mean, variance = len(x), x.mean() if len(x) else 0.0, x.var() if len(x) else 0.0
    sums, squares, cubes = (total + own for total in _row_sums(matrix, has_cubes=tail == "gamma"))
    spread = variance * (n * squares - sums**2) / max(n - 1, 1)
    # What should be 0 is a hair off it: then there is nothing to tell cells apart by.
    is_shown = spread > 1e-12 * max(variance, np.finfo(float).tiny) * np.maximum(sums**2, 1)
    scale = np.sqrt(np.where(is_shown, spread, 1.0))
    z = np.where(is_shown, (matrix @ x + own * x - mean * sums) / scale, 0.0)
    if tail == "gamma" and n >= _FEWEST_FOR_SKEWNESS:
        lean = cubes - 3 * sums * squares / n + 2 * sums**3 / n**2
        skewness = n * lean * ((x - mean) ** 3).sum() / ((n - 1) * (n - 2)) / scale**3
        above = _gamma_tail(z, skewness)
    else:
        above = special.ndtr(-z)
    p_value = np.where(is_shown, above, 1.0)
    index = values.index if isinstance(values, pd.Series) else pd.RangeIndex(n)
    return pd.DataFrame({"z": z, "p_value": p_value, "q_value": q_values(p_value)}, index=index)


def _checked(values: ArrayLike, weights: object) -> tuple[Floats, sparse.csr_array]:
    x = np.asarray(values, dtype=np.float64)
    given: Any = getattr(weights, "sparse", weights)
    matrix = sparse.csr_array(given).astype(np.float64, copy=False)
    if x.ndim != 1 or matrix.shape != (len(x), len(x)):
        raise InputError(
            "Values and weights do not fit each other.",
            found=f"shapes {x.shape} and {matrix.shape}",
            expected="(n,) and (n, n)",
        )
    lost = np.flatnonzero(~np.isfinite(x))
    if len(lost):
        raise InputError("Cells without a value cannot be tested.", ids=lost, remedy="Leave them out, and say so.")
    wrong = matrix.data[~(np.isfinite(matrix.data) & (matrix.data >= 0))]
    if len(wrong):
        raise InputError("Weights between cells are numbers.", found=wrong[0], expected="0 or more")
    return x, matrix


def _row_sums(matrix: sparse.csr_array, *, has_cubes: bool) -> tuple[Floats, Floats, Floats]:
    """Sum the weights of each cell, their squares, and their cubes if asked."""
    ones = np.ones(matrix.shape[0])
    sums = matrix @ ones
    # Binary weights, the usual ones, are their own squares.
    if (matrix.data == 1).all():
        return sums, sums, sums
    return sums, matrix.power(2) @ ones, matrix.power(3) @ ones if has_cubes else sums


def _gamma_tail(z: Floats, skewness: Floats) -> Floats:
    """Give the upper tail of a gamma distribution with mean 0, variance 1 and this skewness, mirrored if negative."""
    lean = np.maximum(np.abs(skewness), 1e-6)
    shape = 4 / lean**2
    above = special.gammaincc(shape, np.maximum(shape + z * np.sqrt(shape), 0.0))
    mirrored = special.gammainc(shape, np.maximum(shape - z * np.sqrt(shape), 0.0))
    return np.asarray(np.where(skewness >= 0, above, mirrored))


def grid_hotspots(
    incidents: gpd.GeoDataFrame,
    *,
    crs: CRS,
    area: shapely.Geometry | None = None,
    size_m: float,
    kind: Kind = "hexagon",
    schools: gpd.GeoDataFrame | None = None,
    alpha: float = 0.05,
    rings: int = 1,
    shifts: int = 3,
    fewest_cells: int = FEWEST_CELLS,
) -> GridHotspots:
    """Find the cells of a grid that are hot with their neighbors."""
    settings = {
        "size_m": size_m,
        "kind": kind,
        "rings": rings,
        "shifts": shifts,
        "alpha": alpha,
        "fewest_cells": fewest_cells,
    }
    _check_settings(alpha=alpha, shifts=shifts, fewest_cells=fewest_cells)
    require_crs(incidents, "incidents")
    crs = measuring_crs(incidents, stated=crs)
    held = _incidents_placed(incidents, crs) if schools is None else _schools_placed(incidents, schools, crs)
    where = shapely.MultiPoint(held.xy).envelope if area is None else area
    bounds = _bounds_of(held, where)

    def judged(shift: tuple[float, float]) -> tuple[Lattice, pd.DataFrame]:
        lattice = lattice_over(bounds, size_m=size_m, kind=kind, shift=shift)
        cells = _cells_with_values(lattice, held, where)
        return lattice, _tested(cells, lattice, alpha=alpha, rings=rings, fewest_cells=fewest_cells)

    grids = [judged((a / shifts, b / shifts)) for a, b in itertools.product(range(shifts), repeat=2)]
    lattice, table = grids[0]
    table["stability_share"] = _share_hot(lattice.centers(table.index), grids)
    table.insert(0, "cell_id", [f"{cell // lattice.columns}-{cell % lattice.columns}" for cell in table.index])
    shapes = lattice.polygons(table.index, crs=crs)
    frame = gpd.GeoDataFrame(table.reset_index(drop=True), geometry=shapes, crs=crs).to_crs("EPSG:4326")
    left_out = len(incidents) - int(frame["incidents"].sum())
    return GridHotspots(frame[list(_COLUMNS)], _COUNT if schools is None else _RATE, settings, left_out)


def _check_settings(*, alpha: float, shifts: int, fewest_cells: int) -> None:
    if not 0 < alpha < 1:
        raise SettingsError("The largest q-value of a hot cell is a share.", found=alpha, expected="between 0 and 1")
    if shifts < 1:
        raise SettingsError("A grid is laid at least once.", found=f"shifts = {shifts}", expected="1 or more")
    if fewest_cells < _FEWEST_FOR_SKEWNESS:
        raise SettingsError("Fewer cells than three cannot be tested.", found=fewest_cells, expected="3 or more")


@dataclass(frozen=True)
class _Held:
    """Places, the incidents there, and the student-days there (None without a denominator)."""

    xy: Floats
    incidents: Floats
    student_days: Floats | None


def _incidents_placed(incidents: gpd.GeoDataFrame, crs: CRS) -> _Held:
    xy = _places(incidents, crs)
    return _Held(xy, np.ones(len(xy)), None)


def _schools_placed(incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame, crs: CRS) -> _Held:
    _check_schools(incidents, schools)
    days = schools["student_days"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    known = schools[days > 0]
    known = known[~(known.geometry.isna() | known.geometry.is_empty)]
    number = incidents["school_id"].value_counts().reindex(known["school_id"]).fillna(0)
    return _Held(
        _places(known, crs), number.to_numpy(dtype=np.float64), known["student_days"].to_numpy(dtype=np.float64)
    )


def _places(frame: gpd.GeoDataFrame, crs: CRS) -> Floats:
    return places_m(frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)], crs)


def _check_schools(incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame) -> None:
    require_crs(schools, "schools")
    for name, frame, columns in (
        ("incidents", incidents, ["school_id"]),
        ("schools", schools, ["school_id", "student_days"]),
    ):
        lacking = [column for column in columns if column not in frame.columns]
        if lacking:
            raise ColumnError("A column is missing.", where=name, found=", ".join(lacking), expected=", ".join(columns))
    twice = schools["school_id"][schools["school_id"].duplicated()]
    if len(twice):
        raise ColumnError("A school comes once.", where="schools", ids=twice)
    negative = schools["school_id"][schools["student_days"].lt(0).fillna(value=False)]
    if len(negative):
        raise ColumnError(
            "Student-days are not negative.", where="schools", ids=negative, expected="0 or more, or none"
        )


def _bounds_of(held: _Held, area: shapely.Geometry) -> list[float]:
    """Give the rectangle to lay the lattice over; schools beside the area are in it, incidents are not."""
    corners = np.reshape(shapely.bounds(area), (2, 2))
    if held.student_days is not None:
        corners = np.concatenate([corners, held.xy])
    if not np.isfinite(corners).all():
        raise InputError("There is no area to lay a grid over.", remedy="Give the area of the district.")
    return [*corners.min(axis=0), *corners.max(axis=0)]


def _cells_with_values(lattice: Lattice, held: _Held, area: shapely.Geometry) -> pd.DataFrame:
    """Count incidents and student-days in the cells that take part, which no incident has a say in."""
    cell = lattice.cell_of(held.xy)
    is_in = cell >= 0

    def summed(numbers: Floats) -> Floats:
        return np.asarray(np.bincount(cell[is_in], numbers[is_in], minlength=lattice.count), dtype=np.float64)

    incidents = summed(held.incidents)
    if held.student_days is None:
        shapely.prepare(area)
        used = np.flatnonzero(shapely.intersects(area, lattice.shapes(np.arange(lattice.count))))
        days, value = np.full(len(used), np.nan), incidents[used]
    else:
        sums = summed(held.student_days)
        used = np.flatnonzero(sums > 0)
        days = sums[used]
        value = 1000 * incidents[used] / days
    numbers = incidents[used].round().astype("int64")
    return pd.DataFrame({"incidents": numbers, "student_days": days, "value": value}, index=pd.Index(used, name="cell"))


def _tested(cells: pd.DataFrame, lattice: Lattice, *, alpha: float, rings: int, fewest_cells: int) -> pd.DataFrame:
    if len(cells) < fewest_cells:
        untested = dict.fromkeys(("z", "p_value", "q_value"), np.nan)
        return cells.assign(**untested, is_hot=False, status=pd.array(["insufficient_data"] * len(cells), dtype="str"))
    found = getis_ord_star(cells["value"], lattice.weights(cells.index, rings=rings), tail="gamma")
    is_hot = found["q_value"] <= alpha
    status = pd.array(np.where(is_hot, "hot", "not_hot"), dtype="str")
    return cells.assign(**found, is_hot=is_hot, status=status)


def _share_hot(centers: Floats, judged: list[tuple[Lattice, pd.DataFrame]]) -> Floats:
    """Give the share of grids in which each of these centers lies in a hot cell."""
    hits = np.zeros(len(centers))
    for lattice, table in judged:
        # The last stands for -1: in no cell.
        is_hot = np.zeros(lattice.count + 1, dtype=np.bool_)
        is_hot[table.index[table["is_hot"]]] = True
        hits += is_hot[lattice.cell_of(centers)]
    return hits / len(judged)
