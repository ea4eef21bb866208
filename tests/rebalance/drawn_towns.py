"""Small towns to rebalance, drawn or at random, and the forms in which the solver takes them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
from brute_force import Plans, Town, every_plan
from grid_town import EAST, NORTH, UTM
from shapely.geometry import box

from safeschools_geo.rebalance._problem import NO_ROOT, Problem
from safeschools_geo.rebalance._propose import rebalance


def drawn(zones: str, loads: str, *, bridges=(), **rules) -> Town:
    """Draw a town of squares of 1 km, from the north; a dot is a square without a unit.

    Units are numbered in reading order, zones in the order of their letters. Distances are those to the middle of the
    current zone. Bridges are pairs of units.
    """
    at = {
        (row, column): letter
        for row, line in enumerate(zones.split())
        for column, letter in enumerate(line)
        if letter != "."
    }
    squares, letters = list(at), sorted(set(at.values()))
    number = {square: unit for unit, square in enumerate(squares)}
    links = {
        (unit, number[near]): 1.0
        for (row, column), unit in number.items()
        for near in ((row, column + 1), (row + 1, column))
        if near in number
    }
    links |= dict.fromkeys(bridges, 0.0)
    xy = np.array(squares, dtype="float64")
    start = np.array([letters.index(at[square]) for square in squares])
    middles = np.array([xy[start == zone].mean(axis=0) for zone in range(len(letters))])
    distance = np.hypot(*(xy[:, None] - middles[None]).transpose(2, 0, 1))
    return Town(links, tuple(float(w) for w in loads.split()), tuple(start.tolist()), distance, **rules)


def random_town(
    seed: int, n: int, zones: int, *, extra_links: float = 0.5, is_contiguous: bool = True, **rules
) -> Town:
    """Link units at random into one piece, with uneven loads, some of them 0, and uneven borders."""
    rng = np.random.default_rng(seed)
    links = {(int(rng.integers(0, i)), i) for i in range(1, n)}
    for _ in range(int(n * extra_links)):
        a, b = sorted(rng.choice(n, 2, replace=False).tolist())
        links.add((a, b))
    load = rng.integers(0, 12, n).astype("float64")
    load[0] += 1
    start = _grown(rng, n, zones, links) if is_contiguous else rng.permutation(np.arange(n) % zones)
    km = {pair: round(float(rng.uniform(0.1, 2.0)), 3) for pair in sorted(links)}
    return Town(km, tuple(load.tolist()), tuple(start.tolist()), rng.uniform(0, 5, (n, zones)), **rules)


def _grown(rng: np.random.Generator, n: int, zones: int, links: set[tuple[int, int]]) -> np.ndarray:
    start = np.full(n, -1)
    start[rng.choice(n, zones, replace=False)] = np.arange(zones)
    while (start < 0).any():
        open_links = [(a, b) for a, b in sorted(links) if (start[a] < 0) != (start[b] < 0)]
        a, b = open_links[int(rng.integers(len(open_links)))]
        start[a] = start[b] = max(start[a], start[b])
    return start


def random_rules(town: Town, seed: int) -> Town:
    """Add some rules of every kind at random; there may be no plan that keeps them all."""
    rng = np.random.default_rng(seed)
    n, zones = len(town), town.zones
    at_home = {zone: [i for i in range(n) if town.start[i] == zone] for zone in range(zones)}
    rooted = [zone for zone in range(zones) if rng.random() < 0.4]
    return replace(
        town,
        roots={zone: int(rng.choice(at_home[zone])) for zone in rooted},
        locked=tuple(int(i) for i in range(n) if rng.random() < 0.1),
        forbidden=tuple((int(rng.integers(n)), int(rng.integers(zones))) for _ in range(int(rng.integers(0, 3)))),
        together=tuple(tuple(sorted(rng.choice(n, 2, replace=False).tolist())) for _ in range(int(rng.integers(0, 2)))),
    )


def problem_of_town(town: Town) -> Problem:
    """Write a town as the solver's arrays."""
    n, k = len(town), town.zones
    near = [{b if a == i else a: km for (a, b), km in town.links.items() if i in (a, b)} for i in range(n)]
    allowed = np.ones((n, k), dtype=bool)
    for unit in town.locked:
        allowed[unit] &= np.arange(k) == town.start[unit]
    for zone, unit in town.roots.items():
        allowed[unit] &= np.arange(k) == zone
    for unit, zone in town.forbidden:
        allowed[unit, zone] = False
    return Problem(
        unit_ids=tuple(unit_names(town)),
        zone_ids=tuple(zone_names(town)),
        start=np.array(town.start, dtype="int64"),
        load=np.array(town.load),
        neighbors=tuple(tuple(sorted(js)) for js in near),
        travel=np.array(town.load)[:, None] * town.distance,
        allowed=allowed,
        roots=np.array([town.roots.get(zone, NO_ROOT) for zone in range(k)]),
        together=town.together,
        move_size=np.ones(n),
        border_km=tuple(tuple(js[j] for j in sorted(js)) for js in near),
    )


