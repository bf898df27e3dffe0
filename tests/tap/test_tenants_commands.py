"""`m365hunting plan` and `check` for many tenants: who is broken, and what the run will cost."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from hunting_emulator import Emulator
from tests.tap.commands import CHECK, PLAN, Commands, Ran
from tests.tap.fleet import OTHER_SECRET, QUERY, UNCONSENTED, Fleet
from tests.tap.harness import NOW, at


class Asked:
    """Five tenants, and the commands aimed at them."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        emulator.clock.set(NOW)
        self.emulator = emulator
        self.fleet = Fleet(emulator, 5)
        self.commands = Commands(folder, emulator)

    def run(self, command: str, *options: str, **settings: Any) -> Ran:  # noqa: ANN401 - JSON
        """Run a command for all tenants."""
        config = self.commands.file(self.fleet.config(**settings))
        return self.commands.run(command, "--config", config, *options)

    def plan(self, state: object = None, **settings: Any) -> Any:  # noqa: ANN401 - JSON
        """Plan for programs."""
        saved = [] if state is None else ["--state", self.commands.file(state, "state.json")]
        return self.run("plan", "--format", "json", *saved, **settings).json(PLAN)

    def check(self, **settings: Any) -> Any:  # noqa: ANN401 - JSON
        """Check for programs."""
        return self.run("check", "--format", "json", **settings).json(CHECK)

    def break_two(self) -> tuple[str, str]:
        """Break the sign-in of one tenant and the grant of another; return their ids."""
        first, _, third, *_ = self.fleet.ids
        self.fleet.know(self.fleet.ids, {first: OTHER_SECRET, third: UNCONSENTED})
        return first, third


@pytest.fixture
def asked(emulator: Emulator, tmp_path: Path) -> Asked:
    """Five tenants without data, and the commands aimed at them."""
    return Asked(emulator, tmp_path)


def test_each_stream_is_planned_in_each_tenant(asked: Asked) -> None:
    """Streams times tenants, in the order of the tenants, with the rows of each."""
    for number, name in enumerate(asked.fleet.ids):
        asked.fleet.load_one(name, number)

    plan = asked.plan()

    found = [(stream["tenant_id"], stream["rows"]) for stream in plan["streams"]]
    assert found == [(name, number) for number, name in enumerate(asked.fleet.ids)]
    assert [tenant["name"] for tenant in plan["tenants"]] == [f"Tenant {i}" for i in range(5)]
    assert [tenant["rows"] for tenant in plan["tenants"]] == [0, 1, 2, 3, 4]
    assert [tenant["calls"] for tenant in plan["tenants"]] == [2, 1, 1, 1, 1]


def test_run_makes_the_calls_that_were_planned_for_its_tenants(asked: Asked) -> None:
    """The columns are asked of the first tenant that lets anybody in, and of no other."""
    asked.fleet.load(30)
    asked.break_two()

    plan = json.loads(asked.run("plan", "--format", "json").output)
    earlier = len(asked.emulator.calls)
    asked.fleet.sync()

    answered = [call.tenant_id for call in asked.emulator.calls[earlier:] if call.status == 200]
    planned = {tenant["tenant_id"]: tenant["calls"] for tenant in plan["tenants"]}
    assert list(planned.values()) == [0, 2, 0, 1, 1]
    assert planned == {name: answered.count(name) for name in asked.fleet.ids}


def test_plan_starts_at_each_tenant_s_own_bookmark(asked: Asked) -> None:
    """How far one tenant is says nothing about another."""
    first, second, *_ = asked.fleet.ids
    bookmarks = {first: at(hours=5), second: at(hours=9)}
    parts = [
        {
            "context": {"tenant_id": name},
            "replication_key": "Timestamp",
            "replication_key_value": value,
        }
        for name, value in bookmarks.items()
    ]

    plan = asked.plan(state={"bookmarks": {"alerts": {"partitions": parts}}})

    starts = [stream["windows"][0]["start"] for stream in plan["streams"]]
    assert starts == [at(hours=6), at(hours=10), *[at(days=30)] * 3]


def test_tenants_that_are_read_at_the_same_time_take_less(asked: Asked) -> None:
    """Each has quotas of its own; only the settings hold them back."""
    alone = asked.plan(max_parallel_tenants=1)
    together = asked.plan(max_parallel_tenants=5)

    takes = [tenant["minutes"] for tenant in alone["tenants"]]
    assert alone["minutes"] == pytest.approx(sum(takes))
    assert together["minutes"] == max(takes)


def test_broken_tenants_hide_no_other_in_a_plan(asked: Asked) -> None:
    """Each stands with its reason; the status says that something is wrong."""
    secret, grant = asked.break_two()

    ran = asked.run("plan", "--format", "json")

    plan = ran.json(PLAN)
    errors = {tenant["tenant_id"]: tenant.get("error", "") for tenant in plan["tenants"]}
    assert ran.status == 1
    assert "AADSTS7000215" in errors.pop(secret)
    assert "ThreatHunting.Read.All" in errors.pop(grant)
    assert set(errors.values()) == {""}
    assert len(plan["streams"]) == 3


def test_plan_is_a_line_for_each_tenant(asked: Asked) -> None:
    """Fifty tenants are still to be looked at."""
    asked.fleet.load(1200)
    secret, grant = asked.break_two()

    ran = asked.run("plan", start_date=at(days=2))

    lines = ran.output.splitlines()
    good = [name for name in asked.fleet.ids if name not in {secret, grant}]
    numbers = [asked.fleet.ids.index(name) for name in good]
    assert lines[:3] == [
        f"Tenant {i} ({name})  48 rows  {calls}  0.1 min"
        for i, name, calls in zip(numbers, good, ["2 calls", " 1 call", " 1 call"], strict=True)
    ]
    assert lines[3] == f"error  Tenant 0 ({secret})"
    assert lines[-1] == "The run: 5 tenants, 144 rows, 4 calls, 0.1 min under the quotas"


