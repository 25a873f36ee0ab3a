"""Small stand-ins and one rendered clip, shared by the tests that only look at them."""

from dataclasses import replace

import numpy as np
import pytest
import tiny

from lib.standin import STANDINS
from lib.standin.plan import plan_standin
from lib.standin.scene import render


@pytest.fixture(scope="session")
def tiny_standins(tmp_path_factory):
    """Name -> folder; see `tiny.plan`."""
    folder = tmp_path_factory.mktemp("tiny")
    return {name: tiny.write(name, folder / name) for name in STANDINS}


@pytest.fixture(scope="session")
def tiny_smic(tiny_standins):
    return tiny_standins["smic"]


@pytest.fixture(scope="session")
def smile():
    """(plan, motion, frames) of a clear, even smile of a face that sways."""
    plan = next(p for p in plan_standin("smic") if p.label == "positive" and p.n_frames > 25)
    plan = replace(plan, units={"AU12": 1.0}, sides={"AU12": (1.0, 1.0)}, blinks_ms=())
    motion, frames = render(plan, seed=0, difficulty=0.8)
    return plan, motion, np.array(list(frames))
