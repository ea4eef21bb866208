"""The words of the pages in English and Spanish, and tables as the pages print them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from safeschools_geo.disclosure import load_policy, policy_names
from safeschools_geo.errors import DisclosureError, SettingsError
from safeschools_geo.schemas import CATEGORIES, LEVELS, ORIGINS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safeschools_geo.disclosure import BoardContent, BoardDetail

    Row = dict[str, Any]
    Key = tuple[str, ...]


# ── How many decimals a rounded figure needs

_MOST = 3


def decimals_of(step: float) -> int:
    """Count the decimals that show a step in full.

    Parameters
    ----------
    step
        What figures are rounded to, in the unit they are shown in.

    Returns
    -------
    int
        0 to 3; 0 where there is no step.
    """
    if not math.isfinite(step):
        return 0
    return next((n for n in range(_MOST) if math.isclose(step, round(step, n), abs_tol=1e-9)), _MOST)


# ── Where the rule of a release comes from, in the language of the page


def policy_source(content: BoardContent, words: Words) -> str:
    """Say where the rule of the release comes from."""
    policy = content.counts.policy
    is_ours = policy.name in policy_names() and load_policy(policy.name).source == policy.source
    key = f"method.source_{policy.name}"
    return words(key) if is_ours and key in words.texts else policy.source


# ── The words of the pages, in English and Spanish

LANGUAGES = {"en": "English", "es": "Español"}
"""Languages of the pages, by their IETF tag, each under its own name."""

_FOLDER = resources.files("safeschools_geo.board").joinpath("languages")


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    lang: str  # Its IETF tag
    texts: Mapping[str, str]  # Text by name, ``section.key``; ``{…}`` in it is filled in

    def __call__(self, name: str, **values: object) -> str:
        """Write a text."""
        return self._text(name, values).format(**{key: self._written(value) for key, value in values.items()})

    def html(self, name: str, **values: object) -> Markup:
        """Write a text that holds markup of ours, such as a figure with its cell."""
        safe = {k: v if isinstance(v, Markup) else Markup(escape(self._written(v))) for k, v in values.items()}  # noqa: S704
        return Markup(escape(self._text(name, values), quote=False)).format(**safe)  # noqa: S704 - escaped on the left

    def number(self, value: object, decimals: int = 0) -> str:
        """Write a number."""
        return "–" if pd.isna(value) else f"{float(str(value)):,.{decimals}f}"  # type: ignore[call-overload]

    def percent(self, share: object, decimals: int = 0) -> str:
        """Write a share in percent."""
        if pd.isna(share):  # type: ignore[call-overload]
            return "–"
        text = f"{100 * float(str(share)):,.{decimals}f}"
        # The space does not break: a line must not begin with the sign.
        return f"{text}%" if self.lang == "en" else f"{text}\u00a0%"

    def rounded(self, value: float, step: float) -> str:
        """Write a number that is rounded to a step."""
        return self.number(value, decimals_of(step))

    def rounded_share(self, share: float, step: float) -> str:
        """Write a share that is rounded to a step in percent."""
        return self.percent(share, decimals_of(100 * step))

    def _text(self, name: str, values: Mapping[str, object]) -> str:
        one = f"{name}_one"
        return self.texts[one if values.get("n") == 1 and one in self.texts else name]

    def _written(self, value: object) -> str:
        return self.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


@cache
def words(lang: str) -> Words:
    """Open the words of a language.

    Parameters
    ----------
    lang
        Its IETF tag.

    Returns
    -------
    Words
        Its words.

    Raises
    ------
    SettingsError
        When the pages do not speak it.
    """
    if lang not in LANGUAGES:
        raise SettingsError("The pages do not speak this language.", found=lang, expected=", ".join(LANGUAGES))
    folder = _FOLDER.joinpath(lang)
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            section = file.name.removesuffix(".toml")
            entries = tomllib.loads(file.read_text(encoding="utf-8"))
            texts |= {f"{section}.{key}": str(text).strip() for key, text in entries.items()}
    return Words(lang, texts)


# ── Rows of tables as the pages print them: in one order, under their names, with what can be said of their rates

_LARGE_ENOUGH_FOR_TWO_DECIMALS = 0.1


def zone_names(content: BoardContent) -> dict[str, str]:
    """Name the zones."""
    return dict(zip(content.zones["zone_id"].astype("str"), content.zones["name"].astype("str"), strict=True))


def says_who_started(content: BoardContent) -> bool:
    """Say whether the record has any call that an officer started; else it may not say who started one."""
    return "officer_initiated" in set(content.origins["origin"])


def group_name(by: str, group: str, content: BoardContent, words: Words) -> str:
    """Name a group of schools or incidents."""
    if by == "zone":
        return zone_names(content).get(group, group)
    if by == "origin" and not says_who_started(content):
        return words("common.origin_any")
    prefix = {"level": "", "category": "category_", "origin": "origin_"}.get(by)
    key = f"common.{prefix}{group}"
    return words(key) if prefix is not None and key in words.texts else group


def in_order(by: str, groups: Iterable[str], content: BoardContent) -> list[str]:
    """Put groups into the order of the pages."""
    orders: dict[str, Sequence[str]] = {
        "zone": list(zone_names(content)),
        "level": list(LEVELS),
        "category": list(CATEGORIES),
        "origin": list(ORIGINS),
        "term": content.terms,
    }
    order = {group: place for place, group in enumerate(orders.get(by, ()))}
    return sorted(dict.fromkeys(groups), key=lambda group: (order.get(group, len(order)), group))


def rows_of(by: str, table: pd.DataFrame, content: BoardContent, words: Words) -> list[Row]:
    """Turn a table into rows of the page.

    The columns of the table, in order; `group` and `name`; missing numbers are None. Where the table is of rates,
    `rate_step`, and `change`: the row of `content.changes`, or None.
    """
    rows = []
    is_rate = "rate_per_1000" in table.columns
    for record in table.to_dict("records"):
        row: Row = {str(k): None if pd.isna(v) else v for k, v in record.items()}
        row["group"] = str(row.get(by, ""))
        row["name"] = group_name(by, row["group"], content, words)
        if is_rate:
            row["state"] = state_of(row)
            row.setdefault("rate_step", None)
            # Below 0 there is no such figure: no school of the group has a known enrollment.
            row["rate_cell"] = None if row["rate_cell"] is None or row["rate_cell"] < 0 else int(row["rate_cell"])
            row["has_known"] = bool(row["is_partial"]) and row["rate_cell"] is not None
            row["change"] = change_of(by, row["group"], content)
        rows.append(row)
    place = {group: n for n, group in enumerate(in_order(by, [r["group"] for r in rows], content))}
    return sorted(rows, key=lambda r: place[r["group"]])


def state_of(row: Row) -> str:
    """Say whether there is a rate, or why not."""
    if row["is_withheld"]:
        return "withheld"
    if row["rate_per_1000"] is not None:
        return "rate"
    return "unknown" if row["is_partial"] else "students"


def change_of(by: str, group: str, content: BoardContent) -> Row | None:
    """Find how a group has changed from a year before."""
    changes = content.changes
    kind = by if by in {"zone", "level"} else "district"
    if changes.empty:
        return None
    found = changes[(changes["by"] == kind) & ((changes["group"] == group) | (kind == "district"))]
    found = found[found["is_more_than_chance"].notna()]
    return {str(k): v for k, v in found.iloc[0].items()} if len(found) else None


def change_text(row: Row, words: Words) -> str:
    """Say in words how a rate has changed."""
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
    """Name the earlier term that this one is compared with."""
    return words(f"shell.baseline_{content.baseline}") if content.baseline else ""


def rate_texts(row: Row, words: Words, *, decimals: int) -> tuple[str, str]:
    """Write a rate and its interval."""
    if row["state"] != "rate":
        return words(f"shell.state_{row['state']}"), "–"
    rate, step = float(row["rate_per_1000"]), row["rate_step"]
    if step is not None:
        shown = decimals_of(float(step))
        rounding = words("shell.rounded", step=words.number(step, shown))
        return words("shell.about", rate=words.number(rate, shown)), rounding
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
    """Shorten a name for a place that has room for few letters."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1].rstrip()}…"


