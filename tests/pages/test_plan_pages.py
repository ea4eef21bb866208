"""The page of a proposed plan, in a real browser and in its bytes."""

import geopandas as gpd
import map_town
import pandas as pd
import plan_town
import pytest
import town
from axe import axe_faults
from playwright.sync_api import expect
from shapely import LineString
from test_map_browser import DRAWN

from safeschools_geo.drawing import zone_signs
from safeschools_geo.pages._map_layers import unit_names
from safeschools_geo.pages._plan import frontier_chart, frontier_table, plan_map
from safeschools_geo.pages._what_if import what_if_map
from safeschools_geo.rebalance import certificate_text
from safeschools_geo.results import TermPlan

FIRST_LABELS = ".plan-label strong"


@pytest.mark.browser
def test_the_page_draws_asks_for_nothing_and_shows_each_view(browser_page, tmp_path):
    page = browser_page.open(plan_town.review().save(tmp_path / "page.html"))
    page.wait_for_selector(DRAWN)
    assert page.locator(FIRST_LABELS).all_inner_texts() == ["1 → 2", "West", "Middle", "East"]
    page.get_by_role("radio", name="The zones of today").check()
    expect(page.locator(FIRST_LABELS)).to_have_text(["West", "Middle", "East"])
    page.locator("path.leaflet-interactive").nth(1).click()
    expect(page.locator(".leaflet-popup")).to_contain_text("Proposed: Middle")
    assert browser_page.requests == []
    assert browser_page.errors == []
    assert page.evaluate("window.hacked") is None


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing(browser, tmp_path, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(plan_town.review().save(tmp_path / "page.html").as_uri())
    page.wait_for_selector(DRAWN)
    assert axe_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


RIVER = gpd.GeoDataFrame(geometry=[LineString([town.place(1000, y) for y in (-100, 400, 1100)])], crs=4326)
DRAWERS = {"zones": map_town.zones_map, "plan": plan_map, "what_if": what_if_map}


@pytest.mark.browser
@pytest.mark.parametrize("name", DRAWERS)
def test_a_barrier_is_drawn_and_explained(browser, tmp_path, name):
    drawer = DRAWERS[name]
    result = map_town.result if name == "zones" else plan_town.result
    html = drawer(result(barriers=RIVER)).html
    assert html.count("Barrier: crossed at roads only") == 1
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(drawer(result(barriers=RIVER)).save(tmp_path / "page.html").as_uri())
    page.wait_for_selector(DRAWN)
    # A white line, the line itself, and the ticks across, which no other line has.
    lines = page.locator(".leaflet-barriers-pane path")
    assert [line.get_attribute("stroke-dasharray") for line in lines.all()] == [None, None, "2 9"]
    assert axe_faults(page) == []
    context.close()
    # Where there is none, or one without a line, nothing is said of it.
    without = drawer(result()).html
    assert without == drawer(result(barriers=RIVER.iloc[:0])).html
    assert "Barrier:" not in without
    assert "-barriers-" not in without


def test_the_pictures_of_a_plan_show_a_barrier_as_the_map_does():
    with_one, without = (plan_town.review(barriers=layer).html for layer in (RIVER, None))
    assert with_one.count('stroke-dasharray="1.5 6.5"') == 3
    assert 'stroke-dasharray="1.5 6.5"' not in without
    beyond = RIVER.set_geometry(RIVER.translate(1), crs=4326)
    assert 'stroke-dasharray="1.5 6.5"' not in plan_town.review(barriers=beyond).html


def test_a_forecast_is_marked_as_one():
    told = "Loads are a forecast, not the record: Ash opens."
    for drawer, places in ((plan_town.review, 1), (plan_town.what_if, 1)):
        html = drawer(forecast=("Ash opens",)).html
        assert html.count(told) == places
        assert "Load of each zone: officer-hours per school day, a forecast" in html
        assert "The map has the schools on record: one that is to close is still on it" in html
        assert "forecast" not in drawer().html
        assert "on record: one" not in drawer().html
    assert plan_town.review(forecast=("Ash opens",), notes=(told, "Else.")).html.count(told) == 1


@pytest.mark.browser
def test_pictures_and_facts_stand_without_javascript(browser, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(plan_town.review().save(tmp_path / "page.html").as_uri())
    expect(page.get_by_text("One school moves.")).to_be_visible()
    assert page.locator(".statements li").all_inner_texts() == [
        "It costs travel.",
        certificate_text(plan_town.CERTIFICATE),
        "Holds up in 91% of terms.",
    ]
    assert page.locator(".pictures svg").count() == 3
    expect(page.locator(".pictures svg").last).to_contain_text("1 → 2")
    expect(page.locator("#views")).to_be_hidden()
    context.close()


def test_tables_hold_the_facts():
    html = plan_town.review().html
    assert '<th scope="row">Imbalance</th>' in html
    assert '<td>298.3%</td><td>298.2%</td><td class="words">proposed</td>' in html
    assert "Not scored: Response (no coverage)." in html
    assert "<td>1.00%</td>" not in html
    assert "No: gap 5.00 points" in html
    assert "<script>window.hacked" not in html
    assert plan_town.review().html == html


def test_a_plan_without_moves_is_a_page_all_the_same():
    units = plan_town.units()
    today = pd.Series(units["zone_id"].to_numpy(), index=units["unit_id"])
    html = plan_town.review(plan=today, changes=plan_town.moves().iloc[:0], bare=True).html
    assert '<th scope="row">Nothing</th>' in html
    # The words that the finding needs are explained on its page.
    assert "Imbalance: how far the zone whose load is farthest from the mean is away from it." in html
    assert "District boundary" not in html
    # Two like pictures would ask the reader to find a difference.
    assert "Today, imbalance" in html
    assert "Proposed, imbalance" not in html


def test_where_nothing_is_proposed_the_page_says_why():
    result = plan_town.map_town.result(proposal=TermPlan.nothing("There is only one zone."))
    assert "There is only one zone." in plan_map(result).html
    assert "There is only one zone." in what_if_map(result).html


def drawn(frontier=None, **options):
    frontier = plan_town.frontier() if frontier is None else frontier
    return frontier_chart(frontier, title="Frontier", description="Dots.", **options)


def test_proven_points_are_filled_others_hollow_above_their_bound():
    svg = drawn(proposed=1, chosen=2)
    assert svg.count('r="5.5" fill="#2574ad"') == 2 + 1  # and once in the legend
    assert svg.count('r="5.5" fill="#ffffff"') == 1 + 1
    assert "stroke-dasharray" in svg
    assert "2 moves: imbalance 15.00%, no plan is below 10.00%" in svg
    assert "proposed: 1 move, 20.0%" in svg
    assert "this plan: 2 moves, 15.0%" in svg


def test_a_frontier_that_is_proven_needs_no_band():
    svg = drawn(plan_town.frontier().iloc[:2], proposed=1, chosen=1)
    assert "stroke-dasharray" not in svg
    assert "proposed and this plan: 1 move, 20.0%" in svg
    assert "not proven" not in svg


def test_a_frontier_without_points_bounds_or_imbalance_is_drawn():
    assert "No point of the frontier was found." in drawn(plan_town.frontier().iloc[:0])
    unknown = plan_town.frontier().assign(bound=float("nan"), is_proven=False, imbalance=0.0)
    assert "stroke-dasharray" not in drawn(unknown.iloc[:1], proposed=5)
    assert frontier_table(unknown).rows[0][2] == "–"


def test_zones_are_distinguished_without_color():
    signs = zone_signs(plan_town.zones())
    assert [sign.short for sign in signs] == plan_town.ZONE_IDS
    assert len({sign.fill for sign in signs}) == 4
    renamed = plan_town.zones().assign(zone_id=["North-1", "North-2", "North-3", "North-4"])
    assert [sign.short for sign in zone_signs(renamed)] == ["1", "2", "3", "4"]
    many = pd.concat([plan_town.zones()] * 3, ignore_index=True)
    many["zone_id"] = [str(i) for i in range(12)]
    assert len(zone_signs(many.set_crs(4326, allow_override=True))) == 12


def test_names_that_occur_twice_carry_their_id():
    units = pd.DataFrame({"unit_id": ["1", "2", "3"], "name": ["Ash", "Ash", None]})
    assert unit_names(units) == ["Ash (1)", "Ash (2)", "3"]
    assert unit_names(units[["unit_id"]]) == ["1", "2", "3"]
