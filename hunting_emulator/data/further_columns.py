"""The values of columns that tell little by themselves, but that queries filter and group by.

Pure. The values are those that Microsoft's documentation lists for the columns.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    COMPANY,
    DEVICE_ID,
    DISPLAY_NAME,
    DOMAIN,
    NETBIOS,
    OBJECT_ID,
    TENANT_ID,
    UPN,
    as_text,
    chance,
    dynamic,
    either,
    guid,
    hexadecimal,
    number,
    one_of,
    pick,
)

_NONE: Final = "''"
_BOARD: Final = "'board' || d - d % 9 % 2"
_SITE: Final = pick(COMPANY["sites"], number("from", 10))
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
_FILES: Final = {
    "FileOriginUrl": either("loaded", 60, f"'https://' || {_SITE} || '/files/' || k", _NONE),
    "FileOriginReferrerUrl": either("loaded", 60, f"'https://' || {_SITE} || '/'", _NONE),
    "FileOriginIP": either("loaded", 60, f"'203.0.113.' || {number('origin', 254)}", _NONE),
}
_SESSION: Final = {
    "InitiatingProcessRemoteSessionDeviceName": either("rdp", 20, "'lap-0007'", _NONE),
    "InitiatingProcessRemoteSessionIP": either("rdp", 20, "'10.0.0.8'", _NONE),
    "IsInitiatingProcessRemoteSession": chance("rdp", 20),
    "InitiatingProcessUniqueId": f"CAST({number('unique', 1_500_000_000)} AS VARCHAR)",
}
_VERDICT: Final = ("", "", "", '{"Spam":"High"}', '{"Phish":"High"}')
_ANTIVIRUS: Final = f"""json_object('AvMode', {one_of("mode", "0", "0", "0", "1", "2", "4")},
  'AvEngineVersion', '1.1.2' || {number("engine", 5)} || '010.5',
  'AvSignatureVersion', '1.4' || {number("signature", 30)} || '.12.0',
  'AvPlatformVersion', '4.18.2' || {number("platform", 9)} || '010.11',
  'AvIsEngineUptodate', CAST({chance("engine", 700)} AS VARCHAR),
  'AvIsSignatureUptoDate', CAST({chance("signature", 700)} AS VARCHAR),
  'AvIsPlatformUptodate', CAST({chance("platform", 700)} AS VARCHAR),
  'CloudProtectionState', CAST({chance("cloud", 900)} AS VARCHAR),
  'IsWindowsLtscVersionRunning', CAST({chance("ltsc", 50)} AS VARCHAR),
  'TlsClient10', {one_of("tls", "Enabled", "Disabled")}, 'EBPFStatus', '1',
  'AsrConfigurationStates', json_object('BlockCredentialStealing',
    {one_of("asr", "Block", "Audit", "Off")}, 'BlockExecutableContentFromEmail', 'Block'))"""
_BEHAVIOR: Final = {
    "BehaviorId": "'bc' || (k * 7919)",
    "Categories": one_of("kind", '["Exfiltration"]', '["Collection"]', '["InitialAccess"]'),
    "ServiceSource": one_of("by", "Microsoft Cloud App Security", "Microsoft Defender for Cloud"),
    "DetectionSource": one_of("by", "Custom detection", "Microsoft Cloud App Security"),
    "ActionType": one_of(
        "kind", "MassDownload", "UnusualAdditionOfCredentials", "ImpossibleTravel"
    ),
}
_GROUP: Final = one_of(
    "part",
    *("Antivirus", "EDR", "Attack Surface Reduction", "Firewall", "BitLocker", "SmartScreen"),
)
_NAME: Final = one_of(
    "part",
    "Turn on real-time protection",
    "Fix Microsoft Defender for Endpoint sensor data collection",
    "Block credential stealing from the Windows local security authority subsystem (lsass.exe)",
    "Secure Microsoft Defender Firewall public profile",
    "Encrypt all BitLocker-supported drives",
    "Set Microsoft Defender SmartScreen to block",
)

FURTHER: Final[Mapping[str, Mapping[str, str]]] = {
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
    "DeviceEvents": {**_FILES, **_SESSION},
    "DeviceFileEvents": {
        **_FILES,
        **_SESSION,
        "PreviousFileName": one_of("action", "", "", "~tmp.docx", ""),
        "ShareName": either("shared", 30, "'data$'", _NONE),
        "RequestProtocol": either("shared", 30, "'Smb'", "'Local'"),
        "SensitivityLabel": either("labelled", 50, "'Confidential'", _NONE),
        "SensitivitySubLabel": either("labelled", 50, "'All employees'", _NONE),
    },
    "DeviceInfo": {
        "AdditionalFields": as_text("json_object('Roles', json_array('Workstation'))"),
        "DeviceSubtype": one_of(
            "type", *["Workstation"] * 6, "Server", "Server", "Router", "Camera"
        ),
        "DeviceDynamicTags": either("dynamic", 150, """'["Critical"]'""", _NONE),
        "HardwareUuid": f"upper({guid(_BOARD)})",
        "HostDeviceId": either("guest", 40, DEVICE_ID, _NONE),
        "MergedToDeviceId": either("merged", 20, DEVICE_ID, _NONE),
        "Model": pick(("Latitude 7440", "ThinkPad T14", "EliteBook 840", "Virtual Machine"), "d"),
        "Vendor": pick(("Dell", "Lenovo", "HP", "Microsoft Corporation"), "d"),
        "OSDistribution": pick((*[""] * 3, "macOS", *[""] * 2, "Ubuntu", *[""] * 7), "d"),
        "OSVersionInfo": pick(("23H2", "22H2", "24H2", "", "25H2", "21H2", "", "1809"), "d"),
        "OsBuildRevision": f"CAST({number('revision', 5000)} AS VARCHAR)",
        "RegistryDeviceTag": either("kiosk", 100, "'Kiosk'", _NONE),
        "AzureResourceId": either("azure", 100, "'/subscriptions/47/vm-' || d", _NONE),
    },
    "DeviceNetworkInfo": {
        "NetworkAdapterStatus": one_of("up", "Up", "Up", "Up", "Down"),
        "NetworkAdapterType": one_of("adapter", "Ethernet", "Wireless80211", "Tunnel"),
        "ConnectedNetworks": as_text(
            f"json_array(json_object('Name', {one_of('net', DOMAIN, 'Guest', 'Home')}, "
            "'Description', '', 'IsConnectedToInternet', true, "
            f"'Category', {one_of('net', 'Domain', 'Public', 'Private')}))"
        ),
        "DefaultGateways": """'["10.0.0.1"]'""",
        "OnboardingStatus": one_of("state", "Onboarded", "Onboarded", "Can be onboarded"),
    },
    **dict.fromkeys(
        ("DeviceImageLoadEvents", "DeviceNetworkEvents", "DeviceProcessEvents"), _SESSION
    ),
    "DeviceRegistryEvents": {
        **_SESSION,
        "PreviousRegistryValueName": one_of("value", "Start", "LastUsed", "(Default)", "Größe"),
        "PreviousRegistryValueData": one_of("old", "0", "", "%SystemRoot%\\system32"),
    },
    "DeviceTvmCertificateInfo": {
        "Thumbprint": hexadecimal("'thumb' || k", 40),
        "Path": "'LocalMachine\\My'",
        "IssuedTo": dynamic(f"json_object('CommonName', 'srv-' || d || '.{DOMAIN}')"),
        "IssuedBy": dynamic(
            f"json_object('CommonName', {one_of('ca', 'Contoso CA', 'DigiCert', 'localhost')})"
        ),
        "SignatureAlgorithm": one_of("sign", "sha256RSA", "sha256RSA", "sha1RSA"),
        "KeySize": one_of("size", "2048", "4096", "1024", "0"),
        "ExpirationDate": f"'2026-' || lpad(CAST(1 + {number('month', 12)} AS VARCHAR), 2, '0') "
        "|| '-17 12:00:00'",
    },
    "DeviceTvmInfoGathering": {"AdditionalFields": dynamic(_ANTIVIRUS)},
    "DeviceTvmSecureConfigurationAssessment": {"ConfigurationSubcategory": _GROUP},
    "DeviceTvmSecureConfigurationAssessmentKB": {
        "ConfigurationId": "'scid-' || CASE WHEN k % 175 < 60 THEN 40 + k % 175 WHEN k % 175 < 75 "
        "THEN 2440 + k % 175 ELSE 1925 + k % 175 END",
        "ConfigurationSubcategory": _GROUP,
        "ConfigurationName": _NAME,
        "ConfigurationDescription": "'Keeps devices as Microsoft advises'",
        "RiskDescription": "'Devices are easier to attack'",
    },
    "DeviceTvmSoftwareVulnerabilities": {
        "RecommendedSecurityUpdateId": one_of("update", "KB5068861", "", "")
    },
    "EmailEvents": {
        "AdditionalFields": as_text("json_object()"),
        "ConfidenceLevel": one_of("delivery", *_VERDICT),
        "DetectionMethods": one_of(
            "delivery", "", "", "", '{"Spam":["Fingerprint matching"]}', '{"Phish":["Domain"]}'
        ),
        "EmailAction": one_of(
            "delivery", "", "", "", "Move message to junk mail folder", "Quarantine"
        ),
        "EmailActionPolicy": one_of("delivery", "", "", "", "Antispam spam", "Antispam phish"),
        "LatestDeliveryAction": one_of("delivery", *["Delivered"] * 3, "Junked", "Blocked"),
        "LatestDeliveryLocation": one_of(
            "delivery", *["Inbox/folder"] * 3, "Junk folder", "Quarantine"
        ),
        "SenderIPv6": either("ipv6", 60, "'2001:db8::25'", _NONE),
        "SenderObjectId": either("inside", 250, OBJECT_ID, _NONE),
    },
    "EmailAttachmentInfo": {"SenderObjectId": either("inside", 250, OBJECT_ID, _NONE)},
    "EmailPostDeliveryEvents": {"DetectionMethods": """'{"Phish":["URL detonation"]}'"""},
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
    "MessageEvents": {
        "TeamsMessageId": "CAST(1700000000000 + k AS VARCHAR)",
        "SenderEmailAddress": UPN,
        "SenderDisplayName": DISPLAY_NAME,
        "ThreatTypes": one_of("threat", *[""] * 9, "Phish"),
    },
    "MessageUrlInfo": {"TeamsMessageId": "CAST(1700000000000 + k AS VARCHAR)"},
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
