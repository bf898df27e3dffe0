"""Servers that keep a fleet's state, on loopback, and the variables that lead Meltano there."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from tests.loaders import postgres
from tests.pipeline.demonstration import free_port

BUCKET: Final = "hunting-state"
# Microsoft's published account of the emulator, which opens nothing else
_ACCOUNT: Final = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT"
    "50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
)
_CONTAINER: Final = (
    "import sys; from azure.storage.blob import BlobServiceClient as Client; "
    "Client.from_connection_string(sys.argv[1], api_version='2021-12-02')"
    ".create_container(sys.argv[2])"
)

Variables = Mapping[str, str]
Backend = Callable[[Path, Path], AbstractContextManager[Variables]]


@contextmanager
def systemdb(_: Path, __: Path) -> Iterator[Variables]:
    """PostgreSQL as Meltano's system database."""
    with postgres.serving() as server:
        there = f"postgres:unused@127.0.0.1:{server.port}/postgres"
        yield {"MELTANO_DATABASE_URI": f"postgresql+psycopg2://{there}"}


@contextmanager
def s3(programs: Path, folder: Path) -> Iterator[Variables]:
    """A bucket of the stand-in for S3 from the package moto."""
    port = free_port()
    command = [programs / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with _served([*map(str, command)], port, folder):
        with closing(HTTPConnection("127.0.0.1", port)) as connection:
            connection.request("PUT", f"/{BUCKET}")
            assert connection.getresponse().status == 200
        yield {
            "MELTANO_STATE_BACKEND_URI": f"s3://{BUCKET}/fleet",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def azure(programs: Path, folder: Path) -> Iterator[Variables]:
    """A container of Azurite, Microsoft's stand-in for Azure Storage."""
    port, account = free_port(), ""
    script = programs.parent / "node_modules/azurite/dist/src/blob/main.js"
    options = ("--blobHost", "127.0.0.1", "--location", str(folder), "--silent")
    command = [shutil.which("node") or "node", str(script), "--blobPort", str(port), *options]
    account = _ACCOUNT.format(port=port)
    with _served([*command, "--skipApiVersionCheck"], port, folder):
        subprocess.run(
            [programs / "python", "-c", _CONTAINER, account, BUCKET], check=True, timeout=120
        )
        yield {
            "MELTANO_STATE_BACKEND_URI": f"azure://{BUCKET}/fleet",
            "MELTANO_STATE_BACKEND_AZURE_CONNECTION_STRING": account,
        }


@contextmanager
def _served(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until the block ends."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, env=os.environ
        )
    try:
        while not _answers(port):
            assert process.poll() is None
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except OSError:
            return False
        return True
