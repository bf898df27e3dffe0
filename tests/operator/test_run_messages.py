"""The words of a run, and what they are about, in the first hours of an operator."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator import Emulator
from tests.tap.commands import Commands
from tests.tap.fleet import Fleet
from tests.tap.harness import HOUR, Run, Tenant, at
from tests.tap.test_coverage import catalog

ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId, Title"}
OTHERS = {**ALERTS, "name": "others"}


def load(tenant: Tenant, rows: int = 3) -> None:
    """Put alerts into the last hours."""
    tenant.emulator.engine.load(
        "AlertInfo",
        [{"Timestamp": at(hours=n + 1), "AlertId": f"a{n}", "Title": "t"} for n in range(rows)],
    )


def command(tmp_path: Path, config: dict[str, Any], *arguments: str) -> Any:  # noqa: ANN401 - a process
    """Run the tap as a command, to its end."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "tap_m365hunting", "--config", str(file), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


# --- stream maps --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "maps",
    [
        pytest.param({"*": {"Title": None}}, id="wildcard"),
        pytest.param({"*": {"__key_properties__": ["AlertId"]}}, id="key-of-others"),
        pytest.param({"hunting_windows": {"message": None}}, id="deselected"),
    ],
)
def test_map_breaks_no_run_for_a_stream_that_is_not_read(
    tenant: Tenant, maps: dict[str, Any]
) -> None:
    """`hunting_windows` is off by default, and has no such columns."""
    load(tenant)

    run = tenant.sync(ALERTS, stream_maps=maps)

    assert len(run.records("alerts")) == 3
    assert all(("Title" in row) == ("*" not in maps or "__" in str(maps)) for row in _rows(run))


def _rows(run: Run) -> list[dict[str, Any]]:
    return run.records("alerts")


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        pytest.param({"alrets": {}}, "did you mean 'alerts'", id="misspelt"),
        pytest.param({"mine": {"__source__": "alrets"}}, "stream_maps.mine: ", id="source"),
    ],
)
def test_map_for_no_stream_is_an_error(tenant: Tenant, maps: dict[str, Any], words: str) -> None:
    """A column that was to be masked would be written as it is."""
    with pytest.raises(Exception, match="Config validation failed") as error:
        tenant.tap(tenant.config(ALERTS, stream_maps=maps))

    assert words in "".join(error.value.errors)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "maps",
    [
        pytest.param({"alerts": {"Title": "md5(Title)"}, "__else__": None}, id="else"),
        pytest.param({"mine": {"__source__": "alerts"}}, id="source"),
        pytest.param({"a*": {"Title": None}}, id="pattern"),
    ],
)
def test_map_for_a_stream_is_none(tenant: Tenant, maps: dict[str, Any]) -> None:
    """Keys may be patterns, aliases, or the word for all others."""
    load(tenant)

    assert tenant.sync(ALERTS, stream_maps=maps).failed == {}


# --- state --------------------------------------------------------------------------------------


def test_state_with_a_tenant_twice_fails_its_stream_alone(tenant: Tenant) -> None:
    """The line is that of `m365hunting plan`; the other streams are read, the state is kept."""
    load(tenant)
    tenants = [{"tenant_id": tenant.emulator.tenant_id}]
    part = {
        "context": tenants[0],
        "replication_key": "Timestamp",
        "replication_key_value": at(hours=9),
    }
    state = {"bookmarks": {"alerts": {"partitions": [part, part]}}}

    run = tenant.sync(ALERTS, OTHERS, state=state, tenant_id=None, tenants=tenants)

    assert "`partitions` has 2 entries for tenant" in run.failed["alerts"]
    assert len(run.records("others")) == 3
    assert run.state["bookmarks"]["alerts"] == state["bookmarks"]["alerts"]


# --- a forgotten Timestamp ----------------------------------------------------------------------


FORGOTTEN = {"name": "alerts", "query": "AlertInfo\n| project AlertId, Title"}
LEFT_OUT = "'project' leaves out Timestamp, the time of the rows"


