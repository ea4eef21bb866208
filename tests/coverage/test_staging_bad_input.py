"""Tables, weights and settings that make no sense are refused by name, all at once."""

import numpy as np
import pandas as pd
import pytest
from waiting_places import along_a_line

from safeschools_geo.coverage._staging import place_officers
from safeschools_geo.coverage._staging_points import StagingSettings
from safeschools_geo.errors import ColumnError, InputError, SettingsError, SeveralFaultsError

MINUTES, WEIGHTS = along_a_line()


def refused(kind, minutes=MINUTES, weights=WEIGHTS, points=2, **options):
    with pytest.raises(kind) as caught:
        place_officers(minutes, weights, points=points, **options)
    return caught.value


@pytest.mark.parametrize("wrong", [np.nan, -1.0, "far"])
def test_minutes_that_are_none_are_named(wrong):
    table = MINUTES.astype("object")
    table.loc["b", "c"] = wrong
    error = refused(ColumnError, minutes=table)
    assert error.ids == ("b",)
    assert error.found == "1 of 25 pairs"


def test_without_places_or_points_there_is_nothing_to_choose():
    assert "There are no points." in str(refused(InputError, minutes=MINUTES.iloc[:, :0]))
    assert "There are no places." in str(refused(InputError, minutes=MINUTES.iloc[:0], weights=WEIGHTS))


def test_ids_that_repeat_are_named():
    error = refused(SeveralFaultsError, minutes=MINUTES.rename(index={"b": "a"}, columns={"e": "d"}))
    assert [fault.ids for fault in error.faults][:2] == [("a",), ("d",)]


def test_places_without_weight_and_weights_without_place_are_named():
    error = refused(SeveralFaultsError, weights=WEIGHTS.rename({"e": "z"}))
    assert [fault.ids for fault in error.faults] == [("z",), ("e",)]
    assert refused(ColumnError, weights=WEIGHTS.replace(4.0, -4.0)).ids == ("a",)
    assert "No place has a weight." in str(refused(ColumnError, weights=WEIGHTS * 0))


def test_a_place_with_several_weights_is_refused():
    assert "several weights" in str(refused(ColumnError, weights=pd.concat([WEIGHTS, WEIGHTS.iloc[:1]])))


@pytest.mark.parametrize("points", [0, 6])
def test_officers_are_as_many_as_points_at_most(points):
    error = refused(SettingsError, points=points)
    assert error.where == "points"
    assert error.expected == "1 to 5: one at each point"


def test_current_points_have_to_be_known():
    assert refused(ColumnError, current=["a", "q"]).ids == ("q",)
    assert "no current points" in str(refused(ColumnError, current=[]))


def test_faults_of_tables_weights_and_points_are_reported_together():
    error = refused(SeveralFaultsError, minutes=-1 - MINUTES, weights=WEIGHTS * 0, points=0, current=["q"])
    assert len(error.faults) == 4


def test_settings_are_reported_together():
    with pytest.raises(SeveralFaultsError) as caught:
        StagingSettings(objective="best", within_min=0, busy_share=1.0, limits_min=(), time_limit_s=0)
    assert [fault.where for fault in caught.value.faults] == [
        "objective",
        "within_min",
        "busy_share",
        "limits_min",
        "time_limit_s",
    ]


def test_a_place_without_a_way_is_named_where_all_have_to_be_reached():
    table = MINUTES.copy()
    table.loc["e"] = np.inf
    for objective in ("mean", "longest"):
        assert refused(InputError, minutes=table, settings=StagingSettings(objective=objective)).ids == ("e",)
    # Without calls it does not count in the mean; and shares need not be whole.
    weights = WEIGHTS.replace({"e": 0}) * [1, 1, 1, 1, 0]
    assert place_officers(table, weights, points=1).value == pytest.approx((4 + 0 + 1 + 2 * 2) / 8)
    asked = StagingSettings(objective="covered", within_min=3)
    found = place_officers(table, WEIGHTS, points=1, settings=asked)
    assert found.value == pytest.approx(0.8)
    assert found.places["officer"].tolist() == ["1", "1", "1", "1", ""]


def test_too_few_officers_for_the_parts_of_the_roads_are_refused():
    table = MINUTES.copy()
    table.loc[["a", "b"], ["c", "d", "e"]] = np.inf
    table.loc[["c", "d", "e"], ["a", "b"]] = np.inf
    for objective in ("mean", "longest"):
        asked = StagingSettings(objective=objective)
        error = refused(SettingsError, minutes=table, points=1, settings=asked)
        assert "cannot reach every place" in str(error)
        assert place_officers(table, WEIGHTS, points=2, settings=asked).is_proven


def test_what_is_given_stays_as_it_is():
    table, weights = MINUTES.copy(), WEIGHTS.copy()
    for objective in ("mean", "longest", "covered", "expected"):
        place_officers(table, weights, points=2, settings=StagingSettings(objective=objective, busy_share=0.3))
    pd.testing.assert_frame_equal(table, MINUTES)
    pd.testing.assert_series_equal(weights, WEIGHTS)
