"""The processor that this runs on, for people and records. Nothing decides here, and nothing heavy is imported."""

import os
import platform
from pathlib import Path

# From narrow to wide, as Linux names them. They decide which kernels of oneDNN, OpenCV and NumPy run.
VECTOR_INSTRUCTIONS = ("sse4_2", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
# They change a last bit or the speed.
SETTINGS = (
    "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "XLA_FLAGS",
    "NPY_DISABLE_CPU_FEATURES", "OPENCV_CPU_DISABLE", "OPENCV_IPP",
)  # fmt: skip


def processor_name() -> str:
    """The processor's model and how many threads it runs; nothing that identifies the host."""
    return f"{_cpuinfo('model name') or platform.machine()}, {os.cpu_count()} threads"


def vector_instructions() -> list[str]:
    """Those of `VECTOR_INSTRUCTIONS` that the processor has; empty where the system does not say."""
    found = set(_cpuinfo("flags").split())
    return [name for name in VECTOR_INSTRUCTIONS if name in found]


def settings() -> dict[str, str]:
    """Those of `SETTINGS` that are set in this process."""
    return {name: os.environ[name] for name in SETTINGS if name in os.environ}


def _cpuinfo(field: str) -> str:
    """A field of the first processor in /proc/cpuinfo; empty where there is none."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ()
    fields = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in fields if name.strip() == field), "")
