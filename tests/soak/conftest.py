"""These take many minutes, so they are collected only for `make soak`."""

import os

import pytest

from hunting_emulator import Emulator
from tests.tap.harness import Tenant

collect_ignore_glob = [] if os.environ.get("SOAK") else ["test_*.py"]


@pytest.fixture
def tenant(emulator: Emulator) -> Tenant:
    """A tenant without data, and a tap aimed at it."""
    return Tenant(emulator)
