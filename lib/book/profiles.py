"""The scale at which the book is built: `profiles/*.yml`, read and checked, and what follows for every step."""

import inspect
import os
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lib.datasets import ROOT_VARIABLES
from lib.core.errors import ConfigError, suggestion
from lib.core.paths import REPOSITORY
from lib.standin import GENERATOR_VERSION
from lib.standin.plan import COUNTS
from lib.training.plans import RUNS_OF
from lib.training.records import RunConfig, kept_runs

PROFILES = REPOSITORY / "profiles"
DATASETS = ("smic", "casme2_sq")
# Chapters of a dataset, in the order of the book. Those of `ALWAYS` are in it for every dataset of a profile, the
# others where the profile gives them a line.
ALWAYS = ("01_data", "02_preprocessing", "03_micro_exp_stcnn", "04_fusenet_intermediate", "05_fusenet_late")
NOTEBOOKS = (*ALWAYS, "06_comparison", "07_kernel_study", "08_saliency", "10_shortcuts", "11_rigorous")
# Chapters that read no dataset; they are filed under this name in place of one.
NO_DATASET = "paper"
NOTEBOOKS_WITHOUT_DATASET = ("09_audit",)
TRAINING_NOTEBOOKS = {
    "03_micro_exp_stcnn": "micro_exp_stcnn",
    "04_fusenet_intermediate": "micro_exp_fusenet_intermediate",
    "05_fusenet_late": "micro_exp_fusenet_late",
}
# Chapters that can be executed with some of their runs missing, and say so.
CAN_LACK_RUNS = ("06_comparison", "07_kernel_study", "08_saliency", "10_shortcuts", "11_rigorous")
# Parameters that every chapter of a dataset has
DATASET_KEYS = {"clips": int, "standin_seed": int, "options": str, "frames": int}
# Parameters of chapters that do not choose runs
OTHER_KEYS = {"08_saliency": {"n_clips": int, "bootstrap": int}, "10_shortcuts": {"arrays": str}}


@dataclass(frozen=True)
class Profile:
    """One file of `profiles/`.

    Attributes
    ----------
    name : str
    datasets : dict of dataset -> dict
        `clips` (0: all) and `standin_seed` of each dataset's stand-in; `options` of its loader, `frames` of a volume.
    settings : dict of notebook -> dict of dataset -> dict
        Parameters of chapters that differ from the chapters' defaults.
    kept : dict of dataset -> set of RunConfig
        Runs whose records are kept with the book: they need no training.
    """

    name: str
    datasets: dict[str, dict]
    settings: dict[str, dict[str, dict]]
    kept: dict[str, set[RunConfig]] = field(default_factory=dict)

    def chapters(self) -> list[tuple[str, str]]:
        """Every chapter of the book as (dataset, notebook); `NO_DATASET` stands for those that read no dataset."""
        return [
            *(
                (dataset, notebook)
                for dataset in self.datasets
                for notebook in NOTEBOOKS
                if notebook in ALWAYS or dataset in self.settings.get(notebook, {})
            ),
            *((NO_DATASET, notebook) for notebook in NOTEBOOKS_WITHOUT_DATASET),
        ]

    def chapter_parameters(self, dataset: str, notebook: str) -> dict:
        """The papermill parameters of one chapter."""
        if dataset == NO_DATASET:
            return {}
        own = self.settings.get(notebook, {}).get(dataset, {})
        return {"dataset": dataset, **self.datasets[dataset], **own}

    def runs(self, dataset: str, notebook: str) -> list[RunConfig]:
        """The runs that a chapter stands on; none for chapters that train nothing."""
        if notebook not in RUNS_OF:
            return []
        return _runs(notebook, self.settings.get(notebook, {}).get(dataset, {}))

    def all_runs(self, dataset: str) -> dict[str, RunConfig]:
        """Every run of a dataset by its slug, each once however many chapters ask for it."""
        chapters = [notebook for where, notebook in self.chapters() if where == dataset]
        return {config.slug: config for notebook in chapters for config in self.runs(dataset, notebook)}


