"""The networks whose saliency maps are drawn: found or trained, and what they answer.

Gradients come from `lib.saliency.gradients`; what is made of them and measured stands in the chapter.
"""

from collections.abc import Sequence

import numpy as np

from lib.core import paths
from lib.core.errors import DivergedError
from lib.networks.backend import keras
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
