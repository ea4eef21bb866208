"""Two terms beside each other, told step by step: zones, loads, rates, and what became of hotspots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.district import District, load_settings, read_district
from safeschools_geo.errors import SettingsError, attempt_all
from safeschools_geo.hotspots import (
    EVERYWHERE,
    Hotspots,
    change_at_same_schools,
    hotspots_that_changed,
    officer_share_change,
    rates_side_by_side,
    status_change,
    warning_for,
)
from safeschools_geo.results import TermComparison
from safeschools_geo.schemas import LEVELS
from safeschools_geo.school_calendar import school_days
from safeschools_geo.settings import Term
from safeschools_geo.term._run import (
    TermZones,
    assign_incidents,
    assign_schools,
    count_workload,
    find_term_hotspots,
    history_in_context,
    zones_of_both,
)
from safeschools_geo.workload import zone_workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from safeschools_geo.settings import Settings


COMPARING_STEPS = (
    "Reading",
    "Assigning",
    "Finding hotspots, earlier term",
    "Finding hotspots, later term",
    "Comparing",
)

_LOADS = ["name", "schools", "workload_h", "share_of_mean"]


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two terms, in its own zones."""

    term: Term
    zones: TermZones
    workload: pd.DataFrame
    hotspots: Hotspots

    @property
    def loads(self) -> pd.DataFrame:
        return _loads_in(self.workload, self.zones, self.term.name)


