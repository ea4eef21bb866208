"""Tables about units: a plan in the order of the units, and the schools that the units hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import InputError, SeveralFaultsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd


def in_order(assignment: pd.Series, units: gpd.GeoDataFrame) -> pd.Series:
    """Put an assignment into the order of the units, and refuse one that is not about them.

    Parameters
    ----------
    assignment
        Zone of each unit, by `unit_id`, in any order.
    units
        Units with `unit_id`.

    Returns
    -------
    pandas.Series
        Named `zone_id`, dtype str, by `unit_id` in the order of the units.

    Raises
    ------
    InputError
        When a unit has no zone or two, or the assignment names another unit. All faults are told at once.
    """
    ids = pd.Index(units["unit_id"], name="unit_id")
    lost = ids.difference(assignment.dropna().index, sort=False)
    groups = {
        "The plan gives some units no zone.": lost,
        "The plan names units that are not known.": assignment.index.difference(ids, sort=False),
        "The plan gives some units two zones.": assignment.index[assignment.index.duplicated()].unique(),
    }
    faults = [
        InputError(
            problem,
            where="assignment",
            ids=which,
            expected="one zone for each unit",
            remedy="Give every unit of the table units one zone, and leave out all others.",
        )
        for problem, which in groups.items()
        if len(which)
    ]
    if faults:
        raise faults[0] if len(faults) == 1 else SeveralFaultsError(faults)
    ordered: pd.Series = assignment.loc[ids].astype("str").rename("zone_id")
    return ordered


def schools_of_units(units: gpd.GeoDataFrame) -> pd.Series:
    """Say which unit holds each school.

    Parameters
    ----------
    units
        `unit_id`, and `school_ids` (tuple of str) where there are any; without that column a unit is the school of its
        id.

    Returns
    -------
    pandas.Series
        Named `unit_id`, by `school_id`, in the order of the units.
    """
    if "school_ids" not in units.columns:
        schools, holders = units["unit_id"].tolist(), units["unit_id"].tolist()
    else:
        pairs = zip(units["unit_id"], units["school_ids"], strict=True)
        held = [(school, unit) for unit, members in pairs for school in members]
        schools, holders = [s for s, _ in held], [u for _, u in held]
    return pd.Series(holders, index=pd.Index(schools, name="school_id", dtype="str"), name="unit_id", dtype="str")


def schools_in_zones(schools: gpd.GeoDataFrame, school_zones: pd.Series) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """Take the schools of the programme that have a place and a zone, and say why the others are left out.

    Parameters
    ----------
    schools
        `school_id`, geometry, and `in_program` where not every school is.
    school_zones
        `zone_id` by `school_id`; empty or missing where a school has none.

    Returns
    -------
    kept : geopandas.GeoDataFrame
        These schools with `zone_id`, on a fresh index.
    left_out : pandas.Series
        Why each of the others is left out, on the index of `schools`.
    """
    zone_id = schools["school_id"].map(school_zones[~school_zones.index.duplicated()]).astype("str").fillna("")
    shapes = schools.geometry
    reasons = {
        "not in the programme": ~schools["in_program"].astype("bool") if "in_program" in schools else None,
        "without a place": shapes.isna() | shapes.is_empty,
        "without a zone": zone_id == "",
    }
    left_out = pd.Series("", index=schools.index, dtype="object")
    for reason, is_so in reasons.items():
        if is_so is not None:
            left_out[is_so & (left_out == "")] = reason
    kept = schools.assign(zone_id=zone_id)[left_out == ""].reset_index(drop=True)
    return kept, left_out[left_out != ""]


def natural_order(ids: Iterable[str]) -> list[str]:
    """Sort ids as people count: numbers by their value, then the others by their letters.

    Parameters
    ----------
    ids
        Ids; repeats are left out.

    Returns
    -------
    list of str
        ``["2", "10", "north"]``.
    """
    return sorted(set(ids), key=lambda i: (not i.isdecimal(), int(i) if i.isdecimal() else 0, i))
