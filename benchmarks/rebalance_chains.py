"""Chains for rebalancing: GerryChain's trees, ReCom and flips, tuned for balance; what was tuned stands with each."""

from __future__ import annotations

import importlib
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.rebalance_race import Labels, Problem

Foreign = Any
"""A value of a peer's own type: peers are optional, so nothing is known of their types."""

BURST = 10
"""Steps of a short burst, as its authors recommend."""
STAGE_BURSTS, LEAST_EPSILON = 20, 0.02
PATIENCE = 20_000
"""Steps of flips without gain before they start anew."""
FAILURES = 20
"""Starts of a tree that fail before its tolerance is loosened."""


def _library(name: str) -> Foreign:
    return importlib.import_module(name)


def _graph(problem: Problem) -> Foreign:
    graph = _library("networkx").Graph()
    graph.add_nodes_from((unit, {"load": float(load)}) for unit, load in enumerate(problem.load))
    pairs = problem.adjacency.tocoo()
    graph.add_edges_from((int(a), int(b)) for a, b in zip(pairs.row, pairs.col, strict=True) if a < b)
    return graph


def _current(problem: Problem) -> Foreign:
    """Make the current plan, which keeps count of loads and of moved units from step to step."""
    start = {unit: int(zone) for unit, zone in enumerate(problem.start)}

    def moved(plan: Foreign) -> int:
        now, before = plan.assignment.mapping, plan.parent
        if before is None:
            return sum(now[unit] != zone for unit, zone in start.items())
        then = before.assignment.mapping
        change = sum((now[unit] != start[unit]) - (then[unit] != start[unit]) for unit in plan.flips)
        return int(before["moved"]) + int(change)

    def score(plan: Foreign) -> float:
        # A tenth of the squares besides the maximum: that alone is flat, and chains get lost on it.
        deviation = np.fromiter(plan["load"].values(), dtype="float64") / problem.mean - 1
        return float(np.abs(deviation).max() + 0.1 * (deviation**2).sum())

    tally = _library("gerrychain.updaters").Tally("load", alias="load")
    updaters = {"load": tally, "moved": moved, "score": score}
    return _library("gerrychain").Partition(_graph(problem), start, updaters)


def _optimizer(propose: Foreign, constraints: Foreign, start: Foreign, rng: random.Random) -> Foreign:
    maker = _library("gerrychain.optimization").SingleMetricOptimizer
    return maker(propose, constraints, start, lambda plan: plan["score"], maximize=False, rng=rng)


def _improvements(plans: Iterator[Foreign]) -> Iterator[Foreign | None]:
    """Yield the plans that score better than all before, and None for the others."""
    best = np.inf
    for plan in plans:
        is_better, best = plan["score"] < best, min(best, plan["score"])
        yield plan if is_better else None


def _labels(part_of: Foreign) -> Labels:
    return np.array([part_of[unit] for unit in range(len(part_of))], dtype="int64")


def recursive_tree(problem: Problem, seed: int) -> Iterator[Labels]:
    """Draw plans from scratch with GerryChain's `recursive_tree_part`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Seed of the trees.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: `epsilon` goes down by a fifth after every plan found and up by a quarter after twenty failures in a row; 200
    trees for a cut rather than 100,000, so that a hopeless start is given up soon.
    """
    tree = _library("gerrychain.tree")
    draw = _library("gerrychain.partition.initial_partition_generators").recursive_tree_part
    graph = _library("gerrychain").Graph.from_networkx(_graph(problem)).convert_from_nx_to_rx()
    bisect = partial(tree.bipartition_tree, max_attempts=200)
    rng, epsilon, failures = random.Random(seed), 0.2, 0  # noqa: S311
    while True:
        try:
            part_of = draw(graph, range(len(problem.zones)), problem.mean, "load", epsilon, 0, bisect, rng=rng)
        except (RuntimeError, tree.PopulationBalanceError):
            failures += 1
            if failures == FAILURES:
                epsilon, failures = epsilon * 1.25, 0
            continue
        yield _labels(part_of)
        epsilon, failures = epsilon * 0.8, 0


