"""KQL to SQL, remembered.

The text's datetime literals are taken out first, so that the windows of one query, which differ
in their bounds alone, are one text to translate.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import duckdb
import duckdb_kql

from hunting_emulator.kql import diagnose, sql
from hunting_emulator.kql.calls import in_other_words
from hunting_emulator.kql.errors import KqlError, KqlUnsupportedError
from hunting_emulator.kql.exact import exact
from hunting_emulator.kql.expand import expand
from hunting_emulator.kql.rewrite import INGESTED, Instant, prepare
from hunting_emulator.kql.twins import Spellings

_REMEMBERED: Final = 512
_ANY_TIME: Final = "2000-01-01T00:00:00Z"
_TWINS: Final = re.compile(r"columns '(.+?)' and '(.+?)' differ only in case")
_MOST_TWINS: Final = 20

Schema = Mapping[str, tuple[str, ...]]
Described = Sequence[tuple[str, str]]
Describe = Callable[["Translation"], Described]
"""Answers the names and DuckDB types of the columns of a translation."""


@dataclass(frozen=True, slots=True)
class Translation:
    """SQL with slots for the query's instants and its time; `reads` are the tables it reads."""

    sql: str
    reads: frozenset[str]

    @property
    def ingestion(self) -> bool:
        """Whether it asks when rows became visible."""
        return INGESTED in self.sql


@dataclass(frozen=True, slots=True)
class Statement:
    """A translation, its columns as DuckDB has them, and the instants of one text."""

    translation: Translation
    columns: Described
    instants: tuple[Instant, ...]

    def filled(self, now: str) -> str:
        """Return the SQL for one time of asking."""
        return sql.filled(self.translation.sql, self.instants, now=now)


class Translator:
    """Translates against one set of tables; make another when they change."""

    def __init__(self, schema: Schema, spellings: Spellings, describe: Describe) -> None:
        self._schema = schema
        self._spellings = spellings
        self._describe = describe
        self._remembered: dict[str, tuple[Translation, Described]] = {}

    def statement(self, text: str) -> Statement:
        """Translate a query.

        Raises:
            KqlError: the text has no translation.
        """
        if text.lstrip().startswith("."):
            raise diagnose.syntax(text)
        prepared = prepare(text, self._spellings)
        try:
            translation, columns = self._known(prepared.text)
        except duckdb_kql.KqlError as error:
            raise _said(text, error) from error
        except AssertionError as error:  # what the translator takes for granted, and is not so
            construct = "a function that takes a table"
            raise KqlUnsupportedError(construct) from error
        except duckdb.Error as error:
            raise diagnose.database(text, str(error)) from error
        return Statement(translation, columns, prepared.instants)

    def _known(self, text: str) -> tuple[Translation, Described]:
        found = self._remembered.get(text)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[text] = self._translated(text)
        return found

    def _translated(self, text: str) -> tuple[Translation, Described]:
        expanded, packs = expand(text, self._columns)
        expanded = in_other_words(expanded)
        ingestion = INGESTED in expanded
        schema = {
            name: [*columns, *[INGESTED] * ingestion] for name, columns in self._schema.items()
        }
        translated = exact(_told_apart(expanded, schema), packs)
        translation = Translation(translated, frozenset(sql.names(translated) & set(schema)))
        return translation, self._describe(translation)

    def _columns(self, text: str) -> Described:
        return [column for column in self._known(text)[1] if column[0] != INGESTED]


def _told_apart(text: str, schema: dict[str, list[str]]) -> str:
    """Translate, marking names of the query's own that differ only in case."""
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
