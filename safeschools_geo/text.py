"""Figures, words and file names as they are shown: exact integers, one rule of rounding, names safe on every system.

The rule, for whoever writes it in another language:

1. The workload of a unit becomes a whole number of millionths, ``floor(workload * 1e6 + 0.5)``, with the multiplication
   and the addition in IEEE double precision. In JavaScript: ``Math.floor(workload * 1e6 + 0.5)``. A page may as well be
   given the whole numbers.
2. The load of a zone is the sum of the whole numbers of its units, 0 for a zone without units. `millionths` refuses
   units whose sum is above 2⁵³ − 1, so a JavaScript number holds every sum exactly.
3. Every figure shown is a fraction n / d of whole numbers, not negative, rounded half up to k decimals:
   ``q = (2 * n * 10**k + d) // (2 * d)`` with division that rounds down. Products can pass 2⁵³: use ``BigInt``.
4. A load is n = the sum, d = 1,000,000, k = 2, with a comma between thousands: ``"1,234.50"``.
5. A share is shown in percent, n and d as they are, rounded to k = 3 decimals of the share, that is to one decimal of
   the percent: ``"9.3%"``, without commas. Where d is 0 it is ``"0.0%"``.
6. The imbalance of Z zones with sums L and total S is the share of n = max |Z · L − S| and d = S.
7. The ratio of the largest to the smallest load is n = max L, d = min L, k = 2, with commas; where d is 0 it is
   ``"–"``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from math import floor, isfinite
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError
from safeschools_geo.schemas import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


# ── Figures as they are shown: exact integers and one rule of rounding, so that Python and a web page agree

MILLION = 1_000_000
"""Millionths in a unit of load."""

LARGEST_SUM = 2**53 - 1
"""Largest sum of millionths that a double holds exactly, with every whole number below it."""

_ROUNDING = 1e-9


def millionths(workload: pd.Series) -> pd.Series:
    """Turn the workload of units, finite and not negative, into whole millionths: int64, on the same index."""
    hours = workload.to_numpy(dtype="float64", na_value=np.nan)
    is_faulty = ~(np.isfinite(hours) & (hours >= 0))
    if is_faulty.any():
        raise ColumnError(
            "Some units have no workload that can be added up.",
            where="units, column workload",
            ids=workload.index[is_faulty],
            found=", ".join(str(v) for v in hours[is_faulty][:3]),
            expected="a number of 0 or more for every unit",
            remedy="Give these units their workload; 0 where there is none.",
        )
    if hours.sum() * MILLION > LARGEST_SUM:
        raise ColumnError(
            "The workload of all units is too large to be added up exactly.",
            where="units, column workload",
            found=f"{hours.sum():,.0f} in all",
            expected=f"at most {LARGEST_SUM // MILLION:,}",
            remedy="State it in a larger unit: hours instead of seconds.",
        )
    return pd.Series(np.floor(hours * MILLION + 0.5).astype("int64"), index=workload.index, name="millionths")


def format_load(load: int) -> str:
    """Write a load in millionths, rounded half up: ``"1,234.50"``."""
    return _decimal(int(load), MILLION, decimals=2)


def format_share(numerator: int, denominator: int) -> str:
    """Write a share in percent, rounded half up: ``"9.3%"``; ``"0.0%"`` where the denominator is 0."""
    if not denominator:
        return "0.0%"
    tenths = _rounded(int(numerator), int(denominator), decimals=3)
    return f"{tenths // 10}.{tenths % 10}%"


def format_imbalance(loads: Iterable[int]) -> str:
    """Write the largest ``|load − mean| / mean`` of loads in millionths, as `format_share` does."""
    sums = [int(load) for load in loads]
    total = sum(sums)
    return format_share(max((abs(len(sums) * load - total) for load in sums), default=0), total)


def format_ratio(loads: Iterable[int]) -> str:
    """Write how many times the smallest load goes into the largest: ``"1.25"``, or ``"–"`` where the smallest is 0."""
    sums = [int(load) for load in loads]
    smallest = min(sums, default=0)
    return _decimal(max(sums), smallest, decimals=2) if smallest else "–"


def school_of_level(level: str) -> str:
    """Name a school by its level: ``high school``, ``K-8 school``, ``school of another level``."""
    words = "school of another level" if level == "other" else f"{LEVELS.get(level, level)} school"
    return words if level == "k8" else words.lower()


def forecast_text(forecast: Iterable[str]) -> str:
    """Say that loads are a forecast, and by what; empty where they are those of the record."""
    text = "; ".join(forecast)
    return f"Loads are a forecast, not the record: {text}." if text else ""


def format_change(before: float, after: float) -> tuple[str, str] | None:
    """Write two shares in percent so that their difference can be seen, and is not made by rounding.

    With the fewest decimals whose step is no coarser than the difference: ``("56.3%", "16.9%")``, ``("12.93%",
    "12.96%")``; None where even three decimals cannot carry it: there is no difference to speak of.
    """
    for digits in (1, 2, 3):
        if carries_difference(100 * before, 100 * after, step=10.0**-digits):
            return f"{100 * before:.{digits}f}%", f"{100 * after:.{digits}f}%"
    return None


def carries_difference(before: float, after: float, *, step: float) -> bool:
    """Say whether figures rounded to a step can tell two values apart."""
    return abs(after - before) >= step * (1 - _ROUNDING)


def shown_step(text: str) -> float:
    """Say what a figure as it is shown is rounded to: 0.1 for ``"7.7"``, 0.001 for ``"16.9%"``; NaN for no number."""
    found = re.match(r"[−-]?[\d,]+(?:\.(\d+))?(%?)", text)
    if found is None:
        return np.nan
    decimals, percent = found.groups()
    return float(10.0 ** -len(decimals or "") / (100 if percent else 1))


def _rounded(numerator: int, denominator: int, *, decimals: int) -> int:
    scaled = 2 * numerator * int(10**decimals)
    return (scaled + denominator) // (2 * denominator)


def _decimal(numerator: int, denominator: int, *, decimals: int) -> str:
    whole, rest = divmod(_rounded(numerator, denominator, decimals=decimals), 10**decimals)
    return f"{whole:,}.{rest:0{decimals}d}" if decimals else f"{whole:,}"


# ── Minutes, shares and intervals of coverage as they are written, rounded half up as all figures are (`shown`)

_LEAST = 0.0005
_NOISE = 1e-9
UNKNOWN = "not known"
"""What is written for a figure that is missing."""


def share_text(share: float) -> str:
    """Write a share in percent with one decimal, ``"9.3%"`` or ``"−9.3%"``; `UNKNOWN` where it is missing."""
    if not isfinite(share):
        return UNKNOWN
    text = format_share(floor(abs(share) * MILLION + 0.5), MILLION)
    return f"−{text}" if share < 0 and text != format_share(0, MILLION) else text


def minutes_text(minutes: float) -> str:
    """Write minutes with one decimal, ``"4.2"`` or ``"−4.2"``; `UNKNOWN` where they are missing."""
    if not isfinite(minutes):
        return UNKNOWN
    return decimal_text(minutes, 1)


def decimal_text(value: float, decimals: int) -> str:
    """Write a number, rounded half up: ``"1,234.5"`` or ``"−0.5"``."""
    text = _decimal(floor(abs(value) * MILLION + 0.5), MILLION, decimals=decimals)
    return f"−{text}" if value < 0 and text.strip("0.") else text


def figure_text(value: float, unit: str) -> str:
    """Write minutes (unit ``min``) or a share in a sentence: ``"4.2 min"``, ``"9.3%"``, ``"under 0.1%"``."""
    if unit != "min" and 0 < value < _LEAST:
        return "under 0.1%"
    if unit != "min" or not isfinite(value):
        return share_text(value)
    return f"{minutes_text(value)} min"


def interval_text(low: float, high: float, unit: str) -> str:
    """Write an interval of minutes or shares: ``"3.9 to 4.6 min"``, ``"9.0% to 11.2%"``."""
    if unit == "min" and isfinite(low):
        return f"{minutes_text(low)} to {figure_text(high, unit)}"
    least, most = figure_text(low, unit), figure_text(high, unit)
    return least if least == most and low < high else f"{least} to {most}"


def change_text(change: float, low: float, high: float, unit: str) -> str:
    """Write by how much minutes or a share change, whichever way, with the interval where there is one.

    For example ``"0.4 min (0.2 to 0.6)"`` or ``"2.1 percentage points (1.0 to 3.2)"``.
    """

    def size(value: float) -> str:
        return minutes_text(abs(value)) if unit == "min" else share_text(abs(value)).removesuffix("%")

    text = f"{size(change)} {'min' if unit == 'min' else 'percentage points'}"
    if not (isfinite(low) and isfinite(high)):
        return text
    if low < 0 < high:
        return f"{text} (between {size(low)} less and {size(high)} more)"
    return f"{text} ({' to '.join(size(end) for end in sorted((low, high), key=abs))})"


def highest(values: Mapping[str, float], written: Callable[[float], str]) -> list[str]:
    """Name those with the highest figure as it is printed: one, or several that tie, in the order of `values`.

    None where fewer than two have a figure, or all tie.
    """
    known = {name: value for name, value in values.items() if isfinite(value)}
    texts = {name: written(value) for name, value in known.items()}
    if len(set(texts.values())) <= 1:
        return []
    top = texts[max(known, key=lambda name: known[name])]
    return [name for name, text in texts.items() if text == top]


def more_text(change: float, unit: str, *, more: str = "more", less: str = "less") -> str:
    """Write a change with its direction: ``"0.4 min longer"``, or ``"under 0.1 min longer"`` where rounding hides it.

    ``"no change"`` where there is none, `UNKNOWN` where it is missing.
    """
    if not isfinite(change):
        return UNKNOWN
    if abs(change) < _NOISE:
        return "no change"
    size = change_text(change, float("nan"), float("nan"), unit)
    if size == change_text(0.0, float("nan"), float("nan"), unit):
        size = f"under {change_text(0.1 if unit == 'min' else 0.001, float('nan'), float('nan'), unit)}"
    return f"{size} {more if change > 0 else less}"


def listed(parts: list[str]) -> str:
    """Write one thing or more one after the other: ``"a, b and c"``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# ── Names of files and folders made of ids and terms: safe and distinct on every file system


