"""Reading a query: what comes out, in which order, whatever the answers are."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from itertools import count, cycle
from typing import Any, cast

import pytest
from typing_extensions import override

from tap_m365hunting import kql
from tap_m365hunting.errors import SchemaDriftError, ServiceError, WindowTooLargeError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.id_columns import IdColumns
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.windows import AnswerTimes, Ask, CountAsk, TimeWindow, WindowDone
from tap_m365hunting.sync.answer_records import AnswerRecords, BlocksOf, NewSchema
from tap_m365hunting.sync.reader import Event, QueryReader
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import GRAPH
from tap_m365hunting.wire.drift import Policy
from tap_m365hunting.wire.fast_records import Block, BlockConverter, plain_blocks
from tap_m365hunting.wire.records import Converter, Record
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Column, Shape

START = Instant.parse("2026-03-01T00:00:00Z")
RESOLVED = ResolvedQuery(kql.read("T"), Mode.INCREMENTAL, "Timestamp")
OLD = {"Timestamp": "DateTime", "Id": "Int64", "Port": "Int32"}


def answer(columns: dict[str, str], *rows: dict[str, Any]) -> QueryResult:
    """Return what Graph would answer."""
    schema = [{"name": name, "type": kind} for name, kind in columns.items()]
    return read_answer(Body(json.dumps({"schema": schema, "results": rows}).encode()), GRAPH)


class Body(BytesIO):
    """A body that may be read again."""

    @override
    def close(self) -> None:
        """Stay open."""


def row(second: int, **more: object) -> dict[str, Any]:
    """Return a row of a second after the start."""
    return {"Timestamp": f"2026-03-01T00:00:{second:02}Z", "Id": second, **more}


@dataclass
class Given:
    """A call whose answer is there, each time that it is made."""

    text: str
    given: QueryResult
    after: QueryResult | None = None
    times: AnswerTimes | None = None
    tries: int = 1

    def again(self) -> None:
        """Make it again: another answer may come."""
        self.tries += 1
        self.given = self.after or self.given

    def answer(self) -> QueryResult:
        """Return it."""
        return self.given


@dataclass
class Silent(Given):
    """A call that is not answered in time."""

    @override
    def answer(self) -> QueryResult:
        msg = "not answered within 900 s"
        raise WindowTooLargeError(msg, silent=True)


@dataclass
class OneByOne:
    """Calls that are made one after another, each with the next of the answers."""

    planner: Planner
    answers: Iterator[QueryResult]
    silent: Iterator[bool] = field(default_factory=lambda: cycle([False]))
    after: QueryResult | None = None
    sums: bool = True
    made: list[Given] = field(default_factory=list)

    def take(self) -> tuple[Ask, Given] | None:
        """Make the next call."""
        if (ask := self.planner.next()) is None:
            return None
        kind = Silent if next(self.silent) else Given
        given = next(self.answers)
        if self.sums and isinstance(ask, CountAsk) and ask.bin is None and not given.count:
            given = counted(0, 0)  # a sum over no row is a row
        self.made.append(kind(RESOLVED.text(ask), given, self.after))
        return ask, self.made[-1]

    def used(self, call: Given) -> None:
        """Nothing is kept of it."""

    def fill(self) -> None:
        """Nothing is made ahead."""


def read(
    answers: Iterable[QueryResult],
    drift: Policy = "evolve",
    row_cap: int = 2,
    silent: Iterable[bool] | None = None,
) -> list[Event]:
    """Read a minute from a service that gives these answers, one a call."""
    calls = OneByOne(planned(row_cap), iter(answers), iter(silent or cycle([False])))
    return list(reader_of(plain_blocks, row_cap=row_cap, drift=drift).read(calls.planner, calls))


def planned(row_cap: int) -> Planner:
    """Return what plans the minute."""
    return Planner(TimeWindow(START, START + timedelta(minutes=1)), row_cap=row_cap)


def reader_of(blocks_of: BlocksOf, *, row_cap: int, drift: Policy = "evolve") -> QueryReader:
    """Return a reader that knows the columns."""
    known = Shape.of([Column(*column) for column in OLD.items()])
    made = AnswerRecords(
        RESOLVED,
        lambda columns: Shape.of(columns, known=known.names.values()),
        blocks_of,
        known=known.json_schema()["properties"],
        drift=drift,
        tenant={"tenant_id": "contoso"},
        id_columns=IdColumns("query", "contoso"),
    )
    return QueryReader(made, row_cap=row_cap, skipping=None)


def records(events: Iterable[Event]) -> list[Record]:
    """Return the records among the events."""
    blocks = [event for event in events if isinstance(event, Block)]
    return [cast(Record, record) for block in blocks for record in block.records]


def kinds(events: Iterable[Event]) -> list[str]:
    """Return what each event is."""
    return [type(event).__name__ for event in events]


def test_truncated_answer_gives_all_but_its_newest_instant() -> None:
    """The row at the cut comes with the next answer, once."""
    events = read(
        [answer(OLD, row(1, Port=1), row(2, Port=2)), answer(OLD, row(2, Port=2))]
    )  # fmt: skip

    assert [record["Id"] for record in records(events)] == [1, 2]
    assert kinds(events) == ["Block", "WindowDone", "Block", "WindowDone"]


def test_row_has_the_same_id_in_whichever_answer_it_comes() -> None:
    """A row held back at a cut and read again is not a second one of its kind."""
    events = read([answer(OLD, row(1), row(2)), answer(OLD, row(2))])
    whole = read([answer(OLD, row(1), row(2))], row_cap=3)

    assert [r["_row_id"] for r in records(events)] == [r["_row_id"] for r in records(whole)]


def test_windows_tile_the_span() -> None:
    """No instant of the span is in no window, and none in two."""
    events = read([answer(OLD, row(1), row(2)), answer(OLD, row(2))])

    bounds = [e.window for e in events if isinstance(e, WindowDone)]
    assert bounds[0].start == START
    assert bounds[0].end == bounds[1].start
    assert bounds[1].end == START + timedelta(minutes=1)


def test_rows_out_of_order_are_not_trusted() -> None:
    """Reading on from the newest instant is only right if nothing older can follow."""
    with pytest.raises(ServiceError, match="out of order"):
        read([answer(OLD, row(2), row(1))])


@pytest.mark.parametrize("newest", ["2026-03-02T00:00:00Z", "2026-13-45T99:99:99Z"])
def test_rows_of_another_time_are_not_read_on_from(newest: str) -> None:
    """A bookmark would follow them out of the window, or to a day that there is not."""
    with pytest.raises(ServiceError, match=r"A row at 2026-.* came for a window that ends at"):
        read([answer(OLD, row(1), {**row(2), "Timestamp": newest})])


@pytest.mark.parametrize(
    ("columns", "more"),
    [
        pytest.param({**OLD, "Added": "SByte"}, {"Port": 1, "Added": 1}, id="new"),
        pytest.param({**OLD, "Port": "String"}, {"Port": "https"}, id="changed"),
    ],
)
def test_change_within_a_run_is_announced_before_the_first_row_that_needs_it(
    columns: dict[str, str], more: dict[str, Any]
) -> None:
    """A loader must know a column before a record has it."""
    events = read([answer(OLD, row(1), row(2)), answer(columns, row(2, **more))])

    assert kinds(events) == ["Block", "WindowDone", "NewSchema", "Block", "WindowDone"]
    (announced,) = [event for event in events if isinstance(event, NewSchema)]
    assert set(records(events)[-1]) == set(announced.shape.json_schema()["properties"])


def test_column_that_vanishes_within_a_run_is_null_from_then_on() -> None:
    """The schema still holds, so none is sent."""
    less = {"Timestamp": "DateTime", "Id": "Int64"}

    events = read([answer(OLD, row(1, Port=1), row(2)), answer(less, row(2))])

    assert [record["Port"] for record in records(events)] == [1, None]
    assert "NewSchema" not in kinds(events)


def test_frozen_schema_drops_what_is_new_within_a_run() -> None:
    """A loader that takes no new columns gets none."""
    columns = {**OLD, "Added": "SByte"}

    events = read([answer(OLD, row(1), row(2)), answer(columns, row(2, Added=1))], "freeze")

    assert "NewSchema" not in kinds(events)
    assert "Added" not in records(events)[-1]


@pytest.mark.parametrize("columns", [{**OLD, "A": "SByte"}, {**OLD, "Port": "String"}], ids=str)
def test_change_within_a_run_fails_where_none_is_allowed(columns: dict[str, str]) -> None:
    """The window before the change is complete, the one with it is not."""
    with pytest.raises(SchemaDriftError, match="schema_drift"):
        read([answer(OLD, row(1), row(2)), answer(columns, row(2))], "fail")


COUNTED = {"__rows": "Int64", "__checksum": "Int64"}


def counted(rows: int, checksum: int) -> QueryResult:
    """Return the count of a window's rows, and what sums up their values."""
    return answer(COUNTED, {"__rows": rows, "__checksum": checksum})


