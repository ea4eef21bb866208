"""What a visit plan is made from, checked: every fault at once, with the schools and zones it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError, InputError, SettingsError, SeveralFaultsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.coverage.visiting.rules import SchoolHours, VisitRules

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Days of a week, as they are named everywhere."""

COLUMNS = ("school_id", "name", "level", "zone_id")
"""What has to be known of a school."""


def check_inputs(
    schools: pd.DataFrame,
    travel_min: pd.DataFrame,
    wanted: pd.Series,
    hours: Mapping[str, SchoolHours],
    *,
    rules: VisitRules,
    days: Sequence[str],
    bases: Mapping[str, str],
    held_free_share: Mapping[str, float],
) -> None:
    """Refuse what no plan can be made from.

    Parameters
    ----------
    schools
        As for `visits.plan_visits`, checked by `check_schools`, ids as text.
    travel_min, wanted
        Minutes between places, and visits wanted as float64, both with ids as text.
    hours, rules, days, bases, held_free_share
        As for `visits.plan_visits`.

    Raises
    ------
    InputError
        The fault, if there was one; `SeveralFaultsError`, if there were several.
    """
    _raise(
        [
            *_faults_of_days(days),
            *_faults_of_visits(schools, wanted),
            *_faults_of_hours(schools, wanted, hours),
            *_faults_of_zones(schools, bases, held_free_share, rules),
            *_faults_of_travel(schools, wanted, travel_min, bases),
        ]
    )


