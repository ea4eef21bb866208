"""What is ordinary: rates and dispersion, and that outliers do not bend them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._expected import (
    _ALPHAS,
    _LOG_MEANS,
    CUT,
    OrdinaryRates,
    _expected_cut,
    critical_counts,
    detectable_ratios,
    fit_ordinary,
    p_values,
)

POISSON = np.array([0.0]), np.array([1.0])


def draw(spread, n=400, rate=0.01, seed=0):
    rng = np.random.default_rng(seed)
    days = rng.uniform(500, 5000, n)
    own = rng.gamma(1 / spread, spread, n) if spread else np.ones(n)
    return rng.poisson(rate * days * own), days


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.4])
def test_rate_and_dispersion_are_recovered(spread):
    counts, days = draw(spread)
    fit = fit_ordinary(counts, days, np.zeros(400))
    assert fit.expected / days == pytest.approx(np.full(400, 0.01), rel=0.05)
    assert fit.dispersion == pytest.approx(spread, abs=max(0.03, 0.25 * spread))
    assert fit.weights.sum() == pytest.approx(1)


def test_every_group_has_a_rate_of_its_own():
    counts, days = draw(0.0, n=200)
    other, more_days = draw(0.0, n=200, rate=0.05, seed=1)
    fit = fit_ordinary([*counts, *other], [*days, *more_days], ["a"] * 200 + ["b"] * 200)
    assert (fit.expected[:200] / days).mean() == pytest.approx(0.01, rel=0.05)
    assert (fit.expected[200:] / more_days).mean() == pytest.approx(0.05, rel=0.05)


def test_a_few_hotspots_hardly_bend_what_is_ordinary():
    counts, days = draw(0.05, n=100)
    clean = fit_ordinary(counts, days, np.zeros(100))
    spoilt = counts.copy()
    spoilt[4:8] *= 5
    robust = fit_ordinary(spoilt, days, np.zeros(100))
    assert spoilt.sum() / counts.sum() > 1.08
    assert robust.expected[0] / clean.expected[0] == pytest.approx(1, abs=0.06)
    assert robust.dispersion < 0.3


def test_one_bent_term_of_many_hardly_counts():
    schools, rng = 60, np.random.default_rng(7)
    days = rng.uniform(500, 3000, schools)
    counts = rng.poisson(0.01 * days, (6, schools))
    counts[5, :6] *= 4
    alone = fit_ordinary(counts[5], days, np.zeros(schools))
    together = fit_ordinary(counts.ravel(), np.tile(days, 6), np.zeros(6 * schools), np.repeat(np.arange(6), schools))
    assert together.dispersion < alone.dispersion
    assert together.of(np.repeat(np.arange(6), schools) == 5).expected.shape == (schools,)


def test_p_values_are_those_of_the_distributions():
    means = np.array([3.0, 10.0])
    half = (stats.poisson.sf([4, 9], means) + stats.poisson.sf([5, 10], means)) / 2
    assert p_values([5, 10], means, 0.0) == pytest.approx(half)
    # A negative binomial of mean m and variance m + a m² has size 1 / a and probability 1 / (1 + a m).
    spread = np.array([0.5, 0.2])
    chance = 1 / (1 + spread * means)
    half = (stats.nbinom.sf([4, 9], 1 / spread, chance) + stats.nbinom.sf([5, 10], 1 / spread, chance)) / 2
    assert p_values([5, 10], means, spread) == pytest.approx(half)


@pytest.mark.parametrize("alpha", [0.0, 0.037707518130285486, 4.0])
def test_cut_residuals_are_looked_up_as_summed(alpha):
    means = np.exp(_LOG_MEANS[[40, 160, 250, 290]])
    spread = np.sqrt(means + alpha * means**2)
    values = np.arange(60_000)
    size = max(alpha, 1e-9)
    law = stats.poisson(means[:, None]) if alpha == 0 else stats.nbinom(1 / size, 1 / (1 + size * means[:, None]))
    chance, residuals = law.pmf(values), (values - means[:, None]) / spread[:, None]
    cut = np.clip(residuals, -CUT, CUT)
    summed = [cut, cut**2, residuals * cut, cut**4]
    near = min(_ALPHAS, key=lambda a: abs(a - alpha))
    assert near == pytest.approx(alpha)
    expected = [(chance * part).sum(axis=1) for part in summed]
    assert _expected_cut(means, near) == pytest.approx(np.array(expected), abs=1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), spread=st.sampled_from([0.0, 0.1, 0.5]), n=st.integers(1, 40))
def test_fit_always_gives_weights_and_chances(seed, spread, n):
    counts, days = draw(spread, n=n, seed=seed, rate=0.002)
    fit = fit_ordinary(counts, days, np.arange(n) % 3)
    assert np.isfinite(fit.expected).all()
    assert (fit.expected >= 0).all()
    assert fit.weights.sum() == pytest.approx(1)
    assert (fit.weights >= 0).all()
    p = p_values(counts, fit.expected, fit.dispersion)
    assert ((p >= 0) & (p <= 1)).all()


def test_too_few_schools_leave_the_dispersion_open():
    fit = fit_ordinary([3, 4, 5], [100, 100, 100], ["a", "a", "a"])
    assert fit.dispersion > 0
    assert p_values([12, 4, 5], fit.expected, fit.dispersion)[0] > stats.poisson.sf(10, 4)


def test_sampled_dispersions_follow_the_weights_and_the_seed():
    fit = OrdinaryRates(np.ones(1), np.array([0.0, 1.0]), np.array([0.2, 0.8]))
    drawn = fit.sample_dispersions(5000, seed=1)
    assert drawn.mean() == pytest.approx(0.8, abs=0.02)
    assert (drawn == fit.sample_dispersions(5000, seed=1)).all()


def test_detectable_ratio_has_the_power_it_says():
    expected = np.array([5.0, 20.0, 80.0])
    critical = critical_counts(expected, 0.0, level=0.05 / 3)
    assert (p_values(critical, expected, 0.0) <= 0.05 / 3).all()
    assert (p_values(critical - 1, expected, 0.0) > 0.05 / 3).all()
    ratios = detectable_ratios(critical, expected, 0.0)
    power = stats.poisson.sf(critical - 1, expected * ratios)
    assert (power >= 0.8).all()
    assert (power < 0.9).all()
    assert (np.diff(ratios) < 0).all(), "the more is expected, the smaller a rise is seen"


def test_no_schools():
    fit = fit_ordinary([], [], [])
    assert len(fit.expected) == 0
    assert detectable_ratios([], [], []).shape == (0,)


def test_bad_input_is_reported():
    with pytest.raises(InputError, match="exposure above 0"):
        fit_ordinary([1], [0], ["a"])
    with pytest.raises(InputError, match="fit each other"):
        fit_ordinary([1, 2], [1], ["a"])
