"""The main hunting tables as events of the Elastic Common Schema.

Pure. Field names: https://www.elastic.co/docs/reference/ecs/ecs-field-reference
"""

from typing import Final

from siem_maps.fields import Map

VERSION: Final = "9.4.0"
_DOMAIN: Final = 'iff({0} contains ".", substring({0}, indexof({0}, ".") + 1), "")'


def _event(kind: str, table: str, *, category: str, types: str) -> str:
    """Return the fields that every event has."""
    return f"""
        @timestamp          is    Timestamp
        ecs.version         is    "{VERSION}"
        event.kind          is    "{kind}"
        event.category      is    {category}
        event.type          is    {types}
        event.module        is    "microsoft_defender_xdr"
        event.dataset       is    "microsoft_defender_xdr.{table}"
        observer.vendor     is    "Microsoft"
        observer.product    is    "Defender XDR"
    """


def _host(device: str = "DeviceName") -> str:
    return f"""
        host.name           text  {device}
        host.hostname       text  tostring(split({device}, ".")[0])
        host.domain         text  {_DOMAIN.format(device)}
    """


_DEVICE: Final = f"""
    event.action            text  ActionType
    event.sequence          whole ReportId
    host.id                 text  DeviceId
    {_host()}
"""


def _hash(at: str, prefix: str = "") -> str:
    return f"""
        {at}.hash.md5       text  {prefix}MD5
        {at}.hash.sha1      text  {prefix}SHA1
        {at}.hash.sha256    text  {prefix}SHA256
    """


def _versions(at: str, prefix: str) -> str:
    """Return what a program says of itself."""
    return f"""
        {at}.pe.company             text  {prefix}VersionInfoCompanyName
        {at}.pe.description         text  {prefix}VersionInfoFileDescription
        {at}.pe.file_version        text  {prefix}VersionInfoProductVersion
        {at}.pe.original_file_name  text  {prefix}VersionInfoOriginalFileName
        {at}.pe.product             text  {prefix}VersionInfoProductName
    """


def _initiating(at: str = "process") -> str:
    """Return the process that did it, with its parent's name where the schema has room."""
    return f"""
        {at}.name           text  InitiatingProcessFileName
        {at}.executable     text  InitiatingProcessFolderPath
        {at}.command_line   text  InitiatingProcessCommandLine
        {at}.pid            whole InitiatingProcessId
        {at}.start          moment InitiatingProcessCreationTime
        {at}.entity_id      text  InitiatingProcessUniqueId
        {_hash(at, "InitiatingProcess")}
        {_versions(at, "InitiatingProcess")}
    """


_GRANDPARENT: Final = """
    process.parent.name     text  InitiatingProcessParentFileName
    process.parent.pid      whole InitiatingProcessParentId
    process.parent.start    moment InitiatingProcessParentCreationTime
"""


def _user(prefix: str, at: str = "user", *, mail: bool = True) -> str:
    return f"""
        {at}.name           text  {prefix}AccountName
        {at}.domain         text  {prefix}AccountDomain
        {at}.id             text  {prefix}AccountSid
        {f"{at}.email       text  {prefix}AccountUpn" if mail else ""}
    """


def _related(name: str, *columns: str) -> str:
    """Return the distinct values of columns, but for what is empty."""
    return f'related.{name} list set_difference(pack_array({", ".join(columns)}), dynamic([""]))'


_PROCESS: Final = Map.of(
    "ecs",
    "DeviceProcessEvents",
    _event(
        "event",
        "device_process_events",
        category='pack_array("process")',
        types='pack_array(iff(ActionType == "ProcessCreated", "start", "info"))',
    ),
    _DEVICE,
    """
    process.name            text  FileName
    process.executable      text  FolderPath
    process.command_line    text  ProcessCommandLine
    process.pid             whole ProcessId
    process.start           moment ProcessCreationTime
    process.entity_id       text  ProcessUniqueId
    """,
    _hash("process"),
    _versions("process", "Process"),
    _initiating("process.parent"),
    """
    process.parent.code_signature.status text InitiatingProcessSignatureStatus
    process.parent.user.name  text InitiatingProcessAccountName
    process.parent.user.id    text InitiatingProcessAccountSid
    """,
    _user(""),
    _related("hash", "MD5", "SHA1", "SHA256", "InitiatingProcessSHA256"),
    _related("user", "AccountName", "InitiatingProcessAccountName"),
    _related("hosts", "DeviceName"),
)

