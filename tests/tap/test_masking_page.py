"""docs/masking.md is followed: its settings mask accounts, in the query and by a stream map."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.tap.harness import Run, Tenant, at

PAGE = (Path(__file__).parents[2] / "docs/masking.md").read_text("utf-8")
IN_QUERY, BY_MAP = map(
    json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
)
SECRETS = ("alice.arbor", "S-1-5-21-700", "CONTOSO-HQ")
SEED = "2f9c…"


@pytest.fixture
def logons(tenant: Tenant) -> Tenant:
    """Two logons of one account."""
    tenant.emulator.engine.load(
        "DeviceLogonEvents",
        [
            {
                "Timestamp": at(hours=hour),
                "DeviceId": "aa",
                "ReportId": hour,
                "LogonType": "Interactive",
                "AccountName": SECRETS[0],
                "AccountSid": SECRETS[1],
                "AccountDomain": SECRETS[2],
            }
            for hour in (2, 3)
        ],
    )
    return tenant


def read(logons: Tenant, settings: Mapping[str, Any]) -> Run:
    """Run the tap with the page's settings."""
    others = {name: value for name, value in settings.items() if name != "queries"}
    return logons.sync(*settings["queries"], **others)


@pytest.mark.parametrize("settings", [IN_QUERY, BY_MAP], ids=["query", "map"])
def test_masked_values_are_in_no_message(logons: Tenant, settings: Mapping[str, Any]) -> None:
    """Names are searched for by value, in records, schemas and states."""
    run = read(logons, settings)

    assert len(run.records("logons")) == 2
    assert [secret for secret in SECRETS if secret in json.dumps(run.lines)] == []


@pytest.mark.parametrize(
    ("settings", "column", "masked"),
    [(IN_QUERY, "Account", SECRETS[1]), (BY_MAP, "AccountName", SECRETS[0])],
    ids=["query", "map"],
)
def test_account_keeps_one_pseudonym(
    logons: Tenant, settings: Mapping[str, Any], column: str, masked: str
) -> None:
    """Rows of one account can still be counted together."""
    pseudonym = sha256((SEED + masked).encode()).hexdigest()

    assert read(logons, settings).values("logons", column) == [pseudonym] * 2


def test_column_is_out_or_empty_as_the_page_says(logons: Tenant) -> None:
    """`__NULL__` takes a column out of the stream, `None` empties it."""
    run = read(logons, BY_MAP)

    assert run.values("logons", "AccountDomain") == [None, None]
    assert all("AccountSid" not in record for record in run.records("logons"))
