"""Access tokens: signed as by Entra ID, checked as by the APIs."""

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from hunting_emulator.client_credentials import FEDERATED_AUDIENCE
from hunting_emulator.settings import ROLES, SCOPES, ApiName, Application, Settings

_WORKLOAD_SECONDS: Final = 3600
# The Defender API takes tokens for the older resource, too, whose application has both permissions.
_TAKEN: Final[Mapping[ApiName, tuple[ApiName, ...]]] = MappingProxyType(
    {"graph": ("graph",), "defender": ("defender", "endpoint"), "endpoint": ("endpoint",)}
)
_GIVEN: Final[Mapping[ApiName, tuple[ApiName, ...]]] = MappingProxyType(
    {"graph": ("graph",), "defender": ("defender",), "endpoint": ("endpoint", "defender")}
)
_UNIQUE: Final = UUID("8b2f3a64-53a5-4b0c-9d3e-6f1f4d7a1c55")


class TokenRefusedError(Exception):
    """The API refuses the token (401). The text is the API's own.

    `claims` are those that a new token has to meet, as JSON, if the API asks for any.
    """

    def __init__(self, text: str, claims: str = "") -> None:
        super().__init__(text)
        self.claims = claims


class RoleMissingError(Exception):
    """The token is good but lacks a permission (403). `kind`: role or scope; `required`, `held`."""

    def __init__(self, kind: str, required: str, held: tuple[str, ...]) -> None:
        super().__init__(required)
        self.kind = kind
        self.required = required
        self.held = held


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant, the application and the id that a token names."""

    tenant_id: str
    client_id: str
    token_id: str


def person(tenant_id: str, name: str) -> str:
    """Return the object id of a user or a service principal: always the same for its name."""
    return str(uuid5(_UNIQUE, f"{tenant_id}/{name}"))


class Identity:
    """Signs and checks tokens, with one RSA key for the life of the emulator."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        thumbprint = hashlib.sha256(str(public["n"]).encode()).digest()[:20]
        kid = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
        self.jwk: Mapping[str, Any] = {**public, "kid": kid, "x5t": kid, "use": "sig"}
        self._kid = kid
        self._lock = threading.Lock()
        self._serial = 0
        self._first_good = 0
        self._revoked: set[str] = set()

    def token(
        self,
        settings: Settings,
        tenant_id: str,
        application: Application,
        api: ApiName,
        *,
        now: datetime,
        user: str | None = None,
        audience: str | None = None,
    ) -> str:
        """Return a signed token for an API: of the application, or of a user signed in there.

        `audience` is the name of the resource in the request.
        """
        issued = int(now.timestamp())
        claims = {
            **_granted(tenant_id, application, api, user),
            "aud": audience or settings.audiences[api],
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": issued,
            "nbf": issued,
            "exp": issued + settings.token_seconds,
            "appid": application.client_id,
            "appidacr": "1",
            "tid": tenant_id,
            "uti": self._next_id(),
            "ver": "1.0",
        }
        return self.signed(claims)

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Return a token of these claims."""
        headers = {"kid": self._kid, "x5t": self._kid}
        return jwt.encode(dict(claims), self._key, algorithm="RS256", headers=headers)

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """The key that every token is checked with."""
        return self._key.public_key()

    def workload_token(self, subject: str, issuer: str, *, real_now: datetime) -> str:
        """Return a token as a cluster or a pipeline gives its workloads, to be exchanged."""
        issued = int(real_now.timestamp())
        claims = {
            "iss": issuer,
            "sub": subject,
            "aud": FEDERATED_AUDIENCE,
            "iat": issued,
            "nbf": issued,
            "exp": issued + _WORKLOAD_SECONDS,
        }
        # no thumbprint: that would say that a certificate of the application signed it
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._kid})

    def caller(
        self, settings: Settings, api: ApiName, authorization: str, *, now: datetime
    ) -> Caller:
        """Return the caller that the header names.

        Raises:
            TokenRefusedError: no token, or one for another API, outdated or revoked.
            RoleMissingError: the token lacks the role that the API requires.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            msg = "Access token is empty."
            raise TokenRefusedError(msg)
        claims = self._claims(token.strip())
        self._refuse_if_stale(claims, now)
        if settings.api_of(str(claims.get("aud"))) not in _TAKEN[api]:
            msg = "Access token validation failure. Invalid audience."
            raise TokenRefusedError(msg)
        self._refuse_stranger(settings, claims)
        _refuse_unless_granted(api, claims)
        return Caller(claims["tid"], claims["appid"], claims["uti"])

    def revoke(self, token_id: str) -> None:
        """Take back one token."""
        with self._lock:
            self._revoked.add(token_id)

    def revoke_all(self) -> None:
        """Take back every token issued so far."""
        with self._lock:
            self._first_good = self._serial

    def reset(self) -> None:
        """Forget all revocations."""
        with self._lock:
            self._first_good = 0
            self._revoked.clear()

    def _next_id(self) -> str:
        with self._lock:
            self._serial += 1
            return base64.urlsafe_b64encode(f"{self._serial:016d}".encode()).decode().rstrip("=")

    def _claims(self, token: str) -> dict[str, Any]:
        if token.count(".") != 2:  # noqa: PLR2004 -- header, claims, signature
            msg = "IDX14100: JWT is not well formed, there are no dots (.)."
            raise TokenRefusedError(msg)
        # Times are checked against the emulator's clock, the audience per API.
        checks = {
            "require": ["exp", "tid", "appid", "uti"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_aud": False,
        }
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                options=checks,  # type: ignore[arg-type]
            )
        except jwt.InvalidTokenError as error:
            msg = "Access token validation failure. Invalid signature."
            raise TokenRefusedError(msg) from error
        return claims

    def _refuse_if_stale(self, claims: Mapping[str, Any], now: datetime) -> None:
        if claims["exp"] <= now.timestamp():
            msg = "Lifetime validation failed, the token is expired."
            raise TokenRefusedError(msg)
        if self._is_revoked(str(claims["uti"])):
            msg = (
                "Continuous access evaluation resulted in challenge with result: "
                "InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp"
            )
            since = {"nbf": {"essential": True, "value": str(int(now.timestamp()))}}
            raise TokenRefusedError(msg, json.dumps({"access_token": since}))

    def _is_revoked(self, token_id: str) -> bool:
        serial = int(base64.urlsafe_b64decode(token_id + "=" * (-len(token_id) % 4)))
        with self._lock:
            return serial <= self._first_good or token_id in self._revoked

    @staticmethod
    def _refuse_stranger(settings: Settings, claims: Mapping[str, Any]) -> None:
        tenant = settings.tenant(claims["tid"])
        if tenant is None or tenant.application(claims["appid"]) is None:
            msg = "Access token validation failure. Invalid tenant or application."
            raise TokenRefusedError(msg)


def _granted(
    tenant_id: str, application: Application, api: ApiName, user: str | None
) -> dict[str, Any]:
    held = application.roles if user is None else application.scopes
    permissions = [permission for given in _GIVEN[api] for permission in held.get(given, ())]
    if user is None:
        oid = person(tenant_id, application.client_id)
        return {"idtyp": "app", "oid": oid, "roles": permissions}
    oid = person(tenant_id, user)
    return {"idtyp": "user", "oid": oid, "upn": user, "scp": " ".join(permissions)}


def _refuse_unless_granted(api: ApiName, claims: Mapping[str, Any]) -> None:
    if "scp" in claims:
        kind, required, held = "scopes", SCOPES[api], tuple(claims["scp"].split())
    else:
        kind, required, held = "roles", ROLES[api], tuple(claims.get("roles", ()))
    if required not in held:
        raise RoleMissingError(kind, required, held)
