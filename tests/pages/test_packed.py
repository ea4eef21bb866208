"""What is packed comes back: every point within a meter, every code exact, whatever the order of the rows."""

import base64
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from safeschools_geo.pages._map_layers import pack_points

WGS84 = Geod(ellps="WGS84")
NO_CODES = {}


def joined(planes):
    """Put bytes together again, the least significant first."""
    return sum((plane.astype(np.uint64) << np.uint64(8 * byte) for byte, plane in enumerate(planes)), np.uint64(0))


def unpack_points(packed):
    """Read packed points back, as the browser does."""
    header = packed.header
    bits, key_bytes = header["bits"], -(-2 * header["bits"] // 8)
    rows = key_bytes + sum(code["bytes"] for code in header["codes"])
    planes = np.frombuffer(zlib.decompress(packed.payload, -15), dtype=np.uint8).reshape(rows, header["count"])
    key = np.cumsum(joined(planes[:key_bytes]), dtype=np.uint64)
    one = np.uint64(1)
    x, y = (
        sum((((key >> np.uint64(2 * bit + odd)) & one) << np.uint64(bit) for bit in range(bits)), np.uint64(0))
        for odd in (0, 1)
    )
    columns = {
        "lon": header["west"] + (x.astype(float) + 0.5) / 2.0**bits * header["width"],
        "lat": header["south"] + (y.astype(float) + 0.5) / 2.0**bits * header["height"],
    }
    first = key_bytes
    for code in header["codes"]:
        columns[code["name"]] = joined(planes[first : first + code["bytes"]]).astype(np.int64)
        first += code["bytes"]
    return pd.DataFrame(columns)


def points_of(count, *, seed=0, west=-121.5, south=38.5, width=0.5, height=0.4):
    rng = np.random.default_rng(seed)
    return rng.uniform(west, west + width, count), rng.uniform(south, south + height, count)


@settings(max_examples=60)
@given(
    count=st.integers(0, 300),
    seed=st.integers(0, 2**32 - 1),
    west=st.floats(-179, 170),
    south=st.floats(-80, 70),
    extent=st.sampled_from([0.0, 1e-7, 0.01, 0.5, 8.0]),
    largest=st.sampled_from([0, 1, 24, 255, 256, 65_535]),
)
def test_every_point_comes_back_within_a_meter_with_its_code(*, count, seed, west, south, extent, largest):
    lon, lat = points_of(count, seed=seed, west=west, south=south, width=extent, height=extent)
    code = np.random.default_rng(seed).integers(0, largest, count, endpoint=True)
    row = np.arange(count)

    back = unpack_points(pack_points(lon, lat, {"code": code, "row": row}))

    back = back.set_index("row").sort_index()
    assert back.index.tolist() == row.tolist()
    assert back["code"].tolist() == code.tolist()
    if count:
        _, _, meters = WGS84.inv(lon, lat, back["lon"].to_numpy(), back["lat"].to_numpy())
        assert meters.max() <= 1.0


def test_sixty_kilometers_take_sixteen_bits():
    lon, lat = points_of(1000, width=0.68, height=0.53)
    assert pack_points(lon, lat, NO_CODES).header["bits"] == 16


def test_a_stray_point_far_away_costs_bits_not_accuracy():
    lon, lat = points_of(100)
    lon, lat = np.append(lon, 0.0), np.append(lat, 0.0)
    packed = pack_points(lon, lat, {"row": np.arange(101)})
    back = unpack_points(packed).set_index("row").sort_index()
    _, _, meters = WGS84.inv(lon, lat, back["lon"].to_numpy(), back["lat"].to_numpy())
    assert packed.header["bits"] > 20
    assert meters.max() <= 1.0


def test_the_order_of_the_rows_does_not_show():
    lon, lat = points_of(500)
    code = np.arange(500) % 7
    order = np.random.default_rng(1).permutation(500)
    assert pack_points(lon, lat, {"c": code}) == pack_points(lon[order], lat[order], {"c": code[order]})


def test_the_payload_is_planes_of_bytes_along_the_curve():
    # Four corners of a square in Morton order: (0,0), (max,0), (0,max), (max,max); on 16 bits the keys are
    # 0, 0x55555555, 0xaaaaaaaa, 0xffffffff, so every delta after the first is 0x55555555.
    packed = pack_points(
        np.array([0.0, 1e-3, 0.0, 1e-3]), np.array([0.0, 0.0, 1e-3, 1e-3]), {"c": np.array([9, 8, 7, 6])}
    )
    raw = zlib.decompress(base64.b64decode(packed.text), -15)
    assert raw == bytes([0, 0x55, 0x55, 0x55] * 4 + [9, 8, 7, 6])


@pytest.mark.parametrize("code", [-1, 65_536])
def test_a_code_that_does_not_fit_is_refused(code):
    with pytest.raises(ValueError, match="codes of c run"):
        pack_points(np.zeros(1), np.zeros(1), {"c": np.array([code])})
