"""Cells of a grid: rates where there is a denominator, and which cells are hot with their neighbours."""

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
from safeschools_geo.hotspots.intervals import q_values
from safeschools_geo.hotspots.lattice import Kind, Lattice, lattice_over
from safeschools_geo.hotspots.words import counted_text
from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

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
    """Cells of a grid.

    Parameters
    ----------
    cells
        One row for each cell with a value: see `grid_hotspots`. EPSG:4326.
    measure
        What `value` is.
    settings
        ``size_m``, ``kind``, ``rings``, ``shifts``, ``alpha``, ``fewest_cells``.
    left_out
        Number of incidents in no cell: without a place, outside the area, or at no school with student-days.
    """

    cells: gpd.GeoDataFrame
    measure: str
    settings: dict[str, Any]
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
        """Say in plain English how many cells are hot.

        Returns
        -------
        str
            One or two sentences.
        """
        width = f"{self.settings['size_m']:g} m"
        beside = (
            f" {counted_text(self.left_out, self.population)} {'lies' if self.left_out == 1 else 'lie'} in no cell."
            if self.left_out
            else ""
        )
        if (self.cells["status"] == "insufficient_data").all():
            said = (
                f"{count_text(len(self.cells), 'cell')} of {width} with a value: fewer than "
                f"{self.settings['fewest_cells']} say too little to call any of them hot."
            )
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
        return said + beside

    def to_frame(self) -> pd.DataFrame:
        """Return the cells without their shapes.

        Returns
        -------
        pandas.DataFrame
            `cells` without `geometry`.
        """
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
        neighbour with weight 1, as the star asks.
    tail
        Distribution of the p-value: ``normal``, as in the paper, or ``gamma``.

    Returns
    -------
    pandas.DataFrame
        `z`, `p_value` (one-sided: how often a sum as high or higher comes about) and `q_value` (Benjamini–Hochberg) of
        each cell. Where nothing tells a cell from others, since all values are equal or it neighbours all cells
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
    is_told = spread > 1e-12 * max(variance, np.finfo(float).tiny) * np.maximum(sums**2, 1)
    scale = np.sqrt(np.where(is_told, spread, 1.0))
    z = np.where(is_told, (matrix @ x + own * x - mean * sums) / scale, 0.0)
    if tail == "gamma" and n >= _FEWEST_FOR_SKEWNESS:
        lean = cubes - 3 * sums * squares / n + 2 * sums**3 / n**2
        skewness = n * lean * ((x - mean) ** 3).sum() / ((n - 1) * (n - 2)) / scale**3
        above = _gamma_tail(z, skewness)
    else:
        above = special.ndtr(-z)
    p_value = np.where(is_told, above, 1.0)
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
    """Find the cells of a grid that are hot with their neighbours.

    Parameters
    ----------
    incidents
        Points and, where there are `schools`, their `school_id`; any CRS.
    crs
        Projected CRS in metres to measure in.
    area
        The district, in `crs`; the rectangle around the points if left out.
    size_m
        Width of a cell.
    kind
        ``hexagon`` or ``square``.
    schools
        `school_id`, `student_days` (missing where unknown) and shapes, any CRS, where there is a denominator: only
        incidents at these schools are counted then, at the school's place, and only cells with student-days take part.
        None where there is none: every cell that touches the area takes part with its count, none or many.
    alpha
        Largest q-value of a hot cell.
    rings
        Number of rings of neighbours.
    shifts
        The grid is laid anew, moved by one ``shifts``-th of a cell each way: ``shifts²`` grids, itself among them.
    fewest_cells
        Fewest cells with a value for any to be called hot.

    Returns
    -------
    GridHotspots
        `cells` has `cell_id`, `incidents`, `student_days`, `value` (rate or count), `z`, `p_value` (one-sided, gamma
        tail) and `q_value` of Gi*, `is_hot`, `stability_share` (share of the shifted grids in which the cell's centre
        lies in a hot cell), `status` (``hot``, ``not_hot`` or ``insufficient_data``: fewer than `fewest_cells` cells,
        nothing is tested) and the shapes, EPSG:4326.

    Raises
    ------
    CRSError
        When `crs` is not projected and in metres, or a layer has no CRS.
    ColumnError
        When schools or incidents lack a column, a school comes twice, or student-days are negative.
    InputError
        When there is neither an area nor a place.
    SettingsError
        When an option makes no sense.
    """
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
    table["stability_share"] = _share_hot(lattice.centres(table.index), grids)
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
    shapes = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)].to_crs(crs)
    return np.asarray(shapes.representative_point().get_coordinates().to_numpy(dtype=np.float64))


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


def _share_hot(centres: Floats, judged: list[tuple[Lattice, pd.DataFrame]]) -> Floats:
    """Give the share of grids in which each of these centres lies in a hot cell."""
    hits = np.zeros(len(centres))
    for lattice, table in judged:
        # The last stands for -1: in no cell.
        is_hot = np.zeros(lattice.count + 1, dtype=np.bool_)
        is_hot[table.index[table["is_hot"]]] = True
        hits += is_hot[lattice.cell_of(centres)]
    return hits / len(judged)
