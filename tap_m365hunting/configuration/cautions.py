"""Oddities that a reviewer would ask about: told once a run, and no errors."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tap_m365hunting.configuration.credentials import GUID
from tap_m365hunting.printable import shown_key

_GUID: Final = re.compile(GUID)
_MICROSOFT: Final = (
    "microsoft.com",
    "microsoft.us",
    "microsoftonline.com",
    "microsoftonline.us",
    "windows.net",
)
_SENT: Final[Mapping[str, str]] = {
    "authority_url": "the secret, or what stands for it,",
    "api_url": "each token, and each query,",
}
_SECRETS: Final = frozenset({"client_secret", "certificate_password"})
# With the seed of hashes the value behind a hash can be tried out
_SEED: Final = "hash_seed"


def cautions(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each oddity of the settings; of what stands there, hosts alone are shown."""
    yield from _host_cautions(given)
    for place, part in _parts(given):
        named = part.get("client_id")
        if isinstance(named, str) and named and not _GUID.fullmatch(named):
            yield (
                f"{place}client_id: is no GUID, as the ids of applications are; does another "
                "setting's value stand there?"
            )


def _host_cautions(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each host that is none of Microsoft's, by name, and what goes there."""
    for key, sent in _SENT.items():
        url = given.get(key)
        host = urlsplit(url).hostname if isinstance(url, str) else None
        if host and not f".{host}".endswith(tuple(f".{known}" for known in _MICROSOFT)):
            yield f"{key}: {sent} goes to {host}, which is no host of Microsoft's"


def holds_secret(given: Mapping[str, Any]) -> bool:
    """Say if settings hold a secret, at the top, of one of the tenants, or of the stream maps."""
    maps = given.get("stream_map_config")
    if isinstance(maps, Mapping) and maps.get(_SEED):
        return True
    return any(part.get(key) for _, part in _parts(given) for key in _SECRETS)


def twice_cautions(name: str, keys: Iterable[str]) -> Iterator[str]:
    """Yield a line for each key that stands twice in an object of JSON that people write."""
    for key in dict.fromkeys(keys):
        shown = shown_key(key)
        quoted = repr(key) if shown == key else shown.removeprefix("a key ")
        yield f"{name}: the key {quoted} stands twice in one object, and the last one counts"


def file_cautions(name: str, path: Path, *, holds: str | None) -> Iterator[str]:
    """Yield a line for a file that every user can read though it `holds` a secret, or can change.

    Whoever can change settings says where a secret goes.
    """
    mode = _mode(path)
    can = [verb for bit, verb in ((stat.S_IROTH, "read"), (stat.S_IWOTH, "change")) if mode & bit]
    if holds is None:
        can = [verb for verb in can if verb == "change"]
    if can:
        what = f"holds {holds}" if holds else "is for settings"
        yield f"{name} {what}, and every user of this machine can {' and '.join(can)} it: chmod 600"


def _parts(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the settings at the top and those of each tenant, with the place in front of a key."""
    yield "", given
    tenants = given.get("tenants")
    for number, tenant in enumerate(tenants if isinstance(tenants, list) else ()):
        if isinstance(tenant, Mapping):
            yield f"tenants[{number}].", tenant


def is_open_to_all(path: Path) -> bool:
    """Say if every user of the machine may read a file."""
    return bool(_mode(path) & stat.S_IROTH)


def _mode(path: Path) -> int:
    """Return the mode of a file; only POSIX has such a mode, and a pipe is its programs' alone.

    Nobody is said to be let in by a file that cannot be looked at: whoever reads it tells why not.
    """
    try:
        mode = path.stat().st_mode if os.name == "posix" else 0
    except (OSError, ValueError):
        return 0
    return mode if stat.S_ISREG(mode) else 0
