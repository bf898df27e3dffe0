"""KQL to SQL, remembered.

Pure. The text's datetime literals are taken out first, so that the windows of one query, which
differ in their bounds alone, are one text to translate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import duckdb_kql

from hunting_emulator.kql import diagnose, sql
from hunting_emulator.kql.rewrite import INGESTED, Instant, prepare
from hunting_emulator.kql.tokens import tokenize

_REMEMBERED: Final = 512
_ANY_TIME: Final = "2000-01-01T00:00:00Z"

Schema = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with slots for the query's instants and its time."""

    sql: str
    instants: tuple[Instant, ...]
    reads: frozenset[str]
    ingestion: bool

    def filled(self, now: str) -> str:
        """Return the SQL for one time of asking."""
        return sql.filled(self.sql, self.instants, now=now)


class Translator:
    """Translates against one set of tables; make another when they change."""

    def __init__(self, schema: Schema, aliases: Mapping[str, str]) -> None:
        self._schema = schema
        self._aliases = aliases
        self._remembered: Callable[[str], str] = lru_cache(_REMEMBERED)(self._translate)

    def statement(self, text: str) -> Statement:
        """Translate a query.

        Raises:
            KqlError: the text has no translation.
        """
        prepared = prepare(text, self._aliases)
        try:
            translated = self._remembered(prepared.text)
        except duckdb_kql.KqlError as error:
            raise _said(text, error) from error
        used = sql.names(translated)
        return Statement(
            translated,
            prepared.instants,
            frozenset(used & set(self._schema)),
            INGESTED in used,
        )

    def _translate(self, text: str) -> str:
        schema = {name: list(columns) for name, columns in self._schema.items()}
        if any(token.text == INGESTED for token in tokenize(text)):
            schema = {name: [*columns, INGESTED] for name, columns in schema.items()}
        return sql.exact(
            str(
                duckdb_kql.to_sql(
                    text,
                    schema=schema,
                    allow_write=False,
                    query_now=_ANY_TIME,
                )
            )
        )


def _said(text: str, error: duckdb_kql.KqlError) -> Exception:
    if isinstance(error, duckdb_kql.KqlSyntaxError):
        return diagnose.syntax(text)
    if isinstance(error, duckdb_kql.KqlUnsupportedError):
        return diagnose.unsupported(text, error.construct)
    return diagnose.schema(text, error)
