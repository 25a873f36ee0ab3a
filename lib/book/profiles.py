"""The scale at which the book is built: `profiles/*.yml`, read and checked, and what follows for every step."""

import inspect
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lib.book.chapters import CHAPTERS, NO_DATASET, OF_A_DATASET, PLANS, WITHOUT_DATASET
from lib.core import paths
from lib.core.catalogue import ROOT_VARIABLES
from lib.core.errors import ConfigError, suggestion
from lib.standin import GENERATOR_VERSION
from lib.training.config import BaselineConfig
from lib.training.records import RunConfig, kept_runs

PROFILES = paths.REPOSITORY / "profiles"
# Parameters that every chapter of a dataset has
DATASET_KEYS = {"clips": int, "standin_seed": int, "options": str, "frames": int}


@dataclass(frozen=True)
class Profile:
    """One file of `profiles/`."""

    name: str
    datasets: dict[str, dict]  # by dataset: `clips` (0: all), `standin_seed`, `options` of its loader, `frames`
    settings: dict[str, dict[str, dict]]  # by notebook and dataset: parameters that differ from the notebook's defaults
    # by dataset: runs whose records are kept with the book, which need no training
    kept: dict[str, set[RunConfig | BaselineConfig]] = field(default_factory=dict)

    def chapters(self) -> list[tuple[str, str]]:
        """Every chapter of the book as (dataset, notebook); `NO_DATASET` stands for those that read no dataset."""
        of_datasets = [
            (dataset, notebook)
            for dataset in self.datasets
            for notebook in OF_A_DATASET
            if CHAPTERS[notebook].always or dataset in self.settings.get(notebook, {})
        ]
        return of_datasets + [(NO_DATASET, notebook) for notebook in WITHOUT_DATASET]

    def chapter_parameters(self, dataset: str, notebook: str) -> dict:
        """The papermill parameters of one chapter."""
        if dataset == NO_DATASET:
            return {}
        return {"dataset": dataset, **self.datasets[dataset], **self._own(dataset, notebook)}

    def runs(self, dataset: str, notebook: str) -> list[RunConfig | BaselineConfig]:
        """The runs that a chapter stands on; none for chapters that train nothing."""
        return _runs(dataset, notebook, self._own(dataset, notebook)) if notebook in PLANS else []

    def all_runs(self, dataset: str) -> dict[str, RunConfig | BaselineConfig]:
        """Every run of a dataset by its slug, each once however many chapters ask for it."""
        chapters = [notebook for where, notebook in self.chapters() if where == dataset]
        return {config.slug: config for notebook in chapters for config in self.runs(dataset, notebook)}

    def _own(self, dataset: str, notebook: str) -> dict:
        return self.settings.get(notebook, {}).get(dataset, {})


def available(folder: Path = PROFILES) -> list[str]:
    """Names of the profiles, sorted."""
    return sorted(path.stem for path in folder.glob("*.yml"))


def read_profile(name: str, folder: Path = PROFILES) -> Profile:
    """Read a profile; `ConfigError` where it, a dataset, a chapter or a key is unknown, or a value of another type."""
    path = folder / f"{name}.yml"
    if not path.is_file():
        raise ConfigError(f"expected a profile among {', '.join(available(folder))}, found {name!r}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name} is no valid YAML: {error}") from error
    content = _checked(dict.fromkeys(("datasets", "chapters", "kept"), object), content, path.name)
    datasets = _checked(dict.fromkeys(ROOT_VARIABLES, DATASET_KEYS), content.get("datasets"), f"{path.name}, datasets")
    if not datasets:
        raise ConfigError(f"{path.name}: expected at least one dataset under `datasets`, found none")
    keys = {name: _run_keys(name) | CHAPTERS[name].settings for name in OF_A_DATASET}
    chapters = {name: dict.fromkeys(datasets, one) for name, one in keys.items()}
    settings = _checked(chapters, content.get("chapters"), f"{path.name}, chapters")
    kept_settings = _checked({name: chapters[name] for name in PLANS}, content.get("kept"), f"{path.name}, kept")
    kept = {dataset: _kept(dataset, chosen) for dataset, chosen in datasets.items()}
    for notebook, by_dataset in kept_settings.items():
        for dataset, own in by_dataset.items():
            if kept[dataset].issuperset(_runs(dataset, notebook, own)):
                settings.setdefault(notebook, {})[dataset] = own
    return Profile(name, datasets, settings, kept)


def _kept(dataset: str, chosen: dict) -> set[RunConfig | BaselineConfig]:
    """Runs that are kept of the data that is chosen: of the stand-in's store that kept chapters have read.

    A record alone does not tell: a run on other arrays of the same clips (chapters 10 and 14) says the same of both.
    """
    if os.environ.get(ROOT_VARIABLES[dataset]):
        return set()
    asked = {name: chosen.get(name, kind()) for name, kind in DATASET_KEYS.items()}
    results = (paths.CITED_RUNS.parent / "results" / dataset).glob("*.json")
    read = [json.loads(path.read_text(encoding="utf-8"))["provenance"] for path in results]
    current = {"generator_version": GENERATOR_VERSION}
    return kept_runs(
        {
            one["data_fingerprint"]
            for one in read
            if asked.items() <= one["parameters"].items() and current.items() <= (one["standin"] or {}).items()
        }
    )


def _runs(dataset: str, notebook: str, settings: dict) -> list[RunConfig | BaselineConfig]:
    plan = PLANS[notebook]
    chosen = {name: value for name, value in settings.items() if name in _run_keys(notebook)}
    return plan(dataset, **chosen) if "dataset" in inspect.signature(plan).parameters else plan(**chosen)


def _run_keys(notebook: str) -> dict[str, type]:
    """The parameters that choose a chapter's runs, with their types."""
    plan = PLANS.get(notebook, lambda: [])
    return {name: one.annotation for name, one in inspect.signature(plan).parameters.items() if name != "dataset"}


def _checked(form: Mapping | type, found: object, place: str) -> object:
    """What stands at a place of a file: names with values, all of them known, or one value of a type."""
    if not isinstance(form, Mapping):
        if form is not object and type(found) not in ((float, int) if form is float else (form,)):
            raise ConfigError(f"{place}: expected {form.__name__}, found {found!r}")
        return found
    known = f"known: {', '.join(form)}"
    if not isinstance(found, Mapping | None):
        raise ConfigError(f"{place}: expected names with values, found {found!r}; {known}")
    for name in found or {}:
        if name not in form:
            raise ConfigError(f"{place}: unknown key {name!r}{suggestion(name, form)}; {known}")
    return {name: _checked(form[name], value, f"{place}, {name}") for name, value in (found or {}).items()}
