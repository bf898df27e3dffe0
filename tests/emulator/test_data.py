"""The made-up tenant: the same each time, with the features that a reader must cope with."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hunting_emulator.data import generate
from hunting_emulator.data.generate import SHARES
from hunting_emulator.data.rhythm import burst_hour, hours
from hunting_emulator.engine import Engine
from hunting_emulator.tables import CATALOG

ANCHOR = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
PROCESSES = 20_000


@pytest.fixture(scope="module")
def engine() -> Engine:
    """A tenant of some thousand rows, most of them processes."""
    made = Engine()
    counts = dict.fromkeys(SHARES, 300) | {"DeviceProcessEvents": PROCESSES}
    generate(made, anchor=ANCHOR, rows=40_000, tables=counts)
    return made


def one(engine: Engine, kql: str, now: datetime = ANCHOR) -> tuple[object, ...]:
    """Return the only row of an answer."""
    (row,) = engine.run(kql, now=now, retention_days=60).rows()
    return row


def sample(seed: int) -> list[tuple[object, ...]]:
    """Return the rows of a small tenant."""
    engine = Engine(tables=[CATALOG["DeviceProcessEvents"]])
    generate(engine, anchor=ANCHOR, rows=200, seed=seed, tables={"DeviceProcessEvents": 200})
    return list(engine.run("DeviceProcessEvents", now=ANCHOR).rows())


def test_the_same_seed_makes_the_same_rows() -> None:
    """A failure can be shown again, and another seed is another tenant."""
    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_fourteen_tables_and_more_have_rows(engine: Engine) -> None:
    """Endpoint, identity, mail, cloud, alerts, vulnerabilities and exposure."""
    for name in SHARES:
        assert one(engine, f"{name} | take 1 | count") == (1,), name


def test_every_table_of_the_catalog_can_be_filled() -> None:
    """A test may want any table, not just those that a tenant has by default."""
    engine = Engine()

    generate(engine, anchor=ANCHOR, rows=1000, days_ahead=0, tables=dict.fromkeys(CATALOG, 20))

    for name in CATALOG:
        rows = engine.run(name, now=ANCHOR + timedelta(days=9), retention_days=60).rows()
        assert len(list(rows)) >= 20, name


def test_nights_and_week_ends_are_quiet() -> None:
    """Rows follow an office's hours."""
    plan = {hour.start: hour.count for hour in hours(ANCHOR, rows=10**6, days=14, days_ahead=0)}
    tuesday, saturday = datetime(2026, 2, 24, 10, tzinfo=UTC), datetime(2026, 2, 28, 10, tzinfo=UTC)

    assert plan[tuesday] > 5 * plan[tuesday - timedelta(hours=7)]
    assert plan[tuesday] > 4 * plan[saturday]


def test_one_hour_is_a_burst(engine: Engine) -> None:
    """A hundred times the rows of a usual hour lie in one."""
    start, rows = one(
        engine, "DeviceProcessEvents | summarize n = count() by bin(Timestamp, 1h) | top 1 by n"
    )
    (median,) = one(
        engine,
        "DeviceProcessEvents | summarize n = count() by bin(Timestamp, 1h)"
        " | summarize percentile(n, 50)",
    )

    assert start == f"{burst_hour(ANCHOR):%Y-%m-%dT%H:%M:%S}.0000000Z"
    assert isinstance(rows, int)
    assert isinstance(median, int)
    assert rows > 50 * median


def test_some_rows_are_late_by_minutes_and_some_by_days(engine: Engine) -> None:
    """Most rows come within minutes; none comes before it happened."""
    lag = "DeviceProcessEvents | extend lag = ingestion_time() - Timestamp"

    early, minutes, late = one(
        engine,
        f"{lag} | summarize countif(lag < 0s), countif(lag < 5m), countif(lag > 1d)",
        ANCHOR + timedelta(days=10),
    )

    assert early == 0
    assert isinstance(minutes, int)
    assert isinstance(late, int)
    assert minutes > 0.9 * PROCESSES
    assert 0 < late < 0.02 * PROCESSES


