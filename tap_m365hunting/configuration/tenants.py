"""The tenants to read: where each tenant is, and how the tap signs in there.

A single tenant stands in `tenant_id`, many in `tenants` or in a file. Of all values only a tenant's
id is shown: others may be secrets.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from msgspec import Struct

from tap_m365hunting.configuration.cautions import (
    file_cautions,
    holds_secret,
    twice_cautions,
)
from tap_m365hunting.configuration.credentials import (
    AUTH_KEYS,
    WAY_KEYS,
    Credential,
    credential,
    credential_problems,
    token_file,
)
from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.configuration.files import json_from, text_from
from tap_m365hunting.configuration.settings import SETTINGS
from tap_m365hunting.configuration.validation import problems
from tap_m365hunting.wire.dialects import CLOUDS, DIALECTS, Dialect

#: Where the tenants may be named; the settings have one of these.
SOURCES: Final = ("tenant_id", "tenants", "tenants_file")

_CACHE: Final = "token_cache_path"
# A GUID or a domain; whatever else would change the path of the login's URL.
_TENANT_ID: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
# AD FS has endpoints of its own, which it names itself: the secret would go where they say.
_ADFS: Final = "adfs"


class Connection(Struct, frozen=True):
    """The place of the service, and the identity that asks."""

    dialect: Dialect
    url: str
    authority: str
    scope: str
    tenant_id: str
    credential: Credential
    timeout: timedelta
    workspace_id: str | None = None


class Tenant(Struct, frozen=True):
    """A tenant to read; `name` is for people."""

    connection: Connection
    name: str | None = None

    @property
    def tenant_id(self) -> str:
        """Its id, in lower case: however it is spelled, it is one tenant."""
        return self.connection.tenant_id


@dataclass(frozen=True, slots=True)
class ListedTenant:
    """A tenant as given, right or wrong; `place` says where, empty for a single tenant.

    `own` are the tenant's own settings, `signing_in` the keys for signing in, and `shared` the
    names of the settings for all tenants.
    """

    place: str
    own: Mapping[str, Any] = field(repr=False)
    signing_in: Mapping[str, Any] = field(repr=False)
    shared: frozenset[str]

    @classmethod
    def of(cls, place: str, own: Mapping[str, Any], given: Mapping[str, Any]) -> Self:
        """Put the tenant's own keys for signing in before those given for all tenants.

        A way to sign in is taken as a whole: with an own way the tenant shares only the
        `client_id`.
        """
        shared = AUTH_KEYS - WAY_KEYS if WAY_KEYS & own.keys() else AUTH_KEYS
        found = {key: given[key] for key in shared if key in given}
        if place and isinstance(found.get(_CACHE), str):
            found[_CACHE] = _cache_of(found[_CACHE], own.get("tenant_id"))
        found |= {key: own[key] for key in AUTH_KEYS if key in own}
        return cls(place, own, found, frozenset(given))

    @property
    def tenant_id(self) -> str | None:
        """The tenant's id, if given as text."""
        named = self.own.get("tenant_id")
        return named if isinstance(named, str) else None

    @property
    def cache(self) -> str | None:
        """The tenant's own file for a sign-in."""
        return self.own.get(_CACHE)

    @property
    def is_machine(self) -> bool:
        """Whether the tenant is read with an identity of the tap's own machine."""
        return "managed_identity" in self.signing_in

    @property
    def lines(self) -> Iterator[str]:
        """The problems of the tenant's id."""
        if self.tenant_id is None:
            return
        if not _TENANT_ID.fullmatch(self.tenant_id) or self.tenant_id.lower() == _ADFS:
            yield self.at("tenant_id: must be the directory's id, a GUID, or one of its domains")

    def at(self, line: str) -> str:
        """Return a line about a key of the tenant, with the place in front."""
        return f"{self.place}.{line}" if self.place else line

    def credential_lines(
        self, environment: Mapping[str, str], *, needed: bool
    ) -> Iterator[tuple[str, str]]:
        """Yield the problems of the way to sign in, each as a line here and a line for all tenants.

        The two are the same for a problem of the tenant alone.
        """
        alone = bool(WAY_KEYS & self.own.keys())
        for line in credential_problems(self.signing_in, environment, needed=needed):
            key = line.partition(":")[0]
            if alone or key in self.own:
                yield self.at(line), self.at(line)
            else:
                yield (line if key in self.shared else self.at(line)), line

    def parsed(self, filled: Mapping[str, Any], environment: Mapping[str, str]) -> Tenant:
        """Give types to a tenant without problems; `filled` are the settings with defaults."""
        dialect, cloud = DIALECTS[filled["api"]], CLOUDS[filled["cloud"]]
        endpoint = cloud.endpoints[dialect.name]
        connection = Connection(
            dialect=dialect,
            url=dialect.url(filled.get("api_url", endpoint.url)),
            authority=filled.get("authority_url", cloud.authority).rstrip("/"),
            scope=endpoint.scope,
            tenant_id=self.own["tenant_id"].lower(),
            credential=credential(self.signing_in, environment),
            timeout=timedelta(seconds=filled["request_timeout_seconds"]),
            workspace_id=self.own.get("workspace_id", filled.get("workspace_id")),
        )
        return Tenant(connection, self.own.get("name"))


