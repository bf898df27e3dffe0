"""The cells of a dynamic column, many at a time, without the annotations OData put in them.

Pure. Annotations have the same keys in most rows, so those are taken out of all cells at once; the
text of what is left, which is wanted anyway, shows whether that was all.
"""

import re
from collections import deque
from collections.abc import Iterable
from itertools import repeat
from typing import Final

from tap_m365hunting.wire.json_text import ENCODER, Json
from tap_m365hunting.wire.values import CONTROLS, DEEPEST

_MARK: Final = b"@odata."
_ANNOTATION: Final = re.compile(rb'"(@odata\.[^"\\]*|[^"\\]*@odata\.(?:%b))":' % CONTROLS.encode())
# More than a table has; each costs a look into every cell.
_MOST: Final = 16
# Text that begins as an object does, perhaps behind space.
_OBJECTS: Final = re.compile(rb'"(?:[ {]|\\[trn])')

Bag = dict[str, Json]


class Bags:
    """Rids the objects of one column of annotations, whose keys it learns as it meets them."""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def bare(self, bags: list[Bag]) -> bytes | None:
        """Take the annotations out; return the bags' JSON texts, a line each.

        It is `None` if there may be more to do in some of them: an annotation that lies deeper, the
        text of an object in a list, more levels than a value is read with.
        """
        for key in self._keys:
            _take_out(key, bags)
        text = ENCODER.encode_lines(bags)
        while _MARK in text:
            found = _ANNOTATION.search(text)
            if found is None or len(self._keys) == _MOST:
                return None
            key = found[1].decode()
            if key in self._keys:
                return None
            self._keys.append(key)
            _take_out(key, bags)
            text = ENCODER.encode_lines(bags)
        return None if _has_objects_as_text(text) or _is_deep(text) else text


def _take_out(key: str, bags: Iterable[Bag]) -> None:
    deque(map(dict.pop, bags, repeat(key), repeat(None)), maxlen=0)


def _has_objects_as_text(text: bytes) -> bool:
    """Whether an element of a list may be the text of an object."""
    if b"[" not in text:
        return False
    if b"\\" in text:
        return _OBJECTS.search(text) is not None
    return b'"{' in text or b'" ' in text


def _is_deep(lines: bytes) -> bool:
    """Whether one of them may have more levels than a value is read with."""
    each = lines.split(b"\n")
    if max(map(len, each)) <= 2 * DEEPEST:  # each level opens and closes
        return False
    return any(line.count(b"{") + line.count(b"[") > DEEPEST for line in each)
