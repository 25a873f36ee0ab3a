"""The networks whose saliency maps are drawn: found or trained.

Gradients come from `lib.saliency.gradients`; what is made of them and measured stands in the chapter.
"""

from lib.core import paths
from lib.core.errors import DivergedError
from lib.networks.backend import keras
from lib.training.records import RunConfig, run_id, weights_path
from lib.training.run import trained_model

NOT_KEPT = "its weights are not kept here, and nothing is trained in this build"


def find_network(
    config: RunConfig, store, train_missing: bool = True, progress: str | None = None
) -> tuple["keras.Model | None", str]:
    """The network of a run after its last epoch, trained now if its weights are not kept and `train_missing`.

    Or None, and the reason why there is none, which is empty otherwise. `progress` as of `lib.training.run.train`.
    """
    folder = paths.weights_folder()
    if not train_missing and not weights_path(folder, run_id(config, store)).is_file():
        return None, NOT_KEPT
    try:
        return trained_model(config, store, folder, progress), ""
    except DivergedError as error:
        return None, str(error)