def test_stream_that_one_tenant_refuses_stands_below_that_tenant(asked: Asked) -> None:
    """A table that only some have a licence for is no trouble of the others."""
    asked.fleet.know(asked.fleet.ids, without={asked.fleet.ids[1]: ["AlertInfo"]})

    ran = asked.run("plan")

    lines = ran.output.splitlines()
    assert lines[2].startswith("         error  alerts  Microsoft Graph answered 400")
    assert len(lines) == 7
    assert ran.status == 1


def test_queries_are_checked_once_and_every_tenant_is_asked(asked: Asked) -> None:
    """What holds for the queries is looked at in one tenant; the others cost a call each."""
    asked.fleet.load(24)

    found = asked.check()

    calls = [call.tenant_id for call in asked.emulator.calls]
    first, *others = asked.fleet.ids
    assert found["ok"] is True
    assert found["queries"][0]["key"] == ["tenant_id", "_row_id"]
    assert found["access"].endswith(first)
    assert [calls.count(name) for name in others] == [1, 1, 1, 1]
    assert [tenant["ok"] for tenant in found["tenants"]] == [True] * 5


def test_first_tenant_that_answers_is_the_one_to_check_in(asked: Asked) -> None:
    """A broken tenant at the head of the list hides no query's verdict."""
    asked.break_two()

    ran = asked.run("check", "--format", "json")

    found = ran.json(CHECK)
    assert ran.status == 1
    assert found["access"].endswith(asked.fleet.ids[1])
    assert found["queries"][0]["ok"] is True
    assert [tenant["ok"] for tenant in found["tenants"]] == [False, True, False, True, True]
    assert "AADSTS7000215" in found["tenants"][0]["error"]
    assert "ThreatHunting.Read.All" in found["tenants"][2]["error"]


def test_tenant_without_a_table_is_named(asked: Asked) -> None:
    """The licence is that tenant's matter; the query is good elsewhere."""
    asked.fleet.know(asked.fleet.ids, without={asked.fleet.ids[0]: ["AlertInfo"]})

    found = asked.check()

    assert found["queries"][0]["ok"] is True
    assert found["tenants"][0]["error"].startswith("alerts: Microsoft Graph answered 400")
    assert [tenant["ok"] for tenant in found["tenants"]] == [False, True, True, True, True]


def test_query_that_no_tenant_takes_is_the_query_s_error_alone(asked: Asked) -> None:
    """Fifty tenants that say the same of a misspelled table are one mistake."""
    found = asked.check(queries=[{"name": "q", "query": "AlertInf | project Timestamp"}])

    assert found["ok"] is False
    assert found["queries"][0]["ok"] is False
    assert all(tenant["ok"] for tenant in found["tenants"])


def test_no_tenant_answers(asked: Asked) -> None:
    """Every tenant has its reason, the queries their offline verdicts."""
    found = asked.check(client_secret="S3CRET")

    assert found["ok"] is False
    assert found["queries"][0]["ok"] is True
    assert "columns" not in found["queries"][0]
    assert all("AADSTS7000215" in tenant["error"] for tenant in found["tenants"])


def test_check_shows_people_the_broken_tenants_and_a_sum(asked: Asked) -> None:
    """Forty-five lines that say ok would hide the five that do not."""
    secret, _ = asked.break_two()

    ran = asked.run("check")

    lines = ran.output.splitlines()
    assert f"error  Tenant 0 ({secret})" in lines
    assert lines[-1] == "5 tenants: 3 ok, 2 with errors"


def test_offline_asks_no_tenant(asked: Asked) -> None:
    """A look at the queries needs no tenants at all."""
    found = asked.run("check", "--offline", "--format", "json", tenants=None).json(CHECK)

    assert found["ok"] is True
    assert "tenants" not in found
    assert asked.emulator.calls == ()


def test_tenants_may_stand_in_a_variable(asked: Asked) -> None:
    """As JSON; so does Meltano take them."""
    config = asked.commands.file({**asked.fleet.config(), "tenants": None})
    listed = json.dumps(asked.fleet.entries()[:2])

    ran = asked.commands.run(
        "plan", "--config", config, "--config", "ENV", TAP_M365HUNTING_TENANTS=listed
    )

    assert ran.status == 0
    assert ran.output.splitlines()[-1].startswith("The run: 2 tenants, ")


def test_wrong_queries_cost_no_call(asked: Asked) -> None:
    """Nothing can be asked of anybody."""
    found = asked.check(queries=[{**QUERY, "query": "AlertInfo | take 5"}])

    assert found["ok"] is False
    assert asked.emulator.calls == ()


def test_command_that_is_interrupted_does_not_wait_for_answers(asked: Asked) -> None:
    """Whoever presses Ctrl-C has seen enough."""
    asked.emulator.clock.reset()
    asked.emulator.configure(latency_seconds=60)
    config = asked.commands.file(asked.fleet.config())
    code = "from tap_m365hunting.cli import main; main()"
    command = [sys.executable, "-c", code, "plan", "--config", config]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as plan:
        while asked.emulator.traffic.most_calls(asked.fleet.ids[0]) < 1:
            sleep(0.05)

        plan.send_signal(signal.SIGINT)

        assert plan.wait(timeout=20) == 1
