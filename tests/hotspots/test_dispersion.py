"""What is ordinary: rates and dispersion, and that outliers do not bend them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._expected import OrdinaryRates, critical_counts, detectable_ratios, fit_ordinary

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


def test_tail_probabilities_are_those_of_the_distributions():
    means = np.array([3.0, 10.0])
    poisson = OrdinaryRates(means, *POISSON)
    half = (stats.poisson.sf([4, 9], means) + stats.poisson.sf([5, 10], means)) / 2
    assert poisson.p_values([5, 10]) == pytest.approx(half)
    # A negative binomial of mean m and variance m + a m² has size 1 / a and probability 1 / (1 + a m).
    mixed = OrdinaryRates(means, np.array([0.0, 0.5]), np.array([0.25, 0.75]))
    chance = 1 / (1 + 0.5 * means)
    negative_binomial = (stats.nbinom.sf([4, 9], 2, chance) + stats.nbinom.sf([5, 10], 2, chance)) / 2
    assert mixed.p_values([5, 10]) == pytest.approx(0.25 * half + 0.75 * negative_binomial)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), spread=st.sampled_from([0.0, 0.1, 0.5]), n=st.integers(1, 40))
def test_fit_always_gives_weights_and_chances(seed, spread, n):
    counts, days = draw(spread, n=n, seed=seed, rate=0.002)
    fit = fit_ordinary(counts, days, np.arange(n) % 3)
    assert np.isfinite(fit.expected).all()
    assert (fit.expected >= 0).all()
    assert fit.weights.sum() == pytest.approx(1)
    assert (fit.weights >= 0).all()
    p = fit.p_values(counts)
    assert ((p >= 0) & (p <= 1)).all()


def test_too_few_schools_leave_the_dispersion_open():
    fit = fit_ordinary([3, 4, 5], [100, 100, 100], ["a", "a", "a"])
    assert fit.dispersion > 0
    assert fit.p_values([12, 4, 5])[0] > stats.poisson.sf(10, 4)


def test_sampled_dispersions_follow_the_weights_and_the_seed():
    fit = OrdinaryRates(np.ones(1), np.array([0.0, 1.0]), np.array([0.2, 0.8]))
    drawn = fit.sample_dispersions(5000, seed=1)
    assert drawn.mean() == pytest.approx(0.8, abs=0.02)
    assert (drawn == fit.sample_dispersions(5000, seed=1)).all()


def test_detectable_ratio_has_the_power_it_says():
    fit = OrdinaryRates(np.array([5.0, 20.0, 80.0]), *POISSON)
    critical = critical_counts(fit, level=0.05 / 3)
    assert (fit.p_values(critical) <= 0.05 / 3).all()
    assert (fit.p_values(critical - 1) > 0.05 / 3).all()
    ratios = detectable_ratios(fit)
    power = stats.poisson.sf(critical - 1, fit.expected * ratios)
    assert (power >= 0.8).all()
    assert (power < 0.9).all()
    assert (np.diff(ratios) < 0).all(), "the more is expected, the smaller a rise is seen"


def test_no_schools():
    fit = fit_ordinary([], [], [])
    assert len(fit.expected) == 0
    assert detectable_ratios(fit).shape == (0,)


def test_bad_input_is_told():
    with pytest.raises(InputError, match="exposure above 0"):
        fit_ordinary([1], [0], ["a"])
    with pytest.raises(InputError, match="fit each other"):
        fit_ordinary([1, 2], [1], ["a"])
