"""The weekly visits of an officer as a page to print: day by day, and what does not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from safeschools_geo.errors import ColumnError, count_text
from safeschools_geo.maps.charts import DAYS
from safeschools_geo.maps.coverage_figures import Column, is_figure, printed, whole, words
from safeschools_geo.maps.coverage_shell import CoverageContent, KeyFigure, Section, coverage_document, require_tables
from safeschools_geo.maps.shell import Chart
from safeschools_geo.maps.week_chart import WINDOWS, Bar, week_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from safeschools_geo.maps.shell import OfflinePage, PageContext

_STOPS = ["day", "stop", "school_id", "school_name", "arrive", "leave", "window", "drive_min"]
_UNMET = ["school_id", "school_name", "wanted", "given", "reason"]
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_KINDS = {"visits": "Visits", "windows": "Visits at arrival, lunch and dismissal", "first_windows": "Required windows"}


class _Stop(NamedTuple):
    time: str
    school: str
    window: str
    drive: str


class _Day(NamedTuple):
    name: str
    told: str
    stops: list[_Stop]


def visits_page(
    *,
    zone_name: str,
    officer: str | None,
    stops: pd.DataFrame,
    unmet: pd.DataFrame,
    finding: str,
    week: object,
    context: PageContext,
    notes: Sequence[str] = (),
) -> OfflinePage:
    """Print the visits of one officer in one week.

    Parameters
    ----------
    zone_name, officer
        Name of the zone and of its officer's post.
    stops
        The visits: `day` (``Mon`` or ``Monday``), `stop` (from 1), `school_id`, `school_name`, `arrive` and `leave`
        (``HH:MM``), `window` (``arrival``, ``class``, ``lunch`` or ``dismissal``) and `drive_min`.
    unmet
        What does not fit: `school_id`, `school_name`, `wanted`, `given`, `reason`, and `kind` where it is known.
    finding
        What the week comes to, in one line.
    week
        Number or name of the week.
    context
        What every page of the term says.
    notes
        What else the reader has to know.

    Returns
    -------
    OfflinePage
        The page; it runs no script.

    Raises
    ------
    InputError
        When a table lacks a column, or a time is no ``HH:MM``.
    """
    require_tables({"stops": (stops, _STOPS), "unmet": (unmet, _UNMET)})
    _require_times(stops)
    days = _in_order(stops)
    who = zone_name if officer is None else f"{officer}, {zone_name}"
    when = f"Week {week}" if isinstance(week, int) else words(week)
    schools = int(stops["school_id"].nunique())
    caption = "The week at a glance: the gaps are free for calls and the break"
    content = CoverageContent(
        title=f"Visits of {who}: {when}",
        finding=finding,
        figures=[
            KeyFigure("Visits this week", whole(len(stops)), f"at {count_text(schools, 'school')}"),
            KeyFigure(
                "Does not fit",
                count_text(unmet["school_id"].nunique(), "school"),
                "see below why" if len(unmet) else "",
            ),
        ],
        sections=[_unmet_section(unmet)],
        notes=notes,
    )
    picture = Section("glance", "The week", "", [Chart(week_chart(list(days), _bars(days), title=caption), caption)])
    told = [_Day(day, count_text(len(rows), "visit"), [_stop(row) for row in rows]) for day, rows in days.items()]
    return coverage_document("visits.html.j2", content, context=context, picture=picture, days=told)


def _require_times(stops: pd.DataFrame) -> None:
    for column in ("arrive", "leave"):
        is_faulty = ~stops[column].astype("str").str.fullmatch(_CLOCK).to_numpy(dtype=bool)
        if is_faulty.any():
            raise ColumnError(
                "Some visits have no time that can be read.",
                where=f"stops, column {column}",
                ids=stops.index[is_faulty],
                found=", ".join(stops.loc[is_faulty, column].astype("str").head(3)),
                expected="HH:MM",
            )


def _in_order(stops: pd.DataFrame) -> dict[str, list[dict[Any, Any]]]:
    """Give the visits of each day, the days in the order of the week."""
    rows = [{**row, "day": _day(str(row["day"]))} for row in stops.to_dict("records")]
    order = {day: i for i, day in enumerate(DAYS)}
    days = sorted({row["day"] for row in rows}, key=lambda day: (order.get(day, len(order)), day))
    return {day: sorted((r for r in rows if r["day"] == day), key=lambda r: r["stop"]) for day in days}


def _day(name: str) -> str:
    return next((day for day in DAYS if day.casefold().startswith(name.casefold()[:3])), name)


def _minutes(clock: object) -> int:
    hours, minutes = str(clock).split(":")
    return 60 * int(hours) + int(minutes)


def _bars(days: Mapping[str, list[dict[Any, Any]]]) -> list[Bar]:
    return [
        Bar(
            i,
            _minutes(row["arrive"]),
            _minutes(row["leave"]),
            float(row["drive_min"]) if is_figure(row["drive_min"]) else 0.0,
            str(row["window"]),
            f"{day} {row['arrive']} to {row['leave']}: {row['school_name']}",
        )
        for i, (day, rows) in enumerate(days.items())
        for row in rows
    ]


def _stop(row: Mapping[Any, Any]) -> _Stop:
    window = WINDOWS.get(str(row["window"]), (words(row["window"]),))[0]
    return _Stop(f"{row['arrive']}–{row['leave']}", words(row["school_name"]), window, whole(row["drive_min"]))


def _unmet_section(unmet: pd.DataFrame) -> Section:
    columns = (
        Column("School", "school_name", words),
        Column("Of what", "kind", lambda kind: _KINDS.get(str(kind), words(kind))),
        Column("Wanted", "wanted", whole),
        Column("Given", "given", whole),
        Column("Why", "reason", words),
    )
    if unmet.empty:
        return Section("unmet", "What does not fit", "Every school gets what is wanted.")
    table = printed(unmet, columns, caption="What schools do not get this week, and why")
    return Section("unmet", "What does not fit, and why", "", (), [table])
