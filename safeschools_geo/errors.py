"""The errors a user can meet, all rooted in one exception."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


T = TypeVar("T")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_IDS_SHOWN = 5


def name_ids(ids: Iterable[object], *, shown: int = _IDS_SHOWN) -> str:
    """Name the first few ids, and say how many there are: ``"101, 102, 103, 104, 105 and 7 more (12 in all)"``."""
    labels = [str(i) for i in ids]
    if len(labels) <= shown:
        return ", ".join(labels)
    return f"{', '.join(labels[:shown])} and {len(labels) - shown:,} more ({len(labels):,} in all)"


def printable(text: str) -> str:
    r"""Write a text so that a terminal shows it and does nothing else: control characters as ``\x1b``."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def with_article(words: str) -> str:
    """Put *a* or *an* before words, such as a level of school."""
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def count_text(number: float, noun: str, *, of: int | None = None) -> str:
    """Write a number of things: ``"1 school"``, ``"1,200 incidents"`` or ``"3 of 79 schools"``."""
    share = "" if of is None else f" of {of:,}"
    plural = (number if of is None else of) != 1
    return f"{int(number):,}{share} {noun}{'s' if plural else ''}"


class SafeSchoolsError(Exception):
    """Root of every error that the package raises on purpose."""


class InputError(SafeSchoolsError, ValueError):
    """Something a user gave cannot be used.

    The message has up to four parts: what is wrong; where, and which rows; what was found and what was expected;
    how to fix it.

    Parameters
    ----------
    problem
        One sentence: what is wrong.
    where
        The file, table or setting it is wrong in.
    ids
        The rows concerned; the first five are named and all are counted.
    found
        What was there.
    expected
        What should have been there.
    remedy
        What the user can do about it.
    setting
        The setting of a district that the remedy is, such as ``crs`` or ``columns.zone_id``; a caller who has an
        option or an argument in its stead says so with `remedied_by`.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: object = None,
        ids: Iterable[object] = (),
        found: object = None,
        expected: object = None,
        remedy: str | None = None,
        setting: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = None if where is None else str(where)
        self.ids = tuple(str(i) for i in ids)
        self.found = None if found is None else str(found)
        self.expected = None if expected is None else str(expected)
        self.remedy = remedy
        self.setting = setting
        super().__init__(self._message())

    def remedied_by(self, ways: Mapping[str, str]) -> InputError:
        """Name what the caller can do in the stead of a setting: setting → remedy, ``*`` for those not listed."""
        remedy = None if self.setting is None else ways.get(self.setting, ways.get("*"))
        return self if remedy is None else self.but(remedy=remedy, setting=None).with_traceback(self.__traceback__)

    def but(self, **changed: Any) -> InputError:  # noqa: ANN401 - any of the parts
        """Make the same error with other parts."""
        parts = {name: getattr(self, name) for name in ("where", "ids", "found", "expected", "remedy", "setting")}
        return type(self)(self.problem, **{**parts, **changed})

    def _message(self) -> str:
        parts = [
            ("Where", self.where),
            ("Rows", name_ids(self.ids) or None),
            ("Found", self.found),
            ("Expected", self.expected),
            ("Remedy", self.remedy),
        ]
        return "\n".join([self.problem, *(f"  {label}: {text}" for label, text in parts if text)])


class OutputError(InputError):
    """A result cannot be written where the user wants it."""


class FileReadError(InputError):
    """A file is missing, empty, truncated, or not what its name says."""


class ColumnError(InputError):
    """A table lacks a column, or a column holds the wrong kind of thing."""


class CRSError(InputError):
    """A coordinate reference system is missing, wrong, or differs from its neighbor's."""


class GeometryError(InputError):
    """A geometry is missing, of the wrong type, or beyond repair."""


class SettingsError(InputError):
    """`district.toml`, a preset or an option does not make sense."""


class CrosswalkError(InputError):
    """Categories of the source are mapped to nothing, or to something unknown."""


class NoRecordError(InputError):
    """The history holds no incident of a term that is asked for."""


class RejectedRowsError(InputError):
    """Rows were rejected and the user asked for none (``--strict``)."""


class DisclosureError(InputError):
    """Figures would tell more about students than the policy allows, or something unprotected was to be published."""


class LedgerError(DisclosureError):
    """The record of what was published has been changed, or cannot be read."""


class OfflineError(SafeSchoolsError):
    """A page would have asked the network for something."""


class SeveralFaultsError(InputError):
    """Several things are wrong at once; each is reported, in the order they were met."""

    def __init__(self, faults: Iterable[InputError]) -> None:
        self.faults: tuple[InputError, ...] = tuple(
            one for fault in faults for one in (fault.faults if isinstance(fault, SeveralFaultsError) else (fault,))
        )
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def remedied_by(self, ways: Mapping[str, str]) -> SeveralFaultsError:
        """Name what the caller can do, for each fault."""
        return SeveralFaultsError(fault.remedied_by(ways) for fault in self.faults)


def refuse(faults: Iterable[InputError]) -> None:
    """Raise all that is wrong, the fault or several at once; nothing, where nothing is."""
    listed = list(faults)
    if listed:
        raise listed[0] if len(listed) == 1 else SeveralFaultsError(listed)


def attempt_all(steps: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Take every step, by name, and report the faults of all of them at once."""
    results: dict[str, T] = {}
    faults: list[InputError] = []
    for name, step in steps.items():
        try:
            results[name] = step()
        except InputError as fault:
            faults.append(fault)
    refuse(faults)
    return results
