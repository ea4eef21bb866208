"""Transport: the cheapest way to serve divisible units from fixed centres within the limits of load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy.sparse import csr_array, eye_array, kron, vstack

from safeschools_geo.programs import Program, model_of, quiet_highs
from safeschools_geo.rebalance.median.places import Labels, Numbers

if TYPE_CHECKING:
    from safeschools_geo.rebalance.median.problem import MedianProblem

_NOTHING = 1e-9
"""Shares below this are none."""


@dataclass(frozen=True, eq=False)
class Transport:
    """How divisible units are served from fixed centres.

    Parameters
    ----------
    centres
        Candidates that are the centres, sorted, shape (k,).
    travel
        Travel; infinite where the limits cannot be met. No plan with these centres, contiguous or not, has less.
    share
        Share of each unit that goes to each centre, shape (n, k).
    price
        Dual of each unit, shape (n,).
    least_with
        Bound on every plan in which a unit is assigned to a centre, shape (n, k).
    """

    centres: Labels
    travel: float
    share: Numbers
    price: Numbers
    least_with: Numbers


class TransportModel:
    """The transport problem of any centres: only costs and limits change, so that each solution starts from the last.

    Parameters
    ----------
    problem
        What is divided.
    """

    def __init__(self, problem: MedianProblem) -> None:
        self._problem = problem
        n, zones = len(problem.load), problem.zones
        self._columns = np.arange(n * zones, dtype="int32")
        self._scale = 1.0 / max(float(problem.travel.mean()), 1e-12)
        by_zone = kron(csr_array(problem.load[None, :]), eye_array(zones))
        once = kron(eye_array(n), csr_array(np.ones((1, zones))))
        nothing = np.zeros(n * zones)
        low, high = (np.r_[np.full(zones, limit), np.ones(n)] for limit in (problem.lower, problem.upper))
        self._highs = quiet_highs(is_precise=True)
        rows = vstack([by_zone, once], format="csc")
        self._highs.passModel(model_of(Program(nothing, rows, low, high, nothing, np.ones(n * zones))))

    def solve(self, centres: Labels) -> Transport:
        """Solve it for some centres.

        Parameters
        ----------
        centres
            Candidates that are the centres, shape (k,).

        Returns
        -------
        Transport
            The cheapest shares; every centre serves itself.
        """
        centres = np.sort(centres)
        cost, size = self._problem.travel[:, centres], len(self._columns)
        least, most = self._limits(centres)
        self._highs.changeColsCost(size, self._columns, cost.ravel() * self._scale)
        self._highs.changeColsBounds(size, self._columns, least.ravel(), most.ravel())
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return Transport(centres, np.inf, np.zeros_like(cost), np.zeros(len(cost)), np.full(cost.shape, np.inf))
        solution = self._highs.getSolution()
        share = np.asarray(solution.col_value).reshape(cost.shape)
        travel = float((share * cost).sum())
        extra = np.maximum(np.asarray(solution.col_dual).reshape(cost.shape), 0.0) / self._scale
        return Transport(
            centres=centres,
            travel=travel,
            share=share,
            price=np.asarray(solution.row_dual)[len(centres) :] / self._scale,
            least_with=np.where(most > 0, travel + np.where(share < _NOTHING, extra, 0.0), np.inf),
        )

    def _limits(self, centres: Labels) -> tuple[Numbers, Numbers]:
        """Leave no choice to the centres: each serves itself, and is served by no other."""
        most = self._problem.reachable[:, centres].astype("float64")
        least = np.zeros_like(most)
        own = self._problem.candidates[centres]
        most[own] = least[own] = np.eye(len(centres))
        return least, most
