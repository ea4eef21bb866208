"""Requests without a plan say which rules conflict; every answer is worked out by hand on a town drawn beside it."""

import itertools

import numpy as np
import pytest

from safeschools_geo.errors import SettingsError, SeveralFaultsError
from safeschools_geo.rebalance._feasibility import explain_infeasible, follow_rules, infeasible_error, nearest_tolerance
from safeschools_geo.rebalance._problem import NO_ROOT, Problem


def path(n):
    return [[j for j in (i - 1, i + 1) if 0 <= j < n] for i in range(n)]


def grid(rows, columns):
    """Link squares that share a side; square (row, column) is unit row × columns + column."""
    at = {(r, c): r * columns + c for r in range(rows) for c in range(columns)}
    return [[at[q] for q in ((r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c)) if q in at] for r, c in at]


def explain(neighbors, *, zones=2, loads=None, locks=None, forbidden=(), start=None, roots=(), allowed=None, **rules):
    n = len(neighbors)
    allowed = np.ones((n, zones), dtype=bool) if allowed is None else allowed
    for unit, zone in [*(locks or {}).items(), *((unit, zone) for zone, unit in enumerate(roots))]:
        allowed[unit] &= np.arange(zones) == zone
    for unit, zone in forbidden:
        allowed[unit, zone] = False
    problem = Problem(
        unit_ids=tuple(chr(65 + i) for i in range(n)),
        zone_ids=tuple(str(z + 1) for z in range(zones)),
        start=np.array([0] * n if start is None else start),
        load=np.array([1.0] * n if loads is None else loads),
        neighbors=tuple(map(tuple, neighbors)),
        travel=np.zeros((n, zones)),
        allowed=allowed,
        roots=np.array([*roots, *[NO_ROOT] * zones][:zones]),
        together=tuple(rules.pop("together", ())),
        move_size=np.ones(n),
        border_km=(),
    )
    return explain_infeasible(problem, **rules)


def codes(conflicts):
    return [c.code for c in conflicts]


def test_a_request_that_can_be_met_has_no_conflict():
    assert explain(path(4), tolerance=0.0, max_moves=2, roots=[0, 3], together=[(0, 1)]) == ()
    assert nearest_tolerance(()) is None


def test_more_zones_than_units():
    (conflict,) = explain(path(3), zones=4)
    assert conflict.code == "more_zones_than_units"
    assert conflict.message == "4 zones are asked for, and there are only 3 units: each zone needs one."
    assert conflict.remedy == "Ask for at most 3 zones, or give finer units."


def test_groups_leave_too_few_blocks():
    # A+B+C are one block: with D that makes two, and three zones are asked for.
    (conflict,) = explain(path(4), zones=3, together=[(0, 1), (1, 2)])
    assert (conflict.code, conflict.ids) == ("more_zones_than_blocks", ("A", "B", "C"))


def test_locks_that_break_contiguity():
    # A – B – C in a row: A and C in zone 1 need B, which is locked into zone 2.
    (conflict,) = explain(path(3), locks={0: 0, 1: 1, 2: 0})
    assert (conflict.code, conflict.ids, conflict.zones) == ("locks_cut", ("A", "C", "B"), ("1",))
    assert conflict.message == (
        "Rules fix both A and C in zone 1, but every way between them leads through units that cannot be in it: B."
    )


def test_roots_count_as_locks():
    # Root of zone 2 is B, in the middle: zone 1, rooted in A, has no way to C, which is forbidden zone 2.
    (conflict,) = explain(path(3), roots=[0, 1], forbidden=[(2, 1)])
    assert (conflict.code, conflict.ids) == ("locks_cut", ("A", "C", "B"))


def test_two_ways_that_have_to_cross():
    # A B C    A and I are fixed in zone 1, C and G in zone 2. Both ways have to lead through E: once it is in zone 1,
    # D E F    every way from C to G is closed by A, E and I.
    # G H I
    (conflict,) = explain(grid(3, 3), locks={0: 0, 8: 0, 2: 1, 6: 1})
    assert conflict.code == "locks_cut"
    assert set(conflict.ids) == {"A", "C", "E", "G", "I"}


