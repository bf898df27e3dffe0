"""Asks for the columns of queries alone, for many queries at the same time."""

from collections.abc import Iterable, Sequence
from typing import Final

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery
from tap_m365hunting.errors import AuthenticationError, QueryRejectedError, WindowTooLargeError
from tap_m365hunting.sync.prefetch import Lookahead, OpenCall
from tap_m365hunting.sync.resolved_query import in_user_lines
from tap_m365hunting.sync.sites import Site
from tap_m365hunting.wire.schema import Column

# What refuses to answer without rows has no window to narrow; it may be too busy for now.
TRIES: Final = 4
# What so many refuse or leave unanswered, the query or the service is to blame for. Tenants that
# let nobody in, or lack the table, do not count: of fifty many may have no licence for it.
REFUSALS: Final = 3


class Probes:
    """The columns of queries, each asked of the first of the tenants that tells."""

    def __init__(
        self, queries: Iterable[HuntingQuery], sites: Sequence[Site], lookahead: Lookahead
    ) -> None:
        self._sites = sites
        self._lookahead = lookahead
        self._first = {query.name: _Probe(query.query, sites[0], lookahead) for query in queries}
        lookahead.expect(self._first.values())

    def columns(self, query: HuntingQuery) -> Sequence[Column]:
        """Return the columns of one of the queries, best in their order.

        Raises:
            QueryRejectedError: the service refuses the query.
            SingerSDKError: no tenant answers; it says why the first of them does not.
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
        for site in self._sites[1:]:
            if not site.failure:
                yield _Probe(query.query, site, self._lookahead)


def _is_of_all(error: SingerSDKError) -> bool:
    """Say if an error is likely to be that of other tenants, too."""
    lacks_table = isinstance(error, QueryRejectedError) and error.table is not None
    return not isinstance(error, AuthenticationError) and not lacks_table


class _Probe:
    """One query asked of one tenant."""

    def __init__(self, query: kql.Query, site: Site, lookahead: Lookahead) -> None:
        self._query = query
        self._text = kql.probe(query)
        self._site = site
        self._lookahead = lookahead
        self._call: OpenCall | None = None

    @property
    def tenant_id(self) -> str:
        """Whose quotas the call spends."""
        return self._site.tenant_id

    def next_call(self) -> OpenCall | None:
        """Return the call, once."""
        if self._call:
            return None
        self._call = OpenCall(self._text, self._site.run)
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
        self._lookahead.turn(self)
        self._lookahead.fill()
        if self._call is None:
            self._lookahead.need(self)
        if self._call is None:
            raise LookupError(self._text)
        return self._call

    def _leave(self) -> None:
        if self._call:
            self._lookahead.done(self._call)
        self._lookahead.leave(self, ())
        self._call = None
