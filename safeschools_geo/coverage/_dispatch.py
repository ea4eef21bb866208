"""Who is tried for a call, and in which order: the zone's officer first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import InputError, count_text, name_ids, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


# ── Who is tried first: the order in which officers are sent to each place, and ties in it


@dataclass(frozen=True, eq=False)
class TiedOfficers:
    """Groups of officers that are tried together, of one size; an officer without a tie is a group of one."""

    place: Ints  # Row of the place of each group, int64, shape (groups,)
    tried_before: Ints  # How many officers are tried before the group, int64, shape (groups,)
    officers: Ints  # Who they are, int64, shape (groups, size)

    @property
    def size(self) -> int:
        """How many officers are tied."""
        return int(self.officers.shape[1])


@dataclass(frozen=True, eq=False)
class DispatchOrder:
    """The order in which the officers are tried for a call from each place."""

    preference: Ints  # Officers in the order they are tried, int64, shape (places, officers)
    starts: Ints  # For each position of `preference`, the first position of its group of ties, int64, same shape
    groups: tuple[TiedOfficers, ...]  # The groups of ties, by size

    @property
    def has_ties(self) -> bool:
        """Whether any two officers are tied anywhere."""
        return any(group.size > 1 for group in self.groups)

    @property
    def ranks(self) -> Ints:
        """Rank of each officer, equal where they are tied, int64, shape (places, officers)."""
        ranks = np.empty_like(self.starts)
        np.put_along_axis(ranks, self.preference, self.starts, axis=1)
        return ranks


def dispatch_order(
    preference: ArrayLike | None, ties: ArrayLike | None, *, places: int, officers: int
) -> DispatchOrder:
    """Check an order of officers for each place, and find its ties."""
    if preference is None and ties is None:
        raise InputError("There is no order of officers.", expected="preference, or ties, or both")
    shape, faults = (places, officers), list[InputError]()
    order = None if preference is None else _checked_preference(preference, shape, faults)
    ranks = None if ties is None else _checked_ranks(ties, shape, faults)
    if not faults and order is not None and ranks is not None:
        falling = (np.diff(np.take_along_axis(ranks, order, axis=1), axis=1) < 0).any(axis=1)
        if falling.any():
            faults.append(
                InputError(
                    "Ties contradict the order of preference at some places.",
                    where="ties, by row of place",
                    ids=np.flatnonzero(falling),
                    expected="ranks that do not fall along the order of preference",
                    remedy="Give only one of the two, or make them agree.",
                )
            )
    refuse(faults)
    if ranks is None:
        assert order is not None  # noqa: S101 - one of the two was given
        return _without_ties(order)
    if order is None:
        order = np.argsort(ranks, axis=1, kind="stable")
    return _with_ties(order, np.take_along_axis(ranks, order, axis=1))


def _checked_preference(preference: ArrayLike, shape: tuple[int, int], faults: list[InputError]) -> Ints | None:
    given = np.asarray(preference)
    if given.shape != shape:
        faults.append(_misshapen("preference", given.shape, shape))
        return None
    as_numbers = np.asarray(given, dtype=np.float64)
    is_faulty = (np.sort(as_numbers, axis=1) != np.arange(shape[1])).any(axis=1)
    if is_faulty.any():
        rows = np.flatnonzero(is_faulty)
        faults.append(
            InputError(
                "The order of officers is not complete at some places.",
                where="preference, by row of place",
                ids=rows,
                found=given[rows[0]].tolist(),
                expected=f"each of the officers 0 to {shape[1] - 1} once",
                remedy="To leave an officer out, leave out the officer's column and rate.",
            )
        )
        return None
    return as_numbers.astype(np.int64)


def _checked_ranks(ties: ArrayLike, shape: tuple[int, int], faults: list[InputError]) -> Floats | None:
    ranks = np.array(ties, dtype=np.float64)
    if ranks.shape != shape:
        faults.append(_misshapen("ties", ranks.shape, shape))
        return None
    is_faulty = np.isnan(ranks).any(axis=1)
    if is_faulty.any():
        faults.append(
            InputError(
                "Some places have officers without a rank.",
                where="ties, by row of place",
                ids=np.flatnonzero(is_faulty),
                expected="a number for each officer",
            )
        )
        return None
    return ranks


def _misshapen(what: str, found: tuple[int, ...], expected: tuple[int, int]) -> InputError:
    return InputError(
        f"{what} does not fit the numbers of places and officers.",
        where=what,
        found=f"shape {found}",
        expected=f"shape {expected}: a row for each place, a column for each officer",
    )


def _without_ties(order: Ints) -> DispatchOrder:
    places, officers = order.shape
    starts = np.broadcast_to(np.arange(officers), order.shape)
    alone = TiedOfficers(np.repeat(np.arange(places), officers), starts.ravel(), order.reshape(-1, 1))
    return DispatchOrder(order, starts, (alone,))


def _with_ties(order: Ints, ranks: Floats) -> DispatchOrder:
    """Cut an order into groups; `ranks` are in that order and do not fall."""
    places, officers = order.shape
    opens = np.ones(order.shape, dtype=bool)
    opens[:, 1:] = np.diff(ranks, axis=1) > 0
    starts = np.maximum.accumulate(np.where(opens, np.arange(officers), 0), axis=1)
    place, first = np.nonzero(opens)
    heads = place * officers + first
    sizes = np.diff(np.append(heads, places * officers))
    groups = []
    for size in np.unique(sizes).tolist():
        is_so = sizes == size
        members = order.ravel()[heads[is_so, None] + np.arange(size)]
        groups.append(TiedOfficers(place[is_so], first[is_so], members))
    return DispatchOrder(order, starts, tuple(groups))


# ── Who is tried for a call at each school: the zone's officer first, then the others by how soon they are there

_DECIMALS = 9
"""Minutes that are equal to so many decimals are a tie: what is left is rounding."""


@dataclass(frozen=True, eq=False)
class Dispatch:
    """Which of m officers are tried for calls at each of n schools, and how far each of them is away.

    Parameters
    ----------
    school_zones
        Zone of each school, by `school_id`: the places of the queueing model, in their order.
    officer_zones
        Zone of each officer, by `officer`: its units, in their order.
    preference
        Positions of the officers in the order they are tried, int64, shape (n, m).
    travel_min
        Minutes from where the officer waits to the school, float64, shape (n, m).
    empty_zones
        Zones of officers in which there is no school.
    """

    school_zones: pd.Series
    officer_zones: pd.Series
    preference: Ints
    travel_min: Floats
    empty_zones: tuple[str, ...]

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
        told = f"{schools}, {officers}: a call goes to the officer of the zone, and where that one is busy to whoever"
        said = [f"{told} of the others has the shortest way."]
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


def zone_dispatch(school_zones: pd.Series, officer_zones: pd.Series, response_min: pd.DataFrame) -> Dispatch:
    """Order the officers for each school.

    Parameters
    ----------
    school_zones
        Zone of each school, by `school_id`.
    officer_zones
        Zone of each officer, by the officer's post; an officer of each zone is usual, several are possible.
    response_min
        Minutes to each school (rows, by `school_id`) from where each officer (columns) waits: `officer_minutes`.

    Returns
    -------
    Dispatch
        The officers of the school's zone first, then the others, each by minutes; of several as near, the one that
        comes first in `officer_zones`.

    Raises
    ------
    InputError
        All at once: no school or no officer; schools or officers that come twice or have no zone; minutes that are
        missing, negative or infinite.
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
    )


