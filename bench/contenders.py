"""Who is measured: each by the command that reads some tables of the server."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.server import AUTHORITY, TENANT


def environment(home: Path, authority: Path) -> dict[str, str]:
    """Return what a command is told beside its arguments: little, and whom to trust."""
    return {
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(home),
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "REQUESTS_CA_BUNDLE": str(authority),
    }


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are: the server, a folder for files, and the Python that has the rivals."""

    url: str
    folder: Path
    rivals: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """What every command is told beside its arguments."""
        return environment(self.folder, self.folder / AUTHORITY)

    def body(self, table: str) -> Path:
        """Return the file with a table's answer, for who reads no HTTP."""
        return self.folder / f"{table}.json"


Command = Callable[[Bench, Sequence[str]], list[str]]


def _config(bench: Bench, tables: Sequence[str], **settings: Any) -> Path:  # noqa: ANN401 - JSON
    """Write the tap's settings; the cap is above the rows, so that no answer is continued."""
    config = {
        "tenant_id": TENANT,
        "client_id": "an-app",
        "client_secret": "a-secret",
        "api_url": bench.url,
        "authority_url": bench.url,
        "max_rows_per_call": 1_000_000,
        "max_calls_per_minute": 1000,
        "queries": [
            {"name": f"{table}_{number}", "query": table} for number, table in enumerate(tables)
        ],
        **settings,
    }
    path = bench.folder / f"{'-'.join([tables[0], str(len(tables)), *settings])}.json"
    path.write_text(json.dumps(config))
    return path


def tap(**settings: Any) -> Command:  # noqa: ANN401 - JSON
    """Return what makes the tap's command, with settings of its own."""

    def command(bench: Bench, tables: Sequence[str]) -> list[str]:
        config = _config(bench, tables, **settings)
        return [sys.executable, "-m", "tap_m365hunting", "--config", str(config)]

    return command


def _mapped(bench: Bench, tables: Sequence[str]) -> list[str]:
    """Let a stream map, which changes nothing, see every row."""
    return tap(stream_maps={f"{tables[0]}_0": {"__filter__": "True"}})(bench, tables)


def _script(name: str, *arguments: str) -> Command:
    def command(bench: Bench, tables: Sequence[str]) -> list[str]:
        # a table that is read twice is two streams, as with this tap
        named = [f"{table}_{number}" for number, table in enumerate(tables)]
        return [sys.executable, "-m", f"bench.rivals.{name}", *arguments, bench.url, *named]

    return command


def _rival(name: str) -> Command:
    def command(bench: Bench, tables: Sequence[str]) -> list[str]:
        return [str(bench.rivals), "-m", f"bench.rivals.{name}", bench.url, *tables]

    return command


def _imports(_: Bench, __: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", "import singer_sdk, msal"]


def _splice(bench: Bench, tables: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "bench.rivals.splice", str(bench.body(tables[0])), tables[0]]


TAP: Final = "this tap"
WITHOUT_IDS: Final = "this tap, `row_id` off"
MAPPED: Final = "this tap, with a stream map"
CONVENTIONAL: Final = "conventional tap"
CONVENTIONAL_MSGSPEC: Final = "conventional tap, `MsgSpecWriter`"
RIGHT: Final = "conventional tap, rows put right"
NAMED: Final = "conventional tap, rows put right and named"
BY_HAND: Final = "`requests` and `json` by hand"
DLT: Final = "dlt, REST source to JSON lines"
AIRBYTE: Final = "Airbyte CDK, `HttpStream`"
SPLICE: Final = "bare splice of a file"
IMPORTS: Final = "`import singer_sdk, msal`"

COMMANDS: Final[dict[str, Command]] = {
    TAP: tap(),
    WITHOUT_IDS: tap(row_id=False),
    MAPPED: _mapped,
    CONVENTIONAL: _script("conventional", "sdk", "as-they-came"),
    CONVENTIONAL_MSGSPEC: _script("conventional", "msgspec", "as-they-came"),
    RIGHT: _script("conventional", "sdk", "right"),
    NAMED: _script("conventional", "sdk", "right-and-named"),
    BY_HAND: _script("by_hand"),
    DLT: _rival("dlt_source"),
    AIRBYTE: _rival("airbyte_source"),
    SPLICE: _splice,
    IMPORTS: _imports,
}
NEEDS_RIVALS: Final = frozenset({DLT, AIRBYTE})
