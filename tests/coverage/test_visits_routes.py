"""The route of a day is the best of all, and so are the tours and covers of proofs: checked by brute force."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
from visit_town import random_town

from safeschools_geo.coverage._visit_routes import (
    BREAK,
    DayDraws,
    DayWork,
    Want,
    draw_day,
    draw_times,
    fewest_days,
    least_work,
    route_day,
)
from safeschools_geo.coverage._visit_rules import SPECIAL_WINDOWS, VisitRules, zone_weeks


def zone_of(seed: int, *, rules: VisitRules | None = None, **options):
    town = random_town(seed, **options)
    bases = town.pop("bases") or {}
    return zone_weeks(**town, rules=rules or VisitRules(), days=("Mon", "Wed"), bases=bases, held_free_share={})[0]


def worth(zone, wants, taste, stops) -> int | None:
    """Give what a sequence of (place, window, index of the window) is worth; None where it breaks a rule."""
    rules, now, place, drive, prize, work = zone.rules, zone.rules.shift_start_min, zone.base_place, 0, 0, 0
    for school, name, number in stops:
        way = 0 if place is None else zone.drive_min[place, school]
        if name == BREAK:
            early, late, takes = rules.break_from_min, rules.break_to_min - rules.break_min, rules.break_min
        else:
            window, want = zone.windows[school][number], wants[school]
            early, late, takes = window.from_min, window.to_min - rules.visit_min, rules.visit_min
            prize += (2500 if want.is_first else 500) + taste[school][number]
            prize += 250 * (want.is_special and name in SPECIAL_WINDOWS)
            prize += 200 * (want.needs_first_window and name in zone.first_windows(school))
            prize -= rules.variation_min * (name in want.other_windows)
            work += takes
        start = max(now + way, early)
        if start > late:
            return None
        now, place, drive = start + takes, school, drive + way
    if zone.base_place is not None:
        back = zone.drive_min[place, zone.base_place]
        now, drive = now + back, drive + back
    if now > rules.shift_end_min or work + drive > zone.limit_min:
        return None
    return int(prize - work - drive)


def best_by_brute_force(zone, wants, taste) -> int:
    places = sorted(wants) + ([] if zone.base_place is None else [zone.base_place])
    best = 0
    for number in range(1, len(wants) + 1):
        for order in permutations(wants, number):
            for chosen in product(*(range(len(zone.windows[s])) for s in order)):
                visits = [(s, zone.windows[s][w].name, w) for s, w in zip(order, chosen, strict=True)]
                if worth(zone, wants, taste, visits) is None:
                    continue
                for at, where in product(range(number + 1), places):
                    value = worth(zone, wants, taste, [*visits[:at], (where, BREAK, 0), *visits[at:]])
                    best = max(best, value or 0)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_no_route_of_a_day_is_better(seed):
    rng = np.random.default_rng(seed)
    rules = VisitRules(class_span_min=480, held_free_share=[0.35, 0.75][seed % 2])
    zone = zone_of(seed, rules=rules, per_zone=3, scale_min=[10, 40, 90][seed % 3], has_base=seed % 4 < 2)
    wants = {
        school: Want(
            is_first=bool(rng.integers(2)),
            is_special=bool(rng.integers(2)),
            needs_first_window=bool(zone.first_windows(school)),
            other_windows=frozenset(["lunch"] if rng.integers(2) else []),
        )
        for school in range(3)
    }
    draws = draw_day(zone, rng)
    route = route_day(zone, wants, draws)
    windows = {s.place: s for s in route.stops if s.window != BREAK}
    numbers = {
        school: next(n for n, w in enumerate(zone.windows[school]) if w.from_min == stop.early_min)
        for school, stop in windows.items()
    }
    stops = [(s.place, s.window, numbers.get(s.place, 0)) for s in route.stops]
    value = worth(zone, wants, draws.taste_min, stops) if stops else 0
    assert value == best_by_brute_force(zone, wants, draws.taste_min)


def test_spans_that_cost_a_visit_are_widened():
    # Class time is drawn from 10:30 on for the first school and to 9:00 for the second, an hour apart each way; the
    # shift has room for both only the other way round.
    rules = VisitRules(shift_start_min=525, shift_end_min=660, break_min=0, held_free_share=0)
    zone = zone_of(0, rules=rules, per_zone=2, scale_min=0, has_base=False)
    zone.drive_min[:] = [[0, 60], [60, 0]]
    spans = tuple(
        tuple(w._replace(from_min=from_min, to_min=from_min + 12) if w.name == "class" else w for w in windows[:1])
        for windows, from_min in zip(zone.windows, (600, 610), strict=True)
    )
    wants = dict.fromkeys(
        range(2), Want(is_first=True, is_special=False, needs_first_window=False, other_windows=frozenset())
    )
    narrow = DayDraws(tuple((0,) * len(w) for w in zone.windows), spans, 1)
    assert sorted(route_day(zone, wants, narrow).windows) == [0, 1]


def test_times_are_anywhere_that_the_route_allows():
    zone = zone_of(3, per_zone=2, scale_min=5)
    rng = np.random.default_rng(0)
    wants = dict.fromkeys(
        range(2), Want(is_first=True, is_special=True, needs_first_window=False, other_windows=frozenset())
    )
    route = route_day(zone, wants, draw_day(zone, rng))
    starts = np.array([[stop.from_min for stop in draw_times(zone, route, rng)] for _ in range(400)])
    for number, stop in enumerate(route.stops):
        drawn = starts[:, number]
        assert stop.early_min <= drawn.min() <= drawn.max() <= stop.late_min
        assert np.bincount(drawn - drawn.min()).max() <= 60


@pytest.mark.parametrize(("seed", "has_base"), [(0, True), (1, False), (2, True)])
def test_the_least_work_of_every_set_is_that_of_its_best_order(seed, has_base):
    zone = zone_of(seed, per_zone=5, scale_min=30, has_base=has_base)
    least, drive, base = least_work(zone), zone.drive_min, zone.base_place
    for size in range(1, 6):
        for schools in combinations(range(5), size):
            ways = []
            for order in permutations(schools):
                way = order if base is None else (base, *order, base)
                ways.append(sum(drive[a, b] for a, b in pairwise(way)))
            # Rounded up, the way between two places may be a minute longer than over a third.
            assert 0 <= size * 12 + min(ways) - least[sum(1 << s for s in schools)] <= len(schools) + 1
    assert least[0] == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_fewest_days_are_those_of_the_best_parting(seed):
    zone = zone_of(seed, per_zone=6, scale_min=100, has_base=seed % 2 == 0)
    work = DayWork(zone)
    cover = fewest_days(work)
    alone = [s for s in range(6) if work.minutes([s]) <= zone.limit_min]
    assert sorted(s for day in cover.days for s in day) == alone
    assert all(work.minutes(day) <= zone.limit_min for day in cover.days)
    assert len(cover.days) == cover.least_days
    fewer = cover.least_days - 1
    for labels in product(range(max(1, fewer)), repeat=len(alone)):
        days = [[s for s, label in zip(alone, labels, strict=True) if label == day] for day in range(max(1, fewer))]
        assert fewer < 1 or any(work.minutes(day) > zone.limit_min for day in days)


def test_a_day_that_can_hold_no_school_has_no_cover():
    zone = zone_of(0, per_zone=2, scale_min=2000, has_base=True)
    assert fewest_days(DayWork(zone)) == ([], 0)
