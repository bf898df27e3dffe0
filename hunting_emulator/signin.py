"""The endpoints of Entra ID over a service: metadata, keys, tokens for applications."""

from datetime import timedelta
from typing import Any

from hunting_emulator import login
from hunting_emulator.login import Form, Grant
from hunting_emulator.proofs import Evidence, LoginRefusedError
from hunting_emulator.service import Service
from hunting_emulator.settings import IDENTITY_HEADER

JsonObject = dict[str, Any]


class SignIn:
    """What Entra ID answers; every method but the last takes the origin that was called."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def discovery(self, origin: str, tenant: str) -> JsonObject:
        """Return a tenant's metadata."""
        return login.discovery(origin, login.tenant_named(self._service.settings, tenant))

    def keys(self, _: str, tenant: str) -> JsonObject:
        """Return the keys that sign tokens."""
        login.tenant_named(self._service.settings, tenant)
        return {"keys": [self._service.identity.jwk]}

    def token(self, origin: str, tenant: str, form: Form) -> JsonObject:
        """Return a token for an application that proved itself."""
        base = f"{origin}/{tenant}"
        audiences = (f"{base}/oauth2/v2.0/token", f"{base}/v2.0")
        service = self._service
        evidence = Evidence(service.clock.now(), audiences, service.identity.public_key)
        granted = login.grant(service.settings, tenant, form, evidence)
        seconds = service.settings.token_seconds
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": self._signed(granted),
        }

    def managed(self, form: Form, header: str) -> JsonObject:
        """Return a token for the identity of the machine, as App Service's endpoint gives it."""
        if header != IDENTITY_HEADER:
            text = "The X-IDENTITY-HEADER of the request is not that of this machine."
            raise LoginRefusedError(401, "invalid_client", 7000215, text)
        granted = login.managed(self._service.settings, form)
        expires = self._service.clock.real() + timedelta(
            seconds=self._service.settings.token_seconds
        )
        return {
            "access_token": self._signed(granted),
            "client_id": granted.application.client_id,
            "expires_on": str(int(expires.timestamp())),
            "resource": form["resource"],
            "token_type": "Bearer",
        }

    def _signed(self, granted: Grant) -> str:
        service = self._service
        return service.identity.token(
            service.settings,
            granted.tenant.tenant_id,
            granted.application,
            granted.api,
            now=service.clock.now(),
        )
