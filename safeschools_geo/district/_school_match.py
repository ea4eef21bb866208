"""Which school an incident was at: as the export says, by name or address, or the nearest; always with evidence."""

from __future__ import annotations

import csv
import functools
import re
import unicodedata
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely
from rapidfuzz import fuzz, process

from safeschools_geo import io
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.settings import IncidentSettings, SimilarIds


_SPELT_OUT = {
    "elem": "elementary",
    "el": "elementary",
    "es": "elementary",
    "ms": "middle",
    "mid": "middle",
    "hs": "high",
    "jr": "junior",
    "sr": "senior",
    "acad": "academy",
    "intermed": "intermediate",
    "ps": "public",
    "sch": "school",
    "st": "saint",
    "mt": "mount",
}
_CLOSEST_RIVAL = 3.0
"""A likeness counts only if the next school is at least so many points less like."""


@dataclass(frozen=True)
class SchoolMatches:
    """The school of each incident and how it was found."""

    # `school_id`, `school_match`, `school_score`, `school_distance_m`, on the index of the incidents
    table: pd.DataFrame
    # One row for each name that was matched by likeness or not at all: `name_in_export`, `incidents`, `school_id`,
    # `school_name`, `score`, `decision`
    review: pd.DataFrame
    findings: tuple[Finding, ...]  # What a person should look at


def match_schools(
    incident_ids: pd.Series,
    given_ids: pd.Series,
    names: pd.Series,
    points: gpd.GeoSeries,
    schools: gpd.GeoDataFrame,
    *,
    crs: CRS,
    settings: IncidentSettings,
    addresses: pd.Series | None = None,
) -> SchoolMatches:
    """Tie incidents to schools.

    In this order: the id that the export gives; its school name, exactly (but for case, accents, punctuation and usual
    abbreviations); its school name by likeness, from `name_score` on, only if no other school comes close, and never
    if a number in it differs; its address, in the same two ways, from `address_score` on; the nearest school within
    `nearest_school_m`, for incidents that name none.

    Notes
    -----
    Likeness is the token-sort ratio of RapidFuzz: the normalized edit similarity of the words in alphabetical order.
    """
    table = pd.DataFrame(
        {"school_id": pd.NA, "school_match": pd.NA, "school_score": np.nan, "school_distance_m": np.nan},
        index=given_ids.index,
    ).astype({"school_id": "str", "school_match": "str"})
    is_known = given_ids.isin(schools["school_id"])
    alike = alike_ids(given_ids[given_ids.notna() & ~is_known], schools["school_id"]).dropna()
    if settings.similar_ids == "same":
        is_known |= given_ids.index.isin(alike.index)
    table.loc[is_known, "school_id"] = alike.reindex(given_ids.index)[is_known].fillna(given_ids[is_known])
    table.loc[is_known, "school_match"] = "given"
    review = _by_name(table, names.where(~is_known), schools, settings.name_score)
    if addresses is not None:
        by_address = _by_address(table, addresses, schools, settings.address_score)
        review = pd.concat([review, by_address], ignore_index=True) if len(by_address) else review
    _by_distance(table, names.fillna(given_ids), points, schools, crs, farthest_m=settings.nearest_school_m)
    is_lost = given_ids.notna() & ~is_known & table["school_id"].isna()
    findings = [
        *_findings(review),
        *_address_findings(table["school_match"]),
        *_id_findings(incident_ids, given_ids, is_lost, alike, settings.similar_ids),
    ]
    return SchoolMatches(table, review, tuple(findings))


def alike_ids(given: pd.Series, school_ids: pd.Series) -> pd.Series:
    """Find the one school whose id differs only in how it is written; missing where there is none."""
    found = pd.Series(pd.NA, index=given.index, dtype="str")
    for key in (io.id_key, _without_hyphens, _school_code):
        keys = key(school_ids)
        is_one = ~keys.duplicated(keep=False) & keys.notna()
        by_key = pd.Series(school_ids[is_one].to_numpy(), index=keys[is_one])
        found = found.fillna(key(given).map(by_key).astype("str"))
    # Two codes with county and district that have the school's part in common are of two schools.
    is_other = (_is_cds(given) & _is_cds(found)) & (_without_hyphens(given) != _without_hyphens(found))
    return found.mask(is_other)


def _without_hyphens(ids: pd.Series) -> pd.Series:
    return io.id_key(ids.str.replace("-", "", regex=False))


