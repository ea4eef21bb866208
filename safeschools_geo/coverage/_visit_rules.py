"""What a week of visits has to keep, and what is known of each officer's week."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, SupportsFloat

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safeschools_geo.errors import ColumnError, InputError, SettingsError, count_text, refuse, with_article
from safeschools_geo.text import school_of_level

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


# ── What a visit plan has to keep: the officer's shift, the windows of a school's day, the break, and time for calls

SPECIAL_WINDOWS = ("arrival", "lunch", "dismissal")
"""The windows in which an officer is wanted most."""

WINDOWS = ("arrival", "class", "lunch", "dismissal")
"""Every window of a school's day."""

_DAY_MIN = 24 * 60
_MOST_VARIATION_MIN = 60
_WHERE = "visit rules"
_REMEDY = "Correct it in the settings of visits."


class Window(NamedTuple):
    """A stretch of a school's day that holds whole visits."""

    name: str  # One of `WINDOWS`
    # Earliest arrival and latest leaving, minutes of the day
    from_min: int
    to_min: int


@dataclass(frozen=True, kw_only=True)
class SchoolHours:
    """The bells of a school, or of a level: whole minutes of one day, in this order."""

    start_min: int  # First bell
    # Pupils are at lunch between these; the same where school ends before
    lunch_from_min: int
    lunch_to_min: int
    end_min: int  # Last bell

    def __post_init__(self) -> None:
        """Check that they are in order."""
        bells = (self.start_min, self.lunch_from_min, self.lunch_to_min, self.end_min)
        is_whole = all(_is_whole(b) for b in bells)
        if not (is_whole and 0 <= bells[0] <= bells[1] <= bells[2] <= bells[3] <= _DAY_MIN and bells[0] < bells[3]):
            raise SettingsError(
                "School hours are not in order.",
                where="school hours",
                found=", ".join(str(b) for b in bells),
                expected="whole minutes of the day, in order: start, lunch from, lunch to, end",
                remedy="Correct the bells of this level.",
            )
        _make_whole(self, vars(self))


def _is_whole(value: object) -> bool:
    # Whole numbers of numpy, and floats such as 12.0, will do.
    return isinstance(value, SupportsFloat) and math.isfinite(float(value)) and float(value).is_integer()


def _make_whole(settings: object, names: Iterable[str]) -> None:
    for name in names:
        object.__setattr__(settings, name, int(getattr(settings, name)))


