"""A stand-in is called by its recipe as long as its bytes are those that were rendered, and by its bytes otherwise."""

import json
import shutil

import pytest
import trees

from lib.datasets import load_dataset
from lib.datasets.digests import DIGESTS_FILE, write_digests
from lib.datasets.doctor import examine
from lib.datasets.fingerprint import fingerprint, rendering_digest

RECIPE = {"dataset": "smic", "generator_version": 1, "seed": 0, "clips": 6, "difficulty": 2.0}
CLIP = "SMIC_all_raw/HS/s1/micro/negative/s1_ne_01"


def make(root, **changes):
    trees.write_smic(root)
    marker = {"standin": True, **RECIPE, "statement": "Rendered faces.", **changes}
    (root / "STANDIN.json").write_text(json.dumps(marker))
    write_digests(root)
    return root


@pytest.fixture
def root(tmp_path):
    return make(tmp_path / "standin")


def load(root):
    return load_dataset("smic", root)


def identity(root):
    return fingerprint(load(root))


def some_frame(root):
    return sorted((root / CLIP).iterdir())[1]


def one_level(root):
    """What another processor may do to a picture: a valid file of the same size with one other byte."""
    path = some_frame(root)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_other_bytes_of_the_same_recipe_have_the_same_identity_and_another_rendering(root, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(root, other)
    one_level(other)
    write_digests(other)
    assert identity(other) == identity(root)
    assert rendering_digest(load(other)) != rendering_digest(load(root))


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"generator_version": 2}, {"difficulty": 1.0}, {"clips": 7}, {"dataset": "other"}]
)
def test_another_recipe_is_another_identity_though_the_bytes_are_the_same(root, tmp_path, change):
    assert identity(make(tmp_path / "other", **change)) != identity(root)


def test_the_statement_is_no_part_of_the_identity(root, tmp_path):
    assert identity(make(tmp_path / "other", statement="In other words.")) == identity(root)


def test_a_choice_of_classes_is_another_identity(root):
    assert fingerprint(load_dataset("smic", root, classes=("negative", "positive"))) != identity(root)


def test_the_identity_does_not_depend_on_which_of_its_folders_is_named_or_how_it_is_reached(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    for path in (root / "SMIC_all_raw", root / "SMIC_all_raw" / "HS", tmp_path / "link"):
        assert identity(path) == identity(root)


def change_a_byte(root):
    one_level(root)


def lose_a_frame(root):
    some_frame(root).unlink()


def lose_a_clip(root):
    shutil.rmtree(root / CLIP)


def add_a_clip(root):
    shutil.copytree(root / CLIP, root / "SMIC_all_raw/HS/s1/micro/negative/s1_ne_09")


def change_the_recipe(root):
    marker = json.loads((root / "STANDIN.json").read_text())
    (root / "STANDIN.json").write_text(json.dumps({**marker, "seed": 5}))


def lose_the_digests(root):
    (root / DIGESTS_FILE).unlink()


def cut_the_digests(root):
    lines = (root / DIGESTS_FILE).read_text().splitlines(keepends=True)
    (root / DIGESTS_FILE).write_text("".join(lines[:-5]))


def spoil_the_digests(root):
    (root / DIGESTS_FILE).write_text("path,bytes\nSTANDIN.json,many\n")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (change_a_byte, f"1 changed ({CLIP}/"),
        (lose_a_frame, f"1 missing ({CLIP}/"),
        (lose_a_clip, "4 missing"),
        (add_a_clip, "4 added"),
        (change_the_recipe, "1 changed (STANDIN.json)"),
        (lose_the_digests, "no _digests.csv"),
        (cut_the_digests, "5 added"),
        (spoil_the_digests, "_digests.csv cannot be read"),
    ],
)
def test_a_damaged_stand_in_is_called_by_its_bytes_and_the_doctor_says_what_differs(root, tmp_path, damage, told):
    whole = identity(root)
    damage(root)
    assert identity(root) != whole
    real = tmp_path / "real"
    shutil.copytree(root, real)
    (real / "STANDIN.json").unlink()
    assert identity(root) == identity(real), "as real data are"
    (trap,) = [one for one in examine("smic", root, progress=False).traps if one.kind == "damaged_standin"]
    assert told in trap.detail


def test_a_damage_that_is_undone_is_forgotten(root):
    whole, path = identity(root), some_frame(root)
    content = path.read_bytes()
    one_level(root)
    assert identity(root) != whole
    path.write_bytes(content)
    assert identity(root) == whole


def test_what_an_operating_system_leaves_is_no_damage(root):
    whole = identity(root)
    (root / CLIP / "Thumbs.db").write_bytes(b"junk")
    (root / ".DS_Store").write_bytes(b"junk")
    assert identity(root) == whole
    assert not [one for one in examine("smic", root, progress=False).traps if one.kind == "damaged_standin"]


def test_clips_of_two_stand_ins_in_one_folder_have_the_recipe_of_neither(tmp_path):
    for seed, label in enumerate(("negative", "positive")):
        trees.write_frames(tmp_path / label / "s1_clip", range(seed, seed + 3))
        (tmp_path / label / "STANDIN.json").write_text(json.dumps({"standin": True, **RECIPE, "seed": seed}))
        write_digests(tmp_path / label)
    before = fingerprint(load_dataset("class_folders", tmp_path))
    frame = tmp_path / "positive/s1_clip/img001.jpg"
    frame.write_bytes(frame.with_name("img002.jpg").read_bytes())
    write_digests(tmp_path / "positive")
    report = examine("class_folders", tmp_path, progress=False)
    assert report.dataset.is_standin
    assert any("do not lie in it" in one.detail for one in report.traps)
    assert fingerprint(load_dataset("class_folders", tmp_path)) != before, "they are called by their bytes"


def test_clips_of_a_standin_that_are_linked_into_other_folders_stay_a_standin(root, tmp_path):
    for label in ("negative", "positive"):
        folder = tmp_path / "mine" / label
        folder.mkdir(parents=True)
        for clip in sorted(root.glob(f"SMIC_all_raw/HS/*/micro/{label}/*")):
            (folder / clip.name).symlink_to(clip)
    linked = load_dataset("class_folders", tmp_path / "mine")
    assert linked.clips
    assert linked.is_standin
