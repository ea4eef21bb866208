"""The pages in a real browser with the network cut: they draw, ask for nothing, and can be used by everyone."""

import html
import re

import map_town
import pytest
import town
from axe import axe_faults
from playwright.sync_api import expect

from safeschools_geo.pages._index import MapEntry, index_page

pytestmark = pytest.mark.browser
PAGES = ["zones", "history", "rates"]
DRAWN = ".folium-map[data-drawn=true]"


@pytest.fixture
def opened(browser_page, tmp_path):
    """Open a page of the town and wait until it is drawn."""

    def open_page(name, page=None):
        path = (page or map_town.page(name)).save(tmp_path / f"{name}.html")
        opened_page = browser_page.open(path)
        opened_page.wait_for_selector(DRAWN)
        return opened_page

    return open_page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_draws_and_asks_for_nothing(opened, browser_page, name):
    page = opened(name)
    assert browser_page.requests == []
    assert browser_page.errors == []
    assert page.evaluate("performance.getEntriesByName('safeschools-drawn').length") == 1
    assert page.locator(".zone-label").count() == 2
    assert page.locator(".map-note").inner_text() == "SYNTHETIC DATA"


def test_without_layers_and_incidents_a_page_still_draws(opened, browser_page, tmp_path):
    opened("zones", map_town.draw("zones", history=map_town.history(0), bare=True))
    assert browser_page.errors == []
    # Of no incidents there is nothing to draw: a map without dots would say that nothing has happened.
    tab = browser_page.open(map_town.draw("history", history=map_town.history(0), bare=True).save(tmp_path / "h.html"))
    assert "There is no history of incidents" in tab.locator("body").inner_text()
    assert browser_page.errors == []


@pytest.mark.parametrize("name", [*PAGES, "index"])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing(browser, tmp_path, name, width):
    page = index_page([MapEntry("zones.html", "Zones", "West.")], context=map_town.CONTEXT)
    path = (page if name == "index" else map_town.page(name)).save(tmp_path / "page.html")
    # axe is not part of the page: only for it is the page's policy set aside.
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    tab.goto(path.as_uri())
    if name != "index":
        tab.wait_for_selector(DRAWN)
    assert axe_faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_the_facts_stand_without_javascript(browser, tmp_path, name):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(map_town.page(name).save(tmp_path / "page.html").as_uri())
    expect(tab.get_by_text("The map needs JavaScript.")).to_be_visible()
    expect(tab.get_by_role("row", name=re.compile("^West")).first).to_be_visible()
    expect(tab.locator("#filters")).to_be_hidden()
    context.close()


def test_the_keyboard_reaches_the_map_and_moves_it_at_once_where_motion_is_unwanted(opened, browser_page):
    browser_page.page.emulate_media(reduced_motion="reduce")
    page = opened("history")
    focus = "document.activeElement.getAttribute('role')"
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate(focus) == "application":
            break
    assert page.evaluate(focus) == "application"
    chart = page.evaluate("document.querySelector('.folium-map').id")
    before = page.evaluate(f"{chart}.getCenter().lng")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{chart}.getCenter().lng") > before


def test_the_keyboard_filters_and_the_count_follows(opened):
    page = opened("history")
    count = page.locator("#shown-count")
    # The page is of Spring: so are its headline and, at first, its map.
    spring = (map_town.history(200).iloc[1:]["term"] == "Spring").sum()
    expect(count).to_have_text(f"Showing {spring} of 200 incidents.")
    page.get_by_role("checkbox", name="Fall").check()
    expect(count).to_have_text("Showing 199 of 200 incidents.")
    weapons = page.get_by_role("checkbox", name="Weapons")
    weapons.focus()
    page.keyboard.press("Space")
    # Every ninth incident is about weapons: numbers 1, 10, 19 … 199, which are 23.
    expect(count).to_have_text("Showing 176 of 200 incidents.")
    page.get_by_role("button", name="Category: none").press("Enter")
    expect(count).to_have_text("Showing 0 of 200 incidents.")
    page.get_by_role("button", name="Start again").press("Enter")
    expect(count).to_have_text(f"Showing {spring} of 200 incidents.")


