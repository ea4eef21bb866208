"""Calls as a dispatch system knows them, and how often, when and for how long each kind comes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from data.generator.ground import Point

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = (
    "CaseNo", "CallType", "Source", "Occurred", "OccurredTo", "Received", "Dispatched", "Arrived", "Cleared", "Unit",
    "SchoolCode", "SchoolName", "X", "Y",
)  # fmt: skip
"""Columns of the exports, the same in all of them."""


@dataclass(frozen=True)
class Call:
    """One row of an export.

    Parameters
    ----------
    occurred_as
        What stands in its place where the moment of occurrence is not written as a moment.
    kind
        What is wrong with the row; empty if nothing is.
    """

    case: str
    call_type: str
    source: str
    occurred: dt.datetime
    received: dt.datetime
    school_code: str = ""
    school_name: str = ""
    place: Point | None = None
    occurred_to: dt.datetime | None = None
    dispatched: dt.datetime | None = None
    arrived: dt.datetime | None = None
    cleared: dt.datetime | None = None
    unit: str = ""
    occurred_as: str | None = None
    kind: str = ""

    def retimed(self, change: Callable[[dt.datetime], dt.datetime]) -> Call:
        """Change every moment of the call that is known."""
        known = [self.occurred_to, self.dispatched, self.arrived, self.cleared]
        occurred_to, dispatched, arrived, cleared = [None if m is None else change(m) for m in known]
        return replace(
            self,
            occurred=change(self.occurred),
            received=change(self.received),
            occurred_to=occurred_to,
            dispatched=dispatched,
            arrived=arrived,
            cleared=cleared,
        )

    def cells(self) -> tuple[str | dt.datetime | float | None, ...]:
        """List what stands in the cells, in the order of `COLUMNS`."""
        x, y = self.place or (None, None)
        return (
            self.case or None,
            self.call_type,
            self.source,
            self.occurred if self.occurred_as is None else self.occurred_as,
            self.occurred_to,
            self.received,
            self.dispatched,
            self.arrived,
            self.cleared,
            self.unit or None,
            self.school_code or None,
            self.school_name or None,
            x,
            y,
        )


_IN_SCHOOL = {7: 5.0, 8: 10, 9: 11, 10: 13, 11: 14, 12: 14, 13: 13, 14: 12, 15: 8}
_NIGHT = {20: 6.0, 21: 8, 22: 9, 23: 9, 0: 9, 1: 8, 2: 7, 3: 6, 4: 5, 5: 5, 6: 4, 16: 5, 17: 6, 18: 7, 19: 7}
_DAY = {7: 6.0, 8: 8, 9: 8, 10: 8, 11: 8, 12: 9, 13: 8, 14: 9, 15: 11, 16: 8, 17: 6, 18: 5, 19: 4, 20: 3, 21: 2}


@dataclass(frozen=True)
class CallType:
    """How often and when calls of one type come.

    Parameters
    ----------
    weight
        Frequency, by group of schools: ``young`` (elementary, K-8) or ``old``.
    hours
        Hour of the day → weight.
    in_session
        Share that comes on school days.
    delay
        Median minutes between occurrence and the call.
    is_found_later
        Whether only the span of time in which it happened may be known.
    """

    weight: dict[str, float]
    hours: dict[int, float] = field(default_factory=lambda: _IN_SCHOOL)
    in_session: float = 0.95
    delay: float = 4
    is_found_later: bool = False


def _of(young: float, old: float) -> dict[str, float]:
    return {"young": young, "old": old}


_LUNCH = {7: 2.0, 8: 5, 9: 6, 10: 9, 11: 17, 12: 34, 13: 12, 14: 9, 15: 6}
_DISMISSAL = {7: 9.0, 8: 12, 9: 9, 10: 8, 11: 9, 12: 9, 13: 9, 14: 16, 15: 12}

CALL_TYPES: dict[str, CallType] = {
    "BATTERY": CallType(_of(4, 7), _LUNCH),
    "ASSAULT-SIMPLE": CallType(_of(4, 6), _LUNCH),
    "FIGHT IN PROGRESS": CallType(_of(2, 8), _LUNCH, delay=1.5),
    "WEAPON ON CAMPUS": CallType(_of(0.8, 2.2)),
    "BRANDISHING": CallType(_of(0.3, 0.9)),
    "TRESPASS": CallType(_of(8, 4), _DISMISSAL),
    "SUSP PERSON ON CAMPUS": CallType(_of(7, 3), _DISMISSAL, delay=2),
    "GANG ACTIVITY": CallType(_of(0.4, 2.6)),
    "GRAFFITI-GANG": CallType(_of(0.6, 1.6), in_session=0.8, delay=20),
    "NARCOTICS-POSS": CallType(_of(0.5, 5)),
    "ALCOHOL-MINOR": CallType(_of(0.2, 2)),
    "VAPE/THC": CallType(_of(0.6, 7)),
    "5150 EVAL": CallType(_of(2, 3)),
    "THREAT-SCHOOL": CallType(_of(1, 1.6), in_session=0.9, delay=15),
    "THREAT-ONLINE": CallType(_of(0.6, 1.4), _DAY, in_session=0.8, delay=60),
    "WELFARE CHECK": CallType(_of(19, 7)),
    "JUV AT RISK": CallType(_of(7, 3.5)),
    "MISSING JUVENILE": CallType(_of(4, 3), _DISMISSAL, delay=12),
    "ALARM-BURGLARY": CallType(_of(9, 7), _NIGHT, in_session=0.5, delay=1),
    "BURGLARY REPORT": CallType(_of(2, 2), _NIGHT, in_session=0.5, delay=30, is_found_later=True),
    "VANDALISM": CallType(_of(5, 5), _NIGHT, in_session=0.55, delay=30, is_found_later=True),
    "THEFT": CallType(_of(3, 6), _DAY, in_session=0.8, delay=40, is_found_later=True),
    "PARKING": CallType(_of(6, 3), _DISMISSAL, in_session=0.9),
    "TRAFFIC HAZARD": CallType(_of(4, 3), _DAY, in_session=0.75),
    "FOUND PROPERTY": CallType(_of(2, 2), _DAY, in_session=0.7, delay=15),
    "PUBLIC ASSIST": CallType(_of(5, 3.5), _DAY, in_session=0.65),
}
