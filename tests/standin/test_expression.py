import numpy as np
import pytest

from lib.standin.expression import ACTION_UNITS, RECIPES, Event, draw_units, envelope, field
from lib.standin.identity import MIRROR, draw_identity, mean_landmarks

POINTS = mean_landmarks()
U, V = np.meshgrid(np.linspace(-4, 4, 161, dtype=np.float32), np.linspace(-4, 5, 181, dtype=np.float32))
STEP = 0.05


def at(unit, landmark):
    """Displacement (u, v) that `unit` gives one landmark of the mean face."""
    u, v = (np.array([[value]], dtype=np.float32) for value in POINTS[landmark])
    return field(unit, u, v, POINTS, (1, 1))[:, 0, 0]


def test_au12_pulls_the_corners_of_the_mouth_up_and_outwards():
    assert at("AU12", 48)[0] < -0.1
    assert at("AU12", 54)[0] > 0.1
    assert at("AU12", 48)[1] < -0.1
    assert at("AU12", 54)[1] < -0.1


def test_au1_raises_the_inner_brow_more_than_the_outer_and_au2_the_other_way_round():
    assert at("AU1", 21)[1] < at("AU1", 17)[1] - 0.05
    assert at("AU2", 18)[1] < at("AU2", 21)[1] - 0.05
    assert at("AU1", 21)[1] < -0.15
    assert at("AU2", 18)[1] < -0.15


def test_au4_lowers_the_brows_and_draws_them_together():
    assert at("AU4", 20)[1] > 0.12
    assert at("AU4", 20)[0] > 0.05
    assert at("AU4", 23)[0] < -0.05


@pytest.mark.parametrize(
    ("unit", "landmark", "upwards"),
    [
        ("AU5", 37, True),
        ("AU7", 41, True),
        ("AU10", 50, True),
        ("AU15", 48, False),
        ("AU17", 8, True),
        ("AU25", 57, False),
    ],
)
def test_each_unit_moves_its_landmark_the_way_facs_says(unit, landmark, upwards):
    assert (at(unit, landmark)[1] < 0) == upwards
    assert abs(at(unit, landmark)[1]) > 0.04


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_fields_are_smooth_local_and_symmetric(unit):
    shift = field(unit, U, V, POINTS, (1, 1))
    length = np.hypot(*shift)
    assert length.max() < 0.35
    assert length[[0, -1]].max() < 0.01
    assert length[:, [0, -1]].max() < 0.01
    assert (length > 0.02).mean() < 0.25
    slopes = np.gradient(shift, STEP, axis=(1, 2))
    assert max(np.abs(slope).max() for slope in slopes) < 0.75  # under 1: nothing folds over
    np.testing.assert_allclose(shift[1], shift[1][:, ::-1], atol=1e-5)
    np.testing.assert_allclose(shift[0], -shift[0][:, ::-1], atol=1e-5)


def test_brow_and_mouth_units_leave_each_other_s_region_alone():
    assert np.abs(at("AU12", 19)).max() < 0.005
    assert np.abs(at("AU4", 48)).max() < 0.005


def test_a_side_of_strength_zero_does_not_move():
    shift = field("AU12", U, V, POINTS, (1, 0))
    assert np.abs(shift[:, U > 1.5]).max() < 0.01
    assert np.abs(shift[:, U < -0.7]).max() > 0.15


def test_an_envelope_is_neutral_outside_its_events_and_reaches_their_strength():
    events = (Event(100, 200, 250, 400, 0.8), Event(600, 650, 700, 900, 0.5))
    activation = envelope(events, np.array([0.0, 100, 200, 225, 400, 500, 600, 675, 900, 1000]))
    np.testing.assert_allclose(activation, [0, 0, 0.8, 0.8, 0, 0, 0, 0.5, 0, 0], atol=1e-12)


def test_an_envelope_rises_and_falls_without_a_jump():
    activation = envelope((Event(20, 120, 200, 400, 1.0),), np.arange(0, 500, 10.0))
    assert np.abs(np.diff(activation)).max() < 0.2


@pytest.mark.parametrize("label", RECIPES)
def test_every_class_draws_known_units_with_a_visible_one_among_them(label):
    for seed in range(30):
        units = draw_units(np.random.default_rng(seed), label)
        assert set(units) <= set(ACTION_UNITS)
        assert max(units.values()) > 0.5


def test_the_mean_face_is_its_own_mirror_image():
    np.testing.assert_allclose(POINTS[MIRROR] * (-1, 1), POINTS, atol=1e-12)


def test_identities_differ_and_are_reproducible():
    one, again, other = (draw_identity(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.landmarks, again.landmarks)
    assert one.texture_seed == again.texture_seed
    assert np.abs(one.landmarks - other.landmarks).max() > 0.05


def test_every_identity_is_anatomically_ordered():
    for seed in range(200):
        points = draw_identity(np.random.default_rng(seed)).landmarks
        assert (np.diff(points[1:16, 0]) > 0).all()
        brow, eye, nose, seam, lip, chin = (points[i, 1] for i in (19, 37, 33, 62, 57, 8))
        assert brow < eye - 0.3 < nose < seam < lip < chin
        assert (np.diff(points[48:55, 0]) > 0).all()
