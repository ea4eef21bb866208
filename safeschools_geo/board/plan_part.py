"""The chapter on the proposed zones: what would change for whom, and how even the work would be."""

from __future__ import annotations

import math
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.board.decimals import decimals_of
from safeschools_geo.board.part import Part, render
from safeschools_geo.board.plan_map import Sign, plan_maps
from safeschools_geo.board.row_chart import ChartRow, row_chart
from safeschools_geo.board.rows import group_name
from safeschools_geo.maps.plan_layers import zone_signs

_ROUNDING = 1e-9

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent, BoardPlan

    Row = dict[str, Any]


def plan_part(content: BoardContent, words: Words) -> Part | None:
    """Write the chapter on the proposed zones.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    Part or None
        The chapter; None where there is no plan.
    """
    plan = content.plan
    if plan is None:
        return None
    signs = _signs(content)
    marks = _school_marks(len(plan.moves), [sign.letters for sign in signs.values()])
    moves = _moves(content, words, marks)
    loads = _loads(plan, words, signs)
    return Part(
        name="plan",
        title=words("plan.title"),
        lead=plan_lead(content, plan, words),
        body=render(
            "plan.html.j2",
            content=content,
            words=words,
            plan=plan,
            moves=moves,
            maps=_maps(content, plan, words, signs, moves) if moves else [],
            loads=loads,
            has_loads=math.isfinite(plan.step),
            has_withheld=any(row["is_withheld"] for row in loads),
            chart=_chart(loads, words) if math.isfinite(plan.step) else None,
            step=_share(plan.step, plan, words),
            price=_price(content, plan, words),
            proof=_proof(plan, words),
        ),
    )


def _share(value: float, plan: BoardPlan, words: Words) -> str:
    return words.percent(value, decimals_of(100 * plan.step))


def plan_lead(content: BoardContent, plan: BoardPlan, words: Words) -> str:
    """Say what is proposed, what it gains, and what it costs.

    Parameters
    ----------
    content
        Everything the pages say.
    plan
        The plan.
    words
        The words.

    Returns
    -------
    str
        A few sentences; the gain never without the price.
    """
    if plan.moves.empty:
        return words("plan.lead_no_moves")
    moved = words("plan.lead_moves", n=len(plan.moves), schools=len(content.schools))
    named = [group_name("zone", zone, content=content, words=words) for zone in plan.empty_zones]
    empty = [words("plan.empty_zone", zone=zone) for zone in named]
    return " ".join([*empty, moved, _evenness(plan, words), *_price(content, plan, words, is_brief=True)])


def _evenness(plan: BoardPlan, words: Words) -> str:
    before, after = plan.imbalance_before, plan.imbalance_after
    if not (math.isfinite(before) and math.isfinite(after)):
        return words("plan.lead_withheld")
    # Each figure is rounded: only a difference of two steps is sure to be as large as one.
    is_sure = abs(after - before) >= 2 * plan.step * (1 - _ROUNDING)
    if after < before and not is_sure:
        return words("plan.lead_coarse")
    texts = {"before": _share(before, plan, words), "after": _share(after, plan, words)}
    if not is_sure:
        return words("plan.lead_same", **texts)
    return words("plan.lead_even", **texts) if after < before else words("plan.lead_uneven", **texts)


def _price(content: BoardContent, plan: BoardPlan, words: Words, *, is_brief: bool = False) -> list[str]:
    """Say what the plan costs: students, response, levels, feeder patterns."""
    if plan.moves.empty:
        return []
    told = []
    if plan.students_moved is not None and not is_brief:
        told.append(words("plan.price_students", n=plan.students_moved))
    if plan.is_response_known and math.isfinite(plan.step_min):
        told += _response(plan, words, is_brief=is_brief)
    else:
        told.append(words("plan.price_withheld" if plan.is_response_known else "plan.price_unknown"))
    for zone, level in plan.levels_lost:
        names = {"zone": zone, "level": level}
        told.append(
            words(
                "plan.price_level", **{by: group_name(by, n, content=content, words=words) for by, n in names.items()}
            )
        )
    if plan.feeders_split:
        told.append(words("plan.price_feeders", names=", ".join(plan.feeders_split)))
    return told


def _response(plan: BoardPlan, words: Words, *, is_brief: bool) -> list[str]:
    told = []
    for name, figures in plan.minutes.items():
        if name == "p90" or not is_brief:
            key = {"mean": "plan.price_mean", "p90": "plan.price_p90"}[name]
            decimals = decimals_of(plan.step_min)
            told.append(_compared(key, figures, plan.directions.get(name, "same"), words, decimals=decimals))
    if plan.within is not None and not is_brief:
        points = [100 * share for share in plan.within]
        direction = plan.directions.get("within", "same")
        told.append(_compared("plan.price_within", points, direction, words, minutes=words.number(plan.within_min)))
    return told


