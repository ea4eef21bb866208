"""Reading any file an analyst has: tables, layers, ids, times and places, with our own words for what is wrong."""

from safeschools_geo.io.columns import check_columns, require, take, text_columns
from safeschools_geo.io.coordinates import PointsRead, geometry, points
from safeschools_geo.io.files import SUPPORTED_SUFFIXES, find_files, read_table, sha256_of
from safeschools_geo.io.ids import alike_groups, check_digits, difference_text, groups_text, id_key
from safeschools_geo.io.raw import RawTable
from safeschools_geo.io.text import as_text
from safeschools_geo.io.times import OneClock, ParsedTimes, parse_times

__all__ = [
    "SUPPORTED_SUFFIXES",
    "OneClock",
    "ParsedTimes",
    "PointsRead",
    "RawTable",
    "alike_groups",
    "as_text",
    "check_columns",
    "check_digits",
    "difference_text",
    "find_files",
    "geometry",
    "groups_text",
    "id_key",
    "parse_times",
    "points",
    "read_table",
    "require",
    "sha256_of",
    "take",
    "text_columns",
]
