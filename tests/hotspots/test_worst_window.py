import math
from itertools import product

import numpy as np
import pytest

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._hours import worst_window

# School from 8:00 to 15:00, half an hour more on either side, Monday to Friday: 20 schools, 90 days.
SESSION = np.zeros((7, 24))
SESSION[:5, 8:15] = 360
SESSION[:5, [7, 15]] = 180


def drawn(total, rates, seed):
    rng = np.random.default_rng(seed)
    return rng.multinomial(total, (rates / rates.sum()).ravel()).reshape(7, 24).astype(float)


def planted(factor, total=400, seed=1):
    rates = SESSION.copy()
    rates[:5, 12] *= factor
    return drawn(total, rates, seed)


def test_a_lunch_peak_is_found():
    found = worst_window(planted(2.5), SESSION)
    assert found.weekdays == (0, 1, 2, 3, 4)
    assert (found.start_hour, found.end_hour) == (12, 13)
    assert found.status == "high"
    assert found.p_value == 1 / 1000
    assert found.gumbel_p_value < 0.001
    assert found.expected == pytest.approx(400 / 8)
    assert found.relative_risk == pytest.approx(2.5, abs=0.7)
    assert found.summary().startswith("From 12:00 to 13:00, Monday to Friday, reported calls for zone officers were ")
    assert "once in 1,000 terms or less often after looking at 630 windows" in found.summary()


def test_even_hours_seldom_look_uneven():
    # 5 % of 60 are 3; eight or more would come about once in 100 such tests.
    found = [worst_window(drawn(300, SESSION, seed), SESSION, simulations=99) for seed in range(60)]
    assert sum(one.status == "high" for one in found) < 8
    assert {one.status for one in found} == {"high", "not_high"} or all(one.status == "not_high" for one in found)


def test_two_hours_by_hand():
    # Monday at 8 and at 9, equally long; 30 of 40 at 8, where 20 are expected.
    weights, exposure = np.zeros((7, 24)), np.zeros((7, 24))
    exposure[0, [8, 9]] = 5
    weights[0, [8, 9]] = 30, 10
    found = worst_window(weights, exposure)
    assert (found.weekdays, found.start_hour, found.end_hour, found.windows) == ((0,), 8, 9, 2)
    assert (found.observed, found.expected, found.relative_risk) == (30, 20, 3)
    assert found.llr == pytest.approx(30 * math.log(30 / 20) + 10 * math.log(10 / 20))
    # Either hour has 30 or more of 40 by chance: twice P(Binomial(40, 1/2) >= 30).
    exact = 2 * sum(math.comb(40, k) for k in range(30, 41)) / 2**40
    assert found.p_value == pytest.approx(exact, abs=0.003)