def test_rows_of_parts_are_written_when_they_are_proven() -> None:
    """The first reading is disproved by its count, and nothing of it is left."""
    columns = {"Timestamp": "DateTime", "Id": "Int64", "Bag": "Object"}
    ordered, otherwise = row(5, Bag={"a": 1, "b": 2}), row(5, Bag={"b": 2, "a": 1})
    stale = row(5, Bag={"a": 0})

    events = read(
        [
            answer(columns, *[ordered, otherwise] * 5),
            counted(10, 77),
            answer(columns, *[stale] * 5),
            answer(columns, *[otherwise] * 5),
            counted(10, 78),
            answer(columns, *[ordered] * 5),
            answer(columns, *[otherwise] * 5),
            counted(10, 78),
            answer(columns),
        ],
        row_cap=10,
    )

    assert [json.loads(record["Bag"])["a"] for record in records(events)] == [1] * 10
    assert len({record["_row_id"] for record in records(events)}) == 10


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"Bag": "", "Port": "NaN"}, {"Bag": "", "Port": None}, id="no-number"),
        pytest.param({"Bag": "\ud800"}, {"Bag": "\ud801"}, id="half-surrogates"),
        pytest.param({"Bag": None}, {"Bag": ""}, id="empty"),
    ],
)
def test_rows_of_parts_that_the_tap_cannot_tell_apart_are_two_rows(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """The service can, and so they may be in two parts; no column needs to be dynamic for it."""
    columns = {"Timestamp": "DateTime", "Id": "Int64", "Bag": "String", "Port": "Double"}
    first, second = row(5, **one), row(5, **other)

    events = read(
        [
            answer(columns, first, first, second),
            counted(3, 1),
            answer(columns, first, first),
            answer(columns, second),
            counted(3, 1),
            answer(columns),
        ],
        row_cap=3,
    )

    ids = [record["_row_id"] for record in records(events)]
    assert len(set(ids)) == len(ids) == 3


@pytest.mark.parametrize("count_row", [{}, {"Count": 3}, {"__rows": None}, {"__rows": "many"}])
def test_count_that_is_none_has_a_name(count_row: dict[str, Any]) -> None:
    """It is an answer that the service should not give, and stops its stream alone."""
    counted = answer({"__rows": "Int64"}, count_row)

    with pytest.raises(ServiceError, match="A count was answered with a row that has none"):
        read([answer(OLD, row(5), row(5), row(5)), counted], row_cap=3)


def test_silence_counts_only_in_a_row() -> None:
    """A service that answers now and then is slow, not stuck: its windows are narrowed."""
    nothing = (answer(OLD) for _ in count())

    done = [
        event
        for event in read(nothing, silent=cycle([True, True, False]))
        if isinstance(event, WindowDone)
    ]

    assert done[0].window.start == START
    assert done[-1].window.end == START + timedelta(minutes=1)


def test_service_that_is_never_heard_of_is_given_up() -> None:
    """Six calls say as much as thirty."""
    with pytest.raises(ServiceError, match="6 times in a row"):
        read((answer(OLD) for _ in count()), silent=cycle([True]))


ODD = {
    "empty": {},
    "nine-digits": row(1, Timestamp="2026-03-01T00:00:01.123456789Z"),
    "years-ago": row(1, Timestamp="2001-01-01T00:00:00Z"),
    "years-to-come": row(1, Timestamp="2040-01-01T00:00:00Z"),
    "at-the-end": row(1, Timestamp="2026-03-01T00:01:00Z"),
    "null": row(1, Timestamp=None),
}


def texts(converter: Converter, result: QueryResult, ids: RowIds) -> Iterator[Block[bytes]]:
    """Convert the quick way."""
    return BlockConverter(converter).blocks(result, ids)


@pytest.mark.parametrize("blocks_of", [plain_blocks, texts], ids=["dicts", "texts"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("others", [[], [row(0)]], ids=["alone", "last"])
def test_row_that_is_not_of_its_window_fails_the_stream(
    odd: dict[str, Any], others: list[dict[str, Any]], blocks_of: BlocksOf
) -> None:
    """The answer is not the one that was asked for, full or not; it is asked for thrice."""
    calls = OneByOne(planned(9), iter([answer(OLD, *others, odd)]))

    with pytest.raises(ServiceError, match="A row"):
        list(reader_of(blocks_of, row_cap=9).read(calls.planner, calls))

    assert calls.made[-1].tries == 3


def test_answer_to_another_question_is_asked_for_again() -> None:
    """The second one is right, and costs the window a call."""
    wrong, right = answer(OLD, row(59, Timestamp="2001-01-01T00:00:00Z")), answer(OLD, row(59))
    calls = OneByOne(planned(9), iter([wrong]), after=right)

    events = list(reader_of(plain_blocks, row_cap=9).read(calls.planner, calls))

    assert [record["Id"] for record in records(events)] == [59]
    assert [event.calls for event in events if isinstance(event, WindowDone)] == [2]


def test_answer_without_the_column_that_bounds_it_fails_the_stream() -> None:
    """None of its rows has a place in time."""
    with pytest.raises(ServiceError, match="has no column Timestamp"):
        read([answer({"Id": "Int64"}, {"Id": 1})], row_cap=9)


@pytest.mark.parametrize("rows", [0, 2])
def test_count_of_all_rows_is_one_row(rows: int) -> None:
    """A sum over nothing is zero; no row at all is another answer."""
    several = answer(COUNTED, *[{"__rows": 3, "__checksum": n} for n in range(rows)])
    calls = OneByOne(planned(2), iter([answer(OLD, row(5), row(5)), several]), sums=False)

    with pytest.raises(ServiceError, match="A count was answered with"):
        list(reader_of(plain_blocks, row_cap=2).read(calls.planner, calls))
