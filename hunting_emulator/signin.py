"""The endpoints of Entra ID over a service: metadata, keys, tokens of applications and people."""

import base64
from datetime import timedelta
from typing import Any, Final

import msgspec

from hunting_emulator import login
from hunting_emulator.client_credentials import Evidence, LoginRefusedError
from hunting_emulator.devices import LIFETIME, Consent
from hunting_emulator.identity import person
from hunting_emulator.login import Form, Grant
from hunting_emulator.service import Service
from hunting_emulator.settings import IDENTITY_HEADER

PERSON: Final = "hunter@contoso.example"
"""The person who signs in on the other device."""

JsonObject = dict[str, Any]


class SignIn:
    """The answers of Entra ID; every method but the last takes the origin of the call."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._grants = {
            "client_credentials": self._of_application,
            "urn:ietf:params:oauth:grant-type:device_code": self._of_device,
            "refresh_token": self._renewed,
        }

    def discovery(self, origin: str, tenant: str) -> JsonObject:
        """Return a tenant's metadata."""
        return login.discovery(origin, login.tenant_named(self._service.settings, tenant))

    def keys(self, _: str, tenant: str) -> JsonObject:
        """Return the keys that sign tokens."""
        login.tenant_named(self._service.settings, tenant)
        return {"keys": [self._service.identity.jwk]}

    def token(self, origin: str, tenant: str, form: Form) -> JsonObject:
        """Return a token, by the grant that the form asks for."""
        login.tenant_named(self._service.settings, tenant)
        kind = login.required(form, "grant_type")
        grant = self._grants.get(kind)
        if grant is None:
            raise _unsupported(kind)
        return grant(origin, tenant, form)

    def device_code(self, origin: str, tenant: str, form: Form) -> JsonObject:
        """Begin a sign-in that a person finishes elsewhere."""
        asked = login.consent(self._service.settings, tenant, form)
        code, pending = self._service.devices.begin(asked, now=self._service.clock.now())
        place = f"{origin}/devicelogin"
        return {
            "user_code": pending.user_code,
            "device_code": code,
            "verification_uri": place,
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": self._service.settings.device_interval,
            "message": f"To sign in, use a web browser to open the page {place} and enter the "
            f"code {pending.user_code} to authenticate.",
        }

    def token_of_v1(self, origin: str, tenant: str, form: Form) -> JsonObject:
        """Return a token of an application, as the older endpoint does, which knows resources."""
        login.tenant_named(self._service.settings, tenant)
        kind = login.required(form, "grant_type")
        if kind != "client_credentials":
            raise _unsupported(kind)
        resource = login.required(form, "resource").rstrip("/")
        granted = self._granted(origin, tenant, resource, form)
        expires = int(self._service.clock.now().timestamp()) + self._service.settings.token_seconds
        texts = {name: str(value) for name, value in self._bearer(granted).items()}
        issued = str(expires - self._service.settings.token_seconds)
        return {**texts, "expires_on": str(expires), "not_before": issued, "resource": resource}

    def _of_application(self, origin: str, tenant: str, form: Form) -> JsonObject:
        login.required(form, "client_id")
        resource = login.resource_of(login.required(form, "scope"))
        return self._bearer(self._granted(origin, tenant, resource, form))

    def _granted(self, origin: str, tenant: str, resource: str, form: Form) -> Grant:
        service, base = self._service, f"{origin}/{tenant}"
        audiences = (f"{base}/oauth2/v2.0/token", f"{base}/v2.0", f"{base}/oauth2/token")
        evidence = Evidence(service.clock.now(), audiences, service.identity.public_key)
        return login.grant(service.settings, tenant, resource, form, evidence)

    def _of_device(self, origin: str, _: str, form: Form) -> JsonObject:
        code, now = login.required(form, "device_code"), self._service.clock.now()
        return self._of_person(origin, self._service.devices.redeem(code, now=now))

    def _renewed(self, origin: str, _: str, form: Form) -> JsonObject:
        token = login.required(form, "refresh_token")
        api = login.api_among(self._service.settings, form.get("scope", ""))
        return self._of_person(origin, self._service.devices.renew(token, api=api))

    def _of_person(self, origin: str, given: Consent) -> JsonObject:
        granted = login.consented(self._service.settings, given)
        whose = person(given.tenant_id, PERSON)
        info = msgspec.json.encode({"uid": whose, "utid": given.tenant_id})
        return {
            **self._bearer(granted, user=PERSON),
            "scope": " ".join(granted.application.scopes.get(given.api, ())),
            "refresh_token": self._service.devices.keep(given),
            "id_token": self._id_token(origin, given, whose),
            "client_info": base64.urlsafe_b64encode(info).decode().rstrip("="),
        }

    def _id_token(self, origin: str, given: Consent, whose: str) -> str:
        # Clients check its times against their own clock.
        issued = int(self._service.clock.real().timestamp())
        claims = {
            "aud": given.client_id,
            "iss": f"{origin}/{given.tenant_id}/v2.0",
            "iat": issued,
            "exp": issued + self._service.settings.token_seconds,
            "oid": whose,
            "sub": whose,
            "preferred_username": PERSON,
            "tid": given.tenant_id,
            "ver": "2.0",
        }
        return self._service.identity.signed(claims)

    def _bearer(self, granted: Grant, user: str | None = None) -> JsonObject:
        seconds = self._service.settings.token_seconds
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": self._signed(granted, user),
        }

    def managed(self, form: Form, header: str) -> JsonObject:
        """Return a token for the identity of the machine, in the form of App Service's endpoint."""
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

    def _signed(self, granted: Grant, user: str | None = None) -> str:
        service = self._service
        return service.identity.token(
            service.settings,
            granted.tenant.tenant_id,
            granted.application,
            granted.api,
            now=service.clock.now(),
            user=user,
            audience=granted.audience,
        )


def _unsupported(kind: str) -> LoginRefusedError:
    text = f"The app requested an unsupported grant type '{kind}'."
    return LoginRefusedError(400, "unsupported_grant_type", 70003, text)
