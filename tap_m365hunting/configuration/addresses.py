"""The addresses of API and login in the settings. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

# The parts that a URL may have, and the place of a service has not, a password among them.
_NO_PLACE: Final = re.compile(r"[\s@?#\\]")


def url_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each address that is not one that a secret may be sent to."""
    for key in ("api_url", "authority_url"):
        url = given.get(key)
        if not isinstance(url, str):
            continue
        if not url.startswith("https://"):
            yield f"{key}: must be https://HOST, since a secret or a token is sent to it"
        elif not _is_place(url):
            yield (
                f"{key}: must be https://HOST, with a port and a path at most: no user or "
                "password, no ? or #"
            )
        elif key == "authority_url" and urlsplit(url).path.rstrip("/").lower().endswith("/adfs"):
            yield f"{key}: is that of AD FS, which has no tenants; give Entra ID's host"


def _is_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and not _NO_PLACE.search(url)
