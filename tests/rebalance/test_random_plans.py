"""Where a plan stands among random plans of as many moves: against every plan there is, and by two walks."""

import json
import sys
from collections import Counter

import geopandas as gpd
import numpy as np
import pytest
from brute_force import Town, every_plan
from checkout import call
from grid_town import EAST, NORTH, UTM
from shapely.geometry import box
from written_plan import edit_certificate, seal, write_row

from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance import certificate_text, rebalance
from safeschools_geo.rebalance._plan import _share_text
from safeschools_geo.rebalance._problem import problem_of
from safeschools_geo.rebalance._stability import _ChangeChain, _effective, _share_at_most
from safeschools_geo.verify import _plan_bound
from safeschools_geo.verify._plan_bound import Town as CheckedTown
from safeschools_geo.verify._plan_bound import _walk, _worth
from safeschools_geo.verify._verify import verify_folder

ROWS, COLUMNS = 3, 4
LOADS = (5.0, 1.0, 2.0, 4.0, 3.0, 1.0, 2.0, 2.0, 6.0, 1.0, 1.0, 3.0)
START = (0, 0, 2, 2, 0, 1, 1, 2, 0, 1, 1, 2)
TOGETHER = ((1, 2), (5, 9))
"""Squares 1 and 2 are to be in one zone and are not today; 5 and 9 are, and move as one."""


def squares():
    shapes = [
        box(EAST + 1000 * c, NORTH + 1000 * r, EAST + 1000 * (c + 1), NORTH + 1000 * (r + 1))
        for r in range(ROWS)
        for c in range(COLUMNS)
    ]
    ids = [f"u{i:02d}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(
        {"unit_id": ids, "zone_id": [str(z) for z in START], "workload": LOADS}, geometry=shapes, crs=UTM
    )


def links():
    across = {(r * COLUMNS + c, r * COLUMNS + c + 1): 1.0 for r in range(ROWS) for c in range(COLUMNS - 1)}
    return across | {(r * COLUMNS + c, (r + 1) * COLUMNS + c): 1.0 for r in range(ROWS - 1) for c in range(COLUMNS)}


def town(together, locked=(0,)):
    distance = np.zeros((len(LOADS), 3))
    return Town(links(), LOADS, START, distance, locked=locked, together=together)


def plan_of(moves, together, **asked):
    groups = [[f"u{i:02d}" for i in group] for group in together]
    return rebalance(squares(), max_moves=moves, locked=["u00"], together=groups, crs=UTM, **asked)


@pytest.mark.parametrize("together", [(), TOGETHER[1:], TOGETHER], ids=["alone", "a group", "a group split today"])
def test_every_plan_of_as_many_moves_is_as_likely(together):
    plan = plan_of(4, together)
    moves = len(plan.moves)
    problem = problem_of(plan.units, plan.edges, rules=plan.settings.rules, crs=UTM)
    label = np.array([int(plan.assignment[unit]) for unit in problem.unit_ids])
    chain = _ChangeChain(problem, label, counts_schools=False)
    every = every_plan(town(together)).within(max_moves=moves)
    full = {tuple(row) for row, n in zip(every.label.tolist(), every.moves, strict=True) if n == moves}
    steps = [tuple(now.tolist()) for now in chain.run(30_000, seed=3)]
    assert set(steps) <= {tuple(row) for row in every.label.tolist()}
    seen = Counter(step for step in steps if step in full)
    assert set(seen) == full
    # A plan that were twice as likely as another would be seen twice as often.
    shares = np.array([seen[row] for row in full]) / sum(seen.values()) * len(full)
    assert shares.min() > 0.6
    assert shares.max() < 1.5


@pytest.mark.parametrize("together", [(), TOGETHER], ids=["alone", "groups"])
def test_the_share_is_that_of_every_plan_by_both_walks(together):
    plan = plan_of(4, together, objectives=["travel"])
    found = plan.among_random(8_000, seed=1).certificate["random_plans"]
    every = every_plan(town(together))
    of_as_many = every.imbalance[every.moves == found["moves"]]
    true = np.mean(of_as_many <= plan.imbalance + 1e-9)
    allowed = [{0, 1, 2} if unit else {0} for unit in range(len(LOADS))]
    neighbors = [[b if a == unit else a for a, b in links() if unit in (a, b)] for unit in range(len(LOADS))]
    checked = CheckedTown(
        START, LOADS, (1.0,) * 12, tuple(map(tuple, neighbors)), 3, tuple(map(frozenset, allowed)), together
    )
    label = [int(plan.assignment[f"u{unit:02d}"]) for unit in range(len(LOADS))]
    drawn = _walk(checked, label, steps=30_000)
    for share, worth in (
        (found["at_least_as_even"] / found["draws"], found["effective"]),
        (np.mean(np.array(drawn) <= plan.imbalance + 1e-9), _worth(drawn)),
    ):
        assert share == pytest.approx(true, abs=5 * np.sqrt(0.25 / worth))
    assert found["imbalance"][1] == pytest.approx(np.median(of_as_many), abs=0.1)
    assert found["imbalance"][0] >= of_as_many.min() - 1e-12


