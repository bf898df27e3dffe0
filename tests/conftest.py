"""Fixtures for all tests: one emulator for the session, as good as new for each test."""

from collections.abc import Iterator

import pytest

from hunting_emulator import Emulator


@pytest.fixture(scope="session")
def _running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(_running: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An emulator with empty tables that this process' clients trust."""
    _running.clear(data=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", _running.ca_file)
    return _running
