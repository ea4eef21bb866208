"""Requests without a plan: `rebalance` names what conflicts, and the nearest tolerance that can be kept."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn_towns import PIECES, ROW, STAIRS, TOWNS, drawn, plan_of_town, plans_of
from town_of_units import six_units

from safeschools_geo.errors import ColumnError, CRSError, InputError, SettingsError, SeveralFaultsError
from safeschools_geo.rebalance._propose import rebalance


def test_locks_that_break_contiguity_are_named():
    # a b a in a row, and none of them may move.
    town = drawn("aba", "1 1 1", locked=(0, 1, 2))
    with pytest.raises(SettingsError) as caught:
        plan_of_town(town, max_moves=1)
    assert all(name in str(caught.value) for name in ("u00", "u01", "u02", "zone z0"))


def test_a_tolerance_that_is_too_tight_names_the_nearest_one():
    # Row: the mean is 10; the last zone has 5 alone, or 14 with unit 9 and no less.
    nearest = plans_of("row").least("imbalance")
    with pytest.raises(InputError, match="tolerance") as caught:
        plan_of_town(ROW, tolerance=nearest - 0.01)
    assert f"{nearest:.4f}" in str(caught.value) or f"{nearest:.2%}" in str(caught.value)
    # A third of a tenth is rounded up, so that the figure can be kept.
    with pytest.raises(SettingsError, match=r"(?s)no plan within these limits.*a tolerance of 0\.0910 or more"):
        plan_of_town(PIECES, tolerance=0.05)
    assert plan_of_town(PIECES, tolerance=0.0910).imbalance == pytest.approx(1 / 11)


def test_a_heavy_unit_is_named_with_the_tolerance_it_needs():
    town = drawn("aab bbb", "9 1 1 1 1 1")
    with pytest.raises(InputError, match=r"(?s)u00.*28\.57%"):
        plan_of_town(town, tolerance=0.1)


def test_a_district_in_parts_and_too_many_zones():
    apart = drawn("ab.ab ab.ab", "1 1 1 1 1 1 1 1")
    assert plan_of_town(apart, max_moves=4).is_contiguous
    with pytest.raises(InputError, match="parts"):
        plan_of_town(drawn("ab.a.b", "1 1 1 1"), max_moves=4)
    town = drawn("ab ab", "1 1 1 1", together=((0, 1), (1, 2), (2, 3)))
    with pytest.raises(SettingsError, match="each zone needs one"):
        plan_of_town(town, max_moves=4)


def test_several_conflicts_are_reported_at_once():
    town = drawn("abab", "1 1 1 1", locked=(0, 1, 2, 3), forbidden=((0, 0),))
    with pytest.raises(SeveralFaultsError) as caught:
        plan_of_town(town, max_moves=4)
    assert len(caught.value.faults) >= 2


def test_rules_that_take_more_moves_than_there_are():
    with pytest.raises(SettingsError, match=r"(?s)2 units may not stay.*at most 1 may move.*Allow at least 2"):
        plan_of_town(TOWNS["has to leave"], max_moves=1)
    with pytest.raises(SettingsError, match="detached units"):
        plan_of_town(PIECES, max_moves=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objectives": ()}, "objectives of"),
        ({"objectives": ("moves", "moves")}, "each once"),
        ({"objectives": ("speed",)}, "objectives of"),
        ({"max_moves": -1}, "max_moves of 0 or more"),
        ({"tolerance": -0.1}, "tolerance of 0 or more"),
        ({"slack": -0.1}, "slack of 0 or more"),
        ({"time_limit_s": 0}, "time_limit_s above 0"),
        ({"seed": -1, "slack": -1}, "(?s)slack of 0 or more; seed of 0 or more"),
    ],
)
def test_settings_out_of_range(options, words):
    with pytest.raises(SettingsError, match=words):
        plan_of_town(STAIRS, **options)


def test_maps_without_a_crs_and_links_to_nowhere():
    with pytest.raises(CRSError):
        rebalance(six_units().set_crs(None, allow_override=True), max_moves=1)
    with pytest.raises(ColumnError, match=r"(?s)lack columns.*unit_id, workload"):
        rebalance(six_units().drop(columns=["unit_id", "workload"]), max_moves=1)
    with pytest.raises(ColumnError, match=r"(?s)units that there are not.*x"):
        rebalance(six_units(), adjacency=pd.DataFrame({"unit_a": ["a"], "unit_b": ["x"]}), max_moves=1)
