"""`target-bulk-duckdb`: Singer lines on standard input into DuckDB."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import duckdb

from bulk_loader.errors import LoadError
from bulk_loader.file_names import shown_name
from bulk_loader.intake import reader
from bulk_loader.loading import load
from bulk_loader.settings import SCHEMA, Settings, gathered, unknown

NAME: Final = "target-bulk-duckdb"
_CAPABILITIES: Final = ["about", "activate-version", "hard-delete", "schema-flattening"]
_LOGGER: Final = logging.getLogger(NAME)


class _Line(logging.Formatter):
    """Writes each record as a line, whatever a name of a stream, a column or a file holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Escape line ends, other control characters, and marks of direction."""
        text = super().format(record)
        if text.isprintable():
            return text
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0 only if everything is loaded."""
    options = _options().parse_args(arguments)
    if options.about:
        print(about(options.format))
        return 0
    log = logging.StreamHandler()
    log.setFormatter(_Line("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[log], level=logging.INFO)
    try:
        return _load([Path(file) for file in options.config if file != "ENV"], options.input)
    except LoadError as error:
        _LOGGER.critical("%s", error)
    except KeyboardInterrupt:
        _LOGGER.critical("Stopped; what came up to the last state is there")
        return 130
    except (OSError, duckdb.Error) as error:
        _LOGGER.critical("%s", _said(error))
    return 1


def about(form: str) -> str:
    """Say what the target is and takes, as text or JSON."""
    told: dict[str, Any] = {
        "name": NAME,
        "description": "Singer target into DuckDB tables or Parquet files, in bulk.",
        "version": version("tap-m365hunting"),
        "capabilities": ["about", "activate-version", "hard-delete"],
        "settings": SCHEMA,
    }
    if form == "json":
        return json.dumps(told, indent=2)
    lines = [f"{told['name']} {told['version']}: {told['description']}", "", "Settings:"]
    for name, setting in SCHEMA["properties"].items():
        lines.append(f"  {name}: {setting['description']}")
    return "\n".join(lines)


def _load(files: list[Path], source: Path | None) -> int:
    given = gathered(files, os.environ)
    for name in unknown(given):
        _LOGGER.warning("Setting %r is none of this target's and has no effect", name)
    settings = Settings.of(given)
    _require_streams(source)
    descriptor = os.open(source, os.O_RDONLY) if source else sys.stdin.fileno()
    rows = load(settings, reader(descriptor), _emit)
    _LOGGER.info("%d rows are loaded", rows)
    return 0


def _require_streams(source: Path | None) -> None:
    """Look whether there are lines to read and a place for the states.

    Raises:
        LoadError: one of them is closed, and a file of the load would get its number.
    """
    for name, stream in (("input", source or sys.stdin), ("output", sys.stdout)):
        if stream is None:
            msg = f"Standard {name} is closed"
            raise LoadError(msg)


def _emit(state: bytes) -> None:
    """Write a state at once.

    Raises:
        OSError: nobody reads standard output. The interpreter would write the rest again at its
            end, and end with a status of its own: the rest goes nowhere.
    """
    try:
        sys.stdout.buffer.write(state + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _said(error: Exception) -> str:
    """Return what went wrong, without the values that DuckDB may show."""
    if isinstance(error, OSError):
        named = shown_name(error.filename) if error.filename else "standard output"
        return f"{error.strerror or type(error).__name__}: {named}"
    if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
        return str(error).splitlines()[0]
    return f"DuckDB stopped the load: {type(error).__name__}"


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument(
        "--version", action="version", version=f"{NAME} {version('tap-m365hunting')}"
    )
    parser.add_argument("--about", action="store_true", help="say what it is and takes, then end")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="of --about")
    parser.add_argument(
        "--config", action="append", default=[], help="a file of settings; ENV for the environment"
    )
    parser.add_argument(
        "--input", type=Path, help="a file of Singer lines, instead of standard input"
    )
    return parser
