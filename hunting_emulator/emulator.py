"""The emulator as an object: to start, to aim clients at, to give orders, and to see the calls."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import trustme

from hunting_emulator.app import App
from hunting_emulator.clock import Clock
from hunting_emulator.control import changed
from hunting_emulator.data import generate
from hunting_emulator.data.workspaces import fill
from hunting_emulator.effects import NAMED
from hunting_emulator.engine import Engine
from hunting_emulator.faults import Fault, maker
from hunting_emulator.server import Serving
from hunting_emulator.service import Call, Service, Traffic
from hunting_emulator.settings import IDENTITY_HEADER, WORKLOAD, ApiName, Settings

ON_DISK_ABOVE: Final = 2_000_000
"""Rows of a tenant above which they are kept in a file, for as long as the emulator runs."""


class Emulator:
    """The service in miniature, on a thread of its own; a context manager.

    Each tenant starts with `rows` made-up rows over so many `days`, the same for the same `seed`
    and `anchor`, which is where they end; now, if not given.
    Options by the names of `Limits` and `Wire` change those; `port` 0 takes a
    free one.
    """

    def __init__(  # noqa: PLR0913 - an option each
        self,
        *,
        rows: int = 0,
        days: int = 30,
        seed: int = 1,
        anchor: datetime | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        ca_file: Path | None = None,
        settings: Settings | None = None,
        externals: Mapping[str, str] | None = None,
        **options: object,
    ) -> None:
        self._externals = externals or {}
        self._rows, self._days, self._seed, self._anchor = rows, days, seed, anchor
        self._service = Service(changed(settings or Settings(), options), self._new_engine)
        self._authority = trustme.CA(organization_name="hunting-emulator")
        self._directory = tempfile.TemporaryDirectory(prefix="hunting-emulator-")
        self._ca_path = ca_file or Path(self._directory.name) / "ca.pem"
        self._serving = Serving(
            App(self._service), host=host, port=port, authority=self._authority, now=self.clock.now
        )

    def start(self) -> Self:
        """Write the CA's certificate and listen."""
        self._ca_path.parent.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(str(self._ca_path))
        self._serving.start()
        return self

    def stop(self) -> None:
        """End every connection and every wait; stop listening."""
        self._service.clock.close()
        self._serving.stop()
        self._directory.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Where it is, and who may call.

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"https://localhost:{self._serving.port}"

    @property
    def graph_url(self) -> str:
        """The base URL of Graph, up to its version."""
        return f"{self.url}/v1.0"

    @property
    def defender_url(self) -> str:
        """The base URL of the Defender API, up to `/api`."""
        return f"{self.url}/api"

    @property
    def authority_url(self) -> str:
        """The login host; MSAL's authority is the host, a slash and the tenant id."""
        return self.url

    @property
    def ca_file(self) -> str:
        """The CA certificate that clients have to trust, as `REQUESTS_CA_BUNDLE`."""
        return str(self._ca_path)

    @property
    def tenant_id(self) -> str:
        """The first tenant."""
        return self.settings.tenants[0].tenant_id

    @property
    def client_id(self) -> str:
        """The first application of the first tenant."""
        return self.settings.tenants[0].applications[0].client_id

    @property
    def client_secret(self) -> str:
        """That application's first secret."""
        return self.settings.tenants[0].applications[0].secrets[0].value

    # Knowledge and actions.

    @property
    def settings(self) -> Settings:
        """The settings in force; may be replaced at any time."""
        return self._service.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._service.settings = settings

    def configure(self, **options: object) -> None:
        """Change limits and forms on the wire by name, until the next `clear`."""
        self._service.settings = changed(self._service.settings, options)

    @property
    def clock(self) -> Clock:
        """The emulator's time."""
        return self._service.clock

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of the hunting APIs so far, oldest first."""
        return self._service.calls

    @property
    def traffic(self) -> Traffic:
        """How many calls were under way at once, since the last `clear`."""
        return self._service.traffic

    @property
    def connections(self) -> int:
        """How many connections clients have made since the start."""
        return self._serving.connections

    @property
    def engine(self) -> Engine:
        """The first tenant's data."""
        return self.engine_of(self.tenant_id)

    def engine_of(self, tenant_id: str) -> Engine:
        """The data of one tenant."""
        return self._service.engine(tenant_id)

    def load(
        self,
        table: str,
        rows: Iterable[Mapping[str, object]],
        *,
        tenant_id: str | None = None,
        workspace_id: str | None = None,
    ) -> int:
        """Add rows to a tenant's table; return how many.

        Without a tenant the first one is meant, without a workspace its primary one.

        Raises:
            ValueError: no such table, workspace or column, or a value that does not fit its type.
        """
        return self._service.load(
            table, rows, tenant_id=tenant_id or self.tenant_id, workspace_id=workspace_id
        )

    def use_engine(self, engine: Engine, tenant_id: str | None = None) -> None:
        """Put other data behind a tenant; the first one if none is named."""
        self._service.use(tenant_id or self.tenant_id, engine)

    def fail_next(
        self,
        what: int | str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
        api: ApiName | None = None,
        when: str | Callable[[str], bool] = "",
        tenant_id: str | None = None,
        **how: object,
    ) -> None:
        """Let the next calls fail: by a status, with the given or the usual body, or by name.

        `times=None` goes on for ever; only calls of `api` and of the tenant are met, whose query
        holds `when`, or for which `when` returns true. `how` changes the fault: `share`, `reset`,
        `piece`, `pause`, `hang`, `revoke` as in `Effect`.

        Raises:
            ValueError: no fault has this name.
            TypeError: a fault has no such member.
        """
        make = maker(what, body, headers or {}, how)
        self._service.faults.add(Fault(make, times, api, when, tenant_id))

    def fail_at_random(
        self, rate: float, *, seed: int, names: Sequence[str] = tuple(NAMED)
    ) -> None:
        """Let a share of the calls fail, the same ones for the same seed."""
        self._service.faults.draw(rate, seed=seed, names=names)

    def replay(self, body: object, *, api: ApiName | None = None) -> None:
        """Answer the next call with a captured body and status 200."""
        self.fail_next(200, body=body, api=api)

    def revoke_tokens(self) -> None:
        """Take back every token issued so far."""
        self._service.identity.revoke_all()

    def sign_in(self, user_code: str | None = None, *, approve: bool = True) -> int:
        """Finish the sign-in of a user code, or all that wait; return how many waited."""
        return self._service.devices.decide(user_code, approve=approve)

    def workload_token(self, subject: str = WORKLOAD) -> str:
        """Return a token that a federated application may exchange for one of Entra ID's."""
        issuer = f"{self.url}/workloads"
        return self._service.identity.workload_token(subject, issuer, real_now=self.clock.real())

    @property
    def identity_environment(self) -> Mapping[str, str]:
        """The variables that App Service sets where there is a managed identity."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}

    def clear(self, *, data: bool = False) -> None:
        """Forget calls, quotas, faults and changed settings; with `data`, the rows too."""
        self._service.reset()
        if data:
            self._service.forget_data()

    def _new_engine(self, tenant_id: str) -> Engine:
        engine = Engine(on_disk=self._rows > ON_DISK_ABOVE, externals=self._externals)
        if self._rows:
            known = [tenant.tenant_id for tenant in self.settings.tenants]
            seed = self._seed + (known.index(tenant_id) if tenant_id in known else 0)
            anchor = self._anchor or self._service.clock.now()
            generate(engine, anchor=anchor, rows=self._rows, days=self._days, seed=seed)
            workspaces = self._workspaces(tenant_id)
            fill(engine, workspaces, anchor=anchor, rows=self._rows, days=self._days, seed=seed)
        return engine

    def _workspaces(self, tenant_id: str) -> tuple[str, ...]:
        tenant = self.settings.tenant(tenant_id)
        return () if tenant is None else tenant.workspaces
