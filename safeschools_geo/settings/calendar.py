"""When school is in session: terms, days, hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from safeschools_geo.errors import SettingsError
from safeschools_geo.file_names import folder_fault, folder_key
from safeschools_geo.schemas import LEVELS
from safeschools_geo.settings.checks import require, require_values

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHOWN = 60
_TAKEN = frozenset({"compare", "check.html", "releases", "releases.jsonl"})
"""What stands beside the folders of terms."""


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


def term_name_faults(names: Sequence[str]) -> list[SettingsError]:
    """Find names of terms that cannot be names of folders beside each other, on whatever file system.

    Parameters
    ----------
    names
        The names of all terms.

    Returns
    -------
    list of SettingsError
        All faults; none where every name is fit.
    """
    faults = [_name_fault(name, f"it {reason}") for name in dict.fromkeys(names) if (reason := folder_fault(name))]
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(folder_key(name), []).append(name)
    faults += [
        _name_fault(of[0], "outputs/ has a file or folder of that name") for key, of in alike.items() if key in _TAKEN
    ]
    for several in alike.values():
        if len(several) > 1:
            same = "Two terms have the same name."
            twins = "Two terms have names that are one folder on some systems."
            faults.append(
                SettingsError(
                    same if len(set(several)) < len(several) else twins,
                    where="[[terms]] name",
                    found=", ".join(ascii(name) for name in several),
                    expected="names that differ in more than upper and lower case or the way letters are encoded",
                    remedy="Rename one of them in district.toml.",
                )
            )
    return faults


def _name_fault(name: str, reason: str) -> SettingsError:
    return SettingsError(
        "The name of a term is also the name of a folder, and cannot be this.",
        where="[[terms]] name",
        found=f"{name[:_SHOWN]!a}{'…' if len(name) > _SHOWN else ''}: {reason}",
        expected='a name such as "Fall 2025"',
        remedy="Rename the term in district.toml.",
    )


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
