"""The times of one export: each column read one way, dates told from moments, and all of it said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo import io
from safeschools_geo.errors import ColumnError, attempt_all, count_text
from safeschools_geo.findings import Finding
from safeschools_geo.sections import TIME_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.settings import IncidentSettings, Settings


_OCCURRED = "occurred_at"
_DAY_S = 86_400
_FEWEST, _MOST = 5, 0.5
_CLOCKS_DIFFER = pd.Timedelta(hours=1)
"""By how much a dispatch may be before its call, on clocks that differ: what is earlier by more is of the next day."""
_YEAR_FIRST, _NUMBERS, _MONTHS, _UNLIKELY = "2025-03-04", "3/4/2025", 12, 0.01
_ORDERS = {"D": "with the day first", "M": "with the month first"}


@dataclass(frozen=True)
class TimesRead:
    """The times of one export."""

    occurred: io.ParsedTimes  # When it happened
    others: dict[str, pd.Series]  # Our column → its moments; missing where the file has no such column, or only a date
    findings: tuple[Finding, ...]  # What was found


def read_times(raw: io.RawTable, rows: pd.Series, settings: Settings) -> TimesRead:
    """Read the columns of times."""
    columns = {name: take_times(raw, settings.incidents, name) for name in TIME_COLUMNS}
    there = {name: cells[rows] for name, cells in columns.items() if cells is not None}
    clocks = {name: cells for name, cells in there.items() if name != _OCCURRED and _are_clocks(cells)}
    steps = {name: partial(_read, raw, name, cells, settings) for name, cells in there.items() if name not in clocks}
    parsed = attempt_all(steps)
    of_day = attempt_all(
        {name: partial(_on_the_day, raw, name, cells, parsed[_OCCURRED], settings) for name, cells in clocks.items()}
    )
    parsed |= {name: times for name, (times, _) in of_day.items()}
    nothing = pd.Series(pd.NaT, index=rows.index[rows], dtype=f"datetime64[us, {settings.district.time_zone}]")
    others = {
        name: parsed[name].at.where(parsed[name].has_time) if name in parsed else nothing for name in TIME_COLUMNS[1:]
    }
    findings = [
        finding
        for name, times in parsed.items()
        for finding in _findings(raw, name, there[name], times, settings.incidents)
    ]
    findings += [_clock_finding(raw, name, there[name], is_before) for name, (_, is_before) in of_day.items()]
    return TimesRead(parsed[_OCCURRED], others, tuple(findings))


def _are_clocks(cells: pd.Series) -> bool:
    """Say whether a column holds times of day alone."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return False
    texts = io.as_text(cells)
    is_clock = io.times_of_day(cells).notna()
    return bool(is_clock.any() and (is_clock | texts.isna() | io.says_nothing(texts)).all())


def _on_the_day(
    raw: io.RawTable, name: str, cells: pd.Series, call: io.ParsedTimes, settings: Settings
) -> tuple[io.ParsedTimes, pd.Series]:
    """Put times of day on the day of the call, or the next where they are earlier; tell which are earlier by little."""
    options, zone = settings.incidents, settings.district.time_zone
    clock = pd.to_timedelta(io.times_of_day(cells), unit="s")
    at = call.at.dt.tz_convert("UTC" if options.times == "utc" else zone).dt.tz_localize(None)
    moment = at.dt.normalize() + clock
    early = (at - moment).where(call.has_time)
    is_before = (early > pd.Timedelta(0)) & (early < _CLOCKS_DIFFER)
    if options.time_of_day.get(name) != "known":
        _require_no_durations(cells, early.dropna(), name, f"{raw.path.name}, column {cells.name}")
    moment = (moment + pd.to_timedelta((early > pd.Timedelta(0)).astype("int64"), unit="D")).mask(is_before)
    times = io.parse_times(moment.astype("datetime64[us]"), time_zone=zone, times=options.times, time_of_day="known")
    return times, is_before


def _require_no_durations(cells: pd.Series, early: pd.Series, name: str, where: str) -> None:
    """Refuse minutes that a step took: as times of day, most of them would be of the night after the call."""
    rows = early.index[early >= _CLOCKS_DIFFER]
    if len(rows) < _FEWEST or len(rows) <= _MOST * len(early):
        return
    raise ColumnError(
        f"The values of {cells.name} look like durations, not times of day.",
        where=where,
        ids=[f"row {row}" for row in rows],
        found=f"{len(rows):,} of {len(early):,} are earlier in the day than their call; for example {cells[rows[0]]}",
        expected="times of day such as 14:05, or dates with times",
        remedy=f'Export the date and time instead. If these are durations, leave them out: {name} = "" under '
        f'[incidents.columns]; if they are times of day all the same, set {name} = "known" under '
        "[incidents.time_of_day].",
    )


