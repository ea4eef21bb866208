import csv
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString

from safeschools_geo.errors import OutputError
from safeschools_geo.io._export import is_sealed, write_csv, write_geojson, write_manifest, write_text


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="--out"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_csv_cells_are_no_formulas(tmp_path):
    frame = pd.DataFrame(
        {"t": ['=HYPERLINK("http://x")', "+1 call", "-5", "@a", "plain", None], "n": [-1, 2, 3, 4, 5, 6]}
    )
    write_csv(tmp_path / "t.csv", frame)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["t"] for r in rows] == ['\'=HYPERLINK("http://x")', "'+1 call", "-5", "'@a", "plain", ""]
    assert rows[0]["n"] == "-1"


@given(st.lists(st.text(), min_size=1))
def test_no_cell_of_text_begins_a_formula(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    write_csv(path, pd.DataFrame({"t": pd.Series(texts, dtype="str")}))
    with path.open(encoding="utf-8", newline="") as file:
        cells = [row["t"] for row in csv.DictReader(file)]
    for cell in cells:
        assert not cell.startswith(("=", "@", "\t"))


def test_moments_keep_their_offset(tmp_path):
    times = pd.Series(pd.to_datetime(["2025-07-01 10:00", None])).dt.tz_localize(town.ZONE)
    write_csv(tmp_path / "t.csv", pd.DataFrame({"t": times, "n": [1, 2]}))
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "t,n\n2025-07-01T10:00:00-07:00,1\n,2\n"


def test_geojson_is_rounded_and_the_same_each_time(tmp_path):
    frame = gpd.GeoDataFrame({"zone_id": ["1"], "load": [1.23456789]}, geometry=[town.square(0, 0, 1, 1)], crs=4326)
    write_geojson(tmp_path / "a.geojson", frame)
    write_geojson(tmp_path / "b.geojson", frame)
    assert (tmp_path / "a.geojson").read_bytes() == (tmp_path / "b.geojson").read_bytes()
    feature = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))["features"][0]
    assert feature["properties"] == {"zone_id": "1", "load": 1.23456789}
    coordinates = np.array(feature["geometry"]["coordinates"][0])
    assert np.array_equal(coordinates, coordinates.round(7))


@pytest.mark.parametrize("number", [0.30000005, -0.30000005, 121.46000015, 1e-7 / 2, -1e-9, 179.99999995, 1 / 3])
def test_coordinates_are_rounded_as_python_rounds_them(tmp_path, number):
    near = [np.nextafter(number, -1), number, np.nextafter(number, 1)]
    frame = gpd.GeoDataFrame(geometry=[LineString([(x, x) for x in near]), None], crs=4326)
    write_geojson(tmp_path / "a.geojson", frame)
    written = [[round(float(x), 7)] * 2 for x in near]
    assert f'"coordinates":{written}'.replace(" ", "") in (tmp_path / "a.geojson").read_text(encoding="utf-8")


def test_the_manifest_lists_every_file(tmp_path):
    write_text(tmp_path / "maps" / "a.html", "x")
    write_manifest(tmp_path, {"seed": 0})
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 0
    # SHA-256 of the letter x.
    assert manifest["outputs"] == {"maps/a.html": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}


def test_a_sealed_layer_is_known_until_somebody_changes_it(tmp_path):
    frame = gpd.GeoDataFrame({"zone_id": ["1"]}, geometry=[town.square(0, 0, 1, 1)], crs=4326)
    path = tmp_path / "zones.geojson"
    write_geojson(path, frame, seal="draft-zones")
    assert is_sealed(path, "draft-zones")
    assert not is_sealed(path, "other")
    assert gpd.read_file(path)["zone_id"].tolist() == ["1"]
    path.write_text(path.read_text(encoding="utf-8").replace('"1"', '"2"'), encoding="utf-8")
    assert not is_sealed(path, "draft-zones")
    write_geojson(path, frame)
    assert not is_sealed(path, "draft-zones")
