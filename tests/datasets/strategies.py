"""What Hypothesis draws: names as a file system may hold them, and values as a cell may.

`HYPOTHESIS_EXAMPLES=2000 python -m pytest tests/datasets/test_properties.py` draws as many, and others each time.
"""

import datetime
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ASKED = os.environ.get("HYPOTHESIS_EXAMPLES")
"""Few of them, and the same each time, where nothing is asked for: a test in a change must not fail by chance."""


def examples(few: int) -> settings:
    return settings(
        max_examples=int(ASKED or few),
        derandomize=ASKED is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


ODD_NAMES = (
    "s1_a", "S1_A", "s1_a ", "s1 a", "s1-a", "s1_a (1)", "s1_a[1]", "s1_a_1", "s01_a", "sub01_a", "006_1_2", "006-1",
    "_x", "__", ".x", "._x", "~$x", "Thumbs.db", "x.avi", "s1_a.avi", "s1_a.mp4", "S1_a.AVI", "s1.jpg", "..x", "-", "'",
    "s²_1", "s１＿a", "s1_\u200ba", "s1_a\u0301", "s1_á", "s2_高兴", "a,b", 'a"b', "a\nb", "a\rb", "a;b", " ", "CON",
    "all", "unknown", "nan", "2019-04-12", "s" + "9" * 100 + "_a", "𝓼1_a", "\u202es1_a", "clip",
)  # fmt: skip


def _is_name(name: bytes) -> bool:
    return name not in (b".", b"..") and not set(name) & {0, ord("/")} and 0 < len(name) < 120


bytes_names = st.binary(min_size=1, max_size=8).filter(_is_name).map(os.fsdecode)
text_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: _is_name(name.encode())
)
gbk_names = st.text("高兴难过s1_", min_size=1, max_size=6).map(lambda name: os.fsdecode(name.encode("gbk")))
names = st.one_of(st.sampled_from(ODD_NAMES), text_names, bytes_names, gbk_names)

# A cell may hold any text but some control characters, which no spreadsheet can.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
numbers = st.one_of(
    st.integers(-3, 45), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 45)
)
written_numbers = st.integers(0, 45).flatmap(
    lambda number: st.sampled_from(
        [f"{number:02d}", f" {number}", f"{number}?", f"{number}\u200b", f"{number}.0", f"{number},5", f"{number}²",
         f"~{number}", f"{number}-{number + 1}", "".join(chr(0xFF10 + int(digit)) for digit in str(number))]
    )
)  # fmt: skip
cells = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    texts,
    written_numbers,
    st.sampled_from(["#REF!", "#N/A", "#VALUE!", "=C1+7", "=NA()", '="s1_ne_"&"01"', "n/a", "/", "-", "?", "", " "]),
    st.just(datetime.datetime(2019, 2, 1)),
    st.just(datetime.time(0, 12)),
)
