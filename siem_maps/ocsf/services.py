"""Mails, clicked links, sign-ins and cloud apps as events of OCSF.

Pure.
"""

from typing import Final

from siem_maps.expressions import CLOUD_ACCOUNT, SENDER_IP, listed, url_part
from siem_maps.fields import Map
from siem_maps.ocsf.parts import LOGON_STATUS, Activity, address, known

_REPORTED: Final = 'strcat(ReportId, "/", Timestamp)'


MAPS: Final[tuple[Map, ...]] = (
    Activity(
        4,
        "4009",
        '"Email Activity"',
        'case(EmailDirection == "Outbound", 1, EmailDirection in ("Inbound", "Intra-org"), 2, 0)',
        'case(EmailDirection == "Outbound", "Send", EmailDirection in ("Inbound", "Intra-org"), "Receive", "Unknown")',
        ("security_control",),
    ).mapped(
        "EmailEvents",
        _REPORTED,
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
        email.to                list  {listed(address("RecipientEmailAddress"))}
        email_auth.spf          text  tostring(parse_json(AuthenticationDetails).SPF)
        email_auth.dkim         text  tostring(parse_json(AuthenticationDetails).DKIM)
        email_auth.dmarc        text  tostring(parse_json(AuthenticationDetails).DMARC)
        src_endpoint.ip         ip    {SENDER_IP}
        src_endpoint.domain     text  SenderMailFromDomain
        unmapped.ThreatTypes    text  ThreatTypes
        unmapped.ThreatNames    text  ThreatNames
        unmapped.DeliveryLocation  text DeliveryLocation
        """,
    ),
    Activity(
        4, "4002", '"HTTP Activity"', "99", known("ActionType"), ("host", "security_control")
    ).mapped(
        "UrlClickEvents",
        _REPORTED,
        f"""
        metadata.event_code     text  ActionType
        action_id               is    case(ActionType == "ClickAllowed" or IsClickedThrough, 1, ActionType startswith "ClickBlocked", 2, 0)
        disposition_id          is    case(ActionType == "ClickAllowed" or IsClickedThrough, 1, ActionType startswith "ClickBlocked", 2, 99)
        disposition             is    {known("ActionType")}
        http_request.url.url_string  text! Url
        http_request.url.hostname    text  {url_part("Host")}
        http_request.url.scheme      text  {url_part("Scheme")}
        http_request.url.path        text  {url_part("Path")}
        src_endpoint.ip         ip    IPAddress
        dst_endpoint.hostname   text  {url_part("Host")}
        app_name                is    Workload
        actor.user.name         text! AccountUpn
        actor.user.email_addr   text  {address("AccountUpn")}
        unmapped.NetworkMessageId text NetworkMessageId
        unmapped.ThreatTypes    text  ThreatTypes
        unmapped.IsClickedThrough flag IsClickedThrough
        """,
    ),
    Activity(3, "3002", '"Authentication"', "1", '"Logon"', ("host",)).mapped(
        "IdentityLogonEvents",
        _REPORTED,
        LOGON_STATUS,
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
    ),
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
    ).mapped(
        "CloudAppEvents",
        _REPORTED,
        f"""
        metadata.event_code     text  ActionType
        api.operation           is    {known("ActionType")}
        api.service.name        text! Application
        actor.app_name          is    {known("Application")}
        actor.user.uid          text! {CLOUD_ACCOUNT}
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
    ),
)
