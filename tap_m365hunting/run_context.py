"""The context of a run, shared by its streams."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from tap_m365hunting.configuration.config import ReadSettings
from tap_m365hunting.reporting.progress import Progress
from tap_m365hunting.reporting.reports import WindowReport
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.oldest_first import OldestFirst
from tap_m365hunting.sync.prefetch import Prefetch
from tap_m365hunting.wire.schema import TENANT_ID, TENANT_NAME


class Run(Struct, frozen=True):
    """Settings and tenants of a run, calls made ahead, and the receiver of finished windows.

    `flush_state` writes a STATE at once.

    `partitioned` means several tenants, by name: state and records name the tenant.
    """

    read_settings: ReadSettings
    services: tuple[TenantService, ...]
    partitioned: bool
    prefetch: Prefetch
    report: Callable[[WindowReport], None]
    progress: Progress
    flush_state: Callable[[], None]
    oldest_first: OldestFirst = field(default_factory=OldestFirst)

    @property
    def tenant_columns(self) -> tuple[str, ...]:
        """The columns for a record's tenant."""
        if not self.partitioned:
            return ()
        named = any(service.tenant.name is not None for service in self.services)
        return (TENANT_ID, TENANT_NAME) if named else (TENANT_ID,)

    @staticmethod
    def cells(service: TenantService) -> Mapping[str, str | None]:
        """Return the values of those columns for a tenant."""
        return {TENANT_ID: service.tenant_id, TENANT_NAME: service.tenant.name}