def compare_terms(
    folder: Path,
    term_a: str,
    term_b: str,
    *,
    outputs: Path | None = None,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> TermComparison:
    """Compare two terms of a district.

    Parameters
    ----------
    folder
        The district folder.
    term_a, term_b
        Names of the terms, in any order: the earlier one is compared with the later one.
    outputs
        Folder in which runs have written, where the zones that a term had are looked for.
    seed
        Seed of everything random.
    on_step
        Called with the name of each step as it begins, one of `COMPARING_STEPS`.

    Returns
    -------
    TermComparison
        The comparison.

    Raises
    ------
    SettingsError
        When there is no such term, or both are the same.
    NoRecordError
        When the history holds no incident of one of them.
    InputError
        When something else cannot be used; see `district.read_district` and `zones_of_both`.
    """
    on_step(COMPARING_STEPS[0])
    first, second = terms_in_order(load_settings(folder), term_a, term_b)
    district = read_district(folder)
    attempt_all({term.name: partial(district.term, term.name) for term in (first, second)})
    district = district.until(second)
    on_step(COMPARING_STEPS[1])
    today = assign_schools(district)
    zones = zones_of_both(district, today, (first.name, second.name), outputs=outputs)
    on_step(COMPARING_STEPS[2])
    before = _side(district, first, zones[0], seed)
    on_step(COMPARING_STEPS[3])
    after = _side(district, second, zones[1], seed, earlier=zones[0])
    on_step(COMPARING_STEPS[4])
    order = () if first.name == term_a else (f"The terms are in the order of time: {first.name} came first.",)
    return _compared(district, before, after, seed=seed, notes=order)


def terms_in_order(settings: Settings, term_a: str, term_b: str) -> tuple[Term, Term]:
    """Find two terms, the earlier one first.

    Parameters
    ----------
    settings
        Settings of the district.
    term_a, term_b
        Names of the terms.

    Returns
    -------
    tuple of Term
        The earlier and the later term.

    Raises
    ------
    SettingsError
        When there is no such term, or both are the same.
    """
    names = [t.name for t in settings.terms]
    unknown = [name for name in dict.fromkeys((term_a, term_b)) if name not in names]
    if unknown or term_a == term_b:
        raise SettingsError(
            "There is no such term." if unknown else "A term cannot be compared with itself.",
            where="[[terms]] in district.toml",
            found=", ".join(unknown or [term_a]),
            expected=f"two of: {', '.join(names)}" if names else "at least two [[terms]] with name, start and end",
            remedy="Name two of these, in quotation marks where a name has spaces.",
        )
    first, second = sorted((settings.term(term_a), settings.term(term_b)), key=lambda t: t.start)
    return first, second


def _side(district: District, term: Term, zones: TermZones, seed: int, *, earlier: TermZones | None = None) -> _Side:
    history = history_in_context(district, zones.school_zones, assign_incidents(district))
    workload, _ = count_workload(district, zones.school_zones, history)
    found = find_term_hotspots(district, zones.school_zones, history, workload, term=term, seed=seed, earlier=earlier)
    return _Side(term, zones, workload, found)


def _compared(district: District, before: _Side, after: _Side, *, seed: int, notes: tuple[str, ...]) -> TermComparison:
    settings = district.settings
    moves = _school_zones(district, before.zones, after.zones)
    schools = _schools(before, after, moves)
    found = hotspots_that_changed(before.hotspots.schools, after.hotspots.schools, schools)
    rates = _zone_rates(before, after, moves)
    change = after.hotspots.trends.zone_change
    days = tuple(len(school_days(side.term, settings.calendar)) for side in (before, after))
    return TermComparison(
        term_a=before.term,
        term_b=after.term,
        settings=settings,
        days=(days[0], days[1]),
        has_zone_record=before.zones.is_recorded,
        school_zones=moves,
        loads=_loads(before, after),
        overall=_side_by_side(before, after, EVERYWHERE),
        rates=rates,
        levels=_in_order(_side_by_side(before, after, "level"), "level", list(LEVELS)),
        schools=schools,
        hotspots=found.assign(warning=_warnings(before, after, settings, found["members"])),
        zone_change=None if change is None else change.effect,
        cautions=_cautions(before, after, settings, rates),
        notes=(*notes, *before.zones.notes, *after.zones.notes),
        seed=seed,
        inputs={**district.sources, **before.zones.inputs, **after.zones.inputs},
    )


def _school_zones(district: District, before: TermZones, after: TermZones) -> pd.DataFrame:
    table = pd.DataFrame(district.schools[["school_id", "name", "level", "in_program"]]).reset_index(drop=True)
    zones = {
        f"zone_{side}": table["school_id"].map(zones.zone_of).fillna("").astype("str")
        for side, zones in (("before", before), ("after", after))
    }
    return table.assign(**zones, has_changed=zones["zone_before"] != zones["zone_after"])


def _loads_in(workload: pd.DataFrame, zones: TermZones, term: str) -> pd.DataFrame:
    mine = workload[workload["term"] == term]
    return zone_workload(mine, gpd.GeoDataFrame(zones.zones)).set_index("zone_id")[_LOADS]


def _loads(before: _Side, after: _Side) -> pd.DataFrame:
    """Put the loads beside each other, and tell what other schools bring from what else changed."""
    was, now = before.loads, after.loads
    # The earlier term's work in the later term's zones: what it would have been, had only the schools changed zone.
    rezoned = _loads_in(after.workload, after.zones, before.term.name)["workload_h"]
    zone_ids = [*now.index, *(zone for zone in was.index if zone not in now.index)]
    table = pd.DataFrame(index=pd.Index(zone_ids, name="zone_id", dtype="str"))
    table["name"] = now["name"].reindex(table.index).fillna(was["name"])
    for side, loads in (("before", was), ("after", now)):
        table = table.join(loads.drop(columns="name").add_suffix(f"_{side}"))
    hours = table[["workload_h_before", "workload_h_after"]].fillna(0.0)
    table["difference_h"] = hours["workload_h_after"] - hours["workload_h_before"]
    table["from_zones_h"] = rezoned.reindex(table.index).fillna(0.0) - hours["workload_h_before"]
    table["from_work_h"] = table["difference_h"] - table["from_zones_h"]
    schools = {name: table[name].astype("Int64") for name in ("schools_before", "schools_after")}
    return table.assign(**schools).reset_index()


def _side_by_side(before: _Side, after: _Side, by: str) -> pd.DataFrame:
    return rates_side_by_side(before.hotspots.schools.rates, after.hotspots.schools.rates, by=by)


def _zone_rates(before: _Side, after: _Side, moves: pd.DataFrame) -> pd.DataFrame:
    """Put the rates of zones beside each other, and say where a zone is not the same schools."""
    changed = moves[moves["in_program"] & moves["has_changed"]]
    other = set(changed["zone_before"]) | set(changed["zone_after"])
    names = pd.concat([after.zones.zones, before.zones.zones]).drop_duplicates("zone_id").set_index("zone_id")["name"]
    table = _side_by_side(before, after, "zone_id")
    table = table.assign(
        name=table["zone_id"].map(names).fillna("In no zone").astype("str"),
        has_same_schools=~table["zone_id"].isin(other),
    )
    with_note = table["sentence"] + " The zone did not have the same schools in both terms."
    sentence = table["sentence"].where(table["has_same_schools"], with_note)
    for side, term in (("before", before.term.name), ("after", after.term.name)):
        empty = f"The zone had no school in {term}, so there is nothing to compare."
        sentence = sentence.where(table[f"schools_{side}"].gt(0), empty)
    schools = {name: table[name].fillna(0).astype("int64") for name in ("schools_before", "schools_after")}
    table = table.assign(sentence=sentence, **schools)
    same = change_at_same_schools(before.hotspots.schools.rates, after.hotspots.schools.rates)
    return _in_order(table.merge(same, on="zone_id", how="left"), "zone_id", list(names.index))


def _in_order(table: pd.DataFrame, column: str, order: list[str]) -> pd.DataFrame:
    place = table[column].map({name: place for place, name in enumerate(order)}).fillna(len(order))
    return table.iloc[place.argsort(kind="stable")].reset_index(drop=True)


def _schools(before: _Side, after: _Side, moves: pd.DataFrame) -> pd.DataFrame:
    moved = moves[["school_id", "name", "level", "zone_before", "zone_after"]]
    table = moved.merge(_side_by_side(before, after, "school_id"), on="school_id")
    return table.assign(status_change=status_change(table["status_before"], table["status_after"]))


def _both(before: _Side, after: _Side) -> pd.DataFrame:
    return pd.concat([side.hotspots.schools.rates.table for side in (before, after)], ignore_index=True)


def _warnings(before: _Side, after: _Side, settings: Settings, members: pd.Series) -> list[str]:
    counts, terms = _both(before, after), (before.term, after.term)
    return [
        warning_for(counts, ids.split(";"), term=after.term.name, terms=terms, changes=settings.patrol_changes)
        for ids in members
    ]


def _cautions(before: _Side, after: _Side, settings: Settings, rates: pd.DataFrame) -> tuple[str, ...]:
    """Say where officers may have looked otherwise: what is reported may follow them."""
    counts, names = _both(before, after), (before.term.name, after.term.name)
    sentences = [
        f"Patrol changed on {change.start:%d %B %Y}{': ' + change.note if change.note else ''}."
        for change in settings.patrol_changes
        if before.term.start <= change.start <= after.term.end
    ]
    parts = {"All schools together": counts} | {
        str(row["name"]): counts[counts["zone_id"] == row["zone_id"]] for row in rates.to_dict("records")
    }
    for name, part in parts.items():
        sentence = officer_share_change(part, before=names[0], after=names[1])
        if sentence:
            sentences.append(f"{name}: {sentence}")
    return tuple(sentences)
