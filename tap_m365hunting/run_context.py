"""What the streams of one run share."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from tap_m365hunting.configuration.config import Reading
from tap_m365hunting.reporting.progress import Progress
from tap_m365hunting.reporting.reports import WindowReport
from tap_m365hunting.sync.prefetch import Lookahead
from tap_m365hunting.sync.sites import Site
from tap_m365hunting.wire.schema import TENANT_ID, TENANT_NAME


class Run(Struct, frozen=True):
    """Settings and tenants, whose calls are made ahead, and where finished windows are told.

    With `partitioned` the tenants are many, by name: state and records say whose they are.
    """

    reading: Reading
    sites: tuple[Site, ...]
    partitioned: bool
    lookahead: Lookahead
    report: Callable[[WindowReport], None]
    progress: Progress

    @property
    def tenant_columns(self) -> tuple[str, ...]:
        """The columns that tell whose a record is."""
        if not self.partitioned:
            return ()
        named = any(site.tenant.name is not None for site in self.sites)
        return (TENANT_ID, TENANT_NAME) if named else (TENANT_ID,)

    @staticmethod
    def cells(site: Site) -> Mapping[str, str | None]:
        """Return what those columns hold for a tenant."""
        return {TENANT_ID: site.tenant_id, TENANT_NAME: site.tenant.name}
