"""The values of a column by the column's name: the first rule that fits gives the SQL.

Pure. A column without a rule is empty, or null if not a string, as most columns of real rows are.
"""

import re
from typing import Final

from hunting_emulator.data.company import (
    ACCOUNT,
    COMPANY,
    DEVICE_ID,
    DEVICE_NAME,
    DISPLAY_NAME,
    NETBIOS,
    OBJECT_ID,
    PRIVATE_IP,
    PUBLIC_IP,
    TENANT_ID,
    UPN,
    USER_SID,
    chance,
    city,
    dynamic,
    guid,
    hexadecimal,
    moment,
    number,
    one_of,
    pick,
    product,
    program,
)
from hunting_emulator.tables import Column

_PLACE: Final = (("Country(Code)?|Location", 2), ("State", 1), ("City", 0))
_SOME_TIME: Final = moment(f"t - {number('ago', 3_600)} * 1000000000 - 1234500")
_MESSAGE: Final = guid("'mail' || k")

_RULES: Final = (
    # people
    (r"(InitiatingProcess)?(Parent)?(Account|User)(Domain|DomainName)", f"'{NETBIOS}'"),
    (r".*(AccountName|RequestAccountName)|Owner", ACCOUNT),
    (r".*(AccountUpn|UserPrincipalName|EmailAddress|RecipientEmailAddress|UserId)", UPN),
    (r".*AccountSid|OnPremSid|.*UserSid", USER_SID),
    (r".*(AccountObjectId|RecipientObjectId)|ActorObjectId|CloudSid|IdentityId", OBJECT_ID),
    (r".*(AccountDisplayName)|GivenName", DISPLAY_NAME),
    (r"Department", pick(COMPANY["departments"], "u")),
    (r"JobTitle", pick(COMPANY["titles"], "u // 7")),
    (r"(Azure)?TenantId|.*TenantId", f"'{TENANT_ID}'"),
    # where
    (r"DeviceName|DestinationDeviceName|.*TargetDeviceName", DEVICE_NAME),
    (r"DeviceId", DEVICE_ID),
    (
        r"OSPlatform",
        pick(
            (
                *("Windows11", "Windows10", "Windows11", "macOS", "WindowsServer2022", "Windows11"),
                *("Linux", "WindowsServer2019", "Windows10", "WindowsServer2016", "Windows11"),
                *("WindowsServer2012R2", "Windows10", "Windows11"),
            ),
            "d",
        ),
    ),
    (r"OSVersion", pick(("10.0", "11.0"), "d")),
    (r"LocalIP|DestinationIPAddress|IPAddressV4", PRIVATE_IP),
    (r"PublicIP|RemoteIP|IPAddress|IpAddress|SenderIPv4|SourceIPAddress", PUBLIC_IP),
    *((name, city(index)) for name, index in _PLACE),
    (r"Latitude", city(3)),
    (r"Longitude", city(4)),
    (r"ISP|Isp", one_of("isp", "Telia", "KPN", "Swisscom", "", "Vivo")),
    (
        r"RemotePort|DestinationPort",
        one_of("port", "443", "443", "80", "53", "445", "3389", "8080"),
    ),
    (r"LocalPort", f"49152 + {number('local', 16384)}"),
    (r"Protocol", one_of("protocol", "Tcp", "Tcp", "Tcp", "Udp", "Kerberos", "Ntlm")),
    # actions
    (r"InitiatingProcess(Parent)?FileName", program(0, "q")),
    (r"InitiatingProcessFolderPath", f"lower({program(1, 'q')} || '\\' || {program(0, 'q')})"),
    (r"InitiatingProcessCommandLine", program(2, "q")),
    (r"InitiatingProcessVersionInfoCompanyName", program(3, "q")),
    (r"InitiatingProcessVersionInfoFileDescription", program(4, "q")),
    (r"FileName", program(0)),
    (r"FolderPath", f"{program(1)} || '\\' || {program(0)}"),
    (r"ProcessCommandLine", program(2)),
    (r"ProcessVersionInfoCompanyName", program(3)),
    (r"ProcessVersionInfoFileDescription", program(4)),
    (r"InitiatingProcessVersionInfo(Original|Internal)FileName", program(0, "q")),
    (r"InitiatingProcessVersionInfoProductName", product("q")),
    (r"InitiatingProcessVersionInfoProductVersion", "'10.0.' || (17763 + q % 90 * 90)"),
    (r"ProcessVersionInfo(Original|Internal)FileName", program(0)),
    (r"ProcessVersionInfoProductName", product("p")),
    (r"ProcessVersionInfoProductVersion", "'10.0.' || (17763 + p % 90 * 90)"),
    (r"InitiatingProcessSHA1", hexadecimal("'sha1' || q", 40)),
    (r"InitiatingProcessSHA256", hexadecimal("'sha256' || q", 64)),
    (r"InitiatingProcessMD5", hexadecimal("'md5' || q", 32)),
    (r"SHA1", hexadecimal("'sha1' || p", 40)),
    (r"SHA256", hexadecimal("'sha256' || p", 64)),
    (r"MD5", hexadecimal("'md5' || p", 32)),
    (r".*FileSize", f"20480 + 512 * {number('size', 90000)}"),
    (r".*(ProcessId|ParentId)|RequestSourceProcessId", f"4 * (1 + {number('pid', 16000)})"),
    (r".*Logon(Id|ID)", number("logon", 1_500_000_000)),
    (r".*Process(TokenElevation)", one_of("elevation", "TokenElevationTypeDefault", "None")),
    (r".*ProcessIntegrityLevel", one_of("integrity", "Medium", "Medium", "High", "System", "")),
    (r".*(CreationTime|StartTime|LastSeenTime)", _SOME_TIME),
    (r"RemoteUrl|Url|OriginalUrl", f"'https://' || {pick(COMPANY['sites'], number('site', 10))}"),
    (r"UrlDomain", pick(COMPANY["sites"], number("site", 10))),
    (r"RegistryKey", rf"'HKEY_CURRENT_USER\S-1-5-21\SOFTWARE\Contoso\{{' || {guid('k')} || '}}'"),
    (r"RegistryValueName", one_of("value", "Start", "LastUsed", "(Default)", "Größe")),
    (r"RegistryValueData", one_of("data", "1", "%SystemRoot%\\system32", "", '"C:\\a b" /x')),
    (r"RegistryValueType", one_of("kind", "String", "Dword", "ExpandString")),
    # mail
    (r"NetworkMessageId", _MESSAGE),
    (r"InternetMessageId", f"'<' || {_MESSAGE} || '@mail.example>'"),
    (r"SenderFromAddress|SenderMailFromAddress", pick(COMPANY["senders"], number("sender", 6))),
    (
        r"Sender(From|MailFrom)Domain",
        f"split_part({pick(COMPANY['senders'], number('sender', 6))}, '@', 2)",
    ),
    (
        r"Subject",
        f"replace({pick(COMPANY['subjects'], number('subject', 8))}, '{{n}}', CAST(k AS VARCHAR))",
    ),
    (r"EmailDirection", one_of("direction", "Inbound", "Inbound", "Intra-org", "Outbound")),
    (
        r"DeliveryAction",
        one_of("delivery", "Delivered", "Delivered", "Delivered", "Junked", "Blocked"),
    ),
    (
        r"DeliveryLocation",
        one_of(
            "delivery", "Inbox/folder", "Inbox/folder", "Inbox/folder", "Junk folder", "Quarantine"
        ),
    ),
    (r"ThreatTypes", one_of("threat", "", "", "", "", "", "", "", "Phish", "Spam")),
    (r"EmailClusterId", "CAST(hash(s, 'cluster') >> 1 AS BIGINT)"),
    # identity and cloud
    (
        r"Application|AppDisplayName|ResourceDisplayName",
        one_of(
            "app",
            "Office 365",
            "Microsoft Teams",
            "Azure Portal",
            "Exchange Online",
            "Active Directory",
        ),
    ),
    (r"ErrorCode", one_of("error", "0", "0", "0", "0", "0", "50126", "50074", "53003")),
    (
        r"UserAgent",
        one_of(
            "agent",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
            "Outlook-iOS/2.0",
            "python-requests/2.32",
        ),
    ),
    (r"Browser", one_of("browser", "Chrome 130.0.0", "Edge 131.0", "")),
    (r"IPTags|IPCategory", one_of("tag", "", "Corporate", "Anonymous proxy")),
    (r"ReportId", None),
    (r"AlertId", "'da' || CAST(638000000000000000 + k AS VARCHAR) || '_' || k"),
    (
        r"Severity|VulnerabilitySeverityLevel",
        one_of("severity", "Low", "Medium", "High", "Informational", "Critical"),
    ),
    (
        r"CveId",
        f"'CVE-' || (2019 + {number('year', 8)}) || '-' || (10000 + k % 90000)",
    ),
    (r"SoftwareVendor", one_of("vendor", "microsoft", "google", "mozilla", "adobe")),
    (r"SoftwareName", one_of("vendor", "windows_11", "chrome", "firefox", "acrobat_reader_dc")),
    (
        r"SoftwareVersion",
        f"'1' || {number('major', 30)} || '.0.' || {number('minor', 9000)} || '.1'",
    ),
)
_COMPILED: Final = tuple((re.compile(pattern), sql) for pattern, sql in _RULES)

