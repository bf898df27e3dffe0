"""Throws broken and odd answers at the reading of answers, and compares both ways to read them.

    python -m bench.fuzz [--minutes 10] [--seed 1]

A body gives the same records as JSON, whether rows are read many at a time or one by one, in
pieces or whole; or it gives an error that the tap has a word for. All else is a finding: it is
printed with its seed, and the exit status is 1.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from random import Random
from typing import Any, Final

from singer_sdk.exceptions import SingerSDKError

from bench.bodies import CELLS, sheet, written
from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import DEFENDER, GRAPH, Dialect
from tap_m365hunting.wire.fast_records import BlockConverter, plain_blocks
from tap_m365hunting.wire.json_text import ENCODER
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Shape

#: What a body came to: its records, its misfits and its count of rows; or an error's name.
Outcome = tuple[list[Any], Mapping[str, int], int] | str

_BITS: Final = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\0", b"\xff", b"\xed\xa0\x80",
    b"\\ud800", b"\\udc00", b"\\u0000", b"\\/", b"\\x", b"NaN", b"-Infinity", b"1e999", b"-0",
    b"1" * 25, b"1" * 5000, b"1." + b"0" * 400, b"0.1e-400", b"null", b"{}", b'{"results":[]}',
    b'"@odata.type":1,', b'},{"', b"]}", b"\xef\xbb\xbf", b"\xe2\x80\xa8",
)  # fmt: skip
_DEPTHS: Final = (10, 200, 255, 256, 257, 300, 600, 1200, 50_000)
_SURE: Final = 400  # levels that any stack has room for
_WHOLE: Final = 1 << 30  # a chunk that holds all


@dataclass(frozen=True, slots=True)
class Case:
    """A body, how it is read, and whether it was cut off."""

    body: bytes
    dialect: Dialect
    settings: Mapping[str, Any]
    cursor: str | None
    chunk: int
    cut: bool


def _flip(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << random.randrange(8)]) + body[at + 1 :]


def _insert(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body))
    return body[:at] + random.choice(_BITS) + body[at:]


def _replace(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body))
    return body[:at] + random.choice(_BITS) + body[at + random.randrange(1, 9) :]


def _drop(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body))
    return body[:at] + body[at + random.randrange(1, 60) :]


def _repeat(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body))
    end = at + random.randrange(1, 300)
    return body[:end] + body[at:]


def _deepen(random: Random, body: bytes) -> bytes:
    """Put a deep nest in the place of a value."""
    depth = random.choice(_DEPTHS)
    nest = random.choice((b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth))
    if random.random() < 0.3:
        nest = json.dumps(nest.decode()).encode()
    at = body.find(b":", random.randrange(len(body)))
    return body[: at + 1] + nest + body[body.find(b",", at) :] if at > 0 else body


_MUTATIONS: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    _flip, _flip, _insert, _insert, _replace, _replace, _drop, _repeat, _deepen
)  # fmt: skip


def case(seed: int) -> Case:
    """Make a case; the same seed makes the same."""
    random = Random(seed)
    types = [random.choice([*CELLS, "String"]) for _ in range(random.choice((1, 3, 8, 20)))]
    columns = {
        random.choice(("C", "c", "Col umn", "_row_id")) + str(i): t for i, t in enumerate(types)
    }
    cursor = None
    if random.random() < 0.5:
        columns, cursor = {"Timestamp": "DateTime", **columns}, "Timestamp"
    made = sheet(
        random, columns, random.choice((0, 1, 5, 40)), odd=random.choice((0, 0, 0.02, 0.3))
    )
    dialect = random.choice((GRAPH, DEFENDER))
    body = written(random, made.outer(graph=dialect is GRAPH))
    for _ in range(random.choice((0, 0, 1, 1, 2, 5))):
        body = random.choice(_MUTATIONS)(random, body) or b"x"
    cut = random.random() < 0.1
    tenant = {"tenant_id": "t", "tenant_name": None} if random.random() < 0.2 else {}
    settings = {
        "dynamic_as": random.choice(("string", "json")),
        "column_names": random.choice(("safe", "as_is")),
        "tenant": tenant,
        "row_id": random.random() < 0.8,
    }
    body = body[: random.randrange(len(body))] if cut else body
    return Case(body, dialect, settings, cursor, random.choice((128, 1024, _WHOLE)), cut)


def _strict(text: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read a record's line as the strictest of readers.

    Raises:
        ValueError: it is no line of JSON.
    """

    def refuse(constant: str) -> None:
        msg = f"{constant} is no JSON"
        raise ValueError(msg)

    if b"\n" in text:
        msg = "A line break within a line"
        raise ValueError(msg)
    found = json.loads(text.decode(), parse_constant=refuse, parse_float=Decimal)
    return list(found.items())


