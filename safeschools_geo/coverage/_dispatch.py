"""Who is tried for a call, and in which order: the zone's officer first."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import InputError, count_text, name_ids, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


# ── Who is tried first: the order in which officers are sent to each place


def checked_preference(preference: ArrayLike, *, places: int, officers: int) -> Ints:
    """Check an order of officers for each place, shape (places, officers)."""
    given = np.asarray(preference)
    if given.shape != (places, officers):
        raise InputError(
            "preference does not fit the numbers of places and officers.",
            where="preference",
            found=f"shape {given.shape}",
            expected=f"shape {(places, officers)}: a row for each place, a column for each officer",
        )
    as_numbers = np.asarray(given, dtype=np.float64)
    rows = np.flatnonzero((np.sort(as_numbers, axis=1) != np.arange(officers)).any(axis=1))
    if len(rows):
        raise InputError(
            "The order of officers is not complete at some places.",
            where="preference, by row of place",
            ids=rows,
            found=given[rows[0]].tolist(),
            expected=f"each of the officers 0 to {officers - 1} once",
            remedy="To leave an officer out, leave out the officer's column and rate.",
        )
    return as_numbers.astype(np.int64)


# ── Who is tried for a call at each school: the zone's officer first, then the others by how soon they are there

_DECIMALS = 9
"""Minutes that are equal to so many decimals are a tie: what is left is rounding."""


def _no_shares() -> pd.Series:
    return pd.Series(dtype="float64", index=pd.Index([], name="zone_id", dtype="str"))


@dataclass(frozen=True, eq=False)
class Practice:
    """What dispatch does besides sending whoever is free, by zone; nothing of the kind where nothing is known."""

    # Share of calls that are sent to patrol although the zone's officer is free
    diverted_share: pd.Series = field(default_factory=_no_shares)
    # Share of calls at which the zone's officer is on none, and does not come: a visit, a break, court
    unavailable_share: pd.Series = field(default_factory=_no_shares)
    # Share of the time of the zone's officer on incidents that the officer began
    began_share: pd.Series = field(default_factory=_no_shares)
    # Share of calls that come while the zone's officer is on one, and are answered by that officer all the same
    kept_share: float = 0.0
    # Minutes that an officer of another zone takes more, which are in the minutes of a dispatch
    other_extra_min: float = 0.0
    # Minutes of a trip over their mean, equally likely, shape (k,)
    ratios: Floats = field(default_factory=lambda: np.ones(1))

    def of(self, shares: pd.Series, zones: Iterable[str]) -> Floats:
        """Give the share of each zone; that of the mean zone for one that is not known."""
        otherwise = float(shares.mean()) if len(shares) else 0.0
        found: Floats = shares.reindex(list(zones)).fillna(otherwise).to_numpy(dtype=np.float64)
        return found


NO_PRACTICE = Practice()
"""Whoever is free is sent, and a trip takes what its way takes."""


@dataclass(frozen=True, eq=False)
class Dispatch:
    """Which of m officers are tried for calls at each of n schools, and how far each of them is away."""

    school_zones: pd.Series  # Zone of each school, by `school_id`: the places of the queueing model, in their order
    officer_zones: pd.Series  # Zone of each officer, by `officer`: the units of the model, in their order
    preference: Ints  # Positions of the officers in the order they are tried, shape (n, m)
    travel_min: Floats  # From where the officer waits to the school, shape (n, m)
    empty_zones: tuple[str, ...]  # Zones of officers in which there is no school
    practice: Practice = NO_PRACTICE  # What dispatch does besides sending whoever is free

    @cached_property
    def diverted_share(self) -> Floats:
        """Share of the calls of each school that are sent to patrol although an officer is free, shape (n,)."""
        return self.practice.of(self.practice.diverted_share, self.school_zones)

    @cached_property
    def away_share(self) -> Floats:
        """Share of the calls of each school at which the zone's officer is on none and cannot come, shape (n,)."""
        unavailable = self.practice.of(self.practice.unavailable_share, self.school_zones)
        return 1 - (1 - unavailable) * (1 - self.practice.of(self.practice.began_share, self.school_zones))

    @cached_property
    def began_share(self) -> Floats:
        """Share of the time that each officer is on incidents that the officer began, shape (m,)."""
        return self.practice.of(self.practice.began_share, self.officer_zones)

    @cached_property
    def own_last(self) -> Ints:
        """The order in which officers are tried while the zone's own cannot come, int64, shape (n, m)."""
        is_own = np.take_along_axis(self.is_own, self.preference, axis=1)
        order = np.argsort(is_own, axis=1, kind="stable")
        return np.take_along_axis(self.preference, order, axis=1)

    def trips(self, shares: ArrayLike, rows: Flags | slice = slice(None)) -> tuple[Floats, Floats]:
        """Spread trips as those of the record are: shares of calls, and minutes, each of shape (schools, m, k).

        `shares`: of calls by school and officer; `rows`: the schools that they are of.
        """
        return spread_trips(shares, self.travel_min[rows], self.practice.ratios)

    @cached_property
    def is_own(self) -> Flags:
        """Whether the officer is one of the school's own zone, shape (n, m)."""
        own: Flags = self.school_zones.to_numpy()[:, None] == self.officer_zones.to_numpy()[None, :]
        return own

    @property
    def zones(self) -> list[str]:
        """Zones, those of the officers first, each in the order it comes."""
        return [str(zone) for zone in pd.unique(pd.concat([self.officer_zones, self.school_zones]))]

    def summary(self) -> str:
        """Say in plain English how officers are tried."""
        schools, officers = count_text(len(self.school_zones), "school"), count_text(len(self.officer_zones), "officer")
        text = f"{schools}, {officers}: a call goes to the officer of the zone, and where that one is busy to whoever"
        said = [f"{text} of the others has the shortest way."]
        if self.empty_zones:
            said.append(f"There is no school in zone {name_ids(self.empty_zones)}; its officer only helps elsewhere.")
        alone = len(self.school_zones) - int(np.count_nonzero(self.is_own.any(axis=1)))
        if alone:
            said.append(f"{count_text(alone, 'school')} in zones without an officer: the nearest is tried first there.")
        return " ".join(said)

    def to_frame(self) -> pd.DataFrame:
        """Return the officers of each school in the order they are tried.

        `school_id`, `zone_id`, `place` (from 1), `officer`, `officer_zone`, `travel_min` and `is_own`: n × m rows.
        """
        rows = np.repeat(np.arange(len(self.school_zones)), len(self.officer_zones))
        who = self.preference.ravel()
        return pd.DataFrame(
            {
                "school_id": self.school_zones.index.to_numpy()[rows],
                "zone_id": self.school_zones.to_numpy()[rows],
                "place": np.tile(np.arange(1, len(self.officer_zones) + 1), len(self.school_zones)),
                "officer": self.officer_zones.index.to_numpy()[who],
                "officer_zone": self.officer_zones.to_numpy()[who],
                "travel_min": self.travel_min[rows, who],
                "is_own": self.is_own[rows, who],
            }
        )


