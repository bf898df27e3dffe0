"""What one run asks of one query in one tenant, and when it stops wanting answers."""

import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from tap_m365hunting import kql
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.run_windows import Agenda
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.service.client import Errand
from tap_m365hunting.sync.partition_sync import Sweep
from tap_m365hunting.sync.prefetch import Lookahead
from tap_m365hunting.sync.resolved_query import Hunt
from tap_m365hunting.sync.sites import Site
from tap_m365hunting.wire.answer import Answer

NOW = Instant.parse("2026-03-01T12:00:00Z")
HUNT = Hunt(kql.read("T"), Mode.INCREMENTAL, "Timestamp")
PATIENCE = 10.0


@dataclass
class Silent:
    """A tenant whose service says nothing until it is let, or the call is called off."""

    tenant_id: str = "contoso"
    errands: list[Errand] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, _text: str, errand: Errand) -> Answer:
        """Wait."""
        self.errands.append(errand)
        self.asked.set()
        self.over.wait(PATIENCE)
        raise CancelledError

    def now(self) -> Instant:
        """Return the time, which stands still."""
        return NOW


def sweep(site: Silent, lookahead: Lookahead) -> Sweep:
    """Return a sweep over the last hour."""

    def agenda(now: Instant) -> Agenda:
        timing = Timing(start_date=now - timedelta(hours=1))
        return Agenda.of({}, "Timestamp", timing, query="q", now=now)

    return Sweep(HUNT, cast(Site, site), lookahead, agenda, row_cap=10)


def test_sweep_that_leaves_wants_none_of_its_answers() -> None:
    """A stream that failed has no call spent for it any more, and holds up no other."""
    site, lookahead = Silent(), Lookahead(calls=2)
    left = sweep(site, lookahead)
    lookahead.expect([left])
    lookahead.turn(left)
    lookahead.fill()
    assert site.asked.wait(PATIENCE)

    left.leave()

    site.over.set()
    assert [errand.called_off for errand in site.errands] == [True]
    assert left.next_call() is None


def test_sweep_begins_when_it_is_first_asked_for_a_call() -> None:
    """Calls ahead are for what there was to read when they were made."""
    site = Silent()
    begun = sweep(site, Lookahead(calls=2))

    call = begun.next_call()

    assert call is not None
    assert "datetime(2026-03-01T11:00:00.0000000Z)" in call.text
    assert "datetime(2026-03-01T11:55:00.0000000Z)" in call.text
    assert begun.next_call() is None
    assert site.errands == []
