"""The rows of a result as a reader takes them: counts, and records up to a whole instant.

Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from tap_m365hunting.errors import ServiceError
from tap_m365hunting.instants import Instant, canonical
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.fast_records import Block
from tap_m365hunting.wire.records import Record

#: Records, as dicts or as their JSON texts.
AnyBlock: TypeAlias = Block[Record] | Block[bytes]


def whole_instants(
    blocks: Iterable[AnyBlock], answered: Callable[[str, int], None]
) -> Iterator[AnyBlock]:
    """Yield the records of a truncated answer but for its newest instant, which may be cut.

    At the end that instant and the number of its records are `answered`.

    Raises:
        ServiceError: the records are not in the order, or the window, that was asked for.
    """
    newest, held = "", list[AnyBlock]()
    for block in blocks:
        head, tail = block.cut(block.newest())
        first = str(block.cursors[0])
        if not block.in_order or first < newest:
            msg = f"Rows came out of order: {first} after {newest or 'nothing'}"
            raise ServiceError(msg)
        if tail.cursors[0] != newest:
            yield from held
            held.clear()
        if head.records:
            yield head
        held.append(tail)
        newest = str(tail.cursors[0])
    answered(newest, sum(len(block.records) for block in held))


def counts_of(answer: QueryResult) -> tuple[Mapping[Instant, int], int | None]:
    """Return the rows per bin, and the checksum of all of them if it was asked for."""
    counts, checksum = dict[Instant, int](), None
    for row in answer.rows:
        at = canonical(str(row.get("__bin") or ""))
        try:
            counts[Instant.parse(at) if at else Instant(0)] = int(str(row["__rows"]))
            if row.get("__checksum") is not None:
                checksum = int(str(row["__checksum"]))
        except (KeyError, ValueError) as error:
            msg = f"A count was answered with a row that has none: {', '.join(row) or 'empty'}"
            raise ServiceError(msg) from error
    return counts, checksum