def _clock_finding(raw: io.RawTable, name: str, cells: pd.Series, is_before: pd.Series) -> Finding:
    message = (
        f"{cells.name} in {raw.path.name} holds times of day without a date; each is taken as of the day of its call, "
        "or of the next where it is earlier."
    )
    if is_before.any():
        message += f" {count_text(is_before.sum(), 'value')} less than an hour before the call count as missing."
    return Finding(
        "note",
        f"{name}_of_day",
        "incidents",
        message,
        ids=tuple(f"row {row}" for row in is_before.index[is_before]),
        remedy="Export the date with the time if a call may last longer than a day.",
    )


def take_times(raw: io.RawTable, options: IncidentSettings, name: str) -> pd.Series | None:
    """Take the cells of a time; of several columns, a date and a time of day, make one."""
    entry = options.columns.get(name, ())
    if isinstance(entry, str) or len(entry) < 2:  # noqa: PLR2004 - a date and a time of day
        return io.require(raw, options.columns, name) if name == _OCCURRED else io.take(raw, options.columns, name)
    date, *rest = (io.require(raw, {theirs: theirs}, theirs) for theirs in entry)
    # A date that a spreadsheet or a database keeps as a moment is at midnight, which is no time of day.
    joined = io.as_text(date).str.replace(r"[ T]0?0:00(?::00(?:\.0+)?)?$", "", regex=True)
    for part in rest:
        seconds = io.times_of_day(part)
        clock = pd.to_datetime(seconds, unit="s").dt.strftime("%H:%M:%S").mask(seconds == _DAY_S, "24:00:00")
        text = clock.astype("str").fillna(io.as_text(part))
        joined = joined.where(text.isna(), joined + " " + text)
    return joined.rename(" and ".join(entry))


def _read(raw: io.RawTable, name: str, cells: pd.Series, settings: Settings) -> io.ParsedTimes:
    options = settings.incidents
    parsed = io.parse_times(
        cells,
        time_zone=settings.district.time_zone,
        times=options.times,
        day_first=bool(options.day_first),
        midnight_is_unknown=options.midnight_is_unknown,
        time_of_day=options.time_of_day.get(name),
        is_1904=raw.is_1904,
        formats=options.time_format,
    )
    where = f"{raw.path.name}, column {cells.name}"
    attempt_all(
        {
            "order": partial(_require_one_order, cells, parsed.order, options, where),
            "clock": partial(_require_clocks, parsed, name, where),
            "form": partial(_require_one_form, cells, parsed, where),
            "meaning": partial(_require_one_meaning, cells, parsed, options, where),
        }
    )
    return parsed


def _require_one_order(cells: pd.Series, order: pd.Series, options: IncidentSettings, where: str) -> None:
    """Refuse dates of which the calendar says that they were written the other way round."""
    count = order.value_counts().reindex(["D", "M", "?", "="], fill_value=0)
    expected = "?" if options.day_first is None else "D" if options.day_first else "M"
    is_contradiction = count["D"] > 0 and count["M"] > 0 and options.day_first is None
    other = {"D": "M", "M": "D", "?": "D"}[expected]
    is_wrong = count[other] > 0 and count[expected if expected != "?" else "M"] == 0
    if not is_contradiction and not is_wrong:
        return
    parts = [
        f"{count[code]:,} of {len(cells):,} dates exist only {words}" for code, words in _ORDERS.items() if count[code]
    ]
    both = int(count[["?", "="]].sum())
    either = [f"{both:,} could be either"] if both else []
    shown = [f"{cells[rows.index[0]]} (row {rows.index[0]})" for code in "DM" if len(rows := order[order == code])]
    setting = "true" if count["D"] else "false"
    raise ColumnError(
        "The dates are written in two orders of day and month."
        if is_contradiction
        else f"The dates are written {_ORDERS[other]}, and {_setting_text(options)}.",
        where=where,
        ids=[f"row {row}" for row in order.index[order == other]],
        found=f"{'; '.join([*parts, *either])}; for example {', '.join(shown)}",
        expected="one order in all files of the export",
        remedy="Export the dates as 2025-03-14. If the rows of one order are slips, set day_first under [incidents] in "
        "district.toml to the other; they are then rejected."
        if is_contradiction
        else f"Set day_first = {setting} under [incidents] in district.toml.",
    )