_BY_TYPE: Final = {
    "bool": f"CASE WHEN {chance('{c}?', 100)} THEN NULL ELSE {chance('{c}', 300)} END",
    "datetime": f"CASE WHEN {chance('{c}?', 200)} THEN NULL ELSE {_SOME_TIME} END",
    "dynamic": "NULL",
    "int": f"CASE WHEN {chance('{c}?', 300)} THEN NULL ELSE {number('{c}', 100)} END",
    "long": f"CASE WHEN {chance('{c}?', 300)} THEN NULL ELSE {number('{c}', 5_000_000_000)} END",
    "real": f"CASE WHEN {chance('{c}?', 100)} THEN NULL ELSE {number('{c}', 101)} / 10.0 END",
    "guid": guid("'{c}' || k"),
    "string": "''",
}


def expression(entry: Column) -> str:
    """Return the SQL for a column by name and type."""
    for pattern, sql in _COMPILED:
        if sql is not None and pattern.fullmatch(entry.name):
            return _typed(sql, entry.type)
    if entry.name == "ReportId":
        return "CAST(k AS BIGINT)" if entry.type == "long" else f"{guid('k')} || '-' || k || '-1'"
    return _BY_TYPE.get(entry.type, "NULL").replace("{c}", entry.name)


def _typed(sql: str, kind: str) -> str:
    casts = {"int": "INTEGER", "long": "BIGINT", "guid": "UUID", "real": "DOUBLE"}
    if kind == "dynamic":
        return dynamic(f"json_object('value', {sql})")
    return f"TRY_CAST({sql} AS {casts[kind]})" if kind in casts else sql
