"""Rows of an answer as records of a stream.

Pure. A converter is made once per answer, from the stream's shape and the answer's own columns, and
then told one row after another.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Final, NoReturn

from msgspec import Struct

from tap_m365hunting.errors import FatalSyncError, SchemaDriftError
from tap_m365hunting.wire.json_text import Json, compact
from tap_m365hunting.wire.key_sketch import KeySketch
from tap_m365hunting.wire.naming import fold
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import ROW_ID, Column, Shape
from tap_m365hunting.wire.values import DECIMAL, DYNAMIC, TEXT, ColumnKind, Misfit

Row = Mapping[str, Json]
Record = dict[str, Json]

_EMPTY_BAG: Final[Mapping[str, Json]] = {}
_NO_TENANT: Final[Mapping[str, str | None]] = {}


class _Source(Struct, frozen=True):
    """The key of a column's cells in a row, and the reading of a cell."""

    key: str
    read: Callable[[Json], Json]
    bag: bool
    strict: bool
    text: bool = False
    exact: bool = False


def _absent(_: Json) -> None:
    return None


def _converted(kind: ColumnKind, value: Json) -> Json:
    """Convert a value of another type, if without loss."""
    if kind.json_type == "string" and kind.json_format is None and not isinstance(value, str):
        return compact(value)
    result = kind.read(value)
    lossy = isinstance(value, int) and isinstance(result, float) and int(result) != value
    return Misfit() if lossy else result


def _crossing(kind: ColumnKind, came: ColumnKind) -> Callable[[Json], Json]:
    """Read a cell as the type of the answer, then as the type promised by the stream."""

    def read(cell: Json) -> Json:
        value = came.read(cell)
        if value is None or isinstance(value, Misfit):
            return value
        return _converted(kind, value)

    return read


def _source(column: Column, answer: Mapping[str, Column]) -> _Source:
    name = column.name
    if name not in answer:
        return _Source(name, _absent, bag=False, strict=False)
    came = answer[name].kind
    same = came is column.kind
    return _Source(
        name,
        came.read if same else _crossing(column.kind, came),
        bag=came is DYNAMIC,
        strict=not same,
        text=same and came is TEXT,
        exact=came is DECIMAL,
    )


def _id_names(own: Sequence[str], known: Sequence[str] | None) -> Iterator[str | None]:
    """Yield the name by which each column makes ids, `None` if it does not.

    A column whose case alone has changed has the name that it had.
    """
    if known is None:
        yield from own
        return
    now, before = set(own), set(known)
    spare = {fold(name): name for name in known if name not in now}
    for name in own:
        yield name if name in before else spare.pop(fold(name), None)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _pairs(names: Iterable[str], keys: Iterable[str], same: Callable[[str], str]) -> dict[str, str]:
    """Pair each name with the first equal key, and each key with a single name."""
    waiting = defaultdict[str, deque[str]](deque)
    for key in keys:
        waiting[same(key)].append(key)
    return {name: left.popleft() for name in names if (left := waiting.get(same(name)))}