def spread_trips(shares: ArrayLike, minutes: ArrayLike, ratios: Floats) -> tuple[Floats, Floats]:
    """Spread trips around their means by ratios that are equally likely: shares of calls, and minutes."""
    of_calls, means = np.asarray(shares, dtype=np.float64), np.asarray(minutes, dtype=np.float64)
    each = np.broadcast_to(of_calls[..., None] / len(ratios), (*of_calls.shape, len(ratios)))
    return each, means[..., None] * ratios


def zone_dispatch(
    school_zones: pd.Series,
    officer_zones: pd.Series,
    response_min: pd.DataFrame,
    *,
    practice: Practice = NO_PRACTICE,
) -> Dispatch:
    """Order the officers for each school: those of its zone first, then the others, each by minutes.

    Of several as near, the one that comes first in `officer_zones` is tried first. `school_zones` are by `school_id`,
    `officer_zones` by the officer's post, several in a zone or one; `response_min` has a row for each school and a
    column for each officer (`officer_minutes`). Schools and officers that come twice or have no zone are refused, and
    minutes that are missing, negative or infinite.
    """
    zones, posts = school_zones.fillna("").astype("str"), officer_zones.fillna("").astype("str")
    faults = [*_list_faults(zones, "school", "school_zones"), *_list_faults(posts, "officer", "officer_zones")]
    faults += _minutes_faults(response_min, zones.index, posts.index)
    refuse(faults)
    minutes = response_min.loc[zones.index, posts.index].to_numpy(dtype=np.float64)
    is_own = zones.to_numpy()[:, None] == posts.to_numpy()[None, :]
    return Dispatch(
        school_zones=zones.rename("zone_id").rename_axis("school_id"),
        officer_zones=posts.rename("zone_id").rename_axis("officer"),
        preference=by_travel(minutes, is_own=is_own),
        travel_min=minutes,
        empty_zones=tuple(zone for zone in pd.unique(posts) if zone not in set(zones)),
        practice=practice,
    )


