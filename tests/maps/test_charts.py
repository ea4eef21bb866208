"""Charts: valid, escaped, complete, and readable."""

import re
from xml.etree import ElementTree as ET

import hotspot_town
import numpy as np
import pandas as pd
import pytest
from map_town import HOSTILE

from safeschools_geo.maps.charts import bar_intervals, funnel_chart, heat_map
from safeschools_geo.maps.palette import RATE_FILLS

SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart):
    return ET.fromstring(chart if isinstance(chart, str) else chart.svg)  # noqa: S314 - our own text


def texts(chart):
    return ["".join(node.itertext()) for node in parsed(chart).iter(f"{SVG}text")]


@pytest.mark.parametrize("chart", [hotspot_town.funnel(), hotspot_town.hours(), hotspot_town.bars("West", HOSTILE)])
def test_every_chart_is_valid_named_and_escaped(chart):
    root = parsed(chart)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert "<script" not in chart.svg
    assert "onerror=" not in re.sub(r">[^<]*<", "><", chart.svg)
    assert "http" not in chart.svg.replace("http://www.w3.org/2000/svg", "")
    assert "<figcaption>" in chart._repr_html_()


def test_funnel_draws_every_school_with_a_rate_and_names_those_that_stand_out():
    chart = hotspot_town.funnel()
    told = ["".join(t.itertext()) for t in parsed(chart).iter(f"{SVG}title")]
    assert len(told) == 2
    assert "Second" in texts(chart)
    assert any("high after all looking" in t for t in texts(chart))


def test_labels_stay_in_the_frame_and_off_each_other():
    n = 30
    points = pd.DataFrame(
        {
            "expected": np.linspace(5, 6, n),
            "ratio": np.linspace(2, 2.2, n),
            "status": "high",
            "label": [f"A school with a long name {i}" for i in range(n)],
        }
    )
    chart = funnel_chart(points, hotspot_town.limits(), title="t", description="d")
    labels = [t for t in parsed(chart).iter(f"{SVG}text") if (t.text or "").startswith("A school")]
    boxes = [(float(t.get("x")), float(t.get("y")), 7.4 * len(t.text)) for t in labels]
    assert 0 < len(boxes) < n
    for i, (x, y, width) in enumerate(boxes):
        assert x >= 0
        assert x + width <= 760
        assert all(abs(y - b) >= 16 or x + width <= a or a + w <= x for a, b, w in boxes[:i])


def test_heat_map_has_a_number_in_every_hour_in_session_and_hatches_the_others():
    root = parsed(hotspot_town.hours())
    told = ["".join(t.itertext()) for t in root.iter(f"{SVG}title")]
    assert len(told) == 5 * 7
    assert sum("not in session" in t for t in told) == 3
    assert "Wednesday 12:00: not in session" in told
    assert "Monday 14:00: 3.5" in told
    outlines = [r for r in root.iter(f"{SVG}rect") if r.get("stroke") == "#7a0019" and r.get("stroke-width") == "4"]
    # Monday and Tuesday follow each other, Thursday stands alone.
    assert len(outlines) == 2


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_numbers_can_be_read_on_their_fills():
    values = np.tile(np.linspace(0, 10, 24), (7, 1))
    root = parsed(heat_map(values, np.ones((7, 24)), title="t", unit="u"))
    seen = set()
    for group in root.iter(f"{SVG}g"):
        box, number = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        light, dark = sorted((luminance(box.get("fill")), luminance(number.get("fill"))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
        seen.add(box.get("fill"))
    assert seen <= set(RATE_FILLS)
    assert len(seen) >= 4


def test_bars_say_what_is_missing_and_scale_to_the_largest():
    chart = hotspot_town.bars("West", "East", "None")
    assert "no rate" in texts(chart)
    assert "0.40 (0.28–0.60)" in texts(chart)
    empty = bar_intervals(pd.DataFrame({"label": [], "value": [], "low": [], "high": []}), title="t", unit="u")
    assert parsed(empty).get("role") == "img"


def test_nothing_to_draw_is_said():
    points = pd.DataFrame({"expected": [], "ratio": [], "status": [], "label": []})
    assert "No school has a rate." in texts(funnel_chart(points, hotspot_town.limits(), title="t", description="d"))
    assert "No hour is in session." in texts(heat_map(np.zeros((7, 24)), np.zeros((7, 24)), title="t", unit="u"))
