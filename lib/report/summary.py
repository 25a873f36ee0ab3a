"""The front page's table: every network on every dataset of a build, with the paper's value beside it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from lib import paper, paths
from lib.profiles import TRAINING_NOTEBOOKS, Profile

CALIBRATION = paths.REPOSITORY / "data" / "standin" / "difficulty.csv"
DATASET_TITLES = {"smic": "SMIC", "casme2_sq": "CAS(ME)²"}


def front_page(profile: Profile, results: Mapping[tuple[str, str], Path]) -> str:
    """What a set of executed chapters shows, as Markdown: a table of accuracies, and the warning that belongs to it.

    Parameters
    ----------
    profile : Profile
    results : mapping of (dataset, notebook) -> Path
        What each chapter found, as it wrote it.
    """
    rows, standins, commits, epochs = [], set(), set(), set()
    for (dataset, notebook), path in results.items():
        content = json.loads(path.read_text(encoding="utf-8"))
        provenance, found = content["provenance"], content["results"]
        standins.add(provenance["standin"] is not None)
        commits.add(provenance["commit"])
        model = TRAINING_NOTEBOOKS.get(notebook)
        if model is not None:
            kind = "stand-in" if provenance["standin"] else "real data"
            epochs.add(found["epochs"])
            interval = f"{found['wilson_low_best']:.0%} to {found['wilson_high_best']:.0%}"
            rows.append(
                {
                    "dataset": f"{DATASET_TITLES[dataset]} ({kind})",
                    "network": f"[{paper.METHOD_NAMES[model]}](chapters/{dataset}/{notebook})",
                    "paper": f"{paper.accuracy(model, dataset):.2%}",
                    "here, best epoch (95 % interval)": f"{found['accuracy_best']:.1%} ({interval})",
                    "here, last epoch": f"{found['accuracy_last']:.1%}",
                    "always the commonest class": f"{found['majority_share']:.1%}",
                }
            )
    warning = (
        ":::{warning}\n"
        "All columns but *paper* were computed on **stand-in data**: rendered faces, not the "
        "licensed recordings. They show that the package runs, and how a number of this kind comes about. They neither "
        "support nor contradict the paper's.\n:::\n"
        if True in standins
        else ""
    )
    shortest, longest = min(epochs), max(epochs)
    trained = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    return (
        "## In one minute\n\n"
        "The paper reports, for each network and dataset, the accuracy at the best epoch on a fifth of the clips. The "
        f"same quantity from this build (profile *{profile.name}*, {trained} epochs where the paper has 100, commit "
        f"`{'`, `'.join(sorted(commits))}`):\n\n"
        f"{_markdown(pd.DataFrame(rows))}\n\n{warning}"
    )


def calibration() -> str:
    """How hard the stand-ins are, as measured by `benchmarks/standin_difficulty.py`: a table as Markdown."""
    if not CALIBRATION.is_file():
        return "No measurement is recorded."
    measured = pd.read_csv(CALIBRATION)
    labels = {"none": "clips as they are", "shuffled_frames": "frames shuffled", "first_frame": "first frame repeated"}
    rows = []
    for (dataset, control), runs in measured.groupby(["dataset", "control"], sort=False):
        accuracy = runs["accuracy_mean_last_epochs"]
        rows.append(
            {
                "stand-in": DATASET_TITLES[dataset],
                "difficulty": f"{runs['difficulty'].iloc[0]:g}",
                "clips": labels.get(control, control),
                "accuracy, mean of the last ten epochs": ", ".join(f"{value:.3f}" for value in accuracy),
                "commonest class": f"{runs['majority_share'].iloc[0]:.3f}",
                "epochs": runs["epochs"].iloc[0],
                "seeds": ", ".join(map(str, runs["seed"])),
            }
        )
    rows.sort(key=lambda row: (row["stand-in"], list(labels.values()).index(row["clips"])))
    return _markdown(pd.DataFrame(rows))


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).values.tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
