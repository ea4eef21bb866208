"""Trends: what rises against its level, and what comes, stays and goes."""

import numpy as np
import pandas as pd
import pytest

from safeschools_geo.errors import ColumnError
from safeschools_geo.hotspots.rates import school_rates
from safeschools_geo.hotspots.trend import cube_classes, trend_tests

TERMS = [f"T{i}" for i in range(6)]


def cube_of(**flags):
    rows = []
    for school, pattern in flags.items():
        for term, mark in zip(TERMS, pattern, strict=False):
            rows.append((term, school, {"x": 1e-9, "-": 0.9, "?": np.nan}[mark]))
    return pd.DataFrame(rows, columns=["term", "school_id", "p_value"])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("xxxxxx", "persistent"),
        ("--xxxx", "persistent"),
        ("-----x", "emerging"),
        ("----xx", "emerging"),
        ("xx----", "fading"),
        ("xxxxx-", "fading"),
        ("x----x", "sporadic"),
        ("---xxx", "sporadic"),
        ("------", "none"),
        ("????-x", "insufficient_data"),
        ("???--x", "emerging"),
    ],
)
def test_classes_by_pattern(pattern, expected):
    table = cube_classes(cube_of(a=pattern, b="------")).set_index("school_id")
    assert table.loc["a", "class"] == expected
    flagged = [t for t, mark in zip(TERMS, pattern, strict=True) if mark == "x"]
    assert table.loc["a", "flagged_terms"] == ";".join(flagged)


def test_all_cells_are_adjusted_together():
    # .01 alone is a flag; among 60 cells of chance it is none.
    cube = pd.DataFrame(
        {"term": np.repeat(TERMS, 10), "school_id": list("abcdefghij") * 6, "p_value": [0.01, *[0.5] * 59]}
    )
    assert set(cube_classes(cube)["class"]) == {"none"}


def counts_of(table, *, level="high", days=1000.0):
    rows = [
        (term, f"S{i}", level, n, days)
        for i, row in enumerate(table)
        for term, n in zip(TERMS[: len(row)], row, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["term", "school_id", "level", "incidents", "student_days"])
    return frame.sort_values("term", kind="stable", ignore_index=True)


def test_a_rise_and_a_fall_are_told_from_noise():
    rng = np.random.default_rng(0)
    flat = rng.poisson(20, (20, 6))
    rise, fall = np.array([5, 8, 14, 22, 30, 44]), np.array([44, 30, 22, 14, 8, 5])
    table = trend_tests(counts_of(np.vstack([flat, rise, fall]))).set_index("school_id")
    assert table.loc["S20", "class"] == "rising"
    assert table.loc["S21", "class"] == "falling"
    assert set(table.loc[[f"S{i}" for i in range(20)], "class"]) == {"no clear trend"}
    assert table.loc["S20", "ratio_first_last"] == pytest.approx(44 / 5, rel=0.4)
    assert table.loc["S20", "sentence"].startswith("Rising: against its level, the rate of T5 is")


def test_what_all_schools_do_is_no_trend_of_one():
    rng = np.random.default_rng(1)
    growth = 10 * 1.3 ** np.arange(6)
    table = trend_tests(counts_of(rng.poisson(growth, (30, 6))))
    assert set(table["class"]) == {"no clear trend"}


def test_schools_that_vary_much_need_a_clearer_trend():
    rng = np.random.default_rng(2)
    wild = rng.poisson(20 * rng.gamma(2, 0.5, (30, 6)))
    table = trend_tests(counts_of(wild))
    assert (table["class"] == "no clear trend").mean() > 0.9


def test_trends_of_the_demo(demo):
    table = trend_tests(demo.counts.assign(incidents=demo.counts["reported"])).set_index("school_id")
    assert table.loc[demo.planted["rising"]["school"], "class"] == "rising"
    assert table.loc[demo.planted["falling"]["school"], "class"] == "falling"
    late = demo.planted["hotspot"]["schools"]
    assert set(table.loc[late, "class"]) == {"rising"}
    others = table.drop(index=[*late, demo.planted["rising"]["school"], demo.planted["falling"]["school"]])
    assert others["class"].isin(["rising", "falling"]).sum() <= 1


def test_classes_of_the_demo(demo):
    tables = [school_rates(demo.counts, term=t).table for t in demo.counts["term"].unique()]
    classes = cube_classes(pd.concat(tables, ignore_index=True)).set_index("school_id")["class"]
    hot = classes[demo.planted["hotspot"]["schools"]]
    assert set(hot) & {"emerging", "fading"}
    assert classes.drop(hot.index).isin(["none", "insufficient_data"]).all()


def test_too_little_and_bad_input():
    short = trend_tests(counts_of([[9, 9], [20, 20]]))
    assert set(short["class"]) == {"insufficient_data"}
    few = trend_tests(counts_of([[1, 0, 1], [20, 22, 19]])).set_index("school_id")
    assert few.loc["S0", "class"] == "insufficient_data"
    unknown = counts_of([[9, 9, 9], [20, 22, 19]])
    unknown.loc[unknown["school_id"] == "S0", "student_days"] = np.nan
    assert trend_tests(unknown).set_index("school_id").loc["S0", "class"] == "no clear trend"
    with pytest.raises(ColumnError):
        trend_tests(unknown.drop(columns="level"))
