"""Rebalancing beside GerryChain, CP-SAT, spopt and pygeoda, on the same instances in one run.

python -m benchmarks.bench_rebalance [--instances "san_juan(0)" tracts …] [--no-peers] [--seeds 3] [--peer-seconds 60]

For each instance a table of plans: imbalance, units moved, compactness, contiguity, time, and the bound on what was
asked for, over all contiguous plans: ours alone gives one. Peers that are not installed are left out, with a message
(``pip install gerrychain ortools spopt pygeoda``). Each peer gets `--peer-seconds`, so an instance takes a quarter of
an hour with them and a few minutes without. By default: San Juan (frontier), 300 cells (fewest moves) with each seed,
1,000 cells (travel). Moves are free for most peers, which have no way to ask for few; names say where they are not.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import os
import platform
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt

from benchmarks.rebalance_instances import INSTANCES
from benchmarks.rebalance_peers import PEERS
from benchmarks.rebalance_race import is_installed, problem_of, run_peer
from safeschools_geo.drawing import neighbor_fills
from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance._frontier import frontier
from safeschools_geo.rebalance._measures import polsby_popper
from safeschools_geo.rebalance._neighbors import is_contiguous
from safeschools_geo.rebalance._propose import rebalance
from safeschools_geo.workload import imbalance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from benchmarks.rebalance_instances import Instance
    from safeschools_geo.rebalance._plan import RebalancePlan

FRONTIER_MOVES = 12
TOLERANCE = 0.05
FEW_MOVES = 5
TRAVEL_MOVES = (3, 5, 8)
TRAVEL_GAP = 0.01

HEADER = ("method", "imbalance", "units moved", "Polsby–Popper", "contiguous", "seconds", "bound", "note")


@dataclass(frozen=True)
class Limits:
    """What a run may use.

    Parameters
    ----------
    seconds
        Time for each of our plans, and for a frontier.
    peer_seconds
        Time for each peer; 0 for no peers.
    seed
        Seed of everything.
    picture
        Where San Juan's zones before and after are drawn; None for nowhere.
    """

    seconds: float
    peer_seconds: float
    seed: int
    picture: Path | None = None


def print_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table in Markdown, each row as soon as it is known.

    Parameters
    ----------
    header
        Names of the columns.
    rows
        Their cells.
    """
    for cells in (header, ("---",) * len(header)):
        print(f"| {' | '.join(cells)} |", flush=True)
    for cells in rows:
        print(f"| {' | '.join(cells)} |", flush=True)


def measured(
    instance: Instance,
    assignment: pd.Series,
    *,
    method: str,
    seconds: float | None = None,
    bound: str = "none",
    note: str = "",
) -> tuple[str, ...]:
    """Measure a plan, whoever made it, by the same yardsticks.

    Parameters
    ----------
    instance
        The units.
    assignment
        Zone of each unit, by `unit_id`.
    method
        Who made the plan.
    seconds
        Time taken; None where no time was.
    bound
        What is proven about what was asked for.
    note
        Anything else.

    Returns
    -------
    tuple of str
        A row under `HEADER`.
    """
    units = instance.units.set_index("unit_id")
    plan = assignment.loc[units.index]
    zones = units.geometry.groupby(plan.to_numpy()).agg(lambda shapes: shapes.union_all()).set_crs(units.crs)
    loads = units["workload"].groupby(plan.to_numpy()).sum().reindex(units["zone_id"].unique(), fill_value=0.0)
    return (
        method,
        f"{imbalance(loads):.2%}",
        str(int((plan != units["zone_id"]).sum())),
        f"{polsby_popper(zones).mean():.2f}",
        "yes" if is_contiguous(plan, instance.edges) else "no",
        "" if seconds is None else f"{seconds:.1f}",
        bound,
        note,
    )


def current_row(instance: Instance) -> tuple[str, ...]:
    """Measure the current zones.

    Parameters
    ----------
    instance
        The units.

    Returns
    -------
    tuple of str
        A row under `HEADER`.
    """
    return measured(instance, instance.units.set_index("unit_id")["zone_id"], method="current zones", bound="")


def _rebalance(instance: Instance, limits: Limits, **asked: Any) -> tuple[RebalancePlan, float]:  # noqa: ANN401
    """Make our plan, and time it."""
    start = time.perf_counter()
    plan = rebalance(instance.units, adjacency=instance.edges, time_limit_s=limits.seconds, seed=limits.seed, **asked)
    return plan, time.perf_counter() - start


