"""Fills an engine's tables with a made-up tenant, as of one instant."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from hunting_emulator.data import bulk, oddities
from hunting_emulator.data.rhythm import HourOfRows, hours
from hunting_emulator.data.story import story
from hunting_emulator.engine import Engine
from hunting_emulator.kql import times

logger = logging.getLogger(__name__)

_MANY: Final = 1_000_000  # rows from which on it is said how far they are

SHARES: Final[Mapping[str, float]] = {
    "DeviceProcessEvents": 20,
    "DeviceNetworkEvents": 20,
    "DeviceFileEvents": 15,
    "DeviceEvents": 12,
    "DeviceImageLoadEvents": 7,
    "DeviceRegistryEvents": 6,
    "DeviceLogonEvents": 4,
    "DeviceInfo": 1,
    "DeviceNetworkInfo": 1,
    "DeviceFileCertificateInfo": 0.5,
    "IdentityLogonEvents": 3,
    "IdentityQueryEvents": 0.5,
    "IdentityDirectoryEvents": 0.3,
    "IdentityInfo": 0.5,
    "EmailEvents": 2,
    "EmailUrlInfo": 1,
    "EmailAttachmentInfo": 0.5,
    "UrlClickEvents": 0.5,
    "CloudAppEvents": 2,
    "EntraIdSignInEvents": 2,
    "EntraIdSpnSignInEvents": 0.5,
    "AlertInfo": 0.1,
    "AlertEvidence": 0.3,
    "DeviceTvmSoftwareVulnerabilities": 1,
    "DeviceTvmSoftwareInventory": 0.3,
    "ExposureGraphNodes": 0.2,
    "ExposureGraphEdges": 0.2,
}
"""How the rows of a tenant spread over its tables."""

_FEW: Final = (
    "AADSignInEventsBeta",
    "AADSpnSignInEventsBeta",
    "BehaviorEntities",
    "BehaviorInfo",
    "CloudAuditEvents",
    "DeviceTvmBrowserExtensions",
    "DeviceTvmCertificateInfo",
    "DeviceTvmInfoGathering",
    "DeviceTvmSecureConfigurationAssessment",
    "DeviceTvmSecureConfigurationAssessmentKB",
    "DeviceTvmSoftwareVulnerabilitiesKB",
    "DisruptionAndResponseEvents",
    "EmailPostDeliveryEvents",
    "GraphAPIAuditEvents",
    "IdentityAccountInfo",
    "MessageEvents",
    "MessageUrlInfo",
    "OAuthAppInfo",
)
"""Tables that have a few rows, beside those that are asked for."""

_FEW_OF: Final = 500  # rows of a tenant for one row of each of these tables


def generate(
    engine: Engine,
    *,
    anchor: str | datetime,
    rows: int,
    days: int = 30,
    days_ahead: int = 2,
    seed: int = 1,
    tables: Mapping[str, int] | None = None,
) -> None:
    """Fill tables with `rows` rows in all, or with so many rows each as `tables` says.

    The rows lie in the `days` before the anchor; rows at the same pace follow for `days_ahead`, and
    become visible as time goes on. The attack is in the days before the anchor. The same seed and
    anchor make the same rows.
    """
    moment = datetime.fromisoformat(f"{times.of(anchor)[:19]}+00:00").astimezone(UTC)
    counts = _shared(rows) if tables is None else tables
    made = 0
    for name, count in counts.items():
        logger.log(
            logging.INFO if rows > _MANY else logging.DEBUG, "Made %d of %d rows", made, rows
        )
        made += count
        table = engine.tables[name]
        if not count:
            continue
        plan = (
            hours(moment, rows=count, days=days, days_ahead=days_ahead)
            if table.time_column
            else [HourOfRows(moment, 0, count)]
        )
        population = max(10, min(2_000, rows // 500))
        bulk.fill(engine.store, table, plan, seed=seed, people=population, devices=population)
    for name, told in story(moment).items():
        if counts.get(name):
            engine.load(name, told)
    if tables is None:
        oddities.add(engine, anchor=moment, rows=rows, seed=seed, tables=tuple(counts))


def _shared(rows: int) -> dict[str, int]:
    total = sum(SHARES.values())
    if not rows:
        return {}
    shared = {name: max(1, round(rows * share / total)) for name, share in SHARES.items()}
    return shared | dict.fromkeys(_FEW, rows // _FEW_OF)
