"""The review page of a proposed plan: before, after, what changes, how it scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.drawing import FAINT, FRAME, GRAY, INK, ZoneSign, fit, meet, text, zone_signs
from safeschools_geo.errors import count_text
from safeschools_geo.pages._charts import HALO, LETTER, round_step, svg
from safeschools_geo.pages._map_layers import (
    LOAD_UNIT,
    VECTORS,
    DataElement,
    PlanSign,
    UnitShapes,
    against_mean_text,
    counted_loads,
    load_name,
    map_data,
    merged,
    places_of,
    plan_places,
    unit_names,
    unit_shapes,
    zone_loads,
)
from safeschools_geo.pages._page import (
    NONE_NAMED,
    PLAN_STYLES,
    Chart,
    Column,
    CoverageContent,
    DataTable,
    KeyFigure,
    PageContent,
    Section,
    count,
    coverage_document,
    document,
    fixed,
    number,
    printed,
)
from safeschools_geo.pages._term import context_of, map_with_barriers, nothing_page, thumbnail
from safeschools_geo.pages._what_if import ON_RECORD, WHAT_IF, plan_legends, what_if_map
from safeschools_geo.rebalance import certificate_text
from safeschools_geo.text import forecast_text, format_imbalance, format_load, listed, millionths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.rebalance import PlanChange
    from safeschools_geo.results import ScoredPlans, TermPlan, TermResult

    Scale = Callable[[float], float]
    Box = tuple[float, float, float, float]
    Points = NDArray[np.float64]


# ── The frontier: how even the zones can be for each number of moves, as inline SVG and as a table

_LINE, _BAND, _PROPOSED, _CHOSEN = "#2574ad", "#d9e8f3", "#7a0019", "#0b57d0"
_WIDTH, _HEIGHT = 760.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 24.0, 34.0, 88.0
_TICKS = 13
_HOLLOW = "#ffffff"


@dataclass(frozen=True)
class _Against:
    """What the imbalance is drawn against."""

    column: str
    axis: str
    shown: Callable[[float], str]


_MOVES = _Against("moves", "Moves allowed", lambda moves: count_text(int(moves), "move"))
_MINUTES = _Against(
    "longer_min",
    "Minutes by which calls of a zone may wait longer than today, on average",
    lambda m: f"{m:g} min longer",
)


def frontier_chart(
    frontier: pd.DataFrame,
    *,
    title: str,
    description: str,
    proposed: float | None = None,
    chosen: float | None = None,
    against: _Against = _MOVES,
) -> str:
    """Draw the smallest imbalance found against what is allowed, and what is proven about it.

    An SVG element. Proven points are filled, others hollow with a band down to their bound.
    """
    points = frontier.assign(at=frontier[against.column]).sort_values("at")
    if points.empty:
        return svg(_WIDTH, 60, title, description, [text(16, 34, "No point of the frontier was found.")])
    first, last = float(points["at"].min()), float(points["at"].max())
    highest = max(float(points["imbalance"].max()), 0.01) * 1.08

    def x(at: float) -> float:
        return _LEFT + 12 + (at - first) / ((last - first) or 1.0) * (_WIDTH - _LEFT - _RIGHT - 24)

    def y(share: float) -> float:
        return _TOP + (1 - share / highest) * (_HEIGHT - _TOP - _BOTTOM)

    rows = _records(points)
    parts = [*_axes(x, y, rows, highest, against), *_bounds(rows, x, y)]
    line = "L".join(f"{x(row['at']):.1f},{y(row['imbalance']):.1f}" for row in rows)
    parts.append(f'<path d="M{line}" fill="none" stroke="{_LINE}" stroke-width="2"/>')
    parts += [_dot(row, x, y, against) for row in rows]
    parts += _marks(rows, x, y, against, proposed=proposed, chosen=chosen)
    parts += _legend(rows)
    return svg(_WIDTH, _HEIGHT, title, description, parts)


def _percent(share: float) -> str:
    return NONE_NAMED if math.isnan(share) else f"{share:.2%}"


def _proof(is_proven: bool, imbalance: float, bound: float) -> str:  # noqa: FBT001 - cells of a row
    return "Yes" if is_proven else f"No: gap {number(100 * (imbalance - bound), 2)} points"


_FOUND = (
    Column("Smallest imbalance found", "imbalance", _percent),
    Column("No plan is below", "bound", _percent),
    Column("Proven", ("is_proven", "imbalance", "bound"), _proof),
)


def frontier_table(frontier: pd.DataFrame, *, noun: str = "school") -> DataTable:
    """Print the frontier."""
    columns = (
        Column("Moves allowed", "moves", count),
        *_FOUND,
        Column("Of the plan kept", "plan_imbalance", _percent),
        Column(f"{noun.capitalize()}s moved", "units_moved", count),
        Column("Travel", "travel", fixed(2)),
    )
    rows = pd.DataFrame(_records(frontier.sort_values("moves")), columns=frontier.columns)
    return printed(rows, columns, caption="What each number of moves can reach")


def trade_table(trade: pd.DataFrame, *, noun: str = "school") -> DataTable:
    """Print evenness against minutes."""
    columns = (
        Column("Minutes longer allowed", "longer_min", fixed(2)),
        *_FOUND,
        Column(f"{noun.capitalize()}s moved", "units_moved", count),
    )
    return printed(trade, columns, caption="What each minute can reach")


def _records(frontier: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frontier.astype({"moves": "int64"} if "moves" in frontier else {}).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _axes(x: Scale, y: Scale, rows: Sequence[dict[str, Any]], highest: float, against: _Against) -> list[str]:
    south, east = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [text(_LEFT, _TOP - 14, "Imbalance: the zone farthest from the mean load, in percent of it", color=GRAY)]
    step = round_step(highest / 5)
    for i in range(math.floor(highest / step + 1e-9) + 1):
        parts.append(f'<path d="M{_LEFT},{y(i * step):.1f}H{east}" stroke="{FAINT}"/>')
        parts.append(text(_LEFT - 8, y(i * step) + 5, f"{100 * i * step:g}%", anchor="end", color=GRAY))
    for row in rows[:: math.ceil(len(rows) / _TICKS)]:
        parts.append(f'<path d="M{x(row["at"]):.1f},{south}v5" stroke="{FRAME}"/>')
        parts.append(text(x(row["at"]), south + 20, f"{row['at']:g}", anchor="middle", color=GRAY))
    parts.append(f'<path d="M{_LEFT},{_TOP}V{south}H{east}" fill="none" stroke="{FRAME}"/>')
    parts.append(text((_LEFT + east) / 2, south + 40, against.axis, anchor="middle", color=GRAY))
    return parts


def _bounds(rows: Sequence[dict[str, Any]], x: Scale, y: Scale) -> list[str]:
    """Draw the band between what was found and what no plan can be below, and the line it ends in."""
    known = [row for row in rows if not math.isnan(row["bound"])]
    if all(row["is_proven"] for row in rows) or not known:
        return []
    upper = [f"{x(row['at']):.1f},{y(row['imbalance']):.1f}" for row in known]
    lower = [f"{x(row['at']):.1f},{y(max(row['bound'], 0)):.1f}" for row in known]
    return [
        f'<path d="M{"L".join([*upper, *reversed(lower)])}Z" fill="{_BAND}"/>',
        f'<path d="M{"L".join(lower)}" fill="none" stroke="{GRAY}" stroke-width="1.5" stroke-dasharray="5 4"/>',
    ]


def _dot(row: dict[str, Any], x: Scale, y: Scale, against: _Against) -> str:
    words = f"{against.shown(row['at'])}: imbalance {_percent(row['imbalance'])}, " + (
        "proven smallest" if row["is_proven"] else f"no plan is below {_percent(row['bound'])}"
    )
    fill = _LINE if row["is_proven"] else _HOLLOW
    place = f'cx="{x(row["at"]):.1f}" cy="{y(row["imbalance"]):.1f}"'
    dot = f'<circle {place} r="5.5" fill="{fill}" stroke="{_LINE}" stroke-width="2"/>'
    return f"<g><title>{escape(words)}</title>{dot}</g>"


def _marks(
    rows: Sequence[dict[str, Any]],
    x: Scale,
    y: Scale,
    against: _Against,
    *,
    proposed: float | None,
    chosen: float | None,
) -> list[str]:
    """Ring and name the point that is proposed and the one that is shown, in one label where they are one."""
    parts = []
    for allowed in dict.fromkeys(m for m in (proposed, chosen) if m is not None):
        row = next((row for row in rows if row["at"] == allowed), None)
        if row is None:
            continue
        names = [name for name, at in (("proposed", proposed), ("this plan", chosen)) if at == allowed]
        color = _PROPOSED if allowed == proposed else _CHOSEN
        imbalance = row.get("plan_imbalance", row["imbalance"])
        sentence = f"{' and '.join(names)}: {against.shown(allowed)}, {imbalance:.1%}"
        at_x, at_y = x(allowed), y(row["imbalance"])
        is_right = at_x + 16 + LETTER * len(sentence) > _WIDTH
        parts.append(
            f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="10" fill="none" stroke="{color}" stroke-width="2.5"/>'
        )
        place, anchor = (at_x - 10, "end") if is_right else (at_x + 10, "start")
        parts.append(
            text(
                place, max(at_y - 16, _TOP + 12), sentence, anchor=anchor, color=color, more=f'font-weight="600" {HALO}'
            )
        )
    return parts


def _legend(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Explain the dots and the band, as far as they occur."""
    y = _HEIGHT - 14
    signs = [
        (True, "proven: no such plan is better", f'fill="{_LINE}"'),
        (False, "best found, not proven; no plan is below the dashed line", f'fill="{_HOLLOW}"'),
    ]
    parts, at = [], _LEFT
    for is_proven, words, look in signs:
        if any(bool(row["is_proven"]) == is_proven for row in rows):
            parts.append(
                f'<circle cx="{at + 6:.1f}" cy="{y - 5:.1f}" r="5.5" {look} stroke="{_LINE}" stroke-width="2"/>'
            )
            parts.append(text(at + 18, y, words, size=13))
            at += 32 + 0.88 * LETTER * len(words)
    return parts


