import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pandas as pd
import pytest
import tiny

from lib.core.errors import ConfigError, DatasetError, DiskError, DiskFullError
from lib.datasets.clip import read_standin_marker
from lib.standin import DEFAULT_DIFFICULTY, read_truth, write_standin, writer
from lib.standin.plan import plan_standin


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_smic_is_written_in_the_layout_of_smic_hs_raw(tiny_smic):
    for plan in tiny.plan("smic"):
        folder = tiny_smic / "SMIC_all_raw" / "HS" / plan.subject / "micro" / plan.label / plan.clip_id
        names = sorted(path.name for path in folder.iterdir())
        assert names[0] == f"image{plan.first_number:06d}.bmp"
        assert len(names) == plan.n_frames
        assert cv2.imread(str(folder / names[0])).shape == (224, 224, 3)


def test_the_marker_says_what_it_is(tiny_smic):
    marker = read_standin_marker(tiny_smic)
    assert marker["standin"] is True
    assert (marker["dataset"], marker["seed"], marker["clips"], marker["difficulty"]) == (
        "smic",
        tiny.SEED,
        2,
        DEFAULT_DIFFICULTY["smic"],
    )
    assert "do not exist" in marker["statement"]


def test_the_truth_on_disk_is_the_rendered_motion(tiny_smic):
    table = pd.read_csv(tiny_smic / "_truth" / "clips.csv")
    assert len(table) == 2
    row = table.iloc[0]
    truth = read_truth(tiny_smic, row.clip_id)
    assert truth.landmarks.shape == (row.n_frames, 68, 2)
    assert (truth.onset, truth.apex, truth.offset, truth.fps) == (row.onset, row.apex, row.offset, row.fps)
    assert truth.onset < truth.apex <= truth.offset
    assert [pair.split("=")[0] for pair in row.units.split(";")] == list(truth.units)
    magnitude = truth.motion_magnitude(truth.apex)
    assert magnitude.shape == (224, 224)
    assert 1 < magnitude.max() < 12
    assert truth.motion_magnitude(0).max() == 0
    y, x = np.unravel_index(magnitude.argmax(), magnitude.shape)
    distance = np.linalg.norm(truth.landmarks[truth.apex] - (x, y), axis=1).min()
    assert distance < 25  # the strongest motion is on the face


def test_the_truth_of_an_unknown_clip_is_an_error_that_says_where_to_look(tiny_smic):
    with pytest.raises(DatasetError, match="clips.csv"):
        read_truth(tiny_smic, "s99_ne_01")


def test_the_same_arguments_give_the_same_bytes_whatever_the_number_of_processes(tiny_smic, tmp_path):
    again = tiny.write("smic", tmp_path / "again", jobs=2)
    assert digests(again) == digests(tiny_smic)


def test_videos_give_the_same_bytes_twice_and_decode_to_the_planned_number_of_frames(tiny_standins, tmp_path):
    plan = tiny.plan("casme2_sq")
    assert digests(tiny.write("casme2_sq", tmp_path / "again")) == digests(tiny_standins["casme2_sq"])
    video = cv2.VideoCapture(str(tmp_path / "again" / plan[0].path))
    decoded = 0
    while video.read()[0]:
        decoded += 1
    assert decoded == plan[0].n_frames
    assert video.get(cv2.CAP_PROP_FPS) == 30


def test_motion_jpeg_keeps_the_pictures_nearly_as_they_were(tmp_path, smile):
    _, _, frames = smile
    writer.write_video(tmp_path / "clip.avi", frames[:5], 30.0)
    read = cv2.VideoCapture(str(tmp_path / "clip.avi")).read()[1][..., ::-1]
    assert np.abs(read.astype(int) - frames[0]).mean() < 3


def test_a_stand_in_that_is_there_is_reused(tiny_smic, monkeypatch):
    monkeypatch.setattr(writer, "render", None)  # rendering anything would fail
    assert tiny.write("smic", tiny_smic) == tiny_smic


