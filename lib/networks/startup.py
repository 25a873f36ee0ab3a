"""Start Keras: which backend, with what settings of the process, and without its start-up messages.

What Keras is told that decides bits is `lib.networks.backend`'s.
"""

import contextlib
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lib.core.checks import one_of
from lib.core.errors import ConfigError

BACKENDS = ("tensorflow", "jax", "torch")
ENVIRONMENT = {
    # TensorFlow's wheels turn oneDNN on by themselves only where a processor has features such as AVX512_VNNI. Without
    # it a 3-D convolution runs on a path that is five to eight times slower (benchmarks/training_step.py).
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # "no GPU found" is no error; the device is in every record
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # JAX takes 75 % of a GPU's memory otherwise
}
"""Set before a backend is imported, where the user has not set them."""


def configured_backend() -> str:
    """The Keras backend that would run, found as Keras finds it but without importing it, which takes seconds."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name
    settings = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return json.loads(settings.read_text(encoding="utf-8")).get("backend") or "tensorflow"
    return "tensorflow"


def backend_is_chosen() -> bool:
    """Whether somebody chose the backend. Keras itself writes its default, TensorFlow, into its settings file."""
    return bool(os.environ.get("KERAS_BACKEND")) or configured_backend() != "tensorflow"


def import_keras():
    """Import Keras with the backend that is configured.

    Raises
    ------
    ConfigError
        If the backend is unknown, or not installed.
    """
    name = os.environ.get("KERAS_BACKEND")
    if name is not None:
        one_of("KERAS_BACKEND", name, BACKENDS)
    for variable, value in ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    try:
        with _native_messages_held_back():
            return importlib.import_module("keras")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Keras cannot start: the module {error.name!r} is missing (KERAS_BACKEND is {name or 'not set'}). "
            f"Install it, or set KERAS_BACKEND to an installed one of {', '.join(BACKENDS)}"
        ) from error


@contextlib.contextmanager
def _native_messages_held_back() -> Iterator[None]:
    """Keep what C++ code prints to standard error; show it only if the block fails.

    TensorFlow writes about CPU features and absent GPUs before it reads its own log level, and a notebook would show
    that as output. What device a run used stands in its record.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "wb") as standard_error:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            standard_error.write(held.read())
            raise
        finally:
            os.dup2(standard_error.fileno(), 2)
