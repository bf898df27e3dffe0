"""Ten thousand odd texts: each is answered, in time, and memory stays where it is."""

import random
import resource
import time
from contextlib import suppress

import pytest

from hunting_emulator.engine import Engine, KqlError
from hunting_emulator.tables import Table
from tests.emulator.texts import odd_texts

pytestmark = pytest.mark.soak
SECONDS = 30.0
TEXTS = 10_000


def test_ten_thousand_odd_texts_are_answered() -> None:
    """No other error than those that are told, no answer after the limit and 5 s, under 2 GB."""
    engine = Engine(tables=(Table.of("T", {"a": "string", "n": "long"}),))
    slowest = 0.0

    for text in odd_texts(random.Random(20261129), TEXTS):
        started = time.monotonic()
        with suppress(KqlError, TimeoutError):
            list(engine.run(text, now="2026-03-01T00:00:00Z", seconds=SECONDS).rows())
        slowest = max(slowest, time.monotonic() - started)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{TEXTS} texts, the slowest {slowest:.1f} s, peak {peak:.0f} MB")  # noqa: T201 - the figures
    assert slowest <= SECONDS + 5
    assert peak < 2048
