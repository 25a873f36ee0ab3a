"""What a network runs on, for people and records: device, vector instructions, settings, versions."""

import importlib
import importlib.metadata
import os
import platform
from pathlib import Path

from lib.networks.backend import backend_name

# From narrow to wide, as Linux names them. They decide which kernels of oneDNN, OpenCV and NumPy run.
VECTOR_INSTRUCTIONS = ("sse4_2", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")


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


def vector_instructions() -> list[str]:
    """Those of `VECTOR_INSTRUCTIONS` that the processor has; empty where the system does not say."""
    found = set(_cpuinfo("flags").split())
    return [name for name in VECTOR_INSTRUCTIONS if name in found]


def settings() -> dict[str, str]:
    """The process's settings that change a last bit or the speed, where they are set."""
    names = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "XLA_FLAGS")
    return {name: os.environ[name] for name in names if name in os.environ}


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
    return f"{_cpuinfo('model name') or platform.machine()}, {os.cpu_count()} threads"


def _cpuinfo(field: str) -> str:
    """A field of the first processor in /proc/cpuinfo; empty where there is none."""
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.partition(":")[0].strip() == field:
                return line.partition(":")[2].strip()
    return ""
