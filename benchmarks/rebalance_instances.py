"""Instances for rebalancing: real schools, census tracts and police beats, and random Voronoi cells.

The real ones read the public records named by `SAFESCHOOLS_REAL_DATA` (default `../shared/data` beside the checkout).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sklearn.cluster import KMeans

from safeschools_geo.crs import measuring_crs
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._cells import service_areas
from safeschools_geo.rebalance._draft import draft_zones
from safeschools_geo.rebalance._neighbors import adjacency_matrix, unit_edges, zone_pieces
from safeschools_geo.rebalance._partition import Places, compact_partition
from safeschools_geo.rebalance._tiling import reading_order

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
UTM_10N = "EPSG:32610"
LEVELS = {"ELEM": "elementary", "INTMIDJR": "middle", "HS": "high"}
LOAD_OF_LEVEL = {"elementary": 0.4, "middle": 1.0, "high": 2.2, "other": 0.5}
"""Mean simulated load of a school, in officer-hours a school day."""

SIDE_M, RIM_M = 30_000.0, 50.0
GAP_M = 10.0
"""Gaps between simplified beats up to this width are closed."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Units in their current zones, and which of them are neighbors.

    Parameters
    ----------
    name
        Name for the command line and the tables.
    about
        One sentence for the reader of a table.
    units
        `unit_id`, `zone_id` (current zone), `workload`, and geometry in EPSG:4326; an exact coverage.
    edges
        Neighbors, as `links.unit_edges` finds them: `unit_a`, `unit_b`, `shared_m`, `kind`.
    """

    name: str
    about: str
    units: gpd.GeoDataFrame
    edges: pd.DataFrame


def data_folder() -> Path:
    """Return the folder of the real public records.

    Returns
    -------
    pathlib.Path
        As `SAFESCHOOLS_REAL_DATA` says; it need not exist.
    """
    return Path(os.environ.get("SAFESCHOOLS_REAL_DATA", ROOT.parent / "shared" / "data"))


def san_juan(seed: int = 0, zones: int = 8) -> Instance:
    """Take the 79 schools of San Juan Unified in drafted zones; their loads are simulated.

    Parameters
    ----------
    seed
        Seed of the loads.
    zones
        Number of zones drafted; they balance the number of schools, so their loads differ widely.

    Returns
    -------
    Instance
        One unit for each site: three pairs of schools share theirs. The load of a school is the mean of its level
        times a Gamma(4) variable of mean 1.
    """
    schools = san_juan_schools()
    district = gpd.read_file(data_folder() / "san_juan" / "district_2012.geojson")
    units = draft_zones(schools, district, zones=zones, weight=None, starts=10).units
    draw = np.random.default_rng(seed).gamma(4, 0.25, len(schools))
    load = pd.Series(schools["level"].map(LOAD_OF_LEVEL).to_numpy() * draw, index=schools["school_id"])
    units["workload"] = [float(load.loc[list(ids)].sum()) for ids in units["school_ids"]]
    about = f"{len(schools)} schools at {len(units)} sites, {zones} drafted zones, simulated loads (seed {seed})"
    return _instance(f"san_juan({seed})", about, units)


def san_juan_schools() -> gpd.GeoDataFrame:
    """Read the 79 active schools of San Juan Unified.

    Returns
    -------
    geopandas.GeoDataFrame
        `school_id`, `level`, and points in EPSG:4326.
    """
    table = pd.read_csv(data_folder() / "san_juan" / "cde_public_schools_sacramento_county_2018.csv", dtype=str)
    is_active = table["CDSCode"].str.startswith("3467447") & table["StatusType"].eq("Active") & table["School"].notna()
    table = table[is_active].reset_index(drop=True)
    level = table["EILCode"].map(LEVELS).fillna("other")
    points = gpd.points_from_xy(table["Longitude"].astype(float), table["Latitude"].astype(float))
    return gpd.GeoDataFrame({"school_id": table["CDSCode"], "level": level}, geometry=points, crs=4326)


def voronoi(n: int, seed: int = 0, zones: int = 8) -> Instance:
    """Scatter points over a square of 30 km; their cells are the units.

    Parameters
    ----------
    n
        Number of units.
    seed
        Seed of points, loads and zones.
    zones
        Number of zones: k-means clusters of the points.

    Returns
    -------
    Instance
        Loads are Gamma(2) variables of mean 1. No point lies within 50 m of the rim.
    """
    rng = np.random.default_rng(seed)
    west, south = 600_000, 4_200_000
    xy = rng.uniform(RIM_M, SIDE_M - RIM_M, (n, 2)) + np.array([west, south])
    points = gpd.GeoDataFrame(
        {"school_id": [f"u{i:04d}" for i in range(n)]}, geometry=gpd.points_from_xy(*xy.T), crs=UTM_10N
    )
    square = shapely.box(west, south, west + SIDE_M, south + SIDE_M)
    units = service_areas(points, gpd.GeoDataFrame(geometry=[square], crs=UTM_10N), crs=UTM_10N)
    units["workload"] = rng.gamma(2, 0.5, n)
    cluster = KMeans(zones, n_init=3, random_state=seed).fit_predict(xy)
    units["zone_id"] = [str(k + 1) for k in cluster]
    about = f"{n} Voronoi cells in {zones} k-means zones (seed {seed})"
    return _instance(f"voronoi({n},{seed})", about, units)


def tracts(zones: int = 8) -> Instance:
    """Take the 73 census tracts around San Juan; the load is their population.

    Parameters
    ----------
    zones
        Number of zones; they are drafted to balance the number of tracts.

    Returns
    -------
    Instance
        Tracts, with zones as `partition.compact_partition` draws them for equal counts.
    """
    frame = gpd.read_file(data_folder() / "san_juan" / "census2000_tracts.geojson").assign(zone="1")
    units = units_of_areas(frame, unit_id="FIPS", zone="zone", workload="TOT_POP").units
    edges = unit_edges(units)
    label = compact_partition(_equal_places(units, edges), zones=zones, tolerance=0.05, starts=10, seed=0)
    units["zone_id"] = reading_order(units, label, crs=measuring_crs(units))[label]
    about = f"{len(units)} census tracts with their population in {zones} drafted zones"
    return _instance("tracts", about, units, edges=edges)


def _equal_places(units: gpd.GeoDataFrame, edges: pd.DataFrame) -> Places:
    """Describe units to the drafting of zones, each with load 1."""
    shapes = units.geometry.to_crs(measuring_crs(units))
    inside = shapes.representative_point()
    ids, ones = units["unit_id"], np.ones(len(units))
    return Places(
        xy_km=np.column_stack([inside.x, inside.y]) / 1000,
        size=ones,
        load=ones,
        neighbors=adjacency_matrix(ids, edges),
        border_km=adjacency_matrix(ids, edges.assign(shared_km=edges["shared_m"] / 1000), values="shared_km"),
        area_km2=float(shapes.area.sum()) / 1e6,
    )


def beats() -> Instance:
    """Take the police beats of Chicago in their districts; the load is the incidents recorded at schools.

    Returns
    -------
    Instance
        274 beats in 22 districts, without district 31 (parts of other towns). Published beats are simplified; gaps
        between them wider than `GAP_M` belong to no unit.
    """
    folder = data_folder() / "chicago"
    frame = gpd.read_file(folder / "police_beats_simple.geojson")
    frame = frame[frame["DISTRICT"] != "31"].reset_index(drop=True)
    incidents = pd.read_csv(folder / "crimes_at_schools_2018_h1.csv", usecols=["Beat"])["Beat"].value_counts()
    frame["incidents"] = frame["BEAT_NUM"].astype(int).map(incidents).fillna(0).astype("int64")
    built = units_of_areas(frame, unit_id="BEAT_NUM", zone="DISTRICT", workload="incidents", tolerance_m=GAP_M)
    about = f"{len(frame)} police beats in {frame['DISTRICT'].nunique()} districts, loads: incidents at schools"
    return _instance("beats", about, built.units)


def _instance(name: str, about: str, units: gpd.GeoDataFrame, *, edges: pd.DataFrame | None = None) -> Instance:
    """Keep the columns that matter, and say where a current zone is in pieces."""
    edges = unit_edges(units) if edges is None else edges
    pieces = zone_pieces(units.set_index("unit_id")["zone_id"], edges)
    split = [str(zone) for zone, count in pieces.items() if count > 1]
    about += f"; zones in pieces: {', '.join(split)}" if split else ""
    columns = ["unit_id", "zone_id", "workload", "geometry"]
    return Instance(name, about, gpd.GeoDataFrame(units[columns]).reset_index(drop=True), edges)


INSTANCES: dict[str, Callable[[], Instance]] = {
    **{f"san_juan({seed})": partial(san_juan, seed) for seed in range(3)},
    **{f"voronoi({n},{seed})": partial(voronoi, n, seed) for n in (300, 1000) for seed in range(3)},
    "tracts": tracts,
    "beats": beats,
}
"""Makers of the instances, by name."""
