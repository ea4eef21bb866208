"""Charts: valid, escaped, complete, and readable."""

import re
from xml.etree import ElementTree as ET

import hotspot_town
import numpy as np
import pandas as pd
import pytest
from map_town import HOSTILE

from safeschools_geo.drawing import RATE_FILLS
from safeschools_geo.errors import InputError
from safeschools_geo.pages._charts import bar_intervals, funnel_chart, heat_map

SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart):
    return ET.fromstring(chart if isinstance(chart, str) else chart.svg)  # noqa: S314 - our own text


def texts_of(root):
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def texts(chart):
    return texts_of(parsed(chart))


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


def box_of(label):
    """Where a label lies, by the width that the chart reckons with."""
    x, y, width = float(label.get("x")), float(label.get("y")), 7.4 * len(label.text)
    left = x - {"start": 0, "middle": width / 2, "end": width}[label.get("text-anchor")]
    return left, y - 12, left + width, y + 4


def meet(a, b):
    return a[0] < b[2] - 0.1 and b[0] < a[2] - 0.1 and a[1] < b[3] - 0.1 and b[1] < a[3] - 0.1


@pytest.mark.parametrize(("n", "low", "high", "named"), [(30, 5, 6, 10), (8, 2, 60, 6), (4, 5, 6, 4), (1, 50, 50, 1)])
def test_labels_stay_in_the_frame_and_off_each_other(n, low, high, named):
    points = pd.DataFrame(
        {
            "expected": np.linspace(low, high, n),
            "ratio": np.linspace(2, 2.2, n),
            "status": "high",
            "label": [f"A school with a really long name {i}" for i in range(n)],
        }
    )
    chart = funnel_chart(points, hotspot_town.limits(), title="t", description="d")
    boxes = [box_of(t) for t in parsed(chart).iter(f"{SVG}text") if (t.text or "").startswith("A school")]
    assert named <= len(boxes) <= n
    for i, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[2] <= 760
        assert not any(meet(box, other) for other in boxes[:i])


def test_a_name_keeps_clear_of_other_schools_where_it_can():
    # Another school stands where the name would be written first, to the right.
    points = pd.DataFrame(
        {
            "expected": [10.0, 11.0, 3.0, 40.0],
            "ratio": [2.0, 2.0, 1.0, 1.0],
            "status": ["high", "not_high", "not_high", "not_high"],
            "label": ["North", "South", "East", "West"],
        }
    )
    root = parsed(funnel_chart(points, hotspot_town.limits(), title="t", description="d"))
    (name,) = [t for t in root.iter(f"{SVG}text") if t.text == "North"]
    (south,) = [g for g in root.iter(f"{SVG}g") if g.findtext(f"{SVG}title", "").startswith("South")]
    circle = south.find(f"{SVG}circle")
    x, y = float(circle.get("cx")), float(circle.get("cy"))
    assert not meet(box_of(name), (x - 4.5, y - 4.5, x + 4.5, y + 4.5))


@pytest.mark.parametrize(("low", "high", "most"), [(0.4, 900, 3), (5.5, 8.5, 2), (7, 7, 14), (2, 30, 45)])
def test_funnel_has_a_scale_whatever_the_numbers_and_stays_in_its_frame(low, high, most):
    points = pd.DataFrame({"expected": [low, high], "ratio": [0.0, most], "status": "not_high", "label": ["a", "b"]})
    x = np.geomspace(0.1, 2000, 80)
    wide = pd.DataFrame(
        {
            "expected": x,
            **{f"low_{n}": np.maximum(0, 1 - w / np.sqrt(x)) for n, w in (("95", 2), ("998", 3))},
            **{f"high_{n}": 1 + w / np.sqrt(x) for n, w in (("95", 2), ("998", 3))},
        }
    )
    root = parsed(funnel_chart(points, wide, title="t", description="d"))
    ticks = [t.text for t in root.iter(f"{SVG}text")]
    heights = [float(t.get("y")) for t in root.iter(f"{SVG}text") if (t.text or "").endswith(" ×")]
    assert sum(t.replace(",", "").replace(".", "").isdigit() for t in ticks) >= 1
    assert all(b - a >= 14 for a, b in zip(sorted(heights), sorted(heights)[1:], strict=False))
    limits = [p for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "1.5"]
    assert limits
    for line in limits:
        places = np.array(re.findall(r"([\d.-]+),([\d.-]+)", line.get("d")), dtype=float)
        assert places[:, 0].min() >= 55.9
        assert places[:, 0].max() <= 694.1
        assert places[:, 1].min() >= 29.9
        assert places[:, 1].max() <= 382.1
    words = [t for t in root.iter(f"{SVG}text") if t.text in ("95 %", "99.8 %")]
    assert len(words) == 2
    assert abs(float(words[0].get("y")) - float(words[1].get("y"))) >= 14


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


def test_hatching_is_explained_and_a_missing_rate_is_not_hatched():
    values, exposure = hotspot_town.week()
    values[0, 9] = np.nan
    root = parsed(heat_map(values, exposure, title="Week", unit="u"))
    (pattern,) = root.iter(f"{SVG}pattern")
    hatched = [r for r in root.iter(f"{SVG}rect") if r.get("fill") == f"url(#{pattern.get('id')})"]
    # Three hours of Wednesday afternoon, and the sign in the legend.
    assert len(hatched) == 4
    assert "not in session" in texts_of(root)
    assert "Monday 9:00: no rate" in ["".join(t.itertext()) for t in root.iter(f"{SVG}title")]
    whole = parsed(heat_map(values, np.ones((7, 24)), title="Whole", unit="u"))
    assert "not in session" not in texts_of(whole)
    assert [p.get("id") for p in whole.iter(f"{SVG}pattern")] != [pattern.get("id")]


def test_a_weekend_is_shown_only_where_it_is_in_session():
    values, exposure = hotspot_town.week()
    assert "Saturday" not in texts_of(parsed(heat_map(values, exposure, title="t", unit="u")))
    exposure[5, 10] = 1
    assert "Saturday" in texts_of(parsed(heat_map(values, exposure, title="t", unit="u")))
    with pytest.raises(InputError, match="no week"):
        heat_map(values[:5], exposure[:5], title="t", unit="u")


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


def test_bars_with_too_little_data_are_hollow_and_the_district_is_a_line():
    rows = pd.DataFrame(
        {
            "label": ["A zone with a name much too long to print", "Few"],
            "value": [0.2, 0.3],
            "low": [0.1, 0.0],
            "high": [0.3, np.inf],
            "status": ["not_high", "insufficient_data"],
        }
    )
    root = parsed(bar_intervals(rows, title="t", unit="u", reference=0.25))
    assert [c.get("fill") for c in root.iter(f"{SVG}circle")] == ["#2574ad", "#ffffff"]
    assert "district: 0.25" in texts_of(root)
    assert "A zone with a name much t…" in texts_of(root)
    told = ["".join(t.itertext()) for t in root.iter(f"{SVG}title")]
    assert told[0] == "A zone with a name much too long to print: 0.20 (0.10–0.30) u"
    places = [float(v) for p in root.iter(f"{SVG}path") for v in re.findall(r"[MH]([\d.]+)", p.get("d"))]
    assert max(places) <= 630


def test_nothing_to_draw_is_said():
    points = pd.DataFrame({"expected": [], "ratio": [], "status": [], "label": []})
    assert "No school can be compared with others." in texts(
        funnel_chart(points, hotspot_town.limits(), title="t", description="d")
    )
    assert "No hour is in session." in texts(heat_map(np.zeros((7, 24)), np.zeros((7, 24)), title="t", unit="u"))
