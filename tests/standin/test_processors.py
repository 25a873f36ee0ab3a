"""The same recipe on another processor, as the switches of numpy and OpenCV imitate it: same identity, nearly the same
pictures. A processor without these features ignores the switches, and there is nothing to see."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny

from lib.datasets.fingerprint import fingerprint
from lib.datasets.frames import iter_frames
from lib.preprocessing import open_store

SWITCHES = {"NPY_DISABLE_CPU_FEATURES": "X86_V3", "OPENCV_CPU_DISABLE": "AVX2,FP16", "OPENCV_IPP": "disabled"}
BOUNDS = {"smic": (2, 1e-4), "casme2_sq": (8, 1e-3)}
"""Grey levels, and share of values that may differ at all; motion JPEG spreads a rounded pixel over its block."""


@pytest.fixture(scope="module")
def here(tiny_standins, tmp_path_factory):
    """Name -> dataset and store, made in this process."""
    out = tmp_path_factory.mktemp("here")
    return {name: (tiny.load(name, tiny_standins[name]), tiny.store(name, tiny_standins[name], out)) for name in BOUNDS}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Name -> dataset and store, made in a process where all of them are off."""
    folder = tmp_path_factory.mktemp("elsewhere")
    repository = Path(__file__).resolve().parents[2]
    environment = {**os.environ, **SWITCHES, "PYTHONPATH": str(repository)}
    command = [sys.executable, tiny.__file__, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if "part of the baseline" in done.stderr:
        pytest.skip("this numpy was built for such processors alone")
    assert done.returncode == 0, done.stderr
    records = {name: list((folder / "stores" / name).glob("*/store.json")) for name in BOUNDS}
    return {name: (tiny.load(name, folder / name), open_store(record.parent)) for name, (record,) in records.items()}


def run_id_of(store):
    from lib.training.records import RunConfig, run_id

    return run_id(RunConfig("micro_exp_stcnn"), store)


@pytest.mark.parametrize("name", BOUNDS)
def test_another_processor_gives_the_same_identities_and_pictures_that_differ_by_rounding(here, elsewhere, name):
    (one, store), (other, other_store) = here[name], elsewhere[name]
    assert fingerprint(other) == fingerprint(one)
    assert other_store.fingerprint == store.fingerprint
    assert run_id_of(other_store) == run_id_of(store)
    apart = np.array(
        [
            np.abs(mine.astype(int) - theirs)
            for clip, same in zip(one.clips, other.clips, strict=True)
            for mine, theirs in zip(iter_frames(clip), iter_frames(same), strict=True)
        ]
    )
    levels, share = BOUNDS[name]
    assert apart.max() <= levels
    assert (apart > 0).mean() <= share
