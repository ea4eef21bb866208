"""Incidents: what the history says, what it leaves out, and where it piles up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.errors import count_text
from safeschools_geo.results import Finding
from safeschools_geo.schemas import CRITICAL_CATEGORIES
from safeschools_geo.validate.coordinates import FAR_M, classify_coordinates
from safeschools_geo.validate.incident_times import check_times
from safeschools_geo.validate.piles import AWAY_M, find_piles, pile_of
from safeschools_geo.validate.telling import part_text, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.settings import Settings, Term

MOST_PILES = 5
"""Piles that get a finding of their own; the rest share one."""

_MANY = 0.05
_MOST = 0.5
_NEARLY_ALL = 0.99


def check_incidents(
    incidents: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    *,
    settings: Settings,
    crs: CRS,
    terms: Sequence[Term] | None = None,
    district: gpd.GeoSeries | None = None,
) -> list[Finding]:
    """Check the history of incidents.

    Parameters
    ----------
    incidents
        Table `incidents`, EPSG:4326.
    schools
        Table `schools`, EPSG:4326.
    settings
        Settings of the district.
    crs
        Projected CRS in metres to measure in.
    terms
        Terms of the district; those of the settings if left out.
    district
        Zones and boundary of the district, EPSG:4326; places are not held against them if left out.

    Returns
    -------
    list of Finding
        All faults; none for a clean history, nor for an empty one, of which reading has told.
    """
    if incidents.empty:
        return []
    return [
        *check_times(incidents, settings.terms if terms is None else terms, time_zone=settings.district.time_zone),
        *check_places(incidents),
        *([] if district is None else check_outside(incidents, district)),
        *check_piles(incidents, schools, pile_up=settings.incidents.pile_up, crs=crs),
        *check_categories(incidents),
        *check_responders(incidents),
        *check_schools_seen(incidents, schools),
    ]


def check_places(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Count incidents without coordinates.

    Parameters
    ----------
    incidents
        Table `incidents`.

    Returns
    -------
    list of Finding
        One for incidents that only a school places, one for those that nothing places: a note, a warning where they
        are more than 5 % of all, an error from 99 % on.
    """
    is_bare = ~np.isfinite(shapely.bounds(incidents.geometry.to_numpy())).all(axis=1)
    has_school = incidents["school_id"].notna().to_numpy()
    ids, total = incidents["incident_id"], len(incidents)
    by_school, nowhere = ids[is_bare & has_school], ids[is_bare & ~has_school]
    return [
        *tell(
            by_school,
            "note",
            "incident_placed_by_school",
            "incidents",
            f"{part_text(len(by_school), total, 'incident')} without usable coordinates, placed at their school.",
            expected="coordinates for every incident",
            remedy="Nothing needs doing if the schools are right.",
        ),
        *tell(
            nowhere,
            "error" if len(nowhere) >= _NEARLY_ALL * total else "warning" if len(nowhere) > _MANY * total else "note",
            "incident_no_location",
            "incidents",
            f"{part_text(len(nowhere), total, 'incident')} with neither usable coordinates nor a known school, and so "
            "on no map and in no zone.",
            expected="coordinates or a school for every incident",
            remedy="Export the addresses' coordinates, or the names of the schools.",
        ),
    ]


def check_outside(incidents: gpd.GeoDataFrame, district: gpd.GeoSeries) -> list[Finding]:
    """Find exports that lie mostly outside the district.

    Parameters
    ----------
    incidents
        Table `incidents`, EPSG:4326.
    district
        Zones and boundary of the district, EPSG:4326.

    Returns
    -------
    list of Finding
        One for each export of which more than half of the incidents that have a place or a school have a place outside
        the district and no school of it; an error from 99 % on.
    """
    shape = shapely.union_all(district.to_numpy())
    bounds = shapely.bounds(incidents.geometry.to_numpy())
    has_place = np.isfinite(bounds).all(axis=1)
    has_school = incidents["school_id"].notna().to_numpy()
    shapely.prepare(shape)
    is_out = has_place & ~has_school & ~shapely.intersects_xy(shape, bounds[:, 0], bounds[:, 1])
    is_far = is_out & (classify_coordinates(incidents.geometry, district) != "ok").to_numpy()
    told = pd.DataFrame({"known": has_place | has_school, "out": is_out, "far": is_far}, index=incidents.index)
    findings = []
    for file, rows in told.groupby(incidents["source_file"], sort=True):
        known, out, far = (int(rows[name].sum()) for name in ("known", "out", "far"))
        if out <= _MOST * known:
            continue
        is_elsewhere = far > _MOST * out
        findings += tell(
            incidents["incident_id"][rows.index[rows["out"]]],
            "error" if out >= _NEARLY_ALL * known else "warning",
            "export_outside_district",
            "incidents",
            f"{part_text(out, known, 'incident')} of {file} outside the district and at none of its schools, {far:,} "
            f"of them more than {FAR_M / 1000:.0f} km away; {known - out:,} are left. "
            + (
                "That is what coordinates in another CRS, or another place's export, look like."
                if is_elsewhere
                else "That is what an export of the whole county or city looks like."
            ),
            expected="incidents in the district or at its schools",
            remedy="See whether `crs` under [incidents] is that of the export, and whether the export is this "
            "district's."
            if is_elsewhere
            else "Keep the district's own calls with a pattern for one of the export's columns under [incidents.keep], "
            "such as its agency or beat; if all are meant, correct the zones.",
        )
    return findings


