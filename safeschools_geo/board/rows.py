"""Rows of tables as the pages print them: in one order, under their names, with what can be said of their rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.board.decimals import decimals_of
from safeschools_geo.schemas import CATEGORIES, LEVELS, ORIGINS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent

    Row = dict[str, Any]

_LARGE_ENOUGH_FOR_TWO_DECIMALS = 0.1


def zone_names(content: BoardContent) -> dict[str, str]:
    """Name the zones.

    Parameters
    ----------
    content
        Everything the pages say.

    Returns
    -------
    dict of str to str
        Id → name, in the order of the zones.
    """
    return dict(zip(content.zones["zone_id"].astype("str"), content.zones["name"].astype("str"), strict=True))


def group_name(by: str, group: str, *, content: BoardContent, words: Words) -> str:
    """Name a group of schools or incidents.

    Parameters
    ----------
    by
        The dimension: ``zone``, ``level``, ``category``, ``origin``; else the group is its own name.
    group
        The group, as the tables have it.
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    str
        Its name: of zones and terms as the district has it, of the others in the language of the page.
    """
    if by == "zone":
        return zone_names(content).get(group, group)
    prefix = {"level": "", "category": "category_", "origin": "origin_"}.get(by)
    key = f"common.{prefix}{group}"
    return words(key) if prefix is not None and key in words.texts else group


def in_order(by: str, groups: Iterable[str], content: BoardContent) -> list[str]:
    """Put groups into the order of the pages.

    Parameters
    ----------
    by
        The dimension.
    groups
        The groups.
    content
        Everything the pages say.

    Returns
    -------
    list of str
        Zones in the district's order, terms in time, the others as the product lists them; each once.
    """
    orders: dict[str, Sequence[str]] = {
        "zone": list(zone_names(content)),
        "level": list(LEVELS),
        "category": list(CATEGORIES),
        "origin": list(ORIGINS),
        "term": content.terms,
    }
    order = {group: place for place, group in enumerate(orders.get(by, ()))}
    return sorted(dict.fromkeys(groups), key=lambda group: (order.get(group, len(order)), group))


def rows_of(by: str, table: pd.DataFrame, *, content: BoardContent, words: Words) -> list[Row]:
    """Turn a table into rows of the page.

    Parameters
    ----------
    by
        The dimension that names the rows.
    table
        A table of `content`; for one of rates, `state` is added.
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    list of dict
        The columns of the table, in order; `group` and `name`; missing numbers are None. Where the table is of rates,
        `rate_step`, and `change`: the row of `content.changes`, or None.
    """
    rows = []
    is_rate = "rate_per_1000" in table.columns
    for record in table.to_dict("records"):
        row: Row = {str(k): None if pd.isna(v) else v for k, v in record.items()}
        row["group"] = str(row.get(by, ""))
        row["name"] = group_name(by, row["group"], content=content, words=words)
        if is_rate:
            row["state"] = state_of(row)
            row.setdefault("rate_step", None)
            row["rate_cell"] = None if row["rate_cell"] is None else int(row["rate_cell"])
            row["change"] = change_of(by, row["group"], content)
        rows.append(row)
    place = {group: n for n, group in enumerate(in_order(by, [r["group"] for r in rows], content))}
    return sorted(rows, key=lambda r: place[r["group"]])


def state_of(row: Row) -> str:
    """Say whether there is a rate, or why not.

    Parameters
    ----------
    row
        A row of a table of rates, missing numbers None.

    Returns
    -------
    str
        ``rate``; ``withheld``, where the count is; ``unknown``, where an enrolment is not known; ``students``, where
        the number of students is withheld.
    """
    if row["is_withheld"]:
        return "withheld"
    if row["rate_per_1000"] is not None:
        return "rate"
    return "unknown" if row["is_partial"] else "students"


def change_of(by: str, group: str, content: BoardContent) -> Row | None:
    """Find how a group has changed from a year before.

    Parameters
    ----------
    by
        ``zone``, ``level``, or anything else for the district.
    group
        The group.
    content
        Everything the pages say.

    Returns
    -------
    dict or None
        A row of `content.changes`; None where there is none, or a figure that it needs is withheld.
    """
    changes = content.changes
    kind = by if by in {"zone", "level"} else "district"
    if changes.empty:
        return None
    found = changes[(changes["by"] == kind) & ((changes["group"] == group) | (kind == "district"))]
    found = found[found["is_more_than_chance"].notna()]
    return {str(k): v for k, v in found.iloc[0].items()} if len(found) else None


def change_text(row: Row, words: Words) -> str:
    """Say in words how a rate has changed.

    Parameters
    ----------
    row
        A row of `rows_of`.
    words
        The words.

    Returns
    -------
    str
        Whether it went up or down by more than chance.
    """
    change = row["change"]
    if change is None:
        return words("shell.change_unknown")
    if not change["is_more_than_chance"]:
        return words("shell.change_chance")
    key = "shell.change_up" if change["direction"] == "rose" else "shell.change_down"
    if pd.isna(change["ratio"]):
        # Of so few calls nothing is a percentage.
        return words(f"{key}_plain")
    return words(key, size=words.percent(abs(float(change["ratio"]) - 1)))


def baseline_words(content: BoardContent, words: Words) -> str:
    """Name the earlier term that this one is compared with.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    str
        For example ``"the same term a year earlier"``; empty where there is none.
    """
    return words(f"shell.baseline_{content.baseline}") if content.baseline else ""


def rate_texts(row: Row, words: Words, *, decimals: int) -> tuple[str, str]:
    """Write a rate and its interval.

    Parameters
    ----------
    row
        A row of rates.
    words
        The words.
    decimals
        Decimals that exact rates are shown with.

    Returns
    -------
    rate, interval : str
        In words; a dash instead of the interval where there is none; why there is no rate.
    """
    if row["state"] != "rate":
        return words(f"shell.state_{row['state']}"), "–"
    rate, step = float(row["rate_per_1000"]), row["rate_step"]
    if step is not None:
        shown = decimals_of(float(step))
        told = words("shell.rounded", step=words.number(step, shown))
        return words("shell.about", rate=words.number(rate, shown)), told
    if row["rate_low"] is None or row["rate_high"] is None:
        return words.number(rate, decimals), "–"
    low, high = (words.number(row[end], decimals) for end in ("rate_low", "rate_high"))
    return words.number(rate, decimals), words("shell.between", low=low, high=high)


def rate_decimals(content: BoardContent) -> int:
    """Find how many decimals rates are written with.

    Parameters
    ----------
    content
        Everything the pages say.

    Returns
    -------
    int
        2, or 3 where rates are small.
    """
    largest = pd.concat([content.zone_trends["rate_per_1000"], content.level_trends["rate_per_1000"]]).max()
    return 2 if pd.isna(largest) or largest >= _LARGE_ENOUGH_FOR_TWO_DECIMALS else 3


def shortened(text: str, longest: int = 60) -> str:
    """Shorten a name for a place that has room for few letters.

    Parameters
    ----------
    text
        The name.
    longest
        Letters there is room for.

    Returns
    -------
    str
        Its first letters, with an ellipsis where some are left out; line breaks are spaces.
    """
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1].rstrip()}…"
