"""How many visits each school needs in a week: by level, and more where there is more work or a hotspot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError, InputError, SettingsError, count_text
from safeschools_geo.schemas import LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SCHOOL_WEEK = 5
_ROUNDING = 1e-9


def visits_per_week(
    schools: pd.DataFrame,
    by_level: Mapping[str, float],
    *,
    workload_h: pd.Series | None = None,
    hotspots: Collection[str] = (),
    busy_ratio: float = 1.5,
    extra_visits: float = 1.0,
    most: int = _SCHOOL_WEEK,
    school_days: int = _SCHOOL_WEEK,
    week: int = 0,
) -> pd.DataFrame:
    """Say how many visits each school needs in a week, and why.

    Parameters
    ----------
    schools
        `school_id`, `level`, and `in_program` where not every school is.
    by_level
        Visits a week of five school days, by level; they need not be whole.
    workload_h
        Officer-hours per school day by `school_id`, without routine visits; None to leave it out.
    hotspots
        Ids of schools that are high, alone or in a group.
    busy_ratio
        A school with at least this many times the mean workload of all programme schools gets more visits.
    extra_visits
        How many more, a week of five school days; once for workload and once for a hotspot.
    most
        Most visits of a school in a week; no more than `school_days` count.
    school_days
        School days of this week: a short week has fewer visits in proportion.
    week
        Number of the week. Visits that are not whole are spread over the weeks: 1.5 are 1 and 2 by turns, not for
        all schools in the same week.

    Returns
    -------
    pandas.DataFrame
        By `school_id`, in the order of `schools`: `visits` (int64) and `why` (one plain sentence). Programme schools
        have at least one visit, others none.

    Raises
    ------
    InputError
        When a column or a level is missing, a school has no workload, or a number does not make sense.
    """
    _check(schools, by_level, workload_h, hotspots)
    _check_numbers(busy_ratio=busy_ratio, extra_visits=extra_visits, most=most, school_days=school_days, week=week)
    ids = schools["school_id"].astype(str)
    in_program = _in_program(schools)
    level = schools["level"].astype(str)
    busy = _is_busy(ids, in_program, workload_h, busy_ratio)
    is_hot = ids.isin({str(s) for s in hotspots}).to_numpy()
    turn = (np.cumsum(in_program) - 1) / max(1, int(in_program.sum()))
    limit = min(most, school_days)
    visits, why = [], []
    for i in range(len(schools)):
        rate = by_level[level.iloc[i]] + extra_visits * (int(busy[i]) + int(is_hot[i])) if in_program[i] else 0.0
        scaled = rate * school_days / _SCHOOL_WEEK
        due = _of_week(scaled, week, turn[i])
        given = min(max(1, due), limit) if in_program[i] else 0
        visits.append(given)
        more = [f"{extra_visits:g} for its workload"] * bool(busy[i]) + [f"{extra_visits:g} as a hotspot"] * bool(
            is_hot[i]
        )
        reason = f"{by_level[level.iloc[i]]:g} as {_level_words(level.iloc[i])}" if in_program[i] else ""
        why.append(_sentence(reason, more, rate=rate, school_days=school_days, due=due, given=given))
    table = {"visits": np.asarray(visits, dtype="int64"), "why": pd.array(why, dtype="str")}
    return pd.DataFrame(table, index=pd.Index(ids, name="school_id"))


def _sentence(reason: str, more: list[str], *, rate: float, school_days: int, due: int, given: int) -> str:
    if not reason:
        return "No visits: not in the programme."
    parts = ", ".join([reason, *more])
    text = f"{count_text(given, 'visit')}: {parts}"
    if school_days != _SCHOOL_WEEK:
        text += f", in a week of {count_text(school_days, 'school day')}"
    if not (float(rate) * school_days / _SCHOOL_WEEK).is_integer():
        text += f", {rate * school_days / _SCHOOL_WEEK:g} on the mean of the weeks"
    if given > due:
        text += "; every school has one"
    if given < due:
        text += f"; {due} would be due, and there are {given} at the most"
    return f"{text}."


def _level_words(level: str) -> str:
    words = "school of another level" if level == "other" else f"{LEVELS.get(level, level)} school"
    words = words if level == "k8" else words.lower()
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def _of_week(rate: float, week: int, turn: float) -> int:
    """Give the visits of one week out of a rate, so that weeks add up to the rate."""
    return math.floor(rate * (week + 1) + turn + _ROUNDING) - math.floor(rate * week + turn + _ROUNDING)


def _in_program(schools: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if "in_program" not in schools.columns:
        return np.ones(len(schools), dtype=bool)
    return schools["in_program"].to_numpy(dtype=bool)


def _is_busy(
    ids: pd.Series, in_program: np.ndarray[tuple[int], np.dtype[np.bool_]], workload_h: pd.Series | None, ratio: float
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if workload_h is None or not in_program.any():
        return np.zeros(len(ids), dtype=bool)
    load = pd.Series(workload_h.to_numpy(dtype="float64"), index=workload_h.index.astype(str))
    hours = ids.map(load).to_numpy(dtype="float64")
    mean = float(hours[in_program].mean())
    if mean <= 0:
        return np.zeros(len(ids), dtype=bool)
    is_busy: np.ndarray[tuple[int], np.dtype[np.bool_]] = in_program & (hours >= ratio * mean * (1 - _ROUNDING))
    return is_busy


def _check(
    schools: pd.DataFrame, by_level: Mapping[str, float], workload_h: pd.Series | None, hotspots: Collection[str]
) -> None:
    missing = [c for c in ("school_id", "level") if c not in schools.columns]
    if missing:
        raise ColumnError(
            "The table of schools lacks a column.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected=", ".join(missing),
        )
    ids = schools["school_id"].astype(str)
    if ids.duplicated().any():
        raise ColumnError("A school is listed more than once.", where="schools", ids=ids[ids.duplicated()])
    in_program = _in_program(schools)
    levels = schools["level"].astype(str)
    is_unknown = ~levels.isin(list(by_level)).to_numpy() & in_program
    if is_unknown.any():
        raise InputError(
            "There are no visits a week for the level of some schools.",
            where="visits_per_week",
            ids=ids[is_unknown],
            found=", ".join(sorted(set(levels[is_unknown]))),
            expected=", ".join(by_level),
            remedy="State how often schools of this level are visited.",
        )
    wrong = {level: rate for level, rate in by_level.items() if not (math.isfinite(rate) and rate >= 0)}
    if wrong:
        raise SettingsError("Visits a week are not negative.", where="visits_per_week", found=wrong)
    strangers = sorted({str(s) for s in hotspots} - set(ids))
    if strangers:
        raise InputError("A hotspot is at no school of the table.", where="hotspots", ids=strangers)
    if workload_h is not None:
        _check_workload(ids[in_program], workload_h)


def _check_workload(ids: pd.Series, workload_h: pd.Series) -> None:
    load = pd.Series(workload_h.to_numpy(dtype="float64", na_value=np.nan), index=workload_h.index.astype(str))
    if load.index.has_duplicates:
        raise ColumnError(
            "A school has two workloads.", where="workload_h", ids=load.index[load.index.duplicated()].unique()
        )
    hours = ids.map(load).to_numpy(dtype="float64")
    is_faulty = ~(np.isfinite(hours) & (hours >= 0))
    if is_faulty.any():
        raise ColumnError(
            "Some programme schools have no workload.",
            where="workload_h",
            ids=ids[is_faulty],
            expected="officer-hours per school day, 0 or more",
            remedy="Give these schools their workload, 0 where there is none.",
        )


def _check_numbers(*, busy_ratio: float, extra_visits: float, most: int, school_days: int, week: int) -> None:
    checks = {
        "busy_ratio": busy_ratio > 0,
        "extra_visits": extra_visits >= 0,
        "most": most >= 1,
        "school_days": school_days >= 1,
        "week": week >= 0,
    }
    wrong = [name for name, is_right in checks.items() if not is_right]
    if wrong:
        raise SettingsError("A number of visits does not make sense.", where=", ".join(wrong), expected="above zero")
