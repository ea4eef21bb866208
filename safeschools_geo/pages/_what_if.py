"""The what-if page: a person moves units between zones and sees at once what changes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.coverage import WITHIN_ONE_MIN, Replay
from safeschools_geo.drawing import LegendItem, has_place, zone_signs
from safeschools_geo.errors import count_text, name_ids, with_article
from safeschools_geo.io import safe_cells
from safeschools_geo.pages._map_layers import (
    LOAD_UNIT,
    VECTORS,
    DataElement,
    PlanSign,
    against_mean_text,
    counted_loads,
    load_name,
    map_data,
    places_of,
    plan_places,
    unit_names,
    unit_shapes,
)
from safeschools_geo.pages._page import NONE_NAMED, PLAN_STYLES, DataTable, PageContent, count, document, school_legend
from safeschools_geo.pages._term import boundary_sign, context_of, map_with_barriers, nothing_page, thumbnail
from safeschools_geo.rebalance import schools_of_units
from safeschools_geo.text import figure_text, forecast_text, format_imbalance, format_load, millionths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import geopandas as gpd

    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.rebalance import Rules
    from safeschools_geo.results import PlanInputs, TermResult


# ── What the what-if page is given: units with their neighbors and limits, zones, and the cells of plan.csv

_OPTIONAL = ("name", "schools", "students")


def page_data(
    inputs: PlanInputs, zones: gpd.GeoDataFrame, *, plan: pd.Series, schools: gpd.GeoDataFrame
) -> dict[str, Any]:
    """Write what the page computes from, with places in lists instead of ids."""
    units, edges, rules = inputs.units, inputs.edges, inputs.rules
    shapes = unit_shapes(units)
    zone_ids, unit_ids = zones["zone_id"].astype("str").tolist(), units["unit_id"].astype("str").tolist()
    data = map_data(shapes, zone_signs(zones), schools)
    for zone, zone_id, cell in zip(data["zones"], zone_ids, _csv_pieces(_as_text(zones[["zone_id"]])), strict=True):
        zone |= {"csv": cell, "is_apart": zone_id in set(inputs.set_apart)}
    known = [name for name in _OPTIONAL if name in units.columns]
    data["units"] = _unit_data(units, shapes.at.tolist(), zone_ids, known)
    _set_limits(data["units"], unit_ids, zone_ids, rules)
    pairs = [places_of(edges[name], unit_ids, what="units of edges") for name in ("unit_a", "unit_b")]
    groups = (*rules.together, *rules.whole.values())
    return data | {
        "edges": list(zip(*pairs, strict=True)),
        "together": [_places(group, unit_ids, "units of limits") for group in groups],
        **_asked(rules, unit_ids),
        "csv_head": ",".join(["unit_id", "zone_before", "zone_after", "moved", "workload", *known]),
        "plan": plan_places(plan, units, zone_ids),
        "noun": inputs.noun,
        "load_unit": LOAD_UNIT,
    }


def _unit_data(
    units: gpd.GeoDataFrame, at: list[list[float]], zone_ids: list[str], known: list[str]
) -> list[dict[str, Any]]:
    tails = pd.DataFrame(units[["workload", *known]]).astype({"workload": "float64"})
    columns = {
        "name": unit_names(units),
        "load": millionths(units["workload"]).tolist(),
        "zone": places_of(units["zone_id"], zone_ids, what="zones of units"),
        "schools": _counts(units, "schools", missing=1),
        "students": _counts(units, "students", missing=None),
        "at": at,
        "csv": list(zip(_csv_pieces(_as_text(units[["unit_id", "zone_id"]])), _csv_pieces(tails), strict=True)),
    }
    rows = zip(*columns.values(), strict=True)
    free = {"root": None, "is_locked": False}
    return [{**dict(zip(columns, row, strict=True)), **free, "not_in": []} for row in rows]


def _set_limits(marked: list[dict[str, Any]], unit_ids: list[str], zone_ids: list[str], rules: Rules) -> None:
    def places(some_units: Collection[str], some_zones: Collection[str]) -> list[tuple[int, int]]:
        of_units = _places(some_units, unit_ids, "units of limits")
        return list(zip(of_units, _places(some_zones, zone_ids, "zones of limits"), strict=True))

    for unit in _places(rules.locked, unit_ids, "units of limits"):
        marked[unit]["is_locked"] = True
    roots = rules.roots or {}
    for unit, zone in places(roots.values(), roots.keys()):
        marked[unit]["root"] = zone
    for unit, zone in places([u for u, _ in rules.forbidden], [z for _, z in rules.forbidden]):
        marked[unit]["not_in"].append(zone)


def _asked(rules: Rules, unit_ids: list[str]) -> dict[str, Any]:
    """Write what is asked of zones and students, and which neighbors a barrier parts; nothing where nothing is."""
    each = [
        {"name": with_article(name), "units": _places(ids, unit_ids, "units of limits")}
        for name, ids in rules.one_of_each.items()
    ]
    barred = [_places(pair, unit_ids, "units of limits") for pair in rules.barriers.get("pairs", ())]
    asked = {"one_of_each": each, "most_students": rules.most_students, "barred": barred}
    return {name: value for name, value in asked.items() if value not in (None, [])}


def _asked_text(rules: Rules) -> list[str]:
    """Say in words what is asked of every plan on the page."""
    most = rules.most_students
    each = " and ".join(map(with_article, rules.one_of_each))
    said = {
        f"Every zone is to have {each}.": each,
        f"Kept whole: {name_ids(list(rules.whole))}.": rules.whole,
        f"At most {count_text(most or 0, 'student')} may change officer.": most is not None,
    }
    return [sentence for sentence, is_asked in said.items() if is_asked]


def _places(ids: Collection[str], known: list[str], what: str) -> list[int]:
    return places_of(pd.Series(list(ids), dtype="str"), known, what=what)


def _counts(units: pd.DataFrame, name: str, *, missing: int | None) -> list[int | None]:
    if name not in units.columns:
        return [missing] * len(units)
    return [missing if pd.isna(value) else round(float(value)) for value in units[name]]


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].astype("str") for name in frame.columns})


def _csv_pieces(frame: pd.DataFrame) -> list[str]:
    """Write the cells of each row as the product's CSV files have them."""
    safe = pd.DataFrame({name: safe_cells(frame[name]) for name in frame.columns})
    text = safe.to_csv(index=False, header=False, lineterminator="\n")
    # Cells may hold line ends of their own.
    return [_csv_line(cells) for cells in csv.reader(io.StringIO(text, newline=""))]


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")


