"""Nothing leaves the file: links are inlined or refused, ids are numbered, scripts are named in the policy."""

import base64
import hashlib
import re

import folium
import pytest
from folium.plugins import HeatMap

from safeschools_geo.drawing import requests_of, require_offline
from safeschools_geo.errors import OfflineError
from safeschools_geo.pages import _offline as assets
from safeschools_geo.pages._offline import map_parts


def rendered(chart: folium.Map, *, tiles: bool = False) -> str:
    """Put a map into the barest page there is."""
    parts = map_parts(chart, tiles=tiles)
    scripts = "".join(f"<script>{script}</script>" for script in parts.scripts)
    head = f'<meta http-equiv="Content-Security-Policy" content="{parts.policy}"><style>{"".join(parts.styles)}</style>'
    html = f"<!DOCTYPE html><html><head>{head}</head><body>{parts.html}{scripts}</body></html>"
    require_offline(html)
    return html


def plain_map() -> folium.Map:
    chart = folium.Map([38.6, -121.4], tiles=None)
    square = {"type": "Polygon", "coordinates": [[[-121, 38], [-120, 38], [-120, 39], [-121, 38]]]}
    folium.GeoJson(square).add_to(chart)
    return chart


def test_a_folium_map_becomes_one_file():
    html = rendered(plain_map())
    assert requests_of(html) == []
    assert assets.leaflet_script() in html
    assert "cdn" not in html.replace(assets.leaflet_script(), "")
    assert "user-scalable=no" not in html


def test_the_same_map_gives_the_same_bytes():
    assert rendered(plain_map()) == rendered(plain_map())
    assert not re.search(r"_[0-9a-f]{32}\b", rendered(plain_map()))


def test_rendering_leaves_the_map_and_foliums_defaults_alone():
    before = list(folium.Map.default_js)
    chart = plain_map()
    first = rendered(chart)
    assert rendered(chart) == first
    assert folium.Map.default_js == before


def test_the_policy_names_every_script_and_nothing_else():
    html = rendered(plain_map())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    assert set(re.findall(r"sha256-([^']+)'", policy)) == hashes
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert html.index("Content-Security-Policy") < html.index("<script")


def test_tiles_are_refused_unless_asked_for():
    chart = folium.Map([0, 0], tiles="https://tile.openstreetmap.org/{z}/{x}/{y}.png", attr="OpenStreetMap")
    with pytest.raises(OfflineError, match=r"tile\.openstreetmap\.org"):
        rendered(chart)
    html = rendered(chart, tiles=True)
    assert "img-src data: https://tile.openstreetmap.org;" in html


def test_tiles_of_another_server_are_refused_even_then():
    with pytest.raises(OfflineError, match=r"tiles\.example\.org"):
        rendered(folium.Map([0, 0], tiles="https://tiles.example.org/{z}/{x}/{y}.png", attr="x"), tiles=True)


def test_an_unknown_plugin_is_named():
    chart = plain_map()
    HeatMap([[38, -121]]).add_to(chart)
    with pytest.raises(OfflineError, match="leaflet_heat"):
        rendered(chart)


def test_a_default_library_is_dropped_only_while_idle():
    chart = plain_map()
    folium.Marker([38, -121], popup="needs jQuery").add_to(chart)
    with pytest.raises(OfflineError, match="jquery"):
        rendered(chart)


def test_a_link_that_only_looks_like_a_default_is_refused():
    chart = plain_map()
    chart.get_root().header.add_child(
        folium.Element('<script src="https://evil.example/jquery-3.7.1.min.js"></script>')
    )
    with pytest.raises(OfflineError, match="evil"):
        rendered(chart)


def test_leaflets_own_marker_finds_its_images():
    chart = plain_map()
    folium.Marker([38, -121], icon=folium.DivIcon(html="<b>x</b>")).add_to(chart)
    assert "iconRetinaUrl" in rendered(chart)


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://x.example/a.js"></script>',
        '<link rel="stylesheet" href="//x.example/a.css">',
        '<link rel="preconnect" href="https://x.example">',
        '<img src="https://x.example/a.png">',
        '<img srcset="data:image/png;base64,AA 1x, https://x.example/a.png 2x">',
        '<iframe src="https://x.example"></iframe>',
        "<iframe srcdoc=\"<img src='https://x.example/a.png'>\"></iframe>",
        "<style>p { background: url(https://x.example/a.png) }</style>",
        '<style>@import "https://x.example/a.css";</style>',
        "<p style=\"background: url('https://x.example/a.png')\">x</p>",
        '<svg><image href="https://x.example/a.png"/></svg>',
        '<svg><use xlink:href="https://x.example/a.svg#b"/></svg>',
        '<object data="https://x.example/a.pdf"></object>',
        '<video poster="https://x.example/a.png"></video>',
        '<meta http-equiv="refresh" content="0; url=https://x.example">',
        '<base href="https://x.example/">',
        "<IMG SRC=https://x.example/a.png>",
    ],
)
def test_every_way_to_fetch_is_refused(markup):
    with pytest.raises(OfflineError, match=r"x\.example"):
        require_offline(f"<!DOCTYPE html><html><body>{markup}</body></html>")


@pytest.mark.parametrize(
    "markup",
    [
        "<p>See https://x.example/ for more.</p>",
        '<a href="https://x.example/">more</a>',
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><use href="#a"/></svg>',
        "<!-- license: https://x.example/license -->",
        "<style>/* url(https://x.example/a.png) */ p { background: url(data:image/png;base64,AA) }</style>",
        '<img src="data:image/png;base64,AA">',
        '<link rel="license" href="https://x.example/license">',
        "<script>// https://x.example\nvar a = 'http://www.w3.org/2000/svg';</script>",
    ],
)
def test_what_is_no_request_passes(markup):
    require_offline(f"<!DOCTYPE html><html><body>{markup}</body></html>")


def test_all_addresses_are_named_at_once():
    with pytest.raises(OfflineError) as caught:
        require_offline('<img src="https://a.example/1"><script src="https://b.example/2"></script>')
    assert "a.example" in str(caught.value)
    assert "b.example" in str(caught.value)


def test_a_vendored_file_that_was_changed_is_refused(monkeypatch):
    changed = {name: dict.fromkeys(entry, "0" * 64) for name, entry in assets.vendor_manifest().items()}
    monkeypatch.setattr(assets, "vendor_manifest", lambda: changed)
    with pytest.raises(OfflineError, match=r"leaflet/LICENSE"):
        assets.vendored("leaflet/LICENSE")
