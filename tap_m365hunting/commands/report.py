"""A report on a set of queries before they run.

Pure. No error is raised: whatever the problems of a query, the others are reported.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self

from msgspec import Struct

from tap_m365hunting import kql
from tap_m365hunting.commands.documented_keys import Identity
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.configuration.cautions import cautions
from tap_m365hunting.configuration.config import DEFAULTS, RawSettings, read_settings_of
from tap_m365hunting.configuration.queries import HuntingQuery, ListedQuery
from tap_m365hunting.configuration.query_settings import STREAM_NAME
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.density import bin_width
from tap_m365hunting.planning.windows import CountAsk, ReadAsk, TimeWindow
from tap_m365hunting.printable import masked, shown_key
from tap_m365hunting.sync.resolved_query import ResolvedQuery, bound_problems, resolve
from tap_m365hunting.wire.dialects import DEFENDER, DEFENDER_ENDS
from tap_m365hunting.wire.schema import Column

#: The window that the texts of a report are written for.
SHOWN: Final = TimeWindow(Instant.parse("2026-01-01"), Instant.parse("2026-01-02"))

# With a fault in one of these settings the way of reading stays open.
_DECISIVE: Final = frozenset({"replication_method", "replication_key", "unsafe_window"})
_OF_QUERY: Final = re.compile(r"queries\[(\d+)\]\.?(\w*)")


class Texts(Struct, frozen=True):
    """The KQL to be sent; `None` where the query's mode never sends such a text."""

    probe: str | None = None
    window: str | None = None
    count: str | None = None

    @classmethod
    def of(cls, resolved: ResolvedQuery, *, row_cap: int) -> Self:
        """Write the texts as the tap does, for the window `SHOWN`."""
        probe = kql.probe(resolved.query)
        if resolved.mode is not Mode.INCREMENTAL:
            whole = resolved.mode is Mode.FULL_TABLE
            return cls(probe, resolved.text(ReadAsk(None if whole else SHOWN)))
        if resolved.cursor is None:
            return cls(probe)
        count = CountAsk(SHOWN, bin_width(SHOWN, row_cap))
        return cls(probe, resolved.text(ReadAsk(SHOWN)), resolved.text(count))

    def to_json(self) -> dict[str, object]:
        """Return the texts under their names."""
        return {"probe": self.probe, "window": self.window, "count": self.count}