def test_some_rows_are_there_twice(engine: Engine) -> None:
    """Exact duplicates happen, and are rare."""
    (twins,) = one(
        engine,
        "DeviceProcessEvents | summarize n = count() by Timestamp, DeviceId, ReportId"
        " | where n == 2 | count",
    )

    assert isinstance(twins, int)
    assert 5 < twins < PROCESSES / 100


def test_times_use_all_seven_digits_but_not_always(engine: Engine) -> None:
    """The service writes 0, 3 and 7 digits, because clocks differ."""
    seven, three, none = one(
        engine,
        "DeviceProcessEvents | extend f = tolong(Timestamp) % 10000000"
        " | summarize countif(f % 10 != 0), countif(f != 0 and f % 10000 == 0), countif(f == 0)",
    )

    assert isinstance(seven, int)
    assert seven > PROCESSES / 2
    assert three
    assert none


def test_rows_go_on_after_the_anchor(engine: Engine) -> None:
    """An emulator that runs for a day has a day's new rows to show."""
    kql = "DeviceProcessEvents | count"

    (now,), (tomorrow,) = one(engine, kql), one(engine, kql, ANCHOR + timedelta(days=1))

    assert isinstance(now, int)
    assert isinstance(tomorrow, int)
    assert now < tomorrow


def test_dynamic_columns_hold_bags_lists_and_nothing(engine: Engine) -> None:
    """Objects, lists of objects, lists of scalars, empty ones and nulls all occur."""
    answer = engine.run(
        "CloudAppEvents | project RawEventData, ActivityObjects, UncommonForUser, IPTags",
        now=ANCHOR,
    )

    raw, objects, uncommon, tags = zip(*answer.rows(), strict=True)

    assert json.loads(str(raw[0]))["DeviceProperties"]["Nested"]["list"] == [1, 2.5, None, True]
    assert {type(part) for cell in objects if cell for part in json.loads(cell)} == {dict}
    assert {"[]", '["ISP","CountryCode"]'} >= set(uncommon) - {None}
    assert {None, '["Corporate"]'} == set(tags)


def test_ids_and_text_are_as_awkward_as_the_real_ones(engine: Engine) -> None:
    """18-digit ids, quotes, backslashes, dollars and letters beyond ASCII."""
    (digits,) = one(engine, "DeviceInfo | summarize min(strlen(tostring(ReportId)))")
    marks = one(
        engine,
        "DeviceProcessEvents | summarize countif(ProcessCommandLine contains '\"'),"
        " countif(ProcessCommandLine contains @'\\'), countif(ProcessCommandLine contains '$'),"
        " countif(ProcessCommandLine contains 'Å')",
    )

    assert digits == 18
    assert all(marks)


@pytest.mark.parametrize(
    ("kql", "rows"),
    [
        pytest.param("EmailEvents | where Subject has 'Benefits'", 1, id="phish"),
        pytest.param(
            "EmailEvents | where ThreatTypes has 'Phish'"
            " and DeliveryAction == 'Delivered' | join kind=inner (UrlClickEvents"
            " | where ActionType == 'ClickAllowed') on NetworkMessageId",
            1,
            id="click-on-a-phish",
        ),
        pytest.param(
            "DeviceProcessEvents | where ProcessCommandLine has_all ('-Enc', 'Hidden')",
            1,
            id="hidden-powershell",
        ),
        pytest.param(
            r"DeviceRegistryEvents | where RegistryKey endswith @'\CurrentVersion\Run'",
            1,
            id="run-key",
        ),
        pytest.param(
            "DeviceProcessEvents | where FileName =~ 'schtasks.exe'"
            " and ProcessCommandLine has '/create'",
            1,
            id="scheduled-task",
        ),
        pytest.param(
            "DeviceProcessEvents | where ProcessCommandLine has_all ('comsvcs.dll', 'MiniDump')",
            1,
            id="lsass-dump",
        ),
        pytest.param("DeviceEvents | where FileName =~ 'lsass.exe'", 1, id="lsass-handle"),
        pytest.param(
            "DeviceLogonEvents | where AccountName == 'svc-backup' and LogonType == 'Network'",
            2,
            id="lateral-logon",
        ),
        pytest.param(
            "DeviceProcessEvents | where InitiatingProcessFileName =~ 'PSEXESVC.exe'",
            1,
            id="psexec",
        ),
        pytest.param("CloudAppEvents | where ActionType == 'New-InboxRule'", 1, id="inbox-rule"),
        pytest.param(
            "CloudAppEvents | where ActionType == 'FileDownloaded'"
            " | summarize n = count() by AccountObjectId, bin(Timestamp, 1h) | where n > 50",
            1,
            id="mass-download",
        ),
        pytest.param(
            "AlertInfo | where ServiceSource == 'Microsoft Defender XDR'"
            " | join kind=inner (AlertEvidence | where EntityType == 'Machine') on AlertId",
            3,
            id="alerts",
        ),
    ],
)
def test_hunting_queries_find_the_attack(engine: Engine, kql: str, rows: int) -> None:
    """Each step of the attack is a needle that plain KQL finds, and nothing else."""
    assert len(list(engine.run(kql, now=ANCHOR).rows())) == rows


