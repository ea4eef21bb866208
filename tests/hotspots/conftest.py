"""The demo district as the tests of hotspots take it: assigned, in context, counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from checkout import DEMO

from safeschools_geo.district._district import District, read_district
from safeschools_geo.hotspots._expected import school_counts
from safeschools_geo.term._run import assign_incidents, assign_schools, history_in_context, zone_by_school


@dataclass
class Demo:
    district: District
    history: gpd.GeoDataFrame
    zones: pd.Series
    counts: pd.DataFrame
    planted: dict[str, Any]

    @property
    def places(self) -> gpd.GeoSeries:
        return self.district.schools.set_index("school_id").geometry


@pytest.fixture(scope="session")
def demo() -> Demo:
    district = read_district(DEMO)
    school_zones = assign_schools(district)
    history = history_in_context(district, school_zones, assign_incidents(district))
    zones = zone_by_school(school_zones)
    settings = district.settings
    counts = school_counts(history, district.schools, zones, terms=settings.terms, calendar=settings.calendar)
    planted = json.loads((DEMO / "truths.json").read_text(encoding="utf-8"))["planted"]
    return Demo(district, history, zones, counts, planted)
