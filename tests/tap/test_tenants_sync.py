"""One run reads many tenants; what is broken in one of them is that one's alone."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from hunting_emulator import Emulator
from hunting_emulator.settings import Application
from hunting_emulator.tables import Column
from tests.tap.fleet import OTHER_SECRET, QUERY, UNCONSENTED, Fleet
from tests.tap.harness import HOUR, Run, at

EVENTS: dict[str, Any] = {
    "name": "events",
    "query": "DeviceEvents | project Timestamp, DeviceName",
}
WHOLE: dict[str, Any] = {"name": "alerts", "query": "AlertInfo"}
#: Five of fifty, far enough apart that no two are looked at together.
SECRET, GRANT, GONE, LICENCE, REVOKED = 3, 11, 20, 31, 42


@dataclass(frozen=True)
class Ended:
    """A run of the command that has ended."""

    status: int
    run: Run
    errors: list[str]

    def rows(self, stream: str) -> Counter[str]:
        """Count a stream's records by tenant."""
        return Counter(record["tenant_id"] for record in self.run.records(stream))

    def parts(self, stream: str) -> dict[str, str]:
        """Return how far the state says that a stream is complete, by tenant."""
        parts = self.run.state["bookmarks"].get(stream, {}).get("partitions", [])
        return {
            part["context"]["tenant_id"]: part["replication_key_value"]
            for part in parts
            if "replication_key_value" in part
        }


