"""The front page's table: every network on every dataset of a build, with the paper's value beside it."""

import json
from pathlib import Path

import pandas as pd

from lib import paper
from lib.profiles import TRAINING_NOTEBOOKS, Profile

DATASET_TITLES = {"smic": "SMIC", "casme2_sq": "CAS(ME)²"}


def front_page(profile: Profile, build: Path) -> str:
    """What this build shows, as Markdown: a table of accuracies, and the warning that belongs to it.

    Parameters
    ----------
    profile : Profile
    build : Path
        Holds `results/<dataset>/<notebook>.json` of every chapter.
    """
    rows, standins, commits = [], set(), set()
    for dataset, notebook in profile.chapters():
        content = json.loads((build / "results" / dataset / f"{notebook}.json").read_text(encoding="utf-8"))
        provenance, results = content["provenance"], content["results"]
        standins.add(provenance["standin"] is not None)
        commits.add(provenance["commit"])
        model = TRAINING_NOTEBOOKS.get(notebook)
        if model is not None:
            kind = "stand-in" if provenance["standin"] else "real data"
            rows.append(
                {
                    "dataset": DATASET_TITLES[dataset],
                    "network": f"[{paper.METHOD_NAMES[model]}](chapters/{dataset}/{notebook})",
                    "paper": f"{paper.accuracy(model, dataset):.2%}",
                    "here": f"{results['accuracy_best']:.1%}",
                    "95 % interval": f"{results['wilson_low_best']:.0%} to {results['wilson_high_best']:.0%}",
                    "last epoch": f"{results['accuracy_last']:.1%}",
                    "commonest class": f"{results['majority_share']:.1%}",
                    "epochs": results["epochs"],
                    "computed on": kind,
                }
            )
    warning = (
        ":::{warning}\n"
        "The columns *here* to *commonest class* were computed on **stand-in data**: rendered faces, not the "
        "licensed recordings. They show that the package runs, and how a number of this kind comes about. They neither "
        "support nor contradict the paper's.\n:::\n"
        if True in standins
        else ""
    )
    return (
        "## In one minute\n\n"
        "The paper reports, for each network and dataset, the accuracy at the best epoch on a fifth of the clips. The "
        f"same quantity from this build (profile *{profile.name}*, commit `{'`, `'.join(sorted(commits))}`):\n\n"
        f"{_markdown(pd.DataFrame(rows))}\n\n{warning}"
    )


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).values.tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
