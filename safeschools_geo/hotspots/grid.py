"""Cells of a grid: rates where there is a denominator, and which cells are hot with their neighbours."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse, stats

from safeschools_geo.errors import CRSError, InputError, count_text
from safeschools_geo.hotspots.intervals import q_values
from safeschools_geo.hotspots.lattice import Kind, Lattice, lattice_over

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FEWEST_CELLS = 30
"""Fewest cells with a value for which the normal approximation of Gi* is trusted."""

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
_RATE = "Reported incidents per 1,000 student-days"
_COUNT = "Incidents (counts follow where people are)"


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
        ``size_m``, ``kind``, ``rings``, ``shifts``, ``alpha``.
    """

    cells: gpd.GeoDataFrame
    measure: str
    settings: dict[str, Any]

    @property
    def has_rates(self) -> bool:
        """Whether values are rates, not counts."""
        return self.measure == _RATE

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
        if (self.cells["status"] == "insufficient_data").all():
            return (
                f"{count_text(len(self.cells), 'cell')} of {width} with a value: fewer than {FEWEST_CELLS} say too "
                "little to call any of them hot."
            )
        if self.hot.empty:
            return f"No cell of {width} stands out with its neighbours among {len(self.cells):,}."
        stay = float(self.hot["stability_share"].mean())
        return (
            f"{count_text(len(self.hot), 'cell', of=len(self.cells))} of {width} stand out with their neighbours; on "
            f"average they do so under {stay:.0%} of shifted grids."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the cells without their shapes.

        Returns
        -------
        pandas.DataFrame
            `cells` without `geometry`.
        """
        return pd.DataFrame(self.cells.drop(columns="geometry"))


def getis_ord_star(values: ArrayLike, weights: object) -> pd.DataFrame:
    """Compute the local statistic Gi* of each cell.

    Parameters
    ----------
    values
        Value of each cell, shape (n,). The index of a Series is kept.
    weights
        Weights between cells, scipy sparse, shape (n, n), or an object with such weights as `sparse`. Where no cell is
        its own neighbour each becomes so with weight 1, as the star asks.

    Returns
    -------
    pandas.DataFrame
        `z` (standard normal where nothing is clustered), `p_value` (one-sided: high) and `q_value` (Benjamini–Hochberg)
        of each cell (J. Ord and A. Getis, "Local spatial autocorrelation statistics", Geographical Analysis 27, 1995).
        Where all values are equal, or a cell neighbours all others equally, z is 0.

    Raises
    ------
    InputError
        When values and weights do not fit each other, or a value is missing.
    """
    x = np.asarray(values, dtype=np.float64)
    given: Any = getattr(weights, "sparse", weights)
    matrix = sparse.csr_array(given).astype(np.float64)
    if x.ndim != 1 or matrix.shape != (len(x), len(x)):
        raise InputError(
            "Values and weights do not fit each other.",
            found=f"shapes {x.shape} and {matrix.shape}",
            expected="(n,) and (n, n)",
        )
    lost = np.flatnonzero(~np.isfinite(x))
    if len(lost):
        raise InputError("Cells without a value cannot be tested.", ids=lost, remedy="Leave them out, and say so.")
    if not matrix.diagonal().any():
        matrix = matrix + sparse.eye_array(len(x), format="csr")
    n, mean, variance = len(x), x.mean() if len(x) else 0.0, x.var() if len(x) else 0.0
    sums, squares = matrix.sum(axis=1), matrix.power(2).sum(axis=1)
    spread = variance * (n * squares - sums**2) / max(n - 1, 1)
    # What should be 0 is a hair off it: then there is nothing to tell cells apart by.
    is_told = spread > 1e-12 * max(variance, np.finfo(float).tiny) * np.maximum(sums**2, 1)
    z = np.divide(matrix @ x - mean * sums, np.sqrt(np.where(is_told, spread, 1.0)), out=np.zeros(n), where=is_told)
    p_value = stats.norm.sf(z)
    index = values.index if isinstance(values, pd.Series) else pd.RangeIndex(n)
    return pd.DataFrame({"z": z, "p_value": p_value, "q_value": q_values(p_value)}, index=index)


def grid_hotspots(
    incidents: gpd.GeoDataFrame,
    *,
    crs: CRS,
    area: shapely.Polygon | shapely.MultiPolygon,
    size_m: float,
    kind: Kind = "hexagon",
    schools: gpd.GeoDataFrame | None = None,
    alpha: float = 0.05,
    rings: int = 1,
    shifts: int = 3,
) -> GridHotspots:
    """Find the cells of a grid that are hot with their neighbours.

    Parameters
    ----------
    incidents
        Points and `school_id`, EPSG:4326.
    crs
        Projected CRS in metres to measure in.
    area
        The district, in `crs`.
    size_m
        Width of a cell.
    kind
        ``hexagon`` or ``square``.
    schools
        `school_id`, `student_days` (missing where unknown) and shapes, EPSG:4326, where there is a denominator: only
        incidents at these schools are counted then, at the school's place, and only cells with student-days take part.
        None where there is none: every cell of the area takes part with its count.
    alpha
        Largest q-value of a hot cell.
    rings
        Number of rings of neighbours.
    shifts
        The grid is laid anew, moved by one ``shifts``-th of a cell each way.

    Returns
    -------
    GridHotspots
        `cells` has `cell_id`, `incidents`, `student_days`, `value` (rate or count), `z`, `p_value` and `q_value` of
        Gi*, `is_hot`, `stability_share` (share of the shifted grids in which the cell's centre lies in a hot cell),
        `status` (``hot``, ``not_hot`` or ``insufficient_data``: fewer than `FEWEST_CELLS` cells) and the shapes.

    Raises
    ------
    CRSError
        When `crs` is not projected.
    """
    if not crs.is_projected:
        raise CRSError("Cells in degrees are no cells.", found=crs.to_string(), expected="a projected CRS in metres")
    points, exposure, numbers = _placed(incidents, schools, crs)
    settings = {"size_m": size_m, "kind": kind, "rings": rings, "shifts": shifts, "alpha": alpha}

    def judged(shift: tuple[float, float]) -> tuple[Lattice, pd.DataFrame]:
        lattice = lattice_over(area.bounds, size_m=size_m, kind=kind, shift=shift)
        return lattice, _judge(lattice, points, numbers, exposure, area, alpha=alpha, rings=rings)

    lattice, table = judged((0.0, 0.0))
    centres = lattice.centres(table.index)
    hits = np.zeros(len(table))
    moved = [(a / shifts, b / shifts) for a, b in itertools.product(range(shifts), repeat=2)]
    for shift in moved:
        other, found = judged(shift)
        hot = np.zeros(other.count + 1, dtype=np.bool_)
        hot[found.index[found["is_hot"]]] = True
        hits += hot[other.cell_of(centres)]
    table["stability_share"] = hits / len(moved)
    table.insert(0, "cell_id", [f"{cell // lattice.columns}-{cell % lattice.columns}" for cell in table.index])
    shapes = lattice.polygons(table.index, crs=crs)
    frame = gpd.GeoDataFrame(table.reset_index(drop=True), geometry=shapes, crs=crs).to_crs("EPSG:4326")
    return GridHotspots(frame[list(_COLUMNS)], _COUNT if schools is None else _RATE, settings)


def _placed(
    incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame | None, crs: CRS
) -> tuple[Floats, Floats | None, Floats]:
    """Give the places that count, the student-days there (None without a denominator), and the incidents there."""
    if schools is None:
        has_place = ~(incidents.geometry.isna() | incidents.geometry.is_empty)
        points = incidents.geometry[has_place].to_crs(crs).get_coordinates().to_numpy()
        return points, None, np.ones(len(points))
    known = schools[schools["student_days"].gt(0) & ~(schools.geometry.isna() | schools.geometry.is_empty)]
    points = known.geometry.to_crs(crs).representative_point().get_coordinates().to_numpy()
    number = incidents["school_id"].value_counts().reindex(known["school_id"]).fillna(0)
    return points, known["student_days"].to_numpy(dtype=np.float64), number.to_numpy(dtype=np.float64)


def _judge(
    lattice: Lattice,
    points: Floats,
    numbers: Floats,
    exposure: Floats | None,
    area: shapely.Geometry,
    *,
    alpha: float,
    rings: int,
) -> pd.DataFrame:
    cell = lattice.cell_of(points)
    is_in = cell >= 0
    incidents = np.asarray(np.bincount(cell[is_in], numbers[is_in], minlength=lattice.count), dtype=np.float64)
    held = np.zeros(len(points)) if exposure is None else exposure
    days = np.asarray(np.bincount(cell[is_in], held[is_in], lattice.count), dtype=np.float64)
    if exposure is None:
        shapely.prepare(area)
        used = np.flatnonzero(shapely.contains_xy(area, *lattice.centres().T) | (incidents > 0))
        value = incidents[used]
    else:
        used = np.flatnonzero(days > 0)
        value = 1000 * incidents[used] / days[used]
    is_enough = len(used) >= FEWEST_CELLS
    tested = getis_ord_star(value, lattice.weights(used, rings=rings))
    is_hot = (tested["q_value"].to_numpy() <= alpha) & is_enough
    return pd.DataFrame(
        {
            "incidents": incidents[used].round().astype("int64"),
            "student_days": np.where(days[used] > 0, days[used], np.nan),
            "value": value,
            **{name: tested[name].to_numpy() if is_enough else np.nan for name in tested.columns},
            "is_hot": is_hot,
            "status": np.where(is_hot, "hot", "not_hot") if is_enough else "insufficient_data",
        },
        index=pd.Index(used, name="cell"),
    )
