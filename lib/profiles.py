"""The scale at which the book is built: `profiles/*.yml`, read and checked, and what follows for every step."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from lib.errors import ConfigError, suggestion
from lib.paths import REPOSITORY

PROFILES = REPOSITORY / "profiles"
TRAINING_NOTEBOOKS = {
    "03_micro_exp_stcnn": "micro_exp_stcnn",
    "04_fusenet_intermediate": "micro_exp_fusenet_intermediate",
    "05_fusenet_late": "micro_exp_fusenet_late",
}
NOTEBOOKS = ("01_data", "02_preprocessing", *TRAINING_NOTEBOOKS)
DATASET_KEYS = {"clips": int, "standin_seed": int}
TRAINING_KEYS = {"epochs": int, "batch_size": int, "learning_rate": float, "seed": int}


@dataclass(frozen=True)
class Profile:
    """One file of `profiles/`.

    Attributes
    ----------
    name : str
    datasets : dict of dataset -> dict
        `clips` (0: all) and `standin_seed` of each dataset's stand-in.
    training : dict of model -> dict of dataset -> dict
        Parameters of the runs that differ from the defaults of `lib.training.RunConfig`.
    """

    name: str
    datasets: dict[str, dict]
    training: dict[str, dict[str, dict]]

    def chapters(self) -> list[tuple[str, str]]:
        """Every chapter of the book as (dataset, notebook)."""
        return [(dataset, notebook) for dataset in self.datasets for notebook in NOTEBOOKS]

    def chapter_parameters(self, dataset: str, notebook: str) -> dict:
        """The papermill parameters of one chapter."""
        parameters = {"dataset": dataset, **self.datasets[dataset]}
        model = TRAINING_NOTEBOOKS.get(notebook)
        if model is not None:
            parameters |= self.training.get(model, {}).get(dataset, {})
        return parameters


def available() -> list[str]:
    """Names of the profiles, sorted."""
    return sorted(path.stem for path in PROFILES.glob("*.yml"))


def read_profile(name: str, folder: Path = PROFILES) -> Profile:
    """Read and check a profile.

    Raises
    ------
    ConfigError
        Unknown profile, dataset, network or key, or a value of the wrong type; says what is known.
    """
    path = folder / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in folder.glob("*.yml")))
        raise ConfigError(f"expected a profile among {known}, found {name!r}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name} is no valid YAML: {error}") from error
    content = _named(content, ("datasets", "training"), path.name)
    datasets = {
        dataset: _values(values, DATASET_KEYS, f"{path.name}, datasets, {dataset}")
        for dataset, values in _named(content.get("datasets"), ("smic", "casme2_sq"), f"{path.name}, datasets").items()
    }
    if not datasets:
        raise ConfigError(f"{path.name}: expected at least one dataset under `datasets`, found none")
    known_models = tuple(TRAINING_NOTEBOOKS.values())
    training = {
        model: {
            dataset: _values(values, TRAINING_KEYS, f"{path.name}, training, {model}, {dataset}")
            for dataset, values in _named(by_dataset, tuple(datasets), f"{path.name}, training, {model}").items()
        }
        for model, by_dataset in _named(content.get("training"), known_models, f"{path.name}, training").items()
    }
    return Profile(name, datasets, training)


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
