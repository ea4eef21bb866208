"""The space-time scan, with a denominator and without."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import xlogy

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._months import NestedScans, _Cylinders
from safeschools_geo.hotspots.scan import LikelihoodRatio, nested_windows

SIDE = np.random.default_rng(0).uniform(0, 100, (25, 2))
SIDE[7] = SIDE[6] + 0.5


def space_time_scan(cases, expected, xy, *, max_share=0.25, **asked):
    return NestedScans(cases, expected, xy, [max_share], **asked).result(max_share)


def table(values):
    months = [f"M{i}" for i in range(np.shape(values)[1])]
    return pd.DataFrame(values, index=[f"S{i}" for i in range(len(values))], columns=months)


def test_two_units_and_two_periods_by_hand():
    # 8 of 10 cases in one of four equal cells: 8 ln(8 / 2.5) + 2 ln(2 / 7.5).
    cases = table([[8, 1], [1, 0]])
    result = space_time_scan(cases, table(np.ones((2, 2))), SIDE[:2], max_share=0.5, simulations=99)
    best = result.clusters[0]
    assert (best.members, best.periods, best.observed, best.expected) == (("S0",), ("M0",), 8, 2.5)
    assert best.llr == pytest.approx(8 * np.log(8 / 2.5) + 2 * np.log(2 / 7.5))
    assert result.windows == 4


def test_permutation_model_expects_what_rows_and_columns_say():
    # S0 has 9 of 12, M0 has 8 of 12: 6 expected in both, 8 seen: 8 ln(8 / 6) + 4 ln(4 / 6).
    cases = table([[8, 1], [0, 3]])
    found = space_time_scan(cases, None, SIDE[:2], max_share=0.75, simulations=99).clusters
    best = next(c for c in found if c.members == ("S0",))
    assert (best.members, best.periods, best.observed, best.expected) == (("S0",), ("M0",), 8, 6.0)
    assert best.llr == pytest.approx(8 * np.log(8 / 6) + 4 * np.log(4 / 6))


@pytest.mark.parametrize("with_expected", [True, False])
def test_a_planted_outbreak_is_found(with_expected):
    rng = np.random.default_rng(3)
    means = np.full((25, 6), 4.0)
    means[np.ix_([6, 7], [2, 3])] *= 4
    cases = table(rng.poisson(means))
    expected = table(np.full((25, 6), 4.0)) if with_expected else None
    result = space_time_scan(cases, expected, SIDE, simulations=199)
    best = result.clusters[0]
    assert set(best.members) == {"S6", "S7"}
    assert best.periods == ("M2", "M3")
    assert best.p_value <= 0.01
    assert result.model == ("poisson" if with_expected else "permutation")


def test_permutation_model_does_not_mind_a_place_that_is_always_high():
    rng = np.random.default_rng(4)
    means = np.full((25, 6), 4.0)
    means[12] *= 6
    cases = table(rng.poisson(means))
    assert space_time_scan(cases, None, SIDE, simulations=199).clusters[0].p_value > 0.05
    poisson = space_time_scan(cases, table(np.full((25, 6), 4.0)), SIDE, simulations=199)
    assert poisson.clusters[0].members == ("S12",)
    assert poisson.clusters[0].p_value <= 0.01


def test_clusters_do_not_overlap_in_space_and_time_and_repeat():
    rng = np.random.default_rng(5)
    cases = table(rng.poisson(3, (25, 6)))
    first, again = (space_time_scan(cases, None, SIDE, simulations=49, seed=2) for _ in range(2))
    cells = [(m, p) for c in first.clusters for m in c.members for p in c.periods]
    assert len(cells) == len(set(cells))
    assert first.clusters == again.clusters


def test_longest_run_of_periods_is_kept():
    cases = table(np.random.default_rng(6).poisson(3, (9, 6)))
    result = space_time_scan(cases, None, SIDE[:9], max_periods=1, simulations=19)
    assert {len(c.periods) for c in result.clusters} == {1}


def test_nothing_to_find_and_bad_input():
    ones = table(np.ones((2, 2)))
    assert space_time_scan(table([[0, 0], [1, 0]]), ones, SIDE[:2]).clusters == ()
    with pytest.raises(InputError, match="without a case"):
        space_time_scan(table([[0, 0], [1, 3]]), None, SIDE[:2])
    with pytest.raises(InputError, match="where none can be expected"):
        space_time_scan(table([[1, 1], [1, 3]]), table([[1, 0], [1, 1]]), SIDE[:2])
    with pytest.raises(InputError, match="whole numbers"):
        space_time_scan(table([[1, 1], [1, -3]]), ones, SIDE[:2])
    with pytest.raises(InputError, match="fit each other"):
        space_time_scan(ones, table(np.ones((2, 3))), SIDE[:2])


@pytest.mark.parametrize("with_expected", [True, False])
def test_maxima_are_those_of_all_windows_looked_at_one_by_one(with_expected):
    rng = np.random.default_rng(8)
    counts, simulations = rng.poisson(2, (12, 5)) + 1, 40
    expected = rng.gamma(4, 1, (12, 5)) if with_expected else np.outer(counts.sum(axis=1), counts.sum(axis=0))
    share, total = expected / expected.sum(), int(counts.sum())
    windows = nested_windows(SIDE[:12], share.sum(axis=1), [0.5])[0.5]
    runs = [(a, b) for a in range(5) for b in range(a + 1, min(a + 2, 5) + 1)]
    cylinders = _Cylinders(windows, share, runs, LikelihoodRatio(total), 2, 0.01)
    simulated = rng.multinomial(total, share.ravel(), size=simulations).T.reshape(12, 5, -1).astype(np.int32)
    largest = np.zeros(simulations)
    for order, ends in windows:
        for size in np.flatnonzero(ends) + 1:
            for a, b in runs:
                inside, outside = simulated[order[:size], a:b].sum(axis=(0, 1)), share[order[:size], a:b].sum()
                held, rest = inside / total, 1 - inside / total
                ratio = total * (xlogy(held, held / outside) + xlogy(rest, rest / (1 - outside)))
                is_looked_at = (held > outside) & (inside >= 2) & (outside >= 0.01)
                largest = np.maximum(largest, np.where(is_looked_at, ratio, 0))
    assert cylinders.maxima(simulated) == pytest.approx(largest, abs=1e-9)


@pytest.mark.parametrize("with_expected", [True, False])
def test_scans_with_nested_windows_are_those_of_each_alone(with_expected):
    rng = np.random.default_rng(6)
    cases = table(rng.poisson(3, (25, 5)) + 1)
    expected = table(rng.gamma(4, 1, (25, 5))) if with_expected else None
    together = NestedScans(cases, expected, SIDE, [0.5, 0.1, 0.25], simulations=70, seed=3)
    # Those of the middle first, as hotspots ask for them: the others are looked at only where that has found some.
    for share in (0.25, 0.1, 0.5):
        assert together.result(share) == space_time_scan(cases, expected, SIDE, max_share=share, simulations=70, seed=3)
