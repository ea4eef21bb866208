"""Lattices: every point in one cell, cells that tile, neighbours that touch."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots.lattice import lattice_over

BOUNDS = (0.0, 0.0, 1000.0, 700.0)
KINDS = ("square", "hexagon")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(20, 400), shift=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_every_point_is_in_the_cell_that_is_drawn_around_it(kind, seed, size, shift):
    lattice = lattice_over(BOUNDS, size_m=size, kind=kind, shift=shift)
    xy = np.random.default_rng(seed).uniform((0, 0), (1000, 700), (50, 2))
    cell = lattice.cell_of(xy)
    assert (cell >= 0).all()
    shapes = lattice.polygons(cell, crs="EPSG:32610").to_numpy()
    assert shapely.distance(shapes, shapely.points(xy)).max() < 1e-6
    assert (lattice.cell_of(lattice.centres()) == np.arange(lattice.count)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_cells_tile(kind):
    lattice = lattice_over(BOUNDS, size_m=100, kind=kind)
    shapes = lattice.polygons(np.arange(lattice.count), crs="EPSG:32610")
    union = shapes.union_all()
    assert union.area == pytest.approx(shapes.area.sum())
    assert shapely.box(*BOUNDS).within(union.buffer(1e-6))
    # A hexagon of width w has the area of w² √3 / 2.
    area = 100**2 * (np.sqrt(3) / 2 if kind == "hexagon" else 1)
    assert shapes.area.to_numpy() == pytest.approx(np.full(lattice.count, area))


@pytest.mark.parametrize(("kind", "within"), [("square", 1.5), ("hexagon", 1.1)])
def test_neighbours_are_those_that_touch(kind, within):
    lattice = lattice_over(BOUNDS, size_m=100, kind=kind)
    centres = lattice.centres()
    distance = np.hypot(*(centres[:, None] - centres).transpose(2, 0, 1))
    expected = distance <= within * 100
    assert (lattice.weights(np.arange(lattice.count)).toarray() == expected).all()


def test_weights_between_some_cells_and_two_rings():
    lattice = lattice_over((0, 0, 500, 500), size_m=100, kind="square")
    some = np.array([0, 1, 2, 20])
    assert lattice.weights(some).toarray().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert lattice.weights(some, rings=2).toarray()[0].tolist() == [1, 1, 1, 0]


def test_outside_is_no_cell_and_bad_input_is_told():
    lattice = lattice_over(BOUNDS, size_m=100)
    assert lattice.cell_of([[5000, 5000], [-500, 0]]).tolist() == [-1, -1]
    with pytest.raises(InputError, match="has a width"):
        lattice_over(BOUNDS, size_m=0)
    with pytest.raises(InputError, match="needs an area"):
        lattice_over((1, 0, 0, 1), size_m=10)
