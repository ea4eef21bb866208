"""The town of `town.py` with hotspots, as the pages take them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import town
from map_town import HOSTILE, result

from safeschools_geo.pages._charts import bar_intervals, funnel_chart, heat_map
from safeschools_geo.pages._hotspots import grid_map, hotspot_map, hour_charts, trend_tables
from safeschools_geo.pages._page import Chart
from safeschools_geo.schemas import HOTSPOTS, SCHOOL_RATES

if TYPE_CHECKING:
    from safeschools_geo.pages._page import OfflinePage

UNKNOWN = float("nan")


def rates() -> pd.DataFrame:
    """Give the rates: the first school is high, the second rests on officers' work, the third has no enrollment."""
    frame = pd.DataFrame({name: [UNKNOWN] * 3 for name in SCHOOL_RATES.column_names})
    return frame.assign(
        school_id=["001", "002", "003"],
        name=[HOSTILE, "Second", "Third"],
        level=["elementary", "high", "other"],
        zone_id=["A", "B", ""],
        reported=[22, 9, 3],
        expected=[8.0, 9.5, UNKNOWN],
        ratio=[2.75, 0.95, UNKNOWN],
        rate_per_1000=[0.5, 0.2, UNKNOWN],
        rate_low_per_1000=[0.3, 0.1, UNKNOWN],
        rate_high_per_1000=[0.8, 0.4, UNKNOWN],
        q_value=[0.0002, 0.9, UNKNOWN],
        officer_initiated_share=[0.1, 0.7, 0.0],
        status=["high", "rests_on_officer_initiated", "no_denominator"],
        high_against=["past", "", ""],
        not_judged=["", "", "the enrollment is unknown"],
        sentence=["First is high.", "Second is not.", f"Third: {HOSTILE}"],
    )


def spots() -> pd.DataFrame:
    """Give one hotspot."""
    frame = pd.DataFrame({name: [UNKNOWN] for name in HOTSPOTS.column_names})
    return frame.assign(
        hotspot_id=["G1"],
        kind=["schools"],
        zone_id=["A"],
        observed=[22.0],
        expected=[8.0],
        ratio=[2.75],
        sentence=[f"One school in Zone A: {HOSTILE}"],
        warning=[""],
    )


def groups() -> gpd.GeoDataFrame:
    """Give a group that is high, and one that rests on officers' work."""
    return gpd.GeoDataFrame(
        {
            "group_id": ["G1", "G2"],
            "status": ["high", "rests_on_officer_initiated"],
            "ratio": [2.75, 2.0],
            "sentence": [HOSTILE, "Officers."],
        },
        geometry=[town.square(300, 300, 700, 700), town.square(1300, 300, 1700, 700)],
        crs=4326,
    )


def clusters() -> gpd.GeoDataFrame:
    """Give a place off campus."""
    return gpd.GeoDataFrame(
        {"cluster_id": ["P1"], "sentence": [HOSTILE]}, geometry=[town.square(900, 100, 1100, 200)], crs=4326
    )


def cells() -> gpd.GeoDataFrame:
    """Give three cells: hot, not hot, and without a value."""
    return gpd.GeoDataFrame(
        {
            "cell_id": ["0-0", "0-1", "0-2"],
            "incidents": [20, 3, 0],
            "student_days": [1e4, 1e4, UNKNOWN],
            "value": [2.0, 0.3, UNKNOWN],
            "z": [3.4, -0.2, UNKNOWN],
            "q_value": [0.004, 0.8, UNKNOWN],
            "is_hot": [True, False, False],
            "stability_share": [0.8, 0.0, 0.0],
        },
        geometry=[town.square(x, 0, x + 500, 500) for x in (0, 500, 1000)],
        crs=4326,
    )


def limits() -> pd.DataFrame:
    """Give the limits of a funnel."""
    expected = np.array([5.0, 10.0, 20.0])
    return pd.DataFrame(
        {
            "expected": expected,
            **{f"low_{n}": 1 - w / np.sqrt(expected) for n, w in (("95", 1.9), ("998", 2.1))},
            **{f"high_{n}": 1 + w / np.sqrt(expected) for n, w in (("95", 1.9), ("998", 3.0))},
        }
    )


def funnel() -> Chart:
    """Draw the funnel of the schools."""
    points = rates().assign(label=lambda t: t["name"])[["expected", "ratio", "status", "label"]]
    return Chart(funnel_chart(points, limits(), title="Schools", description="Every mark is a school."), "Schools")


def bars(*labels: str) -> Chart:
    """Draw rates with their intervals; the last has none."""
    n = len(labels)
    values = np.r_[np.linspace(0.1, 0.4, n - 1), UNKNOWN]
    rows = pd.DataFrame({"label": labels, "value": values, "low": values * 0.7, "high": values * 1.5})
    return Chart(bar_intervals(rows, title="Rates", unit="per 1,000 student-days"), "Rates")


def week() -> tuple[np.ndarray, np.ndarray]:
    """Give the rates and the hours in session of a week from 8 to 15, nothing on Wednesday afternoon."""
    exposure = np.zeros((7, 24))
    exposure[:5, 8:15] = 10.0
    exposure[2, 12:] = 0.0
    values = np.where(exposure > 0, np.arange(24) / 4.0, UNKNOWN)
    return values, exposure


