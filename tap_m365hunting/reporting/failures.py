"""Streams and tenants not read whole, each with the reason."""

from msgspec import Struct
from singer_sdk.exceptions import SingerSDKError


class Failure(Struct, frozen=True):
    """A stream, a stream in a tenant, or a tenant, not read whole."""

    error: SingerSDKError
    stream: str | None = None
    tenant_id: str | None = None

    @property
    def where(self) -> str:
        """The stream, the tenant, or the stream in the tenant."""
        parts = {"stream": self.stream, "tenant": self.tenant_id}
        return " in ".join(f"{kind} {name}" for kind, name in parts.items() if name)

    def __str__(self) -> str:
        return f"{self.where}: {self.error}"