def at_most(instance: Instance, moves: int, limits: Limits) -> tuple[str, ...]:
    """Make the smallest imbalance with so many moves.

    Parameters
    ----------
    instance
        The units.
    moves
        Most units that may move.
    limits
        Time and seed.

    Returns
    -------
    tuple of str
        A row under `HEADER`.
    """
    plan, seconds = _rebalance(instance, limits, max_moves=moves)
    best = f"{plan.certificate['value']:.2%}"
    bound = f"{best} is least, proven" if plan.is_proven else f"imbalance {best} ≥ {plan.bound:.2%}"
    return measured(instance, plan.assignment, method=f"ours, at most {moves} moves", seconds=seconds, bound=bound)


def fewest(instance: Instance, tolerance: float, limits: Limits) -> tuple[str, ...]:
    """Make the fewest moves to a tolerance.

    Parameters
    ----------
    instance
        The units.
    tolerance
        Largest imbalance.
    limits
        Time and seed.

    Returns
    -------
    tuple of str
        A row under `HEADER`.
    """
    plan, seconds = _rebalance(instance, limits, tolerance=tolerance)
    best = f"{plan.certificate['value']:g}"
    bound = f"{best} moves are fewest, proven" if plan.is_proven else f"moves {best} ≥ {plan.bound:g}"
    method = f"ours, fewest moves at {tolerance:.0%}"
    return measured(instance, plan.assignment, method=method, seconds=seconds, bound=bound)


def shortest_travel(instance: Instance, moves: int, limits: Limits) -> tuple[str, ...]:
    """Make the shortest travel with so many moves.

    Parameters
    ----------
    instance
        The units.
    moves
        Most units that may move.
    limits
        Time and seed.

    Returns
    -------
    tuple of str
        A row under `HEADER`.
    """
    plan, seconds = _rebalance(instance, limits, max_moves=moves, objectives=("travel",))
    found = plan.certificate
    within = f"{'within' if found['gap'] <= TRAVEL_GAP else 'NOT within'} {TRAVEL_GAP:.0%}"
    bound = f"travel {found['value']:,.1f} ≥ {found['bound']:,.1f}, gap {found['gap']:.2%}, {within}"
    method = f"ours, shortest travel, at most {moves} moves"
    return measured(instance, plan.assignment, method=method, seconds=seconds, bound=bound)


def print_frontier(instance: Instance, limits: Limits) -> None:
    """Trace imbalance against moves, and print every point with its proof.

    Parameters
    ----------
    instance
        The units.
    limits
        Time and seed.
    """
    start = time.process_time()
    found = frontier(
        instance.units,
        adjacency=instance.edges,
        max_moves=FRONTIER_MOVES,
        time_limit_s=limits.seconds,
        seed=limits.seed,
    )
    points = found.to_frame()
    seconds = time.process_time() - start
    rows = [
        (str(p.moves), f"{p.imbalance:.3%}", f"{p.bound:.3%}", "yes" if p.is_proven else "no", f"{p.seconds:.1f}")
        for p in points.itertuples()
    ]
    print_table(("at most so many moves", "imbalance", "bound", "proven", "seconds"), rows)
    proven = int(points["is_proven"].sum())
    print(
        f"\n{proven} of {len(points)} points proven in {seconds:.1f} processor seconds (aim: all in 30).\n", flush=True
    )
    if limits.picture is not None:
        draw_change(instance, found.proposal, limits.picture)


def draw_change(instance: Instance, plan: RebalancePlan, path: Path) -> None:
    """Draw the zones as they are and as a plan makes them, the units that move hatched.

    Parameters
    ----------
    instance
        The units; no school is named.
    plan
        A plan for them.
    path
        Where the picture goes, such as ``before_after.png``.
    """
    units = instance.units.to_crs(instance.units.estimate_utm_crs())
    units = units.assign(zone_after=units["unit_id"].map(plan.assignment))
    zones = instance.units.dissolve("zone_id").reset_index()
    fills = dict(zip(zones["zone_id"], neighbor_fills(zones), strict=True))
    figure, axes = plt.subplots(1, 2, figsize=(13, 6.5), layout="constrained")
    for ax, zone, when in zip(axes, ("zone_id", "zone_after"), ("Today", "Proposed"), strict=True):
        loads = units.groupby(zone)["workload"].sum()
        units.plot(ax=ax, color=units[zone].map(fills), edgecolor="white", linewidth=0.4)
        outlines = units.dissolve(zone)
        outlines.boundary.plot(ax=ax, color="#333333", linewidth=1.4)
        moved = units[units[zone] != units["zone_id"]]
        if len(moved):
            moved.plot(ax=ax, facecolor="none", edgecolor="#111111", hatch="////", linewidth=0.8)
        for name, at in outlines.representative_point().items():
            ax.annotate(f"Zone {name}\n{loads[name]:.1f} h", (at.x, at.y), ha="center", fontsize=9)
        ax.set_title(f"{when}: the farthest zone is {imbalance(loads):.1%} from the mean")
        ax.set_axis_off()
    figure.suptitle(f"{instance.about}. Hours a school day; hatched: moves.", fontsize=9, y=0.02)
    figure.savefig(path, dpi=100)