class Facts(Struct, frozen=True):
    """Facts known to the service alone; `None` where not counted.

    A run is daily, with its lookback. `rows_a_day` has no meaning for a whole table. `identity` is
    documented for a table read without `primary_keys`.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows_a_day: int | None = None
    rows_a_run: int | None = None
    calls_a_run: int | None = None
    minutes_a_run: float | None = None
    identity: Identity | None = None
    configured: Identity | None = None

    def to_json(self) -> dict[str, object]:
        """Return the facts under their names."""
        return {
            "columns": [{"name": column.name, "type": column.type} for column in self.columns],
            "key": list(self.key),
            "rows_a_day": self.rows_a_day,
            "rows_a_run": self.rows_a_run,
            "calls_a_run": self.calls_a_run,
            "minutes_a_run": self.minutes_a_run and round(self.minutes_a_run, 2),
            **({"identity": self.identity.to_json()} if self.identity else {}),
        }


class QueryReport(Struct, frozen=True):
    """The report on a query.

    `query` is `None` if there is no readable query, `mode` if unknown; `probed` is the query with
    the columns named by the service, once asked.
    """

    name: str
    text: str
    remarks: tuple[Remark, ...]
    mode: Mode | None = None
    cursor: str | None = None
    texts: Texts = Texts()
    query: HuntingQuery | None = None
    probed: ProbedQuery | None = None
    facts: Facts | None = None

    @property
    def ok(self) -> bool:
        """Whether the query will run."""
        return all(remark.severity != "error" for remark in self.remarks)

    def to_json(self) -> dict[str, object]:
        """Return the entry of `queries`; texts of a refused query have stars for a token."""
        texts = self.texts.to_json()
        if not self.ok:
            texts = {k: masked(v) if isinstance(v, str) else v for k, v in texts.items()}
        return {
            "name": self.name,
            "mode": self.mode and self.mode.value,
            "cursor": self.cursor,
            "ok": self.ok,
            "problems": [remark.to_json() for remark in self.remarks],
            "kql": texts,
            **(self.facts.to_json() if self.facts else {}),
        }


class TenantReport(Struct, frozen=True):
    """The answer of a tenant to a probe; `error` is the reason for having none.

    `answered` means the tenant took the call, though perhaps refused the query.
    """

    tenant_id: str
    name: str | None = None
    error: str | None = None
    answered: bool = True

    @property
    def ok(self) -> bool:
        """Whether the query can be read there."""
        return self.error is None

    def to_json(self) -> dict[str, object]:
        """Return the entry of `tenants`; `name` and `error` only if set."""
        return {
            "tenant_id": self.tenant_id,
            **({"name": self.name} if self.name else {}),
            "ok": self.ok,
            **({"error": self.error} if self.error else {}),
        }


class Report(Struct, frozen=True):
    """The report on all queries; errors and warnings are about the settings around them.

    `access` names API and tenant, once the service has taken a call. `tenants` are those of a list,
    if asked.
    """

    queries: tuple[QueryReport, ...]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    access: str | None = None
    tenants: tuple[TenantReport, ...] = ()

    @property
    def fit(self) -> list[HuntingQuery]:
        """The queries that are fit to run."""
        return [query.query for query in self.queries if query.ok and query.query]

    @property
    def ok(self) -> bool:
        """Whether everything will run."""
        tenants = all(tenant.ok for tenant in self.tenants)
        return not self.errors and tenants and all(query.ok for query in self.queries)

    def to_json(self) -> dict[str, object]:
        """Return the report for programs; after `queries` come non-empty members alone."""
        return {
            "ok": self.ok,
            "queries": [query.to_json() for query in self.queries],
            **({"errors": list(self.errors)} if self.errors else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            **({"access": self.access} if self.access else {}),
            **({"tenants": [tenant.to_json() for tenant in self.tenants]} if self.tenants else {}),
        }


def report(raw: RawSettings, *, now: Instant) -> Report:
    """Report for each configured query the way of reading, and the problems of a run from now."""
    by_query, errors = _by_query(raw.wrong, {query.number for query in raw.queries})
    # settings that are wrong leave those that go for all queries at their defaults
    filled = DEFAULTS if errors else raw.with_defaults
    return Report(
        tuple(
            _query_report(query, by_query.get(query.number, []), filled, now)
            for query in raw.queries
        ),
        tuple(errors),
        (*_warnings(filled), *raw.cautions),
    )


def _warnings(filled: Mapping[str, Any]) -> Iterator[str]:
    if filled["api"] == DEFENDER.name:
        yield f"The Defender API returns no data from {DEFENDER_ENDS} on; set api to graph"
    yield from cautions(filled)


def _by_query(
    lines: Iterable[str], numbers: Iterable[int]
) -> tuple[dict[int, list[str]], list[str]]:
    """Part the lines about the entries of `queries` from all others."""
    about = {number: list[str]() for number in numbers}
    other = list[str]()
    for line in lines:
        found = _OF_QUERY.match(line)
        place = about.get(int(found[1])) if found else None
        (other if place is None else place).append(line)
    return about, other


def _query_report(
    listed: ListedQuery, wrong: list[str], filled: Mapping[str, Any], now: Instant
) -> QueryReport:
    lines = [*wrong, *filter(None, [listed.refused]), *listed.wrong]
    remarks = [Remark("error", line) for line in lines]
    if listed.unreadable:
        remarks.append(Remark.of(kql.Problem.of(listed.unreadable)))
    # a refused name may be a secret
    named = re.match(STREAM_NAME, listed.name)
    name = listed.name if named else shown_key(listed.name)
    keys = {found[2] for line in lines if (found := _OF_QUERY.match(line))}
    if listed.query is None or keys & _DECISIVE:
        return QueryReport(name, listed.text or "", tuple(remarks))
    query = listed.parsed(filled, without=keys)
    verdict, resolved = resolve(query)
    remarks += map(Remark.of, verdict.problems)
    bounds = bound_problems(query, read_settings_of(filled), now=now)
    return QueryReport(
        name,
        listed.query.text,
        (*remarks, *(Remark("error", problem) for problem in bounds)),
        verdict.mode,
        verdict.cursor,
        Texts.of(resolved, row_cap=filled["max_rows_per_call"]),
        query,
    )