# ── What the page plays the recorded calls of the term from

_PLAYED = {
    "response": "response",
    f"within_{WITHIN_ONE_MIN:g}_min": "within",
    "backup": "backup",
    "overflow": "overflow",
    "busiest": "busiest",
}
"""Measure of a replay → its name on the page."""
_WAITING = (
    "Recorded calls played again: calls come as they came, and take as long; officers wait where they wait today; who "
    "comes, and how long the trip takes, is decided anew, as calibrated on earlier terms."
)
_KEPT = (
    "The address of this page holds the plan: a bookmark keeps it. To pass it on, download plan.csv; it can be opened "
    "here again, and given to safeschools score."
)
_MOST_CALLS = 5_000
"""A page plays no more calls than this: a click is to be answered in a second or so."""


def replay_data(result: TermResult, units: gpd.GeoDataFrame, zone_ids: list[str]) -> dict[str, Any] | None:
    """Write what the page plays the recorded calls from; None where too many, or not to be shown."""
    coverage = result.coverage
    if coverage.is_empty or coverage.replayed.calls > _MOST_CALLS:
        return None
    facts = Replay.facts(coverage.usual_day, seed=result.seed)
    of_unit = schools_of_units(units).reindex(facts.pop("schools"))
    if of_unit.isna().any():
        return None
    shown = coverage.replay_table().set_index("measure").loc[list(_PLAYED)]
    return facts | {
        "unit_of": places_of(of_unit, units["unit_id"].tolist(), what="units of schools"),
        "officer_zones": places_of(pd.Series(facts.pop("zones"), dtype="str"), zone_ids, what="zones of officers"),
        "replays": coverage.replayed.replays,
        "measures": [
            {
                "key": key,
                "label": row["label"][:1].upper() + row["label"][1:],
                "unit": row["unit"],
                "better": row["better"],
                "is_shown": bool(pd.notna(row["today"])),
                "today": figure_text(row["today"], row["unit"]),
            }
            for key, row in zip(_PLAYED.values(), shown.to_dict("records"), strict=True)
        ],
    }