def available(folder: Path = PROFILES) -> list[str]:
    """Names of the profiles, sorted."""
    return sorted(path.stem for path in folder.glob("*.yml"))


def read_profile(name: str, folder: Path = PROFILES) -> Profile:
    """Read and check a profile.

    Raises
    ------
    ConfigError
        Unknown profile, dataset, chapter or key, or a value of the wrong type; says what is known.
    """
    path = folder / f"{name}.yml"
    if not path.is_file():
        raise ConfigError(f"expected a profile among {', '.join(available(folder))}, found {name!r}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name} is no valid YAML: {error}") from error
    content = _named(content, ("datasets", "chapters", "kept"), path.name)
    datasets = {
        dataset: _values(values, DATASET_KEYS, f"{path.name}, datasets, {dataset}")
        for dataset, values in _named(content.get("datasets"), DATASETS, f"{path.name}, datasets").items()
    }
    if not datasets:
        raise ConfigError(f"{path.name}: expected at least one dataset under `datasets`, found none")
    kept = {dataset: _kept(dataset, chosen) for dataset, chosen in datasets.items()}
    settings = _settings(content.get("chapters"), datasets, f"{path.name}, chapters")
    for notebook, by_dataset in _settings(content.get("kept"), datasets, f"{path.name}, kept").items():
        for dataset, own in by_dataset.items():
            if kept[dataset].issuperset(_runs(notebook, own)):
                settings.setdefault(notebook, {})[dataset] = own
    return Profile(name, datasets, settings, kept)


def _settings(chapters: dict | None, datasets: dict, place: str) -> dict[str, dict[str, dict]]:
    """The parameters under `chapters` or `kept`, checked."""
    settings = {}
    for notebook, by_dataset in _named(chapters, tuple(RUNS_OF), place).items():
        where = f"{place}, {notebook}"
        keys = _run_keys(notebook) | OTHER_KEYS.get(notebook, {})
        settings[notebook] = {
            dataset: _values(values, keys, f"{where}, {dataset}")
            for dataset, values in _named(by_dataset, tuple(datasets), where).items()
        }
    return settings


def _kept(dataset: str, chosen: dict) -> set[RunConfig]:
    """Runs that are kept of the data that is chosen: of the whole stand-in, read as it is by default."""
    real = os.environ.get(ROOT_VARIABLES.get(dataset, ""))
    whole = {"generator_version": GENERATOR_VERSION, "seed": 0, "clips": sum(COUNTS[dataset].values())}
    return set() if real or any(chosen.values()) else kept_runs(dataset, whole)


def _runs(notebook: str, settings: dict) -> list[RunConfig]:
    chosen = {name: value for name, value in settings.items() if name in _run_keys(notebook)}
    return RUNS_OF[notebook](**chosen)


def _run_keys(notebook: str) -> dict[str, type]:
    """The parameters that choose a chapter's runs, with their types."""
    return {name: one.annotation for name, one in inspect.signature(RUNS_OF[notebook]).parameters.items()}


def _named(mapping: dict | None, known: tuple[str, ...], where: str) -> dict:
    """A mapping whose names are all known; an empty one for an empty place in the file."""
    if mapping is None:
        return {}
    if not isinstance(mapping, dict):
        raise ConfigError(f"{where}: expected names with values, found {mapping!r}; known: {', '.join(known)}")
    for name in mapping:
        if name not in known:
            raise ConfigError(f"{where}: unknown key {name!r}{suggestion(name, known)}; known: {', '.join(known)}")
    return mapping


def _values(values: dict | None, kinds: dict[str, type], where: str) -> dict:
    values = _named(values, tuple(kinds), where)
    for name, value in values.items():
        accepted = (int, float) if kinds[name] is float else kinds[name]
        if isinstance(value, bool) or not isinstance(value, accepted):
            raise ConfigError(f"{where}, {name}: expected {kinds[name].__name__}, found {value!r}")
    return values
