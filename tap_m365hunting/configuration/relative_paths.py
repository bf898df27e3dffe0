"""Names of files in settings, taken from the working directory, else from the settings' own folder.

Meltano runs in the project's folder, with settings in a folder of its own; people run from anywhere
with queries beside their settings. Both find their files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_OF_TENANTS: Final = ("certificate_path", "federated_token_file")
_FILES: Final[Mapping[str | None, tuple[str, ...]]] = {
    None: (*_OF_TENANTS, "tenants_file"),
    "queries": ("query_file", "sigma_rule"),
    "tenants": _OF_TENANTS,
}


def beside(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a file in the folder, with names of files that lead there from here.

    A name stays as it is if it leads to a file already, or to none in the folder either.
    """
    found = _named(settings, _FILES[None], folder)
    for key in ("queries", "tenants"):
        entries = found.get(key)
        if isinstance(entries, list):
            found[key] = [_entry(entry, _FILES[key], folder) for entry in entries]
    return found


def _entry(entry: object, keys: tuple[str, ...], folder: Path) -> object:
    return _named(entry, keys, folder) if isinstance(entry, dict) else entry


def _named(given: Mapping[str, Any], keys: tuple[str, ...], folder: Path) -> dict[str, Any]:
    names = {key: given[key] for key in keys if isinstance(given.get(key), str)}
    return {**given, **{key: _path(name, folder) for key, name in names.items()}}


def _path(name: str, folder: Path) -> str:
    there = folder / name
    try:
        return str(there) if not Path(name).exists() and there.exists() else name
    except (OSError, ValueError):  # no name of a file: a secret, or a text, in the wrong place
        return name
