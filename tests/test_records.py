import dataclasses
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fake_store import FakeStore

from lib.core.errors import ConfigError, DiskError, TrainingError
from lib.networks import STREAMS
from lib.training import config as config_module
from lib.training import records
from lib.training.protocols import PROTOCOLS
from lib.training.records import RunConfig, RunRecord, find_run, list_runs, open_run, run_id, summarise, write_folder

CLASSES = ["angry", "happy"]
ODD = 0.30000001192092896  # a float32 that a reader of decimals may miss by a bit


# === RunConfig ===


def test_defaults_are_the_papers():
    config = RunConfig("micro_exp_stcnn")
    assert (config.epochs, config.batch_size, config.kernel_size, config.protocol) == (100, 8, (3, 3, 15), "paper")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "micro_exp_stcn"}, r"model: expected one of .*did you mean 'micro_exp_stcnn'"),
        ({"protocol": "papre"}, r"protocol: expected one of paper.*did you mean 'paper'"),
        ({"control": "shuffle"}, r"control: expected one of none, shuffled_frames"),
        ({"epochs": 0}, "epochs: expected a whole number of at least 1, found 0"),
        ({"epochs": 2.5}, "epochs: expected a whole number"),
        ({"epochs": True}, "epochs: expected a whole number"),
        ({"batch_size": "8"}, "batch_size: expected a whole number of at least 1, found '8'"),
        ({"seed": -1}, "seed: expected a whole number of at least 0"),
        ({"seed": 2**32}, "seed: expected a whole number of at least 0 and less than 4294967296"),
        ({"learning_rate": 0}, "learning_rate: expected a positive number, found 0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a positive number"),
        ({"learning_rate": "fast"}, "learning_rate: expected a positive number"),
        ({"kernel_size": (3, 3)}, r"kernel_size: expected \(height, width, depth\), found \(3, 3\)"),
        ({"kernel_size": 3}, r"kernel_size: expected \(height, width, depth\), found 3"),
        ({"kernel_size": (3, 3, 0)}, "kernel_size: expected a whole number of at least 1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(changes, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig(**({"model": "micro_exp_stcnn"} | changes))


def test_an_unknown_field_is_refused_with_the_one_that_was_meant():
    with pytest.raises(ConfigError, match=r"field of a run: .*'learning_rat' \(did you mean 'learning_rate'\?\)"):
        RunConfig.from_dict({"model": "micro_exp_stcnn", "learning_rat": 0.1})


def test_from_dict_needs_a_model():
    with pytest.raises(ConfigError, match="model: no value given"):
        RunConfig.from_dict({"epochs": 3})


def test_a_config_survives_json():
    config = RunConfig("micro_exp_fusenet_late", kernel_size=[5, 5, 7], learning_rate=1, seed=np.int64(3))
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


# === Identity ===


def test_the_same_run_has_the_same_id_however_its_numbers_are_written():
    written = RunConfig("micro_exp_stcnn", kernel_size=[3, 3, 15], learning_rate=1)
    assert run_id(written, FakeStore()) == run_id(RunConfig("micro_exp_stcnn", learning_rate=1.0), FakeStore())


def test_config_data_code_and_backend_each_change_the_id(monkeypatch):
    config, store = RunConfig("micro_exp_stcnn"), FakeStore()
    ids = {run_id(config, store), run_id(RunConfig("micro_exp_stcnn", seed=1), store)}
    ids.add(run_id(config, FakeStore(fingerprint="0" * 64)))
    monkeypatch.setattr(config_module, "deciding_code", lambda config: "other code")
    ids.add(run_id(config, store))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    ids.add(run_id(config, store))
    assert len(ids) == 5


def test_a_protocol_counts_by_what_it_does_and_not_by_what_it_is_called_or_says(monkeypatch):
    config, store = RunConfig("micro_exp_stcnn", protocol="clean"), FakeStore()
    before = run_id(config, store)
    clean = PROTOCOLS["clean"]

    def with_clean(**changes):
        monkeypatch.setattr(config_module, "PROTOCOLS", {**PROTOCOLS, "clean": dataclasses.replace(clean, **changes)})
        return run_id(config, store)

    assert with_clean(name="tidy", description="other words", reported="best") == before
    assert with_clean(validation_share=0.25) != before
    assert with_clean(pairing="mouth_twice") != before


def test_another_network_or_a_new_field_at_its_old_value_renames_no_run(monkeypatch):
    config, store = RunConfig("micro_exp_stcnn"), FakeStore()
    before = run_id(config, store)
    monkeypatch.setattr(config_module, "STREAMS", {**STREAMS, "a_fourth": ("face",)})
    assert run_id(config, store) == before
    # had `control` been added today, runs without one would be called what they were called before
    monkeypatch.setattr(config_module, "ADDED_LATER", {"control": "none"})
    assert run_id(config, store) != before
    without = run_id(config, store)
    monkeypatch.setattr(
        RunConfig, "to_dict", lambda self: {name: v for name, v in vars(self).items() if name != "control"}
    )
    assert run_id(config, store) == without


def test_a_run_by_person_is_found_by_the_identity_of_its_data_alone(tmp_path):
    config, data = RunConfig("micro_exp_stcnn", protocol="loso"), SimpleNamespace(fingerprint=FakeStore().fingerprint)
    _write_record(tmp_path / run_id(config, FakeStore()))
    assert find_run(config, data, tmp_path).id == run_id(config, data)


def test_who_chooses_no_backend_is_given_what_another_one_trained_and_is_kept(tmp_path, monkeypatch):
    for variable in ("KERAS_BACKEND", "MICROEXP_KEPT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    config, store = RunConfig("micro_exp_stcnn"), FakeStore()
    kept, own = tmp_path / "kept", tmp_path / "own"
    monkeypatch.setattr(records.paths, "CITED_RUNS", kept)
    for folder in (kept, own):
        _write_record(folder / run_id(config, store, "jax"))
    assert find_run(config, store, own).path.parent == kept
    _write_record(own / run_id(config, store))
    assert find_run(config, store, own).id == run_id(config, store)  # the configured backend's comes first
    empty = tmp_path / "empty"
    assert find_run(config, store, empty).path.parent == kept
    assert find_run(config, store, empty, own_backend=True) is None
    for variable, value in (("KERAS_BACKEND", "tensorflow"), ("MICROEXP_KEPT", "no")):  # who chooses gets that or none
        with monkeypatch.context() as patched:
            patched.setenv(variable, value)
            assert find_run(config, store, empty) is None
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    assert find_run(config, store, empty) is None
    (tmp_path / "keras.json").write_text('{"backend": "tensorflow"}')  # as Keras itself writes it
    assert find_run(config, store, empty).path.parent == kept


def test_where_the_store_lies_does_not_change_the_id(tmp_path):
    config = RunConfig("micro_exp_stcnn")
    assert run_id(config, FakeStore(path=tmp_path)) == run_id(config, FakeStore())


# === Records ===


def _history(fold="holdout", accuracies=(0.25, 0.75, 0.5)):
    rows = [(fold, i + 1, 1.5, 0.5, 1.25, accuracy) for i, accuracy in enumerate(accuracies)]
    return pd.DataFrame(rows, columns=list(records.HISTORY_COLUMNS))


def _predictions(fold="holdout", best=("angry", "happy", "happy", "happy"), last=("happy",) * 4, epoch=2):
    tables = []
    for at, chosen, predicted in (("best", epoch, best), ("last", 3, last)):
        table = pd.DataFrame({"clip": ["0101", "0102", "NA", "x"], "fold": fold, "at": at, "epoch": chosen})
        table = table.assign(truth=["angry", "angry", "happy", "happy"], predicted=list(predicted))
        tables.append(table.assign(p_angry=ODD, p_happy=1 - ODD))
    return pd.concat(tables, ignore_index=True)


def _write_record(path, seed=0):
    history, predictions = _history(), _predictions()
    provenance = {
        "backend": "tensorflow",
        "data": {"dataset": "smic", "standin": {"standin": True}, "classes": CLASSES},
    }
    write_folder(
        path,
        {
            "config.json": json.dumps(RunConfig("micro_exp_stcnn", seed=seed).to_dict()),
            "history.csv": history.to_csv(index=False),
            "predictions.csv": predictions.to_csv(index=False),
            "provenance.json": json.dumps(provenance),
        },
    )
    return path


def test_a_record_reads_back_what_was_written(tmp_path):
    record = open_run(_write_record(tmp_path / "abc"))
    assert record.id == "abc"
    assert record.config == RunConfig("micro_exp_stcnn")
    pd.testing.assert_frame_equal(record.history, _history())
    best = record.predictions()
    assert best["clip"].tolist() == ["0101", "0102", "NA", "x"]
    assert best["p_angry"].tolist() == [ODD] * 4
    assert record.predictions("last")["epoch"].tolist() == [3] * 4


def test_confusion_has_true_classes_as_rows_in_the_datasets_order(tmp_path):
    record = RunRecord(_write_record(tmp_path / "abc"))
    assert record.confusion().to_numpy().tolist() == [[1, 1], [0, 2]]
    assert record.confusion("last").to_numpy().tolist() == [[0, 2], [0, 2]]
    assert record.confusion().index.tolist() == CLASSES


def test_predictions_at_an_unknown_epoch_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="at: expected 'best' or 'last', found 'final'"):
        RunRecord(_write_record(tmp_path / "abc")).predictions("final")


def test_summary_of_one_fold():
    summary = summarise(_history(), _predictions(), CLASSES)
    assert summary["accuracy_best"] == 0.75
    assert summary["accuracy_last"] == summary["majority_share"] == 0.5
    assert (summary["n"], summary["best_epoch"], summary["epochs"], summary["last_epochs"]) == (4, 2, 3, 3)
    assert summary["uar_best"] == 0.75
    assert summary["wilson_low_best"] == pytest.approx(0.3006, abs=1e-4)
    assert summary["accuracy_mean_last_epochs"] == pytest.approx(0.5)
    assert summary["accuracy_std_last_epochs"] == pytest.approx(np.std([0.25, 0.75, 0.5], ddof=1))


def test_summary_takes_the_mean_accuracy_over_the_last_ten_epochs():
    summary = summarise(_history(accuracies=[0.0] * 90 + [1.0] * 10), _predictions(), CLASSES)
    assert (summary["last_epochs"], summary["accuracy_mean_last_epochs"]) == (10, 1.0)
    assert summary["accuracy_std_last_epochs"] == 0.0


def test_summary_pools_folds_by_their_clips():
    wrong = ("happy", "happy", "angry", "angry")
    history = pd.concat([_history("s1", (1.0,)), _history("s2", (0.0,))])
    predictions = pd.concat([_predictions("s1"), _predictions("s2", best=wrong).iloc[[0, 4]]])
    summary = summarise(history, predictions, CLASSES)
    assert summary["n"] == 5
    assert summary["accuracy_best"] == 3 / 5
    assert summary["accuracy_mean_last_epochs"] == pytest.approx(4 / 5)
    assert summary["best_epoch"] is None


@pytest.mark.parametrize("missing", records.RECORD_FILES)
def test_a_half_written_record_is_not_a_run(tmp_path, missing, monkeypatch):
    path = _write_record(tmp_path / run_id(RunConfig("micro_exp_stcnn"), FakeStore()))
    assert find_run(RunConfig("micro_exp_stcnn"), FakeStore(), tmp_path) is not None
    (path / missing).unlink()
    assert find_run(RunConfig("micro_exp_stcnn"), FakeStore(), tmp_path) is None
    assert list_runs(tmp_path).empty
    with pytest.raises(TrainingError, match=f"not the record of a finished run: {missing} missing"):
        open_run(path)


def test_a_draft_that_is_whole_is_not_a_run_and_the_message_says_why(tmp_path):
    with pytest.raises(TrainingError, match="not the record of a finished run: a name with a full stop"):
        open_run(_write_record(tmp_path / "abc.draft"))


def test_a_damaged_file_of_a_record_is_named(tmp_path):
    path = _write_record(tmp_path / "abc")
    (path / "provenance.json").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"provenance\.json is damaged .*delete that record"):
        list_runs(tmp_path)
    with pytest.raises(TrainingError, match=r"provenance\.json is damaged"):
        open_run(path).classes  # noqa: B018