# ── Small pictures of a plan as inline SVG: the zones today, as proposed, and what changes

_PLAN_PICTURES_WIDTH, _TALLEST, _MARGIN = 380.0, 420.0, 6.0
_TOLERANCE_PX = 0.3
_MOVED = "#7a0019"
_LABEL = 13.0
_LIFTS = (0.0, -13.0, 13.0, -22.0, 22.0)


def plan_picture(
    shapes: UnitShapes,
    zone_of: Sequence[int],
    signs: Sequence[ZoneSign],
    *,
    title: str,
    description: str,
    former: Sequence[int] | None = None,
    lines: Sequence[str] = (),
    only_changes: bool = False,
    barriers: shapely.Geometry | None = None,
) -> str:
    """Draw a plan small."""
    place, height = fit(shapely.total_bounds(shapes.shapes).tolist(), _PLAN_PICTURES_WIDTH, _TALLEST, _MARGIN)
    height = round(height)
    drawn = shapely.simplify(shapely.transform(shapes.shapes, place), _TOLERANCE_PX)
    at = place(shapes.at)
    before = zone_of if former is None else former
    has_moved = [now != then for now, then in zip(zone_of, before, strict=True)]
    parts = [
        _area(shape, signs[zone].fill if moved or not only_changes else "#ffffff", opacity=0.75 if moved else 0.45)
        for shape, zone, moved in zip(drawn, zone_of, has_moved, strict=True)
    ]
    zones = _zones(shapes, zone_of, len(signs), place)
    if only_changes:
        parts += [_outline(zone, INK, 2, dash="2 4") for zone in _zones(shapes, before, len(signs), place) if zone]
    else:
        parts += [_outline(zone, INK, 2) for zone in zones if zone]
    parts += [_outline(shape, _MOVED, 3) for shape, moved in zip(drawn, has_moved, strict=True) if moved]
    parts += [] if barriers is None else _ticked(shapely.transform(barriers, place), (_PLAN_PICTURES_WIDTH, height))
    labels = _move_labels(at, zone_of, before, signs) if only_changes else []
    labels += [
        (_inside(zones[i]), [sign.short if only_changes else sign.label, *([] if only_changes else lines[i : i + 1])])
        for i, sign in enumerate(signs)
        if zones[i] is not None
    ]
    return svg(
        _PLAN_PICTURES_WIDTH, height, title, description, [*parts, *_labels(labels, (_PLAN_PICTURES_WIDTH, height))]
    )


