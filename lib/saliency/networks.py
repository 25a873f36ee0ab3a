"""The networks whose saliency maps a chapter draws: found or trained, and made random layer by layer.

Gradients come from `lib.saliency.gradients`; what is made of them and measured stands in the chapter.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from lib.core import paths
from lib.core.errors import DivergedError
from lib.networks.backend import keras
from lib.networks.blocks import POOL_SIZE
from lib.training.records import RunConfig, run_id
from lib.training.run import trained_model

NOT_KEPT = "its weights are not kept here, and nothing is trained in this build"


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


def randomised(model: "keras.Model", seed: int) -> Iterator[str]:
    """Draw the weights anew, layer by layer from the last to the first; yield each layer's name once it is random.

    A layer stays random once it is; new weights come from the layer's own initialisers. The network has its weights
    back when the iteration ends, or is broken off.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity checks for saliency maps", NeurIPS 2018,
    https://arxiv.org/abs/1810.03292, section 3.
    """
    layers = [layer for layer in reversed(model.layers) if layer.weights]
    trained = [layer.get_weights() for layer in layers]
    seeds = np.random.SeedSequence(seed).generate_state(2 * len(layers)).reshape(len(layers), 2)
    try:
        for layer, layer_seeds in zip(layers, seeds, strict=True):
            layer.kernel.assign(_drawn(layer.kernel_initializer, layer.kernel.shape, int(layer_seeds[0])))
            layer.bias.assign(_drawn(layer.bias_initializer, layer.bias.shape, int(layer_seeds[1])))
            yield layer.name
    finally:
        for layer, weights in zip(layers, trained, strict=True):
            layer.set_weights(weights)


def _drawn(initializer, shape: Sequence[int], seed: int):
    """What an initialiser of this kind draws under another seed; one that draws nothing (zeros) has no seed."""
    settings = initializer.get_config()
    if "seed" in settings:
        settings["seed"] = seed % 2**31
    return type(initializer).from_config(settings)(shape)