class Fifty:
    """Fifty tenants by the wall's clock, and the command aimed at them."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.fleet = Fleet(emulator, 50, now=emulator.clock.now())
        self._folder = folder

    def run(self, state: Mapping[str, Any] | None = None) -> Ended:
        """Run the command to its end."""
        config = self._file("config.json", self.fleet.config(QUERY, EVENTS))
        command = [sys.executable, "-m", "tap_m365hunting", "--config", config]
        if state:
            command += ["--state", self._file("state.json", state)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        errors = [line for line in done.stderr.splitlines() if "Failed: " in line]
        return Ended(done.returncode, Run(lines, {}), errors)

    def break_five(self) -> set[str]:
        """Break five tenants, each in its own way; return their ids."""
        ids = self.fleet.ids
        self.fleet.know(
            [name for name in ids if name != ids[GONE]],
            {ids[SECRET]: OTHER_SECRET, ids[GRANT]: UNCONSENTED},
            without={ids[LICENCE]: ["AlertInfo"]},
        )
        self.emulator.fail_next(
            "no_licence", times=None, tenant_id=ids[REVOKED], when="DeviceEvents"
        )
        return {ids[number] for number in (SECRET, GRANT, GONE, LICENCE, REVOKED)}

    def mend(self) -> None:
        """Make everything good again."""
        self.emulator.clear()
        self.fleet.know(self.fleet.ids)

    def _file(self, name: str, content: object) -> str:
        path = self._folder / name
        path.write_text(json.dumps(content), "utf-8")
        return str(path)


@pytest.fixture
def fifty(emulator: Emulator, tmp_path: Path) -> Fifty:
    """Fifty tenants with three alerts and two events each."""
    fifty = Fifty(emulator, tmp_path)
    fifty.fleet.load(3, hours_back=2)
    fifty.fleet.load(2, hours_back=2, table="DeviceEvents")
    return fifty


def test_five_of_fifty_are_broken_and_forty_five_are_complete(fifty: Fifty) -> None:
    """The day after: the five catch up, the others read what is new, and nothing is lost."""
    ids = fifty.fleet.ids
    broken = fifty.break_five()
    good = set(ids) - broken

    first = fifty.run()
    fifty.mend()
    fifty.fleet.load(1, hours_back=0.5)
    second = fifty.run(first.run.state)

    assert first.status == 1
    assert {name: first.rows("alerts")[name] for name in good} == dict.fromkeys(good, 3)
    assert {name: first.rows("events")[name] for name in good} == dict.fromkeys(good, 2)
    assert good <= set(first.parts("alerts")) & set(first.parts("events"))
    # what was read of a tenant before it broke is kept
    assert set(first.parts("alerts")) == good | {ids[REVOKED]}
    assert set(first.parts("events")) == good | {ids[LICENCE]}
    assert second.status == 0
    # all that the broken ones had, and of the others what came since
    caught_up = {ids[number] for number in (SECRET, GRANT, GONE, LICENCE)}
    assert second.rows("alerts") == dict.fromkeys(set(ids) - caught_up, 1) | dict.fromkeys(
        caught_up, 4
    )
    late = {ids[number] for number in (SECRET, GRANT, GONE, REVOKED)}
    assert second.rows("events") == dict.fromkeys(late, 2)


def test_each_broken_tenant_is_named_once_with_its_cause(fifty: Fifty) -> None:
    """Fifty tenants make a long log; its last lines say whom to write to."""
    ids = fifty.fleet.ids
    fifty.break_five()

    ended = fifty.run()

    causes = {
        SECRET: "AADSTS7000215",
        GRANT: "ThreatHunting.Read.All",
        GONE: "AADSTS90002",
        LICENCE: "AlertInfo",
        REVOKED: "licence",
    }
    assert len(ended.errors) == len(causes)
    for number, cause in causes.items():
        (line,) = [line for line in ended.errors if ids[number] in line.partition("Failed: ")[2]]
        assert cause in line


@pytest.fixture
def fleet(emulator: Emulator) -> Fleet:
    """Three tenants without data."""
    return Fleet(emulator, 3)


def test_rows_begin_with_their_tenant(fleet: Fleet) -> None:
    """The id is first in the key and in the row, the name next to it and no key."""
    fleet.load(2)

    run = fleet.sync()

    (schema,) = run.schemas("alerts")
    assert schema["key_properties"] == ["tenant_id", "_row_id"]
    assert list(run.records("alerts")[0])[:2] == ["tenant_id", "tenant_name"]
    found = {(row["tenant_id"], row["tenant_name"]) for row in run.records("alerts")}
    assert found == {(name, f"Tenant {i}") for i, name in enumerate(fleet.ids)}
    assert all(row["AlertId"].startswith(row["tenant_id"]) for row in run.records("alerts"))


def test_tenants_without_names_have_no_such_column(fleet: Fleet) -> None:
    """A column that is null in every row is no help."""
    fleet.load(1)

    run = fleet.sync(tenants=[{"tenant_id": name} for name in fleet.ids])

    assert "tenant_name" not in run.schemas("alerts")[0]["schema"]["properties"]
    assert set(run.values("alerts", "tenant_id")) == set(fleet.ids)


def test_configured_key_comes_behind_the_tenant(fleet: Fleet) -> None:
    """An id that is unique in a tenant need not be among tenants."""
    fleet.load(1)

    run = fleet.sync({**QUERY, "primary_keys": ["AlertId"]})

    assert run.schemas("alerts")[0]["key_properties"] == ["tenant_id", "AlertId"]


def test_same_row_of_two_tenants_is_two_rows(fleet: Fleet) -> None:
    """The row's id is made from the tenant, too."""
    row = {"Timestamp": at(hours=1), "AlertId": "same"}
    for name in fleet.ids:
        fleet.emulator.engine_of(name).load("AlertInfo", [row])

    ids = fleet.sync().values("alerts", "_row_id")

    assert len(set(ids)) == len(fleet.ids)


def test_row_ids_are_those_of_a_list_of_one(fleet: Fleet) -> None:
    """A second tenant changes nothing about the rows of the first."""
    fleet.load(2)

    alone = fleet.sync(tenants=fleet.entries()[:1])
    together = fleet.sync()

    assert set(alone.values("alerts", "_row_id")) < set(together.values("alerts", "_row_id"))


