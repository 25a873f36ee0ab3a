"""The one place that knows which Keras backend runs: chooses it, makes it deterministic, describes it.

Everything else in `lib` uses `keras` and `keras.ops` alone and imports `keras` from here, so that a misspelt or
missing backend is one clear error and TensorFlow's start-up messages do not fill notebooks.
"""

import contextlib
import importlib
import importlib.metadata
import os
import platform
import sys
import tempfile
from pathlib import Path

from lib.errors import ConfigError

BACKENDS = ("tensorflow", "jax", "torch")


def _import_keras():
    name = os.environ.get("KERAS_BACKEND")
    if name is not None and name not in BACKENDS:
        raise ConfigError(f"KERAS_BACKEND: expected one of {', '.join(BACKENDS)}, found {name!r}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # "no GPU found" is no error; the device is in every record
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX takes 75 % of a GPU's memory otherwise
    try:
        with _native_messages_held_back():
            return importlib.import_module("keras")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Keras cannot start: the module {error.name!r} is missing (KERAS_BACKEND is {name or 'not set'}). "
            f"Install it, or set KERAS_BACKEND to an installed one of {', '.join(BACKENDS)}"
        ) from error


@contextlib.contextmanager
def _native_messages_held_back():
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


keras = _import_keras()


def backend_name() -> str:
    """``"tensorflow"``, ``"jax"`` or ``"torch"``."""
    return keras.config.backend()


def jit_compile() -> bool:
    """What `Model.compile` is told. On two CPU cores, XLA makes a TensorFlow step ten times slower; JAX needs it."""
    return backend_name() == "jax"


def make_deterministic(seed: int) -> None:
    """Seed every generator of the process and ask the backend for operations that give the same bits each time.

    Python's and NumPy's global generators are seeded too, because Keras draws the seeds of its layers from them.
    TensorFlow is also told to take GPU memory as it needs it, not all of it at once.
    """
    keras.utils.set_random_seed(seed)
    if backend_name() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
        tensorflow.get_logger().setLevel("ERROR")  # it warns of retracing, which every new network needs once
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            try:
                tensorflow.config.experimental.set_memory_growth(gpu, True)
            except RuntimeError:  # the process has used the GPU already: its memory is taken
                break
    elif backend_name() == "torch":
        import torch

        # a warning where CUDA has no deterministic kernel (the gradient of a 3-D max-pool), rather than no run
        torch.use_deterministic_algorithms(True, warn_only=True)


def device_name() -> str:
    """The model of the accelerator in use, or of the processor; nothing that identifies the host."""
    if backend_name() == "tensorflow":
        import tensorflow

        gpus = tensorflow.config.list_physical_devices("GPU")
        if gpus:
            return tensorflow.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    elif backend_name() == "jax":
        import jax

        if jax.devices()[0].platform != "cpu":
            return jax.devices()[0].device_kind
    else:
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name(0)
    return _processor_name()


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a run's numbers depend on."""
    names = ("keras", backend_name(), "numpy", "scikit-learn")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu and the like import under another name
        return getattr(importlib.import_module(name), "__version__", "unknown")


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {os.cpu_count()} threads"
    return f"{platform.machine()}, {os.cpu_count()} threads"
