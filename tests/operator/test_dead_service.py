"""A service that is not there ends every command soon, with one message."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hunting_emulator import Emulator
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.errors import UnreachableError
from tap_m365hunting.service.tenant_service import tenant_services
from tests.operator.dead_services import DeadService, closed_port, dead_services
from tests.tap.commands import Commands
from tests.tap.harness import Tenant

QUERIES = [{"name": f"alerts_{n}", "query": "AlertInfo"} for n in range(12)]
KINDS = ("refused", "dns", "tls", "socks", "html")


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mapping[str, DeadService]]:
    """The dead services, with no proxy of this machine between."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with dead_services(tmp_path) as found:
        yield found


@pytest.fixture
def commands(emulator: Emulator, tmp_path: Path) -> Commands:
    """The commands, whose waits are counted and not waited."""
    return Commands(tmp_path, emulator)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["check", "plan"])
def test_command_ends_with_one_message(
    commands: Commands,
    emulator: Emulator,
    services: Mapping[str, DeadService],
    command: str,
    kind: str,
) -> None:
    """Twelve queries have one sign-in: its failure is said once, after seconds and not minutes."""
    dead = services[kind]
    there = {"api_url": dead.url, "authority_url": dead.url}
    config = commands.file(Tenant(emulator).config(*QUERIES) | there)

    ran = commands.run(command, "--config", config, **dead.environment)

    assert ran.status == 1
    assert ran.errors.count("No sign-in at") == 1
    assert dead.words in ran.errors
    # beside it stands that the host, which is this machine, is none of Microsoft's
    assert len([line for line in ran.errors.splitlines() if "no host of" not in line]) == 1
    assert sum(commands.slept) <= 7


@pytest.mark.parametrize("command", ["check", "plan"])
def test_dead_api_is_said_once(commands: Commands, emulator: Emulator, command: str) -> None:
    """The sign-in went well; the twelve queries have one address."""
    config = Tenant(emulator).config(*QUERIES) | {"api_url": f"https://localhost:{closed_port()}"}

    ran = commands.run(command, "--config", commands.file(config))

    assert ran.status == 1
    assert (ran.output + ran.errors).count("nothing listens there") == 1
    assert sum(commands.slept) <= 7


def test_run_ends_at_the_first_dead_sign_in(
    tenant: Tenant, services: Mapping[str, DeadService]
) -> None:
    """No stream can be read, so none is tried after the first."""
    url = services["refused"].url

    with pytest.raises(Exception, match="nothing listens there"):
        tenant.sync(*QUERIES, api_url=url, authority_url=url)

    # two calls are made ahead at the same time, each with its own three waits
    assert sum(tenant.slept) <= 14


def test_host_that_has_answered_is_waited_for_longer(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of hours outlives half a minute without a network."""
    settings = Settings.parse(tenant.config(*QUERIES))
    (service,) = tenant_services(
        settings, clock=tenant.seconds, timer=tenant.seconds, sleep=tenant.sleep
    )
    with service.run("AlertInfo"):
        pass
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(UnreachableError, match="the proxy does not answer"):
        service.run("AlertInfo")

    assert sum(tenant.slept) > 30
    assert service.failure is None
