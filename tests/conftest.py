"""Fixtures for all tests: one emulator for the session, as good as new for each test."""

import os
import sys
from collections.abc import Iterator

import pytest

from hunting_emulator import Emulator

ENDED = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the tests went."""
    session.config.stash[ENDED] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End here: DuckDB counts as leaked what the interpreter had no time to let go of.

    Its binding prints up to 40 lines of that after the last line of the tests, more often than
    not, though every connection is closed. A profiler or tracer has its end in peace.
    """
    if ENDED in config.stash and sys.getprofile() is None and sys.gettrace() is None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[ENDED])


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the commands for people the same width wherever the tests run."""
    monkeypatch.setenv("COLUMNS", "100")


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