def _compared(
    name: str, figures: Sequence[float], direction: str, words: Words, *, decimals: int = 0, **more: str
) -> str:
    """Tell differences: figures of a model are no levels."""
    up, down, none = "plan.longer", "plan.shorter", "plan.no_longer"
    if name.endswith("within"):
        up, down, none = "plan.more", "plan.fewer", "plan.no_fewer"

    def change(figure: float) -> str:
        size = round(figure - figures[0], decimals)
        sign = none if not size else up if size > 0 else down
        return words(sign, size=words.number(abs(size), decimals))

    said = words(name, after=change(figures[1]), anew=change(figures[2]), **more)
    # What rounding hides is told in words where it is a cost; a gain that cannot be seen is not claimed.
    worse = "down" if name.endswith("within") else "up"
    is_hidden = not round(figures[1] - figures[0], decimals) and direction == worse
    return f"{said} {words('plan.price_less' if worse == 'down' else 'plan.price_longer')}" if is_hidden else said


def _proof(plan: BoardPlan, words: Words) -> str:
    if plan.proof_of == "disputed":
        return words("plan.proof_disputed")
    if not plan.is_proven:
        return words("plan.not_proven")
    if plan.proof_of == "moves":
        return words("plan.proven_moves")
    allowed = len(plan.moves) if plan.moves_allowed is None else plan.moves_allowed
    return words("plan.proven", n=allowed)


def _signs(content: BoardContent) -> dict[str, Sign]:
    found = zone_signs(content.zones)
    ids = content.zones["zone_id"].astype("str")
    return {zone_id: Sign(sign.short, sign.fill) for zone_id, sign in zip(ids, found, strict=True)}


def _school_marks(n: int, zone_letters: Sequence[str]) -> list[str]:
    """Sign the schools with letters, or with numbers where zones have letters."""
    if n > len(ascii_uppercase) or any(letters.isalpha() for letters in zone_letters):
        return [str(i + 1) for i in range(n)]
    return list(ascii_uppercase[:n])


def _moves(content: BoardContent, words: Words, marks: Sequence[str]) -> list[Row]:
    if content.plan is None:
        return []
    placed = content.schools.set_index(content.schools["school_id"].astype("str")).geometry
    rows = []
    for mark, move in zip(marks, content.plan.moves.to_dict("records"), strict=True):
        point = placed.get(str(move["school_id"]))
        rows.append(
            {
                "mark": mark,
                "name": str(move["name"]),
                "level": group_name("level", str(move["level"]), content=content, words=words),
                "before": group_name("zone", str(move["zone_before"]), content=content, words=words),
                "after": group_name("zone", str(move["zone_after"]), content=content, words=words),
                "at": None if point is None or point.is_empty else (point.centroid.x, point.centroid.y),
            }
        )
    return rows


def _maps(
    content: BoardContent, plan: BoardPlan, words: Words, signs: dict[str, Sign], moves: list[Row]
) -> list[tuple[str, Markup]]:
    kinds = ("before", "after")
    drawn = plan_maps(
        [content.zones, plan.zones],
        signs=signs,
        marks=[(row["mark"], *row["at"]) for row in moves if row["at"]],
        names=[f"plan-map-{kind}" for kind in kinds],
        titles=[words(f"plan.map_{kind}_title") for kind in kinds],
    )
    return [(words(f"plan.map_{kind}"), svg) for kind, svg in zip(kinds, drawn, strict=True)]


def _loads(plan: BoardPlan, words: Words, signs: dict[str, Sign]) -> list[Row]:
    rows = []
    for record in plan.loads.to_dict("records"):
        both = [record["load_before"], record["load_after"]]
        row: Row = {
            "name": str(record["name"]),
            "sign": signs.get(str(record["zone_id"])),
            "is_withheld": bool(pd.isna(both).any()),
            "values": both,
            "load": [None if pd.isna(v) else _share(float(v), plan, words) for v in both],
        }
        for name in ("schools", "students"):
            row[name] = [
                None if pd.isna(v := record[f"{name}_{when}"]) else words.number(v) for when in ("before", "after")
            ]
        rows.append(row)
    return rows


def _chart(loads: Sequence[Row], words: Words) -> Markup:
    rows = []
    for row in loads:
        if row["is_withheld"]:
            rows.append(ChartRow(row["name"], words("common.withheld")))
        else:
            before, after = row["load"]
            told = words("plan.chart_row", before=before, after=after)
            rows.append(ChartRow(row["name"], told, tuple(map(float, row["values"]))))
    return row_chart(
        rows,
        name="plan-chart",
        title=words("plan.chart_alt"),
        reference=(1.0, words("plan.average")),
        key=(words("plan.today"), words("plan.proposed")),
    )
