import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic_faces
from synthetic_faces import FACE, NOTHING, SMALL_FACE, TWO_FACES, UPSIDE_DOWN, make_dataset

from lib.core.errors import ConfigError, DiskError, DiskFullError, LandmarkModelError, PreprocessingError, WorkerError
from lib.preprocessing import PreprocessConfig, pipeline, preprocess

CONFIG = PreprocessConfig(frames=4, frame_size=16, region_size=8, max_gap=1)
GOOD = {"angry_good": [FACE] * 4, "happy_good": [FACE] * 4}
REPOSITORY = Path(__file__).resolve().parents[2]


def run(dataset, tmp_path, config=CONFIG, jobs=1):
    return preprocess(dataset, config, tmp_path / "processed", jobs=jobs, progress=False)


def left_behind(tmp_path):
    return sorted(path.name for path in (tmp_path / "processed").glob("*") if path.suffix != ".lock")


def test_quality_of_a_clip_is_what_was_found_in_it(tmp_path, fake_faces):
    seen = {"angry_1": [FACE, NOTHING, SMALL_FACE, TWO_FACES], "happy_good": [FACE] * 4}
    store = run(make_dataset(tmp_path / "clips", seen), tmp_path)
    row = store.quality.set_index("clip_id").loc["angry_1"]
    assert row["kept"]
    assert (row["frames"], row["filled"], row["upsampled"], row["longest_gap"], row["several_faces"]) == (4, 1, 1, 1, 1)
    assert row["detection_rate"] == 0.75
    assert row["jitter"] == 0
    assert row["interocular_px"] == pytest.approx(0.62 * 40)
    assert row["reason"] == ""


def test_rejected_clips_have_a_reason_and_the_others_are_kept(tmp_path, fake_faces):
    seen = {
        "angry_lost": [FACE, NOTHING, NOTHING, FACE],
        "angry_none": [NOTHING] * 4,
        "happy_short": [FACE] * 3,
        **GOOD,
    }
    store = run(make_dataset(tmp_path / "clips", seen), tmp_path)
    assert store.clips["clip_id"].tolist() == ["angry_good", "happy_good"]
    assert store.load("eyes").shape[0] == 2
    rejected = store.rejected.set_index("clip_id")
    assert rejected["reason"].to_dict() == {
        "angry_lost": "face_lost",
        "angry_none": "no_face",
        "happy_short": "too_short",
    }
    assert set(rejected["stage"]) == {"preprocessing"}
    assert rejected.loc["happy_short", "detail"] == "3 frames, 4 needed (frames 0 to 3 are read)"
    quality = store.quality.set_index("clip_id")
    assert quality["kept"].sum() == 2
    assert quality.loc["angry_none", "detection_rate"] == 0
    assert quality.loc["angry_lost", "reason"] == "face_lost"


@pytest.mark.parametrize("seen", [[UPSIDE_DOWN] * 4, [UPSIDE_DOWN, NOTHING, NOTHING, NOTHING]])
def test_an_upside_down_clip_is_rejected_with_what_to_do(tmp_path, fake_faces, seen):
    store = run(make_dataset(tmp_path / "clips", {**GOOD, "happy_turned": seen}), tmp_path)
    assert store.clips["clip_id"].tolist() == list(GOOD)
    (row,) = store.rejected.itertuples()
    assert (row.clip_id, row.reason) == ("happy_turned", "not_upright")
    assert "Turn the clip's frames by 180 degrees" in row.detail


def test_a_corrupt_frame_rejects_its_clip(tmp_path, fake_faces):
    dataset = make_dataset(tmp_path / "clips", {**GOOD, "happy_torn": [FACE] * 4, "happy_empty": [FACE] * 4})
    torn = tmp_path / "clips/happy_torn/img002.png"
    torn.write_bytes(torn.read_bytes()[:60])
    (tmp_path / "clips/happy_empty/img001.png").write_bytes(b"")
    rejected = run(dataset, tmp_path).rejected.set_index("clip_id")
    assert rejected["reason"].to_dict() == {"happy_empty": "empty_file", "happy_torn": "truncated"}
    assert rejected.loc["happy_torn", "detail"].startswith("img002.png: ")


def test_a_clip_of_unknown_length_that_ends_too_early_is_too_short(tmp_path, fake_faces):
    seen = {"angry_6": [FACE] * 6, "happy_6": [FACE] * 6, "happy_5": [FACE] * 5, "happy_1": [FACE]}
    dataset = make_dataset(tmp_path / "clips", seen, known_length=False)
    store = run(dataset, tmp_path, replace(CONFIG, sampling="window", start=2))
    assert store.rejected.set_index("clip_id")["detail"].to_dict() == {
        "happy_1": "1 frames, 6 needed (frames 2 to 5 are read)",
        "happy_5": "5 frames, 6 needed (frames 2 to 5 are read)",
    }


