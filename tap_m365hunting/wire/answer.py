"""An answer's bytes as columns and rows.

Pure but for reading the body it is given. An answer is whole or an error: rows of a broken body are
never passed off as all there are.
"""

import json
import re
from collections.abc import Iterator, Mapping
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO, Final, Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.errors import ServiceError, WindowTooLargeError
from tap_m365hunting.wire.dialects import Dialect
from tap_m365hunting.wire.error_responses import classify
from tap_m365hunting.wire.json_rows import CHUNK, Layout, Piece, split
from tap_m365hunting.wire.json_text import DepthError, parse
from tap_m365hunting.wire.records import Row
from tap_m365hunting.wire.schema import Column
from tap_m365hunting.wire.values import DECIMAL

# Enough rows that the cost of a piece is nothing beside theirs
ROWS_PER_PIECE: Final = 1000

# An answer in a layout that was never seen is read at once, which takes several times its
# size of memory; above this size it is asked for in parts.
_MOST_WHOLE: Final = 1 << 24
# More than the space that may follow the end.
_TAIL: Final = 256

_SPAN: Final = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)


class QueryResult(Struct, frozen=True):
    """The result of a query: the columns, and the number of rows; the rows are read from the body.

    The body is closed on leaving the context. `size` is the body's length in bytes, `cpu_seconds`
    the tenant's cost of the query, where the service tells.
    """

    columns: tuple[Column, ...]
    count: int
    size: int
    cpu_seconds: float | None
    _body: BinaryIO
    _parts: tuple[Piece | list[Row], ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._body.close()

    def moved(self, file: BinaryIO) -> Self:
        """Return the result with the rows copied to the end of a file kept open by the caller.

        Rows without a text of their own stay in memory.
        """
        parts = [_appended(p, self._body, file) if isinstance(p, Piece) else p for p in self._parts]
        return replace(self, _body=file, _parts=tuple(parts))

    @property
    def texts(self) -> Iterator[bytes | list[Row]]:
        """The rows in pieces, as the text of a JSON array where possible."""
        return (p.read(self._body) if isinstance(p, Piece) else p for p in self._parts)

    def parsed(self, text: bytes | list[Row]) -> list[Row]:
        """Return the rows of one of the `texts`.

        Raises:
            ServiceError: a row is nested too deep.
        """
        if not isinstance(text, bytes):
            return text
        exact = any(column.kind is DECIMAL for column in self.columns)
        try:
            rows: list[Row] = parse(text, exact=exact)
        except DepthError as error:
            msg = "A row of the answer is nested too deep to be read"
            raise ServiceError(msg) from error
        return rows

    @property
    def pieces(self) -> Iterator[list[Row]]:
        """The rows in pieces, in the order of the body."""
        return map(self.parsed, self.texts)

    @property
    def rows(self) -> Iterator[Row]:
        """The rows, in the order of the body."""
        return (row for piece in self.pieces for row in piece)


def _appended(piece: Piece, body: BinaryIO, file: BinaryIO) -> Piece:
    body.seek(piece.offset)
    offset = file.seek(0, SEEK_END)
    file.write(body.read(piece.size))
    return replace(piece, offset=offset)


def _lower(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else {}


def _broken(dialect: Dialect, why: str) -> ServiceError:
    return ServiceError(f"{dialect.title} answered 200, but {why}")


def _columns(outer: Mapping[str, Any], dialect: Dialect) -> tuple[Column, ...]:
    told = outer.get(dialect.schema_key) or []
    entries = map(_lower, told if isinstance(told, list) else [None])
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
        return _lower(parse(data))
    except ValueError as error:
        raise _broken(dialect, "the body is cut off or no JSON") from error


def _check(outer: Mapping[str, Any], dialect: Dialect) -> None:
    if outer.get("error"):
        raise classify(200, {}, json.dumps({"error": outer["error"]}).encode(), dialect)
    if dialect.schema_key not in outer and dialect.results_key not in outer:
        raise _broken(dialect, "the body holds no result")


def _rows(outer: Mapping[str, Any], dialect: Dialect) -> tuple[list[Row], ...]:
    rows = outer.get(dialect.results_key) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _broken(dialect, "its results are no list of rows")
    return tuple(rows[i : i + ROWS_PER_PIECE] for i in range(0, len(rows), ROWS_PER_PIECE))


def _whole(
    body: BinaryIO, dialect: Dialect
) -> tuple[Mapping[str, Any], tuple[list[Row], ...], int]:
    """Read all of a body at once, in any layout, at the cost of memory."""
    _refuse_large(body, dialect)
    _layout(body, dialect, _MOST_WHOLE)  # for its error: rows twice, which the reader below forgets
    body.seek(0)
    data = body.read()
    outer = _outer(data, dialect)
    _check(outer, dialect)
    if any(column.kind is DECIMAL for column in _columns(outer, dialect)):
        outer = _lower(parse(data, exact=True))  # a decimal has more digits than a float
    parts = _rows(outer, dialect)
    return outer, parts, sum(map(len, parts))


def _refuse_large(body: BinaryIO, dialect: Dialect) -> None:
    size = body.seek(0, SEEK_END)
    if size <= _MOST_WHOLE:
        return
    body.seek(-_TAIL, SEEK_END)
    if not body.read().rstrip().endswith(b"}"):
        raise _broken(dialect, "the body is cut off or no JSON")
    msg = (
        f"{dialect.title} answered with {size:,} bytes that are laid out like no answer of its own"
    )
    raise WindowTooLargeError(msg, size=True)


def _layout(body: BinaryIO, dialect: Dialect, chunk: int) -> Layout | None:
    try:
        return split(body, dialect.results_key, chunk=chunk)
    except ValueError as error:
        raise _broken(dialect, str(error)) from error


def _in_pieces(
    body: BinaryIO, dialect: Dialect, chunk: int
) -> tuple[Mapping[str, Any], tuple[Piece, ...], int] | None:
    """Find the rows of a body in the services' own layout."""
    layout = _layout(body, dialect, chunk)
    if layout is None:
        return None
    outer = _lower(layout.outer)
    _check(outer, dialect)
    return outer, layout.pieces, sum(piece.rows for piece in layout.pieces)


def read_answer(body: BinaryIO | bytes, dialect: Dialect, *, chunk: int = CHUNK) -> QueryResult:
    """Read an answer with status 200 to the end, before any row is used.

    `body` is at best a seekable file: then memory holds a single piece, of about `chunk` bytes, at
    a time.

    Raises:
        ServiceError: the body is cut off, no JSON, or holds no result, or two.
        WindowTooLargeError: the service says in the body that rows were left out; or the body is
            large, in a layout to be read only at once.
    """
    if isinstance(body, bytes) or not body.seekable():
        body = BytesIO(body if isinstance(body, bytes) else body.read())
    outer, parts, count = _in_pieces(body, dialect, chunk) or _whole(body, dialect)
    columns = _columns(outer, dialect)
    if count and not columns:
        raise _broken(dialect, "its rows come without a schema")
    return QueryResult(columns, count, body.seek(0, SEEK_END), _cpu_seconds(outer), body, parts)
