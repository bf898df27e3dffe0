"""The command serves until it is told to stop."""

import json
import os
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from hunting_emulator.cli import main
from hunting_emulator.settings import CLIENT_ID, CLIENT_SECRET, TENANT_ID

ROOT = Path(__file__).parents[2]
PROCESSES = "DeviceProcessEvents | top 5 by Timestamp | project DeviceName, ProcessCommandLine"


@dataclass
class Running:
    """The command in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    ca_file: Path

    def stopped(self, signum: signal.Signals) -> str:
        """End the command by a signal, cleanly, and return all that it printed."""
        self.process.send_signal(signum)
        printed, _ = self.process.communicate(timeout=30)
        assert (self.process.returncode, printed[-8:]) == (0, "Stopped\n")
        return printed

    def count(self, table: str) -> int:
        """Count a table's rows over Graph, signed in as printed."""
        return int(self.rows(f"{table} | count", TENANT_ID)[0]["Count"])

    def rows(self, query: str, tenant_id: str) -> list[dict[str, Any]]:
        """Return what a query finds in a tenant."""
        found: list[dict[str, Any]] = self.answer(query, tenant_id).json()["results"]
        return found

    def answer(self, query: str, tenant_id: str) -> requests.Response:
        """Run a query in a tenant over Graph."""
        token = requests.post(
            f"{self.url}/{tenant_id}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": "https://graph.microsoft.com/.default",
            },
            verify=str(self.ca_file),
            timeout=30,
        ).json()["access_token"]
        return requests.post(
            f"{self.url}/v1.0/security/runHuntingQuery",
            json={"Query": query},
            headers={"Authorization": f"Bearer {token}"},
            verify=str(self.ca_file),
            timeout=30,
        )


@contextmanager
def running(directory: Path, *options: str) -> Iterator[Running]:
    """Start the command and wait until it is ready."""
    ready, ca_file = directory / "ready", directory / "ca.pem"
    command = [sys.executable, "-m", "hunting_emulator", "--port", "0"]
    command += ["--ready-file", str(ready), "--ca-file", str(ca_file), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            while not ready.exists() or not ready.read_text("utf-8"):
                assert process.poll() is None
                time.sleep(0.05)
            yield Running(process, ready.read_text("utf-8"), ca_file)
        finally:
            process.kill()


def test_it_says_how_to_call_it_and_stops_when_told(tmp_path: Path) -> None:
    """What is printed is all that a config needs; the keyboard's interrupt ends it cleanly."""
    with running(tmp_path, "--rows", "0") as emulator:
        assert emulator.count("DeviceInfo") == 0
        printed = emulator.stopped(signal.SIGINT)

    assert f'"api_url": "{emulator.url}"' in printed
    assert f'"client_secret": "{CLIENT_SECRET}"' in printed
    assert f"export REQUESTS_CA_BUNDLE={emulator.ca_file}" in printed


def test_it_makes_rows_up_and_loads_files(tmp_path: Path) -> None:
    """Rows of a file stand beside those that the seed makes."""
    extra = tmp_path / "extra.json"
    extra.write_text(json.dumps([{"NodeId": "only-this"}]), "utf-8")

    with running(tmp_path, "--rows", "1000", "--load", f"ExposureGraphNodes={extra}") as emulator:
        assert emulator.count("ExposureGraphNodes | where NodeId == 'only-this'") == 1
        assert emulator.count("ExposureGraphNodes") > 1
        assert emulator.count("DeviceProcessEvents") > 1


def test_files_stand_for_what_is_at_urls(tmp_path: Path) -> None:
    """The URL may hold equals signs; a file that is not named so is not read."""
    given, other = tmp_path / "given.csv", tmp_path / "other.csv"
    given.write_text("203.0.113.7\n")
    other.write_text("secret\n")
    url = "https://indicators.example/ips.csv?sig=a=b"
    query = "externaldata(Ip:string)[@'{}'] with(format='csv')"

    with running(tmp_path, "--rows", "0", "--external", f"{url}={given}") as emulator:
        assert emulator.rows(query.format(url), TENANT_ID) == [{"Ip": "203.0.113.7"}]
        assert emulator.rows(query.format(other.as_uri()), TENANT_ID) == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param("DeviceInfo", "an equals sign and a file", id="no-file-given"),
        pytest.param("DeviceInfo=nowhere.json", "an equals sign and a file", id="no-such-file"),
        pytest.param("Nowhere=rows.json", "Nowhere", id="no-such-table"),
        pytest.param("DeviceInfo=broken.json", "broken.json", id="no-json"),
    ],
)
def test_rows_that_cannot_be_loaded_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, why: str
) -> None:
    """The message says which file or table, and nothing is served."""
    monkeypatch.chdir(tmp_path)
    Path("rows.json").write_text('{"DeviceName": "a"}\n', "utf-8")
    Path("broken.json").write_text("{", "utf-8")

    result = CliRunner().invoke(main, ["--port", "0", "--rows", "0", "--load", given])

    assert result.exit_code != 0
    assert why in result.output


