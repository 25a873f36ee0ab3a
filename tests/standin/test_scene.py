from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny

from lib.standin.plan import plan_standin
from lib.standin.scene import FRAME_SIZE, render

FEATURES = slice(17, 68)


def test_frames_are_rgb_bytes_of_the_announced_size_and_number(smile):
    plan, motion, frames = smile
    assert frames.shape == (plan.n_frames, FRAME_SIZE, FRAME_SIZE, 3)
    assert frames.dtype == np.uint8
    assert motion.landmarks.shape == (plan.n_frames, 68, 2)
    assert frames.std() > 20


def test_the_first_frame_is_neutral(smile):
    _, motion, _ = smile
    assert (motion.envelopes[:, 0] == 0).all()
    assert motion.envelopes.max() > 0.5


def test_landmarks_move_as_the_picture_does(smile):
    _, motion, frames = smile
    apex = int(motion.envelopes.sum(axis=0).argmax())
    neutral, moved = (cv2.GaussianBlur(cv2.cvtColor(frames[i], cv2.COLOR_RGB2GRAY), (0, 0), 1) for i in (0, apex))
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(neutral, moved, None)
    start = motion.landmarks[0, FEATURES]
    seen = flow[np.rint(start[:, 1]).astype(int), np.rint(start[:, 0]).astype(int)]
    true = motion.landmarks[apex, FEATURES] - start
    assert np.hypot(*true.T).max() > 2.0
    assert np.corrcoef(seen.ravel(), true.ravel())[0, 1] > 0.8
    assert np.median(np.hypot(*(seen - true).T)) < 0.5


def test_a_smile_moves_the_mouth_s_corners_apart_and_up_in_pixels(smile):
    _, motion, _ = smile
    apex = int(motion.envelopes.sum(axis=0).argmax())
    widths = motion.landmarks[[0, apex], 54, 0] - motion.landmarks[[0, apex], 48, 0]
    assert widths[1] - widths[0] > 4
    corners = motion.landmarks[:, [48, 54], 1].mean(axis=1) - motion.landmarks[:, 27, 1]
    assert corners[apex] - corners[0] < -2


def test_no_expression_folds_the_picture_over_itself_at_the_lowest_difficulty():
    for index in (0, 20, 80, 130):
        motion, _ = render(plan_standin("smic")[index], seed=0, difficulty=0.7)
        strongest = motion.envelopes[:, motion.envelopes.sum(axis=0).argmax()]
        across, down = np.tensordot(strongest, motion.fields, axes=1)
        (uy, ux), (vy, vx) = np.gradient(across), np.gradient(down)
        assert ((1 - ux) * (1 - vy) - uy * vx).min() > 0


def test_difficulty_divides_the_expression_and_multiplies_the_nuisance():
    plan = plan_standin("smic")[100]
    plan = replace(plan, blinks_ms=())
    (easy, easy_frames), (hard, hard_frames) = (render(plan, seed=0, difficulty=d) for d in (1.0, 2.0))
    np.testing.assert_allclose(easy.envelopes, 2 * hard.envelopes, rtol=1e-5)
    sway = [np.ptp(motion.landmarks[:, 0], axis=0).max() for motion in (easy, hard)]
    assert sway[1] == pytest.approx(2 * sway[0], rel=0.15)
    noise = []
    for frames in (easy_frames, hard_frames):
        first = next(frames)[:20, :20].astype(float)
        noise.append((first - cv2.GaussianBlur(first, (0, 0), 3)).std())
    assert noise[1] == pytest.approx(2 * noise[0], rel=0.2)


def test_a_blink_lowers_the_upper_lids_and_shows_in_the_picture():
    plan = replace(plan_standin("smic")[0], blinks_ms=(0.0,), events=plan_standin("smic")[0].events)
    motion, frames = render(plan, seed=0)
    frames = list(frames)
    opening = motion.landmarks[:, 41, 1] - motion.landmarks[:, 37, 1]
    assert opening[9] < 0.35 * opening[0]
    x, y = np.rint(motion.landmarks[0, 36:42].mean(axis=0)).astype(int)
    eye = [frame[y - 1 : y + 2, x - 2 : x + 3].mean() for frame in frames]
    assert abs(eye[9] - eye[0]) > 8


def test_rendering_twice_gives_the_same_bytes_and_another_seed_another_person():
    plan = replace(plan_standin("smic")[5], n_frames=3)
    first, again, other = (np.array(list(render(plan, seed)[1])) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_dlib_finds_one_face_and_its_68_points_where_the_truth_says():
    detector = tiny.detector()
    errors = []
    for person in range(6):
        plan = replace(plan_standin("smic")[0], subject=f"person{person}", index=person, n_frames=1)
        motion, frames = render(plan, seed=0)
        frame = next(frames)
        faces = detector.faces(frame, upsample=0)
        assert len(faces) == 1, person
        found = detector.points(frame, faces[0][0])
        true = motion.landmarks[0]
        eyes = np.linalg.norm(true[36:42].mean(axis=0) - true[42:48].mean(axis=0))
        errors.append(np.linalg.norm(found - true, axis=1) / eyes)
    per_point = np.median(errors, axis=0)
    assert np.median(per_point) < 0.05
    assert (per_point < 0.06).mean() > 0.8
