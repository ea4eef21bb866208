"""The picture of density: exact to a hundredth, and it holds every point."""

import numpy as np
import pytest

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots.kde import kernel_density

BOUNDS = (0.0, 0.0, 30_000.0, 25_000.0)


def exact(xy, weights, bandwidth, rows, columns):
    x = (np.arange(columns) + 0.5) * 30_000 / columns
    y = (np.arange(rows) + 0.5) * 25_000 / rows
    kernel_x = np.exp(-((x[:, None] - xy[:, 0]) ** 2) / (2 * bandwidth**2))
    kernel_y = np.exp(-((y[:, None] - xy[:, 1]) ** 2) / (2 * bandwidth**2))
    return (kernel_y * weights) @ kernel_x.T / (2 * np.pi * bandwidth**2) * 1e6


@pytest.mark.parametrize("bandwidth", [201.0, 500.0, 1500.0])
def test_within_a_hundredth_of_the_exact_sum(bandwidth):
    rng = np.random.default_rng(0)
    xy, weights = rng.normal((15_000, 12_000), 4000, (400, 2)), rng.uniform(0.5, 2, 400)
    ours = kernel_density(xy, bounds=BOUNDS, bandwidth_m=bandwidth, weights=weights)
    truth = exact(xy, weights, bandwidth, 250, 300)
    assert ours.shape == (250, 300)
    assert np.abs(ours - truth).max() < 0.01 * truth.max()
    dense = truth > 0.01 * truth.max()
    assert (np.abs(ours - truth)[dense] / truth[dense]).max() < 0.02


def test_all_points_are_in_the_picture_and_those_beside_it_count():
    xy = np.array([[15_000.0, 12_000.0], [15_000.0, -300.0]])
    ours = kernel_density(xy, bounds=BOUNDS, bandwidth_m=600)
    cell_km2 = 0.1 * 0.1
    assert 1.2 < ours.sum() * cell_km2 < 1.4
    assert ours[0, 149] > 0.2
    assert kernel_density(np.empty((0, 2)), bounds=BOUNDS, bandwidth_m=600).max() == 0


def test_bad_input_is_told():
    with pytest.raises(InputError, match="too small"):
        kernel_density([[0, 0]], bounds=BOUNDS, bandwidth_m=150)
    with pytest.raises(InputError, match="needs an area"):
        kernel_density([[0, 0]], bounds=(0, 0, 0, 0), bandwidth_m=150)