def test_tenant_with_more_columns_than_the_first_is_read_whole(fleet: Fleet) -> None:
    """The columns are asked of one tenant; what another has besides is followed."""
    _, rich, _ = fleet.ids
    fleet.load(1)
    engine = fleet.emulator.engine_of(rich)
    engine.alter("AlertInfo", add=[Column("Confidence", "long")])
    engine.load("AlertInfo", [{"Timestamp": at(hours=3), "AlertId": "x", "Confidence": 80}])

    run = fleet.sync(WHOLE)

    assert run.failed == {}
    assert "Confidence" in run.schemas("alerts")[-1]["schema"]["properties"]
    found = [(row["tenant_id"], row.get("Confidence")) for row in run.records("alerts")]
    assert (rich, 80) in found
    assert len(found) == 4


def test_tenant_with_fewer_columns_than_the_first_is_read_whole(fleet: Fleet) -> None:
    """What a tenant does not have is null in its rows."""
    _, poor, _ = fleet.ids
    fleet.load(1)
    fleet.emulator.engine_of(poor).alter("AlertInfo", drop=["Category"])

    run = fleet.sync(WHOLE)

    assert run.failed == {}
    assert len(run.schemas("alerts")) == 1
    assert all("Category" in row for row in run.records("alerts"))
    assert Counter(run.values("alerts", "tenant_id")) == dict.fromkeys(fleet.ids, 1)


def test_stream_map_that_fails_in_one_tenant_fails_in_no_other(emulator: Emulator) -> None:
    """What is in its rows says nothing about theirs."""
    fleet = Fleet(emulator, 3)
    fleet.load(5)
    first, *others = fleet.ids
    expression = f"str(1 / (0 if tenant_id == '{first}' else 1))"

    run = fleet.sync(stream_maps={"alerts": {"Checked": expression}})

    assert list(run.failed) == [f"stream alerts in tenant {first}"]
    assert {record["tenant_id"] for record in run.records("alerts")} == set(others)
    assert len(run.records("alerts")) == 10


