"""When school is in session: terms, days, hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from safeschools_geo.schemas import LEVELS
from safeschools_geo.settings.checks import require, require_values

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, kw_only=True)
class Term:
    """``[[terms]]``: a term, first and last day included.

    Parameters
    ----------
    name
        Its name, which is also the name of its folder of outputs.
    start, end
        First and last day.
    """

    name: str
    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        """Check that it ends after it starts."""
        require(self.start <= self.end, f"[[terms]] {self.name}", "The term ends before it starts.")
        is_plain = (
            self.name.strip() == self.name
            and self.name not in {"", ".", ".."}
            and not set('/\\:*?"<>|') & set(self.name)
        )
        require(is_plain, "[[terms]] name", "The name of a term is also the name of a folder.", found=repr(self.name))


@dataclass(frozen=True, kw_only=True)
class CalendarSettings:
    """``[calendar]``: the days school is in session.

    Parameters
    ----------
    weekdays
        Days of the week with school.
    holidays
        Days without: ``"2025-11-11"``, or first and last as ``"2025-12-22/2026-01-02"``.
    """

    weekdays: tuple[str, ...] = _DAYS[:5]
    holidays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        require_values(self.weekdays, _DAYS, "[calendar] weekdays")
        for holiday in self.holidays:
            try:
                days = [dt.date.fromisoformat(day) for day in holiday.split("/")]
            except ValueError:
                days = []
            require(
                len(days) in (1, 2) and days == sorted(days),
                "[calendar] holidays",
                "This is not a day, nor a first and a last day.",
                found=holiday,
                expected='"2025-11-11" or "2025-12-22/2026-01-02"',
            )


@dataclass(frozen=True, kw_only=True)
class Bells:
    """``[hours.levels.<level>]``: programme hours at schools of a level.

    Parameters
    ----------
    start, end
        From when, and to when, a call is the programme's; the start is included, the end is not.
    """

    start: dt.time
    end: dt.time

    def __post_init__(self) -> None:
        """Check that the day ends after it starts."""
        require(self.start < self.end, "[hours]", "Programme hours end before they start.")

    @property
    def hours(self) -> float:
        """Length of the programme's day, in hours."""
        return (self.end.hour - self.start.hour) + (self.end.minute - self.start.minute) / 60


@dataclass(frozen=True, kw_only=True)
class HoursSettings:
    """``[hours]``: programme hours, and those of single levels where they differ.

    Parameters
    ----------
    start, end
        From when, and to when, a call is the programme's; the start is included, the end is not.
    levels
        Level → its own hours.
    """

    start: dt.time = dt.time(7, 30)
    end: dt.time = dt.time(15, 30)
    levels: Mapping[str, Bells] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        require_values(self.levels, LEVELS, "[hours.levels]")
        self.of("other")

    def of(self, level: str) -> Bells:
        """Return the programme hours at schools of a level.

        Parameters
        ----------
        level
            A school level.

        Returns
        -------
        Bells
            Its own hours, else those of the programme.
        """
        return self.levels.get(level) or Bells(start=self.start, end=self.end)