def test_what_follows_from_what_follows():
    # A – B – C – D – E: A and C in zone 1 fix B there too; then E, which may not be in 2, has to go through D, in 2.
    found = explain(path(5), locks={0: 0, 2: 0, 3: 1}, forbidden=[(4, 1)])
    assert codes(found) == ["locks_cut"]
    assert found[0].ids == ("A", "E", "D")
    forced = follow_rules(path(5), np.array([[1, 0], [1, 1], [1, 0], [1, 1], [1, 1]], dtype=bool))
    assert forced.fixed.tolist() == [0, 0, 0, -1, -1]


def test_a_unit_that_cannot_reach_its_zones():
    # A – B – C – D, locked into zones 1, 2 and 3: D may be in 1 or 2 only, and C, in 3, is in the way.
    found = explain(path(4), zones=3, locks={0: 0, 1: 1, 2: 2}, forbidden=[(3, 2)])
    assert codes(found) == ["cut_off"]
    assert found[0].ids == ("D",)
    assert "units fixed in other zones lie in between" in found[0].message


def test_locks_and_forbidden_pairs_leave_no_zone():
    found = explain(path(3), locks={0: 0}, forbidden=[(0, 0), (1, 1), (2, 1)])
    assert codes(found) == ["no_zone_left", "zone_without_units"]
    assert found[0].ids == ("A",)
    assert found[1].zones == ("2",)


def test_a_group_against_locks():
    found = explain(path(4), locks={0: 0, 3: 1}, together=[(0, 3)])
    assert codes(found) == ["group_against_locks"]
    assert found[0].ids == ("A", "D")
    assert found[0].message == (
        "A, D are to be kept together, but no zone is open to all of them: A may be in zone 1; D may be in zone 2."
    )


def test_a_group_in_two_parts_of_the_district():
    # A – B   C – D
    found = explain([[1], [0], [3], [2]], together=[(0, 2)])
    assert codes(found) == ["group_apart"]
    assert found[0].ids == ("A", "C")


def test_more_parts_than_zones():
    # Three islands, two zones.
    (conflict,) = explain([[], [], []])
    assert (conflict.code, conflict.ids) == ("more_parts_than_zones", ("A", "B", "C"))
    assert "at least 3 zones" in conflict.remedy


def test_a_part_without_a_zone():
    # A – B – C   D: the roots of both zones lie in the first part.
    (conflict,) = explain([[1], [0, 2], [1], []], roots=[0, 2])
    assert (conflict.code, conflict.ids) == ("part_without_zone", ("D",))
    # A – B – C   D – E: both units of the part are told of, once.
    (conflict,) = explain([[1], [0, 2], [1], [4], [3]], roots=[0, 2])
    assert (conflict.code, conflict.ids) == ("part_without_zone", ("D", "E"))
    # Locked into zone 2 as well as C, D is apart from it.
    found = explain([[1], [0, 2], [1], []], locks={0: 0, 2: 1, 3: 1})
    assert codes(found) == ["locks_apart"]
    assert found[0].ids == ("C", "D")


def test_parts_whose_loads_fit_no_whole_zones():
    # A – B – C – D of load 1 each, and E of load 2 apart; 3 zones, mean 2: one for E, two of 2. That fits exactly.
    links = [*path(4), []]
    assert explain(links, zones=3, loads=[1, 1, 1, 1, 2], tolerance=0.0) == ()
    # E of load 1, 2 zones, mean 2.5: the parts are 4 and 1, so the imbalance is 1.5 / 2.5 = 60 %.
    (conflict,) = explain(links, zones=2, loads=[1, 1, 1, 1, 1], tolerance=0.1)
    assert conflict.code == "parts_do_not_balance"
    assert conflict.nearest_tolerance == pytest.approx(0.6)
    assert conflict.remedy == "Allow a tolerance of at least 60.00%."


def test_the_largest_unit_is_too_heavy():
    # Loads 6, 1, 1, 2: mean 5, so A alone is 20 % above it.
    found = explain(path(4), loads=[6, 1, 1, 2], tolerance=0.1)
    assert codes(found) == ["unit_too_heavy"]
    assert found[0].ids == ("A",)
    assert nearest_tolerance(found) == pytest.approx(0.2)
    assert explain(path(4), loads=[6, 1, 1, 2], tolerance=0.2) == ()


