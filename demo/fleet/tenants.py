"""Forty made-up tenants with rows that name them, and the emulator that serves them."""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from demo.errors import DemoError
from demo.fleet.processes import Programs, stop
from demo.fleet.waiting import Patience

CLIENT_ID: Final = "00001111-aaaa-2222-bbbb-3333cccc4444"
SECRET: Final = "hunting-emulator-secret"  # noqa: S105 - the emulator's documented one
ALERTS: Final = 40
DEVICES: Final = 20

#: What is wrong with the entry of a tenant at the service; `None` leaves the tenant out.
BROKEN: Final[Mapping[int, dict[str, Any] | None]] = {
    3: {"client_secret": "another"},
    12: {"granted": False},
    21: None,
    33: {"without": ["DeviceInfo"]},
}


def tenant_id(number: int) -> str:
    """Return the id of a tenant that is made up."""
    return f"aaaabbbb-0000-cccc-1111-{number:012}"


def entries(count: int, broken: Mapping[int, dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Return the tenants as the service knows them."""
    whole = {n: {"tenant_id": tenant_id(n), "name": f"Tenant {n}"} for n in range(count)}
    known = {n: {**entry, **(broken.get(n, {}) or {})} for n, entry in whole.items()}
    return [entry for n, entry in known.items() if broken.get(n, {}) is not None]


def rows(number: int, now: datetime) -> dict[str, list[dict[str, str]]]:
    """Return a tenant's rows by table; their ids name tenant and row."""
    tenant = tenant_id(number)

    def at(row: int) -> str:
        return f"{now - timedelta(hours=1, minutes=7 * row):%Y-%m-%dT%H:%M:%S}.0000000Z"

    alerts = [
        {"Timestamp": at(n), "AlertId": f"{tenant}/{n}", "Title": "Made up", "Severity": "Low"}
        for n in range(ALERTS)
    ]
    devices = [
        {"Timestamp": at(n), "DeviceId": f"{tenant}/{n}", "DeviceName": f"device-{n}"}
        for n in range(DEVICES)
    ]
    return {"AlertInfo": alerts, "DeviceInfo": devices}


@dataclass(frozen=True, slots=True)
class Service:
    """The emulator, which other programs reach at `url` and trust by `ca_file`."""

    url: str
    ca_file: Path
    process: "subprocess.Popen[bytes]"

    def order(self, what: str, members: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give the emulator an order, or ask it; return what it says."""
        trusted = ssl.create_default_context(cafile=str(self.ca_file))
        place = urlsplit(self.url)
        connection = HTTPSConnection(place.hostname or "", place.port, context=trusted, timeout=120)
        body = None if members is None else json.dumps(members)
        connection.request("GET" if body is None else "POST", f"/_emulator/{what}", body)
        answer = connection.getresponse()
        said: dict[str, Any] = json.load(answer)
        connection.close()
        if answer.status != 200:  # noqa: PLR2004 - OK
            msg = f"The emulator answered {answer.status} to {what}: {said}"
            raise DemoError(msg)
        return said

    def asked(self) -> list[str]:
        """Return the tenant of each call so far."""
        return [call["tenant_id"] for call in self.order("calls")["calls"]]


@contextmanager
def serving(
    programs: Programs, command: Path, folder: Path, count: int, latency: float
) -> Iterator[Service]:
    """Run the emulator with rows in every tenant, until the block ends.

    Raises:
        DemoError: the emulator does not start.
    """
    listed, ready, ca_file = folder / "known.json", folder / "ready", folder / "ca.pem"
    listed.write_text(json.dumps(entries(count, {})), "utf-8")
    files = ("--tenants-file", listed, "--ca-file", ca_file, "--ready-file", ready)
    arguments = (command, "--port", "0", "--rows", "0", *files)
    # a parser that judges texts is not needed for rows that are made up here
    variables = {**os.environ, "KUSTO_PARSER_HOME": ""}
    process = programs.start(arguments, variables, folder / "emulator.log")
    try:
        Patience("the emulator", 180).until(lambda: _written(ready), alive=[process])
        service = Service(ready.read_text("utf-8"), ca_file, process)
        fill(service, range(count), datetime.now(UTC))
        service.order("settings", {"latency_seconds": latency})
        yield service
    finally:
        stop([process])


def fill(service: Service, numbers: Sequence[int], now: datetime) -> None:
    """Give tenants their rows."""
    for number in numbers:
        for table, made in rows(number, now).items():
            members = {"table": table, "rows": made, "tenant_id": tenant_id(number)}
            service.order("load", members)


def _written(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0