# ── The what-if page: a person moves units between zones and sees at once what comes of it


_SCRIPTS = (*VECTORS, "js/plan_map.js", "js/what_if_plan.js", "js/what_if_replay.js", "js/what_if.js")
WHAT_IF = "Move a school to another zone and see what it changes at once; save the plan as a file."
"""What the page is for."""
ON_RECORD = "The map has the schools on record: one that is to close is still on it, one that is to open is not."
"""What the map of a forecast does not show."""


def what_if_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the page on which a person moves schools between zones.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page; where nothing is proposed it says why. Its figures are those of `safeschools score`, to the last
        digit; the plan.csv that it hands out has the bytes that `write_csv` would write.
    """
    proposal, district = result.proposal, result.district
    if proposal.is_empty:
        return nothing_page("What if?", proposal.why, result)
    noun, forecast, zones = proposal.inputs.noun, proposal.inputs.forecast, district.zones
    data = page_data(proposal.inputs, zones, plan=proposal.plan.assignment, schools=district.schools)
    zone_ids = zones["zone_id"].astype("str").tolist()
    if proposal.other_plan is not None:
        data["other"] = plan_places(proposal.other_plan.assignment, proposal.inputs.units, zone_ids)
    played = replay_data(result, proposal.inputs.units, zone_ids)
    if played is not None:
        data["replay"] = played
    chart, barriers = map_with_barriers(f"Map of the zones: a click chooses a {noun}", result, tiles=tiles)
    DataElement("addWhatIf", data, scripts=_SCRIPTS).add_to(chart)
    signs = (
        PlanSign("Border of a zone", "zone"),
        PlanSign("Moved, from → to", "moved"),
        PlanSign("Chosen", "chosen"),
        PlanSign("Border of a zone today", "former"),
    )
    content = PageContent(
        title="What if?",
        finding=" ".join(part for part in (forecast_text(forecast), proposal.empty_zones, WHAT_IF) if part),
        legends=plan_legends("On the map", (*signs, *barriers), result),
        tables=[_zones_today(data, load_name(forecast))],
        notes=[
            "Imbalance: how far the zone that is farthest from the mean load is from it, in percent of the mean.",
            *_asked_text(proposal.inputs.rules),
            *([ON_RECORD] if forecast else []),
            *([] if played is None else [_WAITING]),
            _KEPT,
        ],
    )
    return document(
        "what_if.html.j2",
        content,
        context=context_of(result),
        chart=chart,
        styles=PLAN_STYLES,
        tiles=tiles,
        thumbnail=thumbnail(zones, [zone["fill"] for zone in data["zones"]]),
        noun=noun,
        other_name=proposal.other_name,
        load_name=load_name(forecast),
        load_unit=LOAD_UNIT,
        missing=[f"without {each['name']}" for each in data.get("one_of_each", ())],
        **_static_facts(data),
        **_replay_facts(result, played),
    )


def _replay_facts(result: TermResult, played: Mapping[str, Any] | None) -> dict[str, object]:
    if played is None:
        return {"replay_rows": [], "replay_title": ""}
    done = result.coverage.replayed
    title = (
        f"The {count_text(done.calls, 'recorded call')} of {count_text(done.days, 'school day')} of {result.term.name} "
        f"played again, {done.replays:,} times: intervals hold 95 of 100"
    )
    return {"replay_rows": played["measures"], "replay_title": title}


def plan_legends(title: str, signs: Sequence[LegendItem], result: TermResult) -> dict[str, list[LegendItem]]:
    """Explain the signs of a map of plans, and those of its schools."""
    schools = result.district.schools
    levels = schools.loc[has_place(schools), "level"].tolist()
    return {title: [*signs, *boundary_sign(result)], "Schools": school_legend(levels, has_rings=False)}


def _static_facts(data: Mapping[str, Any]) -> dict[str, object]:
    """State the zones of today, with which the page starts, for readers without JavaScript."""
    units, zones = data["units"], data["zones"]
    loads, schools = _sums(data, "load"), _sums(data, "schools")
    is_apart = [zone["is_apart"] for zone in zones]
    counted = counted_loads(loads, is_apart)
    heaviest, most = loads.index(max(loads)), max([*loads, 1])
    return {
        "imbalance": format_imbalance(counted),
        "imbalance_today": format_imbalance(counted),
        "heaviest": zones[heaviest]["name"],
        "heaviest_load": format_load(loads[heaviest]),
        "heaviest_apart": against_mean_text(loads[heaviest], counted),
        "moved_schools": count(0),
        "moved_students": count_text(0, "student"),
        "mean_share": 100 * sum(loads) / max(len(counted), 1) / most,
        "zone_rows": [
            {
                **zone,
                "schools": count(schools[i]),
                "today": format_load(loads[i]),
                "load": format_load(loads[i]),
                "apart": against_mean_text(loads[i], counted, is_apart=is_apart[i]),
                "share": 100 * loads[i] / most,
            }
            for i, zone in enumerate(zones)
        ],
        "unit_rows": [
            {
                "place": i,
                "name": unit["name"],
                "today": zones[unit["zone"]]["name"],
                "now": zones[unit["zone"]]["name"],
                "proposed": zones[data["plan"][i]]["name"],
                "load": format_load(unit["load"]),
                "students": count(unit["students"]),
                "stays": "root" if unit["root"] is not None else "locked" if unit["is_locked"] else "",
            }
            for i, unit in sorted(enumerate(units), key=lambda pair: (pair[1]["zone"], pair[1]["name"]))
        ],
        "choices": sorted(range(len(units)), key=lambda i: units[i]["name"]),
        "units": units,
    }


def _zones_today(data: Mapping[str, Any], loads_in: str) -> DataTable:
    zones = data["zones"]
    loads, schools = _sums(data, "load"), _sums(data, "schools")
    students: list[list[int]] = [[] for _ in zones]
    for unit in data["units"]:
        if unit["students"] is not None:
            students[unit["zone"]].append(unit["students"])
    is_apart = [zone["is_apart"] for zone in zones]
    counted = counted_loads(loads, is_apart)
    rows = tuple(
        (
            zone["name"],
            count(schools[i]),
            count(sum(students[i])) if students[i] else NONE_NAMED,
            format_load(loads[i]),
            against_mean_text(loads[i], counted, is_apart=is_apart[i]),
        )
        for i, zone in enumerate(zones)
    )
    columns = ("Zone", "Schools", "Students known", "Load", "Against the mean")
    return DataTable(f"The zones of today: {loads_in}", columns, rows)


def _sums(data: Mapping[str, Any], name: str) -> list[int]:
    """Add up what the units of each zone of today have."""
    sums = [0] * len(data["zones"])
    for unit in data["units"]:
        sums[unit["zone"]] += unit[name]
    return sums
