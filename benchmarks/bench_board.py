"""The board packet beside a plain folium map of the same zones, and protection beside what it replaces."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._protect import protect, withhold
from safeschools_geo.district._district import demo_folder
from safeschools_geo.term._packet import protect_term
from safeschools_geo.term._run import run_term
from safeschools_geo.term._write import draw_board, write_board

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Route

    from safeschools_geo.disclosure import BoardContent

AXE = Path(__file__).resolve().parent.parent / "tests" / "vendor" / "axe-core" / "axe.min.js"
SCHOOLS, GROUPS, LARGEST_SMALL = 64, 4, 10


def protection(seed: int) -> dict[str, Any]:
    """Protect and audit a table of 64 schools by 4 groups with its totals, beside the two rules of thumb."""
    counts = np.random.default_rng(seed).negative_binomial(0.8, 0.08, (SCHOOLS, GROUPS))
    table = pd.DataFrame(counts, index=[f"school {i:02d}" for i in range(SCHOOLS)], columns=list("abcd"))
    row: dict[str, Any] = {"seed": seed}
    for name, knows_rule in (("plain", False), ("knows_rule", True)):
        start = time.perf_counter()
        safe = protect(table, knows_rule=knows_rule)
        report = audit(safe, knows_rule=knows_rule)
        row |= {f"{name}_s": time.perf_counter() - start, f"{name}_withheld": int(safe.is_withheld.sum())}
        row[f"{name}_safe"] = report.is_safe
    for name, keys in (("small_only", _small(table)), ("two_each", _two_each(table))):
        row[f"{name}_leaks"] = len(audit(withhold(table, keys)).faults)
    return row


def _small(table: pd.DataFrame) -> list[dict[str, str]]:
    """List the small counts, totals too."""
    return _keys(_is_small(table), table)


def _two_each(table: pd.DataFrame) -> list[dict[str, str]]:
    """Withhold besides the smallest others until every row and column with a small count has two."""
    withheld = _is_small(table)
    for _ in range(2):
        for i in np.flatnonzero(withheld.sum(axis=1) == 1):
            withheld[i, _smallest(table.to_numpy()[i], withheld[i])] = True
        for j in np.flatnonzero(withheld.sum(axis=0) == 1):
            withheld[_smallest(table.to_numpy()[:, j], withheld[:, j]), j] = True
    return _keys(withheld, table)


def _is_small(table: pd.DataFrame) -> NDArray[np.bool_]:
    counts = table.to_numpy()
    return np.asarray((counts >= 1) & (counts <= LARGEST_SMALL))


def _smallest(counts: NDArray[np.int64], is_withheld: NDArray[np.bool_]) -> int:
    return int(np.argmin(np.where(is_withheld, np.iinfo("int64").max, counts)))


def _keys(withheld: NDArray[np.bool_], table: pd.DataFrame) -> list[dict[str, str]]:
    inside = np.argwhere(withheld).tolist()
    keys = [{"row": str(table.index[i]), "column": str(table.columns[j])} for i, j in inside]
    sums = {"row": table.sum(axis="columns"), "column": table.sum(axis="index")}
    totals = [{dim: str(name)} for dim, line in sums.items() for name in line.index[line.between(1, LARGEST_SMALL)]]
    return keys + totals


def plain_folium(content: BoardContent) -> str:
    """Draw the same choropleth as folium does it out of the box."""
    zones: gpd.GeoDataFrame = content.zones.merge(content.zone_rates, left_on="zone_id", right_on="zone")
    told = zones[["zone_id", "name", "rate_per_1000", "geometry"]].astype({"rate_per_1000": "float64"})
    middle = told.geometry.union_all().centroid
    chart = folium.Map([middle.y, middle.x], zoom_start=11)
    folium.Choropleth(
        geo_data=told.to_json(),
        data=told,
        columns=["zone_id", "rate_per_1000"],
        key_on="feature.properties.zone_id",
        legend_name="Incidents per 1,000 student-days",
    ).add_to(chart)
    folium.GeoJson(told.to_json(), tooltip=folium.GeoJsonTooltip(["name", "rate_per_1000"])).add_to(chart)
    for school in content.schools.dropna(subset=["geometry"]).itertuples():
        folium.CircleMarker([school.geometry.y, school.geometry.x], radius=3, tooltip=school.name).add_to(chart)
    html: str = chart.get_root().render()
    return html


def _open(browser: Browser, path: Path) -> tuple[float, int]:
    """Open a page once with the network cut: seconds until it is ready, and what it asks for."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    tab.route("**/*", refuse)
    tab.goto(path.as_uri(), wait_until="load")
    milliseconds: float = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    context.close()
    return milliseconds / 1000, len(asked)


def page(browser: Browser, name: str, path: Path, repeats: int) -> dict[str, Any]:
    """Measure a page: its size, what it asks for, when it is ready, and what axe finds."""
    opened = [_open(browser, path) for _ in range(repeats)]
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    tab.goto(path.as_uri())
    tab.add_script_tag(path=AXE)
    found = tab.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    context.close()
    return {
        "page": name,
        "kilobytes": path.stat().st_size / 1000,
        "requests": max(requests for _, requests in opened),
        "ready_s": statistics.median(seconds for seconds, _ in opened),
        "axe_rules": sorted(violation["id"] for violation in found["violations"]),
    }


def main() -> None:
    """Measure all of it in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=5, help="random tables to protect")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    options = parser.parse_args()
    tables = pd.DataFrame([protection(seed) for seed in range(options.tables)])
    print(tables.round(2).to_string(index=False))
    result = run_term(demo_folder(), protects=False)
    start = time.perf_counter()
    board = protect_term(result)
    protected = time.perf_counter()
    assert board is not None, "the demo has schools in zones"  # noqa: S101
    settings = result.district.settings.board
    files, _ = draw_board(board, settings)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "board"
        write_board(board, files, target, languages=settings.languages)
        done = time.perf_counter()
        print(f"packet: {protected - start:.1f} s to protect, {done - protected:.1f} s to draw, print and write")
        peer = Path(folder) / "folium.html"
        peer.write_text(plain_folium(board.content), encoding="utf-8")
        executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "msedge"))))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            pages = [page(browser, path.stem, path, options.repeats) for path in [*sorted(target.glob("*.html")), peer]]
            browser.close()
    print(pd.DataFrame(pages).round(3).to_string(index=False))
    if options.json:
        told = {"tables": tables.to_dict("records"), "protect_s": protected - start, "draw_s": done - protected}
        options.json.write_text(json.dumps({**told, "pages": pages}, indent=2, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
