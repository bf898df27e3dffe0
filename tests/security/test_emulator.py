"""The emulator reads no file of its machine, and says when strangers reach it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from hunting_emulator.settings import CLIENT_ID, CLIENT_SECRET, TENANT_ID
from tests.security.world import LOST


@contextmanager
def emulator(folder: Path, *options: str) -> Iterator[str]:
    """Start the command, and wait until it listens."""
    ready = folder / "ready"
    given = ["--port", "0", "--rows", "0", "--ready-file", str(ready), *options]
    command = [sys.executable, "-m", "hunting_emulator", *given, "--ca-file", str(folder / "ca")]
    log = (folder / "log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            while not ready.is_file() or not ready.read_text("utf-8"):
                assert process.poll() is None
                time.sleep(0.02)
            yield ready.read_text("utf-8")
        finally:
            process.kill()


def answer(url: str, folder: Path, query: str) -> bytes:
    """Ask as the tap does."""
    graph = "https://graph.microsoft.com/.default"
    form = {"grant_type": "client_credentials", "scope": graph}
    form |= {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    trusted = str(folder / "ca")
    login = f"{url}/{TENANT_ID}/oauth2/v2.0/token"
    token = requests.post(login, form, verify=trusted, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    path = f"{url}/v1.0/security/runHuntingQuery"
    asked = {"Query": query}
    return requests.post(path, json=asked, headers=headers, verify=trusted, timeout=30).content


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_file_of_the_machine_is_no_table(tmp_path: Path, suffix: str) -> None:
    """The engine below would read a file by its name."""
    file = tmp_path / f"private.{suffix}"
    file.write_text(f'{{"a": "{LOST}"}}' if suffix == "json" else f"a\n{LOST}\n", "utf-8")
    with emulator(tmp_path) as url:
        for query in (f"['{file}']", f"union ['{file}']", f"AlertInfo | union ['{file}']"):
            assert LOST.encode() not in answer(url, tmp_path, query)


def test_emulator_that_others_reach_says_so(tmp_path: Path) -> None:
    """Its credentials are known to everybody."""
    with emulator(tmp_path, "--host", "0.0.0.0"):  # noqa: S104 - what is tried
        assert b"Warning: " in (tmp_path / "log").read_bytes()
