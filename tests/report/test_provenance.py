import json
from types import SimpleNamespace

import pytest

from lib.book import provenance
from lib.book.parameters import declared_parameters
from lib.core.errors import ConfigError

NOTEBOOK = "01_data"


@pytest.fixture
def namespace():
    return {name: one.default for name, one in declared_parameters(NOTEBOOK).items()}


@pytest.fixture
def shown(monkeypatch):
    outputs = []
    monkeypatch.setattr(provenance, "display", lambda data, raw: outputs.append(data))
    return outputs


def test_a_chapter_knows_its_effective_parameters(namespace):
    chapter = provenance.begin(NOTEBOOK, {**namespace, "clips": 9, "np": object()})
    assert chapter.parameters["clips"] == 9
    assert set(chapter.parameters) == set(namespace)


def test_a_chapter_refuses_a_parameter_that_papermill_injected_and_it_does_not_have(namespace):
    with pytest.raises(ConfigError, match="no parameter 'clip'"):
        provenance.begin(NOTEBOOK, {**namespace, "In": ["", "# Parameters\nclip = 9\n"]})


def test_a_variable_that_a_person_set_interactively_is_no_parameter(namespace):
    provenance.begin(NOTEBOOK, {**namespace, "clip": 9, "In": ["", "clip = 9"]})


def test_running_without_the_parameters_cell_says_to_run_it():
    with pytest.raises(ConfigError, match="run the parameters cell first"):
        provenance.begin(NOTEBOOK, {})


def test_finishing_writes_results_and_shows_what_the_gate_reads(namespace, shown, tmp_path):
    namespace["results"] = str(tmp_path / "deep" / "results.json")
    chapter = provenance.begin(NOTEBOOK, namespace)
    run = SimpleNamespace(
        id="abc", path=tmp_path / "abc", provenance={"device": "a processor", "backend": "jax", "wall_seconds": 2.0}
    )
    chapter.finish({"clips": 9}, SimpleNamespace(standin={"seed": 0}, fingerprint="f" * 64), [run])
    written = json.loads((tmp_path / "deep" / "results.json").read_text(encoding="utf-8"))
    assert written["results"] == {"clips": 9}
    record = shown[0][provenance.MEDIA_TYPE]
    assert record == written["provenance"]
    assert record["runs"] == ["abc"]
    assert (record["devices"], record["backends"]) == (["a processor (jax)"], ["jax"])
    for word in ("papermill notebooks", "stand-in", "abc", "commit"):
        assert word in shown[0]["text/html"]


def test_the_command_repeats_only_what_differs_from_the_defaults(namespace):
    chapter = provenance.begin(NOTEBOOK, {**namespace, "clips": 9, "root": "my data", "results": "here.json"})
    assert chapter.command() == "papermill notebooks/01_data.ipynb out.ipynb -p root 'my data' -p clips 9"


@pytest.mark.parametrize("value", ["123", "True", ""])
def test_text_that_papermill_would_take_for_something_else_is_passed_raw(namespace, value):
    chapter = provenance.begin(NOTEBOOK, {**namespace, "dataset": value})
    assert " -r dataset " in chapter.command()


def test_real_data_has_no_stand_in_notice(namespace):
    chapter = provenance.begin(NOTEBOOK, namespace)
    assert chapter.standin_notice(None) is None
    assert "not a replication" in chapter.standin_notice({"standin": True}).data


def test_versions_name_what_decides_a_result():
    assert {"Python", "keras", "numpy", "dlib-bin"} <= set(provenance.versions())
