"""Lattices: every point in one cell, cells that tile, neighbors that touch."""

import warnings

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots.grid import MOST_CELLS, lattice_over

BOUNDS = (0.0, 0.0, 1000.0, 700.0)
KINDS = ("square", "hexagon")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), size=st.floats(20, 400), shift=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_every_point_is_in_the_cell_that_is_drawn_around_it(kind, seed, size, shift):
    lattice = lattice_over(BOUNDS, size_m=size, kind=kind, shift=shift)
    inside = np.random.default_rng(seed).uniform((0, 0), (1000, 700), (50, 2))
    xy = np.r_[inside, [[0, 0], [1000, 0], [0, 700], [1000, 700]]]
    cell = lattice.cell_of(xy)
    assert cell.dtype == np.int64
    assert (cell >= 0).all()
    shapes = lattice.polygons(cell, crs="EPSG:32610").to_numpy()
    assert shapely.distance(shapes, shapely.points(xy)).max() < 1e-6
    assert (lattice.cell_of(lattice.centers()) == np.arange(lattice.count)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_points_on_edges_and_corners_have_one_cell_which_holds_them(kind):
    lattice = lattice_over(BOUNDS, size_m=100, kind=kind)
    corners = np.unique(shapely.get_coordinates(lattice.shapes(np.arange(lattice.count))).round(9), axis=0)
    inner = corners[((corners >= 0) & (corners <= (1000, 700))).all(axis=1)]
    cell = lattice.cell_of(inner)
    assert len(inner) > 50
    assert (cell >= 0).all()
    assert shapely.distance(lattice.shapes(cell), shapely.points(inner)).max() < 1e-6
    # Asked one by one or together, the answer is the same.
    assert [int(lattice.cell_of([point])[0]) for point in inner[:20]] == cell[:20].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_cells_tile(kind):
    # The origin is one that binary fractions cannot write.
    lattice = lattice_over((600_000.1, 4_200_000.3, 601_000.1, 4_200_700.3), size_m=100 / 3, kind=kind)
    shapes = lattice.polygons(np.arange(lattice.count), crs="EPSG:32610")
    assert shapely.coverage_is_valid(shapes.to_numpy())
    union = shapes.union_all()
    assert union.area == pytest.approx(shapes.area.sum(), rel=1e-12)
    assert not union.interiors
    assert shapely.box(600_000.1, 4_200_000.3, 601_000.1, 4_200_700.3).within(union.buffer(1e-6))
    # A hexagon of width w has the area of w² √3 / 2.
    area = (100 / 3) ** 2 * (np.sqrt(3) / 2 if kind == "hexagon" else 1)
    assert shapes.area.to_numpy() == pytest.approx(np.full(lattice.count, area))


@pytest.mark.parametrize("kind", KINDS)
def test_polygons_stand_around_their_centers(kind):
    lattice = lattice_over(BOUNDS, size_m=100, kind=kind, shift=(0.3, 0.6))
    some = [0, 5, 23, 40]
    drawn = lattice.polygons(some, crs="EPSG:32610")
    assert drawn.crs == "EPSG:32610"
    assert np.c_[drawn.centroid.x, drawn.centroid.y] == pytest.approx(lattice.centers(some))


@pytest.mark.parametrize(("kind", "within"), [("square", 1.5), ("hexagon", 1.1)])
def test_neighbors_are_those_that_touch(kind, within):
    lattice = lattice_over(BOUNDS, size_m=100, kind=kind)
    centers = lattice.centers()
    distance = np.hypot(*(centers[:, None] - centers).transpose(2, 0, 1))
    expected = distance <= within * 100
    everything = np.arange(lattice.count)
    assert (lattice.weights(everything).toarray() == expected).all()


def test_a_hexagon_has_six_neighbors_and_eighteen_within_two_rings():
    lattice = lattice_over((0, 0, 900, 900), size_m=100)
    middle = int(lattice.cell_of([[450, 450]])[0])
    for rings, number in ((1, 1 + 6), (2, 1 + 6 + 12), (3, 1 + 6 + 12 + 18)):
        weights = lattice.weights(np.arange(lattice.count), rings=rings)
        assert weights[[middle]].sum() == number
        assert (weights != weights.T).nnz == 0
        assert set(weights.data) == {1.0}


def test_weights_between_some_cells_and_two_rings():
    lattice = lattice_over((0, 0, 500, 500), size_m=100, kind="square")
    some = np.array([0, 1, 2, 20])
    assert lattice.weights(some).toarray().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert lattice.weights(some, rings=2).toarray()[0].tolist() == [1, 1, 1, 0]
    # Rows and columns follow the order in which the cells are named.
    assert lattice.weights(some[::-1]).toarray().tolist() == lattice.weights(some).toarray()[::-1, ::-1].tolist()
    assert lattice.weights([]).shape == (0, 0)


def test_outside_or_nowhere_is_no_cell():
    lattice = lattice_over(BOUNDS, size_m=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nowhere = [[5000, 5000], [-500, 0], [np.nan, 3], [3, np.inf], [-np.inf, np.nan], [1e300, 0]]
        assert lattice.cell_of(nowhere).tolist() == [-1] * 6
    assert lattice.cell_of(np.empty((0, 2))).shape == (0,)


def test_shifting_by_a_whole_cell_changes_nothing():
    assert lattice_over(BOUNDS, size_m=100, shift=(1.0, 2.0)) == lattice_over(BOUNDS, size_m=100)
    moved = lattice_over(BOUNDS, size_m=100, kind="square", shift=(0.25, 0.5))
    still = lattice_over(BOUNDS, size_m=100, kind="square")
    assert np.subtract(moved.origin, still.origin).tolist() == [25, 50]


def test_an_area_may_be_a_point():
    lattice = lattice_over((3, 4, 3, 4), size_m=100)
    assert lattice.cell_of([[3, 4]])[0] >= 0


@pytest.mark.parametrize("size", [0, -1, np.nan, np.inf])
def test_a_cell_needs_a_width(size):
    with pytest.raises(InputError, match="has a width"):
        lattice_over(BOUNDS, size_m=size)


def test_bad_input_is_reported():
    with pytest.raises(InputError, match="needs an area"):
        lattice_over((1, 0, 0, 1), size_m=10)
    with pytest.raises(InputError, match="needs an area"):
        lattice_over((0, 0, np.nan, 1), size_m=10)
    with pytest.raises(InputError, match="not known"):
        lattice_over(BOUNDS, size_m=10, kind="triangle")
    with pytest.raises(InputError, match=f"too small(.|\n)*{MOST_CELLS:,}"):
        lattice_over(BOUNDS, size_m=0.01)
    lattice = lattice_over(BOUNDS, size_m=100)
    with pytest.raises(InputError, match="no cells"):
        lattice.weights([0, lattice.count])
    with pytest.raises(InputError, match="no cells"):
        lattice.weights([-1, 0])
    with pytest.raises(InputError, match="takes part once"):
        lattice.weights([3, 4, 3])
    with pytest.raises(InputError, match="need a ring"):
        lattice.weights([3], rings=0)
