import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from synthetic_faces import FACE, NOTHING, make_dataset

from lib.core.errors import PreprocessingError
from lib.datasets.clip import Rejection
from lib.datasets.digests import write_digests
from lib.preprocessing import PreprocessConfig, cached_key, open_store, preprocess, store

CONFIG = PreprocessConfig(frames=3, frame_size=16, region_size=8)


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "clips", {"angry_1": [FACE] * 3, "happy_1": [FACE] * 3, "happy_2": [FACE] * 3})


@pytest.fixture
def made(dataset, tmp_path, fake_faces):
    return preprocess(dataset, CONFIG, tmp_path / "processed", jobs=1, progress=False)


def test_a_store_opens_as_it_was_made(made, dataset):
    opened = open_store(made.path)
    assert (opened.key, opened.dataset, opened.layout) == (made.path.name, "class_folders", "made for a test")
    assert opened.classes == ("angry", "happy")
    assert opened.labels.tolist() == [0, 1, 1]
    assert opened.config == CONFIG
    assert opened.standin is None
    assert opened.content == opened.fingerprint
    assert opened.clips.equals(dataset.table())
    assert set(opened.versions) == {"python", "dlib", "cv2", "numpy"}
    for stream, size in (("frame", 16), ("face", 16), ("eyes", 8), ("mouth", 8)):
        array = opened.load(stream)
        assert array.shape == (3, 3, size, size)
        assert array.dtype == np.uint8
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
    assert opened.landmarks().shape == (3, 3, 68, 2)
    assert opened.landmarks().dtype == np.float32


def test_names_stay_text(dataset, tmp_path, fake_faces):
    clips = (replace(dataset.clips[0], subject="007"), replace(dataset.clips[1], subject="NA"), dataset.clips[2])
    named = replace(dataset, clips=clips, rejected=(Rejection("12", tmp_path / "12", "no_label", "a, \"b\" and 'c'"),))
    made = preprocess(named, CONFIG, tmp_path / "out", jobs=1, progress=False)
    assert made.clips["subject"].tolist() == ["007", "NA", "02"]
    assert made.clips["onset"].isna().all()
    assert made.rejected.to_dict("records") == [
        {
            "clip_id": "12",
            "source": (tmp_path / "12").as_posix(),
            "reason": "no_label",
            "detail": "a, \"b\" and 'c'",
            "stage": "loading",
        }
    ]


def test_the_marker_of_a_stand_in_is_kept(dataset, tmp_path, fake_faces):
    marker = {"standin": True, "seed": 3, "statement": "Rendered faces of people who do not exist."}
    made = preprocess(replace(dataset, standin=marker), CONFIG, tmp_path / "out", jobs=1, progress=False)
    assert open_store(made.path).standin == marker


def test_the_key_names_dataset_parameters_and_code(dataset, tmp_path, monkeypatch):
    key = cached_key(dataset, CONFIG)
    assert key.startswith("class_folders-")
    assert key == cached_key(dataset, PreprocessConfig(frames=3, frame_size=16, region_size=8))
    assert key != cached_key(dataset, replace(CONFIG, max_gap=1))
    assert key != cached_key(replace(dataset, clips=dataset.clips[:2]), CONFIG)
    monkeypatch.setattr(store, "definitions_digest", lambda modules: "other code")
    assert key != cached_key(dataset, CONFIG)


def test_the_code_in_the_key_is_that_of_preprocessing_and_frame_reading(dataset, monkeypatch):
    digested = []
    monkeypatch.setattr(
        store, "definitions_digest", lambda modules: digested.extend(path.name for path in modules) or "x"
    )
    cached_key(dataset, CONFIG)
    assert {"landmarks.py", "regions.py", "volumes.py", "pipeline.py", "config.py", "frames.py"} <= set(digested)


def test_the_fingerprint_is_that_of_pixels_and_labels(made, dataset, tmp_path, fake_faces):
    def fingerprint(changed, config=CONFIG):
        return preprocess(changed, config, tmp_path / "other", jobs=1, progress=False).fingerprint

    assert fingerprint(dataset) == made.fingerprint
    assert fingerprint(dataset, replace(CONFIG, max_gap=1)) == made.fingerprint, "no gap: the same pixels"
    assert fingerprint(dataset, replace(CONFIG, frame_size=17)) != made.fingerprint
    relabelled = replace(dataset, clips=(*dataset.clips[:2], replace(dataset.clips[2], label="angry")))
    assert fingerprint(relabelled) != made.fingerprint
    other_subject = replace(dataset, clips=(*dataset.clips[:2], replace(dataset.clips[2], subject="99")))
    assert fingerprint(other_subject) != made.fingerprint


# === The store of a stand-in ===