def test_independent_draws_are_worth_themselves_and_a_slow_chain_less():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=40_000)
    slow = np.zeros(40_000)
    for at in range(1, len(slow)):
        slow[at] = 0.9 * slow[at - 1] + noise[at]
    # An autoregression of 0.9 is worth (1 - 0.9) / (1 + 0.9) of its length.
    assert _effective(noise) == pytest.approx(40_000, rel=0.1)
    assert _effective(slow) == pytest.approx(40_000 / 19, rel=0.2)
    assert _worth(noise.tolist()) == pytest.approx(40_000, rel=0.5)
    assert _worth(slow.tolist()) == pytest.approx(40_000 / 19, rel=0.5)


def test_the_limit_is_wilsons():
    # Of none of 1,000: z² / (n + z²), with z = 1.6449.
    assert _share_at_most(0.0, 1000) == pytest.approx(2.70554 / 1002.70554, rel=1e-4)
    assert _share_at_most(1.0, 10) == 1.0


def test_the_same_seed_draws_the_same_plans():
    plan = plan_of(3, ())
    one, again, other = (plan.among_random(500, seed=seed).certificate for seed in (1, 1, 2))
    assert one == again
    assert one["random_plans"] != other["random_plans"]
    assert plan.among_random(20).certificate["random_plans"]["seed"] == 0


def test_a_plan_that_moves_nothing_is_compared_with_nothing():
    plan = plan_of(0, ())
    assert plan.among_random(100) is plan
    with pytest.raises(SettingsError, match="one by one"):
        plan.among_random(0)


def test_it_says_where_the_plan_stands_and_with_what_certainty():
    certificate = dict(plan_of(3, ()).certificate)
    found = {"draws": 20_000, "effective": 797.3, "at_least_as_even": 0, "share_at_most": 0.0034, "moves": 3}
    found |= {"imbalance": [0.1, 0.591, 1.5], "moves_by": "units", "seed": 1}
    said = certificate_text({**certificate, "random_plans": found})
    assert "Of 20,000 random plans that also move 3 units and keep every rule, none is as even" in said
    assert "worth 797 independent plans: at 95% confidence at most 0.34% of the plans" in said
    few = certificate_text({**certificate, "random_plans": {**found, "effective": 12.0}})
    assert "worth 12 independent plans: too few to say where the plan stands" in few
    assert "as even" not in few.split("random plans")[1]
    some = certificate_text({**certificate, "random_plans": {**found, "at_least_as_even": 21}})
    assert "21 (0.11%) are as even" in some


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50%"), (0.123, "13%"), (0.0733, "7.4%"), (0.00073, "0.073%"), (0.0, "0%")]
)
def test_a_limit_is_rounded_up(share, text):
    assert _share_text(share) == text


def test_without_gerrychain_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gerrychain", None)
    with pytest.raises(SettingsError, match=r"not installed") as caught:
        plan_of(1, ()).among_random(10)
    assert "safeschools-geo[random-plans]" in str(caught.value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six squares in a row, of which D goes from zone 1 to zone 2: the only lawful plan of one move but one."""
    monkeypatch.setattr(_plan_bound, "_STEPS", 20_000)
    where = write_row(tmp_path / "plan", [4, 1, 2, 3, 5, 1], list("111122"), list("111222"))
    found = {"draws": 1_000, "effective": 400.0, "at_least_as_even": 500, "moves": 1, "moves_by": "units", "seed": 0}
    # The other plan of one move brings E to zone 1: 15 and 1, 87.5 % off the mean of 8; D in zone 2 is 12.5 % off.
    edit_certificate(
        where,
        random_plans={**found, "imbalance": [0.125, 0.125, 0.875], "share_at_most": _share_at_most(0.5, 400.0)},
    )
    seal(where)
    return where


def random_check(folder):
    return next(check for check in verify_folder(folder).checks if check.name == "random_plans")


def test_the_checker_draws_again_and_agrees(folder):
    check = random_check(folder)
    assert check.passed, check.message
    assert "another walk agree" in check.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at_least_as_even": 0, "share_at_most": _share_at_most(0.0, 400.0)}, "not as the certificate has them"),
        ({"imbalance": [0.0, 0.06, 0.9]}, "not as the certificate has them"),
        ({"share_at_most": 0.4}, "the 95% limit of 500 of 1000 is"),
        ({"at_least_as_even": 2_000}, "cannot be as even"),
        ({"effective": 5_000.0}, "cannot be as even"),
        ({"moves": 2}, "the plan moves 1, the random plans 2"),
        ({"imbalance": "even"}, "cannot be read"),
        ({"draws": None}, "cannot be read"),
    ],
)
def test_the_checker_finds_a_claim_that_does_not_hold(folder, changes, said):
    stated = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))["random_plans"]
    edit_certificate(folder, random_plans=stated | changes)
    check = random_check(folder)
    assert check.passed is False
    assert said in check.message


def test_the_command_says_it_and_verify_repeats_it(tmp_path, capsys):
    squares().to_crs(4326).to_file(tmp_path / "units.geojson", driver="GeoJSON")
    options = ["--units", tmp_path / "units.geojson", "--unit-id", "unit_id", "--zone", "zone_id"]
    options += ["--workload", "workload", "--max-moves", "3", "--random-plans", "4000", "--free-roots"]
    assert call("rebalance", *options, "--out", tmp_path / "plan") == 0
    assert "4,000 random plans that also move 3 units" in " ".join(capsys.readouterr().err.split())
    assert call("verify", tmp_path / "plan") == 0
    said = capsys.readouterr()
    assert "another walk agree" in " ".join((said.out + said.err).split())
