"""The state of a running emulator: settings, clock, keys, quotas, faults, data, calls."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from hunting_emulator.clock import Clock
from hunting_emulator.data.workspaces import place
from hunting_emulator.devices import Devices
from hunting_emulator.engine import Engine
from hunting_emulator.faults import Faults
from hunting_emulator.identity import Identity
from hunting_emulator.limits import Meter
from hunting_emulator.settings import ApiName, Settings


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a hunting API. `tenant_id` is empty where no token was taken."""

    at: datetime
    api: ApiName
    tenant_id: str
    query: str
    timespan: str | None
    status: int
    rows: int
    bytes: int
    workspace_id: str | None = None


class Traffic:
    """How many calls are under way, and the most there were at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self._most: Counter[str] = Counter()
        self._most_tenants = 0

    @contextmanager
    def under_way(self, tenant_id: str) -> Iterator[None]:
        """Count a call of a tenant while the call takes."""
        with self._lock:
            self._now[tenant_id] += 1
            self._most |= self._now
            self._most_tenants = max(self._most_tenants, len(+self._now))
        try:
            yield
        finally:
            with self._lock:
                self._now[tenant_id] -= 1

    def most_calls(self, tenant_id: str) -> int:
        """Return the most calls of a tenant at once."""
        with self._lock:
            return self._most[tenant_id]

    def most_tenants(self) -> int:
        """Return the most tenants that had calls under way at once."""
        with self._lock:
            return self._most_tenants


class Service:
    """The state behind the routes. Each tenant has its own data, made when first asked for."""

    def __init__(self, settings: Settings, new_engine: Callable[[str], Engine]) -> None:
        self.settings = settings
        self.clock = Clock()
        self.identity = Identity()
        self.devices = Devices()
        self.meter = Meter()
        self.faults = Faults()
        self.traffic = Traffic()
        self._started_with = settings
        self._new_engine = new_engine
        self._engines: dict[str, Engine] = {}
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, oldest first."""
        with self._lock:
            return tuple(self._calls)

    def log(self) -> Callable[[Call], None]:
        """Return the function that logs calls that begin now; a reset forgets such calls."""
        with self._lock:
            return self._calls.append

    def engine(self, tenant_id: str) -> Engine:
        """Return the tenant's data."""
        with self._lock:
            if tenant_id not in self._engines:
                self._engines[tenant_id] = self._new_engine(tenant_id)
            return self._engines[tenant_id]

    def load(
        self,
        table: str,
        rows: Iterable[Mapping[str, object]],
        *,
        tenant_id: str,
        workspace_id: str | None = None,
    ) -> int:
        """Add rows to a tenant's table, in one of its Sentinel workspaces; return how many.

        Raises:
            ValueError: no such table, workspace or column, or a value that does not fit its type.
        """
        engine, tenant = self.engine(tenant_id), self.settings.tenant(tenant_id)
        known = () if tenant is None else tenant.workspaces
        return engine.load(place(engine, table, workspace_id, known), rows)

    def use(self, tenant_id: str, engine: Engine) -> None:
        """Put an engine behind the tenant."""
        with self._lock:
            self._engines[tenant_id] = engine

    def forget_data(self) -> None:
        """Drop every tenant's data; each is made anew when next asked for."""
        with self._lock:
            self._engines = {}

    def reset(self) -> None:
        """Go back to the settings of the start; forget calls, quotas, faults. Data stays."""
        self.settings = self._started_with
        self.clock.reset()
        self.identity.reset()
        self.devices.reset()
        self.meter.reset()
        self.faults.reset()
        self.traffic = Traffic()
        with self._lock:
            self._calls = []