class TenantList(Struct, frozen=True):
    """The tenants in the given order, and the problems of the list.

    `partitioned` marks a list, though perhaps a list of one; `oddities` are those of its file.
    """

    tenants: tuple[ListedTenant, ...]
    wrong: tuple[str, ...] = ()
    partitioned: bool = True
    oddities: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, given: Mapping[str, Any], *, read: Callable[[Path], str], needed: bool = True
    ) -> Self:
        """Find the tenants in settings without nulls; `read` reads a file.

        Unless `needed`, no tenant has to be given, and the file, perhaps with secrets, may be
        missing.
        """
        match [key for key in SOURCES if key in given]:
            case ["tenants"]:
                return cls._of(given["tenants"], "tenants", given)
            case ["tenants_file"]:
                return cls._of_file(given, read, needed=needed)
            case [_, second, *_] as sources:
                both = " and ".join(sources)
                return cls((), (f"{second}: {both} say which tenants are read; keep one",))
            case only:
                tenant = ListedTenant.of("", {key: given[key] for key in only}, given)
                missing = "tenant_id: is required, unless tenants or tenants_file lists the tenants"
                return cls((tenant,), (missing,) * (needed and not only), partitioned=False)

    def problems(self, environment: Mapping[str, str], *, needed: bool) -> Iterator[str]:
        """Yield every problem; a problem common to all tenants once."""
        yield from self.wrong
        for tenant in self.tenants:
            yield from tenant.lines
        yield from self._twice()
        yield from self._of_machine()
        found = [
            pair
            for tenant in self.tenants
            for pair in dict.fromkeys(tenant.credential_lines(environment, needed=needed))
        ]
        times = Counter(common for _, common in found)
        everybody = len(self.tenants)
        yield from dict.fromkeys(
            common if times[common] == everybody else own for own, common in found
        )

    def cautions(self, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield the oddities of the list's file, and of files with tokens."""
        yield from self.oddities
        files = (token_file(tenant.signing_in, environment) for tenant in self.tenants)
        for name in dict.fromkeys(filter(None, files)):
            shown = f"federated_token_file {shown_name(name)}"
            yield from file_cautions(shown, Path(name), holds="a token")

    def _twice(self) -> Iterator[str]:
        ids, caches = dict[str, str](), dict[str, str]()
        for tenant in self.tenants:
            named = tenant.tenant_id
            if named and (first := ids.setdefault(named.lower(), tenant.place)) != tenant.place:
                yield tenant.at(f"tenant_id: {named!r} is that of {first}, too, case aside")
            if (
                tenant.cache
                and (first := caches.setdefault(str(tenant.cache), tenant.place)) != tenant.place
            ):
                yield tenant.at(f"{_CACHE}: is that of {first}, too; each tenant needs its own")

    def _of_machine(self) -> Iterator[str]:
        """Name every tenant after the first to be read with the machine's identity."""
        first, *others = [t.place for t in self.tenants if t.is_machine] or [""]
        for place in others:
            yield (
                f"{place}.managed_identity: is this machine's, which is in one tenant, as {first} "
                "is; a token for another tenant needs another way to sign in"
            )

    @classmethod
    def _of(cls, entries: object, name: str, given: Mapping[str, Any]) -> Self:
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            return cls(())  # the check of the schema names it
        listed = tuple(
            ListedTenant.of(f"{name}[{number}]", _without_nulls(entry), given)
            for number, entry in enumerate(entries)
            if isinstance(entry, Mapping)
        )
        return cls(listed, () if entries else (f"{name}: lists no tenant",))

    @classmethod
    def _of_file(
        cls, given: Mapping[str, Any], read: Callable[[Path], str], *, needed: bool
    ) -> Self:
        name = given["tenants_file"]
        if not isinstance(name, str):
            return cls(())  # the check of the schema names it
        twice = list[str]()
        try:
            entries = json_from(text_from(partial(read, Path(name))), twice=twice.append)
        except ValueError as error:
            if isinstance(error.__cause__, FileNotFoundError) and not needed:
                return cls(())
            return cls((), (f"tenants_file: {shown_name(name)} {error}",))
        if not isinstance(entries, list):
            return cls((), (f"tenants_file: {shown_name(name)} must hold a list",))
        found = cls._of(entries, name, given)
        wrong = (f"{name}{line}" for line in problems(entries, SETTINGS["properties"]["tenants"]))
        holds = "a secret" if holds_secret({"tenants": entries}) else None
        oddities = (
            *twice_cautions(name, twice),
            *file_cautions(name, Path(name), holds=holds),
        )
        return cls(found.tenants, (*wrong, *found.wrong), oddities=oddities)


def _cache_of(shared: str, tenant_id: object) -> str:
    """Name a tenant's own file: a single file cannot keep the sign-ins of parallel tenants.

    >>> _cache_of("sign-ins.bin", "Contoso.example")
    'sign-ins-contoso.example.bin'
    """
    path = Path(shared)
    if not path.name or not isinstance(tenant_id, str) or not _TENANT_ID.fullmatch(tenant_id):
        return shared  # the file's name or the id is wrong, and named by the checks of either
    return str(path.with_name(f"{path.stem}-{tenant_id.lower()}{path.suffix}"))


def _without_nulls(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}
