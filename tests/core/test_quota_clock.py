"""A quota holds in every true minute, whatever is done to this machine's clock meanwhile."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import BinaryIO, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.configuration.config import QuotaSettings, Settings
from tap_m365hunting.errors import ThrottledError
from tap_m365hunting.http.transport import Transport
from tap_m365hunting.service.client import Client

PER_MINUTE, PER_HOUR = 5, 40
GIVEN = {
    "tenant_id": "t",
    "client_id": "c",
    "client_secret": "s",
    "queries": [{"name": "a", "query": "AlertInfo | project Timestamp"}],
}


class Tokens:
    """Has a token."""

    def token(self) -> str:
        """Return it."""
        return "t"

    def forget(self, refused: str) -> None:
        """Forget nothing."""


class World:
    """True time, a clock of this machine that is stepped, and a service that counts calls."""

    def __init__(self, steps: Iterator[float], *, dated: bool) -> None:
        self.now = 1_772_366_400.0
        self.off = 0.0
        self.arrived: list[float] = []
        self._steps = steps
        self._dated = dated

    def clock(self) -> float:
        """Tell what this machine takes for the time, after a step perhaps."""
        self.off += next(self._steps, 0.0)
        return self.now + self.off

    def timer(self) -> float:
        """Tell what no step changes."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let true time pass."""
        self.now += seconds

    def post(
        self, text: str, token: str, *_: object, arrived: Callable[[dict[str, str]], None]
    ) -> BinaryIO:
        """Take a call, which arrives at once and is answered a moment later."""
        del text, token
        self.arrived.append(self.now)
        self.now += 0.2
        date = datetime.fromtimestamp(self.now, tz=UTC)
        arrived({"Date": f"{date:%a, %d %b %Y %H:%M:%S} GMT"} if self._dated else {})
        return BytesIO(b"")


class Read:
    """What an answer was made into."""

    cpu_seconds = 0.0


def stepped(steps: list[float], *, dated: bool) -> tuple[World, Client]:
    """Return a client in such a world."""
    world = World(iter(steps), dated=dated)
    connection = Settings.parse(GIVEN).connection
    quotas = QuotaSettings(PER_MINUTE, PER_HOUR, 100, timedelta(hours=2), 1)
    client = Client(
        connection, quotas, Tokens(),
        clock=world.clock, timer=world.timer, sleep=world.sleep, draw=lambda: 0.0,
        transport=cast(Transport, world),
    )  # fmt: skip
    return world, client


def most_in(moments: list[float], period: float) -> int:
    """Return the most calls that came within any period so long."""
    return max(sum(at <= other < at + period for other in moments) for at in moments)


# behind by any time; ahead by less than makes the tap refuse to go on
STEPS = st.lists(st.sampled_from([0.0] * 6 + [60.0, -60.0, 45.0, -3_600.0, 120.0, -120.0, 0.5]))


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, dated=st.booleans())
def test_no_step_of_the_clock_lets_more_calls_through(steps: list[float], *, dated: bool) -> None:
    """Never more than allowed in any true minute and hour; nor are calls held back for hours."""
    world, client = stepped(bounded(steps), dated=dated)
    for _ in range(60):
        client.run("T", read=lambda _: Read())

    assert most_in(world.arrived, 60.0) <= PER_MINUTE
    assert most_in(world.arrived, 3_600.0) <= PER_HOUR
    waits = [later - earlier for earlier, later in pairwise(world.arrived)]
    assert max(waits) <= 3_600 + 1


def bounded(steps: list[float]) -> list[float]:
    """Leave out what would bring the clock so far ahead that the tap stops."""
    kept, off = list[float](), 0.0
    for step in steps:
        kept.append(step if off + step <= 240 else 0.0)
        off += kept[-1]
    return kept


def test_moment_that_the_service_names_is_one_of_its_own_clock() -> None:
    """A step of minutes makes no wait longer or shorter."""
    for step in (-3_600.0, 0.0, 240.0):
        waited = wait_until_the_named_moment(step)
        assert 29 <= waited <= 32


def wait_until_the_named_moment(step: float) -> float:
    """Return how long a client waits that is told a moment half a minute ahead."""
    world, client = stepped([0.0, step], dated=True)
    moment = datetime.fromtimestamp(world.now + 30, tz=UTC)
    refusals = [ThrottledError("spent", retry_after=f"{moment:%a, %d %b %Y %H:%M:%S} GMT")]

    def read(_: BinaryIO) -> Read:
        if refusals:
            raise refusals.pop()
        return Read()

    began = world.now
    client.run("T", read=read)
    return world.now - began
