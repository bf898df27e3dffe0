"""A database of its own for each test."""

from pathlib import Path

import pytest

from tests.bulk.loads import Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database that is not there yet."""
    return Database(tmp_path)
