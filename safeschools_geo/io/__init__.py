"""Reading any file an analyst has: tables, layers, ids, times and places, with our own words for what is wrong."""

from safeschools_geo.io.columns import require, take, text_columns
from safeschools_geo.io.coordinates import PointsRead, geometry, points
from safeschools_geo.io.files import SUPPORTED_SUFFIXES, find_files, read_table, sha256_of
from safeschools_geo.io.raw import RawTable
from safeschools_geo.io.text import as_text
from safeschools_geo.io.times import OneClock, ParsedTimes, parse_times

__all__ = [
    "SUPPORTED_SUFFIXES",
    "OneClock",
    "ParsedTimes",
    "PointsRead",
    "RawTable",
    "as_text",
    "find_files",
    "geometry",
    "parse_times",
    "points",
    "read_table",
    "require",
    "sha256_of",
    "take",
    "text_columns",
]
