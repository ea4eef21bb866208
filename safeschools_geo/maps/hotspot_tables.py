"""Tables of the hotspot pages: every finding with its sentence, its interval and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.hotspots.detectable import LARGEST
from safeschools_geo.maps.tables import NONE_NAMED, DataTable, count, number
from safeschools_geo.schemas import CATEGORIES, HOTSPOT_KINDS, HOTSPOT_STATUSES, LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

IN_NO_ZONE = "In no zone"
"""What stands for the zone of schools that are in none."""

CHANGES = {
    "rose": "rose",
    "fell": "fell",
    "no clear change": "not clearly more than chance",
    "insufficient_data": "too few to compare",
}
"""How a rate changed (`hotspots.change.term_change`), and its name in print."""

_REPORTED = POPULATIONS["reported"].capitalize()
_HOURS = {
    "high": "clearly more than the hours in session lead to expect",
    "not_high": "not clearly more than chance",
    "insufficient_data": "not judged: too few",
}
_KINDS = {kind: words.split(",")[0].split(";")[0].capitalize() for kind, words in HOTSPOT_KINDS.items()}


def spot_table(spots: pd.DataFrame, *, term: str) -> DataTable:
    """Print every hotspot.

    Parameters
    ----------
    spots
        Table `hotspots`.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each hotspot.
    """
    columns = (
        "Hotspot",
        "In a sentence",
        "What",
        "Zone",
        "Counted",
        "Expected",
        "Times expected",
        "p",
        "q",
        "Could have been seen from",
        "Stays under other settings",
        "Officers started",
    )
    rows = tuple(
        (
            str(s.hotspot_id),
            f"{s.sentence} {s.warning}".strip(),
            _KINDS[s.kind],
            str(s.zone_id).replace(";", ", ") or NONE_NAMED,
            number(s.observed, 0 if float(s.observed).is_integer() else 1),
            number(s.expected, 1),
            ranged(s.ratio, s.ratio_low, s.ratio_high, 1),
            chance(s.p_value),
            chance(s.q_value),
            _seen_from(s.detectable_ratio),
            share(s.stability_share),
            share(s.officer_initiated_share),
        )
        for s in records(spots)
    )
    return DataTable(f"Hotspots of {term}", columns, rows or (("None", *[NONE_NAMED] * (len(columns) - 1)),))


def school_rate_table(rates: pd.DataFrame, *, zone_names: Mapping[str, str], term: str) -> DataTable:
    """Print the rates of the schools.

    Parameters
    ----------
    rates
        Table `school_rates` of one term.
    zone_names
        Name of each zone, by `zone_id`.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each school: those that are high first, then by name.
    """
    order = {status: place for place, status in enumerate(HOTSPOT_STATUSES)}
    is_high = rates["status"].map(order).where(rates["status"] != "insufficient_data", order["not_high"])
    ordered = rates.assign(_order=is_high).sort_values(["_order", "name"], kind="stable")
    columns = (
        "School",
        "Level",
        "Zone",
        "Reported calls",
        "Expected",
        "Per 1,000 student-days (95 %)",
        "Shrunken rate (95 %)",
        "q",
        "Would have been seen from",
        "Officers started",
        "What the test says",
    )
    rows = tuple(
        (
            str(s.name),
            LEVELS[s.level],
            zone_names.get(s.zone_id, NONE_NAMED),
            count(s.reported),
            number(s.expected, 1),
            ranged(s.rate_per_1000, s.rate_low_per_1000, s.rate_high_per_1000, 2),
            ranged(s.shrunken_per_1000, s.shrunken_low_per_1000, s.shrunken_high_per_1000, 2),
            chance(s.q_value),
            _seen_from(s.detectable_ratio),
            share(s.officer_initiated_share),
            f"not judged: {s.not_judged}" if s.not_judged else HOTSPOT_STATUSES[s.status],
        )
        for s in records(ordered)
    )
    return DataTable(f"{_REPORTED} at program schools, {term}", columns, rows)


def group_rate_table(groups: pd.DataFrame, *, names: Mapping[str, str], head: str, term: str) -> DataTable:
    """Print the rates of levels or of zones.

    Parameters
    ----------
    groups
        Rates by group, the group's key in the first column.
    names
        Name of each group.
    head
        What a group is.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each group.
    """
    columns = (
        head,
        "Schools",
        "Without a rate",
        "Reported calls",
        "Per 1,000 student-days (95 %)",
        "Times expected at the schools compared (95 %)",
        "Officers started",
    )
    rows = tuple(
        (
            names.get(key, NONE_NAMED if key else IN_NO_ZONE),
            count(g.schools),
            count(g.schools_without_rate),
            count(g.reported + g.reported_without_rate),
            ranged(g.rate_per_1000, g.rate_low_per_1000, g.rate_high_per_1000, 2),
            ranged(g.ratio, g.ratio_low, g.ratio_high, 2),
            share(g.officer_initiated_share),
        )
        for key, g in zip(groups.iloc[:, 0], records(groups), strict=True)
    )
    return DataTable(f"{_REPORTED} by {head.lower()}, {term}", columns, rows)


def window_table(windows: pd.DataFrame, *, term: str) -> DataTable:
    """Print the worst hours of each group of incidents.

    Parameters
    ----------
    windows
        `by`, `group`, `incidents`, `weekdays`, `start_hour`, `end_hour`, `observed`, `expected`, `p_value`, `q_value`,
        `status`.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each group.
    """
    names = {**CATEGORIES, **LEVELS, "all": "All"}
    rows = tuple(
        (
            names.get(w.group, str(w.group)),
            number(w.incidents, 0),
            str(w.weekdays).replace(";", ", ") if w.weekdays else NONE_NAMED,
            NONE_NAMED if pd.isna(w.start_hour) else f"{int(w.start_hour):02}:00–{int(w.end_hour):02}:00",
            number(w.observed, 1),
            number(w.expected, 1),
            chance(w.q_value),
            _HOURS[w.status],
        )
        for w in records(windows)
    )
    columns = ("Which calls", "In session", "Days", "Hours", "Counted", "Expected", "q", "What the test says")
    return DataTable(f"Worst hours of {POPULATIONS['reported']}, {term}", columns, rows)


def hour_rows(table: pd.DataFrame, *, days: Sequence[str], term: str) -> DataTable:
    """Print incidents for each 1,000 school-hours.

    Parameters
    ----------
    table
        `weekday`, `hour`, `school_hours`, `rate_per_1000_h` of the hours of the week.
    days
        Names of the weekdays, Monday first.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each weekday, a column for each hour in session.
    """
    known = table[table["school_hours"] > 0]
    wide = known.pivot_table(index="weekday", columns="hour", values="rate_per_1000_h")
    rows = tuple((days[int(str(day))], *(number(v, 1) for v in values)) for day, values in wide.iterrows())
    columns = ("Day", *(f"{int(hour):02}:00" for hour in wide.columns))
    return DataTable(f"{_REPORTED} per 1,000 school-hours, {term}", columns, rows)


def class_table(classes: pd.DataFrame, *, names: Mapping[str, str]) -> DataTable:
    """Print the schools that are or were high, by how that came about.

    Parameters
    ----------
    classes
        `school_id`, `class` and the terms in which it was flagged (`flagged_terms`).
    names
        Name of each school.

    Returns
    -------
    DataTable
        A row for each school with a class other than ``none``.
    """
    order = list(_CLASSES)
    shown = classes[classes["class"].isin(order)] if len(classes) else classes
    rows = tuple(
        (
            names.get(row["school_id"], str(row["school_id"])),
            _CLASSES[row["class"]],
            str(row["flagged_terms"]).replace(";", ", "),
        )
        for row in sorted(shown.to_dict("records"), key=lambda row: (order.index(row["class"]), row["school_id"]))
    )
    columns = ("School", "What became of it", "High in")
    caption = "Schools that are or were high, by the test of each term"
    return DataTable(caption, columns, rows or (("None", NONE_NAMED, NONE_NAMED),))


_CLASSES = {
    "persistent": "high, as in the term before",
    "emerging": "high, for the first time on record",
    "sporadic": "high, as in some earlier term but not the last",
    "fading": "no longer high",
}


def trend_table(trends: pd.DataFrame, *, names: Mapping[str, str]) -> DataTable:
    """Print the schools that rose or fell over the terms.

    Parameters
    ----------
    trends
        `school_id`, `class`, `ratio_first_last`, `q_value`, `incidents`.
    names
        Name of each school.

    Returns
    -------
    DataTable
        A row for each school that clearly rose or fell.
    """
    shown = trends[trends["class"].isin(["rising", "falling"])] if len(trends) else trends
    rows = tuple(
        (
            names.get(row["school_id"], str(row["school_id"])),
            str(row["class"]).capitalize(),
            number(row["ratio_first_last"], 2, suffix=" ×"),
            count(row["incidents"]),
            chance(row["q_value"]),
        )
        for row in shown.sort_values(["class", "q_value"], kind="stable").to_dict("records")
    )
    columns = ("School", "Trend", "Last term over first", "Reported calls, all terms", "q")
    caption = f"Schools that rose or fell over all terms against the schools of their level: {POPULATIONS['reported']}"
    return DataTable(caption, columns, rows or (("None", *[NONE_NAMED] * 4),))


def change_table(
    changes: pd.DataFrame, *, caption: str, key: str, head: str, names: Mapping[str, str], terms: tuple[str, str]
) -> DataTable:
    """Print what changed from one term to another.

    Parameters
    ----------
    changes
        `key`, `incidents_before`, `incidents_after`, `ratio` with its interval, `q_value`, `direction`.
    caption
        What is compared with what.
    key
        Column of what changed.
    head
        What that is.
    names
        Name of each.
    terms
        Names of the earlier and of the later term.

    Returns
    -------
    DataTable
        A row for each that could be compared, the clearest changes first.
    """
    columns = (head, *terms, "Ratio of rates (95 %)", "q", "Change")
    known = changes[changes["direction"] != "insufficient_data"].sort_values(["p_value", key], kind="stable")
    rows = tuple(
        (
            names.get(row[key], str(row[key]) or IN_NO_ZONE),
            count(row["incidents_before"]),
            count(row["incidents_after"]),
            ranged(row["ratio"], row["ratio_low"], row["ratio_high"], 2),
            chance(row["q_value"]),
            CHANGES[row["direction"]],
        )
        for row in known.to_dict("records")
    )
    return DataTable(caption, columns, rows or (("None", *[NONE_NAMED] * 5),))


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """Go through the rows of a frame.

    Parameters
    ----------
    frame
        The frame.

    Yields
    ------
    namedtuple
        A row, a field for each column.
    """
    yield from frame.itertuples(index=False)


def _seen_from(ratio: float) -> str:
    """Print the smallest ratio that would have been seen: none was, where even the largest looked at would not."""
    return f"> {LARGEST:g} ×" if ratio == float("inf") else number(ratio, 1, suffix=" ×")


def ranged(value: object, low: object, high: object, decimals: int) -> str:
    """Print a measure with its interval.

    Parameters
    ----------
    value, low, high
        The measure and the ends of its interval.
    decimals
        Decimals to show.

    Returns
    -------
    str
        For example ``"3.2 (2.1–4.6)"``; a dash where it is missing.
    """
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE_NAMED
    shown = [number(v, decimals).replace("inf", "∞") for v in (value, low, high)]
    if pd.isna(low) or pd.isna(high):  # type: ignore[call-overload]
        return shown[0]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def chance(value: object) -> str:
    """Print a p- or q-value.

    Parameters
    ----------
    value
        The value, or a missing one.

    Returns
    -------
    str
        Three decimals; ``< 0.001`` below that; a dash where it is missing.
    """
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE_NAMED
    return "< 0.001" if float(value) < 0.0005 else number(value, 3)  # type: ignore[arg-type] # noqa: PLR2004


def share(value: object) -> str:
    """Print a share.

    Parameters
    ----------
    value
        0 to 1, or a missing value.

    Returns
    -------
    str
        Whole per cent; a dash where it is missing.
    """
    return NONE_NAMED if pd.isna(value) else f"{float(value):.0%}"  # type: ignore[arg-type, call-overload]
