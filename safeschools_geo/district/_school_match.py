"""Which school an incident was at: as the export says, by name, or the nearest; always with the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from rapidfuzz import fuzz, process

from safeschools_geo import io
from safeschools_geo.errors import name_ids
from safeschools_geo.findings import Finding

if TYPE_CHECKING:
    import geopandas as gpd
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
    "st": "saint",
    "mt": "mount",
}
_CLOSEST_RIVAL = 3.0
"""A likeness counts only if the next school is at least so many points less like."""


@dataclass(frozen=True)
class SchoolMatches:
    """The school of each incident and how it was found.

    Parameters
    ----------
    table
        `school_id`, `school_match`, `school_score`, `school_distance_m`, on the index of the incidents.
    review
        One row for each name that was matched by likeness or not at all: `name_in_export`, `incidents`, `school_id`,
        `school_name`, `score`, `decision`.
    findings
        What a person should look at.
    """

    table: pd.DataFrame
    review: pd.DataFrame
    findings: tuple[Finding, ...]


def match_schools(
    incident_ids: pd.Series,
    given_ids: pd.Series,
    names: pd.Series,
    points: gpd.GeoSeries,
    schools: gpd.GeoDataFrame,
    *,
    crs: CRS,
    settings: IncidentSettings,
) -> SchoolMatches:
    """Tie incidents to schools.

    In this order: the id that the export gives; its school name, exactly (but for case, punctuation and usual
    abbreviations); its school name by likeness, from `name_score` on and only if no other school comes close; the
    nearest school within `nearest_school_m`, for incidents that name none.

    Notes
    -----
    Likeness is the token-sort ratio of RapidFuzz: the normalized edit similarity of the words in alphabetical order.
    """
    table = pd.DataFrame(
        {"school_id": pd.NA, "school_match": pd.NA, "school_score": np.nan, "school_distance_m": np.nan},
        index=given_ids.index,
    ).astype({"school_id": "str", "school_match": "str"})
    is_known = given_ids.isin(schools["school_id"])
    alike = _alike(given_ids[given_ids.notna() & ~is_known], schools["school_id"])
    if settings.similar_ids == "same":
        is_known |= given_ids.index.isin(alike.index)
    table.loc[is_known, "school_id"] = alike.reindex(given_ids.index)[is_known].fillna(given_ids[is_known])
    table.loc[is_known, "school_match"] = "given"
    review = _by_name(table, names.where(~is_known), schools, settings.name_score)
    _by_distance(table, names, points, schools, crs, farthest_m=settings.nearest_school_m)
    is_lost = given_ids.notna() & ~is_known & table["school_id"].isna()
    findings = [
        *_findings(review),
        *_id_findings(incident_ids, given_ids, is_lost, alike, settings.similar_ids),
    ]
    return SchoolMatches(table, review, tuple(findings))


def _alike(given: pd.Series, school_ids: pd.Series) -> pd.Series:
    """Find, for ids that are no school's, the one school whose id differs only in how it is written."""
    keys = io.id_key(school_ids)
    by_key = pd.Series(school_ids.to_numpy(), index=keys)[~keys.duplicated(keep=False).to_numpy()]
    return io.id_key(given).map(by_key).dropna().astype("str")


def plain_name(name: str) -> str:
    """Reduce a school's name to what tells it from others."""
    letters = "".join(c if c.isalnum() else " " for c in name.casefold().replace("'", ""))
    words = [_SPELT_OUT.get(word, word) for word in letters.split()]
    return " ".join(word for word in words if word not in {"school", "schools", "the"}) or letters.strip()


def _by_name(table: pd.DataFrame, names: pd.Series, schools: gpd.GeoDataFrame, lowest_score: float) -> pd.DataFrame:
    plain = schools["name"].map(plain_name)
    by_name = pd.Series(schools["school_id"].to_numpy(), index=plain)
    single = by_name[~by_name.index.duplicated(keep=False)]
    counts = names.dropna().value_counts()
    rows = [
        {"name_in_export": name, "incidents": int(n), **_decide(str(name), single, by_name, lowest_score)}
        for name, n in counts.items()
    ]
    decided = pd.DataFrame(rows, columns=["name_in_export", "incidents", "school_id", "score", "decision"])
    lookup = decided.set_index("name_in_export")
    for decision in ("exact_name", "fuzzy_name"):
        chosen = lookup[lookup["decision"] == decision]
        is_hit = names.isin(chosen.index)
        table.loc[is_hit, "school_id"] = names[is_hit].map(chosen["school_id"]).astype("str")
        table.loc[is_hit, "school_score"] = names[is_hit].map(chosen["score"]).astype("float64")
        table.loc[is_hit, "school_match"] = decision
    school_names = schools.set_index("school_id")["name"]
    review = decided[decided["decision"] != "exact_name"].assign(
        school_name=lambda d: d["school_id"].map(school_names).astype("str")
    )
    order = ["name_in_export", "incidents", "school_id", "school_name", "score", "decision"]
    return review[order].sort_values(["decision", "name_in_export"], ignore_index=True)


