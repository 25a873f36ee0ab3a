"""The resumable state of an unfinished run: one file, replaced as a whole.

A run that was interrupted, however abruptly, goes on from here and ends with the record it would have had. The file
holds the network's variables (weights and the state of each dropout), the optimiser's, and a JSON value with
everything that is not an array of weights.
"""

import json
import shutil
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from lib.core.files import whole_file
from lib.networks.backend import keras

# Weights take up to 700 MB. Saving them is worth no more than a tenth of the time it could save.
LEAST_SECONDS = 20.0
SHARE_OF_TIME = 0.1


class Checkpoint:
    """The state of one run, in ``folder/state.npz``. Only the process that holds the run's lock may use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._saved_at = time.monotonic()
        self._cost_s = 0.0

    @property
    def path(self) -> Path:
        return self.folder / "state.npz"

    def is_due(self) -> bool:
        """Whether enough training would be lost by now to be worth the time of saving."""
        return time.monotonic() - self._saved_at >= max(LEAST_SECONDS, self._cost_s / SHARE_OF_TIME)

    def save(self, model: "keras.Model | None", state: Any) -> None:
        """Replace the state. A `DiskError` leaves the previous state as it was.

        Parameters
        ----------
        model : keras.Model or None
            Compiled, its optimiser built; None where the next fold begins with new weights.
        state : JSON value
        """
        begun = time.monotonic()
        arrays = (
            {}
            if model is None
            else {f"v{i}": keras.ops.convert_to_numpy(value) for i, value in enumerate(_variables(model))}
        )
        with whole_file(self.path) as draft:
            np.savez(draft, state=np.array(json.dumps(state)), **arrays)
        self._saved_at = time.monotonic()
        self._cost_s = self._saved_at - begun

    def load_state(self) -> Any | None:
        """The JSON value last saved; None if there is none, or any part of the file is damaged."""
        try:
            with np.load(self.path) as archive:
                # all of it: weights that turn out to be damaged later could not be trained anew from here
                return None if archive.zip.testzip() else json.loads(str(archive["state"]))
        except (OSError, ValueError, KeyError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error):
            return None  # none yet, or damaged on disk

    def load_variables(self, model: "keras.Model") -> None:
        """Give the model and its optimiser the values last saved, in a file that `load_state` has read."""
        with np.load(self.path) as archive:
            for i, variable in enumerate(_variables(model)):
                variable.assign(archive[f"v{i}"])

    def clear(self) -> None:
        """Forget the state."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _variables(model) -> list:
    return [*model.variables, *model.optimizer.variables]
