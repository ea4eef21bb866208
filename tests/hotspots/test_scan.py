"""Kulldorff's scan: published values, values by hand, and what must hold for any input."""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from libpysal import examples

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots import scan
from safeschools_geo.hotspots._expected import ratio_interval
from safeschools_geo.hotspots.scan import (
    LikelihoodRatio,
    great_circle_m,
    gumbel_p_value,
    nested_windows,
    poisson_scan,
    rank_p_value,
    simulate_counts,
)

LINE = np.c_[np.arange(5.0), np.zeros(5)]


@pytest.fixture(scope="module")
def sids():
    table = gpd.read_file(examples.get_path("sids2.shp")).set_crs(4267)
    bounds = table.geometry.to_numpy()
    middles = gpd.GeoSeries(bounds).centroid
    return table.set_index("NAME"), np.c_[middles.x, middles.y]


def scan_sids(sids, year, max_share):
    table, xy = sids
    cases, births = table[f"SID{year}"].astype(int), table[f"BIR{year}"]
    return poisson_scan(cases, births * cases.sum() / births.sum(), xy, max_share=max_share, distances="great_circle")


@pytest.mark.parametrize(
    ("year", "max_share", "place", "published"),
    [
        (74, 0.25, 0, (4, 40, 15.78, 13.445651)),
        (74, 0.25, 1, (6, 70, 37.62, 11.931900)),
        (74, 0.50, 0, (42, 371, 303.09, 13.869046)),
        (79, 0.25, 0, (2, 22, 8.56, 7.442667)),
    ],
)
def test_north_carolina_sids_as_published(sids, year, max_share, place, published):
    size, observed, expected, llr = published
    cluster = scan_sids(sids, year, max_share).clusters[place]
    assert (len(cluster.members), cluster.observed) == (size, observed)
    assert cluster.expected == pytest.approx(expected, abs=0.005)
    assert cluster.llr == pytest.approx(llr, abs=1e-6)


def test_north_carolina_sids_members(sids):
    first, second, *_ = scan_sids(sids, 74, 0.25).clusters
    assert set(first.members) == {"Northampton", "Halifax", "Hertford", "Bertie"}
    assert set(second.members) == {"Scotland", "Hoke", "Richmond", "Robeson", "Moore", "Anson"}
    assert first.p_value == pytest.approx(0.001)
    assert first.gumbel_p_value < 0.001
    assert set(scan_sids(sids, 79, 0.25).clusters[0].members) == {"Hoke", "Scotland"}


def test_three_units_by_hand():
    # 6 of 8 cases where a quarter of 8 is expected: 6 ln(6 / 2) + 2 ln(2 / 6) = 4 ln 3. Any two units are 5 / 8.
    result = poisson_scan([6, 1, 1], [2, 3, 3], LINE[:3], max_share=0.3, simulations=99)
    assert [c.members for c in result.clusters] == [(0,)]
    only = result.clusters[0]
    assert only.llr == pytest.approx(4 * np.log(3))
    assert only.relative_risk == pytest.approx((6 / 2) / (2 / 6))
    assert only.ratio == 3
    # Garwood's interval of 6 is 2.202 to 13.060.
    assert (only.ratio_low, only.ratio_high) == pytest.approx((2.202 / 2, 13.060 / 2), abs=1e-3)
    assert result.windows == 1


def test_expected_cases_are_scaled_and_labels_kept():
    cases = pd.Series([6, 1, 1], index=["a", "b", "c"])
    one = poisson_scan(cases, [2, 3, 3], LINE[:3], max_share=0.3, simulations=99)
    other = poisson_scan(cases, [0.2, 0.3, 0.3], LINE[:3] * 1000, max_share=0.3, simulations=99)
    assert one.clusters[0].members == ("a",)
    assert other.clusters[0].expected == pytest.approx(2)
    assert other.clusters[0].llr == pytest.approx(one.clusters[0].llr)


def test_units_at_one_place_enter_together():
    xy = np.array([[0.0, 0], [0, 0], [10, 0], [20, 0], [30, 0]])
    windows = nested_windows(xy, np.full(5, 0.2), [0.5])[0.5]
    sets = {tuple(sorted(order[: i + 1])) for order, ends in windows for i in np.flatnonzero(ends)}
    assert sets == {(0, 1), (2,), (3,), (4,), (3, 4)}


def test_equidistant_neighbors_enter_together():
    # The middle of the line has a neighbor on each side: no circle around it holds just one.
    windows = nested_windows(LINE, np.full(5, 0.2), [0.6])[0.6]
    order, ends = list(windows)[2]
    assert ends.tolist() == [True, False, True]
    assert set(order) == {1, 2, 3}


