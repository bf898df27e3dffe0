"""The values of columns whose meaning hangs on the table.

Pure.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.cloud_columns import CLOUD
from hunting_emulator.data.company import (
    ACCOUNT,
    COMPANY,
    DEVICE_NAME,
    DISPLAY_NAME,
    NETBIOS,
    OBJECT_ID,
    PRIVATE_IP,
    PUBLIC_IP,
    UPN,
    USER_SID,
    as_text,
    chance,
    dynamic,
    either,
    guid,
    moment,
    number,
    one_of,
    pick,
)
from hunting_emulator.data.device_columns import DEVICES
from hunting_emulator.data.inventory_columns import INVENTORIES
from hunting_emulator.data.mail_columns import MAIL

_BIG_ID: Final = "639199803770000000 + CAST(k AS BIGINT)"
_NO_YES: Final = f"{chance('yes', 500)}"
_STATES: Final = f"json_array({one_of('tag', 'VIP', 'Priority', 'Guest')}, 'Contoso {{x}}')"

_CLOUD_ACTION: Final = one_of(
    "action", "FileAccessed", "FileDownloaded", "MailItemsAccessed", "UserLoggedIn"
)
_CLOUD_OBJECTS: Final = f"""json_array(
  json_object('Type', 'User', 'Role', 'Actor', 'Name', {DISPLAY_NAME}, 'Id', {OBJECT_ID}),
  json_object('Type', 'File', 'Role', 'Target object', 'Name',
    {one_of("file", "Budget.xlsx", "plan, final.docx", "a b.pdf")}, 'Parameters', json_array()))"""
_RAW_EVENT: Final = f"""json_object(
  'CreationTime', strftime({moment("t")}, '%Y-%m-%dT%H:%M:%S'), 'Id', {guid("'raw' || k")},
  'Operation', {_CLOUD_ACTION},
  'UserId', {UPN}, 'ClientIP', {PUBLIC_IP}, 'ResultStatus', NULL, 'IsManagedDevice', {_NO_YES},
  'Parameters', json_array(json_object('Name', 'Identity', 'Value', {ACCOUNT}),
    json_object('Name', 'Depth', 'Value', CAST({number("depth", 9)} AS VARCHAR))),
  'DeviceProperties', json_object('OS', 'Windows', 'Nested', json_object('n', {number("n", 9)},
    'list', json_array(1, 2.5, NULL, true))))"""
_SIGN_IN_PARTS: Final = f"""json_object('ATTACK.T1078', NULL, 'Count', {number("count", 9)},
  'Source', json_object('Computer', {DEVICE_NAME}, 'Address', {PRIVATE_IP}))"""

_INITIATED: Final = {
    "InitiatingProcessAccountDomain": either("system", 500, "'nt authority'", f"'{NETBIOS}'"),
    "InitiatingProcessAccountName": either("system", 500, "'system'", ACCOUNT),
    "InitiatingProcessAccountUpn": either("system", 500, "''", UPN),
    "InitiatingProcessAccountSid": either("system", 500, "'S-1-5-18'", USER_SID),
    "AdditionalFields": as_text(
        f"json_object('n', {number('n', 50)}, 'Path', 'C:\\Users\\' || {ACCOUNT})"
    ),
}


def _actions(*names: str) -> str:
    return one_of("action", *names)


_OWN: Final[Mapping[str, Mapping[str, str]]] = {
    **INVENTORIES,
    "DeviceProcessEvents": {**_INITIATED, "ActionType": "'ProcessCreated'"},
    "DeviceNetworkEvents": {
        **_INITIATED,
        "ActionType": _actions(
            "ConnectionSuccess",
            "ConnectionSuccess",
            "ConnectionFailed",
            "InboundConnectionAccepted",
        ),
        "LocalPort": either(
            "listens",
            50,
            f"[88, 389, 445, 22, 3389, 443][1 + {number('port', 6)}]",
            f"49152 + {number('local', 16384)}",
        ),
        "RemoteIPType": one_of("reach", "Public", "Public", "Private", "FourToSixMapping"),
        "LocalIPType": either("mapped", 100, "'FourToSixMapping'", "'Private'"),
    },
    "DeviceFileEvents": {
        **_INITIATED,
        "ActionType": _actions("FileCreated", "FileModified", "FileRenamed", "FileDeleted"),
    },
    "DeviceRegistryEvents": {
        **_INITIATED,
        "ActionType": _actions("RegistryValueSet", "RegistryKeyCreated", "RegistryValueDeleted"),
    },
    "DeviceLogonEvents": {
        **_INITIATED,
        "ActionType": _actions("LogonSuccess", "LogonSuccess", "LogonSuccess", "LogonFailed"),
        "LogonType": one_of(
            "how", "Interactive", "Network", "Network", "Service", "RemoteInteractive"
        ),
        "FailureReason": one_of("action", "", "", "", "InvalidUserNameOrPassword"),
    },
    "DeviceImageLoadEvents": {**_INITIATED, "ActionType": "'ImageLoaded'"},
    "DeviceEvents": {
        **_INITIATED,
        "ActionType": _actions(
            "AntivirusScanCompleted",
            "PowerShellCommand",
            "LdapSearch",
            "DnsQueryResponse",
            "UsbDriveMounted",
        ),
        "ReportId": _BIG_ID,
    },
    "DeviceNetworkInfo": {
        "ReportId": _BIG_ID,
        "IPAddresses": f"""CAST(json_array(json_object('IPAddress', {PRIVATE_IP},
          'SubnetPrefix', 24, 'AddressType', 'Private')) AS VARCHAR)""",
        "MacAddress": "upper(left(md5('mac' || d), 12))",
    },
    "IdentityLogonEvents": {
        "ActionType": _actions("LogonSuccess", "LogonSuccess", "LogonFailed"),
        "LogonType": one_of("how", "Resource access", "Credentials validation", "Failed logon"),
        "AdditionalFields": dynamic(_SIGN_IN_PARTS),
    },
    "IdentityDirectoryEvents": {
        "ActionType": _actions(
            "Account Password changed",
            "Group Membership changed",
            "Device Operating System changed",
        ),
        "AdditionalFields": dynamic(_SIGN_IN_PARTS),
    },
    "IdentityQueryEvents": {
        "ActionType": _actions("LDAP query", "SAMR query", "DNS query"),
        "AdditionalFields": dynamic(_SIGN_IN_PARTS),
    },
    "IdentityInfo": {
        "Type": "'User'",
        "IsAccountEnabled": f"NOT ({chance('disabled', 30)})",
        "AssignedRoles": dynamic(
            either("admin", 30, "json_array('Global Administrator')", "json_array()")
        ),
        "GroupMembership": dynamic(f"json_array({pick(COMPANY['departments'], 'u')}, 'All Users')"),
        "Tags": dynamic(_STATES),
        "Manager": "'grace.hopper'",
    },
    "EmailEvents": {
        "RecipientEmailAddress": UPN,
        "ThreatTypes": one_of("delivery", "", "", "", "Spam", "Phish"),
        "AuthenticationDetails": """'{"SPF":"pass","DKIM":"pass","DMARC":"bestguesspass"}'""",
        "AttachmentCount": number("attached", 3),
        "UrlCount": number("urls", 5),
        "BulkComplaintLevel": either("bulk", 600, "NULL", number("bcl", 9)),
        "SenderDisplayName": one_of(
            "sender", "Fabrikam", "GitHub", "Adatum", "", "Litware", "Proseware"
        ),
        "EmailLanguage": one_of("language", "en", "sv", "ja", ""),
    },
    "EmailUrlInfo": {"UrlLocation": one_of("in", "Body", "Body", "QRCode", "Header", "Attachment")},
    "EmailAttachmentInfo": {
        "FileName": one_of("attachment", "invoice.pdf", "Übersicht.xlsx", "photo (1).png"),
        "FileType": one_of("attachment", "pdf", "xlsx", "png"),
    },
    "UrlClickEvents": {
        "ActionType": _actions("ClickAllowed", "ClickAllowed", "ClickBlocked"),
        "Workload": one_of("workload", "Email", "Teams", "Office"),
        "UrlChain": as_text(
            f"json_array('https://' || {pick(COMPANY['sites'], number('site', 10))})"
        ),
    },
    "CloudAppEvents": {
        "ActionType": _actions(
            "FileAccessed", "FileDownloaded", "MailItemsAccessed", "UserLoggedIn"
        ),
        "Application": one_of(
            "app", "Microsoft 365", "Microsoft SharePoint Online", "Microsoft Exchange Online"
        ),
        "ApplicationId": one_of("app", "11161", "20892", "20893"),
        "ActivityObjects": dynamic(_CLOUD_OBJECTS),
        "RawEventData": dynamic(_RAW_EVENT),
        "AdditionalFields": dynamic(either("more", 700, "'{}'::JSON", _STATES)),
        "IPTags": dynamic(either("tags", 700, "NULL", "json_array('Corporate')")),
        "UserAgentTags": dynamic("json_array()"),
        "LastSeenForUser": dynamic(f"json_object('ActionType', {number('seen', 30)}, 'ISP', -1)"),
        "UncommonForUser": dynamic(
            either("rare", 950, "json_array()", "json_array('ISP', 'CountryCode')")
        ),
    },
    "EntraIdSignInEvents": {
        "LogonType": """'["interactiveUser"]'""",
        "ConditionalAccessPolicies": f"""CAST(json_array(json_object('id', {guid("'ca'")},
          'displayName', 'Require MFA', 'result', 'success')) AS VARCHAR)""",
        "RequestId": guid("'request' || k"),
    },
    "AlertInfo": {
        "Title": one_of(
            "title",
            "Suspicious PowerShell command line",
            "Unfamiliar sign-in properties",
            "Malware was prevented",
        ),
        "Category": one_of("title", "Execution", "InitialAccess", "Malware"),
        "ServiceSource": one_of(
            "title",
            "Microsoft Defender for Endpoint",
            "AAD Identity Protection",
            "Microsoft Defender for Endpoint",
        ),
        "DetectionSource": one_of("title", "EDR", "AAD Identity Protection", "Antivirus"),
        "AttackTechniques": """'["PowerShell (T1059.001)"]'""",
        "Severity": one_of("severity", "Low", "Medium", "High", "Informational"),
    },
    "AlertEvidence": {
        "EntityType": one_of("entity", "Process", "User", "Machine", "File", "Ip"),
        "EvidenceRole": one_of("role", "Impacted", "Related"),
        "Categories": """'["Execution"]'""",
        "AdditionalFields": as_text(f"json_object('Type', 'host', 'HostName', {DEVICE_NAME})"),
    },
}

_LISTED: Final = {**DEVICES, **CLOUD, **MAIL}

SPECIALS: Final[Mapping[str, Mapping[str, str]]] = {
    table: {**_OWN.get(table, {}), **_LISTED.get(table, {})} for table in _OWN.keys() | _LISTED
}
