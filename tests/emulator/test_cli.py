"""The command serves until it is told to stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from hunting_emulator.cli import main
from hunting_emulator.settings import CLIENT_ID, CLIENT_SECRET, TENANT_ID


@dataclass
class Running:
    """The command in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    ca_file: Path

    def count(self, table: str) -> int:
        """Count a table's rows over Graph, signed in as printed."""
        token = requests.post(
            f"{self.url}/{TENANT_ID}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": "https://graph.microsoft.com/.default",
            },
            verify=str(self.ca_file),
            timeout=30,
        ).json()["access_token"]
        answer = requests.post(
            f"{self.url}/v1.0/security/runHuntingQuery",
            json={"Query": f"{table} | count"},
            headers={"Authorization": f"Bearer {token}"},
            verify=str(self.ca_file),
            timeout=30,
        )
        return int(answer.json()["results"][0]["Count"])


@contextmanager
def running(directory: Path, *options: str) -> Iterator[Running]:
    """Start the command and wait until it is ready."""
    ready, ca_file = directory / "ready", directory / "ca.pem"
    command = [sys.executable, "-m", "hunting_emulator", "--port", "0"]
    command += ["--ready-file", str(ready), "--ca-file", str(ca_file), *options]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            while not ready.exists() or not ready.read_text("utf-8"):
                assert process.poll() is None
                time.sleep(0.05)
            yield Running(process, ready.read_text("utf-8"), ca_file)
        finally:
            process.kill()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_to_call_it_and_stops_when_told(tmp_path: Path, signum: signal.Signals) -> None:
    """What is printed is all that a config needs; a signal ends it cleanly."""
    with running(tmp_path, "--rows", "0") as emulator:
        assert emulator.count("DeviceInfo") == 0
        emulator.process.send_signal(signum)
        printed, _ = emulator.process.communicate(timeout=30)

    assert emulator.process.returncode == 0
    assert f'"api_url": "{emulator.url}"' in printed
    assert f'"client_secret": "{CLIENT_SECRET}"' in printed
    assert f"export REQUESTS_CA_BUNDLE={emulator.ca_file}" in printed
    assert printed.endswith("Stopped\n")


def test_it_makes_rows_up_and_loads_files(tmp_path: Path) -> None:
    """Rows of a file stand beside those that the seed makes."""
    extra = tmp_path / "extra.json"
    extra.write_text(json.dumps([{"NodeId": "only-this"}]), "utf-8")

    with running(tmp_path, "--rows", "1000", "--load", f"ExposureGraphNodes={extra}") as emulator:
        assert emulator.count("ExposureGraphNodes | where NodeId == 'only-this'") == 1
        assert emulator.count("ExposureGraphNodes") > 1
        assert emulator.count("DeviceProcessEvents") > 1


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
