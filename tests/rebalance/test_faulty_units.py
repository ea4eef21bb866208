"""Areal units with faults: overlaps by meters, an island without a bridge, a barrier that cuts zones."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString, box

from safeschools_geo.cli import main


def test_units_that_overlap_with_an_island_and_a_barrier_are_repaired_or_refused(tmp_path, capsys):
    east, north = 600_000.0, 4_200_000.0
    # Four rows of six squares, each over its eastern neighbor by 4 m, and an island 3 km off.
    grid = [(row, column) for row in range(4) for column in range(6)]
    squares = [
        (east + 1e3 * c, north + 1e3 * r, east + 1e3 * (c + 1) + 4 * (c < 5), north + 1e3 * (r + 1)) for r, c in grid
    ]
    shapes = [box(*square) for square in [*squares, (east + 9e3, north, east + 10e3, north + 1e3)]]
    table = {
        "id": [*(f"u{r}{c}" for r, c in grid), "island"],
        "zone": [*("1" if c < 3 else "2" for _, c in grid), "2"],
        "load": [*(1.0 + (7 * r + 3 * c) % 5 for r, c in grid), 2.0],
    }
    units = gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32610").to_crs("EPSG:4326")
    units.to_file(tmp_path / "units.geojson")
    river = LineString([(east - 200, north + 2e3), (east + 6200, north + 2e3)])
    barrier = gpd.GeoDataFrame(geometry=[river], crs="EPSG:32610").to_crs("EPSG:4326")
    barrier.to_file(tmp_path / "river.geojson")
    beside = [(a, b) for a in grid for b in grid if a < b and abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1]
    pairs = [(f"u{a}{b}", f"u{c}{d}") for (a, b), (c, d) in beside]
    pd.DataFrame(pairs, columns=["unit_a", "unit_b"]).to_csv(tmp_path / "links.csv", index=False)

    def run(out, *options):
        columns = ["--unit-id", "id", "--zone", "zone", "--workload", "load", "--max-moves", "3"]
        asked = ["rebalance", "--units", str(tmp_path / "units.geojson"), *columns, *options]
        with pytest.raises(SystemExit) as ended:
            main([*asked, "--out", str(tmp_path / out)])
        return ended.value.code, " ".join(capsys.readouterr().err.split())

    code, said = run("repaired")
    assert code == 0
    assert "80,000 m² lie in two areas; they are divided among them." in said
    assert "1 link over the gaps between them counts as borders: u05 and island (3,000 m)" in said
    code, said = run("without_a_bridge", "--adjacency", str(tmp_path / "links.csv"))
    assert code == 1
    assert "cut off from the rest (island), without a zone: locks and roots hold every zone elsewhere." in said
    assert said.count("island") == 2, "one cause, told once: in the sentence and in its rows"
    assert "Rows: island Expected: rules, links and limits that leave a plan Remedy: Add links (bridges)" in said
    code, said = run("cut_by_a_river", "--barriers", str(tmp_path / "river.geojson"))
    assert code == 1
    assert "A barrier cuts 2 zones of today into pieces: 1, 2." in said
    assert "Found: tolerance None, max_moves 3, 25 units, 2 zones Expected: limits that leave a plan" in said
    assert "Remedy: Add the road that crosses a barrier (between u10 and u20, u11 and u21" in said
    assert not (tmp_path / "cut_by_a_river").exists()
