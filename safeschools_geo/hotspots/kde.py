"""Density of incidents as a picture: no test, no rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import BSpline, RectBivariateSpline
from scipy.ndimage import gaussian_filter

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]

_REACH = 5
_FEWEST_CELLS = 2.0
_NODES = 4
"""Nodes to a bandwidth."""
_DEGREE, _SPREAD = 2, 0.25
"""Degree of the splines that share points out, and the variance that they add, in squared steps between nodes."""
_TAIL = 6
"""Standard deviations after which the kernel is nothing."""
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

    Points are shared out among the nine nearest nodes of a fine grid by quadratic splines, the nodes are smoothed, and
    a cubic spline reads the cells off them. Sharing out adds a quarter of a squared step to the variance wherever a
    point lies (a histogram would shift it by up to half a step), which is taken off the kernel's. The nodes are a
    quarter of a bandwidth apart, whatever the cells, so that even a single point is within 1 % of its exact kernel
    wherever that is more than 1 % of its peak.

    Parameters
    ----------
    xy
        Points, metres, shape (n, 2). Those beside the picture but within five bandwidths of it count too.
    bounds
        West, south, east, north of the picture, metres.
    shape
        Rows and columns of the picture.
    bandwidth_m
        Standard deviation of the kernel, at least two cells wide: a narrower one slips through between the centres of
        the cells.
    weights
        Weight of each point, 0 or more, shape (n,); 1 if left out.

    Returns
    -------
    numpy.ndarray
        Points per km² at the centres of the cells, float64, the first row in the south, `shape`.

    Raises
    ------
    InputError
        When the bandwidth is too small for the cells, the area is none, a coordinate is missing, or a weight is missing
        or negative.

    References
    ----------
    M. Wand, "Fast computation of multivariate kernel estimators", Journal of Computational and Graphical Statistics 3,
    1994 (binned kernels); R. Hockney and J. Eastwood, "Computer Simulation Using Particles", 1988 (the splines, there
    triangular-shaped clouds).
    """
    places, numbers = _checked_points(xy, weights)
    west, south, east, north = map(float, bounds)
    rows, columns = shape
    _check_picture((west, south, east, north), shape, bandwidth_m)
    step = bandwidth_m / _NODES
    x, y = (_nodes(low, high, step) for low, high in ((west, east), (south, north)))
    is_in = ((places >= (x[1], y[1])) & (places <= (x[-2], y[-2]))).all(axis=1)
    if not is_in.any():
        return np.zeros(shape)
    across, up = (_shares(places[is_in, axis], nodes, step) for axis, nodes in enumerate((x, y)))
    grid = (up.multiply(numbers[is_in, None]).T @ across).toarray()
    smooth = gaussian_filter(grid, np.sqrt(_NODES**2 - _SPREAD), mode="constant", truncate=_TAIL)
    density = RectBivariateSpline(y, x, smooth)(_centres(south, north, rows), _centres(west, east, columns))
    return np.maximum(density, 0.0) / step**2 * _SQUARE_KM


def _checked_points(xy: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    places = np.asarray(xy, dtype=np.float64)
    places = places.reshape(-1, 2) if places.size == 0 else places
    if places.ndim != 2 or places.shape[1] != 2:  # noqa: PLR2004 - a table of x and y
        raise InputError("Points have two coordinates.", found=f"shape {places.shape}", expected="(n, 2)")
    numbers = np.ones(len(places)) if weights is None else np.asarray(weights, dtype=np.float64)
    if numbers.shape != (len(places),):
        raise InputError("Each point has one weight.", found=f"shape {numbers.shape}", expected=f"({len(places)},)")
    lost = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(lost):
        raise InputError("Points without a place cannot be drawn.", ids=lost, remedy="Leave them out, and say so.")
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(wrong):
        raise InputError("Weights are numbers.", ids=wrong, found=numbers[wrong[0]], expected="0 or more")
    return places, numbers


def _check_picture(bounds: tuple[float, float, float, float], shape: tuple[int, int], bandwidth_m: float) -> None:
    west, south, east, north = bounds
    if min(shape) < 1 or not (np.isfinite(bounds).all() and east > west and north > south):
        raise InputError(
            "A picture needs an area.",
            found=f"{bounds}, {shape[0]} × {shape[1]} cells",
            expected="west, south, east, north in metres, and one row and column or more",
        )
    least = _FEWEST_CELLS * max((east - west) / shape[1], (north - south) / shape[0])
    # Widths that were computed may be a hair off.
    if not (bandwidth_m >= least * (1 - 1e-9) and np.isfinite(bandwidth_m)):
        raise InputError(
            "The bandwidth is too small for the cells of the picture.",
            found=f"{bandwidth_m:g} m, with cells of {least / _FEWEST_CELLS:g} m",
            expected=f"at least {least:g} m",
            remedy="Draw more rows and columns, or take a larger bandwidth.",
        )


def _centres(low: float, high: float, count: int) -> Floats:
    return np.asarray(low + (np.arange(count) + 0.5) * (high - low) / count)


def _nodes(low: float, high: float, step: float) -> Floats:
    """Lay nodes over a side of the picture and what lies in reach beside it."""
    margin = _REACH * _NODES + 2
    return np.asarray(low + step * np.arange(-margin, int(np.ceil((high - low) / step)) + margin + 1))


def _shares(at: Floats, nodes: Floats, step: float) -> csr_array:
    """Share points out among the nodes of a side, shape (points, nodes)."""
    knots = nodes[0] + step * (np.arange(len(nodes) + _DEGREE + 1) - (_DEGREE + 1) / 2)
    return BSpline.design_matrix(at, knots, _DEGREE)