def every_window(longest):
    for day, n_days, hour, n_hours in product(range(7), range(1, 8), range(24), range(1, longest + 1)):
        # An hour past midnight is the next day's.
        yield {((day + i + (hour + j) // 24) % 7, (hour + j) % 24) for i in range(n_days) for j in range(n_hours)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("longest", [1, 3])
def test_the_window_is_the_likeliest_of_all(seed, longest):
    rng = np.random.default_rng(seed)
    exposure = np.where(rng.random((7, 24)) < 0.5, rng.uniform(0.5, 3, (7, 24)), 0)
    weights = rng.gamma(0.5, 1.0, (7, 24))
    total, session = weights[exposure > 0].sum(), exposure.sum()
    best, different = 0.0, set()
    for window in every_window(longest):
        held = frozenset(cell for cell in window if exposure[cell] > 0)
        if not held or len(held) == (exposure > 0).sum():
            continue
        observed = sum(weights[cell] for cell in held)
        expected = total * sum(exposure[cell] for cell in held) / session
        if expected < 1:  # carries no ratio
            continue
        different.add(held)
        if observed > expected:
            inside = observed * math.log(observed / expected)
            rest = (total - observed) * math.log((total - observed) / (total - expected))
            best = max(best, inside + rest)
    found = worst_window(weights, exposure, longest_h=longest, simulations=9)
    assert found.llr == pytest.approx(best)
    assert found.windows == len(different)
    assert found.incidents == pytest.approx(total)
    assert found.left_out == pytest.approx(weights.sum() - total)


def test_the_week_and_the_day_are_circles():
    # Friday and Monday are neighbors where the weekend is free.
    weights = np.zeros((7, 24))
    weights[[0, 4], 14] = 30
    found = worst_window(weights, SESSION)
    assert (found.weekdays, found.start_hour, found.end_hour) == ((4, 0), 14, 15)
    assert found.relative_risk == math.inf
    assert found.summary().startswith("From 14:00 to 15:00 on Fridays and Mondays, there were 60 of the 60 reported")
    # The hour after Friday's last is Saturday's first.
    weights = np.ones((7, 24))
    weights[4, 23] = weights[5, 0] = 30
    found = worst_window(weights, np.ones((7, 24)))
    assert (found.weekdays, found.start_hour, found.end_hour) == ((4,), 23, 1)
    assert found.summary().startswith("From 23:00 to 01:00 on Fridays, ")


def test_a_window_ends_with_the_day():
    weights = np.ones((7, 24))
    weights[2, 23] = 40
    found = worst_window(weights, np.ones((7, 24)))
    assert (found.weekdays, found.start_hour, found.end_hour) == ((2,), 23, 24)


def test_whole_days_may_be_windows():
    weights = SESSION / SESSION.sum() * 200
    weights[2] *= 3
    found = worst_window(weights, SESSION, longest_h=24)
    assert found.weekdays == (2,)
    assert (found.start_hour, found.end_hour) == (7, 16)


def test_hours_without_school_are_left_out_and_counted():
    weights = planted(2.5)
    weights[5, 2] = 500.5
    found = worst_window(weights, SESSION)
    assert found.left_out == 500.5
    assert found.llr == worst_window(planted(2.5), SESSION).llr
    assert "500.5 in hours without school" in found.summary()


def test_too_few_incidents_are_a_result_of_their_own():
    weights = np.zeros((7, 24))
    weights[0, 12] = 19
    weights[6, 3] = 50
    found = worst_window(weights, SESSION)
    assert found.status == "insufficient_data"
    assert found.weekdays == ()
    assert found.start_hour is None
    assert math.isnan(found.p_value)
    assert "19, where 20 are needed" in found.summary()
    weights[0, 12] = 20
    assert worst_window(weights, SESSION).status == "high"


@pytest.mark.parametrize("exposure", [np.zeros((7, 24)), np.eye(7, 24) * (np.arange(24) == 3)])
def test_no_hours_or_one_hour_cannot_be_compared(exposure):
    found = worst_window(np.full((7, 24), 30.0), exposure)
    assert found.windows == 0
    assert found.weekdays == ()
    assert found.status == ("insufficient_data" if not exposure.any() else "not_high")


def test_perfectly_even_hours_have_no_window():
    found = worst_window(SESSION / 100, SESSION)
    assert (found.status, found.p_value, found.weekdays) == ("not_high", 1.0, ())
    assert found.summary() == (
        "No hours in session have more reported calls for zone officers than others, after looking at 630 windows."
    )


def test_nothing_that_stands_out_is_said_so():
    found = worst_window(drawn(300, SESSION, 3), SESSION)
    assert found.status == "not_high"
    assert found.p_value > 0.05
    assert found.summary().startswith("From ")
    assert "which is not clearly more than chance: a pattern this strong" in found.summary()


def test_fractions_are_taken_as_they_are():
    # Halves of the same incidents at two hours: as many, spread; the simulations draw 41 for 40.6.
    weights = np.zeros((7, 24))
    weights[0, [8, 9, 10]] = 20.3, 20.3, 0
    found = worst_window(weights, SESSION)
    assert found.observed == pytest.approx(40.6)
    assert found.incidents == pytest.approx(40.6)
    assert found.status == "high"


def test_the_same_seed_gives_the_same_and_the_input_is_left_as_it_was():
    weights, exposure = planted(1.3), SESSION.copy()
    before = weights.copy()
    assert worst_window(weights, exposure, seed=5) == worst_window(weights, exposure, seed=5)
    np.testing.assert_array_equal(weights, before)
    np.testing.assert_array_equal(exposure, SESSION)


def test_one_row_of_a_table():
    frame = worst_window(planted(2.5), SESSION).to_frame()
    assert len(frame) == 1
    assert frame.loc[0, "weekdays"] == "Monday;Tuesday;Wednesday;Thursday;Friday"
    assert frame.loc[0, "start_hour"] == 12
    assert frame.loc[0, "sentence"].startswith("From 12:00")
    empty = worst_window(np.zeros((7, 24)), SESSION).to_frame()
    assert empty["start_hour"].isna().all()


@pytest.mark.parametrize(
    ("weights", "exposure", "options", "message"),
    [
        (np.ones((24, 7)), SESSION, {}, "7 days"),
        (np.ones((7, 24)), SESSION[:5], {}, "7 days"),
        (-SESSION, SESSION, {}, "0 or more"),
        (SESSION, SESSION * np.nan, {}, "0 or more"),
        (SESSION, SESSION, {"longest_h": 0}, "whole hours"),
        (SESSION, SESSION, {"longest_h": 2.5}, "whole hours"),
        (SESSION, SESSION, {"longest_h": 25}, "whole hours"),
        (SESSION, SESSION, {"simulations": 0}, "simulations"),
    ],
)
def test_input_that_cannot_be_meant_is_named(weights, exposure, options, message):
    with pytest.raises(InputError, match=message):
        worst_window(weights, exposure, **options)