def by_travel(travel_min: ArrayLike, *, is_own: ArrayLike | None = None) -> Ints:
    """Order officers by travel."""
    minutes = np.round(np.asarray(travel_min, dtype=np.float64), _DECIMALS)
    is_other = np.zeros(minutes.shape, dtype=bool) if is_own is None else ~np.asarray(is_own, dtype=bool)
    return np.lexsort((minutes, is_other), axis=1).astype(np.int64)


def officer_minutes(response_min: pd.DataFrame, staging: pd.Series) -> pd.DataFrame:
    """Take the minutes to each school from where each officer waits.

    Parameters
    ----------
    response_min
        Minutes to each school (rows, by `school_id`) from each point where officers may wait (columns, by its id), as
        `TravelTimes.response_minutes` gives them.
    staging
        Id of the point where each officer waits, by the officer's post; several may wait at one.

    Returns
    -------
    pandas.DataFrame
        Minutes, float64: a row for each school, a column for each officer.

    Raises
    ------
    InputError
        When an officer has no point, or one that is not in `response_min`.
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


def _list_faults(zones: pd.Series, noun: str, where: str) -> list[InputError]:
    if zones.empty:
        return [InputError(f"There is no {noun}.", where=where, expected="one at least")]
    faults = []
    twice = zones.index[zones.index.duplicated()]
    if len(twice):
        faults.append(InputError(f"Some {noun}s come twice.", where=where, ids=twice, expected="each once"))
    lost = zones.index[zones == ""]
    if len(lost):
        faults.append(
            InputError(
                f"Some {noun}s have no zone.",
                where=where,
                ids=lost,
                found=count_text(len(lost), noun, of=len(zones)),
                expected="the id of a zone",
                remedy=f"Give each {noun} a zone, or leave it out.",
            )
        )
    return faults


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
        remedy="Measure the travel from every staging point to every school; mend the roads where there is no way.",
    )
