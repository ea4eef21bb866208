"""Peers for rebalancing: GerryChain, CP-SAT, spopt and pygeoda, each tuned for balance.

All get the same neighbors (bridges included), coordinates in kilometers, and loads. They are optional, hence imported
where they are used. None of them gives a bound but CP-SAT, whose bound is not shown. What was tuned stands with each.
"""

from __future__ import annotations

import importlib
import itertools
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.rebalance_chains import few_flips, fewest_flips, flips, recom_bursts, recursive_tree
from benchmarks.rebalance_race import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.rebalance_race import Labels, Problem

Foreign = Any
"""A value of a peer's own type: peers are optional, so nothing is known of their types."""

SHARES = (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
"""Least loads of a zone asked of the peers that take one, as shares of the mean load."""


def _library(name: str) -> Foreign:
    return importlib.import_module(name)


def _frame(problem: Problem) -> pd.DataFrame:
    return pd.DataFrame({"x": problem.xy_km[:, 0], "y": problem.xy_km[:, 1], "load": problem.load})


def _weights(problem: Problem) -> Foreign:
    return _library("libpysal.weights").W(dict(enumerate(problem.neighbors)), silence_warnings=True)


def max_p(problem: Problem, seed: int) -> Iterator[Labels]:
    """Find as many compact regions as keep a least load, with spopt's `MaxPHeuristic`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Seed of its random numbers.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: the threshold climbs from half the mean load, again and again; only plans with the right number of regions
    count. Each run builds 99 times rather than 999 and anneals each of these once rather than ten times: more runs find
    better balance than longer ones.
    """
    np.random.seed(seed)  # noqa: NPY002 - spopt draws from the global generator
    solver, frame, weights = _library("spopt.region").MaxPHeuristic, _frame(problem), _weights(problem)
    for share in itertools.cycle(SHARES[1:]):
        least = share * problem.mean
        model = solver(
            frame, weights, ["x", "y"], "load", least, 2, max_iterations_construction=99, max_iterations_sa=1
        )
        model.solve()
        yield np.asarray(model.labels_, dtype="int64")


class _SquaredLoads:
    """Objective for spopt's AZP: the sum of the squared loads of the zones."""

    def __call__(self, labels: Foreign, attr: Foreign) -> float:
        """Sum up the squares."""
        return float((pd.Series(attr[:, 0]).groupby(labels).sum() ** 2).sum())

    def update(self, moving_area: int, recipient_region: int, labels: Foreign, attr: Foreign) -> float:
        """Say by how much a move changes the sum."""
        load = attr[:, 0]
        to, of = load[labels == recipient_region].sum(), load[labels == labels[moving_area]].sum()
        return float(2 * load[moving_area] * (to - of + load[moving_area]))


def spopt_azp(problem: Problem, seed: int) -> Iterator[Labels]:
    """Improve the current plan with spopt's `AZP`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        First seed of its random numbers.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: its objective is balance itself (the sum of squared loads), it starts from the current plan, and one seed
    follows the other. Its own objectives, homogeneous attributes, know nothing of sums.
    """
    solver, frame, weights = _library("spopt.region").AZP, _frame(problem), _weights(problem)
    for k in itertools.count(seed):
        model = solver(
            frame,
            weights,
            ["load"],
            len(problem.zones),
            random_state=k,
            initial_labels=problem.start.copy(),
            objective_func=_SquaredLoads(),
        )
        model.solve()
        yield model.labels_.astype("int64")


def spopt_skater(problem: Problem, seed: int) -> Iterator[Labels]:  # noqa: ARG001
    """Prune a spanning tree with spopt's `Skater`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Not used: it has no random numbers.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: the floor, a number of units (it takes no load), climbs from none to the mean; Manhattan (the default) and
    Euclidean distances.
    """
    solver, frame, weights = _library("spopt.region").Skater, _frame(problem), _weights(problem)
    metrics = _library("sklearn.metrics.pairwise")
    floors = sorted({int(share * len(frame) / len(problem.zones)) for share in SHARES})
    for floor, metric in itertools.product(floors, (metrics.manhattan_distances, metrics.euclidean_distances)):
        options = {"dissimilarity": metric, "affinity": None, "reduction": np.sum, "center": np.mean}
        model = solver(frame, weights, ["x", "y"], len(problem.zones), floor, spanning_forest_kwds=options)
        model.solve()
        yield np.asarray(model.labels_, dtype="int64")


def region_k_means(problem: Problem, seed: int) -> Iterator[Labels]:
    """Cluster coordinates with spopt's `RegionKMeansHeuristic`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        First seed of its random numbers.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: one seed follows the other, and the best balanced plan counts. It takes no loads.
    """
    solver, weights = _library("spopt.region").RegionKMeansHeuristic, _weights(problem)
    for k in itertools.count(seed):
        model = solver(problem.xy_km, len(problem.zones), weights, seed=k)
        model.solve()
        yield model.labels_.astype("int64")


def geoda_azp(problem: Problem, seed: int, *, method: str) -> Iterator[Labels]:
    """Search zones with pygeoda's `azp_greedy` or `azp_sa`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        First seed of its random numbers.
    method
        Name of the function.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: `min_bound` climbs from nothing to 0.99 of the mean load, from the current plan in one round and from random
    regions in the next four; coordinates unscaled; one seed follows the other.
    """
    solve, weights = getattr(_library("pygeoda"), method), _geoda_weights(problem)
    for k in itertools.count(seed):
        start = {"init_regions": (problem.start + 1).tolist()} if k % 5 == seed % 5 else {}
        for share in SHARES:
            options = start | _bound(problem, share)
            found = solve(len(problem.zones), weights, problem.xy_km.T.tolist(), random_seed=GEODA_SEED + k, **options)
            yield np.asarray(found["Clusters"], dtype="int64")


def geoda_tree(problem: Problem, seed: int, *, method: str, variants: Sequence[str] = ()) -> Iterator[Labels]:  # noqa: ARG001
    """Cluster with pygeoda's `skater`, `redcap` or `schc`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Not used: they have no random numbers.
    method
        Name of the function.
    variants
        Its ways to build the tree, where it has several.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: every variant, `min_bound` from nothing to 0.99 of the mean load in steps of 0.01; coordinates unscaled.
    `schc` 0.1.3 takes a bound and does not heed it.
    """
    solve, weights = getattr(_library("pygeoda"), method), _geoda_weights(problem)
    for percent, variant in itertools.product(range(100), variants or ("",)):
        options = _bound(problem, percent / 100)
        given = (weights, problem.xy_km.T.tolist(), variant) if variant else (weights, problem.xy_km.T.tolist())
        found = solve(len(problem.zones), *given, **options)
        yield np.asarray(found["Clusters"], dtype="int64")


def _bound(problem: Problem, share: float) -> dict[str, Foreign]:
    bound = {"bound_variable": problem.load.tolist(), "min_bound": share * problem.mean} if share else {}
    return {"scale_method": "raw", **bound}


def _geoda_weights(problem: Problem) -> Foreign:
    """Hand the neighbors over in a file, the only way in that keeps bridges."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "neighbors.gal")
        lines = [f"0 {len(problem.ids)} units id"]
        for unit, near in enumerate(problem.neighbors):
            lines += [f"{unit} {len(near)}", " ".join(map(str, near))]
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return _library("pygeoda.weights").read_gal(str(path), [str(unit) for unit in range(len(problem.ids))])


def cp_sat_few(problem: Problem, seed: int) -> Iterator[Labels]:
    """Find the most even plan of few moves with the CP-SAT solver of OR-Tools.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Seed of its random numbers.

    Yields
    ------
    numpy.ndarray
        Zone of each unit.

    Notes
    -----
    Tuned: a zone is in one piece where each of its units but one has a parent in it that is nearer to that one. It
    begins with the current zones, and with the best plan so far whenever its time, doubled each time, is up.
    """
    n, k = len(problem.load), len(problem.zones)
    load = np.round(problem.load / problem.mean * 1_000_000).astype("int64")
    best = problem.start
    for seconds in itertools.accumulate(itertools.repeat(5.0), lambda spent, _: spent * 2):
        model = _library("ortools.sat.python.cp_model").CpModel()
        zone = [[model.new_bool_var("") for _ in range(k)] for _ in range(n)]
        root = [[model.new_bool_var("") for _ in range(k)] for _ in range(n)]
        depth = [model.new_int_var(0, n, "") for _ in range(n)]
        for unit in range(n):
            model.add_exactly_one(zone[unit])
            arcs = []
            for other in problem.neighbors[unit]:
                arc = model.new_bool_var("")
                model.add(depth[unit] >= depth[other] + 1).only_enforce_if(arc)
                for mine, theirs in zip(zone[unit], zone[other], strict=True):
                    model.add(mine == theirs).only_enforce_if(arc)
                arcs.append(arc)
            model.add_exactly_one([*arcs, *root[unit]])
            for is_root, is_in in zip(root[unit], zone[unit], strict=True):
                model.add_implication(is_root, is_in)
        farthest = model.new_int_var(0, k * 1_000_000, "")
        for at in range(k):
            model.add_exactly_one(row[at] for row in root)
            total = sum(int(load[unit]) * zone[unit][at] for unit in range(n))
            model.add(total - 1_000_000 <= farthest)
            model.add(1_000_000 - total <= farthest)
        model.add(sum(zone[unit][problem.start[unit]] for unit in range(n)) >= n - problem.max_moves)
        for unit in range(n):
            for at in range(k):
                model.add_hint(zone[unit][at], int(best[unit] == at))
        model.minimize(farthest)
        solver = _library("ortools.sat.python.cp_model").CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 2
        solver.parameters.random_seed = seed
        if solver.status_name(solver.solve(model)) in {"OPTIMAL", "FEASIBLE"}:
            best = np.array([next(at for at in range(k) if solver.value(row[at])) for row in zone], dtype="int64")
            yield best


GEODA_SEED = 123_456_789
"""The seed of GeoDa itself; ours is added to it."""
REDCAP = (
    "firstorder-singlelinkage",
    "fullorder-singlelinkage",
    "fullorder-averagelinkage",
    "fullorder-completelinkage",
    "fullorder-wardlinkage",
)
LINKAGES = ("single", "average", "complete", "ward")

PEERS = (
    Peer("GerryChain recursive tree", "gerrychain", recursive_tree),
    Peer("GerryChain ReCom bursts", "gerrychain", recom_bursts),
    Peer("GerryChain flips", "gerrychain", flips),
    Peer("GerryChain flips, at most {max_moves} moves", "gerrychain", few_flips),
    Peer("GerryChain flips, fewest moves at {tolerance:.0%}", "gerrychain", fewest_flips, goal="moves"),
    Peer("CP-SAT, at most {max_moves} moves", "ortools", cp_sat_few),
    Peer("spopt MaxP", "spopt", max_p),
    Peer("spopt AZP", "spopt", spopt_azp),
    Peer("spopt Skater", "spopt", spopt_skater),
    Peer("spopt RegionKMeans", "spopt", region_k_means),
    Peer("pygeoda AZP greedy", "pygeoda", partial(geoda_azp, method="azp_greedy")),
    Peer("pygeoda AZP annealing", "pygeoda", partial(geoda_azp, method="azp_sa")),
    Peer("pygeoda SKATER", "pygeoda", partial(geoda_tree, method="skater")),
    Peer("pygeoda REDCAP", "pygeoda", partial(geoda_tree, method="redcap", variants=REDCAP)),
    Peer("pygeoda SCHC", "pygeoda", partial(geoda_tree, method="schc", variants=LINKAGES)),
)
"""The peers, in the order of the tables; names may hold `max_moves` and `tolerance` of the problem."""