def test_a_stand_in_that_has_changed_since_is_refused_with_what_to_do(tiny_smic, tmp_path):
    root = Path(shutil.copytree(tiny_smic, tmp_path / "smic"))
    next(root.rglob("*.bmp")).unlink()
    with pytest.raises(DatasetError, match=r"1 missing \(.*bmp\)\. Delete that folder; it is rendered again"):
        tiny.write("smic", root)


def test_another_stand_in_in_the_same_place_is_refused_with_the_difference(tiny_smic):
    with pytest.raises(DatasetError, match="seed 0 instead of 4"):
        write_standin("smic", tiny_smic, clips=6, seed=4, jobs=1, progress=False)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not a stand-in"):
        write_standin("smic", tmp_path, clips=6, progress=False)
    assert leftovers(tmp_path) == ["notes.txt"]


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    rendered = []

    def render_then_interrupt(plan, *arguments):
        rendered.append(plan)
        if len(rendered) == 2:
            raise KeyboardInterrupt
        return real_render(plan, *arguments)

    real_render = writer.render
    monkeypatch.setattr(writer, "render", render_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_standin("smic", tmp_path / "smic", clips=6, jobs=1, progress=False)
    assert len(rendered) == 2
    assert leftovers(tmp_path) == []


def test_what_a_killed_process_left_is_swept_away(tmp_path, monkeypatch):
    draft = tmp_path / ".smic.draft"
    draft.mkdir()
    (draft / "half.bmp").write_bytes(b"x")
    plan = plan_standin("smic", 6)[:1]
    monkeypatch.setattr(writer, "plan_standin", lambda dataset, clips, seed: plan)
    write_standin("smic", tmp_path / "smic", jobs=1, progress=False)
    assert leftovers(tmp_path) == ["smic"]
    assert not (tmp_path / "smic" / "half.bmp").exists()


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, frame):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, "write_image", full)
    with pytest.raises(DiskFullError, match="No space left.*Make room"):
        write_standin("smic", tmp_path / "smic", clips=6, jobs=1, progress=False)
    assert leftovers(tmp_path) == []


def test_a_disk_that_fills_up_while_a_video_is_written_is_noticed(tmp_path, smile, monkeypatch):
    # OpenCV's writer reports nothing: a file that lacks its last frame is what a full disk leaves
    class Forgetful:
        def __init__(self, *arguments):
            self.writer = opened(*arguments)
            self.written = 0

        def write(self, frame):
            self.written += 1
            if self.written < 4:
                self.writer.write(frame)

        def __getattr__(self, name):
            return getattr(self.writer, name)

    opened = cv2.VideoWriter
    Forgetful.fourcc = staticmethod(opened.fourcc)
    monkeypatch.setattr(cv2, "VideoWriter", Forgetful)
    with pytest.raises(OSError) as raised:
        writer.write_video(tmp_path / "clip.avi", smile[2][:6], 30.0)
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize("place", ["in_the_way/smic", "in_the_way/deeper/smic"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "in_the_way").write_text("a file")
    with pytest.raises(DiskError, match="cannot be written.*check that folder"):
        write_standin("smic", tmp_path / place, clips=6, jobs=1, progress=False)
    assert leftovers(tmp_path) == ["in_the_way"]


@pytest.mark.parametrize("content", ["", "[1]", '{"standin": tr'])
def test_a_damaged_marker_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "smic").mkdir()
    (tmp_path / "smic" / "STANDIN.json").write_text(content)
    with pytest.raises(DatasetError, match=r"STANDIN\.json.*delete that stand-in"):
        write_standin("smic", tmp_path / "smic", clips=6, jobs=1, progress=False)


REPOSITORY = Path(__file__).resolve().parents[2]


def script(tmp_path, *lines: str) -> list[str]:
    path = tmp_path / "script.py"
    path.write_text("\n".join(["from lib.standin import write_standin", *lines]), encoding="utf-8")
    return [sys.executable, str(path)]


