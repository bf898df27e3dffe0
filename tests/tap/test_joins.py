"""Rows that a join brings to light late: said beforehand, and found by the remedy that is named."""

from pathlib import Path
from typing import Any

import pytest

from tests.tap.commands import PLAN, Commands
from tests.tap.harness import HOUR, Run, Tenant, at
from tests.tap.hearing import heard
from tests.tap.test_coverage import catalog

CLICKS = "(UrlClickEvents | project NetworkMessageId, Url)"
JOINED = {
    "name": "clicked",
    "query": f"EmailEvents | join kind=inner {CLICKS} on NetworkMessageId "
    "| project Timestamp, NetworkMessageId, Url",
}
_CLICKED = 3
WHY = "'join' brings a row to light once other rows match it"


def mail(number: int) -> dict[str, Any]:
    """Return a mail of half an hour ago."""
    return {"Timestamp": at(minutes=30 + number), "NetworkMessageId": f"m{number}"}


def click(number: int) -> dict[str, Any]:
    """Return a click on it, three hours after."""
    later = {"Timestamp": at(hours=-2.6), "Url": "http://u"}
    return {**later, "NetworkMessageId": f"m{number}"}


def hourly(tenant: Tenant, query: dict[str, Any], *, runs: int = 6) -> list[Run]:
    """Run each hour; before the fourth run the clicks come."""
    tenant.emulator.engine.load("EmailEvents", map(mail, range(5)))
    streams, found = catalog(tenant, query), list[Run]()
    for number in range(runs):
        if number == _CLICKED:
            tenant.emulator.engine.load("UrlClickEvents", map(click, range(5)))
        state = found[-1].state if found else None
        found.append(tenant.sync(query, state=state, catalog=streams))
        assert found[-1].failed == {}
        tenant.emulator.clock.advance(HOUR)
    return found


def mails(runs: list[Run]) -> set[str]:
    """Return the mails of all records."""
    return {name for run in runs for name in run.values("clicked", "NetworkMessageId")}


def test_join_is_warned_of_once_a_run(tenant: Tenant) -> None:
    """Before its rows, with the way out; with several windows and no match all the same."""
    with heard() as log:
        tenant.sync(JOINED)

    assert log.getvalue().count(WHY) == 1
    assert "Stream clicked: line 1, column 15: " in log.getvalue()
    assert "Set the query's lookback_minutes" in log.getvalue()


def test_plan_says_what_check_warns_of(tenant: Tenant, tmp_path: Path) -> None:
    """In JSON and for people."""
    commands = Commands(tmp_path, tenant.emulator)
    config = commands.file(tenant.config(JOINED))

    (stream,) = commands.run("plan", "--format", "json", "--config", config).json(PLAN)["streams"]
    text = commands.run("plan", "--config", config).output

    assert WHY in stream["warnings"][0]
    assert WHY in " ".join(text.split())


def test_lookback_as_wide_as_the_join_reaches_finds_the_rows_that_come_late(
    tenant: Tenant,
) -> None:
    """With the usual hour none is found, which is what the warning says."""
    runs = hourly(tenant, {**JOINED, "lookback_minutes": 300})

    assert mails(runs) == {f"m{n}" for n in range(5)}
    assert sum(t["late_rows"] or 0 for run in runs for t in run.records("hunting_windows")) == 5


def test_usual_lookback_finds_none_of_them(tenant: Tenant) -> None:
    """The loss that is warned of is real."""
    assert mails(hourly(tenant, JOINED)) == set()


@pytest.mark.parametrize(
    ("key", "rows"), [({}, 10), ({"primary_keys": ["NetworkMessageId"]}, 5)], ids=["id", "left"]
)
def test_outer_join_with_a_key_of_the_left_side_has_a_row_once(
    tenant: Tenant, key: dict[str, Any], rows: int
) -> None:
    """The row with the click replaces the one without; under `_row_id` both stay."""
    outer = {**JOINED, "query": JOINED["query"].replace("inner", "leftouter"), **key}

    runs = hourly(tenant, {**outer, "lookback_minutes": 300})

    (name,) = key.get("primary_keys", ["_row_id"])
    loaded = {record[name]: record for run in runs for record in run.records("clicked")}
    assert len(loaded) == rows
    assert sum(record["Url"] == "http://u" for record in loaded.values()) == 5
