"""docs/tenants.md is followed to the letter: emulator, config, commands."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tenants.md").read_text("utf-8")
TRY = PAGE.partition("## Try it, with no tenant")[2].partition("\n## ")[0]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SERVE, CONFIG, RUN = (text for _, text in BLOCK.findall(TRY))
BASH = shutil.which("bash") or "/bin/bash"
SPACE = {"VIRTUAL_ENV": sys.prefix, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder as the reader's, with the emulator started from the page at a free port."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    command = f"exec {SERVE.strip()} --port 0 --ready-file ready"
    with subprocess.Popen(
        [BASH, "-c", command], cwd=tmp_path, env=SPACE, stdout=subprocess.DEVNULL
    ) as emulator:
        ready = tmp_path / "ready"
        while not ready.exists() or not ready.read_text("utf-8"):
            assert emulator.poll() is None
            time.sleep(0.05)
        config = CONFIG.replace("https://localhost:8443", ready.read_text("utf-8"))
        (tmp_path / "tenants_config.json").write_text(config, "utf-8")
        yield tmp_path
        emulator.terminate()


def test_page_leads_to_the_rows_of_five_tenants(folder: Path) -> None:
    """What a reader types shows what the page promises."""
    done = subprocess.run(
        [BASH, "-e", "-c", RUN], cwd=folder, env=SPACE, capture_output=True, text=True, check=True
    )

    assert "5 tenants: 5 ok, 0 with errors" in done.stdout
    assert "The run: 5 tenants, " in done.stdout
    lines = map(json.loads, (folder / "rows.jsonl").read_text("utf-8").splitlines())
    records = [line for line in lines if line["type"] == "RECORD"]
    rows = Counter((line["stream"], line["record"]["tenant_name"]) for line in records)
    assert {name for _, name in rows} == {
        "Contoso", "Fabrikam", "Litware", "Northwind", "Proseware",
    }  # fmt: skip
    assert len(rows) == 10