_FILE: Final = Map.of(
    "ecs",
    "DeviceFileEvents",
    _event(
        "event",
        "device_file_events",
        category='pack_array("file")',
        types='pack_array(case(ActionType == "FileCreated", "creation", ActionType == "FileDeleted", '
        '"deletion", ActionType in ("FileModified", "FileRenamed"), "change", "info"))',
    ),
    _DEVICE,
    """
    file.name               text  FileName
    file.path               text  FolderPath
    file.extension          text  tostring(extract(@"\\.([^.\\\\/]+)$", 1, FileName))
    file.size               whole FileSize
    url.original            text  FileOriginUrl
    source.ip               ip    RequestSourceIP
    source.port             whole RequestSourcePort
    """,
    _hash("file"),
    _initiating(),
    _GRANDPARENT,
    _user("InitiatingProcess"),
    _related("hash", "MD5", "SHA1", "SHA256"),
    _related("user", "InitiatingProcessAccountName", "RequestAccountName"),
    _related("hosts", "DeviceName"),
)

_NETWORK: Final = Map.of(
    "ecs",
    "DeviceNetworkEvents",
    _event(
        "event",
        "device_network_events",
        category='pack_array("network")',
        types='case(ActionType in ("ConnectionSuccess", "InboundConnectionAccepted"), pack_array("connection", '
        '"start", "allowed"), ActionType == "ConnectionAttempt", pack_array("connection", "start"), '
        'ActionType startswith "Connection", pack_array("connection"), pack_array("info"))',
    ),
    _DEVICE,
    """
    event.outcome           is    case(ActionType in ("ConnectionSuccess", "InboundConnectionAccepted"), "success", ActionType == "ConnectionFailed", "failure", "unknown")
    network.transport       text  tolower(iff(Protocol in~ ("Tcp", "Udp", "Icmp"), Protocol, ""))
    network.direction       text  iff(ActionType startswith "Inbound", "ingress", "egress")
    source.ip               ip    iff(ActionType startswith "Inbound", RemoteIP, LocalIP)
    source.port             whole iff(ActionType startswith "Inbound", RemotePort, LocalPort)
    destination.ip          ip    iff(ActionType startswith "Inbound", LocalIP, RemoteIP)
    destination.port        whole iff(ActionType startswith "Inbound", LocalPort, RemotePort)
    destination.domain      text  iff(ActionType startswith "Inbound", "", iff(RemoteUrl contains "://", tostring(parse_url(RemoteUrl).Host), RemoteUrl))
    url.original            text  RemoteUrl
    """,
    _initiating(),
    _GRANDPARENT,
    _user("InitiatingProcess"),
    "related.ip list array_concat(addresses(LocalIP), addresses(RemoteIP))",
    _related("user", "InitiatingProcessAccountName"),
    _related("hosts", "DeviceName"),
)

_OUTCOME: Final = """
    event.outcome is case(ActionType == "LogonSuccess", "success", ActionType == "LogonFailed", "failure", "unknown")
    event.reason            text  FailureReason
"""

_LOGON: Final = Map.of(
    "ecs",
    "DeviceLogonEvents",
    _event(
        "event",
        "device_logon_events",
        category='pack_array("authentication")',
        types='pack_array("start")',
    ),
    _DEVICE,
    _OUTCOME,
    _user("", mail=False),
    """
    network.protocol        text  tolower(Protocol)
    source.ip               ip    RemoteIP
    source.port             whole RemotePort
    source.domain           text  RemoteDeviceName
    """,
    _initiating(),
    _GRANDPARENT,
    _related("user", "AccountName", "InitiatingProcessAccountName"),
    _related("hosts", "DeviceName", "RemoteDeviceName"),
)