def _converter(case: Case, answer: QueryResult) -> Converter:
    shape = Shape.of(answer.columns, **case.settings)
    return Converter(shape, answer.columns, tenant=case.settings["tenant"], cursor=case.cursor)


def _at_once(case: Case, answer: QueryResult) -> tuple[Iterator[bytes], Converter]:
    converter = _converter(case, answer)
    blocks = BlockConverter(converter).blocks(answer, RowIds())
    return (record for block in blocks for record in block.records), converter


def _as_dicts(case: Case, answer: QueryResult) -> tuple[Iterator[bytes], Converter]:
    converter = _converter(case, answer)
    blocks = plain_blocks(converter, answer, RowIds())
    return (ENCODER.encode(record) for block in blocks for record in block.records), converter


def _one_by_one(case: Case, answer: QueryResult) -> tuple[Iterator[bytes], Converter]:
    converter = _converter(case, answer)
    return map(ENCODER.encode, converter.records(answer.rows, RowIds())), converter


_WAYS: Final = {
    "at once, in pieces": (_at_once, False),
    "as dicts, in pieces": (_as_dicts, False),
    "one by one, in pieces": (_one_by_one, False),
    "one by one, whole": (_one_by_one, True),
}


def outcome(case: Case, way: str) -> Outcome:
    """Read a case in one of the ways.

    Raises:
        Exception: whatever is no error of ours.
    """
    convert, whole = _WAYS[way]
    try:
        with read_answer(
            BytesIO(case.body), case.dialect, chunk=_WHOLE if whole else case.chunk
        ) as answer:
            texts, converter = convert(case, answer)
            records = [_strict(text) for text in texts]
            return records, dict(converter.misfits), answer.count
    except SingerSDKError as error:
        return type(error).__name__


def _too_deep(body: bytes) -> bool:
    return any(body.count(opening) > _SURE for opening in (b"[", b'{"a":'))


def _is_whole(body: bytes) -> bool:
    """Whether a body that was cut off is JSON all the same: what was cut off may be a slip."""
    try:
        json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


def finding(case: Case) -> str | None:
    """Return what is wrong with how a case is read, if something is."""
    outcomes = {}
    for way in _WAYS:
        try:
            outcomes[way] = outcome(case, way)
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"{way}: {type(error).__name__}: {error}"
    if _too_deep(case.body):  # for some stacks, and so for some of the ways
        outcomes = {way: found for way, found in outcomes.items() if found != "ServiceError"}
    first, *others = outcomes.values() or [""]
    if any(other != first for other in others):
        return f"The ways differ: {outcomes}"
    if isinstance(first, tuple) and first[2] != len(first[0]):
        return f"{len(first[0])} records of {first[2]} rows"
    whole = not case.cut or _is_whole(case.body)
    return None if whole or not isinstance(first, tuple) else "Cut off, and taken for whole"


def main() -> int:
    """Try bodies until the time is over; return the status to end with."""
    parser = argparse.ArgumentParser(prog="bench.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first body")
    asked = parser.parse_args()
    end = time.monotonic() + 60 * asked.minutes
    seed, findings, errors = asked.seed, 0, Counter[str]()
    while time.monotonic() < end:
        made = case(seed)
        if found := finding(made):
            findings += 1
            print(f"seed {seed}: {found[:2000]}", flush=True)
        result = outcome(made, "one by one, whole") if not found else "finding"
        errors[result if isinstance(result, str) else "records"] += 1
        seed += 1
    print(f"{seed - asked.seed:,} bodies, {findings} findings; they gave {dict(errors)}")
    return int(findings > 0)


if __name__ == "__main__":
    sys.exit(main())
