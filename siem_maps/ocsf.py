"""The main hunting tables as events of the Open Cybersecurity Schema Framework.

Pure. Classes and objects: https://schema.ocsf.io/1.8.0/
"""

from typing import Final

from siem_maps.fields import Map
from siem_maps.ocsf_parts import (
    ACTOR,
    DEVICE,
    DEVICE_EVENT,
    VERSION,
    Activity,
    address,
    hashes,
    initiating_process,
    known,
    milliseconds,
    user,
    versions,
)

_VALUE: Final = 'ActionType startswith "RegistryValue"'
_RENAMED: Final = 'ActionType == "FileRenamed"'
_INBOUND: Final = 'ActionType startswith "Inbound"'
_REPORTED: Final = 'strcat(ReportId, "/", Timestamp)'
_SEVERITY: Final = (
    'case(Severity == "Informational", 1, Severity == "Low", 2, Severity == "Medium", 3, '
    'Severity == "High", 4, 0)'
)

_PROCESS: Final = Map.of(
    "ocsf",
    "DeviceProcessEvents",
    Activity(
        1,
        "1007",
        '"Process Activity"',
        'iff(ActionType == "ProcessCreated", 1, 99)',
        'iff(ActionType == "ProcessCreated", "Launch", ActionType)',
    ).fields("DeviceProcessEvents", DEVICE_EVENT),
    DEVICE,
    f"""
    process.pid             is    coalesce(ProcessId, 0)
    process.name            text  FileName
    process.path            text  FolderPath
    process.cmd_line        text  ProcessCommandLine
    process.created_time    whole {milliseconds("ProcessCreationTime")}
    process.integrity       text  ProcessIntegrityLevel
    process.file.name       text! FileName
    process.file.type_id    is    1
    process.file.path       text  FolderPath
    process.file.size       whole FileSize
    {hashes("process.file")}
    {versions("process.file", "Process")}
    {user("process.user", "")}
    """,
    ACTOR,
)

_FILE: Final = Map.of(
    "ocsf",
    "DeviceFileEvents",
    Activity(
        1,
        "1001",
        '"File System Activity"',
        'case(ActionType == "FileCreated", 1, ActionType == "FileModified", 3, '
        'ActionType == "FileDeleted", 4, ActionType == "FileRenamed", 5, 99)',
        'case(ActionType == "FileCreated", "Create", ActionType == "FileModified", "Update", '
        'ActionType == "FileDeleted", "Delete", ActionType == "FileRenamed", "Rename", ActionType)',
    ).fields("DeviceFileEvents", DEVICE_EVENT),
    DEVICE,
    f"""
    file.name               is    iff({_RENAMED} and isnotempty(PreviousFileName), PreviousFileName, {known("FileName")})
    file.type_id            is    1
    file.path               text  iff({_RENAMED} and isnotempty(PreviousFolderPath), PreviousFolderPath, FolderPath)
    file.size               whole FileSize
    {hashes("file")}
    file.url.url_string     text! FileOriginUrl
    file_result.name        text! iff({_RENAMED}, FileName, "")
    file_result.type_id     is    1
    file_result.path        text  FolderPath
    """,
    ACTOR,
)

_NETWORK: Final = Map.of(
    "ocsf",
    "DeviceNetworkEvents",
    Activity(
        4,
        "4001",
        '"Network Activity"',
        'case(ActionType in ("ConnectionSuccess", "InboundConnectionAccepted"), 1, '
        'ActionType == "ConnectionFailed", 4, ActionType == "ListeningConnectionCreated", 7, 99)',
        'case(ActionType in ("ConnectionSuccess", "InboundConnectionAccepted"), "Open", '
        'ActionType == "ConnectionFailed", "Fail", ActionType == "ListeningConnectionCreated", "Listen", ActionType)',
        ("host",),
    ).fields("DeviceNetworkEvents", DEVICE_EVENT),
    DEVICE,
    f"""
    status_id               is    case(ActionType in ("ConnectionSuccess", "InboundConnectionAccepted"), 1, ActionType == "ConnectionFailed", 2, 0)
    connection_info.direction_id   is   iff({_INBOUND}, 1, 2)
    connection_info.protocol_name  text tolower(Protocol)
    src_endpoint.ip         ip    iff({_INBOUND}, RemoteIP, LocalIP)
    src_endpoint.port       whole iff({_INBOUND}, RemotePort, LocalPort)
    src_endpoint.uid        text  iff({_INBOUND}, "", DeviceId)
    src_endpoint.hostname   text  iff({_INBOUND}, "", DeviceName)
    dst_endpoint.ip         ip    iff({_INBOUND}, LocalIP, RemoteIP)
    dst_endpoint.port       whole iff({_INBOUND}, LocalPort, RemotePort)
    dst_endpoint.uid        text  iff({_INBOUND}, DeviceId, "")
    dst_endpoint.hostname   text  iff({_INBOUND}, DeviceName, iff(RemoteUrl contains "://", tostring(parse_url(RemoteUrl).Host), RemoteUrl))
    url.url_string          text! RemoteUrl
    """,
    ACTOR,
)

