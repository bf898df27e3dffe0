"""The hunting service of one tenant: a query in, the service's answer out."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, Self

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.auth import token_source
from tap_m365hunting.configuration.config import QuotaSettings, Settings, Tenant
from tap_m365hunting.errors import TENANT_ERRORS, AuthenticationError, SignInError
from tap_m365hunting.instants import Instant
from tap_m365hunting.service.client import CallContext, Client
from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import DEFENDER, DEFENDER_ENDS

# Refusals in a row for want of a permission after which a tenant is taken to refuse all queries.
_MOST_FORBIDDEN: Final = 2


class TenantService:
    """One tenant's service, and the tenant's `failure` once no query can be answered any more.

    A host that has never answered is not asked again, nor a tenant that lets nobody in, as the
    failure holds for every query: no token, or one that the service refuses though it is new. A
    permission may lack for one query alone, so one of `several` tenants is given up at the first
    such refusal, the only one at the second in a row. The service `has_rows` once a query has
    brought some. `clock` tells seconds since the epoch.
    """

    def __init__(
        self, tenant: Tenant, client: Client, clock: Callable[[], float], *, several: bool = False
    ) -> None:
        self.tenant = tenant
        self.failure: SingerSDKError | None = None
        self.has_rows = False
        self._client = client
        self._read = partial(read_answer, dialect=tenant.connection.dialect)
        self._clock = clock
        self._several = several
        self._forbidden = 0

    @classmethod
    def connect(
        cls,
        tenant: Tenant,
        quotas: QuotaSettings,
        *,
        clock: Callable[[], float],
        timer: Callable[[], float],
        sleep: Callable[[float], None],
        several: bool = False,
    ) -> Self:
        """Prepare to ask a tenant; nothing is sent before the first query."""
        tokens = token_source(tenant.connection, clock=clock, sleep=sleep)
        client = Client(tenant.connection, quotas, tokens, clock=clock, timer=timer, sleep=sleep)
        return cls(tenant, client, clock, several=several)

    @property
    def tenant_id(self) -> str:
        """The tenant's id, as configured."""
        return self.tenant.tenant_id

    def run(self, text: str, context: CallContext | None = None) -> QueryResult:
        """Spend a call; the caller closes the answer.

        Raises:
            SingerSDKError: as `Client.run`, or the failure of the tenant, then no call is spent.
        """
        if self.failure:
            raise self.failure
        try:
            result = self._client.run(text, read=self._read, context=context)
        except TENANT_ERRORS as error:
            if self._holds_for_all(error):
                self.failure = error
            raise
        self._forbidden = 0
        return result

    def _holds_for_all(self, error: SingerSDKError) -> bool:
        if isinstance(error, AuthenticationError):
            self._forbidden += error.may_be_of_query
            lasting = self._several or self._forbidden == _MOST_FORBIDDEN
            return lasting or not error.may_be_of_query
        return isinstance(error, SignInError) or not self._client.reached

    def answers(self, text: str) -> bool:
        """Spend a call to see if the service answers the query."""
        try:
            with self.run(text):
                return True
        except SingerSDKError:
            return False

    @property
    def has_ended(self) -> bool:
        """Whether the API returns no data any more, though it may still answer."""
        defender = self.tenant.connection.dialect is DEFENDER
        return defender and self.now() >= Instant.parse(DEFENDER_ENDS)

    def calls_left(self) -> int:
        """Return how many calls the tenant's quotas allow at once."""
        return self._client.calls_left()

    def now(self) -> Instant:
        """Return the time."""
        return Instant.of(datetime.fromtimestamp(self._clock(), tz=UTC))


def tenant_services(
    settings: Settings,
    *,
    clock: Callable[[], float],
    timer: Callable[[], float],
    sleep: Callable[[float], None],
) -> tuple[TenantService, ...]:
    """Prepare to ask the tenants of the settings; nothing is sent before the first query."""
    return tuple(
        TenantService.connect(
            tenant,
            settings.quotas,
            clock=clock,
            timer=timer,
            sleep=sleep,
            several=settings.partitioned,
        )
        for tenant in settings.tenants
    )
