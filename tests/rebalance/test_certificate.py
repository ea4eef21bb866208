"""The certificate says what is proven, over which plans, and never more than that."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance._plan import (
    bound_text,
    certificate_of,
    certificate_text,
    class_text,
    gap_of,
    input_hashes,
)
from safeschools_geo.rebalance._problem import EXACT
from safeschools_geo.verify._plan_bound import PROVEN_WITHIN

KEYS = [
    *("objective", "value", "bound", "gap", "is_proven", "is_contiguous", "moves", "imbalance_before"),
    *("imbalance_after", "tolerance", "max_moves", "slack", "roots", "locked", "forbidden", "together", "zones"),
    *("stages", "proof", "solver", "seed", "seconds", "input_sha256", "files", "moves_by", "proof_tolerance"),
    "unit_noun",
]


def certificate(**facts):
    defaults = {
        "objective": "imbalance",
        "value": 0.125,
        "bound": 0.125,
        "is_contiguous": True,
        "moves": 2,
        "imbalance_before": 0.5,
        "imbalance_after": 0.125,
        "zones": ["1", "2"],
        "input_sha256": {"units": "u", "adjacency": "a"},
        "max_moves": 3,
    }
    return certificate_of(**{**defaults, **facts})


def test_the_keys_are_those_agreed_in_their_order():
    assert list(certificate()) == KEYS


def test_it_is_plain_json():
    made = certificate(
        value=np.float64(0.125),
        moves=np.int64(2),
        seconds=float("nan"),
        imbalance_before=float("inf"),
        roots={"1": "A"},
        together=[("A", "B")],
        forbidden=[("A", "2")],
        stages=[{"objective": "travel", "value": np.float64(3.0), "bound": -np.inf, "restricted_bound": np.nan}],
    )
    back = json.loads(json.dumps(made, allow_nan=False))
    assert back == made
    assert made["seconds"] is None
    assert made["imbalance_before"] is None
    assert made["together"] == [["A", "B"]]
    assert made["forbidden"] == [["A", "2"]]
    assert made["stages"][0]["bound"] is None
    assert made["stages"][0]["restricted_bound"] is None


@pytest.mark.parametrize(
    ("objective", "value", "bound", "gap", "is_proven"),
    [
        ("imbalance", 0.125, 0.125, 0.0, True),
        ("imbalance", 0.125, 0.1, 0.025, False),
        ("imbalance", 0.125, None, None, False),
        ("imbalance", 0.125, float("-inf"), None, False),
        ("imbalance", 0.125, 0.125 + 1e-9, 0.0, True),
        ("imbalance", 0.125, 0.125 - EXACT / 2, EXACT / 2, True),
        ("imbalance", 0.125, 0.125 - 2 * EXACT, 2 * EXACT, False),
        ("moves", 5, 4, 1, False),
        ("travel", 200.0, 198.0, 0.01, False),
        ("travel", 0.0, 0.0, 0.0, True),
    ],
)
def test_gap_and_proof_follow_from_value_and_bound(objective, value, bound, gap, is_proven):
    made = certificate(objective=objective, value=value, bound=bound)
    assert made["gap"] == (None if gap is None else pytest.approx(gap))
    assert made["is_proven"] is is_proven
    assert made["bound"] is None or made["bound"] <= value


def test_the_checker_holds_a_proof_to_the_same_number():
    assert certificate()["proof_tolerance"] == EXACT == PROVEN_WITHIN


def test_a_bound_above_the_value_is_none_over_all_plans():
    with pytest.raises(SettingsError, match="no bound over all plans"):
        certificate(bound=0.2)
    with pytest.raises(SettingsError, match="no bound over all plans"):
        certificate(bound=0.125 + 1.5 * EXACT)
    with pytest.raises(SettingsError, match="objective"):
        certificate(objective="beauty")


def test_a_gap_of_just_the_tolerance_is_a_proof_but_nothing_is_where_neighbors_are_in_dispute():
    asked = {"value": 0.5, "bound": 0.25, "proof_tolerance": 0.25}
    assert certificate(**asked)["is_proven"]
    pairs = [("A", "B", "(0.4 m apart)"), ("A", "C", "(x)"), ("B", "C", "(x)"), ("C", "D", "(x)")]
    made = certificate(**asked, disputed=pairs)
    assert not made["is_proven"]
    assert bound_text(made) == (
        "Nothing is proven: the drawing leaves open who borders whom, at 4 pairs of units (A and B (0.4 m apart), "
        "A and C (x), B and C (x) and 1 more (4 in all)). Bounds hold only between the links in edges.csv. Close the "
        "gaps in the drawing, or say of each pair whether it is linked."
    )


def test_what_was_not_asked_for_is_left_out():
    made = certificate(max_moves=None)
    assert (made["seed"], made["seconds"], made["max_moves"], made["slack"]) == (0, 0.0, None, None)
    assert class_text(made) == "contiguous plan"
    assert certificate_text(certificate(imbalance_before=float("inf"))).startswith("The plan moves 2 units. Proven:")


def test_gap_of():
    assert gap_of("moves", 5, 3) == 2
    assert gap_of("travel", 50.0, 49.0) == pytest.approx(0.02)
    assert gap_of("imbalance", 0.1, None) is None


def test_hashes_are_of_the_lines_agreed():
    units = pd.DataFrame({"unit_id": ["b", "a"], "zone_id": ["1", "2"], "workload": [1, 0.1]})
    edges = pd.DataFrame({"unit_a": ["c", "b"], "unit_b": ["a", "c"]})
    assert input_hashes(units, edges) == {
        "units": hashlib.sha256(b"b\t1\t1.0\na\t2\t0.1\n").hexdigest(),
        "adjacency": hashlib.sha256(b"a\tc\nb\tc\n").hexdigest(),
    }
    turned = edges.iloc[::-1].rename(columns={"unit_a": "unit_b", "unit_b": "unit_a"})
    assert input_hashes(units, turned) == input_hashes(units, edges)
    assert input_hashes(units.iloc[::-1], edges) != input_hashes(units, edges)


def test_what_is_proven_is_said_with_its_plans():
    made = certificate(roots={"1": "A", "2": "D"}, locked=["B"], forbidden=[("C", "1")])
    assert certificate_text(made) == (
        "The plan moves 2 units: the imbalance goes from 50.00% to 12.50%. Proven: no contiguous plan that keeps these "
        "roots (1: A, 2: D), 1 lock and 1 forbidden pair and moves at most 3 units has an imbalance below 12.50%."
    )
    assert made["proof"]["statement"] == bound_text(made)


def test_what_is_not_proven_is_said_with_bound_and_gap():
    made = certificate(bound=0.1, max_moves=None)
    assert bound_text(made) == (
        "Not proven: the best plan found has an imbalance of 12.50%; no contiguous plan has an imbalance below 10.00%. "
        "The gap is 2.50 percentage points."
    )
    assert bound_text(certificate(bound=None, max_moves=None)) == (
        "Not proven: the best plan found has an imbalance of 12.50%; there is no bound over every contiguous plan."
    )


def test_fewest_moves():
    made = certificate(objective="moves", value=2, bound=2, tolerance=0.2, max_moves=None)
    assert bound_text(made) == (
        "Proven: no contiguous plan that stays within 20.00% of the mean load moves fewer than 2 units."
    )
    students = certificate(objective="moves", value=900, bound=750, tolerance=0.2, max_moves=None, moves_by="students")
    assert "the best plan found moves 900 students" in bound_text(students)


def test_units_are_called_what_the_district_calls_them():
    made = certificate(unit_noun="school", max_moves=1, moves=1)
    assert certificate_text(made) == (
        "The plan moves 1 school: the imbalance goes from 50.00% to 12.50%. Proven: no contiguous plan that moves at "
        "most 1 school has an imbalance below 12.50%."
    )
    assert made["proof"]["statement"] == bound_text(made)
    fewest = certificate(objective="moves", value=2, bound=1, max_moves=None, moves_by="units", unit_noun="school")
    assert bound_text(fewest) == (
        "Not proven: the best plan found moves 2 schools; no contiguous plan moves fewer than 1 school. "
        "The gap is 1 move."
    )
    stages = [{"objective": "moves", "value": 9, "bound": None, "restricted_bound": 1, "restriction": "of a class"}]
    students = certificate(objective="moves", value=9, bound=None, stages=stages, moves_by="students")
    assert "only among those, none moves fewer than 1 student:" in certificate_text(students)


def test_a_bound_over_fewer_plans_is_never_given_for_all():
    stages = [
        {"objective": "imbalance", "value": 0.125, "bound": 0.125},
        {
            "objective": "travel",
            "value": 100.0,
            "bound": None,
            "restricted_bound": 99.5,
            "restriction": "in which each zone grows from its root",
        },
    ]
    made = certificate(stages=stages, slack=0.005)
    assert made["stages"][1]["gap"] is None
    assert made["stages"][1]["is_proven"] is False
    assert certificate_text(made).endswith(
        "Among the plans in which each zone grows from its root, and only among those, none has a travel below 99.5: "
        "this is no bound over all plans."
    )


def test_travel_is_compared_with_plans_that_are_as_balanced():
    stages = [{"objective": "imbalance", "value": 0.12, "bound": 0.12}, {"objective": "travel", "value": 9, "bound": 9}]
    made = certificate(objective="travel", value=9, bound=9, slack=0.005, stages=stages)
    assert class_text(made) == "contiguous plan that moves at most 3 units and has an imbalance of 12.50% at most"


def test_each_earlier_objective_limits_the_plans_without_slack_where_there_is_none():
    values = {"imbalance": 0.12, "travel": 9, "boundary": 4}
    stages = [{"objective": name, "value": value, "bound": value} for name, value in values.items()]
    made = certificate(objective="boundary", value=4, bound=4, stages=stages, max_moves=None)
    assert class_text(made) == "contiguous plan that has an imbalance of 12.00% at most and has a travel of 9 at most"


def test_all_that_plans_keep_is_listed():
    made = certificate(
        apart=[("A", "B"), ("C", "D")],
        barriers={"pairs": [("C", "D")]},
        whole={"North": ["A", "C"]},
        one_of_each={"high school": ["A", "D"]},
        most_students=1,
        tolerance=0.2,
        response={"no_slower": True},
    )
    assert class_text(made) == (
        "contiguous plan that keeps 2 pairs of units with a common border unlinked (1 of them across barriers) and "
        "North whole, moves at most 3 units, has a high school in each zone, moves at most 1 student and lets nobody "
        "wait longer than today"
    )


def test_a_gap_in_moves_and_a_bound_over_plans_that_are_not_named():
    stages = [{"objective": "moves", "value": 5, "bound": 3, "restricted_bound": 4}]
    made = certificate(objective="moves", value=5, bound=3, max_moves=None, stages=stages)
    assert bound_text(made).endswith("no contiguous plan moves fewer than 3 units. The gap is 2 moves.")
    assert "Among the plans of a restricted class, and only among those, none moves fewer than 4 units" in (
        certificate_text(made)
    )


@pytest.mark.parametrize(
    ("bounds", "slack", "said"),
    [
        ((0.25, 0.0), 0.005, "are as even as was found (each within 0.5 percentage points); that none are more even"),
        ((0.25, 0.3), 0.005, "are as even as they can be (each within 0.5 percentage points): proven."),
        ((0.25, 0.3), None, "are as even as they can be (each within 0 percentage points): proven."),
    ],
)
def test_how_even_the_others_are_is_said_and_whether_that_is_proven(bounds, slack, said):
    ranks = [{"objective": "evenness", "value": v, "bound": b} for v, b in zip((0.25, 0.3), bounds, strict=True)]
    assert said in certificate_text(certificate(stages=ranks, slack=slack))
    assert "even" not in certificate_text(certificate(stages=ranks, disputed=[("A", "B", "x")]))


@pytest.mark.parametrize(
    ("district", "zones", "said"),
    [
        (
            [4.0, 4.5],
            {"1": [4.0, 4.5], "2": [0.5, 0.5]},
            "from 4.0 to 4.5 min; it is longer than today in zone 1.",
        ),
        ([4.0, 4.1], {"1": [3, 4], "2": [4, 5]}, "from 4.0 to 4.1 min; it is longer than today in zones 1 and 2."),
        ([4.0, 4.04], {"1": [5, 4], "2": [None, None]}, "stays at 4.0 min; it is in no zone longer than today."),
        ([None, None], {"1": [None, None]}, ""),
    ],
)
def test_how_long_calls_wait_is_said(district, zones, said):
    response = {"district": district, "zones": {z: {"minutes": m, "places": ["A", "A"]} for z, m in zones.items()}}
    text = certificate_text(certificate(response=response))
    assert text.endswith(said)
    assert ("mean way to a call" in text) is bool(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Of 2,000 random plans that also move 2 units and keep every rule, 1 (0.050%) is as even; half have"),
        ({"moves_by": "schools", "at_least_as_even": 0}, "also move 2 schools and keep every rule, none is as even"),
        ({"at_least_as_even": 2}, "2 (0.10%) are as even"),
        ({"draws": 1, "effective": 1.0}, "1 random plan that also moves 2 units was drawn, worth 1 independent plan:"),
        ({"effective": 99.9}, "worth 100 independent plans: too few to say"),
        ({"effective": 100.0}, "They are worth 100 independent plans: at 95% confidence at most 1.3% of the plans"),
    ],
)
def test_where_a_plan_stands_among_random_ones_is_said_from_a_hundred_on(changes, said):
    found = {
        "draws": 2000,
        "effective": 400.0,
        "at_least_as_even": 1,
        "share_at_most": 0.0123,
        "moves": 2,
        "moves_by": "units",
        "imbalance": [0.1, 0.25, 0.4],
        **changes,
    }
    assert said in certificate_text({**certificate(), "random_plans": found})


def test_of_the_only_plan_nothing_is_called_proven():
    # Where no unit may move there is one plan: that no other is better could not have failed.
    said = certificate_text(certificate(max_moves=0, is_contiguous=False))
    assert said == (
        "The plan moves nothing: of the only plan there is nothing to prove. Not every zone of it hangs together."
    )


def test_a_plan_that_is_not_contiguous_is_said_to_be_so():
    said = certificate_text(certificate(is_contiguous=False))
    assert "from 50.00% to 12.50%. Not every zone of it hangs together. Proven: no contiguous plan" in said
