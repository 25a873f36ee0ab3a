import json
import shutil
from types import SimpleNamespace

import pytest

from lib.audit.paper import class_counts
from lib.audit.released import held_out
from lib.book.chapters import CHAPTERS, NO_DATASET, OF_A_DATASET, PLANS
from lib.book.parameters import declared_parameters
from lib.book.profiles import available, read_profile
from lib.core import paths
from lib.core.errors import ConfigError
from lib.standin import GENERATOR_VERSION
from lib.training.records import RECORD_FILES, run_id, write_folder


@pytest.mark.parametrize("name", available())
def test_every_profile_sets_only_parameters_that_its_chapters_have(name):
    profile = read_profile(name)
    for dataset, notebook in profile.chapters():
        assert set(profile.chapter_parameters(dataset, notebook)) <= set(declared_parameters(notebook))


def test_a_dataset_has_the_chapters_of_every_dataset_and_those_it_has_a_line_for(tmp_path):
    (tmp_path / "mine.yml").write_text("datasets: {smic: }\nchapters: {11_rigorous: {smic: }}", encoding="utf-8")
    always = [name for name in OF_A_DATASET if CHAPTERS[name].always]
    chapters = read_profile("mine", tmp_path).chapters()
    assert chapters == [*(("smic", one) for one in (*always, "11_rigorous")), (NO_DATASET, "09_audit")]


def test_the_quick_and_the_full_book_have_every_chapter_for_smic():
    for name in ("quick", "full"):
        assert {one for dataset, one in read_profile(name).chapters() if dataset == "smic"} == set(OF_A_DATASET)


def test_the_full_profile_is_the_papers_scale():
    profile = read_profile("full")
    for dataset in ("smic", "casme2_sq"):
        (run,) = profile.runs(dataset, "03_micro_exp_stcnn")
        assert (run.epochs, run.batch_size, run.kernel_size) == (100, 8, (3, 3, 15))
        assert {run.seed for run in profile.runs(dataset, "06_comparison")} >= set(range(3))
        kernels = {run.kernel_size for run in profile.runs(dataset, "07_kernel_study")}
        assert len(kernels) == {"smic": 9, "casme2_sq": 12}[dataset]  # 19 frames: not of SMIC's 18


def test_the_full_profiles_stand_in_of_casme2_sq_holds_out_as_many_clips_as_the_paper():
    clips = read_profile("full").datasets["casme2_sq"]["clips"]
    assert held_out(clips) == class_counts("casme2_sq").loc["all", "validation"]


def test_a_run_that_several_chapters_ask_for_is_listed_once():
    profile = read_profile("full")
    asked = [config for notebook in OF_A_DATASET for config in profile.runs("smic", notebook)]
    assert len(profile.all_runs("smic")) == len(set(asked)) < len(asked)