def test_a_window_holds_the_frames_it_names(tmp_path, fake_faces):
    dataset = make_dataset(tmp_path / "clips", {"angry_1": [FACE] * 9, "happy_1": [FACE] * 9})
    first = run(dataset, tmp_path).load("frame").mean(axis=(2, 3))
    window = run(dataset, tmp_path, replace(CONFIG, sampling="window", start=3)).load("frame").mean(axis=(2, 3))
    np.testing.assert_allclose(window - first, 2 * 3, atol=0.2)  # each frame is brighter than the last by 2


def test_interpolation_takes_every_frame_of_clips_of_any_length(tmp_path, fake_faces):
    dataset = make_dataset(tmp_path / "clips", {"angry_1": [FACE] * 3, "happy_1": [FACE] * 7, "happy_2": [FACE]})
    store = run(dataset, tmp_path, replace(CONFIG, sampling="tim", frames=5))
    frames = store.load("frame").mean(axis=(2, 3))
    assert frames.shape == (2, 5)
    np.testing.assert_allclose(frames[:, -1] - frames[:, 0], [2 * 2, 2 * 6], atol=0.2)
    assert store.landmarks().shape == (2, 5, 68, 2)
    assert store.rejected["reason"].tolist() == ["too_short"]


def test_no_clip_left_is_an_error_that_counts_the_reasons(tmp_path, fake_faces):
    seen = {"angry_1": [NOTHING] * 4, "happy_1": [NOTHING] * 4, "happy_2": [FACE] * 2}
    with pytest.raises(PreprocessingError, match=r"No clip of 3 is left .*no_face: 2, too_short: 1.*sampling='tim'"):
        run(make_dataset(tmp_path / "clips", seen), tmp_path)


def test_short_clips_of_casme2_sq_are_pointed_to_the_long_video(tmp_path, fake_faces):
    dataset = make_dataset(tmp_path / "clips", {"angry_1": [FACE] * 2, "happy_1": [FACE] * 2}, name="casme2_sq")
    with pytest.raises(PreprocessingError, match=r"sampling='tim'.*extent='window'"):
        run(dataset, tmp_path)


def test_a_class_without_a_clip_is_an_error_that_names_it(tmp_path, fake_faces):
    dataset = make_dataset(tmp_path / "clips", {"angry_good": [FACE] * 4, "happy_1": [NOTHING] * 4})
    with pytest.raises(
        PreprocessingError, match=r"No clip is left of happy .*1 of 2 clips are usable \(no_face: 1\).*classes=angry"
    ):
        run(dataset, tmp_path)


def test_a_second_call_reuses_the_store_and_another_parameter_makes_another(tmp_path, fake_faces):
    dataset = make_dataset(tmp_path / "clips", GOOD)
    first = run(dataset, tmp_path)
    assert len(fake_faces) == 8
    second = run(dataset, tmp_path)
    assert len(fake_faces) == 8, "no frame was searched again"
    assert (second.key, second.fingerprint) == (first.key, first.fingerprint)
    other = run(dataset, tmp_path, replace(CONFIG, region_size=9))
    assert other.key != first.key
    assert left_behind(tmp_path) == sorted([first.key, other.key]), "nothing unfinished remains"


def test_a_missing_model_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDMARK_MODEL", str(tmp_path / "nowhere.dat"))
    with pytest.raises(LandmarkModelError, match="nowhere.dat"):
        run(make_dataset(tmp_path / "clips", GOOD), tmp_path, jobs=2)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("jobs", [0, 1.5])
def test_jobs_must_be_a_positive_integer(tmp_path, jobs):
    with pytest.raises(ConfigError, match="jobs"):
        run(make_dataset(tmp_path / "clips", GOOD), tmp_path, jobs=jobs)


def full_disk(*arguments, **keywords):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("target", ["savez", "lib.format.write_array_header_1_0"])
def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path, fake_faces, monkeypatch, target):
    dataset = make_dataset(tmp_path / "clips", GOOD)
    with monkeypatch.context() as patched:
        patched.setattr(f"numpy.{target}", full_disk)
        with pytest.raises(DiskFullError, match="No space left.*Make room"):
            run(dataset, tmp_path)
    assert left_behind(tmp_path) == []
    assert len(run(dataset, tmp_path).clips) == 2


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, fake_faces):
    (tmp_path / "processed").write_text("a file in the way")
    with pytest.raises(DiskError, match="cannot be written"):
        run(make_dataset(tmp_path / "clips", GOOD), tmp_path)


def test_an_interrupted_preprocessing_goes_on_where_it_was(tmp_path, fake_faces, monkeypatch):
    dataset = make_dataset(tmp_path / "clips", {f"{name}_{n}": [FACE] * 4 for name in ("angry", "happy") for n in "12"})
    whole = preprocess(dataset, CONFIG, tmp_path / "elsewhere", jobs=1, progress=False)
    fake_faces.clear()

    def interrupted(path, result, save=pipeline._save_result):
        save(path, result)
        if path.stem == "00001":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "_save_result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(dataset, tmp_path)
    assert left_behind(tmp_path) == [f"{whole.key}.partial"]
    assert len(fake_faces) == 2 * 4
    # A file cut short, as by a power failure, is not taken for a finished clip.
    cut = tmp_path / "processed" / f"{whole.key}.partial" / "00000.npz"
    cut.write_bytes(cut.read_bytes()[:500])
    store = run(dataset, tmp_path)
    assert len(fake_faces) == (2 + 3) * 4
    assert store.fingerprint == whole.fingerprint
    assert left_behind(tmp_path) == [whole.key]


