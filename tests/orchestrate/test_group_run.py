"""An attempt at a group reads what is not done, once at a time, and leaves no secret behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrate import outcomes
from orchestrate.group_run import GroupBusyError, attempt
from tests.orchestrate.conftest import IDS, READ, Stage

ROOT = Path(__file__).parents[2]
RUN = "scheduled__2026-03-01T00:00:00+00:00"


def quiet(_: str) -> None:
    """Take a line of a log."""


def alive(process: int) -> bool:
    """Say whether a process runs, or has still to let go of its files."""
    try:
        text = Path(f"/proc/{process}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Z: ended, and nobody has waited for the process yet
    return text.rpartition(")")[2].split()[0] not in {"Z", "X"}


def test_group_whose_tenants_are_all_read_is_done(stage: Stage) -> None:
    """Nothing is left, and a further attempt calls nobody."""
    first = attempt(stage.fleet, "g0001", RUN, log=quiet)
    again = attempt(stage.fleet, "g0001", RUN, log=quiet)

    assert first.left(IDS[:3]) == []
    assert again == first
    assert stage.asked == [IDS[:3]]


def test_retry_reads_the_tenants_that_failed_and_no_other(stage: Stage) -> None:
    """A group of many is not read again for one of them."""
    stage.fails(IDS[1])
    first = attempt(stage.fleet, "g0001", RUN, log=quiet)
    stage.then(READ)
    second = attempt(stage.fleet, "g0001", RUN, log=quiet)

    assert first.failed == {IDS[1]: "Expired"}
    assert second.left(IDS[:3]) == []
    assert stage.asked == [IDS[:3], [IDS[1]]]


def test_next_scheduled_run_reads_all_again(stage: Stage) -> None:
    """Done is done for one run alone."""
    for run in ("first", "second"):
        attempt(stage.fleet, "g0001", run, log=quiet)

    assert stage.asked == [IDS[:3], IDS[:3]]


SAYS = "print('… [error    ] meltano      Extractor failed'); "


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("os.kill(os.getpid(), 9)", id="killed"),
        pytest.param(f"tell(asked); {SAYS}sys.stdout.flush(); os.kill(0, 9)", id="killed-at-last"),
        pytest.param(f"tell(asked); {SAYS}sys.exit(137)", id="killed-in-a-shell"),
        pytest.param("tell(asked); sys.exit(1)", id="no-word-of-the-loader"),
        pytest.param(
            "tell(asked); print('… [error    ] meltano      Loader failed'); sys.exit(1)",
            id="loader",
        ),
        pytest.param(
            "tell(asked); print('… [error    ] meltano      Extractor and loader failed'); "
            "sys.exit(1)",
            id="both",
        ),
        pytest.param(f"{SAYS}sys.exit(1)", id="no-word-of-the-tap"),
        pytest.param("", id="no-word-of-the-tap-and-no-failure"),
        pytest.param("tell([])", id="tap-that-named-no-tenant"),
        pytest.param(
            f"tell([], dict.fromkeys(asked, 'stream alerts: Refused')); {SAYS}sys.exit(1)",
            id="stream-in-all",
        ),
        pytest.param(
            "tell(asked); print('… [info     ] tap-m365hunting Failed: tenant x: "
            "[error    ] meltano      Extractor failed'); sys.exit(1)",
            id="words-of-the-service",
        ),
        pytest.param(
            "tell(asked); print('… [info     ] target-other x\\r"
            "… [error    ] meltano      Extractor failed'); sys.exit(1)",
            id="words-behind-a-carriage-return",
        ),
        pytest.param(
            "pathlib.Path(os.environ['HUNTING_OUTCOME_FILE']).write_text('[' * 100000)",
            id="broken-word",
        ),
    ],
)
def test_run_that_does_not_show_who_is_done_leaves_all_to_be_read(stage: Stage, end: str) -> None:
    """A tenant counts as done only on the tap's and Meltano's word together."""
    stage.then(end)

    outcome = attempt(stage.fleet, "g0001", RUN, log=quiet)

    assert outcome.left(IDS[:3]) == IDS[:3]
    assert list(outcome.failed) == IDS[:3]


def test_project_without_the_outcome_file_is_told_so(stage: Stage) -> None:
    """Its runs end well, again and again; no log would have the reason."""
    stage.then("")

    failed = attempt(stage.fleet, "g0001", RUN, log=quiet).failed

    assert all("outcome_file: $HUNTING_OUTCOME_FILE" in cause for cause in failed.values())


def test_word_of_an_earlier_attempt_does_not_count(stage: Stage) -> None:
    """The file is gone before a run begins."""
    stage.fails(IDS[1])
    attempt(stage.fleet, "g0001", "first", log=quiet)
    stage.then(f"{SAYS}sys.exit(1)")

    assert attempt(stage.fleet, "g0001", "second", log=quiet).done == ()


def test_tenants_are_known_by_domain_too(stage: Stage) -> None:
    """`tenant_id` may be a domain, in any letters; one that failed is not done."""
    names = ["Contoso.example", "contoso.onmicrosoft.com"]
    listed = [{"tenant_id": name} for name in names]
    (stage.folder / "tenants.json").write_text(json.dumps(listed), "utf-8")
    (group,) = stage.fleet.assign()
    stage.fails("Contoso.example")

    outcome = attempt(stage.fleet, group, RUN, log=quiet)

    assert outcome.failed == {"contoso.example": "Expired"}
    assert outcome.done == ("contoso.onmicrosoft.com",)


def test_each_group_has_its_state_and_its_own_system_directory(stage: Stage) -> None:
    """Two runs in one system directory would take each other's catalog."""
    for group in ("g0001", "g0002"):
        attempt(stage.fleet, group, RUN, log=quiet)

    (one, variables, _), (two, others, _) = stage.calls
    assert one[1:] == [
        *("run", "--state-id-suffix=g0001", "--force", "tap-m365hunting", "target-bulk-duckdb"),
    ]
    assert "--state-id-suffix=g0002" in two
    assert variables["MELTANO_SYS_DIR_ROOT"] != others["MELTANO_SYS_DIR_ROOT"]
    assert variables["HUNTING_OUTPUT"] != others["HUNTING_OUTPUT"]