_REGISTRY: Final = Map.of(
    "ecs",
    "DeviceRegistryEvents",
    _event(
        "event",
        "device_registry_events",
        category='pack_array("registry")',
        types='pack_array(case(ActionType endswith "Created", "creation", ActionType endswith "Deleted", "deletion", "change"))',
    ),
    _DEVICE,
    """
    registry.hive           text  case(RegistryKey startswith "HKEY_LOCAL_MACHINE", "HKLM", RegistryKey startswith "HKEY_CURRENT_USER", "HKCU", RegistryKey startswith "HKEY_USERS", "HKU", "")
    registry.key            text  substring(RegistryKey, indexof(RegistryKey, @"\\") + 1)
    registry.path           text  iff(isempty(RegistryValueName), RegistryKey, strcat(RegistryKey, @"\\", RegistryValueName))
    registry.value          text  RegistryValueName
    registry.data.type      text  RegistryValueType
    registry.data.strings   list  set_difference(pack_array(RegistryValueData), dynamic([""]))
    """,
    _initiating(),
    _GRANDPARENT,
    _user("InitiatingProcess"),
    _related("user", "InitiatingProcessAccountName"),
    _related("hosts", "DeviceName"),
)

_EMAIL: Final = Map.of(
    "ecs",
    "EmailEvents",
    _event("event", "email_events", category='pack_array("email")', types='pack_array("info")'),
    """
    event.action            text  DeliveryAction
    event.id                text  ReportId
    event.reason            text  ThreatTypes
    email.local_id          text  NetworkMessageId
    email.message_id        text  InternetMessageId
    email.subject           text  Subject
    email.direction         text  case(EmailDirection == "Inbound", "inbound", EmailDirection == "Outbound", "outbound", EmailDirection == "Intra-org", "internal", "")
    email.from.address      list  set_difference(pack_array(SenderFromAddress), dynamic([""]))
    email.sender.address    text  SenderMailFromAddress
    email.to.address        list  set_difference(pack_array(RecipientEmailAddress), dynamic([""]))
    source.ip               ip    iff(isempty(SenderIPv4), SenderIPv6, SenderIPv4)
    source.domain           text  SenderMailFromDomain
    """,
    _related("user", "SenderFromAddress", "RecipientEmailAddress"),
)

_CLICK: Final = Map.of(
    "ecs",
    "UrlClickEvents",
    _event("event", "url_click_events", category='pack_array("web")', types='pack_array("access")'),
    """
    event.action            text  ActionType
    event.id                text  ReportId
    event.outcome           is    case(ActionType == "ClickAllowed", "success", ActionType startswith "ClickBlocked", "failure", "unknown")
    event.reason            text  ThreatTypes
    url.original            text  Url
    url.full                text  Url
    url.domain              text  tostring(parse_url(Url).Host)
    url.scheme              text  tostring(parse_url(Url).Scheme)
    url.path                text  tostring(parse_url(Url).Path)
    service.name            text  Workload
    source.ip               ip    IPAddress
    email.local_id          text  NetworkMessageId
    user.name               text  AccountUpn
    user.email              text  AccountUpn
    """,
    _related("user", "AccountUpn"),
)

_IDENTITY: Final = Map.of(
    "ecs",
    "IdentityLogonEvents",
    _event(
        "event",
        "identity_logon_events",
        category='pack_array("authentication")',
        types='pack_array("start")',
    ),
    "event.action text ActionType",
    _OUTCOME,
    """
    event.id                text  ReportId
    user.name               text  AccountName
    user.domain             text  AccountDomain
    user.id                 text  iff(isempty(AccountSid), AccountObjectId, AccountSid)
    user.email              text  AccountUpn
    user.full_name          text  AccountDisplayName
    service.name            text  Application
    network.protocol        text  tolower(Protocol)
    host.os.name            text  OSPlatform
    host.type               text  DeviceType
    source.ip               ip    IPAddress
    source.port             whole Port
    source.as.organization.name text Isp
    destination.ip          ip    DestinationIPAddress
    destination.port        whole DestinationPort
    destination.domain      text  DestinationDeviceName
    """,
    _host(),
    _related("user", "AccountName", "AccountUpn"),
    _related("hosts", "DeviceName", "DestinationDeviceName"),
)

