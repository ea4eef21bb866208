"""The picture of density: exact to a hundredth, and it holds every point."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._places import kernel_density

BOUNDS = (0.0, 0.0, 30_000.0, 25_000.0)


def exact(xy, weights, bandwidth, *, bounds=BOUNDS, shape=(250, 300)):
    west, south, east, north = bounds
    x = west + (np.arange(shape[1]) + 0.5) * (east - west) / shape[1]
    y = south + (np.arange(shape[0]) + 0.5) * (north - south) / shape[0]
    kernel_x = np.exp(-((x[:, None] - xy[:, 0]) ** 2) / (2 * bandwidth**2))
    kernel_y = np.exp(-((y[:, None] - xy[:, 1]) ** 2) / (2 * bandwidth**2))
    return (kernel_y * weights) @ kernel_x.T / (2 * np.pi * bandwidth**2) * 1e6


def faults(ours, truth):
    """Largest error as a share of the peak, and as a share of the truth where that is above 1 % of the peak."""
    off, dense = np.abs(ours - truth), truth > 0.01 * truth.max()
    return off.max() / truth.max(), (off[dense] / truth[dense]).max()


@pytest.mark.parametrize("bandwidth", [200.0, 300.0, 400.0, 1500.0, 9000.0])
def test_within_a_hundredth_of_the_exact_sum(bandwidth):
    rng = np.random.default_rng(0)
    xy, weights = rng.normal((15_000, 12_000), 4000, (400, 2)), rng.uniform(0.5, 2, 400)
    ours = kernel_density(xy, bounds=BOUNDS, bandwidth_m=bandwidth, weights=weights)
    assert ours.shape == (250, 300)
    assert ours.dtype == np.float64
    of_peak, of_truth = faults(ours, exact(xy, weights, bandwidth))
    assert of_peak < 0.002
    assert of_truth < 0.005


@settings(max_examples=25)
@given(x=st.floats(9_000, 10_000), y=st.floats(-400, 12_400), bandwidth=st.floats(400, 3000))
def test_even_a_single_point_is_within_a_hundredth(x, y, bandwidth):
    # Errors of one point cannot cancel. Cells are 200 m by 100 m; the point may be 400 m beside the picture.
    bounds, shape = (0.0, 0.0, 20_000.0, 12_000.0), (120, 100)
    ours = kernel_density([[x, y]], bounds=bounds, shape=shape, bandwidth_m=bandwidth)
    of_peak, of_truth = faults(ours, exact(np.array([[x, y]]), np.ones(1), bandwidth, bounds=bounds, shape=shape))
    assert of_peak < 0.01
    assert of_truth < 0.01


def test_all_points_are_in_the_picture():
    rng = np.random.default_rng(1)
    xy, weights = rng.uniform((6000, 6000), (24_000, 19_000), (300, 2)), rng.uniform(0, 3, 300)
    ours = kernel_density(xy, bounds=BOUNDS, bandwidth_m=700, weights=weights)
    # A cell is 0.01 km².
    assert ours.sum() * 0.01 == pytest.approx(weights.sum(), rel=1e-5)
    assert (ours >= 0).all()


def test_points_beside_the_picture_count_within_five_bandwidths():
    # Half of what stands on the southern edge is in the picture.
    on_edge = kernel_density([[15_000.0, 0.0]], bounds=BOUNDS, bandwidth_m=600)
    assert on_edge.sum() * 0.01 == pytest.approx(0.5, abs=0.002)
    beside = kernel_density([[15_000.0, -2900.0]], bounds=BOUNDS, bandwidth_m=600)
    assert beside[0, 149] == pytest.approx(exact(np.array([[15_000.0, -2900.0]]), 1, 600)[0, 149], rel=0.02)
    assert kernel_density([[15_000.0, -9000.0]], bounds=BOUNDS, bandwidth_m=600).max() == 0


def test_the_peak_of_one_point():
    # A cell's center at (15,050, 12,050): 1 / (2π h²) a square meter is 10⁶ / (2π 500²) = 0.6366 a km².
    ours = kernel_density([[15_050.0, 12_050.0]], bounds=BOUNDS, bandwidth_m=500)
    assert np.unravel_index(ours.argmax(), ours.shape) == (120, 150)
    assert ours.max() == pytest.approx(0.63662, rel=0.002)


def test_weights_are_points_of_that_number():
    xy = np.array([[9000.0, 9000.0], [12_000.0, 9000.0]])
    twice = kernel_density(np.r_[xy, xy[:1]], bounds=BOUNDS, bandwidth_m=600)
    assert kernel_density(xy, bounds=BOUNDS, bandwidth_m=600, weights=[2, 1]) == pytest.approx(twice)


def test_nothing_is_no_density():
    assert kernel_density([], bounds=BOUNDS, bandwidth_m=600).max() == 0
    assert kernel_density(np.empty((0, 2)), bounds=BOUNDS, shape=(40, 50), bandwidth_m=2000).shape == (40, 50)


@pytest.mark.parametrize("bandwidth", [150, 0, -300, np.nan, np.inf])
def test_a_bandwidth_below_two_cells_is_refused(bandwidth):
    with pytest.raises(InputError, match=r"too small for the cells(.|\n)*at least 200 m"):
        kernel_density([[0, 0]], bounds=BOUNDS, bandwidth_m=bandwidth)


def test_bad_input_is_reported():
    with pytest.raises(InputError, match="needs an area"):
        kernel_density([[0, 0]], bounds=(0, 0, 0, 0), bandwidth_m=150)
    with pytest.raises(InputError, match="needs an area"):
        kernel_density([[0, 0]], bounds=BOUNDS, shape=(0, 10), bandwidth_m=150)
    with pytest.raises(InputError, match="two coordinates"):
        kernel_density([[0, 0, 0]], bounds=BOUNDS, bandwidth_m=600)
    with pytest.raises(InputError, match=r"without a place(.|\n)*Rows: 1"):
        kernel_density([[0, 0], [np.nan, 0]], bounds=BOUNDS, bandwidth_m=600)
    with pytest.raises(InputError, match="one weight"):
        kernel_density([[0, 0]], bounds=BOUNDS, bandwidth_m=600, weights=[1, 2])
    with pytest.raises(InputError, match="Weights are numbers"):
        kernel_density([[0, 0]], bounds=BOUNDS, bandwidth_m=600, weights=[-1])


def test_the_input_is_left_as_it_was():
    xy, weights = np.array([[100.0, 200.0]]), np.array([2.0])
    kernel_density(xy, bounds=BOUNDS, bandwidth_m=600, weights=weights)
    assert xy.tolist() == [[100, 200]]
    assert weights.tolist() == [2]