def by_travel(travel_min: ArrayLike, *, is_own: ArrayLike | None = None) -> Ints:
    """Order officers by travel."""
    minutes = np.round(np.asarray(travel_min, dtype=np.float64), _DECIMALS)
    is_other = np.zeros(minutes.shape, dtype=bool) if is_own is None else ~np.asarray(is_own, dtype=bool)
    return np.lexsort((minutes, is_other), axis=1).astype(np.int64)


def officer_minutes(response_min: pd.DataFrame, staging: pd.Series) -> pd.DataFrame:
    """Take the minutes to each school (rows) from where each officer (columns) waits; several may wait at one point.

    `response_min` has a column for each point, as `TravelTimes.response_minutes` gives it; `staging` is the id of the
    point by the officer's post.
    """
    column = response_min.columns.get_indexer(pd.Index(staging))
    if (column < 0).any():
        raise InputError(
            "Some officers wait at no point that minutes are known from.",
            where="staging",
            ids=staging.index[column < 0],
            found=", ".join(str(point) for point in staging[column < 0][:3]),
            expected="the id of a point among the columns of the minutes",
            remedy="Give every officer a staging point, and measure the travel from it.",
        )
    table = response_min.iloc[:, column].astype("float64")
    return table.set_axis(staging.index, axis=1)


def _list_faults(zones: pd.Series, noun: str, where: str) -> Iterator[InputError]:
    if zones.empty:
        yield InputError(f"There is no {noun}.", where=where, expected="one at least")
    twice = zones.index[zones.index.duplicated()]
    if len(twice):
        yield InputError(f"Some {noun}s come twice.", where=where, ids=twice, expected="each once")
    lost = zones.index[zones == ""]
    if len(lost):
        yield InputError(
            f"Some {noun}s have no zone.",
            where=where,
            ids=lost,
            found=count_text(len(lost), noun, of=len(zones)),
            expected="the id of a zone",
            remedy=f"Give each {noun} a zone, or leave it out.",
        )


def _minutes_faults(response_min: pd.DataFrame, schools: pd.Index, officers: pd.Index) -> list[InputError]:
    schools, officers = schools.unique(), officers.unique()
    table = response_min.loc[~response_min.index.duplicated(), ~response_min.columns.duplicated()]
    minutes = table.reindex(index=schools, columns=officers).to_numpy(dtype=np.float64)
    is_faulty = ~(np.isfinite(minutes) & (minutes >= 0))
    of_officer, of_school = np.logical_and.reduce(is_faulty, axis=0), np.logical_and.reduce(is_faulty, axis=1)
    faults = []
    for noun, ids, is_lost in (("officer", officers, of_officer), ("school", schools, of_school)):
        lost = np.flatnonzero(is_lost)
        if len(lost):
            faults.append(_no_minutes(f"There are no minutes for some {noun}s.", ids[lost]))
    # What is said of a whole row or column is not said again of each pair in it.
    row, column = np.nonzero(is_faulty & ~of_officer & ~of_school[:, None])
    if len(row):
        pairs = [f"{school} from {officer}" for school, officer in zip(schools[row], officers[column], strict=True)]
        faults.append(_no_minutes("Some minutes between officers and schools cannot be used.", pairs))
    return faults


def _no_minutes(problem: str, ids: Iterable[str]) -> InputError:
    return InputError(
        problem,
        where="response_min",
        ids=ids,
        found="missing, negative or infinite",
        expected="minutes of 0 or more, where there is a way",
        remedy="Measure the travel from every staging point to every school; fix the roads where there is no way.",
    )
