"""The folder of Microsoft's KQL parser on the machine.

The folder belongs to the user, not to an environment, so that every program of the user finds the
parser.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VERSION: Final = "12.4.1"
"""The one version of the npm package that is asked for."""

FILES: Final = ("bridge.min.js", "Kusto.Language.Bridge.min.js")
"""The files that are used, in the order in which they are to be read."""

VARIABLE: Final = "KUSTO_PARSER_HOME"
"""The environment variable that names another place; empty means nowhere."""


def folder(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> Path | None:
    """Return the parser's folder, existing or not.

    >>> str(folder({"XDG_DATA_HOME": "/data"}))
    '/data/kusto-language-service/12.4.1'
    >>> folder({"KUSTO_PARSER_HOME": ""})
    """
    if VARIABLE in environment:
        return Path(environment[VARIABLE]) if environment[VARIABLE] else None
    data = environment.get("XDG_DATA_HOME") or environment.get("LOCALAPPDATA")
    base = Path(data) if data else (home or Path.home()) / ".local" / "share"
    return base / "kusto-language-service" / VERSION


def installed(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> Path | None:
    """Return the folder if it holds every file of the parser."""
    place = folder(environment, home)
    if place is None or not all((place / name).is_file() for name in FILES):
        return None
    return place
