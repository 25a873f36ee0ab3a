"""Faces of real people do not reach a page that does not name them: a stand-in without its marker plays real data."""

import base64
import shutil

import cv2
import nbformat
import numpy as np
import pytest

from lib import sources
from lib.book import gate
from lib.book.parameters import declared_parameters
from lib.book.provenance import MEDIA_TYPE
from lib.cli import main
from lib.core import paths
from lib.datasets import load_dataset
from lib.datasets.clip import STANDIN_MARKER
from lib.preprocessing import PreprocessConfig, preprocess
from lib.preprocessing.landmarks import DlibDetector
from lib.report import faces


@pytest.fixture(scope="module")
def real(small_smic, tmp_path_factory):
    root = shutil.copytree(small_smic, tmp_path_factory.mktemp("real") / "SMIC")
    (root / STANDIN_MARKER).unlink()
    return load_dataset("smic", root)


@pytest.fixture(scope="module")
def detector():
    return DlibDetector()


def grid(frames):
    return np.concatenate(list(frames), axis=1)


def test_frames_of_a_real_person_are_drawn_unless_the_page_names_that_person(real, detector):
    clip = real.clips[0]
    frames = sources.read_frames(clip, 0, 4)
    for publishable in ("", "somebody else"):
        shown = faces.shown_frames(frames, clip, real.standin, publishable)
        assert shown.shape == frames.shape
        assert not faces.holds_face(grid(shown), detector)
        assert len(np.unique(shown)) > 2, "landmarks and movement are there"
    assert faces.shown_frames(frames, clip, real.standin, f"x {clip.subject}") is frames
    assert faces.holds_face(grid(frames), detector)


def test_frames_of_rendered_people_are_shown(real):
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    assert faces.shown_frames(frames, real.clips[0], {"standin": True}, "") is frames


def test_a_frame_without_a_face_is_drawn_without_landmarks(real):
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    assert (faces.shown_frames(frames, real.clips[0], None, "") > 200).all()


def test_the_streams_of_a_real_person_are_those_of_a_drawing(real, tmp_path, detector):
    store = preprocess(real, PreprocessConfig(frames=8), tmp_path, jobs=1, progress=False)
    clip = next(clip for clip in real.clips if clip.clip_id == store.clips["clip_id"][0])
    volumes, points = {stream: store.load(stream)[0] for stream in store.config.streams}, store.landmarks()[0]
    drawn, own = (
        faces.shown_streams(volumes, points, clip, store.config, None, publishable)
        for publishable in ("", clip.subject)
    )
    assert own is volumes
    for stream, volume in own.items():
        assert drawn[stream].shape == volume.shape
        assert np.corrcoef(drawn[stream].ravel(), volume.ravel())[0, 1] < 0.5
    enlarged = [cv2.resize(grid(one["face"]), None, fx=2, fy=2) for one in (drawn, own)]
    pictures = [np.repeat(picture[..., None], 3, axis=-1) for picture in enlarged]
    assert [faces.holds_face(picture, detector) for picture in pictures] == [False, True]


@pytest.fixture
def executed(real, tmp_path):
    """Write an executed chapter that shows one frame; the function returned takes what differs in its record."""

    def write(frame, as_html=False, **record):
        _, data = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        text = base64.encodebytes(data).decode()  # lines are broken, as matplotlib's are
        picture = {"text/html": f'<img src="data:image/png;base64,{text}">'} if as_html else {"image/png": text}
        code = {"notebook_digest": "", "modules": {}}
        record = {"standin": None, "data_fingerprint": "d" * 64, "parameters": {}, **code, **record}
        outputs = [nbformat.v4.new_output("display_data", one) for one in (picture, {MEDIA_TYPE: record})]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])
        path = tmp_path / "chapters" / "smic" / "01_data.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


@pytest.mark.parametrize("as_html", [False, True])
def test_a_chapter_of_real_data_with_a_face_in_it_is_refused(executed, real, tmp_path, capsys, as_html):
    (frame,) = sources.read_frames(real.clips[0], 0, 1)
    (problem,) = gate.faces_shown(executed(frame, as_html))
    assert "face of a real person in cell 1" in problem
    assert problem in gate.problems(tmp_path / "chapters" / "smic" / "01_data.ipynb", "01_data")
    assert main(["faces", str(tmp_path)]) == 1
    assert "01_data.ipynb" in capsys.readouterr().out


def test_a_chapter_that_names_its_people_one_of_a_stand_in_and_one_without_a_face_pass(executed, real):
    (frame,) = sources.read_frames(real.clips[0], 0, 1)
    assert gate.faces_shown(executed(frame, parameters={"publishable": "s1"})) == []
    assert gate.faces_shown(executed(frame, standin={"standin": True})) == []
    assert gate.faces_shown(executed(faces.drawn(np.stack([frame, frame]))[1])) == []


def test_a_file_that_could_hold_frames_has_no_place_among_what_is_kept(tmp_path, capsys):
    (tmp_path / "runs" / "0123").mkdir(parents=True)
    (tmp_path / "runs" / "0123" / "config.json").touch()
    assert main(["faces", str(tmp_path)]) == 0
    (tmp_path / "runs" / "0123" / "frame.npy").touch()
    assert main(["faces", str(tmp_path)]) == 1
    assert "frame.npy" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(paths.NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_that_draws_pictures_of_data_takes_them_through_the_door(path):
    code = path.read_text(encoding="utf-8")
    draws = "sources.load(" in code and any(name in code for name in ("imshow", "film_strips", "imencode"))
    assert draws == ("faces.shown_" in code)
    assert draws == ("publishable" in declared_parameters(path.stem))


@pytest.mark.slow
def test_an_executed_chapter_of_real_data_holds_no_face_though_its_volumes_are_longer_than_its_clips(
    execute, real, tmp_path
):
    name = "02_preprocessing"
    output, _ = execute(name, tmp_path, root=str(real.root), frames=120, sampling="tim", detection="tracked")
    assert gate.problems(output, name) == []
    pictures = [len(list(faces.pictures_in(cell.get("outputs", [])))) for cell in nbformat.read(output, 4).cells]
    assert sum(pictures) > 1, "and yet there are pictures"
