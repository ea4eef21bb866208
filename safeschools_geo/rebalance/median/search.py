"""Good centres: location and allocation in turns from many starts, then swaps of one centre for another nearby."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.rebalance.median.problem import MedianProblem
from safeschools_geo.rebalance.median.transport import Transport, TransportModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.rebalance.median.places import Labels

_NEAR = 6
"""Swaps tried for each centre: the candidates nearest to it."""

_BETTER = 1e-9
"""Share by which travel must fall to count as less."""


@dataclass(eq=False)
class CentreSearch:
    """A search for centres that remembers what it tried.

    Parameters
    ----------
    problem
        What is divided.
    has_time
        Whether the search may go on.
    """

    problem: MedianProblem
    has_time: Callable[[], bool]
    tried: dict[tuple[int, ...], Transport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the transport problem, once."""
        self._transport = TransportModel(self.problem)

    def serve(self, centres: Labels) -> Transport:
        """Solve the transport problem of some centres, once.

        Parameters
        ----------
        centres
            Candidates, shape (k,).

        Returns
        -------
        Transport
            Its solution.
        """
        key = tuple(sorted(centres.tolist()))
        if key not in self.tried:
            self.tried[key] = self._transport.solve(np.array(key))
        return self.tried[key]

    def best(self, count: int) -> list[Transport]:
        """List the best centres tried.

        Parameters
        ----------
        count
            How many at most.

        Returns
        -------
        list of Transport
            The least travel first.
        """
        feasible = [t for t in self.tried.values() if np.isfinite(t.travel)]
        return sorted(feasible, key=lambda t: (t.travel, t.centres.tolist()))[:count]

    def alternate(self, centres: Labels) -> Transport:
        """Move each centre to the best place of what it serves, until travel falls no more.

        Parameters
        ----------
        centres
            Candidates, shape (k,).

        Returns
        -------
        Transport
            The last one.
        """
        now = self.serve(centres)
        while np.isfinite(now.travel):
            spent = now.share.T @ self.problem.travel
            # A centre must be able to serve itself, and be one only once.
            moved = np.unique(spent.argmin(axis=1))
            if len(moved) < len(centres) or (then := self.serve(moved)).travel >= now.travel:
                break
            now = then
        return now

    def scatter(self, starts: int, rng: np.random.Generator) -> None:
        """Search from random starts.

        Parameters
        ----------
        starts
            Number of starts.
        rng
            Where the starts come from.
        """
        for _ in range(starts):
            if self.has_time():
                self.alternate(self._spread_out(rng))

    def swap(self) -> None:
        """Mend the best centres, one at a time."""
        now = next(iter(self.best(1)), None)
        while now is not None and self.has_time():
            better = next((t for t in self._swaps(now) if t.travel < now.travel * (1 - _BETTER)), None)
            now = None if better is None else self.alternate(better.centres)

    def _swaps(self, now: Transport) -> Iterator[Transport]:
        between = self.problem.travel[self.problem.candidates[now.centres]]
        distance = between / np.maximum(self.problem.load[self.problem.candidates[now.centres]], 1e-12)[:, None]
        for place, row in enumerate(distance):
            others = [j for j in np.argsort(row, kind="stable") if j not in now.centres][:_NEAR]
            for j in others:
                if self.has_time():
                    centres = now.centres.copy()
                    centres[place] = j
                    yield self.serve(centres)

    def _spread_out(self, rng: np.random.Generator) -> Labels:
        """Draw candidates far from each other (k-means++)."""
        travel, chosen = self.problem.travel, [int(rng.integers(self.problem.travel.shape[1]))]
        while len(chosen) < self.problem.zones:
            gap = travel[:, chosen].min(axis=1)[self.problem.candidates]
            gap = np.where(self.problem.reachable[self.problem.candidates][:, chosen].any(axis=1), gap, travel.max())
            gap[chosen] = 0.0
            weights = gap if gap.sum() > 0 else np.where(np.isin(np.arange(len(gap)), chosen), 0.0, 1.0)
            chosen.append(int(rng.choice(len(weights), p=weights / weights.sum())))
        return np.array(chosen)
