"""Devices as events of OCSF: processes, files, connections, logons, the registry.

Pure.
"""

from typing import Final

from siem_maps.expressions import CONNECTED, INBOUND, REMOTE_HOST
from siem_maps.fields import Map
from siem_maps.ocsf.parts import (
    ACTOR,
    DEVICE,
    DEVICE_EVENT,
    LOGON_STATUS,
    VERSION,
    Activity,
    hashes,
    initiating_process,
    known,
    milliseconds,
    user,
    versions,
)

_VALUE: Final = 'ActionType startswith "RegistryValue"'
_RENAMED: Final = 'ActionType == "FileRenamed"'


MAPS: Final[tuple[Map, ...]] = (
    Activity(
        1,
        "1007",
        '"Process Activity"',
        'iff(ActionType == "ProcessCreated", 1, 99)',
        'iff(ActionType == "ProcessCreated", "Launch", ActionType)',
    ).mapped(
        "DeviceProcessEvents",
        DEVICE_EVENT,
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
    ),
    Activity(
        1,
        "1001",
        '"File System Activity"',
        'case(ActionType == "FileCreated", 1, ActionType == "FileModified", 3, '
        'ActionType == "FileDeleted", 4, ActionType == "FileRenamed", 5, 99)',
        'case(ActionType == "FileCreated", "Create", ActionType == "FileModified", "Update", '
        'ActionType == "FileDeleted", "Delete", ActionType == "FileRenamed", "Rename", ActionType)',
    ).mapped(
        "DeviceFileEvents",
        DEVICE_EVENT,
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
    ),
    Activity(
        4,
        "4001",
        '"Network Activity"',
        f"case({CONNECTED}, 1, "
        'ActionType == "ConnectionFailed", 4, ActionType == "ListeningConnectionCreated", 7, 99)',
        f'case({CONNECTED}, "Open", '
        'ActionType == "ConnectionFailed", "Fail", ActionType == "ListeningConnectionCreated", "Listen", ActionType)',
        ("host",),
    ).mapped(
        "DeviceNetworkEvents",
        DEVICE_EVENT,
        DEVICE,
        f"""
        status_id               is    case({CONNECTED}, 1, ActionType == "ConnectionFailed", 2, 0)
        connection_info.direction_id   is   iff({INBOUND}, 1, 2)
        connection_info.protocol_name  text tolower(Protocol)
        src_endpoint.ip         ip    iff({INBOUND}, RemoteIP, LocalIP)
        src_endpoint.port       whole iff({INBOUND}, RemotePort, LocalPort)
        src_endpoint.uid        text  iff({INBOUND}, "", DeviceId)
        src_endpoint.hostname   text  iff({INBOUND}, "", DeviceName)
        dst_endpoint.ip         ip    iff({INBOUND}, LocalIP, RemoteIP)
        dst_endpoint.port       whole iff({INBOUND}, LocalPort, RemotePort)
        dst_endpoint.uid        text  iff({INBOUND}, DeviceId, "")
        dst_endpoint.hostname   text  iff({INBOUND}, DeviceName, {REMOTE_HOST})
        url.url_string          text! RemoteUrl
        """,
        ACTOR,
    ),
    Activity(3, "3002", '"Authentication"', "1", '"Logon"', ("host",)).mapped(
        "DeviceLogonEvents",
        DEVICE_EVENT,
        LOGON_STATUS,
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
    ),
    Activity(
        1,
        f"iff({_VALUE}, 201002, 201001)",
        f'iff({_VALUE}, "Registry Value Activity", "Registry Key Activity")',
        'case(ActionType == "RegistryValueSet", 2, ActionType endswith "Created", 1, '
        'ActionType endswith "Deleted", 4, ActionType == "RegistryKeyRenamed", 5, 3)',
        'case(ActionType == "RegistryValueSet", "Set", ActionType endswith "Created", "Create", '
        'ActionType endswith "Deleted", "Delete", ActionType == "RegistryKeyRenamed", "Rename", "Modify")',
    ).mapped(
        "DeviceRegistryEvents",
        DEVICE_EVENT,
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
    ),
)