_LOGON_STATUS: Final = """
    status_id               is    case(ActionType == "LogonSuccess", 1, ActionType == "LogonFailed", 2, 0)
    status                  is    case(ActionType == "LogonSuccess", "Success", ActionType == "LogonFailed", "Failure", "Unknown")
    status_detail           is    FailureReason
    auth_protocol           is    Protocol
    logon_type              is    LogonType
    metadata.event_code     text  ActionType
"""

_LOGON: Final = Map.of(
    "ocsf",
    "DeviceLogonEvents",
    Activity(3, "3002", '"Authentication"', "1", '"Logon"', ("host",)).fields(
        "DeviceLogonEvents", DEVICE_EVENT
    ),
    _LOGON_STATUS,
    DEVICE,
    f"""
    logon_type_id           is    case(LogonType == "Interactive", 2, LogonType == "Network", 3, LogonType == "Batch", 4, LogonType == "Service", 5, LogonType == "Unlock", 7, LogonType == "NetworkCleartext", 8, LogonType == "NewCredentials", 9, LogonType startswith "RemoteInteractive", 10, LogonType == "CachedInteractive", 11, LogonType == "CachedRemoteInteractive", 12, isempty(LogonType), 0, 99)
    auth_protocol_id        is    case(Protocol =~ "NTLM", 1, Protocol =~ "Kerberos", 2, isempty(Protocol), 0, 99)
    user.name               is    {known("AccountName", "AccountSid")}
    user.domain             text  AccountDomain
    user.uid                text  AccountSid
    user.type_id            is    case(isnull(IsLocalAdmin), 0, IsLocalAdmin, 2, 1)
    src_endpoint.ip         ip    RemoteIP
    src_endpoint.port       whole iff(isempty(RemoteIP) and isempty(RemoteDeviceName), int(null), RemotePort)
    src_endpoint.hostname   text  RemoteDeviceName
    dst_endpoint.uid        is    DeviceId
    dst_endpoint.hostname   text  DeviceName
    {initiating_process("logon_process")}
    """,
)

_REGISTRY: Final = Map.of(
    "ocsf",
    "DeviceRegistryEvents",
    Activity(
        1,
        f"iff({_VALUE}, 201002, 201001)",
        f'iff({_VALUE}, "Registry Value Activity", "Registry Key Activity")',
        'case(ActionType == "RegistryValueSet", 2, ActionType endswith "Created", 1, '
        'ActionType endswith "Deleted", 4, ActionType == "RegistryKeyRenamed", 5, 3)',
        'case(ActionType == "RegistryValueSet", "Set", ActionType endswith "Created", "Create", '
        'ActionType endswith "Deleted", "Delete", ActionType == "RegistryKeyRenamed", "Rename", "Modify")',
    ).fields("DeviceRegistryEvents", DEVICE_EVENT),
    DEVICE,
    f"""
    metadata.extensions     is    pack_array(bag_pack("name", "win", "uid", "2", "version", "{VERSION}"))
    reg_key.path            text! iff({_VALUE}, "", {known("RegistryKey")})
    prev_reg_key.path       text! iff({_VALUE}, "", PreviousRegistryKey)
    reg_value.path          text! iff({_VALUE}, {known("RegistryKey")}, "")
    reg_value.name          is    iff(isempty(RegistryValueName), "(Default)", RegistryValueName)
    reg_value.is_default    flag  isempty(RegistryValueName)
    reg_value.type          text  RegistryValueType
    reg_value.data          text  RegistryValueData
    prev_reg_value.path     text! iff({_VALUE} and isnotempty(PreviousRegistryValueData), {known("PreviousRegistryKey", "RegistryKey")}, "")
    prev_reg_value.name     is    iff(isempty(PreviousRegistryValueName), {known("RegistryValueName")}, PreviousRegistryValueName)
    prev_reg_value.data     text  PreviousRegistryValueData
    """,
    ACTOR,
)

