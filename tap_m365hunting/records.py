"""An answer's bytes as columns and rows.

Pure but for reading the body it is given. An answer is whole or an error: rows of a broken body are
never passed off as all there are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from tap_m365hunting.conversion import Row
from tap_m365hunting.dialects import Dialect
from tap_m365hunting.errors import ServiceError
from tap_m365hunting.refusals import classify
from tap_m365hunting.schema import Column
from tap_m365hunting.values import DECIMAL, parse

# Enough rows that the cost of a piece is nothing beside theirs
ROWS_PER_PIECE: Final = 1000

_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)
_SPAN: Final = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned: its columns, and its rows in pieces, to be read once.

    `cpu_seconds` is what the query cost the tenant, where the service tells; `size` is the length
    of the body in bytes.
    """

    columns: tuple[Column, ...]
    pieces: Iterator[list[Row]]
    cpu_seconds: float | None = None
    size: int = 0

    @property
    def rows(self) -> Iterator[Row]:
        """The rows one by one, in the order they came."""
        return (row for piece in self.pieces for row in piece)


def _lower(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else {}


def _broken(dialect: Dialect, why: str) -> ServiceError:
    return ServiceError(f"{dialect.title} answered 200, but {why}")


def _columns(outer: Mapping[str, Any], dialect: Dialect) -> tuple[Column, ...]:
    entries = map(_lower, outer.get(dialect.schema_key) or ())
    try:
        return tuple(Column(str(e[dialect.name_key]), str(e[dialect.type_key])) for e in entries)
    except KeyError as error:
        raise _broken(dialect, "its schema names no columns") from error


def _cpu_seconds(outer: Mapping[str, Any]) -> float | None:
    usage = _lower(_lower(_lower(outer.get("stats")).get("resource_usage")).get("cpu"))
    found = _SPAN.fullmatch(str(usage.get("total cpu")))
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _outer(data: bytes, dialect: Dialect) -> dict[str, Any]:
    try:
        outer = _lower(parse(data))
    except ValueError as error:
        raise _broken(dialect, "the body is cut off or no JSON") from error
    if "error" in outer:
        raise classify(200, {}, data, dialect)
    if dialect.schema_key not in outer and dialect.results_key not in outer:
        raise _broken(dialect, "the body holds no result")
    return outer


def _rows(outer: Mapping[str, Any], dialect: Dialect) -> list[Row]:
    rows = outer.get(dialect.results_key) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _broken(dialect, "its results are no list of rows")
    return rows


def _pieces(rows: list[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while piece := list(islice(left, ROWS_PER_PIECE)):
        yield piece


def read_answer(body: BinaryIO | bytes, dialect: Dialect) -> Answer:
    """Read an answer with status 200.

    Raises:
        ServiceError: the body is cut off, no JSON, or holds no result.
        WindowTooLargeError: the service says in it that it left rows out.
    """
    data = body if isinstance(body, bytes) else body.read()
    outer = _outer(data, dialect)
    columns = _columns(outer, dialect)
    if any(column.kind is DECIMAL for column in columns):
        outer = _lower(_EXACT.decode(data))  # a decimal has more digits than a float
    rows = _rows(outer, dialect)
    if rows and not columns:
        raise _broken(dialect, "its rows come without a schema")
    return Answer(columns, _pieces(rows), _cpu_seconds(outer), len(data))
