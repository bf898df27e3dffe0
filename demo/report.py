"""What the demo prints.

Pure: tables and sentences from counts and answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_WIDTH: Final = 110
_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class StreamCount:
    """A stream after a run: its rows, those this run added, those it read again, its calls."""

    stream: str
    rows: int
    new: int
    again: int
    calls: int


def counts(
    rows: tuple[Mapping[str, int], Mapping[str, int]],
    written: tuple[Mapping[str, int], Mapping[str, int]],
    calls: Mapping[str, int],
) -> list[StreamCount]:
    """Compare what there was before the run with what there is after it.

    >>> counts(({"a": 2}, {"a": 3}), ({"a": 2}, {"a": 5}), {"a": 1})
    [StreamCount(stream='a', rows=3, new=1, again=2, calls=1)]
    """
    known = sorted(calls.keys() | rows[1].keys())
    return [
        StreamCount(
            stream,
            rows[1].get(stream, 0),
            new := rows[1].get(stream, 0) - rows[0].get(stream, 0),
            written[1].get(stream, 0) - written[0].get(stream, 0) - new,
            calls.get(stream, 0),
        )
        for stream in known
    ]


def calls_by_stream(asked: Iterable[str], marks: Mapping[str, str]) -> dict[str, int]:
    """Count calls by stream; a stream's mark is a text that stands in its queries alone.

    >>> calls_by_stream(["DeviceInfo | take 0", "AlertInfo"], {"devices": "DeviceInfo"})
    {'devices': 1}
    """
    texts = list(asked)
    return {stream: sum(mark in text for text in texts) for stream, mark in marks.items()}


def table(found: Sequence[StreamCount]) -> str:
    """Write the streams as aligned lines, with their sum."""
    total = StreamCount(
        "all", *(sum(getattr(c, name) for c in found) for name in ("rows", "new", "again", "calls"))
    )
    wide = max(len(count.stream) for count in (*found, total))
    head = f"  {'stream':<{wide}}  {'rows':>8}  {'new':>8}  {'read again':>10}  {'calls':>5}"
    rule = f"  {'-' * (len(head) - 2)}"
    return "\n".join((head, rule, *(_line(c, wide) for c in found), rule, _line(total, wide)))


def _line(count: StreamCount, wide: int) -> str:
    return (
        f"  {count.stream:<{wide}}  {count.rows:>8,}  {count.new:>8,}"
        f"  {count.again:>10,}  {count.calls:>5}"
    )


def answer(question: str, found: Sequence[tuple[Any, ...]]) -> str:
    """Write a question and the first of its answers, each with its time.

    >>> print(answer("Who?", [("2026-03-01 12:30:00", "alice")]))
      Who?
        2026-03-01 12:30  alice
    """
    lines = [f"    {_minute(when)}  {_short(str(what))}" for when, what in found[:_MOST]]
    more = [f"    and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return "\n".join((f"  {question}", *(lines or ["    nobody and nothing"]), *more))


def _minute(when: object) -> str:
    return str(when)[:16]


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
