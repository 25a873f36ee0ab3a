import contextlib
import dataclasses
import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import guessing
import numpy as np
import pandas as pd
import pytest
from fake_store import FakeStore

from lib.core import files
from lib.core.errors import ConfigError, DiskError, DiskFullError, TrainingError
from lib.networks import NETWORKS
from lib.networks.backend import keras
from lib.training import checkpoint, fit, inputs, run
from lib.training.protocols import PROTOCOLS
from lib.training.records import RunConfig, list_runs, run_id
from lib.training.run import prepare_fold, train, trained_model
from lib.training.splits import Fold, make_folds

REPOSITORY = Path(__file__).resolve().parent.parent
TINY = RunConfig("micro_exp_stcnn", kernel_size=(3, 3, 3), epochs=4)
NUMBERS = ("config.json", "history.csv", "predictions.csv")


def _numbers(record):
    return {name: (record.path / name).read_bytes() for name in NUMBERS}


def _changed(**changes):
    return dataclasses.replace(TINY, **changes)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return train(TINY, FakeStore(), tmp_path_factory.mktemp("runs"))


@pytest.fixture
def save_every_epoch(monkeypatch):
    monkeypatch.setattr(checkpoint, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE_OF_TIME", float("inf"))


@pytest.fixture
def guessed(monkeypatch, tmp_path_factory):
    """The record of a network that guesses, for what does not hang on what a network learns."""
    monkeypatch.setattr(run, "fit_fold", guessing.fit_fold)
    return train(TINY, FakeStore(), tmp_path_factory.mktemp("guessed"))


# === What a record holds ===


def test_history_has_a_row_per_epoch_and_no_times(record):
    assert record.history.columns.tolist() == ["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert record.history["epoch"].tolist() == [1, 2, 3, 4]
    assert np.isfinite(record.history.drop(columns="fold")).all(axis=None)


def test_predictions_are_of_the_held_out_clips_and_agree_with_the_history(record):
    store = FakeStore()
    (fold,) = make_folds(PROTOCOLS["paper"], store.labels, store.classes)
    for at in ("best", "last"):
        table = record.predictions(at)
        assert table["clip"].tolist() == store.clips["clip_id"].iloc[fold.validation].tolist()
        assert table["truth"].tolist() == store.clips["label"].iloc[fold.validation].tolist()
        probabilities = table[["p_angry", "p_happy", "p_disgust"]].to_numpy()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        (epoch,) = table["epoch"].unique()
        row = record.history.set_index("epoch").loc[epoch]
        assert (table["truth"] == table["predicted"]).mean() == row["val_accuracy"]
        right = [
            probability[store.classes.index(truth)]
            for probability, truth in zip(probabilities, table["truth"], strict=True)
        ]
        assert -np.mean(np.log(right)) == pytest.approx(row["val_loss"])


def test_best_is_the_first_epoch_with_the_highest_validation_accuracy(record):
    assert record.predictions("best")["epoch"].iloc[0] == record.history["val_accuracy"].idxmax() + 1
    assert record.predictions("last")["epoch"].iloc[0] == 4


def test_provenance_says_what_the_run_was_and_names_no_place(record):
    provenance = record.provenance
    assert provenance["backend"] == keras.config.backend()
    assert provenance["data"] == {
        "dataset": "casme2_sq",
        "key": "casme2_sq-tiny",
        "fingerprint": "f" * 64,
        "classes": ["angry", "happy", "disgust"],
        "clips": 24,
        "standin": {"standin": True},
    }
    assert len(provenance["seconds_per_epoch"]) == 4
    assert provenance["wall_seconds"] == pytest.approx(sum(provenance["seconds_per_epoch"]))
    text = (record.path / "provenance.json").read_text()
    assert str(REPOSITORY) not in text
    assert str(record.path.parent) not in text


def test_a_finished_run_leaves_nothing_but_its_record(record):
    names = {path.name for path in record.path.parent.iterdir()}
    assert names == {record.id, ".locks"}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_model_learns_what_is_plain_to_see(name, tmp_path):
    config = _changed(model=name, epochs=12, batch_size=4, learning_rate=0.02)
    summary = train(config, FakeStore(), tmp_path).summary()
    assert summary["accuracy_best"] > summary["majority_share"]


# === Found, not trained again ===


def test_a_finished_run_is_not_trained_again(record, monkeypatch):
    monkeypatch.setattr(run, "fit_fold", lambda *arguments: pytest.fail("trained again"))
    assert train(TINY, FakeStore(), record.path.parent).id == record.id


def test_the_same_config_twice_gives_the_same_numbers_bit_for_bit(record, tmp_path):
    random.seed(99)
    np.random.default_rng().random()
    assert _numbers(train(TINY, FakeStore(), tmp_path)) == _numbers(record)


def test_the_seed_decides_weights_and_order_and_not_the_split(record, tmp_path):
    whole_batches = [train(_changed(seed=seed, batch_size=24, epochs=1), FakeStore(), tmp_path) for seed in (0, 1)]
    # with all clips in one batch their order matters to rounding alone, so a difference is one of weights
    assert abs(np.subtract(*(run.history["loss"][0] for run in whole_batches))) > 1e-5
    other = train(_changed(seed=1), FakeStore(), tmp_path)
    assert other.predictions()["clip"].tolist() == record.predictions()["clip"].tolist()


def test_each_epoch_has_an_order_of_its_own():
    batches = fit.Batches(TINY, (np.arange(20),), np.arange(20), 0)
    orders = []
    for epoch in range(3):
        batches.set_epoch(epoch)
        orders.append(tuple(batches.order))
        seen = np.concatenate([batches[i][1] for i in range(len(batches))])
        assert sorted(seen) == list(range(20))
    assert len(set(orders)) == 3


def test_a_folder_with_half_a_record_is_ignored_and_replaced(guessed, tmp_path):
    half = tmp_path / run_id(TINY, FakeStore())
    half.mkdir()
    (half / "history.csv").write_text("fold,epoch\n")
    assert _numbers(train(TINY, FakeStore(), tmp_path)) == _numbers(guessed)


@pytest.mark.parametrize("control", ["shuffled_frames", "first_frame", "permuted_labels"])
def test_a_control_is_a_run_of_its_own_with_other_numbers(control, record, tmp_path):
    controlled = train(_changed(control=control, epochs=1), FakeStore(), tmp_path)
    assert controlled.id != record.id
    assert controlled.history["loss"][0] != record.history["loss"][0]
    same_truth = controlled.predictions()["truth"].equals(record.predictions()["truth"])
    assert same_truth == (control != "permuted_labels")


# === Interrupted ===


def _interrupt_in_epoch(monkeypatch, epoch):
    score, calls = fit._cross_entropy, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == epoch:
            raise KeyboardInterrupt
        return score(*arguments)

    monkeypatch.setattr(fit, "_cross_entropy", interrupted)


def test_an_interrupted_run_resumes_and_ends_as_if_it_had_not_been(tmp_path, monkeypatch, save_every_epoch, capsys):
    config = _changed(model="micro_exp_fusenet_late")
    whole = train(config, FakeStore(), tmp_path / "whole")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        _interrupt_in_epoch(patched, 3)
        train(config, FakeStore(), tmp_path)
    assert list_runs(tmp_path).empty
    resumed = train(config, FakeStore(), tmp_path, progress="lines")
    assert [line.split(" epoch ")[1][0] for line in capsys.readouterr().out.splitlines()] == ["3", "4"]
    assert _numbers(resumed) == _numbers(whole)
    assert resumed.provenance["sittings"] == 2
    assert not (tmp_path / f"{resumed.id}.partial").exists()


def test_a_run_interrupted_after_its_last_epoch_only_writes_its_record(record, tmp_path, monkeypatch, save_every_epoch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(run, "predictions_table", stop)
        train(TINY, FakeStore(), tmp_path)
    assert _numbers(train(TINY, FakeStore(), tmp_path)) == _numbers(record)


def test_a_damaged_state_is_as_good_as_none(guessed, tmp_path):
    state = tmp_path / f"{run_id(TINY, FakeStore())}.partial" / "state.npz"
    state.parent.mkdir()
    state.write_bytes(b"PK\x03\x04 half a file")
    assert _numbers(train(TINY, FakeStore(), tmp_path)) == _numbers(guessed)


def test_one_damaged_byte_in_the_weights_of_a_state_is_noticed(tmp_path):
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(20)])
    model.compile(optimizer="sgd", loss="mse")
    saved = checkpoint.Checkpoint(tmp_path / "x.partial")
    saved.save(model, {"epoch": 3})
    assert saved.load_state() == {"epoch": 3}
    content = bytearray(saved.path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    saved.path.write_bytes(content)
    assert saved.load_state() is None


def test_saving_is_not_due_before_twenty_seconds_and_never_takes_more_than_a_tenth(monkeypatch, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock[0])
    saver = checkpoint.Checkpoint(tmp_path / "x.partial")
    clock[0] = 19.0
    assert not saver.is_due()
    clock[0] = 20.0
    assert saver.is_due()

    def slow_savez(path, **arrays):
        clock[0] += 30.0
        Path(path).write_bytes(b"")

    monkeypatch.setattr(checkpoint.np, "savez", slow_savez)
    saver.save(None, {})
    clock[0] += 299.0
    assert not saver.is_due()
    clock[0] += 1.0
    assert saver.is_due()


def test_several_folds_are_trained_and_resumed_across_their_border(tmp_path, monkeypatch, save_every_epoch):
    halves = (
        Fold("even", np.arange(1, 24, 2), np.arange(0, 24, 2)),
        Fold("odd", np.arange(0, 24, 2), np.arange(1, 24, 2)),
    )
    monkeypatch.setattr(inputs, "make_folds", lambda *arguments: halves)
    config = _changed(epochs=2)
    whole = train(config, FakeStore(), tmp_path / "whole")
    assert whole.history["fold"].tolist() == ["even"] * 2 + ["odd"] * 2
    assert sorted(whole.predictions()["clip"]) == FakeStore().clips["clip_id"].tolist()
    assert whole.summary()["n"] == 24
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        _interrupt_in_epoch(patched, 3)
        train(config, FakeStore(), tmp_path)
    assert _numbers(train(config, FakeStore(), tmp_path)) == _numbers(whole)


# === Errors ===


def test_a_loss_that_is_not_finite_is_recorded_and_explained_without_training_again(tmp_path, monkeypatch):
    config = _changed(model="micro_exp_fusenet_late", learning_rate=1e30)
    with pytest.raises(
        TrainingError, match=r"loss was not finite in epoch \d of fold 'holdout'.*learning rate of 1e\+30"
    ):
        train(config, FakeStore(), tmp_path)
    (folder,) = tmp_path.glob("*.failed")
    assert json.loads((folder / "failure.json").read_text())["epoch"] >= 1
    assert not list(tmp_path.glob("*.partial"))
    assert list_runs(tmp_path).empty
    monkeypatch.setattr(run, "fit_fold", lambda *arguments: pytest.fail("trained again"))
    with pytest.raises(TrainingError, match="this run has failed.*delete that to train it again"):
        train(config, FakeStore(), tmp_path)


def test_a_missing_stream_is_named(tmp_path):
    config = _changed(model="micro_exp_fusenet_intermediate")
    with pytest.raises(ConfigError, match="reads the streams eyes, mouth, and the processed store has no 'mouth'"):
        train(config, FakeStore(streams=("frame", "eyes")), tmp_path)


def test_a_kernel_deeper_than_the_clips_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="kernel of depth 15 does not fit a volume of depth 8"):
        train(_changed(kernel_size=(3, 3, 15)), FakeStore(), tmp_path)


def test_streams_of_different_depths_are_refused(tmp_path):
    class Uneven(FakeStore):
        def load(self, stream):
            return super().load(stream)[:, : 8 if stream == "eyes" else 7]

    with pytest.raises(ConfigError, match=r"streams of one shape with 24 clips.*\(24, 12, 12, 8\)"):
        train(_changed(model="micro_exp_fusenet_late"), Uneven(), tmp_path)


@pytest.mark.parametrize("counts", [(8, 10, 1), (1, 1, 1), (3, 0, 3)])
def test_too_few_clips_of_a_class_are_refused_before_anything_is_written(counts, tmp_path):
    with pytest.raises(TrainingError, match="at least two clips of every class"):
        train(TINY, FakeStore(clips_per_class=counts), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".locks"}


class Unnamed(FakeStore):
    """A store with a clip that does not say whose face it is."""

    @property
    def clips(self):
        return super().clips.replace({"subject": {"s03": "unknown"}})


@pytest.mark.parametrize("protocol", ["clean", "loso"])
def test_a_run_that_divides_by_subject_refuses_unknown_ones_before_anything_is_read_or_written(protocol, tmp_path):
    config = RunConfig("micro_exp_stcnn", protocol=protocol, epochs=1)
    with pytest.raises(TrainingError, match="whose face"):
        train(config, Unnamed(), tmp_path / "runs")
    with pytest.raises(TrainingError, match="whose face"):
        trained_model(config, Unnamed())
    assert not (tmp_path / "runs").exists()


def test_an_unknown_kind_of_progress_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="progress: expected one of .*found 'dots'"):
        train(TINY, FakeStore(), tmp_path, progress="dots")