def test_many_tenants_are_listed_in_a_file_for_the_tap(tmp_path: Path) -> None:
    """What is printed names the file; each tenant has rows of its own; a supervisor can end it."""
    with running(tmp_path, "--rows", "2000", "--tenants", "3") as emulator:
        listed = json.loads((tmp_path / "tenants.json").read_text("utf-8"))
        ids = [tenant["tenant_id"] for tenant in listed]
        nodes = [emulator.rows(PROCESSES, tenant_id) for tenant_id in ids]
        printed = emulator.stopped(signal.SIGTERM)

    assert f'"tenants_file": "{tmp_path / "tenants.json"}"' in printed
    assert '"tenant_id"' not in printed
    assert [tenant["name"] for tenant in listed] == ["Contoso", "Fabrikam", "Litware"]
    assert ids[0] == TENANT_ID
    assert nodes[0] != nodes[1] != nodes[2]


def test_tenants_may_be_those_of_a_file(tmp_path: Path) -> None:
    """One lacks a table; the other has an application of its own, which the tap is told."""
    one = {"tenant_id": TENANT_ID, "without": ["DeviceProcessEvents"]}
    other = {"tenant_id": "other", "client_id": "its-own", "client_secret": "shh"}
    file = tmp_path / "given.json"
    file.write_text(json.dumps([one, other]), "utf-8")

    with running(tmp_path, "--rows", "0", "--tenants-file", str(file)) as emulator:
        listed = json.loads((tmp_path / "tenants.json").read_text("utf-8"))
        refused = emulator.answer(PROCESSES, TENANT_ID)

    assert listed == [{"tenant_id": TENANT_ID}, other]
    assert refused.status_code == 400
    assert "DeviceProcessEvents" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("[", "truncated", id="no-json"),
        pytest.param("[]", "lists no tenant", id="empty"),
        pytest.param('[{"name": "a"}]', "tenant_id", id="no-id"),
        pytest.param('[{"tenant_id": "a", "nme": "b"}]', "nme", id="no-such-key"),
    ],
)
def test_tenants_that_cannot_be_made_end_it(tmp_path: Path, content: str, why: str) -> None:
    """The message says what is wrong with the file."""
    file = tmp_path / "given.json"
    file.write_text(content, "utf-8")

    result = CliRunner().invoke(main, ["--port", "0", "--tenants-file", str(file)])

    assert result.exit_code != 0
    assert why in result.output


@pytest.mark.parametrize("own_secret", [True, False], ids=["own-secret", "published-secret"])
def test_an_address_that_others_reach_is_warned_of(tmp_path: Path, *, own_secret: bool) -> None:
    """The published secret and the control endpoint open the emulator to the network."""
    file = tmp_path / "given.json"
    secret = {"client_secret": "mine"} if own_secret else {}
    file.write_text(json.dumps([{"tenant_id": TENANT_ID, **secret}]), "utf-8")
    options = ("--rows", "0", "--host", "0.0.0.0", "--tenants-file", str(file))  # noqa: S104

    with running(tmp_path, *options) as emulator:
        emulator.process.send_signal(signal.SIGTERM)
        _, said = emulator.process.communicate(timeout=30)

    assert "Warning: on 0.0.0.0, other machines reach this emulator" in said
    assert ("client secret is published" in said) is not own_secret


def test_the_loopback_address_is_not_warned_of(tmp_path: Path) -> None:
    """Nobody else reaches it."""
    with running(tmp_path, "--rows", "0", "--host", "127.0.0.1") as emulator:
        emulator.process.send_signal(signal.SIGTERM)
        _, said = emulator.process.communicate(timeout=30)

    assert "Warning" not in said


def test_without_its_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    """A line and a failure, in an environment that has nothing installed, and no traceback."""
    venv.create(tmp_path / "bare", with_pip=False)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [str(tmp_path / "bare" / "bin" / "python"), "-m", "hunting_emulator"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("hunting-emulator needs its extra (")
    assert done.stderr.endswith("pip install 'tap-m365hunting[emulator]'\n")
    assert done.stderr.count("\n") == 1