def _zones(
    shapes: UnitShapes, zone_of: Sequence[int], zones: int, place: Callable[[Points], Points]
) -> list[shapely.Geometry | None]:
    """Join the units of each zone; a zone without units has no shape."""
    of, join = np.asarray(zone_of), shapely.coverage_union_all if shapes.is_coverage else shapely.union_all
    whole = [join(shapes.shapes[of == zone]) if (of == zone).any() else None for zone in range(zones)]
    return [None if z is None else shapely.simplify(shapely.transform(z, place), _TOLERANCE_PX) for z in whole]


def _inside(zone: shapely.Geometry | None) -> tuple[float, float]:
    largest = max(shapely.get_parts(zone), key=shapely.area)
    middle = largest.centroid
    point = middle if largest.contains(middle) else largest.representative_point()
    return point.x, point.y


def _area(shape: shapely.Geometry, fill: str, *, opacity: float) -> str:
    look = f'fill="{fill}" fill-opacity="{opacity:g}" fill-rule="evenodd" stroke="#8a8a85" stroke-width="0.6"'
    return f'<path d="{_path(shape)}" {look}/>'


def _outline(shape: shapely.Geometry, color: str, width: float, *, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{_path(shape)}" fill="none" stroke="{color}" stroke-width="{width:g}"{dashed}/>'


def _ticked(lines: shapely.Geometry, size: tuple[float, float]) -> list[str]:
    """Draw barriers with ticks across, as on the map."""
    seen = shapely.get_parts(shapely.clip_by_rect(lines, 0, 0, *size))
    path = "".join(f"M{_points(line)}" for line in seen)
    looks = ('stroke="#ffffff" stroke-width="3"', f'stroke="{INK}" stroke-width="1.5"')
    ticks = f'stroke="{INK}" stroke-width="8" stroke-dasharray="1.5 6.5"'
    return [f'<path d="{path}" fill="none" {look}/>' for look in (*looks, ticks)] if path else []


def _path(shape: shapely.Geometry) -> str:
    return "".join(f"M{_points(ring).rpartition('L')[0]}Z" for ring in shapely.get_rings(shape))


def _points(line: shapely.Geometry) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(line).tolist())


