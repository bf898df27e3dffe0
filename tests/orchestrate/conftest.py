"""A fleet in a folder of its own, with a stand-in for Meltano that does as a test says."""

import json
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrate.fleet import Fleet

IDS = [f"aaaabbbb-0000-cccc-1111-{number:012}" for number in range(7)]
# Each call is written down: arguments, variables, and the tenants that it was to read. `tell`
# leaves the tap's word on them.
STAND_IN = """\
#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
tenants = json.loads(pathlib.Path(os.environ["HUNTING_TENANTS_FILE"]).read_text())
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([sys.argv, dict(os.environ), tenants]) + "\\n")
asked = [entry["tenant_id"] for entry in tenants]
def tell(done, failed=()):
    word = json.dumps({{"done": done, "failed": dict(failed)}})
    pathlib.Path(os.environ["HUNTING_OUTCOME_FILE"]).write_text(word)
exec((folder / "then.py").read_text())
"""


#: A run that reads all.
READ = "tell(asked)"


@dataclass(frozen=True)
class Stage:
    """The fleet of a test, and what the stand-in for Meltano was called with."""

    folder: Path
    fleet: Fleet

    def then(self, program: str) -> None:
        """Let later runs do this; `asked` are the ids that a run is to read."""
        (self.folder / "then.py").write_text(program, "utf-8")

    def fails(self, *tenants: str) -> None:
        """Let later runs end as the tap's do when these tenants let nobody in."""
        lines = [f"… [info     ] tap-m365hunting Failed: tenant {t}: Expired" for t in tenants]
        lines += ["… [error    ] meltano      Extractor failed"]
        self.then(
            f"bad = {tenants!r}; tell([t for t in asked if t not in bad], "
            f"dict.fromkeys(bad, 'Expired'))\nprint({chr(10).join(lines)!r})\nsys.exit(1)"
        )

    @property
    def calls(self) -> list[tuple[list[str], dict[str, str], list[dict[str, str]]]]:
        """Arguments, variables and tenants of each run."""
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    @property
    def asked(self) -> list[list[str]]:
        """The ids that each run was to read."""
        return [[entry["tenant_id"] for entry in tenants] for _, _, tenants in self.calls]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Seven tenants in groups of three."""
    commands, secrets = tmp_path / "bin", tmp_path / "secrets"
    for folder in (commands, secrets, tmp_path / "project"):
        folder.mkdir()
    program = commands / "meltano"
    program.write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)), "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "then.py").write_text(READ, "utf-8")
    (secrets / "TAP_M365HUNTING_CLIENT_SECRET").write_text("of a file\n", "utf-8")
    entries = [{"tenant_id": name, "client_secret": f"of {name}"} for name in IDS]
    (tmp_path / "tenants.json").write_text(json.dumps(entries), "utf-8")
    settings = {
        "tenants_file": "tenants.json",
        "folder": "fleet",
        "project": "project",
        "commands": ["bin"],
        "secrets": "secrets",
        "group_size": 3,
    }
    (tmp_path / "fleet.json").write_text(json.dumps(settings), "utf-8")
    fleet = Fleet.read(tmp_path / "fleet.json")
    fleet.assign()
    return Stage(tmp_path, fleet)
