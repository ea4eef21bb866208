"""Parquet and GeoParquet: types, exact ids, indexes as columns, and geometry by its metadata."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely.geometry import Point, Polygon

from safeschools_geo import io

LARGE = 2**60 + 1


def test_whole_numbers_with_gaps_stay_exact(tmp_path):
    pq.write_table(pa.table({"id": pa.array([LARGE, None, 7])}), tmp_path / "a.parquet")
    raw = io.read_table(tmp_path / "a.parquet")
    assert raw.frame["id"].dtype == "Int64"
    assert io.as_text(raw.frame["id"]).tolist()[::2] == [str(LARGE), "7"]
    assert raw.frame.index.tolist() == [1, 2, 3]


def test_an_index_becomes_a_column(tmp_path):
    index = pd.DatetimeIndex(["2018-01-01", "2018-01-02"], tz="UTC", name="Date")
    pd.DataFrame({"n": [1, 2]}, index=index).to_parquet(tmp_path / "a.parquet")
    raw = io.read_table(tmp_path / "a.parquet")
    assert str(raw.frame["Date"].dtype).endswith("UTC]")
    assert raw.frame.index.tolist() == [1, 2]


def test_an_index_without_a_name_becomes_a_column_and_row_numbers_do_not(tmp_path):
    frame = pd.DataFrame({"n": [1, 2]})
    frame.set_axis(["x", "y"]).to_parquet(tmp_path / "named.parquet")
    assert io.read_table(tmp_path / "named.parquet").frame["index"].tolist() == ["x", "y"]
    frame.to_parquet(tmp_path / "plain.parquet")
    assert list(io.read_table(tmp_path / "plain.parquet").frame.columns) == ["n"]


def test_categories_are_their_values_and_dates_are_dates(tmp_path):
    table = pa.table(
        {
            "kind": pa.array(["a", "b", None]).dictionary_encode(),
            "day": pa.array([0, None, 1], pa.date32()),
            "flag": pa.array([True, None, False]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    frame = io.read_table(tmp_path / "a.parquet").frame
    assert str(frame["kind"].dtype) == "str"
    assert frame["kind"].tolist()[:2] == ["a", "b"]
    assert frame["day"].tolist()[2].isoformat() == "1970-01-02"
    assert frame["flag"].tolist() == [True, pd.NA, False]


def layer():
    return gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[Point(1, 2, 3), None], crs=26910)


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_geometry_is_read_in_two_dimensions(tmp_path, encoding):
    frame = layer().head(1) if encoding == "geoarrow" else layer()
    frame.to_parquet(tmp_path / "a.parquet", geometry_encoding=encoding)
    raw = io.read_table(tmp_path / "a.parquet")
    assert raw.geometry.crs.to_epsg() == 26910
    assert raw.geometry.iloc[0] == Point(1, 2)
    assert not raw.geometry.has_z.any()
    assert list(raw.frame.columns) == ["id"]
    assert raw.geometry.index.equals(raw.frame.index)


def with_metadata(path, crs):
    """Write GeoParquet whose CRS is `crs`: absent, null, or PROJJSON."""
    layer().to_parquet(path)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    del geo["columns"]["geometry"]["crs"]
    geo["columns"]["geometry"] |= crs
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return io.read_table(path)


def test_a_crs_that_is_absent_is_degrees_and_one_that_is_null_is_unknown(tmp_path):
    assert with_metadata(tmp_path / "a.parquet", {}).geometry.crs.to_string() == "OGC:CRS84"
    assert with_metadata(tmp_path / "b.parquet", {"crs": None}).geometry.crs is None


def test_a_shape_that_cannot_be_read_is_a_rejected_row(tmp_path):
    square = Polygon([(0, 0), (1, 0), (1, 1), (0, 0)])
    path = tmp_path / "a.parquet"
    gpd.GeoDataFrame({"id": ["a", "b", "c"]}, geometry=[square] * 3, crs=4326).to_parquet(path)
    table = pq.read_table(path)
    shapes = table.column("geometry").to_pylist()
    shapes[1] = shapes[1][:20]
    column = table.schema.get_field_index("geometry")
    pq.write_table(table.set_column(column, table.schema.field(column), pa.array(shapes)), path)
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == ["a", "c"]
    assert raw.frame.index.tolist() == [1, 3]
    assert raw.rejects["reason_code"].tolist() == ["bad_geometry"]
    assert raw.rejects["row"].tolist() == [2]


def test_a_folder_name_with_an_equals_sign_adds_no_column(tmp_path):
    folder = tmp_path / "year=2018"
    folder.mkdir()
    pq.write_table(pa.table({"id": np.arange(2)}), folder / "a.parquet")
    assert list(io.read_table(folder / "a.parquet").frame.columns) == ["id"]


def test_columns_of_one_name_are_distinguished(tmp_path):
    pq.write_table(pa.table([pa.array(["a"]), pa.array(["b"])], names=["id", "id"]), tmp_path / "a.parquet")
    raw = io.read_table(tmp_path / "a.parquet")
    assert raw.frame.loc[1].to_dict() == {"id": "a", "id_2": "b"}
    assert [f.code for f in raw.findings] == ["repeated_columns"]
