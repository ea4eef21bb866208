"""Names that look like addresses, addresses in odd places, pages cut off while being written, pages on paper."""

import folium
import map_town
import pytest
import town
from branca.element import Element
from playwright.sync_api import expect
from test_offline import rendered

from safeschools_geo.drawing import require_offline
from safeschools_geo.errors import OfflineError


@pytest.mark.parametrize(
    "name", ["https://school.example/x", "//school.example", "$(id)", "fa-school", "wss://x.example"]
)
def test_a_name_that_looks_like_an_address_or_a_library_is_only_a_name(name):
    schools, zones = map_town.schools().assign(name=name), town.zones().assign(name=name)
    assert f'"{name}"' in map_town.draw("zones", schools=schools, zones=zones).html


def test_a_page_that_cannot_be_written_leaves_the_last_one(tmp_path, monkeypatch):
    target = map_town.page("zones").save(tmp_path / "zones.html")
    before = target.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        map_town.page("history").save(target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["zones.html"]


@pytest.mark.parametrize("script", ["new WebSocket('wss://x.example')", "fetch(`https://x.example`)"])
def test_an_address_in_a_script_is_refused(script):
    chart = folium.Map([38.6, -121.4], tiles=None)
    chart.get_root().script.add_child(Element(script))
    with pytest.raises(OfflineError, match=r"x\.example"):
        rendered(chart)


def test_a_script_of_a_picture_is_a_link_too():
    chart = folium.Map([38.6, -121.4], tiles=None)
    chart.get_root().html.add_child(Element('<svg><script href="x.js"></script></svg>'))
    with pytest.raises(OfflineError, match=r"x\.js"):
        rendered(chart)


def test_an_image_set_is_refused():
    with pytest.raises(OfflineError, match=r"x\.example"):
        require_offline('<style>p { background: image-set("https://x.example/a.png" 1x) }</style>')


@pytest.mark.browser
def test_on_paper_the_dots_keep_their_legend_and_the_filters_in_force(browser_page, tmp_path):
    page = browser_page.open(map_town.page("history").save(tmp_path / "history.html"))
    page.wait_for_selector("[data-drawn]")
    page.emulate_media(media="print")
    expect(page.locator("#shown-count")).to_be_visible()
    expect(page.get_by_text("Weapons").first).to_be_visible()
    expect(page.get_by_role("button", name="Start again")).to_be_hidden()
