"""What became of hotspots from one term to another, each with the test of its change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.hotspots._change import change_words, term_change
from safeschools_geo.hotspots._expected import carried, chance_text, counted_text, number_word, times
from safeschools_geo.hotspots._schools import overlap
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from safeschools_geo.hotspots._result import SchoolHotspots


STATUS_CHANGES = {
    "emerged": "emerged",
    "persisted": "persisted",
    "faded": "faded",
    "insufficient_data": "not enough data to say",
    "not_high": "high in neither term",
}
"""What can become of a school or a group, and its name in print."""

HOTSPOTS_OF_TWO_TERMS = (
    "kind",
    "members",
    "name",
    "status_change",
    "zone_before",
    "zone_after",
    "incidents_before",
    "incidents_after",
    "of_expected_before",
    "of_expected_after",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "q_value",
    "direction",
    "group_before",
    "group_after",
    "overlap_share",
    "sentence",
)

NOT_JUDGED = ("insufficient_data", "no_denominator")
"""Statuses of schools that no test could judge."""

_TESTED = ("incidents_before", "incidents_after", "ratio", "ratio_low", "ratio_high", "p_value", "q_value", "direction")


def status_change(before: pd.Series, after: pd.Series) -> NDArray[np.str_]:
    """Say what became of schools.

    Parameters
    ----------
    before, after
        Status of each school in the earlier and in the later term, one of `schemas.HOTSPOT_STATUSES`.

    Returns
    -------
    numpy.ndarray
        Keys of `STATUS_CHANGES`, shape (n,). Where a term has too little data or no enrollment, nothing is said of what
        came or went; a school that is high only with what officers started is not high.
    """
    was, now = (before == "high").to_numpy(), (after == "high").to_numpy()
    is_unknown = before.isin(NOT_JUDGED).to_numpy() | after.isin(NOT_JUDGED).to_numpy()
    return np.select(
        [was & now, is_unknown, now, was], ["persisted", "insufficient_data", "emerged", "faded"], default="not_high"
    )


def hotspots_that_changed(before: SchoolHotspots, after: SchoolHotspots, schools: pd.DataFrame) -> pd.DataFrame:
    """List the schools and groups of schools that are high in either term.

    Parameters
    ----------
    before, after
        What was found at schools in the earlier and in the later term.
    schools
        `rates_side_by_side` of the schools, with `name`, `zone_before`, `zone_after` and `status_change`.

    Returns
    -------
    pandas.DataFrame
        `HOTSPOTS_OF_TWO_TERMS`: groups of the later term, groups of the earlier term that share no school with one of
        those, then schools. A group persisted if it shares a school with a group that was high before
        (`overlap_share`: Jaccard's coefficient). `ratio` is that of the rates of the terms at the same schools; the
        q-values of groups are over the groups listed, and do not allow for their having been searched for.
        `sentence` says whether the change is more than chance explains.
    """
    terms = (str(before.rates.table["term"].iloc[0]), str(after.rates.table["term"].iloc[0]))
    rows = [*_groups(before, after, terms), *_schools(schools, terms)]
    return pd.DataFrame(rows, columns=list(HOTSPOTS_OF_TWO_TERMS))


def _schools(schools: pd.DataFrame, terms: tuple[str, str]) -> Iterator[dict[str, Any]]:
    is_high = (schools["status_before"] == "high") | (schools["status_after"] == "high")
    high = schools[is_high]
    order = high["status_change"].map({name: place for place, name in enumerate(STATUS_CHANGES)})
    listed_first = high.assign(_order=order).sort_values(["_order", "p_value", "school_id"], kind="stable")
    for row in _records(listed_first):
        rows = {
            **row,
            "kind": "school",
            "members": row["school_id"],
            "of_expected_before": row["ratio_before"],
            "of_expected_after": row["ratio_after"],
            "group_before": "",
            "group_after": "",
        }
        yield {**rows, "sentence": _sentence(rows, terms, officers=_officers(row, terms))}


def _groups(before: SchoolHotspots, after: SchoolHotspots, terms: tuple[str, str]) -> list[dict[str, Any]]:
    was, now = _members(before), _members(after)
    pairs = {new: [old for old in was if overlap(was[old], now[new]) > 0] for new in now}
    gone = [old for old in was if not any(old in olds for olds in pairs.values())]
    rows = [
        _group(now[new], now=new, was=olds, share=overlap(now[new], [s for old in olds for s in was[old]]))
        for new, olds in pairs.items()
    ] + [_group(was[old], now="", was=[old], share=0.0) for old in gone]
    changes = _changes_of_groups(before, after, [row["members"] for row in rows], terms)
    looked = (bool(before.groups.scans), bool(after.groups.scans))
    return [
        _named_group(row, change, (before, after), looked, terms) for row, change in zip(rows, changes, strict=True)
    ]


def _members(found: SchoolHotspots) -> dict[str, list[str]]:
    high = found.groups.high
    return {group: ids.split(";") for group, ids in zip(high["group_id"], high["members"], strict=True)}


def _group(members: list[str], *, now: str, was: list[str], share: float) -> dict[str, Any]:
    return {"members": members, "group_before": ";".join(was), "group_after": now, "overlap_share": share}


def _changes_of_groups(
    before: SchoolHotspots, after: SchoolHotspots, groups: list[list[str]], terms: tuple[str, str]
) -> list[dict[str, Any]]:
    if not groups:
        return []
    tables = pd.concat([before.rates.table, after.rates.table], ignore_index=True)
    counts = tables.assign(incidents=tables["reported"])
    labeled = [counts[counts["school_id"].isin(ids)].assign(group=place) for place, ids in enumerate(groups)]
    changes = term_change(pd.concat(labeled), before=terms[0], after=terms[1], by="group")
    return _records(changes[list(_TESTED)])


def _named_group(
    row: dict[str, Any],
    change: dict[str, Any],
    found: tuple[SchoolHotspots, SchoolHotspots],
    looked: tuple[bool, bool],
    terms: tuple[str, str],
) -> dict[str, Any]:
    ids: list[str] = row["members"]
    sides = [one.rates.table[one.rates.table["school_id"].isin(ids)] for one in found]
    expected = [side["expected"].sum() for side in sides]
    seen = [side.loc[side["expected"].notna(), "reported"].sum() for side in sides]
    zones = [";".join(sorted(set(side["zone_id"]) - {""})) for side in sides]
    with np.errstate(divide="ignore", invalid="ignore"):
        over = carried(np.divide(seen, expected), expected)
    number = len(ids)
    facts = {
        **row,
        **change,
        "kind": "schools",
        "members": ";".join(ids),
        "name": f"{number_word(number)} school{'s' if number != 1 else ''}"
        + (f" in Zone{'s' if ';' in zones[1] else ''} {listed(zones[1].split(';'))}" if zones[1] else ""),
        "status_change": _group_change(row, looked),
        "zone_before": zones[0],
        "zone_after": zones[1],
        "of_expected_before": over[0],
        "of_expected_after": over[1],
        "status_before": "high" if row["group_before"] else "not_high",
        "status_after": "high" if row["group_after"] else "not_high",
    }
    searched = "" if row["group_before"] and row["group_after"] else " " + _SEARCHED
    return {**facts, "sentence": _sentence(facts, terms) + searched}


_SEARCHED = "The group was searched for, which makes its change look larger than it is."


def _group_change(row: dict[str, Any], looked: tuple[bool, bool]) -> str:
    if not all(looked):
        return "insufficient_data"
    if row["group_before"] and row["group_after"]:
        return "persisted"
    return "emerged" if row["group_after"] else "faded"


def _officers(row: dict[str, Any], terms: tuple[str, str]) -> str:
    other = [
        term
        for term, side in zip(terms, ("before", "after"), strict=True)
        if row[f"status_{side}"] == "rests_on_officer_initiated"
    ]
    return f" In {other[0]} it was high only with what officers started themselves." if other else ""


def _sentence(row: dict[str, Any], terms: tuple[str, str], *, officers: str = "") -> str:
    before, after = terms
    lead = {
        "emerged": f"emerged: high in {after}, not in {before}",
        "persisted": "persisted: high in both terms",
        "faded": f"faded: high in {before}, not in {after}",
        "insufficient_data": (
            f"high in {after if row['status_after'] == 'high' else before}; the other term has too little data to say "
            "whether it was high there too"
        ),
    }[row["status_change"]]
    counts = f"{counted_text(row['incidents_before'])} in {before}, {row['incidents_after']:,} in {after}"
    return f"{row['name']} {lead} ({counts}).{officers} {_change(row)}"


def _change(row: dict[str, Any]) -> str:
    """Say whether the two terms differ by more than chance: being called high in one of them does not."""
    words = change_words(row)
    if row["direction"] == "insufficient_data":
        return f"The two terms have {words}."
    found = f"q {chance_text(row['q_value'])}"
    if np.isfinite(row["ratio"]):
        interval = f"95 % interval {row['ratio_low']:.2f}–{row['ratio_high']:.2f}".replace("inf", "∞")
        ratio = f"{times(row['ratio'])} the rate of before, " if row["direction"] == "no clear change" else ""
        found = f"{ratio}{interval}, {found}"
    return f"{words[0].upper()}{words[1:]} ({found})."


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
