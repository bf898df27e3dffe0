"""The tenants as a run reaches them."""

from collections.abc import Callable

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.configuration.config import Settings, Tenant
from tap_m365hunting.errors import AuthenticationError, SignInError
from tap_m365hunting.instants import Instant
from tap_m365hunting.service.client import Errand
from tap_m365hunting.service.tenant_service import HuntingService
from tap_m365hunting.wire.answer import Answer


class Site:
    """One tenant: its service, and why it can no longer be read, if it cannot.

    One of `several` that lets nobody in is not asked again: its failure holds for every query.
    """

    def __init__(self, tenant: Tenant, service: HuntingService, *, several: bool = False) -> None:
        self.tenant = tenant
        self.failure: SingerSDKError | None = None
        self._service = service
        self._several = several

    @property
    def tenant_id(self) -> str:
        """The tenant's id, as it is configured."""
        return self.tenant.tenant_id

    def run(self, text: str, errand: Errand | None = None) -> Answer:
        """Spend a call, as `HuntingService.run` does, unless the tenant has failed."""
        if self.failure:
            raise self.failure
        try:
            return self._service.run(text, errand)
        except (AuthenticationError, SignInError) as error:
            if self._several:
                self.failure = error
            raise

    def answers(self, text: str) -> bool:
        """Spend a call to see if the service answers it."""
        try:
            with self.run(text):
                return True
        except SingerSDKError:
            return False

    def calls_left(self) -> int:
        """Return how many calls the tenant's quotas allow at once."""
        return self._service.calls_left()

    def now(self) -> Instant:
        """Return the time."""
        return self._service.now()


def sites_of(
    settings: Settings, *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> tuple[Site, ...]:
    """Reach the tenants of the settings; nothing is sent before the first query."""
    return tuple(
        Site(
            tenant,
            HuntingService.connect(tenant.connection, settings.rations, clock=clock, sleep=sleep),
            several=settings.partitioned,
        )
        for tenant in settings.tenants
    )
