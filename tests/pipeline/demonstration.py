"""Runs the demo in a folder of its own, with the real commands."""

import json
import socket
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.__main__ import main
from demo.tables import Tables

ROOT = Path(__file__).parents[2]
COMMANDS = Path(sys.executable).parent
LOADER = COMMANDS / "target-bulk-duckdb"
SAMPLE = ROOT / "sample_config.json"


@dataclass
class Demonstration:
    """The demo with a port and folders; each run starts and stops its own emulator."""

    folder: Path
    port: int
    loader: Path = LOADER
    config: Path = SAMPLE

    @property
    def output(self) -> Path:
        """Where the rows go."""
        return self.folder / "output"

    @property
    def database(self) -> Path:
        """The file of the tables."""
        return self.output / "hunting.duckdb"

    def run(self, *, now: datetime | None = None) -> int:
        """Run the demo; return its exit status."""
        loader_config = self.folder / "target-bulk-duckdb.json"
        loader_config.write_text(json.dumps({"database": str(self.database)}))
        places = {
            "commands": COMMANDS,
            "loader": self.loader,
            "config": self.config,
            "loader-config": loader_config,
            "output": self.output,
            "emulator": self.folder / "emulator",
        }
        options = [f"--{name}={value}" for name, value in places.items()]
        return main([f"--port={self.port}", "--rows=3000", *options], now=now)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer a question in SQL to the tables."""
        with closing(Tables(self.database)) as tables:
            return tables.ask(sql)

    def bookmark(self, stream: str) -> str:
        """Return how far a stream has been read."""
        state = json.loads((self.output / "state.json").read_text("utf-8"))
        return str(state["bookmarks"][stream]["replication_key_value"])


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
