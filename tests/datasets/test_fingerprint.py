import shutil

import cv2
import numpy as np
import pytest

from lib.datasets.class_folders import load_class_folders
from lib.datasets.fingerprint import fingerprint


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        for clip in ("s1_x", "s2_y"):
            folder = tmp_path / "data" / label / clip
            folder.mkdir(parents=True)
            for number in range(3):
                cv2.imwrite(str(folder / f"{number}.bmp"), rng.integers(0, 255, (8, 8, 3)).astype(np.uint8))
    return tmp_path / "data"


def digest(root):
    return fingerprint(load_class_folders(root))


def test_it_does_not_depend_on_where_the_dataset_lies_or_when_it_was_copied(root, tmp_path):
    shutil.copytree(root, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    assert digest(tmp_path / "elsewhere") == digest(root)


def test_other_pixels_in_a_file_of_the_same_name_and_size_change_it(root):
    before = digest(root)
    path = root / "a" / "s1_x" / "1.bmp"
    size = path.stat().st_size
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    assert path.stat().st_size == size
    assert digest(root) != before


def test_a_clip_that_changes_its_class_changes_it(root):
    before = digest(root)
    (root / "a" / "s1_x").rename(root / "b" / "s1_z")
    assert digest(root) != before


def test_two_frames_that_change_places_change_it(root):
    before = digest(root)
    folder = root / "a" / "s1_x"
    (folder / "0.bmp").rename(folder / "spare")
    (folder / "1.bmp").rename(folder / "0.bmp")
    (folder / "spare").rename(folder / "1.bmp")
    assert digest(root) != before


def test_junk_beside_the_frames_does_not_change_it(root):
    before = digest(root)
    (root / "a" / "s1_x" / "Thumbs.db").write_bytes(b"junk")
    assert digest(root) == before


def test_a_link_that_leads_nowhere_counts_until_it_leads_somewhere(root, tmp_path):
    before = digest(root)
    path = root / "a" / "s1_x" / "1.bmp"
    target = path.rename(tmp_path / "annexed.bmp")
    path.symlink_to(tmp_path / "absent.bmp")
    assert digest(root) != before
    path.unlink()
    path.symlink_to(target)
    assert digest(root) == before