# ── The finest table of the release, laid out with one dimension down, the others across, and the totals there are


@dataclass(frozen=True)
class DetailRow:
    """A row of the table, None where no school is behind a figure; its total where that is in the release."""

    name: str
    cells: Sequence[Row | None]
    total: Row | None


@dataclass(frozen=True)
class DetailTable:
    """The table as it is printed, with the totals that are in the release."""

    head: str
    columns: Sequence[str]
    rows: Sequence[DetailRow]
    totals: Sequence[Row | None]
    total: Row | None

    @property
    def has_row_totals(self) -> bool:
        """Whether the totals of rows are in the release."""
        return any(row.total is not None for row in self.rows)

    @property
    def has_gaps(self) -> bool:
        """Whether there is no school behind some figure."""
        return any(cell is None for row in self.rows for cell in row.cells)


def detail_table(detail: BoardDetail, content: BoardContent, words: Words) -> DetailTable:
    """Lay the finest table out."""
    first, others = detail.dims[0], detail.dims[1:]
    records = [{str(k): v for k, v in record.items()} for record in detail.table.to_dict("records")]
    cells = {(str(r[first]), _key(r, others)): r for r in records}
    columns = _columns([_key(r, others) for r in records], others, content)
    row_sums, column_sums = (_totals(detail, content, dims) for dims in ((first,), others))
    return DetailTable(
        head=_head(first, words),
        columns=[
            ", ".join(group_name(d, g, content, words) for d, g in zip(others, column, strict=True))
            for column in columns
        ],
        rows=[
            DetailRow(
                group_name(first, group, content, words),
                [cells.get((group, column)) for column in columns],
                row_sums.get((group,)),
            )
            for group in in_order(first, [str(r[first]) for r in records], content)
        ],
        totals=[column_sums.get(column) for column in columns] if column_sums else [],
        total=_totals(detail, content, ()).get(()),
    )


def _key(record: Row, dims: Sequence[str]) -> Key:
    return tuple(str(record[dim]) for dim in dims)


def _columns(keys: Sequence[Key], dims: Sequence[str], content: BoardContent) -> list[Key]:
    """Sort columns by the order of the pages, the first dimension first."""
    orders = [
        {group: i for i, group in enumerate(in_order(dim, [key[place] for key in keys], content))}
        for place, dim in enumerate(dims)
    ]
    return sorted(set(keys), key=lambda key: [order[group] for order, group in zip(orders, key, strict=True)])


def _head(dim: str, words: Words) -> str:
    return words(f"common.{dim}" if f"common.{dim}" in words.texts else f"rates.{dim}")


def _totals(detail: BoardDetail, content: BoardContent, dims: Sequence[str]) -> dict[Key, Row]:
    """Find totals of the finest table, as far as they are in the release."""
    for held in ({"term": detail.period}, {"year": detail.period}):
        try:
            table = content.counts.table(*dims, **held)
        except DisclosureError:
            continue
        return {
            _key(record, dims): record
            for record in ({str(k): v for k, v in r.items()} for r in table.to_dict("records"))
        }
    return {}