_EMAIL: Final = Map.of(
    "ocsf",
    "EmailEvents",
    Activity(
        4,
        "4009",
        '"Email Activity"',
        'case(EmailDirection == "Outbound", 1, EmailDirection in ("Inbound", "Intra-org"), 2, 0)',
        'case(EmailDirection == "Outbound", "Send", EmailDirection in ("Inbound", "Intra-org"), "Receive", "Unknown")',
        ("security_control",),
    ).fields("EmailEvents", _REPORTED),
    f"""
    direction_id            is    case(EmailDirection == "Inbound", 1, EmailDirection == "Outbound", 2, EmailDirection == "Intra-org", 3, 0)
    direction               is    EmailDirection
    message_trace_uid       is    NetworkMessageId
    action_id               is    case(DeliveryAction in ("Delivered", "Junked"), 1, DeliveryAction == "Blocked", 2, DeliveryAction == "Replaced", 4, 0)
    disposition_id          is    case(DeliveryAction == "Delivered", 1, DeliveryAction == "Blocked", 2, isempty(DeliveryAction), 0, 99)
    disposition             is    {known("DeliveryAction")}
    email.uid               text  NetworkMessageId
    email.message_uid       text  InternetMessageId
    email.subject           text  Subject
    email.from              text  {address("SenderFromAddress")}
    email.from_mailbox      text  SenderFromAddress
    email.sender            text  {address("SenderMailFromAddress")}
    email.to                list  set_difference(pack_array({address("RecipientEmailAddress")}), dynamic([""]))
    email_auth.spf          text  tostring(parse_json(AuthenticationDetails).SPF)
    email_auth.dkim         text  tostring(parse_json(AuthenticationDetails).DKIM)
    email_auth.dmarc        text  tostring(parse_json(AuthenticationDetails).DMARC)
    src_endpoint.ip         ip    iff(isempty(SenderIPv4), SenderIPv6, SenderIPv4)
    src_endpoint.domain     text  SenderMailFromDomain
    unmapped.ThreatTypes    text  ThreatTypes
    unmapped.ThreatNames    text  ThreatNames
    unmapped.DeliveryLocation  text DeliveryLocation
    """,
)

_CLICK: Final = Map.of(
    "ocsf",
    "UrlClickEvents",
    Activity(
        4, "4002", '"HTTP Activity"', "99", known("ActionType"), ("host", "security_control")
    ).fields("UrlClickEvents", _REPORTED),
    f"""
    metadata.event_code     text  ActionType
    action_id               is    case(ActionType == "ClickAllowed" or IsClickedThrough, 1, ActionType startswith "ClickBlocked", 2, 0)
    disposition_id          is    case(ActionType == "ClickAllowed" or IsClickedThrough, 1, ActionType startswith "ClickBlocked", 2, 99)
    disposition             is    {known("ActionType")}
    http_request.url.url_string  text! Url
    http_request.url.hostname    text  tostring(parse_url(Url).Host)
    http_request.url.scheme      text  tostring(parse_url(Url).Scheme)
    http_request.url.path        text  tostring(parse_url(Url).Path)
    src_endpoint.ip         ip    IPAddress
    dst_endpoint.hostname   text  tostring(parse_url(Url).Host)
    app_name                is    Workload
    actor.user.name         text! AccountUpn
    actor.user.email_addr   text  {address("AccountUpn")}
    unmapped.NetworkMessageId text NetworkMessageId
    unmapped.ThreatTypes    text  ThreatTypes
    unmapped.IsClickedThrough flag IsClickedThrough
    """,
)

_IDENTITY: Final = Map.of(
    "ocsf",
    "IdentityLogonEvents",
    Activity(3, "3002", '"Authentication"', "1", '"Logon"', ("host",)).fields(
        "IdentityLogonEvents", _REPORTED
    ),
    _LOGON_STATUS,
    f"""
    logon_type_id           is    case(LogonType == "Interactive", 2, isempty(LogonType), 0, 99)
    auth_protocol_id        is    case(Protocol =~ "NTLM", 1, Protocol =~ "Kerberos", 2, Protocol =~ "OAuth2", 6, Protocol =~ "LDAP", 12, isempty(Protocol), 0, 99)
    user.name               is    {known("AccountName", "AccountUpn", "AccountDisplayName")}
    user.domain             text  AccountDomain
    user.uid                text  AccountSid
    user.uid_alt            text  AccountObjectId
    user.full_name          text  AccountDisplayName
    user.email_addr         text  {address("AccountUpn")}
    service.name            is    {known("Application")}
    src_endpoint.ip         ip    IPAddress
    src_endpoint.port       whole iff(isempty(IPAddress) and isempty(DeviceName), int(null), Port)
    src_endpoint.hostname   text  DeviceName
    src_endpoint.isp        text  iff(isempty(IPAddress) and isempty(DeviceName), "", Isp)
    dst_endpoint.ip         ip    DestinationIPAddress
    dst_endpoint.port       whole iff(isempty(DestinationIPAddress) and isempty(DestinationDeviceName), int(null), DestinationPort)
    dst_endpoint.hostname   text  DestinationDeviceName
    """,
)

