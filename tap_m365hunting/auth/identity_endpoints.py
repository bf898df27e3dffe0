"""Token endpoints of each kind of machine in Azure, as data. Pure.

The environment tells the kind. The protocols are Microsoft's:

- virtual machine: https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
- App Service, Functions, Container Apps: https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity
- Azure Arc: https://learn.microsoft.com/en-us/azure/azure-arc/servers/managed-identity-authentication
- Service Fabric: https://learn.microsoft.com/en-us/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
- Machine Learning: the App Service protocol of 2017, as in the Azure libraries
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from tap_m365hunting.configuration.credentials import ManagedIdentity
from tap_m365hunting.errors import AuthenticationError

#: Where the agent of Azure Arc listens, if no variable says so.
ARC_URL: Final = "http://localhost:40342/metadata/identity/oauth2/token"

_MACHINE: Final = "http://169.254.169.254"
_MACHINE_PATH: Final = "/metadata/identity/oauth2/token"
_HEADER_TEXT: Final = re.compile(r"[\x20-\x7e]*")
_THUMBPRINT: Final = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_NAMES: Final[Mapping[str, str]] = {
    "client_id": "client_id",
    "resource_id": "msi_res_id",
    "object_id": "object_id",
}


class IdentityEndpoint(Struct, frozen=True):
    """The URL and the form of a request for a token.

    `names` has the parameter for each kind of user-assigned identity; `thumbprint` belongs to the
    endpoint's certificate; `proves` means a request with the contents of a file as proof.
    """

    url: str
    version: str
    headers: Mapping[str, str]
    names: Mapping[str, str]
    thumbprint: str = ""
    proves: bool = False

    def parameters(self, resource: str, identity: ManagedIdentity) -> dict[str, str]:
        """Return the request's parameters."""
        named = {self.names[identity.kind]: identity.name} if identity.kind in self.names else {}
        return {"api-version": self.version, "resource": resource, **named}


def identity_endpoint(environment: Mapping[str, str], *, has_arc: bool) -> IdentityEndpoint:
    """Return this machine's endpoint; `has_arc` says that an agent of Azure Arc is installed.

    Raises:
        AuthenticationError: a variable has a wrong form; the value is not shown.
    """
    given = environment.keys()
    if {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"} <= given:
        return _service(environment)
    if {"MSI_ENDPOINT", "MSI_SECRET"} <= given:
        return IdentityEndpoint(
            _url(environment, "MSI_ENDPOINT"),
            "2017-09-01",
            {"secret": _header(environment, "MSI_SECRET")},
            {**_NAMES, "client_id": "clientid"},
        )
    if {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"} <= given:
        return _arc(_url(environment, "IDENTITY_ENDPOINT"))
    if has_arc:
        return _arc(ARC_URL)
    variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    host = _url(environment, variable) if variable in given else _MACHINE
    url = f"{host.rstrip('/')}{_MACHINE_PATH}"
    return IdentityEndpoint(url, "2018-02-01", {"Metadata": "true"}, _NAMES)


def header_text(name: str, value: str) -> str:
    """Return the text of a header, without the line ends that files put around a text.

    Raises:
        AuthenticationError: the text has characters that no header may hold.
    """
    text = value.strip()
    if not _HEADER_TEXT.fullmatch(text):
        msg = f"No managed identity: {name} holds a character that no header may hold"
        raise AuthenticationError(msg)
    return text


def _service(environment: Mapping[str, str]) -> IdentityEndpoint:
    """Return the endpoint of the hosting service: Service Fabric, or App Service."""
    url = _url(environment, "IDENTITY_ENDPOINT")
    header = _header(environment, "IDENTITY_HEADER")
    given = environment.get("IDENTITY_SERVER_THUMBPRINT")
    if given is None:
        names = {**_NAMES, "resource_id": "mi_res_id"}
        headers = {"X-IDENTITY-HEADER": header, "Metadata": "true"}
        return IdentityEndpoint(url, "2019-08-01", headers, names)
    thumbprint = "".join(char for char in given if char not in " \t\r\n:")
    if not url.startswith("https://") or not _THUMBPRINT.fullmatch(thumbprint):
        msg = (
            "No managed identity: under Service Fabric IDENTITY_ENDPOINT must be https://, and "
            "IDENTITY_SERVER_THUMBPRINT the SHA-1 thumbprint of its certificate"
        )
        raise AuthenticationError(msg)
    # the cluster's own settings say which identity it is
    return IdentityEndpoint(url, "2019-07-01-preview", {"Secret": header}, {}, thumbprint)


def _arc(url: str) -> IdentityEndpoint:
    return IdentityEndpoint(url, "2020-06-01", {"Metadata": "true"}, _NAMES, proves=True)


def _header(environment: Mapping[str, str], variable: str) -> str:
    return header_text(variable, environment[variable])


def _url(environment: Mapping[str, str], variable: str) -> str:
    url = environment[variable].strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in parts.netloc or not url.isascii() or not url.isprintable() or " " in url:
        msg = f"No managed identity: {variable} holds no address, which is http://HOST or https://HOST"
        raise AuthenticationError(msg)
    return url
