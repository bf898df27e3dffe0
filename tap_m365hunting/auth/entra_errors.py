"""Entra ID's error codes, and the remedy for each. Pure.

Most are on https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes. Others
are known from refusals alone: 700021, 700024, 70020, 7000229, 900023, and of federation 70021,
700211, 700212, 700213, 7002137, 7002138 (issues 340 and 1200 of
https://github.com/Azure/azure-workload-identity, 482 and 517 of https://github.com/Azure/login).
700023 is met with other words than on the page. Microsoft may change a code, so a code not listed
here is still shown in Entra ID's own words.
"""

from collections.abc import Mapping
from typing import Final

_TENANT: Final = "tenant_id names no tenant of this cloud: check it, and that cloud fits it"
_NO_APP: Final = "client_id names no app of this tenant: check both, and that consent was given"
_DISABLED: Final = "the app is disabled: enable it under Enterprise applications, Properties"
_CONSENT: Final = (
    "nobody has consented to the permission: App registrations, API permissions, Grant admin "
    "consent"
)
_NO_API: Final = (
    "the API is not in this tenant: check api and cloud; a tenant without Defender has no "
    "Microsoft Threat Protection"
)
_ASSERTION: Final = (
    "the app does not know this certificate: upload it under Certificates & secrets, and check "
    "that certificate_path holds the same one"
)
_SUBJECT: Final = (
    "issuer, subject and audience of a federated credential of the app must be exactly those of "
    "the token, upper and lower case, too"
)
_AUDIENCE: Final = (
    "it is for another place: a federated token's audience must be api://AzureADTokenExchange (US "
    "government: api://AzureADTokenExchangeUSGov), a certificate's needs the right authority_url"
)
_NAME_AND_ISSUER: Final = (
    "certificate_path's subject name or issuer is not one that the app trusts: register the "
    "certificate, or the name with its issuer"
)
_TIME: Final = (
    "it was signed for another time: set this machine's clock, or have a federated token renewed"
)
_PERSON: Final = "that person is not in this tenant: sign in as another, or invite them"
_AGAIN: Final = "the sign-in is over: run `m365hunting check` at a terminal and sign in again"
_MFA: Final = "the tenant asks for a second factor: sign in again, with it"
_POLICY: Final = (
    "a Conditional Access policy refuses it: exclude the app or the place, or meet the policy; "
    "Entra's sign-in logs name the policy"
)
_ACCOUNT: Final = "the person's account is locked, disabled or without a good password"
_LATE: Final = "nobody entered the code in time: run again"
_PUBLIC: Final = "App registrations, Authentication: allow public client flows, for device_code"

#: The remedy, by error code.
WAYS_OUT: Final[Mapping[int, str]] = {
    # the tenant
    50059: _TENANT,
    50128: _TENANT,
    90002: _TENANT,
    90019: _TENANT,
    90038: "the tenant is in another cloud: set cloud",
    900023: "tenant_id must be the tenant's id (a GUID) or one of its domains",
    900382: "the app is in another cloud: set cloud",
    50020: _PERSON,
    50034: _PERSON,
    51004: _PERSON,
    90072: _PERSON,
    500021: "a proxy lets nobody into this tenant: see its tenant restrictions",
    500022: "a proxy lets nobody into this tenant: see its tenant restrictions",
    # the app
    700011: _NO_APP,
    700016: _NO_APP,
    7000229: _NO_APP,
    70001: _DISABLED,
    7000112: _DISABLED,
    1000031: _DISABLED,
    50194: "the app belongs to another tenant and is not multi-tenant: check tenant_id",
    90013: "check tenant_id and client_id: one of them has a wrong form",
    90023: "check tenant_id and client_id: one of them has a wrong form",
    # the proof
    70002: "client_secret is not the app's: make a new one under Certificates & secrets",
    7000215: "client_secret must be the secret's value, not its id",
    7000222: "the client secret has expired: make a new one for the app registration",
    7000218: _PUBLIC,
    700025: "the app is a public client: remove client_secret or certificate_path",
    50012: _NAME_AND_ISSUER,
    50017: _NAME_AND_ISSUER,
    700030: _NAME_AND_ISSUER,
    700027: _ASSERTION,
    700021: "the token or certificate is of another app: check client_id",
    700023: _AUDIENCE,
    700212: _AUDIENCE,
    700024: _TIME,
    500133: _TIME,
    50013: "the token is damaged or expired: check what writes federated_token_file",
    50027: "what lies in federated_token_file is no token (JWT)",
    50146: "the app wants a signing key of its own: see its owner",
    70021: _SUBJECT,
    700211: _SUBJECT,
    700213: _SUBJECT,
    7002137: _SUBJECT,
    7002138: _SUBJECT,
    700229: "a person's token lies in federated_token_file: it must be a workload's",
    # the permission
    65001: _CONSENT,
    90008: _CONSENT,
    90094: _CONSENT,
    90095: _CONSENT,
    90099: _CONSENT,
    650056: _CONSENT,
    650057: "the app has no permission of this API: add it under API permissions",
    50105: "the person is not assigned to the app: Enterprise applications, Users and groups",
    50001: _NO_API,
    500011: _NO_API,
    650052: _NO_API,
    650054: _NO_API,
    70011: "the scope is not one of this API: check api, cloud and authority_url",
    # the person
    65004: "the person said no: run again, and consent",
    70016: _LATE,
    70019: _LATE,
    70020: _LATE,
    90120: "the code was used or refused already: run again",
    50053: _ACCOUNT,
    50055: _ACCOUNT,
    50057: _ACCOUNT,
    50126: _ACCOUNT,
    50072: _MFA,
    50074: _MFA,
    50076: _MFA,
    50078: _MFA,
    50079: _MFA,
    50158: _MFA,
    50173: _AGAIN,
    50132: _AGAIN,
    50133: _AGAIN,
    70000: _AGAIN,
    70008: _AGAIN,
    70043: _AGAIN,
    700082: _AGAIN,
    # policies
    50005: _POLICY,
    50097: _POLICY,
    50131: _POLICY,
    53000: _POLICY,
    53001: _POLICY,
    53002: _POLICY,
    53003: _POLICY,
    53004: _POLICY,
    53011: _POLICY,
    530032: _POLICY,
    530034: _POLICY,
    530035: _POLICY,
}

#: Failures of Entra ID itself, which pass: another try may do.
TRANSIENT: Final = frozenset(
    {50033, 50087, 50088, 50196, 90006, 90012, 90024, 90033, 90055, 90090, 90091}
)
