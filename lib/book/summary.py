"""Tables of the prose pages: accuracies beside the paper's, what has been run, and how hard the stand-ins are."""

from collections.abc import Mapping

import pandas as pd

from lib.audit import paper
from lib.core import paths
from lib.book.chapters import CHAPTERS, PLANS
from lib.book.profiles import Profile
from lib.core.catalogue import DATASET_TITLES, NETWORK_TITLES
from lib.training.plans import STCNN

RELEASED_RATE = 0.01  # the default of the Keras that the authors used
CALIBRATION = paths.REPOSITORY / "data" / "standin" / "difficulty.csv"


def front_page(profile: Profile, results: Mapping[tuple[str, str], Mapping]) -> str:
    """What a set of executed chapters shows, as Markdown: a table of accuracies, and the warning that belongs to it.

    Parameters
    ----------
    profile : Profile
    results : mapping of (dataset, notebook) -> dict
        What each chapter wrote: its ``results`` and ``provenance``.
    """
    rows, standins, commits, epochs = [], set(), set(), set()
    for (dataset, notebook), content in results.items():
        provenance, found = content["provenance"], content["results"]
        commits.add(provenance["commit"])
        model = CHAPTERS[notebook].network
        if model:
            kind = "stand-in" if provenance["standin"] else "real data"
            epochs.add(found["epochs"])
            standins.add(provenance["standin"] is not None)
            interval = f"{found['wilson_low_best']:.0%} to {found['wilson_high_best']:.0%}"
            rows.append(
                {
                    "dataset": f"{DATASET_TITLES[dataset]} ({kind})",
                    "network": f"[{NETWORK_TITLES[model]}](chapters/{dataset}/{notebook}){_rate(provenance)}",
                    "paper": _published(model, dataset),
                    "here, best epoch (95 % interval)": f"{found['accuracy_best']:.1%} ({interval})",
                    "here, last epoch": f"{found['accuracy_last']:.1%}",
                    "always the commonest class": f"{found['majority_share']:.1%}",
                }
            )
    warning = (
        ":::{warning}\n"
        f"All columns but *paper* {'in rows marked *(stand-in)* ' if False in standins else ''}were computed on "
        "**stand-in data**: rendered faces, not the licensed recordings. They show that the package runs, and how a "
        "number of this kind comes about. They neither support nor contradict the paper's.\n:::\n"
        if True in standins
        else ""
    )
    if not rows:
        return "## In one minute\n\nNo chapter of a single network is in this build.\n"
    shortest, longest = min(epochs), max(epochs)
    trained = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    return (
        "## In one minute\n\n"
        "The paper's accuracy is that of its best epoch: MicroExpSTCNN's on held-out clips, the MicroExpFuseNets' on "
        "all clips, those trained on included. Beside it stands the accuracy at the best epoch of one training here, "
        f"always on held-out clips (profile *{profile.name}*, {trained} epochs where the paper has 100, commit "
        f"`{'`, `'.join(sorted(commits))}`):\n\n"
        f"{_markdown(pd.DataFrame(rows))}\n\n{warning}"
    )


def _published(model: str, dataset: str) -> str:
    if model not in paper.METHOD_NAMES or dataset not in paper.DATASETS:
        return ""
    return f"{paper.accuracy(model, dataset):.2%}{'' if model == STCNN else ', all clips'}"


def _rate(provenance: Mapping) -> str:
    """The learning rate of a chapter's run, where it is not that of the released code."""
    rate = provenance["parameters"].get("learning_rate", RELEASED_RATE)
    return "" if rate == RELEASED_RATE else f", learning rate {rate:g}"


def run_table(profile: Profile, results: Mapping[tuple[str, str], Mapping]) -> str:
    """What is planned, finished and missing, as Markdown: a row for each chapter that stands on runs."""
    rows, devices = [], set()
    for dataset in profile.datasets:
        for notebook in PLANS:
            planned = len(profile.runs(dataset, notebook)) if (dataset, notebook) in profile.chapters() else 0
            if not planned:
                continue
            content = results.get((dataset, notebook))
            provenance = content["provenance"] if content else {"runs": [], "devices": [], "run_seconds": 0.0}
            title = f"[{notebook}](chapters/{dataset}/{notebook})" if content else f"{notebook} (not executed)"
            rows.append(
                {
                    "dataset": DATASET_TITLES[dataset],
                    "chapter": title,
                    "planned": planned,
                    "finished": len(provenance["runs"]),
                    "missing or failed": planned - len(provenance["runs"]),
                    "training time": _duration(provenance["run_seconds"]),
                }
            )
            devices |= set(provenance["devices"])
    return (
        f"Profile *{profile.name}*. A run that several chapters use is counted in each of them. Trained on: "
        f"{'; '.join(sorted(devices)) or 'nothing yet'}.\n\n{_markdown(pd.DataFrame(rows))}\n"
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


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
                "accuracy, mean of the last ten epochs": ", ".join(f"{value:.1%}" for value in accuracy),
                "commonest class": f"{runs['majority_share'].iloc[0]:.1%}",
                "epochs": runs["epochs"].iloc[0],
                "seeds": ", ".join(map(str, runs["seed"])),
            }
        )
    rows.sort(key=lambda row: (row["stand-in"], list(labels.values()).index(row["clips"])))
    return _markdown(pd.DataFrame(rows))


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).values.tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
