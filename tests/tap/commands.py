"""Runs `m365hunting` in this process, and holds what it prints against a schema."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
from click.testing import CliRunner

from hunting_emulator import Emulator
from tap_m365hunting.cli import Effects, main

_TEXT = {"type": ["string", "null"]}
_COUNT = {"type": ["integer", "null"], "minimum": 0}
_INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$"}


def _object(properties: Mapping[str, Any], *, optional: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
    """Return the schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: object) -> dict[str, Any]:
    return {"type": "array", "items": of}


_PROBLEM = _object(
    {
        "severity": {"enum": ["error", "warning"]},
        "line": {"type": ["integer", "null"], "minimum": 1},
        "column": {"type": ["integer", "null"], "minimum": 1},
        "operator": _TEXT,
        "message": {"type": "string", "minLength": 1},
    }
)
_QUERY = _object(
    {
        "name": {"type": "string"},
        "mode": {"enum": ["incremental", "windowed", "full_table", None]},
        "cursor": _TEXT,
        "ok": {"type": "boolean"},
        "problems": _list(_PROBLEM),
        "kql": _object({"probe": _TEXT, "window": _TEXT, "count": _TEXT}),
    },
    optional={
        "columns": _list(_object({"name": {"type": "string"}, "type": {"type": "string"}})),
        "key": _list({"type": "string"}),
        "rows_a_day": _COUNT,
        "rows_a_run": _COUNT,
        "calls_a_run": _COUNT,
        "minutes_a_run": {"type": ["number", "null"], "minimum": 0},
        "identity": _object(
            {
                "columns": _list({"type": "string"}),
                "unique": {"type": ["boolean", "null"]},
                "rows": _COUNT,
                "keys": _COUNT,
            }
        ),
    },
)
CHECK = _object(
    {"ok": {"type": "boolean"}, "queries": _list(_QUERY)},
    optional={
        "errors": _list({"type": "string"}),
        "warnings": _list({"type": "string"}),
        "access": {"type": "string"},
        "tenants": _list(
            _object(
                {"tenant_id": {"type": "string"}, "ok": {"type": "boolean"}},
                optional={"name": {"type": "string"}, "error": {"type": "string"}},
            )
        ),
    },
)
_ROWS = {"type": "integer", "minimum": 0}
_MINUTES = {"type": "number", "minimum": 0}
_STREAM = _object(
    {
        "name": {"type": "string"},
        "tenant_id": {"type": "string"},
        "rows": _ROWS,
        "calls": _ROWS,
        "minutes": _MINUTES,
        "windows": _list(_object({"start": _INSTANT, "end": _INSTANT, "rows": _ROWS})),
        "bins": _list(_object({"start": _INSTANT, "rows": _ROWS})),
    },
    optional={
        "error": {"type": "string"},
        "note": {"type": "string"},
        "warnings": _list({"type": "string"}),
    },
)
_TENANT = _object(
    {"tenant_id": {"type": "string"}, "rows": _ROWS, "calls": _ROWS, "minutes": _MINUTES},
    optional={"name": {"type": "string"}, "error": {"type": "string"}},
)
PLAN = _object(
    {"calls": _ROWS, "minutes": _MINUTES, "streams": _list(_STREAM)},
    optional={"tenants": _list(_TENANT)},
)


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit status."""

    status: int
    output: str
    errors: str

    def json(self, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Return the printed JSON, which is as the schema says."""
        found = json.loads(self.output)
        jsonschema.validate(found, schema)
        return found


class Commands:
    """Runs the commands with settings in files of a folder, by the clock of an emulator."""

    def __init__(self, folder: Path, emulator: Emulator | None = None) -> None:
        self._folder = folder
        self._emulator = emulator
        self.slept: list[float] = []

    def file(self, content: object, name: str = "config.json") -> str:
        """Write a file and return its path."""
        path = self._folder / name
        path.write_text(json.dumps(content), "utf-8")
        path.chmod(0o600)
        return str(path)

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run a command."""
        effects = (
            Effects(self._seconds, self._sleep, self._seconds) if self._emulator else Effects()
        )
        found = CliRunner().invoke(main, arguments, obj=effects, env=environment)
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Ran(found.exit_code, found.stdout, found.stderr)

    def check(self, *queries: Mapping[str, Any], **settings: object) -> Ran:
        """Check queries offline, for people."""
        config = self.file({"queries": list(queries), **settings})
        return self.run("check", "--offline", "--config", config)

    def check_json(self, *queries: Mapping[str, Any], **settings: object) -> Any:  # noqa: ANN401 - JSON
        """Check queries offline, for programs."""
        config = self.file({"queries": list(queries), **settings})
        return self.run("check", "--offline", "--format", "json", "--config", config).json(CHECK)

    def _seconds(self) -> float:
        assert self._emulator is not None
        return self._emulator.clock.now().timestamp()

    def _sleep(self, seconds: float) -> None:
        assert self._emulator is not None
        self.slept.append(seconds)
        self._emulator.clock.advance(timedelta(seconds=seconds))
