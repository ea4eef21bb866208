"""What is known of each officer's week, checked: schools, whole minutes between them, visits wanted, windows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safeschools_geo.coverage.visiting.checks import COLUMNS, DAYS, check_inputs, check_schools
from safeschools_geo.coverage.visiting.rules import VisitRules, Window, visit_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.coverage.visiting.rules import SchoolHours

_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class ZoneWeek:
    """One officer's week, in whole minutes.

    Parameters
    ----------
    zone_id
        The zone.
    days
        Names of its school days.
    school_ids, names, levels
        Schools that want a visit, n of them.
    visits
        Visits wanted of each school, shape (n,).
    windows
        Windows of each school in which a visit can lie.
    base
        Id of the place where the officer's day starts and ends; None where it starts at the first visit.
    drive_min
        Minutes between places, rounded up: the schools, then the base if there is one, shape (n, n) or (n + 1, n + 1).
    limit_min
        Most minutes of visits and driving of a day.
    rules
        The rules.
    """

    zone_id: str
    days: tuple[str, ...]
    school_ids: tuple[str, ...]
    names: tuple[str, ...]
    levels: tuple[str, ...]
    visits: NDArray[np.int64]
    windows: tuple[tuple[Window, ...], ...]
    base: str | None
    drive_min: NDArray[np.int64]
    limit_min: int
    rules: VisitRules

    def __len__(self) -> int:
        """Return the number of schools."""
        return len(self.school_ids)

    @property
    def base_place(self) -> int | None:
        """Number of the base among the places."""
        return None if self.base is None else len(self)

    @property
    def day_numbers(self) -> tuple[int, ...]:
        """Number of each school day, Monday 0."""
        return tuple(DAYS.index(day) for day in self.days)

    def place_id(self, place: int | None) -> str:
        """Name a place.

        Parameters
        ----------
        place
            Its number; None for no place.

        Returns
        -------
        str
            Id of the school or the base; empty for none.
        """
        if place is None:
            return ""
        return (*self.school_ids, self.base or "")[place]

    def first_windows(self, school: int) -> tuple[str, ...]:
        """Return the windows of which a school has to have one in the week.

        Parameters
        ----------
        school
            Number of the school.

        Returns
        -------
        tuple of str
            Their names; empty where any will do.
        """
        return tuple(self.rules.first_windows.get(self.levels[school], ()))

    def random(self, seed: int, week: int) -> np.random.Generator:
        """Return the random numbers of this zone's week.

        Parameters
        ----------
        seed, week
            Seed and number of the week.

        Returns
        -------
        numpy.random.Generator
            The same for the same zone, seed and week, whatever other zones there are.
        """
        return np.random.default_rng([seed, week, zlib.crc32(self.zone_id.encode())])


def zone_weeks(
    schools: pd.DataFrame,
    travel_min: pd.DataFrame,
    visits: pd.Series,
    hours: Mapping[str, SchoolHours],
    *,
    rules: VisitRules,
    days: Sequence[str],
    bases: Mapping[str, str],
    held_free_share: Mapping[str, float],
) -> list[ZoneWeek]:
    """Check what a visit plan is made from, and sort it by zone.

    Parameters
    ----------
    schools, travel_min, visits, hours, rules, days, bases, held_free_share
        As for `visits.plan_visits`.

    Returns
    -------
    list of ZoneWeek
        One for each zone, in the order in which the zones appear in `schools`.

    Raises
    ------
    InputError
        When something is missing or makes no sense; `SeveralFaultsError`, when several things are wrong.
    """
    check_schools(schools)
    table = pd.DataFrame({column: schools[column].astype(str) for column in COLUMNS}).reset_index(drop=True)
    wanted = _by_id(visits)
    matrix = travel_min.set_axis(travel_min.index.astype(str)).set_axis(travel_min.columns.astype(str), axis=1)
    check_inputs(table, matrix, wanted, hours, rules=rules, days=days, bases=bases, held_free_share=held_free_share)
    asked = table[table["school_id"].map(wanted) > 0]
    return [
        _zone_week(
            zone,
            asked[asked["zone_id"] == zone],
            matrix,
            wanted,
            hours,
            rules=rules,
            days=tuple(days),
            base=bases.get(zone),
            limit_min=rules.work_limit_min(held_free_share.get(zone)),
        )
        for zone in table["zone_id"].unique()
    ]


def _zone_week(
    zone: str,
    schools: pd.DataFrame,
    matrix: pd.DataFrame,
    wanted: pd.Series,
    hours: Mapping[str, SchoolHours],
    *,
    rules: VisitRules,
    days: tuple[str, ...],
    base: str | None,
    limit_min: int,
) -> ZoneWeek:
    ids = schools["school_id"].tolist()
    places = ids if base is None else [*ids, base]
    minutes = matrix.loc[places, places].to_numpy(dtype="float64")
    drive = np.ceil(minutes - _ROUNDING).astype("int64")
    np.fill_diagonal(drive, 0)
    return ZoneWeek(
        zone,
        days,
        tuple(ids),
        tuple(schools["name"]),
        tuple(schools["level"]),
        wanted.loc[ids].to_numpy(dtype="int64"),
        tuple(visit_windows(hours[level], rules) for level in schools["level"]),
        base,
        drive,
        limit_min,
        rules,
    )


def _by_id(values: pd.Series) -> pd.Series:
    return pd.Series(values.to_numpy(dtype="float64", na_value=np.nan), index=values.index.astype(str))
