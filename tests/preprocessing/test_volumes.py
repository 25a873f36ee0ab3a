import numpy as np
import pytest

from lib.preprocessing.config import ClipRejected, PreprocessConfig
from lib.preprocessing.volumes import frame_range, interpolate_in_time, require_frames, tim_matrix


def pfister_2011(frames: np.ndarray, depth: int) -> np.ndarray:
    """TIM as published: eigenvectors of the path graph, SVD of the frames, a linear map and its inverse. (n, pixels)"""
    n = len(frames)
    mean = frames.mean(axis=0)
    u, singular, vt = np.linalg.svd((frames - mean).T, full_matrices=False)
    rank = n - 1
    q = singular[:rank, None] * vt[:rank]  # (n - 1, n): the frames in the space of their components
    laplacian = np.diag([1] + [2] * (n - 2) + [1]) - np.eye(n, k=1) - np.eye(n, k=-1)
    eigenvectors = np.linalg.eigh(laplacian)[1][:, 1:]  # (n, n - 1), ascending, the constant one left out
    to_graph = eigenvectors.T @ np.linalg.pinv(q)  # y = to_graph @ q
    k = np.arange(1, n)

    def curve(t):
        return np.sin(np.pi * k * t + np.pi * (n - k) / (2 * n))

    knots = np.array([curve(i / n) for i in range(1, n + 1)])
    # An eigenvector's length and sign are arbitrary: m_k scales the sine onto it.
    m = (knots * eigenvectors).sum(axis=0) / (knots**2).sum(axis=0)
    times = np.linspace(1 / n, 1, depth)
    return np.array([u[:, :rank] @ np.linalg.solve(to_graph, m * curve(t)) + mean for t in times])


def test_interpolation_to_the_same_depth_returns_the_frames():
    frames = np.random.default_rng(0).integers(0, 256, (7, 4, 5), dtype=np.uint8)
    np.testing.assert_array_equal(interpolate_in_time(frames, 7), frames)
    np.testing.assert_allclose(tim_matrix(11, 11), np.eye(11), atol=1e-12)


def test_three_frames_to_five_is_the_case_computed_by_hand():
    # f_k(t) = cos(pi k (t - 1/6)). At t = 1/2: f_1 = 1/2, f_2 = -1/2. At the frames: f_1 = (r/2, 0, -r/2) with
    # r = sqrt(3), f_2 = (1/2, -1, 1/2), both of squared length 3/2. The weights at t = 1/2 are therefore
    # 1/3 + 2/3 (1/2 f_1(i) - 1/2 f_2(i)) = (1/6 + r/6, 2/3, 1/6 - r/6), and those at t = 5/6 their mirror image.
    r = np.sqrt(3)
    between = np.array([1 / 6 + r / 6, 2 / 3, 1 / 6 - r / 6])
    expected = np.array([[1, 0, 0], between, [0, 1, 0], between[::-1], [0, 0, 1]])
    np.testing.assert_allclose(tim_matrix(3, 5), expected, atol=1e-12)


def test_two_frames_are_joined_along_a_cosine():
    # f_1(t) = cos(pi (t - 1/4)); over its value at the first frame, cos(pi/4), it runs from 1 to -1.
    times = np.linspace(0.5, 1, 4)
    share_of_first = (1 + np.cos(np.pi * (times - 0.25)) / np.cos(np.pi / 4)) / 2
    np.testing.assert_allclose(tim_matrix(2, 4)[:, 0], share_of_first, atol=1e-12)


@pytest.mark.parametrize(("n_frames", "depth"), [(5, 18), (17, 10), (9, 96)])
def test_interpolation_equals_the_published_algorithm(n_frames, depth):
    frames = np.random.default_rng(n_frames).normal(100, 20, (n_frames, 60))
    np.testing.assert_allclose(interpolate_in_time(frames, depth), pfister_2011(frames, depth), rtol=1e-6)


def test_interpolation_keeps_first_and_last_frame_and_a_still_image():
    weights = tim_matrix(9, 31)
    np.testing.assert_allclose(weights[[0, -1]], np.eye(9)[[0, -1]], atol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=1), 1)


def test_grey_values_do_not_wrap_around_where_the_interpolation_swings_beyond_them():
    frames = np.array([0, 0, 255, 255, 0, 0], np.uint8)[:, None]
    exact = tim_matrix(6, 13) @ frames.astype(float)
    assert exact.min() < -1, "the case must swing below black and above white to test anything"
    assert exact.max() > 256
    result = interpolate_in_time(frames, 13)
    np.testing.assert_array_equal(result, np.clip(np.rint(exact), 0, 255))
    assert result.dtype == np.uint8


def test_frames_that_are_read():
    assert frame_range(PreprocessConfig(frames=18)) == (0, 18)
    assert frame_range(PreprocessConfig(frames=96, sampling="window", start=72)) == (72, 168)
    assert frame_range(PreprocessConfig(frames=18, sampling="tim")) == (0, None)


@pytest.mark.parametrize(
    ("config", "enough"),
    [
        (PreprocessConfig(frames=18), 18),
        (PreprocessConfig(frames=96, sampling="window", start=72), 168),
        (PreprocessConfig(frames=96, sampling="tim"), 2),
    ],
)
def test_a_clip_one_frame_short_is_rejected(config, enough):
    require_frames(enough, config)
    with pytest.raises(ClipRejected, match=f"{enough - 1} frames.*{enough}") as rejected:
        require_frames(enough - 1, config)
    assert rejected.value.reason == "too_short"
