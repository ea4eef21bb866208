from __future__ import annotations

import pandas as pd
import pytest
from grid_town import school_at

from safeschools_geo.errors import ColumnError
from safeschools_geo.rebalance._draft import school_weights

PLACES = {name: (i * 1000.0, 0.0) for i, name in enumerate("ABCDEF")}


def schools(enrollment, levels=("elementary", "elementary", "elementary", "high", "high", "other")):
    return school_at(PLACES, enrollment=enrollment).assign(level=list(levels))


def test_known_figures_are_taken_as_they_are():
    found = school_weights(schools([1, 2, 3, 4, 5, 6]), "enrollment")
    assert found.values.to_dict() == {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5, "F": 6}
    assert (found.values.name, found.values.index.name, str(found.values.dtype)) == (
        "enrollment",
        "school_id",
        "float64",
    )
    assert found.estimated == ()
    assert not found.is_count


def test_a_missing_figure_is_the_median_of_its_level_else_of_all():
    # Elementary: median of 200 and 400 is 300; high: 1000; other has none: median of 200, 400, 1000 is 400.
    found = school_weights(schools([200, None, 400, None, 1000, None]), "enrollment")
    assert found.values.to_dict() == {"A": 200, "B": 300, "C": 400, "D": 1000, "E": 1000, "F": 400}
    assert found.estimated == ("B", "D", "F")


def test_without_levels_the_median_of_all():
    found = school_weights(schools([200, None, 400, 300, 900, None]).drop(columns="level"), "enrollment")
    assert found.values["B"] == 350


def test_no_figure_at_all_counts_schools():
    found = school_weights(schools([None] * 6), "enrollment")
    assert found.values.eq(1).all()
    assert found.is_count
    assert len(found.estimated) == 6


def test_none_counts_schools():
    found = school_weights(schools([None] * 6), None)
    assert found.values.eq(1).all()
    assert (found.values.name, found.estimated) == ("schools", ())


@pytest.mark.parametrize(
    ("frame", "weight", "problem", "ids"),
    [
        (schools([1] * 6), "workload", "no column workload", ()),
        (schools([1] * 6).drop(columns="school_id"), "enrollment", "no ids", ()),
        (schools([1] * 6).assign(school_id=["A", "B", "A", None, "E", "F"]), None, "no id", ("A", "A", "nan")),
        (schools([1, -2, 3, -4, 5, 6]), "enrollment", "not a number of 0 or more", ("B", "D")),
        (schools([1] * 6).assign(work=["1", "x", None, "4", "y", "6"]), "work", "not a number", ("B", "E")),
        (schools([0] * 6), "enrollment", "0 for every school", ()),
    ],
)
def test_faults_are_named(frame, weight, problem, ids):
    with pytest.raises(ColumnError, match=problem) as error:
        school_weights(frame, weight)
    assert error.value.ids == ids


def test_figures_as_text_will_do():
    found = school_weights(schools([1] * 6).assign(work=["1", "2", None, "4", "5", "6.5"]), "work")
    assert found.values["F"] == pytest.approx(6.5)
    assert pd.notna(found.values["C"])
