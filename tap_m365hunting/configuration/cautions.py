"""Oddities that a reviewer would ask about: told once a run, and no errors."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tap_m365hunting.configuration.credentials import GUID

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
    """Say if settings hold a secret, at the top or of one of the tenants."""
    return any(part.get(key) for _, part in _parts(given) for key in _SECRETS)


def _parts(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the settings at the top and those of each tenant, with the place in front of a key."""
    yield "", given
    tenants = given.get("tenants")
    for number, tenant in enumerate(tenants if isinstance(tenants, list) else ()):
        if isinstance(tenant, Mapping):
            yield f"tenants[{number}].", tenant


def is_open_to_all(path: Path) -> bool:
    """Say if every user of the machine may read a file; only POSIX has such a mode.

    A file that cannot be looked at is said to be private: whoever reads it tells why not.
    """
    try:
        return os.name == "posix" and bool(path.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):
        return False