def check_piles(incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame, *, pile_up: int, crs: CRS) -> list[Finding]:
    """Find places, away from every school, where incidents pile up, as a geocoder's default does.

    Parameters
    ----------
    incidents
        Table `incidents`, EPSG:4326.
    schools
        Table `schools`, EPSG:4326.
    pile_up
        Number of incidents at one place, to six decimals of a degree, from which it is a pile.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Finding
        The largest `MOST_PILES` piles that are more than `AWAY_M` metres from every school one by one, with their
        location; the others together.
    """
    piles = find_piles(incidents.geometry, schools.geometry, smallest=pile_up, crs=crs)
    pile, ids = pile_of(incidents.geometry, piles).to_numpy(), incidents["incident_id"].to_numpy()
    spots = [(float(x), float(y)) for x, y in zip(piles["x"], piles["y"], strict=True)]
    members = [ids[pile == row] for row in range(len(piles))]
    findings = [_pile(members[i], spots[i]) for i in range(min(MOST_PILES, len(spots)))]
    return [*findings, *_more_piles(members[MOST_PILES:], spots[MOST_PILES:])]


def check_categories(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Name the critical categories that never occur.

    Parameters
    ----------
    incidents
        Table `incidents`.

    Returns
    -------
    list of Finding
        One, with the categories as ids, or none.
    """
    never = [c for c in CRITICAL_CATEGORIES if c not in set(incidents["category"])]
    return tell(
        never,
        "note",
        "category_never_seen",
        "incidents",
        f"{len(never)} of the {len(CRITICAL_CATEGORIES)} critical categories never occur: "
        f"{', '.join(CRITICAL_CATEGORIES[c] for c in never)}.",
        expected="every critical category in a long history",
        remedy="See whether crosswalk.csv leads to them, and whether the export leaves such calls out.",
    )


def check_responders(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Count incidents of which nobody says who came.

    Parameters
    ----------
    incidents
        Table `incidents`, not empty.

    Returns
    -------
    list of Finding
        One, or none; without ids when nobody says it of any.
    """
    cells = incidents.get("responder")
    expected = "zone_officer, backup_officer, patrol or specialist"
    remedy = "Map the export's values under [incidents.responders]; without them backup is not counted."
    if cells is None or cells.isna().all():
        message = f"The export does not say who came to any of its {count_text(len(incidents), 'incident')}."
        return [Finding("note", "responder_unknown", "incidents", message, expected=expected, remedy=remedy)]
    unknown = incidents["incident_id"][cells.isna()]
    message = f"{part_text(len(unknown), len(incidents), 'incident')} without a known responder."
    return tell(unknown, "note", "responder_unknown", "incidents", message, expected=expected, remedy=remedy)


def check_schools_seen(incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame) -> list[Finding]:
    """Name the programme schools at which nothing ever happened.

    Parameters
    ----------
    incidents
        Table `incidents`.
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        A note that names them; a warning when that is all of them.
    """
    members = schools["school_id"][schools["in_program"]]
    quiet = members[~members.isin(incidents["school_id"].dropna())]
    is_all = len(quiet) == len(members)
    return tell(
        quiet,
        "warning" if is_all else "note",
        "school_without_incidents",
        "incidents",
        "No incident is known to have happened at a programme school."
        if is_all
        else f"{count_text(len(quiet), 'programme school', of=len(members))} without an incident in all the history.",
        expected="some incidents at every school over the years",
        remedy="See whether the export names these schools differently, or says nothing of schools; then set "
        "`nearest_school_m` under [incidents], or map the names.",
    )


def _pile(ids: np.ndarray, spot: tuple[float, float]) -> Finding:
    return Finding(
        "warning",
        "incident_pile_up",
        "incidents",
        f"{len(ids):,} incidents at one point that is no school.",
        tuple(str(i) for i in ids),
        expected=f"incidents where they happened, or within {AWAY_M:.0f} m of a school",
        remedy="Look the point up: a city hall, a station or the middle of the district is what a geocoder gives when "
        "it finds nothing. Leave such coordinates out of the export.",
        location=spot,
    )


def _more_piles(members: list[np.ndarray], spots: list[tuple[float, float]]) -> list[Finding]:
    ids = np.concatenate(members) if members else np.array([])
    return tell(
        ids,
        "warning",
        "incident_pile_up",
        "incidents",
        f"{len(ids):,} incidents at {count_text(len(spots), 'more point')} that are no schools.",
        expected=f"incidents where they happened, or within {AWAY_M:.0f} m of a school",
        remedy="If the export rounds addresses to blocks this is its doing; raise `pile_up` under [incidents].",
        location=spots[0] if spots else None,
    )
