"""Ways to sign in: the way meant by the settings, and the settings missing for it.

Pure. A value of a setting is never shown: a secret may stand in the wrong place.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

#: The form of a directory's, an application's or a workspace's id.
GUID: Final = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$(?!\n)"
# The variable that AKS sets for a workload, and that the Azure libraries read.
TOKEN_FILE_VARIABLE: Final = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - a name, no secret


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """An application with a secret."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An application with a private key; the file is PEM or PFX."""

    client_id: str
    path: Path
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Federated:
    """An application vouched for by another issuer; the issuer's token lies in a file."""

    client_id: str
    token_file: Path


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """An identity of the machine; `name` is empty for the machine's own."""

    kind: Literal["system", "client_id", "object_id", "resource_id"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A person signing in on another device; `cache` keeps the sign-in for the next run."""

    client_id: str
    cache: Path | None


Credential = ClientSecret | Certificate | Federated | ManagedIdentity | DeviceCode


@dataclass(frozen=True, slots=True)
class Method:
    """A value of `auth_method`: the settings of its own, and the settings required."""

    own: tuple[str, ...]
    needs: tuple[str, ...]


METHODS: Final[Mapping[str, Method]] = {
    "client_secret": Method(("client_secret",), ("client_id", "client_secret")),
    "certificate": Method(
        ("certificate_path", "certificate_password"), ("client_id", "certificate_path")
    ),
    "federated": Method(("federated_token_file",), ("client_id", "federated_token_file")),
    "managed_identity": Method(("managed_identity",), ("managed_identity",)),
    "device_code": Method(("token_cache_path",), ("client_id",)),
}
#: Settings that say how to sign in: by themselves, and with the application that does.
WAY_KEYS: Final = frozenset({"auth_method", *(key for way in METHODS.values() for key in way.own)})
AUTH_KEYS: Final = WAY_KEYS | {"client_id"}

_WAYS: Final = (
    "client_id and client_secret; client_id and certificate_path; client_id and "
    f"federated_token_file (or the variable {TOKEN_FILE_VARIABLE}); managed_identity; "
    "client_id and auth_method device_code"
)
_RESOURCE: Final = "/subscriptions/"
_OBJECT: Final = "object_id:"
_GUID: Final = re.compile(GUID)


def credential_problems(
    given: Mapping[str, Any], environment: Mapping[str, str], *, needed: bool
) -> Iterator[str]:
    """Yield the problems of the way to sign in; no way at all is a problem only if `needed`."""
    known = _completed(given, environment)
    empty = [key for key in ("client_id", *_own_keys()) if known.get(key) == ""]
    yield from (f"{key}: is empty" for key in empty)
    for key in ("client_id", "client_secret"):
        text = known.get(key)
        if isinstance(text, str) and text and text != text.strip():
            yield f"{key}: starts or ends with a space or a line end; take it out"
    yield from _identity_problems(known.get("managed_identity"))
    methods = _methods(known)
    if len(methods) > 1:
        yield _too_many(known, methods)
    elif methods:
        yield from _missing(known, methods[0])
    elif needed and "auth_method" not in known:
        yield f"auth_method: nothing says how to sign in; give one of: {_WAYS}"


def credential(given: Mapping[str, Any], environment: Mapping[str, str]) -> Credential:
    """Give a type to a way to sign in without problems."""
    known = _completed(given, environment)
    (method,) = _methods(known)
    client_id = known.get("client_id", "")
    match method:
        case "client_secret":
            return ClientSecret(client_id, known["client_secret"])
        case "certificate":
            path = Path(known["certificate_path"])
            return Certificate(client_id, path, known.get("certificate_password"))
        case "federated":
            return Federated(client_id, Path(known["federated_token_file"]))
        case "managed_identity":
            return managed_identity(known["managed_identity"])
        case _:
            cache = known.get("token_cache_path")
            return DeviceCode(client_id, Path(cache) if cache else None)


def token_file(given: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """Return the name of the file with a federated token, if a way to sign in has one."""
    named = _completed(given, environment).get("federated_token_file")
    return named if isinstance(named, str) else None


def managed_identity(named: str) -> ManagedIdentity:
    """Read the name of a managed identity.

    >>> managed_identity("system").kind
    'system'
    >>> managed_identity("/subscriptions/s/resourceGroups/g/providers/p/i").kind
    'resource_id'
    >>> managed_identity("object_id:11112222-bbbb-3333-cccc-4444dddd5555").kind
    'object_id'
    """
    if named == "system":
        return ManagedIdentity("system")
    if named.lower().startswith(_RESOURCE):
        return ManagedIdentity("resource_id", named)
    if named.startswith(_OBJECT):
        return ManagedIdentity("object_id", named.removeprefix(_OBJECT).strip())
    return ManagedIdentity("client_id", named)


def _identity_problems(named: object) -> Iterator[str]:
    if not isinstance(named, str) or not named:
        return  # `validation` tells of a setting that is no text
    identity = managed_identity(named)
    if identity.kind in {"client_id", "object_id"} and not _GUID.fullmatch(identity.name):
        yield (
            "managed_identity: must be system, a client id (a GUID), a resource id "
            "(/subscriptions/...), or object_id: and a GUID"
        )


def _own_keys() -> Iterator[str]:
    return (key for method in METHODS.values() for key in method.own)


def _completed(given: Mapping[str, Any], environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Take the token's file from the environment, unless the settings name another way."""
    file = environment.get(TOKEN_FILE_VARIABLE)
    elsewhere = given.get("auth_method", "federated") != "federated"
    if not file or elsewhere or any(key in given for key in _own_keys()):
        return given
    return {**given, "federated_token_file": file}


def _methods(known: Mapping[str, Any]) -> list[str]:
    """Return the methods asked for, by name or by a setting of their own."""
    chosen = known.get("auth_method")
    return [
        name
        for name, method in METHODS.items()
        if name == chosen or any(key in known for key in method.own)
    ]


def _too_many(known: Mapping[str, Any], methods: list[str]) -> str:
    said = [f"auth_method {name}" for name in methods if name == known.get("auth_method")]
    keys = [key for name in methods for key in METHODS[name].own if key in known]
    return f"auth_method: {' and '.join([*said, *keys])} are different ways to sign in; keep one"


def _missing(known: Mapping[str, Any], method: str) -> Iterator[str]:
    for key in METHODS[method].needs:
        if key not in known:
            yield f"{key}: is required to sign in by {method}"
