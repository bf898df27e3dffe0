"""Fills the Sentinel tables of a tenant, in the primary workspace and in others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from hunting_emulator.data import bulk, oddities
from hunting_emulator.data.generate import SHARES
from hunting_emulator.data.rhythm import hours
from hunting_emulator.engine import Engine
from hunting_emulator.kql import times
from hunting_emulator.table_view import stored_name
from hunting_emulator.tables import SENTINEL

# In the unit of the shares of the tables of Defender XDR.
_SHARES: Final[Mapping[str, float]] = {
    "SigninLogs": 3,
    "AADNonInteractiveUserSignInLogs": 5,
    "AADServicePrincipalSignInLogs": 0.5,
    "AADManagedIdentitySignInLogs": 0.5,
    "AuditLogs": 1,
    "OfficeActivity": 3,
    "SecurityEvent": 8,
    "CommonSecurityLog": 8,
    "Syslog": 3,
    "AzureActivity": 0.5,
    "SecurityAlert": 0.1,
    "SecurityIncident": 0.05,
}
_TOTAL: Final = sum(SHARES.values())  # the tables of both kinds keep in step
_TIMES_LONGER: Final = 3  # Sentinel keeps 90 days where Defender XDR keeps 30


def place(engine: Engine, table: str, workspace: str | None, known: Sequence[str]) -> str:
    """Return the name to load rows of a workspace under; the first of those known is primary.

    Raises:
        ValueError: the tenant has no such workspace, or Sentinel has no such table.
    """
    ids = [identifier.lower() for identifier in known]
    if workspace is None:
        return table
    if workspace.lower() not in ids or not _is_in_sentinel(engine, table):
        msg = f"No table {table!r} in a workspace {workspace!r}"
        raise ValueError(msg)
    if workspace.lower() == ids[0]:
        return table
    name = stored_name(table, workspace)
    if name not in engine.tables:
        engine.create(replace(engine.tables[table], name=name, workspace=workspace))
    return name


def _is_in_sentinel(engine: Engine, table: str) -> bool:
    found = engine.tables.get(table)
    return found is not None and found.sentinel


def fill(
    engine: Engine,
    workspaces: Sequence[str],
    *,
    anchor: str | datetime,
    rows: int,
    days: int = 30,
    days_ahead: int = 2,
    seed: int = 1,
) -> None:
    """Make up the rows of every workspace, in proportion to a tenant's `rows` of Defender XDR.

    The rows lie in three times the `days` before the anchor, at the pace of the tenant.
    """
    moment = datetime.fromisoformat(f"{times.of(anchor)[:19]}+00:00").astimezone(UTC)
    population = max(10, min(2_000, rows // 500))
    for number, workspace in enumerate(workspaces):
        for name in SENTINEL:
            count = max(1, round(rows * _SHARES[name] / _TOTAL)) * _TIMES_LONGER
            stored = place(engine, name, workspace, workspaces)
            table = engine.tables[stored]
            longer = days * _TIMES_LONGER
            plan = hours(moment, rows=count, days=longer, days_ahead=days_ahead)
            bulk.fill(
                engine.store, table, plan, seed=seed + number, people=population, devices=population
            )
    if workspaces:
        oddities.add(engine, anchor=moment, rows=rows, seed=seed, tables=tuple(SENTINEL))