class Converter:
    """Turns the rows of one answer into records.

    `misfits` counts, by column, the replaced cells: unfit for their type.
    """

    def __init__(
        self,
        shape: Shape,
        answer: Sequence[Column] | None = None,
        *,
        tenant: Mapping[str, str | None] = _NO_TENANT,
        cursor: str | None = None,
        id_columns: Sequence[str] | None = None,
    ) -> None:
        """Prepare for one answer.

        `cursor` names the column (as the query does) that the rows are ordered by, if they are;
        `tenant` holds the values of the shape's columns of the tenant. `id_columns` are those that
        make an id, by their own names; without it all of them do.
        """
        columns = {column.name: column for column in answer or shape.columns}
        self.shape = shape
        self.first = {name: tenant[name] for name in shape.given}
        self.own = tuple(column.name for column in shape.columns)
        self.id_names = tuple(_id_names(self.own, id_columns))
        self.cursor = self.own.index(cursor) if cursor in self.own else None
        self.key = tuple(self.own.index(name) for name in shape.key if name in self.own)
        self.misfits: Counter[str] = Counter()
        #: Where keys are compared that the settings name, if they name any.
        self.sketch: KeySketch | None = None
        self._sources = tuple(_source(column, columns) for column in shape.columns)
        self._keys = columns.keys()
        self._dynamic = tuple(
            index
            for index, column in enumerate(shape.columns)
            if column.kind is DYNAMIC and shape.dynamic_as == "string"
        )
        self._names = tuple(shape.names[name] for name in self.own)

    @property
    def straight(self) -> bool:
        """Whether every column comes under its own name, as the type known to the stream."""
        return all(
            source.key == name and source.read is column.kind.read
            for source, name, column in zip(
                self._sources, self.own, self.shape.columns, strict=True
            )
        )

    def records(self, rows: Iterable[Row], ids: RowIds | None = None) -> Iterator[Record]:
        """Convert rows in sequence; `ids` are of the rows' window.

        Raises:
            FatalSyncError: a key column is null in a row.
            SchemaDriftError: a cell cannot be converted to the promised type without loss.
        """
        for row in rows:
            yield self.record(self.cells(row), ids)

    def cells(self, row: Row) -> list[Json]:
        """Return the row's values in the order of the shape's columns, dynamic values nested."""
        if not self._keys <= row.keys():
            row = self._matched(row)
        return [
            # most cells are text, and a call for each would be most of the cost
            cell if source.text and type(cell) is str else self._cell(source, cell)
            for source in self._sources
            for cell in (row.get(source.key),)
        ]

    def cell(self, index: int, cell: Json) -> Json:
        """Return the value of the cell in the column at `index`."""
        return self._cell(self._sources[index], cell)

    def record(self, cells: list[Json], ids: RowIds | None = None) -> Record:
        """Make a record from the values of `cells`."""
        for index in self.key:
            if cells[index] is None:
                self.refuse_null(index)
        last = self._id(cells, ids) if ids and (self.shape.row_id or self.sketch) else {}
        for index in self._dynamic:
            if cells[index] is not None:
                cells[index] = compact(cells[index])
        return {**self.first, **dict(zip(self._names, cells, strict=True)), **last}

    def _id(self, cells: Sequence[Json], ids: RowIds) -> Record:
        content = ids.content(self.id_names, cells)
        if self.sketch:
            key = (*self.first.values(), *(cells[index] for index in self.key))
            self.sketch.add([key], [sha256(content).digest()])
        if not self.shape.row_id:
            return {}
        instant = None if self.cursor is None else cells[self.cursor]
        return {ROW_ID: ids.give(content, instant=instant)}

    def refuse_null(self, index: int) -> NoReturn:
        """Raise the error of a null in the key column at `index`."""
        msg = (
            f"Key column {self.own[index]} is null in a row, and a loader would drop or merge such "
            "rows; filter them in the query, or leave primary_keys out and use _row_id"
        )
        raise FatalSyncError(msg)

    def _matched(self, row: Row) -> Row:
        """Give keys in another case the names of the columns."""
        spare = [key for key in row if key not in self._keys]
        missing = [name for name in self._keys if name not in row]
        found = _pairs(missing, spare, _camel)
        taken = set(found.values())
        found |= _pairs(
            [name for name in missing if name not in found],
            [key for key in spare if key not in taken],
            fold,
        )
        return {**row, **{name: row[key] for name, key in found.items()}}

    def _cell(self, source: _Source, cell: Json) -> Json:
        if cell is None or (cell == _EMPTY_BAG and not source.bag):
            return None
        if type(cell) is Decimal and not source.exact:
            cell = float(cell)  # as it is where no other column is a decimal
        value = source.read(cell)
        return self._instead(source, value) if isinstance(value, Misfit) else value

    def _instead(self, source: _Source, misfit: Misfit) -> Json:
        if source.strict:
            msg = (
                f"Column {source.key} changed its type, and a value cannot be converted without "
                "loss; set schema_drift to evolve, or convert the column in the query"
            )
            raise SchemaDriftError(msg)
        self.misfits[source.key] += 1
        return misfit.value
