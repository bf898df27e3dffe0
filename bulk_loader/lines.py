"""Cuts blocks of whole lines into runs of RECORD lines of one stream, and single other lines.

Pure. A run goes on for as long as lines begin with the same words, up to the record's brace: so two
looks at a line are enough, at its first bytes and for its end.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# how taps begin a line, whatever comes before the record; other lines are taken one by one
_HEAD: Final = re.compile(rb'\{"type": ?"RECORD", ?"stream": ?"((?:[^"\\]|\\.)+)", ?"')
# found four times as fast as two searches for bytes, in lines that hold many backslashes
_SURROGATE: Final = re.compile(rb"\\u[dD]")
# a pair of surrogates, a lone one, any other escape; in this order, from left to right
_ESCAPES: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class Run(NamedTuple):
    """Lines that follow each other: RECORD lines of `stream`, or one other line without it."""

    stream: bytes | None
    text: bytes
    lines: int


def runs(block: bytes) -> Iterator[Run]:
    r"""Cut a block, which ends with a newline, into runs.

    >>> block = b'{"type":"RECORD","stream":"a","record":{}}\n' * 2 + b'{"type":"STATE"}\n'
    >>> [(run.stream, run.lines) for run in runs(block)]
    [(b'a', 2), (None, 1)]
    """
    at = 0
    while at < len(block):
        found = _HEAD.match(block, at)
        if found is None:
            end = block.index(b"\n", at) + 1
            yield Run(None, block[at:end], 1)
        else:
            end, count = _end(block, at, found[0])
            yield Run(found[1], block[at:end], count)
        at = end


def _end(block: bytes, at: int, head: bytes) -> tuple[int, int]:
    """Return where the run that begins at `at` ends, and how many lines it has."""
    index, starts = block.index, block.startswith
    count, end = 1, index(b"\n", at) + 1
    while starts(head, end):
        count, end = count + 1, index(b"\n", end) + 1
    return end, count


def without_lone_surrogates(block: bytes) -> bytes:
    r"""Return lines whose escapes all name characters: a lone surrogate becomes U+FFFD.

    >>> without_lone_surrogates(rb'"\ud83d\ude00 \ud83d \\ud83d"')
    b'"\\ud83d\\ude00 \\ufffd \\\\ud83d"'
    """
    if _SURROGATE.search(block) is None:
        return block
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], block)
