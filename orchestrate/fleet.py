"""A fleet: the tenants, their groups, and the places of each group's files."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrate import groups, outcomes

#: The variable that names the file with a fleet's settings.
VARIABLE: Final = "HUNTING_FLEET"
#: A Meltano run costs 6 s of processor time, a tenant within it 0.14 s.
USUAL_SIZE: Final = 25
#: Scheduled runs whose outcomes are kept: a week of those at each hour.
_RUNS: Final = 168


@dataclass(frozen=True, slots=True)
class Fleet:
    """Settings of a fleet.

    `tenants_file` is the tap's own list, secrets and all; `folder` holds what runs leave behind;
    `project` is the Meltano project, whose commands are looked up in `commands`. Each file in
    `secrets` is an environment variable of the runs: its name, and its content as the value.
    """

    tenants_file: Path
    folder: Path
    project: Path
    commands: tuple[Path, ...] = ()
    pipeline: tuple[str, ...] = ("tap-m365hunting", "target-bulk-duckdb")
    group_size: int = USUAL_SIZE
    secrets: Path | None = None

    @classmethod
    def read(cls, file: Path) -> "Fleet":
        """Read the settings; relative paths in them start at the file's folder.

        Raises:
            TypeError: a setting is unknown, or lacking.
        """
        given: dict[str, Any] = json.loads(file.read_text("utf-8"))
        base = file.absolute().parent
        for name in {"tenants_file", "folder", "project", "secrets"} & given.keys():
            given[name] = base / given[name]
        commands = tuple(base / folder for folder in given.pop("commands", ()))
        pipeline = tuple(given.pop("pipeline", cls.__dataclass_fields__["pipeline"].default))
        return cls(commands=commands, pipeline=pipeline, **given)

    @classmethod
    def of_environment(cls, variables: Mapping[str, str] = os.environ) -> "Fleet":
        """Read the settings from the file that the environment names.

        Raises:
            KeyError: the environment names none.
        """
        return cls.read(Path(variables[VARIABLE]))

    def tenants(self) -> dict[str, dict[str, Any]]:
        """Return the entries of the tenants by id, in the order of their file."""
        listed = json.loads(self.tenants_file.read_text("utf-8"))
        return {entry["tenant_id"].lower(): entry for entry in listed}

    def assign(self) -> dict[str, list[str]]:
        """Give new tenants their groups, for good; return the groups of today's tenants.

        With this a scheduled run begins, so what is known of old runs is forgotten, too.
        """
        outcomes.forget(self.folder / "outcomes", keep=_RUNS)
        file = self.folder / "groups.json"
        known = json.loads(file.read_text("utf-8")) if file.exists() else {}
        assigned = groups.assigned(self.tenants(), known, size=self.group_size)
        if assigned != known:
            outcomes.whole(file, json.dumps(assigned, indent=1))
        return groups.listed(assigned, self.tenants())

    def members(self, group: str) -> list[str]:
        """Return the tenants of a group that the tenants' file lists today."""
        known = json.loads((self.folder / "groups.json").read_text("utf-8"))
        return groups.listed({group: known[group]}, self.tenants()).get(group, [])

    def home(self, group: str) -> Path:
        """The folder of a group: state and caches of Meltano, tables, logs."""
        return self.folder / "groups" / group

    def tap_outcome_file(self, group: str) -> Path:
        """The file in which the tap tells of its tenants at the end of a group's run."""
        return self.home(group) / "outcome.json"

    def outcome_file(self, run: str, group: str) -> Path:
        """The file that says which tenants of a group are done in a run."""
        return self.folder / "outcomes" / _file_name(run) / f"{group}.json"


def _file_name(run: str) -> str:
    """Return a run's id as the name of a folder.

    >>> _file_name("scheduled__2026-03-01T00:00:00+00:00")
    'scheduled__2026-03-01T00_00_00_00_00'
    """
    return "".join(c if c.isalnum() or c in "-._" else "_" for c in run)