def test_a_prediction_of_no_class_is_no_score(tmp_path):
    path = _write_record(tmp_path / "abc") / "predictions.csv"
    path.write_text(path.read_text().replace(",happy", ",hapqy", 1))
    with pytest.raises(TrainingError, match="'hapqy'.*Delete that record"):
        open_run(path.parent).summary()


def test_list_runs_has_a_row_per_record_with_config_and_scores(tmp_path):
    for seed in range(3):
        _write_record(tmp_path / f"id{seed}", seed=seed)
    for other in ("id4.partial", "id5.failed", "id6.draft", ".locks"):
        shutil.copytree(tmp_path / "id0", tmp_path / other)
    (tmp_path / "notes.txt").write_text("mine")
    table = list_runs(tmp_path)
    assert table["id"].tolist() == ["id0", "id1", "id2"]
    assert table["seed"].tolist() == [0, 1, 2]
    assert table["accuracy_best"].tolist() == [0.75] * 3
    assert table["standin"].all()


def test_list_runs_of_no_folder_is_an_empty_table_with_columns(tmp_path):
    table = list_runs(tmp_path / "nowhere")
    assert table.empty
    assert "model" in table.columns


def test_a_deleted_record_is_listed_no_more_and_one_trained_in_its_place_is_read_anew(tmp_path):
    for seed in range(2):
        _write_record(tmp_path / f"id{seed}", seed=seed)
    list_runs(tmp_path)
    shutil.rmtree(tmp_path / "id0")
    assert list_runs(tmp_path)["id"].tolist() == ["id1"]
    _write_record(tmp_path / "id0", seed=7)
    assert list_runs(tmp_path)["seed"].tolist() == [7, 1]


def test_a_listed_record_that_has_lost_a_file_is_listed_no_more(tmp_path):
    path = _write_record(tmp_path / "id0")
    list_runs(tmp_path)
    (path / "predictions.csv").unlink()
    assert list_runs(tmp_path).empty


def test_write_folder_replaces_what_is_no_record_and_leaves_no_draft(tmp_path):
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc" / "rubbish").write_text("x")
    (tmp_path / ".abc.draft").mkdir()
    write_folder(tmp_path / "abc", {"a.txt": "ü\n"})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "abc"]
    assert (tmp_path / "abc" / "a.txt").read_bytes() == "ü\n".encode()


def test_write_folder_leaves_nothing_when_it_cannot_write(tmp_path):
    with pytest.raises(DiskError, match="nowhere"):
        write_folder(tmp_path / "abc", {"a.txt": "a", "nowhere/b.txt": "b"})
    assert list(tmp_path.iterdir()) == []
