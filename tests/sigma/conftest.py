"""Fixtures for Sigma rules that run."""

import pytest

from hunting_emulator import Emulator
from tests.tap.harness import Tenant


@pytest.fixture
def tenant(emulator: Emulator) -> Tenant:
    """A tenant without data, and a tap aimed at it."""
    return Tenant(emulator)
