"""Settings of the target, from files and the environment, checked before anything is opened."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from bulk_loader.errors import LoadError
from bulk_loader.file_names import is_address, shown_name

#: The most bytes of a file of settings, which has hundreds.
_MOST_BYTES: Final = 1 << 20
PREFIX: Final = "TARGET_BULK_DUCKDB_"
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "database": {
            "type": ["string", "null"],
            "title": "Database",
            "description": "File of the DuckDB database; it is made if it is not there.",
        },
        "schema": {
            "type": ["string", "null"],
            "default": "main",
            "title": "Schema",
            "description": "Schema of the tables; it is made if it is not there.",
        },
        "parquet_dir": {
            "type": ["string", "null"],
            "title": "Parquet folder",
            "description": "Folder of Parquet files by stream and day, instead of a database.",
        },
        "add_metadata_columns": {
            "type": ["boolean", "null"],
            "default": False,
            "title": "Add metadata columns",
            "description": "Add the columns `_sdc_extracted_at`, `_sdc_received_at`, "
            "`_sdc_batched_at`, `_sdc_deleted_at`, `_sdc_sequence` and `_sdc_table_version`.",
        },
        "memory_limit": {
            "type": ["string", "null"],
            "default": "256MB",
            "title": "Memory limit",
            "description": "Memory that DuckDB may use, in its own units.",
        },
    },
    "oneOf": [{"required": ["database"]}, {"required": ["parquet_dir"]}],
}
_PLACES: Final = frozenset({"database", "parquet_dir"})
_MEMORY: Final = re.compile(r"\d+(\.\d+)?\s*([kmgt](i?b)?|b|%)|-1", re.IGNORECASE)
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings: one of `database` and `parquet_dir` is set."""

    database: Path | None = None
    schema: str = "main"
    parquet_dir: Path | None = None
    add_metadata_columns: bool = False
    memory_limit: str = "256MB"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Check settings by `SCHEMA`.

        Raises:
            LoadError: a value is of another type, or the place is missing, given twice, or no file.
        """
        known = {name: given[name] for name in SCHEMA["properties"] if given.get(name) is not None}
        if "memory_limit" in known:
            _require_memory(known["memory_limit"])
        for name, value in known.items():
            wanted = bool if name == "add_metadata_columns" else str
            if not isinstance(value, wanted) or value == "":
                msg = f"Setting {name!r} has to be a {wanted.__name__} that is not empty"
                raise LoadError(msg)
        if len(known.keys() & _PLACES) != 1:
            msg = "Set 'database' (a DuckDB file) or 'parquet_dir' (a folder), and not both"
            raise LoadError(msg)
        paths = {name: _path(name, known[name]) for name in known.keys() & _PLACES}
        return cls(**(known | paths))


def _require_memory(limit: object) -> None:
    if not isinstance(limit, str) or _MEMORY.fullmatch(limit.strip()) is None:
        msg = "Setting 'memory_limit' has to be a text with a unit, such as '512MB' or '2GiB'"
        raise LoadError(msg)


def _path(name: str, given: str) -> Path:
    if is_address(given):
        msg = f"Setting {name!r} has to be a file or a folder; no address is written to"
        raise LoadError(msg)
    if given.startswith(":memory:"):
        msg = (
            f"Setting {name!r} is ':memory:', which nothing is left of after the load: name a file"
        )
        raise LoadError(msg)
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        msg = f"Setting {name!r} begins with '~', and there is no such home: give the whole path"
        raise LoadError(msg) from error


def gathered(files: Iterable[Path], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what files say, a later one over an earlier one, and the environment over all.

    Raises:
        LoadError: a file is not there, or holds no JSON object.
    """
    given: dict[str, Any] = {}
    for file in files:
        given |= _read(file)
    return given | _from(environment)


def unknown(given: Mapping[str, Any]) -> list[str]:
    """Return the names that mean nothing here."""
    return sorted(given.keys() - SCHEMA["properties"].keys())


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        content = json.loads(text) if len(text) <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        msg = f"Settings in {shown_name(file)} cannot be read: {type(error).__name__}"
        raise LoadError(msg) from error
    if not isinstance(content, dict):
        msg = f"Settings in {shown_name(file)} are no JSON object"
        raise LoadError(msg)
    return content


def _from(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in SCHEMA["properties"]:
        text = environment.get(PREFIX + name.upper())
        if text is not None:
            boolean = name == "add_metadata_columns"
            found[name] = _TRUTHS.get(text.lower(), text) if boolean else text
    return found