def _raise(faults: Sequence[InputError]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise SeveralFaultsError(faults)


def check_schools(schools: pd.DataFrame) -> None:
    """Refuse a table of schools that lacks something.

    Parameters
    ----------
    schools
        As for `visits.plan_visits`.

    Raises
    ------
    InputError
        The fault, if there was one; `SeveralFaultsError`, if there were several.
    """
    missing = [c for c in COLUMNS if c not in schools.columns]
    if missing:
        raise ColumnError(
            "The table of schools lacks a column.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected=", ".join(missing),
        )
    if schools.empty:
        raise InputError(
            "There is no school to visit.",
            where="schools",
            expected="a school in every zone",
            remedy="Leave out zones without a school.",
        )
    ids = schools["school_id"].astype(str)
    faults: list[InputError] = []
    if ids.duplicated().any():
        faults.append(
            ColumnError(
                "A school is listed more than once.",
                where="schools, column school_id",
                ids=ids[ids.duplicated()].unique(),
                remedy="List each school once.",
            )
        )
    for column in ("level", "zone_id"):
        is_missing = schools[column].isna() | (schools[column].astype(str).str.strip() == "")
        if is_missing.any():
            faults.append(
                ColumnError(
                    "Some schools have no value here.",
                    where=f"schools, column {column}",
                    ids=ids[is_missing],
                    remedy="Give it to them, or leave these schools out.",
                )
            )
    _raise(faults)


def _faults_of_days(days: Sequence[str]) -> list[InputError]:
    in_order = sorted(set(days) & set(DAYS), key=DAYS.index)
    if in_order and list(days) == in_order:
        return []
    return [
        SettingsError(
            "The school days of the week are not days in their order.",
            where="days",
            found=", ".join(map(str, days)) or "none",
            expected=f"some of {', '.join(DAYS)}, each once",
        )
    ]


def _faults_of_visits(schools: pd.DataFrame, wanted: pd.Series) -> list[InputError]:
    if wanted.index.has_duplicates:
        twice = wanted.index[wanted.index.duplicated()].unique()
        return [ColumnError("A school has two numbers of visits.", where="visits", ids=twice)]
    number = schools["school_id"].map(wanted)
    is_faulty = ~(np.isfinite(number) & (number >= 0) & (number % 1 == 0))
    if not is_faulty.any():
        return []
    return [
        ColumnError(
            "Some schools have no whole number of visits a week.",
            where="visits",
            ids=schools.loc[is_faulty, "school_id"],
            found=", ".join(f"{v:g}" for v in number[is_faulty].head(3)),
            expected="0, 1, 2, …",
            remedy="Take them from visits_per_week, 0 for schools that are not visited.",
        )
    ]


def _faults_of_hours(schools: pd.DataFrame, wanted: pd.Series, hours: Mapping[str, SchoolHours]) -> list[InputError]:
    is_faulty = ~schools["level"].isin(list(hours)) & (schools["school_id"].map(wanted) > 0)
    if not is_faulty.any():
        return []
    return [
        InputError(
            "Some schools have no hours.",
            where="hours",
            ids=schools.loc[is_faulty, "school_id"],
            found=f"levels {', '.join(sorted(set(schools.loc[is_faulty, 'level'])))}",
            expected=", ".join(hours) or "hours by level",
            remedy="Give the bells of these levels.",
        )
    ]


def _faults_of_zones(
    schools: pd.DataFrame, bases: Mapping[str, str], held_free_share: Mapping[str, float], rules: VisitRules
) -> list[InputError]:
    zones = set(schools["zone_id"])
    faults: list[InputError] = [
        InputError(
            "A zone has no school.",
            where=where,
            ids=sorted(set(given) - zones),
            expected=", ".join(sorted(zones)),
            remedy="Leave it out, or give it a school.",
        )
        for where, given in (("bases", bases), ("held_free_share", held_free_share))
        if set(given) - zones
    ]
    wrong = {zone: share for zone, share in held_free_share.items() if not 0 <= share <= 1}
    if wrong:
        faults.append(SettingsError("A share is between 0 and 1.", where="held_free_share", found=wrong))
    full = [z for z, share in held_free_share.items() if z not in wrong and rules.work_limit_min(share) < 0]
    if full:
        faults.append(
            SettingsError(
                "The time held free and the break are longer than the shift.",
                where="held_free_share",
                ids=full,
                found=", ".join(f"{held_free_share[z]:.0%}" for z in full),
                remedy="Hold less time free, or plan no visits in these zones.",
            )
        )
    return faults


def _faults_of_travel(
    schools: pd.DataFrame, wanted: pd.Series, matrix: pd.DataFrame, bases: Mapping[str, str]
) -> list[InputError]:
    twice = [*matrix.index[matrix.index.duplicated()], *matrix.columns[matrix.columns.duplicated()]]
    if twice:
        return [ColumnError("A place is listed more than once.", where="travel_min", ids=sorted(set(twice)))]
    is_asked = schools["school_id"].map(wanted) > 0
    missing: set[str] = set()
    pairs: list[str] = []
    for zone, ids in schools[is_asked].groupby("zone_id", sort=False)["school_id"]:
        places = [*ids, bases[str(zone)]] if str(zone) in bases else list(ids)
        absent = [p for p in places if p not in matrix.index or p not in matrix.columns]
        missing |= set(absent)
        known = [p for p in places if p not in absent]
        minutes = matrix.loc[known, known].apply(pd.to_numeric, errors="coerce").to_numpy(dtype="float64", copy=True)
        np.fill_diagonal(minutes, 0.0)
        is_faulty = ~(np.isfinite(minutes) & (minutes >= 0))
        pairs += [f"{known[i]} to {known[j]}" for i, j in np.argwhere(is_faulty)]
    faults: list[InputError] = []
    if missing:
        faults.append(
            ColumnError(
                "Some places are not in the table of travel minutes.",
                where="travel_min",
                ids=sorted(missing),
                expected="a row and a column for every school and every base",
            )
        )
    if pairs:
        faults.append(
            ColumnError(
                "Some minutes of travel are missing, negative or endless.",
                where="travel_min",
                ids=pairs,
                expected="minutes of 0 or more between all places of a zone",
                remedy="Mend the roads, or estimate these pairs in a straight line.",
            )
        )
    return faults
