"""What a network runs on, for people and records: the device, and the versions of libraries."""

import importlib
import importlib.metadata
import platform

from lib.core.machine import processor_name
from lib.networks.backend import backend_name


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
    return processor_name()


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a run's numbers depend on."""
    names = ("keras", backend_name(), "numpy", "scikit-learn")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu and the like import under another name
        return getattr(importlib.import_module(name), "__version__", "unknown")
