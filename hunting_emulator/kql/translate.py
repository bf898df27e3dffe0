"""KQL to SQL, remembered.

Datetime literals are taken out of the text first: the windows of a query differ in their bounds
alone, and so are a single text to translate.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import duckdb
import duckdb_kql

from hunting_emulator.deadline import Deadline
from hunting_emulator.kql import diagnose, sql
from hunting_emulator.kql.bounds import small
from hunting_emulator.kql.calls import in_other_words
from hunting_emulator.kql.errors import KqlError, KqlUnsupportedError
from hunting_emulator.kql.exact import exact
from hunting_emulator.kql.expand import expand
from hunting_emulator.kql.has_any import together
from hunting_emulator.kql.letter_case import Spellings
from hunting_emulator.kql.library.rows import register
from hunting_emulator.kql.membership import spread
from hunting_emulator.kql.part_translator import Described
from hunting_emulator.kql.rewrite import INGESTED, Instant, prepare
from hunting_emulator.kql.stages import staged

_REMEMBERED: Final = 512
_ANY_TIME: Final = "2000-01-01T00:00:00Z"
_TWINS: Final = re.compile(r"columns '(.+?)' and '(.+?)' differ only in case")
_MOST_TWINS: Final = 20
# errors of the translator, and of the rewriting before, on texts that neither was made for
_TAKEN_FOR_GRANTED: Final = (
    AssertionError,
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
)

register()

Schema = Mapping[str, tuple[str, ...]]
Describe = Callable[["Translation", Deadline], Described]
"""Answers the names and DuckDB types of the columns of a translation."""


@dataclass(frozen=True, slots=True)
class Translation:
    """SQL with slots for the query's instants and time; `reads` are the tables read."""

    sql: str
    reads: frozenset[str]

    @property
    def ingestion(self) -> bool:
        """Whether the query asks when rows became visible."""
        return INGESTED in self.sql


@dataclass(frozen=True, slots=True)
class Statement:
    """A translation, the columns by DuckDB, and the instants of the text."""

    translation: Translation
    columns: Described
    instants: tuple[Instant, ...]

    def filled(self, now: str) -> str:
        """Return the SQL for a time of asking."""
        return sql.filled(self.translation.sql, self.instants, now=now)


Ask = Callable[[Statement], Sequence[tuple[object, ...]]]
"""Answers the rows of a statement, for queries whose columns depend on their rows."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A translation without the stages that it reads, with them, and its columns."""

    body: str
    translation: Translation
    columns: Described


def _nobody(_statement: Statement) -> Sequence[tuple[object, ...]]:
    reason = "its columns depend on its rows"
    raise KqlUnsupportedError(reason)


@dataclass(slots=True)
class _CallDesk:
    """Answers for one call; `passing` says that what was made holds for this call alone."""

    translator: "Translator"
    instants: tuple[Instant, ...]
    ask: Ask
    deadline: Deadline
    passing: bool = field(default=False)

    def columns(self, text: str) -> Described:
        known = self.translator.known(text, self)
        return [column for column in known.columns if not column[0].startswith(INGESTED)]

    def sql(self, text: str) -> str:
        return self.translator.known(text, self).body

    def stage(self, sql: str) -> str:
        return self.translator.staged(sql, self.deadline)

    def stand_in(self, columns: Sequence[str]) -> str:
        return self.translator.stand_in(columns)

    def rows(self, text: str) -> Sequence[tuple[object, ...]]:
        known = self.translator.known(text, self)
        self.passing = True
        return self.ask(Statement(known.translation, known.columns, self.instants))

    def external(self, url: str) -> str | None:
        return self.translator.externals.get(url)

    def tables(self) -> Sequence[str]:
        return sorted(self.translator.schema)