def unit_names(town: Town) -> list[str]:
    return [f"u{i:02d}" for i in range(len(town))]


def zone_names(town: Town) -> list[str]:
    return [f"z{zone}" for zone in range(town.zones)]


def units_of_town(town: Town) -> gpd.GeoDataFrame:
    """Write a town as a table: squares that stand apart, so that only the table of neighbors links them."""
    names = zone_names(town)
    return gpd.GeoDataFrame(
        {
            "unit_id": pd.array(unit_names(town), dtype="str"),
            "zone_id": pd.array([names[zone] for zone in town.start], dtype="str"),
            "workload": list(town.load),
            **({"students": list(town.students)} if town.students else {}),
        },
        geometry=[box(EAST + 2000 * i, NORTH, EAST + 2000 * i + 1000, NORTH + 1000) for i in range(len(town))],
        crs=UTM,
    )


def tables_of_town(town: Town) -> dict[str, pd.DataFrame]:
    """Write the neighbors and the distances of a town as `rebalance` takes them."""
    names = unit_names(town)
    links = pd.DataFrame([(names[a], names[b]) for a, b in town.links], columns=["unit_a", "unit_b"])
    return {"adjacency": links, "travel": pd.DataFrame(town.distance, index=names, columns=zone_names(town))}


def rules_of_town(town: Town) -> dict[str, object]:
    """Write the rules of a town as `rebalance` takes them."""
    names, zones = unit_names(town), zone_names(town)
    return {
        "roots": {zones[zone]: names[unit] for zone, unit in town.roots.items()} or None,
        "locked": [names[unit] for unit in town.locked],
        "together": [[names[unit] for unit in group] for group in town.together],
        "forbidden": [(names[unit], zones[zone]) for unit, zone in town.forbidden],
        "one_of_each": {name: [names[unit] for unit in few] for name, few in town.one_of_each.items()},
        "whole": {name: [names[unit] for unit in group] for name, group in town.whole.items()},
        "most_students": town.most_students,
    }


def plan_of_town(town: Town, **options):
    """Rebalance a town."""
    return rebalance(units_of_town(town), **tables_of_town(town), **rules_of_town(town), **options)


STAIRS = drawn("aab abb ccb", "4 1 2  3 5 1  2 2 4")
"""Nine units in three zones, everything allowed::

    a4 a1 b2
    a3 b5 b1      loads a 8, b 12, c 4: the mean is 8
    c2 c2 b4
"""

PIECES = drawn("aba bca cca", "4 0 2  3 5 1  2 2 3", together=())
"""Zone a is in two pieces, zone b in two, and unit 1 has no load::

    a4 b0 a2
    b3 c5 a1
    c2 c2 a3
"""

ISLAND = drawn("aa.bb aa.bb", "3 1 2 1  2 2 6 1", bridges=((1, 2),))
"""Two blocks joined by a bridge between units 1 and 2::

    a3 a1 = b2 b1
    a2 a2   b6 b1
"""

ALONE = drawn("abbb cccb", "1 6 2 1  2 3 4 5")
"""Zone a is a single light unit in the corner, which can move away along the edge::

    a1 b6 b2 b1
    c2 c3 c4 b5
"""

ROW = drawn("aaaabbbbcccc", "1 2 3 4 1 1 1 1 2 9 0 5")
"""Twelve units in a row, three zones of four."""

TOWNS = {
    "stairs": STAIRS,
    "pieces": PIECES,
    "island": ISLAND,
    "alone": ALONE,
    "row": ROW,
    "roots": replace(STAIRS, roots={0: 0, 1: 8, 2: 6}),
    "one root": replace(STAIRS, roots={1: 4}),
    "locks": replace(STAIRS, locked=(1, 5), forbidden=((3, 2), (8, 2))),
    "has to leave": replace(STAIRS, forbidden=((8, 1), (0, 0))),
    "pair": replace(STAIRS, together=((2, 8),)),
    "group apart": replace(STAIRS, together=((1, 7), (0, 6))),
    "pieces, rooted": replace(PIECES, roots={0: 8, 1: 3}),
    "all rules": replace(PIECES, roots={2: 4}, locked=(0,), forbidden=((8, 2),), together=((2, 5),)),
    "random": random_town(3, 8, 3),
    "random, in pieces": random_town(4, 8, 3, is_contiguous=False),
    "two zones": random_town(5, 10, 2),
    "four zones": random_town(6, 8, 4, is_contiguous=False),
}

FEW_TOWNS = ("stairs", "pieces", "island", "alone", "roots", "group apart", "all rules", "random, in pieces")
"""Names of towns that together have every kind of rule and of fault."""


@cache
def plans_of(name: str) -> Plans:
    """List every plan of a town of `TOWNS`, once for all tests."""
    return every_plan(TOWNS[name])
