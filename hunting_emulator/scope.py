"""The rows that one call may see: of which tables, of which workspace, and how far back.

Pure. Documented of Graph: a call without `Timespan` sees the last 30 days; of a `Timespan` and a
filter in the query the shorter one wins; an unknown `workspaceId` falls back to the primary
workspace. The Defender APIs see the last 30 days of Defender XDR, that of Defender for Endpoint
only the tables of devices.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hunting_emulator.questions import Question
from hunting_emulator.settings import ApiName, Limits, Settings, Tenant
from hunting_emulator.table_view import TableView
from hunting_emulator.tables import CATALOG, SENTINEL
from hunting_emulator.timespans import Span

# Documented of the API of Defender for Endpoint: there are its own tables alone.
_OTHERS: Final = frozenset(name for name in CATALOG if not name.startswith("Device"))


@dataclass(frozen=True, slots=True)
class Scope:
    """The tables that are seen, the usual retention in days, and the span of time, if given."""

    table_view: TableView
    retention_days: int
    span: Span | None = None


def scope(
    settings: Settings, tenant_id: str, api: ApiName, question: Question, *, now: datetime
) -> Scope:
    """Return the scope of a tenant's call.

    Raises:
        Refusal: the timespan is in none of the documented forms.
    """
    limits, mode = settings.limits, settings.wire.timespan
    tenant = settings.tenant(tenant_id) or Tenant(tenant_id)
    by_ingestion = mode == "ingestion" and api == "graph"
    span = None if mode == "ignored" else question.span(now)
    longest = None if span is not None else limits.default_timespan_days
    if by_ingestion and longest is not None:
        span, longest = (now - timedelta(days=longest), now), None
    primary, workspace = _workspaces(tenant, api, question)
    kept_days = _cut(_kept_days(limits), longest)
    without = tenant.without | (_OTHERS if api == "endpoint" else set())
    table_view = TableView(without, kept_days, primary, workspace, by_ingestion)
    return Scope(table_view, _shorter(limits.retention_days, longest), span)


def _workspaces(tenant: Tenant, api: ApiName, question: Question) -> tuple[str | None, str | None]:
    """Return the primary workspace, and the one that the call is aimed at."""
    if api != "graph" or not tenant.workspaces:
        return None, None
    known = {workspace.lower(): workspace for workspace in tenant.workspaces}
    primary = tenant.workspaces[0]
    return primary, known.get((question.workspace_id or "").lower(), primary)


def _kept_days(limits: Limits) -> dict[str, int]:
    usual = dict.fromkeys(SENTINEL, limits.sentinel_retention_days)
    return {**usual, **limits.table_retention_days}


def _cut(kept_days: dict[str, int], longest: int | None) -> dict[str, int]:
    return {table: _shorter(days, longest) for table, days in kept_days.items()}


def _shorter(days: int, longest: int | None) -> int:
    return days if longest is None else min(days, longest)
