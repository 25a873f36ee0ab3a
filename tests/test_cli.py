"""The command line: what it prints, and how it fails."""

import functools
import json
import os
import subprocess
import sys

import filelock
import pytest
from fake_store import FakeStore

from lib import sources
from lib.cli import COMMANDS, main
from lib.core import paths
from lib.training.records import RunConfig, open_run


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path / "data"))
    for variable in ("SMIC_ROOT", "CASME2_SQ_ROOT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"snakemake"}))  # which has Snakemake's own help
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert "usage: python -m lib" in capsys.readouterr().out


def test_training_has_an_option_with_help_for_every_field_of_a_run(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name in RunConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in shown
    assert "Of plain stochastic gradient descent" in shown
    assert "(default: 3 3 15)" in shown


def test_a_mistake_of_the_user_is_one_message_and_status_1(tmp_path, capsys):
    assert main(["data", "--dataset", "smic", "--root", str(tmp_path / "absent")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: expected the dataset's folder at")
    assert "Traceback" not in message


def test_wrong_usage_is_status_2(capsys):
    with pytest.raises(SystemExit) as left:
        main(["data", "--dataset", "samm"])
    assert left.value.code == 2
    assert "invalid choice: 'samm'" in capsys.readouterr().err


def test_the_doctor_says_no_to_an_empty_folder_and_yes_to_a_stand_in(small_smic, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["doctor", "--dataset", "smic", "--root", str(tmp_path / "empty")]) == 1
    assert "datasets.md" in capsys.readouterr().out.splitlines()[-1]
    # the same as `small_smic`, which is there already and is reused
    assert main(["standin", "--dataset", "smic", "--out", str(small_smic), "--clips", "6", "--seed", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(small_smic)
    assert main(["doctor", "--dataset", "smic", "--root", str(small_smic)]) == 0
    told = capsys.readouterr().out
    assert "stand-in" in told.lower()
    assert f"export SMIC_ROOT={small_smic}" in told.splitlines()[-1]


@pytest.fixture
def smic(book_checkout, monkeypatch):
    """Options that name the tiny book's stand-in, in the data folder that they are true for."""
    monkeypatch.setenv("MICROEXP_DATA", str(book_checkout / "data"))
    return ["--dataset", "smic", "--clips", "18"]


def test_from_a_stand_in_to_a_run_record_and_back(smic, tmp_path, capsys):
    assert main(["data", *smic, "--record", str(tmp_path / "data.json")]) == 0
    assert json.loads((tmp_path / "data.json").read_text())["dataset"] == "smic"

    assert main(["preprocess", *smic, "--record", str(tmp_path / "store.json")]) == 0
    store = json.loads((tmp_path / "store.json").read_text())["store"]
    assert (paths.processed_folder() / store / "frame.npy").is_file()

    run = ["train", *smic, "--model", "micro_exp_stcnn", "--epochs", "1", "--seed", "9"]
    places = ["--runs", str(tmp_path / "runs"), "--record", str(tmp_path / "run.json")]
    assert main([*run, *places]) == 0
    identity = json.loads((tmp_path / "run.json").read_text())["run"]
    capsys.readouterr()
    assert main(["runs", "--runs", str(tmp_path / "runs")]) == 0
    assert identity in capsys.readouterr().out

    weights = paths.weights_folder() / f"{identity}.weights.h5"
    assert not weights.exists()
    assert (
        main([*run, *places, "--keep-weights"]) == 0
    )  # a run that has a record, and whose weights are asked for later
    assert weights.is_file()


def test_a_record_of_a_split_by_unknown_people_is_not_shown(tmp_path, monkeypatch, capsys):
    fake = functools.wraps(sources.processed_store)(lambda **_: FakeStore())  # its parameters are read by the command
    monkeypatch.setattr(sources, "processed_store", fake)
    command = ["train", "--dataset", "class_folders", "--model", "micro_exp_stcnn", "--kernel-size", "3", "3", "3"]
    command += ["--protocol", "clean", "--epochs", "1", "--runs", str(tmp_path / "runs")]
    assert main(command) == 0
    monkeypatch.setattr(FakeStore, "clips", FakeStore().clips.assign(subject="unknown"))
    capsys.readouterr()
    assert main(command) == 1
    told = capsys.readouterr()
    assert "24 of 24 do not say whose face it is" in told.err
    assert not told.out


def test_methods_are_evaluated_one_after_another_and_found_again(smic, tmp_path, capsys):
    command = ["baselines", *smic, "--method", "majority", "lbp_top", "--protocol", "paper", "--progress", "lines"]
    places = ["--runs", str(tmp_path / "runs"), "--record", str(tmp_path / "made.json")]
    assert main([*command, "--jobs", "1", *places]) == 0
    made = json.loads((tmp_path / "made.json").read_text())["runs"]
    assert [open_run(tmp_path / "runs" / run).config.method for run in made] == ["majority", "lbp_top"]
    assert main([*command, *places]) == 0
    assert json.loads((tmp_path / "made.json").read_text())["runs"] == made
    assert main(["runs", "--runs", str(tmp_path / "runs")]) == 0
    assert "lbp_top" in capsys.readouterr().out
    assert main(["baselines", *smic, "--method", "lbptop"]) == 1
    assert "did you mean 'lbp_top'" in capsys.readouterr().err


def test_a_run_as_released_takes_what_is_not_given_from_the_authors_code(smic, tmp_path):
    run = ["train", *smic, "--model", "micro_exp_fusenet_intermediate", "--as-released", "--epochs", "1"]
    assert main([*run, "--runs", str(tmp_path), "--record", str(tmp_path / "run.json")]) == 0
    config = open_run(tmp_path / json.loads((tmp_path / "run.json").read_text())["run"]).config
    assert (config.protocol, config.batch_size, config.epochs) == ("released_code_smic_intermediate", 4, 1)


@pytest.mark.parametrize("name", ["decode", "progress", "root"])
def test_the_doctor_takes_no_loader_option_that_is_its_own(name, tmp_path, capsys):
    assert main(["doctor", "--dataset", "smic", "--root", str(tmp_path), "--options", f"{name}=0"]) == 1
    assert f"{name} is no option of a loader" in capsys.readouterr().err


def test_a_record_that_cannot_be_written_is_one_message(smic, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    record = str(tmp_path / "file" / "record.json")
    assert main(["data", *smic, "--record", record]) == 1
    assert f"error: {record} cannot be written" in capsys.readouterr().err


def test_listing_runs_where_there_are_none_says_where_it_looked(tmp_path, capsys):
    assert main(["runs", "--runs", str(tmp_path)]) == 0
    assert f"no run record in {tmp_path}" in capsys.readouterr().out


def test_an_unknown_profile_is_refused(capsys):
    assert main(["book", "--profile", "slow"]) == 1
    assert "expected a profile among full, quick, tiny" in capsys.readouterr().err


def test_an_unknown_loader_option_is_refused_with_the_known_ones(smic, capsys):
    assert main(["data", *smic, "--options", "label=film"]) == 1
    assert "layout" in capsys.readouterr().err


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a graph of one rule."""
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    (tmp_path / "Snakefile").write_text('rule all:\n    output: "done"\n    shell: "touch {output}"\n')
    return tmp_path


def test_a_build_goes_on_after_one_that_was_killed_and_left_its_lock(checkout):
    locks = checkout / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text(f"{checkout / 'done'}\n")
    assert main(["snakemake", "--cores", "1", "--quiet", "all"]) == 0
    assert (checkout / "done").is_file()


def test_a_second_build_in_the_same_checkout_is_refused(checkout, capsys):
    with filelock.FileLock(checkout / ".snakemake.lock"):
        assert main(["snakemake", "--cores", "1"]) == 1
    assert "another build is running" in capsys.readouterr().err
    assert not (checkout / "done").exists()


def test_text_comes_out_on_a_console_that_does_not_know_its_characters():
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "gbk"}
    command = [sys.executable, "-m", "lib", "audit"]
    done = subprocess.run(command, cwd=paths.REPOSITORY, env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "CAS(ME)\\xb2" in done.stdout.decode("gbk")


def test_a_checkout_that_cannot_be_written_is_told(checkout, capsys):
    (checkout / ".snakemake.lock").mkdir()  # as root is not kept from writing by rights
    assert main(["snakemake", "--cores", "1"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_reader_that_stops_reading_is_no_error():
    script = f"{sys.executable} -m lib audit | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=paths.REPOSITORY, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 2
