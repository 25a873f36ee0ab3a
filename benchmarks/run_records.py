"""What it costs to list run records and to find one, among 100, 1,000 and 10,000 made-up ones.

    python benchmarks/run_records.py

Three things are timed in one process: the first listing, which opens every record; a later one, which reads the index
beside them; finding one run by its configuration and data. All records are the same files under different names (hard
links), in a temporary folder, so what is measured is the reading, from a disk that has just been written. Times are
those of the processor, and minima over a few repeats, so that other work on the machine counts little; compare ratios
within one call, not seconds of different machines.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fake_store import FakeStore

from lib.training import records
from lib.training.records import RunConfig, find_run, list_runs, run_id

SIZES = (100, 1_000, 10_000)
REPEATS = 3
CONFIG, STORE = RunConfig("micro_exp_stcnn"), FakeStore()


def main() -> None:
    rows = []
    for size in SIZES:
        folder = Path(tempfile.mkdtemp(prefix="run_records_"))
        try:
            make_records(folder, size)
            rows.append({"records": size, **measured(folder, size)})
        finally:
            shutil.rmtree(folder)
    table = pd.DataFrame(rows).set_index("records")
    print("milliseconds of processor time:")
    print(table.map(lambda seconds: f"{1e3 * seconds:.2f}").to_string())
    print("\nmicroseconds per record, and how many times faster the index makes a listing:")
    ratios = (1e6 * table[["first_listing", "listing_by_index"]]).div(table.index, axis=0).round(1)
    ratios["times_faster"] = (table["first_listing"] / table["listing_by_index"]).round(1)
    print(ratios.to_string())


def make_records(folder: Path, size: int) -> None:
    """`size` records, one of which is the run that will be looked for."""
    wanted = folder / run_id(CONFIG, STORE)
    history = pd.DataFrame(
        [("holdout", epoch, 1.0, 0.5, 1.0, 0.5) for epoch in range(1, 101)], columns=list(records.HISTORY_COLUMNS)
    )
    predictions = pd.DataFrame(
        [(f"clip{i}", "holdout", at, 1, "a", "b", 0.4, 0.6) for at in ("best", "last") for i in range(40)],
        columns=["clip", "fold", "at", "epoch", "truth", "predicted", "p_a", "p_b"],
    )
    data = {"dataset": STORE.dataset, "standin": STORE.standin, "classes": ["a", "b"]}
    contents = {
        "config.json": json.dumps(CONFIG.to_dict()),
        "history.csv": history.to_csv(index=False),
        "predictions.csv": predictions.to_csv(index=False),
        "provenance.json": json.dumps({"backend": "tensorflow", "data": data}),
    }
    records.write_folder(wanted, contents)
    for i in range(1, size):
        copy = folder / f"{i:016x}"
        copy.mkdir()
        for name in contents:
            (copy / name).hardlink_to(wanted / name)


def measured(folder: Path, size: int) -> dict[str, float]:
    """Processor seconds of each question, the least of `REPEATS`."""

    def first_listing():
        (folder / records.INDEX).unlink(missing_ok=True)
        return list_runs(folder)

    questions = {
        "first_listing": (first_listing, lambda answer: len(answer) == size),
        "listing_by_index": (lambda: list_runs(folder), lambda answer: len(answer) == size),
        "find_one": (lambda: find_run(CONFIG, STORE, folder), lambda answer: answer is not None),
    }
    return {name: best_of(*question) for name, question in questions.items()}


def best_of(ask, is_right) -> float:
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        answer = ask()
        times.append(time.process_time() - begun)
        if not is_right(answer):
            raise RuntimeError(f"a wrong answer was timed: {answer!r}")
    return min(times)


if __name__ == "__main__":
    main()
