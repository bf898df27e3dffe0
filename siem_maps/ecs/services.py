"""Mails, clicked links, sign-ins and cloud apps as events of ECS.

Pure.
"""

from typing import Final

from siem_maps.ecs.parts import HOST, OUTCOME, Event, related
from siem_maps.expressions import CLOUD_ACCOUNT, SENDER_IP, listed, url_part
from siem_maps.fields import Map

MAPS: Final[tuple[Map, ...]] = (
    Event(category='pack_array("email")', types='pack_array("info")').mapped(
        "EmailEvents",
        f"""
        event.action            text  DeliveryAction
        event.id                text  ReportId
        event.reason            text  ThreatTypes
        email.local_id          text  NetworkMessageId
        email.message_id        text  InternetMessageId
        email.subject           text  Subject
        email.direction         text  case(EmailDirection == "Inbound", "inbound", EmailDirection == "Outbound", "outbound", EmailDirection == "Intra-org", "internal", "")
        email.from.address      list  {listed("SenderFromAddress")}
        email.sender.address    text  SenderMailFromAddress
        email.to.address        list  {listed("RecipientEmailAddress")}
        source.ip               ip    {SENDER_IP}
        source.domain           text  SenderMailFromDomain
        """,
        related("user", "SenderFromAddress", "RecipientEmailAddress"),
    ),
    Event(category='pack_array("web")', types='pack_array("access")').mapped(
        "UrlClickEvents",
        f"""
        event.action            text  ActionType
        event.id                text  ReportId
        event.outcome           is    case(ActionType == "ClickAllowed", "success", ActionType startswith "ClickBlocked", "failure", "unknown")
        event.reason            text  ThreatTypes
        url.original            text  Url
        url.full                text  Url
        url.domain              text  {url_part("Host")}
        url.scheme              text  {url_part("Scheme")}
        url.path                text  {url_part("Path")}
        service.name            text  Workload
        source.ip               ip    IPAddress
        email.local_id          text  NetworkMessageId
        user.name               text  AccountUpn
        user.email              text  AccountUpn
        """,
        related("user", "AccountUpn"),
    ),
    Event(category='pack_array("authentication")', types='pack_array("start")').mapped(
        "IdentityLogonEvents",
        "event.action text ActionType",
        OUTCOME,
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
        HOST,
        related("user", "AccountName", "AccountUpn"),
        related("hosts", "DeviceName", "DestinationDeviceName"),
    ),
    Event(
        category='pack_array(iff(ActionType startswith "File", "file", "web"))',
        types='pack_array(case(ActionType !startswith "File", "info", ActionType has_any ("FileUploaded", "FileCopied"), '
        '"creation", ActionType has_any ("FileDeleted", "FileRecycled"), "deletion", ActionType has_any '
        '("FileModified", "FileRenamed", "FileMoved"), "change", "access"))',
    ).mapped(
        "CloudAppEvents",
        f"""
        event.action            text  ActionType
        event.id                text  ReportId
        user.id                 text  {CLOUD_ACCOUNT}
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
        related("user", "AccountDisplayName", "AccountObjectId"),
    ),
)
