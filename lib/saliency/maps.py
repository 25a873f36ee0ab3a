"""Saliency maps: where a small change of the input would raise a class score, and whether that depends on the network.

Maps come from `lib.saliency.gradients`; where they lie in the face and what moves there is measured in
`lib.saliency.measures`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from lib.core import paths
from lib.core.errors import DivergedError
from lib.networks import build
from lib.networks.backend import keras, make_deterministic
from lib.networks.blocks import POOL_SIZE
from lib.saliency.gradients import score_gradient
from lib.training.records import RunConfig, run_id
from lib.training.run import trained_model

BINARY_QUANTILE = 0.95
SCALE_QUANTILE = 0.99
NOT_KEPT = "its weights are not kept here, and nothing is trained in this build"
SSIM_WINDOW = 7  # voxels in each direction, the default of scikit-image

Maps = tuple[np.ndarray, ...]
"""One array (n_clips, height, width, depth) for each stream of the network; float32, not negative."""


def find_network(
    config: RunConfig, store, train_missing: bool = True, progress: str | None = None
) -> tuple["keras.Model | None", str]:
    """The network of a run after its last epoch, trained now if its weights are not kept; or why there is none.

    Parameters
    ----------
    config : RunConfig
    store : ProcessedStore
    train_missing : bool
        False: do not train.
    progress : {None, "bar", "lines"}
        As in `lib.training.run.train`.

    Returns
    -------
    model : keras.Model or None
    reason : str
        Empty where there is a network.
    """
    folder = paths.weights_folder()
    if not train_missing and not (folder / f"{run_id(config, store)}.weights.h5").is_file():
        return None, NOT_KEPT
    try:
        return trained_model(config, store, folder, progress), ""
    except DivergedError as error:
        return None, str(error)


def predicted_classes(model: "keras.Model", volumes: Sequence[np.ndarray], batch_size: int = 8) -> np.ndarray:
    """The class that a network answers for each clip, (n,) int."""
    if len(volumes[0]) == 0:  # Keras refuses to predict nothing
        return np.zeros(0, int)
    inputs = list(volumes) if len(volumes) > 1 else volumes[0]
    return model.predict(inputs, batch_size=batch_size, verbose=0).argmax(axis=1)


def seen_size(input_shape: Sequence[int], kernel_size: Sequence[int]) -> tuple[int, ...]:
    """How much of a volume a network can see, counted from its first row, column and frame.

    The pool drops what does not fill its last window, and no gradient reaches beyond it.

    >>> seen_size((64, 64, 18), (3, 3, 15))
    (62, 62, 17)
    """
    return tuple(
        (size - kernel + 1) // POOL_SIZE * POOL_SIZE + kernel - 1
        for size, kernel in zip(input_shape, kernel_size, strict=True)
    )


def shown_frames(n_seen: int, n_shown: int = 7) -> np.ndarray:
    """Positions of a few frames, evenly spaced from the first to the last that a network can see.

    >>> shown_frames(17).tolist()
    [0, 3, 5, 8, 11, 13, 16]
    >>> shown_frames(3).tolist()
    [0, 1, 2]
    """
    return np.rint(np.linspace(0, n_seen - 1, min(n_shown, n_seen))).astype(int)


def saliency_maps(
    model: "keras.Model", volumes: Sequence[np.ndarray], classes: np.ndarray, batch_size: int = 8
) -> Maps:
    """The positive part of the gradient of a class score before softmax, for every pixel of every frame.

    Parameters
    ----------
    model : keras.Model
        Of `lib.networks`.
    volumes : sequence of float32 arrays, (n, height, width, depth)
        One for each input of the network, normalised as in training.
    classes : (n,) int
        Whose score: commonly what the network predicts, so that the map explains its answer, right or wrong.
    batch_size : int

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks: visualising image classification models and
    saliency maps", ICLR workshop 2014. They take the absolute value; the positive part is where a *brighter* pixel
    raises the score.
    """
    return _positive(score_gradient(model, batch_size)(volumes, classes))


def _positive(gradients: Sequence[np.ndarray]) -> Maps:
    return tuple(np.maximum(gradient, 0, out=gradient) for gradient in gradients)


def binarise(saliency: np.ndarray, quantile: float = BINARY_QUANTILE) -> np.ndarray:
    """Mark the most salient values of one clip: those above a quantile of all its frames together.

    The paper does not say how its maps were made binary. Simonyan et al. (2014) take the 95 % quantile of a map for
    what belongs to the object; here it is that of the clip and not of each frame, so that a frame in which nothing
    matters stays empty.

    Parameters
    ----------
    saliency : (height, width, depth)
    quantile : float

    Returns
    -------
    bool array of the same shape
        A map that is zero everywhere has no mark.

    Examples
    --------
    >>> int(binarise(np.arange(100.0).reshape(5, 5, 4)).sum())
    5
    """
    return saliency > np.quantile(saliency, quantile)


# === Sanity checks after Adebayo et al. (2018) ===


def randomised_cascade(
    model: "keras.Model", volumes: Sequence[np.ndarray], classes: np.ndarray, seed: int, batch_size: int = 8
) -> Iterator[tuple[str, Maps]]:
    """Draw the weights anew, layer by layer from the last to the first, and make the maps after each step.

    A layer stays random once it is; new weights come from the layer's own initialisers. A map that shows what a
    network has learned must change. The network has its weights back when the iteration ends.

    Parameters
    ----------
    model, volumes, classes, batch_size
        See `saliency_maps`. Classes stay those of the intact network.
    seed : int
        Of the new weights.

    Yields
    ------
    layer : str
        The layer that was made random in this step.
    maps : Maps

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity checks for saliency maps", NeurIPS 2018,
    https://arxiv.org/abs/1810.03292, section 3.
    """
    gradient = score_gradient(model, batch_size)
    layers = [layer for layer in reversed(model.layers) if layer.weights]
    trained = [layer.get_weights() for layer in layers]
    seeds = np.random.SeedSequence(seed).generate_state(2 * len(layers)).reshape(len(layers), 2)
    try:
        for layer, layer_seeds in zip(layers, seeds, strict=True):
            layer.kernel.assign(_drawn(layer.kernel_initializer, layer.kernel.shape, int(layer_seeds[0])))
            layer.bias.assign(_drawn(layer.bias_initializer, layer.bias.shape, int(layer_seeds[1])))
            yield layer.name, _positive(gradient(volumes, classes))
    finally:
        for layer, weights in zip(layers, trained, strict=True):
            layer.set_weights(weights)


def _drawn(initializer, shape: Sequence[int], seed: int):
    """What an initialiser of this kind draws under another seed; one that draws nothing (zeros) has no seed."""
    settings = initializer.get_config()
    if "seed" in settings:
        settings["seed"] = seed % 2**31
    return type(initializer).from_config(settings)(shape)


def initial_model(config: RunConfig, input_shape: Sequence[int], n_classes: int) -> "keras.Model":
    """The network of a run as it was before its first epoch.

    Two runs of one seed start from these weights, so that their maps are alike before anything was learned.
    """
    make_deterministic(config.seed)
    return build(config.model, input_shape, n_classes, config.kernel_size)


def similarity(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> dict[str, float]:
    """How alike two saliency maps of one clip are.

    Parameters
    ----------
    one, other : sequence of arrays (height, width, depth)
        One for each stream.

    Returns
    -------
    dict
        ``spearman``: rank correlation over all values of all streams. ``ssim``: structural similarity
        in windows of `SSIM_WINDOW` cubed (or as large as fits), mean over streams; each map is divided by its 99 %
        quantile and cut off at 1 first, so that one bright value does not make all others alike. NaN where a map is
        constant.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE
    Transactions on Image Processing 13 (2004).
    """
    flat_one, flat_other = (np.concatenate([part.ravel() for part in maps]) for maps in (one, other))
    if np.ptp(flat_one) == 0 or np.ptp(flat_other) == 0:
        return {"spearman": float("nan"), "ssim": float("nan")}
    window = min(SSIM_WINDOW, *one[0].shape)
    window -= 1 - window % 2
    scales = [np.quantile(flat, SCALE_QUANTILE) or flat.max() for flat in (flat_one, flat_other)]
    structural = [
        structural_similarity(
            np.minimum(a / scales[0], 1), np.minimum(b / scales[1], 1), win_size=window, data_range=1.0
        )
        for a, b in zip(one, other, strict=True)
    ]
    return {"spearman": float(spearmanr(flat_one, flat_other).statistic), "ssim": float(np.mean(structural))}


def similarities(one: Maps, other: Maps, **columns: object) -> list[dict]:
    """`similarity` of each clip in turn, as rows of a table: `clip` (its position), the given columns, both values."""
    return [
        {"clip": clip, **columns, **similarity([part[clip] for part in one], [part[clip] for part in other])}
        for clip in range(len(one[0]))
    ]
