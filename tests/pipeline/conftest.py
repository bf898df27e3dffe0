"""Fixtures for the demo: folders and a port of its own for each test."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.demonstration import Demonstration, free_port


@pytest.fixture
def demonstration(tmp_path: Path) -> Demonstration:
    """A demo of a few rows that shares nothing with another."""
    return Demonstration(tmp_path, free_port())


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    yield port
    listener.close()
