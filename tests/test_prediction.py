"""A clip of one's own and a trained network: which clips, which network, what is refused, and the page."""

import json
import shutil
from pathlib import Path

import pytest
from fake_store import FakeStore

from lib import prediction, sources
from lib.cli import main
from lib.core import paths
from lib.core.errors import ConfigError, DatasetError, TrainingError
from lib.datasets import load_dataset
from lib.report import faces
from lib.training.baselines import evaluate
from lib.training.config import BaselineConfig
from lib.training.records import RunConfig, open_run
from lib.training.run import trained_model


@pytest.fixture(scope="module")
def rendered(small_smic):
    return Path(load_dataset("smic", small_smic).clips[0].source)


@pytest.fixture
def real(rendered, tmp_path):
    """The same frames where nothing says that they are rendered."""
    return shutil.copytree(rendered, tmp_path / "my clip")


def test_clips_are_a_stand_ins_only_where_they_lie_in_one(rendered, real):
    assert prediction.own_clips([rendered]).standin["dataset"] == "smic"
    assert prediction.own_clips([real]).standin is None
    assert prediction.own_clips([rendered, real]).standin is None


def test_a_clip_is_named_by_its_file_and_its_person_by_its_name(real):
    (clip,) = prediction.own_clips([real]).clips
    assert (clip.clip_id, clip.subject) == ("my_clip", "my_clip")
    assert faces.may_show(None, clip.subject, "another my_clip")


@pytest.mark.parametrize("name", ["absent.mp4", "text.txt", "empty"])
def test_what_is_no_clip_is_refused(name, tmp_path):
    (tmp_path / "text.txt").write_text("no video")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="expected a video or a folder of frames"):
        prediction.own_clips([tmp_path / name])


def test_two_clips_of_one_name_are_refused(real, tmp_path):
    other = shutil.copytree(real, tmp_path / "other" / real.name)
    with pytest.raises(DatasetError, match="different names"):
        prediction.own_clips([real, other])


def test_a_run_without_a_record_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match="what a network was trained on"):
        prediction.parameters_of_run("somewhere/found.weights.h5")


def test_a_run_of_a_method_that_is_no_network_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    method = evaluate(
        BaselineConfig("majority"), FakeStore(streams=("face",), path=tmp_path / "store"), paths.runs_folder()
    )
    with pytest.raises(ConfigError, match="found one of the method 'majority'"):
        prediction.parameters_of_run(method.id)


def test_a_network_whose_training_part_was_divided_by_unknown_people_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    config, weights = RunConfig("micro_exp_stcnn", "clean", (3, 3, 3), epochs=1), str(tmp_path / "network.weights.h5")
    trained_model(config, FakeStore()).save_weights(weights)
    assert prediction.network(config, FakeStore(), weights)[0] is not None
    monkeypatch.setattr(FakeStore, "clips", FakeStore().clips.assign(subject="unknown"))
    for file in (weights, ""):
        with pytest.raises(TrainingError, match="24 of 24 do not say whose face it is"):
            prediction.network(config, FakeStore(), file, train_missing=False)


@pytest.fixture(scope="module")
def run(book_checkout, tmp_path_factory):
    """A run of the tiny book's stand-in with its weights."""
    record = tmp_path_factory.mktemp("run") / "run.json"
    settings = ["--model", "micro_exp_stcnn", "--epochs", "1", "--seed", "13", "--keep-weights"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MICROEXP_DATA", str(book_checkout / "data"))
        patched.delenv("SMIC_ROOT", raising=False)
        assert main(["train", "--dataset", "smic", "--clips", "18", *settings, "--record", str(record)]) == 0
        yield open_run(paths.runs_folder() / json.loads(record.read_text())["run"])


@pytest.mark.slow
def test_the_answer_to_a_clip_that_was_held_out_is_that_of_the_record(run, tmp_path, capsys):
    (row,) = run.predictions("last").head(1).to_dict("records")
    data = sources.load("smic", clips=18)
    source = next(clip.source for clip in data.clips if clip.clip_id == row["clip"])
    assert main(["predict", str(source), "--run", run.id, "--out", str(tmp_path / "page.html")]) == 0
    assert f"{row['clip']}: negative" in capsys.readouterr().out
    (answer,) = json.loads((tmp_path / "page.json").read_text())["results"]["answers"]
    for name, share in answer["probabilities"].items():
        assert share == pytest.approx(row[f"p_{name}"], abs=1e-5)
    assert (len(answer["landmarks"]), len(answer["crops"]["eyes"])) == (18, 18)
    assert sum(answer["saliency_by_frame"]["frame"]) > 0
    page = (tmp_path / "page.html").read_text()
    assert page.index("nothing about what anybody feels") < page.index("<h2")  # before the steps
    assert page.count("data:image/") == 3
    assert "http" not in page.partition("<body>")[0]


@pytest.mark.slow
def test_a_run_of_another_backend_is_refused_as_its_network_would_be_another(run, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ConfigError, match="was trained with Keras on tensorflow, and jax is configured"):
        prediction.parameters_of_run(run.id)


@pytest.mark.slow
def test_a_network_of_rendered_faces_is_not_asked_about_real_ones(run, real, capsys, tmp_path):
    weights = paths.weights_folder() / f"{run.id}.weights.h5"
    assert main(["predict", str(real), "--weights", str(weights), "--out", str(tmp_path / "page.html")]) == 1
    assert "--allow-standin" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
    store = sources.processed_store("smic", clips=18)
    prediction.refuse_real_faces(store, prediction.own_clips([real]), allow_standin=True)
