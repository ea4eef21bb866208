"""The pages hold the facts, escape what they are given, and are the same bytes every time."""

import re

import geopandas as gpd
import map_town
import numpy as np
import pytest
import shapely
import town

from safeschools_geo.drawing import LEVEL_MARKS, RATE_FILLS, RateClasses, neighbor_fills
from safeschools_geo.pages._index import MapEntry, index_page
from safeschools_geo.pages._map_layers import school_marks, zone_features
from safeschools_geo.pages._term import history_finding
from safeschools_geo.schemas import NO_RECORD

PAGES = ["zones", "history", "rates"]
FINDINGS = {
    "zones": "West carries the most: 5.2 officer-hours per school day",
    "history": "100 incidents in the record in Spring, of 200 in all terms; 0 of the 100 were calls for zone officers",
    "rates": "Rates run from 2.000 to 2.000",
}


@pytest.mark.parametrize("name", PAGES)
def test_the_same_results_give_the_same_bytes(name):
    assert map_town.draw(name).html == map_town.draw(name).html


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_is(name):
    html = map_town.page(name).html
    assert "Confidential – internal use" in html
    assert html.count("SYNTHETIC DATA") == 2  # in the banner, and on the map
    assert FINDINGS[name] in html
    assert "<dt>Speed</dt><dd>40 km/h</dd>" in html


def test_a_page_of_real_data_does_not_call_them_synthetic():
    html = map_town.draw("zones", settings=map_town.settings(is_synthetic=False)).html
    assert "Confidential" in html
    assert "SYNTHETIC" not in html


@pytest.mark.parametrize("name", PAGES)
def test_no_backdrop_is_needed(name):
    assert "District boundary" not in map_town.draw(name, bare=True).html


def test_the_loads_stand_on_the_map_and_in_the_table():
    html = map_town.page("zones").html
    assert '"label":["West","5.2 h/day","the most"]' in html
    assert '<th scope="row">West</th><td>1</td><td>300</td><td>6</td><td>3.00</td><td>1.20</td><td>1.00</td>' in html


def test_what_has_no_place_is_counted_and_said():
    assert "1 school has no place on record" in map_town.page("zones").html
    assert "Zephrin Middle" in map_town.page("zones").html
    assert "1 incident has no place on record" in map_town.page("history").html


@pytest.mark.parametrize(
    ("number", "officers", "said"),
    [
        (0, 0, "0 incidents in the record in Spring, of 2 in all terms."),
        (1, 1, "1 incident in the record in Spring, of 3 in all terms; it was a call for zone officers. No officer"),
        (
            1,
            0,
            "1 incident in the record in Spring, of 3 in all terms; it was not a call for zone officers. No officer",
        ),
        (3, 1, "of 5 in all terms; 1 of the 3 was a call for zone officers. Officers started 0 of the 3."),
        (3, 2, "of 5 in all terms; 2 of the 3 were calls for zone officers. Officers started 0 of the 3."),
    ],
)
def test_the_finding_of_the_history_counts_one_as_one(number, officers, said):
    history = map_town.history(2 + number).assign(origin="reported", term="Spring", work_of="patrol")
    history.loc[:1, ["term", "origin"]] = ["Fall", "officer_initiated"]
    history.loc[2 : 1 + officers, "work_of"] = "zone_officer"
    assert said in history_finding(map_town.result(history=history))


def test_the_history_counts_by_category_and_term():
    html = map_town.page("history").html
    table = html[html.index("Incidents in the record by category and term") :]
    # 200 incidents, categories in turn: the first two of nine come 23 times, every other time in Fall.
    assert '<th scope="row">Assault and battery</th><td>12</td><td>11</td><td>23</td>' in table
    assert '<th scope="row">All</th><td>100</td><td>100</td><td>200</td>' in table


@pytest.mark.parametrize("name", ["history", "rates"])
def test_without_a_record_a_page_says_so_and_shows_no_zero(name):
    page = map_town.draw(name, history=map_town.history(0), bare=True)
    assert NO_RECORD in page.html
    assert "<td>0" not in page.html
    assert 'class="map-box"' not in page.html
    assert not page.thumbnail


def test_what_no_enrollment_is_known_of_is_no_sum_of_zero():
    unknown = map_town.loads().assign(enrollment=0, student_days=0.0, rate_per_1000=np.nan)
    for name in ("zones", "rates"):
        html = map_town.draw(name, zone_loads=unknown).html
        table = html[html.index("<tbody>") :]
        row = re.search(r'<th scope="row">West</th><td>(\d+)</td><td>([^<]*)</td>', table)
        assert row is not None
        assert int(row[1]) > 0
        assert row[2] == "–"
    # A map of hatched zones tells nothing that its sentence and table do not.
    assert "No rates: no zone has schools with a known enrollment." in html
    assert 'class="map-box"' not in html


def test_incidents_outside_every_term_are_counted_last():
    incidents = map_town.history(20)
    incidents.loc[:4, "term"] = None
    html = map_town.draw("history", history=incidents).html
    assert '<th scope="col">Fall</th><th scope="col">Spring</th><th scope="col">Outside every term</th>' in html


