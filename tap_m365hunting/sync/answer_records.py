"""Makes records of the answers to one query, and follows their columns through a run."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.id_columns import IdColumns
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.sync.result_rows import AnyBlock, BinRows, WindowRows, check_columns
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.drift import Policy, reconcile
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import EarlierParts, RowIds
from tap_m365hunting.wire.schema import WINDOW_START, Column, Shape, find, unmapped

_LOG: Final = logging.getLogger(__name__)
#: A logger whose lines may name the stream and its tenant.
Log: TypeAlias = logging.Logger | logging.LoggerAdapter[logging.Logger]

#: Gives the columns of an answer their names and key, by the settings.
ShapeOf: TypeAlias = Callable[[Iterable[Column]], Shape]


class NewSchema(Struct, frozen=True):
    """The shape of the records from here on."""

    shape: Shape


RecordEvent: TypeAlias = AnyBlock | NewSchema
#: Makes blocks of an answer's rows, in one form or the other.
BlocksOf: TypeAlias = Callable[[Converter, QueryResult, RowIds], Iterator[AnyBlock]]


class AnswerRecords:
    """Turns the rows of answers into records; a new schema comes before the first such record.

    `known` are the properties of the schema sent; `shape_of` names an answer's columns; `tenant`
    are the values of each record's tenant, `id_columns` the columns of ids. `misfits` counts, by
    column, the cells that did not fit their type.
    """

    def __init__(
        self,
        resolved: ResolvedQuery,
        shape_of: ShapeOf,
        blocks_of: BlocksOf,
        *,
        known: Mapping[str, Any],
        drift: Policy,
        tenant: Mapping[str, str | None],
        id_columns: IdColumns,
        log: Log = _LOG,
    ) -> None:
        self.resolved = resolved
        self._shape_of = shape_of
        self._blocks_of = blocks_of
        self._known = dict(known)
        self._drift: Policy = drift
        self._tenant = tenant
        self._id_columns = id_columns
        self.log = log
        self._columns: tuple[Column, ...] | None = None
        self._shape: Shape | None = None
        self.misfits = Counter[str]()

    def events(
        self,
        answer: QueryResult,
        window: TimeWindow | None,
        rows: WindowRows | BinRows | None,
        earlier: EarlierParts | None = None,
    ) -> Iterator[RecordEvent]:
        """Yield the records of an answer, or of its usable rows, after any new schema."""
        yield from self._follow(answer.columns)
        if self._shape is None:  # no columns, hence no rows
            return
        cursor, ids = self._cursor(), self._ids(window, earlier)
        check_columns(answer, self.resolved, cursor if rows else "")
        converter = Converter(
            self._shape,
            answer.columns,
            tenant={**self._tenant, WINDOW_START: str(window.start) if window else None},
            cursor=cursor,
            id_columns=self._id_columns.names,
        )
        blocks = self._blocks_of(converter, answer, ids)
        yield from rows.usable(blocks) if rows else blocks
        self.misfits += converter.misfits

    def _ids(self, window: TimeWindow | None, earlier: EarlierParts | None) -> RowIds:
        own = window if self.resolved.window_start else None
        return RowIds(
            tenant_id=self._id_columns.tenant_id,
            window_start=str(own.start) if own else None,
            earlier=earlier,
            by_type=self._id_columns.by_type,
            by=self.resolved.by,
        )

    def _cursor(self) -> str | None:
        """Return the column of a row's place in the window, spelled as in the answer."""
        mode = self.resolved.mode
        named = self.resolved.cursor if mode is Mode.INCREMENTAL else self.resolved.bin_column
        return _named(named, self._columns or ())

    def _follow(self, columns: tuple[Column, ...]) -> Iterator[NewSchema]:
        if not columns or columns == self._columns:
            return
        found = reconcile(self._known, self._shape_of(columns), self._drift)
        self._columns, self._shape = columns, found.shape
        kept = {column.name for column in found.shape.columns}
        self._id_columns.came(column.name for column in columns if column.name in kept)
        if unknown := unmapped(columns):
            self.log.warning("Of unknown type, read as text: %s", ", ".join(map(str, unknown)))
        if found.shape.renamed:
            self.log.info("Columns are renamed for loaders: %s", dict(found.shape.renamed))
        if found.drifted:
            self.log.warning("The columns of the result have changed: %s", found)
        if found.send_schema:
            self._known = dict(found.shape.properties)
            yield NewSchema(found.shape)


def _named(cursor: str | None, columns: Iterable[Column]) -> str | None:
    return find(cursor, [column.name for column in columns]) if cursor else None