def test_an_unknown_profile_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="full, quick, tiny"):
        read_profile("slow")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("datasets: {smick: {clips: 3}}", "smick.*did you mean 'smic'"),
        ("datasets: {smic: {clip: 3}}", "did you mean 'clips'"),
        ("datasets: {smic: {clips: many}}", "mine.yml, datasets, smic, clips: expected int, found 'many'"),
        ("datasets: {smic: {clips: true}}", "expected int, found True"),
        ("datasets: {smic: {}}\nkept: {02_preprocessing: {smic: {}}}", "kept: unknown key '02_preprocessing'"),
        ("datasets: {smic: {}}\nchapters: {06_comparisn: {}}", "did you mean '06_comparison'"),
        ("datasets: {smic: {}}\nchapters: {06_comparison: {casme2_sq: {}}}", "casme2_sq"),
        ("datasets: {smic: {}}\nchapters: {06_comparison: {smic: {epoch: 3}}}", "did you mean 'epochs'"),
        ("", "at least one dataset"),
        ("datasets: [smic]", r"datasets: expected names with values, found \['smic'\]; known: casme2_sq, smic"),
        ("smic", "mine.yml: expected names with values, found 'smic'"),
        ("datasets: {3: {}}", "datasets: unknown key 3; known: casme2_sq, smic"),
        ("datasets: {smic: 3}", "smic: expected names with values, found 3"),
        ("datasets: {smic: ", "mine.yml is no valid YAML"),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_its_place(tmp_path, content, message):
    (tmp_path / "mine.yml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_profile("mine", tmp_path)


def test_a_chapter_without_parameters_of_its_own_may_be_left_empty(tmp_path):
    (tmp_path / "mine.yml").write_text("datasets: {smic: }\nchapters: {06_comparison: }", encoding="utf-8")
    assert read_profile("mine", tmp_path).chapter_parameters("smic", "03_micro_exp_stcnn") == {"dataset": "smic"}


# === Runs that are kept with the book ===

MINE = """
datasets: {smic: {clips: %d}}
chapters: {04_fusenet_intermediate: {smic: {epochs: 2}}, 06_comparison: {smic: {epochs: 2, seeds: 1}}}
kept: {04_fusenet_intermediate: {smic: {epochs: 3}}, 06_comparison: {smic: {epochs: 3, seeds: 2}}}
"""


def mine(folder, clips=0):
    (folder / "mine.yml").write_text(MINE % clips, encoding="utf-8")
    return read_profile("mine", folder)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Keep the record of the run that chapter 4 asks for with 3 epochs, and the results of a chapter on the same data.

    The function returned keeps them otherwise.
    """
    monkeypatch.setattr(paths, "CITED_RUNS", tmp_path / "runs")
    monkeypatch.delenv("SMIC_ROOT", raising=False)
    monkeypatch.delenv("MICROEXP_KEPT", raising=False)
    (config,) = PLANS["04_fusenet_intermediate"](epochs=3)
    results = tmp_path / "results" / "smic" / "02_preprocessing.json"
    results.parent.mkdir(parents=True)

    def keep(name="", arrays="f" * 64, generator_version=GENERATOR_VERSION, **parameters):
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        read = {"clips": 0, "standin_seed": 0, "options": "", "frames": 0, **parameters}
        standin = {"generator_version": generator_version}
        provenance = {"data_fingerprint": "f" * 64, "standin": standin, "parameters": read}
        results.write_text(json.dumps({"provenance": provenance}))
        data = {"dataset": "smic", "standin": standin, "fingerprint": arrays}
        about = {"backend": "tensorflow", "data": data}
        files = dict.fromkeys(RECORD_FILES, "{}")
        files |= {"config.json": json.dumps(config.to_dict()), "provenance.json": json.dumps(about)}
        write_folder(tmp_path / "runs" / (name or run_id(config, SimpleNamespace(fingerprint=arrays))), files)

    keep()
    return keep


def epochs_of(profile):
    return [profile.runs("smic", one)[0].epochs for one in ("04_fusenet_intermediate", "06_comparison")]


def test_a_chapter_takes_its_kept_settings_where_all_their_runs_are_kept_and_its_own_otherwise(kept, tmp_path):
    profile = mine(tmp_path)
    assert epochs_of(profile) == [3, 2]
    assert [config.epochs for config in profile.kept["smic"]] == [3]


def test_nothing_is_kept_of_fewer_clips_real_data_another_backend_or_another_picture(kept, tmp_path, monkeypatch):
    assert epochs_of(mine(tmp_path, clips=20)) == [2, 2]
    with monkeypatch.context() as patched:
        patched.setenv("SMIC_ROOT", str(tmp_path))
        assert epochs_of(mine(tmp_path)) == [2, 2]
    with monkeypatch.context() as patched:
        patched.setenv("KERAS_BACKEND", "jax")
        assert epochs_of(mine(tmp_path)) == [2, 2]
    changes = ({"generator_version": GENERATOR_VERSION + 1}, {"standin_seed": 1}, {"clips": 20}, {"frames": 9})
    for change in (*changes, {"name": "0" * 16}):
        kept(**change)
        assert epochs_of(mine(tmp_path)) == [2, 2]
    kept()
    assert epochs_of(mine(tmp_path)) == [3, 2]


def test_a_kept_run_on_other_arrays_of_the_same_clips_is_not_the_one_that_chapters_ask_for(kept, tmp_path):
    kept(arrays="a" * 64)
    profile = mine(tmp_path)
    assert epochs_of(profile) == [2, 2]
    assert profile.kept["smic"] == set()


def test_a_kept_run_under_a_protocol_that_is_gone_is_no_run_of_a_chapter(kept, tmp_path):
    (record,) = (tmp_path / "runs").iterdir()
    settings = json.loads((record / "config.json").read_text())
    (record / "config.json").write_text(json.dumps({**settings, "protocol": "gone"}))
    assert epochs_of(mine(tmp_path)) == [2, 2]


def test_kept_runs_can_be_refused(kept, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_KEPT", "no")
    profile = mine(tmp_path)
    assert epochs_of(profile) == [2, 2]
    assert profile.kept["smic"] == set()