# A process of its own that preprocesses the clips below its first argument, slowly, with the fake detector.
SCRIPT = """
import sys, time
from pathlib import Path
import synthetic_faces
from synthetic_faces import FACE
from lib.datasets.class_folders import load_class_folders
from lib.preprocessing import PreprocessConfig, landmarks, pipeline, preprocess

class Slow(synthetic_faces.FakeDetector):
    searched = 0
    def faces(self, image, upsample, shrink=True):
        Slow.searched += 1
        time.sleep(0.05)
        return super().faces(image, upsample, shrink)

landmarks.DlibDetector = Slow
dataset = load_class_folders(Path(sys.argv[1]))
config = PreprocessConfig(frames=4, frame_size=16, region_size=8)
print("ready", flush=True)
store = preprocess(dataset, config, Path(sys.argv[2]), jobs=1, progress=False)
print(Slow.searched, store.fingerprint)
"""


@pytest.fixture
def start(tmp_path):
    """Start the script in a process of its own."""
    for label in ("angry", "happy"):
        for number in range(4):
            synthetic_faces.write_clip(tmp_path / "clips" / label / f"{number}", [FACE] * 4)
    paths = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent)])
    started = []

    def start() -> subprocess.Popen:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(tmp_path / "clips"), str(tmp_path / "processed")],
                env={**os.environ, "PYTHONPATH": paths},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_two_processes_that_ask_at_once_make_one_store(tmp_path, start):
    processes = [start(), start()]
    outputs = [process.communicate(timeout=300)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(int(output[1]) for output in outputs) == [0, 8 * 4], "one made it, the other searched no frame"
    assert outputs[0][2] == outputs[1][2]


def test_a_killed_preprocessing_goes_on_where_it_was(tmp_path, start):
    process = start()
    deadline = time.monotonic() + 300
    while len(finished := list(tmp_path.glob("processed/*.partial/[0-9]*.npz"))) < 3:
        assert time.monotonic() < deadline, "no clip was finished"
        time.sleep(0.02)
    process.kill()
    process.wait()
    finished = list(tmp_path.glob("processed/*.partial/[0-9]*.npz"))
    searched, _ = start().communicate(timeout=300)[0].split()[1:]
    assert int(searched) == (8 - len(finished)) * 4
    assert len(left_behind(tmp_path)) == 1


@pytest.fixture
def fake_workers(monkeypatch):
    monkeypatch.setattr(pipeline, "_start_worker", synthetic_faces.start_fake_worker)


def test_order_and_content_do_not_depend_on_which_worker_finishes_first(
    tmp_path, fake_faces, fake_workers, monkeypatch
):
    names = [f"{label}_{number}" for label in ("angry", "happy") for number in range(3)]
    dataset = make_dataset(tmp_path / "clips", {name: [FACE] * (4 + n) for n, name in enumerate(names)})
    alone = preprocess(dataset, CONFIG, tmp_path / "alone", jobs=1, progress=False)
    monkeypatch.setattr(pipeline, "_work", synthetic_faces.slow_work)
    together = run(dataset, tmp_path, jobs=2)
    assert together.clips["clip_id"].tolist() == names
    assert together.fingerprint == alone.fingerprint
    assert together.quality.equals(alone.quality)


def test_a_worker_that_dies_is_a_clear_error(tmp_path, fake_workers, monkeypatch):
    monkeypatch.setattr(pipeline, "_work", synthetic_faces.die)
    with pytest.raises(WorkerError, match="worker process died: .*jobs=1"):
        run(make_dataset(tmp_path / "clips", GOOD), tmp_path, jobs=2)


def test_a_script_without_a_main_guard_ends_with_an_error_that_says_so(tmp_path):
    make_dataset(tmp_path / "clips", {"angry/1": [FACE] * 4, "happy/1": [FACE] * 4}, classes=("angry/1", "happy/1"))
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from pathlib import Path\n"
        "from lib.datasets.class_folders import load_class_folders\n"
        "from lib.preprocessing import PreprocessConfig, preprocess\n"
        f"dataset = load_class_folders(Path({str(tmp_path / 'clips')!r}))\n"
        f"preprocess(dataset, PreprocessConfig(frames=4), Path({str(tmp_path / 'out')!r}), jobs=2, progress=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert "below `if __name__ == '__main__':`" in done.stderr


def test_workers_search_with_dlib_and_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(PreprocessingError, match="no_face: 2"):
        run(make_dataset(tmp_path / "clips", GOOD), tmp_path, jobs=2)
    assert left_behind(tmp_path) == []
