"""Names of files and folders made of ids and terms: safe and distinct on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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
    """Name the file of every id.

    Parameters
    ----------
    ids
        All ids whose files lie in one folder, in any order. The names hold only for this set: an id has another name
        where another id looks like it.

    Returns
    -------
    dict of str to str
        Id → name without an extension: ASCII letters and digits, ``-``, ``_`` and ``~``, at most about a hundred.
        What an id has besides becomes ``_``, and accents are dropped. Where that leaves nothing, is reserved, too long,
        or the same for two ids on a file system that ignores case, ``~`` and a digest of the id tell them apart. No
        name has a ``+``, so that names joined by ``+`` are distinct too.
    """
    wanted = sorted(set(ids))
    plain = {one: _plain(one) for one in wanted}
    times = Counter(name.lower() for name in plain.values())
    marked = [one for one, name in plain.items() if times[name.lower()] > 1 or not _is_fit(name)]
    digests = _distinct_digests(marked)
    return {one: f"{name[:LONGEST_ID]}~{digests[one]}" if one in digests else name for one, name in plain.items()}


def pair_name(first: str, second: str) -> str:
    """Name the folder of two things that can be folders themselves, such as two terms.

    Parameters
    ----------
    first, second
        Their names, in their order.

    Returns
    -------
    str
        ``"<first> and <second>"``; with a digest behind it where other names could read the same, or where it would be
        too long.
    """
    name = f"{first} and {second}"
    is_plain = folder_key(name).split().count("and") == 1 and "~" not in name and folder_fault(name) is None
    if is_plain:
        return name
    return f"{_plain(first)[:LONGEST_ID]} and {_plain(second)[:LONGEST_ID]}~{_digest(f'{first}/{second}')[:16]}"


def folder_fault(name: str) -> str | None:
    """Say why a name cannot be the name of a folder on every system.

    Parameters
    ----------
    name
        The name.

    Returns
    -------
    str or None
        The reason, to follow "it …"; None where it can.
    """
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
    """Write a name as the file system does that tells the fewest names apart.

    Parameters
    ----------
    name
        The name of a file or folder.

    Returns
    -------
    str
        The same for two names that differ only in case or in how Unicode writes their letters.
    """
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
