"""A chapter's cells, executed in this process on runs that were never trained."""

import json
from collections.abc import Callable
from pathlib import Path

from fake_outcomes import FakeStore
from IPython.display import display

from lib import sources
from lib.book import pages
from lib.book.parameters import read_cells, source_path
from lib.training import plans
from lib.training.plans import Outcome
from lib.training.records import RunConfig


class Chapter:
    """`Chapter(monkeypatch, folder, "10_shortcuts").execute(outcome_of, seeds=2)`: what it found, as JSON says it.

    Afterwards `names` holds what the cells have named.
    """

    def __init__(self, monkeypatch, folder: Path, notebook: str) -> None:
        self.monkeypatch, self.folder, self.notebook = monkeypatch, folder, notebook
        self.names: dict = {}

    def execute(
        self,
        outcome_of: Callable[[RunConfig, FakeStore], Outcome],
        store: Callable[..., FakeStore] | None = None,
        **parameters,
    ) -> dict:
        made_up = store or (lambda *_, **__: FakeStore())
        self.monkeypatch.setattr(sources, "processed_store", made_up)
        self.monkeypatch.setattr(
            plans, "collect", lambda configs, store, *_, **__: [outcome_of(config, store) for config in configs]
        )
        self.monkeypatch.setattr(pages, "answers", lambda *_: "")  # the judge asks for more of a store
        self.monkeypatch.chdir(self.folder)
        results = self.folder / "results.json"
        self.names = {"display": display}
        for cell in read_cells(source_path(self.notebook)):
            if cell["cell_type"] == "code":
                exec(compile(cell["source"], self.notebook, "exec"), self.names)
            if "parameters" in cell["metadata"].get("tags", []):
                self.names |= {**parameters, "results": str(results)}
        return json.loads(results.read_text(encoding="utf-8"), parse_constant=_no_json)["results"]


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