def brute_force(cases, expected, xy, max_share):
    share = expected / expected.sum()
    best, total = 0.0, cases.sum()
    for center in xy:
        distance = np.hypot(*(xy - center).T).round(3)
        for radius in np.unique(distance):
            inside = distance <= radius
            c, s = cases[inside].sum(), share[inside].sum()
            if s <= max_share * (1 + 1e-12) and c >= 2 and c > total * s:
                rest = 0.0 if c == total else (total - c) * np.log((total - c) / (total * (1 - s)))
                best = max(best, c * np.log(c / (total * s)) + rest)
    return best


SCALES = st.sampled_from([1e-6, 1e-3, 0.3048, 7.0, 1e6])
PLACES = st.sampled_from(["grid", "scattered", "far away"])


def drawn_places(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw places: many at equal distances, none, or few meters far from the origin."""
    if kind == "grid":
        return rng.integers(0, 6, (n, 2)) * 1000.0
    return rng.uniform(0, 5000, (n, 2)) + (4_200_000.0 if kind == "far away" else 0.0)


@settings(max_examples=40)
@given(st.integers(0, 2**16), PLACES, SCALES)
def test_the_unit_of_places_changes_nothing(seed, kind, scale):
    rng = np.random.default_rng(seed)
    xy, cases = drawn_places(kind, rng, 20), rng.poisson(4, 20)
    given_means = rng.uniform(1, 5, 20)
    one, other = (poisson_scan(cases, given_means, k * xy, simulations=99) for k in (1.0, scale))
    frames = [found.to_frame().drop(columns="radius_m") for found in (one, other)]
    pd.testing.assert_frame_equal(*frames)
    assert one.windows == other.windows
    radii = [[c.radius_m for c in found.clusters] for found in (one, other)]
    assert radii[1] == pytest.approx([scale * r for r in radii[0]])


def test_windows_that_expect_too_little_are_not_looked_at():
    cases, expected, xy = [6, 10, 9, 11], [0.001, 11.0, 12.0, 13.0], [[0, 0], [9, 0], [20, 0], [33, 0]]
    tiny = poisson_scan(cases, expected, xy, max_share=0.5, simulations=99)
    assert tiny.clusters[0].members == (0,)
    carried = poisson_scan(cases, expected, xy, max_share=0.5, simulations=99, min_expected=1.0)
    assert all(c.expected >= 1 for c in carried.clusters)
    assert carried.windows < tiny.windows


@settings(max_examples=40)
@given(
    cases=arrays(np.int64, 8, elements=st.integers(0, 9)),
    expected=arrays(np.float64, 8, elements=st.floats(0.5, 9)),
    xy=arrays(np.float64, (8, 2), elements=st.integers(0, 5)),
)
def test_most_likely_cluster_is_that_of_brute_force(cases, expected, xy):
    result = poisson_scan(cases, expected, xy, max_share=0.5, simulations=9)
    found = result.clusters[0].llr if result.clusters else 0.0
    assert found == pytest.approx(brute_force(cases, expected, xy, 0.5), abs=1e-8)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), spread=st.sampled_from([None, 0.2]))
def test_clusters_are_disjoint_ordered_and_free_of_the_order_of_rows(seed, spread):
    rng = np.random.default_rng(seed)
    xy, expected = rng.uniform(0, 9, (20, 2)), rng.gamma(3, 2, 20)
    cases = pd.Series(rng.poisson(expected * rng.gamma(2, 0.5, 20)))
    result = poisson_scan(cases, expected, xy, simulations=19, dispersion=spread)
    members = [m for c in result.clusters for m in c.members]
    assert len(members) == len(set(members))
    llr = [c.llr for c in result.clusters]
    assert llr == sorted(llr, reverse=True)
    assert all(c.expected <= 0.25 * cases.sum() + 1e-9 and c.observed > c.expected for c in result.clusters[:1])
    order = rng.permutation(20)
    again = poisson_scan(cases[order], expected[order], xy[order], simulations=19, dispersion=spread)
    assert [set(c.members) for c in again.clusters] == [set(c.members) for c in result.clusters]


def test_same_seed_same_result_and_another_seed_another():
    rng = np.random.default_rng(1)
    xy, expected, cases = rng.uniform(0, 9, (30, 2)), rng.gamma(3, 2, 30), rng.poisson(6, 30)
    first, again, other = (poisson_scan(cases, expected, xy, seed=s, simulations=199) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame())
    assert (
        first.clusters[0].p_value != other.clusters[0].p_value or first.clusters[1].p_value != other.clusters[1].p_value
    )


def test_a_dispersion_makes_one_large_school_less_of_a_wonder():
    # One unit of twenty has twice its 40: for Poisson counts a wonder, for schools that differ by 40 % not at all.
    expected = np.full(20, 40.0)
    cases = np.full(20, 38)
    cases[7] = 80
    xy = np.random.default_rng(0).uniform(0, 9, (20, 2))
    assert poisson_scan(cases, expected, xy).clusters[0].p_value == 0.001
    assert poisson_scan(cases, expected, xy, dispersion=0.16).clusters[0].p_value > 0.05


def test_with_a_dispersion_several_schools_weigh_more_than_one():
    # 240 where 120 are expected: at one large school, or at three neighbors. A Poisson scan sees no difference.
    expected = np.array([120.0, *[40] * 17])
    xy = np.c_[np.arange(18.0), np.zeros(18)]
    large, three = expected.astype(int), expected.astype(int)
    large[0] *= 2
    three[4:7] *= 2
    plain = [poisson_scan(cases, expected, xy, simulations=9).clusters[0] for cases in (large, three)]
    assert plain[0].llr == pytest.approx(plain[1].llr)
    weighed = [poisson_scan(cases, expected, xy, dispersion=0.1).clusters[0] for cases in (large, three)]
    assert [set(c.members) for c in weighed] == [{0}, {4, 5, 6}]
    assert weighed[1].p_value < weighed[0].p_value


def test_what_is_detectable_agrees_with_the_p_value():
    rng = np.random.default_rng(2)
    xy, expected = rng.uniform(0, 9, (30, 2)), np.full(30, 20.0)
    for factor in (1.0, 1.5, 2.0, 3.0):
        cases = rng.poisson(expected * np.where(np.arange(30) < 2, factor, 1.0))
        for cluster in poisson_scan(cases, expected, xy, dispersion=0.02, simulations=199).clusters:
            assert (cluster.ratio >= 0.97 * cluster.detectable_ratio) or cluster.p_value > 0.04


def test_simulations_keep_the_total_and_the_spread():
    share = np.full(50, 0.02)
    plain = simulate_counts(1000, share, simulations=2000, seed=1)
    spread = simulate_counts(1000, share, simulations=2000, seed=1, dispersion=0.3)
    assert (plain.sum(axis=0) == 1000).all()
    assert (spread.sum(axis=0) == 1000).all()
    assert plain.var() == pytest.approx(20 * 0.98, rel=0.05)
    assert spread.var() == pytest.approx(20 + 0.3 * 400, rel=0.08)
    each = simulate_counts(1000, share, simulations=2, seed=1, dispersion=np.array([0.0, 5.0]))
    assert each[:, 0].var() < 60 < each[:, 1].var()


def test_nothing_to_find():
    assert poisson_scan([0, 0, 0], [1, 1, 1], LINE[:3]).clusters == ()
    assert "No group" in poisson_scan([0, 1, 0], [1, 1, 1], LINE[:3]).summary()
    assert poisson_scan([0, 0, 0], [1, 1, 1], LINE[:3]).to_frame().empty


def test_one_unit_no_window_and_very_many_cases():
    assert poisson_scan([7], [7], [[0, 0]], dispersion=0.1).clusters == ()
    assert poisson_scan([7, 1, 1], [3, 3, 3], LINE[:3], max_share=0.01).clusters == ()
    many = poisson_scan([3_000_000, 1_000_000, 1_000_000], [1, 1, 1], LINE[:3], max_share=0.5, dispersion=0.01)
    assert many.clusters[0].members == (0,)
    assert np.isfinite(many.clusters[0].llr)


def test_ratio_interval_widens_with_the_dispersion():
    expected = np.array([10.0, 10.0])
    low, high = ratio_interval(30, expected)
    wide_low, wide_high = ratio_interval(30, expected, dispersion=0.2)
    assert wide_low < low < 1.5 < high < wide_high
    assert ratio_interval(0, expected)[0] == 0


def test_ratio_of_weighted_totals_is_that_of_the_formula():
    totals = np.array([40, 60], dtype=np.int32)
    inside = np.array([[20, 20], [4, 9]], dtype=np.int32)
    share = np.array([0.25, 0.2])
    ratio = LikelihoodRatio(totals)(inside, share)
    for w in range(2):
        for s in range(2):
            c, total, e = inside[w, s], totals[s], totals[s] * share[w]
            by_hand = c * np.log(c / e) + (total - c) * np.log((total - c) / (total - e)) if c > e else 0
            assert ratio[w, s] == pytest.approx(by_hand, abs=1e-9)


def test_ranks_and_gumbel():
    maxima = np.arange(1.0, 100)
    assert rank_p_value(100, maxima) == 0.01
    assert rank_p_value(95, maxima) == 0.06
    drawn = np.random.default_rng(0).gumbel(5, 2, 4000)
    assert gumbel_p_value(9, drawn) == pytest.approx(1 - np.exp(-np.exp(-(9 - 5) / 2)), rel=0.1)
    assert gumbel_p_value(9, np.full(9, 3.0)) == 1


def test_great_circle():
    # A degree of the meridian on the mean sphere.
    assert great_circle_m(np.array([[0.0, 0], [0, 1]]))[0, 1] == pytest.approx(111_195, abs=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cases": [1, 2]}, "do not fit"),
        ({"cases": [1, 2, -1]}, "whole numbers"),
        ({"cases": [1, 2, 0.5]}, "whole numbers"),
        ({"expected": [1, 0, 1]}, "above 0"),
        ({"xy": [[0, 0], [1, 1], [np.nan, 2]]}, "without a place"),
        ({"xy": [[0, 0], [1, 1]]}, "do not fit"),
        ({"xy": [[0, 0], [500, 1], [2, 2]], "distances": "great_circle"}, "no degrees"),
        ({"max_share": 0}, "share of what is expected"),
        ({"simulations": 0}, "needs simulations"),
        ({"dispersion": -1.0}, "0 or more"),
        ({"dispersion": np.ones(3)}, "one for each simulation"),
        ({"cases": [10**9, 2, 3]}, "too many cases"),
    ],
)
def test_bad_input_is_reported(change, message):
    given_ = {"cases": [1, 2, 3], "expected": [1, 1, 1], "xy": LINE[:3], **change}
    with pytest.raises(InputError, match=message):
        poisson_scan(given_.pop("cases"), given_.pop("expected"), given_.pop("xy"), **given_)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([None, 0.05, 1.0]),
    fewest=st.integers(1, 6),
    is_lattice=st.booleans(),
)
def test_the_largest_ratios_are_those_of_all_circles_computed(seed, spread, fewest, is_lattice):
    rng = np.random.default_rng(seed)
    n, total = 40, int(rng.integers(5, 400))
    xy = rng.integers(0, 6, (n, 2)) * 100.0 if is_lattice else rng.uniform(0, 1000, (n, 2))
    share = rng.gamma(1, 1, n) + 1e-6
    share /= share.sum()
    windows = nested_windows(xy, share, [0.4])[0.4]
    drawn = scan.simulate_counts(total, share, simulations=70, seed=seed, dispersion=spread)
    judge = scan._Judge(drawn, share, spread, fewest)
    plain = [judge(order, ends).max(axis=0, initial=0.0) for order, ends in windows if len(order)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "_BATCH", 32)
        found = scan._maxima(windows, judge, 70, lambda _: None)
    # The weighted ratios of a batch are the same numbers, in another order of adding up.
    assert found == pytest.approx(np.max(plain, axis=0), rel=1e-9, abs=1e-9)


def test_whoever_ends_a_scan_does_not_wait_for_its_simulations():
    rng = np.random.default_rng(0)
    xy, expected = rng.uniform(0, 20_000, (300, 2)), rng.gamma(3, 1, 300)
    said = []

    def stop(what):
        said.append(what)
        if len(said) == 2:
            raise KeyboardInterrupt

    began = time.process_time()
    with pytest.raises(KeyboardInterrupt):
        poisson_scan(rng.poisson(expected), expected, xy, simulations=20_000, dispersion=0.1, on_part=stop)
    assert said == ["0 of 20,000 simulations", "250 of 20,000 simulations"]
    # All of them take many times as long.
    assert time.process_time() - began < 5


@pytest.mark.parametrize("spread", [None, 0.2])
def test_scans_with_nested_windows_are_those_of_each_alone(spread):
    rng = np.random.default_rng(4)
    xy, expected = rng.uniform(0, 20_000, (60, 2)), rng.gamma(3, 1, 60)
    cases = pd.Series(rng.poisson(expected * 6), index=[f"S{i}" for i in range(60)])
    asked = {"simulations": 99, "seed": 7, "dispersion": spread, "min_expected": 2.0}
    said = []
    together = scan.nested_scans(
        cases, expected, xy, [0.5, 0.1, 0.25], **asked, on_part=lambda *what: said.append(what)
    )
    assert list(together) == [0.1, 0.25, 0.5]
    assert said == [(share, "0 of 99 simulations") for share in (0.1, 0.25, 0.5)]
    for share, found in together.items():
        alone = poisson_scan(cases, expected, xy, max_share=share, **asked)
        assert found == alone
        assert len(found.clusters) > 1


def test_rows_come_in_order_though_only_the_first_are_sorted_at_once(monkeypatch):
    rng = np.random.default_rng(2)
    values, ties = rng.integers(0, 9, 200), rng.integers(0, 9, 200)
    monkeypatch.setattr(scan, "_AT_FIRST", 30)
    assert list(scan.in_order(ties, values)) == np.lexsort((ties, values)).tolist()
    assert list(scan.in_order(ties[:5], values[:5])) == np.lexsort((ties[:5], values[:5])).tolist()
    assert list(scan.in_order(ties[:0], values[:0])) == []
