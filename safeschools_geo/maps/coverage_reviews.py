"""Tables that weigh coverage: numbers of officers, plans side by side, the model beside the record, the specialist."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from safeschools_geo.coverage.response import WITHIN_MIN
from safeschools_geo.maps.coverage_figures import (
    MINUTES,
    Column,
    MarkedTable,
    change,
    decimal,
    figure,
    interval,
    is_figure,
    printed,
    share,
    whole,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL_ZONES = ""
"""`zone_id` of a validation that stands for all zones together."""


class _Measure(NamedTuple):
    name: str
    unit: str


_MEASURES = {
    "busy": _Measure("Officers busy with calls", "share of the time"),
    "backup": _Measure("Another zone’s officer answers", "share of calls"),
    "overflow": _Measure("Goes to patrol", "share of calls"),
    "response": _Measure("Mean trip", MINUTES),
    "response_p90": _Measure("Trip, nine calls of ten within", MINUTES),
    "within": _Measure(f"Reached within {WITHIN_MIN:g} minutes", "share of calls"),
    "own": _Measure("The zone’s own officer answers", "share of calls"),
}
_DIFFERS, _AGREES, _UNTOLD = "differs", "agrees", "not told"
_VERDICTS = {"better": "better", "worse": "WORSE", "unclear": "may be chance", "same": "no difference"}


def staffing_table(staffing: pd.DataFrame) -> MarkedTable:
    """Print coverage with each number of officers.

    Parameters
    ----------
    staffing
        As `coverage_pages.coverage_page` takes it.

    Returns
    -------
    MarkedTable
        A row for each number; that of today stands out.
    """
    rows = staffing.sort_values("officers")
    heads = [f"{whole(n)}{' (today)' if now else ''}" for n, now in rows[["officers", "is_current"]].to_numpy()]
    columns = (
        Column("Officers", "head", words),
        Column("Goes to patrol", "overflow_share", share),
        Column("Minutes, mean", "mean_response_min", decimal),
        Column("Nine calls of ten within", "p90_response_min", decimal),
        Column("Officers busy", "busy_share_mean", share),
        Column("Officer-hours a term", "officer_h", whole),
        Column("Cost a term", "cost", whole),
    )
    table = printed(rows.assign(head=heads), columns, caption="By the model: coverage with each number of officers")
    marked = frozenset(i for i, now in enumerate(rows["is_current"].tolist()) if now)
    return MarkedTable(table.caption, table.columns, table.rows, marked=marked)


def comparison_table(comparison: pd.DataFrame) -> MarkedTable:
    """Print current and proposed zones measure by measure.

    Parameters
    ----------
    comparison
        `label`, `unit`, `current`, `proposed`, `difference`, `low`, `high` and `verdict`.

    Returns
    -------
    MarkedTable
        A row for each measure; those that the proposed zones worsen stand out.
    """
    rows = comparison.to_dict("records")
    cells = tuple(
        (
            words(row["label"]),
            "minutes" if row["unit"] == MINUTES else words(row["unit"]),
            figure(row["current"], row["unit"]),
            figure(row["proposed"], row["unit"]),
            change(row["difference"], row["unit"]),
            interval(row["low"], row["high"], partial(change, unit=row["unit"])),
            _VERDICTS.get(str(row["verdict"]), words(row["verdict"])),
        )
        for row in rows
    )
    columns = ("Measure", "In", "Current", "Proposed", "Difference", "95% interval of it", "Proposed is")
    worse = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "worse")
    caption = "By the model: current and proposed zones; differences of shares in percentage points"
    return MarkedTable(caption, columns, cells, marked=worse)


def validation_table(validation: pd.DataFrame, *, zone_names: Mapping[str, str], of_zones: bool) -> MarkedTable:
    """Print the model beside the record, what differs first.

    Parameters
    ----------
    validation
        `measure`, `zone_id` (empty for all together), `predicted`, `observed`, `low`, `high`, `is_within` and `note`.
    zone_names
        Name of each zone, by `zone_id`.
    of_zones
        Whether to print single zones, or all zones together.

    Returns
    -------
    MarkedTable
        A row for each measure and zone: what differs, then what agrees, then what the record does not tell.
    """
    order = {_DIFFERS: 0, _AGREES: 1, _UNTOLD: 2}
    chosen = [row for row in validation.to_dict("records") if (_zone(row) != ALL_ZONES) == of_zones]
    rows = sorted(chosen, key=lambda row: order[_verdict(row)])
    cells = tuple(
        (
            "All zones" if _zone(row) == ALL_ZONES else zone_names.get(_zone(row), _zone(row)),
            _measure(row).name,
            "minutes" if _measure(row).unit == MINUTES else _measure(row).unit,
            figure(row["observed"], _measure(row).unit),
            interval(row["low"], row["high"], partial(figure, unit=_measure(row).unit)),
            figure(row["predicted"], _measure(row).unit),
            _verdict(row),
            words(row["note"]),
        )
        for row in rows
    )
    columns = ("Zone", "Measure", "In", "Record", "95% interval of the record", "Model", "Verdict", "What is behind it")
    differing = frozenset(i for i, row in enumerate(rows) if _verdict(row) == _DIFFERS)
    caption = (
        f"Record, and the model beside it, {'zone by zone' if of_zones else 'all zones together'}: what differs first"
    )
    return MarkedTable(caption, columns, cells or (("None", *["–"] * (len(columns) - 1)),), marked=differing)


def coverage_caution(validation: pd.DataFrame | None) -> tuple[bool, str]:
    """Say whether the model can be relied on, before anything is read from it.

    Parameters
    ----------
    validation
        As for `validation_table`; None where the model was not checked.

    Returns
    -------
    bool
        Whether model and record differ, or were not compared at all.
    str
        One or two sentences.
    """
    whole_district = [] if validation is None else [r for r in validation.to_dict("records") if _zone(r) == ALL_ZONES]
    differing = [row for row in whole_district if _verdict(row) == _DIFFERS]
    if differing:
        told = "; ".join(f"{_measure(row).name.lower()}: {_told(row)}" for row in differing)
        return True, f"Before you rely on this: model and record differ. {told[:1].upper()}{told[1:]}."
    alike = [_measure(row).name.lower() for row in whole_district if _verdict(row) == _AGREES]
    if alike:
        return False, f"Model and record agree, as far as the record tells, on: {'; '.join(alike)}."
    return True, "These figures come from a model that could not be checked against a record."


def caseload_table(caseload: pd.DataFrame) -> MarkedTable:
    """Print the specialist's cases.

    Parameters
    ----------
    caseload
        `term`, `school_weeks`, `cases`, `cases_per_week`, `low`, `high`, `mean_min`, `hours_per_week`, `open_cases` and
        `change_share`.

    Returns
    -------
    MarkedTable
        A row for each term.
    """
    rows = caseload.assign(between=[interval(a, b, decimal) for a, b in caseload[["low", "high"]].to_numpy()])
    columns = (
        Column("Term", "term", words),
        Column("School weeks", "school_weeks", decimal),
        Column("Cases", "cases", whole),
        Column("Cases a week", "cases_per_week", decimal),
        Column("95% interval", "between", words),
        Column("Minutes a case", "mean_min", whole),
        Column("Hours a week", "hours_per_week", decimal),
        Column("Open on an ordinary day", "open_cases", decimal),
        Column("Change on the term before", "change_share", _signed),
    )
    return printed(rows, columns, caption="Threat assessments by term; they are in no zone’s load")


def _told(row: dict[Any, Any]) -> str:
    unit = _measure(row).unit
    predicted, observed = (figure(row[name], unit) for name in ("predicted", "observed"))
    return f"record {observed}, model {predicted}{' min' if unit == MINUTES else ''}"


def _measure(row: dict[Any, Any]) -> _Measure:
    return _MEASURES.get(str(row["measure"]), _Measure(words(row["measure"]), "share"))


def _zone(row: dict[Any, Any]) -> str:
    return ALL_ZONES if pd.isna(row["zone_id"]) else str(row["zone_id"])


def _verdict(row: dict[Any, Any]) -> str:
    if pd.isna(row["is_within"]):
        return _UNTOLD
    return _AGREES if row["is_within"] else _DIFFERS


def _signed(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    text = share(value)
    return f"+{text}" if is_figure(value) and value > 0 else text
