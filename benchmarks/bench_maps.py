"""Packed points beside folium's CircleMarker and FastMarkerCluster: size, time to build, time to the first picture."""

from __future__ import annotations

import argparse
import gc
import json
import re
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
from folium.plugins import FastMarkerCluster
from playwright.sync_api import sync_playwright
from pyproj import CRS
from shapely.geometry import box

from safeschools_geo.district import settings_from
from safeschools_geo.pages import _offline as assets
from safeschools_geo.pages._term import history_map
from safeschools_geo.schemas import CATEGORIES, ORIGINS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

    from safeschools_geo.results import TermResult

WEST, SOUTH, EAST, NORTH = -121.50, 38.54, -121.14, 38.72
CLUSTER = "leaflet.markercluster@1.5.3"
MARK = "requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('safeschools-drawn')));"


@dataclass(frozen=True)
class Row:
    """What was measured of one way to draw."""

    name: str
    points: int
    megabytes: float
    build_s: float
    drawn_s: float
    best_s: float


def scatter(count: int) -> gpd.GeoDataFrame:
    """Scatter incidents over an extent like San Juan Unified's, no two at one place."""
    rng = np.random.default_rng(0)
    return gpd.GeoDataFrame(
        {
            "occurred_at": pd.Timestamp("2025-09-02", tz="America/Los_Angeles"),
            "category": rng.choice(list(CATEGORIES), count),
            "origin": rng.choice(list(ORIGINS), count),
            "school_id": pd.Series([None] * count, dtype="str"),
            "zone_id": pd.Series(["A"] * count, dtype="str"),
            "term": pd.Series(rng.choice([f"Term {i}" for i in range(6)], count), dtype="str"),
            "hour": pd.Series(rng.integers(0, 24, count), dtype="Int64").where(np.arange(count) % 10 > 0),
        },
        geometry=gpd.points_from_xy(rng.uniform(WEST, EAST, count), rng.uniform(SOUTH, NORTH, count)),
        crs=4326,
    )


def packed(incidents: gpd.GeoDataFrame) -> str:
    """Draw the product's page, with filters, counts and tables; at first with a mark for every point."""
    zones = gpd.GeoDataFrame({"zone_id": ["A"], "name": ["A"]}, geometry=[box(WEST, SOUTH, EAST, NORTH)], crs=4326)
    schools = gpd.GeoDataFrame({"school_id": [], "name": []}, geometry=[], crs=4326)
    settings = settings_from({"district": {"name": "Benchmark", "is_synthetic": True}}, folder=Path(), where="here")
    district = SimpleNamespace(
        zones=zones, schools=schools, settings=settings, boundary=None, roads=None, places=None, crs=CRS("EPSG:26910")
    )
    term, history = SimpleNamespace(name="Term 0"), incidents.assign(work_of="patrol")
    html = history_map(cast("TermResult", SimpleNamespace(district=district, history=history, term=term))).html
    return html.replace('value="counts" checked', 'value="counts"').replace('value="dots"', 'value="dots" checked')


def circle_markers(incidents: gpd.GeoDataFrame) -> str:
    """Draw one folium `CircleMarker` for each incident, on folium's canvas."""
    chart = _peer_map()
    for x, y in zip(incidents.geometry.x, incidents.geometry.y, strict=True):
        folium.CircleMarker([y, x], radius=3).add_to(chart)
    return _inlined(chart.get_root().render(), [])


def marker_cluster(incidents: gpd.GeoDataFrame, plugin: list[str]) -> str:
    """Draw folium's `FastMarkerCluster`."""
    chart = _peer_map()
    places = np.column_stack([incidents.geometry.y, incidents.geometry.x]).tolist()
    FastMarkerCluster(places).add_to(chart)  # type: ignore[no-untyped-call]
    return _inlined(chart.get_root().render(), plugin)


def _peer_map() -> folium.Map:
    return folium.Map([(SOUTH + NORTH) / 2, (WEST + EAST) / 2], zoom_start=12, tiles=None, prefer_canvas=True)


def _inlined(html: str, plugin: list[str]) -> str:
    """Give a peer the same Leaflet, inside the file, and the same mark; its other links are dropped."""
    bare = re.sub(r"<script src=[^>]*></script>|<link [^>]*>", "", html)
    styles = f"<style>{assets.leaflet_styles()}</style>"
    scripts = "".join(f"<script>{text}</script>" for text in [assets.leaflet_script(), *plugin])
    bare = bare.replace("<head>", f"<head>{styles}{scripts}", 1)
    return bare.replace("</html>", f"<script>{MARK}</script></html>")


def cluster_plugin() -> list[str]:
    """Take Leaflet.markercluster from npm."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", CLUSTER]
        name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(Path(folder) / name) as archive:
            member = archive.extractfile("package/dist/leaflet.markercluster.js")
            if member is None:
                raise FileNotFoundError(name)
            return [member.read().decode()]


def measure(name: str, browser: Browser, build: Callable[[], str], *, points: int, repeats: int, folder: Path) -> Row:
    """Build a page once and open it several times, each in a fresh context."""
    gc.collect()
    start = time.perf_counter()
    html = build()
    build_s = time.perf_counter() - start
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    times = [_drawn_s(browser, path) for _ in range(repeats)]
    return Row(name, points, path.stat().st_size / 1e6, build_s, statistics.median(times), min(times))


def _drawn_s(browser: Browser, path: Path) -> float:
    """Seconds from the start of navigation to the first complete picture."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto(path.as_uri())
    while not page.evaluate("performance.getEntriesByName('safeschools-drawn').length"):
        page.wait_for_timeout(50)
    milliseconds: float = page.evaluate("performance.getEntriesByName('safeschools-drawn')[0].startTime")
    context.close()
    return milliseconds / 1000


def main() -> None:
    """Measure all three in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--peer-size", type=int, help="points for CircleMarker, if --points is more than it can bear")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    options = parser.parse_args()
    peer_size = options.peer_size or options.points
    if peer_size != options.points:
        print(f"CircleMarker is drawn with {peer_size:,} points instead of {options.points:,}.")
    incidents, plugin = scatter(options.points), cluster_plugin()
    peer = incidents.head(peer_size)
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "msedge"))))
    ways = {
        "packed": (options.points, lambda: packed(incidents)),
        "FastMarkerCluster": (options.points, lambda: marker_cluster(incidents, plugin)),
        "CircleMarker": (peer_size, lambda: circle_markers(peer)),
    }
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        rows = [
            measure(name, browser, build, points=points, repeats=options.repeats, folder=Path(folder))
            for name, (points, build) in ways.items()
        ]
        browser.close()
    print(f"{'':18}{'points':>10}{'MB':>9}{'build s':>10}{'drawn s':>10}{'best s':>10}")
    for row in rows:
        print(
            f"{row.name:18}{row.points:>10,}{row.megabytes:>9.3f}{row.build_s:>10.2f}{row.drawn_s:>10.2f}"
            f"{row.best_s:>10.2f}"
        )
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in rows], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
