"""A PostgreSQL server of its own, on loopback, in a folder that is deleted afterwards."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

_INSTALLED: Final = Path("/usr/lib/postgresql")
# fast and forgetful: what a test needs
_OPTIONS: Final = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off "
    "-c synchronous_commit=off -c full_page_writes=off -p {port}"
)


@dataclass(frozen=True)
class Server:
    """A running server; anyone on this machine is its superuser."""

    port: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """How the loader reaches it; the loader insists on a password."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "postgres",
            "password": "unused",
            "database": "postgres",
        }

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, each as an object."""
        command = [
            *(_program("psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
            *("--host=127.0.0.1", f"--port={self.port}", "--username=postgres"),
            f"--command=SELECT row_to_json(answer) FROM ({sql}) AS answer",  # noqa: S608 -- our own SQL
        ]
        said = subprocess.run(command, capture_output=True, check=True)
        # only a newline ends a row: `splitlines` would cut at others inside a text
        return [
            json.loads(line, parse_float=Decimal)
            for line in said.stdout.decode().split("\n")
            if line
        ]


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="loaders-postgres-"))
    user = _owner(folder)
    data = str(folder / "data")
    server = Server(_free_port())
    _run(user, "initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust", "--no-sync",
         "--encoding=UTF8", "--locale=C.UTF-8")  # fmt: skip
    _run(user, "pg_ctl", f"--pgdata={data}", f"--log={folder / 'log'}", "--wait",
         f"--options={_OPTIONS.format(port=server.port)}", "start")  # fmt: skip
    try:
        yield server
    finally:
        _run(user, "pg_ctl", f"--pgdata={data}", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(folder)


def _owner(folder: Path) -> str | None:
    """Give the folder to somebody else where this is root, for whom the server does not run."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(folder, user)
    return user


def _run(user: str | None, program: str, *arguments: str) -> None:
    # The server inherits the streams: a pipe would stay open as long as it runs.
    subprocess.run(
        [_program(program), *arguments],
        user=user,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def _program(name: str) -> str:
    places = [str(path) for path in sorted(_INSTALLED.glob("*/bin"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ["PATH"]]))
    if found is None:
        msg = f"PostgreSQL's {name} is not installed: apt-get install postgresql"
        raise FileNotFoundError(msg)
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
