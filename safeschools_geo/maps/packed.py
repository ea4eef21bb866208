"""Points packed for a browser: quantised, sorted along a Morton curve, delta-coded, deflated; some 4 bytes each."""

from __future__ import annotations

import base64
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FEWEST_BITS, _MOST_BITS = 16, 26  # 2 × 26 bits is the most that a JavaScript number holds exactly
_ERROR_M = 1.0
_METRES_PER_DEGREE = 111_320.0
_RAW_DEFLATE = -15
_WIDE = 256


@dataclass(frozen=True)
class PackedPoints:
    """Points and their codes, as a page carries them.

    Parameters
    ----------
    header
        What it takes to read them: `count`, `bits`, `west`, `south`, `width`, `height` (degrees), and for each code
        its `name` and `bytes`.
    payload
        Raw deflate of byte planes: the Morton deltas, least significant byte first, then each code.
    """

    header: dict[str, Any]
    payload: bytes

    @property
    def text(self) -> str:
        """The payload in base 64."""
        return base64.b64encode(self.payload).decode()


def pack_points(lon: NDArray[np.float64], lat: NDArray[np.float64], codes: Mapping[str, NDArray[Any]]) -> PackedPoints:
    """Pack points.

    Parameters
    ----------
    lon, lat
        Degrees, float64, shape (n,), finite.
    codes
        Name → whole numbers from 0 to 65,535, shape (n,).

    Returns
    -------
    PackedPoints
        The points in Morton order, each within 1 m of where it was; the same bytes whatever the order of the
        rows.

    Raises
    ------
    ValueError
        When a code is below 0 or above 65,535.

    Notes
    -----
    G. M. Morton, "A computer oriented geodetic data base and a new technique in file sequencing", IBM, 1966.
    """
    names = list(codes)
    columns = [_checked(name, codes[name]) for name in names]
    west, south, width, height = _extent(lon, lat)
    bits = _bits(width, height, south)
    key = _interleave(_quantised(lon, west, width, bits), _quantised(lat, south, height, bits), bits)
    order = np.lexsort([*reversed(columns), key])
    delta = np.diff(key[order], prepend=np.uint64(0))
    sorted_columns = [column[order] for column in columns]
    widths = [2 if len(column) and column.max() >= _WIDE else 1 for column in columns]
    planes = [_planes(delta, _key_bytes(bits)), *map(_planes, sorted_columns, widths)]
    header = {
        "count": len(key),
        "bits": bits,
        "west": west,
        "south": south,
        "width": width,
        "height": height,
        "codes": [{"name": n, "bytes": w} for n, w in zip(names, widths, strict=True)],
    }
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE)
    return PackedPoints(header, deflate.compress(b"".join(planes)) + deflate.flush())


def unpack_points(packed: PackedPoints) -> pd.DataFrame:
    """Read packed points back, as the browser does.

    Parameters
    ----------
    packed
        The points.

    Returns
    -------
    pandas.DataFrame
        `lon`, `lat` (degrees, middle of the cell) and the codes (int64), in Morton order.
    """
    header = packed.header
    count, bits = header["count"], header["bits"]
    rows = _key_bytes(bits) + sum(code["bytes"] for code in header["codes"])
    planes = np.frombuffer(zlib.decompress(packed.payload, _RAW_DEFLATE), dtype=np.uint8).reshape(rows, count)
    x, y = _deinterleave(np.cumsum(_joined(planes[: _key_bytes(bits)]), dtype=np.uint64), bits)
    cells = 2.0**bits
    columns = {
        "lon": header["west"] + (x + 0.5) / cells * header["width"],
        "lat": header["south"] + (y + 0.5) / cells * header["height"],
    }
    first = _key_bytes(bits)
    for code in header["codes"]:
        columns[code["name"]] = _joined(planes[first : first + code["bytes"]]).astype(np.int64)
        first += code["bytes"]
    return pd.DataFrame(columns)


def _checked(name: str, values: NDArray[Any]) -> NDArray[np.uint64]:
    if len(values) and not (values.min() >= 0 and values.max() < _WIDE**2):
        message = f"codes of {name} run from {values.min()} to {values.max()}; 0 to {_WIDE**2 - 1} can be packed"
        raise ValueError(message)
    return values.astype(np.uint64)


def _extent(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[float, float, float, float]:
    if not len(lon):
        return 0.0, 0.0, 1.0, 1.0
    west, south = float(lon.min()), float(lat.min())
    # A single place has no extent: any small one will do.
    return west, south, float(lon.max()) - west or 1e-6, float(lat.max()) - south or 1e-6


def _bits(width: float, height: float, south: float) -> int:
    """Fewest bits for which the corner of a cell is no farther than the error from its middle."""
    nearest_equator = max(0.0, min(abs(south), abs(south + height))) if south * (south + height) > 0 else 0.0
    metres = math.hypot(width * math.cos(math.radians(nearest_equator)), height) * _METRES_PER_DEGREE
    needed = math.ceil(math.log2(metres / 2 / _ERROR_M)) if metres else 0
    return min(max(needed, _FEWEST_BITS), _MOST_BITS)


def _key_bytes(bits: int) -> int:
    return -(-2 * bits // 8)


def _quantised(values: NDArray[np.float64], start: float, extent: float, bits: int) -> NDArray[np.uint64]:
    cells = 2**bits
    cell: NDArray[np.float64] = np.clip(np.floor((values - start) / extent * cells), 0, cells - 1)
    return cell.astype(np.uint64)


def _interleave(x: NDArray[np.uint64], y: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    key = np.zeros(len(x), dtype=np.uint64)
    one = np.uint64(1)
    for bit in map(np.uint64, range(bits)):
        key |= ((x >> bit) & one) << (bit * np.uint64(2))
        key |= ((y >> bit) & one) << (bit * np.uint64(2) + one)
    return key


def _deinterleave(key: NDArray[np.uint64], bits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.zeros(len(key), dtype=np.uint64), np.zeros(len(key), dtype=np.uint64)
    one = np.uint64(1)
    for bit in map(np.uint64, range(bits)):
        x |= ((key >> (bit * np.uint64(2))) & one) << bit
        y |= ((key >> (bit * np.uint64(2) + one)) & one) << bit
    return x.astype(np.float64), y.astype(np.float64)


def _planes(values: NDArray[np.uint64], width: int) -> bytes:
    """Put all first bytes side by side, then all second bytes: high bytes are nearly all 0 and deflate to nothing."""
    return values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()


def _joined(planes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    values = np.zeros(planes.shape[1], dtype=np.uint64)
    for byte, plane in enumerate(planes):
        values |= plane.astype(np.uint64) << np.uint64(8 * byte)
    return values
