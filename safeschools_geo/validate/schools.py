"""Schools: each once, with a name, a level and an enrolment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.validate.school_places import check_places
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.results import Finding

MOST_STUDENTS = 6000
"""An enrolment above this is taken for a slip."""


def check_schools(
    schools: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    *,
    crs: CRS,
    boundary: gpd.GeoDataFrame | None = None,
) -> list[Finding]:
    """Check the schools of a district.

    Parameters
    ----------
    schools
        Table `schools`, EPSG:4326; ids need not be unique here.
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.
    boundary
        The district, EPSG:4326, if it is known.

    Returns
    -------
    list of Finding
        All faults; none for a clean table.
    """
    return [
        *check_ids(schools),
        *check_names(schools),
        *check_levels(schools),
        *check_enrollment(schools),
        *check_places(schools, zones, crs=crs, boundary=boundary),
    ]


def check_ids(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find ids that several schools have.

    Parameters
    ----------
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        One, or none.
    """
    repeated = schools["school_id"][schools["school_id"].duplicated(keep=False)]
    return tell(
        dict.fromkeys(repeated),
        "error",
        "school_id_duplicate",
        "schools",
        f"{count_text(len(repeated), 'row')} with the school_id of another row.",
        expected="an id of its own for each school",
        remedy="Delete the rows that are the same school, and correct the ids of the others.",
    )


def check_names(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools without a name of their own.

    Parameters
    ----------
    schools
        Table `schools`; a name that equals the id counts as none.

    Returns
    -------
    list of Finding
        One for missing names, one for names that several schools have (capitals and spaces aside).
    """
    plain = schools["name"].fillna("").str.split().str.join(" ").str.casefold()
    is_nameless = (plain == "") | (plain == schools["school_id"].str.casefold())
    is_shared = ~is_nameless & plain.duplicated(keep=False)
    return [
        *tell(
            schools["school_id"][is_nameless],
            "warning",
            "school_name_missing",
            "schools",
            f"{count_text(int(is_nameless.sum()), 'school')} without a name.",
            expected="the name people use",
            remedy="Fill in the names; incidents are matched to schools by them, and maps show them.",
        ),
        *tell(
            schools["school_id"][is_shared],
            "warning",
            "school_name_duplicate",
            "schools",
            f"{count_text(int(is_shared.sum()), 'school')} with the name of another: "
            f"{name_ids(dict.fromkeys(schools['name'][is_shared]))}.",
            expected="names that tell schools apart",
            remedy="Check that they are different schools; incidents that give only the name cannot be told apart.",
        ),
    ]


def check_levels(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools that are none of the usual levels.

    Parameters
    ----------
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        One, or none.
    """
    others = schools["school_id"][schools["level"] == "other"]
    return tell(
        others,
        "note",
        "school_level_other",
        "schools",
        f"{count_text(len(others), 'school')} of the level other, with the hours and visits set for that level.",
        expected="elementary, middle, high or k8 where it applies",
        remedy="Map their values under [schools.levels] in district.toml.",
    )


def check_enrollment(schools: gpd.GeoDataFrame) -> list[Finding]:
    """Find schools whose number of students is missing or hard to believe.

    Parameters
    ----------
    schools
        Table `schools`.

    Returns
    -------
    list of Finding
        One for missing numbers at programme schools, one for numbers that are not between 1 and `MOST_STUDENTS`.
    """
    students = schools["enrollment"].astype("Float64")
    is_missing = students.isna() & schools["in_program"]
    is_odd = ((students <= 0) | (students > MOST_STUDENTS)).fillna(value=False).astype(bool)
    odd = [f"{i} ({n:,.0f})" for i, n in zip(schools["school_id"][is_odd], students[is_odd], strict=True)]
    missing = count_text(int(is_missing.sum()), "programme school", of=int(schools["in_program"].sum()))
    return [
        *tell(
            schools["school_id"][is_missing],
            "warning",
            "enrollment_missing",
            "schools",
            f"{missing} without an enrolment, and so without rates.",
            expected="a number of students for every programme school",
            remedy="Fill in the numbers, or name a file that has them under [schools.enrollment_file].",
        ),
        *tell(
            schools["school_id"][is_odd],
            "warning",
            "enrollment_unlikely",
            "schools",
            f"{count_text(len(odd), 'school')} with an enrolment that is hard to believe: {name_ids(odd)}.",
            expected=f"1 to {MOST_STUDENTS:,} students",
            remedy="Correct the numbers; leave the cell empty where the enrolment is not known.",
        ),
    ]
