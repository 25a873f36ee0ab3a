"""Text of others, from names on a disk and from cells: compared as it is meant, shown so that it can be printed."""

import re
import unicodedata
from itertools import groupby

# Default-ignorable characters that are no format characters by category: joiners, fillers, variation selectors, and
# the empty Braille cell.
INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))


def normal(text: str) -> str:
    """A text without what cannot be seen or tells nothing: full-width letters, odd blanks, zero-width characters.

    Unicode's NFKC, but a raised or circled number stays what it is: ``"12²"`` is 12 with a footnote, and not 122.

    >>> normal("\u200bａｎｇｅｒ１＿１\u3000"), normal("12²")
    ('anger1_1', '12²')
    """
    parts = groupby(text, key=lambda char: char.isnumeric() and not char.isdecimal())
    text = "".join("".join(part) if stays else unicodedata.normalize("NFKC", "".join(part)) for stays, part in parts)
    seen = (char for char in text if char not in INVISIBLE and unicodedata.category(char) != "Cf")
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", "".join(seen)).strip()


def printable(text: str) -> str:
    r"""A text that every UTF-8 file can hold, on one line: bytes of a name that are no UTF-8, line breaks and invisible
    characters are written as escapes.

    >>> print(printable("s2_\udcb8\udcdf\n"))
    s2_\xb8\xdf\n
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # how Python holds a byte of a file name that it cannot decode
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
