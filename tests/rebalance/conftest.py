"""What the tests of zone drafting share: the real schools of San Juan Unified."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest

LEVELS = {"ELEM": "elementary", "INTMIDJR": "middle", "HS": "high"}


@pytest.fixture(scope="session")
def san_juan_schools(real_data):
    """Return the 79 active schools of San Juan Unified, 72 of them with their enrollment."""
    folder = real_data / "san_juan"
    schools = pd.read_csv(folder / "cde_public_schools_sacramento_county_2018.csv", dtype=str)
    is_active = schools["CDSCode"].str.startswith("3467447") & schools["StatusType"].eq("Active")
    schools = schools[is_active & schools["School"].notna()].reset_index(drop=True)
    meals = pd.read_csv(folder / "frpm_sacramento_county_2014-15.csv", dtype=str).dropna(subset=["School Code"])
    code = meals["County Code"].str.zfill(2) + meals["District Code"].str.zfill(5) + meals["School Code"].str.zfill(7)
    enrollment = pd.Series(pd.to_numeric(meals["Enrollment (K-12)"]).to_numpy(), index=code)
    return gpd.GeoDataFrame(
        {
            "school_id": schools["CDSCode"],
            "name": schools["School"],
            "level": schools["EILCode"].map(LEVELS).fillna("other"),
            "enrollment": schools["CDSCode"].map(enrollment).astype("Int64"),
        },
        geometry=gpd.points_from_xy(schools["Longitude"].astype(float), schools["Latitude"].astype(float)),
        crs=4326,
    )
