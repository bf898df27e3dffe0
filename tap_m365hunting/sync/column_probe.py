"""Asks for the columns of queries alone, for many queries at the same time."""

from collections.abc import Iterable, Sequence
from typing import Final

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery
from tap_m365hunting.errors import AuthenticationError, QueryRejectedError, WindowTooLargeError
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.prefetch import OpenCall, Prefetch
from tap_m365hunting.sync.resolved_query import in_user_lines
from tap_m365hunting.wire.dialects import CallScope
from tap_m365hunting.wire.schema import Column

# A service that refuses a probe without rows has no window to narrow, and may be too busy for now.
TRIES: Final = 4
# Where so many tenants refuse or leave a probe unanswered, the query or the service is at fault.
# Tenants that let nobody in, or lack the table, do not count: many may have no licence for it.
REFUSALS: Final = 3


class Probes:
    """The columns of queries, each from the first tenant with an answer."""

    def __init__(
        self, queries: Iterable[HuntingQuery], services: Sequence[TenantService], prefetch: Prefetch
    ) -> None:
        self._services = services
        self._prefetch = prefetch
        self._first = {query.name: _Probe(query, services[0], prefetch) for query in queries}
        prefetch.expect(self._first.values())

    def columns(self, query: HuntingQuery) -> Sequence[Column]:
        """Return the columns of a query, best in the order of the queries.

        Raises:
            QueryRejectedError: the service refuses the query.
            SingerSDKError: no tenant answers; the reason is the first tenant's.
        """
        refusals = list[SingerSDKError]()
        for probe in self._of_each_site(query):
            try:
                return probe.columns()
            except SingerSDKError as error:  # of this tenant, which is told so when it is read
                refusals.append(error)
            if sum(map(_is_of_all, refusals)) == REFUSALS:
                break
        raise next((e for e in refusals if isinstance(e, QueryRejectedError)), refusals[0])

    def _of_each_site(self, query: HuntingQuery) -> "Iterable[_Probe]":
        yield self._first[query.name]
        for service in self._services[1:]:
            if not service.failure:
                yield _Probe(query, service, self._prefetch)


def _is_of_all(error: SingerSDKError) -> bool:
    """Say if other tenants are likely to raise the same error."""
    lacks_table = isinstance(error, QueryRejectedError) and error.table is not None
    return not isinstance(error, AuthenticationError) and not lacks_table


class _Probe:
    """A probe of a query in one tenant."""

    def __init__(self, query: HuntingQuery, service: TenantService, prefetch: Prefetch) -> None:
        self._query = query.query
        self._text = kql.probe(query.query)
        self._scope = CallScope(workspace_id=query.workspace_id)
        self._service = service
        self._prefetch = prefetch
        self._call: OpenCall | None = None

    @property
    def tenant_id(self) -> str:
        """The tenant with the quotas for the call."""
        return self._service.tenant_id

    def next_call(self) -> OpenCall | None:
        """Return the call, once."""
        if self._call:
            return None
        self._call = OpenCall(self._text, self._service.run, self._scope)
        return self._call

    def columns(self, tries: int = TRIES) -> Sequence[Column]:
        """Wait for the answer; errors are those of `Client.run`."""
        try:
            with in_user_lines(self._query, self._text), self._wanted().answer() as answer:
                return answer.columns
        except WindowTooLargeError:
            if tries == 1:
                raise
        finally:
            self._leave()
        return self.columns(tries - 1)

    def _wanted(self) -> OpenCall:
        self._prefetch.turn(self)
        self._prefetch.fill()
        if self._call is None:
            self._prefetch.need(self)
        if self._call is None:
            raise LookupError(self._text)
        return self._call

    def _leave(self) -> None:
        if self._call:
            self._prefetch.done(self._call)
        self._prefetch.leave(self, ())
        self._call = None
