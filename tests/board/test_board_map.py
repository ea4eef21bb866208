"""The map and the charts of the packet: hatched where nothing may be reported, vector on paper, used by keyboard."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import board_town
import numpy as np
import pytest
import shapely
import town
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from shapely.geometry import LineString, box

from safeschools_geo.board._chapters import draw_packet
from safeschools_geo.board._charts import Point, count_bars, rate_panel, top_of
from safeschools_geo.board._map import Area, Mark, hatch, hatch_sign, path_of, zone_map
from safeschools_geo.board._tables import shortened

SVG = "{http://www.w3.org/2000/svg}"
AREAS = [
    Area("A", "West", town.square(0, 0, 1000, 1000), "1.60", "#253494"),
    Area("B", "East <of> here", town.square(1000, 0, 2000, 1000), "withheld", "#41b6c4", "withheld"),
]
MARKS = [
    Mark("Plimwick Elementary", "elementary", "A", town.place(500, 400)),
    Mark("Quorndale High", "high", "B", town.place(1500, 400)),
]
READY = ".map[data-ready=true]"


def drawn(areas=AREAS, **options):
    return ET.fromstring(zone_map(areas, name="m", title="A map", **options))  # noqa: S314 - our own drawing


def points_of(path):
    return [tuple(map(float, pair.split(","))) for pair in re.findall(r"[\d.-]+,[\d.-]+", path)]


def group(svg, zone_id):
    return svg.find(f".//{SVG}g[@data-zone='{zone_id}']")


# The picture


def test_a_zone_without_a_figure_is_hatched_and_has_no_color():
    svg = drawn()
    outline, lines = group(svg, "B").findall(f"{SVG}path")
    assert outline.get("fill") == "#ffffff"
    assert lines.get("fill") == "none"
    assert [path.get("fill") for path in group(svg, "A").findall(f"{SVG}path")] == ["#253494"]


def test_hatching_stays_inside_its_zone():
    shape = shapely.Polygon([(10, 10), (90, 20), (60, 50), (95, 90), (5, 80)])
    lines = re.findall(r"M([\d.,-]+)L([\d.,-]+)", hatch(shape, "withheld"))
    ends = [LineString([tuple(map(float, end.split(","))) for end in line]) for line in lines]
    # Lines every 7 units at 45° over a shape some 90 wide and 80 tall.
    assert 10 < len(ends) < 40
    # Coordinates are written with one decimal.
    assert all(shape.buffer(0.11).covers(line) for line in ends)


def test_the_two_hatches_differ():
    shape = box(0, 0, 100, 100)
    assert hatch(shape, "withheld") != hatch(shape, "unknown")
    assert hatch_sign("withheld") != hatch_sign("unknown")


def test_neighbors_still_share_their_edge_when_corners_are_left_out():
    border = [(0.0, y) for y in np.linspace(0, 1, 300)]
    wavy = [(0.002 * np.sin(40 * y), y) for _, y in border]
    west = shapely.Polygon([(-1, 0), *wavy, (-1, 1)])
    east = shapely.Polygon([(1, 0), *wavy, (1, 1)])
    svg = drawn([Area("A", "West", west), Area("B", "East", east)])
    rings = [points_of(group(svg, i).find(f"{SVG}path").get("d")) for i in "AB"]
    shared = set(rings[0]) & set(rings[1])
    # Each outline has two corners of its own, and nothing but the border besides.
    assert [len(set(ring) - shared) for ring in rings] == [2, 2]
    assert 2 < len(shared) < 300


def test_a_zone_keeps_its_shape_on_the_map():
    # Two squares of one kilometer side by side: the picture is twice as wide as tall, but for the squeeze of a degree.
    ring = points_of(group(drawn(), "A").find(f"{SVG}path").get("d"))
    (x0, y0), (x1, y1) = np.min(ring, axis=0), np.max(ring, axis=0)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(1, abs=0.05)
    assert x1 == pytest.approx(760 / 2, abs=8)


def test_schools_lie_where_they_are_with_the_sign_of_their_level():
    svg = drawn(marks=MARKS)
    marks = [g for g in svg.iter(f"{SVG}g") if g.get("class") == "mark"]
    places = [points_of(g.get("transform"))[0] for g in marks]
    # In the middle of their squares, 400 m of 1000 above the lower edge.
    middles = [shapely.Polygon(points_of(group(svg, i).find(f"{SVG}path").get("d"))).centroid for i in "AB"]
    assert [x for x, _ in places] == pytest.approx([point.x for point in middles], abs=2)
    assert all(y > middle.y for (_, y), middle in zip(places, middles, strict=True))
    shapes = [g.find(f".//{SVG}path") for g in marks]
    assert [s.get("fill") for s in shapes] == ["#ffffff", "#d55e00"]
    assert shapes[0].get("d") != shapes[1].get("d")


def test_names_of_schools_wait_until_they_are_asked_for():
    names = [g for g in drawn(marks=MARKS).iter(f"{SVG}g") if g.get("class") == "name"]
    assert [g.get("display") for g in names] == ["none", "none"]


def test_labels_stand_over_a_copy_of_themselves_in_the_color_behind_them():
    labels = [g for g in drawn().iter(f"{SVG}g") if g.get("class") == "label"]
    for label, halo in zip(labels, ["#253494", "#ffffff"], strict=True):
        under, over, *_ = label.iter(f"{SVG}text")
        assert under.text == over.text
        assert (under.get("stroke"), under.get("aria-hidden")) == (halo, "true")
        assert over.get("stroke") is None


def test_a_label_lies_inside_its_zone_and_off_its_schools():
    marks = [Mark("S", "other", "A", town.place(500, 500))]
    svg = drawn(marks=marks)
    label = next(g for g in svg.iter(f"{SVG}g") if g.get("class") == "label")
    mark = next(g for g in svg.iter(f"{SVG}g") if g.get("class") == "mark")
    (x, y), (u, v) = (points_of(g.get("transform"))[0] for g in (label, mark))
    zone = shapely.Polygon(points_of(group(svg, "A").find(f"{SVG}path").get("d")))
    # Two lines of 17 and "West" of four letters.
    assert zone.contains(box(x - 16, y - 17, x + 16, y + 17))
    assert abs(x - u) > 16 or abs(y - v) > 17


def test_names_are_text_and_long_ones_are_shortened():
    told = zone_map([Area("A", "<b>" + "long " * 2000, town.square(0, 0, 1000, 1000))], name="m", title='"A" & B')
    assert "<b>" not in told
    assert len(told) < 3000
    assert "&quot;A&quot; &amp; B" in told


@pytest.mark.parametrize("marks", [(), MARKS])
def test_nothing_is_left_to_style_sheets_or_to_pixels(marks):
    told = zone_map(AREAS, name="m", title="t", marks=marks)
    told += rate_panel([Point("a", 1.0, "1", 0.5, 1.5), Point("b", None, "–", hatch="withheld")], name="r", title="t",
                       top=2, top_text="2")  # fmt: skip
    for never in ("<pattern", "<mask", "<filter", "paint-order", "currentColor", "var(", " style=", "<image"):
        assert never not in told
    assert told.count("font-family=") == 2


def test_repaired_zones_draw_too():
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert group(drawn([Area("A", "Bow", bow, "", "#41b6c4")]), "A").find(f"{SVG}path").get("d").count("Z") == 2


def test_places_give_way_to_zones_and_schools():
    shown = zone_map(AREAS, name="m", title="t", places=board_town.content().places)
    assert "Millpond" in shown
    hidden = [Mark(str(i), "other", "A", town.place(1000 + i, 1000 - 40 * j)) for i in (-60, 0, 60) for j in (0, 1)]
    assert "Millpond" not in zone_map(AREAS, name="m", title="t", marks=hidden, places=board_town.content().places)


def test_a_path_closes_areas_and_leaves_lines_open():
    assert path_of(box(0, 0, 1, 1)).endswith("Z")
    assert path_of(LineString([(0, 0), (1, 2)])) == "M0.0,0.0L1.0,2.0"


@given(st.text(max_size=300), st.integers(2, 80))
def test_a_shortened_name_has_room_and_begins_alike(text, longest):
    short = shortened(text, longest)
    assert len(short) <= longest
    assert " ".join(text.split()).startswith(short.removesuffix("…"))


# Charts


def test_no_line_crosses_a_term_without_a_figure():
    known = [Point(str(i), 1.0, "1", 0.5, 1.5) for i in range(2)]
    gap = Point("g", None, "withheld", hatch="withheld")

    def lines(points):
        svg = rate_panel(points, name="r", title="t", top=2, top_text="2")
        return len(re.findall(r'<path d="M[\d.]+,[\d.]+L[^"]*" fill="none" stroke="#1f5f9e"', svg))

    assert lines([*known, *known]) == 3
    assert lines([*known, gap, *known]) == 2
    assert lines([known[0], gap, known[1]]) == 0
    assert "#8a8a85" in rate_panel([*known, gap], name="r", title="t", top=2, top_text="2")


def test_heights_are_in_proportion_and_intervals_are_cut_at_the_top():
    points = [Point("a", 1.0, "1", 0.5, 9.0), Point("b", 2.0, "2"), Point("c", 0.0, "0")]
    svg = rate_panel(points, name="r", title="t", top=2, top_text="2")
    y = [float(value) for value in re.findall(r'cy="([\d.]+)"', svg)]
    assert y[0] == pytest.approx((y[1] + y[2]) / 2)
    assert f"V{y[1]:.1f}" in svg


def test_bars_carry_the_numbers_of_their_figures():
    points = [Point("a", 10.0, "10", cell=3), Point("b", None, "withheld", hatch="withheld", cell=4)]
    svg = ET.fromstring(count_bars(points, name="b", title="t"))  # noqa: S314 - our own drawing
    told = {text.get("data-cell"): text.text for text in svg.iter(f"{SVG}text")}
    assert told["3"] == "10"
    assert told["4"] == "withheld"
    assert len(svg.findall(f".//{SVG}rect")) == 1


@pytest.mark.parametrize(("values", "top"), [([], 1.0), ([0.0], 1.0), ([0.32], 0.4), ([1.0], 1.0), ([12, 871], 1000)])
def test_an_axis_ends_at_a_round_number(values, top):
    assert top_of(values) == pytest.approx(top)


@given(st.floats(1e-6, 1e9))
def test_an_axis_holds_its_values_and_is_never_half_empty(value):
    assert value * (1 - 1e-6) <= top_of([value]) <= 2 * value * (1 + 1e-6)


# The map in a browser


@pytest.fixture
def opened(browser_page, tmp_path):
    """Open a page of the town and wait until its map answers."""

    def open_page(name, content=None):
        path = tmp_path / f"{name}.html"
        path.write_text(draw_packet(content or board_town.content(), langs=["en"])[f"{name}.html"], encoding="utf-8")
        page = browser_page.open(path)
        page.wait_for_selector(READY)
        return page

    return open_page


def view_box(page):
    return [float(x) for x in page.locator(".map-view > svg").get_attribute("viewBox").split()]


def pressed(page):
    return page.evaluate("[...document.querySelectorAll('[aria-pressed=true]')].map(z => z.dataset.zone)")


@pytest.mark.browser
def test_a_click_picks_a_zone_and_says_its_facts(opened):
    page = opened("rates")
    page.locator("[data-zone=A]").click(position={"x": 20, "y": 20})
    facts = page.get_by_role("status")
    # 48 incidents of 300 students on 100 days: 1.6 for each 1,000; exact Poisson interval of 48: 35.4 to 63.6.
    expect(facts).to_contain_text("48 calls; 1.60 for each 1,000 student-days, between 1.18 and 2.12.")
    expect(page.get_by_label("Zone", exact=True)).to_have_value("A")
    expect(page.locator("tr.is-picked th")).to_have_text("West")
    assert pressed(page) == ["A"]
    page.locator("[data-zone=A]").click(position={"x": 20, "y": 20})
    assert pressed(page) == []
    expect(facts).to_contain_text("Pick a zone")


@pytest.mark.browser
def test_the_list_picks_a_withheld_zone_and_no_figure_appears(opened):
    page = opened("rates")
    page.get_by_label("Zone", exact=True).select_option("North")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"North\s+Calls for zone officers: withheld\s*$"))
    assert pressed(page) == ["C"]
    page.get_by_label("Zone", exact=True).select_option("none picked")
    assert pressed(page) == []


@pytest.mark.browser
def test_the_keyboard_walks_picks_and_clears(opened):
    page = opened("zones")
    page.get_by_role("group", name=re.compile(r"^Map\. ")).focus()
    page.keyboard.press("Tab")
    zone = "document.activeElement.dataset.zone"
    assert page.evaluate(zone) == "A"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "West"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(zone) == "B"
    page.keyboard.press("Enter")
    assert pressed(page) == ["B"]
    expect(page.get_by_role("status")).to_contain_text("2 schools; students as far as known: 1,000.")
    page.keyboard.press("End")
    page.keyboard.press("Space")
    assert pressed(page) == ["E"]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(zone) == "A"
    page.keyboard.press("Escape")
    assert pressed(page) == []
    # One zone is in the order of Tab, and the next Tab leaves the map.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.map-view')") is None


@pytest.mark.browser
def test_the_focused_zone_has_a_ring_and_every_pick_an_outline(opened):
    page = opened("zones")
    rings = page.locator(".areas ~ path[aria-hidden=true]")
    assert [ring.get_attribute("display") for ring in rings.all()] == ["none"] * 3
    page.locator("[data-zone=A]").focus()
    assert sorted(ring.get_attribute("display") for ring in rings.all()) == ["inline", "none", "none"]
    page.keyboard.press("Enter")
    assert [ring.get_attribute("display") for ring in rings.all()] == ["inline"] * 3


@pytest.mark.browser
def test_the_map_enlarges_and_moves_by_buttons_and_by_keys(opened):
    page = opened("zones")
    whole = view_box(page)
    page.get_by_role("button", name="Enlarge").click()
    assert view_box(page)[2] == pytest.approx(whole[2] / 1.5)
    at = view_box(page)
    page.get_by_role("button", name="Move right").click()
    assert view_box(page)[0] > at[0]
    page.get_by_role("group", name=re.compile(r"^Map\. ")).focus()
    for key, place, sign in (("ArrowLeft", 0, -1), ("ArrowDown", 1, 1), ("ArrowUp", 1, -1)):
        before = view_box(page)
        page.keyboard.press(key)
        assert sign * (view_box(page)[place] - before[place]) > 0
    page.keyboard.press("+")
    assert view_box(page)[2] == pytest.approx(whole[2] / 1.5**2)
    page.keyboard.press("-")
    assert view_box(page)[2] == pytest.approx(whole[2] / 1.5)
    page.keyboard.press("0")
    assert view_box(page) == whole
    # It never leaves the district.
    page.get_by_role("button", name="Move up").click()
    page.get_by_role("button", name="Make smaller").click()
    assert view_box(page) == whole


@pytest.mark.browser
def test_an_enlarged_map_is_dragged_and_dragging_picks_nothing(opened):
    page = opened("zones")
    page.get_by_role("button", name="Enlarge").click()
    at, frame = view_box(page), page.locator(".map-view").bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 30, steps=4)
    page.mouse.up()
    assert view_box(page)[0] < at[0]
    assert view_box(page)[1] < at[1]
    assert pressed(page) == []


@pytest.mark.browser
def test_names_of_schools_come_and_go(opened):
    page = opened("zones")
    shown = page.locator(".name[display=inline]")
    expect(shown).to_have_count(0)
    names = page.get_by_label("Names of schools")
    names.focus()
    page.keyboard.press("Space")
    expect(shown).to_have_count(6)
    page.keyboard.press("Space")
    expect(shown).to_have_count(0)
    page.get_by_label("Zone", exact=True).select_option("East")
    expect(shown).to_have_count(2)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_text_on_the_map_keeps_its_size_and_lies_in_the_frame(opened, browser_page, width):
    browser_page.page.set_viewport_size({"width": width, "height": 800})
    page = opened("rates")
    frame = page.locator(".map-view").bounding_box()
    labels = [label for label in page.locator(".label[display=inline]").all() if label.bounding_box()]
    assert len(labels) == 5
    for label in labels:
        place = label.bounding_box()
        assert frame["x"] <= place["x"]
        assert place["x"] + place["width"] <= frame["x"] + frame["width"]
        # A line of the map is some 15 pixels tall on any screen; a label has one or two.
        assert 10 < place["height"] < 45


@pytest.mark.browser
def test_zones_of_any_id_are_found(opened, browser_page):
    odd = {"A": '"] <x>', "B": "b'c\\"}
    told = board_town.content()
    zones = told.zones.assign(zone_id=told.zones["zone_id"].replace(odd))
    schools = told.schools.assign(zone_id=told.schools["zone_id"].replace(odd))
    page = opened("zones", replace(told, zones=zones, schools=schools, plan=None, coverage=None))
    page.get_by_label("Zone", exact=True).select_option("West")
    expect(page.get_by_role("status")).to_contain_text("Plimwick Elementary")
    assert browser_page.errors == []
