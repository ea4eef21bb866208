"""What a visit plan has to keep: the officer's shift, the windows of a school's day, the break, and time for calls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, SupportsFloat

from safeschools_geo.errors import SettingsError, SeveralFaultsError

SPECIAL_WINDOWS = ("arrival", "lunch", "dismissal")
"""The windows in which an officer is wanted most."""

WINDOWS = ("arrival", "class", "lunch", "dismissal")
"""Every window of a school's day."""

_DAY_MIN = 24 * 60
_MOST_VARIATION_MIN = 60
_WHERE = "visit rules"
_REMEDY = "Correct it in the settings of visits."


class Window(NamedTuple):
    """A stretch of a school's day that holds whole visits.

    Parameters
    ----------
    name
        One of `WINDOWS`.
    from_min, to_min
        Earliest arrival and latest leaving, minutes of the day.
    """

    name: str
    from_min: int
    to_min: int


@dataclass(frozen=True, kw_only=True)
class SchoolHours:
    """The bells of a level.

    Parameters
    ----------
    start_min, end_min
        First and last bell, minutes of the day.
    lunch_from_min, lunch_to_min
        From when, and to when, pupils are at lunch, minutes of the day.

    Raises
    ------
    SettingsError
        When the four are no whole minutes of one day in this order.
    """

    start_min: int
    lunch_from_min: int
    lunch_to_min: int
    end_min: int

    def __post_init__(self) -> None:
        """Check that they are in order."""
        bells = (self.start_min, self.lunch_from_min, self.lunch_to_min, self.end_min)
        is_whole = all(_is_whole(b) for b in bells)
        if not (is_whole and 0 <= bells[0] < bells[1] < bells[2] < bells[3] <= _DAY_MIN):
            raise SettingsError(
                "School hours are not in order.",
                where="school hours",
                found=", ".join(str(b) for b in bells),
                expected="whole minutes of the day: start < lunch from < lunch to < end",
                remedy="Correct the bells of this level.",
            )
        _make_whole(self, vars(self))


def _is_whole(value: object) -> bool:
    # Whole numbers of numpy, and floats such as 12.0, will do.
    return isinstance(value, SupportsFloat) and math.isfinite(float(value)) and float(value).is_integer()


def _make_whole(settings: object, names: Iterable[str]) -> None:
    for name in names:
        object.__setattr__(settings, name, int(getattr(settings, name)))


def _first_windows() -> dict[str, tuple[str, ...]]:
    return {"high": ("arrival", "dismissal")}


@dataclass(frozen=True, kw_only=True)
class VisitRules:
    """The rules of weekly visit plans.

    Parameters
    ----------
    visit_min
        Minutes of one visit.
    shift_start_min, shift_end_min
        The officer's shift, minutes of the day.
    arrival_before_min, arrival_after_min
        The arrival window: minutes before and after the first bell.
    dismissal_before_min, dismissal_after_min
        The dismissal window: minutes before and after the last bell.
    window_share
        Share of a school's visits in a week that have to be in its arrival, lunch or dismissal windows, rounded up.
    first_windows
        Level → windows of which at least one visit of the week has to be in one.
    break_min
        Minutes of the meal break; 0 for none.
    break_from_min, break_to_min
        The break lies whole between these minutes of the day.
    held_free_share
        Share of the shift held free for calls, such as the busy share expected from queueing.
    class_span_min
        A visit in class time is looked for within a span of this many minutes, drawn at random: shorter spans make
        weeks less alike and need more driving.
    variation_min
        Minutes of driving that another window of a visit, or one that the school has not had yet in the week, may cost
        for the sake of being unpredictable; other days may cost three times as many. 0 to 60.
    iterations
        Iterations of the search for each day's route. It is not ended by time, so that the same seed gives the same
        plan.

    Raises
    ------
    SettingsError
        When a rule does not make sense; `SeveralFaultsError`, when several do not.
    """

    visit_min: int = 12
    shift_start_min: int = 450
    shift_end_min: int = 930
    arrival_before_min: int = 30
    arrival_after_min: int = 15
    dismissal_before_min: int = 15
    dismissal_after_min: int = 30
    window_share: float = 0.5
    first_windows: Mapping[str, tuple[str, ...]] = field(default_factory=_first_windows)
    break_min: int = 30
    break_from_min: int = 660
    break_to_min: int = 810
    held_free_share: float = 0.35
    class_span_min: int = 90
    variation_min: int = 15
    iterations: int = 200

    def __post_init__(self) -> None:
        """Check every rule, and tell all that are wrong."""
        faults = self._unusable()
        if not faults:
            _make_whole(self, set(vars(self)) - _NOT_WHOLE)
            faults = self._contradictory()
        if len(faults) == 1:
            raise faults[0]
        if faults:
            raise SeveralFaultsError(faults)

    @property
    def shift_min(self) -> int:
        """Length of the shift, in minutes."""
        return self.shift_end_min - self.shift_start_min

    def work_limit_min(self, held_free_share: float | None = None) -> int:
        """Return the most minutes of visits and driving of a day.

        Parameters
        ----------
        held_free_share
            Share of the shift held free for calls; None for that of the rules.

        Returns
        -------
        int
            What the shift leaves beside the break and the time held free, rounded down; the break is not counted as
            time for calls.
        """
        share = self.held_free_share if held_free_share is None else held_free_share
        return math.floor((1 - share) * self.shift_min - self.break_min + _ROUNDING)

    def special_visits(self, visits: int) -> int:
        """Return how many of a school's visits have to be in its arrival, lunch or dismissal windows.

        Parameters
        ----------
        visits
            Visits of a week.

        Returns
        -------
        int
            `window_share` of them, rounded up.
        """
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
    """List the windows of a school's day in which an officer can come.

    Parameters
    ----------
    hours
        Bells of the school.
    rules
        Widths of the windows, the shift, and the length of a visit.

    Returns
    -------
    tuple of Window
        In the order of the day: arrival, class time before lunch, lunch, class time after it, dismissal; each cut to
        the shift, those that hold no whole visit left out.
    """
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