_CLOUD: Final = Map.of(
    "ecs",
    "CloudAppEvents",
    _event(
        "event",
        "cloud_app_events",
        category='pack_array(iff(ActionType startswith "File", "file", "web"))',
        types='pack_array(case(ActionType !startswith "File", "info", ActionType has_any ("FileUploaded", "FileCopied"), '
        '"creation", ActionType has_any ("FileDeleted", "FileRecycled"), "deletion", ActionType has_any '
        '("FileModified", "FileRenamed", "FileMoved"), "change", "access"))',
    ),
    """
    event.action            text  ActionType
    event.id                text  ReportId
    user.id                 text  iff(isempty(AccountObjectId), AccountId, AccountObjectId)
    user.name               text  AccountDisplayName
    user.full_name          text  AccountDisplayName
    service.name            text  Application
    source.ip               ip    IPAddress
    source.as.organization.name text Isp
    source.geo.country_iso_code text CountryCode
    source.geo.city_name    text  City
    host.os.name            text  OSPlatform
    host.type               text  DeviceType
    file.name               text  iff(ActionType startswith "File", ObjectName, "")
    user_agent.original     text  UserAgent
    """,
    _related("user", "AccountDisplayName", "AccountObjectId"),
)

_ALERTED: Final = """
    event.id                text  AlertId
    event.provider          text  ServiceSource
    event.severity          whole case(Severity == "High", 4, Severity == "Medium", 3, Severity == "Low", 2, Severity == "Informational", 1, long(null))
    rule.name               text  Title
    rule.ruleset            text  DetectionSource
    threat.framework        text  iff(isempty(AttackTechniques), "", "MITRE ATT&CK")
    threat.technique.id     list  extract_all(@"(T\\d{4})(?:\\.\\d{3})?", AttackTechniques)
    threat.technique.subtechnique.id list extract_all(@"(T\\d{4}\\.\\d{3})", AttackTechniques)
"""

_ALERT: Final = Map.of(
    "ecs",
    "AlertInfo",
    _event(
        "alert",
        "alert_info",
        category='pack_array(iff(Category == "Malware", "malware", "intrusion_detection"))',
        types='pack_array("info")',
    ),
    _ALERTED,
    """
    rule.category           text  Category
    threat.tactic.name      list  set_difference(pack_array(Category), dynamic([""]))
    """,
)

_EVIDENCE: Final = Map.of(
    "ecs",
    "AlertEvidence",
    _event(
        "alert",
        "alert_evidence",
        category='pack_array("intrusion_detection")',
        types='pack_array("info")',
    ),
    _ALERTED,
    """
    event.action            text  EntityType
    event.reason            text  EvidenceRole
    threat.tactic.name      list  todynamic(Categories)
    host.id                 text  DeviceId
    host.ip                 list  addresses(LocalIP)
    file.name               text  FileName
    file.path               text  FolderPath
    file.size               whole FileSize
    file.hash.sha1          text  SHA1
    file.hash.sha256        text  SHA256
    process.command_line    text  ProcessCommandLine
    registry.key            text  RegistryKey
    registry.value          text  RegistryValueName
    registry.data.strings   list  set_difference(pack_array(RegistryValueData), dynamic([""]))
    destination.ip          ip    RemoteIP
    url.original            text  RemoteUrl
    email.local_id          text  NetworkMessageId
    email.subject           text  EmailSubject
    service.name            text  Application
    """,
    _host(),
    _user(""),
    _related("hash", "SHA1", "SHA256"),
    _related("user", "AccountName", "AccountUpn"),
    _related("hosts", "DeviceName"),
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
