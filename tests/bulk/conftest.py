"""A database of its own for each test."""

from pathlib import Path

import pytest

from hunting_emulator import Emulator
from tests.bulk.loads import Database
from tests.tap.harness import Tenant


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database that is not there yet."""
    return Database(tmp_path)


@pytest.fixture
def tenant(emulator: Emulator) -> Tenant:
    """A tenant without data, and a tap aimed at it."""
    return Tenant(emulator)
