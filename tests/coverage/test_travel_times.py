"""Minutes on streets that can be drawn: where places reach them, where they meet, and where they only cross."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from drawn_streets import EAST, NORTH, UTM, line, places, roads
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiLineString, Point, Polygon, box

from safeschools_geo.coverage._roads import RoadRules, place_points
from safeschools_geo.coverage._usual_day import TravelSettings, travel_times

WALK = TravelSettings(roads=RoadRules(access_speed_kph=6))
"""100 m from a street take a minute."""


def rules(**changes):
    return TravelSettings(roads=RoadRules(access_speed_kph=6, **changes))


def minutes(found, a, b):
    return found.minutes.loc[a, b]


def codes(found):
    return {finding.code for finding in found.findings}


def finding(found, code):
    return next(f for f in found.findings if f.code == code)


def test_a_straight_line_is_stretched_and_driven():
    # 1 km × 1.3 at 40 km/h: 1.3 / 40 × 60 = 1.95 minutes.
    found = travel_times(places(A=(0, 0), B=(600, 800)))
    assert minutes(found, "A", "B") == pytest.approx(1.95)
    assert minutes(found, "A", "A") == 0
    assert "× 1.3 (detour factor) at 40 km/h" in found.method
    assert np.isfinite(found.minutes.to_numpy()).all()
    assert found.access.empty
    assert found.parts.empty


def test_factor_and_speed_are_those_asked_for():
    asked = TravelSettings(detour_factor=2.0, speed_kph=60)
    found = travel_times(places(A=(0, 0), B=(1000, 0)), settings=asked)
    assert minutes(found, "A", "B") == pytest.approx(2.0)
    assert "× 2 (detour factor) at 60 km/h" in found.summary()


def test_a_place_reaches_the_middle_of_its_street():
    # B is 100 m beside the middle of a street of 1 km: 1 minute to the street, then 500 m or 1 minute to its end.
    found = travel_times(places(A=(0, 0), B=(500, 100)), roads=roads(line((0, 0), (1000, 0))), settings=WALK)
    assert minutes(found, "A", "B") == pytest.approx(2.0)
    assert minutes(found, "B", "A") == pytest.approx(2.0)
    access = found.access.set_index("place_id")
    assert access.loc["B", "access_m"] == pytest.approx(100)
    assert access.loc["B", "access_min"] == pytest.approx(1)
    assert access.loc["B", "row"] == "0"


def test_two_places_on_one_street_do_not_go_round_by_its_ends():
    found = travel_times(places(A=(400, 0), B=(650, 0)), roads=roads(line((0, 0), (1000, 0))))
    assert minutes(found, "A", "B") == pytest.approx(0.5)


def test_places_at_one_point_are_no_minutes_apart():
    found = travel_times(
        places(A=(400, 300), B=(400, 300), C=(0, 0)), roads=roads(line((0, 0), (1000, 0))), settings=WALK
    )
    assert minutes(found, "A", "B") == 0
    assert minutes(found, "A", "C") == pytest.approx(3 + 0.8)


def test_a_bridge_does_not_lead_onto_the_street_below():
    # The bridge crosses the street at (500, 250); the way between them is round by (0, 0): 500 + 250 + 500 + 250 m.
    net = roads(
        line((500, -250), (500, 0)),
        line((500, 0), (500, 500)),
        line((500, 0), (0, 0)),
        line((0, 0), (0, 250), (1000, 250)),
    )
    there = places(below=(500, 250.5), above=(499, 250))
    found = travel_times(there, roads=net)
    assert minutes(found, "below", "above") == pytest.approx((250.5 + 500 + 250 + 499) / 500)
    assert finding(found, "road_crossings_left").message.endswith("not joined, at 1 place.")
    joined = travel_times(there, roads=net, settings=rules(joins_crossings=True))
    assert minutes(joined, "below", "above") == pytest.approx((0.5 + 1) / 500)
    assert "road_crossings_joined" in codes(joined)


def test_streets_with_a_common_vertex_meet_there():
    net = roads(line((0, 0), (500, 0), (1000, 0)), line((500, -500), (500, 0), (500, 500)))
    found = travel_times(places(A=(0, 0), B=(500, 500)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx(2)
    assert len(found.parts) == 1
    assert not found.findings


def test_the_end_of_a_street_meets_the_middle_of_another():
    net = roads(line((0, 0), (1000, 0)), line((300, 0.8), (300, 500)))
    found = travel_times(places(A=(0, 0), B=(300, 500)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx((300 + 499.2) / 500)
    assert finding(found, "road_ends_met").message.endswith("at 1 place.")


@pytest.mark.parametrize(("gap_m", "is_closed"), [(0.9, True), (1.1, False)])
def test_a_gap_is_closed_up_to_the_tolerance(gap_m, is_closed):
    net = roads(line((0, 0), (500, 0)), line((500 + gap_m, 0), (1000, 0)))
    found = travel_times(places(A=(0, 0), B=(100, 0), C=(1000, 0)), roads=net)
    assert np.isfinite(minutes(found, "A", "C")) == is_closed
    assert ("road_gaps_closed" in codes(found)) == is_closed
    assert len(found.parts) == (1 if is_closed else 2)


def test_an_island_is_reported_with_its_places_and_pairs():
    net = roads(line((0, 0), (1000, 0)), line((3000, 0), (3100, 0)), line((3100, 0), (3400, 0)))
    there = places(A=(0, 0), B=(1000, 0), C=(3050, 0))
    found = travel_times(there, roads=net)
    assert found.parts[["streets", "places", "place_ids"]].to_numpy().tolist() == [[1, 2, "A;B"], [2, 1, "C"]]
    assert found.parts["length_km"].tolist() == pytest.approx([1.0, 0.4])
    lost = found.to_frame()[["origin_id", "destination_id"]][np.isinf(found.to_frame()["minutes"])]
    assert lost.to_numpy().tolist() == [["A", "C"], ["B", "C"], ["C", "A"], ["C", "B"]]
    told = finding(found, "road_parts")
    assert told.severity == "warning"
    assert told.ids == ("C",)
    assert "2 parts that do not touch: one of 1.0 km, the others of 0.4 km" in told.message
    assert "4 of 9 pairs" in finding(found, "places_unreachable").message


def test_places_can_be_led_to_the_main_part():
    net = roads(line((0, 0), (1000, 0)), line((1200, 0), (1300, 0)))
    found = travel_times(places(A=(0, 0), C=(1200, 0)), roads=net, settings=rules(uses_main_part_only=True))
    assert minutes(found, "A", "C") == pytest.approx(2 + 2)
    assert finding(found, "road_parts").severity == "note"


def test_a_place_far_from_every_street_is_out_of_reach():
    found = travel_times(
        places(A=(0, 0), B=(500, 0), C=(0, 2500)),
        roads=roads(line((0, 0), (1000, 0))),
        settings=rules(max_access_m=2000),
    )
    assert np.isinf(minutes(found, "A", "C"))
    assert minutes(found, "C", "C") == 0
    assert finding(found, "place_far_from_roads").ids == ("C",)
    assert pd.isna(found.access.set_index("place_id").loc["C", "part"])


@pytest.mark.parametrize(
    ("word", "there", "back"),
    [("yes", 1, 3), (True, 1, 3), (1, 1, 3), ("FT", 1, 3), (-1, 3, 1), ("-1", 3, 1), ("no", 1, 1), (None, 1, 1)],
)
def test_a_one_way_street_is_driven_one_way(word, there, back):
    # A square of 500 m: A to B along the bottom, or round by the other three sides.
    net = roads(
        line((0, 0), (500, 0)), line((500, 0), (500, 500), (0, 500), (0, 0)), speed_kph=30.0, one_way=[word, None]
    )
    found = travel_times(places(A=(0, 0), B=(500, 0)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx(there)
    assert minutes(found, "B", "A") == pytest.approx(back)


def test_nobody_turns_back_in_a_one_way_street():
    net = roads(
        line((0, 0), (500, 0)), line((500, 0), (500, 500), (0, 500), (0, 0)), speed_kph=30.0, one_way=["yes", "no"]
    )
    found = travel_times(places(A=(100, 0), B=(400, 0)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx(0.6)
    assert minutes(found, "B", "A") == pytest.approx((100 + 1500 + 100) / 500)


def test_minutes_go_before_speed_and_are_shared_among_pieces():
    # 4 minutes for 400 m in two pieces of 300 and 100 m; the other street has a speed only.
    pieces = MultiLineString([line((0, 0), (300, 0)), line((300, 0), (400, 0))])
    net = roads(pieces, line((400, 0), (900, 0)), minutes=[4.0, None], speed_kph=[99.0, 30.0])
    found = travel_times(places(A=(0, 0), B=(300, 0), C=(900, 0)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx(3)
    assert minutes(found, "A", "C") == pytest.approx(5)


def test_figures_may_be_text():
    net = roads(line((0, 0), (500, 0)), line((500, 0), (1000, 0)), minutes=["2.5", " "], speed_kph=["", "30"])
    found = travel_times(places(A=(0, 0), B=(1000, 0)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx(3.5)


def test_the_quicker_of_two_streets_is_taken():
    net = roads(line((0, 0), (500, 0)), line((0, 0), (250, 1), (500, 0)), line((0, 0), (0, 1)), minutes=[9.0, 2.0, 1.0])
    assert minutes(travel_times(places(A=(0, 0), B=(500, 0)), roads=net), "A", "B") == pytest.approx(2)


def test_roads_without_geometry_or_length_are_left_out_and_reported():
    net = roads(line((0, 0), (500, 0)), line((0, 0), (0, 0)), None, minutes=[1.0, -5.0, None])
    found = travel_times(places(A=(0, 0), B=(500, 0)), roads=net)
    assert minutes(found, "A", "B") == pytest.approx(1)
    assert finding(found, "roads_left_out").ids == ("1", "2")


def test_origins_and_destinations_may_differ():
    net = roads(line((0, 0), (1000, 0)))
    found = travel_times(places(base=(0, 0)), places(A=(250, 0), B=(1000, 0)), roads=net)
    assert found.minutes.shape == (1, 2)
    pairs = found.to_frame()
    assert pairs[["origin_id", "destination_id"]].to_numpy().tolist() == [["base", "A"], ["base", "B"]]
    assert pairs["minutes"].tolist() == pytest.approx([0.5, 2.0])
    turned = found.response_minutes(["B", "A"], ["base"])
    assert turned.index.tolist() == ["B", "A"]
    assert turned["base"].tolist() == pytest.approx([2.0, 0.5])


def test_areas_stand_for_a_point_in_them_and_ids_stay_text():
    frame = gpd.GeoDataFrame(
        {"unit_id": ["007", "2E47"]},
        geometry=[box(EAST - 50, NORTH - 50, EAST + 50, NORTH + 50), Point(EAST + 500, NORTH)],
        crs=UTM,
    )
    points = place_points(frame, "unit_id")
    assert points.index.tolist() == ["007", "2E47"]
    assert shapely.equals_exact(points["007"], Point(EAST, NORTH), 1e-6)
    found = travel_times(points, roads=roads(line((0, 0), (500, 0))))
    assert minutes(found, "007", "2E47") == pytest.approx(1)


def test_places_without_location_are_left_out_and_reported():
    there = places(A=(0, 0), B=(1000, 0))
    there["C"] = None
    there["D"] = Point()
    found = travel_times(there)
    assert found.minutes.index.tolist() == ["A", "B"]
    assert finding(found, "place_without_location").ids == ("C", "D")


def test_layers_of_different_crs_are_measured_alike():
    net, there = roads(line((0, 0), (1000, 0)), line((1000, 0), (1000, 700))), places(A=(30, 20), B=(1010, 650))
    plain = travel_times(there, roads=net, crs=UTM)
    mixed = travel_times(there.to_crs(4326), roads=net.to_crs(4326), crs=UTM)
    assert mixed.minutes.to_numpy() == pytest.approx(plain.minutes.to_numpy(), rel=1e-6)


def test_what_is_given_stays_as_it_is():
    net = roads(line((0, 0), (1000, 0)), minutes=["2"], one_way=["no"])
    there = places(A=(0, 100), B=(1000, 0))
    before = net.copy(), there.copy()
    travel_times(there, roads=net)
    pd.testing.assert_frame_equal(pd.DataFrame(net), pd.DataFrame(before[0]))
    assert there.equals(before[1])


def test_the_summary_says_how_and_how_long():
    net = roads(line((0, 0), (1000, 0)), line((3000, 0), (3100, 0)))
    text = travel_times(places(A=(0, 0), B=(1000, 0), C=(0, 60)), roads=net).summary()
    assert "Minutes between 3 origins and 3 destinations: The quickest way over 2 streets (1 km)" in text
    assert "at 20 km/h between a place and the nearest point of a street (on average 20 m, at most 60 m)" in text
    assert "the longest 2.2" in text
    assert "no place lies on the others" in text


SIDE = 4
EDGES = [((x, y), (x + 1, y)) for x in range(SIDE - 1) for y in range(SIDE)] + [
    ((x, y), (x, y + 1)) for x in range(SIDE) for y in range(SIDE - 1)
]
QUARTERS = 4


def brute_minutes(kept, pace):
    """All shortest times between quarter points of a lattice of 100 m, by Floyd and Warshall."""
    points = sorted({quarter(edge, k) for edge in kept for k in range(QUARTERS + 1)})
    at = {point: i for i, point in enumerate(points)}
    time = np.full((len(points), len(points)), np.inf)
    np.fill_diagonal(time, 0)
    for edge, minute in zip(kept, pace, strict=True):
        for k in range(QUARTERS):
            a, b = at[quarter(edge, k)], at[quarter(edge, k + 1)]
            time[a, b] = time[b, a] = min(time[a, b], minute / QUARTERS)
    for via in range(len(points)):
        time = np.minimum(time, time[:, [via]] + time[[via], :])
    return points, time


def quarter(edge, k):
    (x0, y0), (x1, y1) = edge
    return 25 * ((QUARTERS - k) * x0 + k * x1), 25 * ((QUARTERS - k) * y0 + k * y1)


lattices = st.lists(st.sampled_from(EDGES), min_size=6, max_size=len(EDGES), unique=True)
paces = st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.5]), min_size=len(EDGES), max_size=len(EDGES))


@settings(max_examples=40)
@given(kept=lattices, pace=paces, seed=st.integers(0, 10**6))
def test_times_are_those_of_trying_every_way(kept, pace, seed):
    pace = pace[: len(kept)]
    points, time = brute_minutes(kept, pace)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(points), 7, replace=False)
    flipped = [
        line(*(tuple(100 * c for c in end) for end in (edge if rng.random() < 0.5 else edge[::-1]))) for edge in kept
    ]
    net = roads(*flipped, minutes=pace)
    found = travel_times(places(**{f"p{i}": points[i] for i in chosen}), roads=net, crs=UTM).minutes.to_numpy()
    assert found == pytest.approx(time[np.ix_(chosen, chosen)], abs=1e-9)
    is_known = np.isfinite(found)
    assert (is_known == is_known.T).all()
    assert found[is_known] == pytest.approx(found.T[is_known])
    two_legs = (found[:, :, None] + found[None, :, :]).min(axis=1)
    assert (found <= two_legs + 1e-9).all()


@settings(max_examples=30)
@given(pace=paces, seed=st.integers(0, 10**6))
def test_more_streets_never_make_a_way_longer(pace, seed):
    # Places lie on streets of the first layer, so that the second does not lead them elsewhere.
    rng = np.random.default_rng(seed)
    lines = [line(*(tuple(100 * c for c in end) for end in edge)) for edge in EDGES]
    fewer = np.sort(rng.choice(len(EDGES), 14, replace=False))
    on = {f"p{i}": quarter(EDGES[i], int(rng.integers(QUARTERS + 1))) for i in fewer[:6]}
    few = travel_times(
        places(**on), roads=roads(*(lines[i] for i in fewer), minutes=[pace[i] for i in fewer]), crs=UTM
    ).minutes
    many = travel_times(places(**on), roads=roads(*lines, minutes=pace), crs=UTM).minutes
    assert (many.to_numpy() <= few.to_numpy() + 1e-9).all()


@settings(max_examples=30)
@given(xy=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=2, max_size=8))
def test_straight_lines_keep_the_triangle(xy):
    found = travel_times(places(**{f"p{i}": place for i, place in enumerate(xy)}), crs=UTM).minutes.to_numpy()
    assert found == pytest.approx(found.T)
    assert (found <= (found[:, :, None] + found[None, :, :]).min(axis=1) + 1e-9).all()
    assert (found >= 0).all()


def test_many_origins_are_measured_a_few_at_a_time(monkeypatch):
    net, there = roads(line((0, 0), (1000, 0))), places(**{f"p{i}": (100 * i, 0) for i in range(9)})
    whole = travel_times(there, roads=net)
    monkeypatch.setattr("safeschools_geo.coverage._roads._AT_ONCE", 25)
    assert travel_times(there, roads=net).minutes.equals(whole.minutes)


def test_a_ring_road_has_a_way_round_both_sides():
    ring = line((0, 0), (500, 0), (500, 500), (0, 500), (0, 0))
    found = travel_times(places(A=(0, 0), B=(500, 250), C=(0, 250)), roads=roads(ring))
    assert minutes(found, "A", "B") == pytest.approx(1.5)
    assert minutes(found, "A", "C") == pytest.approx(0.5)
    assert minutes(found, "B", "C") == pytest.approx(2)


def test_a_campus_is_reached_at_a_point_inside_it():
    campus = gpd.GeoSeries(
        [Polygon([(EAST + 400, NORTH + 50), (EAST + 600, NORTH + 50), (EAST + 500, NORTH + 250)])], index=["S"], crs=UTM
    )
    both = pd.concat([campus, places(A=(0, 0))])
    found = travel_times(gpd.GeoSeries(both, crs=UTM), roads=roads(line((0, 0), (1000, 0))))
    assert 50 < found.access.set_index("place_id").loc["S", "access_m"] < 250