def test_secrets_reach_the_run_by_environment_and_a_private_file_alone(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments, logs and what stays behind have none."""
    stage.then(
        "config = folder / 'tap.config.json'; config.write_text('{}')\n"
        "for file in (os.environ['HUNTING_TENANTS_FILE'], config):\n"
        "    print(oct(os.stat(file).st_mode & 0o777))"
    )

    attempt(stage.fleet, "g0001", RUN)

    ((arguments, variables, tenants),) = stage.calls
    assert variables["TAP_M365HUNTING_CLIENT_SECRET"] == "of a file"
    assert [entry["client_secret"] for entry in tenants] == [f"of {name}" for name in IDS[:3]]
    assert not any("of " in argument for argument in arguments)
    assert (stage.fleet.home("g0001") / "meltano.log").read_text("utf-8") == "0o600\n" * 2
    left = [file for file in stage.fleet.folder.rglob("*") if file.is_file()]
    assert [file for file in left if "of " in file.read_text("utf-8")] == []
    assert capsys.readouterr().out == ""


def test_second_attempt_waits_for_the_end_of_the_first_even_if_its_starter_is_killed(
    stage: Stage,
) -> None:
    """The lock is Meltano's own as long as it lives, so `--force` never makes two of one state."""
    stage.then("import time; (folder / 'runs').write_text(str(os.getpid())); time.sleep(600)")
    starter = subprocess.Popen(
        [sys.executable, "-m", "orchestrate", "--fleet", "fleet.json", "run", "g0001"],
        cwd=stage.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    while not (stage.folder / "runs").exists():
        time.sleep(0.02)
    starter.kill()
    starter.wait()
    stage.then(READ)

    with pytest.raises(GroupBusyError, match="g0001 is alive"):
        attempt(stage.fleet, "g0001", RUN, log=quiet)

    meltano = int((stage.folder / "runs").read_text("utf-8"))
    os.kill(meltano, signal.SIGKILL)
    while alive(meltano):
        time.sleep(0.02)
    assert attempt(stage.fleet, "g0001", RUN, log=quiet).left(IDS[:3]) == []


def test_attempt_that_is_called_off_takes_its_run_with_it(stage: Stage) -> None:
    """A time-out of the scheduler leaves no process that holds the group."""
    stage.then(
        "print('… [info     ] meltano      Running', flush=True); import time; time.sleep(600)"
    )

    def called_off(_: str) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        attempt(stage.fleet, "g0001", RUN, log=called_off)

    stage.then(READ)
    assert attempt(stage.fleet, "g0001", RUN, log=quiet).left(IDS[:3]) == []
    assert not (stage.fleet.home("g0001") / "tenants.json").exists()


def test_outcomes_of_old_runs_are_forgotten(stage: Stage) -> None:
    """A run an hour would leave a thousand files a day."""
    outcome = outcomes.Outcome(("a",))
    for number in range(170):
        file = stage.fleet.outcome_file(f"run-{number}", "g0001")
        outcomes.write(file, outcome)
        os.utime(file.parent, (number, number))

    stage.fleet.assign()

    there = {run.name for run in (stage.fleet.folder / "outcomes").iterdir()}
    assert there == {f"run-{number}" for number in range(2, 170)}


def test_outcome_is_at_no_time_half_written(tmp_path: Path) -> None:
    """A new file takes the place of the old one as a whole."""
    file = tmp_path / "outcome.json"
    outcomes.write(file, outcomes.Outcome(("a",)))
    with file.open("r", encoding="utf-8") as old:
        outcomes.write(file, outcomes.Outcome(("a", "b")))

        assert json.loads(old.read())["done"] == ["a"]
    assert outcomes.read(file).done == ("a", "b")
    assert [path.name for path in tmp_path.iterdir()] == ["outcome.json"]
