"""The page of two terms in a real browser with the network cut, and what stands in it."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from axe import axe_faults
from map_town import HOSTILE, settings
from playwright.sync_api import expect
from test_charts import parsed, texts
from test_coverage_pages import rows_of

from safeschools_geo.pages._compare import comparison_page, two_terms_chart

TERMS = ("Fall", "Spring")
UNKNOWN = float("nan")


def rated(**named):
    """Give rates of two rows: the first rose, the second has no enrollment."""
    measures = {
        "incidents": ([4, 3], [30, 2]),
        "rate_per_1000": ([1.5, UNKNOWN], [10.0, UNKNOWN]),
        "rate_low_per_1000": ([0.4, UNKNOWN], [6.7, UNKNOWN]),
        "rate_high_per_1000": ([3.8, UNKNOWN], [14.3, UNKNOWN]),
        "officer_initiated_share": ([0.1, 0.0], [0.2, UNKNOWN]),
    }
    sides = {f"{name}_{side}": values[i] for name, values in measures.items() for i, side in enumerate(SIDES)}
    tested = {
        "ratio": [6.75, UNKNOWN],
        "ratio_low": [2.4, UNKNOWN],
        "ratio_high": [np.inf, UNKNOWN],
        "p_value": [0.0001, UNKNOWN],
        "q_value": [0.0002, UNKNOWN],
        "direction": ["rose", "insufficient_data"],
    }
    return pd.DataFrame({**sides, **tested, **named})


SIDES = ("before", "after")


def rezoned(*, is_same):
    same = {f"same_schools_{name}": [2.0, UNKNOWN] for name in ("ratio", "ratio_low", "ratio_high", "q_value")}
    return rated(name=[HOSTILE, "East"], has_same_schools=[is_same, True], **same)


def loads(*, from_zones=0.0):
    sides = {"schools": [1, 2], "workload_h": [1.5, 2.5], "share_of_mean": [0.75, 1.25]}
    frame = pd.DataFrame({"zone_id": ["A", "B"], "name": [HOSTILE, "East"], "difference_h": [-1.25, 0.0]})
    frame = frame.assign(from_zones_h=[from_zones, 0.0], from_work_h=[-1.25 - from_zones, 0.0])
    return frame.assign(**{f"{name}_{side}": values for name, values in sides.items() for side in SIDES})


def moves(number=1):
    rows = {"name": [HOSTILE], "level": ["high"], "in_program": [True], "zone_before": ["A"], "zone_after": [""]}
    return pd.DataFrame(rows).head(number)


def hotspots():
    told = {
        "status_change": ["emerged", "insufficient_data"],
        "sentence": [HOSTILE, "Second."],
        "warning": ["Beware.", ""],
    }
    return rated(name=[HOSTILE, "Second"], of_expected_before=[1.0, 2.0], of_expected_after=[3.0, UNKNOWN], **told)


def draw(**changed):
    school = {"name": [HOSTILE, "Second"], "level": ["high", "k8"], "zone_after": ["A", ""]}
    given = {
        "moves": moves(),
        "loads": loads(from_zones=-1.0),
        "overall": rated().head(1),
        "rates": rezoned(is_same=False),
        "levels": rated(level=["elementary", "high"]),
        "hotspots": hotspots(),
        "schools": rated(status_change=["emerged", "insufficient_data"], **school),
    }
    given |= {"cautions": ["Officers changed."], "notes": ["Read this."], "statements": lambda: [HOSTILE]} | changed
    return comparison_page(
        SimpleNamespace(
            term_a=settings().term("Fall"),
            term_b=settings().term("Spring"),
            settings=settings(),
            finding=lambda: "West rose.",
            zones_sentence=lambda: "Not known.",
            imbalances=(0.1, 0.25),
            counts={"emerged": 1, "faded": 0, "persisted": 0, "schools_that_changed_zone": None},
            days=(10, 10),
            seed=0,
            moved=given.pop("moves"),
            **given,
        )
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return draw().save(tmp_path_factory.mktemp("compare") / "compare.html")


@pytest.mark.browser
def test_the_page_asks_for_nothing_and_is_marked(browser_page, file):
    page = browser_page.open(file)
    assert browser_page.requests == []
    assert browser_page.errors == []
    assert page.evaluate("window.hacked") is None
    expect(page.get_by_text("Confidential – internal use")).to_be_visible()
    expect(page.get_by_text("SYNTHETIC DATA")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("What changed from Fall to Spring")
    expect(page.locator(".problem")).to_have_text("Officers changed.")
    for link in page.get_by_role("navigation").get_by_role("link").all():
        expect(page.locator(link.get_attribute("href"))).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_wide_or_narrow(browser, file, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert axe_faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.browser
def test_the_facts_stand_without_javascript(browser, file):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert tab.locator("script").count() == 0
    expect(tab.get_by_role("row", name=re.compile("^Second")).first).to_be_visible()
    context.close()


def test_every_hotspot_has_its_test_beside_it():
    rows = rows_of(draw().html, "Hotspots of the two terms")
    shown = [cell.replace("\u00a0", " ").replace("\u2060", "") for cell in rows[0][1:5]]
    assert shown == ["emerged", "rose", "6.75 (2.40–∞)", "&lt; 0.001"]
    assert rows[0][5].endswith("Beware.")
    assert rows[1][1:5] == ["not enough data to say", "too few to compare", "–", "–"]


def test_clear_changes_are_marked_and_said():
    html = draw().html
    assert html.count('<tr class="marked">') == 5  # a hotspot, a zone, all schools, a level, a school
    assert "▲ rose" in html


def test_other_schools_are_distinguished_only_where_zones_changed():
    rezoned_page = draw().html
    assert "Of it, other schools" in rezoned_page
    assert rows_of(rezoned_page, "Officer-hours per school day")[0][5:8] == ["−1.25", "−1.00", "−0.25"]
    assert "Ratio at the schools of Spring" in rezoned_page
    same = draw(loads=loads(), rates=rezoned(is_same=True), moves=moves(0)).html
    assert "Of it, other schools" not in same
    assert "Ratio at the schools of Spring" not in same
    assert "Not known." in same


def test_with_nothing_to_say_the_page_still_stands():
    html = draw(hotspots=hotspots().head(0), cautions=[], notes=[], statements=list).html
    assert "No school that could be judged, and no group, is high in either term." in html
    assert "problem caution" not in html
    assert "<h2 id=" in html


def chart(rows):
    return two_terms_chart(rows, terms=TERMS, title="Rates <b>", unit="per 1,000")


def rows(**changed):
    given = {
        "label": [HOSTILE, "East"],
        "direction": ["fell", "insufficient_data"],
        "value_before": [0.25, UNKNOWN],
        "low_before": [0.2, UNKNOWN],
        "high_before": [0.3, UNKNOWN],
        "value_after": [0.1, 0.2],
        "low_after": [0.0, 0.1],
        "high_after": [0.15, 0.5],
    }
    return pd.DataFrame({**given, **changed})


def test_the_chart_has_two_dots_a_row_with_their_intervals():
    root = parsed(chart(rows()))
    assert root.get("role") == "img"
    assert root.get("aria-label").startswith("Rates <b>. In each row a hollow dot for Fall and a filled dot for Spring")
    told = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}title")]
    assert told[0].endswith(", Fall: 0.250 (0.200–0.300) per 1,000; ▼ fell")
    assert len(told) == 3  # one of the four rates is unknown
    # The axis ends at 0.5: 0.25 lies in the middle of the 400 that run from 210 on.
    dot = root.findall(".//{http://www.w3.org/2000/svg}g/{http://www.w3.org/2000/svg}circle")[0]
    assert float(dot.get("cx")) == pytest.approx(210 + 400 / 2)
    words = texts(chart(rows()))
    assert {"0.25 → 0.10", "– → 0.20", "▼ fell", "too few", "no rate"} <= set(words)


def test_a_chart_without_any_rate_is_still_a_chart():
    unknown = {f"{name}_{side}": [UNKNOWN] * 2 for name in ("value", "low", "high") for side in SIDES}
    assert texts(chart(rows(**unknown))).count("no rate") == 4
    assert parsed(chart(rows().head(0))).get("role") == "img"