@pytest.fixture(scope="module")
def tenant() -> Engine:
    """A tenant as the command makes it, with two occasions of each oddity."""
    made = Engine()
    generate(made, anchor=ANCHOR, rows=20_000)
    return made


HUNTS = Path(__file__).with_name("hunts.kql").read_text("utf-8").split("\n\n")[1:]


@pytest.mark.parametrize("kql", HUNTS)
def test_queries_for_common_tools_and_patterns_find_rows(tenant: Engine, kql: str) -> None:
    """The tools, places and ways that hunters ask for occur, as they do in any tenant."""
    assert list(tenant.run(f"{kql} | take 1", now=ANCHOR).rows())


def test_an_oddity_happens_to_one_person_on_one_device_within_minutes(tenant: Engine) -> None:
    """Each occasion is a story of its own, so that queries that join or count find it."""
    recon = "DeviceProcessEvents | where FileName in ('nltest.exe', 'quser.exe', 'setspn.exe')"

    occasions = one(
        tenant,
        f"{recon} | summarize people = dcount(AccountUpn), tools = dcount(FileName),"
        " span = max(Timestamp) - min(Timestamp) by DeviceId"
        " | summarize occasions = count(), max(people), min(tools), max(span)",
    )

    assert occasions[:3] == (2, 1, 3)
    assert str(occasions[3]) < "00:10:00"


@pytest.mark.parametrize(
    ("kql", "rows"),
    [
        ("hidden_shells", 1),
        ("covered_tracks", 1),
        ("credential_access", 1),
        ("lateral_movement", 3),
        ("persistence", 2),
        ("inbox_rules", 1),
        ("risky_sign_ins", 1),
        ("phished_clicks", 1),
    ],
)
def test_oddities_leave_the_attack_a_needle(tenant: Engine, kql: str, rows: int) -> None:
    """The sample queries find the attack and nothing else."""
    text = (Path(__file__).parents[2] / "queries" / f"{kql}.kql").read_text("utf-8")

    assert len(list(tenant.run(text, now=ANCHOR).rows())) == rows


def device_id(name: str) -> str:
    """Return the id of a made-up device, which hangs on the number in its name."""
    number = int(name.partition(".")[0].rpartition("-")[2])
    digits = [
        hashlib.md5(f"device{number}{end}".encode(), usedforsecurity=False).hexdigest()
        for end in ("", "+")
    ]
    return "".join(digits)[:40]


@pytest.mark.parametrize("table", ["DeviceProcessEvents", "DeviceInfo", "DeviceNetworkInfo"])
def test_a_device_has_its_id_in_every_table(engine: Engine, table: str) -> None:
    """Rows of different tables can be joined; the devices of the attack have ids of their own."""
    kql = f"{table} | distinct DeviceName, DeviceId | where DeviceId !startswith '4711'"

    devices = list(engine.run(f"{kql} and DeviceId !startswith '0815'", now=ANCHOR).rows())

    assert len(devices) > 50
    assert [found for name, found in devices if found != device_id(str(name))] == []


def test_a_small_tenant_has_no_oddities() -> None:
    """In a thousand rows they would be most of it."""
    small = Engine()
    generate(small, anchor=ANCHOR, rows=1_000)

    assert one(small, "DeviceProcessEvents | where FileName == 'certutil.exe' | count") == (0,)
