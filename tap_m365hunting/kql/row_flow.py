"""Rows followed through a query: the columns at its end, and the obstacles to windows.

Pure. Names bound by `let`, function bodies, union branches, parentheses and `materialize` are
followed; rows beside the flow (right sides of joins, `toscalar`, lists for `in`) are not.

Theory, by one query:

    let recent = DeviceEvents | top 100 by Timestamp;
    recent | extend Day = bin(Timestamp, 1d) | project Timestamp, Day

`recent` is bound to a flow with open columns and one finding, `top`. `extend` adds `Day` with an
origin (a bin of one day), `project` closes the columns to `Timestamp` and `Day`. At the end
`Timestamp` may be a cursor, and the finding says why windows over the cursor are wrong: the hundred
rows would be other rows in each window.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.columns import PLAIN, Columns
from tap_m365hunting.kql.entries import items
from tap_m365hunting.kql.expressions import calls, declared, made
from tap_m365hunting.kql.flow_types import (
    Argument,
    Finding,
    Flow,
    Function,
    Group,
    Scope,
    finding,
    lacking,
)
from tap_m365hunting.kql.joins import JoinContext, join, union
from tap_m365hunting.kql.layered import Layered
from tap_m365hunting.kql.literals import timespan_text
from tap_m365hunting.kql.names import definition, function_at, label, matching, quoted_name, source
from tap_m365hunting.kql.projections import after_projection
from tap_m365hunting.kql.query import Query, TokenSpan
from tap_m365hunting.kql.row_identity import after
from tap_m365hunting.kql.stages import (
    Stage,
    Step,
    columns_after,
    groups_of,
    parts_of,
    row_values,
    stage_at,
)
from tap_m365hunting.kql.verdict import OTHER, WHOLE

# Parentheses nest less deep than this (statements.MAX_DEPTH), so only functions can reach it.
_MAX_DEPTH: Final = 80
_MAX_CALLS: Final = 500


class RowFlow:
    """One walk through one query, with an eye on the `watched` names."""

    def __init__(self, query: Query, watched: frozenset[str]) -> None:
        self._query = query
        self._watched = watched
        self._depth = 0
        self._calls = 0

    def result(self) -> Flow:
        """Return the rows at the query's end."""
        return self._last(self._query.leading, self._query.final, Layered())

    # Statements and names

    def _last(
        self, leading: Sequence[TokenSpan], final: TokenSpan, names: Layered[Flow | Function]
    ) -> Flow:
        seen = Scope(names)
        for span in leading:
            defined = definition(self._query, span)
            if defined:
                seen.bind(defined.name, self._bound(defined.value, seen))
        return self._rows(final, seen)

    def _bound(self, value: TokenSpan, names: Scope) -> Flow | Function:
        function = function_at(self._query, value.start)
        if function is None:
            return self._rows(value, names)
        given, body = function
        pieces = self._query.split(given, ",")
        parameters = dict(self._parameter(piece) for piece in pieces if piece)
        view = self._query.name_at(value.start) == "view"
        return Function(parameters, body, names.names, view)

    def _parameter(self, span: TokenSpan) -> tuple[str, bool]:
        """Return the name, and whether rows are meant: `T: (*)` means rows, `n: long` does not."""
        name, *kind = self._query.split(span, ":")
        return label(self._query, name), any(self._query.is_sign(k.start, "(") for k in kind)

    def _arguments(self, span: TokenSpan | None, names: Scope) -> Iterator[Argument]:
        for item in items(self._query, span) if span else ():
            name = item.names[0] if item.names else None
            yield Argument(self._rows(item.value, names), name)

    def _call(self, function: Function, arguments: Iterable[Argument], stage: Stage) -> Flow:
        self._calls += 1
        statements = [span for span in self._query.split(function.body, ";") if span]
        if self._calls > _MAX_CALLS or not statements:
            return Flow().met([finding(stage, operators.TOO_DEEP)])
        names = function.names.plus(_given(function.parameters, arguments))
        return self._last(statements[:-1], statements[-1], names)

    # Pipelines

    def _rows(self, span: TokenSpan, names: Scope) -> Flow:
        """Follow the rows of a tabular expression."""
        stages = self._query.split(span, "|")
        if self._depth > _MAX_DEPTH or not all(stages):
            return self._unreadable(next((stage for stage in stages if not stage), span))
        self._depth += 1
        flow = self._source(stages[0], names)
        for stage in stages[1:]:
            flow = self._after(stage_at(self._query, stage), flow, names)
        self._depth -= 1
        return flow

    def _unreadable(self, span: TokenSpan) -> Flow:
        index = min(max(span.start - 1, 0), len(self._query.tokens) - 1)
        stage = Stage(self._query.tokens[index].text, index, span)
        if self._depth > _MAX_DEPTH:
            return Flow().met([finding(stage, operators.TOO_DEEP)])
        return Flow().met([finding(stage, operators.NOTHING_THERE, fatal=True)])

    def _after(self, stage: Stage, flow: Flow, names: Scope) -> Flow:
        special: Mapping[str, Callable[[Stage, Flow, Scope], Flow]] = {
            "as": self._as,
            "evaluate": self._evaluate,
            "invoke": self._invoke,
        }
        if stage.operator in special:
            return special[stage.operator](stage, flow, names)
        if stage.operator == "union":
            return union(self._side(names), stage, flow)
        if stage.operator in ("join", "lookup"):
            joined = join(self._side(names), stage, flow)
            return replace(joined, identity=replace(joined.identity, additive=False))
        step = Step(self._query, stage.rest, flow.columns, self._watched)
        columns = columns_after(stage, step)
        if flow.divided:
            made = parts_of(stage, self._query)
            flow = flow.renewed({name: parts - names.names.keys() for name, parts in made.items()})
        rounded = groups_of(stage, self._query, flow.columns)
        groups = [Group(stage, origin) for origin in rounded if origin.bin or origin.uneven]
        identity = after(stage, self._query, flow.identity, flow.columns)
        flow = after_projection(stage, step, flow, columns)
        flow = replace(flow.to(columns), identity=identity)
        return flow.grouped(groups).met(self._judge(stage, columns))

    def _judge(self, stage: Stage, columns: Columns) -> Iterator[Finding]:
        message = operators.REFUSED.get(stage.operator)
        bins = _bins(columns) if stage.operator == "summarize" else []
        if message and bins:
            yield finding(stage, operators.BINS.format(bin=timespan_text(min(bins))))
        elif message:
            yield finding(stage, message, fatal=message == operators.SEVERAL_RESULTS)
        elif stage.operator not in operators.ROW_WISE:
            yield finding(stage, operators.UNKNOWN)
        for call in calls(self._query, row_values(stage, self._query)):
            if call.name in operators.NEIGHBOURS:
                index = call.index
                written = self._query.name_at(index) or quoted_name(self._query, index + 1)
                yield finding(Stage(written, index, stage.rest), operators.OTHER_ROWS)

    # Operators that bring in other rows

    def _as(self, stage: Stage, flow: Flow, names: Scope) -> Flow:
        names.bind(label(self._query, stage.rest), flow)
        return flow

    def _evaluate(self, stage: Stage, flow: Flow, names: Scope) -> Flow:
        del names
        plugin = self._query.name_at(stage.rest.start)
        if plugin not in operators.ROW_WISE_PLUGINS:
            named = Stage(f"evaluate {plugin}", stage.index, stage.rest)
            return replace(flow, identity=OTHER).met([finding(named, operators.UNKNOWN)])
        declared = any(self._query.is_sign(i, ":") for i in self._query.top_level(stage.rest))
        if declared or plugin != "bag_unpack":
            return flow
        warning = finding(stage, operators.PLUGIN_COLUMNS, warning=True)
        return flow.to(replace(flow.columns, rest=True)).met([warning])

    def _invoke(self, stage: Stage, flow: Flow, names: Scope) -> Flow:
        called = source(self._query, stage.rest)
        function = names.names.get(called.name) if called and not called.qualified else None
        if called and isinstance(function, Function):
            others = self._arguments(called.arguments, names)
            return self._call(function, (Argument(flow), *others), stage)
        name = called.name if called else self._query.name_at(stage.rest.start)
        named = Stage(f"invoke {name}", stage.index, stage.rest)
        stored = finding(named, operators.STORED_FUNCTION, warning=True)
        return replace(flow, identity=OTHER).met([stored])

    # Sources

    def _source(self, span: TokenSpan, names: Scope) -> Flow:
        """Follow the rows from the source of a pipeline."""
        stage = stage_at(self._query, span)
        if self._query.is_sign(span.start, "("):
            return self._rows(TokenSpan(span.start + 1, self._query.closing[span.start]), names)
        if stage.operator in operators.SOURCES_REFUSED:
            message = operators.SOURCES_REFUSED[stage.operator]
            return Flow().met([finding(stage, message)])
        if stage.operator in ("union", "materialize", "evaluate"):
            return self._built_in(stage, names)
        made_here = self._made_here(stage)
        return Flow(made_here) if made_here else self._named(stage, span, names)

    def _built_in(self, stage: Stage, names: Scope) -> Flow:
        if stage.operator == "union":
            return union(self._side(names), stage)
        if stage.operator == "evaluate":
            return self._evaluate(stage, Flow(), names)
        return self._rows(self._query.split(self._inside(stage), ",")[0], names)

    def _made_here(self, stage: Stage) -> Columns | None:
        """Return the columns of rows written in the query, or read from a file."""
        if stage.operator == "print":
            new = made(self._query, stage.rest, Columns())
            return Columns().only(new.known, new.maybe)
        if stage.operator == "range":
            return Columns().only({self._query.name_at(stage.rest.start): PLAIN})
        if stage.operator in ("datatable", "externaldata"):
            return Columns().only(dict.fromkeys(declared(self._query, self._inside(stage)), PLAIN))
        return None

    def _inside(self, stage: Stage) -> TokenSpan:
        """Return the span in the brackets after the operator."""
        return TokenSpan(
            stage.rest.start + 1, self._query.closing.get(stage.rest.start, stage.rest.end)
        )

    def _named(self, stage: Stage, span: TokenSpan, names: Scope) -> Flow:
        """Follow a table, a function, or a name bound by `let`."""
        called = source(self._query, span)
        if called is None:
            return Flow().met([finding(stage, operators.UNKNOWN)])
        bound = None if called.qualified else names.names.get(called.name)
        if isinstance(bound, Flow):
            return bound
        if isinstance(bound, Function):
            return self._call(bound, self._arguments(called.arguments, names), stage)
        if called.arguments is not None:
            function = Stage(called.name, called.index, stage.rest)
            return Flow().met([finding(function, operators.STORED_FUNCTION, warning=True)])
        if called.is_pattern:
            timeless = self._timeless(Stage(called.name, called.index, stage.rest))
            return Flow(timed=True).met(timeless)
        gone = operators.CURSORS if called.name in operators.TIMELESS_TABLES else ()
        return Flow(Columns().plus(dict.fromkeys(gone)), identity=WHOLE, timed=not gone)

    def _timeless(self, stage: Stage) -> Iterator[Finding]:
        """Say if a pattern means tables without time."""
        for table in matching(stage.operator, sorted(operators.TIMELESS_TABLES))[:1]:
            message = operators.TIMELESS_TABLE.format(table=table)
            for name in self._watched.intersection(operators.CURSORS):
                yield lacking(stage, message, name)

    def _branches(self, span: TokenSpan, names: Scope) -> Iterator[Flow]:
        """Follow an operand of `union`: the rows of an expression, or views meant by a pattern."""
        yield self._rows(span, names)
        named = source(self._query, span)
        if named and named.is_pattern and not named.qualified:
            stage = Stage(named.name, span.start, span)
            for name in matching(named.name, names.names):
                view = names.names[name]
                if isinstance(view, Function) and view.view:
                    yield self._call(view, (), stage)

    def _side(self, names: Scope) -> JoinContext:
        return JoinContext(
            self._query,
            self._watched,
            lambda span: self._rows(span, names),
            lambda span: self._branches(span, names),
        )


def _bins(columns: Columns) -> list[timedelta]:
    return [origin.bin for _, origin in columns.known() if origin.bin]


def _given(parameters: Mapping[str, bool], arguments: Iterable[Argument]) -> dict[str, Flow]:
    """Return the rows bound to each parameter; scalars are not looked at."""
    pieces = list(arguments)
    named = {piece.name: piece.rows for piece in pieces if piece.name}
    in_place = (piece.rows for piece in pieces if not piece.name)
    rows = {name: named.get(name) or next(in_place, Flow()) for name in parameters}
    return {name: rows[name] if takes_rows else Flow() for name, takes_rows in parameters.items()}