def _decide(name: str, single: pd.Series, by_name: pd.Series, lowest_score: float) -> dict[str, object]:
    plain = plain_name(name)
    if plain in single.index:
        return {"school_id": single[plain], "score": 100.0, "decision": "exact_name"}
    if plain in by_name.index:
        return {"school_id": None, "score": 100.0, "decision": "several_schools"}
    best = process.extract(plain, list(by_name.index), scorer=fuzz.token_sort_ratio, limit=2)
    if not best or best[0][1] < lowest_score:
        return {"school_id": None, "score": best[0][1] if best else np.nan, "decision": "no_match"}
    if len(best) > 1 and best[0][1] - best[1][1] < _CLOSEST_RIVAL:
        return {"school_id": None, "score": best[0][1], "decision": "several_schools"}
    return {"school_id": by_name.iloc[best[0][2]], "score": best[0][1], "decision": "fuzzy_name"}


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
    has_point = ~(points.isna() | points.is_empty)
    if placed.empty or not has_point.any():
        return
    shapes = placed.geometry.to_crs(crs).to_numpy()
    meters = points[has_point].to_crs(crs)
    at_school = table.loc[has_point, "school_id"].map(pd.Series(range(len(placed)), index=placed["school_id"]))
    known = at_school.notna()
    table.loc[known[known].index, "school_distance_m"] = shapely.distance(
        meters[known].to_numpy(), shapes[at_school[known].to_numpy(dtype="int64")]
    )
    seeking = meters[~known & names[has_point].isna()]
    if farthest_m <= 0 or seeking.empty:
        return
    (which, school), distance = shapely.STRtree(shapes).query_nearest(
        seeking.to_numpy(), max_distance=farthest_m, return_distance=True, all_matches=False
    )
    rows = seeking.index[which]
    table.loc[rows, "school_id"] = placed["school_id"].to_numpy()[school]
    table.loc[rows, "school_match"] = "nearest"
    table.loc[rows, "school_distance_m"] = distance


def _id_findings(
    incident_ids: pd.Series, given: pd.Series, is_lost: pd.Series, alike: pd.Series, similar_ids: SimilarIds
) -> list[Finding]:
    findings = []
    is_alike = pd.Series(given.index.isin(alike.index), index=given.index)
    pairs = pd.DataFrame({"given": given[is_alike], "school": alike}).drop_duplicates()
    told = name_ids(f"“{g}” for “{s}” ({io.difference_text(g, s)})" for g, s in pairs.itertuples(index=False))
    if is_alike.any() and similar_ids == "same":
        message = f"{int(is_alike.sum()):,} incidents name a school by an id that is written otherwise: {told}."
        remedy = "Nothing needs doing: similar_ids takes them as the same."
        findings.append(Finding("note", "school_id_alike", "incidents", message, remedy=remedy))
    is_stopped = is_lost & is_alike & (similar_ids == "stop")
    if is_stopped.any():
        findings.append(
            Finding(
                "error",
                "school_id_alike",
                "incidents",
                f"{int(is_stopped.sum()):,} of {int(given.notna().sum()):,} incidents name a school by an id that is "
                f"not in the school file as it is written, so they match no school: {told}.",
                ids=tuple(incident_ids[is_stopped]),
                expected="a school_id as in the school file",
                remedy="Format the column of ids as text before saving the export (or the school file), or set "
                '[incidents] similar_ids = "same" to take such ids as one.',
                is_blocking=True,
            )
        )
    unknown = given[is_lost & ~is_stopped]
    if len(unknown):
        is_all = len(unknown) == int(given.notna().sum())
        said = (
            f"None of the {len(unknown):,} school ids that incidents name is a school's:"
            if is_all
            else f"{len(unknown):,} incidents name a school id that is not among the schools:"
        )
        findings.append(
            Finding(
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
        )
    return findings


def _findings(review: pd.DataFrame) -> list[Finding]:
    findings = []
    fuzzy = review[review["decision"] == "fuzzy_name"]
    if len(fuzzy):
        pairs = [f"{r.name_in_export} → {r.school_name} ({r.score:.0f})" for r in fuzzy.itertuples()]
        findings.append(
            Finding(
                "warning",
                "school_matched_by_likeness",
                "incidents",
                f"{int(fuzzy['incidents'].sum())} incidents were tied to schools by a likeness of names; review each.",
                ids=tuple(pairs),
                expected="the school's own name or id",
                remedy="Correct the names in the export, or raise [incidents] name_score.",
            )
        )
    lost = review[review["decision"].isin(["no_match", "several_schools"])]
    if len(lost):
        findings.append(
            Finding(
                "warning",
                "school_name_unmatched",
                "incidents",
                f"{int(lost['incidents'].sum())} incidents name a school that none, or several, resemble enough.",
                ids=tuple(str(name) for name in lost["name_in_export"]),
                expected="the school's own name or id",
                remedy="Correct the names in the export, or add the school.",
            )
        )
    return findings
