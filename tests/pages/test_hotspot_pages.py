"""The hotspot pages in a real browser with the network cut, and what stands in them."""

import hotspot_town
import pytest
from axe import axe_faults
from playwright.sync_api import expect
from test_map_browser import DRAWN

pytestmark = pytest.mark.browser
MAPS, CHARTS = ("hotspots", "grid"), ("hours", "trends")


@pytest.mark.parametrize("name", [*MAPS, *CHARTS])
def test_a_page_draws_and_asks_for_nothing(browser_page, tmp_path, name):
    page = browser_page.open(hotspot_town.draw(name).save(tmp_path / "page.html"))
    if name in MAPS:
        page.wait_for_selector(DRAWN)
    assert browser_page.requests == []
    assert browser_page.errors == []
    assert page.evaluate("window.hacked") is None
    expect(page.get_by_text("SYNTHETIC DATA").first).to_be_visible()


@pytest.mark.parametrize("name", [*MAPS, *CHARTS])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing(browser, tmp_path, name, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    tab.goto(hotspot_town.draw(name).save(tmp_path / "page.html").as_uri())
    if name in MAPS:
        tab.wait_for_selector(DRAWN)
    assert axe_faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("name", [*MAPS, *CHARTS])
def test_the_facts_stand_without_javascript(browser, tmp_path, name):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(hotspot_town.draw(name).save(tmp_path / "page.html").as_uri())
    expect(tab.locator(".finding")).to_be_visible()
    assert tab.locator("table").count() >= 1
    context.close()


def test_areas_say_their_sentence_and_pictures_stay_behind(browser_page, tmp_path):
    page = browser_page.open(hotspot_town.draw("hotspots").save(tmp_path / "page.html"))
    page.wait_for_selector(DRAWN)
    assert page.locator(".area-label").all_inner_texts() == ["P1", "2.8 × expected", "officers’ own work"]
    page.locator("path[stroke='#7a0019']").first.click(position={"x": 10, "y": 10})
    expect(page.locator(".leaflet-popup")).to_contain_text("G1")


def test_bare_pages_with_nothing_found_still_draw(browser_page, tmp_path):
    empty = hotspot_town.draw(
        "hotspots",
        bare=True,
        groups=hotspot_town.groups().iloc[:0],
        clusters=hotspot_town.clusters().iloc[:0],
        spots=hotspot_town.spots().iloc[:0],
    )
    browser_page.open(empty.save(tmp_path / "page.html")).wait_for_selector(DRAWN)
    assert browser_page.errors == []
    assert "None" in empty.html


def test_a_grid_without_a_hot_cell_lists_its_highest():
    cold = hotspot_town.draw("grid", cells=hotspot_town.cells().assign(is_hot=False), density=None)
    assert "No cell is hot: the ten with the highest values" in cold.html
    assert "Hot with its neighbors" not in cold.html


def test_a_change_without_a_ratio_and_hours_not_judged_are_printed():
    trends = hotspot_town.draw("trends").html
    assert "∞" not in trends
    assert "not clearly more than chance" in trends
    assert "not judged: too few" in hotspot_town.draw("hours").html