def test_units_kept_together_are_too_heavy():
    found = explain(path(4), loads=[3, 3, 2, 2], together=[(0, 1)], tolerance=0.1)
    assert codes(found) == ["unit_too_heavy"]
    assert found[0].ids == ("A", "B")
    assert found[0].nearest_tolerance == pytest.approx(0.2)
    assert "keep fewer units together" in found[0].remedy


def test_what_is_locked_into_a_zone_is_too_heavy():
    # Mean 4; A, B, C locked into zone 1 weigh 6: 50 % above. Zone 2 can then have D only, 2: 50 % below.
    found = explain(path(4), loads=[2, 2, 2, 2], locks={0: 0, 1: 0, 2: 0}, tolerance=0.25)
    assert codes(found) == ["zone_too_heavy", "zone_too_light"]
    assert (found[0].ids, found[0].zones) == (("A", "B", "C"), ("1",))
    assert found[1].zones == ("2",)
    assert [c.nearest_tolerance for c in found] == pytest.approx([0.5, 0.5])


def test_two_zones_together_cannot_carry_what_must_be_in_them():
    # Six units of load 1, 3 zones, mean 2. A to E may not be in zone 3: zones 1 and 2 carry 5, 2.5 each, 25 % above.
    found = explain(path(6), zones=3, forbidden=[(i, 2) for i in range(5)], tolerance=0.2)
    assert codes(found) == ["zone_too_heavy", "zone_too_light"]
    assert found[0].zones == ("1", "2")
    assert found[0].nearest_tolerance == pytest.approx(0.25)
    # Zone 3 has F only: 50 % below the mean.
    assert found[1].zones == ("3",)
    assert nearest_tolerance(found) == pytest.approx(0.5)


def test_too_few_moves():
    (conflict,) = explain(path(3), start=[0, 0, 1], locks={0: 1, 1: 1}, forbidden=[(2, 1)], max_moves=2)
    assert (conflict.code, conflict.ids) == ("too_few_moves", ("A", "B", "C"))
    (conflict,) = explain(path(3), start=[0, 1, 0], max_moves=0)
    assert (conflict.code, conflict.zones) == ("too_few_moves", ("1",))


def test_every_conflict_is_reported_at_once():
    found = explain([[], [], []], loads=[5, 1, 1], together=[(0, 1)], tolerance=0.1)
    assert set(codes(found)) >= {"group_apart", "more_parts_than_zones", "unit_too_heavy"}
    error = infeasible_error(found, where="district.toml")
    assert isinstance(error, SeveralFaultsError)
    assert all("There is no such plan." in str(fault) for fault in error.faults)
    one = infeasible_error(found[:1])
    assert isinstance(one, SettingsError)
    assert one.remedy


@pytest.mark.parametrize("seed", range(60))
def test_a_conflict_is_never_invented(seed):
    """Where there is a plan, by trying them all, there is no conflict, and no tolerance is called too tight."""
    rng = np.random.default_rng(seed)
    links, n = grid(2, 4), 8
    zones = int(rng.integers(2, 4))
    allowed = rng.random((n, zones)) < 0.6
    loads = rng.integers(1, 6, n).astype(float)
    together = [tuple(rng.choice(n, 2, replace=False).tolist())] if rng.random() < 0.5 else []
    best = best_imbalance(links, allowed, loads, together)
    rules = {"zones": zones, "loads": loads, "allowed": allowed, "together": together}
    found = explain(links, tolerance=0.0, **rules)
    assert (nearest_tolerance(found) or 0) <= best + 1e-9
    if np.isfinite(best):
        assert explain(links, tolerance=best, **rules) == ()


def best_imbalance(links, allowed, loads, together):
    zones = allowed.shape[1]
    best = np.inf
    for label in itertools.product(*(np.flatnonzero(row).tolist() for row in allowed)):
        if any(len({label[i] for i in g}) > 1 for g in together):
            continue
        if all(hangs_together({i for i, z in enumerate(label) if z == zone}, links) for zone in range(zones)):
            sums = np.bincount(label, loads, minlength=zones)
            best = min(best, float(np.abs(sums / sums.mean() - 1).max()))
    return best


def hangs_together(members, links):
    if not members:
        return False
    seen = front = {min(members)}
    while front:
        front = {j for i in front for j in links[i] if j in members} - seen
        seen = seen | front
    return seen == members