@contextlib.contextmanager
def _files_limited_to(n_bytes):
    """Writing more than this to any file fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_too_full_for_the_state_is_an_error_that_leaves_no_half_file(tmp_path, save_every_epoch):
    with _files_limited_to(10_000), pytest.raises(DiskError, match="cannot be written.*Make room"):
        train(TINY, FakeStore(), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ".locks" not in path.parts]


def test_a_disk_too_full_for_the_record_keeps_the_state_to_go_on_from(record, tmp_path, monkeypatch, save_every_epoch):
    with _files_limited_to(10_000_000), pytest.raises(DiskError, match="cannot be written"):
        monkeypatch.setattr(run.records, "write_folder", _on_a_full_disk(run.records.write_folder))
        train(TINY, FakeStore(), tmp_path)
    monkeypatch.undo()
    assert {path.name for path in tmp_path.iterdir()} == {".locks", f"{record.id}.partial"}
    monkeypatch.setattr(fit, "_cross_entropy", lambda *arguments: pytest.fail("an epoch was trained again"))
    assert _numbers(train(TINY, FakeStore(), tmp_path)) == _numbers(record)


def _on_a_full_disk(write):
    def write_little(*arguments):
        with _files_limited_to(100):
            write(*arguments)

    return write_little


# === Beside records ===


@pytest.mark.usefixtures("guessed")
def test_progress_lines_tell_loss_and_accuracy_of_each_epoch(tmp_path, capsys):
    train(_changed(epochs=2), FakeStore(), tmp_path, progress="lines")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("micro_exp_stcnn fold holdout epoch 2/2: loss ")
    assert "val_accuracy" in lines[1]


def test_trained_model_is_the_network_of_the_run(record):
    store = FakeStore()
    model = trained_model(TINY, store)
    probabilities = model.predict(prepare_fold(TINY, store).validation[0], batch_size=8, verbose=0)
    np.testing.assert_array_equal(
        probabilities.astype(float), record.predictions("last")[["p_angry", "p_happy", "p_disgust"]].to_numpy()
    )


def test_the_first_epochs_do_not_depend_on_how_many_follow(record, tmp_path):
    shorter = train(_changed(epochs=2), FakeStore(), tmp_path)
    pd.testing.assert_frame_equal(shorter.history, record.history.head(2))


def test_weights_are_kept_and_read_instead_of_trained_again(record, tmp_path, monkeypatch):
    kept = train(TINY, FakeStore(), tmp_path / "runs", weights_dir=tmp_path / "weights")
    monkeypatch.setattr(run, "fit_fold", lambda *arguments: pytest.fail("trained again"))
    (tmp_path / "weights" / ".locks").rename(tmp_path / "moved")
    (tmp_path / "weights" / ".locks").touch()  # no lock can be made, as in a read-only folder
    model = trained_model(TINY, FakeStore(), tmp_path / "weights")
    probabilities = model.predict(prepare_fold(TINY, FakeStore()).validation[0], batch_size=8, verbose=0)
    np.testing.assert_array_equal(
        probabilities.astype(float), kept.predictions("last")[["p_angry", "p_happy", "p_disgust"]].to_numpy()
    )


@pytest.mark.usefixtures("guessed")
def test_weights_are_written_by_one_process_at_a_time(tmp_path, monkeypatch):
    def keep(model, path):
        with pytest.raises(filelock.Timeout):
            filelock.FileLock(path.parent / ".locks" / f"{path.stem}.lock", timeout=0).acquire()
        kept.append(path.name)

    kept = []
    monkeypatch.setattr(run, "_keep_weights", keep)
    record = train(_changed(epochs=1), FakeStore(), tmp_path, weights_dir=tmp_path)
    trained_model(_changed(epochs=1), FakeStore(), tmp_path)
    assert kept == [f"{record.id}.weights.h5"] * 2


def test_a_model_asked_for_first_keeps_its_weights(tmp_path, monkeypatch):
    first = trained_model(TINY, FakeStore(), tmp_path)
    monkeypatch.setattr(run, "fit_fold", lambda *arguments: pytest.fail("trained again"))
    for before, after in zip(
        first.get_weights(), trained_model(TINY, FakeStore(), tmp_path).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)


# === What the machine may not decide ===


def test_keras_own_settings_change_neither_the_name_nor_the_numbers_of_a_run(record, tmp_path):
    (tmp_path / "keras.json").write_text(
        json.dumps({"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"})
    )
    process = _start(
        tmp_path, TINY.epochs, KERAS_HOME=str(tmp_path), KERAS_MAX_EPOCHS="1", KERAS_MAX_STEPS_PER_EPOCH="1"
    )
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert _numbers(run.records.open_run(tmp_path / record.id)) == _numbers(record)


# === Several processes ===

TRAIN = """
import sys
import lib.training.checkpoint as checkpoint
checkpoint.LEAST_SECONDS, checkpoint.SHARE_OF_TIME = 0.0, float("inf")
from fake_store import FakeStore
from lib.training.records import RunConfig
from lib.training.run import train
config = RunConfig("micro_exp_stcnn", kernel_size=(3, 3, 3), epochs=int(sys.argv[2]))
record = train(config, FakeStore(), sys.argv[1], progress="lines")
print("sittings", record.provenance["sittings"], record.provenance["finished_at"], flush=True)
"""


def _start(runs_dir, epochs, **settings):
    environment = os.environ | settings | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}"}
    command = [sys.executable, "-c", TRAIN, str(runs_dir), str(epochs)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_a_run_killed_in_the_middle_ends_with_the_same_record(tmp_path):
    config = _changed(epochs=10)
    process = _start(tmp_path, 10)
    state = tmp_path / f"{run_id(config, FakeStore())}.partial" / "state.npz"
    while not state.is_file() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert state.is_file()
    resumed = train(config, FakeStore(), tmp_path)
    assert resumed.provenance["sittings"] == 2
    assert _numbers(resumed) == _numbers(train(config, FakeStore(), tmp_path / "whole"))


@pytest.mark.slow
def test_who_asks_for_a_run_that_another_process_is_training_waits_and_reads_its_record(tmp_path, capsys):
    process = _start(tmp_path, 10)
    assert any("epoch 1/10" in line for line in process.stdout)
    read = train(_changed(epochs=10), FakeStore(), tmp_path, progress="lines")
    rest, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "epoch" not in capsys.readouterr().out
    assert rest.splitlines()[-1] == f"sittings 1 {read.provenance['finished_at']}"
    assert len(list_runs(tmp_path)) == 1


@pytest.mark.usefixtures("guessed")
def test_a_lock_left_by_a_dead_process_does_not_hold_up_a_run(tmp_path):
    locks = tmp_path / ".locks"
    locks.mkdir()
    (locks / f"{run_id(TINY, FakeStore())}.lock").touch()
    begun = time.monotonic()
    train(TINY, FakeStore(), tmp_path)
    assert time.monotonic() - begun < 60


def test_a_place_where_no_lock_can_be_made_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.FileLock, "acquire", full)
    with pytest.raises(DiskFullError, match="No space left"):
        train(TINY, FakeStore(), tmp_path)


def test_a_model_asked_for_alone_says_so_too_when_its_loss_is_not_finite():
    with pytest.raises(TrainingError, match="loss was not finite"):
        trained_model(_changed(model="micro_exp_fusenet_late", learning_rate=1e30), FakeStore())