def _require_one_form(cells: pd.Series, parsed: io.ParsedTimes, where: str) -> None:
    """Refuse a column that a spreadsheet has read in part: what it took for dates may have day and month swapped."""
    forms = set(parsed.form.dropna())
    in_excel = forms & {"a date of Excel's own", "a day number of Excel's"}
    order = set(parsed.order[parsed.form == "3/4/2025"].dropna())
    is_swapped = bool(in_excel) and bool(order) and order in ({"D"}, {"M"})
    if not is_swapped and not {"a day number of Excel's", "a count since 1970"} <= forms:
        return
    raise ColumnError(
        "A spreadsheet has made some of the dates its own and left others as text: day and month may be swapped."
        if is_swapped
        else "The column holds numbers of two kinds, days of Excel's and counts since 1970.",
        where=where,
        found=_forms_text(cells, parsed.form),
        expected="all times written in one way",
        remedy="Export it again as CSV, and do not save it in a spreadsheet; or say how the times that count are "
        'written: time_format = "%m/%d/%Y %H:%M"; all others are then unreadable.',
    )


def _require_one_meaning(cells: pd.Series, parsed: io.ParsedTimes, options: IncidentSettings, where: str) -> None:
    """Refuse dates with the year first among others of which nothing says what their numbers mean.

    A program that has read the others where it could, and left what it could not as it was, has swapped day and month
    in what it read: then no date with the year first has a day above 12, and every other one has.
    """
    is_iso = parsed.form == _YEAR_FIRST
    order = parsed.order[parsed.form == _NUMBERS]
    if not is_iso.any() or order.empty:
        return
    is_unsaid = options.day_first is None and not order.isin(["D", "M"]).any() and (order == "?").any()
    low, only = parsed.at[is_iso].dt.day <= _MONTHS, set(order.dropna())
    chance = (_MONTHS / 30) ** len(low) * (1 - _MONTHS / 30) ** len(order)
    is_swapped = only in ({"D"}, {"M"}) and bool(low.all()) and chance < _UNLIKELY
    if not is_unsaid and not is_swapped:
        return
    setting = 'time_format = ["%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M"]'
    raise ColumnError(
        "Some dates were read by a program and the others left as they were: day and month may be swapped."
        if is_swapped
        else "Dates are written in two ways, and of one of them nothing says whether the day or the month comes first.",
        where=where,
        found=_forms_text(cells, parsed.form)
        + ("; no day above 12 with the year first, none up to 12 in the others" if is_swapped else ""),
        expected="all times written in one way",
        remedy=(
            "Export it again, and open it in no spreadsheet. " if is_swapped else "Set day_first under [incidents]. "
        )
        + f"If both are right, say how they are written under [incidents]: {setting}; all others are then unreadable.",
    )


def _forms_text(cells: pd.Series, form: pd.Series) -> str:
    counts = form.value_counts()
    firsts = {one: form.index[form == one][0] for one in counts.index}
    return "; ".join(
        f"{count:,} as {one}, for example {cells[firsts[one]]} (row {firsts[one]})" for one, count in counts.items()
    )


def _setting_text(options: IncidentSettings) -> str:
    if options.day_first is None:
        return "the settings do not say so"
    return f"the settings say day_first = {str(options.day_first).lower()}"


def _require_clocks(parsed: io.ParsedTimes, name: str, where: str) -> None:
    """Refuse a column with one time of day: it holds dates that some program made moments of."""
    one = parsed.one_clock
    if one is None:
        return
    raise ColumnError(
        f"Nearly all values have one time of day, {one.clock}.",
        where=where,
        found=f"{one.count:,} of {one.of:,} values at {one.clock}",
        expected="times of day as they were, or dates alone",
        remedy=f'If the column holds only dates, set {name} = "unknown" under [incidents.time_of_day] in '
        f'district.toml; if it was so, set {name} = "known". {_hint(one)}',
    )


def _hint(one: io.OneClock) -> str:
    if one.clock.startswith("00:00:00"):
        return "If only midnight stands for an unknown time, set midnight_is_unknown = true under [incidents]."
    return "See also whether `times` under [incidents] is right."


