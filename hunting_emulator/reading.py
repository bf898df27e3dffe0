"""A query read: translated, judged by Microsoft's parser where installed, and its columns.

Pure, but for the look-ups of translator and parser.
"""

from dataclasses import dataclass

from duckdb_kql.types import kusto_type

from hunting_emulator.deadline import Deadline
from hunting_emulator.kql import complaints, sql
from hunting_emulator.kql.bounds import bounded
from hunting_emulator.kql.errors import KqlError, KqlUnsupportedError
from hunting_emulator.kql.letter_case import unmarked
from hunting_emulator.kql.rewrite import INGESTED
from hunting_emulator.kql.translate import Ask, Statement, Translator
from hunting_emulator.parser.judge import Judge, Verdict
from hunting_emulator.tables import Column


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement, the columns of its result, and the SQL that brings each of them out."""

    statement: Statement
    columns: tuple[Column, ...]
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads queries over one set of tables; without a judge, the translator decides alone."""

    translator: Translator
    judge: Judge | None

    def read(self, kql: str, ask: Ask, deadline: Deadline) -> Reading:
        """Read a query; `ask` answers the rows of a part of it, where columns depend on them.

        Raises:
            KqlError: the parser or the translator refuses it.
            TimeoutError: the deadline came first.
        """
        bounded(kql, self.translator.schema)
        verdict = self._verdict(kql, deadline)
        try:
            statement = self.translator.statement(kql, ask, deadline)
        except KqlError as error:
            raise self.told(error, kql) from error
        return Reading(statement, *_columns(statement, verdict))

    def told(self, error: KqlError, kql: str) -> KqlError:
        """Return the error to tell: what the parser takes, only the emulator refuses."""
        if isinstance(error, KqlUnsupportedError) or self._verdict(kql, Deadline()) is None:
            return error
        return KqlUnsupportedError(str(error))

    def _verdict(self, kql: str, deadline: Deadline) -> Verdict | None:
        """Ask the parser, and raise what it complains of."""
        if self.judge is None:
            return None
        text = complaints.judged(kql)
        with deadline.held():
            verdict = self.judge.verdict(text, deadline)
        deadline.check()
        refusal = verdict and complaints.refusal(text, verdict)
        if refusal:
            raise refusal
        return verdict


def _columns(
    statement: Statement, verdict: Verdict | None
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns and the SQL for each, with the parser's names and types if it has any."""
    shown = [(name, kind) for name, kind in statement.columns if not name.startswith(INGESTED)]
    ours = [Column(unmarked(name), kusto_type(kind)) for name, kind in shown]
    known = [Column(*column) for column in verdict.columns] if verdict else []
    columns = known if len(known) == len(ours) else ours
    columns = [
        column if column.type in sql.CONVERTED else Column(column.name, own.type)
        for column, own in zip(columns, ours, strict=True)
    ]
    chosen = [
        sql.selected(name, kind) if column.type == own.type else sql.converted(name, column.type)
        for (name, kind), column, own in zip(shown, columns, ours, strict=True)
    ]
    return tuple(columns), tuple(chosen)
