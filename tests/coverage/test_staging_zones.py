"""One officer in each zone: the best point of each by trying all of them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting_places import along_a_line, problems

from safeschools_geo.coverage._staging import place_officers, stage_zones
from safeschools_geo.coverage._staging_points import StagingSettings
from safeschools_geo.errors import ColumnError, InputError, SeveralFaultsError

ZONES = pd.Series({"a": "West", "b": "West", "c": "West", "d": "East", "e": "East"})


def stage(objective="mean", zones=ZONES, of_points=None, **options):
    minutes, weights = along_a_line()
    current = options.pop("current", None)
    return stage_zones(
        minutes,
        weights,
        zone_of_place=zones,
        zone_of_point=zones if of_points is None else of_points,
        current=current,
        settings=StagingSettings(objective=objective, **options),
    )


def test_each_zone_has_its_own_best_point():
    # West, at 0, 1, 2 with 4, 1, 1 calls: a costs 1 + 2. East, at 3 and 10 with 2 calls each: both cost 14; d is first.
    found = stage()
    assert found.points[["officer", "point_id"]].to_numpy().tolist() == [["West", "a"], ["East", "d"]]
    assert found.value == pytest.approx((3 + 14) / 10)
    assert found.is_proven
    assert found.is_by_zone
    assert found.points["places"].tolist() == [3, 2]
    assert found.points["longest_min"].tolist() == [2, 7]
    assert found.points["calls_share"].tolist() == pytest.approx([0.6, 0.4])


def test_the_farthest_place_of_a_zone_counts():
    found = stage("longest")
    assert found.points["point_id"].tolist() == ["b", "d"]
    assert found.value == 7


def test_only_the_own_officer_covers_and_is_free_at_times():
    # West: a reaches 5 of 10 calls within a minute, b all 6; East: d or e reach 2.
    assert stage("covered", within_min=1).value == pytest.approx(0.8)
    assert stage("expected", within_min=1, busy_share=0.25).value == pytest.approx(0.6)


def test_a_place_is_answered_by_its_zone_though_another_officer_is_nearer():
    # With e waiting, d (of East) is answered in 7 minutes, though West's officer at c would be there in 1.
    found = stage(of_points=pd.Series({"c": "West", "e": "East"}))
    row = found.places.set_index("place_id").loc["d"]
    assert (row["officer"], row["answer_min"], row["first_min"], row["second_min"]) == ("East", 7, 1, 7)


def test_today_is_measured_zone_by_zone():
    found = stage(current={"West": "c", "East": "e"})
    # West from c: 4·2 + 1; East from e: 2·7.
    assert found.value_current == pytest.approx((9 + 14) / 10)
    assert set(found.coverage["plan"]) == {"current", "best"}
    text = found.summary()
    assert text.startswith(
        "The best place found for the officer of each zone to wait: West at a, East at d. The officer of its zone "
        "reaches a call in 1.7 minutes"
    )
    assert "(today 2.3 minutes)" in text


def test_a_zone_without_calls_has_its_officer_in_the_middle():
    minutes, weights = along_a_line()
    found = stage_zones(minutes, weights * [0, 0, 0, 1, 1], zone_of_place=ZONES, zone_of_point=ZONES)
    assert found.points["point_id"].tolist() == ["b", "d"]
    assert found.points["mean_min"].tolist() == pytest.approx([2 / 3, 3.5])


@settings(max_examples=40)
@given(problem=problems(), cut=st.integers(1, 3), objective=st.sampled_from(["mean", "longest", "covered", "expected"]))
def test_zones_equal_the_best_of_all_pairs_of_points(problem, cut, objective):
    minutes, weights, _ = problem
    if min(minutes.shape) < 2:
        minutes = pd.concat([minutes, minutes.add_prefix("x")], axis=1)
        minutes = pd.concat([minutes, minutes.rename("y{}".format)])
        weights = pd.concat([weights, weights.rename("y{}".format)])
    places = pd.Series(np.where(np.arange(len(minutes)) < cut, "1", "2"), index=minutes.index)
    points = pd.Series(np.where(np.arange(minutes.shape[1]) < cut, "1", "2"), index=minutes.columns)
    if places.nunique() < 2 or points.nunique() < 2:
        places, points = places.where(places.isna(), "1"), points.where(points.isna(), "1")
    asked = StagingSettings(objective=objective, within_min=2, busy_share=0.2)
    found = stage_zones(minutes, weights, zone_of_place=places, zone_of_point=points, settings=asked)
    share = weights / weights.sum()
    values = []
    for chosen in itertools.product(*(points.index[points == zone] for zone in places.unique())):
        answer = pd.concat([minutes.loc[places == z, c] for z, c in zip(places.unique(), chosen, strict=True)])
        near = share[answer.index][answer <= 2].sum()
        values.append(
            {"mean": (share * answer).sum(), "longest": answer.max(), "covered": near, "expected": 0.8 * near}[
                objective
            ]
        )
    assert found.value == pytest.approx(max(values) if objective in {"covered", "expected"} else min(values))


def test_officers_of_all_zones_are_never_better_than_officers_without_zones():
    minutes, weights = along_a_line()
    for objective in ("mean", "longest", "covered"):
        asked = StagingSettings(objective=objective, within_min=1)
        free = place_officers(minutes, weights, points=2, settings=asked).value
        bound = stage(objective, within_min=1).value
        assert free <= bound if objective != "covered" else free >= bound


def test_zones_without_points_and_places_and_places_without_zones_are_reported_together():
    places = pd.Series({"a": "1", "b": "1", "c": None, "d": "", "e": "2"})
    points = pd.Series({"a": "1", "b": "3"})
    with pytest.raises(SeveralFaultsError) as caught:
        stage(zones=places, of_points=points, current={"1": "a", "2": "nowhere"})
    lost, empty, idle, unknown = caught.value.faults
    assert lost.ids == ("c", "d")
    assert empty.ids == ("2",)
    assert idle.ids == ("3",)
    assert unknown.ids == ("2",)
    assert unknown.found == "nowhere"


def test_a_zone_without_a_point_today_is_named():
    with pytest.raises(ColumnError, match="Some zones have no point today") as caught:
        stage(current={"West": "a"})
    assert caught.value.ids == ("East",)


def test_a_place_that_no_point_of_its_zone_reaches_is_named():
    minutes, weights = along_a_line()
    minutes.loc["e", ["d", "e"]] = np.inf
    with pytest.raises(InputError, match="No point of its zone reaches") as caught:
        stage_zones(minutes, weights, zone_of_place=ZONES, zone_of_point=ZONES)
    assert caught.value.ids == ("e",)
    share = StagingSettings(objective="covered", within_min=1)
    found = stage_zones(minutes, weights, zone_of_place=ZONES, zone_of_point=ZONES, settings=share)
    assert found.value == pytest.approx(0.8)