def our_rows(instance: Instance, limits: Limits) -> Iterator[tuple[str, ...]]:
    """Make our plans for an instance.

    Parameters
    ----------
    instance
        The units.
    limits
        Time and seed.

    Yields
    ------
    tuple of str
        Rows under `HEADER`.
    """
    asked: list[partial[tuple[str, ...]]] = []
    if instance.name.startswith("voronoi(1000"):
        asked += [partial(shortest_travel, instance, moves, limits) for moves in TRAVEL_MOVES]
    asked += [partial(at_most, instance, FEW_MOVES, limits), partial(fewest, instance, TOLERANCE, limits)]
    for plan in asked:
        start = time.perf_counter()
        try:
            yield plan()
        except SettingsError as error:
            yield _no_plan(f"ours, {plan.func.__name__}", time.perf_counter() - start, " ".join(str(error).split()))


def _no_plan(method: str, seconds: float, note: str) -> tuple[str, ...]:
    return (method, "no plan", "", "", "", f"{seconds:.1f}", "none", note)


def peer_rows(instance: Instance, limits: Limits) -> Iterator[tuple[str, ...]]:
    """Let every peer that is installed make its plan.

    Parameters
    ----------
    instance
        The units.
    limits
        Time and seed.

    Yields
    ------
    tuple of str
        Rows under `HEADER`.
    """
    problem = problem_of(instance, max_moves=FEW_MOVES, tolerance=TOLERANCE)
    for peer in filter(is_installed, PEERS):
        name = peer.name.format(max_moves=FEW_MOVES, tolerance=TOLERANCE)
        found = run_peer(peer, problem, seconds=limits.peer_seconds, seed=limits.seed)
        if found.assignment is None:
            yield _no_plan(name, found.seconds, found.note)
        else:
            note = f"{found.note}, the best at {found.best_at_s:.1f} s"
            yield measured(instance, found.assignment, method=name, seconds=found.seconds, note=note)


def machine() -> str:
    """Say what this ran on.

    Returns
    -------
    str
        Processors, Python, and the versions of the packages that matter.
    """
    versions = []
    for package in ("safeschools-geo", "highspy", "ortools", "gerrychain", "spopt", "pygeoda"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return f"{os.cpu_count()} processors, Python {platform.python_version()}; {', '.join(versions)}."


def report(name: str, limits: Limits, *, ours: bool) -> None:
    """Print everything about one instance.

    Parameters
    ----------
    name
        Its name.
    limits
        Time and seed.
    ours
        Whether to make our own plans.
    """
    instance = INSTANCES[name]()
    print(f"\n## {name}\n\n{instance.about}.\n", flush=True)
    if ours and name.startswith("san_juan"):
        print_frontier(instance, limits)
    ours_of = our_rows(instance, limits) if ours else []
    peers_of = peer_rows(instance, limits) if limits.peer_seconds > 0 else []
    print_table(HEADER, itertools.chain([current_row(instance)], ours_of, peers_of))


def main() -> None:
    """Print the tables of every instance asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", nargs="+", choices=list(INSTANCES), metavar="NAME", help=", ".join(INSTANCES))
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--ours", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seeds", type=int, choices=(1, 2, 3), default=3, help="how many of the 300-cell instances")
    parser.add_argument("--seed", type=int, default=0, help="of the searches")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each of our plans")
    parser.add_argument("--peer-seconds", type=float, default=60.0, help="for each peer")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw San Juan's zones before and after")
    options = parser.parse_args()
    limits = Limits(options.seconds, options.peer_seconds if options.peers else 0.0, options.seed, options.picture)
    print(machine())
    missing = sorted({peer.library for peer in PEERS if not is_installed(peer)})
    if options.peers and missing:
        print(f"Left out, not installed: {', '.join(missing)}.")
    default = ["san_juan(0)", *(f"voronoi(300,{seed})" for seed in range(options.seeds)), "voronoi(1000,0)"]
    for name in options.instances or default:
        report(name, limits, ours=options.ours)


if __name__ == "__main__":
    main()
