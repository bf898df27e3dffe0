"""A query with the columns named by the service, and so with its way of reading."""

from typing import Self

from msgspec import Struct

from tap_m365hunting import kql
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.configuration.config import HuntingQuery, ReadSettings
from tap_m365hunting.sync.long_retention import RunCall, asking
from tap_m365hunting.sync.resolved_query import ResolvedQuery, in_user_lines, resolve, shape_of
from tap_m365hunting.wire.dialects import CallScope
from tap_m365hunting.wire.schema import Shape


class ProbedQuery(Struct, frozen=True):
    """A query with known columns."""

    query: HuntingQuery
    shape: Shape
    verdict: kql.Verdict
    resolved: ResolvedQuery

    @classmethod
    def of(
        cls,
        query: HuntingQuery,
        read_settings: ReadSettings,
        run: RunCall,
        *,
        tenant: tuple[str, ...] = (),
    ) -> Self:
        """Ask for the columns alone, at the cost of a call and without a row.

        Raises:
            QueryRejectedError: the service refuses the query; the line is of the user's text.
        """
        probe = kql.probe(query.query)
        call = asking(run, CallScope(workspace_id=query.workspace_id))
        with in_user_lines(query.query, probe), call(probe) as answer:
            verdict, resolved = resolve(query, answer.columns)
            shape = shape_of(query, read_settings, resolved, answer.columns, tenant=tenant)
        return cls(query, shape, verdict, resolved)

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Certain and possible problems of the query."""
        missing = [
            Remark("error", f"primary_keys: the result has no column {name}")
            for name in self.shape.missing_keys
        ]
        return (*map(Remark.of, self.verdict.problems), *missing)