class Translator:
    """Translates against a set of tables; changed tables need another translator."""

    def __init__(
        self,
        schema: Schema,
        spellings: Spellings,
        describe: Describe,
        externals: Mapping[str, str] | None = None,
    ) -> None:
        self.schema = schema
        self.externals = externals or {}
        self._spellings = spellings
        self._describe = describe
        self._remembered: dict[str, _Known] = {}
        self._stages: dict[str, str] = {}
        self._stand_ins: dict[str, tuple[str, ...]] = {}
        self._stage_columns: dict[str, tuple[str, ...]] = {}

    def statement(
        self, text: str, ask: Ask = _nobody, deadline: Deadline | None = None
    ) -> Statement:
        """Translate a query.

        Raises:
            KqlError: the text has no translation.
            TimeoutError: the deadline came first.
        """
        if text.lstrip().startswith("."):
            raise diagnose.syntax(text)
        try:
            prepared = prepare(text, self._spellings)
            translator = _CallDesk(self, prepared.instants, ask, deadline or Deadline())
            known = self.known(prepared.text, translator)
        except duckdb_kql.KqlError as error:
            raise _said(text, error) from error
        except _TAKEN_FOR_GRANTED as error:
            reason = f"the translator fails on it with {type(error).__name__}"
            raise KqlUnsupportedError(reason) from error
        except RecursionError as error:
            reason = "it is nested too deep"
            raise KqlUnsupportedError(reason) from error
        except duckdb.Error as error:
            raise diagnose.database(text, str(error)) from error
        return Statement(known.translation, known.columns, prepared.instants)

    def known(self, text: str, translator: _CallDesk) -> _Known:
        """Translate a prepared text, or remember it."""
        found = self._remembered.get(text)
        if found is None:
            before, translator.passing = translator.passing, False
            found = self._translated(text, translator)
            if not translator.passing:
                self._remember(text, found)
            translator.passing = translator.passing or before
        return found

    def _remember(self, text: str, known: _Known) -> None:
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[text] = known

    def staged(self, statement: str, deadline: Deadline) -> str:
        """Keep a stage; the same statement has the same name."""
        name = f"__stage_{hashlib.sha256(statement.encode()).hexdigest()[:16]}"
        if name not in self._stage_columns:
            self._stages[name] = statement
            described = self._describe(self._whole(f"FROM {sql.quote(name)}"), deadline)
            self._stage_columns[name] = tuple(column for column, _ in described)
        return name

    def stand_in(self, columns: Sequence[str]) -> str:
        """Keep a name for rows that the SQL around it brings."""
        known = tuple(columns)
        name = f"__rows_{hashlib.sha256(repr(known).encode()).hexdigest()[:16]}"
        self._stand_ins[name] = known
        return name

    def _translated(self, text: str, translator: _CallDesk) -> _Known:
        rewritten = staged(spread(text, translator), translator)
        expanded, packs = expand(rewritten, translator.columns)
        expanded = in_other_words(expanded)
        ingestion = INGESTED in expanded
        schema = {
            name: [*columns, *[INGESTED] * ingestion] for name, columns in self.schema.items()
        }
        made = {**self._stage_columns, **self._stand_ins}
        schema |= {name: list(columns) for name, columns in made.items() if name in expanded}
        small(expanded)
        body = together(exact(_told_apart(expanded, schema), packs))
        translation = self._whole(body)
        if any(name in body for name in self._stand_ins):
            return _Known(body, translation, ())
        return _Known(body, translation, self._describe(translation, translator.deadline))

    def _whole(self, body: str) -> Translation:
        """Put the stages that a statement reads, and those that they read, before it."""
        wanted: set[str] = set()
        queue = [body]
        while queue:
            new = (sql.names(queue.pop()) & set(self._stages)) - wanted
            wanted |= new
            queue += [self._stages[name] for name in new]
        stages = {name: text for name, text in self._stages.items() if name in wanted}
        whole = sql.with_tables(body, stages)
        return Translation(whole, frozenset(sql.names(whole) & set(self.schema)))


def _told_apart(text: str, schema: dict[str, list[str]]) -> str:
    """Translate, marking the query's own names equal to others but for case."""
    to_sql = partial(duckdb_kql.to_sql, schema=schema, allow_write=False, query_now=_ANY_TIME)
    for _ in range(_MOST_TWINS):
        try:
            return str(to_sql(text))
        except duckdb_kql.KqlSchemaError as error:
            found = _TWINS.search(str(error))
            if found is None:
                raise
            text = prepare(text, Spellings.of(found.groups())).text
    reason = "it has too many names that differ only in case"
    raise KqlUnsupportedError(reason)


def _said(text: str, error: duckdb_kql.KqlError) -> KqlError:
    if isinstance(error, duckdb_kql.KqlSyntaxError):
        return diagnose.syntax(text)
    if isinstance(error, duckdb_kql.KqlUnsupportedError):
        return diagnose.unsupported(text, error.construct)
    return diagnose.schema(text, error)