def _is_cds(ids: pd.Series) -> pd.Series:
    """Say which ids are codes of county, district and school: 14 digits, or 13 without the zero in front."""
    return ids.str.replace("-", "", regex=False).str.fullmatch(r"\d{13,14}").fillna(value=False).astype("bool")


def _school_code(ids: pd.Series) -> pd.Series:
    """Take the school's part of a code of county, district and school; other ids as they are."""
    plain = _without_hyphens(ids)
    return io.id_key(plain.where(~_is_cds(ids), plain.str[-7:]))


def _difference(given: str, school: str) -> str:
    is_part = bool(_is_cds(pd.Series([given])).iloc[0]) != bool(_is_cds(pd.Series([school])).iloc[0])
    return "without county and district" if is_part else io.difference_text(given, school)


def plain_name(name: str) -> str:
    """Reduce a school's name to what tells it from others: accents, apostrophes, dots and usual words make none."""
    letters = name.casefold()
    if not letters.isascii():
        letters = "".join(c for c in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(c))
    letters = _NO_SIGN.sub("", letters.replace("&", " and "))
    letters = _GRADES_FROM_K.sub(r"k\1", letters)
    words = [_SPELT_OUT.get(word, word) for word in _WORD.findall(letters)]
    return " ".join(word for word in words if word not in _EMPTY) or letters.strip()


_APOSTROPHES = "'`\u00b4\u02b9\u02bc\u2018\u2019\u2032"
_NO_SIGN = re.compile(rf"[{_APOSTROPHES}]|(?<=\b[a-z])\.(?=[a-z]\b)")
_GRADES_FROM_K = re.compile(r"\bk\s*-?\s*(\d+)\b")
_WORD = re.compile(r"[^\W_]+")
_EMPTY = frozenset({"school", "schools", "the", "no"})


def _numbers_in(plain: str) -> frozenset[str]:
    """Take the numbers out of a name: PS 115 is not PS 116, however alike they are written."""
    return frozenset(number.lstrip("0") or "0" for number in re.findall(r"\d+", plain))


