"""`python -m orchestrate` for schedulers that run commands and read exit statuses."""

import pytest

from orchestrate.__main__ import main
from tests.orchestrate.conftest import IDS, Stage


def test_groups_are_listed_one_a_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """As `xargs` reads them."""
    status = main(["--fleet", str(stage.folder / "fleet.json"), "groups"])

    assert (status, capsys.readouterr().out) == (0, "g0001\ng0002\ng0003\n")


def test_report_names_the_tenants_behind_and_fails(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last step of a run tells who is missing, and why."""
    fleet = ["--fleet", str(stage.folder / "fleet.json")]
    stage.fails(IDS[4])
    statuses = [main([*fleet, "run", "--index", str(n), "--run", "x"]) for n in (0, 1)]
    capsys.readouterr()

    statuses.append(main([*fleet, "report", "--run", "x"]))

    assert statuses == [0, 1, 1]
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "7 tenants: 5 done, 2 behind",
        f"Behind: {IDS[4]}: Expired",
        f"Behind: {IDS[6]}: not read in this run",
    ]
