"""The image, built and run: no rights, nothing to write, and signals that reach the tap.

Run by `make image`, as root, where buildah is there.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator import Emulator
from tests.tap.fleet import Fleet

ROOT = os.environ.get("IMAGE_ROOT")
ENTER = Path(__file__).with_name("enter.sh")
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")

pytestmark = pytest.mark.skipif(ROOT is None, reason="`make image` runs it")


@pytest.fixture(scope="module")
def image() -> dict[str, Any]:
    """The image's own settings."""
    inspected = json.loads(Path(os.environ["IMAGE_JSON"]).read_text("utf-8"))
    settings: dict[str, Any] = inspected["OCIv1"]["config"]
    return settings


@pytest.fixture
def folder(emulator: Emulator, tmp_path: Path) -> Path:
    """Settings that reach a service on this machine, as a volume of the container."""
    fleet = Fleet(emulator, 3, now=datetime.now(UTC))
    fleet.load(20, hours_back=2)
    (tmp_path / "config.json").write_text(json.dumps(fleet.config()), "utf-8")
    shutil.copy(emulator.ca_file, tmp_path / "ca.pem")
    for path in (tmp_path, *tmp_path.iterdir()):
        path.chmod(0o755)
    return tmp_path


def started(image: dict[str, Any], folder: Path, *command: str) -> "subprocess.Popen[bytes]":
    """Start a command as the first process of a container."""
    (path,) = (entry[5:] for entry in image["Env"] if entry.startswith("PATH="))
    return subprocess.Popen(
        [*UNSHARE, "sh", ENTER, str(ROOT), str(folder), *command],
        env={**os.environ, "IMAGE_PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_image_runs_the_tap_as_a_user_without_rights(image: dict[str, Any]) -> None:
    """No shell stands between a signal and the tap."""
    assert image["User"] == "10001:10001"
    assert image["Entrypoint"] == ["tap-m365hunting"]


def test_run_reads_all_with_a_root_that_cannot_be_written(
    image: dict[str, Any], folder: Path
) -> None:
    """Nothing but /tmp is written, and no module is compiled anew."""
    with started(image, folder, *image["Entrypoint"], "--config", "/mnt/config.json") as tap:
        output, errors = tap.communicate()

    assert tap.returncode == 0, errors.decode()[-2000:]
    lines = [json.loads(line) for line in output.splitlines()]
    assert sum(line["type"] == "RECORD" for line in lines) == 60
    assert lines[-1]["type"] == "STATE"


def test_root_cannot_be_written_by_the_user(image: dict[str, Any], folder: Path) -> None:
    """The promise of the tests above is one of the container, not of the tap's manners."""
    script = "id -u; touch /tmp/there && echo tmp; touch /opt/hunting/there || echo refused"
    with started(image, folder, "sh", "-c", script) as shell:
        output, errors = shell.communicate()

    assert output.decode().split() == ["10001", "tmp", "refused"]
    assert "Read-only file system" in errors.decode()


def test_sigterm_ends_the_first_process_of_a_container_with_143(
    image: dict[str, Any], folder: Path, emulator: Emulator
) -> None:
    """A kernel keeps signals from process 1 that it does not handle; the tap handles this one."""
    emulator.configure(latency_seconds=1.0)
    with started(image, folder, *image["Entrypoint"], "--config", "/mnt/config.json") as tap:
        assert tap.stdout is not None
        first = tap.stdout.readline()
        (child,) = Path(f"/proc/{tap.pid}/task/{tap.pid}/children").read_text("utf-8").split()
        time.sleep(0.5)
        os.kill(int(child), signal.SIGTERM)
        rest, errors = tap.communicate()

    assert tap.returncode == 128 + signal.SIGTERM, errors.decode()[-2000:]
    text = first + rest
    assert text.endswith(b"\n")
    assert all(json.loads(line)["type"] for line in text.splitlines())
