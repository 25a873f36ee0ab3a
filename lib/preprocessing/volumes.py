"""Which frames of a clip enter a volume, and temporal interpolation to a given depth."""

import numpy as np

from lib.preprocessing.config import ClipRejected, PreprocessConfig


def frame_range(config: PreprocessConfig) -> tuple[int, int | None]:
    """First frame of the clip that is read, and the one to stop before (None: to the clip's end).

    >>> frame_range(PreprocessConfig(frames=96, sampling="window", start=72))
    (72, 168)
    """
    if config.sampling == "tim":
        return 0, None
    return config.start, config.start + config.frames


def require_frames(n_frames: int, config: PreprocessConfig) -> None:
    """ClipRejected, ``"too_short"``, where `n_frames`, counted as far as `frame_range` reads, are too few for it."""
    if config.sampling == "tim":
        if n_frames < 2:
            raise ClipRejected("too_short", f"{n_frames} frames, temporal interpolation needs 2")
        return
    start, stop = frame_range(config)
    if n_frames < stop:
        raise ClipRejected("too_short", f"{n_frames} frames, {stop} needed (frames {start} to {stop - 1} are read)")


def tim_matrix(n_frames: int, depth: int) -> np.ndarray:
    r"""Weights of temporal interpolation (TIM): row j holds what each frame contributes to output frame j.

    TIM sees a clip as a path graph of n frames. The graph's Laplacian has the eigenvectors
    :math:`y_k(i/n) = f_k(i/n)` with :math:`f_k(t) = \sin(\pi k t + \pi (n - k) / (2 n))`, for k = 1 … n - 1, which
    are defined between the frames too; a linear map, found from the singular value decomposition of the mean-removed
    frames, takes the curve back to images. For linearly independent frames, which the method assumes, that map
    returns every frame exactly, and since the eigenvectors are orthogonal to each other and to the constant the
    decomposition cancels: the interpolated image is

    .. math:: x(t) = \sum_i x_i \Big(\frac1n + \sum_k \frac{f_k(t) f_k(i/n)}{\lVert y_k \rVert^2}\Big),

    the cosine (DCT-II) interpolation of each pixel. This form needs no decomposition, and holds its exactness for
    frames that repeat.

    Parameters
    ----------
    n_frames : int
        At least 2.
    depth : int
        Output frames, at t equally spaced in [1/n, 1], so that the first and the last frame are kept.

    Returns
    -------
    (depth, n_frames) float64
        Each row sums to 1.

    References
    ----------
    Pfister, Li, Zhao, Pietikäinen, "Recognising spontaneous facial micro-expressions", ICCV 2011, section 3.2.
    Zhou, Zhao, Pietikäinen, "Towards a practical lipreading system", CVPR 2011.

    Examples
    --------
    Three frames from two: the middle one is their mean.

    >>> tim_matrix(2, 3)[1].round(6).tolist()
    [0.5, 0.5]
    """
    orders = np.arange(1, n_frames)

    def curve(times: np.ndarray) -> np.ndarray:  # (times,) -> (times, n_frames - 1)
        return np.sin(np.pi * orders * times[:, None] + np.pi * (n_frames - orders) / (2 * n_frames))

    knots = curve(np.arange(1, n_frames + 1) / n_frames)
    between = curve(np.linspace(1 / n_frames, 1, depth))
    return 1 / n_frames + between / np.square(knots).sum(axis=0) @ knots.T


def interpolate_in_time(sequence: np.ndarray, depth: int) -> np.ndarray:
    """Temporal interpolation of images or landmarks, (n_frames, ...) uint8 or float, to `depth` frames of that dtype.

    See `tim_matrix`. Grey values are rounded and kept within 0 to 255, beyond which the interpolation may swing.
    """
    weights = tim_matrix(len(sequence), depth)
    result = np.tensordot(weights, sequence.astype(np.float64), axes=1)
    if sequence.dtype == np.uint8:
        result = np.clip(np.rint(result), 0, 255)
    return result.astype(sequence.dtype)
