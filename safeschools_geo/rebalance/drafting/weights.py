"""Weights: what each school counts for when zones are balanced, and how missing figures are filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True, eq=False)
class Weights:
    """What each school counts for.

    Parameters
    ----------
    values
        Weight of each school, float64, by `school_id`; named after the column, or `schools`.
    estimated
        Ids of the schools whose figure was missing.
    """

    values: pd.Series
    estimated: tuple[str, ...]

    @property
    def is_count(self) -> bool:
        """Whether every school counts 1."""
        return self.values.name == "schools"


def school_weights(schools: gpd.GeoDataFrame, weight: str | None) -> Weights:
    """Find what each school counts for.

    Parameters
    ----------
    schools
        Schools with `school_id`, the column `weight`, and `level` if figures may be missing.
    weight
        Column of numbers, such as ``enrollment``; None counts every school as 1.

    Returns
    -------
    Weights
        A missing figure is the median of the school's level, or of all schools where its level has none; where no
        school has a figure, schools are counted.

    Raises
    ------
    ColumnError
        When ids are missing or repeat, the column is not there, holds no numbers or negative ones, or is 0 throughout.
    """
    ids = _school_ids(schools)
    if weight is None or (weight in schools.columns and schools[weight].isna().all()):
        missing = () if weight is None else tuple(ids)
        return Weights(pd.Series(1.0, index=pd.Index(ids, name="school_id"), name="schools"), missing)
    figures = _figures(schools, weight, ids)
    is_missing = figures.isna()
    level = schools["level"].to_numpy() if "level" in schools.columns else pd.Series("", index=figures.index).to_numpy()
    filled = figures.fillna(figures.groupby(level).transform("median")).fillna(figures.median())
    if filled.sum() == 0:
        raise ColumnError(
            f"Zones cannot be balanced by {weight}: it is 0 for every school.",
            where="schools",
            expected="a number above 0 for some school",
            remedy="Choose another weight, or None to count schools.",
        )
    return Weights(filled.rename(weight), tuple(figures.index[is_missing]))


def _school_ids(schools: gpd.GeoDataFrame) -> pd.Series:
    if "school_id" not in schools.columns:
        raise ColumnError(
            "The schools have no ids.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected="a column school_id",
            remedy="Rename the column that holds the ids.",
        )
    ids = schools["school_id"]
    is_faulty = ids.isna() | ids.duplicated(keep=False)
    if is_faulty.any():
        raise ColumnError(
            "Some schools have no id, or one that another school has too.",
            where="schools",
            ids=ids[is_faulty],
            expected="one row for each school, each with an id",
            remedy="Leave out the rows that repeat, and give every school its own id.",
        )
    texts: pd.Series = ids.astype("str")
    return texts


def _figures(schools: gpd.GeoDataFrame, weight: str, ids: pd.Series) -> pd.Series:
    if weight not in schools.columns:
        raise ColumnError(
            f"The schools have no column {weight}.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected=f"a column {weight} of numbers",
            remedy="Name another column as the weight, or None to count schools.",
        )
    figures = pd.to_numeric(schools[weight], errors="coerce").astype("Float64")
    is_faulty = (figures.isna() & schools[weight].notna()) | (figures < 0).fillna(value=False)
    if is_faulty.any():
        raise ColumnError(
            f"Some schools have a {weight} that is not a number of 0 or more.",
            where="schools",
            ids=ids[is_faulty],
            found=", ".join(str(v) for v in schools.loc[is_faulty, weight].head(3)),
            expected="numbers of 0 or more, or nothing where unknown",
            remedy="Mend the figures.",
        )
    values = figures.to_numpy(dtype="float64", na_value=float("nan"))
    return pd.Series(values, index=pd.Index(ids, name="school_id"))