@pytest.mark.slow
def test_a_script_without_a_main_guard_ends_with_an_error_that_says_so(tmp_path):
    command = script(tmp_path, f"write_standin('smic', {str(tmp_path / 'smic')!r}, clips=6, jobs=2, progress=False)")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "below `if __name__ == '__main__':`" in done.stderr
    assert leftovers(tmp_path) == ["script.py"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    call = f"write_standin('smic', {str(tmp_path / 'smic')!r}, clips=60, jobs=2, progress=False)"
    command = script(tmp_path, "if __name__ == '__main__':", f"    {call}")
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".smic.draft/_truth/*.npz")):
        assert process.poll() is None, "ended before it was killed"
        assert time.monotonic() < deadline, "no clip was rendered"
        time.sleep(0.05)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert workers
    while any(Path(f"/proc/{worker}/stat").is_file() and not _is_zombie(worker) for worker in workers):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.05)


def _is_zombie(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_of_two_that_ask_at_once_one_renders_and_the_other_reuses(tmp_path, monkeypatch):
    plan = plan_standin("smic", 6)[:1]
    monkeypatch.setattr(writer, "plan_standin", lambda dataset, clips, seed: plan)
    rendered = []
    real_render = writer.render
    monkeypatch.setattr(writer, "render", lambda *arguments: rendered.append(1) or real_render(*arguments))
    ask = [
        threading.Thread(target=write_standin, args=("smic", tmp_path / "smic"), kwargs={"jobs": 1, "progress": False})
        for _ in range(2)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert len(rendered) == 1
    assert read_standin_marker(tmp_path / "smic")["standin"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dataset": "samm"}, "smic, casme2_sq, casme2_sq_official"),
        ({"dataset": "smic", "clips": 3}, "clips: expected a whole number of at least 6"),
        ({"dataset": "casme2_sq_official", "clips": 500}, "clips: .* at least 6 and less than 19"),
        ({"dataset": "smic", "difficulty": 0.1}, "difficulty = 0.1"),
        ({"dataset": "smic", "jobs": 0}, "jobs: expected a whole number of at least 1"),
        ({"dataset": "smic", "seed": -1}, "seed: expected a whole number of at least 0, found -1"),
    ],
)
def test_impossible_arguments_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        write_standin(out=tmp_path / "out", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_official_layout_has_its_spreadsheet_and_four_kinds_of_pictures(tiny_standins):
    root = tiny_standins["casme2_sq_official"]
    book = openpyxl.load_workbook(root / "CAS(ME)^2code_final.xlsx")
    annotation, subjects, films = ([tuple(row) for row in sheet.iter_rows(values_only=True)] for sheet in book)
    assert len(annotation) == 1
    assert subjects[0] == (15, "s15", 1)
    assert ("0101", "disgust1") in films
    subject, name, onset, apex, offset, units, polarity, kind, emotion = annotation[0]
    assert (subject, name, polarity, kind, emotion) == (1, "anger1_1", "negative", "micro-expression", "anger")
    assert onset < apex < offset
    assert "4" in units.split("+")
    pictures = sorted((root / "rawpic/s15/15_0401girlcrashing").iterdir())
    assert [path.name for path in pictures[:2]] == ["img001.jpg", "img002.jpg"]
    assert (root / f"selectedpic/s15/anger1_1/img{onset}.jpg").read_bytes() == pictures[onset - 1].read_bytes()
    assert (root / f"cropped/15/anger1_1/img{offset}.jpg").is_file()
    assert (root / "rawvideo/s15/15_0401girlcrashing.avi").is_file()
    truth = read_truth(root, "s15_anger1_1")
    assert len(truth.landmarks) == offset - onset + 1
    assert truth.apex == apex - onset
    assert json.loads((root / "STANDIN.json").read_text())["clips"] == 1


def test_every_clip_begins_neutral_by_its_stored_truth(tiny_smic):
    for path in sorted((tiny_smic / "_truth").glob("*.npz")):
        truth = read_truth(tiny_smic, path.stem)
        assert (truth.envelopes[:, 0] == 0).all()
