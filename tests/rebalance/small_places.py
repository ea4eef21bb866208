"""Places small enough to try every partition of them."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

from safeschools_geo.rebalance._partition import Places


def places_of(xy_km, load, links, *, border_km=1.0, size=None) -> Places:
    """Make places of coordinates, loads and pairs of neighbors."""
    n = len(load)
    neighbors = np.zeros((n, n))
    for a, b in links:
        neighbors[a, b] = neighbors[b, a] = 1.0
    return Places(
        xy_km=np.asarray(xy_km, dtype="float64"),
        size=np.ones(n) if size is None else np.asarray(size, dtype="float64"),
        load=np.asarray(load, dtype="float64"),
        neighbors=csr_array(neighbors),
        border_km=csr_array(neighbors * border_km),
        area_km2=float(n),
    )


def random_places(seed: int, n: int) -> Places:
    """Scatter places with uneven loads; neighbors are those of a triangulation."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, np.sqrt(n), (n, 2))
    triangles = Delaunay(xy).simplices
    links = {(int(a), int(b)) for t in triangles for a, b in itertools.combinations(sorted(t), 2)}
    return places_of(xy, rng.integers(1, 10, n), links, border_km=rng.uniform(0.2, 1.5), size=rng.integers(1, 4, n))


def is_partition(places: Places, label, zones: int) -> bool:
    """Say whether every zone has a place and hangs together."""
    return all(
        (label == z).any() and connected_components(places.neighbors[label == z][:, label == z], directed=False)[0] == 1
        for z in range(zones)
    )


def every_partition(places: Places, zones: int):
    """Yield every partition into contiguous zones, each once up to the names of the zones."""
    for tail in itertools.product(range(zones), repeat=len(places) - 1):
        label = np.array((0, *tail))
        first_seen = [int(np.argmax(label == z)) for z in range(zones) if (label == z).any()]
        if first_seen == sorted(first_seen) and is_partition(places, label, zones):
            yield label
