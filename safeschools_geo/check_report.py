"""What the independent checker found: one line for each check, and whether all of them hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from safeschools_geo.errors import count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Check(NamedTuple):
    """One thing that was looked at.

    Parameters
    ----------
    name
        A stable word for the check, such as ``contiguity``.
    passed
        True or False; None for a note, which says what was not checked or is good to know.
    message
        What was found, in plain English.
    """

    name: str
    passed: bool | None
    message: str


@dataclass(frozen=True)
class VerifyReport:
    """Everything the checker looked at, in the order it did.

    Parameters
    ----------
    folder
        The folder that was checked.
    checks
        What was found.
    bound
        ``confirmed``: the checker found the bound itself; ``recorded``: it rests on the solver's record, which was not
        repeated; ``refuted``: it contradicts what the checker found; ``unchecked``: the checker did not get that far.
        None for what has no bound, such as a board packet.
    """

    folder: str
    checks: tuple[Check, ...]
    bound: str | None = "unchecked"

    @property
    def is_ok(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(c for c in self.checks if c.passed is False)

    @property
    def notes(self) -> tuple[Check, ...]:
        """What was not checked, or is good to know."""
        return tuple(c for c in self.checks if c.passed is None)

    def summary(self) -> str:
        """Say in plain English what was found.

        Returns
        -------
        str
            The verdict, then the failed checks if there are any, then the state of the bound and the notes.
        """
        passed = sum(c.passed is True for c in self.checks)
        if self.is_ok:
            unread = any(c.name == "unread" for c in self.notes)
            head = (
                f"{self.folder}: all {passed} checks {'that were made hold; not all was read' if unread else 'hold'}."
            )
        else:
            head = f"{self.folder}: {len(self.failures)} of {passed + len(self.failures)} checks failed."
        bound = [c for c in self.checks if c.name == "bound" and c.passed is True]
        return "\n".join([head, *_lines("FAILED", self.failures), *_lines("ok", bound), *_notes(self.notes)])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each check.

        Returns
        -------
        pandas.DataFrame
            `name`; `status` (``passed``, ``failed`` or ``note``); `message`.
        """
        status = {True: "passed", False: "failed", None: "note"}
        rows = [(c.name, status[c.passed], c.message) for c in self.checks]
        return pd.DataFrame(rows, columns=["name", "status", "message"], dtype="str")


def check_of(name: str, faults: Mapping[str, Iterable[str]], otherwise: str, *, noun: str = "unit") -> Check:
    """Make one check of several faults that there could be.

    Parameters
    ----------
    name
        Word for the check.
    faults
        What could be wrong → ids for which it is.
    otherwise
        What is said when there is none.
    noun
        What the ids are, in the singular.

    Returns
    -------
    Check
        The faults with their ids, or that all is well.
    """
    found = {what: sorted(set(ids)) for what, ids in faults.items()}
    told = [f"{count_text(len(ids), noun)} {what}: {name_ids(ids)}" for what, ids in found.items() if ids]
    return Check(name, passed=not told, message=f"{'; '.join(told) or _capital(otherwise)}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _notes(notes: Sequence[Check]) -> list[str]:
    unread = [c for c in notes if c.name == "unread"]
    return [*_lines("NOT CHECKED", unread), *_lines("note", [c for c in notes if c.name != "unread"])]


def _lines(label: str, checks: Iterable[Check]) -> list[str]:
    return [f"  {label}: {c.name}: {c.message}" for c in checks]
