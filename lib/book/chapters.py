"""One row a chapter: which runs it stands on and where it belongs. Profiles, graph and table of contents follow.

Who adds a chapter writes `notebooks/<name>.ipynb` and a row here. Its title is the first line of the notebook.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lib.audit.released import FUSENETS, released_settings
from lib.core.catalogue import DATASETS
from lib.training import plans
from lib.training.records import RunConfig

NO_DATASET = "paper"  # chapters that read no dataset are filed under this name in place of one


def as_released_runs(
    dataset: str,
    epochs: int = 100,
    batch_size: int = 8,
    learning_rate: float = 0.01,
    released_learning_rate: float = 0.01,
    seeds: int = 3,
) -> list[RunConfig]:
    """Chapter 15: both networks of two streams as the released code trains and scores them, then clean, by seeds."""
    clean = [RunConfig(model, "clean", (3, 3, 15), epochs, batch_size, learning_rate) for model in FUSENETS]
    released = [
        replace(config, learning_rate=released_learning_rate, **released_settings(config.model, dataset))
        for config in clean
    ]
    return plans.with_seeds([*released, *clean], seeds)


@dataclass(frozen=True)
class ChapterRow:
    """A notebook in the book."""

    # from a profile's settings, and the dataset where it asks for that, to the runs that the chapter stands on
    plan: Callable[..., list[RunConfig]] | None = None
    network: str = ""  # the one that the chapter trains once, for the table of the front page
    always: bool = False  # in the book of every dataset of a profile; others are where the profile gives them a line
    can_lack_runs: bool = False  # has a parameter `train_missing`, and says which of its runs are missing
    settings: Mapping[str, type] = field(default_factory=dict)  # that a profile may set beside those of `plan`
    needs_store: bool = True  # the processed store, not the dataset alone
    needs_weights: bool = False  # it looks into its networks' weights, which no record holds
    part: str = ""  # of the book, for a chapter that reads no dataset; others are in a part for each dataset


def one_network(name: str) -> ChapterRow:
    """A chapter on one network."""
    return ChapterRow(plans.one_run(name), network=name, always=True)


CHAPTERS: Mapping[str, ChapterRow] = {
    "01_data": ChapterRow(always=True, needs_store=False, settings={"publishable": str}),
    "02_preprocessing": ChapterRow(always=True, settings={"publishable": str}),
    "03_micro_exp_stcnn": one_network("micro_exp_stcnn"),
    "04_fusenet_intermediate": one_network("micro_exp_fusenet_intermediate"),
    "05_fusenet_late": one_network("micro_exp_fusenet_late"),
    "06_comparison": ChapterRow(plans.comparison_runs, can_lack_runs=True),
    "07_kernel_study": ChapterRow(plans.kernel_runs, can_lack_runs=True),
    "08_saliency": ChapterRow(
        plans.saliency_runs,
        can_lack_runs=True,
        settings={"n_clips": int, "bootstrap": int, "publishable": str},
        needs_weights=True,
    ),
    "09_audit": ChapterRow(part="The paper"),
    "10_shortcuts": ChapterRow(plans.shortcut_runs, can_lack_runs=True, settings={"arrays": str}),
    "11_rigorous": ChapterRow(plans.rigorous_runs, can_lack_runs=True),
    "12_baselines": ChapterRow(plans.baseline_runs, can_lack_runs=True),
    "13_your_own_clip": ChapterRow(
        plans.one_run(plans.STCNN), can_lack_runs=True, settings={"publishable": str}, needs_weights=True
    ),
    "14_regions": ChapterRow(plans.region_runs, can_lack_runs=True, settings={"publishable": str}),
    "15_as_released": ChapterRow(as_released_runs, can_lack_runs=True),
}
OF_A_DATASET = tuple(name for name, row in CHAPTERS.items() if not row.part)
WITHOUT_DATASET = tuple(name for name, row in CHAPTERS.items() if row.part)
PLANS: Mapping[str, Callable[..., list[RunConfig]]] = {name: row.plan for name, row in CHAPTERS.items() if row.plan}


def contents(toc: Mapping, chapters: Sequence[tuple[str, str]]) -> dict:
    """What `_toc.yml` holds, with every one of the `chapters`, each a dataset and a notebook in the order of the rows.

    One that `toc` does not list follows the chapter before it, and a part that it lacks the last that holds chapters.
    """
    parts, rows = copy.deepcopy(toc["parts"]), list(CHAPTERS)
    for dataset, notebook in chapters:
        caption = CHAPTERS[notebook].part or DATASETS[dataset].title
        part = next((one for one in parts if one["caption"] == caption), None)
        if part is None:
            part = {"caption": caption, "chapters": []}
            parts.insert(1 + max(place for place, one in enumerate(parts) if _chapters_in(one)), part)
        there = _chapters_in(part)
        if notebook not in there:
            before = [there[name] for name in rows[: rows.index(notebook)] if name in there]
            part["chapters"].insert(max(before, default=-1) + 1, {"file": f"chapters/{dataset}/{notebook}"})
    return {**toc, "parts": parts}


def _chapters_in(part: Mapping) -> dict[str, int]:
    """The chapters of a part with their places in it."""
    files = [entry["file"].split("/") for entry in part["chapters"]]
    return {file[-1]: place for place, file in enumerate(files) if file[0] == "chapters"}