def test_every_filter_counts_what_python_counts(opened):
    page = opened("history")
    located = map_town.history(200).iloc[1:]
    count = page.locator("#shown-count")

    expect(count).to_contain_text(f"Showing {(located['term'] == 'Spring').sum()} ")
    page.get_by_role("checkbox", name="Started by an officer").uncheck()
    reported = located[(located["term"] == "Spring") & (located["origin"] == "reported")]
    expect(count).to_contain_text(f"Showing {len(reported)} ")
    page.get_by_role("combobox", name="From").select_option("8")
    page.get_by_role("combobox", name="To").select_option("15")
    in_hours = reported["hour"].between(8, 15)
    expect(count).to_contain_text(f"Showing {(in_hours | reported['hour'].isna()).sum()} ")
    page.get_by_role("checkbox", name="Hour unknown").uncheck()
    expect(count).to_contain_text(f"Showing {in_hours.sum()} ")
    page.get_by_role("combobox", name="From").select_option("22")
    page.get_by_role("combobox", name="To").select_option("5")
    over_midnight = (reported["hour"] >= 22) | (reported["hour"] <= 5)
    expect(count).to_contain_text(f"Showing {over_midnight.sum()} ")


def inked_pixels(page):
    return page.evaluate(
        "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v).length)"
        "(document.querySelector('canvas.packed-points'))"
    )


def test_the_canvas_shows_what_is_ticked(opened):
    page = opened("history")
    dots = inked_pixels(page)
    page.get_by_role("radio", name="Counts of nearby incidents").check()
    counts = inked_pixels(page)
    page.get_by_role("button", name="Category: none").click()
    assert dots > 0
    assert counts not in {0, dots}
    assert inked_pixels(page) == 0


def test_the_browser_reads_the_points_where_they_are(opened):
    page = opened("history")
    located = map_town.history(200).iloc[1:]
    marks = page.evaluate(
        """async () => {
          const id = document.querySelector('script[type="text/plain"]').id;
          const { header } = SafeSchools.read(id.replace(/_points$/, "_header"));
          const points = await SafeSchools.unpack(header, document.getElementById(id).textContent);
          return Array.from(points.x, (x, i) => {
            const { lat, lng } = L.CRS.EPSG3857.pointToLatLng(L.point(x, points.y[i]), 0);
            return [lng, lat, points.codes.hour[i]];
          });
        }"""
    )
    expected = sorted(zip(located.geometry.x, located.geometry.y, located["hour"].fillna(24), strict=True))
    for (lon, lat, hour), (x, y, h) in zip(sorted(map(tuple, marks)), expected, strict=True):
        assert (lon, lat) == (pytest.approx(x, abs=1e-5), pytest.approx(y, abs=1e-5))
        assert hour == h


def test_very_many_points_are_drawn(opened, browser_page):
    page = opened("history", map_town.draw("history", history=map_town.history(30_000)))
    page.get_by_role("checkbox", name="Fall").check()
    page.get_by_role("radio", name="Dots").check()
    assert browser_page.errors == []
    assert inked_pixels(page) > 30_000
    expect(page.locator("#shown-count")).to_have_text("Showing 29,999 of 30,000 incidents.")


def test_a_browser_too_old_says_so(browser_page, tmp_path):
    browser_page.page.add_init_script("delete window.DecompressionStream")
    page = browser_page.open(map_town.page("history").save(tmp_path / "page.html"))
    expect(page.get_by_role("alert")).to_contain_text("This browser is too old to draw the points.")


def test_hostile_names_are_not_run(opened, browser_page):
    zones, schools = town.zones().assign(name=map_town.HOSTILE), map_town.schools().assign(name=map_town.HOSTILE)
    loads = map_town.loads().assign(name=map_town.HOSTILE)
    page = opened("zones", map_town.draw("zones", zones=zones, schools=schools, zone_loads=loads))
    for shape in page.locator("path.leaflet-interactive").all():
        shape.dispatch_event("click", {"clientX": 300, "clientY": 300})
        expect(page.locator(".leaflet-popup-content").first).to_contain_text("<script>")
    assert page.evaluate("window.hacked") is None
    assert browser_page.errors == []
    assert map_town.HOSTILE in page.locator(".zone-label").first.text_content()


def test_a_click_on_a_school_says_its_facts(opened):
    page = opened("zones")
    page.locator("path.leaflet-interactive").last.click(force=True)
    popup = page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text("Quorndale High")
    expect(popup).to_contain_text("Within 0.5 m of an edge that two zones share")


def test_a_map_draws_inside_a_notebook_page(browser_page, tmp_path):
    # The outer page names the scripts of the map inside it, found as a notebook's page finds them.
    shown = map_town.page("history")._repr_html_()
    hashes = " ".join(sorted(set(re.findall(r"'sha256-[A-Za-z0-9+/=]+'", html.unescape(shown)))))
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; frame-src 'self'"
    path = tmp_path / "notebook.html"
    path.write_text(
        f'<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>n</title></head><body>{shown}</body></html>",
        encoding="utf-8",
    )
    page = browser_page.open(path)
    page.frame_locator("iframe").locator(DRAWN).wait_for()
    assert browser_page.errors == []
    assert [url for url in browser_page.requests if not url.startswith("about:")] == []
