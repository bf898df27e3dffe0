"""The values of columns of accounts and cloud apps: sign-ins, identities, behaviors, audit.

Pure. The values are those that Microsoft's documentation lists for the columns.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    DISPLAY_NAME,
    NETBIOS,
    OBJECT_ID,
    TENANT_ID,
    UPN,
    as_text,
    chance,
    dynamic,
    either,
    guid,
    number,
    one_of,
)

_NONE: Final = "''"
_PRINCIPAL: Final = number("principal", 12)


def _code(salt: str, *values: str) -> str:
    return f"CAST({one_of(salt, *values)} AS INTEGER)"


_SIGN_IN: Final = {
    "ApplicationId": one_of(
        "app",
        "4765445b-32c6-49b0-83e6-1d93765276ca",
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "00000002-0000-0ff1-ce00-000000000000",
        "00000002-0000-0000-c000-000000000000",
    ),
    "CorrelationId": guid("'correlation' || k"),
    "ErrorCode": _code("error", *["0"] * 9, "50126", "50126", "50074", "50053", "53003"),
    "ResourceId": guid("'resource'"),
    "ResourceTenantId": f"'{TENANT_ID}'",
}
_POLICIES: Final = f"""json_array(json_object('id', {guid("'ca'")}, 'displayName', 'Require MFA',
  'result', {one_of("policy", "success", "success", "notApplied", "failure")}))"""
_PERSON: Final = {
    **_SIGN_IN,
    "LogonType": either("silent", 400, """'["nonInteractiveUser"]'""", """'["interactiveUser"]'"""),
    "SessionId": guid("'session' || u || '-' || k // 5"),
    "AadDeviceId": either("known", 600, guid("'device' || d"), _NONE),
    "EntraIdDeviceId": either("known", 600, guid("'device' || d"), _NONE),
    "DeviceTrustType": either(
        "known", 600, one_of("trust", "Azure AD joined", "Hybrid Azure AD joined"), "''"
    ),
    "AuthenticationRequirement": one_of(
        "factors", "singleFactorAuthentication", "multiFactorAuthentication"
    ),
    "ClientAppUsed": one_of(
        "client", *["Browser"] * 4, *["Mobile Apps and Desktop clients"] * 3, "IMAP4", "POP3"
    ),
    "RiskLevelAggregated": _code("risk", *["0"] * 30, "1", "10", "50"),
    "RiskState": _code("risk", *["0"] * 30, "4", "4", "4"),
    "IsManaged": _code("known", "1", "0"),
    "IsCompliant": _code("complies", "1", "0"),
    "IsGuestUser": chance("guest", 60),
    "ConditionalAccessStatus": _code("policy", "0", "0", "2", "1"),
    "ConditionalAccessPolicies": as_text(_POLICIES),
    "RequestId": guid("'request' || k"),
}
_SERVICE: Final = {
    **_SIGN_IN,
    "ServicePrincipalName": f"'Backup ' || {_PRINCIPAL}",
    "ServicePrincipalId": guid(f"'principal' || {_PRINCIPAL}"),
}
_BEHAVIOR: Final = {
    "BehaviorId": "'bc' || (k * 7919)",
    "Categories": one_of("kind", '["Exfiltration"]', '["Collection"]', '["InitialAccess"]'),
    "ServiceSource": one_of("by", "Microsoft Cloud App Security", "Microsoft Defender for Cloud"),
    "DetectionSource": one_of("by", "Custom detection", "Microsoft Cloud App Security"),
    "ActionType": one_of(
        "kind", "MassDownload", "UnusualAdditionOfCredentials", "ImpossibleTravel"
    ),
}

CLOUD: Final[Mapping[str, Mapping[str, str]]] = {
    "AADSignInEventsBeta": _PERSON,
    "EntraIdSignInEvents": _PERSON,
    "AADSpnSignInEventsBeta": _SERVICE,
    "EntraIdSpnSignInEvents": _SERVICE,
    "BehaviorInfo": {
        **_BEHAVIOR,
        "Title": one_of("kind", "Mass download", "Added credentials", "Impossible travel"),
        "AttackTechniques": one_of("kind", '["T1530"]', '["T1098"]', '["T1078"]'),
    },
    "BehaviorEntities": {**_BEHAVIOR, "EntityType": one_of("entity", "User", "CloudApplication")},
    "CloudAppEvents": {
        "AccountId": OBJECT_ID,
        "AccountType": either("admin", 40, "'Admin'", "'Regular'"),
        "ActivityType": one_of("action", "View", "Download", "Basic", "Login"),
        "DeviceType": one_of("device", "Desktop", "Desktop", "Mobile"),
        "ObjectId": "'https://contoso.sharepoint.com/sites/plans/' || k",
        "ObjectName": one_of("file", "Budget.xlsx", "plan, final.docx", "a b.pdf"),
        "ObjectType": one_of("action", "File", "File", "Email", "Account"),
        "OAuthAppId": either("app", 50, guid(f"'app' || {number('oauth', 60)}"), _NONE),
    },
    "CloudAuditEvents": {
        "DataSource": one_of("source", "Azure Audit Logs", "AWS CloudTrail", "GCP Audit Logs"),
        "ActionType": one_of("how", "Write", "Delete", "Action"),
        "OperationName": one_of(
            "how",
            "Microsoft.Compute/virtualMachines/write",
            "Microsoft.KeyVault/vaults/delete",
            "Microsoft.Compute/virtualMachines/runCommand/action",
        ),
        "RawEventData": dynamic(f"json_object('caller', {UPN}, 'status', 'Succeeded')"),
    },
    "GraphAPIAuditEvents": {
        "ApplicationId": guid(f"'app' || {number('oauth', 60)}"),
        "ServicePrincipalId": guid(f"'principal' || {_PRINCIPAL}"),
        "EntityType": one_of("entity", "app", "app", "user"),
        "RequestMethod": one_of("verb", "GET", "GET", "GET", "POST", "PATCH", "DELETE"),
        "RequestUri": "'https://graph.microsoft.com/v1.0/' || "
        + one_of("path", "users", "groups", "me/messages", "servicePrincipals", "applications"),
        "ResponseStatusCode": one_of("status", "200", "200", "200", "403", "404", "429"),
        "Scopes": one_of("scope", "Directory.Read.All", "Mail.ReadWrite", "User.Read"),
        "TargetWorkload": one_of("path", "Microsoft.DirectoryServices", "Microsoft.Exchange"),
    },
    "IdentityAccountInfo": {
        "AccountStatus": either("disabled", 30, "'Disabled'", "'Enabled'"),
        "DisplayName": DISPLAY_NAME,
        "SourceProvider": one_of("provider", "AzureActiveDirectory", "ActiveDirectory"),
        "Tags": dynamic(either("tagged", 100, "json_array('Sensitive')", "json_array()")),
    },
    "IdentityInfo": {
        "BlastRadius": one_of("radius", "Low", "Low", "Medium", "High"),
        "DistinguishedName": f"'CN=' || {DISPLAY_NAME} || ',OU=People,DC={NETBIOS},DC=com'",
        "EmployeeId": "CAST(40000 + u AS VARCHAR)",
        "IdentityEnvironment": one_of("home", "Hybrid", "Cloud", "On-premises"),
        "OnPremObjectId": guid("'onprem' || u"),
        "PrivilegedEntraPimRoles": dynamic(
            either("pim", 30, "json_array('Security Administrator')", "json_array()")
        ),
        "RiskLevel": one_of("risk", *["None"] * 9, "Low", "Medium", "High"),
        "RiskStatus": one_of("risk", *["None"] * 9, *["AtRisk"] * 3),
        "UserAccountControl": either("forever", 100, """'["PasswordNeverExpires"]'""", "'[]'"),
    },
    "OAuthAppInfo": {
        "OAuthAppId": guid(f"'app' || {number('app', 60)}"),
        "ServicePrincipalId": guid(f"'principal' || {number('app', 60)}"),
        "AppOwnerTenantId": one_of(
            "origin", TENANT_ID, *["f8cdef31-a31e-4b4a-93e4-5f571e91255a"] * 2
        ),
        "VerifiedPublisher": dynamic(
            either("verified", 500, "json_object('displayName', 'Fabrikam')", "json_object()")
        ),
    },
}