def _move_labels(
    at: Points, zone_of: Sequence[int], before: Sequence[int], signs: Sequence[ZoneSign]
) -> list[tuple[tuple[float, float], list[str]]]:
    return [
        ((float(x), float(y)), [f"{signs[then].short} → {signs[now].short}"])
        for (x, y), now, then in zip(at, zone_of, before, strict=True)
        if now != then
    ]


def _labels(labels: Sequence[tuple[tuple[float, float], list[str]]], size: tuple[float, float]) -> Iterator[str]:
    """Write labels, the first ones first; one that finds no free place near its own is left out."""
    taken: list[Box] = []
    for (x, y), lines in labels:
        half, tall = LETTER * max(map(len, lines)) / 2, _LABEL * len(lines) / 2 + 1
        tries = (_kept_in(x, y + lift, half, tall, size) for lift in _LIFTS)
        box = next((box for box in tries if not any(meet(box, other) for other in taken)), None)
        if box is not None:
            taken.append(box)
            yield from _lines(lines, (box[0] + box[2]) / 2, box[1])


def _kept_in(x: float, y: float, half: float, tall: float, size: tuple[float, float]) -> Box:
    x, y = min(max(x, half), size[0] - half), min(max(y, tall), size[1] - tall)
    return x - half, y - tall, x + half, y + tall


