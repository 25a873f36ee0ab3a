"""A training step of each network with oneDNN and without, at the depths of both datasets, as ratios.

    python benchmarks/training_step.py [--steps 7] [--model micro_exp_stcnn] [--depth 18]

Two processes hold the same network, one with TF_ENABLE_ONEDNN_OPTS=1 and one with 0, and take a step in turn, so that
whatever else the machine does falls on both. Steps are those of a run: batches of 8, deterministic operations. Printed
are the median seconds of a step, the median of the ratios step by step, and the vector instructions of the processor,
which decide what TensorFlow would have chosen by itself.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib.core.paths import REPOSITORY
from lib.networks import NETWORKS, STREAMS

SIDES = {"frame": 64, "face": 64, "eyes": 32, "mouth": 32}  # pixels
BATCH_SIZE = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=NETWORKS, nargs="+", default=NETWORKS)
    parser.add_argument("--depth", type=int, nargs="+", default=[18, 96], help="frames; SMIC 18, CAS(ME)² 96")
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(**json.loads(options.worker))
        return
    rows = [
        {"network": model, "depth": depth, **compared(model, depth, options.steps)}
        for model in options.model
        for depth in options.depth
    ]
    from lib.core.machine import processor_name, vector_instructions

    print(pd.DataFrame(rows).round(3).to_string(index=False))
    print(f"on {processor_name()} with {' '.join(vector_instructions()) or 'unknown vector instructions'}")


def compared(model: str, depth: int, steps: int) -> dict[str, float]:
    """Seconds of a step with oneDNN and without, taken in turn, and how many times faster the former is."""
    workers = {setting: start(model, depth, setting) for setting in "10"}
    try:
        for worker in workers.values():
            ask(worker)  # the first step traces and compiles
        times = pd.DataFrame([{setting: ask(worker) for setting, worker in workers.items()} for _ in range(steps)])
    finally:
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
    ratio = (times["0"] / times["1"]).median()
    return {"with_s": times["1"].median(), "without_s": times["0"].median(), "times_faster": ratio}


def start(model: str, depth: int, onednn: str) -> subprocess.Popen:
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, __file__, "--worker", json.dumps({"model": model, "depth": depth})]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(worker: subprocess.Popen) -> float:
    worker.stdin.write("step\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def work(model: str, depth: int) -> None:
    """Take a step for each line of standard input, and answer with its seconds."""
    from lib.training.fit import new_model
    from lib.training.inputs import FoldData
    from lib.training.records import RunConfig
    from lib.training.splits import Fold

    rng = np.random.default_rng(0)
    sides = [SIDES[stream] for stream in STREAMS[model]]
    volumes = tuple(rng.standard_normal((BATCH_SIZE, side, side, depth), dtype=np.float32) for side in sides)
    labels = np.arange(BATCH_SIZE) % 3
    everything = np.arange(BATCH_SIZE)
    fold = Fold("all", everything, everything)
    network = new_model(RunConfig(model), FoldData(fold, volumes, labels, volumes, labels, everything), 3)
    inputs, targets = (volumes if len(volumes) > 1 else volumes[0]), np.eye(3, dtype=np.float32)[labels]
    for _ in sys.stdin:
        begun = time.perf_counter()
        network.train_on_batch(inputs, targets)
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