def rendered(root, grey=0):
    """A stand-in of one recipe; `grey` is how its processor rounds one pixel."""
    seen = {"angry_1": [FACE] * 3, "happy_1": [FACE] * 3, "happy_2": [FACE] * 3}
    recipe = {"dataset": "smic", "generator_version": 1, "seed": 0, "clips": 3, "difficulty": 2.0}
    dataset = make_dataset(root, seen, standin={"standin": True, **recipe}, standin_root=root)
    frame = root / "happy_2" / "img002.png"
    image = cv2.imread(str(frame))
    image[30:, 40:] += grey
    cv2.imwrite(str(frame), image)
    write_digests(root)
    return dataset


def test_stores_of_one_recipe_have_one_fingerprint_whatever_processor_rendered_it(tmp_path, fake_faces):
    one, other = (
        preprocess(rendered(tmp_path / name, grey), CONFIG, tmp_path / "out", jobs=1, progress=False)
        for name, grey in (("one", 0), ("other", 1))
    )
    assert one.fingerprint == other.fingerprint
    assert one.content != other.content
    assert one.key != other.key, "what lies on this machine is not mixed up"
    assert open_store(other.path).content == other.content


def test_the_fingerprint_of_a_stand_in_s_store_names_clips_settings_and_version(tmp_path, fake_faces, monkeypatch):
    dataset = rendered(tmp_path / "standin")

    def fingerprint(dataset=dataset, config=CONFIG, out="out"):
        return preprocess(dataset, config, tmp_path / out, jobs=1, progress=False).fingerprint

    made = fingerprint()
    assert fingerprint(config=replace(CONFIG, max_gap=1)) != made
    assert fingerprint(replace(dataset, clips=dataset.clips[:2])) != made
    relabelled = replace(dataset, clips=(*dataset.clips[:2], replace(dataset.clips[2], label="angry")))
    assert fingerprint(relabelled) != made
    monkeypatch.setattr(store, "PREPROCESSING_VERSION", 2)
    assert fingerprint(out="version_2") != made


def test_a_clip_that_one_machine_rejects_is_another_fingerprint(tmp_path, fake_faces):
    config = replace(CONFIG, max_gap=0)
    made = preprocess(rendered(tmp_path / "one"), config, tmp_path / "out", jobs=1, progress=False)
    dataset = rendered(tmp_path / "other")
    frame = tmp_path / "other" / "happy_2" / "img000.png"
    image = cv2.imread(str(frame))
    image[0, 0, 2] = NOTHING
    cv2.imwrite(str(frame), image)
    write_digests(tmp_path / "other")
    fewer = preprocess(dataset, config, tmp_path / "out", jobs=1, progress=False)
    assert len(fewer.clips) == len(made.clips) - 1
    assert fewer.fingerprint != made.fingerprint


def test_the_store_of_a_damaged_stand_in_is_called_by_its_bytes(tmp_path, fake_faces):
    dataset = rendered(tmp_path / "standin")
    whole = preprocess(dataset, CONFIG, tmp_path / "out", jobs=1, progress=False)
    (tmp_path / "standin" / "_digests.csv").unlink()
    damaged = preprocess(dataset, CONFIG, tmp_path / "out", jobs=1, progress=False)
    assert damaged.key != whole.key
    assert damaged.fingerprint == damaged.content == whole.content


def test_a_stream_that_was_not_made_is_an_error_that_names_those_that_were(dataset, tmp_path, fake_faces):
    made = preprocess(dataset, replace(CONFIG, streams=("eyes",)), tmp_path / "out", jobs=1, progress=False)
    assert made.load("eyes").shape == (3, 3, 8, 8)
    with pytest.raises(PreprocessingError, match="its streams eyes, found 'frame'"):
        made.load("frame")


def remove_array(path):
    (path / "eyes.npy").unlink()


def shorten_array(path):
    content = (path / "mouth.npy").read_bytes()
    (path / "mouth.npy").write_bytes(content[:-10])


def exchange_array(path):
    np.save(path / "frame.npy", np.zeros((3, 3, 16, 15), np.uint8))


def lose_a_row(path):
    lines = (path / "clips.csv").read_text().splitlines(keepends=True)
    (path / "clips.csv").write_text("".join(lines[:-1]))


def cut_record(path):
    (path / "store.json").write_text((path / "store.json").read_text()[:40])


def forget_fingerprint(path):
    record = json.loads((path / "store.json").read_text())
    del record["fingerprint"]
    (path / "store.json").write_text(json.dumps(record))


def empty_table(path):
    (path / "quality.csv").write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [remove_array, shorten_array, exchange_array, lose_a_row, cut_record, forget_fingerprint, empty_table],
)
def test_a_damaged_store_is_not_opened(made, dataset, damage):
    damage(made.path)
    with pytest.raises(PreprocessingError, match=r"damaged store .*Delete the folder and run the preprocessing again"):
        open_store(made.path)
    with pytest.raises(PreprocessingError, match="damaged store"):
        preprocess(dataset, CONFIG, made.path.parent, jobs=1, progress=False)


def test_another_folder_is_no_store(tmp_path):
    with pytest.raises(PreprocessingError, match=r"no processed store: it has no store\.json"):
        open_store(tmp_path)