@functools.cache
def _street_words() -> dict[str, str]:
    """Read the words that the Postal Service shortens, and how."""
    with (resources.files("safeschools_geo") / "dictionary" / "street_words.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {long: row["short"] for row in rows for long in row["long"].split()}


def plain_address(address: str) -> str:
    """Reduce an address to its house number and street, in the postal short forms; empty if it has no house number."""
    street = re.split(r"[,;\n]|\b(?:apt|suite|ste|unit|rm|room|bldg)\b|#", address.casefold(), maxsplit=1)[0]
    words = [_street_words().get(word, word) for word in re.findall(r"[^\W_]+", street.replace(".", ""))]
    is_house = len(words) > 1 and re.fullmatch(r"\d+[a-z]?", words[0]) is not None
    return " ".join(words) if is_house else ""


def _by_name(table: pd.DataFrame, names: pd.Series, schools: gpd.GeoDataFrame, lowest_score: float) -> pd.DataFrame:
    plain = schools["name"].fillna("").map(plain_name)
    return _by_text(
        table,
        names,
        plain,
        schools,
        decisions=("exact_name", "fuzzy_name"),
        reduce=plain_name,
        lowest_score=lowest_score,
    )


def _by_address(
    table: pd.DataFrame, addresses: pd.Series, schools: gpd.GeoDataFrame, lowest_score: float
) -> pd.DataFrame:
    """Tie the incidents that name no school to the school of their address, if the house number is the same."""
    plain = schools.get("address", pd.Series("", index=schools.index, dtype="str")).fillna("").map(plain_address)
    houses = addresses.dropna().map(plain_address)
    # Most calls are at houses of no school: only those that have a school's house number are looked at, and listed.
    known = {address.split()[0] for address in plain if address}
    at_house = houses[houses.map(lambda address: address[: address.find(" ")] in known).astype(bool)]
    asked = addresses.where(addresses.index.isin(at_house.index) & table["school_id"].isna())
    review = _by_text(
        table,
        asked,
        plain,
        schools,
        decisions=("exact_address", "fuzzy_address"),
        reduce=plain_address,
        lowest_score=lowest_score,
    )
    return review[review["decision"] != "no_match"]


def _by_text(
    table: pd.DataFrame,
    given: pd.Series,
    plain: pd.Series,
    schools: gpd.GeoDataFrame,
    *,
    decisions: tuple[str, str],
    reduce: Callable[[str], str],
    lowest_score: float,
) -> pd.DataFrame:
    """Tie incidents to schools by a text, and list every text that is not one school's exactly."""
    by_text = pd.Series(schools["school_id"].to_numpy(), index=plain.to_numpy())
    by_text = by_text[by_text.index != ""]
    counts = given.dropna().value_counts()
    known = _Known(by_text, _squeezed(by_text.index), [_numbers_in(str(text)) for text in by_text.index])
    rows = [
        {"name_in_export": text, "incidents": int(n), **_decide(reduce(str(text)), known, decisions, lowest_score)}
        for text, n in counts.items()
    ]
    decided = pd.DataFrame(rows, columns=["name_in_export", "incidents", "school_id", "score", "decision"])
    lookup = decided.set_index("name_in_export")
    for decision in decisions:
        chosen = lookup[lookup["decision"] == decision]
        is_hit = given.isin(chosen.index)
        table.loc[is_hit, "school_id"] = given[is_hit].map(chosen["school_id"]).astype("str")
        table.loc[is_hit, "school_score"] = given[is_hit].map(chosen["score"]).astype("float64")
        table.loc[is_hit, "school_match"] = decision
    school_names = schools.set_index("school_id")["name"]
    review = decided[decided["decision"] != decisions[0]].assign(
        school_name=lambda d: d["school_id"].map(school_names).astype("str")
    )
    order = ["name_in_export", "incidents", "school_id", "school_name", "score", "decision"]
    return review[order].sort_values(["decision", "name_in_export"], ignore_index=True)


class _Known(NamedTuple):
    """The schools by a text of theirs, and what each text is compared by."""

    by_text: pd.Series
    squeezed: list[str]
    numbers: list[frozenset[str]]


def _squeezed(texts: Iterable[object]) -> list[str]:
    """Take the blanks out: O Hara is O'Hara, where words are parted makes no other name."""
    return [str(text).replace(" ", "") for text in texts]


def _decide(plain: str, known: _Known, decisions: tuple[str, str], lowest_score: float) -> dict[str, object]:
    by_text, (wanted,) = known.by_text, _squeezed([plain])
    same = by_text[[squeezed == wanted for squeezed in known.squeezed]]
    if len(same):
        is_one = len(same) == 1
        return {
            "school_id": same.iloc[0] if is_one else None,
            "score": 100.0,
            "decision": decisions[0] if is_one else "several_schools",
        }
    numbers = _numbers_in(plain)
    able = by_text[[theirs == numbers for theirs in known.numbers]]
    best = process.extract(plain, list(able.index), scorer=fuzz.token_sort_ratio, limit=2)
    if not best or best[0][1] < lowest_score:
        return {"school_id": None, "score": best[0][1] if best else np.nan, "decision": "no_match"}
    if len(best) > 1 and best[0][1] - best[1][1] < _CLOSEST_RIVAL:
        return {"school_id": None, "score": best[0][1], "decision": "several_schools"}
    return {"school_id": able.iloc[best[0][2]], "score": best[0][1], "decision": decisions[1]}


def _by_distance(
    table: pd.DataFrame,
    names: pd.Series,
    points: gpd.GeoSeries,
    schools: gpd.GeoDataFrame,
    crs: CRS,
    *,
    farthest_m: float,
) -> None:
    placed = schools[~(schools.geometry.isna() | schools.geometry.is_empty)]
    at_school = table["school_id"].map(pd.Series(range(len(placed)), index=placed["school_id"]))
    has_point = ~(points.isna() | points.is_empty)
    is_known = has_point & at_school.notna()
    is_seeking = has_point & ~is_known & names.isna() & (farthest_m > 0)
    if placed.empty or not has_point.any():
        return
    shapes = placed.geometry.to_crs(crs).to_numpy()
    table.loc[is_known, "school_distance_m"] = shapely.distance(
        _in_meters(points[is_known], crs), shapes[at_school[is_known].to_numpy(dtype="int64")]
    )
    if not is_seeking.any():
        return
    (which, school), distance = shapely.STRtree(shapes).query_nearest(
        _in_meters(points[is_seeking], crs), max_distance=farthest_m, return_distance=True, all_matches=False
    )
    rows = table.index[is_seeking][which]
    table.loc[rows, "school_id"] = placed["school_id"].to_numpy()[school]
    table.loc[rows, "school_match"] = "nearest"
    table.loc[rows, "school_distance_m"] = distance


_AT_ONCE = 100_000


def _in_meters(points: gpd.GeoSeries, crs: CRS) -> NDArray[np.object_]:
    """Project points; a million at once take longer than whoever ends the run would wait."""
    shapes = np.empty(len(points), dtype=object)
    for first in range(0, len(points), _AT_ONCE):
        shapes[first : first + _AT_ONCE] = points.iloc[first : first + _AT_ONCE].to_crs(crs).to_numpy()
    return shapes


def _id_findings(
    incident_ids: pd.Series, given: pd.Series, is_lost: pd.Series, alike: pd.Series, similar_ids: SimilarIds
) -> Iterator[Finding]:
    is_alike = pd.Series(given.index.isin(alike.index), index=given.index)
    pairs = pd.DataFrame({"given": given[is_alike], "school": alike}).drop_duplicates()
    clauses = name_ids(f"“{g}” for “{s}” ({_difference(g, s)})" for g, s in pairs.itertuples(index=False))
    if is_alike.any() and similar_ids == "same":
        message = f"{count_text(is_alike.sum(), 'incident')} with a school id that is written otherwise: {clauses}."
        remedy = "Nothing needs doing: similar_ids takes them as the same."
        yield Finding("note", "school_id_alike", "incidents", message, remedy=remedy)
    is_stopped = is_lost & is_alike & (similar_ids == "stop")
    if is_stopped.any():
        yield Finding(
            "error",
            "school_id_alike",
            "incidents",
            f"{int(is_stopped.sum()):,} of {int(given.notna().sum()):,} incidents with a school id that is not in "
            f"the school file as it is written, and so matches no school: {clauses}.",
            ids=tuple(incident_ids[is_stopped]),
            expected="a school_id as in the school file",
            remedy="Format the column of ids as text before saving the export (or the school file), or set "
            '[incidents] similar_ids = "same" to take such ids as one.',
            is_blocking=True,
        )
    unknown = given[is_lost & ~is_stopped]
    if len(unknown):
        is_all = len(unknown) == int(given.notna().sum())
        said = (
            f"No school id that an incident names is a school's ({count_text(len(unknown), 'incident')}):"
            if is_all
            else f"{count_text(len(unknown), 'incident')} with a school id that is not among the schools:"
        )
        yield Finding(
            "error" if is_all else "warning",
            "school_id_unknown",
            "incidents",
            f"{said} {name_ids(dict.fromkeys(unknown.sort_values()))}.",
            ids=tuple(incident_ids[unknown.index]),
            expected="a school_id of the school file",
            remedy="Name the column that holds the school file's ids"
            ' under [incidents.columns]; school_id = "" does without it.'
            if is_all
            else "Add the school, or correct the id.",
            is_blocking=is_all,
        )


def _address_findings(school_match: pd.Series) -> list[Finding]:
    by_address = int((school_match == "exact_address").sum())
    if not by_address:
        return []
    subject = f"{count_text(by_address, 'incident')} {'names' if by_address == 1 else 'name'} no school but its address"
    message = f"{subject}; taken to be there."
    remedy = 'If they are not, set [incidents.columns] address = "".'
    return [Finding("note", "school_matched_by_address", "incidents", message, remedy=remedy)]


def _findings(review: pd.DataFrame) -> Iterator[Finding]:
    fuzzy = review[review["decision"].isin(["fuzzy_name", "fuzzy_address"])]
    if len(fuzzy):
        pairs = [f"{r.name_in_export} → {r.school_name} ({r.score:.0f})" for r in fuzzy.itertuples()]
        yield Finding(
            "warning",
            "school_matched_by_likeness",
            "incidents",
            f"{count_text(fuzzy['incidents'].sum(), 'incident')} tied to a school by a likeness of names or "
            "addresses; review each.",
            ids=tuple(pairs),
            expected="the school's own name or id",
            remedy="Correct the names in the export, or raise [incidents] name_score or address_score.",
        )
    lost = review[review["decision"].isin(["no_match", "several_schools"])]
    if len(lost):
        yield Finding(
            "warning",
            "school_name_unmatched",
            "incidents",
            f"{count_text(lost['incidents'].sum(), 'incident')} with the name of a school that none, or several, "
            "resemble enough.",
            ids=tuple(str(name) for name in lost["name_in_export"]),
            expected="the school's own name or id",
            remedy="Correct the names in the export, or add the school.",
        )
