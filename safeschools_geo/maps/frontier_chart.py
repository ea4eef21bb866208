"""The frontier: how even the zones can be for each number of moves, as inline SVG and as a table."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from safeschools_geo.maps.svg import FAINT, FRAME, GREY, HALO, LETTER, svg, text
from safeschools_geo.maps.tables import NONE_NAMED, DataTable, count, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    Scale = Callable[[float], float]

_LINE, _BAND, _KNEE, _CHOSEN = "#2574ad", "#d9e8f3", "#7a0019", "#0b57d0"
_WIDTH, _HEIGHT = 760.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 24.0, 34.0, 88.0
_TICKS = 13
_HOLLOW = "#ffffff"


def frontier_chart(
    frontier: pd.DataFrame, *, title: str, description: str, knee: int | None = None, chosen: int | None = None
) -> str:
    """Draw the smallest imbalance found against the moves allowed, and what is proven about it.

    Parameters
    ----------
    frontier
        `moves`, `imbalance` and `bound` (shares), `is_proven`; one row for each number of moves. A bound may be
        missing.
    title, description
        What it shows, for those who cannot see it.
    knee
        Moves after which more moves gain little, to be marked.
    chosen
        Moves of the plan that the page is about, to be marked.

    Returns
    -------
    str
        An SVG element. Proven points are filled, others hollow with a band down to their bound.
    """
    points = frontier.sort_values("moves")
    if points.empty:
        return svg(_WIDTH, 60, title, description, [text(16, 34, "No point of the frontier was found.")])
    first, last = int(points["moves"].min()), int(points["moves"].max())
    highest = max(float(points["imbalance"].max()), 0.01) * 1.08

    def x(moves: float) -> float:
        return _LEFT + 12 + (moves - first) / max(last - first, 1) * (_WIDTH - _LEFT - _RIGHT - 24)

    def y(share: float) -> float:
        return _TOP + (1 - share / highest) * (_HEIGHT - _TOP - _BOTTOM)

    rows = _records(points)
    parts = [*_axes(x, y, (first, last), highest), *_bounds(rows, x, y)]
    line = "L".join(f"{x(row['moves']):.1f},{y(row['imbalance']):.1f}" for row in rows)
    parts.append(f'<path d="M{line}" fill="none" stroke="{_LINE}" stroke-width="2"/>')
    parts += [_dot(row, x, y) for row in rows]
    parts += _marks(rows, x, y, knee=knee, chosen=chosen)
    parts += _legend(rows)
    return svg(_WIDTH, _HEIGHT, title, description, parts)


def frontier_table(frontier: pd.DataFrame, *, noun: str = "school") -> DataTable:
    """Print the frontier.

    Parameters
    ----------
    frontier
        As for `frontier_chart`; also `plan_imbalance`, `units_moved` and `travel` where they are known.
    noun
        What a unit is called, in the singular.

    Returns
    -------
    DataTable
        A row for each number of moves.
    """
    heads = {"plan_imbalance": "Of the plan kept", "units_moved": f"{noun.capitalize()}s moved", "travel": "Travel"}
    known = [name for name in heads if name in frontier.columns]
    written: dict[str, Callable[[Any], str]] = {
        "plan_imbalance": _percent,
        "units_moved": count,
        "travel": lambda value: number(value, 2),
    }
    rows = tuple(
        (
            count(row["moves"]),
            _percent(row["imbalance"]),
            _percent(row["bound"]),
            "Yes" if row["is_proven"] else f"No: gap {number(100 * (row['imbalance'] - row['bound']), 2)} points",
            *(written[name](row[name]) for name in known),
        )
        for row in _records(frontier.sort_values("moves"))
    )
    columns = ("Moves allowed", "Smallest imbalance found", "No plan is below", "Proven", *(heads[n] for n in known))
    return DataTable("What each number of moves can reach", columns, rows)


def _records(frontier: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frontier.astype({"moves": "int64"}).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _percent(share: float) -> str:
    return NONE_NAMED if math.isnan(share) else f"{share:.2%}"


def _axes(x: Scale, y: Scale, ends: tuple[int, int], highest: float) -> list[str]:
    south, east = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [text(_LEFT, _TOP - 14, "Imbalance: the zone farthest from the mean load, in percent of it", color=GREY)]
    step = _round_step(highest / 5)
    for i in range(math.floor(highest / step + 1e-9) + 1):
        parts.append(f'<path d="M{_LEFT},{y(i * step):.1f}H{east}" stroke="{FAINT}"/>')
        parts.append(text(_LEFT - 8, y(i * step) + 5, f"{100 * i * step:g}%", anchor="end", color=GREY))
    every = math.ceil((ends[1] - ends[0] + 1) / _TICKS)
    for moves in range(ends[0], ends[1] + 1, every):
        parts.append(f'<path d="M{x(moves):.1f},{south}v5" stroke="{FRAME}"/>')
        parts.append(text(x(moves), south + 20, str(moves), anchor="middle", color=GREY))
    parts.append(f'<path d="M{_LEFT},{_TOP}V{south}H{east}" fill="none" stroke="{FRAME}"/>')
    parts.append(text((_LEFT + east) / 2, south + 40, "Moves allowed", anchor="middle", color=GREY))
    return parts


def _bounds(rows: Sequence[dict[str, Any]], x: Scale, y: Scale) -> list[str]:
    """Draw the band between what was found and what no plan can be below, and the line it ends in."""
    known = [row for row in rows if not math.isnan(row["bound"])]
    if all(row["is_proven"] for row in rows) or not known:
        return []
    upper = [f"{x(row['moves']):.1f},{y(row['imbalance']):.1f}" for row in known]
    lower = [f"{x(row['moves']):.1f},{y(max(row['bound'], 0)):.1f}" for row in known]
    return [
        f'<path d="M{"L".join([*upper, *reversed(lower)])}Z" fill="{_BAND}"/>',
        f'<path d="M{"L".join(lower)}" fill="none" stroke="{GREY}" stroke-width="1.5" stroke-dasharray="5 4"/>',
    ]


def _dot(row: dict[str, Any], x: Scale, y: Scale) -> str:
    told = f"{row['moves']} moves: imbalance {_percent(row['imbalance'])}, " + (
        "proven smallest" if row["is_proven"] else f"no plan is below {_percent(row['bound'])}"
    )
    fill = _LINE if row["is_proven"] else _HOLLOW
    place = f'cx="{x(row["moves"]):.1f}" cy="{y(row["imbalance"]):.1f}"'
    return (
        f'<g><title>{escape(told)}</title><circle {place} r="5.5" fill="{fill}" stroke="{_LINE}" stroke-width="2"/></g>'
    )


def _marks(rows: Sequence[dict[str, Any]], x: Scale, y: Scale, *, knee: int | None, chosen: int | None) -> list[str]:
    """Ring and name the knee and the chosen point, in one label where they are one."""
    parts = []
    for moves in dict.fromkeys(m for m in (knee, chosen) if m is not None):
        row = next((row for row in rows if row["moves"] == moves), None)
        if row is None:
            continue
        names = [name for name, at in (("knee", knee), ("this plan", chosen)) if at == moves]
        color = _KNEE if moves == knee else _CHOSEN
        told = f"{' and '.join(names)}: {moves} {'move' if moves == 1 else 'moves'}, {row['imbalance']:.1%}"
        at_x, at_y = x(moves), y(row["imbalance"])
        is_right = at_x + 16 + LETTER * len(told) > _WIDTH
        parts.append(
            f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="10" fill="none" stroke="{color}" stroke-width="2.5"/>'
        )
        place, anchor = (at_x - 10, "end") if is_right else (at_x + 10, "start")
        parts.append(
            text(place, max(at_y - 16, _TOP + 12), told, anchor=anchor, color=color, more=f'font-weight="600" {HALO}')
        )
    return parts


def _legend(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Explain the dots and the band, as far as they occur."""
    y = _HEIGHT - 14
    signs = [
        (True, "proven: no plan with so few moves is better", f'fill="{_LINE}"'),
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


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough - 1e-12)
