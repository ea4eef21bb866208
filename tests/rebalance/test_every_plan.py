"""The checker's search is compared with trying every labelling, one by one, on towns of random links and rules."""

import itertools
import math

import numpy as np
import pytest

from safeschools_geo.verify._plan_bound import TooManyPlansError, Town, find_plan, imbalance_floor, least_moves


def grid_town(seed: int) -> Town:
    """Make a 2 × 4 town with random loads, current zones, locks and groups."""
    rng = np.random.default_rng(seed)
    n, zones = 8, int(rng.integers(2, 4))
    at = [(r, c) for r in range(2) for c in range(4)]
    neighbors = tuple(tuple(j for j, q in enumerate(at) if abs(p[0] - q[0]) + abs(p[1] - q[1]) == 1) for p in at)
    allowed = rng.random((n, zones)) < 0.85
    allowed[np.arange(n), rng.integers(0, zones, n)] = True
    return Town(
        before=tuple(rng.integers(-1 if seed % 7 == 0 else 0, zones, n).tolist()),
        loads=tuple(rng.integers(0 if seed % 5 == 0 else 1, 9, n).astype(float).tolist()),
        costs=tuple(rng.integers(0, 4, n).astype(float).tolist()) if seed % 3 == 0 else (1.0,) * n,
        neighbors=neighbors,
        zones=zones,
        allowed=tuple(frozenset(np.flatnonzero(row).tolist()) for row in allowed),
        together=((0, 5), (5, 6)) if seed % 4 == 0 else (),
    )


def every_plan(town: Town):
    """Yield imbalance and cost of every plan there is, without any of the town's own methods."""
    for label in itertools.product(*(sorted(zones) for zones in town.allowed)):
        if any(len({label[i] for i in g}) > 1 for g in town.together):
            continue
        if all(hangs_together({i for i, z in enumerate(label) if z == zone}, town) for zone in range(town.zones)):
            sums = np.bincount(label, town.loads, minlength=town.zones)
            cost = sum(c for c, a, b in zip(town.costs, label, town.before, strict=True) if a != b)
            yield float(np.abs(sums - sums.mean()).max() / sums.mean()), cost


def hangs_together(members, town):
    if not members:
        return False
    seen = front = {min(members)}
    while front:
        front = {j for i in front for j in town.neighbors[i] if j in members} - seen
        seen = seen | front
    return seen == members


@pytest.mark.parametrize("seed", range(40))
def test_the_search_finds_a_plan_exactly_where_there_is_one(seed):
    town = grid_town(seed)
    plans = list(every_plan(town))
    costs = sorted({0.0, 1.0, 2.0, 3.0, 5.0, 8.0, sum(town.costs)})
    for most in costs:
        best = min((b for b, cost in plans if cost <= most), default=math.inf)
        if math.isinf(best):
            assert find_plan(town, below=5.0, max_cost=most, budget=100_000) is None
            continue
        found = find_plan(town, below=best, max_cost=most, budget=100_000)
        assert found is not None
        assert town.imbalance(found) == pytest.approx(best)
        assert town.is_contiguous(found)
        assert find_plan(town, below=best - 1e-6, max_cost=most, budget=100_000) is None


@pytest.mark.parametrize("seed", [s for s in range(40) if s % 3])
def test_arithmetic_alone_never_overstates(seed):
    town = grid_town(seed)
    plans = list(every_plan(town))
    for most in range(9):
        best = min((b for b, cost in plans if cost <= most), default=math.inf)
        assert imbalance_floor(town, max_moves=most) <= best + 1e-9
    for below in (0.05, 0.1, 0.3, 0.8):
        assert least_moves(town, below=below) <= min((c for b, c in plans if b <= below), default=math.inf)


def test_arithmetic_by_hand():
    # A 6, B 2 | C 2, D 2: mean 6. Zone 1 has 8, zone 2 has 4; one move of B makes them equal.
    town = Town(
        (0, 0, 1, 1), (6.0, 2.0, 2.0, 2.0), (1.0,) * 4, ((1,), (0, 2), (1, 3), (2,)), 2, (frozenset({0, 1}),) * 4
    )
    assert imbalance_floor(town, max_moves=0) == pytest.approx(2 / 6)
    assert imbalance_floor(town, max_moves=1) == pytest.approx(0, abs=1e-9)
    assert (least_moves(town, below=0.0), least_moves(town, below=0.34)) == (1, 0)
    assert find_plan(town, below=0.0, max_cost=1, budget=100) == (0, 1, 1, 1)


def test_a_search_that_is_too_long_is_given_up():
    with pytest.raises(TooManyPlansError):
        find_plan(grid_town(1), below=1e-9, max_cost=8, budget=3)


def test_no_plan_is_below_nothing():
    assert find_plan(grid_town(1), below=-1e-6, max_cost=8, budget=1) is None
    assert find_plan(grid_town(1), below=1.0, max_cost=-1, budget=1) is None