def recom_bursts(problem: Problem, seed: int) -> Iterator[Labels]:
    """Improve the current plan by short bursts of GerryChain's ReCom.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Seed of the chain.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: stages of 20 bursts of 10 steps from the best plan so far. `epsilon` starts at the imbalance of the current
    plan (a tighter one finds no pair of zones that it can split), then is twice that of the best plan, at least 0.02.
    50 trees for a cut, then another pair of zones; pairs by cut edges, better here than pairs of districts.
    """
    tree, proposals = _library("gerrychain.tree"), _library("gerrychain.proposals.tree_proposals")
    contiguous = _library("gerrychain.constraints").contiguous
    bisect = partial(tree.bipartition_tree, max_attempts=50, allow_pair_reselection=True)
    rng, plan = random.Random(seed), _current(problem)  # noqa: S311
    epsilon = 1.0001 * problem.imbalance(problem.start)
    while True:
        recom = proposals.build_recom_proposal_fn(
            "load", problem.mean, epsilon, bipartition_tree_fn=bisect, pair_selection="cut_edges"
        )
        bursts = _optimizer(recom, contiguous, plan, rng).short_bursts(BURST, STAGE_BURSTS)
        try:
            for plan in filter(None, _improvements(bursts)):
                yield _labels(plan.assignment.mapping)
        except (proposals.MetagraphError, RuntimeError, tree.PopulationBalanceError):
            pass
        epsilon = max(LEAST_EPSILON, 2 * problem.imbalance(_labels(plan.assignment.mapping)))


def flips(problem: Problem, seed: int, *, max_moves: int | None = None) -> Iterator[Labels]:
    """Improve the current plan by single units that change zone, with GerryChain's `propose_random_flip`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Seed of the chain.
    max_moves
        Most units away from the current plan, a constraint of the chain; None for no such constraint.

    Yields
    ------
    numpy.ndarray
        Part of each unit.

    Notes
    -----
    Tuned: short bursts of 10 steps (best where moves are free) and annealing with its jump cycle (best where they are
    not) take turns, which beat longer bursts, tilted runs and tilted bursts. Both start anew after 20,000 steps without
    gain.
    """
    constraints = [_library("gerrychain.constraints").single_flip_contiguous]
    if max_moves is not None:
        constraints.append(lambda plan: plan["moved"] <= max_moves)
    propose, rng = _library("gerrychain.proposals").propose_random_flip, random.Random(seed)  # noqa: S311
    while True:
        burster, annealer = (_optimizer(propose, constraints, _current(problem), rng) for _ in range(2))
        cycle = annealer.linear_jumpcycle_beta_function(100, 1500, 400)
        annealed = annealer.simulated_annealing(10**9, cycle, beta_magnitude=200)
        chains = [_improvements(chain) for chain in (burster.short_bursts(BURST, 10**9), annealed)]
        stale = 0
        while stale < PATIENCE:
            better = [plan for plan in map(next, chains) if plan]
            yield from (_labels(plan.assignment.mapping) for plan in better)
            stale = 0 if better else stale + 1


def few_flips(problem: Problem, seed: int) -> Iterator[Labels]:
    """Look for the best plan with at most `problem.max_moves` moves; see `flips`.

    Parameters
    ----------
    problem
        Units, loads and neighbors.
    seed
        Seed of the chain.

    Yields
    ------
    numpy.ndarray
        Part of each unit.
    """
    yield from flips(problem, seed, max_moves=problem.max_moves)


def fewest_flips(problem: Problem, seed: int) -> Iterator[Labels]:
    """Look for fewer and fewer moves: whenever the tolerance is met, start anew with one move less; see `flips`.

    Parameters
    ----------
    problem
        Units, loads and neighbors, and the tolerance.
    seed
        Seed of the chains.

    Yields
    ------
    numpy.ndarray
        Part of each unit.
    """
    max_moves = None
    while max_moves is None or max_moves > 0:
        label = problem.start
        for label in flips(problem, seed, max_moves=max_moves):
            if problem.imbalance(label) <= problem.tolerance:
                break
        max_moves = int((label != problem.start).sum()) - 1
        yield label
