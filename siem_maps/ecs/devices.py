"""Devices as events of ECS: processes, files, connections, logons, the registry.

Pure.
"""

from typing import Final

from siem_maps.ecs.parts import (
    DEVICE,
    OUTCOME,
    Event,
    hashes,
    initiating_process,
    related,
    user,
    versions,
)
from siem_maps.expressions import CONNECTED, INBOUND, REMOTE_HOST, listed
from siem_maps.fields import Map

_GRANDPARENT: Final = """
    process.parent.name     text  InitiatingProcessParentFileName
    process.parent.pid      whole InitiatingProcessParentId
    process.parent.start    moment InitiatingProcessParentCreationTime
"""


MAPS: Final[tuple[Map, ...]] = (
    Event(
        category='pack_array("process")',
        types='pack_array(iff(ActionType == "ProcessCreated", "start", "info"))',
    ).mapped(
        "DeviceProcessEvents",
        DEVICE,
        """
        process.name            text  FileName
        process.executable      text  FolderPath
        process.command_line    text  ProcessCommandLine
        process.pid             whole ProcessId
        process.start           moment ProcessCreationTime
        process.entity_id       text  ProcessUniqueId
        """,
        hashes("process"),
        versions("process", "Process"),
        initiating_process("process.parent"),
        """
        process.parent.code_signature.status text InitiatingProcessSignatureStatus
        process.parent.user.name  text InitiatingProcessAccountName
        process.parent.user.id    text InitiatingProcessAccountSid
        """,
        user(""),
        related("hash", "MD5", "SHA1", "SHA256", "InitiatingProcessSHA256"),
        related("user", "AccountName", "InitiatingProcessAccountName"),
        related("hosts", "DeviceName"),
    ),
    Event(
        category='pack_array("file")',
        types='pack_array(case(ActionType == "FileCreated", "creation", ActionType == "FileDeleted", '
        '"deletion", ActionType in ("FileModified", "FileRenamed"), "change", "info"))',
    ).mapped(
        "DeviceFileEvents",
        DEVICE,
        """
        file.name               text  FileName
        file.path               text  FolderPath
        file.extension          text  tostring(extract(@"\\.([^.\\\\/]+)$", 1, FileName))
        file.size               whole FileSize
        url.original            text  FileOriginUrl
        source.ip               ip    RequestSourceIP
        source.port             whole RequestSourcePort
        """,
        hashes("file"),
        initiating_process(),
        _GRANDPARENT,
        user("InitiatingProcess"),
        related("hash", "MD5", "SHA1", "SHA256"),
        related("user", "InitiatingProcessAccountName", "RequestAccountName"),
        related("hosts", "DeviceName"),
    ),
    Event(
        category='pack_array("network")',
        types=f'case({CONNECTED}, pack_array("connection", '
        '"start", "allowed"), ActionType == "ConnectionAttempt", pack_array("connection", "start"), '
        'ActionType startswith "Connection", pack_array("connection"), pack_array("info"))',
    ).mapped(
        "DeviceNetworkEvents",
        DEVICE,
        f"""
        event.outcome           is    case({CONNECTED}, "success", ActionType == "ConnectionFailed", "failure", "unknown")
        network.transport       text  tolower(iff(Protocol in~ ("Tcp", "Udp", "Icmp"), Protocol, ""))
        network.direction       text  iff({INBOUND}, "ingress", "egress")
        source.ip               ip    iff({INBOUND}, RemoteIP, LocalIP)
        source.port             whole iff({INBOUND}, RemotePort, LocalPort)
        destination.ip          ip    iff({INBOUND}, LocalIP, RemoteIP)
        destination.port        whole iff({INBOUND}, LocalPort, RemotePort)
        destination.domain      text  iff({INBOUND}, "", {REMOTE_HOST})
        url.original            text  RemoteUrl
        """,
        initiating_process(),
        _GRANDPARENT,
        user("InitiatingProcess"),
        "related.ip list array_concat(addresses(LocalIP), addresses(RemoteIP))",
        related("user", "InitiatingProcessAccountName"),
        related("hosts", "DeviceName"),
    ),
    Event(category='pack_array("authentication")', types='pack_array("start")').mapped(
        "DeviceLogonEvents",
        DEVICE,
        OUTCOME,
        user("", mail=False),
        """
        network.protocol        text  tolower(Protocol)
        source.ip               ip    RemoteIP
        source.port             whole RemotePort
        source.domain           text  RemoteDeviceName
        """,
        initiating_process(),
        _GRANDPARENT,
        related("user", "AccountName", "InitiatingProcessAccountName"),
        related("hosts", "DeviceName", "RemoteDeviceName"),
    ),
    Event(
        category='pack_array("registry")',
        types='pack_array(case(ActionType endswith "Created", "creation", ActionType endswith "Deleted", "deletion", "change"))',
    ).mapped(
        "DeviceRegistryEvents",
        DEVICE,
        f"""
        registry.hive           text  case(RegistryKey startswith "HKEY_LOCAL_MACHINE", "HKLM", RegistryKey startswith "HKEY_CURRENT_USER", "HKCU", RegistryKey startswith "HKEY_USERS", "HKU", "")
        registry.key            text  substring(RegistryKey, indexof(RegistryKey, @"\\") + 1)
        registry.path           text  iff(isempty(RegistryValueName), RegistryKey, strcat(RegistryKey, @"\\", RegistryValueName))
        registry.value          text  RegistryValueName
        registry.data.type      text  RegistryValueType
        registry.data.strings   list  {listed("RegistryValueData")}
        """,
        initiating_process(),
        _GRANDPARENT,
        user("InitiatingProcess"),
        related("user", "InitiatingProcessAccountName"),
        related("hosts", "DeviceName"),
    ),
)