def _findings(
    raw: io.RawTable, name: str, cells: pd.Series, times: io.ParsedTimes, options: IncidentSettings
) -> Iterator[Finding]:
    file = raw.path.name
    is_read = times.fault.isna()
    is_date = is_read & ~times.has_time
    lacks = name != _OCCURRED
    if options.day_first is None and (times.order == "?").any() and not (times.order == "M").any():
        either = times.order == "?"
        yield Finding(
            "warning",
            f"{name}_order_not_known",
            "incidents",
            f"{count_text(either.sum(), 'date', of=int(is_read.sum()))} of {cells.name} in {file} could have "
            "the day or the month first, and no other date shows which; the month was taken to come first.",
            ids=tuple(f"row {row}" for row in either.index[either]),
            expected="dates that can be read one way",
            remedy="Set day_first = true or false under [incidents] in district.toml.",
        )
    is_by_format = times.form.isin(options.time_format).any()
    if options.time_format and not is_by_format and is_read.any():
        message = (
            f"No value of {cells.name} in {file} is written as time_format says; they are read as they are written."
        )
        remedy = "Correct time_format under [incidents] if it is meant for this column."
        yield Finding("note", f"{name}_not_by_format", "incidents", message, remedy=remedy)
    if len(times.form.dropna().unique()) > 1:
        yield Finding(
            "note" if is_by_format else "warning",
            f"{name}_mixed",
            "incidents",
            f"The times of {cells.name} in {file} are written in several ways: {_forms_text(cells, times.form)}. "
            "Each is read as it is written.",
            expected="all times written in one way",
            remedy="If only one of them is right, say how it is written under [incidents]: time_format = "
            '"%m/%d/%Y %H:%M"; all others are then unreadable.',
        )
    yield from _offset_findings(f"{cells.name} in {file}", name, times, options)
    if times.dates_at is not None:
        yield _dates_finding(f"{cells.name} in {file}", name, times.dates_at, options)
    elif lacks and is_date.any():
        yield Finding(
            "warning",
            f"{name}_date_only",
            "incidents",
            f"{count_text(is_date.sum(), 'value', of=int(is_read.sum()))} of {cells.name} in {file} "
            "without a time of day; they count as missing.",
            ids=tuple(f"row {row}" for row in is_date.index[is_date]),
            expected="a date and a time of day",
            remedy="Export the time of day.",
        )
    for fault, (code, what, remedy) in _LOST.items() if lacks else ():
        wrong = times.fault == fault
        if wrong.any():
            rows = tuple(f"row {row}" for row in wrong.index[wrong])
            message = (
                f"{count_text(wrong.sum(), 'value')} of {cells.name} in {file} that {what}, such as "
                f"{cells[wrong.index[wrong][0]]}: taken as missing."
            )
            expected = "a date and a time of day"
            yield Finding("warning", f"{name}_{code}", "incidents", message, rows, expected, remedy)


_LOST = {
    "unreadable_time": ("unreadable", "cannot be read as a time", "Correct them in the export."),
    "sentinel_time": (
        "placeholder",
        "the dispatch system writes where it has no time",
        "Leave such cells empty in the export.",
    ),
    "rounded_time": (
        "rounded",
        "a spreadsheet has rounded",
        "Export them again, and open the file in no spreadsheet.",
    ),
}


def _offset_findings(column: str, name: str, times: io.ParsedTimes, options: IncidentSettings) -> list[Finding]:
    """Say that some moments are those of a stated offset and others those of a setting: they may be hours apart."""
    is_bare = times.has_time & ~times.has_offset & (times.form != "a count since 1970")
    if options.times == "local_tagged_utc" or not times.has_offset.any() or not is_bare.any():
        return []
    stated = count_text(times.has_offset.sum(), "time", of=int(times.has_time.sum()))
    taken = "UTC" if options.times == "utc" else "local"
    return [
        Finding(
            "warning",
            f"{name}_offset_mixed",
            "incidents",
            f"{stated} of {column} with an offset from UTC, read by it; the others without one, taken as {taken}.",
            ids=tuple(f"row {row}" for row in is_bare.index[is_bare]),
            expected="an offset in every row, or in none",
            remedy='Export it again; or set times = "local", "utc" or "local_tagged_utc" under [incidents].',
        )
    ]


def _dates_finding(column: str, name: str, dates: io.OneClock, options: IncidentSettings) -> Finding:
    becomes = "each is the day that it names, its time of day unknown"
    if name != _OCCURRED:
        becomes = "they count as missing, not as midnight"
    is_said = options.time_of_day.get(name) == "unknown"
    message = (
        f"All {dates.count:,} values of {column} that have a time of day are at {dates.clock}: they are dates, and "
    )
    if is_said:
        message = f"The settings say that {column} holds only dates ({dates.count:,} values): "
    return Finding(
        "note" if is_said else "warning",
        f"{name}_means_date",
        "incidents",
        f"{message}{becomes}.",
        expected="a time of day",
        remedy=f'Export the time of day. If midnight is real, set {name} = "known" under [incidents.time_of_day].',
    )


def shifted_findings(notes: pd.Series, ids: pd.Series) -> list[Finding]:
    """Say which times fell into an hour that is skipped or comes twice."""
    messages = {
        "dst_gap_shifted": "in the hour that is skipped when clocks go forward, moved to its end",
        "dst_repeat_first": "in the hour that comes twice when clocks go back, taken as the first",
    }
    return [
        Finding(
            "note",
            code,
            "incidents",
            f"{count_text((notes == code).sum(), 'time')} {text}.",
            ids=tuple(ids[notes.index[notes == code]]),
            expected="local times that exist once",
            remedy="Export times in UTC if the hour matters.",
        )
        for code, text in messages.items()
        if np.any(notes == code)
    ]
