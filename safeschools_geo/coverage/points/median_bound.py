"""A bound on the p-median by Lagrangian relaxation, and what a better choice of points could still hold."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.coverage.points.interchange import improve_points
from safeschools_geo.coverage.points.staging_problem import Labels
from safeschools_geo.programs import Numbers

if TYPE_CHECKING:
    from safeschools_geo.programs import Flags

_STEPS, _PATIENCE, _SHORTEST_STEP = 1500, 20, 1e-4
_MOMENTUM = 0.6
_CLOSED, _PROGRESS = 1e-9, 1e-7
_FAR = 1e3


@dataclass(frozen=True, eq=False)
class MedianBound:
    """Prices of places, and the bound that they give.

    Parameters
    ----------
    bound
        No p points cost less.
    price
        Price of each place, shape (n,).
    chosen, total
        The best points that were met on the way, and their cost.
    """

    bound: float
    price: Numbers
    chosen: Labels
    total: float

    def undecided(self, cost: Numbers) -> tuple[Flags, Flags, Flags]:
        """Tell what points that cost less than `total` could hold.

        Parameters
        ----------
        cost
            Cost of each place at each point, shape (n, m).

        Returns
        -------
        may_open : numpy.ndarray
            Whether a point may be chosen, shape (m,).
        has_to_open : numpy.ndarray
            Whether a point has to be chosen, shape (m,).
        may_serve : numpy.ndarray
            Whether a place may have the point as its nearest, shape (n, m).

        Notes
        -----
        Forcing a point in or out, or a place to a point, raises the bound; above `total` it is of no use.
        """
        points = len(self.chosen)
        earned = np.minimum(cost - self.price[:, None], 0.0).sum(axis=0)
        order = np.sort(earned)
        last_in, first_out = order[points - 1], order[points] if points < len(order) else np.inf
        with_it = self.bound + np.maximum(earned - last_in, 0.0)
        without_it = self.bound + np.where(earned <= last_in, first_out - earned, 0.0)
        limit = self.total * (1 - _CLOSED)
        may_open = with_it < limit
        dearer = np.maximum(cost - self.price[:, None], 0.0)
        return may_open, may_open & (without_it >= limit), may_open[None, :] & (with_it[None, :] + dearer < limit)


def bound_median(cost: Numbers, chosen: Labels, *, deadline: float = np.inf) -> MedianBound:
    """Bound the least cost of p points from below.

    Parameters
    ----------
    cost
        Cost of each place at each point, shape (n, m); infinite where a place cannot be served.
    chosen
        Good points to begin with, p of them.
    deadline
        Moment of `time.monotonic` at which to stop.

    Returns
    -------
    MedianBound
        The best bound of at most 1,500 steps.

    Notes
    -----
    That every place has one point is left to prices λ. Point j then earns Σ min(0, cost_ij − λ_i), and the bound is
    Σ λ plus the p smallest earnings: valid for any prices, which subgradient steps make better (Held, Wolfe and
    Crowder's length, with the last direction mixed in). Whenever the steps get shorter, the points that earn most are
    exchanged for better ones.

    References
    ----------
    Cornuéjols, G., Fisher, M. L., and Nemhauser, G. L. (1977). Location of bank accounts to optimize float. Management
    Science 23(8), 789–810.
    Held, M., Wolfe, P., and Crowder, H. P. (1974). Validation of subgradient optimization. Mathematical Programming 6,
    62–88.
    """
    points = len(chosen)
    near = np.sort(cost[:, chosen], axis=1)
    second = near[:, min(1, points - 1)]
    price = (near[:, 0] + np.where(np.isfinite(second), second, near[:, 0])) / 2
    best = MedianBound(-np.inf, price, chosen, float(near[:, 0].sum()))
    direction, step, waited = np.zeros(len(cost)), 1.5, 0
    for _ in range(_STEPS):
        reduced = cost - price[:, None]
        earned = np.minimum(reduced, 0.0).sum(axis=0)
        opened = np.argpartition(earned, points - 1)[:points]
        bound = float(price.sum() + earned[opened].sum())
        waited = 0 if bound > best.bound + _PROGRESS * best.total else waited + 1
        if bound > best.bound:
            best = replace(best, bound=bound, price=price)
        best = _cheaper(best, cost, opened, is_late=waited > _PATIENCE)
        slope = 1.0 - (reduced[:, opened] < 0).sum(axis=1)
        is_closed = best.total - best.bound <= _CLOSED * best.total
        if is_closed or not slope.any() or step < _SHORTEST_STEP or time.monotonic() >= deadline:
            break
        if waited > _PATIENCE:
            step, waited, price, direction = step / 2, 0, best.price, np.zeros(len(cost))
            continue
        direction = slope + _MOMENTUM * direction
        length = step * max(best.total - bound, _CLOSED * best.total) / float(direction @ direction)
        price = np.maximum(price + length * direction, 0.0)
    return best


def _cheaper(best: MedianBound, cost: Numbers, opened: Labels, *, is_late: bool) -> MedianBound:
    """Keep the points that earn most if they cost less; once steps no longer help, exchange them first."""
    chosen = np.sort(opened)
    total = float(cost[:, chosen].min(axis=1).sum())
    if is_late and np.isfinite(total) and 1 < len(chosen) < cost.shape[1]:
        finite = np.isfinite(cost)
        chosen = improve_points(cost if finite.all() else np.where(finite, cost, _FAR * total), chosen)
        total = float(cost[:, chosen].min(axis=1).sum())
    return replace(best, chosen=chosen, total=total) if total < best.total else best
