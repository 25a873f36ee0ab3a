"""Names made from content: what changes them and what does not."""

import pytest

from lib.core.digest import definitions_digest, json_digest

CODE = """
def scale(values, *, by=None, bias=1.5):
    return [f"{value * by:.2f}{value:{by}}" for value in values if value] + [{**{}, "b": b"x"}, bias, ...]


class Empty:
    pass
"""


def digest(folder, code=CODE):
    path = folder / "module.py"
    path.write_text(code, encoding="utf-8")
    return definitions_digest([path])


def test_code_has_the_same_digest_under_every_python(tmp_path):
    assert digest(tmp_path) == "9de584b882f90cf70812601cf919dd8f3a4f28c6d862de754b30bc010c5f165e"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Empty:\n    pass", 'class Empty:\n    """Nothing."""'),
        ("bias=1.5):\n", 'bias=1.5):\n    """Text."""\n    # why\n'),
        ("by=None, bias=1.5", "by = None , bias = 1.5"),
        ("pass\n", 'pass\n\n\n"""What the above is for."""\n'),
    ],
)
def test_docstrings_comments_and_spaces_do_not_change_it(tmp_path, old, new):
    assert CODE.count(old) == 1
    assert digest(tmp_path, CODE.replace(old, new)) == digest(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bias=1.5", "bias=1.6"),
        ("if value", ""),
        ("by=None", "by=()"),
        ("*, by", "by"),
        ("{**{}, ", "{"),
        ('b"x"', '"x"'),
    ],
)
def test_anything_that_could_change_a_result_changes_it(tmp_path, old, new):
    assert CODE.count(old) == 1
    assert digest(tmp_path, CODE.replace(old, new)) != digest(tmp_path)


def test_the_order_in_which_files_are_given_does_not_matter(tmp_path):
    paths = [tmp_path / "a.py", tmp_path / "b.py"]
    for path in paths:
        path.write_text(f"x = {path.name!r}", encoding="utf-8")
    assert definitions_digest(paths) == definitions_digest(reversed(paths)) != definitions_digest(paths[:1])


DEFINITIONS = """
import math
from lib.core.errors import ConfigError

SIDE = 3


def area(side):
    if side < 0:
        raise ConfigError(f"expected 0 or more, found {side}")
    import numpy
    return math.pow(side, 2)


class Square:
    side = SIDE
"""


def definitions(folder, **files):
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return definitions_digest(sorted(folder.glob("*.py")))


def test_where_a_definition_stands_and_what_its_errors_say_leave_the_digest_of_definitions(
    tmp_path,
):
    whole = definitions(tmp_path / "whole", module=DEFINITIONS)
    head, tail = DEFINITIONS.split("class Square")
    assert definitions(tmp_path / "split", first="class Square" + tail, second=head) == whole
    assert definitions(tmp_path / "imports", other=DEFINITIONS.replace("import math\n", "import json\n")) == whole
    assert definitions(tmp_path / "worded", module=DEFINITIONS.replace("expected 0", "we want 0")) == whole


@pytest.mark.parametrize(("old", "new"), [("side, 2", "side, 3"), ("side < 0", "side < 1"), ("SIDE = 3", "SIDE = 4")])
def test_a_changed_definition_changes_the_digest_of_definitions(tmp_path, old, new):
    assert DEFINITIONS.count(old) == 1
    whole = definitions(tmp_path / "whole", module=DEFINITIONS)
    assert definitions(tmp_path / "other", module=DEFINITIONS.replace(old, new)) != whole


def test_the_order_of_keys_does_not_matter():
    assert (
        json_digest({"a": 1, "b": [1, 2]}) == json_digest({"b": [1, 2], "a": 1}) != json_digest({"a": 1, "b": [2, 1]})
    )
