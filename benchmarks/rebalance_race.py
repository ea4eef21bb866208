"""A fair race for peers: one problem for all, a time limit, and the best plan each of them came up with.

A peer is a function that yields one plan after the other; `run_peer` keeps the best one until time is up, so that every
peer may use all the time it is given: more repeats, tighter bounds, longer chains.

Stopping a peer in the middle of a call needs a timer signal, so this runs on POSIX systems only; a call into a compiled
library ends before the signal is heard, which the seconds reported show.
"""

from __future__ import annotations

import importlib.util
import itertools
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from safeschools_geo.crs import measuring_crs
from safeschools_geo.rebalance._neighbors import adjacency_matrix

if TYPE_CHECKING:
    from benchmarks.rebalance_instances import Instance

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """An instance as arrays, and what is asked.

    Parameters
    ----------
    ids
        Ids of the n units.
    zones
        Ids of the k zones.
    start
        Current zone of each unit, as a row of `zones`, shape (n,).
    load
        Load of each unit, shape (n,).
    xy_km
        A point inside each unit, in kilometers, shape (n, 2).
    adjacency
        Neighbors, shape (n, n).
    max_moves
        Most units that peers with such a bound may move.
    tolerance
        Imbalance that peers which look for the fewest moves must reach.
    """

    ids: pd.Index
    zones: pd.Index
    start: Labels
    load: Floats
    xy_km: Floats
    adjacency: csr_array
    max_moves: int
    tolerance: float

    @property
    def mean(self) -> float:
        """Mean load of a zone."""
        return float(self.load.sum()) / len(self.zones)

    @property
    def neighbors(self) -> list[list[int]]:
        """The neighbors of each unit."""
        pointer, index = self.adjacency.indptr, self.adjacency.indices
        return [index[a:b].tolist() for a, b in itertools.pairwise(pointer)]

    def imbalance(self, label: Labels) -> float:
        """Measure the largest deviation from the mean load, as a share of it.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        float
            0 when all zones carry the same.
        """
        loads = np.bincount(label, self.load, minlength=len(self.zones))
        return float(np.abs(loads - self.mean).max() / self.mean)

    def hangs_together(self, label: Labels) -> bool:
        """Say whether every zone is in one piece and has a unit.

        Parameters
        ----------
        label
            Zone of each unit, shape (n,).

        Returns
        -------
        bool
            False as well when a zone is empty.
        """
        pairs = self.adjacency.tocoo()
        is_inside = label[pairs.row] == label[pairs.col]
        inside = csr_array((pairs.data[is_inside], (pairs.row[is_inside], pairs.col[is_inside])), shape=pairs.shape)
        pieces, _ = connected_components(inside, directed=False)
        return bool(pieces == len(self.zones) == len(np.unique(label)))

    def matched(self, label: Labels) -> Labels:
        """Name the parts of a plan after the current zones, so that as many units as can be keep theirs.

        Parameters
        ----------
        label
            Part of each unit under any numbers, shape (n,).

        Returns
        -------
        numpy.ndarray
            The same parts as rows of `zones`; parts beyond their number come after them.
        """
        names, part = np.unique(label, return_inverse=True)
        kept = np.zeros((len(names), max(len(names), len(self.zones))))
        np.add.at(kept, (part, self.start), 1)
        return np.asarray(linear_sum_assignment(kept, maximize=True)[1][part], dtype="int64")


Propose = Callable[[Problem, int], Iterator[Labels]]


@dataclass(frozen=True)
class Peer:
    """A method to compare with.

    Parameters
    ----------
    name
        What tables call it.
    library
        Package it needs.
    propose
        Yields plans, given the problem and a seed.
    goal
        What makes a plan the best: `balance`, or the fewest `moves` among those within the tolerance.
    """

    name: str
    library: str
    propose: Propose
    goal: Literal["balance", "moves"] = "balance"


@dataclass(frozen=True, eq=False)
class PeerPlan:
    """What a peer came up with.

    Parameters
    ----------
    assignment
        Zone of each unit, by `unit_id`; None where it found no plan.
    seconds
        Time it was given, preparation of its own data structures included.
    best_at_s
        When it found the plan.
    note
        How many plans it tried, or why there is none.
    """

    assignment: pd.Series | None
    seconds: float
    best_at_s: float
    note: str


class OutOfTimeError(Exception):
    """Time is up."""


def problem_of(instance: Instance, *, max_moves: int, tolerance: float) -> Problem:
    """Turn an instance into arrays.

    Parameters
    ----------
    instance
        Units and edges.
    max_moves
        Most units that may move, where a peer takes such a bound.
    tolerance
        Imbalance to reach, where a peer minimizes moves.

    Returns
    -------
    Problem
        In the order of the units.
    """
    units = instance.units
    start, zones = pd.factorize(units["zone_id"], sort=True)
    inside = units.geometry.to_crs(measuring_crs(units)).representative_point()
    return Problem(
        ids=pd.Index(units["unit_id"], name="unit_id"),
        zones=pd.Index(zones),
        start=start.astype("int64"),
        load=units["workload"].to_numpy(dtype="float64"),
        xy_km=np.column_stack([inside.x, inside.y]) / 1000,
        adjacency=adjacency_matrix(units["unit_id"], instance.edges),
        max_moves=max_moves,
        tolerance=tolerance,
    )


def run_peer(peer: Peer, problem: Problem, *, seconds: float, seed: int) -> PeerPlan:
    """Let a peer propose plans until time is up, and keep the best.

    Parameters
    ----------
    peer
        The method.
    problem
        Units, loads and neighbors.
    seconds
        Time given.
    seed
        Seed of its random numbers.

    Returns
    -------
    PeerPlan
        Only contiguous plans with all the zones count.
    """
    begun = time.perf_counter()
    best: tuple[float, float] = (np.inf, np.inf)
    label, best_at_s, tried = None, 0.0, 0
    note = ""
    try:
        with _timer(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for proposed in peer.propose(problem, seed):
                tried += 1
                plan = problem.matched(proposed)
                key = _worth(plan, problem, peer.goal)
                if key < best and problem.hangs_together(plan):
                    best, label, best_at_s = key, plan, time.perf_counter() - begun
    except OutOfTimeError:
        note = ", time up"
    except (ImportError, ValueError, RuntimeError) as error:
        note = f"; {type(error).__name__}: {error}"
    assignment = None if label is None else pd.Series(problem.zones[label], index=problem.ids, name="zone_id")
    return PeerPlan(assignment, time.perf_counter() - begun, best_at_s, f"{tried} plans{note}")


def _worth(plan: Labels, problem: Problem, goal: str) -> tuple[float, float]:
    imbalance, moves = problem.imbalance(plan), float((plan != problem.start).sum())
    return (max(imbalance, problem.tolerance), moves) if goal == "moves" else (imbalance, moves)


@contextmanager
def _timer(seconds: float) -> Iterator[None]:
    """Raise in the middle of whatever runs when time is up, and every second after, should it be caught."""

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def is_installed(peer: Peer) -> bool:
    """Say whether the package of a peer can be imported.

    Parameters
    ----------
    peer
        The method.

    Returns
    -------
    bool
        False where a table has to leave it out.
    """
    return importlib.util.find_spec(peer.library) is not None