def test_hostile_names_stay_text():
    zones, schools = town.zones().assign(name=map_town.HOSTILE), map_town.schools().assign(name=map_town.HOSTILE)
    loads = map_town.loads().assign(name=map_town.HOSTILE)
    html = map_town.draw("zones", zones=zones, schools=schools, zone_loads=loads).html
    assert "<script>window.hacked" not in html
    assert "<img" not in html
    assert "{{ 7 * 7 }}" in html


def test_a_rate_that_is_missing_is_hatched_and_said():
    html = map_town.page("rates").html
    assert '"label":["East","no data"]' in html
    assert '"fill":null' in html
    assert "No data" in html


def test_a_hundred_thousand_incidents_stay_under_a_megabyte():
    page = map_town.draw("history", history=map_town.history(100_000))
    assert len(page.html.encode()) <= 1_000_000


def test_tiles_are_said_on_the_page():
    html = map_town.draw("zones", tiles=True).html
    assert "This page asks tile.openstreetmap.org" in html
    assert "tile.openstreetmap.org" not in map_town.page("zones").html


def test_a_page_is_saved_and_shown_in_a_notebook(tmp_path):
    page = map_town.page("zones")
    assert page.save(tmp_path / "zones.html").read_bytes() == page.html.encode()
    shown = page._repr_html_()
    assert 'title="Zones and workload – Twosquare, Spring"' in shown
    assert re.fullmatch(r"<iframe [^<>]*></iframe>", shown)


def test_the_index_links_every_map_with_its_finding():
    entries = [
        MapEntry("zones.html", "Zones", "West & East", map_town.page("zones").thumbnail),
        MapEntry("r.html", "R", "x"),
    ]
    html = index_page(entries, context=map_town.CONTEXT).html
    assert '<a href="zones.html">Zones</a>' in html
    assert "West &amp; East" in html
    assert html.count("<svg") == 1
    assert "<details>" not in html


@pytest.mark.parametrize("name", ["zones", "history", "rates"])
def test_a_page_says_from_which_day_to_which_its_term_goes(name):
    term = map_town.result().term
    days = [f"{day:%B} {day.day}, {day.year}" for day in (term.start, term.end)]
    assert f'<p class="where">Twosquare · Spring · {days[0]} to {days[1]}</p>' in map_town.page(name).html


def test_the_index_shows_the_first_line_of_a_finding_and_folds_the_rest():
    entries = [MapEntry("p.html", "P", "Gain & price.\nWhat else.\nThe other plan.")]
    html = index_page(entries, context=map_town.CONTEXT).html
    shown, folded = html.split("<details>")
    assert "<p>Gain &amp; price.</p>" in shown
    assert "<p>What else.</p>" in folded
    assert "<p>The other plan.</p>" in folded


def test_neighbors_differ_in_fill():
    cells = [shapely.box(x, y, x + 1, y + 1) for x in range(5) for y in range(5)]
    zones = gpd.GeoDataFrame({"zone_id": [str(i) for i in range(25)]}, geometry=cells, crs=4326)
    fills = neighbor_fills(zones)
    for a in range(25):
        for b in range(a):
            assert fills[a] != fills[b] or not cells[a].touches(cells[b])


def test_zones_that_share_an_edge_share_it_on_the_map():
    features = zone_features(town.zones(), fills=["#fff", "#eee"], opacity=1, label=lambda _: [], facts=lambda _: [])[
        "features"
    ]
    shared_edge = town.place(1000, 0).distance(town.place(1000, 1000))
    west, east = (shapely.geometry.shape(f["geometry"]) for f in features)
    assert west.intersection(east).length == pytest.approx(shared_edge, rel=0.001)
    assert west.intersection(east).area == 0


def test_each_level_has_its_own_shape_and_color():
    shapes, colors = zip(*LEVEL_MARKS.values(), strict=True)
    assert len(set(shapes)) == len(set(colors)) == len(LEVEL_MARKS)


def test_schools_in_doubt_have_a_ring():
    marks = school_marks(map_town.schools(), map_town.assignments())
    assert [m["has_ring"] for m in marks] == [False, True]


@pytest.mark.parametrize(
    ("rates", "start", "step", "number"),
    [
        ([0.12, 0.38, np.nan], 0.1, 0.1, 3),
        ([0.0, 10.0], 0.0, 2.5, 5),
        ([2.0], 2.0, 0.1, 1),
        ([0.0, 0.0], 0.0, 0.1, 1),
        ([], 0.0, 1.0, 0),
        ([np.nan], 0.0, 1.0, 0),
    ],
)
def test_classes_are_few_and_round(rates, start, step, number):
    classes = RateClasses.of(np.array(rates, dtype="float64"))
    assert (classes.start, classes.step, classes.number) == (pytest.approx(start), pytest.approx(step), number)
    assert len(classes.legend()) == number <= len(RATE_FILLS)
    known = [r for r in rates if np.isfinite(r)]
    assert [classes.fill(r) is None for r in rates] == [not np.isfinite(r) for r in rates]
    for low, high in zip(sorted(known), sorted(known)[1:], strict=False):
        assert RATE_FILLS.index(classes.fill(low)) <= RATE_FILLS.index(classes.fill(high))
