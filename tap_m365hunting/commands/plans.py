"""The plan of the next run: for each tenant and stream windows, rows, calls and minutes.

Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.commands.simulation import minutes, together
from tap_m365hunting.configuration.config import QuotaSettings
from tap_m365hunting.planning.windows import TimeWindow

#: A run asks for a stream's columns first, unless a catalog tells them.
PROBE: Final = 1


class StreamPlan(Struct, frozen=True):
    """The plan for a stream; `error` is the reason for having no plan.

    `note` is the reason why the bookmark in the state does not count, if so. Calls include `probes`
    for the columns. `bins` are the rows over time, in bins of the same width but for the outer
    bins. `warnings` are those of `check`.
    """

    name: str
    tenant_id: str
    rows: int = 0
    probes: int = 0
    calls: int = 0
    minutes: float = 0.0
    windows: tuple[tuple[TimeWindow, int], ...] = ()
    bins: tuple[tuple[TimeWindow, int], ...] = ()
    error: str | None = None
    note: str | None = None
    warnings: tuple[str, ...] = ()

    def probed(self, quotas: QuotaSettings) -> Self:
        """Return the plan of a run with a probe for the stream's columns."""
        calls = self.calls + PROBE
        takes = minutes(calls, quotas, first=PROBE)
        return replace(self, probes=PROBE, calls=calls, minutes=takes)

    def to_json(self) -> dict[str, object]:
        """Return the entry of `streams`; `error`, `note` and `warnings` only if there is one."""
        return {
            "name": self.name,
            "tenant_id": self.tenant_id,
            "rows": self.rows,
            "calls": self.calls,
            "minutes": round(self.minutes, 2),
            "windows": [
                {"start": str(window.start), "end": str(window.end), "rows": rows}
                for window, rows in self.windows
            ],
            "bins": [{"start": str(bin_.start), "rows": rows} for bin_, rows in self.bins],
            **({"error": self.error} if self.error else {}),
            **({"note": self.note} if self.note else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }


class TenantPlan(Struct, frozen=True):
    """The plan for a tenant; `error` is the reason why the tenant takes no call.

    Streams share the tenant's quotas, so their minutes do not add up.
    """

    tenant_id: str
    streams: tuple[StreamPlan, ...]
    minutes: float
    name: str | None = None
    error: str | None = None

    @classmethod
    def of(
        cls,
        tenant_id: str,
        streams: Iterable[StreamPlan],
        quotas: QuotaSettings,
        *,
        name: str | None = None,
        error: str | None = None,
    ) -> Self:
        """Sum up the streams of a tenant."""
        planned = tuple(streams)
        calls, probes = sum(s.calls for s in planned), sum(s.probes for s in planned)
        return cls(tenant_id, planned, minutes(calls, quotas, first=probes), name, error)

    def probed(self, quotas: QuotaSettings) -> Self:
        """Return the plan of a run with probes in the tenant."""
        streams = [stream.probed(quotas) for stream in self.streams]
        return self.of(self.tenant_id, streams, quotas, name=self.name, error=self.error)

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(stream.rows for stream in self.streams)

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(stream.calls for stream in self.streams)

    @property
    def ok(self) -> bool:
        """Whether every stream could be planned."""
        return not self.error and not any(stream.error for stream in self.streams)

    def to_json(self) -> dict[str, object]:
        """Return the entry of `tenants`; `name` and `error` only if set."""
        return {
            "tenant_id": self.tenant_id,
            **({"name": self.name} if self.name else {}),
            "rows": self.rows,
            "calls": self.calls,
            "minutes": round(self.minutes, 2),
            **({"error": self.error} if self.error else {}),
        }


def with_probes(tenants: Sequence[TenantPlan], quotas: QuotaSettings) -> list[TenantPlan]:
    """Return the plans of a run without a catalog: the first tenant to take calls is probed."""
    asked = next((tenant for tenant in tenants if not tenant.error), None)
    return [tenant.probed(quotas) if tenant is asked else tenant for tenant in tenants]


class Plan(Struct, frozen=True):
    """The plan of the next run; `partitioned` marks tenants given as a list."""

    tenants: tuple[TenantPlan, ...]
    minutes: float
    partitioned: bool = False

    @classmethod
    def of(
        cls, tenants: Sequence[TenantPlan], *, parallel: int = 1, partitioned: bool = False
    ) -> Self:
        """Sum up the tenants, so many of them read at the same time."""
        takes = together([tenant.minutes for tenant in tenants], parallel)
        return cls(tuple(tenants), takes, partitioned)

    @property
    def streams(self) -> tuple[StreamPlan, ...]:
        """The streams of all tenants."""
        return tuple(stream for tenant in self.tenants for stream in tenant.streams)

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(tenant.calls for tenant in self.tenants)

    @property
    def ok(self) -> bool:
        """Whether every stream of every tenant could be planned."""
        return all(tenant.ok for tenant in self.tenants)

    def to_json(self) -> dict[str, object]:
        """Return the plan for programs; `tenants` only for tenants given as a list."""
        return {
            "calls": self.calls,
            "minutes": round(self.minutes, 2),
            "streams": [stream.to_json() for stream in self.streams],
            **({"tenants": [t.to_json() for t in self.tenants]} if self.partitioned else {}),
        }
