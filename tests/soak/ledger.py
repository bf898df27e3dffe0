"""What a loader holds by key after some runs, and what the runs said of it.

One question: does it hold the rows of the service, or has a run said otherwise (a gap in the
coverage, a window called changed)?
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.soak.kinds import Kind
from tests.soak.plain_service import Event, Row, instant, ticks
from tests.soak.texts import SETTLE

Span = tuple[int, int]


@dataclass
class Ledger:
    """Rows by key, coverage by tenant, and the states of the runs.

    `tenant` is whose rows are that do not say so.
    """

    tenant: str
    loaded: dict[str, Row] = field(default_factory=dict)
    complete: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    gaps: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    state: dict[str, Any] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)

    def load(self, lines: Sequence[Mapping[str, Any]], *, keep_state: bool) -> None:
        """Take the lines of a run."""
        key = list[str]()
        for line in lines:
            if line["type"] == "SCHEMA" and line["stream"] == "t":
                key = line["key_properties"]
            elif line["type"] == "RECORD" and line["stream"] == "t":
                record = line["record"]
                self.loaded[json.dumps([record[name] for name in key])] = record
            elif line["type"] == "RECORD":
                told = line["record"]
                span = ticks(told["window_start"]), ticks(told["window_end"])
                spans = self.complete if told["status"] == "complete" else self.gaps
                spans[str(told["tenant_id"]).lower()].append(span)
            elif line["type"] == "STATE" and keep_state and line["value"].get("bookmarks"):
                self.state = line["value"]
                self.states.append(line["value"])

    def replay(self, state: Mapping[str, Any]) -> None:
        """Have the next run begin with a state of earlier."""
        self.state = deepcopy(dict(state))

    def merge(self, state: Mapping[str, Any]) -> None:
        """Lay a state of earlier over this one, key by key, as an orchestrator may."""
        self.state = _merged(self.state, state)

    def owner(self, record: Row) -> str:
        """Return the tenant of a row."""
        return str(record.get("tenant_id") or self.tenant).lower()

    @property
    def told(self) -> int:
        """How many windows were called complete."""
        return sum(map(len, self.complete.values()))

    def sure(self, at: int, tenant: str) -> bool:
        """Say if an instant was called complete, and lies in nothing that is told as missing."""
        inside = any(start <= at < end for start, end in self.complete[tenant])
        return inside and not any(start <= at < end for start, end in self.gaps[tenant])


def _merged(under: Any, over: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(under, dict) and isinstance(over, Mapping):
        return deepcopy(under | {key: _merged(under.get(key), over[key]) for key in over})
    return over


def judged_table(ledger: Ledger, there: Iterable[Event], *, whole: bool) -> list[str]:
    """Hold a table against the rows that were there, if the last run calls it read whole."""
    seen = Counter(record["Number"] for record in ledger.loaded.values())
    lost = [e.number for e in there if not seen[e.number]] if whole else []
    twice = [number for number, times in seen.items() if times > 1]
    return [f"lost {lost[:3]}"] * bool(lost) + [f"doubled {twice[:3]}"] * bool(twice)


def judged_rows(ledger: Ledger, events: Sequence[Event], kind: Kind, *, read_at: int) -> list[str]:
    """Hold rows against what was called complete.

    `read_at` is when the last run began, if it came to its end: what came late had to be there.
    """
    seen = Counter((ledger.owner(r), r["Number"]) for r in ledger.loaded.values())
    due = [
        e
        for e in events
        if ledger.sure(e.at, e.tenant) and (kind.reach <= SETTLE or e.arrives <= read_at)
    ]
    lost = [e for e in due if not seen[e.tenant, e.number]]
    twice = [number for number, times in seen.items() if times > 1]
    clicks = {(ledger.owner(r), r["Number"]): r.get("Click") for r in ledger.loaded.values()}
    stale = [
        e.number
        for e in due
        if kind.match and e.clicked <= read_at
        if clicks.get((e.tenant, e.number)) != instant(e.clicked)
    ]
    found = [f"lost {len(lost)}: {[(e.number, instant(e.at)) for e in lost[:3]]}"] * bool(lost)
    found += [f"stale {len(stale)}: {stale[:3]}"] * bool(stale)
    return found + [f"doubled {len(twice)}: {twice[:3]}"] * bool(twice)


def judged_sums(ledger: Ledger, events: Sequence[Event], kind: Kind, *, step: int) -> list[str]:
    """Hold the sums of each step against the rows, where the whole step is sure."""
    told, true = Counter[tuple[str, int, str]](), Counter[tuple[str, int, str]]()
    for record in ledger.loaded.values():
        told[ledger.owner(record), ticks(record[kind.sums]), record["Device"]] += record["N"]
    for e in events:
        true[e.tenant, e.at // step * step, e.device] += 1
    return [
        f"{tenant} {instant(hour)} {device}: {told[group]} for {true[group]}"
        for group in sorted(true.keys() | told.keys())
        for tenant, hour, device in [group]
        if ledger.sure(hour, tenant) and ledger.sure(hour + step - 1, tenant)
        if told[group] != true[group]
    ][:3]
