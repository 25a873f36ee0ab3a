"""How hard are the stand-ins? MicroExpSTCNN under the paper's settings, as it is and with two controls.

    python benchmarks/standin_difficulty.py --dataset smic --seeds 0 1 2
    python benchmarks/standin_difficulty.py --dataset casme2_sq

Appends to `data/standin/difficulty.csv`, from which the book takes its table; rows of the same stand-in, seed, control
and epochs are replaced. Every run is a run record under data/runs, so that a second call trains nothing.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib import sources
from lib.core import paths
from lib.training.run import RunConfig, train

OUTPUT = paths.REPOSITORY / "data" / "standin" / "difficulty.csv"
KEYS = ["dataset", "generator_version", "difficulty", "seed", "control", "epochs"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=("smic", "casme2_sq"), required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--controls", nargs="+", default=["none", "shuffled_frames", "first_frame"])
    options = parser.parse_args()
    store = sources.processed_store(options.dataset)
    if store.standin is None:
        parser.error("this measures stand-ins: unset SMIC_ROOT and CASME2_SQ_ROOT")
    for seed in options.seeds:
        for control in options.controls:
            config = RunConfig("micro_exp_stcnn", epochs=options.epochs, seed=seed, control=control)
            record = train(config, store, paths.runs_folder(), progress="bar")
            row = measured(record, store.standin)
            print(row)
            append(row)


def measured(record, standin: dict) -> dict:
    """One row of the table: what was run, and what came out."""
    scores = record.summary()
    return {
        "dataset": record.provenance["data"]["dataset"],
        "generator_version": standin["generator_version"],
        "difficulty": standin["difficulty"],
        "seed": record.config.seed,
        "control": record.config.control,
        "epochs": record.config.epochs,
        "accuracy_mean_last_epochs": round(scores["accuracy_mean_last_epochs"], 4),
        "accuracy_best": round(scores["accuracy_best"], 4),
        "majority_share": round(scores["majority_share"], 4),
        "validation_clips": scores["n"],
        "run": record.id,
        "device": record.provenance["device"],
        "wall_seconds": round(record.provenance["wall_seconds"], 1),
    }


def append(row: dict) -> None:
    """Add a row to the table, in place of one with the same keys."""
    table = pd.DataFrame([row])
    if OUTPUT.is_file():
        table = pd.concat([pd.read_csv(OUTPUT), table]).drop_duplicates(KEYS, keep="last")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    table.sort_values(KEYS).to_csv(OUTPUT, index=False)


if __name__ == "__main__":
    main()
