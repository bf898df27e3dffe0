"""What one run asks of one query in one tenant, and when it stops wanting answers."""

import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from tap_m365hunting import kql
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.service.client import CallContext
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.partition_sync import PartitionSync
from tap_m365hunting.sync.prefetch import Prefetch
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.wire.answer import QueryResult

NOW = Instant.parse("2026-03-01T12:00:00Z")
RESOLVED = ResolvedQuery(kql.read("T"), Mode.INCREMENTAL, "Timestamp")
PATIENCE = 10.0


@dataclass
class Silent:
    """A tenant whose service says nothing until it is let, or the call is called off."""

    tenant_id: str = "contoso"
    contexts: list[CallContext] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, _text: str, context: CallContext) -> QueryResult:
        """Wait."""
        self.contexts.append(context)
        self.asked.set()
        self.over.wait(PATIENCE)
        raise CancelledError

    def now(self) -> Instant:
        """Return the time, which stands still."""
        return NOW


def partition_sync(service: Silent, prefetch: Prefetch) -> PartitionSync:
    """Return a sweep over the last hour."""

    def run_windows(now: Instant) -> RunWindows:
        timing = Timing(start_date=now - timedelta(hours=1))
        return RunWindows.of({}, "Timestamp", timing, query="q", now=now)

    return PartitionSync(RESOLVED, cast(TenantService, service), prefetch, run_windows, row_cap=10)


def test_sweep_that_leaves_wants_none_of_its_answers() -> None:
    """A stream that failed has no call spent for it any more, and holds up no other."""
    service, prefetch = Silent(), Prefetch(calls=2)
    left = partition_sync(service, prefetch)
    prefetch.expect([left])
    prefetch.turn(left)
    prefetch.fill()
    assert service.asked.wait(PATIENCE)

    left.leave()

    service.over.set()
    assert [context.called_off for context in service.contexts] == [True]
    assert left.next_call() is None


def test_sweep_begins_when_it_is_first_asked_for_a_call() -> None:
    """Calls ahead are for what there was to read when they were made."""
    service = Silent()
    begun = partition_sync(service, Prefetch(calls=2))

    call = begun.next_call()

    assert call is not None
    assert "datetime(2026-03-01T11:00:00.0000000Z)" in call.text
    assert "datetime(2026-03-01T11:55:00.0000000Z)" in call.text
    assert begun.next_call() is None
    assert service.contexts == []