LONGEST_ID = 40
"""Characters of an id that are kept in a file's name."""

LONGEST_FOLDER = 100
"""Bytes that the name of a folder may have: room is left for the files below it where paths may have 260 characters."""

_KEPT = re.compile(r"[^A-Za-z0-9_-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FORBIDDEN = '/\\:*?"<>|'
_SHORTEST_DIGEST = 8


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """Name the file of every id, all of whose files lie in one folder: id → name without an extension.

    ASCII letters and digits, ``-``, ``_`` and ``~``, at most about a hundred. What an id has besides becomes ``_``, and
    accents are dropped. Where that leaves nothing, is reserved, too long, or the same for two ids on a file system that
    ignores case, ``~`` and a digest of the id tell them apart: names hold for this set of ids only. No name has a
    ``+``, so that names joined by ``+`` are distinct too.
    """
    wanted = sorted(set(ids))
    plain = {one: _plain(one) for one in wanted}
    times = Counter(name.lower() for name in plain.values())
    marked = [one for one, name in plain.items() if times[name.lower()] > 1 or not _is_fit(name)]
    digests = _distinct_digests(marked)
    return {one: f"{name[:LONGEST_ID]}~{digests[one]}" if one in digests else name for one, name in plain.items()}


def pair_name(first: str, second: str) -> str:
    """Name the folder of two things that can be folders themselves, such as two terms: ``"<first> and <second>"``.

    A digest stands behind it where other names could read the same, or where it would be too long.
    """
    name = f"{first} and {second}"
    is_plain = folder_key(name).split().count("and") == 1 and "~" not in name and folder_fault(name) is None
    if is_plain:
        return name
    return f"{_plain(first)[:LONGEST_ID]} and {_plain(second)[:LONGEST_ID]}~{_digest(f'{first}/{second}')[:16]}"


def folder_fault(name: str) -> str | None:
    """Say why a name cannot be the name of a folder on every system, to follow "it …"; None where it can."""
    stray = next((c for c in name if c in _FORBIDDEN), None)
    hidden = next((c for c in name if unicodedata.category(c) in _HIDDEN), None)
    reasons = {
        "is empty": not name.strip(),
        f"holds {stray}": stray is not None,
        f"holds a character that cannot be seen ({hidden!a})": hidden is not None,
        "begins or ends with a blank": name.strip() != name,
        "begins with a dot": name.startswith("."),
        "ends with a dot": name.endswith("."),
        "is a name that Windows keeps for itself": _RESERVED.fullmatch(name) is not None,
        f"is longer than {LONGEST_FOLDER} bytes": len(name.encode("utf-8", "surrogatepass")) > LONGEST_FOLDER,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def folder_key(name: str) -> str:
    """Write a name as the file system does that tells the fewest names apart, whatever case and Unicode say."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _plain(text: str) -> str:
    """Write a text in the letters that no file system changes."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = _KEPT.sub("_", letters)
    return f"_{plain[1:]}" if plain.startswith("-") else plain


def _is_fit(name: str) -> bool:
    has_letter = any(c.isalnum() for c in name)
    return has_letter and len(name) <= LONGEST_ID and _RESERVED.fullmatch(name) is None


def _distinct_digests(ids: list[str]) -> dict[str, str]:
    """Shorten digests as far as they stay distinct."""
    whole = {one: _digest(one) for one in ids}
    length = _SHORTEST_DIGEST
    while len({digest[:length] for digest in whole.values()}) < len(whole):
        length += 1
    return {one: digest[:length] for one, digest in whole.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
