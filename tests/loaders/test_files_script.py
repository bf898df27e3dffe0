"""The shell script of docs/files.md, with the real command."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from hunting_emulator import Emulator
from tests.loaders.files import Files, blocks
from tests.loaders.truth import instant

NEEDED = ("bash", "gzip", "jq")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"
)


def run(folder: Path, emulator: Emulator) -> int:
    """Run the page's script in a folder; return its exit status."""
    [script] = blocks("bash")
    commands = Path(sys.executable).parent
    environment = {
        "REQUESTS_CA_BUNDLE": emulator.ca_file,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["bash", "-c", script]  # found on the PATH, as a user's shell is
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, check=False
    ).returncode


def test_failed_stream_holds_no_other_back(tmp_path: Path) -> None:
    """The script keeps rows and state of a run in which a stream failed, and its exit status."""
    with Emulator() as emulator:
        event = instant(datetime.now(UTC) - timedelta(hours=1), 1_234_567)
        emulator.engine.load("DeviceInfo", [{"Timestamp": event, "DeviceId": "d1"}])
        queries = [{"table": "DeviceInfo"}, {"name": "bad", "query": "Nowhere"}]
        config = {
            "tenant_id": emulator.tenant_id,
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
            "api_url": emulator.url,
            "authority_url": emulator.authority_url,
            "queries": queries,
        }
        (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")

        status = run(tmp_path, emulator)

    Files(tmp_path).read_new()
    state = json.loads((tmp_path / "runs" / "state.json").read_text("utf-8"))
    with duckdb.connect(str(tmp_path / "hunting.duckdb")) as connection:
        rows = connection.execute("SELECT Timestamp::VARCHAR, DeviceId FROM device_info").fetchall()
    assert status == 1
    assert rows == [(event.replace("T", " ")[:-2], "d1")]
    assert set(state["bookmarks"]) == {"device_info"}
