"""Density of incidents as a picture: no test, no rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import convolve1d

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_REACH = 5.0
_FEWEST_CELLS = 2.0
_WIDE_CELLS = 4.0
_FINER = 3
_SQUARE_KM = 1e6


def kernel_density(
    xy: ArrayLike,
    *,
    bounds: Sequence[float],
    shape: tuple[int, int] = (250, 300),
    bandwidth_m: float,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Estimate the density of points with a Gaussian kernel.

    Parameters
    ----------
    xy
        Points, metres, shape (n, 2).
    bounds
        West, south, east, north of the picture, metres.
    shape
        Rows and columns of the picture.
    bandwidth_m
        Standard deviation of the kernel, at least two cells wide.
    weights
        Weight of each point, shape (n,); 1 if left out.

    Returns
    -------
    numpy.ndarray
        Points per km² at the centres of the cells, float64, the first row in the south, `shape`. Points are shared out
        among the four nearest nodes (linear binning; M. Wand, "Fast computation of multivariate kernel estimators",
        Journal of Computational and Graphical Statistics 3, 1994), whose spread is taken off the kernel's variance.

    Raises
    ------
    InputError
        When the bandwidth is too small for the cells, or the area is none.
    """
    places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    numbers = np.ones(len(places)) if weights is None else np.asarray(weights, dtype=np.float64)
    west, south, east, north = map(float, bounds)
    rows, columns = shape
    step = np.array([(east - west) / columns, (north - south) / rows])
    if not (step > 0).all():
        raise InputError("A picture needs an area.", found=tuple(bounds), expected="west, south, east, north in metres")
    if bandwidth_m < _FEWEST_CELLS * step.max():
        raise InputError(
            "The bandwidth is too small for the cells of the picture.",
            found=f"{bandwidth_m:g} m, with cells of {step.max():g} m",
            expected=f"at least {_FEWEST_CELLS * step.max():g} m",
            remedy="Draw more rows and columns, or take a larger bandwidth.",
        )
    # A narrow kernel needs finer nodes; with three to a cell each way, one lies at the cell's centre.
    finer = _FINER if bandwidth_m < _WIDE_CELLS * step.max() else 1
    step /= finer
    margin = np.ceil(_REACH * bandwidth_m / step).astype(int)
    shape = (rows * finer, columns * finer)
    grid = _binned(places, numbers, corner=(west, south), step=step, margin=margin, shape=shape)
    for axis, width in ((0, step[1]), (1, step[0])):
        grid = convolve1d(grid, _kernel(bandwidth_m / width), axis=axis, mode="constant")
    inner = grid[margin[1] : margin[1] + shape[0], margin[0] : margin[0] + shape[1]]
    return np.asarray(inner[finer // 2 :: finer, finer // 2 :: finer] / (step[0] * step[1]) * _SQUARE_KM)


def _binned(
    places: Floats,
    numbers: Floats,
    *,
    corner: tuple[float, float],
    step: Floats,
    margin: NDArray[np.int_],
    shape: tuple[int, int],
) -> Floats:
    """Share points out among the nearest nodes, which are the centres of cells, with a margin around the picture."""
    rows, columns = shape[0] + 2 * margin[1], shape[1] + 2 * margin[0]
    at = (places - corner) / step - 0.5 + margin
    low = np.floor(at)
    part = at - low
    column, row = low.astype(np.int64).T
    is_in = (column >= 0) & (column < columns - 1) & (row >= 0) & (row < rows - 1)
    column, row, part, held = column[is_in], row[is_in], part[is_in], numbers[is_in]
    first = row * columns + column
    grid = np.zeros(rows * columns)
    for down, right, share in (
        (0, 0, (1 - part[:, 0]) * (1 - part[:, 1])),
        (0, 1, part[:, 0] * (1 - part[:, 1])),
        (1, 0, (1 - part[:, 0]) * part[:, 1]),
        (1, 1, part[:, 0] * part[:, 1]),
    ):
        grid += np.bincount(first + down * columns + right, held * share, minlength=rows * columns)
    return grid.reshape(rows, columns)


def _kernel(bandwidth: float) -> Floats:
    """Sample a Gaussian, in cells; linear binning has spread the points by a sixth of a cell squared already."""
    reach = int(np.ceil(_REACH * bandwidth))
    offsets = np.arange(-reach, reach + 1)
    values = np.exp(-(offsets**2) / (2 * (bandwidth**2 - 1 / 6)))
    return np.asarray(values / values.sum())