_CLOUD: Final = Map.of(
    "ocsf",
    "CloudAppEvents",
    Activity(
        6,
        "6003",
        '"API Activity"',
        'case(ActionType has_any ("FileUploaded", "FileCopied") or ActionType startswith "New-" or ActionType startswith "Add ", 1, '
        'ActionType has_any ("FileAccessed", "FileDownloaded", "FilePreviewed", "MailItemsAccessed") or ActionType startswith "Get-", 2, '
        'ActionType has_any ("FileModified", "FileRenamed", "FileMoved") or ActionType startswith "Set-" or ActionType startswith "Update ", 3, '
        'ActionType has_any ("FileDeleted", "FileRecycled") or ActionType startswith "Remove-" or ActionType startswith "Delete ", 4, 99)',
        known("ActionType"),
        ("host",),
    ).fields("CloudAppEvents", _REPORTED),
    f"""
    metadata.event_code     text  ActionType
    api.operation           is    {known("ActionType")}
    api.service.name        text! Application
    actor.app_name          is    {known("Application")}
    actor.user.uid          text! iff(isempty(AccountObjectId), AccountId, AccountObjectId)
    actor.user.name         text  AccountDisplayName
    actor.user.type         text  AccountType
    src_endpoint.svc_name   is    {known("Application")}
    src_endpoint.ip         ip    IPAddress
    src_endpoint.isp        text  Isp
    src_endpoint.location.country text! CountryCode
    src_endpoint.location.city    text  City
    http_request.user_agent text  UserAgent
    resources[].name        text! ObjectName
    resources[].type        text  ObjectType
    resources[].uid         text  ObjectId
    unmapped.IsAdminOperation flag IsAdminOperation
    unmapped.IsAnonymousProxy flag IsAnonymousProxy
    unmapped.IsExternalUser flag  IsExternalUser
    unmapped.ActivityType   text  ActivityType
    """,
)

# ids alone are put between the quotes: "T", digits and a dot
_ATTACKS: Final = (
    'iff(AttackTechniques matches regex @"T\\d{4}", parse_json(strcat(\'[{"technique":{"uid":"\', '
    'strcat_array(extract_all(@"(T\\d{4}(?:\\.\\d{3})?)", AttackTechniques), '
    '\'"}},{"technique":{"uid":"\'), \'"}}]\')), dynamic([]))'
)
_FINDING: Final = f"""
    message                 is    Title
    finding_info.uid        is    AlertId
    finding_info.title      text  Title
    finding_info.data_sources     list  set_difference(pack_array(ServiceSource, DetectionSource), dynamic([""]))
    finding_info.product.name     text! ServiceSource
    finding_info.product.vendor_name  is "Microsoft"
    finding_info.attacks    list  {_ATTACKS}
"""

_ALERT: Final = Map.of(
    "ocsf",
    "AlertInfo",
    Activity(2, "2004", '"Detection Finding"', "1", '"Create"').fields(
        "AlertInfo", "AlertId", _SEVERITY
    ),
    _FINDING,
    'finding_info.types list set_difference(pack_array(Category), dynamic([""]))',
)

_EVIDENCE: Final = Map.of(
    "ocsf",
    "AlertEvidence",
    Activity(2, "2004", '"Detection Finding"', "2", '"Update"').fields(
        "AlertEvidence", 'strcat(AlertId, "/", EntityType, "/", Timestamp)', _SEVERITY
    ),
    _FINDING,
    f"""
    finding_info.types      list  todynamic(Categories)
    evidences[].name        text  EntityType
    evidences[].data.role   text  EvidenceRole
    evidences[].data.type   is    {known("EntityType")}
    evidences[].data.command_line  text ProcessCommandLine
    evidences[].data.application   text Application
    evidences[].data.message_uid   text NetworkMessageId
    evidences[].data.email_subject text EmailSubject
    evidences[].file.name   text! FileName
    evidences[].file.type_id      is 1
    evidences[].file.path   text  FolderPath
    evidences[].file.size   whole FileSize
    evidences[].file.hashes list  array_concat(digest(2, SHA1), digest(3, SHA256))
    {user("evidences[].user", "")}
    evidences[].device.uid  text! DeviceId
    evidences[].device.type_id    is 0
    evidences[].device.hostname   text DeviceName
    evidences[].device.ip   ip    LocalIP
    evidences[].dst_endpoint.ip   ip RemoteIP
    evidences[].url.url_string    text! RemoteUrl
    evidences[].reg_key.path      text! RegistryKey
    evidences[].reg_value.path    text! iff(isempty(RegistryValueName), "", RegistryKey)
    evidences[].reg_value.name    is RegistryValueName
    evidences[].reg_value.data    text RegistryValueData
    """,
)

MAPS: Final = (
    _PROCESS,
    _FILE,
    _NETWORK,
    _LOGON,
    _REGISTRY,
    _EMAIL,
    _CLICK,
    _IDENTITY,
    _CLOUD,
    _ALERT,
    _EVIDENCE,
)