def _lines(lines: Sequence[str], x: float, top: float) -> list[str]:
    is_move = "→" in lines[0]
    return [
        text(
            x,
            top + 12 + i * _LABEL,
            line,
            anchor="middle",
            color=_MOVED if is_move else GRAY if i else INK,
            size=_LABEL,
            more=HALO if i else f'font-weight="700" {HALO}',
        )
        for i, line in enumerate(lines)
    ]


# ── The review page of a proposed plan: before, after, what changes, how it scores, and what is proven about it


@dataclass(frozen=True, eq=False)
class _Compared:
    """Today and the proposal: the zone of each unit, and the load of each zone in millionths."""

    shapes: UnitShapes
    signs: list[ZoneSign]
    today: list[int]
    proposed: list[int]
    loads_today: list[int]
    loads_proposed: list[int]
    is_apart: list[bool]
    barriers: shapely.Geometry | None = None

    @property
    def counted(self) -> tuple[list[int], list[int]]:
        """Loads of the zones that count, today and as proposed."""
        today, proposed = (counted_loads(loads, self.is_apart) for loads in (self.loads_today, self.loads_proposed))
        return today, proposed


_NOT_SCORED = "not scored"
_BEST = {"current": "today", "proposed": "proposed"}


def draw_plan(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw the pages of a term's proposal, each with its one-line finding; none where nothing is proposed."""
    if result.proposal.is_empty:
        return {}
    return {
        "plan.html": (plan_map(result, tiles=tiles), result.proposal.finding()),
        "what_if.html": (what_if_map(result, tiles=tiles), WHAT_IF),
    }


def plan_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the zones today and as proposed, what changes, the scores and the frontier.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline. Where nothing is proposed it says why.
    """
    proposal, zones = result.proposal, result.district.zones
    if proposal.is_empty:
        return nothing_page("Proposed zones", proposal.why, result)
    units, noun, scores = proposal.inputs.units, proposal.inputs.noun, proposal.comparison
    frontier, forecast = proposal.frontier.to_frame(), forecast_text(proposal.inputs.forecast)
    compared = _compare(units, proposal.plan.assignment, zones, proposal.inputs.set_apart)
    both = replace(compared, barriers=merged(result.district.barriers))
    chart, barriers = map_with_barriers("Map of the proposed zones", result, tiles=tiles)
    views = _map_data(both, units, result.district.schools)
    DataElement("addPlanViews", views, scripts=(*VECTORS, "js/plan_map.js", "js/plan_views.js")).add_to(chart)
    names = dict(zip(zones["zone_id"].astype("str"), (sign.name for sign in both.signs), strict=True))
    signs = (
        PlanSign("Moved, from → to", "moved"),
        PlanSign("Border of a zone", "zone"),
        PlanSign("Border of a zone today, given up", "former"),
    )
    content = PageContent(
        title="Proposed zones",
        finding=f"{proposal.empty_zones} {proposal.frontier.finding(proposal.plan)}".strip(),
        legends=plan_legends("Signs", (*signs, *barriers), result),
        charts=[_frontier(proposal), *_trade(proposal)],
        tables=[
            _move_table(proposal.changes, names, noun),
            _score_table(scores, proposal.other_name),
            _load_table(both, load_name(proposal.inputs.forecast)),
            frontier_table(frontier, noun=noun),
            *([] if proposal.held is None else [trade_table(proposal.held.trade, noun=noun)]),
        ],
        notes=[
            *_not_scored(scores[_is_unscored(scores, "current") & _is_unscored(scores, "proposed")], "proposed"),
            *(note for note in proposal.notes if note != forecast),
            proposal.frontier.rule,
            *_words_of(proposal.plan.certificate),
            *([ON_RECORD] if forecast else []),
        ],
    )
    statements = (forecast, proposal.change.price_text(), proposal.alternative)
    called = dict(zip(units["unit_id"].astype("str"), unit_names(units), strict=True))
    proof = certificate_text(proposal.plan.certificate, names=called)
    proofs = (proof, *proposal.about_trade(), proposal.stability.summary())
    return document(
        "plan.html.j2",
        content,
        context=context_of(result),
        chart=chart,
        styles=PLAN_STYLES,
        tiles=tiles,
        thumbnail=thumbnail(zones, [sign.fill for sign in both.signs]),
        statements=[statement for statement in statements if statement],
        proofs=[said for said in proofs if said],
        pictures=_pictures(both),
    )


def _words_of(certificate: Mapping[str, Any]) -> list[str]:
    """Explain the words that the finding uses."""
    root = (
        "Root: the school of a zone that stays in it, whose officer so keeps a base; by default the one in the middle."
    )
    return [
        "Imbalance: how far the zone whose load is farthest from the mean is away from it. Contiguous: in one piece.",
        *([root] if certificate["roots"] else []),
    ]


def _compare(
    units: gpd.GeoDataFrame, plan: pd.Series, zones: gpd.GeoDataFrame, set_apart: Collection[str]
) -> _Compared:
    zone_ids = zones["zone_id"].astype("str").tolist()
    today = places_of(units["zone_id"], zone_ids, what="zones of units")
    proposed = plan_places(plan, units, zone_ids)
    return _Compared(
        shapes=unit_shapes(units),
        signs=zone_signs(zones),
        today=today,
        proposed=proposed,
        loads_today=zone_loads(units["workload"], today, len(zone_ids)),
        loads_proposed=zone_loads(units["workload"], proposed, len(zone_ids)),
        is_apart=[zone in set(set_apart) for zone in zone_ids],
    )


def _map_data(both: _Compared, units: gpd.GeoDataFrame, schools: gpd.GeoDataFrame) -> dict[str, Any]:
    data = map_data(both.shapes, both.signs, schools)
    for zone, before, after in zip(data["zones"], both.loads_today, both.loads_proposed, strict=True):
        zone |= {"load_today": format_load(before), "load_proposed": format_load(after)}
    rows = zip(
        unit_names(units),
        millionths(units["workload"]).tolist(),
        both.shapes.at.tolist(),
        both.today,
        both.proposed,
        strict=True,
    )
    facts = [
        {
            "at": at,
            "facts": [
                name,
                f"Today: {both.signs[before].name}",
                f"Proposed: {both.signs[after].name}" if after != before else "Stays",
                f"{format_load(load)} {LOAD_UNIT}",
            ],
        }
        for name, load, at, before, after in rows
    ]
    return data | {"today": both.today, "proposed": both.proposed, "units": facts}


def _pictures(both: _Compared) -> list[Chart]:
    moved = sum(a != b for a, b in zip(both.today, both.proposed, strict=True))
    imbalance = [format_imbalance(loads) for loads in both.counted]
    today = _picture(both, f"Today, imbalance {imbalance[0]}", _load_list(both.signs, both.loads_today), "today")
    if not moved:
        return [today]
    return [
        today,
        _picture(both, f"Proposed, imbalance {imbalance[1]}", _load_list(both.signs, both.loads_proposed), "proposed"),
        _picture(both, "What changes, from → to", f"{moved} moved; the table below names them", "changes"),
    ]


def _picture(both: _Compared, caption: str, description: str, view: str) -> Chart:
    loads = both.loads_today if view == "today" else both.loads_proposed
    picture = plan_picture(
        both.shapes,
        both.today if view == "today" else both.proposed,
        both.signs,
        title=f"Map: {caption}",
        description=description,
        former=both.today,
        lines=[format_load(load) for load in loads],
        only_changes=view == "changes",
        barriers=both.barriers,
    )
    return Chart(picture, caption)


def _load_list(signs: Sequence[ZoneSign], loads: Sequence[int]) -> str:
    return ", ".join(f"{sign.name} {format_load(load)} {LOAD_UNIT}" for sign, load in zip(signs, loads, strict=True))


def _frontier(proposal: TermPlan) -> Chart:
    table = proposal.frontier.to_frame()
    row = table.iloc[proposal.frontier.proposed]
    most = proposal.plan.certificate["max_moves"]
    caption = "How even the zones can be for each number of moves"
    described = "Every dot is the best plan found with at most so many moves; the table below holds the numbers."
    picture = frontier_chart(
        table,
        title=caption,
        description=described,
        proposed=int(row["moves"]),
        chosen=len(proposal.plan.moves) if most is None else int(most),
    )
    return Chart(picture, caption)


def _trade(proposal: TermPlan) -> list[Chart]:
    held = proposal.held
    if held is None:
        return []
    most = count_text(held.settings.max_moves or 0, "move")
    caption = f"How even the zones can be made by at most {most} where calls may wait longer"
    described = "Every dot is the best plan found for so many minutes; the table below holds the numbers."
    return [Chart(frontier_chart(held.trade, title=caption, description=described, against=_MINUTES), caption)]


def _move_table(moves: pd.DataFrame, names: dict[str, str], noun: str) -> DataTable:
    def zone(zone_id: object) -> str:
        return names.get(str(zone_id), str(zone_id))

    columns = (
        Column(noun.capitalize(), "name", str),
        Column("From", "zone_before", zone),
        Column("To", "zone_after", zone),
        Column(f"Load, {LOAD_UNIT}", "workload", fixed(2)),
        Column("Schools", "schools", count),
        Column("Students", "students", count),
    )
    return printed(moves, columns, caption="What changes", nothing="Nothing")


def _score_table(scores: pd.DataFrame, other: str) -> DataTable:
    alternative = (Column(other, "other", _shown),) if other else ()
    columns = (
        Column("Measure", "label", str),
        Column("In", "unit", str),
        Column("Today", "current", _shown),
        Column("Proposed", "proposed", _shown),
        *alternative,
        Column("Better", ("best", "better"), partial(_better, other=other)),
    )
    is_unscored = _is_unscored(scores, "current") & _is_unscored(scores, "proposed")
    return printed(scores[~is_unscored], columns, caption="Today and proposed, measure by measure")


def _better(best: str, better: str, *, other: str) -> str:
    names = [_BEST.get(name, other[:1].lower() + other[1:]) for name in best.split(";") if name]
    return listed(names) if names else "alike" if better else ""


def _not_scored(scores: pd.DataFrame, side: str) -> list[str]:
    left_out = [
        f"{row['label']} ({str(row[side]).removeprefix(_NOT_SCORED).lstrip(': ') or 'no data'})"
        for row in scores.to_dict("records")
    ]
    return [f"Not scored: {', '.join(left_out)}."] if left_out else []


def _is_unscored(scores: pd.DataFrame, side: str) -> pd.Series:
    return scores[side].isna() | scores[side].astype("str").str.startswith(_NOT_SCORED)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else number(value, 2)


def _load_table(both: _Compared, loads_in: str) -> DataTable:
    today, proposed = both.counted
    rows = tuple(
        (
            sign.name,
            format_load(before),
            against_mean_text(before, today, is_apart=is_apart),
            format_load(after),
            against_mean_text(after, proposed, is_apart=is_apart),
        )
        for sign, before, after, is_apart in zip(
            both.signs, both.loads_today, both.loads_proposed, both.is_apart, strict=True
        )
    )
    columns = ("Zone", "Today", "Today, against the mean", "Proposed", "Proposed, against the mean")
    return DataTable(f"Load of each zone: {loads_in}", columns, rows)


# ── The page of several plans beside each other, and beside the zones of today


def plans_page(result: TermResult, scored: ScoredPlans) -> OfflinePage:
    """Put plans side by side: what each gains, and what that costs.

    Parameters
    ----------
    result
        All results of the term that loads are taken from.
    scored
        The plans.

    Returns
    -------
    OfflinePage
        The page; it runs no script.
    """
    units, apart, today = scored.inputs.units, scored.inputs.set_apart, result.district.zones
    barriers, forecast = merged(result.district.barriers), scored.inputs.forecast
    all_of = {
        name: replace(_compare(units, plan.assignment, today, apart), barriers=barriers)
        for name, plan in scored.plans.items()
    }
    noun, plans, table = scored.inputs.noun, scored.plans, scored.to_frame()
    changes = {name: plan.change for name, plan in plans.items()}
    pictures = [_pictures(next(iter(all_of.values())))[0]]
    pictures += [
        _picture(
            both, f"{name}, imbalance {_imbalances(both)[1]}", _load_list(both.signs, both.loads_proposed), "proposed"
        )
        for name, both in all_of.items()
    ]
    is_unscored = pd.DataFrame({name: _is_unscored(table, name) for name in ("current", *plans)}).all(axis=1)
    names = dict(zip(today["zone_id"].astype("str"), (sign.name for sign in zone_signs(today)), strict=True))
    content = CoverageContent(
        title="Plans beside each other" if len(plans) > 1 else "A plan beside the zones of today",
        finding=" ".join(text for text in (forecast_text(forecast), scored.empty_zones, scored.finding()) if text),
        figures=[
            KeyFigure(name, _imbalances(both)[1], f"imbalance, today {_imbalances(both)[0]}; {_moved(changes[name])}")
            for name, both in all_of.items()
        ],
        statements=[f"{name}: {change.summary()}" for name, change in changes.items()],
        sections=[
            Section("measures", "Measure by measure", tables=[_plans_table(table[~is_unscored], list(plans))]),
            Section("loads", "Load of each zone", tables=[_plans_loads(all_of, load_name(forecast))]),
            Section(
                "moves",
                "What each plan changes",
                tables=[
                    replace(_move_table(plan.moves, names, noun), caption=f"What changes: {name}")
                    for name, plan in plans.items()
                ],
            ),
            Section("holds", "Do they hold up?", " ".join(f"{n}: {p.stability.summary()}" for n, p in plans.items())),
        ],
        notes=[
            *([] if barriers is None else ["Ticked lines on the maps are barriers, crossed at roads only."]),
            *_not_scored(table[is_unscored], "current"),
            *(f"{name}: {one.message}" for name, plan in plans.items() for one in plan.findings),
        ],
    )
    return coverage_document("compare.html.j2", content, context=context_of(result), pictures=pictures)


def _imbalances(both: _Compared) -> tuple[str, str]:
    today, proposed = both.counted
    return format_imbalance(today), format_imbalance(proposed)


def _moved(change: PlanChange) -> str:
    students = "" if change.students_moved is None else f", {count_text(change.students_moved, 'student')}"
    return f"{change.moved}{students} moved" if change.moved else "nothing moves"


def _plans_table(scores: pd.DataFrame, plans: Sequence[str]) -> DataTable:
    def best(names: str, better: str) -> str:
        return (
            ", ".join("Today" if n == "current" else n for n in names.split(";"))
            if names
            else "alike"
            if better
            else ""
        )

    columns = (
        Column("Measure", "label", str),
        Column("In", "unit", str),
        Column("Today", "current", _shown),
        *(Column(name, name, _shown) for name in plans),
        Column("Best", ("best", "better"), best),
    )
    return printed(scores, columns, caption="Today and each plan, measure by measure")


def _plans_loads(all_of: Mapping[str, _Compared], what: str) -> DataTable:
    first = next(iter(all_of.values()))
    sides = [first.loads_today, *(both.loads_proposed for both in all_of.values())]
    rows = tuple((sign.name, *(format_load(loads[place]) for loads in sides)) for place, sign in enumerate(first.signs))
    return DataTable(f"Load of each zone: {what}", ("Zone", "Today", *all_of), rows)
