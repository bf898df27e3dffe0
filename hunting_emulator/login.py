"""Entra ID's token endpoints: grants, and refusals in the words of Entra ID."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from hunting_emulator.client_credentials import Evidence, LoginRefusedError, prove
from hunting_emulator.devices import Consent
from hunting_emulator.settings import ApiName, Application, Settings, Tenant

JsonObject = dict[str, Any]
_OPENID: Final = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True, slots=True)
class Grant:
    """The tenant, the application, the API and the audience of a token."""

    tenant: Tenant
    application: Application
    api: ApiName
    audience: str | None = None


Form = Mapping[str, str]


def tenant_named(settings: Settings, tenant_id: str) -> Tenant:
    """Return the tenant; for an unknown one Entra ID refuses even discovery."""
    tenant = settings.tenant(tenant_id)
    if tenant is None:
        text = (
            f"Tenant '{tenant_id}' not found. Check to make sure you have the correct tenant ID "
            "and are signing into the correct cloud. Check with your subscription administrator, "
            "this may happen if there are no active subscriptions for the tenant."
        )
        raise LoginRefusedError(400, "invalid_request", 90002, text)
    return tenant


def with_basic(form: Form, authorization: str) -> Form:
    """Add id and secret from HTTP Basic, the other place that OAuth has for both."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return form
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return form
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret), **form}


def grant(
    settings: Settings, tenant_id: str, resource: str, form: Form, evidence: Evidence
) -> Grant:
    """Check an application's request for a token, and return the grant.

    Raises:
        LoginRefusedError: with the status, code and text of Entra ID.
    """
    tenant = tenant_named(settings, tenant_id)
    application = _application(tenant, required(form, "client_id"))
    prove(application, form, evidence)
    return Grant(tenant, application, _api(settings, resource), resource)


def consent(settings: Settings, tenant_id: str, form: Form) -> Consent:
    """Return the consent that a person is to be asked for.

    Raises:
        LoginRefusedError: no such tenant, application or resource.
    """
    tenant = tenant_named(settings, tenant_id)
    application = _application(tenant, required(form, "client_id"))
    scope = required(form, "scope")
    api = api_among(settings, scope) or _api(settings, resource_of(scope))
    return Consent(tenant.tenant_id, application.client_id, api)


def consented(settings: Settings, given: Consent) -> Grant:
    """Return the grant of a person's consent.

    Raises:
        LoginRefusedError: tenant or application are no more.
    """
    tenant = tenant_named(settings, given.tenant_id)
    return Grant(tenant, _application(tenant, given.client_id), given.api)


def api_among(settings: Settings, scopes: str) -> ApiName | None:
    """Return the API whose scope is asked for; `openid` and the like are of none."""
    asked = (scope.rpartition("/")[0] for scope in scopes.split())
    return next((api for resource in asked if (api := settings.api_of(resource))), None)


def required(form: Form, name: str) -> str:
    """Return a field that has to be there."""
    value = form.get(name, "")
    if not value:
        text = f"The request body must contain the following parameter: '{name}'."
        raise LoginRefusedError(400, "invalid_request", 900144, text)
    return value


def _application(tenant: Tenant, client_id: str) -> Application:
    application = tenant.application(client_id)
    if application is None:
        text = (
            f"Application with identifier '{client_id}' was not found in the directory "
            f"'{tenant.tenant_id}'. This can happen if the application has not been installed by "
            "the administrator of the tenant or consented to by any user in the tenant. You may "
            "have sent your authentication request to the wrong tenant."
        )
        raise LoginRefusedError(400, "unauthorized_client", 700016, text)
    return application


def managed(settings: Settings, query: Form) -> Grant:
    """Return the grant of a managed identity, whose only proof is the machine.

    Raises:
        LoginRefusedError: no such identity, or no such resource.
    """
    tenant = settings.tenants[0]
    client_id = query.get("client_id", tenant.applications[0].client_id)
    resource = required(query, "resource").rstrip("/")
    return Grant(tenant, _application(tenant, client_id), _api(settings, resource), resource)


def resource_of(scopes: str) -> str:
    """Return the resource whose default scope is asked for, beside those of OpenID Connect.

    Raises:
        LoginRefusedError: there is no such scope, or more than one.

    >>> resource_of("offline_access https://graph.microsoft.com/.default")
    'https://graph.microsoft.com'
    """
    scope = " ".join(asked for asked in scopes.split() if asked not in _OPENID)
    resource, dot, rest = scope.partition("/.default")
    if not dot or rest:
        text = (
            "The provided request must include a 'scope' input parameter. The provided value for "
            f"the input parameter 'scope' is not valid. The scope {scope} is not valid. "
            "The scope format is invalid. Scope must be in a valid URI form "
            "<https://example/scope> or a valid Guid <guid/scope>."
        )
        raise LoginRefusedError(400, "invalid_scope", 70011, text)
    return resource.rstrip("/")


def _api(settings: Settings, resource: str) -> ApiName:
    api = settings.api_of(resource)
    if api is None:
        text = (
            f"The resource principal named {resource} was not found in the tenant. This can "
            "happen if the application has not been installed by the administrator of the tenant "
            "or consented to by any user in the tenant. You might have sent your authentication "
            "request to the wrong tenant."
        )
        raise LoginRefusedError(400, "invalid_resource", 500011, text)
    return api


def discovery(login_url: str, tenant: Tenant) -> JsonObject:
    """Return the OpenID Connect metadata of a tenant."""
    base = f"{login_url}/{tenant.tenant_id}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
    }
