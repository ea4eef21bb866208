"""Figures as they are written."""

import pytest

from safeschools_geo.text import (
    change_text,
    figure_text,
    highest,
    interval_text,
    listed,
    minutes_text,
    more_text,
    share_text,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0.25, "0.3"),
        (0.35, "0.4"),
        (0.349, "0.3"),
        (-0.25, "−0.3"),
        (-0.01, "0.0"),
        (1234.5, "1,234.5"),
        (NAN, "not known"),
    ],
)
def test_minutes_are_rounded_half_up(minutes, text):
    assert minutes_text(minutes) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0925, "9.3%"), (0.0005, "0.1%"), (1.0, "100.0%"), (-0.02, "−2.0%"), (-1e-9, "0.0%"), (NAN, "not known")],
)
def test_shares_are_rounded_half_up(share, text):
    assert share_text(share) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(4.2, "min", "4.2 min"), (0.0, "share", "0.0%"), (1e-6, "share", "under 0.1%"), (NAN, "min", "not known")],
)
def test_a_figure_in_a_sentence(value, unit, text):
    assert figure_text(value, unit) == text


def test_intervals():
    assert interval_text(3.9, 4.6, "min") == "3.9 to 4.6 min"
    assert interval_text(0.09, 0.112, "share") == "9.0% to 11.2%"
    assert interval_text(1e-6, 2e-6, "share") == "under 0.1%"
    assert interval_text(0.0, 1e-6, "share") == "0.0% to under 0.1%"
    assert interval_text(NAN, NAN, "min") == "not known to not known"


def test_changes_are_reported_as_sizes():
    assert change_text(0.4, 0.2, 0.6, "min") == "0.4 min (0.2 to 0.6)"
    assert change_text(-0.021, -0.032, -0.01, "share") == "2.1 percentage points (1.0 to 3.2)"
    assert change_text(-0.4, -0.9, 0.1, "min") == "0.4 min (between 0.9 less and 0.1 more)"
    assert change_text(0.4, NAN, NAN, "min") == "0.4 min"


def test_the_highest_are_those_that_are_printed_so():
    assert highest({"a": 4.04, "b": 4.0, "c": 3.0}, minutes_text) == ["a", "b"]
    assert highest({"a": 4.06, "b": 4.0, "c": 3.0}, minutes_text) == ["a"]
    assert highest({"a": 4.04, "b": 4.0}, minutes_text) == []
    assert highest({"a": 4.0, "b": float("nan")}, minutes_text) == []
    assert highest({"a": -2.0, "b": -1.0}, minutes_text) == ["b"]


def test_a_change_has_a_direction():
    assert more_text(0.44, "min", more="longer", less="shorter") == "0.4 min longer"
    assert more_text(-0.44, "min", more="longer", less="shorter") == "0.4 min shorter"
    assert more_text(-0.061, "share") == "6.1 percentage points less"
    assert more_text(0.0001, "share") == "under 0.1 percentage points more"
    assert more_text(1e-15, "share") == "no change"
    assert more_text(float("nan"), "min") == "not known"


def test_lists():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
