"""Values of columns with a meaning of their own in each table of a Sentinel workspace.

Pure.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.data.company import (
    ACCOUNT,
    DEVICE_NAME,
    DISPLAY_NAME,
    DOMAIN,
    NETBIOS,
    OBJECT_ID,
    PRIVATE_IP,
    PUBLIC_IP,
    TENANT_ID,
    UPN,
    USER_SID,
    as_text,
    dynamic,
    either,
    guid,
    moment,
    number,
    one_of,
    program,
)
from hunting_emulator.data.entra_columns import ENTRA

_TIME: Final = moment("t")
_SUBSCRIPTION: Final = guid("'subscription'")
_NETBIOS_USER: Final = f"'{NETBIOS.upper()}\\' || {ACCOUNT}"

_OFFICE: Final = one_of(
    "office",
    "FileDownloaded",
    "FileAccessed",
    "FileUploaded",
    "MailItemsAccessed",
    "New-InboxRule",
    "Set-Mailbox",
    "AnonymousLinkCreated",
    "MemberAdded",
)
_WORKLOAD: Final = one_of(
    "office",
    "SharePoint",
    "OneDrive",
    "SharePoint",
    "Exchange",
    "Exchange",
    "Exchange",
    "SharePoint",
    "MicrosoftTeams",
)
_RULE: Final = f"""json_array(json_object('Name', 'Name', 'Value', '..'),
  json_object('Name', 'SubjectContainsWords', 'Value', 'invoice;payment'),
  json_object('Name', 'ForwardTo', 'Value', {ACCOUNT} || '@mail.example'))"""

# Windows' own ids, most of them of logons, as on real servers.
_EVENT: Final = one_of(
    "event", "4624", "4624", "4624", "4624", "4625", "4634", "4648", "4672", "4688", "4688"
)
_ACTIVITY: Final = one_of(
    "event",
    *["4624 - An account was successfully logged on."] * 4,
    "4625 - An account failed to log on.",
    "4634 - An account was logged off.",
    "4648 - A logon was attempted using explicit credentials.",
    "4672 - Special privileges assigned to new logon.",
    "4688 - A new process has been created.",
    "4688 - A new process has been created.",
)
_ALERT: Final = one_of(
    "alert",
    "Suspicious PowerShell command line",
    "Unfamiliar sign-in properties",
    "Malware was prevented",
    "Password spray",
)
_ALERT_ID: Final = guid("'alert' || k")
_LEVEL: Final = one_of("severity", "Low", "Medium", "High", "Informational")

WORKSPACE_SPECIALS: Final[Mapping[str, Mapping[str, str]]] = {
    **ENTRA,
    "OfficeActivity": {
        "SourceSystem": "'OfficeActivityManager'",
        "Operation": _OFFICE,
        "OfficeWorkload": _WORKLOAD,
        "RecordType": either("file", 500, "'SharePointFileOperation'", "'ExchangeAdmin'"),
        "UserType": "'Regular'",
        "UserKey": OBJECT_ID,
        "ClientIP": PUBLIC_IP,
        "Client_IPAddress": PUBLIC_IP,
        "ResultStatus": either("bad", 30, "'Failed'", "'Succeeded'"),
        "OfficeId": guid("'office' || k"),
        "OrganizationId": f"'{TENANT_ID}'",
        "OrganizationName": f"'{DOMAIN}'",
        "MailboxOwnerUPN": UPN,
        "Site_Url": "'https://contoso.sharepoint.com/sites/finance/'",
        "SourceFileName": one_of("file", "Budget.xlsx", "plan, final.docx", "a b.pdf"),
        "SourceFileExtension": one_of("file", "xlsx", "docx", "pdf"),
        "OfficeObjectId": one_of(
            "file", "/sites/finance/Budget.xlsx", "/sites/hr/plan, final.docx"
        ),
        "Parameters": as_text(_RULE),
    },
    "SecurityEvent": {
        "SourceSystem": "'OpsManager'",
        "EventID": f"CAST({_EVENT} AS INTEGER)",
        "Activity": _ACTIVITY,
        "Channel": "'Security'",
        "EventSourceName": "'Microsoft-Windows-Security-Auditing'",
        "Computer": DEVICE_NAME,
        "Account": _NETBIOS_USER,
        "AccountType": either("machine", 100, "'Machine'", "'User'"),
        "TargetAccount": _NETBIOS_USER,
        "TargetUserName": ACCOUNT,
        "TargetDomainName": f"'{NETBIOS.upper()}'",
        "TargetUserSid": USER_SID,
        "SubjectAccount": _NETBIOS_USER,
        "SubjectUserName": ACCOUNT,
        "SubjectDomainName": f"'{NETBIOS.upper()}'",
        "LogonType": f"CAST({one_of('logon', '3', '3', '3', '2', '5', '10')} AS INTEGER)",
        "LogonTypeName": one_of(
            "logon",
            *["3 - Network"] * 3,
            "2 - Interactive",
            "5 - Service",
            "10 - RemoteInteractive",
        ),
        "AuthenticationPackageName": one_of("package", "Kerberos", "NTLM", "Negotiate"),
        "LogonProcessName": one_of("package", "Kerberos", "NtLmSsp", "User32"),
        "IpAddress": PRIVATE_IP,
        "WorkstationName": f"split_part({DEVICE_NAME}, '.', 1)",
        "Process": program(0),
        "NewProcessName": f"{program(1)} || '\\' || {program(0)}",
        "ParentProcessName": f"{program(1, 'q')} || '\\' || {program(0, 'q')}",
        "CommandLine": program(2),
        "EventRecordId": "CAST(k AS VARCHAR)",
        "Level": "'8'",
        "Status": "'0x0'",
    },
    "CommonSecurityLog": {
        "DeviceVendor": one_of(
            "vendor", "Palo Alto Networks", "Fortinet", "Check Point", "Zscaler"
        ),
        "DeviceProduct": one_of("vendor", "PAN-OS", "Fortigate", "NSSWeblog"),
        "DeviceEventClassID": one_of("class", "end", "drop", "THREAT", "url"),
        "Activity": one_of("class", "TRAFFIC", "TRAFFIC", "THREAT", "URL"),
        "DeviceAction": one_of("act", "allow", "allow", "allow", "deny", "drop"),
        "SimplifiedDeviceAction": one_of("act", "allow", "allow", "allow", "deny", "drop"),
        "LogSeverity": f"CAST(1 + {number('severity', 10)} AS VARCHAR)",
        "SourceIP": PRIVATE_IP,
        "DestinationIP": PUBLIC_IP,
        "SourcePort": f"49152 + {number('local', 16384)}",
        "Protocol": one_of("protocol", "tcp", "tcp", "udp", "icmp"),
        "ApplicationProtocol": one_of("app", "ssl", "web-browsing", "dns", "ssh"),
        "RequestURL": one_of("url", "", "http://update.example/a?b=c", "https://github.com/"),
        "SourceUserName": _NETBIOS_USER,
        "SentBytes": number("sent", 5_000_000),
        "ReceivedBytes": number("received", 50_000_000),
        "Computer": "'fw-01'",
    },
    "Syslog": {
        "SourceSystem": "'Linux'",
        "Computer": f"'lx-' || {number('host', 9)}",
        "HostName": f"'lx-' || {number('host', 9)}",
        "HostIP": PRIVATE_IP,
        "EventTime": _TIME,
        "Facility": one_of("facility", "auth", "authpriv", "cron", "daemon", "kern"),
        "SeverityLevel": one_of("level", "info", "info", "notice", "warning", "err"),
        "ProcessName": one_of("facility", "sshd", "sudo", "CRON", "systemd", "kernel"),
        "ProcessID": number("pid", 32768),
        "SyslogMessage": one_of(
            "facility",
            "Failed password for invalid user admin from 203.0.113.7 port 40022 ssh2",
            "pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1000)",
            "(root) CMD (/usr/lib/apt/apt.systemd.daily)",
            "Started Daily apt download activities.",
            "eth0: link becomes ready",
        ),
    },
    "AzureActivity": {
        "SourceSystem": "'Azure'",
        "OperationNameValue": one_of(
            "operation",
            "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE",
            "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE",
            "MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION",
            "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE",
            "MICROSOFT.KEYVAULT/VAULTS/WRITE",
        ),
        "ActivityStatusValue": one_of("status", "Success", "Success", "Start", "Failure"),
        "CategoryValue": "'Administrative'",
        "Level": "'Information'",
        "Caller": UPN,
        "CallerIpAddress": PUBLIC_IP,
        "ResourceGroup": one_of("group", "rg-prod", "rg-test", "rg-hub"),
        "SubscriptionId": _SUBSCRIPTION,
        "CorrelationId": guid("'correlation' || k"),
        "EventDataId": guid("'activity' || k"),
        "EventSubmissionTimestamp": _TIME,
        "Authorization_d": dynamic(
            f"json_object('action', 'write', 'scope', '/subscriptions/' || {_SUBSCRIPTION})"
        ),
        "Claims_d": dynamic(f"json_object('name', {DISPLAY_NAME}, 'ipaddr', {PUBLIC_IP})"),
        "Properties_d": dynamic("json_object('eventCategory', 'Administrative')"),
    },
    "SecurityAlert": {
        "SourceSystem": "'Detection'",
        "AlertName": _ALERT,
        "DisplayName": _ALERT,
        "AlertType": guid(f"'rule' || {number('alert', 4)}"),
        "AlertSeverity": _LEVEL,
        "ProviderName": one_of("alert", "MDATP", "IPC", "MDATP", "IPC"),
        "ProductName": one_of(
            "alert",
            "Microsoft Defender Advanced Threat Protection",
            "Azure Active Directory Identity Protection",
            "Microsoft Defender Advanced Threat Protection",
            "Azure Active Directory Identity Protection",
        ),
        "VendorName": "'Microsoft'",
        "SystemAlertId": _ALERT_ID,
        "StartTime": moment(f"t - {number('ago', 3600)} * 1000000000"),
        "EndTime": _TIME,
        "ProcessingEndTime": _TIME,
        "Status": one_of("state", "New", "New", "InProgress", "Resolved"),
        "CompromisedEntity": DEVICE_NAME,
        "Tactics": one_of("alert", "Execution", "InitialAccess", "Execution", "CredentialAccess"),
        "Techniques": one_of("alert", '["T1059"]', '["T1078"]', "[]", '["T1110"]'),
        "Entities": as_text(
            f"json_array(json_object('$id', '2', 'Type', 'account', 'Name', {ACCOUNT}), "
            f"json_object('$id', '3', 'Type', 'host', 'HostName', {DEVICE_NAME}))"
        ),
        "ExtendedProperties": as_text(f"json_object('User Account', {UPN})"),
        "IsIncident": "false",
    },
    "SecurityIncident": {
        "SourceSystem": "'Azure'",
        "IncidentName": guid("'incident' || k"),
        "IncidentNumber": "1000 + k",
        "Title": _ALERT,
        "Severity": _LEVEL,
        "Status": one_of("state", "New", "New", "Active", "Closed"),
        "Owner": dynamic(f"json_object('assignedTo', {DISPLAY_NAME}, 'email', {UPN})"),
        "ProviderName": "'Microsoft XDR'",
        "ProviderIncidentId": "CAST(1000 + k AS VARCHAR)",
        "AlertIds": dynamic(f"json_array({_ALERT_ID})"),
        "Labels": dynamic("json_array()"),
        "Comments": dynamic("json_array()"),
        "AdditionalData": dynamic(
            "json_object('alertsCount', 1, 'tactics', json_array('Execution'))"
        ),
        **dict.fromkeys(("CreatedTime", "FirstModifiedTime", "LastModifiedTime"), _TIME),
        "ClosedTime": "NULL",
    },
}
