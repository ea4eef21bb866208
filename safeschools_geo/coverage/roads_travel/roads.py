"""Streets that can be driven, read from a layer of roads: their lines in metres, and minutes each way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.coverage.roads_travel.faults import refuse
from safeschools_geo.crs import check_degrees, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, SettingsError, attempt_all, count_text
from safeschools_geo.layers import require_kind
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.results import Finding

Numbers: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Shapes: TypeAlias = NDArray[np.object_]

ONE_WAY = {
    **dict.fromkeys(("true", "yes", "1", "ft"), 1),
    **dict.fromkeys(("-1", "reverse", "tf"), -1),
    **dict.fromkeys(("", "false", "no", "0", "b", "both"), 0),
}
"""What the column `one_way` may say → 1 along the line as it is drawn, -1 against it, 0 both ways."""

_WHERE = "roads"
_METRES_PER_MIN = 1000 / 60
"""Metres that are driven in a minute at 1 km/h."""


@dataclass(frozen=True, kw_only=True)
class RoadRules:
    """How a layer of roads is read.

    Parameters
    ----------
    join_m
        Ends of streets this near to each other, or to another street, in metres, are one junction.
    joins_crossings
        Whether streets that cross without a common point are joined: right for a layer that was never split at its
        junctions and has no bridges, wrong for every other.
    access_speed_kph
        Speed between a place and its street, in a straight line: across a campus or a car park.
    max_access_m
        Farthest that a place may be from its street, in metres; one that is farther cannot be reached.
    uses_main_part_only
        Whether places are led to the nearest street of the longest connected part; else to the nearest of all, which
        may hang with nothing.
    """

    join_m: float = 1.0
    joins_crossings: bool = False
    access_speed_kph: float = 20.0
    max_access_m: float = 2000.0
    uses_main_part_only: bool = False

    def __post_init__(self) -> None:
        """Check the values, and tell all that are wrong."""
        checks = (
            ("join_m", 0 <= self.join_m < np.inf, "0 or more"),
            ("access_speed_kph", 0 < self.access_speed_kph < np.inf, "above 0"),
            ("max_access_m", 0 <= self.max_access_m < np.inf, "0 or more"),
        )
        refuse(
            SettingsError("A rule for roads makes no sense.", where=name, found=getattr(self, name), expected=wanted)
            for name, is_right, wanted in checks
            if not is_right
        )


@dataclass(frozen=True, eq=False)
class Streets:
    """The n streets of a layer, each one line.

    Parameters
    ----------
    lines
        LineStrings in a CRS of metres, shape (n,).
    row
        Row of the layer that each belongs to, shape (n,); the pieces of a MultiLineString are streets of one row.
    length_m
        Length in metres, shape (n,), positive.
    along_min, against_min
        Minutes from the first point of the line to the last, and back, shape (n,); infinite where that is forbidden.
    labels
        Label of each row of the layer.
    """

    lines: Shapes
    row: Labels
    length_m: Numbers
    along_min: Numbers
    against_min: Numbers
    labels: pd.Index

    def __len__(self) -> int:
        """Return how many streets there are."""
        return len(self.lines)

    def names(self, streets: Labels) -> list[str]:
        """Name the rows of the layer that streets belong to.

        Parameters
        ----------
        streets
            Numbers of streets.

        Returns
        -------
        list of str
            Labels of rows.
        """
        return [str(label) for label in self.labels[self.row[streets]]]


def check_roads(roads: gpd.GeoDataFrame) -> None:
    """Refuse a layer that is no roads.

    Parameters
    ----------
    roads
        The layer.

    Raises
    ------
    InputError
        When it states no CRS, or one that its coordinates do not fit, or holds anything but lines; all at once.
    """

    def check_crs() -> None:
        check_degrees(roads.total_bounds, require_crs(roads, _WHERE), _WHERE)

    def check_kind() -> None:
        require_kind(roads.geometry, {"LineString", "MultiLineString"}, _WHERE, expected="lines")

    attempt_all({"crs": check_crs, "lines": check_kind})


def read_streets(roads: gpd.GeoDataFrame, crs: CRS) -> tuple[Streets, list[Finding]]:
    """Read a layer of roads.

    Parameters
    ----------
    roads
        LineStrings or MultiLineStrings with a CRS (see `check_roads`); `minutes` for the whole of each, or `speed_kph`,
        or both, of which `minutes` counts where it is given; `one_way` (see `ONE_WAY`) where streets are.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    streets : Streets
        The streets.
    findings : list of Finding
        Rows that were left out, having no geometry or no length.

    Raises
    ------
    InputError
        When no road has a length; when the layer has neither minutes nor speeds, or some of them, or of its directions,
        cannot be used: all at once, with the rows.
    """
    shapes = shapely.force_2d(roads.geometry.to_crs(crs).to_numpy())
    whole_m = shapely.length(shapes)
    is_line = np.isfinite(whole_m) & (whole_m > 0)
    if not is_line.any():
        raise GeometryError(
            "None of the roads has a length.",
            where=_WHERE,
            found=count_text(len(roads), "road"),
            expected="lines of some length",
            remedy="Give the layer of roads; leave it out to measure in straight lines.",
        )
    found: dict[str, NDArray[Any]] = attempt_all(
        {
            "minutes": partial(_minutes, roads, whole_m, is_line),
            "one_way": partial(_directions, roads, is_line),
        }
    )
    lines, row = shapely.get_parts(shapes[is_line], return_index=True)
    row = np.flatnonzero(is_line)[row].astype("int64")
    length_m = shapely.length(lines)
    is_long = length_m > 0
    lines, row, length_m = lines[is_long], row[is_long], length_m[is_long]
    minutes, direction = found["minutes"][row] * length_m / whole_m[row], found["one_way"][row]
    streets = Streets(
        lines=lines,
        row=row,
        length_m=length_m,
        along_min=np.where(direction >= 0, minutes, np.inf),
        against_min=np.where(direction <= 0, minutes, np.inf),
        labels=roads.index,
    )
    left_out = roads.index[~is_line]
    return streets, tell(
        left_out,
        "note",
        "roads_left_out",
        _WHERE,
        f"{count_text(len(left_out), 'road')} without geometry, or without length, left out.",
        expected="a line for every road",
        remedy="Nothing needs to be done, unless a road is missed.",
    )


def _minutes(roads: gpd.GeoDataFrame, whole_m: Numbers, is_line: Flags) -> Numbers:
    """Find the minutes of every road; refuse figures that cannot be driven by."""
    names = [name for name in ("minutes", "speed_kph") if name in roads.columns]
    if not names:
        raise ColumnError(
            "The roads have neither minutes nor a speed.",
            where=_WHERE,
            found="columns " + ", ".join(str(c) for c in roads.columns),
            expected="`minutes` of each road, or `speed_kph`",
            remedy="Rename the column that holds them; leave the layer out to measure in straight lines.",
        )
    given = {name: pd.to_numeric(roads[name], errors="coerce").to_numpy("float64", na_value=np.nan) for name in names}
    is_blank = {name: (roads[name].isna() | (roads[name].astype("str").str.strip() == "")).to_numpy() for name in names}
    # A figure that is there and cannot be right is a fault, even where the other column could stand in for it.
    is_right = {name: np.isfinite(given[name]) & (given[name] > 0) for name in names}
    faults = [_not_drivable(roads, name, is_line & ~is_right[name] & ~is_blank[name]) for name in names]
    faults.append(_not_drivable(roads, " or ".join(names), is_line & np.logical_and.reduce(list(is_blank.values()))))
    refuse(fault for fault in faults if fault is not None)
    minutes = given.get("minutes", np.full(len(roads), np.nan))
    by_speed = whole_m / (given.get("speed_kph", np.full(len(roads), np.nan)) * _METRES_PER_MIN)
    found: Numbers = np.where(np.isnan(minutes), by_speed, minutes)
    return found


def _not_drivable(roads: gpd.GeoDataFrame, name: str, is_faulty: Flags) -> ColumnError | None:
    if not is_faulty.any():
        return None
    figures = roads[name][is_faulty].drop_duplicates() if name in roads.columns else ["nothing"]
    return ColumnError(
        f"{count_text(int(is_faulty.sum()), 'road', of=len(roads))} cannot be driven by what {name} says.",
        where=f"{_WHERE}, column {name}",
        ids=[f"row {label}" for label in roads.index[is_faulty]],
        found=", ".join(str(v) for v in list(figures)[:3]),
        expected="a number above 0",
        remedy="Correct these rows, or leave them empty where the other of `minutes` and `speed_kph` is known.",
    )


def _directions(roads: gpd.GeoDataFrame, is_line: Flags) -> Labels:
    if "one_way" not in roads.columns:
        return np.zeros(len(roads), dtype="int64")
    words = roads["one_way"].map(_as_word)
    known = words.map(ONE_WAY)
    is_faulty = is_line & known.isna().to_numpy()
    if is_faulty.any():
        raise ColumnError(
            f"{count_text(int(is_faulty.sum()), 'road', of=len(roads))} with a direction that is not understood.",
            where=f"{_WHERE}, column one_way",
            ids=[f"row {label}" for label in roads.index[is_faulty]],
            found=", ".join(repr(v) for v in roads["one_way"][is_faulty].drop_duplicates()[:3]),
            expected="one of " + ", ".join(word or "nothing" for word in ONE_WAY),
            remedy="Say yes along the line as it is drawn, -1 against it, no for both ways.",
        )
    direction: Labels = known.fillna(0).to_numpy("int64")
    return direction


def _as_word(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return ""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip().lower()  # type: ignore[call-overload]