def hours() -> Chart:
    """Draw the week, lunch outlined."""
    return Chart(heat_map(*week(), title="Hours", unit="per 1,000 school-hours", window=((0, 1, 3), 12, 13)), "Hours")


def windows() -> pd.DataFrame:
    """Give the worst hours of two groups; the second has too little data."""
    return pd.DataFrame(
        {
            "by": ["all", "category"],
            "group": ["all", "weapons"],
            "incidents": [120.0, 4.0],
            "weekdays": ["Monday;Tuesday", ""],
            "start_hour": pd.array([12, pd.NA], dtype="Int64"),
            "end_hour": pd.array([13, pd.NA], dtype="Int64"),
            "observed": [40.0, UNKNOWN],
            "expected": [20.0, UNKNOWN],
            "q_value": [0.001, UNKNOWN],
            "status": ["high", "insufficient_data"],
        }
    )


def classes() -> pd.DataFrame:
    """Give what became of one school."""
    return pd.DataFrame({"school_id": ["001"], "class": ["emerging"], "flagged_terms": ["Fall;Spring"]})


def trends() -> SimpleNamespace:
    """Compare two terms: a zone without a ratio, and one that did not clearly change; no school."""
    trend = pd.DataFrame(
        {"school_id": ["001"], "class": ["rising"], "ratio_first_last": [3.0], "incidents": [40], "q_value": [0.01]}
    )
    change = pd.DataFrame(
        {
            "zone_id": ["A", "B"],
            "incidents_before": [0, 3],
            "incidents_after": [9, 1],
            "ratio": [np.nan, 0.3],
            "ratio_low": [np.nan, 0.1],
            "ratio_high": [np.nan, 2.0],
            "p_value": [0.01, 0.6],
            "q_value": [0.02, 0.6],
            "direction": ["rose", "no clear change"],
            "baseline": ["year_before"] * 2,
            "population": ["reported"] * 2,
            "sentence": [""] * 2,
        }
    )
    return SimpleNamespace(
        trends=trend,
        classes=classes(),
        baselines={"year_before": "Fall"},
        change_all=change.iloc[:0],
        change_zones=change,
        change_schools=change.iloc[:0].assign(school_id=""),
        left_out_sentence=lambda: "",
        zones_sentence=lambda: "",
    )


def week_of(_group: str = "all") -> pd.DataFrame:
    """Give the week as a table."""
    values, exposure = week()
    return pd.DataFrame(
        {
            "weekday": np.repeat(range(7), 24),
            "hour": np.tile(range(24), 7),
            "school_hours": exposure.ravel(),
            "rate_per_1000_h": values.ravel(),
        }
    )


def found(**changed: Any) -> SimpleNamespace:
    """Put hotspots together as the step has them."""
    summary = pd.DataFrame({"key": ["A", "B"], **dict.fromkeys(SUMMARY, 1.0), "student_days": 1e4})
    density = SimpleNamespace(values=np.linspace(0, 1, 12).reshape(3, 4), bounds=tuple(town.zones().total_bounds))
    parts = {
        "rates": rates(),
        "groups": groups(),
        "clusters": clusters(),
        "cells": cells(),
        "density": density,
        "spots": spots(),
        "windows": windows(),
    } | changed
    said = {"finding": lambda: "One school in Zone A.", "backtest": SimpleNamespace(summary=lambda: "Set before.")}
    ordinary = SimpleNamespace(expected=(), dispersion=0.0)
    return SimpleNamespace(
        term="Spring",
        spots=parts["spots"],
        zone_shares=pd.DataFrame({"workload_inside_h": [0.0]}),
        schools=SimpleNamespace(
            rates=SimpleNamespace(
                table=parts["rates"], limits=limits(), ordinary=ordinary, summary=lambda: "Rates differ."
            ),
            groups=SimpleNamespace(table=parts["groups"], settings={"simulations": 99_999}),
            by_level=summary.rename(columns={"key": "level"}).assign(level=["elementary", "high"]),
            by_zone=summary.rename(columns={"key": "zone_id"}),
        ),
        places=SimpleNamespace(
            clusters=SimpleNamespace(clusters=parts["clusters"]),
            grid=SimpleNamespace(
                cells=parts["cells"],
                measure="Calls per student-day",
                population="reported",
                summary=lambda: "One school in Zone A.",
            ),
            density=parts["density"],
            repeats=None,
            piles=pd.DataFrame(),
        ),
        hours=SimpleNamespace(
            high=parts["windows"].query("status == 'high'"), windows=parts["windows"], week=week_of, without_time=0
        ),
        trends=trends(),
        **said,
    )


def draw(name: str, *, bare: bool = False, **changed: Any) -> OfflinePage:
    """Draw one of the pages."""
    pages = {"hotspots": hotspot_map, "grid": grid_map, "hours": hour_charts, "trends": trend_tables}
    return pages[name](result(bare=bare, hotspots=found(**changed)))


SUMMARY = (
    "schools",
    "schools_without_rate",
    "reported",
    "reported_without_rate",
    "rate_per_1000",
    "rate_low_per_1000",
    "rate_high_per_1000",
    "ratio",
    "ratio_low",
    "ratio_high",
    "officer_initiated_share",
)