@dataclass(frozen=True, kw_only=True)
class VisitRules:
    """The rules of weekly visit plans."""

    visit_min: int = 12  # Minutes of one visit
    # The officer's shift, minutes of the day
    shift_start_min: int = 450
    shift_end_min: int = 930
    # Minutes before and after the first bell, which make the arrival window, and the last, which make the dismissal
    # window
    arrival_before_min: int = 30
    arrival_after_min: int = 15
    dismissal_before_min: int = 15
    dismissal_after_min: int = 30
    # Share of a school's visits in a week that have to be in its arrival, lunch or dismissal windows, rounded up
    window_share: float = 0.5
    # Level → windows of which at least one visit of the week has to be in one
    first_windows: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"high": ("arrival", "dismissal")})
    break_min: int = 30  # Minutes of the meal break; 0 for none
    # The break lies whole between these minutes of the day
    break_from_min: int = 660
    break_to_min: int = 810
    held_free_share: float = 0.35  # Of the shift, for calls, such as the busy share expected from queueing
    # A visit in class time is looked for within a span of this many minutes, drawn at random: shorter spans make weeks
    # less alike and need more driving
    class_span_min: int = 90
    # Minutes of driving that another window of a visit, or one that the school has not had yet in the week, may cost
    # for the sake of being unpredictable; other days may cost three times as many. 0 to 60
    variation_min: int = 15
    # Of the search for each day's route. It is not ended by time, so that the same seed gives the same plan
    iterations: int = 200

    def __post_init__(self) -> None:
        """Check every rule, and tell all that are wrong."""
        faults = self._unusable()
        if not faults:
            _make_whole(self, set(vars(self)) - _NOT_WHOLE)
            faults = self._contradictory()
        refuse(faults)

    @property
    def shift_min(self) -> int:
        """Length of the shift, in minutes."""
        return self.shift_end_min - self.shift_start_min

    def work_limit_min(self, held_free_share: float | None = None) -> int:
        """Return the most minutes of visits and driving of a day.

        What the shift leaves beside the break and the time held free, rounded down; the break is not counted as time
        for calls. `held_free_share`: share of the shift held free for calls; None for that of the rules.
        """
        share = self.held_free_share if held_free_share is None else held_free_share
        return math.floor((1 - share) * self.shift_min - self.break_min + _ROUNDING)

    def special_visits(self, visits: int) -> int:
        """Return how many of a school's visits have to be in its arrival, lunch or dismissal windows, rounded up."""
        return math.ceil(self.window_share * visits - _ROUNDING)

    def _unusable(self) -> list[SettingsError]:
        whole = {name: value for name, value in vars(self).items() if name not in _NOT_WHOLE}
        faults = [
            _fault(name, "This is not a whole number.", value) for name, value in whole.items() if not _is_whole(value)
        ]
        faults += [_fault(n, "This is negative.", v) for n, v in whole.items() if _is_whole(v) and v < 0]
        for name in ("window_share", "held_free_share"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                faults.append(_fault(name, "A share is between 0 and 1.", share))
        known = {name for names in self.first_windows.values() for name in names}
        if known - set(SPECIAL_WINDOWS) or not all(self.first_windows.values()):
            faults.append(
                _fault("first_windows", "A window is not one of ours.", dict(self.first_windows), SPECIAL_WINDOWS)
            )
        return faults

    def _contradictory(self) -> list[SettingsError]:
        checks = [
            ("visit_min", self.visit_min >= 1, "A visit takes at least a minute.", self.visit_min),
            ("class_span_min", self.class_span_min >= self.visit_min, "The span holds no visit.", self.class_span_min),
            ("variation_min", self.variation_min <= _MOST_VARIATION_MIN, "This is too long.", self.variation_min),
            ("iterations", self.iterations >= 1, "There must be an iteration.", self.iterations),
            (
                "shift_start_min, shift_end_min",
                self.shift_start_min < self.shift_end_min <= _DAY_MIN,
                "The shift has to end after it starts, on the same day.",
                f"{self.shift_start_min} to {self.shift_end_min}",
            ),
            (
                "break_from_min, break_to_min",
                min(self.break_to_min, self.shift_end_min) - max(self.break_from_min, self.shift_start_min)
                >= self.break_min
                or self.break_min == 0
                or self.shift_min <= 0,
                f"A break of {self.break_min} min does not fit between these minutes of the shift.",
                f"{self.break_from_min} to {self.break_to_min}",
            ),
        ]
        faults = [_fault(name, problem, found) for name, is_right, problem, found in checks if not is_right]
        if not faults and self.work_limit_min() < self.visit_min:
            held = f"{self.held_free_share:.0%} of {self.shift_min} min held free, {self.break_min} min of break"
            faults.append(_fault("held_free_share", "The shift leaves no time for a visit.", held))
        return faults


_NOT_WHOLE = {"window_share", "held_free_share", "first_windows"}
_ROUNDING = 1e-9
"""What a share times a number may be off by."""


def _fault(name: str, problem: str, found: object, expected: object = None) -> SettingsError:
    return SettingsError(problem, where=f"{_WHERE}, {name}", found=found, expected=expected, remedy=_REMEDY)


def visit_windows(hours: SchoolHours, rules: VisitRules) -> tuple[Window, ...]:
    """List the windows of a school's day in which an officer can come."""
    arrived = hours.start_min + rules.arrival_after_min
    leaving = hours.end_min - rules.dismissal_before_min
    whole = (
        Window("arrival", hours.start_min - rules.arrival_before_min, arrived),
        Window("class", arrived, hours.lunch_from_min),
        Window("lunch", hours.lunch_from_min, hours.lunch_to_min),
        Window("class", hours.lunch_to_min, leaving),
        Window("dismissal", leaving, hours.end_min + rules.dismissal_after_min),
    )
    cut = (Window(w.name, max(w.from_min, rules.shift_start_min), min(w.to_min, rules.shift_end_min)) for w in whole)
    return tuple(w for w in cut if w.to_min - w.from_min >= rules.visit_min)


# ── How many visits each school needs in a week: by level, and more where there is more work or a hotspot

_SCHOOL_WEEK = 5
_BUSY = 1.5


def visits_per_week(
    schools: pd.DataFrame,
    by_level: Mapping[str, float],
    *,
    workload_h: pd.Series | None = None,
    hotspots: Collection[str] = (),
    week: int = 0,
) -> pd.DataFrame:
    """Say how many visits each school needs in a week, and why: `visits` and `why`, by `school_id`.

    Program schools have at least one visit and at most five, others none. All schools are of the program where
    `schools` has no `in_program`. `by_level` need not be whole: 1.5 are 1 and 2 by turns, not for all schools in the
    same `week`. A school with at least 1.5 times the mean officer-hours of all program schools (`workload_h`, by
    `school_id`, without routine visits) gets a visit more, and so does one that is high, alone or in a group
    (`hotspots`).
    """
    _check(schools, by_level, workload_h, hotspots)
    ids = schools["school_id"].astype(str)
    in_program = _in_program(schools)
    level = schools["level"].astype(str)
    busy = _is_busy(ids, in_program, workload_h)
    is_hot = ids.isin({str(s) for s in hotspots}).to_numpy()
    turn = (np.cumsum(in_program) - 1) / max(1, int(in_program.sum()))
    visits, why = [], []
    for i in range(len(schools)):
        rate = by_level[level.iloc[i]] + int(busy[i]) + int(is_hot[i]) if in_program[i] else 0.0
        due = _of_week(rate, week, turn[i])
        given = min(max(1, due), _SCHOOL_WEEK) if in_program[i] else 0
        visits.append(given)
        more = ["1 for its workload"] * bool(busy[i]) + ["1 as a hotspot"] * bool(is_hot[i])
        noun = with_article(school_of_level(level.iloc[i]))
        reason = f"{by_level[level.iloc[i]]:g} as {noun}" if in_program[i] else ""
        why.append(_sentence(reason, more, rate=rate, due=due, given=given))
    table = {"visits": np.asarray(visits, dtype="int64"), "why": pd.array(why, dtype="str")}
    return pd.DataFrame(table, index=pd.Index(ids, name="school_id"))


def _sentence(reason: str, more: list[str], *, rate: float, due: int, given: int) -> str:
    if not reason:
        return "No visits: not in the program."
    parts = ", ".join([reason, *more])
    text = f"{count_text(given, 'visit')}: {parts}"
    if not float(rate).is_integer():
        text += f", {rate:g} on the mean of the weeks"
    if given > due:
        text += "; every school has one"
    if given < due:
        text += f"; {due} would be due, and there are {given} at the most"
    return f"{text}."


def _of_week(rate: float, week: int, turn: float) -> int:
    """Give the visits of one week out of a rate, so that weeks add up to the rate."""
    return math.floor(rate * (week + 1) + turn + _ROUNDING) - math.floor(rate * week + turn + _ROUNDING)


def _in_program(schools: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if "in_program" not in schools.columns:
        return np.ones(len(schools), dtype=bool)
    return schools["in_program"].to_numpy(dtype=bool)


def _is_busy(
    ids: pd.Series, in_program: np.ndarray[tuple[int], np.dtype[np.bool_]], workload_h: pd.Series | None
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if workload_h is None or not in_program.any():
        return np.zeros(len(ids), dtype=bool)
    load = pd.Series(workload_h.to_numpy(dtype="float64"), index=workload_h.index.astype(str))
    hours = ids.map(load).to_numpy(dtype="float64")
    mean = float(hours[in_program].mean())
    if mean <= 0:
        return np.zeros(len(ids), dtype=bool)
    is_busy: np.ndarray[tuple[int], np.dtype[np.bool_]] = in_program & (hours >= _BUSY * mean * (1 - _ROUNDING))
    return is_busy


def _check(
    schools: pd.DataFrame, by_level: Mapping[str, float], workload_h: pd.Series | None, hotspots: Collection[str]
) -> None:
    _require_columns(schools, ("school_id", "level"))
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


def _require_columns(schools: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in schools.columns]
    if missing:
        raise ColumnError(
            "The table of schools lacks a column.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected=", ".join(missing),
        )


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
            "Some program schools have no workload.",
            where="workload_h",
            ids=ids[is_faulty],
            expected="officer-hours per school day, 0 or more",
            remedy="Give these schools their workload, 0 where there is none.",
        )


# ── What a visit plan is made from, checked: every fault at once, with the schools and zones it concerns

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
    """Refuse what no plan can be made from."""
    refuse(
        [
            *_faults_of_days(days),
            *_faults_of_visits(schools, wanted),
            *_faults_of_hours(schools, wanted, hours),
            *_faults_of_zones(schools, bases, held_free_share, rules),
            *_faults_of_travel(schools, wanted, travel_min, bases),
        ]
    )


def _faults_of_schools(schools: pd.DataFrame) -> Iterator[InputError]:
    _require_columns(schools, COLUMNS)
    if schools.empty:
        raise InputError(
            "There is no school to visit.",
            where="schools",
            expected="a school in every zone",
            remedy="Leave out zones without a school.",
        )
    ids = schools["school_id"].astype(str)
    if ids.duplicated().any():
        yield ColumnError(
            "A school is listed more than once.",
            where="schools, column school_id",
            ids=ids[ids.duplicated()].unique(),
            remedy="List each school once.",
        )
    for column in ("level", "zone_id"):
        is_missing = schools[column].isna() | (schools[column].astype(str).str.strip() == "")
        if is_missing.any():
            yield ColumnError(
                "Some schools have no value here.",
                where=f"schools, column {column}",
                ids=ids[is_missing],
                remedy="Give it to them, or leave these schools out.",
            )


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
    has_hours = schools["school_id"].isin(list(hours)) | schools["level"].isin(list(hours))
    is_faulty = ~has_hours & (schools["school_id"].map(wanted) > 0)
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
) -> Iterator[InputError]:
    twice = [*matrix.index[matrix.index.duplicated()], *matrix.columns[matrix.columns.duplicated()]]
    if twice:
        yield ColumnError("A place is listed more than once.", where="travel_min", ids=sorted(set(twice)))
        return
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
    if missing:
        yield ColumnError(
            "Some places are not in the table of travel minutes.",
            where="travel_min",
            ids=sorted(missing),
            expected="a row and a column for every school and every base",
        )
    if pairs:
        yield ColumnError(
            "Some minutes of travel are missing, negative or endless.",
            where="travel_min",
            ids=pairs,
            expected="minutes of 0 or more between all places of a zone",
            remedy="Fix the roads, or estimate these pairs in a straight line.",
        )


# ── What is known of each officer's week, checked: schools, whole minutes between them, visits wanted, windows

_INPUTS_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class ZoneWeek:
    """One officer's week, in whole minutes."""

    zone_id: str  # The zone
    days: tuple[str, ...]  # Names of its school days
    # Schools that want a visit, n of them
    school_ids: tuple[str, ...]
    names: tuple[str, ...]
    levels: tuple[str, ...]
    visits: NDArray[np.int64]  # Visits wanted of each school, shape (n,)
    windows: tuple[tuple[Window, ...], ...]  # Windows of each school in which a visit can lie
    base: str | None  # Id of the place where the officer's day starts and ends; None where it starts at the first visit
    # Minutes between places, rounded up: the schools, then the base if there is one, shape (n, n) or (n + 1, n + 1)
    drive_min: NDArray[np.int64]
    limit_min: int  # Most minutes of visits and driving of a day
    rules: VisitRules  # The rules

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
        """Name a place."""
        if place is None:
            return ""
        return (*self.school_ids, self.base or "")[place]

    def first_windows(self, school: int) -> tuple[str, ...]:
        """Return the windows of which a school has to have one in the week."""
        return tuple(self.rules.first_windows.get(self.levels[school], ()))

    def random(self, seed: int, week: int) -> np.random.Generator:
        """Return the random numbers of this zone's week."""
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
    """Check what a visit plan is made from, and sort it by zone."""
    refuse(_faults_of_schools(schools))
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
    drive = np.ceil(minutes - _INPUTS_ROUNDING).astype("int64")
    np.fill_diagonal(drive, 0)
    return ZoneWeek(
        zone,
        days,
        tuple(ids),
        tuple(schools["name"]),
        tuple(schools["level"]),
        wanted.loc[ids].to_numpy(dtype="int64"),
        tuple(
            visit_windows(hours.get(school) or hours[level], rules)
            for school, level in zip(ids, schools["level"], strict=True)
        ),
        base,
        drive,
        limit_min,
        rules,
    )


def _by_id(values: pd.Series) -> pd.Series:
    return pd.Series(values.to_numpy(dtype="float64", na_value=np.nan), index=values.index.astype(str))
