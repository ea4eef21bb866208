"""The visits of a week as inline SVG: a line for each day, a bar for each visit."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from safeschools_geo.maps.svg import FAINT, FRAME, GREY, INK, LETTER, svg, text

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEFT, _RIGHT, _WIDTH, _TOP, _LINE = 110.0, 30.0, 760.0, 34.0, 34.0
_HOUR_MIN = 60

WINDOWS = {
    "arrival": ("Arrival", "A", "#56b4e9"),
    "class": ("During class", "C", "#d9d9d4"),
    "lunch": ("Lunch", "L", "#f0e442"),
    "dismissal": ("Dismissal", "D", "#e69f00"),
}
"""Windows of a visit: what they are called, their letter and their colour."""


class Bar(NamedTuple):
    """A visit.

    Parameters
    ----------
    day
        Row of the day, from 0.
    arrive_min, leave_min
        Minutes of the day.
    drive_min
        Minutes of driving before it; 0 where they are not known.
    window
        One of `WINDOWS`.
    told
        What it is, for those who point at it.
    """

    day: int
    arrive_min: int
    leave_min: int
    drive_min: float
    window: str
    told: str


def week_chart(days: Sequence[str], bars: Sequence[Bar], *, title: str) -> str:
    """Draw the visits of a week.

    Parameters
    ----------
    days
        What the days are called.
    bars
        The visits.
    title
        What it shows, for those who cannot see it.

    Returns
    -------
    str
        An SVG element: bars with the letter of their window, a line before each for the drive.
    """
    if not bars:
        return svg(_WIDTH, 50, title, "No visit is planned.", [text(16, 30, "No visit is planned.")])
    first = min(int(bar.arrive_min - bar.drive_min) for bar in bars) // _HOUR_MIN
    last = -(-max(bar.leave_min for bar in bars) // _HOUR_MIN)
    south = _TOP + _LINE * len(days)

    def x(minutes: float) -> float:
        return _LEFT + (minutes - _HOUR_MIN * first) / (_HOUR_MIN * (last - first)) * (_WIDTH - _LEFT - _RIGHT)

    parts = []
    for hour in range(first, last + 1):
        parts.append(f'<path d="M{x(_HOUR_MIN * hour):.1f},{_TOP}V{south}" stroke="{FAINT}"/>')
        parts.append(text(x(_HOUR_MIN * hour), _TOP - 10, f"{hour}:00", anchor="middle", color=GREY, size=13))
    for row, day in enumerate(days):
        y = _TOP + row * _LINE
        parts.append(text(_LEFT - 12, y + 22, day, anchor="end"))
        parts.append(f'<path d="M{_LEFT},{y}H{_WIDTH - _RIGHT}" stroke="{FRAME}"/>')
    parts.append(f'<path d="M{_LEFT},{south}H{_WIDTH - _RIGHT}" stroke="{FRAME}"/>')
    for bar in bars:
        y, left, right = _TOP + bar.day * _LINE, x(bar.arrive_min), x(bar.leave_min)
        _, letter, color = WINDOWS.get(bar.window, WINDOWS["class"])
        drive = (
            f'<path d="M{x(bar.arrive_min - bar.drive_min):.1f},{y + 17}H{left:.1f}" stroke="{INK}" stroke-width="4"/>'
        )
        box = f'x="{left:.1f}" y="{y + 5}" width="{max(right - left, 1):.1f}" height="24"'
        parts.append(
            f"<g><title>{escape(bar.told)}</title>{drive}"
            f'<rect {box} fill="{color}" stroke="{INK}"/>'
            f"{text((left + right) / 2, y + 22, letter, anchor='middle', size=13)}</g>"
        )
    said = "A line for each day, a bar for each visit; the table below holds the same."
    return svg(_WIDTH, south + 38, title, said, [*parts, *_key(south + 26)])


def _key(y: float) -> list[str]:
    parts, at = [], _LEFT
    for name, letter, color in WINDOWS.values():
        parts.append(f'<rect x="{at:.1f}" y="{y - 13}" width="18" height="18" fill="{color}" stroke="{INK}"/>')
        parts.append(text(at + 9, y + 1, letter, anchor="middle", size=13))
        parts.append(text(at + 24, y + 1, name, size=13))
        at += 44 + LETTER * len(name)
    parts.append(f'<path d="M{at:.1f},{y - 4}h18" stroke="{INK}" stroke-width="4"/>')
    parts.append(text(at + 24, y + 1, "drive", size=13))
    return parts