def test_run_says_that_a_projection_makes_it_read_all_rows(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """All rows come in each run, and no error would ever tell."""
    load(tenant)

    run = tenant.sync(FORGOTTEN)

    assert len(run.records("alerts")) == 3
    assert [m for m in caplog.messages if "line 2, column 3" in m and LEFT_OUT in m]


def test_run_says_nothing_of_a_full_table_that_is_wanted(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """The way to say so is the replication method."""
    tenant.sync({**FORGOTTEN, "replication_method": "FULL_TABLE"})

    assert not [m for m in caplog.messages if LEFT_OUT in m]


@pytest.mark.parametrize("command_name", ["check", "plan"])
def test_commands_say_that_a_projection_makes_runs_read_all_rows(
    tenant: Tenant, tmp_path: Path, command_name: str
) -> None:
    """With the operator's place, and the way out."""
    commands = Commands(tmp_path, tenant.emulator)
    config = commands.file(tenant.config(FORGOTTEN))

    ran = commands.run(command_name, "--config", config)

    said = " ".join(ran.output.split())
    assert ran.status == 0
    assert LEFT_OUT in said
    assert "set replication_key to that" in said


# --- dry runs -----------------------------------------------------------------------------------


def test_dry_run_of_healthy_settings_says_nothing_wrong(tenant: Tenant, tmp_path: Path) -> None:
    """A record a stream, and neither an unhandled error nor a failed metric."""
    tenant.emulator.clock.reset()
    tenant.emulator.engine.load("DeviceInfo", [{"DeviceId": "d"}] * 3)
    whole = {"name": "whole", "query": "DeviceInfo", "replication_method": "FULL_TABLE"}

    ended = command(tmp_path, tenant.config(whole, {**whole, "name": "again"}), "--test")

    assert ended.returncode == 0
    assert ended.stdout.count('"type":"RECORD"') == 2
    assert "ERROR" not in ended.stderr
    assert "failed" not in ended.stderr


def test_dry_run_of_many_tenants_wants_one_record_of_a_stream(tenant: Tenant) -> None:
    """The limit is that of the stream, not of each of its tenants."""
    load(tenant)
    tenants = [{"tenant_id": tenant.emulator.tenant_id}]
    tap = tenant.tap(tenant.config(ALERTS, tenant_id=None, tenants=tenants))

    assert tap.run_connection_test()
    assert tap.failures == []


def test_schemas_alone_have_their_keys(tenant: Tenant, tmp_path: Path) -> None:
    """A loader stops at a SCHEMA whose key is not among its properties."""
    tenant.emulator.clock.reset()

    ended = command(tmp_path, tenant.config(ALERTS), "--test=schema")

    schemas = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [schema["stream"] for schema in schemas] == ["alerts"]
    assert all(set(s["key_properties"]) <= set(s["schema"]["properties"]) for s in schemas)


# --- metrics and last words ---------------------------------------------------------------------


def test_records_of_coverage_are_counted(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    """They are written amid those of other streams; the count comes at the end, once."""
    load(tenant)
    caplog.set_level("INFO")

    run = tenant.sync(ALERTS, OTHERS, catalog=catalog(tenant, ALERTS, OTHERS))

    counts = [
        json.loads(message.partition(": ")[2])["value"]
        for message in caplog.messages
        if "record_count" in message and '"hunting_windows"' in message
    ]
    assert counts == [len(run.records("hunting_windows"))] == [2]


def test_count_of_each_tenant_has_its_own_name(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """And the time of all of them has none."""
    fleet = Fleet(emulator, 2)
    fleet.load(3)
    caplog.set_level("INFO")

    fleet.sync()

    points = [
        json.loads(message.partition(": ")[2])
        for message in caplog.messages
        if message.startswith("METRIC") and '"alerts"' in message
    ]
    counts = Counter[str]()
    for point in points:
        if point["type"] == "counter":
            counts[point["tags"]["context"]["tenant_id"]] += point["value"]
    assert counts == dict.fromkeys(fleet.ids, 3)
    assert {p["tags"].get("context") for p in points if p["type"] == "timer"} == {None}


def test_changed_columns_name_stream_and_tenant(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Of fifty streams in ten tenants it is one."""
    load(tenant)
    tenants = [{"tenant_id": tenant.emulator.tenant_id}]
    settings: dict[str, Any] = {"tenant_id": None, "tenants": tenants}
    known = tenant.tap(tenant.config(ALERTS, **settings)).catalog_dict
    changed = {**ALERTS, "query": "AlertInfo | project Timestamp, AlertId, Title, Category"}

    tenant.sync(changed, catalog=known, **settings)

    where = f"Stream alerts in tenant {tenant.emulator.tenant_id}: "
    assert any(m.startswith(f"{where}The columns of the result") for m in caplog.messages)


def test_start_before_retention_is_no_loss_on_a_first_run(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can have run more often before the first run."""
    tenant.sync(ALERTS, start_date="2025-12-01T00:00:00Z")

    said = [message for message in caplog.messages if "the service keeps 30 days" in message]
    assert any("start_date lies before that" in message for message in said)
    assert not any("run more often" in message for message in said)


def test_bookmark_that_retention_has_overtaken_is_a_loss(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the way out is to run more often."""
    first = tenant.sync(ALERTS)
    tenant.emulator.clock.advance(31 * 24 * HOUR)

    tenant.sync(ALERTS, state=first.state)

    assert any("are lost: the service keeps 30 days; run more often" in m for m in caplog.messages)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("busy", "words"),
    [
        pytest.param("| take 0", "nothing was read", id="discovery"),
        pytest.param("['Timestamp'] <", "Read 1 stream in 1 tenant: 3 rows", id="reading"),
    ],
)
def test_interrupted_run_says_so_and_how_far_it_came(
    emulator: Emulator, tmp_path: Path, number: signal.Signals, busy: str, words: str
) -> None:
    """The last words name the signal, and the end of what each stream has read."""
    now, asked = datetime.now(UTC), "Category" if busy != "| take 0" else ""
    tenant = Tenant(emulator)
    emulator.clock.reset()
    emulator.engine.load(
        "AlertInfo",
        [
            {"Timestamp": f"{now - n * HOUR:%Y-%m-%dT%H:%M:%S.%f}0Z", "AlertId": f"{n}"}
            for n in (1, 2, 3)
        ],
    )
    emulator.fail_next(
        503,
        when=lambda text: busy in text and asked in text,
        times=None,
        headers={"Retry-After": "60"},
    )
    last = {**ALERTS, "name": "zulu", "query": f"{ALERTS['query']}, Category"}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(tenant.config(ALERTS, last)), "utf-8")
    log = tmp_path / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tap_m365hunting", "--config", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        _wait_for(log, ["Waiting", *["is complete"] * bool(asked)])
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    finally:
        process.kill()

    assert f"Interrupted by {number.name}" in log.read_text()
    assert words in log.read_text()
    assert ("Stream alerts, tenant" in log.read_text()) is bool(asked)


def _wait_for(log: Path, words: list[str]) -> None:
    for _ in range(200):
        if all(word in log.read_text() for word in words):
            return
        time.sleep(0.1)
    pytest.fail(log.read_text())