def test_state_of_another_tenant_is_not_used(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the new tenant's rows before the other one's bookmark would never be read."""
    fleet = Fleet(emulator, 2)
    fleet.load(20)
    first, second = fleet.ids
    before = fleet.sync(tenants=None, tenant_id=first)

    other = fleet.sync(tenants=None, tenant_id=second, state=before.state)
    same = fleet.sync(tenants=None, tenant_id=first.upper(), state=before.state)

    assert [len(run.records("alerts")) for run in (before, other, same)] == [20, 20, 0]
    assert f"is one of tenant {first}, which says nothing about {second}" in caplog.text
    assert other.state["bookmarks"]["alerts"]["tenant_id"] == second


def test_state_from_before_several_tenants_and_back_is_not_used(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is believed, and the log says so, in either direction."""
    fleet = Fleet(emulator, 1)
    fleet.load(20)
    (name,) = fleet.ids
    alone = fleet.sync(tenants=None, tenant_id=name)

    several = fleet.sync(state=alone.state)
    again = fleet.sync(state=several.state)
    parts = {
        "bookmarks": {"alerts": {"partitions": several.state["bookmarks"]["alerts"]["partitions"]}}
    }
    back = fleet.sync(tenants=None, tenant_id=name, state=parts)

    assert [len(run.records("alerts")) for run in (several, again, back)] == [20, 0, 20]
    assert "is one of a run without `tenants`; all is read anew" in caplog.text
    assert "is one of each of several `tenants`; all is read anew" in caplog.text


@pytest.mark.parametrize("missing", [0, 1], ids=["all-there", "one-missing"])
def test_version_of_a_table_is_activated_once_all_tenants_have_it(
    fleet: Fleet, missing: int
) -> None:
    """A loader drops all other rows of the table: those of the tenants still to come, too."""
    fleet.load(2)
    if missing:
        fleet.know(fleet.ids, without={fleet.ids[1]: ["AlertInfo"]})

    run = fleet.sync(
        {**WHOLE, "replication_method": "FULL_TABLE"}, emit_activate_version_messages=True
    )

    kinds = [line["type"] for line in run.lines if line["type"] in {"RECORD", "ACTIVATE_VERSION"}]
    assert kinds == ["RECORD"] * (4 if missing else 6) + ["ACTIVATE_VERSION"] * (1 - missing)


@pytest.mark.parametrize("missing", [0, 1], ids=["first", "second"])
def test_tenant_without_the_table_fails_alone(fleet: Fleet, missing: int) -> None:
    """The columns are asked of a tenant that has the table; a licence is one tenant's matter."""
    fleet.load(1)
    lacking = fleet.ids[missing]
    fleet.know(fleet.ids, without={lacking: ["AlertInfo"]})

    run = fleet.sync()

    (where,) = run.failed
    assert where == f"stream alerts in tenant {lacking}"
    assert set(run.values("alerts", "tenant_id")) == set(fleet.ids) - {lacking}


@pytest.mark.parametrize(
    ("fault", "headers"),
    [
        pytest.param("unavailable", {}, id="unavailable"),
        pytest.param("reset_before", {}, id="unreached"),
        pytest.param(429, {"Retry-After": "6000"}, id="throttled"),
    ],
)
def test_first_tenant_that_does_not_answer_fails_alone(
    fleet: Fleet, fault: str | int, headers: Mapping[str, str]
) -> None:
    """The columns are asked of the first tenant that tells them, whatever the others suffer."""
    first, *others = fleet.ids
    fleet.load(1)
    fleet.emulator.fail_next(fault, times=None, tenant_id=first, headers=headers)

    run = fleet.sync()

    assert list(run.failed) == [f"stream alerts in tenant {first}"]
    assert set(run.values("alerts", "tenant_id")) == set(others)


def test_table_that_one_tenant_alone_has_is_read_there(emulator: Emulator) -> None:
    """However many lack the licence, the columns are asked of the one that has it."""
    fleet = Fleet(emulator, 6)
    fleet.load(1)
    *lacking, last = fleet.ids
    fleet.know(fleet.ids, without={name: ["AlertInfo"] for name in lacking})

    run = fleet.sync()

    assert run.values("alerts", "tenant_id") == [last]
    assert list(run.failed) == [f"stream alerts in tenant {name}" for name in lacking]


def test_query_that_is_wrong_is_not_asked_of_each(emulator: Emulator) -> None:
    """It is the query's failure, and not that of fifty tenants."""
    fleet = Fleet(emulator, 6)

    run = fleet.sync({"name": "alerts", "query": "AlertInfo | project Timestamp, Nope"})

    assert list(run.failed) == ["stream alerts"]
    assert len(fleet.emulator.calls) == 3


def test_service_that_answers_no_tenant_is_not_asked_for_each(emulator: Emulator) -> None:
    """When the service is down, fifty tenants need not be tried one by one."""
    fleet = Fleet(emulator, 9)
    fleet.emulator.fail_next("unavailable", times=None)

    run = fleet.sync()

    assert list(run.failed) == ["stream alerts"]
    assert len({call.tenant_id for call in fleet.emulator.calls}) == 3


def test_next_run_goes_on_in_each_tenant_where_the_last_ended(fleet: Fleet) -> None:
    """The state has a part for each tenant; a tenant that is new starts from the beginning."""
    first, *_ = fleet.ids
    fleet.load(5)
    state = fleet.sync(tenants=fleet.entries()[:1]).state
    fleet.emulator.clock.advance(3 * HOUR)

    run = fleet.sync(state=state)

    rows = Counter(run.values("alerts", "tenant_id"))
    assert rows[first] == 1  # in the lookback
    assert [rows[name] for name in fleet.ids[1:]] == [5, 5]


def test_tenant_that_leaves_takes_nothing_along(fleet: Fleet) -> None:
    """Its part of the state stays, should it come back."""
    fleet.load(2)
    before = fleet.sync().state

    after = fleet.sync(state=before, tenants=fleet.entries()[1:]).state

    parts = after["bookmarks"]["alerts"]["partitions"]
    assert {part["context"]["tenant_id"] for part in parts} == set(fleet.ids)


def test_coverage_names_the_tenant(fleet: Fleet) -> None:
    """One SQL query tells of each tenant if everything is there."""
    fleet.load(2)
    catalog = fleet.tap(fleet.config()).catalog_dict
    for stream in catalog["streams"]:
        stream["metadata"][-1]["metadata"]["selected"] = True

    run = fleet.sync(options={"catalog": catalog})

    windows = run.records("hunting_windows")
    assert Counter(window["tenant_id"] for window in windows) == dict.fromkeys(fleet.ids, 1)
    assert {window["rows"] for window in windows} == {2}


class Patience:
    """Waits until all these tenants were asked, or in vain."""

    def __init__(self, fleet: Fleet, names: list[str]) -> None:
        self.rewarded = False
        self._left = 1000
        self._fleet, self._names = fleet, set(names)

    def wait(self, seconds: float) -> None:
        """Wait for the tenants in real time, then let the time pass."""
        while self._left and not self.rewarded:
            self._left -= 1
            sleep(0.01)
            self.rewarded = self._names <= {c.tenant_id for c in self._fleet.emulator.calls}
        self._fleet.wait(seconds)


def test_throttled_tenant_holds_no_other(emulator: Emulator) -> None:
    """Quotas are each tenant's own: while one has to wait, all others are asked."""
    fleet = Fleet(emulator, 9)
    first, *others = fleet.ids
    fleet.load(1)
    catalog = fleet.tap(fleet.config()).catalog_dict
    fleet.emulator.fail_next(429, headers={"Retry-After": "600"}, tenant_id=first)
    patience = Patience(fleet, others)

    options = {"catalog": catalog, "sleep": patience.wait}
    run = fleet.sync(options=options, max_parallel_tenants=2)

    assert run.failed == {}
    assert set(run.values("alerts", "tenant_id")) == set(fleet.ids)
    assert patience.rewarded


@pytest.mark.parametrize(("tenants", "calls"), [(1, 1), (2, 1), (3, 2)], ids="{}".format)
def test_no_more_tenants_and_calls_at_once_than_set(
    emulator: Emulator, tenants: int, calls: int
) -> None:
    """Whoever sets a limit keeps to it, and uses it."""
    fleet = Fleet(emulator, 6)
    fleet.load(1)
    emulator.configure(latency_seconds=0.05)
    queries = [{**QUERY, "name": f"alerts{number}"} for number in range(3)]

    run = fleet.sync(*queries, max_parallel_tenants=tenants, max_parallel_calls=calls)

    assert run.failed == {}
    assert emulator.traffic.most_tenants() == tenants
    assert max(map(emulator.traffic.most_calls, fleet.ids)) == calls


def test_person_signs_in_to_each_tenant_and_is_kept_there(
    emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each tenant keeps its sign-in in a file of its own; the next run asks nobody."""
    fleet = Fleet(emulator, 3)
    fleet.load(1)
    # as Entra ID says that a token is for all scopes that were asked for at once
    scopes = ("ThreatHunting.Read.All", "https://graph.microsoft.com/.default")
    app = Application(scopes={"graph": scopes})
    fleet.know(fleet.ids, dict.fromkeys(fleet.ids, app))
    emulator.configure(device_interval=1)
    by_code: dict[str, Any] = {
        "client_secret": None,
        "auth_method": "device_code",
        "token_cache_path": str(tmp_path / "sign-in.bin"),
    }

    def approved(seconds: float) -> None:
        emulator.sign_in()
        fleet.wait(seconds)

    fleet.sync(options={"sleep": approved}, **by_code)
    said = [record.getMessage() for record in caplog.records]
    asked = [line for line in said if "devicelogin" in line]
    caplog.clear()
    run = fleet.sync(**by_code)

    assert {line.split(":")[0] for line in asked} == {f"Tenant {name}" for name in fleet.ids}
    assert {path.name for path in tmp_path.iterdir()} == {f"sign-in-{n}.bin" for n in fleet.ids}
    assert run.failed == {}
    assert "devicelogin" not in caplog.text
