"""The values of the columns of Sentinel's tables from Entra ID: sign-ins and the audit log.

Pure.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    DEVICE_NAME,
    DISPLAY_NAME,
    OBJECT_ID,
    PUBLIC_IP,
    TENANT_ID,
    UPN,
    as_text,
    chance,
    city,
    dynamic,
    either,
    guid,
    hexadecimal,
    moment,
    number,
    one_of,
)

_TIME: Final = moment("t")

# Codes of Entra ID, with the words that its logs have for them.
_RESULT: Final = {
    "ResultType": one_of(
        "result", *["0"] * 11, "50126", "50126", "50053", "50074", "50076", "53003", "70044"
    ),
    "ResultDescription": one_of(
        "result",
        *[""] * 11,
        "Invalid username or password or Invalid on-premise username or password.",
        "Invalid username or password or Invalid on-premise username or password.",
        "Account is locked because user tried to sign in too many times.",
        "Strong Authentication is required.",
        "Due to a configuration change made by your administrator, you must use multi-factor "
        "authentication.",
        "Access has been blocked by Conditional Access policies.",
        "The session has expired or is invalid due to sign-in frequency checks.",
    ),
    "ResultSignature": "'None'",
}
_APPLICATION: Final = {
    "AppDisplayName": one_of(
        "app",
        "Azure Portal",
        "Office 365 Exchange Online",
        "Microsoft Teams",
        "Microsoft Azure CLI",
        "Microsoft Azure PowerShell",
        "Microsoft Authentication Broker",
        "One Outlook Web",
    ),
    "AppId": one_of(
        "app",
        "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "00000002-0000-0ff1-ce00-000000000000",
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "1950a258-227b-4e31-a9cf-717495945fc2",
        "29d9ed98-a469-4536-ade2-f981bc1d605e",
        "9199bf20-a13f-4107-85dc-02114787ef48",
    ),
    "ResourceDisplayName": one_of(
        "resource",
        "Microsoft Graph",
        "Office 365 Exchange Online",
        "Windows Azure Service Management API",
    ),
}
_POLICIES: Final = f"""json_array(json_object('id', {guid("'ca'")}, 'displayName', 'Require MFA',
  'enforcedGrantControls', json_array('Mfa'), 'result',
  {one_of("policy", "success", "success", "notApplied", "failure")}))"""
_DEVICE: Final = f"""json_object('deviceId', {guid("'device' || d")}, 'displayName', {DEVICE_NAME},
  'operatingSystem', {one_of("os", "Windows10", "Windows10", "MacOs", "Ios 18.1", "Android")},
  'browser', {one_of("browser", "Edge 131.0.0", "Chrome 130.0.0", "Mobile Safari 18.1", "")},
  'isCompliant', {chance("compliant", 700)}, 'isManaged', {chance("managed", 800)},
  'trustType', {one_of("trust", "Azure AD joined", "Hybrid Azure AD joined", "")})"""
_PLACE: Final = f"""json_object('city', {city(0)}, 'state', {city(1)}, 'countryOrRegion', {city(2)},
  'geoCoordinates', json_object('latitude', CAST({city(3)} AS DOUBLE),
    'longitude', CAST({city(4)} AS DOUBLE)))"""
_STATUS: Final = f"""json_object('errorCode', CAST({_RESULT["ResultType"]} AS INTEGER),
  'failureReason', {_RESULT["ResultDescription"]},
  'additionalDetails', 'MFA requirement satisfied by claim in the token')"""
_STEPS: Final = f"""json_array(json_object('authenticationMethod',
  {one_of("method", "Password", "Passwordless phone sign-in", "Previously satisfied")},
  'succeeded', {_RESULT["ResultType"]} = '0', 'authenticationStepResultDetail', ''))"""

_PRINCIPAL: Final = {
    **_RESULT,
    "SourceSystem": "'Azure AD'",
    "OperationName": "'Sign-in activity'",
    "OperationVersion": "'1.0'",
    "Level": "'4'",
    "Id": guid("'signin' || k"),
    "CorrelationId": guid("'correlation' || k"),
    "UniqueTokenIdentifier": hexadecimal("'token' || k", 22),
    "CreatedDateTime": _TIME,
    "DurationMs": number("ms", 900),
    "Location": city(2),
    "AADTenantId": f"'{TENANT_ID}'",
    "ConditionalAccessStatus": one_of("policy", "success", "success", "notApplied", "failure"),
    "AutonomousSystemNumber": one_of("isp", "3301", "1136", "3303", "8075"),
}
_PERSON: Final = {
    **_PRINCIPAL,
    **_APPLICATION,
    "Identity": DISPLAY_NAME,
    "UserDisplayName": DISPLAY_NAME,
    "UserId": OBJECT_ID,
    "UserPrincipalName": UPN,
    "UserType": either("guest", 60, "'Guest'", "'Member'"),
    "ClientAppUsed": one_of(
        "client",
        *["Browser"] * 6,
        *["Mobile Apps and Desktop clients"] * 5,
        "IMAP4",
        "Authenticated SMTP",
        "Exchange ActiveSync",
    ),
    "AuthenticationRequirement": one_of(
        "factors", "singleFactorAuthentication", "multiFactorAuthentication"
    ),
    "AuthenticationProtocol": either("protocol", 20, "'deviceCode'", "'none'"),
    "RiskLevelDuringSignIn": one_of("risk", *["none"] * 30, "low", "medium", "high"),
    "RiskLevelAggregated": one_of("risk", *["none"] * 30, "low", "medium", "high"),
    "RiskState": one_of("risk", *["none"] * 30, "atRisk", "atRisk", "atRisk"),
    "RiskDetail": "'none'",
    "RiskEventTypes_V2": one_of(
        "risk",
        *["[]"] * 30,
        '["unfamiliarFeatures"]',
        '["anonymizedIPAddress"]',
        '["unlikelyTravel"]',
    ),
    "TokenIssuerType": "'AzureAD'",
    "HomeTenantId": f"'{TENANT_ID}'",
    "ResourceTenantId": f"'{TENANT_ID}'",
}
_AUDIT: Final = one_of(
    "audit",
    "Update user",
    "Add member to group",
    "Add member to role",
    "Reset user password",
    "Consent to application",
    "Add service principal credentials",
    "User registered security info",
    "Update conditional access policy",
)
_AUDIT_ID: Final = guid("'audit' || k")
_CATEGORY: Final = one_of(
    "audit",
    "UserManagement",
    "GroupManagement",
    "RoleManagement",
    "UserManagement",
    "ApplicationManagement",
    "ApplicationManagement",
    "UserManagement",
    "Policy",
)
_TARGETS: Final = f"""json_array(json_object('id', {guid("'user' || (u + 1)")}, 'displayName',
  {DISPLAY_NAME}, 'type', 'User', 'userPrincipalName', {UPN}, 'modifiedProperties', json_array(
    json_object('displayName', 'Role.DisplayName', 'oldValue', NULL, 'newValue',
      {one_of("role", '"Global Administrator"', '"Security Reader"', '"User Administrator"')}))))"""
_INITIATOR: Final = f"""json_object('user', json_object('id', {OBJECT_ID}, 'displayName', NULL,
  'userPrincipalName', {UPN}, 'ipAddress', {PUBLIC_IP}, 'roles', json_array()))"""

ENTRA: Final[Mapping[str, Mapping[str, str]]] = {
    "SigninLogs": {
        **_PERSON,
        "Category": "'SignInLogs'",
        "IsInteractive": "true",
        "AuthenticationDetails": as_text(_STEPS),
        "ConditionalAccessPolicies": dynamic(_POLICIES),
        "DeviceDetail": dynamic(_DEVICE),
        "LocationDetails": dynamic(_PLACE),
        "Status": dynamic(_STATUS),
    },
    # The same properties are JSON text in this table, as documented.
    "AADNonInteractiveUserSignInLogs": {
        **_PERSON,
        "Category": "'NonInteractiveUserSignInLogs'",
        "IsInteractive": "false",
        "AuthenticationDetails": as_text(_STEPS),
        "ConditionalAccessPolicies": as_text(_POLICIES),
        "DeviceDetail": as_text(_DEVICE),
        "LocationDetails": as_text(_PLACE),
        "Status": as_text(_STATUS),
    },
    "AADServicePrincipalSignInLogs": {
        **_PRINCIPAL,
        "Category": "'ServicePrincipalSignInLogs'",
        "ServicePrincipalName": one_of("principal", "Backup", "Deploy", "Reporting", "Terraform"),
        "ServicePrincipalId": guid(f"'principal' || {number('principal', 4)}"),
        "AppId": guid(f"'app' || {number('principal', 4)}"),
        "ResourceDisplayName": _APPLICATION["ResourceDisplayName"],
        "LocationDetails": as_text(_PLACE),
    },
    "AADManagedIdentitySignInLogs": {
        **_PRINCIPAL,
        "Category": "'ManagedIdentitySignInLogs'",
        "ServicePrincipalName": one_of("principal", "vm-build", "func-sync", "aks-pool"),
        "ServicePrincipalId": guid(f"'identity' || {number('principal', 3)}"),
        "ResourceDisplayName": _APPLICATION["ResourceDisplayName"],
    },
    "AuditLogs": {
        "SourceSystem": "'Azure AD'",
        "OperationName": _AUDIT,
        "ActivityDisplayName": _AUDIT,
        "ActivityDateTime": _TIME,
        "Category": _CATEGORY,
        "AADOperationType": one_of("type", "Update", "Add", "Assign"),
        "LoggedByService": "'Core Directory'",
        "Result": either("bad", 40, "'failure'", "'success'"),
        "Identity": DISPLAY_NAME,
        "Id": f"'Directory_' || {_AUDIT_ID}",
        "CorrelationId": guid("'correlation' || k"),
        "InitiatedBy": dynamic(_INITIATOR),
        "TargetResources": dynamic(_TARGETS),
        "AdditionalDetails": dynamic("json_array()"),
        "AADTenantId": f"'{TENANT_ID}'",
    },
}
